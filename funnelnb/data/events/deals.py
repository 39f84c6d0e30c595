"""Deals as events and events as deals: one set of definitions, read both ways.

Where they coincide: a deal *reached* a stage when it was ever there or beyond, and so did an actor that did any event
of the stage or of a later one (:func:`furthest_steps`, one row serving several steps, no window). Where they do
not: a deal is lost on a day that somebody enters, an actor drops out when a window closes; a deal moves back and
starts a new stay, an actor's repeats change nothing (DECISIONS.md, "Events and deals").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from funnelnb.core.errors import not_a_book, not_a_log
from funnelnb.data.events.definition import step
from funnelnb.data.events.load import events
from funnelnb.data.events.stages import stage_steps

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from funnelnb.data.book import Book
    from funnelnb.data.events.definition import Step
    from funnelnb.data.events.log import Events
    from funnelnb.playbooks.model import Playbook

LOST = "lost"


def from_deals(book: Book) -> Events:
    """Read the stage history of a book as an event log: who is the deal, what is the stage it entered.

    Parameters
    ----------
    book : Book

    Returns
    -------
    Events
        One event per entry into a stage, the creation as the first stage where the history does not hold it, the
        win at its date, and ``lost`` for lost deals; with the attributes of the deal on every event. A stage
        that a deal skipped has no event.

    Examples
    --------
    >>> import funnelnb as fn
    >>> log = from_deals(fn.sample())
    >>> len(log.actors), log.names[0]
    (4000, 'find_opportunity')
    """
    import pandas as pd

    if not hasattr(book, "opportunities"):
        raise not_a_book("behaviour.from_deals", book)
    deals, stages = book.opportunities, book.playbook.stage_ids
    rows = [_events(deals, stages[0], "created_at", deals["created_at"].notna())]
    if "stage_history" in book.tables:
        history = book.table("stage_history")
        known = history[history["stage"].isin(stages)]
        rows.append(
            pd.DataFrame(
                {"actor": known["opportunity_id"], "event": known["stage"], "at": known["entered_at"]}
            )
        )
    won = stages[book.playbook.won]
    for name, outcomes in ((won, ("won",)), (LOST, ("lost", "lost_competitor", "lost_no_decision"))):
        rows.append(
            _events(deals, name, "closed_at", deals["outcome"].isin(outcomes) & deals["closed_at"].notna())
        )
    log = pd.concat(rows, ignore_index=True).dropna(subset=["at"])
    order = {name: place for place, name in enumerate((*stages, LOST))}
    log = log.assign(place=log["event"].map(order)).sort_values(["actor", "at", "place"], kind="stable")
    log = log.drop_duplicates(["actor", "event", "at"]).drop(columns="place")
    attributes = [name for name in (*book.attributes, "amount") if name in deals.columns]
    joined = log.merge(
        deals[["opportunity_id", *attributes]], left_on="actor", right_on="opportunity_id", how="left"
    )
    return events(
        joined.drop(columns="opportunity_id"), actor="actor", event="event", time="at",
        as_of=str(book.as_of.astype("M8[s]")), currency=book.currency,
    )  # fmt: skip


def _events(deals: pd.DataFrame, name: str, column: str, chosen: pd.Series) -> pd.DataFrame:
    import pandas as pd

    part = deals[chosen]
    return pd.DataFrame({"actor": part["opportunity_id"], "event": name, "at": part[column]})


def to_deals(log: Events, playbook: Playbook) -> dict[str, pd.DataFrame]:
    """Read an event log as deals: one per actor, its events as the entries into stages.

    Parameters
    ----------
    log : Events
    playbook : Playbook
        Its stages find their events by name.

    Returns
    -------
    dict of str to DataFrame
        ``opportunities`` and ``stage_history``, for :func:`funnelnb.load`. An actor that did the won stage is won at
        the first time it did; nobody is lost: that an actor will not come back is nothing a log knows.

    Examples
    --------
    >>> import pandas as pd, funnelnb as fn
    >>> log = fn.events(pd.DataFrame({"user_id": ["a", "a", "b"], "event": ["home", "purchase", "home"],
    ...                               "time": ["2026-05-01", "2026-05-02", "2026-05-01"]}))
    >>> to_deals(log, fn.load_playbook("ecommerce"))["opportunities"]["outcome"].tolist()
    ['won', 'open']
    """
    import pandas as pd

    if not hasattr(log, "actors"):
        raise not_a_log("behaviour.to_deals", log)
    steps, _ = stage_steps(playbook, log.names)
    stage_of = {choice.event: one.label for one in reversed(steps) for choice in one.choices}
    stage = np.array([stage_of.get(name, "") for name in log.names], dtype=object)[log.event]
    rows = np.flatnonzero(stage != "")
    history = pd.DataFrame({
        "opportunity_id": log.actors[log.actor[rows]], "stage": stage[rows],
        "entered_at": log.time[rows].astype("M8[us]").astype("M8[s]"),
    })  # fmt: skip
    first = np.flatnonzero(np.append(True, np.diff(log.actor[rows]) != 0)[: len(rows)])
    deals = pd.DataFrame({
        "opportunity_id": history["opportunity_id"].iloc[first].to_numpy(),
        "created_at": history["entered_at"].iloc[first].to_numpy(),
    })  # fmt: skip
    won = (
        history[history["stage"] == playbook.stage_ids[playbook.won]]
        .groupby("opportunity_id")["entered_at"]
        .min()
    )
    deals["closed_at"] = won.reindex(deals["opportunity_id"]).to_numpy()
    deals["outcome"] = np.where(deals["closed_at"].notna(), "won", "open")
    deals["stage"] = (
        history.groupby("opportunity_id", sort=False)["stage"]
        .last()
        .reindex(deals["opportunity_id"])
        .to_numpy()
    )
    for name in log.properties:
        if name not in deals.columns:
            deals[name] = log.values(name)[rows[first]]
    return {"opportunities": deals, "stage_history": history}


def furthest_steps(stages: Sequence[str]) -> list[Step]:
    """Return steps that count as deals do: a stage is reached by being there or beyond.

    Examples
    --------
    >>> [len(one.choices) for one in furthest_steps(["lead", "offer", "won"])]
    [3, 2, 1]
    """
    return [step(list(stages[k:]), label=name) for k, name in enumerate(stages)]
