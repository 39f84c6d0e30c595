"""The deals behind the counts of a table, as they travel from a notebook to the page that is made of it.

Only for pages: a batch asks for them (``core.options.LISTS``); a notebook by itself answers ``result.deals(...)``.
"""

from __future__ import annotations

import base64
import itertools
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.analysis.shared.deals import Counted, deal_frame, each_count
from funnelnb.analysis.shared.members import Customers, Elsewhere, Nobody
from funnelnb.core.errors import FunnelError
from funnelnb.core.options import lists_wanted
from funnelnb.show.tables import people
from funnelnb.show.tables.table import rows_shown
from funnelnb.show.text.words import stage_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from funnelnb.show.tables.grid import Grid
    from funnelnb.show.tables.table import Table
    from funnelnb.show.text.words import Words

DEALS = "application/vnd.funnelnb.deals+json"
"""Kind of output in which lists travel."""
COLUMNS = ("customer", "deal", "owner", "stage", "outcome", "age_days", "amount", "url", "opportunity_id")
"""What a page says of a deal, in this order."""

_NUMBERS = itertools.count(1)
_PLACES: dict[str, int] = {}
"""Deals that were sent to the page, by id: each goes once, lists name them by place."""


def _asked(result: Any) -> Any:
    return getattr(result, "_asked", None)


def _number(result: Any) -> int:
    return int(_asked(result).once("number", lambda: next(_NUMBERS)))


def _key(result: Any, table: str, place: int, name: str) -> str:
    return f"d{_number(result)}-{table or 'whole'}-{place}-{name}"


def counts_of(result: Any) -> Mapping[tuple[int, str], Any]:
    """Return the counts of a result that deals stand behind, by row (its identity) and field; none if not asked.

    Of a behaviour funnel: the names of the lists of people.
    """
    if people.is_crowd(result):
        return people.keys_of(result)
    if not lists_wanted() or _asked(result) is None:
        return {}

    def find() -> dict[tuple[int, str], Counted]:
        return {(id(one.row), one.name): one for one in each_count(result) if one.value and one.value > 0}

    found: Mapping[tuple[int, str], Counted] = _asked(result).once("counts", find)
    return found


def key_of(result: Any, row: Any, name: str) -> str:
    """Return the name of the list behind a count of a row; empty where there is none."""
    found = counts_of(result).get((id(row), name))
    if found is None or isinstance(found, str):
        return found or ""
    key = _key(result, found.table, found.place, name)
    return key if _marks(result, found) is not None else ""


def _marks(result: Any, one: Counted) -> tuple[Any, Any] | None:
    """Return book and marks of the deals in a count; None where no deals stand behind it."""

    def find() -> tuple[Any, Any] | None:
        try:
            who = one.who()
        except FunnelError:
            return None
        if isinstance(who, Nobody | Customers):
            return None
        book, marks = (who.book, who.mask) if isinstance(who, Elsewhere) else (_asked(result).book, who)
        return (book, marks) if int(np.asarray(marks).sum()) == one.value else None

    found: tuple[Any, Any] | None = _asked(result).once(("marks", id(one.row), one.name), find)
    return found


def payload(result: Any, shown: Sequence[tuple[Table, Grid]], say: Words) -> dict[str, Any]:
    """Return what the page needs for the lists of the tables shown, and for the bars of a funnel.

    Parameters
    ----------
    result : Result
    shown : sequence of (Table, Grid)
    say : Words

    Returns
    -------
    dict
        ``deals``: rows by :data:`COLUMNS` that were not sent before; ``lists``: key, title, number of deals and the
        places of its deals as bits. Empty where nothing is asked for.
    """
    if people.is_crowd(result):
        made = people.payload(result, shown, say, _PLACES)
        for one in made.get("lists", ()):
            one["n"], one["bits"] = len(one["places"]), _bits(one.pop("places"))
        return made
    return _sent(result, _titles(result, shown, say), say) if counts_of(result) else {}


def document_payload(result: Any, grids: Sequence[Grid], say: Words) -> dict[str, Any]:
    """Return the same for the tables of a result that is read as a document, whose cells name their lists."""
    titles = {
        cell: " · ".join(part for part in (*row.cells[: grid.stub], grid.heads[place].label) if part)
        for grid in grids
        for row in grid.rows
        for place, cell in enumerate(row.lists)
        if cell
    }
    known = {
        (row, name): titles[key]
        for (row, name), one in counts_of(result).items()
        if (key := _key(result, one.table, one.place, name)) in titles
    }
    return _sent(result, known, say)


def _sent(result: Any, heads: Mapping[tuple[int, str], str], say: Words) -> dict[str, Any]:
    """Return the lists of the counts that have a title, and their deals, as far as they were not sent before."""
    made: dict[str, Any] = {"deals": [], "lists": [], "currency": result.currency}
    for (row, name), one in counts_of(result).items():
        if (row, name) not in heads or _asked(result).once(("sent", row, name), lambda: False):
            continue
        found = _marks(result, one)
        if found is not None:
            _asked(result).found[("sent", row, name)] = True
            places = _send(*found, made["deals"], say, result)
            key = _key(result, one.table, one.place, name)
            made["lists"].append(
                {"key": key, "title": heads[row, name], "n": len(places), "bits": _bits(places)}
            )
    return made if made["lists"] else {}


def _titles(result: Any, shown: Sequence[tuple[Table, Grid]], say: Words) -> dict[tuple[int, str], str]:
    """Return what each list is called: what names its row, then the head of its column."""
    made = {}
    for one in getattr(result, "steps", ()):  # the bars of a funnel, shown or not
        for name in ("reached_n", "advanced_n", "here_n", "lost_n", "left_n"):
            if hasattr(one, name):
                parts = (stage_name(result, one.stage, say), say.group(one.group), _label(one, name, say))
                made[id(one), name] = " · ".join(part for part in parts if part and (part != say.group(())))
    for table, grid in shown:
        for row, cells in zip(rows_shown(table, result), grid.rows, strict=True):
            for cell in cells.lists:
                if cell:
                    place = cells.lists.index(cell)
                    name = cell.rpartition("-")[2]
                    stub = [*cells.cells[: grid.stub], grid.heads[place].label]
                    made[id(row), name] = " · ".join(part for part in stub if part)
    return made


def _label(row: Any, name: str, say: Words) -> str:
    return say.field(name, type(row).__name__).label


def _send(book: Any, marks: Any, deals: list[Any], say: Words, result: Any) -> list[int]:
    """Add the deals of a list that the page does not have yet; return the places of all of them."""
    ids = [str(one) for one in book.ledger.deal_ids[np.flatnonzero(marks)]]
    if any(one not in _PLACES for one in ids):
        fresh = np.array([str(one) not in _PLACES for one in book.ledger.deal_ids.tolist()], bool) & marks
        frame = deal_frame(book, fresh)
        for values in frame.to_dict("records"):
            row: Any = SimpleNamespace(**{str(name): one for name, one in values.items()})
            _PLACES[row.opportunity_id] = len(_PLACES)
            deals.append(
                [
                    row.customer, row.deal, row.owner,
                    _stage(book, row.stage, say), say.get(f"deals.outcomes.{row.outcome}"),
                    None if np.isnan(row.age_days) else round(float(row.age_days)),
                    None if np.isnan(row.amount) else float(row.amount),
                    getattr(row, "url", ""), row.opportunity_id,
                ]
            )  # fmt: skip
    return [_PLACES[one] for one in ids]


def _stage(book: Any, stage: str, say: Words) -> str:
    label = book.playbook.stage_labels[book.playbook.stage_ids.index(stage)]
    return str(label.zh if say.lang == "zh" else label.en)


def _bits(places: Sequence[int]) -> str:
    marks = np.zeros(max(places, default=-1) + 1, np.uint8)
    marks[list(places)] = 1
    return base64.b64encode(np.packbits(marks, bitorder="little").tobytes()).decode()


def places_of(bits: str) -> list[int]:
    """Return the places that bits name.

    Examples
    --------
    >>> places_of(_bits([0, 3, 9]))
    [0, 3, 9]
    """
    packed = np.frombuffer(base64.b64decode(bits), np.uint8)
    return [int(one) for one in np.flatnonzero(np.unpackbits(packed, bitorder="little"))]
