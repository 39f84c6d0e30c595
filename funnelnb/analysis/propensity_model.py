"""What is learned about winning from deals at their entry? The deals whose state is known, and the model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from funnelnb.analysis.obtain import SECONDS_PER_DAY
from funnelnb.core.check import TOO_FEW_N
from funnelnb.data.clock import UNKNOWN
from funnelnb.data.codes import LOST_DEAL, WON_DEAL
from funnelnb.stats.censoring import censoring_weights
from funnelnb.stats.logistic import Logistic, logistic

if TYPE_CHECKING:
    from funnelnb.analysis.entry import Design
    from funnelnb.data.ledger import Ledger

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
    undated = (ledger.closed_s[rows] == UNKNOWN) & ((outcome == WON_DEAL) | (outcome == LOST_DEAL))
    rows, took, decided, outcome = (one[~undated] for one in (rows, took, decided, outcome))
    weight = censoring_weights(took, decided, days)
    won = (decided & (outcome == WON_DEAL) & (took <= days)).astype(float)
    keep = weight > 0
    return Cases(rows=rows[keep], won=won[keep], weight=weight[keep])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PropensityModel:
    """The attributes used, as columns, and the logistic model fitted to them."""

    design: Design
    fitted: Logistic

    def rate(self, rows: Ints) -> Floats:
        """Return the chance at entry of the deals at these places in the ledger."""
        return self.fitted.rate(self.design.columns(rows))


def fit(design: Design, cases: Cases) -> PropensityModel | None:
    """Return the model learned from `cases`; None where they do not tell anything."""
    won_n = cases.won.sum()
    if won_n < TOO_FEW_N or len(cases.won) - won_n < TOO_FEW_N or not design.names():
        return None
    columns = design.columns(cases.rows)
    return PropensityModel(design=design, fitted=logistic(columns, cases.won, cases.weight, design.block()))
