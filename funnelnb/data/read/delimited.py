"""Delimited text to columns: the dialect and the header are found, and no line is lost on the way.

There are two ways. The fast one (Arrow) takes texts whose quotation marks can all be believed and whose rows all have
the width of the table. The careful one (:mod:`funnelnb.data.read.records`) takes everything else. Both give the same
columns for a text that both can read.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from funnelnb.data.contract.settings import TableSettings
from funnelnb.data.contract.whole import over_all, sums
from funnelnb.data.read.align import Aligner
from funnelnb.data.read.dialect import DELIMITERS, find_dialect
from funnelnb.data.read.header import Layout, filled, find_layout, require_header
from funnelnb.data.read.records import Dialect, Records, Tally, split
from funnelnb.data.read.scan import Scan, is_sound, line_end, scan
from funnelnb.data.read.tail import (
    BODY_ROWS,
    LOOKED_AT,
    header_again,
    is_other_table,
    is_title,
    is_total,
    table_end,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from funnelnb.data.contract.limits import Limits
    from funnelnb.data.contract.whole import Whole

SAMPLE_LINES = 2000
SAMPLE_CHARS = 1 << 20
GAPS = 200
"""Other tables are looked for after so many blank lines at most."""

STRETCH = 5000
"""Lines that are looked at together."""
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
    blank_n : int
        Blank rows below the header.
    sep_line : bool
        Whether the first line names the delimiter (``sep=;``).
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
    blank_n: int = 0
    sep_line: bool = False


def read_delimited(
    path: Path, encoding: str, settings: TableSettings | None = None, *, valid: bool = False
) -> Delimited:
    """What does a delimited text hold?

    Parameters
    ----------
    path : Path
    encoding : str
    settings : TableSettings, optional
        Delimiter, quotation mark, escape and header are found out where they are not given.
    valid : bool
        Whether all bytes are known to be UTF-8, so that nobody need look again.

    Returns
    -------
    Delimited

    Raises
    ------
    UnicodeError
        If the text is not in this encoding.
    SourceError
        If the text is larger than the limits allow.
    """
    settings = settings or TableSettings()
    text = open_text(path, encoding, settings)
    result = None
    if text.dialect.plain and text.found.sound_quotes:
        result = _fast(text, valid=valid)
    if result is None:
        result = text.nothing()
        tables = [(_as_table([], text.layout.width), np_rows(())), *text.stretches(result)]
        result.table, result.rows = together(tables)
    return result if settings.totals == "keep" else Outside().without(result, result.table.num_rows, end=True)


@dataclass(slots=True, kw_only=True)
class Text:
    """A delimited text that was looked at: how it is written and where its records begin.

    Attributes
    ----------
    path : Path
    encoding, end : str
        What ends a line (:func:`funnelnb.data.read.scan.line_end`).
    dialect : Dialect
    layout : Layout
    found : Scan
        Of the whole text.
    first : list of list of str
        Fields of the first lines: what an aligner learns from.
    mend : bool
        Whether rows that do not fit are put right.
    sep_line : bool
        Whether the first line names the delimiter (``sep=;``).
    """

    path: Path
    encoding: str
    end: str
    dialect: Dialect
    layout: Layout
    found: Scan
    first: list[list[str]]
    mend: bool
    sep_line: bool

    def nothing(self) -> Delimited:
        """Return what is known of the text before a record is read."""
        return Delimited(
            table=None, rows=None, layout=self.layout, dialect=self.dialect, tally=Tally(),
            lines_n=self.found.lines_n, sep_line=self.sep_line,
        )  # fmt: skip

    def stretches(self, result: Delimited) -> Iterator[tuple[Any, Any]]:
        """Yield columns and row numbers of some thousand records after the other; `result` gets what was met.

        What has no faults is read by Arrow, the rest line by line.
        """
        import numpy as np

        layout = self.layout
        aligner = Aligner.learn(
            self.first[layout.first :], layout.width, layout.kinds, self.dialect.delimiter
        )
        aligner.mend = self.mend
        lines = _lines(self.path, self.encoding, self.end)
        records = Records(self.dialect, self.layout.width, self.layout.kinds, tally=result.tally)
        while stretch := [*records.waiting, *islice(lines, STRETCH - len(records.waiting))]:
            records.waiting.clear()
            sound = records.row > self.layout.first
            table = _sound_stretch(stretch, self.dialect, self.layout) if sound else None
            if table is None:
                table, rows = _stretch(stretch, lines, records, result, aligner)
            else:
                rows = np.arange(records.row, records.row + len(stretch))
                records.row += len(stretch)
                records.tally.lines_n += len(stretch)
                records.tally.rows_n += len(stretch)
            yield table, rows


def open_text(path: Path, encoding: str, settings: TableSettings) -> Text:
    """How is a text written, and where do its records begin? A pass over its bytes, and a look at its first lines.

    Raises
    ------
    UnicodeError, SourceError
        As for :func:`read_delimited`.
    """
    end = line_end(path, encoding)
    sample, whole = _sample(path, encoding, end, settings.limits)
    first = [line for line in sample if line.strip()][:2]
    least = max((min(line.count(sign) for line in first) for sign in ",;\t|"), default=0) if first else 0
    settings.limits.refuse("columns", least + 1, path.name)
    dialect = find_dialect(sample, settings.delimiter)
    said = {name: value for name in ("quote", "escape") if (value := getattr(settings, name))}
    dialect = replace(dialect, **said)
    found = scan(path, encoding, end, dialect.delimiter, dialect.quote, settings.limits.line_bytes)
    settings.limits.refuse("line_bytes", found.longest, f"{path.name}, line {found.longest_line}")
    records = Records(dialect, _width(sample, dialect))
    rows = list(records.read(sample))
    if not whole and len(rows) > 1:
        rows.pop()  # it may have been cut off
    require_header(rows, settings.header_row, path.name)
    layout = find_layout(rows, header=settings.header, header_row=settings.header_row)
    if not layout.header and settings.header is None:
        layout = _header_by_other_sign(rows, layout)
    settings.limits.refuse("columns", layout.width, path.name)
    return Text(
        path=path, encoding=encoding, end=end, dialect=dialect, layout=layout, found=found, first=rows,
        mend=settings.mend,
        sep_line=bool(sample) and sample[0].lower().startswith("sep=") and bool(layout.above),
    )  # fmt: skip


def together(parts: Sequence[tuple[Any, Any]]) -> tuple[Any, Any]:
    """Return columns and row numbers one below the other."""
    import numpy as np
    import pyarrow as pa

    return pa.concat_tables([table for table, _ in parts]), np.concatenate([rows for _, rows in parts])


def np_rows(numbers: Sequence[int]) -> Any:
    """Return row numbers as an array."""
    import numpy as np

    return np.array(numbers, dtype=np.int64)


def _header_by_other_sign(rows: list[list[str]], layout: Layout) -> Layout:
    """Return the layout with the row above the records as header, if it is one but for its delimiter."""
    place = layout.first - 1
    if place not in layout.above or len(rows[place]) != 1 or layout.width < 3:
        return layout
    for sign in DELIMITERS:
        names = [one.strip(' "') for one in rows[place][0].split(sign)]
        if len(set(names) - {""}) == layout.width == len(names):
            return replace(
                layout, names=names, header=[place], above=[one for one in layout.above if one != place]
            )
    return layout


def _sample(path: Path, encoding: str, end: str, limits: Limits) -> tuple[list[str], bool]:
    """Return the first lines, and whether these are all."""
    lines, length = [], 0
    source = _lines(path, encoding, end, limits.line_bytes)
    for line in islice(source, SAMPLE_LINES):
        lines.append(line)
        length += len(line)
        limits.refuse("line_bytes", len(line), f"{path.name}, line {len(lines)}")
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


def _lines(path: Path, encoding: str, end: str, most: int = -1) -> Iterator[str]:
    """Yield the lines; one that is longer than `most` characters in pieces that are."""
    with path.open(encoding=_plain(encoding), newline=end) as stream:
        first = True
        while line := stream.readline(most + 1 if most > 0 else -1):
            yield line.removeprefix("\ufeff") if first else line
            first = False


def _fast(text: Text, *, valid: bool) -> Delimited | None:
    """Read a text without faults by Arrow; None if it has any after all."""
    import numpy as np
    import pyarrow as pa

    path, encoding, dialect, layout, found = text.path, text.encoding, text.dialect, text.layout, text.found
    blank: list[int] = []
    start = layout.first

    def pass_over(row: Any) -> str:
        if (row.text or "").strip():
            return "error"
        blank.append((row.number or 0) - 1)
        return "skip"

    try:
        table = _arrow(
            path, dialect, layout.width, pass_over, skip=start, encoding=_plain(encoding), valid=valid
        )
    except pa.ArrowInvalid:
        return None
    lines_n = start + table.num_rows + len(blank)
    if lines_n != found.lines_n:
        return None
    numbers = np.arange(start + 1, lines_n + 1)
    if blank:
        numbers = np.delete(numbers, np.array(blank) - start)
    result = text.nothing()
    result.table, result.rows, result.blank_n = table, numbers, len(blank)
    result.tally = Tally(lines_n=lines_n, rows_n=lines_n - len(blank), blank_n=len(blank))
    return result


def _arrow(
    source: Any,
    dialect: Dialect,
    width: int,
    pass_over: Any,
    skip: int = 0,
    encoding: str = "utf-8",
    *,
    valid: bool = False,
) -> Any:
    """Return the columns of a text without faults; each line is a row."""
    import pyarrow as pa
    import pyarrow.csv as pc

    names = [str(place) for place in range(width)]
    return pc.read_csv(
        source,
        read_options=pc.ReadOptions(
            use_threads=False, block_size=BLOCK, encoding=encoding, skip_rows=skip, column_names=names
        ),
        parse_options=pc.ParseOptions(
            delimiter=dialect.delimiter,
            quote_char=dialect.quote,
            newlines_in_values=False,
            ignore_empty_lines=False,
            invalid_row_handler=pass_over,
        ),
        convert_options=pc.ConvertOptions(
            column_types=dict.fromkeys(names, pa.large_string()),
            strings_can_be_null=False,
            check_utf8=not valid,
        ),
    )


@dataclass(slots=True)
class Outside:
    """Finds the rows that are no records; where a text is read in parts, it remembers what stood before.

    Attributes
    ----------
    whole : Whole or None
        Where a text is read in parts: what all of them say.
    gaps_n : int
        Blank lines after which another table may have begun.
    last : int
        Row before these; 0 where there is none.
    blank : bool
        Whether it holds nothing.
    leaving : bool
        Whether it is one of another table.
    """

    whole: Whole | None = None
    gaps_n: int = 0
    last: int = 0
    blank: bool = False
    leaving: bool = False

    def without(self, result: Delimited, n: int, *, end: bool) -> Delimited:
        """Leave out rows that repeat the header, add up others, are remarks below the table or of another table.

        Parameters
        ----------
        result : Delimited
            Changed in place.
        n : int
            Rows that are asked about; those behind them are only looked at.
        end : bool
            Whether the text ends with these rows.
        """
        import numpy as np

        if not result.table.num_rows:
            return result
        repeated = _repeated_headers(result)
        totals, notes = _end_of_table(result) if end else ([], [])
        totals += [row for row in _inner_totals(result, n, self.whole) if row not in totals]
        notes += [row for row in _group_titles(result, repeated) if row not in notes]
        others = self._other_tables(result, n)
        totals, notes = ([row for row in rows if row not in others] for rows in (totals, notes))
        out = {"header": repeated, "total": sorted(totals), "note": sorted(notes), "table": sorted(others)}
        self.last, self.blank = int(result.rows[n - 1]), bool(_nothing(result.table.slice(n - 1, 1))[0])
        gone = np.isin(result.rows, [row for rows in out.values() for row in rows])
        gone[n:] = False
        if not gone.any():
            return result
        texts = {
            int(row): " ".join(filter(str.strip, one.values()))
            for row, one in zip(result.rows[gone], result.table.filter(gone).to_pylist(), strict=True)
        }
        left = {kind: [(row, texts[row]) for row in rows if row in texts] for kind, rows in out.items()}
        result.left_out = {kind: rows for kind, rows in left.items() if rows}
        result.unclear = [one for one in result.unclear if one[0] not in texts]
        for kind, rows in list(result.mended.items()):
            result.mended[kind] = [row for row in rows if row not in texts]
        result.table = result.table.filter(~gone)
        result.rows = result.rows[~gone]
        return result

    def _other_tables(self, result: Delimited, n: int) -> set[int]:
        """Return the rows of tables that stand below the first one, each after a blank line."""
        import numpy as np

        gaps = (np.diff(result.rows) > 1) | _nothing(result.table)[:-1]
        before = bool(self.last) and (self.blank or int(result.rows[0]) - self.last > 1)
        starts = np.flatnonzero(np.concatenate([[before], gaps]))
        widths = dict(result.unclear)
        found: set[int] = set()
        if self.leaving:
            found.update(map(int, result.rows[: starts[0] if len(starts) and self.gaps_n < GAPS else n]))
        starts = starts[: GAPS - self.gaps_n]
        for start, end in itertools.pairwise([*starts.tolist(), len(result.rows)]):
            if start >= n:
                break
            self.gaps_n += 1
            some = result.table.slice(start, min(end - start, BODY_ROWS + 1))
            cells = [list(row) for row in zip(*(column.to_pylist() for column in some.columns), strict=True)]
            block = [
                [*row, *["+"] * (widths.get(int(number), 0) - len(row))]  # what was cut off on the right
                for row, number in zip(cells, result.rows[start:], strict=False)
            ]
            self.leaving = is_other_table(block, result.layout.kinds)
            if self.leaving:
                found.update(map(int, result.rows[start:end]))
        return found


def _end_of_table(result: Delimited) -> tuple[list[int], list[int]]:
    """Return the totals and the remarks among the last rows."""
    narrow = {row for row, count in result.unclear if count < result.layout.width}
    narrow.update(result.mended.get("short", ()))
    last = result.table.slice(max(result.table.num_rows - 2 * LOOKED_AT, 0))
    cells = [*zip(*(column.to_pylist() for column in last.columns), strict=True)]
    numbered = [
        (int(number), row)
        for number, row in zip(result.rows[-len(cells) :], cells, strict=True)
        if filled(row)
    ]
    return table_end(numbered, result.layout.kinds, narrow)


def _repeated_headers(result: Delimited) -> list[int]:
    """Return the rows that repeat the header, or most of it."""
    if not result.layout.header:
        return []
    return [int(row) for row in result.rows[header_again(result.table, result.layout.names)]]


def _group_titles(result: Delimited, repeated: Sequence[int]) -> list[int]:
    """Return the rows right above a repeated header that hold one text only: titles of groups."""
    import numpy as np

    found = []
    for row in repeated:
        place = int(np.searchsorted(result.rows, row)) - 1
        cells = [column[place].as_py() for column in result.table.columns] if place >= 0 else []
        while place > 0 and not any(map(str.strip, cells)):
            place -= 1
            cells = [column[place].as_py() for column in result.table.columns]
        if is_title(cells):
            found.append(int(result.rows[place]))
    return found


def _nothing(table: Any) -> Any:
    """Return which rows hold nothing: the fast way reads a blank line as one of these."""
    import numpy as np
    import pyarrow.compute as pc

    found = np.ones(table.num_rows, dtype=bool)
    for column in table.columns:
        found &= pc.equal(column, "").to_numpy()
        if not found.any():
            break
    return found


def _inner_totals(result: Delimited, n: int, whole: Whole | None) -> list[int]:
    """Return the rows among the records whose first cell says that they add up others."""
    import numpy as np
    import pyarrow.compute as pc

    first = result.table.column(0)
    places = np.empty(0, np.int64)
    if any(_worded(chunk) for chunk in first.chunks):
        likely = pc.match_substring_regex(first, _TOTAL_WORDS, ignore_case=True)
        places = np.flatnonzero(likely.to_numpy())
    here = (int((places < n).sum()), n)
    if not over_all(whole, "total rows", here, sums, _few_totals) or not len(places):
        return []
    rows = result.table.take(places).to_pylist()
    return [
        int(result.rows[place])
        for place, row in zip(places, rows, strict=True)
        if is_total(list(row.values()), result.layout.kinds)
    ]


def _few_totals(told: tuple[int, int]) -> bool:
    """Whether at most half of the rows begin with a word for a total: else it is what the column is about."""
    totals_n, rows_n = told
    return totals_n <= rows_n / 2


def _worded(cells: Any) -> bool:
    """Whether any cell holds a letter without which no word for a total can be written."""
    text = bytes(cells.buffers()[2] or b"")
    return not text.isascii() or any(letter in text for letter in b"auAU")


_TOTAL_WORDS = r"^\s*\S{0,6}[ -]?(total|sum|合|总|小|總|gesamt|insgesamt|zwischensumme|totaux|итого|всего)"


def _as_table(rows: list[list[str]], width: int) -> Any:
    import pyarrow as pa

    columns = zip(*rows, strict=True) if rows else [()] * width
    arrays = [pa.array(column, pa.large_string()) for column in columns]
    return pa.table(arrays, names=[str(place) for place in range(width)])


def _sound_stretch(lines: list[str], dialect: Dialect, layout: Layout) -> Any:
    """Return the columns of lines without any fault, None if there is one."""
    import pyarrow as pa

    if not dialect.plain or not dialect.delimiter.isascii():
        return None
    text = "".join(lines).encode("utf-8", "surrogatepass")
    marks = (ord(dialect.quote), ord(dialect.delimiter), 10)
    if not text.endswith(b"\n") or b"\r" in text.replace(b"\r\n", b"") or not is_sound(text, marks):
        return None
    try:
        table = _arrow(pa.BufferReader(text), dialect, layout.width, lambda _: "error")
    except pa.ArrowInvalid:
        return None
    return table if table.num_rows == len(lines) else None


def _stretch(
    stretch: list[str], lines: Iterator[str], records: Records, result: Delimited, aligner: Aligner
) -> tuple[Any, Any]:
    """Return the columns and row numbers of some lines; the last record may reach beyond them."""
    import numpy as np

    layout = result.layout
    batch, numbers = [], []
    end = records.tally.lines_n + len(stretch)
    number = records.row
    for row in records.read(chain(stretch, lines)):
        if number > layout.first and not filled(row):
            result.blank_n += 1
        elif number > layout.first:
            cells, what = (row, "") if len(row) == layout.width else aligner.fit(row)
            if what == "unclear":
                result.unclear.append((number, len(row)))
            elif what:
                result.mended.setdefault(what, []).append(number)
            batch.append(cells)
            numbers.append(number)
        number += 1
        if records.tally.lines_n >= end:
            records.row = number
            break
    return _as_table(batch, layout.width), np.array(numbers, dtype=np.int64)
