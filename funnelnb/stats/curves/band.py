"""Bands around a curve over time: complementary log-log, and what to say where that cannot speak."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_NEAR = 1e-12  # a rate this close to 0 or 1 differs from it by rounding only


def log_log_band(
    rate: Floats, variance: Floats, at_risk: Floats, z: float, before: Floats | None = None
) -> tuple[Floats, Floats]:
    """Return pointwise bounds of a cumulative rate (share that had the event by each time).

    Parameters
    ----------
    rate : ndarray, shape (..., T)
        Cumulative rate over time, within [0, 1], never falling.
    variance : ndarray, shape (..., T)
        Its variance; any NaN gives NaN bounds.
    at_risk : ndarray, shape (T,)
        Deals under observation just before each time.
    z : float
        Normal quantile, as 1.645 for 90 %.
    before : ndarray, shape (T,), optional
        Share that those at risk stand for just before each time; default ``1 - rate`` there (one cause).

    Returns
    -------
    ci_lower, ci_upper : ndarray, shape (..., T)
        Within [0, 1] and around `rate`.

    Notes
    -----
    With ``g(F) = log(-log(1 - F))`` the bounds are ``1 - (1 - F)**exp(±z se / |(1 - F) log(1 - F)|)``; for
    one cause this is the log-log band of Kaplan-Meier. While no event has happened (F = 0) the lower bound is
    0 and the upper one ``max over u <= t of S(u-) z^2 / (Y(u) + z^2)``: whatever share S was still open at some time,
    its chance is bounded by Wilson's for none of the Y at risk then. Without open deals that is Wilson's bound of all
    deals decided. Where nobody's watching ended early and everybody had the event, the lower bound is Wilson's of
    all. Else, where everybody has had the event (F = 1) the
    upper bound is 1; of the share that the last computed lower bound leaves open, as many are then taken to go
    on as Wilson's lower bound for all of the last `at_risk` says: about a quarter (90 %) where one deal ended
    last, nearly all where many ended together.

    References
    ----------
    Kalbfleisch & Prentice (2002), *The Statistical Analysis of Failure Time Data*, section 1.4.
    """
    lower, upper = np.full_like(rate, np.nan), np.full_like(rate, np.nan)
    for row in np.ndindex(rate.shape[:-1]):
        _band_of_one(rate[row], variance[row], (at_risk, before), z, lower[row], upper[row])
    return lower, upper


def _band_of_one(
    rate: Floats,
    variance: Floats,
    risk: tuple[Floats, Floats | None],
    z: float,
    lower: Floats,
    upper: Floats,
) -> None:
    """Fill in the bounds of one curve, which never falls: none so far, then some, then everybody."""
    if np.isnan(variance).any():
        return
    at_risk, share = risk
    share = np.concatenate(([1.0], 1 - rate[:-1])) if share is None else share
    none_of = share * z * z / (np.maximum(at_risk, 0) + z * z)
    first, last = np.searchsorted(rate, [_NEAR, 1 - _NEAR], side="right")
    none, some, everybody = slice(first), slice(first, last), slice(last, None)
    lower[none] = 0.0
    upper[none] = np.maximum.accumulate(none_of[none])
    log_open = np.log1p(-rate[some])
    factor = np.sqrt(variance[some])
    factor *= -z
    factor /= (1 - rate[some]) * log_open
    np.exp(factor, out=factor)
    lower[some] = np.minimum(-np.expm1(log_open / factor), rate[some])
    upper[some] = np.maximum(-np.expm1(log_open * factor), rate[some])
    if last < rate.size:
        before = float(lower[some].max()) if last > first else 0.0
        lower[everybody] = 1.0 - (1.0 - before) * z * z / (max(float(at_risk[last]), 0.0) + z * z)
        until = slice(last + 1)
        if np.allclose(at_risk[until], at_risk[0] * share[until], rtol=1e-9):
            lower[everybody] = 1.0 - none_of[until].max()
    upper[everybody] = 1.0
