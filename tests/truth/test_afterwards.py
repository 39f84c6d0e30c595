"""Values that come with time or with the outcome, and values that only look so."""

import numpy as np

from funnelnb.stats.rates.afterwards import comes_with_outcome, comes_with_time
from tests.truth import worlds

WORLD = worlds.World()


def floor(seed, size=800):
    rng = np.random.default_rng(seed)
    given = worlds.export(worlds.draw(WORLD, size, rng), WORLD.span)
    end = np.where(given.outcome == "open", given.as_of, np.nan_to_num(given.closed))
    return given, end - given.deals.created, given.outcome == "open", rng


def share(made, runs=60):
    return np.mean([made(seed) for seed in range(runs)])


def test_a_demo_that_only_long_lived_deals_have_is_noticed():
    def demo(seed):
        _, life, is_open, rng = floor(seed)
        return comes_with_time((life > 40) & (rng.random(life.size) < 0.6), life, is_open)

    assert share(demo) > 0.95


def test_what_was_known_at_the_start_is_not():
    def at_random(seed):
        _, life, is_open, rng = floor(seed)
        return comes_with_time(rng.random(life.size) < 0.3, life, is_open)

    def out_of_use(seed):
        given, life, is_open, rng = floor(seed)
        return comes_with_time((given.deals.created < 250) & (rng.random(life.size) < 0.5), life, is_open)

    def slow(seed):  # large customers take twice as long
        rng = np.random.default_rng(seed)
        parts = [
            worlds.export(worlds.draw(worlds.World(pace=pace, loss_pace=loss), 400, rng), 500)
            for pace, loss in (((10, 20, 25), (30, 40, 50)), ((20, 40, 50), (60, 80, 100)))
        ]
        ends = [np.where(one.outcome == "open", 500, np.nan_to_num(one.closed)) for one in parts]
        life = np.concatenate([end - one.deals.created for end, one in zip(ends, parts, strict=True)])
        is_open = np.concatenate([one.outcome == "open" for one in parts])
        large = np.repeat([False, True], [len(one.outcome) for one in parts])
        return comes_with_time(large, life, is_open)

    assert share(at_random) <= 0.02
    assert share(out_of_use) <= 0.05
    assert share(slow) <= 0.05


def test_values_set_at_the_win():
    given, _, _, rng = floor(1)
    half = (given.outcome == "won") & (rng.random(given.n) < 0.5)
    few = (given.outcome == "won") & (rng.random(given.n) < 0.15)
    assert comes_with_outcome(half, np.unique(given.outcome, return_inverse=True)[1])
    assert comes_with_outcome(few, np.unique(given.outcome, return_inverse=True)[1])
    assert not comes_with_outcome(rng.random(given.n) < 0.5, np.unique(given.outcome, return_inverse=True)[1])
