"""Of which size is a deal? Distributions of one amount, as a mixture of points and even stretches.

A history is a mixture of points (one per deal), a band of which only the bounds are known an even stretch, a
deal that may be lost a mixture with 0. Everything that is summed up in ``stats.compound`` is one of these.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from funnelnb.core import check
from funnelnb.core.errors import ParameterError

Floats = NDArray[np.float64]

SHARES_TOLERANCE = 1e-6
"""Shares that should add to 1 may miss it by this much."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Size:
    """Distribution of one amount: with chance ``weight[k]`` evenly between ``lower[k]`` and ``upper[k]``.

    Attributes
    ----------
    lower, upper : ndarray of float64, shape (K,)
        ``0 <= lower <= upper``; equal for a point.
    weight : ndarray of float64, shape (K,)
        Adds to 1.
    """

    lower: Floats
    upper: Floats
    weight: Floats

    @property
    def mean(self) -> float:
        """Mean amount."""
        return float(np.sum(self.weight * (self.lower + self.upper)) / 2)

    @property
    def variance(self) -> float:
        """Variance of the amount."""
        square = (self.lower**2 + self.lower * self.upper + self.upper**2) / 3
        return max(float(np.sum(self.weight * square)) - self.mean**2, 0.0)

    def with_chance(self, chance: float) -> Size:
        """Return the amount of a deal that brings this size with `chance`, and nothing otherwise."""
        rate = check.number("chance", chance, ge=0, le=1)
        return mixture([1 - rate, rate], [points([0.0]), self])

    def scaled(self, factor: float) -> Size:
        """Return the distribution of the amount times `factor`."""
        by = check.number("factor", factor, gt=0)
        return Size(lower=self.lower * by, upper=self.upper * by, weight=self.weight)


def points(amount: ArrayLike, weight: ArrayLike | None = None) -> Size:
    """Which size has a deal that is like one of these, as a history of closed deals?

    Parameters
    ----------
    amount : array_like of shape (K,)
        Amounts, >= 0.
    weight : array_like of shape (K,), optional
        How often each occurs, >= 0; default once each.

    Returns
    -------
    Size

    Raises
    ------
    ParameterError
        There is no amount, or one is negative or not finite, or all weights are 0.

    Examples
    --------
    >>> points([5, 20], weight=[3, 1]).mean
    8.75
    """
    amounts = np.atleast_1d(np.asarray(amount, dtype=float))
    weights = np.ones(amounts.shape) if weight is None else np.atleast_1d(np.asarray(weight, dtype=float))
    if not amounts.size:
        raise ParameterError("there is no amount to learn from", expected="at least one amount")
    for name, values in (("amount", amounts), ("weight", weights)):
        wrong = ~((values >= 0) & (values < np.inf))
        if wrong.any():
            raise ParameterError(f"{name} = {values[wrong][0]}", expected="finite numbers >= 0")
    if weights.shape != amounts.shape or not weights.sum() > 0:
        raise ParameterError("weights do not fit the amounts", expected="one weight per amount, not all 0")
    distinct, inverse = np.unique(amounts, return_inverse=True)
    mass = np.bincount(inverse, weights=weights)
    return Size(lower=distinct, upper=distinct, weight=mass / mass.sum())


def between(lower: float, upper: float, mean: float | None = None) -> Size:
    """Which size has a deal of which only the bounds, and perhaps the average, are known?

    Parameters
    ----------
    lower, upper : float
        Bounds, ``0 <= lower < upper``.
    mean : float, optional
        Average, between the bounds; None is their middle.

    Returns
    -------
    Size
        Even between the bounds; with another mean, even below and even above it, so that it is met.

    Raises
    ------
    ParameterError
        The bounds are out of order or the mean does not lie between them.

    Examples
    --------
    >>> between(10, 30).mean, between(10, 30, mean=15).mean
    (20.0, 15.0)
    """
    low = check.number("lower", lower, ge=0, lt=float("inf"))
    high = check.number("upper", upper, gt=low, lt=float("inf"))
    if mean is None:
        return Size(lower=np.array([low]), upper=np.array([high]), weight=np.ones(1))
    middle = check.number("mean", mean, ge=low, le=high)
    share = (high - middle) / (high - low)
    return Size(
        lower=np.array([low, middle]), upper=np.array([middle, high]), weight=np.array([share, 1 - share])
    )


def mixture(share: ArrayLike, sizes: list[Size]) -> Size:
    """Which size has a deal that is of the first kind with chance ``share[0]``, of the second with the next?

    Parameters
    ----------
    share : array_like of shape (B,)
        Chances, >= 0; must add to 1.
    sizes : list of Size, length B

    Returns
    -------
    Size

    Raises
    ------
    ParameterError
        The shares do not add to 1, or one is negative.
    """
    shares = shares_of(share)
    if shares.size != len(sizes):
        raise ParameterError(f"{shares.size} shares for {len(sizes)} sizes", expected="one share per size")
    kept = [(part, size) for part, size in zip(shares, sizes, strict=True) if part > 0]
    return Size(
        lower=np.concatenate([size.lower for _, size in kept]),
        upper=np.concatenate([size.upper for _, size in kept]),
        weight=np.concatenate([part * size.weight for part, size in kept]),
    )


def shares_of(share: ArrayLike) -> Floats:
    """Return shares as an array that adds to 1 exactly.

    Raises
    ------
    ParameterError
        A share is negative, or they do not add to 1.
    """
    shares = np.atleast_1d(np.asarray(share, dtype=float))
    if not np.all((shares >= 0) & (shares <= 1 + SHARES_TOLERANCE)):
        raise ParameterError(f"shares = {shares.tolist()}", expected="shares between 0 and 1")
    total = float(shares.sum())
    if abs(total - 1) > SHARES_TOLERANCE:
        raise ParameterError(
            f"the shares add to {total:.6g}",
            expected="shares that add to 1",
            hint="give counts instead, or divide each share by their sum",
        )
    return shares / total
