"""A year on a sales floor with known truth, week by week: what the practice game of the course is played on.

Many floors go forward together (F floors, D deals each), so that a thousand seeds cost little more than one. Every
chance of a deal in a week is drawn from the floor's seed and the week alone: whoever decides otherwise meets the same
luck.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammainc

from funnelnb.simulate.draw import Draws

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

GATES = 4
"""Stages that a deal must pass to be won."""

WEEKS, QUARTER = 52, 13
UNSEEN, LEAD, OPEN, WON, LOST, LET_GO, STALE = range(7)
"""States of a deal: not there yet, a lead in the pool, being worked on, and how it ended."""

QUADRANTS = ("A", "B", "C", "D")
"""Large and soon, small and soon, large and late, small and late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Law:
    """How the floor works.

    Attributes
    ----------
    people_n : int
        At the start; one more joins in week 27.
    hours_week : float
        Hours that each has for customers in a week.
    most_hours : float
        Hours a week beyond which one deal gains nothing.
    scoop_hours : float
        What it costs to take a lead out of the pool.
    soon_hours, late_hours : float
        Hours of average work that a stage takes on average, for customers that decide soon and late.
    large : float
        Amount from which a deal counts as large.
    dead_share, dies_weekly : float
        Leads that will never buy, and the chance that a customer gives the plan up in a week, without a word.
    neglect_weekly : float
        Chance that a deal nobody works on is lost in a week.
    stale_weeks : int
        A lead that nobody takes out of the pool so long is gone.
    first_n, weekly_n : int
        Leads and deals at the start, and new leads a week.
    """

    people_n: int = 4
    hours_week: float = 30.0
    most_hours: float = 6.0
    scoop_hours: float = 1.0
    soon_hours: float = 3.0
    late_hours: float = 8.0
    large: float = 30_000.0
    dead_share: float = 0.25
    dies_weekly: float = 0.01
    neglect_weekly: float = 0.03
    stale_weeks: int = 8
    first_n: int = 80
    weekly_n: int = 9

    @property
    def deals_n(self) -> int:
        """Leads of the whole year."""
        return self.first_n + self.weekly_n * (WEEKS - 1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class World:
    """The truth of F floors with D deals; drawn before anybody decides anything.

    Attributes
    ----------
    law : Law
    seeds : tuple of int
        One per floor.
    arrives, first_stage : ndarray of int64, shape (F, D)
        Week in which the lead comes, and the stage where it stands then.
    amount, chance, marks, need : ndarray of float64, shape (F, D)
        Money; true chance to win from the start; what it looks like; hours that a stage takes.
    dies : ndarray of int64, shape (F, D)
        Week from which the customer will never buy; beyond the year: never.
    owner : ndarray of int64, shape (F, D)
    ability : ndarray of float64, shape (F, P)
    rival : ndarray of int64, shape (F,)
        Week from which a competitor sells to large customers too.
    slips : ndarray of int64, shape (F,)
        Week in which the largest open deal stands still for five weeks.
    """

    law: Law
    seeds: tuple[int, ...]
    arrives: Ints
    first_stage: Ints
    amount: Floats
    chance: Floats
    marks: Floats
    need: Floats
    dies: Ints
    owner: Ints
    ability: Floats
    rival: Ints
    slips: Ints

    @property
    def quadrant(self) -> Ints:
        """Place in :data:`QUADRANTS`, shape (F, D)."""
        soon = self.need <= (self.law.soon_hours + self.law.late_hours) / 2
        return np.where(soon, 0, 2) + np.where(self.amount >= self.law.large, 0, 1)


def world(seeds: Sequence[int], law: Law | None = None) -> World:
    """Draw the truth of one floor for each seed.

    Examples
    --------
    >>> world([1, 2]).amount.shape
    (2, 539)
    """
    law = Law() if law is None else law
    drawn = [_drawn(Draws(seed, 71), law) for seed in seeds]
    return World(
        law=law, seeds=tuple(seeds), **{name: np.stack([one[name] for one in drawn]) for name in drawn[0]}
    )


def _drawn(draws: Draws, law: Law) -> dict[str, Any]:
    n, people = law.deals_n, law.people_n + 1
    arrives = np.concatenate((np.zeros(law.first_n), np.repeat(np.arange(1, WEEKS), law.weekly_n)))
    later = np.arange(n) >= law.first_n
    logit = -1.0 + 1.1 * draws.child(1).normal(n)
    dead = draws.child(2).uniform(n) < law.dead_share
    ends = arrives + np.floor(draws.child(3).exponential(n) / law.dies_weekly)
    owner = draws.child(4).pick([1.0] * law.people_n, n)
    newcomer = (arrives >= JOINS) & (draws.child(5).uniform(n) < 1 / people)
    soon = draws.child(6).uniform(n) < 0.5
    hours = np.where(soon, law.soon_hours, law.late_hours) * np.exp(0.25 * draws.child(7).normal(n))
    week = draws.child(8).uniform(2)
    return {
        "arrives": arrives.astype(np.int64),
        "first_stage": np.where(later, 0, draws.child(9).pick([4, 3, 2, 1], n)),
        "amount": np.round(18_000 * np.exp(0.9 * draws.child(10).normal(n)), -2),
        "chance": 1 / (1 + np.exp(-logit)),
        "marks": 1 / (1 + np.exp(-logit - 0.8 * draws.child(11).normal(n))),
        "need": hours,
        "dies": np.where(dead, 0, ends).astype(np.int64),
        "owner": np.where(newcomer, law.people_n, owner).astype(np.int64),
        "ability": np.append(np.exp(0.2 * draws.child(12).normal(law.people_n)), 0.6),
        "rival": np.int64(18 + np.floor(week[0] * 12)),
        "slips": np.int64(8 + np.floor(week[1] * 36)),
    }


JOINS = 27
"""Week in which one more person starts."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class State:
    """Where every deal stands at the start of a week, shape (F, D) each.

    Attributes
    ----------
    week : int
        0 to 52.
    status, stage : ndarray of int64
    hours : ndarray of float64
        Spent since the last stage.
    waits : ndarray of int64
        Weeks since the last stage.
    ended : ndarray of int64
        Week in which it was won, lost or let go; -1 before.
    still_until : ndarray of int64
        Week up to which a slipped deal stands still.
    """

    week: int
    status: Ints
    stage: Ints
    hours: Floats
    waits: Ints
    ended: Ints
    still_until: Ints

    def won(self, amount: Floats) -> Floats:
        """Return the money won in each quarter so far, shape (F, 4)."""
        won = np.where(self.status == WON, amount, 0.0)
        return np.stack([(won * (self.ended // QUARTER == q)).sum(axis=1) for q in range(4)], axis=1)


def repeated(truth: World, times: int) -> World:
    """Return the same floors so many times over, each of them in a row of its own."""
    arrays: dict[str, Any] = {
        one.name: np.repeat(getattr(truth, one.name), times, axis=0)
        for one in fields(truth)
        if one.name not in {"law", "seeds"}
    }
    return replace(truth, seeds=tuple(np.repeat(truth.seeds, times).tolist()), **arrays)


def begin(truth: World) -> State:
    """Return the first Monday: some deals are under way."""
    shape = truth.amount.shape
    status = np.where(truth.arrives > 0, UNSEEN, np.where(truth.first_stage > 0, OPEN, LEAD))
    return State(
        week=0,
        status=status.astype(np.int64),
        stage=truth.first_stage.copy(),
        hours=np.zeros(shape),
        waits=np.zeros(shape, np.int64),
        ended=np.full(shape, -1),
        still_until=np.zeros(shape, np.int64),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Week:
    """What is decided for one week, on every floor.

    Attributes
    ----------
    score : ndarray of float64, shape (F, D)
        The higher, the earlier a deal gets its hours.
    scoop : ndarray of bool, shape (F, D)
        Leads to take out of the pool.
    let_go : ndarray of bool, shape (F, D)
    shares : ndarray of float64, shape (F, P, 4), or None
        Part of each person's hours that is set aside for each quadrant; what one does not use goes by score.
    """

    score: Floats
    scoop: Bools
    let_go: Bools
    shares: Floats | None = None


def people_hours(truth: World, week: int) -> Floats:
    """Return the hours that each person has in a week, shape (P,)."""
    hours = np.full(truth.law.people_n + 1, truth.law.hours_week)
    hours[-1] = truth.law.hours_week if week >= JOINS else 0.0
    return hours


def abilities(truth: World, week: int) -> Floats:
    """Return how much of average work each gets done in an hour, shape (F, P); the newcomer learns within 20 weeks."""
    able = truth.ability.copy()
    able[:, -1] = 0.6 + 0.4 * min(max(week - JOINS, 0) / 20, 1.0)
    return able


def spread(truth: World, state: State, decided: Week) -> Floats:
    """Return the hours that each deal gets, shape (F, D).

    Each person serves his own deals: first what is set aside by quadrant, in the order of the score, then the rest.
    """
    worked = (state.status == OPEN) & ~decided.let_go
    order = np.argsort(-np.where(worked, decided.score, -np.inf), axis=1, kind="stable")
    open_ = np.take_along_axis(worked, order, axis=1)
    owner = np.take_along_axis(truth.owner, order, axis=1)
    quadrant = np.take_along_axis(truth.quadrant, order, axis=1)
    given = np.zeros(open_.shape)
    scooped = decided.scoop & (state.status == LEAD)
    for person, hours in enumerate(people_hours(truth, state.week)):
        cost = truth.law.scoop_hours * (scooped & (truth.owner == person)).sum(axis=1)
        budget = np.maximum(hours - cost, 0.0)
        mine = open_ & (owner == person)
        if decided.shares is not None:
            left = np.zeros_like(budget)
            for q in range(len(QUADRANTS)):
                got = _greedy(mine & (quadrant == q), given, budget * decided.shares[:, person, q], truth.law)
                left += budget * decided.shares[:, person, q] - got
            budget = left + budget * np.maximum(0.0, 1 - decided.shares[:, person].sum(axis=1))
        _greedy(mine, given, budget, truth.law)
    result = np.zeros_like(given)
    np.put_along_axis(result, order, given, axis=1)
    return result


def _greedy(mine: Bools, given: Floats, budget: Floats, law: Law) -> Floats:
    """Give hours down the line until the budget is spent; return what was given, shape (F,)."""
    room = np.where(mine, law.most_hours - given, 0.0)
    before = np.cumsum(room, axis=1) - room
    more = np.clip(budget[:, None] - before, 0.0, room)
    given += more
    return more.sum(axis=1)


def live(truth: World, state: State, decided: Week, luck: int | Sequence[int] = 0) -> State:
    """Live through one week.

    Parameters
    ----------
    truth : World
    state : State
    decided : Week
    luck : int or sequence of int
        Another number is another year of luck on the same floors; one for all, or one for each.

    Returns
    -------
    State
        The next Monday.
    """
    week, law = state.week, truth.law
    hours = spread(truth, state, decided)
    lucks = [luck] * len(truth.seeds) if isinstance(luck, int) else luck
    u = np.stack(
        [
            Draws(seed, 72, one, week).uniform(3, truth.amount.shape[1])
            for seed, one in zip(truth.seeds, lucks, strict=True)
        ],
        axis=1,
    )
    worked = (state.status == OPEN) & ~decided.let_go
    still = state.still_until > week
    effect = hours * np.take_along_axis(abilities(truth, week), truth.owner, axis=1)
    moved = worked & ~still & (truth.dies > week) & (u[0] < -np.expm1(-effect / truth.need))
    gate = truth.chance ** (1 / GATES)
    gate = np.where((truth.amount >= law.large) & (truth.rival[:, None] <= week), gate * 0.92, gate)
    forward, refused = moved & (u[1] < gate), moved & (u[1] >= gate)
    refused |= worked & (hours < 0.25) & (u[2] < law.neglect_weekly)
    forward &= ~refused
    stage = state.stage + forward
    scooped = decided.scoop & (state.status == LEAD)
    status = np.where(forward & (stage >= GATES), WON, np.where(refused, LOST, state.status))
    status = np.where(decided.let_go & (state.status == OPEN), LET_GO, np.where(scooped, OPEN, status))
    old = (status == LEAD) & (week - truth.arrives >= law.stale_weeks)
    status = np.where(old, STALE, np.where(truth.arrives == week + 1, LEAD, status))
    over = (status >= WON) & (state.status < WON)
    fresh = forward | scooped
    return replace(
        state,
        week=week + 1,
        status=status,
        stage=stage,
        hours=np.where(fresh, 0.0, state.hours + hours),
        waits=np.where(fresh, 0, state.waits + (state.status == OPEN)),
        ended=np.where(over, week, state.ended),
        still_until=_slipped(truth, status, state.still_until, week),
    )


def _slipped(truth: World, status: Ints, still_until: Ints, week: int) -> Ints:
    """Return until when deals stand still: in its week the largest open one does for five weeks."""
    hit = truth.slips == week
    if not hit.any():
        return still_until
    largest = np.argmax(np.where(status == OPEN, truth.amount, -1.0), axis=1)
    found = still_until.copy()
    rows = np.flatnonzero(hit)
    found[rows, largest[rows]] = week + 6
    return found


# ---- what fixed rules would do -----------------------------------------------------------------------------


def dead_chance(truth: World, state: State) -> Floats:
    """How likely is it, from what can be seen, that the customer will never buy? Shape (F, D).

    Work that led nowhere speaks for it: a living customer decides after ``need`` hours on average.
    """
    law = truth.law
    never = (state.stage == truth.first_stage) & (state.stage == 0)
    prior = np.where(never, law.dead_share, 0.0)
    prior = 1 - (1 - prior) * (1 - law.dies_weekly) ** state.waits
    usual = np.where(truth.quadrant < 2, law.soon_hours, law.late_hours)
    silent = np.exp(-state.hours / usual)
    return prior / (prior + (1 - prior) * silent)


def value_per_hour(truth: World, state: State) -> Floats:
    """Return the money an hour of work is worth, from what can be seen, shape (F, D)."""
    gates = GATES - state.stage
    usual = np.where(truth.quadrant < 2, truth.law.soon_hours, truth.law.late_hours)
    chance = truth.marks ** (gates / GATES) * (1 - dead_chance(truth, state))
    return truth.amount * chance / np.maximum(gates, 1) / usual


def true_value_per_hour(truth: World, state: State) -> Floats:
    """Return the money an hour of work is worth to one who knows the truth and the end of the year."""
    gates = np.maximum(GATES - state.stage, 1)
    able = np.take_along_axis(abilities(truth, state.week), truth.owner, axis=1)
    left = np.maximum(WEEKS - np.maximum(state.week, state.still_until), 0)
    pace = truth.law.most_hours * able / truth.need
    in_time = gammainc(gates, np.maximum(pace * left, 1e-9))
    rival = (truth.amount >= truth.law.large) & (truth.rival[:, None] <= state.week)
    chance = truth.chance ** (gates / GATES) * np.where(rival, 0.92**gates, 1.0)
    hours = truth.need * gates / able
    return np.where(truth.dies > state.week, truth.amount * chance * in_time / hours, 0.0)


def _rule(score: Floats, truth: World, state: State, most: int, let_go: Bools) -> Week:
    """Scoop the best leads of each floor, at most `most` a week."""
    lead = state.status == LEAD
    rank = np.argsort(np.argsort(-np.where(lead, score, -np.inf), axis=1, kind="stable"), axis=1)
    return Week(score=score, scoop=lead & (rank < most), let_go=let_go & (state.status == OPEN))


SCOOPS = 7
"""Leads a week that the fixed rules take out of the pool."""


def largest_first(truth: World, state: State) -> Week:
    """Work on the largest deals first."""
    return _rule(truth.amount, truth, state, SCOOPS, np.zeros_like(truth.amount, dtype=bool))


def newest_first(truth: World, state: State) -> Week:
    """Work on the newest deals first."""
    return _rule(truth.arrives.astype(float), truth, state, SCOOPS, np.zeros_like(truth.amount, dtype=bool))


def value_first(truth: World, state: State) -> Week:
    """Work where an hour is worth most by what can be seen; let go who is silent for too long."""
    return _rule(value_per_hour(truth, state), truth, state, SCOOPS, dead_chance(truth, state) > _SILENT)


def near_best(truth: World, state: State) -> Week:
    """Work where an hour is worth most in truth: what nobody can know, as a measure for all others."""
    score = true_value_per_hour(truth, state)
    found = _rule(score, truth, state, 3 * SCOOPS, score <= 0)
    worth = np.where(state.status == OPEN, score, 0.0)
    hours = people_hours(truth, state.week).sum() / truth.law.most_hours
    rank = min(int(hours), worth.shape[1] - 1)
    bar = -np.partition(-worth, rank, axis=1)[:, rank]
    return replace(found, scoop=found.scoop & (score > bar[:, None]))


_SILENT = 0.85

POLICIES: Mapping[str, Callable[[World, State], Week]] = {
    "largest_first": largest_first,
    "newest_first": newest_first,
    "value_first": value_first,
    "near_best": near_best,
}


def year(truth: World, policy: Callable[[World, State], Week], luck: int | Sequence[int] = 0) -> State:
    """Live through the whole year under one rule.

    Examples
    --------
    >>> truth = world(range(20))
    >>> results = {name: year(truth, rule).won(truth.amount).sum() for name, rule in POLICIES.items()}
    >>> sorted(results, key=results.get)[-2:]
    ['value_first', 'near_best']
    """
    state = begin(truth)
    for _ in range(WEEKS):
        state = live(truth, state, policy(truth, state), luck)
    return state
