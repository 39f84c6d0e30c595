"""Which customers changed their priority between two dates, why, and what does it cost?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.analysis.priority.levels import (
    LEVELS,
    PARTS,
    LevelCustomer,
    LevelRule,
    Levels,
    levels,
    same_ruler,
)
from funnelnb.analysis.shared.open_deals import total
from funnelnb.analysis.shared.question import remembering
from funnelnb.analysis.shared.result import Result
from funnelnb.core import check
from funnelnb.core.errors import ParameterError, not_a_book
from funnelnb.core.note import Note

if TYPE_CHECKING:
    from collections.abc import Mapping

    from funnelnb.data.book import Book


NONE = "none"
"""Level of a customer without an open deal on that date."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveRow:
    """One customer whose level changed.

    Attributes
    ----------
    account_id, name : str
    level_before, level_after : str
        One of the levels, or ``"none"``: no open deal on that date.
    why : str
        What changed, joined by a comma: ``size_up``, ``size_down``, ``need_up``, ``need_down``,
        ``intent_up``, ``intent_down``, ``first_deal``, ``no_deal_left``, ``known_more``, ``known_less``.
    score_before, score_after : float
    amount_before, amount_after : float
        Open amounts; NaN if not known.
    change_hours : float
        Hours per week that the plan gives more (or less) after than before.
    """

    account_id: str
    name: str
    level_before: str
    level_after: str
    why: str
    score_before: float
    score_after: float
    amount_before: float
    amount_after: float
    change_hours: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowRow:
    """The customers that went from one level to another.

    Attributes
    ----------
    level_before, level_after : str
    customer_n : int
    amount_after : float
        Their open amount on the later date (of those gone, on the earlier).
    change_hours : float
    """

    level_before: str
    level_after: str
    customer_n: int
    amount_after: float
    change_hours: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class LevelMoves(Result):
    """Priority levels on two dates. `n` counts customers with an open deal on either.

    Attributes
    ----------
    since : numpy.datetime64
        The earlier date.
    rows : tuple of FlowRow
        By level before and after, also those that stayed.
    moves : tuple of MoveRow
        Customers whose level changed; largest amount first.
    raised_n, lowered_n, new_n, gone_n, stayed_n : int
    hours_before, hours_after : float
        Hours per week of the plan.
    high, medium : float
        Thresholds; weights and sizes are the same on both dates.
    """

    since: np.datetime64
    rows: tuple[FlowRow, ...]
    moves: tuple[MoveRow, ...]
    raised_n: int
    lowered_n: int
    new_n: int
    gone_n: int
    stayed_n: int
    hours_before: float
    hours_after: float
    high: float
    medium: float


@remembering("after")
def level_moves(
    before: Book | str | float, after: Book, rule: Mapping[str, Any] | LevelRule | str | None = None
) -> LevelMoves:
    """Which customers changed their priority between two dates, why, and what does it cost?

    Parameters
    ----------
    before : Book, str or float
        The same company earlier: another export, or one loaded as of an earlier date; or that date, or how
        many days before, to be read from `after` itself.
    after : Book
    rule : LevelRule, Mapping or str, optional
        As for :func:`funnelnb.analysis.priority.levels.levels`; the same on both dates, sizes too.

    Returns
    -------
    LevelMoves

    Raises
    ------
    ParameterError
        `before` is not earlier than `after`, or no date.
    MissingDataError
        A book lacks the table ``accounts``, or all of its columns that a level rests on.

    Notes
    -----
    One ruler measures both dates: where the rule leaves the sizes to the book, those of the later date count
    on both. One export loaded as of two dates shows changes of size alone, because need and intent carry no
    date; two exports show all.

    Checked against two small exports by hand: ``tests/analysis/test_levels.py``.

    Examples
    --------
    >>> import funnelnb as fn
    >>> moves = fn.level_moves("2026-03-31", fn.sample())
    >>> moves.n == sum(row.customer_n for row in moves.rows)
    True
    """
    if not hasattr(after, "opportunities"):
        raise not_a_book("customers.level_moves", after)
    before = _earlier(before, after)
    moves, then, now, used = _all_moves(before, after, rule)
    changed = [row for row in moves if row.level_before != row.level_after]
    ranks = [_rank(row) for row in changed]
    return LevelMoves(
        n=len(moves),
        method="level_moves",
        confidence_level=now.confidence_level,
        as_of=after.as_of,
        currency=after.currency,
        notes=(*now.notes, *_notes(before, after)),
        since=before.as_of,
        rows=_flows(moves),
        moves=tuple(sorted(changed, key=_by_amount)),
        raised_n=ranks.count("raised"),
        lowered_n=ranks.count("lowered"),
        new_n=ranks.count("new"),
        gone_n=ranks.count("gone"),
        stayed_n=len(moves) - len(changed),
        hours_before=sum(row.planned_hours for row in then.rows),
        hours_after=sum(row.planned_hours for row in now.rows),
        high=used.high,
        medium=used.medium,
    )


def _all_moves(
    before: Book, after: Book, rule: Mapping[str, Any] | LevelRule | str | None
) -> tuple[list[MoveRow], Levels, Levels, LevelRule]:
    """Return every customer of either date with both levels, the levels themselves, and the rule of both dates."""
    used = LevelRule.read(rule)
    now = levels(after, used, everyone=False)
    used = same_ruler(used, now)
    then = levels(before, used, everyone=False)
    old, new = _by_account(then), _by_account(now)
    moves = [_move(account, old.get(account), new.get(account), used) for account in sorted(old.keys() | new)]
    return moves, then, now, used


def moved(
    before: Book | str | float, after: Book, rule: Mapping[str, Any] | LevelRule | str | None
) -> list[tuple[MoveRow, str]]:
    """Return every customer of either date with what became of its level: raised, stayed, gone …"""
    moves, *_ = _all_moves(_earlier(before, after), after, rule)
    return [(row, "stayed" if row.level_before == row.level_after else _rank(row)) for row in moves]


def _by_amount(row: MoveRow) -> tuple[float, str]:
    """Order moves by the larger of their two amounts, the largest first."""
    return -float(np.nan_to_num(max(row.amount_after, row.amount_before, key=np.nan_to_num))), row.account_id


def _earlier(before: Book | str | float, after: Book) -> Book:
    """Return the earlier book itself, or what `after` tells of that date; it must be earlier."""
    from funnelnb.data.book import Book

    book = before if isinstance(before, Book) else as_it_was(before, after)
    if book.as_of >= after.as_of:
        raise ParameterError(
            f"before is as of {str(book.as_of)[:10]}, after as of {str(after.as_of)[:10]}",
            expected="an earlier and a later book",
            hint="swap the two, or load the first with an earlier as_of",
        )
    return book


def as_it_was(before: str | float, after: Book) -> Book:
    """Return the book as it stood on an earlier date, or so many days before its as-of date."""
    from funnelnb.data.clean.as_of import LAST_SECOND, cut
    from funnelnb.data.contract.problems import Findings
    from funnelnb.data.contract.settings import Settings

    if isinstance(before, str):
        day = check.timestamp("before", before).astype("datetime64[D]")
    else:
        days = check.number("before", before, gt=0)
        day = after.as_of.astype("datetime64[D]") - np.timedelta64(round(days), "D")
    same_time = after.as_of - after.as_of.astype("datetime64[D]")
    tables = cut(
        dict(after.tables),
        day.astype("datetime64[s]") + LAST_SECOND,
        after.playbook.stage_ids,
        Findings(Settings()),
    )
    return replace(after, tables=tables, as_of=day.astype("datetime64[s]") + same_time)


def _by_account(one: Levels) -> dict[str, LevelCustomer]:
    return {row.account_id: row for row in one.customers}


def _move(account: str, then: LevelCustomer | None, now: LevelCustomer | None, rule: LevelRule) -> MoveRow:
    names = (then.level if then else NONE, now.level if now else NONE)
    hours = [rule.hours_per_week.get(name, 0.0) for name in names]
    nan = float("nan")
    return MoveRow(
        account_id=account,
        name=(now or then).name,  # type: ignore[union-attr]
        level_before=names[0],
        level_after=names[1],
        why=", ".join(_why(then, now)),
        score_before=then.score if then else nan,
        score_after=now.score if now else nan,
        amount_before=then.open_amount if then else nan,
        amount_after=now.open_amount if now else nan,
        change_hours=hours[1] - hours[0],
    )


def _why(then: LevelCustomer | None, now: LevelCustomer | None) -> list[str]:
    if then is None:
        return ["first_deal"]
    if now is None:
        return ["no_deal_left"]
    said = []
    for part in PARTS:
        old, new = getattr(then, f"{part}_part"), getattr(now, f"{part}_part")
        if np.isnan(old) != np.isnan(new):
            said.append("known_less" if np.isnan(new) else "known_more")
        elif new > old + 1e-12:
            said.append(f"{part}_up")
        elif new < old - 1e-12:
            said.append(f"{part}_down")
    return list(dict.fromkeys(said))


def _rank(row: MoveRow) -> str:
    if NONE in (row.level_before, row.level_after):
        return "new" if row.level_before == NONE else "gone"
    order = ("high", "medium", "low")
    if "unknown" in (row.level_before, row.level_after):
        return "other"
    return "raised" if order.index(row.level_after) < order.index(row.level_before) else "lowered"


def _flows(moves: list[MoveRow]) -> tuple[FlowRow, ...]:
    rows = []
    for old in (*LEVELS, NONE):
        for new in (*LEVELS, NONE):
            mine = [row for row in moves if (row.level_before, row.level_after) == (old, new)]
            if mine:
                rows.append(
                    FlowRow(
                        level_before=old,
                        level_after=new,
                        customer_n=len(mine),
                        amount_after=total(
                            [row.amount_before if new == NONE else row.amount_after for row in mine]
                        ),
                        change_hours=sum(row.change_hours for row in mine),
                    )
                )
    return tuple(rows)


def _notes(before: Book, after: Book) -> tuple[Note, ...]:
    """Say when need and intent stand the same in both books, so that only size can have moved anybody."""
    old, new = (one.tables["accounts"].set_index("account_id") for one in (before, after))
    there = [[name for name in ("need", "intent") if name in one] for one in (old, new)]
    absent = [name for name in ("need", "intent") if name not in there[0] and name not in there[1]]
    told = (Note("level_parts_missing", {"columns": ", ".join(absent)}),) if absent else ()
    shared = old.index.intersection(new.index)
    if (
        not there[0]
        or there[0] != there[1]
        or not old.loc[shared, there[0]].equals(new.loc[shared, there[1]])
    ):
        return told
    return (*told, Note("need_and_intent_same"))
