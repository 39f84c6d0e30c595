"""Coming months: against conditioning by hand, and coverage with known law."""

import numpy as np
import pytest

from funnelnb.stats.forecast.months import LEVEL_SD, _conditioned, _grid, _kernel, coming_months


def test_conditioning_is_that_of_a_normal_by_hand():
    """Two past months and one coming: level, walk and shock; inverted by hand."""
    grid = np.array([[0.2, 0.1, 0.0, 0.0, 0.0]])
    kernel = _kernel(grid, np.arange(3.0))
    level, walk, shock = LEVEL_SD**2, 0.01, 0.04
    want = level + walk * np.minimum.outer(np.arange(3), np.arange(3)) + shock * np.eye(3)
    np.testing.assert_allclose(kernel[0], want)
    noise, z = np.diag([0.1, 0.2]), np.array([0.3, -0.1])
    seen = want[:2, :2] + noise
    centre, root, _ = _conditioned(seen[None], want[None, 2:, :2], want[None, 2:, 2:], z)
    inverse = np.linalg.inv(seen)
    np.testing.assert_allclose(centre[0], want[2:, :2] @ inverse @ z)
    left = want[2:, 2:] - want[2:, :2] @ inverse @ want[:2, 2:]
    np.testing.assert_allclose(root[0] @ root[0].T, left, rtol=1e-6)


def test_priors_add_to_something_and_no_season_is_sought_in_a_year():
    assert not _grid(12)[0][:, 2].any() and _grid(24)[0][:, 2].any()
    assert not _grid(3)[0][:, 4].any() and _grid(12)[0][:, 4].any()


@pytest.mark.parametrize(("shock", "trend"), [(0.0, 0.0), (0.3, 0.0), (0.0, 0.03)])
def test_ranges_of_the_next_month_hold_what_they_promise(shock, trend):
    rng = np.random.default_rng(7)
    hits, runs = 0, 300
    for _ in range(runs):
        log = trend * np.arange(25) + shock * rng.standard_normal(25)
        count = rng.poisson(60 * np.exp(log))
        found = coming_months(count[:24], np.full(24, 60.0), 1, 400, rng)
        drawn = rng.poisson(found.factor[:, 0] * 60)
        hits += np.quantile(drawn, 0.1) <= count[24] <= np.quantile(drawn, 0.9)
    assert 0.74 < hits / runs < 0.88  # 80 % promised; three standard errors of 300 runs, and whole numbers


def test_a_quarter_rhythm_is_found_and_carried_on():
    rhythm = np.tile([0.6, 1.0, 1.4], 5)
    found = coming_months(np.round(300 * rhythm), np.full(15, 300.0), 3, 2000, np.random.default_rng(1))
    assert found.quarter > 0.9
    np.testing.assert_allclose(found.factor.mean(axis=0), [0.6, 1.0, 1.4], atol=0.12)


def test_nothing_known_is_wide_and_few_counts_do_not_lean():
    found = coming_months([], [], 2, 500, np.random.default_rng(1))
    assert found.months_n == 0 and np.std(np.log(found.factor)) > 0.4
    rng = np.random.default_rng(3)
    means = [
        coming_months(rng.poisson(4, 24), np.full(24, 4.0), 1, 200, rng).factor.mean() for _ in range(150)
    ]
    assert abs(np.mean(means) - 1) < 0.05
