"""The book: validated tables, a playbook and an as-of date. Immutable; every analysis starts from one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.core.note import Note
from funnelnb.playbooks.model import Playbook

if TYPE_CHECKING:
    from funnelnb.data.ledger import Ledger


@dataclass(frozen=True, kw_only=True, eq=False)
class Book:
    """Validated tables, a playbook and an as-of date.

    Attributes
    ----------
    tables : Mapping of str to DataFrame
        Canonical tables (see ``data/tables.py``), in memory as pandas, cut at the as-of date.
    playbook : Playbook
    as_of : numpy.datetime64
        In seconds. Nothing after it influences any number. A plain date counts to the end of that day; where all
        times in the data are whole days it is that day's midnight, so that ages are whole days too.
    currency : str
        Currency of all amounts; empty where the data names none.
    observed_from : numpy.datetime64 or None
        Since when deals were recorded completely; deals that ended before are missing (late history). None:
        from the start.
    name : str
        What reports call the book (folder or file name, region after ``where``).
    fingerprint : str
        Hash of the content, for knowing whether finished work is still good.
    notes : tuple of Note
        What loading found and did.
    """

    tables: Mapping[str, Any]
    playbook: Playbook
    as_of: np.datetime64
    currency: str = ""
    observed_from: np.datetime64 | None = None
    name: str = ""
    fingerprint: str = ""
    notes: tuple[Note, ...] = ()

    # where(**conditions) -> Book; split(by) -> dict[str, Book]; ledger -> Ledger (built once); counts are in count.py
    @property
    def ledger(self) -> Ledger:
        """The ledger of the book, built on first use."""
        raise NotImplementedError
