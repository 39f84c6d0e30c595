"""Values that come later: the rules at their very edges, counted by hand. Floors: tests/truth/test_afterwards.py."""

import math

import numpy as np
import pytest

from funnelnb.stats.rates.afterwards import comes_with_outcome, comes_with_time


def by_outcome(has, outcome):
    """The rule in plain loops."""
    groups = [[h for h, o in zip(has, outcome, strict=True) if o == kind] for kind in set(outcome)]
    groups = [one for one in groups if len(one) >= 10]
    if len(groups) < 2:
        return False
    shares = [sum(one) / len(one) for one in groups]
    absent = any(not sum(one) and len(one) * max(shares) >= 20 for one in groups)
    return max(shares) - min(shares) > 0.25 or absent


def filled(*groups):
    """Rows of groups, each given as (with the value, all)."""
    has = [k < some for some, size in groups for k in range(size)]
    return has, [kind for kind, (_, size) in enumerate(groups) for _ in range(size)]


@pytest.mark.parametrize(
    ("groups", "wanted"),
    [
        ([(5, 20), (0, 20)], False),  # a quarter apart, not more
        ([(6, 20), (0, 20)], True),
        ([(20, 100), (0, 100)], True),  # none of a hundred where twenty are to be expected
        ([(20, 100), (0, 99)], False),
        ([(20, 100), (1, 100)], False),
        ([(9, 9), (0, 50)], False),  # too few to be looked at
        ([(10, 10), (0, 50)], True),
        ([(10, 10)], False),
        ([(1, 10), (2, 10), (5, 10)], True),
        ([(3, 10), (3, 10), (5, 10)], False),
    ],
)
def test_outcomes_at_the_edges(groups, wanted):
    assert by_outcome(*filled(*groups)) is wanted
    assert comes_with_outcome(*filled(*groups)) is wanted


def by_time(has, life, is_open):
    """The rule in plain loops."""
    rows = [row for row in zip(has, life, is_open, strict=True) if math.isfinite(row[1])]
    if len(rows) < 40:
        return False
    ages = [life for _, life, _ in rows]
    fifth, half = np.quantile(ages, [0.2, 0.5])
    young = [row for row in rows if row[1] <= fifth]
    old = [h for h, life, _ in rows if life > half]
    sides = [[h for h, _, still in young if still is want] for want in (True, False)] + [
        [h for h, *_ in young]
    ]
    sides = [one for one in sides if len(one) >= 10]

    def rarer(some):
        share, usual, p = sum(some) / len(some), sum(old) / len(old), sum(some + old) / len(some + old)
        error = math.sqrt(p * (1 - p) * (1 / len(some) + 1 / len(old)))
        return share < usual / 2 and usual - share > (3.3 if len(some) > 20 else 2) * error

    return len(old) >= 10 and bool(sides) and all(rarer(one) for one in sides)


def test_with_time_as_in_plain_loops():
    """Shares close to the edges of the rule, few and many deals, lives not known, ties."""
    rng = np.random.default_rng(1)
    seen = []
    for case in range(600):
        size = int(rng.choice([38, 40, 45, 60, 101, 105, 130, 200]))
        life = rng.permutation(size).astype(float) // int(rng.choice([1, 1, 5]))
        late = rng.uniform(0.2, 0.9)
        has = rng.random(size) < np.where(life > np.median(life), late, late * rng.uniform(0.0, 0.6))
        is_open = rng.random(size) < rng.choice([0.0, 0.5, 1.0])
        if case % 3 == 0:
            life[rng.integers(0, size, 2)] = math.nan
        wanted = by_time(has.tolist(), life.tolist(), is_open.tolist())
        assert comes_with_time(has, life, is_open) is wanted, case
        seen.append(wanted)
    assert 0.2 < np.mean(seen) < 0.8


@pytest.mark.parametrize(("size", "wanted"), [(39, False), (40, True)])
def test_fewer_than_forty_deals_tell_nothing(size, wanted):
    """Also where all long-lived deals have the value; lives that are equal leave nobody who lives longer."""
    life = np.r_[np.zeros(12), np.arange(1, size - 11)]
    assert comes_with_time(life > 5, life, np.zeros(size, bool)) is wanted
    assert not comes_with_time(life > 5, np.ones(size), np.zeros(size, bool))
