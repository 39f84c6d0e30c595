"""How sure a chance is: raw shares, a landmark curve, derivatives by differences, a bootstrap, coverage."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from funnelnb.core.errors import ParameterError
from funnelnb.stats.curves.chance import Ahead, Chance
from funnelnb.stats.curves.incidence import aalen_johansen
from funnelnb.stats.curves.remaining import remaining
from funnelnb.stats.curves.undated import incidence_undated
from funnelnb.stats.rates.proportion import wilson
from tests.reference.coverage_chance import LEVEL, SEED, coverage
from tests.stats.reference import reference


def rows(seed, size=300, late=False, longest=90, start=1):
    draw = np.random.default_rng(seed)
    time, outcome = draw.integers(start, longest, size), draw.integers(0, 3, size)
    entry = np.where(draw.random(size) < 0.3, draw.integers(0, 20, size), 0) if late else np.zeros(size, int)
    seen = (entry < time) | (entry == 0)
    return time[seen], outcome[seen], entry[seen]


def curve(*args, **more):
    time, outcome, entry = rows(*args, **more)
    return aalen_johansen(time, outcome, entry=entry)


@pytest.mark.parametrize("lost", [False, True])
def test_without_censoring_it_is_the_binomial_variance_of_those_still_there(lost) -> None:
    draw = np.random.default_rng(5)
    time, outcome = draw.integers(1, 60, 400), draw.integers(1, 3, 400)
    ages = (0, 10, 30)
    found = Ahead(aalen_johansen(time, outcome), None, ages, 20).chance(20, lost=lost)
    for k, age in enumerate(ages):
        there = time > age
        share = (there & (time <= age + 20) & (outcome == 1 + lost)).sum() / there.sum()
        assert found.rate[k] == pytest.approx(share)
        assert found.variance[k] == pytest.approx(share * (1 - share) / there.sum())
        assert found.known_n[k] == found.effective_n[k].round(9) == there.sum()


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("lost", [False, True])
def test_the_last_stage_is_a_landmark_curve(late, lost) -> None:
    time, outcome, entry = rows(8, late=late)
    found = Ahead(aalen_johansen(time, outcome, entry=entry), None, [0, 12, 33], 30).chance(30, lost=lost)
    for k, age in enumerate((0, 12, 33)):
        there = time > age
        landmark = aalen_johansen(time[there], outcome[there], entry=np.maximum(entry[there], age)).at(
            age + 30
        )
        assert found.rate[k] == pytest.approx(landmark.rate[int(lost), 0])
        assert found.variance[k] == pytest.approx(landmark.variance[int(lost), 0])
        until = (time >= age + 30) & (entry < age + 30)
        assert found.known_n[k] == until.sum() + (there & (time < age + 30) & (outcome > 0)).sum()


@pytest.mark.parametrize("unit", [1.0, 86_400.0])
def test_rates_are_those_of_remaining(unit) -> None:
    draw = np.random.default_rng(3)
    ages = np.array([0, 3, 12.25, 60, math.nan]) * unit
    step, onward = (
        aalen_johansen(draw.uniform(0, 90, 300) * unit, draw.integers(0, 3, 300)) for _ in range(2)
    )
    for later in (None, onward):
        ahead, same = Ahead(step, later, ages, 40, unit), remaining(step, later, ages, 40, unit)
        np.testing.assert_array_equal(ahead.known, same.known)
        for within in (0, 1, 17, 40):
            for lost, rates in ((False, same.won_rate), (True, same.lost_rate)):
                np.testing.assert_allclose(ahead.chance(within, lost=lost).rate, rates[:, within], atol=1e-12)


def by_differences(functional, time, outcome):
    """Variance of a function of a curve: derivatives by each hazard from differences, events multinomial.

    The curve is changed by moving a millionth of a deal from one kind of row to another.
    """
    times = np.unique(time)
    at_risk = np.array([(time >= s).sum() for s in times], float)
    hazard = np.array([[((time == s) & (outcome == c)).sum() for s in times] for c in (1, 2)]) / at_risk

    def value(hazards):
        still = np.cumprod(1 - hazards.sum(axis=0))
        return functional(times, np.cumsum(np.append(1, still[:-1]) * hazards, axis=1), still)

    total = 0.0
    for s in range(times.size):
        slope = []
        for c in range(2):
            up, down = hazard.copy(), hazard.copy()
            up[c, s] += 1e-5
            down[c, s] -= 1e-5
            slope.append((value(up) - value(down)) / 2e-5)
        own = hazard[:, s]
        spread = np.diag(own) - np.outer(own, own)
        total += np.array(slope) @ spread @ np.array(slope) / at_risk[s]
    return total


@pytest.mark.parametrize("lost", [False, True])
def test_two_stages_against_a_numerical_delta_method(lost) -> None:
    """A mean over ages 4 to 8 whose next stage may be won on the day it is reached; the chance by plain sums."""
    first, second = rows(1, 60, longest=30), rows(2, 50, longest=25, start=0)
    ages, weights, within = np.arange(4, 9), np.array([5, 4, 4, 2, 1.0]), 15

    def read(times, rate, day):
        return rate[np.searchsorted(times, day, side="right") - 1] if day >= times[0] else 0.0

    def mean(step, onward):
        (times, rates, still), (later, ends, _) = step, onward
        parts = []
        for age in ages:
            there = read(times, still, age)
            chance = 0.0
            for day in range(age + 1, age + within + 1):
                moves = [read(times, one, day) - read(times, one, day - 1) for one in rates]
                chance += moves[0] * read(later, ends[int(lost)], age + within - day) + lost * moves[1]
            parts.append(chance / there)
        return np.array(parts) @ weights / weights.sum()

    def plain(time, outcome):
        known = aalen_johansen(time, outcome)
        return known.time, known.rate, known.open_rate

    one, two = plain(*first[:2]), plain(*second[:2])
    truth = by_differences(lambda *step: mean(step, two), *first[:2])
    truth += by_differences(lambda *onward: mean(one, onward), *second[:2])
    ahead = Ahead(aalen_johansen(*first[:2]), aalen_johansen(*second[:2]), ages, within)
    found = ahead.chance(within, lost=lost, weight=weights[None])
    assert found.rate[0] == pytest.approx(mean(one, two))
    assert found.variance[0] == pytest.approx(truth, rel=1e-6)


def paths(draw, size):
    """Days in each of two stages, which way they end, and the day on which the deal is last seen."""
    seen = draw.integers(30, 200, size)
    days = np.ceil(draw.weibull(1.3, (2, size)) * np.array([[25], [35]]))
    ends = np.where(draw.random((2, size)) < [[0.6], [0.5]], 1, 2)
    return days, ends, seen


def standard_errors(draws, seed):
    """Bootstrap of deals: standard errors of a single age, a band of ages and their difference."""
    draw = np.random.default_rng(seed)
    days, ends, seen = paths(draw, 500)
    time, outcome = np.minimum(days[0], seen), np.where(days[0] <= seen, ends[0], 0)
    moved = (outcome == 1).astype(int)
    rest = np.maximum(seen - days[0], 0)
    later, end = np.minimum(days[1], rest), np.where(days[1] <= rest, ends[1], 0)
    ages = np.arange(30)
    weights = np.stack([ages < 10, ages >= 20]).astype(float)

    def read(n):
        ahead = Ahead(aalen_johansen(time, outcome, n=n), aalen_johansen(later, end, n=n * moved), ages, 60)
        return ahead, ahead.chance(60).rate[5], *ahead.chance(60, weight=weights).rate

    again = [read(np.bincount(draw.integers(0, 500, 500), minlength=500))[1:] for _ in range(draws)]
    ahead = read(np.ones(500, int))[0]
    told = [ahead.chance(60).variance[5], *ahead.chance(60, weight=weights).variance]
    both = np.array(again)
    change = ahead.change(60, *weights)
    return np.sqrt(told), both.std(axis=0), change, np.std(both[:, 2] - both[:, 1])


def test_standard_errors_of_a_bootstrap_of_deals() -> None:
    """750 resamples are good to 2.6 %. Six floors with 1,500 each gave ratios of .98 to 1.02, half the width of
    the difference over 1.645 one of 1.01 to 1.05; 3,000 floors drawn anew gave .997, .996 and 1.007.
    """
    ratios, halves = [], []
    for seed in (12, 13, 14):
        told, seen, change, apart = standard_errors(250, seed)
        ratios.append(told / seen)
        halves.append((change.ci_upper - change.ci_lower) / 2 / 1.645 / apart)
    np.testing.assert_allclose(np.mean(ratios, axis=0), 1, atol=0.08)
    assert np.mean(halves) == pytest.approx(1.02, abs=0.08)


def test_intervals_hold_the_truth_nine_times_in_ten() -> None:
    """A small run of tests/reference/coverage_chance.py; its full figures stand in docs/methods.md."""
    found = coverage(np.random.default_rng(SEED), 300, late=False, dead=0.2, runs=150)
    assert len(found) == 8
    shares = np.array([row["coverage"] for row in found])
    assert LEVEL == 0.9
    assert shares.mean() == pytest.approx(0.9, abs=0.03)
    assert ((shares > 0.82) & (shares < 0.98)).all(), "one row's own standard error is 2.4 points"
    stored = reference("coverage_chance")
    assert set(stored.interval) == {row["interval"] for row in found}
    assert stored.coverage.between(0.87, 0.93).all()


def test_none_of_so_many_is_not_never() -> None:
    time = np.repeat([5, 40], [30, 20])
    ahead = Ahead(aalen_johansen(time, np.where(time == 5, 2, 0)), None, [0, 10], 25)
    won, lost = ahead.chance(20), ahead.chance(20, lost=True)
    assert won.rate.tolist() == [0, 0]
    assert won.known_n.tolist() == [50, 20]
    for k, n in enumerate((50, 20)):
        assert won.bounds()[0][k] == 0
        assert won.bounds()[1][k] == pytest.approx(wilson(0, n)[1])
    assert lost.rate.tolist() == [0.6, 0]
    assert lost.bounds()[0][0] < 0.6 < lost.bounds()[1][0] < 1
    sure = Ahead(aalen_johansen([5] * 12, [1] * 12), None, [0], 9).chance(9)
    assert sure.rate[0] == 1
    assert sure.bounds()[0][0] == pytest.approx(wilson(12, 12)[0])


def test_the_few_that_are_still_open_at_the_end_may_all_win() -> None:
    time = np.repeat([5, 8, 10], [60, 37, 3])
    ahead = Ahead(aalen_johansen(time, np.repeat([1, 2, 0], [60, 37, 3])), None, [0, 9], 30)
    found = ahead.chance([30, 30])
    assert found.slack[0] == pytest.approx(0.03)
    assert np.isnan(found.rate[1]), "of three still there nobody knows more"
    plain = Ahead(aalen_johansen(time, np.repeat([1, 2, 0], [60, 37, 3])), None, [0], 9).chance(9)
    assert found.bounds()[1][0] == pytest.approx(plain.bounds()[1][0] + 0.03, abs=1e-4)
    onward = aalen_johansen(np.repeat([5, 10], [97, 3]), np.repeat([1, 0], [97, 3]))
    through = Ahead(aalen_johansen([1] * 50, [1] * 50), onward, [0], 30).chance(30)
    assert through.slack[0] == pytest.approx(0.03)


@pytest.mark.parametrize("level", [0.5, 0.9, 0.99])
def test_bounds_hold_the_rate_and_widen_with_the_level(level) -> None:
    ahead = Ahead(curve(4, longest=60), curve(5, longest=40, start=0), np.arange(40), 20)
    for lost in (False, True):
        found = ahead.chance(20, lost=lost)
        lower, upper = found.bounds(level)
        wide = found.bounds(0.999)
        known = ~np.isnan(found.rate)
        assert known.any()
        assert ((lower >= 0) & (lower <= found.rate) & (found.rate <= upper) & (upper <= 1))[known].all()
        assert ((wide[0] <= lower) & (upper <= wide[1]))[known].all()


@pytest.mark.parametrize("seed", range(6))
def test_interval_and_test_of_a_change_agree(seed) -> None:
    ahead = Ahead(curve(seed, 80, longest=60), None, np.arange(30), 20)
    first, second = np.arange(30) < 5, np.arange(30) >= 15
    change = ahead.change(20, first, second)
    both = ahead.chance(20, weight=np.stack([first, second]))
    assert change.change == pytest.approx(both.rate[1] - both.rate[0])
    for level in (0.5, 0.8, 0.9, 0.95, 0.99):
        found = ahead.change(20, first, second, level)
        assert (found.ci_lower > 0 or found.ci_upper < 0) == (change.p_value < 1 - level)
        assert found.ci_lower <= found.change <= found.ci_upper
    back = ahead.change(20, second, first)
    assert (back.change, back.p_value) == pytest.approx((-change.change, change.p_value))
    assert (back.ci_lower, back.ci_upper) == pytest.approx((-change.ci_upper, -change.ci_lower))


def test_a_mean_over_one_age_is_that_age_and_units_do_not_matter() -> None:
    time, outcome, _ = rows(6)
    later, ends, _ = rows(7, longest=60, start=0)
    days = Ahead(aalen_johansen(time, outcome), aalen_johansen(later, ends), np.arange(20), 25)
    single, mean = days.chance(25), days.chance(25, weight=np.eye(20))
    scaled = Ahead(
        aalen_johansen(time * 86_400, outcome),
        aalen_johansen(later * 86_400, ends),
        np.arange(20) * 86_400,
        25,
        86_400,
    ).chance(25)
    for name in ("rate", "variance", "known_n", "slack"):
        np.testing.assert_allclose(getattr(mean, name), getattr(single, name), rtol=1e-9, atol=1e-15)
        np.testing.assert_allclose(getattr(scaled, name), getattr(single, name), rtol=1e-12)


def test_what_the_data_cannot_see_is_not_said() -> None:
    ahead = Ahead(aalen_johansen(np.arange(31), np.arange(31) % 3), None, [0, 20, 40, math.nan], 15)
    found = ahead.chance(15)
    assert np.isnan(found.rate).tolist() == [False, True, True, True]
    assert (
        np.isnan(found.bounds()[0]).tolist() == np.isnan(found.variance).tolist() == [False, True, True, True]
    )
    assert not np.isnan(ahead.chance([15, 5, 0, 0]).rate[:2]).any()
    assert np.isnan(ahead.chance(15, weight=[[1, 1, 0, 0]]).rate[0])
    assert math.isnan(Ahead(curve(1), None, [0, 80], 30).change(30, [1, 0], [0, 1]).change)
    empty = aalen_johansen([], [])
    assert np.isnan(Ahead(empty, None, [1.0], 3).chance(3).rate).all()
    assert np.isnan(Ahead(curve(1), empty, [1.0], 3).chance(3).rate).all()


def test_how_far_ahead_enough_deals_are_known() -> None:
    """As many steps as ten deals are known by; of thirty, one censored a day, ten are watched until day 21."""
    time, outcome, _ = rows(9, 60, longest=25)
    for later in (None, curve(10, 60, longest=18, start=0)):
        ahead = Ahead(aalen_johansen(time, outcome), later, [0, 4, 12, 24], 15)
        told = ahead.known_by(10)
        for k, far in enumerate(told):
            for h in range(1, 16):
                enough = h <= ahead.known[k] and ahead.chance(h).known_n[k] >= 10
                assert enough == (h <= far), (k, h)
    plain = Ahead(aalen_johansen(np.arange(1, 31), np.zeros(30, int)), None, [0, 10, 20, 21], 29)
    np.testing.assert_array_equal(plain.known_by(10), [21, 11, 1, np.nan])


def test_bad_input() -> None:
    known = curve(1)
    for call, match in (
        (lambda: Ahead(known, None, [-1.0], 3), "age = -1"),
        (lambda: Ahead(known, None, [1.0], 0), "steps = 0"),
        (lambda: Ahead(known, None, [1.0], 3, unit=0), "unit = 0"),
        (lambda: Ahead(known, aalen_johansen([1], [1], causes=1), [1.0], 3), "onward has 1 causes"),
        (lambda: Ahead(known, None, [1.0], 3).chance(4), "within = 4"),
        (lambda: Ahead(known, None, [1.0], 3).chance(-1), "within = -1"),
        (lambda: Ahead(known, None, [1.0, 2.0], 3).chance(3, weight=[1.0, 2.0]), "weight of shape"),
        (lambda: Ahead(known, None, [1.0, 2.0], 3).chance(3, weight=[[0.0, 0.0]]), "weight of shape"),
        (lambda: Ahead(known, None, [1.0, 2.0], 3).chance(3, weight=[[-1.0, 2.0]]), "weight of shape"),
        (lambda: Ahead(known, None, [1.0, 2.5], 3).chance(3, weight=[[1.0, 2.0]]), "fractions of a step"),
        (lambda: Ahead(known, None, [1.0], 3).chance(3).bounds(1.0), "confidence_level = 1"),
    ):
        with pytest.raises(ParameterError, match=match):
            call()


def test_bounds_are_those_of_the_formula() -> None:
    """On log(-log(1 - p)) with Student's t for known_n - 1 degrees, 1 at least; then the slack, then undated losses."""
    given = {
        "rate": np.array([0.3, 0.3, 0.6, 0.95]),
        "variance": np.array([0.02, 0.004, 0.001, 0.001]),
        "known_n": np.array([1.4, 2.5, 40, 12]),
        "slack": np.array([0.0, 0.02, 0.01, 0.9]),
    }
    share = {"least": np.array([0.9, 1.0, 0.8, 1.0]), "most": np.array([1.2, 1.5, 1.0, 3.0])}
    plain, wide = Chance(**given), Chance(**given, **share)
    for level in (0.8, 0.9):
        for k in range(4):
            rate, variance, n, slack = (given[name][k] for name in ("rate", "variance", "known_n", "slack"))
            t = stats.t.ppf((1 + level) / 2, max(n - 1, 1))
            reach = t * math.sqrt(variance) / ((1 - rate) * -math.log(1 - rate))
            low, high = (1 - (1 - rate) ** math.exp(way * reach) for way in (-1, 1))
            assert plain.bounds(level)[0][k] == pytest.approx(low)
            assert plain.bounds(level)[1][k] == pytest.approx(min(high + slack, 1))
            assert wide.bounds(level)[0][k] == pytest.approx(low * share["least"][k])
            assert wide.bounds(level)[1][k] == pytest.approx(min(min(high + slack, 1) * share["most"][k], 1))
    assert plain.effective_n == pytest.approx(given["rate"] * (1 - given["rate"]) / given["variance"])


def test_deals_lost_before_the_age_do_not_matter_however_they_are_counted() -> None:
    """All losses by day 5, dated: those who are there later are a binomial sample, by the share won of either kind."""
    draw = np.random.default_rng(4)
    time, outcome = draw.integers(6, 60, 200), np.ones(200, int)
    time[:80], outcome[:80] = draw.integers(1, 6, 80), 2
    curve = incidence_undated(time, outcome, np.full(200, 90)).incidence
    assert curve.at_risk_rate[-1] != curve.open_rate[-1]
    found = Ahead(curve, None, [10, 30], 20).chance(20)
    for k, age in enumerate((10, 30)):
        there = time > age
        share = (there & (time <= age + 20)).sum() / there.sum()
        assert found.rate[k] == pytest.approx(share)
        assert found.variance[k] == pytest.approx(share * (1 - share) / there.sum())
    nobody_lost = np.where(outcome == 2, 0, outcome)
    one, other = (
        Ahead(curve, None, [0, 10, 30], 20).chance(20)
        for curve in (
            incidence_undated(time, nobody_lost, np.full(200, 90)).incidence,
            aalen_johansen(time, nobody_lost),
        )
    )
    np.testing.assert_allclose(one.rate, other.rate)
    np.testing.assert_allclose(one.variance, other.variance)
    np.testing.assert_allclose(one.known_n, other.known_n)


def test_undated_losses_bound_who_is_still_there() -> None:
    """At each age between 1 - won - most lost and 1 - won - least lost are there, and the chance is higher or lower."""
    known = curve(3, 120)
    least, most = 0.6 * known.rate[1], np.minimum(1.5 * known.rate[1], 1 - known.rate[0])
    ages = np.array([0, 15, 40])
    ahead = Ahead(replace(known, lost_bounds=(least, most)), None, ages, 20)
    found, plain = ahead.chance(20), Ahead(known, None, ages, 20).chance(20)
    read = known.at(ages)
    row = np.searchsorted(known.time, ages, side="right") - 1
    there = [1 - read.rate[0] - one[row] for one in (least, most)]
    assert found.least == pytest.approx(read.open_rate / there[0])
    assert found.most == pytest.approx(read.open_rate / there[1])
    assert (found.least[1:] < 1).all()
    assert (found.most[1:] > 1).all()
    np.testing.assert_allclose(found.rate, plain.rate)
    weights = np.array([[3.0, 1, 0], [0, 0, 2]])
    mean = ahead.chance(20, weight=[[1, 0, 0], [0, 1, 1]])
    assert mean.least == pytest.approx([found.least[0], found.least[1:].mean()])
    assert np.isnan(ahead.chance(20, lost=True).rate).all(), "when an undated loss fell is not known"
    assert np.isnan(ahead.chance(20, lost=True, weight=weights).rate).all()
    nobody = replace(known, lost_bounds=(least, 1 - known.rate[0]))
    assert (Ahead(nobody, None, ages, 20).chance(20).most[1:] == 1e9).all(), "perhaps nobody is there"


def test_clusters_widen_a_chance_as_they_widen_the_curve() -> None:
    plain = curve(4, 120)
    wider = np.linspace(1, 3, plain.time.size) * np.array([[1.0], [0.5]])
    ages = np.array([0.0, 12])
    found = Ahead(plain.widened(wider, 4.0), None, ages, 15).chance(15)
    alone = Ahead(plain, None, ages, 15).chance(15)
    row = np.searchsorted(plain.time, ages + 15, side="right") - 1
    assert found.variance == pytest.approx(alone.variance * wider[0, row])
    assert found.known_n == pytest.approx(np.minimum(alone.known_n, plain.n / 4))
    np.testing.assert_allclose(found.rate, alone.rate)


def test_what_is_read_beyond_the_end_of_either_curve_is_slack() -> None:
    """Of those still there at the age, the few that stay open at the end; of those that move on in time, the same."""
    time, kind = np.repeat([5, 8, 10], [30, 67, 3]), np.repeat([1, 2, 0], [30, 67, 3])
    found = Ahead(aalen_johansen(time, kind), None, [0, 5], 30)
    assert found.chance(30).slack == pytest.approx([3 / 100, 3 / 70])
    assert found.chance([30, 5]).slack == pytest.approx([3 / 100, 0])
    onward = aalen_johansen(np.repeat([5, 10], [97, 3]), np.repeat([1, 0], [97, 3]))
    moves = aalen_johansen([1] * 50 + [5] * 50, [1] * 100)
    slack = Ahead(moves, onward, [0, 1, 2], 30)
    assert slack.chance(12).slack == pytest.approx([0.015, 0.0, 0.0]), (
        "half moved on 11 days or more before the end"
    )
    assert slack.chance(15).slack == pytest.approx([0.015, 0.03, 0.03])
    assert slack.chance(16).slack == pytest.approx([0.03, 0.03, 0.03])
    assert slack.chance(10).slack == pytest.approx([0.0, 0.0, 0.0])


def test_deals_that_count_a_twentieth_leave_twenty_times_the_variance() -> None:
    time, outcome, _ = rows(5, 60, longest=30)
    later, ends, _ = rows(6, 40, longest=20, start=0)
    ages = np.array([0, 4, 10, 20])
    whole, part = (
        Ahead(
            aalen_johansen(time, outcome, np.full(60, weight), weighted=True),
            aalen_johansen(later, ends, np.full(40, weight), weighted=True),
            ages,
            8,
        ).chance(8)
        for weight in (1.0, 0.05)
    )
    np.testing.assert_allclose(part.rate, whole.rate)
    np.testing.assert_allclose(part.variance, 20 * whole.variance)
    np.testing.assert_allclose(part.known_n, whole.known_n / 20)
