"""DuckDB files: opened read-only and as what they are, and within limits. Nothing that they point to is read."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from funnelnb.core.errors import MissingExtraError, SourceError, nearest
from funnelnb.core.machine import memory_bound
from funnelnb.data.read.archive import MB

if TYPE_CHECKING:
    from pathlib import Path

    from funnelnb.data.contract.limits import Limits
    from funnelnb.data.contract.settings import TableSettings

PACKED_MB = 400
"""From here on the rows of a DuckDB file may be only so many times as large as the file."""

DUCKDB_ROWS = 100_000
"""So many rows of a DuckDB file are taken at a time."""

_NO_NETWORK = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "enable_external_access": "false",
}
"""DuckDB loads an extension for files that it does not know, from the network if need be; never here."""

_KIND = "SELECT table_type FROM information_schema.tables WHERE table_schema = ? AND table_name = ?"

_TABLES = (
    "SELECT table_schema, table_name FROM information_schema.tables WHERE table_catalog = current_database() "
    "ORDER BY table_schema <> 'main', table_schema, table_name"
)


def schema_name(schema: str, name: str) -> str:
    """Return how a table of a DuckDB file is called: with its schema, unless that is the usual one.

    Examples
    --------
    >>> schema_name("main", "deals"), schema_name("crm", "deals")
    ('deals', 'crm.deals')
    """
    return name if schema == "main" else f"{schema}.{name}"


def _opened(path: Path) -> Any:
    """Open a DuckDB file, and nothing else: neither another kind of database nor anything that it points to."""
    try:
        import duckdb
    except ImportError:
        raise MissingExtraError.for_package("duckdb", "duckdb") from None
    with path.open("rb") as stream:
        head = stream.read(16)
    if head[8:12] != b"DUCK":
        sqlite = head.startswith(b"SQLite format 3")
        raise SourceError(
            f"{path.name} is {'an SQLite' if sqlite else 'not a DuckDB'} database, whatever its ending says",
            expected="a DuckDB file",
            hint=f"export the table as CSV: sqlite3 -header -csv {path.name} 'select * from TABLE' > deals.csv"  # noqa: S608 - words
            if sqlite
            else "check the path, or export it as CSV",
        )
    try:
        return duckdb.connect(str(path), read_only=True, config=_NO_NETWORK)
    except duckdb.Error as error:
        raise SourceError(
            f"{path.name} is not a DuckDB database ({str(error)[:100]})",
            expected="a DuckDB file",
            hint="check the path",
        ) from None


def duckdb_tables(path: Path) -> list[str]:
    """Which tables and views does a DuckDB file hold?"""
    connection = _opened(path)
    try:
        return [schema_name(*row) for row in connection.execute(_TABLES).fetchall()]
    finally:
        connection.close()


def read_duckdb(path: Path, settings: TableSettings) -> tuple[Any, str]:
    """What does one table of a DuckDB file hold?

    Parameters
    ----------
    path : Path
    settings : TableSettings
        `sheet` names the table, and is needed where there are several; `limits` are heeded.

    Returns
    -------
    tuple of (pyarrow.Table, str)
        The rows, and how messages call the table.

    Raises
    ------
    SourceError
        It is no DuckDB file, holds no such table, points to other files, or asks for more than the limits allow.

    Notes
    -----
    A view can make up texts of any length, which no memory limit of DuckDB counts: while it is read, the process may
    take `unpacked_mb` more and nothing beyond (where the system knows such a bound).
    """
    names = duckdb_tables(path)
    table = settings.sheet or (names[0] if len(names) == 1 else "")
    if table not in names:
        raise SourceError(
            f"{path.name} has no table {table!r}" if table else f"{path.name} has {len(names)} tables",
            expected="one of " + ", ".join(names),
            hint=nearest(table, names) if table else "say which one with sheet in funnelnb.toml",
        )
    import duckdb

    connection = _opened(path)
    try:
        schema, name = next(
            row for row in connection.execute(_TABLES).fetchall() if schema_name(*row) == table
        )
        catalog = str(connection.execute("SELECT current_database()").fetchall()[0][0])
        quoted = '"."'.join(part.replace('"', '""') for part in (catalog, schema, name))
        kind = connection.execute(_KIND, [schema, name]).fetchall()[0][0]
        rows = connection.sql(f'SELECT * FROM "{quoted}"')  # noqa: S608 - a quoted, known name
        with memory_bound(settings.limits.unpacked_mb * MB) if kind == "VIEW" else nullcontext():
            found = _in_time(connection, rows, path, f"{path.name}!{table}", settings.limits)
    except (duckdb.Error, OSError, MemoryError) as error:  # OSError: raised while rows are given
        if "Out of Memory" in str(error) or isinstance(error, MemoryError):
            settings.limits.refuse("unpacked_mb", 2 * settings.limits.unpacked_mb, f"{path.name}!{table}")
        raise SourceError(
            f"{path.name}, table {table!r} cannot be read ({str(error).splitlines()[0][:100]})",
            expected="a table of its own, not a view of other files",
            hint="store it as a table, or export it as CSV",
        ) from None
    finally:
        connection.close()
    return found, f"{path.name}!{table}"


def _in_time(connection: Any, rows: Any, path: Path, place: str, limits: Limits) -> Any:
    """Return rows as an Arrow table; a view may give far more than its file holds, or work without an end."""
    import threading

    import pyarrow as pa

    limits.refuse("columns", len(rows.columns), place)
    size, packed, late = 0, max(path.stat().st_size, 1), threading.Event()
    batches = []

    def watched(step: Any) -> Any:
        def end() -> None:
            late.set()
            connection.interrupt()

        timer = threading.Timer(limits.query_s, end)
        timer.start()
        try:
            return step()
        except (RuntimeError, OSError):  # DuckDB raises either when it is interrupted
            if not late.is_set():
                raise
            raise limits.too_slow(place) from None
        finally:
            timer.cancel()

    reader = watched(lambda: rows.to_arrow_reader(DUCKDB_ROWS))
    while (batch := watched(lambda: next(reader, None))) is not None:
        batches.append(batch)
        size += batch.nbytes
        if size > PACKED_MB * MB:
            limits.refuse("unpacked_times", size // packed, place)
    return pa.Table.from_batches(batches, reader.schema)
