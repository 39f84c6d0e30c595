"""What does a target need: how many deals, of which size, from how many leads, how soon, and how likely is it?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict, Unpack

import numpy as np

from funnelnb.analysis.shared.counts import level
from funnelnb.analysis.shared.period import next_quarter, still_to_come, target_amount
from funnelnb.analysis.shared.question import question
from funnelnb.analysis.shared.result import Result
from funnelnb.analysis.targets import pipeline as pipes
from funnelnb.analysis.targets.deal_sizes import won_between
from funnelnb.analysis.targets.mix import DealMix, MixLimits, deal_mix
from funnelnb.analysis.targets.quota import Quota, quota
from funnelnb.analysis.targets.reverse import ReverseFunnel, reverse_funnel
from funnelnb.core.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.analysis.shared.period import Period
    from funnelnb.analysis.targets.plans import MixRow
    from funnelnb.core.check import Day
    from funnelnb.core.note import Note
    from funnelnb.data.book import Book
    from funnelnb.playbooks.model import Label


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetRow:
    """One part of the way to the target.

    Attributes
    ----------
    part : {"target", "won", "open", "new", "gap"}
        The target; what is won in the period; what open deals, and deals yet to be entered, are expected to
        bring; what then is still missing (negative: more than enough).
    amount : float
    part_share : float
        Of the target.
    deal_n : float
        Wins: counted of what is won, expected of open and new deals, of mean size for the gap; for the target their
        sum.
    """

    part: str
    amount: float
    part_share: float
    deal_n: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Target(Result):
    """A target, taken apart.

    Attributes
    ----------
    target_amount : float
    period_name : str
    until : numpy.datetime64
    assurance_rate : float
    chance_rate : float
        That it is attained as things are, deals yet to be entered included.
    chance_open_rate : float
        By what is won and open alone.
    assured_amount : float
        What is attained with the assurance.
    wins_n : int
        Wins of history's sizes that the rest of the target needs for the assurance; 0 when it is reached.
    open_wins_n : float
        Wins expected from open deals.
    new_wins_n : int
        Wins that new deals have to bring on top of those.
    rows : tuple of TargetRow
    mix : DealMix or None
        Mixes for what is still to be won; None when the target is reached.
    funnel : ReverseFunnel or None
        Leads for `new_wins_n`; None where none are needed.
    quota : Quota
    stage_ids : tuple of str
    stage_labels : tuple of Label
    """

    target_amount: float
    period_name: str
    until: np.datetime64
    assurance_rate: float
    chance_rate: float
    chance_open_rate: float
    assured_amount: float
    wins_n: int
    open_wins_n: float
    new_wins_n: int
    rows: tuple[TargetRow, ...]
    mix: DealMix | None
    funnel: ReverseFunnel | None
    quota: Quota
    stage_ids: tuple[str, ...]
    stage_labels: tuple[Label, ...] = ()

    @property
    def mixes(self) -> tuple[MixRow, ...]:
        """Mixes of deal sizes for what is still to be won, least effort first."""
        return () if self.mix is None else self.mix.mixes


@question()
def target(
    book: Book,
    *,
    amount: float | None = None,
    period: str | None = None,
    until: Day | None = None,
    assurance: float = 0.8,
    bands: str | Sequence[float] | None = None,
    currency: str | None = None,
    confidence_level: float | None = None,
    **limits: Unpack[MixLimits],
) -> Target:
    """What does a target need: how many deals, of which size, from how many leads, how soon; how likely is it?

    Parameters
    ----------
    book : Book
    amount : float, optional
        Target in the book's currency, above 0; None takes the table ``targets`` of the period.
    period : str, optional
        Month, quarter or year, such as ``"2026-Q3"``; None and no `until`: the next quarter.
    until : date, optional
        Instead of `period`: the last day; counted from the day after the as-of date.
    assurance : float
        Chance wanted, strictly between 0 and 1.
    bands : optional
        As in :func:`funnelnb.targets.deal_mix`.
    currency : str, optional
        The currency of `amount`, where it is to be made sure that it is that of the book.
    confidence_level : float, optional
    **limits
        Passed on to :func:`funnelnb.targets.deal_mix`: effort, limits, most_share, least_n, most_n, stretch, plan.

    Returns
    -------
    Target

    Raises
    ------
    ParameterError
        A parameter is out of range, the period is over, the currency is another, or no mix reaches the target
        under the limits.
    MissingDataError
        No target is known, or no won deal has an amount.

    Notes
    -----
    See :func:`funnelnb.quota` for the chance, :func:`funnelnb.targets.deal_mix` for the mixes and
    :func:`funnelnb.targets.reverse_funnel` for the leads.

    Examples
    --------
    >>> import funnelnb as fn
    >>> result = fn.target(fn.sample(), period="2026-Q4")
    >>> result.currency, result.wins_n > 0
    ('EUR', True)
    """
    _same_currency(book, currency)
    period, ending = _period(book, period, until)
    goal = target_amount(book, amount, ending)
    sure: _Sure = {"assurance": assurance, "confidence_level": confidence_level}
    when: _When = {"period": period, "until": until}
    worth = quota(book, amount=goal, **when, **sure)
    options: MixOptions = {**limits, "bands": bands, "currency": currency}
    needs = _needs(book, goal - worth.won_amount, ending, options, when, sure)
    return _answer(book, goal, ending, worth, needs, currency, level(confidence_level))


def _same_currency(book: Book, currency: str | None) -> None:
    if currency and book.currency and currency != book.currency:
        raise ParameterError(
            f"currency = {currency!r}",
            expected=f"{book.currency!r}, the currency of the data",
            hint="convert the target first: amounts are never converted silently",
        )


def _period(book: Book, period: str | None, until: Day | None) -> tuple[str | None, Period]:
    """Return the name of the period, if it has one, and the period; the next quarter where none is asked for."""
    if not period and until is None:
        period = next_quarter(book)
    return period, still_to_come(book, period, until)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Needs:
    """The wins that are still needed, and what they need in turn."""

    wins_n: int
    open_wins_n: float
    new_wins_n: int
    mix: DealMix | None
    funnel: ReverseFunnel | None


def _answer(
    book: Book,
    goal: float,
    ending: Period,
    worth: Quota,
    needs: _Needs,
    currency: str | None,
    confidence_level: float,
) -> Target:
    return Target(
        n=len(book.ledger.outcome),
        method="target",
        confidence_level=confidence_level,
        as_of=book.as_of,
        currency=book.currency or currency or "",
        notes=_notes(worth, needs.mix, needs.funnel),
        target_amount=goal,
        period_name=ending.name,
        until=ending.end,
        assurance_rate=worth.assurance_rate,
        chance_rate=worth.chance_rate,
        chance_open_rate=worth.chance_open_rate,
        assured_amount=worth.assured_amount,
        rows=_rows(goal, worth, needs.open_wins_n, won_between(book, ending.start), book),
        wins_n=needs.wins_n,
        open_wins_n=needs.open_wins_n,
        new_wins_n=needs.new_wins_n,
        mix=needs.mix,
        funnel=needs.funnel,
        quota=worth,
        stage_ids=book.playbook.stage_ids,
        stage_labels=book.playbook.stage_labels,
    )


class MixOptions(MixLimits):
    """What the mix is asked with, beside the amount and how sure."""

    bands: str | Sequence[float] | None
    currency: str | None


class _When(TypedDict):
    """By when."""

    period: str | None
    until: Day | None


class _Sure(TypedDict):
    """How sure."""

    assurance: float
    confidence_level: float | None


def _needs(
    book: Book,
    rest: float,
    ending: Period,
    limits: MixOptions,
    when: _When,
    sure: _Sure,
) -> _Needs:
    """Return what the rest of a target needs: wins, how many the open deals bring, leads for the others."""
    mix = deal_mix(book, amount=rest, **sure, **limits) if rest > 0 else None
    wins = mix.required_n if mix else 0
    chance = pipes.chances_in(book, pipes.pipeline(book), ending, level(sure["confidence_level"]))
    open_wins = float(chance.sum())
    more = max(0, math.ceil(wins - open_wins)) if mix else 0
    funnel = reverse_funnel(book, wins=more, **when, **sure) if more else None
    return _Needs(wins_n=wins, open_wins_n=open_wins, new_wins_n=more, mix=mix, funnel=funnel)


def _notes(worth: Quota, mixes: DealMix | None, funnel: ReverseFunnel | None) -> tuple[Note, ...]:
    """Return the notes of all parts, each once."""
    found: dict[tuple[object, ...], Note] = {}
    for part in (worth, mixes, funnel):
        for note in () if part is None else part.notes:
            found.setdefault((note.code, tuple(sorted(note.values.items(), key=str))), note)
    return tuple(found.values())


def _rows(goal: float, worth: Quota, open_wins: float, won_n: int, book: Book) -> tuple[TargetRow, ...]:
    """Return the parts; each number of wins is its own, and that of the target their sum as shown."""
    ledger = book.ledger
    sold = ledger.amount[(ledger.outcome == 1) & (ledger.amount > 0)]
    new = float(np.nan_to_num(worth.new_amount))
    gap = goal - worth.won_amount - worth.weighted_amount - new
    parts = {
        "won": (worth.won_amount, float(won_n)),
        "open": (worth.weighted_amount, open_wins),
        "new": (new, worth.new_n),
        "gap": (gap, gap / float(sold.mean())),
    }
    wins = sum(round(float(np.nan_to_num(count)), 1) for _, count in parts.values())
    return tuple(
        TargetRow(part=name, amount=amount, part_share=amount / goal, deal_n=count)
        for name, (amount, count) in ({"target": (goal, round(wins, 1))} | parts).items()
    )
