"""Chances kept: what a floor of known truth must show, counts by hand, and what snapshots add."""

from functools import cache

import numpy as np
import pytest

import funnelnb as fn
from funnelnb.core.errors import MissingDataError, ParameterError


@cache
def sample():
    return fn.sample()


@cache
def kept():
    """The sample's chances within 180 days: few past days, so that it is quick."""
    return fn.forecasts.calibration(sample(), horizon_days=180)


def test_the_bins_hold_all_deals_and_their_wins_once():
    found = kept()
    model = [row for row in found.rows if row.who == "model"]
    assert sum(row.deal_n for row in model) == found.n == found.scores[0].deal_n
    assert sum(row.deal_n * row.won_rate for row in model) == pytest.approx(found.scores[0].won_n)
    assert sum(row.deal_n for row in found.stages) == found.n
    deals = sample().opportunities
    days = np.datetime64("2026-06-30") - 180 * np.arange(1, found.days_n + 1).astype("m8[D]")
    end = deals["closed_at"].fillna(np.datetime64("2099-01-01")).to_numpy().astype("datetime64[D]")
    begun = deals["created_at"].to_numpy().astype("datetime64[D]")
    won = (deals["outcome"] == "won").to_numpy()
    still = [(begun <= day) & (end > day) for day in days]
    assert found.n == sum(mine.sum() for mine in still)
    assert found.scores[0].won_n == sum(
        (mine & won & (end <= day + np.timedelta64(180, "D"))).sum()
        for mine, day in zip(still, days, strict=True)
    )


def test_most_intervals_hold_what_the_model_said():
    found = kept()
    model = [row for row in found.rows if row.who == "model"]
    assert sum(row.verdict == "kept" for row in model) >= len(model) - 2
    assert found.scores[0].error_rate < 0.05


def test_weights_that_are_given_are_judged_too():
    book = sample()
    stages = book.playbook.stage_ids[: book.playbook.won]
    found = fn.forecasts.calibration(book, horizon_days=365, weights=dict.fromkeys(stages, 0.9))
    weights = next(row for row in found.scores if row.who == "weights")
    assert weights.said_n == pytest.approx(0.9 * weights.deal_n)
    assert all(row.verdict == "too_high" for row in found.rows if row.who == "weights")
    for lang in ("en", "zh"):
        assert found.finding(lang) and found.text(lang) and found.chart("reliability", lang).to_dict()


def test_bad_questions_are_refused():
    with pytest.raises(ParameterError, match="horizon_days = 0"):
        fn.forecasts.calibration(sample(), horizon_days=0)
    with pytest.raises(MissingDataError, match="no past day has history"):
        fn.forecasts.calibration(sample(), horizon_days=720)
    with pytest.raises(ParameterError, match="bins = 1"):
        fn.forecasts.calibration(sample(), bins=1)
