"""What can be read from a fitted distribution of days, beside what was observed?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from funnelnb.analysis import pace
from funnelnb.analysis.distribution_rows import (
    DensityCurve,
    DistributionCurve,
    EndedBin,
    ParameterRow,
    QuantilePairs,
    QuantileRow,
    RemainingRow,
)
from funnelnb.analysis.fits import never_share
from funnelnb.core.check import TOO_FEW_N

if TYPE_CHECKING:
    from funnelnb.analysis.timing import Times
    from funnelnb.stats.lifetime import Lifetime
    from funnelnb.stats.survival import Survival

Floats = NDArray[np.float64]
Place = dict[str, Any]

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


def remaining(fit: Lifetime, known: pace.Pace, trusted_days: float, place: Place) -> list[RemainingRow]:
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


def _observed_more(known: pace.Pace, age: float) -> float:
    """Return the days until the observed curve has fallen to half of its height at `age`."""
    half = known.still[np.searchsorted(known.time, age, side="right") - 1] / 2
    found = np.flatnonzero(known.still <= half + 1e-9)
    return float(known.time[found[0]] - age) if found.size else float("inf")


def curve(fit: Lifetime, runner_up: Lifetime | None, known: pace.Pace, place: Place) -> DistributionCurve:
    """Return the share that has not ended, observed and fitted."""
    seen = pace.outline(known, None, None)
    own = fit.survival(seen["days"])
    other = np.full(own.value.size, np.nan) if runner_up is None else runner_up.survival(seen["days"]).value
    names = ("days", "not_yet_rate", "not_yet_ci_lower", "not_yet_ci_upper", "at_risk_n", "trusted_days")
    return DistributionCurve(
        **{name: seen[name] for name in names},
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
    most = int(np.clip(2 * fit.event_n ** (1 / 3), LEAST_BINS, MOST_BINS))  # Rice's rule
    width = next(
        (one for one in (_WIDTHS if week == 7 else _BUSINESS_WIDTHS) if until_days / one <= most),
        until_days / most,
    )
    if width > until_days:
        width = until_days / most
    edges = np.arange(0, until_days + width * 1e-9, width)
    after = 1 - curve.survival[np.searchsorted(curve.time, edges, side="right") - 1]
    if pace.whole_days(times):
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
    from funnelnb.stats.goodness import quantile_points

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
