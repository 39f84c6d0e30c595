"""From coded arrays to a ledger: one NumPy kernel for every engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.core.note import Note
from funnelnb.data.attributes import Attributes, Ids
from funnelnb.data.clock import UNKNOWN
from funnelnb.data.coded import UNRECORDED, Deals, Keys, Rows
from funnelnb.data.codes import FACTS, OPEN_DEAL, Codes, fact_notes
from funnelnb.data.ledger import Ledger
from funnelnb.data.stays import Stays, stays_of
from funnelnb.data.threads import each, workers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray


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
    deals, rows, keep, notes = _cut(deals, rows, as_of_s)
    keys = Keys.fitting(_lowest(deals, rows, as_of_s), as_of_s, len(stage_ids) + 2, len(deals.outcome))
    key = keys.sort(rows, len(stage_ids))
    del rows
    columns = _by_blocks(keys, key, deals, len(stage_ids), won)
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
        notes=(*notes, *fact_notes(columns["facts"])),
        observed_from_s=observed_from_s,
        **columns,
    )


def _by_blocks(
    keys: Keys, key: NDArray[np.int64], deals: Deals, positions: int, won: int
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
    facts = np.empty(deal_n, np.uint8)
    stay_n = 0

    def work(k: int) -> Stays:
        some = deals.take(slice(k * BLOCK, (k + 1) * BLOCK))
        recorded = some.take(np.arange(len(some.outcome)))
        stays = stays_of(keys, key[edges[k] : edges[k + 1]] - (k * BLOCK << bits), some, positions, won)
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


def _cut(deals: Deals, rows: Rows, as_of_s: int) -> tuple[Deals, Rows, NDArray[np.bool_], list[Note]]:
    """Take away what cannot be used and what happened after the as-of date."""
    notes = []
    rows_n = len(rows.deal)
    if rows_n and (rows.deal.min() < 0 or rows.stage.min() <= UNRECORDED or rows.entered_s.min() == UNKNOWN):
        rows = rows.take((rows.deal >= 0) & (rows.stage > UNRECORDED) & (rows.entered_s != UNKNOWN))
        notes.append(Note("history_rows_unusable", {"rows_n": rows_n - len(rows.deal)}))
    closed_s = np.where(deals.outcome == OPEN_DEAL, UNKNOWN, deals.closed_s)  # of an open deal it is a hope
    closed_later, created_later = closed_s > as_of_s, deals.created_s > as_of_s
    entered_later = bool(len(rows.deal)) and bool(rows.entered_s.max() > as_of_s)
    earlier = entered_later or bool(closed_later.any()) or bool(created_later.any())
    if entered_later:
        rows = rows.take(rows.entered_s <= as_of_s)
    outcome = np.where(closed_later, np.int8(OPEN_DEAL), deals.outcome).astype(np.int8)
    stage, keep = deals.stage, ~created_later
    if (
        earlier
    ):  # the stage column tells of a later day; a deal without a date by then may not have been there
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
        amount=deals.amount,
    )
    if not keep.all():
        notes.append(Note("not_there_at_as_of", {"deals_n": int((~keep).sum())}))
        renumbered = np.cumsum(keep, dtype=np.int64) - 1
        rows = rows.take(keep[rows.deal])
        rows.deal = renumbered[rows.deal]
        deals = deals.take(keep)
    return deals, rows, keep, notes


def _lowest(deals: Deals, rows: Rows, as_of_s: int) -> int:
    """Return the earliest known time."""
    lowest = as_of_s if not len(rows.entered_s) else min(as_of_s, int(rows.entered_s.min()))
    for known in (deals.created_s, deals.closed_s):
        lowest = min(lowest, int(np.min(known, initial=as_of_s, where=known != UNKNOWN)))
    return lowest


def _facts(recorded: Deals, deals: Deals, stays: Stays, won: int) -> NDArray[np.uint8]:
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
    }
    facts = np.zeros(len(deals.outcome), np.uint8)
    for k, name in enumerate(FACTS):
        facts |= true[name].view(np.uint8) << k
    return facts
