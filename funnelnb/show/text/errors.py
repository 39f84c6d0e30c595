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


def _line(line: str, say: Words) -> str:
    for label, key in LABELS:
        if line.startswith(label):
            return f"  {say.get(key)}{_said(line.removeprefix(label), say)}"
    return _said(line, say)


def _said(text: str, say: Words) -> str:
    for name, pattern in _patterns():
        found = pattern.fullmatch(text)
        if found:
            facts = {key: _said(value, say) for key, value in found.groupdict().items()}
            return say.fill(say.get(f"errors.{name}"), facts)
    return text


@functools.cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Return the English patterns, the longest text first: it says most about the message."""
    english = words("en").table("errors")
    ordered = sorted(
        ((name, text) for name, text in english.items() if isinstance(text, str)),
        key=lambda one: -len(re.sub(r"\{\w+\}", "", one[1])),
    )
    return tuple(
        (name, re.compile(_HOLE.sub(r"(?P<\1>.+?)", re.escape(text)), re.DOTALL)) for name, text in ordered
    )
