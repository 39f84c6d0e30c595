"""A fitted distribution of a time, and what can be read from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from funnelnb.core import check
from funnelnb.stats.rates.proportion import normal_quantile

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from funnelnb.stats.lifetime.likelihood import Shape


Floats = NDArray[np.float64]
_PLACES = 1_001
"""At so many times a band is read to find when it reaches a share."""

REFUSALS = {
    "all_open": "no deal has finished yet, so nothing is known about how long finishing takes",
    "too_few_finished": "too few deals have finished for so many parameters",
    "no_spread": "all finished deals took equally long, so no spread can be estimated",
    "follow_up_too_short": "deals were not watched long enough after the last finish to see a share that never does",
    "at_bound": "the most likely value lies at the edge of what is possible",
    "flat": "many different values fit the data equally well",
    "not_converged": "no most likely value was found",
}
"""Why a fit cannot be trusted, by code."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reading:
    """Values read from a fit with their bounds, each of shape (K,).

    Attributes
    ----------
    value, ci_lower, ci_upper : ndarray of float64
        NaN when the fit was refused. A time of infinity: never reached.
    """

    value: Floats
    ci_lower: Floats
    ci_upper: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lifetime:
    """A fitted distribution of a time. P parameters.

    Attributes
    ----------
    family : str
    parameters : tuple of str, length P
        Names in the usual parametrisation of the family, then ``finishing_share`` and ``at_once_share`` if
        estimated.
    estimate, std_error, ci_lower, ci_upper : ndarray of float64, shape (P,)
        NaN when the fit was refused. Bounds are symmetric on the scale of the search (logarithm for positive
        parameters, logit for shares; the finishing share's come from its profile likelihood).
    log_likelihood, aicc, bic : float
        Comparable between families fitted to the same observations. AICc and BIC take the number of finished
        deals as sample size.
    n, event_n : float
        Deals, and those that are known to have finished.
    refusal : str
        Empty, or the code in ``REFUSALS`` that says why the fit cannot be trusted.
    facts : Mapping of str to float
        Numbers behind the refusal.
    shape : Shape
        Which parameters were free.
    theta, covariance : ndarray of float64, shape (P,) and (P, P)
        As searched: alpha, beta, form, logit of the finishing share, logit of the share at once.
    confidence_level : float
    """

    family: str
    parameters: tuple[str, ...]
    estimate: Floats
    std_error: Floats
    ci_lower: Floats
    ci_upper: Floats
    log_likelihood: float
    aicc: float
    bic: float
    n: float
    event_n: float
    shape: Shape
    theta: Floats
    covariance: Floats
    confidence_level: float
    refusal: str = ""
    facts: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))

    def finished(self, time: ArrayLike) -> Reading:
        """Which share has finished by each time? Bounds are complementary log-log."""
        times = np.atleast_1d(np.asarray(time, dtype=float))
        return self._rate(lambda theta: self._below(theta, times)[0])

    def finished_share(self, time: ArrayLike) -> Floats:
        """Return the share that has finished by each time, without bounds: quick."""
        return self._below(self.theta, np.atleast_1d(np.asarray(time, dtype=float)))[0]

    def survival(self, time: ArrayLike) -> Reading:
        """Which share is still open at each time?"""
        read = self.finished(time)
        return Reading(value=1 - read.value, ci_lower=1 - read.ci_upper, ci_upper=1 - read.ci_lower)

    def density(self, time: ArrayLike) -> Floats:
        """How many finish per unit of time at each time > 0, as a share of all?"""
        times = np.atleast_1d(np.asarray(time, dtype=float))
        alpha, beta, form, c, p = self.shape.unpack(self.theta)
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.log(times)
            base = self.shape.family.standard(alpha + beta * logs, form)
            dense = (1 - p) * c * beta * np.exp(base.log_density - logs)
        return np.where(times > 0, dense, np.nan)

    def quantile(self, share: ArrayLike = 0.5) -> Reading:
        """By when have these shares finished? Infinite when so many never do.

        Bounds are symmetric in log time. Where a share never finishes they are the times at which the bounds of
        :meth:`finished` reach the share: near the share that finishes at all, log time is anything but normal.
        """
        shares = np.atleast_1d(np.asarray(share, dtype=float))
        for one in shares:
            check.number("share", one, gt=0, lt=1)
        read = self._time(lambda theta: self._time_of(theta, shares, 1 - shares))
        return self._inverted(read.value, shares) if self.shape.never and not self.refusal else read

    def within(self, age: ArrayLike, ahead: ArrayLike) -> Reading:
        """How likely does a deal still open at this age finish within so much more time?

        Parameters
        ----------
        age, ahead : array_like, broadcast to shape (K,)
            In the unit of the fit, >= 0.
        """
        ages, steps = np.broadcast_arrays(
            np.atleast_1d(np.asarray(age, dtype=float)), np.atleast_1d(np.asarray(ahead, dtype=float))
        )

        def chance(theta: Floats) -> Floats:
            with np.errstate(invalid="ignore", divide="ignore"):
                return 1 - self._below(theta, ages + steps)[1] / self._below(theta, ages)[1]

        return self._rate(chance)

    def remaining(self, age: ArrayLike, share: float = 0.5) -> Reading:
        """How much more time until this share of the deals still open at each age has finished?

        Infinite when so many of them never do.
        """
        ages = np.atleast_1d(np.asarray(age, dtype=float))
        part = check.number("share", share, gt=0, lt=1)

        def more(theta: Floats) -> Floats:
            below, above = self._below(theta, ages)
            return self._time_of(theta, below + part * above, (1 - part) * above) - ages

        return self._time(more)

    def restricted_mean(self, until: float) -> Reading:
        """How much time passes on average up to `until`, counting those still open then as `until`?"""
        limit = check.number("until", until, gt=0)
        nodes, weights = np.polynomial.legendre.leggauss(200)
        # squared, so that nodes crowd at 0 where curves are steepest
        places = (nodes + 1) / 2
        times, measure = limit * places**2, limit * places * weights

        def area(theta: Floats) -> Floats:
            return np.atleast_1d(self._below(theta, times)[1] @ measure)

        value, error = self._delta(area)
        half = normal_quantile(self.confidence_level) * error
        return Reading(
            value=value, ci_lower=np.maximum(value - half, 0), ci_upper=np.minimum(value + half, limit)
        )

    def draw(self, rng: np.random.Generator, size: int, entry: Floats | float = 0.0) -> Floats:
        """Draw `size` times from the fit, given that they exceed `entry`; infinite: never finishes."""
        entries = np.broadcast_to(np.asarray(entry, dtype=float), size)
        above = self._below(self.theta, entries)[1]
        late = entries > 0
        left = rng.random(size) * np.where(late, above, 1.0)
        quick = self.shape.family.draw
        if quick is None or late.any():
            return self._time_of(self.theta, 1 - left, left)
        alpha, beta, form, c, p = self.shape.unpack(self.theta)
        with np.errstate(over="ignore"):
            times = np.exp((quick(rng, size, form) - alpha) / beta)
        return np.where(left > 1 - p, 0.0, np.where(left < (1 - p) * (1 - c), np.inf, times))

    def _below(self, theta: Floats, time: Floats) -> tuple[Floats, Floats]:
        """Return the shares finished, and not finished, by each time."""
        alpha, beta, form, c, p = self.shape.unpack(theta)
        with np.errstate(divide="ignore"):
            logs = np.log(np.maximum(time, 0))
        safe = np.where(np.isfinite(logs), logs, 0.0)
        base = self.shape.family.standard(alpha + beta * safe, form)
        below = np.where(time <= 0, 0.0, np.where(np.isposinf(time), 1.0, np.exp(base.log_below)))
        above = np.where(time <= 0, 1.0, np.where(np.isposinf(time), 0.0, np.exp(base.log_above)))
        return p + (1 - p) * c * below, (1 - p) * ((1 - c) + c * above)

    def _time_of(self, theta: Floats, below: Floats, above: Floats) -> Floats:
        """Return the times by which the share `below` has finished and `above` has not."""
        alpha, beta, form, c, p = self.shape.unpack(theta)
        own_below = np.clip((below - p) / ((1 - p) * c), 0, 1)
        own_above = np.clip((above / (1 - p) - (1 - c)) / c, 0, 1)
        with np.errstate(over="ignore", invalid="ignore"):
            w = self.shape.family.quantile(own_below, own_above, form)
            times = np.exp((w - alpha) / beta)
        return np.where(own_above <= 0, np.inf, np.where(own_below <= 0, 0.0, times))

    def _inverted(self, value: Floats, shares: Floats) -> Reading:
        """Read times with the bounds at which those of the finished share reach `shares`."""
        alpha, beta, form, _, _ = self.shape.unpack(self.theta)
        own = 1 / (1 + np.exp(-np.linspace(-16, 16, _PLACES)))
        with np.errstate(over="ignore"):
            times = np.exp((self.shape.family.quantile(own, own[::-1], form) - alpha) / beta)
        read = self.finished(times)
        bounds = []
        for band, mark in ((read.ci_upper, 0.0), (read.ci_lower, np.inf)):
            risen = np.maximum.accumulate(band)
            with np.errstate(divide="ignore"):
                found = np.exp(np.interp(shares, risen, np.log(times)))
            beyond = shares <= risen[0] if mark == 0 else shares > risen[-1]
            bounds.append(np.where(beyond, mark, found))
        # the share that is not reached by the estimate may be reached by the upper band
        return Reading(
            value=value, ci_lower=np.minimum(bounds[0], value), ci_upper=np.maximum(bounds[1], value)
        )

    def _delta(self, read: Callable[[Floats], Floats]) -> tuple[Floats, Floats]:
        """Return a value and its standard error by the delta method (central differences)."""
        value = read(self.theta)
        if self.refusal:
            return np.full_like(value, np.nan), np.full_like(value, np.nan)
        slopes = []
        for i, spread in enumerate(np.sqrt(np.diag(self.covariance))):
            step = np.zeros_like(self.theta)
            step[i] = 1e-3 * spread if np.isfinite(spread) and spread > 0 else 1e-6
            slopes.append((read(self.theta + step) - read(self.theta - step)) / (2 * step[i]))
        slope = np.stack(slopes)
        return value, np.sqrt(np.maximum(np.einsum("ik,ij,jk->k", slope, self.covariance, slope), 0))

    def _rate(self, read: Callable[[Floats], Floats]) -> Reading:
        """Read a share with complementary log-log bounds."""
        value, error = self._delta(read)
        inside = (value > 0) & (value < 1)
        safe = np.where(inside, value, 0.5)
        log_open = np.log1p(-safe)
        factor = np.exp(-normal_quantile(self.confidence_level) * error / ((1 - safe) * log_open))
        lower, upper = -np.expm1(log_open / factor), -np.expm1(log_open * factor)
        return Reading(
            value=value, ci_lower=np.where(inside, lower, value), ci_upper=np.where(inside, upper, value)
        )

    def _time(self, read: Callable[[Floats], Floats]) -> Reading:
        """Read a time with bounds symmetric in its logarithm."""

        def log_time(theta: Floats) -> Floats:
            with np.errstate(divide="ignore"):
                return np.log(read(theta))

        with np.errstate(invalid="ignore"):
            value, error = self._delta(log_time)
            half = normal_quantile(self.confidence_level) * error
            lower, upper = np.exp(value - half), np.exp(value + half)
        return Reading(value=np.exp(value), ci_lower=lower, ci_upper=upper)
