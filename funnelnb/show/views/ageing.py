"""How ageing is shown: the chance to win by stage and age; and what it says."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from funnelnb.show.finding import Finding
from funnelnb.show.names import stage_name
from funnelnb.show.registry import View
from funnelnb.show.table import Column, Table

if TYPE_CHECKING:
    from funnelnb.analysis.ageing import Ageing, AgeingCell
    from funnelnb.show.words import Words


def _stage(result: Any, row: Any, say: Words) -> str:
    return stage_name(result, row.stage, say)


def band(row: AgeingCell, say: Words) -> str:
    """Return what a band of ages is called: 30–59, 365+."""
    if math.isinf(row.below_days):
        return say.say("ageing.open_band", start=f"{row.from_days:.0f}")
    return say.say("ageing.band", start=f"{row.from_days:.0f}", end=f"{row.below_days - 1:.0f}")


def _band(_: Any, row: AgeingCell, say: Words) -> str:
    return band(row, say)


def _chance(field: str) -> Column:
    def cell(_: Any, row: Any, say: Words) -> str:
        value = getattr(row, field)
        return say.numbers.percent(value) if row.enough else say.get("words.too_few")

    return Column(field=field, cell=cell)


CELLS = Table(
    name="ageing",
    rows=lambda result: result.cells,
    stub=2,
    columns=(
        Column(field="stage", cell=_stage),
        Column(field="from_days", cell=_band),
        Column(field="watched_n"),
        *(_chance(f"won_{days}_rate") for days in (30, 60, 90)),
        _chance("lost_90_rate"),
        Column(field="open_n"),
        Column(field="open_amount"),
        Column(field="expected_amount"),
    ),
)


def finding(result: Ageing, say: Words) -> Finding:
    """Say in which stage the chance falls most with age."""
    unsaid = say.get("findings.ageing.unsaid")
    if not result.cells:
        return Finding(headline=say.get("words.none_at_all"), detail="", unsaid=unsaid)
    falls = []
    for stage in dict.fromkeys(cell.stage for cell in result.cells):
        mine = [c for c in result.cells if c.stage == stage and not math.isnan(c.won_90_rate)]
        if len(mine) > 1:
            falls.append((mine[0].won_90_rate - mine[-1].won_90_rate, mine[0], mine[-1]))
    if not falls:
        return Finding(headline=say.get("findings.ageing.unseen"), detail="", unsaid=unsaid)
    change, young, old = max(falls, key=lambda one: abs(one[0]))
    values = {
        "stage": stage_name(result, young.stage, say),
        "young": band(young, say),
        "old": band(old, say),
        "young_rate": young.won_90_rate,
        "old_rate": old.won_90_rate,
        "young_n": young.watched_n,
        "old_n": old.watched_n,
        "old_open_n": old.open_n,
    }
    key = "falls" if change > 0 else "rises"
    return Finding(
        headline=say.say(f"findings.ageing.{key}", **values),
        detail=say.say("findings.ageing.detail", **values),
        unsaid=unsaid,
    )


VIEW = View(tables=(CELLS,), finding=finding, charts={"ageing": "ageing_heat"})
