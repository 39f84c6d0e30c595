"""What does each column of a raw table seem to hold? Decided from a sample of its cells, never from its name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from funnelnb.data.parse.cells import NOT_YET
from funnelnb.data.parse.values import BLANKS, MAN_LETTERS, Reading, as_text, parse

if TYPE_CHECKING:
    import pandas as pd

    from funnelnb.data.read.raw import Raw

SAMPLE_ROWS = 4000
"""So many rows, spread over the table, are looked at."""

TESTED = 120
"""So many different cells of a column are parsed."""

MOSTLY = 0.8
"""Share of cells that must fit for a column to be of a kind."""

LARGEST_WHOLE = 1e15
"""Whole numbers of more digits lose the last ones in a spreadsheet."""

SHORT = 60
"""Longest text of a category, in characters."""

FLAGS = frozenset((
    "true", "false", "t", "f", "yes", "no", "y", "n", "1", "0", "1.0", "0.0", "是", "否", "有", "无",
    "具备", "不具备", "没有", "充足", "不足", "对", "错", "√", "ja", "nein",
    "oui", "non", "si", "sí", "sim", "não", "nao", "да", "нет", "vero", "falso", "checked", "unchecked", "on", "off",
    "x", "×", "☑", "☐", "✓", "✔", "✅", "✗", "✘", "tak", "nie", "evet", "hayır", "はい", "いいえ", "예", "아니오",
))  # fmt: skip

_DATE_LIKE = re.compile(
    r"\d{1,4}\s*[-/.年]\s*\d{1,2}\s*[-/.月]\s*\d{1,4}|\d{1,2}[-\s/.]*(?:de )?[^\W\d_]{3,12}\.?[-,\s/.]*(?:de )?\d{2,4}"
    r"|[^\W\d_]{3,12}\.?\s+\d{1,2},?\s+\d{4}|^[^\W\d_]{3,12}\.?[\s-]\d{4}$|^q[1-4][-\s/]?\d{4}$|^\d{4}[-\s/]?q[1-4]$"
    r"|^\d{4}[-/.]\d{2}$|^\d{8}$|^\d{4}-?w\d{2}",
    re.IGNORECASE,
)
_NUMBER_LIKE = re.compile(
    r"^[^\d\w]*[a-z$€£¥₹元万亿. ]{0,6}[-+(]?\s*\d[\d\s.,'’_]*\)?\s*[^\d]{0,8}$", re.IGNORECASE
)
_GUID = re.compile(r"^\{?[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}\}?$", re.IGNORECASE)
_BARE = re.compile(r"\d{5}(\.\d+)?|\d{10}(\.\d+)?|\d{13}")
_CLOCKS = ((32_000, 60_000), (6.3e8, 2.5e9), (6.3e11, 2.5e12))
"""Days of a spreadsheet (1987 to 2064), seconds and milliseconds since 1970 (1990 to 2049)."""
_MONEY = re.compile(r"[$€£¥₹₽₩₺元円원]|^[A-Z]{3}\s?\d|\d\s?[A-Z]{3}$|zł|руб|\d[.,]\d{1,2}0*$")
SPOILT = re.compile(r"^\d[.,]\d+e\+?\d+$", re.IGNORECASE)


_INSTRUCTIONS = (
    "必填",
    "选填",
    "可选填",
    "required",
    "optional",
    "下拉选择",
    "格式",
    "e.g.",
    "for example",
    "请填写",
)
"""Words of rows that explain a template instead of holding data."""


def instructions(frame: pd.DataFrame) -> str:
    """Return a cell of the first row if that row explains a template instead of holding data, else nothing."""
    import pandas as pd

    if frame.empty:
        return ""
    first = [str(cell) for cell in frame.iloc[0].tolist() if not pd.isna(cell) and str(cell)]
    told = [cell for cell in first if any(word in cell.casefold() for word in _INSTRUCTIONS)]
    return told[0] if len(told) * 2 > len(first) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnProfile:
    """What a column seems to hold.

    Attributes
    ----------
    name : str
        As the file spells it.
    place : int
        Position among the columns, from 0.
    kind : {"blank", "date", "number", "flag", "category", "text"}
        ``category``: short texts that repeat.
    rows_n, filled_n, distinct_n : int
        Of the sample.
    unique : bool
        No two cells of the sample are equal.
    is_flag : bool
        Holds yes and no in some spelling (also where it is read as a number).
    numeric_share, date_share : float
        Of the different filled cells that were tested.
    guid, spoilt : bool
        Ids of a machine; ids in exponent form, spoilt by a spreadsheet.
    clock : bool
        Numbers that may be times: days of a spreadsheet, seconds or milliseconds since 1970.
    money : bool
        Numbers with a sign of currency or a decimal part.
    samples : tuple of str
        Two different cells.
    """

    name: str
    place: int
    kind: str
    rows_n: int
    filled_n: int
    distinct_n: int
    unique: bool
    is_flag: bool
    numeric_share: float
    date_share: float
    guid: bool
    spoilt: bool
    samples: tuple[str, ...]
    clock: bool = False
    money: bool = False

    @property
    def filled_share(self) -> float:
        """Share of cells that hold something."""
        return self.filled_n / max(self.rows_n, 1)

    def fits(self, kind: str) -> float:  # noqa: PLR0911 - one line per kind
        """How well do the cells suit a column of the contract's `kind` (0 to 1)?"""
        if self.kind == "blank":
            return 0.45
        if kind == "datetime":
            return 1.0 if self.kind == "date" else 0.9 if self.clock or self.date_share >= MOSTLY else 0.0
        if kind in ("amount", "number", "share"):
            return 1.0 if self.numeric_share >= MOSTLY and self.date_share < MOSTLY else 0.0
        if kind == "flag":
            return 1.0 if self.is_flag else 0.0
        if kind == "id":
            return 0.0 if self.kind == "date" else 1.0
        if kind in ("stage", "outcome"):
            return self._as_words()
        return 0.0 if self.kind == "date" else 1.0

    def _as_words(self) -> float:
        few = self.distinct_n <= max(40, 0.3 * self.filled_n)
        if self.kind in ("date",) or not few:
            return 0.0
        return {"flag": 0.7, "number": 0.75}.get(self.kind, 1.0)


def profile(raw: Raw) -> list[ColumnProfile]:
    """What does each column of a table seem to hold?

    Parameters
    ----------
    raw : Raw

    Returns
    -------
    list of ColumnProfile
        In the order of the columns.
    """
    rows = _sample(raw.frame.iloc[1:] if instructions(raw.frame) else raw.frame)
    return [_column(rows, place, str(name)) for place, name in enumerate(rows.columns)]


def _sample(frame: pd.DataFrame) -> pd.DataFrame:
    """Return at most SAMPLE_ROWS rows: the first half as they stand, the rest spread over the table."""
    import numpy as np

    if len(frame) <= SAMPLE_ROWS:
        return frame
    half = SAMPLE_ROWS // 2
    places = np.unique(np.concatenate([np.arange(half), np.linspace(half, len(frame) - 1, half).astype(int)]))
    return frame.iloc[places]


def _column(rows: pd.DataFrame, place: int, name: str) -> ColumnProfile:
    cells = rows.iloc[:, place]
    texts = as_text(cells)
    counts = texts.value_counts()
    different = [str(one) for one in counts.index if str(one).casefold() not in BLANKS]
    filled = int(counts.sum())
    kind, numeric, dates = _kind(cells, different, filled)
    tested = different[:TESTED]
    return ColumnProfile(
        name=name,
        place=place,
        kind=kind,
        rows_n=len(rows),
        filled_n=filled,
        distinct_n=len(different),
        unique=len(different) == filled and filled > 0,
        is_flag=_is_flag(different),
        numeric_share=numeric,
        date_share=dates,
        guid=bool(tested) and sum(bool(_GUID.match(one)) for one in tested) >= MOSTLY * len(tested),
        spoilt=any(SPOILT.match(one) for one in tested) or _beyond_digits(cells),
        samples=tuple(one[:40] for one in different[:2]),
        clock=kind == "number" and _clock(different),
        money=kind == "number" and any(_MONEY.search(one) for one in tested),
    )


def _is_flag(different: list[str]) -> bool:
    """Whether cells say yes or no, also in the letters of the MAN rule."""
    if not 0 < len(different) <= 4:
        return False
    lettered = {one.upper() for one in different} in ({one} for one in MAN_LETTERS.values())
    return lettered or all(one.casefold() in FLAGS for one in different)


def _clock(different: list[str]) -> bool:
    """Whether numbers may be times: all in one of the ranges of days, seconds or milliseconds."""
    values = [float(one) for one in different[:TESTED] if _BARE.fullmatch(one)]
    if len(values) < len(different[:TESTED]):
        return False
    return any(all(low <= one < high for one in values) for low, high in _CLOCKS)


def undamaged(cells: pd.Series) -> pd.Series:
    """Return the ids, as text, that no spreadsheet has damaged: two of those may be alike by that alone.

    Examples
    --------
    >>> import pandas as pd
    >>> undamaged(pd.Series(["1.23457E+11", "123456789012", "1.23457E+11"])).tolist()
    ['123456789012']
    """
    if cells.dtype == "float64":
        cells = cells[~(cells.abs() >= LARGEST_WHOLE)]
    ids = as_text(cells, blanks=False).dropna()
    return ids[~ids.str.fullmatch(SPOILT)]


def _beyond_digits(cells: pd.Series) -> bool:
    """Whether whole numbers are larger than a spreadsheet can keep: their last digits are lost."""
    return cells.dtype == "float64" and bool((cells.abs() >= LARGEST_WHOLE).any())


def _kind(cells: pd.Series, different: list[str], filled: int) -> tuple[str, float, float]:  # noqa: PLR0911 - one line per kind
    """Return the kind and the shares of cells that read as numbers and as dates."""
    import pandas as pd

    if not different:
        return "blank", 0.0, 0.0
    if pd.api.types.is_bool_dtype(cells.dtype):
        return "flag", 0.0, 0.0
    if pd.api.types.is_datetime64_any_dtype(cells.dtype):
        return "date", 0.0, 1.0
    if pd.api.types.is_numeric_dtype(cells.dtype):
        return "number", 1.0, 0.0
    tested = different[:: max(1, len(different) // TESTED)][:TESTED]
    days = [one for one in tested if one.casefold() not in NOT_YET] or tested
    dates = _share(days, _DATE_LIKE, "datetime")
    numbers = (
        0.0
        if dates >= MOSTLY and not all(one.isdigit() for one in tested)
        else _share(tested, _NUMBER_LIKE, "amount")
    )
    if dates >= MOSTLY and numbers < MOSTLY:
        return "date", numbers, dates
    if numbers >= MOSTLY:
        return "number", numbers, dates if all(len(one) == 8 for one in tested) else 0.0
    short = all(len(one) <= SHORT for one in tested)
    repeats = len(different) <= max(12, 0.5 * filled)
    return ("category" if short and repeats else "text"), numbers, dates


def _share(tested: list[str], looks: re.Pattern[str], kind: Any) -> float:
    """Which share of the cells reads as this kind? Cells are parsed only if they look like it."""
    import pandas as pd

    alike = [one for one in tested if looks.search(one)]
    if len(alike) < 0.5 * len(tested):
        return 0.0
    cells = pd.Series(alike, dtype="str")
    parsed = parse(cells, kind, Reading(), {"file": "", "column": ""})
    good = len(alike) if parsed.undecided else int((~parsed.bad).sum())
    return good / len(tested)
