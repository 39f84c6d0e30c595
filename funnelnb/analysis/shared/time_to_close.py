"""By when is each open deal decided, given the stage it stands in and how long it has been there?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from funnelnb.analysis.shared import by_day
from funnelnb.analysis.shared.counts import SECONDS_PER_DAY, time_counts
from funnelnb.analysis.shared.judged import still_known
from funnelnb.core.check import TOO_FEW_N
from funnelnb.stats.curves.incidence import aalen_johansen
from funnelnb.stats.curves.remaining import Remaining, remaining

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from funnelnb.analysis.shared.open_deals import OpenDeals
    from funnelnb.data.book import Book
    from funnelnb.data.contract.calendar import Calendar
    from funnelnb.stats.curves.incidence import Incidence


LONGEST_DAYS = 730
"""How far ahead anything is said."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outlook:
    """What the curves say of each open deal. D deals, in the order of :class:`OpenDeals`.

    Attributes
    ----------
    days_to_close : ndarray of float64, shape (D,)
        Of deals like this one that are won as far as the data can see ahead, half are won within so many
        days; NaN where no win is seen.
    days_to_decision : ndarray of float64, shape (D,)
        Days after which half of the deals like this one are decided, won or lost; NaN where not seen.
    known_days : ndarray of float64, shape (D,)
        How far the data can see from the deal's age; NaN where fewer than ``TOO_FEW_N`` deals were ever
        watched at that age in that stage.
    ahead : tuple of Remaining, one per stage
    row : ndarray of int64, shape (D,)
        Row of the deal in the `Remaining` of its stage.
    position : ndarray of int64, shape (D,)
    """

    days_to_close: NDArray[np.float64]
    days_to_decision: NDArray[np.float64]
    known_days: NDArray[np.float64]
    ahead: tuple[Remaining, ...]
    row: NDArray[np.int64]
    position: NDArray[np.int64]

    def within(self, days: float, *, as_far: bool = False) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the chance to be won, and to be decided, within whole `days`; NaN where not known.

        With `as_far`, where the data see less far ahead, the chance within as many days as they see.
        """
        wanted = np.full(len(self.row), float(min(round(days), LONGEST_DAYS)))
        if as_far:
            wanted = np.minimum(wanted, np.where(np.isnan(self.known_days), wanted, self.known_days))
        column = wanted.astype(np.int64)
        won, decided = np.full(len(self.row), np.nan), np.full(len(self.row), np.nan)
        for k, one in enumerate(self.ahead):
            mine = self.position == k
            won[mine] = one.won_rate[self.row[mine], column[mine]]
            decided[mine] = 1 - one.open_rate[self.row[mine], column[mine]]
        seen = ~np.isnan(self.known_days)
        return np.where(seen, won, np.nan), np.where(seen, decided, np.nan)


def outlook(
    book: Book, deals: OpenDeals, confidence_level: float, calendar: Calendar | None = None
) -> Outlook:
    """Return what the stage curves of `book` say of its open deals, all in the days of `calendar`.

    Notes
    -----
    One Aalen-Johansen curve per stage (on, or lost) and one from the next stage to won; see
    :func:`funnelnb.stats.curves.remaining.remaining`. A deal whose time in the stage is not recorded gets NaN.
    """
    won = book.ledger.won
    count = len(deals)
    days, decision, known = (np.full(count, np.nan) for _ in range(3))
    row = np.zeros(count, np.int64)
    ahead = []
    for k in range(won):
        mine = np.flatnonzero(deals.position == k)
        step = stage_curve(book, (k, k + 1), confidence_level, calendar)
        onward = stage_curve(book, (k + 1, won), confidence_level, calendar) if k + 1 < won else None
        ages, row[mine] = np.unique(deals.age_days[mine], return_inverse=True, equal_nan=True)
        found = remaining(step, onward, ages * SECONDS_PER_DAY, LONGEST_DAYS, SECONDS_PER_DAY)
        watched = watched_beyond(step, ages) >= TOO_FEW_N
        ahead.append(found)
        days[mine] = np.where(watched, found.median_won(), np.nan)[row[mine]]
        decision[mine] = np.where(watched, found.median(), np.nan)[row[mine]]
        known[mine] = np.where(watched, found.known, np.nan)[row[mine]]
    return Outlook(
        days_to_close=days,
        days_to_decision=decision,
        known_days=known,
        ahead=tuple(ahead),
        row=row,
        position=deals.position,
    )


def stage_curve(
    book: Book, step: tuple[int, int], confidence_level: float, calendar: Calendar | None
) -> Incidence:
    """Return the curve from one position to another, of all deals, in seconds of `calendar`."""
    (times,) = by_day.split(still_known(time_counts(book, *step, calendar=calendar)))
    return by_day.curve(times, confidence_level)


def group_curves(
    book: Book,
    step: tuple[int, int],
    names: tuple[str, ...],
    confidence_level: float,
    calendar: Calendar | None,
) -> dict[tuple[str, ...], Incidence]:
    """Return the curve of each group with any deal from one position to another, in seconds of `calendar`."""
    counts = still_known(time_counts(book, *step, names, calendar))
    return {
        group: by_day.curve(times, confidence_level)
        for group, times in zip(counts.groups, by_day.split(counts), strict=True)
        if times.n.sum()
    }


def of_nobody(confidence_level: float) -> Incidence:
    """Return the curve of no deals: nothing is known."""
    nobody = np.zeros(0, np.int64)
    return aalen_johansen(nobody, nobody.astype(np.int8), nobody, None, confidence_level)


def watched_beyond(curve: Incidence, ages: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how many deals of a curve in seconds were watched beyond each age in days; 0 for NaN."""
    if not curve.n:
        return np.zeros(ages.shape)
    at = curve.there_at(np.nan_to_num(ages) * SECONDS_PER_DAY + 1)
    return np.where(np.isnan(ages), 0.0, at)
