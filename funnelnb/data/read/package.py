"""What stands in an .xlsx sheet that a reader of its values does not tell: errors, formulas without values, its extent.

The XML is passed over in chunks and searched for fixed patterns; it is never parsed, so that nothing in it can grow.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import zipfile
    from collections.abc import Iterator

CHUNK = 1 << 22
OVERLAP = 4096
_ROW = re.compile(rb'<row [^>]*?\br="(\d{1,9})"')
_CELL = re.compile(rb'<c [^>]*?\br="([A-Z]{1,4})(\d{1,9})"')
_WIDE_CELL = re.compile(rb'r="([A-Z]{3,4})\d')
_NO_VALUE = re.compile(rb"<f\b[^>]*(?:/>|>[^<]*</f>)\s*(?:<v\s*/>|<v></v>)?\s*</c>")
_ERROR = re.compile(rb'<c [^>]*?\bt="e"')
_NO_NUMBER = re.compile(rb"<v>(?![-+0-9.eE\s]+</v>)")


@dataclass(slots=True, kw_only=True)
class Inside:
    """What a pass over the XML of a sheet found.

    Attributes
    ----------
    rows_n, columns_n : int
        The last row and the last column that a cell stands in.
    errors, without_value, unreadable : list of str
        Cells such as ``"B3"``: errors, formulas whose value was never stored, numbers that are none.
    """

    rows_n: int
    columns_n: int
    errors: list[str]
    without_value: list[str]
    unreadable: list[str]

    @property
    def cells_n(self) -> int:
        """Cells from the first corner of the sheet to the last one."""
        return self.rows_n * self.columns_n


def sheet_paths(archive: zipfile.ZipFile) -> dict[str, str]:
    """In which file of an .xlsx does each sheet lie?"""
    try:
        book = archive.read("xl/workbook.xml").decode("utf-8", "replace")
        links = archive.read("xl/_rels/workbook.xml.rels").decode("utf-8", "replace")
    except KeyError:
        return {}
    targets = {}
    for tag in re.findall(r"<(?:\w+:)?Relationship\b[^>]*>", links):
        known = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        target = known.get("Target", "")
        targets[known.get("Id", "")] = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    found = {}
    for tag in re.findall(r"<(?:\w+:)?sheet\b[^>]*>", book):
        name = re.search(r'\bname="([^"]*)"', tag)
        link = re.search(r'\br:id="([^"]*)"', tag)
        if name and link and targets.get(link[1]) in archive.namelist():
            found[html.unescape(name[1])] = targets[link[1]]
    return found


def look_inside(archive: zipfile.ZipFile, name: str) -> Inside:
    """What stands in the XML of one sheet?

    Parameters
    ----------
    archive : ZipFile
    name : str
        File in the archive.

    Returns
    -------
    Inside
    """
    found = Inside(rows_n=0, columns_n=0, errors=[], without_value=[], unreadable=[])
    for chunk in _chunks(archive, name):
        rows = [int(one) for one in _ROW.findall(chunk)]
        found.rows_n = max([found.rows_n, *rows])
        if found.rows_n * 702 > 1_000_000 or _WIDE_CELL.search(chunk):
            places = set(_CELL.findall(chunk))
            found.columns_n = max([found.columns_n, *(_number(column) for column, _ in places)])
            found.rows_n = max([found.rows_n, *(int(row) for _, row in places)])
        found.errors += _names(chunk, _ERROR)
        if b"<f" in chunk:
            found.without_value += _names(chunk, _NO_VALUE)
        found.unreadable += _unreadable(chunk)
    found.columns_n = found.columns_n or 702
    for cells in (found.errors, found.without_value, found.unreadable):
        cells[:] = dict.fromkeys(cells)
    return found


def _chunks(archive: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    """Yield the XML in chunks that overlap, so that no cell is cut in all of them."""
    with archive.open(name) as stream:
        before = b""
        while chunk := stream.read(CHUNK):
            yield before + chunk
            before = chunk[-OVERLAP:]


def _number(column: bytes) -> int:
    """Return the number of a column: 1 for A, 27 for AA."""
    total = 0
    for letter in column:
        total = total * 26 + letter - 64
    return total


def _cell_before(chunk: bytes, place: int) -> tuple[str, bytes]:
    """Return the name and the tag of the cell that a place lies in."""
    start = chunk.rfind(b"<c ", 0, place + 3)
    tag = chunk[start : chunk.find(b">", start) + 1] if start >= 0 else b""
    name = re.search(rb'\br="([A-Z]+\d+)"', tag)
    return (name[1].decode() if name else "?"), tag


def _names(chunk: bytes, pattern: re.Pattern[bytes]) -> list[str]:
    return [_cell_before(chunk, one.start())[0] for one in pattern.finditer(chunk)]


def _unreadable(chunk: bytes) -> list[str]:
    """Return the cells that say they hold a number and do not."""
    found = []
    for one in _NO_NUMBER.finditer(chunk):
        name, tag = _cell_before(chunk, one.start())
        kind = re.search(rb'\bt="(\w+)"', tag)
        if tag and (kind is None or kind[1] in (b"n", b"s", b"b")) and chunk.find(b"</v>", one.start()) > 0:
            found.append(name)
    return [name for name in found if name != "?"]
