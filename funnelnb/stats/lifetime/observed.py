"""Times as they are known: exactly, only from below (still open), only from above, or within an interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from funnelnb.core import check
from funnelnb.core.errors import ParameterError

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Observed:
    """What is known about each time. R rows.

    Attributes
    ----------
    lower, upper : ndarray of float64, shape (R,)
        The time lies in (lower, upper]; equal: known exactly. `upper` infinite: still open. `lower` 0: from
        the very start, time 0 included.
    entry : ndarray of float64, shape (R,)
        Under observation from then on (late history); 0: from the start.
    n : ndarray of float64, shape (R,)
        Deals (or amount) behind the row.
    counted : bool
        False when `n` was a float array of amounts, for which no standard error is known.
    """

    lower: Floats
    upper: Floats
    entry: Floats
    n: Floats
    counted: bool

    @property
    def event_n(self) -> float:
        """Deals that are known to have finished."""
        return float(self.n @ np.isfinite(self.upper).astype(float))

    @property
    def total_n(self) -> float:
        """All deals."""
        return float(self.n.sum())


def observed(
    time: ArrayLike,
    event: ArrayLike,
    n: ArrayLike | None = None,
    entry: ArrayLike | None = None,
    same_day: float | None = 1.0,
    rounded: float | None = None,
) -> Observed:
    """Describe times of which some are still running.

    Parameters
    ----------
    time : array_like of shape (R,)
        Time to the event or to the end of observation, >= 0.
    event : array_like of bool or int, shape (R,)
        True or 1: finished at `time`. False or 0: still open then.
    n : array_like of shape (R,), optional
        Integers: deals behind each row. Floats: amounts. Default 1.
    entry : array_like of shape (R,), optional
        Time from which the row was under observation; 0 or less: from the start.
    same_day : float or None
        A finished time of 0 means "within this long", by default within one unit: 0 is a day, not an instant.
        None: keep it as an exact 0, for a model with a share that moves at once.
    rounded : float, optional
        Width to which times were rounded down: a finished time t then means between t and t + rounded.
        Default: times above 0 are exact.

    Returns
    -------
    Observed

    Raises
    ------
    ParameterError
        Naming the first row that is impossible.

    Examples
    --------
    >>> known = observed([0, 5, 9], [1, 1, 0])
    >>> known.lower.tolist(), known.upper.tolist()
    ([0.0, 5.0, 9.0], [1.0, 5.0, inf])
    """
    times, events = (
        np.atleast_1d(np.asarray(time, dtype=float)),
        np.atleast_1d(np.asarray(event)).astype(bool),
    )
    if times.shape != events.shape:
        raise ParameterError(
            f"event has shape {events.shape}", expected=f"one value per time, shape {times.shape}"
        )
    _refuse(times, ~((times >= 0) & (times < np.inf)), "time", "a finite time >= 0")
    upper = np.where(events, times, np.inf)
    if rounded is not None:
        upper = np.where(events, times + check.number("rounded", rounded, gt=0), np.inf)
    elif same_day is not None:
        upper = np.where(events & (times == 0), check.number("same_day", same_day, gt=0), upper)
    return intervals(times, upper, n, entry)


def intervals(
    lower: ArrayLike, upper: ArrayLike, n: ArrayLike | None = None, entry: ArrayLike | None = None
) -> Observed:
    """Describe times that are known to lie between two bounds.

    Parameters
    ----------
    lower, upper : array_like of shape (R,)
        The time lies in (lower, upper], 0 <= lower <= upper. Equal: exact. `upper` infinite: still open.
        `lower` 0: only known to be at most `upper`.
    n : array_like of shape (R,), optional
        Integers: deals behind each row. Floats: amounts. Default 1.
    entry : array_like of shape (R,), optional
        Time from which the row was under observation; 0 or less: from the start.

    Returns
    -------
    Observed

    Raises
    ------
    ParameterError
        Naming the first row that is impossible, or that ends at or before its entry.

    Examples
    --------
    >>> intervals([0, 7, 30], [7, 14, float("inf")]).event_n
    2.0
    """
    low, high = np.atleast_1d(np.asarray(lower, dtype=float)), np.atleast_1d(np.asarray(upper, dtype=float))
    counted = n is None or not np.issubdtype(np.asarray(n).dtype, np.floating)
    weights = np.ones(low.shape) if n is None else np.atleast_1d(np.asarray(n)).astype(float)
    entries = (
        np.zeros(low.shape) if entry is None else np.maximum(np.atleast_1d(np.asarray(entry, dtype=float)), 0)
    )
    if not low.shape == high.shape == weights.shape == entries.shape:
        raise ParameterError("lower, upper, n or entry differ in length", expected="one value per row")
    _refuse(low, ~((low >= 0) & (low < np.inf)), "lower", "a finite time >= 0")
    _refuse(high, ~(high >= low), "upper", "a time at or above the row's lower one")
    _refuse(weights, ~((weights >= 0) & (weights < np.inf)), "n", "a finite number >= 0")
    exact = low == high
    late = (entries > 0) & np.where(exact | np.isinf(high), low <= entries, high <= entries)
    _refuse(entries, late, "entry", "an entry before the row's own time")
    low = np.where(exact, low, np.maximum(low, entries))
    if not weights.all():
        kept = weights > 0
        low, high, entries, weights = low[kept], high[kept], entries[kept], weights[kept]
    return Observed(lower=low, upper=high, entry=entries, n=weights, counted=counted)


def _refuse(values: Floats, wrong: NDArray[np.bool_], name: str, expected: str) -> None:
    """Raise ParameterError for the first wrong value and say how many there are."""
    if wrong.any():
        first = int(np.argmax(wrong))
        raise ParameterError(
            f"{name}[{first}] = {values[first]:g} ({int(wrong.sum())} such rows)", expected=expected
        )
