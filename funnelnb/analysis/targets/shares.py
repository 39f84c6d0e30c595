"""How is a target shared out fairly, by what each part can bring and can carry?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from funnelnb.analysis.shared.counts import level, one_attribute, source_notes
from funnelnb.analysis.shared.period import Period, still_to_come, target_amount
from funnelnb.analysis.shared.question import question
from funnelnb.analysis.shared.result import Result
from funnelnb.analysis.targets import pipeline as pipes
from funnelnb.analysis.targets.deal_sizes import won_amounts
from funnelnb.core import check
from funnelnb.core.errors import ParameterError, nearest
from funnelnb.core.note import Note
from funnelnb.data.contract.clock import UNKNOWN
from funnelnb.data.ledger.codes import WON_DEAL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from funnelnb.core.check import Day
    from funnelnb.data.book import Book


Floats = NDArray[np.float64]

YEAR_DAYS = 365.25


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareRow:
    """One person's or region's part.

    Attributes
    ----------
    group : tuple of str
    open_n : int
        Open deals.
    pipeline_amount : float
        Their amount, each weighted by its chance to be won in time.
    new_amount : float
        Expected from deals yet to be entered: the part's share of the wins of the last year.
    potential_amount : float
        Both together.
    capacity_amount : float
        The most it can carry; infinite where nothing is said.
    target_share : float
    target_amount : float
        Its fair part.
    stretch : float
        Part / potential.
    at_capacity : bool
    equal_amount : float
        What it would be if all parts were equal.
    """

    group: tuple[str, ...]
    open_n: int
    pipeline_amount: float
    new_amount: float
    potential_amount: float
    capacity_amount: float
    target_share: float
    target_amount: float
    stretch: float
    at_capacity: bool
    equal_amount: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class FairShares(Result):
    """A target shared out.

    Attributes
    ----------
    by : tuple of str
    target_amount : float
    until : numpy.datetime64
    unplaced_amount : float
        What no part can carry.
    rows : tuple of ShareRow
    """

    by: tuple[str, ...]
    target_amount: float
    until: np.datetime64
    unplaced_amount: float
    rows: tuple[ShareRow, ...]


@question("targets")
def fair_shares(
    book: Book,
    *,
    by: str | Sequence[str] | None = None,
    amount: float | None = None,
    period: str | None = None,
    until: Day | None = None,
    capacity: Mapping[str, float] | None = None,
    confidence_level: float | None = None,
) -> FairShares:
    """How is a target shared out fairly over people or regions, by potential and capacity?

    Parameters
    ----------
    book : Book
    by : str, optional
        Attribute that makes the parts, such as ``"owner"``; None: ``"region"``.
    amount : float, optional
        Target; None takes the table ``targets`` of the period.
    period, until : optional
        Month, quarter or year; or the last day.
    capacity : mapping, optional
        The most that a part can carry, in the book's currency.
    confidence_level : float, optional

    Returns
    -------
    FairShares

    Raises
    ------
    ParameterError
        A parameter is out of range, a capacity is negative or names no part, or the period is over.

    Notes
    -----
    Parts are proportional to potential: open deals weighted by their measured chance, plus new business by the
    part's share of the wins of the last year (every part is given half a win more, so that a new person is not
    at 0). What is above a capacity goes to the others in the same proportion.

    Examples
    --------
    >>> import funnelnb as fn
    >>> result = fn.fair_shares(fn.sample(), period="2026-Q3")
    >>> round(sum(row.target_amount for row in result.rows)) == round(result.target_amount)
    True
    """
    name = one_attribute(book, by, "region")
    ending = still_to_come(book, period, until)
    target = target_amount(book, amount, ending)
    labels, numbers = _parts(book, name, ending, level(confidence_level))
    limit = _capacity(labels, capacity)
    shared, left = share_out(target, numbers["pipeline"] + numbers["new"], limit)
    notes = (*book.notes, *source_notes(book))
    if left > 1e-6 * target:
        notes += (Note("shares_unplaced", {"amount": left}),)
    return FairShares(
        n=len(book.ledger.outcome),
        method="fair_shares",
        confidence_level=level(confidence_level),
        as_of=book.as_of,
        currency=book.currency,
        notes=notes,
        by=(name,),
        target_amount=target,
        until=ending.end,
        unplaced_amount=left,
        rows=_rows(labels, numbers, limit, shared, target),
    )


def _rows(
    labels: Sequence[str], numbers: Mapping[str, Floats], limit: Floats, shared: Floats, target: float
) -> tuple[ShareRow, ...]:
    potential = numbers["pipeline"] + numbers["new"]
    return tuple(
        ShareRow(
            group=(label,),
            open_n=int(numbers["open_n"][k]),
            pipeline_amount=float(numbers["pipeline"][k]),
            new_amount=float(numbers["new"][k]),
            potential_amount=float(potential[k]),
            capacity_amount=float(limit[k]),
            target_share=float(shared[k] / target),
            target_amount=float(shared[k]),
            stretch=float(shared[k] / potential[k]) if potential[k] > 0 else np.nan,
            at_capacity=bool(shared[k] >= limit[k]),
            equal_amount=target / len(labels),
        )
        for k, label in enumerate(labels)
    )


def share_out(target: float, potential: Floats, capacity: Floats) -> tuple[Floats, float]:
    """Return parts of `target` proportional to `potential` under `capacity`, and what no part can carry."""
    full = capacity <= 0
    while True:
        held = float(capacity[full].sum())
        more = np.where(full, 0.0, potential)
        if held >= target or not more.sum() > 0:
            return np.where(full, capacity, 0.0), max(0.0, target - held)
        shared = np.where(full, capacity, (target - held) * more / more.sum())
        over = ~full & (shared > capacity)
        if not over.any():
            return shared, 0.0
        full = full | over


def _parts(
    book: Book, by: str, period: Period, confidence_level: float
) -> tuple[tuple[str, ...], dict[str, Floats]]:
    """Return the parts that have open deals or wins of the last year, with what each can bring."""
    ledger = book.ledger
    coded = ledger.attributes[by]
    deals = pipes.pipeline(book)
    pipes.require_chances(book)
    chance = pipes.chances_in(book, deals, period, confidence_level)
    size = len(coded.labels)
    code = coded.codes[deals.index]
    sizes, _ = won_amounts(book)
    amount = np.where(np.isnan(deals.amount), sizes.mean(), deals.amount)
    recent = (ledger.outcome == WON_DEAL) & (ledger.closed_s != UNKNOWN)
    recent &= ledger.closed_s > ledger.as_of_s - YEAR_DAYS * 86_400
    wins = np.bincount(coded.codes[recent], minlength=size)
    brought = np.bincount(coded.codes[recent], weights=np.nan_to_num(ledger.amount[recent]), minlength=size)
    open_n = np.bincount(code, minlength=size)
    kept = (open_n + wins) > 0
    coming = pipes.arrivals(book, period, confidence_level).mean_n * sizes.mean()
    weight = (brought + 0.5 * sizes.mean()) * kept
    numbers = {
        "open_n": open_n[kept],
        "pipeline": np.bincount(code, weights=amount * chance, minlength=size)[kept],
        "new": (coming * weight / max(weight.sum(), 1e-300))[kept],
    }
    return tuple(label for label, use in zip(coded.labels, kept, strict=True) if use), numbers


def _capacity(labels: tuple[str, ...], capacity: Mapping[str, float] | None) -> Floats:
    for name in capacity or {}:
        if name not in labels:
            raise ParameterError(
                f"capacity names {name!r}",
                expected="one of " + ", ".join(labels),
                hint=nearest(str(name), labels),
            )
    return np.array(
        [check.number(f"capacity[{label!r}]", (capacity or {}).get(label, np.inf), ge=0) for label in labels]
    )
