# ruff: noqa: E501 - a row of dates stays one line
"""Dates as people's tools write them: weekdays, names of months and zones, weeks, months and quarters."""

import datetime as dt

import pandas as pd
import pytest

from funnelnb.data.parse.date_words import MONTH, in_digits
from funnelnb.data.parse.values import Reading, parse

DAY = dt.date(2025, 3, 5)


@pytest.mark.parametrize(
    "text",
    [
        "Wed, 05 Mar 2025", "Wednesday, March 5, 2025", "5 mars 2025", "mer. 5 mars 2025", "5 de marzo de 2025", "5. März 2025",
        "5 марта 2025 г.", "5 marca 2025", "mercoledì 5 marzo 2025", "March 5th, 2025", "2025. 3. 5.", "2025년 3월 5일", "5 mrt 2025",
        "2025-03-05 (水)",
    ],
)  # fmt: skip
def test_one_day_in_many_words(text):
    assert parse(pd.Series([text]), "datetime", Reading(), {}).values.dt.date.tolist() == [DAY]


@pytest.mark.parametrize(
    "zone, hours", [("GMT", 0), ("CET", 1), ("EST", -5), ("IST", 5.5), ("+0800", 8), ("GMT+02:00", 2)]
)
def test_zones_count_from_utc(zone, hours):
    told = parse(pd.Series([f"Wed, 05 Mar 2025 14:30:00 {zone}"]), "datetime", Reading(), {}).values[0]
    assert told == pd.Timestamp("2025-03-05 14:30") - pd.Timedelta(hours=hours)


def test_periods_count_from_their_first_day_and_are_told():
    cells = pd.Series(
        [
            "Q1 2025",
            "2025-Q4",
            "2025-W10",
            "KW 1 2025",
            "2025-03",
            "03/2025",
            "2025年3月",
            "mars 2025",
            "März 2025",
        ]
    )
    parsed = parse(cells, "datetime", Reading(), {"file": "f", "column": "c"})
    assert parsed.values.dt.date.astype(str).tolist() == [
        "2025-01-01", "2025-10-01", dt.date.fromisocalendar(2025, 10, 1).isoformat(), "2024-12-30", *["2025-03-01"] * 5,
    ]  # fmt: skip
    assert [(note.code, note.values["n"]) for note in parsed.notes] == [("dates_from_periods", 9)]


@pytest.mark.parametrize(
    "text", ["soon", "5", "March", "31.13.2025 x", "2025-W60", "Q5 2025", "5 Mars Bars 2025", "99 mars 2025"]
)
def test_what_is_no_date_stays_bad(text):
    assert in_digits(text)[0] == ""
    assert parse(pd.Series([text, "2025-01-01"]), "datetime", Reading(), {}).bad.tolist() == [True, False]


def test_every_month_has_its_number():
    assert set(MONTH.values()) == set(range(1, 13))
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    ):
        assert MONTH[name] == number
