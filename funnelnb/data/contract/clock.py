"""On whose clock are times told? On one, the same whatever the data came from.

A moment (a time with an offset or a zone) is converted to the wall clock of the zone asked for, to UTC if none was.
A time without either is taken as that clock showed it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.core.errors import ParameterError, nearest
from funnelnb.core.note import Note

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import narwhals as nw
    import pyarrow as pa
    from numpy.typing import NDArray


UTC = "UTC"
"""The clock of moments where no zone was asked for."""

UNKNOWN = np.iinfo(np.int64).min
"""A time that is not known, in every ``_s`` array (the value of NaT)."""


def zone_of(name: str, value: Any) -> str:
    """Return the time zone `value`, empty for None, or raise ParameterError with the nearest.

    Examples
    --------
    >>> zone_of("timezone", "Asia/Shanghai")
    'Asia/Shanghai'
    """
    import zoneinfo

    if value is None or value == "":
        return ""
    try:
        return zoneinfo.ZoneInfo(value).key
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        known = sorted(zoneinfo.available_timezones())
        hint = nearest(str(value), known)
        raise ParameterError(
            f"{name} = {value!r}",
            expected="a time zone such as 'Asia/Shanghai' or 'Europe/Berlin'",
            hint=hint if hint.startswith("did") else "name a region and a city, as in 'Europe/Berlin'",
        ) from None


def converted(where: Mapping[str, str], timezone: str) -> Note:
    """Return the note that moments of a column were converted."""
    return Note("times_converted", {**where, "timezone": timezone or UTC})


def wall_clock(moments: NDArray[np.datetime64], timezone: str) -> NDArray[np.datetime64]:
    """Return UTC moments as the wall clock of `timezone`."""
    import pandas as pd

    aware = pd.DatetimeIndex(moments).tz_localize(UTC)
    stamps: NDArray[np.datetime64] = (
        aware.tz_convert(timezone or UTC).tz_localize(None).as_unit("us").to_numpy()
    )
    return stamps


def column_on_clock(column: pa.Array, timezone: str) -> pa.Array:
    """Return an Arrow column of moments as the wall clock of `timezone`."""
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.local_timestamp(column.cast(pa.timestamp(column.type.unit, tz=timezone or UTC)))


def moments_among(frame: nw.LazyFrame[Any] | nw.DataFrame[Any], columns: Iterable[str]) -> tuple[str, ...]:
    """Return which of `columns` hold moments: times with a zone."""
    import narwhals as nw

    schema = frame.collect_schema()
    kinds: dict[str, Any] = {name: schema[name] for name in columns if name in schema}
    if _in_pandas(frame):  # narwhals does not know zones such as America/New_York there
        own = nw.to_native(frame).dtypes
        arrow = {name: getattr(own[name], "pyarrow_dtype", own[name]) for name in kinds}
        return tuple(name for name, kind in arrow.items() if getattr(kind, "tz", None) is not None)
    return tuple(name for name, kind in kinds.items() if getattr(kind, "time_zone", None) is not None)


def _in_pandas(frame: nw.LazyFrame[Any] | nw.DataFrame[Any]) -> bool:
    import narwhals as nw

    return getattr(frame, "implementation", None) is nw.Implementation.PANDAS


def on_clock(frame: nw.LazyFrame[Any], columns: Iterable[str], timezone: str) -> nw.LazyFrame[Any]:
    """Return the frame with its moments as the wall clock of `timezone`, converted by the engine.

    Notes
    -----
    DuckDB and Spark show moments on the clock of the session; they are converted from the moments themselves, so
    that no session can change a number.
    """
    import narwhals as nw

    names = moments_among(frame, columns)
    if not names:
        return frame
    zone = timezone or UTC
    engine = getattr(frame, "implementation", None)
    if engine is nw.Implementation.DUCKDB:
        quoted = [f'"{name}"' for name in names]
        told = ", ".join(f"timezone('{zone}', {name}) AS {name}" for name in quoted)
        return nw.from_native(nw.to_native(frame).project(f"* REPLACE ({told})"))
    if _in_pandas(frame):
        table = nw.to_native(frame)
        told_at = {name: table[name].dt.tz_convert(zone).dt.tz_localize(None) for name in names}
        return nw.from_native(table.assign(**told_at)).lazy()
    if engine is nw.Implementation.PYSPARK:
        return nw.from_native(_spark(nw.to_native(frame), names, zone))
    return frame.with_columns(
        nw.col(name).dt.convert_time_zone(zone).dt.replace_time_zone(None) for name in names
    )


def _spark(frame: Any, names: Iterable[str], zone: str) -> Any:
    """Return a Spark frame whose moments are the wall clock of `zone`, in whole seconds."""
    from pyspark.sql import functions as sf

    none = sf.lit(0)
    for name in names:
        since = sf.make_dt_interval(none, none, none, sf.unix_seconds(sf.col(name)))
        utc = sf.expr("timestamp_ntz'1970-01-01 00:00:00'") + since
        frame = frame.withColumn(name, sf.convert_timezone(sf.lit(UTC), sf.lit(zone), utc))
    return frame
