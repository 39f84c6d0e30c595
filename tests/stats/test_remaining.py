"""Time still to go: raw shares, enumerated paths, and a floor without memory."""

import math

import numpy as np
import pytest

from funnelnb.core.errors import ParameterError
from funnelnb.stats.curves.incidence import aalen_johansen
from funnelnb.stats.curves.remaining import remaining


def test_without_censoring_it_is_the_share_of_those_still_there() -> None:
    draw = np.random.default_rng(5)
    time, outcome = draw.integers(1, 60, 400), draw.integers(1, 3, 400)
    ahead = remaining(aalen_johansen(time, outcome), None, age=[0, 10, 30], steps=20)
    for k, age in enumerate((0, 10, 30)):
        there = time > age
        for h in (1, 7, 20):
            soon = there & (time <= age + h)
            assert ahead.won_rate[k, h] == pytest.approx((soon & (outcome == 1)).sum() / there.sum())
            assert ahead.lost_rate[k, h] == pytest.approx((soon & (outcome == 2)).sum() / there.sum())
    assert ahead.won_rate + ahead.lost_rate + ahead.open_rate == pytest.approx(np.ones((3, 21)))


def test_the_formula_for_the_last_stage_with_censoring() -> None:
    draw = np.random.default_rng(8)
    curve = aalen_johansen(draw.integers(1, 90, 300), draw.integers(0, 3, 300))
    ahead = remaining(curve, None, age=[12.0], steps=30)
    won, lost = curve.at([12, 42]).rate
    assert ahead.won_rate[0, 30] == pytest.approx((won[1] - won[0]) / (1 - won[0] - lost[0]))


def test_two_stages_against_all_paths_enumerated() -> None:
    first = [(2, 1), (3, 1), (3, 2), (5, 1), (6, 2), (9, 1)]
    second = [(1, 1), (4, 2), (4, 1), (7, 1)]
    curves = [aalen_johansen(*zip(*rows, strict=True)) for rows in (first, second)]
    ahead = remaining(*curves, age=[0, 2, 4], steps=14)
    for k, age in enumerate((0, 2, 4)):
        there = [row for row in first if row[0] > age]
        for h in range(15):
            won = lost = 0.0
            for time, outcome in there:
                if outcome == 2:
                    lost += (time - age <= h) / len(there)
                    continue
                for more, ends in second:
                    hit = (time - age + more <= h) / len(there) / len(second)
                    won, lost = (won + hit, lost) if ends == 1 else (won, lost + hit)
            if h <= ahead.known[k]:
                assert ahead.won_rate[k, h] == pytest.approx(won), (age, h)
                assert ahead.lost_rate[k, h] == pytest.approx(lost), (age, h)
    assert np.isinf(ahead.known).all(), "all are decided in the end"


def test_one_slow_deal_does_not_hide_the_others() -> None:
    step = aalen_johansen([3] * 99 + [5], [1] * 60 + [2] * 39 + [0])
    ahead = remaining(step, aalen_johansen([4, 4], [1, 2]), age=[0], steps=20)
    assert np.isinf(ahead.known[0])
    assert ahead.won_rate[0, 20] == pytest.approx(0.3)
    assert ahead.open_rate[0, 20] == pytest.approx(0.01)
    many = aalen_johansen([3] * 90 + [5] * 10, [1] * 60 + [2] * 30 + [0] * 10)
    assert remaining(many, None, age=[0], steps=20).known.tolist() == [5], "one in ten is too many"


def test_a_floor_without_memory_in_closed_form() -> None:
    """Two stages in a row, 2 % a day on, 1 % a day lost: the age in the stage must not matter."""
    draw = np.random.default_rng(1)
    n, on, lose = 60_000, 0.02, 0.01

    def curve():
        total = draw.exponential(1 / (on + lose), n)
        outcome = np.where(draw.random(n) < on / (on + lose), 1, 2)
        censor = draw.uniform(0, 400, n)
        return aalen_johansen(np.minimum(total, censor), np.where(total <= censor, outcome, 0))

    ahead = remaining(curve(), curve(), age=[0, 20, 60], steps=60, unit=1.0)
    rate, h = on + lose, 60
    truth = (on / rate) ** 2 * (1 - math.exp(-rate * h) * (1 + rate * h))
    assert ahead.won_rate[:, 60] == pytest.approx([truth] * 3, abs=0.012)
    gone = 1 - math.exp(-rate * 60)
    truth_lost = lose / rate * gone + on * lose / rate**2 * (1 - math.exp(-rate * h) * (1 + rate * h))
    assert ahead.lost_rate[:, 60] == pytest.approx([truth_lost] * 3, abs=0.012)


def test_what_the_data_cannot_see_is_not_said() -> None:
    curve = aalen_johansen([2, 4, 6, 8], [1, 2, 0, 0])
    ahead = remaining(curve, None, age=[0, 5, 9, math.nan], steps=6)
    assert ahead.known.tolist()[:2] == [8, 3]
    assert np.isnan(ahead.known[2:]).all()
    assert np.isnan(ahead.won_rate[1, 4:]).all()
    assert not np.isnan(ahead.won_rate[1, :4]).any()
    assert np.isnan(ahead.median()[1:]).all()
    assert ahead.median()[0] == 4


def test_empty_curves_and_bad_input() -> None:
    empty = aalen_johansen([], [])
    assert np.isnan(remaining(empty, None, age=[1.0], steps=3).won_rate).all()
    curve = aalen_johansen([1, 2], [1, 2])
    with pytest.raises(ParameterError, match="age = -1"):
        remaining(curve, None, age=[-1.0], steps=3)
    with pytest.raises(ParameterError, match="steps = 0"):
        remaining(curve, None, age=[1.0], steps=0)
    with pytest.raises(ParameterError, match="1 causes"):
        remaining(aalen_johansen([1, 2], [1, 1], causes=1), None, age=[1.0], steps=2)


def test_medians_by_hand() -> None:
    """Of eight, two win on each of days 1, 2, 3 and two are lost on day 4; one more age at which none was watched."""
    curve = aalen_johansen(np.repeat([1, 2, 3, 4], 2), np.repeat([1, 1, 1, 2], 2))
    ahead = remaining(curve, None, age=[0, 2, 3, math.nan], steps=6)
    assert ahead.median().tolist()[:3] == [2, 1, 1]
    assert ahead.median_won().tolist()[:2] == [2, 1]
    assert np.isnan(ahead.median_won()[2:]).all(), "after day 3 nobody wins"
    assert np.isnan(ahead.median()[3])
    slow = aalen_johansen([1, 5, 5, 5, 5], [1, 1, 0, 0, 0])
    assert remaining(slow, None, age=[0], steps=5).median_won().tolist() == [1]


@pytest.mark.parametrize("unit", [1.0, 86_400.0])
def test_how_far_ahead_the_data_see(unit: float) -> None:
    """To the last time observed; for ever where at most a twentieth of those there are open; the nearer of two."""
    step = aalen_johansen(np.array([3] * 60 + [20] * 40) * unit, [1] * 60 + [0] * 40)
    few = aalen_johansen(np.array([3] * 95 + [20] * 5) * unit, [1] * 95 + [0] * 5)
    onward = aalen_johansen(np.array([2] * 60 + [7] * 40) * unit, [1] * 60 + [0] * 40)
    ages = np.array([0, 4, 20, 21]) * unit
    np.testing.assert_array_equal(remaining(step, None, ages, 3, unit).known, [20, 16, 0, np.nan])
    np.testing.assert_array_equal(remaining(step, onward, ages, 3, unit).known, [7, 7, 0, np.nan])
    np.testing.assert_array_equal(remaining(few, None, ages, 3, unit).known, [np.inf, 16, 0, np.nan])
    np.testing.assert_array_equal(remaining(few, onward, ages, 3, unit).known, [7, 7, 0, np.nan])
    np.testing.assert_array_equal(remaining(step, few, ages, 3, unit).known, [20, 16, 0, np.nan])
    np.testing.assert_array_equal(
        remaining(step, aalen_johansen([], []), ages, 3, unit).known, [0, 0, 0, np.nan]
    )
