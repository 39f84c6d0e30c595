"""How a weighted pipeline is shown: stages and groups with their weights; and what they make likely."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from funnelnb.show.finding import Finding
from funnelnb.show.names import stage_name
from funnelnb.show.registry import View
from funnelnb.show.table import Column, Table, facts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.analysis.quota import Quota
    from funnelnb.show.words import Words


def _stage(result: Any, row: Any, say: Words) -> str:
    return stage_name(result, row.stage, say) if row.stage else say.get("targets.total")


def _grouped(result: Any, _: Sequence[Any]) -> bool:
    return bool(result.by)


ROWS = Table(
    name="quota",
    rows=lambda result: result.rows,
    stub=2,
    strong=lambda row: not row.stage,
    columns=(
        Column(field="group", keep=_grouped),
        Column(field="stage", cell=_stage),
        *(
            Column(field=name)
            for name in ("open_n", "open_amount", "weight_rate", "weighted_amount", "quota_share")
        ),
    ),
)
CURVE = Table(name="attain", rows=lambda result: (result.curve,), shown=lambda _: False, columns=())


def finding(result: Quota, say: Words) -> Finding:
    """Say what the pipeline is worth, how likely the target is, and what is attained with assurance."""
    unsaid = say.get("findings.quota.unsaid")
    if not result.n:
        return Finding(headline=say.get("targets.no_open"), detail="", unsaid=unsaid)
    values = facts(result, say) | {
        name: say.numbers.amount(getattr(result, f"{name}_amount"), result.currency)
        for name in ("weighted", "won", "new", "expected", "target", "assured")
    }
    values |= {"open_n": result.n, "until": result.until}
    parts = []
    if not math.isnan(result.target_amount):
        parts.append("chance" if result.new_n > 0 else "chance_open")
    parts.append("assured")
    return Finding(
        headline=say.say(
            "findings.quota.expected" if result.new_n > 0 else "findings.quota.weighted", **values
        ),
        detail=say.get("language.sentence").join(
            say.say(f"findings.quota.{part}", **values) for part in parts
        ),
        unsaid=unsaid,
    )


VIEW = View(tables=(ROWS, CURVE), finding=finding, charts={"total": "total"})
