"""Columns whose headers say nothing: dates and amounts by what the cells hold. Every such choice is asked about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from funnelnb.data.parse.numbers import unit_of
from funnelnb.data.parse.values import Reading, as_text, header_unit, parse
from funnelnb.data.recognise.lexicon import header_scores, plain

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import pandas as pd

    from funnelnb.data.read.raw import Raw
    from funnelnb.data.recognise.profile import ColumnProfile

IN_ORDER = 0.95
"""Share of rows in which a creation must lie before the close."""

NO_CREATION = frozenset((
    "last", "activity", "next", "modified", "updated", "update", "due", "follow", "followup", "up", "reminder", "birth",
    "birthday", "letzte", "naechste", "ultima", "ultimo", "proxima", "proximo", "derniere", "dernier",
    "последняя", "следующая",
))  # fmt: skip
"""Words of headers that say that a date is no creation, nor a close."""

MOSTLY_FILLED = 0.9
"""A creation date stands in at least this share of the rows."""


def dates_by_content(
    raw: Raw, profiles: Sequence[ColumnProfile], used: Collection[str], wanted: Collection[str]
) -> dict[str, str]:
    """Which of the dates that no header explains is the creation, which the close?

    Parameters
    ----------
    raw : Raw
    profiles : sequence of ColumnProfile
    used : collection of str
        Columns that are something else already.
    wanted : collection of str
        Of ``created_at`` and ``closed_at`` those that are not known.

    Returns
    -------
    dict of str to str
        One nameless date that is nearly always filled is the creation. Of two the one that never lies after the
        other and is filled at least as often is the creation, the other the close. Else nothing.
    """
    free = [
        one for one in profiles
        if one.kind == "date" and one.name not in used and not header_scores(one.name)
        and not NO_CREATION & set(plain(one.name).split())
    ]  # fmt: skip
    if "created_at" in wanted and len(free) == 1 and free[0].filled_share >= MOSTLY_FILLED:
        return {"created_at": free[0].name}
    if len(free) != 2 or set(wanted) != {"created_at", "closed_at"}:
        return {}
    first, second = sorted(free, key=lambda one: (-one.filled_n, one.place))
    begun, ended = (_moments(raw, one.name) for one in (first, second))
    if begun is None or ended is None or first.filled_share < MOSTLY_FILLED:
        return {}
    if first.filled_n == second.filled_n and _share_in_order(ended, begun) >= IN_ORDER:
        first, second, begun, ended = second, first, ended, begun
    if _share_in_order(begun, ended) < IN_ORDER:
        return {}
    return {"created_at": first.name, "closed_at": second.name}


def _moments(raw: Raw, name: str) -> pd.Series | None:
    parsed = parse(raw.frame[name], "datetime", Reading(), {"file": "", "column": name})
    return None if parsed.undecided else parsed.values


def _share_in_order(first: pd.Series, second: pd.Series) -> float:
    both = first.notna() & second.notna()
    return float((first[both] <= second[both]).mean()) if both.any() else 0.0


def amount_by_content(raw: Raw, profiles: Sequence[ColumnProfile], used: Collection[str]) -> str:
    """Which column that no header explains holds the amounts? Empty if none does beyond doubt.

    Parameters
    ----------
    raw : Raw
    profiles : sequence of ColumnProfile
    used : collection of str
        Columns that are something else already.

    Returns
    -------
    str
        The only nameless column of numbers that are neither times nor flags nor running numbers; of several the
        only one with a sign of currency (in the cells or in the header) or decimals.
    """
    free = [
        one for one in profiles
        if one.kind == "number" and one.name not in used and not one.is_flag and not one.clock
        and not header_scores(one.name) and one.distinct_n > 2 and (_in_currency(one) or not _counts_on(raw, one))
    ]  # fmt: skip
    marked = [one for one in free if one.money or _in_currency(one)]
    chosen = marked if len(marked) == 1 else free
    return chosen[0].name if len(chosen) == 1 else ""


def _in_currency(one: ColumnProfile) -> bool:
    """Whether the header names a currency ("Commission £", "Prime EUR")."""
    unit = header_unit(one.name)[1]
    return bool(unit) and bool((unit_of(unit) or (0.0, ""))[1])


def _counts_on(raw: Raw, one: ColumnProfile) -> bool:
    """Whether numbers are small ones or each another one, as ids, ages and scores are."""
    parsed = parse(raw.frame[one.name], "number", Reading(), {"file": "", "column": one.name})
    if parsed.undecided:
        return False
    largest = parsed.values.max()
    return bool(largest <= 100 or (one.unique and as_text(raw.frame[one.name]).str.isdigit().all()))
