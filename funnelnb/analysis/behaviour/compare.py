"""Which groups, versions or times really differ, and which only look so?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Unpack

import numpy as np

from funnelnb.analysis.behaviour.ask import EACH
from funnelnb.analysis.behaviour.drill import place_of
from funnelnb.analysis.behaviour.rates import ByTime, by_time
from funnelnb.analysis.behaviour.trend import question
from funnelnb.analysis.conversion.segments import GroupRates
from funnelnb.analysis.conversion.segments import compare as compare_rates
from funnelnb.analysis.shared.question import of_log
from funnelnb.analysis.shared.result import Result
from funnelnb.core import check
from funnelnb.core.errors import ParameterError
from funnelnb.core.note import Note
from funnelnb.data.events.counts import FunnelCounts, Spans, count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.analysis.behaviour.ask import Log, Query
    from funnelnb.analysis.conversion.segments import Compared
    from funnelnb.core.check import Day
    from funnelnb.data.events.definition import FunnelRules, StepLike, Stretch


@dataclass(frozen=True, slots=True, kw_only=True)
class BehaviourGroup:
    """One group beside all others.

    Attributes
    ----------
    group : tuple of str
    arrived_n, through_n, running_n : int
    rate, ci_lower, ci_upper : float
        Went on within the horizon.
    shrunken_rate, shrunken_ci_lower, shrunken_ci_upper : float
        Pulled towards the middle of the groups as far as its size does not carry it.
    rest_rate : float
        Of everybody else.
    difference, difference_ci_lower, difference_ci_upper : float
        rate - rest_rate.
    p_value, p_adjusted : float
        Of no difference; adjusted over the groups (Benjamini and Hochberg).
    verdict : str
        "higher", "lower", "not_separable" or "too_few".
    """

    group: tuple[str, ...]
    arrived_n: int
    through_n: int
    running_n: int
    rate: float
    ci_lower: float
    ci_upper: float
    shrunken_rate: float
    shrunken_ci_lower: float
    shrunken_ci_upper: float
    rest_rate: float
    difference: float
    difference_ci_lower: float
    difference_ci_upper: float
    p_value: float
    p_adjusted: float
    verdict: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class BehaviourGroups(Result):
    """Groups compared on one conversion of a funnel.

    Attributes
    ----------
    by : tuple of str
    from_step, to_step : str
    horizon_days : float
    at : str
        Date that splits before from after; empty where groups are values of a property.
    omnibus_p_value : float
        Of all groups being alike.
    rows : tuple of BehaviourGroup
        Highest shrunken rate first; before and after in this order.
    """

    by: tuple[str, ...]
    from_step: str
    to_step: str
    horizon_days: float
    at: str
    omnibus_p_value: float
    rows: tuple[BehaviourGroup, ...]


@of_log("behaviour")
def compare(
    events: Log,
    steps: str | Sequence[StepLike],
    *,
    by: str | Sequence[str] | None = None,
    at: Day | None = None,
    within: Stretch | None = None,
    step: int | str | None = None,
    horizon_days: float | None = None,
    confidence_level: float | None = None,
    **rules: Unpack[FunnelRules],
) -> BehaviourGroups:
    """Which groups or versions convert differently, or did a change at a date do anything?

    Parameters
    ----------
    events, steps, within, horizon_days, confidence_level
        As for :func:`funnelnb.funnel`.
    by : str or sequence of str, optional
        Properties whose values are compared: device, channel, version A or B.
    at : date, optional
        Compare arrivals before it with those from it on. Exactly one of `by` and `at`.
    step : int or str, optional
        Step whose going on is compared; None: the whole way.
    **rules
        The other parameters of :func:`funnelnb.funnel`.

    Returns
    -------
    BehaviourGroups

    Raises
    ------
    ParameterError
        Neither or both of `by` and `at` are given, or a parameter cannot be read.

    Notes
    -----
    Rates by time at one horizon for all groups, so that a group with younger arrivals is not at a
    disadvantage. Each group against everybody else (score test, Newcombe's interval on effective numbers),
    false discoveries held by Benjamini and Hochberg; small groups shrunk (beta-binomial). It compares what
    was: groups that chose themselves differ in more than their name.

    Examples
    --------
    >>> import funnelnb as fn, pandas as pd
    >>> log = fn.events(pd.DataFrame({
    ...     "user_id": [*range(40)] * 2, "event": ["visit"] * 40 + ["pay"] * 20 + ["leave"] * 20,
    ...     "time": ["2026-05-01"] * 40 + ["2026-05-03"] * 40, "device": ["a", "b"] * 40}))
    >>> [row.verdict for row in fn.behaviour.compare(log, ["visit", "pay"], by="device", horizon_days=1).rows]
    ['not_separable', 'not_separable']
    """
    if (by is None) == (at is None):
        raise ParameterError(
            f"by = {by!r} and at = {at!r}", expected="one of them", hint='by="device", or at="2026-03-01"'
        )
    if rules.get("credit") == EACH:
        raise ParameterError(
            "credit = 'each' where groups are compared",
            expected="groups that share nobody",
            hint="leave credit out",
        )
    asked = question(events, steps, within, by, None, confidence_level, rules)
    if at is not None:
        moment = check.timestamp("at", at).astype("M8[us]").astype(np.int64)
        asked = replace(asked, cut=replace(asked.cut, at_us=int(moment)))
    counted = count(asked.log, asked.definition, asked.cut)
    place = None if step is None else place_of(step, asked.labels)
    return _result(asked, counted, place, asked.horizon(counted, horizon_days))


def _result(asked: Query, counted: FunnelCounts, place: int | None, horizon: float) -> BehaviourGroups:
    rates = _rates(asked, counted, place, horizon)
    compared = compare_rates(rates, asked.level)
    rows = [_row(counted, rates, compared, g, place) for g in range(len(counted.groups))]
    at = asked.cut.at_us
    if at is None:
        rows.sort(key=lambda row: (-row.shrunken_rate if row.shrunken_rate >= 0 else 1.0, row.group))
    else:
        rows.sort(key=lambda row: row.group[0] != "before")
    following = len(asked.labels) - 1
    if place is not None:
        following = min((k for k in counted.units.required if k > place), default=place)
    few = sum(row.verdict == "too_few" for row in rows)
    return BehaviourGroups(
        n=int(counted.whole_n[:, 0].sum()),
        method="behaviour_compare",
        confidence_level=asked.level,
        as_of=asked.log.as_of,
        currency=asked.log.currency,
        notes=(*asked.notes, *((Note("events_few_groups", {"groups_n": few}),) if few else ())),
        by=asked.cut.by,
        from_step=asked.labels[place or 0],
        to_step=asked.labels[following],
        horizon_days=horizon,
        at="" if at is None else str(np.datetime64(at, "us").astype("M8[s]")).replace("T00:00:00", ""),
        omnibus_p_value=compared.omnibus_p_value,
        rows=tuple(rows),
    )


def _rates(asked: Query, counted: FunnelCounts, place: int | None, horizon: float) -> GroupRates:
    """Return the rates of each group and of everybody else."""
    spans = counted.whole if place is None else counted.steps[place]
    column = -1 if place is None else place
    size = len(counted.groups)
    own = [by_time(spans.of(g), horizon, asked.level, float(counted.design[g, column])) for g in range(size)]
    wide = float(np.average(counted.design[:, column], weights=np.maximum(counted.reached_n[:, 0], 1)))
    rest = [by_time(_others(spans, g), horizon, asked.level, wide) for g in range(size)]
    whole = by_time(spans, horizon, asked.level, wide)

    def of(times: list[ByTime], name: str) -> np.ndarray:
        return np.array([getattr(one, name) for one in times], float)

    return GroupRates(
        groups=counted.groups,
        decided_n=np.array([one.n for one in own], np.int64),
        won_n=np.array([int(spans.of(g).n[spans.of(g).done > 0].sum()) for g in range(size)], np.int64),
        rate=of(own, "rate"),
        ci_lower=of(own, "ci_lower"),
        ci_upper=of(own, "ci_upper"),
        rest_rate=of(rest, "rate"),
        trials=of(own, "effective_n"),
        rest_trials=of(rest, "effective_n"),
        pooled_rate=whole.rate,
        horizon_days=horizon,
        notes=(),
    )


def _others(spans: Spans, g: int) -> Spans:
    mine = spans.group != g
    return Spans(group=spans.group[mine], days=spans.days[mine], done=spans.done[mine], n=spans.n[mine])


def _row(
    counted: FunnelCounts, rates: GroupRates, compared: Compared, g: int, place: int | None
) -> BehaviourGroup:
    running = counted.running_n[g].sum() if place is None else counted.running_n[g, place]
    return BehaviourGroup(
        group=counted.groups[g],
        arrived_n=int(rates.decided_n[g]),
        through_n=int(rates.won_n[g]),
        running_n=int(running),
        rate=float(rates.rate[g]),
        ci_lower=float(rates.ci_lower[g]),
        ci_upper=float(rates.ci_upper[g]),
        rest_rate=float(rates.rest_rate[g]),
        verdict=compared.verdicts[g],
        **{name: float(column[g]) for name, column in compared.columns.items()},
    )
