"""The ledger: one row per stay of a deal in a stage. The heart of every analysis.

Integer-coded, columnar NumPy, built once per book. It balances, for every stage, by count and by amount:
entered = advanced + skipped ahead + moved back + lost + left + still here.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from funnelnb.data.contract.clock import UNKNOWN
from funnelnb.data.ledger.attributes import Attributes
from funnelnb.data.ledger.codes import FACTS, Codes, fact_notes, fact_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from funnelnb.core.note import Note
    from funnelnb.data.ledger.attributes import Ids


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ledger:
    """All stays of all deals up to the day of the data.

    Times are whole seconds since 1970-01-01 as int64 (:data:`UNKNOWN` where not known); two events of one
    deal in the same second are ordered by stage position, so the result does not depend on row order.

    Attributes
    ----------
    stage_ids : tuple of str, length P
        Ids of the playbook's stages in order, the won stage included.
    won : int
        Position of the won stage.
    as_of_s : int
        The as-of instant.
    deal : ndarray of int32, shape (S,)
        Deal of each stay; sorted. Stays of one deal are consecutive and in time order.
    stage : ndarray of int16, shape (S,)
        Position of the stage.
    entered_s, left_s : ndarray of int64, shape (S,)
        When the stay began and ended. `left_s` is UNKNOWN while `next` is STILL, and where the history is
        missing so that the end was not recorded.
    next : ndarray of int16, shape (S,)
        Position of the next stay's stage, or LOST, STILL, LEFT.
    start : ndarray of int64, shape (deal_n + 1,)
        Stays of deal d are rows start[d] to start[d + 1] (every deal has at least one).
    created_s, closed_s : ndarray of int64, shape (deal_n,)
        `closed_s` is UNKNOWN for open deals.
    outcome : ndarray of int8, shape (deal_n,)
        OPEN_DEAL, WON_DEAL, LOST_DEAL or LEFT_DEAL at the as-of date.
    furthest : ndarray of int16, shape (deal_n,)
        Furthest position ever reached.
    amount : ndarray of float64, shape (deal_n,)
        NaN where not known, or negative: what is no value of a deal is in no sum.
    reached_s : ndarray of int64, shape (deal_n, P)
        First time at position k or beyond; UNKNOWN if never reached or if the time was not recorded.
    attributes : Mapping of str to Codes
        Attributes at entry that deals can be grouped by, plus ``account_id`` for clustering where given.
    ids : Ids
        The ids of the deals; see :attr:`deal_ids`.
    notes : tuple of Note
        What was missing, assumed or repaired while building.
    observed_from_s : int
        Since when deals were recorded completely (late history); UNKNOWN: from the start.
    facts : ndarray of uint16, shape (deal_n,)
        Which of :data:`FACTS` are true of each deal: what the notes count.
    """

    stage_ids: tuple[str, ...]
    won: int
    as_of_s: int
    deal: NDArray[np.int32]
    stage: NDArray[np.int16]
    entered_s: NDArray[np.int64]
    left_s: NDArray[np.int64]
    next: NDArray[np.int16]
    start: NDArray[np.int64]
    created_s: NDArray[np.int64]
    closed_s: NDArray[np.int64]
    outcome: NDArray[np.int8]
    furthest: NDArray[np.int16]
    amount: NDArray[np.float64]
    reached_s: NDArray[np.int64]
    attributes: Mapping[str, Codes]
    ids: Ids
    notes: tuple[Note, ...] = ()
    observed_from_s: int = UNKNOWN
    facts: NDArray[np.uint16] = field(default_factory=lambda: np.zeros(0, np.uint16))

    @property
    def deal_ids(self) -> NDArray[np.object_]:
        """The ids of the deals as text, shape (deal_n,)."""
        return self.ids.texts

    def is_true(self, fact: str) -> NDArray[np.bool_]:
        """Return of which deals one of :data:`~funnelnb.data.ledger.codes.FACTS` is true, shape (deal_n,)."""
        if len(self.facts) != len(self.outcome):
            return np.zeros(len(self.outcome), bool)
        return fact_of(self.facts, fact)

    def restrict(self, keep: NDArray[np.bool_]) -> Ledger:
        """Return the ledger of some of the deals, as if it had been built from them alone.

        Parameters
        ----------
        keep : ndarray of bool, shape (deal_n,)
            Deals to keep.

        Returns
        -------
        Ledger
            With the same stages and as-of date; of the notes, those on single deals count the deals kept.
        """
        facts = self.facts[keep] if len(self.facts) == len(keep) else self.facts
        rows = keep[self.deal]
        stays = np.diff(self.start)[keep]
        renumbered = np.cumsum(keep, dtype=np.int32) - np.int32(1)
        return replace(
            self,
            deal=renumbered[self.deal[rows]],
            stage=self.stage[rows],
            entered_s=self.entered_s[rows],
            left_s=self.left_s[rows],
            next=self.next[rows],
            start=np.concatenate([[0], np.cumsum(stays)]).astype(np.int64),
            created_s=self.created_s[keep],
            closed_s=self.closed_s[keep],
            outcome=self.outcome[keep],
            furthest=self.furthest[keep],
            amount=self.amount[keep],
            reached_s=np.asfortranarray(self.reached_s[keep]),
            attributes=Attributes.of(self.attributes, keep),
            ids=self.ids.of(keep),
            facts=facts,
            notes=(
                *(note for note in self.notes if note.code not in FACTS),
                *fact_notes(facts, self.ids.of(keep)),
            ),
        )
