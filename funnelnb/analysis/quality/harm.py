"""How far do the faults of the data move win rate, time and pipeline? With and without each, with interval."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from funnelnb.analysis.quality.findings import FINDINGS, Found, dated_as_can_be, subject_of
from funnelnb.analysis.quality.measures import MEASURES, Measured
from funnelnb.analysis.shared.counts import level, source_notes
from funnelnb.analysis.shared.horizon import automatic
from funnelnb.analysis.shared.question import question
from funnelnb.analysis.shared.result import Result
from funnelnb.core import check
from funnelnb.core.errors import ParameterError, nearest
from funnelnb.stats.rates.clustered import student_quantile

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from funnelnb.data.book import Book
    from funnelnb.data.check import Subject

PARTS = 10
"""Parts of the deals that are left out in turn to see how sure a shift is."""

RESTS_ON = ("opportunities", "stage_history")
"""Tables from which the numbers are made."""

EXAMPLES = 5
"""Deals that are named per finding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HarmEffect:
    """How far one fault moves one number.

    Attributes
    ----------
    finding, measure : str
        Keys of FINDINGS and MEASURES; the ending of `measure` is its unit.
    as_is, mended : float
        The number with and without the fault; NaN where the data cannot say.
    shift, shift_ci_lower, shift_ci_upper : float
        Mended less as is. The interval is that of the delete-a-part jackknife over accounts (else deals).
    clear : bool
        Whether the interval excludes 0.
    least, most : float
        Where dates are lacking, so that no mended number can be told: the smallest and the largest number that come of
        the dates that these deals can have. NaN elsewhere.
    """

    finding: str
    measure: str
    as_is: float
    mended: float
    shift: float
    shift_ci_lower: float
    shift_ci_upper: float
    clear: bool
    least: float = float("nan")
    most: float = float("nan")

    @property
    def moves(self) -> bool:
        """Whether the fault moves the number, or can."""
        if np.isfinite(self.least):
            return self.most > self.least or self.least != self.as_is
        return bool(np.isfinite(self.as_is) and self.shift != 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class HarmRow:
    """One kind of fault.

    Attributes
    ----------
    finding : str
        Key of FINDINGS.
    deal_n, of_n : int
        Deals with it, and deals that could have it.
    deal_share : float
    examples : tuple of str
        Ids of the first ones.
    limit_share : float
        Largest share that the settings allow; NaN where they say nothing.
    broken : bool
        Whether there are more.
    effects : tuple of HarmEffect
        One per number; empty where the data allow neither a mended book nor bounds.
    """

    finding: str
    deal_n: int
    of_n: int
    deal_share: float
    examples: tuple[str, ...]
    limit_share: float
    broken: bool
    effects: tuple[HarmEffect, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Harm(Result):
    """What is wrong with the data, and how far it moves the numbers.

    Attributes
    ----------
    horizon_days : float
        Day of the by-day rate.
    rows : tuple of HarmRow
        Kinds of faults that occur, those that break a limit first, then by how far they move the win rate.
    broken_n : int
        Limits that are broken.
    looked_n : int
        Kinds of faults that were looked for.
    """

    horizon_days: float
    rows: tuple[HarmRow, ...]
    broken_n: int
    looked_n: int

    @property
    def effects(self) -> tuple[HarmEffect, ...]:
        """All effects, in the order of the rows."""
        return tuple(one for row in self.rows for one in row.effects)


@question("diagnosis")
def harm(
    book: Book,
    *,
    limits: Mapping[str, float] | None = None,
    horizon_days: float | None = None,
    confidence_level: float | None = None,
) -> Harm:
    """What is wrong with the data, and how far does it move win rate, sales cycle and pipeline?

    Parameters
    ----------
    book : Book
    limits : Mapping of str to float, optional
        Kind of fault = largest share (0 to 1) that is allowed, such as ``{"undated_wins": 0.02}``.
    horizon_days : float, optional
        Day of the by-day rate, above 0; None: chosen from the data.
    confidence_level : float, optional
        None: the package option (0.90).

    Returns
    -------
    Harm

    Raises
    ------
    ParameterError
        A limit names no kind of fault, or is no share.

    Notes
    -----
    Each number is worked out with the data as they are and mended: deals with the fault left out, dated as the history
    says, or counted as the finding tells. Both come from the same deals, so their difference d is much surer than
    either. With the accounts dealt into G = 10 parts, d is worked out again without each part: variance
    ``(G-1)/G * sum((d_g - mean)^2)``, t with G - 1 degrees of freedom.

    Of deals that lack their date no mended number is told, but the smallest and the largest of those with all of these
    deals closed at their last sign of life (the latest entry of a stage, else the creation), at the export, and at or
    right behind the horizon. Dates that differ from deal to deal can lead beyond them by a little: with every
    combination of dates tried on books of 14 deals, 3 of them undated, by at most 1.5 points
    (``tests/analysis/test_harm.py``).

    Checked against differences worked out by hand on planted faults and against the spread over simulated books:
    ``tests/analysis/test_harm.py``.

    References
    ----------
    Shao & Tu (1995), The Jackknife and Bootstrap, doi:10.1007/978-1-4612-0795-5.

    Examples
    --------
    >>> from funnelnb.data.load import sample
    >>> found = harm(sample(), limits={"undated_wins": 0.02})
    >>> found.broken_n, found.looked_n
    (0, 17)
    """
    allowed = _limits(limits or {})
    confidence = level(confidence_level)
    horizon = automatic(book) if horizon_days is None else check.horizon_days(horizon_days)
    seen = subject_of(book)
    rows = []
    parts = _parts(book)
    base = _Base(seen, parts, confidence, horizon)
    for code, look in FINDINGS.items():
        found = look(seen)
        n, of_n = int(found.rows.sum()), int(found.of.sum())
        if n:
            ids = seen.deals["opportunity_id"][found.rows].astype("str").tolist()
            rows.append(_row(code, found, ids, of_n, allowed.get(code, float("nan")), base))
    rows.sort(key=lambda row: (not row.broken, -_move(row)))
    return Harm(
        n=len(book.opportunities), method="harm", confidence_level=confidence, as_of=book.as_of, currency=book.currency,
        notes=source_notes(book), horizon_days=horizon, rows=tuple(rows), broken_n=sum(row.broken for row in rows),
        looked_n=len(FINDINGS),
    )  # fmt: skip


def _limits(limits: Mapping[str, float]) -> dict[str, float]:
    for code, share in limits.items():
        if code not in FINDINGS:
            raise ParameterError(
                f"limits: {code!r} is no kind of fault",
                expected="one of " + ", ".join(FINDINGS),
                hint=nearest(code, FINDINGS),
            )
        check.number(f"limits[{code!r}]", share, ge=0, le=1)
    return dict(limits)


def _light(book: Book) -> Book:
    """Return the book with the tables that the numbers rest on: of the others no part has to be taken."""
    made = replace(book, tables={name: book.tables[name] for name in RESTS_ON if name in book.tables})
    made.__dict__["_whole"] = book.whole
    made.__dict__["ledger"] = book.ledger
    return made


def _move(row: HarmRow) -> float:
    """Return how far the win rate moves, for the order."""
    moved = [abs(one.shift) for one in row.effects if one.measure == "win_rate"]
    return float(np.nan_to_num(moved[0])) if moved else 0.0


def _parts(book: Book) -> dict[str, int]:
    """Deal accounts (else deals) into parts by a hash of their ids, whatever their order: id of the deal = part."""
    deals = book.opportunities
    keys = deals["opportunity_id"].astype("str")
    if "account_id" in deals:
        keys = deals["account_id"].astype("str").where(deals["account_id"].notna(), keys)
    numbers = [zlib.crc32(one.encode()) % PARTS for one in keys]
    return dict(zip(deals["opportunity_id"].astype("str"), numbers, strict=True))


class _Base:
    """The numbers of the book as it is, whole and without each part."""

    def __init__(self, seen: Subject, parts: Mapping[str, int], confidence: float, horizon: float) -> None:
        self.seen, self.parts, self.confidence, self.horizon = seen, parts, confidence, horizon
        self.whole, self.without = self.of(_light(seen.book))

    def of(self, book: Book) -> tuple[dict[str, Measured], dict[int, dict[str, Measured]]]:
        """Return all numbers of a book, whole and without each part."""
        part = np.array([self.parts.get(str(one), 0) for one in book.ledger.deal_ids])
        whole = self.all(book)
        return whole, {
            g: self.all(book.some(part != g)) for g in set(self.parts.values()) if (part != g).any()
        }

    def all(self, book: Book) -> dict[str, Measured]:
        """Return all numbers of a book."""
        return {name: one(book, self.confidence, self.horizon) for name, one in MEASURES.items()}


def _row(code: str, found: Found, ids: list[str], of_n: int, limit: float, base: _Base) -> HarmRow:
    share = len(ids) / of_n if of_n else float("nan")
    effects: tuple[HarmEffect, ...] = ()
    if found.mended is not None and len(found.mended.opportunities):
        whole, without = base.of(_light(found.mended))
        effects = tuple(_effect(code, name, base, whole, without) for name in MEASURES)
    elif found.lacking is not None:
        ends = [base.all(_light(one)) for one in dated_as_can_be(base.seen, found.lacking, base.horizon)]
        effects = tuple(_bounded(code, name, base, [one[name].value for one in ends]) for name in MEASURES)
    return HarmRow(
        finding=code, deal_n=len(ids), of_n=of_n, deal_share=share, examples=tuple(ids[:EXAMPLES]),
        limit_share=limit, broken=bool(share > limit), effects=effects,
    )  # fmt: skip


def _bounded(code: str, name: str, base: _Base, ends: Sequence[float]) -> HarmEffect:
    """Return between which values one number lies, whatever the dates that are lacking."""
    nan, as_is = float("nan"), base.whole[name].value
    known = all(np.isfinite(ends))
    return HarmEffect(
        finding=code, measure=name, as_is=as_is, mended=nan, shift=nan, shift_ci_lower=nan, shift_ci_upper=nan,
        clear=False, least=min(ends) if known else nan, most=max(ends) if known else nan,
    )  # fmt: skip


def _effect(
    code: str,
    name: str,
    base: _Base,
    whole: Mapping[str, Measured],
    without: Mapping[int, dict[str, Measured]],
) -> HarmEffect:
    """Return how far one number moves, with the interval of the jackknife over parts."""
    as_is, mended = base.whole[name].value, whole[name].value
    shift = mended - as_is
    common = [g for g in base.without if g in without]
    shifts = np.array([without[g][name].moving - base.without[g][name].moving for g in common])
    lower = upper = float("nan")
    if len(shifts) > 2 and np.isfinite(shifts).all() and np.isfinite(shift):
        g = len(shifts)
        spread = float(np.sqrt((g - 1) / g * ((shifts - shifts.mean()) ** 2).sum()))
        reach = float(student_quantile(base.confidence, g - 1)) * spread
        lower, upper = shift - reach, shift + reach
    return HarmEffect(
        finding=code, measure=name, as_is=as_is, mended=mended, shift=shift, shift_ci_lower=lower, shift_ci_upper=upper,
        clear=bool(lower > 0 or upper < 0),
    )  # fmt: skip
