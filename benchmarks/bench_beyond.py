"""Deals beyond memory: stage, stay and time counts where the rows lie, DuckDB over Parquet files of growing size.

    python benchmarks/bench_beyond.py --rows 1_000_000 10_000_000 [100_000_000] [--limit 2GB]

History rows of 10⁶ to 10⁸ in whole days, as a CRM exports them, four for each deal, text ids. Per size: seconds, processor time, peak memory of the process and seconds per million history rows. The files are written
piece by piece, so that writing them takes no memory either. Of the smallest size the counts must be those of the
ledger in memory, or nothing is printed; every size is counted in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

PIECE = 250_000
"""Deals of a file: four history rows each."""


def generate(folder: Path, rows: int) -> None:
    """Write the tables in pieces of a million history rows."""
    from benchmarks import bench_ledger

    for number in range(max(1, round(rows / 4 / PIECE))):
        piece = folder / f"{number:04d}"
        piece.mkdir(parents=True)
        bench_ledger.generate(
            piece, min(PIECE, rows // 4), seed=20_261_128 + number, first_id=number * PIECE, unit_s=86_400
        )


def scanned(folder: Path, limit: str, spill: Path) -> Any:
    """Return the tables of a folder as they are counted by DuckDB."""
    import duckdb

    from benchmarks import ways
    from funnelnb.data.count.scan import Scan

    engine = duckdb.connect()
    engine.execute(f"SET memory_limit = '{limit}'")
    engine.execute(f"SET temp_directory = '{spill}'")
    engine.execute("SET threads = 2")
    engine.execute("SET preserve_insertion_order = false")
    deals, history = (
        engine.read_parquet(f"{folder}/*/{name}.parquet") for name in ("opportunities", "stage_history")
    )
    return Scan(deals, history, playbook=ways.PLAYBOOK, as_of=ways.AS_OF)


def counted(source: Any) -> dict[str, Any]:
    """Count the deals at each stage, how stays end, and the times from the first stage to the win, by region."""
    from benchmarks import ways

    stages, stays = source.stage_counts("region"), source.stay_counts("region")
    times = source.time_counts(0, ways.WON, "region")
    return {
        "stages": [
            getattr(stages, name).tolist() for name in ("deal_n", "reached_n", "here_n", "lost_n", "left_n")
        ],
        "stays": [getattr(stays, name).tolist() for name in ("entered_n", "advanced_n", "back_n", "still_n")],
        "times": [int(times.n.sum()), int((times.time_s * times.n).sum())],
    }


def one(folder: Path, limit: str) -> dict[str, Any]:
    """Count once, and measure."""
    with tempfile.TemporaryDirectory() as spill:
        began = time.perf_counter()
        source = scanned(folder, limit, Path(spill))
        found = counted(source)
        took = time.perf_counter() - began
    used = resource.getrusage(resource.RUSAGE_SELF)
    if not source.counts_there:
        raise SystemExit("the tables were pulled into memory: nothing is measured")
    return {
        "s": took,
        "cpu_s": used.ru_utime + used.ru_stime,
        "peak_mb": used.ru_maxrss / 1024,
        "found": found,
    }


def agrees(folder: Path, found: dict[str, Any]) -> None:
    """Stop unless the ledger in memory counts the same."""
    import pandas as pd

    from benchmarks import ways
    from funnelnb.data.count.scan import Scan

    tables = [
        pd.concat(map(pd.read_parquet, sorted(folder.glob(f"*/{name}.parquet"))), ignore_index=True)
        for name in ("opportunities", "stage_history")
    ]
    here = counted(Scan(*tables, playbook=ways.PLAYBOOK, as_of=ways.AS_OF))
    if json.dumps(here) != json.dumps(found):
        raise SystemExit(f"the counts differ: {found} where they lie, {here} in memory")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--rows", type=lambda text: int(text.replace("_", "")), nargs="+", default=[1_000_000, 10_000_000]
    )
    parser.add_argument("--limit", default="2GB", help="memory that DuckDB may take")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(one(given.one, given.limit)))
        return
    lines = []
    for rows in sorted(given.rows):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            generate(folder, rows)
            command = [sys.executable, __file__, "--one", str(folder), "--limit", given.limit]
            run = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            if not lines:
                agrees(folder, run["found"])
        million = rows / 1e6
        lines.append(
            f"| {rows:,} | {run['s']:.1f} | {run['cpu_s']:.1f} | {run['cpu_s'] / million:.2f} | {run['peak_mb']:,.0f} |"
        )
        print(lines[-1], file=sys.stderr)
    print("| history rows | s | processors s | of them per million rows | peak MB |\n|---|---|---|---|---|")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
