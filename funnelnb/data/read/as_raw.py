"""A delimited text that was read becomes a raw table, and everything that was guessed or put right is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from funnelnb.core.errors import SourceError
from funnelnb.core.note import Note
from funnelnb.data.contract.whole import all_of, any_of, over_all
from funnelnb.data.read.raw import Lines, Raw, drop_empty, unique_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from funnelnb.data.contract.settings import TableSettings
    from funnelnb.data.contract.whole import Whole
    from funnelnb.data.read.delimited import Delimited
    from funnelnb.data.read.header import Layout

LOOKED_AT = 1000
"""Cells that were too narrow are looked for in a column where one of so many first ones is."""

SHOWN = 60
"""Texts are shortened to this many characters in notes."""


def as_raw(found: Delimited, file: str, settings: TableSettings) -> Raw:
    """What does a delimited text hold, as a raw table with notes?

    Parameters
    ----------
    found : Delimited
    file : str
        How messages call it.
    settings : TableSettings

    Returns
    -------
    Raw

    Raises
    ------
    SourceError
        If a line of the file is not accounted for.
    """
    raw, read_n = as_frame(found, file)
    narrow, raw.notes = raw.notes, []
    raw.lines = account(found, read_n, len(raw.frame))
    refuse_lost_lines(raw.lines, file)
    raw.notes = [*notes(found, file, settings), *narrow]
    return raw


def refuse_lost_lines(lines: Lines, file: str) -> None:
    """Raise SourceError if a line of the file is not accounted for."""
    if not lines.balanced:
        raise SourceError(
            f"{file}: {lines.lines_n:,} lines, but not every one of them was read as a row",
            expected="every line to be a row, part of a row, or reported",
            hint="export the file again, or send it to us: this should not happen",
        )


def as_frame(
    found: Delimited, file: str, *, whole: Whole | None = None, before_n: int = 0
) -> tuple[Raw, int]:
    """Return the records of a text, or of a part of it that `before_n` records precede, and how many were read.

    Rows and unnamed columns that hold nothing are dropped; the notes tell of cells that were too narrow.
    """
    import pandas as pd

    names = column_names(found.layout)
    table, narrow = hide_narrow(found.table, file, names, found.rows, whole, before_n)
    found.table = None
    frame = table.rename_columns(names).to_pandas(split_blocks=True, self_destruct=True)
    first = int(found.rows[0]) if len(found.rows) else 1
    dense = len(found.rows) and int(found.rows[-1]) == first + len(found.rows) - 1
    frame.index = pd.RangeIndex(first, first + len(frame)) if dense else pd.Index(found.rows)
    frame = _without_last_blank(frame, found.layout, whole)
    raw = drop_empty(Raw(file=file, frame=frame, ragged=found.unclear, notes=narrow), whole)
    return raw, len(frame)


def hide_narrow(
    table: Any, file: str, names: list[str], rows: Any, whole: Whole | None = None, before_n: int = 0
) -> tuple[Any, list[Note]]:
    """Make the cells blank that show only ``#####``: their column was too narrow when it was exported.

    Parameters
    ----------
    table : pyarrow.Table
        Columns of text.
    file : str
    names : list of str
        Names of the columns.
    rows : numpy array of int
        Rows of the records.
    whole : Whole, optional
        Where these are a part of a text: what all of them say.
    before_n : int
        Records before this part.

    Returns
    -------
    tuple of Table and list of Note
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    told = []
    for place, name in enumerate(names):
        column = table.column(place)
        first = column.slice(0, max(LOOKED_AT - before_n, 0))
        here = bool(pc.any(pc.match_substring(first, "####")).as_py())
        if not over_all(whole, ("too narrow", place), here, any_of):
            continue
        narrow = pc.match_substring_regex(column, r"^\s*#{4,}\s*$")
        found = np.flatnonzero(narrow.to_numpy())
        if len(found):
            hidden = pc.if_else(narrow, pa.scalar("", pa.large_string()), column)
            table = table.set_column(place, str(place), hidden)
            facts = {"file": file, "column": name, "n": len(found), "row": int(rows[found[0]])}
            told.append(Note("cells_too_narrow", facts))
    return table, told


def column_names(layout: Layout) -> list[str]:
    """Return the names of the columns: those of the header, or ``column 1``, ``column 2`` … if there is none."""
    if not layout.header:
        return [f"column {place}" for place in range(1, layout.width + 1)]
    return unique_names(layout.names)


def _without_last_blank(frame: Any, layout: Layout, whole: Whole | None) -> Any:
    """Drop a last column without name that holds nothing: every row ends in a delimiter."""
    last = frame.columns[-1]
    if layout.header or len(frame.columns) == 1:
        return frame
    blank = over_all(whole, "last column blank", bool((frame[last] == "").all()), all_of)
    return frame.drop(columns=last) if blank else frame


def account(found: Delimited, read_n: int, kept_n: int) -> Lines:
    """Return what became of every line.

    Parameters
    ----------
    found : Delimited
    read_n, kept_n : int
        Rows before and after those without any value were dropped.
    """
    layout = found.layout
    left_out = sum(len(rows) for rows in found.left_out.values()) + len(layout.repeats)
    header, above = len(layout.header), len(layout.above)
    return Lines(
        lines_n=found.lines_n,
        header_n=header,
        above_n=above,
        rows_n=kept_n - len(found.unclear),
        continuation_n=found.tally.continuation_n,
        blank_n=found.blank_n + (read_n - kept_n) + layout.first - header - above - len(layout.repeats),
        left_out_n=left_out,
        reported_n=len(found.unclear),
    )


def notes(found: Delimited, file: str, settings: TableSettings) -> Iterator[Note]:
    """Yield what was guessed, put right or left out; each names the line that overrides it."""
    dialect, layout = found.dialect, found.layout
    if dialect.delimiter != "," and not settings.delimiter:
        shown = {"\t": "tab", " ": "blank", "": "nothing (one column)"}.get(
            dialect.delimiter, dialect.delimiter
        )
        yield Note("delimiter_found", {"file": file, "delimiter": shown})
    if dialect.quote != '"' and not settings.quote:
        yield Note("quote_found", {"file": file, "quote": dialect.quote})
    if dialect.escape and not settings.escape:
        yield Note("escape_found", {"file": file, "escape": dialect.escape})
    if dialect.wrapped:
        yield Note("lines_unwrapped", {"file": file})
    yield from layout_notes(layout, file, settings, sep_line=found.sep_line)
    mended = {kind: rows for kind, rows in found.mended.items() if rows}
    for kind, rows in mended.items():
        if kind != "trailing" or len(rows) < len(found.rows):
            yield Note(f"rows_{kind}", {"file": file, "n": len(rows), "row": rows[0]})
    if found.tally.quotes:
        yield Note(
            "quotes_astray", {"file": file, "n": len(found.tally.quotes), "row": found.tally.quotes[0]}
        )
    for kind, out in found.left_out.items():
        row, text = out[0]
        yield Note(f"{kind}_rows_left_out", {"file": file, "n": len(out), "row": row, "value": cut(text)})


def layout_notes(
    layout: Layout, file: str, settings: TableSettings, *, sep_line: bool = False
) -> Iterator[Note]:
    """Yield what was found out about header and rows above it; a ``sep=`` line is none of them."""
    if not layout.header:
        if settings.header is None:
            yield Note("header_generated", {"file": file, "n": layout.width})
        return
    above = len(layout.above) - sep_line
    if above and not settings.header_row:
        row = layout.header[0] + 1
        yield Note("header_below", {"file": file, "row": row, "n": above})
    if len(layout.header) > 1:
        row, last = layout.header[0] + 1, layout.header[-1] + 1
        yield Note("header_joined", {"file": file, "row": row, "last": last})
    if layout.row_names:
        yield Note("row_names_found", {"file": file, "column": unique_names(layout.names)[1]})
    if layout.repeats:
        yield Note("header_repeated", {"file": file, "n": len(layout.repeats), "row": layout.repeats[0] + 1})


def cut(text: str) -> str:
    """Return a text on one line, shortened."""
    line = " ".join(text.split())
    return line if len(line) <= SHOWN else line[: SHOWN - 1] + "…"
