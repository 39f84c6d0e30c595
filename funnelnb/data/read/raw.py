"""A table as it was read, before anybody decides what its columns mean."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from funnelnb.core.note import Note
from funnelnb.data.contract.whole import all_of, over_all

if TYPE_CHECKING:
    import pandas as pd

    from funnelnb.data.contract.limits import Limits
    from funnelnb.data.contract.whole import Whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """What became of every line of a text: nothing is swallowed.

    Attributes
    ----------
    lines_n : int
        Lines of the file, counted by its line breaks alone.
    header_n, above_n : int
        Lines of the header, and lines above it that are no part of the table.
    rows_n : int
        Records that were read.
    continuation_n : int
        Lines that continue a text in quotation marks.
    blank_n : int
        Blank lines, and rows without any value.
    left_out_n : int
        Totals, remarks and repeated headers.
    reported_n : int
        Rows that do not fit the header and were reported.
    """

    lines_n: int
    header_n: int = 0
    above_n: int = 0
    rows_n: int = 0
    continuation_n: int = 0
    blank_n: int = 0
    left_out_n: int = 0
    reported_n: int = 0

    def __add__(self, other: Lines) -> Lines:
        """Return the account of two files together."""
        return Lines(**{one.name: getattr(self, one.name) + getattr(other, one.name) for one in fields(self)})

    @property
    def balanced(self) -> bool:
        """Whether all lines are accounted for."""
        parts = (self.header_n, self.above_n, self.rows_n, self.continuation_n, self.blank_n)
        return self.lines_n == sum(parts) + self.left_out_n + self.reported_n


@dataclass(slots=True, kw_only=True)
class Raw:
    """A table as it was read.

    Attributes
    ----------
    file : str
        How messages call it: file name, with the sheet or table behind an exclamation mark.
    frame : DataFrame
        Columns under the source's own names, in its order. Text is text, character by character, with ``""``
        for an empty cell; only a source that is typed itself (Parquet, a frame, Excel) gives other types. The
        index holds the rows as a spreadsheet shows them (the header is row 1 unless the settings say else).
    ragged : list of (int, int)
        Row and number of fields of rows that do not fit the header. They stand in the frame, filled up or cut off
        on the right, so that nothing is lost; :meth:`take_ragged` takes them out.
    notes : list of Note
    spoilt : set of str
        Columns of numbers so long that a spreadsheet has not kept their last digits: they tell no records apart.
    unique : set of str
        Columns that are known to be filled in every row, each time differently.
    words : dict
        What recognition has counted in the columns of :attr:`frame`.
    lines : Lines or None
        What became of every line of a text; None for other sources.
    sampled : bool
        Whether these are only some rows of a text that does not fit into memory.
    """

    file: str
    frame: pd.DataFrame
    ragged: list[tuple[int, int]] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    spoilt: set[str] = field(default_factory=set)
    unique: set[str] = field(default_factory=set)
    words: dict[str | None, Any] = field(default_factory=dict)
    lines: Lines | None = None
    sampled: bool = False

    @property
    def columns(self) -> list[str]:
        """The source's column names."""
        return [str(name) for name in self.frame.columns]

    def accounted(self) -> Note | None:
        """Return a note that says what became of every line; None for a source without lines."""
        lines = self.lines
        if lines is None:
            return None
        facts = {
            "file": self.file,
            "lines_n": lines.lines_n,
            "rows_n": lines.rows_n,
            "header_n": lines.header_n,
            "continuation_n": lines.continuation_n,
            "other_n": lines.above_n + lines.blank_n + lines.left_out_n,
            "reported_n": lines.reported_n,
        }
        return Note("lines_accounted", facts)

    def take_ragged(self) -> dict[int, list[int]]:
        """Take the rows that do not fit the header out of the frame.

        Returns
        -------
        dict of int to list of int
            Number of fields = rows that have it.
        """
        by_width: dict[int, list[int]] = {}
        for row, width in self.ragged:
            by_width.setdefault(width, []).append(row)
        if self.ragged:
            self.frame = self.frame[~self.frame.index.isin([row for row, _ in self.ragged])]
            self.ragged = []
        return by_width


def unique_names(names: list[Any]) -> list[str]:
    """Return column names as text, each once; unnamed and repeated ones are numbered.

    Examples
    --------
    >>> unique_names(["a", "", "a"])
    ['a', '(column 2)', 'a (2)']
    >>> unique_names(["a", "a (2)", "a"])
    ['a', 'a (2)', 'a (3)']
    """
    texts = ["" if name is None else " ".join(str(name).replace("\ufeff", "").split()) for name in names]
    taken = set(texts)
    counts: dict[str, int] = {}
    result: list[str] = []
    for place, text in enumerate(texts, start=1):
        name = text or f"(column {place})"
        counts[name] = counts.get(name, 0) + 1
        unique = name if counts[name] == 1 else f"{name} ({counts[name]})"
        while counts[name] > 1 and unique in taken:  # such a name is there already
            counts[name] += 1
            unique = f"{name} ({counts[name]})"
        taken.add(unique)
        result.append(unique)
    return result


def cell_text(value: Any) -> str:
    """Return a typed cell as the text that a person would have typed: 7.0 as ``7``, dates in ISO form."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**63:
        return str(int(value))
    return str(value)


def drop_empty(raw: Raw, whole: Whole | None = None) -> Raw:
    """Drop rows and unnamed columns that hold nothing; rows keep their numbers."""
    frame = raw.frame
    unnamed = [
        name
        for name in frame.columns
        if str(name).startswith("(column ")
        and over_all(whole, ("blank column", name), bool(_blank(frame[name]).all()), all_of)
    ]
    if unnamed:
        frame = frame.drop(columns=unnamed)
    empty = None
    for name in frame.columns:
        blank = _blank(frame[name])
        empty = blank if empty is None else empty & blank
        if not empty.any():
            break
    if empty is not None and empty.any():
        frame = frame[~empty]
    raw.frame = frame
    return raw


def refuse_long_cells(raw: Raw, limits: Limits) -> None:
    """Raise SourceError for the first cell with more characters than the limit `cell_chars` allows."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for name in raw.frame.columns:
        column = raw.frame[name]
        if column.dtype != "str" or not len(column):
            continue
        cells = pa.chunked_array(column.array.__arrow_array__())
        if (pc.max(pc.binary_length(cells)).as_py() or 0) <= limits.cell_chars:
            continue
        chars = pc.utf8_length(cells).to_numpy()
        place = int(chars.argmax())
        limits.refuse(
            "cell_chars", int(chars[place]), f"{raw.file}, row {column.index[place]}, column {name}"
        )


def _blank(values: pd.Series) -> pd.Series:
    if values.dtype == "str":
        return values.isna() | (values == "")
    return values.isna()
