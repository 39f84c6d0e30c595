"""Common swings of win chances: found where they are, prior where nothing tells."""

import numpy as np
import pytest
from scipy import integrate, optimize, stats

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

    def below(x):
        def part(s):
            return 2 * stats.t.pdf(s / PRIOR_SCALE, PRIOR_DF) / PRIOR_SCALE * stats.norm.cdf(x / s)

        return (
            integrate.quad(part, 1e-12, 0.5, limit=400)[0] + integrate.quad(part, 0.5, np.inf, limit=400)[0]
        )

    for level, share in zip(found.levels[16:], (np.arange(16, 31) + 0.5) / 31, strict=True):
        assert level == pytest.approx(optimize.brentq(lambda x, p=share: below(x) - p, 0, 9), abs=0.001)


@pytest.mark.parametrize("won", [[30] * 24, [10, 50] * 12])
def test_the_spread_of_months_of_equal_size_is_that_of_the_closed_form(won):
    """With one variance v for all M months, s weighs (v + s^2)^(-(M-1)/2) exp(-SS / 2(v + s^2)) times the prior."""
    y, rate = np.log((np.array(won) + 0.5) / (100.5 - np.array(won))), (sum(won) + 0.5) / 2401
    s = np.linspace(0, 10, 200_001)
    total = 1 / (100 * rate * (1 - rate)) + s**2
    weight = -23 / 2 * np.log(total) - ((y - y.mean()) ** 2).sum() / 2 / total
    weight = np.exp(weight - weight.max()) * stats.t.pdf(s / PRIOR_SCALE, PRIOR_DF)
    below = np.cumsum(weight) / weight.sum()
    assert shock(won, [100] * 24).spread == pytest.approx(s[np.searchsorted(below, 0.5)], abs=0.005)


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
