"""Coming months: against conditioning by hand, and coverage with known law."""

import numpy as np
import pytest
from scipy import stats

from funnelnb.stats.forecast import months
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


def test_each_prior_adds_to_one_and_few_months_lie_between_the_two():
    """Weights of shock, drift, slope and season, by the number of months: none, half of a year, a year and more."""
    for prior in (months.SHOCK_PRIOR, months.DRIFT_PRIOR, months.SLOPE_PRIOR, [months.SEASON_PRIOR]):
        np.testing.assert_allclose(np.sum(prior, axis=1), 1)
    for m, few in ((0, 1.0), (3, 0.75), (6, 0.5), (12, 0.0), (30, 0.0)):
        grid, log = _grid(m)
        seasons = (0.0, 0.2) if m >= 18 else (0.0,)
        quarters = (0.0, 0.25) if m >= 4 else (0.0,)
        assert len(grid) == 6 * 4 * 2 * len(seasons) * len(quarters)
        for (shock, drift, season, slope, quarter), found in list(zip(grid, log, strict=True))[::7]:
            assert season in seasons and quarter in quarters
            wanted = 0.8 if season == 0 else 0.2
            for value, values, prior in (
                (shock, (0, 0.06, 0.12, 0.2, 0.35, 0.6), months.SHOCK_PRIOR),
                (drift, (0, 0.02, 0.06, 0.18), months.DRIFT_PRIOR),
                (slope, (0, 0.02), months.SLOPE_PRIOR),
            ):
                place = values.index(value)
                wanted *= (1 - few) * prior[0][place] + few * prior[1][place]
            assert np.exp(found) == pytest.approx(wanted)


def test_every_part_of_the_covariance_by_hand():
    grid, place = np.array([[0.3, 0.1, 0.2, 0.02, 0.25]]), np.arange(14.0)
    kernel = _kernel(grid, place)[0]
    for i, j in ((0, 0), (0, 12), (3, 9), (5, 6), (2, 13), (13, 13)):
        turn = 2 * np.pi * (i - j) / 12
        wanted = 4 + 0.3**2 * (i == j) + 0.1**2 * min(i, j)
        wanted += 0.2**2 * (np.cos(turn) + np.cos(2 * turn) / 2)
        wanted += 0.02**2 * (i - 6.5) * (j - 6.5) + 0.25**2 * np.cos(2 * np.pi * (i - j) / 3)
        assert kernel[i, j] == pytest.approx(wanted)


def test_draws_are_those_of_the_mixture_worked_out_one_by_one():
    """Mean and variance of the log of two coming months, and what is said of shock, drift and season."""
    rng = np.random.default_rng(4)
    expected = rng.uniform(5, 40, 20)
    expected[[3, 11]] = 0.49, 0.0  # hardly anything expected: says nothing
    count = rng.poisson(expected * np.exp(0.3 * rng.standard_normal(20)))
    found = coming_months(count, expected, 2, 40_000, np.random.default_rng(5))
    told = np.flatnonzero(expected >= 0.5)
    assert found.months_n == told.size == 18
    mean = (count[told].sum() + 0.5) / (expected[told].sum() + 0.5)
    z = np.log((count[told] + 0.5) / (mean * expected[told]))
    grid, prior = _grid(18)
    weights, centres, spreads = [], [], []
    for row, kernel in zip(prior, _kernel(grid, np.arange(22.0)), strict=True):
        seen = kernel[np.ix_(told, told)] + np.diag(1 / np.maximum(mean * expected[told], 0.5))
        weights.append(row + stats.multivariate_normal.logpdf(z, cov=seen))
        pull = kernel[20:, told] @ np.linalg.inv(seen)
        centres.append(pull @ z)
        spreads.append(kernel[20:, 20:] - pull @ kernel[told, 20:])
    weight = np.exp(np.array(weights) - max(weights))
    weight /= weight.sum()
    centre = weight @ np.array(centres)
    second = np.einsum("g,gij->ij", weight, np.array(spreads) + np.einsum("gi,gj->gij", centres, centres))
    log = np.log(found.factor / mean)
    covariance = second - np.outer(centre, centre)
    np.testing.assert_allclose(log.mean(axis=0), centre, atol=5 * np.sqrt(covariance.max() / 40_000))
    np.testing.assert_allclose(np.cov(log.T), covariance, rtol=0.05)
    assert found.shock_sd == pytest.approx(weight @ grid[:, 0])
    assert found.drift_sd == pytest.approx(weight @ grid[:, 1])
    assert found.season == pytest.approx(weight[grid[:, 2] > 0].sum())
    assert found.quarter == pytest.approx(weight[grid[:, 4] > 0].sum())


def test_no_month_is_busier_than_e_squared_of_the_mean():
    wild = coming_months([1, 900, 1, 900], [30.0] * 4, 6, 3_000, np.random.default_rng(2)).factor
    mean = (1802 + 0.5) / 120.5
    assert wild.min() == pytest.approx(mean * np.exp(-2))
    grown = coming_months([3000, *[150] * 5], [3000.0, *[5.0] * 5], 6, 3_000, np.random.default_rng(2)).factor
    assert grown.max() == pytest.approx(3750.5 / 3025.5 * np.exp(2))
    alone = coming_months([], [], 3, 20_000, np.random.default_rng(1))
    grid, log = _grid(0)
    weight = np.exp(log) / np.exp(log).sum()
    assert alone.shock_sd == pytest.approx(weight @ grid[:, 0])
    # before any month the level is held likely to lie within a half of the mean, on the log
    first = 0.25 + weight @ (grid[:, 0] ** 2 + grid[:, 3] ** 2)
    assert np.log(alone.factor[:, 0]).std() == pytest.approx(np.sqrt(first), rel=0.05)
