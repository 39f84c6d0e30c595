"""What will have been won by the period's end: in all and by group, in parts, with its range and a target's chance?

Longer than most modules: the fields of a forecast and what fills each of them are read together.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from funnelnb.analysis.forecast import periods as when
from funnelnb.analysis.forecast.categories import CategoryRow, category_rows
from funnelnb.analysis.forecast.engine import DRAWS, Foresight, foresee
from funnelnb.analysis.forecast.history import (
    History,
    groups_of,
    history_of,
    replayable,
    require_begun,
    require_dated,
)
from funnelnb.analysis.forecast.scorecard import Record, record_of, segments_of
from funnelnb.analysis.shared.counts import grouping, level, source_notes
from funnelnb.analysis.shared.judged import require_judged
from funnelnb.analysis.shared.open_deals import customers_of, require_known
from funnelnb.analysis.shared.period import target_amount
from funnelnb.analysis.shared.question import question
from funnelnb.analysis.shared.result import About, DealRows, Result, about
from funnelnb.core import check
from funnelnb.core.errors import MissingDataError, ParameterError
from funnelnb.core.note import Note
from funnelnb.stats.forecast.scores import widened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.analysis.shared.period import Period
    from funnelnb.core.check import Day
    from funnelnb.data.book import Book
    from funnelnb.data.snapshots import Store
    from funnelnb.playbooks.model import Label

Floats = NDArray[np.float64]

LEAST_WINS = 5
"""With fewer wins nothing can be said of the coming ones."""
QUANTILES = (5, 10, 25, 50, 75, 90, 95)


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastRow:
    """What one group will have won by the end of one period.

    Attributes
    ----------
    period : str
    group : tuple of str
        Empty for the whole, which is the sum of its groups.
    won_amount, won_n : float
        Won in the period so far.
    open_amount, open_n, new_amount, new_n : float
        Expected of open deals, and of deals not yet created.
    expected_amount, expected_n : float
        The three together: the mean.
    q05_amount, q10_amount, q25_amount, q50_amount, q75_amount, q90_amount, q95_amount : float
        So much or less comes in with a chance of 5, 10, 25, 50, 75, 90, 95 %.
    q10_n, q50_n, q90_n : float
        The same of the number of wins.
    target_amount : float
        NaN where none is known.
    chance_rate : float
        That the target is reached; NaN without one.
    attained_share, attained_q10_share, attained_q90_share : float
        Expected amount / target, and the same at the ends of the 80 % range.
    """

    period: str
    group: tuple[str, ...]
    won_amount: float
    won_n: float
    open_amount: float
    open_n: float
    new_amount: float
    new_n: float
    expected_amount: float
    expected_n: float
    q05_amount: float
    q10_amount: float
    q25_amount: float
    q50_amount: float
    q75_amount: float
    q90_amount: float
    q95_amount: float
    q10_n: float
    q50_n: float
    q90_n: float
    target_amount: float
    chance_rate: float
    attained_share: float
    attained_q10_share: float
    attained_q90_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastDeal:
    """One open deal and what it adds to the first period.

    Attributes
    ----------
    opportunity_id : str
    customer : str
        What its customer is called.
    stage : str
    chance_rate : float
        To be won by the end of the period.
    deal_amount : float
    expected_amount : float
        Chance x amount.
    """

    opportunity_id: str
    customer: str
    stage: str
    chance_rate: float
    deal_amount: float
    expected_amount: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FanDay:
    """What will have come in by one day of the first period.

    Attributes
    ----------
    day : numpy.datetime64
    known : bool
        Whether the day is over: then all figures are what came.
    q05_amount, q10_amount, q25_amount, q50_amount, q75_amount, q90_amount, q95_amount : float
    came_amount : float
        What came by then, where the forecast is one of the past; else NaN.
    """

    day: np.datetime64
    known: bool
    q05_amount: float
    q10_amount: float
    q25_amount: float
    q50_amount: float
    q75_amount: float
    q90_amount: float
    q95_amount: float
    came_amount: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Forecast(Result):
    """What will have been won by the end of a period, or of several.

    Attributes
    ----------
    by : tuple of str
    periods : tuple of str
    since, until : numpy.datetime64
        First day of the first period and last day of the last.
    rows : tuple of ForecastRow
        Per period its groups, then the whole.
    deals : tuple of ForecastDeal
        Open deals that add most to the first period.
    categories : tuple of CategoryRow
        Empty where the data have no forecast categories.
    fan : tuple of FanDay
        Week by week through the first period.
    record : Record or None
        How good such forecasts were in the past.
    width_factor : float
        By which the range was widened (above 1) or narrowed because past ranges were too narrow or too wide.
    priced : bool
        False where the data have no amounts: then only wins are foreseen.
    came_amount : float
        What came in the first period, for a forecast as of a past day; else NaN.
    draws_amount : ndarray of float64, shape (draws,)
        Equally likely totals of the first period.
    stage_ids : tuple of str
    stage_labels : tuple of Label
    """

    by: tuple[str, ...]
    periods: tuple[str, ...]
    since: np.datetime64
    until: np.datetime64
    rows: tuple[ForecastRow, ...]
    deals: DealRows[ForecastDeal] = field()
    categories: tuple[CategoryRow, ...]
    fan: tuple[FanDay, ...]
    record: Record | None
    width_factor: float
    priced: bool
    came_amount: float
    draws_amount: Floats
    stage_ids: tuple[str, ...]
    stage_labels: tuple[Label, ...] = ()

    @property
    def whole(self) -> ForecastRow:
        """The first period, all groups together."""
        return next(row for row in self.rows if not row.group)

    def chance(self, amount: float) -> float:
        """Return how likely at least so much is won in the first period."""
        wanted = check.number("amount", amount, ge=0, lt=float("inf"))
        return float((self.draws_amount >= wanted).mean())


@question()
def forecast(  # noqa: PLR0913 - what is asked, of which day, learnt from what, drawn how
    book: Book,
    period: str | Sequence[str] | None = None,
    *,
    by: str | None = None,
    amount: float | None = None,
    as_of: Day | None = None,
    fiscal_start: int = 1,
    record: bool | Record = True,
    snapshots: Store | None = None,
    draws: int = DRAWS,
    confidence_level: float | None = None,
) -> Forecast:
    """What will have been won by the period's end, how sure is that, and how good were such forecasts?

    Parameters
    ----------
    book : Book
    period : str or sequence of str, optional
        Month, quarter or year such as ``"2026-Q3"``, or several; None: the quarter that is running, or begins tomorrow.
    by : str, optional
        Attribute to divide by, such as ``"region"``; the groups add up to the whole in every draw.
    amount : float, optional
        Target of the first period; None takes the table ``targets`` where it holds the period.
    as_of : date, optional
        A past day: the forecast as it would have been made at its end.
    fiscal_start : int
        First month of the fiscal year, which is called by the calendar year in which it starts: with 4,
        ``"2026-Q1"`` is April to June 2026.
    record : bool or Record
        Whether past forecasts are scored, to be shown and to set the width of the range.
    snapshots : Store, optional
        Tells what the sellers' forecast categories (commit, best case …) were worth in the past.
    draws : int
        Courses of things that are drawn, 100 to 100,000.
    confidence_level : float, optional

    Returns
    -------
    Forecast

    Raises
    ------
    ParameterError
        A period is over or none, or another parameter is out of range.
    MissingDataError
        Fewer than five deals are won, so that nothing tells of the coming ones.

    Notes
    -----
    Won so far is counted. An open deal is won within the days left with the chance of its stage and its age in it
    (semi-Markov, Aalen-Johansen curves, recent deals weighing more), moved by its size and segment. Deals not yet
    created come at the pace of past months. Level, drift, season and shocks of the months, of arrivals and of wins, are
    measured from month to month and drawn along with everything else that is not known. The range is widened or
    narrowed by the factor that past periods ask for (see :func:`funnelnb.forecasts.scorecard`).

    Checked against simulated floors with known truth (coverage of the total and of each region), hand counts of the
    parts, and two public data sets: ``tests/analysis/forecast``.

    Examples
    --------
    >>> import funnelnb as fn
    >>> result = fn.forecast(fn.sample(), period="2026-Q3", by="region", record=False)
    >>> whole, groups = result.whole, [row for row in result.rows if row.group]
    >>> abs(sum(row.expected_amount for row in groups) - whole.expected_amount) < 1e-6 * whole.expected_amount
    True
    """
    names, draws = grouping(book, by), _draws(draws)
    case, past = _case(book, period, names, as_of, when.month_of_start(fiscal_start), record)
    asked, today, history = case.asked, case.today, case.history
    made = _filled(case, amount, draws)
    told = _notes(history, made.seen, past, replayed=as_of is not None)
    return Forecast(
        n=len(made.seen.index),
        method="forecast",
        confidence_level=level(confidence_level),
        notes=(*book.notes, *source_notes(book), *told),
        by=names,
        **_asked(asked),
        deals=DealRows(_deals(book, history, made.seen, asked[0], today)),
        categories=_by_category(case, made.seen, snapshots),
        record=past,
        width_factor=case.factor,
        priced=made.seen.priced,
        came_amount=_came(history, asked[0], today),
        rows=made.rows,
        fan=made.fan,
        draws_amount=made.draws_amount,
        **_stages(book, None if as_of is None else today),
    )


def expected_total(book: Book) -> float:
    """How much will have been won by the end of the running quarter, on average, and nothing else?

    Parameters
    ----------
    book : Book

    Returns
    -------
    float
        ``forecast(book, record=False).whole.expected_amount``, for those who ask it of many books: nothing is drawn or
        listed that this number does not need.

    Raises
    ------
    MissingDataError
        As :func:`forecast`.
    """
    case, _ = _case(book, None, (), None, 1, record=False)
    made = _filled(case, None, DRAWS, fan=False)
    return next(row for row in made.rows if not row.group).expected_amount


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Case:
    """What is asked: which periods, on which day, of which book, divided by what."""

    book: Book
    history: History
    today: int
    asked: list[Period]
    names: tuple[str, ...]
    factor: float


def _stages(book: Book, today: int | None) -> About:
    """Return what the forecast takes over from its book; of a replay the day is another."""
    found = about(book)
    if today is not None:
        found["as_of"] = np.datetime64(today, "D").astype("datetime64[s]")
    return found


def _case(
    book: Book, period: str | Sequence[str] | None, names: tuple[str, ...], as_of: Day | None, start_month: int,
    record: bool | Record,
) -> tuple[_Case, Record | None]:  # fmt: skip
    """Return what is asked, and the record that sets the width of its range."""
    day = _day(book, as_of)
    asked, history, today = when.wanted(period, day, start_month), history_of(book), when.day_number(day)
    require_judged(book)
    require_known(book)
    if today < history.day:
        require_dated(history)
    require_begun(history)
    _require(history, today)
    past = _record(book, asked[0], today, start_month, asked=record)
    factor = past.width_factor if past is not None else 1.0
    return _Case(book=book, history=history, today=today, asked=asked, names=names, factor=factor), past


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Filled:
    """What the draws give."""

    seen: Foresight
    rows: tuple[ForecastRow, ...]
    fan: tuple[FanDay, ...]
    draws_amount: Floats


def _filled(case: _Case, amount: float | None, draws: int, *, fan: bool = True) -> _Filled:
    """Draw the courses of things, and read rows and fan from them."""
    codes, labels = groups_of(case.book, case.names[0] if case.names else "")
    labels, codes = _seen_by(case, codes, labels)
    edges = _edges(case.asked, case.today)
    fan_days = _fan_days(case.asked[0], case.today) if fan else []
    seen = foresee(
        case.history, case.today, edges, codes, len(labels),
        classes=segments_of(case.book), fan=fan_days, draws=draws,
    )  # fmt: skip
    totals = [_totals(case, one, edges, seen, codes, len(labels)) for one in case.asked]
    rows: list[ForecastRow] = []
    for one, total in zip(case.asked, totals, strict=True):
        rows += _rows(case.book, one, total, case.names, labels, amount if one is case.asked[0] else None)
    return _Filled(
        seen=seen,
        rows=tuple(rows),
        fan=_fan(case.history, case.asked[0], case.today, fan_days, seen, case.factor) if fan else (),
        draws_amount=totals[0].amount.sum(axis=1),
    )


def _seen_by(
    case: _Case, codes: NDArray[np.int64], labels: tuple[str, ...]
) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Return the groups that had a deal by the day, and the codes of the deals among them."""
    known = np.unique(codes[case.history.begin_day <= case.today])
    table = np.zeros(len(labels), np.int64)
    table[known] = np.arange(len(known))
    return tuple(labels[k] for k in known), table[codes]


def _draws(value: Any) -> int:
    return int(check.number("draws", value, ge=100, le=100_000))


def _day(book: Book, as_of: Any) -> np.datetime64:
    today = book.as_of.astype("datetime64[D]")
    if as_of is None or as_of == "":
        return today
    day = check.timestamp("as_of", as_of).astype("datetime64[D]")
    if day > today:
        raise ParameterError(
            f"as_of = {str(as_of)!r}: later than the data, which are as of {today}",
            expected=f"a day up to {today}",
        )
    return day


def _require(history: History, today: int) -> None:
    """Raise MissingDataError where too few wins are known to learn from."""
    wins = int((history.win_day <= today).sum())
    if wins < LEAST_WINS:
        raise MissingDataError(
            f"only {wins} won by {np.datetime64(today, 'D')}",
            expected=f"at least {LEAST_WINS} won deals with a date, to learn from",
            hint="load more history, or take a later day",
        )


def _edges(asked: list[Period], today: int) -> list[int]:
    """Return the days on which a period begins or ends, from tomorrow on."""
    days: set[int] = set()
    for one in asked:
        days |= {when.day_number(one.start) - 1, when.day_number(one.end)}
    return sorted(day for day in days if day > today)


def _fan_days(period: Period, today: int) -> list[int]:
    """Return the ends of the weeks of a period, and its own end; none where it has not begun."""
    start, end = when.day_number(period.start), when.day_number(period.end)
    if start > today + 1:
        return []
    return sorted({*range(start + 6, end, 7 if end - start < 200 else 28), end} - set(range(today + 1)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Total:
    """Draws of one period by group, and what is won of it."""

    amount: Floats
    count: Floats
    won_amount: Floats
    won_n: Floats
    open_amount: Floats
    open_n: Floats
    new_amount: Floats
    new_n: Floats


def _totals(
    case: _Case, period: Period, edges: list[int], seen: Foresight, codes: NDArray[np.int64], groups: int
) -> _Total:
    """Return the draws of one period by group, with what is won of it."""
    today, factor = case.today, case.factor
    won_amount, won_n = _won(case.history, period, today, codes, groups)
    landed = seen.landing
    last = edges.index(when.day_number(period.end))
    first = when.day_number(period.start) - 1

    def within(values: Floats) -> Floats:
        before = values[:, edges.index(first)] if first > today else np.zeros_like(values[:, 0])
        made: Floats = values[:, last] - before
        return made

    opened, new = within(landed.open_amount), within(landed.new_amount)
    opened_n, new_n = within(landed.open_n), within(landed.new_n)
    return _Total(
        amount=spread(won_amount + opened + new, factor, won_amount),
        count=spread(won_n + opened_n + new_n, factor, won_n),
        won_amount=won_amount, won_n=won_n, open_amount=opened.mean(axis=0), open_n=opened_n.mean(axis=0),
        new_amount=new.mean(axis=0), new_n=new_n.mean(axis=0),
    )  # fmt: skip


def spread(total: Floats, factor: float, least: Floats) -> Floats:
    """Return draws by group spread about their means, so that groups still add up; none below what is won."""
    return total if factor == 1.0 else widened(total, factor, least)


def _won(
    history: History, period: Period, today: int, codes: NDArray[np.int64], groups: int
) -> tuple[Floats, Floats]:
    start = when.day_number(period.start)
    mine = (history.win_day >= start) & (history.win_day <= min(today, when.day_number(period.end)))
    amount = np.bincount(codes[mine], weights=np.nan_to_num(history.won_amount[mine]), minlength=groups)
    return amount.astype(float), np.bincount(codes[mine], minlength=groups).astype(float)


def _came(history: History, period: Period, today: int) -> float:
    """Return what came in the period, where the book is of a later day than the period's end."""
    end = when.day_number(period.end)
    if history.day < end or today >= history.day:
        return float("nan")
    mine = (history.win_day >= when.day_number(period.start)) & (history.win_day <= end)
    return float(np.nansum(history.won_amount[mine]))


def _rows(
    book: Book,
    period: Period,
    total: _Total,
    names: tuple[str, ...],
    labels: tuple[str, ...],
    amount: float | None,
) -> list[ForecastRow]:
    rows = []
    if names:
        rows = [
            _row(period, (label,), _some(total, [g]), _target(book, period, names[0], label))
            for g, label in enumerate(labels)
        ]
    goal = (
        _target(book, period, "", "")
        if amount is None
        else check.number("amount", amount, gt=0, lt=float("inf"))
    )
    return [*rows, _row(period, (), _some(total, list(range(len(labels)))), goal)]


def _some(total: _Total, groups: list[int]) -> _Total:
    """Return some groups together."""
    parts = {
        name: getattr(total, name)[..., groups].sum(axis=-1)
        for name in ("amount", "count", "won_amount", "won_n", "open_amount", "open_n", "new_amount", "new_n")
    }
    return _Total(**parts)


def _target(book: Book, period: Period, name: str, label: str) -> float:
    """Return the target of the period, of all or of one group, where the table of targets holds it."""
    table = book.tables.get("targets")
    if table is None or "period" not in table or "amount" not in table:
        return float("nan")
    source = book
    if name:
        if name not in table:
            return float("nan")
        from dataclasses import replace

        source = replace(book, tables={**book.tables, "targets": table[table[name] == label]})
    try:
        return target_amount(source, None, period)
    except MissingDataError:
        return float("nan")


def _row(period: Period, group: tuple[str, ...], total: _Total, goal: float) -> ForecastRow:
    q = {f"q{one:02d}_amount": float(np.quantile(total.amount, one / 100)) for one in QUANTILES}
    expected = float(total.amount.mean())
    known = goal > 0
    return ForecastRow(
        period=period.name,
        group=group,
        won_amount=float(total.won_amount), won_n=float(total.won_n),
        open_amount=float(total.open_amount), open_n=float(total.open_n),
        new_amount=float(total.new_amount), new_n=float(total.new_n),
        expected_amount=expected,
        expected_n=float(total.count.mean()),
        **q,
        **{f"q{one}_n": float(np.quantile(total.count, one / 100)) for one in (10, 50, 90)},
        target_amount=goal,
        chance_rate=_chance(total, goal) if known else float("nan"),
        attained_share=expected / goal if known else float("nan"),
        attained_q10_share=q["q10_amount"] / goal if known else float("nan"),
        attained_q90_share=q["q90_amount"] / goal if known else float("nan"),
    )  # fmt: skip


def _chance(total: _Total, goal: float) -> float:
    """Return the chance of a target; what no draw shows is not impossible, and what all show is not certain."""
    if total.won_amount >= goal:
        return 1.0
    hits = float((total.amount >= goal).sum())
    return (hits + 0.5) / (total.amount.size + 1)


def _fan(
    history: History, period: Period, today: int, days: list[int], seen: Foresight, factor: float
) -> tuple[FanDay, ...]:
    """Return what had come in at the end of each week up to now, and what will have by those to come."""
    start, end = when.day_number(period.start), when.day_number(period.end)
    rows = []
    for day in sorted(
        {*range(start - 1, min(today, end) + 1, 7), min(today, end)} if start <= today + 1 else ()
    ):
        mine = (history.win_day >= start) & (history.win_day <= day)
        came = float(np.nansum(history.won_amount[mine]))
        q = {f"q{one:02d}_amount": came for one in QUANTILES}
        rows.append(FanDay(day=np.datetime64(day, "D"), known=True, **q, came_amount=came))
    so_far = rows[-1].q50_amount if rows else 0.0
    for column, day in enumerate(days):
        total = spread(so_far + seen.fan[:, column], factor, np.array(so_far))
        q = {f"q{one:02d}_amount": float(np.quantile(total, one / 100)) for one in QUANTILES}
        mine = (history.win_day >= start) & (history.win_day <= day)
        came = float(np.nansum(history.won_amount[mine])) if history.day >= day else float("nan")
        rows.append(FanDay(day=np.datetime64(day, "D"), known=False, **q, came_amount=came))
    return tuple(rows)


MOST_DEALS = 50


def _deals(
    book: Book, history: History, seen: Foresight, period: Period, today: int
) -> tuple[ForecastDeal, ...]:
    chance = _in_period(seen, period, today)
    worth = chance * seen.amount
    order = np.argsort(-worth, kind="stable")[:MOST_DEALS]
    ids = book.ledger.deal_ids
    stages = book.playbook.stage_ids
    standing = np.where(
        history.stage_day[:, seen.index] <= today, np.arange(history.won + 1)[:, None], 0
    ).max(axis=0)
    named = customers_of(book, [str(ids[seen.index[k]]) for k in order])
    return tuple(
        ForecastDeal(
            opportunity_id=str(ids[seen.index[k]]),
            customer=customer,
            stage=stages[int(standing[k])],
            chance_rate=float(chance[k]),
            deal_amount=float(seen.amount[k]),
            expected_amount=float(worth[k]),
        )
        for k, customer in zip(order, named, strict=True)
        if worth[k] > 0
    )


def _in_period(seen: Foresight, period: Period, today: int) -> Floats:
    """Return the chance of each open deal to be won within a period."""
    edges = seen.edges.tolist()
    last = seen.chance[edges.index(when.day_number(period.end))]
    first = when.day_number(period.start) - 1
    return last - seen.chance[edges.index(first)] if first > today else last


def _asked(periods: list[Period]) -> dict[str, Any]:
    """Return the names of the periods, and the first and the last day of them."""
    names = tuple(one.name for one in periods)
    return {"periods": names, "since": periods[0].start, "until": periods[-1].end}


def _by_category(case: _Case, seen: Foresight, store: Store | None) -> tuple[CategoryRow, ...]:
    """Return the open deals by the sellers' category, and what the categories were worth in the past."""
    first, today = case.asked[0], case.today
    chance, days = _in_period(seen, first, today), when.day_number(first.end) - today
    return category_rows(case.book, case.history, seen, chance, store=store, days=days)


def _record(
    book: Book, period: Period, today: int, start_month: int, *, asked: bool | Record
) -> Record | None:
    if isinstance(asked, Record):
        return asked
    if not asked:
        return None
    kind = when.kind_of(period)
    if not kind or not replayable(history_of(book)):
        return None
    before = (
        when.day_number(period.start) - 1 - today
    )  # on its eve no day is left, however long the period is
    lead = before + round(when.LENGTHS[kind] * 30.4375)
    return record_of(book, kind, lead, today, start_month)


def _notes(history: History, seen: Foresight, past: Record | None, *, replayed: bool) -> tuple[Note, ...]:
    found: tuple[Note, ...] = ()
    if not seen.priced:
        found += (Note("forecast_unpriced"),)
    if seen.left_out_n:
        found += (Note("forecast_left_out", {"deals_n": seen.left_out_n}),)
    if history.undated_n:
        found += (Note("forecast_undated_ends", {"deals_n": history.undated_n}),)
    if seen.known.late:
        found += (Note("forecast_late", {"day": str(np.datetime64(seen.known.since, "D"))}),)
    if history.at_close:
        found += (Note("forecast_amount_at_close"),)
    if replayed:
        found += (Note("forecast_replayed"),)
    if not replayable(history):
        found += (Note("forecast_not_replayed", {"deals_n": history.undated_n}),)
    elif past is None or past.n < 2:
        found += (Note("forecast_no_record", {"periods_n": 0 if past is None else past.n}),)
    return found
