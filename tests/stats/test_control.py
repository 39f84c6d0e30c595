"""Control limits: the definition by hand, season, false alarms on independent series."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from funnelnb.core.errors import ParameterError
from funnelnb.stats.rates.control import control_limits


def test_limits_by_hand():
    values = np.array([16.0, 25, 16, 25, 16, 25])
    found = control_limits(values)
    reach = 3 * 1.0 / 1.128  # roots 4 and 5: every moving range is 1
    assert found.upper[0] == pytest.approx((4.5 + reach) ** 2)
    assert found.lower[0] == pytest.approx((4.5 - reach) ** 2)
    assert set(found.signal) == {""}


def test_too_few_periods_have_no_limits():
    found = control_limits([1, 2, 3])
    assert np.isnan(found.upper).all()
    assert found.signal == ("", "", "")


def test_a_season_is_taken_out_and_put_back():
    season = np.array([0.5, 1.0, 1.5, 1.0])
    place = np.tile(np.arange(4), 6)
    rng = np.random.default_rng(2)
    values = rng.poisson(100 * season[place])
    with_it, without = control_limits(values, place, 4), control_limits(values)
    assert with_it.season == pytest.approx(season, abs=0.1)
    assert (with_it.upper - with_it.lower)[0] < (without.upper - without.lower)[0]
    assert with_it.centre[2] > 2 * with_it.centre[0]


def test_a_run_on_one_side_is_told():
    values = [90.0, 98.0] * 5 + [102.0, 110.0] * 5
    assert "run_below" in control_limits(values).signal
    assert "run_above" in control_limits(values).signal


def test_false_alarms_are_rare_on_independent_months():
    """Poisson counts, and sums of skewed amounts: less than one month in fifty beyond the limits."""
    rng = np.random.default_rng(4)
    out = months = 0
    for _ in range(200):
        counts = rng.poisson(30, 24)
        amounts = [rng.lognormal(10, 0.9, n).sum() for n in counts]
        for series in (counts, amounts):
            signals = control_limits(series).signal
            out += sum(one in ("above", "below") for one in signals)
            months += len(signals)
    assert out / months < 0.02


def test_what_cannot_be_is_refused():
    with pytest.raises(ParameterError):
        control_limits([1, -1, 2])
    with pytest.raises(ParameterError):
        control_limits([1, np.nan, 2])


def by_hand(values):
    """Signals in plain loops: outside three mean moving ranges over 1.128, or the eighth and later of a run."""
    roots = [math.sqrt(one) for one in values]
    middle = sum(roots) / len(roots)
    reach = 3 * sum(abs(a - b) for a, b in itertools.pairwise(roots)) / (len(roots) - 1) / 1.128
    told, run, before = [], 0, 0
    for root in roots:
        side = (root > middle) - (root < middle)
        run = run + 1 if side and side == before else 1
        before = side
        word = ("run_above" if side > 0 else "run_below") if run >= 8 else ""
        word = "above" if root > middle + reach + 1e-9 else "below" if root < middle - reach - 1e-9 else word
        told.append(word)
    return tuple(told), (max(middle - reach, 0) ** 2, middle**2, (middle + reach) ** 2)


def test_signals_are_those_of_plain_loops():
    rng = np.random.default_rng(3)
    seen = set()
    for _ in range(80):
        level = np.repeat(rng.uniform(5, 60, 3), rng.integers(3, 12, 3))
        values = rng.poisson(level).astype(float)
        found, (signals, limits) = control_limits(values), by_hand(values)
        assert found.signal == signals
        assert (found.lower[0], found.centre[0], found.upper[0]) == pytest.approx(limits)
        seen |= set(signals)
    assert seen == {"", "above", "below", "run_above", "run_below"}


def test_values_that_never_move_are_never_beyond():
    """Six are enough for limits, which then are the value itself; five are not."""
    assert set(control_limits([7.0] * 6).signal) == {""}
    assert control_limits([7.0] * 6).upper[0] == pytest.approx(7)
    assert np.isnan(control_limits([7.0] * 5).upper).all()


def test_a_season_by_hand():
    """Means of each place over their mean, none below a twentieth; a place seen once, or nothing at all: no season."""
    values = np.array([0.0, 10, 20, 0, 30, 40])
    found = control_limits(values, np.array([0, 1, 2, 0, 1, 2]), 3)
    assert found.season == pytest.approx([0.05, 20 / (50 / 3), 30 / (50 / 3)])
    assert found.centre[1] == pytest.approx(found.centre[2] * 20 / 30)
    assert control_limits(values, np.array([0, 1, 2, 3, 1, 2]), 4).season.tolist() == [1.0] * 4
    assert control_limits(np.zeros(6), np.array([0, 1, 2, 0, 1, 2]), 3).season.tolist() == [1.0] * 3
    assert control_limits(values).season.size == 12, "a year has twelve months"
