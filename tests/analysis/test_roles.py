"""Buyer roles: coverage by hand, a loop over the sample, who comes first, what is refused."""

import pandas as pd
import pytest

import funnelnb as fn
from funnelnb.analysis.priority.roles import MAIN_ROLES, due_roles, role_key
from funnelnb.core.errors import DataProblems, MissingDataError
from funnelnb.playbooks import load_playbook
from tests.analysis.desk import book, frame, open_deal, relabelled, shuffled

SEVEN = load_playbook("seven_step")
CONTACTS = frame(
    "account_id role",
    ("a", "使用者"),
    ("a", "Decision Maker"),
    ("b", "initiator"),
    ("b", None),
    ("z", "user"),
)


def small(**tables):
    deals = (
        open_deal(0, amount=10.0, account_id="a"),
        open_deal(1, amount=20.0, account_id="a"),
        open_deal(1, amount=40.0, account_id="b"),
    )
    return book(*deals, model=SEVEN, contacts=tables.pop("contacts", CONTACTS), **tables)


def test_names_in_both_languages_are_roles() -> None:
    assert [role_key(name) for name in ("技术把关者", "technical-gatekeeper", "Purchaser", "boss")] == [
        "technical_gatekeeper",
        "technical_gatekeeper",
        "purchaser",
        None,
    ]


def test_coverage_by_hand() -> None:
    result = fn.roles(small())
    deals = {deal.opportunity_id: deal for deal in result.deals}
    # step 1 addresses initiator and user; step 2 adds the decision maker
    assert (deals["d00000"].due_n, deals["d00000"].met_due_n, deals["d00000"].missing) == (2, 1, "initiator")
    assert deals["d00001"].missing == "initiator"
    assert (deals["d00002"].missing, deals["d00002"].next_role) == ("decision_maker, user", "decision_maker")
    assert deals["d00002"].question_en == "What does this problem cost you in a year?"
    assert result.mean_coverage_share == pytest.approx((1 / 2 + 2 / 3 + 1 / 3) / 3)
    rows = {row.role: row for row in result.rows}
    assert (rows["user"].deal_n, rows["user"].met_n, rows["user"].unmet_amount) == (3, 2, 40.0)
    assert (rows["decision_maker"].deal_n, rows["decision_maker"].met_n) == (2, 1), "not due in step 1"
    assert [deal.opportunity_id for deal in result.deals] == ["d00002", "d00001", "d00000"]
    cell = next(row for row in result.cells if (row.role, row.stage) == ("initiator", "qualify"))
    assert (cell.deal_n, cell.met_n, cell.due) == (2, 1, True)
    assert {note.code for note in result.notes} == {"contacts_undated", "contacts_without_role"}


def test_a_contact_of_a_deal_covers_that_deal_only() -> None:
    own = frame("account_id opportunity_id role", ("a", "d00001", "initiator"), ("a", None, "user"))
    deals = {deal.opportunity_id: deal.met for deal in fn.roles(small(contacts=own)).deals}
    assert deals == {"d00000": "user", "d00001": "user, initiator", "d00002": ""}


def test_a_playbook_without_roles_asks_for_the_four() -> None:
    result = fn.roles(book(open_deal(0, account_id="a"), contacts=CONTACTS))
    assert {row.role for row in result.rows} == set(MAIN_ROLES)
    assert "no_roles_in_playbook" in {note.code for note in result.notes}
    assert due_roles(SEVEN)[0] == ("user", "initiator")


def test_the_sample_against_a_loop() -> None:
    sample = fn.sample()
    result = fn.roles(sample)
    met = {}
    same = {"technical_gatekeeper": "technical_assessor", "purchaser": "executor"}
    same |= {other: one for one, other in same.items()}
    for row in sample.table("contacts").itertuples():
        met.setdefault(row.account_id, set()).update({row.role, same.get(row.role, row.role)})
    deals = sample.opportunities[sample.opportunities["outcome"] == "open"]
    addressed, due = set(), {}
    for stage in sample.playbook.stages:
        addressed |= set(stage.roles)
        due[stage.id] = set(addressed)
    stage_of = {deal.opportunity_id: deal.stage for deal in result.deals}
    for row in deals.itertuples():
        want = due[stage_of[row.opportunity_id]]
        got = next(deal for deal in result.deals if deal.opportunity_id == row.opportunity_id)
        assert set(filter(None, got.missing.split(", "))) == want - met.get(row.account_id, set())


def test_row_order_and_ids_do_not_matter() -> None:
    sample = fn.sample()
    first = fn.roles(sample)
    assert repr(fn.roles(shuffled(sample)).deals) == repr(first.deals)
    assert repr(fn.roles(relabelled(sample)).rows) == repr(first.rows)


def test_unknown_roles_are_all_named() -> None:
    bad = frame("account_id role", ("a", "decision maker"), ("a", "desicion_maker"), ("b", "boss"))
    with pytest.raises(DataProblems) as caught:
        fn.roles(small(contacts=bad))
    assert [problem.row for problem in caught.value.problems] == [3, 4]
    assert "did you mean 'decision_maker'" in str(caught.value)


def test_without_contacts_it_says_what_is_needed() -> None:
    with pytest.raises(MissingDataError, match="no table 'contacts'"):
        fn.roles(book(open_deal(0)))


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_it_reads_in_words_and_draws(lang) -> None:
    for one in (fn.roles(small()), fn.roles(small(contacts=CONTACTS.iloc[:0]))):
        assert one.finding(lang)
        assert "{" not in one.text(lang)
        assert one.chart("coverage", lang).to_dict()


def test_the_fields_words_for_roles_are_taken() -> None:
    """Both spellings of each word, and of two words for one person either (DOMAIN C5)."""
    words = ["决策人", "技术选项人", "购买人", "使用人", "需求发起者", "采购审批者"]
    given = frame("account_id role", *(("a", word) for word in words))
    made = book(open_deal(3, account_id="a"), model=load_playbook("seven_step"), contacts=given)
    (deal,) = fn.roles(made).deals
    assert deal.stage == "shortlist" and deal.missing == "" and deal.coverage_share == 1
    assert (deal.stage_due_n, deal.stage_met_n) == (5, 5)
    assert "roles_two_words" in {note.code for note in fn.roles(made).notes}


def test_coverage_of_the_stages_own_roles_by_hand() -> None:
    """Negotiation addresses executor, approver and decision maker; who came before is due, but not of the stage."""
    given = frame("account_id role", ("a", "executor"), ("a", "user"), ("b", "采购执行者"), ("b", "审批人"))
    given = pd.concat([given, frame("account_id role", ("b", "决策者"))], ignore_index=True)
    made = book(
        open_deal(4, account_id="a", amount=10.0),
        open_deal(4, account_id="b", amount=20.0),
        model=load_playbook("seven_step"),
        contacts=given,
    )
    result = fn.roles(made)
    deals = {deal.account_id: deal for deal in result.deals}
    assert deals["a"].stage_missing == "decision_maker, approver"
    assert (deals["b"].stage_missing, deals["b"].stage_met_n) == ("", 3)
    assert deals["b"].missing, "the user was due before and is still missing"
    (row,) = result.stages
    assert (row.stage, row.deal_n, row.complete_n, row.incomplete_amount) == ("negotiation", 2, 1, 10.0)
    assert row.mean_coverage_share == pytest.approx((1 / 3 + 1) / 2)
    text = result.text("zh")
    assert "公司老总、董事长" in text and "从这项购买投资中" in text
