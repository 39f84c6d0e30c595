"""Some of the deals of a book, as a source of their own: a period of entry, a group, a size."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.data.contract.clock import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from funnelnb.core.note import Note
    from funnelnb.data.book import Book
    from funnelnb.data.ledger.ledger import Ledger
    from funnelnb.playbooks.model import Playbook


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part:
    """Some of the deals of a book. What analyses ask of a book, they may ask of a part.

    Attributes
    ----------
    ledger : Ledger
    playbook : Playbook
    as_of : numpy.datetime64
    currency, name : str
    observed_from : numpy.datetime64 or None
    notes : tuple of Note
    calendars : Mapping
    """

    ledger: Ledger
    playbook: Playbook
    as_of: np.datetime64
    currency: str
    name: str
    observed_from: np.datetime64 | None = None
    notes: tuple[Note, ...] = ()
    calendars: Mapping[str, Any] = field(default_factory=dict)


def part_of(book: Book, keep: NDArray[np.bool_], name: str = "") -> Part:
    """Return the deals of `book` that `keep` marks, in the order of its ledger."""
    return Part(
        ledger=book.ledger.restrict(keep),
        playbook=book.playbook,
        as_of=book.as_of,
        currency=book.currency,
        name=name,
        observed_from=book.observed_from,
        notes=book.notes,
        calendars=book.calendars,
    )


def entered_s(ledger: Ledger) -> NDArray[np.int64]:
    """Return when each deal entered: created, else the first stage that is dated; UNKNOWN where neither is."""
    reached = np.where(ledger.reached_s == UNKNOWN, np.iinfo(np.int64).max, ledger.reached_s).min(axis=1)
    first = np.where(reached == np.iinfo(np.int64).max, UNKNOWN, reached)
    return np.where(ledger.created_s != UNKNOWN, ledger.created_s, first)
