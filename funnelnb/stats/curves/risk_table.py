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
_FEW = 1 << 12  # rows from which sorting keys is quicker


SPECK = 1e-12
"""Deals left over by rounding when weights are added up: this share of all is nobody."""


def left_of(at_risk: Floats, gone: Floats, total_n: float) -> Floats:
    """Return how many of those at risk are left; a speck that rounding leaves of weights is nobody."""
    left = at_risk - gone
    return np.where(left > SPECK * total_n, left, 0.0)


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
    late : bool
        Whether any row was under observation only from some age.
    """

    time: Floats
    at_risk: Floats
    event_n: Floats
    censored_n: Floats
    total_n: float
    last_time: float
    counted: bool
    late: bool

    @property
    def complete(self) -> bool:
        """Whether somebody was watched at every age up to the last event and none entered after all had left.

        False only with late entry: what follows such a gap is then conditional on having got past it.
        """
        if not self.late:
            return True
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
    *,
    weighted: bool = False,
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
    weighted : bool
        True: floats in `n` are not amounts but numbers of deals, that some stand for others.

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
    grid, cells, entered = _cells(times, outcomes, weights, entries, causes)
    ended = cells.sum(axis=0)
    past = np.cumsum(ended)
    total = float(past[-1])
    past -= ended
    at_risk: Floats = np.subtract(total, past)
    if entered is not None:
        at_risk -= np.cumsum(entered[::-1])[::-1]
    counted = n is None or not np.issubdtype(np.asarray(n).dtype, np.floating)
    if not counted:
        counted = weighted
        at_risk = np.where(at_risk > 1e-12 * total, at_risk, 0.0)
        at_risk = np.maximum(at_risk, cells[1:].sum(axis=0))
    last = float(times.max()) if times.size else float("nan")
    return RiskTable(
        time=np.asarray(grid, dtype=float),
        at_risk=at_risk,
        event_n=np.asarray(cells[1:], dtype=float),
        censored_n=np.asarray(cells[0], dtype=float),
        total_n=total,
        last_time=last,
        counted=counted,
        late=entries is not None,
    )


def _cells(
    times: NDArray[Any],
    outcomes: NDArray[Any],
    weights: Floats | None,
    entries: NDArray[Any] | None,
    causes: int,
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any] | None]:
    """Return the distinct times (T,), the counts by outcome (C + 1, T) and the late entries (T,) there."""
    kinds = causes + (1 if entries is None else 2)  # entries are the last kind
    stops, kind = times, outcomes.astype(np.uint8 if kinds <= 4 else np.int64)
    if entries is not None:
        late = entries > 0
        stops = np.concatenate((times, entries[late]))
        kind = np.concatenate((kind, np.full(stops.size - times.size, causes + 1, kind.dtype)))
        weights = None if weights is None else np.concatenate((weights, weights[late]))
    found = _sorted(stops, kind, kinds) if weights is None else None
    if found is None:
        grid, position = _grid(np.concatenate(([0], stops)))
        found = grid, _counts(position[1:], kind, weights, (kinds, grid.size))
    grid, cells = found
    return grid, cells[: causes + 1], None if entries is None else cells[-1]


def _counts(
    position: NDArray[np.int64], kind: NDArray[Any], weights: Floats | None, shape: tuple[int, int]
) -> NDArray[Any]:
    """Return how many stops, or what weight, of each kind are at each position."""
    place = kind.astype(np.int64)
    place *= shape[1]
    place += position
    return np.bincount(place, weights=weights, minlength=shape[0] * shape[1]).reshape(shape)


def _sorted(stops: NDArray[Any], kind: NDArray[Any], kinds: int) -> tuple[NDArray[Any], NDArray[Any]] | None:
    """Return the distinct stops from 0, and how many of each kind are there; None if that fails.

    One sort of keys that hold both. The bits of a float >= 0 sort like the float. Scaled by a power of two
    to below 2 (exactly), its two highest bits are 0: room for four kinds below the lowest bit. Whole times
    are shifted just so.
    """
    if stops.size <= _FEW or kinds > 4 or _step(stops) is not None:
        return None
    real, largest = stops.dtype == np.float64, stops.max()
    if not real and (stops.dtype.kind == "f" or int(largest) >= 1 << 61):
        return None
    scale = np.ldexp(1.0, -int(np.frexp(largest)[1])) if real else 1.0
    narrow = np.uint32 if not real and int(largest) < 1 << 30 else np.uint64
    keys: NDArray[Any] = (stops * scale).view(np.uint64) if real else stops.astype(narrow)
    keys <<= 2
    keys |= kind
    keys.sort()
    if real and _below_normal(keys):  # too small to scale exactly
        return None
    kind = keys.astype(np.uint8)
    kind &= 3
    keys >>= 2
    new = np.concatenate(([keys[0] > 0], keys[1:] != keys[:-1]))
    distinct = keys if new.all() else keys[new]
    grid = np.zeros(distinct.size + 1)
    np.divide(distinct.view(np.float64) if real else distinct, scale, out=grid[1:])
    if not new[1:].all():
        return grid, _counts(np.cumsum(new), kind, None, (kinds, grid.size))
    cells = np.zeros((kinds, grid.size))  # no two stops at one time
    for number, row in enumerate(cells):
        np.equal(kind, number, out=row[-kind.size :])
    return grid, cells


def _below_normal(keys: NDArray[Any]) -> bool:
    """Return whether the smallest float above 0 behind sorted keys is so small that scaling cost it digits."""
    smallest = int(np.searchsorted(keys, np.uint64(4)))
    return smallest < keys.size and int(keys[smallest]) < 1 << 54


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


def _step(stops: NDArray[Any]) -> int | None:
    """Return the step that all `stops` are few whole multiples of (a day, in days or in seconds), or None."""
    whole = stops
    if stops.dtype.kind == "f":
        if not (stops.max() < 2**53 and np.array_equal(stops, np.floor(stops))):
            return None
        whole = stops.astype(np.int64)
    room, largest = max(_DENSE, 4 * stops.size), int(whole.max())
    if largest <= room:
        return 1
    step = int(np.gcd.reduce(whole[:1000]))
    if step and largest // step > room:
        return None
    step = int(np.gcd.reduce(whole))
    return step if largest // step <= room else None


def _grid(stops: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the distinct values of `stops` (>= 0, the first is 0) in order, and where each stop falls."""
    step = _step(stops)
    if step is None and (stops[1:] >= stops[:-1]).all():  # counted rows come in order
        new = np.concatenate(([True], stops[1:] != stops[:-1]))
        return stops[new], np.cumsum(new) - 1
    if step is None:
        grid, position = np.unique(stops, return_inverse=True)
        return grid, position
    scaled = stops.astype(np.int64)
    if step > 1:
        scaled //= step
    present = np.bincount(scaled) > 0
    grid = np.flatnonzero(present)
    position = (np.cumsum(present) - 1)[scaled]
    return grid * step, position
