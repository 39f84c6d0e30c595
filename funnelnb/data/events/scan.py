"""A log larger than memory: read in batches, dealt out by actor, counted part by part under the same rules.

Only rows that are a step or an exclusion are kept (for strict order: all), as small numbers; a log that would
not fit is read several times, each time for a part of the actors. Parts share no actor, so their counts add up.
Plain ordered funnels take a shorter way: step k looks only at rows of step k, the state is the latest start that
reaches an event, and each level is one sort and one binary search.

Checked against the log in memory and the row-by-row reference: ``tests/data/events/test_scan.py``.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.core.errors import MissingDataError, ParameterError
from funnelnb.data.events import packed
from funnelnb.data.events.attempts import choose
from funnelnb.data.events.cells import (
    as_texts,
    coded,
    dictionary,
    ids,
    joined,
    micro,
    named,
    numbers,
    plain_values,
    take,
)  # fmt: skip
from funnelnb.data.events.counts import Cut, FunnelCounts, merge, nobody, split_of, tally
from funnelnb.data.events.definition import check_choices
from funnelnb.data.events.levels import Levels, plain
from funnelnb.data.events.match import first_of_twins, masks
from funnelnb.data.events.packed import NoRoomError, Packed, packable
from funnelnb.data.events.walk import Rows, walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from funnelnb.core.note import Note
    from funnelnb.data.events.definition import Definition

PARTS = 16
MANY_ROWS = 5_000_000
"""Of a log with more rows times are counted to the minute."""
ROW_BYTES = 48
"""What a kept row costs while its part is counted, roughly."""
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Which columns say who, what and when."""

    actor: str
    event: str
    time: str
    session: str = ""


@dataclass(kw_only=True)
class EventScan:
    """A log that is counted where it lies.

    Attributes
    ----------
    batches : callable
        ``batches(columns, events)``: Arrow batches of these columns; `events` are the names that are wanted
        (None: all), which the source may use to leave rows out.
    columns : Columns
    properties : tuple of str
    as_of : numpy.datetime64
    rows_n : int
        Rows of the source, as far as known; 0: not known.
    memory_bytes : int
        About how much the kept rows may take at once.
    """

    batches: Callable[[Sequence[str], Sequence[str] | None], Iterator[pa.RecordBatch]]
    columns: Columns
    properties: tuple[str, ...]
    as_of: np.datetime64
    rows_n: int = 0
    memory_bytes: int = 2**30
    currency: str = ""
    source: str = ""
    whole_days: bool = False
    notes: tuple[Note, ...] = ()
    actor_range: tuple[int, int] | None = None
    time_range_us: tuple[int, int] | None = None
    unit_us: int = 1
    json_columns: tuple[str, ...] = ()
    _seen: dict[str, set[str]] = field(default_factory=lambda: {"names": set()})

    def __repr__(self) -> str:
        return f"<EventScan of {self.source}: {self.rows_n:,} events, as of {str(self.as_of)[:10]}>"

    @property
    def as_of_us(self) -> int:
        """The as-of time in microseconds."""
        return int(self.as_of.astype("M8[us]").astype(np.int64))

    @property
    def times_us(self) -> int:
        """Times of many events are counted to the minute, so that they are few."""
        return 60_000_000 if self.rows_n > MANY_ROWS else 1

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the events; reads the event column once."""
        found: set[str] = set()
        for batch in self.batches([self.columns.event], None):
            found.update(dictionary(batch.column(0))[1])
        return tuple(sorted(found))

    def count_funnel(self, definition: Definition, cut: Cut) -> FunnelCounts:
        """Count a funnel: see :func:`funnelnb.data.events.counts.count`."""
        if definition.per == "session" and not self.columns.session:
            raise MissingDataError(
                "the log has no column of sessions", expected="one, to count sessions where the log lies",
                hint='session="…" names it; or load the log with fn.events, which cuts sessions by time-out',
            )  # fmt: skip
        if plain(definition, cut):
            levels = self._levels(definition)
            parts = levels.counts(definition, self.as_of_us, self.times_us)
        else:
            parts = self._parts(definition, cut)
        self._check(definition)
        return merge(parts)

    def reached(self, definition: Definition) -> list[int]:
        """How many actors reached each step? Nothing else is worked out: the shortest way to the counts."""
        if not plain(definition, Cut()):
            return self.count_funnel(definition, Cut()).reached_n.sum(axis=0).tolist()
        found = self._levels(definition).reached()
        self._check(definition)
        return found

    def _check(self, definition: Definition) -> None:
        seen = self._seen["names"]
        if any(one.event is not None and one.event not in seen for one in definition.choices):
            check_choices(definition.choices, self.names)

    # ---- plain ordered funnels: keys per step

    def _levels(self, definition: Definition) -> Levels:
        """Deal the rows of each step out by actor, as keys."""
        step_of = {one.event: k for k, step in enumerate(definition.steps) for one in step.choices}
        levels = Levels(
            len(definition.steps),
            definition.within_us,
            self.actor_range,
            self._span(definition),
            self.as_of_us,
            self.unit_us,
        )
        wanted = [name for name in step_of if name is not None]
        for actor, event, time in self._read(wanted):
            codes, names = dictionary(event)
            self._seen["names"].update(names)
            table = np.array([step_of.get(name, -1) for name in [*names, None]], np.int8)
            step = table[codes]
            kept = np.flatnonzero((step >= 0) & named(actor))
            levels.add(ids(actor, kept), micro(time, kept), step[kept])
        return levels

    def _span(self, definition: Definition) -> tuple[int, int] | None:
        if self.time_range_us is None:
            return None
        low, high = self.time_range_us
        return low, high + (definition.within_us or 0)

    def _read(self, wanted: Sequence[str] | None) -> Iterator[tuple[pa.Array, pa.Array, pa.Array]]:
        c = self.columns
        for batch in self.batches([c.actor, c.event, c.time], wanted):
            yield batch.column(c.actor), batch.column(c.event), batch.column(c.time)

    # ---- everything else: rows per part, then the walk

    def _parts(self, definition: Definition, cut: Cut) -> list[FunnelCounts]:
        names = [one.event for one in definition.choices]
        every = definition.order == "strict" or None in names
        wanted = None if every else [name for name in names if name is not None]
        share = 1.0 if every else 0.4
        found = self._packed(definition, cut, share, wanted)
        if found is not None:
            return found
        passes = max(1, int(np.ceil(self.rows_n * share * ROW_BYTES / self.memory_bytes)))
        parts_n = max(PARTS, 4 * passes)
        found = self.counted_parts(definition, cut, passes, parts_n, wanted)
        if not found:
            raise ParameterError("no event of the log is a step", expected="steps that happened")
        return found

    def _packed(
        self, definition: Definition, cut: Cut, share: float, wanted: Sequence[str] | None
    ) -> list[FunnelCounts] | None:
        """Count by packed keys; None where they cannot hold what is asked."""
        if self.time_range_us is None or not packable(definition, cut):
            return None
        passes = max(1, int(np.ceil(self.rows_n * share * packed.ROW_BYTES / self.memory_bytes)))
        every, c = range(1 << packed.PARTS_BITS), self.columns
        filters = [one.name for choice in definition.choices for one in choice.where]
        needed = list(dict.fromkeys([c.actor, c.event, c.time, *filters]))
        found: list[FunnelCounts] = []
        try:
            for number in range(min(passes, len(every))):
                store = Packed(
                    definition, cut, self.actor_range, self.time_range_us, unit_us=self.unit_us,
                    as_of_us=self.as_of_us, times_us=self.times_us, parts=every[number::passes],
                )  # fmt: skip
                for batch in self.batches(needed, wanted):
                    self._seen["names"].update(store.add(batch, c))
                with ThreadPoolExecutor(2) as pool:
                    found += pool.map(store.counted, [part for part, pieces in store.kept.items() if pieces])
        except NoRoomError:
            return None
        return found or None

    def counted_parts(
        self,
        definition: Definition,
        cut: Cut,
        passes: int = 1,
        parts_n: int = 1,
        wanted: Sequence[str] | None = None,
    ) -> list[FunnelCounts]:
        """Count part by part; empty where no row is a step."""
        found: list[FunnelCounts] = []
        for number in range(passes):
            store = _Store(self, definition, cut, parts_n, range(number, parts_n, passes))
            for batch in self.batches(store.needed, wanted):
                store.add(batch)
            with ThreadPoolExecutor(2) as pool:
                found += pool.map(store.counted, [part for part in store.parts if store.kept[part]])
        return found


class _Store:
    """Rows kept of one pass, by part of the actors."""

    def __init__(self, scan: EventScan, definition: Definition, cut: Cut, parts_n: int, parts: range) -> None:
        self.scan, self.definition, self.cut, self.parts_n, self.parts = scan, definition, cut, parts_n, parts
        c = scan.columns
        self.owner = {"actor": c.actor, "session": c.session}.get(definition.per, definition.per)
        self.coded = list(dict.fromkeys([*cut.by, *definition.hold]))
        self.filters = list(dict.fromkeys(one.name for choice in definition.choices for one in choice.where))
        extra = [*self.coded, *self.filters, *([cut.value] if cut.value else [])]
        self.needed = list(dict.fromkeys([self.owner, c.event, c.time, *extra]))
        self.kept: dict[int, list[dict[str, Any]]] = {part: [] for part in parts}
        self.values: dict[str, dict[str, int]] = {name: {} for name in self.coded}
        self.event_codes: dict[str, int] = {}

    def add(self, batch: pa.RecordBatch) -> None:
        """Keep the rows of a batch that the count needs."""
        c, definition = self.scan.columns, self.definition
        codes, names = dictionary(batch.column(c.event))
        self.scan._seen["names"].update(names)  # noqa: SLF001 - the store is part of the scan

        def values(name: str) -> NDArray[Any]:
            return plain_values(batch.column(name))

        mask = masks(codes, names, values, [one.choices for one in definition.steps])
        bad = masks(codes, names, values, [one.choices for one in definition.exclude])
        keep = named(batch.column(self.owner))
        if definition.order != "strict":
            keep &= (mask > 0) | (bad > 0)
        rows = np.flatnonzero(keep)
        row: dict[str, Any] = {
            "owner": ids(batch.column(self.owner), rows),
            "time": micro(batch.column(c.time), rows),
            "mask": mask[rows],
            "bad": bad[rows],
        }
        if definition.twins == "once":
            table = np.array(
                [self.event_codes.setdefault(name, len(self.event_codes)) for name in [*names, ""]]
            )
            row["event"] = table[codes[rows]]
        for name in self.coded:
            row[name] = self._codes(name, batch.column(name), rows)
        if self.cut.value:
            row["value"] = numbers(batch.column(self.cut.value), rows)
        good = row["time"] <= self.scan.as_of_us
        for name in definition.hold:
            good &= row[name] >= 0
        part = _part_of(row["owner"], self.parts_n)
        for number in self.parts:
            mine = np.flatnonzero(good & (part == number))
            if len(mine):
                self.kept[number].append({name: take(column, mine) for name, column in row.items()})

    def _codes(self, name: str, column: pa.Array, rows: NDArray[np.int64]) -> NDArray[np.int32]:
        codes, names = dictionary(as_texts(column))
        known = self.values[name]
        table = np.array([known.setdefault(one, len(known)) if one else -1 for one in [*names, ""]], np.int32)
        return table[codes[rows]]

    def counted(self, number: int) -> FunnelCounts:
        """Count one part."""
        pieces = self.kept.pop(number)
        columns = {name: joined([piece[name] for piece in pieces]) for name in pieces[0]}
        owner = coded(columns["owner"])
        time, unit = columns["time"], owner
        if self.definition.grain_us:
            time = time // self.definition.grain_us * self.definition.grain_us
        for name in self.definition.hold:
            unit = np.unique(unit * (columns[name].max() + 2) + columns[name] + 1, return_inverse=True)[1]
        owner = unit if self.definition.apart else owner
        if self.definition.order == "strict":
            kept = _from_first_start(unit, time, columns["mask"])
            unit, owner, columns = (
                unit[kept],
                owner[kept],
                {name: take(one, kept) for name, one in columns.items()},
            )
            time = columns["time"] if not self.definition.grain_us else time[kept]
        order = _order(unit, time) if time is columns["time"] else np.lexsort((columns["time"], time, unit))
        if self.definition.twins == "once":
            order = order[first_of_twins(unit[order], time[order], columns["event"][order])]
        rows = Rows(
            unit=unit[order], time=time[order], mask=columns["mask"][order], bad=columns["bad"][order],
            owner=owner[order],
        )  # fmt: skip
        made = walk(rows, self.definition)
        labels: list[str] = []
        split = None
        if len(made.place) and (self.cut.period or self.cut.at_us is not None):
            split, labels = split_of(made.groups.time[made.place[:, 0]], self.cut)
        units = choose(made, self.scan.as_of_us, self.cut.since_us, self.cut.until_us, split)
        group, groups = self._groups(units, columns, order, labels)
        value = None
        if self.cut.value:
            cells = columns["value"][order]
            value = np.where(units.row >= 0, cells[np.maximum(units.row, 0)], np.nan)
        found = tally(units, group, groups, self.definition, self.scan.as_of_us, value, self.scan.times_us)
        return replace(found, units=nobody(found.units), unit_group=np.zeros(0, np.int64))

    def _groups(
        self, units: Any, columns: dict[str, Any], order: NDArray[np.int64], labels: list[str]
    ) -> tuple[NDArray[np.int64], tuple[tuple[str, ...], ...]]:
        from funnelnb.data.events.counts import credited, named_groups

        parts: list[tuple[NDArray[np.int64], list[str]]] = []
        if labels:
            parts.append((units.split, labels))
        for name in self.cut.by:
            values = list(self.values[name])
            found = credited(columns[name][order].astype(np.int64), units, self.cut.credit)
            parts.append((np.where(found < 0, len(values), found), [*values, ""]))
        return named_groups(parts, len(units))


def _part_of(ids: Any, parts_n: int) -> NDArray[np.int64]:
    """Return the part of the actors that each id belongs to."""
    if isinstance(ids, np.ndarray):
        with np.errstate(over="ignore"):
            mixed = (ids.astype(np.uint64) * _GOLDEN) >> np.uint64(32)
    else:
        import pandas as pd

        mixed = pd.util.hash_array(ids.to_numpy(zero_copy_only=False).astype(object), categorize=True)
    return (mixed % np.uint64(parts_n)).astype(np.int64)


def _from_first_start(
    unit: NDArray[np.int64], time: NDArray[np.int64], mask: NDArray[np.uint32]
) -> NDArray[np.int64]:
    """Return the rows from the first event of the first step on: what lies before belongs to no attempt."""
    first = np.full(int(unit.max(initial=-1)) + 1, np.iinfo(np.int64).max)
    starts = np.flatnonzero(mask & np.uint32(1))
    np.minimum.at(first, unit[starts], time[starts])
    return np.flatnonzero(time >= first[unit])


def _order(unit: NDArray[np.int64], time: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the order by unit, then time, ties as they stand: one sort of one key where it fits into 63 bits."""
    if not len(unit):
        return np.zeros(0, np.int64)
    low = int(time.min())
    span = int(time.max()) - low + 1
    if (int(unit.max()) + 1) * span >= 2**63 or int(unit.min()) < 0:
        return np.lexsort((time, unit))
    return np.argsort(unit * span + (time - low), kind="stable")
