"""What are the sellers' forecast categories (commit, best case, pipeline, omitted) worth: now, and in the past?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from funnelnb.analysis.forecast.history import NEVER, history_of
from funnelnb.stats.rates.proportion import wilson

if TYPE_CHECKING:
    from funnelnb.analysis.forecast.engine import Foresight
    from funnelnb.analysis.forecast.history import History
    from funnelnb.data.book import Book
    from funnelnb.data.snapshots import Store

Floats = NDArray[np.float64]

CATEGORIES = (
    "forecast_category",
    "forecastcategory",
    "forecast_category_name",
    "forecastcategoryname",
    "预测类别",
)
"""Columns in which sellers say how sure they are: commit, best case, pipeline, omitted."""
STORE_LEVEL = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryRow:
    """The open deals that sellers put in one category.

    Attributes
    ----------
    category : str
    deal_n : int
    open_amount : float
    expected_amount : float
        What the forecast expects of them by the end of the first period.
    worth_share : float
        Expected / amount.
    past_n : int
        Deals that snapshots show open in this category, as many days before a day that is over; 0 without snapshots.
    past_won_rate, past_won_ci_lower, past_won_ci_upper : float
        Share of them that was won within those days (Wilson's interval at 90 %); NaN where there are none.
    past_share : float
        What they brought / their amount then; NaN where there are none.
    """

    category: str
    deal_n: int
    open_amount: float
    expected_amount: float
    worth_share: float
    past_n: int
    past_won_rate: float
    past_won_ci_lower: float
    past_won_ci_upper: float
    past_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Past:
    """What one category was worth: deals and their amounts, and what was won of them."""

    deal_n: int
    won_n: int
    amount: float
    won_amount: float


def category_rows(
    book: Book, history: History, seen: Foresight, chance: Floats, *, store: Store | None, days: int
) -> tuple[CategoryRow, ...]:
    """Return the open deals by forecast category, where the data have one and are of today; most worth first.

    Parameters
    ----------
    book : Book
    history : History
    seen : Foresight
    chance : ndarray of float64, shape (K,)
        Of each open deal to be won in the period.
    store : Store or None
        One export does not tell what a deal's category was: closing overwrites it.
    days : int
        To the end of the period.
    """
    name = category_column(book)
    if not name or seen.known.day != history.day or name not in book.ledger.attributes:
        return ()
    past = {} if store is None else worth_then(store, days, seen.known.day)
    coded = book.ledger.attributes[name]
    mine = coded.codes[seen.index]
    rows = []
    for code, label in enumerate(coded.labels):
        here = mine == code
        if here.any():
            worth = float((chance * seen.amount)[here].sum())
            rows.append(_row(label, seen.amount[here], worth, past.get(label)))
    return tuple(sorted(rows, key=lambda row: -row.worth_share))


def category_column(book: Book) -> str:
    """Return the column of forecast categories; empty where there is none."""
    return next((one for one in book.attributes if one.casefold().replace(" ", "_") in CATEGORIES), "")


def _row(label: str, amount: Floats, worth: float, past: _Past | None) -> CategoryRow:
    nan, total = float("nan"), float(amount.sum())
    lower = upper = nan
    if past is not None:
        lower, upper = (float(one[0]) for one in wilson([past.won_n], [past.deal_n], STORE_LEVEL))
    return CategoryRow(
        category=label,
        deal_n=amount.size,
        open_amount=total,
        expected_amount=worth,
        worth_share=worth / total if total > 0 else nan,
        past_n=0 if past is None else past.deal_n,
        past_won_rate=nan if past is None else past.won_n / past.deal_n,
        past_won_ci_lower=lower,
        past_won_ci_upper=upper,
        past_share=past.won_amount / past.amount if past is not None and past.amount > 0 else nan,
    )


def worth_then(store: Store, days: int, today: int) -> dict[str, _Past]:
    """Return what deals of each category brought within so many days of the snapshot that shows them in it.

    Stretches do not overlap, so that a win counts once; nothing after `today` is looked at.
    """
    dates = [(int(np.datetime64(one, "D").astype(np.int64)), one) for one in store.dates]
    dates = [(day, one) for day, one in dates if day <= today]
    if not dates:
        return {}
    latest = store.at(dates[-1][1])
    until = dates[-1][0]
    place = {str(one): k for k, one in enumerate(latest.ledger.deal_ids)}
    found: dict[str, list[_Past]] = {}
    for day, date in reversed(dates):
        if day + days <= until:
            until = day
            for label, one in _of_day(store.at(date), latest, place, day, day + days).items():
                found.setdefault(label, []).append(one)
    return {
        label: _Past(
            deal_n=sum(one.deal_n for one in many), won_n=sum(one.won_n for one in many),
            amount=sum(one.amount for one in many), won_amount=sum(one.won_amount for one in many),
        )
        for label, many in found.items()
    }  # fmt: skip


def _of_day(book: Book, latest: Book, place: dict[str, int], day: int, end: int) -> dict[str, _Past]:
    """Return the deals of one snapshot by category, and what was won of them by a later day."""
    name, truth = category_column(book), history_of(latest)
    if not name or name not in book.ledger.attributes:
        return {}
    history, coded = history_of(book), book.ledger.attributes[name]
    still = (history.win_day == NEVER) & (history.end_day == NEVER) & ~history.undated
    ids = book.ledger.deal_ids
    at = np.array([place.get(str(ids[k]), -1) for k in np.flatnonzero(still)], dtype=np.int64)
    known = at >= 0  # deals that vanished tell nothing
    index, at = np.flatnonzero(still)[known], at[known]
    won = (truth.win_day[at] > day) & (truth.win_day[at] <= end)
    said, came = np.nan_to_num(history.open_amount[index]), np.nan_to_num(truth.won_amount[at])
    made = {}
    for code, label in enumerate(coded.labels):
        mine = coded.codes[index] == code
        if mine.any():
            made[label] = _Past(
                deal_n=int(mine.sum()), won_n=int((mine & won).sum()), amount=float(said[mine].sum()),
                won_amount=float(came[mine & won].sum()),
            )  # fmt: skip
    return made
