"""The ledger: one row per stay of a deal in a stage. The heart of every analysis.

Integer-coded, columnar NumPy, built once per book. It balances, for every stage, by count and by amount:
entered = advanced + skipped ahead + moved back + lost + left + still here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from funnelnb.core.note import Note

LOST = -1
"""Value of :attr:`Ledger.next` for a stay that ended in a loss."""
STILL = -2
"""Value of :attr:`Ledger.next` for a stay that had not ended at the as-of date."""
LEFT = -3
"""Value of :attr:`Ledger.next` for a deal that left the pipeline undecided (invalid, merged, withdrawn)."""

UNKNOWN = np.iinfo(np.int64).min
"""A time that is not known, in every ``_s`` array (the value of NaT)."""

OPEN_DEAL, WON_DEAL, LOST_DEAL, LEFT_DEAL = 0, 1, 2, 3
"""Values of :attr:`Ledger.outcome`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Codes:
    """An attribute of each deal, dictionary-coded.

    Attributes
    ----------
    codes : ndarray of int32, shape (deal_n,)
        Position in `labels`.
    labels : tuple of str
        Distinct values in sorted order; a missing value is the empty string.
    """

    codes: NDArray[np.int32]
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ledger:
    """All stays of all deals up to the as-of date.

    Times are whole seconds since 1970-01-01 as int64 (:data:`UNKNOWN` where not known); two events of one deal
    in the same second are ordered by stage position, so the result does not depend on row order.

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
        NaN where not known.
    reached_s : ndarray of int64, shape (deal_n, P)
        First time at position k or beyond; UNKNOWN if never reached or if the time was not recorded.
    attributes : Mapping of str to Codes
        Attributes at entry that deals can be grouped by, plus ``account_id`` for clustering where given.
    deal_ids : ndarray of object or str, shape (deal_n,)
    notes : tuple of Note
        What was missing, assumed or repaired while building.
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
    deal_ids: NDArray[np.object_]
    notes: tuple[Note, ...] = ()
