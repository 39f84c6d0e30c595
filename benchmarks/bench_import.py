"""How fast are unknown exports looked through, refused, joined and read? Seconds of processor time; Polars beside the reader.

    python benchmarks/bench_import.py [rows]

Made-up files in a temporary folder. The promises: a check of 100,000 rows under 5 s, 100,000 columns refused in a second, a join
with 15,000 unmatched keys in seconds with one line, a million rows of 20 columns at no more than twice the time that Polars
takes to read and parse the same columns.
"""

from __future__ import annotations

import os
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

COLUMNS_N = 20
TURNS = 5


def cpu() -> float:
    """Processor time of this process, its threads included."""
    return time.process_time()


def deals(n: int, seed: int = 1) -> pd.DataFrame:
    """Deals as a CRM exports them, with columns nobody asked for."""
    rng = np.random.default_rng(seed)
    created = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 700, n), unit="D")
    stage = rng.choice(
        ["Qualification", "Needs Analysis", "Proposal", "Negotiation", "Closed Won", "Closed Lost"], n
    )
    ended = pd.Series(stage).str.startswith("Closed")
    frame = pd.DataFrame({
        "Opportunity ID": [f"006{k:012d}" for k in range(n)], "Account Name": [f"Account {k}" for k in rng.integers(0, n // 5 + 1, n)],
        "Stage": stage, "Amount": (rng.lognormal(9, 1, n)).round(2), "Created Date": created.strftime("%Y-%m-%d"),
        "Close Date": pd.Series((created + pd.to_timedelta(rng.integers(3, 200, n), unit="D")).strftime("%Y-%m-%d")).where(ended, ""),
        "Owner": rng.choice([f"Rep {k}" for k in range(40)], n), "Region": rng.choice(["North", "South", "East", "West"], n),
    })  # fmt: skip
    for k in range(COLUMNS_N - len(frame.columns)):
        frame[f"Custom {k}"] = rng.integers(0, 1000, n)
    return frame


def line(what: str, seconds: float, limit: float, more: str = "") -> None:
    print(
        f"{what:58} {seconds:8.2f} s   limit {limit:g} s  {'ok' if seconds <= limit else 'TOO SLOW'}  {more}"
    )


def check_of_100_000(folder: Path) -> None:
    from funnelnb.data.check import check_data
    from funnelnb.data.propose import propose

    path = folder / "deals.csv"
    deals(100_000).to_csv(path, index=False)
    begin = cpu()
    proposal = propose(path)
    looked = cpu() - begin
    report = check_data(path, mapping=proposal)
    line(
        "check of 100,000 rows × 20 columns",
        cpu() - begin,
        5,
        f"(looking {looked:.2f} s; {report.n:,} deals)",
    )


def many_columns(folder: Path) -> None:
    from funnelnb.core.errors import SourceError
    from funnelnb.data.load import load

    path = folder / "wide.csv"
    names = ",".join(f"c{k}" for k in range(100_000))
    path.write_text(names + "\n" + ("1," * 99_999 + "1\n") * 3, encoding="utf-8")
    begin = cpu()
    try:
        load(path)
    except SourceError as error:
        line("100,000 columns refused", cpu() - begin, 1, str(error).splitlines()[0][:60])


def unmatched_join(folder: Path) -> None:
    from funnelnb.data.load import load

    rng = np.random.default_rng(2)
    n = 30_000
    frame = deals(n)
    frame["Owner"] = [f"person {rng.integers(1e9)}" if k % 2 else f"Rep {k % 40}" for k in range(n)]
    part = folder / "join"
    part.mkdir()
    frame.to_csv(part / "deals.csv", index=False)
    pd.DataFrame({"Owner": [f"Rep {k}" for k in range(40)], "Team": ["A", "B"] * 20}).to_csv(
        part / "people.csv", index=False
    )
    settings: dict[str, Any] = {"tables": {"opportunities": {"file": "deals.csv", "joins": [
        {"file": "people.csv", "on": {"Owner": "Owner"}, "columns": {"team": "Team"}}]}}}  # fmt: skip
    begin = cpu()
    book = load(
        part,
        mapping=settings,
        playbook=["Qualification", "Needs Analysis", "Proposal", "Negotiation", "Closed Won"],
    )
    told = [note for note in book.notes if note.code.startswith("join_unmatched")]
    line("join with 15,000 unmatched keys", cpu() - begin, 10, f"({len(told)} line)")


def a_million(folder: Path, n: int) -> None:
    import polars as pl

    from funnelnb.data.load import load

    path = folder / "million.csv"
    deals(n).to_csv(path, index=False)
    size = path.stat().st_size / 1e6
    stages = ["Qualification", "Needs Analysis", "Proposal", "Negotiation", "Closed Won"]
    seconds: dict[str, list[float]] = {"ours": [], "theirs": []}
    for _ in range(TURNS):
        begin = cpu()
        book = load(path, playbook=stages)
        seconds["ours"].append(cpu() - begin)
        deals_n = len(book)
        del book
        begin = cpu()
        frame = pl.read_csv(path, infer_schema_length=0)
        frame = frame.with_columns(
            pl.col("Amount").cast(pl.Float64),
            pl.col("Created Date").str.to_date(),
            pl.col("Close Date").str.to_date(strict=False),
        )
        seconds["theirs"].append(cpu() - begin)
        rows_n = len(frame)
        del frame
    ours, theirs = (statistics.median(seconds[one]) for one in ("ours", "theirs"))
    turns = ", ".join(f"{a:.2f} : {b:.2f}" for a, b in zip(*seconds.values(), strict=True))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"{n:,} rows × {COLUMNS_N} columns, {size:.0f} MB: funnelnb {ours:.2f} s ({deals_n:,} deals), Polars read and parse "
          f"{theirs:.2f} s ({rows_n:,} rows): {ours / theirs:.2f} × (medians; in turn {turns}); at most {peak:.2f} GB")  # fmt: skip


def main() -> None:
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as name:
        folder = Path(name)
        for part in ("check", "wide", "mill"):
            (folder / part).mkdir()
        check_of_100_000(folder / "check")
        many_columns(folder / "wide")
        unmatched_join(folder)
        a_million(folder / "mill", n)


if __name__ == "__main__":
    main()
