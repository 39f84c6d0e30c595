"""How often do the 90 % intervals that a user reads hold the truth? python -m tests.reference.coverage_durations.

Floors of ``funnelnb.simulate`` with a known law, many at a time as the regions of one export: loaded with
``fn.load``, read with ``fn.duration`` and ``fn.distribution``. Fits that are said to be unusable do not count.
Writes coverage_durations.csv.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import scipy

import funnelnb as fn
from funnelnb.simulate import Effect, Level, StageLaw, simulate
from funnelnb.simulate.make import two_stages
from tests.simulate.floors import plain_floor

SEED, RUNS, AT_ONCE = 20_261_123, 2_000, 100
FILE = Path(__file__).with_name("coverage_durations.csv")
MEDIAN, SHAPE = 40.0, 1.3
"""Days in work are Weibull; 40 % of the deals that end are won."""
SETTINGS = ((80, False, 0.0), (300, False, 0.0), (300, True, 0.0), (300, False, 0.2), (300, True, 0.2))


def still(days, dead):
    """True share not ended by day: a share of `dead` never ends."""
    return dead + (1 - dead) * 0.5 ** ((np.asarray(days, float) / MEDIAN) ** SHAPE)


def day_of(share, dead):
    """True day by which `share` has ended; infinite where it never does."""
    left = 1 - share / (1 - dead)
    return MEDIAN * (np.log(left) / np.log(0.5)) ** (1 / SHAPE) if left > 0 else np.inf


def mean_until(limit, dead):
    days = np.linspace(0, limit, 100_001)
    return np.trapezoid(still(days, dead), days)


def floor(size, late, dead):
    """Deals come in evenly over 300 days (600 with late history) and are seen on the last of them."""
    changes = {
        "playbook": two_stages(),
        "laws": {"in_work": StageLaw.from_shares(MEDIAN, shape=SHAPE, advance=0.4, lose=0.6)},
        "deals_n": 2 * size if late else size,
        "starts": "2024-03-07" if late else "2025-01-01",
        "as_of": "2025-10-27",
        "observed_from": "2025-01-01" if late else "",
        "season": (1.0,) * 12,
        "deals_per_account": 1.0,
    }
    if dead:
        changes["products"] = {"live": Level(share=1 - dead), "dead": Level(share=dead)}
        changes["effects"] = (Effect(attribute="product", value="dead", pace=1e-9),)
    return plain_floor(**changes)


def export(law, seeds):
    """One export with a region for each seed."""
    deals, rows = [], []
    for seed in seeds:
        tables = simulate(law, seed=seed).tables
        for kept, name in ((deals, "opportunities"), (rows, "stage_history")):
            table = tables[name]
            kept.append(table.assign(opportunity_id=f"{seed}-" + table["opportunity_id"]))
        deals[-1] = deals[-1][["opportunity_id", "created_at", "closed_at", "stage", "outcome"]].assign(
            region=str(seed)
        )
    return fn.load(
        {"opportunities": pd.concat(deals), "stage_history": pd.concat(rows)},
        playbook=law.playbook,
        as_of=law.as_of,
        observed_from=law.observed_from or None,
    )


def held(book, dead):
    """Yield (interval, whether it holds the truth) of everything that is read from one export."""
    result = fn.duration(book, stage="in_work", by="region", family="weibull")
    for row in result.rows:
        if not np.isnan(row.median_days):  # withheld where late history leaves too few young deals
            yield "median days", row.median_ci_lower <= day_of(0.5, dead) <= row.median_ci_upper
        if not np.isnan(row.mean_days):
            limit = mean_until(row.limit_days, dead)
            yield "mean days up to the limit", row.mean_ci_lower <= limit <= row.mean_ci_upper
    for curve in result.curves:
        for day in (30, 60, 90):
            at = np.searchsorted(curve.days, day, side="right") - 1
            inside = curve.not_yet_ci_lower[at] <= still(day, dead) <= curve.not_yet_ci_upper[at]
            yield f"not ended by day {day}", inside
    fitted = fn.distribution(book, stage="in_work", by="region", family="weibull", never=dead > 0, runs=19)
    usable = {row.group for row in fitted.rows if row.trust != "no"}
    for read in fitted.quantiles:
        true = day_of(read.ended_share, dead)
        if read.ended_share in (0.25, 0.5, 0.75, 0.9) and np.isfinite(true) and read.group in usable:
            name = f"Weibull fit: {100 * read.ended_share:.0f} % have ended"
            yield name, read.fitted_ci_lower <= true <= read.fitted_ci_upper


def simulated(setting, runs, at_once=AT_ONCE):
    """Return one row per interval: how often it held the truth, of how many that were given."""
    size, late, dead = setting
    law, hits = floor(*setting), {}
    for begin in range(SEED, SEED + runs, at_once):
        book = export(law, range(begin, min(begin + at_once, SEED + runs)))
        for name, inside in held(book, dead):
            hits.setdefault(name, []).append(bool(inside))
    said = ["open deals", *["late history"] * late, *[f"{100 * dead:.0f} % never close"] * (dead > 0)]
    return [
        {"interval": name, "setting": f"{size} deals; {', '.join(said)}", "given_n": len(one),
         "coverage": np.mean(one)}
        for name, one in hits.items()
    ]  # fmt: skip


def main():
    rows = []
    for setting in SETTINGS:
        rows += simulated(setting, RUNS)
        print(pd.DataFrame(rows).tail(9).to_string(), flush=True)
    origin = (
        f"# made by coverage_durations.py, seeds {SEED} to {SEED + RUNS - 1}, {RUNS} floors per setting, nominal 0.9, "
        f"Python {sys.version.split()[0]}, NumPy {np.__version__}, SciPy {scipy.__version__}\n"
    )
    FILE.write_text(origin + pd.DataFrame(rows).to_csv(index=False, float_format="%.3f"), encoding="utf-8")


if __name__ == "__main__":
    main()
