"""A table as finished text, and how it is written as plain text, Markdown or HTML."""

from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from funnelnb.show.text.words import isolated

if TYPE_CHECKING:
    from collections.abc import Sequence


HEAD_WIDTH = 12
"""Column heads in plain text are broken into lines of about this width unless the cells are wider."""
PROSE_WIDTH = 24
"""A column of sentences is not made narrower than this to fit a terminal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Head of a column.

    Attributes
    ----------
    label, definition : str
    numeric : bool
        Whether the cells stand at the right.
    """

    label: str
    definition: str
    numeric: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GridRow:
    """One row of finished cells; `strong` marks a total."""

    cells: tuple[str, ...]
    strong: bool = False
    lists: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A table as finished text in one language.

    Attributes
    ----------
    caption : str
    heads : tuple of Head
    rows : tuple of GridRow
    stub : int
        How many of the first columns name the row.
    lang : str
    """

    caption: str
    heads: tuple[Head, ...]
    rows: tuple[GridRow, ...]
    stub: int
    lang: str


def width(text: str) -> int:
    """Return how many terminal columns `text` takes: two for a Chinese character, none for an accent."""
    if text.isascii():
        return len(text)
    total = 0
    for char in text:
        if unicodedata.combining(char):
            continue
        total += 2 if _wide(char) else 1
    return total


def to_text(grid: Grid, most: int | None = None) -> str:
    """Return the grid as aligned plain text; right also where Chinese characters stand in it.

    With `most`, in terminal columns, the widest column that holds words is broken into lines where the table
    would be wider.
    """
    cells = [[_plain(cell) for cell in row.cells] for row in _quiet(grid)]
    heads, sizes = _sized(grid, cells)
    if most is not None:
        cells = _fitted(grid, cells, sizes, most)
        heads, sizes = _sized(grid, cells)
    depth = max((len(lines) for lines in heads), default=0)
    numeric = [head.numeric for head in grid.heads]
    lines = [grid.caption]
    for level in range(depth):
        row = [part[level - depth] if level - depth >= -len(part) else "" for part in heads]
        lines.append(_line(row, sizes, numeric))
    lines.append("  ".join("-" * size for size in sizes))
    lines += [_line(row, sizes, numeric) for row in cells]
    return "\n".join(lines)


def _sized(grid: Grid, cells: list[list[str]]) -> tuple[list[list[str]], list[int]]:
    """Return the lines of the heads, and how wide each column is."""
    body = [max((width(row[k]) for row in cells), default=0) for k in range(len(grid.heads))]
    heads = [
        wrap(_plain(head.label), max(HEAD_WIDTH, size)) for head, size in zip(grid.heads, body, strict=True)
    ]
    sizes = [max(size, *(width(line) for line in lines)) for size, lines in zip(body, heads, strict=True)]
    return heads, sizes


def _fitted(grid: Grid, cells: list[list[str]], sizes: list[int], most: int) -> list[list[str]]:
    """Return the cells with the widest column of words broken so that all fit into `most` columns."""
    words = [k for k, head in enumerate(grid.heads) if not head.numeric]
    over = sum(sizes) + 2 * (len(sizes) - 1) - most
    if over <= 0 or not words:
        return cells
    widest = max(words, key=lambda k: sizes[k])
    lines = []
    for row in cells:
        for number, piece in enumerate(wrap(row[widest], max(sizes[widest] - over, PROSE_WIDTH))):
            lines.append([piece if k == widest else "" if number else cell for k, cell in enumerate(row)])
    return lines


def hanging(text: str, indent: str, most: int | None) -> str:
    """Return a sentence broken to `most` columns, lines after the first behind `indent`; None: as it is."""
    if most is None:
        return text
    return f"\n{indent}".join(wrap(text, max(most - width(indent), PROSE_WIDTH)))


def _line(row: Sequence[str], sizes: Sequence[int], numeric: Sequence[bool]) -> str:
    parts = []
    for cell, size, right in zip(row, sizes, numeric, strict=True):
        gap = " " * (size - width(cell))
        parts.append(gap + cell if right else cell + gap)
    return "  ".join(parts).rstrip()


def _plain(text: str) -> str:
    """Return text that cannot break a line or hide: control and direction characters become spaces."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(" " if unicodedata.category(char) in ("Cc", "Cf") else char for char in text)


def _quiet(grid: Grid) -> list[GridRow]:
    """Return the rows with a repeated first cell left blank, where two columns name the row."""
    if grid.stub < 2:
        return list(grid.rows)
    rows, last = [], None
    for row in grid.rows:
        first = row.cells[0]
        rows.append(row if first != last else GridRow(cells=("", *row.cells[1:]), strong=row.strong))
        last = first
    return rows


def wrap(text: str, size: int) -> list[str]:
    """Break `text` into lines of at most `size` columns: at spaces, and between Chinese characters."""
    lines, line = [], ""
    for piece in pieces(text):
        if line and width(line + piece.rstrip()) > size:
            lines.append(line.rstrip())
            line = ""
        line += piece
    return [*lines, line.rstrip()] if line.strip() or not lines else lines


_NO_START = "，。；：、）》”’！？%,.;:)!?–"
_NO_END = "（《“‘("


def pieces(text: str) -> list[str]:
    """Split where a line may break: after spaces and beside wide characters, never before closing marks."""
    pieces: list[str] = []
    for char in text:
        last = pieces[-1][-1] if pieces else " "
        glued = char in _NO_START or last in _NO_END or char == " "
        inside = last != " " and not _wide(last) and not _wide(char)
        if pieces and (glued or inside):
            pieces[-1] += char
        else:
            pieces.append(char)
    return pieces


def _wide(char: str) -> bool:
    return unicodedata.east_asian_width(char) in "WF"


_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~&!$])")


def markdown_escape(text: str) -> str:
    """Return `text` so that Markdown, HTML in Markdown and formulas show it as it is."""
    return _MARKDOWN.sub(lambda found: f"&#{ord(found.group(1))};", _plain(text))


def to_markdown(grid: Grid) -> str:
    """Return the grid as a Markdown table."""
    lines = [f"**{markdown_escape(grid.caption)}**", ""] if grid.caption else []
    lines.append("| " + " | ".join(markdown_escape(head.label) for head in grid.heads) + " |")
    lines.append("|" + "|".join("---:" if head.numeric else ":---" for head in grid.heads) + "|")
    for row in grid.rows:
        cells = [markdown_escape(cell) for cell in row.cells]
        if row.strong:
            cells = [f"**{cell}**" if cell else cell for cell in cells]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def to_html(grid: Grid) -> str:
    """Return the grid as an HTML table: escaped, without ids, with caption and scopes for screen readers."""
    parts = ["<table>", f"<caption>{escape(grid.caption)}</caption>", "<thead><tr>"]
    for head in grid.heads:
        kind = ' class="num"' if head.numeric else ""
        parts.append(
            f'<th scope="col"{kind} title="{escape_plain(head.definition)}">{escape(head.label)}</th>'
        )
    parts.append("</tr></thead>")
    parts += [f"<tbody>{''.join(block)}</tbody>" for block in _blocks(grid)]
    parts.append("</table>")
    return "\n".join(parts)


def _blocks(grid: Grid) -> list[list[str]]:
    """Return the rows as HTML, one list for each run of rows with the same first cell."""
    runs: list[list[GridRow]] = []
    for row in grid.rows:
        if grid.stub > 1 and runs and runs[-1][0].cells[0] == row.cells[0]:
            runs[-1].append(row)
        elif grid.stub > 1 or not runs:
            runs.append([row])
        else:
            runs[-1].append(row)
    return [[_html_row(grid, row, rank, len(run)) for rank, row in enumerate(run)] for run in runs]


def _html_row(grid: Grid, row: GridRow, rank: int, run_length: int) -> str:
    cells = []
    for place, (cell, head) in enumerate(zip(row.cells, grid.heads, strict=True)):
        kind = ' class="num"' if head.numeric else ""
        if place == 0 and grid.stub > 1:
            if rank == 0:
                span = f' rowspan="{run_length}"' if run_length > 1 else ""
                cells.append(f'<th scope="rowgroup"{span}{kind}>{escape(cell)}</th>')
        elif place < grid.stub:
            cells.append(f'<th scope="row"{kind}>{escape(cell)}</th>')
        else:
            named = row.lists[place] if row.lists else ""
            inside = f'<a href="#{escape_plain(named)}">{escape(cell)}</a>' if named else escape(cell)
            cells.append(f"<td{kind}>{inside}</td>")
    kind = ' class="strong"' if row.strong else ""
    return f"<tr{kind}>{''.join(cells)}</tr>"


def escape(text: str) -> str:
    """Return `text` for HTML: escaped, on one line, no number parted from its percent sign or set before a name."""
    return isolated(escape_plain(text).replace(" %", "&nbsp;%"))


def escape_plain(text: str) -> str:
    """Return `text` for where no mark-up may stand: an attribute, the title of a window."""
    return html.escape(_plain(text))
