"""Leads for wins: closed forms, simulation, and the golden reverse funnel."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from funnelnb.core.errors import ParameterError
from funnelnb.stats.totals import assurance

STEPS = ([30, 18, 9], [120, 30, 18])


def test_the_reverse_funnel_of_the_case():
    assert assurance.in_turn(38, [0.25, 0.50, 0.75]) == (408, 102, 51, 38)


def test_rounding_up_is_not_fooled_by_binary_fractions():
    assert assurance.in_turn(3, [0.1]) == (30, 3)
    assert assurance.in_turn(21, [0.7, 0.3]) == (100, 70, 21)
    assert assurance.in_turn(0, [0.5]) == (0, 0)


@pytest.mark.parametrize(("leads", "chance"), [(267, 0.49), (360, 0.77), (400, 0.84), (460, 0.91)])
def test_the_anchors_of_three_steps(leads, chance):
    assert assurance.step_chance(*STEPS, 20, leads) == pytest.approx(chance, abs=0.005)


def test_one_step_is_the_beta_binomial():
    chance = assurance.step_chances([7], [40], 5, 200)
    closed = stats.betabinom.sf(4, np.arange(201), 7.5, 33.5)
    np.testing.assert_allclose(chance, closed, atol=1e-10)


def test_certain_steps_change_nothing():
    plain = assurance.step_chances([7], [40], 5, 90)
    with_certain = assurance.step_chances([7, 10**9], [40, 10**9], 5, 90)
    np.testing.assert_allclose(plain, with_certain, atol=1e-6)


def test_simulation_cannot_tell_the_difference():
    rng = np.random.default_rng(5)
    rate = np.prod([rng.beta(k + 0.5, n - k + 0.5, 400_000) for k, n in zip(*STEPS, strict=True)], axis=0)
    for leads in (267, 400):
        share = np.mean(rng.binomial(leads, rate) >= 20)
        assert abs(assurance.step_chance(*STEPS, 20, leads) - share) < 4 * np.sqrt(0.25 / 400_000)


@pytest.mark.parametrize(("k", "n", "wins"), [(*STEPS, 20), ([0, 3], [5, 20], 5), ([45, 9], [50, 10], 300)])
def test_the_lattice_of_log_rates_agrees_with_the_exact_recursion(k, n, wins):
    rates = assurance._product_rate(*assurance._posterior(k, n))
    exact = assurance.step_chances(k, n, wins, 1000)
    for leads in (wins, 267, 400, 1000):
        assert assurance._at_rates(*rates, wins, leads) == pytest.approx(exact[leads], abs=1e-4)


@pytest.mark.parametrize("wins", [1, 20, 200])
@pytest.mark.parametrize("level", [0.5, 0.8, 0.95])
def test_the_required_number_is_the_smallest_that_does(wins, level):
    leads = assurance.required_leads(*STEPS, wins, level)
    slack = 0 if leads <= assurance.EXACT_MOST else 1e-9
    assert assurance.step_chance(*STEPS, wins, leads) >= level - slack
    assert assurance.step_chance(*STEPS, wins, leads - 1) < level


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(1, 30)), min_size=1, max_size=3),
    st.integers(1, 15),
)
def test_more_leads_better_rates_and_fewer_wins_never_hurt(steps, wins):
    k, n = [k for k, _ in steps], [k + rest for k, rest in steps]
    base = assurance.step_chances(k, n, wins, 120)
    assert np.all(np.diff(base) >= 0)
    better = assurance.step_chances([one + 1 for one in k], [one + 1 for one in n], wins, 120)
    assert np.all(better >= base - 1e-12)
    assert np.all(assurance.step_chances(k, n, wins - 1, 120) >= base - 1e-12)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: assurance.in_turn(5, [0.5, 0.0]), r"rates\[1\] = 0"),
        (lambda: assurance.in_turn(5, [1.2]), r"rates\[0\] = 1.2"),
        (lambda: assurance.in_turn(-5, [0.2]), "wins = -5"),
        (lambda: assurance.step_chance([5], [3], 1, 1), "k = 5 of n = 3"),
        (lambda: assurance.required_leads(*STEPS, 5, 1.0), "assurance = 1"),
        (lambda: assurance.required_leads([0, 0, 0], [2, 2, 2], 10_000, 0.99), "even"),
    ],
)
def test_bad_input_is_named(call, says):
    with pytest.raises(ParameterError, match=says):
        call()
