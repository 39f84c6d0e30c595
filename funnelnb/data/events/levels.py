"""The short way for plain ordered funnels: one sorted array of keys per step, one binary search per level.

A key holds actor and time in 64 bits. A state is an event together with the latest start that reaches it; both
never fall along the array, so of several starts that meet at the same next event the last is kept, and actors
and windows are checked by one subtraction.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from funnelnb.data.events.attempts import Units
from funnelnb.data.events.counts import Cut, FunnelCounts, nobody, tally
from funnelnb.data.events.walk import NEVER

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from funnelnb.data.events.definition import Definition

PARTS = 16
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def plain(definition: Definition, cut: Cut) -> bool:
    """Whether a funnel is plain: ordered, whole names in one step each, an actor counts once, no groups."""
    names = [one.event for one in definition.choices]
    simple = (
        definition.order == "ordered" and definition.attempt == "best" and definition.ties == "either"
        and definition.repeats == "harmless" and definition.per == "actor" and definition.twins == "each"
        and not (definition.grace_us or definition.grain_us or definition.exclude or definition.hold)
        and not definition.optional and definition.gap_us is None and cut == Cut()
    )  # fmt: skip
    return (
        simple
        and None not in names
        and len(set(names)) == len(names)
        and not any(one.where for one in definition.choices)
        and not any(one.first_ever for one in definition.steps)
    )


class Levels:
    """Keys of every step, dealt out by actor into parts that are counted apart."""

    def __init__(
        self,
        steps: int,
        within_us: int | None,
        actors: tuple[int, int] | None,
        times: tuple[int, int] | None,
        limit_us: int,
        unit_us: int = 1,
    ) -> None:
        self.steps, self.limit, self.unit = steps, limit_us, unit_us
        self.within = None if within_us is None else within_us // unit_us
        self.origin = self.shift = 0
        self.first_actor = 0
        self.direct = False
        if actors is not None and times is not None:
            self.origin, self.first_actor = times[0], actors[0]
            self.shift = max(int((times[1] - times[0]) // unit_us + 1).bit_length() + 1, 1)
            self.direct = self.shift + max(int(actors[1] - actors[0]).bit_length(), 1) <= 63
        self.kept: list[list[list[NDArray[np.int64]]]] = [[[] for _ in range(steps)] for _ in range(PARTS)]
        self.text: list[object] = []

    def add(self, actor: object, time: NDArray[np.int64], step: NDArray[np.int8]) -> None:
        """Take in rows that are steps."""
        if not isinstance(actor, np.ndarray):
            actor = self._numbered(actor)
        if len(time) and time.max() > self.limit:
            seen = time <= self.limit
            actor, time, step = actor[seen], time[seen], step[seen]
        if not len(time):
            return
        with np.errstate(over="ignore"):
            part = (actor.astype(np.uint64) * _GOLDEN) >> np.uint64(60)
        where = (part.astype(np.int16) * self.steps + step).astype(np.int16)
        order = np.argsort(where, kind="stable")
        edges = np.searchsorted(where[order], np.arange(PARTS * self.steps + 1))
        if self.direct:
            columns = [
                (((actor - self.first_actor) << self.shift) | ((time - self.origin) // self.unit))[order]
            ]
        else:
            columns = [actor[order], time[order]]
        for number in range(PARTS * self.steps):
            low, high = edges[number], edges[number + 1]
            if low < high:
                self.kept[number // self.steps][number % self.steps] += [
                    one[low:high].copy() for one in columns
                ]

    def _numbered(self, actor: object) -> NDArray[np.int64]:
        """Return a number for each text id, the same in every batch."""
        import pandas as pd

        texts = actor.to_numpy(zero_copy_only=False).astype(object)  # type: ignore[attr-defined]
        codes, found = pd.factorize(texts)
        known = self._known = getattr(self, "_known", {})
        table = np.array([known.setdefault(one, len(known)) for one in found], np.int64)
        return table[codes]

    def reached(self) -> list[int]:
        """Return how many actors reached each step."""
        with ThreadPoolExecutor(2) as pool:
            return [int(one) for one in np.sum(list(pool.map(self._reached, range(PARTS))), axis=0)]

    def counts(self, definition: Definition, as_of_us: int, times_us: int = 1) -> list[FunnelCounts]:
        """Return the counts of every part."""
        with ThreadPoolExecutor(2) as pool:
            return list(
                pool.map(lambda part: self._counted(part, definition, as_of_us, times_us), range(PARTS))
            )

    def _keys(self, part: int) -> tuple[list[NDArray[np.int64]], int, int]:
        """Return the sorted keys of each step of a part, how far the actor is shifted, and the origin."""
        pieces = self.kept[part]
        self.kept[part] = []
        none = np.zeros(0, np.int64)
        if self.direct:
            keys = [np.concatenate(one) if one else none for one in pieces]
            shift, origin = self.shift, self.origin
        else:
            actors = [np.concatenate(one[0::2]) if one else none for one in pieces]
            times = [np.concatenate(one[1::2]) if one else none for one in pieces]
            whole = np.concatenate(times) if times else none
            origin = int(whole.min()) if len(whole) else 0
            span = ((int(whole.max()) if len(whole) else 0) - origin) // self.unit + (self.within or 0) + 1
            shift = int(span).bit_length() + 1
            ids = np.unique(np.concatenate(actors)) if actors else none
            keys = [
                (np.searchsorted(ids, a) << shift) | ((t - origin) // self.unit)
                for a, t in zip(actors, times, strict=True)
            ]
        for one in keys:
            one.sort()
        return keys, shift, origin

    def _next(
        self, state: NDArray[np.int64], start: NDArray[np.int64], keys: NDArray[np.int64], shift: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the states of the next level: events of it, with the latest start that reaches each."""
        at = np.searchsorted(keys, state, side="left")
        last = np.append(at[1:] != at[:-1], True)[: len(at)]
        last &= at < len(keys)
        at, start = at[last], start[last]
        found = keys[at]
        good = found >> shift == start >> shift if self.within is None else found - start <= self.within
        return found[good], start[good]

    def _reached(self, part: int) -> list[int]:
        keys, shift, _ = self._keys(part)
        state = start = keys[0]
        found = [_distinct(state >> shift)]
        for one in keys[1:]:
            state, start = self._next(state, start, one, shift)
            found.append(_distinct(state >> shift))
        return found

    def _counted(self, part: int, definition: Definition, as_of_us: int, times_us: int) -> FunnelCounts:
        keys, shift, origin = self._keys(part)
        limit = (as_of_us - origin) // self.unit
        mask = np.int64((1 << shift) - 1)
        state = start = keys[0]
        actor = state >> shift
        first = np.flatnonzero(np.append(True, np.diff(actor) != 0)[: len(actor)])
        ids, units_n = actor[first], len(first)
        time = np.full((units_n, self.steps), NEVER)
        time[:, 0] = (state[first] & mask) * self.unit + origin
        last = np.append(first[1:], len(actor)) - 1
        latest = (state[last] & mask) if units_n else np.zeros(0, np.int64)
        run_start = np.full(units_n, NEVER)
        for k, one in enumerate(keys[1:], start=1):
            state, start = self._next(state, start, one, shift)
            actor = state >> shift
            head = np.flatnonzero(np.append(True, np.diff(actor) != 0)[: len(actor)])
            place = np.searchsorted(ids, actor[head])
            time[place, k] = (state[head] & mask) * self.unit + origin
            if k == self.steps - 1:
                run_start[place] = (start[head] & mask) * self.unit + origin
        through = time[:, -1] != NEVER
        running = ~through if self.within is None else ~through & (latest + self.within > limit)
        row = np.full(time.shape, -1)
        units = Units(
            unit=np.arange(units_n), time=time, row=row, running=running, run_start=run_start, void_n=0,
            split=np.zeros(units_n, np.int64), required=tuple(range(self.steps)),
        )  # fmt: skip
        found = tally(units, np.zeros(units_n, np.int64), ((),), definition, as_of_us, times_us=times_us)
        return replace(found, units=nobody(found.units), unit_group=np.zeros(0, np.int64))


def _distinct(sorted_ids: NDArray[np.int64]) -> int:
    return int((np.diff(sorted_ids) != 0).sum()) + (len(sorted_ids) > 0)
