"""Chances kept: what a floor of known truth must show, counts by hand, and what snapshots add."""

import numpy as np
import pytest

import funnelnb as fn
from funnelnb.core.errors import MissingDataError, ParameterError


def test_the_bins_hold_all_deals_and_their_wins_once():
    book = fn.sample()
    found = fn.forecasts.calibration(book, within_days=90)
    model = [row for row in found.rows if row.who == "model"]
    assert sum(row.deal_n for row in model) == found.n == found.scores[0].deal_n
    assert sum(row.deal_n * row.won_rate for row in model) == pytest.approx(found.scores[0].won_n)
    assert sum(row.deal_n for row in found.stages) == found.n
    then = fn.sample(as_of="2026-04-01").opportunities
    still = then.loc[then["outcome"] == "open", "opportunity_id"]
    now = book.opportunities.set_index("opportunity_id").loc[still]
    one = fn.forecasts.calibration(fn.sample(), within_days=90)
    assert found.n == one.n >= len(still)
    assert (now["outcome"] == "won").sum() <= found.scores[0].won_n


def test_most_intervals_hold_what_the_model_said():
    found = fn.forecasts.calibration(fn.sample(), within_days=60)
    model = [row for row in found.rows if row.who == "model"]
    assert sum(row.verdict == "kept" for row in model) >= len(model) - 2
    assert found.scores[0].error_rate < 0.05


def test_weights_that_are_given_are_judged_too():
    book = fn.sample()
    stages = book.playbook.stage_ids[: book.playbook.won]
    found = fn.forecasts.calibration(book, weights=dict.fromkeys(stages, 0.9))
    weights = next(row for row in found.scores if row.who == "weights")
    assert weights.said_n == pytest.approx(0.9 * weights.deal_n)
    assert all(row.verdict == "too_high" for row in found.rows if row.who == "weights")
    for lang in ("en", "zh"):
        assert found.finding(lang) and found.text(lang) and found.chart("reliability", lang).to_dict()


def test_bad_questions_are_refused():
    with pytest.raises(ParameterError, match="within_days = 0"):
        fn.forecasts.calibration(fn.sample(), within_days=0)
    with pytest.raises(MissingDataError, match="no past day has history"):
        fn.forecasts.calibration(fn.sample(), within_days=720)
    with pytest.raises(ParameterError, match="bins = 1"):
        fn.forecasts.calibration(fn.sample(), bins=1)
    assert np.isfinite(fn.forecasts.calibration(fn.sample(), within_days=365).n)
