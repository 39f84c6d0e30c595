"""What an analysis answers when the data lack what it needs."""

from __future__ import annotations

from dataclasses import dataclass

from funnelnb.analysis.result import Result


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
