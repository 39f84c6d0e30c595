"""What an analysis answers when the data lack what it needs."""

from __future__ import annotations

from dataclasses import dataclass

from funnelnb.analysis.result import Result

_FIGURES = ("_n", "_amount", "_days", "_rate", "_share", "_name")
"""How fields end that hold a figure, or the name of what it is about."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Unavailable(Result):
    """A section that has to be left out, with the reason.

    Attributes
    ----------
    found, expected : str
        What is missing, and what would be needed (in English, as the error says it).
    rows : tuple
        Always empty.
    """

    found: str
    expected: str
    rows: tuple[()] = ()

    def __getattr__(self, name: str) -> Unavailable:
        """A figure of a section that is left out is left out as well, so that what builds on it says the same."""
        if name.startswith("_") or not name.endswith(_FIGURES):
            raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r}")
        return self
