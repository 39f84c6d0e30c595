"""Where do people fall out on the way from the first step to the last, and how sure is that?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Unpack

from funnelnb.analysis.behaviour.ask import ask
from funnelnb.analysis.behaviour.steps import (
    BehaviourStep,
    DropPoint,
    TimeCurve,
    curve,
    drop_point,
    group_rows,
)
from funnelnb.analysis.shared.question import of_log
from funnelnb.analysis.shared.result import Result
from funnelnb.core.note import Note
from funnelnb.data.events.counts import count

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from funnelnb.analysis.behaviour.ask import Log, Query
    from funnelnb.core.check import Day
    from funnelnb.data.events.counts import FunnelCounts
    from funnelnb.data.events.definition import CountRules, StepLike, Stretch


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Funnel(Result):
    """A behaviour funnel, for the whole or by group.

    Attributes
    ----------
    by : tuple of str
    order, attempt, per : str
        The rules it was counted by.
    within_days : float
        The window; NaN: none.
    horizon_days : float
        Time of (c).
    value : str
        Property that the amounts are sums of; empty: none.
    steps : tuple of BehaviourStep
        For each group its steps in order.
    overall : tuple of BehaviourStep
        One row per group.
    drop_points : tuple of DropPoint
        One per group in which anybody dropped out.
    curves : tuple of TimeCurve
    counted : FunnelCounts
        What the rates were worked out from.
    asked : Query
        The question: log, definition, groups.
    """

    by: tuple[str, ...]
    order: str
    attempt: str
    per: str
    within_days: float
    horizon_days: float
    value: str
    steps: tuple[BehaviourStep, ...]
    overall: tuple[BehaviourStep, ...]
    drop_points: tuple[DropPoint, ...]
    curves: tuple[TimeCurve, ...]
    counted: FunnelCounts
    asked: Query

    def actors(
        self, step: int | str, status: str = "reached", group: Sequence[str] | str | None = None
    ) -> pd.DataFrame:
        """Who stands behind a bar?

        Parameters
        ----------
        step : int or str
            Number from 1, or label.
        status : {"reached", "advanced", "running", "dropped"}
        group : str or sequence of str, optional
            None: all groups.

        Returns
        -------
        DataFrame
            One row per actor (or attempt): its id, group, and when it did each step.

        Raises
        ------
        ParameterError
            There is no such step, status or group.
        MissingDataError
            The log was counted where it lies, which keeps no actors.
        """
        from funnelnb.analysis.behaviour.drill import behind

        return behind(self, step, status, group)


@of_log()
def funnel(  # noqa: PLR0913 - each rule of the count has its own name
    events: Log,
    steps: str | Sequence[StepLike],
    *,
    within: Stretch | None = None,
    order: str = "ordered",
    by: str | Sequence[str] | None = None,
    exclude: StepLike | None = None,
    hold: str | Sequence[str] | None = None,
    per: str = "actor",
    value: str | None = None,
    horizon_days: float | None = None,
    since: Day | None = None,
    until: Day | None = None,
    credit: str | int = "start",
    confidence_level: float | None = None,
    rules: str = "house",
    **options: Unpack[CountRules],
) -> Funnel:
    """Where do people fall out on the way from the first step to the last, and how sure is that?

    Parameters
    ----------
    events : Events
        From :func:`funnelnb.events`, or a scan (:func:`funnelnb.behaviour.scan`).
    steps : sequence, or the name of a stage model
        Events in order: a name; a list of names of which any will do; or :func:`funnelnb.behaviour.step` with
        filters, a label, or ``optional=True``. A stage model (``"ecommerce"``) finds its stages' events by
        their names.
    within : str, timedelta or number of days, optional
        Window of an attempt: no step counts later than this after its start (the end included). None: no
        limit; then nobody ever drops out.
    order : {"ordered", "strict", "any"}
        "ordered": one after the other, whatever lies between. "strict": directly one after the other. "any":
        in any order; step k is then "k of them".
    by : str or sequence of str, optional
        Properties whose values make groups.
    exclude : optional
        Events that must not happen during the attempt, or :func:`funnelnb.behaviour.exclusion`.
    hold : str or sequence of str
        Properties that must be equal on all steps of an attempt.
    per : str
        "actor", "session", or a column: whose attempts these are.
    value : str, optional
        Property that is summed beside the count.
    horizon_days : float, optional
        Time of (c); None: the window, or without one the median time for which arrivals were watched.
    since, until : date, optional
        Only attempts that start in between; their later steps may lie beyond.
    credit : {"start", "first", "last", "each"} or int
        Whose value of `by` counts: of the arrival, the first or last known on the steps, or of one step. "each": events
        are split by their value first, so a person can be in several groups; events without one are left out.
    confidence_level : float, optional
    rules : str
        A named set of rules: "house", or how another tool counts (docs/behaviour-rules.md).
    **options
        Single rules: ``attempt`` ("best", "first", "every", "start"), ``ties`` ("either", "after", "row"),
        ``grace``, ``reuse``, ``repeats``, ``between``, ``begin``, ``exclude_scope``, ``gap`` (longest time from one
        step to the next) and ``edge`` ("in", "out": whether the end of the gap belongs to it).

    Returns
    -------
    Funnel

    Raises
    ------
    ParameterError
        A step, rule or parameter cannot be read; the hint names the nearest.
    MissingDataError
        A property is not in the log.

    Notes
    -----
    An attempt begins at an event of the first step, waits for the next and takes the first event that is one,
    until the window closes. Events at the same instant count as in order, one row is one step. An actor
    counts once, with each step from the moment any of its attempts did it. Every rule and its alternatives:
    docs/behaviour-rules.md.

    - (a) so far = advanced / reached, Wilson.
    - (b) of those not under way: advanced / (reached - under way), Wilson. Too high while windows are open:
      who goes on is decided at once, who does not only when the window closes.
    - (c) by time: one minus Kaplan-Meier since reaching the step, with log-log bounds. Those whose window has
      not run out are under way: neither through nor dropped out.
    - Attempts of one actor are not independent: where every attempt counts, intervals are widened by the
      clustered variance.

    Checked against a row-by-row reference on random logs, published counts of two public data sets, and a
    simulation of unfinished windows: ``tests/data/events``, ``tests/analysis/behaviour``.

    Examples
    --------
    >>> import pandas as pd, funnelnb as fn
    >>> log = fn.events(pd.DataFrame({
    ...     "user_id": ["a", "a", "b", "c", "c"], "event": ["visit", "pay", "visit", "visit", "pay"],
    ...     "time": ["2026-05-01", "2026-05-03", "2026-05-02", "2026-05-04", "2026-05-20"]}))
    >>> [(row.step, row.reached_n) for row in fn.funnel(log, ["visit", "pay"], within="7d").steps]
    [('visit', 3), ('pay', 1)]
    """
    asked = ask(
        events, steps, within=within, order=order, by=by, exclude=exclude, hold=hold, per=per, value=value,
        since=since, until=until, credit=credit, rules=rules, confidence_level=confidence_level,
        options=options,
    )  # fmt: skip
    return of(asked, count(asked.log, asked.definition, asked.cut), horizon_days)


def of(asked: Query, counted: FunnelCounts, horizon_days: float | None = None) -> Funnel:
    """Return the funnel of a question that has been counted."""
    horizon = asked.horizon(counted, horizon_days)
    groups = range(len(counted.groups))
    rows = [group_rows(asked, counted, g, horizon) for g in groups]
    overall = tuple(whole for _, whole, _ in rows)
    return Funnel(
        n=int(counted.whole_n[:, 0].sum()),
        method="behaviour_funnel",
        confidence_level=asked.level,
        as_of=asked.log.as_of,
        currency=asked.log.currency,
        notes=(*asked.notes, *_notes(asked, counted, overall, horizon)),
        by=asked.cut.by,
        order=asked.definition.order,
        attempt=asked.definition.attempt,
        per=asked.definition.per,
        within_days=asked.within_days,
        horizon_days=horizon,
        value=asked.cut.value,
        steps=tuple(row for steps_of_group, _, _ in rows for row in steps_of_group),
        overall=overall,
        drop_points=tuple(point for g in groups for point in drop_point(asked, counted, g)),
        curves=tuple(curve(counted.groups[g], rows[g][2]) for g in groups if rows[g][2].n),
        counted=counted,
        asked=asked,
    )


def _notes(
    asked: Query, counted: FunnelCounts, overall: Sequence[BehaviourStep], horizon: float
) -> tuple[Note, ...]:
    """Return what has to be said beside the numbers."""
    n, running = int(counted.whole_n[:, 0].sum()), sum(row.running_n for row in overall)
    notes: list[Note] = []
    if asked.definition.within_us is None:
        notes.append(Note("events_no_window"))
    elif running:
        notes.append(Note("events_running", {"running_n": running, "of_n": n}))
    if retried := int(counted.whole_n[:, 2].sum()):
        notes.append(
            Note("events_retried", {"retried_n": retried, "through_n": int(counted.whole_n[:, 1].sum())})
        )
    if counted.void_n:
        notes.append(Note("events_void", {"void_n": counted.void_n}))
    if any(row.by_time_n and row.by_time_rate != row.by_time_rate for row in overall):
        notes.append(Note("events_not_seen", {"horizon_days": horizon}))
    if (counted.design > 1.0).any():
        notes.append(Note("events_clustered", {"design": f"{float(counted.design.max()):.1f}"}))
    few = [row for row in overall if not row.enough]
    if few and len(overall) > 1:
        notes.append(Note("events_few_groups", {"groups_n": len(few)}))
    if asked.cut.value and (missing := int((counted.reached_n - counted.known_n)[:, -1].sum())):
        notes.append(Note("events_value_unknown", {"missing_n": missing, "value": asked.cut.value}))
    return tuple(notes)
