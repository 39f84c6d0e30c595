"""Small narwhals expressions that mean the same in every engine.

Times are whole seconds as Int64; NONE stands for a time that is not known, so that no comparison ever meets a missing
value: engines disagree on those, and some turn integers with gaps into floats.
"""

from __future__ import annotations

from datetime import datetime
from functools import reduce
from typing import TYPE_CHECKING, Any

import narwhals as nw

from funnelnb.core.errors import MissingDataError

if TYPE_CHECKING:
    from collections.abc import Mapping

NONE = -(1 << 50)
"""A time that is not known; engines without missing integers keep it exactly even as a float."""

_EPOCH = datetime(1900, 1, 1)
_EPOCH_S = -2_208_988_800
SHIFT_S = 86_400 * (1 << 20)
"""Makes every time positive, so that all engines divide alike; whole days."""


def integer(value: int) -> nw.Expr:
    """Return a constant."""
    return nw.lit(value, dtype=nw.Int64)


def choose(condition: nw.Expr, then: nw.Expr | int, otherwise: nw.Expr | int) -> nw.Expr:
    """Return `then` where the condition holds, else `otherwise`."""
    one, other = (integer(x) if isinstance(x, int) else x for x in (then, otherwise))
    return nw.when(condition).then(one).otherwise(other)


def larger(one: nw.Expr, other: nw.Expr) -> nw.Expr:
    """Return the larger of two."""
    return choose(one > other, one, other)


def coded(name: str, codes: Mapping[str, int], missing: int) -> nw.Expr:
    """Return the code of each text of a column, `missing` where it has none."""
    column = nw.col(name).cast(nw.String)
    return reduce(lambda rest, one: choose(column == one[0], one[1], rest), codes.items(), integer(missing))


def seconds_of(frame: nw.LazyFrame[Any], name: str) -> nw.Expr:
    """Return a column of dates or wall-clock times as whole seconds since 1970-01-01, NONE where missing."""
    kind = frame.collect_schema()[name]
    column = nw.col(name)
    if isinstance(kind, nw.Date):
        column = column.cast(nw.Datetime("us"))
    elif not isinstance(kind, nw.Datetime):
        raise MissingDataError(f"the column {name!r} holds {kind}", expected="dates or times")
    # PySpark has no total_seconds, but reads an interval as its seconds; and a time written as a literal would
    # stand on the clock of the session there
    spark = frame.implementation.is_spark_like() if hasattr(frame, "implementation") else False
    if spark:
        whole = (column - nw.lit(str(_EPOCH)).cast(nw.Datetime("us"))).cast(nw.Int64)
    else:
        whole = (column - nw.lit(_EPOCH)).dt.total_seconds()
    return (whole + _EPOCH_S).fill_null(NONE).cast(nw.Int64)


def text_of(frame: nw.LazyFrame[Any], name: str) -> nw.Expr:
    """Return an attribute as text; a missing value is the empty string."""
    column = nw.col(name)
    if isinstance(frame.collect_schema()[name], nw.Boolean):
        text = nw.when(column).then(nw.lit("true")).otherwise(nw.lit("false"))
        return nw.when(column.is_null()).then(nw.lit("")).otherwise(text)
    return column.cast(nw.String).fill_null("")
