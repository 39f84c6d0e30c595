"""How exactly an estimated amount is written: as its range allows, the same on every page.

An estimate with a wide range is not known to the last unit. All amounts of one forecast are rounded to one step: the
largest power of ten that is at most a tenth of the range, and never more than three digits of the largest amount.
What is smaller than the step keeps one digit. Tables and exports keep every digit.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from funnelnb.analysis.forecast.forecast import ForecastRow
    from funnelnb.analysis.targets.quota import Quota
    from funnelnb.analysis.targets.target import Target


def step_of(spread: float, largest: float) -> float:
    """Return what amounts are rounded to.

    Parameters
    ----------
    spread : float
        Width of the range; NaN or 0: not known, three digits are written.
    largest : float
        The largest amount that is written.

    Examples
    --------
    >>> step_of(1.77e6, 3.33e6), step_of(132_300.0, 132_300.0), step_of(900.0, 2.43e6)
    (100000.0, 10000.0, 10000.0)
    """
    digits = 10.0 ** (math.floor(math.log10(abs(largest))) - 2) if _usable(largest) else 0.0
    by_range = 10.0 ** math.floor(math.log10(spread / 10)) if _usable(spread) else 0.0
    return max(digits, by_range)


def _usable(value: float) -> bool:
    return math.isfinite(value) and value != 0


def rounded(value: float, step: float) -> float:
    """Return an amount rounded to a step; one that is smaller keeps one digit.

    Examples
    --------
    >>> rounded(2_431_870.0, 1e5), rounded(38_121.0, 1e5), rounded(-763_600.0, 1e4), rounded(0.0, 1e4)
    (2400000.0, 40000.0, -760000.0, 0.0)
    """
    if not _usable(value) or step <= 0:
        return value
    if abs(value) < step:
        return float(f"{value:.1g}")
    return float(round(value / step) * step)


def at_least(value: float, step: float) -> float:
    """Return an amount that is reached with some probability, rounded down: it keeps two digits or more.

    Examples
    --------
    >>> at_least(1_854_000.0, 1e5), at_least(137_200.0, 1e6), at_least(0.0, 1e4)
    (1800000.0, 130000.0, 0.0)
    """
    if not _usable(value) or step <= 0:
        return value
    step = min(step, 10.0 ** (math.floor(math.log10(abs(value))) - 1))
    return float(math.floor(value / step + 1e-9) * step)


def summed(total: float, known: float, *parts: float, step: float) -> tuple[float, ...]:
    """Return a total and its estimated parts rounded so that they add up; the largest part takes what is left.

    Parameters
    ----------
    total : float
    known : float
        The part that is counted; it is not rounded.
    *parts : float
        Estimated parts; with `known` they are the total.
    step : float

    Returns
    -------
    tuple of float
        The total, then the parts.

    Examples
    --------
    >>> summed(2.45e6, 0.0, 2.26e6, 0.19e6, step=1e5)
    (2400000.0, 2200000.0, 200000.0)
    """
    whole, written = rounded(total, step), [rounded(one, step) for one in parts]
    left = whole - rounded(known, step) - math.fsum(written)
    if abs(left) >= step / 2 and written:
        first = max(range(len(written)), key=lambda k: abs(written[k]))
        written[first] += round(left / step) * step
    return whole, *written


def row_step(row: ForecastRow) -> float:
    """Return the step of a forecast: by its 80 % range."""
    return step_of(row.q90_amount - row.q10_amount, max(abs(row.expected_amount), abs(row.q90_amount)))


def assured_step(result: Target | Quota, expected: float) -> float:
    """Return the step of what is expected for a target.

    Three times its distance from what is reached with the usual assurance of 80 % is about an 80 % range.
    """
    return step_of(3 * abs(expected - result.assured_amount), expected)
