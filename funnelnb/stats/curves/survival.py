"""How long does it take, when some are not finished yet?"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from funnelnb.core import check
from funnelnb.core.arrays import Running, blocks
from funnelnb.core.errors import ParameterError
from funnelnb.stats.curves.band import log_log_band
from funnelnb.stats.curves.risk_table import RiskTable, left_of, risk_table
from funnelnb.stats.rates.proportion import normal_quantile

Floats = NDArray[np.float64]
_FLAT = 1e-9  # two survival values this close are equal


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SurvivalAt:
    """A survival curve read at chosen times, each of shape (K,); NaN where the data cannot see that far."""

    time: Floats
    at_risk: Floats
    survival: Floats
    variance: Floats
    ci_lower: Floats
    ci_upper: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Quantiles:
    """Times by which given shares have finished, each of shape (K,).

    Attributes
    ----------
    share : ndarray of float64
        Share finished, within (0, 1).
    time, ci_lower, ci_upper : ndarray of float64
        Infinite: not reached within what was observed. That is an answer: at least this long.
    """

    share: Floats
    time: Floats
    ci_lower: Floats
    ci_upper: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class RestrictedMean:
    """Mean time spent up to a limit.

    Attributes
    ----------
    until : float
    mean, std_error, ci_lower, ci_upper : float
        In the unit of time; NaN when the curve is not known up to `until`.
    """

    until: float
    mean: float
    std_error: float
    ci_lower: float
    ci_upper: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Survival:
    """Share not finished yet over time. T times.

    Attributes
    ----------
    time : ndarray of float64, shape (T,)
        0 and every time at which anything happens (event, end of observation, late entry), in the unit of the
        input.
    at_risk : ndarray of float64, shape (T,)
        Under observation and without an event just before the time.
    event_n, censored_n : ndarray of float64, shape (T,)
        Events, and observations that ended without one, at the time.
    survival : ndarray of float64, shape (T,)
        Probability of no event by the time (the time itself included).
    variance : ndarray of float64, shape (T,)
        Greenwood's; NaN for an amount-weighted estimate.
    ci_lower, ci_upper : ndarray of float64, shape (T,)
        Pointwise log-log band at `confidence_level`; worked out when read. NaN for an amount-weighted
        estimate.
    n : float
        Deals (or amount) behind the curve.
    last_time : float
        Longest time observed; NaN without data.
    complete : bool
        False when late entry leaves an age at which nobody was watched.
    confidence_level : float
    factor : ndarray of float64, shape (T,), or None
        By how much clusters and weights widened the variance.
    design : float
        So many deals tell as much as one; used where the variance says nothing.
    """

    time: Floats
    at_risk: Floats
    event_n: Floats
    censored_n: Floats
    survival: Floats
    variance: Floats
    n: float
    last_time: float
    complete: bool
    confidence_level: float
    factor: Floats | None = None
    design: float = 1.0

    def widened(self, factor: Floats, design: float) -> Survival:
        """Return the curve with its variance multiplied by `factor` (T,), and `design` deals counting as one."""
        return replace(self, variance=self.variance * factor, factor=factor, design=max(design, 1.0))

    @property
    def ci_lower(self) -> Floats:
        """Lower bound, shape (T,)."""
        return self.bounds()[0]

    @property
    def ci_upper(self) -> Floats:
        """Upper bound, shape (T,)."""
        return self.bounds()[1]

    def bounds(self) -> tuple[Floats, Floats]:
        """Return both bounds, each of shape (T,)."""
        z = normal_quantile(self.confidence_level)
        finished_lower, finished_upper = log_log_band(
            1 - self.survival, self.variance, self.at_risk / self.design, z
        )
        return 1 - finished_upper, 1 - finished_lower

    def at(self, time: ArrayLike) -> SurvivalAt:
        """Read the curve at chosen times, shape (K,) or scalar.

        A step function; beyond the longest time observed NaN, unless everybody has finished (then 0 for
        ever).
        """
        asked = np.atleast_1d(np.asarray(time, dtype=float))
        row = np.searchsorted(self.time, asked, side="right") - 1
        over = bool(self.n > 0 and self.survival[-1] <= _FLAT)
        unknown = ~(asked >= 0) | ~((asked <= self.last_time) | over)
        at_risk = np.append(self.at_risk, 0.0)[np.searchsorted(self.time, asked, side="left")]
        curves = (self.survival, self.variance, *self.bounds())
        survival, variance, lower, upper = (np.where(unknown, np.nan, curve[row]) for curve in curves)
        return SurvivalAt(
            time=asked, at_risk=at_risk, survival=survival, variance=variance, ci_lower=lower, ci_upper=upper
        )

    def quantile(self, share: ArrayLike = 0.5) -> Quantiles:
        """By when have these shares finished? 0.5 is the median.

        Parameters
        ----------
        share : array_like of shape (K,) or scalar
            Within (0, 1).

        Returns
        -------
        Quantiles
            With Brookmeyer and Crowley's interval: the times at which the band, not the curve, falls to 1 -
            share. Infinite where that is not reached within what was observed.

        Notes
        -----
        The first time at which the curve is below 1 - share; where it runs level at exactly that height, the
        middle of the level part (so that the median of 1, 2, 3, 4 is 2.5). R's ``quantile.survfit`` has the
        same rule.

        References
        ----------
        Brookmeyer & Crowley (1982), doi:10.2307/2530286.
        """
        shares = np.atleast_1d(np.asarray(share, dtype=float))
        for one in shares:
            check.number("share", one, gt=0, lt=1)
        times, lower, upper = (
            np.array([_falls_to(self.time, curve, 1 - one) for one in shares])
            for curve in (self.survival, *self.bounds())
        )
        return Quantiles(share=shares, time=times, ci_lower=np.minimum(lower, times), ci_upper=upper)

    def restricted_mean(self, until: float) -> RestrictedMean:
        """How much time passes on average up to `until`, counting those still open then as `until`?

        Parameters
        ----------
        until : float
            Limit in the unit of time, > 0. Beyond the longest time observed the answer is NaN unless
            everybody has finished.

        Returns
        -------
        RestrictedMean
            Area under the curve; variance ``sum (area from t to until)^2 d / (Y (Y - d))``.

        References
        ----------
        Klein & Moeschberger (2003), *Survival Analysis*, section 4.5.
        """
        limit = check.number("until", until, gt=0)
        if np.isnan(self.at(limit).survival[0]):
            return RestrictedMean(
                until=limit, mean=np.nan, std_error=np.nan, ci_lower=np.nan, ci_upper=np.nan
            )
        inside = self.time < limit
        widths = np.diff(np.append(self.time[inside], limit))
        pieces = widths * self.survival[inside]
        beyond = np.cumsum(pieces[::-1])[::-1]
        d = self.event_n[inside]
        left = left_of(self.at_risk[inside], d, self.n)
        hazard = np.divide(d, self.at_risk[inside] * left, out=np.zeros_like(d), where=left > 0)
        wider = 1.0 if self.factor is None else float(np.median(self.factor[inside]))
        error = (
            float(np.sqrt(wider * np.sum(beyond**2 * hazard))) if np.isfinite(self.variance).all() else np.nan
        )
        mean, z = float(pieces.sum()), normal_quantile(self.confidence_level)
        lower, upper = max(mean - z * error, 0.0), min(mean + z * error, limit)
        return RestrictedMean(until=limit, mean=mean, std_error=error, ci_lower=lower, ci_upper=upper)


def kaplan_meier(
    time: ArrayLike,
    event: ArrayLike,
    n: ArrayLike | None = None,
    entry: ArrayLike | None = None,
    confidence_level: float = check.CONFIDENCE_LEVEL,
    *,
    weighted: bool = False,
) -> Survival:
    """Which share is not finished by each time, when some are still open? (Kaplan-Meier.)

    Parameters
    ----------
    time : array_like of shape (R,)
        Time from the origin to the event or to the end of observation, >= 0, any unit. Equal times tie
        exactly.
    event : array_like of bool or int, shape (R,)
        True or 1: finished. False or 0: still open (censored); events come before censorings at equal time.
    n : array_like of shape (R,), optional
        Integers: deals behind each row. A float array is read as amounts: no variance then. Default 1 each.
    entry : array_like of shape (R,), optional
        Time from which the row was under observation (late history): at risk at t if entry < t <= time. 0 or
        less: from the start.
    confidence_level : float
        Of the pointwise bounds and of everything read from the curve.
    weighted : bool
        True: a float `n` holds numbers of deals that each row stands for; see :meth:`Survival.widened`.

    Returns
    -------
    Survival

    Raises
    ------
    ParameterError
        Naming the first row that has a negative or infinite time, an unknown event, a negative n, or ends at
        or before its entry; or when there is no row.

    Notes
    -----
    ``S(t) = product over u <= t of (1 - d(u) / Y(u))``, Greenwood's variance ``S^2 sum d / (Y (Y - d))``,
    bounds on the scale ``log(-log S)`` (``stats.band``).

    References
    ----------
    Kaplan & Meier (1958), doi:10.1080/01621459.1958.10501452. Greenwood (1926), *The errors of sampling of
    the survivorship tables*.

    Checked against R survival 3.5-3 (``survfit``, ``quantile``, ``print(rmean=)``) in
    ``tests/reference/published.R`` and its data sets, hand cases and invariants:
    ``tests/stats/test_survival.py``.

    Examples
    --------
    >>> curve = kaplan_meier(time=[6, 6, 6, 7, 10], event=[1, 1, 0, 1, 0])
    >>> curve.at([6, 7]).survival.round(3).tolist(), curve.quantile().time.tolist()
    ([0.6, 0.3], [7.0])
    """
    level = check.confidence_level(confidence_level)
    table = risk_table(time, event, n, entry, causes=1, weighted=weighted)
    if table.total_n == 0:
        raise ParameterError("there is no row to estimate from", expected="at least one time")
    survival, variance = _curve(table)
    if not table.counted:
        variance = np.full_like(variance, np.nan)
    return Survival(
        time=table.time,
        at_risk=table.at_risk,
        event_n=table.event_n[0],
        censored_n=table.censored_n,
        survival=survival,
        variance=variance,
        n=table.total_n,
        last_time=table.last_time,
        complete=table.complete,
        confidence_level=level,
    )


def _curve(table: RiskTable) -> tuple[Floats, Floats]:
    """Return the share not finished by each time and Greenwood's variance of it, each of shape (T,)."""
    survival, variance, running = np.empty_like(table.at_risk), np.empty_like(table.at_risk), Running()
    for rows in blocks(survival.size):
        at_risk, d = table.at_risk[rows], table.event_n[0, rows]
        safe = np.where(at_risk > 0, at_risk, 1.0)
        left = left_of(safe, d, table.total_n)
        survival[rows] = curve = running.product("survival", left / safe)
        hazard = running.sum("hazard", d / (np.where(left > 0, left, np.inf) * safe))
        variance[rows] = curve * curve * hazard
    return survival, variance


def _falls_to(time: Floats, curve: Floats, height: float) -> float:
    """Return when a falling step curve passes `height`: the middle where it is level there, inf if never."""
    if np.isnan(curve).all():
        return float("nan")
    below = np.flatnonzero(curve < height - _FLAT)
    level = np.flatnonzero(np.abs(curve - height) <= _FLAT)
    if level.size and below.size:
        return float((time[level[0]] + time[below[0]]) / 2)
    if level.size or below.size:
        return float(time[level[0] if level.size else below[0]])
    return float("inf")
