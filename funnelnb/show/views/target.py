"""How a target is shown: its parts, the leads and the mixes behind it; and how likely it is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from funnelnb.show.finding import Finding
from funnelnb.show.names import stage_name
from funnelnb.show.registry import View
from funnelnb.show.table import Column, Table, facts
from funnelnb.show.views.reverse import needed

if TYPE_CHECKING:
    from funnelnb.analysis.target import Target
    from funnelnb.show.words import Words


def _part(_: Any, row: Any, say: Words) -> str:
    return say.get(f"targets.parts.{row.part}")


ROWS = Table(
    name="target",
    rows=lambda result: result.rows,
    strong=lambda row: row.part in ("target", "gap"),
    columns=(
        Column(field="part", cell=_part),
        Column(field="amount"),
        Column(field="part_share"),
        Column(field="deal_n"),
    ),
)


def finding(result: Target, say: Words) -> Finding:
    """Say how likely the target is, how many wins it needs, and from how many leads until when."""
    money = {
        name: say.numbers.amount(getattr(result, f"{name}_amount"), result.currency)
        for name in ("target", "assured")
    }
    values = facts(result, say) | money | {"until": result.until}
    parts = ["wins"] if result.wins_n else ["reached"]
    rows = (
        [] if result.funnel is None else [row for row in result.funnel.rows if not math.isnan(row.win_rate)]
    )
    if rows:
        first = rows[0]
        values |= {
            "needed": needed(first.needed_n, say),
            "stage": stage_name(result, first.stage, say),
            "in_by": first.in_by,
        }
        parts.append("late" if first.too_late else "leads")
    elif result.wins_n and result.funnel is None:
        parts.append("open_enough")
    return Finding(
        headline=say.say("findings.target.headline", **values),
        detail=say.get("language.sentence").join(
            say.say(f"findings.target.{part}", **values) for part in parts
        ),
        unsaid=say.get("findings.target.unsaid"),
    )


VIEW = View(
    tables=(ROWS,), finding=finding, charts={"total": "total", "reverse": "reverse", "frontier": "frontier"}
)
