"""Is a CSV of deals that memory does not hold stored and counted within 4 GB? `funnelnb import`, then counts by stage and region.

    python benchmarks/bench_parts.py --millions 42 [--together]

A made-up export of 15 columns without a date for any stage (119 bytes a row, 42 million rows are 5 GB), in a temporary folder
($TMPDIR). Every million rows are the same deals under other ids: the counts must be those of one million, loaded by `fn.load`,
times their number. Import and counts run in processes of their own; memory is the peak of each, the packages included.
With `--together` the deals are two files of one shape beside a history with the stages of each deal, in no order.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

STAGES = ["Qualification", "Needs Analysis", "Proposal", "Negotiation", "Closed Won"]
ROWS_N = 1_000_000


def block(n: int = ROWS_N, seed: int = 1) -> pd.DataFrame:
    """A million deals as a CRM lists them: where they stand now, and columns nobody asked for."""
    rng = np.random.default_rng(seed)
    created = np.datetime64("2024-01-01") + rng.integers(0, 700, n)
    closed = created + rng.integers(3, 200, n)
    place = rng.choice(6, n, p=[0.12, 0.13, 0.1, 0.1, 0.2, 0.35])
    stage = np.array([*STAGES, "Closed Lost"])[place]
    frame = pd.DataFrame({
        "Opportunity ID": [f"000{k:09d}" for k in range(n)], "Account Name": [f"Account {k}" for k in rng.integers(0, 90_000, n)],
        "Stage": stage, "Amount": rng.lognormal(9, 1, n).round(2), "Currency": "EUR", "Created Date": created.astype(str),
        "Close Date": np.where(place > 3, closed.astype(str), ""), "Owner": rng.choice([f"Rep {k}" for k in range(40)], n),
        "Region": rng.choice(["North", "South", "East", "West"], n), "Product": rng.choice(["Basic", "Plus", "Pro"], n),
    })  # fmt: skip
    for k in range(15 - len(frame.columns)):
        frame[f"Custom {k}"] = rng.integers(0, 1_000_000, n)
    return frame


def write(path: Path, millions: int) -> None:
    """Write the export: the first million by pandas, the others as its bytes with other ids."""
    block().to_csv(path, index=False)
    text = path.read_bytes()
    body = b"\n" + text.partition(b"\n")[2][:-1]
    with path.open("ab") as file:
        for k in range(1, millions):
            file.write(body.replace(b"\n000", b"\n%03d" % k)[1:] + b"\n")


def write_history(path: Path, millions: int) -> None:
    """Write a history of the same deals: each stage up to that of the deal, a week apart; rows shuffled within a million."""
    deals = block()
    place = deals["Stage"].map({name: k for k, name in enumerate(STAGES)}).fillna(1).to_numpy(int)
    rows = np.repeat(np.arange(len(deals)), place + 1)
    step = np.arange(len(rows)) - np.repeat(np.cumsum(place + 1) - place - 1, place + 1)
    at = deals["Created Date"].to_numpy("datetime64[D]")[rows] + 7 * step
    frame = pd.DataFrame({
        "Opportunity ID": deals["Opportunity ID"].to_numpy()[rows], "New Stage": np.array(STAGES)[step],
        "Change Date": at.astype(str),
    }).sample(frac=1, random_state=3)  # fmt: skip
    frame.to_csv(path, index=False)
    body = b"\n" + path.read_bytes().partition(b"\n")[2][:-1]
    with path.open("ab") as file:
        for k in range(1, millions):
            file.write(body.replace(b"\n000", b"\n%03d" % k)[1:] + b"\n")


def halve(path: Path) -> None:
    """Make two files of one shape out of one."""
    with path.open("rb") as whole:
        header = whole.readline()
        for name in ("deals 1.csv", "deals 2.csv"):
            with (path.parent / name).open("wb") as part:
                part.write(header)
                while part.tell() < path.stat().st_size // 2 and (chunk := whole.readlines(1 << 24)):
                    part.writelines(chunk)
                if name.endswith("2.csv"):
                    part.writelines(whole)
    path.unlink()


IMPORT = """
import sys
from funnelnb.data.contract import limits
limits.free_bytes = lambda: 1
from funnelnb.cli import main
code = main(["import", sys.argv[1], "--yes", "--out", sys.argv[2]])
"""
COUNT = """
import sys, json, funnelnb as fn
source = fn.data.stored(sys.argv[2])
by = source.stage_counts("region")
print("ANSWER", json.dumps({"groups": by.groups, "reached": by.reached_n.tolist(), "lost": by.lost_n.tolist(),
    "deals": by.deal_n.tolist(), "unplaced": None if by.unplaced_n is None else by.unplaced_n.tolist()}))
print(fn.conversion(source).finding())
"""
PEAK = """
import time
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))  # not that of the parent
print("MEASURED", time.process_time(), int(peak) / 1e6)
"""


def run(code: str, *given: str) -> tuple[float, float, dict[str, Any]]:
    """Run code in a process of its own; return its seconds of processors, its peak in GB, and its answer."""
    done = subprocess.run(
        [sys.executable, "-c", code + PEAK, *given], stdout=subprocess.PIPE, text=True, check=False
    )
    print(done.stdout)
    lines = {line.split()[0]: line.partition(" ")[2] for line in done.stdout.splitlines() if line}
    seconds, peak = map(float, lines["MEASURED"].split())
    return seconds, peak, json.loads(lines.get("ANSWER", "{}"))


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--millions", type=int, default=2)
    asked.add_argument("--together", action="store_true")
    given = asked.parse_args()
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as name:
        export, folder = Path(name) / "export", Path(name) / "stored"
        export.mkdir()
        path = export / "big.csv"
        write(path, given.millions)
        if given.together:
            write_history(export / "stage_history.csv", given.millions)
            halve(path)
        size = sum(one.stat().st_size for one in export.iterdir())
        print(
            f"{given.millions} million deals × 15 columns, {size / 1e9:.2f} GB of CSV in {len([*export.iterdir()])} files"
        )
        seconds, peak, _ = run(IMPORT, str(export if given.together else path), str(folder))
        size = sum(one.stat().st_size for one in folder.iterdir())
        print(f"import: processors {seconds:.0f} s, at most {peak:.2f} GB; {size / 1e9:.2f} GB of Parquet")
        shutil.rmtree(export)
        seconds, peak, seen = run(COUNT, str(path), str(folder))
        print(f"counts: processors {seconds:.0f} s, at most {peak:.2f} GB")
        expected = one_million(Path(name) / "one", together=given.together)
    for what, of in expected.items():
        assert seen[what] == [[given.millions * n for n in row] for row in of], (what, of, seen)
    print("as fn.load counts one million, times their number")


def one_million(folder: Path, *, together: bool) -> dict[str, Any]:
    """What fn.load makes of the first million."""
    from funnelnb.data.count.tally import stage_counts
    from funnelnb.data.load import load

    folder.mkdir()
    block().to_csv(folder / "deals.csv", index=False)
    if together:
        write_history(folder / "stage_history.csv", 1)
    counts = stage_counts(load(folder, playbook=STAGES).ledger, "region")
    found = {"reached": counts.reached_n.tolist(), "lost": counts.lost_n.tolist()}
    return found if counts.unplaced_n is None else found | {"unplaced": counts.unplaced_n.tolist()}


if __name__ == "__main__":
    main()
