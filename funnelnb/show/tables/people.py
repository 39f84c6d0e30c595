"""The people behind the counts of a behaviour funnel, as they travel to the page: in the form of the lists of deals.

What a page says of a deal it says of a person: who, when they arrived, how far they came, what it brought.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.analysis.behaviour.drill import STATUSES, marks, people
from funnelnb.core.options import lists_wanted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from funnelnb.analysis.behaviour.drill import Person
    from funnelnb.show.tables.grid import Grid
    from funnelnb.show.tables.table import Table
    from funnelnb.show.text.words import Words

_NUMBERS = itertools.count(1)


@dataclass(slots=True)
class _Crowd:
    """What is known of a result whose people are asked for; kept while the notebook of a page runs."""

    result: Any
    number: int
    marks: dict[str, NDArray[np.bool_]] = field(default_factory=dict)
    keys: dict[tuple[int, str], str] = field(default_factory=dict)
    sent: set[str] = field(default_factory=set)


_CROWDS: dict[int, _Crowd] = {}


def is_crowd(result: Any) -> bool:
    """Return whether people stand behind the counts of a result, and are to travel with it."""
    return (
        lists_wanted() and hasattr(result, "actors") and getattr(result.counted, "log_row", None) is not None
    )


def keys_of(result: Any) -> Mapping[tuple[int, str], str]:
    """Return the name of the list behind each count of a funnel, by row (its identity) and field."""
    crowd = _CROWDS.get(id(result))
    if crowd is None:
        crowd = _CROWDS[id(result)] = _Crowd(result=result, number=next(_NUMBERS))
        for table in ("steps", "overall", "drop_points"):
            for place, row in enumerate(getattr(result, table)):
                _add(crowd, table, place, row)
    return crowd.keys


def _add(crowd: _Crowd, table: str, place: int, row: Any) -> None:
    """Name the lists of a row whose counts are those of the people marked."""
    result = crowd.result
    whole, k = table == "overall", 0 if table == "overall" else result.asked.labels.index(row.step)
    for status in STATUSES:
        value = getattr(row, f"{status}_n", 0)
        if not value:
            continue
        found = marks(result, k, status, row.group, whole=whole)
        if int(found.sum()) == value:
            key = f"dp{crowd.number}-{table}-{place}-{status}_n"
            crowd.keys[id(row), f"{status}_n"] = key
            crowd.marks[key] = found


def payload(
    result: Any, shown: Sequence[tuple[Table, Grid]], say: Words, places: dict[str, int]
) -> dict[str, Any]:
    """Return what the page needs for the lists of the tables shown and of the bars: people, and who is in which list.

    `places` numbers everybody who was sent to the page before, by name; those who were not are added.
    """
    keys_of(result)
    crowd = _CROWDS[id(result)]
    titles = _bars(crowd, say)
    for _, grid in shown:
        for cells in grid.rows:
            for place, key in enumerate(cells.lists):
                if key:
                    titles[key] = " · ".join(
                        part for part in (*cells.cells[: grid.stub], grid.heads[place].label) if part
                    )
    made: dict[str, Any] = {"deals": [], "lists": [], "currency": result.currency}
    for key, title in titles.items():
        if key not in crowd.sent:
            crowd.sent.add(key)
            made["lists"].append(
                {"key": key, "title": title, "places": _send(crowd, key, made["deals"], say, places)}
            )
    return made if made["lists"] else {}


def _bars(crowd: _Crowd, say: Words) -> dict[str, str]:
    """Return what the lists behind the bars are called, shown in a table or not."""
    titles = {}
    for row in crowd.result.steps:
        for status in STATUSES:
            key = crowd.keys.get((id(row), f"{status}_n"))
            if key:
                parts = (
                    say.group(row.group) if row.group else "",
                    row.step,
                    say.field(f"{status}_n", "BehaviourStep").label,
                )
                titles[key] = " · ".join(part for part in parts if part)
    return titles


def _send(crowd: _Crowd, key: str, sent: list[Any], say: Words, places: dict[str, int]) -> list[int]:
    """Add the people of a list that the page does not have yet; return the places of all of them."""
    units = np.flatnonzero(crowd.marks[key])
    names = [f"p{crowd.number}-{unit}" for unit in units.tolist()]
    fresh = np.zeros(len(crowd.marks[key]), bool)
    fresh[[unit for unit, name in zip(units.tolist(), names, strict=True) if name not in places]] = True
    for unit, one in zip(np.flatnonzero(fresh).tolist(), people(crowd.result, fresh), strict=True):
        places[f"p{crowd.number}-{unit}"] = len(places)
        sent.append(_cells_of(crowd.result, one, say))
    return [places[name] for name in names]


def _cells_of(result: Any, one: Person, say: Words) -> list[Any]:
    """Return what a page says of somebody, in the order of what it says of a deal."""
    whole_days = result.asked.in_memory.whole_days
    arrived = str(one.arrived.astype("M8[D]" if whole_days else "M8[m]")).replace("T", " ")
    amount = None if math.isnan(one.amount) else one.amount
    state = say.get(f"behaviour.person.{one.state}")
    return [one.actor, "", arrived, one.step, state, int(one.days), amount, "", one.actor]
