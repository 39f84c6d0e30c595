"""Rates of a counted funnel with their intervals: so far, of those whose window is over, and by a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from funnelnb.stats.curves.band import log_log_band
from funnelnb.stats.curves.incidence import aalen_johansen
from funnelnb.stats.rates.proportion import normal_quantile, wilson

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from funnelnb.data.events.counts import Spans

NAN = float("nan")
CURVE_POINTS = 400
CLOSE = 1e-9
"""Times this close to the horizon are at it: a day ends one microsecond before the next begins."""


def share(k: float, n: float, level: float, design: float = 1.0) -> tuple[float, float, float]:
    """Return k of n as a rate with Wilson's bounds; `design` divides n where cases are not independent."""
    if n <= 0:
        return NAN, NAN, NAN
    lower, upper = wilson(k / design, n / design, level)
    return k / n, float(lower), float(upper)


@dataclass(frozen=True, slots=True, kw_only=True)
class ByTime:
    """Share done by a time since the step before, those still under way counted as far as they were watched.

    Attributes
    ----------
    n : int
    rate, ci_lower, ci_upper : float
        At the horizon; NaN where nobody was watched so long and somebody is still open.
    at_risk_n : int
        Watched as long as the horizon and not through before.
    effective_n : float
        So many fully watched, independent cases would give an interval as wide.
    median_days, median_ci_lower, median_ci_upper : float
        By when half of those who are through by the horizon are through.
    finished_median_days : float
        The same of those seen to be through only: shorter while slow ones are still under way.
    days, curve, curve_ci_lower, curve_ci_upper : ndarray of float64
        The whole curve up to the horizon.
    """

    n: int
    rate: float
    ci_lower: float
    ci_upper: float
    at_risk_n: int
    effective_n: float
    median_days: float
    median_ci_lower: float
    median_ci_upper: float
    finished_median_days: float
    days: NDArray[np.float64]
    curve: NDArray[np.float64]
    curve_ci_lower: NDArray[np.float64]
    curve_ci_upper: NDArray[np.float64]


_NOTHING = np.zeros(0)
NOBODY = ByTime(
    n=0, rate=NAN, ci_lower=NAN, ci_upper=NAN, at_risk_n=0, effective_n=0.0, median_days=NAN,
    median_ci_lower=NAN, median_ci_upper=NAN, finished_median_days=NAN, days=_NOTHING, curve=_NOTHING,
    curve_ci_lower=_NOTHING, curve_ci_upper=_NOTHING,
)  # fmt: skip


def by_time(spans: Spans, horizon_days: float, level: float, design: float = 1.0) -> ByTime:
    """Which share is through within the horizon? Those watched less long count as far as they were.

    Notes
    -----
    Aalen-Johansen with one outcome (one minus Kaplan-Meier): time to the step, observation ending at the
    as-of time. `design` widens the variance for attempts of the same actor. A time exactly at the horizon
    lies inside it.
    """
    if not len(spans.n):
        return NOBODY
    found = aalen_johansen(spans.days, spans.done, spans.n, confidence_level=level, causes=1)
    z = normal_quantile(level)
    variance = found.variance[0] * design
    lower, upper = log_log_band(found.rate[0], variance, found.at_risk / design, z)
    known = horizon_days <= found.last_time * (1 + CLOSE) or found.open_rate[-1] <= 1e-12
    at = int(np.searchsorted(found.time, horizon_days * (1 + CLOSE), side="right")) - 1
    through = np.repeat(spans.days[spans.done > 0], spans.n[spans.done > 0])
    through = through[through <= horizon_days * (1 + CLOSE)]
    middle = _median(found.time[: at + 1], found.rate[0][: at + 1], len(through) / design, z)
    rate = float(found.rate[0, at])
    watched_n = (
        len(through) + float(np.append(found.at_risk, 0.0)[min(at + 1, len(found.at_risk))])
    ) / design
    spread = float(variance[at])
    keep = _thin(found.time[: at + 1])
    beyond = np.searchsorted(found.time, horizon_days * (1 - CLOSE), side="left")
    return ByTime(
        n=int(spans.n.sum()),
        rate=rate if known else NAN,
        ci_lower=float(lower[at]) if known else NAN,
        ci_upper=float(upper[at]) if known else NAN,
        at_risk_n=int(np.append(found.at_risk, 0.0)[beyond]),
        effective_n=rate * (1 - rate) / spread if spread > 0 else watched_n,
        median_days=middle[0],
        median_ci_lower=middle[1],
        median_ci_upper=middle[2],
        finished_median_days=float(np.median(through)) if len(through) else NAN,
        days=found.time[keep],
        curve=found.rate[0][keep],
        curve_ci_lower=lower[keep],
        curve_ci_upper=upper[keep],
    )


def _thin(time: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return at most ``CURVE_POINTS`` places, first and last among them."""
    return np.unique(np.linspace(0, len(time) - 1, min(len(time), CURVE_POINTS)).round().astype(np.int64))


def _median(
    time: NDArray[np.float64], rate: NDArray[np.float64], through_n: float, z: float
) -> tuple[float, float, float]:
    """Return when half of the final rate is reached, with the bounds of a median of so many."""
    if not len(rate) or rate[-1] <= 0 or through_n <= 0:
        return NAN, NAN, NAN
    half = z * 0.5 / np.sqrt(through_n)
    heights = np.clip([0.5, 0.5 - half, 0.5 + half], 0.0, 1.0) * rate[-1]
    at = np.searchsorted(rate, heights - 1e-12, side="left")
    middle, low, high = time[np.minimum(at, len(time) - 1)]
    return float(middle), float(low), float(high)
