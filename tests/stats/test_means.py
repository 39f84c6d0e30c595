"""Means and differences of estimates: other software, a known special case, simulation."""

import numpy as np
import pytest
from scipy import stats

from funnelnb.stats.rates.compare import newcombe
from funnelnb.stats.rates.proportion import wilson
from funnelnb.stats.totals.means import interval_of_difference, mean_interval


@pytest.mark.parametrize("level", [0.5, 0.9, 0.99])
def test_mean_agrees_with_scipy(level: float) -> None:
    values = np.random.default_rng(1).lognormal(10, 1, 37)
    expected = stats.ttest_1samp(values, 0).confidence_interval(level)
    assert mean_interval(values, level) == pytest.approx((values.mean(), expected.low, expected.high))


def test_few_values_have_no_interval() -> None:
    assert np.isnan(mean_interval([])).all()
    assert mean_interval([5.0, np.nan])[0] == 5.0
    assert np.isnan(mean_interval([5.0, np.nan])[1:]).all()


def test_two_shares_give_newcombes_interval() -> None:
    one = (56 / 70, *map(float, wilson(56, 70, 0.95)))
    other = (48 / 80, *map(float, wilson(48, 80, 0.95)))
    lower, upper = newcombe(56, 70, 48, 80, 0.95)
    assert interval_of_difference(one, other) == pytest.approx((0.2, float(lower), float(upper)))


def test_difference_of_means_covers_the_truth() -> None:
    """Two normal samples of unlike size and spread: 90 % of the intervals hold the true difference."""
    rng = np.random.default_rng(7)
    hits = 0
    for _ in range(2000):
        first, second = rng.normal(3, 2, 25), rng.normal(1, 5, 40)
        _, low, high = interval_of_difference(mean_interval(first, 0.9), mean_interval(second, 0.9))
        hits += low <= 2 <= high
    assert abs(hits / 2000 - 0.9) < 0.02


def test_what_is_not_known_stays_not_known() -> None:
    difference, low, high = interval_of_difference((5.0, 1.0, np.inf), (3.0, 2.0, 4.0))
    assert difference == 2 and np.isnan(low) and np.isnan(high)
    assert np.isnan(interval_of_difference((np.inf, 1.0, np.inf), (3.0, 2.0, 4.0))).all()


@pytest.mark.parametrize("count", [0, 1, 10, 250])
def test_counts_agree_with_exact_tails(count: int) -> None:
    from funnelnb.stats.totals.means import poisson_interval

    low, high = poisson_interval(count, 0.9)
    assert stats.poisson.cdf(count, high) == pytest.approx(0.05)
    assert low == 0 if count == 0 else stats.poisson.sf(count - 1, low) == pytest.approx(0.05)


def test_ratio_of_sums_against_a_bootstrap_over_units() -> None:
    from funnelnb.stats.totals.means import ratio_of_sums

    rng = np.random.default_rng(11)
    whole = rng.gamma(4, 100, 40)
    part = 0.3 * whole + rng.normal(0, 20, 40)
    ratio, low, high = ratio_of_sums(part, whole, 0.9)
    picks = rng.integers(0, 40, (4000, 40))
    drawn = part[picks].sum(axis=1) / whole[picks].sum(axis=1)
    assert ratio == pytest.approx(part.sum() / whole.sum())
    assert (low, high) == pytest.approx(tuple(np.quantile(drawn, [0.05, 0.95])), abs=0.004)


def test_ratio_of_sums_covers_the_truth_for_people_who_differ() -> None:
    """Twenty people with rates of their own, eight periods each: 90 % of the intervals hold the true mean rate."""
    from funnelnb.stats.totals.means import ratio_of_sums

    rng = np.random.default_rng(3)
    hits = 0
    for _ in range(1000):
        attained = rng.binomial(8, rng.beta(6, 4, 20))
        _, low, high = ratio_of_sums(attained, np.full(20, 8), 0.9)
        hits += low <= 0.6 <= high
    assert abs(hits / 1000 - 0.9) < 0.03
    assert np.isnan(ratio_of_sums([1], [2])[1]) and np.isnan(ratio_of_sums([1], [0])[0])


def test_ratio_of_sums_by_hand_with_gaps() -> None:
    """(a - r b)^2 summed, n / (n - 1), over the square of the whole; pairs with a gap are left out."""
    from funnelnb.stats.totals.means import ratio_of_sums

    part, whole = [3.0, 5.0, np.nan, 4.0, 1.0], [10.0, 12.0, 8.0, 9.0, np.nan]
    r = 12 / 31
    squares = sum((a - r * b) ** 2 for a, b in ((3, 10), (5, 12), (4, 9)))
    half = stats.t.ppf(0.9, 2) * np.sqrt(3 / 2 * squares) / 31
    assert ratio_of_sums(part, whole, 0.8) == pytest.approx((r, r - half, r + half))
    two = ratio_of_sums([1, 2], [2, 5], 0.9)
    half = stats.t.ppf(0.95, 1) * np.sqrt(2 * 2 * (1 - 6 / 7) ** 2) / 7
    assert two == pytest.approx((3 / 7, 3 / 7 - half, 3 / 7 + half))
    low, high = interval_of_difference((5.0, 2.0, 9.0), (3.0, 2.0, 4.5))[1:]
    assert (low, high) == pytest.approx((2 - np.hypot(3, 1.5), 2 + np.hypot(4, 1)))
