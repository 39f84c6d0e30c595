"""Durations, stuck deals and ageing in business days: by numpy alone, by hand, and as invariants."""

from __future__ import annotations

import csv
import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import funnelnb as fn
from funnelnb.analysis.shared.counts import calendar_notes, time_counts
from funnelnb.analysis.shared.open_deals import open_deals
from funnelnb.core.errors import ParameterError
from funnelnb.data.contract.calendar import CALENDAR_DAYS, Calendar, calendar_of
from funnelnb.data.count.counts import ADVANCED, CENSORED, LOST_OUT
from tests.analysis.desk import book, open_deal, relabelled, shuffled
from tests.analysis.floors import Deal, random_floor
from tests.analysis.oracle import same, values
from tests.analysis.test_scan import frames
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

DAY = 86_400
WEEK = calendar_of("business")


def same_rows(one: Any, other: Any) -> None:
    same(values(*one), values(*other))


def median_by_hand(days: np.ndarray, ended: np.ndarray) -> float:
    """The first day by which Kaplan-Meier has half: a loop over days, those censored on a day still at risk."""
    still = 1.0
    for day in np.unique(days[ended]):
        still *= 1 - np.sum((days == day) & ended) / np.sum(days >= day)
        if still <= 0.5:
            return float(day)
    return float("inf")


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["business", "US", "CN"])
def test_the_maven_export_by_numpy_alone(shared_data: Path, name: str) -> None:
    """Engagement to close of 8,300 deals, read with csv, counted with ``numpy.busday_count``."""
    maven = fn.load(shared_data / "maven_crm", mapping=ROOT / "examples" / "maven_crm.toml")
    with (shared_data / "maven_crm" / "sales_pipeline.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["engage_date"]]
    began = np.array([row["engage_date"] for row in rows], "datetime64[D]")
    ended = np.array([bool(row["close_date"]) for row in rows])
    as_of = maven.as_of.astype("datetime64[D]")
    until = np.array([row["close_date"] or as_of for row in rows], "datetime64[D]")
    calendar = calendar_of(name)
    holidays = np.array(calendar.holidays, "datetime64[D]")
    days = np.busday_count(began, until, holidays=holidays)
    for extra in np.array(calendar.workdays, "datetime64[D]"):
        days += (began <= extra) & (extra < until)
    row = fn.duration(maven, calendar=name).rows[-1]
    assert (row.n, row.closed_n) == (len(rows), int(ended.sum()))
    assert row.median_days == median_by_hand(days, ended)
    assert row.naive_median_days == np.sort(days[ended])[(ended.sum() - 1) // 2]
    assert row.naive_mean_days == pytest.approx(days[ended].mean())
    assert row.last_event_days == days[ended].max()
    assert row.older_n == int((days[~ended] > days[ended].max()).sum())
    assert row.median_days < fn.duration(maven).rows[-1].median_days


def test_ages_of_open_deals_by_numpy() -> None:
    sample = fn.sample()
    for calendar in (None, WEEK, calendar_of("CN"), calendar_of("DE-BY")):
        deals = open_deals(sample, calendar)
        ledger = sample.ledger
        since = ledger.entered_s[ledger.start[1:] - 1][deals.index]
        day = since.astype("datetime64[s]").astype("datetime64[D]")
        as_of = sample.as_of.astype("datetime64[D]")
        wanted = (as_of - day).astype(float)
        if calendar is not None:
            holidays = np.array(calendar.holidays, "datetime64[D]")
            wanted = np.busday_count(day, as_of, holidays=holidays).astype(float)
            extra = np.array(calendar.workdays, "datetime64[D]")
            wanted += [int(((one <= extra) & (extra < as_of)).sum()) for one in day]
        assert deals.age_days.tolist() == wanted.tolist()


def test_stuck_and_ageing_take_the_same_ages() -> None:
    sample = fn.sample()
    for name in ("business", "CN"):
        deals = open_deals(sample, calendar_of(name))
        ages = dict(zip(deals.opportunity_id, deals.age_days.tolist(), strict=True))
        stuck = fn.stuck(sample, calendar=name)
        assert {deal.opportunity_id: deal.age_days for deal in stuck.deals} == ages
        cells = fn.ageing(sample, calendar=name).cells
        first = sum(cell.open_n for cell in cells if cell.from_days == 0)
        assert first == sum(age < 15 for age in ages.values())
        assert sum(cell.open_n for cell in cells) == len(ages)


def test_calendar_days_asked_for_by_name_change_nothing() -> None:
    sample = fn.sample()
    plain = fn.duration(sample)
    for value in ("", CALENDAR_DAYS, Calendar(name="all", weekend=())):
        other = fn.duration(sample, calendar=value)
        same_rows(other.rows, plain.rows)
        same_rows(other.fits, plain.fits)
    assert (plain.calendar, other.calendar) == ("", "all")
    same_rows(fn.stuck(sample, calendar="").deals, fn.stuck(sample).deals)


def test_a_weekend_is_no_time_at_all() -> None:
    """2026-01-01 is a Thursday: lead from Saturday the 3rd to Sunday the 4th is over within no business time."""
    weekend = Deal(visits=((0, 2.0), (1, 3.0), (2, 9.0)), end="won", closed=12.0, amount=1.0)
    found = time_counts(book(*[weekend] * 3), 0, 1, calendar=WEEK, durations=True)
    assert (found.time_s.tolist(), found.outcome.tolist(), found.n.tolist()) == ([0], [ADVANCED], [3])
    whole = time_counts(book(weekend), 0, 3, calendar=WEEK, durations=True)
    assert whole.time_s.tolist() == [6 * DAY]  # Monday 5th to Friday 9th, Monday 12th


def test_late_history_is_judged_by_the_wall_clock() -> None:
    """Observed from Sunday 4 January on (2026-01-01 is a Thursday)."""
    deals = (
        Deal(visits=((0, 2.0),), end="lost", closed=2.5),  # Saturday, over before: never seen
        Deal(visits=((0, 0.0),), end="lost", closed=2.5),  # Thursday to Saturday: never seen
        Deal(visits=((0, 2.0),), end="lost", closed=5.0),  # Saturday to Tuesday 6th: seen from no age on
        Deal(visits=((0, 0.0),), end="lost", closed=5.0),  # Thursday to Tuesday: seen from two days on
        Deal(visits=((0, 0.0),), end="lost", closed=3.5),  # to Sunday noon: seen on a day off alone
        Deal(visits=((0, 4.0),), end="lost", closed=6.0),  # Monday to Wednesday
    )
    late = replace(book(*deals), observed_from=np.datetime64("2026-01-04", "s"))
    plain = time_counts(late, 0, 3)
    assert plain.n.sum() == 4
    found = time_counts(late, 0, 3, calendar=WEEK)
    rows = sorted(
        zip((found.entry_s / DAY).tolist(), (found.time_s / DAY).tolist(), found.n.tolist(), strict=True)
    )
    assert rows == [(0, 1, 1), (0, 2, 1), (2, 3, 1)]


def test_the_as_of_date_goes_through_the_same_calendar() -> None:
    """Open since Friday 2 January; seen on Sunday, Monday and Tuesday."""
    for today, age in ((3.0, 1.0), (4.0, 1.0), (5.0, 2.0)):
        made = book(open_deal(since=1.0), today=today)
        assert open_deals(made, WEEK).age_days.tolist() == [age]
        counts = time_counts(made, 0, 3, calendar=WEEK, durations=True)  # no rate: nobody is decided
        assert (counts.time_s.tolist(), counts.outcome.tolist()) == ([age * DAY], [CENSORED])


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_a_stay_in_two_parts_adds_up(seed: int) -> None:
    """Mean time from lead to won is that to the step between and that from there, in whatever calendar."""
    made = random_floor(seed, deal_n=60).book()
    ledger = made.ledger
    for name in ("", "business", "CN"):
        calendar = calendar_of(name)
        whole = ledger.outcome == 1
        reached = ledger.reached_s[whole]
        known = (reached[:, : ledger.won + 1] != np.iinfo(np.int64).min).all(axis=1)
        at = calendar.elapsed_s(reached[known][:, : ledger.won + 1])
        parts = np.diff(at, axis=1)
        assert (parts >= 0).all()
        assert (parts.sum(axis=1) == at[:, -1] - at[:, 0]).all()


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 60))
def test_whole_weeks_later_nothing_changes_without_holidays(seed: int, weeks: int) -> None:
    made = random_floor(seed, deal_n=80).book()
    shift = np.timedelta64(7 * weeks, "D")
    tables: dict[str, pd.DataFrame] = {}
    for name, table in made.tables.items():
        times = [column for column in table if str(table[column].dtype).startswith("datetime")]
        tables[name] = table.assign(**{column: table[column] + shift for column in times})
    later = replace(made, tables=tables, as_of=made.as_of + shift)
    same_rows(*(fn.duration(one, calendar="business").rows for one in (later, made)))


def test_order_of_rows_and_ids_do_not_matter() -> None:
    made = random_floor(5, deal_n=200).book()
    wanted = fn.duration(made, calendar="CN", by="region")
    for other in (shuffled(made), relabelled(made)):
        same_rows(fn.duration(other, calendar="CN", by="region").rows, wanted.rows)


def test_business_time_is_never_longer() -> None:
    made = random_floor(8, deal_n=200).book()
    counts = [time_counts(made, 0, 3, calendar=calendar_of(name)) for name in ("CN", "business", "")]
    total = [int((one.time_s * one.n).sum()) for one in counts]
    assert total[1] < total[2]
    assert {int(one.n.sum() + one.unknown_n.sum()) for one in counts} == {
        int(counts[0].n.sum() + counts[0].unknown_n.sum())
    }
    for outcome in (CENSORED, ADVANCED, LOST_OUT):
        assert len({int(one.n[one.outcome == outcome].sum()) for one in counts}) == 1


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
def test_a_scan_in_its_engine_counts_calendar_days_only(engine: str) -> None:
    made, scan = frames(engine, 4)
    for call in (
        lambda: fn.duration(scan, calendar="business"),
        lambda: scan.time_counts(0, 1, calendar=WEEK),
    ):
        with pytest.raises(ParameterError, match="counted in its engine") as told:
            call()
        assert "fn.load" in str(told.value)
    same_rows(fn.duration(scan, calendar="").rows, fn.duration(scan).rows)
    tables = [made.tables["opportunities"], made.tables["stage_history"]]
    pulled = fn.Scan(*tables, playbook=made.playbook, as_of=made.as_of)
    same_rows(fn.duration(pulled, calendar="CN").rows, fn.duration(made, calendar="CN").rows)


@pytest.mark.parametrize(
    ("first", "last", "told"),
    [(2001, 2026, False), (1999, 2020, True), (2020, 2027, True), (2026, 2026, False)],
)
def test_years_that_the_calendar_does_not_know_are_told(first: int, last: int, told: bool) -> None:
    deals = pd.DataFrame({
        "opportunity_id": ["a", "b"], "outcome": ["open", "open"], "stage": ["lead", "lead"],
        "created_at": [f"{first}-03-02", f"{last}-11-02"],
    })  # fmt: skip
    made = fn.load(deals, playbook=["lead", "won"], as_of=f"{last}-12-01", name="x")
    notes = {note.code: note.values for note in calendar_notes(made, calendar_of("CN"))}
    assert ("calendar_years" in notes) is told
    assert not calendar_notes(made, WEEK)
    if told:
        assert notes["calendar_years"]["to_year"] == "2026"
        result = fn.duration(made, calendar="CN")
        assert "2001 to 2026" in result.text("en")
        assert "2001 至 2026 年" in result.text("zh")


def test_a_name_with_a_mark_in_it_is_only_a_name() -> None:
    odd = Calendar(name="<b>works</b> & co", holidays=[dt.date(2026, 1, 6)])
    result = fn.duration(fn.sample(), calendar=odd, stage="negotiation")
    assert "&lt;b&gt;works&lt;/b&gt; &amp; co" in result.html("en")
    assert "<b>works" not in result.html("en")
    assert "business days (<b>works</b> & co)" in result.text("en")


@pytest.mark.parametrize("call", [fn.duration, fn.stuck, fn.ageing])
def test_a_wrong_calendar_is_refused_everywhere(call: Any) -> None:
    with pytest.raises(ParameterError, match="calendar = 'buisness'"):
        call(fn.sample(), calendar="buisness")
