"""Counts made from a ledger in memory, a few passes of ``bincount`` each; and how long deals were watched.

Longer than most modules: one way of counting, from stays to every kind of count.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.core.errors import ParameterError
from funnelnb.data.contract.clock import UNKNOWN
from funnelnb.data.count.counts import (
    ADVANCED,
    CENSORED,
    LOST_OUT,
    LOST_UNDATED,
    StageCounts,
    StandingFor,
    StayCounts,
    TimeCounts,
)
from funnelnb.data.count.groups import PERIODS, By, Cohort, Grouping, cohort_codes, grouping
from funnelnb.data.count.stand_ins import before_records, clusters, stand_ins
from funnelnb.data.ledger.codes import LEFT_DEAL, LOST_DEAL, OPEN_DEAL, WON_DEAL

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from funnelnb.data.contract.calendar import Calendar
    from funnelnb.data.ledger.ledger import Ledger


# ---- Counts made from a ledger in memory: a few passes of ``bincount`` each --------------------------------

MOST_CELLS = 1 << 24
"""Cells of accounts, groups, positions and outcomes that are counted at most."""
MOST_LEFT_OUT = 0.05
"""Deals without a date that nobody can stand for may be left out up to this share of a group."""
_OF_WHOLE = ("reached_amount_n", "reached_amount_sq", "decided_amount_sq")

__all__ = [
    "PERIODS",
    "By",
    "Cohort",
    "cohort_codes",
    "grouping",
    "stage_counts",
    "stay_counts",
    "time_counts",
]


def stage_counts(ledger: Ledger, by: By = ()) -> StageCounts:
    """How many deals of each group reached, passed, lost and sit at each stage?

    Parameters
    ----------
    ledger : Ledger
    by : str, Cohort, Codes, or a sequence of them
        See :func:`grouping`.

    Returns
    -------
    StageCounts

    Notes
    -----
    A deal counts once, by its furthest position. Won deals that stand at the won stage or beyond are `here`. Deals of
    which nothing tells where they stood when they ended are counted apart; those whose stage is known stand for them
    within outcome, group and creation period.

    Checked against: the weekly report 100, 80, 40, 20, 10, 5 (DOMAIN D1), hand counts and plain loops over
    random histories (``tests/data/test_count.py``).

    Examples
    --------
    >>> import funnelnb as fn
    >>> counts = stage_counts(fn.sample().ledger, by="region")
    >>> bool((counts.reached_n == counts.advanced_n + counts.here_n + counts.lost_n + counts.left_n).all())
    True
    """
    group = grouping(ledger, by)
    positions = len(ledger.stage_ids)
    key = ledger.furthest * np.int64(4)
    key += ledger.outcome
    if group.code is not None:
        key += group.code * np.int64(positions * 4)
    shape = (len(group.groups), positions, 4)
    valid = ledger.amount >= 0
    amount = np.where(valid, ledger.amount, 0.0)
    hidden = ledger.is_true("stage_unknown")
    seen = np.where(hidden, 0, 1)
    counts = from_cells(
        group,
        ledger.stage_ids,
        ledger.won,
        n=_sums(key, shape, seen).astype(np.int64),
        amount=_sums(key, shape, amount * seen),
        amount_n=_sums(key, shape, valid & ~hidden).astype(np.int64),
        amount_sq=_sums(key, shape, amount * amount * seen),
    )
    unsure = ledger.is_true("state_then_unknown") & (ledger.outcome == LOST_DEAL)
    if unsure.any():
        placed, rest = (
            _sums(key[one], shape).sum(axis=2).astype(np.int64) for one in (unsure & ~hidden, unsure & hidden)
        )
        counts = replace(counts, unsure_n=placed, unsure_unplaced_n=rest.sum(axis=1))
    counts = replace(counts, before_records=before_records(ledger, group, counts, hidden))
    clustered = _clustered(ledger, key, shape, hidden)
    if not hidden.any():
        return replace(counts, clustered=clustered)
    return _with_unplaced(ledger, counts, group, hidden, (key, shape, amount), clustered)


def _clustered(
    ledger: Ledger, key: NDArray[np.int64], shape: tuple[int, ...], hidden: NDArray[np.bool_]
) -> NDArray[np.int64] | None:
    """Return the deals of each account by cell; of accounts and groups beyond reason, None."""
    code = clusters(ledger)
    if code is None:
        return None
    count = int(code.max()) + 1
    if count * int(np.prod(shape)) > MOST_CELLS:
        return None
    full = key + code.astype(np.int64) * int(np.prod(shape))
    return _sums(full, (count, *shape), np.where(hidden, 0, 1)).astype(np.int64)


def standing_for(
    sums: NDArray[np.float64], squares: NDArray[np.float64], known: NDArray[np.bool_]
) -> StandingFor:
    """Return what sums of weights, and of their squares, by group, stage and outcome say of each stage."""
    there = [one.sum(axis=2)[:, ::-1].cumsum(axis=1)[:, ::-1] for one in (sums, squares)]
    after = [np.concatenate([one[:, 1:], np.zeros_like(one[:, :1])], axis=1) for one in there]
    return StandingFor(
        reached=there[0],
        advanced=after[0],
        undecided=sums[:, :, OPEN_DEAL] + sums[:, :, WON_DEAL] + sums[:, :, LEFT_DEAL],
        reached_sq=there[1],
        decided_sq=after[1] + squares[:, :, LOST_DEAL],
        known=known,
    )


def _with_unplaced(
    ledger: Ledger,
    counts: StageCounts,
    group: Grouping,
    hidden: NDArray[np.bool_],
    cells: tuple[NDArray[np.int64], tuple[int, ...], NDArray[np.float64]],
    clustered: NDArray[np.int64] | None,
) -> StageCounts:
    """Add the deals whose stage is not known, and what those whose is say of them."""
    key, shape, amount = cells
    code = np.zeros(len(hidden), np.int64) if group.code is None else group.code.astype(np.int64)
    groups = len(group.groups)
    place = code * 4 + ledger.outcome
    unplaced = np.bincount(place[hidden], minlength=groups * 4).reshape(groups, 4)
    unplaced_amount = _sums(place[hidden], (groups, 4), amount[hidden])
    found = stand_ins(ledger, ~hidden, code, ~ledger.is_true("moves_before_records"))
    weight = np.where(ledger.is_true("moves_before_records"), 0.0, found.weight)
    none = np.bincount(code[found.left], minlength=groups) > 0
    sums, squares = _sums(key, shape, weight), _sums(key, shape, weight * weight)
    first = np.zeros_like(counts.reached_n)
    first[:, 0] = unplaced.sum(axis=1)
    more = {name: np.zeros_like(getattr(counts, name)) for name in _OF_WHOLE}
    priced, square = hidden & (ledger.amount >= 0), amount * amount
    decided = hidden & np.isin(ledger.outcome, (WON_DEAL, LOST_DEAL))
    more["reached_amount_n"][:, 0] = np.bincount(code[priced], minlength=groups)
    more["reached_amount_sq"][:, 0] = np.bincount(code[hidden], square[hidden], minlength=groups)
    more["decided_amount_sq"][:, 0] = np.bincount(code[decided], square[decided], minlength=groups)
    return replace(
        counts,
        deal_n=counts.deal_n + unplaced.sum(axis=1),
        reached_n=counts.reached_n + first,
        reached_amount=counts.reached_amount + np.where(first > 0, unplaced_amount.sum(axis=1)[:, None], 0.0),
        **{name: getattr(counts, name) + one for name, one in more.items()},
        unplaced_n=unplaced,
        unplaced_amount=unplaced_amount.astype(np.float64),
        stands_for=standing_for(sums, squares, ~none),
        clustered=clustered,
    )


def _sums(key: NDArray[np.int64], shape: tuple[int, ...], weights: Any = None) -> NDArray[Any]:
    size = int(np.prod(shape))
    sums = np.bincount(key, weights=weights, minlength=size).reshape(shape)
    return sums.astype(
        np.int64 if weights is None else np.float64, copy=False
    )  # an empty count forgets its type


def from_cells(
    group: Grouping,
    stage_ids: tuple[str, ...],
    won: int,
    *,
    n: NDArray[np.int64],
    amount: NDArray[np.float64],
    amount_n: NDArray[np.int64],
    amount_sq: NDArray[np.float64],
) -> StageCounts:
    """Return the stage counts behind cells of (group, furthest position, outcome)."""

    def beyond(cells: NDArray[Any]) -> NDArray[Any]:
        """Sum over this position and all after it."""
        return cells.sum(axis=2)[:, ::-1].cumsum(axis=1)[:, ::-1]

    def after(reached: NDArray[Any]) -> NDArray[Any]:
        return np.concatenate([reached[:, 1:], np.zeros_like(reached[:, :1])], axis=1)

    reached_n, reached_amount, reached_sq = beyond(n), beyond(amount), beyond(amount_sq)
    return StageCounts(
        by=group.by,
        groups=group.groups,
        stage_ids=stage_ids,
        won=won,
        deal_n=n.sum(axis=(1, 2)),
        reached_n=reached_n,
        advanced_n=after(reached_n),
        here_n=n[:, :, :LOST_DEAL].sum(axis=2),
        lost_n=n[:, :, LOST_DEAL].copy(),
        left_n=n[:, :, LEFT_DEAL].copy(),
        reached_amount=reached_amount,
        advanced_amount=after(reached_amount),
        here_amount=amount[:, :, :LOST_DEAL].sum(axis=2),
        lost_amount=amount[:, :, LOST_DEAL].copy(),
        left_amount=amount[:, :, LEFT_DEAL].copy(),
        reached_amount_n=beyond(amount_n),
        reached_amount_sq=reached_sq,
        decided_amount_sq=after(reached_sq) + amount_sq[:, :, LOST_DEAL],
    )


def stay_counts(ledger: Ledger, by: By = ()) -> StayCounts:
    """How did every stay in a stage end?

    Parameters
    ----------
    ledger : Ledger
    by : str, Cohort, Codes, or a sequence of them
        See :func:`grouping`.

    Returns
    -------
    StayCounts
        entered = advanced + skipped + back + lost + left + still.

    Notes
    -----
    Checked against: hand counts and plain loops over random histories (``tests/data/test_count.py``).

    Examples
    --------
    >>> import funnelnb as fn
    >>> counts = stay_counts(fn.sample().ledger)
    >>> ended = counts.advanced_n + counts.skipped_n + counts.back_n + counts.lost_n + counts.left_n
    >>> bool((counts.entered_n == ended + counts.still_n).all())
    True
    """
    group = grouping(ledger, by)
    positions = len(ledger.stage_ids)
    key = ledger.stage * np.int64(positions + 3)
    key += ledger.next
    key += 3
    if group.code is not None:
        key += (group.code * np.int64(positions * (positions + 3)))[ledger.deal]
    shape = (len(group.groups), positions, positions + 3)
    amount = np.where(ledger.amount >= 0, ledger.amount, 0.0)
    sums = _sums(key, shape, np.repeat(amount, np.diff(ledger.start)))
    return from_moves(group, ledger.stage_ids, n=_sums(key, shape), amount=sums)


def from_moves(
    group: Grouping, stage_ids: tuple[str, ...], *, n: NDArray[np.int64], amount: NDArray[np.float64]
) -> StayCounts:
    """Return the balance behind cells of (group, stage, next + 3)."""
    stage = np.arange(len(stage_ids))[:, None]
    following = np.arange(-3, len(stage_ids))[None, :]
    kinds = {
        "entered": np.ones((len(stage_ids), len(stage_ids) + 3), bool),
        "advanced": following == stage + 1,
        "skipped": following > stage + 1,
        "back": (following >= 0) & (following <= stage),
        "lost": following + 0 * stage == -1,
        "still": following + 0 * stage == -2,
        "left": following + 0 * stage == -3,
    }
    fields = {f"{kind}_n": (n * mask).sum(axis=2) for kind, mask in kinds.items()}
    fields |= {f"{kind}_amount": (amount * mask).sum(axis=2) for kind, mask in kinds.items()}
    return StayCounts(by=group.by, groups=group.groups, stage_ids=stage_ids, **fields)


def time_counts(
    ledger: Ledger,
    origin: int,
    target: int,
    by: By = (),
    calendar: Calendar | None = None,
    alike: str = "account_id",
) -> TimeCounts:
    """How long did deals take from one position to the next outcome, and how many are still on the way?

    Parameters
    ----------
    ledger : Ledger
    origin, target : int
        Positions, 0 <= origin < target < P: the clock starts when a deal first stands at `origin` or beyond
        and the event is that it stands at `target` or beyond.
    by : str, Cohort, Codes, or a sequence of them
        See :func:`grouping`.
    calendar : Calendar, optional
        Business days: times are then business time, 86 400 seconds a day. None: calendar days.
    alike : str
        Attribute whose deals are no independent ones.

    Returns
    -------
    TimeCounts

    Raises
    ------
    ParameterError
        The positions are out of order or beyond the playbook.

    Notes
    -----
    A deal that reached the target counts as ADVANCED at that time whatever became of it. Otherwise a lost
    deal is LOST_OUT when it was closed, one that left is CENSORED then (without a date: at its last sign of life), all
    others at the as-of date. A lost deal without a date is LOST_UNDATED. Deals whose times are known stand for those
    whose are not, within outcome, group and creation period; where nobody can, a group has no row if the
    stage of such a deal is not known, or if more than 5 % of its deals lack a date; fewer are left out and counted.
    Deals that ended before `observed_from` are not seen at all; those that began before it enter late. Which
    they are the wall clock decides, whatever the calendar; one that was seen on days off alone was not
    under observation for any business time and is left out too.

    Checked against: hand counts and plain loops over random histories (``tests/data/test_count.py``).

    Examples
    --------
    >>> import funnelnb as fn
    >>> from funnelnb.data.count.groups import Cohort
    >>> ledger = fn.sample().ledger
    >>> counts = time_counts(ledger, 0, ledger.won, by=Cohort("year"))
    >>> int(counts.n.sum() + counts.unknown_n.sum()) == len(ledger.outcome)
    True
    """
    check_step(origin, target, len(ledger.stage_ids))
    group = grouping(ledger, by)
    spans, age_s, unknown_n = spans_of(ledger, (origin, target), group, calendar, alike)
    if (spans.outcome == LOST_UNDATED).any():
        spans.limit_s = np.where(spans.outcome >= LOST_OUT, age_s, 0)
    return from_spans(group, (origin, target), spans, unknown_n)


def endings(
    ledger: Ledger, deal: NDArray[np.intp], began_s: NDArray[np.int64], target: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return when the way of each deal to the target ended, or was last seen, and how."""
    outcome, advanced = ledger.outcome[deal], ledger.furthest[deal] >= target
    over = outcome >= LOST_DEAL
    ended_s = np.where(over, ledger.closed_s[deal], ledger.as_of_s)
    ended_s = np.where(advanced, ledger.reached_s[deal, target], ended_s)
    event = np.where(advanced, ADVANCED, np.where(outcome == LOST_DEAL, LOST_OUT, CENSORED))
    undated = over & ~advanced & (ended_s == UNKNOWN) & (began_s != UNKNOWN)
    ended_s = np.where(undated, np.maximum(last_signs(ledger)[deal], began_s), ended_s)
    return ended_s, np.where(undated & (outcome == LOST_DEAL), LOST_UNDATED, event)


def spans_of(
    ledger: Ledger, step: tuple[int, int], group: Grouping, calendar: Calendar | None = None, alike: str = "account_id"
) -> tuple[Spans, NDArray[np.int64], NDArray[np.int64]]:  # fmt: skip
    """Return the time of every deal that was seen, its age at the as-of date, and deals of unknown time by group.

    The age is that since the origin, however the deal ended; of one that left undecided it is the age at which
    it left, since nobody watched it any longer.
    """
    origin, target = step
    out = _out_of_sight(ledger, step)
    deal = np.flatnonzero((ledger.furthest >= origin) & ~out)
    began_s, over = ledger.reached_s[deal, origin], ledger.outcome[deal] >= LOST_DEAL
    ended_s, event = endings(ledger, deal, began_s, target)
    codes = np.zeros(len(out), np.int64) if group.code is None else group.code.astype(np.int64)
    code = codes[deal]
    known = (began_s != UNKNOWN) & (ended_s != UNKNOWN)
    if step != (0, ledger.won):
        known &= ~ledger.is_true("stage_unknown")[deal]
    since_s = ledger.observed_from_s
    seen_s = np.maximum(began_s, since_s) if since_s != UNKNOWN else began_s
    seen = known & ((seen_s == began_s) | (ended_s > seen_s))
    if (event == LOST_UNDATED).any():
        seen &= seen_s == began_s  # of a loss without a date nobody knows if the records had begun by then
    weight, unidentified = _standing(ledger, deal[known], codes, out, len(group.groups), step)
    seen &= ~unidentified[code]
    amount, event, over = ledger.amount[deal][seen], event[seen], over[seen]
    began_s, seen_s, ended_s = (
        one[seen] if calendar is None else calendar.elapsed_s(one[seen]) for one in (began_s, seen_s, ended_s)
    )
    unknown_n = np.bincount(code[~known | unidentified[code]], minlength=len(group.groups))
    marks = clusters(ledger, alike)
    last_s = ledger.as_of_s if calendar is None else int(calendar.elapsed_s(ledger.as_of_s))
    spans = Spans(
        group=code[seen],
        time_s=ended_s - began_s,
        entry_s=seen_s - began_s,
        outcome=event,
        n=np.ones(len(amount), np.int64),
        amount=np.where(amount >= 0, amount, 0.0),
        weight=None if weight is None else weight[deal[seen]],
        cluster=None if marks is None else marks[deal[seen]].astype(np.int64),
        deal=deal[seen],
    )
    age_s = np.where(over & (event == CENSORED), ended_s, last_s) - began_s
    return spans, age_s, unknown_n


def last_signs(ledger: Ledger) -> NDArray[np.int64]:
    """When was each deal last seen to move? UNKNOWN where nothing tells."""
    last_s = ledger.entered_s[ledger.start[1:] - 1]
    found: NDArray[np.int64] = np.where(
        last_s == UNKNOWN, ledger.created_s, np.maximum(last_s, ledger.created_s)
    )
    return found


def _out_of_sight(ledger: Ledger, step: tuple[int, int]) -> NDArray[np.bool_]:
    """Tell which deals are not looked at: older ones, in stages whose entry came before the records begin."""
    older = ledger.is_true("moves_before_records")
    if step == (0, ledger.won) or not older.any():
        return np.zeros(len(older), bool)
    return older & ((step[0] == 0) | (ledger.reached_s[:, step[0]] == UNKNOWN))


def _standing(
    ledger: Ledger,
    known: NDArray[np.int64],
    code: NDArray[np.int64],
    out: NDArray[np.bool_],
    groups: int,
    step: tuple[int, int],
) -> tuple[NDArray[np.float64] | None, NDArray[np.bool_]]:
    """Return for how many deals each stands (None: all times are known), and groups of which too little is known."""
    there = (ledger.furthest >= step[0]) & ~out
    hidden = ledger.is_true("stage_unknown") if step != (0, ledger.won) else np.zeros(len(out), bool)
    told = ~there & ~hidden
    told[known] = True
    nobody = np.zeros(groups, bool)
    if told[~out].all():
        return None, nobody
    part = np.where(there, np.where(ledger.furthest >= step[1], 2, 1), 0)
    found = stand_ins(ledger, told, code, ~out, part, hidden)
    here = there | hidden
    left_n, n = (np.bincount(code[one & here & ~out], minlength=groups) for one in (found.left, here))
    nobody |= np.bincount(code[found.left & hidden], minlength=groups) > 0
    nobody |= left_n > MOST_LEFT_OUT * n
    return found.weight, nobody


def check_step(origin: int, target: int, positions: int) -> None:
    """Raise ParameterError unless 0 <= origin < target < positions."""
    if not 0 <= origin < target < positions:
        raise ParameterError(
            f"origin = {origin!r}, target = {target!r}",
            expected=f"positions with 0 <= origin < target <= {positions - 1}",
        )


@dataclass(slots=True, kw_only=True)
class Spans:
    """Times under observation: `n` deals of a group, seen from `entry_s` to `time_s` after the origin."""

    group: NDArray[np.int64]
    time_s: NDArray[np.int64]
    entry_s: NDArray[np.int64]
    outcome: NDArray[np.int64]
    n: NDArray[np.int64]
    amount: NDArray[np.float64]
    limit_s: NDArray[np.int64] | None = None
    weight: NDArray[np.float64] | None = None
    cluster: NDArray[np.int64] | None = None
    deal: NDArray[np.int64] | None = None


def from_spans(
    group: Grouping, step: tuple[int, int], spans: Spans, unknown_n: NDArray[np.int64]
) -> TimeCounts:
    """Return the distinct rows of (group, time, entry, outcome) that were seen, deals and amounts added up."""
    seen = (spans.entry_s == 0) | (spans.time_s > spans.entry_s)
    columns = [column[seen] for column in (spans.group, spans.time_s, spans.entry_s, spans.outcome)]
    more = {name: getattr(spans, name) for name in ("limit_s", "weight", "cluster")}
    kinds = {name: one[seen] for name, one in more.items() if one is not None}
    marks = [
        np.unique(one, return_inverse=True)[1] if name == "weight" else one for name, one in kinds.items()
    ]
    order, first = distinct_rows(*columns, *marks)
    code, time_s, entry_s, outcome = (column[order][first] for column in columns)
    kinds = {name: one[order][first] for name, one in kinds.items()}
    if "cluster" in kinds:
        kinds["cluster"] = kinds["cluster"].astype(np.int32)
    n, amount = spans.n[seen][order], spans.amount[seen][order]
    return TimeCounts(
        by=group.by,
        groups=group.groups,
        origin=step[0],
        target=step[1],
        group=code.astype(np.int32),
        time_s=time_s,
        entry_s=entry_s,
        outcome=outcome.astype(np.int8),
        n=np.add.reduceat(n, first) if len(first) else n,
        amount=np.add.reduceat(amount, first) if len(first) else amount,
        unknown_n=unknown_n.astype(np.int64),
        **kinds,
    )


def distinct_rows(*columns: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the order that sorts rows of non-negative `columns`, and where distinct rows begin in it."""
    bits = [int(column.max(initial=0)).bit_length() for column in columns]
    if sum(bits) <= 63:
        key = np.zeros(len(columns[0]), np.int64)
        for column, width in zip(columns, bits, strict=True):
            key = (key << width) | column
        order = np.argsort(key, kind="stable")
        new = key[order][1:] != key[order][:-1]
    else:
        order = np.lexsort(columns[::-1])
        new = np.zeros(max(len(order) - 1, 0), bool)
        for column in columns:
            new |= column[order][1:] != column[order][:-1]
    return order, np.concatenate([[0], np.flatnonzero(new) + 1]) if len(order) else order


# ---- How long could each deal have been watched? For simulations that cut every drawn time where its deal ---


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WatchedDeals:
    """Times from one position to the next outcome, one row per deal. D deals.

    Attributes
    ----------
    group : ndarray of int64, shape (D,)
        Place in the groups of :func:`~funnelnb.data.count.tally.time_counts` with the same `by`.
    time_s, entry_s, outcome : ndarray of int64, shape (D,)
        As in :class:`~funnelnb.data.count.counts.TimeCounts`.
    limit_s : ndarray of int64, shape (D,)
        Age at the as-of date, or at which the deal left undecided: where its time would have been cut.
    deal : ndarray of int64, shape (D,)
        Number of the deal in the ledger.
    weighted : bool
        True where deals of known time stand for others: sums over these rows are then not the counts.
    """

    group: NDArray[np.int64]
    time_s: NDArray[np.int64]
    entry_s: NDArray[np.int64]
    outcome: NDArray[np.int64]
    limit_s: NDArray[np.int64]
    deal: NDArray[np.int64]
    weighted: bool


def watched_deals(
    ledger: Ledger,
    origin: int,
    target: int,
    by: By = (),
    calendar: Calendar | None = None,
    *,
    undated: bool = False,
) -> WatchedDeals:
    """How long did each deal take, and how long could it have been watched?

    Parameters
    ----------
    ledger : Ledger
    origin, target, by, calendar
        As given to :func:`~funnelnb.data.count.tally.time_counts`.
    undated : bool
        Whether losses without a date are among them.

    Returns
    -------
    WatchedDeals
        The deals behind the rows of the counts, in the order of the ledger.

    Notes
    -----
    Checked against: the counts themselves, and ages by a plain loop (``tests/data/test_watched.py``).

    Examples
    --------
    >>> import funnelnb as fn
    >>> deals = watched_deals(fn.sample().ledger, 0, 1)
    >>> bool((deals.time_s <= deals.limit_s).all())
    True
    """
    check_step(origin, target, len(ledger.stage_ids))
    spans, age_s, _ = spans_of(ledger, (origin, target), grouping(ledger, by), calendar)
    seen = (spans.entry_s == 0) | (spans.time_s > spans.entry_s)
    if not undated:
        seen &= spans.outcome != LOST_UNDATED
    columns = {name: getattr(spans, name)[seen] for name in ("group", "time_s", "entry_s", "outcome", "deal")}
    return WatchedDeals(**columns, limit_s=age_s[seen], weighted=spans.weight is not None)
