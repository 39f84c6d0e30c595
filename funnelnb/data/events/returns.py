"""Who came back, and in which period after the first? Counts for retention."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from funnelnb.data.events.counts import DAY_US, period_codes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from funnelnb.data.events.log import Events

SPAN_DAYS = {"day": 1, "week": 7}


@dataclass(frozen=True, slots=True, kw_only=True)
class Returns:
    """Returns by cohort. C cohorts, P periods after the first (0 is the first itself).

    Attributes
    ----------
    cohorts : tuple of str
    size_n : ndarray of int64, shape (C,)
    seen_n : ndarray of int64, shape (C, P)
        Actors for whom the period had ended by the as-of time.
    active_n : ndarray of int64, shape (C, P)
        Of these, active in the period.
    later_n : ndarray of int64, shape (C, P)
        Of these, active in it or in any later period up to now.
    by_then_n : ndarray of int64, shape (C, P)
        Of these, active at least once in periods 1 to this one.
    """

    cohorts: tuple[str, ...]
    size_n: NDArray[np.int64]
    seen_n: NDArray[np.int64]
    active_n: NDArray[np.int64]
    later_n: NDArray[np.int64]
    by_then_n: NDArray[np.int64]


def returns(
    log: Events, starts: NDArray[np.bool_], comes_back: NDArray[np.bool_], period: str, periods: int
) -> Returns:
    """Count who came back.

    Parameters
    ----------
    log : Events
    starts : ndarray of bool, shape (R,)
        Events that make an actor start; the first of them counts.
    comes_back : ndarray of bool, shape (R,)
        Events that count as coming back.
    period : {"day", "week", "month"}
        Days and weeks are counted from each actor's own start (24 hours, 7 days); months by the calendar.
    periods : int
        How many after the first.
    """
    at = np.flatnonzero(starts & (log.time <= log.as_of_us))
    first = at[np.append(True, np.diff(log.actor[at]) != 0)[: len(at)]] if len(at) else at
    begin = np.full(len(log.actors), -1)
    begin[log.actor[first]] = np.arange(len(first))
    start = log.time[first]
    rows = np.flatnonzero(comes_back & (log.time <= log.as_of_us) & (begin[log.actor] >= 0))
    who = begin[log.actor[rows]]
    after = log.time[rows] >= start[who]
    rows, who = rows[after], who[after]
    step = _steps(log.time[rows], start[who], period)
    ended = _steps(np.full(len(first), log.as_of_us + 1), start, period)
    width = periods + 1
    active = np.zeros((len(first), width), bool)
    inside = step < width
    active[who[inside], step[inside]] = True
    latest = np.full(len(first), -1)
    np.maximum.at(latest, who, step)
    seen = ended[:, None] > np.arange(width)
    later = latest[:, None] >= np.arange(width)
    by_then = np.zeros_like(active)
    by_then[:, 1:] = np.logical_or.accumulate(active[:, 1:], axis=1)
    cohort, labels = period_codes(start, period) if len(first) else (np.zeros(0, np.int64), [])

    def total(cells: NDArray[np.bool_]) -> NDArray[np.int64]:
        made = np.zeros((len(labels), width), np.int64)
        np.add.at(made, cohort, (cells & seen).astype(np.int64))
        return made

    return Returns(
        cohorts=tuple(labels),
        size_n=np.bincount(cohort, minlength=len(labels)).astype(np.int64),
        seen_n=total(np.ones_like(active)),
        active_n=total(active),
        later_n=total(later),
        by_then_n=total(by_then),
    )


def _steps(time: NDArray[np.int64], start: NDArray[np.int64], period: str) -> NDArray[np.int64]:
    """Return how many whole periods lie between start and time."""
    if period in SPAN_DAYS:
        return (time - start) // (SPAN_DAYS[period] * DAY_US)
    months = time.astype("M8[us]").astype("M8[M]").astype(np.int64)
    return months - start.astype("M8[us]").astype("M8[M]").astype(np.int64)
