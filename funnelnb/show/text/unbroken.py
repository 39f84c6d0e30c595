"""Figures that stay on one line: an amount with its currency, a number with its unit, a range, a date.

Chinese may break between any two characters and a range after its dash, so a no-break space alone does not hold them;
in mark-up the figure is wrapped instead, and what a reader copies stays as it was.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

from funnelnb.core.options import LANGUAGES
from funnelnb.show.text.number import MINUS
from funnelnb.show.text.words import words

if TYPE_CHECKING:
    from collections.abc import Mapping

_SPACE = "(?: |&nbsp;|\N{NO-BREAK SPACE})"
_NUMBER = rf"(?:(?:[<>]|&[lg]t;){_SPACE})?[+\-{MINUS}]?\d+(?:,\d{{3}})*(?:\.\d+)?½?"
_RANGE = rf"{_NUMBER}(?:–{_NUMBER})?"
_BARE = re.compile(r"\S?[\d,.]+")
_SKIPPED = re.compile(
    r'(<(script|style|svg|title|option|textarea|pre|bdi)\b.*?</\2\s*>|<span class="f">.*?</span>|<[^>]*>)',
    re.DOTALL | re.IGNORECASE,
)


@functools.cache
def _figures() -> re.Pattern[str]:
    """Return what a figure with its unit looks like, in any of the languages."""
    known = [words(lang) for lang in LANGUAGES]
    scales = {re.escape(word.strip()) for say in known for _, word in say.numbers.units}
    coins = {re.escape(word) for say in known for word in say.numbers.currencies.values()} | {"[A-Z]{3}"}
    units = "|".join(say.get("language.units") for say in known)
    amount = rf"(?:{_SPACE}?(?:{_any(scales)}))?(?:{_SPACE}?(?:{_any(coins)}|{units}))?(?![A-Za-z])"
    kept = [_date(say.numbers.forms) for say in known]
    kept += [
        r"\d{4}-[QWH]\d{1,2}",
        rf"[np]{_SPACE}(?:[=<]|&lt;){_SPACE}{_NUMBER}",
        rf"(?:[A-Z]{{3}}{_SPACE})?{_RANGE}{amount}",
    ]
    return re.compile(rf"(?<![A-Za-z0-9_#&.,])(?:{'|'.join(kept)})")


def _any(patterns: set[str]) -> str:
    return "|".join(sorted(patterns, key=lambda one: (-len(one), one)))


def _date(forms: Mapping[str, str]) -> str:
    """Return what a date in words looks like."""
    pattern = re.escape(forms["date"])
    months = "|".join(re.escape(one) for one in forms["months"].split(" "))
    for name, one in (("year", r"\d{4}"), ("month", f"(?:{months})"), ("day", r"\d{1,2}")):
        pattern = pattern.replace(re.escape(f"{{{name}}}"), one)
    return pattern.replace(r"\ ", _SPACE)


def spans(text: str) -> list[tuple[int, int]]:
    """Return where figures stand that a line may not break.

    Examples
    --------
    >>> text = "EUR 1.32 M by 30 September 2026, 29.1 % (25.7–33.0) of 697"
    >>> [text[a:b] for a, b in spans(text)]
    ['EUR 1.32 M', '30 September 2026', '29.1 %', '25.7–33.0']
    >>> text = "预计 132 万欧元，超过 99.9%，需 67 天"
    >>> [text[a:b] for a, b in spans(text)]
    ['132 万欧元', '99.9%', '67 天']
    """
    return [one.span() for one in _figures().finditer(text) if not _BARE.fullmatch(one.group())]


def unbroken(markup: str) -> str:
    """Return mark-up in which no figure is parted from its unit; attributes, scripts and pictures are left as they are.

    Examples
    --------
    >>> unbroken('<p title="29.1 %">29.1 % of 12</p>')
    '<p title="29.1 %"><span class="f">29.1 %</span> of 12</p>'
    """
    made, at = [], 0
    for found in _SKIPPED.finditer(markup):
        made += [_wrapped(markup[at : found.start()]), found.group()]
        at = found.end()
    return "".join([*made, _wrapped(markup[at:])])


def _wrapped(text: str) -> str:
    made, at = [], 0
    for start, end in spans(text):
        made += [text[at:start], f'<span class="f">{text[start:end]}</span>']
        at = end
    return "".join([*made, text[at:]])


def whole(pieces: list[str]) -> list[str]:
    """Return pieces between which a line may break, put together where a figure would be broken.

    Examples
    --------
    >>> whole(["about ", "EUR ", "1.32 ", "M ", "more"])
    ['about ', 'EUR 1.32 M ', 'more']
    """
    inside = {place for start, end in spans("".join(pieces)) for place in range(start + 1, end)}
    made: list[str] = []
    place = 0
    for piece in pieces:
        if place in inside and made:
            made[-1] += piece
        else:
            made.append(piece)
        place += len(piece)
    return made
