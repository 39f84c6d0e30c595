"""Which deals are open, where does each stand, since when, and what is it worth?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.analysis.shared.counts import SECONDS_PER_DAY
from funnelnb.core.errors import MissingDataError, ParameterError
from funnelnb.data.book import Book
from funnelnb.data.contract.calendar import CALENDAR_DAYS
from funnelnb.data.contract.clock import UNKNOWN
from funnelnb.data.ledger.codes import LOST_DEAL, OPEN_DEAL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from funnelnb.data.contract.calendar import Calendar
    from funnelnb.data.ledger.ledger import Ledger


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OpenDeals:
    """The open deals of a book, sorted by id. D deals.

    Attributes
    ----------
    opportunity_id, account_id, owner, region : tuple of str, length D
        Empty text where not given.
    position : ndarray of int64, shape (D,)
        Stage in which the deal stands now (not the furthest it ever reached).
    age_days : ndarray of float64, shape (D,)
        Days in that stage; NaN where nobody recorded when it was entered.
    created_days : ndarray of float64, shape (D,)
        Days since the deal was created; NaN where not known.
    amount : ndarray of float64, shape (D,)
        NaN where not known.
    index : ndarray of int64, shape (D,)
        Number of the deal in the ledger.
    customer : tuple of str, length D
        What to call the customer: its name; else its id, the deal's name, or the deal's id.
    """

    opportunity_id: tuple[str, ...]
    account_id: tuple[str, ...]
    owner: tuple[str, ...]
    region: tuple[str, ...]
    position: NDArray[np.int64]
    age_days: NDArray[np.float64]
    created_days: NDArray[np.float64]
    amount: NDArray[np.float64]
    index: NDArray[np.int64]
    customer: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.opportunity_id)

    def at(self, position: int) -> OpenDeals:
        """Return those that stand in one stage."""
        rows = np.flatnonzero(self.position == position)
        return OpenDeals(
            opportunity_id=tuple(self.opportunity_id[row] for row in rows),
            account_id=tuple(self.account_id[row] for row in rows),
            customer=tuple(self.customer[row] for row in rows),
            owner=tuple(self.owner[row] for row in rows),
            region=tuple(self.region[row] for row in rows),
            position=self.position[rows],
            age_days=self.age_days[rows],
            created_days=self.created_days[rows],
            amount=self.amount[rows],
            index=self.index[rows],
        )


MOST_UNSURE = 0.1
"""Up to this share of the deals in hand may have been lost by then without anybody knowing: more is refused."""


def require_known(book: Book) -> None:
    """Refuse to say which deals were open on an earlier day, where losses without a date hide it.

    Raises
    ------
    MissingDataError
        The data go on after the as-of date, and more than a tenth of the deals that were not won by then may have been
        open or lost.
    """
    ledger = book.ledger
    unsure_n = int((ledger.is_true("state_then_unknown") & (ledger.outcome == LOST_DEAL)).sum())
    if unsure_n <= MOST_UNSURE * (unsure_n + int((ledger.outcome == OPEN_DEAL).sum())):
        return
    raise MissingDataError(
        f"which deals were open on {str(book.as_of)[:10]} is not known: {unsure_n} losses have no date",
        expected="a date for each loss, or the last day of the data",
        hint="export the dates of losses, or leave out as_of",
    )


def beginning_unknown() -> MissingDataError:
    """Return the error of open deals of which nobody knows how old they are."""
    return MissingDataError(
        "when open deals will close is not known: no date tells when they began",
        expected="created_at, or a stage history with dates",
        hint="map the column in the settings",
    )


def open_deals(book: Book, calendar: Calendar | None = None, *, some: bool = False) -> OpenDeals:
    """Return the open deals of `book`; deals that stand at or beyond won are not among them.

    Ages are in the days of `calendar`; None: calendar days. Where losses without a date hide which deals were open on
    an earlier day, this is refused unless `some` of them are enough.
    """
    if not some:
        require_known(book)
    ledger = book.ledger
    last = ledger.start[1:] - 1
    standing = ledger.stage[last].astype(np.int64)
    found = np.flatnonzero((ledger.outcome == OPEN_DEAL) & (standing < ledger.won))
    index = found[np.argsort(ledger.deal_ids[found].astype(str), kind="stable")]
    entered = ledger.entered_s[last[index]]
    ids = tuple(str(one) for one in ledger.deal_ids[index])
    return OpenDeals(
        opportunity_id=ids,
        customer=customers_of(book, ids),
        account_id=_attribute(ledger, "account_id", index),
        owner=_attribute(ledger, "owner", index),
        region=_attribute(ledger, "region", index),
        position=standing[index],
        age_days=days_since(entered, ledger.as_of_s, calendar),
        created_days=days_since(ledger.created_s[index], ledger.as_of_s, calendar),
        amount=ledger.amount[index],
        index=index,
    )


def standing_n(ledger: Ledger) -> NDArray[np.int64]:
    """Return how many open deals stand in each stage before won now, whatever stage they had reached before."""
    standing = ledger.stage[ledger.start[1:] - 1].astype(np.int64)
    mine = (ledger.outcome == OPEN_DEAL) & (standing < ledger.won)
    return np.bincount(standing[mine], minlength=ledger.won)


def days_since(
    moment_s: NDArray[np.int64], as_of_s: int, calendar: Calendar | None = None
) -> NDArray[np.float64]:
    """Return the days of `calendar` from each moment to the as-of date; NaN where the moment is not known."""
    days = CALENDAR_DAYS if calendar is None else calendar
    passed_s = days.elapsed_s(as_of_s) - days.elapsed_s(moment_s)
    return np.where(moment_s == UNKNOWN, np.nan, passed_s / SECONDS_PER_DAY)


def _attribute(ledger: Ledger, name: str, index: NDArray[np.int64]) -> tuple[str, ...]:
    if name not in ledger.attributes:
        return ("",) * len(index)
    coded = ledger.attributes[name]
    return tuple(coded.labels[code] for code in coded.codes[index])


def learned_from(book: Book, other: Book | None) -> Book:
    """Return the book whose history tells chances and times of the deals of `book`: `other`, or itself.

    A pipeline with stages of its own learns from its own deals: those of others go through other stages.

    Raises
    ------
    ParameterError
        The two are of different days.
    """
    if other is not None and not isinstance(other, Book):
        load = f"learn_from=fn.load({other!r})" if isinstance(other, str) else "learn_from=book"
        raise ParameterError(f"learn_from is of type {type(other).__name__}", expected="a book", hint=load)
    if other is not None and other.as_of != book.as_of:
        raise ParameterError(
            f"learn_from is as of {str(other.as_of)[:10]}, the book as of {str(book.as_of)[:10]}",
            expected="two books of one day",
        )
    return book if other is None or of_other_stages(book, other) else other


def of_other_stages(book: Book, other: Book) -> bool:
    """Whether a book is one pipeline of another, and goes through stages of its own."""
    return book.whole is other.whole and book.playbook.stage_ids != other.playbook.stage_ids


def needed(book: Book, name: str, *columns: str, why: str) -> pd.DataFrame:
    """Return a table of the book that an analysis needs.

    Raises
    ------
    MissingDataError
        The book lacks the table or one of `columns`; the message says what it is needed for.
    """
    wanted = f"a table {name} with the columns {', '.join(columns)}"
    if name not in book.tables:
        raise MissingDataError(f"{why}: the data has no table {name!r}", expected=wanted)
    frame = book.tables[name]
    missing = [column for column in columns if column not in frame]
    if missing:
        raise MissingDataError(
            f"{why}: the table {name!r} has no column {', '.join(map(repr, missing))}", expected=wanted
        )
    return frame


def groups_of_deals(book: Book, names: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Return the group of every deal of the ledger."""
    coded = [book.ledger.attributes[name] for name in names]
    columns = [[one.labels[code] for code in one.codes] for one in coded]
    return list(zip(*columns, strict=True)) if columns else [()] * len(book.ledger.outcome)


def total(values: Any) -> float:
    """Return the sum of the known values, NaN if none is known."""
    known = np.asarray(values, dtype=np.float64)
    known = known[~np.isnan(known)]
    return float(known.sum()) if known.size else float("nan")


def sums_by(keys: tuple[str, ...], values: NDArray[np.float64]) -> dict[str, float]:
    """Return the sum of known `values` by key; a key without any known value has NaN."""
    groups: dict[str, list[float]] = {}
    for key, value in zip(keys, values.tolist(), strict=True):
        groups.setdefault(key, []).append(value)
    return {key: total(sorted(found)) for key, found in groups.items()}


# ---- What people call a deal's customer ----------------------------------------------------------------------


def account_names(book: Book) -> Mapping[str, str]:
    """Return the name of each customer by id, as far as the data hold any."""
    accounts = book.tables.get("accounts")
    if accounts is None or "name" not in accounts:
        return {}
    ids, names = accounts["account_id"].tolist(), accounts["name"].fillna("").tolist()
    return {str(one): str(name) for one, name in zip(ids, names, strict=True) if str(name).strip()}


def customers_of(book: Book, opportunity_ids: Sequence[str]) -> tuple[str, ...]:
    """Return what to call the customer of each deal: its name; else its id, the deal's name, or the deal's id."""
    table, known = book.opportunities, account_names(book)
    ids = table["opportunity_id"].astype(str).tolist()
    nothing = [""] * len(table)
    accounts = table["account_id"].fillna("").astype(str).tolist() if "account_id" in table else nothing
    titles = table["name"].fillna("").astype(str).tolist() if "name" in table else nothing
    called = {
        deal: known.get(account) or account or title or deal
        for deal, account, title in zip(ids, accounts, titles, strict=True)
    }
    return tuple(called.get(str(one), str(one)) for one in opportunity_ids)
