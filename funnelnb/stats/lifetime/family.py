"""The shapes a time can have: exponential, Weibull, lognormal, log-logistic, gamma, generalised gamma.

Every family is written on the same straight line, ``w = alpha + beta * log(time)``: w has a standard
distribution that does not depend on alpha and beta. Exponential and gamma fix beta at 1; gamma and
generalised gamma have one more parameter, `form`, in the standard distribution. So one likelihood serves all
of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from funnelnb.core import check

if TYPE_CHECKING:
    from collections.abc import Callable


Floats = NDArray[np.float64]
_NORMAL_BELOW = 1e-3  # generalised gamma: between minus and plus this form it is interpolated


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Standard:
    """A standard distribution at points w, each field of the shape of w.

    Attributes
    ----------
    log_density, slope, bend : ndarray of float64
        Logarithm of the density of w and its first two derivatives in w.
    above, below : callable
        Give the logarithms of the probabilities above and up to w. Worked out only when called: exact times, which are
        most, do not need them, and for the gamma families they cost the most.
    """

    log_density: Floats
    slope: Floats
    bend: Floats
    above: Callable[[], Floats]
    below: Callable[[], Floats]

    @property
    def log_above(self) -> Floats:
        """Logarithm of the probability above w."""
        return self.above()

    @property
    def log_below(self) -> Floats:
        """Logarithm of the probability up to w."""
        return self.below()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Family:
    """One family of distributions of a time.

    Attributes
    ----------
    name : str
    parameters : tuple of str
        Names of what is reported, in the usual parametrisation.
    free_scale : bool
        Whether beta is estimated (otherwise 1).
    free_form : bool
        Whether the standard distribution has a parameter of its own.
    standard : callable
        (w, form) -> Standard.
    quantile : callable
        (share below, share above, form) -> w.
    report : callable
        (alpha, beta, form) -> values of `parameters`.
    first_form : float
        Where a search for the form starts.
    draw : callable, optional
        (generator, size, form) -> w, where drawing is quicker than the quantile of a uniform number.
    """

    name: str
    parameters: tuple[str, ...]
    free_scale: bool
    free_form: bool
    standard: Callable[[Floats, float], Standard]
    quantile: Callable[[Floats, Floats, float], Floats]
    report: Callable[[float, float, float], tuple[float, ...]]
    first_form: float = 0.0
    draw: Callable[[np.random.Generator, int, float], Floats] | None = None


def family(name: str) -> Family:
    """Return the family of that name, or raise ParameterError with the nearest one."""
    return FAMILIES[check.one_of("family", name, FAMILIES)]


def log_one_minus_exp(x: Floats) -> Floats:
    """Return log(1 - exp(x)) for x <= 0 without losing digits at either end."""
    with np.errstate(divide="ignore"):
        return np.where(x > -0.6931471805599453, np.log(-np.expm1(x)), np.log1p(-np.exp(np.minimum(x, 0))))


def _smallest_extreme(w: Floats, form: float) -> Standard:
    """Weibull and exponential: log of an exponential time."""
    z = np.exp(np.minimum(w, 700))
    return Standard(
        log_density=w - z, slope=1 - z, bend=-z, above=lambda: -z, below=lambda: log_one_minus_exp(-z)
    )


def _normal(w: Floats, form: float) -> Standard:
    from scipy.special import log_ndtr

    return Standard(
        log_density=-0.5 * (w * w + np.log(2 * np.pi)),
        slope=-w,
        bend=np.full_like(w, -1.0),
        above=lambda: log_ndtr(-w),
        below=lambda: log_ndtr(w),
    )


def _logistic(w: Floats, form: float) -> Standard:
    small = np.exp(-np.abs(w))  # odds of the smaller tail
    log_larger = -np.log1p(small)
    above, below = np.minimum(-w, 0) + log_larger, np.minimum(w, 0) + log_larger
    larger = 1 / (1 + small)
    return Standard(
        log_density=above + below,
        slope=np.copysign((1 - small) * larger, -w),
        bend=-2 * small * larger**2,
        above=lambda: above,
        below=lambda: below,
    )


def _log_gamma(w: Floats, form: float) -> Standard:
    """Log of a gamma time with scale 1 and this logarithm of the shape."""
    from scipy.special import gammaln

    shape, z = float(np.exp(form)), np.exp(np.minimum(w, 700))
    log_density = shape * w - z - gammaln(shape)
    return Standard(
        log_density=log_density,
        slope=shape - z,
        bend=-z,
        above=lambda: _log_upper(shape, z, w),
        below=lambda: _log_lower(shape, z, w),
    )


def _log_upper(shape: float, z: Floats, log_z: Floats) -> Floats:
    """Return the logarithm of the upper regularised incomplete gamma function, by series where it underflows.

    Below z = 1 as one minus the lower one, which SciPy gives up to ten times faster there.
    """
    from scipy.special import gammainc, gammaincc, gammaln

    near = z < 1
    if near.any():
        logs, far = np.empty_like(z), ~near
        logs[near] = np.log1p(-gammainc(shape, z[near]))
        logs[far] = _log_upper(shape, z[far], log_z[far])
        return logs
    chance = gammaincc(shape, z)
    tiny = chance < 1e-290
    if not tiny.any():
        return np.log(chance)
    high, log_high = z[tiny], log_z[tiny]
    series = (shape - 1) * log_high - high - gammaln(shape) + np.log1p((shape - 1) / high)
    logs = np.log(np.where(tiny, 1.0, chance))
    logs[tiny] = series
    return logs


def _log_lower(shape: float, z: Floats, log_z: Floats) -> Floats:
    """Return the logarithm of the lower regularised incomplete gamma function, by series where it underflows."""
    from scipy.special import gammainc, gammaln

    chance = gammainc(shape, z)
    tiny = chance < 1e-290
    if not tiny.any():
        return np.log(chance)
    near, log_near = z[tiny], log_z[tiny]
    chance[tiny] = 1.0
    logs = np.log(chance)
    logs[tiny] = shape * log_near - near - gammaln(shape + 1) + np.log1p(near / (shape + 1))
    return logs


def _generalised(w: Floats, form: float) -> Standard:
    """Prentice's log generalised gamma: form 1 is Weibull, 0 lognormal, below 0 its mirror image."""
    if abs(form) >= _NORMAL_BELOW:
        return _generalised_at(w, form)
    low, high = _generalised_at(w, -_NORMAL_BELOW), _generalised_at(w, _NORMAL_BELOW)
    part = (form + _NORMAL_BELOW) / (2 * _NORMAL_BELOW)

    def blend(name: str) -> Floats:
        return (1 - part) * getattr(low, name) + part * getattr(high, name)

    return Standard(
        log_density=blend("log_density"),
        slope=blend("slope"),
        bend=blend("bend"),
        above=lambda: blend("log_above"),
        below=lambda: blend("log_below"),
    )


def _generalised_at(w: Floats, form: float) -> Standard:
    shape = form**-2.0
    u = form * w
    grown = np.expm1(np.minimum(u, 700))
    z, log_z = (
        shape * np.exp(np.minimum(u, 700)),
        np.log(shape) + u,
    )  # 1 + grown would lose the digits of a small z
    log_density = np.log(abs(form)) + shape * (u - grown) + _log_peak(shape)
    first, second = (_log_upper, _log_lower) if form > 0 else (_log_lower, _log_upper)
    return Standard(
        log_density=log_density,
        slope=-form * shape * grown,
        bend=-form * form * z,
        above=lambda: first(shape, z, log_z),
        below=lambda: second(shape, z, log_z),
    )


def _log_peak(shape: float) -> float:
    """Return ``shape log(shape) - shape - log Gamma(shape)``, by Stirling's series where its terms cancel."""
    from scipy.special import gammaln

    if shape < 50:
        return float(shape * np.log(shape) - shape - gammaln(shape))
    series = 1 / (12 * shape) - 1 / (360 * shape**3) + 1 / (1260 * shape**5)
    return float(0.5 * np.log(shape / (2 * np.pi)) - series)


def _normal_quantile(below: Floats, above: Floats, form: float) -> Floats:
    from scipy.special import ndtri

    return np.where(below < above, ndtri(below), -ndtri(above))


def _gamma_quantile(below: Floats, above: Floats, form: float) -> Floats:
    from scipy.special import gammainccinv, gammaincinv

    shape = float(np.exp(form))
    with np.errstate(divide="ignore"):
        return np.log(np.where(below < above, gammaincinv(shape, below), gammainccinv(shape, above)))


def _generalised_quantile(below: Floats, above: Floats, form: float) -> Floats:
    if abs(form) < _NORMAL_BELOW:
        return _normal_quantile(below, above, form)
    first, second = (below, above) if form > 0 else (above, below)
    log_shape = -2 * np.log(abs(form))
    return (_gamma_quantile(first, second, log_shape) - log_shape) / form


def _gamma_draw(rng: np.random.Generator, size: int, form: float) -> Floats:
    with np.errstate(divide="ignore"):
        return np.log(rng.standard_gamma(float(np.exp(form)), size))


def _generalised_draw(rng: np.random.Generator, size: int, form: float) -> Floats:
    if abs(form) < _NORMAL_BELOW:
        return rng.standard_normal(size)
    log_shape = -2 * np.log(abs(form))
    return (_gamma_draw(rng, size, log_shape) - log_shape) / form


def _extreme_quantile(below: Floats, above: Floats, form: float) -> Floats:
    with np.errstate(divide="ignore"):
        return np.log(np.where(below < above, -np.log1p(-below), -np.log(above)))


def _logistic_quantile(below: Floats, above: Floats, form: float) -> Floats:
    with np.errstate(divide="ignore"):
        return np.log(below) - np.log(above)


FAMILIES = {
    "exponential": Family(
        name="exponential",
        parameters=("mean",),
        free_scale=False,
        free_form=False,
        standard=_smallest_extreme,
        quantile=_extreme_quantile,
        report=lambda alpha, beta, form: (float(np.exp(-alpha)),),
    ),
    "weibull": Family(
        name="weibull",
        parameters=("scale", "shape"),
        free_scale=True,
        free_form=False,
        standard=_smallest_extreme,
        quantile=_extreme_quantile,
        report=lambda alpha, beta, form: (float(np.exp(-alpha / beta)), beta),
    ),
    "lognormal": Family(
        name="lognormal",
        parameters=("mu", "sigma"),
        free_scale=True,
        free_form=False,
        standard=_normal,
        quantile=_normal_quantile,
        report=lambda alpha, beta, form: (-alpha / beta, 1 / beta),
    ),
    "loglogistic": Family(
        name="loglogistic",
        parameters=("scale", "shape"),
        free_scale=True,
        free_form=False,
        standard=_logistic,
        quantile=_logistic_quantile,
        report=lambda alpha, beta, form: (float(np.exp(-alpha / beta)), beta),
    ),
    "gamma": Family(
        name="gamma",
        parameters=("shape", "scale"),
        free_scale=False,
        free_form=True,
        standard=_log_gamma,
        quantile=_gamma_quantile,
        report=lambda alpha, beta, form: (float(np.exp(form)), float(np.exp(-alpha))),
        draw=_gamma_draw,
    ),
    "generalised_gamma": Family(
        name="generalised_gamma",
        parameters=("mu", "sigma", "q"),
        free_scale=True,
        free_form=True,
        standard=_generalised,
        quantile=_generalised_quantile,
        report=lambda alpha, beta, form: (-alpha / beta, 1 / beta, form),
        first_form=0.5,
        draw=_generalised_draw,
    ),
}
"""Known families by name, simplest first."""
