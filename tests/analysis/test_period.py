"""Periods in words: every spelling of a week, month, quarter and year, against the calendar."""

import datetime

import numpy as np
import pytest

from funnelnb.analysis.shared.period import past_period, period_of
from funnelnb.core.errors import ParameterError

SPELLINGS = {
    "2026": ("2026", "2026年", "2026年度"),
    "2026-Q3": ("2026-Q3", "2026Q3", "Q3 2026", "3Q2026", "2026年第三季度", "2026年3季度", "2026年第3季"),
    "2026-07": ("2026-07", "2026/07", "2026年7月", "2026年07月份"),
    "2026-W07": ("2026-W07", "2026w07", "W7 2026", "2026年第7周", "2026年7周"),
}


@pytest.mark.parametrize(("name", "text"), [(name, one) for name, many in SPELLINGS.items() for one in many])
def test_spellings(name: str, text: str) -> None:
    found = period_of(text)
    assert found is not None and found.name == name


def test_weeks_are_those_of_the_calendar() -> None:
    for year in range(2018, 2033):
        last = datetime.date(year, 12, 28).isocalendar().week
        for week in (1, 2, last):
            found = period_of(f"{year}-W{week:02d}")
            day = found.start.astype("datetime64[D]").item()
            assert day.isocalendar()[:3] == (year, week, 1)
            assert found.end - found.start == np.timedelta64(6, "D")
        assert (period_of(f"{year}-W53") is None) == (last == 52)


NONE = ["2026-W00", "2026-W54", "2026-13", "2026-Q5", "26", "2026年13月", "第三季度", "", "nan"]


@pytest.mark.parametrize("text", NONE)
def test_what_is_no_period(text: str) -> None:
    assert period_of(text) is None


def test_a_past_period_ends_today() -> None:
    today = np.datetime64("2026-06-10")
    assert past_period("period", "2026-06", today).end == today
    with pytest.raises(ParameterError, match="begins on 2026-07-01"):
        past_period("period", "2026-Q3", today)
    with pytest.raises(ParameterError, match="period = 'soon'"):
        past_period("period", "soon", today)
