"""Which values of a series are beyond chance? Control limits from the series itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from funnelnb.core.errors import ParameterError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

LEAST = 6
"""Fewest periods for limits."""
RUN = 8
"""So many periods in a row on one side of the centre are no chance (Western Electric)."""
_SPREAD = 1.128
"""Mean range of two normal values over their standard deviation."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Control:
    """Limits of a series. T periods.

    Attributes
    ----------
    centre, lower, upper : ndarray of float64, shape (T,)
        With the season put back; NaN where there are too few periods.
    season : ndarray of float64, shape (cycle,)
        Factor of each place in the cycle, mean 1; all 1 where no season could be measured.
    signal : tuple of str, length T
        ``"above"``, ``"below"``, ``"run_above"``, ``"run_below"`` or empty.
    """

    centre: Floats
    lower: Floats
    upper: Floats
    season: Floats
    signal: tuple[str, ...]


def control_limits(values: ArrayLike, place: ArrayLike | None = None, cycle: int = 12) -> Control:
    """Between which limits does a series move by chance alone, its season taken out?

    Parameters
    ----------
    values : array_like of shape (T,)
        Not negative: counts or amounts per period.
    place : array_like of shape (T,), optional
        Place of each period in the cycle, 0 to cycle - 1; None: no season.
    cycle : int

    Returns
    -------
    Control

    Raises
    ------
    ParameterError
        A value is negative or not finite.

    Notes
    -----
    Season: mean of a place over the mean of all, if every place was seen at least twice. Individuals chart on the
    square roots of the values over the season, as roots of counts and of skewed amounts spread evenly: centre =
    their mean, limits = centre ± 3 x mean moving range / 1.128, squared, times the season.

    References
    ----------
    Shewhart (1931), *Economic Control of Quality of Manufactured Product*. Montgomery (2013), *Statistical Quality
    Control*, 7th edition, section 6.4. Bartlett (1936), doi:10.2307/2983678.

    Checked against the definition by hand and false alarms on independent series: ``tests/stats/test_control.py``.

    Examples
    --------
    >>> found = control_limits([25, 27, 24, 26, 25, 23, 60])
    >>> found.signal[-1], round(float(found.upper[0]), 1)
    ('above', 51.0)
    """
    series = np.atleast_1d(np.asarray(values, dtype=np.float64))
    if not np.isfinite(series).all() or (series < 0).any():
        raise ParameterError("a value is negative or not finite", expected="counts or amounts, not below 0")
    season = _season(series, place, cycle)
    factor = np.ones(series.size) if place is None else season[np.asarray(place, dtype=np.int64)]
    root = np.sqrt(series / factor)
    if series.size < LEAST:
        nothing = np.full(series.size, np.nan)
        return Control(
            centre=nothing, lower=nothing, upper=nothing, season=season, signal=("",) * series.size
        )
    middle = float(root.mean())
    reach = 3 * float(np.abs(np.diff(root)).mean()) / _SPREAD
    low, high = max(middle - reach, 0.0) ** 2, (middle + reach) ** 2
    return Control(
        centre=middle**2 * factor,
        lower=low * factor,
        upper=high * factor,
        season=season,
        signal=_signals(root, middle, reach),
    )


def _season(series: Floats, place: ArrayLike | None, cycle: int) -> Floats:
    if place is None:
        return np.ones(cycle)
    where = np.asarray(place, dtype=np.int64)
    seen = np.bincount(where, minlength=cycle)
    if seen.min() < 2 or series.sum() <= 0:
        return np.ones(cycle)
    found = np.bincount(where, weights=series, minlength=cycle) / seen
    return np.asarray(np.maximum(found / found.mean(), 0.05))


def _signals(root: Floats, middle: float, reach: float) -> tuple[str, ...]:
    """Say which values lie outside the limits, and which end a run on one side of the centre."""
    told = np.full(root.size, "", dtype="<U9")
    side = np.sign(root - middle)
    run = 0
    for k in range(root.size):
        run = run + 1 if k and side[k] == side[k - 1] and side[k] else 1
        if run >= RUN:
            told[k] = "run_above" if side[k] > 0 else "run_below"
    told[root > middle + reach + 1e-12] = "above"
    told[root < middle - reach - 1e-12] = "below"
    return tuple(map(str, told))
