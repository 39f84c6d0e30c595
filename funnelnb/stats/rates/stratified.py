"""Does a group do better than others *of its own kind*? Comparison within strata, clusters taken into account."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from funnelnb.core import check
from funnelnb.stats.rates.proportion import normal_quantile

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Within:
    """Each group against the others of its strata. G groups; NaN where no stratum holds both.

    Attributes
    ----------
    rest_rate : ndarray of float64, shape (G,)
        Share among the others, standardised to the strata of the group: what they would reach with its mix.
    difference, ci_lower, ci_upper : ndarray of float64, shape (G,)
        Share of the group (in the strata that it shares with others) minus `rest_rate`.
    p_value : ndarray of float64, shape (G,)
        Two-sided, of the stratified score test.
    trials : ndarray of float64, shape (G,)
        Cases of the group that could be compared.
    """

    rest_rate: Floats
    difference: Floats
    ci_lower: Floats
    ci_upper: Floats
    p_value: Floats
    trials: Floats


def compared_within(
    k: ArrayLike,
    n: ArrayLike,
    factor: ArrayLike = 1.0,
    confidence_level: float = check.CONFIDENCE_LEVEL,
) -> Within:
    """Does each group's share differ from that of the others of the same strata?

    Parameters
    ----------
    k, n : array_like of shape (S, G)
        Successes and trials in each of S strata of each of G groups; may be fractions (weights).
    factor : array_like of shape (G,) or scalar
        By how much clusters widen the variance of each group (1: independent cases).
    confidence_level : float

    Returns
    -------
    Within

    Notes
    -----
    Test (Cochran-Mantel-Haenszel): ``(sum of k - E)^2 / (factor * sum of V)`` with, in each stratum, ``E = n K / N``
    and the hypergeometric ``V = K (N - K) n (N - n) / (N^2 (N - 1))``. Interval: the others are standardised directly,
    ``sum n_s r_s / sum n_s``; variances of the strata add, each by ``p (1 - p)`` of its own pooled share.

    References
    ----------
    Mantel & Haenszel (1959), doi:10.1093/jnci/22.4.719. Cochran (1954), doi:10.2307/3001616.

    Checked against one stratum (the score test), strata counted by hand, and floors where only regions differ
    (``tests/truth/test_stratified.py``).

    Examples
    --------
    >>> found = compared_within(k=[[8, 16], [1, 3]], n=[[10, 20], [10, 30]])
    >>> found.rest_rate.round(2).tolist(), found.p_value.round(2).tolist()
    ([0.45, 0.38], [1.0, 1.0])
    """
    from scipy.special import ndtr

    wins, trials = np.asarray(k, dtype=float), np.asarray(n, dtype=float)
    wider = np.broadcast_to(np.asarray(factor, dtype=float), trials.shape[1:])
    whole_k, whole_n = wins.sum(axis=1, keepdims=True), trials.sum(axis=1, keepdims=True)
    rest_k, rest_n = np.maximum(whole_k - wins, 0.0), np.maximum(whole_n - trials, 0.0)
    both = (trials > 1e-9) & (rest_n > 1e-9)
    mine = np.where(both, trials, 0.0).sum(axis=0)
    safe_n, safe_rest = np.where(both, trials, 1.0), np.where(both, rest_n, 1.0)
    pooled = whole_k / np.where(whole_n > 0, whole_n, 1.0)
    share = np.where(both, trials, 0.0) / np.where(mine > 0, mine, 1.0)
    own = (share * np.where(both, wins / safe_n, 0.0)).sum(axis=0)
    rest = (share * np.where(both, rest_k / safe_rest, 0.0)).sum(axis=0)
    spread = np.where(both, pooled * (1 - pooled), 0.0)
    variance = (share**2 * spread * (1 / safe_n + 1 / safe_rest)).sum(axis=0) * wider
    gap = np.where(both, wins - trials * pooled, 0.0).sum(axis=0)
    v = np.where(both, pooled * (1 - pooled) * trials * rest_n / np.where(whole_n > 1, whole_n - 1, 1.0), 0.0)
    v = v.sum(axis=0) * wider
    chi = np.abs(gap) / np.sqrt(np.where(v > 0, v, 1.0))
    known = mine > 0
    reach = normal_quantile(confidence_level) * np.sqrt(variance)
    blank = np.where(known, 0.0, np.nan)
    return Within(
        rest_rate=rest + blank,
        difference=own - rest + blank,
        ci_lower=np.maximum(own - rest - reach, -1.0) + blank,
        ci_upper=np.minimum(own - rest + reach, 1.0) + blank,
        p_value=np.where(v > 0, 2 * ndtr(-chi), 1.0) + blank,
        trials=mine,
    )


def intra_cluster(
    y: ArrayLike, cluster: ArrayLike, cell: ArrayLike, weight: ArrayLike | None = None
) -> float:
    """How alike are cases of one cluster, beyond what their cell (group and stratum) says? (Correlation, 0 or more.)

    Parameters
    ----------
    y : array_like of shape (N,)
        0 or 1.
    cluster, cell : array_like of int, shape (N,)
        Account of each case; group and stratum of each case.
    weight : array_like of shape (N,), optional
        Cases that each stands for.

    Returns
    -------
    float
        Between 0 and 1: mean product of the standardised deviations of two cases of one cluster.

    Notes
    -----
    ``sum over clusters [(sum w e)^2 - sum (w e)^2] / sum [(sum w s)^2 - sum (w s)^2]``, with e the deviation from the
    share of the cell without the case's own cluster and s the standard deviation there. Leaving the own cluster out
    keeps the estimate from falling where a cell holds few clusters.

    References
    ----------
    Ridout, Demetrio & Firth (1999), doi:10.1111/j.0006-341X.1999.00137.x.

    Checked against independent cases (near 0), clusters that agree within (1), and beta-binomial clusters
    (``tests/truth/test_stratified.py``).

    Examples
    --------
    >>> intra_cluster([1, 1, 0, 0, 1, 1, 0, 0], [0, 0, 1, 1, 2, 2, 3, 3], [0] * 8)
    1.0
    """
    won = np.asarray(y, dtype=float)
    w = np.ones_like(won) if weight is None else np.asarray(weight, dtype=float)
    _, where = np.unique(np.asarray(cell), return_inverse=True)
    _, whose = np.unique(np.asarray(cluster), return_inverse=True)
    _, inside = np.unique(
        where.astype(np.int64) * (int(whose.max(initial=0)) + 1) + whose, return_inverse=True
    )
    n, k = np.bincount(where, weights=w), np.bincount(where, weights=w * won)
    own_n, own_k = np.bincount(inside, weights=w), np.bincount(inside, weights=w * won)
    rest_n, rest_k = n[where] - own_n[inside], k[where] - own_k[inside]
    known = rest_n > 0
    share = np.divide(rest_k, rest_n, out=np.zeros_like(won), where=known)
    e = np.where(known, w * (won - share), 0.0)
    s = np.where(known, w * np.sqrt(share * (1 - share)), 0.0)
    together = np.bincount(inside, weights=e) ** 2 - np.bincount(inside, weights=e * e)
    most = np.bincount(inside, weights=s) ** 2 - np.bincount(inside, weights=s * s)
    if not most.sum() > 0:
        return 0.0
    return float(np.clip(together.sum() / most.sum(), 0.0, 1.0))


def cluster_factor(cluster: ArrayLike, group: ArrayLike, groups: int, correlation: float) -> Floats:
    """By how much do clusters widen the variance of each group's share, given how alike their cases are?

    Returns
    -------
    ndarray of float64, shape (groups,)
        ``1 + correlation (sum m^2 / sum m - 1)`` over the sizes m of the clusters in the group (Kish).

    Examples
    --------
    >>> cluster_factor([0, 0, 0, 1], [0, 0, 0, 1], 2, 0.5).tolist()
    [2.0, 1.0]
    """
    codes, mine = np.asarray(cluster).astype(np.int64), np.asarray(group).astype(np.int64)
    pairs, n = np.unique(mine * (int(codes.max(initial=0)) + 1) + codes, return_counts=True)
    where = pairs // (int(codes.max(initial=0)) + 1)
    total = np.bincount(where, weights=n, minlength=groups)
    squares = np.bincount(where, weights=n.astype(float) ** 2, minlength=groups)
    mean = np.divide(squares, total, out=np.ones(groups), where=total > 0)
    return 1 + correlation * (mean - 1)
