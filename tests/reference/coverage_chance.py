"""How often do the 90 % intervals of chances given stage and age hold the truth?

Writes coverage_chance.csv: python -m tests.reference.coverage_chance.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import scipy
from scipy import stats

from funnelnb.stats.curves.chance import Ahead
from funnelnb.stats.curves.incidence import aalen_johansen

SEED, RUNS, LEVEL = 20_261_123, 2_000, 0.90
FILE = Path(__file__).with_name("coverage_chance.csv")
SETTINGS = [(60, False, 0.0), (300, False, 0.0), (300, False, 0.2), (300, True, 0.2)]
SPREAD = 0.6
FIRST, SECOND = (0.5, 20, 30), (0.6, 25, 40)
"""Share that goes on, median days of those, median days of the lost; all lognormal."""
AGES = np.arange(61)
YOUNG, OLD = (AGES < 15), (AGES >= 30) & (AGES < 60)


def draw(rng, size, dead, on, days_on, days_lost):
    """Draw days in a stage, rounded up, and whether the deal goes on (1) or is lost (2); the dead stay."""
    goes = rng.random(size) < on
    days = np.ceil(np.where(goes, days_on, days_lost) * np.exp(SPREAD * rng.standard_normal(size)))
    return np.where(~goes & (rng.random(size) < dead / (1 - on)), np.inf, days), np.where(goes, 1, 2)


def floor(rng, size, late, dead):
    """Return the curves of two stages of deals created over 240 days and seen on day 300."""
    created = rng.integers(-200 if late else 0, 240, size)
    age, entry = 300 - created, np.maximum(0, -created)
    first, goes = draw(rng, size, dead, *FIRST)
    second, ends = draw(rng, size, dead, *SECOND)
    seen = np.minimum(first, age) > entry
    one = aalen_johansen(
        np.minimum(first, age)[seen],
        np.where(first <= age, goes, 0)[seen],
        entry=entry[seen] if late else None,
    )
    moved = (goes == 1) & (first <= age)
    rest, later = (age - first)[moved], np.maximum(0, entry - first)[moved]
    second, ends = second[moved], ends[moved]
    seen = (np.minimum(second, rest) > later) | (later == 0)
    two = aalen_johansen(
        np.minimum(second, rest)[seen],
        np.where(second <= rest, ends, 0)[seen],
        entry=later[seen] if late else None,
    )
    return one, two


def truths(within, dead, last):
    """Return the true chance to be won within so many days at each of the ages, from the distributions."""
    days = np.arange(400.0)

    def shares(on, days_on, days_lost):
        spread = (stats.lognorm.cdf(days, SPREAD, scale=scale) for scale in (days_on, days_lost))
        return [share * one for share, one in zip((on, 1 - on - dead), spread, strict=True)]

    on, lost = shares(*FIRST)
    still = 1 - on - lost
    if last:
        return (on[AGES + within] - on[AGES]) / still[AGES]
    won, _ = shares(*SECOND)
    later = won[within - 1 :: -1] if within < len(won) else won
    return np.array([np.diff(on[t : t + within + 1]) @ later / still[t] for t in AGES])


def told(ahead, within, truth, watched):
    """Yield (what, lower, upper, truth) for a single age, a band of ages and the change between two bands."""
    single = ahead.chance(within)
    if watched[20] >= 10 and not np.isnan(single.rate[20]):
        lower, upper = single.bounds(LEVEL)
        yield f"won in {within} days at age 20", lower[20], upper[20], truth[20]
    if within < 90:
        return
    weight = np.stack([np.where(band, watched, 0.0) for band in (YOUNG, OLD)])
    seen = weight * (ahead.known >= within)
    if watched[30] < 10 or (seen.sum(axis=1) < 0.9 * weight.sum(axis=1)).any():
        return
    found = ahead.chance(within, weight=seen)
    lower, upper = found.bounds(LEVEL)
    true = seen @ truth / seen.sum(axis=1)
    yield f"won in {within} days at age 30 to 59", lower[1], upper[1], true[1]
    change = ahead.change(within, *seen, LEVEL)
    yield (
        f"won in {within} days at age 30 to 59 less at age 0 to 14",
        change.ci_lower,
        change.ci_upper,
        true[1] - true[0],
    )


def coverage(rng, size, late, dead, runs):
    """Return how often each interval held the truth, as rows."""
    hits, counts = {}, {}
    true = {(last, h): truths(h, dead, last) for last in (True, False) for h in (30, 90)}
    for _ in range(runs):
        one, two = floor(rng, size, late, dead)
        watched = one.at(np.minimum(AGES + 1e-6, one.last_time)).at_risk
        for (last, within), truth in true.items():
            ahead = Ahead(one, None if last else two, AGES, within)
            for what, lower, upper, value in told(ahead, within, truth, watched):
                key = f"{what}, {'last stage' if last else 'one stage before'}"
                counts[key] = counts.get(key, 0) + 1
                hits[key] = hits.get(key, 0) + bool(lower <= value <= upper)
    setting = ", ".join(["open deals", *["late history"] * late, *["20 % never leave"] * (dead > 0)])
    return [
        {"interval": key, "setting": f"{size} deals; {setting}", "coverage": hits[key] / counts[key],
         "runs": counts[key]}
        for key in sorted(counts)
    ]  # fmt: skip


def main():
    rng = np.random.default_rng(SEED)
    rows = [row for setting in SETTINGS for row in coverage(rng, *setting, RUNS)]
    origin = (
        f"# made by coverage_chance.py, seed {SEED}, {RUNS} runs, nominal {LEVEL}, "
        f"Python {sys.version.split()[0]}, NumPy {np.__version__}, SciPy {scipy.__version__}\n"
    )
    FILE.write_text(origin + pd.DataFrame(rows).to_csv(index=False, float_format="%.3f"), encoding="utf-8")


if __name__ == "__main__":
    main()
