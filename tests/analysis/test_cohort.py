"""Cohorts: calendar, maturity, equal age; mature cohorts equal plain shares counted by hand."""

import dataclasses
import itertools
import math
from datetime import date, timedelta

import numpy as np
import pytest

from funnelnb.analysis.conversion.cohort import Span, cohort
from funnelnb.core.errors import MissingDataError, ParameterError
from tests.analysis.floors import EPOCH, Deal, Floor, playbook, random_floor
from tests.analysis.oracle import incidence, lives

FIRST = date(2026, 1, 1)


def month(deal: Deal) -> str:
    return (FIRST + timedelta(days=deal.created)).strftime("%Y-%m")


def test_each_cohort_is_its_own_aalen_johansen():
    floor = random_floor(1, deal_n=300)
    result = cohort(floor.book(), horizon_days=60)
    assert [row.cohort for row in result.rows] == sorted({month(deal) for deal in floor.deals})
    assert sum(row.deal_n for row in result.rows) == result.n == len(floor.deals)
    for row in result.rows:
        deals = [deal for deal in floor.deals if month(deal) == row.cohort]
        ends = [deal.end for deal in deals]
        assert (row.deal_n, row.won_n, row.lost_n, row.open_n, row.left_n) == (
            len(deals),
            *(ends.count(name) for name in ("won", "lost", "open", "left")),
        )
        rows = lives(floor, deals, 0, floor.playbook.won)
        assert row.won_rate == pytest.approx(incidence(rows, row.seen_days)[0], abs=1e-12)
        assert row.at_risk_n == sum(time >= row.seen_days for time, _, _ in rows)


def test_mature_cohort_is_the_plain_share_won_in_time():
    floor = random_floor(2, deal_n=400)
    deals = tuple(deal for deal in floor.deals if deal.end != "left")
    result = cohort(dataclasses.replace(floor, deals=deals).book(), horizon_days=45)
    mature = [row for row in result.rows if row.mature]
    assert mature
    for row in mature:
        mine = [deal for deal in deals if month(deal) == row.cohort]
        in_time = sum(deal.end == "won" and deal.closed - deal.created <= 45 for deal in mine)
        assert row.won_rate == pytest.approx(in_time / len(mine), abs=1e-12)


def test_mature_from_the_day_the_youngest_could_be_of_that_age():
    """Created 31 January, horizon 30 days: trusted from 2 March, not on 1 March."""
    deals = tuple(Deal(visits=((0, float(day)),)) for day in range(31))
    deals += (Deal(visits=((0, 0.0),), end="lost", closed=1.0),)  # somebody was decided
    floor = Floor(deals=deals, playbook=playbook("lead"), today=59.0)
    (row,) = cohort(floor.book(), horizon_days=30).rows
    assert str(row.trusted_from) == "2026-03-02"
    assert not row.mature
    assert row.seen_days == 30  # 30 of the 31 deals were watched that long
    assert row.at_risk_n == 30
    (young,) = cohort(dataclasses.replace(floor, today=50.0).book(), horizon_days=30).rows
    assert young.seen_days == 30
    assert young.at_risk_n == 21
    (young,) = cohort(dataclasses.replace(floor, today=35.0).book(), horizon_days=30).rows
    assert (young.seen_days, young.at_risk_n) == (26, 10)
    (young,) = cohort(dataclasses.replace(floor, deals=deals[:5], today=35.0).book(), horizon_days=30).rows
    assert (young.seen_days, young.enough) == (5, False)
    (row,) = cohort(dataclasses.replace(floor, today=60.0).book(), horizon_days=30).rows
    assert row.mature
    assert row.seen_days == 30
    assert (str(row.starts), str(row.ends)) == ("2026-01-01", "2026-01-31")


def test_maturity_with_times_of_day():
    """Where deals have a time of day, the last day's deals are of age 30 only at the end of the day."""
    deals = tuple(Deal(visits=((0, day + 0.4),)) for day in range(31))
    end_of_day = 1 - 1 / 86_400
    floor = Floor(deals=deals, playbook=playbook("lead"), today=60.0 + end_of_day)
    (row,) = cohort(floor.book(), horizon_days=30).rows
    assert row.mature
    (row,) = cohort(dataclasses.replace(floor, today=59.0 + end_of_day).book(), horizon_days=30).rows
    assert not row.mature
    few = dataclasses.replace(floor, deals=deals[:5], today=35.0 + end_of_day)
    assert cohort(few.book(), horizon_days=30).rows[0].seen_days == 5


def test_immature_cohorts_do_not_fall_by_being_young():
    """Half the deals are won on day 40: so far the youngest look bad, at equal age they do not."""
    deals = []
    for day in range(180):
        for k in range(4):
            ends = day + (40.0 if k % 2 else 80.0)
            over = ends <= 180
            deals.append(
                Deal(
                    visits=((0, float(day)),),
                    end=("won" if k % 2 else "lost") if over else "open",
                    closed=ends if over else None,
                )
            )
    result = cohort(Floor(deals=tuple(deals), playbook=playbook("lead"), today=180.0).book(), horizon_days=90)
    share = {row.cohort: row.won_n / row.deal_n for row in result.rows}
    assert share["2026-06"] == 0
    for row in result.rows:
        seen = row.seen_days >= 40
        assert row.won_rate == pytest.approx(0.5 if seen else 0.0, abs=1e-12)
        assert row.mature == (row.cohort <= "2026-03")
    (note,) = [note for note in result.notes if note.code == "cohorts_immature"]
    assert note.values == {"cohorts_n": 3, "of_n": 6, "horizon_days": 90.0, "trusted_from": "2026-09-28"}


def test_cells_are_the_curve_at_regular_ages():
    floor = random_floor(3, deal_n=300)
    result = cohort(floor.book(), horizon_days=60)
    assert result.ages_days == (5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60)
    assert len(result.cells) == len(result.rows) * 12
    for cell in result.cells:
        rows = lives(floor, [d for d in floor.deals if month(d) == cell.cohort], 0, floor.playbook.won)
        if max(time for time, _, _ in rows) < cell.age_days and incidence(rows, 1e9)[2] > 0:
            assert math.isnan(cell.won_rate)
        else:
            assert cell.won_rate == pytest.approx(incidence(rows, cell.age_days)[0], abs=1e-12)
        row = next(row for row in result.rows if row.cohort == cell.cohort)
        assert cell.mature == (floor.as_of >= row.ends + np.timedelta64(int(cell.age_days), "D"))
        assert cell.at_risk_n == sum(time >= cell.age_days for time, _, _ in rows)
    assert any(math.isnan(cell.won_rate) for cell in result.cells)


def test_ages_can_be_given():
    result = cohort(random_floor(3).book(), horizon_days=60, ages_days=[30, 7.5, 30])
    assert result.ages_days == (7.5, 30)
    for horizon in (1, 2.5, 30, 365, 3000):
        ages = cohort(random_floor(3).book(), horizon_days=horizon).ages_days
        assert ages[-1] == horizon
        assert 1 <= len(ages) <= 13
        assert all(one < other for one, other in itertools.pairwise(ages))


@pytest.mark.parametrize("period", ["week", "month", "quarter", "year"])
def test_spans_agree_with_the_calendar(period):
    for number in range(0, 3000, 5):
        day = date(2019, 12, 25) + timedelta(days=number)
        year, week, _ = day.isocalendar()
        label = {
            "week": f"{year}-W{week:02d}",
            "month": f"{day:%Y-%m}",
            "quarter": f"{day.year}-Q{(day.month + 2) // 3}",
            "year": f"{day.year}",
        }[period]
        span = Span.of(label, period)
        first, last = span.starts.item(), span.ends.item()
        assert first <= day <= last
        before, after = first - timedelta(days=1), last + timedelta(days=1)
        if period == "week":
            assert (first.isoweekday(), last.isoweekday()) == (1, 7)
            assert (last - first).days == 6
        else:
            assert first.day == after.day == 1
            months = {"month": 1, "quarter": 3, "year": 12}[period]
            assert (after.year - first.year) * 12 + after.month - first.month == months
            assert before < first


@pytest.mark.parametrize("period", ["week", "month", "quarter", "year"])
def test_deals_fall_into_their_span(period):
    floor = random_floor(5, deal_n=200)
    result = cohort(floor.book(), every=period, horizon_days=30)
    created = np.array([int(deal.created) for deal in floor.deals]) + EPOCH.astype("M8[D]")
    assert [row.deal_n for row in result.rows] == [
        int(((created >= row.starts) & (created <= row.ends)).sum()) for row in result.rows
    ]
    assert [row.starts for row in result.rows] == sorted(row.starts for row in result.rows)


def test_by_group_adds_up():
    floor = random_floor(6, deal_n=200)
    whole = cohort(floor.book(), horizon_days=30)
    parts = cohort(floor.book(), horizon_days=30, by="region")
    assert parts.by == ("region",)
    for row in whole.rows:
        assert row.deal_n == sum(part.deal_n for part in parts.rows if part.cohort == row.cohort)
    assert [row.group for row in parts.rows] == sorted(row.group for row in parts.rows)


def test_deals_without_a_date_are_in_no_cohort():
    floor = random_floor(6, deal_n=60)
    book = floor.book()
    deals = book.tables["opportunities"].copy()
    history = book.tables["stage_history"]
    deals.loc[:4, "created_at"] = None
    undated = dataclasses.replace(
        book,
        tables={
            "opportunities": deals,
            "stage_history": history[~history["opportunity_id"].isin(deals["opportunity_id"][:5])],
        },
    )
    result = cohort(undated, horizon_days=30)
    assert sum(row.deal_n for row in result.rows) == len(floor.deals) - 5
    (note,) = [note for note in result.notes if note.code == "cohort_unknown"]
    assert note.values == {"deals_n": 5, "of_n": len(floor.deals)}


def test_bad_parameters_are_named():
    book = random_floor(0).book()
    with pytest.raises(ParameterError, match="did you mean 'month'"):
        cohort(book, every="months")
    with pytest.raises(ParameterError, match="ages_days = 0"):
        cohort(book, ages_days=[0, 30])
    with pytest.raises(MissingDataError, match="region"):
        cohort(book, by="Region")
