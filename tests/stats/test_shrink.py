"""Shrunken rates: a direct search with SciPy, limits that must collapse, known truth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from funnelnb.stats.rates.proportion import jeffreys
from funnelnb.stats.rates.shrink import beta_binomial

counted = st.integers(0, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(st.lists(counted, min_size=1, max_size=8))
def test_every_rate_lies_between_raw_and_pooled_and_within_its_bounds(groups):
    k, n = np.array(groups).T
    found = beta_binomial(k, n)
    if n.sum() == 0:
        assert np.isnan(found.rate).all()
        return
    raw = np.where(n > 0, k / np.maximum(n, 1), found.pooled_rate)
    low, high = np.minimum(raw, found.pooled_rate), np.maximum(raw, found.pooled_rate)
    assert ((found.rate >= low - 1e-12) & (found.rate <= high + 1e-12)).all()
    assert ((found.ci_lower >= 0) & (found.ci_lower <= found.rate)).all()
    assert ((found.rate <= found.ci_upper) & (found.ci_upper <= 1)).all()


@pytest.mark.parametrize("seed", range(6))
def test_the_prior_is_the_most_likely_one(seed):
    rng = np.random.default_rng(seed)
    n = rng.integers(15, 300, 12)
    k = rng.binomial(n, rng.beta(5, 12, 12))

    def height(parameters):
        mean, precision = 1 / (1 + np.exp(-parameters[0])), np.exp(parameters[1])
        return -stats.betabinom.logpmf(k, n, mean * precision, (1 - mean) * precision).sum()

    direct = optimize.minimize(
        height, [-1, 3], method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-12, "maxiter": 4000}
    )
    found = beta_binomial(k, n)
    assert found.pooled_rate == pytest.approx(1 / (1 + np.exp(-direct.x[0])), abs=1e-4)
    assert found.precision == pytest.approx(np.exp(direct.x[1]), rel=2e-3)
    assert found.prior_a + found.prior_b == pytest.approx(found.precision)
    np.testing.assert_allclose(found.rate, (k + found.prior_a) / (n + found.precision))


def test_no_spread_means_one_rate_for_all():
    found = beta_binomial([25, 50, 100, 5], [100, 200, 400, 20])
    assert np.isinf(found.precision)
    np.testing.assert_allclose(found.rate, 0.25)
    assert found.pooled_rate == 0.25
    assert ((found.ci_lower < 0.25) & (found.ci_upper > 0.25)).all()


def test_much_data_and_much_spread_leave_the_raw_rates():
    n = np.full(6, 100_000)
    k = np.array([10_000, 25_000, 40_000, 55_000, 70_000, 85_000])
    found = beta_binomial(k, n)
    np.testing.assert_allclose(found.rate, k / n, atol=2e-4)
    np.testing.assert_allclose(found.ci_upper - found.ci_lower, np.subtract(*jeffreys(k, n)[::-1]), rtol=0.01)


def test_what_cannot_tell_a_spread_gets_its_own_interval():
    for k, n in (([3], [12]), ([0, 0], [12, 30]), ([12, 30], [12, 30])):
        found = beta_binomial(k, n)
        lower, upper = jeffreys(k, n)
        np.testing.assert_allclose(found.ci_lower, lower)
        np.testing.assert_allclose(found.ci_upper, upper)
        np.testing.assert_allclose(found.rate, sum(k) / sum(n))


def test_a_group_without_deals_is_given_the_pooled_rate_and_the_widest_interval():
    found = beta_binomial([40, 10, 0, 70], [100, 50, 0, 120])
    assert found.rate[2] == pytest.approx(found.pooled_rate)
    width = found.ci_upper - found.ci_lower
    assert width[2] == width.max()


def test_relabelling_and_order():
    k, n = np.array([40, 9, 60, 55]), np.array([100, 10, 200, 220])
    one, other = beta_binomial(k, n), beta_binomial((n - k)[::-1], n[::-1])
    np.testing.assert_allclose(one.rate, 1 - other.rate[::-1], atol=1e-6)
    np.testing.assert_allclose(one.ci_lower, 1 - other.ci_upper[::-1], atol=1e-6)


def test_identical_reps_come_closer_to_the_truth():
    """20 reps, n = 30, all .25: the error of the raw rate is .079, of the shrunken one less than half."""
    rng = np.random.default_rng(11)
    runs = rng.binomial(30, 0.25, (60, 20))
    shrunk = np.array([beta_binomial(k, np.full(20, 30)).rate for k in runs])
    raw = np.sqrt(np.mean((runs / 30 - 0.25) ** 2))
    assert raw == pytest.approx(0.079, abs=0.003)
    assert np.sqrt(np.mean((shrunk - 0.25) ** 2)) < 0.45 * raw


@pytest.mark.parametrize(("size", "prior"), [(6, (6, 18)), (20, (25, 75))])
def test_intervals_cover_even_for_the_best_looking_group(size, prior):
    rng = np.random.default_rng(5)
    covered, best = [], []
    for _ in range(80):
        n = rng.choice([10, 30, 100, 300], size)
        truth = rng.beta(*prior, size)
        k = rng.binomial(n, truth)
        found = beta_binomial(k, n, 0.9)
        inside = (found.ci_lower <= truth) & (truth <= found.ci_upper)
        covered.append(inside.mean())
        best.append(inside[np.argmax(k / n)])
    assert np.mean(covered) >= 0.86
    assert np.mean(best) >= 0.82


def test_groups_that_win_all_or_nothing_are_hardly_drawn_together():
    raw = np.array([0, 1, 0, 1, 0])
    assert beta_binomial(3 * raw, [3] * 5).rate == pytest.approx(raw, abs=0.002)
