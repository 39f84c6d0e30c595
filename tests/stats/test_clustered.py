"""Several deals to an account: jackknives and quantiles by loops over accounts.

Coverage: tests/truth/test_clustered.py.
"""

import math

import numpy as np
import pytest
from scipy import stats

from funnelnb.stats.curves.clustered import CELLS, factor_at, incidence_design, independent_factor
from funnelnb.stats.curves.incidence import aalen_johansen
from funnelnb.stats.rates.clustered import (
    clustered_share,
    design,
    effective_clusters,
    student_p_value,
    student_quantile,
)
from funnelnb.stats.rates.proportion import wilson


def one_design(k, n, weight=None):
    """Factor and degrees of freedom of one share, from the shares without each cluster in turn."""
    total, wins = sum(n), sum(k)
    if not total:
        return 1.0, math.inf
    used = [(a, b) for a, b in zip(k, n, strict=True) if b > 0]
    alike = total**2 / sum(b * b for b in n)
    share = wins / total
    if wins in (0, total) or len(used) < 2:
        return total / alike, math.inf
    without = np.array([(wins - a) / (total - b) for a, b in used])
    variance = (len(used) - 1) / len(used) * ((without - without.mean()) ** 2).sum()
    return variance / (share * (1 - share) / (weight or total)), max(alike - 1, 1.0)


def shares(seed=1):
    rng = np.random.default_rng(seed)
    n = rng.integers(0, 9, (6, 12))
    k = rng.binomial(n, rng.beta(1, 1, (6, 12)))
    n[:, 0] = k[:, 0] = k[:, 1] = 0
    k[:, 2] = n[:, 2]
    n[1:, 3] = k[1:, 3] = 0  # one account alone
    n[0, 3], k[0, 3] = 8, 3
    n[2:, 4], n[:2, 4], k[:, 4] = 0, [9, 1], 0  # two accounts, one of them nearly everything
    k[0, 4] = 4
    return k, n


def test_the_design_of_many_shares_is_that_of_each_alone():
    k, n = shares()
    weight = np.linspace(3, 40, 12)
    for given in (None, weight):
        found = design(k, n, given)
        for c in range(12):
            wanted = one_design(k[:, c].tolist(), n[:, c].tolist(), None if given is None else given[c])
            assert (found.factor[c], found.df[c]) == pytest.approx(wanted), c


def test_trials_and_bounds_follow_from_factor_and_degrees_of_freedom():
    k, n = shares(2)
    lower, upper = clustered_share(k, n, 0.8)
    found = design(k, n)
    for c in range(12):
        total, wins = n[:, c].sum(), k[:, c].sum()
        if not total:
            assert np.isnan([lower[c], upper[c]]).all()
            continue
        factor, df = one_design(k[:, c].tolist(), n[:, c].tolist())
        wider = 1.0 if math.isinf(df) else stats.t.ppf(0.9, df) / stats.norm.ppf(0.9)
        trials = total / (max(factor, 1.0) * wider**2)
        assert found.trials(n.sum(axis=0), 0.8)[c] == pytest.approx(trials)
        low, high = map(float, wilson(wins / total * trials, trials, 0.8))
        assert (lower[c], upper[c]) == pytest.approx((min(low, wins / total), max(high, wins / total)))


def test_quantiles_and_p_values_of_few_clusters():
    wanted = [stats.t.ppf(0.95, df) for df in (1, 1, 3.5)] + [stats.norm.ppf(0.95)]
    assert student_quantile(0.9, [0.2, 1, 3.5, np.inf]) == pytest.approx(wanted)
    for df in (0.5, 1.0, 6.0):
        wider = stats.t.ppf(0.9, max(df, 1)) / stats.norm.ppf(0.9)
        wanted = 2 * stats.t.cdf(stats.norm.ppf(0.03 / 2) * wider, max(df, 1))
        assert float(student_p_value(0.03, df, 0.8)) == pytest.approx(wanted)
    assert effective_clusters([[2, 0], [2, 0], [4, 0]]) == pytest.approx([64 / 24, 0.0])


def floor(seed, size=50, accounts=5, late=False):
    rng = np.random.default_rng(seed)
    time, kind, account = rng.integers(2, 14, size), rng.integers(0, 3, size), rng.integers(0, accounts, size)
    entry = np.zeros(size, int)
    if late:  # at times with an event, which are all days from 2 to 6
        kind[:5], time[:5] = 1, np.arange(2, 7)
        entry = np.where((rng.random(size) < 0.4) & (time > 7), rng.integers(2, 7, size), 0)
    return time, kind, rng.integers(1, 4, size), account, entry


@pytest.mark.parametrize("late", [False, True])
def test_the_design_of_a_curve_is_the_jackknife_over_curves(late):
    """Each cell and cause: curves without each account, on log(-log(1 - F)), or plainly where one has no event."""
    on_scale = plainly = 0
    for seed in range(4):
        time, kind, n, account, entry = floor(seed, late=late)
        if seed == 3:
            kind[(kind == 1) & (account != 0)] = 2  # one account owns all wins
        cells, found = incidence_design(time, kind, n, account, entry if late else None)
        assert cells.tolist() == sorted(set(time[kind > 0]))
        whole = aalen_johansen(time, kind, n, entry if late else None)
        rest = [account != one for one in range(5)]
        parts = [aalen_johansen(time[r], kind[r], n[r], entry[r] if late else None) for r in rest]
        sizes = np.bincount(account, weights=n)
        alike = sizes.sum() ** 2 / (sizes**2).sum()
        for place, day in enumerate(cells):
            row = np.searchsorted(whole.time, day, side="right") - 1
            for cause in (0, 1):
                f, variance = whole.rate[cause, row], whole.variance[cause, row]
                if f < 1e-9 or f > 1 - 1e-9:
                    wanted, df = sizes.sum() / alike, np.inf
                else:
                    df = alike - 1
                    each = np.array(
                        [one.rate[cause, np.searchsorted(one.time, day, side="right") - 1] for one in parts]
                    )
                    if each.max() > 1 - 1e-9:
                        continue  # the scale ends there as well, and is read close to its end
                    if each.min() > 0:
                        spread = np.log(-np.log(1 - each)).var() * ((1 - f) * np.log(1 - f)) ** 2
                        on_scale += 1
                    else:
                        spread, plainly = each.var(), plainly + 1
                    wanted = 4 * spread / variance
                assert found.factor[cause, place] == pytest.approx(wanted, rel=1e-6), (seed, day, cause)
                assert found.df[cause, place] == pytest.approx(df)
    assert on_scale > 40
    assert plainly > 10


def test_only_one_time_is_the_last_column_up_to_it():
    time, kind, n, account, entry = floor(7, late=True)
    cells, found = incidence_design(time, kind, n, account, entry)
    for day in (0.5, 2.0, 6.5, 40.0):
        at, one = incidence_design(time, kind, n, account, entry, only=day)
        place = max(np.searchsorted(cells, day, side="right") - 1, 0)
        assert at.tolist() == [cells[place]]
        np.testing.assert_allclose(one.factor[:, 0], found.factor[:, place], rtol=1e-9)
        read = factor_at([day], (cells, found))
        np.testing.assert_allclose(read.factor[:, 0], found.factor[:, place])
        np.testing.assert_allclose(read.df[:, 0], found.df[:, place])


def test_many_times_are_cells_that_divide_the_events_evenly():
    rng = np.random.default_rng(3)
    time, kind = rng.integers(1, 5_000, 3_000), rng.integers(0, 3, 3_000)
    cells, _ = incidence_design(time, kind, np.ones(3_000), rng.integers(0, 9, 3_000))
    events = np.sort(time[kind > 0])
    assert cells.size == CELLS == 96
    assert set(cells) <= set(events)
    shares = np.searchsorted(events, cells, side="right") / events.size
    np.testing.assert_allclose(shares, np.arange(1, 97) / 96, atol=0.002)
    assert cells[-1] == events[-1]


def test_numbers_of_accounts_do_not_matter_and_one_account_tells_as_much_as_one_deal():
    time, kind, n, account, _ = floor(8)
    one = incidence_design(time, kind, n, account)[1]
    for renamed in (account * 7, account - 3, account * 10**6):
        other = incidence_design(time, kind, n, renamed)[1]
        np.testing.assert_allclose(other.factor, one.factor)
        np.testing.assert_allclose(other.df, one.df)
    alone = incidence_design(time, kind, n, np.zeros(50, int))[1]
    assert (alone.factor == n.sum()).all()
    assert np.isinf(alone.df).all()
    assert independent_factor([]) == independent_factor([0.0]) == 1.0
    assert independent_factor([0.5, 1.5]) == pytest.approx(2.5 / 2)
