"""Do groups differ in how long it takes, and which of them is slower or faster than all others?"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from funnelnb.analysis.shared import by_day, group_curve
from funnelnb.analysis.shared.counts import SECONDS_PER_DAY
from funnelnb.core.check import TOO_FEW_N
from funnelnb.data.count.counts import ADVANCED
from funnelnb.stats.curves.clustered import independent_factor
from funnelnb.stats.curves.difference import incidence_difference
from funnelnb.stats.curves.incidence import Incidence, aalen_johansen
from funnelnb.stats.curves.rank_test import gray, log_rank
from funnelnb.stats.curves.undated import won_at_risk
from funnelnb.stats.rates.compare import benjamini_hochberg

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Group = tuple[str, ...]

    from funnelnb.analysis.shared.by_day import Times
    from funnelnb.stats.curves.rank_test import RankTest


@dataclass(frozen=True, slots=True, kw_only=True)
class DurationTest:
    """Whether the groups of one stage, or of the whole way, take equally long.

    Attributes
    ----------
    stage : str
    overall : bool
    test : {"log_rank", "gray"}
        Log-rank for any end; Gray's test for one of two ends that compete.
    groups_n, n : int
        Groups compared (those with at least ``TOO_FEW_N`` deals), and their deals.
    statistic : float
        Chi-squared; NaN where it was not tested.
    df : int
    p_value : float
    p_adjusted : float
        Adjusted for looking at several stages (Benjamini and Hochberg).
    verdict : {"differ", "not_separable", "untested"}
    """

    stage: str
    overall: bool
    test: str
    groups_n: int
    n: int
    statistic: float
    df: int
    p_value: float
    p_adjusted: float
    verdict: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DurationGap:
    """How far one group is from all others on one day.

    Attributes
    ----------
    group : tuple of str
    stage : str
    overall : bool
    n : int
    by_days : float
        The day, the same for all groups: when half of all deals have ended, or as far as every group could be
        watched.
    done_rate, done_ci_lower, done_ci_upper : float
        Share ended as asked by that day.
    rest_rate : float
        The same of all other groups together.
    difference, difference_ci_lower, difference_ci_upper : float
        ``done_rate - rest_rate``: below 0 is slower.
    p_value, p_adjusted : float
        Adjusted over the groups of the stage (Benjamini and Hochberg).
    verdict : {"faster", "slower", "not_separable", "too_few"}
    """

    group: tuple[str, ...]
    stage: str
    overall: bool
    n: int
    by_days: float
    done_rate: float
    done_ci_lower: float
    done_ci_upper: float
    rest_rate: float
    difference: float
    difference_ci_lower: float
    difference_ci_upper: float
    p_value: float
    p_adjusted: float
    verdict: str


def test_of(
    parts: Sequence[Times],
    groups: Sequence[Group],
    strata: Sequence[Group],
    to: str,
    place: group_curve.Span,
) -> DurationTest | None:
    """Return the test of equal times over the groups that have enough deals; None where there are no two.

    Parameters
    ----------
    parts : sequence of Times
        One per group and stratum.
    groups : sequence of tuple of str
        Group of each part.
    strata : sequence of tuple of str
        Stratum of each part: groups are compared only within equal values.
    to : {"any", "advance", "lose"}
    place : dict
        `stage` and `overall` of the result.

    Notes
    -----
    Gray's test has no form for late entry; with late history the ends that compete are not tested. Losses without a
    date are no hindrance to a test of going on; any end, and being lost, are not tested with them.
    """
    sizes = dict.fromkeys(groups, 0)
    for part, group in zip(parts, groups, strict=True):
        sizes[group] += int(part.n.sum())
    kept = [k for k, group in enumerate(groups) if sizes[group] >= TOO_FEW_N]
    names = list(dict.fromkeys(groups[k] for k in kept))
    if len(names) < 2:
        return None
    lengths = [parts[k].n.size for k in kept]
    code = np.repeat([names.index(groups[k]) for k in kept], lengths)
    layers = list(dict.fromkeys(strata))
    layer = np.repeat([layers.index(strata[k]) for k in kept], lengths)
    found = _tested(by_day.pooled(parts[k] for k in kept), code, layer, to)
    return DurationTest(
        **place,
        test="log_rank" if to == "any" else "gray",
        groups_n=len(names),
        n=sum(sizes[name] for name in names),
        statistic=found.statistic if found else float("nan"),
        df=found.df if found else 0,
        p_value=found.p_value if found else float("nan"),
        p_adjusted=float("nan"),
        verdict="untested",
    )


def _tested(times: Times, code: NDArray[np.int64], layer: NDArray[np.int64], to: str) -> RankTest | None:
    """Return the test; None where no test fits: late entry of competing ends, or ends that have no date."""
    days, n, marks = group_curve.days_of(times), times.stands_for, times.cluster
    if times.undated_n and times.limit_s is not None:
        if to != "advance":
            return None
        # a lost deal never goes on: with the time to which it could have been watched, Gray's test is a log-rank test
        time_s, outcome = won_at_risk(times.time_s, times.outcome, times.limit_s)
        found = log_rank(time_s / SECONDS_PER_DAY, outcome == ADVANCED, code, n, None, layer, marks)
    elif to == "any":
        events, late = group_curve.events(times, to), group_curve.late(times)
        found = log_rank(days, events, code, n, late, layer, marks)
    elif times.late_n:
        return None
    else:
        found = gray(days, times.outcome, code, n, layer, group_curve.TO.index(to), marks)
    return found if times.weight is None or marks is not None else _weighted(found, times)


def _weighted(found: RankTest, times: Times) -> RankTest:
    """Return the test of deals that stand for others as so many deals as they are worth."""
    from scipy.special import chdtrc

    statistic = found.statistic / independent_factor(np.repeat(times.stands_for / times.n, times.n))
    return replace(
        found, statistic=statistic, p_value=float(chdtrc(found.df, statistic)) if found.df else np.nan
    )


def settled(tests: Sequence[DurationTest], confidence_level: float) -> tuple[DurationTest, ...]:
    """Return the tests adjusted for one another, with their verdicts."""
    adjusted = benjamini_hochberg([one.p_value for one in tests]).tolist()
    return tuple(
        replace(one, p_adjusted=value, verdict=_verdict(value, 1 - confidence_level))
        for one, value in zip(tests, adjusted, strict=True)
    )


def _verdict(p_adjusted: float, level: float) -> str:
    if np.isnan(p_adjusted):
        return "untested"
    return "differ" if p_adjusted <= level else "not_separable"


def _seen_until(times: Times) -> float:
    """Return the last day at which the state of at least ``TOO_FEW_N`` deals is known."""
    order = np.argsort(times.time_s, kind="stable")
    days, open_n = group_curve.days_of(times)[order], np.where(times.outcome == 0, times.n, 0)[order]
    gone = np.cumsum(open_n) - open_n
    seen = days[times.n.sum() - gone >= TOO_FEW_N]
    if not open_n.any():
        return float("inf")
    return float(seen.max()) if seen.size else 0.0


def gaps_of(
    parts: Sequence[Times],
    groups: Sequence[Group],
    to: str,
    half_days: float,
    confidence_level: float,
    place: group_curve.Span,
) -> tuple[DurationGap, ...]:
    """Return how far each group is from the rest on day `half_days`, or as far as all with enough deals see."""
    sized = [part for part in parts if part.n.sum() >= TOO_FEW_N]
    by_days = min([half_days, *map(_seen_until, sized)])
    if len(parts) < 2 or not 0 < by_days < np.inf:
        return ()
    known = [int(part.n.sum()) >= TOO_FEW_N and not _blurred(part) for part in parts]
    if to != "advance" and any(part.undated_n for part in parts):
        return ()  # of ends without a date there are bounds only: no group can be called faster
    if not any(part.n[group_curve.events(part, to)].any() for part in parts):
        return ()  # nothing has ended anywhere
    rows = []
    for g, part in enumerate(parts):
        n = int(part.n.sum())
        rest = by_day.pooled(itertools.chain(parts[:g], parts[g + 1 :])) if known[g] else None
        facts = _gap(part, rest, to, by_days, confidence_level)
        rows.append(DurationGap(group=groups[g], n=n, by_days=by_days, **place, **facts))
    return settled_gaps(rows, confidence_level)


def settled_gaps(rows: Sequence[DurationGap], confidence_level: float) -> tuple[DurationGap, ...]:
    """Return the gaps with p-values adjusted for one another, and their verdicts."""
    adjusted = benjamini_hochberg([row.p_value for row in rows]).tolist()
    level = 1 - confidence_level
    return tuple(
        replace(row, p_adjusted=p, verdict=_side(row.difference, p, level))
        for row, p in zip(rows, adjusted, strict=True)
    )


def less_sure(first: Sequence[DurationGap], second: Sequence[DurationGap]) -> tuple[DurationGap, ...]:
    """Return of each pair of gaps the one that is less sure of a difference."""
    return tuple(
        b if b.p_value > a.p_value or np.isnan(b.p_value) else a for a, b in zip(first, second, strict=True)
    )


def _side(difference: float, p_adjusted: float, level: float) -> str:
    if np.isnan(p_adjusted):
        return "too_few"
    if p_adjusted > level:
        return "not_separable"
    return "faster" if difference > 0 else "slower"


def _blurred(times: Times) -> bool:
    return by_day.early_risk_small(by_day.curve(times, 0.9), times, np.inf)


class _Gap(TypedDict):
    """How far a group is from the rest; adjusted and judged once all are known."""

    done_rate: float
    done_ci_lower: float
    done_ci_upper: float
    rest_rate: float
    difference: float
    difference_ci_lower: float
    difference_ci_upper: float
    p_value: float
    p_adjusted: float
    verdict: str


_NAN = float("nan")
_UNKNOWN: _Gap = {
    "done_rate": _NAN,
    "done_ci_lower": _NAN,
    "done_ci_upper": _NAN,
    "rest_rate": _NAN,
    "difference": _NAN,
    "difference_ci_lower": _NAN,
    "difference_ci_upper": _NAN,
    "p_value": _NAN,
    "p_adjusted": _NAN,
    "verdict": "too_few",
}


def _gap(part: Times, rest: Times | None, to: str, by_days: float, confidence_level: float) -> _Gap:
    """Return the shares done of one group and of the rest, and their difference; NaN where not known."""
    if rest is None or rest.n.sum() < TOO_FEW_N:
        return _UNKNOWN
    own, other = (_curve(one, to, confidence_level) for one in (part, rest))
    cause = 1 if to == "any" else group_curve.TO.index(to)
    read, others = own.at(by_days), other.at(by_days)
    apart = incidence_difference(own, other, by_days, cause, confidence_level)
    return {
        **_UNKNOWN,
        "done_rate": float(read.rate[cause - 1, 0]),
        "done_ci_lower": float(read.ci_lower[cause - 1, 0]),
        "done_ci_upper": float(read.ci_upper[cause - 1, 0]),
        "rest_rate": float(others.rate[cause - 1, 0]),
        "difference": apart.difference,
        "difference_ci_lower": apart.ci_lower,
        "difference_ci_upper": apart.ci_upper,
        "p_value": apart.p_value,
    }


def _curve(times: Times, to: str, confidence_level: float) -> Incidence:
    """Return the curve in days, as wide as weights and accounts with several deals demand."""
    if to != "any":
        found = by_day.curve(times, confidence_level)
        return replace(found, time=found.time / SECONDS_PER_DAY, last_time=found.last_time / SECONDS_PER_DAY)
    rows = (
        group_curve.days_of(times),
        group_curve.events(times, "any").astype(np.int8),
        group_curve.late(times),
    )
    found = aalen_johansen(
        rows[0], rows[1], times.stands_for, rows[2], confidence_level, causes=1, weighted=True
    )
    wider = by_day.factor_of(times, rows, found.time, confidence_level, causes=1)
    return found if wider is None else found.widened(*wider)
