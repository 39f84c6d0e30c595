"""Columns of Arrow batches as NumPy arrays: codes of names, ids, numbers, and times in microseconds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.core.errors import MissingDataError

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray


def dictionary(column: pa.Array) -> tuple[NDArray[np.int64], list[str]]:
    """Return codes into distinct names; a missing name has the code after the last."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if not pa.types.is_dictionary(column.type):
        column = pc.dictionary_encode(column)
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    names = ["" if one is None else str(one) for one in column.dictionary.to_pylist()]
    indices = column.indices
    if indices.null_count:
        indices = pc.fill_null(indices, len(names))
    return indices.to_numpy(zero_copy_only=False), names


def as_texts(column: pa.Array) -> pa.Array:
    """Return a column as text, or as it is where it is text or codes of text."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if (
        pa.types.is_dictionary(column.type)
        or pa.types.is_string(column.type)
        or pa.types.is_large_string(column.type)
    ):
        return column
    return pc.cast(column, pa.string())


def plain_values(column: pa.Array) -> NDArray[Any]:
    """Return the values themselves, not codes of them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(column.type):
        column = pc.cast(column, column.type.value_type)
    return np.asarray(column.to_pandas())


def numbers(column: pa.Array, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the numbers in chosen rows; NaN where a cell holds none."""
    import pandas as pd

    cells = pd.to_numeric(pd.Series(plain_values(column)[rows]), errors="coerce")
    return cells.to_numpy(dtype=float, na_value=np.nan)


def named(column: pa.Array) -> NDArray[np.bool_]:
    """Whether each row says whose it is: blanks and missing values do not."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(column.type):
        column = pc.cast(column, column.type.value_type)
    good = column.is_valid()
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        filled = pc.not_equal(pc.utf8_trim_whitespace(column), "")
        good = pc.and_(good, pc.fill_null(filled, False))
    return np.array(good.to_numpy(zero_copy_only=False), bool)


def ids(column: pa.Array, rows: NDArray[np.int64]) -> Any:
    """Return ids of chosen rows: whole numbers as they are, everything else as Arrow text."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_integer(column.type):
        if column.null_count:
            column = pc.fill_null(column, 0)
        return column.to_numpy(zero_copy_only=False)[rows].astype(np.int64, copy=False)
    if pa.types.is_dictionary(column.type):
        column = pc.cast(column, column.type.value_type)
    return pc.cast(column.take(pa.array(rows)), pa.large_string())


def take(column: Any, rows: NDArray[np.int64]) -> Any:
    """Return chosen rows of an array of either kind."""
    if isinstance(column, np.ndarray):
        return column[rows]
    import pyarrow as pa

    return column.take(pa.array(rows))


def joined(pieces: list[Any]) -> Any:
    """Return pieces of a column as one."""
    if isinstance(pieces[0], np.ndarray):
        return np.concatenate(pieces)
    import pyarrow as pa

    return pa.chunked_array(pieces).combine_chunks()


def coded(ids: Any) -> NDArray[np.int64]:
    """Return ids as codes."""
    if isinstance(ids, np.ndarray):
        return np.unique(ids, return_inverse=True)[1].astype(np.int64)
    return dictionary(ids)[0].astype(np.int64)


def micro(column: pa.Array, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the times of chosen rows in microseconds; a missing time lies after every as-of time."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_date(kind):
        column, kind = pc.cast(column, pa.timestamp("s")), pa.timestamp("s")
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        try:
            column, kind = pc.cast(column, pa.timestamp("us")), pa.timestamp("us")
        except pa.ArrowInvalid as error:
            raise MissingDataError(
                f"the times cannot be read ({str(error)[:120]})", expected="ISO text, timestamps or epochs",
                hint="load the log with fn.events, which reads every way of writing dates",
            ) from None  # fmt: skip
    if pa.types.is_timestamp(kind):
        up, down = {"s": (10**6, 1), "ms": (1000, 1), "us": (1, 1), "ns": (1, 1000)}[kind.unit]
        column = pc.cast(column, pa.int64()) if column.null_count else column.view(pa.int64())
    elif pa.types.is_integer(kind):
        up, down = 0, 1
    else:
        raise MissingDataError(
            f"the time column holds {kind}", expected="timestamps, ISO text or whole numbers"
        )
    missing = None
    if column.null_count:
        missing = column.is_null().to_numpy(zero_copy_only=False)[rows]
        column = pc.fill_null(column, 0)
    found = column.to_numpy(zero_copy_only=False)[rows].astype(np.int64, copy=False)
    if up == 0:
        up, down = _epoch_scale(found)
    found = found * up if up != 1 else found // down if down != 1 else found
    if missing is not None:
        found = np.where(missing, np.iinfo(np.int64).max, found)
    return found


def _epoch_scale(numbers: NDArray[np.int64]) -> tuple[int, int]:
    middle = float(np.median(numbers)) if len(numbers) else 0.0
    for low, up, down in ((2e17, 1, 1000), (2e14, 1, 1), (2e11, 1000, 1), (2e8, 10**6, 1)):
        if middle >= low:
            return up, down
    return 1, 1
