"""Who stands behind a bar of a funnel?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.analysis.behaviour.ask import DAY_US, rows_of_steps
from funnelnb.core import check
from funnelnb.core.errors import ParameterError, nearest
from funnelnb.data.events.counts import numbers_of
from funnelnb.data.events.walk import NEVER

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from funnelnb.analysis.behaviour.funnel import Funnel

    Mask = NDArray[np.bool_]

STATUSES = ("reached", "advanced", "running", "dropped")


def place_of(step: int | str, labels: Sequence[str]) -> int:
    """Return the place of a step given by number (from 1) or label."""
    if isinstance(step, str) and step in labels:
        return list(labels).index(step)
    if isinstance(step, int) and not isinstance(step, bool) and 1 <= step <= len(labels):
        return step - 1
    raise ParameterError(
        f"step = {step!r}",
        expected=f"a number from 1 to {len(labels)}, or a label",
        hint=nearest(str(step), labels),
    )


def marks(result: Funnel, k: int, status: str, group: tuple[str, ...] | None, *, whole: bool = False) -> Mask:
    """Mark the units behind a count: those of step `k` (counted from 0), or `whole` those of the way as a whole."""
    units = result.counted.units
    done, through = units.time != NEVER, units.depth == len(units.required)
    chosen = done[:, k].copy()
    furthest = np.array(units.required)[np.maximum(units.depth - 1, 0)] == k
    following = min((one for one in units.required if one > k), default=-1)
    if status == "advanced":
        chosen &= through if whole else done[:, following] if following >= 0 else False
    elif status != "reached":
        chosen &= (whole | furthest) & ~through & (units.running if status == "running" else ~units.running)
    if group is not None:
        chosen &= result.counted.unit_group == result.counted.groups.index(group)
    return chosen


def behind(result: Funnel, step: int | str, status: str, group: Sequence[str] | str | None) -> pd.DataFrame:
    """Return the actors of one step and status; see :meth:`Funnel.actors`."""
    import pandas as pd

    k = place_of(step, result.asked.labels)
    check.one_of("status", status, STATUSES)
    units, counted, log = result.counted.units, result.counted, result.asked.in_memory
    wanted = None
    if group is not None:
        wanted = (group,) if isinstance(group, str) else tuple(group)
        if wanted not in counted.groups:
            known = [" / ".join(one) for one in counted.groups]
            raise ParameterError(
                f"group = {group!r}", expected="a group of the result", hint=nearest(str(group), known)
            )
    at = np.flatnonzero(marks(result, k, status, wanted))
    done = units.time != NEVER
    rows = rows_of_steps(counted)[units.row[at, 0]]
    columns: dict[str, Any] = {"actor": log.actors[log.actor[rows]]}
    for place, name in enumerate(result.by):
        columns[name] = [counted.groups[g][place] for g in counted.unit_group[at]]
    for place, label in enumerate(result.asked.labels):
        stamps = units.time[at, place].astype("M8[us]")
        columns[label] = np.where(done[at, place], stamps, np.datetime64("NaT", "us"))
    return pd.DataFrame(columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody (or an attempt) in a funnel.

    Attributes
    ----------
    actor : str
    arrived : datetime64
    step : str
        The furthest required step.
    state : {"through", "running", "dropped"}
    days : float
        Since the arrival.
    amount : float
        Sum of the value on the steps done; NaN without one.
    """

    actor: str
    arrived: np.datetime64
    step: str
    state: str
    days: float
    amount: float


def people(result: Funnel, chosen: Mask) -> list[Person]:
    """Return who the marked units are."""
    units, log = result.counted.units, result.asked.in_memory
    at = np.flatnonzero(chosen)
    log_rows = rows_of_steps(result.counted)
    actors = log.actors[log.actor[log_rows[units.row[at, 0]]]]
    depth, whole = units.depth[at], len(units.required)
    amount = np.full(len(at), np.nan)
    if result.value:
        cells = numbers_of(log, result.value)[log_rows[np.maximum(units.row[at], 0)]]
        cells[units.row[at] < 0] = np.nan
        known = ~np.isnan(cells)
        amount[known.any(axis=1)] = np.nansum(cells, axis=1)[known.any(axis=1)]
    return [
        Person(
            actor=str(actor),
            arrived=np.datetime64(int(units.time[unit, 0]), "us"),
            step=result.asked.labels[units.required[max(deep - 1, 0)]],
            state="through" if deep == whole else "running" if units.running[unit] else "dropped",
            days=(log.as_of_us - int(units.time[unit, 0])) / DAY_US,
            amount=float(worth),
        )
        for unit, actor, deep, worth in zip(at.tolist(), actors, depth.tolist(), amount, strict=True)
    ]
