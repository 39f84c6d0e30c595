"""Which chance does each case have, by its attributes, when few cases speak for each? Penalised logistic model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from funnelnb.core.errors import ParameterError

Floats = NDArray[np.float64]
_ROUNDS, _STEPS = 100, 50
LEAST_VARIANCE, MOST_VARIANCE = 4e-4, 25.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Logistic:
    """A fitted model. P columns in G blocks.

    Attributes
    ----------
    intercept : float
        Log odds of a case with all columns 0.
    coefficient : ndarray of float64, shape (P,)
    block : ndarray of int64, shape (P,)
        Block of each column.
    variance : ndarray of float64, shape (G,)
        How far the coefficients of each block spread, as fitted: near 0 means that the attribute says nothing.
    n : float
        Sum of the weights.
    converged : bool
    """

    intercept: float
    coefficient: Floats
    block: NDArray[np.int64]
    variance: Floats
    n: float
    converged: bool

    def log_odds(self, columns: ArrayLike) -> Floats:
        """Return the log odds of cases, shape (N,), from their columns, shape (N, P)."""
        return self.intercept + np.asarray(columns, dtype=float) @ self.coefficient

    def rate(self, columns: ArrayLike) -> Floats:
        """Return the chance of cases, shape (N,), strictly between 0 and 1."""
        return 1 / (1 + np.exp(-np.clip(self.log_odds(columns), -35, 35)))


def logistic(columns: ArrayLike, outcome: ArrayLike, weight: ArrayLike, block: ArrayLike) -> Logistic:
    """Which chance goes with which attributes? (Logistic regression with one fitted penalty per block.)

    Parameters
    ----------
    columns : array_like of shape (N, P)
        Finite numbers; the levels of a category as 0/1 columns, all of them, none left out.
    outcome : array_like of shape (N,)
        0 or 1.
    weight : array_like of shape (N,)
        Cases behind each row, >= 0; inverse chances of being observed where some are censored.
    block : array_like of int, shape (P,)
        0 ... G-1: columns of one attribute share a penalty.

    Returns
    -------
    Logistic

    Raises
    ------
    ParameterError
        Shapes that do not fit, a number that is not finite, an outcome that is neither 0 nor 1, a weight
        below 0, or no weight at all.

    Notes
    -----
    The coefficients of block g are taken as draws from a normal distribution with mean 0 and variance v_g;
    given v they maximise ``sum w (y eta - log(1 + exp(eta))) - sum_g |b_g|^2 / (2 v_g)`` (Newton's method
    with halving; the intercept is free). The variances are those at which they agree with what they cause,
    ``v_g = (|b_g|^2 + trace of the block of the inverse Hessian) / p_g``: the empirical Bayes fixed point of
    MacKay. Levels with few cases are pulled to the mean as far as their number demands, and an attribute
    without effect is pulled to nothing. Neither depends on the order of rows or columns.

    References
    ----------
    MacKay (1992), doi:10.1162/neco.1992.4.3.415.

    Checked against R's ``glm`` where the penalty vanishes, a direct search of the same objective, and
    simulated levels with known spread: ``tests/stats/test_logistic.py``.

    Examples
    --------
    >>> columns = [[1, 0], [0, 1]]
    >>> model = logistic(columns * 2, [1, 1, 0, 0], [80, 20, 20, 80], block=[0, 0])
    >>> model.rate(columns).round(2).tolist()
    [0.8, 0.2]
    """
    x, y, w, g = _checked(columns, outcome, weight, block)
    groups = int(g.max()) + 1 if g.size else 0
    beta = np.zeros(x.shape[1] + 1)
    beta[0] = _base_log_odds(y, w)
    design = np.column_stack([np.ones(len(y)), x])
    variance, settled = np.ones(groups), False
    sizes = np.bincount(g, minlength=groups)
    for _ in range(_ROUNDS):
        beta, inverse = _newton(design, y, w, beta, variance[g], steps=1)
        spread = np.bincount(g, weights=beta[1:] ** 2 + np.diag(inverse)[1:], minlength=groups)
        fitted = np.clip(spread / sizes, LEAST_VARIANCE, MOST_VARIANCE)
        settled = bool(np.allclose(np.log(fitted), np.log(variance), atol=0.01)) if groups else True
        variance = _ahead(variance, fitted)
        if settled:
            break
    beta, _ = _newton(design, y, w, beta, variance[g])
    return Logistic(
        intercept=float(beta[0]),
        coefficient=beta[1:],
        block=g,
        variance=variance,
        n=float(w.sum()),
        converged=settled,
    )


def _ahead(variance: Floats, fitted: Floats) -> Floats:
    """Go twice as far as the fixed-point step: it creeps where a variance goes to 0."""
    step = np.log(fitted) - np.log(variance)
    return np.exp(np.clip(np.log(variance) + 1.6 * step, np.log(LEAST_VARIANCE), np.log(MOST_VARIANCE)))


def _checked(
    columns: ArrayLike, outcome: ArrayLike, weight: ArrayLike, block: ArrayLike
) -> tuple[Floats, Floats, Floats, NDArray[np.int64]]:
    x = np.asarray(columns, dtype=float)
    y, w = np.asarray(outcome, dtype=float), np.asarray(weight, dtype=float)
    g = np.asarray(block, dtype=np.int64)
    if x.ndim != 2 or y.shape != (len(x),) or w.shape != (len(x),) or g.shape != (x.shape[1],):
        raise ParameterError(
            f"columns of shape {x.shape}, outcome {y.shape}, weight {w.shape}, block {g.shape}",
            expected="(N, P), (N,), (N,) and (P,)",
        )
    if not np.isfinite(x).all():
        raise ParameterError("a column holds a value that is not finite", expected="finite numbers")
    if not np.isin(y, (0, 1)).all():
        raise ParameterError("an outcome is neither 0 nor 1", expected="0 or 1")
    if not (np.isfinite(w) & (w >= 0)).all() or not w.sum() > 0:
        raise ParameterError("the weights", expected="finite numbers >= 0, at least one above 0")
    return x, y, w, g


def _base_log_odds(y: Floats, w: Floats) -> float:
    share = np.clip((w * y).sum() / w.sum(), 1e-6, 1 - 1e-6)
    return float(np.log(share / (1 - share)))


def _newton(
    design: Floats, y: Floats, w: Floats, beta: Floats, variance: Floats, steps: int = _STEPS
) -> tuple[Floats, Floats]:
    """Go up to `steps` steps to the maximum of the penalised likelihood; return it and the inverse curvature."""
    penalty = np.concatenate(([1e-8], 1 / variance))
    height = _height(design, y, w, beta, penalty)
    for _ in range(steps):
        rate = 1 / (1 + np.exp(-np.clip(design @ beta, -35, 35)))
        slope = design.T @ (w * (y - rate)) - penalty * beta
        inverse: Floats = np.linalg.inv(_curvature(design, w, rate, penalty)).astype(np.float64)
        step = inverse @ slope
        scale = 1.0
        while scale > 1e-8:
            tried = beta + scale * step
            reached = _height(design, y, w, tried, penalty)
            if reached >= height - 1e-12 * abs(height):
                break
            scale /= 2
        beta, height = tried, reached
        if np.abs(scale * step).max() < 1e-9:
            break
    return beta, inverse


def _curvature(design: Floats, w: Floats, rate: Floats, penalty: Floats) -> Floats:
    made: Floats = (design * (w * rate * (1 - rate))[:, None]).T @ design
    return made + np.diag(penalty)


def _height(design: Floats, y: Floats, w: Floats, beta: Floats, penalty: Floats) -> float:
    eta = design @ beta
    return float((w * (y * eta - np.logaddexp(0, eta))).sum() - 0.5 * (penalty * beta**2).sum())
