"""Which numbers are watched when data are mended? Each is a function of a book; more are added by one line."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from funnelnb.analysis.forecast.forecast import expected_total
from funnelnb.analysis.shared import by_day
from funnelnb.analysis.shared.counts import SECONDS_PER_DAY, time_counts
from funnelnb.analysis.shared.judged import NEVER_LOST, ONLY_WINS, WINS_ALONE, still_known, unjudged
from funnelnb.core.errors import FunnelError
from funnelnb.data.ledger.codes import LOST_DEAL, OPEN_DEAL, WON_DEAL
from funnelnb.stats.rates.proportion import wilson

if TYPE_CHECKING:
    from collections.abc import Callable

    from funnelnb.data.book import Book
    from funnelnb.stats.curves.incidence import Incidence


class Measured(NamedTuple):
    """A number with its interval; NaN where the data cannot say.

    `smooth` is the number without its steps (a median between two whole days): how far parts of the data move a number
    can only be seen where it moves at all.
    """

    value: float
    ci_lower: float = float("nan")
    ci_upper: float = float("nan")
    smooth: float = float("nan")

    @property
    def moving(self) -> float:
        """`smooth` where there is one, else the value."""
        return self.smooth if np.isfinite(self.smooth) else self.value


UNKNOWN = Measured(float("nan"))


def win_rate(book: Book, confidence_level: float, horizon_days: float) -> Measured:
    """Which share of the closed deals is won?

    Examples
    --------
    >>> from funnelnb.data.load import sample
    >>> found = win_rate(sample(), 0.9, 180.0)
    >>> round(found.value, 4) == round(737 / (737 + 2436), 4)
    True
    """
    if unjudged(book) in (ONLY_WINS, WINS_ALONE, NEVER_LOST):  # lost ones are missing or not marked
        return UNKNOWN
    outcome = book.ledger.outcome
    won, lost = int((outcome == WON_DEAL).sum()), int((outcome == LOST_DEAL).sum())
    if not won + lost:
        return UNKNOWN
    lower, upper = wilson(won, won + lost, confidence_level)
    return Measured(won / (won + lost), float(lower), float(upper))


def won_within_rate(book: Book, confidence_level: float, horizon_days: float) -> Measured:
    """Which share of all deals is won within the horizon, open ones counted with their age so far?"""
    curve = _curve(book, confidence_level)
    if curve is None:
        return UNKNOWN
    at = curve.at(horizon_days * SECONDS_PER_DAY)
    return Measured(*(float(one[by_day.ADVANCED_CAUSE, 0]) for one in (at.rate, at.ci_lower, at.ci_upper)))


def cycle_days(book: Book, confidence_level: float, horizon_days: float) -> Measured:
    """After how many days have half of the deals closed, open ones counted with their age so far?"""
    curve = _curve(book, confidence_level)
    if curve is None:
        return UNKNOWN
    below = np.flatnonzero(curve.open_rate <= 0.5 + 1e-12)
    if not len(below):
        return UNKNOWN
    k = int(below[0])
    day = float(curve.time[k]) / SECONDS_PER_DAY
    if not k:
        return Measured(day)
    high, low, before = (
        float(curve.open_rate[k - 1]),
        float(curve.open_rate[k]),
        float(curve.time[k - 1]) / SECONDS_PER_DAY,
    )
    return Measured(day, smooth=before + (day - before) * (high - 0.5) / (high - low))


def pipeline_amount(book: Book, confidence_level: float, horizon_days: float) -> Measured:
    """How much money stands in open deals?"""
    is_open = book.ledger.outcome == OPEN_DEAL
    amounts = book.ledger.amount[is_open]
    total = float(np.nansum(amounts)) if np.isfinite(amounts).any() else float("nan")
    return Measured(total)


def forecast_amount(book: Book, confidence_level: float, horizon_days: float) -> Measured:
    """How much will have been won by the end of the running quarter, on average?"""
    try:
        return Measured(float(expected_total(book)))
    except FunnelError:  # too little has been won, or nothing has an amount
        return UNKNOWN


def _curve(book: Book, confidence_level: float) -> Incidence | None:
    """Return the curve from the first stage to won or lost; None where nothing can be read."""
    (times,) = by_day.split(still_known(time_counts(book, 0, book.ledger.won)))
    curve = by_day.curve(times, confidence_level)
    return curve if curve.n and len(curve.time) else None


MEASURES: dict[str, Callable[[Book, float, float], Measured]] = {
    "win_rate": win_rate,
    "won_within_rate": won_within_rate,
    "cycle_days": cycle_days,
    "pipeline_amount": pipeline_amount,
    "forecast_amount": forecast_amount,
}
"""Name = function of (book, confidence level, horizon in days). The ending of a name is its unit. A number that another
module makes is added by one line here and its label under ``[harm.measures]`` of the language files."""
