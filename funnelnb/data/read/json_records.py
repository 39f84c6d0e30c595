"""JSON and JSON lines: a list of records, wherever it lies, as a table of text; nested records become columns."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from funnelnb.core.errors import SourceError, nearest
from funnelnb.data.read.json_shapes import as_plain, with_deals, with_lists, with_names
from funnelnb.data.read.raw import Raw, drop_empty, unique_names

if TYPE_CHECKING:
    from pathlib import Path

    from funnelnb.data.contract.limits import Limits

STAGE_LISTS = ("statuses", "stages")
"""How interfaces call the list of stages within a pipeline."""

LEVELS = 7
"""So deep a list of records is looked for."""

MOST_PIPELINES = 30
"""With more records than that they are no pipelines."""

LARGEST_WITH_TABLES = 100_000_000
"""Larger files, in bytes, are read as one list without looking for others."""

_EXPECTED = 'a list of records such as [{"id": 1, "stage": "won"}], or one record per line'


def json_tables(path: Path) -> list[str]:
    """Return the names of the lists of records that stand side by side in a JSON file; empty if there is only one.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "board.json"
    >>> _ = file.write_text('{"lists": [{"id": 1}, {"id": 2}], "cards": [{"id": 7}, {"id": 8}], "name": "Sales"}')
    >>> json_tables(file)
    ['lists', 'cards']
    """
    if path.stat().st_size > LARGEST_WITH_TABLES:
        return []
    with path.open("rb") as stream:
        if not stream.read(64).lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"{"):
            return []
    try:
        content = json.loads(path.read_bytes().decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return []
    found = _side_by_side(with_lists(content))
    return list(found) if len(found) > 1 else []


def _side_by_side(content: Any) -> dict[str, list[dict[str, Any]]]:
    """Return the lists of two or more records in the first level that has any, by their names."""
    level = [content] if isinstance(content, dict) else []
    for _ in range(3):
        found = {
            name: value
            for one in level
            for name, value in one.items()
            if isinstance(value, list)
            and len(value) > 1
            and all(isinstance(record, dict) for record in value)
        }
        if found:
            return found
        level = [value for one in level for value in one.values() if isinstance(value, dict)]
    return {}


def read_json(path: Path, limits: Limits, table: str = "") -> Raw:
    """What does a JSON file hold?

    Parameters
    ----------
    path : Path
    limits : Limits
    table : str
        Which of several lists; the longest if nothing is said.

    Returns
    -------
    Raw
        Numbers stay as they are written, so that no digit of an id is lost; a record within a record becomes columns
        such as ``owner.name`` (without the ``properties.`` and ``fields.`` that CRM interfaces wrap everything in); a
        list stays JSON.

    Raises
    ------
    SourceError
        It is no JSON, holds no list of records, or is nested too deeply.
    """
    import pandas as pd

    content = with_lists(_parsed(path))
    inside = _side_by_side(content) if table else {}
    if table and table not in inside:
        raise SourceError(
            f"{path.name} has no list of records called {table}",
            expected="one of " + ", ".join(inside) if inside else _EXPECTED,
            hint=nearest(table, inside),
        )
    records = with_deals(_with_statuses(inside[table] if table else _records(content, path.name)))
    shown = f"{path.name}!{table}" if table else path.name
    flat, seen = [], dict[str, None]()
    for one in as_plain(with_names(records, content)):
        flat.append(dict(_flattened(one, "", shown, limits)))
        seen.update(dict.fromkeys(flat[-1]))
        limits.refuse("columns", len(seen), shown)
    limits.refuse("cells", len(seen) * len(flat), shown)
    names = _short_names(list(seen))
    columns = {short: [one.get(name, "") for one in flat] for name, short in names.items()}
    frame = pd.DataFrame({name: pd.array(cells, dtype="str") for name, cells in columns.items()})
    frame.columns = pd.Index(unique_names(list(frame.columns)))
    frame.index = pd.RangeIndex(2, 2 + len(frame))
    return drop_empty(Raw(file=shown, frame=frame))


def _parsed(path: Path) -> Any:
    """Return the content of a JSON file, or the records of its lines."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        text = path.read_bytes().decode("utf-16", "replace")
    plain: dict[str, Any] = {"parse_int": str, "parse_float": str, "parse_constant": str}
    try:
        return json.loads(text, **plain)
    except RecursionError:
        raise SourceError(
            f"{path.name} is nested too deeply", expected=_EXPECTED, hint="export plain records"
        ) from None
    except ValueError as error:
        whole = _place(error)
    found = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            found.append(json.loads(line, **plain))
        except (ValueError, RecursionError) as error:
            told = whole if not found else _place(error, number)
            raise SourceError(
                f"{path.name} is not JSON ({told[:120]})", expected=_EXPECTED, hint="export it again"
            ) from None
    return found


def _place(error: Exception, line: int = 0) -> str:
    """Return where a text is no JSON, and why; `line`: that of a text of one record per line."""
    if not isinstance(error, json.JSONDecodeError):
        return str(error)[:80]
    return f"line {line or error.lineno}, column {error.colno}: {error.msg}"


def _records(content: Any, file: str) -> list[dict[str, Any]]:
    """Return the longest list of records in the first levels of the content; else the content, if it is a record."""
    level, best = [content], list[dict[str, Any]]()
    for _ in range(LEVELS):
        lists = [one for one in level if isinstance(one, list)]
        for one in lists:
            records = [record for record in one if isinstance(record, dict)]
            if len(records) > len(best) and len(records) == len(one):
                best = records
        if len(best) > 1:
            return best
        alone = [one[0] for one in lists if len(one) == 1]  # one board that holds the cards
        level = [inner for one in (*level, *alone) if isinstance(one, dict) for inner in one.values()]
    if best:
        return best
    if isinstance(content, dict) and content:
        return [content]
    raise SourceError(f"{file} holds no list of records", expected=_EXPECTED, hint="export records")


def _with_statuses(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the stages of pipelines one below the other, where each of a few records holds a list of its stages."""
    if not 0 < len(records) <= MOST_PIPELINES:
        return records
    rows = []
    for one in records:
        inner = one.get("_embedded", one)
        stages = next(
            (inner[name] for name in STAGE_LISTS if isinstance(inner, dict) and name in inner), None
        )
        if not isinstance(stages, list) or not stages or not all(isinstance(row, dict) for row in stages):
            return records
        outer = {
            f"pipeline_{name}": value for name, value in one.items() if not isinstance(value, dict | list)
        }
        rows += [{**row, **outer} for row in stages]
    return rows


def _flattened(record: dict[str, Any], prefix: str, file: str, limits: Limits, depth: int = 1) -> Any:
    """Yield name and text of every value of a record."""
    limits.refuse("json_depth", depth, file)
    for key, value in record.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            yield from _flattened(value, f"{name}.", file, limits, depth + 1)
        elif isinstance(value, list):
            yield name, json.dumps(value, ensure_ascii=False) if value else ""
        else:
            yield name, _text(value)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _short_names(names: list[str]) -> dict[str, str]:
    """Return the names without the wrapping that CRM interfaces put round every field, where that is unique."""
    short = {name: _unwrapped(name) for name in names}
    counts = Counter(short.values())
    return {name: one if counts[one] == 1 else name for name, one in short.items()}


_LOOKED_UP = re.compile(r"_?(\w+?)(?:id)?_value@OData\.Community\.Display\.V1\.FormattedValue")
"""How Dynamics writes the name behind a key ("_ownerid_value@…")."""


def _unwrapped(name: str) -> str:
    found = _LOOKED_UP.fullmatch(name)
    if found:
        return found[1]
    return name.removeprefix("_airbyte_data.").removeprefix("properties.").removeprefix("fields.")
