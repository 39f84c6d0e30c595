"""The total of open deals and deals yet to come: every way they can end, plain convolution, levels as a mixture."""

from itertools import product

import numpy as np
import pytest
from scipy import stats

from funnelnb.core.errors import ParameterError
from funnelnb.stats.totals.compound import chance_of_n
from funnelnb.stats.totals.portfolio import portfolio
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
