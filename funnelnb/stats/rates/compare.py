"""Which groups differ, and which only look so? Tests, false discoveries, and the limits of chance."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from funnelnb.core import check
from funnelnb.core.errors import ParameterError
from funnelnb.stats.rates.proportion import counts, wilson

# ---- Funnel-plot limits: how far may a group of this size stray by chance alone? ---------------------------

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


# ---- Which groups differ, and which only look so? ----------------------------------------------------------

_DRAWS, _FEWEST_DRAWS = 19_999, 999
_MOST_CELLS, _CELLS_AT_ONCE = 40_000_000, 2_000_000

__all__ = [
    "GroupVsRest",
    "Homogeneity",
    "benjamini_hochberg",
    "funnel_limits",
    "group_vs_rest",
    "homogeneity",
    "newcombe",
    "overdispersion",
]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GroupVsRest:
    """Each group against everybody else. G groups; NaN where the group or the rest is empty.

    Attributes
    ----------
    rate, rest_rate, difference : ndarray of float64, shape (G,)
        Share in the group, in the rest, and the first minus the second.
    ci_lower, ci_upper : ndarray of float64, shape (G,)
        Newcombe's bounds of the difference, within [-1, 1].
    p_value : ndarray of float64, shape (G,)
        Two-sided.
    """

    rate: Floats
    rest_rate: Floats
    difference: Floats
    ci_lower: Floats
    ci_upper: Floats
    p_value: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Homogeneity:
    """Whether all groups could have the same rate.

    Attributes
    ----------
    statistic : float
        Pearson's chi-squared.
    df : int
        Groups with trials, minus 1.
    p_value : float
        NaN with fewer than two such groups.
    method : {"chi_squared", "monte_carlo"}
    """

    statistic: float
    df: int
    p_value: float
    method: str


def group_vs_rest(
    k: ArrayLike, n: ArrayLike, confidence_level: float = check.CONFIDENCE_LEVEL
) -> GroupVsRest:
    """Does each group's share differ from that of everybody else? (Fisher's exact test, Newcombe's interval.)

    Parameters
    ----------
    k : array_like of shape (G,)
        Successes of each group, 0 <= k <= n.
    n : array_like of shape (G,)
        Trials of each group, >= 0.
    confidence_level : float
        Of the interval of the difference.

    Returns
    -------
    GroupVsRest

    Raises
    ------
    ParameterError
        If a count is negative, not finite, or k exceeds n.

    Notes
    -----
    Two-sided p: the probability, given both margins, of all tables no more likely than the one seen. Whole
    counts are always tested exactly; fractional ones (effective numbers) by the score test without continuity
    correction. The group is never compared with a total that contains it. The exact test is conservative, so
    at small counts it may keep a difference whose interval leaves out 0.

    References
    ----------
    Fisher (1935), doi:10.2307/2342435. Newcombe (1998),
    doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I.

    Checked against R's ``fisher.test`` (``tests/reference/compare.R``) and SciPy:
    ``tests/stats/test_compare.py``.

    Examples
    --------
    >>> found = group_vs_rest(k=[30, 12, 11], n=[50, 40, 41])
    >>> found.p_value.round(4).tolist()
    [0.0005, 0.1244, 0.0361]
    """
    check.confidence_level(confidence_level)
    successes, trials = (np.atleast_1d(array) for array in counts(k, n))
    rest_k, rest_n = successes.sum() - successes, trials.sum() - trials
    both = (trials > 0) & (rest_n > 1e-9 * trials.sum())
    rest_k, rest_n = np.where(both, np.clip(rest_k, 0, rest_n), 0.0), np.where(both, rest_n, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        rate, rest_rate = (
            np.where(trials > 0, successes / trials, np.nan),
            np.where(both, rest_k / rest_n, np.nan),
        )
    lower, upper = newcombe(successes, trials, rest_k, rest_n, confidence_level)
    whole = bool(np.array_equal(successes, np.rint(successes)) and np.array_equal(trials, np.rint(trials)))
    test = _fisher if whole else _score
    # many small groups share few tables: each is tested once
    tables, place = np.unique(
        np.stack([successes, trials, rest_k, rest_n, both], axis=1), axis=0, return_inverse=True
    )
    p_value = np.array([test(*table) if seen else np.nan for *table, seen in tables.tolist()])[place.ravel()]
    return GroupVsRest(
        rate=rate,
        rest_rate=rest_rate,
        difference=rate - rest_rate,
        ci_lower=lower,
        ci_upper=upper,
        p_value=p_value,
    )


def _fisher(k: float, n: float, rest_k: float, rest_n: float) -> float:
    """Return Fisher's two-sided p of one 2x2 table."""
    from scipy.stats import fisher_exact

    table = np.array([[k, n - k], [rest_k, rest_n - rest_k]]).astype(np.int64)
    return float(fisher_exact(table).pvalue)


def _score(k: float, n: float, rest_k: float, rest_n: float) -> float:
    """Return the two-sided p of the score test of two shares, for fractional counts."""
    from scipy.special import ndtr

    pooled = (k + rest_k) / (n + rest_n)
    variance = pooled * (1 - pooled) * (1 / n + 1 / rest_n)
    if variance <= 0:
        return 1.0
    return float(2 * ndtr(-abs(k / n - rest_k / rest_n) / np.sqrt(variance)))


def newcombe(
    k: ArrayLike,
    n: ArrayLike,
    other_k: ArrayLike,
    other_n: ArrayLike,
    confidence_level: float = check.CONFIDENCE_LEVEL,
) -> tuple[Floats, Floats]:
    """Between which bounds does the difference of two shares lie? (Newcombe's hybrid score interval.)

    Parameters
    ----------
    k, n : array_like of shape (...)
        Successes and trials of the first group.
    other_k, other_n : array_like of shape (...)
        The same of the second.
    confidence_level : float
        Strictly between 0 and 1.

    Returns
    -------
    ci_lower, ci_upper : ndarray of float64, shape (...)
        Of ``k / n - other_k / other_n``, within [-1, 1]; NaN where a group is empty.

    Raises
    ------
    ParameterError
        If a count is negative, not finite, or k exceeds n.

    Notes
    -----
    Squares and adds the distances from each share to its own Wilson bounds; method 10 of the paper.

    References
    ----------
    Newcombe (1998), doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I.

    Checked against the worked examples of the paper (56/70 - 48/80 and others) and an exact coverage sum:
    ``tests/stats/test_compare.py``.

    Examples
    --------
    >>> lower, upper = newcombe(56, 70, 48, 80, 0.95)
    >>> print(f"{lower:.4f} {upper:.4f}")
    0.0524 0.3339
    """
    (first_k, first_n), (second_k, second_n) = counts(k, n), counts(other_k, other_n)
    first_lower, first_upper = wilson(first_k, first_n, confidence_level)
    second_lower, second_upper = wilson(second_k, second_n, confidence_level)
    with np.errstate(invalid="ignore", divide="ignore"):
        first, second = first_k / first_n, second_k / second_n
    lower = first - second - np.hypot(first - first_lower, second_upper - second)
    upper = first - second + np.hypot(first_upper - first, second - second_lower)
    return np.maximum(lower, -1), np.minimum(upper, 1)


def homogeneity(k: ArrayLike, n: ArrayLike, seed: int = 20_261_123) -> Homogeneity:
    """Could all groups have the same rate? (Chi-squared test; simulated where counts are small.)

    Parameters
    ----------
    k : array_like of shape (G,)
        Successes of each group.
    n : array_like of shape (G,)
        Trials of each group; groups with none are left out.
    seed : int
        Of the simulation, so that equal input gives an equal p.

    Returns
    -------
    Homogeneity

    Raises
    ------
    ParameterError
        If a count is negative, not finite, or k exceeds n.

    Notes
    -----
    ``sum (k - n p)^2 / (n p (1 - p))`` with p pooled. If any expected count of successes or failures is below
    5, the p comes from 19,999 tables drawn with the same margins (standard error at most .0036), of more than 2,000
    groups from as many as have 40 million cells, at least 999 (.016); fractional counts never are.

    Checked against R's ``chisq.test`` with and without simulation (``tests/reference/compare.R``), and the
    size of the test by simulation: ``tests/stats/test_compare.py``.

    Examples
    --------
    >>> homogeneity(k=[30, 12, 11], n=[50, 40, 41]).df
    2
    """
    successes, trials = (np.atleast_1d(array) for array in counts(k, n))
    successes, trials = successes[trials > 0], trials[trials > 0]
    df = max(trials.size - 1, 0)
    if df == 0:
        return Homogeneity(statistic=np.nan, df=df, p_value=np.nan, method="chi_squared")
    pooled = successes.sum() / trials.sum()
    if pooled in (0.0, 1.0):
        return Homogeneity(statistic=0.0, df=df, p_value=1.0, method="chi_squared")
    statistic = float(_chi_squared(successes, trials, pooled))
    whole = np.array_equal(successes, np.rint(successes)) and np.array_equal(trials, np.rint(trials))
    if whole and trials.min() * min(pooled, 1 - pooled) < 5:
        p_value = _drawn_p(successes, trials, statistic * (1 - 1e-9), seed)
        return Homogeneity(statistic=statistic, df=df, p_value=p_value, method="monte_carlo")
    from scipy.special import chdtrc

    return Homogeneity(statistic=statistic, df=df, p_value=float(chdtrc(df, statistic)), method="chi_squared")


def _drawn_p(successes: Floats, trials: Floats, least: float, seed: int) -> float:
    """Return how often tables with the same margins are as far from equal rates; few cells at once."""
    rng, pooled, total = np.random.default_rng(seed), successes.sum() / trials.sum(), int(successes.sum())
    draws_n = int(np.clip(_MOST_CELLS // trials.size, _FEWEST_DRAWS, _DRAWS))
    at_once, as_far = max(_CELLS_AT_ONCE // trials.size, 1), 0
    for start in range(0, draws_n, at_once):
        drawn = rng.multivariate_hypergeometric(
            trials.astype(np.int64), total, size=min(at_once, draws_n - start), method="marginals"
        )
        as_far += int((_chi_squared(drawn, trials, pooled) >= least).sum())
    return (1 + as_far) / (1 + draws_n)


def _chi_squared(successes: Floats | NDArray[np.int64], trials: Floats, pooled: float) -> Floats:
    """Return Pearson's statistic of each row of `successes`."""
    return np.asarray(((successes - trials * pooled) ** 2 / (trials * pooled * (1 - pooled))).sum(axis=-1))


def benjamini_hochberg(p: ArrayLike) -> Floats:
    """How small must the false-discovery rate be for each of many tests to count? (Adjusted p-values.)

    Parameters
    ----------
    p : array_like of shape (M,)
        p-values within [0, 1]; NaN where no test was made.

    Returns
    -------
    ndarray of float64, shape (M,)
        Calling those at or below q discoveries keeps the expected share of false ones below q, for tests that
        are independent or positively dependent. NaN stays NaN and does not count as a test.

    Raises
    ------
    ParameterError
        If a p-value is outside [0, 1].

    References
    ----------
    Benjamini & Hochberg (1995), doi:10.1111/j.2517-6161.1995.tb02031.x.

    Checked against R's ``p.adjust`` (``tests/reference/compare.R``): ``tests/stats/test_compare.py``.

    Examples
    --------
    >>> benjamini_hochberg([0.01, 0.04, 0.03, 0.5]).round(4).tolist()
    [0.04, 0.0533, 0.0533, 0.5]
    """
    values = np.asarray(p, dtype=float)
    made = ~np.isnan(values)
    tested = values[made]
    if not np.all((tested >= 0) & (tested <= 1)):
        raise ParameterError("a p-value is outside [0, 1]", expected="p-values, or NaN")
    from scipy.stats import false_discovery_control

    adjusted = np.full(values.shape, np.nan)
    if tested.size:
        adjusted[made] = false_discovery_control(tested)
    return adjusted
