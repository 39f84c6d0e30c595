"""The total of open deals and deals yet to come: every way they can end, plain convolution, levels as a mixture."""

from itertools import product

import numpy as np
import pytest
from scipy import stats

from funnelnb.core.errors import ParameterError
from funnelnb.stats.totals.compound import chance_of_n, chance_on
from funnelnb.stats.totals.portfolio import _lattice, portfolio
from funnelnb.stats.totals.size import between, points

SIZES = [points([3.0]), points([5.0, 10.0], [2, 1])]
OPEN = [(0, [0.2, 0.7]), (1, [0.4, 0.9])]


def enumerated(target):
    """Chance of the target, summed over every way in which the four open deals can end."""
    ends = [[(0.0, 1 - p), (3.0, p)] for p in OPEN[0][1]]
    ends += [[(0.0, 1 - p), (5.0, p * 2 / 3), (10.0, p / 3)] for p in OPEN[1][1]]
    found = 0.0
    for way in product(*ends):
        if sum(amount for amount, _ in way) >= target:
            found += float(np.prod([p for _, p in way]))
    return found


def together(deals, arrivals=(), target=8.0, **more):
    return portfolio(SIZES, deals, arrivals, target, 60.0, **more)


@pytest.mark.parametrize("target", [3.0, 8.0, 11.0, 23.0])
def test_open_deals_agree_with_every_way_they_can_end(target):
    _, _, found, alone = together(OPEN, target=target)
    assert found == alone
    assert found.value == pytest.approx(enumerated(target), abs=1e-9)


@pytest.mark.parametrize(
    ("shape", "law"),
    [(np.inf, stats.poisson(1.8)), (2.5, stats.nbinom(2.5, 2.5 / (2.5 + 1.8)))],
)
def test_deals_yet_to_come_agree_with_plain_convolution(shape, law):
    _, _, found, alone = together(OPEN, [(0, 1.8, shape)])
    truth = sum(law.pmf(k) * enumerated(8.0 - 3.0 * k) for k in range(40))
    assert found.value == pytest.approx(truth, abs=1e-9)
    assert alone.value == pytest.approx(enumerated(8.0), abs=1e-9)


def test_chances_that_move_together_are_a_mixture_of_levels():
    low, high = [(0, [0.1, 0.5])], [(0, [0.6, 0.9])]
    both = [(0, np.array([low[0][1], high[0][1]]))]
    parts = [together(one, target=6.0)[2].value for one in (low, high)]
    mixed = together(both, target=6.0, level_weight=[0.25, 0.75])[2].value
    assert mixed == pytest.approx(0.25 * parts[0] + 0.75 * parts[1], abs=1e-9)


def test_the_layout_holds_the_chance_and_leaves_out_what_lies_beyond():
    total, probability, found, _ = together(OPEN, [(1, 0.7, np.inf)])
    assert probability[total < 8.0 - 1e-9].sum() == pytest.approx(1 - found.value, abs=1e-9)
    assert 0.999 < probability.sum() < 1


def test_even_amounts_agree_with_the_sum_of_n_deals():
    size = between(10, 50)
    _, _, found, _ = portfolio([size], [(0, np.full(12, 0.3))], [], 100.0, 700.0)
    other = chance_of_n(size.with_chance(0.3), 12, 100.0)
    assert found.value == pytest.approx(other.value, abs=found.error + other.error)
    assert found.error < 0.01


@pytest.mark.parametrize("given", [{"target": 0.0, "upto": 5.0}, {"target": 5.0, "upto": -1.0}])
def test_bad_input(given):
    with pytest.raises(ParameterError, match=r"= (0|-1)"):
        portfolio(SIZES, OPEN, [], **given)


def test_the_layout_reaches_just_to_what_was_asked_for_and_has_the_mean():
    """Amounts of whole numbers: a lattice of ones from 0 to 60; the masses are those of plain convolution."""
    total, probability, _, _ = together(OPEN)
    np.testing.assert_allclose(total, np.arange(61))
    plain = np.ones(1)
    for rate in OPEN[0][1]:
        plain = np.convolve(plain, [1 - rate, 0, 0, rate])
    for rate in OPEN[1][1]:
        plain = np.convolve(plain, [1 - rate, 0, 0, 0, 0, rate * 2 / 3, 0, 0, 0, 0, rate / 3])
    np.testing.assert_allclose(probability[: plain.size], plain, atol=1e-9)
    assert total @ probability == pytest.approx(3 * 0.9 + 20 / 3 * 1.3)


def test_many_equal_chances_are_a_binomial_and_many_unequal_ones_a_convolution():
    """More than one block of different chances, some of them several times."""
    rates = np.r_[np.full(40, 0.3), np.linspace(0.01, 0.6, 90), np.full(3, 0.5)]
    plain = np.ones(1)
    for rate in rates:
        plain = np.convolve(plain, [1 - rate, rate])
    total, probability, found, alone = portfolio([points([1.0])], [(0, rates)], [], 45.0, 133.0)
    np.testing.assert_allclose(total, np.arange(134))
    np.testing.assert_allclose(probability, plain, atol=1e-9)
    assert found.value == alone.value == pytest.approx(plain[45:].sum(), abs=1e-9)


@pytest.mark.parametrize("points_too", [False, True])
def test_the_error_holds_against_a_finer_lattice(points_too):
    """Even amounts, and some that lie off the lattice: what the error says bounds what ten times the cells change."""
    size = between(10, 50)
    sizes = [size, points([np.pi, 7 * np.sqrt(2)])] if points_too else [size]
    deals = [(k, np.full(6, 0.4)) for k in range(len(sizes))]
    arrivals = [(0, 2.0, np.inf)]
    coarse, fine = (portfolio(sizes, deals, arrivals, 100.0, 700.0, cells=cells)[2] for cells in (256, 4096))
    assert abs(coarse.value - fine.value) <= coarse.error + fine.error
    assert max(fine.error, coarse.error) < 0.005
    n = sum(float(np.sum(chance)) for _, chance in deals) + 2.0
    lattice = _lattice(sizes, 100.0, 700.0, 256)
    loose = 2.4 if points_too else 0.0  # the deals of single amounts, of which 0.4 times 6 are won
    mass = portfolio(sizes, deals, arrivals, 100.0, 700.0, cells=256)[1]
    wanted = chance_on(mass[None], lattice, np.array([n]), np.array([loose]))[1][0]
    assert coarse.error == pytest.approx(wanted, rel=0.005)
