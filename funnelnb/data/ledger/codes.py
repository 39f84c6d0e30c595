"""What do the codes of a ledger mean? Ends of stays, outcomes, facts of single deals, coded attributes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from funnelnb.core.note import Note

if TYPE_CHECKING:
    from numpy.typing import NDArray


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


def fact_notes(facts: NDArray[np.uint8]) -> list[Note]:
    """Return a note for each of :data:`FACTS` that is true of any deal."""
    counts = {code: int(np.count_nonzero(facts & (1 << k))) for k, code in enumerate(FACTS)}
    return [Note(code, {"deals_n": n, "of_n": len(facts)}) for code, n in counts.items() if n]
