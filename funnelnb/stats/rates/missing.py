"""What can be said of a step for certain when it is not known where some deals were lost? Bounds."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


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
