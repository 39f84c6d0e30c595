"""What has changed in the funnel's six properties between two periods, or before and after a date?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.analysis.shared.by_day import curve, split
from funnelnb.analysis.shared.counts import SECONDS_PER_DAY, level, source_notes, time_counts
from funnelnb.analysis.shared.entered import entered_s
from funnelnb.analysis.shared.judged import entries_known, recorded
from funnelnb.analysis.shared.period import Period, past_period
from funnelnb.analysis.shared.question import question
from funnelnb.analysis.shared.result import Result, about
from funnelnb.analysis.shared.typed_counts import named_stages, typed
from funnelnb.analysis.targets.properties import (
    Funnel,
    entered_in,
    of_deals,
    only_books,
    typed_properties,
    visible_horizon,
)
from funnelnb.core import check
from funnelnb.core.errors import ParameterError
from funnelnb.core.note import Note
from funnelnb.data.contract.clock import UNKNOWN
from funnelnb.stats.curves.difference import incidence_difference
from funnelnb.stats.rates.compare import newcombe
from funnelnb.stats.rates.proportion import wilson
from funnelnb.stats.totals.means import interval_of_difference, poisson_interval

if TYPE_CHECKING:
    import os

    from funnelnb.analysis.shared.typed_counts import Counts
    from funnelnb.analysis.targets.properties import FunnelProperties, StageProperties
    from funnelnb.core.check import Day
    from funnelnb.data.book import Book
    from funnelnb.playbooks.model import Label, Playbook

MONTH_DAYS = 365.25 / 12
PROPERTIES = ("number", "count", "success", "cycle", "money")
"""What is compared; stages are the same on both sides, the shape stands beside them."""
MOST_DAYS = 365
"""Without periods of their own, both sides reach at most so many days from the date."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PropertyChange:
    """One property of the whole, or of one stage, on both sides.

    Attributes
    ----------
    property : {"number", "count", "success", "cycle", "money"}
        Arrivals a month; typed counts as they are; share that goes on within the horizon; median days; mean amount
        of a deal won in the period.
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


@question("targets", typed=True)
def before_after(
    book: Book | Counts,
    *,
    at: Day | None = None,
    before: str | Counts | None = None,
    after: str | None = None,
    playbook: str | os.PathLike[str] | Playbook | None = None,
    horizon_days: float | None = None,
    confidence_level: float | None = None,
) -> BeforeAfter:
    """What has changed in the six properties between two periods, or before and after a date?

    Parameters
    ----------
    book : Book, or counts per stage
        Typed counts of the later period need no CRM; `before` are then those of the earlier one, and cycle and money
        are not known.
    at : date, optional
        Day of the change: deals that entered from then on are compared with as many days before, a year at most.
    before, after : str, optional
        Instead of `at`: two weeks, months, quarters or years of entry, such as ``"2025-Q2"`` and ``"2026-Q2"``.
    playbook : str, path or Playbook, optional
        With typed counts: the model that names the stages.
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
    intervals of both sides, their distances squared and added. Typed counts: Garwood's and Newcombe's intervals.
    Nothing here says why.

    References
    ----------
    Zou & Donner (2008), doi:10.1002/sim.3095. Newcombe (1998),
    doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I. Garwood (1936), doi:10.1093/biomet/28.3-4.437.

    Checked against hand counts, Newcombe's interval and floors with and without a planted change:
    ``tests/analysis/test_before_after.py``.

    Examples
    --------
    >>> import funnelnb as fn
    >>> result = fn.targets.before_after(fn.sample(), before="2025-Q1", after="2026-Q1")
    >>> [row.property for row in result.changes if not row.stage]
    ['number', 'success', 'cycle', 'money']
    """
    confidence = level(confidence_level)
    if isinstance(book, Sequence | Mapping):
        return _typed(
            book, before, playbook, {"at": at, "after": after, "horizon_days": horizon_days}, confidence
        )
    if playbook is not None:
        raise ParameterError("playbook with a book", expected="typed counts, or none: a book has its own")
    if before is not None and not isinstance(before, str):
        raise ParameterError(
            "before holds counts, book is a book", expected="the name of a period", hint="before='2025-Q1'"
        )
    first, second, day = sides_of(book, at, before, after)
    return _dated(book, day, (first, second), horizon_days, confidence)


def _dated(
    book: Book,
    day: np.datetime64,
    periods: tuple[Period, Period],
    horizon_days: float | None,
    confidence: float,
) -> BeforeAfter:
    """Return what has changed between two periods of entry."""
    horizon = visible_horizon(book, periods, horizon_days)
    sides = [
        _side(book, period, series, horizon, confidence)
        for period, series in zip(periods, ("before", "after"), strict=True)
    ]
    (old, old_part), (new, _) = sides
    crossing_n = _crossing(old_part, periods[1])
    notes = (*book.notes, *source_notes(book))
    if crossing_n:
        notes += (Note("sides_crossed", {"deals_n": crossing_n, "of_n": int(old.whole.entry_n)}),)
    return BeforeAfter(
        n=int(old.whole.entry_n + new.whole.entry_n),
        method="before_after",
        confidence_level=confidence,
        **about(book),
        notes=notes,
        at=day,
        horizon_days=horizon,
        **_both(old, new),
        changes=_changes(sides, periods, horizon, confidence),
        crossing_n=crossing_n,
    )


def _both(old: Funnel, new: Funnel) -> dict[str, Any]:
    return {"before": old.whole, "after": new.whole, "stages": (*old.stages, *new.stages)}


def _typed(
    counts: Counts,
    before: Any,
    playbook: str | os.PathLike[str] | Playbook | None,
    dated: Mapping[str, Any],
    confidence_level: float,
) -> BeforeAfter:
    """Return what has changed between two sets of typed counts."""
    only_books(dated)
    if not isinstance(before, Sequence | Mapping) or isinstance(before, str):
        raise ParameterError(
            f"before = {before!r} with typed counts",
            expected="the counts of the earlier period",
            hint="fn.targets.before_after([100, 80, 40, 20, 10, 5], before=[90, 60, 30, 15, 9, 4])",
        )
    ids, labels, _ = named_stages(counts, playbook, None)
    now, old = typed("counts", counts, ids, labels), typed("before", before, ids, labels)
    sides = [
        typed_properties(one, ids, name, confidence_level) for name, one in (("before", old), ("after", now))
    ]
    changes = [_count("", (old[0], now[0]), confidence_level)]
    changes.append(_share("", (old[-1], old[0]), (now[-1], now[0]), confidence_level))
    for k, stage in enumerate(ids[:-1]):
        changes.append(_count(stage, (old[k], now[k]), confidence_level))
        changes.append(_share(stage, (old[k + 1], old[k]), (now[k + 1], now[k]), confidence_level))
    never = np.datetime64("NaT", "s")
    return BeforeAfter(
        n=old[0] + now[0],
        method="before_after_typed",
        confidence_level=confidence_level,
        as_of=never,
        currency="",
        notes=(Note("typed_so_far"),),
        at=never.astype("datetime64[D]"),
        horizon_days=float("nan"),
        **_both(*sides),
        changes=tuple(changes),
        crossing_n=0,
        stage_ids=ids,
        stage_labels=labels,
    )


def _count(stage: str, counts: tuple[int, int], confidence_level: float) -> PropertyChange:
    """Compare two counts of periods of one length."""
    return _compared(
        "count", stage, [(float(one), *poisson_interval(one, confidence_level)) for one in counts]
    )


def _share(
    stage: str, before: tuple[int, int], after: tuple[int, int], confidence_level: float
) -> PropertyChange:
    """Compare two shares, each as (went on, came)."""
    nan = float("nan")
    values = []
    for k, n in (before, after):
        low, high = wilson(k, n, confidence_level)
        values.append((k / n if n else nan, float(low), float(high)))
    if not before[1] or not after[1]:
        return _row("success", stage, values, (nan, nan, nan))
    lower, upper = newcombe(*after, *before, confidence_level)
    return _row("success", stage, values, (values[1][0] - values[0][0], float(lower), float(upper)))


def sides_of(book: Book, at: Any, before: Any, after: str | None) -> tuple[Period, Period, np.datetime64]:
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
            raise ParameterError(f"at = {at!r}", expected=f"a day up to the day of the data {today}")
        length = min(length, MOST_DAYS)
        one = np.timedelta64(1, "D")
        old = Period(name="", start=day - np.timedelta64(length, "D"), end=day - one)
        return old, Period(name="", start=day, end=day + np.timedelta64(length - 1, "D")), day
    found = [past_period(name, text, today) for name, text in (("before", before), ("after", after))]
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
    if not (
        entries_known(old_part) and all(recorded(old_part, one) for one in periods)
    ):  # how many came is not known: no number a month, of no stage
        months = [float("nan"), float("nan")]
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
