"""What the events at each time do to a sum over a curve: the pieces of its variance, read at any edges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from funnelnb.stats.incidence import Incidence

Floats = NDArray[np.float64]


class Read:
    """A curve read at the edges of intervals, with what the variance of any sum over them needs.

    For an event time s in an interval that ends at e, with odds = d / (Y - d), dF_c = S(s-) d_c / Y and
    m = E - F_1(s) w_1 - F_2(s) w_2, the summand of the variance is

        {S(s-) sum_c dF_c w_c^2 - (sum_c dF_c w_c)^2 - 2 m sum_c dF_c w_c + odds m^2} / Y.

    Its six coefficients in the products of (w_1, w_2, E) are cumulated over the event times once.

    Attributes
    ----------
    rate : ndarray, shape (2, ..., E + 1)
        Incidences at the edges.
    moments : ndarray, shape (6, ..., E)
        Of w_1^2, w_2^2, w_1 w_2, E w_1, E w_2 and E^2 in each interval.
    still : ndarray, shape (...)
        Share still open at the first edge.
    last_time, open_end : float
        Where the curve ends, and the share still open there.
    """

    def __init__(self, curve: Incidence, edges: NDArray[Any]) -> None:
        self._curve = curve
        self.last_time = curve.last_time if curve.n else 0.0
        self.open_end = float(curve.open_rate[-1]) if curve.n else 1.0
        row = np.searchsorted(curve.time, np.minimum(edges, self.last_time), side="right")
        start = np.zeros((2, 1))
        rate, still = np.nan_to_num(curve.rate), np.nan_to_num(curve.open_rate, nan=1.0)
        self.rate: Floats = np.concatenate([start, rate], axis=1)[:, row]
        self.still: Floats = np.append(1.0, still)[row[..., 0]]
        self.moments: Floats = np.diff(_moments(curve, rate, still)[:, row], axis=-1)

    def known_n(self, start: Any, end: Any) -> Floats:
        """Return how many had an event after `start` and before `end`, or were watched up to `end`."""
        curve = self._curve
        events = np.append(0.0, np.cumsum(curve.event_n.sum(axis=0)))
        row = np.searchsorted(curve.time, end, side="left")
        had: Floats = events[row] - events[np.searchsorted(curve.time, start, side="right")]
        return np.maximum(had + np.append(curve.at_risk, 0.0)[row], 0.0)


def _moments(curve: Incidence, rate: Floats, still: Floats) -> Floats:
    """Return the six coefficients, cumulated over the times of the curve from nothing on, shape (6, T + 1)."""
    at_risk, d = curve.at_risk, curve.event_n.sum(axis=0)
    inverse = 1 / np.where(at_risk > 0, at_risk, 1.0)
    left = at_risk - d
    odds = np.divide(d, left, out=np.zeros_like(left), where=left > 0)
    before = np.append(1.0, still[:-1])
    moves = before * curve.event_n * inverse
    pull = moves + odds * rate
    own = moves * (before - moves) + rate * (moves + pull)
    cross = 2 * (rate[0] * pull[1] + rate[1] * moves[0] - moves[0] * moves[1])
    summands = np.stack([own[0], own[1], cross, -2 * pull[0], -2 * pull[1], odds]) * inverse
    return np.concatenate([np.zeros((6, 1)), np.cumsum(summands, axis=1)], axis=1)


def quadratic(moments: Floats, parts: NDArray[Any]) -> Floats:
    """Return the quadratic form of (w_1, w_2, E), summed over the intervals."""
    one, two, e = parts
    summands = (moments[0] * one + moments[2] * two + moments[3] * e) * one
    summands += (moments[1] * two + moments[4] * e) * two + moments[5] * e * e
    return np.maximum(summands.sum(axis=-1), 0.0)
