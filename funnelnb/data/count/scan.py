"""Counting where the rows lie: a source for tables too large to hold, or better left in their engine."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.core.errors import FunnelError, MissingDataError, ParameterError
from funnelnb.core.machine import free_bytes
from funnelnb.core.note import Note
from funnelnb.data.clean.as_of import day_of_export, observed_since
from funnelnb.data.contract.calendar import in_engine
from funnelnb.data.contract.clock import UNKNOWN, converted, moments_among, on_clock, zone_of
from funnelnb.data.count.counts import LOST_OUT, StageCounts, StayCounts, TimeCounts
from funnelnb.data.count.groups import (
    By,
    Cohort,
    Grouping,
    check_attribute,
    codes_of_days,
    combine,
    listed,
    name_of,
)
from funnelnb.data.count.held import distinct, in_parts, rows_of
from funnelnb.data.count.pieces import notes_of, stage_counts_of, stay_counts_of, time_counts_of
from funnelnb.data.count.relations import NONE, UNKNOWN_TIME, Relations
from funnelnb.data.count.tally import (
    Spans,
    check_step,
    from_cells,
    from_moves,
    from_spans,
    stage_counts,
    stay_counts,
    time_counts,
)
from funnelnb.data.ledger.attributes import code, unchunked
from funnelnb.data.ledger.build import NEEDED, attribute_names, check_outcomes, from_frames
from funnelnb.data.ledger.codes import CONTRADICTIONS, FACTS, Codes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray

    from funnelnb.core.check import Day
    from funnelnb.data.contract.calendar import Calendar
    from funnelnb.data.ledger.ledger import Ledger
    from funnelnb.playbooks.model import Playbook

ROW_BYTES = 500
"""Memory that a row of deals or history takes while it becomes a ledger."""

FEW_ROWS = 5_000_000
"""So many rows are pulled into memory without asking whether they fit."""


class Scan:
    """Canonical tables in any engine, counted there by the ledger's rules.

    A frame that is only described (DuckDB relation, lazy Polars frame, PySpark frame) is counted by its engine;
    only counts come back. A frame in memory (pandas, Polars, PyArrow) becomes a ledger first, which is faster
    (and the only way for PyArrow, which has no window functions). Both ways give equal counts.

    Parameters
    ----------
    opportunities, stage_history : frame
        Canonical tables in any engine that narwhals knows, both in the same one; the history may be missing.
    playbook : Playbook
    as_of : datetime64, date or ISO text
        The instant up to which rows count.
    observed_from : datetime64 or ISO text, optional
        Since when deals were recorded completely.
    currency : str
    timezone : str, optional
        Zone on whose wall clock moments (times with a zone) are told. Default: UTC. Times without a zone are
        taken as they stand.
    in_engine : bool, optional
        True: count in the engine even if the frame is in memory. Default: only what is not in memory.

    Raises
    ------
    MissingDataError
        A needed column is missing, or is not a date.
    FunnelError
        Two deals have the same id, or an outcome is not known.

    Notes
    -----
    DuckDB tables of more than four million rows are counted part by part, each deal whole in one part, so that
    memory does not grow with the rows; what does not fit lies in the connection's ``temp_directory`` until then.

    Checked against: the ledger in memory, for messy random histories in pandas, Polars, PyArrow, DuckDB and PySpark
    (``tests/data/test_engines.py``).

    Examples
    --------
    >>> import polars as pl
    >>> from funnelnb.playbooks.model import Label, Playbook, Stage
    >>> name = Label(en="", zh="")
    >>> stages = (Stage(id="lead", label=name), Stage(id="won", label=name, kind="won"))
    >>> playbook = Playbook(id="two", label=name, about=name, source="", stages=stages)
    >>> deals = pl.LazyFrame({"opportunity_id": ["1", "2"], "outcome": ["open", "won"]})
    >>> Scan(deals, playbook=playbook, as_of="2026-06-30").stage_counts().reached_n.tolist()
    [[2, 1]]
    """

    def __init__(
        self,
        opportunities: Any,
        stage_history: Any = None,
        *,
        playbook: Playbook,
        as_of: Day | None,
        observed_from: Any = None,
        currency: str = "",
        timezone: str | None = None,
        in_engine: bool | None = None,
    ) -> None:
        import narwhals as nw

        self.playbook = playbook
        self.timezone = zone_of("timezone", timezone)
        self.as_of = day_of_export(as_of, self.timezone)
        self.observed_from = observed_since(observed_from, self.as_of, self.timezone)
        self.currency = currency
        self._frames = (opportunities, stage_history)
        self._answers: dict[str, Any] = {}
        try:
            frame = nw.from_native(opportunities)
        except TypeError:
            raise ParameterError(
                f"opportunities is of type {type(opportunities).__name__}",
                expected="a table of pandas, Polars, PyArrow, DuckDB or Spark",
                hint="fn.data.Scan(deals, history, playbook=book.playbook, as_of=book.as_of)",
            ) from None
        self.attributes = tuple(attribute_names(frame))
        self.in_engine = isinstance(frame, nw.LazyFrame) if in_engine is None else in_engine
        if "opportunity_id" not in frame.collect_schema().names():
            raise MissingDataError(
                "the table opportunities has no column 'opportunity_id'", expected="one id per deal"
            )

    @cached_property
    def ledger(self) -> Ledger:
        """The ledger of the tables, pulled into memory; FunnelError before they would fill it."""
        if self.in_engine and self._beyond_memory():
            raise self._too_many()
        return from_frames(
            *self._frames,
            playbook=self.playbook,
            as_of=self.as_of,
            observed_from=self.observed_from,
            timezone=self.timezone,
        )

    @cached_property
    def _rows_n(self) -> int:
        """Rows of both tables."""
        import narwhals as nw

        tables = [nw.from_native(one).lazy() for one in self._frames if one is not None]
        return sum(int(_collected(one.select(nw.len().alias("n")))["n"][0].as_py()) for one in tables)

    def _beyond_memory(self) -> bool:
        """Whether the rows take more memory than there is."""
        free = free_bytes() if self._rows_n > FEW_ROWS else 0
        return bool(free) and self._rows_n * ROW_BYTES > free

    def _too_many(self) -> FunnelError:
        """Return the error of rows that take more memory than there is."""
        taken, left = f"{self._rows_n * ROW_BYTES / 1e9:,.1f}", f"{free_bytes() / 1e9:,.1f}"
        return FunnelError(
            f"{self._rows_n:,} rows take about {taken} GB of memory, {left} GB are free, and the engine cannot "
            "count them: deals without a history, without a date or that contradict themselves are worked out one by "
            "one in memory",
            expected="deals with a stage history and dates, or fewer of them",
            hint="give the history as the second table, or filter the deals (by year, by region) before counting",
        )

    @cached_property
    def in_pieces(self) -> bool:
        """Whether deals that only memory can count are counted piece by piece: in DuckDB, where they would fill it."""
        if not self._in_duckdb or self.counts_there or self.observed_from is not None:
            return False
        return self._beyond_memory()

    @property
    def _in_duckdb(self) -> bool:
        import narwhals as nw

        frames = [nw.from_native(one) for one in self._frames if one is not None]
        return self.in_engine and all(one.implementation.is_duckdb() for one in frames)

    def _once(self, asked: tuple[Any, ...], answer: Callable[[], Any]) -> Any:
        """Return what was asked for before, or work it out: each time all deals pass through memory."""
        if repr(asked) not in self._answers:
            self._answers[repr(asked)] = answer()
        return self._answers[repr(asked)]

    def _pieces(self, by: By = ()) -> Iterator[Ledger]:
        """Yield ledgers of some million deals each, with what they are grouped by."""
        names = [one for one in listed(by) if isinstance(one, str)]
        for one in names:
            check_attribute(one, self.attributes)
        if self._frames[1] is None:
            tables: Iterable[tuple[Any, Any]] = (
                (one, None) for one in rows_of(self._deals, [*NEEDED, *names])
            )
            earlier = self._goes_on
        else:
            tables = ((one.opportunities, one.stage_history) for one in self._relations)
            earlier = self._relations[0].earlier
        for deals, history in tables:
            yield from_frames(
                deals, history, playbook=self.playbook, as_of=self.as_of, attributes=names,
                timezone=self.timezone, earlier=earlier,
            )  # fmt: skip

    @cached_property
    def _goes_on(self) -> bool:
        """Whether anything is recorded after the as-of date; FunnelError for what loading would have refused."""
        import narwhals as nw

        _check_outcomes(self._deals)
        deal_n, ids_n = distinct(self._deals, "opportunity_id")
        if ids_n < deal_n:
            raise _repeated(deal_n, ids_n)
        whole = Relations(
            opportunities=self._deals, stage_history=None, playbook=self.playbook,
            as_of_s=int(self.as_of.astype(np.int64)),
        )  # fmt: skip
        times = _collected(whole.recorded().select(nw.col("created_s").max(), nw.col("closed_s").max()))
        return max(int(of[0].as_py() or 0) for of in times.values()) > whole.as_of_s

    @cached_property
    def counts_there(self) -> bool:
        """Whether the engine counts: not where ends, histories or records are incomplete or contradict themselves.

        What is not known is worked out deal by deal, in memory (see :mod:`funnelnb.data.count.tally`).
        """
        if not self.in_engine or self.observed_from is not None:
            return False
        if self._frames[1] is None and self._in_duckdb and self._beyond_memory():
            return False
        found = {note.code for note in self._engine_notes()}
        return not found & {"closed_date_missing", "history_missing", "reopened", "created_unknown"}

    @cached_property
    def notes(self) -> tuple[Note, ...]:
        """What was missing, assumed or repaired."""
        alone = (self.counts_there or self.in_pieces) and "account_id" in self.attributes
        if self.counts_there:
            own = self._engine_notes()
        else:
            own = notes_of(self._pieces()) if self.in_pieces else self.ledger.notes
        return (
            *own,
            *((Note("accounts_not_counted"),) if alone else ()),
            *self._clock_notes(),
        )

    def _clock_notes(self) -> tuple[Note, ...]:
        """Tell which columns hold moments, and on whose clock they were told."""
        import narwhals as nw

        return tuple(
            converted({"file": table, "column": column}, self.timezone)
            for (table, columns), frame in zip(_TIMES.items(), self._frames, strict=True)
            if frame is not None
            for column in moments_among(nw.from_native(frame), columns)
        )

    def stage_counts(self, by: By = ()) -> StageCounts:
        """How many deals of each group reached, passed, lost and sit at each stage? As :func:`tally.stage_counts`."""
        _no_codes(by)
        if self.in_pieces:
            return self._once(("stages", by), lambda: stage_counts_of(self._pieces(by), by))
        if not self.counts_there:
            return stage_counts(self.ledger, by)
        group, code, table = self._counted(by, "standings")
        place, shape = (code, table["furthest"], table["outcome"]), (len(group.groups), self._positions, 4)
        cells = {name: _cells(place, shape, table[name]) for name in ("n", "amount", "amount_n", "amount_sq")}
        return from_cells(group, self.playbook.stage_ids, self.playbook.won, **cells)

    def stay_counts(self, by: By = ()) -> StayCounts:
        """How did every stay in a stage end? As :func:`tally.stay_counts`."""
        _no_codes(by)
        if self.in_pieces:
            return self._once(("stays", by), lambda: stay_counts_of(self._pieces(by), by))
        if not self.counts_there:
            return stay_counts(self.ledger, by)
        group, code, table = self._counted(by, "moves")
        shape = (len(group.groups), self._positions, self._positions + 3)
        place = (code, table["place"], table["following"] + 3)
        cells = {name: _cells(place, shape, table[name]) for name in ("n", "amount")}
        return from_moves(group, self.playbook.stage_ids, **cells)

    def time_counts(
        self, origin: int, target: int, by: By = (), calendar: Calendar | None = None
    ) -> TimeCounts:
        """How long from one position to the next outcome? As :func:`tally.time_counts`.

        Raises
        ------
        ParameterError
            Business days of tables that are counted in their engine.
        """
        check_step(origin, target, self._positions)
        if self.in_engine and calendar is not None and not calendar.every_day:
            raise in_engine(calendar)
        _no_codes(by)
        if self.in_pieces:
            way = ("times", origin, target, by)
            return self._once(way, lambda: time_counts_of(self._pieces(by), origin, target, by))
        if not self.counts_there:
            return time_counts(self.ledger, origin, target, by, None if self.in_engine else calendar)
        since = None if self.observed_from is None else int(self.observed_from.astype(np.int64))
        group, code, table = self._counted(by, "times", origin=origin, target=target, observed_from_s=since)
        known = table["event"] <= LOST_OUT
        spans = Spans(
            group=code[known],
            time_s=table["time_s"][known],
            entry_s=table["entry_s"][known],
            outcome=table["event"][known],
            n=table["n"][known],
            amount=table["amount"][known],
        )
        unknown_n = _cells((code,), (len(group.groups),), table["n"] * (table["event"] == UNKNOWN_TIME))
        return from_spans(group, (origin, target), spans, unknown_n)

    @property
    def _positions(self) -> int:
        return len(self.playbook.stages)

    @cached_property
    def _deals(self) -> Any:
        """The deals, with their times on the clock of the zone."""
        import narwhals as nw

        return on_clock(nw.from_native(self._frames[0]).lazy(), _TIMES["opportunities"], self.timezone)

    @cached_property
    def _relations(self) -> list[Relations]:
        """The tables as relations, once they have been found fit to count: each deal whole, in one of them."""
        import narwhals as nw

        deals = self._deals
        history = self._frames[1]
        if history is not None:
            history = on_clock(nw.from_native(history).lazy(), _TIMES["stage_history"], self.timezone)
        if history is not None and _id_kind(deals) != _id_kind(history):
            text = nw.col("opportunity_id").cast(nw.String)
            deals, history = deals.with_columns(text), history.with_columns(text)
        parts = [
            Relations(
                opportunities=tables[0],
                stage_history=tables[1] if history is not None else None,
                playbook=self.playbook,
                as_of_s=int(self.as_of.astype(np.int64)),
                attributes=self.attributes,
            )
            for tables in in_parts([deals, *([] if history is None else [history])], "opportunity_id", self)
        ]
        earlier = _checked(deals, parts) > int(self.as_of.astype(np.int64))
        return [replace(part, earlier=earlier) for part in parts]

    def _counted(
        self, by: By, way: str, **step: int | None
    ) -> tuple[Grouping, NDArray[np.int64], dict[str, NDArray[Any]]]:
        """Let the engine count by group; return the groups, the group of each row, and the rows."""
        wanted = listed(by)
        for one in wanted:
            if isinstance(one, str):
                check_attribute(one, self.attributes)
        keys = [one.position if isinstance(one, Cohort) else one for one in wanted]
        columns = _together([getattr(part, way)(by=keys, **step) for part in self._relations])
        codes = [_codes(columns.pop(f"by_{k}"), one) for k, one in enumerate(wanted)]
        group = combine(tuple(map(name_of, wanted)), codes)
        kinds = {name: np.float64 if name in ("amount", "amount_sq") else np.int64 for name in columns}
        table = {
            name: column.to_numpy(zero_copy_only=False).astype(kinds[name])
            for name, column in columns.items()
        }
        code = np.zeros(len(table["n"]), np.int64) if group.code is None else group.code.astype(np.int64)
        return group, code, table

    def _engine_notes(self) -> tuple[Note, ...]:
        """Count what the notes tell."""
        facts = {
            name: sum(int(one.as_py() or 0) for one in column)
            for name, column in _together([part.fact_counts() for part in self._relations]).items()
        }
        deal_n = facts["deals_n"]
        told = [name for name in FACTS if facts.get(name)]
        examples = {name: {"examples": "–"} if name in CONTRADICTIONS else {} for name in told}
        return tuple(Note(name, {"deals_n": facts[name], "of_n": deal_n} | examples[name]) for name in told)


_TIMES = {"opportunities": ("created_at", "closed_at"), "stage_history": ("entered_at",)}
"""Tables that are counted, and their columns of times."""


def _id_kind(frame: Any) -> Any:
    return frame.collect_schema()["opportunity_id"]


def _checked(opportunities: Any, parts: list[Relations]) -> int:
    """Refuse what loading would have refused; return the latest time that is recorded."""
    import narwhals as nw

    _check_outcomes(opportunities)
    sizes = nw.len().alias("n"), nw.col("deal").n_unique().alias("ids_n")
    latest = nw.col("created_s").max(), nw.col("closed_s").max()
    facts = _together([part.recorded().select(*sizes, *latest) for part in parts])
    deal_n, ids_n = (sum(int(one.as_py() or 0) for one in facts[name]) for name in ("n", "ids_n"))
    if ids_n < deal_n:
        raise _repeated(deal_n, ids_n)
    times = [*facts["created_s"], *facts["closed_s"]]
    histories = [(part.history(), part.recorded().select("deal")) for part in parts]
    entered = [
        history.join(deals, on="deal").select(nw.col("entered_s").max())
        for history, deals in histories
        if history is not None
    ]
    if entered:
        times += _together(entered)["entered_s"]
    return max(int(one.as_py() or 0) for one in times)


def _check_outcomes(opportunities: Any) -> None:
    """Raise FunnelError for an outcome that is not known."""
    import narwhals as nw

    if "outcome" in opportunities.collect_schema().names():
        outcomes = opportunities.select(nw.col("outcome").cast(nw.String)).unique()
        check_outcomes(_collected(outcomes)["outcome"].to_pylist())


def _repeated(deal_n: int, ids_n: int) -> FunnelError:
    return FunnelError(
        f"the table opportunities has {deal_n} deals but {ids_n} different ids",
        expected="one row per deal",
        hint="remove the duplicates",
    )


def _collected(frame: Any) -> dict[str, Any]:
    """Let the engine compute `frame`; return its columns as Arrow arrays."""
    table = frame.collect("pyarrow")  # pandas adds its index
    return {name: unchunked(table[name].to_arrow()) for name in frame.collect_schema().names()}


def _together(frames: list[Any]) -> dict[str, Any]:
    """Let the engine compute `frames` one after the other; return their columns, one below the other."""
    import pyarrow as pa

    tables = [_collected(frame) for frame in frames]
    if len(tables) == 1:
        return tables[0]
    return {name: pa.concat_arrays([one[name] for one in tables]) for name in tables[0]}


def _codes(column: Any, one: str | Cohort | Codes) -> Codes:
    if not isinstance(one, Cohort):
        return code(column)
    day = column.to_numpy(zero_copy_only=False).astype(np.int64)
    return codes_of_days(np.where(day == NONE, UNKNOWN, day), one.period)


def _cells(place: tuple[NDArray[Any], ...], shape: tuple[int, ...], values: NDArray[Any]) -> NDArray[Any]:
    """Add up `values` that belong to the same cell."""
    cells = np.zeros(shape, values.dtype)
    np.add.at(cells, place, values)
    return cells


def _no_codes(by: By) -> None:
    """Raise ParameterError if deals are grouped by codes of a ledger: a scan's rows have none."""
    if any(isinstance(one, Codes) for one in listed(by)):
        raise ParameterError("by = codes of a ledger's deals", expected="an attribute or a Cohort")
