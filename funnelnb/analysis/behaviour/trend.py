"""Does the funnel get better or worse over time, and from when can that be trusted?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

from funnelnb.analysis.behaviour.ask import DAY_US, Query, ask
from funnelnb.analysis.behaviour.drill import place_of
from funnelnb.analysis.behaviour.rates import CLOSE, by_time, share
from funnelnb.analysis.shared.question import of_log
from funnelnb.analysis.shared.result import Result
from funnelnb.core import check
from funnelnb.core.arrays import in_days, in_months
from funnelnb.core.check import TOO_FEW_N
from funnelnb.core.note import Note
from funnelnb.data.events.counts import PERIODS, count
from funnelnb.stats.rates.change import change_points

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.analysis.behaviour.ask import Log
    from funnelnb.data.events.counts import FunnelCounts, Spans
    from funnelnb.data.events.definition import FunnelRules, StepLike, Stretch


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendRow:
    """One period of arrivals of one group.

    Attributes
    ----------
    group : tuple of str
    period : str
    starts : str
        Its first day.
    arrived_n, through_n, running_n : int
        Reached the step that the rate begins at; went on by now; still under way.
    rate, ci_lower, ci_upper : float
        Went on within `seen_days`.
    seen_days : float
        The horizon; for a young period as long as ``TOO_FEW_N`` of its arrivals were watched.
    mature : bool
        All arrivals of the period were watched for the whole horizon.
    trusted_from : str
        The day on which it is mature.
    enough : bool
    """

    group: tuple[str, ...]
    period: str
    starts: str
    arrived_n: int
    through_n: int
    running_n: int
    rate: float
    ci_lower: float
    ci_upper: float
    seen_days: float
    mature: bool
    trusted_from: str
    enough: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """A change of the rate that the series itself shows.

    Attributes
    ----------
    group : tuple of str
    period, period_lower, period_upper : str
        First period of the new rate, and between which it lies.
    before_rate, before_ci_lower, before_ci_upper, after_rate, after_ci_lower, after_ci_upper : float
    p_value : float
    """

    group: tuple[str, ...]
    period: str
    period_lower: str
    period_upper: str
    before_rate: float
    before_ci_lower: float
    before_ci_upper: float
    after_rate: float
    after_ci_lower: float
    after_ci_upper: float
    p_value: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Trend(Result):
    """The rate by period of arrival, with the changes found in it.

    Attributes
    ----------
    by : tuple of str
    period : str
        "day", "week", "month", "quarter" or "year".
    from_step, to_step : str
    horizon_days : float
    rows : tuple of TrendRow
        By group, in order of time.
    breaks : tuple of Break
    """

    by: tuple[str, ...]
    period: str
    from_step: str
    to_step: str
    horizon_days: float
    rows: tuple[TrendRow, ...]
    breaks: tuple[Break, ...]


@of_log("behaviour", formerly={"period": "every"})
def trend(
    events: Log,
    steps: str | Sequence[StepLike],
    *,
    within: Stretch | None = None,
    every: str = "week",
    step: int | str | None = None,
    by: str | Sequence[str] | None = None,
    horizon_days: float | None = None,
    confidence_level: float | None = None,
    **rules: Unpack[FunnelRules],
) -> Trend:
    """Does the funnel get better or worse over time, from when can that be trusted, and did it break?

    Parameters
    ----------
    events, steps, within, by, horizon_days, confidence_level
        As for :func:`funnelnb.funnel`.
    every : {"day", "week", "month", "quarter", "year"}
        Calendar period of arrival. An actor counts once in each period in which it arrives.
    step : int or str, optional
        Step whose going on is followed; None: the whole way.
    **rules
        The other parameters of :func:`funnelnb.funnel`.

    Returns
    -------
    Trend

    Raises
    ------
    ParameterError, MissingDataError
        As for :func:`funnelnb.funnel`.

    Notes
    -----
    Rates are those by time at the horizon, so that young periods do not look worse than old ones; a period
    whose youngest arrivals were not watched so long is given as far as they were, and marked. Breaks are
    searched among mature periods only: binomial change points, tested for having looked at every period
    (``stats.rates.change``).

    Checked against counts by hand (``tests/analysis/behaviour/test_retention.py``) and a public data set with a known
    break (``test_real.py``).

    Examples
    --------
    >>> import pandas as pd, funnelnb as fn
    >>> log = fn.events(pd.DataFrame({
    ...     "user_id": ["a", "a", "b", "c"], "event": ["visit", "pay", "visit", "visit"],
    ...     "time": ["2026-05-01", "2026-05-03", "2026-05-02", "2026-06-04"]}))
    >>> [(row.period, row.arrived_n, row.mature)
    ...  for row in fn.behaviour.trend(log, ["visit", "pay"], within="7d", every="month").rows]
    [('2026-05', 2, False), ('2026-06', 1, False)]
    """
    check.one_of("every", every, PERIODS)
    asked = question(events, steps, within, by, every, confidence_level, rules)
    counted = count(asked.log, asked.definition, asked.cut)
    horizon = asked.horizon(counted, horizon_days)
    place = None if step is None else place_of(step, asked.labels)
    order = sorted(range(len(counted.groups)), key=lambda g: (counted.groups[g][1:], counted.groups[g][0]))
    rows = tuple(_row(asked, counted, g, place, horizon) for g in order)
    following = asked.labels[-1]
    if place is not None:
        following = asked.labels[min((k for k in counted.units.required if k > place), default=place)]
    return Trend(
        n=sum(row.arrived_n for row in rows),
        method="behaviour_trend",
        confidence_level=asked.level,
        as_of=asked.log.as_of,
        currency=asked.log.currency,
        notes=(*asked.notes, *_notes(rows)),
        by=asked.cut.by,
        period=every,
        from_step=asked.labels[place or 0],
        to_step=following,
        horizon_days=horizon,
        rows=rows,
        breaks=tuple(_breaks(rows, asked.level)),
    )


def question(
    events: Log,
    steps: str | Sequence[StepLike],
    within: Stretch | None,
    by: str | Sequence[str] | None,
    every: str | None,
    confidence_level: float | None,
    rules: FunnelRules,
) -> Query:
    """Return the question, its named rules taken from those that :func:`funnelnb.funnel` takes."""
    own = ("order", "exclude", "hold", "per", "value", "credit", "since", "until", "rules")
    given: Any = {name: one for name, one in rules.items() if name in own}
    options: Any = {name: one for name, one in rules.items() if name not in own}
    return ask(
        events, steps, within=within, by=by, every=every, confidence_level=confidence_level, options=options,
        **given,
    )  # fmt: skip


def _row(asked: Query, counted: FunnelCounts, g: int, place: int | None, horizon: float) -> TrendRow:
    label, *group = counted.groups[g]
    spans = counted.whole if place is None else counted.steps[place]
    mine = spans.of(g)
    starts, ends = bounds(label, asked.cut.period)
    watched = (
        float(asked.log.as_of_us - (int((ends + in_days(1)).astype("M8[us]").astype(np.int64)) - 1)) / DAY_US
    )
    if asked.log.whole_days:
        watched = float(asked.log.as_of_us - int(ends.astype("M8[us]").astype(np.int64))) / DAY_US
    mature = watched >= horizon * (1 - CLOSE)
    seen = horizon if mature else _seen(mine, horizon)
    design = float(counted.design[g, -1 if place is None else place])
    arrived, through = int(mine.n.sum()), int(mine.n[mine.done > 0].sum())
    if mature and asked.definition.attempt != "best":
        inside = int(mine.n[(mine.done > 0) & (mine.days <= horizon * (1 + CLOSE))].sum())
        rate, lower, upper = share(inside, arrived, asked.level, design)
    else:
        times = by_time(mine, seen, asked.level, design)
        rate, lower, upper = times.rate, times.ci_lower, times.ci_upper
    running = counted.running_n[g].sum() if place is None else counted.running_n[g, place]
    return TrendRow(
        group=tuple(group),
        period=label,
        starts=str(starts),
        arrived_n=arrived,
        through_n=through,
        running_n=int(running),
        rate=rate,
        ci_lower=lower,
        ci_upper=upper,
        seen_days=seen,
        mature=mature,
        trusted_from=str(ends + in_days(int(np.ceil(horizon)) + (0 if asked.log.whole_days else 1))),
        enough=arrived >= TOO_FEW_N,
    )


def _seen(spans: Spans, horizon: float) -> float:
    """Return how long at least ``TOO_FEW_N`` of a young period were watched, up to the horizon."""
    order = np.argsort(-spans.days, kind="stable")
    enough = np.flatnonzero(np.cumsum(spans.n[order]) >= TOO_FEW_N)
    return float(min(horizon, spans.days[order[enough[0]]])) if len(enough) else 0.0


def bounds(label: str, period: str) -> tuple[np.datetime64, np.datetime64]:
    """Return the first and the last day of a period by its label.

    Examples
    --------
    >>> [str(day) for day in bounds("2026-Q1", "quarter")]
    ['2026-01-01', '2026-03-31']
    """
    if period == "day":
        day = np.datetime64(label, "D")
        return day, day
    year, _, part = label.partition("-")
    if period == "week":
        fourth = np.datetime64(f"{year}-01-04", "D")  # always in the first ISO week
        monday = fourth + in_days(7 * (int(part[1:]) - 1) - (fourth.astype(np.int64) + 3) % 7)
        return monday, monday + in_days(6)
    months = {"month": 1, "quarter": 3, "year": 12}[period]
    first = np.datetime64(f"{year}-01", "M") + in_months((int(part.removeprefix("Q") or 1) - 1) * months)
    return first.astype("M8[D]"), (first + in_months(months)).astype("M8[D]") - in_days(1)


def _breaks(rows: Sequence[TrendRow], level: float) -> list[Break]:
    """Return the changes in each group's mature periods."""
    found: list[Break] = []
    for group in dict.fromkeys(row.group for row in rows):
        mine = [row for row in rows if row.group == group and row.mature and row.rate == row.rate]
        trials = np.array([row.arrived_n for row in mine], float)
        hits = np.rint(trials * np.array([row.rate for row in mine]))
        names = ("before_rate", "before_ci_lower", "before_ci_upper", "after_rate", "after_ci_lower",
                 "after_ci_upper", "p_value")  # fmt: skip
        found += [
            Break(
                group=group,
                period=mine[one.position].period,
                period_lower=mine[one.position_lower].period,
                period_upper=mine[one.position_upper].period,
                **{name: getattr(one, name) for name in names},
            )
            for one in (change_points(hits, trials, level) if mine else ())
        ]
    return found


def _notes(rows: Sequence[TrendRow]) -> tuple[Note, ...]:
    young = [row for row in rows if not row.mature]
    if not young:
        return ()
    facts = {"young_n": len(young), "of_n": len(rows), "trusted_from": max(row.trusted_from for row in young)}
    return (Note("events_young_periods", facts),)
