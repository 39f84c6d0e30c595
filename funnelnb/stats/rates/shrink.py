"""What is a small group's rate, really? Rates pulled towards the whole, as far as small size leaves doubt."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from funnelnb.core import check
from funnelnb.stats.rates.proportion import counts, jeffreys

Floats = NDArray[np.float64]
_STEP = 0.5  # of the grid of log(precision)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shrunken:
    """Group rates pulled towards the pooled rate. G groups.

    Attributes
    ----------
    rate : ndarray of float64, shape (G,)
        ``(k + prior_a) / (n + precision)``: between the raw rate k / n and `pooled_rate`; the latter where n
        is 0.
    ci_lower, ci_upper : ndarray of float64, shape (G,)
        For the group's own long-run rate; allows for not knowing the prior.
    pooled_rate : float
        Mean of the fitted spread of true rates, which the groups are pulled to. It is all successes over all
        trials when `precision` is infinite; otherwise one huge group does not own it. NaN without data.
    precision : float
        Size of the prior in trials: a group of this n is pulled half way. Infinite when the groups differ no
        more than chance makes them: then every rate is the pooled rate.
    prior_a, prior_b : float
        Beta prior, ``pooled_rate * precision`` and ``(1 - pooled_rate) * precision``.
    """

    rate: Floats
    ci_lower: Floats
    ci_upper: Floats
    pooled_rate: float
    precision: float
    prior_a: float
    prior_b: float


def beta_binomial(k: ArrayLike, n: ArrayLike, confidence_level: float = check.CONFIDENCE_LEVEL) -> Shrunken:
    """Which rate should each group be credited with, when small groups swing by luck? (Empirical Bayes.)

    Parameters
    ----------
    k : array_like of shape (G,)
        Successes of each group, 0 <= k <= n. May be fractions.
    n : array_like of shape (G,)
        Trials of each group, >= 0.
    confidence_level : float
        Of the interval for each group.

    Returns
    -------
    Shrunken

    Raises
    ------
    ParameterError
        If a count is negative, not finite, or k exceeds n.

    Notes
    -----
    True rates are taken as Beta(a, b); ``mean = a / (a + b)`` and ``precision = a + b`` maximise the
    beta-binomial likelihood (the mean by Newton steps for each of a grid of precisions, then the grid is
    refined; the binomial limit is a candidate). The interval is that of the Beta distribution with the mean
    and variance that the group's true rate has over all priors the data leave possible (flat in the mean,
    Beta(1/2, 1) in the shrinkage ``precision / (precision + typical n)``), opened to hold `rate`: wider than
    plugging the fitted prior in, most so for few groups. With one group, or no success (or failure) at all,
    the spread is not known and the interval is Jeffreys' own.

    References
    ----------
    Morris (1983), doi:10.1080/01621459.1983.10477920 (empirical Bayes intervals). Christiansen & Morris
    (1997), J. Amer. Statist. Assoc. 92, 618-632 (prior on the shrinkage).

    Checked against a direct two-parameter search with SciPy's ``betabinom``, limits that collapse, and a
    coverage simulation (``docs/methods.md``): ``tests/stats/test_shrink.py``.

    Examples
    --------
    >>> best = beta_binomial(k=[40, 9, 60, 55, 150], n=[100, 10, 200, 220, 400])
    >>> best.rate.round(2).tolist()
    [0.4, 0.61, 0.31, 0.26, 0.38]
    """
    check.confidence_level(confidence_level)
    successes, trials = (np.atleast_1d(array) for array in counts(k, n))
    used = trials > 0
    total, won = float(trials.sum()), float(successes.sum())
    if not used.any():
        return _nothing(trials.size)
    if used.sum() == 1 or won in (0.0, total):
        return _alone(successes, trials, won / total, confidence_level)
    typical = used.sum() / (1 / trials[used]).sum()
    grid = np.exp(np.arange(min(np.log(typical) - 6, -1.5), np.log(typical) + 14, _STEP))
    mean, curvature, height = _profile(successes[used], trials[used], grid)
    pooled, precision = _peak(successes[used], trials[used], grid, height)
    weight = np.divide(trials, trials + precision) if np.isfinite(precision) else np.zeros_like(trials)
    raw = np.divide(successes, trials, out=np.zeros_like(trials), where=used)
    rate = weight * raw + (1 - weight) * pooled
    shrinkage = grid / (grid + typical)
    belief = height - 0.5 * np.log(curvature) + np.log(shrinkage**0.5 * (1 - shrinkage))
    belief = np.exp(belief - belief.max())
    centre, variance = _posterior(raw, trials, grid, mean, curvature, belief / belief.sum())
    lower, upper = _beta_interval(centre, variance, confidence_level)
    endless = np.isinf(precision)
    return Shrunken(
        rate=rate,
        ci_lower=np.minimum(lower, rate),
        ci_upper=np.maximum(upper, rate),
        pooled_rate=pooled,
        precision=precision,
        prior_a=np.inf if endless else pooled * precision,
        prior_b=np.inf if endless else (1 - pooled) * precision,
    )


def _nothing(size: int) -> Shrunken:
    """Return the result without any data."""
    empty, nan = np.full(size, np.nan), float("nan")
    return Shrunken(
        rate=empty, ci_lower=empty, ci_upper=empty, pooled_rate=nan, precision=nan, prior_a=nan, prior_b=nan
    )


def _alone(successes: Floats, trials: Floats, pooled: float, confidence_level: float) -> Shrunken:
    """Return the result where the spread of groups cannot be known: all pooled, Jeffreys' interval."""
    lower, upper = jeffreys(successes, trials, confidence_level)
    empty = trials == 0
    return Shrunken(
        rate=np.full(trials.shape, pooled),
        ci_lower=np.where(empty, 0.0, lower),
        ci_upper=np.where(empty, 1.0, upper),
        pooled_rate=pooled,
        precision=np.inf,
        prior_a=np.inf if pooled > 0 else 0.0,
        prior_b=np.inf if pooled < 1 else 0.0,
    )


def _profile(successes: Floats, trials: Floats, precision: Floats) -> tuple[Floats, Floats, Floats]:
    """Return for each precision, shape (J,), the best mean, the curvature there and the log-likelihood.

    For a fixed precision the log-likelihood is concave in the mean: Newton steps inside a shrinking bracket.
    The curvature is minus the second derivative.
    """
    from scipy.special import betaln, polygamma, psi

    k, failed, size = successes[:, None], (trials - successes)[:, None], precision[None, :]
    low, high = np.zeros_like(precision), np.ones_like(precision)
    mean = np.full_like(precision, successes.sum() / trials.sum())
    for _ in range(60):
        a, b = mean * size, (1 - mean) * size
        slope = (size * (psi(k + a) - psi(a) - psi(failed + b) + psi(b))).sum(axis=0)
        bend = polygamma(1, a) - polygamma(1, k + a) + polygamma(1, b) - polygamma(1, failed + b)
        curvature = (size**2 * bend).sum(axis=0)
        low, high = np.where(slope > 0, mean, low), np.where(slope > 0, high, mean)
        moved = mean + slope / curvature
        moved = np.where((moved > low) & (moved < high), moved, (low + high) / 2)
        step, mean = np.abs(moved - mean).max(), moved
        if step < 1e-10:
            break
    a, b = mean * size, (1 - mean) * size
    height = (betaln(k + a, failed + b) - betaln(a, b)).sum(axis=0)
    return mean, curvature, height


def _peak(successes: Floats, trials: Floats, grid: Floats, height: Floats) -> tuple[float, float]:
    """Return the most likely mean and precision (infinite where the binomial is at least as likely)."""
    pooled = float(successes.sum() / trials.sum())
    binomial = successes.sum() * np.log(pooled) + (trials - successes).sum() * np.log1p(-pooled)
    best = int(np.argmax(height))
    if height[best] <= binomial + 1e-6 or best == grid.size - 1:
        return pooled, np.inf
    centre, width = np.log(grid[best]), _STEP
    for _ in range(6):
        fine = centre + width * np.linspace(-1, 1, 9)
        mean, _, heights = _profile(successes, trials, np.exp(fine))
        top = int(np.argmax(heights))
        centre, width = fine[top], width / 4
    return float(mean[top]), float(np.exp(centre))


def _posterior(
    raw: Floats, trials: Floats, precision: Floats, mean: Floats, curvature: Floats, belief: Floats
) -> tuple[Floats, Floats]:
    """Return mean and variance of each group's true rate, over all that the prior may be."""
    own = trials[:, None] / (trials[:, None] + precision)
    centre = own * raw[:, None] + (1 - own) * mean
    spread = centre * (1 - centre) / (trials[:, None] + precision + 1) + (1 - own) ** 2 / curvature
    middle = (centre * belief).sum(axis=1)
    return middle, ((spread + (centre - middle[:, None]) ** 2) * belief).sum(axis=1)


def _beta_interval(rate: Floats, variance: Floats, confidence_level: float) -> tuple[Floats, Floats]:
    """Return the equal-tailed interval of the Beta distribution with this mean and variance."""
    from scipy.special import betaincinv

    size = np.maximum(rate * (1 - rate) / variance - 1, 1e-3)
    a, b = rate * size, (1 - rate) * size
    tail = (1 - confidence_level) / 2
    lower, upper = betaincinv(a, b, tail), betaincinv(a, b, 1 - tail)
    return np.asarray(lower, dtype=float), np.asarray(upper, dtype=float)
