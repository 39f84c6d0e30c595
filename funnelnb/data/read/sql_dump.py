"""SQL dumps: the rows that INSERT and COPY write, read as text. Nothing is ever executed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from funnelnb.core.errors import SourceError, nearest
from funnelnb.core.note import Note
from funnelnb.data.read.raw import Raw, drop_empty, unique_names
from funnelnb.data.read.text import detect_encoding

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from funnelnb.data.contract.limits import Limits
    from funnelnb.data.contract.settings import TableSettings

_PART = r"(?:`[^`\n]{1,200}+`|\"[^\"\n]{1,200}+\"|\[[^\]\n]{1,200}+\]|[\w$]++)"
_NAME = rf"{_PART}(?:\s*+\.\s*+{_PART}){{0,2}}"
_STATEMENTS = (
    rf"(?P<insert>\b(?:INSERT|REPLACE)\s++(?:IGNORE\s++)?(?:INTO\s++)?(?P<into>{_NAME})\s*+(?P<columns>\([^()]*+\))?+\s*+VALUES\s*+)"
    rf"|(?P<create>\bCREATE\s++TABLE\s++(?:IF\s++NOT\s++EXISTS\s++)?(?P<created>{_NAME})\s*+\()"
    rf"|(?P<copy>\bCOPY\s++(?P<copied>{_NAME})\s*+(?P<fields>\([^()]*+\))?+\s++FROM\s++stdin\b[^;\n]*+;\r?\n)"
    r"|(?P<skip>--[^\n]*+"
)
_START = re.compile(
    rf"{_STATEMENTS}|/\*.*?\*/|'[^'\\]*+(?:(?:\\.|'')[^'\\]*+)*')|(?P<open>'|/\*)", re.IGNORECASE | re.DOTALL
)
_NO_TEXTS = re.compile(rf"{_STATEMENTS})|(?P<open>(?!))", re.IGNORECASE | re.DOTALL)
"""The same behind a text or comment that never ends: none after it does, and nobody looks for the ends again."""

_TOKEN = re.compile(
    r"\s++|(?P<open>\()|(?P<close>\))|(?P<comma>,)|(?P<end>;)"
    r"|(?:[EN]|_\w++\s*+)?'(?P<text>[^'\\]*+(?:(?:\\(?:.|\Z)|'')[^'\\]*+)*)(?:'|\Z)"
    r"|\"(?P<quoted>[^\"\\]*+(?:(?:\\(?:.|\Z)|\"\")[^\"\\]*+)*)(?:\"|\Z)"
    r"|(?P<word>[^\s(),;'\"]++)|(?P<other>.)",
    re.DOTALL,
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "", "Z": "", "b": ""}
_ESCAPED = re.compile(r"\\(.)|''|\"\"", re.DOTALL)
_KEYS = re.compile(
    r"^(?:primary|unique|foreign|key|index|constraint|check|fulltext|spatial|exclude|period|like)\b",
    re.IGNORECASE,
)


@dataclass(slots=True)
class _Table:
    """Columns and rows of one table of a dump."""

    columns: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    ragged_n: int = 0


def dump_tables(path: Path, limits: Limits) -> list[str]:
    """Return the names of the tables that a dump has rows for."""
    return [name for name, one in _tables(path, limits).items() if one.rows]


def read_dump(path: Path, settings: TableSettings) -> Raw:
    """What does one table of an SQL dump hold?

    Parameters
    ----------
    path : Path
    settings : TableSettings
        `sheet` names the table; else the one with the most rows is read.

    Returns
    -------
    Raw
        Values as text; NULL is blank.

    Raises
    ------
    SourceError
        The dump holds no rows, or no such table.
    """
    import pandas as pd

    tables = {name: one for name, one in _tables(path, settings.limits).items() if one.rows}
    if not tables or (settings.sheet and settings.sheet not in tables):
        raise SourceError(
            f"{path.name} holds no rows of a table {settings.sheet}".rstrip(),
            expected="one of " + ", ".join(tables) if tables else "INSERT or COPY with rows",
            hint=nearest(settings.sheet, list(tables)) if tables else "dump the tables with their data",
        )
    name = settings.sheet or max(tables, key=lambda one: len(tables[one].rows))
    found = tables[name]
    names = unique_names(found.columns)
    settings.limits.refuse("columns", len(names), path.name)
    settings.limits.refuse("cells", len(names) * len(found.rows), path.name)
    columns = {
        name: pd.array([row[place] if place < len(row) else "" for row in found.rows], dtype="str")
        for place, name in enumerate(names)
    }  # a column that only later rows name is blank before
    frame = pd.DataFrame(columns)
    frame.index = pd.RangeIndex(1, 1 + len(frame))
    file = f"{path.name}!{name}" if len(tables) > 1 else path.name
    notes = [Note("dump_rows_uneven", {"file": file, "n": found.ragged_n})] if found.ragged_n else []
    return drop_empty(Raw(file=file, frame=frame, notes=notes))


def _tables(path: Path, limits: Limits) -> dict[str, _Table]:
    with path.open("rb") as stream:
        head = stream.read(1 << 16)
    text = path.read_text(encoding=detect_encoding(path, head), errors="replace")
    tables: dict[str, _Table] = {}
    place, start = 0, _START
    while found := start.search(text, place):
        place = found.end()
        if found["open"]:
            start = _NO_TEXTS
        elif found["insert"]:
            table = tables.setdefault(_bare(found["into"]), _Table())
            names = _listed(found["columns"])
            rows, place, whole = _values(text, place)
            table.ragged_n += not whole
            _take(table, names, rows, limits, path.name)
        elif found["create"]:
            names, place = _created(text, place)
            tables.setdefault(_bare(found["created"]), _Table()).columns = names
        elif found["copy"]:
            table = tables.setdefault(_bare(found["copied"]), _Table())
            end = re.compile(r"^\\\.\s*$", re.MULTILINE).search(text, place)
            stop = end.start() if end else len(text)
            _take(table, _listed(found["fields"]), _copied(text[place:stop]), limits, path.name)
            place = end.end() if end else len(text)
    return tables


def _take(table: _Table, names: list[str], rows: list[list[str]], limits: Limits, file: str) -> None:
    """Add rows under the columns of the table; a row of another width is left out and counted."""
    if names and not table.columns:
        table.columns = names
    if rows and not table.columns:
        table.columns = [f"column {k}" for k in range(1, len(rows[0]) + 1)]
    order = [table.columns.index(one) if one in table.columns else -1 for one in names]
    if -1 in order:
        new = [one for one in names if one not in table.columns]
        table.columns = [*table.columns, *new]
        order = [table.columns.index(one) for one in names]
    limits.refuse("columns", len(table.columns), file)
    width = len(order) or len(table.columns)
    for row in rows:
        if len(row) != width:
            table.ragged_n += 1
        elif order:
            whole = [""] * len(table.columns)
            for at, cell in zip(order, row, strict=True):
                whole[at] = cell
            table.rows.append(whole)
        else:
            table.rows.append(row)


def _bare(name: str) -> str:
    """Return a name without schema and quotation marks."""
    return name.rpartition(".")[2].strip('`"[] \t\r\n')


def _listed(columns: str | None) -> list[str]:
    return [_bare(one) for one in columns.strip("() \n").split(",")] if columns else []


def _created(text: str, place: int) -> tuple[list[str], int]:
    """Return the columns of a CREATE TABLE, and where it ends."""
    names, depth, start = list[str](), 1, True
    for token in _TOKEN.finditer(text, place):
        if token["open"]:
            depth += 1
        elif token["close"]:
            depth -= 1
            if not depth:
                return names, token.end()
        elif token["comma"] and depth == 1:
            start = True
        elif start and depth == 1 and (word := token["word"] or token["quoted"]):
            if not _KEYS.match(word) or token["quoted"]:
                names.append(_bare(word if word.count("`") != 1 else _backticked(text, token.start())))
            start = False
    return names, len(text)


def _backticked(text: str, place: int) -> str:
    """Return a name in backticks that holds blanks."""
    end = text.find("`", place + 1)
    return text[place + 1 : end] if end >= 0 else text[place + 1 : place + 200]


def _values(text: str, place: int) -> tuple[list[list[str]], int, bool]:
    """Return the rows of an INSERT, where it ends, and whether its last row does; a row that is cut off is left out."""
    rows: list[list[str]] = []
    row: list[str] = []
    cell = ""
    filled, depth = False, 0
    for token in _TOKEN.finditer(text, place):
        kind = token.lastgroup
        if kind in ("open", "close"):
            depth += 1 if kind == "open" else -1
            if depth < 0:
                return rows, token.start(), True
            if depth == 0:
                rows.append([*row, cell])
                row, cell, filled = [], "", False
        elif depth == 0 and kind in ("end", "word"):  # ";" or ON DUPLICATE KEY …
            return rows, token.end() if kind == "end" else token.start(), True
        elif kind == "comma" and depth == 1:
            row.append(cell)
            cell, filled = "", False
        elif not filled and (value := _value_of(token, text, depth)) is not None:
            cell, filled = value, True
    return rows, len(text), depth == 0


def _value_of(token: re.Match[str], text: str, depth: int) -> str | None:
    """Return the value that a token is; of CAST('…' AS date) and to_date('…', '…') the first text."""
    if token.lastgroup in ("text", "quoted"):
        return _unescaped(token[token.lastgroup])
    if token.lastgroup == "word" and depth == 1 and not text.startswith("(", token.end()):
        return "" if token["word"].upper() == "NULL" else str(token["word"])
    return None


def _unescaped(text: str) -> str:
    if "\\" not in text and "''" not in text and '""' not in text:
        return text
    return _ESCAPED.sub(lambda one: _ESCAPES.get(one[1], one[1]) if one[1] else one[0][0], text)


def _copied(text: str) -> list[list[str]]:
    return [list(_fields(line)) for line in text.splitlines() if line]


def _fields(line: str) -> Iterator[str]:
    for cell in line.split("\t"):
        yield "" if cell == "\\N" else _unescaped(cell)
