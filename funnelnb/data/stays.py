"""The stays of coded deals: history sorted, ends added, times that nobody recorded marked as such."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.data.ledger import LEFT, LEFT_DEAL, LOST, LOST_DEAL, OPEN_DEAL, STILL, UNKNOWN, WON_DEAL

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from funnelnb.data.coded import Deals, Keys, Rows

_NEVER = np.iinfo(np.int64).max
_LAST_NEXT = np.array([STILL, STILL, LOST, LEFT], np.int16)


@dataclass(slots=True, kw_only=True)
class History:
    """The sorted history rows, marks taken out, with first and last row of each deal that has any."""

    key: NDArray[np.int64]
    deal: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    mark_deal: NDArray[np.int64]
    mark_outcome: NDArray[np.int8]
    mark_s: NDArray[np.int64]
    reopened: NDArray[np.bool_]


def history_of(keys: Keys, rows: Rows, positions: int, deal_n: int) -> History:
    """Sort the rows, take out the marks, find each deal's first and last row."""
    code = rows.stage
    marked = bool(len(code)) and code.min() < 0
    if marked:
        code = np.where(code == LOST, positions, np.where(code == LEFT, positions + 1, code))
    key = keys.pack(rows.deal, rows.entered_s, code)
    key.sort(kind="stable")  # costs next to nothing on rows that come in order
    deal = keys.deal(key)
    reopened = np.zeros(deal_n, bool)
    mark = key[:0]
    if marked:
        is_mark = keys.stage(key) >= positions
        ends = np.ones(len(deal), bool)
        np.not_equal(deal[1:], deal[:-1], out=ends[:-1])
        mark = key[is_mark & ends]
        reopened[deal[is_mark & ~ends]] = True
        key, deal = key[~is_mark], deal[~is_mark]
    first = np.flatnonzero(deal[1:] != deal[:-1]) + 1
    first = np.concatenate([[0], first]) if len(deal) else first
    last = np.concatenate([first[1:], [len(deal)]]) - 1 if len(deal) else first
    outcome = np.where(keys.stage(mark) == positions, LOST_DEAL, LEFT_DEAL).astype(np.int8)
    return History(
        key=key,
        deal=deal,
        first=first,
        last=last,
        mark_deal=keys.deal(mark),
        mark_outcome=outcome,
        mark_s=keys.time_s(mark),
        reopened=reopened,
    )


def settle(keys: Keys, deals: Deals, history: History, has: NDArray[np.bool_], won: int) -> NDArray[np.int64]:
    """Let the history decide outcomes that the deals leave open (in place).

    Returns the deals that were won at a time nobody recorded.
    """
    outcome, closed_s, marked = deals.outcome, deals.closed_s, history.mark_deal
    still_open = outcome[marked] == OPEN_DEAL
    outcome[marked[still_open]] = history.mark_outcome[still_open]
    undated = (closed_s[marked] == UNKNOWN) & (outcome[marked] >= LOST_DEAL)
    closed_s[marked[undated]] = history.mark_s[undated]
    standing = deals.stage.copy()
    standing[history.deal[history.first]] = keys.stage(history.key[history.last])
    outcome[(standing >= won) & (outcome == OPEN_DEAL)] = WON_DEAL
    return np.flatnonzero(has & (outcome == WON_DEAL) & (closed_s == UNKNOWN) & (standing < won))


def added(keys: Keys, deals: Deals, history: History, has: NDArray[np.bool_], won: int) -> NDArray[np.int64]:
    """Return the sorted keys with those stays added that follow from creation, closing and current stage."""
    parts = [_added_before(keys, deals, history), *_added_won(keys, deals, history, won)]
    if not has.all():
        parts += _added_without_history(keys, deals, np.flatnonzero(~has), won)
    extra = np.concatenate(parts)
    if not len(extra):
        return history.key
    extra.sort()
    key = np.concatenate([history.key, extra])
    key.sort(kind="stable")  # two runs in order: a merge
    return key


def _added_before(keys: Keys, deals: Deals, history: History) -> NDArray[np.int64]:
    """Deals created before their first row stood in the first stage until then."""
    deal = history.deal[history.first]
    created_s = deals.created_s[deal]
    before = (created_s != UNKNOWN) & (created_s < keys.time_s(history.key[history.first]))
    return keys.pack(deal[before], created_s[before], 0)


def _added_won(keys: Keys, deals: Deals, history: History, won: int) -> list[NDArray[np.int64]]:
    """Won deals enter the won stage when they were closed, unless the history says when."""
    deal = history.deal[history.last]
    last = history.key[history.last]
    stage, is_won = keys.stage(last), deals.outcome[deal] == WON_DEAL
    short = is_won & (stage < won)
    parts = [keys.pack(deal[short], np.maximum(deals.closed_s[deal[short]], keys.time_s(last[short])), won)]
    beyond = is_won & (stage > won) & (deals.closed_s[deal] != UNKNOWN)
    if beyond.any():
        row_stage = keys.stage(history.key)
        named = np.zeros(len(deals.outcome), bool)
        named[history.deal[row_stage == won]] = True
        unnamed = deal[beyond & ~named[deal]]
        earliest = np.full(len(deals.outcome), UNKNOWN)
        first_s = keys.time_s(history.key[history.first])
        earliest[deal] = np.where(deals.created_s[deal] < first_s, deals.created_s[deal], UNKNOWN)
        working = row_stage < won
        earliest[history.deal[working]] = keys.time_s(
            history.key[working]
        )  # in time order: the last one stays
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


def stays_of(
    keys: Keys,
    key: NDArray[np.int64],
    positions: int,
    deals: Deals,
    has: NDArray[np.bool_],
    won: int,
    undated: NDArray[np.int64],
) -> dict[str, Any]:
    """Return the columns of the ledger that the sorted keys and the deals make."""
    deal, stage = keys.deal(key).astype(np.int32), keys.stage(key).astype(np.int16)
    entered_s = keys.time_s(key)
    again = (deal[1:] == deal[:-1]) & (stage[1:] == stage[:-1])
    if again.any():
        fresh = np.concatenate([[True], ~again])
        deal, stage, entered_s = deal[fresh], stage[fresh], entered_s[fresh]
    start = np.concatenate([[0], np.flatnonzero(deal[1:] != deal[:-1]) + 1, [len(deal)]])
    if not len(deal):
        start = np.zeros(1, np.int64)
    bare = _rows_of(start, np.flatnonzero(~has))
    timeless = np.concatenate(
        [bare[_not_recorded(deals, deal[bare], stage[bare], won)], start[undated + 1] - 1]
    )
    entered_s[timeless] = _NEVER
    reached_s = _reached(deal, stage, entered_s, positions, len(has))
    entered_s[timeless] = UNKNOWN
    _forget(reached_s, deals, has, stage[start[:-1]], won)
    left_s, following, closed_s = _ends(deals, start, stage, entered_s, reached_s[won])
    left_s[bare[following[bare] > stage[bare] + 1]] = UNKNOWN
    return {
        "deal": deal,
        "stage": stage,
        "entered_s": entered_s,
        "left_s": left_s,
        "next": following,
        "start": start,
        "closed_s": closed_s,
        "furthest": np.maximum.reduceat(stage, start[:-1]) if len(deal) else stage,
        "reached_s": reached_s.T,
    }


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
    deal: NDArray[np.int32],
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
    left_s[ends] = np.where(over & dated, np.maximum(deals.closed_s, entered_s[ends]), UNKNOWN)
    closed_s = np.where(over, left_s[ends], UNKNOWN)
    is_won = deals.outcome == WON_DEAL
    closed_s[is_won] = won_s[is_won]
    return left_s, following, closed_s
