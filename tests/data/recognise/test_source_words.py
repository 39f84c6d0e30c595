"""The words of the source are known as input: stages, roles, factors, marks and the MAN columns, all in Chinese."""

import openpyxl
import pandas as pd

from funnelnb.analysis.priority.assessment import assessment
from funnelnb.analysis.priority.roles import roles
from funnelnb.data.contract.tables import ASSESSMENT_FACTORS
from funnelnb.data.load import load
from funnelnb.data.propose import propose
from funnelnb.data.read.raw import Raw
from funnelnb.data.recognise.wide_marks import marks_as_rows
from tests.data.recognise.corpus import write

FACTORS = (
    "组织特征",
    "市场增长定位",
    "解决方案需求",
    "各种机会",
    "解决方案的适用性",
    "竞争优势",
    "业绩记录",
    "支持者",
    "文化兼容性",
)


def chinese(folder):
    names = ("潜在客户", "接近客户", "重点客户", "成交客户", "候选目标")
    write(
        folder / "商机.csv",
        ["商机编号", "客户编号", "商机阶段", "商机金额", "创建时间", "结单日期"],
        [
            [k, f"A{k % 2 + 1}", names[k], 100 * k, f"2026-01-0{k + 1}", "2026-02-01" if k == 3 else ""]
            for k in range(5)
        ],
    )  # fmt: skip
    write(
        folder / "客户.csv",
        ["客户编号", "客户名称", "资金", "权力", "需求", "购买意向"],
        [["A1", "华东电子", "有", "具备", "有", "高"], ["A2", "华南机械", "无", "有", "不足", "中"]],
    )
    people = ("决策人", "技术选项人", "购买人", "使用人")
    write(
        folder / "联系人.csv",
        ["联系人编号", "客户编号", "姓名", "角色"],
        [[k, "A1", f"人{k}", one] for k, one in enumerate(people)],
    )
    write(
        folder / "客户评估表.csv",
        ["客户编号", "评估因素", "评价"],
        [["A1", one, "好" if k % 2 else "差"] for k, one in enumerate(FACTORS)],
    )
    return folder


def test_chinese_tables_load_without_settings(tmp_path):
    proposal = propose(chinese(tmp_path))
    assert (proposal.questions, proposal.model) == ([], "pyramid")
    assert proposal.document["playbook"][:4] == ["候选目标", "潜在客户", "接近客户", "重点客户"]
    book = load(tmp_path, mapping=proposal)
    accounts = book.tables["accounts"].set_index("account_id")
    assert accounts[["money", "authority", "need"]].astype("boolean").values.tolist() == [
        [True] * 3,
        [False, True, False],
    ]
    assert accounts["intent"].tolist() == ["高", "中"]
    assert {row.factor for row in assessment(book).sheet} == set(ASSESSMENT_FACTORS)
    assert roles(book).n


def test_factors_side_by_side_and_people_without_numbers_in_one_workbook(tmp_path):
    made = openpyxl.Workbook()
    made.remove(made.active)
    sheets = {
        "商机": [
            ["商机编号", "客户名称", "商机阶段", "金额(万元)", "创建日期", "结案日期"],
            ["S1", "华测", "方案报价", 10, "2025-01-01", None],
            ["S2", "云栖", "赢单", 20, "2025-01-02", "2025-03-01"],
            ["S3", "华测", "输单", 30, "2025-01-03", "2025-03-02"],
        ],
        "客户": [
            ["客户名称", "区域", "资金", "权限", "需求", "购买意向"],
            ["华测", "华东", "有", "无", "有", "高"],
            ["云栖", "华南", "无", "有", "有", "低"],
        ],
        "客户评估": [
            ["客户名称", *FACTORS],
            ["华测", *"好好好好好差差差差"],
            ["云栖", *"差好差好差好差好差"],
        ],
        "联系人": [["客户名称", "姓名", "角色"], ["华测", "王总", "决策者"], ["华测", "李工", "技术论证者"]],
    }
    for name, rows in sheets.items():
        sheet = made.create_sheet(name)
        for row in rows:
            sheet.append(row)
    made.save(tmp_path / "crm.xlsx")
    book = load(tmp_path / "crm.xlsx", mapping=propose(tmp_path / "crm.xlsx"))
    assert {name: len(table) for name, table in book.tables.items()} == {
        "opportunities": 3, "accounts": 2, "assessments": 18, "contacts": 2,
    }  # fmt: skip
    assert book.tables["accounts"]["authority"].tolist() == [False, True]
    marks = {row.factor: row.mark for row in assessment(book).sheet if row.account_id == "华测"}
    assert marks["organisational_characteristics"] == "+"
    assert marks["sponsorship"] == "-"


def test_a_sheet_with_a_column_for_each_customer():
    raw = Raw(
        file="a",
        frame=pd.DataFrame({"因素": FACTORS, "华测": list("好好好好好差差差差"), "云栖": ["差"] * 9}),
    )
    found = marks_as_rows(raw).frame
    assert len(found) == 18
    assert found[found["account_id"] == "云栖"]["mark"].unique().tolist() == ["差"]
    alone = Raw(file="a", frame=pd.DataFrame({"因素": FACTORS, "评价": ["好"] * 9}))
    assert marks_as_rows(alone) is alone
