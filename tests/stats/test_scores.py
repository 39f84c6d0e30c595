"""CRPS, conformal widths and skill: closed forms, ranks by hand, coverage."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.special import ndtr, ndtri

from funnelnb.stats.forecast.scores import MOST_FACTOR, crps, misses, place, skill, widened, width_factor


def test_crps_of_a_normal_is_that_of_the_closed_form():
    draws = ndtri((np.arange(20_000) + 0.5) / 20_000)
    for y in (-1.0, 0.0, 2.0):
        density = np.exp(-y * y / 2) / np.sqrt(2 * np.pi)
        assert crps(draws, y) == pytest.approx(
            y * (2 * ndtr(y) - 1) + 2 * density - 1 / np.sqrt(np.pi), abs=1e-3
        )


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=30), st.floats(-100, 100))
def test_crps_is_the_double_sum(values, y):
    x = np.array(values)
    wanted = np.abs(x - y).mean() - np.abs(x[:, None] - x[None, :]).mean() / 2
    assert crps(x, y) == pytest.approx(wanted, abs=1e-8)


def test_the_conformal_rank_by_hand():
    """Nine scores: at 80 % the (9 + 1) x 0.8 = 8th, at 50 % the 5th, at 90 % the 9th smallest."""
    scores = np.arange(1, 10) / 4
    logs = [np.log(scores[k] / ndtri((1 + level) / 2)) for level, k in ((0.5, 4), (0.8, 7), (0.9, 8))]
    assert width_factor(list(ndtr(scores))) == pytest.approx(np.exp(np.mean(logs) * 9 / 19))


@pytest.mark.parametrize("truth", [0.6, 1.0, 1.8])
def test_ranges_of_the_wrong_width_are_mended(truth):
    """Forecasts are normal(0, 1), what comes normal(0, truth): with the factor 80 % ranges hold about 80 %."""
    rng = np.random.default_rng(5)
    bare = mended = 0
    for _ in range(2000):
        past = ndtr(truth * rng.standard_normal(40))
        z = abs(truth * rng.standard_normal())
        bare += z <= ndtri(0.9)
        mended += z <= ndtri(0.9) * width_factor(list(past))
    assert abs(mended / 2000 - 0.8) <= max(abs(bare / 2000 - 0.8), 0.03)
    assert abs(mended / 2000 - 0.8) < 0.09


def test_widening_keeps_the_mean_so_that_groups_add_up():
    rng = np.random.default_rng(6)
    groups = rng.normal(10, 1, (500, 3))
    wide = widened(groups, 2.0, np.full(3, -1e9))
    np.testing.assert_allclose(wide.sum(axis=1), widened(groups.sum(axis=1), 2.0, -1e9))
    assert widened(groups, 9.0, 5.0).min() == 5.0


def test_place_and_skill_by_hand():
    assert place([1, 2, 2, 3], 2) == 0.5
    found = skill([1, 1, 1, 1], [2, 3, 2, 3])
    assert (found.n, found.gain) == (4, 1.5)
    half = 2.353363 * np.std([1, 2, 1, 2], ddof=1) / 2
    assert found.ci_lower == pytest.approx(1.5 - half, abs=1e-5)
    assert np.isnan(skill([1, 1], [2, 2]).ci_lower) and skill([np.nan], [1]).n == 0


def test_misses_are_beside_what_was_promised():
    """The size is the level where misses are as tolerated; larger ones are found; the ratio is theirs."""
    rng = np.random.default_rng(8)
    right = [misses(list(ndtr(1.1 * rng.standard_normal(12))), 1.1).p for _ in range(2000)]
    assert (
        0.035 < np.mean(np.array(right) < 0.05) < 0.06
    )  # nothing counts as further out than one in a thousand
    wrong = [misses(list(ndtr(2.0 * rng.standard_normal(12))), 1.1) for _ in range(200)]
    assert np.mean([one.p < 0.002 for one in wrong]) > 0.5
    assert np.mean([one.ci_lower <= 1.8 <= one.ci_upper for one in wrong]) > 0.85
    assert misses([0.9] * 12).ratio == pytest.approx(ndtri(0.9))
    low, high = misses(list(ndtr(np.full(12, 1.5))), 1.0, 0.9).ci_lower, 1.5 * np.sqrt(12 / 21.02607)
    assert low == pytest.approx(high, rel=1e-5)  # 95 % quantile of chi-square with 12 degrees, from a table
    assert np.isnan(misses([]).p)


@pytest.mark.parametrize("level", [0.8, 0.9])
def test_bounds_of_misses_are_those_of_a_variance(level):
    """The sum of squares over chi-square quantiles; nothing counts as further out than one in a thousand."""
    places = [0.01, 0.3, 0.62, 0.9, 0.0, 1.0]
    z = stats.norm.ppf(np.clip(places, 1e-3, 1 - 1e-3))
    total = (z**2).sum()
    found = misses(places, 1.3, level)
    assert found.ratio == pytest.approx(np.sqrt(total / 6))
    for bound, tail in ((found.ci_lower, (1 + level) / 2), (found.ci_upper, (1 - level) / 2)):
        assert bound == pytest.approx(np.sqrt(total / stats.chi2.ppf(tail, 6)))
    assert found.p == pytest.approx(stats.chi2.sf(total / 1.69, 6))


@pytest.mark.parametrize(("n", "overlap"), [(3, 1), (2, 1), (6, 3), (5, 3), (9, 2), (6, 0)])
def test_skill_is_a_paired_t_of_as_many_periods_as_do_not_overlap(n, overlap):
    rng = np.random.default_rng(n)
    one, other = rng.uniform(1, 2, n), rng.uniform(1.5, 3, n)
    found = skill([*one, np.nan, 1.0], [*other, 1.0, np.nan], 0.8, overlap)
    gap, units = other - one, n / max(overlap, 1)
    assert (found.n, found.score, found.other_score) == pytest.approx((n, one.mean(), other.mean()))
    assert found.gain == pytest.approx(gap.mean())
    if n < 3 or units < 2:
        assert np.isnan([found.ci_lower, found.ci_upper]).all()
    else:
        half = stats.t.ppf(0.9, units - 1) * np.std(gap, ddof=1) / np.sqrt(units)
        assert (found.ci_lower, found.ci_upper) == pytest.approx((gap.mean() - half, gap.mean() + half))


def test_a_width_has_its_limits():
    assert width_factor([]) == 1.0
    one = ndtri(0.9) / ndtri(0.75)  # of one past period only the middle half has a rank: (1 + 1) / 2
    assert width_factor([0.9]) == pytest.approx(one ** (1 / 11))
    furthest = [np.log(ndtri(1 - 1e-4) / ndtri((1 + level) / 2)) for level in (0.5, 0.8, 0.9)]
    assert width_factor([1.0] * 400) == pytest.approx(np.exp(np.mean(furthest) * 400 / 410))
    assert width_factor([0.5] * 400) == pytest.approx(1 / MOST_FACTOR)
    assert widened(np.array([-2.0, 4.0]), 3.0).tolist() == [0.0, 10.0], "nothing below 0 unless told"
