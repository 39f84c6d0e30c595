"""What was known of each deal when it was entered? Columns for a model, and the audit of what may not be one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from funnelnb.analysis.conversion.like_with_like import known_afterwards
from funnelnb.core.check import TOO_FEW_N
from funnelnb.core.errors import ParameterError, nearest
from funnelnb.data.ledger.codes import LEFT_DEAL, LOST_DEAL, OPEN_DEAL, WON_DEAL
from funnelnb.stats.rates.calibration import auc
from funnelnb.stats.rates.shrink import beta_binomial

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.data.book import Book


Floats = NDArray[np.float64]

AMOUNT = "amount"
LATER = ("outcome", "closed_at", "lost_reason", "stage", "expected_close_at", "probability", "name")
"""Columns that are written or changed after the entry: never used."""
LEVELS_MOST = 60
TELLING_AUC = 0.95
GAP_MOST = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """One column and whether a model may use it.

    Attributes
    ----------
    column : str
    used : bool
    reason : str
        ``used``; ``known_later``: written after the entry, or seen in old deals only; ``one_value``;
        ``too_many_values``: hardly two deals share one; ``filled_by_outcome``: filled in for one outcome and not for
        another;
        ``tells_outcome``: it separates won from lost almost fully, which nothing known at entry does;
        ``not_asked``: left out by the caller.
    value_n : int
        Distinct values.
    known_share : float
        Deals with a value.
    """

    column: str
    used: bool
    reason: str
    value_n: int
    known_share: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Entry:
    """Columns of all deals of a ledger. N deals, A attributes.

    Attributes
    ----------
    names : tuple of str, length A
        Categories that may be used.
    codes : tuple of ndarray of int, length A, each of shape (N,)
    labels : tuple of tuple of str, length A
    log_amount : ndarray of float64, shape (N,), or None
        None where the amount may not be used; NaN where not known.
    audit : tuple of AuditRow
    """

    names: tuple[str, ...]
    codes: tuple[NDArray[np.int32], ...]
    labels: tuple[tuple[str, ...], ...]
    log_amount: Floats | None
    audit: tuple[AuditRow, ...]


def entry(book: Book, attributes: Sequence[str] | None = None) -> Entry:
    """Return what was known at entry of the deals of `book`, and the audit of its columns.

    Parameters
    ----------
    book : Book
    attributes : sequence of str, optional
        Only these (``"amount"`` among them or not); None: all that pass.

    Raises
    ------
    ParameterError
        An attribute that the book does not have, or one that is known later only.
    """
    ledger = book.ledger
    known = [name for name in ledger.attributes if name not in ("account_id", "currency", *LATER)]
    _asked(attributes, [*known, AMOUNT])
    audit, names = [], []
    for name in sorted(known):
        coded = ledger.attributes[name]
        filled = np.array([label != "" for label in coded.labels])[coded.codes]
        reason = _reason(coded.codes, len(coded.labels), filled, ledger.outcome)
        if reason == "used" and known_afterwards(ledger, name):
            reason = "known_later"
        if attributes is not None and name not in attributes:
            reason = "not_asked"
        audit.append(_audit(name, reason, len(coded.labels), filled))
        if reason == "used":
            names.append(name)
    amount, amount_row = _amount(book, attributes)
    audit += [*amount_row, *_later(book)]
    return Entry(
        names=tuple(names),
        codes=tuple(ledger.attributes[name].codes for name in names),
        labels=tuple(ledger.attributes[name].labels for name in names),
        log_amount=amount,
        audit=tuple(audit),
    )


def _asked(attributes: Sequence[str] | None, known: list[str]) -> None:
    for name in attributes or ():
        if name in LATER:
            raise ParameterError(
                f"attributes: {name!r} is written after a deal is entered",
                expected="what is known at entry: " + ", ".join(known),
                hint="a model that sees the outcome forecasts nothing",
            )
        if name not in known:
            raise ParameterError(
                f"attributes: there is no {name!r}",
                expected="one of " + ", ".join(known),
                hint=nearest(name, known),
            )


def _audit(name: str, reason: str, value_n: int, filled: NDArray[np.bool_]) -> AuditRow:
    share = float(filled.mean()) if filled.size else float("nan")
    return AuditRow(column=name, used=reason == "used", reason=reason, value_n=value_n, known_share=share)


def _reason(
    codes: NDArray[np.int32], level_n: int, filled: NDArray[np.bool_], outcome: NDArray[np.int8]
) -> str:
    """Return whether a category may be used, or why not."""
    if level_n < 2:
        return "one_value"
    if level_n > LEVELS_MOST or level_n > max(2, len(codes) / 5):
        return "too_many_values"
    if _gap(filled, outcome):
        return "filled_by_outcome"
    decided = (outcome == WON_DEAL) | (outcome == LOST_DEAL)
    won = (outcome == WON_DEAL)[decided].astype(float)
    if won.sum() >= TOO_FEW_N and (1 - won).sum() >= TOO_FEW_N:
        n = np.bincount(codes[decided], minlength=level_n)
        k = np.bincount(codes[decided], weights=won, minlength=level_n)
        if auc(beta_binomial(k, n).rate[codes[decided]], won, np.ones(len(won))) > TELLING_AUC:
            return "tells_outcome"
    return "used"


def _gap(filled: NDArray[np.bool_], outcome: NDArray[np.int8]) -> bool:
    """Return whether a column is filled far more often for one outcome than for another."""
    shares = [
        filled[outcome == code].mean()
        for code in (OPEN_DEAL, WON_DEAL, LOST_DEAL, LEFT_DEAL)
        if (outcome == code).sum() >= TOO_FEW_N
    ]
    return bool(shares) and max(shares) - min(shares) > GAP_MOST


def _amount(book: Book, attributes: Sequence[str] | None) -> tuple[Floats | None, list[AuditRow]]:
    """Return the log of the amount expected at entry where it may be used."""
    ledger = book.ledger
    amount = ledger.amount
    frame = book.opportunities
    if "expected_amount" in frame:
        expected = dict(zip(frame["opportunity_id"].tolist(), frame["expected_amount"].tolist(), strict=True))
        amount = np.array([expected.get(one, np.nan) for one in ledger.deal_ids.tolist()], dtype=float)
    filled = amount > 0
    if not filled.any():
        return None, []
    reason = "filled_by_outcome" if _gap(filled, ledger.outcome) else "used"
    if reason == "used" and len(np.unique(amount[filled])) < 2:
        reason = "one_value"
    if attributes is not None and AMOUNT not in attributes:
        reason = "not_asked"
    row = _audit(AMOUNT, reason, len(np.unique(amount[filled])), filled)
    if reason != "used":
        return None, [row]
    return np.log(np.where(filled, amount, np.nan)), [row]


def _later(book: Book) -> list[AuditRow]:
    frame = book.opportunities
    return [
        _audit(name, "known_later", int(frame[name].nunique()), frame[name].notna().to_numpy(dtype=bool))
        for name in LATER
        if name in frame and name != "name"
    ]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Design:
    """How deals become columns of numbers; learned from the deals that a model is fitted to.

    Attributes
    ----------
    entry : Entry
    kept : tuple of ndarray of int
        For each attribute the codes that occur in those deals.
    centre, spread : float
        Of the log amount.
    """

    entry: Entry
    kept: tuple[NDArray[np.int64], ...]
    centre: float
    spread: float

    @classmethod
    def learn(cls, entry: Entry, rows: NDArray[np.int64]) -> Design:
        """Return the design of the deals `rows`."""
        kept = tuple(np.unique(codes[rows]).astype(np.int64) for codes in entry.codes)
        centre, spread = 0.0, 1.0
        if entry.log_amount is not None:
            seen = entry.log_amount[rows]
            seen = np.sort(seen[~np.isnan(seen)])
            if seen.size > 1 and np.ptp(seen) > 0:
                centre, spread = float(seen.mean()), float(seen.std())
        return cls(entry=entry, kept=kept, centre=centre, spread=spread)

    def columns(self, rows: NDArray[np.int64]) -> Floats:
        """Return the columns of deals, shape (len(rows), P); a value never seen is average."""
        parts = [
            (codes[rows][:, None] == kept).astype(float)
            for codes, kept in zip(self.entry.codes, self.kept, strict=True)
        ]
        if self.entry.log_amount is not None:
            size = (self.entry.log_amount[rows] - self.centre) / self.spread
            parts.append(np.nan_to_num(np.clip(size, -3, 3))[:, None])
        return np.concatenate([np.zeros((len(rows), 0)), *parts], axis=1)

    def names(self) -> list[tuple[str, str]]:
        """Return (attribute, value) of each column; the value of the amount is empty."""
        named = [
            (name, labels[code])
            for name, labels, kept in zip(self.entry.names, self.entry.labels, self.kept, strict=True)
            for code in kept.tolist()
        ]
        return [*named, (AMOUNT, "")] if self.entry.log_amount is not None else named

    def block(self) -> NDArray[np.int64]:
        """Return the block of each column: its attribute."""
        order = list(dict.fromkeys(name for name, _ in self.names()))
        return np.array([order.index(name) for name, _ in self.names()], dtype=np.int64)
