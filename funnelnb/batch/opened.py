"""What do a request's data hold: deals, or the actors of an event log?

A notebook that declares ``steps`` and ``window`` is about an event log. Its reports are split by a property of the log,
and the index counts actors as the funnel does: one per actor, through, dropped out or under way.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.core.errors import ParameterError, nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from funnelnb.analysis.behaviour.funnel import Funnel
    from funnelnb.batch.plan import Checked, Request
    from funnelnb.data.book import Book
    from funnelnb.data.events.log import Events
    from funnelnb.playbooks.model import Playbook


def opened(request: Request, checked: Checked, settings_days: float | None) -> tuple[Book, float | None]:
    """Read the data that a request names; return the book and the horizon that is known of it.

    Raises
    ------
    ParameterError
        Notebooks about deals and about events are asked for together, or the log has no such property or step.
    """
    asked = [one.about_events for one in checked.notebooks]
    if not any(asked):
        return load(request), settings_days
    if not all(asked):
        about = ", ".join(one.name for one, events in zip(checked.notebooks, asked, strict=True) if events)
        raise ParameterError(
            f"--notebook: {about} is about an event log, the others about deals",
            expected="notebooks about the same data in one run",
            hint="run them one after the other, each into a folder of its own (--out)",
        )
    return actors_of(request, checked)


def load(request: Request) -> Book:
    """Read the deals that a request names."""
    from funnelnb.data.load import load as load_book

    source: Any = request.data[0] if len(request.data) == 1 else list(request.data)
    return load_book(
        source,
        mapping=request.mapping or None,
        playbook=request.playbook or None,
        as_of=request.as_of or None,
    )


def actors_of(request: Request, checked: Checked) -> tuple[Book, float | None]:
    """Read an event log and return its actors as deals of the funnel that the first notebook asks for."""
    from funnelnb.analysis.behaviour.funnel import funnel
    from funnelnb.data.contract.tables import column
    from funnelnb.data.events.load import events
    from funnelnb.data.load import load as load_book

    declared = {name: one.default for name, one in checked.notebooks[0].parameters.items()}
    given = {**declared, **checked.given[0]}
    source: Any = request.data[0] if len(request.data) == 1 else list(request.data)
    log = events(source, as_of=request.as_of or None)
    steps, window = given["steps"], given["window"] or None
    found = funnel(log, steps, within=window)
    frames = _frames(found, window is not None)
    for name in request.attributes:
        frames["opportunities"][name] = _values(log, steps, window, name, frames["opportunities"])
    own = {name: name for name in request.attributes if column("opportunities", name) is None}
    book = load_book(
        frames,
        mapping={"crm": "none", "tables": {"opportunities": {"attributes": own}}},
        playbook=_stages([one.label for one in found.asked.definition.steps]),
        as_of=str(log.as_of.astype("M8[s]")),
        currency=log.currency or None,
        name=log.source,
    )
    return book, found.within_days if window else None


def _values(log: Events, steps: Any, window: str | None, name: str, deals: pd.DataFrame) -> list[str]:
    """Return the value of a property with which each actor arrived."""
    from funnelnb.analysis.behaviour.funnel import funnel

    if name not in log.properties:
        raise ParameterError(
            f"--by {name!r}: the log has no such property",
            expected="one of " + ", ".join(log.properties[:20])
            if log.properties
            else "a log with properties",
            hint=nearest(name, log.properties),
        )
    told = funnel(log, steps, within=window, by=name).actors(1, "reached")
    of_actor = dict(zip(told["actor"].astype(str), told[name].astype(str), strict=True))
    return [of_actor.get(one, "") for one in deals["opportunity_id"]]


def _frames(found: Funnel, windowed: bool) -> dict[str, pd.DataFrame]:
    """Return each actor as a deal: won when through, lost when its window has closed, else open."""
    import pandas as pd

    labels = [one.label for one in found.asked.definition.steps]
    told = found.actors(1, "reached")
    running = {one for k in range(len(labels)) for one in found.actors(k + 1, "running")["actor"].astype(str)}
    ids = told["actor"].astype(str)
    times = told[labels]
    through = times[labels[-1]].notna().to_numpy()
    lost = ~through & ~ids.isin(running).to_numpy() & windowed
    closed = times[labels[-1]].to_numpy().astype("M8[s]")
    if windowed:
        over = times[labels[0]] + pd.to_timedelta(found.within_days, unit="D")
        closed = np.where(lost, over.to_numpy().astype("M8[s]"), closed)
    furthest = [
        max(k for k, label in enumerate(labels) if known[label]) for known in times.notna().to_dict("records")
    ]
    deals = pd.DataFrame(
        {
            "opportunity_id": ids.to_numpy(),
            "created_at": times[labels[0]].to_numpy().astype("M8[s]"),
            "closed_at": closed,
            "outcome": np.select([through, lost], ["won", "lost"], "open"),
            "stage": [labels[k] for k in furthest],
        }
    )
    history = pd.concat(
        [
            pd.DataFrame({"opportunity_id": ids[there], "stage": label, "entered_at": times[label][there]})
            for label in labels
            if (there := times[label].notna()).any()
        ]
    )
    return {"opportunities": deals, "stage_history": history}


def _stages(labels: Sequence[str]) -> Playbook:
    """Return the steps as a stage model whose last step is the win."""
    from funnelnb.playbooks.load import playbook_from_stages

    made = playbook_from_stages(labels)
    if len(made.stages) == len(labels):
        return made
    last = replace(made.stages[-2], kind=made.stages[-1].kind, win_weight=made.stages[-1].win_weight)
    return replace(made, stages=(*made.stages[:-2], last))
