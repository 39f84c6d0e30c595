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
