"""One-sided tests against a tolerated bound: closed forms, enumeration, simulation."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from funnelnb.core.errors import ParameterError
from funnelnb.stats.rates.tolerance import bunched, few, fewer_than_rest, higher_share, holm, lower_share


def test_few_is_the_sum_of_poisson_probabilities():
    by_hand = sum(math.exp(-10) * 10**k / math.factorial(k) for k in range(3))
    assert few(2, 10) == pytest.approx(by_hand, rel=1e-12)


def test_fewer_than_rest_agrees_with_two_poisson_counts():
    """Given the sum of two Poisson counts, the lower tail by brute force over all ways to share it."""
    rate, tolerated, total = 3.0, 0.7, 12
    e, big = 4.0, 10.0
    mine, rest = tolerated * rate * e, rate * big
    weight = [stats.poisson.pmf(k, mine) * stats.poisson.pmf(total - k, rest) for k in range(total + 1)]
    assert fewer_than_rest(3, e, total - 3, big, tolerated) == pytest.approx(sum(weight[:4]) / sum(weight))
    assert np.isnan(fewer_than_rest(1, 0, 5, 10, 1.0))


def test_lower_share_is_binomial_against_a_known_rest():
    assert lower_share(2, 20, 5e8, 1e9) == pytest.approx(stats.binom.cdf(2, 20, 0.5), rel=1e-4)
    assert lower_share(2, 20, 5e8, 1e9, tolerated=0.5) == pytest.approx(
        stats.binom.cdf(2, 20, 0.25), rel=1e-4
    )


def test_lower_share_holds_its_size_when_the_rest_is_uncertain_too():
    rng = np.random.default_rng(5)
    k, rest = rng.binomial(30, 0.4, 4000), rng.binomial(60, 0.5, 4000)  # true ratio 0.8
    p = lower_share(k, 30, rest, 60, tolerated=0.8)
    assert (p <= 0.05).mean() < 0.065
    assert (p <= 0.05).mean() > 0.02


def test_clusters_make_it_harder():
    assert lower_share(2, 20, 500, 1000, factor=2.0) > lower_share(2, 20, 500, 1000)
    assert higher_share(18, 20, 0.5, factor=2.0) > higher_share(18, 20, 0.5)


def test_higher_share_keeps_its_digits_far_out():
    assert higher_share(171, 220, 0.14) == pytest.approx(stats.binom.sf(170, 220, 0.14), rel=1e-6)
    assert higher_share(0, 10, 0.5) == 1.0
    assert np.isnan(higher_share(0, 0, 0.5))


def test_bunched_agrees_with_all_outcomes():
    """Six events in three months: every outcome, each with its probability."""
    seen, total, months = (6, 0, 0), 6, 3
    far = sum((k - 2) ** 2 / 2 for k in seen)
    exact = 0.0
    for outcome in itertools.product(range(total + 1), repeat=months):
        if sum(outcome) == total and sum((k - 2) ** 2 / 2 for k in outcome) >= far - 1e-9:
            ways = math.factorial(total) / math.prod(map(math.factorial, outcome))
            exact += ways / months**total
    assert bunched(seen, (1, 1, 1)) == pytest.approx(exact, rel=0.15)
    assert bunched((4, 4, 4, 4), (1, 1, 1, 1)) == 1.0
    assert math.isnan(bunched((1, 0), (1, 1)))
    assert bunched((12, 0, 0, 0), (1, 1, 1, 1), tolerated=1.5) > bunched((12, 0, 0, 0), (1, 1, 1, 1)) / 2


def test_holm_by_hand_and_with_gaps():
    assert holm([0.01, 0.04, 0.03, np.nan]).tolist()[:3] == pytest.approx([0.03, 0.06, 0.06])
    assert np.isnan(holm([0.01, np.nan])[1])
    assert holm([0.5, 0.9]).tolist() == [1.0, 1.0]
    with pytest.raises(ParameterError):
        holm([1.2])


def test_holm_holds_the_rate_over_all_tests():
    rng = np.random.default_rng(1)
    alarms = sum((holm(rng.uniform(size=40)) <= 0.05).any() for _ in range(2000))
    assert alarms / 2000 < 0.065


def test_lower_share_is_the_beta_binomial_of_an_uncertain_rest_and_of_clusters():
    """The beta with mean r p and r^2 times the variance of the rest's share; clusters add to the correlation."""
    for k, n, good, others, tolerated, factor in (
        (2, 20, 30, 60, 1.0, 1.0),
        (1, 9, 3, 11, 0.7, 1.0),
        (4, 15, 30, 60, 0.8, 2.4),
        (0, 1, 5, 9, 0.9, 3.0),
        (3, 12, 30, 60, 0.9, 0.2),
        (1, 2, 30, 60, 0.9, 1.3),
    ):
        p = (good + 0.5) / (others + 1)
        mean, variance = tolerated * p, tolerated**2 * p * (1 - p) / (others + 2)
        rho = variance / (mean * (1 - mean)) + (max(factor, 1) - 1) / max(n - 1, 1)
        a, b = mean * (1 / min(rho, 0.99) - 1), (1 - mean) * (1 / min(rho, 0.99) - 1)
        found = lower_share(k, n, good, others, tolerated, factor)
        assert float(found) == pytest.approx(stats.betabinom.cdf(k, n, a, b))
        if factor > 1:
            size = 1 / min((factor - 1) / max(n - 1, 1), 0.99) - 1
            wanted = stats.betabinom.sf(k - 1, n, tolerated * 0.5 * size, (1 - tolerated * 0.5) * size)
            assert float(higher_share(k, n, tolerated * 0.5, factor)) == pytest.approx(wanted)
    assert np.isnan(lower_share([1, 0], [5, 0], [0, 3], [0, 9])).all()


def test_a_period_that_should_get_nothing_is_left_out():
    assert bunched([5, 1, 0, 0], [1, 1, 1, 0]) == bunched([5, 1, 0], [1, 1, 1])
    assert math.isnan(bunched([5, 1], [1, 0]))
    assert math.isnan(bunched([1, 0, 0], [1, 1, 1]))
    assert bunched([2, 0], [1, 1]) == pytest.approx(0.5, abs=0.05), "half of all pairs fall together"
