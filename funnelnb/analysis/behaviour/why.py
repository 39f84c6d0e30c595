"""What goes with getting through, and what do people do instead?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Unpack

import numpy as np

from funnelnb.analysis.behaviour.ask import DAY_US, Query, rows_of_steps
from funnelnb.analysis.behaviour.drill import place_of
from funnelnb.analysis.behaviour.rates import share
from funnelnb.analysis.behaviour.trend import question
from funnelnb.analysis.shared.question import of_log
from funnelnb.analysis.shared.result import Result
from funnelnb.core import check
from funnelnb.core.check import TOO_FEW_N
from funnelnb.core.errors import MissingDataError
from funnelnb.core.note import Note
from funnelnb.data.events.context import at_arrival, done_around, sequences
from funnelnb.data.events.counts import FunnelCounts, count
from funnelnb.data.events.definition import duration
from funnelnb.data.events.walk import NEVER
from funnelnb.stats.rates.compare import benjamini_hochberg, group_vs_rest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from funnelnb.analysis.behaviour.ask import Log
    from funnelnb.data.events.context import Feature
    from funnelnb.data.events.definition import FunnelRules, StepLike, Stretch


FALSE_DISCOVERIES = 0.05
"""At most this share of the properties named is named by chance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverRow:
    """One property or event, and how those with it convert beside those without.

    Attributes
    ----------
    kind : {"property", "number", "before", "after"}
        A value at the arrival; a number at least its median there; an event before the arrival; one soon after.
    name, setting : str
        Property and value, or the event.
    with_n, without_n : int
    with_rate, with_ci_lower, with_ci_upper, without_rate, without_ci_lower, without_ci_upper : float
    difference, difference_ci_lower, difference_ci_upper : float
    p_value, p_adjusted : float
    """

    kind: str
    name: str
    setting: str
    with_n: int
    without_n: int
    with_rate: float
    with_ci_lower: float
    with_ci_upper: float
    without_rate: float
    without_ci_lower: float
    without_ci_upper: float
    difference: float
    difference_ci_lower: float
    difference_ci_upper: float
    p_value: float
    p_adjusted: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Drivers(Result):
    """What goes with getting through.

    Attributes
    ----------
    from_step, to_step : str
    horizon_days : float
    through_n : int
        Of the n looked at, how many got through in time.
    tested_n : int
        Properties and events that were compared.
    rows : tuple of DriverRow
        Those that differ after control of false discoveries, strongest first.
    others : tuple of DriverRow
        The rest, by p-value.
    """

    from_step: str
    to_step: str
    horizon_days: float
    through_n: int
    tested_n: int
    rows: tuple[DriverRow, ...]
    others: tuple[DriverRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PathRow:
    """One way on (or to) a step.

    Attributes
    ----------
    path : tuple of str
        Events in order of time; shorter than asked for where nothing more came.
    n : int
    path_share, path_share_ci_lower, path_share_ci_upper : float
        Of all who are looked at.
    """

    path: tuple[str, ...]
    n: int
    path_share: float
    path_share_ci_lower: float
    path_share_ci_upper: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PathLink:
    """How many go from one event to the next.

    Attributes
    ----------
    place : int
        1: from the step to the next event, 2: onward from there …
    source, target : str
        Empty: nothing (more).
    n : int
    link_share, link_share_ci_lower, link_share_ci_upper : float
        Of those at the source.
    """

    place: int
    source: str
    target: str
    n: int
    link_share: float
    link_share_ci_lower: float
    link_share_ci_upper: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Paths(Result):
    """What people do after a step instead of the next one, or before it.

    Attributes
    ----------
    step : str
    who : {"dropped", "running", "advanced", "reached"}
    side : {"after", "before"}
    rows : tuple of PathRow
        The most frequent ways.
    links : tuple of PathLink
        By place and frequency.
    """

    step: str
    who: str
    side: str
    rows: tuple[PathRow, ...]
    links: tuple[PathLink, ...]


@of_log("behaviour")
def drivers(
    events: Log,
    steps: str | Sequence[StepLike],
    *,
    within: Stretch | None = None,
    horizon_days: float | None = None,
    after: Stretch | None = None,
    skip: str | Sequence[str] | None = None,
    confidence_level: float | None = None,
    **rules: Unpack[FunnelRules],
) -> Drivers:
    """Which properties and other events go with getting through?

    Parameters
    ----------
    events, steps, within, horizon_days, confidence_level
        As for :func:`funnelnb.funnel`.
    after : str or timedelta, optional
        Also look at other events within so long after the arrival. Only actors who are not through by then are
        compared, and their clock starts then: who got through at once had no time to do anything else.
    skip : str or sequence of str, optional
        Properties left out.
    **rules
        The other parameters of :func:`funnelnb.funnel`.

    Returns
    -------
    Drivers

    Raises
    ------
    MissingDataError
        Too few arrivals were watched for the whole horizon, or the log is counted where it lies.

    Notes
    -----
    Only arrivals watched for the whole horizon are compared, on whether they got through within it. What is
    looked at was known at the arrival (its properties, events before it), or by a landmark after it; the
    steps themselves and exclusions are left out, since they are the way through. Fisher's exact test of those
    with against those without, Newcombe's interval, false discoveries held at 5 % (Benjamini and Hochberg).
    It is association: it does not say that the property makes people convert.

    References
    ----------
    Benjamini & Hochberg (1995), doi:10.1111/j.2517-6161.1995.tb02031.x. Anderson, Cain & Gelber (1983),
    doi:10.1200/JCO.1983.1.11.710 (landmark).

    Checked against planted effects and null logs: ``tests/analysis/behaviour/test_why.py``.

    Examples
    --------
    >>> import pandas as pd, funnelnb as fn
    >>> log = fn.events(pd.DataFrame({
    ...     "user_id": [*range(200), *range(0, 200, 2)], "event": ["visit"] * 200 + ["pay"] * 100,
    ...     "time": ["2026-05-01"] * 200 + ["2026-05-02"] * 100, "device": ["a", "b"] * 100 + ["a"] * 100}))
    >>> [(row.name, row.setting) for row in fn.behaviour.drivers(log, ["visit", "pay"], within="1d").rows]
    [('device', 'a'), ('device', 'b')]
    """
    asked = question(events, steps, within, None, None, confidence_level, rules)
    counted = count(asked.log, asked.definition, asked.cut)
    horizon = asked.horizon(counted, horizon_days)
    landmark = None if after is None else duration("after", after)
    chosen, through = _outcome(asked, counted, horizon, landmark)
    log, rows = asked.in_memory, rows_of_steps(counted)[counted.units.row[chosen, 0]]
    names = {choice.event for choice in asked.definition.choices if choice.event is not None}
    left_out = [skip] if isinstance(skip, str) else list(skip or ())
    features = at_arrival(log, rows, left_out) + done_around(log, rows, sorted(names), None)
    if landmark is not None:
        features += done_around(log, rows, sorted(names), landmark)
    made = _tested(features, through, asked.level)
    found = [row for row in made if row.p_adjusted <= FALSE_DISCOVERIES]
    found.sort(key=lambda row: (-abs(row.difference), row.name, row.setting))
    return Drivers(
        n=len(chosen),
        method="behaviour_drivers",
        confidence_level=asked.level,
        as_of=asked.log.as_of,
        currency=asked.log.currency,
        notes=(*asked.notes, *_young(len(counted.units) - len(chosen), len(counted.units))),
        from_step=asked.labels[0],
        to_step=asked.labels[-1],
        horizon_days=horizon,
        through_n=int(through.sum()),
        tested_n=len(made),
        rows=tuple(found),
        others=tuple(sorted((row for row in made if row not in found), key=lambda row: row.p_value)),
    )


def _young(young_n: int, of_n: int) -> tuple[Note, ...]:
    return (Note("events_not_compared", {"young_n": young_n, "of_n": of_n}),) if young_n else ()


def _outcome(
    asked: Query, counted: FunnelCounts, horizon: float, landmark: int | None
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the units that were watched long enough, and which of them got through in time."""
    units = counted.units
    begin = units.time[:, 0] + (landmark or 0)
    limit = begin + round(horizon * DAY_US)
    last = units.time[:, units.required[-1]]
    watched = limit <= asked.log.as_of_us + 1  # a plain as-of date ends one microsecond before the next day
    if landmark is not None:
        watched &= (last == NEVER) | (last > begin)
    chosen = np.flatnonzero(watched)
    if len(chosen) < 2 * TOO_FEW_N:
        raise MissingDataError(
            f"{len(chosen)} arrivals were followed for {horizon:g} days",
            expected=f"at least {2 * TOO_FEW_N}",
            hint="a shorter horizon_days, or a longer log",
        )
    return chosen, (last[chosen] != NEVER) & (last[chosen] <= limit[chosen])


def _tested(features: Sequence[Feature], through: NDArray[np.bool_], level: float) -> list[DriverRow]:
    """Compare those with a feature with those without; only where both are enough."""
    facts = []
    for one in features:
        n = np.array([(one.has & one.known).sum(), (~one.has & one.known).sum()])
        k = np.array([through[one.has & one.known].sum(), through[~one.has & one.known].sum()])
        if n.min() >= TOO_FEW_N:
            facts.append((one, k, n, group_vs_rest(k, n, level)))
    if not facts:
        return []
    adjusted = benjamini_hochberg(np.array([found.p_value[0] for *_, found in facts]))
    rows = []
    for (one, k, n, found), p_adjusted in zip(facts, adjusted, strict=True):
        sides = [share(int(k[i]), int(n[i]), level) for i in (0, 1)]
        rows.append(
            DriverRow(
                kind=one.kind, name=one.name, setting=one.value, with_n=int(n[0]), without_n=int(n[1]),
                with_rate=sides[0][0], with_ci_lower=sides[0][1], with_ci_upper=sides[0][2],
                without_rate=sides[1][0], without_ci_lower=sides[1][1], without_ci_upper=sides[1][2],
                difference=float(found.difference[0]), difference_ci_lower=float(found.ci_lower[0]),
                difference_ci_upper=float(found.ci_upper[0]), p_value=float(found.p_value[0]),
                p_adjusted=float(p_adjusted),
            )
        )  # fmt: skip
    return rows


@of_log("behaviour")
def paths(
    events: Log,
    steps: str | Sequence[StepLike],
    *,
    step: int | str = 1,
    who: str = "dropped",
    side: str = "after",
    length: int = 3,
    most: int = 12,
    within: Stretch | None = None,
    confidence_level: float | None = None,
    **rules: Unpack[FunnelRules],
) -> Paths:
    """What do people do after a step instead of the next one, or what led them to it?

    Parameters
    ----------
    events, steps, within, confidence_level
        As for :func:`funnelnb.funnel`.
    step : int or str
        Number from 1, or label.
    who : {"dropped", "running", "advanced", "reached"}
        Whose ways: of those who dropped out at the step, are under way there, went on, or all who reached it.
        Without a window nobody drops out: "dropped" then takes those who have not gone on.
    side : {"after", "before"}
    length : int
        How many events, 1 to 10. The same event several times in a row counts once.
    most : int
        How many ways are listed; the links count all.
    **rules
        The other parameters of :func:`funnelnb.funnel`.

    Returns
    -------
    Paths

    Raises
    ------
    ParameterError
        There is no such step, or a parameter cannot be read.

    Examples
    --------
    >>> import pandas as pd, funnelnb as fn
    >>> log = fn.events(pd.DataFrame({
    ...     "user_id": ["a", "a", "b", "b"], "event": ["cart", "home", "cart", "pay"],
    ...     "time": ["2026-05-01", "2026-05-02"] * 2}))
    >>> [row.path for row in fn.behaviour.paths(log, ["cart", "pay"]).rows]
    [('cart', 'home')]
    """
    check.one_of("who", who, ("dropped", "running", "advanced", "reached"))
    check.one_of("side", side, ("after", "before"))
    length = int(check.number("length", length, ge=1, le=10))
    asked = question(events, steps, within, None, None, confidence_level, rules)
    counted = count(asked.log, asked.definition, asked.cut)
    place = place_of(step, asked.labels)
    chosen = _chosen(counted, place, who, windowed=asked.definition.within_us is not None)
    rows = rows_of_steps(counted)[counted.units.row[chosen, place]]
    codes = sequences(asked.in_memory, rows, length, asked.definition.within_us, backwards=side == "before")
    return Paths(
        n=len(rows),
        method="behaviour_paths",
        confidence_level=asked.level,
        as_of=asked.log.as_of,
        currency=asked.log.currency,
        notes=asked.notes,
        step=asked.labels[place],
        who=who,
        side=side,
        rows=tuple(_ranked(asked, rows, codes, side, most)),
        links=tuple(_links(asked, rows, codes)),
    )


def _chosen(counted: FunnelCounts, place: int, who: str, *, windowed: bool) -> NDArray[np.int64]:
    units = counted.units
    done = units.time != NEVER
    following = min((one for one in units.required if one > place), default=-1)
    advanced = done[:, following] if following >= 0 else np.zeros(len(units), bool)
    chosen = done[:, place]
    if who == "advanced":
        chosen = chosen & advanced
    elif who != "reached":
        chosen = chosen & ~advanced
        if windowed:
            chosen = chosen & (units.running if who == "running" else ~units.running)
    return np.flatnonzero(chosen)


def _ranked(
    asked: Query, rows: NDArray[np.int64], codes: NDArray[np.int64], side: str, most: int
) -> list[PathRow]:
    """Return the most frequent sequences, the step itself at its end."""
    names = asked.log.names
    start = asked.in_memory.event[rows].astype(np.int64)
    ways, counts = np.unique(np.column_stack([start, codes]), axis=0, return_counts=True)
    order = sorted(range(len(ways)), key=lambda i: (-int(counts[i]), ways[i].tolist()))[:most]
    found = []
    for i in order:
        way = [names[code] for code in ways[i].tolist() if code >= 0]
        rate, lower, upper = share(int(counts[i]), len(rows), asked.level)
        found.append(
            PathRow(
                path=tuple(way if side == "after" else reversed(way)), n=int(counts[i]), path_share=rate,
                path_share_ci_lower=lower, path_share_ci_upper=upper,
            )
        )  # fmt: skip
    return found


def _links(asked: Query, rows: NDArray[np.int64], codes: NDArray[np.int64]) -> list[PathLink]:
    """Return how many go from each event to each next one, place by place."""
    names = (*asked.log.names, "")
    before = asked.in_memory.event[rows].astype(np.int64)
    found = []
    for place in range(codes.shape[1]):
        there = before >= 0
        pairs, counts = np.unique(
            np.column_stack([before[there], codes[there, place]]), axis=0, return_counts=True
        )
        totals: dict[int, int] = {}
        for (source, _), n in zip(pairs.tolist(), counts.tolist(), strict=True):
            totals[source] = totals.get(source, 0) + n
        block = []
        for (source, target), n in zip(pairs.tolist(), counts.tolist(), strict=True):
            rate, lower, upper = share(n, totals[source], asked.level)
            block.append(
                PathLink(
                    place=place + 1, source=names[source], target=names[target], n=n, link_share=rate,
                    link_share_ci_lower=lower, link_share_ci_upper=upper,
                )
            )  # fmt: skip
        found += sorted(block, key=lambda one: (-one.n, one.source, one.target))
        before = np.where(there, codes[:, place], -1)
    return found
