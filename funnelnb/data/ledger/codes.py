"""What do the codes of a ledger mean? Ends of stays, outcomes, facts of single deals, coded attributes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.core.note import Note

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from funnelnb.data.ledger.attributes import Ids


LOST = -1
"""Value of :attr:`Ledger.next` for a stay that ended in a loss."""
STILL = -2
"""Value of :attr:`Ledger.next` for a stay that had not ended at the as-of date."""
LEFT = -3
"""Value of :attr:`Ledger.next` for a deal that left the pipeline undecided (invalid, merged, withdrawn)."""

OPEN_DEAL, WON_DEAL, LOST_DEAL, LEFT_DEAL = 0, 1, 2, 3
"""Values of :attr:`Ledger.outcome`."""

FACTS = (
    "history_missing",
    "created_unknown",
    "closed_date_missing",
    "closed_before_last_stage",
    "reopened",
    "amount_unknown",
    "stage_unknown",
    "win_taken_back",
    "close_differs",
    "moves_before_records",
    "state_then_unknown",
)
"""Codes of the notes on single deals; bit k of :attr:`Ledger.facts` says if the k-th is true of a deal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Codes:
    """An attribute of each deal, dictionary-coded.

    Attributes
    ----------
    codes : ndarray of int32, shape (deal_n,)
        Position in `labels`.
    labels : tuple of str
        Distinct values in sorted order; a missing value is the empty string.
    name : str
        What results call it; empty for an attribute that its mapping already names.
    """

    codes: NDArray[np.int32]
    labels: tuple[str, ...]
    name: str = ""


CONTRADICTIONS = ("closed_before_last_stage", "reopened", "win_taken_back", "close_differs")
"""Facts in which a history contradicts its deal: their notes name examples."""
EXAMPLES_N = 3


def fact_of(facts: NDArray[np.uint16], code: str) -> NDArray[np.bool_]:
    """Return of which deals one of :data:`FACTS` is true."""
    found: NDArray[np.bool_] = (facts & (1 << FACTS.index(code))) > 0
    return found


def fact_notes(facts: NDArray[np.uint16], ids: Ids | None = None) -> list[Note]:
    """Return a note for each of :data:`FACTS` that is true of any deal; with `ids` contradictions name examples."""
    notes = []
    for code in FACTS:
        true = fact_of(facts, code)
        if true.any():
            values: dict[str, Any] = {"deals_n": int(true.sum()), "of_n": len(facts)}
            if code in CONTRADICTIONS:
                some = np.zeros(len(facts), bool)
                some[np.flatnonzero(true)[:EXAMPLES_N]] = True
                values["examples"] = "" if ids is None else ", ".join(map(str, ids.of(some).texts))
            notes.append(Note(code, values))
    return notes
