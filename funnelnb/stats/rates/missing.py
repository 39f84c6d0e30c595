"""What do deals whose history is known say of all, when the history of others is missing? Weights and bounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

Floats = NDArray[np.float64]

LEAST_KNOWN = 5
"""A class with fewer known deals hands its unknown ones on to the next wider class."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Weights:
    """For how many deals does each known one stand?

    Attributes
    ----------
    weight : ndarray of float64, shape (D,)
        0 of the unknown ones; the sum is that of all deals but those left over.
    left : ndarray of bool, shape (D,)
        Unknown deals for which no known one can stand: none of their outcome is known.
    """

    weight: Floats
    left: NDArray[np.bool_]

    @property
    def needed(self) -> bool:
        """Whether any deal stands for another, or could not be stood for."""
        return bool(self.left.any() or (self.weight != 1.0).any())


def class_weights(known: ArrayLike, classes: Sequence[ArrayLike], least: int = LEAST_KNOWN) -> Weights:
    """For how many deals does each known one stand, within its class?

    Parameters
    ----------
    known : array_like of bool, shape (D,)
        Deals whose history is known.
    classes : sequence of array_like of int, each of shape (D,)
        What makes a class, the most important first (outcome), the first to be given up last.
    least : int
        Known deals that a class needs.

    Returns
    -------
    Weights

    Notes
    -----
    A known deal stands for ``1 + unknown / known`` of its class. The unknown deals of a class with fewer than `least`
    known ones are shared out over the class without its last part, and so on; within the first part any known deal
    will do. It is right if, within the classes, having a history does not depend on what the history would say.

    References
    ----------
    Little & Rubin (2019), *Statistical Analysis with Missing Data*, section 3.3 (weighting-class estimators).

    Checked against sums by hand, and floors whose histories go missing at random, by outcome, by region and by period
    (``tests/truth/test_missing.py``).

    Examples
    --------
    >>> class_weights([True, True, False, True, False], [[0, 0, 0, 1, 1]], least=1).weight.tolist()
    [1.5, 1.5, 0.0, 2.0, 0.0]
    """
    have = np.asarray(known, dtype=bool)
    codes = [np.asarray(one).astype(np.int64) for one in classes]
    weight, pending = have.astype(float), ~have
    for depth in range(len(codes), 0, -1):
        if not pending.any():
            break
        _, cell = np.unique(np.stack(codes[:depth]), axis=1, return_inverse=True)
        cell = cell.reshape(-1)
        size = int(cell.max()) + 1
        known_n = np.bincount(cell[have], minlength=size)
        open_n = np.bincount(cell[pending], minlength=size)
        enough = (known_n >= (least if depth > 1 else 1)) & (open_n > 0)
        more = np.divide(open_n, known_n, out=np.zeros(size), where=enough)
        weight += np.where(have, more[cell], 0.0)
        pending &= ~enough[cell]
    return Weights(weight=weight, left=pending)


def step_bounds(
    advanced: ArrayLike, reached: ArrayLike, unplaced: ArrayLike, *, last: bool | NDArray[np.bool_] = False
) -> tuple[Floats, Floats]:
    """Between which bounds does the share that goes on lie, whatever became of losses whose stage is not known?

    Parameters
    ----------
    advanced, reached : array_like of shape (...)
        Deals that went on, of those that reached the stage, among the deals whose stage is known.
    unplaced : array_like of shape (...)
        Lost deals of unknown stage.
    last : bool or array of bool
        Whether nothing lies between the step and the win: then no lost deal can have gone on.

    Returns
    -------
    lower, upper : ndarray of float64, shape (...)
        All of them lost here; all of them lost later (for the last step: earlier). NaN where nobody is known.

    Examples
    --------
    >>> lower, upper = step_bounds(60, 80, 20)
    >>> float(lower), float(upper)
    (0.6, 0.8)
    """
    gone, there, u = (np.asarray(one, dtype=float) for one in (advanced, reached, unplaced))
    with np.errstate(invalid="ignore", divide="ignore"):
        lower = gone / (there + u)
        upper = np.where(last, gone / there, (gone + u) / (there + u))
    none = there + u <= 0
    return np.where(none, np.nan, lower), np.where(none, np.nan, upper)
