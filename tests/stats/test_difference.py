"""Difference at a fixed day: agreement of test and interval, size, coverage."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from funnelnb.stats.curves.difference import incidence_difference
from funnelnb.stats.curves.incidence import aalen_johansen
from funnelnb.stats.rates.compare import newcombe


def floor(rng, size, share=0.5):
    win, lose, until = (
        rng.exponential(40 / share, size),
        rng.exponential(80, size),
        rng.uniform(20, 120, size),
    )
    time = np.ceil(np.minimum(np.minimum(win, lose), until))
    return aalen_johansen(time, np.where(until < np.minimum(win, lose), 0, np.where(win < lose, 1, 2)))


@given(st.integers(0, 10_000), st.floats(0.6, 0.98))
def test_interval_and_test_agree(seed, level):
    rng = np.random.default_rng(seed)
    first, second = floor(rng, 60, 0.8), floor(rng, 40, 0.4)
    found = incidence_difference(first, second, 20, confidence_level=level)
    if abs(found.p_value - (1 - level)) > 1e-9:
        assert (found.p_value < 1 - level) == (not found.ci_lower <= 0 <= found.ci_upper)
    mirrored = incidence_difference(second, first, 20, confidence_level=level)
    assert mirrored.ci_lower == pytest.approx(-found.ci_upper)
    assert mirrored.p_value == pytest.approx(found.p_value, abs=1e-9)


def test_size_and_coverage():
    """Both groups alike: nominal 10 % of 500 runs, and a known difference covered by 90 %."""
    rng = np.random.default_rng(9)
    truth = [
        (1 - np.exp(-25 * (share / 40 + 1 / 80))) * (share / 40) / (share / 40 + 1 / 80)
        for share in (0.8, 0.4)
    ]
    rejected, covered = 0, 0
    for _ in range(500):
        one, other, third = floor(rng, 50, 0.8), floor(rng, 50, 0.8), floor(rng, 70, 0.4)
        rejected += incidence_difference(one, other, 25).p_value < 0.10
        found = incidence_difference(one, third, 25)
        covered += found.ci_lower <= truth[0] - truth[1] <= found.ci_upper
    assert rejected / 500 == pytest.approx(0.10, abs=4 * np.sqrt(0.09 / 500))
    assert covered / 500 == pytest.approx(0.90, abs=4 * np.sqrt(0.09 / 500))


def test_without_open_deals_it_is_close_to_newcombe():
    first = aalen_johansen([1] * 100, [1] * 30 + [2] * 70)
    second = aalen_johansen([1] * 80, [1] * 40 + [2] * 40)
    found = incidence_difference(first, second, 1)
    lower, upper = newcombe(30, 100, 40, 80)
    assert found.difference == pytest.approx(-0.2)
    assert found.ci_lower == pytest.approx(float(lower), abs=0.005)
    assert found.ci_upper == pytest.approx(float(upper), abs=0.005)


def test_no_difference_and_no_knowledge():
    one = aalen_johansen([5, 8, 9], [1, 2, 0])
    same = incidence_difference(one, one, 8)
    assert (same.difference, same.p_value) == (0, 1)
    beyond = incidence_difference(one, one, 30)
    assert np.isnan([beyond.difference, beyond.ci_lower, beyond.p_value]).all()
    none = incidence_difference(one, one, 2)
    assert none.difference == 0
    assert none.ci_upper > 0.3, "none of three is not known to be none"


def test_a_group_that_nobody_watches_says_nothing():
    """All came under observation after the day asked for: any share is possible there. It used to divide 0 by 0."""
    known = aalen_johansen([1, 2, 3, 4], [1, 1, 0, 1])
    late = aalen_johansen([5, 9], [0, 0], entry=[2, 2])
    for first, second in ((known, late), (late, known)):
        found = incidence_difference(first, second, 2)
        assert abs(found.difference) == 0.5
        assert found.ci_lower < 0 < found.ci_upper
        assert found.p_value == pytest.approx(1)


def test_a_group_that_all_went_on_and_is_watched_no_more_is_compared() -> None:
    """Rate 1 with nobody at risk at the day asked for: bounds, and a p-value that agrees with them."""
    everybody = aalen_johansen([1.0, 2.0, 3.0], [1, 1, 1], n=[5, 5, 5])
    others = aalen_johansen([1.0, 2.0, 9.0], [1, 2, 0], n=[5, 5, 5])
    for one, other in ((everybody, others), (others, everybody)):
        found = incidence_difference(one, other, time=5.0)
        assert found.ci_lower <= found.difference <= found.ci_upper
        assert (found.p_value < 0.1) == (found.ci_lower > 0 or found.ci_upper < 0)
