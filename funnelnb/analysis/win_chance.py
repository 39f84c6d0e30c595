"""How likely is each open deal won within some days, given its stage, its age and its segment?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from funnelnb.analysis import timing
from funnelnb.analysis.obtain import SECONDS_PER_DAY, time_counts
from funnelnb.analysis.outlook import stage_curve, watched_beyond
from funnelnb.analysis.unusual import PRIOR_N
from funnelnb.core.check import TOO_FEW_N
from funnelnb.stats.chance import Ahead, Chance

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from funnelnb.analysis.open_deals import OpenDeals
    from funnelnb.data.book import Book
    from funnelnb.data.calendar import Calendar
    from funnelnb.stats.incidence import Incidence

    Floats = NDArray[np.float64]
    Curves = tuple[Incidence, Incidence | None]
    Group = tuple[str, ...]

CELLS = 1 << 20
"""So many ages times days are worked on at once."""


def win_chances(
    book: Book,
    deals: OpenDeals,
    groups: list[Group],
    names: Group,
    within_days: float,
    confidence_level: float,
    calendar: Calendar,
) -> dict[str, Floats]:
    """Return the chance of each open deal to be won, its interval, and the days ahead that it speaks of.

    Parameters
    ----------
    book : Book
    deals : OpenDeals
        D deals.
    groups : list of tuple of str
        Group of every deal of the ledger.
    names : tuple of str
        Attributes that make the groups; empty: all deals alike.
    within_days : float
        Days ahead, taken to whole days.
    confidence_level : float
    calendar : Calendar

    Returns
    -------
    dict of str to ndarray of float64, shape (D,)
        ``win_rate``, ``win_ci_lower``, ``win_ci_upper``; ``win_days``: `within_days`, or as far as the data
        see. NaN where fewer than ``TOO_FEW_N`` deals were ever watched at that age in that stage, or the data
        see less than a day ahead.

    Notes
    -----
    With groups the chance leans on the own one, see :func:`lean`. How far ahead it looks is the same with and
    without. Where nobody (or everybody) was won, only the number of deals known carries the interval: there it
    looks no further than the state of ``TOO_FEW_N`` deals of that age is known.
    """
    made = {
        name: np.full(len(deals), np.nan) for name in ("win_rate", "win_ci_lower", "win_ci_upper", "win_days")
    }
    steps = round(within_days)
    for k in range(book.ledger.won):
        here = np.flatnonzero((deals.position == k) & ~np.isnan(deals.age_days))
        if not here.size:
            continue
        curves = _curves(book, k, confidence_level, calendar)
        parts = _parts(book, k, names, confidence_level, calendar) if names else None
        members: dict[Group, list[int]] = {}
        for d in here.tolist():
            members.setdefault(groups[deals.index[d]], []).append(d)
        for group, deals_here in members.items():
            mine = np.array(deals_here)
            ages, row = np.unique(deals.age_days[mine], return_inverse=True)
            for block in np.array_split(np.arange(ages.size), -(-ages.size * steps // CELLS)):
                inside = np.isin(row, block)
                found = _told(curves, parts, group, ages[block], steps, confidence_level)
                for name, values in found.items():
                    made[name][mine[inside]] = values[row[inside] - block[0]]
    return made


def lean(own: Chance, whole: Chance) -> Chance:
    """Return the chance of a segment, pulled to that of all deals when few of its own speak of it.

    Notes
    -----
    The own chance counts by n, the deals of the segment whose state at the end of the time ahead is known (0
    where it cannot be seen so far ahead), that of the whole by ``PRIOR_N``: ``(n own + 50 whole) / (n + 50)``.
    That weight says that segments differ like shares of 50 deals, and the interval allows for it: it is that
    of n + 50 deals, each telling as much as one of the whole does, to which the share that is not the
    segment's own adds the doubt about the whole.
    """
    n = np.where(np.isnan(own.rate), 0.0, own.known_n)
    share = n / (n + PRIOR_N)
    rate, slack = (
        np.where(n > 0, share * np.nan_to_num(one), 0.0) + (1 - share) * other
        for one, other in ((own.rate, whole.rate), (own.slack, whole.slack))
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        doubt = whole.known_n / whole.effective_n / (n + PRIOR_N) + (1 - share) ** 2 / whole.effective_n
        return Chance(rate=rate, variance=rate * (1 - rate) * doubt, known_n=1 / doubt, slack=slack)


def _told(
    curves: Curves,
    parts: dict[Group, Curves] | None,
    group: Group,
    ages: Floats,
    steps: int,
    confidence_level: float,
) -> dict[str, Floats]:
    """Return what is said of deals of some ages in one stage and group; without `parts` all deals are alike."""
    ahead = Ahead(*curves, ages * SECONDS_PER_DAY, steps, SECONDS_PER_DAY)
    days = np.minimum(ahead.known, steps)
    days = np.where((watched_beyond(curves[0], ages) >= TOO_FEW_N) & (days >= 1), days, np.nan)
    rate = ahead.chance(days).rate
    days = np.where((rate == 0) | (rate == 1), np.minimum(days, ahead.known_by(TOO_FEW_N)), days)
    found = ahead.chance(days)
    if parts is not None:
        none = np.full(ages.shape, np.nan)
        own = Chance(rate=none, variance=none, known_n=none, slack=none)
        if group in parts:
            own = Ahead(*parts[group], ages * SECONDS_PER_DAY, steps, SECONDS_PER_DAY).chance(days)
        found = lean(own, found)
    lower, upper = found.bounds(confidence_level)
    return {"win_rate": found.rate, "win_ci_lower": lower, "win_ci_upper": upper, "win_days": days}


def _curves(book: Book, k: int, confidence_level: float, calendar: Calendar) -> Curves:
    won = book.ledger.won
    onward = stage_curve(book, (k + 1, won), confidence_level, calendar) if k + 1 < won else None
    return stage_curve(book, (k, k + 1), confidence_level, calendar), onward


def _parts(
    book: Book, k: int, names: Group, confidence_level: float, calendar: Calendar
) -> dict[Group, Curves]:
    """Return the curves of each group that has both."""
    won = book.ledger.won
    steps = ((k, k + 1), (k + 1, won)) if k + 1 < won else ((k, k + 1),)
    both: list[dict[Group, Incidence]] = []
    for origin, target in steps:
        counts = time_counts(book, origin, target, names, calendar)
        both.append(
            {
                group: timing.curve(times, confidence_level)
                for group, times in zip(counts.groups, timing.split(counts), strict=True)
                if times.n.sum()
            }
        )
    return {
        group: (one, both[1][group] if len(both) > 1 else None)
        for group, one in both[0].items()
        if all(group in each for each in both)
    }
