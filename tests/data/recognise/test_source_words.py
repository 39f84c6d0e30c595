"""The words of the source are known as input: stages, roles, factors, marks and the MAN columns, all in Chinese."""

from funnelnb.analysis.priority.assessment import assessment
from funnelnb.analysis.priority.roles import roles
from funnelnb.data.contract.tables import ASSESSMENT_FACTORS
from funnelnb.data.load import load
from funnelnb.data.propose import propose
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
