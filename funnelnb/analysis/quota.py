"""What is the pipeline worth, which quota follows from it, and how likely is it to be attained?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from funnelnb.analysis import pipeline as pipes
from funnelnb.analysis.attainment import AttainCurve, attainment
from funnelnb.analysis.obtain import grouping, level, source_notes
from funnelnb.analysis.period import Period, if_named, target_amount
from funnelnb.analysis.result import Result, facts
from funnelnb.core import check
from funnelnb.core.errors import MissingDataError
from funnelnb.core.note import Note

if TYPE_CHECKING:
    from collections.abc import Mapping

    from funnelnb.data.book import Book
    from funnelnb.playbooks.model import Label

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaRow:
    """The open deals of one group in one stage; the row without a stage is the group's total.

    Attributes
    ----------
    group : tuple of str
    stage : str
        Empty for the total.
    open_n : int
        Open deals.
    amount_n : int
        Those whose amount is known.
    open_amount : float
        Sum of the known amounts.
    weight_rate : float
        Weighted amount / amount.
    weighted_amount : float
        Sum of amount x weight.
    quota_share : float
        Share of the weighted amount of all.
    """

    group: tuple[str, ...]
    stage: str
    open_n: int
    amount_n: int
    open_amount: float
    weight_rate: float
    weighted_amount: float
    quota_share: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Quota(Result):
    """The weighted pipeline and what it makes likely.

    Attributes
    ----------
    by : tuple of str
    weights : {"measured", "playbook", "given"}
    period_name : str
    until : numpy.datetime64
        Last day of the period; NaT without one.
    rows : tuple of QuotaRow
        Per group its stages, then its total; the last is the total of all.
    weighted_amount : float
        The quota by the rule: sum of amount x weight.
    won_amount : float
        Already won in the period.
    new_amount : float
        Expected from deals yet to be entered; NaN without a period or with weights that are not measured.
    new_n : float
        Wins expected from them.
    expected_amount : float
        Won, weighted and new together.
    target_amount : float
        NaN where none is known.
    chance_rate : float
        That the target is attained, deals yet to be entered included.
    chance_open_rate : float
        That it is attained by what is won and open alone.
    assurance_rate : float
    assured_amount : float
        What is attained with that chance.
    shock_sd : float
        Standard deviation of the log odds by which all chances move together.
    curve : AttainCurve
    stage_ids : tuple of str
    stage_labels : tuple of Label
    """

    by: tuple[str, ...]
    weights: str
    period_name: str
    until: np.datetime64
    rows: tuple[QuotaRow, ...]
    weighted_amount: float
    won_amount: float
    new_amount: float
    new_n: float
    expected_amount: float
    target_amount: float
    chance_rate: float
    chance_open_rate: float
    assurance_rate: float
    assured_amount: float
    shock_sd: float
    curve: AttainCurve
    stage_ids: tuple[str, ...]
    stage_labels: tuple[Label, ...] = ()


def quota(
    book: Book,
    *,
    weights: str | Mapping[str, float] = "measured",
    by: str | None = None,
    amount: float | None = None,
    period: str | None = None,
    until: Any = None,
    assurance: float = 0.8,
    confidence_level: float | None = None,
) -> Quota:
    """What is the pipeline worth, which quota follows from it, and how likely is a target to be attained?

    Parameters
    ----------
    book : Book
    weights : {"measured", "playbook"} or mapping
        Chance of an open deal: measured by stage and age (needs a period), the playbook's weight of its stage,
        or stage to weight (other stages take the playbook's).
    by : str, optional
        Attribute to divide by, such as ``"region"``.
    amount : float, optional
        Target; None takes the table ``targets`` where it holds the period.
    period : str, optional
        Month, quarter or year, such as ``"2026-Q3"``.
    until : date, optional
        Instead of `period`: the last day.
    assurance : float
        Chance with which the assured amount is attained, strictly between 0 and 1.
    confidence_level : float, optional

    Returns
    -------
    Quota

    Raises
    ------
    ParameterError
        A parameter is out of range, or the period is over.
    MissingDataError
        No open deal has an amount, or a stage has no weight.

    Notes
    -----
    The weighted amount is the sum of amount x weight. The chance is that of the sum of the open deals, each won
    with its weight, of wins from deals yet to be entered (negative binomial, at the pace of late; measured
    weights with a period only) and of what is already won in the period. All chances move together by a common
    shock whose spread is measured from month to month. Without the shock chances would look too sure.

    Checked against the worked case 1 000 000 x 25 % = 250 000, simulation, and the fourth quarter of a real
    export: ``tests/analysis/test_quota.py``.

    Examples
    --------
    >>> import funnelnb as fn
    >>> result = fn.quota(fn.sample(), period="2026-Q3")
    >>> result.target_amount > 0 and 0 < result.chance_rate < 1
    True
    """
    names, wanted = grouping(book, by), check.number("assurance", assurance, gt=0, lt=1)
    ending = if_named(book, period, until)
    deals = _valued_deals(book)
    chance, kind = _weights(book, deals, weights, ending, level(confidence_level))
    target, confidence = _target(book, amount, ending), level(confidence_level)
    likely = attainment(
        book, deals, chance, ending, target,
        measured=kind == "measured", assurance=wanted, confidence_level=confidence,
    )  # fmt: skip
    rows = _rows(book, deals, chance, names)
    return Quota(
        n=len(deals.index),
        method=f"quota_{kind}",
        confidence_level=confidence,
        as_of=book.as_of,
        currency=book.currency,
        notes=(*book.notes, *source_notes(book), *likely.notes, *_unknown(deals)),
        by=names,
        weights=kind,
        period_name=ending.name if ending else "",
        until=ending.end if ending else np.datetime64("NaT", "D"),
        rows=rows,
        weighted_amount=rows[-1].weighted_amount,
        target_amount=target,
        assurance_rate=wanted,
        **facts(likely, "notes"),
        stage_ids=book.playbook.stage_ids,
        stage_labels=book.playbook.stage_labels,
    )


def _weights(
    book: Book, deals: pipes.Pipeline, weights: str | Mapping[str, float], period: Period | None, level: float
) -> tuple[Floats, str]:
    if weights == "measured":
        if period is None:
            return np.nan_to_num(pipes.measured_chances(book, deals, np.inf, level)), "measured"
        return pipes.chances_in(book, deals, period, level), "measured"
    by_stage = pipes.stage_weights(book, weights)
    return by_stage[deals.position], "playbook" if isinstance(weights, str) else "given"


def _valued_deals(book: Book) -> pipes.Pipeline:
    """Return the open deals, or raise where no amount is known."""
    deals = pipes.pipeline(book)
    if len(deals.index) and not np.isfinite(deals.amount).any():
        raise MissingDataError(
            "no open deal has an amount",
            expected="a column amount for open deals",
            hint="map it in the settings",
        )
    return deals


def _unknown(deals: pipes.Pipeline) -> tuple[Note, ...]:
    missing, of_n = int(np.isnan(deals.amount).sum()), len(deals.index)
    undated = int(np.isnan(deals.age_days).sum())
    found = (Note("amount_unknown", {"deals_n": missing, "of_n": of_n}),) if missing else ()
    return found + ((Note("quota_undated", {"deals_n": undated, "of_n": of_n}),) if undated else ())


def _target(book: Book, amount: float | None, period: Period | None) -> float:
    if amount is not None:
        return check.number("amount", amount, gt=0, lt=float("inf"))
    if period is None:
        return np.nan
    try:
        return target_amount(book, None, period)
    except MissingDataError:
        return np.nan


def _rows(book: Book, deals: pipes.Pipeline, chance: Floats, by: tuple[str, ...]) -> tuple[QuotaRow, ...]:
    known = ~np.isnan(deals.amount)
    amount = np.where(known, deals.amount, 0.0)
    whole = float((amount * chance).sum())
    groups: list[tuple[tuple[str, ...], NDArray[np.bool_]]] = [((), np.ones(len(deals.index), dtype=bool))]
    if by:
        coded = book.ledger.attributes[by[0]]
        mine = coded.codes[deals.index]
        groups = [((label,), mine == code) for code, label in enumerate(coded.labels) if (mine == code).any()]
        groups.append(((), np.ones(len(deals.index), dtype=bool)))

    def row(group: tuple[str, ...], stage: str, inside: NDArray[np.bool_]) -> QuotaRow:
        total, weighted = float(amount[inside].sum()), float((amount * chance)[inside].sum())
        return QuotaRow(
            group=group,
            stage=stage,
            open_n=int(inside.sum()),
            amount_n=int((inside & known).sum()),
            open_amount=total,
            weight_rate=weighted / total if total else np.nan,
            weighted_amount=weighted,
            quota_share=weighted / whole if whole else np.nan,
        )

    rows = []
    for group, inside in groups:
        rows += [
            row(group, book.playbook.stage_ids[k], inside & (deals.position == k))
            for k in np.unique(deals.position[inside])
        ]
        rows.append(row(group, "", inside))
    return tuple(rows)
