"""Does a fitted distribution describe the times, when many are still open?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from funnelnb.core import check
from funnelnb.core.errors import ParameterError
from funnelnb.stats.curves.survival import Survival, kaplan_meier
from funnelnb.stats.lifetime.fit import fit_again, observed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from funnelnb.stats.lifetime.model import Lifetime


Floats = NDArray[np.float64]
MOST_DEALS = 20_000
"""Deals that the bootstrap looks at; of more, a random part is taken: any family is refuted by enough deals."""

SEED = 20_261_123


@dataclass(frozen=True, slots=True, kw_only=True)
class Goodness:
    """How far a fit lies from the data, and how often chance alone lies further.

    Attributes
    ----------
    distance : float
        Cramér-von Mises: mean squared distance between the fit and Kaplan-Meier, times the deals looked at.
    p_value : float
        Share of data sets drawn from the fit that lie at least as far from their own fit; NaN when the fit
        was refused or too many of the drawn data sets could not be fitted.
    runs : int
        Drawn data sets that could be fitted.
    further : int
        Those of them that lie at least as far from their own fit.
    n : float
        Deals looked at.
    """

    distance: float
    p_value: float
    runs: int
    further: int
    n: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class QuantilePoints:
    """Observed against fitted times: on a straight line when the family is right.

    Attributes
    ----------
    share : ndarray of float64, shape (K,)
        Finished by the time, middle of the step of Kaplan-Meier.
    time, fitted_time : ndarray of float64, shape (K,)
        When that share had finished, and when it should have; infinite when it never should.
    """

    share: Floats
    time: Floats
    fitted_time: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sample:
    """Times to be tested, as given to ``observed``. R rows.

    Attributes
    ----------
    time, event, n, entry, rounded, same_day
        As given to ``observed``.
    limit : array_like of shape (R,) or None
        Time at which each row would have been censored had it not finished. None: drawn.
    """

    time: ArrayLike
    event: ArrayLike
    n: ArrayLike | None = None
    entry: ArrayLike | None = None
    limit: ArrayLike | None = None
    rounded: float | None = None
    same_day: float | None = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How hard to try.

    Attributes
    ----------
    runs : int
        Data sets drawn.
    seed : int
    most : int
        Deals looked at; of more, a random part of so many, to which the family is fitted anew.
    enough : int or None
        Stop as soon as so many data sets lie further: p is then `enough` over the sets drawn (Besag and
        Clifford). With 10 of 199 runs the answer at 5 % cannot change any more. None: all runs.
    """

    runs: int = 199
    seed: int = SEED
    most: int = MOST_DEALS
    enough: int | None = None


def quantile_points(curve: Survival, found: Lifetime) -> QuantilePoints:
    """At each time at which deals finished, by when should so many have finished according to the fit?

    Parameters
    ----------
    curve : Survival
        Kaplan-Meier of the data.
    found : Lifetime
        Fit to the same data.

    Returns
    -------
    QuantilePoints

    References
    ----------
    Waller & Turnbull (1992), doi:10.1080/00031305.1992.10475839.

    Examples
    --------
    >>> from funnelnb.stats.lifetime.fit import fit, observed
    >>> days = [2, 5, 9, 14, 22, 40]
    >>> points = quantile_points(kaplan_meier(days, [1] * 6), fit(observed(days, [1] * 6), "exponential"))
    >>> points.share.round(3).tolist()[:3], points.fitted_time.round(1).tolist()[:3]
    ([0.083, 0.25, 0.417], [1.3, 4.4, 8.3])
    """
    share, rows = _middles(curve)
    return QuantilePoints(share=share, time=curve.time[rows], fitted_time=found.quantile(share).value)


def bootstrap_test(
    time: ArrayLike,
    event: ArrayLike,
    found: Lifetime,
    n: ArrayLike | None = None,
    entry: ArrayLike | None = None,
    limit: ArrayLike | None = None,
    rounded: float | None = None,
    runs: int = 199,
    seed: int = SEED,
) -> Goodness:
    """Could these times come from that family, open deals and late history included? (Parametric bootstrap.)

    Parameters
    ----------
    time, event, n, entry, rounded
        As given to ``observed``.
    found : Lifetime
        Fit to the same data.
    limit : array_like of shape (R,), optional
        Time at which each row would have been censored had it not finished: its age at the as-of date.
        Without it, the limit of a finished row is drawn from the estimated censoring times beyond its own
        time.
    runs : int
        Data sets drawn; each is fitted anew.
    seed : int
        Equal input gives an equal p.

    Returns
    -------
    Goodness

    Raises
    ------
    ParameterError
        If a row is impossible, or ends after its limit.

    Notes
    -----
    Each run draws a time for every deal from the fit (given that it exceeds the entry), cuts it at the deal's
    limit, rounds it as the data are rounded, fits the family anew and measures the distance. That the
    parameters were estimated and that deals are open is thereby in the reference distribution; tables for
    Kolmogorov's test would be wrong on both counts.

    References
    ----------
    Stute, Gonzalez Manteiga & Presedo Quindimil (1993), doi:10.1007/BF02613687.

    Checked for size and power by simulation (``docs/methods.md``): ``tests/stats/test_goodness.py``.

    Examples
    --------
    >>> from funnelnb.stats.lifetime.fit import fit, observed
    >>> days, closed = [1, 2, 2, 3, 5, 8, 9, 12, 14, 20, 25, 30], [1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 0, 0]
    >>> result = bootstrap_test(days, closed, fit(observed(days, closed), "weibull"), runs=19)
    >>> result.p_value > 0.1
    True
    """
    sample = Sample(time=time, event=event, n=n, entry=entry, limit=limit, rounded=rounded)
    return bootstrap(sample, found, Effort(runs=runs, seed=seed))


def bootstrap(sample: Sample, found: Lifetime, effort: Effort | None = None) -> Goodness:
    """Could the sample come from that family? As :func:`bootstrap_test`, with a say in the effort.

    Parameters
    ----------
    sample : Sample
    found : Lifetime
        Fit to it.
    effort : Effort, optional

    Returns
    -------
    Goodness

    Raises
    ------
    ParameterError
        If a row is impossible, or ends after its limit.

    References
    ----------
    Besag & Clifford (1991), doi:10.1093/biomet/78.2.301 (stopping early).
    """
    effort = effort or Effort()
    times = np.atleast_1d(np.asarray(sample.time, dtype=float))
    events = np.atleast_1d(np.asarray(sample.event)).astype(bool)
    entries = (
        np.zeros(times.shape) if sample.entry is None else np.maximum(np.asarray(sample.entry, float), 0)
    )
    rng = np.random.default_rng(effort.seed)
    rows, every = _deals(times.size, sample.n, int(check.number("most", effort.most, ge=1)), rng)
    nothing = Goodness(distance=np.nan, p_value=np.nan, runs=0, further=0, n=float(rows.size))
    if found.refusal or rows.size == 0:
        return nothing
    limits = _limits(times, events, rows, sample.limit, rng)
    times, events, entries = times[rows], events[rows], entries[rows]
    rounded = sample.rounded
    how: dict[str, float | None] = {"rounded": rounded, "same_day": sample.same_day}
    if not every:
        found = fit_again(observed(times, events, entry=entries, **how), found)
        if found.refusal:
            return nothing
    step = rounded if rounded is not None else 1.0 if np.array_equal(times, np.rint(times)) else None
    distance = _distance(times, events, entries, found, how)
    draws = (
        _drawn(found, limits, entries, step, rounded is not None, rng)
        for _ in range(int(check.number("runs", effort.runs, ge=1)))
    )
    p_value, fitted, further = _tested(distance, draws, found, how, effort.enough)
    return Goodness(distance=distance, p_value=p_value, runs=fitted, further=further, n=float(rows.size))


def _tested(
    distance: float,
    draws: Iterator[tuple[Floats, NDArray[np.bool_], Floats]],
    found: Lifetime,
    how: dict[str, float | None],
    enough: int | None,
) -> tuple[float, int, int]:
    """Return p, the data sets that could be fitted, and those of them that lie further from their own fit."""
    further = fitted = drawn = 0
    for times, events, entries in draws:
        anew = fit_again(observed(times, events, entry=entries, **how), found)
        drawn += 1
        if not anew.refusal:
            fitted += 1
            further += _distance(times, events, entries, anew, how) >= distance
        if enough is not None and further >= enough and fitted > drawn / 2:
            return further / fitted, fitted, further
    return ((1 + further) / (1 + fitted) if fitted > drawn / 2 else np.nan), fitted, further


def _drawn(
    found: Lifetime, limits: Floats, entries: Floats, step: float | None, down: bool, rng: np.random.Generator
) -> tuple[Floats, NDArray[np.bool_], Floats]:
    """Return times, whether they finished, and entries of a data set drawn from the fit, rounded as the data are."""
    drawn = found.draw(rng, limits.size, entries)
    finished, cut = drawn <= limits, np.minimum(drawn, limits)
    if step is not None:
        whole = np.floor(cut / step) if down else np.rint(cut / step)
        cut = np.where(finished, whole * step, cut)
    seen = (entries <= 0) | (cut > entries)  # rounding may put a time at its entry: such rows are never seen
    return cut[seen], finished[seen], entries[seen]


def _deals(
    size: int, n: ArrayLike | None, most: int, rng: np.random.Generator
) -> tuple[NDArray[np.int_], bool]:
    """Return the row of every deal to look at, a random part of many; and whether these are all."""
    counted = np.ones(size, dtype=int) if n is None else np.asarray(n).astype(int)
    rows = np.repeat(np.arange(size), counted)
    if rows.size <= most:
        return rows, True
    return np.sort(rng.choice(rows, most, replace=False)), False


def _limits(
    times: Floats,
    events: NDArray[np.bool_],
    rows: NDArray[np.int_],
    limit: ArrayLike | None,
    rng: np.random.Generator,
) -> Floats:
    """Return when each deal would have been censored."""
    if limit is not None:
        limits = np.atleast_1d(np.asarray(limit, dtype=float))
        if limits.shape != times.shape or np.any(limits < times):
            raise ParameterError(
                "a row ends after its limit, or limits are missing", expected="limit >= time for each row"
            )
        return limits[rows]
    ended = times[rows]
    curve = kaplan_meier(ended, ~events[rows])
    beyond = np.interp(ended, curve.time, curve.survival)
    left = rng.random(rows.size) * beyond
    place = np.searchsorted(-curve.survival, -left, side="left")
    drawn = np.append(curve.time, np.inf)[place]
    return np.where(events[rows], np.maximum(drawn, ended), ended)


def _middles(curve: Survival) -> tuple[Floats, NDArray[np.int_]]:
    """Return the middle of every step of the curve as a share finished, and the rows of the steps."""
    rows = np.flatnonzero(curve.event_n > 0)
    before = np.concatenate(([1.0], curve.survival))[rows]
    return 1 - (before + curve.survival[rows]) / 2, rows


def _distance(
    times: Floats, events: NDArray[np.bool_], entries: Floats, found: Lifetime, how: dict[str, float | None]
) -> float:
    """Return the squared distance between Kaplan-Meier and the fit, weighed by the steps of Kaplan-Meier.

    Both are read in the middle of what a recorded time stands for: a day rounded down, all that counts as 0.
    """
    curve = kaplan_meier(times, events, entry=entries)
    share, rows = _middles(curve)
    steps = -np.diff(np.concatenate(([1.0], curve.survival)))[rows]
    days, rounded = curve.time[rows], how["rounded"]
    fitted = found.finished_share(days)
    if rounded is not None:
        fitted = (fitted + found.finished_share(days + rounded)) / 2
    first = rounded if rounded is not None else how["same_day"] or 0.0
    fitted = np.where(days == 0, found.finished_share(first) / 2, fitted)
    return float(times.size * np.sum(steps * (share - fitted) ** 2))
