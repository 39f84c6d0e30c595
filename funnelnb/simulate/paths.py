"""How deals move: competing Weibull hazards, stage by stage, all deals at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from funnelnb.simulate.deals import DAY_S, Deals, recorded_s, to_workday
from funnelnb.simulate.floor import CAUSES, Floor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from funnelnb.simulate.draw import Draws, Floats, Ints

OPEN, WON, LOST, LEFT = 0, 1, 2, 3
NEVER = np.iinfo(np.int64).min
"""A time that did not come, in every ``_s`` array."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Paths:
    """What became of n deals: S entries into stages, and each deal's end.

    Attributes
    ----------
    deal : ndarray of int64, shape (S,)
        Sorted; entries of one deal are in time order.
    stage : ndarray of int64, shape (S,)
        Position entered.
    at_s : ndarray of int64, shape (S,)
        When, in seconds since 1970-01-01.
    left_s : ndarray of int64, shape (S,)
        When the stay ended; NEVER while it lasts.
    outcome : ndarray of int64, shape (n,)
        OPEN, WON, LOST or LEFT.
    closed_s : ndarray of int64, shape (n,)
        NEVER for open deals.
    last : ndarray of int64, shape (n,)
        Position of the last stage entered.
    """

    deal: Ints
    stage: Ints
    at_s: Ints
    left_s: Ints
    outcome: Ints
    closed_s: Ints
    last: Ints

    def first_s(self, position: int) -> Ints:
        """Return when each deal first stood at `position` or beyond; NEVER if it did not."""
        rows = np.flatnonzero(self.stage >= position)
        deals = self.deal[rows]
        first = np.ones(len(rows), dtype=bool)
        first[1:] = deals[1:] != deals[:-1]
        result = np.full(len(self.outcome), NEVER)
        result[deals[first]] = self.at_s[rows[first]]
        return result


@dataclass(frozen=True, slots=True, eq=False)
class _Law:
    """The floor's law as arrays: P positions, C causes, n deals."""

    scale: Floats  # (P, C), infinite where there is no such exit
    shape: Floats  # (P, C)
    target: Ints  # (P, C), -1 where the exit ends the deal
    base: Floats  # (n, C), log hazard ratios in all stages before the won stage
    local: tuple[tuple[int, NDArray[np.bool_], Floats], ...]  # stage, deals, log hazard ratios (C,)
    won: int


def _law(floor: Floor, deals: Deals) -> _Law:
    ids, won = floor.playbook.stage_ids, floor.playbook.won
    shape_of = (len(ids), len(CAUSES))
    scale, shape = np.full(shape_of, np.inf), np.ones(shape_of)
    target = np.full(shape_of, -1)
    recycle = {
        e.source: floor.playbook.position(e.target) for e in floor.playbook.edges if e.kind == "recycle"
    }
    for k, name in enumerate(ids):
        law = floor.law(name)
        goes = {"advance": k + 1, "skip": k + 2, "back": k - 1, "recycle": recycle.get(name)}
        for c, cause in enumerate(CAUSES):
            way = getattr(law, cause)
            if way is None or not _possible(cause, goes.get(cause), k, won, len(ids)):
                continue
            scale[k, c], shape[k, c] = way.days, way.shape
            target[k, c] = goes.get(cause, -1)
    base = np.zeros((len(deals), len(CAUSES)))
    for cause, slope in floor.size_effects.items():
        base[:, CAUSES.index(cause)] += slope * deals.size
    base[:, CAUSES.index("advance")] += deals.frailty
    base[:, CAUSES.index("skip")] += deals.frailty
    local = []
    for effect in floor.effects:
        rows = getattr(deals, effect.attribute) == floor.levels(effect.attribute).index(effect.value)
        ratios = np.log([effect.ratio(cause) for cause in CAUSES])
        if effect.stage:
            local.append((ids.index(effect.stage), rows, ratios))
        else:
            base[rows] += ratios
    return _Law(scale, shape, target, base, tuple(local), won)


def _possible(cause: str, target: int | None, stage: int, won: int, stages_n: int) -> bool:
    """Whether a deal can take this way out of `stage`."""
    if stage >= won:
        return cause == "leave" or (cause == "advance" and stage + 1 < stages_n)
    if cause in ("lose", "leave"):
        return True
    return target is not None and 0 <= target <= won


def _next(law: _Law, rows: Ints, stage: Ints, draws: Draws) -> tuple[Ints, Floats]:
    """Draw which way each deal leaves its stage and after how many days (infinite: never)."""
    logs = np.where((stage < law.won)[:, None], law.base[rows], 0.0)
    for position, members, ratios in law.local:
        logs[(stage == position) & members[rows]] += ratios
    times = draws.exponential(*logs.shape) * np.exp(-logs)
    times **= 1 / law.shape[stage]
    times *= law.scale[stage]
    cause = np.argmin(times, axis=1)
    return cause, times[np.arange(len(rows)), cause]


def walk(floor: Floor, deals: Deals, draws: Draws, until_s: int) -> Paths:
    """Let every deal run by the floor's law until `until_s`; what happens later is not seen."""
    law = _law(floor, deals)
    n, unit_s = len(deals), DAY_S if floor.whole_days else 1
    last = np.zeros(n, dtype=np.int64)
    outcome = np.zeros(n, dtype=np.int64)
    closed_s = np.full(n, NEVER)
    clock, at_s = deals.clock.copy(), deals.created_s.copy()
    rows = np.arange(n)
    found: list[tuple[Ints, Ints, Ints]] = [(rows, last.copy(), at_s.copy())]
    quiet_s = np.full(n, NEVER)  # end of the last stay after the won stage
    while rows.size:
        stage = last[rows]
        cause, days = _next(law, rows, stage, draws)
        target = law.target[stage, cause]
        when = np.where(np.isfinite(days), clock[rows] + days, 4e6)
        backward = (target >= 0) & (target < stage)
        earliest_s = to_workday(floor, at_s[rows] + np.where(backward, unit_s, 0))
        event_s = np.maximum(recorded_s(floor, when), earliest_s)
        seen = event_s <= until_s
        rows, stage, cause, target = rows[seen], stage[seen], cause[seen], target[seen]
        when, event_s = when[seen], event_s[seen]
        ends = target < 0
        before = ends & (stage < law.won)
        outcome[rows[before]] = np.where(cause[before] == CAUSES.index("lose"), LOST, LEFT)
        closed_s[rows[before]] = event_s[before]
        quiet_s[rows[ends & ~before]] = event_s[ends & ~before]
        rows, target, when, event_s = rows[~ends], target[~ends], when[~ends], event_s[~ends]
        signed = target == law.won
        outcome[rows[signed]], closed_s[rows[signed]] = WON, event_s[signed]
        last[rows], at_s[rows], clock[rows] = target, event_s, np.maximum(when, event_s / DAY_S)
        found.append((rows, target, event_s))
    return _gather(found, outcome, closed_s, quiet_s, last)


def _gather(
    found: list[tuple[Ints, Ints, Ints]], outcome: Ints, closed_s: Ints, quiet_s: Ints, last: Ints
) -> Paths:
    """Put entries in order of deal and time, and end each stay where the next begins."""
    deal, stage, at_s = (np.concatenate([part[k] for part in found]) for k in range(3))
    order = np.argsort(deal, kind="stable")
    deal, stage, at_s = deal[order], stage[order], at_s[order]
    final = np.ones(len(deal), dtype=bool)
    final[:-1] = deal[1:] != deal[:-1]
    left_s = np.full(len(deal), NEVER)
    left_s[:-1] = at_s[1:]
    end_s = np.where(outcome == WON, quiet_s, closed_s)
    left_s[final] = end_s[deal[final]]
    return Paths(
        deal=deal, stage=stage, at_s=at_s, left_s=left_s, outcome=outcome, closed_s=closed_s, last=last
    )
