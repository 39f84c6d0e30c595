"""What stood around an attempt: properties at the arrival, other events before and after, what came next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from funnelnb.data.events.log import Events

VALUES_MOST = 40
"""A property with more values than this is no group but a name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One thing that holds for some units and not for others.

    Attributes
    ----------
    kind : {"property", "number", "before", "after"}
    name, value : str
        Property and value; or the event.
    has : ndarray of bool, shape (U,)
    known : ndarray of bool, shape (U,)
        Units that it is known of.
    """

    kind: str
    name: str
    value: str
    has: NDArray[np.bool_]
    known: NDArray[np.bool_]


def at_arrival(log: Events, rows: NDArray[np.int64], skip: Sequence[str] = ()) -> list[Feature]:
    """Which properties did the arriving event carry?

    Parameters
    ----------
    log : Events
    rows : ndarray of int64, shape (U,)
        Event of the log with which each unit arrived.
    skip : sequence of str
        Properties left out.

    Returns
    -------
    list of Feature
        One per value of a property with 2 to ``VALUES_MOST`` values; numbers with more are split at their
        median.
    """
    found = []
    for name in log.properties:
        if name in skip or name == log.session or name in log.json_columns:
            continue
        cells = log.values(name)[rows]
        codes, values = log.codes(name)
        mine = codes[rows]
        there = np.unique(mine[mine >= 0])
        if cells.dtype.kind in "iuf" and len(there) > VALUES_MOST:
            numbers = cells.astype(float)
            known = ~np.isnan(numbers)
            middle = float(np.median(numbers[known]))
            found.append(
                Feature(
                    kind="number",
                    name=name,
                    value=f"{middle:g}",
                    has=known & (numbers >= middle),
                    known=known,
                )
            )
        elif 2 <= len(there) <= VALUES_MOST:
            found += [
                Feature(kind="property", name=name, value=values[code], has=mine == code, known=mine >= 0)
                for code in there.tolist()
            ]
    return found


def done_around(
    log: Events,
    rows: NDArray[np.int64],
    skip: Sequence[str],
    after_us: int | None,
) -> list[Feature]:
    """Which other events did each unit's actor do before the arrival, or within `after_us` after it?

    Parameters
    ----------
    rows : ndarray of int64, shape (U,)
        Event of the log with which each unit arrived.
    skip : sequence of str
        Events left out (the steps).
    after_us : int or None
        None: before the arrival.
    """
    actor, start = log.actor[rows], log.time[rows]
    order = np.argsort(rows, kind="stable")
    kind = "before" if after_us is None else "after"
    found = []
    for code, name in enumerate(log.names):
        if name in skip:
            continue
        at = np.flatnonzero(log.event == code)
        has = np.zeros(len(rows), bool)
        if len(at):
            if after_us is None:
                place = np.searchsorted(at, rows[order], side="left") - 1
                seen = (place >= 0) & (log.actor[at[np.maximum(place, 0)]] == actor[order])
            else:
                place = np.searchsorted(at, rows[order], side="right")
                one = at[np.minimum(place, len(at) - 1)]
                seen = (place < len(at)) & (log.actor[one] == actor[order])
                seen &= log.time[one] - start[order] <= after_us
            has[order] = seen
        found.append(Feature(kind=kind, name=name, value="", has=has, known=np.ones(len(rows), bool)))
    return found


def sequences(
    log: Events,
    rows: NDArray[np.int64],
    length: int,
    within_us: int | None,
    *,
    backwards: bool = False,
) -> NDArray[np.int64]:
    """Which events did each actor do next (or before)?

    Parameters
    ----------
    rows : ndarray of int64, shape (U,)
        Event of the log to look on from.
    length : int
        How many events.
    within_us : int or None
        Only events so close in time.
    backwards : bool
        Look back instead.

    Returns
    -------
    ndarray of int64, shape (U, length)
        Codes of event names; -1 where nothing more came. The same event several times in a row counts once.
    """
    if not len(log):
        return np.full((len(rows), length), -1)
    new = np.append(True, (np.diff(log.actor) != 0) | (np.diff(log.event) != 0))
    starts = np.flatnonzero(new)
    run = np.cumsum(new) - 1
    ends = np.append(starts[1:], len(log)) - 1
    at, going = rows.copy(), np.ones(len(rows), bool)
    found = np.full((len(rows), length), -1)
    for place in range(length):
        ahead = starts[run[at]] - 1 if backwards else ends[run[at]] + 1
        inside = going & (ahead >= 0) & (ahead < len(log))
        safe = np.where(inside, ahead, 0)
        inside &= log.actor[safe] == log.actor[rows]
        if within_us is not None:
            inside &= np.abs(log.time[safe] - log.time[rows]) <= within_us
        at, going = np.where(inside, ahead, at), inside
        found[going, place] = log.event[at][going]
    return found
