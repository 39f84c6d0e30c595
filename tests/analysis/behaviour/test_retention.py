"""Retention and the five growth measures, by hand."""

import numpy as np
import pytest

import funnelnb as fn
from tests.analysis.behaviour.made import log_of


def test_three_kinds_of_retention_by_hand():
    log = log_of([
        ("a", "open", 0), ("a", "open", 8), ("b", "open", 1), ("b", "open", 22), ("c", "open", 2), ("d", "open", 20),
        ("z", "open", 30),
    ])  # fmt: skip
    cells = {
        kind: {
            row.place: (row.back_n, row.seen_n)
            for row in fn.behaviour.retention(log, kind=kind, periods=3).rows
        }
        for kind in ("on", "on_or_after", "within")
    }
    assert cells["on"] == {0: (4, 4), 1: (1, 3), 2: (0, 3), 3: (1, 3)}
    assert cells["on_or_after"] == {0: (4, 4), 1: (2, 3), 2: (1, 3), 3: (1, 3)}
    assert cells["within"] == {0: (4, 4), 1: (1, 3), 2: (1, 3), 3: (2, 3)}


def test_a_cell_that_is_not_over_is_open():
    log = log_of([("a", "open", 0), ("b", "open", 3), ("z", "open", 8)])
    cells = [cell for cell in fn.behaviour.retention(log, periods=2).cells if cell.place == 0]
    assert [(cell.seen_n, cell.size_n, cell.complete) for cell in cells] == [(1, 2, False)] or all(
        cell.seen_n <= cell.size_n for cell in cells
    )
    assert all(cell.seen_n for cell in fn.behaviour.retention(log, periods=2).cells)


def test_growth_by_hand():
    rows = [(u, "visit", float(u % 5), "ad" if u < 40 else "web", 0.0) for u in range(100)]
    rows += [(u, "activated", u % 5 + 1.0, "ad", 0.0) for u in range(50)]
    rows += [(u, "paid", u % 5 + 2.0, "ad", 10.0) for u in range(20)] + [(0, "paid", 3.0, "ad", 10_000.0)]
    rows += [(u, "referred", u % 5 + 2.0, "ad", 0.0) for u in range(10)] * 2
    rows += [(u, "visit", u % 5 + 9.0, "ad", 0.0) for u in range(30)] + [(999, "visit", 60.0, "web", 0.0)]
    result = fn.behaviour.aarrr(log_of(rows, properties=["channel", "amount"]), by="channel", value="amount")
    row = result.rows[0]
    assert (row.acquired_n, row.followed_n) == (101, 100)
    assert (row.activated_n, row.paid_n, row.invites_n) == (50, 20, 20)
    assert (row.retained_n, row.retained_of_n) == (30, 100)
    assert row.revenue_amount == pytest.approx((200 + 10_000) / 100)
    assert row.cautious_amount < row.revenue_amount
    assert row.top_share > 0.9
    assert row.referral_factor == pytest.approx(0.2)
    assert row.referral_ci_lower < 0.2 < row.referral_ci_upper
    assert [one.group for one in result.rows] == [(), ("web",), ("ad",)]
    assert np.isfinite(row.revenue_ci_upper)


def test_a_trend_by_hand():
    """Three arrive until Sunday 4 January, two of them pay within a week; two a week later (d twice), none pays."""
    rows = [
        ("a", "visit", 0.0), ("a", "pay", 2.0), ("b", "visit", 1.0), ("b", "pay", 6.5), ("c", "visit", 3.0),
        ("d", "visit", 4.0), ("d", "visit", 9.0), ("e", "visit", 8.0), ("e", "pay", 17.0), ("c", "end", 30.0),
    ]  # fmt: skip
    found = fn.behaviour.trend(log_of(rows), ["visit", "pay"], within="7d", every="week", horizon_days=7)
    told = [(row.period, row.arrived_n, row.mature) for row in found.rows]
    assert told == [("2026-W01", 3, True), ("2026-W02", 2, True)]
    assert [row.rate for row in found.rows] == [pytest.approx(2 / 3), 0.0]
