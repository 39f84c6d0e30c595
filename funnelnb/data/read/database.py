"""Tables and queries of a database: any SQLAlchemy URL, SQLite files too; read-only, in Arrow batches.

Credentials come from the environment (``${NAME}`` in the URL), from ``FUNNELNB_DB_PASSWORD`` or from a keyring. They
are in memory only while a connection is opened: no message, note, name, setting or file ever holds them.
"""

from __future__ import annotations

import os
import re
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from funnelnb.core.errors import FunnelError, MissingExtraError, SourceError, nearest
from funnelnb.data.contract.limits import Limits
from funnelnb.data.contract.settings import TableSettings
from funnelnb.data.read.archive import MB, SUSPICIOUS_MB

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from funnelnb.data.read.raw import Raw

PASSWORD = "FUNNELNB_DB_PASSWORD"  # noqa: S105 - the name of a variable
"""Variable of the environment from which a password is taken that the URL does not hold."""

BATCH_ROWS, FIRST_ROWS = 50_000, 20
"""So many rows are fetched at a time, and to begin with: then twice as many each time."""

BATCH_CELLS, BATCH_BYTES = 500_000, 50 * MB
"""So many cells and about so many bytes are fetched at a time, if that is less."""

TYPED_TIMES = 10
"""A table read may be so many times as large as its SQLite file, which packs small numbers; more comes from a view."""

STEPS = 100_000
"""After so many instructions SQLite asks whether it has worked long enough without an answer."""

ROW_BYTES = 16 * MB
"""Up to here SQLite gives a cell or row whatever the limit on characters is; it is looked at then."""

SERVERS = (
    "postgresql", "postgres", "mysql", "mariadb", "mssql", "oracle", "snowflake", "bigquery", "redshift", "trino",
    "databricks", "clickhouse",
)  # fmt: skip
FILES = ("sqlite", "duckdb")
_URL = re.compile(r"^([a-z][a-z0-9]*)(\+[a-z0-9_]+)?://", re.IGNORECASE)
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_ONE_SELECT = re.compile(r"^\s*(select|with)\b", re.IGNORECASE)
_WRITES = re.compile(
    r"\b(insert|update|delete|drop|alter|create|truncate|grant|revoke|merge|replace|copy|call|do|attach|pragma|into\s+outfile|load_file|pg_read_file|set)\b",
    re.IGNORECASE,
)
_DRIVERS = {"postgresql": "psycopg", "mysql": "pymysql", "mariadb": "pymysql"}


def is_database(source: Any) -> bool:
    """Whether a text is the URL of a database.

    Examples
    --------
    >>> is_database("postgresql://crm.example/sales"), is_database("https://example.com/deals.csv")
    (True, False)
    """
    found = _URL.match(source) if isinstance(source, str) else None
    return bool(found) and found.group(1).lower() in (*SERVERS, *FILES)  # type: ignore[union-attr]


def refuse_web_address(source: Any) -> None:
    """Refuse an address of the web or of a cloud store: nothing is fetched from a network unasked."""
    found = _URL.match(source) if isinstance(source, str) else None
    if found and not is_database(source):
        raise SourceError(
            f"{found.group(0)}… is an address on a network",
            expected="a file, a folder, or the URL of a database such as postgresql://host/name",
            hint="download the file first: nothing is fetched from a network",
        )


def concealed(url: str) -> str:
    """Return the URL with its password moved into the environment of this process.

    The result may be written down: whoever opens it needs :data:`PASSWORD` in the environment.
    """
    parsed = _parsed(url)
    if not parsed.password or _VARIABLE.search(url):
        return url
    os.environ[PASSWORD] = str(parsed.password)
    return str(parsed._replace(password=None).render_as_string())


def shown(url: str) -> str:
    """Return how messages call a database: kind, host and name, never a user, a password or a folder.

    Examples
    --------
    >>> shown("postgresql://ann:secret@crm.example:5432/sales")
    'postgresql://crm.example/sales'
    """
    parsed = _parsed(url)
    own = parsed.get_backend_name() in FILES  # the folder may hold the name of a user
    database = os.path.basename(parsed.database or "") if own else parsed.database or ""  # noqa: PTH119
    return f"{parsed.get_backend_name()}://{parsed.host or ''}/{database}"


def database_name(url: str) -> str:
    """Return the name of the database, for the name of a book."""
    return os.path.splitext(os.path.basename(str(_parsed(url).database or "database")))[0]  # noqa: PTH119, PTH122


def tables_of(url: str) -> list[str]:
    """Which tables and views does a database hold? Those of the usual schema first, others as ``schema.table``."""
    import sqlalchemy as sa

    with _connected(url) as connection:
        inspector = sa.inspect(connection)
        usual = inspector.default_schema_name
        names = sorted([*inspector.get_table_names(), *inspector.get_view_names()])
        if connection.dialect.name in ("postgresql", "mssql", "redshift", "oracle", "duckdb"):
            others = [one for one in inspector.get_schema_names() if one != usual and one not in _SYSTEM]
            names += [
                f"{schema}.{one}"
                for schema in sorted(others)
                for one in sorted(inspector.get_table_names(schema))
            ]
    return names


_SYSTEM = (
    "information_schema",
    "pg_catalog",
    "pg_toast",
    "sys",
    "INFORMATION_SCHEMA",
    "performance_schema",
    "mysql",
)


def read_table(
    url: str, table: str, settings: TableSettings | None = None, *, limit: int | None = None
) -> Raw:
    """Read one table, or the query that the settings name instead.

    Parameters
    ----------
    url : str
    table : str
        As :func:`tables_of` names it.
    settings : TableSettings, optional
    limit : int, optional
        At most so many rows.

    Raises
    ------
    SourceError
        No connection, no such table, a query that is not one SELECT, or more than the limits allow: columns, characters
        of a cell, and of a database that is a file also bytes beside its own size and seconds without a row.
    """
    import sqlalchemy as sa

    from funnelnb.data.read.files import _from_arrow
    from funnelnb.data.read.raw import refuse_long_cells

    settings = settings or TableSettings()
    place = f"{shown(url)}!{table or 'query'}"
    with _connected(url, settings.limits) as connection:
        if settings.query:
            statement: Any = sa.text(_one_select(settings.query))
        else:
            known = tables_of(url)
            if table not in known:
                raise SourceError(
                    f"{shown(url)} has no table {table!r}",
                    expected="one of " + ", ".join(known[:40]),
                    hint=nearest(table, known),
                )
            schema, _, name = table.rpartition(".") if "." in table else ("", "", table)
            own = sa.table(name, schema=schema or None)
            statement = sa.select(sa.text("*")).select_from(own)
            if limit:
                statement = statement.limit(limit)
        found = _arrow(connection, statement, place, settings.limits)
    raw = _from_arrow(found, place)
    refuse_long_cells(raw, settings.limits)
    return raw


def _one_select(query: str) -> str:
    """Return a query that is one SELECT and nothing else; no literal can hide a second statement."""
    bare = re.sub(
        r"'(?:[^']|'')*'|\"[^\"]*\"|--[^\n]*|/\*.*?\*/", "''", query.strip().rstrip(";"), flags=re.DOTALL
    )
    if not _ONE_SELECT.match(bare) or ";" in bare or _WRITES.search(bare):
        raise SourceError(
            f"query = {query.strip()[:80]!r} is not one SELECT",
            expected="one SELECT (or WITH … SELECT) that only reads",
            hint="correct query in funnelnb.toml",
        )  # fmt: skip
    return query.strip().rstrip(";")


def _arrow(connection: Any, statement: Any, place: str, limits: Limits) -> Any:
    """Fetch in batches and return one Arrow table; a terminal sees how many rows have come."""
    import pyarrow as pa

    packed = _file_bytes(connection.engine.url)
    result = connection.execution_options(stream_results=True).execute(statement)
    names = list(result.keys())
    limits.refuse("columns", len(names), place)
    columns: list[list[Any]] = [[] for _ in names]
    n = size = 0
    rows_n, most = FIRST_ROWS, min(BATCH_ROWS, BATCH_CELLS // max(len(names), 1) + 1)
    shows = sys.stderr.isatty()
    while batch := result.yield_per(rows_n).fetchmany(rows_n):
        for kept, cells in zip(columns, zip(*batch, strict=True), strict=True):
            kept.append(_array(cells))
            size += kept[-1].nbytes
        n += len(batch)
        if packed and size > SUSPICIOUS_MB * MB:  # a view may give more than its file ever held, or never end
            limits.refuse("unpacked_times", size // packed, place)
        if size <= TYPED_TIMES * packed:  # of what is larger, all rows together must come in time
            connection.info["patience"].renew()
        rows_n = max(min(2 * rows_n, most, BATCH_BYTES * n // max(size, 1)), 1)
        if shows:
            print(f"\r{place}: {n:,} rows", end="", file=sys.stderr)
    if shows and n:
        print(file=sys.stderr)
    arrays = [_joined(kept) for kept in columns]
    return pa.table(dict(zip(_unique(names), arrays, strict=True)))


def _unique(names: list[str]) -> list[str]:
    from funnelnb.data.read.raw import unique_names

    return unique_names(names)


def _array(cells: tuple[Any, ...]) -> Any:
    """Return the cells of one column as an Arrow array; what has no type of its own becomes text."""
    import pyarrow as pa

    try:
        array = pa.array(cells)
    except (pa.ArrowException, TypeError, ValueError):
        array = pa.array([None if one is None else str(one) for one in cells])
    if pa.types.is_decimal(array.type):
        array = array.cast(pa.float64())
    if (
        pa.types.is_nested(array.type)
        or pa.types.is_binary(array.type)
        or pa.types.is_large_binary(array.type)
    ):
        array = pa.array([None if one is None else str(one) for one in cells])
    return array


def _joined(batches: list[Any]) -> Any:
    """Return the batches of one column in one type: text where they differ."""
    import pyarrow as pa

    kinds = {str(one.type) for one in batches if not pa.types.is_null(one.type)}
    if len(kinds) > 1:
        batches = [
            pa.array([None if one is None else str(one) for one in batch.to_pylist()]) for batch in batches
        ]
    else:
        kind = next((one.type for one in batches if not pa.types.is_null(one.type)), pa.string())
        batches = [batch.cast(kind) for batch in batches]
    return pa.chunked_array(batches) if batches else pa.chunked_array([pa.array([], pa.string())])


def _file_bytes(url: Any) -> int:
    """Return how large a database file is; 0 of a server."""
    try:
        return os.path.getsize(url.database) if url.get_backend_name() in FILES else 0  # noqa: PTH202
    except (OSError, TypeError):
        return 0


# ---- connections ----------------------------------------------------------------------------------------------


def _parsed(url: str) -> Any:
    try:
        import sqlalchemy as sa
    except ImportError:
        raise MissingExtraError.for_package("sqlalchemy", "database") from None
    unread = SourceError(
        "the URL of the database cannot be read", expected="such as postgresql://host:5432/name",
        hint="write special characters of a password as %XX (@ as %40), or take it from the environment",
    )  # fmt: skip
    try:
        parsed = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):  # ValueError: the port is no number
        raise unread from None
    if parsed.get_backend_name() not in FILES and _cut_password(parsed):
        raise unread
    return parsed


def _cut_password(parsed: Any) -> bool:
    """Whether the rest of a password with a plain @ was taken for host, name or options: messages would show it."""
    rest = f"{parsed.host or ''}{parsed.database or ''}"
    options = str(dict(parsed.query)) if parsed.password else ""
    return "@" in rest + options


def _complete(url: str) -> Any:
    """Return the URL with what the environment and the keyring know."""

    def value(found: re.Match[str]) -> str:
        from urllib.parse import quote

        name = found.group(1)
        if name not in os.environ:
            raise SourceError(
                f"the variable {name} of the database URL is not set", expected=f"{name} in the environment",
                hint=f"export {name}=…",
            )  # fmt: skip
        return quote(os.environ[name], safe="")

    parsed = _parsed(_VARIABLE.sub(value, url))
    if parsed.get_driver_name() and "+" not in parsed.drivername and parsed.get_backend_name() in _DRIVERS:
        parsed = parsed.set(drivername=f"{parsed.get_backend_name()}+{_DRIVERS[parsed.get_backend_name()]}")
    if parsed.username and parsed.password is None:
        password = os.environ.get(PASSWORD) or _from_keyring(parsed)
        parsed = parsed.set(password=password) if password else parsed
    return parsed


def _from_keyring(parsed: Any) -> str | None:
    try:
        import keyring

        return keyring.get_password("funnelnb", f"{parsed.username}@{parsed.host or ''}")
    except Exception:  # no keyring, a locked one, or none that answers
        return None


@contextmanager
def _connected(url: str, limits: Limits | None = None) -> Iterator[Any]:
    """Open a connection that only reads; every error becomes ours, without user and password."""
    parsed = _complete(url)
    import sqlalchemy as sa

    limits = limits or Limits()
    name, patience = parsed.get_backend_name(), _Patience(limits.query_s)
    try:
        engine = sa.create_engine(
            _read_only(parsed), **({"creator": _sqlite(parsed, limits, patience)} if name == "sqlite" else {})
        )
        try:
            with engine.connect() as connection:
                connection.info["patience"] = patience
                if name in ("postgresql", "redshift"):
                    connection.execute(sa.text("SET TRANSACTION READ ONLY"))
                elif name in ("mysql", "mariadb"):
                    connection.execute(sa.text("SET SESSION TRANSACTION READ ONLY"))
                yield connection
        finally:
            engine.dispose()
    except FunnelError:
        raise
    except (ImportError, sa.exc.NoSuchModuleError):
        raise MissingExtraError.for_package(_DRIVERS.get(name, f"a driver for {name}"), "database") from None
    except (sa.exc.SQLAlchemyError, OSError) as error:
        if name == "sqlite":
            _refuse_asking_much(error, limits, shown(url))
        said = str(getattr(error, "orig", None) or error).split("\n")[0]
        for secret in (parsed.password, parsed.username):
            said = said.replace(str(secret), "…") if secret else said
        raise SourceError(
            f"{shown(url)} cannot be read ({' '.join(said.split())[:140]})",
            expected="a database that is running, and a user who may read it",
            hint=f"check host, name and user; the password can be given in {PASSWORD}",
        ) from None


def _read_only(parsed: Any) -> Any:
    if parsed.get_backend_name() == "duckdb":
        return parsed.update_query_dict({"access_mode": "read_only"})
    return parsed


def _refuse_asking_much(error: Exception, limits: Limits, place: str) -> None:
    """Refuse a view that asks for too much of SQLite: a cell of gigabytes, or work that does not end."""
    said = str(getattr(error, "orig", "") or "")
    if "interrupted" in said:
        raise limits.too_slow(place) from None
    if "too big" in said:
        more = 10 * limits.cell_chars
        raise SourceError(
            f"{place}: a cell or row of over {_row_bytes(limits):,} bytes",
            expected=f"cells within cell_chars = {limits.cell_chars:,}",
            hint=f"if the file is right, allow it with cell_chars = {more} under [limits] in funnelnb.toml",
        ) from None


def _row_bytes(limits: Limits) -> int:
    return min(max(4 * limits.cell_chars, ROW_BYTES), 1_000_000_000)


class _Patience:
    """How long a database in this process has worked since its last answer; it is asked from within."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        self.renew()

    def renew(self) -> None:
        self.since = time.thread_time()

    def over(self) -> bool:
        return time.thread_time() - self.since > self.seconds


def _sqlite(parsed: Any, limits: Limits, patience: _Patience) -> Any:
    """Return what opens an SQLite file for reading only, without loading anything else, and within limits."""
    import sqlite3
    from pathlib import Path
    from urllib.parse import quote

    path = Path(str(parsed.database or "")).expanduser()
    if not path.is_file():
        raise SourceError(f"there is no file {path.name}", expected="an SQLite file", hint="check the path")

    def opened() -> Any:
        connection = sqlite3.connect(f"file:{quote(str(path.resolve()))}?mode=ro", uri=True)
        connection.execute("PRAGMA query_only = ON")
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _row_bytes(limits))
        connection.set_progress_handler(patience.over, STEPS)
        return connection

    return opened


def sqlite_url(path: Path) -> str:
    """Return the URL of an SQLite file."""
    return f"sqlite:///{path}"


def is_sqlite(path: Path) -> bool:
    """Whether a file is an SQLite database, whatever its ending."""
    try:
        with path.open("rb") as stream:
            return stream.read(16) == b"SQLite format 3\x00"
    except OSError:
        return False
