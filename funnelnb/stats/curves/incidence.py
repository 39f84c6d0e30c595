"""By day t, how many were won, how many lost, how many are still open? The three add to 1."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from funnelnb.core import check
from funnelnb.core.arrays import Running, blocks
from funnelnb.stats.curves.band import log_log_band
from funnelnb.stats.curves.risk_table import RiskTable, left_of, risk_table
from funnelnb.stats.rates.proportion import normal_quantile

Floats = NDArray[np.float64]
_SURELY = 1 - 1e-12  # a sum of steps this close to 1 differs from it by rounding only


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class IncidenceAt:
    """An incidence curve read at chosen times. C causes, K times.

    Attributes
    ----------
    time : ndarray of float64, shape (K,)
    at_risk : ndarray of float64, shape (K,)
        Still under observation just before the time.
    rate, variance, ci_lower, ci_upper : ndarray of float64, shape (C, K)
        NaN where the data cannot see that far.
    open_rate : ndarray of float64, shape (K,)
    """

    time: Floats
    at_risk: Floats
    rate: Floats
    variance: Floats
    ci_lower: Floats
    ci_upper: Floats
    open_rate: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Incidence:
    """Cumulative incidence of each cause over time. C causes, T times.

    Attributes
    ----------
    time : ndarray of float64, shape (T,)
        0 and every time at which anything happens (event, end of observation, late entry), in the unit of the
        input.
    at_risk : ndarray of float64, shape (T,)
        Under observation and without an event just before the time.
    event_n : ndarray of float64, shape (C, T)
        Events at the time.
    rate : ndarray of float64, shape (C, T)
        Probability of the cause by the time (the time itself included).
    variance : ndarray of float64, shape (C, T)
        NaN for an amount-weighted estimate.
    ci_lower, ci_upper : ndarray of float64, shape (C, T)
        Pointwise, at `confidence_level`; worked out when read. NaN for an amount-weighted estimate.
    open_rate : ndarray of float64, shape (T,)
        Neither cause yet; ``rate.sum(axis=0) + open_rate`` is 1.
    n : float
        Deals (or amount) behind the curve.
    last_time : float
        Longest time observed; NaN without data.
    complete : bool
        False when late entry leaves an age at which nobody was watched: rates beyond it are conditional on
        having got past it.
    confidence_level : float
    at_risk_rate : ndarray of float64, shape (T,), or None
        Share that `at_risk` stands for, just before each time; None: the share still open.
    design : float
        So many deals tell as much as one (clusters, weights); used where the variance says nothing.
    lost_bounds : tuple of two ndarray of float64, shape (T,), or None
        Least and most that can have been lost by each time, where some losses have no date.
    there_n : ndarray of float64, shape (T,), or None
        Deals known to be there just before each time, where `at_risk` also holds such as may have been lost before;
        None: `at_risk`.
    widening : ndarray of float64, shape (C, T), or None
        By which `variance` was multiplied (clusters, weights); None: by nothing.
    """

    time: Floats
    at_risk: Floats
    event_n: Floats
    rate: Floats
    variance: Floats
    open_rate: Floats
    n: float
    last_time: float
    complete: bool
    confidence_level: float
    at_risk_rate: Floats | None = None
    design: float = 1.0
    lost_bounds: tuple[Floats, Floats] | None = None
    there_n: Floats | None = None
    widening: Floats | None = None

    def widened(self, factor: Floats, design: float) -> Incidence:
        """Return the curve with its variance multiplied by `factor` (C, T), and `design` deals counting as one."""
        return replace(self, variance=self.variance * factor, design=max(design, 1.0), widening=factor)

    @property
    def ci_lower(self) -> Floats:
        """Lower bound, shape (C, T)."""
        return self.bounds()[0]

    @property
    def ci_upper(self) -> Floats:
        """Upper bound, shape (C, T)."""
        return self.bounds()[1]

    def bounds(self, until: int | None = None) -> tuple[Floats, Floats]:
        """Return both bounds, each of shape (C, T), or of the first `until` times: no bound rests on later ones."""
        rows, z = slice(until), normal_quantile(self.confidence_level)
        before = (
            np.concatenate(([1.0], self.open_rate[:-1])) if self.at_risk_rate is None else self.at_risk_rate
        )
        at_risk = self.at_risk[rows] / self.design
        return log_log_band(self.rate[:, rows], self.variance[:, rows], at_risk, z, before[rows])

    def there_at(self, time: ArrayLike) -> Floats:
        """Return how many deals are known to be there just before chosen times, shape (K,)."""
        asked = np.atleast_1d(np.asarray(time, dtype=float))
        known = self.at_risk if self.there_n is None else self.there_n
        found: Floats = np.append(known, 0.0)[np.searchsorted(self.time, asked, side="left")]
        return found

    def rate_at(self, time: float, cause: int) -> float:
        """Read one rate at one time, as :meth:`at` does, without its bounds."""
        beyond = not time <= self.last_time and not (self.open_rate[-1] <= 1e-12 and self.n > 0)
        if beyond or not time >= 0:
            return float("nan")
        return float(self.rate[cause, np.searchsorted(self.time, time, side="right") - 1])

    def at(self, time: ArrayLike) -> IncidenceAt:
        """Read the curve at chosen times.

        Parameters
        ----------
        time : array_like of shape (K,) or scalar
            In the unit of the input, >= 0.

        Returns
        -------
        IncidenceAt
            A step function: the value at the last time not above the one asked for. Beyond the longest time
            observed the curve is not known and reads NaN, unless nobody is open any more (`open_rate` is 0):
            then nothing can change and the last value holds for ever.
        """
        asked = np.atleast_1d(np.asarray(time, dtype=float))
        row = np.searchsorted(self.time, asked, side="right") - 1
        decided = bool(self.open_rate[-1] <= 1e-12)
        unknown = ~(asked >= 0) | ~((asked <= self.last_time) | (decided and self.n > 0))
        following = np.searchsorted(self.time, asked, side="left")
        at_risk = np.append(self.at_risk, 0.0)[following]

        lower, upper = self.bounds(int(row.max(initial=0)) + 1)

        def read(curve: Floats) -> Floats:
            return np.where(unknown, np.nan, curve[..., row])

        return IncidenceAt(
            time=asked,
            at_risk=at_risk,
            rate=read(self.rate),
            variance=read(self.variance),
            ci_lower=read(lower),
            ci_upper=read(upper),
            open_rate=read(self.open_rate),
        )


def aalen_johansen(
    time: ArrayLike,
    outcome: ArrayLike,
    n: ArrayLike | None = None,
    entry: ArrayLike | None = None,
    confidence_level: float = check.CONFIDENCE_LEVEL,
    causes: int = 2,
    *,
    weighted: bool = False,
) -> Incidence:
    """By each time, which share had which outcome, when some are still open? (Aalen-Johansen.)

    Parameters
    ----------
    time : array_like of shape (R,)
        Time from the origin to the outcome or to the end of observation, >= 0, any unit. Equal times tie
        exactly.
    outcome : array_like of int, shape (R,)
        0 still open (censored), 1 ... `causes` what happened. Events come before censorings at equal time.
    n : array_like of shape (R,), optional
        Integers: deals behind each row. A float array is read as amounts: the estimate is then weighted by
        amount and variance and bounds are NaN, because sums of amounts do not hold the spread. Default 1
        each.
    entry : array_like of shape (R,), optional
        Time from which the row was under observation (late history): at risk at t if entry < t <= time. 0 or
        less: from the start.
    confidence_level : float
        Of the pointwise bounds.
    causes : int
        Number of competing causes C, >= 1.
    weighted : bool
        True: a float `n` holds numbers of deals that each row stands for; the variance is that of so many deals, to be
        widened by the caller (:meth:`Incidence.widened`).

    Returns
    -------
    Incidence

    Raises
    ------
    ParameterError
        Naming the first row that has a negative or infinite time, an unknown outcome, a negative n, or ends
        at or before its entry.

    Notes
    -----
    With d_k(u) events of cause k among Y(u) at risk and S the share still open, ``F_k(t) = sum over u <= t of
    S(u-) d_k(u) / Y(u)``. Variance: the Greenwood-type estimator (multinomial increments at each time). It is
    ``F (1 - F) / n`` without censoring, the infinitesimal jackknife that R's ``survfit`` gives where nobody
    enters late (with late entry they differ by a few percent), and Greenwood's formula when there is one
    cause. Bounds: complementary log-log (``stats.band``).

    References
    ----------
    Aalen & Johansen (1978), Scand. J. Statist. 5, 141-150. Allignol, Schumacher & Beyersmann (2010),
    doi:10.1002/bimj.200900039 (variance, late entry).

    Checked against R survival 3.5-3 (``survfit``, ties, weights, late entry) in
    ``tests/reference/curves.R``, hand cases, a brute-force product integral and simulations with known
    truth: ``tests/stats/test_incidence.py``.

    Examples
    --------
    >>> curve = aalen_johansen(time=[5, 9, 9, 14, 20], outcome=[1, 2, 1, 0, 1])
    >>> curve.at(10).rate.round(3).tolist(), curve.at(10).open_rate.round(3).tolist()
    ([[0.4], [0.2]], [0.4])
    """
    level = check.confidence_level(confidence_level)
    table = risk_table(time, outcome, n, entry, causes=causes, weighted=weighted)
    open_rate, rate, variance = _curves(table)
    if table.total_n == 0:
        rate, variance, open_rate = (np.full_like(array, np.nan) for array in (rate, variance, open_rate))
    return Incidence(
        time=table.time,
        at_risk=table.at_risk,
        event_n=table.event_n,
        rate=rate,
        variance=variance,
        open_rate=open_rate,
        n=table.total_n,
        last_time=table.last_time,
        complete=table.complete,
        confidence_level=level,
    )


def _curves(table: RiskTable) -> tuple[Floats, Floats, Floats]:
    """Return the share still open, shape (T,), and the cumulative incidences and their variances, shape (C, T).

    The variances of an estimate weighted by amounts are NaN.
    """
    open_rate, rate = np.empty_like(table.at_risk), np.empty_like(table.event_n)
    variance, running = np.full_like(rate, np.nan), Running()
    for rows in blocks(open_rate.size):
        at_risk, event_n = table.at_risk[rows], table.event_n[:, rows]
        safe, d = np.where(at_risk > 0, at_risk, 1.0), event_n.sum(axis=0)
        left = left_of(safe, d, table.total_n)
        first = running.last("open", 1.0)
        open_rate[rows] = still = running.product("open", left / safe)
        before = np.concatenate(([first], still[:-1]))
        steps = event_n * (before / safe)
        curves = np.minimum(running.sum("rate", steps.copy()), 1.0, out=rate[:, rows])
        if table.counted:
            odds = d / (np.where(left > 0, left, np.inf) * safe)
            variance[:, rows] = _variance(running, safe, steps, odds, before, curves)
    if np.any(rate[:, -1:] > _SURELY):
        rate[rate > _SURELY] = 1.0
    return open_rate, rate, variance


def _variance(
    running: Running, at_risk: Floats, steps: Floats, odds: Floats, before: Floats, curves: Floats
) -> Floats:
    """Return the Greenwood-type variance of each incidence in one block of times, shape (C, B).

    With h = F(t) - F(u) the summand at u <= t is ``(dF (S(u-) - dF) - 2 dF h + h^2 d / (Y - d)) / Y``.
    Ordered by powers of F(t), with q = d / (Y - d), it is ``{dF (S(u-) - dF) + 2 dF F(u) + q F(u)^2 - 2 F(t)
    [dF + q F(u)] + F(t)^2 q} / Y``: three running sums. `steps` are dF, `odds` q / Y, `before` S(u-).
    """
    part, weighed, twice = steps / at_risk, odds * curves, curves + curves
    constant = running.sum("constant", part * (before - steps + twice) + weighed * curves)
    linear = running.sum("linear", part + weighed)
    square = running.sum("square", odds)
    return np.maximum(constant + curves * (curves * square) - twice * linear, 0.0)
