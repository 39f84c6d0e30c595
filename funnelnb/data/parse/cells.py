"""How is a column of cells read, and what comes out? What the readers of dates, numbers and words share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from funnelnb.data.contract.whole import over_all

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    import pandas as pd
    import pyarrow as pa

    from funnelnb.core.note import Note
    from funnelnb.data.contract.whole import Whole


BLANKS = ("", "-", "--", "—", "–", "n/a", "#n/a", "null", "(null)", "nan", "(blank)", "无", "暂无", "未填")
"""Texts (in lower case) that stand for an empty cell in every kind but id. ``NA`` may be North America."""

NOT_YET = (
    "not closed", "not yet", "open", "не закрыта", "не закрыто", "не закрыт", "未关闭", "未结束", "未成交", "未结单",
    "no cerrado", "não fechado", "non clôturé", "nicht geschlossen",
)  # fmt: skip
"""What stands in a date of the close while the deal is open."""


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
    whole : Whole or None
        Where a column is read in parts: what all of them say.
    """

    decimal: str = ""
    date_order: str = ""
    timezone: str = ""
    unit: str | float = ""
    zero_is_unknown: bool = False
    whole: Whole | None = field(default=None, compare=False, repr=False)

    def over_column(
        self,
        where: Mapping[str, str],
        what: str,
        here: Any,
        merge: Callable[[Any, Any], Any],
        decide: Callable[[Any], Any] | None = None,
    ) -> Any:
        """Return what is decided over a whole column, also where these cells are a part of it (:func:`over_all`)."""
        return over_all(self.whole, (what, where.get("file"), where.get("column")), here, merge, decide)


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


def as_arrow(cells: pd.Series) -> pa.Array:
    """Return a text column as one Arrow array."""
    import pyarrow as pa

    array = pa.array(cells.array, type=pa.large_string())
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def no_text(index: pd.Index) -> pd.Series:
    """Return a text column in which nothing stands."""
    import pandas as pd
    import pyarrow as pa

    return pd.Series(pd.array(pa.nulls(len(index), pa.large_string()), dtype="str"), index=index)


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
