"""What was known of each deal on any past day? One set of arrays, built once, that no later row can change."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from funnelnb.analysis.shared.judged import MOST_UNDATED, MOST_UNEVEN, moves_known
from funnelnb.analysis.shared.open_deals import beginning_unknown
from funnelnb.core.errors import MissingDataError
from funnelnb.data.contract.clock import UNKNOWN
from funnelnb.data.ledger.codes import LEFT_DEAL, LOST_DEAL, OPEN_DEAL, WON_DEAL

if TYPE_CHECKING:
    from funnelnb.data.book import Book

Floats = NDArray[np.float64]
Days = NDArray[np.int32]

NEVER = np.int32(2**30)
DAY_S = 86_400
AT_CLOSE_OPEN, AT_CLOSE_WON = 0.05, 0.5
"""Amounts are written at the close where a smaller share of open deals has one, and a larger share of won deals."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class History:
    """All deals of a book by day. N deals, P stages up to the won one; days since 1970, NEVER where not known.

    Attributes
    ----------
    day : int
        As-of day of the book.
    won : int
        Position of the won stage.
    stage_day : ndarray of int32, shape (won + 1, N)
        First day at the stage or beyond.
    on_day : ndarray of int32, shape (won, N)
        First day beyond the stage.
    win_day, end_day : ndarray of int32, shape (N,)
        When the deal was won, and when it was lost or left.
    begin_day : ndarray of int32, shape (N,)
        First sign of the deal.
    open_amount, won_amount : ndarray of float64, shape (N,)
        What was known while it was open, and what was signed; NaN where not known.
    undated : ndarray of bool, shape (N,)
        Deals that ended nobody knows when.
    observed_day : int
        Since when deals are recorded completely; -1: from the start.
    at_close : bool
        Whether amounts are only written at the close.
    """

    day: int
    won: int
    stage_day: NDArray[np.int32]
    on_day: NDArray[np.int32]
    win_day: Days
    end_day: Days
    begin_day: Days
    open_amount: Floats
    won_amount: Floats
    undated: NDArray[np.bool_]
    observed_day: int
    at_close: bool

    @property
    def undated_n(self) -> int:
        """Deals that ended nobody knows when."""
        return int(self.undated.sum())

    def some(self, keep: NDArray[Any]) -> History:
        """Return the history of some of the deals."""
        return replace(
            self,
            stage_day=self.stage_day[:, keep], on_day=self.on_day[:, keep], win_day=self.win_day[keep],
            end_day=self.end_day[keep], begin_day=self.begin_day[keep],
            open_amount=self.open_amount[keep], won_amount=self.won_amount[keep], undated=self.undated[keep],
        )  # fmt: skip


def require_dated(history: History) -> None:
    """Refuse to replay past days where the dates of many losses are not known.

    Raises
    ------
    MissingDataError
        More than a tenth of the deals that ended not won have no date: who was open on a past day is not known. Or
        most open ones have no date of beginning.
    """
    require_begun(history)
    if replayable(history):
        return
    ended_n = history.undated_n + int(((history.end_day < NEVER) & ~history.undated).sum())
    raise MissingDataError(
        f"which deals were open on past days is not known: {history.undated_n} of {ended_n} losses have no date",
        expected="a date for each loss",
        hint="export the dates of losses, or keep snapshots: funnelnb snapshot EXPORT --store pipeline/",
    )


def amounts_tell_end(history: History) -> bool:
    """Whether amounts are known of won deals more (or less) often than of lost ones: then their size tells the end."""
    priced = np.isfinite(history.open_amount)
    ended = (history.end_day < NEVER) | history.undated
    ends = [priced[mine] for mine in (history.win_day < NEVER, ended) if mine.any()]
    return len(ends) == 2 and abs(float(ends[0].mean() - ends[1].mean())) > MOST_UNEVEN


def require_begun(history: History) -> None:
    """Refuse to say when open deals come where nobody knows when they began."""
    still = (history.win_day == NEVER) & (history.end_day == NEVER) & ~history.undated
    if still.any() and (history.begin_day[still] == NEVER).mean() > 0.5:
        raise beginning_unknown()


def priced(history: History) -> bool:
    """Return whether any won deal has an amount."""
    return bool(np.isfinite(history.won_amount[history.win_day < NEVER]).any())


def valued(history: History) -> History:
    """Return the history; where no won deal has an amount, each win counts 1, so that the number of wins is scored."""
    if priced(history):
        return history
    won = history.win_day < NEVER
    return replace(
        history, won_amount=np.where(won, 1.0, np.nan), open_amount=np.full(won.size, np.nan), at_close=True
    )


def replayable(history: History) -> bool:
    """Whether nearly all losses are dated, so that past days can be replayed."""
    over_n = history.undated_n + int(((history.end_day < NEVER) & ~history.undated).sum())
    return history.undated_n <= MOST_UNDATED * over_n


def history_of(book: Book) -> History:
    """Return the history of a book, built once.

    Notes
    -----
    The amount of a deal that was open on a day is what the export calls expected, else its amount, else, where amounts
    are only written at the close, not known. Whoever wants the amounts of then keeps snapshots.
    """
    kept = book.__dict__.get("_forecast_history")
    if isinstance(kept, History):
        return kept
    ledger = book.ledger
    won = ledger.won
    outcome = ledger.outcome
    stage = np.stack([_days(ledger.reached_s[:, k]) for k in range(won + 1)])
    closed = _days(ledger.closed_s)
    win = np.where(outcome == WON_DEAL, np.where(closed < NEVER, closed, stage[won]), NEVER)
    win = np.where((outcome == OPEN_DEAL) & (ledger.furthest >= won), stage[won], win)
    over = (outcome == LOST_DEAL) | (outcome == LEFT_DEAL)
    end = np.where(over, closed, NEVER)
    created = _days(ledger.created_s)
    begin = np.minimum(created, stage.min(axis=0))
    if not moves_known(ledger):  # of lost deals without their moves nobody knows how far they came by when
        stage[1:won] = NEVER
    undated = over & (closed == NEVER)
    stage[0] = np.where(stage[0] == NEVER, created, stage[0])
    on = np.stack([np.minimum(stage[k + 1 :].min(axis=0), win) for k in range(won)])
    opened, signed, at_close = _amounts(book, outcome)
    made = History(
        day=int(ledger.as_of_s // DAY_S),
        won=won,
        stage_day=stage,
        on_day=on.astype(np.int32),
        win_day=win.astype(np.int32),
        end_day=end.astype(np.int32),
        begin_day=np.minimum(begin, np.minimum(win, end)).astype(np.int32),
        open_amount=opened,
        won_amount=signed,
        undated=undated,
        observed_day=-1 if ledger.observed_from_s == UNKNOWN else int(ledger.observed_from_s // DAY_S),
        at_close=at_close,
    )
    book.__dict__["_forecast_history"] = made
    return made


def _days(seconds: NDArray[np.int64]) -> Days:
    return np.where(seconds == UNKNOWN, NEVER, seconds // DAY_S).astype(np.int32)


def _amounts(book: Book, outcome: NDArray[np.int8]) -> tuple[Floats, Floats, bool]:
    """Return the amounts of deals while open and when won, and whether they are only written at the close."""
    deals = book.opportunities
    amount = np.where(book.ledger.amount > 0, book.ledger.amount, np.nan)
    if "expected_amount" in deals and len(deals) == len(amount):
        expected = deals["expected_amount"].to_numpy(dtype=float)
        if (expected > 0).any():
            return np.where(expected > 0, expected, amount), amount, False
    still, won = outcome == OPEN_DEAL, outcome == WON_DEAL
    priced = np.isfinite(amount)
    at_close = bool(
        still.any()
        and won.any()
        and priced[still].mean() < AT_CLOSE_OPEN
        and priced[won].mean() > AT_CLOSE_WON
    )
    return (np.full(amount.size, np.nan) if at_close else amount), amount, at_close


def groups_of(book: Book, by: str) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return the group of each deal and the names of the groups; one group without a name for no `by`."""
    if not by:
        return np.zeros(len(book.ledger.outcome), np.int64), ("",)
    coded: Any = book.ledger.attributes[by]
    return coded.codes.astype(np.int64), coded.labels
