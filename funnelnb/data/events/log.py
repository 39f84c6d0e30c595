"""An event log in memory: who did what, when, with which properties. Immutable."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.core.errors import MissingDataError, ParameterError, nearest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from funnelnb.core.check import Day
    from funnelnb.core.errors import Problem
    from funnelnb.core.note import Note

NEVER, _LATE = np.iinfo(np.int64).min, np.iinfo(np.int64).max
SESSION_US = 30 * 60 * 1_000_000
"""A session ends after half an hour without an event, if the log does not name sessions itself."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Events:
    """An event log. R events, sorted by actor, time and their place in the source.

    Attributes
    ----------
    actor : ndarray of int32, shape (R,)
        Place of the actor in `actors`.
    event : ndarray of int32, shape (R,)
        Place of the event in `names`.
    time : ndarray of int64, shape (R,)
        Microseconds since 1970 on the log's clock.
    row : ndarray of int64, shape (R,)
        Row of the source, as a spreadsheet shows it; of `columns` it is `row` less `first_row`.
    actors : ndarray of object
        Ids of the actors.
    names : tuple of str
        Names of the events.
    columns : Mapping of str to ndarray or Series
        Properties, in the order of the source.
    as_of : numpy.datetime64
        Up to when the log was kept; an attempt whose window ends later is still running.
    observed_from : numpy.datetime64
        The first event.
    whole_days : bool
        The times are dates.
    session : str
        Column that names the sessions; empty: they are cut by time-out.
    json_columns : tuple of str
        Columns that hold properties as JSON text.
    currency : str
    source : str
        Name of file or tool.
    notes : tuple of Note
    problems : tuple of Problem
        Rows that were left out, with the reason.
    """

    actor: NDArray[np.int32]
    event: NDArray[np.int32]
    time: NDArray[np.int64]
    row: NDArray[np.int64]
    actors: NDArray[Any]
    names: tuple[str, ...]
    columns: Mapping[str, Any]
    as_of: np.datetime64
    observed_from: np.datetime64
    whole_days: bool = False
    session: str = ""
    json_columns: tuple[str, ...] = ()
    currency: str = ""
    source: str = ""
    first_row: int = 2
    session_us: int = SESSION_US
    notes: tuple[Note, ...] = ()
    problems: tuple[Problem, ...] = ()
    _found: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.actor)

    def __repr__(self) -> str:
        first, last = (np.datetime_as_string(one, unit="D") for one in (self.observed_from, self.as_of))
        return (
            f"<Events: {len(self):,} events of {len(self.actors):,} actors, {len(self.names):,} names, "
            f"{first} to {last}>"
        )

    @property
    def properties(self) -> tuple[str, ...]:
        """Names of the columns that events can be filtered and grouped by."""
        return tuple(self.columns)

    @property
    def as_of_us(self) -> int:
        """The as-of time in microseconds."""
        return int(self.as_of.astype("M8[us]").astype(np.int64))

    def values(self, name: str) -> NDArray[Any]:
        """Return a property of each event, in the order of the log; None or NaN where it is not known.

        Raises
        ------
        MissingDataError
            There is no such property; the hint names the nearest.
        """
        if name not in self._found:
            place = self.row - self.first_row
            if name in self.columns:
                self._found[name] = np.asarray(self.columns[name])[place]
            else:
                self._found[name] = self._from_json(name)[place]
        found: NDArray[Any] = self._found[name]
        return found

    def _from_json(self, name: str) -> NDArray[Any]:
        for column in self.json_columns:
            key = name.removeprefix(f"{column}.")
            cells = np.asarray(self.columns[column])
            found = np.array([_in_json(cell, key) for cell in cells], dtype=object)
            if any(one is not None for one in found):
                return found
        raise MissingDataError(
            f"the log has no property {name!r}",
            expected="one of its columns" + (", or a key of its JSON columns" if self.json_columns else ""),
            hint=nearest(name, self.columns),
        )

    def codes(self, name: str) -> tuple[NDArray[np.int64], list[str]]:
        """Return the code of a property's value for each event, -1 where not known, and the values as text."""
        key = f"codes of {name}"
        if key not in self._found:
            self._found[key] = code_values(self.values(name))
        found: tuple[NDArray[np.int64], list[str]] = self._found[key]
        return found

    def sessions(self) -> NDArray[np.int64]:
        """Return the code of each event's session: as the log names them, else cut by time-out; -1 unknown."""
        if self.session:
            return self.codes(self.session)[0]
        if not len(self):
            return np.zeros(0, np.int64)
        new = np.ones(len(self), bool)
        new[1:] = (self.actor[1:] != self.actor[:-1]) | (np.diff(self.time) > self.session_us)
        return np.cumsum(new) - 1

    def where(self, **conditions: Any) -> Events:
        """Return the events whose properties have these values (one value or a list); the clock stays.

        Examples
        --------
        >>> import pandas as pd
        >>> from funnelnb.data.events.load import events
        >>> log = events(pd.DataFrame({"user_id": [1, 2], "event": ["a", "a"], "time": ["2026-01-01"] * 2,
        ...                            "device": ["mobile", "desktop"]}))
        >>> len(log.where(device="mobile"))
        1
        """
        keep = np.ones(len(self), bool)
        for name, wanted in conditions.items():
            codes, values = self.codes(name)
            chosen = [str(one) for one in wanted] if isinstance(wanted, (list, tuple, set)) else [str(wanted)]
            for one in chosen:
                if one not in values:
                    raise ParameterError(
                        f"{name} = {one!r}", expected=f"a value of {name}", hint=nearest(one, values[:200])
                    )
            keep &= np.isin(codes, [values.index(one) for one in chosen])
        return self.take(keep)

    def take(self, keep: NDArray[np.generic]) -> Events:
        """Return some of the events; actors and names keep their codes."""
        return replace(
            self,
            actor=self.actor[keep],
            event=self.event[keep],
            time=self.time[keep],
            row=self.row[keep],
            _found={},
        )

    def between(self, since: Day | None = None, until: Day | None = None) -> Events:
        """Return the events of a span of time, both ends included; a plain date ends with its day."""
        low = NEVER if since is None else int(np.datetime64(since).astype("M8[us]").astype(np.int64))
        high = _LATE if until is None else int(np.datetime64(until).astype("M8[us]").astype(np.int64))
        if until is not None and len(str(until)) <= len("2026-06-30"):
            high += 86_400_000_000 - 1
        return self.take((self.time >= low) & (self.time <= high))

    def until(self, moment: Any) -> Events:
        """Return the log as it stood at an earlier moment: later events are not seen."""
        as_of = np.datetime64(moment).astype("M8[us]")
        kept = self.take(self.time <= as_of.astype(np.int64))
        return replace(kept, as_of=min(as_of, self.as_of.astype("M8[us]")), _found={})


def code_values(values: NDArray[Any]) -> tuple[NDArray[np.int64], list[str]]:
    """Return codes of values, -1 where they are missing or blank, and the distinct values as text, sorted."""
    import pandas as pd

    cells = pd.Series(values)
    if cells.dtype.kind == "f" and (cells.dropna() % 1 == 0).all():
        cells = cells.astype("Int64")
    blank = cells.isna() | (cells.astype("str").str.strip() == "")
    codes, found = pd.factorize(cells.astype("str").where(~blank), sort=True)
    return codes.astype(np.int64), [str(one) for one in found]


def _in_json(cell: Any, key: str) -> Any:
    if isinstance(cell, Mapping):
        return cell.get(key)
    try:
        found = json.loads(cell) if cell else None
    except (TypeError, ValueError):
        return None
    return found.get(key) if isinstance(found, dict) else None
