"""What is the pipeline worth, which quota follows from it, and how likely is it to be attained?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from funnelnb.analysis.shared.counts import grouping, level, source_notes
from funnelnb.analysis.shared.judged import unjudged
from funnelnb.analysis.shared.open_deals import groups_of_deals
from funnelnb.analysis.shared.period import Period, if_named, target_amount
from funnelnb.analysis.shared.question import question
from funnelnb.analysis.shared.result import Result, about
from funnelnb.analysis.targets import pipeline as pipes
from funnelnb.analysis.targets.deal_sizes import closed_between
from funnelnb.core import check
from funnelnb.core.errors import MissingDataError
from funnelnb.core.note import Note
from funnelnb.data.ledger.codes import WON_DEAL
from funnelnb.stats.totals.compound import LARGEST, SMALLEST
from funnelnb.stats.totals.portfolio import portfolio
from funnelnb.stats.totals.shock import MEASURED_MONTHS, Shock
from funnelnb.stats.totals.size import Size, points

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from funnelnb.core.check import Day
    from funnelnb.data.book import Book
    from funnelnb.playbooks.model import Label


# ---- How likely is a target attained, by what is won, what is open and what is yet to come? ----------------

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class AttainCurve:
    """Chance that at least so much is attained.

    Attributes
    ----------
    total_amount : ndarray of float64, shape (C,)
        What has been won in the period included.
    chance_rate : ndarray of float64, shape (C,)
    probability_rate : ndarray of float64, shape (C,)
        In a cell around the total.
    """

    total_amount: Floats
    chance_rate: Floats
    probability_rate: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Attainment:
    """What the open deals, the wins so far and the deals yet to come make likely.

    Attributes
    ----------
    won_amount, new_amount, new_n, expected_amount, chance_rate, chance_open_rate, assured_amount, shock_sd, curve
        As in :class:`~funnelnb.analysis.targets.quota.Quota`.
    notes : tuple of Note
        What the total assumes.
    target_amount, assurance_rate, confidence_level : float
        As asked.
    """

    won_amount: float
    new_amount: float
    new_n: float
    expected_amount: float
    chance_rate: float
    chance_open_rate: float
    assured_amount: float
    shock_sd: float
    curve: AttainCurve
    notes: tuple[Note, ...]
    target_amount: float
    assurance_rate: float
    confidence_level: float


def attainment(
    book: Book,
    deals: pipes.Pipeline,
    chance: Floats,
    period: Period | None,
    target: float,
    *,
    measured: bool,
    assurance: float,
    confidence_level: float,
) -> Attainment:
    """How likely is the target attained by the end of the period, and what is attained with some assurance?

    Parameters
    ----------
    book : Book
    deals : Pipeline
        Open deals.
    chance : ndarray of float64, shape (deals,)
        Of each to be won.
    period : Period, optional
        None: without end, and without deals yet to come.
    target : float
        NaN where none is known.
    measured : bool
        Whether the chances are measured: only then do they move together, and only then are there deals yet to
        come.
    assurance : float
    confidence_level : float
    """
    sources = _Sources.of(book, deals, chance, period, measured, confidence_level)
    curve, with_new, alone = sources.attain(target)
    weighted = float((np.where(np.isnan(deals.amount), 0.0, deals.amount) * chance).sum())
    return Attainment(
        won_amount=sources.won,
        new_amount=sources.new_amount,
        new_n=sources.coming.mean_n,
        expected_amount=sources.won + weighted + float(np.nan_to_num(sources.new_amount)),
        chance_rate=with_new,
        chance_open_rate=alone,
        assured_amount=_assured(curve, assurance),
        shock_sd=sources.spread,
        curve=curve,
        notes=sources.notes(),
        target_amount=target,
        assurance_rate=assurance,
        confidence_level=confidence_level,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sources:
    """Everything that the total of a period is made of."""

    deals: pipes.Pipeline
    chance: Floats
    whole: Size | None
    won: float
    coming: pipes.Arrivals
    shock: Shock | None
    end: tuple[Note, ...] = ()

    @classmethod
    def of(
        cls,
        book: Book,
        deals: pipes.Pipeline,
        chance: Floats,
        period: Period | None,
        measured: bool,
        level: float,
    ) -> _Sources:
        ledger = book.ledger
        sold = ledger.amount[(ledger.outcome == WON_DEAL) & (ledger.amount > 0)]
        none = pipes.Arrivals(mean_n=0.0, shape=np.inf, window_days=0.0, new_n=0)
        arriving = measured and period is not None and sold.size > 0
        return cls(
            deals=deals,
            chance=chance,
            whole=points(sold) if sold.size else None,
            won=closed_between(book, period.start) if period else 0.0,
            coming=pipes.arrivals(book, period, level) if arriving and period else none,
            shock=pipes.shock(book) if measured else None,
            end=pipes.period_end(book) if measured and period else (),
        )

    @property
    def spread(self) -> float:
        """Standard deviation of the common shifts of the log odds."""
        return 0.0 if self.shock is None else float(np.std(self.shock.levels))

    @property
    def new_amount(self) -> float:
        """Expected from deals yet to be entered."""
        if not self.coming.window_days or self.whole is None:
            return np.nan
        return self.coming.mean_n * self.whole.mean

    def notes(self) -> tuple[Note, ...]:
        """What the total assumes."""
        found: tuple[Note, ...] = ()
        if self.coming.window_days:
            found += (
                Note(
                    "quota_new", {"new_n": self.coming.new_n, "window_days": round(self.coming.window_days)}
                ),
            )
        if self.shock is not None:
            found += (Note("quota_shock", {"factor": float(np.exp(self.shock.spread))}),)
            if self.shock.months_n < MEASURED_MONTHS:
                found += (Note("quota_shock_prior", {"months_n": self.shock.months_n}),)
        found += self.end
        return found

    def attain(self, target: float) -> tuple[AttainCurve, float, float]:
        """Return the curve of the total, and the chance of `target` with and without deals yet to come."""
        sizes, groups = pipes.size_groups(self.deals, self.chance, self.whole)
        if self.coming.mean_n > 0 and self.whole is not None:
            sizes = [*sizes, self.whole]
        arrivals = [(len(sizes) - 1, self.coming.mean_n, self.coming.shape)] if self.coming.mean_n > 0 else []
        upto = self._upto(sizes, groups, arrivals)
        rest = target - self.won if target > self.won else np.nan
        goal = rest if np.isfinite(rest) else upto / 2
        levels = pipes.shocked(self.chance, np.zeros(1) if self.shock is None else self.shock.levels)
        parts = [(place, levels[:, mine]) for place, mine in groups]
        total, mass, found, without = portfolio(
            sizes,
            parts,
            arrivals,
            goal,
            max(upto, 1.05 * goal),
            level_weight=np.full(len(levels), 1 / len(levels)),
        )
        curve = AttainCurve(
            total_amount=total + self.won,
            chance_rate=np.clip(1 - np.cumsum(mass) + mass / 2, 0, 1),
            probability_rate=mass,
        )
        if np.isfinite(target) and target <= self.won:
            return curve, 1.0, 1.0
        known = np.isfinite(rest)
        chances = [_no_certainty(one.value) if known else np.nan for one in (found, without)]
        return curve, chances[0], chances[1]

    def _upto(
        self,
        sizes: list[Size],
        groups: list[tuple[int, NDArray[np.int64]]],
        arrivals: list[tuple[int, float, float]],
    ) -> float:
        """Return an amount that the total hardly ever exceeds."""
        mean = variance = 0.0
        for place, mine in groups:
            rate, size = self.chance[mine], sizes[place]
            square = size.variance + size.mean**2
            mean += float(rate.sum()) * size.mean
            variance += float((rate * square - (rate * size.mean) ** 2).sum())
        for place, count, shape in arrivals:
            size = sizes[place]
            mean += count * size.mean
            variance += count * (size.variance + size.mean**2) + (count * size.mean) ** 2 / shape
        return max(mean * np.exp(2.5 * self.spread) + 4 * np.sqrt(variance), 1.0)


def _no_certainty(chance: float) -> float:
    """Return a chance that is neither 0 nor 1: what it rests on, chances and sizes of deals, is estimated."""
    return min(max(chance, SMALLEST), LARGEST)


def _assured(curve: AttainCurve, assurance: float) -> float:
    """Return the amount that is attained with this chance."""
    reached = np.flatnonzero(curve.chance_rate >= assurance)
    return float(curve.total_amount[reached[-1]]) if reached.size else float(curve.total_amount[0])


# ---- What is the pipeline worth, which quota follows from it, and how likely is it to be attained? ---------


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
    model_amount, own_amount, measured_amount : float
        The same deals weighed by the stage model's weights, by own weights and by measured chances; NaN where there
        are no such weights. A stage without a weight counts 0.
    """

    group: tuple[str, ...]
    stage: str
    open_n: int
    amount_n: int
    open_amount: float
    weight_rate: float
    weighted_amount: float
    quota_share: float
    model_amount: float = float("nan")
    own_amount: float = float("nan")
    measured_amount: float = float("nan")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
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


@question()
def quota(
    book: Book,
    *,
    weights: str | Mapping[str, float] = "measured",
    by: str | Sequence[str] | None = None,
    amount: float | None = None,
    period: str | None = None,
    until: Day | None = None,
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
        No open deal has an amount, or the weights asked for do not exist.

    Notes
    -----
    The weighted amount is the sum of amount x weight. The chance is that of the sum of the open deals, each won
    with its weight, of wins from deals yet to be entered (negative binomial, at the pace of late; measured
    weights with a period only) and of what is already won in the period. All chances move together by a common
    shock whose spread is measured from month to month. Without the shock chances would look too sure.

    Beside the weights asked for, every row holds the amount by the model's weights, by own weights and by measured
    chances. A stage without a weight counts 0 and is named in a note.

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
    confidence = level(confidence_level)
    likely = attainment(
        book, deals, chance, ending, _target(book, amount, ending),
        measured=kind == "measured", assurance=wanted, confidence_level=confidence,
    )  # fmt: skip
    sides = _side_by_side(book, deals, weights, ending, confidence)
    rows = _rows(book, deals, chance, names, sides)
    notes = (*book.notes, *source_notes(book), *likely.notes, *_unknown(book, deals, weights))
    return _answer(book, ending, likely, rows, notes, by=names, kind=kind)


def _answer(
    book: Book,
    ending: Period | None,
    likely: Attainment,
    rows: tuple[QuotaRow, ...],
    notes: tuple[Note, ...],
    *,
    by: tuple[str, ...],
    kind: str,
) -> Quota:
    return Quota(
        n=rows[-1].open_n,
        method=f"quota_{kind}",
        confidence_level=likely.confidence_level,
        notes=notes,
        by=by,
        weights=kind,
        period_name=ending.name if ending else "",
        until=ending.end if ending else np.datetime64("NaT", "D"),
        rows=rows,
        weighted_amount=rows[-1].weighted_amount,
        target_amount=likely.target_amount,
        assurance_rate=likely.assurance_rate,
        won_amount=likely.won_amount,
        new_amount=likely.new_amount,
        new_n=likely.new_n,
        expected_amount=likely.expected_amount,
        chance_rate=likely.chance_rate,
        chance_open_rate=likely.chance_open_rate,
        assured_amount=likely.assured_amount,
        shock_sd=likely.shock_sd,
        curve=likely.curve,
        **about(book),
    )


def _weights(
    book: Book, deals: pipes.Pipeline, weights: str | Mapping[str, float], period: Period | None, level: float
) -> tuple[Floats, str]:
    if weights == "measured":
        pipes.require_chances(book)
        if period is None:
            return np.nan_to_num(pipes.measured_chances(book, deals, np.inf, level)), "measured"
        return pipes.chances_in(book, deals, period, level), "measured"
    by_stage = np.nan_to_num(pipes.stage_weights(book, weights))
    return by_stage[deals.position], "playbook" if isinstance(weights, str) else "given"


def _side_by_side(
    book: Book, deals: pipes.Pipeline, weights: str | Mapping[str, float], period: Period | None, level: float
) -> dict[str, Floats]:
    """Return the weight of each deal by the model, by own weights and as measured, as far as there are any."""
    found = {} if unjudged(book) else {"measured": _weights(book, deals, "measured", period, level)[0]}
    if any(stage.win_weight is not None for stage in book.playbook.stages[: book.playbook.won]):
        found["model"] = _weights(book, deals, "playbook", period, level)[0]
    if not isinstance(weights, str):
        found["own"] = _weights(book, deals, weights, period, level)[0]
    return found


def _without_weight(
    book: Book, deals: pipes.Pipeline, weights: str | Mapping[str, float]
) -> tuple[Note, ...]:
    """Return a note that names the stages of open deals that count 0 because nobody gave them a weight."""
    if weights == "measured":
        return ()
    by_stage = pipes.stage_weights(book, weights)
    standing = np.unique(deals.position)
    missing = [book.playbook.stage_ids[k] for k in standing if np.isnan(by_stage[k])]
    if not missing:
        return ()
    counted = int(np.isnan(by_stage[deals.position]).sum())
    facts = {"stages": ", ".join(missing), "deals_n": counted, "of_n": len(deals.index)}
    return (Note("quota_without_weight", facts),)


def _valued_deals(book: Book) -> pipes.Pipeline:
    """Return the open deals, or raise where no amount is known."""
    deals = pipes.pipeline(book)
    if len(deals.index) and not np.isfinite(deals.amount).any():
        raise MissingDataError(
            "no open deal has an amount",
            expected="a column amount for open deals",
            hint="map it in funnelnb.toml",
        )
    return deals


def _unknown(book: Book, deals: pipes.Pipeline, weights: str | Mapping[str, float]) -> tuple[Note, ...]:
    """Say what is not known of the deals, and of which stages nobody gave a weight."""
    missing, of_n = int(np.isnan(deals.amount).sum()), len(deals.index)
    undated = int(np.isnan(deals.age_days).sum())
    found: tuple[Note, ...] = ()
    found += (Note("amount_unknown", {"deals_n": missing, "of_n": of_n}),) if missing else ()
    found += (Note("quota_undated", {"deals_n": undated, "of_n": of_n}),) if undated else ()
    return found + _without_weight(book, deals, weights)


def _target(book: Book, amount: float | None, period: Period | None) -> float:
    if amount is not None:
        return check.number("amount", amount, gt=0, lt=float("inf"))
    if period is None:
        return np.nan
    try:
        return target_amount(book, None, period)
    except MissingDataError:
        return np.nan


def _rows(
    book: Book,
    deals: pipes.Pipeline,
    chance: Floats,
    by: tuple[str, ...],
    sides: Mapping[str, Floats],
) -> tuple[QuotaRow, ...]:
    known = ~np.isnan(deals.amount)
    amount = np.where(known, deals.amount, 0.0)
    whole = float((amount * chance).sum())
    groups: list[tuple[tuple[str, ...], NDArray[np.bool_]]] = [((), np.ones(len(deals.index), dtype=bool))]
    if by:
        every = groups_of_deals(book, by)
        mine = [every[place] for place in deals.index.tolist()]
        groups = [(one, np.array([other == one for other in mine], bool)) for one in sorted(set(mine))]
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
            **{f"{name}_amount": float((amount * side)[inside].sum()) for name, side in sides.items()},
        )

    rows = []
    for group, inside in groups:
        rows += [
            row(group, book.playbook.stage_ids[k], inside & (deals.position == k))
            for k in np.unique(deals.position[inside])
        ]
        rows.append(row(group, "", inside))
    return tuple(rows)
