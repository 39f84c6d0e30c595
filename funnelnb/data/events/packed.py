"""The middle way, for funnels of every order without groups: actor, time and what a row is, in one 64-bit key.

One sort of plain numbers per part of the actors puts the rows in order of actor and time; there the walk begins.
For strict order, which every event can break, only the first of several strangers in a row is kept: it broke what
was under way. The way is open where the key has room: not for split groups, values, held properties, sessions,
or where the order of equal times counts.

Checked against the log in memory and the row-by-row reference: ``tests/data/events/test_scan.py``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.data.events.attempts import choose
from funnelnb.data.events.cells import dictionary, ids, micro, named, plain_values
from funnelnb.data.events.counts import Cut, FunnelCounts, named_groups, nobody, split_of, tally
from funnelnb.data.events.match import masks
from funnelnb.data.events.walk import Rows, walk

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from funnelnb.data.events.definition import Definition

PARTS_BITS = 6
ROW_BYTES = 10
"""What a kept row costs while its part is counted, roughly."""
_GOLDEN = 0x9E3779B97F4A7C15


class NoRoomError(Exception):
    """There are more actors than the key has room for."""


def packable(definition: Definition, cut: Cut) -> bool:
    """Whether a row is nothing but actor, time, and which steps and exclusions it is."""
    return (
        replace(cut, period="", at_us=None, since_us=None, until_us=None) == Cut(credit=cut.credit)
        and definition.per == "actor" and definition.twins == "each" and definition.ties != "row"
        and not definition.hold and not definition.grain_us
    )  # fmt: skip


class Packed:
    """Keys of the rows that a funnel needs, dealt out by actor into parts that are counted apart.

    Parameters
    ----------
    definition : Definition
    cut : Cut
    actors : tuple of int, optional
        Smallest and largest id, where ids are whole numbers; None: they are numbered as they come.
    times : tuple of int
        First and last time, microseconds.
    unit_us : int
        All times are whole multiples of it, from the first one on.
    as_of_us, times_us : int
        As for the scan.
    parts : range
        Parts that are kept, of 64.
    """

    def __init__(
        self,
        definition: Definition,
        cut: Cut,
        actors: tuple[int, int] | None,
        times: tuple[int, int],
        *,
        unit_us: int,
        as_of_us: int,
        times_us: int,
        parts: range,
    ) -> None:
        self.definition, self.cut = definition, cut
        self.as_of_us, self.times_us, self.unit, self.origin = as_of_us, times_us, unit_us, times[0]
        self.steps, self.bad = len(definition.steps), len(definition.exclude)
        self.kind_bits = self.steps + self.bad
        self.time_bits = max(int((times[1] - times[0]) // unit_us).bit_length(), 1)
        room = 64 + PARTS_BITS - self.kind_bits - self.time_bits
        self.first_actor = 0 if actors is None else actors[0]
        self.actor_bits = min(room, 62)
        if actors is not None:
            self.actor_bits = max(int(actors[1] - actors[0]).bit_length(), PARTS_BITS)
        if not PARTS_BITS <= self.actor_bits <= room or self.kind_bits > 32:
            raise NoRoomError
        self.factor = np.uint64((_GOLDEN >> (64 - self.actor_bits)) | 1)
        self.kept: dict[int, list[NDArray[np.uint64]]] = {part: [] for part in parts}
        self.every = self.kept.keys() == set(range(1 << PARTS_BITS))
        self.known: dict[Any, int] | None = None if actors is not None else {}

    def add(self, batch: pa.RecordBatch, columns: Any) -> list[str]:
        """Take in the rows of a batch that the funnel needs; return the names of its events."""
        definition = self.definition
        codes, names = dictionary(batch.column(columns.event))

        def values(name: str) -> NDArray[Any]:
            return plain_values(batch.column(name))

        kind = masks(codes, names, values, [one.choices for one in definition.steps])
        if self.bad:
            bad = masks(codes, names, values, [one.choices for one in definition.exclude])
            kind |= bad << np.uint32(self.steps)
        keep = named(batch.column(columns.actor))
        if definition.order != "strict":
            keep &= kind > 0
        whole = bool(keep.all())
        rows = np.arange(len(kind)) if whole else np.flatnonzero(keep)
        time = micro(batch.column(columns.time), rows)
        actor = ids(batch.column(columns.actor), rows)
        kind = kind if whole else kind[rows]
        if len(time) and time.max() > self.as_of_us:
            seen = np.flatnonzero(time <= self.as_of_us)
            time, kind = time[seen], kind[seen]
            actor = actor[seen] if isinstance(actor, np.ndarray) else actor.take(seen)
        self._deal(actor, time, kind)
        return names

    def _deal(self, actor: Any, time: NDArray[np.int64], kind: NDArray[Any]) -> None:
        """Pack the rows and deal them out."""
        if not len(time):
            return
        number = self._numbered(actor) if self.known is not None else actor - self.first_actor
        inner = np.uint64(self.actor_bits - PARTS_BITS)
        mixed = number.astype(np.uint64)
        mixed *= self.factor
        mixed &= np.uint64((1 << self.actor_bits) - 1)
        part = (mixed >> inner).astype(np.uint8)
        mixed &= np.uint64((1 << int(inner)) - 1)
        mixed <<= np.uint64(self.time_bits)
        since = time - self.origin
        if self.unit != 1:
            since //= self.unit
        mixed |= since.view(np.uint64)
        mixed <<= np.uint64(self.kind_bits)
        mixed |= kind.astype(np.uint64)
        order = np.argsort(part, kind="stable")
        edges = np.cumsum(np.bincount(part, minlength=1 << PARTS_BITS))
        dealt = mixed[order]
        for number, pieces in self.kept.items():
            low, high = (edges[number - 1] if number else 0), edges[number]
            if low < high:
                pieces.append(dealt[low:high] if self.every else dealt[low:high].copy())

    def _numbered(self, actor: Any) -> NDArray[np.int64]:
        """Return a number for each id that is text, the same in every batch."""
        import pandas as pd

        texts = (
            actor if isinstance(actor, np.ndarray) else actor.to_numpy(zero_copy_only=False).astype(object)
        )
        codes, found = pd.factorize(texts)
        known = self.known = self.known if self.known is not None else {}
        table = np.array([known.setdefault(one, len(known)) for one in found], np.int64)
        if len(known) > 1 << self.actor_bits:
            raise NoRoomError
        return table[codes]

    def counted(self, number: int) -> FunnelCounts:
        """Count one part."""
        pieces = self.kept.pop(number)
        key = np.concatenate(pieces)
        del pieces
        key.sort()
        if self.definition.order == "strict":
            key = self._from_first_start(self._first_strangers(key))
        kind = key & np.uint64((1 << self.kind_bits) - 1)
        key >>= np.uint64(self.kind_bits)
        rows = Rows(
            unit=(key >> np.uint64(self.time_bits)).view(np.int64),
            time=(key & np.uint64((1 << self.time_bits) - 1)).view(np.int64) * self.unit + self.origin,
            mask=(kind & np.uint64((1 << self.steps) - 1)).astype(np.uint32),
            bad=(kind >> np.uint64(self.steps)).astype(np.uint32),
        )
        del key, kind
        made = walk(rows, self.definition)
        labels: list[str] = []
        split = None
        if len(made.place) and (self.cut.period or self.cut.at_us is not None):
            split, labels = split_of(made.groups.time[made.place[:, 0]], self.cut)
        units = choose(made, self.as_of_us, self.cut.since_us, self.cut.until_us, split)
        group, groups = named_groups([(units.split, labels)] if labels else [], len(units))
        found = tally(units, group, groups, self.definition, self.as_of_us, times_us=self.times_us)
        return replace(found, units=nobody(found.units), unit_group=np.zeros(0, np.int64))

    def _from_first_start(self, key: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Return the rows from each actor's first event of the first step on: before it lies no attempt."""
        kind, whole = np.uint64(self.kind_bits), np.uint64(self.kind_bits + self.time_bits)
        starts = key[(key & np.uint64(1)) > 0]
        unit = starts >> whole
        first = starts[np.append(True, unit[1:] != unit[:-1])[: len(unit)]]
        low = np.searchsorted(key, (first >> kind) << kind)
        after = (first >> whole) + np.uint64(1)
        high = np.searchsorted(key >> whole, after)
        step = np.zeros(len(key) + 1, np.int8)
        step[low] += 1
        step[high] -= 1
        return key[np.cumsum(step[:-1], dtype=np.int8) > 0]

    def _first_strangers(self, key: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Leave out strangers that follow a stranger of the same actor: they break nothing that is still whole."""
        stranger = (key & np.uint64((1 << self.kind_bits) - 1)) == 0
        unit = key >> np.uint64(self.kind_bits + self.time_bits)
        keep = np.ones(len(key), bool)
        keep[1:] = ~(stranger[1:] & stranger[:-1] & (unit[1:] == unit[:-1]))
        return key[keep]
