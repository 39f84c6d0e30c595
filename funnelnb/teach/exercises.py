"""The exercises of the course: what is asked, how the truth is worked out, which answers betray which misconception.

No answer stands here as a literal: each variant draws its figures from a seed and works the truth out, where the
package has a function for it with that function. Every wrong answer that people give has a name; its words are in
``lessons/``.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.core.errors import ParameterError, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Random = np.random.Generator


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One exercise with its figures.

    Attributes
    ----------
    values : Mapping of str to str
        What the question's placeholders say.
    truth : float or str
        The number, or the name of the right choice.
    wrong : Mapping of str to (float or str)
        Name of a misconception -> the answer it leads to.
    choices : tuple of str
        Names of the choices in the order shown; empty for a number.
    tolerance : float
        How far off a number may be.
    """

    values: Mapping[str, str]
    truth: float | str
    wrong: Mapping[str, float | str]
    choices: tuple[str, ...] = ()
    tolerance: float = 0.0
    work: Mapping[str, str] = field(default_factory=dict)

    def near(self, one: float | str, other: float | str) -> bool:
        """Whether two answers are the same within the tolerance."""
        if isinstance(one, str) or isinstance(other, str):
            return one == other
        return abs(one - other) <= self.tolerance + 1e-9


EXERCISES: dict[str, Callable[[Random], Variant]] = {}


def variant(exercise: str, seed: int) -> Variant:
    """Return an exercise with the figures of a seed.

    Parameters
    ----------
    exercise : str
        Such as ``"6.1"``.
    seed : int
        Of the learner.

    Raises
    ------
    ParameterError
        There is no such exercise.

    Examples
    --------
    >>> one = variant("6.1", seed=0)
    >>> one.truth == math.ceil(math.ceil(math.ceil(int(one.values["deals"]) / 0.75) / 0.5) / 0.25)
    True
    """
    if exercise not in EXERCISES:
        raise ParameterError(
            f"there is no exercise {exercise!r}",
            expected=", ".join(EXERCISES),
            hint=nearest(exercise, EXERCISES),
        )
    lesson, _, number = exercise.partition(".")
    made = EXERCISES[exercise](np.random.default_rng([seed, int(lesson), int(number)]))
    seen: dict[str, float | str] = {}
    for code, answer in made.wrong.items():  # some figures make two misconceptions meet, or even the truth
        if not any(made.near(answer, other) for other in (made.truth, *seen.values())):
            seen[code] = answer
    return replace(made, wrong=seen)


def lessons() -> dict[int, tuple[str, ...]]:
    """Return the exercises of each lesson, in order."""
    found: dict[int, list[str]] = {}
    for name in EXERCISES:
        found.setdefault(int(name.partition(".")[0]), []).append(name)
    return {lesson: tuple(names) for lesson, names in sorted(found.items())}


def _exercise(name: str) -> Callable[[Callable[[Random], Variant]], Callable[[Random], Variant]]:
    def register(make: Callable[[Random], Variant]) -> Callable[[Random], Variant]:
        EXERCISES[name] = make
        return make

    return register


def _share(value: float) -> str:
    return f"{100 * value:.0f} %"


def _count(value: float) -> str:
    return f"{value:,.0f}"


def _choose(random: Random, *options: Any) -> Any:
    return options[int(random.integers(len(options)))]


# ---- 1 customers, records and the funnel -------------------------------------------------------------------

_STEPS = ("contact", "need", "proposal", "negotiation", "order")


def _weekly(random: Random) -> tuple[int, ...]:
    """Draw a weekly report: six numbers, whole at every step."""
    top = 100 * int(random.integers(1, 5))
    return tuple(round(top * share) for share in (1, 0.8, 0.4, 0.2, 0.1, 0.05))


@_exercise("1.1")
def _overall(random: Random) -> Variant:
    from funnelnb.analysis.shared.typed_counts import typed_funnel

    counts = _weekly(random)
    truth = typed_funnel(counts).steps[-1].from_first_rate
    steps = [b / a for a, b in itertools.pairwise(counts)]
    return Variant(
        values={
            "counts": " → ".join(_count(one) for one in counts),
            "top": _count(counts[0]),
            "orders": _count(counts[-1]),
        },
        truth=truth,
        wrong={"averaged": float(np.mean(steps)), "last_step": steps[-1], "percent_as_number": 100 * truth},
        tolerance=0.002,
        work={"rate": f"{100 * truth:.0f} %"},
    )


@_exercise("1.2")
def _weakest(random: Random) -> Variant:
    order = random.permutation(4)
    rates = np.array([0.8, 0.6, 0.5, 0.4])[order]
    counts = [round(one) for one in np.cumprod([500, *rates])]
    lost = [a - b for a, b in itertools.pairwise(counts)]
    steps = _STEPS[:4]
    weakest, most_lost = int(np.argmin(rates)), int(np.argmax(lost))
    wrong = {"most_lost": steps[most_lost]} if most_lost != weakest else {}
    wrong |= {"first": steps[0]} if weakest not in (0,) and most_lost != 0 else {}
    return Variant(
        values={"counts": " → ".join(_count(one) for one in counts)},
        truth=steps[weakest],
        wrong=wrong or {"last": steps[3] if weakest != 3 else steps[2]},
        choices=steps,
        work={"rates": ", ".join(_share(one) for one in rates)},
    )


@_exercise("1.3")
def _expected_orders(random: Random) -> Variant:
    rates = [_choose(random, 0.5, 0.6, 0.8), _choose(random, 0.4, 0.5), _choose(random, 0.25, 0.5)]
    leads = 200 * int(random.integers(1, 6))
    truth = leads * math.prod(rates)
    return Variant(
        values={"leads": _count(leads), "rates": ", ".join(_share(one) for one in rates)},
        truth=truth,
        wrong={"averaged": leads * float(np.mean(rates)), "last_only": leads * rates[-1]},
        tolerance=0.6,
        work={
            "product": _share(math.prod(rates))
            if math.prod(rates) >= 0.1
            else f"{100 * math.prod(rates):.1f} %"
        },
    )


# ---- 2 whom to spend time on -------------------------------------------------------------------------------

_MAN = {
    "MAN": "ideal", "MAn": "sell", "MaN": "authority", "mAN": "credit", "maN": "cultivate", "mAn": "cultivate",
    "Man": "cultivate", "man": "stop",
}  # fmt: skip
_MAN_CHOICES = ("ideal", "sell", "authority", "credit", "cultivate", "stop")


@_exercise("2.1")
def _man(random: Random) -> Variant:
    code = _choose(random, "MAn", "MaN", "mAN", "maN", "mAn", "Man", "man")
    truth = _MAN[code]
    wrong = {"give_up": "stop"} if truth != "stop" else {"hope": "cultivate"}
    if truth != "ideal":
        wrong["all_in"] = "ideal"
    return Variant(values={"code": code}, truth=truth, wrong=wrong, choices=_MAN_CHOICES)


@_exercise("2.2")
def _class(random: Random) -> Variant:
    large, soon = bool(random.integers(2)), bool(random.integers(2))
    truth = {(True, True): "A", (False, True): "B", (True, False): "C", (False, False): "D"}[large, soon]
    amount, weeks = (
        _choose(random, 400_000, 600_000) if large else _choose(random, 8_000, 15_000),
        3 if soon else 40,
    )
    return Variant(
        values={"amount": _count(amount), "weeks": _count(weeks)},
        truth=truth,
        wrong={
            "size_only": "A"
            if large and not soon
            else "B"
            if not large and not soon
            else "C"
            if large
            else "D"
        },
        choices=("A", "B", "C", "D"),
    )


@_exercise("2.3")
def _hour(random: Random) -> Variant:
    worth = {"big": 1.0, "small": 1.0}
    while not min(worth.values()) / max(worth.values()) < 0.7:  # a clear case
        big, small = 100_000 * int(random.integers(3, 8)), 1_000 * int(random.integers(5, 30))
        rare, often = _choose(random, 0.1, 0.2, 0.3), _choose(random, 0.5, 0.6, 0.7)
        long, short = 10 * int(random.integers(2, 7)), int(random.integers(2, 7))
        worth = {"big": big * rare / long, "small": small * often / short}
    truth = max(worth, key=lambda one: worth[one])
    other = "small" if truth == "big" else "big"
    return Variant(
        values={
            "big": _count(big), "small": _count(small), "rare": _share(rare), "often": _share(often),
            "long": _count(long), "short": _count(short),
        },
        truth=truth,
        wrong={"size": "big"} if truth == "small" else {"chance": other},
        choices=("big", "small"),
        work={"big_worth": _count(worth["big"]), "small_worth": _count(worth["small"])},
    )  # fmt: skip


# ---- 3 stage by stage --------------------------------------------------------------------------------------


@_exercise("3.1")
def _gate(random: Random) -> Variant:
    first = bool(random.integers(2))
    truth = "stay" if first else "fall_back"
    return Variant(
        values={"place": "1" if first else _choose(random, "2", "3")},
        truth=truth,
        wrong={"go_on": "go_on", "other_way": "fall_back" if first else "stay"},
        choices=("go_on", "stay", "fall_back"),
    )


_ROLES = {"return": "decision_maker", "specification": "gatekeeper", "price": "purchaser", "work": "user"}
_ROLE_CHOICES = ("decision_maker", "gatekeeper", "purchaser", "user")


@_exercise("3.2")
def _role(random: Random) -> Variant:
    asked = _choose(random, *_ROLES)
    truth = _ROLES[asked]
    return Variant(
        values={"asked": f"@asks_{asked}"},
        truth=truth,
        wrong={"boss": "decision_maker"} if truth != "decision_maker" else {"price": "purchaser"},
        choices=_ROLE_CHOICES,
    )


@_exercise("3.3")
def _moved(random: Random) -> Variant:
    amount = 100_000 * int(random.integers(2, 12))
    before, after = 0.25, 0.5
    return Variant(
        values={"amount": _count(amount), "before": _share(before), "after": _share(after)},
        truth=amount * (after - before),
        wrong={"whole": amount * after, "amount": float(amount)},
        tolerance=1.0,
    )


# ---- 4 reading conversion ----------------------------------------------------------------------------------


@_exercise("4.1")
def _decided(random: Random) -> Variant:
    won, lost, open_ = (int(one) for one in random.integers([12, 25, 30], [30, 60, 70]))
    n = won + lost + open_
    return Variant(
        values={"n": _count(n), "won": _count(won), "lost": _count(lost), "open": _count(open_)},
        truth=won / (won + lost),
        wrong={"open_lost": won / n, "open_won": (won + open_) / n},
        tolerance=0.006,
        work={"decided": _count(won + lost), "rate": f"{100 * won / (won + lost):.1f} %"},
    )


@_exercise("4.2")
def _small_group(random: Random) -> Variant:
    from funnelnb.stats.rates.proportion import wilson

    small_n = int(random.integers(3, 5))
    small, large_n = small_n - 1, 20 * int(random.integers(3, 6))
    large = round(0.45 * large_n)
    low = float(wilson(small, small_n, 0.9)[0])
    truth = "better" if low > large / large_n else "unknown"
    return Variant(
        values={
            "small": _count(small),
            "small_n": _count(small_n),
            "large": _count(large),
            "large_n": _count(large_n),
        },
        truth=truth,
        wrong={"rate_only": "better", "same": "worse"},
        choices=("better", "unknown", "worse"),
        work={"low": f"{100 * low:.0f} %"},
    )


@_exercise("4.3")
def _by_day(random: Random) -> Variant:
    from funnelnb.stats.curves.incidence import aalen_johansen

    time = np.sort(random.choice(np.arange(5, 85), 10, replace=False))
    outcome = random.permutation([1, 1, 1, 2, 2, 2, 0, 0, 0, 0])
    curve = aalen_johansen(time, outcome)
    truth = float(curve.rate[0, -1])
    told = [f"{day} @{('still', 'won', 'lost')[kind]}" for day, kind in zip(time, outcome, strict=True)]
    return Variant(
        values={"told": "; ".join(told)},
        truth=truth,
        wrong={"open_lost": 0.3, "decided_only": 0.5},
        tolerance=0.006,
        work={"rate": f"{100 * truth:.1f} %"},
    )


# ---- 5 time ------------------------------------------------------------------------------------------------


@_exercise("5.1")
def _cycle(random: Random) -> Variant:
    from funnelnb.stats.curves.survival import kaplan_meier

    done = np.sort(random.choice(np.arange(10, 60), 5, replace=False))
    going = np.sort(random.choice(np.arange(60, 140), 4, replace=False))
    time, event = np.concatenate([done, going]), np.repeat([1, 0], [5, 4])
    curve = kaplan_meier(time, event)
    reached = curve.time[curve.survival <= 0.5 + 1e-12]
    truth = float(reached[0])
    return Variant(
        values={"done": ", ".join(map(str, done)), "going": ", ".join(map(str, going))},
        truth=truth,
        wrong={"done_only": float(np.median(done)), "mean": float(np.mean(done))},
        tolerance=0.5,
    )


@_exercise("5.2")
def _waiting(random: Random) -> Variant:
    stages = ("contact", "need", "proposal", "negotiation")
    usual = [int(one) for one in random.integers(8, 40, 4)]
    slow = int(random.integers(4))
    now = [round(one * 0.9) for one in usual]
    now[slow] = usual[slow] * 3
    longest = int(np.argmax(now))
    wrong = {"longest": stages[longest]} if longest != slow else {"last": stages[3 if slow != 3 else 0]}
    return Variant(
        values={"usual": ", ".join(map(str, usual)), "now": ", ".join(map(str, now))},
        truth=stages[slow],
        wrong=wrong,
        choices=stages,
    )


@_exercise("5.3")
def _little(random: Random) -> Variant:
    weekly, weeks = int(random.integers(3, 12)), int(random.integers(4, 16))
    return Variant(
        values={"weekly": _count(weekly), "weeks": _count(weeks)},
        truth=float(weekly * weeks),
        wrong={"one_week": float(weekly), "half": weekly * weeks / 2},
        tolerance=0.5,
    )


# ---- 6 targets ---------------------------------------------------------------------------------------------


@_exercise("6.1")
def _reverse(random: Random) -> Variant:
    deals = _choose(random, 38, 45, 57, 76)
    up = deals
    for rate in (0.75, 0.5, 0.25):
        up = math.ceil(up / rate)
    exact = math.ceil(deals / (0.75 * 0.5 * 0.25))
    wrong = {"times": deals * 0.75 * 0.5 * 0.25, "one_step": float(math.ceil(deals / 0.25))}
    if exact != up:
        wrong["rounded_late"] = float(exact)
    return Variant(values={"deals": _count(deals)}, truth=float(up), wrong=wrong, tolerance=0.4)


@_exercise("6.2")
def _quota(random: Random) -> Variant:
    amounts = [100_000 * int(one) for one in random.integers(2, 12, 3)]
    weights = [0.1, 0.25, 0.5]
    truth = sum(a * w for a, w in zip(amounts, weights, strict=True))
    return Variant(
        values={
            "deals": "; ".join(f"{_count(a)} × {_share(w)}" for a, w in zip(amounts, weights, strict=True))
        },
        truth=truth,
        wrong={"sum": float(sum(amounts)), "average": sum(amounts) * float(np.mean(weights))},
        tolerance=1.0,
    )


@_exercise("6.3")
def _chance(random: Random) -> Variant:
    from scipy.stats import binom

    n, rate = 10 * int(random.integers(2, 6)), _choose(random, 0.2, 0.25, 0.3)
    needed = math.ceil(n * rate)
    truth = float(binom.sf(needed - 1, n, rate))
    return Variant(
        values={"n": _count(n), "rate": _share(rate), "needed": _count(needed)},
        truth=truth,
        wrong={"certain": 1.0, "rate": rate},
        tolerance=0.03,
        work={"chance": f"{100 * truth:.0f} %"},
    )


# ---- 7 diagnosis -------------------------------------------------------------------------------------------


@_exercise("7.1")
def _too_few(random: Random) -> Variant:
    names = ("Ann", "Bo", "Cai", "Dan")
    hands = [int(one) for one in random.integers(16, 40, 4)]
    thin = int(random.integers(4))
    hands[thin] = int(random.integers(6, 14))
    busiest = int(np.argmax(hands))
    return Variant(
        values={"hands": ", ".join(f"{name} {n}" for name, n in zip(names, hands, strict=True))},
        truth=names[thin],
        wrong={"most": names[busiest]},
        choices=names,
    )


@_exercise("7.2")
def _typical(random: Random) -> Variant:
    usual = [int(one) for one in random.integers(80, 125, 6)]
    sales = [*usual, 1000]
    random.shuffle(sales)
    return Variant(
        values={"sales": ", ".join(map(str, sales))},
        truth=float(np.median(sales)),
        wrong={"mean": float(np.mean(sales)), "middle_written": float(sales[3])}
        if sales[3] != np.median(sales)
        else {"mean": float(np.mean(sales))},
        tolerance=0.5,
    )


@_exercise("7.3")
def _mix(random: Random) -> Variant:
    """Both segments convert as before; only their mix has changed."""
    good, poor = _choose(random, 0.4, 0.5), _choose(random, 0.1, 0.2)
    before, after = (80, 20), (30, 70)
    rates = [(a * good + b * poor) / (a + b) for a, b in (before, after)]
    return Variant(
        values={
            "good": _share(good), "poor": _share(poor), "before": f"{before[0]} : {before[1]}",
            "after": f"{after[0]} : {after[1]}", "fell_from": _share(rates[0]), "fell_to": _share(rates[1]),
        },
        truth="mix",
        wrong={"team": "worse", "chance": "chance"},
        choices=("worse", "mix", "chance"),
    )  # fmt: skip


# ---- 8 managing for improvement ----------------------------------------------------------------------------


@_exercise("8.1")
def _range(random: Random) -> Variant:
    quarters = 10
    held = int(random.integers(3, 6))
    return Variant(
        values={"held": _count(held), "quarters": _count(quarters)},
        truth="too_narrow",
        wrong={"bad_luck": "fine", "opposite": "too_wide"},
        choices=("fine", "too_narrow", "too_wide"),
    )


@_exercise("8.2")
def _worst_first(random: Random) -> Variant:
    rate = _choose(random, 0.08, 0.1, 0.15)
    low, high = _share(rate), _share(rate + 0.1)
    return Variant(
        values={"low": low, "high": high, "usual": _share(rate + 0.12)},
        truth="compare",
        wrong={"training": "training", "nothing": "useless"},
        choices=("training", "useless", "compare"),
    )


@_exercise("8.3")
def _window(random: Random) -> Variant:
    came, paid, waiting = (
        10 * int(random.integers(20, 60)),
        int(random.integers(20, 60)),
        10 * int(random.integers(5, 15)),
    )
    return Variant(
        values={"came": _count(came), "paid": _count(paid), "waiting": _count(waiting)},
        truth=paid / (came - waiting),
        wrong={"open_lost": paid / came, "open_won": (paid + waiting) / came},
        tolerance=0.004,
        work={"rate": f"{100 * paid / (came - waiting):.1f} %"},
    )
