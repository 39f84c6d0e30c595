"""How sure is a share of n? Intervals for a binomial proportion that hold at small counts."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from funnelnb.core import check
from funnelnb.core.errors import ParameterError

Floats = NDArray[np.float64]


def wilson(
    k: ArrayLike, n: ArrayLike, confidence_level: float = check.CONFIDENCE_LEVEL
) -> tuple[Floats, Floats]:
    """Between which bounds does the true share lie, given k of n? (Wilson's score interval.)

    Parameters
    ----------
    k : array_like of shape (...)
        Successes, 0 <= k <= n. May be fractions (share times an effective n).
    n : array_like of shape (...)
        Trials, >= 0; broadcast against `k`.
    confidence_level : float
        Strictly between 0 and 1.

    Returns
    -------
    ci_lower, ci_upper : ndarray of float64, shape (...)
        Within [0, 1] and around k / n; NaN where n is 0.

    Raises
    ------
    ParameterError
        If a count is negative, not finite, or k exceeds n.

    Notes
    -----
    The bounds are the two rates p at which the score test just keeps the hypothesis:
    ``(k/n - p)^2 = z^2 p (1 - p) / n``. So interval and test always agree.

    References
    ----------
    Wilson (1927), doi:10.1080/01621459.1927.10502953. Brown, Cai & DasGupta (2001),
    doi:10.1214/ss/1009213286.

    Checked against the root of the score equation, exact coverage sums and R's ``prop.test(correct =
    FALSE)``: ``tests/stats/test_proportion.py``.

    Examples
    --------
    >>> lower, upper = wilson(3, 10, 0.95)
    >>> print(f"{lower:.3f} {upper:.3f}")
    0.108 0.603
    """
    successes, trials = counts(k, n)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = successes / trials
    lower, upper = score_bounds(share, trials, normal_quantile(confidence_level))
    lower = np.where(successes == 0, np.where(trials > 0, 0.0, np.nan), lower)
    upper = np.where(successes == trials, np.where(trials > 0, 1.0, np.nan), upper)
    return lower, upper


def score_bounds(share: Floats, n: Floats, z: float) -> tuple[Floats, Floats]:
    """Return Wilson's bounds of a share of `n`, which may be an effective number; NaN where n is 0."""
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = z * z / n
        centre = (share + spread / 2) / (1 + spread)
        half = np.sqrt(spread * (share * (1 - share) + spread / 4)) / (1 + spread)
    return np.clip(centre - half, 0, share), np.clip(centre + half, share, 1)


def jeffreys(
    k: ArrayLike, n: ArrayLike, confidence_level: float = check.CONFIDENCE_LEVEL
) -> tuple[Floats, Floats]:
    """Between which bounds does the true share lie, given k of n? (Jeffreys' equal-tailed interval.)

    Parameters
    ----------
    k : array_like of shape (...)
        Successes, 0 <= k <= n. May be fractions (share times an effective n).
    n : array_like of shape (...)
        Trials, >= 0; broadcast against `k`.
    confidence_level : float
        Strictly between 0 and 1.

    Returns
    -------
    ci_lower, ci_upper : ndarray of float64, shape (...)
        Within [0, 1]; the lower bound is 0 where k = 0, the upper 1 where k = n; NaN where n is 0.

    Raises
    ------
    ParameterError
        If a count is negative, not finite, or k exceeds n.

    Notes
    -----
    Quantiles of Beta(k + 1/2, n - k + 1/2), the posterior under Jeffreys' prior; opened to hold k / n where a
    fractional k is below 1/2 (or above n - 1/2).

    References
    ----------
    Brown, Cai & DasGupta (2001), doi:10.1214/ss/1009213286.

    Checked against R's ``qbeta`` and exact coverage sums: ``tests/stats/test_proportion.py``.

    Examples
    --------
    >>> lower, upper = jeffreys(3, 10, 0.95)
    >>> print(f"{lower:.3f} {upper:.3f}")
    0.093 0.606
    """
    from scipy.special import betaincinv

    successes, trials = counts(k, n)
    tail = (1 - check.confidence_level(confidence_level)) / 2
    first, second = successes + 0.5, trials - successes + 0.5
    lower = np.where(successes == 0, 0.0, betaincinv(first, second, tail))
    upper = np.where(successes == trials, 1.0, betaincinv(first, second, 1 - tail))
    with np.errstate(invalid="ignore"):
        share = successes / trials
    return np.minimum(lower, share), np.maximum(upper, share)


def effective_n(sum_w: ArrayLike, sum_w_sq: ArrayLike) -> Floats:
    """How many equally weighted cases carry as much information as these weighted ones? (Kish.)

    Parameters
    ----------
    sum_w : array_like of shape (...)
        Sum of the weights, >= 0.
    sum_w_sq : array_like of shape (...)
        Sum of the squared weights, >= 0.

    Returns
    -------
    ndarray of float64, shape (...)
        ``sum_w**2 / sum_w_sq``, between 1 and the number of cases; 0 where all weights are 0.

    References
    ----------
    Kish (1965), *Survey Sampling*, section 11.2.

    Checked against equal weights (gives n) and one dominant weight (gives 1):
    ``tests/stats/test_proportion.py``.

    Examples
    --------
    >>> float(effective_n(100 + 100 + 400, 100**2 + 100**2 + 400**2))
    2.0
    """
    total, squares = np.asarray(sum_w, dtype=float), np.asarray(sum_w_sq, dtype=float)
    if not np.all((total >= 0) & (squares >= 0)):
        raise ParameterError("a sum of weights is negative or not a number", expected="sums of weights >= 0")
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(squares > 0, total**2 / squares, 0.0)


def normal_quantile(confidence_level: float) -> float:
    """Return the z that encloses `confidence_level` of a standard normal, as 1.645 for 0.90."""
    return NormalDist().inv_cdf(0.5 + check.confidence_level(confidence_level) / 2)


def counts(k: ArrayLike, n: ArrayLike) -> tuple[Floats, Floats]:
    """Return `k` and `n` as broadcast float arrays, or raise ParameterError naming the first bad pair."""
    successes, trials = np.broadcast_arrays(np.asarray(k, dtype=float), np.asarray(n, dtype=float))
    fine = np.isfinite(successes) & np.isfinite(trials) & (successes >= 0) & (successes <= trials)
    if not fine.all():
        first = np.unravel_index(int(np.argmin(fine)), fine.shape)
        raise ParameterError(
            f"k = {successes[first]:g} of n = {trials[first]:g}"
            + (f" at position {[int(i) for i in first]}" if first else ""),
            expected="finite counts with 0 <= k <= n",
        )
    return successes, trials
