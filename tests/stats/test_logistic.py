"""The penalised logistic model: R's glm, a direct search, levels with known spread, nothing from nothing."""

import subprocess

import numpy as np
import pytest
from scipy.optimize import minimize

from funnelnb.core.errors import ParameterError
from funnelnb.stats.models import logistic as module
from funnelnb.stats.models.logistic import logistic
from tests.conftest import skip_or_fail


def test_without_penalty_it_is_r_glm() -> None:
    draw = np.random.default_rng(3)
    x = draw.normal(size=(40, 2)).round(2)
    y = (draw.random(40) < 1 / (1 + np.exp(-(0.4 + x @ [1.0, -0.7])))).astype(int)
    script = (
        f"x<-matrix(c({','.join(map(str, x.T.ravel()))}),40);y<-c({','.join(map(str, y))});"
        "cat(sprintf('%.8f', coef(glm(y~x,family=binomial,control=list(epsilon=1e-12)))))"
    )
    try:
        out = subprocess.run(["Rscript", "-e", script], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        skip_or_fail("R is not there")
    design = np.column_stack([np.ones(40), x])
    beta, _ = module._newton(design, y.astype(float), np.ones(40), np.zeros(3), np.full(2, 1e12))
    assert beta == pytest.approx([float(one) for one in out.stdout.split()], abs=1e-5)


def test_the_maximum_against_a_direct_search() -> None:
    draw = np.random.default_rng(4)
    x, w = draw.normal(size=(60, 3)), draw.uniform(0.5, 3, 60)
    y = (draw.random(60) < 0.4).astype(float)
    variance = np.array([0.5, 0.5, 0.1])
    design = np.column_stack([np.ones(60), x])
    beta, _ = module._newton(design, y, w, np.zeros(4), variance)

    def loss(b):
        eta = design @ b
        return -(w * (y * eta - np.logaddexp(0, eta))).sum() + (b[1:] ** 2 / variance).sum() / 2

    found = minimize(loss, np.zeros(4), method="BFGS", options={"gtol": 1e-9})
    assert beta == pytest.approx(found.x, abs=1e-4)


def _levels(draw, spread, levels=40, each=60):
    truth = draw.normal(0, spread, levels)
    which = np.repeat(np.arange(levels), each)
    y = (draw.random(len(which)) < 1 / (1 + np.exp(0.5 - truth[which]))).astype(float)
    return np.eye(levels)[which], y, truth


def test_the_spread_of_levels_is_found() -> None:
    found = []
    for seed in range(6):
        x, y, _ = _levels(np.random.default_rng(seed), 0.8)
        found.append(np.sqrt(logistic(x, y, np.ones(len(y)), np.zeros(40, int)).variance[0]))
    assert np.mean(found) == pytest.approx(0.8, abs=0.08)


def test_small_levels_are_pulled_and_beat_raw_rates() -> None:
    raw_error, model_error = [], []
    for seed in range(8):
        x, y, truth = _levels(np.random.default_rng(seed), 0.5, each=25)
        rate = logistic(x, y, np.ones(len(y)), np.zeros(40, int)).rate(np.eye(40))
        raw = (x * y[:, None]).sum(axis=0) / x.sum(axis=0)
        real = 1 / (1 + np.exp(0.5 - truth))
        raw_error.append(((raw - real) ** 2).mean())
        model_error.append(((rate - real) ** 2).mean())
    assert np.mean(model_error) < 0.7 * np.mean(raw_error)


def test_an_attribute_without_effect_is_pulled_to_nothing() -> None:
    ranges = []
    for seed in range(6):
        x, y, _ = _levels(np.random.default_rng(100 + seed), 0.0, levels=10, each=200)
        rate = logistic(x, y, np.ones(len(y)), np.zeros(10, int)).rate(np.eye(10))
        raw = (x * y[:, None]).sum(axis=0) / x.sum(axis=0)
        ranges.append(np.ptp(rate) / np.ptp(raw))
    assert np.median(ranges) < 0.4


def test_order_of_rows_and_columns_does_not_matter_and_weights_are_copies() -> None:
    draw = np.random.default_rng(9)
    x, y, _ = _levels(draw, 0.7, levels=6, each=30)
    w = draw.integers(1, 4, len(y)).astype(float)
    block = np.array([0, 0, 0, 1, 1, 1])
    model = logistic(x, y, w, block)
    rows, columns = draw.permutation(len(y)), draw.permutation(6)
    again = logistic(x[rows][:, columns], y[rows], w[rows], block[columns])
    assert again.coefficient == pytest.approx(model.coefficient[columns], abs=1e-6)
    copies = np.repeat(np.arange(len(y)), w.astype(int))
    copied = logistic(x[copies], y[copies], np.ones(len(copies)), block)
    assert copied.coefficient == pytest.approx(model.coefficient, abs=1e-6)
    assert model.converged


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (([[1.0]], [2], [1], [0]), "neither 0 nor 1"),
        (([[np.nan]], [1], [1], [0]), "not finite"),
        (([[1.0]], [1], [-1], [0]), "weights"),
        (([[1.0]], [1], [0], [0]), "weights"),
        (([[1.0]], [1, 0], [1], [0]), "shape"),
    ],
)
def test_bad_input(given, message) -> None:
    with pytest.raises(ParameterError, match=message):
        logistic(*given)


def test_all_won_does_not_run_away() -> None:
    model = logistic(np.eye(3), [1, 1, 1], [5, 5, 5], [0, 0, 0])
    assert np.isfinite(model.coefficient).all()
    assert (model.rate(np.eye(3)) > 0.9).all()


def test_variances_are_where_they_agree_with_what_they_cause_within_their_bounds() -> None:
    """|b|^2 and the trace of the inverse curvature over the number of columns; 0.0004 at least, 25 at most."""
    x, y, _ = _levels(np.random.default_rng(3), 0.9, levels=12, each=40)
    block = np.repeat([0, 1], 6)
    model = logistic(x, y, np.ones(len(y)), block)
    rate = model.rate(x)
    design = np.column_stack([np.ones(len(y)), x])
    curvature = (design * (rate * (1 - rate))[:, None]).T @ design
    curvature += np.diag([0.0, *1 / model.variance[block]])
    own = model.coefficient**2 + np.diag(np.linalg.inv(curvature))[1:]
    assert model.variance == pytest.approx([own[:6].mean(), own[6:].mean()], rel=0.03)
    assert model.intercept == pytest.approx(model.log_odds(np.zeros((1, 12)))[0]), (
        "of a case with all columns 0"
    )
    assert (rate - y).sum() == pytest.approx(0, abs=1e-4), "the intercept is free"
    sides = logistic(np.eye(2), [1, 0], [1e9, 1e9], [0, 0])
    assert sides.variance[0] == pytest.approx(25.0)
    alike = logistic(np.eye(2)[[0, 0, 1, 1]], [1, 0, 1, 0], [1e6] * 4, [0, 0])
    assert alike.variance[0] == pytest.approx(4e-4)
