"""How the ideal funnel is shown beside the actual one: one row per step; and where the gap is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from funnelnb.show.finding import Finding
from funnelnb.show.names import stage_name
from funnelnb.show.registry import View
from funnelnb.show.table import Column, Table, facts

if TYPE_CHECKING:
    from funnelnb.analysis.ideal import FunnelGap
    from funnelnb.show.words import Words


def _stage(result: Any, row: Any, say: Words) -> str:
    return stage_name(result, row.stage, say)


def _verdict(_: Any, row: Any, say: Words) -> str:
    return say.get(f"targets.verdicts.{row.verdict}")


ROWS = Table(
    name="ideal",
    rows=lambda result: result.rows,
    columns=(
        Column(field="stage", cell=_stage),
        Column(field="entry_n"),
        Column(field="ideal_n"),
        Column(field="exit_n"),
        Column(field="here_n"),
        Column(field="actual_rate", lower="actual_ci_lower", upper="actual_ci_upper"),
        Column(field="ideal_rate"),
        Column(field="gap"),
        Column(field="missing_wins_n"),
        Column(field="verdict", cell=_verdict),
    ),
)


def finding(result: FunnelGap, say: Words) -> Finding:
    """Say how far the funnel is from the ideal, and which step costs most."""
    unsaid = say.get("findings.ideal.unsaid")
    if not result.n:
        return Finding(headline=say.get("words.none_at_all"), detail="", unsaid=unsaid)
    values = facts(result, say)
    worst = next((row for row in result.rows if row.stage == result.worst), None)
    detail = say.get("findings.ideal.none_below")
    if worst is not None:
        detail = say.say(
            "findings.ideal.worst",
            stage=stage_name(result, worst.stage, say),
            rate=say.numbers.interval(worst.actual_rate, worst.actual_ci_lower, worst.actual_ci_upper),
            ideal_rate=worst.ideal_rate,
            missing_n=worst.missing_wins_n,
        )
    return Finding(headline=say.say("findings.ideal.headline", **values), detail=detail, unsaid=unsaid)


VIEW = View(tables=(ROWS,), finding=finding, charts={"gap": "gap"})
