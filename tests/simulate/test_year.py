"""The year of the practice game: the same luck for everybody, nothing appears or disappears, and skill pays."""

from dataclasses import replace

import numpy as np
import pytest

from funnelnb.simulate import year as game
from funnelnb.simulate.year import POLICIES, WEEKS, World, begin, live, spread, world, year

SEEDS = range(60)


@pytest.fixture(scope="module")
def floors() -> World:
    return world(SEEDS)


@pytest.fixture(scope="module")
def results(floors: World) -> dict[str, np.ndarray]:
    return {name: year(floors, rule).won(floors.amount).sum(axis=1) for name, rule in POLICIES.items()}


def test_a_seed_gives_the_same_year_alone_and_among_others(floors: World) -> None:
    alone = world([7])
    for name in ("amount", "chance", "marks", "dies", "owner"):
        np.testing.assert_array_equal(getattr(alone, name)[0], getattr(floors, name)[7])
    rule = POLICIES["value_first"]
    np.testing.assert_array_equal(year(alone, rule).status[0], year(floors, rule).status[7])


def test_another_luck_is_another_year_on_the_same_floor(floors: World) -> None:
    rule = POLICIES["value_first"]
    assert (year(floors, rule, luck=1).status != year(floors, rule).status).any(axis=1).all()


def test_hours_never_exceed_what_people_have_or_a_deal_can_use(floors: World) -> None:
    state = begin(floors)
    for _ in range(30):
        decided = POLICIES["value_first"](floors, state)
        hours = spread(floors, state, decided)
        assert hours.min() >= 0
        assert hours.max() <= floors.law.most_hours
        assert not hours[(state.status != game.OPEN) | decided.let_go].any()
        for person, most in enumerate(game.people_hours(floors, state.week)):
            used = np.where(floors.owner == person, hours, 0).sum(axis=1)
            assert (used <= most + 1e-9).all()
        state = live(floors, state, decided)


def test_hours_set_aside_for_a_quadrant_go_there_first(floors: World) -> None:
    state = begin(floors)
    plain = POLICIES["largest_first"](floors, state)
    shares = np.zeros((len(SEEDS), floors.law.people_n + 1, 4))
    shares[:, :, 3] = 1.0  # small and late
    decided = game.Week(score=plain.score, scoop=plain.scoop, let_go=plain.let_go, shares=shares)
    hours = spread(floors, state, decided)
    small_late = np.where(floors.quadrant == 3, hours, 0).sum(axis=1)
    without = np.where(floors.quadrant == 3, spread(floors, state, plain), 0).sum(axis=1)
    assert (small_late >= without).all()
    assert small_late.sum() > 2 * without.sum()


def test_deals_only_move_as_they_may(floors: World) -> None:
    state = begin(floors)
    rule = POLICIES["newest_first"]
    for _ in range(WEEKS):
        after = live(floors, state, rule(floors, state))
        ended = state.status >= game.WON
        np.testing.assert_array_equal(after.status[ended], state.status[ended])
        assert ((after.stage - state.stage >= 0) & (after.stage - state.stage <= 1)).all()
        assert (after.status[state.status == game.UNSEEN] <= game.LEAD).all()
        won = (after.status == game.WON) & (state.status != game.WON)
        assert (after.stage[won] == game.GATES).all()
        assert (floors.dies[won] > state.week).all()  # the dead never buy
        state = after
    assert state.won(floors.amount).sum() == floors.amount[state.status == game.WON].sum()


def test_the_win_rate_of_deals_that_get_all_hours_is_their_true_chance() -> None:
    """Nobody dies, nobody is neglected, no rival: chance ** (1/4) at each of four gates."""
    law = game.Law(dead_share=0, dies_weekly=1e-9, neglect_weekly=0, weekly_n=0, hours_week=1e6)
    truth = world(range(200), law)
    rival = np.full_like(truth.rival, 99)
    truth = replace(truth, rival=rival, first_stage=np.zeros_like(truth.first_stage))

    def everything(truth: World, state: game.State) -> game.Week:
        nobody = np.zeros_like(truth.amount, dtype=bool)
        return game.Week(score=truth.amount, scoop=state.status == game.LEAD, let_go=nobody)

    end = year(truth, everything)
    decided = (end.status == game.WON) | (end.status == game.LOST)
    assert decided.mean() > 0.95
    expected = truth.chance.mean()
    se = np.sqrt(expected * (1 - expected) / truth.chance.size)
    assert abs((end.status == game.WON).mean() - expected) < 4 * se + 0.03 * (1 - decided.mean())


def test_value_beats_size_and_nothing_beats_knowing(results: dict[str, np.ndarray]) -> None:
    best = results["near_best"]
    for name, result in results.items():
        difference = result - best
        se = difference.std(ddof=1) / np.sqrt(len(SEEDS))
        assert difference.mean() <= 2 * se, name
    gain = results["value_first"] / results["largest_first"]
    assert gain.mean() > 1.3
