"""How did the open pipeline of one day become that of another? A waterfall that balances, deal by deal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from funnelnb.analysis.forecast.periods import no_period
from funnelnb.analysis.shared.period import Period, period_of
from funnelnb.analysis.shared.result import Result
from funnelnb.core import check
from funnelnb.core.errors import ParameterError
from funnelnb.core.note import Note

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.data.book import Book

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

BARS = (
    "opening", "new", "reappeared", "reopened", "pulled_in", "taken_over", "grown", "shrunk", "handed_over",
    "pushed_out", "won", "lost", "left", "vanished", "closing",
)  # fmt: skip
"""Bars in their order: opening + all between = closing."""
CENTS = 100
"""Money is added up in whole cents, so that it balances exactly."""
ABSENT, OPEN, WON, LOST, LEFT = -1, 0, 1, 2, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class WaterfallRow:
    """One bar of one group.

    Attributes
    ----------
    by : str
        What the group is a value of, such as ``"region"``; empty for the whole.
    group : tuple of str
        Empty for the whole.
    bar : str
        One of :data:`BARS`.
    deal_n : int
        Deals in the bar.
    net_n : int
        What the bar adds to the number of open deals (0 for grown and shrunk).
    net_amount : float
        What the bar adds to the open amount.
    opportunity_ids : tuple of str
        The deals, largest change first.
    """

    by: str
    group: tuple[str, ...]
    bar: str
    deal_n: int
    net_n: int
    net_amount: float
    opportunity_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DateMove:
    """Expected closes that moved between the two days.

    Attributes
    ----------
    direction : {"earlier", "later"}
    deal_n : int
    moved_amount : float
        Their amount on the later day.
    median_days : float
        By how many days, in the middle.
    """

    direction: str
    deal_n: int
    moved_amount: float
    median_days: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Waterfall(Result):
    """The open pipeline of two days, and all that happened between.

    Attributes
    ----------
    since, until : numpy.datetime64
        Days of the two snapshots.
    period_name : str
        Period in which the deals were expected to close; empty: all open deals.
    by : tuple of str
        By what the rows are divided too.
    rows : tuple of WaterfallRow
        The whole first, then each group; a group's bars in the order of :data:`BARS`.
    dates : tuple of DateMove
    """

    since: np.datetime64
    until: np.datetime64
    period_name: str
    by: tuple[str, ...]
    rows: tuple[WaterfallRow, ...]
    dates: tuple[DateMove, ...]

    def bar(self, name: str, group: str | None = None) -> WaterfallRow:
        """Return one bar, of the whole or of a group.

        Raises
        ------
        ParameterError
            There is no such bar or group.
        """
        check.one_of("bar", name, BARS)
        wanted = () if group is None else (group,)
        for row in self.rows:
            if row.bar == name and row.group == wanted:
                return row
        known = sorted({row.group[0] for row in self.rows if row.group})
        check.one_of("group", group, known)
        raise ParameterError(f"group = {group!r}", expected="a group of this waterfall")

    def deals_of(self, name: str, group: str | None = None) -> tuple[str, ...]:
        """Return the ids of the deals behind a bar, largest change first."""
        return self.bar(name, group).opportunity_ids


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Side:
    """All deals of both days, as one day knew them. D deals."""

    state: NDArray[np.int8]
    cents: Ints
    priced: Bools
    expected: NDArray[np.datetime64]
    closed: NDArray[np.datetime64]
    groups: dict[str, NDArray[np.object_]]


_STATES = {"open": OPEN, "won": WON, "left": LEFT}


def waterfall(
    before: Book,
    after: Book,
    *,
    period: str | None = None,
    by: str | Sequence[str] = ("owner", "region"),
    seen_before: frozenset[str] = frozenset(),
    confidence_level: float = check.CONFIDENCE_LEVEL,
) -> Waterfall:
    """How did the open pipeline of one day become that of another?

    Parameters
    ----------
    before, after : Book
        What was known on two days, the earlier first.
    period : str, optional
        Only deals expected to close by the end of this month, quarter or year; None: all open deals. Only with a
        period are deals pulled in and pushed out.
    by : str or sequence of str
        What to divide by as well; what the data do not have is left out.
    seen_before : frozenset of str
        Ids of deals that an earlier snapshot held: they reappear, they are not new.
    confidence_level : float
        Carried on; a waterfall counts and has no interval.

    Returns
    -------
    Waterfall

    Raises
    ------
    ParameterError
        The days are not in order, the period is none, or the money of the two days differs.

    Notes
    -----
    opening + new + reappeared + reopened + pulled in + grown - shrunk - pushed out - won - lost - left - vanished =
    closing, in deals and in money, for the whole and for each group; in groups also what was taken over from and
    handed over to others. A deal that is won, lost or left goes out with the amount it then had; what it gained or
    lost before stands under grown and shrunk. Amounts that are not known count 0.

    Checked against hand counts and, with random histories, against the balance itself:
    ``tests/analysis/forecast/test_moved.py``.
    """
    if after.as_of <= before.as_of:
        raise ParameterError(
            f"from {str(before.as_of)[:10]} to {str(after.as_of)[:10]}",
            expected="two snapshots, the earlier first",
        )
    if before.currency and after.currency and before.currency != after.currency:
        raise ParameterError(
            f"amounts in {before.currency} and in {after.currency}", expected="one currency on both days"
        )
    within = _period(period)
    names = [by] if isinstance(by, str) else list(by)
    names = [name for name in names if name in before.opportunities and name in after.opportunities]
    ids, first, second = _sides(before, after, names)
    events = _events(first, second, within, _known(ids, seen_before), before.as_of, after.as_of)
    rows = [*_rows(ids, events, "", None, None)]
    for name in names:
        rows += _rows(ids, events, name, first.groups[name], second.groups[name])
    return Waterfall(
        n=len(ids),
        method="waterfall",
        confidence_level=confidence_level,
        as_of=after.as_of,
        currency=after.currency,
        notes=_notes(first, second, before, within),
        since=before.as_of.astype("datetime64[D]"),
        until=after.as_of.astype("datetime64[D]"),
        period_name=within.name if within else "",
        by=tuple(names),
        rows=tuple(rows),
        dates=_dates(first, second),
    )


def _period(text: str | None) -> Period | None:
    if text is None or text == "":
        return None
    found = period_of(text)
    if found is None:
        raise no_period(text)
    return found


def _known(ids: NDArray[np.object_], seen: frozenset[str]) -> Bools:
    return np.fromiter((one in seen for one in ids), bool, len(ids))


def _sides(before: Book, after: Book, names: list[str]) -> tuple[NDArray[np.object_], _Side, _Side]:
    """Return the ids of all deals of both days, in order, and what each day knew of them."""
    import pandas as pd

    frames = [one.opportunities.set_index("opportunity_id") for one in (before, after)]
    index = frames[0].index.union(frames[1].index).sort_values()
    sides = []
    for frame in frames:
        there = frame.reindex(index)
        outcome = there["outcome"].astype(object)
        state = np.where(outcome.isna(), ABSENT, outcome.map(_STATES).fillna(LOST)).astype(np.int8)
        amount = there["amount"].to_numpy(float) if "amount" in there else np.full(len(index), np.nan)
        priced = amount >= 0
        nothing = pd.Series(pd.NaT, index=index, dtype="datetime64[us]")
        sides.append(
            _Side(
                state=state,
                cents=np.rint(np.where(priced, amount, 0.0) * CENTS).astype(np.int64),
                priced=priced,
                expected=there.get("expected_close_at", nothing).to_numpy().astype("datetime64[D]"),
                closed=there.get("closed_at", nothing).to_numpy().astype("datetime64[s]"),
                groups={name: there[name].fillna("").astype(object).to_numpy() for name in names},
            )
        )
    return index.to_numpy(dtype=object), sides[0], sides[1]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Event:
    """The deals of one bar: their places, what each adds, and whose group counts."""

    place: Ints
    cents: Ints
    net_n: int
    early: bool


def _events(
    first: _Side,
    second: _Side,
    within: Period | None,
    seen: Bools,
    since: np.datetime64,
    until: np.datetime64,
) -> dict[str, _Event]:
    """Return which deals are in which bar of the whole."""
    inside0, inside1 = _inside(first, within), _inside(second, within)
    after = ~np.isnat(second.closed) & (second.closed <= since)
    ended = (second.state > OPEN) & ~after & _in_time(second, within)
    absent, closed0 = first.state == ABSENT, first.state > OPEN
    outside0 = (first.state == OPEN) & ~inside0
    comes = inside1 | ended
    entry = {
        "new": absent & ~seen & comes,
        "reappeared": absent & seen & comes,
        "reopened": closed0 & (inside1 | (ended & (second.state == WON) & (first.state != WON))),
        "pulled_in": outside0 & (inside1 | (ended & (second.state == WON))),
    }
    entered = np.logical_or.reduce(list(entry.values()))
    stays = inside0 & (inside1 | (second.state > OPEN))
    change = np.where(stays, second.cents - first.cents, 0)
    goes = (stays | entered) & (second.state > OPEN)
    found = {"opening": _event(inside0, first.cents, 1, early=True)}
    found |= {name: _event(mine, second.cents, 1, early=False) for name, mine in entry.items()}
    found["grown"] = _event(change > 0, change, 0, early=False)
    found["shrunk"] = _event(change < 0, change, 0, early=False)
    out = inside0 & (second.state == OPEN) & ~inside1
    found["pushed_out"] = _event(out, -first.cents, -1, early=True)
    for name, state in (("won", WON), ("lost", LOST), ("left", LEFT)):
        found[name] = _event(goes & (second.state == state), -second.cents, -1, early=False)
    found["vanished"] = _event(inside0 & (second.state == ABSENT), -first.cents, -1, early=True)
    found["closing"] = _event(inside1, second.cents, 1, early=False)
    found["taken_over"] = _event(stays, first.cents, 1, early=False)
    found["handed_over"] = _event(stays, -first.cents, -1, early=True)
    return found


def _inside(side: _Side, within: Period | None) -> Bools:
    """Return which deals are open and, where a period is asked for, expected to close by its end."""
    mine: Bools = side.state == OPEN
    if within is not None:
        mine = mine & ~np.isnat(side.expected) & (side.expected <= within.end)
    return mine


def _in_time(side: _Side, within: Period | None) -> Bools:
    """Return which closes fall up to the end of the period; all where none is asked for or no date is known."""
    if within is None:
        return np.ones(len(side.state), bool)
    made: Bools = np.isnat(side.closed) | (side.closed.astype("datetime64[D]") <= within.end)
    return made


def _event(mine: Bools, cents: Ints, net_n: int, *, early: bool) -> _Event:
    place = np.flatnonzero(mine)
    return _Event(place=place, cents=cents[place], net_n=net_n, early=early)


def _rows(
    ids: NDArray[np.object_],
    events: dict[str, _Event],
    name: str,
    first: NDArray[np.object_] | None,
    second: NDArray[np.object_] | None,
) -> list[WaterfallRow]:
    """Return the bars of the whole, or of each group; deals that changed hands stand in both groups' bars."""
    if first is None or second is None:
        whole = {bar: one for bar, one in events.items() if bar not in ("taken_over", "handed_over")}
        return [_row(ids, "", (), bar, whole[bar], None) for bar in BARS if bar in whole]
    moved = first != second
    labels = sorted({*first[events["opening"].place], *second})
    made = []
    for label in labels:
        rows = []
        for bar in BARS:
            one = events[bar]
            group = first if one.early else second
            mine = group[one.place] == label
            if bar in ("taken_over", "handed_over"):
                mine &= moved[one.place]
            rows.append(_row(ids, name, (str(label),), bar, one, mine))
        made += rows if any(row.deal_n for row in rows) else []
    return made


def _row(
    ids: NDArray[np.object_], by: str, group: tuple[str, ...], bar: str, event: _Event, mine: Bools | None
) -> WaterfallRow:
    place, cents = (event.place, event.cents) if mine is None else (event.place[mine], event.cents[mine])
    order = np.argsort(-np.abs(cents), kind="stable")
    return WaterfallRow(
        by=by,
        group=group,
        bar=bar,
        deal_n=len(place),
        net_n=event.net_n * len(place),
        net_amount=int(cents.sum()) / CENTS,
        opportunity_ids=tuple(str(one) for one in ids[place[order]]),
    )


def _dates(first: _Side, second: _Side) -> tuple[DateMove, ...]:
    both = (first.state == OPEN) & (second.state == OPEN)
    both &= ~np.isnat(first.expected) & ~np.isnat(second.expected)
    days = (second.expected - first.expected)[both].astype(np.int64)
    cents, found = second.cents[both], []
    for direction, mine in (("earlier", days < 0), ("later", days > 0)):
        if mine.any():
            found.append(
                DateMove(
                    direction=direction,
                    deal_n=int(mine.sum()),
                    moved_amount=int(cents[mine].sum()) / CENTS,
                    median_days=float(np.median(np.abs(days[mine]))),
                )
            )
    return tuple(found)


def _notes(first: _Side, second: _Side, before: Book, within: Period | None) -> tuple[Note, ...]:
    found: tuple[Note, ...] = ()
    unpriced = ((first.state == OPEN) & ~first.priced) | (
        (second.state >= OPEN) & ~second.priced & (first.state == OPEN)
    )
    if unpriced.any():
        found += (Note("waterfall_unpriced", {"deals_n": int(unpriced.sum())}),)
    undated = (first.state == OPEN) & np.isnat(first.expected)
    if within is not None and undated.any():
        found += (Note("waterfall_undated", {"deals_n": int(undated.sum())}),)
    both = (first.state > OPEN) & (second.state > OPEN)
    other = both & ((first.state != second.state) | (first.cents != second.cents))
    other |= both & ~np.isnat(first.closed) & ~np.isnat(second.closed) & (first.closed != second.closed)
    late = (first.state == ABSENT) & (second.state > OPEN) & ~np.isnat(second.closed)
    late &= second.closed <= before.as_of
    if other.any() or late.any():
        facts = {"changed_n": int(other.sum()), "late_n": int(late.sum()), "day": str(before.as_of)[:10]}
        found += (Note("snapshots_disagree", facts),)
    return found
