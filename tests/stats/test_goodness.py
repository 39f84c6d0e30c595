"""Goodness of fit with open deals: power, determinism, limits; size is in docs/methods.md."""

import inspect

import numpy as np
import pytest

from funnelnb.core.errors import ParameterError
from funnelnb.stats.curves.survival import kaplan_meier
from funnelnb.stats.lifetime import goodness as module
from funnelnb.stats.lifetime.fit import fit, observed
from funnelnb.stats.lifetime.goodness import Effort, Sample, bootstrap, bootstrap_test, quantile_points
from tests.stats.reference import reference


def sample(seed, size=150, late=False):
    rng = np.random.default_rng(seed)
    created = rng.uniform(-60 if late else 0, 150, size)
    time = rng.weibull(1.6, size) * 40
    entry, age = np.maximum(0, -created), 160 - created
    seen = time > entry
    return np.minimum(time, age)[seen], (time <= age)[seen], entry[seen], age[seen]


@pytest.mark.parametrize("late", [False, True])
def test_a_wrong_family_is_refuted_and_the_right_one_is_not(late):
    time, event, entry, age = sample(1, 250, late)
    known = observed(time, event, entry=entry)
    wrong = bootstrap_test(time, event, fit(known, "exponential"), entry=entry, limit=age, runs=39)
    right = bootstrap_test(time, event, fit(known, "weibull"), entry=entry, limit=age, runs=39)
    assert wrong.p_value == 1 / 40
    assert right.p_value > 0.1
    assert wrong.distance > right.distance
    assert (right.runs, right.n) == (39, time.size)


def test_the_published_simulation_keeps_right_families_as_often_as_it_should():
    rows = reference("coverage").query("interval.str.startswith('goodness')")
    right = rows[rows.interval.str.endswith("right family kept")].coverage
    assert len(right) == 2
    assert right.between(0.9 - 4 * np.sqrt(0.09 / 200), 0.9 + 4 * np.sqrt(0.09 / 200)).all()
    assert (rows[~rows.index.isin(right.index)].coverage < 0.5).all()


def test_equal_input_gives_equal_p_and_counts_are_rows():
    time, event, _, _ = sample(2)
    time = np.ceil(time)
    found = fit(observed(time, event), "weibull")
    one = bootstrap_test(time, event, found, runs=19)
    assert one == bootstrap_test(time, event, found, runs=19)
    cells, counts = np.unique(np.stack((time, event)), axis=1, return_counts=True)
    counted = bootstrap_test(cells[0], cells[1], found, n=counts, runs=19)
    assert counted.distance == pytest.approx(one.distance)


def test_days_rounded_down_fit_as_well_as_the_times_they_came_from():
    time, event, _, age = sample(3, 300)
    days, limits = np.floor(time / 10) * 10, np.maximum(age, np.floor(time / 10) * 10)
    found = fit(observed(days, event, rounded=10.0), "weibull")
    assert bootstrap_test(days, event, found, limit=limits, rounded=10.0, runs=39).p_value > 0.05
    careless = fit(observed(days, event, same_day=10.0), "weibull")
    assert bootstrap_test(days, event, careless, limit=limits, runs=39).p_value < 0.05


def test_what_cannot_be_tested_is_undefined():
    refused = fit(observed([3, 4], [0, 0]), "weibull")
    assert np.isnan(bootstrap_test([3, 4], [0, 0], refused).p_value)
    time, event, _, age = sample(4)
    with pytest.raises(ParameterError, match="after its limit"):
        bootstrap_test(time, event, fit(observed(time, event)), limit=age - 50)


def test_quantile_points_lie_on_the_line_when_the_fit_is_the_truth():
    time = -np.log1p(-(np.arange(1, 200) - 0.5) / 199) * 30
    found = fit(observed(time, np.ones(199)), "exponential")
    points = quantile_points(kaplan_meier(time, np.ones(199)), found)
    np.testing.assert_allclose(points.fitted_time, points.time * found.estimate[0] / 30, rtol=1e-6)
    never = fit(
        observed(np.r_[time, np.full(150, 900.0)], np.r_[np.ones(199), np.zeros(150)]),
        "exponential",
        never=True,
    )
    assert never.refusal == ""
    assert never.quantile(0.7).value[0] == np.inf


def test_a_part_of_many_is_compared_with_its_own_fit():
    """With the fit to all deals the distance of the part would be that of a fit without free parameters."""
    refuted = 0
    for seed in range(20):
        time, event, _, age = sample(seed, 3000)
        found = fit(observed(time, event), "weibull")
        tested = bootstrap(
            Sample(time=time, event=event, limit=age), found, Effort(runs=19, seed=seed, most=150)
        )
        assert tested.n == 150
        refuted += tested.p_value <= 0.05
    assert refuted <= 4, "the right family, refuted at 5 %"


def test_stopping_early_leaves_the_answer_at_five_per_cent_as_it_is():
    for seed, family in ((5, "weibull"), (6, "lognormal"), (7, "exponential"), (8, "loglogistic")):
        time, event, _, age = sample(seed, 120)
        known, found = Sample(time=time, event=event, limit=age), fit(observed(time, event), family)
        whole, short = (
            bootstrap(known, found, Effort(runs=99)),
            bootstrap(known, found, Effort(runs=99, enough=5)),
        )
        assert (whole.p_value <= 0.05) == (short.p_value <= 0.05)
        assert short.runs <= whole.runs
        if short.runs < whole.runs:
            assert short.p_value == 5 / short.runs


@pytest.mark.parametrize("family", ["gamma", "generalised_gamma"])
def test_gamma_families_draw_what_they_say(family):
    time, event, _, _ = sample(9, 400)
    found = fit(
        observed(np.r_[time, np.zeros(60)], np.r_[event, np.ones(60)], same_day=None), family, at_once=True
    )
    drawn = found.draw(np.random.default_rng(3), 40_000)
    for age in (0.0, 5.0, 30.0, 80.0):
        assert (drawn <= age).mean() == pytest.approx(found.finished(age).value[0], abs=0.008)


def test_how_many_sets_are_drawn_unless_told() -> None:
    """So many that the smallest p is 1 in 200: 199 and the data themselves."""
    assert (Effort().runs + 1, Effort().enough) == (200, None)
    assert inspect.signature(bootstrap_test).parameters["runs"].default == 199


@pytest.mark.parametrize(("rounded", "same_day"), [(None, None), (None, 1.0), (10.0, 1.0)])
def test_the_distance_by_hand(rounded, same_day):
    """n times the squared gaps between the middles of the steps of Kaplan-Meier and the fit, weighed by the steps."""
    rng = np.random.default_rng(2)
    days = np.floor(rng.weibull(1.3, 80) * 40)
    days = np.floor(days / 10) * 10 if rounded else np.maximum(days, 0 if same_day else 1)
    days[:2] = 0 if same_day else 1
    event = rng.random(80) < 0.7
    event[:2] = True
    how = {"rounded": rounded, "same_day": same_day}
    found = fit(observed(days, event, **how), "weibull")
    assert found.refusal == ""
    curve = kaplan_meier(days, event)
    total, before = 0.0, 1.0
    for day, still, d in zip(curve.time, curve.survival, curve.event_n, strict=True):
        if d:
            middle = 1 - (before + still) / 2
            if day == 0:
                fitted = found.finished_share(np.array([rounded or same_day]))[0] / 2
            elif rounded:
                fitted = found.finished_share(np.array([day, day + rounded])).mean()
            else:
                fitted = found.finished_share(np.array([day]))[0]
            total += (before - still) * (middle - fitted) ** 2
        before = still
    assert module._distance(days, event, np.zeros(80), found, how) == pytest.approx(80 * total)


def test_limits_that_are_not_given_are_drawn_from_when_others_were_censored():
    """Of those that finished by day 10 a third each would have been censored on day 20, day 30, or never."""
    times = np.r_[np.full(3_000, 10.0), np.full(2, 20.0), np.full(2, 30.0), np.full(2, 40.0)]
    events = np.r_[np.ones(3_000, bool), [False] * 4, [True] * 2]
    limits = module._limits(times, events, np.arange(times.size), None, np.random.default_rng(3))
    assert limits[3_000:3_004].tolist() == [20.0, 20, 30, 30]
    shares = [(limits[:3_000] == day).mean() for day in (20.0, 30.0, np.inf)]
    np.testing.assert_allclose(shares, 1 / 3, atol=0.04)
    assert (limits[3_004:] == np.inf).all()
    some = np.array([3_003, 0])
    assert module._limits(times, events, some, times + 5, np.random.default_rng(3)).tolist() == [35.0, 15.0]


@pytest.mark.parametrize(("down", "wanted"), [(True, [0, 0, 10, 12]), (False, [0, 10, 20, 12])])
def test_drawn_times_are_rounded_as_the_data_and_cut_at_their_limits(down, wanted):
    class Drawn:
        def draw(self, rng, size, entry):
            return np.array([3.0, 7, 18, 44, 6])

    limits, entries = np.array([90.0, 90, 90, 12, 90]), np.array([0.0, 0, 0, 0, 9])
    times, finished, entered = module._drawn(Drawn(), limits, entries, 10.0, down, np.random.default_rng(1))
    seen = (
        [*wanted] if down else [*wanted, 10]
    )  # rounded up to 10 it lies after its entry, rounded down before it
    assert times.tolist() == seen
    assert finished.tolist() == [True, True, True, False, True][: len(seen)]
    assert entered.tolist() == [0, 0, 0, 0, 9][: len(seen)]


def test_what_is_drawn_beside_whole_days_is_whole_and_beside_others_is_not(monkeypatch):
    seen = []
    drawn = module._drawn

    def remembered(*given):
        seen.append(drawn(*given))
        return seen[-1]

    monkeypatch.setattr(module, "_drawn", remembered)
    time, event, _, _ = sample(2)
    for times, whole in ((np.ceil(time), True), (time, False)):
        seen.clear()
        bootstrap_test(times, event, fit(observed(times, event), "weibull"), runs=3)
        every = np.concatenate([one[0][one[1]] for one in seen])
        assert every.size
        assert bool((every == np.rint(every)).all()) is whole
