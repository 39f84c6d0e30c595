"""Mistakes in a playbook, with their place, so that all of them can be told at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from funnelnb.core.errors import PlaybookError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """One mistake in a playbook.

    Attributes
    ----------
    place : str
        Where it is, such as ``"stage 3 'visit', key 'win_weight'"``; empty for the whole file.
    found, expected, remedy : str
        What is wrong, what would be right, what to do.
    """

    found: str
    expected: str
    remedy: str
    place: str = ""

    @property
    def headline(self) -> str:
        """Place and finding in one line."""
        return f"{self.place}: {self.found}" if self.place else self.found


def playbook_error(path: str, mistakes: Iterable[Mistake]) -> PlaybookError:
    """Return one error that tells all `mistakes` of the playbook at `path`, each of them once."""
    once = list(dict.fromkeys(mistakes))
    if len(once) == 1:
        only = once[0]
        joint = ", " if only.place else ": "
        return PlaybookError(f"{path}{joint}{only.headline}", expected=only.expected, hint=only.remedy)
    told = [
        f"  {mistake.headline}\n    expected: {mistake.expected}\n    remedy:   {mistake.remedy}"
        for mistake in once
    ]
    return PlaybookError("\n".join([f"{path} has {len(once)} mistakes:", *told]))


def nearest_or(name: str, known: Iterable[str], otherwise: str) -> str:
    """Return the nearest known name as a question, or the advice `otherwise`."""
    hint = nearest(name, known)
    return hint if hint.startswith("did you mean") else otherwise
