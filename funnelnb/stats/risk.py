"""Who was still under observation when, and what happened to them? The table under every curve over time.

Input is counted: one row per distinct (time, outcome, entry) with the number `n` of deals behind it, so that
whole-day data cost the same for ten thousand and for a hundred million deals.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from funnelnb.core.errors import ParameterError

Floats = NDArray[np.float64]
_DENSE = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RiskTable:
    """What happened at each distinct time. T times, C causes.

    Attributes
    ----------
    time : ndarray of float64, shape (T,)
        0 and every time at which anything happens (event, end of observation, late entry), increasing.
    at_risk : ndarray of float64, shape (T,)
        Under observation and without an event just before the time.
    event_n : ndarray of float64, shape (C, T)
        Events of each cause at the time.
    censored_n : ndarray of float64, shape (T,)
        Observation ended without an event; at equal time events come first.
    total_n : float
        All rows together.
    last_time : float
        Largest time in the data; NaN without data.
    counted : bool
        False when `n` was a float array of amounts, for which no variance is known.
    """

    time: Floats
    at_risk: Floats
    event_n: Floats
    censored_n: Floats
    total_n: float
    last_time: float
    counted: bool

    @property
    def complete(self) -> bool:
        """Whether somebody was watched at every age up to the last event and none entered after all had left.

        False only with late entry: what follows such a gap is then conditional on having got past it.
        """
        event_n = self.event_n.sum(axis=0)
        happening = np.flatnonzero(event_n > 0)
        if not happening.size:
            return True
        until = slice(0, int(happening[-1]) + 1)
        emptied = event_n[until][:-1] >= self.at_risk[until][:-1]
        return bool(np.all(self.at_risk[until] > 0) and not emptied.any())


def risk_table(
    time: ArrayLike,
    outcome: ArrayLike,
    n: ArrayLike | None = None,
    entry: ArrayLike | None = None,
    causes: int = 1,
) -> RiskTable:
    """Count at each distinct time who is at risk, who has which event, whose observation ends.

    Parameters
    ----------
    time : array_like of shape (R,)
        Time from the origin to the event or the end of observation, >= 0, finite, any unit. Equal times tie
        exactly.
    outcome : array_like of int, shape (R,)
        0 censored, 1 ... `causes` the event that happened. Booleans: True is event 1.
    n : array_like of shape (R,), optional
        Integers: deals behind each row. Floats: amounts. Default 1 each.
    entry : array_like of shape (R,), optional
        Time from which the row was under observation. At risk at t if entry < t; entry <= 0 means from the
        start, time 0 included.
    causes : int
        Number of causes C, >= 1.

    Returns
    -------
    RiskTable

    Raises
    ------
    ParameterError
        If lengths differ, a time is negative or not finite, an outcome unknown, an `n` negative, or a row
        ends at or before its (positive) entry.

    Notes
    -----
    Times that are whole multiples of one step (whole days, also when written in seconds) are counted without
    sorting.

    Checked against a count by definition for every time: ``tests/stats/test_risk.py``.
    """
    times, outcomes, weights, entries = _checked(time, outcome, n, entry, causes)
    stops = (
        np.concatenate(([0], times, entries[entries > 0]))
        if entries is not None
        else np.concatenate(([0], times))
    )
    grid, position = _grid(stops)
    ends = position[1 : times.size + 1]
    width = grid.size
    codes = outcomes.astype(np.int64) * width + ends
    cells: Floats = np.bincount(codes, weights=weights, minlength=(causes + 1) * width).astype(float)
    cells = cells.reshape(causes + 1, width)
    ended = cells.sum(axis=0)
    total = float(ended.sum())
    at_risk = total - (np.cumsum(ended) - ended)
    if entries is not None:
        late = None if weights is None else weights[entries > 0]
        entered = np.bincount(position[times.size + 1 :], weights=late, minlength=width)
        at_risk -= np.cumsum(entered[::-1])[::-1]
    counted = n is None or not np.issubdtype(np.asarray(n).dtype, np.floating)
    if not counted:
        at_risk = np.where(at_risk > 1e-12 * total, at_risk, 0.0)
        at_risk = np.maximum(at_risk, cells[1:].sum(axis=0))
    last = float(times.max()) if times.size else float("nan")
    return RiskTable(
        time=grid.astype(float),
        at_risk=at_risk,
        event_n=cells[1:],
        censored_n=cells[0],
        total_n=total,
        last_time=last,
        counted=counted,
    )


def _checked(
    time: ArrayLike, outcome: ArrayLike, n: ArrayLike | None, entry: ArrayLike | None, causes: int
) -> tuple[NDArray[Any], NDArray[Any], Floats | None, NDArray[Any] | None]:
    """Return the inputs as arrays of one length without rows of n = 0, or say which row is wrong and why."""
    times, outcomes = np.atleast_1d(np.asarray(time)), np.atleast_1d(np.asarray(outcome))
    weights = None if n is None else np.atleast_1d(np.asarray(n)).astype(float)
    entries = None if entry is None else np.atleast_1d(np.asarray(entry))
    for name, array in (("outcome", outcomes), ("n", weights), ("entry", entries)):
        if array is not None and array.shape != times.shape:
            raise ParameterError(
                f"{name} has shape {array.shape}", expected=f"one value per time, shape {times.shape}"
            )
    if times.dtype.kind not in "iuf":
        raise ParameterError(f"time has type {times.dtype}", expected="numbers (days, or whole seconds)")
    _refuse(times, ~((times >= 0) & (times < np.inf)), "time", "a finite time >= 0")
    _refuse(
        outcomes, ~((outcomes >= 0) & (outcomes <= causes)), "outcome", f"a whole number from 0 to {causes}"
    )
    if outcomes.dtype.kind == "f":
        _refuse(outcomes, outcomes != np.floor(outcomes), "outcome", f"a whole number from 0 to {causes}")
    if weights is not None:
        _refuse(weights, ~((weights >= 0) & (weights < np.inf)), "n", "a finite number >= 0")
    if entries is not None:
        _refuse(entries, ~((entries <= 0) | (entries < times)), "entry", "an entry before the row's own time")
        if not (entries > 0).any():
            entries = None
    if weights is not None and not weights.all():
        kept = weights > 0
        times, outcomes, weights = times[kept], outcomes[kept], weights[kept]
        entries = None if entries is None else entries[kept]
    return times, outcomes, weights, entries


def _refuse(values: NDArray[Any], wrong: NDArray[np.bool_], name: str, expected: str) -> None:
    """Raise ParameterError for the first wrong value and say how many there are."""
    if wrong.any():
        first = int(np.argmax(wrong))
        raise ParameterError(
            f"{name}[{first}] = {values[first]} ({int(wrong.sum())} such rows)", expected=expected
        )


def _grid(stops: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the distinct values of `stops` (>= 0, the first is 0) in order, and where each stop falls."""
    whole = stops
    if stops.dtype.kind == "f":
        if not (stops.max() < 2**53 and np.array_equal(stops, np.floor(stops))):
            grid, position = np.unique(stops, return_inverse=True)
            return grid, position
        whole = stops.astype(np.int64)
    step, largest = 1, int(whole.max())
    room = max(_DENSE, 4 * stops.size)
    if largest > room:
        step = int(np.gcd.reduce(whole))
    if largest // step > room:
        grid, position = np.unique(stops, return_inverse=True)
        return grid, position
    scaled = whole // step if step > 1 else whole
    present = np.bincount(scaled, minlength=largest // step + 1) > 0
    grid = np.flatnonzero(present)
    position = (np.cumsum(present) - 1)[scaled]
    return grid * step, position
