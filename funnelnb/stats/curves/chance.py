"""How sure is the chance to be won, or lost, within h steps, given the stage and the age in it?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from funnelnb.core import check
from funnelnb.core.errors import ParameterError
from funnelnb.stats.curves.remaining import ages_of, known_steps
from funnelnb.stats.curves.risk_table import left_of
from funnelnb.stats.rates.proportion import normal_quantile, score_bounds

if TYPE_CHECKING:
    from funnelnb.stats.curves.incidence import Incidence


# ---- What the events at each time do to a sum over a curve: the pieces of its variance, read at any edges --

Floats = NDArray[np.float64]


class Read:
    """A curve read at the edges of intervals, with what the variance of any sum over them needs.

    For an event time s in an interval that ends at e, with odds = d / (Y - d), dF_c = S(s-) d_c / Y and
    m = E - F_1(s) w_1 - F_2(s) w_2, the summand of the variance is

        {S(s-) sum_c dF_c w_c^2 - (sum_c dF_c w_c)^2 - 2 m sum_c dF_c w_c + odds m^2} / Y.

    Its six coefficients in the products of (w_1, w_2, E) are cumulated over the event times once.

    Attributes
    ----------
    rate : ndarray, shape (2, ..., E + 1)
        Incidences at the edges.
    moments : ndarray, shape (6, ..., E)
        Of w_1^2, w_2^2, w_1 w_2, E w_1, E w_2 and E^2 in each interval.
    still : ndarray, shape (...)
        Share still open at the first edge.
    last_time, open_end : float
        Where the curve ends, and the share still open there.
    """

    def __init__(self, curve: Incidence, edges: NDArray[Any]) -> None:
        self._curve = curve
        self.last_time = curve.last_time if curve.n else 0.0
        self.open_end = float(curve.open_rate[-1]) if curve.n else 1.0
        row = np.searchsorted(curve.time, np.minimum(edges, self.last_time), side="right")
        start = np.zeros((2, 1))
        rate, still = np.nan_to_num(curve.rate), np.nan_to_num(curve.open_rate, nan=1.0)
        self.rate: Floats = np.concatenate([start, rate], axis=1)[:, row]
        self.still: Floats = np.append(1.0, still)[row[..., 0]]
        self.moments: Floats = np.diff(_moments(curve, rate, still)[:, row], axis=-1)
        if curve.widening is not None:  # as wide as clusters make the curve itself by the last edge
            wider = np.append(1.0, curve.widening.max(axis=0))[row[..., -1]]
            self.moments = self.moments * wider[..., None]

    def known_n(self, start: Any, end: Any) -> Floats:
        """Return how many had an event after `start` and before `end`, or were watched up to `end`."""
        curve = self._curve
        events = np.append(0.0, np.cumsum(curve.event_n.sum(axis=0)))
        row = np.searchsorted(curve.time, end, side="left")
        had: Floats = events[row] - events[np.searchsorted(curve.time, start, side="right")]
        there = curve.at_risk if curve.there_n is None else curve.there_n
        known: Floats = np.maximum(had + np.append(there, 0.0)[row], 0.0)
        # of clusters no more than so many deals tell: as many as there are clusters of equal weight
        return np.minimum(known, curve.n / curve.design) if curve.design > 1 else known


def _moments(curve: Incidence, rate: Floats, still: Floats) -> Floats:
    """Return the six coefficients, cumulated over the times of the curve from nothing on, shape (6, T + 1)."""
    at_risk, d = curve.at_risk, curve.event_n.sum(axis=0)
    before = np.append(1.0, still[:-1])
    if (
        curve.at_risk_rate is not None
    ):  # deals lost at an unknown time are among those at risk: not those still open
        at_risk = at_risk * before / np.where(curve.at_risk_rate > 0, curve.at_risk_rate, 1.0)
    inverse = 1 / np.where(at_risk > 0, at_risk, 1.0)
    left = left_of(at_risk, d, curve.n)
    odds = np.divide(d, left, out=np.zeros_like(left), where=left > 0)
    moves = before * curve.event_n * inverse
    pull = moves + odds * rate
    own = moves * (before - moves) + rate * (moves + pull)
    cross = 2 * (rate[0] * pull[1] + rate[1] * moves[0] - moves[0] * moves[1])
    summands = np.stack([own[0], own[1], cross, -2 * pull[0], -2 * pull[1], odds]) * inverse
    return np.concatenate([np.zeros((6, 1)), np.cumsum(summands, axis=1)], axis=1)


def quadratic(moments: Floats, parts: NDArray[Any]) -> Floats:
    """Return the quadratic form of (w_1, w_2, E), summed over the intervals."""
    one, two, e = parts
    summands = (moments[0] * one + moments[2] * two + moments[3] * e) * one
    summands += (moments[1] * two + moments[4] * e) * two + moments[5] * e * e
    return np.maximum(summands.sum(axis=-1), 0.0)


# ---- How sure is the chance to be won, or lost, within h steps, given the stage and the age in it? ---------

_NEAR = 1e-9  # a rate this close to 0 or 1 differs from it by rounding only
_WIDEST = 8.0  # standard normal beyond which no p-value is told: 1e-15


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Chance:
    """Chances with what they rest on. K of them; NaN where the data cannot see so far.

    Attributes
    ----------
    rate, variance : ndarray of float64, shape (K,)
    known_n : ndarray of float64, shape (K,)
        Deals whose state at the end of the time ahead is known: those of that age in the stage, or those that
        ever reached the next one, whichever are fewer.
    slack : ndarray of float64, shape (K,)
        By how much the rate may be too low because a curve that has ended is read beyond its end.
    least, most : ndarray of float64, shape (K,), or None
        Factors between which the rate lies whenever losses without a date fell; None: all losses are dated.
    """

    rate: Floats
    variance: Floats
    known_n: Floats
    slack: Floats
    least: Floats | None = None
    most: Floats | None = None

    @property
    def effective_n(self) -> Floats:
        """Deals without censoring that would give a chance as sure as this one, shape (K,).

        ``rate (1 - rate) / variance``; where the rate is 0 or 1 the variance says nothing, and `known_n`
        deals carry it.
        """
        spread = self.rate * (1 - self.rate)
        return np.divide(spread, self.variance, out=self.known_n.copy(), where=self._inside)

    def bounds(self, confidence_level: float = check.CONFIDENCE_LEVEL) -> tuple[Floats, Floats]:
        """Between which bounds does the true chance lie?

        Returns
        -------
        ci_lower, ci_upper : ndarray of float64, shape (K,)
            Within [0, 1] and around the rate; NaN where that is.

        Notes
        -----
        Complementary log-log, with Student's t for ``known_n - 1`` degrees of freedom because the variance is
        estimated too: with the normal quantile intervals of some twenty deals are too short. Where the rate is
        0 or 1 (or the variance 0) Wilson's interval for `known_n` deals: none of so many is not never, all of
        so many not certain. The upper bound lets all deals win that `slack` speaks of.

        References
        ----------
        Kalbfleisch & Prentice (2002), *The Statistical Analysis of Failure Time Data*, section 1.4.
        """
        return self.reach(normal_quantile(confidence_level))

    def reach(self, z: float) -> tuple[Floats, Floats]:
        """Return the bounds for a quantile of the standard normal, as 1.645 for 90 %."""
        from scipy.special import ndtr, stdtrit

        lower, upper = score_bounds(self.rate, self.known_n, z)
        inside = self._inside
        rate, left = self.rate[inside], 1 - self.rate[inside]
        t = stdtrit(np.maximum(self.known_n[inside] - 1, 1), ndtr(z))
        factor = np.exp(np.minimum(-t * np.sqrt(self.variance[inside]) / (left * np.log(left)), 700.0))
        lower[inside] = np.minimum(-np.expm1(np.log(left) / factor), rate)
        upper[inside] = np.maximum(-np.expm1(np.log(left) * factor), rate)
        upper = np.minimum(upper + self.slack, 1.0)
        if self.least is None or self.most is None:
            return lower, upper
        return lower * self.least, np.minimum(upper * self.most, 1.0)

    @property
    def _inside(self) -> NDArray[np.bool_]:
        """Whether the variance says something, shape (K,)."""
        spread = self.rate * (1 - self.rate)
        return np.asarray((spread > _NEAR) & (self.variance > _NEAR * spread))


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A chance at one set of ages minus that at another.

    Attributes
    ----------
    change, ci_lower, ci_upper : float
        Within [-1, 1]; NaN where one of the two is not known.
    p_value : float
        Two-sided; below 1 - confidence level exactly when the interval leaves out 0.
    """

    change: float
    ci_lower: float
    ci_upper: float
    p_value: float


class Ahead:
    """What happens to deals of given ages, read once from the curves, for chances over any steps ahead.

    Parameters
    ----------
    step, onward : Incidence, Incidence or None
    age : array_like of shape (A,)
    steps : int
        The most steps that will be asked for, H >= 1.
    unit : float
        As in :func:`funnelnb.stats.curves.remaining.remaining`, which gives the same rates.

    Attributes
    ----------
    known : ndarray of float64, shape (A,)
        How many steps ahead the data can see; NaN where nobody was ever watched at that age.

    Raises
    ------
    ParameterError
        `steps` or `unit` is not positive, an age is negative, or a curve has not exactly two causes.

    Notes
    -----
    With L1 (on) and L2 (lost) the cumulative hazards of `step`, S its share still there and w_c(s) what an
    event of cause c at time s is worth (1, or the chance G(h - (s - t)) from the next stage on),

        P = sum over s in (t, t + h] of S(s-)/S(t) {w_1(s) dL1(s) + w_2(s) dL2(s)},
        dP / dL_c(s) = S(s-)/S(t) {w_c(s) - R(s)},   R(s) = what of P is still to come for those there after s.

    The events of one time are multinomial among the Y at risk, those of different times are uncorrelated, and
    so are the hazards of the two curves where a deal's time in the stage says nothing of its way from the next
    stage on (semi-Markov, as the chance itself assumes). So ``Var P = sum over s of {sum_c l_c D_c^2 - (sum_c
    l_c D_c)^2} / Y`` for the step, with ``l_c = d_c / Y`` and D_c the derivative, plus the same for `onward`
    from age 0 with the mass that moves on in time as weight. For the last stage this is the Greenwood-type
    variance of an Aalen-Johansen curve of the deals that are there at t; without censoring the binomial one.
    For a mean over ages the derivatives are averaged, with the weights taken as given, not the variances.
    D_c is linear in three numbers per step, so one pass over the event times serves all ages and weights.
    Where deals come in clusters, the variance is multiplied by what they do to that of the curve itself by the end of
    the time ahead.

    References
    ----------
    Voelkel & Crowley (1984), doi:10.1093/biomet/71.3.565 (semi-Markov). Allignol, Schumacher & Beyersmann
    (2010), doi:10.1002/bimj.200900039 (variance). Zou & Donner (2008), doi:10.1002/sim.3095 (difference).

    Checked against raw shares, a landmark Aalen-Johansen curve, a numerical delta method, a bootstrap of deals
    and coverage with known truth: ``tests/stats/test_chance.py``.

    Examples
    --------
    >>> from funnelnb.stats.curves.incidence import aalen_johansen
    >>> curve = aalen_johansen(time=[2, 4, 6, 8], outcome=[1, 2, 1, 1], n=[10, 20, 30, 40])
    >>> found = Ahead(curve, None, age=[2, 4], steps=4).chance(4)
    >>> found.rate.round(3).tolist(), found.effective_n.round(3).tolist()
    ([0.333, 1.0], [90.0, 70.0])
    """

    def __init__(
        self, step: Incidence, onward: Incidence | None, age: ArrayLike, steps: int, unit: float = 1.0
    ) -> None:
        self._age = ages_of(step, onward, age, steps, unit)
        self._steps, self._unit = int(steps), float(unit)
        self.known = known_steps(step, onward, self._age, unit)
        self._step = Read(step, np.nan_to_num(self._age)[:, None] + unit * np.arange(steps + 1))
        self._spread = _undated_spread(step, np.nan_to_num(self._age))
        self._onward = None
        if onward is not None:
            # the first interval holds the events at time 0
            self._onward = Read(onward, unit * np.arange(-1, steps + 1))

    def chance(self, within: ArrayLike, *, lost: bool = False, weight: ArrayLike | None = None) -> Chance:
        """Return the chance to be won (or lost) within so many steps.

        Parameters
        ----------
        within : int or array_like of int, shape (A,)
            Steps ahead, 0 to `steps`; NaN gives NaN.
        lost : bool
            The chance to be lost instead.
        weight : array_like of shape (K, A), optional
            Rows of weights >= 0 over the ages, each adding to more than 0: then one chance per row, the mean
            over its ages. All ages with a weight must be whole steps apart.

        Returns
        -------
        Chance
            One per age, or per row of `weight`; NaN where an age (with a weight) cannot be seen so far ahead.
        """
        h, seen = self._horizon(within)
        rate, made, slack = self._parts(h, lost=lost)
        known_n, mean = self._known_n(h, self._age), None
        spread = self._spread
        if lost and spread:  # when losses without a date fell is not known
            seen = np.zeros_like(seen)
        if weight is not None:
            mean = self._means(weight, seen if not (lost and spread) else np.ones_like(seen))
            rate, slack, known_n = (mean @ np.nan_to_num(values) for values in (rate, slack, known_n))
            spread = {name: mean @ one for name, one in spread.items()}
            seen = np.asarray(~((mean > 0) & ~seen).any(axis=1))
        values = {
            "rate": np.clip(rate, 0.0, 1.0),
            "variance": self._variance(made, mean, lost=lost),
            "known_n": known_n,
            "slack": slack,
        } | spread
        return Chance(**{name: np.where(seen, one, np.nan) for name, one in values.items()})

    def change(
        self,
        within: int,
        first: ArrayLike,
        second: ArrayLike,
        confidence_level: float = check.CONFIDENCE_LEVEL,
    ) -> Change:
        """How far is the chance to be won at one set of ages from that at another?

        Parameters
        ----------
        within : int
            Steps ahead.
        first, second : array_like of shape (A,)
            Weights over the ages, as in :meth:`chance`.
        confidence_level : float
            Of the interval.

        Returns
        -------
        Change
            The second minus the first.

        Notes
        -----
        Both rest on the same deals, so the distances from each chance to its own bounds are squared and added
        less twice their product times the correlation of the two, which the averaged derivatives give.
        """
        z = normal_quantile(confidence_level)
        weight = np.stack([np.asarray(first, dtype=float), np.asarray(second, dtype=float)])
        both = self.chance(within, weight=weight)
        change = float(both.rate[1] - both.rate[0])
        if math.isnan(change):
            return Change(change=change, ci_lower=math.nan, ci_upper=math.nan, p_value=math.nan)
        h, seen = self._horizon(within)
        mean = self._means(weight, seen)
        apart = self._variance(self._parts(h, lost=False)[1], mean[1:] - mean[:1], lost=False)[0]
        product = math.sqrt(both.variance[0] * both.variance[1])
        alike = float(both.variance.sum() - apart) / 2 / product if product > 0 else 0.0
        return _change(both, change, min(max(alike, -1.0), 1.0), z)

    def known_by(self, n: float) -> Floats:
        """Return how many steps ahead the state of at least `n` deals is known, shape (A,), at most `steps`.

        NaN where not even one step ahead. Like :attr:`known`, with a demand on how many deals speak.
        """
        ahead = np.arange(1, self._steps + 1)
        told = (ahead <= self.known[:, None]) & (self._known_n(ahead, self._age[:, None]) >= n)
        found = np.where(told.all(axis=1), self._steps, told.argmin(axis=1)).astype(float)
        return np.where(found > 0, found, np.nan)

    def _horizon(self, within: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return the steps ahead of each age (0 where they cannot be seen), and whether they can."""
        asked = np.broadcast_to(np.asarray(within, dtype=float), self._age.shape)
        if ((asked < 0) | (asked > self._steps)).any():
            raise ParameterError(f"within = {within!r}", expected=f"0 to {self._steps} steps")
        seen: NDArray[np.bool_] = np.less_equal(asked, self.known)
        return np.where(seen, asked, 0).astype(np.int64), seen

    def _means(self, weight: ArrayLike, seen: NDArray[np.bool_]) -> Floats:
        """Return rows of weights that add to 1, shape (K, A)."""
        rows = np.asarray(weight, dtype=float)
        fits = rows.ndim == 2 and rows.shape[1] == seen.size
        if not fits or not (rows >= 0).all() or not (rows.sum(axis=1) > 0).all():
            raise ParameterError(
                f"weight of shape {rows.shape}",
                expected=f"rows of {seen.size} weights >= 0, one of each above 0",
            )
        used = self._age[(rows > 0).any(axis=0)]
        apart = (used - used.min()) / self._unit
        if (np.abs(apart - np.rint(apart)) > 1e-6).any():
            raise ParameterError(
                "ages lie fractions of a step apart", expected="whole steps, to average over"
            )
        mean: Floats = rows / rows.sum(axis=1, keepdims=True)
        return mean

    def _parts(
        self, h: NDArray[np.int64], *, lost: bool
    ) -> tuple[Floats, tuple[Floats, Floats | None], Floats]:
        """Return the rate, what makes its derivatives, and the slack of each age.

        The derivatives by the hazards of `step` are linear in (w_1, w_2, E) / S(t), shape (3, A, H), with E
        what comes after an interval plus the incidences at its end times w; those by the hazards of `onward`
        are given by the mass that has moved on in time to win at each lag, shape (A, H + 1).
        """
        read, count = self._step, self._steps
        left = h[:, None] - np.arange(1, count + 1)
        w = np.stack([left >= 0, left >= 0]).astype(float)
        w[int(not lost)] = 0.0
        if self._onward is not None:
            w[0] = np.where(left >= 0, self._onward.rate[int(lost), 1:][np.maximum(left, 0)], 0.0)
        moves = np.diff(read.rate, axis=-1)
        coming = (moves * w).sum(axis=0)
        whole = coming.sum(axis=-1)
        weighed = whole[:, None] - np.cumsum(coming, axis=-1) + (read.rate[..., 1:] * w).sum(axis=0)
        scale = np.divide(1.0, read.still, out=np.zeros_like(read.still), where=read.still > 0)
        parts = np.stack([*w, weighed]) * scale[:, None]
        ended = (h > 0) & (self._ends(h, self._age) > read.last_time)
        slack = np.where(ended, read.open_end * scale, 0.0)
        if self._onward is None:
            return whole * scale, (parts, None), slack
        gone = np.cumsum(moves[0] * scale[:, None], axis=-1)
        lag = h[:, None] - np.arange(count + 1)
        mass = np.where(lag > 0, np.take_along_axis(gone, np.maximum(lag - 1, 0), axis=1), 0.0)
        beyond = int(self._onward.last_time // self._unit) + 1
        if beyond <= count:
            slack = slack + mass[:, beyond] * self._onward.open_end
        return whole * scale, (parts, mass), slack

    def _variance(self, made: tuple[Floats, Floats | None], mean: Floats | None, *, lost: bool) -> Floats:
        """Return the variance of each age's chance, or of each row of (possibly negative) weights."""
        parts, mass = made
        if mean is None:
            variance = quadratic(self._step.moments, parts)
        else:
            variance = np.array([self._of_mean(parts, row) for row in mean])
        if mass is None or self._onward is None:
            return variance
        weight = mass if mean is None else mean @ np.nan_to_num(mass)
        read, cause = self._onward, int(lost)
        coming = np.diff(read.rate[cause]) * weight
        after = coming.sum(axis=-1, keepdims=True) - np.cumsum(coming, axis=-1)
        nothing = np.zeros_like(weight)
        first, second = (nothing, weight) if lost else (weight, nothing)
        weighed = after + read.rate[cause, 1:] * weight
        variance += quadratic(read.moments[:, None, :], np.stack([first, second, weighed]))
        return variance

    def _of_mean(self, parts: Floats, row: Floats) -> float:
        """Return the variance of one weighted mean over ages: derivatives added where intervals coincide."""
        ages = np.flatnonzero(row)
        start = np.rint((self._age[ages] - self._age[ages].min()) / self._unit).astype(np.int64)
        key = start[:, None] + np.arange(self._steps)
        summed = np.stack([np.bincount(key.ravel(), (row[ages, None] * one[ages]).ravel()) for one in parts])
        moments = np.zeros((len(self._step.moments), summed.shape[1]))
        moments[:, key] = self._step.moments[:, ages]
        return float(quadratic(moments, summed))

    def _known_n(self, h: NDArray[np.int64], age: Floats) -> Floats:
        """Return how many deals' state is known at the end of the time ahead."""
        here = self._step.known_n(age, self._ends(h, age))
        return here if self._onward is None else np.minimum(here, self._onward.known_n(-1.0, self._unit * h))

    def _ends(self, h: NDArray[np.int64], age: Floats) -> Floats:
        """Return the age at the end of the time ahead; that of the last time observed where it is that."""
        end, last = age + self._unit * h, self._step.last_time
        return np.where(np.abs(end - last) <= 1e-6 * self._unit, last, end)


def _undated_spread(step: Incidence, age: Floats) -> dict[str, Floats]:
    """Return by which factors a chance at each age may be lower or higher, as losses without a date fell late or early.

    The fewer were lost by then, the more are still there to be won: the chance of each is lower.
    """
    if step.lost_bounds is None:
        return {}
    row = np.searchsorted(step.time, age, side="right") - 1
    still, spare = step.open_rate[row], 1 - step.rate[0][row]
    fewest, greatest = (np.maximum(spare - one[row], 0.0) for one in step.lost_bounds[::-1])
    with np.errstate(divide="ignore", invalid="ignore"):
        least = np.where(greatest > 0, np.minimum(still / greatest, 1.0), 1.0)
        most = np.where(fewest > 1e-9, np.maximum(still / fewest, 1.0), 1e9)
    return {"least": least, "most": most}


def _change(both: Chance, change: float, alike: float, z: float) -> Change:
    """Return the interval of a difference and the level at which it just leaves out 0."""

    def reach(z: float) -> tuple[float, float]:
        lower, upper = both.reach(z)
        down, up = both.rate - lower, upper - both.rate
        first = down[1] ** 2 + up[0] ** 2 - 2 * alike * down[1] * up[0]
        second = up[1] ** 2 + down[0] ** 2 - 2 * alike * up[1] * down[0]
        return math.sqrt(max(first, 0.0)), math.sqrt(max(second, 0.0))

    down, up = reach(z)
    low, high, towards_zero = 0.0, _WIDEST, 0 if change > 0 else 1
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if reach(middle)[towards_zero] < abs(change) else (low, middle)
    return Change(
        change=change,
        ci_lower=max(change - down, -1.0),
        ci_upper=min(change + up, 1.0),
        p_value=math.erfc(low / math.sqrt(2)),
    )
