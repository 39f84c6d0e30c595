"""What is wrong with the deals of a book, and what the book would be without it? One function per kind of fault."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from funnelnb.analysis.shared.judged import CLOSED_ONLY, ONLY_WINS, WINS_ALONE, unjudged
from funnelnb.data.check import LATE_STARTERS, Subject
from funnelnb.data.cleaning import Cleaning
from funnelnb.data.contract.clock import UNKNOWN
from funnelnb.data.contract.settings import Settings
from funnelnb.data.count.tally import last_signs
from funnelnb.data.parse.numbers import currency_code
from funnelnb.data.parse.values import look_up
from funnelnb.data.tidy.find import same_deals, same_orders, trials
from funnelnb.playbooks.load import OWN_STAGES

if TYPE_CHECKING:
    from collections.abc import Callable

    from funnelnb.data.book import Book

LATE_ENTRY_DAYS = 2.0
"""A close that the history records this much later was dated back."""

SUM_SHARE = 0.005
"""A deal whose amount is that of all others, up to this share, is a total."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Found:
    """Deals with one kind of fault.

    Attributes
    ----------
    rows : Series of bool
        Which deals of the book.
    of : Series of bool
        Which deals could have it: the share is of these.
    mended : Book or None
        The book without the fault; None where the data do not allow one.
    lacking : Series of bool or None
        Deals whose close date is lacking though it is one of the numbers' foundations: see :func:`dated_as_can_be`.
    """

    rows: pd.Series
    of: pd.Series
    mended: Book | None
    lacking: pd.Series | None = None


def subject_of(book: Book) -> Subject:
    """Return what the checks of the data look at."""
    return Subject(book=book, draft_frames=book.tables, joins=(), notes=(), settings=Settings())


def _without(book: Book, rows: pd.Series) -> Book:
    ids = set(book.opportunities["opportunity_id"][rows])
    return book.some(~np.isin(book.ledger.deal_ids.astype("str"), list(ids)))


def _changed(book: Book, rows: pd.Series, **values: Any) -> Book:
    """Return the book with other values in some deals."""
    deals = book.opportunities.copy()
    if "closed_at" in values and "closed_at" not in deals:
        deals["closed_at"] = pd.Series(pd.NaT, index=deals.index, dtype="datetime64[us]")
    for name, value in values.items():
        deals.loc[rows, name] = value[rows] if isinstance(value, pd.Series) else value
    return replace(book, tables={**book.tables, "opportunities": deals})


def _closed_column(deals: pd.DataFrame) -> pd.Series:
    return deals["closed_at"] if "closed_at" in deals else pd.Series(pd.NaT, index=deals.index)


def undated_wins(seen: Subject) -> Found:
    """Won deals without a date. None is made up for them: the numbers are bounded by the dates that they can have."""
    won = seen.deals["outcome"] == "won"
    rows = won & _closed_column(seen.deals).isna()
    return Found(rows=rows, of=won, mended=None, lacking=rows)


def undated_losses(seen: Subject) -> Found:
    """Lost deals without a date; as for wins, no date is made up for them."""
    lost = seen.deals["outcome"].str.startswith("lost")
    rows = lost & _closed_column(seen.deals).isna()
    return Found(rows=rows, of=lost, mended=None, lacking=rows)


def dated_as_can_be(seen: Subject, rows: pd.Series, horizon_days: float) -> tuple[Book, ...]:
    """Which books bound the numbers, whatever the close dates that these deals lack?

    Parameters
    ----------
    seen : Subject
    rows : Series of bool
        Deals without a close date.
    horizon_days : float
        Age at which a rate is read.

    Returns
    -------
    tuple of Book
        The book with all of them closed at their last sign of life (the latest entry of a stage, else the creation); at
        the export; and at the horizon and right behind it, as far as that lies between the two. A deal that nothing
        dates at all stays as it is: nobody knows when it began.
    """
    if not rows.any():
        return ()
    ledger = seen.book.ledger
    ids = seen.deals["opportunity_id"].astype("str")
    told = pd.DataFrame(
        {"last": last_signs(ledger), "start": ledger.created_s}, index=ledger.deal_ids.astype("str")
    )
    told = told.reindex(ids).set_axis(seen.deals.index)
    rows = rows & told["last"].ne(UNKNOWN) & told["last"].notna()
    early = _moments(told["last"], rows)
    late = early.mask(rows, pd.Timestamp(seen.as_of).floor("s"))
    start = _moments(told["start"], rows & told["start"].ne(UNKNOWN))
    at = (start + pd.Timedelta(days=horizon_days)).where(start.notna(), early)
    between = [_within(at + pd.Timedelta(seconds=k), early, late) for k in (0, 1)]
    return tuple(_changed(seen.book, rows, closed_at=dates) for dates in (early, late, *between))


def _within(moments: pd.Series, early: pd.Series, late: pd.Series) -> pd.Series:
    return moments.mask(moments < early, early).mask(moments > late, late)


def _moments(seconds: pd.Series, known: pd.Series) -> pd.Series:
    """Return seconds since 1970 as times, NaT where they are not known."""
    stamps = np.full(len(seconds), np.datetime64("NaT", "us"))
    stamps[known.to_numpy()] = seconds[known].to_numpy(dtype="int64").astype("datetime64[s]")
    return pd.Series(stamps, index=seconds.index)


def zero_day(seen: Subject) -> Found:
    """Deals closed on the day they began."""
    days = seen.days
    return Found(rows=days < 1, of=days.notna(), mended=_without(seen.book, days < 1))


def closed_before_created(seen: Subject) -> Found:
    """Deals that closed before they were created: loading takes the creation for not known."""
    deals = seen.deals
    rows = deals["opportunity_id"].isin(seen.book.put_aside.get("closed_before_created", frozenset()))
    of = _closed_column(deals).notna() & (
        deals["created_at"].notna() | rows if "created_at" in deals else rows
    )
    return Found(rows=rows & of, of=of, mended=_without(seen.book, rows))


def closed_only(seen: Subject) -> Found:
    """All deals of an export that leaves out those of some outcomes: nobody knows the figures with them."""
    everyone = seen.deals["outcome"].notna()
    left_out = unjudged(seen.book) in (CLOSED_ONLY, ONLY_WINS, WINS_ALONE)
    return Found(rows=everyone & left_out, of=everyone, mended=None)


def bulk_closed(seen: Subject) -> Found:
    """Deals closed on a day on which far more than usual were."""
    from funnelnb.data.check import bulk_closes

    days = [note.values["day"] for note in bulk_closes(seen) or ()]
    rows = seen.closed & _closed_column(seen.deals).dt.strftime("%Y-%m-%d").isin(days)
    return Found(rows=rows, of=seen.closed, mended=_without(seen.book, rows))


def dated_back(seen: Subject) -> Found:
    """Closed deals that the history records as closed days after their close date."""
    deals, history = seen.deals, seen.book.tables.get("stage_history")
    closed_at = _closed_column(deals)
    if history is None:
        none = seen.closed & False
        return Found(rows=none, of=none, mended=seen.book)
    won = seen.book.playbook.stage_ids[seen.book.playbook.won]
    ends = history[history["stage"].isin([won, "lost", "left", "lost_competitor", "lost_no_decision"])]
    last = ends.groupby("opportunity_id")["entered_at"].max()
    recorded = last.reindex(deals["opportunity_id"]).set_axis(deals.index)
    rows = seen.closed & ((recorded - closed_at).dt.total_seconds() > LATE_ENTRY_DAYS * 86400)
    return Found(
        rows=rows, of=seen.closed & recorded.notna(), mended=_changed(seen.book, rows, closed_at=recorded)
    )


def jumped_to_won(seen: Subject) -> Found:
    """Won deals whose history misses at least two stages; of those older than the records it cannot be known."""
    deals, history = seen.deals, seen.book.tables.get("stage_history")
    model = seen.book.playbook
    won = deals["outcome"] == "won"
    if history is None or model.won < 3:
        return Found(rows=won & False, of=won & False, mended=seen.book)
    working = history[history["stage"].isin(model.stage_ids[: model.won])]
    seen_n = deals["opportunity_id"].map(working.groupby("opportunity_id")["stage"].nunique())
    due_n = _stages_due(seen, working)
    known = won & seen_n.notna() & (due_n >= 3)
    if seen.book.observed_from is not None:
        known &= seen.started >= pd.Timestamp(seen.book.observed_from)
    rows = known & (seen_n <= due_n - 2)
    return Found(rows=rows, of=known, mended=_without(seen.book, rows))


def _stages_due(seen: Subject, working: pd.DataFrame) -> pd.Series:
    """Return through how many stages each deal should go: those of the model, of a plain list those of its pipeline."""
    deals, model = seen.deals, seen.book.playbook
    if "pipeline" not in deals or model.id != OWN_STAGES:
        return pd.Series(model.won, index=deals.index)
    pipeline = deals["pipeline"].fillna("")
    of = look_up(working["opportunity_id"], deals["opportunity_id"], pipeline)
    return pipeline.map(working["stage"].groupby(of).nunique()).fillna(0).astype(int)


def changed_hands(seen: Subject) -> Found:
    """Deals whose contacts are recorded by others than the owner."""
    deals, activities = seen.deals, seen.book.tables.get("activities")
    if activities is None or not {"opportunity_id", "owner"} <= set(activities) or "owner" not in deals:
        return Found(rows=seen.closed & False, of=seen.closed & False, mended=seen.book)
    owner = activities["opportunity_id"].map(deals.set_index("opportunity_id")["owner"])
    other = activities[activities["owner"].notna() & owner.notna() & (activities["owner"] != owner)]
    known = deals["opportunity_id"].isin(activities["opportunity_id"])
    rows = deals["opportunity_id"].isin(other["opportunity_id"])
    return Found(rows=rows, of=known, mended=_without(seen.book, rows))


def plateau(seen: Subject) -> Found:
    """Open deals older than any deal that ever closed, or can have: counted as lost today."""
    days = seen.days.dropna()
    is_open = seen.deals["outcome"] == "open"
    age = (pd.Timestamp(seen.as_of) - seen.started).dt.total_seconds() / 86400
    longest = max(
        days.max(), age[seen.closed & seen.days.isna()].max() if len(days) < seen.closed.sum() else 0.0
    )
    rows = is_open & (age > longest) if len(days) >= LATE_STARTERS else is_open & False
    at = pd.Timestamp(seen.as_of).floor("s")
    mended = _changed(seen.book, rows, outcome="lost", closed_at=at) if rows.any() else seen.book
    return Found(rows=rows, of=is_open & age.notna(), mended=mended)


def late_history(seen: Subject) -> Found:
    """Deals that began long before the first recorded close."""
    days = seen.days.dropna()
    started = seen.started
    if len(days) < LATE_STARTERS or seen.book.observed_from is not None:
        return Found(rows=seen.closed & False, of=started.notna(), mended=seen.book)
    first = _closed_column(seen.deals)[days.index].min()
    rows = started < first - pd.Timedelta(days=float(days.median()))
    if rows.sum() < LATE_STARTERS:
        rows = rows & False
    mended = replace(seen.book, observed_from=np.datetime64(first, "s")) if rows.any() else seen.book
    return Found(rows=rows, of=started.notna(), mended=mended)


def expected_passed(seen: Subject) -> Found:
    """Open deals whose expected close date has passed: their amounts are left out of the pipeline."""
    is_open = seen.deals["outcome"] == "open"
    if "expected_close_at" not in seen.deals:
        return Found(rows=is_open & False, of=is_open, mended=seen.book)
    rows = is_open & (seen.deals["expected_close_at"] < pd.Timestamp(seen.as_of))
    mended = _changed(seen.book, rows, amount=float("nan")) if "amount" in seen.deals else seen.book
    return Found(rows=rows, of=is_open & seen.deals["expected_close_at"].notna(), mended=mended)


def other_currency(seen: Subject) -> Found:
    """Deals in another currency than the book: their amounts are not added up."""
    deals, book = seen.deals, seen.book
    everyone = deals["outcome"].notna()
    if "currency" not in deals or not book.currency:
        return Found(rows=everyone & False, of=everyone, mended=book)
    named = deals["currency"].notna()
    own = [one for one in deals["currency"].dropna().unique() if currency_code(one) == book.currency]
    return Found(rows=named & ~deals["currency"].isin(own), of=named, mended=None)


def amount_missing(seen: Subject) -> Found:
    """Open deals without an amount: counted with the mean of the others. One in another currency has an amount."""
    is_open = (seen.deals["outcome"] == "open") & ~other_currency(seen).rows
    known = seen.deals["amount"] >= 0 if "amount" in seen.deals else is_open & False
    if not (is_open & known).any():
        return Found(rows=is_open & False, of=is_open, mended=seen.book)
    rows = is_open & ~known
    mended = _changed(seen.book, rows, amount=float(seen.deals["amount"][is_open & known].mean()))
    return Found(rows=rows, of=is_open, mended=mended)


def total_row(seen: Subject) -> Found:
    """A deal whose amount is that of all others together."""
    everyone = seen.deals["outcome"].notna()
    if "amount" not in seen.deals or len(seen.deals) < 5:
        return Found(rows=everyone & False, of=everyone, mended=seen.book)
    amounts = seen.deals["amount"].fillna(0.0)
    rest = amounts.sum() - amounts
    rows = (amounts > 0) & ((amounts - rest).abs() <= SUM_SHARE * rest)
    return Found(rows=rows, of=everyone, mended=_without(seen.book, rows))


def entered_twice(seen: Subject) -> Found:
    """Deals and orders that stand in the data twice."""
    changes = [*same_orders(seen.book.tables), *same_deals(seen.book.tables)]
    gone = {one.key for one in changes if not one.column}
    cleaned = Cleaning(book=seen.book, changes=tuple(changes)).accepted().cleaned() if changes else seen.book
    return Found(
        rows=seen.deals["opportunity_id"].isin(gone), of=seen.deals["outcome"].notna(), mended=cleaned
    )


def test_deals(seen: Subject) -> Found:
    """Deals that look like tests."""
    gone = {one.key for one in trials(seen.book.tables)}
    rows = seen.deals["opportunity_id"].isin(gone)
    return Found(rows=rows, of=seen.deals["outcome"].notna(), mended=_without(seen.book, rows))


FINDINGS: dict[str, Callable[[Subject], Found]] = {
    "undated_wins": undated_wins,
    "undated_losses": undated_losses,
    "closed_before_created": closed_before_created,
    "dated_back": dated_back,
    "bulk_closed": bulk_closed,
    "zero_day": zero_day,
    "jumped_to_won": jumped_to_won,
    "changed_hands": changed_hands,
    "late_history": late_history,
    "closed_only": closed_only,
    "plateau": plateau,
    "expected_passed": expected_passed,
    "other_currency": other_currency,
    "amount_missing": amount_missing,
    "total_row": total_row,
    "entered_twice": entered_twice,
    "test_deals": test_deals,
}
"""Code = function that finds the deals with one kind of fault. Settings name a code with its largest share."""
