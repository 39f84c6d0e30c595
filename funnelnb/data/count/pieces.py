"""Counts of deals that neither their engine nor memory can count at once: piece by piece, from a ledger of each.

A deal is whole in one piece, so counts of pieces add up. What deals whose stage is known stand for is worked out from
classes of deals, counted over all pieces.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.core.note import Note
from funnelnb.data.contract.clock import UNKNOWN
from funnelnb.data.count.counts import LOST_OUT, LOST_UNDATED, StageCounts, StayCounts, TimeCounts
from funnelnb.data.count.groups import By, Grouping, grouping, listed, name_of
from funnelnb.data.count.stand_ins import PERIOD_S, class_weights
from funnelnb.data.count.tally import (
    MOST_LEFT_OUT,
    Spans,
    distinct_rows,
    endings,
    from_cells,
    from_spans,
    standing_for,
    stay_counts,
)
from funnelnb.data.ledger.codes import LOST_DEAL, WON_DEAL

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from funnelnb.data.ledger.ledger import Ledger


@dataclass(slots=True)
class Classes:
    """Deals that count alike, and how many there are of each class.

    Attributes
    ----------
    marks : dict of str to ndarray of int64, shape (C,)
        What they have in common, such as group, outcome, and creation period.
    n : ndarray of int64, shape (C,)
    amount, amount_sq : ndarray of float64, shape (C,)
        Sums of known amounts and of their squares.
    """

    marks: dict[str, NDArray[np.int64]]
    n: NDArray[np.int64]
    amount: NDArray[np.float64]
    amount_sq: NDArray[np.float64]

    def __getitem__(self, name: str) -> NDArray[np.int64]:
        """Return a mark of each class."""
        return self.marks[name]

    def together(self) -> Classes:
        """Return the classes with those that have the same marks put together."""
        order, first = distinct_rows(*(one - one.min(initial=0) for one in self.marks.values()))
        if not len(order):
            return self
        sums = (np.add.reduceat(one[order], first) for one in (self.n, self.amount, self.amount_sq))
        return Classes({name: one[order][first] for name, one in self.marks.items()}, *sums)


def _classes(ledger: Ledger, group: Grouping, marks: dict[str, Any]) -> Classes:
    """Count the deals of a ledger by class: group, outcome, and creation period (91 days back; -1: not known) first."""
    created_s = ledger.created_s
    common = {
        "group": np.zeros(len(created_s)) if group.code is None else group.code,
        "outcome": ledger.outcome,
        "period": np.where(created_s == UNKNOWN, -1, (ledger.as_of_s - created_s) // PERIOD_S),
    }
    amount = np.where(ledger.amount >= 0, ledger.amount, 0.0)
    every = {name: np.asarray(one).astype(np.int64) for name, one in {**common, **marks}.items()}
    return Classes(every, np.ones(len(amount), np.int64), amount, amount * amount).together()


MOST_CLASSES = 1_000_000
"""So many classes of pieces are kept apart; beyond them, they are put together."""


class _Total:
    """The classes of all pieces, with the groups that any of them has."""

    def __init__(self, by: By) -> None:
        self.by = by
        self.place: dict[tuple[str, ...], int] = {}
        self.waiting: list[Classes] = []

    def add(self, group: Grouping, classes: Classes) -> None:
        """Add a piece."""
        table = [self.place.setdefault(label, len(self.place)) for label in group.groups]
        classes.marks["group"] = np.array(table, np.int64)[classes["group"]]
        self.waiting.append(classes)
        if sum(len(one.n) for one in self.waiting[1:]) > MOST_CLASSES:
            self.waiting = [self._classes()]

    def _classes(self) -> Classes:
        found = self.waiting
        marks = {name: np.concatenate([one[name] for one in found]) for name in found[0].marks}
        sums = (
            np.concatenate([getattr(one, name) for one in found]) for name in ("n", "amount", "amount_sq")
        )
        return Classes(marks, *sums).together()

    def all(self) -> tuple[Grouping, Classes]:
        """Return all groups in order, and the classes of all pieces together."""
        classes = self._classes()
        groups = tuple(sorted(self.place))
        table = np.empty(len(groups), np.int64)
        table[[self.place[label] for label in groups]] = np.arange(len(groups))
        classes.marks["group"] = table[classes["group"]]
        return Grouping(by=tuple(map(name_of, listed(self.by))), groups=groups, code=None), classes


def stage_counts_of(ledgers: Iterable[Ledger], by: By = ()) -> StageCounts:
    """How many deals of each group reached, passed, lost and sit at each stage, over the pieces of a book?

    Parameters
    ----------
    ledgers : iterable of Ledger
        Of deals of one stage model and as-of date, each deal in one of them; one is held at a time.
    by : str, Cohort, or a sequence of them

    Returns
    -------
    StageCounts
        As :func:`funnelnb.data.count.tally.stage_counts` of all deals together, but accounts are not counted.

    Notes
    -----
    Checked against: the counts of the same deals in one ledger, for random deals with and without a known stage
    (``tests/data/test_pieces.py``).
    """
    total = _Total(by)
    for ledger in ledgers:
        group = grouping(ledger, by)
        marks = {
            "place": ledger.furthest,
            "hidden": ledger.is_true("stage_unknown"),
            "unsure": ledger.is_true("state_then_unknown") & (ledger.outcome == LOST_DEAL),
            "priced": ledger.amount >= 0,
        }
        total.add(group, _classes(ledger, group, marks))
        stage_ids, won = ledger.stage_ids, ledger.won
    whole, classes = total.all()
    return _stage_counts(whole, stage_ids, won, classes)


def _stage_counts(group: Grouping, stage_ids: tuple[str, ...], won: int, classes: Classes) -> StageCounts:
    """Return the counts that the classes of all deals make."""
    shape = (len(group.groups), len(stage_ids), 4)
    hidden, seen = classes["hidden"] == 1, classes["hidden"] == 0
    cell = (classes["group"], classes["place"], classes["outcome"])
    counts = from_cells(
        group,
        stage_ids,
        won,
        n=_added(shape, cell, classes.n * seen),
        amount=_added(shape, cell, classes.amount * seen),
        amount_n=_added(shape, cell, classes.n * seen * classes["priced"]),
        amount_sq=_added(shape, cell, classes.amount_sq * seen),
    )
    unsure = classes.n * (classes["unsure"] == 1)
    if unsure.any():
        counts = replace(
            counts,
            unsure_n=_added(shape[:2], cell[:2], unsure * seen),
            unsure_unplaced_n=_added(shape[:1], cell[:1], unsure * hidden),
        )
    return _with_unplaced(counts, classes, cell, shape) if hidden.any() else counts


def _with_unplaced(
    counts: StageCounts, classes: Classes, cell: tuple[NDArray[np.int64], ...], shape: tuple[int, ...]
) -> StageCounts:
    """Add the deals whose stage is not known, and what those whose is say of them."""
    groups = shape[0]
    group, _, outcome = cell
    hidden = classes["hidden"] == 1
    unplaced = _added((groups, 4), (group, outcome), classes.n * hidden)
    amount = _added((groups, 4), (group, outcome), classes.amount * hidden)
    decided = hidden & np.isin(outcome, (WON_DEAL, LOST_DEAL))
    more = {
        "reached_n": classes.n * hidden,
        "reached_amount": classes.amount * hidden,
        "reached_amount_n": classes.n * hidden * classes["priced"],
        "reached_amount_sq": classes.amount_sq * hidden,
        "decided_amount_sq": classes.amount_sq * decided,
    }
    added = {}
    for name, of in more.items():
        added[name] = getattr(counts, name).copy()
        added[name][:, 0] += _added((groups,), (group,), of)
    weights = class_weights(~hidden, [outcome + 4 * group, classes["period"]], times=classes.n)
    sums = _added(shape, cell, weights.weight * classes.n)
    squares = _added(shape, cell, weights.weight**2 * classes.n)
    known = ~(np.bincount(group[weights.left], minlength=groups) > 0)
    return replace(
        counts,
        deal_n=counts.deal_n + unplaced.sum(axis=1),
        **added,
        unplaced_n=unplaced,
        unplaced_amount=amount,
        stands_for=standing_for(sums, squares, known),
    )


def time_counts_of(ledgers: Iterable[Ledger], origin: int, target: int, by: By = ()) -> TimeCounts:
    """How long from one position to the next outcome, over the pieces of a book?

    Parameters
    ----------
    ledgers, by
        As for :func:`stage_counts_of`.
    origin, target : int
        As for :func:`funnelnb.data.count.tally.time_counts`, whose rows these are, but for the accounts.
    """
    step = (origin, target)
    total = _Total(by)
    for ledger in ledgers:
        group = grouping(ledger, by)
        total.add(group, _classes(ledger, group, _times(ledger, step)))
    group, classes = total.all()
    weight, nobody = _standing(classes, len(group.groups))
    there, told = classes["there"] == 1, classes["told"] == 1
    lacking = there & (~told | nobody[classes["group"]])
    unknown_n = _added((len(group.groups),), (classes["group"],), classes.n * lacking)
    seen = there & told & ~nobody[classes["group"]]
    event = classes["event"][seen]
    spans = Spans(
        group=classes["group"][seen],
        time_s=classes["time_s"][seen],
        entry_s=np.zeros(len(event), np.int64),
        outcome=event,
        n=classes.n[seen],
        amount=classes.amount[seen],
        limit_s=classes["limit_s"][seen] if (event == LOST_UNDATED).any() else None,
        weight=None if weight is None else weight[seen],
    )
    return from_spans(group, step, spans, unknown_n)


def _times(ledger: Ledger, step: tuple[int, int]) -> dict[str, Any]:
    """Return what became of each deal between two positions, and when."""
    origin, target = step
    there = ledger.furthest >= origin
    deal = np.flatnonzero(there)
    began_s = ledger.reached_s[deal, origin]
    ended_s, event = endings(ledger, deal, began_s, target)
    known = (began_s != UNKNOWN) & (ended_s != UNKNOWN)
    hidden = ledger.is_true("stage_unknown") if step != (0, ledger.won) else np.zeros(len(there), bool)
    known &= ~hidden[deal]
    told = ~there & ~hidden
    told[deal[known]] = True
    marks = {name: np.zeros(len(there), np.int64) for name in ("event", "time_s", "limit_s")}
    marks["event"][deal[known]] = event[known]
    marks["time_s"][deal[known]] = (ended_s - began_s)[known]
    marks["limit_s"][deal[known]] = np.where(event >= LOST_OUT, ledger.as_of_s - began_s, 0)[known]
    part = np.where(there, np.where(ledger.furthest >= target, 2, 1), 0)
    return {**marks, "there": there, "told": told, "hidden": hidden, "part": part}


def _standing(classes: Classes, groups: int) -> tuple[NDArray[np.float64] | None, NDArray[np.bool_]]:
    """Return for how many deals one of each class stands (None: one), and groups of which too little is known."""
    told, hidden, there = (classes[name] == 1 for name in ("told", "hidden", "there"))
    nobody = np.zeros(groups, bool)
    if told.all():
        return None, nobody
    group, period = classes["group"], classes["period"]
    place = classes["outcome"] + 4 * group
    first = class_weights(~hidden, [place, period], times=classes.n)
    second = class_weights(
        told & ~hidden, [place * 3 + classes["part"], period], stands=first.weight, times=classes.n
    )
    left, here = first.left | second.left, there | hidden
    left_n, n = (_added((groups,), (group,), classes.n * (one & here)) for one in (left, here))
    nobody |= _added((groups,), (group,), classes.n * (left & hidden)) > 0
    nobody |= left_n > MOST_LEFT_OUT * n
    return second.weight, nobody


def _added(
    shape: tuple[int, ...], place: tuple[NDArray[np.int64], ...], values: NDArray[Any]
) -> NDArray[Any]:
    """Add up `values` that belong to the same cell."""
    cells = np.zeros(shape, values.dtype)
    np.add.at(cells, place, values)
    return cells


def stay_counts_of(ledgers: Iterable[Ledger], by: By = ()) -> StayCounts:
    """How did every stay in a stage end, over the pieces of a book? As :func:`tally.stay_counts` of all together."""
    found = [stay_counts(ledger, by) for ledger in ledgers]
    groups = tuple(sorted({label for one in found for label in one.groups}))
    names = [one.name for one in fields(StayCounts) if one.name not in ("by", "groups", "stage_ids")]
    place = {label: k for k, label in enumerate(groups)}
    sums = {
        name: np.zeros((len(groups), len(found[0].stage_ids)), getattr(found[0], name).dtype)
        for name in names
    }
    for one in found:
        rows = [place[label] for label in one.groups]
        for name in names:
            sums[name][rows] += getattr(one, name)
    return StayCounts(by=found[0].by, groups=groups, stage_ids=found[0].stage_ids, **sums)


def notes_of(ledgers: Iterable[Ledger]) -> tuple[Note, ...]:
    """Return what was missing, assumed or repaired, over the pieces of a book."""
    found: dict[str, dict[str, Any]] = {}
    of_n = 0
    for ledger in ledgers:
        of_n += len(ledger.outcome)
        for one in ledger.notes:
            values = found.setdefault(one.code, {**one.values, "deals_n": 0, "rows_n": 0})
            for name in ("deals_n", "rows_n"):
                values[name] += one.values.get(name, 0)
    counted = []
    for code, values in found.items():
        kept = {name: of for name, of in values.items() if of != 0 or name not in ("deals_n", "rows_n")}
        counted.append(Note(code, {**kept, "of_n": of_n} if "of_n" in kept else kept))
    return tuple(counted)
