"""How do deals convert, step by step and overall, and how sure is that?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from funnelnb.analysis.conversion.like_with_like import unfair_of
from funnelnb.analysis.shared import by_day, caveats, steps
from funnelnb.analysis.shared.counts import (
    ConversionCounts,
    Source,
    conversion_counts,
    grouping,
    level,
    origin_of,
)
from funnelnb.analysis.shared.horizon import Horizon, settle
from funnelnb.analysis.shared.judged import unjudged
from funnelnb.analysis.shared.question import question
from funnelnb.analysis.shared.result import Result
from funnelnb.core.later import Later
from funnelnb.core.note import Note

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from funnelnb.data.count.counts import StageCounts, TimeCounts
    from funnelnb.playbooks.model import Label


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow:
    """Conversion out of one stage of one group. Rates are NaN where their denominator is 0.

    Attributes
    ----------
    group : tuple of str
        Values of the `by` attributes; ``()`` for the whole book.
    stage, next_stage : str
        Stage ids. The overall row goes from the first stage to the won stage.
    overall : bool
        True for the end-to-end row.
    reached_n, advanced_n, here_n, lost_n, left_n : int
        reached = advanced + here + lost + left.
    so_far_rate, so_far_ci_lower, so_far_ci_upper : float
        (a) advanced / reached.
    decided_n : int
        Those that went on or were lost: advanced + lost. Deals that left without a decision are not among them.
    decided_rate, decided_ci_lower, decided_ci_upper : float
        (b) advanced / decided.
    by_day_n : int
        Deals whose times are known: behind (c).
    by_day_rate, by_day_ci_lower, by_day_ci_upper : float
        (c) advanced within `horizon_days` of reaching the stage: Aalen-Johansen, lost competing, open
        censored. NaN when the data cannot see that far.
    by_day_lost_rate, by_day_open_rate : float
        Lost, and neither, at the horizon; the three add to 1.
    at_risk_n : int
        Deals still under observation at the horizon.
    reached_amount, advanced_amount, here_amount, lost_amount : float
        Sums of the known amounts; the last two are NaN, with all shares of the amount that need them, where
        such deals carry no amount at all because it is only recorded when a deal is won.
    amount_n : int
        Deals whose amount is known.
    so_far_amount_rate, so_far_amount_ci_lower, so_far_amount_ci_upper : float
        (a) weighted by amount; interval on the effective number of deals.
    decided_amount_rate, decided_amount_ci_lower, decided_amount_ci_upper : float
        (b) weighted by amount.
    enough : bool
        False: too few deals to say.
    by_day_amount_rate, by_day_amount_ci_lower, by_day_amount_ci_upper : float
        (c) weighted by amount; interval on the effective number of deals.
    after_sale : bool
        True for a step beyond won, which the overall row does not hold.
    unplaced_n : int
        Deals that ended at an unknown stage: they may have passed this step, or ended here, or before. At the first
        stage reached = advanced + here + lost + left + unplaced. Shares of the step are those of the deals whose stage
        is known, which stand for the others within outcome, group and creation period; NaN where none can.
    unplaced_amount : float
        Sum of their known amounts.
    so_far_least_rate, so_far_most_rate, decided_least_rate, decided_most_rate : float
        Between these (a) and (b) lie wherever those deals ended; equal to them where every stage is known.
    by_day_lost_least_rate, by_day_lost_most_rate : float
        Between these the share lost lies, whenever the losses without a date fell.
    by_day_undated_n : int
        Those losses.
    """

    group: tuple[str, ...]
    stage: str
    next_stage: str
    overall: bool
    reached_n: int
    advanced_n: int
    here_n: int
    lost_n: int
    left_n: int
    so_far_rate: float
    so_far_ci_lower: float
    so_far_ci_upper: float
    decided_n: int
    decided_rate: float
    decided_ci_lower: float
    decided_ci_upper: float
    by_day_n: int
    by_day_rate: float
    by_day_ci_lower: float
    by_day_ci_upper: float
    by_day_lost_rate: float
    by_day_open_rate: float
    at_risk_n: int
    reached_amount: float
    advanced_amount: float
    here_amount: float
    lost_amount: float
    amount_n: int
    so_far_amount_rate: float
    so_far_amount_ci_lower: float
    so_far_amount_ci_upper: float
    decided_amount_rate: float
    decided_amount_ci_lower: float
    decided_amount_ci_upper: float
    enough: bool
    by_day_amount_rate: float = float("nan")
    by_day_amount_ci_lower: float = float("nan")
    by_day_amount_ci_upper: float = float("nan")
    after_sale: bool = False
    unplaced_n: int = 0
    unplaced_amount: float = 0.0
    so_far_least_rate: float = float("nan")
    so_far_most_rate: float = float("nan")
    decided_least_rate: float = float("nan")
    decided_most_rate: float = float("nan")
    by_day_lost_least_rate: float = float("nan")
    by_day_lost_most_rate: float = float("nan")
    by_day_undated_n: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OutcomeCurve:
    """Won, lost and still open by days since the origin, for one group; the three add to 1 at every day.

    Attributes
    ----------
    group : tuple of str
    days : ndarray of float64, shape (T,)
        0 and every event time, in days, up to the longest time observed; where there are more than 400, that
        many days at equal distance. Only 0 where late history leaves too few deals at young ages.
    won_rate, won_ci_lower, won_ci_upper, lost_rate, lost_ci_lower, lost_ci_upper, open_rate : ndarray, shape
    (T,) at_risk_n : ndarray of int64, shape (T,) trusted_days : float
        Beyond this age fewer than ``TOO_FEW_N`` deals are still observed: draw it as an estimate.
    """

    group: tuple[str, ...]
    days: NDArray[np.float64]
    won_rate: NDArray[np.float64]
    won_ci_lower: NDArray[np.float64]
    won_ci_upper: NDArray[np.float64]
    lost_rate: NDArray[np.float64]
    lost_ci_lower: NDArray[np.float64]
    lost_ci_upper: NDArray[np.float64]
    open_rate: NDArray[np.float64]
    at_risk_n: NDArray[np.int64]
    trusted_days: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LossPoint:
    """The step at which most deals are lost for good, with the money behind it.

    Attributes
    ----------
    group : tuple of str
    stage : str
    lost_n : int
        Deals whose furthest stage this was and that are lost.
    lost_share : float
        Of all lost deals of the group.
    lost_share_ci_lower, lost_share_ci_upper : float
    lost_amount : float
        Sum of their known amounts; NaN where lost deals carry none.
    clear : bool
        False when another stage's interval overlaps: the data cannot name one.
    """

    group: tuple[str, ...]
    stage: str
    lost_n: int
    lost_share: float
    lost_share_ci_lower: float
    lost_share_ci_upper: float
    lost_amount: float
    clear: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Conversion(Result):
    """Conversion per step and overall, for the whole or by group.

    Attributes
    ----------
    by : tuple of str
    stage_ids : tuple of str
    stage_labels : tuple of Label
        What the playbook calls the stages, in the order of `stage_ids`; empty: the ids are shown.
    horizon_days : float
        Day of (c), the headline.
    steps : tuple of StepRow
        For each group its steps in order.
    overall : tuple of StepRow
        One row per group: first stage to won.
    curves : sequence of OutcomeCurve
        One per group: from the first stage to won or lost.
    loss_points : tuple of LossPoint
        One per group that lost any deal.
    """

    by: tuple[str, ...]
    stage_ids: tuple[str, ...]
    horizon_days: float
    steps: tuple[StepRow, ...]
    overall: tuple[StepRow, ...]
    curves: Sequence[OutcomeCurve]
    loss_points: tuple[LossPoint, ...]
    stage_labels: tuple[Label, ...] = ()


@question()
def conversion(
    book: Source,
    *,
    by: str | Sequence[str] | None = None,
    horizon_days: float | None = None,
    confidence_level: float | None = None,
    origin_stage: str | None = None,
) -> Conversion:
    """How do deals convert, step by step and overall, and how sure is that?

    Parameters
    ----------
    book : Book or Scan
        The deals. A scan counts its rows where they lie.
    by : str or sequence of str, optional
        One or two attributes whose values make the groups; None: the whole book.
    horizon_days : float, optional
        Day of (c), above 0; None: chosen from the whole book by :func:`funnelnb.analysis.shared.horizon.choose` and
        noted. It is the same for all groups and steps.
    confidence_level : float, optional
        Level of every interval, between 0 and 1; None: the package option (0.90).
    origin_stage : str, optional
        Stage that the overall rate starts from, by id, label or alias; None: the first, or where no deal's
        arrival there is dated the first that has dates (with a note).

    Returns
    -------
    Conversion

    Raises
    ------
    ParameterError
        A parameter has a value that it cannot have; the hint names the nearest.
    MissingDataError
        The deals have no attribute `by`.

    Notes
    -----
    With *reached* and *advanced* by the furthest stage of each deal:

    - (a) so far = advanced / reached; (b) decided = advanced / (advanced + lost): deals
      that left without a decision are in neither. Both are
      binomial shares with Wilson's interval, which keeps its level at small counts where the usual one does
      not.
    - (c) by day t: Aalen-Johansen incidence of reaching the next stage within t days of reaching this one.
      Lost deals compete, open deals are censored, deals under observation only from some age (late history)
      count from then. Bounds: complementary log-log.
    - The overall rates and their intervals come from the end-to-end counts, never from a product of steps.
    - Amount-weighted rates take the same intervals on the effective number of deals (Kish): one large deal is
      not many.
    - Beyond won nothing is lost as a rule; (b) is then not defined.
    - Steps beyond won (delivery, repeat purchase) are rows of their own and not part of the overall rate;
      they are left out where no deal was seen there.

    References
    ----------
    Wilson (1927), doi:10.1080/01621459.1927.10502953. Aalen & Johansen (1978), Scand. J. Statist. 5, 141-150.
    Kish (1965), *Survey Sampling*, section 11.2.

    Checked against a weekly report counted by hand, loops over single deals, a public CRM export and a
    simulated floor with known truth: ``tests/analysis/test_conversion.py``, ``test_real.py``,
    ``test_truth.py``.

    Examples
    --------
    >>> import funnelnb as fn
    >>> result = fn.conversion(fn.sample(), horizon_days=180)
    >>> whole = result.overall[0]
    >>> whole.stage, whole.next_stage, whole.reached_n
    ('find_opportunity', 'won', 4000)
    >>> print(f"{whole.by_day_rate:.2f}")
    0.21
    """
    names, confidence = grouping(book, by), level(confidence_level)
    origin = origin_of(book, origin_stage)
    counted = conversion_counts(book, by=names, origin=origin)
    horizon = settle(horizon_days, counted.overall)
    stage = counted.stage
    overall_sums = steps.overall_sums(stage, origin.position)
    without = steps.unpriced(overall_sums)
    watched = _watched(counted.overall, horizon.days, confidence)
    sums = [*(steps.step_sums(stage, counts.origin) for counts in counted.steps), overall_sums]
    days = [*(_watched(counts, horizon.days, confidence) for counts in counted.steps), watched]
    spans = (*counted.steps, counted.overall)
    beyond = [span.origin >= stage.won for span in spans]
    columns = steps.columns(sums, [[one.day for one in each] for each in days], confidence, without, beyond)
    steps.withhold(columns, unjudged(book))
    *blocks, overall = _rows(stage, spans, columns)
    return Conversion(
        n=int(stage.reached_n[:, origin.first].sum()),
        method="conversion",
        confidence_level=confidence,
        as_of=book.as_of,
        currency=book.currency,
        notes=(*_notes(counted, horizon, overall, watched, without), *unfair_of(book, names)),
        by=names,
        stage_ids=stage.stage_ids,
        horizon_days=horizon.days,
        steps=tuple(row for rows in zip(*blocks, strict=True) for row in rows),
        overall=overall,
        curves=_curves(stage, watched),
        loss_points=_loss_points(stage, origin.first, confidence, unpriced="lost" in without),
        stage_labels=book.playbook.stage_labels,
    )


def _watched(counts: TimeCounts, days: float, confidence_level: float) -> list[by_day.Watched]:
    """Return the headline of each group; its curve is made when it is asked for."""
    return by_day.watch_all(counts, days, confidence_level, amount=True, drawn=False)


def _rows(
    stage: StageCounts, spans: Sequence[TimeCounts], columns: steps.Columns
) -> list[tuple[StepRow, ...]]:
    """Return the rows of each step, one per group; the last of `spans` is the whole way."""
    values = {name: column.tolist() for name, column in columns.items()}
    blocks = []
    for k, one in enumerate(spans):
        blocks.append(
            tuple(
                StepRow(
                    group=group,
                    stage=stage.stage_ids[one.origin],
                    next_stage=stage.stage_ids[one.target],
                    overall=k == len(spans) - 1,
                    after_sale=one.origin >= stage.won,
                    **{name: column[k][g] for name, column in values.items()},
                )
                for g, group in enumerate(stage.groups)
            )
        )
    return blocks


def _what_is_bounded(stage: StageCounts) -> tuple[Note, ...]:
    """Return what rests on an assumption or is not known: the stages of ended deals."""
    notes: tuple[Note, ...] = ()
    if stage.unplaced_n is not None and stage.stands_for is not None:
        code = "stages_stood_for" if stage.stands_for.known.all() else "stages_not_known"
        notes += (Note(code, {"deals_n": int(stage.unplaced_n.sum()), "of_n": int(stage.deal_n.sum())}),)
    return notes


def _curves(stage: StageCounts, watched: Sequence[by_day.Watched]) -> Later[OutcomeCurve]:
    """Return the outcomes day by day of each group that has any deal to watch, each made when it is asked for."""

    def maker(group: tuple[str, ...], one: by_day.Watched) -> Callable[[], OutcomeCurve]:
        return lambda: OutcomeCurve(group=group, **by_day.curve_fields(one))

    return Later([maker(group, one) for group, one in zip(stage.groups, watched, strict=True) if one.day.n])


def _loss_points(
    counts: StageCounts, origin: int, confidence_level: float, *, unpriced: bool
) -> tuple[LossPoint, ...]:
    """Return for each group that lost any deal the stage where most were lost."""
    between, counts = slice(origin, counts.won), steps.since_records(counts)
    points = []
    for g, group in enumerate(counts.groups):
        known = counts.stands_for is None or counts.stands_for.known[g]
        if counts.lost_n[g, between].any() and known:
            lost = (counts.lost_n[g, between], counts.lost_amount[g, between])
            most, loss = steps.largest_loss(*lost, confidence_level, unpriced=unpriced)
            points.append(LossPoint(group=group, stage=counts.stage_ids[origin + most], **loss))
    return tuple(points)


def _notes(
    counted: ConversionCounts,
    horizon: Horizon,
    overall: Sequence[StepRow],
    watched: Sequence[by_day.Watched],
    without: frozenset[str],
) -> tuple[Note, ...]:
    """Return what has to be said beside the numbers."""
    n = sum(row.reached_n for row in overall)
    notes = (*counted.notes, *horizon.notes)
    notes += caveats.partly("open_deals", sum(row.here_n for row in overall), n)
    notes += caveats.partly("left_undecided", sum(row.left_n for row in overall), n)
    notes += caveats.no_losses(sum(row.lost_n for row in overall), n)
    notes += _what_is_bounded(counted.stage)
    times, late_n = counted.overall, sum(one.times.late_n for one in watched)
    notes += caveats.timed(times.n.sum(), times.unknown_n.sum(), late_n, counted.unwatched_n)
    notes += caveats.partly("amount_unknown", n - sum(row.amount_n for row in overall), n)
    notes += (Note("amount_at_close_only"),) if without else ()
    days = [(row.group, one.day) for row, one in zip(overall, watched, strict=True)]
    notes += caveats.at_horizon(days, horizon.days)
    notes += caveats.too_few([row.group for row in overall if not row.enough])
    if any(counts.origin >= counted.stage.won for counts in counted.steps):
        beyond = counted.stage.stage_ids[counted.stage.won + 1 :]
        notes += (Note("after_sale_shown", {"stages": ", ".join(beyond)}),)
    return notes
