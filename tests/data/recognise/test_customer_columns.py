"""Columns of the deals about their customers: MAN marks, intent, buyer roles, factors, one column each."""

from __future__ import annotations

import pandas as pd
import pytest

import funnelnb as fn
from funnelnb.analysis.priority.money_authority_need import flags_of
from funnelnb.core.errors import MappingError
from funnelnb.data.load import load
from funnelnb.data.propose import propose
from funnelnb.data.recognise.write import as_toml

DEALS = pd.DataFrame({
    "商机编号": ["S1", "S2", "S3", "S4", "S5"],
    "客户名称": ["甲", "甲", "乙", "丙", ""],
    "商机阶段": ["初步接触", "赢单", "输单", "初步接触", "需求确认"],
    "商机金额": ["10", "20", "30", "40", "50"],
    "创建时间": ["2026-01-05", "2026-02-05", "2026-01-07", "2026-01-08", "2026-01-09"],
    "成交日期": ["", "2026-03-01", "2026-02-01", "", ""],
    "资金": ["无", "有", "有", "", "有"],
    "决策权": ["有", "", "无", "有", "有"],
    "需求": ["有", "有", "有", "没有", "有"],
    "购买意向": ["低", "高", "中", "高", "低"],
    "决策人": ["张三", "", "", "李四、王五", ""],
    "技术选项人": ["有", "无", "", "有", "有"],
    "购买人姓名": ["", "", "赵六", "", ""],
    "使用人": ["", "", "", "", "钱七"],
    "组织特征": ["好", "差", "", "好", "好"],
    "竞争优势": ["差", "", "好", "", "好"],
})  # fmt: skip


def told(book):
    """What the book holds of customers, as plain values."""
    accounts = book.tables["accounts"].set_index("account_id")
    people = book.tables["contacts"].astype(object).where(lambda of: of.notna(), "")
    marks = book.tables["assessments"]
    return (
        {
            one: tuple(None if pd.isna(value) else value for value in row)
            for one, row in zip(
                accounts.index, accounts[["money", "authority", "need", "intent"]].values, strict=True
            )
        },
        set(people[["opportunity_id", "role", "name"]].itertuples(index=False, name=None)),
        set(marks[["account_id", "factor", "mark"]].itertuples(index=False, name=None)),
    )


EXPECTED = (
    {"甲": (True, True, True, "高"), "乙": (True, False, True, "中"), "丙": (None, True, False, "高")},
    {
        ("S1", "decision_maker", "张三"), ("S4", "decision_maker", "李四"), ("S4", "decision_maker", "王五"),
        ("S1", "technical_gatekeeper", ""), ("S4", "technical_gatekeeper", ""), ("S5", "technical_gatekeeper", ""),
        ("S3", "purchaser", "赵六"), ("S5", "user", "钱七"),
    },
    {
        ("甲", "organisational_characteristics", "-"), ("丙", "organisational_characteristics", "+"),
        ("甲", "competitive_advantage", "-"), ("乙", "competitive_advantage", "+"),
    },
)  # fmt: skip
"""By hand: the newest deal of 甲 (S2) counts, where it says something; S5 names no customer."""


def test_columns_become_customers_people_and_marks():
    assert told(load(DEALS)) == EXPECTED


def test_order_of_rows_does_not_matter_and_a_yes_changes_nothing():
    turned = DEALS.iloc[::-1].reset_index(drop=True)
    assert told(load(turned, mapping=propose(turned))) == EXPECTED


def test_nothing_is_left_unread_and_the_settings_read_the_same(tmp_path):
    DEALS.to_csv(tmp_path / "商机.csv", index=False)
    found = propose(tmp_path)
    assert found.unread() == {}
    assert [one.code for one in found.notes].count("customer_columns_read") == 1
    (tmp_path / "funnelnb.toml").write_text(as_toml(found.document, {}), encoding="utf-8")
    assert told(load(tmp_path)) == EXPECTED


def test_an_import_of_an_import_changes_nothing(tmp_path):
    book = load(DEALS)
    for name, frame in book.tables.items():
        frame.to_parquet(tmp_path / f"{name}.parquet")
    again = load(tmp_path, playbook=book.playbook, mapping={"problems": {"won_without_closed_at": "keep"}})
    assert told(again) == EXPECTED


def test_the_questions_about_customers_use_them():
    book = load(DEALS)
    assert flags_of(book.tables["accounts"])["乙"] == (True, False, True)
    assert {
        one.man: one.customer_n for one in fn.customers.money_authority_need(book).rows if one.customer_n
    } == {
        "MAN": 1,
        "MaN": 1,
        "unknown": 1,
    }
    sheet = fn.customers.assessment(book)
    assert sheet.to_frame().query("account_id == '丙' and mark == '+'")["factor"].tolist() == [
        "organisational_characteristics"
    ]
    met = {one.role: one.met_n for one in fn.customers.roles(book).rows if not one.stage}
    assert met["decision_maker"] == 2  # S1 and S4; S5 has none
    assert met["user"] == 1


def test_deals_that_differ_are_told_and_a_later_deal_counts_only_when_it_is_there():
    notes = {one.code: one.values for one in load(DEALS).notes}
    assert notes["customers_marked_differently"]["n"] == 1
    accounts = load(DEALS, as_of="2026-01-31").tables["accounts"].set_index("account_id")
    assert not accounts.loc["甲", "money"]  # S2, of February, is not known yet
    assert accounts.loc["甲", "intent"] == "低"


def test_a_table_of_customers_keeps_what_it_says():
    given = pd.DataFrame({"account_id": ["甲", "丁"], "money": ["no", "yes"], "industry": ["a", "b"]})
    book = load({"opportunities": DEALS, "accounts": given})
    accounts = book.tables["accounts"].set_index("account_id")
    assert accounts["money"].tolist() == [False, True]
    assert accounts.loc["甲", "intent"] == "高" and pd.isna(accounts.loc["丁", "intent"])
    assert {one.code: one.values for one in book.notes}["customer_columns_without_record"][
        "n"
    ] == 2  # 乙 and 丙


def test_three_letters_in_one_column():
    frame = DEALS.drop(columns=["资金", "决策权", "需求"]).assign(MAN分类=["man", "MaN", "MAn", "", "MAN"])
    accounts = load(frame).tables["accounts"].set_index("account_id")
    assert accounts.loc["甲", ["money", "authority", "need"]].tolist() == [True, False, True]
    assert accounts.loc["乙", ["money", "authority", "need"]].tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("column", "cells"),
    [
        ("用户", ["Ann", "Bob", "Ann", "Bob", "Ann"]),  # who sells, in some systems
        ("预算", ["100", "200", "300", "400", "500"]),  # a sum of money
        ("需求", ["排产系统", "看板", "报表集成", "条码", "移动端"]),  # what is needed, in words
        ("机会", ["大", "小", "大", "小", "大"]),  # no marks
    ],
)
def test_what_only_looks_like_it_is_not_read(column, cells):
    bare = DEALS[list(DEALS)[:6]].assign(**{column: cells})
    assert not {"accounts", "contacts", "assessments"} & set(load(bare).tables)
    assert column in next(iter(propose(bare).unread().values()))


def test_without_a_customer_only_people_are_read_and_it_is_said():
    found = propose(DEALS.drop(columns="客户名称"))
    notes = {one.code: one.values for one in found.notes}
    assert "资金" in notes["customer_columns_unkeyed"]["names"]
    assert set(found.table("opportunities")["role_columns"]) == {
        "decision_maker", "technical_gatekeeper", "purchaser", "user",
    }  # fmt: skip


def test_four_factors_beside_few_columns_of_deals_stay_a_table_of_deals():
    few = DEALS[["商机编号", "客户名称", "商机阶段", "创建时间", "组织特征", "竞争优势"]]
    few = few.assign(市场增长定位="好", 方案需求="差")
    book = load(few)
    assert len(book.opportunities) == 5
    assert len(book.tables["assessments"]) == 2 + 2 + 3 + 3  # customers with a mark, factor by factor


@pytest.mark.parametrize(
    ("key", "name", "source"),
    [
        ("role_columns", "boss", "决策人"),
        ("account_columns", "money", "资产"),
        ("factor_columns", "fit", "竞争优势"),
    ],
)
def test_settings_that_name_what_is_not_there_are_refused(key, name, source):
    with pytest.raises(MappingError) as refusal:
        load(DEALS, mapping={"tables": {"opportunities": {key: {name: source}}}})
    assert f"[tables.opportunities.{key}] {name}" in str(refusal.value)


def test_a_text_stored_in_parts_keeps_people_and_says_what_it_leaves_out(tmp_path):
    from funnelnb.data.parts import convert

    DEALS.to_csv(tmp_path / "deals.csv", index=False)
    stored = convert(tmp_path / "deals.csv", tmp_path / "stored", mapping=propose(tmp_path))
    assert set(stored.rows_n) == {"opportunities", "contacts"}
    assert "customer_columns_not_in_parts" in {one.code for one in stored.notes}
    people = load(tmp_path / "stored").tables["contacts"]
    found = people.astype(object).where(people.notna(), "")[["opportunity_id", "role", "name"]]
    assert set(found.itertuples(index=False, name=None)) == EXPECTED[1]
