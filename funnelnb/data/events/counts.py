"""How many reached each step, went on, are still under way? The bridge from event logs to statistics."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.core import check
from funnelnb.core.errors import MissingDataError, ParameterError
from funnelnb.data.count.groups import period_labels
from funnelnb.data.events.attempts import Units, choose
from funnelnb.data.events.match import rows_of
from funnelnb.data.events.walk import NEVER, walk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from funnelnb.data.events.definition import Definition
    from funnelnb.data.events.log import Events

PERIODS = ("day", "week", "month", "quarter", "year")
DAY_US = 86_400_000_000
RUNNING, DROPPED = 0, 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Spans:
    """How long from one step to another, counted. R rows.

    Attributes
    ----------
    group : ndarray of int64, shape (R,)
    days : ndarray of float64, shape (R,)
        Until the later step, or until the as-of time.
    done : ndarray of int64, shape (R,)
        1: the later step was done; 0: not, as far as it was watched.
    n : ndarray of int64, shape (R,)
    """

    group: NDArray[np.int64]
    days: NDArray[np.float64]
    done: NDArray[np.int64]
    n: NDArray[np.int64]

    def of(self, group: int) -> Spans:
        """Return the rows of one group."""
        mine = self.group == group
        return Spans(group=self.group[mine], days=self.days[mine], done=self.done[mine], n=self.n[mine])


@dataclass(frozen=True, slots=True, kw_only=True)
class FunnelCounts:
    """A funnel, counted. G groups, K steps; column k of what goes on leads to the next required step.

    Attributes
    ----------
    groups : tuple of tuple of str
    reached_n, advanced_n : ndarray of int64, shape (G, K)
        The last column of `advanced_n` is 0.
    running_n, dropped_n : ndarray of int64, shape (G, K)
        Whose furthest required step this is and who are not through: with an attempt under way, or without.
        reached = advanced + running + dropped for each required step.
    whole_n : ndarray of int64, shape (G, 3)
        From the first step to the last: arrived; through; of these, through later than one window after the
        first arrival (on another attempt).
    steps : tuple of Spans
        One per step but the last.
    whole : Spans
    amount, known_n : ndarray, shape (G, K)
        Sum of the value on the rows that were the step, and how many of them know it.
    moments : ndarray of float64, shape (G, K, 6)
        Over owners: how many, sums of n, y, n n, n y and y y, with n attempts at a step and y that went on;
        the last column is for the whole way. They add up over parts of a log.
    units : Units
    unit_group : ndarray of int64, shape (U,)
    void_n : int
    late_n : int
        Rows that lack the unit or a held property, left out.
    """

    groups: tuple[tuple[str, ...], ...]
    reached_n: NDArray[np.int64]
    advanced_n: NDArray[np.int64]
    running_n: NDArray[np.int64]
    dropped_n: NDArray[np.int64]
    whole_n: NDArray[np.int64]
    steps: tuple[Spans, ...]
    whole: Spans
    amount: NDArray[np.float64]
    known_n: NDArray[np.int64]
    moments: NDArray[np.float64]
    units: Units
    unit_group: NDArray[np.int64]
    void_n: int = 0
    log_row: NDArray[np.int64] | None = None

    @property
    def design(self) -> NDArray[np.float64]:
        """Factor by which several attempts of one owner widen each variance; 1 where each counts once."""
        owners, n, y, nn, ny, yy = np.moveaxis(self.moments, -1, 0)
        rate = np.divide(y, n, out=np.zeros_like(n), where=n > 0)
        spread = yy - 2 * rate * ny + rate * rate * nn
        plain = n * rate * (1 - rate)
        good = (plain > 0) & (owners > 1) & (n > owners)
        factor = np.ones_like(n)
        factor[good] = spread[good] * owners[good] / (owners[good] - 1) / plain[good]
        return np.maximum(factor, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Which attempts are counted, and apart from which.

    Attributes
    ----------
    by : tuple of str
        Properties whose values make groups.
    credit : "start", "first", "last" or int
        Which event's value counts: of the arrival; the first or last known on the steps done; or a step's.
    period : str
        Empty, or the calendar period of the arrival: groups then begin with its label.
    since_us, until_us : int or None
        Only attempts that start in between.
    value : str
        Property summed beside the count; empty: none.
    at_us : int or None
        Arrivals before and from this moment on are counted apart, as groups "before" and "after".
    """

    by: tuple[str, ...] = ()
    credit: str | int = "start"
    period: str = ""
    since_us: int | None = None
    until_us: int | None = None
    value: str = ""
    at_us: int | None = None


def count(log: Any, definition: Definition, cut: Cut | None = None) -> FunnelCounts:
    """Count a funnel, in memory or where the log lies.

    Parameters
    ----------
    log : Events, or a scan that counts by itself
    definition : Definition
    cut : Cut, optional

    Returns
    -------
    FunnelCounts

    Raises
    ------
    ParameterError, MissingDataError
        The definition names what the log does not hold.
    """
    cut = cut or Cut()
    if cut.period:
        check.one_of("period", cut.period, PERIODS)
    if hasattr(log, "count_funnel"):
        counted: FunnelCounts = log.count_funnel(definition, cut)
        return counted
    rows, log_row = rows_of(log, definition)
    made = walk(rows, definition)
    labels: list[str] = []
    split = None
    if len(made.place) and (cut.period or cut.at_us is not None):
        split, labels = split_of(made.groups.time[made.place[:, 0]], cut)
    units = choose(made, log.as_of_us, cut.since_us, cut.until_us, split)
    group, groups = _groups(log, units, log_row, cut, labels)
    value = _value(log, units, log_row, cut.value)
    counted = tally(units, group, groups, definition, log.as_of_us, value)
    return replace(counted, log_row=log_row)


def split_of(start_us: NDArray[np.int64], cut: Cut) -> tuple[NDArray[np.int64], list[str]]:
    """Return what attempts are counted apart by, by their start, and what the parts are called."""
    if cut.at_us is not None:
        return (start_us >= cut.at_us).astype(np.int64), ["before", "after"]
    return period_codes(start_us, cut.period)


def period_codes(time_us: NDArray[np.int64], period: str) -> tuple[NDArray[np.int64], list[str]]:
    """Return the calendar period of each time, and the labels in order."""
    days, place = np.unique(time_us // DAY_US, return_inverse=True)
    texts = (
        [str(np.datetime64(int(one), "D")) for one in days]
        if period == "day"
        else period_labels(days, period)
    )
    labels, codes = np.unique(np.array(texts, dtype=object), return_inverse=True)
    return codes[place].astype(np.int64), [str(one) for one in labels]


def _groups(
    log: Events, units: Units, log_row: NDArray[np.int64], cut: Cut, labels: list[str]
) -> tuple[NDArray[np.int64], tuple[tuple[str, ...], ...]]:
    """Return the group of each unit and what the groups are called."""
    parts: list[tuple[NDArray[np.int64], list[str]]] = []
    if labels:
        parts.append((units.split, labels))
    for name in cut.by:
        codes, values = log.codes(name)
        found = credited(codes[log_row], units, cut.credit)
        parts.append((np.where(found < 0, len(values), found), [*values, ""]))
    return named_groups(parts, len(units))


def named_groups(
    parts: Sequence[tuple[NDArray[np.int64], list[str]]], size: int
) -> tuple[NDArray[np.int64], tuple[tuple[str, ...], ...]]:
    """Return the group of each unit, from a code and its names per part, and what the groups are called."""
    if not parts:
        return np.zeros(size, np.int64), ((),)
    code = np.zeros(size, np.int64)
    for codes, values in parts:
        code = code * len(values) + codes
    kept, group = np.unique(code, return_inverse=True)
    names = []
    for one in kept.tolist():
        name: list[str] = []
        rest = one
        for _, values in reversed(parts):
            rest, place = divmod(rest, len(values))
            name.append(values[place])
        names.append(tuple(reversed(name)))
    return group.astype(np.int64), tuple(names)


def credited(codes: NDArray[np.int64], units: Units, credit: str | int) -> NDArray[np.int64]:
    """Return each unit's value code by the rule of credit, -1 where not known."""
    on_step = np.where(units.row >= 0, codes[units.row], -1) if len(codes) else np.full(units.row.shape, -1)
    count = on_step.shape[1]
    if credit == "start":
        return on_step[:, 0]
    if credit in ("first", "last"):
        found = np.full(len(units), -1)
        for k in range(count) if credit == "last" else reversed(range(count)):
            found = np.where(on_step[:, k] >= 0, on_step[:, k], found)
        return found
    if isinstance(credit, int) and 1 <= credit <= count:
        return on_step[:, credit - 1]
    raise ParameterError(
        f"credit = {credit!r}", expected=f"'start', 'first', 'last', or a step's number from 1 to {count}"
    )


def _value(log: Events, units: Units, log_row: NDArray[np.int64], name: str) -> NDArray[np.float64] | None:
    """Return the value on each unit's step rows, shape (U, K); NaN where not known."""
    if not name:
        return None
    cells = numbers_of(log, name)
    if np.isnan(cells).all():
        raise MissingDataError(f"the property {name!r} holds no number", expected="amounts, such as prices")
    found: NDArray[np.float64] = np.where(units.row >= 0, cells[log_row[np.maximum(units.row, 0)]], np.nan)
    return found


def numbers_of(log: Events, name: str) -> NDArray[np.float64]:
    """Return a property of each event as numbers, NaN where it is none."""
    import pandas as pd

    cells = pd.Series(log.values(name))
    found: NDArray[np.float64] = pd.to_numeric(cells, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    return found


def tally(
    units: Units,
    group: NDArray[np.int64],
    groups: Sequence[tuple[str, ...]],
    definition: Definition,
    as_of_us: int,
    value: NDArray[np.float64] | None = None,
    times_us: int = 1,
) -> FunnelCounts:
    """Count units by group and step; times are cut down to whole multiples of `times_us`."""
    size, steps = (len(groups), units.time.shape[1]), units.required
    done, last = units.time != NEVER, steps[-1]
    following = _following(steps, size[1])
    reached, advanced = np.zeros(size, np.int64), np.zeros(size, np.int64)
    for k in range(size[1]):
        reached[:, k] = _sum(group, done[:, k], size[0])
        if following[k] >= 0:
            advanced[:, k] = _sum(group, done[:, k] & done[:, following[k]], size[0])
    running, dropped = _stopped(units, group, size)
    later = np.zeros(len(units), bool)
    if definition.within_us is not None:
        later = done[:, last] & (units.time[:, last] > units.time[:, 0] + definition.within_us)
    amount, known = _amounts(value, group, size)
    return FunnelCounts(
        groups=tuple(groups),
        reached_n=reached,
        advanced_n=advanced,
        running_n=running,
        dropped_n=dropped,
        whole_n=np.stack([_sum(group, one, size[0]) for one in (done[:, 0], done[:, last], later)], axis=1),
        steps=tuple(_spans(units, group, (k, following[k]), as_of_us, times_us) for k in range(size[1] - 1)),
        whole=_spans(units, group, (0, last if size[1] > 1 else -1), as_of_us, times_us),
        amount=amount,
        known_n=known,
        moments=_moments(units, group, size, following, last),
        units=units,
        unit_group=group,
        void_n=units.void_n,
    )


def _stopped(
    units: Units, group: NDArray[np.int64], size: tuple[int, int]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return by furthest required step who is under way there, and who dropped out there."""
    steps, depth = units.required, units.depth
    furthest = np.array(steps)[np.maximum(depth - 1, 0)]
    running, dropped = np.zeros(size, np.int64), np.zeros(size, np.int64)
    for k in steps:
        here = (furthest == k) & (depth < len(steps))
        running[:, k] = _sum(group, here & units.running, size[0])
        dropped[:, k] = _sum(group, here & ~units.running, size[0])
    return running, dropped


def _amounts(
    value: NDArray[np.float64] | None, group: NDArray[np.int64], size: tuple[int, int]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the sum of the value by step, and how many events know it."""
    amount, known = np.zeros(size), np.zeros(size, np.int64)
    if value is not None:
        for k in range(size[1]):
            amount[:, k] = np.bincount(group, np.nan_to_num(value[:, k]), size[0])
            known[:, k] = _sum(group, ~np.isnan(value[:, k]), size[0])
    return amount, known


def _following(required: tuple[int, ...], count: int) -> list[int]:
    """Return for each step the next required one, -1 for the last."""
    return [min((one for one in required if one > k), default=-1) for k in range(count)]


def _sum(group: NDArray[np.int64], chosen: NDArray[np.bool_], count: int) -> NDArray[np.int64]:
    if count == 1:
        return np.array([np.count_nonzero(chosen)], np.int64)
    return np.bincount(group[chosen], minlength=count).astype(np.int64)


def _spans(
    units: Units, group: NDArray[np.int64], between: tuple[int, int], as_of_us: int, times_us: int
) -> Spans:
    """Return the counted times from one step to a later one (-1: to none)."""
    k, following = between
    mine = np.flatnonzero(units.time[:, k] != NEVER)
    begin = units.time[mine, k]
    end = units.time[mine, following] if following >= 0 else np.full(len(mine), NEVER)
    done = (end != NEVER).astype(np.int64)
    took = np.maximum(np.where(done > 0, end, as_of_us) - begin, 0)
    return _counted(group[mine], done, took // times_us * times_us if times_us > 1 else took)


def _counted(
    group: NDArray[np.int64],
    done: NDArray[np.int64],
    took: NDArray[np.int64],
    n: NDArray[np.int64] | None = None,
) -> Spans:
    """Return equal times of a group put together."""
    if not len(took):
        none = np.zeros(0, np.int64)
        return Spans(group=none, days=np.zeros(0), done=none, n=none)
    shift = max(int(took.max()).bit_length(), 1)
    if shift + 1 + int(group.max()).bit_length() > 62:
        took, shift = took // 1000, max(shift - 9, 1)  # to the millisecond
        return _counted_packed((group * 2 + done) << shift | took, shift, 1000, n)
    return _counted_packed((group * 2 + done) << shift | took, shift, 1, n)


def _counted_packed(key: NDArray[np.int64], shift: int, unit: int, n: NDArray[np.int64] | None) -> Spans:
    if n is None:
        key = np.sort(key)
        new = np.flatnonzero(np.append(True, np.diff(key) != 0))
        size = np.diff(np.append(new, len(key)))
    else:
        order = np.argsort(key, kind="stable")
        key = key[order]
        new = np.flatnonzero(np.append(True, np.diff(key) != 0))
        size = np.add.reduceat(n[order], new)
    key = key[new]
    head = key >> shift
    micro = (key & ((1 << shift) - 1)) * unit
    return Spans(group=head >> 1, days=micro / DAY_US, done=head & 1, n=size.astype(np.int64))


def _moments(
    units: Units, group: NDArray[np.int64], size: tuple[int, int], following: list[int], last: int
) -> NDArray[np.float64]:
    """Return the sums over owners that widened variances are made of."""
    made = np.zeros((*size, 6))
    owner, unit = group, units.unit
    once = len(unit) == 0 or bool((np.diff(np.sort(unit)) > 0).all())
    if not once:
        owner = np.unique(unit * np.int64(size[0]) + group, return_inverse=True)[1]
        home = np.zeros(int(owner.max()) + 1, np.int64)
        home[owner] = group
    done = units.time != NEVER
    for k in range(size[1]):
        to = following[k] if k < size[1] - 1 else last
        begins = done[:, k] if k < size[1] - 1 else np.ones(len(units), bool)
        goes = begins & done[:, to] if to >= 0 else np.zeros(len(units), bool)
        if once:
            n = np.bincount(group[begins], minlength=size[0])
            y = np.bincount(group[goes], minlength=size[0])
            made[:, k] = np.stack([n, n, y, n, y, y], axis=1)
            continue
        per_n = np.bincount(owner, begins, len(home))
        per_y = np.bincount(owner, goes, len(home))
        sums = (per_n > 0, per_n, per_y, per_n**2, per_n * per_y, per_y**2)
        made[:, k] = np.stack([np.bincount(home, one, size[0]) for one in sums], axis=1)
    return made


def merge(parts: Sequence[FunnelCounts]) -> FunnelCounts:
    """Add up the counts of parts of a log that share no owner."""
    groups = tuple(sorted({group for part in parts for group in part.groups}))
    place = {group: g for g, group in enumerate(groups)}

    def total(name: str) -> Any:
        first = getattr(parts[0], name)
        made = np.zeros((len(groups), *first.shape[1:]), first.dtype)
        for part in parts:
            for g, group in enumerate(part.groups):
                made[place[group]] += getattr(part, name)[g]
        return made

    def joined(spans: list[tuple[Spans, tuple[tuple[str, ...], ...]]]) -> Spans:
        code = [np.array([place[group] for group in names], np.int64)[one.group] for one, names in spans]
        micro = np.concatenate([np.rint(one.days * DAY_US).astype(np.int64) for one, _ in spans])
        done = np.concatenate([one.done for one, _ in spans])
        n = np.concatenate([one.n for one, _ in spans])
        return _counted(np.concatenate(code), done, micro, n)

    names = ("reached_n", "advanced_n", "running_n", "dropped_n", "whole_n", "amount", "known_n", "moments")
    steps = range(len(parts[0].steps))
    return replace(
        parts[0],
        groups=groups,
        **{name: total(name) for name in names},
        steps=tuple(joined([(part.steps[k], part.groups) for part in parts]) for k in steps),
        whole=joined([(part.whole, part.groups) for part in parts]),
        units=nobody(parts[0].units),
        unit_group=np.zeros(0, np.int64),
        void_n=sum(part.void_n for part in parts),
        log_row=None,
    )


def nobody(units: Units) -> Units:
    """Return no units with the same steps: what is kept of a log that is counted where it lies."""
    none = np.zeros(0, np.int64)
    table = np.zeros((0, units.time.shape[1]), np.int64)
    return replace(
        units,
        unit=none,
        time=table,
        row=table,
        running=np.zeros(0, bool),
        run_start=none,
        split=none,
        void_n=0,
    )
