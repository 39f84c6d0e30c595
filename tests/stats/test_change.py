"""Change points: every position by brute force, false alarms, a known change with its interval."""

import numpy as np
import pytest
from scipy.special import xlogy
from scipy.stats import binom, chi2

from funnelnb.core.errors import ParameterError
from funnelnb.stats.rates.change import _gain, change_points, count_changes


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


def test_a_jump_of_a_count_is_found_by_the_poisson_likelihood():
    rng = np.random.default_rng(8)
    counts = np.concatenate([rng.poisson(20, 12), rng.poisson(36, 12)])

    def entropy(k):
        return k.sum() * np.log(k.mean()) if k.sum() else 0.0

    gains = [entropy(counts[:t]) + entropy(counts[t:]) for t in range(2, 23)]
    (found,) = count_changes(counts)
    assert found.position == 2 + int(np.argmax(gains))
    assert found.before_rate == pytest.approx(counts[: found.position].mean())
    assert found.after_rate == pytest.approx(counts[found.position :].mean())
    lower, upper = found.before_ci_lower, found.before_ci_upper
    exact = [chi2.ppf(0.05, 2 * counts[:12].sum()) / 24, chi2.ppf(0.95, 2 * counts[:12].sum() + 2) / 24]
    assert lower == pytest.approx(exact[0], rel=0.06)
    assert upper == pytest.approx(exact[1], rel=0.06)


def test_steady_counts_break_no_more_often_than_allowed():
    rng = np.random.default_rng(9)
    found = sum(bool(count_changes(rng.poisson(15, 24), most=1)) for _ in range(150))
    assert found / 150 < 0.17  # 10 % asked for; 150 series


def test_counts_per_exposure_and_what_cannot_be():
    assert count_changes([10, 20, 10, 20, 10, 20], exposure=[1, 2, 1, 2, 1, 2]) == ()
    with pytest.raises(ParameterError):
        count_changes([1, 2], exposure=[1])


def test_stretches_in_which_all_or_none_succeed_are_told():
    """First all, then none, then half: shares of 1 and 0 have a likelihood of 1."""
    n = np.full(24, 6.0)
    k = np.r_[np.full(8, 6.0), np.zeros(8), np.full(8, 3.0)]
    gain = _gain(k, n)

    def height(a, b):
        p = a.sum() / b.sum()
        return sum(xlogy(one, p) + xlogy(all_n - one, 1 - p) for one, all_n in zip(a, b, strict=True))

    wanted = [height(k[:t], n[:t]) + height(k[t:], n[t:]) - height(k, n) for t in range(1, 24)]
    np.testing.assert_allclose(gain, wanted, atol=1e-9)
    assert [one.position for one in change_points(k, n)] == [8, 16]
