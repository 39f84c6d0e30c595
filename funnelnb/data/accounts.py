"""A book of customers alone: what can be said before the first deal is recorded."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.core import check
from funnelnb.data.book import Book
from funnelnb.data.load import load

if TYPE_CHECKING:
    import datetime
    from collections.abc import Mapping
    from pathlib import Path

    from funnelnb.playbooks.model import Playbook

_NOBODY = "no deal"


def accounts_book(
    source: Any,
    *,
    mapping: str | Path | Mapping[str, Any] | None = None,
    playbook: str | Path | Playbook | list[str] = "key_account",
    as_of: str | datetime.date | np.datetime64 | None = None,
    tables: Mapping[str, Any] | None = None,
) -> Book:
    """Which book do these customers make, without any deal?

    Parameters
    ----------
    source : path or frame
        The table of customers; columns are recognised as :func:`~funnelnb.data.load.load` does.
    mapping : path or dict, optional
        Settings that say which column is what.
    playbook : str, path, Playbook or list of str
        Stage model that later deals will pass.
    as_of : date, optional
        None: today.
    tables : dict, optional
        More tables of the contract, such as contacts, activities and assessments.

    Returns
    -------
    Book
        With an empty table of deals.

    Raises
    ------
    FunnelError
        What loading says of a table that it cannot use.

    Examples
    --------
    >>> import pandas as pd
    >>> made = accounts_book(pd.DataFrame({"account_id": ["A1"], "name": ["Nord"], "need": ["yes"]}))
    >>> len(made.opportunities), made.tables["accounts"]["name"].tolist()
    (0, ['Nord'])
    """
    import pandas as pd

    day = np.datetime64("today") if as_of is None else check.timestamp("as_of", as_of)
    placeholder = pd.DataFrame(
        {
            "opportunity_id": [_NOBODY],
            "account_id": [None],
            "outcome": ["open"],
            "created_at": [str(day)[:10]],
        }
    )
    made = load(
        {"accounts": source, "opportunities": placeholder},
        mapping=mapping,
        playbook=playbook,
        as_of=day,
        tables=tables,
        name="customers",
    )
    empty = made.opportunities.iloc[:0].reset_index(drop=True)
    return replace(made, tables={**made.tables, "opportunities": empty}, notes=())


def as_book(source: Any) -> Book:
    """Return a book as it is, and of a table of customers the book that it makes."""
    return source if isinstance(source, Book) else accounts_book(source)
