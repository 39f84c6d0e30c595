"""One row per step of a counted funnel: who reached it, went on, is under way, dropped out; and the rates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict, Unpack

import numpy as np

from funnelnb.analysis.behaviour.rates import NAN, ByTime, by_time, share
from funnelnb.core.check import TOO_FEW_N

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from funnelnb.analysis.behaviour.ask import Query
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
        Those not under way at the step: reached - under way.
    decided_rate, decided_ci_lower, decided_ci_upper : float
        (b) advanced / those not under way. NaN without a window: then nobody is ever decided but who went on.
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


def group_rows(
    asked: Query, counted: FunnelCounts, g: int, horizon: float
) -> tuple[list[BehaviourStep], BehaviourStep, ByTime]:
    """Return the step rows of one group, its overall row, and the times behind the latter."""
    labels = asked.labels
    rows = []
    for k, label in enumerate(labels):
        last = k == len(labels) - 1
        design = float(counted.design[g, k])
        times = None if last else by_time(counted.steps[k].of(g), horizon, asked.level, design)
        following = min((one for one in counted.units.required if one > k), default=-1)
        tables = (counted.reached_n, counted.advanced_n, counted.running_n, counted.dropped_n)
        reached, advanced, running, dropped = (int(table[g, k]) for table in tables)
        rows.append(
            _row(
                asked, counted, (g, k), times, design, advanced_n=advanced, running_n=running,
                dropped_n=dropped, reached_n=reached, step=label, overall=False,
                next_step=labels[following] if following >= 0 else "",
                of_first_rate=reached / counted.reached_n[g, 0] if counted.reached_n[g, 0] else NAN,
            )
        )  # fmt: skip
    arrived, through = int(counted.whole_n[g, 0]), int(counted.whole_n[g, 1])
    design = float(counted.design[g, -1])
    whole = by_time(counted.whole.of(g), horizon, asked.level, design)
    overall = _row(
        asked, counted, (g, -1), whole, design, reached_n=arrived, advanced_n=through,
        running_n=int(counted.running_n[g].sum()), dropped_n=int(counted.dropped_n[g].sum()),
        step=labels[0], next_step=labels[-1], overall=True, of_first_rate=through / arrived if arrived else NAN,
    )  # fmt: skip
    return rows, overall, whole


class _Own(TypedDict):
    """What a row has of its own: counts and places."""

    reached_n: int
    advanced_n: int
    running_n: int
    dropped_n: int
    step: str
    next_step: str
    overall: bool
    of_first_rate: float


def _row(
    asked: Query,
    counted: FunnelCounts,
    at: tuple[int, int],
    times: ByTime | None,
    design: float,
    **own: Unpack[_Own],
) -> BehaviourStep:
    """Return a row with its rates."""
    reached, advanced, decided = own["reached_n"], own["advanced_n"], own["reached_n"] - own["running_n"]
    nothing = (NAN, NAN, NAN)
    so_far = nothing if times is None else share(advanced, reached, asked.level, design)
    windowed = asked.definition.within_us is not None and times is not None
    closed = share(advanced, decided, asked.level, design) if windowed else nothing
    return BehaviourStep(
        group=counted.groups[at[0]],
        optional=asked.definition.steps[at[1]].optional and not own["overall"],
        so_far_rate=so_far[0], so_far_ci_lower=so_far[1], so_far_ci_upper=so_far[2],
        decided_n=decided if windowed else 0,
        decided_rate=closed[0], decided_ci_lower=closed[1], decided_ci_upper=closed[2],
        by_time_n=times.n if times else 0,
        by_time_rate=times.rate if times else NAN,
        by_time_ci_lower=times.ci_lower if times else NAN,
        by_time_ci_upper=times.ci_upper if times else NAN,
        at_risk_n=times.at_risk_n if times else 0,
        median_days=times.median_days if times else NAN,
        median_ci_lower=times.median_ci_lower if times else NAN,
        median_ci_upper=times.median_ci_upper if times else NAN,
        finished_median_days=times.finished_median_days if times else NAN,
        reached_amount=float(counted.amount[at]) if asked.cut.value else NAN,
        amount_n=int(counted.known_n[at]),
        enough=reached >= TOO_FEW_N,
        **own,
    )  # fmt: skip


def drop_point(asked: Query, counted: FunnelCounts, g: int) -> list[DropPoint]:
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


def curve(group: tuple[str, ...], times: ByTime) -> TimeCurve:
    """Return the curve of one group for drawing."""
    return TimeCurve(
        group=group,
        days=times.days,
        through_rate=times.curve,
        through_ci_lower=times.curve_ci_lower,
        through_ci_upper=times.curve_ci_upper,
    )
