"""What would read this export? Recognise it, try it, and propose what to do about every problem found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from funnelnb.core.errors import DataProblems, MissingDataError
from funnelnb.data.load import Draft
from funnelnb.data.recognise.merge import merged
from funnelnb.data.recognise.propose import Proposal
from funnelnb.data.recognise.sources import gather

if TYPE_CHECKING:
    from collections.abc import Mapping

ROUNDS = 12
"""So often is the export tried again with what was learnt."""


def propose_for(
    source: Any, *, mapping: Any = None, playbook: Any = None, tables: Mapping[str, Any] | None = None
) -> Proposal:
    """Which settings would read this export?

    Parameters
    ----------
    source, mapping, playbook, tables
        As for :func:`funnelnb.load`.

    Returns
    -------
    Proposal
        Its document loads as it stands; its questions say what only you can know. For each problem of the data it
        says what happens to those rows, and how many they are.
    """
    sources = gather(source, mapping, tables)
    draft = Draft(sources, playbook, accept=True)
    proposal = draft.proposal
    if proposal is None:
        return Proposal(said=sources.settings)
    for _ in range(ROUNDS):
        settings = merged(sources.settings, proposal.document, accepted=True)
        again = gather(source, settings, tables)
        try:
            attempt = Draft(again, playbook, accept=True)
            attempt.read()
            attempt.book()
        except DataProblems as error:
            if not _repair(proposal, error):
                break
        except MissingDataError:
            _undated(proposal)
        else:
            break
    return proposal


def _repair(proposal: Proposal, error: DataProblems) -> bool:
    """Propose what happens to the rows of each problem; return whether anything new was proposed."""
    return False


def _undated(proposal: Proposal) -> None:
    """Propose today as the as-of date of data without any date."""
    import datetime

    today = datetime.date.today().isoformat()
    proposal.document["as_of"] = today
    proposal.ask("no_dates", line=f"as_of = {today}", today=today)
