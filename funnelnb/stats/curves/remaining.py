"""How long will it still take, given that a deal has sat in its stage for so long already?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from funnelnb.core import check
from funnelnb.core.errors import ParameterError

if TYPE_CHECKING:
    from funnelnb.stats.curves.incidence import Incidence


Floats = NDArray[np.float64]
UNRESOLVED = 0.05
"""A curve that ends with at most this share open is read beyond its end, where it stays as it is."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Remaining:
    """What happens within h more steps to a deal still in its stage at some age. A ages, H steps.

    Attributes
    ----------
    won_rate, lost_rate : ndarray of float64, shape (A, H + 1)
        Won, and lost, within 0, 1, ..., H steps from now; NaN beyond `known`.
    open_rate : ndarray of float64, shape (A, H + 1)
        Neither; the three add to 1.
    known : ndarray of float64, shape (A,)
        How many steps ahead the data can see; NaN where nobody was ever watched at that age.
    """

    won_rate: Floats
    lost_rate: Floats
    open_rate: Floats
    known: Floats

    def median(self) -> Floats:
        """Return the steps after which half of such deals are decided, shape (A,); NaN where not seen."""
        decided = self.open_rate <= 0.5 + 1e-12
        return np.where(decided.any(axis=1), decided.argmax(axis=1).astype(float), np.nan)

    def median_won(self) -> Floats:
        """Return the steps after which half of the wins that the data can see ahead are won, shape (A,).

        NaN where no win is seen.
        """
        most = np.nan_to_num(self.won_rate).max(axis=1, keepdims=True)
        half = np.nan_to_num(self.won_rate) >= most / 2 - 1e-12
        return np.where(most[:, 0] > 1e-12, half.argmax(axis=1).astype(float), np.nan)


def remaining(
    step: Incidence, onward: Incidence | None, age: ArrayLike, steps: int, unit: float = 1.0
) -> Remaining:
    """Given stage and age, by when is a deal won or lost?

    Parameters
    ----------
    step : Incidence
        From reaching the stage to the next one (first cause) or the loss (second cause).
    onward : Incidence or None
        From reaching the next stage to won (first cause) or lost (second); None when the next stage is won.
    age : array_like of shape (A,)
        Time in the stage, >= 0, in the unit of the curves; NaN gives NaN.
    steps : int
        How many steps to look ahead, H >= 1.
    unit : float
        Length of one step, > 0, in the unit of the curves (86 400 for days of curves in seconds).

    Returns
    -------
    Remaining

    Raises
    ------
    ParameterError
        `steps` or `unit` is not positive, an age is negative, or a curve has not exactly two causes.

    Notes
    -----
    With F1 (on to the next stage) and F2 (lost) of `step` and S = 1 - F1 - F2, a deal at age t goes on within
    u steps with probability ``(F1(t + u) - F1(t)) / S(t)``. Into a stage that is not the last, it then waits
    as a deal that has just reached the next stage: ``P(won by h) = sum over u of dF1(t + u) G(h - u) / S(t)``
    with G the incidence of winning from there. So the age counts in the stage where it was spent and nowhere
    else (semi-Markov). When the next stage is won this is ``(F(t + h) - F(t)) / (1 - F_won(t) - F_lost(t))``.
    A move within a step is dated to its end: exact where times are whole steps, else late by less than one.
    A curve that ends while at most :data:`UNRESOLVED` of those watched are open stays level after its end, so
    that one slow deal does not hide what is known of all others; chances beyond are then that much too low
    at most.

    References
    ----------
    Putter, Fiocco & Geskus (2007), doi:10.1002/sim.2712.

    Checked against raw shares of deals at risk where nothing is censored, enumeration of all paths and a
    memoryless floor in closed form: ``tests/stats/test_remaining.py``.

    Examples
    --------
    >>> from funnelnb.stats.curves.incidence import aalen_johansen
    >>> curve = aalen_johansen(time=[2, 4, 6, 8], outcome=[1, 2, 1, 1])
    >>> ahead = remaining(curve, None, age=[0, 2, 4], steps=4)
    >>> ahead.won_rate[:, 4].round(3).tolist(), ahead.median().tolist()
    ([0.25, 0.333, 1.0], [4.0, 4.0, 2.0])
    """
    ages = ages_of(step, onward, age, steps, unit)
    ahead = np.arange(steps + 1)
    known = known_steps(step, onward, ages, unit)
    asked = np.nan_to_num(ages)[:, None] + unit * ahead
    flat = step.at(np.minimum(asked, step.last_time if step.n else 0.0).ravel())
    rate = flat.rate.reshape(2, len(ages), steps + 1)
    still = flat.open_rate.reshape(len(ages), steps + 1)[:, :1]
    with np.errstate(invalid="ignore", divide="ignore"):
        on, lost = (rate - rate[:, :, :1]) / still
    won, lost = (on, lost) if onward is None else _then(on, lost, onward, steps, unit)
    unseen = ~(ahead <= known[:, None])
    won, lost = np.where(unseen, np.nan, won), np.where(unseen, np.nan, lost)
    return Remaining(won_rate=won, lost_rate=lost, open_rate=np.maximum(1 - won - lost, 0.0), known=known)


def ages_of(step: Incidence, onward: Incidence | None, age: ArrayLike, steps: int, unit: float) -> Floats:
    """Return the ages as an array, shape (A,), or raise ParameterError naming what cannot be."""
    ages = np.atleast_1d(np.asarray(age, dtype=float))
    check.number("steps", steps, ge=1)
    check.number("unit", unit, gt=0)
    if (ages < 0).any():
        raise ParameterError(f"age = {ages[ages < 0][0]:g}", expected="an age of 0 or more")
    for name, curve in (("step", step), ("onward", onward)):
        if curve is not None and curve.rate.shape[0] != 2:
            raise ParameterError(
                f"{name} has {curve.rate.shape[0]} causes", expected="two: going on, and being lost"
            )
    return ages


def known_steps(step: Incidence, onward: Incidence | None, ages: Floats, unit: float) -> Floats:
    """Return how many steps ahead the curves reach from each age; infinite where hardly anything is left open."""
    if not step.n:
        return np.full(ages.shape, np.nan)
    seen = np.floor((step.last_time - ages) / unit + 1e-9)
    still = step.at(np.minimum(np.nan_to_num(ages), step.last_time)).open_rate
    seen = np.where((seen >= 0) & (step.open_rate[-1] <= UNRESOLVED * still), np.inf, seen)
    if onward is not None:
        if not onward.n:
            seen = np.minimum(seen, 0.0)
        elif onward.open_rate[-1] > UNRESOLVED:
            seen = np.minimum(seen, np.floor(onward.last_time / unit + 1e-9))
    return np.where((seen >= 0) & (still > 1e-12) & ~np.isnan(ages), seen, np.nan)


def _then(on: Floats, lost: Floats, onward: Incidence, steps: int, unit: float) -> tuple[Floats, Floats]:
    """Carry what goes on through the curve from the next stage: one product with a triangular matrix."""
    times = np.minimum(unit * np.arange(steps + 1), onward.last_time if onward.n else 0.0)
    curve = onward.at(times).rate
    moved = np.diff(on, axis=1, prepend=0.0)
    won, later = (moved @ _shifted(one) for one in curve)
    return won, lost + later


def _shifted(curve: Floats) -> Floats:
    """Return a matrix whose row k is the curve begun k steps later, 0 before."""
    rows = sliding_window_view(np.concatenate([np.zeros(curve.size - 1), curve]), curve.size)[::-1]
    return np.ascontiguousarray(rows)
