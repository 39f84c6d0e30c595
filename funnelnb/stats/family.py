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
    log_above, log_below : ndarray of float64
        Logarithms of the probabilities above and up to w.
    """

    log_density: Floats
    slope: Floats
    bend: Floats
    log_above: Floats
    log_below: Floats


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
    """

    name: str
    parameters: tuple[str, ...]
    free_scale: bool
    free_form: bool
    standard: Callable[[Floats, float], Standard]
    quantile: Callable[[Floats, Floats, float], Floats]
    report: Callable[[float, float, float], tuple[float, ...]]
    first_form: float = 0.0


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
    return Standard(log_density=w - z, slope=1 - z, bend=-z, log_above=-z, log_below=log_one_minus_exp(-z))


def _normal(w: Floats, form: float) -> Standard:
    from scipy.special import log_ndtr

    return Standard(
        log_density=-0.5 * (w * w + np.log(2 * np.pi)),
        slope=-w,
        bend=np.full_like(w, -1.0),
        log_above=log_ndtr(-w),
        log_below=log_ndtr(w),
    )


def _logistic(w: Floats, form: float) -> Standard:
    from scipy.special import log_expit

    above, below = log_expit(-w), log_expit(w)
    log_density = above + below
    return Standard(
        log_density=log_density,
        slope=np.exp(above) - np.exp(below),
        bend=-2 * np.exp(log_density),
        log_above=above,
        log_below=below,
    )


def _log_gamma(w: Floats, form: float) -> Standard:
    """Log of a gamma time with scale 1 and this logarithm of the shape."""
    from scipy.special import gammaln

    shape, z = float(np.exp(form)), np.exp(np.minimum(w, 700))
    log_density = shape * w - z - gammaln(shape)
    log_above, log_below = _log_incomplete(shape, z, w)
    return Standard(
        log_density=log_density, slope=shape - z, bend=-z, log_above=log_above, log_below=log_below
    )


def _log_incomplete(shape: float, z: Floats, log_z: Floats) -> tuple[Floats, Floats]:
    """Return the logarithms of the regularised incomplete gamma functions, with series where they underflow."""
    from scipy.special import gammainc, gammaincc, gammaln

    above, below = gammaincc(shape, z), gammainc(shape, z)
    with np.errstate(divide="ignore", invalid="ignore"):
        far_above = (shape - 1) * log_z - z - gammaln(shape) + np.log1p((shape - 1) / np.maximum(z, 1.0))
        far_below = shape * log_z - z - gammaln(shape + 1) + np.log1p(z / (shape + 1))
        log_above = np.where(above > 1e-290, np.log(above), far_above)
        log_below = np.where(below > 1e-290, np.log(below), far_below)
    return log_above, log_below


def _generalised(w: Floats, form: float) -> Standard:
    """Prentice's log generalised gamma: form 1 is Weibull, 0 lognormal, below 0 its mirror image."""
    if abs(form) >= _NORMAL_BELOW:
        return _generalised_at(w, form)
    low, high = _generalised_at(w, -_NORMAL_BELOW), _generalised_at(w, _NORMAL_BELOW)
    part = (form + _NORMAL_BELOW) / (2 * _NORMAL_BELOW)
    names = ("log_density", "slope", "bend", "log_above", "log_below")
    return Standard(**{name: (1 - part) * getattr(low, name) + part * getattr(high, name) for name in names})


def _generalised_at(w: Floats, form: float) -> Standard:
    from scipy.special import gammaln

    shape = form**-2.0
    u = form * w
    z = shape * np.exp(np.minimum(u, 700))
    log_density = np.log(abs(form)) + shape * (np.log(shape) + u) - z - gammaln(shape)
    above, below = _log_incomplete(shape, z, np.log(shape) + u)
    if form < 0:
        above, below = below, above
    return Standard(
        log_density=log_density,
        slope=form * (shape - z),
        bend=-form * form * z,
        log_above=above,
        log_below=below,
    )


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
    ),
}
"""Known families by name, simplest first."""
