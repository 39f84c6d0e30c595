"""What has changed in the funnel's six properties between two periods, or before and after a date?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from funnelnb.analysis.shared.by_day import curve, split
from funnelnb.analysis.shared.counts import SECONDS_PER_DAY, level, source_notes, time_counts
from funnelnb.analysis.shared.entered import entered_s
from funnelnb.analysis.shared.period import Period, period_of
from funnelnb.analysis.shared.question import remembering
from funnelnb.analysis.shared.result import Result
from funnelnb.analysis.targets.properties import Funnel, entered_in, of_deals, visible_horizon
from funnelnb.core import check
from funnelnb.core.errors import ParameterError
from funnelnb.core.note import Note
from funnelnb.data.contract.clock import UNKNOWN
from funnelnb.stats.curves.difference import incidence_difference
from funnelnb.stats.totals.means import interval_of_difference, poisson_interval

if TYPE_CHECKING:
    from funnelnb.analysis.targets.properties import FunnelProperties, StageProperties
    from funnelnb.core.check import Day
    from funnelnb.data.book import Book
    from funnelnb.playbooks.model import Label

MONTH_DAYS = 365.25 / 12
PROPERTIES = ("number", "success", "cycle", "money")
"""What is compared; stages are the same on both sides, the shape stands beside them."""
MOST_DAYS = 365
"""Without periods of their own, both sides reach at most so many days from the date."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PropertyChange:
    """One property of the whole, or of one stage, on both sides.

    Attributes
    ----------
    property : {"number", "success", "cycle", "money"}
        Arrivals a month; share that goes on within the horizon; median days; mean amount of a deal won in the
        period.
    stage : str
        Empty for the whole.
    before_value, before_ci_lower, before_ci_upper, after_value, after_ci_lower, after_ci_upper : float
    change, change_ci_lower, change_ci_upper : float
        After less before; NaN where one of the two is not known.
    verdict : {"up", "down", "not_separable", "unknown"}
        Whether the interval of the change leaves out 0.
    """

    property: str
    stage: str
    before_value: float
    before_ci_lower: float
    before_ci_upper: float
    after_value: float
    after_ci_lower: float
    after_ci_upper: float
    change: float
    change_ci_lower: float
    change_ci_upper: float
    verdict: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BeforeAfter(Result):
    """The six properties before and after. `n` counts the deals of both sides.

    Attributes
    ----------
    at : numpy.datetime64
        The date between the two; NaT where two periods were named.
    horizon_days : float
    before, after : FunnelProperties
    stages : tuple of StageProperties
        Of both sides, by `series`.
    changes : tuple of PropertyChange
        The whole first, then by stage.
    crossing_n : int
        Deals that entered before and were open when the second side began: they felt both.
    stage_ids : tuple of str
    stage_labels : tuple of Label
    """

    at: np.datetime64
    horizon_days: float
    before: FunnelProperties
    after: FunnelProperties
    stages: tuple[StageProperties, ...]
    changes: tuple[PropertyChange, ...]
    crossing_n: int
    stage_ids: tuple[str, ...]
    stage_labels: tuple[Label, ...]


@remembering("book")
def before_after(
    book: Book,
    *,
    at: Day | None = None,
    before: str | None = None,
    after: str | None = None,
    horizon_days: float | None = None,
    confidence_level: float | None = None,
) -> BeforeAfter:
    """What has changed in the six properties between two periods, or before and after a date?

    Parameters
    ----------
    book : Book
    at : date, optional
        Day of the change: deals that entered from then on are compared with as many days before, a year at most.
    before, after : str, optional
        Instead of `at`: two months, quarters or years of entry, such as ``"2025-Q2"`` and ``"2026-Q2"``.
    horizon_days : float, optional
        Age by which success counts, the same on both sides; None finds one for the whole book.
    confidence_level : float, optional

    Returns
    -------
    BeforeAfter

    Raises
    ------
    ParameterError
        Neither or both ways to name the sides, sides that overlap, or a side without deals.

    Notes
    -----
    Deals belong to the side on which they entered. Entries a month: Garwood's interval; success by the horizon:
    difference of two Aalen-Johansen incidences (Zou & Donner); median days and mean amount of won deals: the
    intervals of both sides, their distances squared and added. Nothing here says why.

    References
    ----------
    Zou & Donner (2008), doi:10.1002/sim.3095. Garwood (1936), doi:10.1093/biomet/28.3-4.437.

    Checked against hand counts, Newcombe's interval and floors with and without a planted change:
    ``tests/analysis/test_before_after.py``.

    Examples
    --------
    >>> import funnelnb as fn
    >>> result = fn.before_after(fn.sample(), before="2025-Q1", after="2026-Q1")
    >>> [row.property for row in result.changes if not row.stage]
    ['number', 'success', 'cycle', 'money']
    """
    confidence = level(confidence_level)
    first, second, day = _sides(book, at, before, after)
    horizon = visible_horizon(book, [first, second], horizon_days)
    sides = [
        _side(book, period, series, horizon, confidence)
        for period, series in ((first, "before"), (second, "after"))
    ]
    (old, old_part), (new, _) = sides
    crossing_n = _crossing(old_part, second)
    notes = (*book.notes, *source_notes(book))
    if crossing_n:
        notes += (Note("sides_crossed", {"deals_n": crossing_n, "of_n": int(old.whole.entry_n)}),)
    return BeforeAfter(
        n=int(old.whole.entry_n + new.whole.entry_n),
        method="before_after",
        confidence_level=confidence,
        as_of=book.as_of,
        currency=book.currency,
        notes=notes,
        at=day,
        horizon_days=horizon,
        before=old.whole,
        after=new.whole,
        stages=(*old.stages, *new.stages),
        changes=_changes(sides, (first, second), horizon, confidence),
        crossing_n=crossing_n,
        stage_ids=book.playbook.stage_ids,
        stage_labels=book.playbook.stage_labels,
    )


def _sides(
    book: Book, at: Day | None, before: str | None, after: str | None
) -> tuple[Period, Period, np.datetime64]:
    """Return both periods of entry, and the date between them if it was named."""
    today = book.as_of.astype("datetime64[D]")
    if (at is None) == (before is None or after is None):
        raise ParameterError(
            f"at = {at!r}, before = {before!r}, after = {after!r}",
            expected="a date, or two periods",
            hint='at="2026-01-01", or before="2025-Q2", after="2026-Q2"',
        )
    if at is not None:
        day = check.timestamp("at", at).astype("datetime64[D]")
        length = int((today - day) / np.timedelta64(1, "D")) + 1
        if length < 1:
            raise ParameterError(f"at = {at!r}", expected=f"a day up to the as-of date {today}")
        length = min(length, MOST_DAYS)
        one = np.timedelta64(1, "D")
        old = Period(name="", start=day - np.timedelta64(length, "D"), end=day - one)
        return old, Period(name="", start=day, end=day + np.timedelta64(length - 1, "D")), day
    found = []
    for name, text in (("before", before), ("after", after)):
        period = period_of(str(text))
        if period is None:
            raise ParameterError(
                f"{name} = {text!r}", expected="a month, quarter or year: 2026-07, 2026-Q3 or 2026"
            )
        found.append(Period(name=period.name, start=period.start, end=min(period.end, today)))
    if found[0].end >= found[1].start:
        raise ParameterError(
            f"before = {before!r} does not end before after = {after!r} begins",
            expected="an earlier and a later period",
        )
    return found[0], found[1], np.datetime64("NaT", "D")


def _side(
    book: Book, period: Period, series: str, horizon: float, confidence_level: float
) -> tuple[Funnel, Book]:
    keep = entered_in(book, period)
    dated = (entered_s(book.ledger) != UNKNOWN).any()
    if not dated or not keep.any():
        raise ParameterError(
            f"no deal is known to have entered between {period.start} and {period.end}",
            expected="deals with a date of entry on both sides",
        )
    part = book.some(keep)
    return of_deals(part, series, period, horizon, confidence_level, flow=book.ledger), part


def _crossing(part: Book, second: Period) -> int:
    """Return how many of the earlier deals had not ended when the second side began."""
    start_s = second.start.astype("datetime64[s]").astype(np.int64)
    closed = part.ledger.closed_s
    return int(((closed == UNKNOWN) | (closed >= start_s)).sum())


def _changes(
    sides: list[tuple[Funnel, Book]], periods: tuple[Period, Period], horizon: float, confidence_level: float
) -> tuple[PropertyChange, ...]:
    (old, old_part), (new, new_part) = sides
    parts, won = (old_part, new_part), old_part.playbook.won
    months = [float((one.end - one.start) / np.timedelta64(1, "D") + 1) / MONTH_DAYS for one in periods]
    wholes = (old.whole, new.whole)
    rows = [
        _number("", [one.entry_n for one in wholes], months, confidence_level),
        _success("", parts, (0, won), wholes, horizon, confidence_level),
        _compared("cycle", "", [(one.cycle_days, one.cycle_ci_lower, one.cycle_ci_upper) for one in wholes]),
        _compared(
            "money",
            "",
            [(one.mean_won_amount, one.mean_won_ci_lower, one.mean_won_ci_upper) for one in wholes],
        ),
    ]
    for k, pair in enumerate(zip(old.stages[:won], new.stages[:won], strict=True)):
        stage = pair[0].stage
        rows += [
            _number(stage, [one.entry_n for one in pair], months, confidence_level),
            _success(stage, parts, (k, k + 1), pair, horizon, confidence_level),
            _compared(
                "cycle", stage, [(one.cycle_days, one.cycle_ci_lower, one.cycle_ci_upper) for one in pair]
            ),
        ]
    return tuple(rows)


def _number(stage: str, counts: list[float], months: list[float], confidence_level: float) -> PropertyChange:
    values = []
    for count, long in zip(counts, months, strict=True):
        lower, upper = poisson_interval(count, confidence_level)
        values.append((count / long, lower / long, upper / long))
    return _compared("number", stage, values)


def _success(
    stage: str,
    parts: tuple[Book, Book],
    span: tuple[int, int],
    pair: tuple[FunnelProperties | StageProperties, FunnelProperties | StageProperties],
    horizon: float,
    confidence_level: float,
) -> PropertyChange:
    """Compare two shares by the horizon by their curves; where nothing is dated, by their intervals."""
    values = [(one.success_rate, one.success_ci_lower, one.success_ci_upper) for one in pair]
    curves = [curve(split(time_counts(part, *span))[0], confidence_level) for part in parts]
    found = incidence_difference(
        curves[1], curves[0], horizon * SECONDS_PER_DAY, confidence_level=confidence_level
    )
    row = _compared("success", stage, values)
    if np.isnan(found.ci_lower) or np.isnan([*values[0], *values[1]]).any():
        return row
    return _row("success", stage, values, (found.difference, found.ci_lower, found.ci_upper))


def _compared(name: str, stage: str, values: list[tuple[float, float, float]]) -> PropertyChange:
    return _row(name, stage, values, interval_of_difference(values[1], values[0]))


def _row(
    name: str, stage: str, values: list[tuple[float, float, float]], change: tuple[float, float, float]
) -> PropertyChange:
    (old, old_lower, old_upper), (new, new_lower, new_upper) = values
    unknown = np.isnan(change).any()
    verdict = (
        "unknown" if unknown else "up" if change[1] > 0 else "down" if change[2] < 0 else "not_separable"
    )
    return PropertyChange(
        property=name,
        stage=stage,
        before_value=float(old),
        before_ci_lower=float(old_lower),
        before_ci_upper=float(old_upper),
        after_value=float(new),
        after_ci_lower=float(new_lower),
        after_ci_upper=float(new_upper),
        change=float(change[0]),
        change_ci_lower=float(change[1]),
        change_ci_upper=float(change[2]),
        verdict=verdict,
    )
