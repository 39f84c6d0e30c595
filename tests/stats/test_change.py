"""Change points: every position by brute force, false alarms, a known change with its interval."""

import numpy as np
import pytest
from scipy.stats import binom

from funnelnb.stats.rates.change import _gain, change_points


def test_gain_is_the_likelihood_ratio_of_every_position():
    rng = np.random.default_rng(1)
    n = rng.integers(1, 30, 12)
    k = rng.binomial(n, 0.4)

    def height(part_k, part_n):
        return binom.logpmf(part_k, part_n, part_k.sum() / part_n.sum()).sum()

    brute = [height(k[:t], n[:t]) + height(k[t:], n[t:]) - height(k, n) for t in range(1, 12)]
    assert _gain(k.astype(float), n.astype(float)) == pytest.approx(brute)


def test_null_series_rarely_show_a_change():
    rng = np.random.default_rng(2)
    alarms = sum(bool(change_points(rng.binomial(50, 0.3, 40), [50] * 40)) for _ in range(200))
    assert alarms / 200 <= 0.15


def test_a_change_is_found_and_its_interval_holds_the_date():
    rng = np.random.default_rng(3)
    held = found = 0
    for _ in range(200):
        k = np.concatenate([rng.binomial(40, 0.5, 30), rng.binomial(40, 0.35, 20)])
        changes = change_points(k, [40] * 50)
        one = min(changes, key=lambda change: abs(change.position - 30), default=None)
        if one is not None:
            found += 1
            held += one.position_lower <= 30 <= one.position_upper
    assert found >= 195
    assert held / found >= 0.85


def test_two_changes_and_none():
    series = [8] * 10 + [2] * 10 + [6] * 10
    assert [one.position for one in change_points(series, [10] * 30)] == [10, 20]
    assert change_points([0, 0, 0, 0], [5, 5, 5, 5]) == ()
    assert change_points([], []) == ()
