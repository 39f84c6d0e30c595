"""A behaviour funnel of many events in one Parquet file: this package, ClickHouse (chdb) and DuckDB side by side.

    python benchmarks/bench_events.py --rows 10_000_000 [--shape plain|shuffled|steps] [--chdb /path/to/python]

Each way runs in a process of its own (time, peak memory); the counts must agree or nothing is printed. The log: about
26 events a user with a heavy tail, 20 event names, 21 % of the rows are one of five steps, 2 % ties; whole-number ids,
milliseconds, row groups of a million. `--shape shuffled`: rows in random order; `steps`: every row is a step. chdb is
given its best form: rows filtered first, columns declared without nulls. chdb is no dependency: `--chdb` names a Python
that has it.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

STEPS = ["view", "cart", "details", "pay", "done"]
OTHERS = [f"other_{k}" for k in range(15)]
WINDOW_S = 7 * 86_400
DAYS = 90


def generate(path: Path, rows: int, shape: str, seed: int = 1) -> None:
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(seed)
    users = max(rows // 26, 2)
    order = rng.permutation(users).astype(np.int64)
    names = pa.array(STEPS + OTHERS)
    step_share = 1.0 if shape == "steps" else 0.21
    weight = np.array([0.45, 0.25, 0.15, 0.09, 0.06]) * step_share
    chance = np.concatenate([weight, np.full(15, (1 - step_share) / 15)])
    schema = pa.schema(
        [
            ("user_id", pa.int64()),
            ("event", pa.dictionary(pa.int32(), pa.string())),
            ("ts", pa.timestamp("ms")),
        ]
    )
    size = 1_000_000
    start = np.datetime64("2026-01-01", "ms").astype(np.int64)
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        groups = -(-rows // size)
        for number in range(groups):
            n = min(size, rows - number * size)
            user = order[(users * rng.random(n) ** 2.2).astype(np.int64)]
            low, high = (0, groups) if shape == "shuffled" else (number, number + 1)
            at = start + (DAYS * 86_400_000 * (low + (high - low) * rng.random(n)) / groups).astype(np.int64)
            if shape != "shuffled":
                at.sort()
            tie = np.flatnonzero(rng.random(n - 1) < 0.02) + 1
            user[tie], at[tie] = user[tie - 1], at[tie - 1]
            event = rng.choice(20, n, p=chance / chance.sum()).astype(np.int32)
            writer.write_table(
                pa.table(
                    [
                        pa.array(user),
                        pa.DictionaryArray.from_arrays(pa.array(event), names),
                        pa.array(at, pa.timestamp("ms")),
                    ],
                    schema=schema,
                ),
                row_group_size=size,
            )


def read(path: str) -> list[int]:
    """Only read the three columns."""
    import pyarrow.parquet as pq

    file = pq.ParquetFile(path, read_dictionary=["event"])
    return [sum(file.read_row_group(k).num_rows for k in range(file.metadata.num_row_groups))]


def ours(path: str) -> list[int]:
    from funnelnb.data.events.definition import define
    from funnelnb.data.events.in_place import scan

    return scan(path).reached(define(STEPS, within="7d"))


def honest(path: str, **options: object) -> list[int]:
    """The whole funnel: open attempts, intervals, times."""
    import funnelnb as fn

    result = fn.funnel(fn.behaviour.scan(path), STEPS, within="7d", **options)
    return [row.reached_n for row in result.steps]


def mode_strict(path: str) -> list[int]:
    return honest(path, order="strict")


def mode_any(path: str) -> list[int]:
    return honest(path, order="any")


def mode_every(path: str) -> list[int]:
    return honest(path, attempt="every")


def mode_excluded(path: str) -> list[int]:
    return honest(path, exclude=["other_1"])


def mode_gap(path: str) -> list[int]:
    return honest(path, gap="2d")


def mode_first(path: str) -> list[int]:
    return honest(path, attempt="first")


def mode_after(path: str) -> list[int]:
    return honest(path, ties="after")


def mode_stop(path: str) -> list[int]:
    return honest(path, repeats="stop")


def mode_any_shared(path: str) -> list[int]:
    """Any order, and one event is two steps: a matching."""
    import funnelnb as fn

    steps = [[STEPS[0], STEPS[1]], [STEPS[1], STEPS[2]], *STEPS[2:]]
    return [
        row.reached_n for row in fn.funnel(fn.behaviour.scan(path), steps, within="7d", order="any").steps
    ]


def chdb(path: str) -> list[int]:
    import chdb as engine

    listed = ", ".join(f"'{one}'" for one in STEPS)
    conditions = ", ".join(f"event = '{one}'" for one in STEPS)
    query = f"""
        SELECT level, count() FROM (
            SELECT user_id, windowFunnel({WINDOW_S * 1000})(toUInt64(toUnixTimestamp64Milli(ts)), {conditions}) AS level
            FROM file('{path}', Parquet, 'user_id Int64, event String, ts DateTime64(3)')
            WHERE event IN ({listed}) GROUP BY user_id
        ) GROUP BY level ORDER BY level"""
    rows = str(engine.query(query, "CSV")).split()
    counts = {int(a): int(b) for a, b in (row.split(",") for row in rows)}
    return [sum(n for level, n in counts.items() if level >= k) for k in range(1, len(STEPS) + 1)]


def duckdb(path: str) -> list[int]:
    import duckdb as engine

    con = engine.connect()
    con.execute("SET threads = 2")
    con.execute(f"CREATE TEMP VIEW log AS SELECT user_id, event, ts FROM '{path}'")
    con.execute(
        f"CREATE TEMP TABLE s1 AS SELECT user_id, ts, ts AS start FROM log WHERE event = '{STEPS[0]}'"
    )
    found = [con.execute("SELECT count(DISTINCT user_id) FROM s1").fetchone()[0]]
    for k, name in enumerate(STEPS[1:], start=2):
        con.execute(f"""CREATE TEMP TABLE s{k} AS SELECT e.user_id, e.ts, s.start
            FROM (SELECT user_id, ts FROM log WHERE event = '{name}') e
            ASOF JOIN s{k - 1} s ON e.user_id = s.user_id AND e.ts >= s.ts
            WHERE e.ts - s.start <= INTERVAL 7 DAY""")
        found.append(con.execute(f"SELECT count(DISTINCT user_id) FROM s{k}").fetchone()[0])
    return found


WAYS = {"read": read, "funnelnb": ours, "funnelnb honest": honest, "chdb": chdb, "duckdb asof": duckdb,
        "funnelnb strict": mode_strict, "funnelnb any": mode_any, "funnelnb every": mode_every,
        "funnelnb excluded": mode_excluded, "funnelnb gap": mode_gap, "funnelnb first": mode_first,
        "funnelnb after": mode_after, "funnelnb stop": mode_stop, "funnelnb any shared": mode_any_shared}  # fmt: skip


def forget(path: Path) -> None:
    """Drop a file from the page cache, so that the next way reads it from the disk."""
    os.sync()
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def one(way: str, path: str) -> None:
    begin = time.perf_counter()
    found = WAYS[way](path)
    took = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    cpu = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    print(json.dumps({"found": found, "seconds": took, "peak_mb": peak, "cpu": cpu}))


def report(best: dict[str, dict], given: argparse.Namespace, path: Path) -> None:
    """Print what each way took, if all gave the same counts."""
    plain = [way for way in ("funnelnb", "funnelnb honest", "chdb", "duckdb asof") if way in best]
    if any(best[way]["found"] != best[plain[0]]["found"] for way in plain):
        sys.exit("the counts differ: " + json.dumps({way: best[way]["found"] for way in plain}))
    print(
        f"{given.rows:,} events, {given.shape}, {path.stat().st_size / 2**20:.0f} MB; "
        + (f"cold, least time of {given.repeat}" if given.cold else f"least processor time of {given.repeat}")
    )
    for way, run in best.items():
        print(
            f"{way:18} {run['seconds']:8.2f} s  {run['cpu']:8.2f} s CPU  {run['peak_mb']:8.0f} MB  {run['found']}"
        )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=lambda text: int(text.replace("_", "")), default=1_000_000)
    parser.add_argument("--shape", default="plain", choices=["plain", "shuffled", "steps"])
    parser.add_argument("--chdb", default="")
    parser.add_argument("--file", default="")
    parser.add_argument("--ways", default="read,funnelnb,funnelnb honest,chdb,duckdb asof")
    parser.add_argument("--repeat", type=int, default=2)
    parser.add_argument(
        "--cold", action="store_true", help="drop the file from the page cache before each run"
    )
    parser.add_argument("--one", default="")
    given = parser.parse_args()
    if given.one:
        one(given.one, given.file)
        return
    path = Path(given.file or Path(tempfile.gettempdir()) / f"events_{given.shape}_{given.rows}.parquet")
    if not path.exists():
        generate(path, given.rows, given.shape)
    best: dict[str, dict] = {}
    for _ in range(given.repeat):
        for way in given.ways.split(","):
            python = given.chdb if way == "chdb" else sys.executable
            if not python:
                continue
            if given.cold:
                forget(path)
            out = subprocess.run(
                [python, __file__, "--one", way, "--file", str(path)],
                capture_output=True,
                text=True,
                check=False,
            )
            if out.returncode:
                print(way, out.stderr[-400:])
                continue
            run = json.loads(out.stdout.splitlines()[-1])
            clock = "seconds" if given.cold else "cpu"
            if way not in best or run[clock] < best[way][clock]:
                best[way] = run
    report(best, given, path)


if __name__ == "__main__":
    main()
