"""The exercises of lessons 5 to 8: what is asked, what is true, what people get wrong.

No answer stands here as a literal: each variant draws its figures from a seed and works the truth out, where the
package has a function for it with that function. Every wrong answer that people give has a name; its words are in
``lessons/``.
"""

from __future__ import annotations

import itertools
import math
from functools import cache
from typing import Any

import numpy as np

from funnelnb.teach.formula import Formula
from funnelnb.teach.variants import Entries, Picture, Random, Variant, choose, count, listed, share, tenths

EXERCISES = Entries()

# ---- 5 time ------------------------------------------------------------------------------------------------


@EXERCISES.add("5.1")
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


@EXERCISES.add("5.2")
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


@EXERCISES.add("5.3")
def _little(random: Random) -> Variant:
    weekly, weeks = int(random.integers(3, 12)), int(random.integers(4, 16))
    return Variant(
        values={"weekly": count(weekly), "weeks": count(weeks)},
        truth=float(weekly * weeks),
        wrong={"one_week": float(weekly), "half": weekly * weeks / 2},
        tolerance=0.5,
    )


@EXERCISES.add("5.4")
def _slow_share(random: Random) -> Variant:
    times = choose(random, 2, 3, 4)
    cases: list[dict[str, Any]] = []
    while len(cases) < 3:
        usual = int(random.integers(6, 15))
        days = tuple(int(one) for one in random.integers(1, 5 * usual, 7 + len(cases)))
        slow = sum(one > times * usual for one in days)
        if 0 < slow < len(days) / 2 and sum(one > usual for one in days) != slow:
            cases.append({"days": days, "usual": usual})
    truth = tuple(
        sum(one > times * case["usual"] for one in case["days"]) / len(case["days"]) for case in cases
    )
    slow = f"sum(d > {times} * usual for d in days)"
    return Variant(
        values={
            "times": count(times), "days": listed(cases[0]["days"]), "usual": count(cases[0]["usual"]),
        },
        truth=truth,
        wrong={
            "number": slow,
            "others": f"sum(d <= {times} * usual for d in days) / len(days)",
            "mean": "mean(days) / usual",
            "once": "sum(d > usual for d in days) / len(days)",
        },
        tolerance=1e-6,
        formula=Formula(cases=tuple(cases)),
        example=f"{slow} / len(days)",
        work={"first": tenths(truth[0])},
    )  # fmt: skip


# ---- 6 targets ---------------------------------------------------------------------------------------------


@cache
def _candidates(deals: int) -> int:
    from funnelnb.analysis.targets.reverse import reverse_funnel

    return reverse_funnel(wins=deals, rates=[0.25, 0.5, 0.75]).rows[0].plug_in_n


@EXERCISES.add("6.1")
def _reverse(random: Random) -> Variant:
    deals = choose(random, 38, 45, 57, 76)
    up = _candidates(deals)
    exact = math.ceil(deals / (0.75 * 0.5 * 0.25))
    wrong = {"times": deals * 0.75 * 0.5 * 0.25, "one_step": float(math.ceil(deals / 0.25))}
    if exact != up:
        wrong["rounded_late"] = float(exact)
    return Variant(values={"deals": count(deals)}, truth=float(up), wrong=wrong, tolerance=0.4)


@EXERCISES.add("6.2")
def _quota(random: Random) -> Variant:
    amounts = [100_000 * int(one) for one in random.integers(2, 12, 3)]
    weights = [0.1, 0.25, 0.5]
    truth = sum(a * w for a, w in zip(amounts, weights, strict=True))
    return Variant(
        values={
            "deals": "; ".join(f"{count(a)} × {share(w)}" for a, w in zip(amounts, weights, strict=True))
        },
        truth=truth,
        wrong={"sum": float(sum(amounts)), "average": sum(amounts) * float(np.mean(weights))},
        tolerance=1.0,
    )


@EXERCISES.add("6.3")
def _chance(random: Random) -> Variant:
    from scipy.stats import binom

    n, rate = 10 * int(random.integers(2, 6)), choose(random, 0.2, 0.25, 0.3)
    needed = math.ceil(n * rate)
    truth = float(binom.sf(needed - 1, n, rate))
    return Variant(
        values={"n": count(n), "rate": share(rate), "needed": count(needed)},
        truth=truth,
        wrong={"certain": 1.0, "rate": rate},
        tolerance=0.03,
        work={"chance": f"{100 * truth:.0f} %"},
    )


@EXERCISES.add("6.4")
def _covered(random: Random) -> Variant:
    quota = 50_000 * int(random.integers(8, 25))
    cases = tuple(
        {
            "amounts": tuple(20_000 * int(one) for one in random.integers(2, 30, n)),
            "weights": tuple(float(one) for one in random.choice([0.1, 0.25, 0.5, 0.75], n, replace=False)),
        }
        for n in (3, 4, 4)
    )
    truth = tuple(float(np.dot(case["amounts"], case["weights"])) / quota for case in cases)
    weighted = "sum(a * w for a, w in zip(amounts, weights))"
    return Variant(
        values={
            "quota": count(quota), "amounts": listed(cases[0]["amounts"]), "weights": listed(cases[0]["weights"]),
        },
        truth=truth,
        wrong={
            "unweighted": f"sum(amounts) / {quota}",
            "averaged": f"sum(amounts) * mean(weights) / {quota}",
            "money": weighted,
            "turned": f"{quota} / {weighted}",
        },
        tolerance=1e-4,
        formula=Formula(cases=cases),
        example=f"{weighted} / {quota}",
        work={"first": tenths(truth[0])},
    )  # fmt: skip


_BANDS = ("under_10", "to_30", "to_50", "over_50")
_MIDDLES = (5, 20, 40, 60)


@EXERCISES.add("6.5")
def _mix_of_sizes(random: Random) -> Variant:
    orders = choose(random, (61, 30, 12, 5), (54, 33, 15, 6), (72, 28, 14, 6), (48, 36, 10, 8))
    total = sum(orders)
    money = [n * middle for n, middle in zip(orders, _MIDDLES, strict=True)]
    return Variant(
        values={"orders": listed(orders), "total": count(total)},
        truth=tuple(n / total for n in orders),
        wrong={
            "added_up": tuple(float(one) / total for one in np.cumsum(orders)),
            "money": tuple(one / sum(money) for one in money),
            "evenly": (0.25,) * 4,
        },
        rows=_BANDS,
        tolerance=0.006,
        work={
            "first": f"{orders[0]} ÷ {total} = {tenths(orders[0] / total)}",
            "shares": listed(tenths(n / total) for n in orders),
        },
    )


# ---- 7 diagnosis -------------------------------------------------------------------------------------------


@EXERCISES.add("7.1")
def _too_few(random: Random) -> Variant:
    names = ("Ann", "Bo", "Cai", "Dan")
    hands = [int(one) for one in random.integers(16, 40, 4)]
    thin = int(random.integers(4))
    hands[thin] = int(random.integers(6, 14))
    busiest = int(np.argmax(hands))
    return Variant(
        values={"hands": ", ".join(f"@{name} {n}" for name, n in zip(names, hands, strict=True))},
        truth=names[thin],
        wrong={"most": names[busiest]},
        choices=names,
    )


@EXERCISES.add("7.2")
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


@EXERCISES.add("7.3")
def _mix(random: Random) -> Variant:
    """Both segments convert as before; only their mix has changed."""
    good, poor = choose(random, 0.4, 0.5), choose(random, 0.1, 0.2)
    before, after = (80, 20), (30, 70)
    rates = [(a * good + b * poor) / (a + b) for a, b in (before, after)]
    return Variant(
        values={
            "good": share(good), "poor": share(poor), "before": f"{before[0]} : {before[1]}",
            "after": f"{after[0]} : {after[1]}", "fell_from": share(rates[0]), "fell_to": share(rates[1]),
        },
        truth="mix",
        wrong={"team": "worse", "chance": "chance"},
        choices=("worse", "mix", "chance"),
    )  # fmt: skip


@EXERCISES.add("7.4")
def _which_chart(random: Random) -> Variant:
    """Both groups convert as before, their mix shifts: which chart can show that?"""
    good, poor = choose(random, 0.4, 0.5, 0.6), choose(random, 0.1, 0.15, 0.2)
    easy = np.array([80, 70, 55, 40, 30]) - int(random.integers(0, 3)) * 2
    total = (easy * good + (100 - easy) * poor) / 100
    labels = ("Q1", "Q2", "Q3", "Q4", "Q5")
    pictures = {
        "total_line": Picture(kind="line", labels=labels, series={"": tuple(map(float, np.round(total, 3)))}),
        "group_lines": Picture(
            kind="line", labels=labels, series={"@easy": (float(good),) * 5, "@difficult": (float(poor),) * 5}
        ),
        "customer_bars": Picture(
            kind="bar", labels=labels, share=False,
            series={"@easy": tuple(map(float, easy)), "@difficult": tuple(float(100 - one) for one in easy)},
        ),
    }  # fmt: skip
    order = [list(pictures)[k] for k in random.permutation(3)]
    flat = {one: all(len(set(line)) == 1 for line in pictures[one].series.values()) for one in pictures}
    return Variant(
        values={"fell_from": share(total[0]), "fell_to": share(total[-1])},
        truth=next(one for one in pictures if flat[one]),
        wrong={"total": "total_line", "numbers": "customer_bars"},
        choices=tuple(order),
        pictures={one: pictures[one] for one in order},
        work={"good": share(good), "poor": share(poor)},
    )


@EXERCISES.add("7.5")
def _symptom(random: Random) -> Variant:
    from funnelnb.analysis.diagnosis.rules import usual_rules

    rules, ill = usual_rules(), choose(random, "feast", "few", "one_size")
    even = [int(one) for one in random.integers(3, 6, 6)]
    orders = (
        [int(random.integers(13, 19)), int(random.integers(3, 5)), 0, 0, 0, 2] if ill == "feast" else even
    )
    hand = int(random.integers(6, 13)) if ill == "few" else int(random.integers(22, 31))
    large = hand - int(random.integers(0, 2)) if ill == "one_size" else hand // 2
    dry = max(sum(1 for _ in run) for key, run in itertools.groupby(orders) if key == 0) if 0 in orders else 0
    found = {
        "feast": dry >= rules["feast_and_famine"].alarm,
        "few": hand < rules["few_opportunities"].alarm,
        "one_size": large / hand >= rules["one_size"].alarm,
    }
    (truth,) = [name for name, one in found.items() if one]
    return Variant(
        values={"orders": listed(orders), "hand": count(hand), "large": count(large)},
        truth=truth,
        wrong={"saw_nothing": "healthy", "other": "few" if truth != "few" else "feast"},
        choices=("feast", "few", "one_size", "healthy"),
        work={"limit": f"{rules['few_opportunities'].alarm:g}", "one_sided": share(rules["one_size"].alarm)},
    )


# ---- 8 managing for improvement ----------------------------------------------------------------------------


@EXERCISES.add("8.1")
def _range(random: Random) -> Variant:
    quarters = 10
    held = int(random.integers(3, 6))
    return Variant(
        values={"held": count(held), "quarters": count(quarters)},
        truth="too_narrow",
        wrong={"bad_luck": "fine", "opposite": "too_wide"},
        choices=("fine", "too_narrow", "too_wide"),
    )


@EXERCISES.add("8.2")
def _worst_first(random: Random) -> Variant:
    rate = choose(random, 0.08, 0.1, 0.15)
    low, high = share(rate), share(rate + 0.1)
    return Variant(
        values={"low": low, "high": high, "usual": share(rate + 0.12)},
        truth="compare",
        wrong={"training": "training", "nothing": "useless"},
        choices=("training", "useless", "compare"),
    )


@EXERCISES.add("8.3")
def _window(random: Random) -> Variant:
    came, paid, waiting = (
        10 * int(random.integers(20, 60)),
        int(random.integers(20, 60)),
        10 * int(random.integers(5, 15)),
    )
    return Variant(
        values={"came": count(came), "paid": count(paid), "waiting": count(waiting)},
        truth=paid / (came - waiting),
        wrong={"open_lost": paid / came, "open_won": (paid + waiting) / came},
        tolerance=0.004,
        work={"rate": f"{100 * paid / (came - waiting):.1f} %"},
    )


@EXERCISES.add("8.4")
def _record(random: Random) -> Variant:
    signed = bool(random.integers(2))
    cases = []
    for n in (4, 5, 6):
        results = [10 * int(one) for one in random.integers(20, 60, n)]
        misses = random.permutation([-0.2, 0.3, 0.1, -0.1, 0.4, 0.2][:n])
        cases.append(
            {
                "forecasts": tuple(round(r * (1 + one)) for r, one in zip(results, misses, strict=True)),
                "results": tuple(results),
            }
        )
    part = "{} for f, r in zip(forecasts, results)"
    ways = {
        "signed": f"mean({part.format('(f - r) / r')})",
        "absolute": f"mean({part.format('abs(f - r) / r')})",
        "turned": f"mean({part.format('(r - f) / r')})",
        "money": f"mean({part.format('f - r' if signed else 'abs(f - r)')})",
    }
    off = [
        np.array([f / r - 1 for f, r in zip(case["forecasts"], case["results"], strict=True)])
        for case in cases
    ]
    truth = tuple(float(np.mean(one if signed else np.abs(one))) for one in off)
    right = "signed" if signed else "absolute"
    return Variant(
        values={
            "asked": "@ask_bias" if signed else "@ask_error", "forecasts": listed(cases[0]["forecasts"]),
            "results": listed(cases[0]["results"]),
        },
        truth=truth,
        wrong={name: one for name, one in ways.items() if name != right},
        tolerance=1e-6,
        formula=Formula(cases=tuple(cases)),
        example=ways[right],
        work={"first": tenths(truth[0])},
    )  # fmt: skip


@EXERCISES.add("8.5")
def _trained(random: Random) -> Variant:
    """Trained and untrained people before and after: only the difference of the rises is the training's."""
    before, other = 0.01 * int(random.integers(10, 15)), 0.01 * int(random.integers(15, 19))
    usual, effect = 0.01 * int(random.integers(4, 8)), 0.01 * int(random.integers(2, 6))
    after, other_after = before + usual + effect, other + usual
    return Variant(
        values={
            "before": share(before), "after": share(after), "other": share(other), "other_after": share(other_after),
        },
        truth=(after - before) - (other_after - other),
        wrong={"alone": after - before, "afterwards": after - other_after},
        tolerance=0.004,
        work={"rise": share(after - before), "other_rise": share(other_after - other), "effect": share(effect)},
    )  # fmt: skip
