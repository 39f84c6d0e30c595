"""Before and after: counts by hand, a planted change is found, no change is seldom claimed, sides that cannot be."""

import functools

import numpy as np
import pandas as pd
import pytest

import funnelnb as fn
from funnelnb.core.errors import ParameterError
from funnelnb.stats.rates.compare import newcombe
from tests.analysis.desk import book
from tests.analysis.floors import Deal


@functools.cache
def sample():
    return fn.sample()


def floor(rates: tuple[float, float], n: int, seed: int, waits: tuple[float, float] = (10.0, 10.0)):
    """Deals entered evenly over 200 days, decided after `waits`; the share won changes on day 100."""
    rng = np.random.default_rng(seed)
    deals = []
    for k in range(2 * n):
        late = k >= n
        start = 100.0 * k / n
        wait = float(rng.exponential(waits[late])) + 1.0
        won = rng.random() < rates[late]
        visits = ((0, start), (1, start + wait / 2), (2, start + wait * 0.8))
        deals.append(
            Deal(visits=visits if won else visits[:1], end="won" if won else "lost", closed=start + wait)
        )
    return book(*deals, today=400.0)


def day(made, number: float) -> str:
    return str(made.as_of - np.timedelta64(round((400 - number) * 86_400), "s"))[:10]


def test_a_planted_change_is_found_and_by_newcombes_bounds() -> None:
    """All deals are decided long before the end: success is a plain share, and its difference Newcombe's."""
    made = floor((0.3, 0.6), 300, seed=5)
    edge = pd.Timestamp(day(made, 100.0))
    result = fn.targets.before_after(made, at=str(edge)[:10], horizon_days=90)
    deals = made.opportunities
    after = deals["created_at"] >= edge
    won = deals["outcome"] == "won"
    row = next(one for one in result.changes if one.property == "success" and not one.stage)
    assert row.after_value == pytest.approx(won[after].mean())
    mine = deals["created_at"] >= pd.Timestamp(result.before.starts)
    before = ~after & mine
    assert row.before_value == pytest.approx(won[before].mean())
    low, high = newcombe(won[after].sum(), after.sum(), won[before].sum(), before.sum())
    assert (row.change_ci_lower, row.change_ci_upper) == pytest.approx((low, high), abs=0.02)
    assert row.verdict == "up"
    assert "More are won" in result.finding("en") and "成功率提高" in result.finding("zh")


def test_no_change_is_seldom_claimed() -> None:
    """Forty floors without a change: about one in ten whole-funnel verdicts on success may err at level 90 %."""
    wrong = 0
    for seed in range(40):
        made = floor((0.4, 0.4), 80, seed=seed)
        result = fn.targets.before_after(made, at=day(made, 100.0), horizon_days=90)
        wrong += next(
            one for one in result.changes if one.property == "success" and not one.stage
        ).verdict in (
            "up",
            "down",
        )
    assert wrong <= 9


def test_slower_deals_are_found_although_some_are_still_open() -> None:
    made = floor((0.5, 0.5), 300, seed=2, waits=(8.0, 30.0))
    result = fn.targets.before_after(made, at=day(made, 100.0))
    row = next(one for one in result.changes if one.property == "cycle" and not one.stage)
    assert row.verdict == "up" and 10 < row.change < 30


def test_arrivals_are_those_of_the_days_not_of_the_deals() -> None:
    """A stage's number counts who came in the period, so that young deals do not look like fewer arrivals."""
    result = fn.targets.before_after(sample(), before="2025-Q2", after="2026-Q2")
    history = sample().table("stage_history")
    order = {stage: k for k, stage in enumerate(sample().playbook.stage_ids)}
    first = history[history["stage"].map(order) >= 2].groupby("opportunity_id")["entered_at"].min()
    for side, start, end in (("before", "2025-04-01", "2025-07-01"), ("after", "2026-04-01", "2026-07-01")):
        n = first.between(start, end, inclusive="left").sum()
        row = next(
            one for one in result.changes if (one.property, one.stage) == ("number", "project_approved")
        )
        assert getattr(row, f"{side}_value") == pytest.approx(n / (91 / (365.25 / 12)))


def test_sides_are_as_long_and_crossing_deals_are_told() -> None:
    result = fn.targets.before_after(sample(), at="2026-04-01")
    assert (str(result.before.starts), str(result.before.ends)) == ("2025-12-31", "2026-03-31")
    assert (str(result.after.starts), str(result.after.ends)) == ("2026-04-01", "2026-06-30")
    deals = sample().opportunities
    mine = deals["created_at"].between("2025-12-31", "2026-04-01", inclusive="left")
    crossing = mine & (deals["closed_at"].isna() | (deals["closed_at"] >= "2026-04-01"))
    assert result.crossing_n == crossing.sum()
    assert "sides_crossed" in {note.code for note in result.notes}


def test_the_horizon_is_one_that_both_sides_can_show() -> None:
    result = fn.targets.before_after(sample(), at="2026-04-01")
    assert result.horizon_days < 91
    whole = next(row for row in result.changes if row.property == "success" and not row.stage)
    assert not np.isnan(whole.change)
    for row in result.changes:
        assert (row.verdict == "unknown") == bool(np.isnan(row.change_ci_lower))


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({}, "expected"),
        ({"at": "2026-01-01", "before": "2025", "after": "2026"}, "expected"),
        ({"at": "2027-01-01"}, "at = '2027-01-01'"),
        ({"before": "2026", "after": "2025"}, "does not end before"),
        ({"before": "2025-Q1", "after": "later"}, "after = 'later'"),
        ({"before": "2011", "after": "2026"}, "no deal is known to have entered"),
    ],
)
def test_sides_that_cannot_be(more: dict, told: str) -> None:
    with pytest.raises(ParameterError) as caught:
        fn.targets.before_after(sample(), **more)
    assert told in str(caught.value) or told == "expected"


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_side_by_side_in_every_form(lang: str) -> None:
    result = fn.targets.before_after(sample(), before="2025-Q2", after="2026-Q2")
    assert result.text(lang) and result.html(lang) and result.chart(lang=lang).to_dict()
    assert len(result.to_frame()) == 4 + 3 * 5


def test_typed_counts_by_newcombe_and_garwood() -> None:
    now, old = [100, 80, 40, 20, 10, 5], [90, 60, 30, 15, 9, 4]
    result = fn.targets.before_after(now, before=old)
    rows = {(row.property, row.stage): row for row in result.changes}
    step = rows["success", "prospects"]
    assert (step.before_value, step.after_value) == (60 / 90, 0.8)
    low, high = newcombe(80, 100, 60, 90)
    assert (step.change_ci_lower, step.change_ci_upper) == pytest.approx((float(low), float(high)))
    assert step.verdict == "up"
    count = rows["count", ""]
    from scipy import stats

    assert count.after_ci_lower == pytest.approx(stats.chi2.ppf(0.05, 200) / 2)
    assert count.after_ci_upper == pytest.approx(stats.chi2.ppf(0.95, 202) / 2)
    assert rows["success", ""].verdict == "not_separable"
    assert "潜在客户的成功率" in result.finding("zh") and result.text("en")
    named = fn.targets.before_after(
        {"潜在客户": 100, "初步接触": 80, "需求确认": 40, "方案提出": 20, "报价洽谈": 10, "成交": 5},
        before=old,
    )
    assert [row.after_value for row in named.changes] == [row.after_value for row in result.changes]


@pytest.mark.parametrize(
    ("counts", "more", "told"),
    [
        ([10, 5], {"before": None}, "before = None with typed counts"),
        ([10, 5], {"before": "2026-Q1"}, "before = '2026-Q1' with typed counts"),
        ([10, 5], {"before": [9, 4], "at": "2026-01-01"}, "at with typed counts"),
        (5, {}, "was given 5"),
        ("week.csv", {}, "was given a path"),
    ],
)
def test_typed_counts_that_cannot_be(counts, more: dict, told: str) -> None:
    with pytest.raises(ParameterError, match=told):
        fn.targets.before_after(counts, **more)


def test_weeks_are_sides_as_well() -> None:
    result = fn.targets.before_after(sample(), before="2026-W10", after="2026年第20周")
    assert [str(side.starts) for side in (result.before, result.after)] == ["2026-03-02", "2026-05-11"]
