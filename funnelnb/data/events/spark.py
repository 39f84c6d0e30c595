"""The same counts on a Spark cluster: rows are dealt out by actor, each part is counted where it lies.

Nothing but finished counts comes back: every executor runs the walk of ``walk.py`` on its part (the definitions
are not written a second time), and Spark adds the parts up. Needs pyspark; tested in local mode.
"""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.core.errors import MissingDataError, ParameterError
from funnelnb.data.events.counts import DAY_US, Cut, FunnelCounts, Spans, merge
from funnelnb.data.events.scan import Columns, EventScan
from funnelnb.data.events.sources import as_of_of, columns_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from funnelnb.core.check import Day
    from funnelnb.core.note import Note
    from funnelnb.data.events.definition import Definition

PARTS = 64
_SCHEMA = "kind string, grp string, k int, days double, done long, n long, x double"
_TABLES = ("reached_n", "advanced_n", "running_n", "dropped_n", "known_n")


@dataclass(frozen=True, slots=True, kw_only=True)
class SparkEvents:
    """A log in a Spark frame, counted there.

    Attributes
    ----------
    frame : pyspark.sql.DataFrame
    columns : Columns
    properties : tuple of str
    as_of : numpy.datetime64
    parts : int
        Into how many parts the actors are dealt.
    """

    frame: Any
    columns: Columns
    properties: tuple[str, ...]
    as_of: np.datetime64
    parts: int = PARTS
    currency: str = ""
    whole_days: bool = False
    json_columns: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()

    @property
    def as_of_us(self) -> int:
        """The as-of time in microseconds."""
        return int(self.as_of.astype("M8[us]").astype(np.int64))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the events, from a distinct count on the cluster."""
        rows = self.frame.select(self.columns.event).distinct().collect()
        return tuple(sorted(str(row[0]) for row in rows if row[0] is not None))

    def plan(self, definition: Definition, cut: Cut | None = None) -> Any:
        """Return the Spark frame of counts: one row per kind, group, step and time, added up over the parts."""
        from pyspark.sql import functions as F  # noqa: N812 - as everybody calls it

        cut = cut or Cut()
        owner = self._owner(definition)
        frame = self.frame
        names = [choice.event for choice in definition.choices]
        if definition.order != "strict" and None not in names:
            frame = frame.filter(F.col(f"`{self.columns.event}`").isin([name for name in names if name]))
        needed = list(dict.fromkeys([owner, *_needed(self.columns, definition, cut)]))
        part = F.pmod(F.xxhash64(F.col(f"`{owner}`")), F.lit(self.parts))
        chosen = frame.select(*[F.col(f"`{name}`") for name in needed], part.alias("part of actors"))
        count = _counting(_Part(self.columns, self.properties, self.as_of, definition, cut))
        with warnings.catch_warnings():  # it warns of pandas, which takes no part here
            warnings.simplefilter("ignore", FutureWarning)
            counted = chosen.groupBy("part of actors").applyInArrow(count, _SCHEMA)
        return counted.groupBy("kind", "grp", "k", "days", "done").agg(
            F.sum("n").alias("n"), F.sum("x").alias("x")
        )

    def _owner(self, definition: Definition) -> str:
        own = {"actor": self.columns.actor, "session": self.columns.session}.get(
            definition.per, definition.per
        )
        if not own:
            raise MissingDataError("the log has no column of sessions", expected='session="…" names it')
        return own

    def count_funnel(self, definition: Definition, cut: Cut) -> FunnelCounts:
        """Count a funnel on the cluster; what comes back are counts."""
        from funnelnb.data.events.definition import check_choices

        rows = [row.asDict() for row in self.plan(definition, cut).collect()]
        if not rows:
            check_choices(definition.choices, self.names)
            raise ParameterError("no event of the log is a step", expected="steps that happened")
        seen = {row["grp"] for row in rows if row["kind"] == "name"}
        if any(one.event is not None and one.event not in seen for one in definition.choices):
            check_choices(definition.choices, self.names)
        return _unfolded([row for row in rows if row["kind"] != "name"], definition)


def _needed(columns: Columns, definition: Definition, cut: Cut) -> list[str]:
    filters = [one.name for choice in definition.choices for one in choice.where]
    return [
        columns.event,
        columns.time,
        *cut.by,
        *definition.hold,
        *filters,
        *([cut.value] if cut.value else []),
    ]


def _counting(part: _Part) -> Any:
    """Return the function that Spark calls; it reads from its types that tables go in and come out."""
    import pyarrow

    def count(table):  # type: ignore[no-untyped-def]
        return part(table)

    count.__annotations__ = {"table": pyarrow.Table, "return": pyarrow.Table}
    return count


class _Part:
    """Counts one part of the actors: runs on an executor."""

    def __init__(
        self,
        columns: Columns,
        properties: tuple[str, ...],
        as_of: np.datetime64,
        definition: Definition,
        cut: Cut,
    ) -> None:
        self.columns, self.properties, self.as_of = columns, properties, as_of
        self.definition, self.cut = definition, cut

    def __call__(self, table: pa.Table) -> pa.Table:
        import pyarrow as pa

        seen: dict[str, set[str]] = {"names": set()}
        log = EventScan(
            batches=lambda wanted, _: iter(table.select(list(wanted)).combine_chunks().to_batches()),
            columns=self.columns, properties=self.properties, as_of=self.as_of, rows_n=table.num_rows, _seen=seen,
            memory_bytes=2**62,
        )  # fmt: skip
        rows: list[tuple[Any, ...]] = []
        part = log.counted_parts(self.definition, self.cut)
        if part:
            rows = _folded(merge(part))
        rows += [("name", name, 0, 0.0, 0, 1, 0.0) for name in sorted(seen["names"]) if name]
        kinds = [pa.string(), pa.string(), pa.int32(), pa.float64(), pa.int64(), pa.int64(), pa.float64()]
        names = [one.split()[0] for one in _SCHEMA.split(", ")]
        columns = list(zip(*rows, strict=True)) or [()] * len(names)
        return pa.table(
            [pa.array(list(one), kind) for one, kind in zip(columns, kinds, strict=True)], names=names
        )


def _folded(counts: FunnelCounts) -> list[tuple[Any, ...]]:
    """Return counts as rows that add up."""
    rows: list[tuple[Any, ...]] = []
    for g, group in enumerate(counts.groups):
        name = json.dumps(list(group))
        size = counts.reached_n.shape[1]
        for k in range(size):
            rows += [(table, name, k, 0.0, 0, int(getattr(counts, table)[g, k]), 0.0) for table in _TABLES]
            rows.append(("amount", name, k, 0.0, 0, 0, float(counts.amount[g, k])))
            rows += [(f"moment {m}", name, k, 0.0, 0, 0, float(counts.moments[g, k, m])) for m in range(6)]
        rows += [("whole_n", name, k, 0.0, 0, int(counts.whole_n[g, k]), 0.0) for k in range(3)]
        for number, spans in enumerate((*counts.steps, counts.whole)):
            mine = spans.of(g)
            kind = f"span {number if number < len(counts.steps) else -1}"
            rows += [
                (kind, name, 0, days, done, n, 0.0)
                for days, done, n in zip(mine.days.tolist(), mine.done.tolist(), mine.n.tolist(), strict=True)
            ]
    if counts.void_n:
        rows.append(("void", "[]", 0, 0.0, 0, counts.void_n, 0.0))
    return rows


def _unfolded(rows: Sequence[Mapping[str, Any]], definition: Definition) -> FunnelCounts:
    """Return counts from their rows."""
    from funnelnb.data.events.attempts import Units

    names = sorted({tuple(json.loads(row["grp"])) for row in rows if row["kind"] != "void"})
    place = {group: g for g, group in enumerate(names)}
    size = (len(names), len(definition.steps))
    tables = {name: np.zeros(size, np.int64) for name in _TABLES}
    whole, amount = np.zeros((len(names), 3), np.int64), np.zeros(size)
    moments = np.zeros((*size, 6))
    spans: dict[int, list[tuple[int, float, int, int]]] = {}
    void = 0
    for row in rows:
        kind, k = row["kind"], row["k"]
        g = place.get(tuple(json.loads(row["grp"])), 0)
        if kind in tables:
            tables[kind][g, k] = row["n"]
        elif kind == "whole_n":
            whole[g, k] = row["n"]
        elif kind == "amount":
            amount[g, k] = row["x"]
        elif kind.startswith("moment"):
            moments[g, k, int(kind.split()[1])] = row["x"]
        elif kind.startswith("span"):
            spans.setdefault(int(kind.split()[1]), []).append((g, row["days"], row["done"], row["n"]))
        else:
            void = int(row["n"])
    required = tuple(range(size[1])) if definition.order == "any" else definition.required
    none, table = np.zeros(0, np.int64), np.zeros((0, size[1]), np.int64)
    units = Units(
        unit=none, time=table, row=table, running=np.zeros(0, bool), run_start=none, void_n=0, split=none,
        required=required,
    )  # fmt: skip
    return FunnelCounts(
        groups=tuple(names), **tables, whole_n=whole, amount=amount, moments=moments,
        steps=tuple(_span(spans.get(k, [])) for k in range(size[1] - 1)), whole=_span(spans.get(-1, [])),
        units=units, unit_group=none, void_n=void,
    )  # fmt: skip


def _span(rows: list[tuple[int, float, int, int]]) -> Spans:
    rows = sorted(rows, key=lambda one: (one[0], one[2], one[1]))
    group, days, done, n = (
        (np.array(column) for column in zip(*rows, strict=True)) if rows else (np.zeros(0),) * 4
    )
    whole = np.rint(np.asarray(days, float) * DAY_US) / DAY_US
    return Spans(group=group.astype(np.int64), days=whole, done=done.astype(np.int64), n=n.astype(np.int64))


def opened_spark(
    frame: Any, given: Mapping[str, str | None], as_of: Day | None, currency: str
) -> SparkEvents:
    """Open a Spark frame as a log that is counted there."""
    from pyspark.sql import functions as F  # noqa: N812

    names = list(frame.columns)
    columns = columns_of(names, given, "the Spark frame")
    last = None
    if as_of is None:
        last = frame.select(F.max(F.unix_micros(F.col(f"`{columns.time}`").cast("timestamp")))).collect()[0][
            0
        ]
        last = None if last is None else int(last)
    return SparkEvents(
        frame=frame, columns=columns, properties=tuple(names), as_of=as_of_of(as_of, last), currency=currency
    )
