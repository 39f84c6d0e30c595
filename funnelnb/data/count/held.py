"""What an engine keeps while it counts: tables computed once, and tables cut so that each part fits into memory."""

from __future__ import annotations

import contextlib
import itertools
import math
import weakref
from typing import TYPE_CHECKING, Any

import narwhals as nw

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PART_ROWS = 4_000_000
"""Rows of a part: grouping them takes some 500 MB, whatever the number of parts."""

PIECE_ROWS = 1_000_000
"""Deals whose ledger is made at once: some 500 MB."""

_PART = "funnelnb_part"
_NUMBER = itertools.count(1)


def materialised(frame: nw.LazyFrame[Any], owner: object, source: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """Return `frame` computed, still in its engine.

    Parameters
    ----------
    frame : LazyFrame
    owner : object
        What is kept goes when this does.
    source : LazyFrame
        A table of the same engine that stays there as long as what is kept.

    Returns
    -------
    LazyFrame
        DuckDB: of a temporary table of the same connection. PySpark: of a local checkpoint. Polars: of a frame in
        memory. Engines of which nothing better is known recompute it each time.
    """
    if frame.implementation.is_duckdb():
        return nw.from_native(_temporary_table(frame.to_native(), owner, source.to_native()))
    if frame.implementation.is_spark_like() and hasattr(frame.to_native(), "localCheckpoint"):
        return nw.from_native(frame.to_native().localCheckpoint())
    if frame.implementation.is_polars() or frame.implementation.is_pandas_like():
        return frame.collect().lazy()
    return frame


def in_parts(
    frames: Sequence[nw.LazyFrame[Any]], key: str, owner: object
) -> list[tuple[nw.LazyFrame[Any], ...]]:
    """Return tables cut into parts that can be grouped in memory one after the other.

    Parameters
    ----------
    frames : sequence of LazyFrame
        Their column `key` has the same type in each.
    key : str
        Rows with the same value of it come to the same part.
    owner : object
        What is kept goes when this does.

    Returns
    -------
    list of tuple of LazyFrame
        Per part one frame for each of `frames`. One part for tables up to PART_ROWS rows, and for engines that
        cut by themselves what they group (PySpark) or hold the tables in memory anyway (Polars).

    Notes
    -----
    A part is the rest of the key's hash, so that every row is in exactly one. The tables are sorted by it once, on
    disk where the engine's memory does not suffice; what the engine knows of its blocks then lets it read those
    of one part only.
    """
    if not frames[0].implementation.is_duckdb():
        return [tuple(frames)]
    natives = [frame.to_native() for frame in frames]
    parts_n = math.ceil(max(len(native) for native in natives) / PART_ROWS)
    if parts_n <= 1:
        return [tuple(frames)]
    sql = f'SELECT *, (hash("{key}") % {parts_n})::INTEGER AS {_PART} FROM funnelnb_cut ORDER BY {_PART}'  # noqa: S608
    cut = [
        nw.from_native(_temporary_table(native.query("funnelnb_cut", sql), owner, native))
        for native in natives
    ]
    return [tuple(frame.filter(nw.col(_PART) == k).drop(_PART) for frame in cut) for k in range(parts_n)]


def rows_of(frame: nw.LazyFrame[Any], columns: Sequence[str]) -> Iterator[Any]:
    """Yield some columns of a DuckDB table as Arrow tables of so many rows, one after the other."""
    import pyarrow as pa

    known = frame.collect_schema().names()
    wanted = frame.select([name for name in dict.fromkeys(columns) if name in known])
    for batch in wanted.to_native().to_arrow_reader(PIECE_ROWS):
        yield pa.Table.from_batches([batch])


def distinct(frame: nw.LazyFrame[Any], key: str) -> tuple[int, int]:
    """Return how many rows a DuckDB table has, and how many values its key, counted a part of them at a time."""
    native = frame.to_native()
    rows_n = len(native)
    parts_n = max(math.ceil(rows_n / PART_ROWS), 1)
    found = 0
    for k in range(parts_n):
        sql = f'SELECT count(DISTINCT "{key}") FROM funnelnb_ids WHERE hash("{key}") % {parts_n} = {k}'  # noqa: S608
        found += int(native.query("funnelnb_ids", sql).fetchall()[0][0])
    return rows_n, found


def _temporary_table(relation: Any, owner: object, source: Any) -> Any:
    """Return a relation of a new temporary table with the rows of `relation`."""
    name = f"funnelnb_held_{next(_NUMBER)}"
    relation.query("funnelnb_source", f"CREATE TEMP TABLE {name} AS SELECT * FROM funnelnb_source")  # noqa: S608
    anchor = source.query("funnelnb_source", "SELECT 1 AS one")  # needs no table that may go first
    weakref.finalize(owner, _drop, anchor, name)
    return anchor.query("funnelnb_anchor", f"FROM {name}")


def _drop(anchor: Any, name: str) -> None:
    with contextlib.suppress(Exception):  # the connection may be gone or busy; the table goes with it
        anchor.query("funnelnb_anchor", f"DROP TABLE IF EXISTS {name}").fetchall()
