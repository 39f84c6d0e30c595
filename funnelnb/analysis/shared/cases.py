"""Of which deals is it known whether they were won by a horizon, and for how many does each of these stand?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from funnelnb.analysis.shared.counts import SECONDS_PER_DAY
from funnelnb.data.contract.clock import UNKNOWN
from funnelnb.data.ledger.codes import LOST_DEAL, WON_DEAL
from funnelnb.stats.models.censoring import censoring_weights

if TYPE_CHECKING:
    from funnelnb.data.ledger.ledger import Ledger

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cases:
    """Deals whose state at the horizon is known on some day, and what each stands for.

    Attributes
    ----------
    rows : ndarray of int64, shape (C,)
        Places of the deals in the ledger.
    won : ndarray of float64, shape (C,)
        1 where the deal was won by the horizon, else 0.
    weight : ndarray of float64, shape (C,)
        Deals that it stands for, itself included (inverse probability of censoring).
    """

    rows: Ints
    won: Floats
    weight: Floats

    @property
    def base_rate(self) -> float:
        """Chance of all of them together; NaN where there is none."""
        total = self.weight.sum()
        return float((self.weight * self.won).sum() / total) if total > 0 else float("nan")


def cases_of(
    ledger: Ledger,
    start_s: Ints,
    known_s: int,
    days: float,
    after_s: int = UNKNOWN,
    until_s: int | None = None,
) -> Cases:
    """Return the cases among deals that start after `after_s` up to `until_s`, with what was known at `known_s`."""
    late = known_s if until_s is None else until_s
    begin = max(after_s, ledger.observed_from_s)
    rows = np.flatnonzero((start_s != UNKNOWN) & (start_s > begin) & (start_s <= late))
    closed = np.where(ledger.closed_s[rows] == UNKNOWN, known_s, np.minimum(ledger.closed_s[rows], known_s))
    seen = (ledger.closed_s[rows] != UNKNOWN) & (ledger.closed_s[rows] <= known_s)
    outcome = ledger.outcome[rows]
    decided = seen & ((outcome == WON_DEAL) | (outcome == LOST_DEAL))
    took = np.maximum(closed - start_s[rows], 0) / SECONDS_PER_DAY
    lost, undated = outcome == LOST_DEAL, ledger.closed_s[rows] == UNKNOWN
    if (
        lost & undated
    ).any():  # a lost deal is never won: it is watched as long as it could be, whatever its date
        took = np.where(lost, np.maximum(known_s - start_s[rows], 0) / SECONDS_PER_DAY, took)
        decided = decided & ~lost
    unknown = undated & (outcome == WON_DEAL)
    rows, took, decided, outcome = (one[~unknown] for one in (rows, took, decided, outcome))
    weight = censoring_weights(took, decided, days)
    won = (decided & (outcome == WON_DEAL) & (took <= days)).astype(float)
    keep = weight > 0
    return Cases(rows=rows[keep], won=won[keep], weight=weight[keep])
