"""How long does a stage take, and the whole way, when many deals have not finished yet?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.analysis.conversion.like_with_like import filled_afterwards, unfair_of
from funnelnb.analysis.shared import by_day, caveats, group_curve
from funnelnb.analysis.shared.alike import owners_count
from funnelnb.analysis.shared.counts import (
    Source,
    calendar_notes,
    grouping,
    level,
    origin_of,
    source_notes,
    stratum,
    time_counts,
    unwatched_n,
    working_stage,
)
from funnelnb.analysis.shared.question import question
from funnelnb.analysis.shared.result import Result, about
from funnelnb.analysis.time.duration_groups import (
    DurationGap,
    DurationTest,
    gaps_of,
    less_sure,
    settled,
    settled_gaps,
    test_of,
)
from funnelnb.analysis.time.fits import CLOSE, FitRow, families_of, fit_rows, fitted_to
from funnelnb.core import check
from funnelnb.core.check import TOO_FEW_N
from funnelnb.core.note import Note
from funnelnb.data.contract.calendar import calendar_of
from funnelnb.data.ledger.codes import LEFT_DEAL, OPEN_DEAL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from funnelnb.analysis.shared.by_day import Times
    from funnelnb.data.contract.calendar import Calendar
    from funnelnb.data.count.counts import TimeCounts
    from funnelnb.data.ledger.ledger import Ledger
    from funnelnb.playbooks.model import Label
    from funnelnb.stats.lifetime.fit import Lifetime


# ---- How long does one stage, or the whole way, take one group? The rows and curves of a duration ----------


@dataclass(frozen=True, slots=True, kw_only=True)
class DurationRow:
    """How long one stage, or the whole way, takes one group. Days are those of the result's `calendar`.

    Attributes
    ----------
    group : tuple of str
    stage, next_stage : str
        Stage ids. The overall row goes from the first stage to won or lost.
    overall : bool
    n : int
        Deals that reached the stage and whose time is known.
    closed_n : int
        Those that ended as asked (left in any way, advanced, or lost).
    open_n : int
        Those still there, or that left without a decision: their time is only known to be longer.
    undated_n : int
        Those that are lost without a date. With any of them (and losses counting as an end) the interval of the median
        goes from the lower end if all were lost as early as they can have been to the upper end if all were as late,
        and quartiles, means and shares still there are NaN.
    median_days, median_ci_lower, median_ci_upper : float
        Day by which half have ended as asked. Infinite: not reached within what was observed.
    q25_days, q75_days : float
    mean_days, mean_ci_lower, mean_ci_upper : float
        Mean days spent up to `limit_days`; NaN unless asked for any end.
    limit_days : float
        The same for all groups of a stage: the age to which each group could be watched.
    still_30_rate, still_60_rate, still_90_rate, still_120_rate : float
        Share neither advanced nor lost by then; NaN where only the end of the last few would make it 0.
    naive_median_days, naive_mean_days : float
        Of the finished deals alone: what is usually reported, and too short while deals are open.
    naive_difference_days : float
        Naive median less the median; minus infinity where the median is not reached, NaN unless asked for any
        end (those that advanced are not comparable with all).
    last_event_days : float
        Age of the oldest deal that ever ended.
    older_n : int
        Open deals older than that.
    older_amount : float
        Sum of their known amounts; NaN if none is known.
    pause : bool
        True when so long a time without any end is no accident: pipeline that looks dead.
    enough : bool
        False: too few deals, or too few watched at young ages, to say.
    """

    group: tuple[str, ...]
    stage: str
    next_stage: str
    overall: bool
    n: int
    closed_n: int
    open_n: int
    undated_n: int
    median_days: float
    median_ci_lower: float
    median_ci_upper: float
    q25_days: float
    q75_days: float
    mean_days: float
    mean_ci_lower: float
    mean_ci_upper: float
    limit_days: float
    still_30_rate: float
    still_60_rate: float
    still_90_rate: float
    still_120_rate: float
    naive_median_days: float
    naive_mean_days: float
    naive_difference_days: float
    last_event_days: float
    older_n: int
    older_amount: float
    pause: bool
    enough: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DurationCurve:
    """Share that has not ended as asked, by days since the stage was reached. T days.

    Attributes
    ----------
    group, stage, overall
        As in :class:`DurationRow`.
    days, not_yet_rate, not_yet_ci_lower, not_yet_ci_upper : ndarray of float64, shape (T,)
    fitted_rate : ndarray of float64, shape (T,)
        The family with the lowest AICc; NaN where none was fitted.
    all_rate : ndarray of float64, shape (T,)
        Share not ended of all groups together; NaN without groups.
    at_risk_n : ndarray of int64, shape (T,)
    trusted_days : float
        Beyond this age fewer than ``TOO_FEW_N`` deals are still observed.
    """

    group: tuple[str, ...]
    stage: str
    overall: bool
    days: NDArray[np.float64]
    not_yet_rate: NDArray[np.float64]
    not_yet_ci_lower: NDArray[np.float64]
    not_yet_ci_upper: NDArray[np.float64]
    fitted_rate: NDArray[np.float64]
    all_rate: NDArray[np.float64]
    at_risk_n: NDArray[np.int64]
    trusted_days: float


# ---- How long does a stage take, and the whole way, when many deals have not finished yet? -----------------


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Duration(Result):
    """How long stages and the whole way take.

    Attributes
    ----------
    by : tuple of str
    to : {"any", "advance", "lose"}
    stage_ids : tuple of str
    stage_labels : tuple of Label
    rows : tuple of DurationRow
        By stage, the whole way last; groups within.
    fits : tuple of FitRow
    curves : tuple of DurationCurve
    within : str
        Attribute within whose values the groups were tested; empty: none.
    tests : tuple of DurationTest
        Per stage, the whole way last: do the groups differ at all? Empty without groups.
    gaps : tuple of DurationGap
        Per stage and group: how far from all others on one day?
    calendar : str
        What all days are: empty for calendar days, ``"business"`` for Monday to Friday, else the name of a
        calendar of business days.
    """

    by: tuple[str, ...]
    to: str
    stage_ids: tuple[str, ...]
    stage_labels: tuple[Label, ...]
    rows: tuple[DurationRow, ...]
    fits: tuple[FitRow, ...]
    curves: tuple[DurationCurve, ...]
    within: str
    tests: tuple[DurationTest, ...]
    gaps: tuple[DurationGap, ...]
    calendar: str = ""


@question()
def duration(
    book: Source,
    *,
    stage: str | None = None,
    by: str | Sequence[str] | None = None,
    within: str | None = None,
    to: str = "any",
    confidence_level: float | None = None,
    family: str | None = None,
    calendar: str | Calendar | None = None,
) -> Duration:
    """How long does each stage take, and the whole way, when many deals have not finished yet?

    Parameters
    ----------
    book : Book or Scan
    stage : str, optional
        Id, label or alias of a stage before won: that stage alone. None: every stage and the whole way.
    by : str or sequence of str, optional
        One or two attributes whose values make the groups; None: the whole book.
    within : str, optional
        Another attribute: whether the groups differ is tested among deals of equal values only (a stratified
        test), so that a different mix does not pass for a difference.
    to : {"any", "advance", "lose"}
        What ends the time: leaving the stage in any way, going on to the next stage, or being lost.
    confidence_level : float, optional
        Level of every interval, between 0 and 1; None: the package option (0.90).
    family : str, optional
        Family of distributions to fit, one of ``stats.lifetime.FAMILIES``; None: :data:`FAMILIES` are
        compared by AICc. Fits describe leaving in any way; with another `to` there are none.
    calendar : str or Calendar, optional
        Which days count: None for calendar days, ``"business"`` for Monday to Friday, a calendar of the
        settings, or a country such as ``"CN"`` or ``"DE-BY"``; see
        :func:`~funnelnb.data.contract.calendar.calendar_of`.

    Returns
    -------
    Duration

    Raises
    ------
    ParameterError
        A parameter has a value that it cannot have; the hint names the nearest.
    MissingDataError
        The deals have no attribute `by`.

    Notes
    -----
    - ``any``: Kaplan-Meier, open deals censored at their age; median with Brookmeyer and Crowley's interval.
      ``advance``, ``lose``: Aalen-Johansen, the other end competing, so that "half advance within t days" may
      never be reached. Deals under observation only from some age count from then.
    - The mean is restricted to an age that every group could be watched to. An unrestricted mean does not
      exist while deals are open.
    - The naive figures of finished deals stand beside so that the difference can be seen: long deals are
      missing from them.
    - Fits: censored maximum likelihood, AICc with the number of ended deals. Where a pause without any end is
      no accident (`pause`), each family is fitted with a share that never ends besides. A fit more than five points
      away from the observed curve is shown but not to be trusted.

    - Groups: log-rank test over those with enough deals (``any``), Gray's test for one of two competing ends,
      p adjusted over the stages. Each group against all others on one day by the difference of the shares
      ended, p adjusted over the groups; the day is the same for all, the median of all deals or as far as
      every group sees (:mod:`funnelnb.analysis.time.duration_groups`).

    References
    ----------
    Kaplan & Meier (1958), doi:10.1080/01621459.1958.10501452. Brookmeyer & Crowley (1982),
    doi:10.2307/2530286. Gray (1988), doi:10.1214/aos/1176350951. Zou & Donner (2008), doi:10.1002/sim.3095.

    Checked against the published figures of a public CRM export, stays counted by hand and R's ``survfit``,
    ``survdiff`` and ``cuminc``: ``tests/analysis/test_duration.py``, ``test_duration_contrast.py``.

    Examples
    --------
    >>> import funnelnb as fn
    >>> whole = fn.duration(fn.sample()).rows[-1]
    >>> whole.median_days, whole.naive_median_days
    (67.0, 53.0)
    """
    asked = _Asked(
        names=grouping(book, by),
        within=stratum(book, within, grouping(book, by)),
        to=check.one_of("to", to, group_curve.TO),
        families=families_of(family),
        confidence_level=level(confidence_level),
        calendar=calendar_of(calendar, book),
        **_doubts(book, grouping(book, by)),
    )
    spans, notes = spans_of(book, stage)
    blocks = [_span(book, one, asked) for one in spans]
    return Duration(
        n=sum(row.n for row in blocks[-1].rows),
        method=f"duration_{to}",
        confidence_level=asked.confidence_level,
        notes=(*source_notes(book), *notes, *_all_notes(book, asked, blocks)),
        by=asked.names,
        to=to,
        within="".join(asked.within),
        calendar=asked.calendar.name,
        rows=tuple(row for one in blocks for row in one.rows),
        fits=tuple(row for one in blocks for row in one.fits),
        curves=tuple(row for one in blocks for row in one.curves),
        tests=settled([row for one in blocks for row in one.tests], asked.confidence_level),
        gaps=tuple(row for one in blocks for row in one.gaps),
        **about(book),
    )


def _doubts(book: Source, names: tuple[str, ...]) -> dict[str, Any]:
    """Return whether losses may not have happened by then, and which groups are known only afterwards."""
    unsure = hasattr(book, "ledger") and bool(book.ledger.is_true("state_then_unknown").any())
    return {
        "unsure": unsure,
        "unfair": unfair_of(book, names),
        "filled_later": filled_afterwards(book, names),
    }


def _all_notes(book: Source, asked: _Asked, blocks: Sequence[_Block]) -> tuple[Note, ...]:
    """Return what has to be said of the days that count, of stages and fits, and of the groups."""
    return (
        *calendar_notes(book, asked.calendar),
        *_notes(blocks, [row for one in blocks for row in one.fits], _ends_of(book)),
        *asked.unfair,
        *_owner_note(book, asked.names, blocks),
    )


def _owner_note(book: Source, names: tuple[str, ...], blocks: Sequence[_Block]) -> tuple[Note, ...]:
    """Say that groups are named with deals of one owner taken as alike, if any are compared."""
    if not any(one.gaps for one in blocks) or not _owners_count(book, names):
        return ()
    ledger: Ledger = book.ledger  # type: ignore[attr-defined]  # _owners_count has looked
    return (Note("gaps_owners", {"n": len(ledger.attributes["owner"].labels)}),)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What was asked of every stage alike, checked."""

    names: tuple[str, ...]
    within: tuple[str, ...]
    to: str
    families: tuple[str, ...]
    confidence_level: float
    calendar: Calendar
    unsure: bool
    """Whether losses without a date may not have happened by the as-of date."""
    unfair: tuple[Note, ...]
    """Groups that are known only after deals have gone some way: old deals are slow by being old."""
    filled_later: bool
    """Whether having a value at all comes so: then no group is compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Block:
    """What one stage, or the whole way, adds to the result."""

    rows: tuple[DurationRow, ...]
    fits: tuple[FitRow, ...]
    curves: tuple[DurationCurve, ...]
    tests: tuple[DurationTest, ...]
    gaps: tuple[DurationGap, ...]
    short: tuple[tuple[str, ...], ...]
    unknown_n: int
    late_n: int
    gone_n: int


def _span(book: Source, span: tuple[int, int, bool], asked: _Asked) -> _Block:
    """Return rows, fits and curves of one stage or the whole way, one per group, and how the groups compare."""
    origin, target, overall = span
    to, confidence_level = asked.to, asked.confidence_level
    counts = time_counts(book, origin, target, asked.names, asked.calendar, durations=True)
    parts = by_day.split(counts)
    limit = _limit(parts, confidence_level)
    everybody = group_curve.pace(by_day.pooled(parts), to, confidence_level) if asked.names else None
    ids = book.playbook.stage_ids
    rows, fits, curves, short = [], [], [], []
    for group, times in zip(counts.groups, parts, strict=True):
        place: group_curve.Place = {"group": group, "stage": ids[origin], "overall": overall}
        known = group_curve.pace(times, to, confidence_level)
        facts = group_curve.row_fields(times, to, limit, known)
        if (
            facts["undated_n"] and asked.unsure
        ):  # they may have been open then: half of them may never have ended
            facts |= {"median_days": np.nan, "median_ci_upper": np.inf, "naive_difference_days": np.nan}
        rows.append(DurationRow(next_stage=ids[target], **place, **facts))
        if known is None:
            short += [group] if times.n.sum() else []
            continue
        may_fit = to == "any" and facts["enough"] and not times.undated_n  # a fit needs the day of every end
        fitted = _fitted(times, asked, dead=facts["pause"]) if may_fit else ()
        fits += fit_rows(fitted, known, place)
        best = fitted[0] if fitted and not fitted[0].refusal else None
        curves.append(DurationCurve(**place, **group_curve.curve_fields(known, best, everybody)))
    return _Block(
        rows=tuple(rows),
        fits=tuple(fits),
        curves=tuple(curves),
        tests=_test(book, span, asked, counts),
        gaps=_apart(book, span, asked, counts, everybody),
        short=tuple(short),
        unknown_n=int(counts.unknown_n.sum()),
        late_n=sum(one.late_n for one in parts),
        gone_n=unwatched_n(book, counts),
    )


def _apart(
    book: Source,
    span: tuple[int, int, bool],
    asked: _Asked,
    counts: TimeCounts,
    everybody: group_curve.Pace | None,
) -> tuple[DurationGap, ...]:
    """Return the gaps; where groups are made of whole owners, each as it is less sure: deals of an owner are alike."""
    origin, target, overall = span
    place: group_curve.Span = {"stage": book.playbook.stage_ids[origin], "overall": overall}
    gaps = _gaps(counts, by_day.split(counts), everybody, asked, place)
    if not gaps or not _owners_count(book, asked.names):
        return gaps
    owned = time_counts(book, origin, target, asked.names, asked.calendar, durations=True, alike="owner")
    again = _gaps(owned, by_day.split(owned), everybody, asked, place)
    return settled_gaps(less_sure(gaps, again), asked.confidence_level)


def _owners_count(book: Source, names: tuple[str, ...]) -> bool:
    """Whether deals of one owner count as alike; of deals that a database counts where they lie this is not known."""
    if not names or getattr(book, "in_engine", False) or not hasattr(book, "ledger"):
        return False
    return owners_count(book.ledger, names)


def _test(
    book: Source, span: tuple[int, int, bool], asked: _Asked, counts: TimeCounts
) -> tuple[DurationTest, ...]:
    """Return whether the groups differ, compared within equal values of another attribute if asked."""
    if not asked.names or asked.filled_later:
        return ()
    origin, target, overall = span
    if asked.within:
        counts = time_counts(
            book, origin, target, (*asked.names, *asked.within), asked.calendar, durations=True
        )
    groups = [group[: len(asked.names)] for group in counts.groups]
    strata = [group[len(asked.names) :] for group in counts.groups]
    place: group_curve.Span = {"stage": book.playbook.stage_ids[origin], "overall": overall}
    found = test_of(by_day.split(counts), groups, strata, asked.to, place)
    return (found,) if found else ()


def _gaps(
    counts: TimeCounts,
    parts: Sequence[Times],
    everybody: group_curve.Pace | None,
    asked: _Asked,
    place: group_curve.Span,
) -> tuple[DurationGap, ...]:
    """Return how far each group is from the rest on the day by which half of all have ended."""
    if everybody is None or asked.filled_later:
        return ()
    half = min(everybody.reaches(0.5)[0], everybody.last_day)
    return gaps_of(parts, counts.groups, asked.to, half, asked.confidence_level, place)


def spans_of(book: Source, stage: str | None) -> tuple[list[tuple[int, int, bool]], tuple[Note, ...]]:
    """Return (origin, target, overall) of every row, and what has to be said of the whole way."""
    playbook = book.playbook
    if stage is None:
        origin = origin_of(book, None)
        steps = [(k, k + 1, False) for k in range(origin.position, playbook.won)]
        whole = (origin.position, playbook.won, True)
        return ([*steps, whole] if len(steps) > 1 else [whole]), origin.notes
    position = working_stage(playbook, stage)
    return [(position, position + 1, False)], ()


def _fitted(times: Times, asked: _Asked, *, dead: bool) -> tuple[Lifetime, ...]:
    """Return the families fitted; where the pipeline looks dead also with a share that never ends."""
    return fitted_to(times, asked.families, asked.confidence_level, never=dead)


def _limit(parts: Sequence[Times], confidence_level: float) -> float:
    """Return the whole day to which every group with enough deals could be watched; NaN where there is none."""
    curves = [by_day.curve(one, confidence_level) for one in parts if one.n.sum() >= TOO_FEW_N]
    days = [by_day.trusted_days(one) for one in curves]
    return float(np.floor(min(days))) if days and min(days) >= 1 else float("nan")


def _ends_of(book: Source) -> tuple[int, int]:
    """Return how many deals are open, and how many closed without a decision; 0 and 0 where it is not at hand."""
    if getattr(book, "in_engine", False) or not hasattr(book, "ledger"):
        return 0, 0
    outcome = book.ledger.outcome
    return int((outcome == OPEN_DEAL).sum()), int((outcome == LEFT_DEAL).sum())


def _notes(blocks: Sequence[_Block], fits: Sequence[FitRow], left: tuple[int, int]) -> tuple[Note, ...]:
    """Return what has to be said of the whole way, and of the fits of all stages."""
    whole, late_n = blocks[-1].rows, blocks[-1].late_n
    short = [group for one in blocks for group in one.short]
    dark = max(reversed(blocks), key=lambda one: one.unknown_n)  # the whole may be known where a step is not
    n = sum(row.n for row in whole)
    open_n = sum(row.open_n for row in whole)
    notes = caveats.partly("not_ended", open_n, n)
    if notes and sum(left) == open_n:
        notes = (Note("not_ended", {**notes[0].values, "left_n": left[1]}),)
    notes += caveats.partly("times_unknown", dark.unknown_n, sum(row.n for row in dark.rows) + dark.unknown_n)
    notes += caveats.timed(n, 0, late_n, blocks[-1].gone_n)
    few = [row.group for row in whole if row.n < TOO_FEW_N]
    notes += caveats.too_few(few)
    notes += caveats.named("early_risk_small", list(dict.fromkeys(short)), min_n=TOO_FEW_N)
    dead = [row for row in whole if row.pause]
    if dead:
        facts = {
            "last_event_days": max(row.last_event_days for row in dead),
            "older_n": sum(row.older_n for row in dead),
        }
        notes += (Note("pipeline_pause", facts | {"of_n": sum(row.open_n for row in whole)}),)
    first = [row for row in fits if row.rank == 1]
    far_n = sum(row.verdict == "too_far" for row in first)
    if far_n:
        notes += (Note("fits_too_far", {"rows_n": far_n, "of_n": len(first), "close_share": CLOSE}),)
    return notes
