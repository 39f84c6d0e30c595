"""Scores of chances: by hand, by brute force, and honest forecasts that must look calibrated."""

import itertools
import math

import numpy as np
import pytest

from funnelnb.core.errors import ParameterError
from funnelnb.stats.rates.calibration import auc, calibration, gain, score
from funnelnb.stats.rates.proportion import wilson


def test_bins_by_hand() -> None:
    found = calibration([0.1, 0.1, 0.1, 0.6, 0.6], [0, 0, 1, 1, 1], [1, 1, 1, 1, 1], bins=2)
    assert found.forecast == pytest.approx([0.1, 0.6])
    assert found.observed == pytest.approx([1 / 3, 1])
    assert found.n.tolist() == [3, 2]
    assert found.error == pytest.approx((3 * (1 / 3 - 0.1) + 2 * 0.4) / 5)
    lower, upper = wilson(1, 3)
    assert (found.ci_lower[0], found.ci_upper[0]) == (pytest.approx(lower), pytest.approx(upper))


def test_equal_forecasts_share_a_bin_and_weight_zero_says_nothing() -> None:
    found = calibration([0.3] * 50 + [0.9], [0, 1] * 25 + [0], [1] * 50 + [0], bins=10)
    assert found.observed.tolist() == [0.5]


def test_weights_are_copies() -> None:
    once = calibration([0.1, 0.4, 0.7], [0, 1, 1], [2, 3, 1], bins=3)
    copies = calibration([0.1] * 2 + [0.4] * 3 + [0.7], [0, 0, 1, 1, 1, 1], [1] * 6, bins=3)
    assert once.observed == pytest.approx(copies.observed)
    assert once.error == pytest.approx(copies.error)


def test_scores_by_hand() -> None:
    found = score([0.8, 0.4], [1, 0], [1, 1])
    assert found.brier == pytest.approx((0.04 + 0.16) / 2)
    assert found.log_score == pytest.approx(-(math.log(0.8) + math.log(0.6)) / 2)
    assert found.auc == 1.0


def test_auc_against_all_pairs() -> None:
    draw = np.random.default_rng(2)
    r, y, w = draw.integers(0, 6, 40), draw.integers(0, 2, 40), draw.uniform(0.2, 2, 40)
    won = lost = 0.0
    for i, j in itertools.product(range(40), range(40)):
        if y[i] == 1 and y[j] == 0:
            lost += w[i] * w[j]
            won += w[i] * w[j] * (1.0 if r[i] > r[j] else 0.5 if r[i] == r[j] else 0.0)
    assert auc(r, y, w) == pytest.approx(won / lost)
    assert math.isnan(auc(r, np.ones(40), w))


def test_honest_forecasts_are_calibrated_and_the_base_rate_has_no_gain() -> None:
    draw = np.random.default_rng(6)
    p = draw.beta(2, 5, 20_000)
    y = (draw.random(20_000) < p).astype(int)
    found = calibration(p, y, np.ones(20_000))
    assert found.error < 0.015
    assert (found.ci_lower <= found.forecast).sum() >= 7
    mean, lower, upper = gain(p, np.full(20_000, y.mean()), y, np.ones(20_000))
    assert 0 < lower < mean < upper
    shuffled = draw.permutation(p)
    assert gain(shuffled, np.full(20_000, y.mean()), y, np.ones(20_000))[2] < 0


def test_the_interval_of_the_gain_keeps_its_level() -> None:
    draw = np.random.default_rng(7)
    p, q = draw.uniform(0.1, 0.6, 300), np.full(300, 0.35)
    truth = (p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))).mean()
    inside = 0
    for _ in range(400):
        _, lower, upper = gain(p, q, (draw.random(300) < p).astype(int), np.ones(300), 0.9)
        inside += lower <= truth <= upper
    assert 0.86 <= inside / 400 <= 0.96


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (([1.2], [1], [1]), "no chance"),
        (([0.2], [2], [1]), "neither 0 nor 1"),
        (([0.2], [1], [0]), "weights"),
        (([0.2, 0.3], [1], [1]), "one length"),
    ],
)
def test_bad_input(given, message) -> None:
    with pytest.raises(ParameterError, match=message):
        calibration(*given)


@pytest.mark.parametrize("weight", [[1.0, math.inf], [1.0, math.nan], [1.0, -1.0]])
def test_a_weight_that_is_no_number_of_deals_is_refused(weight) -> None:
    with pytest.raises(ParameterError, match="weights"):
        calibration([0.2, 0.3], [1, 0], weight)
