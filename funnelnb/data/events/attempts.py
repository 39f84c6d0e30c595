"""Which attempts count, and for whom? From every attempt to one row per unit that is counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from funnelnb.data.events.walk import LAST, NEVER, Attempts, ends_at

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from funnelnb.data.events.definition import Definition
    from funnelnb.data.events.walk import Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """What is counted: actors with their furthest attempt, or attempts. U units, K steps.

    Attributes
    ----------
    unit : ndarray of int64, shape (U,)
        Code of the unit whose attempts these are; several rows per unit where every attempt counts.
    time : ndarray of int64, shape (U, K)
        When each step was first done, microseconds; NEVER where it was not. Column 0 is the arrival.
    row : ndarray of int64, shape (U, K)
        Row of the log (in the order of ``Rows``) that was the step; -1.
    running : ndarray of bool, shape (U,)
        Not complete, and an attempt is under way whose window has not run out.
    run_start : ndarray of int64, shape (U,)
        Start of the attempt that completed (the latest that completes there); NEVER.
    void_n : int
        Units that an exclusion took out altogether.
    split : ndarray of int64, shape (U,)
        What the units were split by (period of their start), 0 otherwise.
    required : tuple of int
        Steps that must be done.
    """

    unit: Ints
    time: Ints
    row: Ints
    running: NDArray[np.bool_]
    run_start: Ints
    void_n: int
    split: Ints
    required: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.unit)

    @property
    def depth(self) -> Ints:
        """How many of the required steps were done, shape (U,)."""
        return (self.time[:, list(self.required)] != NEVER).sum(axis=1)


def choose(
    made: Attempts,
    as_of_us: int,
    since_us: int | None = None,
    until_us: int | None = None,
    split: NDArray[np.int64] | None = None,
) -> Units:
    """Which attempts count, and what came of them?

    Parameters
    ----------
    made : Attempts
        Of rows up to the as-of time.
    as_of_us : int
        An attempt whose window ends after it is still running.
    since_us, until_us : int, optional
        Only attempts that start in between, both ends included.
    split : ndarray of int64, shape (A,), optional
        Attempts with another value are counted apart (the furthest one of each).

    Returns
    -------
    Units

    Notes
    -----
    "best": a unit counts once. A step counts as done from the moment the first of its attempts did it; the
    unit is running while any of its attempts is. "first": its first attempt. "every": attempts one after the
    other: the next begins when the last is complete, broken, undone, or its window closed. "start": every start.
    """
    definition = made.groups.definition
    parts = np.zeros(len(made.place), np.int64) if split is None else split
    start = made.groups.time[made.place[:, 0]] if len(made.place) else np.zeros(0, np.int64)
    ends = ends_at(made)
    running = made.running & (ends > as_of_us)
    inside = np.ones(len(start), bool)
    if since_us is not None:
        inside &= start >= since_us
    if until_us is not None:
        inside &= start <= until_us
    kept = np.flatnonzero(inside)
    if definition.hold:
        kept = kept[np.argsort(made.groups.rank[made.place[kept, 0]], kind="stable")]
    if len(kept) < len(start) or definition.hold:
        made, parts, running, ends = made.take(kept), parts[kept], running[kept], ends[kept]
    if definition.attempt == "best":
        return _furthest(made, parts, running)
    if definition.attempt == "first":
        chosen = _first(made.owner)
    elif definition.attempt == "every":
        chosen = _one_after_another(made, ends)
    else:
        chosen = np.arange(len(made.place))
    void = made.void[chosen]
    chosen = chosen[~void]
    clean = made.take(chosen)
    start = clean.time[:, 0] if len(chosen) else np.zeros(0, np.int64)
    complete = clean.depth() == len(_required(definition))
    return _units(
        clean, clean.place, running[chosen], np.where(complete, start, NEVER), int(void.sum()), parts[chosen]
    )


def _required(definition: Definition) -> tuple[int, ...]:
    return tuple(range(len(definition.steps))) if definition.order == "any" else definition.required


def _first(unit: Ints) -> Ints:
    """Return the first attempt of each unit."""
    return np.flatnonzero(np.append(True, unit[1:] != unit[:-1])[: len(unit)])


def _one_after_another(made: Attempts, ends: Ints) -> Ints:
    """Return attempts that do not overlap: the next begins when the last is complete or its window closed."""
    count = len(made.place)
    if not count:
        return np.zeros(0, np.int64)
    groups = made.groups
    own = groups.rows.owner is None
    start = made.place[:, 0] if own else groups.rank[made.place[:, 0]]
    complete = ~made.void
    for k in _required(groups.definition):
        complete &= made.place[:, k] >= 0
    unit, following = made.owner, np.arange(1, count + 1)
    whole, part = np.flatnonzero(complete), np.flatnonzero(~complete)
    done = made.place[whole].max(axis=1)
    following[whole] = np.searchsorted(start, done if own else groups.rank[done], side="right")
    late = _after_time(unit, groups.time[made.place[:, 0]], ends, part)
    cut = np.flatnonzero(made.ended[part] < LAST)
    ended = made.ended[part[cut]]
    again = np.searchsorted(start, ended if own else groups.rank[ended], side="left")
    late[cut] = np.minimum(again, late[cut])
    following[part] = late
    following = np.maximum(following, np.arange(count) + 1)
    same = following < count
    same[same] = unit[following[same]] == unit[same]
    taken = np.zeros(count, bool)
    front = _first(unit)
    while len(front):
        taken[front] = True
        front = following[front[same[front]]]
    return np.flatnonzero(taken)


def _after_time(unit: Ints, time: Ints, ends: Ints, asked: Ints) -> Ints:
    """Return for the attempts `asked` the first of the same unit that starts after the end, else one past the unit."""
    number = np.cumsum(np.append(False, unit[1:] != unit[:-1])[: len(unit)])
    span = int(time.max()) - int(time.min()) + 2
    if (int(number[-1]) + 1) * span < 2**62:  # unit and time in one number: one search
        begin = number * span
        after = begin[asked] + (np.minimum(ends[asked], time.max() + 1) - time.min())
        return np.searchsorted(begin + (time - time.min()), after, side="right")
    last = np.searchsorted(unit, unit[asked], side="right")
    low, high = asked.copy(), last.copy()
    while True:
        open_ = low < high
        if not open_.any():
            return low
        middle = (low + high) // 2
        later = time[np.minimum(middle, len(time) - 1)] > ends[asked]
        high = np.where(open_ & later, middle, high)
        low = np.where(open_ & ~later, middle + 1, low)


def _furthest(made: Attempts, parts: Ints, running: NDArray[np.bool_]) -> Units:
    """Return one row per unit (and part): each step from the moment any attempt did it."""
    definition = made.groups.definition
    if parts.any():
        order = np.lexsort((np.arange(len(parts)), parts, made.owner))
        made, parts, running = made.take(order), parts[order], running[order]
    unit, own = made.owner, made.groups.rows.owner is None
    changes = np.append(True, (unit[1:] != unit[:-1]) | (parts[1:] != parts[:-1]))[: len(unit)]
    first = np.flatnonzero(changes)
    if not len(first):
        none = np.zeros(0, np.int64)
        return _units(made, made.place, running, none, 0, none)
    clean = ~made.void
    counts = made.place >= 0 if clean.all() else (made.place >= 0) & clean[:, None]
    place = np.where(counts, made.place if own else made.groups.rank[made.place], LAST)
    best = np.minimum.reduceat(place, first, axis=0)
    kept = best[:, 0] < LAST
    if any(one.scope == "actor" for one in definition.exclude):
        deepest = np.maximum.reduceat(np.where(clean, made.depth(), 0), first)
        kept &= np.maximum.reduceat(made.void_depth, first) <= deepest
    last = _required(definition)[-1]
    full = best[:, last] < LAST
    through = np.flatnonzero(place[:, last] < LAST)
    whose = np.searchsorted(first, through, side="right") - 1
    finishing = place[through, last] == best[whose, last]
    run_start = np.full(len(first), NEVER)
    np.maximum.at(run_start, whose[finishing], made.groups.time[made.place[through[finishing], 0]])
    still = np.logical_or.reduceat(running & clean, first) & ~full
    best[best == LAST] = -1
    if not own:
        there = np.argsort(made.groups.rank)
        best = np.where(best < 0, -1, there[best])
    chosen = np.flatnonzero(kept)
    reduced = made.take(first[chosen])
    return _units(
        reduced, best[chosen], still[chosen], run_start[chosen], int((~kept).sum()), parts[first[chosen]]
    )


def _units(
    made: Attempts, place: Ints, running: NDArray[np.bool_], run_start: Ints, void_n: int, parts: Ints
) -> Units:
    groups = made.groups
    shown = Attempts(
        groups=groups,
        place=place,
        void=made.void,
        void_depth=made.void_depth,
        running=running,
        ended=made.ended,
    )
    return Units(
        unit=groups.owner[place[:, 0]] if len(place) else np.zeros(0, np.int64),
        time=shown.time,
        row=_rows(made, place),
        running=running,
        run_start=run_start,
        void_n=void_n,
        split=parts,
        required=_required(groups.definition),
    )


def _rows(made: Attempts, place: Ints) -> Ints:
    """Return the row of the log that was each step: the first of its group that is one."""
    groups, mask = made.groups, made.groups.rows.mask
    row = np.where(place >= 0, groups.first[place] if len(groups.first) else -1, -1)
    for k in range(place.shape[1]):
        wanted = np.uint32(0xFFFFFFFF) if groups.definition.order == "any" else np.uint32(1 << k)
        column = row[:, k]
        wrong = np.flatnonzero(column >= 0)
        while True:
            wrong = wrong[(mask[column[wrong]] & wanted) == 0]
            if not len(wrong):
                break
            column[wrong] += 1
    return row
