"""What does a lead, an opportunity and an order cost, by source, region or period?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.analysis.diagnosis.desk import Desk, in_days
from funnelnb.analysis.shared.counts import SECONDS_PER_DAY, level, source_notes
from funnelnb.analysis.shared.judged import entries_known
from funnelnb.analysis.shared.open_deals import needed
from funnelnb.analysis.shared.period import Period, period_of
from funnelnb.analysis.shared.question import question
from funnelnb.analysis.shared.result import Result
from funnelnb.core import check
from funnelnb.core.check import TOO_FEW_N
from funnelnb.core.errors import MissingDataError
from funnelnb.core.note import Note
from funnelnb.stats.totals.means import poisson_interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from funnelnb.data.book import Book

    Mask = NDArray[np.bool_]

BY = ("source", "region", "owner", "team", "period")


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitCost:
    """What was spent on one source, region or period, and what came of it.

    Attributes
    ----------
    group : tuple of str
        Empty: all.
    spent_amount : float
    lead_n, opportunity_n, order_n : int
        Deals that entered, that got beyond the first stage, and that were won, in the periods of the cost.
    order_amount : float
        Known amounts of those orders.
    per_lead_amount, per_lead_ci_lower, per_lead_ci_upper : float
    per_opportunity_amount, per_opportunity_ci_lower, per_opportunity_ci_upper : float
    per_order_amount, per_order_ci_lower, per_order_ci_upper : float
        Cost over the number; the cost is known, the number is what chance could have made another.
    of_orders_share : float
        Cost over the amount of the orders.
    enough : bool
        At least ten orders.
    """

    group: tuple[str, ...]
    spent_amount: float
    lead_n: int
    opportunity_n: int
    order_n: int
    order_amount: float
    per_lead_amount: float
    per_lead_ci_lower: float
    per_lead_ci_upper: float
    per_opportunity_amount: float
    per_opportunity_ci_lower: float
    per_opportunity_ci_upper: float
    per_order_amount: float
    per_order_ci_lower: float
    per_order_ci_upper: float
    of_orders_share: float
    enough: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class UnitCosts(Result):
    """Cost per lead, opportunity and order. `n` counts orders in the periods of the cost.

    Attributes
    ----------
    by : tuple of str
    rows : tuple of UnitCost
        All first, then the dearest order first; periods in order of time.
    unassigned_amount : float
        Cost that names no value of `by`: in the sum of all, in no row.
    starts, ends : numpy.datetime64
        First and last day of the periods of the cost.
    """

    by: tuple[str, ...]
    rows: tuple[UnitCost, ...]
    unassigned_amount: float
    starts: np.datetime64
    ends: np.datetime64


@question("diagnosis")
def costs(book: Book, *, by: str | None = None, confidence_level: float | None = None) -> UnitCosts:
    """What does a lead, an opportunity and an order cost, by source, region or period?

    Parameters
    ----------
    book : Book
        With the table ``costs``: period, amount, and source, region, team or owner.
    by : {"source", "region", "owner", "team", "period"}, optional
        None: by source.
    confidence_level : float, optional

    Returns
    -------
    UnitCosts

    Raises
    ------
    MissingDataError
        There is no such table, no period of it is over, or all of it is in another currency.

    Notes
    -----
    Cost of the periods that are over, against leads entered, opportunities (second stage reached) and orders won in the
    same days. An order of this month may stem from the cost of an earlier one: compare long stretches. Intervals:
    Garwood's of the number, the cost taken as known. Rows in another currency than the book's are left out, not
    converted.

    Checked against sums by hand and pandas: ``tests/analysis/test_diagnosis_more.py``.

    Examples
    --------
    >>> import funnelnb as fn
    >>> whole = fn.diagnosis.costs(fn.sample()).rows[0]
    >>> whole.per_order_amount == whole.spent_amount / whole.order_n
    True
    """
    by = check.one_of("by", "source" if by is None else by, BY)
    confidence = level(confidence_level)
    table, notes = _table(book)
    desk, past = Desk(book, "owner"), _over(book, table)
    notes += _before_records(book, table, past)
    table = table[table["period"].astype("str").isin(past)]
    if not past or not len(table):
        raise MissingDataError(
            "costs: no period of the table is over and has recorded deals",
            expected="months or quarters that have ended, since the first deal",
        )
    named = by == "period" or (by in table and table[by].notna().any() and by in desk.ledger.attributes)
    if not named:
        notes += (Note("costs_not_by", {"attribute": by}),)
    inside = days_inside(desk, list(past.values()))
    whole = _row(desk, (), float(table["amount"].sum()), inside, np.ones(len(desk.won), bool), confidence)
    rows, unassigned = _grouped(desk, table, by, past, inside, confidence) if named else ([], 0.0)
    return UnitCosts(
        n=whole.order_n,
        method="unit_costs",
        confidence_level=confidence,
        as_of=book.as_of,
        currency=book.currency,
        notes=(*book.notes, *source_notes(book), *notes),
        by=(by,) if named else (),
        rows=(whole, *rows),
        unassigned_amount=unassigned,
        starts=min(one.start for one in past.values()),
        ends=max(one.end for one in past.values()),
    )


def _table(book: Book) -> tuple[pd.DataFrame, tuple[Note, ...]]:
    """Return the rows of cost that count, in the currency of the book."""
    table = needed(book, "costs", "period", "amount", why="costs").dropna(subset=["period", "amount"])
    return _one_currency(book, table)


def _over(book: Book, table: pd.DataFrame) -> dict[str, Period]:
    """Return the periods of the cost that are over, by the text that names them."""
    periods = {str(one): found for one in table["period"].unique() if (found := period_of(str(one)))}
    today = np.datetime64(int(float(book.ledger.as_of_s) / SECONDS_PER_DAY), "D")
    since = _first_day(book)
    return {name: one for name, one in periods.items() if since <= one.end <= today}


def _first_day(book: Book) -> np.datetime64:
    """Return the first day of which any deal is known: what was spent before it brought deals that nobody recorded."""
    desk = Desk(book, "owner")
    known = np.concatenate([desk.entered, desk.closed])
    known = known[~np.isnan(known)]
    return np.datetime64(int(known.min()), "D") if known.size else np.datetime64("NaT", "D")


def _before_records(book: Book, table: pd.DataFrame, past: dict[str, Period]) -> tuple[Note, ...]:
    """Say how many rows of cost are of periods before the first deal."""
    since = _first_day(book)
    early = [
        name
        for name in table["period"].astype("str").unique()
        if name not in past and (found := period_of(name)) and found.end < since
    ]
    rows_n = int(table["period"].astype("str").isin(early).sum())
    return (Note("costs_before", {"rows_n": rows_n}),) if rows_n else ()


def periods_over(book: Book) -> list[Period]:
    """Return the periods of the cost that are over."""
    return list(_over(book, _table(book)[0]).values())


def _one_currency(book: Book, table: pd.DataFrame) -> tuple[pd.DataFrame, tuple[Note, ...]]:
    """Return the rows in the book's currency; the others are left out and told."""
    if "currency" not in table or not book.currency:
        return table, ()
    other = table["currency"].notna() & (table["currency"].astype("str").str.upper() != book.currency.upper())
    if not other.any():
        return table, ()
    named = ", ".join(sorted(set(table.loc[other, "currency"].astype("str"))))
    if other.all():
        raise MissingDataError(
            f"costs: all rows are in {named}, the deals in {book.currency}",
            expected=f"costs in {book.currency}",
            hint="convert the costs before loading; this package converts no currency",
        )
    return table[~other], (Note("costs_other_currency", {"rows_n": int(other.sum()), "currencies": named}),)


def days_inside(desk: Desk, periods: Sequence[Period]) -> dict[str, Mask]:
    """Return which deals entered, became an opportunity, and were won within any of the periods."""
    first = np.array(sorted(int(one.start.astype(np.int64)) for one in periods))
    last = np.array(sorted(int(one.end.astype(np.int64)) for one in periods)) + 1
    second = in_days(desk.ledger.reached_s[:, min(1, desk.ledger.won)])
    found = {}
    for name, day in (
        ("lead", desk.entered),
        ("opportunity", second),
        ("order", np.where(desk.won, desk.closed, np.nan)),
    ):
        place = np.searchsorted(first, day, side="right") - 1
        found[name] = ~np.isnan(day) & (place >= 0) & (day < last[np.maximum(place, 0)])
    return found


def _row(
    desk: Desk, group: tuple[str, ...], spent: float, inside: dict[str, Mask], mine: Mask, confidence: float
) -> UnitCost:
    counts = {name: int((mask & mine).sum()) for name, mask in inside.items()}
    amounts = desk.ledger.amount[inside["order"] & mine]
    brought, priced_n = float(np.nansum(amounts)), int((~np.isnan(amounts)).sum())
    values: dict[str, Any] = {}
    for name, n in counts.items():
        lower, upper = poisson_interval(n, confidence)
        known = bool(n) and (name == "order" or entries_known(desk.book))
        values |= {
            f"per_{name}_amount": spent / n if known else float("nan"),
            f"per_{name}_ci_lower": spent / upper if known else float("nan"),
            f"per_{name}_ci_upper": spent / lower if known and lower > 0 else float("nan"),
            f"{name}_n": n,
        }
    return UnitCost(
        group=group,
        spent_amount=spent,
        order_amount=brought,
        of_orders_share=spent / (brought * (amounts.size / priced_n)) if brought > 0 else float("nan"),
        enough=counts["order"] >= TOO_FEW_N,
        **values,
    )


def _grouped(
    desk: Desk,
    table: pd.DataFrame,
    by: str,
    past: dict[str, Period],
    inside: dict[str, Mask],
    confidence: float,
) -> tuple[list[UnitCost], float]:
    everyone = np.ones(len(desk.won), bool)
    if by == "period":
        sums = table.groupby(table["period"].astype("str"))["amount"].sum()
        order = sorted(sums.index, key=lambda text: past[text].start)
        return [
            _row(
                desk,
                (past[text].name,),
                float(sums[text]),
                days_inside(desk, [past[text]]),
                everyone,
                confidence,
            )
            for text in order
        ], 0.0
    coded = desk.ledger.attributes[by]
    sums = table[table[by].notna()].groupby(table[by].astype("str"))["amount"].sum()
    rows = [
        _row(
            desk, (str(name),), float(paid), inside,
            coded.codes == coded.labels.index(str(name)) if str(name) in coded.labels else ~everyone, confidence,
        )
        for name, paid in sums.items()
    ]  # fmt: skip
    rows.sort(key=lambda row: (-np.nan_to_num(row.per_order_amount, nan=np.inf), row.group))
    return rows, float(table.loc[table[by].isna(), "amount"].sum())
