"""Behind every count stand its deals: as many as it says, whatever the book is like."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import funnelnb as fn
from funnelnb.analysis.shared.deals import each_count, tables_of
from funnelnb.analysis.shared.members import Customers, Elsewhere, Nobody, Who, count_names, rule_of
from funnelnb.core.errors import FunnelError, MissingDataError, ParameterError
from tests.show.books import COMPANY_ONLY, QUESTIONS, book, changed, company, load, tables

MORE: dict[str, Any] = {
    "conversion by two": lambda b: fn.conversion(b, by=("region", "segment"), horizon_days=90),
    "conversion from a later stage": lambda b: fn.conversion(
        b, origin_stage=b.playbook.stage_ids[1], by="owner"
    ),
    "cohort by region": lambda b: fn.cohort(b, every="month", by="region"),
    "duration to lost, within": lambda b: fn.duration(b, to="lose", by="segment", within="region"),
    "duration in business days": lambda b: fn.duration(b, by="region", calendar="business"),
    "ageing in business days": lambda b: fn.ageing(b, calendar="business"),
    "stuck by region": lambda b: fn.stuck(b, by="region"),
    "six properties": lambda b: fn.six_properties(b, by="segment"),
    "six properties by quarter": lambda b: fn.six_properties(b, period="2026", by="quarter"),
    "before and after": lambda b: fn.before_after(b, at="2025-10-01"),
    "deal mix by segment": lambda b: fn.deal_mix(b, amount=400_000, bands="segment"),
    "quota by region": lambda b: fn.quota(b, by="region"),
    "stage targets": lambda b: fn.targets.stage_targets(b, amount=400_000, period="2026-Q3"),
    "attained": fn.targets.attained,
}
DIAGNOSES: dict[str, Any] = {
    "symptoms": lambda b: fn.diagnosis.symptoms(b, by="owner"),
    "symptoms among all": lambda b: fn.diagnosis.symptoms(b, learn_from=b),
    "drill": lambda b: fn.diagnosis.drill(fn.diagnosis.symptoms(b), "stalled"),
    "change of bookings": fn.diagnosis.change,
    "change of the win rate": lambda b: fn.diagnosis.change(b, measure="win_rate"),
    "verdict": lambda b: fn.diagnosis.verdict(b, "2025-10-01"),
    "why lost": lambda b: fn.diagnosis.why_lost(b, by="segment"),
    "wander": fn.diagnosis.wander,
    "sales": lambda b: fn.diagnosis.sales_trend(b, by="source"),
    "entries by quarter": lambda b: fn.diagnosis.sales_trend(b, measure="entries", every="quarter"),
    "describe": lambda b: fn.diagnosis.describe(b, by="segment"),
    "describe open": lambda b: fn.diagnosis.describe(b, of="open"),
    "weekly report": fn.weekly_report,
    "quarterly report by size": lambda b: fn.weekly_report(b, period="quarter", by="size"),
    "harm": lambda b: fn.harm(b, horizon_days=90),
    "forecast": lambda b: fn.forecast(b, period="2026-Q3", by="owner", record=False, draws=200),
    "forecast of a running period": lambda b: fn.forecast(b, period="2026", record=False, draws=200),
    "velocity": lambda b: fn.forecasts.velocity(b, horizon_days=180),
}
"""Asked of the sample company here, of all books in the long tier."""
ASKED = QUESTIONS | MORE


def size_of(who: Who) -> float:
    """Return how many are in a count; NaN where nobody can be listed."""
    if isinstance(who, Nobody):
        return math.nan
    if isinstance(who, Customers):
        return len(set(who.account_ids))
    return int((who.mask if isinstance(who, Elsewhere) else who).sum())


def disagreements(result: Any, *, curves: bool = False) -> list[str]:
    """Say of which counts the list is longer or shorter than the count."""
    found = []
    for one in each_count(result, curves=curves):
        who = one.who()
        if isinstance(who, Nobody) or math.isnan(one.value):
            continue
        if size_of(who) != one.value:
            found.append(f"{one.table}[{one.place}].{one.name} = {one.value}, listed {size_of(who)}")
    return found


def ask(question: Any, of: Any) -> Any:
    try:
        return question(of)
    except FunnelError:
        return None


def wrong_counts(given: Any, questions: dict[str, Any] = ASKED) -> dict[str, list[str]]:
    """Say which counts of which questions disagree with their lists, over one book."""
    wrong = {}
    for asked, question in questions.items():
        result = ask(question, given)
        if result is not None and getattr(result, "_asked", None) is not None:
            found = disagreements(result)
            if found:
                wrong[asked] = found[:5]
    return wrong


HARD = (
    "no close dates", "no stage history", "all without a decision", "won and open, none lost", "a group not given",
    "one won deal",
)  # fmt: skip
"""Books of the short tier; `make verify` takes all of them (tests/analysis/every_list.py)."""


@pytest.mark.parametrize("name", HARD)
def test_every_count_of_every_result_agrees_with_its_list(name: str) -> None:
    assert not wrong_counts(book(name))


def spoilt(seed: int) -> Any:
    """Return a book of random deals, parts of whose records are missing or contradict one another."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 60))
    given = tables(*rng.multinomial(n, [0.3, 0.4, 0.2, 0.1]), seed=seed)
    deals, history = given["opportunities"].copy(), given.get("stage_history")
    for column, share in (
        ("closed_at", 0.2),
        ("created_at", 0.2),
        ("stage", 0.3),
        ("amount", 0.3),
        ("region", 0.2),
    ):
        deals.loc[rng.random(len(deals)) < share * rng.integers(0, 2), column] = None
    made: dict[str, Any] = {"opportunities": deals}
    if history is not None and rng.random() < 0.8:
        keep = rng.random(n) < rng.choice([0.5, 1.0])
        made["stage_history"] = history[history["opportunity_id"].isin(deals["opportunity_id"][keep])]
    late = {"observed_from": "2025-03-01"} if rng.random() < 0.4 else {}
    return load(made, mapping={"on_problem": "drop", **late})


ON_SPOILT = (
    "overview", "conversion by two", "conversion from a later stage", "cohort by region", "segments", "segments by day",
    "duration by segment", "duration to lost, within", "stuck by region", "ageing", "six properties by quarter",
    "reverse funnel", "integrity", "quota by region",
)  # fmt: skip


@settings(max_examples=8, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000))
def test_lists_agree_with_counts_over_spoilt_books(seed: int) -> None:
    made = ask(spoilt, seed)
    for asked in ON_SPOILT:
        result = ask(ASKED[asked], made) if made is not None else None
        if result is not None and getattr(result, "_asked", None) is not None:
            assert not disagreements(result), (seed, asked)


def on_company(asked: str) -> Any:
    if asked not in _ANSWERS:
        _ANSWERS[asked] = ask((ASKED | COMPANY_ONLY | DIAGNOSES | COSTS)[asked], company())
    return _ANSWERS[asked]


_ANSWERS: dict[str, Any] = {}


COSTS: dict[str, Any] = {
    "costs": fn.diagnosis.costs,
    "costs by period": lambda b: fn.diagnosis.costs(b, by="period"),
}


@pytest.mark.parametrize("asked", [*ASKED, *COMPANY_ONLY, *DIAGNOSES, *COSTS])
def test_the_sample_company_agrees_too_and_every_count_has_a_rule(asked: str) -> None:
    """A new count of a new row must say who stands behind it, or why nobody does."""
    result = on_company(asked)
    assert result is not None
    for table, rows in tables_of(result):
        names = count_names(rows[0])
        if names:
            rule = rule_of(rows[0])
            assert rule is not None, f"{table}: {type(rows[0]).__name__} has no rule"
            assert set(names) <= set(rule(result._asked, result, rows[0])), table
    assert not disagreements(result, curves=asked in ("conversion", "duration by segment"))
    counted = [one for one in each_count(result) if not isinstance(one.who(), Nobody)]
    assert counted or asked in ("attained", "levers")


# ---- how one asks ---------------------------------------------------------------------------------------------


def test_a_count_is_named_by_stage_group_and_outcome() -> None:
    result = fn.conversion(company(), by="segment", horizon_days=180)
    row = next(one for one in result.steps if one.stage == "shortlist" and one.group == ("Small",))
    pairs = (("lost", "lost_n"), ("moved_on", "advanced_n"), ("open", "here_n"), ("reached_n", "reached_n"))
    for outcome, name in pairs:
        assert len(result.deals(stage="shortlist", group="Small", outcome=outcome)) == getattr(row, name)
    whole = next(one for one in result.overall if one.group == ("Small",))
    assert len(result.deals(group="Small", outcome="won")) == whole.advanced_n
    assert len(result.deals()) == result.n
    # all groups at once: every deal stands in the list once
    assert len(result.deals(stage="shortlist")) == sum(
        one.reached_n for one in result.steps if one.stage == "shortlist"
    )


def test_a_stage_goes_by_its_label_too() -> None:
    result = on_company("conversion")
    label = result.stage_labels[3].en
    assert result.deals(stage=label).equals(result.deals(stage="shortlist"))


def test_other_fields_name_a_row() -> None:
    result = on_company("cohort")
    row = result.rows[2]
    assert len(result.deals(cohort=row.cohort, outcome="won")) == row.won_n
    roles = on_company("roles")
    first = roles.rows[0]
    assert len(roles.deals(role=first.role, table="rows", outcome="met")) == first.met_n


@pytest.mark.parametrize(
    ("slip", "near"),
    [
        ({"stage": "shortlst"}, "did you mean 'shortlist'?"),
        ({"group": "Smal"}, "did you mean 'Small'?"),
        ({"outcome": "lots"}, "did you mean 'lost'?"),
        ({"table": "step"}, "did you mean 'steps'?"),
        ({"stag": "shortlist"}, "did you mean 'stage'?"),
    ],
)
def test_a_slip_names_the_nearest(slip: dict[str, Any], near: str) -> None:
    with pytest.raises(ParameterError) as caught:
        on_company("conversion by segment").deals(**slip)
    assert near in str(caught.value)


def test_what_is_worked_out_has_no_deals_and_says_so() -> None:
    with pytest.raises(MissingDataError, match="is worked out, not counted"):
        on_company("reverse funnel").deals(stage="shortlist", outcome="needed")
    with pytest.raises(MissingDataError, match="carries no deals"):
        fn.typed_funnel([100, 80, 40, 20, 10, 5]).deals()


def test_the_list_names_the_customer_first_and_the_largest_on_top() -> None:
    made = on_company("stuck").deals(outcome="slow")
    assert list(made.columns)[:3] == ["customer", "deal", "owner"]
    names = set(company().tables["accounts"]["name"])
    assert set(made["customer"]) <= names
    assert made["amount"].dropna().is_monotonic_decreasing


def test_without_names_the_customer_is_still_something() -> None:
    made = fn.overview(book("no segment, region or owner")).deals()
    assert made["customer"].str.len().min() > 0


def test_ages_by_hand() -> None:
    frame = pd.DataFrame(
        {
            "opportunity_id": ["a", "b"], "created_at": ["2026-01-01", "2026-01-01"],
            "closed_at": [None, "2026-01-11"], "outcome": ["open", "lost"], "stage": ["offer", "lead"],
        }
    )  # fmt: skip
    history = pd.DataFrame(
        {"opportunity_id": ["a", "a"], "stage": ["lead", "offer"], "entered_at": ["2026-01-01", "2026-01-21"]}
    )
    made = load({"opportunities": frame, "stage_history": history}, as_of="2026-01-31")
    listed = fn.overview(made).deals().set_index("opportunity_id")
    assert listed.loc["a", ["age_days", "stage_days"]].tolist() == [30.0, 10.0]
    assert listed.loc["b", "age_days"] == 10.0
    assert math.isnan(listed.loc["b", "stage_days"])


def test_a_link_leads_to_the_crm_where_the_settings_say_how() -> None:
    frames = changed(tables(3, 2, 1), opportunity_id=[f"D {k}/x" for k in range(6)])
    frames.pop("stage_history")
    made = load(frames, mapping={"deal_url": "https://crm.example/o/{opportunity_id}?a={account_id}"})
    listed = fn.overview(made).deals().set_index("opportunity_id")
    assert listed.loc["D 0/x", "url"] == "https://crm.example/o/D%200%2Fx?a=A000"
    for bad in (
        "javascript:alert(1)//{opportunity_id}",
        "https://crm.example/",
        "https://x/{owner}/{opportunity_id}",
    ):
        with pytest.raises(FunnelError, match="deal_url"):
            load(frames, mapping={"deal_url": bad})


def test_ten_thousand_deals_behind_one_bar() -> None:
    made = load(tables(2_000, 5_000, 3_000, seed=4))
    assert len(fn.overview(made).deals()) == 10_000
