"""Delimited text to columns: the dialect and the header are found, and no line is lost on the way.

There are two ways. The fast one (Arrow) takes texts whose quotation marks can all be believed and whose rows all have
the width of the table. The careful one (:mod:`funnelnb.data.read.records`) takes everything else. Both give the same
columns for a text that both can read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from funnelnb.data.read.align import Aligner
from funnelnb.data.read.dialect import find_dialect
from funnelnb.data.read.header import Layout, filled, find_layout
from funnelnb.data.read.records import Dialect, Records, Tally, split
from funnelnb.data.read.scan import Scan, scan

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SAMPLE_LINES = 2000
SAMPLE_CHARS = 1 << 20
BATCH = 20_000
BLOCK = 1 << 22


@dataclass(slots=True, kw_only=True)
class Delimited:
    """A delimited text, read.

    Attributes
    ----------
    table : pyarrow.Table
        Columns of text, called by their places from "0" on.
    rows : numpy array of int
        Row of each record; every record, blank line and header line of the text counts as one row.
    layout : Layout
    dialect : Dialect
    tally : Tally
    mended : dict of str to list of int
        Rows by what was done to them: ``short`` (filled up), ``trailing`` (empty fields at the end left out),
        ``joined`` (a delimiter within a text), ``delimiter`` (divided by another one), ``header`` (repeated, left out).
    unclear : list of (int, int)
        Row and number of fields of rows that do not fit; they were filled up or cut off on the right.
    lines_n : int
        Lines of the file, counted apart from the reading.
    """

    table: Any
    rows: Any
    layout: Layout
    dialect: Dialect
    tally: Tally
    mended: dict[str, list[int]] = field(default_factory=dict)
    unclear: list[tuple[int, int]] = field(default_factory=list)
    lines_n: int = 0


def read_delimited(
    path: Path, encoding: str, delimiter: str = "", header_row: int | None = None
) -> Delimited:
    """What does a delimited text hold?

    Parameters
    ----------
    path : Path
    encoding : str
    delimiter : str, optional
        Found out if empty.
    header_row : int, optional
        Row of the column names from 1; 0: there is none; found out if not given.

    Returns
    -------
    Delimited

    Raises
    ------
    UnicodeError
        If the text is not in this encoding.
    """
    sample, whole = _sample(path, encoding)
    dialect = find_dialect(sample, delimiter)
    found = scan(path, encoding, dialect.delimiter, dialect.quote)
    if found.lone_returns is False and any("\r" in line.rstrip("\r\n") for line in sample):
        sample, whole = _sample(path, encoding, newline="\n")
    records = Records(dialect, _width(sample, dialect))
    rows = list(records.read(sample))
    if not whole and len(rows) > 1:
        rows.pop()  # it may have been cut off
    layout = find_layout(rows, header_row)
    aligner = Aligner.learn(rows[layout.first :], layout.width, layout.kinds, dialect.delimiter)
    if dialect.plain and found.sound_quotes:
        quick = _fast(path, encoding, dialect, layout, found)
        if quick is not None:
            return quick
    return _careful(path, encoding, dialect, layout, aligner, found)


def _sample(path: Path, encoding: str, newline: str = "") -> tuple[list[str], bool]:
    """Return the first lines, and whether these are all."""
    with path.open(encoding=_plain(encoding), newline=newline) as stream:
        lines, length = [], 0
        for line in islice(stream, SAMPLE_LINES):
            lines.append(line)
            length += len(line)
            if length > SAMPLE_CHARS:
                break
        whole = not stream.readline()
    if lines:
        lines[0] = lines[0].removeprefix("\ufeff")
    return lines, whole


def _plain(encoding: str) -> str:
    return encoding.removesuffix("-sig")


def _width(sample: list[str], dialect: Dialect) -> int:
    """Return the number of fields that most lines have by themselves, those with one field apart."""
    counts: dict[int, int] = {}
    for line in sample:
        text = line.rstrip("\r\n")
        if text.strip():
            one = split(text, dialect)
            if len(one.fields) > 1 and not one.open:
                counts[len(one.fields)] = counts.get(len(one.fields), 0) + 1
    return max(counts, key=lambda width: (counts[width], width)) if counts else 1


def _lines(path: Path, encoding: str, found: Scan) -> Iterator[str]:
    newline = "" if found.lone_returns else "\n"
    with path.open(encoding=_plain(encoding), newline=newline) as stream:
        first = True
        for line in stream:
            yield line.removeprefix("\ufeff") if first else line
            first = False


def _fast(path: Path, encoding: str, dialect: Dialect, layout: Layout, found: Scan) -> Delimited | None:
    """Read a text without faults by Arrow; None if it has any after all."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.csv as pc

    blank: list[int] = []
    start = layout.first

    def pass_over(row: pc.InvalidRow) -> str:
        if (row.text or "").strip():
            return "error"
        blank.append((row.number or 0) - 1)
        return "skip"

    names = [str(place) for place in range(layout.width)]
    try:
        table = pc.read_csv(
            path,
            read_options=pc.ReadOptions(
                use_threads=False, block_size=BLOCK, encoding=_plain(encoding), skip_rows=start, column_names=names
            ),
            parse_options=pc.ParseOptions(
                delimiter=dialect.delimiter,
                quote_char=dialect.quote,
                newlines_in_values=False,
                ignore_empty_lines=False,
                invalid_row_handler=pass_over,
            ),
            convert_options=pc.ConvertOptions(
                column_types=dict.fromkeys(names, pa.large_string()), strings_can_be_null=False
            ),
        )  # fmt: skip
    except pa.ArrowInvalid:
        return None
    lines_n = start + table.num_rows + len(blank)
    if lines_n != found.lines_n:
        return None
    numbers = np.arange(start + 1, lines_n + 1)
    if blank:
        numbers = np.delete(numbers, np.array(blank) - start)
    tally = Tally(lines_n=lines_n, rows_n=lines_n - len(blank), blank_n=len(blank))
    result = Delimited(
        table=table, rows=numbers, layout=layout, dialect=dialect, tally=tally, lines_n=found.lines_n
    )
    return _without_headers(result)


def _without_headers(result: Delimited) -> Delimited:
    """Leave out rows that repeat the header."""
    import numpy as np
    import pyarrow.compute as pc

    names = result.layout.names
    if not result.layout.header or not result.table.num_rows or not any(names):
        return result
    same = np.ones(result.table.num_rows, dtype=bool)
    for place, name in enumerate(names):
        if name:
            same &= pc.equal(pc.utf8_trim_whitespace(result.table.column(place)), name).to_numpy()
            if not same.any():
                return result
    result.mended["header"] = result.rows[same].tolist()
    result.table = result.table.filter(~same)
    result.rows = result.rows[~same]
    return result


def _careful(
    path: Path, encoding: str, dialect: Dialect, layout: Layout, aligner: Aligner, found: Scan
) -> Delimited:
    """Read a text line by line, with nothing taken for granted."""
    import numpy as np
    import pyarrow as pa

    records = Records(dialect, layout.width, layout.kinds)
    names = [str(place) for place in range(layout.width)]
    result = Delimited(
        table=None, rows=None, layout=layout, dialect=dialect, tally=records.tally, lines_n=found.lines_n
    )
    batches, numbers, batch = [], [], []

    def flush() -> None:
        columns = zip(*batch, strict=True) if batch else [()] * layout.width
        arrays = [pa.array(list(column), pa.large_string()) for column in columns]
        batches.append(pa.table(arrays, names=names))
        batch.clear()

    for place, row in enumerate(records.read(_lines(path, encoding, found))):
        if place < layout.first or not row:
            continue
        cells, what = (row, "") if len(row) == layout.width else aligner.fit(row)
        if what == "unclear" and not filled(row):
            continue
        if what == "unclear":
            result.unclear.append((place + 1, len(row)))
        elif what:
            result.mended.setdefault(what, []).append(place + 1)
        batch.append(cells)
        numbers.append(place + 1)
        if len(batch) >= BATCH:
            flush()
    flush()
    result.table = pa.concat_tables(batches)
    result.rows = np.array(numbers, dtype=np.int64)
    return _without_headers(result)
