"""How the call list, the MAN rule, buyer roles and the honest funnel are shown, and what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from funnelnb.core.options import nameless
from funnelnb.playbooks import BUYER_ROLES
from funnelnb.show.tables.table import CUSTOMER, Column, Table
from funnelnb.show.text.words import stage_name
from funnelnb.show.views.briefing import shortened
from funnelnb.show.views.registry import Finding, View, no_open_deals, rate_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.analysis.priority.call_list import CallList
    from funnelnb.analysis.priority.honest_funnel import HonestFunnel
    from funnelnb.analysis.priority.money_authority_need import Man
    from funnelnb.analysis.priority.roles import Roles
    from funnelnb.show.text.words import Words


# ---- How the MAN rule is shown: the nine classes with their advice, and which condition is missing most ----


def _class(_: Any, row: Any, say: Words) -> str:
    return say.get("man.unknown") if row.man == "unknown" else str(row.man)


def _verdict(_: Any, row: Any, say: Words) -> str:
    return say.get(f"man.verdicts.{row.verdict}")


def _condition(_: Any, row: Any, say: Words) -> str:
    return say.get(f"man.conditions.{row.condition}")


CLASSES = Table(
    name="man",
    rows=lambda result: result.rows,
    columns=(
        Column(field="man", cell=_class),
        Column(field="verdict", cell=_verdict),
        Column(field="customer_n"),
        Column(field="customer_share"),
        Column(field="deal_n", head="open_deal_n"),
        Column(field="open_amount"),
    ),
    stub=2,
)
CONDITIONS = Table(
    name="man_conditions",
    rows=lambda result: result.conditions,
    columns=(
        Column(field="condition", cell=_condition),
        Column(field="met_n"),
        Column(field="missing_n"),
        Column(field="unknown_n"),
        Column(field="missing_rate", lower="missing_ci_lower", upper="missing_ci_upper"),
        Column(field="missing_amount"),
    ),
)


def man_finding(result: Man, say: Words) -> Finding:
    """Say how many customers are ideal prospects, and what the others lack most."""
    unsaid = say.get("findings.man.unsaid")
    if not result.n:
        return Finding(headline=say.get("man.nobody"), detail="", unsaid=unsaid)
    by_class = {row.man: row for row in result.rows}
    ideal, unknown, first = by_class["MAN"], by_class["unknown"], result.conditions[0]
    headline = say.say(
        "findings.man.headline",
        customers_n=result.n,
        ideal_n=ideal.customer_n,
        ideal_share=ideal.customer_share,
        amount=say.numbers.amount(ideal.open_amount, result.currency),
        stop_n=by_class["man"].customer_n,
    )
    detail = [
        say.say(
            f"findings.man.{'most' if result.clear else 'about_alike'}",
            condition=say.get(f"man.conditions.{first.condition}"),
            rate=rate_of(first, "missing", say),
        )
        if first.enough
        else say.get("findings.man.few")
    ]
    if unknown.customer_n:
        detail.append(say.say("findings.man.unknown", unknown_n=unknown.customer_n))
    return Finding(headline=headline, detail=say.get("language.sentence").join(detail), unsaid=unsaid)


MAN_VIEW = View(tables=(CLASSES, CONDITIONS), finding=man_finding, charts={})


# ---- How buyer roles are shown: who has been met, at which deals somebody is missing, and what to ask ------

MOST_DEALS = 10


def role_name(role: str, say: Words) -> str:
    """Return what a buyer role is called."""
    return say.get(f"roles.names.{role}")


def _role(_: Any, row: Any, say: Words) -> str:
    return role_name(row.role, say)


def _stage(result: Any, row: Any, say: Words) -> str:
    return stage_name(result, row.stage, say)


def _names(roles: str, say: Words) -> str:
    return say.numbers.join(role_name(role, say) for role in roles.split(", ") if role)


def _roles_missing(_: Any, row: Any, say: Words) -> str:
    return _names(row.missing, say)


def _next(_: Any, row: Any, say: Words) -> str:
    return role_name(row.next_role, say) if row.next_role else ""


def question(row: Any, say: Words) -> str:
    """Return what to ask next at a deal: the playbook's question, else the role's own."""
    asked = row.question_zh if say.lang == "zh" else row.question_en
    return asked or (say.get(f"roles.asks.{row.next_role}") if row.next_role else "")


def _roles_question(_: Any, row: Any, say: Words) -> str:
    return question(row, say)


ROLES = Table(
    name="roles",
    rows=lambda result: result.rows,
    columns=(
        Column(field="role", cell=_role),
        Column(field="deal_n"),
        Column(field="met_n"),
        Column(field="met_rate", lower="met_ci_lower", upper="met_ci_upper"),
        Column(field="unmet_amount"),
    ),
)
_ROLES_DEAL_COLUMNS = (
    CUSTOMER,
    Column(field="opportunity_id"),
    Column(field="owner"),
    Column(field="stage", cell=_stage),
    Column(field="deal_amount"),
    Column(field="coverage_share"),
    Column(field="missing", cell=_roles_missing),
    Column(field="stage_missing", cell=lambda _, row, say: _names(row.stage_missing, say)),
    Column(field="next_role", cell=_next),
    Column(field="question_en", head="question", cell=_roles_question),
)
ROLES_TOP = Table(
    name="roles_top", rows=lambda result: result.deals[:MOST_DEALS], columns=_ROLES_DEAL_COLUMNS
)
ROLE_STAGES = Table(
    name="roles_stages",
    rows=lambda result: result.stages,
    columns=(
        Column(field="stage", cell=_stage),
        Column(field="roles", cell=lambda _, row, say: _names(row.roles, say)),
        Column(field="deal_n"),
        Column(field="mean_coverage_share"),
        Column(field="complete_rate", lower="complete_ci_lower", upper="complete_ci_upper"),
        Column(field="incomplete_amount"),
    ),
)


def _person(name: str) -> Any:
    """Return what the field says of a role: who that usually is, cares about, asks."""
    return lambda _, row, say: getattr(BUYER_ROLES[row.role], name)[say.lang]


def _may(_: Any, row: Any, say: Words) -> str:
    role = BUYER_ROLES[row.role]
    return say.get("stage_model.may." + ("yes" if role.may_say_yes else "no") + "_no" * role.may_say_no)


PEOPLE = Table(
    name="roles_people",
    rows=lambda result: result.rows,
    columns=(
        Column(field="role", cell=_role),
        Column(field="role", head="who", cell=_person("who")),
        Column(field="role", head="cares", cell=_person("cares")),
        Column(field="role", head="asks", cell=_person("asks")),
        Column(field="role", head="may", cell=_may),
    ),
)
CELLS = Table(name="roles_cells", rows=lambda result: result.cells, columns=(), shown=lambda _: False)
ROLES_DEALS = Table(
    name="roles_deals", rows=lambda result: result.deals, columns=_ROLES_DEAL_COLUMNS, shown=lambda _: False
)


def roles_finding(result: Roles, say: Words) -> Finding:
    """Say how much of the buying centre has been met, and who is missing most."""
    unsaid = say.get("findings.roles.unsaid")
    if not result.n or not result.rows:
        return Finding(headline=no_open_deals(result, say, "roles.nothing"), detail="", unsaid=unsaid)
    first = result.rows[0]
    whole_n = sum(not row.missing for row in result.deals)
    without_n = sum("decision_maker" in row.missing.split(", ") for row in result.deals)
    amounts = [row.unmet_amount for row in result.rows if row.role == "decision_maker"]
    detail = say.say("findings.roles.least", role=role_name(first.role, say), rate=rate_of(first, "met", say))
    if without_n:
        amount = say.numbers.amount(amounts[0], result.currency)
        more = say.say("findings.roles.decider", without_n=without_n, amount=amount)
        detail = say.get("language.sentence").join([detail, more])
    return Finding(
        headline=say.say(
            "findings.roles.headline",
            n=result.n,
            mean_coverage_share=result.mean_coverage_share,
            whole_n=whole_n,
        ),
        detail=detail,
        unsaid=unsaid,
    )


ROLES_VIEW = View(
    tables=(ROLES, ROLE_STAGES, ROLES_TOP, PEOPLE, CELLS, ROLES_DEALS),
    finding=roles_finding,
    charts={"coverage": "priority.role_coverage"},
)


# ---- How the honest funnel is shown: claimed beside supported, the money between, and what is missing ------


def _supported(result: Any, row: Any, say: Words) -> str:
    return stage_name(result, row.supported_stage, say)


def in_words(row: Any, name: str, say: Words) -> str:
    """Return a text that a row carries in both languages."""
    return str(getattr(row, f"{name}_{'zh' if say.lang == 'zh' else 'en'}"))


def _gates_missing(_: Any, row: Any, say: Words) -> str:
    return in_words(row, "missing", say)


def _action(_: Any, row: Any, say: Words) -> str:
    return in_words(row, "action", say)


def _gates_question(_: Any, row: Any, say: Words) -> str:
    return in_words(row, "question", say)


def _unmet(result: Any, row: Any, say: Words) -> str:
    if not row.if_unmet:
        return ""
    told = say.say(f"gates.unmet.{row.if_unmet}", stage=stage_name(result, row.falls_to, say))
    return say.get("language.clause").join(filter(None, (told, in_words(row, "warning", say))))


STAGES = Table(
    name="honest_funnel",
    rows=lambda result: result.rows,
    columns=(
        Column(field="stage", cell=_stage),
        Column(field="claimed_n"),
        Column(field="supported_n"),
        Column(field="claimed_amount"),
        Column(field="supported_amount"),
        Column(field="between_amount"),
        Column(field="unchecked_n"),
    ),
)
_GATES_DEAL_COLUMNS = (
    CUSTOMER,
    Column(field="opportunity_id"),
    Column(field="owner"),
    Column(field="stage", cell=_stage),
    Column(field="supported_stage", cell=_supported),
    Column(field="deal_amount"),
    Column(field="missing_en", head="missing", cell=_gates_missing),
    Column(field="action_en", head="action", cell=_action),
    Column(field="question_en", head="question", cell=_gates_question),
)
GATES_TOP = Table(
    name="gates_top",
    rows=lambda result: [row for row in result.deals if row.stages_apart][:MOST_DEALS],
    columns=_GATES_DEAL_COLUMNS,
    shown=lambda result: result.overclaimed_n > 0,
)
GATES_UNMET = Table(
    name="gates_unmet",
    rows=lambda result: [row for row in result.deals if row.if_unmet][:MOST_DEALS],
    columns=(
        Column(field="opportunity_id"),
        Column(field="owner"),
        Column(field="stage", cell=_stage),
        Column(field="deal_amount"),
        Column(field="missing_en", head="missing", cell=_gates_missing),
        Column(field="if_unmet", cell=_unmet),
    ),
    shown=lambda result: result.stay_n + result.fall_back_n > 0,
)
GATES_DEALS = Table(
    name="gates_deals", rows=lambda result: result.deals, columns=_GATES_DEAL_COLUMNS, shown=lambda _: False
)


def gates_finding(result: HonestFunnel, say: Words) -> Finding:
    """Say how many deals claim more than their evidence supports, and how much money that is."""
    unsaid = say.get("findings.gates.unsaid")
    if not result.n:
        return Finding(headline=no_open_deals(result, say, "gates.nothing"), detail="", unsaid=unsaid)
    if not result.checked_n:
        return Finding(headline=say.get("gates.unchecked"), detail="", unsaid=unsaid)
    values = {
        "checked_n": result.checked_n,
        "n": result.n,
        "over_n": result.overclaimed_n,
        "amount": say.numbers.amount(result.overclaimed_amount, result.currency),
    }
    key = "headline" if result.overclaimed_n else "none"
    widest = max(result.rows, key=lambda row: row.between_amount)
    detail = ""
    if result.overclaimed_n:
        detail = say.say(
            "findings.gates.widest",
            stage=stage_name(result, widest.stage, say),
            claimed=say.numbers.amount(widest.claimed_beyond_amount, result.currency),
            supported=say.numbers.amount(widest.supported_beyond_amount, result.currency),
        )
    unmet = [
        say.say(f"findings.gates.{name}", unmet_n=n)
        for name, n in (("fall_back", result.fall_back_n), ("stay", result.stay_n))
        if n
    ]
    detail = say.get("language.sentence").join([*([detail] if detail else []), *unmet])
    return Finding(headline=say.say(f"findings.gates.{key}", **values), detail=detail, unsaid=unsaid)


GATES_VIEW = View(
    tables=(STAGES, GATES_TOP, GATES_UNMET, GATES_DEALS),
    finding=gates_finding,
    charts={"honest": "priority.honest_funnel"},
)


# ---- How the call list is shown: rank, why, whom to meet, what to do; and what it says ---------------------

MOST = 15
QUIET_DAYS = 30
SOON_RATE = 0.5


def why(result: Any, row: Any, say: Words) -> str:
    """Return the reason of a rank: amount, chance and hours, and what presses."""
    if row.value_per_hour_amount != row.value_per_hour_amount:
        told = (
            row.deal_amount > 0 and row.quiet_days >= 0
        )  # amount and times are there: the chance is what lacks
        return say.get("calls.no_chance" if told and row.win_rate != row.win_rate else "calls.unknown")
    said = [
        say.say(
            "calls.why" if row.win_rate else "calls.why_no_win",
            amount=say.numbers.amount(row.deal_amount, result.currency),
            win_rate=row.win_rate,
            hours=say.numbers.bare_days(row.hours),
        )
    ]
    if row.weigh_factor != 1:
        said.append(say.say("calls.weighed", factor=say.numbers.factor(row.weigh_factor)))
    if row.urgency_rate >= SOON_RATE:
        said.append(say.say("calls.soon", urgency_rate=row.urgency_rate))
    if row.overdue:
        said.append(say.get("calls.overdue"))
    if row.quiet_days > QUIET_DAYS:
        said.append(say.say("calls.quiet", quiet_days=row.quiet_days))
    return say.get("calls.and").join(said)


def missing(_: Any, row: Any, say: Words) -> str:
    """Return who has not been met and which criterion is not met."""
    said = [say.say("calls.role", role=role_name(row.next_role, say))] if row.next_role else []
    gate = in_words(row, "missing_gate", say)
    if gate:
        said.append(say.say("calls.gate", gate=gate))
    return say.get("calls.and").join(said)


def _step(_: Any, row: Any, say: Words) -> str:
    return in_words(row, "step", say)


def _grouped(result: Any, _: Sequence[Any]) -> bool:
    return bool(result.by)


def _grouped_otherwise(result: Any, _: Sequence[Any]) -> bool:
    """Say whether the groups need a column of their own: owners have one."""
    return bool(result.by) and result.by != ("owner",)


def _weighed(_: Any, rows: Sequence[Any]) -> bool:
    return any(row.weigh_factor != 1 for row in rows)


_COLUMNS = (
    Column(field="rank"),
    Column(field="group_rank", keep=_grouped),
    Column(field="group", keep=_grouped_otherwise),
    CUSTOMER,
    Column(field="opportunity_id"),
    Column(field="owner"),
    Column(field="stage", cell=_stage),
    Column(field="value_per_hour_amount"),
    *(Column(field=name, keep=_weighed) for name in ("intent_part", "budget_part", "weigh_factor")),
    Column(field="win_rate", head="why", cell=why, prose=True),
    Column(field="next_role", head="missing", cell=missing),
    Column(field="step_en", head="step", cell=_step),
)
CALLS = Table(name="calls", rows=lambda result: result.rows, columns=_COLUMNS, stub=4, shown=lambda _: False)
CALLS_TOP = Table(
    name="calls_top",
    rows=lambda result: result.rows[:MOST],
    columns=_COLUMNS,
    stub=4,
    shown=lambda result: bool(result.rows),
)


def calls_finding(result: CallList, say: Words) -> Finding:
    """Say whom to call first and why, and how much the first tenth holds."""
    unsaid = say.get("findings.calls.unsaid")
    if not result.rows:
        return Finding(headline=no_open_deals(result, say, "calls.nobody"), detail="", unsaid=unsaid)
    first = result.rows[0]
    named = first.customer not in ("", first.opportunity_id) and not nameless()
    headline = say.say(
        f"findings.calls.{'first' if first.owner else 'unowned'}{'' if named else '_nameless'}",
        customer=shortened(first.customer),
        opportunity=first.opportunity_id,
        owner=say.value(first.owner),
        why=why(result, first, say),
    )
    if first.value_per_hour_amount != first.value_per_hour_amount:
        headline = say.say("findings.calls.unranked", n=result.n)
    if not result.expected_amount > 0:
        return Finding(headline=headline, detail=say.get("findings.calls.unpriced"), unsaid=unsaid)
    detail = say.say(
        "findings.calls.tenth",
        n=result.n,
        amount=say.numbers.amount(result.expected_amount, result.currency),
        horizon_days=result.horizon_days,
        first_share=result.first_share,
    )
    return Finding(headline=headline, detail=detail, unsaid=unsaid)


CALLS_VIEW = View(tables=(CALLS, CALLS_TOP), finding=calls_finding, charts={})
