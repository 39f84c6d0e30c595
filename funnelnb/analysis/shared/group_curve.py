"""How fast is one group, counting the deals that have not finished?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypedDict

import numpy as np
from numpy.typing import NDArray

from funnelnb.analysis.shared import by_day
from funnelnb.analysis.shared.by_day import LOST_CAUSE
from funnelnb.analysis.shared.counts import SECONDS_PER_DAY
from funnelnb.core.check import TOO_FEW_N
from funnelnb.data.count.counts import ADVANCED, CENSORED, LOST_OUT, LOST_UNDATED
from funnelnb.stats.curves.survival import kaplan_meier

if TYPE_CHECKING:
    from funnelnb.analysis.shared.by_day import Times
    from funnelnb.stats.curves.survival import Survival
    from funnelnb.stats.lifetime.fit import Lifetime, Observed


Floats = NDArray[np.float64]

TO = ("any", "advance", "lose")
"""What the clock may stop at."""
MARK_DAYS = (30, 60, 90, 120)
"""Days at which the share still there is told."""
UNSURE_STILL = 0.05
"""That nobody is left is not said where the last ten followed were more than this share, and others are open."""
SURE = 0.05
"""A pause without any event is no accident when the pace just before would leave it a chance below this."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pace:
    """Share finished by age, in days. T times.

    Attributes
    ----------
    time, done, ci_lower, ci_upper, still, at_risk : ndarray of float64, shape (T,)
        Step functions: `done` has ended as asked, `still` is there and undecided.
    last_day : float
        Longest age observed.
    trusted_days : float
        Up to here at least ``TOO_FEW_N`` deals were watched.
    still_most : ndarray of float64, optional
        The most that can still be there, where some losses have no date.
    leaving : Survival, optional
        The Kaplan-Meier curve behind it, where the clock stops at leaving in any way.
    """

    time: Floats
    done: Floats
    ci_lower: Floats
    ci_upper: Floats
    still: Floats
    at_risk: Floats
    last_day: float
    trusted_days: float
    still_most: Floats | None = None
    leaving: Survival | None = None

    def at(self, curve: Floats, days: float) -> float:
        """Read one of the curves; NaN where the data cannot see that far."""
        if days > self.last_day and self.still[-1] > 1e-9:
            return float("nan")
        return float(curve[np.searchsorted(self.time, days, side="right") - 1])

    def reaches(self, share: float) -> tuple[float, float, float]:
        """Return the day on which `share` is done, with its bounds; infinite: not reached."""
        curves = (self.done, self.ci_upper, self.ci_lower)
        first, lower, upper = (_first(self.time, curve, share) for curve in curves)
        return first, lower, upper


def _first(time: Floats, curve: Floats, share: float) -> float:
    found = np.flatnonzero(curve >= share - 1e-9)
    return float(time[found[0]]) if found.size else float("inf")


def events(times: Times, to: str) -> NDArray[np.bool_]:
    """Return which rows ended as asked."""
    if to == "any":
        return times.outcome != CENSORED
    return times.outcome == (ADVANCED if to == "advance" else LOST_OUT)


def days_of(times: Times) -> Floats:
    """Return the times in days."""
    return times.time_s / SECONDS_PER_DAY


def late(times: Times) -> Floats | None:
    """Return the days from which rows were under observation, None where all were from the start."""
    return times.entry_s / SECONDS_PER_DAY if times.late_n else None


def pace(times: Times, to: str, confidence_level: float) -> Pace | None:
    """Return the curve of one group, None where nothing can be said: no deals, or too few early ones watched.

    Notes
    -----
    ``any`` is one minus Kaplan-Meier, ``advance`` and ``lose`` Aalen-Johansen with the other end competing. Where lost
    deals were never marked, ``any`` is what was recorded, going on; of losing nothing is known.
    """
    if not times.n.sum():
        return None
    both = by_day.curve(times, confidence_level)
    if by_day.early_risk_small(both, times, np.inf):
        return None
    trusted = by_day.trusted_days(both)
    if to == "any" and not times.undated_n:
        return _leaving(times, trusted, confidence_level)
    if to == "lose" and not times.losses_known:
        return None
    row = 0 if to == "any" else TO.index(to) - 1
    lower, upper = (bound[row] for bound in both.bounds())
    done = both.rate[row]
    if (
        to != "advance" and both.lost_bounds is not None
    ):  # nothing but bounds is certain of losses without a date
        won = both.rate[0] if to == "any" else 0.0
        least, most = (won + bound for bound in both.lost_bounds)
        done = np.clip(won + both.rate[1], least, most)
        lower = np.minimum(least, _if_lost(times, to, both.time, confidence_level, late=True)[0])
        upper = np.maximum(most, _if_lost(times, to, both.time, confidence_level, late=False)[1])
    return Pace(
        time=both.time / SECONDS_PER_DAY,
        done=done,
        ci_lower=lower,
        ci_upper=upper,
        still=both.open_rate,
        at_risk=both.at_risk,
        last_day=both.last_time / SECONDS_PER_DAY,
        trusted_days=trusted,
        still_most=None if both.lost_bounds is None else 1 - both.rate[0] - both.lost_bounds[0],
    )


def _if_lost(
    times: Times, to: str, at: Floats, confidence_level: float, *, late: bool
) -> tuple[Floats, Floats]:
    """Return the interval at each time if every loss without a date fell as late, or as early, as it can have.

    A bound is itself counted on few deals: with two undated losses of two hundred, bare bounds lie a day apart.
    """
    undated = times.outcome == LOST_UNDATED
    when = times.time_s if times.limit_s is None or not late else np.maximum(times.limit_s, times.time_s)
    dated = replace(
        times,
        time_s=np.where(undated, when, times.time_s),
        outcome=np.where(undated, LOST_OUT, times.outcome).astype(times.outcome.dtype),
    )
    if to == "any":
        found = _leaving(dated, np.inf, confidence_level)
        time, bounds = found.time * SECONDS_PER_DAY, (found.ci_lower, found.ci_upper)
    else:
        both = by_day.curve(dated, confidence_level)
        lower, upper = both.bounds()
        time, bounds = both.time, (lower[LOST_CAUSE], upper[LOST_CAUSE])
    row = np.maximum(np.searchsorted(time, at + 1e-6, side="right") - 1, 0)
    return bounds[0][row], bounds[1][row]


def _leaving(times: Times, trusted_days: float, confidence_level: float) -> Pace:
    """Return the curve of leaving in any way (Kaplan-Meier)."""
    km = leaving(times, confidence_level)
    still_lower, still_upper = km.bounds()
    return Pace(
        time=km.time,
        done=1 - km.survival,
        ci_lower=1 - still_upper,
        ci_upper=1 - still_lower,
        still=km.survival,
        at_risk=km.at_risk,
        last_day=km.last_time,
        trusted_days=trusted_days,
        leaving=km,
    )


def leaving(times: Times, confidence_level: float) -> Survival:
    """Return the Kaplan-Meier curve of leaving in any way, as wide as weights and accounts demand."""
    ended = events(times, "any")
    km = kaplan_meier(days_of(times), ended, times.stands_for, late(times), confidence_level, weighted=True)
    wider = by_day.factor_of(times, (days_of(times), ended, late(times)), km.time, confidence_level, causes=1)
    return km if wider is None else km.widened(wider[0][0], wider[1])


class Span(TypedDict):
    """From where a row of the result counts: a stage, or the whole way."""

    stage: str
    overall: bool


class Place(Span):
    """Where a row of the result stands: which group, from which stage, or the whole way."""

    group: tuple[str, ...]


class Pause(TypedDict):
    """How old the oldest deal that ever ended was, and what is older."""

    last_event_days: float
    older_n: int
    older_amount: float
    pause: bool


class Counted(TypedDict):
    """How many deals there are, ended as asked, have no end yet, and are lost without a date."""

    n: int
    closed_n: int
    open_n: int
    undated_n: int


class Finished(TypedDict):
    """What the finished deals alone say."""

    naive_median_days: float
    naive_mean_days: float


class Quantiles(TypedDict):
    """By which day a quarter, half and three quarters have ended."""

    median_days: float
    median_ci_lower: float
    median_ci_upper: float
    q25_days: float
    q75_days: float


class Mean(TypedDict):
    """The mean time spent up to a limit."""

    mean_days: float
    mean_ci_lower: float
    mean_ci_upper: float
    limit_days: float


class RowFields(Counted, Finished, Pause, Quantiles, Mean):
    """The numbers of one row."""

    enough: bool
    naive_difference_days: float
    still_30_rate: float
    still_60_rate: float
    still_90_rate: float
    still_120_rate: float


class CurveFields(TypedDict):
    """The arrays of a curve."""

    days: Floats
    not_yet_rate: Floats
    not_yet_ci_lower: Floats
    not_yet_ci_upper: Floats
    fitted_rate: Floats
    all_rate: Floats
    at_risk_n: NDArray[np.int64]
    trusted_days: float


def row_fields(times: Times, to: str, limit_days: float, known: Pace | None) -> RowFields:
    """Return the numbers of one row: counts, quantiles, restricted mean, marks, and what finished ones say."""
    counts = _counts(times, to)
    finished = _finished_only(times, to)
    quantiles = _quantiles(known)
    apart = finished["naive_median_days"] - quantiles["median_days"]
    still = [known.at(known.still, day) if known else np.nan for day in MARK_DAYS]
    if counts["undated_n"]:  # of these there is no more than a guess, and no bounds are shown
        quantiles |= {"q25_days": np.nan, "q75_days": np.nan}
        still = [np.nan for _ in MARK_DAYS]
    elif known is not None and counts["open_n"]:
        followed = known.trusted_days
        unsure = known.at(known.still, followed) > UNSURE_STILL
        still = [
            np.nan if unsure and day > followed and not one else one
            for day, one in zip(MARK_DAYS, still, strict=True)
        ]
    return {
        **counts,
        **finished,
        **pause(times),
        **quantiles,
        **_mean(known, limit_days),
        "enough": known is not None and counts["n"] >= TOO_FEW_N,
        "naive_difference_days": apart if to == "any" else np.nan,
        "still_30_rate": still[0],
        "still_60_rate": still[1],
        "still_90_rate": still[2],
        "still_120_rate": still[3],
    }


def _counts(times: Times, to: str) -> Counted:
    ended = events(times, to)
    return {
        "n": int(times.n.sum()),
        "closed_n": int(times.n[ended].sum()),
        "open_n": int(times.n[times.outcome == CENSORED].sum()),
        "undated_n": times.undated_n if to != "advance" else 0,
    }


def _finished_only(times: Times, to: str) -> Finished:
    """Return what the common way says: median and mean of the finished deals alone."""
    ended = events(times, to) & (times.outcome != LOST_UNDATED)
    days, n = days_of(times)[ended], times.n[ended]
    if not n.sum():
        return {"naive_median_days": np.nan, "naive_mean_days": np.nan}
    median = kaplan_meier(days, np.ones(days.size, bool), n).quantile().time[0]
    return {"naive_median_days": float(median), "naive_mean_days": float((days * n).sum() / n.sum())}


def _quantiles(known: Pace | None) -> Quantiles:
    bounds, first, third = (np.nan, np.nan, np.nan), np.nan, np.nan
    if known is not None and known.leaving is not None:
        read = known.leaving.quantile([0.25, 0.5, 0.75])
        first, second, third = read.time.tolist()
        bounds = (second, float(read.ci_lower[1]), float(read.ci_upper[1]))
    elif known is not None:
        bounds, first, third = known.reaches(0.5), known.reaches(0.25)[0], known.reaches(0.75)[0]
    return {
        "median_days": bounds[0],
        "median_ci_lower": bounds[1],
        "median_ci_upper": bounds[2],
        "q25_days": first,
        "q75_days": third,
    }


def _mean(known: Pace | None, limit_days: float) -> Mean:
    """Return the mean time spent up to the limit; of leaving only, since for one end it has no meaning."""
    nan = float("nan")
    if known is None or known.leaving is None or not limit_days > 0:
        return {"mean_days": nan, "mean_ci_lower": nan, "mean_ci_upper": nan, "limit_days": nan}
    read = known.leaving.restricted_mean(limit_days)
    return {
        "mean_days": read.mean,
        "mean_ci_lower": read.ci_lower,
        "mean_ci_upper": read.ci_upper,
        "limit_days": limit_days,
    }


def pause(times: Times) -> Pause:
    """Return the age of the oldest deal that ever ended, how many open ones are older, and if that is chance.

    With d ends in the last stretch before it, as long as the oldest open deal is beyond it, over Y deal-days,
    the same pace would have left the Y' open deal-days beyond it without an end with probability
    ``exp(-Y' d / Y)``. A loss without a date may have ended as late as the export: only deals open for longer than any
    of those are older, and count as a pause.
    """
    days, ended = days_of(times), (times.outcome == ADVANCED) | (times.outcome == LOST_OUT)
    if not times.n[ended].sum():
        return {"last_event_days": np.nan, "older_n": 0, "older_amount": np.nan, "pause": False}
    last = float(days[ended].max())
    undated = times.outcome == LOST_UNDATED
    until = days if times.limit_s is None else times.limit_s / SECONDS_PER_DAY
    latest = max(last, float(until[undated].max())) if undated.any() else last
    older = (times.outcome == CENSORED) & (days > latest)
    older_n, start = int(times.n[older].sum()), 0.0
    beyond = float(((days[older] - latest) * times.n[older]).sum())
    if older_n:
        start = max(0.0, 2 * latest - float(days[older].max()))
    entry = times.entry_s / SECONDS_PER_DAY
    lived = np.clip(np.minimum(days, latest) - np.maximum(entry, start), 0, None)
    before_n = float(times.n[ended & (days > start)].sum())
    exposure = float((lived * times.n).sum())
    expected = beyond * before_n / exposure if exposure else 0.0
    return {
        "last_event_days": last,
        "older_n": older_n,
        "older_amount": float(times.amount[older].sum()) if times.amount[older].any() else np.nan,
        "pause": older_n >= TOO_FEW_N and bool(np.exp(-expected) < SURE),
    }


def curve_fields(known: Pace, fit: Lifetime | None, everybody: Pace | None) -> CurveFields:
    """Return the arrays of a curve: the share not finished by day with its band, the fit and all beside it."""
    stops = np.unique(np.concatenate(([0.0], known.time, [known.last_day])))
    if stops.size > by_day.MOST_POINTS:
        stops = np.linspace(0.0, known.last_day, by_day.MOST_POINTS)
    row = np.searchsorted(known.time, stops, side="right") - 1
    fitted = 1 - fit.finished_share(stops) if fit is not None else np.full(stops.size, np.nan)
    following = np.searchsorted(known.time, stops, side="left")
    return {
        "days": stops,
        "not_yet_rate": 1 - known.done[row],
        "not_yet_ci_lower": 1 - known.ci_upper[row],
        "not_yet_ci_upper": 1 - known.ci_lower[row],
        "fitted_rate": fitted,
        "all_rate": _unfinished(everybody, stops),
        "at_risk_n": np.rint(np.append(known.at_risk, 0.0)[following]).astype(np.int64),
        "trusted_days": known.trusted_days,
    }


def _unfinished(known: Pace | None, days: Floats) -> Floats:
    """Return the share of `known` not finished by each day; NaN beyond what was observed."""
    if known is None:
        return np.full(days.size, np.nan)
    row = np.searchsorted(known.time, days, side="right") - 1
    return np.where(days <= known.last_day, 1 - known.done[row], np.nan)


def whole_days(times: Times) -> bool:
    """Return whether all times are whole days: the data have dates and no times of day."""
    return not (times.time_s % SECONDS_PER_DAY).any()


def same_day_of(times: Times) -> float:
    """Return how many days a time of 0 may have lasted.

    Between two dates a stay of less than half a day shows as 0 about as often as a longer one of less than a
    day shows as 1; times of day that differ by nothing say only "within the day".
    """
    return 0.5 if whole_days(times) else 1.0


def observed_of(times: Times, *, at_once: bool = False) -> Observed:
    """Return the times to leaving as the fits take them; a time of 0 is within :func:`same_day_of`.

    For a share that ends at once, times of day that differ by nothing are exactly 0.
    """
    from funnelnb.stats.lifetime.fit import observed

    same_day = same_day_of(times) if whole_days(times) or not at_once else None
    rows = np.stack([times.entry_s, times.time_s, events(times, "any").astype(np.int64)])
    rows, place = np.unique(
        rows, axis=1, return_inverse=True
    )  # rows may be split by account: a sum has one order
    n = np.bincount(place.ravel(), weights=times.n, minlength=rows.shape[1]).astype(np.int64)
    entry = rows[0] / SECONDS_PER_DAY if times.late_n else None
    return observed(rows[1] / SECONDS_PER_DAY, rows[2] > 0, n, entry, same_day=same_day)


def gap(fit: Lifetime, known: Pace) -> tuple[float, float]:
    """Return the largest distance between a fit and the observed curve, and its day, over ages that can be trusted.

    Where the curve falls it is read in the middle of its step: deals of day 7 left between 6.5 and 7.5.
    """
    seen = (known.time > 0) & (known.time <= known.trusted_days)
    if fit.refusal or not seen.any():
        return float("nan"), float("nan")
    still = 1 - known.done
    middle = (np.concatenate(([1.0], still[:-1])) + still) / 2
    apart = np.abs(1 - fit.finished_share(known.time[seen]) - middle[seen])
    worst = int(np.argmax(apart))
    return float(apart[worst]), float(known.time[seen][worst])
