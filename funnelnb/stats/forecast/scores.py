"""How good were forecasts of amounts? CRPS, coverage, skill against others, and the right width."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from funnelnb.core import check

if TYPE_CHECKING:
    from collections.abc import Sequence

Floats = NDArray[np.float64]

LEVELS = (0.5, 0.8, 0.9)
SETTLED_N = 10.0
"""A measured width counts half where it rests on so many periods, the model's own the other half."""
MOST_FACTOR = 4.0


def crps(draws: ArrayLike, value: float) -> float:
    """How far is a forecast distribution from what came, in the unit of the value? 0 is perfect.

    Parameters
    ----------
    draws : array_like of shape (D,)
        Equally likely values; one value is a point forecast, and the score its distance.
    value : float

    Returns
    -------
    float

    Notes
    -----
    ``E|X - y| - E|X - X'| / 2``, in one pass over the sorted draws.

    References
    ----------
    Gneiting & Raftery (2007), doi:10.1198/016214506000001437.

    Examples
    --------
    >>> crps([3.0], 5.0), crps([0.0, 1.0], 0.0)
    (2.0, 0.25)
    """
    x = np.sort(np.asarray(draws, dtype=float))
    n = x.size
    apart = 2 * float((x * (2 * np.arange(1, n + 1) - n - 1)).sum()) / n**2
    return float(np.abs(x - value).mean()) - apart / 2


def place(draws: ArrayLike, value: float) -> float:
    """Return the share of the draws below a value, ties half: even between 0 and 1 where forecasts are right."""
    x = np.asarray(draws, dtype=float)
    return float(((x < value).sum() + 0.5 * (x == value).sum()) / x.size)


def width_factor(places: Sequence[float]) -> float:
    """By which factor would past intervals have had to be wider, or narrower, to hold what they promised?

    Parameters
    ----------
    places : sequence of float
        Where each past result lay in its forecast (0 to 1), see :func:`place`.

    Returns
    -------
    float
        1 where nothing is known; pulled to 1 as far as there are few periods.

    Notes
    -----
    Split conformal prediction with the score ``|z|``, z being the normal quantile of the place: the interval of level L
    has to reach to the ``(n + 1) L``-th smallest score instead of the normal quantile. The factors of the levels
    50, 80 and 90 % that n periods can tell of are averaged (of the log), and count ``n / (n + 10)``.

    References
    ----------
    Vovk, Gammerman & Shafer (2005), *Algorithmic Learning in a Random World*; Lei et al. (2018),
    doi:10.1080/01621459.2017.1307116.

    Checked against the rank by hand and coverage by simulation: ``tests/stats/test_scores.py``.

    Examples
    --------
    >>> width_factor([]), round(width_factor([0.01, 0.99] * 10), 2) > 1.5
    (1.0, True)
    """
    from scipy.special import ndtri

    n = len(places)
    if not n:
        return 1.0
    score = np.sort(np.abs(ndtri(np.clip(np.asarray(places, dtype=float), 1e-4, 1 - 1e-4))))
    logs = []
    for level in LEVELS:
        rank = (n + 1) * level
        if rank > n:
            continue
        reach = float(np.interp(rank, np.arange(1, n + 1), score))
        logs.append(math.log(max(reach, 1e-3) / float(ndtri((1 + level) / 2))))
    if not logs:
        return 1.0
    factor = math.exp(float(np.mean(logs)) * n / (n + SETTLED_N))
    return float(np.clip(factor, 1 / MOST_FACTOR, MOST_FACTOR))


@dataclass(frozen=True, slots=True, kw_only=True)
class Misses:
    """How large past misses were, beside what the forecasts held possible.

    Attributes
    ----------
    ratio, ci_lower, ci_upper : float
        Misses over those that were promised (root of the mean square): 1 where forecasts are right.
    p : float
        Chance of so much where misses are `tolerated` times as large as promised.
    """

    ratio: float
    ci_lower: float
    ci_upper: float
    p: float


LEAST_TAIL = 1e-3
"""No place counts as further out: draws do not tell what lies beyond."""


def misses(
    places: Sequence[float], tolerated: float = 1.0, confidence_level: float = check.CONFIDENCE_LEVEL
) -> Misses:
    """Were past misses larger than the forecasts held possible?

    Parameters
    ----------
    places : sequence of float
        Where each past result lay in its forecast (0 to 1), see :func:`place`; of forecasts that do not overlap.
    tolerated : float
        How many times as large as promised misses may be without an alarm.
    confidence_level : float

    Returns
    -------
    Misses

    Notes
    -----
    With z the normal quantile of a place, the sum of z² over ``tolerated``² has a chi-square distribution with n
    degrees of freedom where forecasts promise what they hold; a lasting bias, too wide a swing and single large misses
    all raise it. Far more telling than the number of results outside a range, which forgets by how much.

    References
    ----------
    Berkowitz (2001), doi:10.1198/07350010152596718. Dawid (1984), doi:10.2307/2981683.

    Checked against the size and power by simulation: ``tests/stats/test_scores.py``.

    Examples
    --------
    >>> misses([0.5] * 12).p > 0.99, misses([0.01, 0.99] * 6).p < 1e-6
    (True, True)
    """
    from scipy.special import chdtrc, chdtri, ndtri

    z = ndtri(np.clip(np.asarray(places, dtype=float), LEAST_TAIL, 1 - LEAST_TAIL))
    n, total = z.size, float((z**2).sum())
    if not n:
        return Misses(ratio=math.nan, ci_lower=math.nan, ci_upper=math.nan, p=math.nan)
    tail = (1 - confidence_level) / 2
    lower, upper = (math.sqrt(total / float(chdtri(n, one))) for one in (tail, 1 - tail))
    return Misses(
        ratio=math.sqrt(total / n), ci_lower=lower, ci_upper=upper, p=float(chdtrc(n, total / tolerated**2))
    )


def widened(draws: Floats, factor: float, least: float | Floats = 0.0) -> Floats:
    """Return draws, shape (D, …), spread about their mean by a factor; none below `least`.

    About the mean, because means of groups add up: groups that are widened one by one still add up to the whole.
    """
    middle = draws.mean(axis=0)
    made: Floats = np.maximum(middle + factor * (draws - middle), least)
    return made


@dataclass(frozen=True, slots=True, kw_only=True)
class Skill:
    """How much better one way to forecast is than another.

    Attributes
    ----------
    n : int
        Periods scored by both.
    score, other_score : float
        Mean CRPS of both.
    gain, ci_lower, ci_upper : float
        Mean of the other's score less ours: above 0 we are better. NaN bounds with fewer than three periods.
    """

    n: int
    score: float
    other_score: float
    gain: float
    ci_lower: float
    ci_upper: float


def skill(
    score: ArrayLike, other: ArrayLike, confidence_level: float = check.CONFIDENCE_LEVEL, overlap: int = 1
) -> Skill:
    """By how much is the CRPS of one way to forecast below that of another, and how sure is that?

    Parameters
    ----------
    score, other : array_like of shape (N,)
        Of the same periods in time order; pairs with a NaN are left out.
    confidence_level : float
    overlap : int
        Neighbouring scores that speak of overlapping times; only every `overlap`-th counts as one of its own.

    Returns
    -------
    Skill

    Notes
    -----
    Student's t on the paired differences, as Diebold and Mariano do with the correction of Harvey, Leybourne and
    Newbold.

    References
    ----------
    Diebold & Mariano (1995), doi:10.1080/07350015.1995.10524599. Harvey, Leybourne & Newbold (1997),
    doi:10.1016/S0169-2070(96)00719-4.

    Examples
    --------
    >>> found = skill([1, 2, 1, 2], [3, 3, 4, 3])
    >>> found.gain, found.ci_lower > 0
    (1.75, True)
    """
    from scipy.special import stdtrit

    one, two = np.asarray(score, dtype=float), np.asarray(other, dtype=float)
    both = np.isfinite(one) & np.isfinite(two)
    difference = (two - one)[both]
    n = difference.size
    if not n:
        return Skill(
            n=0, score=math.nan, other_score=math.nan, gain=math.nan, ci_lower=math.nan, ci_upper=math.nan
        )
    gain = float(difference.mean())
    lower = upper = math.nan
    units = n / max(overlap, 1)
    if n >= 3 and units >= 2:
        half = (
            float(stdtrit(units - 1, (1 + confidence_level) / 2))
            * float(difference.std(ddof=1))
            / math.sqrt(units)
        )
        lower, upper = gain - half, gain + half
    return Skill(
        n=n,
        score=float(one[both].mean()),
        other_score=float(two[both].mean()),
        gain=gain,
        ci_lower=lower,
        ci_upper=upper,
    )
