"""How levers are shown: the chance of the target with each moved down and up; and which to pull."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from funnelnb.show.finding import Finding
from funnelnb.show.names import stage_name
from funnelnb.show.registry import View
from funnelnb.show.table import Column, Table, facts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.analysis.sensitivity import Levers
    from funnelnb.show.words import Words


def lever_name(result: Levers, lever: str, say: Words) -> str:
    """Return what a lever is called: leads, size, speed, or the step out of a stage."""
    known = say.find(f"targets.levers.{lever}")
    if known is not None and lever not in result.stage_ids:
        return known
    return say.say("targets.levers.step", stage=stage_name(result, lever, say))


def _lever(result: Any, row: Any, say: Words) -> str:
    return lever_name(result, row.lever, say)


def _effort(_: Any, rows: Sequence[Any]) -> bool:
    return any(row.effort != 1 for row in rows)


ROWS = Table(
    name="levers",
    rows=lambda result: result.rows,
    columns=(
        Column(field="lever", cell=_lever),
        Column(field="low_rate"),
        Column(field="high_rate"),
        Column(field="gain"),
        Column(field="swing"),
        Column(field="effort", keep=_effort),
        Column(field="gain_per_effort", keep=_effort),
    ),
)


def finding(result: Levers, say: Words) -> Finding:
    """Say which lever moves the chance most."""
    first, last = result.rows[0], result.rows[-1]
    values = facts(result, say) | {
        "first": lever_name(result, first.lever, say),
        "last": lever_name(result, last.lever, say),
        "first_rate": first.high_rate,
        "last_rate": last.high_rate,
        "amount": say.numbers.amount(result.target_amount, result.currency),
    }
    return Finding(
        headline=say.say("findings.levers.headline", **values),
        detail=say.say("findings.levers.detail", **values),
        unsaid=say.get("findings.levers.unsaid"),
    )


VIEW = View(tables=(ROWS,), finding=finding, charts={"tornado": "tornado"})
