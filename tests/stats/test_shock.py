"""Common swings: months of unequal size against a plain sum over means and spreads. More: tests/truth/test_shock.py."""

import numpy as np
import pytest
from scipy import stats

from funnelnb.core.errors import ParameterError
from funnelnb.stats.totals.shock import MEASURED_MONTHS, SPREADS, shock


def summed(won, closed):
    """Spreads, their weights (likelihood times half-t prior, mean summed out), and the variance of the mean of each."""
    k, n = np.array(won, float), np.array(closed, float)
    y, rate = np.log((k + 0.5) / (n - k + 0.5)), (k.sum() + 0.5) / (n.sum() + 1)
    s, middle = np.linspace(0, 6, 1_201), np.linspace(-8, 8, 801)
    weight, of_mean = [], []
    for one in s:
        sd = np.sqrt(1 / (n * rate * (1 - rate)) + one**2)
        each = np.exp(-0.5 * ((middle[:, None] - y) ** 2 / sd**2).sum(axis=1)) / np.prod(sd)
        weight.append(each.sum())
        mean = (each * middle).sum() / each.sum()
        of_mean.append((each * (middle - mean) ** 2).sum() / each.sum())
    weight = np.array(weight) * stats.t.pdf(s / 0.3, 4)
    weight[0] /= 2  # half a step at the edge
    return s, weight / weight.sum(), np.array(of_mean)


@pytest.mark.parametrize(
    ("won", "closed"), [([3, 9, 8], [20, 20, 60]), ([4, 30, 5, 9, 22], [40, 50, 45, 20, 90])]
)
def test_months_of_unequal_size(won, closed):
    s, weight, of_mean = summed(won, closed)
    found = shock(won, closed, levels=9)
    assert found.months_n == len(won)
    assert found.spread == pytest.approx(s[np.searchsorted(np.cumsum(weight), 0.5)], abs=0.008)
    sd = np.sqrt(s**2 + np.minimum(of_mean, 1))
    for place, level in enumerate(found.levels):
        below = (weight * stats.norm.cdf(level / sd)).sum()
        assert below == pytest.approx((place + 0.5) / 9, abs=2e-3)
    assert found.levels[4] == 0


def test_levels_are_the_middles_of_equal_parts_for_odd_and_even_numbers():
    for count in (1, 2, 5, 30):
        found = shock([50] * 40, [100] * 40, levels=count).levels
        assert found.size == count
        np.testing.assert_allclose(found, -found[::-1], atol=1e-12)
        assert (np.diff(found) > 0).all()
    fine, coarse = (shock([30, 50, 20], [100, 90, 80], levels=one).levels for one in (30, 10))
    assert coarse[-1] == pytest.approx(fine[28]), (
        "the middle of the last of ten is that of the 29th of thirty"
    )


def test_a_mean_hardly_known_moves_the_levels_by_one_at_most():
    """One month of a single deal: the mean is uncertain by more than 1 on the log scale; the shift is not."""
    one = shock([1], [1])
    prior = shock([], [])
    assert one.levels[-1] > prior.levels[-1]
    assert one.levels.std() < np.sqrt(prior.levels.std() ** 2 + 1) + 0.05


def test_what_is_promised_about_the_prior():
    """Median of a half-t with 4 degrees times 0.3; a twelfth month counts as measured; the tail is weighed to 8."""
    assert shock([], []).spread == pytest.approx(0.3 * stats.t.ppf(0.75, 4), abs=0.006)
    assert MEASURED_MONTHS == 12
    assert (SPREADS[0], SPREADS[-1]) == (0, pytest.approx(8.0))
    assert (np.diff(SPREADS) > 0).all()
    with pytest.raises(ParameterError, match="levels = 0"):
        shock([], [], levels=0)
