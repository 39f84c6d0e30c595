"""The likelihood against SciPy's distributions row by row, and its derivatives against differences."""

import numpy as np
import pytest
from scipy import stats

from funnelnb.stats.lifetime.family import FAMILIES
from funnelnb.stats.lifetime.likelihood import Shape, log_likelihood, points
from funnelnb.stats.lifetime.observed import intervals

INF = np.inf
LOWER = [3.0, 12.5, 40, 7, 30, 0, 0, 14, 9, 20, 55, 0]
UPPER = [3.0, 12.5, 40, INF, INF, 1, 6, 21, 30, 20, INF, 0]
ENTRY = [0.0, 2.0, 10, 0, 12, 0, 0, 5, 9, 0, 30, 0]
N = [1, 3, 2, 4, 1, 2, 1, 2, 3, 1, 2, 2]
SHAPES = [(name, never, at_once) for name in FAMILIES for never in (False, True) for at_once in (False, True)]


def scipy_distribution(name, alpha, beta, form):
    scale = np.exp(-alpha / beta)
    return {
        "exponential": lambda: stats.expon(scale=scale),
        "weibull": lambda: stats.weibull_min(beta, scale=scale),
        "lognormal": lambda: stats.lognorm(1 / beta, scale=scale),
        "loglogistic": lambda: stats.fisk(beta, scale=scale),
        "gamma": lambda: stats.gamma(np.exp(form), scale=scale),
        "generalised_gamma": lambda: stats.gengamma(
            form**-2, form * beta, scale=scale * form ** (2 / (form * beta))
        ),
    }[name]()


def setting(name, never, at_once):
    shape = Shape(family=FAMILIES[name], never=never, at_once=at_once)
    keep = slice(None) if at_once else slice(-1)
    known = intervals(LOWER[keep], UPPER[keep], N[keep], ENTRY[keep])
    values = {"alpha": 0.15, "beta": 0.9, "form": 0.6, "never": 0.8, "at_once": -1.4}
    return shape, known, points(known, at_once), np.array([values[one] for one in shape.names])


@pytest.mark.parametrize(("name", "never", "at_once"), SHAPES)
def test_value_is_the_sum_over_rows(name, never, at_once):
    shape, known, at, theta = setting(name, never, at_once)
    alpha, beta, form, c, p = shape.unpack(theta)
    distribution = scipy_distribution(name, alpha - beta * at.shift, beta, form)

    def below(time):
        return 0.0 if time < 0 else p + (1 - p) * c * distribution.cdf(time) if np.isfinite(time) else 1.0

    total = 0.0
    for lower, upper, entry, n in zip(known.lower, known.upper, known.entry, known.n, strict=True):
        if lower == upper:
            chance = p if lower == 0 else (1 - p) * c * distribution.pdf(lower)
        else:
            chance = below(upper) - (below(lower) if lower > 0 else 0.0)
        total += n * (np.log(chance) - np.log(1 - (below(entry) if entry > 0 else 0.0)))
    assert log_likelihood(at, shape, theta)[0] == pytest.approx(total, rel=1e-9)


@pytest.mark.parametrize(("name", "never", "at_once"), SHAPES)
def test_derivatives_are_those_of_the_value(name, never, at_once):
    shape, _, at, theta = setting(name, never, at_once)
    _, gradient, second = log_likelihood(at, shape, theta)
    np.testing.assert_allclose(second, second.T)
    for i in range(theta.size):
        step = np.zeros_like(theta)
        step[i] = 1e-5
        up, down = log_likelihood(at, shape, theta + step), log_likelihood(at, shape, theta - step)
        assert gradient[i] == pytest.approx((up[0] - down[0]) / 2e-5, rel=1e-5, abs=1e-5)
        np.testing.assert_allclose(second[i], (up[1] - down[1]) / 2e-5, rtol=2e-4, atol=2e-4)


@pytest.mark.parametrize("name", list(FAMILIES))
def test_standard_distributions_hold_in_the_far_tails(name):
    """Logarithms stay finite and match SciPy's where those do not underflow."""
    one = FAMILIES[name]
    w = np.array([-300.0, -40, -5, 0, 2, 3, 6, 12])
    base = one.standard(w, 0.7)
    distribution = scipy_distribution(name, 0.0, 1.0, 0.7)
    with np.errstate(divide="ignore"):
        above, below = distribution.logsf(np.exp(w)), distribution.logcdf(np.exp(w))
    seen = np.isfinite(above) & (above > -600)
    np.testing.assert_allclose(base.log_above[seen], above[seen], rtol=1e-6, atol=1e-15)
    seen = np.isfinite(below) & (below > -600)
    np.testing.assert_allclose(base.log_below[seen], below[seen], rtol=1e-6, atol=1e-12)
    assert np.isfinite(base.log_below).all()
    assert np.isfinite(base.log_above[w < 6]).all()
    assert (np.diff(base.log_above[w < 6.5]) <= 0).all()
    shares = np.array([1e-12, 0.1, 0.5, 0.999999])
    np.testing.assert_allclose(
        np.exp(one.standard(one.quantile(shares, 1 - shares, 0.7), 0.7).log_below), shares, rtol=1e-6
    )


def test_the_generalised_gamma_passes_smoothly_through_the_lognormal():
    w = np.linspace(-4, 4, 41)
    standard = FAMILIES["generalised_gamma"].standard
    normal = FAMILIES["lognormal"].standard(w, 0.0)
    for form in (-2e-3, -1e-3, -5e-4, 0.0, 5e-4, 1e-3, 2e-3):
        near = standard(w, form)
        np.testing.assert_allclose(near.log_density, normal.log_density, atol=30 * abs(form) + 1e-4)
        np.testing.assert_allclose(near.log_above, normal.log_above, atol=30 * abs(form) + 1e-4)
    mirrored = standard(-w, -0.7)
    np.testing.assert_allclose(mirrored.log_above, standard(w, 0.7).log_below, rtol=1e-12)
