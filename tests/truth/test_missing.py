"""Histories that are missing: weights by hand, bounds, and floors where steps are known."""

import numpy as np
import pytest

from funnelnb.data.count.stand_ins import class_weights
from funnelnb.stats.rates.missing import step_bounds
from tests.truth import worlds

WORLD = worlds.World(group_effect={"N": 0.0, "S": -1.0})


def test_weights_add_to_all_deals_and_stay_within_the_outcome():
    rng = np.random.default_rng(1)
    outcome, group, period = rng.integers(0, 3, 500), rng.integers(0, 2, 500), rng.integers(0, 6, 500)
    known = rng.random(500) < 0.3 + 0.2 * outcome
    found = class_weights(known, [outcome, group, period])
    for one in range(3):
        assert found.weight[outcome == one].sum() == pytest.approx((outcome == one).sum())
    assert not found.left.any()


def test_nothing_missing_needs_no_weights():
    found = class_weights(np.ones(5, bool), [[0, 1, 0, 1, 2]])
    assert not found.needed
    assert found.weight.tolist() == [1.0] * 5


def test_an_outcome_that_nobody_knows_is_left_over():
    found = class_weights([True, True, False, False], [[0, 0, 1, 1], [0, 0, 0, 0]])
    assert found.left.tolist() == [False, False, True, True]
    assert found.weight.sum() == 2


def test_small_classes_are_joined_to_wider_ones():
    known = [True] * 6 + [False] * 2
    period = [0] * 6 + [1] * 2
    assert class_weights(known, [[0] * 8, period]).weight[:6] == pytest.approx(np.full(6, 8 / 6))


def test_bounds_hold_whatever_became_of_the_unplaced():
    rng = np.random.default_rng(4)
    stage = rng.integers(0, 3, 200)
    won = rng.random(200) < 0.3
    stage[won] = 3
    hidden = ~won & (rng.random(200) < 0.6)
    for k in range(3):
        seen = (stage >= k) & ~hidden
        lower, upper = step_bounds((seen & (stage > k)).sum(), seen.sum(), hidden.sum(), last=k == 2)
        true = ((stage > k) & (stage >= k)).sum() / (stage >= k).sum()
        assert lower <= true <= upper


@pytest.mark.parametrize(
    "share",
    [
        {"lost": 0.25, "won": 0.25, "open": 0.25},
        {"lost": 0.7, "won": 0.1, "open": 0.1},
        {"lost": 0.2, "won": 0.8},
    ],
)
def test_steps_are_unbiased(share):
    gaps = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        given = worlds.export(worlds.draw(WORLD, 600, rng), WORLD.span)
        broken = worlds.missing_history(given, share, rng)
        has = np.bincount(broken.rows[0], minlength=given.n) > 0
        place = np.zeros(given.n, np.int64)
        np.maximum.at(place, given.rows[0], given.rows[1])
        outcome = np.unique(given.outcome, return_inverse=True)[1]
        period = (given.as_of - given.deals.created) // 91
        weight = class_weights(has, [outcome, given.deals.region == "S", period]).weight
        for k in range(3):
            there = (place >= k) & ~((given.outcome == "open") & (place == k))
            gaps.append(np.average(place[there] > k, weights=weight[there]) - (place[there] > k).mean())
    assert np.mean(np.reshape(gaps, (-1, 3)), axis=0) == pytest.approx(np.zeros(3), abs=0.008)
