"""How often do 90 % intervals hold the truth on incomplete data, and how far off are the estimates?

Writes coverage_truth.csv: python -m tests.reference.coverage_truth [runs of cheap settings] [runs of dear ones].
Floors are those of ``tests/truth/worlds.py``, their truth that of 400,000 deals watched to their end. Each part is kept
in build/coverage_truth as soon as it is done, under its number of runs: a run that was broken off goes on from there.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from collections.abc import Callable

SEED, RUNS, DEAR, LEVEL, DAY = 20_261_128, 2_000, 400, 0.90, 90
FILE = Path(__file__).with_name("coverage_truth.csv")
PARTS = Path(__file__).parents[2] / "build" / "coverage_truth"
AHEAD, ASSURANCE = 91, 0.8
SUMS = 400
"""Runs of the dearest settings."""
PLAIN = worlds.World()
REGIONS = worlds.World(group_effect={"N": 0.0, "S": -1.0})
RANDOM = {"lost": 0.25, "won": 0.25, "open": 0.25}
BY_OUTCOME = {"lost": 0.7, "won": 0.1, "open": 0.1}


class Tally:
    """Estimates and bounds against one truth."""

    def __init__(self, figure: str, setting: str, true: float) -> None:
        self.row: dict[str, Any] = {"figure": figure, "setting": setting, "truth": true}
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


def broken(
    setting: str, spoil: Callable[..., worlds.Export], world: worlds.World, runs: int
) -> list[dict[str, object]]:
    """What a reader of fn.conversion and fn.duration sees, on exports that are broken as people's are."""
    import funnelnb as fn

    real = worlds.truth(world)
    if spoil is worlds.times_of_day:
        real = worlds.Truth(worlds.to_the_minute(real.deals, np.random.default_rng(SEED)))
    where = f"500 deals; {setting}"
    tallies = [Tally("won by day 90", where, real.won_by(DAY))]
    tallies += [Tally(f"step {k + 1} by day 90", where, real.won_by(DAY, k, k + 1)) for k in range(3)]
    timed = setting in (
        "complete",
        "complete, times of day",
        "history begins at observed_from",
        "a quarter without history",
    )
    medians = [Tally(f"median days in stage {k + 1}", where, real.median_stay(k)) for k in range(3)]
    for seed in range(runs):
        given, rng = export(world, 500, seed)
        book = worlds.quick_book(spoil(given, rng))
        result = fn.conversion(book, horizon_days=DAY)
        for tally, row in zip(tallies, (*result.overall, *result.steps), strict=True):
            tally.add(row.by_day_rate, row.by_day_ci_lower, row.by_day_ci_upper)
        for tally, row in zip(
            medians, fn.duration(book, family="exponential").rows if timed else (), strict=False
        ):
            tally.add(row.median_days, row.median_ci_lower, row.median_ci_upper)
    return [one.line() for one in (*tallies, *(one for one in medians if one.told))]


def ages(runs: int) -> list[dict[str, object]]:
    """The chance of an open deal given its age, when deals come several to an account."""
    from funnelnb.analysis.shared.open_deals import OpenDeals
    from funnelnb.analysis.time.stuck import win_chances
    from funnelnb.data.contract.calendar import CALENDAR_DAYS

    world = worlds.World(accounts=tuple(np.ones(40)), account_sd=1.5)
    real = worlds.truth(replace(world, accounts=tuple(np.ones(100_000)))).deals
    asked = [(0, 10.0), (1, 20.0), (2, 0.0), (2, 20.0)]
    tallies = []
    for k, age in asked:
        there = (real.stage >= k) & (
            np.where(real.stage > k, real.entered[:, k + 1], real.closed) - real.entered[:, k] > age
        )
        later = real.entered[there, 3] - real.entered[there, k] - age
        figure = f"won within 60 days, after {age:.0f} days in stage {k + 1}"
        tallies.append(Tally(figure, "40 equal accounts, 12 deals each", float((later <= 60).mean())))
    fields = ("opportunity_id", "account_id", "customer", "owner", "region")
    for seed in range(runs):
        given, _ = export(world, 480, seed)
        book = worlds.quick_book(given)
        deals = OpenDeals(
            **{name: ("",) * len(asked) for name in fields},
            position=np.array([k for k, _ in asked]), age_days=np.array([age for _, age in asked]),
            created_days=np.zeros(len(asked)), amount=np.ones(len(asked)), index=np.zeros(len(asked), np.int64),
        )  # fmt: skip
        found = win_chances(book, deals, [()] * given.n, (), 60.0, LEVEL, CALENDAR_DAYS)
        for d, tally in enumerate(tallies):
            tally.add(
                *(float(getattr(found, name)[d]) for name in ("win_rate", "win_ci_lower", "win_ci_upper"))
            )
    return [one.line() for one in tallies]


def rank_tests(runs: int) -> list[dict[str, object]]:
    """How often do rank tests call two halves of the accounts different that are alike (10 % are wanted)?"""
    from funnelnb.stats.curves.rank_test import gray, log_rank

    lines = []
    for count in (20, 60):
        called = dict.fromkeys(("log-rank", "Gray", "log-rank, deals taken for independent"), 0)
        for seed in range(runs):
            rng = np.random.default_rng(SEED + seed)
            account = np.repeat(np.arange(count), 10)
            pace = 0.8 * rng.standard_normal(count)[account]
            time = np.ceil(20 * np.exp(pace) * rng.exponential(size=account.size))
            until = rng.integers(5, 80, account.size)
            kind = np.where(time <= until, 1 + (rng.random(account.size) < 1 / (1 + np.exp(-pace))), 0)
            rows = (np.minimum(time, until), account % 2)
            called["log-rank"] += log_rank(rows[0], kind > 0, rows[1], cluster=account).p_value <= 0.1
            called["Gray"] += gray(rows[0], kind, rows[1], cluster=account).p_value <= 0.1
            called["log-rank, deals taken for independent"] += (
                log_rank(rows[0], kind > 0, rows[1]).p_value <= 0.1
            )
        lines += [
            {"figure": f"false alarms of rank tests: {name}", "setting": f"{count} accounts, 10 deals each",
             "truth": 0.1, "runs": runs, "bias": float("nan"), "coverage": n / runs}
            for name, n in called.items()
        ]  # fmt: skip
    return lines


def people_by_day(runs: int) -> list[dict[str, object]]:
    """How often is anybody named by fn.segments(measure="by_day") where only regions differ?"""
    import funnelnb as fn

    world = worlds.World(group_effect={"A": -1.0, "B": -0.3, "C": 0.4, "D": 1.0})
    named = 0
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        given = worlds.export(worlds.draw(world, 1_000, rng), world.span)
        place = np.searchsorted(list(world.group_effect), given.deals.region)
        owner = np.array([f"p{one}{k}" for one, k in zip(place, rng.integers(0, 3, given.n), strict=True)])
        book = worlds.quick_book(replace(given, extra={"owner": owner}))
        found = fn.segments(book, by="owner", measure="by_day", horizon_days=DAY)
        named += any(row.verdict in ("higher", "lower") for row in found.rows)
    return [
        {"figure": "runs in which anybody is named, compared within regions, by day 90",
         "setting": "12 persons of 80 deals in 4 regions that differ", "truth": 0.1, "runs": runs,
         "bias": float("nan"), "coverage": named / runs}
    ]  # fmt: skip


def owners(runs: int) -> list[dict[str, object]]:
    """How often is a region named where only the twenty owners differ, five to a region; and where regions do?"""
    return [_regions_named(spread, (0.0,) * 4, runs) for spread in (0.0, 0.25, 0.4, 0.8)] + [
        _regions_named(spread, (-0.8, -0.3, 0.3, 0.8), runs // 4) for spread in (0.0, 0.4)
    ]


def owners_by_day(runs: int) -> list[dict[str, object]]:
    """How often does the index name a region: shares by a day, as they are, nothing held alike?"""
    asked = {"measure": "by_day", "horizon_days": DAY, "adjust_for": None}
    found = [_regions_named(spread, (0.0,) * 4, runs, asked) for spread in (0.0, 0.4, 0.8)]
    found.append(_regions_named(0.4, (-0.8, -0.3, 0.3, 0.8), runs // 4, asked))
    return [{**row, "setting": f"{row['setting']}; by day {DAY:g}, as they are"} for row in found]


def _regions_named(
    spread: float, shift: tuple[float, ...], runs: int, asked: dict[str, object] | None = None
) -> dict[str, object]:
    import funnelnb as fn

    named = 0
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        given = worlds.export(worlds.draw(worlds.World(), 600, rng), 600)
        owner = rng.integers(0, 20, given.n)
        odds = rng.normal(0, spread, 20)[owner] + np.array(shift)[owner % 4] - 0.9
        won = rng.random(given.n) < 1 / (1 + np.exp(-odds))
        outcome = np.where(given.outcome == "open", "open", np.where(won, "won", "lost"))
        deals = replace(given.deals, region=np.array([f"R{k}" for k in owner % 4]), won=won)
        book = worlds.quick_book(
            replace(given, deals=deals, outcome=outcome, extra={"owner": owner.astype(str)})
        )
        named += any(
            row.verdict in ("higher", "lower") for row in fn.segments(book, by="region", **(asked or {})).rows
        )
    differ = any(shift)
    regions = "regions differ (−0.8, −0.3, 0.3, 0.8)" if differ else "regions do not differ"
    return {
        "figure": "runs in which a region is found" if differ else "runs in which a region is named, owners counted",
        "setting": f"600 deals of 20 owners who differ by {spread:g} (log odds); {regions}",
        "truth": float("nan") if differ else 0.1, "runs": runs, "bias": float("nan"), "coverage": named / runs,
    }  # fmt: skip


def amounts(slope: float, size: int, swing: float, runs: int) -> list[dict[str, object]]:
    """How often is the amount reached that fn.quota promises with 80 %, when size and months matter?"""
    import funnelnb as fn

    world = worlds.World(size_slope=slope, shock_sd=swing)
    whole = replace(world, span=world.span + AHEAD)
    kept, gap = 0, []
    for seed in range(runs):
        rng = np.random.default_rng(1_000 + seed)
        deals = worlds.draw(whole, int(size * whole.span / world.span), rng)
        book = worlds.quick_book(worlds.export(deals, world.span))
        until = str(worlds.EPOCH + np.timedelta64(whole.span, "D"))
        found = fn.quota(book, until=until, assurance=ASSURANCE)
        came = deals.won & (deals.closed > world.span) & (deals.closed <= whole.span)
        kept += deals.amount[came].sum() >= found.assured_amount
        gap.append(found.expected_amount / 1e6 - deals.amount[came].sum() / 1e6)
    size_words = {
        0.0: "size does not matter",
        -0.8: "large deals win less often",
        0.8: "large deals win more often",
    }
    swings = f", months swing by {swing}" if swing else ""
    return [
        {"figure": f"amount reached that is promised with 80 %, {AHEAD} days ahead",
         "setting": f"{size} deals; {size_words[slope]}{swings}", "truth": ASSURANCE, "runs": runs,
         "bias": float(np.mean(gap)), "coverage": kept / runs}
    ]  # fmt: skip


def _as_is(given: worlds.Export, _: np.random.Generator) -> worlds.Export:
    return given


BROKEN: dict[str, tuple[Callable[..., worlds.Export], worlds.World]] = {
    "complete": (_as_is, PLAIN),
    "complete, times of day": (worlds.times_of_day, PLAIN),
    "all losses undated": (lambda given, rng: worlds.undated_losses(given, 1.0, rng), PLAIN),
    "half of the losses undated": (lambda given, rng: worlds.undated_losses(given, 0.5, rng), PLAIN),
    "a quarter without history": (lambda given, rng: worlds.missing_history(given, RANDOM, rng), REGIONS),
    "history missing by outcome": (
        lambda given, rng: worlds.missing_history(given, BY_OUTCOME, rng),
        REGIONS,
    ),
    "history begins at observed_from": (lambda given, _: worlds.late_history(given, 200.0), PLAIN),
    "losses never set": (lambda given, _: worlds.losses_never_set(given), PLAIN),
}
AMOUNTS = (
    (0.0, 500, 0.0),
    (-0.8, 500, 0.0),
    (0.8, 500, 0.0),
    (-0.8, 250, 0.0),
    (-0.8, 1_500, 0.0),
    (0.0, 500, 0.4),
)


def parts(runs: int, dear: int) -> dict[str, Callable[[], list[dict[str, object]]]]:
    """Return what makes each part of the table."""
    made: dict[str, Callable[[], list[dict[str, object]]]] = {
        f"undated_{runs}": partial(undated, runs),
        f"people_{runs}": partial(people, runs),
        f"accounts_{runs}": partial(accounts, runs),
    }
    for setting, (spoil, world) in BROKEN.items():
        name = setting.replace(" ", "_").replace(",", "")
        made[f"broken_{name}_{dear}"] = partial(broken, setting, spoil, world, dear)
    made[f"rank_tests_{dear}"] = partial(rank_tests, dear)
    made[f"ages_{dear}"] = partial(ages, dear)
    made[f"people_by_day_{dear}"] = partial(people_by_day, dear)
    made[f"owners_{dear}"] = partial(owners, dear)
    made[f"owners_by_day_{dear}"] = partial(owners_by_day, dear)
    for place, (slope, size, swing) in enumerate(AMOUNTS):
        made[f"amounts_{place}_{min(dear, SUMS)}"] = partial(amounts, slope, size, swing, min(dear, SUMS))
    return made


def main(runs: int, dear: int, only: str = "") -> None:
    """Make the parts that are not there yet (only those whose name begins so) and put their rows into the table."""
    PARTS.mkdir(parents=True, exist_ok=True)
    tables = []
    for name, make in parts(runs, dear).items():
        kept = PARTS / f"{name}.csv"
        if not kept.exists() and name.startswith(only):
            rows = pd.DataFrame(make())
            print(rows.to_string(), flush=True)
            rows.to_csv(kept, index=False)
        tables.append(pd.read_csv(kept) if kept.exists() else None)
    made = [one for one in tables if one is not None]
    if len(made) < len(tables):  # the rest as stored
        stored = pd.read_csv(FILE, comment="#")
        fresh = (
            set(zip(*(pd.concat(made)[name] for name in ("figure", "setting")), strict=True))
            if made
            else set()
        )
        kept_rows = [key not in fresh for key in zip(stored["figure"], stored["setting"], strict=True)]
        made.insert(0, stored[kept_rows])
    head = f"# made by coverage_truth.py, seeds from {SEED}, {runs} and {dear} runs, nominal {LEVEL}"
    text = pd.concat(made).to_csv(index=False, float_format="%.4f", lineterminator="\n")
    FILE.write_text(f"{head}, NumPy {np.__version__}\n{text}", encoding="utf-8")


if __name__ == "__main__":
    numbers = [int(one) for one in sys.argv[1:3]]
    main(*(numbers + [RUNS, DEAR][len(numbers) :]), *sys.argv[3:4])
