"""Targets attained: sums by hand, the running period, costs before and after, tables that name nobody."""

import functools

import numpy as np
import pandas as pd
import pytest

import funnelnb as fn
from funnelnb.core.errors import MissingDataError, ParameterError
from funnelnb.stats.rates.proportion import wilson
from tests.analysis.desk import book, frame
from tests.analysis.floors import Deal


@functools.cache
def sample():
    return fn.sample()


def made(**tables):
    """Won deals of Ann: 100 in January, 300 in February; of Bob: 50 in February. Today: 11 April 2026."""
    wins = [
        Deal(visits=((0, 1.0),), end="won", closed=9.0, amount=100.0, attributes={"owner": "Ann"}),
        Deal(visits=((0, 1.0),), end="won", closed=40.0, amount=300.0, attributes={"owner": "Ann"}),
        Deal(visits=((0, 1.0),), end="won", closed=41.0, amount=50.0, attributes={"owner": "Bob"}),
        Deal(visits=((0, 1.0),), end="lost", closed=41.0, amount=5.0, attributes={"owner": "Bob"}),
    ]
    return book(*wins, today=100.0, **tables)


def months(*rows):
    table = frame("period owner", *((one[0], one[1]) for one in rows))
    table["amount"] = [float(one[2]) for one in rows]
    return table


TARGETS = months(
    ("2026-01", "Ann", 100), ("2026-02", "Ann", 400), ("2026-04", "Ann", 100),
    ("2026-01", "Bob", 40), ("2026-02", "Bob", 50), ("2026", "Ann", 5000),
)  # fmt: skip


def test_by_hand() -> None:
    result = fn.targets.attained(made(targets=TARGETS))
    found = {(row.period, row.group[0]): row for row in result.rows}
    assert {key: row.attained for key, row in found.items() if row.state == "past"} == {
        ("2026-01", "Ann"): True,
        ("2026-02", "Ann"): False,
        ("2026-01", "Bob"): False,
        ("2026-02", "Bob"): True,
    }
    assert found["2026-02", "Ann"].attained_share == 0.75
    running = found["2026-04", "Ann"]
    assert running.state == "running" and running.elapsed_share == pytest.approx(11 / 30)
    assert not any(row.period == "2026" for row in result.rows), "a year and its months do not count twice"
    whole = result.groups[0]
    assert (whole.period_n, whole.attained_n, whole.attained_rate) == (4, 2, 0.5)
    assert (whole.target_amount, whole.won_amount) == (590, 450)
    assert "no_costs" in {note.code for note in result.notes}


def test_targets_that_name_nobody_are_those_of_all() -> None:
    table = TARGETS.assign(owner=None).astype({"owner": "str"})
    result = fn.targets.attained(made(targets=table[table["owner"].isna() & (table["period"] != "2026")]))
    assert result.by == ()
    january = next(row for row in result.rows if row.period == "2026-01")
    assert (january.target_amount, january.won_amount) == (140, 100)
    assert "targets_of_all" in {note.code for note in result.notes}


def test_cost_against_orders_before_and_after() -> None:
    costs = frame("period source", ("2026-01", "fair"), ("2026-01", "web"), ("2026-02", "fair"))
    costs["amount"] = [30.0, 20.0, 35.0]
    result = fn.targets.attained(made(targets=TARGETS, costs=costs), at="2026-02-01")
    parts = {row.part: row for row in result.costs}
    assert parts["all"].cost_share == pytest.approx(85 / 450)
    assert parts["before"].cost_share == pytest.approx(0.5)
    assert parts["after"].cost_share == pytest.approx(0.1)
    assert parts["change"].cost_share == pytest.approx(0.1 / 0.5 - 1)
    assert result.saving == "unknown", "one period on each side has no spread"
    with pytest.raises(ParameterError, match="at = '2020-01-01'"):
        fn.targets.attained(made(targets=TARGETS, costs=costs), at="2020-01-01")


def test_the_sample_by_sums() -> None:
    result = fn.targets.attained(sample(), by="region")
    deals, table = sample().opportunities, sample().table("targets")
    won = deals[deals["outcome"] == "won"]
    quarter = won["closed_at"].dt.year.astype(str) + "-Q" + won["closed_at"].dt.quarter.astype(str)
    got = won.groupby([quarter, won["region"]])["amount"].sum()
    goal = table.groupby(["period", "region"])["amount"].sum()
    past = [row for row in result.rows if row.state == "past"]
    assert len(past) == result.n > 0
    for row in past:
        assert row.target_amount == goal[row.period, row.group[0]]
        assert row.won_amount == pytest.approx(got.get((row.period, row.group[0]), 0.0))
    assert result.groups[0].attained_n == sum(row.won_amount >= row.target_amount for row in past)
    assert result.promise in ("kept", "not_kept", "not_separable")
    costs = sample().table("costs")
    ended = costs[pd.PeriodIndex(costs["period"], freq="M") <= pd.Period("2026-06")]
    assert result.costs[0].cost_amount == pytest.approx(ended["amount"].sum())


def test_shares_of_targets_people_and_periods_by_hand() -> None:
    """Ann brings 400 of 500, Bob 50 of 90: nobody by the sum; January 100 of 140, February 350 of 450: neither."""
    result = fn.targets.attained(made(targets=TARGETS))
    shares = {row.what: (row.attained_n, row.counted_n) for row in result.shares}
    assert shares == {"targets": (2, 4), "people": (0, 2), "periods": (0, 2)}
    ann = next(row for row in result.groups if row.group == ("Ann",))
    low, high = wilson(1, 2)
    assert (ann.attained_ci_lower, ann.attained_ci_upper) == pytest.approx((float(low), float(high)))
    assert result.shares[0].attained_ci_lower == result.groups[0].attained_ci_lower
    assert "2 个目标承担者中有 0 个" in result.finding("zh")


def test_periods_in_any_spelling_and_weeks() -> None:
    """The wins of day 40 and 41 fall on 10 and 11 February 2026, a Tuesday and a Wednesday of week 7."""
    table = months(("2026年第7周", "Ann", 200), ("2026-W07", "Bob", 60), ("W6 2026", "Ann", 10))
    costs = frame("period source", ("2026-W07", "fair"))
    costs["amount"] = [35.0]
    result = fn.targets.attained(made(targets=table, costs=costs))
    found = {(row.period, row.group[0]): row.won_amount for row in result.rows}
    assert found == {("2026-W07", "Ann"): 300, ("2026-W07", "Bob"): 50, ("2026-W06", "Ann"): 0}
    assert result.costs[0].cost_amount == 35.0


def test_what_is_missing_is_named() -> None:
    with pytest.raises(MissingDataError, match="no table 'targets'"):
        fn.targets.attained(made())
    with pytest.raises(MissingDataError, match="no period that has begun"):
        fn.targets.attained(made(targets=months(("2031", "Ann", 10))))
    with pytest.raises(ParameterError, match="by = 'product'"):
        fn.targets.attained(sample(), by="product")
    only = fn.targets.attained(made(targets=months(("2026-04", "Ann", 10))))
    assert only.groups == () and only.finding("en") and only.text("zh")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_it_reads_in_words(lang: str) -> None:
    result = fn.targets.attained(sample(), at="2025-07-01")
    assert "70" in result.finding(lang)
    assert result.text(lang) and result.html(lang)
    assert not np.isnan(result.costs[-1].cost_share)
