"""By day t, how many went on, how many were lost, how many are open? From counted times to headline rates.

Each group gets one Aalen-Johansen curve (``stats.incidence``); this module adds what only the analysis can
know: whether the curve may be read at the horizon at all.

Longer than most modules: one curve and its reading, of one group and of very many at once, which must agree.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

import numpy as np
from numpy.typing import NDArray

from funnelnb.analysis.shared.counts import SECONDS_PER_DAY
from funnelnb.core.check import TOO_FEW_N
from funnelnb.data.count.counts import CENSORED, LOST_UNDATED, TimeCounts
from funnelnb.data.count.stand_ins import MOST_CLUSTERS
from funnelnb.stats.curves.clustered import factor_at, incidence_design, independent_factor
from funnelnb.stats.curves.incidence import Incidence, aalen_johansen
from funnelnb.stats.curves.many import factors_of_many, incidence_of_many
from funnelnb.stats.curves.undated import incidence_undated, won_at_risk
from funnelnb.stats.rates.clustered import effective_clusters, student_quantile
from funnelnb.stats.rates.proportion import normal_quantile

if TYPE_CHECKING:
    from collections.abc import Iterable

    from funnelnb.stats.curves.incidence import IncidenceAt
    from funnelnb.stats.curves.many import Many


Floats = NDArray[np.float64]
Seconds = NDArray[np.int64] | Floats
Outcomes = NDArray[np.int8] | NDArray[np.int64] | NDArray[np.bool_]
Rows = tuple[Seconds, Outcomes, Seconds | None]
"""Times, outcomes and late entries that a curve is made of."""
_Kind = TypeVar("_Kind", bound=np.generic)

ADVANCED_CAUSE, LOST_CAUSE = 0, 1
"""Rows of an incidence: outcome - 1."""

MOST_OPEN_CARRIED = 0.05
"""A curve is read beyond the longest time observed while no more than this share is still open there."""

MANY_N = 200
"""From so many groups on, small ones are read at once."""

_MOST_ROWS_N = 500
"""A group with more rows gets its curve by itself."""

MOST_POINTS = 400
"""A curve is given at no more days than this: more cannot be seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """The counted times of one group.

    Attributes
    ----------
    time_s, entry_s : ndarray of int64
    outcome : ndarray of int8
    n : ndarray of int64
    amount : ndarray of float64
    limit_s, weight, cluster, losses_known
        As in :class:`~funnelnb.data.count.counts.TimeCounts`.
    """

    time_s: NDArray[np.int64]
    entry_s: NDArray[np.int64]
    outcome: NDArray[np.int8]
    n: NDArray[np.int64]
    amount: Floats
    limit_s: NDArray[np.int64] | None = None
    weight: Floats | None = None
    cluster: NDArray[np.int32] | None = None
    losses_known: bool = True

    @property
    def stands_for(self) -> Floats | NDArray[np.int64]:
        """Deals that each row stands for: `n`, or more where the times of others are not known."""
        return self.n if self.weight is None else self.n * self.weight

    @property
    def undated_n(self) -> int:
        """Lost deals without a date."""
        return int(self.n[self.outcome == LOST_UNDATED].sum())

    @property
    def late_n(self) -> int:
        """Deals that came under observation after they began (late history)."""
        return int(self.n[self.entry_s > 0].sum())

    def some(self, rows: NDArray[np.int64] | slice) -> Times:
        """Return some of the rows."""
        return Times(
            time_s=self.time_s[rows],
            entry_s=self.entry_s[rows],
            outcome=self.outcome[rows],
            n=self.n[rows],
            amount=self.amount[rows],
            limit_s=None if self.limit_s is None else self.limit_s[rows],
            weight=None if self.weight is None else self.weight[rows],
            cluster=None if self.cluster is None else self.cluster[rows],
            losses_known=self.losses_known,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AtDay:
    """Headline (c) of one group at one age. Rates are NaN where the data cannot say.

    Attributes
    ----------
    n : int
        Deals whose times are known.
    rate, ci_lower, ci_upper, lost_rate, open_rate : float
    lost_least_rate, lost_most_rate : float
        Bounds of `lost_rate` where `undated_n` losses have no date; else both equal to it.
    undated_n : int
    certain_n : float
        Deals behind a rate of 0 or 1, whose variance says nothing: as many as its bound needs.
    variance : float
        Of `rate`.
    at_risk_n : int
        Still under observation at that age.
    known_n : int
        Deals whose state at that age is known: decided by then, or watched up to it.
    settled : bool
        True when every deal that could be watched is decided: nothing can change any more.
    carried : bool
        True when nobody was watched so long and nearly all were decided before: the last rate stands, and the
        interval reaches as far as the few open deals could move it.
    amount_rate : float
        The same weighted by amount.
    early_risk_small : bool
        True when late history leaves too few deals under observation at young ages: the rate is withheld.
    """

    n: int = 0
    rate: float = np.nan
    ci_lower: float = np.nan
    ci_upper: float = np.nan
    lost_rate: float = np.nan
    open_rate: float = np.nan
    lost_least_rate: float = np.nan
    lost_most_rate: float = np.nan
    undated_n: int = 0
    certain_n: float = 0.0
    variance: float = np.nan
    at_risk_n: int = 0
    known_n: int = 0
    settled: bool = False
    carried: bool = False
    amount_rate: float = np.nan
    early_risk_small: bool = False

    @property
    def effective_n(self) -> float:
        """Deals without censoring that would give a rate as sure as this one: rate (1 - rate) / variance.

        Where the rate is 0 or 1 the variance says nothing: then as many deals as its bound is that of.
        """
        if self.variance > 0 and 1e-9 < self.rate < 1 - 1e-9:
            return min(self.rate * (1 - self.rate) / self.variance, float(self.n))
        return float(self.certain_n)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """One group: its times and its headline; `known` is its curve where that has been worked out."""

    times: Times
    day: AtDay
    confidence_level: float
    known: Incidence | None = None

    @property
    def incidence(self) -> Incidence:
        """The curve."""
        return self.known or curve(self.times, self.confidence_level)


def watch(
    times: Times, days: float, confidence_level: float, *, amount: bool = False, drawn: bool = True
) -> Watched:
    """Return curve and headline at `days` of one group; the curve of one not `drawn` is made when asked for."""
    if not drawn and not times.n.any():
        return Watched(times=times, day=AtDay(), confidence_level=confidence_level)
    known = curve(times, confidence_level, None if drawn else days * SECONDS_PER_DAY)
    day = at_day(times, known, days, amount=amount)
    return Watched(times=times, day=day, confidence_level=confidence_level, known=known if drawn else None)


def watch_all(
    counts: TimeCounts, days: float, confidence_level: float, *, amount: bool = False, drawn: bool = True
) -> list[Watched]:
    """Return headline and, when asked for, curve of every group; very many small groups are read at once."""
    parts = split(counts)
    at_once: dict[int, AtDay] = {}
    if len(parts) >= MANY_N and counts.weight is None:
        at_once = _at_once(counts, days, confidence_level, amount=amount)
    return [
        Watched(times=one, day=at_once[g], confidence_level=confidence_level)
        if g in at_once
        else watch(one, days, confidence_level, amount=amount, drawn=drawn)
        for g, one in enumerate(parts)
    ]


def _at_once(counts: TimeCounts, days: float, confidence_level: float, *, amount: bool) -> dict[int, AtDay]:
    """Read the headline of every group whose times are all known from the start, as :func:`at_day` does of one."""
    horizon_s, size, group = days * SECONDS_PER_DAY, len(counts.groups), counts.group.astype(np.int64)
    odd = (counts.entry_s > 0) | (counts.outcome == LOST_UNDATED)
    alone = (np.bincount(group, weights=odd, minlength=size) > 0) | (
        np.bincount(group, minlength=size) > _MOST_ROWS_N
    )
    rows = ~alone[group] & (counts.n > 0)
    some = (group[rows], counts.time_s[rows], counts.outcome[rows])
    n, given = counts.n[rows], (size, horizon_s, confidence_level)
    factor = design = None
    several = np.zeros(size, dtype=bool)
    if counts.cluster is not None and rows.any():
        found = factors_of_many(*some, n, counts.cluster[rows].astype(np.int64), *given)
        factor, design, several = found.factor, found.design, found.several
    many = incidence_of_many(*some, n, *given, factor=factor, design=design)
    beyond = many.beyond(horizon_s)
    settled = many.end.open_rate <= 1e-12 if counts.losses_known else np.zeros(size, dtype=bool)
    carried = (
        beyond & (many.end.open_rate <= MOST_OPEN_CARRIED) if counts.losses_known else np.zeros(size, bool)
    )
    alone |= several & (carried | (np.isnan(many.at.ci_lower) & ~beyond))
    columns = _columns_at_once(counts, some, n, many, (beyond, carried, settled), horizon_s)
    columns["certain_n"] = _certain(
        columns["rate"], columns["ci_lower"], columns.pop("upper"), confidence_level
    )
    columns["amount_rate"] = _amounts_at_once(counts, rows, given) if amount else np.full(size, np.nan)
    values = {name: one.tolist() for name, one in columns.items()}
    dark = beyond & ~carried
    found_days = {}
    for g in np.flatnonzero(~alone).tolist():
        if not values["n"][g]:
            found_days[g] = AtDay()
        elif dark[g]:
            found_days[g] = AtDay(n=values["n"][g], at_risk_n=values["at_risk_n"][g])
        else:
            found_days[g] = AtDay(**{name: one[g] for name, one in values.items()})
    return found_days


def _columns_at_once(
    counts: TimeCounts,
    some: tuple[Any, Any, Any],
    n: NDArray[np.int64],
    many: Many,
    which: tuple[Any, Any, Any],
    horizon_s: float,
) -> dict[str, NDArray[Any]]:
    """Return the fields of :class:`AtDay` but those of money and certainty; "upper" is the bound as read."""
    (group, time_s, outcome), (_, carried, settled) = some, which
    size = many.n.size

    def read(name: str) -> Floats:
        return np.where(carried, getattr(many.end, name), getattr(many.at, name))

    def total(chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
        return np.bincount(group[chosen], weights=n[chosen], minlength=size).astype(np.int64)

    rate, upper, still = read("rate"), read("ci_upper"), read("open_rate")
    nothing = np.full(size, np.nan)
    lost, left = (rate[LOST_CAUSE], still) if counts.losses_known else (nothing, nothing)
    whole = many.n.astype(np.int64)
    return {
        "n": whole,
        "rate": rate[ADVANCED_CAUSE],
        "ci_lower": read("ci_lower"),
        "ci_upper": np.minimum(1.0, upper + np.where(carried, still, 0.0)),
        "upper": upper,
        "lost_rate": lost,
        "open_rate": left,
        "lost_least_rate": lost,
        "lost_most_rate": lost,
        "variance": read("variance")[ADVANCED_CAUSE],
        "at_risk_n": total(time_s >= horizon_s),
        "known_n": whole - total((outcome == CENSORED) & (time_s < horizon_s)),
        "settled": settled,
        "carried": carried,
    }


def _amounts_at_once(counts: TimeCounts, rows: NDArray[np.bool_], given: tuple[int, float, float]) -> Floats:
    """Return each group's incidence weighted by amount, as :func:`_amount_rate` does of one."""
    known = rows & (counts.amount > 0)
    some = (counts.group[known].astype(np.int64), counts.time_s[known], counts.outcome[known])
    many = incidence_of_many(*some, counts.amount[known], *given)
    return np.where(many.beyond(given[1]) | (many.n == 0), np.nan, many.at.rate[ADVANCED_CAUSE])


class CurveFields(TypedDict):
    """The arrays of an outcome curve."""

    days: Floats
    won_rate: Floats
    won_ci_lower: Floats
    won_ci_upper: Floats
    lost_rate: Floats
    lost_ci_lower: Floats
    lost_ci_upper: Floats
    open_rate: Floats
    at_risk_n: NDArray[np.int64]
    trusted_days: float


def curve_fields(watched: Watched) -> CurveFields:
    """Return the fields of an :class:`~funnelnb.analysis.conversion.conversion.OutcomeCurve` (all but its group)."""
    incidence = watched.incidence
    events = incidence.time[(incidence.event_n.sum(axis=0) > 0) & (incidence.time > 0)]
    small = early_risk_small(incidence, watched.times, np.inf)
    stops = np.array([0.0]) if small else np.unique(np.concatenate(([0.0], events, [incidence.last_time])))
    if stops.size > MOST_POINTS:
        stops = np.linspace(0.0, incidence.last_time, MOST_POINTS)
    read = incidence.at(stops)
    if small:
        blank = np.zeros((2, 1))
        read = replace(read, rate=blank, ci_lower=blank, ci_upper=blank, open_rate=np.ones(1))
    won, lost = ADVANCED_CAUSE, LOST_CAUSE
    return {
        "days": stops / SECONDS_PER_DAY,
        "won_rate": read.rate[won],
        "won_ci_lower": read.ci_lower[won],
        "won_ci_upper": read.ci_upper[won],
        "lost_rate": read.rate[lost],
        "lost_ci_lower": read.ci_lower[lost],
        "lost_ci_upper": read.ci_upper[lost],
        "open_rate": read.open_rate,
        "at_risk_n": np.rint(read.at_risk).astype(np.int64),
        "trusted_days": 0.0 if small else trusted_days(incidence),
    }


def trusted_days(incidence: Incidence) -> float:
    """Age beyond which fewer than ``TOO_FEW_N`` deals are still observed; 0 where never so many were."""
    enough = incidence.time[incidence.at_risk >= TOO_FEW_N]
    return float(enough.max()) / SECONDS_PER_DAY if enough.size else 0.0


def split(counts: TimeCounts) -> tuple[Times, ...]:
    """Return the times of each group, in the order of ``counts.groups``."""
    every = Times(
        time_s=counts.time_s,
        entry_s=counts.entry_s,
        outcome=counts.outcome,
        n=counts.n,
        amount=counts.amount,
        limit_s=counts.limit_s,
        weight=counts.weight,
        cluster=counts.cluster,
        losses_known=counts.losses_known,
    )
    if len(counts.groups) == 1:
        return (every,)
    order = np.argsort(counts.group, kind="stable")
    bounds = np.searchsorted(counts.group[order], np.arange(len(counts.groups) + 1)).tolist()
    in_order = every.some(order)
    return tuple(in_order.some(slice(start, end)) for start, end in itertools.pairwise(bounds))


def pooled(parts: Iterable[Times]) -> Times:
    """Return the times of several groups as one."""
    parts = list(parts)
    return Times(
        time_s=np.concatenate([part.time_s for part in parts]),
        entry_s=np.concatenate([part.entry_s for part in parts]),
        outcome=np.concatenate([part.outcome for part in parts]),
        n=np.concatenate([part.n for part in parts]),
        amount=np.concatenate([part.amount for part in parts]),
        limit_s=_together([part.limit_s for part in parts]),
        weight=_together([part.weight for part in parts]),
        cluster=_together([part.cluster for part in parts]),
        losses_known=parts[0].losses_known,
    )


def _together(columns: list[NDArray[_Kind] | None]) -> NDArray[_Kind] | None:
    """Return the columns as one where every part has one, else what the first part has."""
    there = [one for one in columns if one is not None]
    return np.concatenate(there) if len(there) == len(columns) else columns[0]


def curve(times: Times, confidence_level: float, only_s: float | None = None) -> Incidence:
    """Return the incidence of going on and of being lost, time in seconds; with `only_s` to be read there alone."""
    n = times.stands_for
    if not times.n.sum():
        return aalen_johansen(times.time_s, times.outcome, times.n, None, confidence_level)
    if times.limit_s is not None and times.undated_n:
        both = incidence_undated(times.time_s, times.outcome, times.limit_s, n, confidence_level)
        incidence = _themselves(
            replace(both.incidence, lost_bounds=(both.lost_least, both.lost_most)),
            times,
            (times.time_s, None),
        )
        time_s, outcome = won_at_risk(times.time_s, times.outcome, times.limit_s)
        return _widened(incidence, times, (time_s, outcome, None), only_s)
    late = times.entry_s if times.late_n else None
    found = aalen_johansen(times.time_s, times.outcome, n, late, confidence_level, weighted=True)
    found = _themselves(found, times, (times.time_s, late))
    return _widened(found, times, (times.time_s, times.outcome, late), only_s)


def _themselves(curve: Incidence, times: Times, rows: tuple[Any, Any]) -> Incidence:
    """Return the curve with the deals that are there counted themselves, not those that they stand for."""
    if times.weight is None:
        return curve
    time, late = rows
    seen = times.weight > 0
    there = _from(time[seen], times.n[seen], curve.time)
    if late is not None:
        there = there - _from(np.maximum(late[seen], 0), times.n[seen], curve.time)
    return replace(curve, there_n=there)


def _from(time: NDArray[np.int64], n: NDArray[np.int64], at: Floats) -> Floats:
    """Return how many of the times lie at, or after, each of some others."""
    order = np.argsort(time)
    rest = np.append(np.cumsum(n[order][::-1])[::-1], 0).astype(float)
    return rest[np.searchsorted(time[order], at, side="left")]


def _widened(curve: Incidence, times: Times, rows: Rows, only_s: float | None = None) -> Incidence:
    """Return the curve with the variance that weights and accounts with several deals demand."""
    factor = np.ones_like(curve.rate)
    if only_s is not None and 0 <= only_s <= curve.last_time:
        row = int(np.searchsorted(curve.time, only_s, side="right")) - 1
        if curve.rate[:, row].max() < 1 - 1e-6:  # else its bounds rest on those of earlier times
            there = factor_of(times, rows, curve.time[row : row + 1], curve.confidence_level, only_s=only_s)
            if there is None:
                return curve
            factor[: len(there[0]), row] = there[0][:, 0]
            return curve.widened(factor, there[1])
    wider = factor_of(times, rows, curve.time, curve.confidence_level)
    if wider is None:
        return curve
    factor[: len(wider[0])] = wider[0]
    return curve.widened(factor, wider[1])


def factor_of(
    times: Times,
    rows: Rows,
    at: Floats,
    confidence_level: float,
    causes: int | None = None,
    only_s: float | None = None,
) -> tuple[Floats, float] | None:
    """By how much do weights and accounts with several deals widen the variance of a curve?

    Parameters
    ----------
    times : Times
    rows : tuple
        Times, outcomes and late entries that the curve was made of.
    at : ndarray of float64, shape (T,)
        Times of the curve.
    confidence_level : float
    causes : int, optional
        None: as many as there are among the outcomes.
    only_s : float, optional
        The one time at which the curve will be read.

    Returns
    -------
    (ndarray of shape (C, T), float) or None
        Factors, the t of few accounts included, and the number of deals that count as one where the variance says
        nothing. None: independent deals, each standing for itself.
    """
    n, (time, outcome, late) = times.stands_for, rows
    several = causes or 1 + bool((outcome > 1).any())
    held = np.bincount(times.cluster) if times.cluster is not None else np.zeros(0, np.int64)
    if times.cluster is None or np.count_nonzero(held) == times.n.sum():
        return None if times.weight is None else _weighed(times, rows, at, several)
    known = incidence_design(time, outcome, n, times.cluster, late, causes=several, only=only_s)
    found = factor_at(at, known)
    z = normal_quantile(confidence_level)
    wider = np.maximum(found.factor, 1.0) * (student_quantile(confidence_level, found.df) / z) ** 2
    sizes = np.bincount(times.cluster, weights=n)[held > 0]
    return wider, float(n.sum() / effective_clusters(sizes))


def _weighed(times: Times, rows: tuple[Any, Any, Any], at: Floats, causes: int) -> tuple[Floats, float]:
    """Return the factor where deals stand for others: each deal, or a few of them, left out in turn.

    The losses of a group may stand for three each while the wins stand for themselves: one factor for all of a curve
    (Kish's) held 81 % of 90 % intervals.
    """
    time, outcome = (np.repeat(one, times.n) for one in rows[:2])
    late = None if rows[2] is None else np.repeat(rows[2], times.n)
    weight = np.repeat(times.weight, times.n) if times.weight is not None else np.ones(int(times.n.sum()))
    parts = np.arange(weight.size) % MOST_CLUSTERS
    found = factor_at(at, incidence_design(time, outcome, weight, parts, late, causes=causes))
    return np.maximum(found.factor, 1.0), independent_factor(weight)


def at_day(times: Times, incidence: Incidence, days: float, *, amount: bool = False) -> AtDay:
    """Read the headline of one group at one age.

    Parameters
    ----------
    times : Times
    incidence : Incidence
        Of `times`.
    days : float
    amount : bool
        Also work out the amount-weighted rate.

    Returns
    -------
    AtDay

    Notes
    -----
    Beyond the longest time observed the last rate stands while at most 5 % are still open there, with an
    upper bound that lets all of them succeed (worst-case bounds, Manski 1990); otherwise it is withheld.
    It is also withheld where late history leaves fewer than ``TOO_FEW_N`` deals under observation at an event
    while the risk set is still filling: one early loss among three deals would stand for all.
    """
    n = int(times.n.sum())
    if not n:
        return AtDay()
    horizon_s = days * SECONDS_PER_DAY
    read = incidence.at(horizon_s)
    at_risk_n, settled = int(read.at_risk[0]), _closed(times, incidence, 1e-12)
    if early_risk_small(incidence, times, horizon_s):
        return AtDay(n=n, at_risk_n=at_risk_n, early_risk_small=True)
    carried = bool(np.isnan(read.rate[ADVANCED_CAUSE, 0]) and _closed(times, incidence, MOST_OPEN_CARRIED))
    if carried:
        read = incidence.at(incidence.last_time)
    if np.isnan(read.rate[ADVANCED_CAUSE, 0]):
        return AtDay(n=n, at_risk_n=at_risk_n)
    undecided = float(read.open_rate[0]) if carried else 0.0
    return AtDay(
        n=n,
        rate=float(read.rate[ADVANCED_CAUSE, 0]),
        ci_lower=float(read.ci_lower[ADVANCED_CAUSE, 0]),
        ci_upper=min(1.0, float(read.ci_upper[ADVANCED_CAUSE, 0]) + undecided),
        **_lost_at(times, incidence, read),
        undated_n=times.undated_n,
        certain_n=float(_certain(*_first(read), incidence.confidence_level)),
        variance=float(read.variance[ADVANCED_CAUSE, 0]),
        at_risk_n=at_risk_n,
        known_n=n - int(times.n[(times.outcome == CENSORED) & (times.time_s < horizon_s)].sum()),
        settled=settled,
        carried=carried,
        amount_rate=_amount_rate(times, horizon_s) if amount else np.nan,
    )


def _closed(times: Times, incidence: Incidence, most: float) -> bool:
    """Whether no more than a share of `most` is still open at the end, as far as that is known."""
    return bool(times.losses_known and not times.undated_n and incidence.open_rate[-1] <= most)


class _Lost(TypedDict):
    """What is known of losing at a day."""

    lost_rate: float
    open_rate: float
    lost_least_rate: float
    lost_most_rate: float


def _lost_at(times: Times, incidence: Incidence, read: IncidenceAt) -> _Lost:
    """Return what is known of losing at the day read."""
    if not times.losses_known:
        nan = float("nan")
        return {"lost_rate": nan, "open_rate": nan, "lost_least_rate": nan, "lost_most_rate": nan}
    lost, still = float(read.rate[LOST_CAUSE, 0]), float(read.open_rate[0])
    least = most = lost
    if incidence.lost_bounds is not None:
        row = np.searchsorted(incidence.time, read.time[0], side="right") - 1
        least, most = (float(one[row]) for one in incidence.lost_bounds)
        lost = min(max(lost, least), most)
        still = max(0.0, 1.0 - lost - float(read.rate[ADVANCED_CAUSE, 0]))
    return {"lost_rate": lost, "open_rate": still, "lost_least_rate": least, "lost_most_rate": most}


def _first(read: IncidenceAt) -> tuple[float, float, float]:
    return tuple(float(one[ADVANCED_CAUSE, 0]) for one in (read.rate, read.ci_lower, read.ci_upper))  # type: ignore[return-value]


def _certain(rate: Any, lower: Any, upper: Any, confidence_level: float) -> Any:
    """Return the number of deals whose Wilson bound a rate of 0 or 1 has."""
    reach = np.where(np.asarray(rate) < 0.5, upper, 1 - np.asarray(lower))
    z2, within = normal_quantile(confidence_level) ** 2, (reach > 0) & (reach <= 1)
    return np.where(within, z2 * (1 / np.where(within, reach, 1.0) - 1), 0.0)


def early_risk_small(incidence: Incidence, times: Times, until_s: float) -> bool:
    """Whether an event up to `until_s` met too few deals while late entries still filled the risk set."""
    if not times.late_n:
        return False
    filling = slice(0, int(np.argmax(incidence.at_risk)))
    early = (incidence.event_n[:, filling].sum(axis=0) > 0) & (incidence.time[filling] <= until_s)
    return not incidence.complete or bool((incidence.at_risk[filling][early] < TOO_FEW_N).any())


def _amount_rate(times: Times, horizon_s: float) -> float:
    """Return the incidence weighted by amount, NaN without amounts or beyond what they can see."""
    known = times.amount > 0
    if not known.any():
        return np.nan
    late = times.entry_s[known] if times.late_n and not times.undated_n else None
    time_s: Seconds = times.time_s[known]
    outcome: Outcomes = times.outcome[known]
    amount = times.amount[known]
    if times.weight is not None:
        amount = amount * times.weight[known]
    if times.undated_n and times.limit_s is not None:
        time_s, outcome = won_at_risk(time_s, outcome, times.limit_s[known])
    weighted = aalen_johansen(time_s, outcome, amount, late)
    return weighted.rate_at(horizon_s, ADVANCED_CAUSE)
