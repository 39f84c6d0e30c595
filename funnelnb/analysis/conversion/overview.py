"""What is in the book: how many deals, from when to when, how they ended, how much money?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from funnelnb.analysis.shared.counts import level, source_notes
from funnelnb.analysis.shared.question import question
from funnelnb.analysis.shared.result import Result
from funnelnb.data.contract.clock import UNKNOWN
from funnelnb.data.ledger.codes import LEFT_DEAL, LOST_DEAL, OPEN_DEAL, WON_DEAL

if TYPE_CHECKING:
    from funnelnb.data.book import Book
    from funnelnb.data.ledger.ledger import Ledger


OUTCOMES = {"open": OPEN_DEAL, "won": WON_DEAL, "lost": LOST_DEAL, "left": LEFT_DEAL}
"""Name of each outcome in the order shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OverviewRow:
    """The deals with one outcome at the as-of date.

    Attributes
    ----------
    outcome : {"open", "won", "lost", "left"}
    deal_n : int
    deal_share : float
        Of all deals.
    amount_n : int
        Deals whose amount is known.
    total_amount, mean_amount, median_amount : float
        Over the deals whose amount is known; NaN if there is none. Where mean and median lie far apart, a few
        large deals make the mean.
    """

    outcome: str
    deal_n: int
    deal_share: float
    amount_n: int
    total_amount: float
    mean_amount: float
    median_amount: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Overview(Result):
    """What a book holds.

    Attributes
    ----------
    name : str
        What the book is called.
    playbook : str
        Id of the stage model.
    first_created, last_created : numpy.datetime64
        In days; NaT if no creation date is known.
    rows : tuple of OverviewRow
        One per outcome that occurs.
    """

    name: str
    playbook: str
    first_created: np.datetime64
    last_created: np.datetime64
    rows: tuple[OverviewRow, ...]


@question()
def overview(book: Book) -> Overview:
    """What is in the book: how many deals, from when to when, how they ended, how much money?

    Parameters
    ----------
    book : Book

    Returns
    -------
    Overview

    Notes
    -----
    Plain counts and sums over the deals created by the as-of date. Mean and median stand side by side because
    one very large deal moves the mean and not the median.

    Checked against hand counts in ``tests/analysis/test_overview.py``.
    """
    ledger = book.ledger
    created = ledger.created_s[ledger.created_s != UNKNOWN]
    days = (
        created.astype("datetime64[s]").astype("datetime64[D]")
        if len(created)
        else np.array(["NaT"], "datetime64[D]")
    )
    rows = tuple(_row(ledger, name, code) for name, code in OUTCOMES.items())
    return Overview(
        n=len(ledger.outcome),
        method="overview",
        confidence_level=level(None),
        as_of=book.as_of,
        currency=book.currency,
        notes=(*book.notes, *source_notes(book, times=False)),
        name=book.name,
        playbook=book.playbook.id,
        first_created=days.min(),
        last_created=days.max(),
        rows=tuple(row for row in rows if row.deal_n),
    )


def _row(ledger: Ledger, name: str, code: int) -> OverviewRow:
    mine = ledger.outcome == code
    amounts = ledger.amount[mine]
    amounts = amounts[~np.isnan(amounts)]
    nothing = len(amounts) == 0
    return OverviewRow(
        outcome=name,
        deal_n=int(mine.sum()),
        deal_share=float(mine.mean()) if len(mine) else np.nan,
        amount_n=len(amounts),
        total_amount=np.nan if nothing else float(amounts.sum()),
        mean_amount=np.nan if nothing else float(amounts.mean()),
        median_amount=np.nan if nothing else float(np.median(amounts)),
    )
