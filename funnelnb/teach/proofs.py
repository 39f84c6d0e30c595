"""The figures in the boxes "What people get wrong": worked out, then kept in ``lessons/figures.toml``.

Some take minutes (a thousand sales floors), so that a course is made from the kept ones; ``tests/reference/course.py``
works them out again.
"""

from __future__ import annotations

import itertools
import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.teach.variants import count, share

if TYPE_CHECKING:
    from collections.abc import Mapping

    from funnelnb.data.book import Book

FILE = Path(__file__).parent / "lessons" / "figures.toml"
FLOORS_N = 1000
FLOORS_AT_ONCE = 100


@cache
def figures() -> Mapping[str, Any]:
    """Return the kept figures: by lesson what its box says, and under ``policies`` what rules bring on the floors."""
    with FILE.open("rb") as stream:
        return tomllib.load(stream)


# ---- quick ones: from typed numbers ------------------------------------------------------------------------


def losses() -> dict[str, str]:
    """Lesson 1: a step that loses many may be a good one."""
    from funnelnb.analysis.shared.typed_counts import typed_funnel

    counts = (1000, 700, 420, 210, 84)
    rates = [one.step_rate for one in typed_funnel(counts, stages=list("abcde")).steps if not one.overall]
    lost = [a - b for a, b in itertools.pairwise(counts)]
    return {
        "counts": " → ".join(count(one) for one in counts),
        "first_lost": count(lost[0]),
        "last_lost": count(lost[-1]),
        "first_rate": share(rates[0]),
        "last_rate": share(rates[-1]),
    }


def open_as_lost() -> dict[str, str]:
    """Lesson 4: what counting open deals as lost does to a rate."""
    won, lost, still_open = 30, 70, 100
    return {
        "won": count(won),
        "lost": count(lost),
        "open": count(still_open),
        "closed_rate": share(won / (won + lost)),
        "so_far_rate": share(won / (won + lost + still_open)),
    }


def coin() -> dict[str, str]:
    """Lesson 6: the chance of just what is expected, and how many deals it takes for four in five."""
    from scipy.stats import binom

    n, rate = 40, 0.25
    wins = round(n * rate)
    needed = next(one for one in itertools.count(n) if binom.sf(wins - 1, one, rate) >= 0.8)
    return {
        "n": count(n),
        "rate": share(rate),
        "expected": count(wins),
        "chance": share(float(binom.sf(wins - 1, n, rate))),
        "needed": count(needed),
    }


def mix() -> dict[str, str]:
    """Lesson 7: both groups as before, and the total falls."""
    good, poor, before, after = 0.4, 0.1, (80, 20), (30, 70)
    totals = [(a * good + b * poor) / (a + b) for a, b in (before, after)]
    return {
        "good": share(good),
        "poor": share(poor),
        "before": f"{before[0]} : {before[1]}",
        "after": f"{after[0]} : {after[1]}",
        "fell_from": share(totals[0]),
        "fell_to": share(totals[1]),
    }


def usual_again() -> dict[str, str]:
    """Lesson 8: equal sellers; the weakest of one quarter are ordinary in the next."""
    people, deals, chance = 10_000, 40, 0.25
    random = np.random.default_rng(8)
    first, second = (random.binomial(deals, chance, people) / deals for _ in range(2))
    weakest = np.argsort(first, kind="stable")[: people // 5]
    return {
        "people_n": count(people),
        "chance": share(chance),
        "low": share(float(first[weakest].mean())),
        "later": share(float(second[weakest].mean())),
    }


# ---- slow ones: from the sample company, and from a thousand floors ----------------------------------------


def claimed(book: Book) -> dict[str, str]:
    """Lesson 3: open deals that claim a later stage than their evidence supports."""
    from funnelnb.analysis.priority.honest_funnel import honest_funnel

    found = honest_funnel(book)
    return {
        "checked_n": count(found.checked_n),
        "over_n": count(found.overclaimed_n),
        "over_share": share(found.overclaimed_n / found.checked_n),
        "over_amount": count(round(found.overclaimed_amount, -4)),
    }


def cycle(book: Book) -> dict[str, str]:
    """Lesson 5: closed deals alone look quicker than all deals are."""
    from funnelnb.analysis.time.duration import duration

    whole = duration(book).rows[-1]
    return {
        "closed_days": f"{whole.naive_median_days:.0f}",
        "cycle_days": f"{whole.median_days:.0f}",
        "more": f"{round(whole.median_days) - round(whole.naive_median_days)}",
    }


def policies(floors_n: int = FLOORS_N) -> dict[str, Any]:
    """What each rule brings on simulated floors, in money a year.

    Parameters
    ----------
    floors_n : int
        Floors of seeds 0, 1, 2 ...

    Returns
    -------
    dict
        floors_n; mean of each rule; and of each rule but the nearly best one, `behind` and `behind_se`: how much less
        it brings than the nearly best on the same floors, with standard error; `margin` and `margin_se`: the worth of
        an hour against largest first.
    """
    from funnelnb.simulate import year

    sums: dict[str, list[np.ndarray]] = {name: [] for name in year.POLICIES}
    for start in range(0, floors_n, FLOORS_AT_ONCE):
        floors = year.world(range(start, min(start + FLOORS_AT_ONCE, floors_n)))
        for name, rule in year.POLICIES.items():
            sums[name].append(year.year(floors, rule).won(floors.amount).sum(axis=1))
    money = {name: np.concatenate(parts) for name, parts in sums.items()}
    gap = {name: money["near_best"] - one for name, one in money.items() if name != "near_best"}
    ahead = money["value_first"] - money["largest_first"]
    return {
        "floors_n": floors_n,
        **{name: round(float(one.mean())) for name, one in money.items()},
        "behind": {name: round(float(one.mean())) for name, one in gap.items()},
        "behind_se": {name: round(_error(one)) for name, one in gap.items()},
        "margin": round(float(ahead.mean())),
        "margin_se": round(_error(ahead)),
        "margin_share": round(float(ahead.mean() / money["largest_first"].mean()), 3),
        "better_floors_share": round(float((ahead > 0).mean()), 3),
    }


def _error(values: np.ndarray) -> float:
    return float(values.std(ddof=1) / np.sqrt(values.size))


def hours(found: Mapping[str, Any]) -> dict[str, str]:
    """Lesson 2: what the rules bring, from :func:`policies`."""
    return {
        "floors_n": count(found["floors_n"]),
        "largest": count(round(found["largest_first"], -4)),
        "newest": count(round(found["newest_first"], -4)),
        "value": count(round(found["value_first"], -4)),
        "less": share(found["margin_share"]),
    }


QUICK = {"1": losses, "4": open_as_lost, "6": coin, "7": mix, "8": usual_again}
"""Lessons whose figures are worked out at once."""
