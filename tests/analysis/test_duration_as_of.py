"""Durations as of dates that leave little or nothing to see."""

from __future__ import annotations

import numpy as np
import pytest

import funnelnb as fn
from funnelnb.core.errors import ParameterError
from tests.analysis.test_duration_bad_input import (
    GOOD,
    STAGES,
    everything,
    files,
    load,
    whole,
)


@pytest.mark.parametrize("read", [fn.load, fn.data.check_data])
@pytest.mark.parametrize(
    ("as_of", "says"),
    [
        ("2020-01-01", "no deal is known to have begun by then"),
        ("9999-12-31", "mean an open end"),
        ("2050-01-01", "mean an open end"),
        ("the last day", "a date such as"),
    ],
)
def test_as_of_dates_that_leave_nothing_to_see(tmp_path, read, as_of, says):
    with pytest.raises(ParameterError, match=f"as_of = .*(\n.*)*{says}"):
        read(files(tmp_path, GOOD), playbook=STAGES, as_of=as_of)


def test_an_open_end_in_the_settings_is_no_as_of_date(tmp_path):
    with pytest.raises(ParameterError, match="open end"):
        load(tmp_path, GOOD, mapping={"as_of": "9999-12-31"})


def test_as_of_before_any_end(tmp_path):
    book = load(tmp_path, GOOD, as_of="2026-01-28")
    row = whole(book)
    assert (row.n, row.closed_n, row.open_n, row.median_days) == (30, 0, 30, np.inf)
    assert max(deal.age_days for deal in fn.stuck(book).deals) == 27
    everything(book)


@pytest.mark.parametrize("observed_from", ["2026-04-01", "9999-12-31"])
def test_a_history_that_begins_after_the_as_of_date(tmp_path, observed_from):
    with pytest.raises(ParameterError, match=r"later than the day of the data 2026-03-28"):
        load(tmp_path, GOOD, observed_from=observed_from)


def test_a_history_that_begins_on_the_last_day(tmp_path):
    """Only deals that were still open then have been watched at all."""
    book = load(tmp_path, GOOD + "x,2026-01-05,,lead,open,5\n", observed_from="2026-03-28")
    assert whole(book).n <= 1
    everything(book)
