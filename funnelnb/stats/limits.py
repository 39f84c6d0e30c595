"""Funnel-plot limits: how far may a group of this size stray by chance alone?"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from funnelnb.core import check
from funnelnb.stats.proportion import counts

Floats = NDArray[np.float64]


def funnel_limits(
    pooled: float, n: ArrayLike, level: float, overdispersion: float = 1.0
) -> tuple[Floats, Floats]:
    """Within which limits does a share of n fall by chance alone, if the true one is `pooled`? (Funnel plot.)

    Parameters
    ----------
    pooled : float
        Rate of the whole, within [0, 1].
    n : array_like of shape (...)
        Trials of each group, >= 0; may be fractions (effective numbers).
    level : float
        Share of groups inside the limits, such as 0.95 or 0.998.
    overdispersion : float
        Factor >= 1 by which the variance of the groups exceeds the binomial.

    Returns
    -------
    lower, upper : ndarray of float64, shape (...)
        Within [0, 1] and around `pooled`; NaN where n is 0.

    Raises
    ------
    ParameterError
        If an argument is out of range.

    Notes
    -----
    With the binomial made continuous in the count by the incomplete beta function, the lower limit is the x
    with ``P(count <= x) = (1 - level) / 2`` and the upper one that with ``P(count >= x) = (1 - level) / 2``.
    So a whole count lies outside exactly when its one-sided exact test is below half of ``1 - level`` (the
    paper interpolates between whole counts, which flags more). The distance from `pooled` is then stretched
    by the square root of `overdispersion`.

    References
    ----------
    Spiegelhalter (2005), doi:10.1002/sim.1970.

    Checked against binomial tail sums and the normal limit: ``tests/stats/test_limits.py``.

    Examples
    --------
    >>> lower, upper = funnel_limits(0.25, [40, 400], 0.95)
    >>> lower.round(3).tolist(), upper.round(3).tolist()
    ([0.111, 0.207], [0.402, 0.294])
    """
    rate = check.number("pooled", pooled, ge=0, le=1)
    tail = (1 - check.number("level", level, gt=0, lt=1)) / 2
    stretch = np.sqrt(check.number("overdispersion", overdispersion, ge=1))
    _, trials = counts(0.0, n)
    if rate in (0.0, 1.0):
        flat = np.where(trials > 0, rate, np.nan)
        return flat, flat
    safe = np.where(trials > 0, trials, 1.0)
    lower, upper = _low_limit(rate, safe, tail), 1 - _low_limit(1 - rate, safe, tail)
    lower, upper = (np.clip(rate + stretch * (limit - rate), 0, 1) for limit in (lower, upper))
    unknown = np.where(trials > 0, 0.0, np.nan)
    return np.minimum(lower, rate) + unknown, np.maximum(upper, rate) + unknown


def _low_limit(rate: float, trials: Floats, tail: float) -> Floats:
    """Return the share x / trials where P(count <= x) is `tail`; 0 where even none is likelier."""
    from scipy.special import bdtrik

    return np.where((1 - rate) ** trials >= tail, 0.0, bdtrik(tail, trials, rate) / trials)


def overdispersion(k: ArrayLike, n: ArrayLike, winsorised: float = 0.1) -> float:
    """By which factor do the groups spread more than chance, a few extreme ones aside?

    Parameters
    ----------
    k : array_like of shape (G,)
        Successes of each group.
    n : array_like of shape (G,)
        Trials of each group; groups with none are left out.
    winsorised : float
        Share of the groups at each end whose z-score is drawn in to that of the next, within [0, 0.5).

    Returns
    -------
    float
        Mean squared z-score, 1 on average for chance alone; exactly 1 when it is below ``1 + 2 sqrt(2 / G)``,
        where it could well be chance.

    Raises
    ------
    ParameterError
        If a count is negative, not finite, or k exceeds n, or `winsorised` is out of range.

    Notes
    -----
    The mean is divided by what drawing in leaves of a normal spread (0.66 at 0.1), which the paper leaves
    out; without it the factor would be a third too small.

    References
    ----------
    Spiegelhalter (2005), doi:10.1136/qshc.2005.013755.

    Checked against simulated groups with known spread and a hand case: ``tests/stats/test_limits.py``.

    Examples
    --------
    >>> round(overdispersion(k=[20, 60, 25, 80, 40, 75], n=[100] * 6), 1)
    21.7
    """
    share = check.number("winsorised", winsorised, ge=0, lt=0.5)
    successes, trials = (np.atleast_1d(array) for array in counts(k, n))
    successes, trials = successes[trials > 0], trials[trials > 0]
    pooled = successes.sum() / trials.sum() if trials.size else 0.0
    if trials.size < 2 or pooled in (0.0, 1.0):
        return 1.0
    z = np.sort((successes - trials * pooled) / np.sqrt(trials * pooled * (1 - pooled)))
    cut = int(share * z.size)
    z = np.clip(z, z[cut], z[z.size - 1 - cut])
    factor = float(np.mean(z**2)) / _left_by_winsorising(cut / z.size)
    return factor if factor > 1 + 2 * np.sqrt(2 / z.size) else 1.0


def _left_by_winsorising(share: float) -> float:
    """Return the variance of a standard normal whose outer `share` at each end is drawn in."""
    if share == 0:
        return 1.0
    normal = NormalDist()
    edge = normal.inv_cdf(1 - share)
    return 2 * share * edge**2 + (1 - 2 * share) - 2 * edge * normal.pdf(edge)
