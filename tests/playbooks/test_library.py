"""The seventeen stage models say what the field says (DOMAIN A1 to A17)."""

import dataclasses
import json
import tomllib
from pathlib import Path

import jsonschema
import pytest

from funnelnb.core.errors import ParameterError
from funnelnb.playbooks import (
    ROLES,
    SCHEMA_PATH,
    Edge,
    Ending,
    Gate,
    Label,
    Playbook,
    Question,
    Remedy,
    Stage,
    fold,
    library,
    load_playbook,
)

SCHEMA = json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))
LIBRARY = SCHEMA_PATH.parent / "library"

# Name of the model and its stages, in the field's own words. "*" is a stage for which it gives no Chinese
# name; "(won)" is the win where the field has no stage for it.
FIELD = {
    "key_account": (
        "A1",
        "大客户五阶段",
        "潜在客户开发 需求了解与分析 产品演示与方案制定 商务谈判与签约 (won) 售后服务与持续跟进",
    ),
    "four_links": ("A2", "四个关键环节", "筛选和获取 培养和引导 谈判和决策 (won) 维护和发展"),
    "weekly_report": ("A3", "周报六阶段", "潜在客户 初步接触 需求确认 方案提出 报价洽谈 成交"),
    "telesales": ("A4", "电销", "* * * * * * 成交"),
    "seven_step": ("A5", "顾问型“赢”销七步法", "* * 立项 确保入围 * (won) 交易实施 重复采购"),
    "product_funnel": ("A6", "销售漏斗加权", "* 候选 优选 * 成交"),
    "five_classes": ("A7", "漏斗原理五类", "潜在 意向 常规 AB类 成交"),
    "behaviour": ("A8", "七阶段行为方法", "目标 潜在 立项 * * * 成交"),
    "premium_car": ("A9", "高端车六阶段", "潜在客户获取 培养 需求确认 方案提供 成交洽谈 成交完成"),
    "aarrr": ("A10", "AARRR", "* * * 收益 传播"),
    "ecommerce": ("A11", "电商路径", "* * * 购物车 生成订单 开始支付 * *"),
    "fish_tank": ("A12", "放水养鱼", "* * 拜访客户 分类跟进 成交规划 成交 辗转介绍"),
    "pyramid": ("A13", "客户分类和销售漏斗", "候选目标 潜在 接近 重点 成交"),
    "opportunity": ("A14", "商机阶段", "* * * * *"),
    "six_step": ("A15", "销售流程六步", "客户接触 需求分析 提案和演示 谈判和协商 签约和交付 后续关怀"),
    "four_part": ("A16", "销售漏斗四段管理", "潜在客户开发 客户分类与筛选 销售机会跟进 订单成交与转化"),
    "opportunity_analysis": (
        "A17",
        "销售漏斗管理与销售机会分析",
        "潜在客户 需求分析 产品演示 报价和谈判 (won)",
    ),
}

IDS = {
    "key_account": "prospect_development needs_discovery demo_solution negotiation_signing [won] after_sales",
    "four_links": "screening nurturing negotiation_decision [won] relationship_care",
    "weekly_report": "prospects first_contact needs_confirmed proposal quotation [won]",
    "telesales": "call_list connected interested needs_recorded offer_made commitment [won]",
    "seven_step": "find_opportunity qualify project_approved shortlist negotiation [won] "
    "implementation repeat_purchase",
    "product_funnel": "need candidate preferred decided [won]",
    "five_classes": "potential intent regular ab_class [won]",
    "behaviour": "target potential project_approved shortlisted solution_accepted negotiation [won]",
    "premium_car": "acquire nurture confirm_need offer negotiate [complete]",
    "aarrr": "acquisition activation retention [revenue] referral",
    "ecommerce": "home browse product_detail cart order_created payment_started [payment_completed] "
    "repurchase",
    "fish_tank": "fill_tank scoop visit classify plan_close [close] referral",
    "pyramid": "candidate potential approaching key [won]",
    "opportunity": "need_known budget_and_people solution_agreed terms_negotiated [signed]",
    "six_step": "make_contact needs_analysis proposal_demo negotiation [sign_deliver] follow_up_care",
    "four_part": "develop_prospects classify_screen follow_up [order_conversion]",
    "opportunity_analysis": "prospects needs_analysis product_demo offer_negotiation [won]",
}

WEIGHTS = {
    "product_funnel": [None, 0.25, 0.5, 0.75, 1],
    "pyramid": [None, 0.25, 0.5, 0.75, 1],
    "seven_step": [None, None, None, 0.25, None, 1, None, None],
}


@pytest.fixture(params=library())
def playbook(request: pytest.FixtureRequest) -> Playbook:
    return load_playbook(request.param)


def test_all_seventeen_are_there() -> None:
    assert set(library()) == set(FIELD) == set(IDS)
    assert len(library()) == 17
    assert list(library()) == sorted(library())


def test_names_and_order_are_the_fields(playbook: Playbook) -> None:
    number, name, stages = FIELD[playbook.id]
    assert playbook.source == f"DOMAIN {number}"
    assert playbook.label.zh == name
    labels = stages.split()
    assert len(playbook.stages) == len(labels)
    for stage, label in zip(playbook.stages, labels, strict=True):
        if label == "(won)":
            assert stage.kind == "won"
        elif label != "*":
            assert stage.label.zh == label


def test_ids_and_the_won_stage(playbook: Playbook) -> None:
    wanted = IDS[playbook.id].split()
    assert list(playbook.stage_ids) == [one.strip("[]") for one in wanted]
    won = next(k for k, one in enumerate(wanted) if one.startswith("["))
    assert playbook.won == won
    kinds = [stage.kind for stage in playbook.stages]
    assert kinds == ["working"] * won + ["won"] + ["after_sale"] * (len(kinds) - won - 1)
    for name in ("Won", "Closed Won", "CLOSEDWON", "赢单", "成交", "已成交"):
        assert playbook.position(name) == won


def test_weights(playbook: Playbook) -> None:
    nothing = [1 if stage.kind == "won" else None for stage in playbook.stages]
    assert [stage.win_weight for stage in playbook.stages] == WEIGHTS.get(playbook.id, nothing)


def test_step_four_of_seven_moves_the_weight() -> None:
    seven = load_playbook("seven_step")
    moved = {
        stage.id: (stage.win_weight, stage.win_weight_exit) for stage in seven.stages if stage.win_weight_exit
    }
    assert moved == {"shortlist": (0.25, 0.5)}
    assert seven.stage_ids.index("shortlist") == 3
    for stage in seven.stages:
        if stage.kind != "won":
            assert stage.state and stage.exit and stage.roles and stage.questions and stage.next_step


def test_seven_step_actions_of_the_field() -> None:
    def actions(name: str) -> list[str]:
        return [action.zh for action in load_playbook("seven_step").stage(name).actions]

    assert actions("立项") == [
        "参与客户立项",
        "协助准备立项文件（产品标准等）",
        "根据影响购买者决策的需求入手",
    ]
    assert "形成双赢方案" in actions("确保入围")
    assert actions("重复采购") == ["建立长期合作"]


def test_seven_steps_speak_the_six_words_of_the_field_for_roles() -> None:
    """Gatekeeper and purchaser are the other list's words for technical assessor and executor."""
    six = set(ROLES) - {"technical_gatekeeper", "purchaser"}
    assert {role for stage in load_playbook("seven_step").stages for role in stage.roles} == six
    asked = {question.role for stage in load_playbook("seven_step").stages for question in stage.questions}
    assert asked == six
    for stage in load_playbook("seven_step").stages:
        assert {one.role for one in stage.questions} <= set(stage.roles)


def test_behaviour_checks_every_purpose() -> None:
    behaviour = load_playbook("behaviour")
    assert len(behaviour.stages) == 7
    for stage in behaviour.stages:
        assert stage.features and stage.actions
        if stage.kind == "working":
            assert stage.exit
            assert all(gate.required for gate in stage.exit)


def test_telesales_defines_every_stage_and_its_standard() -> None:
    for stage in load_playbook("telesales").stages:
        assert stage.kind == "won" or (stage.features and stage.exit)


def test_only_the_fish_tank_circulates() -> None:
    assert [name for name in library() if load_playbook(name).circulates] == ["fish_tank"]
    edges = [(edge.source, edge.target, edge.kind) for edge in load_playbook("fish_tank").edges]
    assert edges == [("scoop", "fill_tank", "recycle"), ("referral", "fill_tank", "referral")]


def test_an_opportunity_ends_in_exactly_one_of_three_ways() -> None:
    assert [name for name in library() if load_playbook(name).endings] == ["opportunity"]
    opportunity = load_playbook("opportunity")
    assert [ending.outcome for ending in opportunity.endings] == [
        "lost_no_decision",
        "lost_competitor",
        "won",
    ]
    assert opportunity.ending("客户停止采购").outcome == "lost_no_decision"  # type: ignore[union-attr]
    assert opportunity.ending("still open") is None
    assert opportunity.ending("Customer chose ANOTHER").outcome == "lost_competitor"  # type: ignore[union-attr]
    assert opportunity.ending("赢单").outcome == "won"  # type: ignore[union-attr]
    assert opportunity.stages[0].entry, "an opportunity starts when a need is known"
    assert all(stage.exit for stage in opportunity.stages if stage.kind == "working"), (
        "each milestone has its evidence"
    )


def test_defaults_of_this_package_say_so() -> None:
    for name in ("telesales", "opportunity", "behaviour"):
        about = load_playbook(name).about
        assert "this package" in about.en
        assert "本软件包" in about.zh


def test_both_languages_everywhere(playbook: Playbook) -> None:
    def labels(value: object) -> list[Label]:
        if isinstance(value, Label):
            return [value]
        if isinstance(value, tuple):
            return [label for one in value for label in labels(one)]
        if dataclasses.is_dataclass(value):
            return [label for one in dataclasses.fields(value) for label in labels(getattr(value, one.name))]
        return []

    found = labels(playbook)
    assert len(found) >= 2 + len(playbook.stages)
    for label in found:
        assert label.en.isascii(), label
        assert label.en.strip() == label.en != ""
        assert any("一" <= char <= "鿿" for char in label.zh) or label.zh == "AARRR", label
        assert label["en"] == label.en and label["zh"] == label.zh


def test_every_name_resolves(playbook: Playbook) -> None:
    for position, stage in enumerate(playbook.stages):
        names = [stage.id, stage.label.en, stage.label.zh, *stage.aliases]
        for name in names:
            assert playbook.position(name) == position
            assert playbook.position(f" {name.upper()} ") == position
            assert playbook.stage(name) is stage
        folded = [fold(name) for name in (stage.label.en, stage.label.zh, *stage.aliases)]
        assert len(set(folded)) == len(folded), f"{stage.id}: an alias that adds nothing"
        assert fold(stage.id) not in folded[2:], f"{stage.id}: an alias that is the id"
    assert playbook.position("no such stage") is None
    with pytest.raises(ParameterError, match="no such stage"):
        playbook.stage("no such stage")


@pytest.mark.parametrize(
    ("name", "spelling", "stage"),
    [
        ("weekly_report", "Proposal/Price Quote", "quotation"),
        ("weekly_report", "qualifiedtobuy", "needs_confirmed"),
        ("weekly_report", "初步接洽", "first_contact"),
        ("seven_step", "Needs Analysis", "qualify"),
        ("seven_step", "decisionmakerboughtin", "negotiation"),
        ("seven_step", "商务谈判", "negotiation"),
        ("product_funnel", "50%", "preferred"),
        ("pyramid", "７５％", "key"),
        ("ecommerce", "add_to_cart", "cart"),
        ("ecommerce", "payment_confirmation_page", "payment_completed"),
        ("opportunity", "Id. Decision Makers", "budget_and_people"),
    ],
)
def test_spellings_of_known_systems(name: str, spelling: str, stage: str) -> None:
    assert load_playbook(name).stage(spelling).id == stage


@pytest.mark.parametrize("path", sorted(LIBRARY.glob("*.toml")), ids=lambda path: path.stem)
def test_files_satisfy_the_schema(path: Path) -> None:
    raw = tomllib.loads(path.read_text(encoding="utf-8"))
    jsonschema.validate(raw, SCHEMA, cls=jsonschema.Draft7Validator)
    assert load_playbook(path).id == path.stem  # with every check that a file of a user's own gets
    assert raw["id"] == path.stem
    assert {"about", "source"} <= set(raw)


def test_schema_is_a_schema_and_knows_the_model() -> None:
    """The schema, the roles and the data classes cannot drift apart."""
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    definitions = SCHEMA["definitions"]
    assert definitions["role"]["enum"] == list(ROLES)
    for table, model, extra in (
        (SCHEMA, Playbook, {"path", "_positions"}),
        (definitions["stage"], Stage, set()),
        (definitions["gate"], Gate, set()),
        (definitions["question"], Question, set()),
        (definitions["remedy"], Remedy, set()),
        (definitions["edge"], Edge, set()),
        (definitions["ending"], Ending, set()),
        (definitions["label"], Label, set()),
    ):
        assert set(table["properties"]) == {field.name for field in dataclasses.fields(model)} - extra
