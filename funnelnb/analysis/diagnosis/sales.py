"""How do sales develop by month and product, which months are beyond chance, and when did a series change?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.analysis.diagnosis.desk import Desk
from funnelnb.analysis.diagnosis.report_figures import LEAST_PRICED
from funnelnb.analysis.shared.counts import grouping, level, source_notes
from funnelnb.analysis.shared.judged import require_entries
from funnelnb.analysis.shared.question import question
from funnelnb.analysis.shared.result import Result
from funnelnb.core import check
from funnelnb.core.arrays import in_months
from funnelnb.core.errors import MissingDataError, ParameterError
from funnelnb.core.note import Note
from funnelnb.data.ledger.codes import WON_DEAL
from funnelnb.stats.rates.change import change_points, count_changes
from funnelnb.stats.rates.control import control_limits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from funnelnb.data.book import Book
    from funnelnb.stats.rates.change import Change as Point

    Floats = NDArray[np.float64]

PERIODS = ("week", "month", "quarter")
MEASURES = ("amount", "orders", "entries")
MOST_GROUPS = 8
LEAST_PERIODS = 4
RAMP_SHARE = 0.8
"""Orders are judged from the day by which so many won deals of the first entries had been won."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SalesRow:
    """One period of all sales, or of one group.

    Attributes
    ----------
    group : tuple of str
    period : str
    starts : numpy.datetime64
    sales_n : int
        Orders, or deals that entered.
    sales_amount : float
        Known amounts of the orders; NaN for entries.
    centre, lower_limit, upper_limit : float
        Expected with season, and the control limits; NaN where the period is not judged or there are too few.
    signal : {"", "above", "below", "run_above", "run_below"}
        Beyond the limits, or the eighth period in a row on one side.
    judged : bool
        Limits and breaks count it: it is over, and the deals that could be won in it were recorded by then.
    """

    group: tuple[str, ...]
    period: str
    starts: np.datetime64
    sales_n: int
    sales_amount: float
    centre: float
    lower_limit: float
    upper_limit: float
    signal: str
    judged: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesBreak:
    """A change that a series shows by itself.

    Attributes
    ----------
    group : tuple of str
    period, period_lower, period_upper : str
        First period of the new level, and between which it lies.
    before_value, before_ci_lower, before_ci_upper, after_value, after_ci_lower, after_ci_upper : float
        Events per period, or the rate.
    p_value : float
        Adjusted for having looked at every period.
    """

    group: tuple[str, ...]
    period: str
    period_lower: str
    period_upper: str
    before_value: float
    before_ci_lower: float
    before_ci_upper: float
    after_value: float
    after_ci_lower: float
    after_ci_upper: float
    p_value: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class SalesTrend(Result):
    """Sales over time. `n` counts orders (or entries).

    Attributes
    ----------
    by : tuple of str
    period : {"week", "month", "quarter"}
    measure : {"amount", "orders", "entries"}
    rows : tuple of SalesRow
        All first, then each group, in order of time.
    breaks : tuple of SeriesBreak
        Of the number of orders, or of entries.
    seasonal : bool
        A season was measured and taken out: two years or more.
    """

    by: tuple[str, ...]
    period: str
    measure: str
    rows: tuple[SalesRow, ...]
    breaks: tuple[SeriesBreak, ...]
    seasonal: bool


@question("diagnosis", formerly={"period": "every"})
def sales_trend(
    book: Book,
    *,
    measure: str | None = None,
    every: str = "month",
    by: str | None = None,
    confidence_level: float | None = None,
) -> SalesTrend:
    """How do sales develop by month and product, which months are beyond chance, and since when is it otherwise?

    Parameters
    ----------
    book : Book
    measure : {"amount", "orders", "entries"}, optional
        Amount won, number won, or number of deals that entered. None: the amount, where half of the won deals have
        one, else the number won.
    every : {"week", "month", "quarter"}
    by : str, optional
        Attribute, such as the product: its eight largest values each get a series.
    confidence_level : float, optional
        Of the intervals of a break.

    Returns
    -------
    SalesTrend

    Raises
    ------
    MissingDataError
        No order (or entry) has a date; or amounts are asked for and no won deal has one.

    Notes
    -----
    Limits of an individuals chart on square roots, season taken out where two years are known
    (:func:`funnelnb.stats.rates.control.control_limits`). A month within its limits needs no story. The chart says that
    a month is beyond chance, not why: ask for demand, marketing, competitors, prices, people.

    Checked against sums by hand and false alarms on independent months: ``tests/analysis/test_diagnosis_more.py``.

    Examples
    --------
    >>> import funnelnb as fn
    >>> result = fn.diagnosis.sales_trend(fn.sample(), by="product")
    >>> result.rows[0].period, result.rows[0].judged
    ('2024-08', False)
    """
    check.one_of("every", every, PERIODS)
    measure = _measure(book, measure)
    if measure == "entries":
        require_entries(book, "how many deals entered")
    confidence, names, desk = level(confidence_level), grouping(book, by), Desk(book, "owner")
    day = days_of(desk, measure)
    known = ~np.isnan(day)
    if not known.any():
        raise MissingDataError(
            f"a trend of sales: no {'entry' if measure == 'entries' else 'order'} has a date",
            expected="dates of closing or creation",
        )
    starts = _starts(day[known], desk.today, every)
    place = np.searchsorted(starts.astype(np.int64), day, side="right") - 1
    groups, unpriced = _grouped(desk, known, names), _unpriced(desk, measure)
    found = [_series(desk, group, mask, place, starts, measure, every, confidence) for group, mask in groups]
    return SalesTrend(
        n=int(known.sum()),
        method="sales_trend",
        confidence_level=confidence,
        as_of=book.as_of,
        currency=book.currency,
        notes=(*book.notes, *source_notes(book), *_notes(found[0][0], found[0][2], every), *unpriced),
        by=names,
        period=every,
        measure=measure,
        rows=tuple(row for rows, _, _ in found for row in rows),
        breaks=tuple(one for _, breaks, _ in found for one in breaks),
        seasonal=found[0][2],
    )


def _measure(book: Book, asked: str | None) -> str:
    """Return what is followed: what was asked for, or the amount as far as won deals have one."""
    if asked is not None:
        check.one_of("measure", asked, MEASURES)
    known = ~np.isnan(book.ledger.amount[book.ledger.outcome == WON_DEAL])
    if asked is None:
        return "amount" if known.size and known.mean() >= LEAST_PRICED else "orders"
    if asked == "amount" and known.size and not known.any():
        raise MissingDataError(
            "a trend of sales: no won deal has an amount",
            expected="amounts of won deals",
            hint="ask for the number won: measure='orders'",
        )
    return asked


def _unpriced(desk: Desk, measure: str) -> tuple[Note, ...]:
    """Say how many won deals count as 0 in a trend of amounts."""
    missing = int(np.isnan(desk.ledger.amount[desk.won]).sum())
    return (Note("amounts_missing_zero", {"deals_n": missing}),) if measure == "amount" and missing else ()


def days_of(desk: Desk, measure: str) -> Floats:
    """Return the day on which each deal counts: entered, or won; NaN where it does not."""
    return desk.entered if measure == "entries" else np.where(desk.won, desk.closed, np.nan)


def named_place(desk: Desk, measure: str, period: str, start: np.datetime64) -> NDArray[np.bool_]:
    """Return which deals count in the period that begins on a day."""
    day = days_of(desk, measure)
    first, after = (
        float(one.astype("datetime64[D]").astype(np.int64)) for one in (start, _next(start, period))
    )
    return np.asarray((day >= first) & (day < after))


def _grouped(desk: Desk, known: Any, names: Sequence[str]) -> list[tuple[tuple[str, ...], Any]]:
    """Return all, then the eight largest groups by name."""
    groups: list[tuple[tuple[str, ...], Any]] = [((), known)]
    for name in names:
        coded = desk.ledger.attributes[name]
        size = np.bincount(coded.codes[known], minlength=len(coded.labels))
        largest = sorted(
            np.argsort(-size, kind="stable")[:MOST_GROUPS].tolist(), key=lambda k: coded.labels[k]
        )
        groups += [((coded.labels[k],), known & (coded.codes == k)) for k in largest if size[k]]
    return groups


def _starts(days: Floats, today: float, period: str) -> NDArray[np.datetime64]:
    """Return the first days of all periods from the first event to today."""
    first, last = (np.datetime64(int(one), "D") for one in (days.min(), today))
    if period == "week":
        monday = first - np.timedelta64((int(first.astype(np.int64)) + 3) % 7, "D")
        return np.arange(monday, last + np.timedelta64(1, "D"), np.timedelta64(7, "D"))
    months = np.arange(first.astype("datetime64[M]"), last.astype("datetime64[M]") + in_months(1))
    if period == "quarter":
        begin = first.astype("datetime64[M]") - in_months(
            int(first.astype("datetime64[M]").astype(np.int64)) % 3
        )
        months = np.arange(begin, last.astype("datetime64[M]") + in_months(1), np.timedelta64(3, "M"))
    return months.astype("datetime64[D]")


def named(start: np.datetime64, period: str) -> str:
    """Return what a period is called that begins on a day: 2026-W27, 2026-07, 2026-Q3."""
    day = start.astype("datetime64[D]").item()
    if period == "week":
        year, week, _ = day.isocalendar()
        return f"{year}-W{week:02d}"
    return f"{day.year}-Q{(day.month + 2) // 3}" if period == "quarter" else f"{day.year}-{day.month:02d}"


def _series(
    desk: Desk, group: tuple[str, ...], mask: Any, place: NDArray[np.int64], starts: NDArray[np.datetime64],
    measure: str, period: str, confidence: float,
) -> tuple[list[SalesRow], list[SeriesBreak], bool]:  # fmt: skip
    n = np.bincount(place[mask], minlength=len(starts)).astype(float)
    unpriced = bool(np.isnan(desk.ledger.amount[desk.won]).all())
    amounts = np.nan_to_num(desk.ledger.amount[mask])
    amount = np.bincount(place[mask], weights=amounts, minlength=len(starts))
    over = np.append(starts[1:], _next(starts[-1], period)).astype(np.int64) <= desk.today + 1
    over &= starts.astype(np.int64) >= _settled(desk, measure)
    values = (amount if measure == "amount" else n)[over]
    month = starts.astype("datetime64[M]").astype(np.int64) % 12
    cycle = {"week": None, "month": month[over], "quarter": month[over] // 3}[period]
    limits = control_limits(values, cycle, 4 if period == "quarter" else 12)
    whole = np.flatnonzero(over)
    rows = []
    for t, start in enumerate(starts):
        k = int(np.searchsorted(whole, t)) if over[t] else -1
        rows.append(
            SalesRow(
                group=group, period=named(start, period), starts=start, sales_n=int(n[t]),
                sales_amount=float("nan") if measure == "entries" or unpriced else float(amount[t]),
                centre=float(limits.centre[k]) if k >= 0 else np.nan,
                lower_limit=float(limits.lower[k]) if k >= 0 else np.nan,
                upper_limit=float(limits.upper[k]) if k >= 0 else np.nan,
                signal=limits.signal[k] if k >= 0 else "", judged=bool(over[t]),
            )
        )  # fmt: skip
    labels = [named(start, period) for start in starts[over]]
    exposure = (
        None
        if cycle is None
        else control_limits(n[over], cycle, 4 if period == "quarter" else 12).season[cycle]
    )
    points = count_changes(n[over], exposure, confidence) if over.sum() >= LEAST_PERIODS else ()
    return rows, [_break(group, labels, one) for one in points], bool((limits.season != 1).any())


def _settled(desk: Desk, measure: str) -> float:
    """Return the day from which orders no longer lack the deals that entered before the records begin."""
    spent = (desk.closed - desk.entered)[desk.won]
    spent = spent[~np.isnan(spent)]
    if measure == "entries" or not spent.size:
        return -np.inf
    return float(np.nanmin(desk.entered) + np.quantile(spent, RAMP_SHARE))


def _next(start: np.datetime64, period: str) -> np.datetime64:
    if period == "week":
        return start + np.timedelta64(7, "D")
    return (start.astype("datetime64[M]") + in_months(3 if period == "quarter" else 1)).astype(
        "datetime64[D]"
    )


def _break(group: tuple[str, ...], labels: Sequence[str], one: Point) -> SeriesBreak:
    return SeriesBreak(
        group=group, period=labels[one.position], period_lower=labels[one.position_lower],
        period_upper=labels[one.position_upper], before_value=one.before_rate, before_ci_lower=one.before_ci_lower,
        before_ci_upper=one.before_ci_upper, after_value=one.after_rate, after_ci_lower=one.after_ci_lower,
        after_ci_upper=one.after_ci_upper, p_value=one.p_value,
    )  # fmt: skip


def _notes(rows: Sequence[SalesRow], seasonal: bool, period: str) -> tuple[Note, ...]:
    judged = [row for row in rows if row.judged]
    notes: tuple[Note, ...] = ()
    if judged and rows[0].starts < judged[0].starts:
        notes += (Note("sales_ramp", {"starts": judged[0].starts}),)
    if not seasonal and period != "week":
        notes += (Note("season_unknown", {"periods_n": len(judged)}),)
    return notes


# ---- Any series ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class SeriesBreaks(Result):
    """When a series of counts or rates changed. `n` counts events.

    Attributes
    ----------
    by : tuple of str
        Always empty.
    kind : {"counts", "rates"}
    labels : tuple of str
        Names of the periods, in order.
    breaks : tuple of SeriesBreak
    """

    by: tuple[str, ...]
    kind: str
    labels: tuple[str, ...]
    breaks: tuple[SeriesBreak, ...]


_PERIODS = "numbers, one per period, such as [10, 12, 9, 11]"


def _numbers(name: str, value: Any) -> NDArray[np.float64]:
    try:
        return np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        kind = type(value).__name__
        hint = "fn.diagnosis.sales_trend(book) counts the deals of a book itself" if kind == "Book" else ""
        raise ParameterError(f"{name} is of type {kind}", expected=_PERIODS, hint=hint) from None


def breaks(
    counts: Sequence[float],
    of: Sequence[float] | None = None,
    *,
    labels: Sequence[Any] | None = None,
    confidence_level: float | None = None,
) -> SeriesBreaks:
    """When did a series of counts, or of rates, change, without being told?

    Parameters
    ----------
    counts : sequence of float
        Events per period, in order of time: orders, leads, wins.
    of : sequence of float, optional
        Of how many each period's are: then the rate is searched. None: the counts themselves.
    labels : sequence, optional
        What the periods are called, such as their dates; None: 1, 2, 3 …
    confidence_level : float, optional

    Returns
    -------
    SeriesBreaks

    Raises
    ------
    ParameterError
        Counts and their totals do not fit, or there are fewer than four periods.

    Notes
    -----
    :func:`funnelnb.stats.rates.change.change_points`: the chance of a false break in a steady series is one minus the
    confidence level, however many periods were looked at; the interval says between which periods the change lies.

    Examples
    --------
    >>> import funnelnb as fn
    >>> found = fn.diagnosis.breaks([10, 12, 9, 11, 25, 22, 27, 24])
    >>> [(one.period, one.before_value.__round__(1), one.after_value.__round__(1)) for one in found.breaks]
    [('5', 10.5, 24.5)]
    """
    confidence = level(confidence_level)
    if np.ndim(_numbers("counts", counts)) != 1 or (of is not None and np.ndim(_numbers("of", of)) != 1):
        raise ParameterError("counts are no list", expected=_PERIODS)
    if len(counts) < LEAST_PERIODS:
        raise ParameterError(f"{len(counts)} periods", expected=f"at least {LEAST_PERIODS}")
    known = tuple(str(one) for one in (labels if labels is not None else range(1, len(counts) + 1)))
    if len(known) != len(counts) or (of is not None and len(of) != len(counts)):
        raise ParameterError("counts, of and labels differ in length", expected="one of each per period")
    points = count_changes(counts, None, confidence) if of is None else change_points(counts, of, confidence)
    return SeriesBreaks(
        n=round(float(np.sum(counts))),
        method="series_breaks",
        confidence_level=confidence,
        as_of=np.datetime64("NaT", "s"),
        currency="",
        notes=(),
        by=(),
        kind="counts" if of is None else "rates",
        labels=known,
        breaks=tuple(_break((), known, one) for one in points),
    )
