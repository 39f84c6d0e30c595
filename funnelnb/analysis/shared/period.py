"""Which target, until when? A period named in words, and the amount that stands for it."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from funnelnb.core import check
from funnelnb.core.arrays import in_months
from funnelnb.core.errors import MissingDataError, ParameterError

if TYPE_CHECKING:
    from funnelnb.core.check import Day
    from funnelnb.data.book import Book


_FORMS = re.compile(
    r"^(?P<year>\d{4})(?:[-/ ]?(?:Q(?P<quarter>[1-4])|W(?P<week>\d{2})|(?P<month>0[1-9]|1[0-2])))?$",
    re.IGNORECASE,
)
_PART_FIRST = re.compile(r"^(?:(Q[1-4])|([1-4])Q|(W\d{1,2}))[-/ ]*(\d{4})$", re.IGNORECASE)
_CHINESE = re.compile(
    r"^(\d{4})\s*年(?:度|\s*第?\s*([1-4一二三四])\s*季度?|\s*(\d{1,2})\s*月份?|\s*第?\s*(\d{1,2})\s*[周週])?$"
)
_NUMERALS = {"一": "1", "二": "2", "三": "3", "四": "4"}
PERIOD_FORMS = "a week, month, quarter or year: 2026-W23, 2026-07, 2026-Q3 (or Q3 2026) or 2026"
"""What a period may look like, as errors say it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A stretch of whole days.

    Attributes
    ----------
    name : str
        Such as ``"2026-Q3"``; empty where only the end was given.
    start, end : numpy.datetime64
        First and last day.
    """

    name: str
    start: np.datetime64
    end: np.datetime64

    def holds(self, other: Period) -> bool:
        """Whether the other period lies within this one."""
        return bool(self.start <= other.start and other.end <= self.end)


def period_of(text: str) -> Period | None:
    """Return the week, month, quarter or year that `text` names, or None.

    Weeks are those of ISO 8601: Monday to Sunday, week 1 holds the year's first Thursday.

    Examples
    --------
    >>> [period_of(one).name for one in ("2026-07", "Q3 2026", "2026", "2026W05", "2026年第三季度", "2026年7月")]
    ['2026-07', '2026-Q3', '2026', '2026-W05', '2026-Q3', '2026-07']
    >>> period_of("2026-W54") is None, str(period_of("2026-W01").start)
    (True, '2025-12-29')
    """
    found = _FORMS.match(_plain(str(text).strip()))
    if not found:
        return None
    year, quarter, month = found["year"], found["quarter"], found["month"]
    if found["week"]:
        return _week(int(year), int(found["week"]))
    first, months = (int(month), 1) if month else (3 * int(quarter) - 2, 3) if quarter else (1, 12)
    start = np.datetime64(f"{year}-{first:02d}", "M")
    name = f"{year}-{month}" if month else f"{year}-Q{quarter}" if quarter else year
    return Period(
        name=name,
        start=start.astype("datetime64[D]"),
        end=(start + in_months(months)).astype("datetime64[D]") - np.timedelta64(1, "D"),
    )


def _plain(text: str) -> str:
    """Return the other spellings as year first: ``Q3 2026`` and ``2026年第三季度`` are 2026-Q3."""
    turned = _PART_FIRST.match(text)
    if turned:
        quarter, digit, week, year = turned.groups()
        return f"{year}-{quarter or (f'Q{digit}' if digit else f'W{int(week[1:]):02d}')}"
    chinese = _CHINESE.match(text)
    if not chinese:
        return text
    year, quarter, month, week = chinese.groups()
    if quarter:
        return f"{year}-Q{_NUMERALS.get(quarter, quarter)}"
    return f"{year}-{int(month):02d}" if month else f"{year}-W{int(week):02d}" if week else year


def _week(year: int, week: int) -> Period | None:
    try:
        start = np.datetime64(datetime.date.fromisocalendar(year, week, 1), "D")
    except ValueError:
        return None
    return Period(name=f"{year}-W{week:02d}", start=start, end=start + np.timedelta64(6, "D"))


def named_period(name: str, text: object) -> Period:
    """Return the period that the parameter `name` names.

    Raises
    ------
    ParameterError
        It is no period.
    """
    found = period_of(str(text))
    if found is None:
        raise ParameterError(f"{name} = {text!r}", expected=PERIOD_FORMS)
    return found


def past_period(name: str, text: object, today: np.datetime64) -> Period:
    """Return the period that the parameter `name` names, up to today.

    Raises
    ------
    ParameterError
        It is no period, or it begins after today.
    """
    found = named_period(name, text)
    if found.start > today:
        raise ParameterError(
            f"{name}: the period begins on {found.start}, the data is as of {today}",
            expected=f"a period that begins by {today}",
        )
    return replace(found, end=min(found.end, today))


def next_quarter(book: Book) -> str:
    """Return the name of the first quarter that begins after the as-of date."""
    month = book.as_of.astype("datetime64[M]").astype(int)
    quarter = month // 3 + 1
    return f"{1970 + quarter // 4}-Q{quarter % 4 + 1}"


def if_named(book: Book, name: str | None, until: Day | None) -> Period | None:
    """Return the period named, checked by :func:`still_to_come`; None where neither it nor its last day is."""
    return None if name is None and until is None else still_to_come(book, name, until)


def still_to_come(book: Book, period: str | None, until: Day | None) -> Period:
    """Return the period asked for, from the day after the as-of date if only its end is given.

    Raises
    ------
    ParameterError
        Neither or both are given, the period is not known, or it is over.
    """
    today = book.as_of.astype("datetime64[D]")
    if (period is None) == (until is None):
        raise ParameterError(
            f"period = {period!r}, until = {until!r}",
            expected="one of them",
            hint="period='2026-Q3' or until='2026-09-30'",
        )
    if period is not None:
        wanted = named_period("period", period)
    else:
        end = check.timestamp("until", until).astype("datetime64[D]")
        wanted = Period(name="", start=today + np.timedelta64(1, "D"), end=end)
    if wanted.end <= today:
        raise ParameterError(
            f"the period ends on {wanted.end}, the data is as of {today}",
            expected=f"a period that ends after {today}",
            hint="a period that is over is not planned any more: take a later one, or load the data with an "
            "earlier as_of",
        )
    return wanted


def days_left(book: Book, period: Period) -> float:
    """Return the days from the as-of instant to the end of the period's last day, as ages are counted."""
    whole = (book.as_of.astype("datetime64[D]").astype("datetime64[s]") == book.as_of) + 0
    end = period.end + np.timedelta64(1 - whole, "D")
    return float((end.astype("datetime64[s]") - book.as_of) / np.timedelta64(86_400, "s"))


def days_to_start(book: Book, period: Period) -> float:
    """Return the days from the as-of instant to the start of the period; 0 where it has begun."""
    before = Period(name="", start=period.start, end=period.start - np.timedelta64(1, "D"))
    return max(0.0, days_left(book, before))


def target_amount(book: Book, amount: float | None, period: Period) -> float:
    """Return the amount given, or the sum of the table ``targets`` over the period.

    Raises
    ------
    ParameterError
        The amount is not above 0.
    MissingDataError
        No amount is given and the table does not hold the period.
    """
    if amount is not None:
        return check.number("amount", amount, gt=0, lt=float("inf"))
    if "targets" not in book.tables:
        raise MissingDataError(
            "no target: the data has no table 'targets'",
            expected="a table targets with the columns period, owner, team, region, amount",
            hint="or give the target yourself: amount=500_000",
        )
    table = book.tables["targets"]
    wanted = [_counts_for(text, period) for text in table["period"]]
    total = float(table.loc[np.array(wanted, dtype=bool), "amount"].sum()) if wanted else 0.0
    if not total > 0:
        known = sorted(set(table["period"].dropna()))
        raise MissingDataError(
            f"the table 'targets' holds no target for {period.name or f'the time until {period.end}'}",
            expected="one of " + ", ".join(known[-8:]) if known else "rows",
            hint="or give the target yourself: amount=500_000",
        )
    return total


def _counts_for(text: object, period: Period) -> bool:
    found = period_of(str(text))
    if found is None:
        return False
    if period.name:
        return period.holds(found)
    return bool(found.end == period.end)
