"""The exercises of lessons 1 to 4: what is asked, what is true, what people get wrong.

No answer stands here as a literal: each variant draws its figures from a seed and works the truth out, where the
package has a function for it with that function. Every wrong answer that people give has a name; its words are in
``lessons/``.
"""

from __future__ import annotations

import itertools
import math

import numpy as np

from funnelnb.teach.variants import Entries, Picture, Random, Variant, choose, count, listed, share

EXERCISES = Entries()

# ---- 1 customers, records and the funnel -------------------------------------------------------------------

_STEPS = ("contact", "need", "proposal", "negotiation", "order")


def _weekly(random: Random) -> tuple[int, ...]:
    """Draw a weekly report: six numbers, whole at every step."""
    top = 100 * int(random.integers(1, 5))
    return tuple(round(top * share) for share in (1, 0.8, 0.4, 0.2, 0.1, 0.05))


@EXERCISES.add("1.1")
def _overall(random: Random) -> Variant:
    from funnelnb.analysis.shared.typed_counts import typed_funnel

    counts = _weekly(random)
    truth = typed_funnel(counts).steps[-1].from_first_rate
    steps = [b / a for a, b in itertools.pairwise(counts)]
    return Variant(
        values={
            "counts": " → ".join(count(one) for one in counts),
            "top": count(counts[0]),
            "orders": count(counts[-1]),
        },
        truth=truth,
        wrong={"averaged": float(np.mean(steps)), "last_step": steps[-1]},
        tolerance=0.002,
        work={"rate": f"{100 * truth:.0f} %"},
    )


@EXERCISES.add("1.2")
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
        values={"counts": " → ".join(count(one) for one in counts)},
        truth=steps[weakest],
        wrong=wrong or {"last": steps[3] if weakest != 3 else steps[2]},
        choices=steps,
        work={"rates": ", ".join(share(one) for one in rates)},
    )


@EXERCISES.add("1.3")
def _expected_orders(random: Random) -> Variant:
    rates = [choose(random, 0.5, 0.6, 0.8), choose(random, 0.4, 0.5), choose(random, 0.25, 0.5)]
    leads = 200 * int(random.integers(1, 6))
    truth = leads * math.prod(rates)
    return Variant(
        values={"leads": count(leads), "rates": ", ".join(share(one) for one in rates)},
        truth=truth,
        wrong={"averaged": leads * float(np.mean(rates)), "last_only": leads * rates[-1]},
        tolerance=0.6,
        work={
            "product": share(math.prod(rates))
            if math.prod(rates) >= 0.1
            else f"{100 * math.prod(rates):.1f} %"
        },
    )


@EXERCISES.add("1.4")
def _steps(random: Random) -> Variant:
    from funnelnb.analysis.shared.typed_counts import typed_funnel

    drawn = [1.0, 0.8, *(choose(random, 0.4, 0.5, 0.6, 0.75) for _ in range(4))]
    counts = tuple(int(one) for one in np.round(100 * int(random.integers(3, 7)) * np.cumprod(drawn)))
    funnel = typed_funnel(counts)
    rates = tuple(float(one.step_rate) for one in funnel.steps if not one.overall)
    top = tuple(one / counts[0] for one in counts[1:])
    return Variant(
        values={"counts": " → ".join(count(one) for one in counts)},
        truth=rates,
        wrong={"from_top": top, "lost": tuple(1 - one for one in rates)},
        rows=_STEPS,
        tolerance=0.006,
        work={
            "first": f"{count(counts[1])} ÷ {count(counts[0])}",
            "rates": listed(share(one) for one in rates),
        },
    )


_NAMES = ("Huber", "Novak", "Lantu", "Silva", "Okada", "Weber")
_LISTS = (("{} GmbH", "{}"), ("{} GmbH", "{} gmbh"), ("{}", " {} "))


@EXERCISES.add("1.5")
def _customers(random: Random) -> Variant:
    """Three lists of customers in several spellings: how many customers are they?"""
    from funnelnb.data.tidy.names import words_of_name

    names = [_NAMES[k] for k in random.permutation(len(_NAMES))]
    places = [names[:4], names[2 : 4 + int(random.integers(0, 2))], names[int(random.integers(0, 2)) : 3]]
    spelled = [
        [spellings[k % 2].format(name.upper() if k == 1 else name).strip() for k, name in enumerate(place)]
        for place, spellings in zip(places, _LISTS, strict=True)
    ]
    rows = list(itertools.chain(*spelled))
    truth = len({words_of_name(one) for one in rows})
    return Variant(
        values={"fair": listed(spelled[0]), "web": listed(spelled[1]), "crm": listed(spelled[2])},
        truth=float(truth),
        wrong={"rows": float(len(rows)), "spelled": float(len(set(rows)))},
        tolerance=0.1,
    )


# ---- 2 whom to spend time on -------------------------------------------------------------------------------

_MAN = {
    "MAN": "ideal", "MAn": "sell", "MaN": "authority", "mAN": "credit", "maN": "cultivate", "mAn": "cultivate",
    "Man": "cultivate", "man": "stop",
}  # fmt: skip
_MAN_CHOICES = ("ideal", "sell", "authority", "credit", "cultivate", "stop")


@EXERCISES.add("2.1")
def _man(random: Random) -> Variant:
    code = choose(random, "MAn", "MaN", "mAN", "maN", "mAn", "Man", "man")
    truth = _MAN[code]
    wrong = {"give_up": "stop"} if truth != "stop" else {"hope": "cultivate"}
    if truth != "ideal":
        wrong["all_in"] = "ideal"
    return Variant(values={"code": code}, truth=truth, wrong=wrong, choices=_MAN_CHOICES)


@EXERCISES.add("2.2")
def _class(random: Random) -> Variant:
    from funnelnb.analysis.priority.quadrant import quadrant_class

    large, soon = bool(random.integers(2)), bool(random.integers(2))
    truth = quadrant_class(large, soon)
    amount, weeks = (
        choose(random, 400_000, 600_000) if large else choose(random, 8_000, 15_000),
        3 if soon else 40,
    )
    return Variant(
        values={"amount": count(amount), "weeks": count(weeks)},
        truth=truth,
        wrong={"size_only": quadrant_class(large, not soon), "time_only": quadrant_class(not large, soon)},
        choices=("A", "B", "C", "D"),
    )


@EXERCISES.add("2.3")
def _hour(random: Random) -> Variant:
    worth = {"big": 1.0, "small": 1.0}
    while not min(worth.values()) / max(worth.values()) < 0.7:  # a clear case
        big, small = 100_000 * int(random.integers(3, 8)), 1_000 * int(random.integers(5, 30))
        rare, often = choose(random, 0.1, 0.2, 0.3), choose(random, 0.5, 0.6, 0.7)
        long, short = 10 * int(random.integers(2, 7)), int(random.integers(2, 7))
        worth = {"big": big * rare / long, "small": small * often / short}
    truth = max(worth, key=lambda one: worth[one])
    other = "small" if truth == "big" else "big"
    return Variant(
        values={
            "big": count(big), "small": count(small), "rare": share(rare), "often": share(often),
            "long": count(long), "short": count(short),
        },
        truth=truth,
        wrong={"size": "big"} if truth == "small" else {"chance": other},
        choices=("big", "small"),
        work={"big_worth": count(worth["big"]), "small_worth": count(worth["small"])},
    )  # fmt: skip


@EXERCISES.add("2.4")
def _level(random: Random) -> Variant:
    from funnelnb.analysis.priority.levels import LevelRule, level_of

    rule, marks = LevelRule(), {"large": 1.0, "medium": 0.5, "small": 0.0}
    truth = size_only = ""
    size = need = intent = ""
    while truth == size_only:
        size, need, intent = (
            choose(random, "large", "medium", "small"), choose(random, "known", "none"),
            choose(random, "high", "some", "low"),
        )  # fmt: skip
        parts = {
            "size": marks[size], "need": 1.0 if need == "known" else 0.0,
            "intent": {"high": 1.0, "some": 0.5, "low": 0.0}[intent],
        }  # fmt: skip
        score = sum(rule.weights[name] * one for name, one in parts.items())
        truth, size_only = level_of(score, rule), level_of(parts["size"], rule)
    return Variant(
        values={"size": f"@{size}_size", "need": f"@{need}_need", "intent": f"@{intent}_intent"},
        truth=truth,
        wrong={"size_only": size_only},
        choices=("high", "medium", "low"),
        work={"score": f"{score:.2f}"},
    )


@EXERCISES.add("2.5")
def _sheet(random: Random) -> Variant:
    from funnelnb.data.contract.tables import ASSESSMENT_FACTORS

    nine = len(ASSESSMENT_FACTORS)
    good, poor = int(random.integers(3, 6)), int(random.integers(1, 3))
    unknown = nine - good - poor
    return Variant(
        values={"nine": count(nine), "good": count(good), "poor": count(poor), "unknown": count(unknown)},
        truth=good / (good + poor),
        wrong={"unknown_poor": good / nine, "unknown_good": (good + unknown) / nine},
        tolerance=0.006,
        work={
            "judged": count(good + poor),
            "low": share(good / nine),
            "high": share((good + unknown) / nine),
        },
    )


@EXERCISES.add("2.6")
def _hours(random: Random) -> Variant:
    from funnelnb.analysis.priority.quadrant import HOURS_WANTED

    classes = ("A", "B", "C", "D")
    deals = [int(one) for one in random.integers([2, 4, 3, 6], [6, 9, 8, 13])]
    wanted = tuple(n * HOURS_WANTED[one] for n, one in zip(deals, classes, strict=True))
    total = sum(wanted)
    return Variant(
        values={
            "deals": listed(f"{one} {n}" for one, n in zip(classes, deals, strict=True)),
            "each": listed(f"{one} {HOURS_WANTED[one]:g}" for one in classes),
        },
        truth=wanted,
        wrong={
            "evenly": tuple(total / 4 for _ in classes),
            "by_number": tuple(total * n / sum(deals) for n in deals),
            "one_deal": tuple(HOURS_WANTED[one] for one in classes),
        },
        rows=classes,
        tolerance=0.05,
        work={"total": f"{total:g}", "first": f"{deals[0]} × {HOURS_WANTED['A']:g} = {wanted[0]:g}"},
    )


# ---- 3 stage by stage --------------------------------------------------------------------------------------


@EXERCISES.add("3.1")
def _gate(random: Random) -> Variant:
    first = bool(random.integers(2))
    truth = "stay" if first else "fall_back"
    return Variant(
        values={"place": "1" if first else choose(random, "2", "3")},
        truth=truth,
        wrong={"go_on": "go_on", "other_way": "fall_back" if first else "stay"},
        choices=("go_on", "stay", "fall_back"),
    )


_ROLES = {"return": "decision_maker", "specification": "gatekeeper", "price": "purchaser", "work": "user"}
_ROLE_CHOICES = ("decision_maker", "gatekeeper", "purchaser", "user")


@EXERCISES.add("3.2")
def _role(random: Random) -> Variant:
    asked = choose(random, *_ROLES)
    truth = _ROLES[asked]
    return Variant(
        values={"asked": f"@asks_{asked}"},
        truth=truth,
        wrong={"boss": "decision_maker"} if truth != "decision_maker" else {"price": "purchaser"},
        choices=_ROLE_CHOICES,
    )


@EXERCISES.add("3.3")
def _moved(random: Random) -> Variant:
    amount = 100_000 * int(random.integers(2, 12))
    before, after = 0.25, 0.5
    return Variant(
        values={"amount": count(amount), "before": share(before), "after": share(after)},
        truth=amount * (after - before),
        wrong={"whole": amount * after, "amount": float(amount)},
        tolerance=1.0,
    )


@EXERCISES.add("3.4")
def _supported(random: Random) -> Variant:
    """Six deals: each stands where its first unmet purpose is, if that is earlier than what is claimed."""
    stages = ("contact", "need", "proposal", "negotiation")
    claimed = [int(one) for one in random.integers(1, 4, 6)]
    shown = [int(random.integers(0, one + 1)) for one in claimed]
    shown[0], claimed[0] = 1, 3  # at least one claims too much
    supported = tuple(float(shown.count(k)) for k in range(4))
    told = "; ".join(
        f"D{k + 1} @{stages[one]} / @{stages[first]}"
        for k, (one, first) in enumerate(zip(claimed, shown, strict=True))
    )
    held = [one for one, first in zip(claimed, shown, strict=True) if one == first]
    return Variant(
        values={"deals": told},
        truth=supported,
        wrong={
            "claimed": tuple(float(claimed.count(k)) for k in range(4)),
            "dropped": tuple(float(held.count(k)) for k in range(4)),
        },
        rows=stages,
        tolerance=0.1,
        work={"over": count(sum(a > b for a, b in zip(claimed, shown, strict=True)))},
    )


# ---- 4 reading conversion ----------------------------------------------------------------------------------


@EXERCISES.add("4.1")
def _decided(random: Random) -> Variant:
    won, lost, open_ = (int(one) for one in random.integers([12, 25, 30], [30, 60, 70]))
    n = won + lost + open_
    return Variant(
        values={"n": count(n), "won": count(won), "lost": count(lost), "open": count(open_)},
        truth=won / (won + lost),
        wrong={"open_lost": won / n, "open_won": (won + open_) / n},
        tolerance=0.006,
        work={"closed": count(won + lost), "rate": f"{100 * won / (won + lost):.1f} %"},
    )


@EXERCISES.add("4.2")
def _small_group(random: Random) -> Variant:
    from funnelnb.stats.rates.proportion import wilson

    small_n = int(random.integers(3, 5))
    small, large_n = small_n - 1, 20 * int(random.integers(3, 6))
    large = round(0.45 * large_n)
    low = float(wilson(small, small_n, 0.9)[0])
    truth = "better" if low > large / large_n else "unknown"
    return Variant(
        values={
            "small": count(small),
            "small_n": count(small_n),
            "large": count(large),
            "large_n": count(large_n),
        },
        truth=truth,
        wrong={"rate_only": "better", "same": "worse"},
        choices=("better", "unknown", "worse"),
        work={"low": f"{100 * low:.0f} %"},
    )


@EXERCISES.add("4.3")
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


@EXERCISES.add("4.4")
def _equal_age(random: Random) -> Variant:
    """Nothing has changed; of three pictures of the same deals only the one at equal age shows it."""
    chance, quick, slow = (
        float(random.uniform(0.3, 0.45)), float(random.uniform(25, 40)), float(random.uniform(110, 160)),
    )  # fmt: skip
    ages, n, limit = np.array([405, 315, 225, 135, 45.0]), 20 * int(random.integers(8, 16)), 45.0
    won = np.round(n * chance * -np.expm1(-ages / quick))
    lost = np.round(n * (1 - chance) * -np.expm1(-ages / slow))
    early = np.round(n * chance * -np.expm1(-limit / quick)) + np.array([0, 1, -1, 1, 0])
    rates = {"so_far": won / n, "of_closed": won / (won + lost), "equal_age": early / n}
    truth = min(rates, key=lambda one: float(np.ptp(rates[one])))
    labels = ("Q1", "Q2", "Q3", "Q4", "Q5")
    order = [("so_far", "of_closed", "equal_age")[k] for k in random.permutation(3)]
    pictures = {
        one: Picture(kind="line", labels=labels, series={"": tuple(round(float(r), 3) for r in rates[one])})
        for one in order
    }
    return Variant(
        values={"n": count(n), "limit": count(limit)},
        truth=truth,
        wrong={"recent_open": "so_far", "wins_first": "of_closed"},
        choices=tuple(order),
        pictures=pictures,
        work={
            "fell_to": share(rates["so_far"][-1]), "rose_to": share(rates["of_closed"][-1]),
            "steady": share(rates["equal_age"][-1]),
        },
    )  # fmt: skip
