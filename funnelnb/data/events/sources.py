"""Where a log lies that is counted there: Parquet files, read row group by row group, or a DuckDB relation."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.core import check
from funnelnb.core.errors import MissingDataError, SourceError
from funnelnb.core.note import Note
from funnelnb.data.events.cells import micro
from funnelnb.data.events.presets import PLAIN, column_of, presets, recognise
from funnelnb.data.events.scan import MANY_ROWS, Columns, EventScan
from funnelnb.data.read.files import nearest_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa

    from funnelnb.core.check import Day

_DAY_US = 86_400_000_000
_BATCH_ROWS = 1 << 20


def opened(
    source: Any, given: Mapping[str, str | None], as_of: Day | None, *, memory_bytes: int, currency: str
) -> EventScan:
    """Open a log that is counted where it lies."""
    if hasattr(source, "to_arrow_reader") and hasattr(source, "columns"):
        return _relation(source, given, as_of, memory_bytes, currency)
    if not isinstance(source, (str, Path, list, tuple)):
        raise SourceError(
            f"a value of type {type(source).__name__} is not counted where it lies",
            expected="Parquet files or a DuckDB relation",
            hint="load it with fn.events",
        )
    return _parquet(_paths(source), given, as_of, memory_bytes, currency)


def columns_of(names: Sequence[str], given: Mapping[str, str | None], where: str) -> Columns:
    """Return which columns say who, what and when; raise MissingDataError where that is not known."""
    looked = (recognise(names), presets()[PLAIN])
    found = {
        role: column_of(role, names, given.get(role), *looked)
        for role in ("actor", "event", "time", "session")
    }
    missing = [role for role in ("actor", "event", "time") if not found[role]]
    if missing:
        raise MissingDataError(
            f"{where}: no column is known to be the {' or the '.join(missing)}",
            expected="columns such as user_id, event and timestamp; there are " + ", ".join(names[:40]),
            hint=", ".join(f'{role}="…"' for role in missing) + " says which one it is",
        )
    return Columns(**found)


def as_of_of(as_of: Day | None, last_us: int | None) -> np.datetime64:
    """Return the as-of time: the one given (a plain date to its end), else the last event."""
    if as_of is None:
        return np.datetime64(0 if last_us is None else last_us, "us")
    moment = check.timestamp("as_of", as_of)
    plain = moment == moment.astype("M8[D]") and len(str(as_of)) <= len("2026-06-30")
    return moment.astype("M8[us]") + np.timedelta64(_DAY_US - 1 if plain else 0, "us")


def _paths(source: Any) -> list[Path]:
    if isinstance(source, (list, tuple)):
        return [path for one in source for path in _paths(one)]
    path = Path(source).expanduser()
    if path.is_dir():
        found = sorted(path.rglob("*.parquet"))
    elif any(char in str(source) for char in "*?[") and not path.exists():
        found = sorted(Path(one) for one in glob.glob(str(path), recursive=True))  # noqa: PTH207 - also absolute
    else:
        found = [path]
    if not found or not all(one.exists() for one in found):
        raise SourceError(f"there is no file {source}", expected="a Parquet file", hint=nearest_file(path))
    return found


def _parquet(
    paths: list[Path], given: Mapping[str, str | None], as_of: Day | None, memory_bytes: int, currency: str
) -> EventScan:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        files = [pq.ParquetFile(path) for path in paths]
    except (pa.ArrowInvalid, OSError) as error:
        raise SourceError(
            f"{paths[0].name} cannot be read as Parquet ({str(error)[:100]})", expected="Parquet files"
        ) from None
    names = files[0].schema_arrow.names
    columns = columns_of(names, given, paths[0].name)
    batches = _row_groups(paths, files[0], columns)
    times = _statistics(files, columns.time) or _ends(batches, columns.time)
    rows_n = sum(file.metadata.num_rows for file in files)
    if not rows_n or times is None:
        raise SourceError(f"{paths[0].name} has no rows", expected="at least one event")
    kind = _type(files[0], columns.time)
    whole = pa.types.is_integer(_type(files[0], columns.actor))
    return EventScan(
        batches=batches,
        columns=columns,
        properties=tuple(names),
        as_of=as_of_of(as_of, times[1]),
        rows_n=rows_n,
        notes=(Note("events_minutes"),) if rows_n > MANY_ROWS else (),
        memory_bytes=memory_bytes,
        currency=currency,
        actor_range=_statistics(files, columns.actor) if whole else None,
        time_range_us=times,
        unit_us={"s": 1_000_000, "ms": 1000}.get(kind.unit, 1) if pa.types.is_timestamp(kind) else 1,
        source=paths[0].name if len(paths) == 1 else f"{paths[0].name} and {len(paths) - 1} more",
    )


def _row_groups(paths: list[Path], first: Any, columns: Columns) -> Any:
    """Return how batches are read: row group by row group, texts as codes where they repeat."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = (pa.types.is_string, pa.types.is_large_string)
    coded = [one.name for one in first.schema_arrow if any(kind(one.type) for kind in kinds)]

    def batches(wanted: Sequence[str], _: Sequence[str] | None) -> Iterator[pa.RecordBatch]:
        texts = [name for name in coded if name in wanted and name != columns.actor]
        for path in paths:
            file = pq.ParquetFile(path, read_dictionary=texts)
            for number in range(file.metadata.num_row_groups):
                table = file.read_row_group(number, columns=list(wanted))
                yield from table.combine_chunks().to_batches()

    return batches


def _ends(batches: Any, name: str) -> tuple[int, int] | None:
    """Return the first and the last time, from a pass over the column."""
    every = [micro(batch.column(0), np.arange(len(batch))) for batch in batches([name], None)]
    known = [one[one < np.iinfo(np.int64).max] for one in every]
    known = [one for one in known if len(one)]
    return (min(int(one.min()) for one in known), max(int(one.max()) for one in known)) if known else None


def _type(file: Any, name: str) -> Any:
    return file.schema_arrow.field(name).type


def _statistics(files: list[Any], name: str) -> tuple[int, int] | None:
    """Return the smallest and largest value of a whole-number or time column, if the files say."""
    import pyarrow as pa

    lows, highs = [], []
    for file in files:
        place = next((i for i, one in enumerate(file.schema_arrow.names) if one == name), None)
        kind = _type(file, name)
        if place is None or not (pa.types.is_integer(kind) or pa.types.is_timestamp(kind)):
            return None
        for number in range(file.metadata.num_row_groups):
            group = file.metadata.row_group(number)
            column = next(
                group.column(i) for i in range(group.num_columns) if group.column(i).path_in_schema == name
            )
            found = column.statistics
            if found is None or not found.has_min_max:
                return None
            lows.append(found.min)
            highs.append(found.max)
        if pa.types.is_integer(kind) and name and isinstance(lows[0], int):
            continue
    if not lows:
        return None
    if isinstance(lows[0], int):
        low, high = min(lows), max(highs)
        return (low, high) if not _is_time(files[0], name) else None
    stamps = [
        np.datetime64(one.replace(tzinfo=None), "us").astype(np.int64) for one in (min(lows), max(highs))
    ]
    return int(stamps[0]), int(stamps[1])


def _is_time(file: Any, name: str) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_timestamp(_type(file, name)))


def _relation(
    relation: Any, given: Mapping[str, str | None], as_of: Day | None, memory_bytes: int, currency: str
) -> EventScan:
    """A DuckDB relation: columns and rows are chosen by DuckDB, batches come as Arrow."""
    names = list(relation.columns)
    columns = columns_of(names, given, "the relation")

    def batches(wanted: Sequence[str], events: Sequence[str] | None) -> Iterator[pa.RecordBatch]:
        chosen = relation.filter(_among(columns.event, events)) if events is not None else relation
        yield from chosen.project(", ".join(map(_quoted, wanted))).to_arrow_reader(_BATCH_ROWS)

    time = _quoted(columns.time)
    found = relation.aggregate(f"count(*) AS n, min({time}) AS a, max({time}) AS b").fetchall()[0]
    if not found[0]:
        raise SourceError("the relation has no rows", expected="at least one event")
    edges = [
        None
        if isinstance(one, int)
        else int(np.datetime64(str(one).replace(" ", "T").split("+")[0], "us").astype(np.int64))
        for one in found[1:]
    ]
    span = None if edges[0] is None or edges[1] is None else (edges[0], edges[1])
    if span is None:
        import pyarrow as pa

        last = [micro(pa.array([one]), np.arange(1))[0] for one in found[1:]]
        span = (int(last[0]), int(last[1]))
    return EventScan(
        batches=batches, columns=columns, properties=tuple(names), as_of=as_of_of(as_of, span[1]),
        rows_n=int(found[0]), memory_bytes=memory_bytes, currency=currency, source="a DuckDB relation",
        time_range_us=span,
    )  # fmt: skip


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _among(column: str, names: Sequence[str]) -> str:
    listed = ", ".join("'" + name.replace("'", "''") + "'" for name in names)
    return f"{_quoted(column)} IN ({listed})"
