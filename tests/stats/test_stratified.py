"""Comparison within strata, and how alike cases of one cluster are: each against loops over strata, clusters and pairs.

Floors with known truth stand in tests/truth/test_stratified.py.
"""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from funnelnb.stats.rates.stratified import cluster_df, cluster_factor, compared_within, intra_cluster


def by_strata(k, n, factor, level, df):
    """The formulas of the docstring, one group after the other, one stratum after the other."""
    found = []
    for g in range(len(k[0])):
        shared = [s for s in range(len(k)) if n[s][g] > 0 and sum(n[s]) > n[s][g]]
        mine = sum(n[s][g] for s in shared)
        if not mine:
            found.append([math.nan] * 5 + [0.0])
            continue
        own = rest = spread = gap = v = 0.0
        for s in shared:
            whole_k, whole_n = sum(k[s]), sum(n[s])
            others_k, others_n, p = whole_k - k[s][g], whole_n - n[s][g], whole_k / whole_n
            own += k[s][g] / mine
            rest += n[s][g] / mine * others_k / others_n
            spread += (n[s][g] / mine) ** 2 * p * (1 - p) * (1 / n[s][g] + 1 / others_n)
            gap += k[s][g] - n[s][g] * whole_k / whole_n
            v += whole_k * (whole_n - whole_k) * n[s][g] * others_n / (whole_n**2 * (whole_n - 1))
        law = stats.norm if math.isinf(df) else stats.t(df)
        reach = law.ppf((1 + level) / 2) * math.sqrt(factor[g] * spread)
        p_value = 2 * law.sf(abs(gap) / math.sqrt(factor[g] * v)) if v > 0 else 1.0
        low, high = max(own - rest - reach, -1), min(own - rest + reach, 1)
        found.append([rest, own - rest, low, high, p_value, mine])
    return np.array(found).T


@pytest.mark.parametrize(("level", "df"), [(0.9, np.inf), (0.8, 5.0)])
def test_every_figure_is_that_of_a_loop_over_strata(level, df):
    rng = np.random.default_rng(1)
    for case in range(20):
        n = rng.integers(0, 7, (4, 5)).astype(float) * rng.choice([1.0, 1.3, 0.7])
        k = np.minimum(rng.integers(0, 7, (4, 5)), n) * rng.choice([0, 1, 1], (4, 5))
        k[0] = n[0] if case % 2 else 0.0  # nobody, or everybody, in one stratum
        n[2, 1:], k[2, 1:] = 0.0, 0.0  # one group alone in its stratum
        n[:, 4], k[:, 4] = (n[:, 4], k[:, 4]) if case % 3 else (0.0, 0.0)
        factor = rng.uniform(1, 3, 5)
        found = compared_within(k, n, factor, level, df)
        names = ("rest_rate", "difference", "ci_lower", "ci_upper", "p_value", "trials")
        for name, wanted in zip(names, by_strata(k, n, factor, level, df), strict=True):
            np.testing.assert_allclose(getattr(found, name), wanted, atol=1e-12, err_msg=name)


def test_a_stratum_of_two_cases_counts_and_one_without_difference_does_not():
    """One of two: V = 1 * 1 * 1 * 1 / (4 * 1); where nobody won there is nothing to test, p = 1."""
    pair = compared_within([[1, 0]], [[1, 1]])
    assert pair.p_value[0] == pytest.approx(2 * stats.norm.sf(0.5 / math.sqrt(0.25)))
    assert (pair.difference[0], pair.ci_upper[0]) == (1.0, 1.0)
    assert (pair.difference[1], pair.ci_lower[1]) == (-1.0, -1.0)
    parts = compared_within([[0.7, 0]], [[0.7, 0.7]])  # V = 0.7^4 / (1.4^2 * 0.4)
    assert parts.p_value[0] == pytest.approx(2 * stats.norm.sf(0.35 / math.sqrt(0.7**4 / (1.4**2 * 0.4))))
    nobody = compared_within([[0, 0]], [[5, 9]])
    assert nobody.p_value.tolist() == [1.0, 1.0]
    assert nobody.ci_lower.tolist() == nobody.ci_upper.tolist() == [0.0, 0.0]


def test_weights_of_a_tenth_give_the_same_shares():
    k, n = np.array([[2.0, 3, 0], [1, 0, 4]]), np.array([[3.0, 5, 0], [2, 1, 6]])
    whole, tenth = compared_within(k, n), compared_within(k / 10, n / 10)
    np.testing.assert_allclose(tenth.rest_rate, whole.rest_rate)
    np.testing.assert_allclose(tenth.difference, whole.difference)
    np.testing.assert_allclose(tenth.trials, whole.trials / 10)


def by_pairs(y, cluster, cell, weight):
    """Correlation from all pairs of rows, one by one, each as often as the product of the weights says."""
    same, other = {}, {}
    for i, j in itertools.permutations(range(len(y)), 2):
        if cluster[i] == cluster[j] and cell[i] != cell[j]:
            continue  # without groups a pair is of one cell
        into = same if cluster[i] == cluster[j] else other
        into.setdefault((cell[i], cell[j]), []).append((weight[i] * weight[j], y[i], y[j]))

    def mean(pairs, what):
        return sum(w * what(p, q) for w, p, q in pairs) / sum(w for w, _, _ in pairs)

    top = bottom = 0.0
    for key, pairs in same.items():
        if key in other:
            pairs_n = sum(w for w, _, _ in pairs)
            top += pairs_n * (mean(pairs, lambda p, q: p * q) - mean(other[key], lambda p, q: p * q))
            bottom += pairs_n * mean(other[key], lambda p, q: p != q) / 2
    return min(max(top / bottom, 0.0), 1.0) if bottom > 0 else 0.0


def test_alike_with_weights_is_the_weighted_count_over_pairs():
    rng = np.random.default_rng(4)
    seen = []
    for case in range(12):
        size = 36
        cluster, cell = rng.integers(0, 5, size), rng.integers(0, 3, size)
        cell[cluster == 4] = 3 if case % 2 else cell[cluster == 4]  # a cell of one cluster says nothing
        weight = rng.uniform(0.5, 2.5, size)
        y = (rng.random(size) < np.array([0.1, 0.9, 0.3, 0.7, 0.5])[cluster]).astype(int)
        found = intra_cluster(y, cluster, cell, weight)
        assert found == pytest.approx(by_pairs(y, cluster, cell, weight))
        seen.append(found)
    assert np.ptp(seen) > 0.1
    assert intra_cluster([0, 0, 0, 0], [0, 0, 1, 1], [0] * 4) == 0.0
    assert intra_cluster([1, 0, 1], [0, 0, 0], [0] * 3) == 0.0, "nobody else to compare with"


def sizes_of(cluster, group):
    """Sizes of the clusters within each group, counted."""
    return {g: [sum((cluster == c) & (group == g)) for c in set(cluster[group == g])] for g in set(group)}


def test_widening_and_degrees_of_freedom_of_unequal_clusters_by_hand():
    rng = np.random.default_rng(2)
    for correlation in (0.0, 0.2, 0.7):
        cluster, group = rng.integers(0, 9, 60), rng.integers(0, 3, 60)
        sizes = sizes_of(cluster, group)
        wanted = [1 + correlation * (sum(m * m for m in sizes[g]) / sum(sizes[g]) - 1) for g in range(3)]
        found = cluster_factor(cluster, group, 4, correlation)
        assert found == pytest.approx([*wanted, 1.0]), "the fourth group has no case"
        every = [m for one in sizes.values() for m in one]
        c = sum(m * m for m in every) / sum(every) - 1
        pairs = [m * (m - 1) for m in every if m > 1]
        each = [
            2 * (1 - correlation) ** 2 * (1 + (m - 1) * correlation) ** 2 / (m * (m - 1))
            for m in every
            if m > 1
        ]
        variance = c**2 * sum((w / sum(pairs)) ** 2 * one for w, one in zip(pairs, each, strict=True))
        df = 2 * (1 + c * correlation) ** 2 / variance - len(sizes)
        assert cluster_df(cluster, group, correlation) == pytest.approx(max(df, 1.0))
    assert cluster_df([0, 0, 1], [0, 0, 1], 1.0) == np.inf, "clusters that agree wholly leave no doubt"
