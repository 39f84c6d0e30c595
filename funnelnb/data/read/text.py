"""Delimited text: which encoding, which delimiter, where is the header, and is it a table at all?"""

from __future__ import annotations

import codecs
import csv
import io
import re
from typing import TYPE_CHECKING, Any

from funnelnb.core.errors import SourceError
from funnelnb.core.note import Note
from funnelnb.data.read.raw import Raw, drop_empty, unique_names

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from funnelnb.data.contract.settings import TableSettings


# ---- In which encoding was a text file written? ------------------------------------------------------------

CHUNK = 1 << 20


def detect_encoding(path: Path, head: bytes) -> str:
    """In which encoding was the file written?

    Parameters
    ----------
    path : Path
    head : bytes
        Its beginning.

    Returns
    -------
    str
        ``utf-8-sig`` or ``utf-16`` by their marks, ``utf-8`` if the whole file is valid, else the most
        plausible of GB 18030, Windows-1252 and the encodings that charset-normalizer knows.

    Notes
    -----
    GB 18030 accepts nearly any pair of bytes, so that "Müller" in Windows-1252 is valid Chinese by accident.
    Real Chinese text consists of pairs of high bytes; Latin text of single high bytes among ASCII letters.
    """
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if head[1::2].count(0) > 0.3 * len(head) / 2:
        return "utf-16-le"
    if head[0::2].count(0) > 0.3 * len(head) / 2:
        return "utf-16-be"
    foreign = _not_utf8(path)
    if not foreign:
        return "utf-8"
    return _chinese(foreign) or _western(foreign)


def _not_utf8(path: Path) -> bytes:
    """Return a sample around the first bytes that are not UTF-8; empty if the whole file is."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError as error:
                return chunk[max(error.start - 200, 0) :] + stream.read(CHUNK // 4)
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return path.read_bytes()[-400:]
    return b""


def _chinese(sample: bytes) -> str:
    """Return ``gb18030`` if the high bytes come in pairs of the everyday characters, else empty."""
    high_n = sum(byte >= 0x80 for byte in sample)
    pairs = re.findall(rb"[\xa1-\xa9\xb0-\xf7][\xa1-\xfe]", sample)
    singles = re.findall(rb"(?<![\x80-\xff])[\x80-\xff](?![\x80-\xff])", sample)
    if 2 * len(pairs) < 0.9 * high_n or len(singles) > 0.05 * high_n:
        return ""
    text = codecs.getincrementaldecoder("gb18030")(errors="replace").decode(sample)
    common = sum("\u4e00" <= char <= "\u9fff" for char in text)
    return "gb18030" if common and "\ufffd" not in text[:-2] else ""


def _western(sample: bytes) -> str:
    """Return ``cp1252`` for words such as Müller, else what charset-normalizer finds most plausible."""
    text = sample.decode("cp1252", errors="replace")
    words = re.findall(r"[^\W\d_]+", text)
    accented = [word for word in words if not word.isascii()]
    letters = "".join(accented)
    foreign = [char for char in letters if not char.isascii()]
    signs = re.findall(r"[^\W\d_][^\w\s\x00-\x7f’][^\W\d_]", text)
    if accented and not signs and set(foreign) <= _WESTERN_LETTERS and len(foreign) < 0.5 * len(letters):
        return "cp1252"
    from charset_normalizer import from_bytes

    best = from_bytes(sample).best()
    return best.encoding if best else "cp1252"


_WESTERN_LETTERS = set("äöüßÄÖÜàâçéèêëîïôûùœÀÂÇÉÈÊËÎÏÔÛŒáíóúñÁÍÓÚÑãõÃÕåæøÅÆØìòÌÒýÝ")
"""Letters beyond ASCII in the languages that are written in Windows-1252."""


# ---- Delimited text: which encoding, which delimiter, where is the header, and is it a table at all? -------

LINE_LIMIT = 1 << 20
"""A line longer than this many bytes is not a row of a table."""
SAMPLE = 1 << 16
DELIMITERS = (",", ";", "\t", "|")

_MAGIC = (
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook"),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word file"),
    (b"PAR1", "a Parquet file"),
    (b"SQLite format 3", "an SQLite database"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"{\\rtf", "an RTF document"),
)
_EXPECTED = "a text file with one header row and one row per record (CSV, TSV)"


def read_text(path: Path, settings: TableSettings) -> Raw:
    """What does a CSV, TSV or other delimited file hold?

    Parameters
    ----------
    path : Path
    settings : TableSettings
        `encoding`, `delimiter` and `header_row` where given; found out otherwise.

    Returns
    -------
    Raw
        All columns as text. A note names the encoding and the delimiter unless they are UTF-8 and comma.

    Raises
    ------
    SourceError
        The file is empty, is no text, has a line of more than 1 MiB, has no header or no rows.
    """
    head, odd_quotes = look(path)
    encoding = settings.encoding or detect_encoding(path, head)
    sample = _decode(path, head, encoding)
    delimiter = settings.delimiter or find_delimiter(sample)
    names, lines_n = _header(path, sample, delimiter, settings.header_row)
    raw = _parse(path, encoding, delimiter, names, lines_n, settings.header_row)
    if encoding not in ("utf-8", "utf-8-sig", "ascii"):
        raw.notes.append(Note("encoding_found", {"file": path.name, "encoding": encoding}))
    if delimiter != ",":
        shown = {"\t": "tab"}.get(delimiter, delimiter)
        raw.notes.append(Note("delimiter_found", {"file": path.name, "delimiter": shown}))
    if odd_quotes:
        _refuse_open_quote(raw)
    if raw.frame.empty and not raw.ragged:
        raise SourceError(
            f"{path.name} has a header and no rows", expected="at least one record", hint="export it again"
        )
    return raw


def _refuse_open_quote(raw: Raw) -> None:
    """Raise SourceError if the last row runs over several lines because its quotation mark is never closed."""
    last = raw.frame.iloc[-1:]
    swallowed = [name for name in last.columns if "\n" in str(last[name].iloc[0])]
    if swallowed:
        raise SourceError(
            f"{raw.file}, row {last.index[0]}, column {swallowed[0]!r}: a quotation mark is opened and never closed",
            expected="quotation marks in pairs; one within a text is doubled",
            hint="close it, or export the file again",
        )


def look(path: Path) -> tuple[bytes, bool]:
    """Return the first bytes of a text file, after making sure that it is one, and if its quotes are odd.

    Raises
    ------
    SourceError
        Missing, unreadable, empty, binary, a page or document, or one giant line.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(SAMPLE)
            _refuse_other_kinds(path, head)
            wide = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
            quotes = 0 if wide else _pass_over(path, head, stream)
    except OSError as error:
        raise SourceError(
            f"{path} cannot be read ({error.strerror or error})",
            expected=_EXPECTED,
            hint="check path and rights",
        ) from None
    return head, bool(quotes % 2)


def _refuse_other_kinds(path: Path, head: bytes) -> None:
    if not head.strip(b"\x00\r\n\t \xef\xbb\xbf"):
        raise SourceError(f"{path.name} is empty", expected=_EXPECTED, hint="export it again")
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            raise SourceError(
                f"{path.name} is {kind}, not text", expected=_EXPECTED,
                hint="export it as CSV, or give the file the ending of what it is (such as .xlsx)",
            )  # fmt: skip
    start = head[:512].lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    if start.startswith((b"<!doctype", b"<html", b"<table", b"<?xml", b"<meta")):
        raise SourceError(f"{path.name} is a web page (HTML or XML), not a table of text", expected=_EXPECTED,
                          hint="open it in a spreadsheet and save it as CSV or .xlsx")  # fmt: skip
    utf16 = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or _regular_nuls(head)
    controls = sum(head.count(bytes([code])) for code in range(32) if code not in (9, 10, 12, 13))
    if not utf16 and controls > len(head) * 0.005:
        raise SourceError(
            f"{path.name} holds binary data, not text", expected=_EXPECTED, hint="export it as CSV"
        )


def _regular_nuls(head: bytes) -> bool:
    """Whether every other byte is mostly 0: UTF-16 without a mark."""
    half = max(len(head) // 2, 1)
    return head[0::2].count(0) > 0.3 * half or head[1::2].count(0) > 0.3 * half


def _pass_over(path: Path, head: bytes, stream: io.BufferedReader) -> int:
    """Stop at the first line of more than LINE_LIMIT bytes; return the number of quotation marks."""
    open_n = line = quotes = 0
    chunk = head
    while chunk:
        first = _newline(chunk.find)
        if open_n + (first if first >= 0 else len(chunk)) > LINE_LIMIT:
            raise SourceError(
                f"{path.name}, line {line + 1}: longer than {LINE_LIMIT:,} bytes",
                expected=_EXPECTED,
                hint="the file has no line breaks, or a quotation mark is missing: export it again",
            )
        line += chunk.count(b"\n") or chunk.count(b"\r")
        quotes += chunk.count(b'"')
        open_n = len(chunk) - _newline(chunk.rfind) - 1 if first >= 0 else open_n + len(chunk)
        chunk = stream.read(CHUNK)
    return quotes


def _newline(find: Callable[[bytes], int]) -> int:
    """Return the place that `find` gives for a line break of any kind, -1 if there is none."""
    place = find(b"\n")
    return place if place >= 0 else find(b"\r")


def _decode(path: Path, head: bytes, encoding: str) -> str:
    try:
        return codecs.getincrementaldecoder(encoding)().decode(head)
    except LookupError:
        raise SourceError(
            f"encoding = {encoding!r}",
            expected="an encoding such as 'utf-8', 'gb18030', 'cp1252'",
            hint="correct it",
        ) from None
    except UnicodeDecodeError:
        raise SourceError(
            f"{path.name} is not {encoding} text",
            expected=_EXPECTED,
            hint="leave encoding out, or give the right one",
        ) from None


def find_delimiter(sample: str) -> str:
    r"""Which delimiter divides the lines of a sample alike?

    Parameters
    ----------
    sample : str
        Beginning of the file.

    Returns
    -------
    str
        The candidate that gives the most columns to all of the first lines; a comma if there is only one.

    Examples
    --------
    >>> find_delimiter("a;b\n1,5;2\n")
    ';'
    """
    best, best_score = ",", (False, 1.0)
    for delimiter in DELIMITERS:
        widths = [len(row) for _, row in zip(range(50), _rows(sample, delimiter), strict=False) if any(row)]
        if len(widths) > 2 and len(sample) >= SAMPLE:
            widths.pop()  # the sample may end within a row
        if not widths or widths[0] < 2:
            continue
        alike = sum(width == widths[0] for width in widths) / len(widths)
        if (alike > 0.7, widths[0] * alike) > best_score:
            best, best_score = delimiter, (alike > 0.7, widths[0] * alike)
    return best


def _rows(sample: str, delimiter: str) -> Any:
    csv.field_size_limit(LINE_LIMIT * 4)
    return csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)


def _header(path: Path, sample: str, delimiter: str, header_row: int) -> tuple[list[str], int]:
    """Return the column names and how many physical lines they end after."""
    rows = _rows(sample.removeprefix("\ufeff"), delimiter)
    row: list[str] = []
    try:
        for _ in range(header_row):
            row = next(rows)
    except (StopIteration, csv.Error):
        raise SourceError(
            f"{path.name} has no row {header_row}", expected="a header row", hint="check header_row"
        ) from None
    if not any(cell.strip() for cell in row):
        raise SourceError(
            f"{path.name}, row {header_row}: the header is empty", expected="column names in the first row",
            hint="remove empty lines above the header, or say header_row in the settings",
        )  # fmt: skip
    refuse_data_as_header(path.name, row, header_row)
    return unique_names(row), rows.line_num


def refuse_data_as_header(file: str, cells: list[str], header_row: int) -> None:
    """Raise SourceError if a header row looks like a record: it holds numbers or dates."""
    from funnelnb.data.parse.dates import looks_like_date

    data = [cell for cell in cells if looks_like_number(cell) or looks_like_date(str(cell))]
    if data and len(data) * 5 >= len(cells):
        raise SourceError(
            f"{file}, row {header_row}: {data[0]!r} stands where a column name should be: no header",
            expected="column names in the first row",
            hint="add a header row, or say header_row in the settings if titles stand above it",
        )


def looks_like_number(cell: object) -> bool:
    """Whether a header cell is a plain number (a year may be a name)."""
    text = str(cell).strip().replace(",", "")
    try:
        value = float(text)
    except ValueError:
        return False
    return not (text.isdigit() and 1990 <= value <= 2099)


def _parse(path: Path, encoding: str, delimiter: str, names: list[str], lines_n: int, header_row: int) -> Raw:
    """Parse the rows as text; rows that do not fit are passed over and remembered."""
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    try:
        table, ragged = _arrow_table(path, encoding, delimiter, len(names), lines_n, threads=True)
        if ragged:  # once more, in order: only then the rows can be named
            table, ragged = _arrow_table(path, encoding, delimiter, len(names), lines_n, threads=False)
    except (pa.ArrowInvalid, UnicodeError) as error:
        raise SourceError(
            f"{path.name} cannot be divided into rows: {str(error)[:150]}",
            expected=_EXPECTED,
            hint="a quotation mark may be open, or the encoding is another one (say so in the settings)",
        ) from None
    places = [(number + header_row - lines_n, width) for number, width in ragged]
    frame = table.rename_columns(names).to_pandas(split_blocks=True, self_destruct=True)
    first = header_row + 1
    frame.index = pd.RangeIndex(first, first + len(frame))
    if places:
        numbers = np.arange(first, first + len(frame) + len(places))
        frame.index = pd.Index(numbers[~np.isin(numbers, [row for row, _ in places])])
    raw = drop_empty(Raw(file=path.name, frame=frame))
    raw.ragged = places
    return raw


def _arrow_table(
    path: Path, encoding: str, delimiter: str, width: int, lines_n: int, *, threads: bool
) -> tuple[Any, list[tuple[int, int]]]:
    """Return the rows below the header as text, and number and width of those that do not fit."""
    import pyarrow as pa
    import pyarrow.csv as pc

    ragged: list[tuple[int, int]] = []

    def pass_over(row: pc.InvalidRow) -> str:
        ragged.append((row.number or 0, row.actual_columns))
        return "skip"

    names = [str(place) for place in range(width)]
    table = pc.read_csv(
        path,
        read_options=pc.ReadOptions(
            use_threads=threads, block_size=4 * LINE_LIMIT, encoding=encoding.removesuffix("-sig"),
            skip_rows=lines_n, column_names=names,
        ),
        parse_options=pc.ParseOptions(
            delimiter=delimiter, newlines_in_values=True, ignore_empty_lines=False, invalid_row_handler=pass_over
        ),
        convert_options=pc.ConvertOptions(
            column_types=dict.fromkeys(names, pa.large_string()), strings_can_be_null=False
        ),
    )  # fmt: skip
    return table, ragged
