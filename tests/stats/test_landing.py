"""The joint simulation: every way in which few deals can end, and moments in closed form for many."""

import itertools

import numpy as np

from funnelnb.stats.forecast.landing import ONE_BY_ONE, NewDeals, OpenDeals, landing

DRAWS = 40_000


def nothing(draws=DRAWS, groups=1, stretches=1):
    return NewDeals(
        mean=np.zeros((draws, stretches, groups)), pool=np.array([1.0]), size_factor=np.ones((draws, groups))
    )


def ones(draws=DRAWS, stretches=1, groups=1):
    return np.ones((draws, stretches)), np.ones((draws, groups))


def test_four_deals_end_in_all_sixteen_ways_as_often_as_they_should():
    chance, amount = np.array([0.1, 0.3, 0.5, 0.9]), np.array([1.0, 2.0, 4.0, 8.0])
    deals = OpenDeals(chance=chance[None, None], amount=amount, amount_sd=np.zeros(4), group=np.zeros(4, int))
    found = landing(deals, nothing(), *ones(), np.random.default_rng(1)).open_amount[:, 0, 0]
    for won in itertools.product((0, 1), repeat=4):
        wanted = np.prod(np.where(won, chance, 1 - chance))
        assert abs((found == np.dot(won, amount)).mean() - wanted) < 4 * np.sqrt(wanted / DRAWS) + 1e-4


def test_many_deals_have_mean_and_variance_of_independent_ones():
    rng = np.random.default_rng(2)
    n = 5 * ONE_BY_ONE
    chance, amount = rng.uniform(0.02, 0.7, n), rng.lognormal(0, 1, n)
    deals = OpenDeals(chance=chance[None, None], amount=amount, amount_sd=np.zeros(n), group=np.arange(n) % 2)
    found = landing(deals, nothing(4000, 2), *ones(4000, 1, 2), rng)
    total, count = found.open_amount[:, 0].sum(axis=1), found.open_n[:, 0].sum(axis=1)
    variance = (chance * (1 - chance) * amount**2).sum()
    assert abs(total.mean() - chance @ amount) < 5 * np.sqrt(variance / 4000)
    assert abs(total.std() / np.sqrt(variance) - 1) < 0.05
    assert (
        abs(count.mean() - chance.sum()) < 1
        and abs(count.std() / np.sqrt((chance * (1 - chance)).sum()) - 1) < 0.05
    )


def test_what_has_come_never_falls_along_the_days_and_new_wins_are_poisson():
    rng = np.random.default_rng(3)
    chance = np.stack([np.full(300, 0.1), np.full(300, 0.3)])[None]
    deals = OpenDeals(chance=chance, amount=np.ones(300), amount_sd=np.zeros(300), group=np.zeros(300, int))
    new = NewDeals(mean=np.full((4000, 2, 1), 6.0), pool=np.array([1.0, 3.0]), size_factor=np.ones((4000, 1)))
    found = landing(deals, new, *ones(4000, 2), rng)
    assert (np.diff(found.open_amount, axis=1) >= 0).all() and (np.diff(found.new_n, axis=1) >= 0).all()
    assert abs(found.new_n[:, 1, 0].mean() - 12) < 0.2 and abs(found.new_n[:, 1, 0].var() - 12) < 1
    assert (
        abs(found.new_amount[:, 1, 0].mean() - 24) < 0.5 and abs(found.new_amount[:, 1, 0].var() - 12 * 5) < 6
    )


def test_factors_multiply_the_hazard():
    deals = OpenDeals(
        chance=np.full((1, 1, 50), 0.4), amount=np.ones(50), amount_sd=np.zeros(50), group=np.zeros(50, int)
    )
    found = landing(deals, nothing(), np.full((DRAWS, 1), 2.0), np.ones((DRAWS, 1)), np.random.default_rng(4))
    assert abs(found.open_n.mean() / 50 - (1 - 0.6**2)) < 0.003
