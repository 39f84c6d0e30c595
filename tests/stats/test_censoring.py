"""Weights for censored cases: the weighted mean is Aalen-Johansen, with ties and without."""

import numpy as np
import pytest

from funnelnb.core.errors import ParameterError
from funnelnb.stats.curves.incidence import aalen_johansen
from funnelnb.stats.models.censoring import censoring_weights


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("seed", range(5))
def test_the_weighted_mean_is_aalen_johansen(whole, seed) -> None:
    draw = np.random.default_rng(seed)
    time = draw.integers(0, 40, 200).astype(float) if whole else draw.uniform(0, 40, 200)
    outcome = draw.integers(0, 3, 200)
    curve = aalen_johansen(time, outcome)
    for horizon in (5, 13.5, 30):
        weight = censoring_weights(time, outcome > 0, horizon)
        won = (outcome == 1) & (time <= horizon)
        assert (weight * won).sum() / 200 == pytest.approx(curve.at(horizon).rate[0, 0], abs=1e-12)
        assert weight.sum() == pytest.approx(200)


def test_without_censoring_all_count_once() -> None:
    assert censoring_weights([1, 2, 9], [True, True, True], 5).tolist() == [1, 1, 1]


def test_nobody_watched_to_the_horizon() -> None:
    weight = censoring_weights([1.0, 2.0, 3.0], [True, False, False], 10)
    assert weight.tolist() == [1.0, 0.0, 0.0]


def test_bad_input() -> None:
    with pytest.raises(ParameterError, match="negative"):
        censoring_weights([-1.0], [True], 5)
    with pytest.raises(ParameterError, match="horizon = 0"):
        censoring_weights([1.0], [True], 0)
    with pytest.raises(ParameterError, match="one length"):
        censoring_weights([1.0], [True, False], 5)
