"""What do cases stand for that were watched long enough, when others were not? Inverse-probability weights."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from funnelnb.core import check
from funnelnb.core.errors import ParameterError

Floats = NDArray[np.float64]


def censoring_weights(time: ArrayLike, decided: ArrayLike, horizon: float) -> Floats:
    """How many cases does each stand for, when those not watched long enough are left out?

    Parameters
    ----------
    time : array_like of shape (N,)
        Time to the decision, or to the end of observation, >= 0.
    decided : array_like of bool, shape (N,)
        False: still undecided at `time`.
    horizon : float
        Time by which the outcome is asked for, > 0.

    Returns
    -------
    ndarray of float64, shape (N,)
        0 where the state at the horizon is not known; else 1 / G(T-) for a decision at T <= horizon and
        1 / G(horizon) for a case undecided then. All 0 where nobody was watched to the horizon and somebody
        undecided would have had to be.

    Raises
    ------
    ParameterError
        A time is negative or not finite, shapes differ, or the horizon is not above 0.

    Notes
    -----
    G is the Kaplan-Meier chance to be still watched, with decisions before ends of observation at equal
    times. A weighted mean of "won by the horizon" over all N is then exactly the Aalen-Johansen estimate.

    References
    ----------
    Graf et al. (1999), doi:10.1002/(SICI)1097-0258(19990915/30)18:17/18<2529::AID-SIM274>3.0.CO;2-5.

    Checked against Aalen-Johansen on random data: ``tests/stats/test_censoring.py``.

    Examples
    --------
    >>> censoring_weights([1, 2, 3, 4], [True, False, True, True], horizon=5).round(6).tolist()
    [1.0, 0.0, 1.5, 1.5]
    """
    t, ended = np.asarray(time, dtype=float), np.asarray(decided, dtype=bool)
    h = check.number("horizon", horizon, gt=0)
    if t.shape != ended.shape or t.ndim != 1:
        raise ParameterError(f"time {t.shape}, decided {ended.shape}", expected="two rows of one length")
    if not (np.isfinite(t) & (t >= 0)).all():
        raise ParameterError("a time is negative or not finite", expected="times of 0 or more")
    known = (ended & (t <= h)) | (t >= h)
    censored = np.where(known, np.inf, t)
    moments, counts = np.unique(censored[~known], return_counts=True)
    ordered, decisions = np.sort(t), np.sort(t[ended])
    at_risk = len(t) - np.searchsorted(ordered, moments, side="left")
    gone = np.searchsorted(decisions, moments, side="right") - np.searchsorted(
        decisions, moments, side="left"
    )
    still = np.concatenate(([1.0], np.cumprod(1 - counts / (at_risk - gone))))
    watched = still[np.searchsorted(moments, np.minimum(t, h), side="left")]
    return np.divide(1.0, watched, out=np.zeros_like(t), where=known & (watched > 1e-12))
