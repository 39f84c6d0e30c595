"""What are the funnel's six properties: stages, shape, number, cycle, success and money, beside ideal and last year?

Longer than most modules: one result with its two ways in, measured deals and typed counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from funnelnb.analysis.conversion.conversion import conversion
from funnelnb.analysis.conversion.ideal import ideal_rates
from funnelnb.analysis.shared import group_curve
from funnelnb.analysis.shared.by_day import at_day, curve, split
from funnelnb.analysis.shared.counts import attributes, level, source_notes, time_counts
from funnelnb.analysis.shared.entered import entered_s
from funnelnb.analysis.shared.horizon import automatic
from funnelnb.analysis.shared.judged import MOST_UNDATED, NO_RATE, recorded, unjudged
from funnelnb.analysis.shared.period import Period, past_period, period_of
from funnelnb.analysis.shared.question import question
from funnelnb.analysis.shared.result import Result, about
from funnelnb.analysis.shared.typed_counts import named_stages, typed
from funnelnb.core import check
from funnelnb.core.arrays import in_days
from funnelnb.core.check import TOO_FEW_N
from funnelnb.core.errors import MissingDataError, ParameterError, nearest
from funnelnb.core.note import Note
from funnelnb.data.contract.clock import UNKNOWN
from funnelnb.data.ledger.codes import WON_DEAL
from funnelnb.stats.rates.proportion import wilson
from funnelnb.stats.totals.means import mean_interval

if TYPE_CHECKING:
    import datetime
    import os

    from numpy.typing import NDArray

    from funnelnb.analysis.conversion.conversion import StepRow
    from funnelnb.analysis.shared.counts import Source
    from funnelnb.analysis.shared.typed_counts import Counts
    from funnelnb.data.book import Book
    from funnelnb.data.ledger.ledger import Ledger
    from funnelnb.playbooks.model import Label, Playbook

    Ideal = Sequence[float] | Mapping[str, float] | Book | str


TIME_CUTS = ("year", "quarter", "month", "week")
"""Cuts by time of entry (DOMAIN D4)."""
SHAPES = ("trapezoid", "narrows_early", "narrows_late", "unknown")
MOST_GROUPS = 26
BEND_SHARE = 0.05
"""A funnel within this share of straight sides everywhere is called a trapezoid, however many deals it holds."""
TRAPEZOID = "trapezoid"
BEFORE_RECORDS = ("late_entry", "ended_before_records")
"""Notes on deals that are counted in part only, or not at all, in the success rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageProperties:
    """One stage of one funnel.

    Attributes
    ----------
    series : {"actual", "ideal", "last_year", "before", "after"}
    stage : str
    entry_n, exit_n : float
        Deals that came to the stage in the period, and that came to the next one; NaN where arrivals are not dated.
        Of the ideal: as many as there should be.
    here_n : float
        Deals entered in the period that stand there now.
    width_n : float
        Deals that reach the stage within the horizon of entering: the shape. Of the ideal: entries times shares.
    success_rate, success_ci_lower, success_ci_upper : float
        Share that goes on within the horizon.
    cycle_days, cycle_ci_lower, cycle_ci_upper : float
        Median days in the stage, open deals counted with their age so far. Infinite: not reached; NaN: not known.
    entry_amount, here_amount : float
        Sums of the known amounts.
    enough : bool
    """

    series: str
    stage: str
    entry_n: float
    exit_n: float
    here_n: float
    width_n: float
    success_rate: float
    success_ci_lower: float
    success_ci_upper: float
    cycle_days: float
    cycle_ci_lower: float
    cycle_ci_upper: float
    entry_amount: float
    here_amount: float
    enough: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FunnelProperties:
    """One funnel whole.

    Attributes
    ----------
    series : str
        As in :class:`StageProperties`.
    group : tuple of str
        Value of the cut; empty for the whole.
    starts, ends : numpy.datetime64
        First and last day of entry; NaT where not limited.
    stage_n : int
        Stages up to the win.
    entry_n, won_n : float
        Deals that entered in the period, and that were won in it.
    here_n : float
        Deals entered in the period that still stand in the first stage.
    success_rate, success_ci_lower, success_ci_upper : float
        Won within the horizon of entering.
    judged_n : float
        Deals that the success rate is of: without those that ended before the records begin.
    cycle_days, cycle_ci_lower, cycle_ci_upper : float
        Median days from entry to won or lost.
    slope_rate : float
        Geometric mean of the steps' success; NaN where nobody comes to the win.
    bend_share : float
        How far the shape bends from straight sides, as a share of the entries: negative, it loses early; positive,
        it keeps its width and loses late.
    bend_stage : str
        Where it bends most.
    shape : {"trapezoid", "narrows_early", "narrows_late", "unknown"}
    entry_amount, won_amount : float
    mean_won_amount, mean_won_ci_lower, mean_won_ci_upper, median_won_amount : float
        Of the deals won in the period, as far as their amount is known.
    enough : bool
    """

    series: str
    group: tuple[str, ...]
    starts: np.datetime64
    ends: np.datetime64
    stage_n: int
    entry_n: float
    won_n: float
    here_n: float
    judged_n: float
    success_rate: float
    success_ci_lower: float
    success_ci_upper: float
    cycle_days: float
    cycle_ci_lower: float
    cycle_ci_upper: float
    slope_rate: float
    bend_share: float
    bend_stage: str
    shape: str
    entry_amount: float
    won_amount: float
    mean_won_amount: float
    mean_won_ci_lower: float
    mean_won_ci_upper: float
    median_won_amount: float
    enough: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SixProperties(Result):
    """The six properties of a funnel. `n` counts the deals of the actual one.

    Attributes
    ----------
    by : tuple of str
    horizon_days : float
        NaN for typed counts.
    reference : str
        What the ideal is: ``"given"``, ``"trapezoid"``, the name of a book, or empty.
    rows : tuple of FunnelProperties
        One per series, then the same of each group of the cut.
    stages : tuple of StageProperties
        Per series its stages in order, the won stage last.
    stage_ids : tuple of str
    stage_labels : tuple of Label
    """

    by: tuple[str, ...]
    horizon_days: float
    reference: str
    rows: tuple[FunnelProperties, ...]
    stages: tuple[StageProperties, ...]
    stage_ids: tuple[str, ...]
    stage_labels: tuple[Label, ...]


@question(typed=True)
def six_properties(
    book: Book | Counts,
    *,
    ideal: Ideal | None = None,
    before: Counts | None = None,
    last_year: bool = True,
    period: str | None = None,
    by: str | None = None,
    playbook: str | os.PathLike[str] | Playbook | None = None,
    horizon_days: float | None = None,
    confidence_level: float | None = None,
) -> SixProperties:
    """What are the funnel's six properties, beside the ideal and last year's?

    Parameters
    ----------
    book : Book, or counts per stage
        Typed counts need no CRM (see :func:`~funnelnb.analysis.shared.typed_counts.typed_funnel`); cycle and money
        are then not known.
    ideal : sequence of float, mapping of stage to float, Book or "trapezoid", optional
        Share that should get through each step; a book whose shares and times are the ideal (the best region);
        or the isosceles trapezoid with as many entries and wins as the actual funnel.
    before : counts, optional
        With typed counts: those of a year ago.
    last_year : bool
        Whether the same funnel a year earlier stands beside it.
    period : str, optional
        Week, month, quarter or year in which the deals entered, such as ``"2026-W23"`` or ``"2026-Q2"``; None: the
        last twelve months.
    by : str, optional
        Cut: an attribute such as ``"region"``, ``"team"``, ``"product"``, ``"customer_type"``; ``"size"`` for large
        and small; or ``"year"``, ``"quarter"``, ``"month"``, ``"week"`` of entry (of all times, or of `period`).
    playbook : str, path or Playbook, optional
        With typed counts: the model that names the stages.
    horizon_days : float, optional
        Age by which a step counts; None finds one for the whole book.
    confidence_level : float, optional

    Returns
    -------
    SixProperties

    Raises
    ------
    ParameterError
        A parameter cannot be: an unknown cut, an ideal that does not fit the stages, a period without deals.
    MissingDataError
        More than a tenth of the deals have no date of entry.

    Notes
    -----
    Numbers and money are those of the period: deals that came to a stage, or were won, in it. Success, cycle and shape
    are those of the deals that entered in the period (created, else first seen in a stage), at the same age for all:
    success by the horizon (Aalen-Johansen), cycle the Kaplan-Meier median, both with open deals counted as open. The
    shape is how many reach each stage within the horizon of entering, against straight sides between the first and
    the last width; a bend within 5 % of the entries, or within two standard deviations of chance, counts as straight.

    Checked against conversion, duration and sums by loops, the weekly report, and a trapezoid by construction:
    ``tests/analysis/test_properties.py``.

    Examples
    --------
    >>> import funnelnb as fn
    >>> page = fn.six_properties([100, 80, 60, 40, 20], playbook="pyramid", last_year=False)
    >>> page.rows[0].shape, page.rows[0].success_rate
    ('trapezoid', 0.2)
    """
    confidence = level(confidence_level)
    if isinstance(book, Sequence | Mapping):
        only_books({"period": period, "by": by, "horizon_days": horizon_days})
        return _typed(book, ideal, before, playbook, confidence)
    _only_counts(before, playbook)
    _require_entered(book)
    now = _now(book, period)
    horizon = visible_horizon(book, [now], horizon_days)
    actual = _measured(book, now, "actual", horizon, confidence)
    ideals, reference = _ideal(book, ideal, actual, horizon, confidence)
    earlier, notes = _last_year(book, now, horizon, confidence) if last_year else ([], [])
    found = [actual, *ideals, *earlier]
    beside = _Beside(horizon=horizon, confidence_level=confidence, ideal=ideal, last_year=last_year)
    groups, more = _groups(book, by, now, beside, whole_time=period is None)
    return SixProperties(
        n=int(actual.whole.entry_n),
        method="six_properties",
        confidence_level=confidence,
        notes=(*book.notes, *source_notes(book), *actual.notes, *notes, *more),
        by=(by,) if by else (),
        horizon_days=horizon,
        reference=reference,
        rows=(*(one.whole for one in found), *groups),
        stages=tuple(row for one in found for row in one.stages),
        **about(book),
    )


def _only_counts(before: object, playbook: object) -> None:
    """Raise where something that belongs to typed counts was said of a book."""
    if before is not None or playbook is not None:
        raise ParameterError(
            "before or playbook with a book",
            expected="typed counts, or none of the two",
            hint="last_year=True",
        )


def only_books(given: Mapping[str, object]) -> None:
    """Raise where something that takes dates or attributes was asked of typed counts."""
    named = [name for name, value in given.items() if value is not None]
    if named:
        raise ParameterError(
            f"{', '.join(named)} with typed counts",
            expected="a book: typed counts have no dates and no attributes",
            hint="leave it out; a year ago is before=[…], another group a call of its own",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Funnel:
    """One funnel: whole, by stage, and what has to be said of it."""

    whole: FunnelProperties
    stages: tuple[StageProperties, ...]
    notes: tuple[Note, ...] = ()


# ---- Which deals? ----------------------------------------------------------------------------------------


def _require_entered(book: Book) -> None:
    """Refuse where it is not known when deals entered."""
    undated_n = int((entered_s(book.ledger) == UNKNOWN).sum())
    if undated_n > MOST_UNDATED * len(book.ledger.outcome):
        raise MissingDataError(
            f"when deals entered is not known: {undated_n} of {len(book.ledger.outcome)} have no date",
            expected="created_at, or a stage history with dates",
            hint="map the column in the settings",
        )


def _now(book: Book, period: str | None) -> Period:
    """Return the period of entry asked for, at most up to the day of the data."""
    today = book.as_of.astype("datetime64[D]")
    if period is None:
        start = today - np.timedelta64(364, "D")
        return Period(name="", start=start, end=today)
    return past_period("period", period, today)


def visible_horizon(book: Book, periods: Sequence[Period], horizon_days: float | None) -> float:
    """Return the horizon asked for; else the book's, but no longer than the deals of every period can show."""
    if horizon_days is not None:
        return check.horizon_days(horizon_days)
    seen = [automatic(book)]
    for period in periods:
        keep = entered_in(book, period)
        if keep.any():
            seen.append(automatic(book.some(keep)))
    return min(seen)


def entered_in(book: Book, period: Period) -> NDArray[np.bool_]:
    """Return which deals entered in the period; all of them where no deal's entry is dated."""
    entered = entered_s(book.ledger)
    if not (entered != UNKNOWN).any():
        return np.ones(entered.size, dtype=bool)
    days = np.where(entered == UNKNOWN, UNKNOWN, entered).astype("datetime64[s]").astype("datetime64[D]")
    kept: NDArray[np.bool_] = (entered != UNKNOWN) & (days >= period.start) & (days <= period.end)
    return kept


def _last_year(
    book: Book, now: Period, horizon: float, confidence_level: float
) -> tuple[list[Funnel], list[Note]]:
    """Return the funnel of the same days a year earlier, or a note that says why there is none."""
    then = _year_before(now)
    entered = entered_s(book.ledger)
    known = entered[entered != UNKNOWN]
    keep = entered_in(book, then)
    if not known.size or not keep.any() or not recorded(book, then):
        return [], [Note("last_year_missing")]
    first = known.min().astype("datetime64[s]").astype("datetime64[D]")
    notes = (
        [Note("last_year_partly", {"first": str(first)})]
        if first > then.start + np.timedelta64(31, "D")
        else []
    )
    return [_measured(book, then, "last_year", horizon, confidence_level)], notes


def _groups(
    book: Book,
    by: str | None,
    now: Period,
    beside: _Beside,
    *,
    whole_time: bool,
) -> tuple[list[FunnelProperties], tuple[Note, ...]]:
    """Return the rows of each group of the cut, and what was left out."""
    if not by:
        return [], ()
    masks = _cut(book, by, now, whole_time=whole_time)
    shown = masks[-MOST_GROUPS:] if by in TIME_CUTS else masks[:MOST_GROUPS]
    today = book.as_of.astype("datetime64[D]")
    rows: list[FunnelProperties] = []
    for name, keep in shown:
        if by in TIME_CUTS:
            everybody = np.ones(keep.size, dtype=bool)
            rows += beside.group(book, name, everybody, past_period("by", name, today))
        else:
            rows += beside.group(book, name, keep, now)
    left_n = len(masks) - len(shown)
    return rows, (Note("groups_left_out", {"shown_n": len(shown), "groups_n": len(masks)}),) if left_n else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Beside:
    """What stands beside each group of a cut: the ideal, and the same days of last year."""

    horizon: float
    confidence_level: float
    ideal: Ideal | None
    last_year: bool

    def group(self, book: Book, name: str, keep: NDArray[np.bool_], period: Period) -> list[FunnelProperties]:
        """Return the rows of one group: actual, ideal and last year, as far as there are deals."""
        flow = book.ledger.restrict(keep)
        whens = [("actual", period), ("last_year", _year_before(period))][: 1 + self.last_year]
        found = []
        for series, when in whens:
            inside = keep & entered_in(book, when)
            if not inside.any():
                continue
            part = book.some(inside, name=name)
            one = of_deals(part, series, when, self.horizon, self.confidence_level, flow=flow)
            found.append(one.whole)
            if series == "actual":
                ideals, _ = _ideal(book, self.ideal, one, self.horizon, self.confidence_level)
                found += [other.whole for other in ideals]
        return [replace(row, group=(name,)) for row in found]


def _year_before(period: Period) -> Period:
    """Return the same week, month, quarter or year of the year before; else the same days 365 days earlier."""
    named = period_of(f"{int(period.name[:4]) - 1}{period.name[4:]}") if period.name else None
    if named is not None:
        return replace(named, end=min(named.end, named.start + (period.end - period.start)))
    year = np.timedelta64(365, "D")
    return Period(name="", start=period.start - year, end=period.end - year)


def deals_of_cut(book: Book, by: str, name: str, now: Period) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Mark the deals of a group, and those whose moves count for it; a cut by time is made by days, not by deals."""
    everybody = np.ones(len(book.ledger.outcome), dtype=bool)
    if by in TIME_CUTS:
        return everybody, everybody
    found = next((keep for label, keep in _cut(book, by, now, whole_time=False) if label == name), ~everybody)
    return found, found


def _cut(book: Book, by: str, now: Period, *, whole_time: bool) -> list[tuple[str, NDArray[np.bool_]]]:
    """Return the groups of a cut with their deals: largest first, or in the order of time."""
    ledger, inside = book.ledger, entered_in(book, now)
    everybody = np.ones(inside.size, dtype=bool)
    if by in TIME_CUTS:
        entered = np.where(inside | whole_time, entered_s(ledger), UNKNOWN)
        days = entered.astype("datetime64[s]").astype("datetime64[D]")
        names = np.array([_time_name(day, by) for day in days.tolist()], dtype=object)
        names[entered == UNKNOWN] = ""
        return [(str(name), names == name) for name in sorted(set(names.tolist()) - {""})]
    if by == "size" and "size" not in ledger.attributes:
        known = ledger.amount[inside & ~np.isnan(ledger.amount)]
        if not known.size:
            raise ParameterError("by = 'size': no deal has an amount", expected="deals with an amount")
        large = ledger.amount >= float(np.median(known))
        small = ~np.isnan(ledger.amount) & ~large
        return [("large", large), ("small", small)]
    known_names = sorted({*attributes(book), "size", *TIME_CUTS})
    if by not in ledger.attributes:
        raise ParameterError(
            f"by = {by!r}", expected="one of " + ", ".join(known_names), hint=nearest(by, known_names)
        )
    coded = ledger.attributes[by]
    groups = [(label, everybody & (coded.codes == code)) for code, label in enumerate(coded.labels)]
    held = [one for one in groups if (one[1] & inside).any()]
    return sorted(held, key=lambda one: -int((one[1] & inside).sum()))


def _time_name(day: datetime.datetime, by: str) -> str:
    if day is None:
        return ""
    if by == "week":
        year, week, _ = day.isocalendar()
        return f"{year}-W{week:02d}"
    quarter = f"{day.year}-Q{(day.month + 2) // 3}"
    return {"year": f"{day.year}", "quarter": quarter, "month": f"{day.year}-{day.month:02d}"}[by]


# ---- One funnel measured -----------------------------------------------------------------------------------


def _measured(book: Book, period: Period, series: str, horizon: float, confidence_level: float) -> Funnel:
    keep = entered_in(book, period)
    if not keep.any():
        raise ParameterError(
            f"no deal entered between {period.start} and {period.end}",
            expected="a period in which deals entered",
        )
    return of_deals(book.some(keep), series, period, horizon, confidence_level, flow=book.ledger)


def of_deals(
    part: Book, series: str, period: Period, horizon: float, confidence_level: float, flow: Ledger
) -> Funnel:
    """Return the six properties of the deals of a part that entered in a period; `flow`: whose moves are counted."""
    found = conversion(part, horizon_days=horizon, confidence_level=confidence_level)
    steps = [step for step in found.steps if not step.after_sale]
    whole, won = found.overall[0], part.playbook.won
    why = unjudged(part)
    widths = _reached(part, whole.reached_n, horizon, confidence_level)
    moves = [_moved(flow, k, period) for k in range(won + 1)]
    counts = [whole.reached_n, *moves[1:]]
    stages = [
        _stage(
            series,
            (step, why),
            widths[k],
            (counts[k], counts[k + 1]),
            _cycle(part, k, k + 1, confidence_level),
        )
        for k, step in enumerate(steps)
    ]
    properties = FunnelProperties(
        series=series,
        group=(),
        starts=period.start,
        ends=period.end,
        stage_n=won + 1,
        entry_n=whole.reached_n,
        won_n=counts[won],
        here_n=whole.here_n,
        judged_n=whole.by_day_n or whole.reached_n,
        **_as_success(_success(whole, why)),
        **_as_cycle(_cycle(part, 0, won, confidence_level)),
        **_shape(widths, part.playbook.stage_ids),
        entry_amount=whole.reached_amount,
        **_money(flow, period, confidence_level),
        enough=whole.enough,
    )
    won_stage = _won_row(series, part.playbook.stage_ids[won], counts[won], widths[won])
    return Funnel(whole=properties, stages=(*stages, won_stage), notes=_counted_notes(found.notes, moves))


def _counted_notes(notes: Sequence[Note], moves: Sequence[float]) -> tuple[Note, ...]:
    """Return what has to be said of deals older than the records, and of moves without a date."""
    undated = (Note("moves_undated"),) if np.isnan(moves[1:]).any() else ()
    return (*(note for note in notes if note.code in BEFORE_RECORDS), *undated)


def _stage(
    series: str,
    judged: tuple[StepRow, str],
    width: float,
    moved: tuple[float, float],
    cycle: tuple[float, float, float],
) -> StageProperties:
    """Return the row of one step; `judged`: its counts, and why the data cannot tell its success, if so."""
    step = judged[0]
    return StageProperties(
        series=series,
        stage=step.stage,
        entry_n=moved[0],
        exit_n=moved[1],
        here_n=step.here_n,
        width_n=width,
        **_as_success(_success(*judged)),
        **_as_cycle(cycle),
        entry_amount=step.reached_amount,
        here_amount=step.here_amount,
        enough=step.enough,
    )


def _moved(ledger: Ledger, k: int, period: Period) -> float:
    """Return how many deals came to stage `k` in the period; NaN where most arrivals there are not dated."""
    reached = ledger.reached_s[:, k]
    arrived, dated = ledger.furthest >= k, reached != UNKNOWN
    if arrived.any() and 2 * int((arrived & dated).sum()) < int(arrived.sum()):
        return np.nan
    return float(within(reached, period).sum())


def within(moment_s: NDArray[np.int64], period: Period) -> NDArray[np.bool_]:
    """Return which moments are known and lie in the period."""
    start, end = (
        one.astype("datetime64[s]").astype(np.int64) for one in (period.start, period.end + in_days(1))
    )
    inside: NDArray[np.bool_] = (moment_s != UNKNOWN) & (moment_s >= start) & (moment_s < end)
    return inside


class _Success(TypedDict):
    success_rate: float
    success_ci_lower: float
    success_ci_upper: float


class _Cycle(TypedDict):
    cycle_days: float
    cycle_ci_lower: float
    cycle_ci_upper: float


class _Money(TypedDict):
    won_amount: float
    mean_won_amount: float
    mean_won_ci_lower: float
    mean_won_ci_upper: float
    median_won_amount: float


class _Shape(TypedDict):
    slope_rate: float
    bend_share: float
    bend_stage: str
    shape: str


def _as_success(values: tuple[float, float, float]) -> _Success:
    return {"success_rate": values[0], "success_ci_lower": values[1], "success_ci_upper": values[2]}


def _as_cycle(values: tuple[float, float, float]) -> _Cycle:
    return {"cycle_days": values[0], "cycle_ci_lower": values[1], "cycle_ci_upper": values[2]}


def _success(step: StepRow, why: str) -> tuple[float, float, float]:
    """Return the share by the horizon with its bounds; of closed deals only where no deal's times are known.

    NaN where the data cannot tell (`why`).
    """
    if why in NO_RATE:
        return np.nan, np.nan, np.nan
    stem = "by_day" if step.by_day_n else "decided"
    rate, lower, upper = (getattr(step, f"{stem}_{part}") for part in ("rate", "ci_lower", "ci_upper"))
    return rate, lower, upper


def _cycle(source: Source, origin: int, target: int, confidence_level: float) -> tuple[float, float, float]:
    """Return the median days from one stage to leaving it, or the whole way to won or lost, with its bounds."""
    (times,) = split(time_counts(source, origin, target))
    known = group_curve.pace(times, "any", confidence_level)
    facts = group_curve.row_fields(times, "any", np.nan, known)
    if not facts["enough"]:
        return np.nan, np.nan, np.nan
    return facts["median_days"], facts["median_ci_lower"], facts["median_ci_upper"]


def _reached(part: Book, entry_n: float, horizon: float, confidence_level: float) -> list[float]:
    """Return how many of the entries reach each stage within the horizon; so far, where nothing is dated."""
    widths = [float(entry_n)]
    for k in range(1, part.playbook.won + 1):
        (times,) = split(time_counts(part, 0, k))
        rate = at_day(times, curve(times, confidence_level), horizon).rate
        if not times.n.sum():
            rate = np.nan if unjudged(part) in NO_RATE else float((part.ledger.furthest >= k).mean())
        widths.append(entry_n * rate)
    return widths


def _money(ledger: Ledger, period: Period, confidence_level: float) -> _Money:
    """Return sum, mean and median of what was won in the period."""
    mine = (ledger.outcome == WON_DEAL) & (ledger.amount > 0) & within(ledger.closed_s, period)
    won = ledger.amount[mine]
    mean, lower, upper = mean_interval(won, confidence_level)
    return {
        "won_amount": float(won.sum()) if won.size else np.nan,
        "mean_won_amount": mean,
        "mean_won_ci_lower": lower,
        "mean_won_ci_upper": upper,
        "median_won_amount": float(np.median(won)) if won.size else np.nan,
    }


def _won_row(series: str, stage: str, won_n: float, width_n: float) -> StageProperties:
    nothing = (np.nan, np.nan, np.nan)
    return StageProperties(
        series=series,
        stage=stage,
        entry_n=won_n,
        exit_n=np.nan,
        here_n=np.nan,
        width_n=width_n,
        **_as_success(nothing),
        **_as_cycle(nothing),
        entry_amount=np.nan,
        here_amount=np.nan,
        enough=True,
    )


# ---- The shape ---------------------------------------------------------------------------------------------


def _widths(entry_n: float, rates: Sequence[float]) -> list[float]:
    """Return how many reach each stage, the last being the win, if every step succeeds at its rate."""
    return [float(entry_n * np.prod(rates[:k])) for k in range(len(rates) + 1)]


def _shape(widths: Sequence[float], stages: Sequence[str]) -> _Shape:
    """Return slope, bend and shape of a funnel of these widths.

    Examples
    --------
    >>> _shape([100, 50, 50, 50], "abcd")["shape"], _shape([100, 98, 95, 20], "abcd")["shape"]
    ('narrows_early', 'narrows_late')
    """
    wide = np.asarray(widths, dtype=np.float64)
    last = wide.size - 1
    nothing: _Shape = {"slope_rate": np.nan, "bend_share": np.nan, "bend_stage": "", "shape": "unknown"}
    if np.isnan(wide).any() or wide[0] <= 0 or last < 1:
        return nothing
    straight = wide[0] + (wide[-1] - wide[0]) * np.arange(wide.size) / last
    bend = (wide - straight) / wide[0]
    most = int(np.argmax(np.abs(bend)))
    share = wide[most] / wide[0]
    chance = 2 * float(np.sqrt(max(share * (1 - share), 0.0) / wide[0]))
    straight_enough = abs(bend[most]) <= max(BEND_SHARE, chance)
    return {
        "slope_rate": float((wide[-1] / wide[0]) ** (1 / last)) if wide[-1] > 0 else np.nan,
        "bend_share": float(bend[most]),
        "bend_stage": stages[most],
        "shape": TRAPEZOID if straight_enough else ("narrows_early" if bend[most] < 0 else "narrows_late"),
    }


# ---- The ideal ---------------------------------------------------------------------------------------------


def _ideal(
    book: Book, ideal: Ideal | None, actual: Funnel, horizon: float, confidence_level: float
) -> tuple[list[Funnel], str]:
    """Return the funnel that should be, if one was asked for, and where it comes from."""
    if ideal is None:
        return [], ""
    widths = [row.width_n for row in actual.stages]
    stages = [row.stage for row in actual.stages]
    if isinstance(ideal, str):
        check.one_of("ideal", ideal, (TRAPEZOID,))
        return [ideal_funnel_of(trapezoid_rates(widths), stages, actual.whole)], TRAPEZOID
    rates, reference = ideal_rates(book, ideal, stages[:-1], horizon)
    cycles = None
    if not isinstance(ideal, Sequence | Mapping):
        won = book.playbook.won
        cycles = [_cycle(ideal, k, k + 1, confidence_level)[0] for k in range(won)]
        cycles.append(_cycle(ideal, 0, won, confidence_level)[0])
    return [ideal_funnel_of(rates, stages, actual.whole, cycles)], reference


def trapezoid_rates(widths: Sequence[float]) -> list[float]:
    """Return the step rates of the isosceles trapezoid with the first and the last of these widths.

    Examples
    --------
    >>> [round(one, 2) for one in trapezoid_rates([100, 70, 20])]
    [0.6, 0.33]
    """
    last = len(widths) - 1
    straight = [widths[0] + (widths[-1] - widths[0]) * k / last for k in range(last + 1)]
    return [straight[k + 1] / straight[k] if straight[k] else np.nan for k in range(last)]


def ideal_funnel_of(
    rates: Sequence[float],
    stages: Sequence[str],
    actual: FunnelProperties,
    cycles: Sequence[float] | None = None,
) -> Funnel:
    """Return the funnel that has these step rates and as many entries as the actual one."""
    nan = float("nan")
    widths = _widths(actual.entry_n, rates)
    days = list(cycles) if cycles is not None else [nan] * len(stages)
    rows = [
        _plain_stage("ideal", stages[k], (widths[k], widths[k + 1]), (rate, nan, nan), days[k])
        for k, rate in enumerate(rates)
    ]
    nowhere = np.datetime64("NaT", "D")
    whole = replace(
        actual,
        series="ideal",
        starts=nowhere,
        ends=nowhere,
        won_n=widths[-1],
        here_n=nan,
        judged_n=actual.entry_n,
        **_as_success((widths[-1] / widths[0] if widths[0] else nan, nan, nan)),
        **_as_cycle((days[-1], nan, nan)),
        **_shape(widths, stages),
        entry_amount=nan,
        won_amount=widths[-1] * actual.mean_won_amount,
        mean_won_amount=nan,
        mean_won_ci_lower=nan,
        mean_won_ci_upper=nan,
        median_won_amount=nan,
    )
    return Funnel(whole=whole, stages=(*rows, _won_row("ideal", stages[-1], widths[-1], widths[-1])))


def _plain_stage(
    series: str, stage: str, moved: tuple[float, float], success: tuple[float, float, float], days: float
) -> StageProperties:
    """Return a stage of which only counts are known, typed or ideal."""
    nan = float("nan")
    return StageProperties(
        series=series,
        stage=stage,
        entry_n=moved[0],
        exit_n=moved[1],
        here_n=nan,
        width_n=float(moved[0]),
        **_as_success(success),
        **_as_cycle((days, nan, nan)),
        entry_amount=nan,
        here_amount=nan,
        enough=series == "ideal" or moved[0] >= TOO_FEW_N,
    )


# ---- Typed counts ------------------------------------------------------------------------------------------


def _typed(
    counts: Counts,
    ideal: Ideal | None,
    before: Counts | None,
    playbook: str | os.PathLike[str] | Playbook | None,
    confidence_level: float,
) -> SixProperties:
    ids, labels, _ = named_stages(counts, playbook, None)
    now = typed("counts", counts, ids, labels)
    found = [typed_properties(now, ids, "actual", confidence_level)]
    reference = ""
    if ideal is not None:
        given = _typed_ideal(ideal, ids, now)
        reference = TRAPEZOID if isinstance(ideal, str) else "given"
        found.append(ideal_funnel_of(given, ids, found[0].whole))
    if before is not None:
        found.append(
            typed_properties(typed("before", before, ids, labels), ids, "last_year", confidence_level)
        )
    return SixProperties(
        n=now[0],
        method="six_properties_typed",
        confidence_level=confidence_level,
        as_of=np.datetime64("NaT", "s"),
        currency="",
        notes=(Note("typed_so_far"),),
        by=(),
        horizon_days=np.nan,
        reference=reference,
        rows=tuple(one.whole for one in found),
        stages=tuple(row for one in found for row in one.stages),
        stage_ids=ids,
        stage_labels=labels,
    )


def _typed_ideal(ideal: Ideal, ids: tuple[str, ...], counts: tuple[int, ...]) -> list[float]:
    if isinstance(ideal, str):
        check.one_of("ideal", ideal, (TRAPEZOID,))
        return trapezoid_rates(counts)
    if isinstance(ideal, Mapping):
        missing = [stage for stage in ids[:-1] if stage not in ideal]
        if missing:
            raise ParameterError(f"ideal has no share for {', '.join(missing)}", expected="a share per step")
        ideal = [ideal[stage] for stage in ids[:-1]]
    if not isinstance(ideal, Sequence) or len(ideal) != len(ids) - 1:
        raise ParameterError(
            "ideal does not fit typed counts", expected=f"{len(ids) - 1} shares, one per step"
        )
    return [check.number(f"ideal[{ids[k]!r}]", rate, gt=0, le=1) for k, rate in enumerate(ideal)]


def typed_properties(
    counts: tuple[int, ...], ids: tuple[str, ...], series: str, confidence_level: float
) -> Funnel:
    """Return the properties of typed counts: number, success and shape; cycle and money are not known."""
    nan, nowhere = float("nan"), np.datetime64("NaT", "D")

    def rate(k: int, n: int) -> tuple[float, float, float]:
        lower, upper = wilson(k, n, confidence_level)
        return (k / n if n else nan), float(lower), float(upper)

    rows = [
        _plain_stage(series, ids[k], (counts[k], counts[k + 1]), rate(counts[k + 1], counts[k]), nan)
        for k in range(len(ids) - 1)
    ]
    whole = FunnelProperties(
        series=series,
        group=(),
        starts=nowhere,
        ends=nowhere,
        stage_n=len(ids),
        entry_n=counts[0],
        won_n=counts[-1],
        here_n=nan,
        judged_n=counts[0],
        **_as_success(rate(counts[-1], counts[0])),
        **_as_cycle((nan, nan, nan)),
        **_shape([float(one) for one in counts], ids),
        entry_amount=nan,
        won_amount=nan,
        mean_won_amount=nan,
        mean_won_ci_lower=nan,
        mean_won_ci_upper=nan,
        median_won_amount=nan,
        enough=counts[0] >= TOO_FEW_N,
    )
    won = _won_row(series, ids[-1], counts[-1], float(counts[-1]))
    return Funnel(whole=whole, stages=(*rows, won))
