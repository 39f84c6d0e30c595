"""How often is the list of drivers empty where nothing drives, and how often is a planted effect on it?

Writes coverage_drivers.csv: python -m tests.reference.coverage_drivers. At 90 % at least nine null logs in ten should
have no driver, whatever the number of properties and events that are looked at.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

import funnelnb as fn
from tests.analysis.behaviour.made import log_of

if TYPE_CHECKING:
    from funnelnb.data.events.log import Events

SEED = 20_261_129
FILE = Path(__file__).with_name("coverage_drivers.csv")
SETTINGS = (
    ("150 people, 5 properties, 1 event", 150, 5, 1, 0.0, 300),
    ("1,000 people, 5 properties, 1 event", 1000, 5, 1, 0.0, 100),
    ("300 people, 20 properties, 20 events", 300, 20, 20, 0.0, 100),
    ("60 people, 20 properties, 5 events", 60, 20, 5, 0.0, 200),
    ("300 people, 5 properties, 30 points planted", 300, 5, 1, 0.30, 100),
)


def made(rng: np.random.Generator, people: int, properties: int, events: int, effect: float) -> Events:
    """Arrivals with properties of three values and events before, of which at most one value does anything."""
    rows: list[tuple[object, ...]] = []
    for person in range(people):
        day = rng.uniform(0, 20)
        values = tuple(str(one) for one in rng.integers(0, 3, properties))
        before = np.flatnonzero(rng.random(events) < 0.4)
        rows += [(person, f"before {k}", day - 0.1 - 0.01 * k, *values) for k in before]
        rows.append((person, "visit", day, *values))
        if rng.random() < 0.3 + effect * (values[0] == "0"):
            rows.append((person, "pay", day + rng.uniform(0, 3), *values))
    rows.append((people, "other", 40.0, *("0",) * properties))
    return log_of(rows, properties=[f"p{k}" for k in range(properties)])


def main() -> None:
    lines = []
    for k, (setting, people, properties, events, effect, runs) in enumerate(SETTINGS):
        rng = np.random.default_rng(SEED + k)
        right = 0
        for _ in range(runs):
            log = made(rng, people, properties, events, effect)
            names = {row.name for row in fn.behaviour.drivers(log, ["visit", "pay"], within="7d").rows}
            right += names == ({"p0"} if effect else set())
        lines.append(
            {
                "figure": "the list of drivers is right",
                "setting": setting,
                "share": right / runs,
                "runs": runs,
            }
        )
        print(lines[-1], flush=True)
    text = pd.DataFrame(lines).to_csv(index=False, float_format="%.4f", lineterminator="\n")
    made_by = f"# made by coverage_drivers.py, seeds from {SEED}, at 90 %, NumPy {np.__version__}"
    FILE.write_text(f"{made_by}\n{text}", encoding="utf-8")


if __name__ == "__main__":
    main()
