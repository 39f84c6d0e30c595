"""Does ``rules="clickhouse"`` count as ClickHouse does? Random short logs, person by person, beside chdb.

    python benchmarks/agree_events.py --chdb /path/to/python [--logs 4000] [--seed 5]

Up to eight events of each person on fourteen instants, so that ties, repeats and breaks are everywhere. Printed is, for each list of
steps and each mode of ``windowFunnel``, how many people come to another level, and how many of those have no two events at one instant.
chdb is no dependency: `--chdb` names a Python that has it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

WINDOW_S = 6
LISTS = {"A B C": "ABC", "A B C D": "ABCD", "A B A": "ABA", "A A/B C": ("A", "AB", "C")}
MODES = {
    "": {},
    "strict_once": {"reuse": False},
    "strict_increase": {"ties": "after"},
    "strict_deduplication": {"repeats": "stop"},
    "strict_order": {"order": "strict"},
}


def theirs(path: str) -> None:
    """Print the level of each person under each list and mode, as ClickHouse counts it; runs in the Python of `--chdb`."""
    import chdb

    found = {}
    for name, steps in LISTS.items():
        conditions = ", ".join(f"e IN ({', '.join(repr(one) for one in step)},'')" for step in steps)
        for mode in MODES:
            more = f", '{mode}'" if mode else ""
            query = f"""SELECT u, windowFunnel({WINDOW_S}{more})(toUInt32(t), {conditions})
                FROM file('{path}', CSVWithNames, 'u Int64, e String, t Int64') GROUP BY u ORDER BY u"""
            rows = str(chdb.query(query, "CSV")).split()
            found[f"{name}|{mode}"] = [int(row.split(",")[1]) for row in rows]
    print(json.dumps(found))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--chdb", default="")
    parser.add_argument("--logs", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--theirs", default="")
    given = parser.parse_args()
    if given.theirs:
        theirs(given.theirs)
        return
    import numpy as np
    import pandas as pd

    import funnelnb as fn

    rng = np.random.default_rng(given.seed)
    who = np.repeat(np.arange(given.logs), rng.integers(1, 9, given.logs))
    event = rng.choice(list("ABCDX"), len(who), p=[0.3, 0.25, 0.2, 0.15, 0.1])
    made = pd.DataFrame({"u": who, "e": event, "t": rng.integers(0, 14, len(who))}).sort_values(["u", "t"])
    path = Path(tempfile.mkdtemp()) / "logs.csv"
    made.to_csv(path, index=False)
    out = subprocess.run(
        [given.chdb, __file__, "--theirs", str(path)], capture_output=True, text=True, check=False
    )
    if out.returncode:
        sys.exit(out.stderr[-600:])
    time = pd.Timestamp("2026-01-01") + pd.to_timedelta(made["t"], unit="s")
    log = fn.events(
        pd.DataFrame({"user_id": made["u"].astype(str), "event": made["e"], "time": time}), as_of="2026-02-01"
    )
    tied = made[made.duplicated(["u", "t"])]["u"].unique()
    for key, level in json.loads(out.stdout).items():
        name, mode = key.split("|")
        steps = [list(one) for one in LISTS[name]]
        units = fn.funnel(log, steps, within=f"{WINDOW_S}s", rules="clickhouse", **MODES[mode]).counted.units
        ours = np.zeros(given.logs, int)
        ours[[int(log.actors[one]) for one in units.unit]] = units.depth
        other = np.flatnonzero(ours != np.array(level))
        untied = len(np.setdiff1d(other, tied))
        print(
            f"{name:9} {mode or 'windowFunnel':21} {len(other):5} of {given.logs} differ, "
            f"{untied} of {given.logs - len(tied)} without ties"
        )


if __name__ == "__main__":
    main()
