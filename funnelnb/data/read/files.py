"""Files, frames and databases to raw tables: one reader per form, chosen by what the source is.

Longer than most modules: each kind of file has its reader and its limits here, read as a list.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import re
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funnelnb.core.errors import SourceError, nearest
from funnelnb.core.note import Note
from funnelnb.data.contract.limits import Limits
from funnelnb.data.contract.settings import TableSettings
from funnelnb.data.read.archive import MB, tables_inside, unpacked
from funnelnb.data.read.duckdb_file import duckdb_tables, read_duckdb
from funnelnb.data.read.guard import guarded
from funnelnb.data.read.html_table import read_html
from funnelnb.data.read.json_records import json_tables, read_json
from funnelnb.data.read.parts import Sample, sample_of
from funnelnb.data.read.raw import Raw, cell_text, drop_empty, refuse_long_cells, unique_names
from funnelnb.data.read.sheet import open_workbook, read_workbook
from funnelnb.data.read.sql_dump import dump_tables, read_dump
from funnelnb.data.read.stack import same_shape, stacked
from funnelnb.data.read.text import read_text
from funnelnb.data.read.xml_table import read_xml

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd


TEXT_SUFFIXES = (".csv", ".tsv", ".txt", ".tab", ".psv")
EXCEL_SUFFIXES = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods")
PARQUET_SUFFIXES = (".parquet", ".pq")
DUCKDB_SUFFIXES = (".duckdb", ".ddb", ".db")
JSON_SUFFIXES = (".json", ".jsonl", ".ndjson")
ARCHIVE_SUFFIXES = (".zip", ".gz")
PAGE_SUFFIXES = (".html", ".htm")
XML_SUFFIXES = (".xml", ".xes")
DUMP_SUFFIXES = (".sql",)
INNER = (
    *TEXT_SUFFIXES, *EXCEL_SUFFIXES, *PARQUET_SUFFIXES, *JSON_SUFFIXES, *PAGE_SUFFIXES, *XML_SUFFIXES,
    *DUMP_SUFFIXES,
)  # fmt: skip
SUFFIXES = (*INNER, *DUCKDB_SUFFIXES, *ARCHIVE_SUFFIXES)
"""Files that :func:`read_file` reads."""


def read(source: Any, name: str, settings: TableSettings | None = None) -> Raw:
    """What does a file or a frame hold?

    Parameters
    ----------
    source : path or frame
        A file of a known ending, or any frame that narwhals knows: pandas, Polars, PyArrow, DuckDB, PySpark.
    name : str
        What messages call a frame.
    settings : TableSettings, optional

    Returns
    -------
    Raw

    Raises
    ------
    SourceError
        Whatever goes wrong while reading, with place and remedy.
    """
    settings = settings or TableSettings()
    if isinstance(source, (str, Path)):
        return read_file(Path(source), settings)
    with guarded(name, "a frame whose columns can be read", "convert it to a pandas frame first"):
        raw = read_frame(source, name)
    settings.limits.refuse("columns", len(raw.columns), name)
    refuse_long_cells(raw, settings.limits)
    return raw


_KEPT: ContextVar[dict[Any, Raw] | None] = ContextVar("kept", default=None)


@contextlib.contextmanager
def read_once() -> Iterator[None]:
    """Read each file once, however often it is asked for within; a file that has changed is read again."""
    token = _KEPT.set({})
    try:
        yield
    finally:
        _KEPT.reset(token)


def read_file(path: Path, settings: TableSettings) -> Raw:
    """Read one table from a file, or take it as it was read before within :func:`read_once`.

    Raises
    ------
    SourceError
        As for :func:`_read_file`.
    """
    kept = _KEPT.get()
    if kept is None:
        return _read_file(path, settings)
    asked = tuple(getattr(settings, name) for name in _READ_BY)
    key = (path.absolute(), _state(path), path in _BEYOND.get()[0], *asked)
    if key not in kept:
        kept[key] = _read_file(path, settings)
    found = kept[key]
    return replace(
        found, ragged=list(found.ragged), notes=list(found.notes), spoilt=set(found.spoilt),
        unique=set(found.unique), words={},
    )  # fmt: skip


_READ_BY = (
    "sheet", "header", "header_row", "quote", "escape", "mend", "totals", "limits", "encoding", "delimiter", "query",
)  # fmt: skip
"""Settings that tell how a file is read; all others come later."""


def _read_file(path: Path, settings: TableSettings) -> Raw:
    """Read one table from a file, by what it is; its ending only says what it was meant to be.

    Raises
    ------
    SourceError
        Whatever goes wrong while reading, with place and remedy.
    """
    kind = kind_of_file(path)
    before = _state(path)
    sample = None
    if kind == "text" and (path in _BEYOND.get()[0] or not settings.limits.fits_memory(path.stat().st_size)):
        sample = _sampled(path, settings)
    with guarded(path.name[:200]):
        raw = _READERS[kind](path if sample is None else sample.path, settings)
    if sample is not None:
        _as_in_the_text(raw, sample)
    if _state(path) != before:
        raise SourceError(
            f"{path.name} was changed while it was being read",
            expected="a file that stays as it is",
            hint="try again when the export has finished",
        )
    refuse_long_cells(raw, settings.limits)
    suffix = path.suffix.lower()
    if suffix in SUFFIXES and suffix not in _ENDINGS[kind]:
        raw.notes.insert(0, Note("other_kind", {"file": path.name, "kind": _KINDS[kind], "ending": suffix}))
    return raw


_BEYOND: ContextVar[tuple[frozenset[Path], SourceError | None]] = ContextVar(
    "beyond", default=(frozenset(), None)
)


@contextlib.contextmanager
def read_together(paths: Sequence[Path], limits: Limits) -> Iterator[SourceError | None]:
    """Read files one after the other; delimited texts that do not fit into memory together count as too large each.

    Yields
    ------
    SourceError or None
        The refusal of those that are too large together.
    """
    texts = [one for one in paths if one.suffix.lower() in TEXT_SUFFIXES and one.is_file()]
    if len(texts) > 1 and not limits.fits_memory(sum(one.stat().st_size for one in texts)):
        texts = [one for one in texts if one.stat().st_size and kind_of_file(one) == "text"]
    total = sum(one.stat().st_size for one in texts)
    if len(texts) < 2 or limits.fits_memory(total):
        yield None
        return
    name = ", ".join(one.name for one in texts[:3]) + (", …" if len(texts) > 3 else "")
    refusal = limits.beyond_memory(total, name)
    token = _BEYOND.set((frozenset(texts), refusal))
    try:
        yield refusal
    finally:
        _BEYOND.reset(token)


_SAMPLES: ContextVar[tuple[Path, list[Path]] | None] = ContextVar("samples", default=None)


@contextlib.contextmanager
def sampled(folder: Path) -> Iterator[list[Path]]:
    """Read a text that does not fit into memory by a sample of its lines, written into `folder`; else it is refused.

    Yields
    ------
    list of Path
        Such texts, as they are met.
    """
    met: list[Path] = []
    token = _SAMPLES.set((folder, met))
    try:
        yield met
    finally:
        _SAMPLES.reset(token)


def _sampled(path: Path, settings: TableSettings) -> Sample:
    """Return a sample of a text that does not fit into memory, where one will do."""
    wanted = _SAMPLES.get()
    if wanted is None:
        texts, refusal = _BEYOND.get()
        if path in texts and refusal is not None:
            raise refusal
        raise settings.limits.beyond_memory(path.stat().st_size, path.name)
    folder, met = wanted
    if path not in met:
        met.append(path)
    return sample_of(path, folder)


def _as_in_the_text(raw: Raw, sample: Sample) -> None:
    """Give the rows of a sample the numbers that they have in the text."""
    raw.sampled = True
    raw.frame.index = raw.frame.index.map(sample.row)
    raw.ragged = [(sample.row(row), width) for row, width in raw.ragged]
    raw.notes = [
        replace(one, values={**one.values, "row": sample.row(one.values["row"])})
        if isinstance(one.values.get("row"), int)
        else one
        for one in raw.notes
    ]
    raw.lines = None


def _state(path: Path) -> tuple[int, ...]:
    """Return what changes when a file is written or replaced; empty if it is gone."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return (found.st_ino, found.st_size, found.st_mtime_ns)


def kind_of_file(path: Path) -> str:
    """What is in a file, going by its first bytes?

    Parameters
    ----------
    path : Path

    Returns
    -------
    str
        ``text``, ``excel``, ``parquet``, ``duckdb``, ``json``, ``zip`` or ``gzip``.

    Raises
    ------
    SourceError
        There is no such file, it cannot be opened, or its ending is not known.
    """
    if not exists(path):
        raise SourceError(
            f"there is no file {str(path)[:300]}",
            expected="a file with the ending " + ", ".join(SUFFIXES),
            hint=nearest_file(path),
        )
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise SourceError(
            f"{path.name[:200]} has the ending {suffix[:20] or '(none)'}",
            expected="one of " + ", ".join(SUFFIXES),
            hint="export it as CSV or Excel",
        )
    try:
        with path.open("rb") as stream:
            head = stream.read(4096)
    except (OSError, ValueError) as error:
        raise SourceError(
            f"{path.name[:200]} cannot be read ({getattr(error, 'strerror', None) or error})",
            expected="a file that you may read",
            hint="check path and rights",
        ) from None
    return _kind_of_bytes(path, head, suffix)


def _kind_of_bytes(path: Path, head: bytes, suffix: str) -> str:
    if head.startswith(b"PK\x03\x04"):
        return "zip" if not _is_workbook(path) and suffix not in EXCEL_SUFFIXES else "excel"
    for magic, kind in ((b"\xd0\xcf\x11\xe0", "excel"), (b"\x1f\x8b", "gzip"), (b"PAR1", "parquet")):
        if head.startswith(magic):
            return kind
    start = head.lstrip(b"\xef\xbb\xbf \r\n\t")
    marked = _marked_up(head)
    if marked and suffix not in _ENDINGS["duckdb"]:
        return marked
    for kind in ("duckdb", "json", "parquet", "zip", "gzip", "dump", "xml", "html"):
        if suffix in _ENDINGS[kind]:
            return kind
    records = re.match(rb'[\[{]\s*(?:[\[{]\s*)?"[^"]*"\s*[:,\]]', start)
    return "json" if records else "text"


def _marked_up(head: bytes) -> str:
    """Return ``html`` or ``xml`` for a text that begins as such, else nothing."""
    text = head.replace(b"\x00", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \r\n\t").lower()
    if re.match(rb"<(?:!doctype html|html|head|body|table|meta|style|div|center)\b", text):
        return "html"
    if text.startswith(b"<?xml") or re.match(rb"<(?:log|workbook)\b", text):
        return "html" if b"<html" in text else "xml"
    return ""


def _is_workbook(path: Path) -> bool:
    """Whether a ZIP archive is a workbook, by the names in it."""
    import zipfile

    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return False
    return any(name.startswith("xl/") for name in names) or {"mimetype", "content.xml"} <= set(names)


def exists(path: Path) -> bool:
    """Whether there is a file or folder; also for paths that no system would take."""
    try:
        return path.exists()
    except (OSError, ValueError, RuntimeError):
        return False


def nearest_file(path: Path) -> str:
    """Return a hint that names the file beside `path` most like it."""
    try:
        beside = sorted(one.name for one in path.parent.iterdir()) if path.parent.is_dir() else []
    except (OSError, ValueError, RuntimeError):
        beside = []
    hint = nearest(path.name[:200], beside)
    return hint if hint.startswith("did you mean") or 0 < len(beside) <= 10 else "check the path"


def sub_tables(path: Path, limits: Limits | None = None) -> list[str]:
    """Return the names of the sheets or tables that one file holds; empty for a file with one table."""
    kind = kind_of_file(path)
    settings = TableSettings(limits=limits or Limits())
    with guarded(path.name[:200]):
        if kind == "excel":
            return list(open_workbook(path, settings).sheet_names)
        if kind == "zip":
            return tables_inside(path, settings.limits, INNER)
        if kind == "json":
            return json_tables(path)
        if kind == "dump":
            return dump_tables(path, settings.limits)
        if kind == "duckdb":
            return duckdb_tables(path)
    return []


def _read_zip(path: Path, settings: TableSettings) -> Raw:
    """Read the one table of an archive, or those of one shape."""
    inside = tables_inside(path, settings.limits, INNER)
    if not inside or (settings.sheet and settings.sheet not in inside):
        raise SourceError(
            f"{path.name} holds no table {settings.sheet}"
            if settings.sheet
            else f"{path.name} holds no table",
            expected="one of " + ", ".join(inside) if inside else "a CSV, Excel or other file in the archive",
            hint=nearest(settings.sheet, inside) if settings.sheet else "unpack it and give the file itself",
        )
    wanted = [settings.sheet] if settings.sheet else inside
    raws = [_unpacked(path, name, settings) for name in wanted]
    if len(raws) == 1:
        return raws[0]
    if all(same_shape(raw, raws[0]) for raw in raws):
        return stacked(raws, path.name, inside, "file")
    raise SourceError(
        f"{path.name} holds {len(inside)} tables: {', '.join(inside)[:200]}",
        expected="one table, or several of one shape",
        hint=f'say which one: sheet = "{inside[0]}" for this table in funnelnb.toml',
    )


def _unpacked(path: Path, inside: str, settings: TableSettings) -> Raw:
    shown = f"{path.name}!{inside}" if inside else path.name
    with unpacked(path, inside, settings.limits) as file:
        own = replace(settings, sheet="") if inside else settings
        if file.suffix.lower() not in INNER:
            file = file.rename(file.with_suffix(".csv"))  # noqa: PLW2901
        try:
            raw = read_file(file, own)
        except SourceError as error:  # speaks of the file in the temporary folder
            said = [one.replace(file.name, shown) for one in (error.found, error.expected, error.hint)]
            raise SourceError(said[0], expected=said[1], hint=said[2]) from error.__cause__
        raw.notes = [replace(note, values={**note.values, "file": shown}) for note in raw.notes]
        raw.file = shown
        return raw


def _read_gzip(path: Path, settings: TableSettings) -> Raw:
    return _unpacked(path, "", settings)


def _read_parquet(path: Path, settings: TableSettings) -> Raw:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            columns_n, rows_n = len(file.schema_arrow.names), file.metadata.num_rows
            settings.limits.refuse("columns", columns_n, path.name)
            if rows_n * columns_n > min(PARQUET_CELLS, PACKED_CELLS * path.stat().st_size):
                settings.limits.refuse("cells", rows_n * columns_n, path.name)
            table = _by_column(file, path, settings.limits)
    except (pa.ArrowException, OSError, ValueError):
        raise SourceError(
            f"{path.name} is not a Parquet file, or is damaged",
            expected="a Parquet file",
            hint="export it again",
        ) from None
    return _from_arrow(table, path.name)


def _by_column(file: Any, path: Path, limits: Limits) -> Any:
    """Read a Parquet file column by column, and stop where it is many times as large as its file."""
    import pyarrow as pa

    size, packed = 0, max(path.stat().st_size, 1)
    columns = []
    for place in range(len(file.schema_arrow.names)):
        columns.append(_column(file, place))
        size += _written_out(columns[-1])
        if size > PACKED_MB * MB:
            limits.refuse("unpacked_times", size // packed, path.name)
    return pa.table(columns, schema=file.schema_arrow)


def _written_out(column: Any) -> int:
    """Return how many bytes a column takes when every cell of it is written out, also one coded by a dictionary."""
    import pyarrow as pa

    if not pa.types.is_dictionary(column.type):
        return int(column.nbytes)
    parts = [one for one in column.chunks if len(one.dictionary)]
    return sum(len(one) * max(one.dictionary.nbytes // len(one.dictionary), 1) for one in parts)


def _column(file: Any, place: int) -> Any:
    """Return a column of a Parquet file by its place; names may repeat, and columns may hold records."""
    name = file.schema_arrow.names[place]
    if file.schema_arrow.names.count(name) == 1 and "." not in name:
        return file.read(columns=[name]).column(0)
    return file.read().column(place)


PARQUET_CELLS = 2_000_000_000
"""Up to here a Parquet file is read whatever the limit on cells: it is typed and read by columns."""

PACKED_CELLS = 4
"""So many cells for each byte of a Parquet file are no table: then the limit on cells holds."""

PACKED_MB = 400
"""From here on a Parquet file may be only so many times as large as its file."""


def read_frame(source: Any, name: str) -> Raw:
    """Read any frame that narwhals knows, lazy or not."""
    import narwhals as nw
    import pandas as pd

    if isinstance(source, pd.DataFrame):
        return _from_pandas(source, name)
    try:
        frame = nw.from_native(source)
    except TypeError:
        raise SourceError(
            f"{name} is of type {type(source).__name__}",
            expected="a path, or a pandas, Polars, PyArrow, DuckDB or PySpark frame",
            hint="convert it to one of these",
        ) from None
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect("pyarrow")
    return _from_arrow(frame.to_arrow(), name)


def _from_pandas(source: pd.DataFrame, name: str) -> Raw:
    """Copy a pandas frame; columns of mixed objects become text."""
    import pandas as pd

    frame = source.copy()
    for level, index in enumerate(source.index.names):  # an index with a name is a column
        if index is not None:
            values = source.index.get_level_values(level)
            frame.insert(level, index, values, allow_duplicates=True)
    frame.columns = unique_names(list(frame.columns))
    for column in frame.columns:
        cells = frame[column]
        if cells.dtype == "object" or isinstance(cells.dtype, pd.CategoricalDtype):
            frame[column] = _objects(cells)
        elif isinstance(cells.dtype, pd.StringDtype):
            frame[column] = cells.astype("str").fillna("")
        elif isinstance(cells.dtype, pd.ArrowDtype):
            frame[column] = _from_arrow(_arrow_table(column, cells), name).frame[column].array
    return _framed(frame, name)


def _arrow_table(column: str, cells: pd.Series) -> Any:
    import pyarrow as pa

    made = pa.array(cells.array)
    return pa.table({column: made if isinstance(made, pa.ChunkedArray) else pa.chunked_array([made])})


def _objects(cells: pd.Series) -> Any:
    """Return objects as times if all are, else as text."""
    import pandas as pd

    known = cells.dropna()
    if len(known) and all(isinstance(value, datetime.date) for value in known):
        zones = {getattr(value, "tzinfo", None) for value in known}
        if len(zones) == 1:  # else every cell is read by itself, as text
            return pd.to_datetime(cells)
    return pd.array(["" if pd.isna(value) else cell_text(value) for value in cells], dtype="str")


def _from_arrow(table: Any, name: str) -> Raw:
    """Turn an Arrow table into pandas: text as str with ``""`` for null, decimals as floats."""
    import pyarrow as pa

    columns, notes = [], []
    for field, column in zip(table.schema, table.columns, strict=True):
        taken, unreadable = _arrow_column(column, field.type)
        columns.append(taken)
        if unreadable:
            notes.append(Note("values_out_of_range", {"file": name, "column": field.name, "n": unreadable}))
    names = unique_names(list(table.schema.names))
    frame = pa.table(columns, names=names).to_pandas(integer_object_nulls=False)
    raw = _framed(frame, name)
    raw.notes += notes
    return raw


def _arrow_column(column: Any, kind: Any) -> tuple[Any, int]:
    """Return a column in a type that pandas holds, and how many of its values no date can be."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(kind):
        column, kind = pc.cast(column, kind.value_type), kind.value_type
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        nested = pa.types.is_nested(kind)
        cells = [None if one is None else _spelled(one, nested=nested) for one in column.to_pylist()]
        column, kind = pa.chunked_array([pa.array(cells, pa.large_string())]), pa.large_string()
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or str(kind) == "string_view":
        return pc.fill_null(pc.cast(column, pa.large_string()), ""), 0
    if pa.types.is_decimal(kind):
        return pc.cast(column, pa.float64()), 0
    if pa.types.is_null(kind):
        return pa.chunked_array([pa.array([""] * len(column), pa.large_string())]), 0
    if pa.types.is_time(kind) or pa.types.is_duration(kind):
        return pc.fill_null(pc.cast(pc.cast(column, pa.int64()), pa.large_string()), ""), 0
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return _arrow_times(column, kind)
    return column, 0


def _spelled(value: Any, *, nested: bool) -> str:
    """Return a nested value as JSON, so that its parts can be read again; bytes as they are shown."""
    return json.dumps(value, default=str, ensure_ascii=False) if nested else str(value)


def _arrow_times(column: Any, kind: Any) -> tuple[Any, int]:
    """Return times in microseconds; those before 1678 or after 2261 as missing, with their number."""
    import pyarrow as pa
    import pyarrow.compute as pc

    zone = kind.tz if pa.types.is_timestamp(kind) else None
    unit = {"date32[day]": "D", "date64[ms]": "ms"}.get(str(kind), getattr(kind, "unit", "us"))
    width = pa.int32() if unit == "D" else pa.int64()
    numbers = pc.cast(pc.cast(column, width), pa.int64())
    per_day = {"D": 1, "s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}[unit]
    fitting = pc.and_(pc.greater(numbers, -106_000 * per_day), pc.less(numbers, 106_000 * per_day))
    bad = len(column) - column.null_count - int(pc.sum(pc.cast(fitting, pa.int64())).as_py() or 0)
    if bad:
        column = pc.if_else(fitting, column, pa.scalar(None, kind))
    return pc.cast(column, pa.timestamp("us", tz=zone), safe=False), bad


def _framed(frame: pd.DataFrame, name: str) -> Raw:
    import pandas as pd

    if frame.empty:
        raise SourceError(
            f"{name} has no rows", expected="at least one record", hint="check where it comes from"
        )
    frame.index = pd.RangeIndex(2, 2 + len(frame))
    return drop_empty(Raw(file=name, frame=frame))


_READERS = {
    "text": read_text,
    "excel": read_workbook,
    "parquet": _read_parquet,
    "duckdb": lambda path, settings: _from_arrow(*read_duckdb(path, settings)),
    "json": lambda path, settings: read_json(path, settings.limits, settings.sheet),
    "html": read_html,
    "xml": read_xml,
    "dump": read_dump,
    "zip": _read_zip,
    "gzip": _read_gzip,
}
_ENDINGS = {
    "text": TEXT_SUFFIXES,
    "excel": EXCEL_SUFFIXES,
    "parquet": PARQUET_SUFFIXES,
    "duckdb": DUCKDB_SUFFIXES,
    "json": JSON_SUFFIXES,
    "html": PAGE_SUFFIXES,
    "xml": XML_SUFFIXES,
    "dump": DUMP_SUFFIXES,
    "zip": (".zip",),
    "gzip": (".gz",),
}
_KINDS = {
    "text": "text (CSV)",
    "excel": "an Excel workbook",
    "parquet": "a Parquet file",
    "duckdb": "a DuckDB file",
    "json": "JSON",
    "html": "a web page (HTML)",
    "xml": "XML",
    "dump": "an SQL dump",
    "zip": "a ZIP archive",
    "gzip": "a gzip archive",
}
