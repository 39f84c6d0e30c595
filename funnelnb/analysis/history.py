"""How large were the deals that were won? Measured sizes, by an attribute or by bands of the amount."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from funnelnb.core.errors import MissingDataError
from funnelnb.data.clock import UNKNOWN
from funnelnb.data.codes import LOST_DEAL, WON_DEAL
from funnelnb.stats.size import Size, points

if TYPE_CHECKING:
    from funnelnb.data.book import Book

Floats = NDArray[np.float64]

FEW_N = 5
"""With fewer measured deals than this a group takes the sizes of the whole."""


def won_amounts(book: Book) -> tuple[Floats, NDArray[np.int64]]:
    """Return the amounts above 0 of the won deals, and their numbers in the ledger.

    Raises
    ------
    MissingDataError
        No won deal has an amount.
    """
    ledger = book.ledger
    index = np.flatnonzero((ledger.outcome == WON_DEAL) & (ledger.amount > 0))
    if not index.size:
        raise MissingDataError(
            "no won deal has an amount, so nothing is known of the size of deals",
            expected="won deals with an amount",
            hint="give the history yourself: fn.deal_mix(counts=..., bands=..., means=...)",
        )
    return ledger.amount[index], index


def labels_of(book: Book, by: str, index: NDArray[np.int64]) -> NDArray[np.object_]:
    """Return the value of the attribute `by` of the deals numbered `index`."""
    coded = book.ledger.attributes[by]
    return np.array(coded.labels, dtype=object)[coded.codes[index]]


def sizes_by(book: Book, by: str | None) -> tuple[dict[str, Size], tuple[str, ...]]:
    """Return the measured size of a won deal per value of `by`, ``""`` for all, and the values with too few."""
    amounts, index = won_amounts(book)
    whole = points(amounts)
    if by is None:
        return {"": whole}, ()
    values = labels_of(book, by, index)
    sizes, few = {"": whole}, []
    for name in book.ledger.attributes[by].labels:
        mine = amounts[values == name]
        if mine.size < FEW_N:
            few.append(name)
        sizes[name] = points(mine) if mine.size >= FEW_N else whole
    return sizes, tuple(few)


def decided_amounts(book: Book) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the amounts above 0 of all decided deals, and which of them were won."""
    ledger = book.ledger
    known = np.isin(ledger.outcome, (WON_DEAL, LOST_DEAL)) & (ledger.amount > 0)
    return ledger.amount[known], ledger.outcome[known] == WON_DEAL


def closed_between(book: Book, start: np.datetime64) -> float:
    """Return the amount won from the day `start` to the as-of date."""
    ledger = book.ledger
    first = start.astype("datetime64[s]").astype(np.int64)
    mine = (ledger.outcome == WON_DEAL) & (ledger.closed_s != UNKNOWN) & (ledger.closed_s >= first)
    return float(np.nansum(ledger.amount[mine]))
