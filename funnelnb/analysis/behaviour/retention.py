"""Do people come back? Retention by cohort, with cells that are not over yet kept open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from funnelnb.analysis.behaviour.ask import level_of
from funnelnb.analysis.behaviour.rates import share
from funnelnb.analysis.shared.question import of_log
from funnelnb.analysis.shared.result import Result
from funnelnb.core import check
from funnelnb.core.check import TOO_FEW_N
from funnelnb.core.note import Note
from funnelnb.data.events.definition import as_step, check_choices
from funnelnb.data.events.match import masks
from funnelnb.data.events.returns import Returns, returns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from funnelnb.data.events.definition import StepLike
    from funnelnb.data.events.log import Events

KINDS = ("on", "on_or_after", "within")
RETENTION_PERIODS = ("day", "week", "month")


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionCell:
    """One cohort in one period after its start.

    Attributes
    ----------
    cohort : str
        Period in which its actors started; empty: all cohorts together.
    place : int
        0: the period of the start itself.
    size_n : int
        Actors of the cohort.
    seen_n : int
        Those for whom the period was over by the as-of time.
    back_n : int
        Of these, who came back, by the kind of retention.
    rate, ci_lower, ci_upper : float
    complete : bool
        The period was over for the whole cohort.
    enough : bool
    """

    cohort: str
    place: int
    size_n: int
    seen_n: int
    back_n: int
    rate: float
    ci_lower: float
    ci_upper: float
    complete: bool
    enough: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Retention(Result):
    """Retention as a triangle of cohorts.

    Attributes
    ----------
    period : {"day", "week", "month"}
    kind : {"on", "on_or_after", "within"}
    rows : tuple of RetentionCell
        All cohorts together, one cell per period.
    cells : tuple of RetentionCell
        By cohort and period; periods that were over for nobody are left out.
    """

    period: str
    kind: str
    rows: tuple[RetentionCell, ...]
    cells: tuple[RetentionCell, ...]


@of_log("behaviour", formerly={"period": "every"})
def retention(
    events: Events,
    *,
    start: StepLike | None = None,
    comes_back: StepLike | None = None,
    every: str = "week",
    kind: str = "on",
    periods: int = 8,
    confidence_level: float | None = None,
) -> Retention:
    """Do people come back, and how sure is that?

    Parameters
    ----------
    events : Events
    start : event, list or step, optional
        What makes an actor start; None: any event.
    comes_back : event, list or step, optional
        What counts as coming back; None: any event.
    every : {"day", "week", "month"}
        Days and weeks count from each actor's own start (24 hours, 7 days); months by the calendar.
    kind : {"on", "on_or_after", "within"}
        "on": in the period itself (day-n retention). "on_or_after": in it or later (unbounded; it can still
        grow). "within": at least once from the first period after the start up to it (rolling).
    periods : int
        How many after the start, 1 to 60.
    confidence_level : float, optional

    Returns
    -------
    Retention

    Raises
    ------
    ParameterError
        An event or parameter is not known.

    Notes
    -----
    A rate counts only actors for whom the period was over by the as-of time: a cell that is not over for
    anybody is not shown, one that is over for some is marked incomplete. Wilson's interval.

    Checked against counts by hand: ``tests/analysis/behaviour/test_retention.py``.

    Examples
    --------
    >>> import pandas as pd, funnelnb as fn
    >>> log = fn.events(pd.DataFrame({
    ...     "user_id": ["a", "a", "b"], "event": "open", "time": ["2026-05-01", "2026-05-09", "2026-05-01"]}))
    >>> [(row.place, row.back_n, row.seen_n) for row in fn.behaviour.retention(log, periods=2).rows]
    [(0, 2, 2)]
    """
    check.one_of("every", every, RETENTION_PERIODS)
    check.one_of("kind", kind, KINDS)
    level = level_of(confidence_level)
    found = returns(
        events, _chosen(events, start), _chosen(events, comes_back), every,
        int(check.number("periods", periods, ge=1, le=60)),
    )  # fmt: skip
    cells = [
        _cell(found, kind, slice(c, c + 1), found.cohorts[c], place, level)
        for c in range(len(found.cohorts))
        for place in range(found.seen_n.shape[1])
    ]
    rows = [_cell(found, kind, slice(None), "", place, level) for place in range(found.seen_n.shape[1])]
    return Retention(
        n=int(found.size_n.sum()),
        method=f"behaviour_retention_{kind}",
        confidence_level=level,
        as_of=events.as_of,
        currency=events.currency,
        notes=(*events.notes, *_notes(cells, kind)),
        period=every,
        kind=kind,
        rows=tuple(row for row in rows if row.seen_n),
        cells=tuple(cell for cell in cells if cell.seen_n),
    )


def _notes(cells: list[RetentionCell], kind: str) -> tuple[Note, ...]:
    open_n = sum(not cell.complete and cell.seen_n > 0 for cell in cells)
    notes = (Note("events_open_cells", {"open_n": open_n}),) if open_n else ()
    return (*notes, Note("events_unbounded")) if kind == "on_or_after" else notes


def _chosen(events: Events, wanted: StepLike | None) -> NDArray[np.bool_]:
    """Return which events of the log are meant."""
    if wanted is None:
        return np.ones(len(events), bool)
    choices = as_step(wanted).choices
    check_choices(choices, events.names)
    return masks(events.event, events.names, events.values, [choices]) > 0


def _cell(found: Returns, kind: str, rows: slice, cohort: str, place: int, level: float) -> RetentionCell:
    table = {"on": found.active_n, "on_or_after": found.later_n, "within": found.by_then_n}[kind]
    if place == 0:
        table = found.active_n
    size, seen = int(found.size_n[rows].sum()), int(found.seen_n[rows, place].sum())
    back = int(table[rows, place].sum())
    rate, lower, upper = share(back, seen, level)
    return RetentionCell(
        cohort=cohort, place=place, size_n=size, seen_n=seen, back_n=back, rate=rate, ci_lower=lower,
        ci_upper=upper, complete=seen == size, enough=seen >= TOO_FEW_N,
    )  # fmt: skip
