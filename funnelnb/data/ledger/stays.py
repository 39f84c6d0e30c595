"""The stays of coded deals: history sorted, ends added, times that nobody recorded marked as such."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.data.contract.clock import UNKNOWN
from funnelnb.data.ledger.codes import LEFT, LEFT_DEAL, LOST, LOST_DEAL, OPEN_DEAL, STILL, WON_DEAL

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from funnelnb.data.ledger.coded import Deals, Keys


DAY_S = 86_400
_NEVER = np.iinfo(np.int64).max
_LAST_NEXT = np.array([STILL, STILL, LOST, LEFT], np.int16)


@dataclass(slots=True, kw_only=True)
class History:
    """The sorted history rows of some deals, marks taken out.

    Attributes
    ----------
    key : ndarray of int64
        Deal, time and stage of each row.
    deal, first, last : ndarray of int64
        Deals that have any row, and the keys of their first and last one.
    mark_deal, mark_outcome, mark_s
        Deals whose history ends with a mark, what it says, and when.
    has, reopened : ndarray of bool, shape (D,)
        Which deals have any row; which go on after a mark.
    """

    key: NDArray[np.int64]
    deal: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    mark_deal: NDArray[np.int64]
    mark_outcome: NDArray[np.int8]
    mark_s: NDArray[np.int64]
    has: NDArray[np.bool_]
    reopened: NDArray[np.bool_]


@dataclass(slots=True, kw_only=True)
class Stays:
    """What a ledger says of some deals, plus facts of each.

    Has a history, was reopened after a mark, stage of its end not known, win taken back, moves before the records begin
    not known.
    """

    deal: NDArray[np.int64]
    stage: NDArray[np.int16]
    entered_s: NDArray[np.int64]
    left_s: NDArray[np.int64]
    next: NDArray[np.int16]
    start: NDArray[np.int64]
    closed_s: NDArray[np.int64]
    furthest: NDArray[np.int16]
    reached_s: NDArray[np.int64]
    has: NDArray[np.bool_]
    reopened: NDArray[np.bool_]
    unplaced: NDArray[np.bool_]
    taken_back: NDArray[np.bool_]
    headless: NDArray[np.bool_]


def history_of(keys: Keys, key: NDArray[np.int64], positions: int, deal_n: int) -> History:
    """Take the marks out of the sorted rows `key` and find each deal's first and last row."""
    has, reopened = np.zeros(deal_n, bool), np.zeros(deal_n, bool)
    mark = key[:0]
    is_mark = keys.stage(key) >= positions
    if is_mark.any():
        deal = keys.deal(key)
        ends = np.append(deal[1:] != deal[:-1], True)
        mark = key[is_mark & ends]
        reopened[deal[is_mark & ~ends]] = True
        key = key[~is_mark]
    deal = keys.deal(key)
    changes = np.flatnonzero(deal[1:] != deal[:-1])
    first, last = (
        (np.append(0, changes + 1), np.append(changes, len(deal) - 1)) if len(deal) else (deal, deal)
    )
    has[deal[first]] = True
    return History(
        key=key,
        deal=deal[first],
        first=key[first],
        last=key[last],
        mark_deal=keys.deal(mark),
        mark_outcome=np.where(keys.stage(mark) == positions, LOST_DEAL, LEFT_DEAL).astype(np.int8),
        mark_s=keys.time_s(mark),
        has=has,
        reopened=reopened,
    )


def settle(keys: Keys, deals: Deals, history: History, won: int) -> NDArray[np.int64]:
    """Let the history decide outcomes that the deals leave open (in place).

    Returns the deals that were won at a time nobody recorded.
    """
    outcome, closed_s, marked = deals.outcome, deals.closed_s, history.mark_deal
    still_open = outcome[marked] == OPEN_DEAL
    outcome[marked[still_open]] = history.mark_outcome[still_open]
    undated = (closed_s[marked] == UNKNOWN) & (outcome[marked] >= LOST_DEAL)
    closed_s[marked[undated]] = history.mark_s[undated]
    standing = deals.stage.copy()
    standing[history.deal] = keys.stage(history.last)
    outcome[(standing >= won) & (outcome == OPEN_DEAL)] = WON_DEAL
    return np.flatnonzero(history.has & (outcome == WON_DEAL) & (closed_s == UNKNOWN) & (standing < won))


def _headless(keys: Keys, deals: Deals, history: History, late_s: int) -> NDArray[np.bool_]:
    """Tell which deals are older than the records and have no row from before: where they stood is not known."""
    found = np.zeros(len(deals.outcome), bool)
    if late_s != UNKNOWN:
        created_s, first_s = deals.created_s[history.deal], keys.time_s(history.first)
        found[history.deal] = (created_s != UNKNOWN) & (created_s < late_s) & (first_s >= late_s)
        found |= ~history.has & (deals.created_s != UNKNOWN) & (deals.created_s < late_s)
    return found


def added(
    keys: Keys, deals: Deals, history: History, won: int, headless: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Return the sorted keys with those stays added that follow from creation, closing and current stage."""
    parts = [
        history.key,
        *_added_before(keys, deals, history, headless),
        *_added_won(keys, deals, history, won),
    ]
    if not history.has.all():
        parts += _added_without_history(keys, deals, np.flatnonzero(~history.has), won)
    parts = [part for part in parts if len(part)]
    if not parts:
        return history.key
    key = np.concatenate(parts)
    if len(parts) > 1:
        key.sort(kind="stable")  # a few runs in order: a merge
    return key


def _added_before(
    keys: Keys, deals: Deals, history: History, headless: NDArray[np.bool_]
) -> list[NDArray[np.int64]]:
    """Deals created before their first row stood in the first stage until then, unless nobody recorded it."""
    created_s = deals.created_s[history.deal]
    before = (created_s != UNKNOWN) & (created_s < keys.time_s(history.first)) & ~headless[history.deal]
    return [keys.pack(history.deal[before], created_s[before], 0)]


def _added_won(keys: Keys, deals: Deals, history: History, won: int) -> list[NDArray[np.int64]]:
    """Won deals enter the won stage when they were closed, unless the history says when."""
    deal, last_stage = history.deal, keys.stage(history.last)
    closed_s, is_won = deals.closed_s[deal], deals.outcome[deal] == WON_DEAL
    short = is_won & (last_stage < won)
    last_s = keys.time_s(history.last[short])
    parts = [keys.pack(deal[short], np.maximum(closed_s[short], last_s), won)]
    beyond = is_won & (last_stage > won) & (closed_s != UNKNOWN)
    if beyond.any():
        row_deal, row_stage = keys.deal(history.key), keys.stage(history.key)
        named = np.zeros(len(deals.outcome), bool)
        named[row_deal[row_stage == won]] = True
        created_s = deals.created_s[deal]
        earliest = np.full(len(deals.outcome), UNKNOWN)
        earliest[deal] = np.where(created_s < keys.time_s(history.first), created_s, UNKNOWN)
        working = row_stage < won  # in time order: of several rows the last one stays
        earliest[row_deal[working]] = keys.time_s(history.key[working])
        unnamed = deal[beyond & ~named[deal]]
        parts.append(keys.pack(unnamed, np.maximum(deals.closed_s[unnamed], earliest[unnamed]), won))
    return parts


def _added_without_history(
    keys: Keys, deals: Deals, bare: NDArray[np.int64], won: int
) -> list[NDArray[np.int64]]:
    """Deals without history: created in the first stage, then where they are recorded, then won."""
    created_s, stage = deals.created_s[bare], deals.stage[bare]
    is_won = deals.outcome[bare] == WON_DEAL
    known = created_s != UNKNOWN
    base_s = np.where(known, created_s, keys.base_s)
    won_s = np.maximum(deals.closed_s[bare], base_s)
    at_first = known | (stage == 0) | ((stage < 0) & ~is_won)
    at_stage = (stage > 0) & ~((stage == won) & is_won)
    stage_s = np.where(is_won & (stage > won), won_s, base_s)
    return [
        keys.pack(bare[at_first], base_s[at_first], 0),
        keys.pack(bare[at_stage], stage_s[at_stage], stage[at_stage].astype(np.int64)),
        keys.pack(bare[is_won], won_s[is_won], won),
    ]


def _moves(
    keys: Keys, key: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int16], NDArray[np.int64]]:
    """Return deal, stage and time of each sorted row that enters another stage than the row before."""
    deal, stage, entered_s = keys.deal(key), keys.stage(key).astype(np.int16), keys.time_s(key)
    again = (deal[1:] == deal[:-1]) & (stage[1:] == stage[:-1])
    if again.any():
        fresh = np.append(True, ~again)
        deal, stage, entered_s = deal[fresh], stage[fresh], entered_s[fresh]
    return deal, stage, entered_s


def stays_of(
    keys: Keys, rows: NDArray[np.int64], deals: Deals, positions: int, won: int, late_s: int = UNKNOWN
) -> Stays:
    """Return the stays that some deals and their sorted history rows make.

    Parameters
    ----------
    keys : Keys
    rows : ndarray of int64
        Keys of the rows, deals counted from 0.
    deals : Deals
        Their outcome and closing time are settled in place.
    positions, won : int
    late_s : int
        Since when moves are recorded, where older deals have none from before.

    Returns
    -------
    Stays
    """
    history = history_of(keys, rows, positions, len(deals.outcome))
    undated = settle(keys, deals, history, won)
    headless = _headless(keys, deals, history, late_s)
    key = added(keys, deals, history, won, headless)
    deal, stage, entered_s = _moves(keys, key)
    start = np.concatenate([[0], np.flatnonzero(deal[1:] != deal[:-1]) + 1, [len(deal)]])
    bare = _rows_of(start, np.flatnonzero(~history.has))
    timeless = bare[_not_recorded(deals, deal[bare], stage[bare], won)]
    timeless = np.concatenate([timeless, start[undated + 1] - 1])
    entered_s[timeless] = _NEVER
    reached_s = _reached(deal, stage, entered_s, positions, len(deals.outcome))
    entered_s[timeless] = UNKNOWN
    _forget(reached_s, deals, history.has, stage[start[:-1]], won)
    _forget_before(reached_s, deals, headless, stage[start[:-1]], late_s)
    furthest = np.maximum.reduceat(stage, start[:-1])
    taken_back = _take_back(reached_s, furthest, deals, (deal, stage, entered_s), won)
    left_s, following, closed_s = _ends(deals, start, stage, entered_s, reached_s[won])
    left_s[bare[following[bare] > stage[bare] + 1]] = UNKNOWN
    return Stays(
        deal=deal,
        stage=stage,
        entered_s=entered_s,
        left_s=left_s,
        next=following,
        start=start,
        closed_s=closed_s,
        furthest=furthest,
        reached_s=reached_s,
        has=history.has,
        reopened=history.reopened,
        unplaced=~history.has & (deals.stage < 0) & (deals.outcome != WON_DEAL) & (won > 1),
        taken_back=taken_back,
        headless=headless,
    )


def _take_back(
    reached_s: NDArray[np.int64],
    furthest: NDArray[np.int16],
    deals: Deals,
    rows: tuple[NDArray[np.int64], NDArray[np.int16], NDArray[np.int64]],
    won: int,
) -> NDArray[np.bool_]:
    """Let the outcome decide what a win in the history was worth (in place); return the deals that lost theirs.

    A deal that is not won now came as far as the last working stage, whatever its history says; one that was won,
    went back and was won again was won the last time.
    """
    deal, stage, entered_s = rows
    lost_win = (furthest >= won) & (deals.outcome != WON_DEAL)
    furthest[lost_win] = won - 1
    reached_s[won:, lost_win] = UNKNOWN
    back = np.flatnonzero((stage[:-1] >= won) & (stage[1:] < won) & (deal[1:] == deal[:-1]))
    if len(back):
        again = np.zeros(len(furthest), bool)
        again[deal[back]] = True
        again &= deals.outcome == WON_DEAL
        fresh = np.flatnonzero((stage[1:] >= won) & (stage[:-1] < won) & (deal[1:] == deal[:-1])) + 1
        fresh = fresh[again[deal[fresh]]]
        reached_s[won, deal[fresh]] = entered_s[fresh]  # in time order: of several the last one stands
    return lost_win


def _forget_before(
    reached_s: NDArray[np.int64],
    deals: Deals,
    headless: NDArray[np.bool_],
    first_stage: NDArray[np.int16],
    late_s: int,
) -> None:
    """Mark as unknown what happened before moves were recorded (in place)."""
    late = np.flatnonzero(headless)
    if not len(late):
        return
    first = first_stage[late]
    standing = (
        reached_s[first, late] < late_s + DAY_S
    )  # a row of the first day says where a deal stood, not since when
    for k in range(1, len(reached_s)):
        reached_s[k, late[(first > k) | ((first == k) & standing)]] = UNKNOWN
    reached_s[0, late] = deals.created_s[late]


def _rows_of(start: NDArray[np.int64], deals: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rows of some deals."""
    counts = start[deals + 1] - start[deals]
    ends = np.cumsum(counts)
    return np.arange(ends[-1] if len(ends) else 0) + np.repeat(start[deals] - ends + counts, counts)


def _not_recorded(deals: Deals, deal: NDArray[Any], stage: NDArray[Any], won: int) -> NDArray[np.bool_]:
    """Tell which stays of deals without history began at an unknown time."""
    created = (stage == 0) & (deals.created_s[deal] != UNKNOWN)
    closed = (stage == won) & (deals.outcome[deal] == WON_DEAL) & (deals.closed_s[deal] != UNKNOWN)
    return ~(created | closed)


def _reached(
    deal: NDArray[np.int64],
    stage: NDArray[np.int16],
    entered_s: NDArray[np.int64],
    positions: int,
    deal_n: int,
) -> NDArray[np.int64]:
    """Return the first time at each position or beyond, shape (P, D); _NEVER where there is none."""
    reached_s = np.full((positions, deal_n), _NEVER)
    cell = stage * np.int64(deal_n)
    cell += deal
    reached_s.reshape(-1)[cell[::-1]] = entered_s[::-1]  # backwards: of several stays the first one stands
    for k in range(positions - 2, -1, -1):
        np.minimum(reached_s[k], reached_s[k + 1], out=reached_s[k])
    return reached_s


def _forget(
    reached_s: NDArray[np.int64],
    deals: Deals,
    has: NDArray[np.bool_],
    first_stage: NDArray[np.int16],
    won: int,
) -> None:
    """Mark as unknown what the rows say nothing about (in place)."""
    headless = np.flatnonzero(has & (deals.created_s == UNKNOWN) & (first_stage > 0))
    for k in range(first_stage[headless].max(initial=0)):
        reached_s[k, headless[first_stage[headless] > k]] = UNKNOWN
    bare = np.flatnonzero(~has)
    if len(bare):
        is_won = deals.outcome[bare] == WON_DEAL
        won_s = np.where(is_won, reached_s[won, bare], UNKNOWN)
        reached_s[:, bare] = UNKNOWN
        reached_s[won, bare] = won_s
        reached_s[0, bare] = deals.created_s[bare]
    reached_s[reached_s == _NEVER] = UNKNOWN


def _ends(
    deals: Deals,
    start: NDArray[np.int64],
    stage: NDArray[np.int16],
    entered_s: NDArray[np.int64],
    won_s: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int16], NDArray[np.int64]]:
    """Return when each stay ended, what followed, and when each deal was closed."""
    ends = start[1:] - 1
    left_s, following = np.empty_like(entered_s), np.empty_like(stage)
    left_s[:-1], following[:-1] = entered_s[1:], stage[1:]
    following[ends] = _LAST_NEXT[deals.outcome]
    over, dated = deals.outcome >= LOST_DEAL, deals.closed_s != UNKNOWN
    since_s = np.where(entered_s[ends] == UNKNOWN, deals.created_s, entered_s[ends])
    left_s[ends] = np.where(over & dated, np.maximum(deals.closed_s, since_s), UNKNOWN)
    closed_s = np.where(over, left_s[ends], UNKNOWN)
    is_won = deals.outcome == WON_DEAL
    closed_s[is_won] = won_s[is_won]
    return left_s, following, closed_s
