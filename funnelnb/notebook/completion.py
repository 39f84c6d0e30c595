"""What may stand between the quotation marks? Tab offers attributes, values, stages and stage models of the book."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from funnelnb.data.book import Book
from funnelnb.playbooks import library

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_OPEN_TEXT = re.compile(r"(?P<name>\w+)\s*=\s*\[?(?:\s*[\"'][^\"']*[\"']\s*,)*\s*[\"'](?P<begun>[^\"']*)$")
_CALL = re.compile(r"(?:(?P<owner>\w+)\s*\.\s*)?(?P<function>\w+)\s*\((?P<first>\s*\w+)?")
MOST_VALUES = 500
"""A column with more different values is not offered value by value."""


def offers(code: str, names: Mapping[str, Any]) -> list[str]:
    """Which texts can complete the one that `code` has begun, given the variables of the session?

    Parameters
    ----------
    code : str
        The input up to the cursor, such as ``fn.conversion(book, by="re``.
    names : Mapping of str to object
        Variables of the session; the book is the one that the call names, else the last one made.

    Returns
    -------
    list of str
        Whole texts, in the book's own order; empty where nothing can be offered.

    Examples
    --------
    >>> from funnelnb.data.load import sample
    >>> offers('fn.duration(book, stage="ne', {"book": sample()})
    ['negotiation']
    """
    found = _OPEN_TEXT.search(code)
    if not found:
        return []
    if found["name"] == "playbook":
        return _beginning(found["begun"], library())
    book = _book_of(code[: found.start()], names)
    return _beginning(found["begun"], _known(found["name"], book)) if book is not None else []


def _known(name: str, book: Book) -> Iterable[str]:
    """Return what a parameter of this name takes."""
    if name in ("by", "within"):
        return book.attributes
    if name in ("stage", "origin_stage"):
        return book.playbook.stage_ids
    if name in book.attributes:
        values = book.opportunities[name].dropna().unique()
        return sorted(map(str, values)) if len(values) <= MOST_VALUES else ()
    return ()


def _beginning(begun: str, known: Iterable[str]) -> list[str]:
    return [one for one in known if one.lower().startswith(begun.lower())]


def _book_of(before: str, names: Mapping[str, Any]) -> Book | None:
    """Return the book that the last call before the cursor names, else the book made last."""
    for call in reversed(list(_CALL.finditer(before))):
        for part in (call["first"], call["owner"]):
            one = names.get((part or "").strip())
            if isinstance(one, Book):
                return one
    books = [one for name, one in names.items() if isinstance(one, Book) and not name.startswith("_")]
    return books[-1] if books else None


def register(shell: Any) -> None:
    """Let IPython's completer ask :func:`offers`; once per shell."""
    from IPython.core.completer import SimpleCompletion, context_matcher

    completer = shell.Completer
    if getattr(completer, "_funnelnb_offers", False):
        return

    @context_matcher()
    def funnelnb_matcher(context: Any) -> dict[str, Any]:
        lines = context.full_text.split("\n")
        code = "\n".join(
            [*lines[: context.cursor_line], lines[context.cursor_line][: context.cursor_position]]
        )
        made = offers(code, shell.user_ns)
        return {
            "completions": [SimpleCompletion(text=one, type="value") for one in made],
            "matched_fragment": code[_OPEN_TEXT.search(code).start("begun") :] if made else "",  # type: ignore[union-attr]
            "suppress": bool(made),  # no file names between them
        }

    completer.custom_matchers.append(funnelnb_matcher)
    completer._funnelnb_offers = True  # noqa: SLF001 - a mark of ours on their object
