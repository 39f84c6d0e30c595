"""How likely is a win within 30, 60 or 90 days, given the stage a deal is in and for how long?"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from funnelnb.analysis.shared.counts import (
    SECONDS_PER_DAY,
    calendar_notes,
    grouping,
    level,
    source_notes,
    working_stage,
)
from funnelnb.analysis.shared.open_deals import OpenDeals, groups_of_deals, open_deals, total
from funnelnb.analysis.shared.question import question
from funnelnb.analysis.shared.result import Result
from funnelnb.analysis.shared.time_to_close import group_curves, of_nobody
from funnelnb.core.check import TOO_FEW_N
from funnelnb.core.note import Note
from funnelnb.data.contract.calendar import calendar_of
from funnelnb.stats.curves.chance import Ahead
from funnelnb.stats.rates.compare import benjamini_hochberg

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from funnelnb.stats.curves.chance import Change

    _Found = tuple["AgeingCell", "AgeingCell", Change]

    from funnelnb.data.book import Book
    from funnelnb.data.contract.calendar import Calendar
    from funnelnb.playbooks.model import Label
    from funnelnb.stats.curves.incidence import Incidence


BANDS_DAYS = (0, 15, 30, 60, 90, 120, 180, 365)
"""First days of the bands of age; the last band has no end."""
AHEAD_DAYS = (30, 60, 90)
LONGEST_DAYS = 730
"""Ages beyond are taken into no cell."""
COMPARED_N = 30
"""Bands are compared from so many deals watched on: fewer show nothing but a gulf."""
SEEN_SHARE = 0.9
"""A cell is told when of its days, by the deals watched on them, at least this share can be seen so far ahead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeingCell:
    """One stage and band of age.

    Attributes
    ----------
    group : tuple of str
    stage : str
    from_days, below_days : float
        Ages of the band, from ... to below; the last is infinite.
    watched_n : int
        Deals that were ever under observation in this stage at the band's first day: behind the chances.
    won_30_rate, won_60_rate, won_90_rate : float
        Chance to be won within so many days from now; NaN where the data cannot see that far.
    won_30_ci_lower, won_30_ci_upper, won_60_ci_lower, ... : float
        Between which the chance lies, at the confidence level.
    lost_90_rate, lost_90_ci_lower, lost_90_ci_upper : float
        Chance to be lost within 90 days.
    open_n : int
        Deals that are there now.
    open_amount : float
        Sum of their known amounts; NaN if none is known.
    expected_amount : float
        Amount times the chance within 90 days.
    enough : bool
        False: fewer than ``TOO_FEW_N`` deals were ever watched there; the chances are withheld.
    """

    group: tuple[str, ...]
    stage: str
    from_days: float
    below_days: float
    watched_n: int
    won_30_rate: float
    won_30_ci_lower: float
    won_30_ci_upper: float
    won_60_rate: float
    won_60_ci_lower: float
    won_60_ci_upper: float
    won_90_rate: float
    won_90_ci_lower: float
    won_90_ci_upper: float
    lost_90_rate: float
    lost_90_ci_lower: float
    lost_90_ci_upper: float
    open_n: int
    open_amount: float
    expected_amount: float
    enough: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeingChange:
    """One group and stage: the chance to be won within 90 days in its youngest band of age, and in its oldest.

    Of the bands whose chance is known and in which at least ``COMPARED_N`` deals were watched.

    Attributes
    ----------
    group : tuple of str
    stage : str
    from_days, below_days : float
        The youngest such band.
    won_90_rate : float
        Chance there.
    old_from_days, old_below_days : float
        The oldest such band.
    old_won_90_rate : float
        Chance there.
    difference, difference_ci_lower, difference_ci_upper : float
        The chance of the oldest minus that of the youngest.
    p_value : float
        Two-sided, of no difference.
    p_adjusted : float
        The same adjusted for looking at all groups and stages (Benjamini and Hochberg).
    clear : bool
        The adjusted p-value is below one minus the confidence level.
    """

    group: tuple[str, ...]
    stage: str
    from_days: float
    below_days: float
    won_90_rate: float
    old_from_days: float
    old_below_days: float
    old_won_90_rate: float
    difference: float
    difference_ci_lower: float
    difference_ci_upper: float
    p_value: float
    p_adjusted: float
    clear: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Ageing(Result):
    """Chance to win by stage and age.

    Attributes
    ----------
    by : tuple of str
    stage_ids : tuple of str
    stage_labels : tuple of Label
    cells : tuple of AgeingCell
        By group, stage and age; only stages with a dated deal, and bands that any deal has reached.
    changes : tuple of AgeingChange
        One per group and stage with two bands or more that can be compared.
    calendar : str
        What all days are; empty for calendar days, else the name of a calendar of business days.
    """

    by: tuple[str, ...]
    stage_ids: tuple[str, ...]
    stage_labels: tuple[Label, ...]
    cells: tuple[AgeingCell, ...]
    changes: tuple[AgeingChange, ...]
    calendar: str = ""


@question()
def ageing(
    book: Book,
    *,
    by: str | Sequence[str] | None = None,
    stage: str | None = None,
    confidence_level: float | None = None,
    calendar: str | Calendar | None = None,
) -> Ageing:
    """How likely is a win within 30, 60 or 90 days, given the stage a deal is in and for how long?

    Parameters
    ----------
    book : Book
    by : str or sequence of str, optional
        One or two attributes: the chances of each group's deals alone.
    stage : str, optional
        One stage before the win; None: all.
    confidence_level : float, optional
    calendar : str or Calendar, optional
        Which days count, in ages and ahead; as for :func:`~funnelnb.analysis.time.duration.duration`.

    Returns
    -------
    Ageing

    Raises
    ------
    ParameterError
        A parameter has a value that it cannot have.
    MissingDataError
        The deals have no attribute `by`.

    Notes
    -----
    For a deal at age t in the last stage the chance to be won within h days is ``(F_won(t + h) - F_won(t)) /
    (1 - F_won(t) - F_lost(t))`` with the Aalen-Johansen incidences F of that stage; before the last stage,
    what moves on is carried through the curve from the next stage
    (:func:`funnelnb.stats.curves.remaining.remaining`). A cell is the mean over the whole days of its band, each
    weighted by the deals watched at that age. Its interval (:class:`funnelnb.stats.curves.chance.Ahead`) takes the
    two curves as unrelated, though the same deals may stand in both: how long a deal was in its stage is
    taken to say nothing of its way from the next one on.

    Youngest and oldest band are compared by the interval of their difference, as both rest on the same deals.

    Checked against raw shares of deals by plain loops and floors of known pace:
    ``tests/analysis/test_ageing.py``; intervals by a bootstrap of deals and coverage with known truth:
    ``tests/stats/test_chance.py``.

    Examples
    --------
    >>> import funnelnb as fn
    >>> cells = {(cell.stage, cell.from_days): cell for cell in fn.ageing(fn.sample()).cells}
    >>> young, old = cells["negotiation", 0], cells["negotiation", 30]
    >>> young.won_30_rate > old.won_30_rate
    True
    """
    names = grouping(book, by)
    days, confidence = calendar_of(calendar, book), level(confidence_level)
    deals, won = open_deals(book, days, some=True), book.ledger.won
    of_deal = groups_of_deals(book, names)
    groups = [of_deal[place] for place in deals.index.tolist()]
    made: list[tuple[list[AgeingCell], _Found | None]] = []
    for k in range(won) if stage is None else [working_stage(book.playbook, stage)]:
        steps = group_curves(book, (k, k + 1), names, confidence, days)
        onwards = group_curves(book, (k + 1, won), names, confidence, days) if k + 1 < won else {}
        for group, step in steps.items():
            mine = np.array([one == group for one in groups], bool)
            here = _here(deals, k, mine)
            onward = onwards.get(group, of_nobody(confidence)) if k + 1 < won else None
            made.append(_stage((group, book.playbook.stage_ids[k]), step, onward, here))
    made.sort(key=lambda one: one[0][0].group if one[0] else ())
    cells = tuple(itertools.chain(*(one for one, _ in made)))
    return Ageing(
        n=int(sum(cell.open_n for cell in cells)),
        method="ageing",
        confidence_level=confidence,
        as_of=book.as_of,
        currency=book.currency,
        notes=(*source_notes(book), *calendar_notes(book, days), *_notes(deals, cells)),
        by=names,
        stage_ids=book.playbook.stage_ids,
        stage_labels=book.playbook.stage_labels,
        cells=cells,
        changes=_changes([change for _, change in made if change], confidence),
        calendar=days.name,
    )


def _here(
    deals: OpenDeals, position: int, group: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return ages and amounts of a group's open deals in a stage whose age is known."""
    mine = group & (deals.position == position) & ~np.isnan(deals.age_days)
    return deals.age_days[mine], deals.amount[mine]


def _stage(
    place: tuple[tuple[str, ...], str],
    step: Incidence,
    onward: Incidence | None,
    here: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> tuple[list[AgeingCell], _Found | None]:
    """Return the cells of one group and stage, and its youngest and oldest known one with their difference."""
    days = np.arange(LONGEST_DAYS + 1, dtype=float)
    # still there after the day itself: one second later, as events of the day come first
    watched = step.there_at(days * SECONDS_PER_DAY + 1)
    days = days[: max(int(np.count_nonzero(watched)), 1)] if (np.diff(watched) <= 0).all() else days
    age, amount = here
    ahead = Ahead(step, onward, days * SECONDS_PER_DAY, max(AHEAD_DAYS), SECONDS_PER_DAY)
    bands = list(itertools.pairwise((*BANDS_DAYS, np.inf)))
    weight = np.array([np.where((days >= a) & (days < b), watched[: days.size], 0.0) for a, b in bands])
    enough = watched[np.array(BANDS_DAYS)] >= TOO_FEW_N
    told = _rate_fields(ahead, np.where(enough[:, None], weight, 0.0), step.confidence_level)
    cells = []
    for k, (start, end) in enumerate(bands):
        open_here = (age >= start) & (age < end)
        if weight[k].any() or open_here.any():
            open_amount = total(amount[open_here])
            cells.append(
                AgeingCell(
                    group=place[0],
                    stage=place[1],
                    from_days=float(start),
                    below_days=float(end),
                    watched_n=round(float(watched[int(start)])),
                    open_n=int(open_here.sum()),
                    open_amount=open_amount,
                    expected_amount=open_amount * told[k]["won_90_rate"],
                    enough=bool(enough[k]),
                    **told[k],
                )
            )
    bounded = step.lost_bounds is not None  # between bounds no change with age is clear
    return cells, None if bounded else _ends(ahead, weight, cells, step.confidence_level)


class _RateFields(TypedDict):
    """The chances of a cell."""

    won_30_rate: float
    won_30_ci_lower: float
    won_30_ci_upper: float
    won_60_rate: float
    won_60_ci_lower: float
    won_60_ci_upper: float
    won_90_rate: float
    won_90_ci_lower: float
    won_90_ci_upper: float
    lost_90_rate: float
    lost_90_ci_lower: float
    lost_90_ci_upper: float


def _rate_fields(ahead: Ahead, weight: NDArray[np.float64], confidence_level: float) -> list[_RateFields]:
    """Return chances and bounds of each row of weights; NaN where the days unseen are more than one in ten."""

    def read(days: int, *, lost: bool = False) -> list[list[float]]:
        columns = np.full((3, len(weight)), np.nan)
        seen = weight * (ahead.known >= days)
        rows = np.flatnonzero((seen.sum(axis=1) >= SEEN_SHARE * weight.sum(axis=1)) & seen.any(axis=1))
        if rows.size:
            found = ahead.chance(days, weight=seen[rows], lost=lost)
            columns[:, rows] = found.rate, *found.bounds(confidence_level)
        return columns.T.tolist()

    soon, later, last = (read(days) for days in AHEAD_DAYS)
    return [
        {
            "won_30_rate": a[0],
            "won_30_ci_lower": a[1],
            "won_30_ci_upper": a[2],
            "won_60_rate": b[0],
            "won_60_ci_lower": b[1],
            "won_60_ci_upper": b[2],
            "won_90_rate": c[0],
            "won_90_ci_lower": c[1],
            "won_90_ci_upper": c[2],
            "lost_90_rate": d[0],
            "lost_90_ci_lower": d[1],
            "lost_90_ci_upper": d[2],
        }
        for a, b, c, d in zip(soon, later, last, read(90, lost=True), strict=True)
    ]


def _ends(
    ahead: Ahead, weight: NDArray[np.float64], cells: list[AgeingCell], confidence_level: float
) -> _Found | None:
    """Return the youngest and the oldest cell that can be compared, and how far they are apart."""
    known = [cell for cell in cells if cell.watched_n >= COMPARED_N and not np.isnan(cell.won_90_rate)]
    if len(known) < 2:
        return None
    young, old = known[0], known[-1]
    seen = weight * (ahead.known >= 90)
    first, second = (seen[BANDS_DAYS.index(int(cell.from_days))] for cell in (young, old))
    return young, old, ahead.change(90, first, second, confidence_level)


def _changes(found: list[_Found], confidence_level: float) -> tuple[AgeingChange, ...]:
    if not found:
        return ()
    adjusted = benjamini_hochberg([change.p_value for _, _, change in found]).tolist()
    return tuple(
        AgeingChange(
            group=young.group,
            stage=young.stage,
            from_days=young.from_days,
            below_days=young.below_days,
            won_90_rate=young.won_90_rate,
            old_from_days=old.from_days,
            old_below_days=old.below_days,
            old_won_90_rate=old.won_90_rate,
            difference=change.change,
            difference_ci_lower=change.ci_lower,
            difference_ci_upper=change.ci_upper,
            p_value=change.p_value,
            p_adjusted=p,
            clear=p < 1 - confidence_level,
        )
        for (young, old, change), p in zip(found, adjusted, strict=True)
    )


def _notes(deals: OpenDeals, cells: tuple[AgeingCell, ...]) -> tuple[Note, ...]:
    placed_n = sum(cell.open_n for cell in cells)
    notes: tuple[Note, ...] = ()
    if placed_n < len(deals):
        notes += (Note("age_unknown", {"deals_n": len(deals) - placed_n, "of_n": len(deals)}),)
    few = sum(not cell.enough for cell in cells)
    if few:
        notes += (Note("cells_too_few", {"cells_n": few, "of_n": len(cells), "min_n": TOO_FEW_N}),)
    return notes
