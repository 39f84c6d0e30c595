"""Is the funnel honest? Deals that closed unseen, stood lower than their history says, or lack evidence."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from funnelnb.analysis.shared.counts import SECONDS_PER_DAY, level, source_notes
from funnelnb.analysis.shared.open_deals import customers_of
from funnelnb.analysis.shared.question import question
from funnelnb.analysis.shared.result import DealRows, Result
from funnelnb.analysis.targets import pipeline as pipes
from funnelnb.core import check
from funnelnb.core.note import Note
from funnelnb.data.contract.clock import UNKNOWN
from funnelnb.data.ledger.codes import WON_DEAL
from funnelnb.stats.rates.proportion import wilson

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from funnelnb.data.book import Book
    from funnelnb.data.ledger.ledger import Ledger
    from funnelnb.playbooks.model import Label


Floats = NDArray[np.float64]

CHECKS = ("never_in_funnel", "lower_than_history", "without_evidence")
"""What is looked for, in the order shown."""
LARGE_QUANTILE = 0.75
"""A deal is large from this quantile of the won amounts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrityRow:
    """One thing that was looked for, for everybody or for one person.

    Attributes
    ----------
    group : tuple of str
        The person; empty for all.
    check : str
        ``never_in_funnel``: won within a day of being entered, or without a stage before; never seen coming.
        ``lower_than_history``: open in a stage below the furthest it had reached.
        ``without_evidence``: open in a stage although a required criterion of an earlier stage is not met.
    found_n, of_n : int
        Deals found, of how many that were looked at; of 0: there are no records to look at, nothing is known.
    found_share, found_ci_lower, found_ci_upper : float
    large_n : int
        Large ones among them.
    amount : float
        Sum of their known amounts.
    quota_effect_amount : float
        By how much the weighted pipeline would differ had they been entered honestly: for open deals weight of
        the right stage less that of the stage stated, times the amount; 0 for deals that are already won.
    """

    group: tuple[str, ...]
    check: str
    found_n: int
    of_n: int
    found_share: float
    found_ci_lower: float
    found_ci_upper: float
    large_n: int
    amount: float
    quota_effect_amount: float


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrityDeal:
    """One deal that was found.

    Attributes
    ----------
    check : str
    opportunity_id, owner : str
    stage : str
        Where it stands, or stood before it was won.
    furthest_stage : str
        What its history, or its evidence, says.
    amount : float
    closed_at : numpy.datetime64
        NaT while open.
    large : bool
    customer : str
        What to call the customer: its name; else its id, the deal's name, or the deal's id.
    """

    check: str
    opportunity_id: str
    owner: str
    stage: str
    furthest_stage: str
    amount: float
    closed_at: np.datetime64
    large: bool
    customer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Integrity(Result):
    """What is not as it should be in the funnel.

    Attributes
    ----------
    by : tuple of str
    large_amount : float
        From here on a deal counts as large; NaN without amounts.
    rows : tuple of IntegrityRow
        For everybody first, then per person where something was found.
    deals : tuple of IntegrityDeal
        Largest first.
    stage_ids : tuple of str
    stage_labels : tuple of Label
    """

    by: tuple[str, ...]
    large_amount: float
    rows: tuple[IntegrityRow, ...]
    deals: DealRows[IntegrityDeal] = field()
    stage_ids: tuple[str, ...]
    stage_labels: tuple[Label, ...] = ()


@question("targets")
def integrity(
    book: Book,
    *,
    weights: str = "measured",
    least_days: float = 1.0,
    large_amount: float | None = None,
    confidence_level: float | None = None,
) -> Integrity:
    """Is the funnel honest: which deals closed unseen, stand too low, or lack evidence, and what does it change?

    Parameters
    ----------
    book : Book
    weights : {"measured", "playbook"}
        Weights of the stages behind the effect on the quota.
    least_days : float
        A won deal was in the funnel if it was there at least so many days before it was won.
    large_amount : float, optional
        From which amount a deal is large; None: the upper quarter of the won deals.
    confidence_level : float, optional

    Returns
    -------
    Integrity

    Notes
    -----
    Each check speaks of records, not of people: a deal entered late may be a mistake, a gift of chance or a
    list that was not honest. Deals are paid all the same.

    Checked against the three deals planted in the sample: ``tests/analysis/test_target.py``.

    Examples
    --------
    >>> import funnelnb as fn
    >>> fn.integrity(fn.sample()).rows[0].found_n >= 3
    True
    """
    check.one_of("weights", weights, ("measured", "playbook"))
    days = check.number("least_days", least_days, ge=0)
    ledger = book.ledger
    large = _large(ledger, large_amount)
    weight = _stage_weight(book, weights, level(confidence_level))
    recorded = "stage_history" in book.tables
    lower = _lower(ledger, weight) if recorded else None
    looked = (_never(ledger, days, recorded=recorded), lower, _evidence(book, weight))
    found = {name: one for name, one in zip(CHECKS, looked, strict=True) if one is not None}
    deals = [deal for name, one in found.items() for deal in _deals(book, name, one, large)]
    return Integrity(
        n=len(ledger.outcome),
        method="integrity",
        confidence_level=level(confidence_level),
        as_of=book.as_of,
        currency=book.currency,
        notes=(*book.notes, *source_notes(book, times=False), *_gaps(book, found)),
        by=("owner",) if _people(ledger) else (),
        large_amount=large,
        rows=_rows(ledger, found, large, level(confidence_level)),
        deals=DealRows(sorted(deals, key=lambda one: (-np.nan_to_num(one.amount), one.opportunity_id))),
        stage_ids=book.playbook.stage_ids,
        stage_labels=book.playbook.stage_labels,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """Deals found by one check: numbers, stages stated and right, effect on the quota; and who was looked at."""

    index: NDArray[np.int64]
    stated: NDArray[np.int64]
    right: NDArray[np.int64]
    effect: Floats
    looked: NDArray[np.bool_]


def _large(ledger: Ledger, given: float | None) -> float:
    if given is not None:
        return check.number("large_amount", given, gt=0)
    amounts = ledger.amount[(ledger.outcome == WON_DEAL) & (ledger.amount > 0)]
    return float(np.quantile(amounts, LARGE_QUANTILE)) if amounts.size else np.nan


def _stage_weight(book: Book, weights: str, confidence_level: float) -> Floats:
    """Return the weight of each stage before won; the won stage has 1."""
    won = book.playbook.won
    if weights == "playbook":
        return np.append(np.nan_to_num(pipes.stage_weights(book, "playbook")), 1.0)
    fresh = pipes.Pipeline(
        index=np.arange(won),
        position=np.arange(won),
        age_days=np.zeros(won),
        created_days=np.zeros(won),
        amount=np.ones(won),
    )
    measured = pipes.measured_chances(book, fresh, np.inf, confidence_level)
    return np.append(np.maximum.accumulate(np.nan_to_num(measured)), 1.0)


def _never(ledger: Ledger, least_days: float, *, recorded: bool) -> _Found | None:
    """Won deals that were not in any stage before won for at least `least_days`; `recorded`: there is a history."""
    looked = (ledger.outcome == WON_DEAL) & (ledger.closed_s != UNKNOWN)
    first = np.where(
        ledger.created_s != UNKNOWN, ledger.created_s, ledger.reached_s[:, : ledger.won + 1].min(axis=1)
    )
    entered = ledger.entered_s[ledger.start[:-1]]
    first = np.where(first != UNKNOWN, first, entered)
    looked &= first != UNKNOWN
    # A deal of which nothing but the close is dated was perhaps seen for months: nobody knows.
    if not recorded:
        looked &= ledger.created_s != UNKNOWN
    if not looked.any():
        return None
    seen = (ledger.closed_s - np.where(first == UNKNOWN, 0, first)) / SECONDS_PER_DAY
    index = np.flatnonzero(looked & (seen < least_days))
    nothing = np.zeros(index.size)
    stated = ledger.stage[ledger.start[index]].astype(np.int64)
    right = np.full(index.size, ledger.won)
    return _Found(index=index, stated=stated, right=right, effect=nothing, looked=looked)


def _lower(ledger: Ledger, weight: Floats) -> _Found | None:
    """Open deals that stand below the furthest stage they had reached."""
    last = ledger.stage[ledger.start[1:] - 1].astype(np.int64)
    looked = (ledger.outcome == 0) & (ledger.furthest <= ledger.won)
    if not looked.any():
        return None
    index = np.flatnonzero(looked & (last < ledger.furthest))
    stated, right = last[index], ledger.furthest[index].astype(np.int64)
    effect = np.nan_to_num(ledger.amount[index]) * (weight[right] - weight[stated])
    return _Found(index=index, stated=stated, right=right, effect=effect, looked=looked)


def _evidence(book: Book, weight: Floats) -> _Found | None:
    """Open deals beyond a stage of which a required criterion is recorded as not met."""
    table = book.tables.get("gates")
    if table is None or not {"opportunity_id", "stage", "criterion", "met"} <= set(table.columns):
        return None
    ledger, playbook = book.ledger, book.playbook
    required = {
        (stage.id, gate.id)
        for stage in playbook.stages
        for gate in (*stage.entry, *stage.exit)
        if gate.required
    }
    newest = table.sort_values("at", kind="stable") if "at" in table else table
    newest = newest.drop_duplicates(["opportunity_id", "stage", "criterion"], keep="last")
    unmet = newest[newest["met"].fillna(False).eq(False).to_numpy(dtype=bool)]
    number = {str(one): place for place, one in enumerate(ledger.deal_ids)}
    lowest: dict[int, int] = {}
    for deal, stage, criterion in zip(
        unmet["opportunity_id"], unmet["stage"], unmet["criterion"], strict=True
    ):
        place, position = number.get(str(deal)), playbook.position(str(stage))
        if (
            place is not None
            and position is not None
            and (playbook.stage_ids[position], str(criterion)) in required
        ):
            lowest[place] = min(position, lowest.get(place, position))
    listed = {number[str(one)] for one in newest["opportunity_id"] if str(one) in number}
    looked = np.zeros(len(ledger.outcome), dtype=bool)
    looked[list(listed)] = True
    looked &= (ledger.outcome == 0) & (ledger.furthest < ledger.won)
    if not looked.any():
        return None
    standing = ledger.stage[ledger.start[1:] - 1].astype(np.int64)
    index = np.array(
        sorted(d for d, low in lowest.items() if looked[d] and standing[d] > low), dtype=np.int64
    )
    right = np.array([lowest[int(d)] for d in index], dtype=np.int64)
    stated = standing[index]
    effect = np.nan_to_num(ledger.amount[index]) * (weight[right] - weight[stated])
    return _Found(index=index, stated=stated, right=right, effect=effect, looked=looked)


def found_by(book: Book, name: str, least_days: float) -> _Found | None:
    """Return the deals that one check found and looked at; None where the records hold nothing for it."""
    recorded = "stage_history" in book.tables
    weight = np.zeros(book.playbook.won + 1)
    if name == CHECKS[0]:
        return _never(book.ledger, least_days, recorded=recorded)
    if name == CHECKS[1]:
        return _lower(book.ledger, weight) if recorded else None
    return _evidence(book, weight)


def _people(ledger: Ledger) -> list[tuple[str, NDArray[np.bool_]]]:
    coded = ledger.attributes.get("owner")
    if coded is None:
        return []
    return [(label, coded.codes == code) for code, label in enumerate(coded.labels)]


def _rows(
    ledger: Ledger, found: Mapping[str, _Found], large: float, confidence_level: float
) -> tuple[IntegrityRow, ...]:
    """Return a row per check for everybody, then one per person for whom it found anything."""
    everybody = np.ones(len(ledger.outcome), dtype=bool)
    rows = [
        _row((), name, ledger, found[name], everybody, large, confidence_level)
        if name in found
        else _unseen(name)
        for name in CHECKS
    ]
    for owner, mine in _people(ledger):
        for name, one in found.items():
            if mine[one.index].any():
                rows.append(_row((owner,), name, ledger, one, mine, large, confidence_level))
    return tuple(rows)


def _unseen(name: str) -> IntegrityRow:
    """Return the row of a check for which the records hold nothing: not known, which is not "none found"."""
    nan = float("nan")
    return IntegrityRow(
        group=(),
        check=name,
        found_n=0,
        of_n=0,
        found_share=nan,
        found_ci_lower=nan,
        found_ci_upper=nan,
        large_n=0,
        amount=nan,
        quota_effect_amount=nan,
    )


def _row(
    group: tuple[str, ...],
    name: str,
    ledger: Ledger,
    found: _Found,
    mine: NDArray[np.bool_],
    large: float,
    confidence_level: float,
) -> IntegrityRow:
    kept = mine[found.index]
    index = found.index[kept]
    of_n = int((found.looked & mine).sum())
    lower, upper = wilson(index.size, of_n, confidence_level)
    amounts = ledger.amount[index]
    return IntegrityRow(
        group=group,
        check=name,
        found_n=int(index.size),
        of_n=of_n,
        found_share=index.size / of_n if of_n else np.nan,
        found_ci_lower=float(lower),
        found_ci_upper=float(upper),
        large_n=int((amounts >= large).sum()),
        amount=float(np.nansum(amounts)),
        quota_effect_amount=float(found.effect[kept].sum()),
    )


def _deals(book: Book, name: str, found: _Found, large: float) -> Iterable[IntegrityDeal]:
    ledger, ids = book.ledger, book.playbook.stage_ids
    coded = ledger.attributes.get("owner")
    names = customers_of(book, [str(one) for one in ledger.deal_ids[found.index]])
    for deal, customer, stated, right in zip(found.index, names, found.stated, found.right, strict=True):
        closed = ledger.closed_s[deal]
        yield IntegrityDeal(
            check=name,
            opportunity_id=str(ledger.deal_ids[deal]),
            customer=customer,
            owner="" if coded is None else coded.labels[coded.codes[deal]],
            stage=ids[stated],
            furthest_stage=ids[right],
            amount=float(ledger.amount[deal]),
            closed_at=np.datetime64("NaT", "s") if closed == UNKNOWN else np.datetime64(int(closed), "s"),
            large=bool(ledger.amount[deal] >= large),
        )


def _gaps(book: Book, found: Mapping[str, _Found]) -> tuple[Note, ...]:
    """Return what could not be looked for."""
    notes: tuple[Note, ...] = ()
    if CHECKS[0] not in found:
        notes += (Note("integrity_no_dates"),)
    if "gates" not in book.tables:
        notes += (Note("integrity_no_gates"),)
    if "stage_history" not in book.tables:
        notes += (Note("integrity_no_history"),)
    tables = {CHECKS[1]: "stage_history", CHECKS[2]: "gates"}
    if any(name not in found and table in book.tables for name, table in tables.items()):
        notes += (Note("integrity_no_open"),)
    return notes
