"""Targets as a whole, fair shares, levers, ideal funnel, integrity."""

from functools import cache

import numpy as np
import pytest

import funnelnb as fn
from funnelnb.analysis.targets.shares import share_out
from funnelnb.core.errors import MissingDataError, ParameterError


@cache
def sample():
    return fn.sample()


@cache
def fourth():
    return fn.target(sample(), period="2026-Q4", amount=14_000_000)


def test_the_parts_of_a_target_add_up():
    parts = {row.part: row.amount for row in fourth().rows}
    assert parts["target"] == 14_000_000
    assert parts["gap"] == pytest.approx(parts["target"] - parts["won"] - parts["open"] - parts["new"])
    assert fourth().quota.chance_rate == fourth().chance_rate
    assert fourth().mixes == fourth().mix.mixes
    assert fourth().wins_n == fourth().mix.required_n
    assert fourth().new_wins_n == fourth().funnel.wins_n
    assert fourth().new_wins_n == int(np.ceil(fourth().wins_n - fourth().open_wins_n))


def test_a_target_in_another_currency_is_refused():
    with pytest.raises(ParameterError, match="currency = 'USD'"):
        fn.target(sample(), amount=1, until="2026-09-30", currency="USD")


def test_a_period_without_target_is_named():
    with pytest.raises(MissingDataError, match="2029-Q1"):
        fn.target(sample(), period="2029-Q1")


def test_a_part_book_takes_its_own_targets():
    part = sample().where(region="DACH")
    table = sample().tables["targets"]
    mine = table[(table["period"] == "2026-Q3") & (table["region"] == "DACH")]
    assert fn.quota(part, period="2026-Q3").target_amount == mine["amount"].sum()


def test_fair_shares_follow_potential_and_add_up():
    result = fn.fair_shares(sample(), period="2026-Q3")
    assert sum(row.target_amount for row in result.rows) == pytest.approx(result.target_amount)
    stretches = [row.stretch for row in result.rows]
    assert stretches == pytest.approx([stretches[0]] * len(stretches))
    limited = fn.fair_shares(sample(), period="2026-Q3", capacity={"华东": 500_000, "DACH": 300_000})
    parts = {row.group[0]: row for row in limited.rows}
    assert parts["华东"].target_amount == 500_000
    assert parts["DACH"].at_capacity
    assert sum(row.target_amount for row in limited.rows) == pytest.approx(limited.target_amount)


def test_what_nobody_can_carry_is_said():
    shared, left = share_out(100.0, np.array([1.0, 2.0, 0.0]), np.array([10.0, 20.0, 50.0]))
    assert shared.tolist() == [10, 20, 0]
    assert left == 70
    shared, left = share_out(90.0, np.array([1.0, 2.0, 6.0]), np.array([np.inf, np.inf, 30.0]))
    assert shared.tolist() == pytest.approx([20, 40, 30])
    assert left == 0
    shared, left = share_out(90.0, np.array([1.0, 2.0]), np.array([0.0, np.inf]))
    assert shared.tolist() == [0, 90]


def test_a_negative_capacity_is_refused():
    with pytest.raises(ParameterError, match="capacity"):
        fn.fair_shares(sample(), period="2026-Q3", capacity={"DACH": -1})
    with pytest.raises(ParameterError, match="'Mars'"):
        fn.fair_shares(sample(), period="2026-Q3", capacity={"Mars": 1})


def test_levers_agree_with_simulation_and_point_the_right_way():
    result = fn.levers(sample(), leads=400, amount=4_000_000, period="2026-Q4")
    ledger = sample().ledger
    won = ledger.amount[(ledger.outcome == 1) & (ledger.amount > 0)]
    rng = np.random.default_rng(7)
    wins = rng.binomial(400, result.win_rate, 20_000)
    totals = np.array([rng.choice(won, n).sum() for n in wins])
    share = np.mean(totals >= 4_000_000)
    assert result.chance_rate == pytest.approx(share, abs=4 * np.sqrt(0.25 / 20_000))
    assert {row.lever for row in result.rows} == {"leads", "size", "speed", *result.stage_ids[:5]}
    for row in result.rows:
        assert row.low_rate < result.chance_rate < row.high_rate
    gains = [row.gain_per_effort for row in result.rows]
    assert gains == sorted(gains, reverse=True)


def test_effort_changes_the_order_of_the_levers():
    plain = fn.levers(sample(), amount=4_000_000, period="2026-Q4")
    first = plain.rows[0].lever
    dear = fn.levers(sample(), amount=4_000_000, period="2026-Q4", effort={first: 100})
    assert dear.rows[-1].lever == first
    with pytest.raises(ParameterError, match="'sped'"):
        fn.levers(sample(), amount=4_000_000, period="2026-Q4", effort={"sped": 1})


def test_the_ideal_funnel_finds_the_step_that_costs_most():
    result = fn.ideal_funnel(sample(), ideal=[0.76, 0.77, 0.79, 0.80, 0.84], horizon_days=180)
    assert result.worst == "shortlist"
    rows = {row.stage: row for row in result.rows}
    assert rows["shortlist"].verdict == "below"
    assert rows["find_opportunity"].verdict == "not_separable"
    shortlist = rows["shortlist"]
    assert shortlist.missing_n == pytest.approx((0.80 - shortlist.actual_rate) * shortlist.entry_n)
    assert result.ideal_overall_rate == pytest.approx(0.76 * 0.77 * 0.79 * 0.80 * 0.84)
    assert result.ideal_slope_rate**5 == pytest.approx(result.ideal_overall_rate)
    assert [row.entry_n for row in result.rows][1:] == [row.exit_n for row in result.rows][:-1]


def test_another_book_can_be_the_ideal():
    nordics, dach = sample().where(region="Nordics"), sample().where(region="DACH")
    result = fn.ideal_funnel(nordics, dach, horizon_days=180)
    assert result.reference == "DACH"
    assert all(row.gap < 0 for row in result.rows[:2])


@pytest.mark.parametrize(
    ("ideal", "says"),
    [([0.5], "1 shares"), ([0.5, 0.5, 0.5, 0.5, 1.5], "1.5"), ({"qualify": 0.5}, "ideal names qualify")],
)
def test_a_bad_ideal_is_named(ideal, says):
    with pytest.raises(ParameterError, match=says):
        fn.ideal_funnel(sample(), ideal)


def test_the_three_deals_never_in_the_funnel_are_found():
    result = fn.integrity(sample())
    found = {deal.opportunity_id for deal in result.deals if deal.check == "never_in_funnel"}
    assert found == {"D0026", "D1069", "D2051"}
    assert all(deal.large for deal in result.deals if deal.check == "never_in_funnel")
    mine = [row for row in result.rows if row.group == ("林浩",) and row.check == "never_in_funnel"]
    assert mine[0].found_n == 3


def test_deals_below_their_history_are_counted_by_loops():
    result = fn.integrity(sample())
    history = sample().tables["stage_history"]
    order = {stage: k for k, stage in enumerate(sample().playbook.stage_ids)}
    deals = sample().opportunities
    open_ids = set(deals.loc[deals["outcome"] == "open", "opportunity_id"])
    low = set()
    for deal, rows in history[history["opportunity_id"].isin(open_ids)].groupby("opportunity_id"):
        stages = [order[stage] for stage in rows.sort_values("entered_at", kind="stable")["stage"]]
        if stages[-1] < max(stages):
            low.add(deal)
    assert {deal.opportunity_id for deal in result.deals if deal.check == "lower_than_history"} == low
    overall = {row.check: row for row in result.rows if row.group == ()}
    assert overall["lower_than_history"].quota_effect_amount > 0
    assert overall["without_evidence"].quota_effect_amount < 0


def test_without_history_integrity_says_nothing_instead_of_accusing():
    """Closed on the only date there is: perhaps seen for months, perhaps not. A dash, not an accusation."""
    import pandas as pd

    from funnelnb.data.book import Book
    from funnelnb.playbooks import load_playbook

    frame = pd.DataFrame(
        {
            "opportunity_id": [f"D{k}" for k in range(12)],
            "outcome": ["won"] * 6 + ["open"] * 6,
            "stage": ["won"] * 6 + ["proposal"] * 6,
            "amount": [1000.0] * 12,
            "closed_at": pd.to_datetime(["2026-05-01"] * 6 + [None] * 6),
        }
    ).astype({"opportunity_id": "str", "outcome": "str", "stage": "str", "closed_at": "datetime64[us]"})
    book = Book(
        tables={"opportunities": frame},
        playbook=load_playbook("weekly_report"),
        as_of=np.datetime64("2026-06-30", "s"),
    )
    result = fn.integrity(book)
    assert [row.of_n for row in result.rows] == [0, 0, 0]
    assert not result.deals
    assert all(np.isnan(row.found_share) for row in result.rows)
    assert "–" in result.text("en")
    assert "no stage history, so it is not known when deals entered" in result.finding("en")
    dated = fn.integrity(
        Book(
            tables={"opportunities": frame.assign(created_at=frame["closed_at"])},
            playbook=book.playbook,
            as_of=book.as_of,
        )
    )
    assert [row.of_n for row in dated.rows] == [6, 0, 0], "a date of entry can be judged, a history cannot"
