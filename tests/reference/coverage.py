"""How often do the 90 % intervals hold the truth? Writes coverage.csv: python -m tests.reference.coverage."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import scipy
from scipy import stats

from funnelnb.stats.curves.difference import incidence_difference
from funnelnb.stats.curves.incidence import aalen_johansen
from funnelnb.stats.curves.survival import kaplan_meier
from funnelnb.stats.lifetime.fit import fit, observed
from funnelnb.stats.lifetime.goodness import bootstrap_test
from funnelnb.stats.rates.shrink import beta_binomial

SEED, RUNS, LEVEL = 20_261_123, 2_000, 0.90
FILE = Path(__file__).with_name("coverage.csv")


def floor(rng, size, late, dead):
    """Draw deals: 30 % won (median 45 d), the others lost (90 d) or, a share of `dead`, never closed."""
    created = rng.uniform(-300 if late else 0, 240, size)
    wins = rng.random(size) < 0.3
    close = np.where(wins, 45, 90) * np.exp(0.6 * rng.standard_normal(size))
    close[~wins & (rng.random(size) < dead / 0.7)] = np.inf
    entry = np.maximum(0, -created)
    seen, age = close > entry, 300 - created
    time, outcome = np.ceil(np.minimum(close, age)), np.where(close <= age, np.where(wins, 1, 2), 0)
    return time[seen], outcome[seen], np.floor(entry[seen])


def truths(day, dead):
    won = 0.3 * stats.lognorm.cdf(day, 0.6, scale=45)
    return won, won + (0.7 - dead) * stats.lognorm.cdf(day, 0.6, scale=90)


def median_of_closing(dead):
    days = np.linspace(1, 600, 600_000)
    return days[np.searchsorted(truths(days, dead)[1], 0.5)]


def mean_until(day, dead):
    days = np.linspace(0, day, 100_001)
    return np.trapezoid(1 - truths(days, dead)[1], days)


def curves(rng, size, late, dead):
    """Count how often each interval read from one simulated floor holds the truth."""
    middle, mean, (won, _) = median_of_closing(dead), mean_until(90, dead), truths(60, dead)
    hits = dict.fromkeys(
        ("won by day 60", "median days to close", "mean days open of the first 90", "difference at day 60"), 0
    )
    for _ in range(RUNS):
        time, outcome, entry = floor(rng, size, late, dead)
        first = aalen_johansen(time, outcome, entry=entry, confidence_level=LEVEL)
        read = first.at(60)
        hits["won by day 60"] += read.ci_lower[0, 0] <= won <= read.ci_upper[0, 0]
        curve = kaplan_meier(time, outcome > 0, entry=entry, confidence_level=LEVEL)
        median, area = curve.quantile(0.5), curve.restricted_mean(90)
        hits["median days to close"] += median.ci_lower[0] <= np.ceil(middle) <= median.ci_upper[0]
        # whole days, rounded up: half a day more on average than the continuous truth
        hits["mean days open of the first 90"] += (
            area.ci_lower <= mean + 0.5 * truths(90, dead)[1] <= area.ci_upper
        )
        time, outcome, entry = floor(rng, size, late, dead)
        second = aalen_johansen(time, outcome, entry=entry, confidence_level=LEVEL)
        found = incidence_difference(first, second, 60, confidence_level=LEVEL)
        hits["difference at day 60"] += found.ci_lower <= 0 <= found.ci_upper
    setting = ", ".join(["open deals", *["late history"] * late, *["20 % never close"] * (dead > 0)])
    return [
        {"interval": name, "setting": f"{size} deals; {setting}", "coverage": hit / RUNS}
        for name, hit in hits.items()
    ]


def shrunken(rng, groups, prior):
    hits, best, runs = 0, 0, RUNS // 4
    for _ in range(runs):
        n = rng.choice([10, 30, 100, 300], groups)
        truth = rng.beta(*prior, groups)
        k = rng.binomial(n, truth)
        found = beta_binomial(k, n, LEVEL)
        inside = (found.ci_lower <= truth) & (truth <= found.ci_upper)
        hits += inside.mean()
        best += inside[np.argmax(k / n)]
    setting = f"{groups} groups of 10 to 300; true rates Beta({prior[0]}, {prior[1]})"
    return [
        {"interval": "shrunken rate", "setting": setting, "coverage": hits / runs},
        {"interval": "shrunken rate of the best-looking group", "setting": setting, "coverage": best / runs},
    ]


def lifetimes(rng, size, late, dead):
    """Weibull times (shape 1.3, scale 40) of deals created over 240 days, seen on day 300; a share never closes."""
    truth = stats.weibull_min(1.3, scale=40)
    names = [
        "median days",
        "open at day 60",
        "closes in 30 days at age 20",
        "shape",
        *["share that ever closes"] * (dead > 0),
    ]
    hits, runs = dict.fromkeys(names, 0), 0
    for _ in range(RUNS // 2):
        created = rng.uniform(-300 if late else 0, 240, size)
        time = np.where(rng.random(size) < dead, np.inf, truth.rvs(size, random_state=rng))
        entry, age = np.maximum(0, -created), 300 - created
        seen = time > entry
        time, event, entry = np.minimum(time, age)[seen], (time <= age)[seen], entry[seen]
        found = fit(observed(time, event, entry=entry), "weibull", never=dead > 0, confidence_level=LEVEL)
        if found.refusal:
            continue
        runs += 1
        left = dead + (1 - dead) * truth.sf(np.array([20, 50, 60]))
        values = {
            "median days": (found.quantile(), truth.ppf(0.5 / (1 - dead))),
            "open at day 60": (found.survival(60), left[2]),
            "closes in 30 days at age 20": (found.within(20, 30), 1 - left[1] / left[0]),
        }
        for name, (read, true) in values.items():
            hits[name] += read.ci_lower[0] <= true <= read.ci_upper[0]
        for name, parameter, true in (
            ("shape", "shape", 1.3),
            ("share that ever closes", "finishing_share", 1 - dead),
        ):
            if name in hits:
                i = found.parameters.index(parameter)
                hits[name] += found.ci_lower[i] <= true <= found.ci_upper[i]
    setting = ", ".join(["open deals", *["late history"] * late, *["20 % never close"] * (dead > 0)])
    return [
        {"interval": f"Weibull fit: {name}", "setting": f"{size} deals; {setting}", "coverage": hit / runs}
        for name, hit in hits.items()
    ]


def goodness(rng, late):
    """How often a right and a wrong family are kept at the 10 % level."""
    kept, wrong, runs = 0, 0, RUNS // 10
    for _ in range(runs):
        created = rng.uniform(-60 if late else 0, 150, 120)
        time = rng.weibull(1.3, 120) * 40
        entry, age = np.maximum(0, -created), 160 - created
        seen = time > entry
        time, event, entry = np.minimum(time, age)[seen], (time <= age)[seen], entry[seen]
        for family in ("weibull", "exponential"):
            found = fit(observed(time, event, entry=entry), family)
            p_value = bootstrap_test(time, event, found, entry=entry, runs=99).p_value
            kept += family == "weibull" and p_value > 0.1
            wrong += family == "exponential" and p_value > 0.1
    setting = "120 deals; open deals" + ", late history" * late
    return [
        {"interval": "goodness of fit: right family kept", "setting": setting, "coverage": kept / runs},
        {
            "interval": "goodness of fit: exponential kept for Weibull of shape 1.3",
            "setting": setting,
            "coverage": wrong / runs,
        },
    ]


def main():
    rng = np.random.default_rng(SEED)
    rows = []
    for size, late, dead in [
        (60, False, 0),
        (300, False, 0),
        (300, True, 0),
        (300, False, 0.2),
        (300, True, 0.2),
    ]:
        rows += curves(rng, size, late, dead)
    for size, late, dead in [(80, False, 0), (300, True, 0), (300, False, 0.2), (300, True, 0.2)]:
        rows += lifetimes(rng, size, late, dead)
    for late in (False, True):
        rows += goodness(rng, late)
    for groups, prior in [(6, (6, 18)), (20, (6, 18)), (6, (25, 75)), (20, (25, 75))]:
        rows += shrunken(rng, groups, prior)
    origin = (
        f"# made by coverage.py, seed {SEED}, {RUNS} runs ({RUNS // 2} of fits, {RUNS // 4} of shrunken rates, "
        f"{RUNS // 10} of goodness), nominal {LEVEL}, "
        f"Python {sys.version.split()[0]}, NumPy {np.__version__}, SciPy {scipy.__version__}\n"
    )
    FILE.write_text(origin + pd.DataFrame(rows).to_csv(index=False, float_format="%.3f"), encoding="utf-8")


if __name__ == "__main__":
    main()
