"""How often do ranges of forecasts hold what comes, on floors of known truth?

Writes coverage_forecast.csv (python -m tests.reference.coverage_forecast): one row per law, lead and range, of the
whole and of each region. Law by law, so that a run that is stopped has whole rows; with --go-on laws that stand in the
file already are kept.
"""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from funnelnb.analysis.forecast.engine import foresee
from tests.analysis.forecast.floors import LAWS, Law, make
from tests.analysis.forecast.test_forecast import history

SEED, ENDS, APART, DRAWS = 20_261_128, 4, 90, 800
FLOORS, BROKEN = 500, 250
"""Floors of each law, and of those with a break, which have one period end each."""
FILE = Path(__file__).with_name("coverage_forecast.csv")
SETTINGS = {
    **{name: (law, 90) for name, law in LAWS.items()},
    "all, 45 days left": (LAWS["all"], 45),
    "win rate halves mid-quarter, that quarter": (Law(), 45),
    "win rate halves, the quarter after": (Law(), 90),
    "win rate halves, three quarters after": (Law(), 90),
}
BREAKS = {
    "win rate halves mid-quarter, that quarter": -45,
    "win rate halves, the quarter after": -135,
    "win rate halves, three quarters after": -315,
}


def ranges(draws, came, into, n, name):
    for level in (0.5, 0.8, 0.9):
        low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
        into.setdefault((name, level), [0] * n).append(int(low <= came <= high))


def on_floor(name, law, lead, k):
    """Return of one floor, by part and range, whether each result lay in it; and by how much the mean was off."""
    broken = BREAKS.get(name)
    ends = (
        [law.days - APART * (ENDS - 1 - j) + 90 for j in range(ENDS)] if broken is None else [law.days + 90]
    )
    spec = law if broken is None else replace(law, break_day=law.days + 90 + broken)
    floor = make(spec, SEED + 100_000 * list(SETTINGS).index(name) + k)
    known = history(floor, spec.days + 400)
    found = {}
    for end in ends:
        seen = foresee(known, end - lead, [end], floor.region.astype(np.int64), 3, draws=DRAWS)
        total = (seen.landing.open_amount + seen.landing.new_amount)[:, -1]
        ranges(total.sum(axis=1), floor.won(end - lead, end)[0], found, 0, "whole")
        for g in range(3):
            ranges(total[:, g], floor.won(end - lead, end, g)[0], found, 0, f"region {g + 1}")
        came = floor.won(end - lead, end)[0]
        found.setdefault(("whole", "bias"), []).append(total.sum(axis=1).mean() - came)
        found.setdefault(("whole", "came"), []).append(came)
    return found


def one(name, law, lead):
    """Return rows of one law: share of period ends whose result lay in the range, its error by floors, and the bias."""
    floors = BROKEN if name in BREAKS else FLOORS
    return rows_of(name, lead, [on_floor(name, law, lead, k) for k in range(floors)])


def rows_of(name, lead, hits):
    """Return rows of one law from what was found on each of its floors."""
    rows = []
    came = sum(sum(found["whole", "came"]) for found in hits)
    bias = sum(sum(found["whole", "bias"]) for found in hits) / came
    for part, level in hits[0]:
        if isinstance(level, str):
            continue
        by_floor = np.array([np.mean(found[part, level]) for found in hits])
        rows.append({
            "law": name, "days_left": lead, "part": part, "range": level,
            "ends": sum(len(found[part, level]) for found in hits),
            "coverage": by_floor.mean(), "error": by_floor.std(ddof=1) / np.sqrt(len(by_floor)),
            "bias": bias if part == "whole" else np.nan,
        })  # fmt: skip
    return rows


def shown(rows):
    """Return the rows with the words by which the pages of the methods name them."""
    frame = pd.DataFrame(rows)
    frame["interval"] = [
        f"{level:.0%} range of the forecast, {part}"
        for part, level in zip(frame["part"], frame["range"], strict=True)
    ]
    frame["setting"] = [
        f"floors of the law: {law}; {days} days left"
        for law, days in zip(frame["law"], frame["days_left"], strict=True)
    ]
    return frame


def main():
    go_on = "--go-on" in sys.argv
    rows = pd.read_csv(FILE, comment="#").to_dict("records") if go_on and FILE.exists() else []
    known = {row["law"] for row in rows}
    origin = (
        f"# made by coverage_forecast.py, seed {SEED}, {ENDS} period ends a floor ({APART} days apart), {DRAWS} draws, "
        f"Python {sys.version.split()[0]}, NumPy {np.__version__}\n"
    )
    for name, (law, lead) in SETTINGS.items():
        if name in known:
            continue
        rows += one(name, law, lead)
        FILE.write_text(origin + shown(rows).to_csv(index=False, float_format="%.4f"), encoding="utf-8")
        print(name, [f"{row['coverage']:.3f}" for row in rows[-12:] if row["part"] == "whole"], flush=True)


if __name__ == "__main__":
    main()
