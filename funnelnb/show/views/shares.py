"""How fair shares are shown: one row per part; and what they say."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from funnelnb.show.finding import Finding, name_some
from funnelnb.show.registry import View
from funnelnb.show.table import Column, Table, facts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.analysis.shares import FairShares
    from funnelnb.show.words import Words


def _limited(_: Any, rows: Sequence[Any]) -> bool:
    return any(math.isfinite(row.capacity_amount) for row in rows)


def _capacity(_: Any, row: Any, say: Words) -> str:
    return (
        say.get("language.none")
        if math.isinf(row.capacity_amount)
        else say.numbers.amount(row.capacity_amount)
    )


ROWS = Table(
    name="shares",
    rows=lambda result: result.rows,
    columns=(
        Column(field="group"),
        Column(field="open_n"),
        *(Column(field=name) for name in ("pipeline_amount", "new_amount", "potential_amount")),
        Column(field="capacity_amount", cell=_capacity, keep=_limited),
        Column(field="target_share"),
        Column(field="target_amount"),
        Column(field="stretch"),
    ),
)


def finding(result: FairShares, say: Words) -> Finding:
    """Say who takes most of the target, and what nobody can carry."""
    unsaid = say.get("findings.shares.unsaid")
    if not result.rows:
        return Finding(headline=say.get("words.none_at_all"), detail="", unsaid=unsaid)
    ranked = sorted(result.rows, key=lambda row: -row.target_amount)
    named = [
        say.say(
            "findings.shares.named", group=say.group(row.group), share=say.numbers.percent(row.target_share)
        )
        for row in ranked[:3]
    ]
    values = facts(result, say) | {
        "amount": say.numbers.amount(result.target_amount, result.currency),
        "parts": name_some(named, say),
        "left": say.numbers.amount(result.unplaced_amount, result.currency),
        "until": result.until,
    }
    full = [say.group(row.group) for row in result.rows if row.at_capacity]
    values["full"] = name_some(full, say)
    parts = (["full"] if full else []) + (["left"] if result.unplaced_amount > 0 else [])
    return Finding(
        headline=say.say("findings.shares.headline", **values),
        detail=say.get("language.sentence").join(
            say.say(f"findings.shares.{part}", **values) for part in parts
        ),
        unsaid=unsaid,
    )


VIEW = View(tables=(ROWS,), finding=finding, charts={})
