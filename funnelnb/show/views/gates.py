"""How the honest funnel is shown: claimed beside supported, the money between, and what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from funnelnb.show.finding import Finding
from funnelnb.show.names import stage_name
from funnelnb.show.registry import View
from funnelnb.show.table import Column, Table

if TYPE_CHECKING:
    from funnelnb.analysis.gates import HonestFunnel
    from funnelnb.show.words import Words

MOST_DEALS = 10


def _stage(result: Any, row: Any, say: Words) -> str:
    return stage_name(result, row.stage, say)


def _supported(result: Any, row: Any, say: Words) -> str:
    return stage_name(result, row.supported_stage, say)


def in_words(row: Any, name: str, say: Words) -> str:
    """Return a text that a row carries in both languages."""
    return str(getattr(row, f"{name}_{'zh' if say.lang == 'zh' else 'en'}"))


def _missing(_: Any, row: Any, say: Words) -> str:
    return in_words(row, "missing", say)


def _action(_: Any, row: Any, say: Words) -> str:
    return in_words(row, "action", say)


def _question(_: Any, row: Any, say: Words) -> str:
    return in_words(row, "question", say)


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
_DEAL_COLUMNS = (
    Column(field="opportunity_id"),
    Column(field="owner"),
    Column(field="stage", cell=_stage),
    Column(field="supported_stage", cell=_supported),
    Column(field="deal_amount"),
    Column(field="missing_en", head="missing", cell=_missing),
    Column(field="action_en", head="action", cell=_action),
    Column(field="question_en", head="question", cell=_question),
)
TOP = Table(
    name="gates_top",
    rows=lambda result: [row for row in result.deals if row.stages_apart][:MOST_DEALS],
    columns=_DEAL_COLUMNS,
    shown=lambda result: result.overclaimed_n > 0,
)
DEALS = Table(
    name="gates_deals", rows=lambda result: result.deals, columns=_DEAL_COLUMNS, shown=lambda _: False
)


def finding(result: HonestFunnel, say: Words) -> Finding:
    """Say how many deals claim more than their evidence supports, and how much money that is."""
    unsaid = say.get("findings.gates.unsaid")
    if not result.n:
        return Finding(headline=say.get("gates.nothing"), detail="", unsaid=unsaid)
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
    return Finding(headline=say.say(f"findings.gates.{key}", **values), detail=detail, unsaid=unsaid)


VIEW = View(tables=(STAGES, TOP, DEALS), finding=finding, charts={"honest": "honest_funnel"})
