"""Forecasts, scorecards and snapshots: processor time and size, at 8,800 deals and at more.

Run: python benchmarks/bench_forecast.py [--deals 1000000] [--json FILE]

Limits: a forecast of 8,800 deals under 100 ms, a scorecard of 12 months x 3 leads under 3 s there and under 60 s at a
million deals; appending a million deals under 10 s, and ten snapshots of which 5 % of the rows changed at most 30 % of the
CSV. Times are of the processor: other work on the machine does not count.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

import funnelnb as fn
from funnelnb.data.book import Book
from funnelnb.playbooks import playbook_from_stages

MODEL = playbook_from_stages(["lead", "offer", "contract", "won"])
DAYS = 900


def book_of(n: int, seed: int = 1) -> Book:
    """Return a book of `n` deals over 900 days, with a history of three stages."""
    rng = np.random.default_rng(seed)
    created = np.sort(rng.integers(0, DAYS, n))
    steps = np.cumsum(rng.gamma(1.5, [10, 15, 20], (n, 3)).astype(int), axis=1) + created[:, None]
    reached = rng.choice(4, n, p=[0.35, 0.25, 0.12, 0.28])
    last = np.where(reached == 3, steps[:, 2], steps[np.arange(n), np.minimum(reached, 2)])
    over = last < DAYS
    outcome = np.where(over, np.where(reached == 3, "won", "lost"), "open")
    base = np.datetime64("2023-01-01")

    def day(values):
        return (base + values.astype("timedelta64[D]")).astype("datetime64[us]")

    ids = pd.Series([f"006{k:012d}" for k in range(n)], dtype="str")
    closed = pd.Series(day(last)).where(over)
    deals = pd.DataFrame({
        "opportunity_id": ids, "account_id": pd.Series(rng.integers(0, n // 4, n)).map("A{}".format).astype("str"),
        "owner": pd.Series(rng.choice([f"Seller {k}" for k in range(60)], n), dtype="str"),
        "region": pd.Series(rng.choice(["East", "North", "South", "West"], n), dtype="str"),
        "product": pd.Series(rng.choice(list("abcdefg"), n), dtype="str"),
        "stage": pd.Series(np.array(["lead", "offer", "contract", "won"])[reached], dtype="str"),
        "amount": np.round(rng.lognormal(10, 1, n), 2), "created_at": day(created), "closed_at": closed,
        "outcome": pd.Series(outcome, dtype="str"), "expected_close_at": day(created + rng.integers(20, 150, n)),
        "probability": np.round(rng.random(n), 1),
    })  # fmt: skip
    rows = [(np.arange(n), "lead", created)]
    rows += [
        (np.flatnonzero(reached > k), name, steps[reached > k, k])
        for k, name in enumerate(("offer", "contract"))
    ]
    history = pd.concat(
        pd.DataFrame({"opportunity_id": ids.to_numpy()[who], "stage": name, "entered_at": day(at)})
        for who, name, at in rows
    ).astype({"opportunity_id": "str", "stage": "str"})
    history = history[history["entered_at"] < np.datetime64(base + DAYS)].reset_index(drop=True)
    return Book(
        tables={"opportunities": deals, "stage_history": history}, playbook=MODEL,
        as_of=np.datetime64(base + DAYS - 1, "s"), currency="EUR",
    )  # fmt: skip


def seconds(call, times=3):
    """Processor time of the fastest of some calls."""
    found = []
    for _ in range(times):
        start = time.process_time()
        call()
        found.append(time.process_time() - start)
    return min(found)


def fresh(book):
    """Return the book with its ledger, but without any forecast kept."""
    made = replace(book)
    made.__dict__["ledger"] = book.ledger
    return made


def kept(book: Book, snapshots: int = 10) -> list[dict[str, object]]:
    """Append snapshots of which 5 % of the deals changed; return times and size against the CSV."""
    rng = np.random.default_rng(2)
    book = replace(book, tables={"opportunities": book.opportunities})
    deals, times = book.opportunities.copy(), []
    with tempfile.TemporaryDirectory() as folder:
        csv = Path(folder) / "deals.csv"
        deals.to_csv(csv, index=False)
        store = fn.snapshots(Path(folder) / "store")
        for k in range(snapshots):
            if k:
                mine = rng.random(len(deals)) < 0.05
                deals.loc[mine, "amount"] = np.round(
                    deals.loc[mine, "amount"] * rng.uniform(0.8, 1.2, mine.sum()), 2
                )
                deals.loc[mine, "expected_close_at"] += pd.Timedelta(days=14)
            day = book.as_of + np.timedelta64(7 * k, "D")
            now = replace(book, tables={"opportunities": deals.copy()}, as_of=day)
            times.append(seconds(lambda now=now: store.append(now), 1))
        size = sum(path.stat().st_size for path in store.path.rglob("*") if path.is_file())
        share = size / csv.stat().st_size
    return [
        {"what": f"append {len(deals):,} deals, slowest", "value": max(times), "limit": 10.0, "unit": "s"},
        {"what": "ten snapshots / the CSV", "value": share, "limit": 0.3, "unit": ""},
    ]


def main() -> int:
    """Print the table; exit 1 if a limit does not hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--deals", type=int, default=100_000)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    small, large = book_of(8_800), book_of(given.deals)
    leads = (0, 30, 60)
    fn.forecast(small, "2025-Q3", by="region")
    rows = [
        {"what": "forecast, 8,800 deals", "value": seconds(lambda: fn.forecast(small, "2025-Q3", by="region")),
         "limit": 0.1, "unit": "s"},
        {"what": "the same, its record scored first", "value": seconds(lambda: fn.forecast(fresh(small), "2025-Q3")),
         "limit": np.inf, "unit": "s"},
        {"what": "scorecard, 8,800 deals", "value": seconds(lambda: fn.scorecard(fresh(small), "month", leads)),
         "limit": 3.0, "unit": "s"},
    ]  # fmt: skip
    large.ledger  # noqa: B018 - built once for all questions
    rows += [
        {"what": f"scorecard, {given.deals:,} deals", "value": seconds(lambda: fn.scorecard(fresh(large), "month", leads), 1),
         "limit": 60.0, "unit": "s"},
        *kept(large),
    ]  # fmt: skip
    for row in rows:
        row["holds"] = bool(row["value"] <= row["limit"])
        print(
            f"{row['what']:44}{row['value']:9.3f} {row['unit']:2} limit {row['limit']:g}{'' if row['holds'] else '  MISSED'}"
        )
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    return 0 if all(row["holds"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
