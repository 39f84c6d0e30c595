"""Several pipelines in one export: what each is made of, and one of them alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from funnelnb.core.errors import MappingError, nearest
from funnelnb.data.parse.values import among, as_text
from funnelnb.data.recognise.profile import profile
from funnelnb.data.recognise.stages import Evidence, plan
from funnelnb.playbooks.model import fold

if TYPE_CHECKING:
    import pandas as pd

    from funnelnb.data.contract.settings import Settings
    from funnelnb.data.recognise.proposal import Proposal
    from funnelnb.data.recognise.shape import Sheet

TOLD = 5
"""So many pipelines are named in a note, the largest first."""


def one_pipeline(result: Proposal, deals: Sheet, settings: Settings) -> None:
    """Keep the deals of the pipeline that the settings choose, and their history.

    Parameters
    ----------
    result : Proposal
        Its tables of deals and of history are changed.
    deals : Sheet
    settings : Settings

    Raises
    ------
    MappingError
        No column tells the pipeline, or none is called like that.
    """
    wanted, at = settings.pipeline, deals.columns.source("pipeline")
    if not wanted:
        return
    if not at or at not in deals.raw.frame:
        raise MappingError(
            f"{settings.shown}, pipeline = {wanted!r}: no column of {deals.raw.file} tells the pipeline",
            expected="a column called Pipeline, or one that the settings name",
            hint='say which: [tables.opportunities.columns] pipeline = "…"',
        )
    texts = as_text(deals.raw.frame[at])
    names = [str(one) for one in texts.dropna().unique()]
    keep, meant = in_pipeline(texts, wanted)
    if not keep.any():
        raise MappingError(
            f"{settings.shown}, pipeline = {wanted!r}: no deal of {deals.raw.file} is in it",
            expected="one of " + ", ".join(names[:20]),
            hint=nearest(wanted, names),
        )
    ids = deals.columns.source("opportunity_id")
    gone = as_text(deals.raw.frame[ids], blanks=False)[~keep] if ids in deals.raw.frame else None
    history = result.history
    if history is not None and history is not deals and gone is not None:
        keys = as_text(history.raw.frame[history.log["opportunity_id"]], blanks=False)
        _keep(history, ~keys.isin(gone))
    _keep(deals, keep)
    result.note("pipeline_chosen", name=", ".join(meant), n=int(keep.sum()), of_n=len(keep))


def in_pipeline(texts: pd.Series, wanted: str) -> tuple[pd.Series, list[str]]:
    """Return which deals are in the pipeline that is wanted, and how it is spelled."""
    names = [str(one) for one in texts.dropna().unique()]
    meant = [one for one in names if (fold(one) or one) == (fold(wanted) or wanted)]
    return texts.isin(meant), meant


def _keep(sheet: Sheet, keep: pd.Series) -> None:
    sheet.raw = replace(sheet.raw, frame=sheet.raw.frame[keep], words={}, unique=set())
    sheet.profiles = profile(sheet.raw)


def tell_pipelines(result: Proposal, deals: Sheet) -> None:
    """Tell of several pipelines in one file, each with its own stages in order."""
    at, stage = deals.columns.source("pipeline"), deals.columns.source("stage")
    if not at or at not in deals.raw.frame:
        return
    texts = as_text(deals.raw.frame[at])
    counts = texts.value_counts()
    if len(counts) < 2:
        return
    told = []
    for name, n in counts.head(TOLD).items():
        own = _stages(result, deals, texts == name) if stage in deals.raw.frame else ""
        told.append(f"{name} ({n}: {own})" if own else f"{name} ({n})")
    result.note(
        "several_pipelines", column=at, n=len(counts), names=", ".join(told), first=str(counts.index[0])
    )


def _stages(result: Proposal, deals: Sheet, rows: pd.Series) -> str:
    """Return the working stages of one pipeline, in the order that the proposal gives them."""
    rows = rows.fillna(value=False).astype(bool)
    words = as_text(deals.raw.frame[deals.columns.source("stage")])[rows].value_counts()
    place = {one: k for k, one in enumerate(result.stages.stages)} if result.stages is not None else {}
    here = [str(one) for one in words.index]
    ids, history = deals.columns.source("opportunity_id"), result.history
    if history is not None and history is not deals and ids in deals.raw.frame:
        log = history.raw.frame
        keys = as_text(log[history.log["opportunity_id"]], blanks=False)
        mine = among(keys, as_text(deals.raw.frame[ids], blanks=False)[rows])
        here += [str(one) for one in as_text(log[history.log["stage"]])[mine].dropna().unique()]
        here = list(dict.fromkeys(here))
    if not place:
        found = plan(Evidence(counts=dict.fromkeys(here, 1), probability={}, outcomes={}), outcome_told=True)
        return " → ".join(found.stages)
    return " → ".join(sorted((one for one in here if one in place), key=lambda one: place[one]))
