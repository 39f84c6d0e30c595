"""How unusual is it that a deal of this age is still open? Tail probabilities from a stage's curve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from funnelnb.analysis.pace import Pace

Floats = NDArray[np.float64]

PRIOR_N = 50.0
"""A group's curve counts by its ended deals, that of all groups by this many."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ordinary:
    """How long ordinary deals stay: the share still there by age, in days.

    Attributes
    ----------
    known : Pace
    ended_n : int
        Deals that ended: the weight of the curve.
    never_rate : float
        Share that never ends, where the data show a plateau; else 0. Ordinary deals are the others.
    """

    known: Pace
    ended_n: int
    never_rate: float

    def still(self, age: ArrayLike, spare_n: float = 1.0) -> Floats:
        """Return the share of ordinary deals that stay longer than each age.

        `spare_n` more ordinary deals than were seen are taken to stay for ever: one, so that no age is
        impossible; none where deals are to be counted rather than judged. Beyond the longest age observed the
        curve stays where it is.
        """
        ages = np.asarray(age, dtype=float)
        row = np.searchsorted(self.known.time, ages, side="right") - 1
        there = (self.known.still[row] - self.never_rate) / (1 - self.never_rate)
        seen: Floats = (self.ended_n * np.clip(there, 0.0, 1.0) + spare_n) / (self.ended_n + spare_n)
        return seen


def shrunk(own: Ordinary | None, whole: Ordinary, age: ArrayLike, spare_n: float = 1.0) -> Floats:
    """Return the share of ordinary deals of a group that stay longer, pulled to the whole when few ended."""
    common = whole.still(age, spare_n)
    if own is None or not own.ended_n:
        return common
    mixed: Floats = (own.ended_n * own.still(age, spare_n) + PRIOR_N * common) / (own.ended_n + PRIOR_N)
    return mixed


def p_values(age: ArrayLike, entered: ArrayLike, still: ArrayLike) -> Floats:
    """How often would an ordinary deal that is open today be at least so old?

    Parameters
    ----------
    age : array_like of shape (D,)
        Days that the open deals have been there.
    entered : array_like of shape (E,)
        Days since each deal entered the stage, all that ever did, ended or not.
    still : array_like of shape (E,)
        Share of ordinary deals that stay longer than `entered`.

    Returns
    -------
    ndarray of float64, shape (D,)

    Notes
    -----
    A deal that entered ``e`` days ago is open today with probability S(e) if it is ordinary. Among ordinary
    deals that are open today the share aged ``a`` or more is therefore ``sum of S(e) over e >= a`` divided by
    ``sum of S(e)``. The plain tail S(a) is not that: slow deals are over-represented among the open ones.

    Examples
    --------
    >>> p_values([0, 20], entered=[0, 10, 20, 30], still=[1.0, 0.5, 0.25, 0.25]).tolist()
    [1.0, 0.25]
    """
    ages, days = np.asarray(age, dtype=float), np.asarray(entered, dtype=float)
    order = np.argsort(days)
    open_n = np.asarray(still, dtype=float)[order]
    beyond = np.append(np.cumsum(open_n[::-1])[::-1], 0.0)
    total = beyond[0]
    tail = beyond[np.searchsorted(days[order], ages, side="left")]
    return tail / total if total > 0 else np.full(ages.shape, np.nan)
