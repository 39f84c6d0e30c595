"""Which distribution do the times follow, counting the deals that are still open?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, partial
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from funnelnb.core import check
from funnelnb.stats.lifetime.family import FAMILIES, family
from funnelnb.stats.lifetime.likelihood import Points, Shape, log_likelihood, points
from funnelnb.stats.lifetime.model import REFUSALS, Lifetime, Reading
from funnelnb.stats.lifetime.observed import Observed, intervals, observed
from funnelnb.stats.rates.proportion import normal_quantile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence


# ---- Finding the most likely parameters: starting points, Newton's method, profile of a share --------------

Floats = NDArray[np.float64]
EDGE = 12.0  # logit beyond which a share is 0 or 1
SHARES = ("never", "at_once")
_ROUNDS = 100
_CLOSE = 1e-9  # expected gain in log-likelihood at which the search stops
_NEAR = 1e-7  # in the root of twice a fall of the log-likelihood
_SHORT = 1e-3  # a last step no longer than this needs no look at where it leads
_MANY = 20_000  # points from which a part of them is searched first
_PART = 16
_SPREAD = {"exponential": 1.28, "weibull": 1.28, "lognormal": 1.0, "loglogistic": 1.81}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Found:
    """Where a search ended.

    Attributes
    ----------
    theta : ndarray, shape (P,)
    value : float
        Log-likelihood.
    second : ndarray, shape (P, P)
        Second derivatives.
    converged : bool
    """

    theta: Floats
    value: float
    second: Floats
    converged: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Search:
    """The likelihood of some points under some shape, to be maximised."""

    at: Points
    shape: Shape

    def best(self) -> Found:
        """Return the best maximum over all starting points; many rows start from where a part of them ends."""
        if self.at.size > _MANY:
            few = Search(at=thinned(self.at, _PART), shape=self.shape).best()
            if few.converged and not self._at_edge(few.theta):
                end = self.climb(few.theta)
                if end.converged:
                    return end
        ends = [self.climb(start) for start in self._starts()]
        return max(ends, key=lambda end: (end.converged, end.value))

    def climb(self, start: Floats, fixed: int | None = None) -> Found:
        """Return the maximum reached from `start` by Newton's method; the parameter `fixed` stays where it is.

        Steps go uphill even where the likelihood is not concave (eigenvalues of minus the second derivatives
        are taken by size), are halved until they gain, and are exact Newton steps near the end.
        """
        theta, free = start.copy(), np.delete(np.arange(start.size), [] if fixed is None else [fixed])
        value, gradient, second = self._safe(theta)
        converged = False
        for _ in range(_ROUNDS):
            if not np.isfinite(value) or not np.isfinite(second).all():
                break
            sizes, axes = np.linalg.eigh(-second[np.ix_(free, free)])
            sizes = np.maximum(np.abs(sizes), 1e-10 * max(np.abs(sizes).max(), 1e-300))
            step = np.zeros_like(theta)
            step[free] = axes @ ((axes.T @ gradient[free]) / sizes)
            gain = float(gradient @ step)
            converged = gain < _CLOSE * max(1.0, abs(value) * 1e-6)
            if converged and np.abs(step).max() < _SHORT:
                return Found(theta=theta + step, value=value + gain / 2, second=second, converged=True)
            moved = self._uphill(theta, value, step, gain)
            if moved is None:
                break
            theta, (value, gradient, second) = moved
            if converged or self._at_edge(theta):
                converged = True
                break
        return Found(theta=theta, value=value, second=second, converged=converged)

    def profile(self, found: Found, z: float) -> tuple[float, float]:
        """Return the bounds of the finishing share at which the likelihood has fallen by z^2 / 2."""
        place = self.shape.names.index("never")
        spread = float(np.sqrt(np.linalg.inv(-found.second)[place, place]))
        lower, upper = (self._bound(found, place, side * min(spread, 2.0), z) for side in (-1, 1))
        return lower, upper

    def _bound(self, found: Found, place: int, step: float, z: float) -> float:
        """Follow the ridge from the maximum to where the root of twice the fall is `z`, as a share.

        That root is nearly a straight line, so few steps of the secant do; they stay between the nearest
        point that is too low and the farthest that is too high.
        """
        inner, depth, theta = float(found.theta[place]), 0.0, found.theta
        outer: tuple[float, float] | None = None
        at = inner + z * step
        for _ in range(_ROUNDS):
            trial = theta.copy()
            trial[place] = at
            end = self.climb(trial, fixed=place)
            fall = float(np.sqrt(max(2 * (found.value - end.value), 0.0)))
            if abs(fall - z) < _NEAR:
                break
            if fall > z:
                outer = (at, fall)
            else:
                inner, depth, theta = at, fall, end.theta
            if outer is None:
                if abs(at) > 2 * EDGE:
                    return 0.0 if step < 0 else 1.0
                at += 1.6 * step
            else:
                part = (z - depth) / (outer[1] - depth)
                at = inner + float(np.clip(part, 0.05, 0.95)) * (outer[0] - inner)
        return float(1 / (1 + np.exp(-at)))

    def _at_edge(self, theta: Floats) -> bool:
        """Return whether a share has run off to 0 or 1, where there is nothing more to find."""
        return any(
            abs(one) > EDGE for name, one in zip(self.shape.names, theta, strict=True) if name in SHARES
        )

    def _safe(self, theta: Floats) -> tuple[float, Floats, Floats]:
        with np.errstate(all="ignore"):
            return log_likelihood(self.at, self.shape, theta)

    def _uphill(
        self, theta: Floats, value: float, step: Floats, gain: float
    ) -> tuple[Floats, tuple[float, Floats, Floats]] | None:
        """Return the first of ever shorter steps that gains, or None."""
        length = min(1.0, 5.0 / max(np.abs(step).max(), 1e-300))
        slack = 1e-12 * abs(value)
        has_beta = "beta" in self.shape.names
        for _ in range(40):
            trial = theta + length * step
            if not has_beta or trial[1] > 0.05 * theta[1]:
                end = self._safe(trial)
                if end[0] >= value + 1e-4 * length * gain - slack and np.isfinite(end[2]).all():
                    return trial, end
            length /= 2
        return None

    def _starts(self) -> Iterator[Floats]:
        """Yield starting points: from simpler shapes where there are any, otherwise from mean and spread."""
        shape, at = self.shape, self.at
        if shape.never:
            simple = Search(at=at, shape=replace(shape, never=False)).best()
            place = shape.names.index("never")
            for share in (at_share(at), 0.5 * (1 + at_share(at)), 0.98):
                yield np.insert(simple.theta, place, np.log(share / (1 - share)))
            yield self._moments(at_share(at), finished_only=True)
        elif shape.family.name == "generalised_gamma":
            for name, form in (("weibull", 1.0), ("lognormal", 0.0)):
                inner = Search(at=at, shape=replace(shape, family=FAMILIES[name])).best()
                yield np.insert(inner.theta, 2, form)
        else:
            yield self._moments(1.0, finished_only=False)

    def _moments(self, share: float, finished_only: bool) -> Floats:
        """Return a start whose median and spread are roughly those of the logarithms of the times."""
        at, shape = self.at, self.shape
        still = np.maximum(at.above_n, 0) * (0 if finished_only else 1)
        x = np.concatenate((at.exact, at.below - 0.7, (at.low + at.high) / 2, at.above))
        n = np.concatenate((at.exact_n, at.below_n, at.between_n, still))
        mean = float(n @ x / n.sum())
        spread = max(float(np.sqrt(n @ (x - mean) ** 2 / n.sum())), 0.05)
        beta = _SPREAD.get(shape.family.name, 1.0) / spread if shape.family.free_scale else 1.0
        form = shape.family.first_form
        alpha = -beta * mean
        if shape.family.name == "gamma":
            form = float(np.clip(-2 * np.log(spread), -2, 4))
            alpha += form
        values = {
            "alpha": alpha,
            "beta": beta,
            "form": form,
            "never": np.log(share / (1 - share)) if share < 1 else 3.0,
            "at_once": np.log(max(at.at_once_n + 0.5 * at.below_n.sum(), 0.5) / at.total_n),
        }
        return np.array([values[name] for name in shape.names])


def thinned(at: Points, every: int) -> Points:
    """Return one in `every` of the points of each kind of which there are many."""

    def part(*columns: Floats) -> tuple[Floats, ...]:
        if columns[0].size < _MANY / every:
            return columns
        *x, n = (column[::every] for column in columns)
        return *x, n * every

    exact, exact_n = part(at.exact, at.exact_n)
    above, above_n = part(at.above, at.above_n)
    below, below_n = part(at.below, at.below_n)
    low, high, between_n = part(at.low, at.high, at.between_n)
    return replace(
        at,
        exact=exact,
        exact_n=exact_n,
        above=above,
        above_n=above_n,
        below=below,
        below_n=below_n,
        low=low,
        high=high,
        between_n=between_n,
    )


def at_share(at: Points) -> float:
    """Return the share of all deals that has finished, kept away from 0 and 1."""
    finished = at.exact_n.sum() + at.below_n.sum() + at.between_n.sum() + at.at_once_n
    return float(np.clip(finished / max(at.total_n, 1e-300), 0.02, 0.95))


# ---- Which distribution do the times follow, counting the deals that are still open? -----------------------

__all__ = [
    "FAMILIES",
    "REFUSALS",
    "Lifetime",
    "Observed",
    "Reading",
    "fit",
    "fit_again",
    "fit_all",
    "intervals",
    "observed",
]
_EVENTS_PER_PARAMETER = 3
_STEEPEST = 1e3  # beta beyond which a distribution is one point
_FOLLOW_UP = 0.05


def fit(
    known: Observed,
    name: str = "weibull",
    never: bool = False,
    at_once: bool = False,
    confidence_level: float = check.CONFIDENCE_LEVEL,
) -> Lifetime:
    """How long do deals take, when the open ones count too? (One family, maximum likelihood.)

    Parameters
    ----------
    known : Observed
        What is known about each time (``observed``, ``intervals``): exact, still open, interval, late entry,
        counts.
    name : str
        One of ``FAMILIES``: exponential, weibull, lognormal, loglogistic, gamma, generalised_gamma.
    never : bool
        Estimate a share that never finishes (mixture cure). Refused when deals were not watched long enough
        to see it.
    at_once : bool
        Estimate a share that finishes at time 0, on top of the distribution (zero inflation).
    confidence_level : float
        Of all bounds.

    Returns
    -------
    Lifetime
        With `refusal` set, and NaN for numbers, when the fit cannot be trusted: nothing finished yet, fewer
        than 3 finished deals per parameter (5 at least), no spread, a value at its bound, a flat likelihood,
        or follow-up too short for a never-finishing share.

    Raises
    ------
    ParameterError
        If the family is not known, or there are exact zeros but no share at once.

    Notes
    -----
    Newton's method with backtracking in alpha and beta, ``w = alpha + beta log(t)``: there the censored
    log-likelihood of these families is concave (without a never-finishing share), so there is one maximum and
    it is found. Gradient and second derivatives are exact but for the form of the gamma families. Covariance:
    inverse of minus the second derivatives. Follow-up: Maller and Zhou's ``(1 - N / n)^n`` above .05, N
    finishes in the last stretch as long as the open time after them.

    References
    ----------
    Burridge (1981), J. R. Statist. Soc. B 43, 41-45 (concavity). Prentice (1974), doi:10.1093/biomet/61.3.539
    (generalised gamma). Maller & Zhou (1996), *Survival Analysis with Long-Term Survivors*. Lambert (1992),
    doi:10.2307/1269547 (zero inflation).

    Checked against R survival 3.5-3 ``survreg`` (right, left, interval censoring, weights), direct
    maximisation in R (late entry, gamma families, never-finishing share, zero inflation) in
    ``tests/reference/lifetime.R``, published figures and simulations with known truth:
    ``tests/stats/test_lifetime.py``.

    Examples
    --------
    >>> days, closed = [3, 8, 8, 15, 21, 34, 40, 60, 60, 60], [1, 1, 1, 1, 1, 1, 1, 0, 0, 0]
    >>> found = fit(observed(days, closed), "weibull")
    >>> dict(zip(found.parameters, found.estimate.round(2).tolist()))
    {'scale': 44.46, 'shape': 0.93}
    """
    shape = Shape(family=family(name), never=never, at_once=at_once)
    level = check.confidence_level(confidence_level)
    return _fit(known, shape, level, partial(points, known, at_once=at_once))


def fit_all(
    known: Observed,
    names: Sequence[str] = ("exponential", "weibull", "lognormal", "loglogistic", "gamma"),
    never: bool = False,
    at_once: bool = False,
    confidence_level: float = check.CONFIDENCE_LEVEL,
) -> tuple[Lifetime, ...]:
    """Which family fits best? All of them, best AICc first, refused ones last.

    Parameters
    ----------
    known : Observed
    names : sequence of str
        Families to compare.
    never, at_once, confidence_level
        As in :func:`fit`.

    Returns
    -------
    tuple of Lifetime
    """
    shapes = [Shape(family=family(name), never=never, at_once=at_once) for name in names]
    level = check.confidence_level(confidence_level)
    prepare = cache(partial(points, known, at_once=at_once))  # sorted once for all families
    fits = [_fit(known, shape, level, prepare) for shape in shapes]
    return tuple(sorted(fits, key=lambda one: (bool(one.refusal), one.aicc)))


def _fit(known: Observed, shape: Shape, level: float, prepare: Callable[[], Points]) -> Lifetime:
    """Fit one family to the points that `prepare` makes of the times, or say why not."""
    refusal, facts = _refused_before(known, shape)
    if refusal:
        return _refused(known, shape, level, refusal, facts)
    at = prepare()
    search = Search(at=at, shape=shape)
    found = search.best()
    refusal = _refused_after(found, shape)
    if refusal:
        return _refused(known, shape, level, refusal, {})
    return _reported(known, at, search, found, level)


def fit_again(known: Observed, like: Lifetime) -> Lifetime:
    """Fit the same family to other data of the same kind, starting from `like`: quick, and without any bounds.

    Parameters
    ----------
    known : Observed
        For example drawn from `like`.
    like : Lifetime
        Not refused.

    Returns
    -------
    Lifetime
        With NaN for standard errors and bounds. Refused only where nothing can be fitted. Where a share runs
        off to nothing the most likely fit is the one without it, and that is returned.

    Notes
    -----
    One search instead of several: where the data were drawn from `like` the maximum lies near. If it fails,
    all starting points are tried. For simulations, which need hundreds of fits and no interval: what makes
    :func:`fit` refuse to interpret a maximum (short follow-up, a flat likelihood) is no obstacle here.

    Checked against :func:`fit`: ``tests/stats/test_lifetime.py``.
    """
    shape, level = like.shape, like.confidence_level
    refusal, facts = _refused_before(known, shape, follow_up=False)
    if refusal:
        return _refused(known, shape, level, refusal, facts)
    at = points(known, at_once=shape.at_once)
    start = like.theta.copy()
    start[0] += (start[1] if shape.family.free_scale else 1.0) * at.shift
    search, found = _near(at, shape, start)
    if not found.converged:
        return _refused(known, shape, level, "not_converged", {})
    return _reported(known, at, search, found, level, bounds=False)


def _near(at: Points, shape: Shape, start: Floats) -> tuple[Search, Found]:
    """Return the maximum near `start`, without a share that runs off to nothing there."""
    search = Search(at=at, shape=shape)
    found = search.climb(start)
    if not found.converged:
        found = search.best()
    values = dict(zip(shape.names, found.theta, strict=True))
    none_never = values.get("never", 0.0) > EDGE
    none_at_once = values.get("at_once", 0.0) < -EDGE and at.at_once_n == 0
    if not (none_never or none_at_once):
        return search, found
    less = replace(shape, never=shape.never and not none_never, at_once=shape.at_once and not none_at_once)
    return _near(at, less, np.array([values[name] for name in less.names]))


def _refused_before(known: Observed, shape: Shape, *, follow_up: bool = True) -> tuple[str, dict[str, float]]:
    """Return why the data cannot carry this fit, before anything is computed, and the numbers behind it."""
    finished = np.isfinite(known.upper) & ~((known.upper == 0) & shape.at_once)
    events, parameters = float(known.n @ finished.astype(float)), len(shape.names)
    least = max(5, _EVENTS_PER_PARAMETER * parameters)
    facts = {"event_n": events, "needed_n": float(least)}
    if events == 0:
        return "all_open", facts
    if events < least and known.counted:
        return "too_few_finished", facts
    if shape.family.free_scale or shape.family.free_form:
        one = int(np.argmax(finished))
        unlike = (known.upper != known.upper[one]) | (known.lower != known.lower[one])
        if not (unlike & finished).any():
            return "no_spread", {"time": float(known.upper[one])}
    if shape.never and follow_up:
        doubt = _follow_up_doubt(known)
        if doubt > _FOLLOW_UP:
            return "follow_up_too_short", {"doubt": doubt}
    return "", {}


def _follow_up_doubt(known: Observed) -> float:
    """Return Maller and Zhou's measure of how possible it is that all would finish if only watched longer."""
    finished = np.isfinite(known.upper)
    last_finish = float(known.upper[finished].max())
    longest = max(last_finish, float(known.lower[~finished].max(initial=0.0)))
    near = finished & (known.upper > 2 * last_finish - longest)
    share = float(known.n[near].sum()) / known.total_n
    return float((1 - share) ** known.total_n) if longest > last_finish else 1.0


def _refused_after(found: Found, shape: Shape) -> str:
    """Return why the maximum cannot be trusted, or nothing."""
    if not found.converged:
        return "not_converged"
    values = dict(zip(shape.names, found.theta, strict=True))
    edges = [values.get(name, 0.0) for name in SHARES]
    if max(map(abs, edges)) > EDGE or values.get("beta", 1.0) > _STEEPEST:
        return "at_bound"
    if np.linalg.eigvalsh(-found.second)[0] <= 0:
        return "flat"
    errors = np.sqrt(np.diag(np.linalg.inv(-found.second)))
    widest = {
        "alpha": 3 * values.get("beta", 1.0),
        "beta": 2 * values.get("beta", 1.0),
        "form": 10,
        "never": 5,
        "at_once": 5,
    }
    return (
        "flat" if any(error > widest[name] for name, error in zip(shape.names, errors, strict=True)) else ""
    )


def _names(shape: Shape) -> tuple[str, ...]:
    return (
        *shape.family.parameters,
        *(("finishing_share",) if shape.never else ()),
        *(("at_once_share",) if shape.at_once else ()),
    )


def _refused(
    known: Observed, shape: Shape, level: float, refusal: str, facts: Mapping[str, float]
) -> Lifetime:
    """Return a fit that gives no number and says why."""
    empty = np.full(len(_names(shape)), np.nan)
    return Lifetime(
        family=shape.family.name,
        parameters=_names(shape),
        estimate=empty,
        std_error=empty,
        ci_lower=empty,
        ci_upper=empty,
        log_likelihood=np.nan,
        aicc=np.nan,
        bic=np.nan,
        n=known.total_n,
        event_n=known.event_n,
        shape=shape,
        theta=np.where(np.array(shape.names) == "beta", 1.0, 0.0),
        covariance=np.full((len(shape.names),) * 2, np.nan),
        confidence_level=level,
        refusal=refusal,
        facts=MappingProxyType(dict(facts)),
    )


def _reported(
    known: Observed, at: Points, search: Search, found: Found, level: float, *, bounds: bool = True
) -> Lifetime:
    """Turn the maximum into parameters, with standard errors and bounds unless not asked for."""
    shape, size = search.shape, len(search.shape.names)
    back = np.eye(size)
    if shape.family.free_scale:
        back[0, 1] = -at.shift
    theta = back @ found.theta - (0 if shape.family.free_scale else at.shift) * np.eye(size)[0]
    covariance = np.full((size, size), np.nan)
    if known.counted and bounds:
        covariance = back @ np.linalg.inv(-found.second) @ back.T
    estimate, std_error = _parameters(shape, theta), _std_error(shape, theta, covariance)
    lower, upper = _bounds(shape, estimate, std_error, normal_quantile(level))
    if shape.never and known.counted and bounds:
        place = _names(shape).index("finishing_share")
        lower[place], upper[place] = search.profile(found, normal_quantile(level))
    events = known.event_n
    penalty = 2 * size + (2 * size * (size + 1) / (events - size - 1) if events > size + 1 else np.inf)
    return Lifetime(
        family=shape.family.name,
        parameters=_names(shape),
        estimate=estimate,
        std_error=std_error,
        ci_lower=lower,
        ci_upper=upper,
        log_likelihood=found.value,
        aicc=penalty - 2 * found.value,
        bic=size * float(np.log(events)) - 2 * found.value,
        n=known.total_n,
        event_n=events,
        shape=shape,
        theta=theta,
        covariance=covariance,
        confidence_level=level,
    )


def _std_error(shape: Shape, theta: Floats, covariance: Floats) -> Floats:
    """Return the standard errors of the usual parameters, by the delta method."""
    slope = np.stack(
        [
            (_parameters(shape, theta + step) - _parameters(shape, theta - step)) / (2 * step.sum())
            for step in np.eye(theta.size) * 1e-6
        ]
    )
    return np.sqrt(np.diag(slope.T @ covariance @ slope))


def _parameters(shape: Shape, theta: Floats) -> Floats:
    """Return the usual parameters at `theta`."""
    alpha, beta, form, finishing, at_once = shape.unpack(theta)
    shares = ([finishing] if shape.never else []) + ([at_once] if shape.at_once else [])
    return np.array([*shape.family.report(alpha, beta, form), *shares])


def _bounds(shape: Shape, estimate: Floats, std_error: Floats, z: float) -> tuple[Floats, Floats]:
    """Return bounds symmetric in the logarithm, the logit, or the value itself (mu and q)."""
    lower, upper = estimate - z * std_error, estimate + z * std_error
    for i, name in enumerate(_names(shape)):
        value, error = estimate[i], std_error[i]
        if name in ("finishing_share", "at_once_share"):
            odds, spread = np.log(value / (1 - value)), z * error / (value * (1 - value))
            lower[i], upper[i] = 1 / (1 + np.exp(-(odds - spread))), 1 / (1 + np.exp(-(odds + spread)))
        elif name not in ("mu", "q"):
            lower[i], upper[i] = value * np.exp(-z * error / value), value * np.exp(z * error / value)
    return lower, upper
