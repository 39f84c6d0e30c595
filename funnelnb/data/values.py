"""Cells to values: what does the text of a column mean, given the kind the contract says it is of?

Numbers are in ``numbers.py``, dates in ``dates.py``; both look at the whole column before they read one cell.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from funnelnb.data.tables import NUMERIC_KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import pandas as pd
    import pyarrow as pa

    from funnelnb.core.note import Note
    from funnelnb.data.tables import Kind

BLANKS = ("", "-", "--", "—", "–", "n/a", "#n/a", "null", "(null)", "nan", "(blank)", "无", "暂无", "未填")
"""Texts (in lower case) that stand for an empty cell in every kind but id. ``NA`` may be North America."""

_TRUE = ("true", "t", "yes", "y", "1", "1.0", "是", "有", "对", "√", "✓", "x")
_FALSE = ("false", "f", "no", "n", "0", "0.0", "否", "无", "没有", "错", "×")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How cells are to be read.

    Attributes
    ----------
    decimal : {"", ".", ","}
    date_order : {"", "dmy", "mdy", "ymd"}
    timezone : str
    unit : str or float
        Unit of a number column, from settings or header; empty: as the cells say.
    zero_is_unknown : bool
    """

    decimal: str = ""
    date_order: str = ""
    timezone: str = ""
    unit: str | float = ""
    zero_is_unknown: bool = False


@dataclass(slots=True)
class Parsed:
    """A column that has been read.

    Attributes
    ----------
    values : Series
        Missing where the cell is blank or bad.
    bad : ndarray of bool
        Cells that could not be read.
    undecided : str
        Code of the problem, if the column as a whole cannot be read.
    example : str
        A cell that shows why it is undecided.
    currencies : tuple of str
        Currency signs and codes found in cells or header.
    date_order : str
        Order of day and month that the column itself showed.
    notes : list of Note
    marks : ndarray of bool or None
        Dates that systems write for an open end or for no date; None where there is none.
    """

    values: pd.Series
    bad: np.ndarray
    undecided: str = ""
    example: str = ""
    currencies: tuple[str, ...] = ()
    date_order: str = ""
    notes: list[Note] = field(default_factory=list)
    marks: np.ndarray | None = None


def parse(cells: pd.Series, kind: Kind, reading: Reading, where: Mapping[str, str]) -> Parsed:
    """What do the cells of one column mean?

    Parameters
    ----------
    cells : Series
        Text, or already typed.
    kind : Kind
        Of the contract.
    reading : Reading
    where : Mapping
        ``file`` and ``column``, for notes.

    Returns
    -------
    Parsed
    """
    if kind == "datetime":
        from funnelnb.data.dates import parse_dates

        return parse_dates(cells, reading, where)
    if kind in NUMERIC_KINDS:
        from funnelnb.data.numbers import parse_numbers

        return parse_numbers(cells, kind, reading, where)
    if kind == "flag":
        return _flags(cells)
    return _good(as_text(cells, blanks=kind not in ("id", "sign")))


def as_arrow(cells: pd.Series) -> pa.Array:
    """Return a text column as one Arrow array."""
    import pyarrow as pa

    array = pa.array(cells.array, type=pa.large_string())
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def from_arrow(array: Any, like: pd.Series) -> pd.Series:
    """Return an Arrow array as a Series with the index and name of `like`."""
    import pandas as pd

    return pd.Series(array.to_pandas().array, index=like.index, name=like.name)


def among(keys: pd.Series, known: pd.Series) -> pd.Series:
    """Say of each text whether it is among `known` (missing: no); pandas' `isin` reads texts one by one."""
    import pandas as pd
    import pyarrow.compute as pc

    found = pc.is_in(as_arrow(keys), value_set=as_arrow(known).drop_null())
    return pd.Series(found.to_numpy(zero_copy_only=False), index=keys.index)


def look_up(keys: pd.Series, known: pd.Series, found: pd.Series) -> pd.Series:
    """For each key, what stands in `found` beside the same value of `known`?

    Parameters
    ----------
    keys, known : Series of str
        A key that is missing or unknown gives a missing value; of equal ones in `known` the first counts.
    found : Series
        As long as `known`.

    Returns
    -------
    Series
        As `found` in type, as `keys` in index.
    """
    import pandas as pd
    import pyarrow.compute as pc

    place = pc.index_in(as_arrow(keys), value_set=as_arrow(known), skip_nulls=True)
    taken = pc.fill_null(place, -1).to_numpy(zero_copy_only=False)
    if not len(known):
        return pd.Series(None, index=keys.index, dtype=found.dtype)
    return pd.Series(found.array.take(taken, allow_fill=True), index=keys.index)


def as_text(cells: pd.Series, *, blanks: bool = True) -> pd.Series:
    """Return cells as trimmed text, missing where empty; whole numbers without a decimal point."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if cells.dtype != "str":
        cells = typed_as_text(cells)
    array = as_arrow(cells)
    tidy = pc.utf8_trim_whitespace(array)
    empty = pc.equal(tidy, "")
    if blanks:
        short = pc.less_equal(pc.binary_length(tidy), max(len(word.encode()) for word in BLANKS))
        if pc.any(pc.and_(short, pc.invert(empty))).as_py():
            empty = pc.is_in(pc.utf8_lower(tidy), value_set=pa.array(BLANKS, pa.large_string()))
    return from_arrow(pc.if_else(empty, pa.scalar(None, pa.large_string()), tidy), cells)


def typed_as_text(cells: pd.Series) -> pd.Series:
    """Return typed cells as text: 7.0 as ``7``, a date in ISO form, true as ``true``."""
    import pandas as pd

    def word(value: Any) -> Any:
        if value is None or value is pd.NaT or value is pd.NA or value != value:  # noqa: PLR0124 - NaN
            return None
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, float) and value.is_integer() and abs(value) < 2**63:
            return str(int(value))
        return str(value)

    if pd.api.types.is_integer_dtype(cells.dtype) and not cells.hasnans:
        return cells.astype("str")
    return pd.Series(
        [word(value) for value in cells.tolist()], index=cells.index, name=cells.name, dtype="str"
    )


def _good(values: pd.Series) -> Parsed:
    import numpy as np

    return Parsed(values, np.zeros(len(values), dtype=bool))


def _flags(cells: pd.Series) -> Parsed:
    """Read yes and no in several spellings."""
    import pandas as pd

    if pd.api.types.is_bool_dtype(cells.dtype):
        return _good(cells.astype("boolean"))
    texts = as_text(cells, blanks=False).str.lower()
    values = pd.Series(pd.NA, index=cells.index, name=cells.name, dtype="boolean")
    values[texts.isin(_TRUE)] = True
    values[texts.isin(_FALSE)] = False
    bad = (texts.notna() & ~texts.isin((*_TRUE, *_FALSE, *BLANKS))).to_numpy(dtype=bool)
    return Parsed(values, bad)


_UNIT = re.compile(r"[（(\[【]\s*([^（()）\[\]【】]+?)\s*[)）\]】]\s*$")


def header_unit(name: str) -> tuple[str, str]:
    """Split a column name into its name and the unit behind it in brackets.

    Examples
    --------
    >>> header_unit("预计金额（万元）")
    ('预计金额', '万元')
    >>> header_unit("Value")
    ('Value', '')
    """
    found = _UNIT.search(name)
    return (name[: found.start()].strip(), found.group(1)) if found else (name, "")
