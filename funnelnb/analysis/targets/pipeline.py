"""How likely is each open deal won by the end of the period, and how much is yet to come?"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from funnelnb.analysis.shared import by_day
from funnelnb.analysis.shared.cases import cases_of
from funnelnb.analysis.shared.counts import SECONDS_PER_DAY
from funnelnb.analysis.shared.judged import moves_known, require_judged, unjudged
from funnelnb.analysis.shared.open_deals import beginning_unknown, require_known
from funnelnb.analysis.shared.period import Period, days_left, days_to_start
from funnelnb.core import check
from funnelnb.core.check import TOO_FEW_N
from funnelnb.core.errors import MissingDataError, ParameterError, nearest
from funnelnb.core.note import Note
from funnelnb.data.contract.clock import UNKNOWN
from funnelnb.data.count import tally
from funnelnb.data.ledger.codes import LEFT_DEAL, LOST_DEAL, OPEN_DEAL, WON_DEAL
from funnelnb.stats.models.logistic import logistic
from funnelnb.stats.totals.shock import Shock
from funnelnb.stats.totals.shock import shock as common_shock
from funnelnb.stats.totals.size import Size, points

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from funnelnb.data.book import Book
    from funnelnb.data.ledger.ledger import Ledger
    from funnelnb.stats.curves.incidence import Incidence


Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MONTH_DAYS = 365.25 / 12
LEVELS = 31
"""Equally likely levels of the common shock."""
MOST_SIZES = 96
"""Distinct amounts that are kept apart."""
_LEAST_MONTHS = 4
DATED_SHARE = 0.9
"""Months are compared where so many of the closed deals have a date."""
END_GAP, END_N, END_Z = 0.1, 30, 2.6
"""The end of quarters is named where so many points, on so many deals each, lie between it and the other months."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pipeline:
    """The open deals before won. D deals.

    Attributes
    ----------
    index : ndarray of int64, shape (D,)
        Number of the deal in the ledger.
    position : ndarray of int64, shape (D,)
        Furthest stage reached.
    age_days : ndarray of float64, shape (D,)
        Days since it was reached; NaN where not known.
    created_days : ndarray of float64, shape (D,)
        Days since it was created; NaN where not known.
    amount : ndarray of float64, shape (D,)
        NaN where not known.
    """

    index: NDArray[np.int64]
    position: NDArray[np.int64]
    age_days: Floats
    created_days: Floats
    amount: Floats

    def some(self, mine: NDArray[np.bool_]) -> Pipeline:
        """Return some of the deals."""
        return Pipeline(**{field.name: getattr(self, field.name)[mine] for field in fields(self)})


def pipeline(book: Book) -> Pipeline:
    """Return the open deals of `book` that have not reached the won stage."""
    require_known(book)
    ledger = book.ledger
    index = np.flatnonzero((ledger.outcome == OPEN_DEAL) & (ledger.furthest < ledger.won))
    position = ledger.furthest[index].astype(np.int64)
    reached = ledger.reached_s[index, position]
    age = np.where(reached == UNKNOWN, np.nan, (ledger.as_of_s - reached) / SECONDS_PER_DAY)
    amount = np.where(ledger.amount[index] > 0, ledger.amount[index], np.nan)
    created = ledger.created_s[index]
    since = np.where(created == UNKNOWN, np.nan, (ledger.as_of_s - created) / SECONDS_PER_DAY)
    return Pipeline(index=index, position=position, age_days=age, created_days=since, amount=amount)


def measured_chances(book: Book, deals: Pipeline, days: float, confidence_level: float) -> Floats:
    """Return for each open deal the chance to be won within `days` more days, given its stage and its age there.

    Notes
    -----
    A deal that still stands in stage k at age a has not gone on although others have, so the curve from k to won
    is not its curve. With S the share still in k (Aalen-Johansen of going on, lost deals compete), A the
    incidence of going on and F that of won from the next stage, its chance is
    ``sum over u in (a, a + d] of dA(u) F(a + d - u) / S(a)``. Beyond the last event seen nothing more is
    expected.

    Deals that left undecided count as ended here. Size and chance go together in most books: the chances are moved
    along a smooth curve of the log amount as far as the data ask for one.

    NaN where the data do not tell which deals were lost (see :func:`funnelnb.analysis.shared.judged.unjudged`).

    Checked against what then happened, by count and by amount: ``tests/analysis/test_quota.py``.
    """
    if unjudged(book):
        return np.full(deals.index.size, np.nan)
    whole = ended(book.ledger)
    return _tilted(whole, deals, _class_chances(whole, deals, days, confidence_level))


def require_chances(book: Book) -> None:
    """Raise MissingDataError where the data do not tell how likely an open deal is won."""
    require_judged(book, 'give the chances yourself: weights={"stage": 0.25}, or weights="playbook"')


def ended(ledger: Ledger) -> Ledger:
    """Return the ledger with deals that left undecided counted as lost: for what comes in, they have ended."""
    gone = ledger.outcome == LEFT_DEAL
    if not gone.any():
        return ledger
    return replace(ledger, outcome=np.where(gone, LOST_DEAL, ledger.outcome).astype(ledger.outcome.dtype))


def _tilted(ledger: Ledger, deals: Pipeline, chance: Floats) -> Floats:
    """Return the chances moved by what the size of a deal says, stage by stage.

    Among the deals that ever reached a stage, the log odds of being won within the time in which nine in ten wins come
    are a smooth curve (linear and quadratic) of the log amount, pulled to none as far as the deals do not ask for one.
    The chances of open deals are moved by it, so that the deals of the stage together keep their rate.
    """
    moved, amount = chance.copy(), ledger.amount
    known = amount > 0
    if known.sum() < 2 * TOO_FEW_N or np.unique(amount[known]).size < 2:
        return chance
    for k in range(ledger.won):
        mine = (deals.position == k) & ~np.isnan(deals.amount) & (chance > 0) & (chance < 1)
        curve = _nearest_size_curve(ledger, k if moves_known(ledger) else 0) if mine.any() else None
        if curve is not None:
            odds = np.log(chance[mine] / (1 - chance[mine])) + curve(np.log(deals.amount[mine]))
            moved[mine] = 1 / (1 + np.exp(-odds))
    return moved


def _nearest_size_curve(ledger: Ledger, k: int) -> Callable[[Floats], Floats] | None:
    """Return the size curve of stage `k`, or of the last stage before it whose entries are dated."""
    curves = (_size_curve(ledger, j) for j in range(k, -1, -1))
    return next((one for one in curves if one is not None), None)


def _size_curve(ledger: Ledger, k: int) -> Callable[[Floats], Floats] | None:
    """Return what the log amount adds to the log odds of deals in stage `k`; None where nothing can be learned."""
    start_s = ledger.reached_s[:, k]
    took = (ledger.reached_s[:, ledger.won] - start_s)[(ledger.outcome == WON_DEAL) & (start_s != UNKNOWN)]
    took = took[took > 0]
    if took.size < TOO_FEW_N:
        return None
    cases = cases_of(ledger, start_s, ledger.as_of_s, float(np.quantile(took, 0.9)) / SECONDS_PER_DAY)
    priced = ledger.amount[cases.rows] > 0
    rows, won, weight = cases.rows[priced], cases.won[priced], cases.weight[priced]
    if won.sum() < TOO_FEW_N or (1 - won).sum() < TOO_FEW_N:
        return None
    size = np.log(ledger.amount[rows])
    centre, spread = float(size.mean()), float(size.std())
    if not spread > 0:
        return None

    def columns(values: Floats) -> Floats:
        z = np.clip((values - centre) / spread, -2.5, 2.5)
        return np.stack([z, z * z - 1], axis=1)

    fitted = logistic(columns(size), won, weight, [0, 1])
    own = columns(size) @ fitted.coefficient
    level = _keeping(own, weight, float((weight * won).sum() / weight.sum()))
    return lambda values: columns(values) @ fitted.coefficient + level


def _keeping(own: Floats, weight: Floats, rate: float) -> float:
    """Return the constant that keeps the mean rate when log odds are moved by `own` (bisection)."""
    base, low, high = np.log(rate / (1 - rate)), -20.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2
        mean = float((weight / (1 + np.exp(-(base + own + middle)))).sum() / weight.sum())
        low, high = (middle, high) if mean < rate else (low, middle)
    return (low + high) / 2


def _class_chances(ledger: Ledger, deals: Pipeline, days: float, confidence_level: float) -> Floats:
    chance, told = np.zeros(deals.index.size), np.zeros(deals.index.size, dtype=bool)
    later: Incidence | None = None
    for k in range(ledger.won - 1, -1, -1) if moves_known(ledger) else ():
        mine = (deals.position == k) & ~np.isnan(deals.age_days)
        onward = _curve(ledger, k, k + 1, confidence_level) if mine.any() else None
        if onward is not None and (later is not None or k == ledger.won - 1):
            ages, place = np.unique(deals.age_days[mine], return_inverse=True)
            chance[mine] = np.array([_still_here(onward, later, one, days) for one in ages])[place]
            told |= mine
        later = _curve(ledger, k, ledger.won, confidence_level)
    chance[~told] = _undated(ledger, deals.created_days[~told], days, confidence_level)
    return chance


def _undated(ledger: Ledger, created_days: Floats, days: float, confidence_level: float) -> Floats:
    """Return chances where nobody dated the stages: on the whole way, given the days since a deal was created."""
    if not created_days.size:
        return np.zeros(0)
    for origin in range(ledger.won):
        curve = _curve(ledger, origin, ledger.won, confidence_level)
        if curve is not None:
            ages, place = np.unique(np.nan_to_num(created_days, nan=0.0), return_inverse=True)
            return np.array([_still_here(curve, None, one, days) for one in ages])[place]
    if np.isfinite(days):  # no date tells when deals began: nothing is known of any day
        return np.full(created_days.size, np.nan)
    won_n, lost_n = ((ledger.outcome == one).sum() for one in (WON_DEAL, LOST_DEAL))
    return np.full(created_days.size, won_n / (won_n + lost_n) if won_n else 0.0)


def chances_in(book: Book, deals: Pipeline, period: Period, confidence_level: float) -> Floats:
    """Return for each open deal the chance to be won within the period, not before and not after; 0 if unknown.

    Raises
    ------
    MissingDataError
        Of no open deal it is known when it began.
    """
    measured = measured_chances(book, deals, days_left(book, period), confidence_level)
    if measured.size and np.isnan(measured).all() and not unjudged(book):
        raise beginning_unknown()
    found = np.nan_to_num(measured)
    ahead = days_to_start(book, period)
    if not ahead:
        return found
    before = np.nan_to_num(measured_chances(book, deals, ahead, confidence_level))
    return np.maximum(found - before, 0.0)


def _curve(ledger: Ledger, origin: int, target: int, confidence_level: float) -> Incidence | None:
    (times,) = by_day.split(tally.time_counts(ledger, origin, target))
    return by_day.curve(times, confidence_level) if times.n.sum() >= TOO_FEW_N else None


def _still_here(onward: Incidence, later: Incidence | None, age_days: float, days: float) -> float:
    """Return the chance to be won within `days` of a deal that has stood in its stage for `age_days`.

    `later` is the incidence of won from the next stage; None where that is the won stage.
    """
    age_s, end_s = age_days * SECONDS_PER_DAY, (age_days + days) * SECONDS_PER_DAY
    first, last = np.searchsorted(onward.time, (age_s, end_s), side="right")
    still = float(onward.open_rate[first - 1]) if first else 1.0
    if last <= first or still < 1e-9:
        return 0.0
    gone = onward.rate[by_day.ADVANCED_CAUSE]
    step = np.diff(gone[first - 1 : last]) if first else np.diff(gone[:last], prepend=0.0)
    won: Floats | float = 1.0
    if later is not None:
        rest_s = end_s - onward.time[first:last] if np.isfinite(end_s) else np.full(last - first, np.inf)
        at = np.searchsorted(later.time, rest_s, side="right") - 1
        won = np.where(at >= 0, later.rate[by_day.ADVANCED_CAUSE][at], 0.0)
    return float(np.clip(np.sum(step * won) / still, 0.0, 1.0))


def stage_weights(book: Book, weights: str | Mapping[str, float]) -> Floats:
    """Return the win weight of every stage before won, from the playbook or as given; NaN for a stage without one.

    Raises
    ------
    MissingDataError
        No stage at all has a weight.
    ParameterError
        A weight is not between 0 and 1, or names no stage.
    """
    stages = book.playbook.stages[: book.playbook.won]
    found = np.array([np.nan if one.win_weight is None else one.win_weight for one in stages])
    if isinstance(weights, str):
        check.one_of("weights", weights, ("measured", "playbook"))
    else:
        for name, value in weights.items():
            position = book.playbook.position(str(name))
            if position is None or position >= len(stages):
                raise ParameterError(
                    f"weights: there is no stage {name!r} before won",
                    expected="one of " + ", ".join(one.id for one in stages),
                    hint=nearest(str(name), [one.id for one in stages]),
                )
            found[position] = check.number(f"weights[{name!r}]", value, ge=0, le=1)
    if np.isnan(found).all():
        raise MissingDataError(
            f"the stage model {book.playbook.id!r} has no win weight for any stage",
            expected="a weight for at least one stage before the win",
            hint='weights="measured", or weights={"' + stages[0].id + '": 0.25}',
        )
    return found


def size_groups(
    deals: Pipeline, chance: Floats, whole: Size | None
) -> tuple[list[Size], list[tuple[int, NDArray[np.int64]]]]:
    """Return the open deals as sizes, and for each size the deals' positions."""
    sizes: list[Size] = []
    groups: list[tuple[int, NDArray[np.int64]]] = []
    known = np.flatnonzero(~np.isnan(deals.amount) & (chance > 0))
    amounts = np.unique(deals.amount[known])
    if amounts.size > MOST_SIZES:
        order = known[np.argsort(deals.amount[known], kind="stable")]
        parts = [part for part in np.array_split(order, MOST_SIZES) if part.size]
    else:
        parts = [known[deals.amount[known] == amount] for amount in amounts]
    for part in parts:
        groups.append((len(sizes), part))
        sizes.append(points(deals.amount[part]))
    unknown = np.flatnonzero(np.isnan(deals.amount) & (chance > 0))
    if unknown.size and whole is not None:
        groups.append((len(sizes), unknown))
        sizes.append(whole)
    return sizes, groups


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrivals:
    """Wins that deals yet to be entered will bring within the period.

    Attributes
    ----------
    mean_n : float
    shape : float
        Of the negative binomial; infinite is Poisson.
    window_days : float
        Over which new deals were counted; 0 where nothing is known.
    new_n : int
        New deals in that window.
    """

    mean_n: float
    shape: float
    window_days: float
    new_n: int


def arrivals(book: Book, period: Period, confidence_level: float) -> Arrivals:
    """Return how many wins deals yet to be entered will bring in the period, if they come as they came lately.

    Notes
    -----
    New deals are counted over as many days back as there are to the end (at least 90, at most what was
    observed) at the first stage whose dates are known. Each is won within the days left to it with the incidence
    F, so the mean is ``rate * integral of F`` over the days to the end, less that over the days to the start.
    Months that differ by more than chance widen the number.
    """
    ledger, days, ahead = book.ledger, days_left(book, period), days_to_start(book, period)
    for origin in range(ledger.won):
        reached = ledger.reached_s[:, origin]
        reached = reached[reached != UNKNOWN]
        if reached.size >= TOO_FEW_N:
            break
    else:
        return Arrivals(mean_n=0.0, shape=np.inf, window_days=0.0, new_n=0)
    ago = (ledger.as_of_s - reached) / SECONDS_PER_DAY
    window = float(min(max(days, 90.0), ago.max() + 1))
    new_n = int((ago < window).sum())
    (times,) = by_day.split(tally.time_counts(ended(ledger), origin, ledger.won))
    curve = by_day.curve(times, confidence_level)
    area = _area(curve, days) - _area(curve, ahead)
    months = int(ago.max() // MONTH_DAYS)
    spread = 1.0
    if months >= _LEAST_MONTHS:
        per_month = np.bincount((ago // MONTH_DAYS).astype(int), minlength=months)[: min(months, 24)]
        spread = max(1.0, float(per_month.var(ddof=1) / max(per_month.mean(), 1e-9)))
    return Arrivals(
        mean_n=new_n / window * area, shape=max(new_n, 1) / spread, window_days=window, new_n=new_n
    )


def _area(curve: Incidence, days: float) -> float:
    """Return the integral of the incidence of won from 0 to `days`."""
    if not days > 0:
        return 0.0
    grid = np.linspace(0, days, 257)
    at = np.searchsorted(curve.time, grid * SECONDS_PER_DAY, side="right") - 1
    won = np.nan_to_num(curve.rate[by_day.ADVANCED_CAUSE][at])
    return float(np.sum((won[1:] + won[:-1]) / 2) * (grid[1] - grid[0]))


def shock(book: Book) -> Shock:
    """Return by how much win rates moved together from month to month.

    Notes
    -----
    From monthly won / (won + lost), see :func:`funnelnb.stats.totals.shock.shock`: with few closed months the usual
    swing of other sales teams counts. Where losses have no dates, months tell nothing.
    """
    won, tried = _by_month(book.ledger, lambda age_s, _: (age_s / SECONDS_PER_DAY // MONTH_DAYS).astype(int))
    return common_shock(won, tried, LEVELS)


def _by_month(ledger: Ledger, month_of: Callable[[Ints, Ints], Ints]) -> tuple[Ints, Ints]:
    """Return wins and closed deals by month, newest first; nothing where too many closed deals have no date."""
    over = np.isin(ledger.outcome, (WON_DEAL, LOST_DEAL))
    dated = over & (ledger.closed_s != UNKNOWN)
    won = ledger.outcome[dated] == WON_DEAL
    nothing = np.zeros(0, np.int64)
    if dated.sum() < max(TOO_FEW_N, DATED_SHARE * over.sum()) or won.all() or not won.any():
        return nothing, nothing
    closed_s = ledger.closed_s[dated]
    month = month_of(ledger.as_of_s - closed_s, closed_s)
    return np.bincount(month, weights=won).astype(np.int64), np.bincount(month)


def period_end(book: Book) -> tuple[Note, ...]:
    """Return a note where deals closed in the last month of quarters are won far more (or less) often than others."""

    def last_month(_: Ints, closed_s: Ints) -> Ints:
        months = closed_s.astype("datetime64[s]").astype("datetime64[M]").astype(np.int64)
        return (months % 3 == 2).astype(np.int64)

    won, tried = _by_month(book.ledger, last_month)
    if tried.size < 2 or tried.min() < END_N:
        return ()
    rate, pooled = won / tried, won.sum() / tried.sum()
    error = float(np.sqrt(pooled * (1 - pooled) * (1 / tried).sum()))
    if abs(rate[1] - rate[0]) < max(END_GAP, END_Z * error):
        return ()
    return (Note("period_end", {"end_rate": float(rate[1]), "other_rate": float(rate[0])}),)


def shocked(chance: Floats, levels: Floats) -> Floats:
    """Return the chances at each of equally likely common shifts of their log odds; their mean is kept.

    Returns
    -------
    ndarray of float64, shape (levels, D)
    """
    if not np.any(levels):
        return chance[None, :]
    inside = np.clip(chance, 1e-9, 1 - 1e-9)
    odds = np.log(inside / (1 - inside))
    moved = np.where(chance > 0, 1 / (1 + np.exp(-(odds + levels[:, None]))), 0.0)
    mean = moved.mean(axis=0)
    scale = np.divide(chance, mean, out=np.zeros_like(chance), where=mean > 0)
    made: Floats = np.clip(moved * scale, 0.0, 1.0)
    return made
