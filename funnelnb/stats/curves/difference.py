"""How far are two groups apart at a fixed day?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from funnelnb.core import check
from funnelnb.stats.curves.band import log_log_band
from funnelnb.stats.rates.proportion import normal_quantile

if TYPE_CHECKING:
    from funnelnb.stats.curves.incidence import Incidence


_NARROWEST = 1e-9  # standard normal below which nothing is told apart
_WIDEST = 40.0  # standard normal beyond which a p-value is 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Incidence in one group minus that in another at one time.

    Attributes
    ----------
    time : float
    difference, ci_lower, ci_upper : float
        Within [-1, 1]; NaN when a curve is not known at that time.
    p_value : float
        Two-sided; below 1 - confidence level exactly when the interval leaves out 0.
    """

    time: float
    difference: float
    ci_lower: float
    ci_upper: float
    p_value: float


def incidence_difference(
    first: Incidence,
    second: Incidence,
    time: float,
    cause: int = 1,
    confidence_level: float = check.CONFIDENCE_LEVEL,
) -> Difference:
    """By a fixed day, how many more of one group than of the other had the outcome?

    Parameters
    ----------
    first, second : Incidence
        Curves of two groups that share no deal.
    time : float
        In the unit of the curves.
    cause : int
        1 ... C.
    confidence_level : float
        Of the interval.

    Returns
    -------
    Difference

    Raises
    ------
    ParameterError
        If `confidence_level` is not between 0 and 1.

    Notes
    -----
    The distances from each rate to its own complementary log-log bounds are squared and added, as Newcombe
    does for shares. The p-value is 1 minus the highest confidence level whose interval still leaves out 0, so
    test and interval always agree.

    References
    ----------
    Zou & Donner (2008), doi:10.1002/sim.3095. Klein, Logan, Harhoff & Andersen (2007), doi:10.1002/sim.2864.

    Checked for size, coverage and agreement of test and interval by simulation:
    ``tests/stats/test_difference.py``.

    Examples
    --------
    >>> from funnelnb.stats.curves.incidence import aalen_johansen
    >>> north = aalen_johansen([5, 10, 20, 30], [1, 1, 2, 0], n=[30, 20, 30, 20])
    >>> south = aalen_johansen([5, 10, 20, 30], [1, 1, 2, 0], n=[10, 15, 50, 25])
    >>> found = incidence_difference(north, south, time=15)
    >>> print(f"{found.difference:.2f} [{found.ci_lower:.2f}, {found.ci_upper:.2f}] p = {found.p_value:.4f}")
    0.25 [0.14, 0.36] p = 0.0004
    """
    from scipy.optimize import brentq

    z = normal_quantile(confidence_level)
    one, other = first.at(time), second.at(time)
    reads = [(read.rate[cause - 1], read.variance[cause - 1], read.at_risk) for read in (one, other)]
    difference = float(reads[0][0][0] - reads[1][0][0])
    if math.isnan(difference) or any(np.isnan(variance).any() for _, variance, _ in reads):
        nan = math.nan
        return Difference(time=float(time), difference=difference, ci_lower=nan, ci_upper=nan, p_value=nan)

    def reach(z: float) -> tuple[float, float]:
        (one_down, one_up), (other_down, other_up) = (
            (float(rate[0] - lower[0]), float(upper[0] - rate[0]))
            for rate, (lower, upper) in ((read[0], log_log_band(*read, z)) for read in reads)
        )
        return math.hypot(one_down, other_up), math.hypot(one_up, other_down)

    down, up = reach(z)
    towards_zero = 0 if difference > 0 else 1

    def beyond(z: float) -> float:
        return reach(z)[towards_zero] - abs(difference)

    least = _WIDEST if difference else 0.0
    if least and beyond(_WIDEST) > 0:
        # Where everybody is decided and nobody is watched any more, not even the narrowest interval leaves out 0.
        least = 0.0 if beyond(_NARROWEST) >= 0 else brentq(beyond, _NARROWEST, _WIDEST, xtol=1e-12)
    return Difference(
        time=float(time),
        difference=difference,
        ci_lower=max(difference - down, -1.0),
        ci_upper=min(difference + up, 1.0),
        p_value=math.erfc(least / math.sqrt(2)),
    )
