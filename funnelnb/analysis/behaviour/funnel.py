"""Where do people fall out on the way from the first step to the last, and how sure is that?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.analysis.behaviour.ask import Asked, ask
from funnelnb.analysis.behaviour.rates import NAN, ByTime, by_time, share
from funnelnb.analysis.result import Result
from funnelnb.core.check import TOO_FEW_N
from funnelnb.core.note import Note
from funnelnb.data.events.counts import count

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from funnelnb.data.events.counts import FunnelCounts


@dataclass(frozen=True, slots=True, kw_only=True)
class BehaviourStep:
    """One step of one group. Rates are NaN where their denominator is 0.

    Attributes
    ----------
    group : tuple of str
    step : str
        What the step is called; for order "any" its number.
    next_step : str
        The next step that must be done; empty for the last.
    overall : bool
        True for the row from the first step to the last.
    optional : bool
    reached_n, advanced_n, running_n, dropped_n : int
        reached = advanced + under way + dropped out, for each step that must be done.
    so_far_rate, so_far_ci_lower, so_far_ci_upper : float
        (a) advanced / reached.
    decided_n : int
        Of those who arrived at least a whole window ago, how many reached the step within it.
    decided_rate, decided_ci_lower, decided_ci_upper : float
        (b) of these, the share that also went on within it.
    by_time_n : int
    by_time_rate, by_time_ci_lower, by_time_ci_upper : float
        (c) went on within `horizon_days` of reaching the step; those still under way count as far as watched.
    at_risk_n : int
        Watched that long and not gone on before.
    median_days, median_ci_lower, median_ci_upper : float
        By when half of those who go on within the horizon have gone on.
    finished_median_days : float
        The same of those seen to go on only.
    of_first_rate : float
        reached / reached of the first step.
    reached_amount : float
        Sum of the value on the events that were the step; NaN where no value was asked for.
    amount_n : int
        How many of these events know the value.
    enough : bool
        False: too few to say.
    """

    group: tuple[str, ...]
    step: str
    next_step: str
    overall: bool
    optional: bool
    reached_n: int
    advanced_n: int
    running_n: int
    dropped_n: int
    so_far_rate: float
    so_far_ci_lower: float
    so_far_ci_upper: float
    decided_n: int
    decided_rate: float
    decided_ci_lower: float
    decided_ci_upper: float
    by_time_n: int
    by_time_rate: float
    by_time_ci_lower: float
    by_time_ci_upper: float
    at_risk_n: int
    median_days: float
    median_ci_lower: float
    median_ci_upper: float
    finished_median_days: float
    of_first_rate: float
    reached_amount: float
    amount_n: int
    enough: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DropPoint:
    """The step at which most drop out, and what it costs.

    Attributes
    ----------
    group : tuple of str
    step, next_step : str
    dropped_n : int
    dropped_share, dropped_share_ci_lower, dropped_share_ci_upper : float
        Of all who dropped out.
    cost_amount : float
        What they would have brought if they had gone on as those did who took the next step: dropped x rate of
        getting through from there x mean value of those through. NaN without a value.
    clear : bool
        False: another step comes so close that the data cannot name one.
    """

    group: tuple[str, ...]
    step: str
    next_step: str
    dropped_n: int
    dropped_share: float
    dropped_share_ci_lower: float
    dropped_share_ci_upper: float
    cost_amount: float
    clear: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TimeCurve:
    """Share that is through by days since arrival, for one group.

    Attributes
    ----------
    group : tuple of str
    days, through_rate, through_ci_lower, through_ci_upper : ndarray of float64, shape (T,)
    """

    group: tuple[str, ...]
    days: NDArray[np.float64]
    through_rate: NDArray[np.float64]
    through_ci_lower: NDArray[np.float64]
    through_ci_upper: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
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
    asked : Asked
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
    asked: Asked

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


def funnel(  # noqa: PLR0913 - each rule of the count has its own name
    events: Any,
    steps: Any,
    *,
    within: Any = None,
    order: str = "ordered",
    by: str | Sequence[str] | None = None,
    exclude: Any = (),
    hold: str | Sequence[str] = (),
    per: str = "actor",
    value: str | None = None,
    horizon_days: float | None = None,
    since: Any = None,
    until: Any = None,
    credit: str | int = "start",
    confidence_level: float | None = None,
    rules: str = "house",
    **options: Any,
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
    credit : {"start", "first", "last"} or int
        Whose value of `by` counts: of the arrival, the first or last known on the steps, or of one step.
    confidence_level : float, optional
    rules : str
        A named set of rules: "house", or how another tool counts (docs/behaviour-rules.md).
    **options
        Single rules: ``attempt`` ("best", "first", "every", "start"), ``ties`` ("either", "after", "row"),
        ``grace``, ``reuse``, ``repeats``, ``between``, ``begin``, ``exclude_scope``.

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
    - (b) of those whose window is over: arrived a window ago or longer; share that went on within it, Wilson.
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
    counted = count(asked.log, asked.definition, asked.cut)
    horizon = asked.horizon(counted, horizon_days)
    rows = [_group_rows(asked, counted, g, horizon) for g in range(len(counted.groups))]
    overall = tuple(whole for _, whole, _ in rows)
    return Funnel(
        n=int(counted.whole_n[:, 0].sum()),
        method="behaviour_funnel",
        confidence_level=asked.level,
        as_of=events.as_of,
        currency=events.currency,
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
        drop_points=tuple(
            point for g in range(len(counted.groups)) for point in _drop_point(asked, counted, g)
        ),
        curves=tuple(
            TimeCurve(
                group=group, days=times.days, through_rate=times.curve,
                through_ci_lower=times.curve_ci_lower, through_ci_upper=times.curve_ci_upper,
            )
            for group, (_, _, times) in zip(counted.groups, rows, strict=True)
            if times.n
        ),
        counted=counted,
        asked=asked,
    )  # fmt: skip


def _group_rows(
    asked: Asked, counted: FunnelCounts, g: int, horizon: float
) -> tuple[list[BehaviourStep], BehaviourStep, ByTime]:
    """Return the step rows of one group, its overall row, and its curve."""
    labels, definition = asked.labels, asked.definition
    size = len(labels)
    rows = []
    for k in range(size):
        last = k == size - 1
        times = (
            by_time(counted.steps[k].of(g), horizon, asked.level, counted.design[g, k]) if not last else None
        )
        following = min((one for one in counted.units.required if one > k), default=-1)
        numbers = [
            int(table[g, k])
            for table in (counted.reached_n, counted.advanced_n, counted.running_n, counted.dropped_n)
        ]
        rows.append(
            BehaviourStep(
                group=counted.groups[g],
                step=labels[k],
                next_step=labels[following] if following >= 0 else "",
                overall=False,
                optional=definition.steps[k].optional,
                **_rates(asked, numbers, (counted.ripe_n[g, k], counted.ripe_advanced_n[g, k]), times,
                         counted.design[g, k], last=last),
                of_first_rate=numbers[0] / counted.reached_n[g, 0] if counted.reached_n[g, 0] else NAN,
                reached_amount=float(counted.amount[g, k]) if asked.cut.value else NAN,
                amount_n=int(counted.known_n[g, k]),
            )
        )  # fmt: skip
    arrived, through, ripe, ripe_through = (int(one) for one in counted.whole_n[g])
    whole = by_time(counted.whole.of(g), horizon, asked.level, counted.design[g, -1])
    numbers = [arrived, through, int(counted.running_n[g].sum()), int(counted.dropped_n[g].sum())]
    overall = BehaviourStep(
        group=counted.groups[g], step=labels[0], next_step=labels[-1], overall=True, optional=False,
        **_rates(asked, numbers, (ripe, ripe_through), whole, counted.design[g, -1], last=False),
        of_first_rate=through / arrived if arrived else NAN,
        reached_amount=float(counted.amount[g, -1]) if asked.cut.value else NAN,
        amount_n=int(counted.known_n[g, -1]),
    )  # fmt: skip
    return rows, overall, whole


def _rates(
    asked: Asked,
    numbers: list[int],
    ripe: tuple[Any, Any],
    times: ByTime | None,
    design: float,
    *,
    last: bool,
) -> dict[str, Any]:
    reached, advanced, running, dropped = numbers
    so_far = share(advanced, reached, asked.level, design) if not last else (NAN,) * 3
    windowed = asked.definition.within_us is not None and not last
    decided = share(int(ripe[1]), int(ripe[0]), asked.level, design) if windowed else (NAN,) * 3
    by = ("rate", "ci_lower", "ci_upper", "at_risk_n", "median_days", "median_ci_lower", "median_ci_upper",
          "finished_median_days")  # fmt: skip
    timed = {name: getattr(times, name) if times is not None else NAN for name in by}
    return {
        "reached_n": reached, "advanced_n": advanced, "running_n": running, "dropped_n": dropped,
        "so_far_rate": so_far[0], "so_far_ci_lower": so_far[1], "so_far_ci_upper": so_far[2],
        "decided_n": int(ripe[0]) if windowed else 0,
        "decided_rate": decided[0], "decided_ci_lower": decided[1], "decided_ci_upper": decided[2],
        "by_time_n": times.n if times is not None else 0,
        "by_time_rate": timed["rate"], "by_time_ci_lower": timed["ci_lower"],
        "by_time_ci_upper": timed["ci_upper"],
        "at_risk_n": times.at_risk_n if times is not None else 0,
        "median_days": timed["median_days"], "median_ci_lower": timed["median_ci_lower"],
        "median_ci_upper": timed["median_ci_upper"], "finished_median_days": timed["finished_median_days"],
        "enough": reached >= TOO_FEW_N,
    }  # fmt: skip


def _drop_point(asked: Asked, counted: FunnelCounts, g: int) -> list[DropPoint]:
    """Return the step where most dropped out, if anybody did."""
    dropped = counted.dropped_n[g]
    total = int(dropped.sum())
    if not total:
        return []
    most = int(np.argmax(dropped))
    rate, lower, upper = share(int(dropped[most]), total, asked.level)
    others = [share(int(one), total, asked.level)[2] for k, one in enumerate(dropped) if k != most and one]
    following = min(one for one in counted.units.required if one > most)
    cost = NAN
    through_n, known_n = int(counted.whole_n[g, 1]), int(counted.known_n[g, -1])
    if asked.cut.value and counted.reached_n[g, following] and known_n:
        onward = through_n / int(counted.reached_n[g, following])
        cost = int(dropped[most]) * onward * float(counted.amount[g, -1]) / known_n
    return [
        DropPoint(
            group=counted.groups[g], step=asked.labels[most], next_step=asked.labels[following],
            dropped_n=int(dropped[most]), dropped_share=rate, dropped_share_ci_lower=lower,
            dropped_share_ci_upper=upper, cost_amount=cost, clear=lower > max(others, default=0.0),
        )
    ]  # fmt: skip


def _notes(
    asked: Asked, counted: FunnelCounts, overall: Sequence[BehaviourStep], horizon: float
) -> tuple[Note, ...]:
    """Return what has to be said beside the numbers."""
    n, running = int(counted.whole_n[:, 0].sum()), sum(row.running_n for row in overall)
    notes: list[Note] = []
    if asked.definition.within_us is None:
        notes.append(Note("events_no_window"))
    elif running:
        notes.append(Note("events_running", {"running_n": running, "of_n": n}))
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
