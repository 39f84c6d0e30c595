"""Chances by age: against a loop over all pairs of ages, and counts by hand."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from funnelnb.stats.forecast.ages import curves, drawn, risk, within

HAZARDS = st.lists(st.tuples(st.floats(0, 0.5), st.floats(0, 0.5)), min_size=2, max_size=12)


def by_loop(still, at, later, steps):
    found = []
    for a in range(len(at)):
        total = 0.0
        for j in range(1, steps + 1):
            if a + j < len(at):
                then = 1.0 if later is None else later[min(steps - j, len(later) - 1)]
                total += at[a + j] * then
        found.append(min(total / still[a], 1.0) if still[a] > 1e-9 else 0.0)
    return np.array(found)


@settings(max_examples=80, deadline=None)
@given(HAZARDS, HAZARDS, st.integers(0, 11))
def test_chances_are_the_sum_over_all_pairs_of_ages(first, second, steps):
    size = min(len(first), len(second))
    steps = min(steps, size)
    still, at = curves(*(np.array([[pair[k] for pair in first[:size]]]) for k in (0, 1)))
    _, won = curves(*(np.array([[pair[k] for pair in second[:size]]]) for k in (0, 1)))
    later = np.cumsum(won, axis=1)
    np.testing.assert_allclose(
        within(still, at, later, steps)[0], by_loop(still[0], at[0], later[0], steps), atol=1e-9
    )
    np.testing.assert_allclose(
        within(still, at, None, steps)[0], by_loop(still[0], at[0], None, steps), atol=1e-9
    )


def test_counts_at_risk_by_hand_with_late_entry_and_old_ages():
    found = risk([0, 0, 1, 3], [2, 0, 5, 1], [1, 2, 0, 1], size=4)
    assert found.at_risk.tolist() == [2, 2, 2, 1]  # the last was never seen, the third is pooled at the end
    assert found.won.tolist() == [0, 0, 1, 0] and found.lost.tolist() == [1, 0, 0, 0]


def test_weights_stand_for_deals():
    single = risk([0, 0, 0], [1, 2, 2], [1, 0, 2], size=3)
    double = risk([0, 0], [1, 2], [1, 2], size=3, weight=[1, 1])
    assert (single.won == double.won).all() and single.at_risk[2] == 2


def test_draws_of_the_curves_have_the_measured_mean_and_gamma_spread():
    found = risk(
        np.zeros(100), np.r_[np.full(20, 1), np.full(80, 2)], np.r_[np.ones(20), np.zeros(80)], size=3
    )
    won, lost = drawn(found, 4000, np.random.default_rng(1))
    assert won[0, 1] == 0.2 and not lost.any() and not won[:, 0].any()
    assert abs(won[:, 1].mean() - 0.2) < 0.003 and abs(won[:, 1].std() - np.sqrt(20) / 100) < 0.003


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 9))
def test_counts_at_risk_are_those_of_a_loop(seed, size):
    rng = np.random.default_rng(seed)
    entry, end, way = rng.integers(0, 12, 25), rng.integers(0, 12, 25), rng.integers(0, 3, 25)
    weight = rng.integers(1, 4, 25)
    found = risk(entry, end, way, size, weight)
    there, left = np.zeros(size), np.zeros((3, size))
    for first, last, code, n in zip(entry, end, way, weight, strict=True):
        if last >= first:
            there[min(first, size - 1) : min(last, size - 1) + 1] += n
            left[code, min(last, size - 1)] += n
    np.testing.assert_array_equal(found.at_risk, there)
    np.testing.assert_array_equal([found.won, found.lost], left[1:])
    assert found.n == left[1:].sum()


def test_hazards_never_add_to_more_than_one():
    """All of three leave at age 1, either way: the gamma draws exceed their number half of the time."""
    won, lost = drawn(risk([0] * 3, [1] * 3, [1, 2, 1], size=2), 500, np.random.default_rng(2))
    total = won + lost
    assert total.max() == 1.0 or np.isclose(total.max(), 1.0)
    assert 0.3 < (total[:, 1] < 0.999).mean() < 0.8
    assert (won[0, 1], lost[0, 1]) == (2 / 3, 1 / 3)
    still, at = curves(won[:1], lost[:1])
    np.testing.assert_allclose(still, [[1.0, 0.0]], atol=1e-12)
    np.testing.assert_allclose(at, [[0.0, 2 / 3]])
    assert within(still, at, None, 0).tolist() == [[0.0, 0.0]]
    assert within(still, at, None, 1)[0].tolist() == [2 / 3, 0.0]
    assert within(still, at, None, 9)[0].tolist() == [2 / 3, 0.0]
