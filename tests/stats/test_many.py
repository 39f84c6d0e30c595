"""Very many groups read at one time say what one curve after the other says."""

import numpy as np
import pytest

from funnelnb.stats.curves.clustered import factor_at, incidence_design
from funnelnb.stats.curves.incidence import aalen_johansen
from funnelnb.stats.curves.many import factors_of_many, incidence_of_many
from funnelnb.stats.rates.clustered import effective_clusters, student_quantile
from funnelnb.stats.rates.proportion import normal_quantile

GROUPS_N = 60


def rows(seed: int, *, amounts: bool) -> tuple[np.ndarray, ...]:
    """Groups of 0 to 40 rows; some in which nobody, or everybody, had one outcome, or nobody was watched to the end."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(0, 40, GROUPS_N)
    sizes[:3] = 0, 1, 2
    group = np.repeat(np.arange(GROUPS_N), sizes)
    time = rng.integers(0, 30, group.size) * 86_400
    chances = rng.dirichlet([0.7, 0.7, 0.7], GROUPS_N)
    chances[5:10] = [[0, 1, 0], [0, 0, 1], [1, 0, 0], [0.1, 0.9, 0], [0.05, 0.9, 0.05]]
    outcome = np.array([rng.choice(3, p=chances[g]) for g in group], dtype=np.int8)
    n = rng.lognormal(3, 2, group.size) if amounts else rng.integers(0, 3, group.size)
    shuffled = rng.permutation(group.size)
    return group[shuffled], time[shuffled], outcome[shuffled], n[shuffled]


@pytest.mark.parametrize("amounts", [False, True])
@pytest.mark.parametrize("day", [0.0, 7.0, 15.5, 29.0, 45.0])
def test_the_same_as_one_curve_after_the_other(day: float, amounts: bool) -> None:
    for seed in range(6):
        group, time, outcome, n = rows(seed, amounts=amounts)
        at = day * 86_400
        many = incidence_of_many(group, time, outcome, n, GROUPS_N, at, 0.9)
        beyond = many.beyond(at)
        for g in range(GROUPS_N):
            mine = (group == g) & (n > 0)
            if not mine.any():
                assert many.n[g] == 0
                assert np.isnan(many.at.rate[:, g]).all()
                continue
            one = aalen_johansen(time[mine], outcome[mine], n[mine], None, 0.9)
            read = one.at(at)
            assert np.isnan(read.rate[0, 0]) == beyond[g]
            assert many.last_time[g] == one.last_time
            np.testing.assert_allclose(many.end.rate[:, g], one.rate[:, -1], rtol=1e-12, atol=1e-13)
            np.testing.assert_allclose(many.end.open_rate[g], one.open_rate[-1], rtol=1e-9, atol=1e-13)
            pairs = [(many.end.ci_lower[g], one.ci_lower[0, -1]), (many.end.ci_upper[g], one.ci_upper[0, -1])]
            pairs = [] if amounts else pairs
            if not beyond[g]:
                np.testing.assert_allclose(many.at.rate[:, g], read.rate[:, 0], rtol=1e-12, atol=1e-13)
                if not amounts:
                    np.testing.assert_allclose(
                        many.at.variance[:, g], read.variance[:, 0], rtol=1e-9, atol=1e-14
                    )
                    pairs += [
                        (many.at.ci_lower[g], read.ci_lower[0, 0]),
                        (many.at.ci_upper[g], read.ci_upper[0, 0]),
                    ]
            for found, known in pairs:
                np.testing.assert_allclose(found, known, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("alike", [2.0, 1.2])
def test_accounts_with_several_deals_widen_the_variance_and_the_bound_of_none(alike: float) -> None:
    group = np.repeat([0, 1], 8)
    time, n = np.tile(np.arange(1, 9), 2), np.ones(16, np.int64)
    outcome = np.array([1, 0, 2, 1, 0, 0, 1, 2] + [2, 0] * 4, dtype=np.int8)
    given = {"factor": np.array([2.5, 2.0]), "design": np.array([alike, alike])}
    many = incidence_of_many(group, time, outcome, n, 2, 6.0, 0.9, **given)
    for g in (0, 1):
        one = aalen_johansen(time[group == g], outcome[group == g], n[group == g], None, 0.9)
        factor = np.ones_like(one.rate)
        factor[0] = given["factor"][g]
        read = one.widened(factor, alike).at(6.0)
        assert many.at.ci_lower[g] == pytest.approx(read.ci_lower[0, 0], abs=1e-12)
        assert many.at.ci_upper[g] == pytest.approx(read.ci_upper[0, 0], rel=1e-9)


@pytest.mark.parametrize("day", [3.0, 7.0, 15.5, 29.0])
def test_the_widening_is_that_of_each_group_alone(day: float) -> None:
    at, z = day * 86_400, normal_quantile(0.9)
    for seed in range(6):
        group, time, outcome, n = rows(seed, amounts=False)
        some = n > 0
        group, time, outcome, n = group[some], time[some], outcome[some], n[some]
        cluster = np.random.default_rng(seed + 100).integers(0, 12, group.size)
        found = factors_of_many(group, time, outcome, n, cluster, GROUPS_N, at, 0.9)
        compared = 0
        for g in np.unique(group):
            mine = group == g
            sizes = np.bincount(np.unique(cluster[mine], return_inverse=True)[1], weights=n[mine])
            assert found.several[g] == (sizes.size < n[mine].sum())
            if not found.several[g]:
                assert found.factor[g] == max(found.design[g], 1.0)
                continue
            assert found.design[g] == pytest.approx(n[mine].sum() / effective_clusters(sizes))
            one = aalen_johansen(time[mine], outcome[mine], n[mine], None, 0.9)
            if not 1e-9 < one.rate[0, np.searchsorted(one.time, at, side="right") - 1] < 1 - 1e-9:
                alone = (
                    sizes.size < 2
                )  # one account, or nobody or everybody won: each account counts as a deal
                assert alone or found.factor[g] == pytest.approx(found.design[g])
                continue
            known = factor_at(at, incidence_design(time[mine], outcome[mine], n[mine], cluster[mine]))
            wider = max(known.factor[0], 1.0) * (student_quantile(0.9, known.df[0]) / z) ** 2
            assert found.factor[g] == pytest.approx(wider, rel=1e-6)
            compared += 1
        assert compared > 10
