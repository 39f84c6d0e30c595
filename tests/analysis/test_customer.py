"""The card of one customer: the tables by hand, names and ids, merged sources, gaps, and customers alone."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import funnelnb as fn
from funnelnb.core.errors import DataProblems, MissingDataError, ParameterError
from funnelnb.data.accounts import accounts_book
from funnelnb.playbooks import load_playbook
from tests.analysis.desk import book, frame, open_deal

ACCOUNTS = frame(
    "account_id name industry size money authority need intent",
    ("a", "Ada GmbH", "steel", "large", True, True, True, "high"),
    ("b", "宏域食品", "食品", "中", True, False, True, "中"),
    ("c", "Twin", None, None, None, None, None, None),
    ("d", "Twin", None, "small", None, None, False, "low"),
)


def made(**more):
    contacts = frame(
        "account_id name role", ("a", "Wang", "决策人"), ("a", "Li", "使用人"), ("b", "Qi", "purchaser")
    )
    activities = frame(
        "account_id opportunity_id kind owner at note",
        ("a", None, "call", "Ann", "2026-04-01", "asked for a sample"),
        ("a", "d00000", "visit", "Bob", "2026-04-05", "needs delivery in June"),
        ("b", None, "email", "Ann", "2026-01-02", ""),
    )
    sheet = frame(
        "account_id factor mark at", ("a", "竞争优势", "好", "2026-04-02"), ("a", "记录", "差", "2026-04-02")
    )
    return book(
        open_deal(3, account_id="a", amount=1000.0, owner="Ann"),
        open_deal(0, account_id="b", amount=None),
        model=load_playbook("seven_step"),
        **{
            "accounts": ACCOUNTS,
            "contacts": contacts,
            "activities": activities,
            "assessments": sheet,
        }
        | more,
    )


def test_everything_of_one_customer_by_hand() -> None:
    card = fn.customer(made(), "Ada GmbH")
    assert (card.account_id, card.name, card.n) == ("a", "Ada GmbH", 1)
    record = {row.field: row.value for row in card.record}
    assert (record["industry"], record["size"], record["intent"]) == ("steel", "large", "high")
    assert record["country"] is None
    assert (card.man, card.verdict, card.level) == ("MAN", "ideal", "high")
    assert [(one.name, one.role) for one in card.people] == [("Wang", "decision_maker"), ("Li", "user")]
    assert [(one.kind, one.note) for one in card.contacts] == [
        ("visit", "needs delivery in June"),
        ("call", "asked for a sample"),
    ]
    (deal,) = card.deals
    assert (deal.stage, deal.deal_amount) == ("shortlist", 1000.0)
    assert deal.step_en == load_playbook("seven_step").stage("shortlist").next_step.en
    assert (card.plus_n, card.minus_n) == (1, 1)
    assert card.open_amount == 1000.0 and np.isnan(card.won_amount)
    assert card.missing == ("technical_gatekeeper", "purchaser", "sponsorship")


def test_gaps_are_named_not_filled() -> None:
    card = fn.customer(made(), "b")
    assert card.man == "MaN" and card.verdict == "find_authority"
    assert card.missing == ("decision_maker", "technical_gatekeeper", "user", "assessment", "quiet")
    assert "客户方" not in card.name
    text = card.text("zh")
    assert "未接触决策者" in text and "超过 90 天没有联系" in text and "未填写" in text


def test_a_customer_without_a_deal_has_a_level_of_its_own() -> None:
    card = fn.customer(made(), "d")
    assert card.deals == () and card.level == "low"
    assert "no deal on record" in card.finding("en")


def test_names_that_fit_none_or_several() -> None:
    with pytest.raises(ParameterError, match="2 customers are called 'Twin'") as caught:
        fn.customer(made(), "Twin")
    assert "c, d" in caught.value.expected
    with pytest.raises(ParameterError) as caught:
        fn.customer(made(), "Ada Gmbx")
    assert "Ada GmbH" in caught.value.hint
    assert fn.customer(made(), "ada  gmbh").account_id == "a"


def test_merged_sources_show_where_each_value_comes_from() -> None:
    rows = frame(
        "account_id name size need source",
        ("a", "Ada", "large", None, "fair"),
        ("a", "Ada", "medium", True, "web"),
    )
    card = fn.customer(made(accounts=rows), "a")
    told = [(row.field, row.value, row.origin) for row in card.record if row.value is not None]
    assert ("name", "Ada", "fair, web") in told
    assert ("size", "large", "fair") in told and ("size", "medium", "web") in told
    assert ("need", True, "web") in told


def test_levels_go_back_in_time_by_one_ruler() -> None:
    sample = fn.sample()
    card = fn.customer(sample, "A0004")
    assert len(card.levels) == 4
    now = next(row for row in fn.customers.levels(sample).customers if row.account_id == "A0004")
    assert (card.level, card.levels[0].score) == (now.level, now.score)
    days = [str(row.at) for row in card.levels]
    assert days == sorted(days, reverse=True)


def test_customers_alone_are_enough(tmp_path: Path) -> None:
    """Only an accounts table, with the field's words as data: a file or a frame, no deal anywhere."""
    path = tmp_path / "customers.csv"
    path.write_text(
        "account_id,name,industry,size,money,authority,need,intent\n"
        "A1,东方精工,机械,大,有,有,有,高\nA2,Nord AG,machines,small,no,yes,yes,low\n",
        encoding="utf-8",
    )
    for source in (path, pd.read_csv(path)):
        card = fn.customer(source, "东方精工")
        assert (card.man, card.level, card.deals) == ("MAN", "high", ())
    made_book = accounts_book(path, as_of="2026-06-30")
    assert [row.level for row in fn.customers.levels(made_book).customers] == ["high", "low"]
    assert fn.customers.money_authority_need(made_book).rows[0].customer_n == 1
    assert str(made_book.as_of)[:10] == "2026-06-30"


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_card_in_every_form(lang: str) -> None:
    card = fn.customer(made(), "a")
    for form in (card.text(lang), card.html(lang), card.markdown(lang)):
        assert "Ada GmbH" in form
    nasty = ACCOUNTS.assign(name=["<script>x</script>", "b", "c", "d"])
    assert "<script>" not in fn.customer(made(accounts=nasty), "a").html(lang)
    assert len(card.to_frame()) == len(card.record)


SEED = """客户名称,行业地位,规模,需求,购买能力,决定权,购买意向,来源,联系人,电话
华东机械,行业领先,大,有,强,有,高,展会,张三,13800000001
华东机械,行业前三,大,有,强,有,高,网络,张三,13800000001
北方电子,一般,小,无,弱,无,低,网络,李四,13900000002
南方食品,中等,中,,中,有,中,市场调查,王五,13700000003
"""


def test_the_words_of_the_field_are_data(tmp_path: Path) -> None:
    """No id, Chinese headers, one customer in two sources: nothing is dropped, both values are told."""
    path = tmp_path / "客户.csv"
    path.write_text(SEED, encoding="utf-8")
    card = fn.customer(path, "华东机械")
    told = {(row.field, row.value): row.origin for row in card.record if row.value is not None}
    assert told["position", "行业领先"] == "展会" and told["position", "行业前三"] == "网络"
    assert told["contact", "张三"] == "展会, 网络" and ("电话", "13800000001") in told
    assert (card.man, card.level) == ("MAN", "high")
    assert "sources_disagree" in {note.code for note in card.notes} and "people" not in card.missing
    levels = fn.customers.levels(path)
    assert [(row.account_id, row.level) for row in levels.customers] == [
        ("华东机械", "high"),
        ("南方食品", "medium"),
        ("北方电子", "low"),
    ]
    man = {row.man: row.customer_n for row in fn.customers.money_authority_need(pd.read_csv(path)).rows}
    assert (man["MAN"], man["man"], man["unknown"]) == (1, 1, 1), "a middling power to buy says neither"
    assert "–" not in levels.finding("zh").splitlines()[0]


def test_contradicting_sources_leave_the_class_open() -> None:
    rows = frame(
        "account_id name money authority need origin",
        ("a", "Ada", True, True, True, "fair"),
        ("a", "Ada", False, True, True, "web"),
    )
    assert fn.customer(rows, "a").man == "unknown"
    with pytest.raises(DataProblems, match="money = yes and money = no"):
        fn.customers.money_authority_need(rows)


def test_a_table_of_nobody_is_refused() -> None:
    with pytest.raises(MissingDataError, match="no column tells which customer"):
        fn.customer(pd.DataFrame({"colour": ["red"], "weight": [3]}), "a")
