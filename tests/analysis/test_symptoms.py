"""Symptoms: rules on hand-made books, planted sicknesses, healthy floors, and what shrinks when data are missing."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtr, ndtri

import funnelnb as fn
from funnelnb.analysis.diagnosis.desk import Desk
from funnelnb.analysis.diagnosis.rules import rules_of, usual_rules
from funnelnb.analysis.diagnosis.symptoms import ASKED, symptoms
from funnelnb.core.errors import ParameterError
from funnelnb.data.ledger.codes import OPEN_DEAL
from funnelnb.stats.rates.tolerance import few, holm
from tests.reference import diagnosis as planted


@pytest.fixture(scope="module")
def sample():
    return fn.sample()


@pytest.fixture(scope="module")
def found(sample):
    return symptoms(sample)


# ---- numbers by hand ----------------------------------------------------------------------------------------


def test_deals_in_hand_are_counted_as_pandas_counts_them(sample, found):
    deals = sample.opportunities
    held = deals[deals["outcome"] == "open"].groupby("owner").size()
    rows = {row.group[0]: row for row in found.rows if row.rule == "few_opportunities"}
    assert {name: row.n for name, row in rows.items()} == held.to_dict()
    for row in rows.values():
        assert row.value == row.n
        assert row.p_value == pytest.approx(float(few(row.n, 22)))
        assert row.value_ci_lower <= row.value <= row.value_ci_upper


def test_targets_missed_is_won_over_target(sample, found):
    row = next(one for one in found.rows if one.rule == "targets_missed" and one.group == ("张敏",))
    targets, deals = sample.table("targets"), sample.opportunities
    quarters = ["2025-Q3", "2025-Q4", "2026-Q1", "2026-Q2"]
    wanted = targets[(targets["owner"] == "张敏") & targets["period"].isin(quarters)]["amount"].sum()
    mine = deals[
        (deals["owner"] == "张敏") & (deals["outcome"] == "won") & (deals["closed_at"] >= "2025-07-01")
    ]
    assert row.value == pytest.approx(mine["amount"].sum() / wanted)
    assert row.stake_amount == pytest.approx(wanted - mine["amount"].sum())


def test_a_step_is_judged_on_deals_watched_long_enough(sample):
    """No deal counts as not gone on that had less time than the step's days: open deals are never lost."""
    from funnelnb.analysis.diagnosis.signs_funnel import _watched

    desk = Desk(sample, "owner")
    for step in range(sample.ledger.won):
        seen, onward, reached, days = _watched(desk, step)
        assert (reached[seen] <= desk.today - days).all()
        stopped = seen & ~onward & (sample.ledger.outcome == OPEN_DEAL) & (sample.ledger.furthest == step)
        assert (desk.today - reached[stopped] >= days).all()


def test_adjusted_p_values_are_holms_with_half_for_people(found):
    rows = [row for row in found.rows if np.isfinite(row.p_value)]
    for whole in (True, False):
        mine = [row for row in rows if (row.group == ()) == whole]
        wanted = np.minimum(2 * holm([row.p_value for row in mine]), 1.0)
        assert [row.p_adjusted for row in mine] == pytest.approx(wanted.tolist())


def test_states_follow_from_threshold_and_chance(found):
    for row in found.rows:
        if row.state == "red":
            assert row.p_adjusted <= found.false_alarm_rate
        if row.state == "amber":
            assert row.p_value <= found.false_alarm_rate < row.p_adjusted
        assert (row.confidence == "") == (row.state == "green")


# ---- planted and healthy ------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ["stalled", "busy_few", "few_opportunities", "targets_missed"])
def test_what_is_planted_is_red_for_the_right_person(rule):
    tables = planted.PLANTED[rule](planted.tables_of(31), np.random.default_rng(1))
    result = symptoms(planted.book_of(tables))
    red = [(row.rule, row.group) for row in result.rows if row.state == "red"]
    assert (rule, (planted.SICK,)) in red
    deals = [one for one in result.deals if one.rule == rule and one.group == (planted.SICK,)]
    assert all(one.owner == planted.SICK for one in deals)


def test_a_leak_is_found_at_its_stage():
    result = symptoms(planted.book_of(planted.tables_of(32, planted.LEAK)))
    row = next(one for one in result.rows if one.rule == "leaking_step" and one.state == "red")
    assert (row.group, row.stage) == ((planted.SICK,), "qualify")
    assert row.value < 0.75 * row.reference


def test_healthy_floors_are_quiet():
    red = [row for seed in (41, 42, 43) for row in planted.healthy(seed).rows if row.state == "red"]
    assert red == []


def test_published_rates_keep_what_is_promised():
    """The stored run: at most 5 % false alarms, power above 0.8 for every rule at the size that the docs state."""
    path = Path(__file__).parents[1] / "reference" / "diagnosis.csv"
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()[1:]))
    alarm = next(row for row in rows if row["kind"] == "false_alarm" and row["rule"] == "any")
    assert int(alarm["n"]) >= 200
    assert int(alarm["red_n"]) / int(alarm["n"]) <= 0.05
    power = {row["rule"]: int(row["red_n"]) / int(row["n"]) for row in rows if row["kind"] == "power"}
    assert (
        set(power)
        == {name for name, one in usual_rules().items() if one.on}
        == set(ASKED) - {"forecast_wrong"}
    )
    assert [rule for rule, found in power.items() if found <= 0.8] == []


# ---- invariants ---------------------------------------------------------------------------------------------


def test_order_of_rows_changes_nothing(found, sample):
    tables = {
        name: frame.sample(frac=1.0, random_state=3).reset_index(drop=True)
        for name, frame in sample.tables.items()
    }
    mixed = symptoms(fn.load(tables, playbook="seven_step", as_of="2026-06-30"))
    assert [(row.rule, row.group, row.state) for row in mixed.rows] == [
        (row.rule, row.group, row.state) for row in found.rows
    ]
    assert [row.p_value for row in mixed.rows] == pytest.approx(
        [row.p_value for row in found.rows], nan_ok=True
    )


def test_a_part_of_the_company_is_judged_among_all(sample, found):
    part = sample.where(region="DACH")
    alone, among = symptoms(part), symptoms(part, learn_from=sample)
    people = set(among.people)
    assert people == set(alone.people)
    whole = {(row.rule, row.group): row.value for row in found.rows if row.group and row.group[0] in people}
    mine = {(row.rule, row.group): row.value for row in among.rows if row.group}
    star = {key for key in whole if key[0] == "star_dependence"}
    assert {key: value for key, value in mine.items() if key not in star} == {
        key: value for key, value in whole.items() if key not in star
    }


# ---- settings and bad input ---------------------------------------------------------------------------------


def test_thresholds_come_from_a_file(tmp_path, sample):
    path = tmp_path / "funnelnb.toml"
    path.write_text(
        "[diagnosis.few_opportunities]\nalarm = 3\n[diagnosis.bunching]\non = false\n", encoding="utf-8"
    )
    result = symptoms(sample, rules=str(path))
    assert "bunching" not in {row.rule for row in result.rules}
    assert not [row for row in result.rows if row.rule == "few_opportunities" and row.state != "green"]
    assert rules_of(None) == dict(usual_rules())


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"rules": ["few_opportunities"]}, "only="),
        ({"rules": {"few_oportunities": {"alarm": 3}}}, "few_opportunities"),
        ({"rules": {"stalled": {"alrm": 1}}}, "alarm"),
        ({"rules": {"stalled": {"alarm": -1}}}, "number"),
        ({"rules": {"stalled": {"on": 3}}}, "true or false"),
        ({"rules": {"stalled": 3}}, "table"),
        ({"only": "staled"}, "stalled"),
        ({"by": "onwer"}, "owner"),
        ({"ideal": {"qualify": 2}}, "number"),
        ({"ideal": {"qualfy": 0.5}}, "qualify"),
        ({"false_alarm_rate": 0}, "number"),
    ],
)
def test_slips_are_answered(sample, given, told):
    with pytest.raises(ParameterError, match=told):
        symptoms(sample, **given)


def tiny(**more):
    frame = {
        "opportunity_id": [f"D{k}" for k in range(6)],
        "created_at": pd.to_datetime(
            ["2026-06-22", "2026-06-23", "2026-06-24", "2026-06-25", "2026-06-26", "2026-06-26"]
        ),
        "closed_at": pd.to_datetime([None, None, "2026-06-26", "2026-06-26", None, None]),
        "outcome": ["open", "open", "won", "lost", "open", "open"],
        "stage": ["qualify", "qualify", "won", "qualify", "qualify", "qualify"],
        "amount": [100.0, 200, 300, 400, 500, 600],
        **more,
    }
    return fn.load(pd.DataFrame(frame), playbook="seven_step", as_of="2026-06-28")


def test_one_week_only_and_nothing_else_shrinks_and_says_why():
    result = symptoms(tiny())
    needs = {row.rule: row.needs for row in result.rules}
    assert needs["few_opportunities"] == "owner"
    assert needs["busy_few"] == needs["untouched"] == "activities"
    assert needs["targets_missed"] == "targets"
    assert needs["cost_rising"] == "costs"
    assert needs["feast_and_famine"] == "short_history"
    assert not [row for row in result.rows if row.state == "red"]
    for lang in ("en", "zh"):
        assert result.text(lang)
        assert result.finding(lang)
        assert result.chart(None, lang) is not None


def test_a_team_of_one_has_nobody_to_be_compared_with(sample):
    alone = symptoms(sample.where(owner="王芳"))
    needs = {row.rule: row.needs for row in alone.rules}
    assert needs["star_dependence"] == "one_person"
    assert not [row for row in alone.rows if row.against == "peers"]


def test_an_empty_book_answers():
    empty = fn.sample().where(region="DACH").some(np.zeros(697, bool))
    result = symptoms(empty)
    assert not [row for row in result.rows if row.state in ("red", "amber")]


def test_the_ideal_is_compared_where_it_is_given(sample):
    result = symptoms(sample, ideal={"shortlist": 0.95}, only="leaking_step")
    row = next(one for one in result.rows if one.against == "ideal")
    assert (row.stage, row.state, row.group) == ("shortlist", "red", ())
    assert row.reference == pytest.approx(0.95)


def test_remedies_come_from_the_stage_model(found):
    row = next(one for one in found.rows if one.rule == "thin_top")
    assert row.remedy_en.startswith("Keep a full register of prospects")
    assert row.remedy_zh.startswith("完善潜在客户管理制度")
    quoted = next(one for one in found.rows if one.rule == "few_quotations")
    assert "quotations" in quoted.remedy_en


def test_from_a_symptom_to_its_deals(sample, found):
    detail = fn.diagnosis.drill(found, "few_opportunities", "孙悦")
    held = sample.opportunities.query("owner == '孙悦' and outcome == 'open'")
    assert {one.opportunity_id for one in detail.deals} == set(held["opportunity_id"])
    assert "13" in detail.finding("en")
    with pytest.raises(ParameterError, match="nobody"):
        fn.diagnosis.drill(found, "stalled", "Nobody")
    with pytest.raises(ParameterError, match=r"fn\.diagnosis\.symptoms"):
        fn.diagnosis.drill(sample, "stalled")


def test_the_forecast_is_judged_by_its_scorecard_where_it_is_asked(sample):
    card = fn.scorecard(sample, period="month", leads=[0], most=12)
    (row,) = symptoms(sample, only="forecast_wrong").rows
    z = [ndtri(np.clip(ndtr(ndtri(one.place_share) * one.width_factor), 1e-3, 1 - 1e-3)) for one in card.rows]
    assert row.value == pytest.approx(np.sqrt(np.mean(np.square(z))))
    assert (row.second, row.n) == (sum(not one.inside_80 for one in card.rows), len(card.rows))
    assert "forecast_wrong" not in {one.rule for one in symptoms(sample).rules}
    assert symptoms(tiny(), only="forecast_wrong").rules[0].needs == "past_months"
