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
