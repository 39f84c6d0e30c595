"""Which mix of deal sizes reaches the target with the least effort, under limits?

Counts are whole numbers. For few bands every combination is looked at, for many an integer program is
solved.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from funnelnb.core import check
from funnelnb.core.errors import ParameterError

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

MOST_COMBINATIONS = 200_000
"""Above this many combinations the integer program is used."""
NEARBY_COMBINATIONS = 20_000
"""Combinations looked at around one mix."""
_SLACK = 1e-9
_WIDEST = 100
"""The integer program looks at no more deals of a band than bring this many times the target."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """Something there is only so much of.

    Attributes
    ----------
    name : str
        Such as ``"hours"``.
    use : tuple of float, length B
        Taken by one deal of each band, >= 0.
    capacity : float
        What there is, >= 0.
    """

    name: str
    use: tuple[float, ...]
    capacity: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What is asked: reach `target` with the least effort. B bands.

    Attributes
    ----------
    target : float
        Above 0.
    amount : tuple of float, length B
        Average amount of a deal in each band, above 0.
    effort : tuple of float, length B
        Effort of one deal in each band, above 0.
    limits : tuple of Limit
    most_share : float
        No band may bring more than this share of the total amount; 1 is no limit.
    least_n, most_n : tuple of int, length B
        Fewest and most deals in each band; empty is no limit.
    """

    target: float
    amount: tuple[float, ...]
    effort: tuple[float, ...]
    limits: tuple[Limit, ...] = ()
    most_share: float = 1.0
    least_n: tuple[int, ...] = ()
    most_n: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        _check(self)

    @property
    def least(self) -> Counts:
        """Fewest deals in each band."""
        return np.array(self.least_n or [0] * len(self.amount), dtype=np.int64)

    @property
    def most(self) -> Counts:
        """Most deals in each band: by `most_n` and by each limit alone; -1 where nothing limits it."""
        top = np.array(self.most_n or [np.inf] * len(self.amount), dtype=float)
        for limit in self.limits:
            use = np.array(limit.use)
            with np.errstate(divide="ignore", invalid="ignore"):
                top = np.minimum(top, np.where(use > 0, np.floor(limit.capacity / use + _SLACK), np.inf))
        return np.where(np.isfinite(top), top, -1).astype(np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Short:
    """One limit that, if it alone were wider, would let the target be reached.

    Attributes
    ----------
    name : str
        Name of a limit, or ``"most_share"``, ``"most_n"``.
    given, needed : float
        What it is, and the least that it would have to be.
    """

    name: str
    given: float
    needed: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreachable:
    """Why no mix reaches the target.

    Attributes
    ----------
    best_amount : float
        The most that the limits allow; NaN where the limits contradict each other.
    best_n : tuple of int
        The mix that brings it.
    short : tuple of Short
        Limits that bind: each alone would have to be so much wider.
    """

    best_amount: float
    best_n: tuple[int, ...]
    short: tuple[Short, ...] = field(default=())


def cheapest(task: Task) -> tuple[int, ...] | None:
    """Which mix reaches the target with the least effort?

    Parameters
    ----------
    task : Task

    Returns
    -------
    tuple of int or None
        Deals in each band; None when no mix reaches it. Of equally cheap mixes the one with fewer deals.

    Notes
    -----
    For up to `MOST_COMBINATIONS` combinations every one is looked at: all bands but one run over their
    range, the last takes the fewest deals that do. The range of a band ends where it alone would cost more
    than the best mix found, so nothing cheaper can lie outside. Otherwise an integer program
    (``scipy.optimize.milp``).

    Checked against each other on random tasks: ``tests/stats/test_mix.py``.

    Examples
    --------
    >>> cheapest(Task(target=500, amount=(5, 20, 40, 75), effort=(2, 5, 9, 15)))
    (2, 0, 1, 6)
    """
    found = minimal(task)
    if found is None:
        return cheapest_by_program(task)
    return tuple(int(n) for n in found[0]) if len(found) else None


def minimal(task: Task, keep: int | None = None) -> Counts | None:
    """Which mixes reach the target without a deal to spare in the most numerous band, cheapest first?

    Parameters
    ----------
    task : Task
    keep : int, optional
        How many to return; None: all.

    Returns
    -------
    ndarray of int64, shape (M, B), or None
        Sorted by effort, then number of deals. None when there are too many combinations to look at, or where
        a limit on shares leaves open how far one would have to look.
    """
    reach = _reach(task, None)
    found = _combinations(task, reach)
    if found is None or task.most_share == 1:
        return found if found is None else found[:keep]
    if not len(found):
        return None
    best = float(found[0] @ np.array(task.effort))
    found = _combinations(task, np.maximum(reach, _reach(task, best)))
    return found if found is None else found[:keep]


def nearby(task: Task, centre: ArrayLike, keep: int | None = None) -> Counts:
    """Which mixes close to a given one reach the target, cheapest first?

    Parameters
    ----------
    task : Task
    centre : array_like of int, shape (B,)
        Where to look: as far around it in every band as `NEARBY_COMBINATIONS` combinations allow.
    keep : int, optional
        How many to return; None: all.

    Returns
    -------
    ndarray of int64, shape (M, B)
        Sorted by effort, then number of deals.
    """
    around = np.rint(np.asarray(centre, dtype=float)).astype(np.int64)
    most = task.most
    top = np.where(most >= 0, most, np.iinfo(np.int64).max)
    around = np.clip(around, task.least, np.maximum(top, task.least))
    width = max(1, int((NEARBY_COMBINATIONS ** (1 / max(around.size - 1, 1)) - 1) / 2))
    low = tuple(int(n) for n in np.maximum(around - width, task.least))
    found = _combinations(replace(task, least_n=low), around + width)
    return np.zeros((0, around.size), dtype=np.int64) if found is None else found[:keep]


def _reach(task: Task, best: float | None) -> Counts:
    """Return the largest count of each band that has to be looked at."""
    amount, effort = np.array(task.amount), np.array(task.effort)
    alone = np.ceil(task.target / amount - _SLACK) if best is None else np.floor(best / effort + _SLACK)
    reach = np.maximum(np.minimum(alone, 2**40).astype(np.int64), task.least)
    return np.where(task.most >= 0, np.minimum(reach, task.most), reach)


def _combinations(task: Task, reach: Counts) -> Counts | None:
    least, most = task.least, task.most
    if np.any((most >= 0) & (most < least)):
        return np.zeros((0, len(least)), dtype=np.int64)
    reach = np.where(most >= 0, np.minimum(reach, most), reach)
    last = int(np.argmax(reach - least))
    others = [k for k in range(len(least)) if k != last]
    if np.prod((reach - least)[others].astype(float) + 1) > MOST_COMBINATIONS:
        return None
    ranges = [np.arange(least[k], reach[k] + 1) for k in others]
    grid = (
        np.stack([axis.ravel() for axis in np.meshgrid(*ranges, indexing="ij")], axis=1)
        if others
        else (np.zeros((1, 0), dtype=np.int64))
    )
    low, high = _last_between(task, grid, others, last)
    fits = low <= high
    made = np.empty((int(fits.sum()), len(least)), dtype=np.int64)
    made[:, others], made[:, last] = grid[fits], low[fits].astype(np.int64)
    order = np.lexsort((made.sum(axis=1), np.round(made @ np.array(task.effort), 9)))
    return made[order]


def _last_between(task: Task, grid: Counts, others: list[int], last: int) -> tuple[Floats, Floats]:
    """Return the fewest and the most deals of the last band that every combination of the others allows."""
    amount = np.array(task.amount)
    brought, one = grid * amount[others], amount[last]
    rest = brought.sum(axis=1)
    low = np.maximum(np.ceil((task.target - rest) / one - _SLACK), task.least[last])
    high = np.full(len(grid), np.inf)
    for limit in task.limits:
        use = np.array(limit.use)
        left = limit.capacity * (1 + _SLACK) - grid @ use[others]
        high = np.minimum(high, np.floor(left / use[last])) if use[last] > 0 else np.where(left < 0, -1, high)
    if task.most[last] >= 0:
        high = np.minimum(high, task.most[last])
    if task.most_share < 1:
        share = task.most_share
        if others:
            low = np.maximum(low, np.ceil((brought.max(axis=1) / share - rest) / one - _SLACK))
        high = np.minimum(high, np.floor(share * rest / ((1 - share) * one) + _SLACK))
    return np.maximum(low, 0), high


def cheapest_by_program(task: Task) -> tuple[int, ...] | None:
    """Which mix reaches the target with the least effort, by integer programming? See :func:`cheapest`."""
    solved = _program(task, np.array(task.effort), target=task.target)
    return None if solved is None else solved


def _program(
    task: Task, objective: Floats, *, target: float | None, without: str = ""
) -> tuple[int, ...] | None:
    """Minimise `objective` over the mixes that the limits (but `without`) allow; None if there are none."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    amount = np.array(task.amount)
    rows, low, high = [amount], [-np.inf if target is None else target * (1 - 1e-12)], [np.inf]
    for limit in task.limits:
        if limit.name != without:
            rows.append(np.array(limit.use))
            low.append(-np.inf)
            high.append(limit.capacity)
    if task.most_share < 1 and without != "most_share":
        for k in range(len(amount)):
            row = -task.most_share * amount
            row[k] += amount[k]
            rows.append(row)
            low.append(-np.inf)
            high.append(0.0)
    top = np.ceil(_WIDEST * task.target / amount) + task.least + _WIDEST
    if task.most_n and without != "most_n":
        top = np.minimum(top, task.most_n)
    if np.any(top < task.least):
        return None
    solved = milp(
        objective,
        constraints=LinearConstraint(np.array(rows), np.array(low), np.array(high)),
        bounds=Bounds(task.least.astype(float), top),
        integrality=np.ones(len(amount), dtype=np.int64),
    )
    return None if solved.x is None else tuple(round(one) for one in solved.x)


def why_not(task: Task) -> Unreachable:
    """Which limit keeps the target out of reach, and by how much?

    Parameters
    ----------
    task : Task
        One for which :func:`cheapest` finds nothing.

    Returns
    -------
    Unreachable
        The most that can be brought, and for each limit what it would have to be if it alone were changed.
    """
    best = _program(task, -np.array(task.amount), target=None)
    reached = float("nan") if best is None else float(np.dot(best, task.amount))
    short = []
    for limit in task.limits:
        found = _program(task, np.array(limit.use), target=task.target, without=limit.name)
        if found is not None and np.dot(found, limit.use) > limit.capacity:
            short.append(Short(name=limit.name, given=limit.capacity, needed=float(np.dot(found, limit.use))))
    if task.most_share < 1 and _program(
        task, np.array(task.effort), target=task.target, without="most_share"
    ):
        short.append(Short(name="most_share", given=task.most_share, needed=_share_needed(task)))
    if task.most_n:
        found = _program(task, np.ones(len(task.amount)), target=task.target, without="most_n")
        if found is not None:
            short.append(Short(name="most_n", given=float(sum(task.most_n)), needed=float(sum(found))))
    return Unreachable(best_amount=reached, best_n=best or (), short=tuple(short))


def _share_needed(task: Task) -> float:
    """Return the smallest share of one band, to 0.1 %, with which the target can be reached."""
    low, high = task.most_share, 1.0
    while high - low > 0.0005:
        middle = (low + high) / 2
        found = _program(replace(task, most_share=middle), np.array(task.effort), target=task.target)
        low, high = (low, middle) if found is not None else (middle, high)
    return math.ceil(high * 1000 - 1e-9) / 1000


def _check(task: Task) -> None:
    """Refuse a task with a number out of range, naming it."""
    check.number("target", task.target, gt=0, lt=float("inf"))
    check.number("most_share", task.most_share, gt=0, le=1)
    size = len(task.amount)
    if not size:
        raise ParameterError("there is no band", expected="at least one band")
    lengths = {
        "effort": task.effort,
        "least_n": task.least_n or task.amount,
        "most_n": task.most_n or task.amount,
    } | {f"use of {limit.name}": limit.use for limit in task.limits}
    for name, values in lengths.items():
        if len(values) != size:
            raise ParameterError(f"{name} has {len(values)} values", expected=f"one per band, {size}")
    for name, values, least in (("amount", task.amount, 0.0), ("effort", task.effort, 0.0)):
        _each(name, values, gt=least)
    for limit in task.limits:
        check.number(f"capacity of {limit.name}", limit.capacity, ge=0)
        _each(f"use of {limit.name}", limit.use, ge=0)
    _each("least_n", task.least_n, ge=0)
    _each("most_n", task.most_n, ge=0)


def _each(name: str, values: ArrayLike, **bounds: float) -> None:
    for position, value in enumerate(np.asarray(values, dtype=float).tolist()):
        check.number(f"{name}[{position}]", value, **bounds)
