"""XML as exports: process logs (XES), Excel's XML workbooks, and files of records.

Nothing outside the file is looked at.

A document that declares a type or entities is refused: they are what XML attacks are made of, and no export needs them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from xml.parsers import expat

from funnelnb.core.errors import SourceError
from funnelnb.data.read.raw import Raw, drop_empty, unique_names
from funnelnb.data.read.sheet import raw_of_rows

if TYPE_CHECKING:
    from pathlib import Path

    from funnelnb.data.contract.limits import Limits
    from funnelnb.data.contract.settings import TableSettings

_EXPECTED = "a process log (XES), an XML workbook, or a list of records of one kind"
CHUNK = 1 << 24
"""Bytes given to the parser at a time: it begins a tag that does not end in them anew with each of the next."""

_VALUES = ("string", "date", "float", "int", "boolean", "id")
"""Kinds of attributes of an XES log."""


@dataclass(slots=True)
class _Node:
    """One element: its name without the name space, its attributes, its text, and what stands in it."""

    name: str
    attributes: dict[str, str]
    text: list[str] = field(default_factory=list)
    inside: list[_Node] = field(default_factory=list)

    @property
    def content(self) -> str:
        return " ".join("".join(self.text).split())


def read_xml(path: Path, settings: TableSettings) -> Raw:
    """What does an XML file hold?

    Parameters
    ----------
    path : Path
    settings : TableSettings

    Returns
    -------
    Raw
        Of a log one row per event, its trace's attributes with ``case:`` in front; of a workbook the first sheet with
        records; else one row per record, records within records as columns such as ``owner.name``.

    Raises
    ------
    SourceError
        It is no XML, declares entities, or holds no list of records.
    """
    root = _parsed(path, settings.limits)
    if root.name == "log":
        return _framed(path.name, [*_events(root)], settings.limits)
    if root.name == "Workbook":
        return _workbook(root, path.name, settings)
    records = _records(root)
    if not records:
        raise SourceError(
            f"{path.name} holds no list of records", expected=_EXPECTED, hint="export it as CSV"
        )
    return _framed(path.name, [dict(_flattened(one, "")) for one in records], settings.limits)


def _parsed(path: Path, limits: Limits) -> _Node:
    """Return the outermost element of a file."""
    parser = expat.ParserCreate(namespace_separator=None)
    parser.buffer_text = True
    top = _Node("", {})
    open_: list[_Node] = [top]

    def refuse(*_: object) -> None:
        raise SourceError(
            f"{path.name} declares a document type or entities", expected="XML without declarations",
            hint="export it as CSV or Excel",
        )  # fmt: skip

    def start(name: str, attributes: dict[str, str]) -> None:
        node = _Node(name.rpartition(":")[2], attributes)
        open_[-1].inside.append(node)
        open_.append(node)
        limits.refuse("json_depth", len(open_), path.name)
        limits.refuse("columns", len(attributes), path.name)

    def end(_: str) -> None:
        open_.pop()

    def inside(text: str) -> None:
        open_[-1].text.append(text)

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = inside
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(CHUNK):
                parser.Parse(chunk, False)
            parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise SourceError(
            f"{path.name} is not whole XML ({error})", expected=_EXPECTED, hint="export it again"
        ) from None
    return top.inside[0]


def _events(log: _Node) -> list[dict[str, str]]:
    """Return the events of a process log, each with what is said of its trace."""
    rows = []
    for trace in (one for one in log.inside if one.name == "trace"):
        case = {f"case:{key}": value for key, value in _said(trace)}
        rows += [{**case, **dict(_said(event))} for event in trace.inside if event.name == "event"]
    return rows


def _said(node: _Node) -> list[tuple[str, str]]:
    return [
        (one.attributes.get("key", ""), one.attributes.get("value", ""))
        for one in node.inside
        if one.name in _VALUES
    ]


def _workbook(root: _Node, file: str, settings: TableSettings) -> Raw:
    """Read the largest sheet of a workbook in Excel's XML of 2003."""
    sheets = [one for one in root.inside if one.name == "Worksheet"]
    tables = [
        _rows(inner, settings.limits, file) for one in sheets for inner in one.inside if inner.name == "Table"
    ]
    rows = max(tables, key=lambda one: sum(map(len, one)), default=[])
    if not any(rows):
        raise SourceError(f"{file} is empty", expected="a header and records", hint="export it again")
    return raw_of_rows(rows, file, settings)


def _rows(table: _Node, limits: Limits, file: str) -> list[list[str]]:
    found: list[list[str]] = []
    for row in (one for one in table.inside if one.name == "Row"):
        cells: list[str] = []
        for cell in (one for one in row.inside if one.name == "Cell"):
            at = next((value for name, value in cell.attributes.items() if name.endswith("Index")), "")
            if at.isdigit():
                limits.refuse("columns", int(at), file)
                cells += [""] * (int(at) - 1 - len(cells))
            cells.append(next((one.content for one in cell.inside if one.name == "Data"), ""))
        found.append(cells)
    return found


def _records(root: _Node) -> list[_Node]:
    """Return the longest run of elements of one name with elements or attributes in them, in the first levels."""
    level, best = [root], list[_Node]()
    for _ in range(4):
        for one in level:
            names: dict[str, list[_Node]] = {}
            for inner in one.inside:
                if inner.inside or inner.attributes:
                    names.setdefault(inner.name, []).append(inner)
            longest = max(names.values(), key=len, default=[])
            best = longest if len(longest) > max(len(best), 1) else best
        if best:
            return best
        level = [inner for one in level for inner in one.inside]
    return best


def _flattened(node: _Node, prefix: str) -> list[tuple[str, str]]:
    """Return name and text of everything in a record."""
    found = [(f"{prefix}{name.rpartition(':')[2]}", value) for name, value in node.attributes.items()]
    for one in node.inside:
        name = one.attributes.get("name", one.name) if not one.inside else one.name
        if one.inside:
            found += _flattened(one, f"{prefix}{name}.")
        else:
            found.append((f"{prefix}{name}", one.content))
    return found


def _framed(file: str, rows: list[dict[str, str]], limits: Limits) -> Raw:
    import pandas as pd

    names = list(dict.fromkeys(name for one in rows for name in one))
    limits.refuse("columns", len(names), file)
    limits.refuse("cells", len(names) * len(rows), file)
    columns = [pd.array([one.get(name, "") for one in rows], dtype="str") for name in names]
    frame = pd.DataFrame(dict(enumerate(columns)))
    frame.columns = pd.Index(unique_names(names))
    frame.index = pd.RangeIndex(2, 2 + len(frame))
    return drop_empty(Raw(file=file, frame=frame))
