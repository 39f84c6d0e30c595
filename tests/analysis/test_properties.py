"""The six properties: the weekly report, a trapezoid by construction, counts and medians by loops, cuts that add up."""

import functools
import math

import numpy as np
import pandas as pd
import pytest

import funnelnb as fn
from funnelnb.analysis.targets.properties import _shape, trapezoid_rates
from funnelnb.core.errors import ParameterError
from tests.analysis.desk import book, open_deal
from tests.analysis.floors import Deal

WEEK = [100, 80, 40, 20, 10, 5]


@functools.cache
def sample():
    return fn.sample()


@functools.cache
def page():
    return fn.six_properties(sample(), ideal="trapezoid", horizon_days=180)


def test_the_weekly_report_without_a_crm() -> None:
    """Golden (DOMAIN D1) beside an ideal and an earlier week, all typed; cycle and money are not known."""
    result = fn.six_properties(WEEK, ideal=[0.8, 0.6, 0.6, 0.6, 0.6], before=[90, 70, 40, 18, 9, 4])
    actual, ideal, earlier = result.rows
    assert [row.success_rate for row in result.stages[:5]] == [0.8, 0.5, 0.5, 0.5, 0.5]
    assert (actual.entry_n, actual.won_n, actual.success_rate) == (100, 5, 0.05)
    assert ideal.won_n == pytest.approx(100 * 0.8 * 0.6**4)
    assert (earlier.series, earlier.entry_n) == ("last_year", 90)
    assert actual.slope_rate == pytest.approx(0.05**0.2)
    assert math.isnan(actual.cycle_days) and math.isnan(actual.won_amount)
    text = result.text("zh")
    assert "潜在客户" in text and "漏斗形状" in text and "漏斗周期" not in text
    assert "n = 0" not in text and "截至 –" not in text


def test_shapes_by_construction() -> None:
    stages = list("abcde")
    assert _shape([1000, 800, 600, 400, 200], stages)["shape"] == "trapezoid"
    early = _shape([1000, 300, 280, 250, 200], stages)
    assert (early["shape"], early["bend_stage"]) == ("narrows_early", "b")
    assert early["bend_share"] == pytest.approx(0.3 - 0.8)
    assert _shape([1000, 990, 980, 950, 200], stages)["shape"] == "narrows_late"
    assert _shape([20, 14, 11, 8, 4], stages)["shape"] == "trapezoid", "within chance for twenty deals"
    assert _shape([math.nan, 1, 1, 1, 1], stages)["shape"] == "unknown"
    rates = trapezoid_rates([1000, 300, 280, 250, 200])
    assert [round(1000 * np.prod(rates[:k])) for k in range(5)] == [1000, 800, 600, 400, 200]


def test_the_ideal_trapezoid_keeps_entries_and_wins() -> None:
    actual, ideal, _ = page().rows
    assert ideal.entry_n == actual.entry_n
    assert ideal.success_rate == pytest.approx(actual.success_rate)
    assert (ideal.shape, page().reference) == ("trapezoid", "trapezoid")
    widths = [row.width_n for row in page().stages if row.series == "ideal"]
    assert np.allclose(np.diff(widths), widths[1] - widths[0])


def test_numbers_and_money_of_the_period_by_a_loop() -> None:
    """Arrivals, wins and their amounts counted from the tables, not from the ledger."""
    history, deals = sample().table("stage_history"), sample().opportunities
    start, end = pd.Timestamp("2025-07-01"), pd.Timestamp("2026-07-01")
    actual = page().rows[0]
    entered = deals["created_at"].between(start, end, inclusive="left")
    assert actual.entry_n == entered.sum()
    won = deals[(deals["outcome"] == "won") & deals["closed_at"].between(start, end, inclusive="left")]
    assert actual.won_n == len(won)
    assert actual.won_amount == pytest.approx(won["amount"].sum())
    assert actual.median_won_amount == pytest.approx(won["amount"].median())
    order = {stage: k for k, stage in enumerate(sample().playbook.stage_ids)}
    place = history["stage"].map(order)
    arrived = history[place >= 3].groupby("opportunity_id")["entered_at"].min()
    shortlist = next(row for row in page().stages if (row.series, row.stage) == ("actual", "shortlist"))
    assert shortlist.entry_n == arrived.between(start, end, inclusive="left").sum()


def test_success_and_cycle_are_those_of_the_entered_deals() -> None:
    """The same figures as conversion and duration give for a book of these deals alone."""
    from dataclasses import replace

    deals = sample().opportunities
    mine = deals[deals["created_at"] >= "2025-07-01"].reset_index(drop=True)
    history = sample().table("stage_history")
    kept = history[history["opportunity_id"].isin(mine["opportunity_id"])].reset_index(drop=True)
    alone = replace(sample(), tables={"opportunities": mine, "stage_history": kept})
    converted = fn.conversion(alone, horizon_days=180)
    assert page().rows[0].success_rate == pytest.approx(converted.overall[0].by_day_rate)
    for row, step in zip(page().stages, converted.steps[:5], strict=False):
        assert row.success_rate == pytest.approx(step.by_day_rate)
    lasted = {row.stage: row for row in fn.duration(alone).rows if not row.overall}
    for row in page().stages[:5]:
        assert row.cycle_days == lasted[row.stage].median_days
    assert page().rows[0].cycle_days == fn.duration(alone).rows[-1].median_days


@pytest.mark.parametrize("by", ["region", "owner", "product", "customer_type", "size"])
def test_cuts_add_up_to_the_whole(by: str) -> None:
    result = fn.six_properties(sample(), by=by, last_year=False, horizon_days=180)
    groups = [row for row in result.rows if row.group]
    whole = result.rows[0]
    known = whole.entry_n
    if by == "size":
        deals = sample().opportunities
        known = (deals["amount"].notna() & (deals["created_at"] >= "2025-07-01")).sum()
    if len(groups) < 26:
        assert sum(row.entry_n for row in groups) == known
    if by == "region":
        assert sum(row.won_n for row in groups) == whole.won_n


@pytest.mark.parametrize(("by", "last"), [("year", "2026"), ("quarter", "2026-Q2"), ("month", "2026-06")])
def test_cuts_by_time_hold_the_deals_of_their_days(by: str, last: str) -> None:
    result = fn.six_properties(sample(), by=by, last_year=False, horizon_days=90)
    row = result.rows[-1]
    assert row.group == (last,)
    created = sample().opportunities["created_at"]
    period = {"year": created.dt.strftime("%Y"), "month": created.dt.strftime("%Y-%m")}
    period["quarter"] = created.dt.year.astype(str) + "-Q" + created.dt.quarter.astype(str)
    assert row.entry_n == (period[by] == last).sum()


def test_last_year_and_the_ideal_stand_beside_every_group() -> None:
    """Last year's row of a group is the group's own page a year earlier; sums of the groups are the whole's."""
    result = fn.six_properties(sample(), by="region", ideal="trapezoid", horizon_days=180)
    groups = [row for row in result.rows if row.group]
    assert [row.series for row in groups[:3]] == ["actual", "ideal", "last_year"]
    for series in ("actual", "last_year"):
        whole = next(row for row in result.rows if row.series == series and not row.group)
        assert sum(row.entry_n for row in groups if row.series == series) == whole.entry_n
        assert sum(row.won_n for row in groups if row.series == series) == whole.won_n
    alone = fn.six_properties(sample().where(region="DACH"), horizon_days=180)
    mine = next(row for row in groups if row.group == ("DACH",) and row.series == "last_year")
    assert mine.success_rate == pytest.approx(alone.rows[1].success_rate)
    assert (mine.entry_n, mine.cycle_days) == (alone.rows[1].entry_n, alone.rows[1].cycle_days)
    text = result.text("zh")
    assert "去年同期" in text and "理想漏斗" in text


def test_a_named_period_bounds_the_cut_by_time() -> None:
    result = fn.six_properties(sample(), by="week", period="2026-05", last_year=False, horizon_days=30)
    assert [row.group[0] for row in result.rows if row.group] == [f"2026-W{k}" for k in range(18, 23)]
    week = fn.six_properties(sample(), period="2026-W20", last_year=False, horizon_days=30).rows[0]
    assert (str(week.starts), str(week.ends)) == ("2026-05-11", "2026-05-17")
    same = next(row for row in result.rows if row.group == ("2026-W20",))
    assert (same.entry_n, same.won_n, same.won_amount) == (week.entry_n, week.won_n, week.won_amount)


def test_last_year_of_a_running_period_has_as_many_days() -> None:
    today = str(sample().as_of)[:10]
    assert today == "2026-06-30"
    running = fn.six_properties(sample(), period="2026", horizon_days=90)
    assert [str(row.ends) for row in running.rows] == ["2026-06-30", "2025-06-30"]


def test_weeks_begin_on_monday() -> None:
    result = fn.six_properties(sample(), by="week", last_year=False, horizon_days=30)
    week = next(row for row in result.rows if row.group == ("2026-W26",))
    created = sample().opportunities["created_at"]
    assert week.entry_n == created.between("2026-06-22", "2026-06-29", inclusive="left").sum()


def test_open_deals_are_not_losses_and_young_ones_say_nothing_yet() -> None:
    """Of fifty deals forty win and ten are lost after 100 days; last week's forty are open: success stays 0.8."""
    way = ((0, 0.0), (1, 10.0), (2, 20.0))
    old = [Deal(visits=way, end="won", closed=100.0) for _ in range(40)]
    old += [Deal(visits=way, end="lost", closed=100.0) for _ in range(10)]
    young = [open_deal(0, since=295.0) for _ in range(40)]
    result = fn.six_properties(book(*old, *young, today=300.0), last_year=False, horizon_days=120)
    assert result.rows[0].success_rate == pytest.approx(0.8)
    only = fn.six_properties(book(*young, today=300.0), last_year=False, horizon_days=120)
    assert math.isnan(only.rows[0].success_rate)
    assert fn.six_properties(book(*young, today=300.0), last_year=False).finding("en")


def test_without_a_lost_deal_success_is_not_known() -> None:
    """Whether nothing was lost or lost deals were not exported, forty wins cannot tell: not known, and said so."""
    won = [Deal(visits=((0, 0.0), (1, 10.0), (2, 20.0)), end="won", closed=100.0) for _ in range(40)]
    young = [open_deal(0, since=295.0) for _ in range(40)]
    result = fn.six_properties(book(*won, *young, today=300.0), last_year=False, horizon_days=120)
    assert math.isnan(result.rows[0].success_rate)
    assert "only_wins" in {note.code for note in result.notes}


def test_without_a_year_of_records_it_says_so() -> None:
    result = fn.six_properties(book(*[open_deal(0, since=50.0) for _ in range(20)]))
    assert [row.series for row in result.rows] == ["actual"]
    assert "last_year_missing" in {note.code for note in result.notes}


def test_an_ideal_measured_in_another_book() -> None:
    best = sample().where(region="DACH")
    result = fn.six_properties(
        sample().where(region="Nordics"), ideal=best, horizon_days=180, last_year=False
    )
    steps = fn.conversion(best, horizon_days=180).steps
    ideal = [row for row in result.stages if row.series == "ideal"]
    assert [row.success_rate for row in ideal[:5]] == pytest.approx([step.by_day_rate for step in steps[:5]])
    assert ideal[0].cycle_days == fn.duration(best).rows[0].median_days
    assert result.reference == "DACH"


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"by": "planet"}, "by = 'planet'"),
        ({"period": "soon"}, "period = 'soon'"),
        ({"period": "2031"}, "begins on 2031-01-01"),
        ({"period": "2019"}, "no deal entered"),
        ({"ideal": "triangle"}, "ideal = 'triangle'"),
        ({"ideal": [0.5, 0.5]}, "2 shares"),
        ({"before": WEEK}, "before or playbook with a book"),
        ({"horizon_days": 0}, "horizon_days"),
        ({"period": "2026-W60"}, "period = '2026-W60'"),
    ],
)
def test_what_cannot_be_is_refused(more: dict, told: str) -> None:
    with pytest.raises(ParameterError, match=told):
        fn.six_properties(sample(), **more)


def test_typed_counts_take_no_dates_and_no_attributes() -> None:
    with pytest.raises(ParameterError, match="period, by with typed counts"):
        fn.six_properties(WEEK, by="region", period="2026")
    with pytest.raises(ParameterError, match="was given a path"):
        fn.six_properties("week.csv")


def test_typed_ideals_are_checked() -> None:
    with pytest.raises(ParameterError, match="does not fit"):
        fn.six_properties(WEEK, ideal=[0.5])
    assert fn.six_properties(WEEK, ideal="trapezoid").rows[1].won_n == pytest.approx(5)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_one_page_with_all_six(lang: str) -> None:
    titles = {
        "en": "Stages Shape Number Cycle Money",
        "zh": "漏斗阶段 漏斗形状 漏斗数量 漏斗周期 漏斗成功率 漏斗金额",
    }
    for form in (page().text(lang), page().html(lang), page().markdown(lang)):
        for title in titles[lang].split():
            assert title in form
    assert page().chart(lang=lang).to_dict()
