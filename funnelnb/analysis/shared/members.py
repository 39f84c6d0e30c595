"""Which deals stand behind a count?

A result carries what was asked of which book (:class:`Query`); beside the rows of every room stands a module
``members`` that says of each count which deals are in it: one rule a kind of row. A rule gives marks over the deals of
the ledger, or says why nobody can be listed (:class:`Nobody`).
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from funnelnb.analysis.shared.counts import SECONDS_PER_DAY
from funnelnb.analysis.shared.judged import judged, unjudged
from funnelnb.data.contract.calendar import calendar_of
from funnelnb.data.count import tally
from funnelnb.data.count.counts import CENSORED, LOST_OUT, TimeCounts
from funnelnb.data.count.groups import By, grouping
from funnelnb.data.ledger.codes import LOST_DEAL

if TYPE_CHECKING:
    from funnelnb.data.book import Book
    from funnelnb.data.ledger.ledger import Ledger

Mask = NDArray[np.bool_]
T = TypeVar("T")

REASONS = ("computed", "weighted", "events", "periods", "marks", "given", "people", "moves", "faults")
"""Why nobody can be listed: the number is worked out (needed, expected, of an ideal); deals stand for others whose
history is not known; events are counted; periods are; marks of an assessment are; the counts were typed in; people are
counted; moves from stage to stage; kinds of faults."""


@dataclass(frozen=True, slots=True)
class Nobody:
    """A count that no list of deals stands behind, and why.

    Attributes
    ----------
    reason : str
        One of :data:`REASONS`.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class Customers:
    """A count of customers.

    Attributes
    ----------
    account_ids : tuple of str
    """

    account_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Elsewhere:
    """Deals of another book: that which an analysis learned from.

    Attributes
    ----------
    book : Book
    mask : ndarray of bool
    """

    book: Book
    mask: Mask


@dataclass(frozen=True, slots=True)
class ByAge:
    """Counts along a curve: who is in the one at an age.

    Attributes
    ----------
    at : callable
        ``at(days) -> who``.
    """

    at: Callable[[float], Who]


COMPUTED, WEIGHTED, EVENTS = Nobody("computed"), Nobody("weighted"), Nobody("events")
PERIODS, MARKS, GIVEN = Nobody("periods"), Nobody("marks"), Nobody("given")
PEOPLE, MOVES, FAULTS = Nobody("people"), Nobody("moves"), Nobody("faults")

Who = Mask | Nobody | Customers | Elsewhere
Member = Who | ByAge | Callable[[], Who]
Rule = Callable[["Query", Any, Any], Mapping[str, Member]]

_RULES: dict[str, Rule] = {}


def behind(*names: str) -> Callable[[Rule], Rule]:
    """Register a rule for rows (or results) of these types: ``rule(asked, result, row) -> count -> who``.

    The first count of a rule is the one that all the others are parts of.
    """

    def keep(rule: Rule) -> Rule:
        _RULES.update(dict.fromkeys(names, rule))
        return rule

    return keep


def rule_of(row: Any) -> Rule | None:
    """Return the rule for a row or result: that of the module ``members`` beside its type."""
    room = type(row).__module__.rpartition(".")[0]
    try:
        importlib.import_module(f"{room}.members")
    except ModuleNotFoundError:
        return None
    return _RULES.get(type(row).__name__)


def count_names(row: Any) -> tuple[str, ...]:
    """Return the fields of a row or result that hold a count."""
    return tuple(one.name for one in fields(row) if one.name == "n" or one.name.endswith("_n"))


def is_rows(value: Any) -> bool:
    """Return whether a field of a result holds rows, as a tuple of dataclasses."""
    return isinstance(value, tuple) and bool(value) and all(map(is_dataclass, value))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Query:
    """What was asked, of which book.

    Attributes
    ----------
    book : Book
    arguments : Mapping of str to object
        By the name of the parameter, defaults included.
    found : dict
        What rules have worked out, for the next count of the same result.
    """

    book: Book
    arguments: Mapping[str, Any]
    found: dict[Any, Any] = field(default_factory=dict)

    def once(self, key: Any, find: Callable[[], T]) -> T:
        """Return what was found under a key before, or find it now."""
        if key not in self.found:
            self.found[key] = find()
        return self.found[key]

    @property
    def ledger(self) -> Ledger:
        """The ledger whose deals are marked."""
        return self.book.ledger

    def everybody(self) -> Mask:
        """Mark all deals."""
        return np.ones(len(self.ledger.outcome), bool)

    def nobody(self) -> Mask:
        """Mark no deal."""
        return np.zeros(len(self.ledger.outcome), bool)

    def inside(self, by: By, group: tuple[str, ...]) -> Mask:
        """Mark the deals of one group; ``()`` are all."""
        if not group:
            return self.everybody()
        made = grouping(self.ledger, by)
        if group not in made.groups:
            return self.nobody()
        if made.code is None:
            return self.everybody()
        found: Mask = made.code == made.groups.index(group)
        return found

    def of_ids(self, opportunity_ids: Any) -> Mask:
        """Mark the deals with these ids."""
        place = self.once(
            "places", lambda: {str(one): k for k, one in enumerate(self.ledger.deal_ids.tolist())}
        )
        return self.at([place[str(one)] for one in opportunity_ids if str(one) in place])

    def at(self, index: Any) -> Mask:
        """Mark the deals with these numbers in the ledger."""
        marks = self.nobody()
        marks[np.asarray(index, np.int64)] = True
        return marks

    def position(self, stage: str) -> int:
        """Return the position of a stage that a row names."""
        return self.ledger.stage_ids.index(stage)

    def timed(
        self, origin: int, target: int, by: By = (), calendar: Any = None, *, durations: bool = False
    ) -> Timed:
        """Return the deals whose times are known, as ``time_counts`` of ``analysis.shared.counts`` takes them."""
        if calendar is None or isinstance(calendar, str):
            key = ("timed", origin, target, by, calendar, durations)
            return self.once(key, lambda: self._timed(origin, target, by, calendar, durations=durations))
        return self._timed(origin, target, by, calendar, durations=durations)

    def _timed(self, origin: int, target: int, by: By, calendar: Any, *, durations: bool) -> Timed:
        days = calendar_of(calendar, self.book)
        ledger = self.ledger
        seen = tally.watched_deals(ledger, origin, target, by, days, undated=True)
        made = grouping(ledger, by)
        some = {name: getattr(seen, name) for name in ("group", "time_s", "entry_s", "outcome")}
        some["outcome"] = some["outcome"].astype(np.int8)
        counts = TimeCounts(
            by=made.by, groups=made.groups, origin=origin, target=target, **some,
            n=np.ones(len(seen.deal), np.int64), amount=np.zeros(len(seen.deal)),
            unknown_n=np.zeros(len(made.groups), np.int64),
        )  # fmt: skip
        kept = len(judged(counts, unjudged(self.book), durations=durations).n) > 0
        rows = slice(None) if kept else slice(0)
        return Timed(
            asked=self, groups=made.groups, weighted=seen.weighted, deal=seen.deal[rows], limit_s=seen.limit_s[rows],
            **{name: column[rows] for name, column in some.items()},
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Timed:
    """Deals whose time from one stage to another is known, one row per deal. D deals.

    Attributes
    ----------
    asked : Query
    groups : tuple of tuple of str
    group, time_s, entry_s, outcome, limit_s, deal : ndarray, shape (D,)
        As of :class:`~funnelnb.data.count.tally.WatchedDeals`.
    weighted : bool
    """

    asked: Query
    groups: tuple[tuple[str, ...], ...]
    group: NDArray[np.int64]
    time_s: NDArray[np.int64]
    entry_s: NDArray[np.int64]
    outcome: NDArray[np.int8]
    limit_s: NDArray[np.int64]
    deal: NDArray[np.int64]
    weighted: bool

    def rows_of(self, group: tuple[str, ...]) -> Mask:
        """Return which rows belong to a group."""
        if group not in self.groups:
            return np.zeros(len(self.deal), bool)
        found: Mask = self.group == self.groups.index(group)
        return found

    def marks(self, rows: Mask) -> Mask:
        """Mark the deals of some rows in the ledger."""
        return self.asked.at(self.deal[rows])

    def at_risk(self, group: tuple[str, ...], at_s: float, *, known: bool = False) -> Who:
        """Mark the deals of a group that are still under observation at an age, as the curves count them.

        A curve is read at the next time at which anything happens. Lost deals without a date are watched as long as
        they could have been; with `known` only as long as there was a sign of life.
        """
        if self.weighted:
            return WEIGHTED
        rows = self.rows_of(group)
        time_s, entry_s, undated = self.time_s, self.entry_s, self.outcome > LOST_OUT
        if undated[rows].any():
            time_s = np.where(self.outcome >= LOST_OUT, np.maximum(self.limit_s, self.time_s), time_s)
            entry_s = np.zeros_like(entry_s)
        stops = np.concatenate([time_s[rows], entry_s[rows]])
        if not (time_s[rows] >= at_s).any():
            return self.asked.nobody()
        stop = stops[stops >= at_s].min()
        time_s = self.time_s if known else time_s
        return self.marks(rows & (time_s >= stop) & ((entry_s <= 0) | (entry_s < stop)))

    def censored_before(self, at_s: float) -> Mask:
        """Return which rows were no longer watched at an age although they had not ended."""
        found: Mask = (self.outcome == CENSORED) & (self.time_s < at_s)
        return found


# ---- The two ways of counting that most results share ---------------------------------------------------------


def step_members(asked: Query, k: int, inside: Mask) -> dict[str, Mask]:
    """Mark who reached a stage, and what became of them there: the parts of a step of conversion."""
    ledger = asked.ledger
    hidden = ledger.is_true("stage_unknown") & inside
    seen = inside & ~hidden
    there, here = seen & (ledger.furthest >= k), seen & (ledger.furthest == k)
    reached = there | hidden if k == 0 else there  # whatever their stage, all came in
    return {
        "reached": reached,
        "advanced": seen & (ledger.furthest > k),
        "here": here & (ledger.outcome < LOST_DEAL),
        "lost": here & (ledger.outcome == LOST_DEAL),
        "left": here & (ledger.outcome > LOST_DEAL),
        "unplaced": hidden & (ledger.outcome != 1) if k < ledger.won else np.zeros_like(hidden),
        "amount": reached & (ledger.amount >= 0),
    }


def whole_members(asked: Query, origin: int, inside: Mask) -> dict[str, Mask]:
    """Mark the same from a stage to won."""
    ledger = asked.ledger
    made = step_members(asked, origin, inside)
    hidden = ledger.is_true("stage_unknown")
    between = inside & ~hidden & (ledger.furthest >= origin) & (ledger.furthest < ledger.won)
    if origin == 0 and hidden.any():
        between |= inside & hidden & (ledger.outcome != 1)
        made["unplaced"] = np.zeros_like(hidden)
    return made | {
        "advanced": inside & ~hidden & (ledger.furthest >= ledger.won),
        "here": between & (ledger.outcome < LOST_DEAL),
        "lost": between & (ledger.outcome == LOST_DEAL),
        "left": between & (ledger.outcome > LOST_DEAL),
    }


def days_s(days: float) -> float:
    """Return days in seconds."""
    return days * SECONDS_PER_DAY
