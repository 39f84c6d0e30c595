"""How did the deals stand on one day, and how many were at risk at each age? Nothing after that day is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from funnelnb.analysis.forecast.history import NEVER, History
from funnelnb.core.check import TOO_FEW_N
from funnelnb.stats.forecast import ages

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

MONTH_DAYS = 30.4375
MOST_AGES = 600
RECENT_DAYS = 1095
"""Hazards are those of the last three years."""
HALF_LIFE_DAYS = 365.0
"""What happened so many days ago counts half."""
LATE_N = 7.0
"""Where so many closes were to be expected before the first that is recorded, records begin late (chance 0.1 %)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Known:
    """The deals as they stood on one day. N deals, of which K are open.

    Attributes
    ----------
    day : int
    origin : int
        First stage whose entries are dated.
    start : ndarray of int64, shape (N,)
        Day at that stage; NEVER where not (yet) reached or not dated.
    win, end : ndarray of int64, shape (N,)
        NEVER where it had not happened.
    since : int
        Since when deals are recorded completely.
    late : bool
        Whether that was seen in the data rather than said.
    """

    day: int
    origin: int
    start: Ints
    win: Ints
    end: Ints
    since: int
    late: bool


def known_at(history: History, day: int) -> Known:
    """Return the deals as they stood at the end of a day."""
    origin = _origin(history, day)
    start = by_then(history.stage_day[origin], day)
    win, end = by_then(history.win_day, day), by_then(history.end_day, day)
    if history.undated.any():
        end = np.where(history.undated, _undated_end(history, day), end)
    end = np.where(win < NEVER, NEVER, end)
    since, late = history.observed_day, False
    if since < 0 or since > day:
        since = _late_start(start, np.minimum(win, end), day)
        late = since >= 0
    return Known(day=day, origin=origin, start=start, win=win, end=end, since=since, late=late)


def _undated_end(history: History, day: int) -> Ints:
    """Return the middle between the last sign of life and the day, for deals that ended nobody knows when.

    A deal that moved on later had not ended by then.
    """
    signs = np.where(history.stage_day < NEVER, history.stage_day, -1)
    last = np.where(signs <= day, signs, -1).max(axis=0)
    last = np.where(last >= 0, last, np.minimum(history.begin_day, day)).astype(np.int64)
    ended = (history.begin_day <= day) & (signs.max(axis=0) <= day)
    made: Ints = np.where(ended, (last + day) // 2, NEVER).astype(np.int64)
    return made


def by_then(days: NDArray[np.int32], day: int) -> Ints:
    """Return the days up to `day`; later ones are not known."""
    made: Ints = np.where(days <= day, days, NEVER).astype(np.int64)
    return made


def _origin(history: History, day: int) -> int:
    for k in range(history.won):
        if (history.stage_day[k] <= day).sum() >= TOO_FEW_N:
            return k
    return 0


def _late_start(start: Ints, exit_day: Ints, day: int) -> int:
    """Return the first recorded close where closes before it are missing, else -1."""
    mine = start < NEVER
    closed = exit_day[mine & (exit_day < NEVER)]
    if closed.size < TOO_FEW_N:
        return -1
    first = int(closed.min())
    begun = start[mine & (start < first)]
    if not begun.size:
        return -1
    s, e = start[mine], exit_day[mine]
    entry = np.maximum(first - s, 0)
    size = int(day - s.min()) + 2
    found = ages.risk(entry, np.minimum(e, day) - s, (e < NEVER).astype(np.int64), size)
    hazard = np.cumsum(np.divide(found.won, found.at_risk, out=np.zeros(size), where=found.at_risk > 0))
    expected = float(-np.expm1(-hazard[np.minimum(first - 1 - begun, size - 1)]).sum())
    return first if expected >= LATE_N else -1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Grid:
    """Ages in bins of `unit` days."""

    unit: int
    size: int

    @classmethod
    def of(cls, known: Known) -> Grid:
        """Return the grid that holds the ages of all deals: whole days where they are not too many."""
        mine = known.start[known.start < NEVER]
        span = int(known.day - mine.min()) + 1 if mine.size else 1
        span = min(span, RECENT_DAYS + 365)
        unit = max(1, -(-span // MOST_AGES))
        return cls(unit=unit, size=span // unit + 1)

    def bin(self, days: Any) -> Ints:
        """Return the bin of ages in days; what is older stands in the last one."""
        made: Ints = np.minimum(np.asarray(days, dtype=np.int64) // self.unit, self.size - 1)
        return made


def risk_between(known: Known, grid: Grid, start: Ints, on: Ints, mine: Bools) -> ages.Risk:
    """Return events and deals at risk from `start` on: going `on`, or ending."""
    s, o, e = start[mine], on[mine], known.end[mine]
    last = np.minimum(np.minimum(o, e), known.day)
    way = np.where(o <= np.minimum(e, known.day), 1, np.where(e <= known.day, 2, 0))
    from_day = max(known.since, known.day - RECENT_DAYS)
    entry = np.maximum(from_day - s, 0)
    seen = last - s >= entry
    s_last = np.where(seen, grid.bin(last - s), -1)
    weight = np.exp2((s - known.day) / HALF_LIFE_DAYS)
    found = ages.risk(grid.bin(entry), s_last, way, grid.size, weight)
    fresh = np.exp2(np.arange(grid.size) * grid.unit / HALF_LIFE_DAYS)
    return ages.Risk(won=found.won * fresh, lost=found.lost * fresh, at_risk=found.at_risk * fresh)
