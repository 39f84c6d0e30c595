"""How sure is a mean, and how far are two estimates apart that each have an interval of their own?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from funnelnb.core import check

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def mean_interval(
    values: ArrayLike, confidence_level: float = check.CONFIDENCE_LEVEL
) -> tuple[float, float, float]:
    """What is the mean of these values, and between which bounds does the true one lie?

    Parameters
    ----------
    values : array_like of shape (n,)
        NaN is left out.
    confidence_level : float
        Strictly between 0 and 1.

    Returns
    -------
    mean, ci_lower, ci_upper : float
        NaN without values; bounds NaN with fewer than two.

    Notes
    -----
    ``mean ± t(n - 1) s / sqrt(n)``. Amounts of deals are skewed, so with few deals the interval is too short on
    the long side; callers say so, or show the median beside it.

    Checked against ``scipy.stats.ttest_1samp(...).confidence_interval``: ``tests/stats/test_means.py``.

    Examples
    --------
    >>> tuple(round(one, 3) for one in mean_interval([1, 2, 3, 4], 0.95))
    (2.5, 0.446, 4.554)
    """
    from scipy.stats import t

    known = np.asarray(values, dtype=np.float64)
    known = known[~np.isnan(known)]
    if known.size < 2:
        return (float(known[0]) if known.size else float("nan")), float("nan"), float("nan")
    half = float(t.ppf(0.5 + confidence_level / 2, known.size - 1) * known.std(ddof=1) / np.sqrt(known.size))
    mean = float(known.mean())
    return mean, mean - half, mean + half


def interval_of_difference(
    first: tuple[float, float, float], second: tuple[float, float, float]
) -> tuple[float, float, float]:
    """How far are two independent estimates apart, given each with its own interval?

    Parameters
    ----------
    first, second : (estimate, ci_lower, ci_upper)
        At one confidence level.

    Returns
    -------
    difference, ci_lower, ci_upper : float
        Of first less second; NaN where an estimate or a bound is not known or infinite.

    Notes
    -----
    The method of variance estimates recovery: the distances from each estimate to its own bounds are squared and
    added, as Newcombe does for shares.

    References
    ----------
    Zou & Donner (2008), doi:10.1002/sim.3095.

    Checked against Newcombe's interval of two shares and by simulation: ``tests/stats/test_means.py``.

    Examples
    --------
    >>> interval_of_difference((10.0, 7.0, 13.0), (5.0, 1.0, 9.0))
    (5.0, 0.0, 10.0)
    """
    numbers = np.array([*first, *second], dtype=np.float64)
    difference = float(numbers[0] - numbers[3]) if np.isfinite(numbers[[0, 3]]).all() else float("nan")
    if not np.isfinite(numbers).all():
        return difference, float("nan"), float("nan")
    down = float(np.hypot(first[0] - first[1], second[2] - second[0]))
    up = float(np.hypot(first[2] - first[0], second[0] - second[1]))
    return difference, difference - down, difference + up


def poisson_interval(count: float, confidence_level: float = check.CONFIDENCE_LEVEL) -> tuple[float, float]:
    """Between which bounds does the expected count lie, when so many came?

    Parameters
    ----------
    count : float
        At least 0.
    confidence_level : float
        Strictly between 0 and 1.

    Returns
    -------
    ci_lower, ci_upper : float

    Notes
    -----
    Garwood's exact interval: quantiles of chi squared with 2k and 2k + 2 degrees of freedom, halved.

    References
    ----------
    Garwood (1936), doi:10.1093/biomet/28.3-4.437.

    Checked against the exact tail sums of the Poisson distribution: ``tests/stats/test_means.py``.

    Examples
    --------
    >>> tuple(round(one, 2) for one in poisson_interval(10, 0.95))
    (4.8, 18.39)
    """
    from scipy.stats import chi2

    tail = (1 - confidence_level) / 2
    lower = float(chi2.ppf(tail, 2 * count)) / 2 if count > 0 else 0.0
    return lower, float(chi2.ppf(1 - tail, 2 * count + 2)) / 2


def ratio_of_sums(
    part: ArrayLike, whole: ArrayLike, confidence_level: float = check.CONFIDENCE_LEVEL
) -> tuple[float, float, float]:
    """What share is one sum of another, counted over units that differ, and how sure is that?

    Parameters
    ----------
    part, whole : array_like of shape (n,)
        Of each unit (period, person), such as cost and orders.
    confidence_level : float
        Strictly between 0 and 1.

    Returns
    -------
    ratio, ci_lower, ci_upper : float
        NaN where the whole is 0; bounds NaN with fewer than two units.

    Notes
    -----
    The ratio estimator with its linearised variance, ``n / (n - 1) sum (a - r b)^2 / (sum b)^2``, and Student's t with
    n - 1 degrees of freedom: units that swing together (the periods of one person are one unit) do not count twice.

    References
    ----------
    Cochran (1977), *Sampling Techniques*, 3rd edition, section 6.4.

    Checked against a bootstrap over units and a coverage simulation: ``tests/stats/test_means.py``.

    Examples
    --------
    >>> tuple(round(one, 3) for one in ratio_of_sums([10, 12, 8], [100, 110, 90]))
    (0.1, 0.083, 0.117)
    """
    from scipy.stats import t

    one, other = np.asarray(part, dtype=np.float64), np.asarray(whole, dtype=np.float64)
    known = ~(np.isnan(one) | np.isnan(other))
    one, other = one[known], other[known]
    total = float(other.sum())
    if not total > 0:
        return float("nan"), float("nan"), float("nan")
    ratio = float(one.sum()) / total
    n = one.size
    if n < 2:
        return ratio, float("nan"), float("nan")
    variance = n / (n - 1) * float(((one - ratio * other) ** 2).sum()) / total**2
    half = float(t.ppf(0.5 + confidence_level / 2, n - 1)) * float(np.sqrt(variance))
    return ratio, ratio - half, ratio + half
