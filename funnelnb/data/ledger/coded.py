"""Deals and history as coded arrays, and the key that keeps them in order.

A row of the history is one 64-bit key, deal | time | stage: one sort puts all stays in order and every
column can be read back from the key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from funnelnb.core.arrays import each, workers
from funnelnb.core.errors import FunnelError
from funnelnb.data.ledger.codes import LEFT, LOST

UNRECORDED = -9
"""Stage code of a deal whose current stage is not recorded, and of a history row whose stage is not known."""

_MANY = 1 << 18

Ints = NDArray[np.integer[Any]]


@dataclass(slots=True, kw_only=True)
class Deals:
    """One entry per deal, as recorded: what :func:`from_arrays` works on.

    Attributes
    ----------
    created_s, closed_s : ndarray of int64, shape (D,)
        Whole seconds since 1970-01-01, UNKNOWN where missing.
    outcome : ndarray of int8, shape (D,)
        OPEN_DEAL, WON_DEAL, LOST_DEAL, LEFT_DEAL.
    stage : ndarray of int16, shape (D,)
        Position of the current stage, or UNRECORDED.
    amount : ndarray of float64, shape (D,)
    """

    created_s: NDArray[np.int64]
    closed_s: NDArray[np.int64]
    outcome: NDArray[np.int8]
    stage: NDArray[np.int16]
    amount: NDArray[np.float64]

    def take(self, keep: NDArray[Any] | slice) -> Deals:
        """Return the deals that `keep` selects; those of a slice are the same memory."""
        return Deals(
            created_s=self.created_s[keep],
            closed_s=self.closed_s[keep],
            outcome=self.outcome[keep],
            stage=self.stage[keep],
            amount=self.amount[keep],
        )


@dataclass(slots=True, kw_only=True)
class Rows:
    """One entry per row of the stage history, in any order.

    Attributes
    ----------
    deal : ndarray of int, shape (N,)
        Position of the deal in :class:`Deals`; negative where there is no such deal.
    stage : ndarray of int, shape (N,)
        Position of the stage entered; LOST or LEFT for the mark of an end; UNRECORDED where it is not known.
    entered_s : ndarray of int64, shape (N,)
    """

    deal: Ints
    stage: Ints
    entered_s: NDArray[np.int64]

    def take(self, keep: NDArray[Any]) -> Rows:
        """Return the rows that `keep` selects."""
        return Rows(deal=self.deal[keep], stage=self.stage[keep], entered_s=self.entered_s[keep])


@dataclass(slots=True, kw_only=True)
class Keys:
    """How deal, time and stage are packed into one sortable int64."""

    base_s: int
    time_bits: int
    stage_bits: int

    @classmethod
    def fitting(cls, lowest_s: int, highest_s: int, positions: int, deal_n: int) -> Keys:
        """Return the narrowest packing of these times, stages and deals."""
        keys = cls(
            base_s=lowest_s,
            time_bits=int(highest_s - lowest_s).bit_length(),
            stage_bits=int(positions).bit_length(),
        )
        if keys.time_bits + keys.stage_bits + int(deal_n).bit_length() > 63:
            lowest = np.datetime64(lowest_s, "s")
            raise FunnelError(
                f"the dates of {deal_n} deals begin on {lowest}, too far back to keep them in order",
                expected="dates within a few centuries",
                hint="look for mistyped years and leave such rows out",
            )
        return keys

    def pack(self, deal: Any, time_s: Any, stage: Any) -> NDArray[np.int64]:
        """Return the keys of stays: deal, second of entry, stage position."""
        key = np.asarray(deal, np.int64) << self.time_bits
        key += time_s
        key -= self.base_s
        key <<= self.stage_bits
        key |= stage
        return key

    def deal(self, key: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the deal of each key."""
        return key >> (self.time_bits + self.stage_bits)

    def time_s(self, key: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the time of each key."""
        time = key >> self.stage_bits
        time &= (1 << self.time_bits) - 1
        time += self.base_s
        return time

    def stage(self, key: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the stage position of each key."""
        return key & ((1 << self.stage_bits) - 1)

    def sort(self, rows: Rows, positions: int) -> NDArray[np.int64]:
        """Return the keys of history rows in order; in the same second marks come after the stages."""
        stage = rows.stage
        if len(stage) and stage.min() < 0:
            stage = np.where(stage == LOST, positions, np.where(stage == LEFT, positions + 1, stage))
        key = self.pack(rows.deal, rows.entered_s, stage)
        if len(key) > _MANY:
            edges = np.linspace(0, len(key), workers() + 1).astype(int)
            each(lambda k: key[edges[k] : edges[k + 1]].sort(kind="stable"), range(len(edges) - 1))
        key.sort(kind="stable")  # merges what is sorted: next to nothing for rows that come in order
        return key
