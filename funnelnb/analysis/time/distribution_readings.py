"""What can be read from a fitted distribution of days, beside what was observed, and the rows that hold it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from funnelnb.analysis.shared import group_curve
from funnelnb.analysis.time.fits import never_share
from funnelnb.core.check import TOO_FEW_N

if TYPE_CHECKING:
    from funnelnb.analysis.shared.by_day import Times
    from funnelnb.stats.curves.survival import Survival
    from funnelnb.stats.lifetime.fit import Lifetime


# ---- What the rows and curves of a :class:`~funnelnb.analysis.time.distribution.Distribution` hold --------------


@dataclass(frozen=True, slots=True, kw_only=True)
class DistributionRow:
    """Which distribution describes the days of one group, and may it be trusted?

    Attributes
    ----------
    group : tuple of str
    stage : str
        Stage whose time is described; with `overall` the first of the whole way.
    overall : bool
    n : int
        Deals whose time is known.
    closed_n, open_n : int
        Those that ended in any way, and those that have no end yet.
    same_day_n : int
        Those that ended after 0 days.
    family : str
        The one with the lowest AICc; empty where none could be fitted.
    never, at_once : bool
        Whether it has a share that never ends, and one that ends the same day.
    median_days, median_ci_lower, median_ci_upper : float
        According to the fit; infinite where fewer than half ever end.
    never_share, never_ci_lower, never_ci_upper : float
        Of all deals; NaN where not part of the fit.
    plateau_share : float
        Share not ended at the age of the oldest deal that ended, as observed: what `never_share` should be
        close to where it is seen at all.
    same_day_share, same_day_ci_lower, same_day_ci_upper : float
        Of all deals, beyond what the family itself has on the first day; NaN where not part of the fit.
    log_likelihood, aicc, bic : float
    gap_share, gap_days : float
        Largest distance from the observed curve over the ages that can be trusted, and where it is.
    p_value : float
        Share of data sets drawn from the fit, cut where these deals were cut, that lie as far from their own
        fit. Small: the distribution does not describe the data. NaN: not tested.
    runs, tested_n : int
        Data sets drawn, and deals in each.
    last_event_days : float
        Age of the oldest deal that ended.
    trusted_days : float
        Beyond this age fewer than ``TOO_FEW_N`` deals are observed: what the fit says there is a guess.
    pause : bool
        True when so long a time without any end is no accident.
    verdict : str
        Of the family with the lowest AICc, as in :class:`~funnelnb.analysis.time.fits.FitRow`: ``"chosen"``,
        ``"too_far"`` or why nothing could be fitted; ``"too_few"`` where there are too few deals to say.
    trust : str
        ``"describes"``: within five points of the observed curve and not refuted. ``"roughly"``: within five
        points, but refuted, so good for a rough figure only. ``"unproven"``: not refuted, yet farther than five
        points: too few deals to tell. ``"untested"``: within five points, and the test could not be made.
        ``"no"``: not to be used.
    enough : bool
    """

    group: tuple[str, ...]
    stage: str
    overall: bool
    n: int
    closed_n: int
    open_n: int
    same_day_n: int
    family: str = ""
    never: bool = False
    at_once: bool = False
    median_days: float = np.nan
    median_ci_lower: float = np.nan
    median_ci_upper: float = np.nan
    never_share: float = np.nan
    never_ci_lower: float = np.nan
    never_ci_upper: float = np.nan
    plateau_share: float = np.nan
    same_day_share: float = np.nan
    same_day_ci_lower: float = np.nan
    same_day_ci_upper: float = np.nan
    log_likelihood: float = np.nan
    aicc: float = np.nan
    bic: float = np.nan
    gap_share: float = np.nan
    gap_days: float = np.nan
    p_value: float = np.nan
    runs: int = 0
    tested_n: int = 0
    last_event_days: float = np.nan
    trusted_days: float = np.nan
    pause: bool = False
    verdict: str = "too_few"
    trust: str = "no"
    enough: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterRow:
    """One parameter of the chosen fit.

    Attributes
    ----------
    group, stage, overall
        As in :class:`DistributionRow`.
    family, name : str
    value, value_ci_lower, value_ci_upper : float
        In days where it is a scale.
    """

    group: tuple[str, ...]
    stage: str
    overall: bool
    family: str
    name: str
    value: float
    value_ci_lower: float
    value_ci_upper: float


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantileRow:
    """By when has a share of all deals ended?

    Attributes
    ----------
    group, stage, overall
        As in :class:`DistributionRow`.
    ended_share : float
    fitted_days, fitted_ci_lower, fitted_ci_upper : float
        According to the chosen fit; infinite where so many never end.
    observed_days, observed_ci_lower, observed_ci_upper : float
        Kaplan-Meier; infinite where not reached.
    beyond : bool
        True when the fitted day lies beyond the ages that can be trusted.
    """

    group: tuple[str, ...]
    stage: str
    overall: bool
    ended_share: float
    fitted_days: float
    fitted_ci_lower: float
    fitted_ci_upper: float
    observed_days: float
    observed_ci_lower: float
    observed_ci_upper: float
    beyond: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RemainingRow:
    """How much more time does a deal of some age take?

    Attributes
    ----------
    group, stage, overall
        As in :class:`DistributionRow`.
    age_days : float
    watched_n : int
        Deals that were ever observed at that age.
    remaining_days, remaining_ci_lower, remaining_ci_upper : float
        Days until half of the deals still open at that age have ended; infinite where fewer ever do.
    observed_days : float
        The same read from the observed curve; infinite where not reached.
    within_30_rate, within_30_ci_lower, within_30_ci_upper : float
        Share of them that ends within 30 more days.
    beyond : bool
        True when that lies beyond the ages that can be trusted.
    """

    group: tuple[str, ...]
    stage: str
    overall: bool
    age_days: float
    watched_n: int
    remaining_days: float
    remaining_ci_lower: float
    remaining_ci_upper: float
    observed_days: float
    within_30_rate: float
    within_30_ci_lower: float
    within_30_ci_upper: float
    beyond: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DistributionCurve:
    """Share that has not ended, by days: observed, fitted and by the runner-up. T days.

    Attributes
    ----------
    group, stage, overall
        As in :class:`DistributionRow`.
    days : ndarray of float64, shape (T,)
    not_yet_rate, not_yet_ci_lower, not_yet_ci_upper : ndarray of float64, shape (T,)
        Kaplan-Meier.
    fitted_rate, fitted_ci_lower, fitted_ci_upper : ndarray of float64, shape (T,)
    runner_up_rate : ndarray of float64, shape (T,)
        NaN where there is none.
    at_risk_n : ndarray of int64, shape (T,)
    trusted_days : float
    """

    group: tuple[str, ...]
    stage: str
    overall: bool
    days: NDArray[np.float64]
    not_yet_rate: NDArray[np.float64]
    not_yet_ci_lower: NDArray[np.float64]
    not_yet_ci_upper: NDArray[np.float64]
    fitted_rate: NDArray[np.float64]
    fitted_ci_lower: NDArray[np.float64]
    fitted_ci_upper: NDArray[np.float64]
    runner_up_rate: NDArray[np.float64]
    at_risk_n: NDArray[np.int64]
    trusted_days: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DensityCurve:
    """Share of all deals that ends per day, at each age. T days.

    Attributes
    ----------
    group, stage, overall
        As in :class:`DistributionRow`.
    days : ndarray of float64, shape (T,)
    per_day_share : ndarray of float64, shape (T,)
        According to the chosen fit, the same-day share left out.
    """

    group: tuple[str, ...]
    stage: str
    overall: bool
    days: NDArray[np.float64]
    per_day_share: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedBin:
    """Share of all deals that ended between two ages, as observed (Kaplan-Meier).

    Attributes
    ----------
    group, stage, overall
        As in :class:`DistributionRow`.
    from_days, to_days : float
    ended_share : float
        Deals that ended the same day are left out where the fit has a share of them.
    per_day_share : float
    """

    group: tuple[str, ...]
    stage: str
    overall: bool
    from_days: float
    to_days: float
    ended_share: float
    per_day_share: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class QuantilePairs:
    """Days by which equal shares have ended: observed against fitted. K points.

    Attributes
    ----------
    group, stage, overall
        As in :class:`DistributionRow`.
    ended_share : ndarray of float64, shape (K,)
    observed_days, fitted_days : ndarray of float64, shape (K,)
        On the diagonal where the distribution is right. Points that by the fit are never reached are left out.
    trusted_days : float
    """

    group: tuple[str, ...]
    stage: str
    overall: bool
    ended_share: NDArray[np.float64]
    observed_days: NDArray[np.float64]
    fitted_days: NDArray[np.float64]
    trusted_days: float


# ---- What can be read from a fitted distribution of days, beside what was observed? ------------------------

Floats = NDArray[np.float64]
Place = group_curve.Place

SHARES = (0.10, 0.25, 0.50, 0.75, 0.90)
"""Shares whose days are told."""
AGES = (0, 30, 60, 90)
"""Ages at which the time that remains is told."""
AHEAD_DAYS = 30
LEAST_BINS, MOST_BINS = 5, 24
MOST_POINTS = 200
_WIDTHS = (1, 2, 3, 5, 7, 10, 14, 20, 30, 45, 60, 90, 180, 365, 730)
_BUSINESS_WIDTHS = (1, 2, 5, 10, 20, 40, 60, 120, 250, 500)


def parameters(fit: Lifetime, place: Place) -> list[ParameterRow]:
    """Return the parameters of the fit with their bounds, the share that ends told as the one that never does."""
    columns = (fit.parameters, fit.estimate, fit.ci_lower, fit.ci_upper)
    found = {name: tuple(map(float, values)) for name, *values in zip(*columns, strict=True)}
    if "finishing_share" in found:
        del found["finishing_share"]
        found["never_share"] = never_share(fit)
    if "at_once_share" in found:
        found["same_day_share"] = found.pop("at_once_share")
    return [
        ParameterRow(
            family=fit.family, name=name, value=value, value_ci_lower=lower, value_ci_upper=upper, **place
        )
        for name, (value, lower, upper) in found.items()
    ]


def quantiles(fit: Lifetime, curve: Survival, trusted_days: float, place: Place) -> list[QuantileRow]:
    """Return the days by which some shares have ended, fitted and observed."""
    fitted, seen = fit.quantile(SHARES), curve.quantile(SHARES)
    columns = (
        SHARES,
        fitted.value,
        fitted.ci_lower,
        fitted.ci_upper,
        seen.time,
        seen.ci_lower,
        seen.ci_upper,
    )
    return [
        QuantileRow(
            ended_share=share,
            fitted_days=float(value),
            fitted_ci_lower=float(lower),
            fitted_ci_upper=float(upper),
            observed_days=float(time),
            observed_ci_lower=float(low),
            observed_ci_upper=float(high),
            beyond=bool(np.isfinite(value) and value > trusted_days),
            **place,
        )
        for share, value, lower, upper, time, low, high in zip(*columns, strict=True)
    ]


def remaining(
    fit: Lifetime, known: group_curve.Pace, trusted_days: float, place: Place
) -> list[RemainingRow]:
    """Return how much longer deals of some ages take; nothing of ages at which too few were watched."""
    rows = []
    for age in AGES:
        watched = np.append(known.at_risk, 0.0)[np.searchsorted(known.time, age, side="left")]
        if watched < TOO_FEW_N or age > trusted_days:
            continue
        more, soon = fit.remaining(age), fit.within(age, AHEAD_DAYS)
        seen = age + AHEAD_DAYS <= trusted_days
        rows.append(
            RemainingRow(
                age_days=float(age),
                watched_n=int(watched),
                remaining_days=float(more.value[0]),
                remaining_ci_lower=float(more.ci_lower[0]),
                remaining_ci_upper=float(more.ci_upper[0]),
                observed_days=_observed_more(known, age),
                within_30_rate=float(soon.value[0]) if seen else np.nan,
                within_30_ci_lower=float(soon.ci_lower[0]) if seen else np.nan,
                within_30_ci_upper=float(soon.ci_upper[0]) if seen else np.nan,
                beyond=bool(np.isfinite(more.value[0]) and age + more.value[0] > trusted_days),
                **place,
            )
        )
    return rows


def _observed_more(known: group_curve.Pace, age: float) -> float:
    """Return the days until the observed curve has fallen to half of its height at `age`."""
    half = known.still[np.searchsorted(known.time, age, side="right") - 1] / 2
    found = np.flatnonzero(known.still <= half + 1e-9)
    return float(known.time[found[0]] - age) if found.size else float("inf")


def curve(
    fit: Lifetime, runner_up: Lifetime | None, known: group_curve.Pace, place: Place
) -> DistributionCurve:
    """Return the share that has not ended, observed and fitted."""
    seen = group_curve.curve_fields(known, None, None)
    own = fit.survival(seen["days"])
    other = np.full(own.value.size, np.nan) if runner_up is None else runner_up.survival(seen["days"]).value
    return DistributionCurve(
        days=seen["days"],
        not_yet_rate=seen["not_yet_rate"],
        not_yet_ci_lower=seen["not_yet_ci_lower"],
        not_yet_ci_upper=seen["not_yet_ci_upper"],
        at_risk_n=seen["at_risk_n"],
        trusted_days=seen["trusted_days"],
        fitted_rate=own.value,
        fitted_ci_lower=own.ci_lower,
        fitted_ci_upper=own.ci_upper,
        runner_up_rate=other,
        **place,
    )


def bins(
    times: Times, fit: Lifetime, curve: Survival, until_days: float, place: Place, *, week: int = 7
) -> list[EndedBin]:
    """Return the share of all deals that ended between whole ages, up to `until_days`; a week has so many days.

    Of whole days, those that ended on the day of an edge count half on either side of it.
    """
    if until_days <= 0:  # everything ended at once
        return []
    most = int(np.clip(2 * fit.event_n ** (1 / 3), LEAST_BINS, MOST_BINS))  # Rice's rule
    width = next(
        (one for one in (_WIDTHS if week == 7 else _BUSINESS_WIDTHS) if until_days / one <= most),
        until_days / most,
    )
    if width > until_days:
        width = until_days / most
    edges = np.arange(0, until_days + width * 1e-9, width)
    after = 1 - curve.survival[np.searchsorted(curve.time, edges, side="right") - 1]
    if group_curve.whole_days(times):
        place_before = np.searchsorted(curve.time, edges, side="left") - 1
        before = 1 - np.where(place_before >= 0, curve.survival[place_before], 1.0)
        after[1:] = (after[1:] + before[1:]) / 2
    if not fit.shape.at_once:
        after[0] = 0.0
    ended = np.diff(after)
    return [
        EndedBin(
            from_days=float(low),
            to_days=float(high),
            ended_share=float(share),
            per_day_share=float(share / width),
            **place,
        )
        for low, high, share in zip(edges[:-1], edges[1:], ended, strict=True)
    ]


def density(fit: Lifetime, until_days: float, place: Place) -> DensityCurve:
    """Return the share that ends per day according to the fit, at the middles of equal steps."""
    days = (np.arange(MOST_POINTS) + 0.5) / MOST_POINTS * until_days
    return DensityCurve(days=days, per_day_share=fit.density(days), **place)


def pairs(fit: Lifetime, curve: Survival, trusted_days: float, place: Place) -> QuantilePairs:
    """Return observed against fitted days of equal shares, at most `MOST_POINTS` of them."""
    from funnelnb.stats.lifetime.goodness import quantile_points

    points = quantile_points(curve, fit)
    kept = np.flatnonzero((points.time > 0) & np.isfinite(points.fitted_time))
    kept = kept[
        np.unique(np.linspace(0, max(kept.size - 1, 0), MOST_POINTS).round().astype(int))[: kept.size]
    ]
    return QuantilePairs(
        ended_share=points.share[kept],
        observed_days=points.time[kept],
        fitted_days=points.fitted_time[kept],
        trusted_days=trusted_days,
        **place,
    )


def drawn_until(fit: Lifetime, last_event_days: float, trusted_days: float) -> tuple[float, float]:
    """Return up to which age ends are counted in bins, and up to which the density is drawn."""
    seen = min(last_event_days, trusted_days) or last_event_days
    late = float(fit.quantile(SHARES[-1]).value[0])
    return seen, min(late, 1.5 * seen) if np.isfinite(late) and late > seen else seen
