"""Opening a log that is counted where it lies: Parquet, DuckDB, Spark."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from funnelnb.data.events.sources import opened
from funnelnb.data.events.spark import SparkEvents, opened_spark

if TYPE_CHECKING:
    from funnelnb.core.check import Day
    from funnelnb.data.events.scan import EventScan


def scan(
    source: Any,
    *,
    actor: str | None = None,
    event: str | None = None,
    time: str | None = None,
    session: str | None = None,
    as_of: Day | None = None,
    memory_mb: float = 1024,
    currency: str | None = None,
) -> EventScan | SparkEvents:
    """Count a log where it lies: Parquet files, a DuckDB relation, a Spark frame, of any size.

    Parameters
    ----------
    source : path, glob, list of paths, DuckDB relation or Spark frame
    actor, event, time, session : str, optional
        Columns; None: found by their names, as by :func:`funnelnb.events`.
    as_of : date, optional
        Up to when the log was kept; None: its last event.
    memory_mb : float
        About how much the kept rows may take at once; a larger log is read several times.
    currency : str, optional

    Returns
    -------
    EventScan or SparkEvents
        For :func:`funnelnb.funnel`, ``trend`` and ``compare``. It keeps no actors: who stands behind a bar,
        paths and drivers need the log in memory.

    Raises
    ------
    SourceError, MissingDataError
        There is nothing to read, or a column is not known.
    """
    given = {"actor": actor, "event": event, "time": time, "session": session}
    if type(source).__module__.startswith("pyspark."):
        return opened_spark(source, given, as_of, currency or "")
    return opened(source, given, as_of, memory_bytes=int(memory_mb * 2**20), currency=currency or "")
