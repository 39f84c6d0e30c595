"""By one day t, how many had which outcome, in each of very many small groups?

One curve after the other costs a fixed time for each, whatever its size: with twenty thousand owners that is minutes.
Here all groups go forward together, one time of each group after the other, and only what is read is kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from funnelnb.stats.rates.clustered import student_quantile
from funnelnb.stats.rates.proportion import normal_quantile

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_SURELY, _NEAR, _CERTAIN = 1 - 1e-12, 1e-12, 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reading:
    """What each group's curve says at one time. G groups, two causes.

    Attributes
    ----------
    rate, variance : ndarray of float64, shape (2, G)
    ci_lower, ci_upper : ndarray of float64, shape (G,)
        Of the first cause.
    open_rate : ndarray of float64, shape (G,)
    """

    rate: Floats
    variance: Floats
    ci_lower: Floats
    ci_upper: Floats
    open_rate: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Many:
    """All groups at one time and at the end of what was observed.

    Attributes
    ----------
    at, end : Reading
        At the time asked for, whether or not it lies beyond what a group's data can see, and at its last time.
    last_time, n : ndarray of float64, shape (G,)
        Longest time observed, and deals; NaN and 0 for a group without any.
    """

    at: Reading
    end: Reading
    last_time: Floats
    n: Floats

    def beyond(self, time: float) -> NDArray[np.bool_]:
        """Whether `time` lies beyond what each group's data can see: some are open, and nobody was watched so long."""
        return ~((time <= self.last_time) | ((self.end.open_rate <= _NEAR) & (self.n > 0)))


def incidence_of_many(
    group: Ints,
    time: NDArray[Any],
    outcome: NDArray[Any],
    n: Ints | Floats,
    groups_n: int,
    at: float,
    confidence_level: float,
    *,
    factor: Floats | None = None,
    design: Floats | None = None,
) -> Many:
    """Read the Aalen-Johansen curve of every group at one time.

    Parameters
    ----------
    group : ndarray of int64, shape (R,)
        Number of the group, from 0.
    time, outcome, n : ndarray, shape (R,)
        As :func:`~funnelnb.stats.curves.incidence.aalen_johansen` takes them, with two causes and nobody entering late.
    groups_n : int
        G.
    at : float
        Time to read at, in the unit of `time`.
    confidence_level : float
    factor, design : ndarray of shape (G,), optional
        By how much the variance of the first cause is to be widened at the time that is read, and so many deals
        telling as much as one (several deals to an account).

    Returns
    -------
    Many

    Notes
    -----
    The estimator, its variance and its band are those of :func:`~funnelnb.stats.curves.incidence.aalen_johansen`.
    A widened band of a group in which everybody had the first outcome needs every time's own factor and is not worked
    out here (NaN).

    Checked against one curve after the other: ``tests/stats/test_many.py``.

    Examples
    --------
    >>> group, time, outcome, n = np.array([[0, 0, 1], [5, 9, 4], [1, 0, 2], [1, 1, 1]])
    >>> found = incidence_of_many(group, time, outcome, n, groups_n=2, at=6.0, confidence_level=0.9)
    >>> found.at.rate.tolist(), found.at.open_rate.tolist()
    ([[0.5, 0.0], [0.0, 1.0]], [0.5, 0.0])
    """
    cells = _cells(group, time, outcome, n, groups_n)
    widest = np.ones(groups_n) if design is None else np.maximum(design, 1.0)
    walk = _Walk.start(cells, normal_quantile(confidence_level), widest)
    walk.go(cells, cells.time <= at)
    reading = walk.read(factor)
    walk.go(cells, cells.time > at)
    return Many(at=reading, end=walk.read(factor), last_time=cells.last_time, n=walk.total)


@dataclass(frozen=True, slots=True, eq=False)
class _Cells:
    """One row per group and distinct time, 0 included, in order."""

    group: Ints
    time: Floats
    events: Floats
    """Shape (2, rows)."""
    ended: Floats
    last_time: Floats
    groups_n: int


def _cells(group: Ints, time: Ints, outcome: NDArray[Any], n: Ints | Floats, groups_n: int) -> _Cells:
    some = n > 0
    group, time, outcome, n = group[some], time[some], outcome[some], n[some]
    groups = np.concatenate((np.arange(groups_n), group))
    times = np.concatenate((np.zeros(groups_n, time.dtype), time))
    order = np.lexsort((times, groups))
    groups, times = groups[order], times[order]
    new = np.concatenate(([True], (groups[1:] != groups[:-1]) | (times[1:] != times[:-1])))[: groups.size]
    place = np.cumsum(new) - 1
    kind = np.concatenate((np.zeros(groups_n, np.int8), outcome))[order]
    weight = np.concatenate((np.zeros(groups_n), n.astype(float)))[order]
    size = int(place[-1]) + 1 if place.size else 0
    counted: Any = np.bincount(kind.astype(np.int64) * size + place, weights=weight, minlength=3 * size)
    by_kind = counted.reshape(3, size)
    last = np.full(groups_n, np.nan)
    np.fmax.at(last, group, time.astype(float))
    return _Cells(groups[new], times[new].astype(float), by_kind[1:], by_kind.sum(axis=0), last, groups_n)


@dataclass(slots=True, eq=False)
class _Walk:
    """Where every group stands; moved on one time of each group after the other."""

    total: Floats
    z: float
    design: Floats
    past: Floats
    open: Floats
    rate: Floats
    constant: Floats
    linear: Floats
    square: Floats
    variance: Floats
    none: Floats = field(init=False)
    """Highest bound of a rate of 0 so far."""
    lower: Floats = field(init=False)
    """Highest lower bound so far, while some but not all had the first outcome."""
    last_risk: Floats = field(init=False)
    """At risk when the last had it."""
    even: NDArray[np.bool_] = field(init=False)
    """Nobody's watching ended early so far."""

    @classmethod
    def start(cls, cells: _Cells, z: float, design: Floats) -> _Walk:
        g = cells.groups_n
        total = _by(cells.group, cells.ended, g)
        two = [np.zeros((2, g)) for _ in range(4)]
        made = cls(total, z, design, np.zeros(g), np.ones(g), two[0], two[1], two[2], np.zeros(g), two[3])
        made.none, made.lower, made.last_risk = np.zeros(g), np.zeros(g), np.zeros(g)
        made.even = np.ones(g, dtype=bool)
        return made

    def go(self, cells: _Cells, chosen: NDArray[np.bool_]) -> None:
        """Take the chosen rows, in each group in order."""
        rows = np.flatnonzero(chosen)
        if not rows.size:
            return
        start = np.flatnonzero(np.concatenate(([True], np.diff(cells.group[rows]) != 0)))
        length = np.diff(np.append(start, rows.size))
        order = np.argsort(-length, kind="stable")
        start, length = start[order], length[order]
        for k in range(int(length[0])):
            here = rows[start[: np.searchsorted(-length, -k, side="left")] + k]
            self._step(cells.group[here], cells.events[:, here], cells.ended[here])

    def _step(self, g: Ints, events: Floats, ended: Floats) -> None:
        d, before, seen = events.sum(axis=0), self.open[g], self.rate[0, g]
        at_risk = self.total[g] - self.past[g]
        at_risk = np.where(at_risk > _NEAR * self.total[g], np.maximum(at_risk, d), d)
        self.past[g] += ended
        safe = np.where(at_risk > 0, at_risk, 1.0)
        left = np.maximum(safe - d, 0.0)
        self.open[g] = before * (left / safe)
        steps = events * (before / safe)
        rate = np.minimum(self.rate[:, g] + steps, 1.0)
        odds = d / (np.where(left > 0, left, np.inf) * safe)
        part, weighed, twice = steps / safe, odds * rate, rate + rate
        self.constant[:, g] += part * (before - steps + twice) + weighed * rate
        self.linear[:, g] += part + weighed
        self.square[g] += odds
        variance = self.constant[:, g] + rate * (rate * self.square[g]) - twice * self.linear[:, g]
        self.rate[:, g], self.variance[:, g] = rate, np.maximum(variance, 0.0)
        self._band(g, at_risk / self.design[g], before, seen)

    def _band(self, g: Ints, at_risk: Floats, before: Floats, seen: Floats) -> None:
        """Keep what the bounds need of the times gone by; nothing more once everybody had the first outcome."""
        rate, z2 = self.rate[0, g], self.z * self.z
        yet = seen <= 1 - _NEAR
        self.none[g] = np.where(
            yet, np.maximum(self.none[g], before * z2 / (np.maximum(at_risk, 0) + z2)), self.none[g]
        )
        whole = self.total[g] / self.design[g]
        self.even[g] &= ~yet | np.isclose(at_risk, whole * before, rtol=1e-9)
        self.last_risk[g] = np.where(yet, at_risk, self.last_risk[g])
        lower, _ = _log_log(rate, self.variance[0, g], self.z)
        some = (rate > _NEAR) & (rate <= 1 - _NEAR)
        self.lower[g] = np.where(some, np.maximum(self.lower[g], lower), self.lower[g])

    def read(self, factor: Floats | None) -> Reading:
        """Return rates, variances and bounds as they stand."""
        rate, z2 = self.rate[0], self.z * self.z
        wider = np.ones_like(self.total) if factor is None else factor
        variance = np.stack([self.variance[0] * wider, self.variance[1]])
        lower, upper = _log_log(rate, variance[0], self.z)
        everybody = rate > 1 - _NEAR
        last = 1.0 - (1.0 - self.lower) * z2 / (np.maximum(self.last_risk, 0.0) + z2)
        last = np.where(self.even, 1.0 - self.none, last)
        if factor is not None:
            last = np.where(factor == 1.0, last, np.nan)
        empty = self.total == 0
        lower = np.select([empty, everybody, rate > _NEAR], [np.nan, last, lower], 0.0)
        upper = np.select([empty, everybody, rate > _NEAR], [np.nan, 1.0, upper], self.none)
        rates = np.where(self.rate > _SURELY, 1.0, self.rate)
        return Reading(
            rate=np.where(empty, np.nan, rates),
            variance=np.where(empty, np.nan, variance),
            ci_lower=lower,
            ci_upper=upper,
            open_rate=np.where(empty, np.nan, self.open),
        )


def _log_log(rate: Floats, variance: Floats, z: float) -> tuple[Floats, Floats]:
    """Return the complementary log-log bounds where the rate is neither 0 nor 1."""
    inner = np.where((rate > _NEAR) & (rate <= 1 - _NEAR), rate, 0.5)
    log_open = np.log1p(-inner)
    factor = np.exp(np.sqrt(variance) * -z / ((1 - inner) * log_open))
    return np.minimum(-np.expm1(log_open / factor), inner), np.maximum(-np.expm1(log_open * factor), inner)


def factors_of_many(
    group: Ints,
    time: NDArray[Any],
    outcome: NDArray[Any],
    n: Ints,
    cluster: Ints,
    groups_n: int,
    at: float,
    confidence_level: float,
) -> Widening:
    """By how much do accounts with several deals widen the variance of each group's first rate at one time?

    Parameters
    ----------
    group, time, outcome, n, groups_n, at, confidence_level
        As :func:`incidence_of_many` takes them.
    cluster : ndarray of int64, shape (R,)
        Account of each row.

    Returns
    -------
    Widening

    Notes
    -----
    The jackknife over accounts of :func:`~funnelnb.stats.curves.clustered.incidence_design`, whose first cause it is:
    without each account in turn the rate is worked out again, all groups together.

    Checked against that function group by group: ``tests/stats/test_many.py``.
    """
    pairs, pair = np.unique(group * (int(cluster.max(initial=0)) + 1) + cluster, return_inverse=True)
    owner = np.zeros(pairs.size, np.int64)
    owner[pair] = group
    sizes = np.bincount(pair, weights=n, minlength=pairs.size)
    clusters_n = np.bincount(owner, minlength=groups_n)
    total, squares = (np.bincount(owner, weights=one, minlength=groups_n) for one in (sizes, sizes**2))
    alike = np.divide(total**2, squares, out=np.zeros(groups_n), where=squares > 0)
    several = (clusters_n < total) & (clusters_n > 1)
    rate, plain, without = _without_each(group, time, outcome, n.astype(float), pair, owner, groups_n, at)
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = np.log(-np.log1p(-np.minimum(without, 1 - 1e-15)))
        usable = np.bincount(owner, weights=~np.isfinite(scaled), minlength=groups_n) == 0
        slope = (1 - rate) * np.log1p(-rate)
        spread = np.where(
            usable,
            _spread(np.where(np.isfinite(scaled), scaled, 0.0), owner, clusters_n) * slope**2,
            _spread(without, owner, clusters_n),
        )
        found = (clusters_n - 1) * spread / plain
    within = (rate > _CERTAIN) & (rate < 1 - _CERTAIN) & (plain > 0)
    design = np.divide(total, alike, out=np.ones(groups_n), where=alike > 0)
    z = normal_quantile(confidence_level)
    spare = student_quantile(confidence_level, np.maximum(alike - 1, 1.0)) / z
    factor = np.maximum(np.where(within, found, design), 1.0) * np.where(within, spare, 1.0) ** 2
    return Widening(
        several=several | ((clusters_n == 1) & (total > 1)),
        factor=np.where(several, factor, np.maximum(design, 1.0)),
        design=design,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Widening:
    """What several deals to an account cost in certainty. G groups.

    Attributes
    ----------
    several : ndarray of bool, shape (G,)
        Whether any account of the group has several of its deals.
    factor : ndarray of float64, shape (G,)
        Of the variance of the first rate, the t of few accounts included.
    design : ndarray of float64, shape (G,)
        So many deals tell as much as one.
    """

    several: NDArray[np.bool_]
    factor: Floats
    design: Floats


def _spread(values: Floats, owner: Ints, n: Ints) -> Floats:
    """Return the variance of each group's values."""
    safe = np.maximum(n, 1)
    mean = np.bincount(owner, weights=values, minlength=n.size) / safe
    found: Floats = np.bincount(owner, weights=(values - mean[owner]) ** 2, minlength=n.size) / safe
    return found


def _without_each(
    group: Ints,
    time: NDArray[Any],
    outcome: NDArray[Any],
    n: Floats,
    pair: Ints,
    owner: Ints,
    groups_n: int,
    at: float,
) -> tuple[Floats, Floats, Floats]:
    """Return rate and plain variance of each group, and each group's rate without each of its accounts."""
    cells = np.unique(np.stack([group, time])[:, (outcome > 0) & (time <= at)], axis=1)
    first = np.searchsorted(cells[0], np.arange(groups_n))
    length = np.bincount(cells[0], minlength=groups_n)
    last = int(time.max(initial=0)) + 2
    place = np.searchsorted(cells[0] * last + cells[1], group * last + time, side="right") - first[group] - 1
    event = (outcome > 0) & (time <= at)
    order = np.argsort(place, kind="stable")
    bounds = np.searchsorted(place[order], np.arange(int(length.max(initial=0)) + 1))
    risk: Any = np.bincount(pair, weights=n * (place >= 0), minlength=owner.size)
    still, rate = np.ones(owner.size), np.zeros(owner.size)
    walk = np.ones(groups_n), np.zeros(groups_n)
    sums = np.zeros((3, groups_n))
    for k in range(bounds.size - 1):
        rows = order[bounds[k] : bounds[k + 1]]
        mine, weight = pair[rows], n[rows]
        hits = weight * event[rows]
        d: Any = np.bincount(mine, weights=hits, minlength=owner.size)
        d0: Any = np.bincount(mine, weights=hits * (outcome[rows] == 1), minlength=owner.size)
        all_d, all_d0, all_risk = (_by(owner, one, groups_n) for one in (d, d0, risk))
        still, rate, _ = _forward(still, rate, all_d[owner] - d, all_d0[owner] - d0, all_risk[owner] - risk)
        walk = _plainly(walk[0], walk[1], all_d, all_d0, all_risk, sums)
        risk -= np.bincount(mine, weights=weight, minlength=owner.size)
    constant, linear, square = sums
    plain = np.maximum(constant + walk[1] * (walk[1] * square) - 2 * walk[1] * linear, 0.0)
    return np.clip(walk[1], 0.0, 1.0), plain, np.clip(rate, 0.0, 1.0)


def _by(owner: Ints, values: Floats, groups_n: int) -> Floats:
    return np.bincount(owner, weights=values, minlength=groups_n).astype(np.float64, copy=False)


def _forward(
    still: Floats, rate: Floats, d: Floats, d0: Floats, risk: Floats
) -> tuple[Floats, Floats, Floats]:
    """Return the share still open, the rate and its step, one time later."""
    safe = np.where(risk > 1e-9, risk, 1.0)
    step = still * d0 / safe
    return still * (1 - np.clip(d / safe, 0.0, 1.0)), rate + step, step


def _plainly(
    still: Floats, rate: Floats, d: Floats, d0: Floats, risk: Floats, sums: Floats
) -> tuple[Floats, Floats]:
    """Go one time further in every group; `sums` are those of the variance of independent deals."""
    safe = np.where(risk > 1e-9, risk, 1.0)
    left = np.maximum(safe - d, 0.0)
    odds = np.divide(d, safe * left, out=np.zeros_like(d), where=left > 1e-9)
    after, further, step = _forward(still, rate, d, d0, risk)
    sums[0] += step / safe * (still - step + 2 * further) + odds * further**2
    sums[1] += step / safe + odds * further
    sums[2] += odds
    return after, further
