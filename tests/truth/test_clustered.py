"""Several deals per account: the jackknife by hand, what must collapse, and coverage."""

import numpy as np
import pytest
import scipy.stats

from funnelnb.stats.curves.band import log_log_band
from funnelnb.stats.curves.clustered import factor_at, incidence_design, independent_factor
from funnelnb.stats.curves.incidence import aalen_johansen
from funnelnb.stats.rates.clustered import (
    clustered_share,
    design,
    effective_clusters,
    student_p_value,
    student_quantile,
)
from funnelnb.stats.rates.proportion import normal_quantile, wilson
from tests.truth import worlds


def test_share_of_one_deal_per_account_is_nearly_that_of_independent_deals():
    k = np.array([1, 0, 1, 1, 0, 0, 0, 1, 0, 0] * 20)
    found = design(k, np.ones_like(k))
    assert float(found.factor) == pytest.approx(len(k) / (len(k) - 1))
    assert np.array(clustered_share(k, np.ones_like(k))) == pytest.approx(
        np.array(wilson(k.sum(), len(k))), abs=2e-3
    )


def test_factor_is_the_size_of_accounts_that_agree_within():
    k, n = np.array([5, 0] * 30), np.full(60, 5)
    assert float(design(k, n).factor) == pytest.approx(5, rel=0.03)


def test_variance_by_hand():
    k, n = np.array([3.0, 1, 4]), np.array([5.0, 4, 7])
    without = np.array([5 / 11, 7 / 12, 4 / 9])
    by_hand = 2 / 3 * ((without - without.mean()) ** 2).sum()
    assert float(design(k, n).factor) == pytest.approx(by_hand / (0.5 * 0.5 / 16))


def test_nobody_won_counts_each_account_as_one():
    lower, upper = clustered_share([0, 0, 0], [10, 10, 10])
    assert (float(lower), float(upper)) == pytest.approx(tuple(map(float, wilson(0, 3))))


def test_effective_number_of_accounts():
    assert float(effective_clusters([10, 10, 10, 10])) == 4
    assert float(effective_clusters([97, 1, 1, 1])) == pytest.approx(100**2 / 9412)


@pytest.mark.parametrize(("accounts", "unequal", "rate"), [(20, 0.0, 0.3), (20, 1.2, 0.3), (40, 1.2, 0.1)])
def test_shares_cover(accounts, unequal, rate):
    rng, runs, inside, naive = np.random.default_rng(11), 800, 0, 0
    a, b = 5 * rate, 5 * (1 - rate)  # correlation 1/6
    for _ in range(runs):
        n = np.maximum(1, np.rint(np.exp(unequal * rng.standard_normal(accounts)) * 8)).astype(int)
        k = rng.binomial(n, rng.beta(a, b, accounts))
        lower, upper = clustered_share(k, n)
        inside += lower <= rate <= upper
        lower, upper = wilson(k.sum(), n.sum())
        naive += lower <= rate <= upper
    assert 0.86 <= inside / runs <= 0.94
    assert naive / runs < 0.8


def curve_of(seed, accounts, unequal):
    rng = np.random.default_rng(seed)
    weights = tuple(np.exp(unequal * rng.standard_normal(accounts)))
    world = worlds.World(accounts=weights, account_sd=1.5)
    given = worlds.export(worlds.draw(world, accounts * 12, rng), world.span)
    rows = worlds.times(given)
    n = np.ones(given.n)
    curve = aalen_johansen(rows["time"], rows["outcome"])
    return curve, factor_at(curve.time, incidence_design(rows["time"], rows["outcome"], n, rows["cluster"]))


@pytest.mark.parametrize(("accounts", "unequal"), [(20, 0.0), (40, 1.2)])
def test_curves_cover(accounts, unequal):
    many = worlds.World(accounts=tuple(np.ones(50_000)), account_sd=1.5)
    true = worlds.truth(many, 100_000).won_by(90)
    runs, inside, z = 200, 0, normal_quantile(0.9)
    for seed in range(runs):
        curve, found = curve_of(seed, accounts, unequal)
        wider = found.factor * (student_quantile(0.9, found.df) / z) ** 2
        lower, upper = log_log_band(curve.rate, curve.variance * wider, curve.at_risk, z)
        row = np.searchsorted(curve.time, 90, side="right") - 1
        inside += lower[0, row] <= true <= upper[0, row]
    assert 0.84 <= inside / runs <= 0.96


def test_jackknife_of_a_curve_by_hand():
    rng = np.random.default_rng(2)
    time, kind, cluster = rng.integers(1, 12, 60), rng.integers(0, 3, 60), rng.integers(0, 8, 60)
    cells, found = incidence_design(time, kind, np.ones(60), cluster)
    whole = aalen_johansen(time, kind)
    day = 6
    scale = lambda f: np.log(-np.log(1 - f))  # noqa: E731
    rates = []
    for one in range(8):
        rest = cluster != one
        rates.append(aalen_johansen(time[rest], kind[rest]).at(day).rate[0, 0])
    f, plain = whole.at(day).rate[0, 0], whole.at(day).variance[0, 0]
    spread = 7 / 8 * ((scale(np.array(rates)) - scale(np.array(rates)).mean()) ** 2).sum()
    expected = spread * ((1 - f) * np.log(1 - f)) ** 2 / plain
    assert found.factor[0, np.searchsorted(cells, day)] == pytest.approx(expected)


def test_one_deal_per_account_hardly_changes_a_curve_even_with_late_entry():
    rng = np.random.default_rng(5)
    time, kind = rng.integers(2, 90, 400), rng.integers(0, 3, 400)
    entry = np.minimum(np.where(rng.random(400) < 0.3, rng.integers(0, 80, 400), 0), time - 1)
    _, found = incidence_design(time, kind, np.ones(400), np.arange(400), entry)
    assert found.factor[:, 20:80] == pytest.approx(np.ones((2, 60)), abs=0.08)


def test_unequal_weights_alone():
    assert independent_factor([1, 1, 4]) == pytest.approx(3.0)


def test_accounts_never_narrow_an_interval():
    """Accounts that each win exactly half look more alike than chance: the interval stays that of independent deals."""
    found = design([1] * 50, [2] * 50)
    assert float(found.factor) < 0.1
    assert 90 < float(found.trials(100)) < 100


def test_weights_that_end_in_rounding_leave_an_interval():
    """Everybody is decided in the end and deals stand for others: 1e-16 of a deal left is nobody, not certainty."""
    rng = np.random.default_rng(3)
    weight = rng.choice([1.1, 37 / 11, 4.1, 29 / 7], 300)
    curve = aalen_johansen(
        rng.integers(1, 60, 300), rng.integers(1, 3, 300), weight, None, 0.9, weighted=True
    )
    assert curve.open_rate[-1] == 0.0
    assert (curve.ci_upper[0, -1] - curve.ci_lower[0, -1]) > 0.05
    assert curve.variance[0, -1] > 1e-4


def test_surprise_with_few_clusters_is_that_of_a_t_test():
    """The normal p-value on trials widened for one level, judged by Student, is the p-value of the t-test."""
    clusters = np.random.default_rng(3).normal(0.9, 1.0, size=9)
    wanted = scipy.stats.ttest_1samp(clusters, 0.0)
    for level in (0.8, 0.9, 0.99):
        widened = (
            wanted.statistic * scipy.stats.norm.isf(0.5 - level / 2) / scipy.stats.t.isf(0.5 - level / 2, 8)
        )
        normal = 2 * scipy.stats.norm.sf(abs(widened))
        assert student_p_value([normal, np.nan], 8, level)[0] == pytest.approx(wanted.pvalue, rel=1e-9)
    assert student_p_value(0.02, np.inf) == 0.02
