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
SHEET_NAME_MOST = 31
"""Longest sheet name that spreadsheets accept."""
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
    table = _clean(_frame(result), safe_text)
    with replacing(path) as draft:
        table.to_csv(draft, index=False, encoding="utf-8-sig", lineterminator="\r\n", date_format="%Y-%m-%d")
    return Path(path)


def to_excel(result: Any, path: str | Path) -> Path:
    """Where is this result (or frame) as an Excel workbook? Written to `path`.

    Parameters
    ----------
    result : Result or DataFrame
        Of a result, every table gets a sheet of its own, and the last sheet says in the language in force
        what the result is: n, as-of date, confidence level, method and caveats, and what each column means.
    path : str or Path
        The file (.xlsx); an existing one is replaced.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    ParameterError
        `result` is neither, or the name does not end in .xlsx.
    OutputError
        The file cannot be written; nothing half-written stays behind.

    Notes
    -----
    Cells hold text as text: no name can become a formula.

    Checked against openpyxl, which reads the file back: ``tests/show/test_export.py``.
    """
    if Path(path).suffix.lower() != ".xlsx":
        raise ParameterError(f"path = {str(path)!r}", expected="a name that ends in .xlsx")
    sheets = _sheets(result)
    with replacing(path) as draft:
        _write_workbook(sheets, draft)
    return Path(path)


def _write_workbook(sheets: dict[str, pd.DataFrame], path: Path) -> None:
    import pandas as pd

    with pd.ExcelWriter(path, engine="openpyxl", datetime_format="YYYY-MM-DD") as book:
        for name, sheet in sheets.items():
            _clean(sheet).to_excel(book, sheet_name=name[:SHEET_NAME_MOST], index=False)
            for row in book.sheets[name[:SHEET_NAME_MOST]].iter_rows():
                for cell in row:
                    if isinstance(cell.value, str):
                        cell.data_type = "s"
                        cell.quotePrefix = _risky(cell.value)


def _frame(result: Any) -> pd.DataFrame:
    import pandas as pd

    if isinstance(result, pd.DataFrame):
        return result
    if not hasattr(result, "to_frame"):
        raise ParameterError(
            f"a {type(result).__name__} cannot be written",
            expected="a result such as fn.conversion returns, or a pandas DataFrame",
        )
    made: pd.DataFrame = result.to_frame()
    return made


def _sheets(result: Any) -> dict[str, pd.DataFrame]:
    import pandas as pd

    from funnelnb.show.tables.table import frame
    from funnelnb.show.views.registry import view_of

    if isinstance(result, pd.DataFrame):
        return {"data": result}
    _frame(result)
    sheets = {table.name: frame(table, result) for table in view_of(result).tables if len(table.rows(result))}
    return sheets | {"about": _about(result, list(sheets.values()))}


def _about(result: Any, sheets: list[pd.DataFrame]) -> pd.DataFrame:
    """Return what the result is and what its columns mean, as two columns of text."""
    import pandas as pd

    from funnelnb.show.pages.report import foot, notes
    from funnelnb.show.text.words import words_of
    from funnelnb.show.views.registry import finding_text

    say = words_of(result)
    lines = [("", line) for line in finding_text(result).splitlines()]
    lines += [("", line) for line in foot(result, say)]
    lines += [(say.get("words.caveats"), line) for line in notes(result, say)]
    for name in dict.fromkeys(name for sheet in sheets for name in sheet.columns):
        try:
            known = say.field(str(name))
        except KeyError:
            continue
        lines.append(
            (str(name), say.say("language.definition", label=known.label, definition=known.definition))
        )
    return pd.DataFrame(lines, columns=["what", "words"])


def _clean(table: pd.DataFrame, write: Callable[[str], str] | None = None) -> pd.DataFrame:
    """Return a copy whose texts and column names a file can hold; `write` changes them further."""
    write = write or clean_text
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
    return f"'{clean}" if _risky(clean) else clean


def _risky(value: str) -> bool:
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
