"""A table as it was read, before anybody decides what its columns mean."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from funnelnb.core.note import Note


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
        Row and number of fields of rows that were passed over, because they do not fit the header.
    notes : list of Note
    """

    file: str
    frame: pd.DataFrame
    ragged: list[tuple[int, int]] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    @property
    def columns(self) -> list[str]:
        """The source's column names."""
        return [str(name) for name in self.frame.columns]


def unique_names(names: list[Any]) -> list[str]:
    """Return column names as text, each once; unnamed and repeated ones are numbered.

    Examples
    --------
    >>> unique_names(["a", "", "a"])
    ['a', '(column 2)', 'a (2)']
    """
    seen: dict[str, int] = {}
    result = []
    for place, name in enumerate(names, start=1):
        text = "" if name is None else " ".join(str(name).replace("\ufeff", "").split())
        text = text or f"(column {place})"
        seen[text] = seen.get(text, 0) + 1
        result.append(text if seen[text] == 1 else f"{text} ({seen[text]})")
    return result


def drop_empty(raw: Raw) -> Raw:
    """Drop rows and unnamed columns that hold nothing; rows keep their numbers."""
    frame = raw.frame
    blank = {name: _blank(frame[name]) for name in frame.columns}
    unnamed = [name for name in frame.columns if str(name).startswith("(column ") and blank[name].all()]
    if unnamed:
        frame = frame.drop(columns=unnamed)
    empty = None
    for name in frame.columns:
        empty = blank[name] if empty is None else empty & blank[name]
        if not empty.any():
            break
    if empty is not None and empty.any():
        frame = frame[~empty]
    raw.frame = frame
    return raw


def _blank(values: pd.Series) -> pd.Series:
    if values.dtype == "str":
        return values.isna() | (values == "")
    return values.isna()
