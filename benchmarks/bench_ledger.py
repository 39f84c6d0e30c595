"""Ledger and counts on 1 M deals / 4 M history rows: funnelnb against hand-written pandas, Polars and DuckDB.

    python benchmarks/bench_ledger.py            # the table of benchmarks/README.md
    python benchmarks/bench_ledger.py --deals 100000

Every way runs in a process of its own on the same Parquet files, read before the clock starts; the ways take turns.
All ways must give equal counts, or there is no table.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve()
if str(HERE.parents[1]) not in sys.path:
    sys.path.insert(0, str(HERE.parents[1]))

from benchmarks import ways  # noqa: E402

TARGETS = (
    ("pandas", "at least 5 x faster than pandas", lambda ours, other: other / ours >= 5),
    ("polars", "at least 1.5 x faster than Polars", lambda ours, other: other / ours >= 1.5),
    ("duckdb", "at least 1.5 x faster than DuckDB", lambda ours, other: other / ours >= 1.5),
)
MEMORY_SHARE = 0.6
SLIDER_MS = 50


def generate(folder: Path, deal_n: int, *, seed: int = 20261123, first_id: int = 0, unit_s: int = 1) -> None:
    """Write opportunities.parquet and stage_history.parquet: text ids, rows in the order they were written."""
    rng = np.random.default_rng(seed)
    positions = len(ways.STAGES)
    won = positions - 1
    start = np.datetime64("2024-01-01", "s").astype(np.int64)
    created = start + rng.integers(0, 700 * 86_400, deal_n)
    rows_n = rng.integers(1, 8, deal_n)  # 4 on average
    deal = np.repeat(np.arange(deal_n), rows_n)
    first = np.cumsum(rows_n) - rows_n
    step = rng.choice([1, 1, 1, 1, 2, 0, -1], len(deal))
    step[first] = rng.random(deal_n) < 0.05
    place = np.cumsum(step)
    place = np.clip(place - np.repeat(place[first] - step[first], rows_n), 0, won - 1)
    wait = (rng.exponential(9 * 86_400, len(deal))).astype(np.int64)
    wait[first] = np.where(rng.random(deal_n) < 0.5, 0, wait[first] // 4)
    entered = np.cumsum(wait)
    entered = np.repeat(created, rows_n) + entered - np.repeat(entered[first] - wait[first], rows_n)
    last = entered[first + rows_n - 1]
    outcome = rng.choice(["open", "won", "lost", "left"], deal_n, p=[0.3, 0.3, 0.35, 0.05])
    closed = last + rng.integers(3600, 20 * 86_400, deal_n)
    created, entered, closed = (one // unit_s * unit_s for one in (created, entered, closed))
    width = len(str(first_id + deal_n))
    ids = np.array([f"006-{first_id + k:0{width}d}" for k in rng.permutation(deal_n)], dtype=object)
    amount = np.round(rng.lognormal(9, 1.1, deal_n), 2)
    amount[rng.random(deal_n) < 0.02] = np.nan
    opportunities = pd.DataFrame(
        {
            "opportunity_id": pd.array(ids, dtype="str"),
            "created_at": created.astype("datetime64[s]").astype("datetime64[us]"),
            "closed_at": pd.Series(closed.astype("datetime64[s]").astype("datetime64[us]")).mask(
                outcome == "open"
            ),
            "outcome": pd.array(outcome, dtype="str"),
            "amount": amount,
            "region": pd.array(
                rng.choice(["East", "North", "South", "West", "Central", "Export"], deal_n), dtype="str"
            ),
        }
    )
    written = np.argsort(entered, kind="stable")
    history = pd.DataFrame(
        {
            "opportunity_id": pd.array(ids[deal[written]], dtype="str"),
            "stage": pd.array(np.array(ways.STAGES, dtype=object)[place[written]], dtype="str"),
            "entered_at": entered[written].astype("datetime64[s]").astype("datetime64[us]"),
        }
    )
    opportunities.to_parquet(folder / "opportunities.parquet")
    history.to_parquet(folder / "stage_history.parquet")


def one(folder: Path, name: str) -> dict[str, object]:
    """Run one way once and measure it: called in a process of its own."""
    way = ways.WAYS[name]
    tables = way.read(folder)
    way.count(*way.read(folder / "small"))  # imports and caches
    _forget_peak()
    before = _memory("VmRSS")
    began = time.perf_counter()
    counts = way.count(*tables)
    seconds = time.perf_counter() - began
    return {"s": seconds, "peak_mb": _memory("VmHWM"), "input_mb": before, "counts": counts}


def _forget_peak() -> None:
    """Start the kernel's peak-memory mark anew, so that reading the files does not count."""
    Path("/proc/self/clear_refs").write_text("5")


def _memory(field: str) -> float:
    line = next(x for x in Path("/proc/self/status").read_text().splitlines() if x.startswith(field))
    return int(line.split()[1]) / 1024


def slider(deal_n: int = 8_800) -> float:
    """Median milliseconds from a chosen region to all new counts."""
    from funnelnb.data.book import Book
    from funnelnb.data.count.tally import stage_counts, stay_counts, time_counts

    with tempfile.TemporaryDirectory() as name:
        generate(Path(name), deal_n)
        opportunities, history = ways.WAYS["funnelnb on pandas"].read(Path(name))
    book = Book(
        tables={"opportunities": opportunities, "stage_history": history},
        playbook=ways.PLAYBOOK,
        as_of=ways.AS_OF,
    )
    spent = []
    stage_counts(book.ledger, "region")  # what the notebook showed before the slider moved
    for round_ in range(30):
        wanted = [region for k, region in enumerate(ways.REGIONS) if k != round_ % 6]
        began = time.perf_counter()
        ledger = book.where(region=wanted).ledger
        stage_counts(ledger, "region")
        stay_counts(ledger, "region")
        for origin, target in [*((k, k + 1) for k in range(ways.WON)), (0, ways.WON)]:
            time_counts(ledger, origin, target, "region")
        spent.append(time.perf_counter() - began)
    return 1000 * statistics.median(spent[3:])


def compare(folder: Path, rounds: int) -> dict[str, dict[str, float]]:
    """Let the ways take turns, check that they agree, return medians."""
    runs: dict[str, list[dict[str, object]]] = {name: [] for name in ways.WAYS}
    for round_ in range(rounds):
        for name in ways.WAYS:
            command = [sys.executable, str(HERE), "--one", name, "--folder", str(folder)]
            output = subprocess.run(
                command, check=True, capture_output=True, text=True, env={**os.environ}
            ).stdout
            runs[name].append(json.loads(output))
            print(f"round {round_ + 1}  {name:24s} {runs[name][-1]['s']:.2f} s", file=sys.stderr)
    reference = runs["pandas"][0]["counts"]
    for name, results in runs.items():
        for result in results:
            ways.must_agree(name, result["counts"], reference)
    measures = ("s", "peak_mb", "input_mb")
    return {name: {m: statistics.median(r[m] for r in runs[name]) for m in measures} for name in runs}


def report(medians: dict[str, dict[str, float]], slider_ms: float) -> bool:
    """Print the table and the targets; return whether all are met."""
    best = medians["funnelnb on pandas"]
    print("| way | s | x of funnelnb on pandas | peak MB | of it input MB |")
    print("|---|---|---|---|---|")
    for name, m in medians.items():
        print(
            f"| {name} | {m['s']:.2f} | {m['s'] / best['s']:.1f} | {m['peak_mb']:.0f} | {m['input_mb']:.0f} |"
        )
    met = []
    for engine, sentence, holds in TARGETS:
        ours, other = medians[f"funnelnb on {engine}"]["s"], medians[engine]["s"]
        met.append(holds(ours, other))
        print(f"{'met ' if met[-1] else 'MISSED'} {sentence}: {other / ours:.1f} x")
    share = best["peak_mb"] / medians["pandas"]["peak_mb"]
    met.append(share <= MEMORY_SHARE)
    print(f"{'met ' if met[-1] else 'MISSED'} at most 60 % of pandas' peak memory: {share:.0%}")
    met.append(slider_ms < SLIDER_MS)
    print(f"{'met ' if met[-1] else 'MISSED'} from slider to new counts on 8,800 deals: {slider_ms:.0f} ms")
    return all(met)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--deals", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", choices=list(ways.WAYS), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(one(given.folder, given.one)))
        return 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "small").mkdir()
        generate(folder, given.deals)
        generate(folder / "small", 2_000)
        medians = compare(folder, given.rounds)
    return 0 if report(medians, slider()) else 1


if __name__ == "__main__":
    sys.exit(main())
