"""How likely is each age of deal won within the coming days? Hazards by day, and draws of what they may truly be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Risk:
    """Events and deals under observation by age. U ages, in bins.

    Attributes
    ----------
    won, lost : ndarray of float64, shape (U,)
        Events of the two ways out at each age.
    at_risk : ndarray of float64, shape (U,)
        Deals under observation at that age, those that leave at it included.
    """

    won: Floats
    lost: Floats
    at_risk: Floats

    @property
    def n(self) -> float:
        """Events that were seen."""
        return float(self.won.sum() + self.lost.sum())


def risk(
    entry: ArrayLike, end: ArrayLike, way: ArrayLike, size: int, weight: ArrayLike | None = None
) -> Risk:
    """How many were under observation at each age, and how many left which way?

    Parameters
    ----------
    entry, end : array_like of int, shape (N,)
        Age (bin) from which a deal was under observation, and at which it left or was last seen; a deal whose
        `end` lies before its `entry` was never seen.
    way : array_like of int, shape (N,)
        0: still there; 1 and 2: the two ways out.
    size : int
        Ages kept; what is older stands in the last one.
    weight : array_like of shape (N,), optional
        Deals behind each row.

    Returns
    -------
    Risk

    Examples
    --------
    >>> found = risk([0, 0, 2], [1, 3, 3], [1, 0, 2], size=5)
    >>> found.at_risk.tolist(), found.won.tolist(), found.lost.tolist()
    ([2.0, 2.0, 2.0, 2.0, 0.0], [0.0, 1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0, 0.0])
    """
    first, last, code = (np.asarray(one, dtype=np.int64) for one in (entry, end, way))
    mass: Floats = np.ones(len(first)) if weight is None else np.asarray(weight, dtype=float)
    seen = last >= first
    first, last = np.minimum(first[seen], size - 1), np.minimum(last[seen], size - 1)
    code, mass = code[seen], mass[seen]
    there = np.bincount(first, weights=mass, minlength=size)[:size].cumsum()
    gone = np.bincount(last + 1, weights=mass, minlength=size + 1)[:size].cumsum()
    ways = np.bincount(code * size + last, weights=mass, minlength=3 * size)[: 3 * size].reshape(3, size)
    return Risk(won=ways[1], lost=ways[2], at_risk=np.maximum(there - gone, 0.0))


def drawn(found: Risk, draws: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return `draws` hazards of the two ways out by age, shape (draws, U); the first is the measured one.

    Notes
    -----
    The hazard of an age with d events among Y deals is Gamma(d, Y): the posterior of independent increments with a
    vague prior (a beta process). An age without an event has hazard 0 in every draw.
    """
    made: list[Floats] = []
    for events in (found.won, found.lost):
        hazard = np.zeros((draws, events.size))
        at = np.flatnonzero(events > 0)
        if at.size:
            hazard[:, at] = rng.gamma(events[at], 1.0, size=(draws, at.size)) / found.at_risk[at]
            hazard[0, at] = events[at] / found.at_risk[at]
        made.append(hazard)
    total = made[0] + made[1]
    shrink = np.where(total > 1, total, 1.0)
    return made[0] / shrink, made[1] / shrink


def curves(won: Floats, lost: Floats) -> tuple[Floats, Floats]:
    """Return the share still there after each age, and the share won at it, shape (draws, U)."""
    still = np.cumprod(np.clip(1 - won - lost, 0.0, 1.0), axis=1, dtype=np.float64)
    before: Floats = np.concatenate([np.ones((len(still), 1)), still[:, :-1]], axis=1)
    return still, before * won


def within(still: Floats, at: Floats, later: Floats | None, steps: int) -> Floats:
    """How likely is a deal of each age won within `steps` more ages?

    Parameters
    ----------
    still, at : ndarray of float64, shape (draws, U)
        Share still there after each age, share that goes on at it; see :func:`curves`.
    later : ndarray of float64, shape (draws, U), optional
        Share won by each age from the next stage on; None where going on is winning.
    steps : int
        >= 0.

    Returns
    -------
    ndarray of float64, shape (draws, U)
        For a deal that is still there after age a: ``sum over j = 1 … steps of at[a + j] later[steps - j] / still[a]``.

    Notes
    -----
    Checked against a loop over all pairs of ages: ``tests/stats/test_ages.py``.

    Examples
    --------
    >>> still, at = curves(np.array([[0.5, 0.5, 0.5]]), np.zeros((1, 3)))
    >>> within(still, at, None, 1).tolist()
    [[0.5, 0.5, 0.0]]
    """
    draws, size = at.shape
    if steps <= 0:
        return np.zeros((draws, size))
    steps = min(steps, size)
    if later is None:
        total = np.concatenate(
            [np.cumsum(at, axis=1), np.repeat(at.sum(axis=1)[:, None], steps, axis=1)], axis=1
        )
        coming = total[:, steps : steps + size] - total[:, :size]
    else:
        padded = np.concatenate([at[:, 1:], np.zeros((draws, steps))], axis=1)
        windows = np.lib.stride_tricks.sliding_window_view(padded, steps, axis=1)[:, :size]
        weight = later[:, :steps][:, ::-1]
        coming = np.matmul(windows, weight[:, :, None])[:, :, 0]
    floor = np.maximum(still, 1e-9)
    chance: Floats = np.clip(np.where(still > 1e-9, coming / floor, 0.0), 0.0, 1.0)
    return chance
