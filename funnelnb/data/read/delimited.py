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
from funnelnb.data.read.scan import Scan, line_end, scan
from funnelnb.data.read.tail import LOOKED_AT, is_total, table_end

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
        ``joined`` (a delimiter within a text), ``delimiter`` (divided by another one).
    unclear : list of (int, int)
        Row and number of fields of rows that do not fit; they were filled up or cut off on the right.
    left_out : dict of str to list of (int, str)
        Row and text of rows that are no records: ``total``, ``note``, ``header`` (repeated).
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
    left_out: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
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
    end = line_end(path, encoding)
    sample, whole = _sample(path, encoding, end)
    dialect = find_dialect(sample, delimiter)
    found = scan(path, encoding, end, dialect.delimiter, dialect.quote)
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
    return _careful(_lines(path, encoding, end), dialect, layout, aligner, found)


def _sample(path: Path, encoding: str, end: str) -> tuple[list[str], bool]:
    """Return the first lines, and whether these are all."""
    lines, length = [], 0
    source = _lines(path, encoding, end)
    for line in islice(source, SAMPLE_LINES):
        lines.append(line)
        length += len(line)
        if length > SAMPLE_CHARS:
            break
    return lines, next(source, None) is None


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


def _lines(path: Path, encoding: str, end: str) -> Iterator[str]:
    with path.open(encoding=_plain(encoding), newline=end) as stream:
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
    return _records_only(result)


def _records_only(result: Delimited) -> Delimited:
    """Leave out rows that repeat the header, add up others, or are remarks below the table."""
    import numpy as np

    if not result.table.num_rows:
        return result
    repeated = _repeated_headers(result)
    narrow = {row for row, count in result.unclear if count < result.layout.width}
    narrow.update(result.mended.get("short", ()))
    last = result.table.slice(max(result.table.num_rows - 2 * LOOKED_AT, 0))
    cells = [*zip(*(column.to_pylist() for column in last.columns), strict=True)]
    numbered = [
        (int(number), row)
        for number, row in zip(result.rows[-len(cells) :], cells, strict=True)
        if filled(row)
    ]
    totals, notes = table_end(numbered, result.layout.kinds, narrow)
    totals += [row for row in _inner_totals(result) if row not in totals]
    out = {"header": repeated, "total": sorted(totals), "note": sorted(notes)}
    gone = np.isin(result.rows, [row for rows in out.values() for row in rows])
    if not gone.any():
        return result
    texts = {
        int(row): " ".join(filter(str.strip, one.values()))
        for row, one in zip(result.rows[gone], result.table.filter(gone).to_pylist(), strict=True)
    }
    result.left_out = {kind: [(row, texts[row]) for row in rows] for kind, rows in out.items() if rows}
    result.unclear = [one for one in result.unclear if one[0] not in texts]
    for kind, rows in list(result.mended.items()):
        result.mended[kind] = [row for row in rows if row not in texts]
    result.table = result.table.filter(~gone)
    result.rows = result.rows[~gone]
    return result


def _repeated_headers(result: Delimited) -> list[int]:
    """Return the rows that repeat the header."""
    import numpy as np
    import pyarrow.compute as pc

    names = result.layout.names
    if not result.layout.header or not any(names):
        return []
    same = np.ones(result.table.num_rows, dtype=bool)
    for place, name in enumerate(names):
        if name:
            same &= pc.equal(pc.utf8_trim_whitespace(result.table.column(place)), name).to_numpy()
            if not same.any():
                return []
    return [int(row) for row in result.rows[same]]


def _inner_totals(result: Delimited) -> list[int]:
    """Return the rows among the records whose first cell says that they add up others."""
    import numpy as np
    import pyarrow.compute as pc

    likely = pc.match_substring_regex(result.table.column(0), _TOTAL_WORDS, ignore_case=True)
    places = np.flatnonzero(likely.to_numpy())
    rows = result.table.take(places).to_pylist() if 0 < len(places) <= result.table.num_rows / 2 else []
    return [
        int(result.rows[place])
        for place, row in zip(places, rows, strict=False)
        if is_total(list(row.values()), result.layout.kinds)
    ]


_TOTAL_WORDS = r"^\s*\S{0,6}[ -]?(total|sum|合|总|小|總|gesamt|insgesamt|zwischensumme|totaux|итого|всего)"


def _careful(
    lines: Iterator[str], dialect: Dialect, layout: Layout, aligner: Aligner, found: Scan
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

    for place, row in enumerate(records.read(lines)):
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
    return _records_only(result)
