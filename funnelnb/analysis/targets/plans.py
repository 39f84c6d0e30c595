"""Mixes with their chance: which are worth looking at, and which is the cheapest that is sure enough?"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from funnelnb.core.errors import ParameterError
from funnelnb.stats.totals import compound, mix

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from funnelnb.stats.totals.size import Size


SHOWN = 10
"""Mixes that are listed."""
FRONTIER_MOST = 24
"""Mixes on the frontier that are worked out exactly."""
WIDER = 1.6
"""Mixes are looked for up to this many times the target on average."""
_STEPS = 13


@dataclass(frozen=True, slots=True, kw_only=True)
class MixRow:
    """One mix.

    Attributes
    ----------
    rank : int
        1 is the least effort; 0 for a plan.
    mix : str
        Deals per band, such as ``"28 + 7 + 2 + 1"``.
    deal_n : int
    effort : float
    expected_amount : float
    chance_rate : float
        That it reaches the target.
    error : float
        Bound on the numerical error of the chance.
    feasible : bool
        Whether it keeps all limits.
    """

    rank: int
    mix: str
    deal_n: int
    effort: float
    expected_amount: float
    chance_rate: float
    error: float
    feasible: bool

    @property
    def counts(self) -> tuple[int, ...]:
        """Deals per band as numbers."""
        return tuple(int(n) for n in self.mix.split(" + "))


@dataclass(frozen=True, slots=True, kw_only=True)
class Planner:
    """Looks for mixes under a task's limits and works out their chances.

    Attributes
    ----------
    task : Task
    sizes : tuple of Size
        Distribution of the amount in each band.
    assurance : float
    """

    task: mix.Task
    sizes: tuple[Size, ...]
    assurance: float

    def groups(self, counts: tuple[int, ...]) -> list[tuple[Size, int]]:
        """Return a mix as the groups whose total is worked out."""
        return [(size, n) for size, n in zip(self.sizes, counts, strict=True) if n]

    def row(self, counts: tuple[int, ...], rank: int) -> MixRow:
        """Return a mix with its chance."""
        chance = compound.total_chance(self.groups(counts), self.task.target)
        return MixRow(
            rank=rank,
            mix=" + ".join(str(n) for n in counts),
            deal_n=sum(counts),
            effort=float(np.dot(counts, self.task.effort)),
            expected_amount=float(np.dot(counts, self.task.amount)),
            chance_rate=chance.value,
            error=chance.error,
            feasible=self._feasible(counts),
        )

    def _feasible(self, counts: tuple[int, ...]) -> bool:
        brought = np.array(counts) * np.array(self.task.amount)
        keeps = all(np.dot(counts, limit.use) <= limit.capacity * (1 + 1e-9) for limit in self.task.limits)
        within = not self.task.most_n or all(np.array(counts) <= np.array(self.task.most_n))
        spread = brought.max() <= self.task.most_share * brought.sum() * (1 + 1e-9)
        return bool(keeps and within and spread and np.all(np.array(counts) >= self.task.least))

    def ranked(self) -> tuple[MixRow, ...]:
        """Return the mixes that reach the target on average, least effort first.

        Raises
        ------
        ParameterError
            No mix does; the message says which limit binds and by how much.
        """
        found = mix.minimal(self.task, SHOWN)
        if found is None:
            one = mix.cheapest_by_program(self.task)
            found = np.zeros((0, len(self.sizes)), dtype=np.int64)
            if one is not None:
                found = _first([np.array([one]), mix.nearby(self.task, one, SHOWN)])[:SHOWN]
        if not len(found):
            raise _unreachable(self.task)
        return tuple(
            self.row(tuple(int(n) for n in counts), rank) for rank, counts in enumerate(found, start=1)
        )

    def frontier(self, known: MixRow | None = None) -> tuple[MixRow, ...]:
        """Return mixes of rising effort of which each has the best chance so far; `known` is one of them."""
        rows = [self.row(counts, 1) for counts in _frontier(self)] + ([known] if known is not None else [])
        kept: list[MixRow] = []
        for row in sorted(rows, key=lambda one: (one.effort, -one.chance_rate)):
            if not kept or row.chance_rate > kept[-1].chance_rate + 1e-9:
                kept.append(replace(row, rank=len(kept) + 1))
        return tuple(kept)

    def cheapest(self) -> MixRow | None:
        """Return the mix of least effort whose chance is at least the assurance, None where none is found."""
        counts, effort, rough = _candidates(self)
        if not len(counts):
            return None
        near = rough >= self.assurance - 0.08
        order = np.flatnonzero(near)[np.lexsort((-rough[near], np.round(effort[near], 9)))]
        for position in order[:400]:
            row = self.row(tuple(int(n) for n in counts[position]), 1)
            if row.chance_rate >= self.assurance:
                return row
        return None

    def factor(self, counts: tuple[int, ...]) -> float:
        """Return the factor on all sizes with which this mix reaches the target with the assurance."""
        groups = self.groups(counts)
        low, high = 0.01, 100.0
        for _ in range(60):
            middle = float(np.sqrt(low * high))
            # growing all sizes alike is the same as shrinking the target
            chance = compound.total_chance(groups, self.task.target / middle, error=1e-5).value
            low, high = (low, middle) if chance >= self.assurance else (middle, high)
            if high / low < 1 + 1e-5:
                break
        return high


def _first(parts: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Return the rows of all parts in order, each once."""
    rows = np.concatenate(parts)
    _, places = np.unique(rows, axis=0, return_index=True)
    return rows[np.sort(places)]


def _candidates(planner: Planner) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    return _looked(planner.task, _moments(planner))


def _moments(planner: Planner) -> tuple[tuple[float, float], ...]:
    return tuple((size.mean, size.variance) for size in planner.sizes)


@functools.lru_cache(maxsize=16)
def _looked(
    task: mix.Task, moments: tuple[tuple[float, float], ...]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Return feasible mixes around and above the target, their effort, and a rough (normal) chance."""
    from scipy.special import ndtr

    mean, variance = np.array(moments).T
    first = _around(task, 1.0)
    # mixes are looked for at even steps, and close to the target as far as chance carries the total
    swing = float(np.sqrt(first[0] @ variance)) / task.target if len(first) else 0.1
    goals = np.union1d(np.linspace(0.7, WIDER, _STEPS), 1 + swing * np.linspace(-2, 3, _STEPS))
    parts = [found for found in (_around(task, float(goal)) for goal in goals[goals > 0]) if len(found)]
    if not parts:
        empty = np.zeros(0)
        return np.zeros((0, len(moments)), dtype=np.int64), empty, empty
    counts = np.unique(np.concatenate(parts), axis=0)
    counts = counts[counts.sum(axis=1) > 0]
    spread = np.sqrt(np.maximum(counts @ variance, 1e-12))
    rough = ndtr((counts @ mean - task.target) / spread)
    return counts, counts @ np.array(task.effort), rough


def _around(task: mix.Task, goal: float) -> NDArray[np.int64]:
    """Return mixes that bring about `goal` times the target on average, least effort first."""
    shifted = replace(task, target=goal * task.target)
    found = mix.minimal(shifted, 3000)
    if found is not None:
        return found
    one = mix.cheapest_by_program(shifted)
    if one is None:
        return np.zeros((0, len(task.amount)), dtype=np.int64)
    return _first([np.array([one]), mix.nearby(shifted, one, 3000)])


def _frontier(planner: Planner) -> list[tuple[int, ...]]:
    counts, effort, rough = _candidates(planner)
    order = np.lexsort((-rough, effort))
    best, kept = 0.001, []
    for position in order:
        if rough[position] > best + 0.002:
            best = float(rough[position])
            kept.append(position)
    if len(kept) > FRONTIER_MOST:
        picked = np.unique(np.linspace(0, len(kept) - 1, FRONTIER_MOST).round().astype(int))
        kept = [kept[place] for place in picked]
    return [tuple(int(n) for n in counts[position]) for position in kept]


def _unreachable(task: mix.Task) -> ParameterError:
    why = mix.why_not(task)
    short = [_short(task, one) for one in why.short]
    best = (
        "the limits contradict each other"
        if np.isnan(why.best_amount)
        else (f"they allow at most {why.best_amount:,.0f}, {task.target - why.best_amount:,.0f} short")
    )
    return ParameterError(
        f"no mix of deals reaches {task.target:,.0f} under the limits: {best}",
        expected="; or ".join(short) if short else "wider limits: no single one is enough",
        hint="widen a limit, or lower the target",
    )


def _short(task: mix.Task, one: mix.Short) -> str:
    if one.name == "most_share":
        return f"most_share of {one.needed:.3g} instead of {one.given:.3g}"
    if one.name == "most_n":
        return f"{one.needed:.0f} deals instead of at most {one.given:.0f} (most_n, stretch)"
    gap = one.needed - one.given
    return f"{one.name}: {one.needed:,.6g} instead of {one.given:,.6g} ({gap:,.6g} more)"
