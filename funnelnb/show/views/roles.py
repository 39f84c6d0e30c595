"""How buyer roles are shown: who has been met, at which deals somebody is missing, and what to ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from funnelnb.show.finding import Finding, rate_of
from funnelnb.show.names import stage_name
from funnelnb.show.registry import View
from funnelnb.show.table import Column, Table

if TYPE_CHECKING:
    from funnelnb.analysis.roles import Roles
    from funnelnb.show.words import Words

MOST_DEALS = 10


def role_name(role: str, say: Words) -> str:
    """Return what a buyer role is called."""
    return say.get(f"roles.names.{role}")


def _role(_: Any, row: Any, say: Words) -> str:
    return role_name(row.role, say)


def _asks(_: Any, row: Any, say: Words) -> str:
    return say.get(f"roles.asks.{row.role}")


def _stage(result: Any, row: Any, say: Words) -> str:
    return stage_name(result, row.stage, say)


def _names(roles: str, say: Words) -> str:
    return say.numbers.join(role_name(role, say) for role in roles.split(", ") if role)


def _missing(_: Any, row: Any, say: Words) -> str:
    return _names(row.missing, say)


def _next(_: Any, row: Any, say: Words) -> str:
    return role_name(row.next_role, say) if row.next_role else ""


def question(row: Any, say: Words) -> str:
    """Return what to ask next at a deal: the playbook's question, else the role's own."""
    asked = row.question_zh if say.lang == "zh" else row.question_en
    return asked or (say.get(f"roles.asks.{row.next_role}") if row.next_role else "")


def _question(_: Any, row: Any, say: Words) -> str:
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
        Column(field="role", head="asks", cell=_asks),
    ),
)
_DEAL_COLUMNS = (
    Column(field="opportunity_id"),
    Column(field="owner"),
    Column(field="stage", cell=_stage),
    Column(field="deal_amount"),
    Column(field="coverage_share"),
    Column(field="missing", cell=_missing),
    Column(field="next_role", cell=_next),
    Column(field="question_en", head="question", cell=_question),
)
TOP = Table(name="roles_top", rows=lambda result: result.deals[:MOST_DEALS], columns=_DEAL_COLUMNS)
CELLS = Table(name="roles_cells", rows=lambda result: result.cells, columns=(), shown=lambda _: False)
DEALS = Table(
    name="roles_deals", rows=lambda result: result.deals, columns=_DEAL_COLUMNS, shown=lambda _: False
)


def finding(result: Roles, say: Words) -> Finding:
    """Say how much of the buying centre has been met, and who is missing most."""
    unsaid = say.get("findings.roles.unsaid")
    if not result.n or not result.rows:
        return Finding(headline=say.get("roles.nothing"), detail="", unsaid=unsaid)
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


VIEW = View(tables=(ROLES, TOP, CELLS, DEALS), finding=finding, charts={"coverage": "role_coverage"})
