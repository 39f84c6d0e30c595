"""Is a count further from what is tolerated than chance explains? One-sided tests against a bound, many at once.

A rule that asks "is it different" finds something in every large floor, because people do differ. These tests ask "is
it worse than is tolerated": the null hypothesis is the bound, so that harmless differences are no alarm however many
cases there are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from funnelnb.core.errors import ParameterError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

MOST_DRAWS = 100_000
"""Draws behind a small p-value of :func:`bunched`."""
_FIRST_DRAWS = 1_000
_WORTH = 0.05
"""From here down a p-value is worth more draws."""


def few(count: ArrayLike, mean: ArrayLike) -> Floats:
    """How often would a Poisson count with this mean be at most so small?

    Parameters
    ----------
    count, mean : array_like
        `mean` at least 0; NaN gives NaN.

    Returns
    -------
    ndarray of float64

    Examples
    --------
    >>> round(float(few(2, 10)), 5)
    0.00277
    """
    from scipy.stats import poisson

    return np.asarray(poisson.cdf(np.asarray(count, dtype=float), np.asarray(mean, dtype=float)))


def fewer_than_rest(
    count: ArrayLike, exposure: ArrayLike, rest_count: ArrayLike, rest_exposure: ArrayLike, tolerated: float
) -> Floats:
    """How often would a Poisson rate of `tolerated` times the rest's give at most so many?

    Parameters
    ----------
    count, exposure, rest_count, rest_exposure : array_like
        Events, and days or cases in which they could happen, of the one and of the rest.
    tolerated : float
        Ratio of the two rates that is still no alarm.

    Returns
    -------
    ndarray of float64
        NaN where either has no exposure.

    Notes
    -----
    Given both counts, the one is binomial with share ``r e / (r e + E)``; its lower tail is exact.

    References
    ----------
    Przyborowski & Wilenski (1940), doi:10.1093/biomet/31.3-4.313.

    Checked against sums of Poisson probabilities: ``tests/stats/test_tolerance.py``.

    Examples
    --------
    >>> round(float(fewer_than_rest(2, 10, 30, 30, tolerated=1.0)), 4)
    0.0067
    """
    from scipy.stats import binom

    one, there = np.asarray(count, dtype=float), tolerated * np.asarray(exposure, dtype=float)
    rest, other = np.asarray(rest_count, dtype=float), np.asarray(rest_exposure, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = there / (there + other)
    known = (there > 0) & (other > 0)
    return np.where(known, binom.cdf(one, one + rest, np.where(known, share, 0.5)), np.nan)


def lower_share(
    k: ArrayLike,
    n: ArrayLike,
    rest_k: ArrayLike,
    rest_n: ArrayLike,
    tolerated: float = 1.0,
    factor: ArrayLike = 1.0,
) -> Floats:
    """How often would a share of `tolerated` times the rest's give at most k of n?

    Parameters
    ----------
    k, n, rest_k, rest_n : array_like
    tolerated : float
        Ratio of the two shares that is still no alarm, above 0, at most 1.
    factor : array_like
        Variance of k over that of independent cases (several deals of one account), at least 1.

    Returns
    -------
    ndarray of float64
        NaN without cases on either side.

    Notes
    -----
    Tail of a beta-binomial: the rest's share is uncertain (Jeffreys), and cases of one cluster are alike. Both make
    the correlation of two cases ``rho``; the tail is exact for the beta-binomial with mean ``r p`` and that ``rho``.

    Checked against simulation of both sides and, for a large rest, the binomial: ``tests/stats/test_tolerance.py``.

    Examples
    --------
    >>> round(float(lower_share(2, 20, 500, 1000)), 4)
    0.0002
    """
    one, cases = np.asarray(k, dtype=float), np.asarray(n, dtype=float)
    good, others = np.asarray(rest_k, dtype=float), np.asarray(rest_n, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        rest = (good + 0.5) / (others + 1.0)
        mean = tolerated * rest
        spread = tolerated**2 * rest * (1 - rest) / (others + 2.0)
        alike = (np.maximum(np.asarray(factor, dtype=float), 1.0) - 1.0) / np.maximum(cases - 1.0, 1.0)
        correlation = spread / (mean * (1 - mean)) + alike
    known = (cases > 0) & (others > 0)
    usable = np.where(known, mean, 0.5)
    tail = _at_most(one, cases, usable, np.where(known, correlation, 0.0))
    return np.where(known, tail, np.nan)


def higher_share(k: ArrayLike, n: ArrayLike, tolerated: ArrayLike, factor: ArrayLike = 1.0) -> Floats:
    """How often would a share of `tolerated` give at least k of n?

    Parameters
    ----------
    k, n : array_like
    tolerated : array_like
        Strictly between 0 and 1.
    factor : array_like
        As for :func:`lower_share`.

    Returns
    -------
    ndarray of float64
        NaN without cases.

    Examples
    --------
    >>> round(float(higher_share(9, 10, 0.5)), 4)
    0.0107
    """
    one, cases = np.asarray(k, dtype=float), np.asarray(n, dtype=float)
    alike = (np.maximum(np.asarray(factor, dtype=float), 1.0) - 1.0) / np.maximum(cases - 1.0, 1.0)
    # at least k of n is at most n - k of the others
    tail = _at_most(cases - one, cases, 1.0 - np.asarray(tolerated, dtype=float), alike)
    return np.where(cases > 0, tail, np.nan)


_INDEPENDENT = 1e-6
"""Below this correlation of two cases the binomial is meant: the beta-binomial loses its digits there."""


def _at_most(k: Floats, n: Floats, mean: Floats, correlation: Floats) -> Floats:
    """Return the lower tail of a beta-binomial with this mean and correlation of two cases."""
    from scipy.stats import betabinom, binom

    alone = correlation < _INDEPENDENT
    size = 1.0 / np.clip(correlation, _INDEPENDENT, 0.99) - 1.0
    both = np.where(alone, binom.cdf(k, n, mean), betabinom.cdf(k, n, mean * size, (1 - mean) * size))
    return np.asarray(np.clip(both, 0.0, 1.0))


def bunched(count: ArrayLike, expected: ArrayLike, tolerated: float = 1.0, seed: int = 20_261_128) -> float:
    """How often would independent events fall as unevenly into these periods?

    Parameters
    ----------
    count : array_like of shape (T,)
        Events per period.
    expected : array_like of shape (T,)
        What each period should get, up to a common factor.
    tolerated : float
        Dispersion (variance over that of independent events) that is still no alarm.
    seed : int

    Returns
    -------
    float
        NaN with fewer than two events or periods.

    Notes
    -----
    Pearson's statistic over `tolerated` against its distribution among multinomial counts of the same total, by
    simulation: a thousand draws, and `MOST_DRAWS` where they leave less than 5 %. ``(1 + reached) / (1 + draws)``.

    Checked against enumeration of all outcomes for small totals: ``tests/stats/test_tolerance.py``.

    Examples
    --------
    >>> bunched([12, 0, 0, 0], [1, 1, 1, 1]) < 0.001
    True
    """
    counts, wanted = np.asarray(count, dtype=np.int64), np.asarray(expected, dtype=float)
    total = int(counts.sum())
    kept = wanted > 0
    if total < 2 or kept.sum() < 2:
        return float("nan")
    counts, share = counts[kept], wanted[kept] / wanted[kept].sum()
    total = int(counts.sum())
    generator = np.random.default_rng(seed)
    seen = _pearson(counts[None, :], total * share)[0] / tolerated
    p = 1.0
    for draws in (_FIRST_DRAWS, MOST_DRAWS):
        reached = 0
        for part in range(0, draws, 20_000):
            drawn = generator.multinomial(total, share, size=min(20_000, draws - part))
            reached += int((_pearson(drawn, total * share) >= seen - 1e-9).sum())
        p = (1 + reached) / (1 + draws)
        if p > _WORTH:
            break
    return float(p)


def _pearson(counts: NDArray[np.int64], mean: Floats) -> Floats:
    return np.asarray(((counts - mean) ** 2 / mean).sum(axis=-1))


def holm(p: ArrayLike) -> Floats:
    """What are these p-values after correction, so that any false alarm among all has at most that chance?

    Parameters
    ----------
    p : array_like of shape (m,)
        NaN is not tested and stays NaN.

    Returns
    -------
    ndarray of float64, shape (m,)

    Notes
    -----
    Step-down: the k-th smallest is multiplied by m - k + 1, no value below an earlier one. Holds however the tests
    depend on each other.

    References
    ----------
    Holm (1979), Scandinavian Journal of Statistics 6, 65-70.

    Checked against the definition by hand: ``tests/stats/test_tolerance.py``.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).round(6).tolist()
    [0.03, 0.06, 0.06]
    """
    values = np.asarray(p, dtype=np.float64)
    if ((values < 0) | (values > 1)).any():
        raise ParameterError("p holds a value outside 0 to 1", expected="p-values")
    adjusted = np.full(values.shape, np.nan)
    known = np.flatnonzero(~np.isnan(values))
    order = known[np.argsort(values[known], kind="stable")]
    scaled = np.maximum.accumulate(values[order] * np.arange(len(order), 0, -1))
    adjusted[order] = np.minimum(scaled, 1.0)
    return adjusted
