"""What should the weekly report say? Overview, problems by money, remedies, outlook, changes, next steps: as facts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.analysis.diagnosis.desk import Desk
from funnelnb.analysis.diagnosis.report_figures import (
    LEAST_PRICED,
    ReportFigure,
    ReportPart,
    ReportStage,
    inside,
    overview_figures,
    report_parts,
    report_stages,
)
from funnelnb.analysis.diagnosis.report_people import CustomerLine, NextStep, customer_lines, next_steps
from funnelnb.analysis.diagnosis.report_period import asked_period, back
from funnelnb.analysis.diagnosis.symptoms import RuleState, Symptom, Symptoms, symptoms
from funnelnb.analysis.shared.counts import level, source_notes
from funnelnb.analysis.shared.judged import losses_dated
from funnelnb.analysis.shared.open_deals import require_known
from funnelnb.analysis.shared.period import next_quarter, still_to_come, target_amount
from funnelnb.analysis.shared.question import question
from funnelnb.analysis.shared.result import Result, about
from funnelnb.analysis.shared.typed_counts import TypedFunnel, typed_funnel
from funnelnb.analysis.targets import pipeline as pipes
from funnelnb.analysis.targets.attained import attained
from funnelnb.analysis.targets.quota import attainment
from funnelnb.core.errors import FunnelError, ParameterError
from funnelnb.core.note import Note
from funnelnb.data.book import Book

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from funnelnb.analysis.shared.period import Period
    from funnelnb.analysis.shared.typed_counts import Counts
    from funnelnb.playbooks.model import Label, Playbook

    Mask = NDArray[np.bool_]

PROBLEMS_N = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportOutlook:
    """What lies ahead.

    Attributes
    ----------
    target_period : str
        The running period with a target; empty: none.
    target_amount, won_amount : float
    elapsed_share : float
    chance_rate : float
        That the target is attained, open deals and new business together; NaN where it cannot be told.
    due_n : int
        Open deals whose expected close lies in the next period of the same length.
    due_amount : float
    closing_en, closing_zh : str
        What a report by this stage model closes with.
    """

    target_period: str
    target_amount: float
    won_amount: float
    elapsed_share: float
    chance_rate: float
    due_n: int
    due_amount: float
    closing_en: str
    closing_zh: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Since:
    """One thing that is otherwise than in the last report that was kept.

    Attributes
    ----------
    what : {"new", "gone", "red", "figure"}
        A problem that is new; one that is gone; one that became red; a figure.
    rule : str
        Of a problem; of a figure its name.
    group : tuple of str
    stage : str
    then_value, now_value : float
        Of a figure.
    """

    what: str
    rule: str
    group: tuple[str, ...]
    stage: str
    then_value: float
    now_value: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class WeeklyReport(Result):
    """The facts of a weekly, monthly, quarterly or yearly report. `n` counts the deals of the book.

    Attributes
    ----------
    by : tuple of str
        What the parts are.
    scope : str
        Name of the book: a region, a team, a person, the company.
    kind : {"week", "month", "quarter", "year", "typed"}
    period_name : str
    starts, ends : numpy.datetime64
    figures : tuple of ReportFigure
    stages : tuple of ReportStage
    problems : tuple of Symptom
        Red and amber, the most money first, at most eight.
    more_n : int
        Problems beyond these.
    rules : tuple of RuleState
        Rules that were asked, with the thresholds they had.
    needs : tuple of RuleState
        Those that could not be judged, with what they need.
    parts : tuple of ReportPart
        They add up to the last row.
    outlook : ReportOutlook
    next_steps : tuple of NextStep
    customers : tuple of CustomerLine
        On a person's page: contact history and needs.
    since : tuple of Since
        What is otherwise than in the last report; empty where none was given.
    since_name : str
        Its period.
    typed : TypedFunnel or None
        The funnel of typed counts, where there is no book.
    stage_ids : tuple of str
    stage_labels : tuple of Label
    """

    by: tuple[str, ...]
    scope: str
    kind: str
    period_name: str
    starts: np.datetime64
    ends: np.datetime64
    figures: tuple[ReportFigure, ...]
    stages: tuple[ReportStage, ...]
    problems: tuple[Symptom, ...]
    more_n: int
    rules: tuple[RuleState, ...]
    needs: tuple[RuleState, ...]
    parts: tuple[ReportPart, ...]
    outlook: ReportOutlook
    next_steps: tuple[NextStep, ...]
    customers: tuple[CustomerLine, ...]
    since: tuple[Since, ...]
    since_name: str
    typed: TypedFunnel | None
    stage_ids: tuple[str, ...]
    stage_labels: tuple[Label, ...]

    def kept(self) -> dict[str, Any]:
        """Return what the next report compares with, as plain values that JSON can hold."""
        return {
            "period": self.period_name,
            "figures": {row.figure: None if np.isnan(row.value) else row.value for row in self.figures},
            "problems": [[row.rule, *row.group] for row in self.problems],
            "red": [[row.rule, *row.group] for row in self.problems if row.state == "red"],
        }


@question(typed=True)
def weekly_report(
    book: Book | Counts,
    *,
    period: str | None = None,
    by: str | None = None,
    before: Counts | None = None,
    since: Mapping[str, Any] | None = None,
    learn_from: Book | None = None,
    rules: Mapping[str, Any] | str | os.PathLike[str] | None = None,
    playbook: str | os.PathLike[str] | Playbook | None = None,
    confidence_level: float | None = None,
) -> WeeklyReport:
    """What should the weekly report say: overview, problems by money, remedies, outlook, changes, next steps?

    Parameters
    ----------
    book : Book, or counts per stage
        A book, or a part of one for a region, team or person; or six typed numbers of the weekly report.
    period : str, optional
        ``"week"``, ``"month"``, ``"quarter"`` or ``"year"``: the last whole one; or one by name:
        ``"2026-W26"``, ``"2026-06"``, ``"2026-Q2"``. None: the last week.
    by : str, optional
        What the parts are: region, team, owner, customer_type, product, ``"size"`` …; None: the next level down.
    before : counts, optional
        With typed counts: those of the week before.
    since : Mapping, optional
        What the last report kept (:meth:`WeeklyReport.kept`).
    learn_from : Book, optional
        The whole company, where the book is a part of it: its people are compared with all others.
    rules : Mapping or path, optional
        As for :func:`funnelnb.diagnosis.symptoms`.
    playbook : str, path or Playbook, optional
        With typed counts: the model that names the stages.
    confidence_level : float, optional

    Returns
    -------
    WeeklyReport

    Raises
    ------
    ParameterError
        A period, attribute or count that cannot be.

    Notes
    -----
    Problems are the symptoms of :func:`funnelnb.diagnosis.symptoms`, with one rate of false alarms over all rules and
    people. A figure is called higher or lower than in the period before only where chance would hardly explain it.
    What is missing (targets, activities, costs) is named with what it would need.

    Checked against sums by hand; parts that add up; both languages from these facts: ``tests/analysis/test_weekly.py``.

    Examples
    --------
    >>> import funnelnb as fn
    >>> week = fn.weekly_report([100, 80, 40, 20, 10, 5])
    >>> week.kind, [step.step_rate for step in week.typed.steps]
    ('typed', [0.8, 0.5, 0.5, 0.5, 0.5, 0.05])
    """
    confidence = level(confidence_level)
    if not isinstance(book, Book):
        return _of_typed(book, before, playbook, confidence)
    if before is not None or playbook is not None:
        raise ParameterError(
            "before and playbook go with typed counts", expected="a book, or counts per stage"
        )
    found = symptoms(book, rules=rules, learn_from=learn_from, confidence_level=confidence)
    return _of_book(book, "week" if period is None else period, by, since, found, confidence)


def _of_book(
    book: Book,
    period: str,
    by: str | None,
    since: Mapping[str, Any] | None,
    found: Symptoms,
    confidence: float,
) -> WeeklyReport:
    """Return the facts of a book's report, its symptoms known."""
    kind, now = asked_period(book, period)
    require_known(book)
    desk = Desk(book, "owner")
    problems = [row for row in found.rows if row.state in ("red", "amber")]
    figures = overview_figures(desk, kind, now, confidence)
    names, parts = report_parts(desk, now, by, problems)
    return WeeklyReport(
        n=len(desk.won),
        method="weekly_report",
        confidence_level=confidence,
        notes=(*book.notes, *source_notes(book), *_notes(desk, now)),
        by=names,
        scope=book.name,
        kind=kind,
        period_name=now.name,
        starts=now.start,
        ends=now.end,
        figures=figures,
        stages=report_stages(desk, now, back(now, kind)),
        problems=tuple(problems[:PROBLEMS_N]),
        more_n=max(0, len(problems) - PROBLEMS_N),
        rules=found.rules,
        needs=tuple(row for row in found.rules if row.needs and not row.judged_n),
        parts=parts,
        outlook=_outlook(desk, now),
        next_steps=next_steps(desk),
        customers=customer_lines(desk) if len(desk.people) == 1 else (),
        since=_since(since, figures, problems) if since else (),
        since_name=str((since or {}).get("period", "")),
        typed=None,
        **about(book),
    )


# ---- Six typed numbers --------------------------------------------------------------------------------------


def _of_typed(counts: Any, before: Any, playbook: Any, confidence: float) -> WeeklyReport:
    found = typed_funnel(counts, before=before, playbook=playbook, confidence_level=confidence)
    never = np.datetime64("NaT", "D")
    nothing = float("nan")
    return WeeklyReport(
        n=found.n,
        method="weekly_typed",
        confidence_level=confidence,
        as_of=found.as_of,
        currency="",
        notes=found.notes,
        by=(),
        scope="",
        kind="typed",
        period_name="",
        starts=never,
        ends=never,
        figures=(),
        stages=(),
        problems=(),
        more_n=0,
        rules=(),
        needs=(),
        parts=(),
        outlook=ReportOutlook(
            target_period="", target_amount=nothing, won_amount=nothing, elapsed_share=nothing,
            chance_rate=nothing, due_n=0, due_amount=nothing, closing_en=found.outlook_en, closing_zh=found.outlook_zh,
        ),
        next_steps=(),
        customers=(),
        since=(),
        since_name="",
        typed=found,
        stage_ids=found.stage_ids,
        stage_labels=found.stage_labels,
    )  # fmt: skip


# ---- Outlook, and what changed since ------------------------------------------------------------------------


def _outlook(desk: Desk, now: Period) -> ReportOutlook:
    book = desk.book
    running: list[Any] = []
    try:
        rows = [row for row in attained(book).rows if row.state == "running"]
        name = min({row.period for row in rows}, key=lambda text: (-len(text), text), default="")
        running = [row for row in rows if row.period == name]
    except FunnelError:  # no targets: the report says so
        pass
    period, goal, chance = _ahead(book, running[0].period if running else next_quarter(book))
    length = float((now.end - now.start) / np.timedelta64(1, "D")) + 1
    due = _due(desk, length)
    closing = book.playbook.outlook
    return ReportOutlook(
        target_period=running[0].period if running else period,
        target_amount=float(sum(row.target_amount for row in running)) if running else goal,
        won_amount=float(sum(row.won_amount for row in running)) if running else float("nan"),
        elapsed_share=float(running[0].elapsed_share) if running else float("nan"),
        chance_rate=chance,
        due_n=int(due.sum()),
        due_amount=_priced(desk, due),
        closing_en=closing.en if closing else "",
        closing_zh=closing.zh if closing else "",
    )


def _priced(desk: Desk, mine: Mask) -> float:
    """Return the sum of the amounts of some deals; NaN where fewer than half of them have one."""
    amount = desk.ledger.amount[mine]
    if amount.size and (~np.isnan(amount)).mean() < LEAST_PRICED:
        return float("nan")
    return float(np.nansum(amount))


def _ahead(book: Book, name: str) -> tuple[str, float, float]:
    """Return a period with a target, its amount, and how likely open deals and new business reach it."""
    nothing = float("nan")
    if "targets" not in book.tables:
        return "", nothing, nothing
    try:
        period = still_to_come(book, name, None)
        goal = target_amount(book, None, period)
    except FunnelError:  # no target for the period
        return "", nothing, nothing
    try:
        pipes.require_chances(book)
        if np.isnan(book.ledger.amount).all():
            return period.name, goal, nothing
        deals, confidence = pipes.pipeline(book), level(None)
        chance = pipes.chances_in(book, deals, period, confidence)
        found = attainment(
            book, deals, chance, period, goal, measured=True, assurance=0.8, confidence_level=confidence
        )
    except FunnelError:  # nothing to judge it by
        return period.name, goal, nothing
    return period.name, goal, float(found.chance_rate)


def _due(desk: Desk, days: float) -> Mask:
    deals = desk.book.opportunities
    if "expected_close_at" not in deals:
        return np.zeros(len(desk.won), bool)
    when = deals.set_index("opportunity_id")["expected_close_at"].reindex(desk.ledger.deal_ids)
    stamp = when.to_numpy().astype("datetime64[s]")
    day = np.where(np.isnat(stamp), np.nan, stamp.astype(np.int64) / 86_400)
    return np.asarray(desk.in_hand & (day > desk.today) & (day <= desk.today + days))


def _since(
    kept: Mapping[str, Any], figures: tuple[ReportFigure, ...], problems: list[Symptom]
) -> tuple[Since, ...]:
    """Return the problems that are new, gone or became red, and the figures then and now."""
    then, red = ({tuple(map(str, one)) for one in kept.get(name, ())} for name in ("problems", "red"))
    now = {(row.rule, *row.group): row for row in problems}
    rows = [_turned("new", row.rule, row.group, row.stage) for key, row in now.items() if key not in then]
    rows += [
        _turned("red", row.rule, row.group, row.stage)
        for key, row in now.items()
        if key in then and key not in red and row.state == "red"
    ]
    rows += [_turned("gone", key[0], key[1:]) for key in sorted(then) if key and key not in now]
    was = kept.get("figures", {})
    rows += [
        _turned("figure", row.figure, then=float(was[row.figure]), now=row.value)
        for row in figures
        if isinstance(was.get(row.figure), (int, float)) and was[row.figure] != row.value
    ]
    return tuple(rows)


def _turned(
    what: str,
    rule: str,
    group: tuple[str, ...] = (),
    stage: str = "",
    then: float = np.nan,
    now: float = np.nan,
) -> Since:
    return Since(what=what, rule=rule, group=group, stage=stage, then_value=then, now_value=now)


def _notes(desk: Desk, now: Period) -> tuple[Note, ...]:
    """Say that the period holds nothing, and that the data begin within it."""
    closed, came = inside(desk.closed, now), inside(desk.entered, now)
    told = () if closed.any() or came.any() else (Note("period_empty", {"period_name": now.name}),)
    return told if losses_dated(desk.ledger) else (*told, Note("period_losses_undated"))
