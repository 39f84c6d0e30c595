"""Public holidays and moved working days of countries, from the package ``holidays``."""

from __future__ import annotations

import datetime
import warnings
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.core.errors import ParameterError, nearest
from funnelnb.data.contract.clock import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike, NDArray

    from funnelnb.data.ledger.ledger import Ledger


# ---- Which days count? Calendar days, or the business days of a week, of a settings file or of a country ---

SECONDS_PER_DAY = 86_400
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
WEEKEND = ("saturday", "sunday")
BUSINESS = "business"
"""Name of the calendar from Monday to Friday without holidays."""

_EPOCH_WEEKDAY = 3
"""1970-01-01 was a Thursday."""

Date = str | datetime.date | np.datetime64


@dataclass(frozen=True, kw_only=True, repr=False)
class Calendar:
    """Which days are business days?

    Parameters
    ----------
    name : str
        What labels call it; empty only for calendar days, when every day counts.
    weekend : sequence of str
        Weekdays that are no business days, in English (``"saturday"`` or ``"Sat"``); not all seven.
    holidays : sequence of dates
        Days that are no business days whatever their weekday. Dates or ISO texts.
    workdays : sequence of dates
        Business days although their weekday is of the weekend, such as China's make-up Saturdays.
    years : tuple of int, optional
        First and last year for which the days are known; outside of them only the weekend is. None: no limit.

    Raises
    ------
    ParameterError
        A weekday or date cannot be read, a day is both holiday and working day, or the name is missing. All
        problems at once.

    Examples
    --------
    >>> works = Calendar(name="works", holidays=["2026-01-01"], workdays=["2026-01-04"])
    >>> works.is_business(np.array(["2026-01-01", "2026-01-02", "2026-01-04"], "datetime64[D]")).tolist()
    [False, True, True]
    """

    name: str
    weekend: tuple[str, ...] = WEEKEND
    holidays: tuple[datetime.date, ...] = field(default=())
    workdays: tuple[datetime.date, ...] = field(default=())
    years: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        problems: list[str] = []
        weekend = _weekdays(self.weekend, problems)
        holidays, workdays = (
            _dates(key, value, problems)
            for key, value in (("holidays", self.holidays), ("workdays", self.workdays))
        )
        both = sorted(set(holidays) & set(workdays))
        problems += [f"{both[0]} is in holidays and in workdays"] if both else []
        if len(weekend) == len(WEEKDAYS):
            problems.append("weekend holds all seven days")
        problems += _name_problems(self.name, plain=not (holidays or workdays) and weekend == WEEKEND,
                                   every_day=not (holidays or weekend))  # fmt: skip
        if problems:
            raise ParameterError(
                f"calendar {self.name!r}: " + "; ".join(problems),
                expected='weekend = ["saturday", "sunday"], holidays and workdays as dates such as 2026-10-01',
            )
        for key, value in (("weekend", weekend), ("holidays", holidays), ("workdays", workdays)):
            object.__setattr__(self, key, value)

    def __repr__(self) -> str:
        days = ", ".join(self.weekend) or "none"
        facts = f"weekend {days}; {len(self.holidays)} holidays, {len(self.workdays)} extra working days"
        return f"<Calendar {self.name!r}: {facts}>"

    @property
    def every_day(self) -> bool:
        """Whether every day counts: calendar days."""
        return not self.weekend and not self.holidays

    def is_business(self, days: ArrayLike) -> NDArray[np.bool_]:
        """Which of `days` (datetime64[D], or days since 1970-01-01) are business days?"""
        number = np.asarray(days).astype("datetime64[D]").astype(np.int64)
        return self._before(number + 1) > self._before(number)

    def elapsed_s(self, moments_s: ArrayLike) -> NDArray[np.int64]:
        """How much business time has passed by each moment?

        Parameters
        ----------
        moments_s : array_like of int64
            Seconds of the wall clock since 1970-01-01 00:00; UNKNOWN stays UNKNOWN.

        Returns
        -------
        ndarray of int64
            Seconds of business time since then: 86 400 for a business day, within one the seconds since its
            midnight, none for any other day. Only differences mean anything.

        Notes
        -----
        Never falls as moments rise. Of whole days the difference is the number of business days from the
        first (counted) to the last (not counted), as ``numpy.busday_count`` has it.

        Checked against ``numpy.busday_count``, pandas' ``CustomBusinessDay`` and hand counts:
        ``tests/data/test_calendar.py``.

        Examples
        --------
        >>> friday_noon, monday_noon = np.array(["2026-01-02T12", "2026-01-05T12"], "datetime64[s]").astype(int)
        >>> week = Calendar(name="business")
        >>> int(week.elapsed_s(monday_noon) - week.elapsed_s(friday_noon)) / 86_400
        1.0
        """
        moments = np.asarray(moments_s, dtype=np.int64)
        if self.every_day:
            return moments.copy()
        known = moments != UNKNOWN
        moments = np.where(known, moments, 0)
        day = moments // SECONDS_PER_DAY
        second = moments - day * SECONDS_PER_DAY
        first, last = (int(day.min()), int(day.max())) if day.size else (0, 0)
        if last - first <= day.size:  # many moments, few days: count each day once
            table = self._before(np.arange(first, last + 2))
            before, after = table[day - first], table[day - first + 1]
        else:
            before, after = self._before(day), self._before(day + 1)
        return np.where(known, before * SECONDS_PER_DAY + second * (after > before), UNKNOWN)

    def _before(self, day: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how many business days lie from 1970-01-01 to before each day; negative for days before it."""
        in_week, removed, added = self._tables
        weeks = (day + _EPOCH_WEEKDAY) // 7
        usual = weeks * in_week[7] + in_week[day + _EPOCH_WEEKDAY - weeks * 7]
        return usual - np.searchsorted(removed, day) + np.searchsorted(added, day)

    @cached_property
    def _tables(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Working days of a week before each weekday; weekday holidays; extra working days, as day numbers."""
        works = np.array([name not in self.weekend for name in WEEKDAYS])
        in_week = np.concatenate(([0], np.cumsum(works)))
        holidays, workdays = (
            np.array(one, "datetime64[D]").astype(np.int64) for one in (self.holidays, self.workdays)
        )
        on_weekday = works[(holidays + _EPOCH_WEEKDAY) % 7]
        on_weekend = ~works[(workdays + _EPOCH_WEEKDAY) % 7]
        return in_week, holidays[on_weekday], workdays[on_weekend]


def calendar_of(value: Any, book: Any = None) -> Calendar:
    """Which calendar is meant?

    Parameters
    ----------
    value : str, Calendar or None
        None or ``""``: calendar days. ``"business"``: Monday to Friday. A calendar of the settings file
        (``[calendars.NAME]``). A country or a part of one, such as ``"CN"``, ``"DE"`` or ``"DE-BY"``. Or a
        calendar itself.
    book : Book or Scan, optional
        Whose settings may hold calendars.

    Returns
    -------
    Calendar

    Raises
    ------
    ParameterError
        There is no such calendar, it has no business day from the first deal to the as-of date, or the source
        is counted where it lies, in calendar days only.

    Examples
    --------
    >>> calendar_of("business").weekend
    ('saturday', 'sunday')
    """
    own = dict(getattr(book, "calendars", None) or {})
    if value is None or (isinstance(value, str) and not value):
        return CALENDAR_DAYS
    if isinstance(value, Calendar):
        found = value
    elif isinstance(value, str) and value in own:
        found = own[value]
    elif value == BUSINESS:
        found = Calendar(name=BUSINESS)
    else:
        made = country_calendar(value) if isinstance(value, str) else None
        if made is None:
            raise _unknown(value, own)
        found = made
    if book is not None and not found.every_day:
        if getattr(book, "in_engine", False):
            raise in_engine(found)
        _check_days(found, book.ledger)
    return found


def _check_days(calendar: Calendar, ledger: Ledger) -> None:
    """Raise ParameterError if no business day lies between the first known moment and the as-of date."""
    known_s = ledger.entered_s[ledger.entered_s != UNKNOWN]
    first_s = int(known_s.min()) if known_s.size else ledger.as_of_s
    days = np.array([first_s, ledger.as_of_s], "datetime64[s]").astype("datetime64[D]")
    midnights_s = (days + np.array([0, 1])).astype("datetime64[s]").astype(np.int64)
    if not np.diff(calendar.elapsed_s(midnights_s)).any():
        raise ParameterError(
            f"calendar = {calendar.name!r}: it has no business day from {days[0]} to {days[1]}",
            expected="a calendar with business days between the first deal and the day of the data",
            hint="check its holidays, or take calendar days",
        )


def in_engine(calendar: Calendar) -> ParameterError:
    """Return the error for business days asked of tables that are counted where they lie."""
    return ParameterError(
        f"calendar = {calendar.name!r} for a Scan that is counted in its engine",
        expected="calendar days, or tables in memory",
        hint="load the tables into memory: fn.load(...), or Scan(..., in_engine=False)",
    )


def _unknown(value: Any, own: Iterable[str]) -> ParameterError:

    names = [BUSINESS, *own]
    hint = nearest(value, [*names, *codes_like(value)]) if isinstance(value, str) else ""
    return ParameterError(
        f"calendar = {value!r}",
        expected="'' (calendar days), 'business' (Monday to Friday), a name of [calendars] in funnelnb.toml, "
        "or a country such as 'CN', 'DE' or 'DE-BY'",
        hint=hint if hint.startswith("did") else nearest(str(value), names),
    )


def _name_problems(name: Any, *, plain: bool, every_day: bool) -> list[str]:
    """Return what is wrong with a name, on which the labels rely."""
    if not isinstance(name, str) or (not name.strip() and not every_day):
        return [f"name = {name!r}: a calendar that leaves days out needs one"]
    if name == BUSINESS and not plain:
        return [f"name = {name!r}: it means Monday to Friday without holidays"]
    return [f"name = {name!r}: no braces in it"] if set(name) & set("{}") else []


def _weekdays(given: Any, problems: list[str]) -> tuple[str, ...]:
    """Return weekdays by their full names, in the order of the week."""
    if isinstance(given, str) or not isinstance(given, (list, tuple, set, frozenset)):
        problems.append(f"weekend = {given!r} is not a list of weekdays")
        return ()
    found = set()
    for one in given:
        word = one.casefold() if isinstance(one, str) else ""
        full = [name for name in WEEKDAYS if len(word) >= 3 and name.startswith(word)]
        if full:
            found.add(full[0])
        else:
            problems.append(f"weekend: {one!r} is no weekday ({nearest(str(one), WEEKDAYS)})")
    return tuple(name for name in WEEKDAYS if name in found)


def _dates(key: str, given: Any, problems: list[str]) -> tuple[datetime.date, ...]:
    """Return dates sorted, each once."""
    if isinstance(given, (str, bytes)) or not hasattr(given, "__iter__"):
        problems.append(f"{key} = {given!r} is not a list of dates")
        return ()
    found = set()
    for one in given:
        day = _date(one)
        if day is None:
            problems.append(f"{key}: {one!r} is no date")
        else:
            found.add(day)
    return tuple(sorted(found))


def _date(value: Any) -> datetime.date | None:
    """Return a date, None where `value` is none; a time of day makes it none, unless it is midnight."""
    if isinstance(value, datetime.datetime):
        return value.date() if value.time() == datetime.time() and value.tzinfo is None else None
    if isinstance(value, datetime.date):
        return value
    if isinstance(value, np.datetime64):
        return value.astype("datetime64[D]").item()
    try:
        return datetime.date.fromisoformat(value)
    except (TypeError, ValueError):
        return None


CALENDAR_DAYS = Calendar(name="", weekend=())
"""Every day counts."""


# ---- Public holidays and moved working days of countries, from the package ``holidays`` --------------------

FIRST_YEAR, LAST_YEAR = 1970, 2100
"""Years whose holidays a country's calendar holds."""

DAY = datetime.timedelta(days=1)


@lru_cache(maxsize=32)
def country_calendar(code: str) -> Calendar | None:
    """Which days are business days in a country, or a part of one?

    Parameters
    ----------
    code : str
        ISO 3166: country (``"CN"``), or country and part (``"DE-BY"``).

    Returns
    -------
    Calendar or None
        None where the code is not known. Its `years` are those for which the days are known: of a country
        that moves working days to weekends by decree, the years whose decrees the package holds.

    Notes
    -----
    Holidays are the public ones of everybody, no half days. Checked against hand counts of official notices:
    ``tests/data/test_calendar.py``.

    Examples
    --------
    >>> country_calendar("CN").is_business("2026-02-14").item()  # a Saturday, worked before Spring Festival
    True
    """
    country, dash, part = code.partition("-")
    if country not in _countries() or (dash and part not in _countries()[country]):
        return None
    by_year = {year: _year(country, part, year) for year in range(FIRST_YEAR, LAST_YEAR + 1)}
    usual = by_year[LAST_YEAR][0].weekend
    known = [year for year, (_, told) in by_year.items() if not told]
    off, on = set(), set()
    for days, _ in by_year.values():
        off |= set(days)
        on |= days.weekend_workdays
    day = datetime.date(FIRST_YEAR, 1, 1)
    holidays, workdays = [], []
    while day.year <= LAST_YEAR:
        year = by_year[day.year][0]
        works = day in on if year.is_weekend(day) else day not in off
        if works and day.weekday() in usual:
            workdays.append(day)
        elif not works and day.weekday() not in usual:
            holidays.append(day)
        day += DAY
    moved = sorted(one.year for one in on)
    first, last = (moved[0], moved[-1]) if moved else (FIRST_YEAR, LAST_YEAR)
    start, end = by_year[LAST_YEAR][0].start_year, by_year[LAST_YEAR][0].end_year
    return Calendar(
        name=code,
        weekend=tuple(name for place, name in enumerate(WEEKDAYS) if place in usual),
        holidays=tuple(holidays),
        workdays=tuple(workdays),
        years=(max(first, start, min(known, default=first)), min(last, end, max(known, default=last))),
    )


def _year(country: str, part: str, year: int) -> tuple[Any, bool]:
    """Return the days of one year, and whether the package says that it does not know all of them."""
    import holidays

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        days = holidays.country_holidays(country, subdiv=part or None, years=year, expand=False)
    return days, any("available only" in str(one.message) for one in told)


@lru_cache(maxsize=1)
def _countries() -> dict[str, list[str]]:
    import holidays

    known = holidays.list_supported_countries(include_aliases=True)
    return {code: parts for code, parts in known.items() if len(code) == 2}


def codes_like(value: str) -> list[str]:
    """Return the codes that `value` may have meant: its country's parts, or all countries."""
    country = value.partition("-")[0].upper()
    known = _countries()
    return [country, *(f"{country}-{part}" for part in known[country])] if country in known else list(known)
