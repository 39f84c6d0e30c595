"""Notes: caveats that travel with a number, as data, so that every language can word them.

A note is a code and the facts behind it. The words live in ``show/lang/*.toml`` under ``[notes]``; a test
demands that every code used in the package has words in every language.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Note:
    """One caveat.

    Attributes
    ----------
    code : str
        Key of the sentence in the language files, such as ``"history_missing"``.
    values : Mapping
        Facts that the sentence names (counts, dates, names).
    """

    code: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", MappingProxyType(dict(self.values)))

    def __reduce__(self) -> tuple[type[Note], tuple[str, dict[str, Any]]]:
        return (Note, (self.code, dict(self.values)))
