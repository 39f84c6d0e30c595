"""HTML pages as exports: many systems write a table of HTML and call it .xls. The largest table of the page is read."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

from funnelnb.core.errors import SourceError
from funnelnb.core.note import Note
from funnelnb.data.read.sheet import raw_of_rows
from funnelnb.data.read.text import detect_encoding

if TYPE_CHECKING:
    from pathlib import Path

    from funnelnb.data.contract.limits import Limits
    from funnelnb.data.contract.settings import TableSettings
    from funnelnb.data.read.raw import Raw

_CHARSET = re.compile(rb"charset\s*=\s*[\"']?([\w-]+)", re.IGNORECASE)
_CONDITION = re.compile(r"<!\[(?!CDATA\[)[^]<>]*+(?:\]>)?+")
"""Marks such as ``<![if …]>`` that Excel and Word put into pages."""

_SPAN_MOST = 1000
"""A cell over more columns than this is no cell."""


def read_html(path: Path, settings: TableSettings) -> Raw:
    """What does the largest table of an HTML page hold?

    Parameters
    ----------
    path : Path
    settings : TableSettings

    Returns
    -------
    Raw
        Text only: scripts, styles and links are not looked at. A cell over several columns stands in the first of them.

    Raises
    ------
    SourceError
        The page has no table of two columns and two rows.
    """
    data = path.read_bytes()
    named = _CHARSET.search(data[:4096])
    encoding = settings.encoding or detect_encoding(path, data[:4096])
    if named and encoding not in ("utf-8", "utf-8-sig", "utf-16") and not settings.encoding:
        encoding = named.group(1).decode("ascii")
    try:
        text = data.decode(encoding, "replace")
    except LookupError:
        text = data.decode("utf-8", "replace")
    parser = _Tables(path.name, settings.limits)
    parser.feed(_closed(text))
    parser.close()
    tables = [one for one in parser.tables if len(one) > 1 and max(map(len, one)) > 1]
    if not tables:
        raise SourceError(
            f"{path.name} is a web page (HTML or XML), not a table of text",
            expected="a text file with one header row and one row per record (CSV, TSV)",
            hint="open it in a spreadsheet and save it as CSV or .xlsx",
        )
    best = max(tables, key=lambda rows: sum(map(len, rows)))
    raw = raw_of_rows(best, path.name, settings)
    raw.notes.insert(0, Note("table_of_a_page", {"file": path.name, "n": len(tables)}))
    return raw


def _closed(text: str) -> str:
    """Return a page whose every mark ends: the end of one that never does would be looked for again from each like it.

    Examples
    --------
    >>> _closed("<td>1<!-- a --><!-- b<br")
    '<td>1<!-- a -->&lt;!-- b&lt;br'
    """
    text = _CONDITION.sub("", text)
    for opening, ending in (("<![CDATA[", "]]>"), ("<!--", "-->"), ("<", ">")):
        stop = text.rfind(ending) + len(ending) if ending in text else 0
        text = text[:stop] + text[stop:].replace(opening, "&lt;" + opening[1:])
    return text


class _Tables(HTMLParser):
    """Collects the rows of every table; tables within a cell are tables of their own."""

    def __init__(self, file: str, limits: Limits) -> None:
        super().__init__(convert_charrefs=True)
        self.file, self.limits = file, limits
        self.tables: list[list[list[str]]] = []
        self._open: list[list[list[str]]] = []
        self._cell: list[str] | None = None
        self._span = 1
        self._cells_n = 0
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "style"):
            self._silent += 1
        elif tag == "table":
            self._end_cell()
            self._open.append([])
            self.tables.append(self._open[-1])
        elif tag == "tr" and self._open:
            self._end_cell()
            self._open[-1].append([])
        elif tag in ("td", "th") and self._open:
            self._end_cell()
            if not self._open[-1]:
                self._open[-1].append([])
            span = dict(attrs).get("colspan") or "1"
            self._span = min(int(span), _SPAN_MOST) if span.isdigit() else 1
            self._cell = []
        elif tag == "br" and self._cell is not None:
            self._cell.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._silent = max(self._silent - 1, 0)
        elif tag in ("td", "th", "tr"):
            self._end_cell()
        elif tag == "table" and self._open:
            self._end_cell()
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._cell is not None and not self._silent:
            self._cell.append(data)

    def close(self) -> None:
        super().close()
        self._end_cell()

    def _end_cell(self) -> None:
        if self._cell is None or not self._open or not self._open[-1]:
            self._cell = None
            return
        row = self._open[-1][-1]
        row.append(" ".join("".join(self._cell).split()))
        self._cells_n += max(self._span, 1)
        self.limits.refuse("cells", self._cells_n, self.file)
        row += [""] * (max(self._span, 1) - 1)
        self.limits.refuse("columns", len(row), self.file)
        self._cell, self._span = None, 1
