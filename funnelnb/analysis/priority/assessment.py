"""How does an account look from nine sides? The account assessment sheet: marks, score and history."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.analysis.shared.counts import level
from funnelnb.analysis.shared.open_deals import needed, open_deals, sums_by
from funnelnb.analysis.shared.question import question
from funnelnb.analysis.shared.result import Result
from funnelnb.core import check
from funnelnb.core.errors import DataProblems, MissingDataError, ParameterError, Problem, nearest
from funnelnb.data.contract.tables import ASSESSMENT_FACTORS, FACTOR_WORDS, MARK_WORDS
from funnelnb.playbooks.model import fold
from funnelnb.playbooks.roles import BUYER_ROLES, role_named

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from funnelnb.data.book import Book


# ---- Which marks were given to accounts? What is written on the assessment sheet, checked -----------------

PLUS, MINUS = "+", "-"
SIDES: Mapping[str, tuple[str, ...]] = {
    "profile": ASSESSMENT_FACTORS[:3],
    "offer": ASSESSMENT_FACTORS[3:6],
    "relation": ASSESSMENT_FACTORS[6:],
}
"""The three groups in which the field lists its nine factors; the first it calls the customer's profile."""

_FACTORS: Mapping[str, str] = {
    fold(word): factor for factor, words in FACTOR_WORDS.items() for word in (factor, *words.split("|"))
}
"""Folded word -> factor, in both languages."""
COLUMNS = ("account_id", "factor", "mark", "note", "at")


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetRow:
    """One factor of one account.

    Attributes
    ----------
    account_id : str
    factor : str
        One of :data:`~funnelnb.data.contract.tables.ASSESSMENT_FACTORS`.
    mark : {"+", "-", ""}
        Good, poor, or not judged.
    note : str
    at : numpy.datetime64
        When it was judged last; NaT if never, or not dated.
    side : {"profile", "offer", "relation"}
        The group in which the field lists the factor.
    """

    account_id: str
    factor: str
    mark: str
    note: str
    at: np.datetime64
    side: str = ""


@question("customers")
def add_marks(book: Book, marks: pd.DataFrame) -> Book:
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
    factors = [factor_named(one) or one for one in frame["factor"].tolist()]
    columns = (frame["account_id"].tolist(), factors, frame["mark"].tolist(), notes, times)
    for place, (account, factor, mark, note, at) in enumerate(zip(*columns, strict=True)):
        sign = _sign(mark)
        wrong = _wrong(place, factor, mark, at, until, as_of)
        problems += wrong
        if not wrong:
            text = note if isinstance(note, str) else ""
            rows.append(_sheet_row(str(account), factor, sign, text, at))
    if problems:
        raise DataProblems(problems)
    side = ASSESSMENT_FACTORS.index
    return sorted(
        rows, key=lambda row: (row.account_id, moment(row.at), side(row.factor), row.mark, row.note)
    )


def _sign(mark: Any) -> str:
    """Return the mark as + or -, empty if it is neither; a CSV puts an apostrophe in front of both."""
    return MARK_WORDS.get(str(mark).strip().removeprefix("'").casefold(), "")


def factor_named(word: Any) -> str | None:
    """Which of the nine factors does this word mean, in either language? None where it is not known.

    Examples
    --------
    >>> factor_named("解决方案的适用性"), factor_named("Track record")
    ('solution_fit', 'track_record')
    """
    return _FACTORS.get(fold(str(word)))


def side_of(factor: str) -> str:
    """Return the group in which the field lists a factor."""
    return next(side for side, factors in SIDES.items() if factor in factors)


def _sheet_row(account: str, factor: str, mark: str, note: str, at: np.datetime64) -> SheetRow:
    return SheetRow(account_id=account, factor=factor, mark=mark, note=note, at=at, side=side_of(factor))


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
                expected="one of " + ", ".join(known), remedy=nearest(str(factor), known),
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
                expected=f"a date up to the day of the data {str(as_of)[:10]}", remedy="correct the date",
            )
        )  # fmt: skip
    return found


def moment(at: np.datetime64) -> str:
    """Return a date as text that sorts; a mark without one comes first."""
    return "" if np.isnat(at) else str(at)


# ---- How does an account look from nine sides? The account assessment sheet, its score and its history -----


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRow:
    """The score of one account.

    Attributes
    ----------
    account_id, name : str
    plus_n, minus_n, unknown_n : int
        Of the nine factors.
    score_share : float
        plus / (plus + minus): of what is judged; NaN if nothing is.
    score_lower, score_upper : float
        The score over all nine if all that is not known were poor, and if it were good.
    open_amount : float
        Known amounts of the account's open deals; NaN if none.
    assessed_at : numpy.datetime64
        Date of the latest mark.
    before_share : float
        Score at the assessment before the latest date; NaN if there was none.
    """

    account_id: str
    name: str
    plus_n: int
    minus_n: int
    unknown_n: int
    score_share: float
    score_lower: float
    score_upper: float
    open_amount: float
    assessed_at: np.datetime64
    before_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRow:
    """The score of one account as it stood at the end of one day.

    Attributes
    ----------
    account_id : str
    at : numpy.datetime64
        Day on which something was judged; NaT for marks without a date, which come first.
    plus_n, minus_n, unknown_n : int
    score_share : float
    """

    account_id: str
    at: np.datetime64
    plus_n: int
    minus_n: int
    unknown_n: int
    score_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetPerson:
    """Somebody known at the customer: a place in its organisation chart.

    Attributes
    ----------
    name : str
    role : str
        Buyer role; empty where the word in the data is not known.
    role_word : str
        As the data say it.
    """

    name: str
    role: str
    role_word: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Assessment(Result):
    """Account assessment sheets. `n` counts accounts.

    Attributes
    ----------
    account_id : str
        The account the sheet is of; empty: all that were assessed.
    rows : tuple of ScoreRow
        Highest score first.
    sheet : tuple of SheetRow
        Nine rows per account.
    history : tuple of HistoryRow
        By account and day.
    people : tuple of SheetPerson
        The organisation chart of one account, as far as its contacts tell it.
    """

    account_id: str
    rows: tuple[ScoreRow, ...]
    sheet: tuple[SheetRow, ...]
    history: tuple[HistoryRow, ...]
    people: tuple[SheetPerson, ...] = ()


@question("customers")
def assessment(book: Book, account_id: str | None = None) -> Assessment:
    """How does an account look from nine sides, and how has that changed?

    Parameters
    ----------
    book : Book
        With the table ``assessments`` (account_id, factor, mark, and best note and at).
    account_id : str, optional
        One account, which may have no mark yet; None: all that have one.

    Returns
    -------
    Assessment

    Raises
    ------
    MissingDataError
        There is no table of assessments, and no single account is asked for.
    DataProblems
        A factor or mark that is not known, or a mark dated after the as-of date; all of them at once.
    ParameterError
        The book has no such account.

    Notes
    -----
    The last mark of each factor counts. The score is the share of good marks among those given; beside it
    stand the bounds over all nine factors, with everything unknown taken as poor and as good. A factor that
    nobody judged is a question, not a minus.

    Checked against marks counted by hand: ``tests/analysis/test_assessment.py``.

    Examples
    --------
    >>> import funnelnb as fn
    >>> result = fn.assessment(fn.sample())
    >>> len(result.sheet) == 9 * result.n
    True
    """
    if account_id is None or "assessments" in book.tables:
        frame = needed(
            book, "assessments", "account_id", "factor", "mark", why="the account assessment sheet"
        )
        marks = checked_marks(frame, book.as_of)
    else:
        marks = []
    accounts = (
        [_known(book, account_id)] if account_id is not None else sorted({row.account_id for row in marks})
    )
    deals = open_deals(book)
    amounts = sums_by(deals.account_id, deals.amount)
    names = _names(book)
    mine: dict[str, list[SheetRow]] = {account: [] for account in accounts}
    for row in marks:
        if row.account_id in mine:
            mine[row.account_id].append(row)
    history = {account: _history(account, mine[account]) for account in accounts}
    rows = [_score(one, mine[one], history[one], amounts, names) for one in accounts]
    return Assessment(
        n=len(accounts),
        method="assessment",
        confidence_level=level(None),
        as_of=book.as_of,
        currency=book.currency,
        notes=(),
        account_id=account_id or "",
        rows=tuple(
            sorted(
                rows, key=lambda row: (-np.nan_to_num(row.score_share, nan=-1.0), -row.plus_n, row.account_id)
            )
        ),
        sheet=tuple(row for account in accounts for row in _sheet(account, mine[account])),
        history=tuple(row for account in accounts for row in history[account]),
        people=people_of(book, account_id),
    )


def people_of(book: Book, account_id: str | None) -> tuple[SheetPerson, ...]:
    """Return who is known at the customer, those with a role first, in the order of the roles."""
    contacts = book.tables.get("contacts")
    if account_id is None or contacts is None or "account_id" not in contacts:
        return ()
    mine = contacts[contacts["account_id"] == account_id]
    nothing = [""] * len(mine)
    names = mine["name"].fillna("").tolist() if "name" in mine else nothing
    words = mine["role"].fillna("").tolist() if "role" in mine else nothing
    found = [
        SheetPerson(name=str(name), role=known.id if (known := role_named(word)) else "", role_word=str(word))
        for name, word in zip(names, words, strict=True)
    ]
    order = [*BUYER_ROLES, ""]
    return tuple(sorted(dict.fromkeys(found), key=lambda one: (order.index(one.role), one.name)))


def sheet_account(book: Book) -> str:
    """Which customer should the sheet open on: of those with marks the one with the largest open deals, else any.

    Raises
    ------
    MissingDataError
        No customer has marks, and no open deal names its customer.
    """
    table = book.tables.get("assessments")
    marked = set() if table is None or "account_id" not in table else set(table["account_id"].dropna())
    if not marked:
        return largest_account(book)
    deals = open_deals(book)
    amounts = sums_by(deals.account_id, deals.amount)
    return min(marked, key=lambda one: (-float(np.nan_to_num(amounts.get(one, 0.0))), one))


def largest_account(book: Book) -> str:
    """Which customer holds the largest known amount of open deals?

    Raises
    ------
    MissingDataError
        No open deal names its customer.
    """
    deals = open_deals(book)
    amounts = sums_by(deals.account_id, deals.amount)
    amounts.pop("", None)
    if not amounts:
        raise MissingDataError(
            "no open deal names its customer", expected="a column account_id in the opportunities"
        )
    return min(amounts, key=lambda one: (-float(np.nan_to_num(amounts[one])), one))


def _known(book: Book, account_id: str) -> str:
    return check.one_of("account_id", account_id, sorted(known_accounts(book)))


def _names(book: Book) -> dict[str, str]:
    accounts = book.tables.get("accounts")
    if accounts is None or "name" not in accounts:
        return {}
    return dict(zip(accounts["account_id"].tolist(), accounts["name"].fillna("").tolist(), strict=True))


def _latest(marks: list[SheetRow]) -> dict[str, SheetRow]:
    return {row.factor: row for row in marks}


def _sheet(account: str, marks: list[SheetRow]) -> list[SheetRow]:
    latest = _latest(marks)
    never = np.datetime64("NaT", "us")
    return [latest.get(factor, _sheet_row(account, factor, "", "", never)) for factor in ASSESSMENT_FACTORS]


def _history(account: str, marks: list[SheetRow]) -> list[HistoryRow]:
    days = list(dict.fromkeys(moment(row.at)[:10] for row in marks))
    rows = []
    for day in days:
        known = _latest([row for row in marks if moment(row.at)[:10] <= day])
        plus = sum(row.mark == PLUS for row in known.values())
        minus = len(known) - plus
        rows.append(
            HistoryRow(
                account_id=account,
                at=np.datetime64(day or "NaT", "D"),
                plus_n=plus,
                minus_n=minus,
                unknown_n=len(ASSESSMENT_FACTORS) - plus - minus,
                score_share=plus / (plus + minus),
            )
        )
    return rows


def _score(
    account: str,
    marks: list[SheetRow],
    history: list[HistoryRow],
    amounts: Mapping[str, float],
    names: Mapping[str, str],
) -> ScoreRow:
    plus = sum(row.mark == PLUS for row in _latest(marks).values())
    minus = len(_latest(marks)) - plus
    unknown = len(ASSESSMENT_FACTORS) - plus - minus
    return ScoreRow(
        account_id=account,
        name=names.get(account, ""),
        plus_n=plus,
        minus_n=minus,
        unknown_n=unknown,
        score_share=plus / (plus + minus) if plus + minus else float("nan"),
        score_lower=plus / len(ASSESSMENT_FACTORS),
        score_upper=(plus + unknown) / len(ASSESSMENT_FACTORS),
        open_amount=amounts.get(account, float("nan")),
        assessed_at=history[-1].at if history else np.datetime64("NaT", "D"),
        before_share=history[-2].score_share if len(history) > 1 else float("nan"),
    )
