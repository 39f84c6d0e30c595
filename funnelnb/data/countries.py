"""Public holidays and moved working days of countries, from the package ``holidays``."""

from __future__ import annotations

import datetime
import warnings
from functools import lru_cache
from typing import Any

from funnelnb.data.calendar import WEEKDAYS, Calendar

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
