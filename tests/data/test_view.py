"""The same deals seen through another stage model keep their outcomes."""

import funnelnb as fn
from funnelnb.data.seen_as import seen_as, views


def test_outcomes_and_deals_stay() -> None:
    book = fn.sample()
    seen = seen_as(book, "product_funnel")
    assert (seen.ledger.outcome == book.ledger.outcome).all()
    assert (seen.ledger.deal_ids == book.ledger.deal_ids).all()
    assert seen.playbook.id == "product_funnel"
    assert seen.notes[-1].code == "seen_as"


def test_stages_follow_the_translation() -> None:
    book = fn.sample()
    seen = seen_as(book, "product_funnel")
    before = book.tables["stage_history"]["stage"].isin(["find_opportunity", "qualify", "project_approved"])
    assert (seen.tables["stage_history"]["stage"] == "need").eq(before).all()
    assert set(book.tables["stage_history"]["stage"]) >= {
        "find_opportunity",
        "shortlist",
    }  # the original is untouched


def test_its_own_model_changes_nothing() -> None:
    book = fn.sample()
    assert seen_as(book, book.playbook.id) is book
    assert views(book)[0] == book.playbook.id
    assert {"product_funnel", "pyramid"} <= set(views(book))
