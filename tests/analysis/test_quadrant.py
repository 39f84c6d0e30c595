"""The quadrant: the field's four classes, the plan of hours by hand, a floor of known pace, no look-ahead."""

import numpy as np
import pytest

import funnelnb as fn
from funnelnb.analysis.priority.quadrant import quadrant_class
from funnelnb.core.errors import ParameterError
from tests.analysis.desk import book, frame, open_deal, relabelled, shuffled
from tests.analysis.floors import Deal


@pytest.mark.parametrize(
    ("large", "soon", "name"),
    [(True, True, "A"), (False, True, "B"), (True, False, "C"), (False, False, "D"), (None, True, "unknown")],
)
def test_the_four_classes(large, soon, name) -> None:
    assert quadrant_class(large, soon) == name


def history(n: int = 40, wait: float = 20.0, talks: float = 5.0):
    """Deals that go lead (`wait` days) -> offer (`wait`) -> talks (`talks`) -> won, and one lost on its first day."""
    won = Deal(visits=((0, 0.0), (1, wait), (2, 2 * wait)), end="won", closed=2 * wait + talks, amount=500.0)
    lost = Deal(visits=((0, 0.0),), end="lost", closed=0.5, amount=500.0)
    return [lost, *[won] * (n - 1)] if n else []


def small_book(**tables):
    return book(
        *history(),
        open_deal(0, since=95.0, amount=1000.0, owner="Ann", account_id="a"),
        open_deal(2, since=98.0, amount=1000.0, owner="Bob", account_id="b"),
        open_deal(2, since=99.0, amount=10.0, owner="Bob", account_id="b"),
        open_deal(0, since=90.0, amount=10.0, owner="Ann", account_id="c"),
        open_deal(2, since=98.0, amount=None, account_id="d"),
        open_deal(0, since=20.0, amount=10.0, account_id="e"),
        **tables,
    )


def test_days_to_close_on_a_floor_of_fixed_pace() -> None:
    """45 days in all: a lead of 5 days has 40 to go, one in talks since yesterday 4."""
    result = fn.customers.quadrant(small_book(), large_amount=100, soon_days=20)
    deals = {deal.opportunity_id: deal for deal in result.deals}
    assert deals["d00040"].days_to_close == 15 + 20 + 5
    assert deals["d00040"].quadrant == "C"
    assert (deals["d00041"].days_to_close, deals["d00041"].quadrant) == (3, "A")
    assert (deals["d00042"].days_to_close, deals["d00042"].quadrant) == (4, "B")
    assert (deals["d00043"].days_to_close, deals["d00043"].quadrant) == (35, "D")
    assert deals["d00044"].quadrant == "unknown", "no amount"
    assert deals["d00045"].quadrant == "unknown", "no deal was ever a lead for 80 days and then went on"
    assert deals["d00041"].won_by_rate == pytest.approx(1.0)


def test_hours_by_hand() -> None:
    done = frame(
        "opportunity_id kind at",
        ("d00040", "visit", "2026-04-05"),
        ("d00041", "call", "2026-04-06"),
        ("d00041", "walk", "2026-04-07"),
        ("d00041", "visit", "2026-01-07"),
    )
    result = fn.customers.quadrant(
        small_book(activities=done),
        large_amount=100,
        soon_days=20,
        capacity_hours=105,
        hours_wanted={"unknown": 0.5},
    )
    rows = {row.quadrant: row for row in result.rows}
    assert [row.deal_n for row in result.rows] == [1, 1, 1, 1, 2]
    # wanted: 6 + 2 + 1 + 0.5 + 2 * 0.5 = 10.5
    assert [row.planned_hours for row in result.rows] == pytest.approx([60, 20, 10, 5, 10])
    assert sum(row.planned_share for row in result.rows) == pytest.approx(1)
    assert (rows["A"].actual_hours, rows["C"].actual_hours) == (1.5 / 4, 4 / 4)
    assert rows["A"].change_hours == pytest.approx(60 - 1.5 / 4)
    kinds = [note for note in result.notes if note.code == "kinds_one_hour"]
    assert kinds[0].values["kinds"] == "walk"


def test_without_capacity_the_recorded_hours_are_distributed() -> None:
    sample = fn.sample()
    result = fn.customers.quadrant(sample)
    assert result.capacity_hours == pytest.approx(sum(row.actual_hours for row in result.rows))
    assert sum(row.deal_n for row in result.rows) == (sample.opportunities["outcome"] == "open").sum()
    silent = fn.customers.quadrant(small_book())
    assert np.isnan(silent.capacity_hours)
    assert {note.code for note in silent.notes} >= {"no_activities"}


def test_row_order_and_ids_do_not_matter() -> None:
    sample = fn.sample()
    first, again = fn.customers.quadrant(sample), fn.customers.quadrant(shuffled(sample))
    assert repr(again.deals) == repr(first.deals)
    assert repr(again.rows) == repr(first.rows)
    named = fn.customers.quadrant(relabelled(sample))
    assert [deal.opportunity_id for deal in named.deals] == [
        f"x{deal.opportunity_id}" for deal in first.deals
    ]
    assert repr(named.rows) == repr(first.rows)


def test_a_region_learns_from_the_whole() -> None:
    sample = fn.sample()
    whole = {deal.opportunity_id: deal.days_to_close for deal in fn.customers.quadrant(sample).deals}
    part = fn.customers.quadrant(sample.where(region="Iberia"), learn_from=sample)
    assert part.n == 7
    assert all(repr(deal.days_to_close) == repr(whole[deal.opportunity_id]) for deal in part.deals)
    with pytest.raises(ParameterError, match="two books of one day"):
        fn.customers.quadrant(sample, learn_from=fn.sample(as_of="2026-03-31"))


def test_more_money_never_leads_to_a_smaller_class() -> None:
    order = {"B": 0, "D": 0, "A": 1, "C": 1}
    sizes = [
        order[next(deal.quadrant for deal in fn.customers.quadrant(one, large_amount=100).deals)]
        for one in (book(*history(), open_deal(2, since=98.0, amount=a)) for a in (1, 99, 100, 5000))
    ]
    assert sizes == sorted(sizes) == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"capacity_hours": 0}, "capacity_hours = 0"),
        ({"soon_days": 0}, "soon_days = 0"),
        ({"large_amount": -1}, "large_amount = -1"),
        ({"hours_wanted": {"E": 1}}, "hours_wanted names 'E'"),
        ({"hours_wanted": {"A": -1}}, "hours_wanted"),
        ({"activity_hours": {"call": "long"}}, "activity_hours"),
    ],
)
def test_bad_input_is_named(given, message) -> None:
    with pytest.raises(ParameterError, match=message):
        fn.customers.quadrant(small_book(), **given)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_it_reads_in_words_and_draws(lang) -> None:
    for one in (fn.customers.quadrant(small_book()), fn.customers.quadrant(book(*history()))):
        assert one.finding(lang)
        assert "{" not in one.text(lang)
        assert one.chart("quadrant", lang).to_dict()


def stated_book(kept: bool, closed_n: int = 40, same_day: bool = False):
    """Four open deals with stated dates, and a past in which such dates were kept, or missed by half a year."""
    import pandas as pd

    made = book(
        *history(closed_n),
        open_deal(1, since=95.0, amount=1000.0),
        open_deal(1, since=95.0, amount=10.0),
        open_deal(1, since=95.0, amount=1000.0),
        open_deal(1, since=95.0, amount=10.0),
    )
    deals = made.opportunities.copy()
    closed = deals["outcome"] != "open"
    missed = pd.Timedelta(days=0 if same_day else 5 if kept else 180)
    deals.loc[closed, "expected_close_at"] = deals.loc[closed, "closed_at"] - missed
    today = pd.Timestamp(made.as_of)
    deals.loc[~closed, "expected_close_at"] = [
        today + pd.Timedelta(days=ahead) for ahead in (10, 10, 300, 300)
    ]
    deals["expected_close_at"] = deals["expected_close_at"].astype("datetime64[us]")
    from dataclasses import replace

    return replace(made, tables={**made.tables, "opportunities": deals})


def classes(result):
    return [deal.quadrant for deal in sorted(result.deals, key=lambda deal: deal.opportunity_id)]


@pytest.mark.parametrize("past", ["kept", "none"])
def test_the_four_textbook_cases_by_stated_dates(past) -> None:
    """Golden (DOMAIN C3): large and soon, small and soon, large and late, small and late are A, B, C, D."""
    deals = stated_book(kept=True, closed_n=40 if past == "kept" else 0)
    result = fn.customers.quadrant(deals, large_amount=100, soon_days=90)
    assert classes(result) == ["A", "B", "C", "D"]
    source, trust = ("stated", "trusted") if past == "kept" else ("stated_untested", "too_few")
    assert {deal.time_source for deal in result.deals} == {source}
    assert result.dates_trust == trust
    assert (result.dates_judged_n, result.dates_kept_n) == ((40, 40) if past == "kept" else (0, 0))
    code = "dates_trusted" if past == "kept" else "dates_untested"
    assert code in {note.code for note in result.notes}


@pytest.mark.parametrize(
    ("more", "trust"), [({"kept": False}, "not_kept"), ({"kept": True, "same_day": True}, "overwritten")]
)
def test_dates_that_were_not_kept_or_written_afterwards_are_not_used(more, trust) -> None:
    result = fn.customers.quadrant(stated_book(**more), large_amount=100, soon_days=20)
    assert result.dates_trust == trust
    assert {deal.time_source for deal in result.deals} <= {"estimated", "unknown"}
    assert f"dates_{trust}" in {note.code for note in result.notes}


def test_overdue_dates_count_as_not_kept_and_are_never_used() -> None:
    import pandas as pd

    made = stated_book(kept=True, closed_n=12)
    deals = made.opportunities.copy()
    late = deals["outcome"] == "open"
    deals.loc[late, "expected_close_at"] = pd.Timestamp(made.as_of) - pd.Timedelta(days=60)
    from dataclasses import replace

    overdue = replace(made, tables={**made.tables, "opportunities": deals})
    result = fn.customers.quadrant(overdue, large_amount=100, soon_days=20)
    assert (result.dates_judged_n, result.dates_kept_n) == (16, 12)
    assert not any(deal.time_source.startswith("stated") for deal in result.deals)
    assert {deal.quadrant for deal in fn.customers.quadrant(overdue, close_dates="stated").deals} == {
        "unknown"
    }


def test_where_dates_come_from_can_be_chosen() -> None:
    made = stated_book(kept=False)
    assert classes(fn.customers.quadrant(made, large_amount=100, soon_days=90, close_dates="stated")) == list(
        "ABCD"
    )
    estimated = fn.customers.quadrant(
        stated_book(kept=True), large_amount=100, soon_days=20, close_dates="estimated"
    )
    assert not any(deal.time_source.startswith("stated") for deal in estimated.deals)
    with pytest.raises(ParameterError, match="close_dates"):
        fn.customers.quadrant(made, close_dates="guessed")
