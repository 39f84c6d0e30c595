"""What sort of thing does a cell hold, going by its looks alone: a number, a date, a time, a code, or words?

Nothing is converted here: that is decided over whole columns by ``data/parse``. The kinds only tell a header from a
record, a right delimiter from a wrong one, and a row that is complete from one that has slipped.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

LOOKED_AT = 40_000
"""So many cells are enough to know what the columns hold."""

BLANK, NUMBER, DATE, TIME, TEXT = "blank", "number", "date", "time", "text"

_MONTH = (
    r"(?:jan|feb|mar|mär|apr|may|mai|maj|jun|jul|aug|sep|oct|okt|nov|dec|dez|janv|févr|mars|avr|juin|juil|août|sept"
    r"|déc|ene|abr|ago|dic|gen|mag|giu|lug|set|ott|out)[a-zéûç]{0,7}\.?"
)
_CLOCK = r"(?:\d{1,2}[:：]\d{2}(?:[:：]\d{2}(?:[.,]\d{1,9})?)?(?:\s?[ap]\.?m\.?)?)"
_ZONE = r"(?:\s?(?:z|utc|gmt|[a-z]{3,4}|[+-]\d{2}:?\d{2}))?"
_DAY = (
    r"(?:\d{4}[-/.]\d{1,2}(?:[-/.]\d{1,2})?"
    r"|\d{1,2}[-/.]\d{1,2}[-/.](?:\d{4}|\d{2})(?:\.|\s?[гр]\.?)?"
    r"|\d{1,2}[-/. ]{1,2}MONTH[-/., ]{0,2}(?:\d{4}|\d{2})"
    r"|MONTH[- ]\d{1,2},? \d{4}|MONTH[- /](?:\d{4}|\d{2})"
    r"|\d{4}\s?年\s?\d{1,2}\s?月(?:\s?\d{1,2}\s?[日号])?|\d{4}-?w\d{2}(?:-?\d)?)"
).replace("MONTH", _MONTH)
_DATE = re.compile(rf"(?:[a-z]{{2,9}}\.?,? )?{_DAY}(?:[t ,]{{0,2}}{_CLOCK}{_ZONE})?", re.IGNORECASE)
_TIME = re.compile(_CLOCK, re.IGNORECASE)
_SIGN = (
    r"(?:[$€£¥₹₽￥]|(?:US|CA|AU|HK)\$|R\$|zł|kr|USD|EUR|GBP|CHF|CNY|RMB|JPY|INR|AUD|CAD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|BRL"
    r"|MXN|ZAR|SGD|HKD|TWD|KRW|TRY|RUB|AED|SAR|ILS|VND|IDR|THB|MYR|PHP|RON|UAH"
    r"|[円원₺₴₫฿₱₪₸]|NT\$|Kč|Ft|lei|TL|Rp\.?|RM|руб\.?|р\.|грн\.?|лв\.?)"
)
_NUMBER = re.compile(
    rf"[-+(−]?\s?{_SIGN}?\s?[-+]?(?:\d{{1,3}}(?:[ ,.'’\u00a0\u202f]\d{{2,3}})+|\d+)?(?:[.,](?:\d*|[–—-]{{1,2}}))?"
    rf"(?:[eE][-+]?\d+)?"
    rf"\s?(?:%|{_SIGN}|[km]|万元?|亿元?|元|百万|千)?\)?-?",
)
_NOTHING = frozenset(
    (
        "",
        "-",
        "--",
        "–",
        "—",
        ".",
        "?",
        "na",
        "n/a",
        "#n/a",
        "nan",
        "null",
        "none",
        "nil",
        "\\n",
        "(blank)",
        "无",
        "空",
    )
)
_CODE = re.compile(r"(?=\S*\d)[\w./:#@-]+")


def kind_of(cell: str) -> str:
    """What sort of thing does one cell hold?

    Parameters
    ----------
    cell : str

    Returns
    -------
    str
        One of BLANK (also ``n/a`` and the like), NUMBER, DATE, TIME, TEXT.

    Examples
    --------
    >>> [kind_of(cell) for cell in ("1 234,50 €", "3. März 2025", "10:30", "n/a", "Closed Won")]
    ['number', 'date', 'time', 'blank', 'text']
    """
    text = cell.strip()
    return TEXT if len(text) > 60 else _kind(text)


@lru_cache(maxsize=65_536)
def _kind(text: str) -> str:
    """Return the kind of a short cell; the same cells are asked of several times while a header is looked for."""
    if text.lower() in _NOTHING:
        return BLANK
    if not any(char.isdigit() for char in text):
        return TEXT
    if _NUMBER.fullmatch(text):
        return NUMBER
    if _TIME.fullmatch(text):
        return TIME
    return DATE if _DATE.fullmatch(text) else TEXT


def is_year(cell: str) -> bool:
    """Whether a cell is a year, which may well be the name of a column."""
    text = cell.strip()
    return len(text) == 4 and text.isdigit() and 1900 <= int(text) <= 2099


def shape_of(cell: str) -> str:
    """Which pattern of digits and letters does a code have? Empty for what is no code.

    Examples
    --------
    >>> shape_of("D-0012"), shape_of("item3"), shape_of("Closed Won")
    ('A-9', 'a9', '')
    """
    text = cell.strip()
    return _shape(text) if len(text) <= 40 else ""


@lru_cache(maxsize=65_536)
def _shape(text: str) -> str:
    """Return the shape of a short cell, of which several ask as well."""
    if not _CODE.fullmatch(text):
        return ""
    return re.sub(r"[^\W\d_]+", lambda one: "A" if one[0].isupper() else "a", re.sub(r"\d+", "9", text))


def column_kinds(rows: Sequence[Sequence[str]], width: int, share: float = 0.9) -> list[str]:
    """Which kind does each column hold throughout?

    Parameters
    ----------
    rows : sequence of rows
        Records only, no header.
    width : int
        Number of columns.
    share : float
        How much of the cells that are not blank must be of the kind.

    Returns
    -------
    list of str
        NUMBER, DATE or TIME, the shape of a code (such as ``"A9"``), BLANK for a column that holds nothing, or TEXT.
    """
    found = []
    rows = rows[: max(LOOKED_AT // max(width, 1), 20)]
    for place in range(width):
        cells = [row[place] for row in rows if len(row) > place]
        kinds = Counter(kind_of(cell) for cell in cells)
        filled = sum(kinds.values()) - kinds.pop(BLANK, 0)
        if not filled:
            found.append(BLANK)
            continue
        kind, count = kinds.most_common(1)[0]
        if kind == TEXT and count >= share * filled:
            shape, count = Counter(shape_of(cell) for cell in cells if cell.strip()).most_common(1)[0]
            found.append(shape if shape and count >= share * filled else TEXT)
        else:
            found.append(kind if count >= share * filled else TEXT)
    return found


def fits(cell: str, kind: str) -> bool:
    """Whether a cell may stand in a column of this kind; a blank may stand anywhere."""
    if kind in (TEXT, BLANK):
        return True
    own = kind_of(cell)
    if own == BLANK:
        return True
    return own == kind if kind in (NUMBER, DATE, TIME) else shape_of(cell) == kind
