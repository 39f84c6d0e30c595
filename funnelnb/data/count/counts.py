"""Counts: the only bridge from tables to statistics.

Two ways give equal counts: in memory from a :class:`~funnelnb.data.ledger.ledger.Ledger`, and *where the data lies*
(DuckDB, PySpark, lazy Polars) by the same definitions written as narwhals expressions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


CENSORED, ADVANCED, LOST_OUT, LOST_UNDATED = 0, 1, 2, 3
"""Values of :attr:`TimeCounts.outcome`."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StageCounts:
    """How many deals of each group reached, passed, lost and sit at each stage.

    Deals are counted once, by the furthest position they reached: in every group and stage
    reached = advanced + here + lost + left (at the first stage + unplaced). G groups, P positions.

    Attributes
    ----------
    by : tuple of str
        Attributes grouped by; empty for the whole book (then G = 1 and the only group is ``()``).
    groups : tuple of tuple of str, length G
    stage_ids : tuple of str, length P
    won : int
    deal_n : ndarray of int64, shape (G,)
    reached_n, advanced_n, here_n, lost_n, left_n : ndarray of int64, shape (G, P)
    reached_amount, advanced_amount, here_amount, lost_amount, left_amount : ndarray of float64, shape (G, P)
        Sums over deals whose amount is known and not negative.
    reached_amount_n : ndarray of int64, shape (G, P)
        Deals behind `reached_amount`.
    reached_amount_sq, decided_amount_sq : ndarray of float64, shape (G, P)
        Sums of squared amounts (reached; advanced or lost), for the effective number of deals.
    unplaced_n, unplaced_amount : ndarray, shape (G, 4), or None
        Deals by outcome of which only that is known, not where they stood: in `deal_n` and in the first
        `reached_n`, and in no other count. None: there is none.
    unsure_n : ndarray of int64, shape (G, P), or None
        Of `lost_n`: at an earlier as-of date, losses without a date, which may have been open then. None: no such
        loss.
    unsure_unplaced_n : ndarray of int64, shape (G,), or None
        The same of `unplaced_n`.
    stands_for : StandingFor or None
        None where every deal's stage is known.
    before_records : BeforeRecords or None
        Older deals whose entry into a stage is not dated; None where there is none.
    clustered : ndarray of int64, shape (R, G, P, 4), or None
        Deals by account, furthest position and outcome; None where no account has several deals.
    """

    by: tuple[str, ...]
    groups: tuple[tuple[str, ...], ...]
    stage_ids: tuple[str, ...]
    won: int
    deal_n: NDArray[np.int64]
    reached_n: NDArray[np.int64]
    advanced_n: NDArray[np.int64]
    here_n: NDArray[np.int64]
    lost_n: NDArray[np.int64]
    left_n: NDArray[np.int64]
    reached_amount: NDArray[np.float64]
    advanced_amount: NDArray[np.float64]
    here_amount: NDArray[np.float64]
    lost_amount: NDArray[np.float64]
    left_amount: NDArray[np.float64]
    reached_amount_n: NDArray[np.int64]
    reached_amount_sq: NDArray[np.float64]
    decided_amount_sq: NDArray[np.float64]
    unplaced_n: NDArray[np.int64] | None = None
    unplaced_amount: NDArray[np.float64] | None = None
    unsure_n: NDArray[np.int64] | None = None
    unsure_unplaced_n: NDArray[np.int64] | None = None
    stands_for: StandingFor | None = None
    before_records: BeforeRecords | None = None
    clustered: NDArray[np.int64] | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BeforeRecords:
    """Deals that came into a stage before the records begin: of such only those that were still there are known.

    Each array of :class:`StageCounts` with the same name holds them; a rate of one step leaves them out. G groups, P
    positions.

    Attributes
    ----------
    reached_n, advanced_n, here_n, lost_n, left_n, reached_amount_n : ndarray of int64, shape (G, P)
    reached_amount, advanced_amount, here_amount, lost_amount, left_amount : ndarray of float64, shape (G, P)
    reached_amount_sq, decided_amount_sq : ndarray of float64, shape (G, P)
    """

    reached_n: NDArray[np.int64]
    advanced_n: NDArray[np.int64]
    here_n: NDArray[np.int64]
    lost_n: NDArray[np.int64]
    left_n: NDArray[np.int64]
    reached_amount: NDArray[np.float64]
    advanced_amount: NDArray[np.float64]
    here_amount: NDArray[np.float64]
    lost_amount: NDArray[np.float64]
    left_amount: NDArray[np.float64]
    reached_amount_n: NDArray[np.int64]
    reached_amount_sq: NDArray[np.float64]
    decided_amount_sq: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StandingFor:
    """The same counts with deals whose stage is known standing for those whose is not. G groups, P positions.

    Attributes
    ----------
    reached, advanced, undecided : ndarray of float64, shape (G, P)
        Sums of the weights; undecided are still there, or left without a decision.
    reached_sq, decided_sq : ndarray of float64, shape (G, P)
        Sums of the squared weights (reached; advanced or lost), for the effective number of deals.
    known : ndarray of bool, shape (G,)
        Whether every outcome of the group has deals that can stand for it.
    """

    reached: NDArray[np.float64]
    advanced: NDArray[np.float64]
    undecided: NDArray[np.float64]
    reached_sq: NDArray[np.float64]
    decided_sq: NDArray[np.float64]
    known: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StayCounts:
    """The balance of the ledger: how every stay in a stage ended.

    entered = advanced + skipped + back + lost + left + still, by count and by amount. G groups, P positions.

    Attributes
    ----------
    by, groups, stage_ids
        As in :class:`StageCounts`.
    entered_n, advanced_n, skipped_n, back_n, lost_n, left_n, still_n : ndarray of int64, shape (G, P)
    entered_amount, advanced_amount, skipped_amount, back_amount, lost_amount, left_amount, still_amount
        : ndarray of float64, shape (G, P)
    """

    by: tuple[str, ...]
    groups: tuple[tuple[str, ...], ...]
    stage_ids: tuple[str, ...]
    entered_n: NDArray[np.int64]
    advanced_n: NDArray[np.int64]
    skipped_n: NDArray[np.int64]
    back_n: NDArray[np.int64]
    lost_n: NDArray[np.int64]
    left_n: NDArray[np.int64]
    still_n: NDArray[np.int64]
    entered_amount: NDArray[np.float64]
    advanced_amount: NDArray[np.float64]
    skipped_amount: NDArray[np.float64]
    back_amount: NDArray[np.float64]
    lost_amount: NDArray[np.float64]
    left_amount: NDArray[np.float64]
    still_amount: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TimeCounts:
    """Times from one position to the next outcome, counted: one row per distinct (group, entry, time, outcome).

    Attributes
    ----------
    by, groups
        As in :class:`StageCounts`.
    origin, target : int
        Position the clock starts at (first time there or beyond) and position whose reaching is the event.
    group : ndarray of int32, shape (R,)
    time_s : ndarray of int64, shape (R,)
        Seconds from origin to the event, the loss, or the as-of date; sorted within group.
    entry_s : ndarray of int64, shape (R,)
        Seconds after the origin from which the deal was under observation (0 unless the history starts late).
    outcome : ndarray of int8, shape (R,)
        CENSORED (still open, or left undecided), ADVANCED (target reached), LOST_OUT; LOST_UNDATED: lost at a time that
        is not known, `time_s` is then the last sign of life.
    n : ndarray of int64, shape (R,)
        Deals behind the row.
    amount : ndarray of float64, shape (R,)
        Sum of their known amounts.
    unknown_n : ndarray of int64, shape (G,)
        Deals that reached the origin but whose time is not known: not in any row.
    limit_s : ndarray of int64, shape (R,), or None
        Of lost deals the time to which they could have been watched; None where every loss is dated.
    weight : ndarray of float64, shape (R,), or None
        Deals that each deal of the row stands for, itself included; None: 1 each.
    cluster : ndarray of int32, shape (R,), or None
        Account of the row; None where no account has several deals.
    losses_known : bool
        False where lost deals were never marked as such: then nothing is known of losing, nor of those still open.
    """

    by: tuple[str, ...]
    groups: tuple[tuple[str, ...], ...]
    origin: int
    target: int
    group: NDArray[np.int32]
    time_s: NDArray[np.int64]
    entry_s: NDArray[np.int64]
    outcome: NDArray[np.int8]
    n: NDArray[np.int64]
    amount: NDArray[np.float64]
    unknown_n: NDArray[np.int64]
    limit_s: NDArray[np.int64] | None = None
    weight: NDArray[np.float64] | None = None
    cluster: NDArray[np.int32] | None = None
    losses_known: bool = True
