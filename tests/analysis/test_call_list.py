"""The call list: ranks by hand, the past against what was then won, explanations, export, what is refused."""

from dataclasses import replace

import numpy as np
import openpyxl
import pandas as pd
import pytest

import funnelnb as fn
from funnelnb.analysis.priority.call_list import adjusted
from funnelnb.core.errors import FunnelError, ParameterError
from funnelnb.stats.rates.calibration import auc, calibration
from tests.analysis.desk import book, frame, open_deal, relabelled, shuffled
from tests.analysis.floors import Deal


def history(n: int = 40):
    """Half of the deals are won 20 days after the lead, half lost after 10; offers and talks in between."""
    won = [Deal(visits=((0, 0.0), (1, 8.0), (2, 16.0)), end="won", closed=20.0, amount=9.0) for _ in range(n)]
    lost = [Deal(visits=((0, 0.0), (1, 8.0)), end="lost", closed=10.0, amount=9.0) for _ in range(n)]
    return [*won, *lost]


def small(**tables):
    return book(
        *history(),
        open_deal(1, since=99.0, amount=1000.0, owner="Ann", account_id="a"),
        open_deal(2, since=99.0, amount=400.0, owner="Bob", account_id="b"),
        open_deal(0, since=98.0, amount=5000.0, owner="Ann", account_id="c"),
        open_deal(2, since=99.0, amount=None, owner="Bob", account_id="d"),
        **tables,
    )


def test_ranks_by_hand() -> None:
    result = fn.call_list(small(), horizon_days=30, hours_per_week=7)
    rows = {row.opportunity_id: row for row in result.rows}
    first, talks, lead = rows["d00080"], rows["d00081"], rows["d00082"]
    # of 83 leads with a known time 80 went on after 8 days, three took 89; the open one is 2 days old
    assert (first.win_rate, talks.win_rate, lead.win_rate) == pytest.approx((0.5, 1.0, 40 / 83))
    assert first.expected_amount == pytest.approx(500)
    # an offer of one day: half are lost on day 2, one day from now; at least one week's hours
    assert (first.days_to_decision, first.hours) == (1, 7)
    assert lead.days_to_decision == 18, "40 of 83 lost on day 10, 40 won on day 20"
    assert lead.hours == pytest.approx(18)
    assert lead.value_per_hour_amount == pytest.approx(5000 * 40 / 83 / 18)
    assert [row.opportunity_id for row in result.rows] == ["d00082", "d00080", "d00081", "d00083"]
    assert [row.rank for row in result.rows] == [1, 2, 3, 4]
    assert np.isnan(rows["d00083"].value_per_hour_amount), "no amount: at the end"
    assert result.expected_amount == pytest.approx(500 + 400 + 5000 * 40 / 83)
    assert talks.urgency_rate == 1.0
    assert talks.quiet_days == 1.0


def test_every_rank_follows_from_its_row() -> None:
    result = fn.call_list(fn.sample(), horizon_days=180)
    for row in result.rows:
        if not np.isnan(row.value_per_hour_amount):
            made = row.deal_amount * row.win_rate / (2.0 * max(row.days_to_decision / 7, 1))
            assert row.value_per_hour_amount == pytest.approx(made)
    values = [row.value_per_hour_amount for row in result.rows if not np.isnan(row.value_per_hour_amount)]
    assert values == sorted(values, reverse=True)
    assert [row.rank for row in result.rows] == list(range(1, len(result.rows) + 1))


def test_more_money_never_lowers_a_rank() -> None:
    ranks = []
    for amount in (10.0, 800.0, 3000.0, 90_000.0):
        made = book(
            *history(), open_deal(1, since=99.0, amount=1000.0), open_deal(1, since=99.0, amount=amount)
        )
        ranks.append(
            next(row.rank for row in fn.call_list(made, horizon_days=30).rows if row.deal_amount == amount)
        )
    assert ranks == sorted(ranks, reverse=True)


def test_a_list_of_the_past_against_what_was_then_won() -> None:
    after = fn.sample().opportunities.set_index("opportunity_id")["outcome"]
    rows = fn.call_list(fn.sample(as_of="2025-12-31"), horizon_days=180).rows
    chance = np.array([row.win_rate for row in rows])
    won = np.array([after[row.opportunity_id] == "won" for row in rows], dtype=float)
    known = ~np.isnan(chance)
    assert known.sum() > 450
    chance, won, ones = chance[known], won[known], np.ones(known.sum())
    assert chance.mean() == pytest.approx(won.mean(), abs=0.04)
    assert calibration(chance, won, ones, 5).error < 0.06
    amounts = np.nan_to_num([row.deal_amount for row in rows])[known]
    newest = -np.nan_to_num([row.quiet_days for row in rows])[known]
    assert auc(chance, won, ones) > max(auc(amounts, won, ones), auc(newest, won, ones)) + 0.1


def test_odds_are_changed_as_far_as_the_way_is_to_go() -> None:
    full, near, sure = adjusted([0.2, 0.9, 1.0], [3.0, 3.0, 3.0], 0.2)
    assert full == pytest.approx(0.75 / 1.75)
    assert near == pytest.approx(
        9 * 3 ** (np.log(0.9) / np.log(0.2)) / (1 + 9 * 3 ** (np.log(0.9) / np.log(0.2)))
    )
    assert sure == 1.0
    assert adjusted([0.2, np.nan], [1.0, 1.0], 0.2)[0] == pytest.approx(0.2)


def test_groups_rank_within_and_a_region_learns_from_the_whole() -> None:
    sample = fn.sample()
    whole = fn.call_list(sample, by="owner", horizon_days=180)
    for owner in {row.owner for row in whole.rows}:
        mine = [row.group_rank for row in whole.rows if row.owner == owner]
        assert mine == list(range(1, len(mine) + 1))
    part = fn.call_list(sample.where(region="Iberia"), learn_from=sample, horizon_days=180)
    expected = [row.opportunity_id for row in whole.rows if row.region == "Iberia"]
    assert [row.opportunity_id for row in part.rows] == expected
    values = {row.opportunity_id: row.value_per_hour_amount for row in whole.rows}
    assert [row.value_per_hour_amount for row in part.rows] == pytest.approx(
        [values[one] for one in expected], nan_ok=True
    )


def test_row_order_and_ids_do_not_matter() -> None:
    sample = fn.sample()
    first = fn.call_list(sample, horizon_days=180)
    again = fn.call_list(shuffled(sample), horizon_days=180)
    assert [row.opportunity_id for row in again.rows] == [row.opportunity_id for row in first.rows]
    named = fn.call_list(relabelled(sample), horizon_days=180)
    assert [row.opportunity_id[1:] for row in named.rows] == [row.opportunity_id for row in first.rows]


def test_what_is_missing_stands_in_the_row() -> None:
    accounts = frame("account_id money authority need", ("a", True, False, True))
    contacts = frame("account_id role", ("a", "user"))
    deals = {
        row.opportunity_id: row
        for row in fn.call_list(small(accounts=accounts, contacts=contacts), horizon_days=30).rows
    }
    assert (deals["d00080"].man, deals["d00080"].next_role) == ("MaN", "decision_maker")
    assert deals["d00081"].man == ""
    bare = fn.call_list(small(), horizon_days=30)
    assert "calls_tables_missing" in {note.code for note in bare.notes}


def test_a_passed_expectation_and_silence_are_told() -> None:
    made = small(activities=frame("opportunity_id kind at", ("d00082", "call", "2026-04-11")))
    deals = made.opportunities
    expected = deals.assign(expected_close_at=pd.Timestamp("2026-03-01")).astype(
        {"expected_close_at": "datetime64[us]"}
    )
    made = replace(made, tables={**made.tables, "opportunities": expected})
    rows = {row.opportunity_id: row for row in fn.call_list(made, horizon_days=30).rows}
    assert rows["d00082"].overdue
    assert rows["d00082"].quiet_days == 0.0


def test_export_cannot_become_a_formula(tmp_path) -> None:
    made = book(*history(), open_deal(1, since=99.0, owner="=cmd|' /C calc'!A0", account_id="+1"))
    result = fn.call_list(made, horizon_days=30)
    text = fn.to_csv(result, tmp_path / "calls.csv").read_text(encoding="utf-8-sig")
    assert "'=cmd" in text
    assert ",=cmd" not in text
    sheets = openpyxl.load_workbook(fn.to_excel(result, tmp_path / "calls.xlsx"))
    cells = [
        cell
        for sheet in sheets
        for row in sheet.iter_rows()
        for cell in row
        if str(cell.value).startswith("=cmd")
    ]
    assert cells
    assert all(cell.data_type == "s" for cell in cells)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"hours_per_week": 0}, "hours_per_week = 0"),
        ({"by": "ownr"}, "did you mean 'owner'"),
        ({"horizon_days": -1}, "horizon_days = -1"),
    ],
)
def test_bad_input(given, message) -> None:
    with pytest.raises(FunnelError, match=message):
        fn.call_list(small(), **given)


def test_learning_from_another_day_or_company_is_refused() -> None:
    with pytest.raises(ParameterError, match="two books of one day"):
        fn.call_list(small(), learn_from=book(*history(), today=90.0))
    with pytest.raises(ParameterError, match="lacks 4 of the open deals"):
        fn.call_list(small(), learn_from=book(*history()))


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_it_reads_in_words(lang) -> None:
    for one in (
        fn.call_list(small(), horizon_days=30, by="owner"),
        fn.call_list(book(*history()), horizon_days=30),
    ):
        assert one.finding(lang)
        assert "{" not in one.text(lang)


def test_intent_and_budget_enter_the_rank_visibly() -> None:
    """A decision of one's own (DOMAIN C6): factors by hand, shown in the row; without it nothing changes."""
    accounts = frame("account_id money intent", ("a", True, "高"), ("b", False, "low"), ("c", None, None))
    made = small(accounts=accounts)
    plain = {row.opportunity_id: row for row in fn.call_list(made, horizon_days=30).rows}
    weighed = fn.call_list(made, horizon_days=30, weigh={"intent": 0.5, "budget": 0.2})
    factors = {"a": 1.5 * 1.2, "b": 0.5 * 0.8, "c": 1.0}
    values = []
    for row in weighed.rows:
        assert plain[row.opportunity_id].weigh_factor == 1
        assert row.weigh_factor == pytest.approx(factors.get(row.account_id, 1.0))
        once = plain[row.opportunity_id].value_per_hour_amount
        assert row.value_per_hour_amount == pytest.approx(once, nan_ok=True)
        values.append(row.value_per_hour_amount * row.weigh_factor)
    known = [value for value in values if not np.isnan(value)]
    assert known == sorted(known, reverse=True)
    assert "× 1.80" in weighed.text("en") and "按意向和预算" in weighed.text("zh")
    with pytest.raises(ParameterError, match="weigh"):
        fn.call_list(made, weigh={"charm": 0.5})
    with pytest.raises(ParameterError, match="weigh"):
        fn.call_list(made, weigh={"intent": 1.5})


def test_any_attribute_makes_groups_to_rank_within() -> None:
    sample = fn.sample().where(region="DACH")
    found = fn.call_list(sample, by=["segment", "product"])
    assert found.by == ("segment", "product")
    known = sample.opportunities.set_index("opportunity_id")[["segment", "product"]].fillna("")
    seen: dict[tuple[str, ...], int] = {}
    for row in found.rows:
        assert row.group == tuple(known.loc[row.opportunity_id])
        seen[row.group] = seen.get(row.group, 0) + 1
        assert row.group_rank == seen[row.group]
    assert list(found.to_frame().columns[:4]) == ["rank", "group_rank", "segment", "product"]
