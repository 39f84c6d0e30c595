"""Is a value known from the start of a deal, or does it come only with time or with the outcome?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

LEAST_N = 10
"""Deals that each side of a comparison needs."""
HALF = 0.5
"""A value that comes later is less than this times as frequent among deals that have just begun."""
SURE_Z = 3.3
GAP_MOST = 0.25
"""Most by which the share of deals with a value may differ between outcomes."""


def comes_with_time(has: ArrayLike, life: ArrayLike, is_open: ArrayLike) -> bool:
    """Is a value hardly ever seen in young deals, and often in those that live long?

    Parameters
    ----------
    has : array_like of bool, shape (N,)
        Deals with the value.
    life : array_like of float, shape (N,)
        How long each deal has been open up to now, or was until it closed. NaN: not known.
    is_open : array_like of bool, shape (N,)

    Returns
    -------
    bool

    Notes
    -----
    An attribute that is known at the start is as frequent among deals that have just begun as it ever was at the
    start; one that makes deals slow is rarer among those that close early, but not among the young open ones; one that
    went out of use is rare among the young ones, but not among those of former times that closed early. Only a value
    that is filled in later is rare in both. Young: among the shortest fifth of lives. Rare: less than half as
    frequent as among the longer half of lives, by more than 3.3 standard errors. The young open and the early closed
    deals are compared apart, where there are at least ten of each, and together.

    Checked against floors with attributes known at the start that make deals slower or went out of use, and with demos
    that only long-lived deals have (``tests/truth/test_afterwards.py``).

    Examples
    --------
    >>> life = np.arange(200.0)
    >>> comes_with_time(life > 80, life, np.arange(200) % 2 == 0), comes_with_time(life % 7 > 2, life, life > 150)
    (True, False)
    """
    value, age, still = np.asarray(has, bool), np.asarray(life, float), np.asarray(is_open, bool)
    known = np.isfinite(age)
    value, age, still = value[known], age[known], still[known]
    if age.size < 4 * LEAST_N:
        return False
    young, old = age <= np.quantile(age, 0.2), age > np.median(age)
    sides = [young & still, young & ~still]
    sides = [one for one in (*sides, young) if one.sum() >= LEAST_N]
    return bool(sides) and all(_rarer(value[one], value[old]) for one in sides)


def _rarer(young: NDArray[np.bool_], old: NDArray[np.bool_]) -> bool:
    if old.size < LEAST_N:
        return False
    share, usual = float(young.mean()), float(old.mean())
    together = (young.sum() + old.sum()) / (young.size + old.size)
    error = np.sqrt(together * (1 - together) * (1 / young.size + 1 / old.size))
    least_seen = usual - share > SURE_Z * error if young.size > 2 * LEAST_N else usual - share > 2 * error
    return share < HALF * usual and bool(least_seen)


def comes_with_outcome(has: ArrayLike, outcome: ArrayLike) -> bool:
    """Is a value there far more often for one outcome than for another?

    Parameters
    ----------
    has : array_like of bool, shape (N,)
    outcome : array_like of int, shape (N,)
        Any code; outcomes with fewer than ten deals are not looked at.

    Notes
    -----
    More than 25 points apart; or present for one outcome only and absent for the others beyond chance (at least five
    expected, none seen), such as a field that is filled in for half of the wins.

    Examples
    --------
    >>> comes_with_outcome([True, False] * 20 + [False] * 40, [1] * 40 + [2] * 40)
    True
    """
    value, code = np.asarray(has, bool), np.asarray(outcome)
    kinds: list[Any] = [one for one in np.unique(code).tolist() if (code == one).sum() >= LEAST_N]
    shares = [float(value[code == one].mean()) for one in kinds]
    if len(shares) < 2:
        return False
    sizes = [int((code == one).sum()) for one in kinds]
    absent = any(
        share == 0 and size * max(shares) >= 2 * LEAST_N for share, size in zip(shares, sizes, strict=True)
    )
    return max(shares) - min(shares) > GAP_MOST or absent
