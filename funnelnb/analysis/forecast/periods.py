"""Which periods are meant: months, quarters or years, also of a fiscal year; those ahead, and those that are over."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.analysis.shared.period import Period, period_of
from funnelnb.core import check
from funnelnb.core.arrays import in_months
from funnelnb.core.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Sequence

LENGTHS = {"month": 1, "quarter": 3, "year": 12}
"""Kinds of period, and their months."""


def day_number(day: Any) -> int:
    """Return a day as days since 1970."""
    return int(np.datetime64(day, "D").astype(np.int64))


def fiscal(text: str, start_month: int) -> Period | None:
    """Return the period that `text` names in a fiscal year that is called by the calendar year in which it starts.

    Examples
    --------
    >>> found = fiscal("2026-Q4", 4)
    >>> str(found.start), str(found.end)
    ('2027-01-01', '2027-03-31')
    """
    found = period_of(text)
    if found is None or start_month == 1 or (len(found.name) == 7 and found.name[5] != "Q"):
        return found
    shift = start_month - 1
    start = found.start.astype("datetime64[M]") + in_months(shift)
    end = (found.end.astype("datetime64[M]") + in_months(shift + 1)).astype("datetime64[D]") - np.timedelta64(
        1, "D"
    )
    return Period(name=found.name, start=start.astype("datetime64[D]"), end=end)


def month_of_start(value: Any) -> int:
    """Return a first month of the fiscal year, 1 to 12."""
    month = check.number("fiscal_start", value, ge=1, le=12)
    if month != int(month):
        raise ParameterError(f"fiscal_start = {value!r}", expected="a month from 1 to 12")
    return int(month)


def containing(day: np.datetime64, kind: str, start_month: int = 1) -> Period:
    """Return the month, quarter or year of a fiscal year that holds a day."""
    months = LENGTHS[kind]
    month = int(day.astype("datetime64[M]").astype(np.int64)) - (start_month - 1)
    first = month - month % months
    start = np.datetime64(first + start_month - 1, "M")
    end = (start + in_months(months)).astype("datetime64[D]") - np.timedelta64(1, "D")
    year = 1970 + first // 12
    name = {
        "month": str(start.astype("datetime64[M]")), "quarter": f"{year}-Q{first % 12 // 3 + 1}", "year": str(year)
    }[kind]  # fmt: skip
    return Period(name=name, start=start.astype("datetime64[D]"), end=end)


def following(period: Period, kind: str, n: int, start_month: int = 1) -> Period:
    """Return the n-th period after one (before, for a negative number)."""
    start = period.start.astype("datetime64[M]") + in_months(n * LENGTHS[kind])
    return containing(start.astype("datetime64[D]"), kind, start_month)


def kind_of(period: Period) -> str:
    """Return of which kind a period is: month, quarter or year; empty for any other stretch."""
    months = (
        int((period.end.astype("datetime64[M]") - period.start.astype("datetime64[M]")).astype(np.int64)) + 1
    )
    return next((kind for kind, n in LENGTHS.items() if n == months), "")


def no_period(text: object) -> ParameterError:
    """Return the error that `text` names no month, quarter or year; a list in one text is shown as one."""
    several = isinstance(text, str) and any(mark in text.strip() for mark in (",", ";", "、", "..", " to "))
    return ParameterError(
        f"period = {text!r}",
        expected="a month, quarter (1 to 4) or year: 2026-07, 2026-Q3 (or Q3 2026), 2026",
        hint="several periods: period=['2026-Q3', '2026-Q4']" if several else "",
    )


def wanted(value: str | Sequence[str] | None, today: np.datetime64, start_month: int = 1) -> list[Period]:
    """Return the periods that are asked for, in time order; None: the quarter that is running or begins next.

    Raises
    ------
    ParameterError
        One is no period, is over, or the periods overlap.
    """
    day = today.astype("datetime64[D]")
    if value is None or value == "":
        return [containing(day + np.timedelta64(1, "D"), "quarter", start_month)]
    texts = [value] if isinstance(value, str) else list(value)
    found = []
    for text in texts:
        one = fiscal(str(text), start_month) if isinstance(text, str) else None
        if one is None:
            raise no_period(text)
        if one.end <= day:
            now = containing(day + np.timedelta64(1, "D"), "quarter", start_month)
            raise ParameterError(
                f"the period {one.name} ended on {one.end}, the data is as of {day}",
                expected=f"a period that ends after {day}, such as {now.name}",
                hint="what came is known; fn.forecasts.scorecard(book) says how well it was foreseen",
            )
        found.append(one)
    found.sort(key=lambda one: one.start)
    for first, second in itertools.pairwise(found):
        if second.start <= first.end:
            raise ParameterError(
                f"the periods {first.name} and {second.name} overlap", expected="periods one after another"
            )
    return found
