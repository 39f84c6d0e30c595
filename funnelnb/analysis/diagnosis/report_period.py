"""Which period does a report speak of, and which does it compare with?"""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

import numpy as np

from funnelnb.analysis.shared.period import Period, period_of
from funnelnb.core.arrays import in_months
from funnelnb.core.errors import ParameterError

if TYPE_CHECKING:
    from funnelnb.data.book import Book

KINDS = ("week", "month", "quarter", "year")
_DAY = np.timedelta64(1, "D")


def asked_period(book: Book, period: str) -> tuple[str, Period]:
    """Return the kind and the period that a report is about: the last whole week, month, …, or the one named.

    Raises
    ------
    ParameterError
        It is neither a kind nor a period, or has not begun.
    """
    today = book.as_of.astype("datetime64[D]")
    if period in KINDS:
        return period, _last(today, period)
    found = period_of(period)
    if found is None:
        raise ParameterError(
            f"period = {period!r}",
            expected="week, month, quarter or year, or one of them by name: 2026-W26, 2026-06, 2026-Q2, 2026",
        )
    if found.start > today:
        raise ParameterError(
            f"period = {period!r} begins on {found.start}, the data is as of {today}",
            expected="a period that has begun",
        )
    return kind_of(found), Period(name=found.name, start=found.start, end=min(found.end, today))


def kind_of(period: Period) -> str:
    """Return whether a period is a week, month, quarter or year, by its name."""
    name = period.name
    return "week" if "W" in name else "quarter" if "Q" in name else "month" if "-" in name else "year"


def _last(today: np.datetime64, kind: str) -> Period:
    """Return the last period of a kind that is over."""
    following = today + _DAY
    if kind == "week":
        monday = following - np.timedelta64((int(following.astype(np.int64)) + 3) % 7, "D")
        return _week(monday - 7 * _DAY)
    months = {"month": 1, "quarter": 3, "year": 12}[kind]
    month = following.astype("datetime64[M]").astype(np.int64)
    return _months(int(month // months * months) - months, kind)


def _week(monday: np.datetime64) -> Period:
    year, week, _ = datetime.date.fromisoformat(str(monday)).isocalendar()
    return Period(name=f"{year}-W{week:02d}", start=monday, end=monday + 6 * _DAY)


def _months(first: int, kind: str) -> Period:
    months = {"month": 1, "quarter": 3, "year": 12}[kind]
    start = np.datetime64(first, "M")
    year, month = 1970 + first // 12, first % 12 + 1
    name = {"month": f"{year}-{month:02d}", "quarter": f"{year}-Q{(month + 2) // 3}", "year": str(year)}[kind]
    return Period(
        name=name,
        start=start.astype("datetime64[D]"),
        end=(start + in_months(months)).astype("datetime64[D]") - _DAY,
    )


def back(period: Period, kind: str, *, year: bool = False) -> Period:
    """Return the period before, or the same a year earlier, cut to as many days where the period is not over.

    Examples
    --------
    >>> back(period_of("2026-Q1"), "quarter").name, back(period_of("2026-Q1"), "quarter", year=True).name
    ('2025-Q4', '2025-Q1')
    """
    if kind == "week":
        found = _week(period.start - (364 if year else 7) * _DAY)
    else:
        months = {"month": 1, "quarter": 3, "year": 12}[kind]
        first = int(period.start.astype("datetime64[M]").astype(np.int64))
        found = _months(first - (12 if year else months), kind)
    gone = period.end - period.start
    return (
        Period(name=found.name, start=found.start, end=min(found.end, found.start + gone))
        if _cut(period, kind)
        else found
    )


def _cut(period: Period, kind: str) -> bool:
    """Whether the period is shorter than its kind: it was not over on the as-of date."""
    whole = (
        _week(period.start)
        if kind == "week"
        else _months(int(period.start.astype("datetime64[M]").astype(np.int64)), kind)
    )
    return bool(period.end < whole.end)
