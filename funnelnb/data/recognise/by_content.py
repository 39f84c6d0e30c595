"""Columns whose headers say nothing: dates and amounts by what the cells hold. Every such choice is asked about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from funnelnb.data.parse.numbers import unit_of
from funnelnb.data.parse.values import Reading, as_text, header_unit, parse
from funnelnb.data.recognise.lexicon import header_scores, plain, sense_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import pandas as pd

    from funnelnb.data.read.raw import Raw
    from funnelnb.data.recognise.profile import ColumnProfile

IN_ORDER = 0.95
"""Share of rows in which a creation must lie before the close."""

NO_CREATION = frozenset((
    "last", "activity", "next", "modified", "changed", "change", "updated", "update", "due", "follow", "followup",
    "up", "reminder", "birth", "birthday", "promised", "delivery", "delivered", "deliver", "shipping", "shipped",
    "installation", "deadline", "expiry", "expires", "expiration", "valid", "until", "lieferung", "lieferdatum",
    "liefertermin", "entrega", "livraison", "consegna", "levering", "dostawy", "letzte", "naechste", "ultima",
    "ultimo", "proxima", "proximo", "derniere", "dernier", "последняя", "следующая",
))  # fmt: skip
"""Words of headers that say that a date is no creation, nor a close."""

HARDLY = 0.05
"""Share of rows that may be slips."""

FEWEST_ROWS, MOST_STAGES = 12, 25
"""With fewer rows, or more words, what the cells hold may be chance."""

FEWEST_NAMED = 4
"""As many different ids are enough where a header says that they are those of deals."""

CODE_DIGITS = 6
"""Whole numbers that all have the same so many digits or more, and none of them a round one, are codes."""

MOSTLY_FILLED = 0.9
"""A creation date stands in at least this share of the rows."""


def dates_by_content(
    raw: Raw,
    profiles: Sequence[ColumnProfile],
    used: Collection[str],
    wanted: Collection[str],
    created: str = "",
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
    created : str
        Column of the creation, where it is known.

    Returns
    -------
    dict of str to str
        One nameless date that is nearly always filled is the creation. Of two the one that never lies after the
        other and is filled at least as often is the creation, the other the close. One beside a known creation, never
        before it and lacking in some rows, is the close. Else nothing.
    """
    free = [
        one for one in profiles
        if one.kind == "date" and one.name not in used and not header_scores(one.name)
        and not NO_CREATION & set(plain(one.name).split())
    ]  # fmt: skip
    if "created_at" in wanted and len(free) == 1 and free[0].filled_share >= MOSTLY_FILLED:
        return {"created_at": free[0].name}
    if list(wanted) == ["closed_at"] and len(free) == 1:
        return {"closed_at": free[0].name} if _ends(raw, created, free[0]) else {}
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


def _ends(raw: Raw, created: str, one: ColumnProfile) -> bool:
    """Whether a date stands in some rows only, and there never before the creation."""
    if created not in raw.frame or not 0 < one.filled_share < 1:
        return False
    begun, ended = _moments(raw, created), _moments(raw, one.name)
    return begun is not None and ended is not None and _share_in_order(begun, ended) >= IN_ORDER


def stage_by_closing(
    raw: Raw, profiles: Sequence[ColumnProfile], used: Collection[str]
) -> tuple[str, str] | None:
    """Which column of words is the stage, because its words tell exactly which deals have a date of close?

    Parameters
    ----------
    raw : Raw
    profiles : sequence of ColumnProfile
    used : collection of str
        Columns that are something else already.

    Returns
    -------
    (str, str) or None
        Stage and close: nearly every row of some words has that date, and nearly none of all others; whatever language
        the words are of. None unless one pair of columns alone is like that, beside some numbers.
    """
    if len(raw.frame) < FEWEST_ROWS or not any(one.kind == "number" and not one.is_flag for one in profiles):
        return None
    dates = [one for one in profiles if one.kind == "date" and HARDLY < one.filled_share < 1 - HARDLY]
    words = [
        one
        for one in profiles
        if one.kind == "category" and one.name not in used and 3 <= one.distinct_n <= MOST_STAGES
        and one.filled_share >= MOSTLY_FILLED
    ]  # fmt: skip
    found = []
    for word in words:
        for date in dates:
            shares = as_text(raw.frame[date.name]).notna().groupby(as_text(raw.frame[word.name])).mean()
            ends = shares >= 1 - HARDLY
            if ends.any() and not ends.all() and bool((ends | (shares <= HARDLY)).all()):
                found.append((word.name, date.name))
    return found[0] if len(found) == 1 else None


def log_by_content(
    raw: Raw, profiles: Sequence[ColumnProfile], named: str = ""
) -> tuple[str, str, str] | None:
    """Which columns are key, event and moment of a log whose headers say nothing?

    Parameters
    ----------
    raw : Raw
    profiles : sequence of ColumnProfile
    named : str
        A column that is called like the id of deals: if it is the key, dates may stand beside the moment.

    Returns
    -------
    (str, str, str) or None
        The only date, in every row; words with an end among them, no two alike for one key; a key that is repeated.
    """
    dates = [one.name for one in profiles if one.kind == "date" and one.filled_share == 1]
    alone = len(dates) == 1 and not any(one.kind == "date" and one.name not in dates for one in profiles)
    if not dates or not (alone or named) or len(raw.frame) < FEWEST_ROWS:
        return None
    rows_n, fewest = len(raw.frame), FEWEST_ROWS if alone else FEWEST_NAMED
    events = [
        one.name for one in profiles
        if one.kind == "category" and 3 <= one.distinct_n <= MOST_STAGES and _end_words(raw, one.name)
    ]  # fmt: skip
    keys = [
        one.name for one in profiles
        if one.kind in ("category", "text", "number") and one.name not in events and not one.is_flag
        and (alone or one.name == named) and not one.money and fewest <= one.distinct_n <= 0.7 * min(rows_n, one.rows_n)
    ]  # fmt: skip
    found = [
        (key, event, at)
        for key in keys
        for event in events
        for at in sorted(dates, key=lambda one: -raw.frame.groupby(key)[one].nunique().mean())
        if (key == named or not raw.frame.duplicated([key, event]).mean() > HARDLY)
        and raw.frame.groupby(key)[event].nunique().gt(1).mean() > 1 / 2
        and _ends_last(raw, key, event, at)
    ]
    kinds = {one.name: one.kind for one in profiles}
    worded = [one for one in found if kinds[one[0]] != "number"] or found  # an amount repeats with its deal
    finest = max((raw.frame[one[0]].nunique() for one in worded), default=0)
    return next((one for one in worded if raw.frame[one[0]].nunique() == finest), None)


def _end_words(raw: Raw, name: str) -> list[str]:
    words = as_text(raw.frame[name]).dropna().unique()
    return [str(one) for one in words if sense_of(str(one)).meaning in ("won", "lost", "lost_no_decision")]


def _ends_last(raw: Raw, key: str, event: str, at: str) -> bool:
    """Whether nearly no key has two ends, and nothing happens after an end."""
    moments = _moments(raw, at)
    if moments is None:
        return False
    ended = as_text(raw.frame[event]).isin(_end_words(raw, event))
    keys = raw.frame[key]
    twice = ended.groupby(keys).sum().gt(1).mean()
    last = moments.groupby(keys).transform("max")
    return bool(twice <= HARDLY and (moments[ended] >= last[ended]).mean() >= IN_ORDER)


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
        The only nameless column of numbers that are neither times nor flags nor running numbers nor codes of one
        length; of several the only one whose header names a currency, else the only one with a sign of currency in
        the cells or decimals.
    """
    free = [
        one for one in profiles
        if one.kind == "number" and one.name not in used and not one.is_flag and not one.clock
        and not header_scores(one.name) and one.distinct_n > 2 and (_in_currency(one) or not _counts_on(raw, one))
    ]  # fmt: skip
    named = [one for one in free if _in_currency(one)]
    marked = [one for one in free if one.money or one in named]
    return next((one[0].name for one in (named, marked, free) if len(one) == 1), "")


def _in_currency(one: ColumnProfile) -> bool:
    """Whether the header names a currency ("Commission £", "Prime EUR")."""
    unit = header_unit(one.name)[1]
    return bool(unit) and bool((unit_of(unit) or (0.0, ""))[1])


def _counts_on(raw: Raw, one: ColumnProfile) -> bool:
    """Whether numbers are small ones, each another one, or codes of one length, as ids, ages and scores are."""
    parsed = parse(raw.frame[one.name], "number", Reading(), {"file": "", "column": one.name})
    if parsed.undecided:
        return False
    texts = as_text(raw.frame[one.name]).dropna()
    if texts.str.match(r"\+|0\d").mean() > 1 / 2:
        return True  # telephone numbers
    whole = texts[texts.str.isdigit()]
    lengths = whole.str.len().unique()
    coded = len(lengths) == 1 and lengths[0] >= CODE_DIGITS and not whole.str.endswith("00").any()
    return bool(parsed.values.max() <= 100 or (one.unique and len(whole) == len(texts)) or coded)
