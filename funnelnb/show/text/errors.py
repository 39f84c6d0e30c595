"""Errors in the reader's language: the same facts in the words of ``lang/errors.*.toml``.

Errors are raised where arrows may not reach this room, so they are built in English. Each pattern of ``[errors]``
stands in both languages under one name; a message that fits the English pattern is said with the other one and the
same facts. A message without a pattern stays as it is.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

from funnelnb.show.text.words import words

if TYPE_CHECKING:
    from funnelnb.show.text.words import Words

LABELS = (("  expected: ", "errors.labels.expected"), ("  remedy:   ", "errors.labels.remedy"))
"""What stands before the lines of a message, and the key of its words."""

_HOLE = re.compile(r"\\\{(\w+)\\\}")
_OPENS, _CLOSES = "\ue000", "\ue001"


def error_text(text: str, say: Words) -> str:
    """Return an error's message in the language of `say`.

    Parameters
    ----------
    text : str
        As ``str(error)`` gives it: what was found, what was expected, what to do.
    say : Words

    Examples
    --------
    >>> print(error_text("the data has no table 'gates'", words("zh")))
    数据中没有 gates 表
    """
    if say.lang == "en":
        return text
    return "\n".join(_line(line, say) for line in text.splitlines())


_PLACE = re.compile(
    r"  (?P<file>[^:]*?)(?:, row (?P<row>\d+))?(?:, column (?P<column>'[^']*'|\"[^\"]*\"))?: (?P<rest>\S.*?)"
    r"(?: \(and (?P<more_n>\d+) more rows?\))?"
)
"""Where one of several problems of the data lies: see :class:`funnelnb.core.errors.Problem`."""
_VALUE = re.compile(r"(?P<found>.+?) (?P<value>'(?:[^']|\\')*'|\"[^\"]*\")", re.DOTALL)


def _line(line: str, say: Words) -> str:
    for label, key in LABELS:
        if line.lstrip().startswith(label.lstrip()):
            space = line[: len(line) - len(line.lstrip())]
            return f"{space}{say.get(key)}{_said(line.lstrip().removeprefix(label.lstrip()), say)}"
    place = _PLACE.fullmatch(line)
    if place is None:
        return _said(line, say)
    whole = _said(line, say, begins="  ")  # a question with a number, which is no place
    return whole if whole != line else _problem(place, say)


def _problem(place: re.Match[str], say: Words) -> str:
    """Return the first line of one of several problems: where it is, what was found there."""
    found = _said(place["rest"], say)
    parted = _VALUE.fullmatch(place["rest"])
    if found == place["rest"] and parted:
        found = f"{_said(parted['found'], say)} {parted['value']}"
    where = [place["file"]]
    if place["row"]:
        where.append(say.say("errors.places.row", row=place["row"]))
    if place["column"]:
        where.append(say.say("errors.places.column", column=place["column"]))
    more = say.say("errors.places.more", more_n=int(place["more_n"])) if place["more_n"] else ""
    return f"  {say.get('errors.places.join').join(where)}{say.get('errors.places.colon')}{found}{more}"


def _said(text: str, say: Words, begins: str = "") -> str:
    """Return a text in the words of its pattern; `begins`: only of a pattern that begins so."""
    for name, first, last, pattern in _patterns():
        if not (first.startswith(begins) and text.startswith(first) and text.endswith(last)):
            continue
        found = pattern.fullmatch(text)
        if found:
            facts = {key: _said(value, say) for key, value in found.groupdict().items()}
            return _bared(say.fill(_shielded(say.get(f"errors.{name}")), facts))
    return text


def _shielded(text: str) -> str:
    """Return words with the braces of code to be typed, which stand twice, as signs that are no holes."""
    return text.replace("{{", _OPENS).replace("}}", _CLOSES)


def _bared(text: str) -> str:
    """Return text with those signs as braces again."""
    return text.replace(_OPENS, "{").replace(_CLOSES, "}")


@functools.cache
def _patterns() -> tuple[tuple[str, str, str, re.Pattern[str]], ...]:
    """Return the English patterns with their first and last words, the longest text first: it says most."""
    english = words("en").table("errors")
    ordered = sorted(
        ((name, text) for name, text in english.items() if isinstance(text, str)),
        key=lambda one: -len(re.sub(r"\{\w+\}", "", one[1])),
    )
    made = []
    for name, text in ordered:
        parts = [_bared(part) for part in re.split(r"\{\w+\}", _shielded(text))]
        spelled = _HOLE.sub(r"(?P<\1>.+?)", re.escape(_shielded(text)))
        spelled = spelled.replace(_OPENS, r"\{").replace(_CLOSES, r"\}")
        made.append((name, parts[0], parts[-1], re.compile(spelled, re.DOTALL)))
    return tuple(made)
