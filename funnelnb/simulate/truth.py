"""What is true of a simulated floor, known from its law and not from its data."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from funnelnb.core import check
from funnelnb.core.errors import ParameterError
from funnelnb.simulate.deals import DAY_S, LOST, NEVER, WON, Deals, Paths, draw_deals, walk
from funnelnb.simulate.draw import Draws, Floats, Ints
from funnelnb.simulate.floor import ATTRIBUTES, Floor

HORIZON_DAYS = 20 * 366
"""How long the uncensored run lets deals live."""


class Truth(Protocol):
    """What every simulated floor can be asked."""

    def won_by(self, days: float, **where: str) -> float:
        """Return P(won within `days` of creation)."""
        ...

    def lost_by(self, days: float, **where: str) -> float:
        """Return P(lost within `days` of creation)."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class _Run:
    """One uncensored run: deals and their whole lives."""

    deals: Deals
    paths: Paths

    def days(self, start_s: Ints, end_s: Ints) -> Floats:
        """Return days from start to end, infinite where the end never came."""
        return np.where(end_s == NEVER, np.inf, (end_s - start_s) / DAY_S)


@dataclass(frozen=True, eq=False)
class RunTruth:
    """The truth of a :class:`Floor`, from a large uncensored run of the same law.

    Every question can be asked of deals with given attributes (``region="East"``); the others then vary as
    they do on the floor. Recording is part of the law: with whole days, "by day t" means a recorded
    difference of at most t days, which is what data can show. Deals that leave undecided count as neither, so
    that P(won) + P(lost) + P(left) tends to 1; what an estimator aims at that censors them is the truth
    :meth:`without_withdrawals`.

    Attributes
    ----------
    floor : Floor
    n : int
        Deals in the run; the standard error of a probability p is sqrt(p (1 - p) / n), at most 0.0016 at the
        default.
    """

    floor: Floor
    n: int = 100_000
    _runs: dict[tuple[tuple[str, str], ...], _Run] = field(default_factory=dict, init=False, repr=False)

    def won_by(self, days: float, **where: str) -> float:
        """Return P(won within `days` of creation) for deals with the given attributes."""
        return self._ended_by(WON, days, where)

    def lost_by(self, days: float, **where: str) -> float:
        """Return P(lost within `days` of creation) for deals with the given attributes."""
        return self._ended_by(LOST, days, where)

    def without_withdrawals(self) -> RunTruth:
        """Return the truth of the same floor if no deal left undecided."""
        return RunTruth(without_withdrawals(self.floor), self.n)

    def won_amount_by(self, days: float, **where: str) -> float:
        """Return the share of the amount created that is won within `days` of creation."""
        run = self._run(where)
        won = (run.paths.outcome == WON) & (run.days(run.deals.created_s, run.paths.closed_s) <= days)
        return float(run.deals.amount[won].sum() / run.deals.amount.sum())

    def step(self, stage: str, days: float = math.inf, **where: str) -> float:
        """Return P(getting beyond `stage` within `days` of first reaching it), for deals that reach it."""
        position = self._position(stage)
        run = self._run(where)
        start, end = run.paths.first_s(position), run.paths.first_s(position + 1)
        reached = start != NEVER
        took = run.days(start, end)[reached]
        return float(np.mean(np.isfinite(took) & (took <= days)))

    def stay_median_days(self, stage: str, **where: str) -> float:
        """Return the median length of a stay in `stage`, in days, however it ends."""
        position = self._position(stage)
        run = self._run(where)
        rows = run.paths.stage == position
        return float(np.median(run.days(run.paths.at_s[rows], run.paths.left_s[rows])))

    def cycle_median_days(self, **where: str) -> float:
        """Return the median number of days from creation to signature of deals that are won."""
        run = self._run(where)
        won = run.paths.outcome == WON
        return float(np.median((run.paths.closed_s - run.deals.created_s)[won] / DAY_S))

    def _ended_by(self, outcome: int, days: float, where: dict[str, str]) -> float:
        run = self._run(where)
        took = run.days(run.deals.created_s, run.paths.closed_s)
        return float(np.mean((run.paths.outcome == outcome) & (took <= days)))

    def _position(self, stage: str) -> int:
        return self.floor.playbook.stage_ids.index(
            check.one_of("stage", stage, self.floor.playbook.stage_ids)
        )

    def _run(self, where: dict[str, str]) -> _Run:
        key = tuple(sorted(where.items()))
        if key not in self._runs:
            floor = _only(self.floor, where)
            draws = Draws(20_260_630, len(self._runs))
            deals = draw_deals(floor, self.n, draws.child(1))
            until_s = int(deals.created_s.max()) + HORIZON_DAYS * DAY_S
            self._runs[key] = _Run(deals, walk(floor, deals, draws.child(2), until_s))
        return self._runs[key]


def without_withdrawals(floor: Floor) -> Floor:
    """Return the floor on which no deal leaves its pipeline undecided."""
    ids, won = floor.playbook.stage_ids, floor.playbook.won
    laws = {stage: floor.law(stage) for stage in ids}
    return replace(floor, laws=laws | {stage: replace(laws[stage], leave=None) for stage in ids[:won]})


def _only(floor: Floor, where: dict[str, str]) -> Floor:
    """Return the floor on which all deals have the attributes `where`."""
    for attribute, value in where.items():
        check.one_of("attribute", attribute, ATTRIBUTES)
        check.one_of(attribute, value, floor.levels(attribute))
    where = dict(where)
    if "owner" in where:
        home = floor.owners[where["owner"]].region
        if where.setdefault("region", home) != home:
            raise ParameterError(
                f"owner {where['owner']!r} works in {home!r}", expected="that region, or none"
            )
    changes: dict[str, object] = {}
    for attribute, value in where.items():
        levels = getattr(floor, attribute + "s")
        if attribute == "owner":
            region = levels[value].region
            kept = {k: one for k, one in levels.items() if one.region != region or k == value}
            changes["owners"] = {k: replace(one, share=1.0) for k, one in kept.items()} | {
                k: replace(one, share=0.0) for k, one in levels.items() if k not in kept
            }
        else:
            changes[attribute + "s"] = {k: replace(one, share=float(k == value)) for k, one in levels.items()}
    if "segment" in where:
        changes["segment_mix"] = {}
    return replace(floor, **changes)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, kw_only=True)
class LognormalTruth:
    """Two lognormal times in a fixed mixture: known in closed form.

    Attributes
    ----------
    won_share : float
        Share of deals that are won in the end; all others are lost.
    won_median_days, lost_median_days, sigma : float
    """

    won_share: float
    won_median_days: float
    lost_median_days: float
    sigma: float

    def won_by(self, days: float, **where: str) -> float:
        """Return P(won within `days` of creation)."""
        return self.won_share * self._normal(days, self.won_median_days)

    def lost_by(self, days: float, **where: str) -> float:
        """Return P(lost within `days` of creation)."""
        return (1 - self.won_share) * self._normal(days, self.lost_median_days)

    @property
    def won_mean_days(self) -> float:
        """Mean cycle of won deals: median times exp(sigma² / 2)."""
        return self.won_median_days * math.exp(self.sigma**2 / 2)

    def _normal(self, days: float, median: float) -> float:
        if days <= 0:
            return 0.0
        return 0.5 * (1 + math.erf(math.log(days / median) / self.sigma / math.sqrt(2)))
