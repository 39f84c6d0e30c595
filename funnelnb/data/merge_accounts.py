"""One table of customers out of several sources: a survey, a fair, the web, the CRM, a shop. The origin stays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from funnelnb.core.errors import ParameterError
from funnelnb.data.contract.settings import TableSettings
from funnelnb.data.contract.tables import TABLES, kind_of
from funnelnb.data.parse.values import Reading, as_text, parse
from funnelnb.data.read.files import read
from funnelnb.data.recognise.assign import find
from funnelnb.data.recognise.profile import profile
from funnelnb.data.tidy.names import LIKE, alike, groups

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

SURE = 100.0
"""Likeness from which records are put together without asking: the names differ in writing only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """A value on which two sources do not agree.

    Attributes
    ----------
    account_id, column : str
    kept, kept_source : str
        What stands in the merged table, and where it comes from.
    other, other_source : str
    """

    account_id: str
    column: str
    kept: str
    kept_source: str
    other: str
    other_source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MergedAccounts:
    """One table of customers, and how it came about.

    Attributes
    ----------
    accounts : DataFrame
        In the contract's columns; ``source`` names every source of a record.
    origins : DataFrame
        One row per record of a source: account_id (merged), source, row, its own id and name.
    conflicts : tuple of Conflict
    doubtful : tuple of tuple of str
        Pairs of merged ids whose names are alike but not equal, with the likeness: kept apart until a person decides.
    not_read : dict of str to list of str
        Source = columns that were not read.
    """

    accounts: pd.DataFrame
    origins: pd.DataFrame
    conflicts: tuple[Conflict, ...]
    doubtful: tuple[tuple[str, str, float], ...]
    not_read: dict[str, list[str]]


def merge_accounts(sources: Mapping[str, Any], *, least: float = SURE) -> MergedAccounts:
    """Which customers do these sources hold together?

    Parameters
    ----------
    sources : Mapping of str to path or frame
        Name of the source = its list of customers, the one most to be believed first.
    least : float
        Records whose names are at least this like (0 to 100) are one. 100: the names differ in writing only.

    Returns
    -------
    MergedAccounts
        Of values that differ, that of the first source stands, and the other is told.

    Raises
    ------
    ParameterError
        There is no source, or one without names.

    Examples
    --------
    >>> import pandas as pd
    >>> crm = pd.DataFrame({"Account ID": ["A1"], "Account Name": ["Acme Ltd"], "Industry": ["Food"]})
    >>> fair = pd.DataFrame({"Company": ["ACME", "Beta"], "Country": ["DE", "FR"], "Sector": ["Foods", ""]})
    >>> merged = merge_accounts({"crm": crm, "fair": fair})
    >>> merged.accounts[["account_id", "name", "country", "source"]].values.tolist()
    [['A1', 'Acme Ltd', 'DE', 'crm, fair'], ['fair-2', 'Beta', 'FR', 'fair']]
    >>> [(one.column, one.kept, one.other) for one in merged.conflicts]
    [('industry', 'Food', 'Foods')]
    """
    import pandas as pd

    if not sources:
        raise ParameterError("no source", expected="name = list of customers")
    parts, not_read = [], {}
    for name, source in sources.items():
        frame, not_read[name] = _read(name, source)
        parts.append(frame)
    rows = pd.concat(parts, ignore_index=True)
    pairs = alike([str(one) for one in rows["name"]], LIKE)
    same = [pair for pair in pairs if pair.likeness >= least or _one_id(rows, pair.one, pair.other)]
    members = groups(len(rows), same)
    alone = set(range(len(rows))) - {place for group in members for place in group}
    heads = sorted([*members, *([place] for place in alone)])
    ids = _ids(rows, heads)
    merged, conflicts = [], list[Conflict]()
    for key, group in zip(ids, heads, strict=True):
        merged.append(_record(rows.iloc[group], key, conflicts))
    head_of = {place: key for key, group in zip(ids, heads, strict=True) for place in group}
    doubtful = {
        (head_of[one.one], head_of[one.other]): one.likeness
        for one in pairs
        if head_of[one.one] != head_of[one.other]
    }
    known = [one.name for one in TABLES["accounts"] if one.name in rows]
    origins = pd.DataFrame({
        "account_id": [head_of[place] for place in range(len(rows))], "source": rows["source"], "row": rows["row"],
        "own_id": rows["account_id"], "name": rows["name"],
    })  # fmt: skip
    return MergedAccounts(
        accounts=pd.DataFrame(merged)[[*known, "source"]],
        origins=origins,
        conflicts=tuple(conflicts),
        doubtful=tuple((one, other, round(score, 1)) for (one, other), score in sorted(doubtful.items())),
        not_read=not_read,
    )


def _read(name: str, source: Any) -> tuple[pd.DataFrame, list[str]]:
    """Return a source in the contract's columns, and what was not read."""
    import pandas as pd

    raw = read(source, name, TableSettings())
    found = find("accounts", raw, profile(raw), said={}, preset={})
    columns = {
        column: found.source(column)
        for column in (one.name for one in TABLES["accounts"])
        if found.source(column)
    }
    if "name" not in columns and "account_id" not in columns:
        raise ParameterError(
            f"{name}: no column holds the names of customers", expected="a column such as name or company"
        )
    columns.setdefault("name", columns.get("account_id", ""))
    made = {}
    for column, at in columns.items():
        kind = kind_of("accounts", column)
        if kind in ("datetime", "amount", "number"):
            parsed = parse(raw.frame[at], kind, Reading(), {"file": name, "column": at})
            made[column] = as_text(raw.frame[at]) if parsed.undecided else parsed.values
        else:
            made[column] = as_text(raw.frame[at])
    frame = pd.DataFrame(made).reset_index(drop=True)
    frame = frame[frame["name"].notna()].reset_index(drop=True)
    own = frame["account_id"] if "account_id" in frame else pd.Series([None] * len(frame), dtype="str")
    if own.equals(frame["name"]):
        own = pd.Series([None] * len(frame), dtype="str")
    rest = [one for one in raw.columns if one not in columns.values()]
    return frame.assign(account_id=own, source=name, row=range(1, len(frame) + 1)), rest


def _one_id(rows: pd.DataFrame, one: int, other: int) -> bool:
    """Whether two records of two sources carry the same id."""
    mine, yours = rows["account_id"].iloc[one], rows["account_id"].iloc[other]
    return isinstance(mine, str) and mine == yours and rows["source"].iloc[one] != rows["source"].iloc[other]


def _ids(rows: pd.DataFrame, heads: list[list[int]]) -> list[str]:
    """Return one id per merged record: the first own one, else source and row."""
    taken: set[str] = set()
    found = []
    for group in heads:
        own = next(
            (one for one in rows["account_id"].iloc[group] if isinstance(one, str) and one not in taken), None
        )
        first = rows.iloc[group[0]]
        key = own or f"{first['source']}-{first['row']}"
        taken.add(key)
        found.append(key)
    return found


def _record(part: pd.DataFrame, key: str, conflicts: list[Conflict]) -> dict[str, Any]:
    """Return one record out of several: of each column the first filled value."""
    import pandas as pd

    record: dict[str, Any] = {}
    for column in [one for one in part.columns if one not in ("source", "row", "account_id")]:
        told = [
            (value, source)
            for value, source in zip(part[column], part["source"], strict=True)
            if not pd.isna(value)
        ]
        record[column] = told[0][0] if told else None
        for value, source in told[1:]:
            if str(value).casefold() != str(told[0][0]).casefold() and column != "name":
                conflicts.append(Conflict(account_id=key, column=column, kept=str(told[0][0]), kept_source=told[0][1],
                                          other=str(value), other_source=source))  # fmt: skip
    return {**record, "account_id": key, "source": ", ".join(dict.fromkeys(part["source"]))}
