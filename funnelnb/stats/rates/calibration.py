"""Do forecast chances come true? Calibration, Brier and log score, ranking; with weights for censored cases."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from funnelnb.core import check
from funnelnb.core.errors import ParameterError
from funnelnb.stats.rates.proportion import normal_quantile, wilson

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Calibration:
    r"""Forecast against outcome in bins of equal weight, from low to high forecasts. B bins.

    Attributes
    ----------
    forecast, observed, ci_lower, ci_upper : ndarray of float64, shape (B,)
        Mean forecast of the bin, share that came true, and its interval.
    n : ndarray of float64, shape (B,)
        Cases behind it: the effective number (sum w)^2 / sum w^2.
    error : float
        Expected calibration error: mean of \\|observed - forecast\\| over the cases.
    """

    forecast: Floats
    observed: Floats
    ci_lower: Floats
    ci_upper: Floats
    n: Floats
    error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How good forecasts are. Lower is better for brier and log_score, higher for auc.

    Attributes
    ----------
    brier : float
        Mean of (forecast - outcome)^2.
    log_score : float
        Mean of -log of the chance given to what happened.
    auc : float
        Chance that a case that came true was ranked above one that did not; ties count half. NaN if all cases
        ended alike.
    """

    brier: float
    log_score: float
    auc: float


def calibration(
    forecast: ArrayLike,
    outcome: ArrayLike,
    weight: ArrayLike,
    bins: int = 10,
    confidence_level: float = check.CONFIDENCE_LEVEL,
) -> Calibration:
    """Of cases that got a chance of p, did a share p come true?

    Parameters
    ----------
    forecast : array_like of shape (N,)
        Chances between 0 and 1.
    outcome : array_like of shape (N,)
        0 or 1.
    weight : array_like of shape (N,)
        >= 0; rows of weight 0 say nothing.
    bins : int
        Bins of equal weight, >= 1; equal forecasts always share a bin, so there may be fewer.
    confidence_level : float
        Of Wilson's interval on the effective number of cases.

    Returns
    -------
    Calibration

    Raises
    ------
    ParameterError
        Shapes differ, a forecast is no chance, an outcome neither 0 nor 1, a weight below 0, or no case left.

    Notes
    -----
    Checked against hand counts: ``tests/stats/test_calibration.py``.

    Examples
    --------
    >>> found = calibration([0.2] * 5 + [0.8] * 5, [0, 0, 0, 0, 1, 1, 1, 1, 1, 0], [1] * 10, bins=2)
    >>> found.observed.tolist(), round(found.error, 6)
    ([0.2, 0.8], 0.0)
    """
    p, y, w = _checked(forecast, outcome, weight)
    check.number("bins", bins, ge=1)
    _values, place = np.unique(p, return_inverse=True)
    mass = np.bincount(place, weights=w)
    middle = (np.cumsum(mass) - mass / 2) / mass.sum()
    which = np.minimum((middle * bins).astype(np.int64), bins - 1)[place]
    _, which = np.unique(which, return_inverse=True)
    total = np.bincount(which, weights=w)
    mean = np.bincount(which, weights=w * p) / total
    observed = np.bincount(which, weights=w * y) / total
    effective = total**2 / np.bincount(which, weights=w**2)
    lower, upper = wilson(np.clip(observed, 0, 1) * effective, effective, confidence_level)
    return Calibration(
        forecast=mean,
        observed=observed,
        ci_lower=lower,
        ci_upper=upper,
        n=effective,
        error=float((total * np.abs(observed - mean)).sum() / total.sum()),
    )


def score(forecast: ArrayLike, outcome: ArrayLike, weight: ArrayLike) -> Score:
    """How good are these chances? Parameters and errors as for :func:`calibration`.

    Examples
    --------
    >>> round(score([0.5, 0.5], [0, 1], [1, 1]).brier, 2)
    0.25
    """
    p, y, w = _checked(forecast, outcome, weight)
    w = w / w.sum()
    return Score(
        brier=float((w * (p - y) ** 2).sum()), log_score=float((w * _log_loss(p, y)).sum()), auc=auc(p, y, w)
    )


def gain(
    forecast: ArrayLike,
    base: ArrayLike,
    outcome: ArrayLike,
    weight: ArrayLike,
    confidence_level: float = check.CONFIDENCE_LEVEL,
) -> tuple[float, float, float]:
    """By how much are forecasts better than others, and how sure is that?

    Returns
    -------
    (float, float, float)
        Mean gain in log score over `base` (positive: better), and its two-sided bounds.

    Notes
    -----
    Paired: the mean of the differences case by case with its normal interval, so what makes all cases hard
    does not count. Parameters and errors as for :func:`calibration`.
    """
    p, y, w = _checked(forecast, outcome, weight)
    q, _, _ = _checked(base, outcome, weight)
    difference = _log_loss(q, y) - _log_loss(p, y)
    share = w / w.sum()
    mean = float((share * difference).sum())
    error = float(np.sqrt((share**2 * (difference - mean) ** 2).sum()))
    half = normal_quantile(confidence_level) * error
    return mean, mean - half, mean + half


def auc(rank: ArrayLike, outcome: ArrayLike, weight: ArrayLike) -> float:
    """How well does a ranking put what came true above what did not? Ties count half; NaN if all ended alike.

    Examples
    --------
    >>> auc([3, 2, 1], [1, 0, 0], [1, 1, 1])
    1.0
    """
    r, y, w = np.asarray(rank, dtype=float), np.asarray(outcome, dtype=float), np.asarray(weight, dtype=float)
    _, place = np.unique(r, return_inverse=True)
    won = np.bincount(place, weights=w * y)
    lost = np.bincount(place, weights=w * (1 - y))
    pairs = won.sum() * lost.sum()
    below = np.cumsum(lost) - lost
    return float((won * (below + lost / 2)).sum() / pairs) if pairs > 0 else float("nan")


def _log_loss(p: Floats, y: Floats) -> Floats:
    clipped = np.clip(p, 1e-12, 1 - 1e-12)
    return -(y * np.log(clipped) + (1 - y) * np.log1p(-clipped))


def _checked(forecast: ArrayLike, outcome: ArrayLike, weight: ArrayLike) -> tuple[Floats, Floats, Floats]:
    p, y, w = (np.asarray(one, dtype=float) for one in (forecast, outcome, weight))
    if not p.shape == y.shape == w.shape or p.ndim != 1:
        raise ParameterError(
            f"forecast {p.shape}, outcome {y.shape}, weight {w.shape}", expected="three rows of one length"
        )
    if not ((p >= 0) & (p <= 1)).all():
        raise ParameterError("a forecast is no chance", expected="numbers from 0 to 1")
    if not np.isin(y, (0, 1)).all():
        raise ParameterError("an outcome is neither 0 nor 1", expected="0 or 1")
    if not (np.isfinite(w) & (w >= 0)).all() or not w.sum() > 0:
        raise ParameterError("the weights", expected="finite numbers >= 0, at least one above 0")
    keep = w > 0
    return p[keep], y[keep], w[keep]
