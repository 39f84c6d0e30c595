"""How much busier, or luckier, will the coming months be than history on average? Level, drift, season and shocks."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

SHOCKS: Floats = np.array([0.0, 0.06, 0.12, 0.2, 0.35, 0.6])
DRIFTS: Floats = np.array([0.0, 0.02, 0.06, 0.18])
SEASONS: Floats = np.array([0.0, 0.2])
QUARTERS: Floats = np.array([0.0, 0.25])
SLOPES: Floats = np.array([0.0, 0.02])
SHOCK_PRIOR: Floats = np.array([[0.6, 0.24, 0.1, 0.04, 0.015, 0.005], [0.35, 0.2, 0.17, 0.13, 0.1, 0.05]])
DRIFT_PRIOR: Floats = np.array([[0.7, 0.22, 0.07, 0.01], [0.4, 0.3, 0.2, 0.1]])
SLOPE_PRIOR: Floats = np.array([[0.7, 0.3], [0.5, 0.5]])
SEASON_PRIOR: Floats = np.array([0.8, 0.2])
"""What is held likely before any month is seen, where many months can contradict it and where hardly any can."""
MANY_MONTHS = 12
LEVEL_SD = 2.0
SEASON_MONTHS = 18
"""With fewer months no season can be told from a drift."""
MOST_LOG = 2.0
"""A coming month is at most e^2 times as busy as history on average, or as little of it."""
QUARTER_MONTHS = 4
"""The same for what repeats with every quarter (quotas end, so deals close)."""
YEAR, QUARTER = 12.0, 3.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Months:
    """What the past months say of the coming ones.

    Attributes
    ----------
    factor : ndarray of float64, shape (draws, H)
        Draws of the multiplier of each coming month, shock included.
    shock_sd, drift_sd : float
        Typical month-to-month shock and drift (posterior means, of the log).
    season, quarter : float
        Probability that there is a season of the year, and one of the quarter.
    months_n : int
        Past months with something to learn from.
    """

    factor: Floats
    shock_sd: float
    drift_sd: float
    season: float
    quarter: float
    months_n: int


def coming_months(
    count: ArrayLike,
    expected: ArrayLike,
    ahead: int,
    draws: int,
    rng: np.random.Generator,
) -> Months:
    """By which factors will the coming months differ from what is expected of them?

    Parameters
    ----------
    count, expected : array_like of shape (M,)
        What came in each past month, and what was expected by history on average; oldest first. Months in which less
        than half of one was expected say nothing.
    ahead : int
        Coming months, >= 1.
    draws : int
    rng : numpy.random.Generator

    Returns
    -------
    Months

    Notes
    -----
    The log ratio of each month is normal: a level, a random walk (drift), a steady slope, a yearly season of two
    harmonics, one of the quarter, and a shock of the month, plus the chance of counts (variance 1 / expected). The
    standard deviations are weighed on a grid by their likelihood times the prior, which is broader where
    months are few; the coming months are drawn from
    the mixture, so that what is not known of them widens the draws.

    References
    ----------
    Harvey (1989), *Forecasting, Structural Time Series Models and the Kalman Filter*, chapter 2.

    Checked against months of known law (coverage), and conditioning by hand: ``tests/stats/test_months.py``.
    """
    y, e = np.asarray(count, dtype=float), np.asarray(expected, dtype=float)
    m = y.size
    told = np.flatnonzero(e >= 0.5)
    mean = (y[told].sum() + 0.5) / (e[told].sum() + 0.5)
    grid, log_prior = _grid(told.size)
    kernel = _covariance(told.size >= SEASON_MONTHS, told.size >= QUARTER_MONTHS, m + ahead)
    chance = 1 / np.maximum(mean * e[told], 0.5)
    z = np.log((y[told] + 0.5) / (mean * e[told]))
    future = np.arange(m, m + ahead)
    seen = kernel[:, told[:, None], told[None, :]]
    seen = seen + (chance * np.eye(told.size))[None]
    cross = kernel[:, future[:, None], told[None, :]]
    own = kernel[:, future[:, None], future[None, :]]
    centre, root, log_fit = _conditioned(seen, cross, own, z)
    weight = np.exp(log_prior + log_fit - np.max(log_prior + log_fit))
    weight /= weight.sum()
    which = np.searchsorted(np.cumsum(weight), (np.arange(draws) + rng.random()) / draws)
    which = rng.permutation(np.minimum(which, weight.size - 1))
    noise = rng.standard_normal((draws, ahead))
    log = centre[which] + np.einsum("dij,dj->di", root[which], noise)
    return Months(
        factor=mean * np.exp(np.clip(log, -MOST_LOG, MOST_LOG)),
        shock_sd=float(weight @ grid[:, 0]),
        drift_sd=float(weight @ grid[:, 1]),
        season=float(weight @ (grid[:, 2] > 0)),
        quarter=float(weight @ (grid[:, 4] > 0)),
        months_n=int(told.size),
    )


def _grid(months: int) -> tuple[Floats, Floats]:
    """Return combinations of shock, drift, season and slope, and the log of their prior."""
    grid = _mesh(months >= SEASON_MONTHS, months >= QUARTER_MONTHS)
    few = max(0.0, 1 - months / MANY_MONTHS)
    shock, drift, slope = (
        one[0] * (1 - few) + one[1] * few for one in (SHOCK_PRIOR, DRIFT_PRIOR, SLOPE_PRIOR)
    )
    prior = shock[np.searchsorted(SHOCKS, grid[:, 0])] * drift[np.searchsorted(DRIFTS, grid[:, 1])]
    prior *= SEASON_PRIOR[(grid[:, 2] > 0).astype(int)] * slope[np.searchsorted(SLOPES, grid[:, 3])]
    return grid, np.log(prior)


def _mesh(season: bool, quarter: bool) -> Floats:
    """Return all combinations of shock, drift, season, slope and quarter that so many months can tell of."""
    seasons = SEASONS if season else SEASONS[:1]
    quarters = QUARTERS if quarter else QUARTERS[:1]
    mesh = np.meshgrid(SHOCKS, DRIFTS, seasons, SLOPES, quarters, indexing="ij")
    return np.stack([one.ravel() for one in mesh], axis=1)


@functools.lru_cache(maxsize=2)
def _covariance(season: bool, quarter: bool, months: int) -> Floats:
    """Return the covariances of so many months for each combination; parts of one book share them."""
    made = _kernel(_mesh(season, quarter), np.arange(months, dtype=float))
    made.flags.writeable = False
    return made


def _kernel(grid: Floats, place: Floats) -> Floats:
    """Return the covariance of the log ratios of all months, for each combination."""
    middle = place - place.mean()
    turn = 2 * np.pi * (place[:, None] - place[None, :]) / YEAR
    season = np.cos(turn) + 0.5 * np.cos(2 * turn)
    walk = np.minimum(place[:, None], place[None, :])
    quarter = np.cos(2 * np.pi * (place[:, None] - place[None, :]) / QUARTER)
    parts = np.stack([np.eye(place.size), walk, season, np.outer(middle, middle), quarter])
    made: Floats = LEVEL_SD**2 + np.tensordot(grid**2, parts, axes=1)
    return made


def _conditioned(seen: Floats, cross: Floats, own: Floats, z: Floats) -> tuple[Floats, Floats, Floats]:
    """Return mean and root of the covariance of the coming months given the past ones, and the log likelihood of these.

    One Cholesky factor of past and coming months together holds it all: its lower left is the load, its lower right
    the root of what is left unsure.
    """
    n, ahead = z.size, own.shape[1]
    jitter = 1e-10 * np.eye(ahead)
    if not n:
        alone = np.asarray(np.linalg.cholesky(own - LEVEL_SD**2 + 0.25 + jitter), dtype=np.float64)
        return np.zeros((len(own), ahead)), alone, np.zeros(len(own))
    joint = np.empty((len(seen), n + ahead, n + ahead))
    joint[:, :n, :n], joint[:, n:, :n], joint[:, n:, n:] = seen, cross, own + jitter
    root = np.asarray(np.linalg.cholesky(joint), dtype=np.float64)  # looks at the lower half alone
    white = np.zeros((len(seen), n))
    for i in range(n):
        white[:, i] = (z[i] - (root[:, i, :i] * white[:, :i]).sum(axis=1)) / root[:, i, i]
    centre = np.einsum("ghm,gm->gh", root[:, n:, :n], white)
    each = np.diagonal(root, axis1=1, axis2=2)[:, :n]
    log = -0.5 * (white**2).sum(axis=1) - np.log(each).sum(axis=1)
    return centre, root[:, n:, n:], log
