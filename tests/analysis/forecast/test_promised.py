"""Sellers' dates and amounts: hand counts over three snapshots."""

import numpy as np
import pytest

import funnelnb as fn
from funnelnb.core.errors import MissingDataError, ParameterError
from tests.analysis.forecast.test_moved import day


def store_of(path):
    store = fn.snapshots(path)
    first = [(f"a{k}", "open", 100, "2026-02-10", "Ann", None) for k in range(12)]
    first += [(f"b{k}", "open", 100, "2026-02-10", "Bob", None) for k in range(12)]
    store.append(day("2026-01-31", *first))
    # Ann's deals are all pushed by a month; Bob's half won on the day
    second = [(f"a{k}", "open", 100, "2026-03-10", "Ann", None) for k in range(12)]
    second += [(f"b{k}", "won", 80, "2026-02-10", "Bob", "2026-02-10") for k in range(6)]
    second += [(f"b{k}", "open", 100, "2026-02-10", "Bob", None) for k in range(6, 12)]
    store.append(day("2026-02-28", *second))
    third = [(f"a{k}", "won", 120, "2026-03-10", "Ann", "2026-03-12") for k in range(12)]
    third += [(f"b{k}", "won", 80, "2026-02-10", "Bob", "2026-02-10") for k in range(6)]
    third += [(f"b{k}", "lost", 100, "2026-02-10", "Bob", "2026-02-14") for k in range(6, 12)]
    store.append(day("2026-03-31", *third))
    return store


def test_lateness_pushes_and_amounts_by_hand(tmp_path):
    found = fn.forecasts.expected_closes(store_of(tmp_path))
    whole, *owners = found.rows
    assert (whole.deal_n, whole.closed_n, whole.on_time_rate) == (24, 24, 6 / 24)
    assert whole.late_days == pytest.approx(
        np.median([30] * 12 + [0] * 6 + [4] * 6), abs=26
    )  # between 4 and 30
    assert whole.pushed_mean_n == 0.5
    by = {row.group[0]: row for row in owners}
    assert (by["Ann"].late_days, by["Ann"].on_time_rate, by["Ann"].pushed_mean_n) == (30, 0, 1)
    assert by["Bob"].on_time_rate == 0.5
    assert (by["Ann"].verdict, by["Bob"].verdict) == ("later", "earlier")
    mean = (12 * 30 + 6 * 4) / 24
    assert mean < by["Ann"].own_late_days < 30  # pulled to all
    (amounts,) = found.amounts
    assert (amounts.deal_n, amounts.same_rate) == (18, 0)
    assert amounts.whole_share == pytest.approx((12 * 120 + 6 * 80) / 1800)
    for lang in ("en", "zh"):
        assert found.finding(lang) and found.text(lang)


def test_open_deals_are_at_least_so_late_and_few_are_not_named(tmp_path):
    store = fn.snapshots(tmp_path)
    rows = [(f"a{k}", "open", 1, "2026-02-10", "Ann", None) for k in range(5)]
    store.append(day("2026-01-31", *rows))
    store.append(day("2026-03-12", *rows))
    whole, ann = fn.forecasts.expected_closes(store).rows
    assert np.isinf(whole.late_days) and whole.on_time_rate == 0
    assert ann.verdict == "too_few"


def test_one_export_does_not_tell(tmp_path):
    with pytest.raises(ParameterError, match="a store of snapshots"):
        fn.forecasts.expected_closes(fn.sample())
    with pytest.raises(MissingDataError, match="holds 0 snapshots"):
        fn.forecasts.expected_closes(fn.snapshots(tmp_path))
