"""How sure is a share when deals come in clusters, several to an account? The jackknife over accounts.

Deals of one account are won and lost together, so a hundred deals of ten accounts tell hardly more than ten. Each
share is worked out again without each account in turn; the spread of these is its variance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from funnelnb.core import check
from funnelnb.stats.rates.proportion import normal_quantile, wilson

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Design:
    """By how much clustering widens the interval of shares.

    Attributes
    ----------
    factor : ndarray of float64, shape (...)
        Variance with clusters / variance of as many independent deals (the design effect).
    df : ndarray of float64, shape (...)
        Degrees of freedom of that variance: the effective number of clusters, less 1. Infinite where the factor is
        a bound that needs no estimate (nobody or everybody had the event).
    """

    factor: Floats
    df: Floats

    def trials(self, n: ArrayLike, confidence_level: float = check.CONFIDENCE_LEVEL) -> Floats:
        """Return the number of independent deals that would tell as much as these `n`, at this level.

        Notes
        -----
        ``n / factor (z / t)^2`` with t of `df` degrees of freedom (Korn & Graubard 1998): score intervals of so many
        trials are as wide as the clusters and the doubt about their variance demand.
        """
        wider = student_quantile(confidence_level, self.df) / normal_quantile(confidence_level)
        # accounts that look more alike among each other than chance makes them never narrow the interval
        return np.asarray(n, dtype=float) / (np.where(self.factor > 1, self.factor, 1.0) * wider**2)


def student_quantile(confidence_level: float, df: ArrayLike) -> Floats:
    """Return the t that encloses `confidence_level` of Student's distribution; the normal one for infinite `df`.

    Examples
    --------
    >>> student_quantile(0.9, [5, np.inf]).round(3).tolist()
    [2.015, 1.645]
    """
    from scipy.special import stdtrit

    tail = 0.5 + check.confidence_level(confidence_level) / 2
    freedom = np.maximum(np.asarray(df, dtype=float), 1.0)
    finite = np.where(np.isfinite(freedom), freedom, 1.0)
    return np.where(np.isfinite(freedom), stdtrit(finite, tail), normal_quantile(confidence_level))


def student_p_value(
    p_value: ArrayLike, df: float, confidence_level: float = check.CONFIDENCE_LEVEL
) -> Floats:
    """How surprising is it, if the variance is known by few clusters?

    Parameters
    ----------
    p_value : array_like
        Two-sided, of a test on so many trials that its intervals at `confidence_level` hold with `df` degrees of
        freedom (:meth:`Design.trials`).
    df : float
    confidence_level : float

    Returns
    -------
    ndarray of float64
        The same where `df` is infinite, and where `p_value` is 1 - `confidence_level`; larger below it, because far
        out Student's distribution holds more than the normal one.

    Notes
    -----
    The normal deviate of `p_value` times t / z of that level is the deviation in standard errors, which Student's
    distribution judges.

    Examples
    --------
    >>> student_p_value([0.1, 0.01], df=16).round(4).tolist()
    [0.1, 0.0147]
    """
    from scipy.special import ndtri, stdtr

    surprise = np.asarray(p_value, dtype=float)
    if not np.isfinite(df):
        return surprise
    wider = student_quantile(confidence_level, df) / normal_quantile(confidence_level)
    return np.asarray(2 * stdtr(max(df, 1.0), ndtri(surprise / 2) * wider), dtype=float)


def effective_clusters(size: ArrayLike) -> Floats:
    """How many clusters of equal size tell as much as these? ``(sum m)^2 / sum m^2`` over the first axis (Kish)."""
    sizes = np.asarray(size, dtype=float)
    squares = (sizes**2).sum(axis=0)
    return np.divide(sizes.sum(axis=0) ** 2, squares, out=np.zeros_like(squares), where=squares > 0)


def design(k: ArrayLike, n: ArrayLike, weight: ArrayLike | None = None) -> Design:
    """By how much do clusters widen the interval of a share?

    Parameters
    ----------
    k, n : array_like of shape (R, ...)
        Successes and trials of each of R clusters (accounts).
    weight : array_like of shape (...), optional
        Number of independent deals that the design is measured against; default: all trials.

    Returns
    -------
    Design
        Arrays of shape (...). A factor of 1 where there is no trial or a single cluster per deal.

    Notes
    -----
    With p(-g) the share without cluster g, the variance is ``(R - 1) / R sum (p(-g) - mean)^2`` over the R clusters
    that have trials, the degrees of freedom ``(sum m)^2 / sum m^2 - 1``: with R - 1 of them 90 % intervals of 20 very
    unequal accounts held 84 to 86 %, with these 88 to 92 %. Where nobody (or everybody) had the event nothing can be
    measured: then each cluster counts as one deal.

    References
    ----------
    Korn & Graubard (1998), Survey Methodology 24, 193-201. Kish (1965), *Survey Sampling*.

    Checked against clusters of one deal (factor n / (n - 1)), clusters that agree within (factor of their size), and
    the coverage of 90 % intervals (``tests/truth/test_clustered.py``).

    Examples
    --------
    >>> found = design(k=[4, 0, 4, 0, 0], n=[4, 4, 4, 4, 4])
    >>> float(found.factor), float(found.df)
    (5.0, 4.0)
    """
    wins, trials = np.broadcast_arrays(np.asarray(k, dtype=float), np.asarray(n, dtype=float))
    total_k, total_n = wins.sum(axis=0), trials.sum(axis=0)
    inside = trials > 0
    count = inside.sum(axis=0)
    rest = total_n - trials
    with np.errstate(invalid="ignore", divide="ignore"):
        share = total_k / total_n
        without = np.where(inside & (rest > 0), (total_k - wins) / np.where(rest > 0, rest, 1.0), np.nan)
        middle = np.nansum(without, axis=0) / np.maximum((~np.isnan(without)).sum(axis=0), 1)
        spread = np.nansum((without - middle) ** 2, axis=0) * (count - 1) / np.maximum(count, 1)
        plain = share * (1 - share) / (total_n if weight is None else np.asarray(weight, dtype=float))
        factor = spread / plain
    alike = effective_clusters(trials)
    certain = ~(plain > 1e-15) | (count < 2)
    widest = np.divide(total_n, alike, out=np.ones_like(total_n), where=alike > 0)
    return Design(
        factor=np.where(total_n > 0, np.where(certain, widest, factor), 1.0),
        df=np.where(certain, np.inf, np.maximum(alike - 1, 1.0)),
    )


def clustered_share(
    k: ArrayLike, n: ArrayLike, confidence_level: float = check.CONFIDENCE_LEVEL
) -> tuple[Floats, Floats]:
    """Between which bounds does the true share lie, given successes and trials of each cluster?

    Parameters
    ----------
    k, n : array_like of shape (R, ...)
        Of each of R clusters.
    confidence_level : float

    Returns
    -------
    ci_lower, ci_upper : ndarray of float64, shape (...)
        Wilson's bounds of the effective number of trials; NaN where there is none.

    Examples
    --------
    >>> lower, upper = clustered_share(k=[4, 0, 4, 0, 0], n=[4, 4, 4, 4, 4])
    >>> print(f"{lower:.2f} {upper:.2f}")
    0.09 0.81
    """
    wins, trials = np.broadcast_arrays(np.asarray(k, dtype=float), np.asarray(n, dtype=float))
    total_k, total_n = wins.sum(axis=0), trials.sum(axis=0)
    effective = design(wins, trials).trials(total_n, confidence_level)
    share = np.divide(total_k, total_n, out=np.zeros_like(total_n), where=total_n > 0)
    lower, upper = wilson(share * effective, effective, confidence_level)
    known = total_n > 0
    return np.where(known, np.minimum(lower, share), np.nan), np.where(
        known, np.maximum(upper, share), np.nan
    )
