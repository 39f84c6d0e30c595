"""Change points: every position by brute force, false alarms, a known change with its interval."""

import numpy as np
import pytest
from scipy.special import betaln, xlogy
from scipy.stats import binom, chi2, norm

from funnelnb.core.errors import ParameterError
from funnelnb.stats.rates import change as module
from funnelnb.stats.rates.change import _gain, change_points, count_changes


def test_gain_is_the_likelihood_ratio_of_every_position():
    rng = np.random.default_rng(1)
    n = rng.integers(1, 30, 12)
    k = rng.binomial(n, 0.4)

    def height(part_k, part_n):
        return binom.logpmf(part_k, part_n, part_k.sum() / part_n.sum()).sum()

    brute = [height(k[:t], n[:t]) + height(k[t:], n[t:]) - height(k, n) for t in range(1, 12)]
    assert _gain(k.astype(float), n.astype(float)) == pytest.approx(brute)


def test_null_series_rarely_show_a_change():
    rng = np.random.default_rng(2)
    alarms = sum(bool(change_points(rng.binomial(50, 0.3, 40), [50] * 40)) for _ in range(200))
    assert alarms / 200 <= 0.15


def test_a_change_is_found_and_its_interval_holds_the_date():
    rng = np.random.default_rng(3)
    held = found = 0
    for _ in range(200):
        k = np.concatenate([rng.binomial(40, 0.5, 30), rng.binomial(40, 0.35, 20)])
        changes = change_points(k, [40] * 50)
        one = min(changes, key=lambda change: abs(change.position - 30), default=None)
        if one is not None:
            found += 1
            held += one.position_lower <= 30 <= one.position_upper
    assert found >= 195
    assert held / found >= 0.85


def test_two_changes_and_none():
    series = [8] * 10 + [2] * 10 + [6] * 10
    assert [one.position for one in change_points(series, [10] * 30)] == [10, 20]
    assert change_points([0, 0, 0, 0], [5, 5, 5, 5]) == ()
    assert change_points([], []) == ()


def test_a_jump_of_a_count_is_found_by_the_poisson_likelihood():
    rng = np.random.default_rng(8)
    counts = np.concatenate([rng.poisson(20, 12), rng.poisson(36, 12)])

    def entropy(k):
        return k.sum() * np.log(k.mean()) if k.sum() else 0.0

    gains = [entropy(counts[:t]) + entropy(counts[t:]) for t in range(2, 23)]
    (found,) = count_changes(counts)
    assert found.position == 2 + int(np.argmax(gains))
    assert found.before_rate == pytest.approx(counts[: found.position].mean())
    assert found.after_rate == pytest.approx(counts[found.position :].mean())
    lower, upper = found.before_ci_lower, found.before_ci_upper
    exact = [chi2.ppf(0.05, 2 * counts[:12].sum()) / 24, chi2.ppf(0.95, 2 * counts[:12].sum() + 2) / 24]
    assert lower == pytest.approx(exact[0], rel=0.06)
    assert upper == pytest.approx(exact[1], rel=0.06)


def test_steady_counts_break_no_more_often_than_allowed():
    rng = np.random.default_rng(9)
    found = sum(bool(count_changes(rng.poisson(15, 24), most=1)) for _ in range(150))
    assert found / 150 < 0.17  # 10 % asked for; 150 series


def test_counts_per_exposure_and_what_cannot_be():
    assert count_changes([10, 20, 10, 20, 10, 20], exposure=[1, 2, 1, 2, 1, 2]) == ()
    with pytest.raises(ParameterError):
        count_changes([1, 2], exposure=[1])
    shut = count_changes(
        [10, 0, 12, 11, 30, 28, 33, 29], exposure=[1, 0, 1, 1, 1, 1, 1, 1]
    )  # a week without work
    assert [(one.position, one.before_rate, one.after_rate) for one in shut] == [(4, 11.0, 30.0)]
    with pytest.raises(ParameterError, match="below 0"):
        count_changes([1, 2], exposure=[1, -1])


def test_stretches_in_which_all_or_none_succeed_are_told():
    """First all, then none, then half: shares of 1 and 0 have a likelihood of 1."""
    n = np.full(24, 6.0)
    k = np.r_[np.full(8, 6.0), np.zeros(8), np.full(8, 3.0)]
    gain = _gain(k, n)

    def height(a, b):
        p = a.sum() / b.sum()
        return sum(xlogy(one, p) + xlogy(all_n - one, 1 - p) for one, all_n in zip(a, b, strict=True))

    wanted = [height(k[:t], n[:t]) + height(k[t:], n[t:]) - height(k, n) for t in range(1, 24)]
    np.testing.assert_allclose(gain, wanted, atol=1e-9)
    assert [one.position for one in change_points(k, n)] == [8, 16]


def described(k, n, position, level):
    """Dispersion, likely positions, rates and their bounds of one change in a series, from the formulas."""
    parts = [slice(0, position), slice(position, None)]
    total, free = 0.0, 0
    for part in parts:
        y, m = k[part][n[part] > 0], n[part][n[part] > 0]
        p = y.sum() / m.sum()
        if 0 < p < 1:
            total, free = total + ((y - m * p) ** 2 / (m * p * (1 - p))).sum(), free + y.size - 1
    dispersion = max(total / free, 1.0) if free else 1.0
    belief = []
    for t in range(1, k.size):
        sides = (k[:t].sum(), n[:t].sum()), (k[t:].sum(), n[t:].sum())
        belief.append(sum(betaln(a + 0.5, b - a + 0.5) for a, b in sides))
    belief = np.exp((np.array(belief) - max(belief)) / dispersion)
    belief /= belief.sum()
    held, so_far = [], 0.0
    for t in np.argsort(-belief, kind="stable"):
        held.append(t + 1)
        so_far += belief[t]
        if so_far >= level:
            break
    rates = [k[part].sum() / n[part].sum() for part in parts]
    z = norm.ppf((1 + level) / 2)
    bounds = []
    for rate, part in zip(rates, parts, strict=True):
        m = n[part].sum() / dispersion
        middle = (rate + z * z / (2 * m)) / (1 + z * z / m)
        half = z / (1 + z * z / m) * np.sqrt(rate * (1 - rate) / m + (z / (2 * m)) ** 2)
        bounds += [middle - half, middle + half]
    return dispersion, min(*held, position), max(*held, position), rates, bounds


@pytest.mark.parametrize("level", [0.8, 0.9])
def test_every_figure_of_a_change_is_that_of_the_formulas(level):
    rng = np.random.default_rng(4)
    spread = []
    for case in range(8):
        n = rng.integers(0, 40, 24)
        share = np.clip(
            np.r_[np.full(11, 0.55), np.full(13, 0.3)] + (case % 2) * 0.2 * rng.standard_normal(24), 0, 1
        )
        k = rng.binomial(n, share)
        found = change_points(k, n, level, most=1)
        if not found:
            continue
        (one,) = found
        dispersion, low, high, rates, bounds = described(k, n, one.position, level)
        assert one.dispersion == pytest.approx(dispersion)
        assert (one.position_lower, one.position_upper) == (low, high)
        assert [one.before_rate, one.after_rate] == pytest.approx(rates)
        told = [one.before_ci_lower, one.before_ci_upper, one.after_ci_lower, one.after_ci_upper]
        assert told == pytest.approx(bounds)
        gain = _gain(k.astype(float), n.astype(float))
        assert one.position == 2 + int(np.argmax(gain[1:-1])), "two periods on either side at least"
        assert (one.p_value * 2000) % 1 == pytest.approx(0, abs=1e-6), "of 1,999 draws and the series itself"
        assert one.p_value <= 1 - level
        spread.append(dispersion)
    assert len(spread) >= 6
    assert max(spread) > 1.5


def test_how_surprising_a_change_is():
    """Of 150 null series without overdispersion the p-values are even: a half on average."""
    rng = np.random.default_rng(6)
    values = [
        module._best(rng.binomial(60, 0.4, 20).astype(float), np.full(20, 60.0), np.random.default_rng(seed))[
            1
        ]
        for seed in range(150)
    ]
    assert np.mean(values) == pytest.approx(0.5, abs=0.1)
    assert module._best(np.array([1.0, 0, 5]), np.full(3, 5.0), rng) is None, "four periods at least"
    assert module._best(np.array([5.0, 5, 0, 0]), np.full(4, 5.0), rng)[0] == 2
