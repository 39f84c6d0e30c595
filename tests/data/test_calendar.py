"""Business time: against numpy, pandas, plain loops, official notices and hand counts."""

from __future__ import annotations

import datetime as dt
import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.tseries.holiday import USFederalHolidayCalendar

import funnelnb as fn
from funnelnb.core.errors import MappingError, ParameterError
from funnelnb.data.contract.calendar import CALENDAR_DAYS, WEEKDAYS, Calendar, calendar_of, country_calendar
from funnelnb.data.contract.clock import UNKNOWN
from funnelnb.data.contract.settings import read_settings

DAY = 86_400
WEEK = Calendar(name="business")


def s(*moments: str) -> np.ndarray:
    return np.array(moments, "datetime64[s]").astype(np.int64)


def days_between(calendar: Calendar, first: str, last: str) -> float:
    one, other = calendar.elapsed_s(s(first, last)).tolist()
    return (other - one) / DAY


def by_loop(calendar: Calendar, first: int, last: int) -> int:
    """Seconds of business days in [first, last), one day after the other."""
    total, day = 0, first // DAY
    while day * DAY < last:
        date = dt.date(1970, 1, 1) + dt.timedelta(days=day)
        works = WEEKDAYS[date.weekday()] not in calendar.weekend and date not in calendar.holidays
        if works or date in calendar.workdays:
            total += min(last, (day + 1) * DAY) - max(first, day * DAY)
        day += 1
    return total


# ---- by hand -----------------------------------------------------------------------------------------------


def test_nights_count_and_weekends_do_not() -> None:
    assert days_between(WEEK, "2026-01-02T12:00", "2026-01-05T12:00") == 1  # Friday noon to Monday noon
    assert days_between(WEEK, "2026-01-02T18:00", "2026-01-03T15:00") == 0.25  # the rest of Friday
    assert days_between(WEEK, "2026-01-03T01:00", "2026-01-04T23:00") == 0  # within the weekend
    assert days_between(WEEK, "2026-01-03T09:00", "2026-01-05T06:00") == 0.25  # Monday's first quarter
    assert days_between(WEEK, "2026-01-05", "2026-01-12") == 5
    assert days_between(WEEK, "2026-01-06T10:00", "2026-01-07T10:00") == 1  # a day has 24 hours


def test_unknown_stays_unknown_and_shape_stays() -> None:
    moments = np.array([[UNKNOWN, 0], [5, UNKNOWN]])
    found = WEEK.elapsed_s(moments)
    assert (found == UNKNOWN).tolist() == [[True, False], [False, True]]
    assert found.dtype == np.int64
    assert WEEK.elapsed_s(0).shape == ()
    assert WEEK.elapsed_s(np.zeros(0, np.int64)).shape == (0,)
    assert WEEK.elapsed_s(np.full(3, UNKNOWN)).tolist() == [UNKNOWN] * 3


def test_calendar_days_leave_seconds_alone() -> None:
    moments = np.array([UNKNOWN, -5, 0, 10**12])
    for calendar in (CALENDAR_DAYS, calendar_of(None), calendar_of("")):
        assert calendar.every_day
        assert calendar.elapsed_s(moments).tolist() == moments.tolist()
    assert np.array_equal(Calendar(name="all", weekend=()).elapsed_s(moments), moments)


def test_a_calendar_of_holidays_alone_stands_still() -> None:
    days = tuple(dt.date(2026, 1, 1) + dt.timedelta(days=k) for k in range(365))
    never = Calendar(name="never", holidays=days)
    assert days_between(never, "2026-01-01", "2027-01-01") == 0
    assert len(set(never.elapsed_s(s("2026-01-01", "2026-07-01T12:00", "2026-12-31T23:59:59")).tolist())) == 1


def test_far_dates_cost_no_memory() -> None:
    """From year 1 to 9999 in one call, with a table of days no longer than the moments themselves."""
    moments = s(
        "0001-01-01", "1900-01-01", "1969-12-29", "1970-01-01", "2100-12-31T12:00", "9999-12-31T23:59:59"
    )
    days = moments // DAY
    wanted = np.busday_count(days[0].astype("datetime64[D]"), days.astype("datetime64[D]"))
    found = (WEEK.elapsed_s(moments) - WEEK.elapsed_s(moments)[0]) // DAY
    assert found.tolist() == wanted.tolist()
    import tracemalloc

    tracemalloc.start()
    WEEK.elapsed_s(moments)
    assert tracemalloc.get_traced_memory()[1] < 100_000
    tracemalloc.stop()


# ---- China -------------------------------------------------------------------------------------------------


def test_chinese_new_year_2024_by_hand() -> None:
    """Off 10 to 17 February; Sundays 4 and 18 February were worked (notice of the State Council's office)."""
    china = calendar_of("CN")
    wanted = [1, 2, 4, 5, 6, 7, 8, 9, *range(18, 24), 26, 27, 28, 29]
    days = np.arange("2024-02-01", "2024-03-01", dtype="datetime64[D]")
    assert [int(str(day)[-2:]) for day in days[china.is_business(days)]] == wanted
    assert days_between(china, "2024-02-01", "2024-03-01") == 18
    assert days_between(WEEK, "2024-02-01", "2024-03-01") == 21
    assert days_between(china, "2024-02-03T12:00", "2024-02-04T12:00") == 0.5  # Saturday off, Sunday worked
    assert days_between(WEEK, "2024-02-03T12:00", "2024-02-04T12:00") == 0


@pytest.mark.parametrize(("year", "statutory_n"), [(2023, 11), (2024, 11), (2025, 13), (2026, 13)])
def test_moved_days_leave_a_chinese_year_its_working_days(year: int, statutory_n: int) -> None:
    """However days are moved, a year has its days less Saturdays, Sundays and the statutory days (11; 13 from 2025)."""
    days = np.arange(f"{year}-01-01", f"{year + 1}-01-01", dtype="datetime64[D]")
    usual = int(np.is_busday(days).sum())
    expected = usual - statutory_n
    if year == 2023:  # the first of January 2023 was a Sunday; its free Monday was not worked for
        expected = 365 - 105 - 11
    assert int(calendar_of("CN").is_business(days).sum()) == expected


def test_made_up_weekends_of_2026() -> None:
    china = calendar_of("CN")
    days = np.arange("2026-01-01", "2027-01-01", dtype="datetime64[D]")
    worked = days[china.is_business(days) & ~np.is_busday(days)]
    assert [str(day)[5:] for day in worked] == ["01-04", "02-14", "02-28", "05-09", "09-20", "10-10"]
    assert china.years == (2001, 2026)


# ---- against others ----------------------------------------------------------------------------------------


def test_whole_days_are_those_of_pandas_for_america() -> None:
    days = pd.date_range("2022-01-01", "2025-12-31")
    offset = pd.tseries.offsets.CustomBusinessDay(calendar=USFederalHolidayCalendar())
    ours = calendar_of("US").is_business(days.to_numpy())
    assert ours.tolist() == [offset.is_on_offset(day) for day in days]


def test_regions_have_their_own_holidays() -> None:
    day = np.array(["2025-08-15"], "datetime64[D]")  # Assumption: a holiday in the Saarland, not in Hamburg
    assert calendar_of("DE-SL").is_business(day).tolist() == [False]
    assert calendar_of("DE-HH").is_business(day).tolist() == [True]
    assert calendar_of("DE").is_business(np.array(["2025-10-03"], "datetime64[D]")).tolist() == [False]


def test_a_country_whose_weekend_changed() -> None:
    """The United Arab Emirates moved the weekend from Friday and Saturday to Saturday and Sunday in 2022."""
    emirates = calendar_of("AE")
    friday = np.array(["2021-11-12", "2022-11-11"], "datetime64[D]")
    sunday = np.array(["2021-11-14", "2022-11-13"], "datetime64[D]")
    assert emirates.is_business(friday).tolist() == [False, True]
    assert emirates.is_business(sunday).tolist() == [True, False]


DATES = st.dates(dt.date(1960, 1, 1), dt.date(2060, 12, 31))
SECONDS = st.integers(-(10**9), 3 * 10**9)


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    weekend = draw(st.sets(st.sampled_from(WEEKDAYS), max_size=6))
    holidays = draw(st.sets(DATES, max_size=8))
    workdays = draw(st.sets(DATES, max_size=4)) - holidays
    return Calendar(name="x", weekend=tuple(weekend), holidays=tuple(holidays), workdays=tuple(workdays))


@settings(max_examples=60, deadline=None)
@given(calendars(), st.lists(DATES, min_size=2, max_size=20))
def test_whole_days_are_numpys(calendar: Calendar, dates: list[dt.date]) -> None:
    days = np.sort(np.array(dates, "datetime64[D]"))
    mask = [name not in calendar.weekend for name in WEEKDAYS]
    holidays = np.array(calendar.holidays, "datetime64[D]")
    wanted = np.busday_count(days[0], days, weekmask=mask, holidays=holidays)
    for one in calendar.workdays:
        wanted += (not mask[one.weekday()]) & (days[0] <= np.datetime64(one)) & (np.datetime64(one) < days)
    found = calendar.elapsed_s(days.astype("datetime64[s]").astype(np.int64)) // DAY
    assert (found - found[0]).tolist() == wanted.tolist()


@settings(max_examples=40, deadline=None)
@given(calendars(), st.integers(0, 10**9), st.integers(0, 400 * DAY))
def test_seconds_are_those_of_a_loop(calendar: Calendar, first: int, length: int) -> None:
    one, other = calendar.elapsed_s(np.array([first, first + length])).tolist()
    assert other - one == by_loop(calendar, first, first + length)


@settings(max_examples=60, deadline=None)
@given(calendars(), st.lists(SECONDS, min_size=1, max_size=30), st.randoms())
def test_time_never_runs_back_and_adds_up(calendar: Calendar, moments: list[int], chance: Any) -> None:
    """Sorted moments give sorted times; the parts of a stay add up; the order of rows does not matter."""
    ordered = np.array(sorted(moments))
    found = calendar.elapsed_s(ordered)
    steps = np.diff(found)
    assert (steps >= 0).all()
    assert (steps <= np.diff(ordered)).all()
    assert steps.sum() == found[-1] - found[0]
    place = list(range(len(ordered)))
    chance.shuffle(place)
    assert np.array_equal(calendar.elapsed_s(ordered[place]), found[place])
    assert [int(calendar.elapsed_s(one)) for one in ordered] == found.tolist()


@settings(max_examples=40, deadline=None)
@given(st.sets(st.sampled_from(WEEKDAYS), max_size=6), st.lists(SECONDS, min_size=2), st.integers(-500, 500))
def test_a_week_later_is_the_same_where_there_are_no_holidays(
    weekend: set[str], moments: list[int], weeks: int
) -> None:
    calendar = Calendar(name="x", weekend=tuple(weekend))
    here, there = (calendar.elapsed_s(np.array(moments) + k * 7 * DAY) for k in (0, weeks))
    assert np.array_equal(np.diff(here), np.diff(there))


# ---- how calendars are named and refused -------------------------------------------------------------------


def test_a_calendar_is_a_value() -> None:
    one = fn.Calendar(
        name="works", weekend=["Sun", "saturday"], holidays=["2026-01-01", np.datetime64("2026-05-01")]
    )
    other = fn.Calendar(name="works", holidays=[dt.date(2026, 5, 1), dt.datetime(2026, 1, 1), "2026-05-01"])
    assert one == other
    assert hash(one) == hash(other)
    assert one.weekend == ("saturday", "sunday")
    assert pickle.loads(pickle.dumps(one)) == one
    assert repr(one) == "<Calendar 'works': weekend saturday, sunday; 2 holidays, 0 extra working days>"
    with pytest.raises(AttributeError):
        one.name = "other"  # type: ignore[misc]


def test_all_that_is_wrong_with_a_calendar_is_told_at_once() -> None:
    with pytest.raises(ParameterError) as told:
        Calendar(
            name="", weekend=["sat", "Sonnabend", 6], holidays=["2026-02-30", 20260101, dt.datetime(2026, 1, 1, 8)],
            workdays="2026-01-03",
        )  # fmt: skip
    for part in ("'Sonnabend' is no weekday", "6 is no weekday", "'2026-02-30' is no date", "20260101 is no date",
                 "2026, 1, 1, 8", "workdays = '2026-01-03' is not a list", "name = ''"):  # fmt: skip
        assert part in str(told.value)


@pytest.mark.parametrize(
    ("wrong", "part"),
    [
        ({"name": "x", "weekend": WEEKDAYS}, "all seven days"),
        (
            {"name": "x", "holidays": ["2026-01-03"], "workdays": ["2026-01-03"]},
            "in holidays and in workdays",
        ),
        ({"name": "business", "holidays": ["2026-01-01"]}, "Monday to Friday without holidays"),
        ({"name": "a{b}"}, "no braces"),
        ({"name": 5}, "name = 5"),
    ],
)
def test_impossible_calendars_are_refused(wrong: dict[str, Any], part: str) -> None:
    with pytest.raises(ParameterError, match=part):
        Calendar(**wrong)


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [("buisness", "did you mean 'business'?"), ("cn", "did you mean 'CN'?"), ("de-by", "did you mean 'DE-BY'?"),
     ("worcs", "did you mean 'works'?"), ("DE-XX", "did you mean 'DE-"), (5, "known: business, works"),
     (True, "known"), ("工作日", "known")],
)  # fmt: skip
def test_a_calendar_that_does_not_exist_is_refused_with_the_nearest(wrong: Any, hint: str) -> None:
    book = fn.sample(mapping={"playbook": "seven_step", "calendars": {"works": {}}})
    with pytest.raises(ParameterError, match="calendar = ") as told:
        calendar_of(wrong, book)
    assert hint in str(told.value)


def test_no_business_day_in_the_data_is_refused() -> None:
    book = fn.sample()
    days = np.arange("2000-01-01", "2030-01-01", dtype="datetime64[D]")
    for call in (fn.duration, fn.stuck, fn.ageing):
        with pytest.raises(ParameterError, match="no business day from"):
            call(book, calendar=Calendar(name="never", holidays=tuple(days)))


def test_settings_hold_calendars() -> None:
    made = read_settings({"calendars": {
        "works": {"weekend": ["sunday"], "holidays": [dt.date(2026, 1, 1), "2026-05-01"], "workdays": ["2026-01-04"]},
        "plain": {},
    }}).calendars  # fmt: skip
    assert made["plain"] == Calendar(name="plain")
    assert made["works"].weekend == ("sunday",)
    assert made["works"].holidays == (dt.date(2026, 1, 1), dt.date(2026, 5, 1))


def test_a_settings_calendar_counts(tmp_path: Any) -> None:
    (tmp_path / "funnelnb.toml").write_text(
        'playbook = ["lead", "won"]\n[calendars.works]\nweekend = ["sunday"]\nholidays = [2026-01-01]\n',
        encoding="utf-8",
    )
    (tmp_path / "opportunities.csv").write_text(
        "opportunity_id,stage,outcome,created_at,closed_at\na,won,won,2025-12-31,2026-01-05\n",
        encoding="utf-8",
    )
    book = fn.load(tmp_path)
    # 31 December, 2 and 3 January (a Friday and a Saturday)
    assert fn.duration(book, calendar="works").rows[-1].naive_median_days == 3
    assert fn.duration(book, calendar="business").rows[-1].naive_median_days == 3
    assert fn.duration(book).rows[-1].naive_median_days == 5
    assert book.where().calendars == book.calendars
    assert pickle.loads(pickle.dumps(book)).calendars == book.calendars
    assert fn.load(tmp_path, mapping={"playbook": ["lead", "won"]}).fingerprint != book.fingerprint


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        ({"works": {"weekend": "sunday", "holidays": ["1.1.2026"]}, "other": {"workdays": [1]}},
         ["calendars.works: weekend = 'sunday' is not a list", "'1.1.2026' is no date", "other: workdays: 1"]),
        ({"works": {"holiday": []}}, ["unknown key 'holiday' in [calendars.works]", "did you mean 'holidays'?"]),
        ({"works": 5}, ["calendars.works is not a table"]),
        ([], ["tables such as [calendars.works]"]),
        ({"business": {"holidays": ["2026-01-01"]}}, ["calendars.business: "]),
    ],
)  # fmt: skip
def test_wrong_settings_are_told_with_their_place(content: Any, parts: list[str]) -> None:
    with pytest.raises(MappingError) as told:
        read_settings({"calendars": content})
    for part in parts:
        assert part in str(told.value)


def test_calendars_load_their_package_only_when_a_country_is_asked_for() -> None:
    code = (
        "import sys, funnelnb as fn\n"
        "book = fn.sample()\n"
        "fn.duration(book, stage='negotiation', calendar='business')\n"
        "assert 'holidays' not in sys.modules\n"
        "fn.duration(book, stage='negotiation', calendar='CN')\n"
        "assert 'holidays' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_codes_are_of_two_letters() -> None:
    assert country_calendar("CHN") is None
    assert country_calendar("") is None
    assert country_calendar("DE-") is None
