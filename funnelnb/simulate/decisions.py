"""What a player decides for a week, and what the same decisions would have come to under other luck."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from funnelnb.core.check import number, one_of
from funnelnb.core.errors import ParameterError, nearest
from funnelnb.simulate import year
from funnelnb.simulate.year import LEAD, OPEN, POLICIES, QUADRANTS, SCOOPS, State, Week, World

if TYPE_CHECKING:
    from collections.abc import Mapping

Floats = NDArray[np.float64]

STAGES = ("contact", "need", "proposal", "negotiation")
ORDERS = ("value", "largest", "newest")
LUCKS_N = 200
"""Other years that a result is held against."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is to be done in a week.

    Attributes
    ----------
    hours : Mapping of str to float
        Part of everybody's hours set aside for a quadrant (A, B, C, D); together at most 1, the rest goes by `order`.
    people : Mapping of str to Mapping
        The same for one person: ``{"P2": {"A": 1.0}}``.
    stages : Mapping of str to float
        How much more (above 1) or less a deal at that stage counts in the order.
    order : {"value", "largest", "newest"}
        Who gets hours first: where an hour is worth most by what can be seen, the largest or the newest deals.
    first : tuple of str
        Deals that come before all others.
    scoop : int or tuple of str
        Leads to take out of the pool: the first so many in that order, or these.
    let_go : int or tuple of str
        Deals to let go: those without a step for more than so many weeks (0: none), or these.
    """

    hours: Mapping[str, float] = field(default_factory=dict)
    people: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    stages: Mapping[str, float] = field(default_factory=dict)
    order: str = "value"
    first: tuple[str, ...] = ()
    scoop: int | tuple[str, ...] = SCOOPS
    let_go: int | tuple[str, ...] = 0


def deal_id(place: int) -> str:
    """Return the name of a deal.

    Examples
    --------
    >>> deal_id(0), place_of("D0012", 500)
    ('D0001', 11)
    """
    return f"D{place + 1:04d}"


def place_of(name: Any, deals_n: int) -> int:
    """Return where a deal stands; refuses a name that no deal has."""
    text = str(name).strip().upper()
    if text.startswith("D") and text[1:].isdecimal() and 1 <= int(text[1:]) <= deals_n:
        return int(text[1:]) - 1
    raise ParameterError(
        f"there is no deal {name!r}", expected="such as D0001, from the list of deals or leads"
    )


def person_id(place: int) -> str:
    """Return the name of a person: P1, P2 ..."""
    return f"P{place + 1}"


def checked(decision: Decision, truth: World) -> Decision:
    """Return the decision, or say what in it cannot be.

    Raises
    ------
    ParameterError
        A quadrant, person, stage or deal that does not exist, or more hours set aside than there are.
    """
    people = [person_id(k) for k in range(truth.law.people_n + 1)]
    _shares("hours", decision.hours)
    for person, shares in decision.people.items():
        if person not in people:
            raise ParameterError(
                f"there is no person {person!r}", expected=", ".join(people), hint=nearest(person, people)
            )
        _shares(f"people[{person!r}]", shares)
    for stage, weight in decision.stages.items():
        one_of("stages", stage, STAGES)
        number(f"stages[{stage!r}]", weight, ge=0)
    one_of("order", decision.order, ORDERS)
    for name in ("first", "scoop", "let_go"):
        given = getattr(decision, name)
        if isinstance(given, tuple):
            for one in given:
                place_of(one, truth.law.deals_n)
        else:
            number(name, given, ge=0)
    return decision


def _shares(name: str, shares: Mapping[str, float]) -> None:
    for quadrant, share in shares.items():
        one_of(name, quadrant, QUADRANTS)
        number(f"{name}[{quadrant!r}]", share, ge=0, le=1)
    if sum(shares.values()) > 1 + 1e-9:
        raise ParameterError(
            f"{name} adds up to {sum(shares.values()):.2f}",
            expected="at most 1: nobody has more than all hours",
        )


def week_of(decision: Decision, truth: World, state: State) -> Week:
    """Return the decision as what every deal of every floor gets."""
    ordered = {
        "value": lambda: year.value_per_hour(truth, state),
        "largest": lambda: truth.amount,
        "newest": lambda: truth.arrives.astype(float),
    }
    score = np.array(ordered[decision.order](), dtype=float)
    weights = np.array([decision.stages.get(one, 1.0) for one in STAGES])
    score *= weights[np.minimum(state.stage, year.GATES - 1)]
    top = score.max() + 1.0
    for rank, one in enumerate(reversed(decision.first)):
        score[:, place_of(one, score.shape[1])] = top + rank
    return Week(
        score=score,
        scoop=_scooped(decision, score, state),
        let_go=_let_go(decision, state),
        shares=_set_aside(decision, truth),
    )


def _scooped(decision: Decision, score: Floats, state: State) -> NDArray[np.bool_]:
    lead = state.status == LEAD
    if isinstance(decision.scoop, tuple):
        named = np.zeros(score.shape[1], dtype=bool)
        named[[place_of(one, score.shape[1]) for one in decision.scoop]] = True
        return lead & named
    rank = np.argsort(np.argsort(-np.where(lead, score, -np.inf), axis=1, kind="stable"), axis=1)
    return lead & (rank < decision.scoop)


def _let_go(decision: Decision, state: State) -> NDArray[np.bool_]:
    working = state.status == OPEN
    if isinstance(decision.let_go, tuple):
        named = np.zeros(working.shape[1], dtype=bool)
        named[[place_of(one, working.shape[1]) for one in decision.let_go]] = True
        return working & named
    return working & (state.waits > decision.let_go) & (decision.let_go > 0)


def _set_aside(decision: Decision, truth: World) -> Floats | None:
    if not decision.hours and not decision.people:
        return None
    shares = np.zeros((len(truth.seeds), truth.law.people_n + 1, len(QUADRANTS)))
    for person in range(truth.law.people_n + 1):
        own = decision.people.get(person_id(person), decision.hours)
        shares[:, person] = [own.get(one, 0.0) for one in QUADRANTS]
    return shares


# ---- the same decisions, other luck ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Judged:
    """A year's result beside what luck and other rules would have made of it.

    Attributes
    ----------
    result : ndarray of float64, shape (4,)
        Money won in each quarter.
    others : ndarray of float64, shape (200,)
        Money that the same decisions would have won in other years of the same floor.
    better_share : float
        Part of those years that ended below this one: 0.5 is ordinary luck.
    rules : Mapping of str to float
        Money that each fixed rule would have won in this very year.
    rules_usually : Mapping of str to float
        The same on average over the other years.
    """

    result: Floats
    others: Floats
    better_share: float
    rules: Mapping[str, float]
    rules_usually: Mapping[str, float]

    @property
    def total(self) -> float:
        """Money won in the year."""
        return float(self.result.sum())

    @property
    def luck(self) -> float:
        """What this year brought above or below the average of the same decisions."""
        return self.total - float(self.others.mean())

    @property
    def skill(self) -> float:
        """What the decisions bring on average, as a part of the way from largest-first to one who knows everything."""
        low, high = self.rules_usually["largest_first"], self.rules_usually["near_best"]
        return (float(self.others.mean()) - low) / (high - low)


def lived(truth: World, decisions: list[Decision], luck: int | list[int] = 0) -> State:
    """Return where the floor stands after these weeks."""
    state = year.begin(truth)
    for one in decisions:
        state = year.live(truth, state, week_of(one, truth, state), luck)
    return state


def judge(truth: World, decisions: list[Decision], lucks_n: int = LUCKS_N) -> Judged:
    """Hold a year's decisions against other luck and against fixed rules.

    Parameters
    ----------
    truth : World
        One floor.
    decisions : list of Decision
        One for each of 52 weeks.
    lucks_n : int
        Other years.

    Examples
    --------
    >>> judged = judge(year.world([3]), [Decision()] * 52, lucks_n=20)
    >>> judged.others.shape, 0 <= judged.better_share <= 1
    ((20,), True)
    """
    own = lived(truth, decisions).won(truth.amount)[0]
    many, lucks = year.repeated(truth, lucks_n), list(range(1, lucks_n + 1))
    others = lived(many, decisions, lucks).won(many.amount).sum(axis=1)
    now = {name: float(year.year(truth, rule).won(truth.amount).sum()) for name, rule in POLICIES.items()}
    usually = {
        name: float(year.year(many, rule, lucks).won(many.amount).sum(axis=1).mean())
        for name, rule in POLICIES.items()
    }
    return Judged(
        result=own,
        others=others,
        better_share=float((others < own.sum()).mean()),
        rules=now,
        rules_usually=usually,
    )
