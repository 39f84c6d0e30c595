"""From any frame that narwhals knows to a ledger: coded columns and one NumPy kernel for every engine."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.core.arrays import each, workers
from funnelnb.core.check import timestamp
from funnelnb.core.errors import FunnelError, MissingDataError, nearest
from funnelnb.core.note import Note
from funnelnb.data.contract.clock import UNKNOWN, column_on_clock
from funnelnb.data.contract.tables import END_MARKS, TABLES
from funnelnb.data.ledger.attributes import Attributes, Ids, code, plain, unchunked
from funnelnb.data.ledger.coded import UNRECORDED, Deals, Keys, Rows
from funnelnb.data.ledger.codes import (
    FACTS,
    LEFT,
    LEFT_DEAL,
    LOST,
    LOST_DEAL,
    OPEN_DEAL,
    WON_DEAL,
    Codes,
    fact_notes,
)
from funnelnb.data.ledger.ids import deal_codes
from funnelnb.data.ledger.ledger import Ledger
from funnelnb.data.ledger.stays import Stays, stays_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from funnelnb.core.check import Day
    from funnelnb.data.book import Book
    from funnelnb.playbooks.model import Playbook


# ---- From coded arrays to a ledger: one NumPy kernel for every engine --------------------------------------

DAY_S = 86_400
BLOCK = 1 << 15
"""Deals that are worked on together."""

_COLUMNS: dict[str, tuple[str, type]] = {
    "deal": ("stay", np.int32),
    "stage": ("stay", np.int16),
    "entered_s": ("stay", np.int64),
    "left_s": ("stay", np.int64),
    "next": ("stay", np.int16),
    "start": ("start", np.int64),
    "closed_s": ("deal", np.int64),
    "furthest": ("deal", np.int16),
}


def from_arrays(
    deals: Deals,
    rows: Rows,
    *,
    stage_ids: Sequence[str],
    won: int,
    as_of_s: int,
    observed_from_s: int = UNKNOWN,
    attributes: Mapping[str, Codes] | None = None,
    ids: Any = None,
    earlier: bool = False,
) -> Ledger:
    """Which stays in which stages do these coded arrays tell of?

    Parameters
    ----------
    deals : Deals
        D deals as recorded; what happened after the as-of date is masked here.
    rows : Rows
        Their stage history, in any order; may be empty.
    stage_ids : sequence of str, length P
    won : int
        Position of the won stage.
    as_of_s, observed_from_s : int
        Seconds since 1970-01-01.
    attributes : Mapping of str to Codes, optional
    ids : pyarrow.Array, optional
        Of text or integers, D of them. Default: their positions.
    earlier : bool
        Whether the data go on after the as-of date, as far as these deals do not tell.

    Returns
    -------
    Ledger

    Raises
    ------
    FunnelError
        The dates reach so far back that deal, time and stage do not fit into 63 bits.

    Notes
    -----
    - What happened after the as-of date is not seen. Where the data go on after it, the current stage of open
      deals is not used, and deals without any date up to it are left out.
    - Rows of one deal are ordered by time, in the same second by stage position; consecutive rows of one
      stage are one stay.
    - A deal created before its first row starts with a stay in the first stage. Created at or after it, the
      positions below were reached with it; without a creation date their time is not known.
    - A deal without any row has a stay in the first stage since its creation and, if it is recorded further
      on, one there since an unknown time.
    - A won deal whose history does not end at or beyond the won stage enters it when it was closed; an open
      deal that stands at or beyond the won stage is won.
    - A mark (LOST, LEFT) that ends an open deal's history closes the deal; one that is followed by another
      row does not count: the deal was reopened.
    - A deal whose history goes on after its closing date is closed with its last row.

    Checked against: a plain loop over deals written from these rules (``tests/data/reference.py``) and the
    counts made in five engines (``tests/data/test_engines.py``).
    """
    import pyarrow as pa

    recorded_n = len(deals.outcome)
    deals, rows, keep, notes, then = _cut(deals, rows, as_of_s, earlier=earlier)
    keys = Keys.fitting(_lowest(deals, rows, as_of_s), as_of_s, len(stage_ids) + 2, len(deals.outcome))
    key = keys.sort(rows, len(stage_ids))
    late_s = _records_begin(deals, rows, observed_from_s)
    del rows
    columns = _by_blocks(keys, key, deals, len(stage_ids), won, late_s)
    columns["facts"] |= then
    deal_ids = Ids(pa.array(np.arange(recorded_n)) if ids is None else ids)
    attributes = {} if attributes is None else attributes
    if len(deals.outcome) < recorded_n:
        deal_ids, attributes = deal_ids.of(keep), Attributes.of(attributes, keep)
    return Ledger(
        stage_ids=tuple(stage_ids),
        won=won,
        as_of_s=as_of_s,
        outcome=deals.outcome,
        created_s=deals.created_s,
        amount=deals.amount,
        attributes=attributes,
        ids=deal_ids,
        notes=(*notes, *fact_notes(columns["facts"], deal_ids)),
        observed_from_s=observed_from_s,
        **columns,
    )


def _by_blocks(
    keys: Keys, key: NDArray[np.int64], deals: Deals, positions: int, won: int, late_s: int
) -> dict[str, NDArray[Any]]:
    """Make the stays block by block: what a block needs stays in the processor's cache."""
    deal_n = len(deals.outcome)
    begins = range(0, deal_n, BLOCK)
    bits = keys.time_bits + keys.stage_bits
    edges = np.searchsorted(key, [begin << bits for begin in (*begins, deal_n)])
    # at most this many; memory that is not written to is not used
    size = {"stay": len(key) + 3 * deal_n, "start": deal_n + 1, "deal": deal_n}
    columns: dict[str, NDArray[Any]] = {
        name: np.empty(size[of], kind) for name, (of, kind) in _COLUMNS.items()
    }
    reached_s = np.empty((positions, deal_n), np.int64)
    facts = np.empty(deal_n, np.uint16)
    stay_n = 0

    def work(k: int) -> Stays:
        some = deals.take(slice(k * BLOCK, (k + 1) * BLOCK))
        recorded = some.take(np.arange(len(some.outcome)))
        stays = stays_of(
            keys, key[edges[k] : edges[k + 1]] - (k * BLOCK << bits), some, positions, won, late_s
        )
        facts[k * BLOCK : (k + 1) * BLOCK] = _facts(recorded, some, stays, won)
        reached_s[:, k * BLOCK : (k + 1) * BLOCK] = stays.reached_s
        return stays

    for k, stays in enumerate(_in_turn(work, len(begins))):
        stays.deal += k * BLOCK
        stays.start += stay_n
        for name, (of, _) in _COLUMNS.items():
            column, place = getattr(stays, name), stay_n if of == "stay" else k * BLOCK
            columns[name][place : place + len(column)] = column
        stay_n += len(stays.deal)
    columns["start"][-1] = stay_n
    columns = {
        name: column[:stay_n] if _COLUMNS[name][0] == "stay" else column for name, column in columns.items()
    }
    return {**columns, "reached_s": reached_s.T, "facts": facts}


def _in_turn(work: Callable[[int], Stays], count: int) -> Iterator[Stays]:
    """Return the results of `work` one by one, a few made at a time: never all of them in memory."""
    for begin in range(0, count, workers()):
        yield from each(work, range(begin, min(begin + workers(), count)))


def _records_begin(deals: Deals, rows: Rows, observed_from_s: int) -> int:
    """Return since when moves are recorded: `observed_from_s` if the histories of older deals begin with it too.

    Where most older deals have a row from before, their whole histories are there and only the deals are late:
    UNKNOWN, as it is without late records.
    """
    if observed_from_s == UNKNOWN:
        return UNKNOWN
    older = (deals.created_s != UNKNOWN) & (deals.created_s < observed_from_s)
    any_row, early = np.zeros(len(older), bool), np.zeros(len(older), bool)
    any_row[rows.deal] = True
    early[rows.deal[rows.entered_s < observed_from_s]] = True
    known = older & any_row
    return observed_from_s if known.any() and early[known].mean() < 0.5 else UNKNOWN


def _usable(rows: Rows) -> tuple[Rows, list[Note]]:
    """Leave out rows whose deal, stage or time is not known, and note how many."""
    rows_n = len(rows.deal)
    if rows_n and (rows.deal.min() < 0 or rows.stage.min() <= UNRECORDED or rows.entered_s.min() == UNKNOWN):
        rows = rows.take((rows.deal >= 0) & (rows.stage > UNRECORDED) & (rows.entered_s != UNKNOWN))
        return rows, [Note("history_rows_unusable", {"rows_n": rows_n - len(rows.deal)})]
    return rows, []


def _kept(deals: Deals, rows: Rows, keep: NDArray[np.bool_]) -> tuple[Deals, Rows]:
    """Keep some deals and their rows, numbered anew from 0."""
    renumbered = np.cumsum(keep, dtype=np.int64) - 1
    rows = rows.take(keep[rows.deal])
    rows.deal = renumbered[rows.deal]
    return deals.take(keep), rows


def _cut(
    deals: Deals, rows: Rows, as_of_s: int, *, earlier: bool = False
) -> tuple[Deals, Rows, NDArray[np.bool_], list[Note], NDArray[np.uint16]]:
    """Take away what cannot be used and what happened after the as-of date."""
    rows, notes = _usable(rows)
    closed_s = np.where(deals.outcome == OPEN_DEAL, UNKNOWN, deals.closed_s)  # of an open deal it is a hope
    closed_later, created_later = closed_s > as_of_s, deals.created_s > as_of_s
    entered_later = bool(len(rows.deal)) and bool(rows.entered_s.max() > as_of_s)
    earlier = earlier or entered_later or bool(closed_later.any()) or bool(created_later.any())
    undated = (deals.outcome >= LOST_DEAL) & (deals.closed_s == UNKNOWN)
    moved_later = np.zeros(len(deals.outcome), bool)
    if entered_later:
        moved_later[rows.deal[(rows.entered_s > as_of_s) & (rows.stage >= 0)]] = True
        rows = rows.take(rows.entered_s <= as_of_s)
    open_then = closed_later | (undated & moved_later)  # who still moved on had not ended
    outcome = np.where(open_then, np.int8(OPEN_DEAL), deals.outcome).astype(np.int8)
    unsure = undated & ~moved_later & earlier
    stage, keep = deals.stage, ~created_later
    if earlier:
        # the stage column tells of a later day; a deal without a date by then may not have been there
        stage = np.where(outcome == OPEN_DEAL, np.int16(UNRECORDED), stage).astype(np.int16)
        seen = (deals.created_s != UNKNOWN) | ((closed_s != UNKNOWN) & ~closed_later)
        if not seen.all():
            seen[rows.deal] = True
            keep &= seen
    deals = Deals(
        created_s=deals.created_s,
        closed_s=np.where(closed_later, UNKNOWN, closed_s),
        outcome=outcome,
        stage=stage,
        amount=np.where(deals.amount >= 0, deals.amount, np.nan),
    )
    if not keep.all():
        notes.append(Note("not_there_at_as_of", {"deals_n": int((~keep).sum())}))
        deals, rows = _kept(deals, rows, keep)
    then = unsure[keep].astype(np.uint16) << FACTS.index("state_then_unknown")
    return deals, rows, keep, notes, then


def _lowest(deals: Deals, rows: Rows, as_of_s: int) -> int:
    """Return the earliest known time."""
    lowest = as_of_s if not len(rows.entered_s) else min(as_of_s, int(rows.entered_s.min()))
    for known in (deals.created_s, deals.closed_s):
        lowest = min(lowest, int(np.min(known, initial=as_of_s, where=known != UNKNOWN)))
    return lowest


def _facts(recorded: Deals, deals: Deals, stays: Stays, won: int) -> NDArray[np.uint16]:
    """Say of each deal what was missing, assumed or repaired: bits in the order of FACTS."""
    back = (stays.stage >= won) & (stays.next >= 0) & (stays.next < won)
    reopened = stays.reopened
    reopened[stays.deal[back]] = True
    dated = (deals.outcome != OPEN_DEAL) & (deals.closed_s != UNKNOWN)
    true = {
        "history_missing": ~stays.has,
        "created_unknown": deals.created_s == UNKNOWN,
        "closed_date_missing": (recorded.outcome != OPEN_DEAL) & (recorded.closed_s == UNKNOWN),
        "closed_before_last_stage": dated & (stays.closed_s > deals.closed_s),
        "reopened": reopened,
        "amount_unknown": ~(deals.amount >= 0),
        "stage_unknown": stays.unplaced,
        "win_taken_back": stays.taken_back,
        "close_differs": dated
        & (np.abs(stays.closed_s - deals.closed_s) > DAY_S)
        & (deals.outcome == WON_DEAL),
        "moves_before_records": stays.headless,
    }
    true["closed_before_last_stage"] &= ~true["close_differs"]
    true["reopened"] &= ~true["win_taken_back"]
    facts = np.zeros(len(deals.outcome), np.uint16)
    for name, of in true.items():
        facts |= of.astype(np.uint16) << FACTS.index(name)
    return facts


# ---- From frames to coded arrays: any frame that narwhals knows is pulled into Arrow columns and coded -----

OUTCOMES = {
    "open": OPEN_DEAL,
    "won": WON_DEAL,
    "lost": LOST_DEAL,
    "lost_competitor": LOST_DEAL,
    "lost_no_decision": LOST_DEAL,
    "left": LEFT_DEAL,
}
"""Canonical outcomes and what they are in a ledger."""

CLUSTERS = ("account_id", "currency")
"""Attributes beside the contract's grouping columns: what deals have in common."""


def from_frames(
    opportunities: Any,
    stage_history: Any = None,
    *,
    playbook: Playbook,
    as_of: Day | None,
    observed_from: Any = None,
    attributes: Sequence[str] | None = None,
    timezone: str = "",
    earlier: bool = False,
) -> Ledger:
    """Which stays do these canonical tables tell of, whatever engine holds them?

    Parameters
    ----------
    opportunities, stage_history : frame
        Any frame that narwhals knows: pandas, Polars, PyArrow; DuckDB relations, lazy Polars and PySpark
        frames are collected.
    playbook : Playbook
    as_of, observed_from : datetime64 or ISO text
    attributes : sequence of str, optional
        Columns that deals can be grouped by. Default: the contract's, and text columns of the user's own.
    timezone : str
        On whose wall clock moments are told; empty: UTC.
    earlier : bool
        Whether the data go on after the as-of date, as far as these tables do not tell.

    Returns
    -------
    Ledger

    Raises
    ------
    MissingDataError
        There is no column ``opportunity_id``.
    FunnelError
        Two deals have the same id, or an outcome is not known.
    """
    columns = _columns(opportunities, attributes)
    if "opportunity_id" not in columns:
        raise MissingDataError(
            "the table opportunities has no column 'opportunity_id'", expected="one id per deal"
        )
    ids = unchunked(columns["opportunity_id"])
    places = stage_places(playbook)
    names = [name for name in columns if name not in NEEDED] if attributes is None else list(attributes)
    return from_arrays(
        _deals(columns, len(ids), places, timezone),
        _rows(stage_history, ids, places, timezone),
        stage_ids=playbook.stage_ids,
        won=playbook.won,
        as_of_s=int(timestamp("as_of", as_of).astype(np.int64)),
        observed_from_s=UNKNOWN
        if observed_from is None
        else int(timestamp("observed_from", observed_from).astype(np.int64)),
        attributes=Attributes({name: partial(code, columns[name], name) for name in names}),
        ids=ids,
        earlier=earlier,
    )


def stage_places(playbook: Playbook) -> dict[str, int]:
    """Return the code of every stage name that canonical tables may hold, the marks included."""
    marks = {mark: OUTCOMES[mark] for mark in END_MARKS}
    marks = {mark: LEFT if outcome == LEFT_DEAL else LOST for mark, outcome in marks.items()}
    names = {stage: place for place, stage in enumerate(playbook.stage_ids)}
    return {
        **names,
        **{mark: place for mark, place in {**marks, "won": playbook.won}.items() if mark not in names},
    }


def _columns(frame: Any, attributes: Sequence[str] | None) -> dict[str, Any]:
    """Return the columns of `frame` that a ledger needs, as Arrow arrays."""
    import narwhals as nw

    table = nw.from_native(frame)
    needed = [*NEEDED, *(attributes if attributes is not None else attribute_names(table))]
    known = table.collect_schema().names()
    for name in attributes or ():
        if name not in known:
            raise MissingDataError(
                f"the table opportunities has no column {name!r}", hint=nearest(name, known)
            )
    table = table.select([name for name in dict.fromkeys(needed) if name in known])
    if isinstance(table, nw.LazyFrame):
        table = table.collect("pyarrow")
    return {name: table[name].to_arrow() for name in table.columns}


NEEDED = ("opportunity_id", "created_at", "closed_at", "outcome", "stage", "amount")


def attribute_names(table: Any) -> list[str]:
    """Return the columns of a narwhals frame that deals can be grouped by: the contract's and others."""
    import narwhals as nw

    kinds = (nw.String, nw.Categorical, nw.Enum, nw.Boolean, nw.Object)
    own = [name for name, kind in table.collect_schema().items() if isinstance(kind, kinds)]
    known = {one.name: one.group or one.name in CLUSTERS for one in TABLES["opportunities"]}
    return [name for name in own if known.get(name, True)]


def _deals(columns: dict[str, Any], deal_n: int, places: dict[str, int], timezone: str) -> Deals:
    unknown = np.full(deal_n, UNKNOWN)
    times = {
        name: seconds(columns[name], name, timezone) if name in columns else unknown
        for name in ("created_at", "closed_at")
    }
    amount = columns.get("amount")
    return Deals(
        created_s=times["created_at"],
        closed_s=times["closed_at"],
        outcome=_outcomes(columns["outcome"]) if "outcome" in columns else np.zeros(deal_n, np.int8),
        stage=_current(columns["stage"], places)
        if "stage" in columns
        else np.full(deal_n, UNRECORDED, np.int16),
        amount=np.full(deal_n, np.nan) if amount is None else _numbers(amount),
    )


def _rows(stage_history: Any, ids: Any, places: dict[str, int], timezone: str) -> Rows:
    import narwhals as nw

    if stage_history is None:
        none = np.zeros(0, np.int64)
        return Rows(deal=deal_codes(ids, ids[:0]), stage=none, entered_s=none)
    table = nw.from_native(stage_history).select("opportunity_id", "stage", "entered_at")
    if isinstance(table, nw.LazyFrame):
        table = table.collect("pyarrow")
    return Rows(
        deal=deal_codes(ids, plain(table["opportunity_id"].to_arrow())),
        stage=_mapped(table["stage"].to_arrow(), places, UNRECORDED),
        entered_s=seconds(table["entered_at"].to_arrow(), "entered_at", timezone),
    )


def _as_text(column: Any) -> Any:
    import pyarrow as pa

    return (
        column
        if pa.types.is_large_string(column.type) or pa.types.is_string(column.type)
        else column.cast(pa.string())
    )


def _mapped(column: Any, places: dict[str, int], missing: int) -> NDArray[np.integer[Any]]:
    """Return the place of each text of a column with few distinct ones."""
    import pyarrow as pa
    import pyarrow.compute as pc

    column = _as_text(plain(column))
    found = pc.index_in(column, value_set=pa.array(list(places), column.type))
    if found.null_count:
        found = pc.fill_null(found, len(places))
    code = found.to_numpy(zero_copy_only=False) if isinstance(found, pa.Array) else found.to_numpy()
    table = np.array([*places.values(), missing], np.int16)
    as_is = int(np.argmax(np.append(table != np.arange(len(table)), True)))  # stage k is the k-th name
    return table[code] if int(code.max(initial=0)) >= as_is else code


def _current(column: Any, places: dict[str, int]) -> NDArray[np.int16]:
    """Return the current stage of each deal; a mark says nothing about the stage."""
    stage = _mapped(column, places, UNRECORDED)
    return np.where(stage < 0, np.int16(UNRECORDED), stage).astype(np.int16)


def _outcomes(column: Any) -> NDArray[np.int8]:
    import pyarrow.compute as pc

    column = pc.fill_null(_as_text(unchunked(column)), "open")
    outcome = _mapped(column, OUTCOMES, UNRECORDED)
    if len(outcome) and outcome.min() < 0:
        check_outcomes([column[int(np.argmin(outcome))].as_py()])
    return outcome.astype(np.int8)


def check_outcomes(values: Iterable[str | None]) -> None:
    """Raise FunnelError, naming the nearest, unless all `values` are canonical outcomes or missing."""
    for value in values:
        if value is not None and value not in OUTCOMES:
            raise FunnelError(
                f"the table opportunities has the outcome {value!r}",
                expected="one of " + ", ".join(OUTCOMES),
                hint=nearest(value, OUTCOMES),
            )


def _numbers(column: Any) -> NDArray[np.float64]:
    import pyarrow as pa
    import pyarrow.compute as pc

    column = unchunked(column).cast(pa.float64())
    return (pc.fill_null(column, np.nan) if column.null_count else column).to_numpy(zero_copy_only=False)


def seconds(column: Any, name: str, timezone: str = "") -> NDArray[np.int64]:
    """Return an Arrow column of dates or times as whole seconds since 1970-01-01, UNKNOWN where missing.

    Moments are told on the wall clock of `timezone`; empty: of UTC.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    column = unchunked(column)
    if pa.types.is_null(column.type):
        return np.full(len(column), UNKNOWN)
    if pa.types.is_date(column.type):
        column = column.cast(pa.timestamp("s"))
    elif not pa.types.is_timestamp(column.type):
        raise MissingDataError(f"the column {name!r} holds {column.type}", expected="dates or times")
    elif column.type.tz is not None:
        column = column_on_clock(column, timezone)
    per_second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[column.type.unit]
    missing = pc.is_null(column).to_numpy(zero_copy_only=False) if column.null_count else None
    units = pc.fill_null(column.cast(pa.int64()), 0) if column.null_count else column.cast(pa.int64())
    whole = units.to_numpy(zero_copy_only=False) // per_second
    if missing is not None:
        whole[missing] = UNKNOWN
    return whole


def ledger_of(book: Book) -> Ledger:
    """Which stays in which stages are behind a book's deals?

    Parameters
    ----------
    book : Book
        Its ``opportunities`` table and, where there is one, its ``stage_history``.

    Returns
    -------
    Ledger

    Raises
    ------
    FunnelError
        The tables hold what loading should have refused: two deals with one id, an outcome that is not known.

    Notes
    -----
    The rules are those of :func:`funnelnb.data.ledger.build.from_arrays`.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from funnelnb.data.book import Book
    >>> from funnelnb.playbooks.model import Label, Playbook, Stage
    >>> name = Label(en="", zh="")
    >>> stages = (Stage(id="lead", label=name), Stage(id="won", label=name, kind="won"))
    >>> playbook = Playbook(id="two", label=name, about=name, source="", stages=stages)
    >>> created_at = [pd.Timestamp("2026-01-01")]
    >>> deals = pd.DataFrame({"opportunity_id": ["1"], "created_at": created_at, "outcome": ["open"]})
    >>> as_of = np.datetime64("2026-02-01", "s")
    >>> ledger_of(Book(tables={"opportunities": deals}, playbook=playbook, as_of=as_of)).furthest.tolist()
    [0]
    """
    made = from_frames(
        book.tables["opportunities"],
        book.tables.get("stage_history"),
        playbook=book.playbook,
        as_of=book.as_of,
        observed_from=book.observed_from,
    )
    if any(note.code == "state_unknown_at_as_of" for note in book.notes):
        return _unsure_then(made)
    return made


def _unsure_then(ledger: Ledger) -> Ledger:
    """Return the ledger of an earlier as-of date: whether losses without a date had happened by then is not known."""
    unsure = (ledger.outcome == LOST_DEAL) & (ledger.closed_s == UNKNOWN)
    facts = ledger.facts | (unsure.astype(np.uint16) << FACTS.index("state_then_unknown"))
    kept = (note for note in ledger.notes if note.code not in FACTS)
    return replace(ledger, facts=facts, notes=(*kept, *fact_notes(facts, ledger.ids)))
