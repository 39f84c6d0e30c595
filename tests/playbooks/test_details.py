"""Every detail that the field gives of its stage models stands in a file, under a key, in both languages (DOMAIN A)."""

import pytest

from funnelnb.playbooks import BUYER_ROLES, Gate, Label, Playbook, Question, library, load_playbook

# model, key (stage.key, or a key of the model), words of the English text, words of the Chinese text
DETAILS = [
    ("A1", "key_account", "principles", "record in one format", "统一格式建档"),
    ("A1", "key_account", "principles", "priority (high, medium, low)", "高、中、低优先级"),
    ("A1", "key_account", "principles", "assessed again", "定期评估"),
    ("A1", "key_account", "prospect_development.actions", "power to buy", "购买能力"),
    ("A1", "key_account", "prospect_development.actions", "strategy and products", "销售策略和产品定位"),
    ("A2", "four_links", "screening.actions", "research, advertising and social media", "市场调研、广告宣传、社交媒体"),
    ("A2", "four_links", "screening.actions", "by their data", "数据分析"),
    ("A2", "four_links", "nurturing.actions", "news and trends", "行业新闻和趋势"),
    ("A2", "four_links", "nurturing.actions", "free trials and coupons", "免费试用、优惠券"),
    ("A2", "four_links", "negotiation_decision.actions", "Talk in depth", "深入沟通"),
    ("A2", "four_links", "negotiation_decision.actions", "Negotiate", "谈判"),
    ("A2", "four_links", "negotiation_decision.actions", "other departments", "协调其他部门"),
    ("A2", "four_links", "relationship_care.actions", "Visit regularly", "定期客户回访"),
    ("A2", "four_links", "relationship_care.actions", "survey satisfaction", "问卷调查"),
    ("A2", "four_links", "relationship_care.actions", "personal services", "个性化服务"),
    ("A2", "four_links", "relationship_care.actions", "customised products", "定制化产品"),
    ("A3", "weekly_report", "remedies", "register of prospects", "潜在客户数据库"),
    ("A3", "weekly_report", "remedies", "follow them up regularly", "分类并定期跟进"),
    ("A3", "weekly_report", "remedies", "needs and pains", "需求和痛点"),
    ("A3", "weekly_report", "remedies", "Train the team", "培训"),
    ("A3", "weekly_report", "outlook", "remedies into practice", "落实解决方案"),
    ("A4", "telesales", "principles", "definition and the standard", "定义和标准"),
    ("A4", "telesales", "principles", "concrete and measurable", "具体、可衡量"),
    ("A4", "telesales", "principles", "ability and experience", "能力和经验"),
    ("A4", "telesales", "principles", "Contact history and need records", "联系历史和需求记录"),
    ("A5", "seven_step", "project_approved.actions", "Take part", "参与客户立项"),
    ("A5", "seven_step", "project_approved.actions", "product standard", "产品标准"),
    ("A5", "seven_step", "project_approved.actions", "sway the buyer", "影响购买者决策的需求"),
    ("A5", "seven_step", "shortlist.goals", "approved project to a shortlisted", "立项客户推动成入围客户"),
    ("A5", "seven_step", "shortlist.goals", "25 % to 50 %", "25%→50%"),
    ("A5", "seven_step", "shortlist.goals", "direction of the sale", "控制销售方向"),
    ("A5", "seven_step", "shortlist.goals", "both sides win", "创造双赢"),
    ("A5", "seven_step", "shortlist.find_out", "how, why, and since when", "怎样做？为什么这样做？什么时候开始"),
    ("A5", "seven_step", "shortlist.find_out", "From whom else", "向其他公司购货"),
    ("A5", "seven_step", "shortlist.find_out", "rivals", "竞争对手"),
    ("A5", "seven_step", "shortlist.find_out", "want to change", "为什么要变"),
    ("A5", "seven_step", "shortlist.find_out", "decision chain", "采购决策链由哪些人组成"),
    ("A5", "seven_step", "shortlist.find_out", "decision maker want", "决策者希望达到什么目标"),
    ("A5", "seven_step", "shortlist.find_out", "strengths", "哪些特点符合对方的利益"),
    ("A5", "seven_step", "shortlist.find_out", "attractive enough", "足够的吸引力"),
    ("A5", "seven_step", "shortlist.find_out", "next step", "Next Step"),
    ("A5", "seven_step", "implementation.find_out", "plan of implementation", "具体的实施计划"),
    ("A5", "seven_step", "implementation.find_out", "say do the users have", "影响力有多大"),
    ("A5", "seven_step", "implementation.find_out", "most out of the product", "效果实现最大化"),
    ("A5", "seven_step", "implementation.find_out", "buy more", "采购更多的产品"),
    ("A5", "seven_step", "implementation.find_out", "next step", "Next Step"),
    ("A5", "seven_step", "repeat_purchase.goals", "long-term co-operation", "培养长期合作关系"),
    ("A5", "seven_step", "repeat_purchase.find_out", "satisfaction most", "影响他们的满意度"),
    ("A5", "seven_step", "repeat_purchase.find_out", "last purchase truly help", "上次采购的产品真的对他们有帮助"),
    ("A5", "seven_step", "repeat_purchase.find_out", "If not, why", "效果不明显，为什么"),
    ("A5", "seven_step", "repeat_purchase.find_out", "next step", "Next Step"),
    ("A6", "product_funnel", "candidate.features", "Upper funnel", "漏斗上部"),
    ("A6", "product_funnel", "principles", "amount times weight", "金额×权重"),
    ("A7", "five_classes", "principles", "conversion rate and sales figure", "转化率和销售指标"),
    ("A7", "five_classes", "principles", "samples, trials and training", "样品、试用和培训"),
    ("A7", "five_classes", "principles", "support after", "售后"),
    ("A8", "behaviour", "target.actions", "target industries lie in the region", "区域的行业分布"),
    ("A8", "behaviour", "target.actions", "marks a target customer", "目标客户特征"),
    ("A8", "behaviour", "target.actions", "existing customers", "老客户资源及占比"),
    ("A8", "behaviour", "target.actions", "fit best", "匹配最适合的目标客户"),
    ("A8", "behaviour", "target.actions", "rivals have signed", "竞争对手签约客户"),
    ("A8", "behaviour", "target.exit", "located precisely", "精准定位"),
    ("A8", "behaviour", "target.exit", "list of customers' names", "客户名单"),
    ("A8", "behaviour", "potential.features", "in its management", "管理上的需要"),
    ("A8", "behaviour", "potential.features", "no such system, or one that works badly", "使用效果不好"),
    ("A8", "behaviour", "potential.features", "money", "有钱"),
    ("A8", "behaviour", "potential.actions", "Call", "电话呼出"),
    ("A8", "behaviour", "potential.actions", "Visit and dig", "上门拜访，挖掘需求"),
    ("A8", "behaviour", "potential.actions", "Record", "记录信息"),
    ("A8", "behaviour", "project_approved.actions", "decision chain", "决策链公关"),
    ("A8", "behaviour", "project_approved.actions", "kinds of people", "参与决策的角色分类"),
    ("A8", "behaviour", "project_approved.actions", "without contradiction", "不能冲突"),
    ("A8", "behaviour", "project_approved.actions", "sales, consultant, technician", "销售、咨询顾问、技术顾问"),
    ("A8", "behaviour", "project_approved.actions", "FAB", "FAB"),
    ("A8", "behaviour", "project_approved.warning", "Trouble may grow", "节外生枝"),
    ("A9", "premium_car", "acquire.channels", "Fairs", "展会"),
    ("A9", "premium_car", "acquire.channels", "Social media", "社交媒体"),
    ("A9", "premium_car", "acquire.channels", "Recommendation", "客户推荐"),
    ("A10", "aarrr", "acquisition.actions", "number and by the quality", "数量和质量"),
    ("A10", "aarrr", "revenue.label", "Revenue", "收益"),
    ("A10", "aarrr", "referral.label", "Referral", "传播"),
    ("A11", "ecommerce", "order_created.label", "Order created", "生成订单"),
    ("A11", "ecommerce", "principles", "shorter path", "缩短路径"),
    ("A12", "fish_tank", "fill_tank.purpose", "target group", "寻找目标群"),
    ("A12", "fish_tank", "scoop.purpose", "customer criteria", "制定客户标准"),
    ("A12", "fish_tank", "visit.purpose", "what we are", "传递企业信息"),
    ("A12", "fish_tank", "classify.purpose", "will to co-operate", "形成合作意向"),
    ("A12", "fish_tank", "plan_close.purpose", "last kick", "临门一脚"),
    ("A12", "fish_tank", "referral.purpose", "Set examples", "树立榜样"),
    ("A12", "fish_tank", "fill_tank.state", "In the tank", "鱼缸"),
    ("A12", "fish_tank", "scoop.label", "Scoop", "鱼勺"),
    ("A12", "fish_tank", "plan_close.label", "Plan the close", "成交规划"),
    ("A12", "fish_tank", "referral.label", "Referral", "辗转介绍"),
    ("A12", "fish_tank", "principles", "derived, rigid and explicit", "派生的、刚性的、明确的"),
    ("A12", "fish_tank", "principles", "sifted again and again", "商业机会→市场机会→销售机会→客户机会"),
    ("A12", "fish_tank", "edges", "scooped again", "以后再捞"),
    ("A12", "fish_tank", "edges", "new fish", "新鱼"),
    ("A14", "opportunity", "endings", "stopped buying", "停止采购"),
    ("A14", "opportunity", "endings", "chose another", "选择"),
    ("A14", "opportunity", "endings", "Signed with us", "签约"),
    ("A15", "six_step", "make_contact.actions", "telephone, mail or a meeting", "电话、邮件或会议"),
    ("A15", "six_step", "follow_up_care.label", "Follow-up care", "后续关怀"),
    ("A16", "four_part", "classify_screen.actions", "need and by value", "需求和价值"),
    ("A16", "four_part", "follow_up.actions", "keeps flowing", "不断流动"),
    ("A17", "opportunity_analysis", "principles", "intent, budget and the sales forecast", "购买意愿、预算和销售预测"),
    ("A17", "opportunity_analysis", "needs_analysis.find_out", "requirements", "具体要求"),
    ("A17", "opportunity_analysis", "needs_analysis.find_out", "delivered", "期望的交付时间"),
    ("A17", "opportunity_analysis", "needs_analysis.find_out", "price", "期望的价格"),
    ("A17", "opportunity_analysis", "principles", "until it becomes an order", "直到转化为订单"),
    ("A17", "opportunity_analysis", "principles", "Satisfaction", "满意度"),
]  # fmt: skip

ROLES_OF_STEPS = {
    "shortlist": "user technical_assessor initiator approver decision_maker",
    "negotiation": "executor approver decision_maker",
    "implementation": "executor approver decision_maker user",
    "repeat_purchase": "user initiator decision_maker",
}


def texts(playbook: Playbook, key: str) -> list[Label]:
    """Return the labels under a key of the playbook, or of one of its stages."""
    stage, _, name = key.rpartition(".")
    found = getattr(playbook.stage(stage) if stage else playbook, name)
    many = found if isinstance(found, tuple) else (found,)
    labels = [one if isinstance(one, Label) else one.label for one in many]
    problems = [one.problem for one in many if hasattr(one, "problem")]
    assert all(isinstance(one, Label | Gate | Question) or hasattr(one, "label") for one in many)
    return labels + problems


@pytest.mark.parametrize(("number", "name", "key", "en", "zh"), DETAILS, ids=lambda one: str(one)[:30])
def test_detail_stands_in_both_languages(number: str, name: str, key: str, en: str, zh: str) -> None:
    playbook = load_playbook(name)
    assert playbook.source == f"DOMAIN {number}"
    assert any(en in one.en and zh in one.zh for one in texts(playbook, key)), texts(playbook, key)


def test_every_model_is_looked_at() -> None:
    named_only = {"pyramid"}  # A13: stages and weights, see test_library
    assert {name for _, name, *_ in DETAILS} | named_only == set(library())


def test_lists_of_the_field_are_whole() -> None:
    seven = load_playbook("seven_step")
    assert len(seven.stage("shortlist").find_out) == 9
    assert len(seven.stage("implementation").find_out) == 5
    assert len(seven.stage("repeat_purchase").find_out) == 4
    assert len(load_playbook("behaviour").stage("target").actions) == 4
    assert len(load_playbook("fish_tank").stages) == 7
    assert load_playbook("product_funnel").cycle_months == (3, 24)
    assert len(load_playbook("weekly_report").remedies) == 3


def test_roles_addressed_are_the_fields() -> None:
    seven = load_playbook("seven_step")
    for stage, roles in ROLES_OF_STEPS.items():
        assert set(seven.stage(stage).roles) == set(roles.split())


def test_unmet_purposes_keep_or_throw_back() -> None:
    """In the first stage the customer stays; in a later one it falls back, and trouble may grow at the side."""
    working = [stage for stage in load_playbook("behaviour").stages if stage.kind == "working"]
    assert [stage.if_unmet for stage in working] == ["stay", *["fall_back"] * (len(working) - 1)]
    assert [stage.warning is not None for stage in working] == [False, *[True] * (len(working) - 1)]


def test_find_out_ends_where_the_next_step_is_asked() -> None:
    for stage in load_playbook("seven_step").stages:
        if stage.find_out:
            assert "Next Step" in stage.find_out[-1].zh


def test_both_spellings_of_each_role_are_known() -> None:
    from funnelnb.playbooks import role_named

    for words, role in {
        "决策人 决策者": "decision_maker",
        "技术选项人": "technical_gatekeeper",
        "技术论证者": "technical_assessor",
        "购买人 采购者": "purchaser",
        "使用人 使用者": "user",
        "需求发起者": "initiator",
        "采购审批者": "approver",
        "采购执行者": "executor",
    }.items():
        for word in words.split():
            found = role_named(word)
            assert found is not None and found.id == role, word
    assert role_named("gardener") is None


def test_no_word_means_two_roles() -> None:
    from funnelnb.playbooks import fold

    seen: dict[str, str] = {}
    for role in BUYER_ROLES.values():
        for name in (role.label.en, role.label.zh, *role.aliases):
            assert seen.setdefault(fold(name), role.id) == role.id, name
        for other in role.counts_for:
            assert role.id in BUYER_ROLES[other].counts_for, "who counts for another is counted by it"


def test_roles_say_what_the_field_says_of_them() -> None:
    gate = BUYER_ROLES["technical_gatekeeper"]
    assert (gate.may_say_yes, gate.may_say_no) == (False, True)
    assert BUYER_ROLES["decision_maker"].may_say_yes
    assert (
        "return" in BUYER_ROLES["decision_maker"].asks.en and "回报" in BUYER_ROLES["decision_maker"].asks.zh
    )
    assert (
        "chairman" in BUYER_ROLES["decision_maker"].who.en
        and "董事长" in BUYER_ROLES["decision_maker"].who.zh
    )
    assert "growth" in BUYER_ROLES["decision_maker"].cares.en
    assert "IT" in gate.who.en and "指标" in gate.asks.zh
    assert "付款条件" in BUYER_ROLES["purchaser"].cares.zh and "财务经理" in BUYER_ROLES["purchaser"].who.zh
    assert "使用功能" in BUYER_ROLES["user"].cares.zh and "简单" in BUYER_ROLES["user"].asks.zh
