"""Files, frames and databases to raw tables: one reader per form, chosen by what the source is."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funnelnb.core.errors import MissingExtraError, SourceError, nearest
from funnelnb.core.note import Note
from funnelnb.data.contract.settings import TableSettings
from funnelnb.data.read.raw import Raw, drop_empty, unique_names
from funnelnb.data.read.text import read_text, refuse_data_as_header

if TYPE_CHECKING:
    import pandas as pd


TEXT_SUFFIXES = (".csv", ".tsv", ".txt")
EXCEL_SUFFIXES = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods")
PARQUET_SUFFIXES = (".parquet", ".pq")
DUCKDB_SUFFIXES = (".duckdb", ".ddb", ".db")
SUFFIXES = (*TEXT_SUFFIXES, *EXCEL_SUFFIXES, *PARQUET_SUFFIXES, *DUCKDB_SUFFIXES)
"""Files that :func:`read_file` reads."""

EXCEL_ROWS = 1_048_576


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
    """
    settings = settings or TableSettings()
    if isinstance(source, (str, Path)):
        return read_file(Path(source), settings)
    return read_frame(source, name)


def read_file(path: Path, settings: TableSettings) -> Raw:
    """Read one table from a file, by its ending."""
    if not path.exists():
        raise SourceError(
            f"there is no file {path}",
            expected="a file with the ending " + ", ".join(SUFFIXES),
            hint=nearest_file(path),
        )
    suffix = path.suffix.lower()
    if suffix in TEXT_SUFFIXES:
        return read_text(path, settings)
    if suffix in EXCEL_SUFFIXES:
        return _read_excel(path, settings)
    if suffix in PARQUET_SUFFIXES:
        return _read_parquet(path)
    if suffix in DUCKDB_SUFFIXES:
        return _read_duckdb(path, settings)
    raise SourceError(
        f"{path.name} has the ending {suffix or '(none)'}",
        expected="one of " + ", ".join(SUFFIXES),
        hint="export it as CSV or Excel",
    )


def nearest_file(path: Path) -> str:
    """Return a hint that names the file beside `path` most like it."""
    beside = sorted(one.name for one in path.parent.iterdir()) if path.parent.is_dir() else []
    hint = nearest(path.name, beside)
    return hint if hint.startswith("did you mean") or 0 < len(beside) <= 10 else "check the path"


def sub_tables(path: Path) -> list[str]:
    """Return the names of the sheets or tables that one file holds; empty for a file with one table."""
    suffix = path.suffix.lower()
    if suffix in EXCEL_SUFFIXES:
        return list(_workbook(path).sheet_names)
    if suffix in DUCKDB_SUFFIXES:
        connection = _duckdb(path)
        try:
            return [str(row[0]) for row in connection.execute("SHOW TABLES").fetchall()]
        finally:
            connection.close()
    return []


def _workbook(path: Path) -> Any:
    import python_calamine

    with path.open("rb") as stream:
        head = stream.read(8)
    if not head.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise SourceError(
            f"{path.name} is not an Excel workbook, whatever its ending says",
            expected="a workbook saved by a spreadsheet program",
            hint="many systems export text or a web page as .xls: open it and save it as .xlsx or CSV",
        )
    try:
        return python_calamine.CalamineWorkbook.from_path(path)
    except Exception as error:  # the reader raises several kinds
        raise SourceError(
            f"{path.name} cannot be opened as a workbook ({str(error)[:100]})",
            expected="a workbook without password",
            hint="open it in a spreadsheet program and save it again",
        ) from None


def _read_excel(path: Path, settings: TableSettings) -> Raw:
    """Read one sheet; typed columns stay typed, mixed ones become text."""
    import pandas as pd

    workbook = _workbook(path)
    names = list(workbook.sheet_names)
    notes: list[Note] = []
    sheet = settings.sheet or next(
        (one for one in names if _has_rows(workbook, one)), names[0] if names else ""
    )
    if sheet not in names:
        raise SourceError(
            f"{path.name} has no sheet {sheet!r}",
            expected="one of " + ", ".join(names),
            hint=nearest(sheet, names),
        )
    if not settings.sheet and len(names) > 1:
        notes.append(Note("sheet_chosen", {"file": path.name, "sheet": sheet, "others": ", ".join(
            one for one in names if one != sheet)}))  # fmt: skip
    file = f"{path.name}!{sheet}" if len(names) > 1 else path.name
    cells = workbook.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
    header = settings.header_row
    if len(cells) < header or not any(str(one).strip() for one in cells[header - 1]):
        raise SourceError(f"{file}, row {header}: the header is empty", expected="column names in this row",
                          hint="say header_row or sheet in the settings")  # fmt: skip
    refuse_data_as_header(file, [one for one in cells[header - 1] if one != ""], header)
    if len(cells) >= EXCEL_ROWS:
        notes.append(Note("excel_full", {"file": file, "n": EXCEL_ROWS}))
    columns = unique_names(cells[header - 1])
    rows = cells[header:]
    if not any(any(cell != "" for cell in row) for row in rows):
        raise SourceError(
            f"{file} has a header and no rows", expected="at least one record", hint="export it again"
        )
    data = {name: _excel_column([row[place] for row in rows]) for place, name in enumerate(columns)}
    frame = pd.DataFrame(data, index=range(header + 1, header + 1 + len(rows)))
    return drop_empty(Raw(file=file, frame=frame, notes=notes))


def _has_rows(workbook: Any, sheet: str) -> bool:
    found = workbook.get_sheet_by_name(sheet)
    return found.total_height > 1 and found.total_width > 1


def _excel_column(cells: list[Any]) -> Any:
    """Return the cells of one column: numbers, times or flags if all are, else text."""
    import pandas as pd

    empty = [cell == "" or (isinstance(cell, str) and cell.startswith("#")) for cell in cells]
    kinds = {type(cell) for cell, blank in zip(cells, empty, strict=True) if not blank}
    values = [None if blank else cell for cell, blank in zip(cells, empty, strict=True)]
    if kinds and kinds <= {int, float}:
        return pd.array(values, dtype="Float64").to_numpy(dtype="float64", na_value=float("nan"))
    if kinds and kinds <= {datetime.datetime, datetime.date}:
        return pd.array(pd.to_datetime(pd.Series(values, dtype="object")).astype("datetime64[us]"))
    if kinds == {bool}:
        return pd.array(values, dtype="boolean")
    return pd.array([None if cell is None else cell_text(cell) for cell in values], dtype="str")


def cell_text(value: Any) -> str:
    """Return a typed cell as the text that a person would have typed: 7.0 as ``7``, dates in ISO form."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**63:
        return str(int(value))
    return str(value)


def _read_parquet(path: Path) -> Raw:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise SourceError(
            f"{path.name} is not a Parquet file ({str(error)[:100]})",
            expected="a Parquet file",
            hint="export it again",
        ) from None
    return _from_arrow(table, path.name)


def _duckdb(path: Path) -> Any:
    try:
        import duckdb
    except ImportError:
        raise MissingExtraError.for_package("duckdb", "duckdb") from None
    try:
        return duckdb.connect(str(path), read_only=True)
    except duckdb.Error as error:
        raise SourceError(
            f"{path.name} is not a DuckDB database ({str(error)[:100]})",
            expected="a DuckDB file",
            hint="check the path",
        ) from None


def _read_duckdb(path: Path, settings: TableSettings) -> Raw:
    names = sub_tables(path)
    table = settings.sheet or (names[0] if len(names) == 1 else "")
    if table not in names:
        raise SourceError(
            f"{path.name} has no table {table!r}" if table else f"{path.name} has {len(names)} tables",
            expected="one of " + ", ".join(names),
            hint=nearest(table, names) if table else "say which one with sheet in the settings",
        )
    connection = _duckdb(path)
    try:
        quoted = table.replace('"', '""')
        found = connection.sql(f'SELECT * FROM "{quoted}"').to_arrow_table()  # noqa: S608 - a quoted, known name
    finally:
        connection.close()
    return _from_arrow(found, f"{path.name}!{table}")


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
            f"{name} is a {type(source).__name__}",
            expected="a path, or a pandas, Polars, PyArrow, DuckDB or PySpark frame",
            hint="convert it to one of these",
        ) from None
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect("pyarrow")
    return _from_arrow(frame.to_arrow(), name)


def _from_pandas(source: pd.DataFrame, name: str) -> Raw:
    """Copy a pandas frame; columns of mixed objects become text."""
    import pandas as pd

    frame = source.reset_index() if any(source.index.names) else source.copy()
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

    return pa.table({column: pa.chunked_array(pa.array(cells.array))})


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
    import pyarrow.compute as pc

    columns = {}
    for field, column in zip(table.schema, table.columns, strict=True):
        kind = field.type
        if pa.types.is_dictionary(kind):
            column, kind = pc.cast(column, kind.value_type), kind.value_type  # noqa: PLW2901
        if pa.types.is_nested(kind):
            raise SourceError(
                f"{name}, column {field.name!r} holds lists or records", expected="one value per cell",
                hint="leave the column out or split it up",
            )  # fmt: skip
        if pa.types.is_string(kind) or pa.types.is_large_string(kind) or str(kind) == "string_view":
            column = pc.fill_null(pc.cast(column, pa.large_string()), "")  # noqa: PLW2901
        elif pa.types.is_decimal(kind):
            column = pc.cast(column, pa.float64())  # noqa: PLW2901
        elif pa.types.is_null(kind):
            column = pa.chunked_array([pa.array([""] * len(column), pa.large_string())])  # noqa: PLW2901
        elif pa.types.is_date(kind):
            column = pc.cast(column, pa.timestamp("us"))  # noqa: PLW2901
        columns[field.name] = column
    frame = pa.table(columns).to_pandas(integer_object_nulls=False)
    frame.columns = unique_names(list(frame.columns))
    return _framed(frame, name)


def _framed(frame: pd.DataFrame, name: str) -> Raw:
    import pandas as pd

    if frame.empty:
        raise SourceError(
            f"{name} has no rows", expected="at least one record", hint="check where it comes from"
        )
    frame.index = pd.RangeIndex(2, 2 + len(frame))
    return drop_empty(Raw(file=name, frame=frame))
