"""Honest rates: hand counts, balance, coverage with unfinished windows."""

import numpy as np
import pytest

import funnelnb as fn
from funnelnb.analysis.behaviour.rates import by_time
from funnelnb.data.events.counts import Spans
from tests.analysis.behaviour.made import arrivals, log_of


def test_open_attempts_are_neither_through_nor_dropped():
    log = log_of(
        [("a", "visit", 0), ("a", "pay", 1), ("b", "visit", 0), ("c", "visit", 8), ("d", "other", 10)]
    )
    row = fn.funnel(log, ["visit", "pay"], within="7d").overall[0]
    assert (row.reached_n, row.advanced_n, row.running_n, row.dropped_n) == (3, 1, 1, 1)
    assert row.so_far_rate == pytest.approx(1 / 3)
    assert row.decided_rate == pytest.approx(1 / 2)
    # Kaplan-Meier by hand: one of three goes on at day 1; the third is watched to day 2, the second to day 10
    assert row.by_time_rate == pytest.approx(1 / 3)


def test_a_window_that_ends_at_the_as_of_time_is_over():
    rows = [("a", "visit", 0), ("b", "other", 7)]
    assert (
        fn.funnel(log_of([*rows[:1], ("b", "visit", 7)]), ["visit", "visit"], within="7d").steps[0].running_n
        == 1
    )
    log = log_of([("a", "visit", 0), ("b", "pay", 7)])
    assert fn.funnel(log, ["visit", "pay"], within="7d").steps[0].dropped_n == 1


def test_without_a_window_nobody_drops_out():
    log = log_of([("a", "visit", 0), ("a", "pay", 300), ("b", "visit", 0)])
    result = fn.funnel(log, ["visit", "pay"])
    assert result.overall[0].dropped_n == 0
    assert np.isnan(result.overall[0].decided_rate)
    assert result.drop_points == ()


def test_steps_balance_and_groups_add_up():
    rng = np.random.default_rng(3)
    drawn = (rng.integers(0, 80, 900), rng.choice(list("abcx"), 900), rng.uniform(0, 60, 900))
    sides = rng.choice(["p", "q"], 900)
    rows = [(int(u), str(e), float(d), str(g)) for u, e, d, g in zip(*drawn, sides, strict=True)]
    log = log_of(rows, properties=["side"])
    whole = fn.funnel(log, ["a", "b", "c"], within="9d")
    for row in whole.steps:
        assert row.reached_n == row.advanced_n + row.running_n + row.dropped_n or row.next_step == ""
    by = fn.funnel(log, ["a", "b", "c"], within="9d", by="side")
    for k in range(3):
        assert sum(row.reached_n for row in by.steps[k::3]) == whole.steps[k].reached_n


def test_value_and_what_the_weakest_step_costs():
    rows = [(u, "visit", 0.0, None) for u in range(10)] + [(u, "cart", 1.0, None) for u in range(6)]
    rows += [(u, "pay", 2.0, 50.0) for u in range(3)] + [(99, "visit", 30.0, None)]
    log = log_of(rows, properties=["price"])
    result = fn.funnel(log, ["visit", "cart", "pay"], within="5d", value="price")
    assert result.steps[-1].reached_amount == 150.0
    point = result.drop_points[0]
    # four drop out before the cart; half of those with a cart pay 50 each
    assert (point.step, point.dropped_n, point.cost_amount) == ("visit", 4, pytest.approx(4 * 0.5 * 50))


def test_the_future_changes_nothing():
    rng = np.random.default_rng(5)
    rows, _ = arrivals(rng, 200)
    early = log_of([row for row in rows if row[2] <= 20] + [("z", "other", 20)])
    late = log_of([*rows, ("z", "other", 20)]).until(np.datetime64("2026-01-21"))
    for name in ("reached_n", "running_n", "dropped_n", "by_time_rate"):
        first, second = (
            [getattr(row, name) for row in fn.funnel(log, ["visit", "pay"], within="7d").steps]
            for log in (early, late)
        )
        assert first == pytest.approx(second, nan_ok=True)


def test_names_and_order_of_rows_do_not_matter():
    rng = np.random.default_rng(6)
    rows, _ = arrivals(rng, 150)
    mixed = [(f"user {u}", e, d) for u, e, d in rows]
    rng.shuffle(mixed)
    first, second = (
        fn.funnel(log_of(one), ["visit", "pay"], within="7d").overall[0] for one in (rows, mixed)
    )
    for name in ("reached_n", "advanced_n", "running_n", "by_time_rate", "by_time_ci_lower"):
        assert getattr(first, name) == pytest.approx(getattr(second, name))


def test_coverage_with_unfinished_windows():
    """2,000 logs of 250 arrivals over 14 days, a window of 7: half the windows are open at the end."""
    rng = np.random.default_rng(20_261_128)
    n, span, within, chance, scale = 250, 14.0, 7.0, 0.3, 3.0
    truth = chance * (1 - np.exp(-within / scale))
    hits, naive = 0, 0
    for _ in range(2000):
        day, wait = rng.uniform(0, span, n), rng.exponential(scale, n)
        pays = (rng.random(n) < chance) & (wait <= within) & (day + wait <= span)
        spans = Spans(
            group=np.zeros(n, np.int64), days=np.where(pays, wait, span - day), done=pays.astype(np.int64),
            n=np.ones(n, np.int64),
        )  # fmt: skip
        found = by_time(spans, within, 0.9)
        hits += found.ci_lower <= truth <= found.ci_upper
        naive += pays.mean() < truth
    assert 0.87 <= hits / 2000 <= 0.93
    assert naive / 2000 > 0.9  # counting open attempts as lost is too low nearly always


def test_clustered_attempts_widen_the_interval():
    rng = np.random.default_rng(8)
    rows = []
    for user in range(60):
        eager = rng.random() < 0.4
        for visit in range(10):
            rows.append((user, "visit", visit * 3.0))
            if eager:
                rows.append((user, "pay", visit * 3.0 + 0.5))
    rows.append((99, "other", 60.0))
    log = log_of(rows)
    every = fn.funnel(log, ["visit", "pay"], within="1d", attempt="every").overall[0]
    assert every.reached_n == 600
    width = every.by_time_ci_upper - every.by_time_ci_lower
    assert width > 2.5 * 2 * 1.645 * np.sqrt(0.4 * 0.6 / 600) * 0.8


@pytest.mark.parametrize("order", ["ordered", "strict", "any"])
def test_every_mode_shows_itself_in_both_languages(order):
    rng = np.random.default_rng(9)
    result = fn.funnel(log_of(arrivals(rng, 60)[0]), ["visit", "pay"], within="7d", order=order)
    for lang in ("en", "zh"):
        assert result.text(lang)
        assert result.finding(lang)
        assert result.chart(lang=lang)


def test_bad_input_is_answered_in_a_sentence():
    log = log_of([("a", "visit", 0), ("a", "pay", 1)])
    for steps, more, words in (
        (["vist", "pay"], {}, "did you mean 'visit'"),
        (["visit", "pay"], {"within": 0}, "span of time above 0"),
        ([], {}, "a list of steps"),
        (["visit", "pay"], {"by": "devise"}, "no property 'devise'"),
        (["visit", "pay"], {"ordr": "any"}, "ordr"),
        (["visit", "pay"], {"attempt": "last"}, "'best'"),
        (["visit", "pay"], {"exclude": [fn.behaviour.exclusion("pay", after=2, before=1)]}, "later step"),
    ):
        with pytest.raises(fn.core.errors.FunnelError if hasattr(fn, "core") else Exception) as caught:
            fn.funnel(log, steps, **more)
        assert words in str(caught.value)
