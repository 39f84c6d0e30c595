"""How the quadrant is shown: the four classes with their hours, and every open deal in its class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from funnelnb.show.finding import Finding
from funnelnb.show.names import stage_name
from funnelnb.show.registry import View
from funnelnb.show.table import Column, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.analysis.quadrant import Quadrant
    from funnelnb.show.words import Words


def _class(_: Any, row: Any, say: Words) -> str:
    return say.get("quadrant.unknown") if row.quadrant == "unknown" else str(row.quadrant)


def _advice(_: Any, row: Any, say: Words) -> str:
    return say.get(f"quadrant.advice.{row.quadrant}")


def _stage(result: Any, row: Any, say: Words) -> str:
    return stage_name(result, row.stage, say)


def _recorded(_: Any, rows: Sequence[Any]) -> bool:
    return any(row.actual_hours >= 0 for row in rows)


CLASSES = Table(
    name="quadrant",
    rows=lambda result: result.rows,
    columns=(
        Column(field="quadrant", cell=_class),
        Column(field="quadrant", head="advice", cell=_advice),
        Column(field="deal_n"),
        Column(field="open_amount"),
        Column(field="hours_per_deal"),
        Column(field="planned_hours"),
        Column(field="planned_share"),
        Column(field="actual_hours", keep=_recorded),
        Column(field="actual_share", keep=_recorded),
        Column(field="change_hours", keep=_recorded),
    ),
)
DEALS = Table(
    name="quadrant_deals",
    rows=lambda result: result.deals,
    columns=(
        Column(field="opportunity_id"),
        Column(field="owner"),
        Column(field="stage", cell=_stage),
        Column(field="age_days"),
        Column(field="deal_amount"),
        Column(field="days_to_close"),
        Column(field="won_by_rate"),
        Column(field="decided_by_rate"),
        Column(field="quadrant", cell=_class),
    ),
    shown=lambda _: False,
)


def finding(result: Quadrant, say: Words) -> Finding:
    """Say how much is large and soon, and where today's hours differ most from the plan."""
    unsaid = say.get("findings.quadrant.unsaid")
    if not result.n:
        return Finding(headline=say.get("quadrant.nothing"), detail="", unsaid=unsaid)
    first = result.rows[0]
    headline = say.say(
        "findings.quadrant.headline",
        n=result.n,
        large_n=first.deal_n,
        amount=say.numbers.amount(first.open_amount, result.currency),
        large=say.numbers.amount(result.large_amount, result.currency),
        soon_days=result.soon_days,
    )
    detail = (
        say.say(
            "findings.quadrant.hours",
            actual_share=first.actual_share,
            planned_share=first.planned_share,
            late_share=sum(row.actual_share for row in result.rows if row.quadrant in ("C", "D")),
        )
        if first.actual_share >= 0
        else say.say("findings.quadrant.plan", planned_share=first.planned_share)
    )
    return Finding(headline=headline, detail=detail, unsaid=unsaid)


VIEW = View(tables=(CLASSES, DEALS), finding=finding, charts={"quadrant": "quadrant"})
