"""Weekly reports: processor time at 8,800 deals of 35 people, and at more.

Run: python benchmarks/bench_weekly.py [--deals 1000000]

Limits: 2 s at 8,800 deals and 35 people, 60 s at a million deals. Times are of the processor and hold the book's ledger,
the symptoms of everybody and of each person, parts, outlook and next steps.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace

import numpy as np
import pandas as pd

import funnelnb as fn
from benchmarks.bench_forecast import book_of

SMALL, PEOPLE, LIMIT_S, LARGE_LIMIT_S = 8_800, 35, 2.0, 60.0


def with_people(n: int) -> fn.Book:
    """Return a book of `n` deals, 35 people and their quarterly targets."""
    book = book_of(n)
    rng = np.random.default_rng(2)
    names = [f"Seller {k}" for k in range(PEOPLE)]
    deals = book.opportunities.assign(owner=pd.Series(rng.choice(names, n), dtype="str"))
    quarters = pd.period_range("2024Q1", "2025Q4", freq="Q").astype(str).str.replace("Q", "-Q")
    fair = float(deals.loc[deals["outcome"] == "won", "amount"].sum()) / PEOPLE / 10
    targets = pd.DataFrame(
        [(one, name, fair) for one in quarters for name in names], columns=["period", "owner", "amount"]
    ).astype({"period": "str", "owner": "str"})
    return replace(book, tables={**book.tables, "opportunities": deals, "targets": targets})


def seconds(n: int) -> float:
    """Return the processor time of the first report of a book."""
    book = with_people(n)
    start = time.process_time()
    report = fn.weekly_report(book, period="month")
    took = time.process_time() - start
    print(
        f"{n:>9,} deals: {took:.2f} s, {len(report.problems)} problems, {len(report.parts)} parts", flush=True
    )
    return took


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--deals", type=int, default=0, help="a larger book beside the small one")
    asked = parser.parse_args()
    with_people(500)  # modules are loaded
    late = seconds(SMALL) > LIMIT_S
    if asked.deals:
        late |= seconds(asked.deals) > LARGE_LIMIT_S
    return int(late)


if __name__ == "__main__":
    sys.exit(main())
