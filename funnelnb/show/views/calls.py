"""How the call list is shown: rank, why, whom to meet, what to do; and what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from funnelnb.show.finding import Finding
from funnelnb.show.names import stage_name
from funnelnb.show.registry import View
from funnelnb.show.table import Column, Table
from funnelnb.show.views.gates import in_words
from funnelnb.show.views.roles import role_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.analysis.call_list import CallList
    from funnelnb.show.words import Words

MOST = 15
QUIET_DAYS = 30
SOON_RATE = 0.5


def _stage(result: Any, row: Any, say: Words) -> str:
    return stage_name(result, row.stage, say)


def why(result: Any, row: Any, say: Words) -> str:
    """Return the reason of a rank: amount, chance and hours, and what presses."""
    if row.value_per_hour_amount != row.value_per_hour_amount:
        return say.get("calls.unknown")
    said = [
        say.say(
            "calls.why",
            amount=say.numbers.amount(row.deal_amount, result.currency),
            win_rate=row.win_rate,
            hours=say.numbers.bare_days(row.hours),
        )
    ]
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
    return bool(result.group_by)


_COLUMNS = (
    Column(field="rank"),
    Column(field="group_rank", keep=_grouped),
    Column(field="opportunity_id"),
    Column(field="owner"),
    Column(field="stage", cell=_stage),
    Column(field="value_per_hour_amount"),
    Column(field="win_rate", head="why", cell=why, prose=True),
    Column(field="next_role", head="missing", cell=missing),
    Column(field="step_en", head="step", cell=_step),
)
CALLS = Table(name="calls", rows=lambda result: result.rows, columns=_COLUMNS, stub=3, shown=lambda _: False)
TOP = Table(
    name="calls_top",
    rows=lambda result: result.rows[:MOST],
    columns=_COLUMNS,
    stub=3,
    shown=lambda result: bool(result.rows),
)


def finding(result: CallList, say: Words) -> Finding:
    """Say whom to call first and why, and how much the first tenth holds."""
    unsaid = say.get("findings.calls.unsaid")
    if not result.rows:
        return Finding(headline=say.get("calls.nobody"), detail="", unsaid=unsaid)
    first = result.rows[0]
    headline = say.say(
        "findings.calls.first",
        opportunity=first.opportunity_id,
        owner=first.owner or say.get("language.not_given"),
        why=why(result, first, say),
    )
    detail = say.say(
        "findings.calls.tenth",
        n=result.n,
        amount=say.numbers.amount(result.expected_amount, result.currency),
        horizon_days=result.horizon_days,
        first_share=result.first_share,
    )
    return Finding(headline=headline, detail=detail, unsaid=unsaid)


VIEW = View(tables=(CALLS, TOP), finding=finding, charts={})
