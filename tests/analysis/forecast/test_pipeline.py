"""Coverage and velocity: counts by hand."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

import funnelnb as fn
from funnelnb.analysis.forecast.pipeline import LEAST_PERIODS, _needed
from funnelnb.core.errors import MissingDataError, ParameterError


@cache
def sample():
    return fn.sample()


def test_the_coverage_that_was_enough_is_the_low_quantile_turned_over():
    found = np.arange(1, 11) / 10
    need, low, high = _needed(found, 0.9)
    assert need == pytest.approx(1 / np.quantile(found, 0.2))
    assert low <= need <= high
    assert np.isnan(_needed(found[: LEAST_PERIODS - 1], 0.9)[0])


def test_yields_of_past_months_by_hand():
    book = sample()
    result = fn.forecasts.coverage(book, "2026-07")
    assert result.enough and result.n == len(result.rows)
    row = result.rows[0]
    assert (row.period, str(row.made_on)) == ("2026-06", "2026-05-30")
    then = fn.sample(as_of="2026-05-30").opportunities
    still = then.loc[then["outcome"] == "open", "amount"].sum()
    won = book.opportunities
    mine = (won["outcome"] == "won") & (won["closed_at"] >= "2026-06-01") & (won["closed_at"] < "2026-07-01")
    assert row.open_amount == pytest.approx(still)
    assert row.then_amount == pytest.approx(won.loc[mine, "amount"].sum())
    assert result.open_amount == won.loc[won["outcome"] == "open", "amount"].sum()
    few = fn.forecasts.coverage(book, "2026-Q3")
    assert not few.enough and np.isnan(few.needed_share)
    for one in (result, few):
        assert one.finding("en") and one.finding("zh")


def test_bad_questions_are_refused():
    book = sample()
    with pytest.raises(ParameterError, match="ended on"):
        fn.forecasts.coverage(book, "2025-Q4")
    bare = replace(book, tables={"opportunities": book.opportunities.drop(columns="amount")})
    with pytest.raises(MissingDataError, match="no deal has an amount"):
        fn.forecasts.coverage(bare, "2026-Q3")


def test_velocity_counts_open_deals_and_the_naive_one_does_not():
    book = sample()
    found = fn.forecasts.velocity(book)
    deals = book.opportunities
    over = deals["outcome"] != "open"
    assert found.naive_rate == pytest.approx((deals["outcome"] == "won").sum() / over.sum())
    year = deals["created_at"] >= "2025-07-01"
    assert found.new_n == year.sum() and found.window_days == 365
    assert found.flow_amount == pytest.approx(found.new_per_month_n * found.chance_rate * found.size_amount)
    assert found.size_amount == pytest.approx(deals.loc[deals["outcome"] == "won", "amount"].mean())
    ours = fn.conversion(book, horizon_days=365).overall[0]
    assert found.chance_rate == pytest.approx(ours.by_day_rate, abs=0.04)
