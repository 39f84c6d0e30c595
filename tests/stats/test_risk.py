"""The risk table against a count by definition, on every path (dense, stepped, sorted)."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from funnelnb.core.errors import ParameterError
from funnelnb.stats.curves.risk_table import risk_table
from tests.stats.strategies import observed


@given(observed())
def test_every_count_follows_the_definition(data):
    time, outcome, n, entry = data
    table = risk_table(time, outcome, n, entry, causes=2)
    assert table.time[0] == 0
    assert set(time[n > 0]) | set(entry[(entry > 0) & (n > 0)]) | {0} == set(table.time)
    for i, t in enumerate(table.time):
        watched = (time >= t) & ((entry < t) | (entry <= 0))
        assert table.at_risk[i] == n[watched].sum()
        for cause in (1, 2):
            assert table.event_n[cause - 1, i] == n[(time == t) & (outcome == cause)].sum()
        assert table.censored_n[i] == n[(time == t) & (outcome == 0)].sum()
    assert table.total_n == n.sum()


@given(observed(), st.randoms(use_true_random=False))
def test_rows_in_any_order_and_split_in_any_way_count_the_same(data, random):
    time, outcome, n, entry = data
    order = list(range(len(time)))
    random.shuffle(order)
    first = risk_table(time, outcome, n, entry, causes=2)
    spread = np.repeat(np.arange(len(n))[order], n[order])
    second = risk_table(time[spread], outcome[spread], entry=entry[spread], causes=2)
    np.testing.assert_array_equal(first.time, second.time)
    np.testing.assert_array_equal(first.at_risk, second.at_risk)
    np.testing.assert_array_equal(first.event_n, second.event_n)


def test_a_gap_in_what_was_watched_is_seen():
    assert risk_table([5, 9], [1, 1]).complete
    assert risk_table([5, 9], [1, 1], entry=[0, 3]).complete
    assert not risk_table([5, 9], [1, 1], entry=[2, 3]).complete
    assert not risk_table([5, 9], [1, 1], entry=[0, 6]).complete
    assert not risk_table([5, 9], [1, 1], entry=[0, 5]).complete
    assert risk_table([5, 9], [1, 0], entry=[0, 6]).complete


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ({"time": [3, -1], "outcome": [1, 1]}, r"time\[1\] = -1"),
        ({"time": [3, np.nan], "outcome": [1, 1]}, r"time\[1\] = nan"),
        ({"time": [3, np.inf], "outcome": [1, 1]}, r"time\[1\] = inf"),
        ({"time": [3, 1], "outcome": [1, 3]}, r"outcome\[1\] = 3"),
        ({"time": [3, 1], "outcome": [1, 0.5]}, r"outcome\[1\] = 0.5"),
        ({"time": [3, 1], "outcome": [1]}, r"outcome has shape \(1,\)"),
        ({"time": ["a", "b"], "outcome": [1, 1]}, "time has type"),
        ({"time": [3, 1], "outcome": [1, 1], "n": [1, -2]}, r"n\[1\] = -2"),
        ({"time": [3, 1], "outcome": [1, 1], "entry": [0, 1]}, r"entry\[1\] = 1"),
    ],
)
def test_each_wrong_value_is_named(arguments, shown):
    with pytest.raises(ParameterError, match=shown):
        risk_table(**arguments)


@pytest.mark.parametrize("unit", [1.0, 86_400, 1e-280, 3e200])
def test_the_fast_way_for_many_rows_counts_like_the_slow_one(unit):
    """Above 4,096 rows time and outcome are sorted as one key; weights take the other way."""
    rng = np.random.default_rng(8)
    days = np.round(rng.exponential(60, 70_000), 4)
    time = (days * unit).astype(np.int64) if unit == 86_400 else days * unit
    outcome = rng.integers(0, 3, time.size)
    fast, slow = (
        risk_table(time, outcome, causes=2),
        risk_table(time, outcome, np.ones(time.size, dtype=int), causes=2),
    )
    for field in ("time", "at_risk", "event_n", "censored_n"):
        np.testing.assert_array_equal(getattr(fast, field), getattr(slow, field))
    assert (fast.total_n, fast.last_time) == (70_000, time.max())


def by_sorting(time, outcome, n, entry, causes):
    """Grid, at risk, events and censored from sorted columns and sums of weights beyond each time."""
    late = entry > 0
    grid = np.unique(np.concatenate([[0], time, entry[late]]))

    def weight_at(at, weight):
        found = np.zeros(grid.size)
        np.add.at(found, np.searchsorted(grid, at), weight)
        return found

    ended = weight_at(time, n)
    from_on = np.cumsum(ended[::-1])[::-1]  # who ends at the time or later
    to_come = np.cumsum(weight_at(entry[late], n[late])[::-1])[::-1]  # who enters at the time or later
    kinds = [weight_at(time[outcome == kind], n[outcome == kind]) for kind in range(causes + 1)]
    return grid, from_on - to_come, kinds[1:], kinds[0]


TIMES = {
    "days": lambda rng, size: rng.integers(0, 400, size),
    "many days": lambda rng, size: rng.integers(0, 70_000, size),
    "whole days in seconds": lambda rng, size: rng.integers(0, 900, size) * 86_400,
    "whole days in seconds, as floats": lambda rng, size: rng.integers(0, 900, size) * 86_400.0,
    "seconds": lambda rng, size: rng.integers(0, 10**8, size),
    "seconds of years": lambda rng, size: rng.integers(0, 10**11, size),
    "days but for one second": lambda rng, size: np.append(rng.integers(0, 10**6, size - 1) * 86_400, 7),
    "parts of days": lambda rng, size: rng.exponential(30, size).round(3),
    "all apart": lambda rng, size: rng.permutation(size) + 0.5,
    "in order": lambda rng, size: np.sort(rng.exponential(30, size)),
    "hardly above 0": lambda rng, size: rng.integers(0, 50, size) * 1e-306,
    "no numbers of this world": lambda rng, size: rng.integers(1 << 61, (1 << 61) + 10**6, size),
}


@pytest.mark.parametrize("kind", TIMES)
@pytest.mark.parametrize(
    ("size", "causes", "late"), [(300, 2, False), (4_500, 2, False), (4_500, 2, True), (4_500, 3, True)]
)
def test_every_way_of_counting_counts_the_same(kind, size, causes, late):
    rng = np.random.default_rng(size + causes)
    time = TIMES[kind](rng, size)
    outcome, n = rng.integers(0, causes + 1, size), rng.integers(0, 4, size)
    entry = (
        np.where((rng.random(size) < 0.3) & (time > 0), time // 2, 0) if late else np.zeros(size, time.dtype)
    )
    entry = np.where(entry < time, entry, 0)
    for weight in (None, n):
        table = risk_table(time, outcome, weight, entry if late else None, causes=causes)
        own = np.ones(size) if weight is None else n.astype(float)
        used = own > 0
        grid, at_risk, events, censored = by_sorting(
            time[used], outcome[used], own[used], entry[used], causes
        )
        np.testing.assert_array_equal(table.time, grid)
        np.testing.assert_array_equal(table.at_risk, at_risk)
        np.testing.assert_array_equal(table.event_n, events)
        np.testing.assert_array_equal(table.censored_n, censored)
        assert table.total_n == own.sum()
        assert table.last_time == time[used].max()
        assert table.counted
        assert table.late == bool(late and (entry[used] > 0).any())


def test_amounts_are_no_counts_unless_they_stand_for_deals_and_rounding_leaves_nobody():
    time, outcome, amount = [1, 2, 3], [1, 1, 1], np.array([0.1, 0.2, 0.3])
    table = risk_table(time, outcome, amount)
    assert not table.counted
    assert risk_table(time, outcome, amount, weighted=True).counted
    np.testing.assert_allclose(table.at_risk, [0.6, 0.6, 0.5, 0.3])
    assert (table.at_risk >= table.event_n[0]).all(), "0.1 + 0.2 + 0.3 is a little more than 0.6"
    whole = 1e6 * np.array([0.1, 0.2, 0.3])
    after = risk_table([1, 2, 3, 9], [1, 1, 1, 0], np.append(whole, 1e-9))
    assert after.at_risk[-1] == 0.0, "less than a millionth of a millionth of all is nobody"
    many = risk_table([1, 2, 3, 9], [1, 1, 1, 0], np.append(whole, 1e-3))
    assert many.at_risk[-1] == pytest.approx(1e-3)
