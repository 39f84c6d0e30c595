"""How many leads give enough wins, when the rates of the steps are themselves known from few deals only?

Dividing the wins wanted by the rates gives a number of leads with which the target is missed about every
second time. Here the uncertainty of each rate and the luck of the draw both count.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from funnelnb.core import check
from funnelnb.core.errors import ParameterError
from funnelnb.stats.rates.proportion import counts

if TYPE_CHECKING:
    from collections.abc import Sequence


Floats = NDArray[np.float64]

EXACT_MOST = 1024
"""Up to so many leads chances are worked out by exact recursion, above by a lattice of log rates."""
LOG_CELLS = 1 << 13
MOST_LEADS = 10_000_000


def step_chances(k: ArrayLike, n: ArrayLike, wins: int, leads: int) -> Floats:
    """With 0, 1 ... `leads` leads, how likely are at least `wins` wins?

    Parameters
    ----------
    k, n : array_like of shape (S,)
        Advanced and tried deals of each step, in order; may be fractions (share times an effective n).
    wins : int
        Wins wanted, >= 0.
    leads : int
        Largest number of leads, at most `EXACT_MOST`.

    Returns
    -------
    ndarray of float64, shape (leads + 1,)
        Never falls with the number of leads.

    Raises
    ------
    ParameterError
        A count is out of range.

    Notes
    -----
    Each rate has the posterior Beta(k + 1/2, n - k + 1/2) (Jeffreys). From the last step to the first, the
    chance of j deals before a step is the beta-binomial mean of the chances after it: exact, no simulation.

    Checked against the beta-binomial survival function for one step and against simulation for three:
    ``tests/stats/test_assurance.py``.

    Examples
    --------
    >>> chance = step_chances([30, 18, 9], [120, 30, 18], wins=20, leads=460)
    >>> [round(float(chance[leads]), 2) for leads in (267, 360, 400, 460)]
    [0.49, 0.77, 0.84, 0.91]
    """
    first, second = _posterior(k, n)
    need, most = _whole("wins", wins), _whole("leads", leads)
    if most > EXACT_MOST:
        raise ParameterError(f"leads = {most}", expected=f"at most {EXACT_MOST} for the exact chance")
    chance = (np.arange(most + 1) >= need).astype(float)
    for a, b in zip(first[::-1], second[::-1], strict=True):
        chance = _one_step_back(chance, float(a), float(b), need)
    return np.maximum.accumulate(np.clip(chance, 0.0, 1.0))


def _one_step_back(chance: Floats, a: float, b: float, need: int) -> Floats:
    """Return for each number of deals the beta-binomial mean of `chance` over those that advance."""
    size = chance.size
    whole = np.arange(size - 1, dtype=float)
    # logarithms of rising factorials, term by term: differences of log-gamma lose digits for large counts
    factorial, good, bad, both = (
        np.append(0.0, np.cumsum(np.log(whole + start))) for start in (1.0, a, b, a + b)
    )
    back = np.zeros(size)
    advanced = slice(need, size)
    for start in range(need, size, 256):
        tried = np.arange(start, min(start + 256, size))
        rest = tried[:, None] - np.arange(need, size)[None, :]
        inside = rest >= 0
        log = (good - factorial)[None, advanced] + (bad - factorial)[np.where(inside, rest, 0)]
        log += (factorial - both)[tried, None]
        back[tried] = np.exp(np.where(inside, log, -np.inf)) @ chance[advanced]
    return back


def step_chance(k: ArrayLike, n: ArrayLike, wins: int, leads: int) -> float:
    """How likely do so many leads give at least so many wins, through steps whose rates are uncertain?

    Parameters
    ----------
    k, n : array_like of shape (S,)
        Advanced and tried deals of each step, as in :func:`step_chances`.
    wins : int
        Wins wanted, >= 0.
    leads : int
        Leads, >= 0.

    Returns
    -------
    float

    Notes
    -----
    Exact up to `EXACT_MOST` leads. Above, the logarithms of the rates are laid on a lattice that keeps the
    mean, added by Fourier transform, and the binomial tail is averaged over their sum; the error is below
    1e-4.

    Examples
    --------
    >>> round(step_chance([30, 18, 9], [120, 30, 18], wins=20, leads=267), 3)
    0.491
    """
    need, tried = _whole("wins", wins), _whole("leads", leads)
    if tried <= EXACT_MOST:
        return float(step_chances(k, n, need, tried)[-1])
    first, second = _posterior(k, n)
    return _at_rates(*_product_rate(first, second), need, tried)


def required_leads(k: ArrayLike, n: ArrayLike, wins: int, assurance: float = 0.8) -> int:
    """How many leads give at least so many wins with this chance?

    Parameters
    ----------
    k, n : array_like of shape (S,)
        Advanced and tried deals of each step, as in :func:`step_chances`.
    wins : int
        Wins wanted, >= 0.
    assurance : float
        Chance wanted, strictly between 0 and 1.

    Returns
    -------
    int

    Raises
    ------
    ParameterError
        The rates are so uncertain that even `MOST_LEADS` leads would not do.

    Examples
    --------
    >>> required_leads([30, 18, 9], [120, 30, 18], wins=20, assurance=0.8)
    377
    """
    need = _whole("wins", wins)
    level = check.number("assurance", assurance, gt=0, lt=1)
    if need == 0:
        return 0
    first, second = _posterior(k, n)
    guess = need / max(float(np.prod(first / (first + second))), 1e-12)
    most = int(min(EXACT_MOST, max(64, 2 * guess)))
    if guess < EXACT_MOST:
        while True:
            chance = step_chances(k, n, need, most)
            if chance[-1] >= level:
                return int(np.searchsorted(chance, level))
            if most == EXACT_MOST:
                break
            most = min(EXACT_MOST, 2 * most)
    return _search(first, second, need, level)


def _search(first: Floats, second: Floats, need: int, level: float) -> int:
    rates = _product_rate(first, second)
    low, high = EXACT_MOST, 2 * EXACT_MOST
    while _at_rates(*rates, need, high) < level:
        low, high = high, 2 * high
        if high > MOST_LEADS:
            raise ParameterError(
                f"even {MOST_LEADS} leads do not give {need} wins with a chance of {level:g}",
                expected="rates that are known better, or a smaller target",
                hint="a step has hardly been seen to succeed: collect more deals, or give its rate",
            )
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _at_rates(*rates, need, middle) >= level else (middle, high)
    return high


def _product_rate(first: Floats, second: Floats) -> tuple[Floats, Floats]:
    """Return the product of independent beta rates as points with their probabilities."""
    from scipy.special import betainc, betaincinv

    deepest = sum(
        -math.log(max(float(betaincinv(a, b, 1e-7)), 1e-300)) for a, b in zip(first, second, strict=True)
    )
    step = max(deepest, 1e-6) / LOG_CELLS
    edge = np.exp(-(np.arange(LOG_CELLS + 1) - 0.5) * step)
    edge[0] = 1.0
    product = np.ones(1)
    for a, b in zip(first, second, strict=True):
        below = betainc(a, b, edge)
        mass = np.append(below[:-1] - below[1:], below[-1])
        product = _add_logs(product, mass)
    probability = np.clip(product, 0, None)
    kept = probability > 1e-15
    return np.exp(-np.arange(LOG_CELLS + 1) * step)[kept], probability[kept]


def _add_logs(one: Floats, other: Floats) -> Floats:
    """Return the distribution of the sum of two lattice variables, cut off at the deepest cell."""
    size = 2 * LOG_CELLS + 2
    made: Floats = np.fft.irfft(np.fft.rfft(one, size) * np.fft.rfft(other, size), size)[: LOG_CELLS + 1]
    return made


def _at_rates(rate: Floats, probability: Floats, need: int, leads: int) -> float:
    from scipy.special import betainc

    if need == 0:
        return 1.0
    if leads < need:
        return 0.0
    return min(1.0, float(probability @ betainc(need, leads - need + 1, rate)))


def in_turn(wins: int, rates: Sequence[float]) -> tuple[int, ...]:
    """How many deals does each step need, dividing by its rate and rounding up, from the end to the start?

    Parameters
    ----------
    wins : int
        Wanted at the end, >= 0.
    rates : sequence of float, length S
        Share of the deals that gets through each step, first step first, above 0 and at most 1.

    Returns
    -------
    tuple of int, length S + 1
        Needed before each step; the last is `wins`.

    Raises
    ------
    ParameterError
        A rate is 0, or not between 0 and 1.

    Examples
    --------
    >>> in_turn(38, [0.25, 0.50, 0.75])
    (408, 102, 51, 38)
    """
    needed = [_whole("wins", wins)]
    for position, rate in reversed(list(enumerate(rates))):
        share = check.number(f"rates[{position}]", rate, gt=0, le=1)
        needed.append(math.ceil(round(needed[-1] / share, 9)))
    return tuple(reversed(needed))


def _posterior(k: ArrayLike, n: ArrayLike) -> tuple[Floats, Floats]:
    successes, trials = (np.atleast_1d(array) for array in counts(k, n))
    return successes + 0.5, trials - successes + 0.5


def _whole(name: str, value: float) -> int:
    number = check.number(name, value, ge=0, le=MOST_LEADS)
    if number != int(number):
        raise ParameterError(f"{name} = {value!r}", expected="a whole number")
    return int(number)
