"""Which marks were given to accounts? What is written on the assessment sheet, checked, and added to a book."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.core.errors import DataProblems, ParameterError, Problem, nearest
from funnelnb.data.tables import ASSESSMENT_FACTORS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from funnelnb.data.book import Book

PLUS, MINUS = "+", "-"
_MARKS: Mapping[str, str] = {**dict.fromkeys("+＋", PLUS), **dict.fromkeys("-−－–", MINUS)}
COLUMNS = ("account_id", "factor", "mark", "note", "at")


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetRow:
    """One factor of one account.

    Attributes
    ----------
    account_id : str
    factor : str
        One of :data:`~funnelnb.data.tables.ASSESSMENT_FACTORS`.
    mark : {"+", "-", ""}
        Good, poor, or not judged.
    note : str
    at : numpy.datetime64
        When it was judged last; NaT if never, or not dated.
    """

    account_id: str
    factor: str
    mark: str
    note: str
    at: np.datetime64


def assess(book: Book, marks: pd.DataFrame) -> Book:
    """Which book results when these assessments are added?

    Parameters
    ----------
    book : Book
    marks : DataFrame
        Columns account_id, factor, mark, and optionally note and at (None: the as-of date); such as the frame
        of ``fn.assessment(book).to_frame()``, a CSV read again, or what the widget holds. Rows without a mark
        are left out.

    Returns
    -------
    Book
        The same deals; later marks win over earlier ones.

    Raises
    ------
    DataProblems
        A factor or mark that is not known, an account that the book does not have, or a mark dated after the
        as-of date; nothing is added then.
    ParameterError
        `marks` lacks a column.
    """
    import pandas as pd

    missing = [name for name in COLUMNS[:3] if name not in marks]
    if missing:
        raise ParameterError(
            f"the marks have no column {', '.join(map(repr, missing))}",
            expected="the columns " + ", ".join(COLUMNS),
        )
    given = marks[[name for name in COLUMNS if name in marks]].copy()
    filled = given["mark"].notna() & (given["mark"].astype("str").str.strip() != "")
    given = given[filled]
    if "at" not in given:
        given["at"] = book.as_of
    given["at"] = pd.to_datetime(given["at"]).fillna(pd.Timestamp(book.as_of)).astype("datetime64[us]")
    if "note" not in given:
        given["note"] = pd.Series(None, index=given.index, dtype="str")
    strangers = _strangers(book, given)
    if strangers:
        raise DataProblems(strangers)
    rows = [{name: getattr(row, name) for name in COLUMNS} for row in checked_marks(given, book.as_of)]
    added = pd.DataFrame(rows, columns=list(COLUMNS))
    added = added.astype(dict.fromkeys(COLUMNS[:4], "str") | {"at": "datetime64[us]"})
    before = book.tables.get("assessments")
    together = added if before is None else pd.concat([before, added], ignore_index=True)
    return replace(book, tables={**book.tables, "assessments": together})


def _strangers(book: Book, given: pd.DataFrame) -> list[Problem]:
    known = known_accounts(book)
    return [
        Problem(
            file="assessments",
            row=row + 2,
            column="account_id",
            value=str(account),
            found="an account that the book does not have",
            expected="an account of the deals or of the table accounts",
            remedy=nearest(str(account), sorted(known)[:500]),
        )
        for row, account in zip(given.index, given["account_id"].tolist(), strict=True)
        if account not in known
    ]


def known_accounts(book: Book) -> set[str]:
    """Return every account that a table of the book names."""
    known: set[str] = set()
    for name in ("opportunities", "accounts", "assessments"):
        if name in book.tables and "account_id" in book.tables[name]:
            known |= set(book.tables[name]["account_id"].dropna())
    return known


def checked_marks(frame: pd.DataFrame, as_of: np.datetime64) -> list[SheetRow]:
    """Return the marks in the order in which they were made, or raise with everything that is wrong."""
    until = as_of.astype("datetime64[D]") + np.timedelta64(1, "D")
    rows, problems = [], []
    nothing = [None] * len(frame)
    notes = frame["note"].tolist() if "note" in frame else nothing
    times = frame["at"].to_numpy() if "at" in frame else np.full(len(frame), np.datetime64("NaT", "us"))
    columns = (frame["account_id"].tolist(), frame["factor"].tolist(), frame["mark"].tolist(), notes, times)
    for place, (account, factor, mark, note, at) in enumerate(zip(*columns, strict=True)):
        sign = _sign(mark)
        wrong = _wrong(place, factor, mark, at, until, as_of)
        problems += wrong
        if not wrong:
            text = note if isinstance(note, str) else ""
            rows.append(SheetRow(account_id=str(account), factor=factor, mark=sign, note=text, at=at))
    if problems:
        raise DataProblems(problems)
    side = ASSESSMENT_FACTORS.index
    return sorted(
        rows, key=lambda row: (row.account_id, moment(row.at), side(row.factor), row.mark, row.note)
    )


def _sign(mark: Any) -> str:
    """Return the mark as + or -, empty if it is neither; a CSV puts an apostrophe in front of both."""
    return _MARKS.get(str(mark).strip().removeprefix("'"), "")


def _wrong(
    place: int, factor: Any, mark: Any, at: np.datetime64, until: np.datetime64, as_of: np.datetime64
) -> list[Problem]:
    common: dict[str, Any] = {"file": "assessments", "row": place + 2}
    found = []
    known = ASSESSMENT_FACTORS
    if factor not in known:
        found.append(
            Problem(
                **common, column="factor", value=str(factor), found="a factor that is not known",
                expected="one of " + ", ".join(known), remedy=f"correct it: {nearest(str(factor), known)}",
            )
        )  # fmt: skip
    if not _sign(mark):
        found.append(
            Problem(
                **common, column="mark", value=str(mark), found="a mark that is not known",
                expected="+ (good) or - (poor)", remedy="write + or -; leave the row out where nobody knows",
            )
        )  # fmt: skip
    if not np.isnat(at) and at >= until:
        found.append(
            Problem(
                **common, column="at", value=str(at)[:10], found="an assessment in the future",
                expected=f"a date up to the as-of date {str(as_of)[:10]}", remedy="correct the date",
            )
        )  # fmt: skip
    return found


def moment(at: np.datetime64) -> str:
    """Return a date as text that sorts; a mark without one comes first."""
    return "" if np.isnat(at) else str(at)
