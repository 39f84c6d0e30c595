"""How do deals created in different months convert at equal age, and from when can that be trusted?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from funnelnb.analysis.shared import by_day, caveats, steps
from funnelnb.analysis.shared.counts import (
    SECONDS_PER_DAY,
    Groups,
    Source,
    grouping,
    level,
    origin_of,
    source_notes,
    stage_counts,
    time_counts,
)
from funnelnb.analysis.shared.horizon import settle
from funnelnb.analysis.shared.question import question
from funnelnb.analysis.shared.result import Result
from funnelnb.core import check
from funnelnb.core.arrays import in_days, in_months
from funnelnb.core.check import TOO_FEW_N
from funnelnb.core.note import Note
from funnelnb.data.count.groups import PERIODS, Cohort

if TYPE_CHECKING:
    from collections.abc import Sequence


AGE_STEPS_DAYS = (1.0, 2.0, 3.0, 5.0, 7.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 90.0)
MOST_AGES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class CohortRow:
    """One creation cohort at the horizon.

    Attributes
    ----------
    cohort : str
        Such as ``"2026-03"``, ``"2026-Q1"`` or ``"2026-W09"``.
    starts, ends : numpy.datetime64
        First and last day of the period.
    deal_n, won_n, lost_n, open_n : int
    mature : bool
        True when the youngest deal of the cohort could have been watched to the horizon.
    trusted_from : numpy.datetime64
        First day on which the cohort is mature.
    won_rate, won_ci_lower, won_ci_upper : float
        Won by the horizon (Aalen-Johansen); for an immature cohort an estimate up to `seen_days`.
    seen_days : float
        Age up to which the cohort has been watched (at most the horizon): as far as at least ``TOO_FEW_N`` of
        its deals are under observation, or as its youngest deal is old.
    enough : bool
    left_n : int
        Deals that left undecided: deal = won + lost + open + left.
    at_risk_n : int
        Deals still under observation at `seen_days`.
    group : tuple of str
        Values of the `by` attributes; ``()`` for the whole book.
    """

    cohort: str
    starts: np.datetime64
    ends: np.datetime64
    deal_n: int
    won_n: int
    lost_n: int
    open_n: int
    mature: bool
    trusted_from: np.datetime64
    won_rate: float
    won_ci_lower: float
    won_ci_upper: float
    seen_days: float
    enough: bool
    left_n: int = 0
    at_risk_n: int = 0
    group: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CohortCell:
    """One cohort at one age: a cell of the heat map.

    Attributes
    ----------
    cohort : str
    age_days : float
    won_rate, won_ci_lower, won_ci_upper : float
        NaN where no deal of the cohort has been watched that long.
    mature : bool
        True when every deal of the cohort has been watchable to that age.
    at_risk_n : int
    deal_n : int
    group : tuple of str
        Values of the `by` attributes; ``()`` for the whole book.
    """

    cohort: str
    age_days: float
    won_rate: float
    won_ci_lower: float
    won_ci_upper: float
    mature: bool
    at_risk_n: int
    deal_n: int
    group: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Cohorts(Result):
    """Creation cohorts compared at equal age.

    Attributes
    ----------
    period : {"week", "month", "quarter", "year"}
    horizon_days : float
    rows : tuple of CohortRow
        In time order (for each group in turn); this is the trend.
    cells : tuple of CohortCell
        For each row its ages.
    by : tuple of str
    ages_days : tuple of float
        Ages of the cells.
    """

    period: str
    horizon_days: float
    rows: tuple[CohortRow, ...]
    cells: tuple[CohortCell, ...]
    by: tuple[str, ...] = ()
    ages_days: tuple[float, ...] = ()


@question(formerly={"period": "every"})
def cohort(
    book: Source,
    *,
    every: str = "month",
    horizon_days: float | None = None,
    ages_days: Sequence[float] | None = None,
    confidence_level: float | None = None,
    by: str | Sequence[str] | None = None,
    origin_stage: str | None = None,
) -> Cohorts:
    """How do deals created in different periods convert at equal age, and from when can that be trusted?

    Parameters
    ----------
    book : Book
    every : {"week", "month", "quarter", "year"}
        Length of a cohort, by calendar; weeks are ISO weeks.
    horizon_days : float, optional
        Age at which cohorts are compared; None: chosen by :func:`funnelnb.analysis.shared.horizon.choose`.
    ages_days : sequence of float, optional
        Ages of the heat map, above 0; None: about a dozen equal steps up to the horizon.
    confidence_level : float, optional
        Between 0 and 1; None: the package option.
    by : str or sequence of str, optional
        One or two attributes: cohorts of each group.
    origin_stage : str, optional
        Stage whose first reaching is the entry; None: the first, or where no deal's arrival there is dated
        the first that has dates (with a note).

    Returns
    -------
    Cohorts

    Raises
    ------
    ParameterError
        A parameter has a value that it cannot have.
    MissingDataError
        The deals have no attribute `by`.

    Notes
    -----
    A cohort enters in one period; its clock starts then. Rates are Aalen-Johansen incidences of
    being won at equal age, lost competing and open deals censored, so that young cohorts do not look worse
    than old ones. A cohort is mature from the first day on which a deal of the period's last day has the age
    of the horizon.

    Checked against plain shares of mature cohorts (which they equal) and loops over single deals:
    ``tests/analysis/test_cohort.py``.

    Examples
    --------
    >>> import funnelnb as fn
    >>> result = fn.cohort(fn.sample(), every="quarter", horizon_days=90)
    >>> [row.cohort for row in result.rows if not row.mature]
    ['2026-Q2']
    """
    check.one_of("every", every, PERIODS)
    names, confidence = grouping(book, by), level(confidence_level)
    origin = origin_of(book, origin_stage)
    groups: Groups = (Cohort(every, origin.position), *names)
    stages, times = stage_counts(book, groups), time_counts(book, origin.position, book.playbook.won, groups)
    horizon = settle(horizon_days, times)
    ages = _ages(ages_days, horizon.days)
    sums = steps.overall_sums(stages, origin.position)
    rows, cells = [], []
    parts = by_day.split(times)
    for g, span in _spans(stages.groups, every):
        watched = by_day.watch(parts[g], horizon.days, confidence)
        full_days = _days(book.as_of - (span.ends + _last_instant(book.as_of)))
        rows.append(_row(span, stages.groups[g][1:], sums, g, watched, horizon.days, full_days))
        cells += [_cell(rows[-1], watched, age, full_days) for age in ages]
    said = _notes(stages.groups, sums, rows, horizon.days)
    return Cohorts(
        n=sum(row.deal_n for row in rows),
        method="cohort",
        confidence_level=confidence,
        as_of=book.as_of,
        currency=book.currency,
        notes=(*source_notes(book), *origin.notes, *horizon.notes, *said),
        period=every,
        horizon_days=horizon.days,
        rows=tuple(rows),
        cells=tuple(cells),
        by=names,
        ages_days=ages,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A calendar period: its label, first and last day."""

    label: str
    starts: np.datetime64
    ends: np.datetime64

    @classmethod
    def of(cls, label: str, period: str) -> Span:
        """Return the span that a label such as ``2026-W09``, ``2026-03``, ``2026-Q1`` or ``2026`` names."""
        year, _, part = label.partition("-")
        if period == "week":
            fourth = np.datetime64(f"{year}-01-04", "D")  # always in the first ISO week
            monday = fourth - in_days((fourth.astype(np.int64) + 3) % 7)
            starts = monday + in_days(7 * (int(part[1:]) - 1))
            return cls(label=label, starts=starts, ends=starts + in_days(6))
        months = {"month": 1, "quarter": 3, "year": 12}[period]
        number = int(part.removeprefix("Q") or 1)
        first = np.datetime64(f"{year}-01", "M") + in_months((number - 1) * months)
        return cls(
            label=label,
            starts=first.astype("M8[D]"),
            ends=(first + in_months(months)).astype("M8[D]") - in_days(1),
        )


def _spans(groups: Sequence[tuple[str, ...]], period: str) -> list[tuple[int, Span]]:
    """Return the number and the span of each cohort, by group and then by time; undated deals have none."""
    order = sorted(range(len(groups)), key=lambda g: (groups[g][1:], groups[g][0]))
    return [(g, Span.of(groups[g][0], period)) for g in order if groups[g][0]]


def _row(
    span: Span,
    group: tuple[str, ...],
    sums: steps.Columns,
    g: int,
    watched: by_day.Watched,
    horizon_days: float,
    full_days: float,
) -> CohortRow:
    """Return the cohort at the horizon, or as far as it has been seen."""
    mature = full_days >= horizon_days
    seen_days = (
        horizon_days
        if mature
        else min(horizon_days, max(full_days, by_day.trusted_days(watched.incidence), 0.0))
    )
    day = watched.day if mature else by_day.at_day(watched.times, watched.incidence, seen_days)
    return CohortRow(
        cohort=span.label,
        starts=span.starts,
        ends=span.ends,
        deal_n=int(sums["reached_n"][g]),
        won_n=int(sums["advanced_n"][g]),
        lost_n=int(sums["lost_n"][g]),
        open_n=int(sums["here_n"][g]),
        left_n=int(sums["left_n"][g]),
        mature=mature,
        trusted_from=span.ends + in_days(int(np.ceil(horizon_days))),
        won_rate=day.rate,
        won_ci_lower=day.ci_lower,
        won_ci_upper=day.ci_upper,
        seen_days=seen_days,
        at_risk_n=day.at_risk_n,
        enough=bool(sums["reached_n"][g] >= TOO_FEW_N),
        group=group,
    )


def _cell(row: CohortRow, watched: by_day.Watched, age_days: float, full_days: float) -> CohortCell:
    """Return one cohort at one age."""
    day = by_day.at_day(watched.times, watched.incidence, age_days)
    return CohortCell(
        cohort=row.cohort,
        age_days=age_days,
        won_rate=day.rate,
        won_ci_lower=day.ci_lower,
        won_ci_upper=day.ci_upper,
        mature=full_days >= age_days,
        at_risk_n=day.at_risk_n,
        deal_n=row.deal_n,
        group=row.group,
    )


def _ages(ages_days: Sequence[float] | None, horizon_days: float) -> tuple[float, ...]:
    """Return the ages given, checked and in order, or regular ones up to the horizon."""
    if ages_days is not None:
        return tuple(sorted({check.number("ages_days", age, gt=0, le=36525) for age in ages_days}))
    step = next(
        (step for step in AGE_STEPS_DAYS if horizon_days / step <= MOST_AGES), horizon_days / MOST_AGES
    )
    below = [float(age) for age in np.arange(step, horizon_days, step)]
    return (*below, horizon_days)


def _last_instant(as_of: np.datetime64) -> np.timedelta64:
    """Return how far into its last day a period's youngest deal may begin: 0 where times are whole days."""
    whole_days = as_of == as_of.astype("M8[D]")
    return np.timedelta64(0 if whole_days else SECONDS_PER_DAY - 1, "s")


def _days(span: np.timedelta64) -> float:
    return float(span / np.timedelta64(1, "s")) / SECONDS_PER_DAY


def _notes(
    groups: Sequence[tuple[str, ...]], sums: steps.Columns, rows: Sequence[CohortRow], horizon_days: float
) -> tuple[Note, ...]:
    """Return what has to be said beside the cohorts."""
    young = [row for row in rows if not row.mature]
    undated = np.array([not group[0] for group in groups], dtype=bool)
    notes = caveats.partly("cohort_unknown", sums["reached_n"][undated].sum(), sums["reached_n"].sum())
    notes += caveats.no_losses(sum(row.lost_n for row in rows), sum(row.deal_n for row in rows))
    notes += caveats.too_few([(row.cohort, *row.group) for row in rows if not row.enough])
    if young:
        facts = {
            "cohorts_n": len(young),
            "of_n": len(rows),
            "horizon_days": horizon_days,
            "trusted_from": str(max(row.trusted_from for row in young)),
        }
        notes += (Note("cohorts_immature", facts),)
    return notes
