"""A book of customers alone: what can be said before the first deal is recorded."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.core import check
from funnelnb.core.errors import MissingDataError
from funnelnb.data.book import Book
from funnelnb.data.contract.tables import column_names
from funnelnb.data.load import load
from funnelnb.data.parse.values import as_text
from funnelnb.data.read.files import read
from funnelnb.data.recognise.lexicon import header_scores

if TYPE_CHECKING:
    import datetime
    import os
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd
    from narwhals.typing import IntoFrame

    from funnelnb.playbooks.model import Playbook

    Records = Book | os.PathLike[str] | str | IntoFrame
    """A book, or a list of customers alone: a path or a frame."""

_NOBODY = "no deal"
FLAGS = ("money", "authority", "need")
"""Columns of a record that are read as yes or no."""
_GRADES = {"强": "yes", "高": "yes", "充足": "yes", "strong": "yes", "high": "yes", "good": "yes"} | {
    "弱": "no", "低": "no", "不足": "no", "weak": "no", "low": "no", "poor": "no", "中": "", "一般": "", "medium": ""
}  # fmt: skip
"""Graded words for a yes or no; the middle says neither."""


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
        The table of customers; columns are recognised by the words of :func:`~funnelnb.data.load.load`, in English or
        Chinese. Without an id the name is the id. A customer may stand in several rows, one per source (a column
        ``origin`` or ``source`` says which): they stay side by side.
    mapping : path or dict, optional
        Settings that say which column is what; each customer must then stand in one row.
    playbook : str, path, Playbook or list of str
        Stage model that later deals will pass.
    as_of : date, optional
        None: today.
    tables : dict, optional
        More tables of the contract, such as contacts, activities and assessments.

    Returns
    -------
    Book
        With an empty table of deals. Columns that the contract does not know stay as they were written.

    Raises
    ------
    FunnelError
        What loading says of a table that it cannot use.
    MissingDataError
        Neither an id nor a name of the customers was recognised.

    Examples
    --------
    >>> import pandas as pd
    >>> made = accounts_book(pd.DataFrame({"客户名称": ["华东机械"], "规模": ["大"], "需求": ["有"]}))
    >>> len(made.opportunities), made.tables["accounts"][["account_id", "size", "need"]].values.tolist()
    (0, [['华东机械', '大', True]])
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
    told = None if mapping is not None else _recognised(source)
    made = load(
        {"accounts": source if told is None else told[0], "opportunities": placeholder},
        mapping=mapping if told is None else _settings(told[0]),
        playbook=playbook,
        as_of=day,
        tables=tables,
        name="customers",
    )
    empty = made.opportunities.iloc[:0].reset_index(drop=True)
    read_as = (
        made.tables["accounts"] if told is None else _rejoined(made.tables["accounts"], told[1], told[2])
    )
    return replace(made, tables={**made.tables, "accounts": read_as, "opportunities": empty}, notes=())


def _rejoined(table: pd.DataFrame, own: pd.DataFrame, ids: pd.Series) -> pd.DataFrame:
    """Return the table with each row's customer instead of its number, and the columns nobody knew."""
    rows = table["account_id"].astype("int64").to_numpy()
    made = table.reset_index(drop=True)
    made["account_id"] = ids.iloc[rows].astype("str").to_numpy()
    for name in own.columns:
        made[name] = own[name].iloc[rows].to_numpy()
    return made


def _recognised(source: Any) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series]:
    """Return the columns that the contract knows (rows numbered as ids), all others, and each row's customer."""
    raw = read(source, "accounts")
    frame = raw.frame.reset_index(drop=True)
    found = _columns(list(frame.columns))
    if not {"account_id", "name"} & set(found):
        raise MissingDataError(
            f"{raw.file}: no column tells which customer a row is of",
            expected="a column account_id or name; there are " + ", ".join(map(str, frame.columns[:12])),
            hint="rename the column, or say which it is: mapping={'tables': {'accounts': {'columns': …}}}",
        )
    ids = as_text(frame[found.get("account_id") or found["name"]], blanks=False)
    kept = ids.notna()
    frame, ids = frame[kept].reset_index(drop=True), ids[kept].reset_index(drop=True)
    known = frame[[found[one] for one in found if one != "account_id"]]
    known.columns = [one for one in found if one != "account_id"]
    for name in set(FLAGS) & set(known.columns):
        if known[name].dtype == "str":
            known = known.assign(
                **{name: known[name].map(lambda cell: _GRADES.get(cell.strip().lower(), cell))}
            )
    known.insert(0, "account_id", [str(k) for k in range(len(frame))])
    return known, frame[[name for name in frame.columns if name not in found.values()]], ids


def _columns(names: list[str]) -> dict[str, str]:
    """Return column of the contract = column of the source, each source once, the strongest word first."""
    own = set(column_names("accounts"))
    scored = [
        (score, column, name)
        for name in names
        for column, score in ({name: 2.0} if name in own else header_scores(name, "accounts")).items()
    ]
    found: dict[str, str] = {}
    for _, column, name in sorted(scored, key=lambda one: (-one[0], names.index(one[2]))):
        if column not in found and name not in found.values():
            found[column] = name
    return found


def _settings(known: pd.DataFrame) -> dict[str, Any]:
    """Return the settings that say what is already known of the columns."""
    return {"tables": {"accounts": {"columns": {name: name for name in known.columns}}}}


def as_book(source: Records) -> Book:
    """Return a book as it is, and of a table of customers the book that it makes."""
    return source if isinstance(source, Book) else accounts_book(source)
