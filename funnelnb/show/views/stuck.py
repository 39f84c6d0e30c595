"""How stuck deals are shown: the list, then how many per stage; and what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from funnelnb.show.finding import Finding
from funnelnb.show.names import stage_name
from funnelnb.show.registry import View
from funnelnb.show.table import Column, Table
from funnelnb.show.views.duration import days

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.analysis.stuck import Stuck, StuckDeal
    from funnelnb.show.words import Words

MOST = 20


def _stage(result: Any, row: Any, say: Words) -> str:
    return stage_name(result, row.stage, say)


def _usual(_: Any, row: StuckDeal, say: Words) -> str:
    return days(row.usual_days, say)


def _grouped(result: Any, _: Sequence[Any]) -> bool:
    return bool(result.by)


def top(result: Stuck) -> list[StuckDeal]:
    """Return the deals that stand under the result: the first of those listed, or else the most unusual."""
    listed = [deal for deal in result.deals if deal.listed]
    return listed[:MOST] or list(result.deals[:MOST])


_COLUMNS = (
    Column(field="rank"),
    Column(field="opportunity_id"),
    Column(field="owner"),
    Column(field="stage", cell=_stage),
    Column(field="group", keep=_grouped),
    Column(field="age_days"),
    Column(field="usual_days", cell=_usual),
    Column(field="tail_rate"),
    Column(field="p_adjusted"),
    Column(field="listed"),
    Column(field="win_rate"),
    Column(field="deal_amount"),
)
DEALS = Table(name="stuck", rows=lambda result: result.deals, columns=_COLUMNS, stub=2, shown=lambda _: False)
TOP = Table(name="stuck_top", rows=top, columns=_COLUMNS, stub=2, shown=lambda result: bool(result.deals))
STAGES = Table(
    name="stuck_stages",
    rows=lambda result: result.stages,
    shown=lambda result: bool(result.stages),
    columns=(
        Column(field="stage", cell=_stage),
        *(Column(field=name) for name in ("open_n", "open_amount", "listed_n", "listed_amount")),
        Column(field="last_event_days"),
        Column(field="pause"),
    ),
)


def finding(result: Stuck, say: Words) -> Finding:
    """Say how many open deals are stuck, with their money, and which is the largest."""
    unsaid = say.get("findings.stuck.unsaid")
    if not result.n:
        return Finding(headline=say.get("stuck.nobody"), detail="", unsaid=unsaid)
    values = {
        "n": result.n,
        "listed_n": result.listed_n,
        "false_alarm_rate": say.numbers.level(result.false_alarm_rate),
    }
    if not result.listed_n:
        first = result.deals[0]
        detail = ""
        if first.p_value == first.p_value:
            detail = say.say(
                "findings.stuck.oldest",
                opportunity=first.opportunity_id,
                stage=stage_name(result, first.stage, say),
                age_days=first.age_days,
                tail_rate=first.tail_rate,
            )
        return Finding(headline=say.say("findings.stuck.none", **values), detail=detail, unsaid=unsaid)
    amount = ""
    if result.listed_amount > 0:
        amount = say.say(
            "findings.stuck.amount", amount=say.numbers.amount(result.listed_amount, result.currency)
        )
    return Finding(
        headline=say.say("findings.stuck.headline", **values, amount=amount),
        detail=say.say("findings.stuck.alarms", **values),
        unsaid=unsaid,
    )


VIEW = View(tables=(DEALS, TOP, STAGES), finding=finding, charts={})
