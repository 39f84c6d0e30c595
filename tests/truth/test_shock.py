"""Common swings of win chances: found where they are, prior where nothing tells."""

import numpy as np
import pytest

from funnelnb.stats.totals.shock import PRIOR_DF, PRIOR_SCALE, shock


def months(seed, spread, count=24, closed=60):
    rng = np.random.default_rng(seed)
    chance = 1 / (1 + np.exp(0.8 - spread * rng.standard_normal(count)))
    return rng.binomial(closed, chance), np.full(count, closed)


@pytest.mark.parametrize("spread", [0.0, 0.3, 0.6])
def test_finds_the_spread_of_many_months(spread):
    found = np.mean([shock(*months(seed, spread, 36)).spread for seed in range(60)])
    assert found == pytest.approx(spread, abs=0.08)


def test_levels_are_symmetric_and_as_wide_as_the_prior_without_any_month():
    found = shock([], [])
    assert found.levels == pytest.approx(-found.levels[::-1])
    rng = np.random.default_rng(0)
    drawn = rng.standard_normal(400_000) * np.abs(PRIOR_SCALE * rng.standard_t(PRIOR_DF, 400_000))
    middles = np.quantile(drawn, (np.arange(31) + 0.5) / 31)
    assert found.levels == pytest.approx(middles, abs=0.02)


def test_a_coming_month_falls_between_the_outer_levels_as_often_as_they_say():
    inside, runs = 0, 600
    for seed in range(runs):
        found = shock(*months(seed, 0.3, 6))
        rng = np.random.default_rng(seed + 10_000)
        coming = 0.3 * rng.standard_normal()
        inside += abs(coming) <= np.quantile(found.levels, 0.9)
    assert 0.72 <= inside / runs <= 0.9


def test_months_without_any_closed_deal_do_not_count():
    assert shock([3, 0, 4], [9, 0, 11]).months_n == 2
