"""Who stands behind a bar of a funnel?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.analysis.behaviour.ask import rows_of_steps
from funnelnb.core import check
from funnelnb.core.errors import ParameterError, nearest
from funnelnb.data.events.walk import NEVER

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from funnelnb.analysis.behaviour.funnel import Funnel

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


def behind(result: Funnel, step: int | str, status: str, group: Sequence[str] | str | None) -> pd.DataFrame:
    """Return the actors of one step and status; see :meth:`Funnel.actors`."""
    import pandas as pd

    k = place_of(step, result.asked.labels)
    check.one_of("status", status, STATUSES)
    units, counted, log = result.counted.units, result.counted, result.asked.in_memory
    done = units.time != NEVER
    chosen = done[:, k].copy()
    following = min((one for one in units.required if one > k), default=-1)
    through = units.depth == len(units.required)
    furthest = np.array(units.required)[np.maximum(units.depth - 1, 0)] == k
    if status == "advanced":
        chosen &= done[:, following] if following >= 0 else False
    elif status != "reached":
        chosen &= furthest & ~through & (units.running if status == "running" else ~units.running)
    if group is not None:
        wanted = (group,) if isinstance(group, str) else tuple(group)
        if wanted not in counted.groups:
            known = [" / ".join(one) for one in counted.groups]
            raise ParameterError(
                f"group = {group!r}", expected="a group of the result", hint=nearest(str(group), known)
            )
        chosen &= counted.unit_group == counted.groups.index(wanted)
    at = np.flatnonzero(chosen)
    rows = rows_of_steps(counted)[units.row[at, 0]]
    columns: dict[str, Any] = {"actor": log.actors[log.actor[rows]]}
    for place, name in enumerate(result.by):
        columns[name] = [counted.groups[g][place] for g in counted.unit_group[at]]
    for place, label in enumerate(result.asked.labels):
        stamps = units.time[at, place].astype("M8[us]")
        columns[label] = np.where(done[at, place], stamps, np.datetime64("NaT", "us"))
    return pd.DataFrame(columns)
