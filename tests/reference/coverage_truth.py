"""How often do 90 % intervals hold the truth on incomplete data, and how far off are the estimates?

Writes coverage_truth.csv: python -m tests.reference.coverage_truth [runs of cheap settings] [runs of dear ones].
Floors are those of ``tests/truth/worlds.py``, their truth that of 400,000 deals watched to their end.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from funnelnb.stats.curves.band import log_log_band
from funnelnb.stats.curves.clustered import factor_at, incidence_design
from funnelnb.stats.curves.incidence import aalen_johansen
from funnelnb.stats.curves.undated import won_at_risk
from funnelnb.stats.rates.clustered import clustered_share, student_quantile
from funnelnb.stats.rates.compare import benjamini_hochberg
from funnelnb.stats.rates.proportion import normal_quantile, wilson
from funnelnb.stats.rates.stratified import compared_within
from tests.truth import worlds

SEED, RUNS, DEAR, LEVEL, DAY = 20_261_128, 2_000, 400, 0.90, 90
FILE = Path(__file__).with_name("coverage_truth.csv")
PLAIN = worlds.World()
REGIONS = worlds.World(group_effect={"N": 0.0, "S": -1.0})
RANDOM = {"lost": 0.25, "won": 0.25, "open": 0.25}
BY_OUTCOME = {"lost": 0.7, "won": 0.1, "open": 0.1}


class Tally:
    """Estimates and bounds against one truth."""

    def __init__(self, figure: str, setting: str, true: float) -> None:
        self.row = {"figure": figure, "setting": setting, "truth": true}
        self.found: list[float] = []
        self.held = self.told = 0

    def add(self, rate: float, lower: float, upper: float) -> None:
        if np.isfinite(rate):
            self.found.append(rate)
        if np.isfinite(lower) and np.isfinite(upper):
            self.told += 1
            self.held += lower <= self.row["truth"] <= upper

    def line(self) -> dict[str, object]:
        bias = float(np.mean(self.found) - self.row["truth"]) if self.found else float("nan")
        share = self.held / self.told if self.told else float("nan")
        return {**self.row, "runs": self.told, "bias": bias, "coverage": share}


def export(world: worlds.World, size: int, seed: int) -> tuple[worlds.Export, np.random.Generator]:
    rng = np.random.default_rng(SEED + seed)
    return worlds.export(worlds.draw(world, size, rng), world.span), rng


def undated(runs: int) -> list[dict[str, object]]:
    """Won by day 90 when losses have no dates (numbers only)."""
    true = worlds.truth(PLAIN).won_by(DAY)
    tallies = [
        Tally("won by day 90", f"600 deals; {share:.0%} of losses undated", true) for share in (1.0, 0.5)
    ]
    naive = Tally("won by day 90, undated losses left out", "600 deals; 50% of losses undated", true)
    for seed in range(runs):
        given, rng = export(PLAIN, 600, seed)
        for tally, share in zip(tallies, (1.0, 0.5), strict=True):
            rows = worlds.times(worlds.undated_losses(given, share, rng))
            read = aalen_johansen(*won_at_risk(rows["time"], rows["outcome"], rows["limit"]), causes=1).at(
                DAY
            )
            tally.add(read.rate[0, 0], read.ci_lower[0, 0], read.ci_upper[0, 0])
        kept = rows["outcome"] < 3
        read = aalen_johansen(rows["time"][kept], rows["outcome"][kept]).at(DAY)
        naive.add(read.rate[0, 0], read.ci_lower[0, 0], read.ci_upper[0, 0])
    return [one.line() for one in (*tallies, naive)]


def accounts(runs: int) -> list[dict[str, object]]:
    """Shares and curves of deals that come several to an account (numbers only)."""
    lines = []
    true = worlds.truth(worlds.World(accounts=tuple(np.ones(100_000)), account_sd=1.5)).won_by(DAY)
    for count in (20, 40, 100):
        for unequal, word in ((0.0, "equal"), (1.2, "very unequal")):
            shares, naive = (
                Tally(name, f"{count} {word} accounts, 10 deals each, correlation 1/6", 0.3)
                for name in ("share won", "share won, deals taken for independent")
            )
            curve = Tally("won by day 90", f"{count} {word} accounts, 12 deals each", true)
            for seed in range(runs):
                rng = np.random.default_rng(SEED + seed)
                n = np.maximum(1, np.rint(np.exp(unequal * rng.standard_normal(count)) * 10)).astype(int)
                k = rng.binomial(n, rng.beta(1.5, 3.5, count))
                shares.add(k.sum() / n.sum(), *map(float, clustered_share(k, n)))
                naive.add(k.sum() / n.sum(), *map(float, wilson(k.sum(), n.sum())))
                weights = tuple(np.exp(unequal * rng.standard_normal(count)))
                world = worlds.World(accounts=weights, account_sd=1.5)
                curve.add(*clustered_curve(worlds.export(worlds.draw(world, count * 12, rng), world.span)))
            lines += [shares.line(), naive.line(), curve.line()]
    return lines


def clustered_curve(given: worlds.Export) -> tuple[float, float, float]:
    rows, z = worlds.times(given), normal_quantile(LEVEL)
    curve = aalen_johansen(rows["time"], rows["outcome"])
    known = incidence_design(rows["time"], rows["outcome"], np.ones(given.n), rows["cluster"])
    found = factor_at(curve.time, known)
    wider = found.factor * (student_quantile(LEVEL, found.df) / z) ** 2
    lower, upper = log_log_band(curve.rate, curve.variance * wider, curve.at_risk, z)
    at = np.searchsorted(curve.time, DAY, side="right") - 1
    return float(curve.rate[0, at]), float(lower[0, at]), float(upper[0, at])


def people(runs: int) -> list[dict[str, object]]:
    """How often is anybody named where only regions differ (numbers only; at most 10 % are wanted)?"""
    named = {"within regions": 0, "all together": 0}
    for seed in range(runs):
        rng = np.random.default_rng(SEED + seed)
        region = np.arange(12) % 4
        owner = np.repeat(np.arange(12), rng.poisson(40, 12) + 1)
        won = rng.random(owner.size) < np.array([0.2, 0.3, 0.4, 0.5])[region[owner]]
        k, n = np.zeros((4, 12)), np.zeros((4, 12))
        np.add.at(k, (region[owner], owner), won)
        np.add.at(n, (region[owner], owner), 1)
        for name, (wins, trials) in {
            "within regions": (k, n),
            "all together": (k.sum(axis=0, keepdims=True), n.sum(axis=0, keepdims=True)),
        }.items():
            named[name] += bool((benjamini_hochberg(compared_within(wins, trials).p_value) <= 0.1).any())
    setting = "12 persons of 40 deals in 4 regions that differ"
    return [
        {"figure": f"runs in which anybody is named, compared {name}", "setting": setting, "truth": 0.1,
         "runs": runs, "bias": float("nan"), "coverage": count / runs}
        for name, count in named.items()
    ]  # fmt: skip


def whole_package(runs: int) -> list[dict[str, object]]:
    """What a reader of fn.conversion and fn.duration sees, on exports that are broken as people's are."""
    import funnelnb as fn

    true, regions = worlds.truth(PLAIN), worlds.truth(REGIONS)
    settings = {
        "complete": (PLAIN, true, lambda given, _: given),
        "all losses undated": (PLAIN, true, lambda given, rng: worlds.undated_losses(given, 1.0, rng)),
        "half of the losses undated": (PLAIN, true, lambda given, rng: worlds.undated_losses(given, 0.5, rng)),
        "a quarter without history": (REGIONS, regions, lambda given, rng: worlds.missing_history(given, RANDOM, rng)),
        "history missing by outcome": (
            REGIONS, regions, lambda given, rng: worlds.missing_history(given, BY_OUTCOME, rng),
        ),
        "history begins at observed_from": (PLAIN, true, lambda given, _: worlds.late_history(given, 200.0)),
        "losses never set": (PLAIN, true, lambda given, _: worlds.losses_never_set(given)),
    }  # fmt: skip
    lines = []
    for setting, (world, real, spoil) in settings.items():
        tallies = [Tally("won by day 90", f"500 deals; {setting}", real.won_by(DAY))]
        tallies += [
            Tally(f"step {k + 1} by day 90", f"500 deals; {setting}", real.won_by(DAY, k, k + 1))
            for k in range(3)
        ]
        medians = [
            Tally(f"median days in stage {k + 1}", f"500 deals; {setting}", real.median_stay(k))
            for k in range(3)
        ]
        for seed in range(runs):
            given, rng = export(world, 500, seed)
            book = worlds.book(spoil(given, rng))
            result = fn.conversion(book, horizon_days=DAY)
            for tally, row in zip(tallies, (*result.overall, *result.steps), strict=True):
                tally.add(row.by_day_rate, row.by_day_ci_lower, row.by_day_ci_upper)
            if setting in ("complete", "history begins at observed_from", "a quarter without history"):
                for tally, row in zip(medians, fn.duration(book).rows, strict=False):
                    tally.add(row.median_days, row.median_ci_lower, row.median_ci_upper)
        lines += [one.line() for one in (*tallies, *(one for one in medians if one.told))]
        print(pd.DataFrame(lines[-7:]).to_string(), flush=True)
    return lines


def main(runs: int, dear: int) -> None:
    rows = [*undated(runs), *people(runs), *accounts(runs)]
    write(rows, runs, dear)
    write([*rows, *whole_package(dear)], runs, dear)


def write(rows: list[dict[str, object]], runs: int, dear: int) -> None:
    made = f"# made by coverage_truth.py, seeds from {SEED}, {runs} and {dear} runs, nominal {LEVEL}"
    text = pd.DataFrame(rows).to_csv(index=False, float_format="%.4f", lineterminator="\n")
    FILE.write_text(f"{made}, NumPy {np.__version__}\n{text}", encoding="utf-8")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else RUNS, int(sys.argv[2]) if len(sys.argv) > 2 else DEAR)
