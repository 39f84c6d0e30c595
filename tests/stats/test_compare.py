"""Groups compared: R's tests, SciPy's, published examples, size under no difference, what must collapse."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from funnelnb.core.errors import ParameterError
from funnelnb.stats.rates import compare
from funnelnb.stats.rates.compare import benjamini_hochberg, group_vs_rest, homogeneity, newcombe
from funnelnb.stats.rates.proportion import wilson
from tests.stats.reference import reference

counted = st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def test_fisher_and_wilson_against_r():
    tables = reference("compare_tables")
    for table in tables.itertuples():
        found = group_vs_rest([table.k, table.rest_k], [table.n, table.rest_n])
        assert found.p_value[0] == pytest.approx(table.fisher_p, rel=1e-9)
        assert found.p_value[1] == pytest.approx(table.fisher_p, rel=1e-9), "the rest of two is the other one"
    lower, upper = wilson(tables.k, tables.n, 0.9)
    np.testing.assert_allclose(lower, tables.wilson_lower, atol=1e-12)
    np.testing.assert_allclose(upper, tables.wilson_upper, atol=1e-12)
    np.testing.assert_allclose(benjamini_hochberg(tables.fisher_p), tables.p_adjusted_bh, rtol=1e-12)


def test_homogeneity_against_r():
    methods = set()
    for _, case in reference("compare_groups").groupby("case"):
        found = homogeneity(case.k, case.n)
        methods.add(found.method)
        assert found.statistic == pytest.approx(case.statistic.iloc[0], rel=1e-9)
        assert found.df == 4
        if found.method == "chi_squared":
            assert found.p_value == pytest.approx(case.p_chi_squared.iloc[0], rel=1e-9)
        else:  # two simulations: 19,999 and 200,000 tables, at most 4 standard errors apart
            assert found.p_value == pytest.approx(case.p_simulated.iloc[0], abs=4 * 0.0037)
    assert methods == {"chi_squared", "monte_carlo"}


@given(st.lists(counted, min_size=2, max_size=6))
def test_exact_p_is_that_of_scipy(groups):
    k, n = np.array(groups).T
    found = group_vs_rest(k, n)
    for i in range(len(k)):
        rest_k, rest_n = k.sum() - k[i], n.sum() - n[i]
        expected = stats.fisher_exact([[k[i], n[i] - k[i]], [rest_k, rest_n - rest_k]]).pvalue
        assert found.p_value[i] == pytest.approx(expected, rel=1e-6, abs=1e-12)
        assert found.difference[i] == pytest.approx(k[i] / n[i] - rest_k / rest_n)
        assert -1 <= found.ci_lower[i] <= found.difference[i] + 1e-12
        assert found.difference[i] - 1e-12 <= found.ci_upper[i] <= 1


def test_a_large_table_is_tested_exactly_too():
    k, n = np.array([300_700, 300_000]), np.array([1_000_000, 1_000_000])
    normal = stats.chi2_contingency([k, n - k], correction=True).pvalue
    assert group_vs_rest(k, n).p_value[0] == pytest.approx(normal, rel=1e-3)
    assert group_vs_rest([9e5, 1e5], [1e6, 1e6]).p_value[0] == 0


def test_fractional_counts_use_the_score_test():
    found = group_vs_rest([30.5, 12], [50.5, 40])
    whole = stats.chi2_contingency([[30.5, 12], [20, 28]], correction=False).pvalue
    assert found.p_value[0] == pytest.approx(whole, rel=1e-9)


def test_empty_groups_are_undefined_and_disturb_nobody():
    with_empty, without = group_vs_rest([3, 0, 5], [10, 0, 30]), group_vs_rest([3, 5], [10, 30])
    np.testing.assert_array_equal(with_empty.p_value[[0, 2]], without.p_value)
    assert np.isnan(
        [with_empty.rate[1], with_empty.difference[1], with_empty.ci_lower[1], with_empty.p_value[1]]
    ).all()
    alone = group_vs_rest([3], [10])
    assert alone.rate[0] == 0.3
    assert np.isnan([alone.rest_rate[0], alone.p_value[0], alone.ci_upper[0]]).all()
    assert np.isnan(homogeneity([3, 0], [10, 0]).p_value)
    assert homogeneity([0, 0], [10, 4]).p_value == 1


def test_newcombe_published_examples():
    """Table II of Newcombe (1998), method 10, 95 %."""
    published = [
        ((56, 70, 48, 80), (0.0524, 0.3339)),
        ((9, 10, 3, 10), (0.1705, 0.8090)),
        ((10, 10, 0, 20), (0.6791, 1.0000)),
        ((10, 10, 0, 10), (0.6075, 1.0000)),
        ((0, 10, 0, 20), (-0.1611, 0.2775)),
    ]
    for table, bounds in published:
        np.testing.assert_allclose(np.array(newcombe(*table, 0.95)), bounds, atol=5.1e-5)


def test_newcombe_covers_what_it_says():
    """Exact sum over all tables of 25 and 40 at .2 and .35: the paper reports about nominal."""
    k, other = np.meshgrid(np.arange(26), np.arange(41), indexing="ij")
    lower, upper = newcombe(k, 25, other, 40, 0.9)
    chance = stats.binom.pmf(k, 25, 0.2) * stats.binom.pmf(other, 40, 0.35)
    covered = chance[(lower <= -0.15) & (upper >= -0.15)].sum()
    assert 0.88 <= covered <= 0.93


def test_the_order_of_groups_does_not_matter_nor_which_outcome_is_called_success():
    k, n = np.array([3, 9, 14, 2]), np.array([12, 20, 41, 2])
    one, other = homogeneity(k, n), homogeneity(n - k, n)
    assert one.statistic == pytest.approx(other.statistic)
    np.testing.assert_allclose(group_vs_rest(k, n).p_value, group_vs_rest(n - k, n).p_value)
    np.testing.assert_allclose(group_vs_rest(k[::-1], n[::-1]).p_value[::-1], group_vs_rest(k, n).p_value)


def test_twenty_equal_reps_look_different_half_of_the_time():
    """n = 30, all truly .25: the best shows .404, half the runs have an exact p < .05; corrected, few."""
    rng = np.random.default_rng(20261123)
    runs = rng.binomial(30, 0.25, (1000, 20))
    n = np.full(20, 30)
    p = np.array([group_vs_rest(k, n).p_value for k in runs])
    assert (runs.max(axis=1) / 30).mean() == pytest.approx(0.404, abs=0.008)
    assert (p.min(axis=1) < 0.05).mean() == pytest.approx(0.51, abs=0.05)
    adjusted = np.array([benjamini_hochberg(row) for row in p])
    assert (adjusted.min(axis=1) < 0.05).mean() <= 0.05


def test_homogeneity_holds_its_level_at_small_counts():
    rng = np.random.default_rng(7)
    n = np.array([3, 5, 6, 8, 11])
    p = np.array([homogeneity(rng.binomial(n, 0.2), n, seed=i).p_value for i in range(300)])
    assert (p <= 0.10).mean() == pytest.approx(0.10, abs=4 * np.sqrt(0.09 / 300))


def test_adjusted_p_values():
    assert benjamini_hochberg([]).size == 0
    with_gap = benjamini_hochberg([0.01, np.nan, 0.02])
    np.testing.assert_allclose(with_gap, [0.02, np.nan, 0.02])
    with pytest.raises(ParameterError, match="outside"):
        benjamini_hochberg([1.2])


def test_five_expected_are_enough_for_chi_squared_and_fewer_are_simulated():
    """Twenty trials of a pooled quarter expect exactly five successes; nineteen, or a pooled share above, do not."""
    assert homogeneity([5, 15], [20, 60]).method == "chi_squared"
    assert homogeneity([15, 45], [20, 60]).method == "chi_squared", "five failures"
    assert homogeneity([15, 45.0], [19, 61]).method == "monte_carlo"
    simulated = homogeneity([1, 14], [19, 41])
    assert simulated.method == "monte_carlo"
    assert (simulated.p_value * 20_000) % 1 == pytest.approx(0, abs=1e-6), "19,999 tables and the one seen"
    exact = stats.fisher_exact([[1, 18], [14, 27]]).pvalue
    assert simulated.p_value == pytest.approx(exact, abs=4 * 0.0036)
    assert homogeneity([5.5, 15], [19.5, 41]).method == "chi_squared", "fractions are not simulated"
    assert homogeneity([4, 4], [4, 4]).p_value == homogeneity([0, 0], [4, 4]).p_value == 1.0
    sure = group_vs_rest([2.5, 2.5], [2.5, 2.5])
    assert sure.p_value.tolist() == [1.0, 1.0]


def test_tables_of_many_groups_are_drawn_a_few_at_a_time(monkeypatch):
    rng = np.random.default_rng(5)
    n = rng.integers(1, 6, 400)
    k = rng.binomial(n, 0.3)
    whole = homogeneity(k, n)
    monkeypatch.setattr(compare, "_CELLS_AT_ONCE", 400 * 1_000)
    assert homogeneity(k, n) == whole
    monkeypatch.setattr(compare, "_MOST_CELLS", 400 * 1_500)
    fewer = homogeneity(k, n).p_value
    assert fewer == pytest.approx(whole.p_value, abs=0.05)
    assert fewer * 1_501 == pytest.approx(round(fewer * 1_501), abs=1e-6)
