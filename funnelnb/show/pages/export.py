"""Results and frames as files for a spreadsheet: complete, readable there, and safe to open.

A cell of text that a spreadsheet would take for a formula (``=1+1`` as a customer's name) is written with
an apostrophe in front, so that it stays text. Files are written beside their target and moved into place,
so that a failed write leaves nothing half-done.
"""

from __future__ import annotations

import os
import re
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funnelnb.core.errors import OutputError, ParameterError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pandas as pd


_RISKY = "=+-@\t\r\n＝＋－＠|%"
_NUMBER = re.compile(r"[+-]?[\d ]*[.,]?\d+(?:[eE][+-]?\d+)?\s*%?")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|[\ud800-\udfff]")
CELL_MOST = 32_767
"""Longest text in a cell that spreadsheets accept."""


def to_csv(result: Any, path: str | Path) -> Path:
    """Where is this result (or frame) as a CSV file? Written to `path`, one row per thing it is about.

    Parameters
    ----------
    result : Result or DataFrame
        A result is written as its ``to_frame()``.
    path : str or Path
        The file; an existing one is replaced.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    ParameterError
        `result` is neither.
    OutputError
        The file cannot be written; nothing half-written stays behind.

    Notes ----- UTF-8 with a byte-order mark, so that spreadsheets show Chinese; commas, points as decimals,
    ISO dates, nothing in a cell whose value is undefined.

    Checked against Python's csv module and pandas: ``tests/show/test_export.py``.

    Examples
    --------
    >>> import tempfile, pandas as pd
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = to_csv(pd.DataFrame({"name": ["=1+1"]}), folder + "/x.csv")
    ...     file.read_text(encoding="utf-8-sig").split()
    ['name', "'=1+1"]
    """
    table = clean_frame(frame_of(result), safe_text)
    with replacing(path) as draft:
        table.to_csv(draft, index=False, encoding="utf-8-sig", lineterminator="\r\n", date_format="%Y-%m-%d")
    return Path(path)


def frame_of(result: Any) -> pd.DataFrame:
    """Return a frame as it is, and of a result its first table.

    Raises
    ------
    ParameterError
        It is neither.
    """
    import pandas as pd

    if isinstance(result, pd.DataFrame):
        return result
    if not hasattr(result, "to_frame"):
        raise ParameterError(
            f"a value of type {type(result).__name__} cannot be written",
            expected="a result such as fn.conversion returns, or a pandas DataFrame",
        )
    made: pd.DataFrame = result.to_frame()
    return made


def clean_frame(table: pd.DataFrame, write: Callable[[str], str]) -> pd.DataFrame:
    """Return a copy whose texts and column names a file can hold; `write` changes them further."""
    made = table.copy()
    made.columns = [write(str(name)) for name in made.columns]
    for place in range(made.shape[1]):
        column = made.iloc[:, place]
        if column.dtype == object or str(column.dtype) in ("str", "string", "category"):
            made.isetitem(place, [write(one) if isinstance(one, str) else one for one in column])
    return made


def clean_text(value: str) -> str:
    """Return text without characters that no file may hold, as long as a cell may be."""
    return _UNPRINTABLE.sub(" ", value)[: CELL_MOST - 1]


def safe_text(value: str) -> str:
    """Return text for a CSV file: with an apostrophe in front where it could pass for a formula."""
    clean = clean_text(value)
    return f"'{clean}" if risky(clean) else clean


def risky(value: str) -> bool:
    """Return whether a spreadsheet may take the text for a formula; plain numbers it may."""
    bare = value.lstrip()
    starts = value[:1] in _RISKY or bare[:1] in _RISKY
    return bool(bare) and starts and not _NUMBER.fullmatch(value)


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Give a file to write beside `path` and move it there when all went well; else leave no trace."""
    target = Path(path)
    try:
        handle, name = tempfile.mkstemp(prefix=".", suffix=target.suffix, dir=target.parent)
        os.close(handle)
    except OSError as problem:
        raise _cannot_write(target, problem) from problem
    draft = Path(name)
    try:
        yield draft
        draft.chmod(0o644)
        draft.replace(target)
    except OSError as problem:
        raise _cannot_write(target, problem) from problem
    finally:
        draft.unlink(missing_ok=True)


def _cannot_write(target: Path, problem: OSError) -> OutputError:
    return OutputError(
        f"{target} cannot be written: {problem.strerror or problem}",
        expected="a folder that exists and may be written to, with room on the disk",
        hint="choose another path, or close the file in the spreadsheet that holds it",
    )
