"""Durations, stuck deals and ageing of a whole book: 8,800 deals for a moved slider, a million for a report.

    python benchmarks/bench_durations.py            # the table of benchmarks/README.md

Every book is simulated and measured in a process of its own with one thread. The ledger is built before the
clock starts; what counts is processor time, which other programs disturb least.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve()
if str(HERE.parents[1]) not in sys.path:
    sys.path.insert(0, str(HERE.parents[1]))

from benchmarks import apart, measure  # noqa: E402

INSTANT_MS = 500  # of the small book; above, a moved control no longer feels direct
SMALL, LARGE = 8_800, 1_000_000


def analyses() -> dict[str, Callable[[Any], Any]]:
    """Return what is measured; each takes a book."""
    import funnelnb as fn

    return {
        "duration": fn.duration,
        "duration by segment": lambda book: fn.duration(book, by="segment"),
        "duration to advance": lambda book: fn.duration(book, to="advance"),
        "ageing": fn.ageing,
        "stuck": fn.stuck,
        "stuck by segment": lambda book: fn.stuck(book, by="segment"),
    }


def one(deals: int, unit: str, repeats: int) -> dict[str, dict[str, float]]:
    """Simulate a book and measure every analysis on it: called in a process of its own."""
    import funnelnb as fn

    floor = fn.simulate.Floor(deals_n=deals, whole_days=unit == "days")
    sales = fn.simulate.simulate(floor, seed=7)
    book = fn.load(dict(sales.tables), playbook=sales.playbook, as_of=sales.as_of)
    n = len(book.ledger.outcome)
    if n != deals:
        raise SystemExit(f"{n} deals in the book instead of {deals}")
    works = analyses()
    for work in works.values():
        work(fn.sample())  # imports
    return {
        name: measure.median([measure.measured(lambda work=work: work(book))[0] for _ in range(repeats)])
        for name, work in works.items()
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--deals", type=int, nargs="+", default=[SMALL, LARGE])
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(one(int(given.one[0]), given.one[1], int(given.one[2]))))
        return 0
    met = True
    print("| deals | times in whole | analysis | ms | MB added |\n|---|---|---|---|---|")
    for deals in given.deals:
        for unit in ("days", "seconds"):
            found = apart.run(HERE.name, "--one", str(deals), unit, "5" if deals < 100_000 else "1")
            for name, took in found.items():
                cells = (f"{deals:,}", unit, name, f"{1000 * took['cpu_s']:.0f}", f"{took['added_mb']:.0f}")
                print(f"| {' | '.join(cells)} |")
                met &= deals != SMALL or 1000 * took["cpu_s"] < INSTANT_MS
    print(f"{'met ' if met else 'MISSED'} each under {INSTANT_MS} ms of compute for {SMALL:,} deals")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
