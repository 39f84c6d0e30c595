"""Intervals for a share: closed forms, exact coverage, R's quantiles, agreement with the score test."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from funnelnb.core.errors import ParameterError
from funnelnb.stats.rates.proportion import effective_n, jeffreys, wilson


def exact_coverage(interval, n, p):
    """Sum of the binomial probabilities of the k whose interval holds p."""
    k = np.arange(n + 1)
    lower, upper = interval(k, n, 0.95)
    return stats.binom.pmf(k, n, p)[(lower <= p) & (p <= upper)].sum()


def wald(k, n, confidence_level):
    p = k / n
    half = stats.norm.ppf((1 + confidence_level) / 2) * np.sqrt(p * (1 - p) / n)
    return p - half, p + half


@pytest.mark.parametrize(
    ("n", "p", "of_wald", "of_wilson", "of_jeffreys"),
    [(10, 0.1, 0.650, 0.930, 0.987), (20, 0.05, 0.639, 0.925, 0.984), (30, 0.25, 0.941, 0.968, 0.941)],
)
def test_exact_coverage_at_small_counts(n, p, of_wald, of_wilson, of_jeffreys):
    assert exact_coverage(wald, n, p) == pytest.approx(of_wald, abs=6e-4)
    assert exact_coverage(wilson, n, p) == pytest.approx(of_wilson, abs=6e-4)
    assert exact_coverage(jeffreys, n, p) == pytest.approx(of_jeffreys, abs=6e-4)


@given(
    st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0.5, 0.999)
)
def test_wilson_bounds_are_where_the_score_test_turns(kn, level):
    k, n = kn
    z = stats.norm.ppf((1 + level) / 2)
    for bound in map(float, wilson(k, n, level)):
        if 0 < bound < 1:
            score = (k / n - bound) / np.sqrt(bound * (1 - bound) / n)
            assert abs(score) == pytest.approx(z, rel=1e-6)


@given(st.floats(0, 1), st.floats(0.01, 1e7), st.sampled_from([wilson, jeffreys]))
def test_bounds_lie_around_the_share(share, n, interval):
    k = min(share * n, n)
    lower, upper = map(float, interval(k, n, 0.9))
    assert 0 <= lower <= k / n + 1e-9
    assert k / n - 1e-9 <= upper <= 1


def test_jeffreys_is_the_beta_quantile_and_closes_at_the_ends():
    lower, upper = jeffreys([0, 7, 25], 25, 0.9)
    np.testing.assert_allclose(lower[1:], stats.beta.ppf(0.05, [7.5, 25.5], [18.5, 0.5]), rtol=1e-12)
    np.testing.assert_allclose(upper[:2], stats.beta.ppf(0.95, [0.5, 7.5], [25.5, 18.5]), rtol=1e-12)
    assert lower[0] == 0
    assert upper[2] == 1


def test_relabelling_success_and_failure_mirrors_the_bounds():
    k, n = np.arange(0, 41), 40
    for interval in (wilson, jeffreys):
        lower, upper = interval(k, n)
        np.testing.assert_allclose(lower, 1 - interval(n - k, n)[1], atol=1e-12)
        np.testing.assert_allclose(upper, 1 - interval(n - k, n)[0], atol=1e-12)


def test_no_trials_is_undefined_not_zero():
    for interval in (wilson, jeffreys):
        lower, upper = interval([0, 1], [0, 2])
        assert np.isnan([lower[0], upper[0]]).all()
        assert np.isfinite([lower[1], upper[1]]).all()


@pytest.mark.parametrize(
    ("k", "n", "shown"), [(3, 2, "k = 3 of n = 2"), (-1, 2, "k = -1"), (np.nan, 2, "nan"), (1, np.inf, "inf")]
)
def test_impossible_counts_are_refused_with_their_values(k, n, shown):
    for interval in (wilson, jeffreys):
        with pytest.raises(ParameterError, match=shown):
            interval([0, k], [1, n])
    with pytest.raises(ParameterError, match="confidence_level"):
        wilson(1, 2, 1.0)


def test_effective_n():
    assert effective_n(5 * 3.0, 5 * 9.0) == pytest.approx(5)
    assert effective_n(1e6 + 5, 1e12 + 5) == pytest.approx(1, rel=1e-4)
    np.testing.assert_array_equal(effective_n([0, 2.0], [0, 4.0]), [0, 1])
    with pytest.raises(ParameterError):
        effective_n(-1, 1)
