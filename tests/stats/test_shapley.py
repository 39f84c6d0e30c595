"""Shapley's split: all orders by brute force, closed forms, exact sums."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from funnelnb.core.errors import ParameterError
from funnelnb.stats.totals.shapley import product_split, shapley_split


def over_all_orders(value, parts_n):
    found = np.zeros(parts_n)
    for order in itertools.permutations(range(parts_n)):
        after = np.zeros(parts_n, bool)
        last = value(after)
        for part in order:
            after[part] = True
            now = value(after)
            found[part] += now - last
            last = now
    return found / math.factorial(parts_n)


def test_it_is_the_mean_over_all_orders():
    rng = np.random.default_rng(3)
    worth = rng.normal(size=16)

    def value(after):
        return worth[int((after * [1, 2, 4, 8]).sum())]

    assert shapley_split(value, 4) == pytest.approx(over_all_orders(value, 4))


def test_two_factors_are_kitagawas():
    (n0, n1), (r0, r1) = (100, 130), (0.2, 0.15)
    volume, rate = product_split([n0, r0], [n1, r1])
    assert volume == pytest.approx((n1 - n0) * (r0 + r1) / 2)
    assert rate == pytest.approx((r1 - r0) * (n0 + n1) / 2)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 50), st.floats(0, 50)), min_size=1, max_size=6),
)
def test_the_parts_sum_to_the_change(pairs):
    before, after = zip(*pairs, strict=True)
    assert product_split(before, after).sum() == pytest.approx(math.prod(after) - math.prod(before), abs=1e-3)


def test_what_does_not_change_carries_nothing_and_alike_carry_alike():
    split = product_split([2.0, 3.0, 3.0], [2.0, 4.0, 4.0])
    assert split[0] == 0
    assert split[1] == pytest.approx(split[2])


def test_arrays_are_split_element_by_element():
    one = np.array([[1.0, 2.0], [3.0, 4.0]])
    two = np.array([[2.0, 2.0], [3.0, 5.0]])
    found = product_split(one, two)
    for k in range(2):
        assert found[:, k] == pytest.approx(product_split(one[:, k], two[:, k]))
    with pytest.raises(ParameterError):
        shapley_split(lambda _: np.array(0.0), 20)
