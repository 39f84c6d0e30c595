"""Let an engine compute a frame once and keep it in its own temporary storage, so that many counts can follow."""

from __future__ import annotations

import contextlib
import itertools
import weakref
from typing import Any

import narwhals as nw

_NUMBER = itertools.count(1)


def hold(frame: nw.LazyFrame[Any], owner: object) -> nw.LazyFrame[Any]:
    """Return `frame` computed, still in its engine.

    Parameters
    ----------
    frame : LazyFrame
    owner : object
        What is kept goes when this does.

    Returns
    -------
    LazyFrame
        DuckDB: of a temporary table of the same connection. PySpark: of a local checkpoint. Polars: of a frame in
        memory. Engines of which nothing better is known recompute it each time.
    """
    if frame.implementation.is_duckdb():
        return nw.from_native(_temporary_table(frame.to_native(), owner))
    if frame.implementation.is_spark_like() and hasattr(frame.to_native(), "localCheckpoint"):
        return nw.from_native(frame.to_native().localCheckpoint())
    if frame.implementation.is_polars() or frame.implementation.is_pandas_like():
        return frame.collect().lazy()
    return frame


def _temporary_table(relation: Any, owner: object) -> Any:
    """Return a relation of a new temporary table with the rows of `relation`."""
    name = f"funnelnb_held_{next(_NUMBER)}"
    relation.query("funnelnb_source", f"CREATE TEMP TABLE {name} AS SELECT * FROM funnelnb_source")  # noqa: S608
    anchor = relation.query("funnelnb_source", "SELECT 1 AS one")  # needs no table that may go first
    weakref.finalize(owner, _drop, anchor, name)
    return anchor.query("funnelnb_anchor", f"FROM {name}")


def _drop(anchor: Any, name: str) -> None:
    with contextlib.suppress(Exception):  # the connection may be gone or busy; the table goes with it
        anchor.query("funnelnb_anchor", f"DROP TABLE IF EXISTS {name}").fetchall()
