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


def course(unit=1.0, scale=1.0, seed=11):
    """Few and many deals, two groups, three stretches, factors by stretch and group, amounts not known exactly."""
    rng = np.random.default_rng(3)
    n, draws = ONE_BY_ONE + 150, 3_000
    chance = np.sort(rng.uniform(0, 0.15, (3, n)), axis=0)[None]
    deals = OpenDeals(
        chance=chance,
        amount=unit * rng.lognormal(0, 1, n),
        amount_sd=unit * np.where(np.arange(n) % 2, 0.3, 0.0),
        group=np.arange(n) % 2,
    )
    new = NewDeals(
        mean=np.tile(rng.uniform(0.5, 3, (1, 3, 2)), (draws, 1, 1)),
        pool=unit * np.array([1.0, 2.0, 5.0]),
        size_factor=np.full((draws, 2), scale),
    )
    factor, group_factor = np.tile([[1.0, 1.4, 0.7]], (draws, 1)), np.tile([[0.8, 1.3]], (draws, 1))
    return deals, landing(deals, new, factor, group_factor, np.random.default_rng(seed)), new


def test_means_by_group_and_stretch_are_those_of_the_hazards():
    """Each stretch adds log((1 - P before) / (1 - P)) times both factors to the hazard of each deal."""
    deals, found, new = course()
    before = np.vstack([np.zeros(deals.amount.size), deals.chance[0][:-1]])
    steps = np.log((1 - before) / (1 - deals.chance[0])) * np.array([[1.0], [1.4], [0.7]])
    won = 1 - np.exp(-np.cumsum(steps, axis=0) * np.where(deals.group == 0, 0.8, 1.3))
    for s in range(3):
        for g in range(2):
            p, amount = won[s][deals.group == g], deals.amount[deals.group == g]
            error = np.sqrt((p * (1 - p)).sum() / 3_000)
            assert abs(found.open_n[:, s, g].mean() - p.sum()) < 5 * error + 0.02 * p.sum()
            error = np.sqrt((p * amount**2).sum() / 3_000)
            assert abs(found.open_amount[:, s, g].mean() - p @ amount) < 5 * error + 0.03 * (p @ amount)
            mean = new.mean[0, : s + 1, g].sum()
            assert abs(found.new_n[:, s, g].mean() - mean) < 5 * np.sqrt(mean / 3_000)
            assert abs(found.new_amount[:, s, g].mean() - mean * 8 / 3) < 5 * np.sqrt(10 * mean / 3_000)


def test_amounts_have_a_unit():
    """In cents everything is a hundred times as large, draw by draw; sizes of a group are multiplied by its factor."""
    _, one, _ = course()
    for unit in (1e-6, 100.0):
        _, other, _ = course(unit)
        np.testing.assert_allclose(other.open_amount, unit * one.open_amount, rtol=1e-9)
        np.testing.assert_allclose(other.new_amount, unit * one.new_amount, rtol=1e-9)
        np.testing.assert_array_equal(other.open_n, one.open_n)
    _, twice, _ = course(scale=2.0)
    np.testing.assert_allclose(twice.new_amount, 2 * one.new_amount)
    np.testing.assert_array_equal(twice.open_amount, one.open_amount)


def test_few_new_wins_are_sums_of_past_sizes():
    """Of sizes 1 and 3 so many wins bring an even number more than themselves, at most three times as much."""
    rng = np.random.default_rng(5)
    nobody = OpenDeals(
        chance=np.zeros((1, 1, 0)), amount=np.zeros(0), amount_sd=np.zeros(0), group=np.zeros(0, int)
    )
    new = NewDeals(mean=np.full((500, 2, 1), 1.5), pool=np.array([1.0, 3.0]), size_factor=np.ones((500, 1)))
    found = landing(nobody, new, *ones(500, 2), rng)
    extra = found.new_amount - found.new_n
    assert (extra >= 0).all() and (extra <= 2 * found.new_n).all()
    np.testing.assert_allclose(extra % 2, 0)
    assert found.open_amount.sum() == found.open_n.sum() == 0
    alike = NewDeals(mean=np.full((500, 2, 1), 1.5), pool=np.array([4.0, 4.0]), size_factor=np.ones((500, 1)))
    found = landing(nobody, alike, *ones(500, 2), rng)
    np.testing.assert_allclose(found.new_amount, 4 * found.new_n)
    without = NewDeals(mean=np.full((500, 2, 1), 1.5), pool=np.zeros(0), size_factor=np.ones((500, 1)))
    assert landing(nobody, without, *ones(500, 2), rng).new_amount.sum() == 0


def test_draws_take_turns_among_what_is_held_possible():
    """Two sets of chances, none and certain: every other draw wins all or nothing."""
    deals = OpenDeals(
        chance=np.array([[[0.0] * 3], [[1.0] * 3]]),
        amount=np.ones(3),
        amount_sd=np.zeros(3),
        group=np.zeros(3, int),
    )
    found = landing(deals, nothing(10), *ones(10), np.random.default_rng(1))
    assert found.open_n[:, 0, 0].tolist() == [0, 3] * 5


def test_no_more_deals_are_won_than_there_are():
    """Nearly certain deals whose hazard is tripled: nearly all of them, of each group, and not more."""
    n = 3 * ONE_BY_ONE
    deals = OpenDeals(
        chance=np.full((1, 1, n), 0.9), amount=np.ones(n), amount_sd=np.zeros(n), group=np.arange(n) % 2
    )
    found = landing(
        deals, nothing(2_000, 2), np.full((2_000, 1), 3.0), np.ones((2_000, 2)), np.random.default_rng(1)
    )
    assert (0.93 * n / 2 < found.open_n.mean(axis=0)).all()
    assert (found.open_n.mean(axis=0) <= n / 2).all()
    np.testing.assert_allclose(found.open_amount.mean(axis=0), found.open_n.mean(axis=0), rtol=0.01)
