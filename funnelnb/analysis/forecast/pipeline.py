"""How much pipeline does a target need at this point of the period, and how fast does money come through the funnel?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from funnelnb.analysis.forecast import periods as when
from funnelnb.analysis.forecast.history import (
    NEVER,
    History,
    amounts_tell_end,
    history_of,
    require_dated,
)
from funnelnb.analysis.forecast.known import MONTH_DAYS, Grid, Known, known_at, risk_between
from funnelnb.analysis.forecast.scorecard import has_history, past_periods
from funnelnb.analysis.shared.counts import level
from funnelnb.analysis.shared.judged import require_judged
from funnelnb.analysis.shared.open_deals import require_known
from funnelnb.analysis.shared.period import target_amount
from funnelnb.analysis.shared.question import question
from funnelnb.analysis.shared.result import Result
from funnelnb.core import check
from funnelnb.core.check import TOO_FEW_N
from funnelnb.core.errors import MissingDataError
from funnelnb.core.note import Note

if TYPE_CHECKING:
    from funnelnb.data.book import Book

Floats = NDArray[np.float64]

LEAST_PERIODS = 8
"""With fewer past periods no quantile can be told from the luck of the draw."""
MOST_PERIODS = 20
ASSURANCE = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class YieldRow:
    """One past period, seen from the same point of it.

    Attributes
    ----------
    period : str
    made_on : numpy.datetime64
    open_amount : float
        Open pipeline of that day.
    then_amount : float
        Won from then to the end of the period.
    yield_share : float
        Won from then / open pipeline, deals entered later included.
    """

    period: str
    made_on: np.datetime64
    open_amount: float
    then_amount: float
    yield_share: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class PipelineCoverage(Result):
    """Open pipeline per unit of target. `n` counts past periods.

    Attributes
    ----------
    period_name : str
    enough : bool
        Whether there are enough past periods for a statement.
    open_amount : float
        Open pipeline now.
    won_amount : float
        Won in the period so far.
    target_amount : float
        NaN where none is known.
    coverage_share : float
        Open pipeline / what is still missing to the target.
    needed_share, needed_ci_lower, needed_ci_upper : float
        So much open pipeline per unit still missing was enough in 80 % of past periods; NaN where there are too few.
    rows : tuple of YieldRow
        Latest first.
    """

    period_name: str
    enough: bool
    open_amount: float
    won_amount: float
    target_amount: float
    coverage_share: float
    needed_share: float
    needed_ci_lower: float
    needed_ci_upper: float
    rows: tuple[YieldRow, ...]


def _judged(book: Book) -> History:
    """Return the history of a book of which it is known who was open, and how likely open deals are won."""
    require_judged(book)
    require_known(book)
    return history_of(book)


@question("forecasts")
def coverage(
    book: Book,
    period: str | None = None,
    *,
    amount: float | None = None,
    fiscal_start: int = 1,
    confidence_level: float | None = None,
) -> PipelineCoverage:
    """How much open pipeline does each unit of target need at this point of the period?

    Parameters
    ----------
    book : Book
    period : str, optional
        As in :func:`funnelnb.forecast`.
    amount : float, optional
        Target; None takes the table ``targets``.
    fiscal_start : int
    confidence_level : float, optional

    Returns
    -------
    PipelineCoverage

    Raises
    ------
    MissingDataError
        There are no amounts.
    ParameterError
        The period is over.

    Notes
    -----
    In each past period, at as many days before its end as there are now, what was won from then on is divided by the
    open pipeline of then. The 20 % quantile of that yield, turned over, is the pipeline per unit of missing target
    that was enough in 80 % of the periods. Its interval is that of an order statistic (binomial), open above where
    there are few.

    Examples
    --------
    >>> import funnelnb as fn
    >>> result = fn.forecasts.coverage(fn.sample(), "2026-Q3")
    >>> result.n == len(result.rows)
    True
    """
    start_month = when.month_of_start(fiscal_start)
    history = _judged(book)
    require_dated(history)
    day = history.day
    asked = when.wanted(period, np.datetime64(day, "D"), start_month)[0]
    _require_amounts(history)
    left, kind = when.day_number(asked.end) - day, when.kind_of(asked)
    past = past_periods(kind, day, MOST_PERIODS, start_month)
    rows = [row for one in past if (row := _yield(history, one, left))]
    confidence, enough = level(confidence_level), len(rows) >= LEAST_PERIODS
    need, low, high = _needed(np.array([row.yield_share for row in rows]), confidence)
    won, now = _won(history, when.day_number(asked.start), day), _open(history, day)
    goal = _goal(book, amount, asked)
    few = Note("coverage_few", {"periods_n": len(rows), "least_n": LEAST_PERIODS})
    return PipelineCoverage(
        n=len(rows),
        method="pipeline_coverage",
        confidence_level=confidence,
        as_of=book.as_of,
        currency=book.currency,
        notes=() if enough else (few,),
        period_name=asked.name,
        enough=enough,
        open_amount=now,
        won_amount=won,
        target_amount=goal,
        coverage_share=now / (goal - won) if goal > won else float("nan"),
        needed_share=need,
        needed_ci_lower=low,
        needed_ci_upper=high,
        rows=tuple(reversed(rows)),
    )


def _require_amounts(history: History) -> None:
    if amounts_tell_end(history):
        raise MissingDataError(
            "what the pipeline was worth on past days is not known: lost deals lack amounts that won ones have",
            expected="amounts of lost deals too",
            hint="export the amount of every deal",
        )
    if not np.isfinite(history.open_amount).any():
        raise MissingDataError(
            "no deal has an amount", expected="a column amount for open deals", hint="map it in the settings"
        )


def _goal(book: Book, amount: float | None, period: Any) -> float:
    try:
        return target_amount(book, amount, period)
    except MissingDataError:
        return float("nan")


def _open(history: History, day: int) -> float:
    still = (history.begin_day <= day) & (history.win_day > day) & (history.end_day > day)
    return float(np.nansum(history.open_amount[still]))


def _won(history: History, start: int, end: int) -> float:
    mine = (history.win_day >= start) & (history.win_day <= end)
    return float(np.nansum(history.won_amount[mine]))


def _yield(history: History, period: Any, left: int) -> YieldRow | None:
    end = when.day_number(period.end)
    day = end - left
    now = _open(history, day)
    if not has_history(history, day) or not now > 0:
        return None
    start = max(day + 1, when.day_number(period.start))
    came = _won(history, start, end)
    return YieldRow(
        period=period.name,
        made_on=np.datetime64(day, "D"),
        open_amount=now,
        then_amount=came,
        yield_share=came / now,
    )


def _needed(found: Floats, confidence_level: float) -> tuple[float, float, float]:
    """Return the coverage that was enough in 80 % of the periods, with the interval of an order statistic."""
    from scipy.stats import binom

    n, nan = found.size, float("nan")
    if n < LEAST_PERIODS:
        return nan, nan, nan
    sort = np.sort(found)
    tail = (1 - confidence_level) / 2
    low = int(binom.ppf(tail, n, 1 - ASSURANCE)) - 1
    high = int(binom.ppf(1 - tail, n, 1 - ASSURANCE))
    at = float(np.quantile(sort, 1 - ASSURANCE))
    least = float(sort[min(high, n - 1)])
    most = float(sort[low]) if low >= 0 else 0.0
    return 1 / max(at, 1e-12), 1 / max(least, 1e-12), 1 / most if most > 0 else float("inf")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Velocity(Result):
    """How fast money comes through the funnel.

    Attributes
    ----------
    new_n : int
        Deals that came in over the last year, or as long as is recorded.
    window_days : float
    new_per_month_n : float
    size_amount : float
        Mean size of a win.
    chance_rate : float
        To be won within `within_days`, open deals counted as open; NaN of fewer than ten deals.
    within_days : float
    cycle_days : float
        Median days to the win of those that win.
    flow_amount : float
        New deals a month x chance x size: what comes in a month once things have settled.
    open_n : int
    velocity_amount : float
        Open deals x size x chance / cycle, a month: the usual formula with honest parts.
    naive_rate, naive_days, naive_amount : float
        Win rate of closed deals (NaN of fewer than ten), mean cycle of won deals, and the usual formula with these.
    """

    new_n: int
    window_days: float
    new_per_month_n: float
    size_amount: float
    chance_rate: float
    within_days: float
    cycle_days: float
    flow_amount: float
    open_n: int
    velocity_amount: float
    naive_rate: float
    naive_days: float
    naive_amount: float


@question("forecasts", formerly={"within_days": "horizon_days"})
def velocity(
    book: Book, *, horizon_days: float | None = None, confidence_level: float | None = None
) -> Velocity:
    """How fast does money come through the funnel, with the open deals counted?

    Parameters
    ----------
    book : Book
    horizon_days : float, optional
        How long a deal may take to be won, 7 to 1095; at most what was observed.
    confidence_level : float, optional

    Returns
    -------
    Velocity

    Raises
    ------
    MissingDataError
        No deal is won.

    Notes
    -----
    The usual figure multiplies open deals, their size and the win rate of closed deals, and divides by the cycle of won
    deals. The win rate of closed deals and the cycle of won deals both leave out the open ones; here the chance is the
    Aalen-Johansen incidence of won and the cycle the time by which half of it is reached.

    Examples
    --------
    >>> import funnelnb as fn
    >>> result = fn.forecasts.velocity(fn.sample())
    >>> result.chance_rate < result.naive_rate or result.chance_rate > 0
    True
    """
    asked = check.number("horizon_days", 365 if horizon_days is None else horizon_days, ge=7, le=1095)
    history = _judged(book)
    known = known_at(history, history.day)
    won, mine = known.win < NEVER, known.start < NEVER
    if not (won & mine).any():
        raise MissingDataError("no deal is won", expected="at least one won deal with a date")
    chance, cycle, within = _settled(known, int(asked))
    sizes = history.won_amount[won & np.isfinite(history.won_amount)]
    size = float(sizes.mean()) if sizes.size else float("nan")
    window = window_of(history, known)
    new_n = int((mine & (known.start > history.day - window)).sum())
    month = new_n / window * MONTH_DAYS
    still = int((mine & ~won & (known.end == NEVER)).sum())
    rate = _won_of_closed(known)
    days = float((known.win - known.start)[won & mine].mean())
    return Velocity(
        n=len(known.start),
        method="velocity",
        confidence_level=level(confidence_level),
        as_of=book.as_of,
        currency=book.currency,
        notes=(),
        new_n=new_n,
        window_days=float(window),
        new_per_month_n=month,
        size_amount=size,
        chance_rate=chance,
        within_days=within,
        cycle_days=cycle,
        flow_amount=month * chance * size,
        open_n=still,
        velocity_amount=still * chance * size / max(cycle, 1.0) * MONTH_DAYS,
        naive_rate=rate,
        naive_days=days,
        naive_amount=still * rate * size / max(days, 1.0) * MONTH_DAYS,
    )


def _won_of_closed(known: Known) -> float:
    """Return the share won of the closed deals; NaN of fewer than ten."""
    won = known.win < NEVER
    closed_n = int((won | (known.end < NEVER)).sum())
    return float(won.sum() / closed_n) if closed_n >= TOO_FEW_N else float("nan")


def _settled(known: Known, asked: int) -> tuple[float, float, float]:
    """Return the share won in the end, the time by which half of it is, and the days that were seen.

    NaN, all but the days, of fewer than ten deals.
    """
    grid = Grid.of(known)
    curve = np.cumsum(_won_at(risk_between(known, grid, known.start, known.win, known.start < NEVER)))
    last = min(asked // grid.unit, curve.size - 1)
    chance = float(curve[last])
    half = np.searchsorted(curve[: last + 1], chance / 2)
    if (known.start < NEVER).sum() < TOO_FEW_N:
        return float("nan"), float("nan"), float(last * grid.unit)
    return chance, float(half * grid.unit), float(last * grid.unit)


def window_of(history: History, known: Known) -> int:
    """Return over how many days new deals are counted: a year, or as long as is recorded."""
    first = max(int(known.start[known.start < NEVER].min()), known.since)
    return min(history.day - first + 1, 365)


def _won_at(found: Any) -> Floats:
    """Return the share won at each age."""
    hazard = np.divide(found.won, found.at_risk, out=np.zeros_like(found.won), where=found.at_risk > 0)
    lost = np.divide(found.lost, found.at_risk, out=np.zeros_like(found.won), where=found.at_risk > 0)
    still = np.cumprod(np.clip(1 - hazard - lost, 0, 1))
    made: Floats = np.append(1.0, still[:-1]) * hazard
    return made
