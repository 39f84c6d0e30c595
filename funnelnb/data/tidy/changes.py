# ruff: noqa: PD008 - one cell at a time, by its row
"""Changes of tables: what stood there before and what shall stand there, accepted or not, made and taken back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from funnelnb.core.errors import ParameterError
from funnelnb.data.contract.tables import TABLES, kind_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    import pandas as pd

KINDS = ("spelling", "account", "deal", "order", "test")
"""What a change is about: a value in two spellings, a customer, deal or order that is there twice, a test."""

OUT = "left out"
"""What stands in `after` of a row that is left out."""

FIELDS = ("id", "kind", "table", "key", "column", "before", "after", "why", "likeness", "accept")
"""Columns of the file of changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change.

    Attributes
    ----------
    id : str
        Such as ``"order-3"``; changes of one finding share the part before the dot.
    kind : str
        One of :data:`KINDS`.
    table : str
    key : str
        Id of the row (the first column of the table that is an id).
    column : str
        Empty: the row is left out.
    before, after : str
    why : str
        The value that it is like, or the row that it repeats.
    likeness : float
        0 to 100.
    accept : bool
        Whether it is made. Proposed as yes where nothing but writing differs; else a person decides.
    """

    id: str
    kind: str
    table: str
    key: str
    column: str
    before: str
    after: str
    why: str = ""
    likeness: float = 100.0
    accept: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """Tables with accepted changes made.

    Attributes
    ----------
    tables : dict of str to DataFrame
    left_out : dict of str to DataFrame
        Rows that are left out, whole and with their place, so that they can be put back.
    changes : tuple
        Those that were made.
    """

    tables: dict[str, Any]
    left_out: dict[str, Any]
    changes: tuple[Change, ...]


def key_of(table: str) -> str:
    """Return the column that tells the rows of a table apart."""
    return next(one.name for one in TABLES[table] if one.kind == "id")


def make(tables: Mapping[str, pd.DataFrame], changes: Iterable[Change]) -> Made:
    """Make the accepted changes.

    Parameters
    ----------
    tables : Mapping of str to DataFrame
        Stay as they are.
    changes : iterable

    Returns
    -------
    Made

    Raises
    ------
    ParameterError
        A change is about a row or a value that is not there: the file of changes belongs to other data.
    """
    accepted = [one for one in changes if one.accept]
    made = {name: frame.copy() for name, frame in tables.items()}
    left: dict[str, Any] = {}
    for name in {one.table for one in accepted}:
        if name not in made:
            raise _stranger(next(one for one in accepted if one.table == name), "there is no such table")
        rows = _places(made[name], name)
        out = []
        for one in (one for one in accepted if one.table == name):
            if one.key not in rows:
                raise _stranger(one, "there is no such row")
            if not one.column:
                out.append(one.key)
                continue
            place = rows[one.key]
            now = _text(made[name].at[place, one.column])
            if now != one.before:
                raise _stranger(one, f"{one.column} holds {now!r}")
            made[name].at[place, one.column] = _typed(one.after, name, one.column)
        if out:
            gone = made[name].index.isin([rows[key] for key in out])
            left[name] = made[name][gone]
            made[name] = made[name][~gone]
    return Made(tables=made, left_out=left, changes=tuple(accepted))


def undo(made: Made) -> dict[str, pd.DataFrame]:
    """Take all changes back: return the tables as they were before.

    Parameters
    ----------
    made : Made
    """
    import pandas as pd

    tables = {name: frame.copy() for name, frame in made.tables.items()}
    for name, rows in made.left_out.items():
        tables[name] = pd.concat([tables[name], rows]).sort_index()
    for one in reversed(made.changes):
        if one.column:
            place = _places(tables[one.table], one.table)[one.key]
            tables[one.table].at[place, one.column] = _typed(one.before, one.table, one.column)
    return tables


def _places(frame: pd.DataFrame, table: str) -> dict[str, Any]:
    return dict(zip(frame[key_of(table)].astype("str"), frame.index, strict=True))


def _text(value: Any) -> str:
    import pandas as pd

    return "" if pd.isna(value) else str(value)


def _typed(text: str, table: str, column: str) -> Any:
    import pandas as pd

    kind = kind_of(table, column) if any(one.name == column for one in TABLES[table]) else "text"
    if not text:
        return (
            pd.NaT if kind == "datetime" else float("nan") if kind in ("amount", "number", "share") else None
        )
    if kind == "datetime":
        return pd.Timestamp(text)
    return float(text) if kind in ("amount", "number", "share") else text


def _stranger(one: Change, found: str) -> ParameterError:
    return ParameterError(
        f"change {one.id} ({one.table}, {one.key}): {found}",
        expected="changes that were proposed for these data",
        hint="propose them again with funnelnb clean DATA",
    )


# ---- one file of changes ------------------------------------------------------------------------------------


def write_changes(changes: Sequence[Change], path: Path) -> None:
    """Write all changes into one CSV file, in whose column ``accept`` a person writes yes or no."""
    import csv
    import io

    stream = io.StringIO()
    out = csv.writer(stream)
    out.writerow(FIELDS)
    for one in changes:
        row = [getattr(one, name) for name in FIELDS[:-1]]
        out.writerow([*map(_harmless, row), "yes" if one.accept else "no"])
    part = path.with_name(f".funnelnb-{path.name}.tmp")
    part.write_text(stream.getvalue(), encoding="utf-8-sig", newline="")
    part.replace(path)


def _harmless(value: Any) -> Any:
    """Return a text that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t") else value


def _as_written(text: str) -> str:
    return text[1:] if text[:1] == "'" and text[1:2] in ("=", "+", "-", "@", "\t") else text


def read_changes(path: Path) -> list[Change]:
    """Return the changes of a file, accepted as it says.

    Raises
    ------
    ParameterError
        It is no file of changes, or ``accept`` holds something else than yes and no.
    """
    import csv

    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ParameterError(
            f"{path} cannot be read: {getattr(error, 'strerror', None) or 'it is no CSV in UTF-8'}",
            expected="the file of changes that funnelnb clean wrote",
            hint="check the path; funnelnb clean DATA writes the file anew",
        ) from None
    if not rows or set(FIELDS) - set(rows[0]):
        raise ParameterError(
            f"{path.name} is no file of changes", expected="the columns " + ", ".join(FIELDS)
        )
    found = []
    for number, row in enumerate(rows, start=2):
        answer = _ANSWERS.get((row["accept"] or "").strip().casefold())
        if answer is None:
            raise ParameterError(
                f"{path.name}, row {number}: accept = {row['accept']!r}", expected="yes or no"
            )
        texts = {name: _as_written(row[name] or "") for name in FIELDS[:8]}
        found.append(Change(**texts, likeness=float(row["likeness"] or 100), accept=answer))
    return found


_ANSWERS = {
    **dict.fromkeys(("yes", "y", "1", "true", "是"), True),
    **dict.fromkeys(("no", "n", "0", "false", "否", ""), False),
}


def answered(changes: Iterable[Change], *, accept: bool) -> list[Change]:
    """Return all changes accepted, or all refused."""
    return [replace(one, accept=accept) for one in changes]
