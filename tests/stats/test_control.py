"""Control limits: the definition by hand, season, false alarms on independent series."""

from __future__ import annotations

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
