"""From each start of a funnel, how far did the attempt come, and when? NumPy over whole logs.

The rule is a walk: an attempt begins at an event of the first step, waits for the next step and takes the
first event that is one, until the window closes. All attempts walk at once, one step per pass: step k looks
only at the instants at which step k happens, by binary search in their positions. Rows of one unit at the same
instant form a group; how many steps in a row such a group can serve, each row once, is a matching.

Checked against a reference that enumerates, row by row: ``tests/data/events/reference.py``.

Longer than most modules: every order walks over the same groups with the same searches.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from funnelnb.core.errors import ParameterError

if TYPE_CHECKING:
    from funnelnb.data.events.definition import Definition

Ints = NDArray[np.int64]
NEVER = np.iinfo(np.int64).min
"""Time of what did not happen."""
LAST = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Rows of a log, sorted by unit, time and their place in the log.

    Attributes
    ----------
    unit : ndarray of int64, shape (R,)
        Whose attempts these are.
    time : ndarray of int64, shape (R,)
        Microseconds.
    mask : ndarray of uint32, shape (R,)
        Bit k: the row is step k.
    bad : ndarray of uint32, shape (R,)
        Bit j: the row is exclusion j.
    owner : ndarray of int64, shape (R,), optional
        Who counts: a unit belongs to one owner, who may have several (a property held constant). None: the
        units themselves.
    """

    unit: Ints
    time: Ints
    mask: NDArray[np.uint32]
    bad: NDArray[np.uint32]
    owner: Ints | None = None


class Groups:
    """Rows of one unit at one instant (or single rows, where their order counts), in order of time."""

    def __init__(self, rows: Rows, definition: Definition) -> None:
        count = len(rows.unit)
        new = np.ones(count, bool)
        if count and definition.ties != "row":
            new[1:] = (rows.unit[1:] != rows.unit[:-1]) | (rows.time[1:] != rows.time[:-1])
        self.first = np.flatnonzero(new)
        self.rows, self.definition = rows, definition
        self.unit, self.time = rows.unit[self.first], rows.time[self.first]
        alone = len(self.first) == count
        self.mask = rows.mask if alone else np.bitwise_or.reduceat(rows.mask, self.first)
        self.bad = rows.bad if alone or not len(rows.bad) else np.bitwise_or.reduceat(rows.bad, self.first)

    def __len__(self) -> int:
        return len(self.first)

    @cached_property
    def owner(self) -> Ints:
        """Who counts for each group."""
        return self.unit if self.rows.owner is None else self.rows.owner[self.first]

    @cached_property
    def rank(self) -> Ints:
        """Place of each group in the order of owners and time."""
        rank = np.arange(len(self.first))
        if self.rows.owner is not None and self.definition.hold:
            rank[np.lexsort((self.time, self.owner))] = np.arange(len(self.first))
        return rank

    def having(self, bit: int) -> Ints:
        """Return the positions of the groups that hold step `bit`."""
        return np.flatnonzero(self.mask & np.uint32(1 << bit))

    def next_of(self, places: Ints) -> Ints:
        """Return for each group, and the end, the first of sorted `places` from it on; the number of groups: none."""
        following = np.full(len(self) + 1, len(self))
        following[places] = places
        return np.minimum.accumulate(following[::-1])[::-1]

    @cached_property
    def unit_end(self) -> Ints:
        """Position after the last group of each group's unit."""
        ends = np.flatnonzero(np.append(self.unit[1:] != self.unit[:-1], True)[: len(self)]) + 1
        return np.repeat(ends, np.diff(ends, prepend=0))

    @cached_property
    def several(self) -> NDArray[np.bool_]:
        """Whether a group holds more than one row."""
        return np.diff(np.append(self.first, len(self.rows.unit))) > 1

    @cached_property
    def shared(self) -> bool:
        """Whether any row is several steps."""
        mask = self.rows.mask
        return bool(np.any(mask & (mask - np.minimum(mask, np.uint32(1)))))

    def serves(self, where: Ints, step: int, steps: tuple[int, ...]) -> Ints:
        """How many steps in a row, from place `step` of `steps` on, can each group at `where` serve?

        The groups are known to hold the first of them, so the answer is at least 1.
        """
        served = np.ones(len(where), np.int64)
        if self.definition.ties != "either" or step + 1 == len(steps):
            return served
        going = self.mask[where]
        more = np.flatnonzero(self.several[where] | self.definition.reuse)
        for k in range(step + 1, len(steps)):
            more = more[(going[more] >> np.uint32(steps[k])) & np.uint32(1) > 0]
            served[more] += 1
        if self.shared and not self.definition.reuse:
            for i in np.flatnonzero(served > 1):
                served[i] = self.matched(int(where[i]), steps[step : step + int(served[i])])
        return served

    def matched(self, group: int, steps: tuple[int, ...]) -> int:
        """Return how many of `steps`, from the first on, find a row of their own."""
        start = self.first[group]
        stop = self.first[group + 1] if group + 1 < len(self.first) else len(self.rows.unit)
        return longest_run([int(one) for one in self.rows.mask[start:stop]], steps)


def longest_run(masks: list[int], steps: tuple[int, ...]) -> int:
    """Return how many of `steps`, from the first on, can each be given a row of their own.

    Examples
    --------
    >>> longest_run([0b01, 0b11], (0, 1)), longest_run([0b11], (0, 1))
    (2, 1)
    """
    owner: dict[int, int] = {}

    def place(step: int, seen: set[int]) -> bool:
        for row, mask in enumerate(masks):
            if mask >> step & 1 and row not in seen:
                seen.add(row)
                if row not in owner or place(owner[row], seen):
                    owner[row] = step
                    return True
        return False

    for done, step in enumerate(steps):
        if not place(step, set()):
            return done
    return len(steps)


@dataclass(slots=True, kw_only=True)
class Attempts:
    """Every attempt of a log. A attempts, K steps.

    Attributes
    ----------
    groups : Groups
    place : ndarray of int64, shape (A, K)
        Position of the group at which each step was done; -1: not done. For order "any" column k is where the
        (k+1)-th step was done, whichever it was.
    void : ndarray of bool, shape (A,)
        Undone by an exclusion.
    void_depth : ndarray of int64, shape (A,)
        Steps done before that; 0 where not undone.
    running : ndarray of bool, shape (A,)
        Nothing but time can end it: not complete, not broken, not stopped, not undone.
    ended : ndarray of int64, shape (A,)
        Group at which it was broken, stopped or undone; LAST where it was not.
    """

    groups: Groups
    place: Ints
    void: NDArray[np.bool_]
    void_depth: Ints
    running: NDArray[np.bool_]
    ended: Ints

    @property
    def owner(self) -> Ints:
        """Whose attempt it is."""
        return self.groups.owner[self.place[:, 0]] if len(self.place) else np.zeros(0, np.int64)

    @property
    def time(self) -> Ints:
        """When each step was done, shape (A, K); NEVER where it was not."""
        if not len(self.groups):
            return np.full(self.place.shape, NEVER)
        done = np.where(self.place >= 0, self.groups.time[self.place], NEVER)
        if self.groups.definition.grace_us:
            done = np.where(self.place >= 0, np.maximum.accumulate(done, axis=1), NEVER)
        return done

    def depth(self) -> Ints:
        """Return how many of the required steps were done."""
        definition = self.groups.definition
        required = (
            list(range(self.place.shape[1])) if definition.order == "any" else list(definition.required)
        )
        return (self.place[:, required] >= 0).sum(axis=1)

    def take(self, chosen: NDArray[np.generic]) -> Attempts:
        """Return some of the attempts."""
        return Attempts(
            groups=self.groups,
            place=self.place[chosen],
            void=self.void[chosen],
            void_depth=self.void_depth[chosen],
            running=self.running[chosen],
            ended=self.ended[chosen],
        )


def walk(rows: Rows, definition: Definition) -> Attempts:
    """From each start, how far did the attempt come?

    Parameters
    ----------
    rows : Rows
        For order "strict" all rows of the log, else those that are a step or an exclusion.
    definition : Definition

    Returns
    -------
    Attempts
        In the order of their starts. `attempt` of the definition is not applied: see ``attempts.choose``.
    """
    groups = Groups(_with_first_ever(rows, definition), definition)
    if definition.grace_us and groups.shared:
        raise ParameterError(
            "grace, with events that are several steps at once",
            expected="steps of different events, so that a step out of order is not one that is used twice",
            hint="leave grace out, or give such steps different filters",
        )
    if definition.order == "any":
        place, running = _any(groups, definition)
        ended = np.full(len(place), LAST)
    else:
        place, running, ended = _along(groups, definition)
        if definition.optional:
            _fill_optional(groups, definition, place)
    count = len(place)
    made = Attempts(
        groups=groups,
        place=place,
        void=np.zeros(count, bool),
        void_depth=np.zeros(count, np.int64),
        running=running,
        ended=ended,
    )
    if definition.repeats == "stop":
        _stop_at_repeats(made)
    if definition.exclude:
        _exclude(made)
    return made


def _with_first_ever(rows: Rows, definition: Definition) -> Rows:
    """Return the rows with each step that is to be the first ever only where its owner did it first."""
    asked = [k for k, one in enumerate(definition.steps) if one.first_ever]
    if not asked:
        return rows
    mask = rows.mask.copy()
    owner = rows.unit if rows.owner is None else rows.owner
    for k in asked:
        at = np.flatnonzero(rows.mask & np.uint32(1 << k))
        at = at[np.lexsort((rows.time[at], owner[at]))]
        again = at[1:][owner[at[1:]] == owner[at[:-1]]]
        mask[again] &= ~np.uint32(1 << k)
    return replace(rows, mask=mask)


def follow(sorted_places: Ints, after: Ints, groups: Groups, *, include: bool = False) -> Ints:
    """Return for each position the next of `sorted_places` after it in the same unit, or -1."""
    if not len(sorted_places):
        return np.full(len(after), -1)
    if 4 * len(after) > len(groups):  # so many ask that the answer is worked out for every position
        following = groups.next_of(sorted_places)
        found = following[after if include else after + 1]
        good = found < len(groups)
        found = np.minimum(found, len(groups) - 1)
    else:
        at = np.searchsorted(sorted_places, after, side="left" if include else "right")
        good = at < len(sorted_places)
        found = sorted_places[np.minimum(at, len(sorted_places) - 1)]
    return np.where(good & (groups.unit[found] == groups.unit[after]), found, -1)


def _within(groups: Groups, start: Ints, found: Ints, within: int | None) -> NDArray[np.bool_]:
    """Return whether what was found lies inside the window of its start."""
    good = found >= 0
    if within is None:
        return good
    return good & (groups.time[found] - groups.time[start] <= within)


def _close(groups: Groups, here: Ints, found: Ints) -> NDArray[np.bool_]:
    """Return whether what was found is within the gap of the step before it, which was done at `here`."""
    gap = groups.definition.gap_us
    if gap is None:
        return found >= 0
    most = gap - (groups.definition.edge == "out")
    return (found >= 0) & (groups.time[found] - groups.time[here] <= most)


def _along(groups: Groups, definition: Definition) -> tuple[Ints, NDArray[np.bool_], Ints]:
    """Walk the required steps in order; return places (A, K), which only time can end, where others broke."""
    steps = definition.required
    start = groups.having(steps[0])
    place = np.full((len(start), len(definition.steps)), -1)
    here, reached = start.copy(), groups.serves(start, 0, steps)
    for k in range(int(reached.max(initial=0))):
        place[reached > k, steps[k]] = start[reached > k]
    ended = np.full(len(start), LAST)
    for k in range(1, len(steps)):
        mine = np.flatnonzero(reached == k)
        if definition.order == "strict":
            found, cut = _strictly_next(groups, definition, here[mine], k)
            in_time = _within(groups, start[mine], cut, definition.within_us) & _close(
                groups, here[mine], cut
            )
            ended[mine[in_time]] = cut[in_time]
        else:
            found = _next(groups, definition, here[mine], steps[k])
        good = _within(groups, start[mine], found, definition.within_us) & _close(groups, here[mine], found)
        mine, found = mine[good], found[good]
        served = groups.serves(found, k, steps)
        for more in range(int(served.max(initial=0))):
            place[mine[served > more], steps[k + more]] = found[served > more]
        here[mine], reached[mine] = found, k + served
    return place, (reached < len(steps)) & (ended == LAST), ended


def _next(groups: Groups, definition: Definition, here: Ints, step: int) -> Ints:
    """Return the first group after `here` that holds `step`, or with grace shortly before it."""
    places = groups.having(step)
    if not definition.grace_us:
        return follow(places, here, groups)
    back = here.copy()
    moving = np.ones(len(here), bool)
    while moving.any():
        prior = np.maximum(back - 1, 0)
        moving = (back > 0) & (groups.unit[prior] == groups.unit[here])
        moving &= groups.time[here] - groups.time[prior] <= definition.grace_us
        back = np.where(moving, prior, back)
    return follow(places, back, groups, include=True)


def _strictly_next(groups: Groups, definition: Definition, here: Ints, k: int) -> tuple[Ints, Ints]:
    """Return the next group if it holds the k-th required step, and where something else came instead."""
    steps = definition.required
    bit = np.uint32(1 << steps[k])
    halts = np.flatnonzero(((groups.mask & bit) > 0) | ~_passes(groups, definition, k))
    found = follow(halts, here, groups)
    right = (found >= 0) & ((groups.mask[found] & bit) > 0)
    return np.where(right, found, -1), np.where(right, -1, found)


def _passes(groups: Groups, definition: Definition, k: int) -> NDArray[np.bool_]:
    """Return whether all rows of a group may stand between the k-th required step and the one before it."""
    steps, mask = definition.required, groups.rows.mask
    some = {"repeats": steps[k - 1 : k], "reached": steps[min(1, k - 1) : k], "reentry": steps[:k]}.get(
        definition.between, ()
    )
    some = (*some, *(one for one in definition.optional if steps[k - 1] < one < steps[k]))
    allowed = (mask & np.uint32(sum(1 << one for one in some))) > 0
    if definition.between == "strangers":
        allowed |= mask == 0
    if len(groups) == len(mask):
        return allowed
    return np.logical_and.reduceat(allowed, groups.first)


def _fill_optional(groups: Groups, definition: Definition, place: Ints) -> None:
    """Place the optional steps: the first event after the step before it, up to the next required step."""
    start, last = place[:, 0].copy(), place[:, 0].copy()
    together = definition.ties == "either"
    for k in range(1, len(definition.steps)):
        if not definition.steps[k].optional:
            last = np.where(place[:, k] >= 0, place[:, k], last)
            continue
        before = max(one for one in definition.required if one < k)
        after = min((one for one in definition.required if one > k), default=None)
        places = groups.having(k)
        found = follow(places, last, groups, include=together)
        if together and groups.shared and not definition.reuse:
            found = _with_a_row_left(groups, place, k, found, places)
        good = _within(groups, start, found, definition.within_us) & (place[:, before] >= 0)
        good &= _close(groups, place[:, before], found)
        if after is not None:
            end = place[:, after]
            good &= (end < 0) | (found < end) | (together & (found == end))
        place[good, k] = found[good]
        last = np.where(good, found, last)


def _with_a_row_left(groups: Groups, place: Ints, k: int, found: Ints, places: Ints) -> Ints:
    """Pass over instants whose rows are all needed for other steps of the attempt."""
    found = found.copy()
    asked = np.flatnonzero((found >= 0) & (place == found[:, None]).any(axis=1))
    while len(asked):
        full = []
        for i in asked.tolist():
            steps = (*np.flatnonzero(place[i] == found[i]).tolist(), k)
            if groups.matched(int(found[i]), steps) < len(steps):
                full.append(i)
        asked = np.array(full, np.int64)
        found[asked] = follow(places, found[asked], groups)
        asked = asked[(found[asked] >= 0) & (place[asked] == found[asked, None]).any(axis=1)]
    return found


def _any(groups: Groups, definition: Definition) -> tuple[Ints, NDArray[np.bool_]]:
    """Count distinct steps from each start on; return where the first, second … of them was done."""
    blocks = definition.blocks
    begins = np.uint32(1 if definition.begin == "first" else sum(1 << k for k in blocks[0]))
    start = np.flatnonzero(groups.mask & begins)
    if len(blocks) > 1:
        place = _block_by_block(groups, definition, start)
    elif groups.shared and not definition.reuse:
        place = _any_matched(groups, definition, start)
    else:
        place = _first_of_each(groups, definition, start, [(k,) for k in range(len(definition.steps))])
    return place, place[:, -1] < 0


def _first_of_each(groups: Groups, definition: Definition, start: Ints, parts: list[tuple[int, ...]]) -> Ints:
    """Return where the first, second … step was done, from steps that share no row: each at its first event.

    Steps of `parts` with several numbers share rows: their times are those of a growing matching.
    """
    columns: list[Ints] = []
    until = groups.unit_end[start]
    within, time = definition.within_us, np.append(groups.time, 0)
    begun = groups.time[start]
    for part in parts:
        alone = len(part) == 1
        found = [groups.next_of(groups.having(part[0]))[start]] if alone else _growing(groups, part, start)
        for one in found:
            late = one >= until
            if within is not None:
                late |= time[one] - begun > within
            np.copyto(one, LAST, where=late)
        columns += found
    return _sorted_columns(columns)


COMPARED_MOST = 8
"""Up to so many columns, comparing whole columns is faster than sorting every row."""


def _sorted_columns(columns: list[Ints]) -> Ints:
    """Return the columns as a table whose rows are sorted, -1 for LAST at their ends."""
    few = len(columns) <= COMPARED_MOST
    place = (np.stack(_in_order(columns)) if few else np.sort(np.stack(columns), axis=0)).T
    place[place == LAST] = -1
    return place


def _in_order(columns: list[Ints]) -> list[Ints]:
    """Return the columns so that each row rises: two whole columns are compared at a time."""
    for done in range(len(columns) - 1, 0, -1):
        for k in range(done):
            low = np.minimum(columns[k], columns[k + 1])
            np.maximum(columns[k], columns[k + 1], out=columns[k + 1])
            columns[k] = low
    return columns


def _block_by_block(groups: Groups, definition: Definition, start: Ints) -> Ints:
    """The same where some steps keep their place: a block begins when all steps of the one before are done."""
    if groups.shared and not definition.reuse:
        raise ParameterError(
            "anchored steps, with events that are several steps at once",
            expected="steps of different events",
            hint="give such steps different filters, or reuse=True",
        )
    place = np.full((len(start), len(definition.steps)), -1)
    going, here, at = np.arange(len(start)), start.copy(), 0
    for block in definition.blocks:
        found = np.empty((len(going), len(block)), np.int64)
        for column, k in enumerate(block):
            together = at == 0 or definition.ties != "after"
            one = follow(groups.having(k), here[going], groups, include=together)
            found[:, column] = np.where(_within(groups, start[going], one, definition.within_us), one, LAST)
        found.sort(axis=1)
        place[going, at : at + len(block)] = np.where(found == LAST, -1, found)
        whole = found[:, -1] < LAST
        going, at = going[whole], at + len(block)
        here[going] = found[whole, -1]
    return place


HALL_MOST = 7
"""Up to so many steps a growing matching is found by Hall's condition over all sets of steps at once."""


def _any_matched(groups: Groups, definition: Definition, start: Ints) -> Ints:
    """The same where a row can be several steps but only serve one: how large a matching, and when, from each start?

    A matching falls into parts that share no row; each grows by itself.
    """
    parts = _sharing(groups.rows.mask, len(definition.steps))
    if max(map(len, parts)) > HALL_MOST:
        return _any_one_by_one(groups, definition, start)
    return _first_of_each(groups, definition, start, parts)


def _sharing(mask: NDArray[np.uint32], count: int) -> list[tuple[int, ...]]:
    """Return the steps in parts: steps that a row serves both, directly or over others, are in one.

    Examples
    --------
    >>> _sharing(np.array([0b0011, 0b0110, 0b1000], np.uint32), 4)
    [(0, 1, 2), (3,)]
    """
    part = list(range(count))
    mask = mask[(mask & (mask - np.minimum(mask, np.uint32(1)))) > 0]
    for i in range(count):
        both = np.bitwise_or.reduce(mask[(mask & np.uint32(1 << i)) > 0], initial=0)
        for j in range(count):
            if both >> j & 1 and part[i] != part[j]:
                old, new = part[j], part[i]
                part = [new if one == old else one for one in part]
    return [tuple(k for k in range(count) if part[k] == one) for one in dict.fromkeys(part)]


def _growing(groups: Groups, steps: tuple[int, ...], start: Ints) -> list[Ints]:
    """Return the groups at which one, two … of `steps` have a row of their own, from each start on.

    By Hall's theorem (in Ore's form) j of K steps can each be given a row of their own as soon as every set S of more
    than K - j steps is served by at least |S| - (K - j) rows. So the j-th is done at the latest of these rows.
    """
    count, rows = len(steps), groups.rows
    end = len(rows.unit)
    first = groups.first[start]
    latest = [np.full(len(start), -1) for _ in steps]
    for chosen in range(1, 1 << count):
        wanted = sum(1 << step for k, step in enumerate(steps) if chosen >> k & 1)
        serves = (rows.mask & np.uint32(wanted)) != 0
        hits = np.append(np.flatnonzero(serves), np.full(count, end))
        at = (np.cumsum(serves) - serves)[first]
        size = chosen.bit_count()
        for more in range(size):
            done = latest[count - size + more]
            np.maximum(done, hits[more:][at], out=done)
    if len(groups) == end:
        return latest
    group_of = np.append(
        np.repeat(np.arange(len(groups)), np.diff(np.append(groups.first, end))), len(groups)
    )
    return [group_of[one] for one in latest]


def _any_one_by_one(groups: Groups, definition: Definition, start: Ints) -> Ints:
    """The same for very many steps: a growing matching per start."""
    count, rows = len(definition.steps), groups.rows
    place = np.full((len(start), count), -1)
    ends = np.append(groups.first[1:], len(rows.unit))
    for i, begin in enumerate(start.tolist()):
        held: list[int] = []
        done, group = 0, begin
        while group < len(groups) and groups.unit[group] == groups.unit[begin] and done < count:
            late = definition.within_us is not None
            if late and groups.time[group] - groups.time[begin] > (definition.within_us or 0):
                break
            for row in range(groups.first[group], ends[group]):
                held.append(int(rows.mask[row]))
                size = most_steps(held, count)
                if size > done:
                    place[i, done:size] = group
                    done = size
            group += 1
    return place


def most_steps(masks: list[int], count: int) -> int:
    """Return how many of `count` steps can each be given a row of their own (a maximum matching).

    Examples
    --------
    >>> most_steps([0b11, 0b11, 0b100], 3), most_steps([0b11], 2)
    (3, 1)
    """
    owner: dict[int, int] = {}

    def place(step: int, seen: set[int]) -> bool:
        for row, mask in enumerate(masks):
            if mask >> step & 1 and row not in seen:
                seen.add(row)
                if row not in owner or place(owner[row], seen):
                    owner[row] = step
                    return True
        return False

    return sum(place(step, set()) for step in range(count))


def _cut(made: Attempts, keep: NDArray[np.bool_]) -> None:
    """Take back the steps that are not kept; such attempts are over."""
    lost = (made.place >= 0) & ~keep
    made.place[lost] = -1
    made.running[lost.any(axis=1)] = False


def _stop_at_repeats(made: Attempts) -> None:
    """End each attempt at the first event that repeats a step after the first which it has done."""
    groups, place = made.groups, made.place
    if groups.definition.order == "any" or not len(place):
        return
    stop, deadline = np.full(len(place), LAST), ends_at(made)
    keep = np.ones(place.shape, bool)
    for k in range(1, place.shape[1]):
        keep[:, k] = place[:, k] < stop
        mine = np.flatnonzero((place[:, k] >= 0) & keep[:, k])
        again = follow(groups.having(k), place[mine, k], groups)
        stop[mine] = np.where(again >= 0, np.minimum(stop[mine], again), stop[mine])
    _cut(made, keep)
    stopped = stop < LAST
    stopped[stopped] = groups.time[stop[stopped]] <= deadline[stopped]
    made.running &= ~stopped
    made.ended[stopped] = np.minimum(made.ended[stopped], stop[stopped])


def ends_at(made: Attempts) -> Ints:
    """Return until when each attempt may do its next step: the end of its window, or of the gap before that."""
    definition, count = made.groups.definition, len(made.place)
    if definition.within_us is None or not count:
        return np.full(count, LAST)
    ends: Ints = made.groups.time[made.place[:, 0]] + definition.within_us
    if definition.gap_us is not None:
        last = made.place[:, list(definition.required)].max(axis=1)
        ends = np.minimum(ends, made.groups.time[last] + definition.gap_us - (definition.edge == "out"))
    return ends


def _exclude(made: Attempts) -> None:
    """Apply the exclusions: the first event that is one, between its two steps, undoes or ends the attempt."""
    groups, definition, place = made.groups, made.groups.definition, made.place
    deadline = ends_at(made)
    whole = np.full(len(place), LAST)
    onward = whole.copy()
    for j, one in enumerate(definition.exclude):
        mine = np.flatnonzero(place[:, one.after] >= 0)
        happens = np.flatnonzero(groups.bad & np.uint32(1 << j))
        found = follow(happens, place[mine, one.after], groups)
        end = place[mine, one.before]
        in_time = _in_time(groups, found, deadline[mine])
        hit = (found >= 0) & np.where(end >= 0, found < end, in_time)
        ends = whole if one.scope != "onward" else onward
        ends[mine[hit]] = np.minimum(ends[mine[hit]], found[hit])
    made.void |= (whole < LAST) & (whole <= onward)
    steps = list(range(place.shape[1])) if definition.order == "any" else list(definition.required)
    before = (place[:, steps] >= 0) & (place[:, steps] <= whole[:, None])
    made.void_depth[:] = np.where(made.void, before.sum(axis=1), 0)
    made.running &= ~made.void & (onward == LAST)
    made.ended[:] = np.minimum(made.ended, np.minimum(whole, onward))
    _cut(made, place <= onward[:, None])


def _in_time(groups: Groups, found: Ints, deadline: Ints) -> NDArray[np.bool_]:
    good = found >= 0
    good[good] = groups.time[found[good]] <= deadline[good]
    return good
