"""Text to times: each way of writing, the order of day and month, zones, and what means "no date"."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from funnelnb.data.parse.cells import Reading
from funnelnb.data.parse.dates import parse_dates


def read(cells, **reading):
    column = cells if isinstance(cells, pd.Series) else pd.Series(cells, dtype="str")
    return parse_dates(column, Reading(**reading), {"file": "f", "column": "c"})


def moments(cells, **reading):
    parsed = read(cells, **reading)
    assert not parsed.undecided
    assert not parsed.bad.any()
    assert parsed.values.dtype == "datetime64[us]"
    return [None if pd.isna(one) else one.isoformat(sep=" ") for one in parsed.values]


DAY = "2026-03-05 00:00:00"


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("2026-03-05", DAY),
        ("2026/3/5", DAY),
        ("2026.03.05", DAY),
        ("2026年3月5日", DAY),
        ("20260305", DAY),
        ("5 Mar 2026", DAY),
        ("05-Mar-26", DAY),
        ("March 5, 2026", DAY),
        ("5. März 2026", DAY),
        ("２０２６-０３-０５", DAY),
        ("46086", DAY),  # Excel's day number
        ("2026-03-05 6:49:18", "2026-03-05 06:49:18"),
        ("2026-03-05T06:49:18.999", "2026-03-05 06:49:18"),
        ("20260305T064918", "2026-03-05 06:49:18"),
        ("2026-03-05 6:49 PM", "2026-03-05 18:49:00"),
        ("2026-03-05 12:30 am", "2026-03-05 00:30:00"),
        ("2026年3月5日 下午3:05", "2026-03-05 15:05:00"),
        ("2026/3/5 15时05分", "2026-03-05 15:05:00"),
        ("1772693358", "2026-03-05 06:49:18"),  # seconds since 1970
        ("1772693358000", "2026-03-05 06:49:18"),
    ],
)
def test_ways_of_writing(cell, expected):
    assert moments([cell]) == [expected]
    assert moments([cell, "2026-01-31", ""])[0] == expected


@pytest.mark.parametrize(
    "bad", ["2026-02-30", "2026-13-01", "2025-02-29", "soon", "2026", "10:30", "1850-01-01", "1-1-1"]
)
def test_bad_dates_are_marked(bad):
    assert read(["2026-01-31", bad]).bad.tolist() == [False, True]


def test_day_first_is_told_by_one_cell():
    assert moments(["31/12/2025", "2/1/2026"]) == ["2025-12-31 00:00:00", "2026-01-02 00:00:00"]
    assert read(["31/12/2025"]).date_order == "dmy"


def test_month_first_is_told_by_one_cell():
    assert moments(["12/31/2025", "2/1/2026"]) == ["2025-12-31 00:00:00", "2026-02-01 00:00:00"]


def test_no_day_above_twelve_is_asked_about():
    parsed = read(["1/2/2026", "3/3/2026"])
    assert (parsed.undecided, parsed.example) == ("date_order_unknown", "1/2/2026")
    assert moments(["1/2/2026"], date_order="dmy") == ["2026-02-01 00:00:00"]
    assert moments(["1/2/2026"], date_order="mdy") == ["2026-01-02 00:00:00"]


def test_equal_day_and_month_need_no_question():
    assert moments(["3/3/2026"]) == ["2026-03-03 00:00:00"]


def test_both_orders_in_one_way_of_writing_are_asked_about():
    assert read(["31/12/2025", "12/31/2025"]).undecided == "date_order_unknown"


def test_each_way_of_writing_may_have_its_order():
    parsed = read(["31.12.2025", "1.2.2026", "12/31/2025", "2/1/2026"])
    assert parsed.values.dt.strftime("%m-%d").tolist() == ["12-31", "02-01", "12-31", "02-01"]
    assert parsed.date_order == ""  # tells nothing about other columns


def test_one_slip_in_many_is_a_bad_cell():
    parsed = read([f"{day}/{month}/2026" for day in range(1, 29) for month in (1, 2)] + ["1/31/2026"])
    assert parsed.bad.tolist() == [False] * 56 + [True]


def test_two_digit_years():
    assert moments(["31/12/25", "1/2/26"]) == ["2025-12-31 00:00:00", "2026-02-01 00:00:00"]
    assert moments(["26/03/05"], date_order="ymd") == [DAY]


def test_offsets_are_converted_to_the_zone_of_the_settings():
    cells = ["2026-03-05T22:00:00Z", "2026-03-06T06:00:00+08:00", "2026-03-06 06:00"]
    assert moments(cells, timezone="Asia/Shanghai") == ["2026-03-06 06:00:00"] * 3
    parsed = read(["2026-03-05T22:00:00Z"])
    assert parsed.notes[0].values["timezone"] == "UTC"


def test_summer_time_is_respected():
    assert moments(["2026-01-15T12:00:00Z", "2026-07-15T12:00:00Z"], timezone="Europe/Berlin") == [
        "2026-01-15 13:00:00",
        "2026-07-15 14:00:00",
    ]


@pytest.mark.parametrize("end", ["2050-01-01", "9999-12-31 23:59:59", "2049-01-01", "31/12/9999"])
def test_open_ends_mean_not_yet(end):
    parsed = read(["2026-01-31", end])
    assert pd.isna(parsed.values[1])
    assert not parsed.bad.any()
    assert parsed.notes[0].code == "open_ended_dates"


@pytest.mark.parametrize(
    "mark", ["1900-01-01", "0000-00-00", "1970-01-01", "0001-01-01", "1899-12-30", "-", "N/A"]
)
def test_no_date_marks_are_missing(mark):
    assert moments(["2026-01-31", mark])[1] is None


@pytest.mark.parametrize(
    "column",
    [
        pd.Series(pd.to_datetime(["2026-03-05T00:00Z"])),
        pd.Series([dt.date(2026, 3, 5)], dtype="object"),
        pd.Series([46086.0]),
        pd.Series([np.datetime64("2026-03-05", "ns")]),
    ],
    ids=["aware", "date objects", "Excel number", "nanoseconds"],
)
def test_typed_columns(column):
    assert moments(column) == [DAY]


def test_the_slow_way_reads_as_the_fast_one():
    clean = ["2026-03-05", "2026-03-05 06:49:18", "2025-12-31T23:59:59"]
    assert moments(clean) == moments([*clean, "2026/1/1"])[:3]


FORMATS = {
    "%Y-%m-%d %H:%M:%S": "", "%Y-%m-%dT%H:%M:%S": "", "%Y/%m/%d %H:%M:%S": "", "%d.%m.%Y %H:%M:%S": "dmy",
    "%m/%d/%Y %H:%M:%S": "mdy", "%m/%d/%Y %I:%M:%S %p": "mdy", "%Y%m%dT%H%M%S": "", "%d %b %Y %H:%M:%S": "",
    "%Y年%m月%d日 %H:%M:%S": "", "%d/%m/%y %H:%M:%S": "dmy",
}  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(
    times=st.lists(
        st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2048, 12, 31)).map(
            lambda one: one.replace(microsecond=0)
        ),
        min_size=1,
        max_size=6,
    ),
    form=st.sampled_from(sorted(FORMATS)),
)
def test_what_is_written_is_read(times, form):
    expected = [one.isoformat(sep=" ") for one in times]
    assert moments([one.strftime(form) for one in times], date_order=FORMATS[form]) == expected


@settings(max_examples=60, deadline=None)
@given(cells=st.lists(st.text(alphabet="0123456789-/.: TZ+年月日", max_size=12), min_size=1, max_size=5))
def test_no_text_breaks_the_reader(cells):
    parsed = read(cells)
    assert len(parsed.values) == len(cells)
