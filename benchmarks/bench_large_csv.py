"""Does a CSV larger than memory give answers? DuckDB makes Parquet of it and `fn.data.Scan` counts that, both held to a limit.

    python benchmarks/bench_large_csv.py --millions 40 [--limit 1GB] [--no-count]

A made-up export of 20 columns with a date for each stage (125 bytes a row, 40 million rows are 5 GB), in a temporary folder ($TMPDIR).
Every million rows are the same deals under other ids: the counts must be those of one million, loaded by `fn.load`, times
their number. Memory is the peak of the process that converts and counts, the packages included.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

STAGES = ["lead", "qualified", "offer", "negotiation"]
ROWS_N = 1_000_000


def block(n: int = ROWS_N, seed: int = 1) -> pd.DataFrame:
    """A million deals as a CRM exports them: where they stand, when they came there, and columns nobody asked for."""
    rng = np.random.default_rng(seed)
    created = np.datetime64("2024-01-01") + rng.integers(0, 700, n)
    reached = rng.integers(1, len(STAGES) + 1, n)
    outcome = np.where(
        reached == len(STAGES), rng.choice(["won", "open", "lost"], n), rng.choice(["open", "lost"], n)
    )
    entered = [created + k * rng.integers(1, 20, n) for k in range(len(STAGES))]
    entered = list(np.maximum.accumulate(np.array(entered), axis=0))
    frame = pd.DataFrame({
        "Deal ID": [f"000{k:09d}" for k in range(n)], "Region": rng.choice(["North", "South", "East", "West"], n),
        "Owner": rng.choice([f"Rep {k}" for k in range(40)], n), "Amount": rng.lognormal(9, 1, n).round(2),
        "Created": created.astype(str), "Outcome": outcome,
        "Closed": np.where(outcome == "open", "", (entered[-1] + rng.integers(0, 30, n)).astype(str)),
    })  # fmt: skip
    for k, name in enumerate(STAGES):
        frame[f"Entered {name}"] = np.where(reached > k, entered[k].astype(str), "")
    for k in range(20 - len(frame.columns)):
        frame[f"Custom {k}"] = rng.integers(0, 1000, n)
    return frame


def write(path: Path, millions: int) -> None:
    """Write the export: the first million by pandas, the others as its bytes with other ids."""
    block().to_csv(path, index=False)
    text = path.read_bytes()
    body = b"\n" + text.partition(b"\n")[2][:-1]
    with path.open("ab") as file:
        for k in range(1, millions):
            file.write(body.replace(b"\n000", b"\n%03d" % k)[1:] + b"\n")


def answers(folder: str, limit: str, count: bool, queue: Any) -> None:
    """Convert and count in a process of its own; put what was seen into the queue."""
    import duckdb

    from funnelnb.data.count.scan import Scan

    begin, wall = time.process_time(), time.perf_counter()
    crm = duckdb.connect()
    crm.execute(
        f"SET memory_limit = '{limit}'; SET temp_directory = '{folder}/spill'; SET preserve_insertion_order = false"
    )
    dates = ", ".join(f'"Entered {one}"' for one in STAGES)
    crm.execute(f"""COPY (SELECT "Deal ID" AS opportunity_id, "Region" AS region, "Owner" AS owner, "Amount" AS amount,
        "Created" AS created_at, "Closed" AS closed_at, "Outcome" AS outcome
        FROM read_csv('{folder}/big.csv', types = {{'Deal ID': 'VARCHAR', 'Closed': 'DATE'}})) TO '{folder}/deals.parquet'""")  # fmt: skip
    crm.execute(f"""COPY (SELECT * FROM (SELECT "Deal ID" AS opportunity_id, unnest({STAGES}) AS stage,
        unnest([{dates}]) AS entered_at FROM read_csv('{folder}/big.csv', types = {{'Deal ID': 'VARCHAR'}}))
        WHERE entered_at IS NOT NULL) TO '{folder}/history.parquet'""")  # fmt: skip
    seen: dict[str, Any] = {"converted": (time.process_time() - begin, time.perf_counter() - wall, peak())}
    if count:
        deals, history = (crm.read_parquet(f"{folder}/{one}.parquet") for one in ("deals", "history"))
        source = Scan(deals, history, playbook=model(), as_of="2026-12-31")
        seen["counts"] = source.stage_counts("region").reached_n.tolist()
        seen["there"] = source.counts_there
    else:
        sql = f"SELECT count(*), count(DISTINCT stage) FROM '{folder}/history.parquet'"
        seen["rows"] = (
            crm.execute(f"SELECT count(*) FROM '{folder}/deals.parquet'").fetchall()
            + crm.execute(sql).fetchall()
        )
    seen["all"] = (time.process_time() - begin, time.perf_counter() - wall, peak())
    queue.put(seen)


def model() -> Any:
    from funnelnb.playbooks import playbook_from_stages

    return playbook_from_stages([*STAGES, "won"])


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--millions", type=int, default=4)
    asked.add_argument("--limit", default="1GB")
    asked.add_argument("--no-count", action="store_true")
    given = asked.parse_args()
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        path = Path(folder) / "big.csv"
        write(path, given.millions)
        away = multiprocessing.get_context("spawn")
        queue = away.Queue()
        worker = away.Process(target=answers, args=(folder, given.limit, not given.no_count, queue))
        worker.start()
        seen = queue.get()
        worker.join()
        print(
            f"{given.millions} million rows × 20 columns, {path.stat().st_size / 1e9:.2f} GB of CSV, DuckDB held to {given.limit}"
        )
        for what in ("converted", "all"):
            print(
                f"{what}: processors {seen[what][0]:.1f} s, {seen[what][1]:.1f} s by the clock, at most {seen[what][2]:.2f} GB"
            )
        if given.no_count:
            print(seen["rows"])
            return
        print(f"counted by the engine: {seen['there']}; reached {seen['counts']}")
    expected = one_million()
    assert seen["counts"] == [[given.millions * n for n in row] for row in expected], expected
    print("as fn.load counts one million, times their number")


def one_million() -> list[list[int]]:
    """What fn.load makes of the first million."""
    from funnelnb.data.count.tally import stage_counts
    from funnelnb.data.load import load

    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        block().to_csv(Path(folder) / "deals.csv", index=False)
        book = load(
            Path(folder) / "deals.csv", playbook=[*STAGES, "won"], as_of="2026-12-31",
            mapping={"as_of_reason": "benchmark", "tables": {"opportunities": {
                "stage_dates": {one: f"Entered {one}" for one in STAGES},
                "columns": {"opportunity_id": "Deal ID", "amount": "Amount", "created_at": "Created", "closed_at": "Closed",
                            "outcome": "Outcome", "region": "Region"}}}},
        )  # fmt: skip
        found: list[list[int]] = stage_counts(book.ledger, "region").reached_n.tolist()
        return found


if __name__ == "__main__":
    main()
