"""By day t, how many went on, how many were lost, how many are open? From counted times to headline rates.

Each group gets one Aalen-Johansen curve (``stats.incidence``); this module adds what only the analysis can
know: whether the curve may be read at the horizon at all.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from funnelnb.analysis.shared.counts import SECONDS_PER_DAY
from funnelnb.core.check import TOO_FEW_N
from funnelnb.data.count.counts import CENSORED, TimeCounts
from funnelnb.stats.curves.incidence import Incidence, aalen_johansen

if TYPE_CHECKING:
    from collections.abc import Iterable


Floats = NDArray[np.float64]

ADVANCED_CAUSE, LOST_CAUSE = 0, 1
"""Rows of an incidence: outcome - 1."""

MOST_OPEN_CARRIED = 0.05
"""A curve is read beyond the longest time observed while no more than this share is still open there."""

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
        As in :class:`~funnelnb.data.count.counts.TimeCounts`.
    """

    time_s: NDArray[np.int64]
    entry_s: NDArray[np.int64]
    outcome: NDArray[np.int8]
    n: NDArray[np.int64]
    amount: Floats

    @property
    def late_n(self) -> int:
        """Deals that came under observation after they began (late history)."""
        return int(self.n[self.entry_s > 0].sum())


@dataclass(frozen=True, slots=True, kw_only=True)
class AtDay:
    """Headline (c) of one group at one age. Rates are NaN where the data cannot say.

    Attributes
    ----------
    n : int
        Deals whose times are known.
    rate, ci_lower, ci_upper, lost_rate, open_rate : float
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

        Where the rate is 0 or 1 the variance says nothing: then those whose state at that age is known carry
        it.
        """
        if self.variance > 0 and 1e-9 < self.rate < 1 - 1e-9:
            return min(self.rate * (1 - self.rate) / self.variance, float(self.n))
        return float(self.known_n)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """One group: its times, its curve and its headline."""

    times: Times
    incidence: Incidence
    day: AtDay


def watch(times: Times, days: float, confidence_level: float, *, amount: bool = False) -> Watched:
    """Return curve and headline at `days` of one group."""
    incidence = curve(times, confidence_level)
    return Watched(times=times, incidence=incidence, day=at_day(times, incidence, days, amount=amount))


def outline(watched: Watched) -> dict[str, Any]:
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
    columns = [getattr(counts, field.name) for field in fields(Times)]
    if len(counts.groups) == 1:
        return (Times(**dict(zip(_names(), columns, strict=True))),)
    order = np.argsort(counts.group, kind="stable")
    bounds = np.searchsorted(counts.group[order], np.arange(len(counts.groups) + 1))
    return tuple(
        Times(**{name: column[order[start:end]] for name, column in zip(_names(), columns, strict=True)})
        for start, end in itertools.pairwise(bounds)
    )


def pooled(parts: Iterable[Times]) -> Times:
    """Return the times of several groups as one."""
    parts = list(parts)
    return Times(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in _names()})


def curve(times: Times, confidence_level: float) -> Incidence:
    """Return the incidence of going on and of being lost, time in seconds."""
    late = times.entry_s if times.late_n else None
    return aalen_johansen(times.time_s, times.outcome, times.n, late, confidence_level)


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
    at_risk_n, settled = int(read.at_risk[0]), bool(incidence.open_rate[-1] <= 1e-12)
    if early_risk_small(incidence, times, horizon_s):
        return AtDay(n=n, at_risk_n=at_risk_n, early_risk_small=True)
    carried = bool(np.isnan(read.rate[ADVANCED_CAUSE, 0]) and incidence.open_rate[-1] <= MOST_OPEN_CARRIED)
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
        lost_rate=float(read.rate[LOST_CAUSE, 0]),
        open_rate=float(read.open_rate[0]),
        variance=float(read.variance[ADVANCED_CAUSE, 0]),
        at_risk_n=at_risk_n,
        known_n=n - int(times.n[(times.outcome == CENSORED) & (times.time_s < horizon_s)].sum()),
        settled=settled,
        carried=carried,
        amount_rate=_amount_rate(times, horizon_s) if amount else np.nan,
    )


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
    late = times.entry_s[known] if times.late_n else None
    weighted = aalen_johansen(times.time_s[known], times.outcome[known], times.amount[known], late)
    return float(weighted.at(horizon_s).rate[ADVANCED_CAUSE, 0])


def _names() -> tuple[str, ...]:
    return tuple(field.name for field in fields(Times))
