"""Which distribution describes the days of one group?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from funnelnb.analysis import distribution_readings as read
from funnelnb.analysis import pace
from funnelnb.analysis.distribution_rows import (
    DensityCurve,
    DistributionCurve,
    DistributionRow,
    EndedBin,
    ParameterRow,
    QuantilePairs,
    QuantileRow,
    RemainingRow,
)
from funnelnb.analysis.distribution_trust import sample_of, tested_by, trust
from funnelnb.analysis.fits import CLOSE, FitRow, fit_rows, fitted_to
from funnelnb.core.check import TOO_FEW_N
from funnelnb.stats.survival import kaplan_meier

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.analysis.distribution_trust import DealsOf
    from funnelnb.analysis.timing import Times
    from funnelnb.stats.goodness import Goodness
    from funnelnb.stats.lifetime import Lifetime
    from funnelnb.stats.survival import Survival

RUNS_BY_GROUPS = ((4, 199), (8, 99))
"""So many data sets are drawn for each of at most so many groups unless told otherwise; `RUNS_FEW` for more, and
where a fit is too far from the data whatever the test says."""
RUNS_FEW = 39


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was asked of every group alike, checked."""

    families: tuple[str, ...]
    never: bool | None
    at_once: bool | None
    confidence_level: float
    runs: int | None
    suggest: bool
    week: int

    def runs_for(self, groups_n: int, verdict: str) -> int:
        """Return how many data sets to draw for each of so many groups, fewer where the fit is too far anyway."""
        if self.runs or verdict != "too_far":
            return self.runs or next((runs for most, runs in RUNS_BY_GROUPS if groups_n <= most), RUNS_FEW)
        return RUNS_FEW


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """What one group adds to the result."""

    row: DistributionRow
    short: bool = False
    flexible: bool = False
    fits: tuple[FitRow, ...] = ()
    parameters: tuple[ParameterRow, ...] = ()
    quantiles: tuple[QuantileRow, ...] = ()
    remaining: tuple[RemainingRow, ...] = ()
    curves: tuple[DistributionCurve, ...] = ()
    densities: tuple[DensityCurve, ...] = ()
    bins: tuple[EndedBin, ...] = ()
    pairs: tuple[QuantilePairs, ...] = ()


def block_of(
    times: Times, deals: DealsOf | None, asked: Asked, place: dict[str, Any], groups_n: int
) -> Block:
    """Return what can be said of one group."""
    known = pace.pace(times, "any", asked.confidence_level)
    counts = place | _counts(times)
    if known is None or counts["n"] < TOO_FEW_N:
        return Block(row=DistributionRow(**counts), short=known is None and counts["n"] > 0)
    still = pace.pause(times)
    fitted = fitted_to(
        times,
        asked.families,
        asked.confidence_level,
        never=still["pause"] if asked.never is None else asked.never,
        at_once=counts["same_day_n"] >= TOO_FEW_N if asked.at_once is None else asked.at_once,
    )
    fits = tuple(fit_rows(fitted, known, place))
    counts |= {"last_event_days": still["last_event_days"], "pause": still["pause"], "enough": True}
    counts |= {"trusted_days": known.trusted_days, "verdict": fits[0].verdict}
    if fitted[0].refusal:
        return Block(row=DistributionRow(**counts), fits=fits)
    runs = asked.runs_for(groups_n, fits[0].verdict)
    tested = tested_by(sample_of(times, deals, fitted[0]), fitted[0], runs, groups_n)
    curve = kaplan_meier(
        pace.days_of(times), pace.events(times, "any"), times.n, pace.late(times), asked.confidence_level
    )
    plateau = curve.at(still["last_event_days"]).survival[0]
    return Block(
        row=DistributionRow(**counts, **_chosen(fits[0], tested, plateau)),
        fits=fits,
        flexible=asked.suggest and fits[0].verdict == "too_far" and _flexible(times, fitted[0], known),
        **_readings(times, fitted, known, curve, place, asked.week),
    )


def _counts(times: Times) -> dict[str, Any]:
    """Return how many deals there are, ended, have no end yet, and ended after 0 days."""
    ended = pace.events(times, "any")
    return {
        "n": int(times.n.sum()),
        "closed_n": int(times.n[ended].sum()),
        "open_n": int(times.n[~ended].sum()),
        "same_day_n": int(times.n[ended & (times.time_s == 0)].sum()),
    }


def _readings(
    times: Times,
    fitted: Sequence[Lifetime],
    known: pace.Pace,
    curve: Survival,
    place: dict[str, Any],
    week: int,
) -> dict[str, Any]:
    """Return what can be read from the chosen fit."""
    best, trusted = fitted[0], known.trusted_days
    other = fitted[1] if len(fitted) > 1 and not fitted[1].refusal else None
    last = float(curve.time[curve.event_n > 0].max())
    until, drawn = read.drawn_until(best, last, trusted)
    return {
        "parameters": tuple(read.parameters(best, place)),
        "quantiles": tuple(read.quantiles(best, curve, trusted, place)),
        "remaining": tuple(read.remaining(best, known, trusted, place)),
        "curves": (read.curve(best, other, known, place),),
        "densities": (read.density(best, drawn, place),),
        "bins": tuple(read.bins(times, best, curve, until, place, week=week)),
        "pairs": (read.pairs(best, curve, trusted, place),),
    }


_OF_FIT = (
    "family", "never", "at_once", "median_days", "median_ci_lower", "median_ci_upper",
    "never_share", "never_ci_lower", "never_ci_upper",
    "same_day_share", "same_day_ci_lower", "same_day_ci_upper",
    "log_likelihood", "aicc", "bic", "gap_share", "gap_days",
)  # fmt: skip


def _chosen(fit: FitRow, tested: Goodness, plateau_share: float) -> dict[str, Any]:
    """Return what the row says of the chosen fit."""
    return {name: getattr(fit, name) for name in _OF_FIT} | {
        "plateau_share": float(plateau_share),
        "p_value": tested.p_value,
        "runs": tested.runs,
        "tested_n": int(tested.n),
        "trust": trust(fit.verdict, tested.p_value),
    }


def _flexible(times: Times, best: Lifetime, known: pace.Pace) -> bool:
    """Whether the generalised gamma, which was not tried, lies close enough where the others do not.

    Not asked where a share never ends: four parameters then chase the age at which the last deal ended.
    """
    if best.shape.never:
        return False
    found = fitted_to(times, ("generalised_gamma",), best.confidence_level, at_once=best.shape.at_once)
    return any(pace.gap(one, known)[0] <= CLOSE for one in found)
