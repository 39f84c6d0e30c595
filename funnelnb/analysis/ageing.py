"""How likely is a win within 30, 60 or 90 days, given the stage a deal is in and for how long?"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from funnelnb.analysis import timing
from funnelnb.analysis.obtain import SECONDS_PER_DAY, calendar_notes, level, source_notes, time_counts
from funnelnb.analysis.open_deals import OpenDeals, open_deals, total
from funnelnb.analysis.result import Result
from funnelnb.core.check import TOO_FEW_N
from funnelnb.core.note import Note
from funnelnb.data.calendar import calendar_of
from funnelnb.stats.remaining import Remaining, remaining

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from funnelnb.data.book import Book
    from funnelnb.data.calendar import Calendar
    from funnelnb.playbooks.model import Label
    from funnelnb.stats.incidence import Incidence

BANDS_DAYS = (0, 15, 30, 60, 90, 120, 180, 365)
"""First days of the bands of age; the last band has no end."""
AHEAD_DAYS = (30, 60, 90)
LONGEST_DAYS = 730
"""Ages beyond are taken into no cell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeingCell:
    """One stage and band of age.

    Attributes
    ----------
    stage : str
    from_days, below_days : float
        Ages of the band, from ... to below; the last is infinite.
    watched_n : int
        Deals that were ever under observation in this stage at the band's first day: behind the chances.
    won_30_rate, won_60_rate, won_90_rate : float
        Chance to be won within so many days from now; NaN where the data cannot see that far.
    lost_90_rate : float
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

    stage: str
    from_days: float
    below_days: float
    watched_n: int
    won_30_rate: float
    won_60_rate: float
    won_90_rate: float
    lost_90_rate: float
    open_n: int
    open_amount: float
    expected_amount: float
    enough: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ageing(Result):
    """Chance to win by stage and age.

    Attributes
    ----------
    stage_ids : tuple of str
    stage_labels : tuple of Label
    cells : tuple of AgeingCell
        By stage, then age; only stages with a dated deal, and bands that any deal has reached.
    calendar : str
        What all days are; empty for calendar days, else the name of a calendar of business days.
    """

    stage_ids: tuple[str, ...]
    stage_labels: tuple[Label, ...]
    cells: tuple[AgeingCell, ...]
    calendar: str = ""


def ageing(book: Book, *, calendar: str | Calendar | None = None) -> Ageing:
    """How likely is a win within 30, 60 or 90 days, given the stage a deal is in and for how long?

    Parameters
    ----------
    book : Book
    calendar : str or Calendar, optional
        Which days count, in ages and ahead; as for :func:`~funnelnb.analysis.duration.duration`.

    Returns
    -------
    Ageing

    Raises
    ------
    ParameterError
        There is no such calendar.

    Notes
    -----
    For a deal at age t in the last stage the chance to be won within h days is ``(F_won(t + h) - F_won(t)) /
    (1 - F_won(t) - F_lost(t))`` with the Aalen-Johansen incidences F of that stage; before the last stage,
    what moves on is carried through the curve from the next stage
    (:func:`funnelnb.stats.remaining.remaining`). A cell is the mean over the whole days of its band, each
    weighted by the deals watched at that age.

    Checked against raw shares of deals by plain loops and a floor of known pace:
    ``tests/analysis/test_ageing.py``.

    Examples
    --------
    >>> import funnelnb as fn
    >>> cells = {(cell.stage, cell.from_days): cell for cell in fn.ageing(fn.sample()).cells}
    >>> young, old = cells["negotiation", 0], cells["negotiation", 30]
    >>> young.won_30_rate > old.won_30_rate
    True
    """
    days, confidence = calendar_of(calendar, book), level(None)
    deals, won = open_deals(book, days), book.ledger.won
    curves = [_curve(book, (k, k + 1), confidence, days) for k in range(won)]
    onward = [_curve(book, (k + 1, won), confidence, days) if k + 1 < won else None for k in range(won)]
    blocks = [
        _cells(book.playbook.stage_ids[k], curves[k], onward[k], _here(deals, k))
        for k in range(won)
        if curves[k].n
    ]
    cells = tuple(itertools.chain(*blocks))
    return Ageing(
        n=int(sum(cell.open_n for cell in cells)),
        method="ageing",
        confidence_level=confidence,
        as_of=book.as_of,
        currency=book.currency,
        notes=(*source_notes(book), *calendar_notes(book, days), *_notes(deals, cells)),
        stage_ids=book.playbook.stage_ids,
        stage_labels=tuple(one.label for one in book.playbook.stages),
        cells=cells,
        calendar=days.name,
    )


def _curve(book: Book, step: tuple[int, int], confidence_level: float, calendar: Calendar) -> Incidence:
    (times,) = timing.split(time_counts(book, *step, calendar=calendar))
    return timing.curve(times, confidence_level)


def _here(deals: OpenDeals, position: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return ages and amounts of the open deals of a stage whose age is known."""
    mine = (deals.position == position) & ~np.isnan(deals.age_days)
    return deals.age_days[mine], deals.amount[mine]


def _cells(
    stage: str,
    step: Incidence,
    onward: Incidence | None,
    here: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> list[AgeingCell]:
    """Return the cells of one stage."""
    days = np.arange(LONGEST_DAYS + 1, dtype=float)
    found = remaining(step, onward, days * SECONDS_PER_DAY, max(AHEAD_DAYS), SECONDS_PER_DAY)
    # still there after the day itself: one second later, as events of the day come first
    watched = step.at(days * SECONDS_PER_DAY + 1).at_risk
    age, amount = here
    cells = []
    for start, end in itertools.pairwise((*BANDS_DAYS, np.inf)):
        inside = (days >= start) & (days < end)
        open_here = (age >= start) & (age < end)
        if not watched[inside].any() and not open_here.any():
            continue
        enough = bool(watched[int(start)] >= TOO_FEW_N)
        rates = _rates(found, np.where(inside, watched, 0.0)) if enough else dict.fromkeys(_NAMES, np.nan)
        cells.append(
            AgeingCell(
                stage=stage,
                from_days=float(start),
                below_days=float(end),
                watched_n=round(float(watched[int(start)])),
                open_n=int(open_here.sum()),
                open_amount=total(amount[open_here]),
                expected_amount=total(amount[open_here]) * rates["won_90_rate"],
                enough=enough,
                **rates,
            )
        )
    return cells


_NAMES = (*(f"won_{days}_rate" for days in AHEAD_DAYS), "lost_90_rate")


def _rates(found: Remaining, weight: NDArray[np.float64]) -> dict[str, float]:
    """Return the chances of a band: means over its days; NaN where those unseen are more than one in ten."""
    columns = [*(found.won_rate[:, days] for days in AHEAD_DAYS), found.lost_rate[:, 90]]
    made = {}
    for name, column in zip(_NAMES, columns, strict=True):
        seen = ~np.isnan(column) & (weight > 0)
        share = weight[seen].sum() / weight.sum() if weight.sum() else 0.0
        made[name] = float(column[seen] @ weight[seen] / weight[seen].sum()) if share >= 0.9 else np.nan
    return made


def _notes(deals: OpenDeals, cells: tuple[AgeingCell, ...]) -> tuple[Note, ...]:
    placed_n = sum(cell.open_n for cell in cells)
    notes: tuple[Note, ...] = ()
    if placed_n < len(deals):
        notes += (Note("age_unknown", {"deals_n": len(deals) - placed_n, "of_n": len(deals)}),)
    few = sum(not cell.enough for cell in cells)
    if few:
        notes += (Note("cells_too_few", {"cells_n": few, "of_n": len(cells), "min_n": TOO_FEW_N}),)
    return notes
