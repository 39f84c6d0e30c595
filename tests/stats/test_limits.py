"""Funnel-plot limits and overdispersion."""

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from funnelnb.core.errors import ParameterError
from funnelnb.stats.rates.compare import funnel_limits, overdispersion


@given(st.floats(0.01, 0.99), st.integers(1, 3000), st.sampled_from([0.95, 0.998]))
def test_no_more_than_the_stated_share_falls_outside(pooled, n, level):
    lower, upper = (float(limit) for limit in funnel_limits(pooled, n, level))
    tail = (1 - level) / 2
    assert 0 <= lower <= pooled <= upper <= 1
    above = stats.binom.sf(np.floor(upper * n + 1e-7), n, pooled)
    below = stats.binom.cdf(np.ceil(lower * n - 1e-7) - 1, n, pooled)
    assert above <= tail * (1 + 1e-6)
    assert below <= tail * (1 + 1e-6)
    k = np.arange(n + 1)
    outside = (k < lower * n * (1 - 1e-9)) | (k > upper * n * (1 + 1e-9))
    exact = np.minimum(stats.binom.cdf(k, n, pooled), stats.binom.sf(k - 1, n, pooled))
    clear = np.abs(exact / tail - 1) > 1e-6
    np.testing.assert_array_equal(outside[clear], (exact < tail)[clear])


def test_the_limits_become_normal():
    n = 1_000_000
    lower, upper = funnel_limits(0.3, n, 0.95)
    half = 1.959964 * np.sqrt(0.3 * 0.7 / n)
    assert float(lower) == pytest.approx(0.3 - half, abs=1e-6)
    assert float(upper) == pytest.approx(0.3 + half, abs=1e-6)


def test_overdispersion_stretches_and_wider_levels_contain_narrower_ones():
    n = np.array([1, 4.5, 30, 400])
    inner, outer = funnel_limits(0.3, n, 0.95), funnel_limits(0.3, n, 0.998)
    stretched = funnel_limits(0.3, n, 0.95, overdispersion=4)
    assert (outer[0] <= inner[0]).all()
    assert (outer[1] >= inner[1]).all()
    np.testing.assert_allclose(stretched[1][2:] - 0.3, 2 * (inner[1][2:] - 0.3))
    assert ((stretched[0] >= 0) & (stretched[1] <= 1)).all()


def test_edges():
    lower, upper = funnel_limits(0.3, [0, 10], 0.95)
    assert np.isnan([lower[0], upper[0]]).all()
    assert funnel_limits(0, [5], 0.95)[1][0] == 0
    with pytest.raises(ParameterError, match="level"):
        funnel_limits(0.3, 10, 95)
    with pytest.raises(ParameterError, match="overdispersion"):
        funnel_limits(0.3, 10, 0.95, 0.5)


def test_overdispersion_by_hand():
    z = np.array([-4, -2, -1, 1, 2, 4]) / 1.0
    k = 50 + 5 * z
    assert overdispersion(k, np.full(6, 100), winsorised=0) == pytest.approx((16 + 4 + 1) / 3)
    drawn_in = np.mean(
        np.clip(stats.norm.ppf(np.linspace(0, 1, 200_001)[1:-1]), *stats.norm.ppf([1 / 6, 5 / 6])) ** 2
    )
    assert overdispersion(k, np.full(6, 100), winsorised=0.2) == pytest.approx(
        (4 + 4 + 1) / 3 / drawn_in, rel=1e-4
    )


def test_overdispersion_of_chance_is_one_and_of_a_known_spread_is_found():
    rng = np.random.default_rng(3)
    n = rng.integers(50, 400, 40)
    by_chance = [overdispersion(rng.binomial(n, 0.3), n) for _ in range(200)]
    assert np.mean(np.array(by_chance) > 1) < 0.06
    wide = [overdispersion(rng.binomial(200, rng.beta(21, 49, 40)), np.full(40, 200)) for _ in range(200)]
    assert np.mean(wide) == pytest.approx(1 + 199 / 71, rel=0.06)
    assert overdispersion([1], [10]) == 1
    assert overdispersion([0, 0], [10, 3]) == 1


@pytest.mark.parametrize("level", [0.0, 1.0, 1.5])
def test_a_level_is_between_0_and_1(level):
    with pytest.raises(ParameterError, match="level"):
        funnel_limits(0.25, [40], level)


def test_overdispersion_of_twelve_groups_by_hand():
    """By default a tenth, of twelve groups one at each end, is drawn in to the next."""
    k, n = [20, 60, 25, 80, 40, 75, 33, 55, 61, 12, 49, 50], [100] * 12
    p = sum(k) / sum(n)
    z = sorted((a - b * p) / (b * p * (1 - p)) ** 0.5 for a, b in zip(k, n, strict=True))
    z[0], z[-1] = z[1], z[-2]
    edge = NormalDist().inv_cdf(11 / 12)
    left = 2 / 12 * edge**2 + 10 / 12 - 2 * edge * NormalDist().pdf(edge)
    wanted = sum(one * one for one in z) / 12 / left
    assert overdispersion(k, n) == overdispersion(k, n, 0.1) == pytest.approx(wanted)
    assert overdispersion([*k, 0], [*n, 0]) == pytest.approx(wanted), "a group without trials is left out"
    whole = sum(one * one for one in ((a - 100 * p) / (100 * p * (1 - p)) ** 0.5 for a in k)) / 12
    assert overdispersion(k, n, 0.05) == pytest.approx(whole), "a twentieth of twelve is nobody"
    assert (
        overdispersion([50], [100]) == overdispersion([0, 0], [9, 9]) == overdispersion([9, 9], [9, 9]) == 1.0
    )
    twenty = [*k, 44, 3, 97, 52, 58, 30, 71, 66]
    by_default = overdispersion(twenty, [100] * 20)
    assert by_default == overdispersion(twenty, [100] * 20, 0.1)
    assert by_default != pytest.approx(overdispersion(twenty, [100] * 20, 0.15), rel=1e-3)
