"""What every result carries, and what stands in for one when the data lack what it needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

from funnelnb.core.display import Shown

if TYPE_CHECKING:
    import numpy as np

    from funnelnb.analysis.shared.counts import Source
    from funnelnb.core.note import Note
    from funnelnb.playbooks.model import Label


# ---- What every result carries. Results are frozen, slotted -----------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Result(Shown):
    """Base of every result.

    Attributes
    ----------
    n : int
        Deals behind the result.
    method : str
        Key of the method's sentence in the language files.
    confidence_level : float
    as_of : numpy.datetime64
    currency : str
    notes : tuple of Note
        Caveats: what was missing, assumed, too few.
    """

    n: int
    method: str
    confidence_level: float
    as_of: np.datetime64
    currency: str
    notes: tuple[Note, ...]


# ---- What an analysis answers when the data lack what it needs ---------------------------------------------


_FIGURES = ("_n", "_amount", "_days", "_rate", "_share", "_name")
"""How fields end that hold a figure, or the name of what it is about."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
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


class About(TypedDict):
    """What a result takes over from its source."""

    as_of: np.datetime64
    currency: str
    stage_ids: tuple[str, ...]
    stage_labels: tuple[Label, ...]


def about(source: Source) -> About:
    """Return what a result takes over from its source: date, currency and stages."""
    return {
        "as_of": source.as_of,
        "currency": source.currency,
        "stage_ids": source.playbook.stage_ids,
        "stage_labels": source.playbook.stage_labels,
    }
