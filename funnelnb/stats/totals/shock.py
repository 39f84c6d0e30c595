"""How far do win chances rise and fall together, from month to month, when few months tell of it?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from funnelnb.core import check

Floats = NDArray[np.float64]

PRIOR_SCALE, PRIOR_DF = 0.3, 4.0
"""Half-t prior of the spread: half of all sales floors swing by less than about 0.22, one in twenty by over 0.8."""
MEASURED_MONTHS = 12
"""With fewer closed months the spread rests on the prior as much as on the data."""
SPREADS: Floats = np.concatenate([np.linspace(0.0, 2.0, 401), np.geomspace(2.0, 8.0, 61)[1:]])
"""Spreads weighed: close where data can tell them apart, then wider, as far as the tail of the prior counts."""
_WIDTHS: Floats = np.gradient(SPREADS) * np.where(SPREADS > 0, 1.0, 0.5)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shock:
    """Common rises and falls of the log odds of all win chances.

    Attributes
    ----------
    levels : ndarray of float64, shape (L,)
        Equally likely common shifts of the log odds, rising, symmetric about 0.
    spread : float
        Typical shift (median of the standard deviation, given the data).
    months_n : int
        Months that told of it.
    """

    levels: Floats
    spread: float
    months_n: int


def shock(won: ArrayLike, closed: ArrayLike, levels: int = 31) -> Shock:
    """Which common shifts of win chances are to be expected, given the wins of past months?

    Parameters
    ----------
    won, closed : array_like of shape (M,)
        Deals won, and closed, in each month; months without any closed deal are left out.
    levels : int
        Equally likely shifts wanted, odd.

    Returns
    -------
    Shock

    Notes
    -----
    Log odds of each month, ``log((k + 1/2) / (n - k + 1/2))`` with variance ``1 / (n p (1 - p))``, are normal about
    one mean with a standard deviation s beyond that. The weight of s is its likelihood (mean integrated out) times a
    half-t prior (4 degrees of freedom, scale 0.3). The shift of a coming month is normal with s^2 plus the variance of
    the mean, mixed over s: its tails are heavier than normal as long as s is not known well.
    Without any month it is the prior alone.

    References
    ----------
    Gelman (2006), doi:10.1214/06-BA117A (half-t priors for spreads).

    Checked against months that differ by chance alone, months of known spread, and the prior integrated by quadrature
    (``tests/truth/test_shock.py``).

    Examples
    --------
    >>> alike = shock([30] * 24, [100] * 24)
    >>> wild = shock([10, 50] * 12, [100] * 24)
    >>> print(f"{alike.spread:.3f} {wild.spread:.3f} {shock([], []).spread:.3f}")
    0.030 1.025 0.220
    """
    k, n = np.asarray(won, dtype=float), np.asarray(closed, dtype=float)
    k, n = k[n > 0], n[n > 0]
    wanted = int(check.number("levels", levels, ge=1))
    s = SPREADS
    log_weight = np.log(_WIDTHS) - (PRIOR_DF + 1) / 2 * np.log1p((s / PRIOR_SCALE) ** 2 / PRIOR_DF)
    of_mean = np.zeros_like(s)
    if k.size:
        y, v = np.log((k + 0.5) / (n - k + 0.5)), _by_chance(k, n)
        precision = 1 / (v + s[:, None] ** 2)
        of_mean = 1 / precision.sum(axis=1)
        middle = (precision * y).sum(axis=1) * of_mean
        fit = 0.5 * np.log(precision).sum(axis=1) + 0.5 * np.log(of_mean)
        log_weight = log_weight + fit - 0.5 * (precision * (y - middle[:, None]) ** 2).sum(axis=1)
    weight = np.exp(log_weight - log_weight.max())
    weight /= weight.sum()
    median = float(s[np.searchsorted(np.cumsum(weight), 0.5)])
    total = np.sqrt(s**2 + np.minimum(of_mean, 1.0))
    return Shock(levels=_levels(total, weight, wanted), spread=median, months_n=int(k.size))


def _by_chance(k: Floats, n: Floats) -> Floats:
    """Return the variance of the log odds of each month if all had one chance; own counts would favour calm months."""
    rate = (k.sum() + 0.5) / (n.sum() + 1)
    return 1 / (n * rate * (1 - rate))


def _levels(sd: Floats, weight: Floats, count: int) -> Floats:
    """Return the middles of `count` equally likely parts of a mixture of normals about 0."""
    from scipy.special import ndtr

    x = np.linspace(0.0, 8.0, 4001)
    upper = (np.arange(count // 2) + 0.5 + (count + 1) // 2) / count

    def below(at: NDArray[np.intp]) -> Floats:
        part: Floats = (weight * ndtr(x[at][:, None] / np.maximum(sd, 1e-9))).sum(axis=1)
        return part

    # Halving on the lattice: the mixture is only worked out beside the levels, not at all 4,001 places.
    low, high = np.zeros(upper.size, np.intp), np.full(upper.size, x.size - 1)
    while (high - low > 1).any():
        middle = (low + high) // 2
        over = below(middle) > upper
        low, high = np.where(over, low, middle), np.where(over, middle, high)
    places = np.unique(np.concatenate([[0], low, high]))
    right = np.interp(upper, below(places), x[places])
    return np.concatenate([-right[::-1], np.zeros(count % 2), right])
