"""What a result says, in two sentences, and what it does not say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from funnelnb.show.registry import view_of
from funnelnb.show.words import Words, words_of

if TYPE_CHECKING:
    from collections.abc import Sequence

NAMED = 3
"""How many groups a sentence names before it says "and n more"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A result in words.

    Attributes
    ----------
    headline : str
        The first sentence: the answer, with n and interval.
    detail : str
        The second sentence: where, or how sure.
    unsaid : str
        What the numbers do not say.
    """

    headline: str
    detail: str
    unsaid: str


def finding_of(result: Any, lang: str | None = None) -> Finding:
    """Return what `result` says, as parts."""
    return view_of(result).finding(result, words_of(result, lang))


def finding_text(result: Any, lang: str | None = None) -> str:
    """Return what `result` says as plain text: two sentences, and on a new line what they do not say."""
    say = words_of(result, lang)
    found = finding_of(result, lang)
    said = say.get("language.sentence").join(part for part in (found.headline, found.detail) if part)
    unsaid = say.get("language.clause").join((say.get("words.not_said"), found.unsaid))
    return f"{said}\n{unsaid}"


def rate_of(row: Any, stem: str, say: Words) -> str:
    """Return the rate `stem` of a row with its interval: ``63.2 % (62.2–64.1)``."""
    value, lower, upper = (getattr(row, f"{stem}_{part}") for part in ("rate", "ci_lower", "ci_upper"))
    return say.numbers.interval(value, lower, upper)


def name_some(items: Sequence[str], say: Words) -> str:
    """Return a list of at most `NAMED` names, the others counted."""
    if len(items) <= NAMED:
        return say.numbers.join(items)
    return say.numbers.join([*items[:NAMED], say.say("words.more", more_n=len(items) - NAMED)])
