"""Bands around a curve over time: complementary log-log, and what to say where that cannot speak."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_NEAR = 1e-12  # a rate this close to 0 or 1 differs from it by rounding only


def log_log_band(rate: Floats, variance: Floats, at_risk: Floats, z: float) -> tuple[Floats, Floats]:
    """Return pointwise bounds of a cumulative rate (share that had the event by each time).

    Parameters
    ----------
    rate : ndarray, shape (..., T)
        Cumulative rate over time, within [0, 1].
    variance : ndarray, shape (..., T)
        Its variance; NaN gives NaN bounds.
    at_risk : ndarray, shape (T,)
        Deals under observation just before each time.
    z : float
        Normal quantile, as 1.645 for 90 %.

    Returns
    -------
    ci_lower, ci_upper : ndarray, shape (..., T)
        Within [0, 1] and around `rate`.

    Notes
    -----
    With ``g(F) = log(-log(1 - F))`` the bounds are ``1 - (1 - F)**exp(±z se / |(1 - F) log(1 - F)|)``; for
    one cause this is the log-log band of Kaplan-Meier. While no event has happened (F = 0) the lower bound is
    0 and the upper one is Wilson's for none out of `at_risk`. Where everybody has had the event (F = 1) the
    upper bound is 1 and the lower one the last that could be computed.

    References
    ----------
    Kalbfleisch & Prentice (2002), *The Statistical Analysis of Failure Time Data*, section 1.4.
    """
    none, full = rate <= _NEAR, rate >= 1 - _NEAR
    inside = ~(none | full)
    safe = np.where(inside, rate, 0.5)
    log_open = np.log1p(-safe)
    factor = np.exp(-z * np.sqrt(variance) / ((1 - safe) * log_open))
    lower = -np.expm1(log_open / factor)
    upper = -np.expm1(log_open * factor)
    none_upper = z * z / (np.maximum(at_risk, 0) + z * z)
    known = np.isfinite(variance)
    upper = np.where(none, np.where(known, none_upper, np.nan), upper)
    lower = np.where(none, np.where(known, 0.0, np.nan), lower)
    if full.any():
        start = float(at_risk[0]) if at_risk.size else 0.0
        carried = np.maximum.accumulate(np.where(full, -np.inf, lower), axis=-1)
        carried = np.where(carried > 0, carried, start / (start + z * z))
        lower = np.where(full, np.where(known, carried, np.nan), lower)
        upper = np.where(full, np.where(known, 1.0, np.nan), upper)
    return np.minimum(lower, rate), np.maximum(upper, rate)
