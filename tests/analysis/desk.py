"""Small books with side tables, written down by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tests.analysis.floors import Deal, Floor, playbook

if TYPE_CHECKING:
    from funnelnb.data.book import Book
    from funnelnb.playbooks.model import Playbook

MODEL = playbook("lead", "offer", "talks")
TODAY = 100.0


def book(*deals: Deal, model: Playbook = MODEL, today: float = TODAY, **tables: pd.DataFrame) -> Book:
    """The deals as a book, their ids d00000, d00001, … in the order given, with more tables."""
    made = Floor(deals=deals, playbook=model, today=today).book()
    return replace(made, tables={**made.tables, **tables})


def open_deal(
    stage: int = 0, *, since: float = 50.0, amount: float | None = 1000.0, **attributes: str
) -> Deal:
    """An open deal created on day 10 that entered its stage on day `since`."""
    visits = ((0, 10.0), (stage, since)) if stage else ((0, since),)
    return Deal(visits=visits, amount=amount, attributes=attributes)


def frame(columns: str, *rows: tuple[Any, ...]) -> pd.DataFrame:
    """A table of texts and flags."""
    made = pd.DataFrame(list(rows), columns=columns.split())
    for name in made:
        kinds = set(map(type, made[name].dropna().tolist()))
        if kinds <= {bool}:
            made[name] = made[name].astype("boolean")
        elif name == "at":
            made[name] = pd.to_datetime(made[name]).astype("datetime64[us]")
        elif kinds <= {str}:
            made[name] = made[name].astype("str")
    return made


def shuffled(book: Book, seed: int = 3) -> Book:
    """The same book with the rows of every table in another order."""
    tables = {
        name: one.sample(frac=1.0, random_state=seed).reset_index(drop=True)
        for name, one in book.tables.items()
    }
    return replace(book, tables=tables)


def relabelled(book: Book, prefix: str = "x") -> Book:
    """The same book with every id of deals and customers written otherwise, in the same order."""
    tables = {}
    for name, one in book.tables.items():
        written = {
            column: (prefix + one[column]).where(one[column].notna(), one[column])
            for column in ("opportunity_id", "account_id")
            if column in one
        }
        tables[name] = one.assign(**written)
    return replace(book, tables=tables)


def changed(book: Book, **tables: pd.DataFrame) -> Book:
    """The same book with some tables replaced."""
    return replace(book, tables={**book.tables, **tables})


def renamed(book: Book, seed: int) -> Book:
    """The same book with every deal's id written otherwise, in another order."""
    ids = book.tables["opportunities"]["opportunity_id"]
    drawn = np.random.default_rng(seed).permutation(len(ids))
    names = dict(zip(ids, (f"客户/{k}" for k in drawn), strict=True))
    tables = {
        name: one.assign(opportunity_id=one["opportunity_id"].map(names).astype("str"))
        for name, one in book.tables.items()
    }
    return changed(book, **tables)
