"""The band of a rate over time, one time after the other in plain loops, and what is read from it."""

import math

import numpy as np
import pytest
from scipy import stats

from funnelnb.stats.curves.band import log_log_band
from funnelnb.stats.curves.difference import incidence_difference
from funnelnb.stats.curves.incidence import aalen_johansen
from funnelnb.stats.curves.survival import kaplan_meier
from funnelnb.stats.rates.proportion import wilson

Z = stats.norm.ppf(0.95)


def none_of(n):
    """Wilson's upper bound for none of n."""
    return float(wilson(0, n)[1]) if n > 0 else 1.0


def by_loops(rate, variance, at_risk, share):
    """The rules of the docstring for one curve."""
    found, none, highest = [], 0.0, 0.0
    even = True
    last_low = None
    for f, v, y, s in zip(rate, variance, at_risk, share, strict=True):
        if f > 1 - 1e-12:
            if last_low is None:  # the first time at which everybody has had the event
                even = even and math.isclose(y, at_risk[0] * s, rel_tol=1e-9)
                none = max(none, s * none_of(y))
                last_low = 1 - none if even else 1 - (1 - highest) * none_of(y)
            found.append((last_low, 1.0))
            continue
        none = max(none, s * none_of(y))
        even = even and math.isclose(y, at_risk[0] * s, rel_tol=1e-9)
        if f < 1e-12:
            found.append((0.0, none))
            continue
        reach = Z * math.sqrt(v) / ((1 - f) * -math.log(1 - f))
        low, high = (1 - (1 - f) ** math.exp(way * reach) for way in (-1, 1))
        highest = max(highest, low)
        found.append((low, high))
    return np.array(found).T


def floors():
    """Curves that begin with nobody, end with everybody (or not), with open deals in between (or not)."""
    rng = np.random.default_rng(2)
    for case in range(24):
        size = int(rng.choice([6, 15, 40]))
        time = rng.integers(1, 12, size)
        kind = np.ones(size, int) if case % 3 == 0 else rng.choice([0, 1, 1, 1], size)
        if case % 2:
            kind[time == time.max()] = 1
        kind[time == time.min()] = 0 if case % 3 else 1
        yield time, kind


@pytest.mark.parametrize("design", [1.0, 2.5])
def test_bounds_are_those_of_the_rules(design):
    everybody = nobody = 0
    for time, kind in floors():
        curve = kaplan_meier(time, kind)
        rate = 1 - curve.survival
        share = np.append(1.0, curve.survival[:-1])
        for given in (None, share):
            low, high = log_log_band(rate, curve.variance * design, curve.at_risk / design, Z, given)
            wanted = by_loops(rate, curve.variance * design, curve.at_risk / design, share)
            np.testing.assert_allclose([low, high], wanted, atol=1e-9)
        everybody += rate[-1] > 1 - 1e-12
        nobody += rate[1] == 0
        wide = curve.widened(np.full(curve.time.size, design), design)
        np.testing.assert_allclose([1 - wide.ci_upper, 1 - wide.ci_lower], wanted, atol=1e-9)
    assert everybody > 8
    assert nobody > 8


def test_two_causes_have_bands_of_their_own_and_nothing_known_has_none():
    time, kind = np.array([1, 2, 3, 4, 5, 6, 7]), np.array([2, 1, 0, 2, 1, 1, 0])
    curve = aalen_johansen(time, kind)
    share = np.append(1.0, curve.open_rate[:-1])
    low, high = log_log_band(curve.rate, curve.variance, curve.at_risk, Z, share)
    for cause in (0, 1):
        wanted = by_loops(curve.rate[cause], curve.variance[cause], curve.at_risk, share)
        np.testing.assert_allclose([low[cause], high[cause]], wanted, atol=1e-9)
    np.testing.assert_allclose([curve.ci_lower, curve.ci_upper], [low, high])
    unknown = curve.variance.copy()
    unknown[1, 3] = np.nan
    low, high = log_log_band(curve.rate, unknown, curve.at_risk, Z, share)
    assert np.isnan([low[1], high[1]]).all()
    assert not np.isnan([low[0], high[0]]).any()


def test_a_difference_adds_the_squares_of_the_distances_to_either_bound():
    one = aalen_johansen([1, 2, 3, 4, 5, 6], [1, 2, 1, 0, 1, 2], n=[9, 5, 7, 4, 3, 8])
    other = aalen_johansen([1, 2, 3, 4, 5, 6], [2, 1, 0, 1, 2, 0], n=[4, 9, 6, 8, 5, 3])
    for cause in (1, 2):
        found = incidence_difference(one, other, 4.5, cause=cause)
        reads = []
        for curve in (one, other):
            f, v = (float(values[cause - 1, 0]) for values in (curve.at(4.5).rate, curve.at(4.5).variance))
            reads.append((f, v))

        def reach(z, reads=reads):
            bounds = [
                [
                    1 - (1 - f) ** math.exp(way * z * math.sqrt(v) / ((1 - f) * -math.log(1 - f)))
                    for way in (-1, 1)
                ]
                for f, v in reads
            ]
            (a, _), (b, _) = reads
            return (
                math.hypot(a - bounds[0][0], bounds[1][1] - b),
                math.hypot(bounds[0][1] - a, b - bounds[1][0]),
            )

        gap = reads[0][0] - reads[1][0]
        down, up = reach(Z)
        assert found.time == 4.5
        assert (found.difference, found.ci_lower, found.ci_upper) == pytest.approx(
            (gap, gap - down, gap + up)
        )
        z = stats.norm.isf(found.p_value / 2)
        assert reach(z)[0 if gap > 0 else 1] == pytest.approx(abs(gap), rel=1e-6)


def test_clusters_widen_what_is_read_from_a_curve():
    time, kind = np.arange(1, 21), np.array([1, 1, 0, 1] * 5)
    curve = kaplan_meier(time, kind)
    factor = np.linspace(1, 3, curve.time.size)
    wide = curve.widened(factor, 0.5)
    assert wide.design == 1.0, "accounts never make surer"
    np.testing.assert_allclose(wide.variance, curve.variance * factor)
    plain, other = curve.restricted_mean(15), wide.restricted_mean(15)
    assert other.mean == plain.mean
    inside = curve.time < 15
    assert other.std_error == pytest.approx(plain.std_error * math.sqrt(np.median(factor[inside])))
    assert (other.ci_lower, other.ci_upper) == pytest.approx(
        (plain.mean - Z * other.std_error, min(plain.mean + Z * other.std_error, 15))
    )
    area, squares = 0.0, 0.0
    edges = [*curve.time[inside], 15.0]
    for k in range(len(edges) - 1):
        area += (edges[k + 1] - edges[k]) * curve.survival[k]
    assert plain.mean == pytest.approx(area)
    for k, day in enumerate(curve.time[inside]):
        if curve.event_n[k]:
            rest = sum((edges[j + 1] - edges[j]) * curve.survival[j] for j in range(k, len(edges) - 1))
            squares += rest**2 * curve.event_n[k] / (curve.at_risk[k] * (curve.at_risk[k] - curve.event_n[k]))
        assert day < 15
    assert plain.std_error == pytest.approx(math.sqrt(squares))
