"""How ageing is shown: the chance to win by stage and age; and what it says."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from funnelnb.show.finding import Finding
from funnelnb.show.names import stage_name
from funnelnb.show.registry import View
from funnelnb.show.table import Column, Table

if TYPE_CHECKING:
    from funnelnb.analysis.ageing import Ageing, AgeingCell, AgeingChange
    from funnelnb.show.words import Words


def _stage(result: Any, row: Any, say: Words) -> str:
    return stage_name(result, row.stage, say)


def band(row: AgeingCell | AgeingChange, say: Words) -> str:
    """Return what a band of ages is called: 30–59, 365+."""
    return _ages(row.from_days, row.below_days, say)


def _ages(start: float, below: float, say: Words) -> str:
    if math.isinf(below):
        return say.say("ageing.open_band", start=f"{start:.0f}")
    return say.say("ageing.band", start=f"{start:.0f}", end=f"{below - 1:.0f}")


def _band(_: Any, row: AgeingCell | AgeingChange, say: Words) -> str:
    return band(row, say)


def _old_band(_: Any, row: AgeingChange, say: Words) -> str:
    return _ages(row.old_from_days, row.old_below_days, say)


def _chance(name: str) -> Column:
    return Column(field=f"{name}_rate", lower=f"{name}_ci_lower", upper=f"{name}_ci_upper")


CELLS = Table(
    name="ageing",
    rows=lambda result: result.cells,
    stub=2,
    columns=(
        Column(field="stage", cell=_stage),
        Column(field="from_days", cell=_band),
        Column(field="watched_n"),
        *(_chance(name) for name in ("won_30", "won_60", "won_90", "lost_90")),
        Column(field="open_n"),
        Column(field="open_amount"),
        Column(field="expected_amount"),
    ),
)


CHANGES = Table(
    name="ageing_changes",
    rows=lambda result: result.changes,
    shown=lambda result: bool(result.changes),
    columns=(
        Column(field="stage", cell=_stage),
        Column(field="from_days", cell=_band),
        Column(field="won_90_rate"),
        Column(field="old_from_days", cell=_old_band),
        Column(field="old_won_90_rate"),
        Column(field="difference", lower="difference_ci_lower", upper="difference_ci_upper", always=True),
        Column(field="p_adjusted"),
        Column(field="clear"),
    ),
)


def finding(result: Ageing, say: Words) -> Finding:
    """Say in which stage the chance clearly falls, or rises, most with age; or that it does in none."""
    unsaid = say.get("findings.ageing.unsaid")
    if not result.cells:
        return Finding(headline=say.get("words.none_at_all"), detail="", unsaid=unsaid)
    if not result.changes:
        return Finding(headline=say.get("findings.ageing.unseen"), detail="", unsaid=unsaid)
    clear = [row for row in result.changes if row.clear]
    row = max(clear or result.changes, key=lambda one: abs(one.difference))
    cells = {(cell.stage, cell.from_days): cell for cell in result.cells}
    young, old = cells[row.stage, row.from_days], cells[row.stage, row.old_from_days]
    values = {
        "stage": stage_name(result, row.stage, say),
        "young": band(young, say),
        "old": band(old, say),
        "young_rate": _told(young, say),
        "old_rate": _told(old, say),
        "difference": say.numbers.points_interval(
            row.difference, row.difference_ci_lower, row.difference_ci_upper
        ),
        "young_n": young.watched_n,
        "old_n": old.watched_n,
        "old_open_n": old.open_n,
        "clear_n": len(clear),
        "stages_n": len(result.changes),
    }
    key = "falls" if row.difference < 0 else "rises"
    return Finding(
        headline=say.say(f"findings.ageing.{key if clear else 'level'}", **values),
        detail=say.say(f"findings.ageing.{'detail' if clear else 'widest'}", **values),
        unsaid=unsaid,
    )


def _told(cell: AgeingCell, say: Words) -> str:
    return say.numbers.interval(cell.won_90_rate, cell.won_90_ci_lower, cell.won_90_ci_upper)


VIEW = View(tables=(CELLS, CHANGES), finding=finding, charts={"ageing": "ageing_heat"})
