"""How the endings of opportunities are shown, and what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from funnelnb.show.tables.table import Column, Table
from funnelnb.show.text.words import stage_name
from funnelnb.show.views.registry import Finding, View

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.analysis.conversion.endings import EndingRow, Endings
    from funnelnb.show.text.words import Words


def _name(result: Endings, row: EndingRow, say: Words) -> str:
    """Return what the stage model calls the ending, else what the field does."""
    label = dict(result.names).get(row.ending)
    return getattr(label, say.lang) if label else say.get(f"endings.names.{row.ending}")


def _stage(result: Endings, row: EndingRow, say: Words) -> str:
    return stage_name(result, row.last_stage, say) if row.last_stage else say.get("language.none")


def _reasons(_: Any, row: EndingRow, say: Words) -> str:
    return say.numbers.join([say.value(one) for one in row.reasons.split(", ")]) if row.reasons else ""


def _reasoned(_: Any, rows: Sequence[EndingRow]) -> bool:
    return any(row.reasons for row in rows)


ENDINGS = Table(
    name="endings",
    rows=lambda result: result.rows,
    strong=lambda row: not row.group,
    columns=(
        Column(field="group", keep=lambda result, _: bool(result.by)),
        Column(field="ending", cell=_name),
        Column(field="deal_n"),
        Column(field="deal_share", lower="share_ci_lower", upper="share_ci_upper"),
        Column(field="deal_amount"),
        Column(field="median_days"),
        Column(field="last_stage", cell=_stage),
        Column(field="reasons", cell=_reasons, keep=_reasoned),
    ),
)


def endings_finding(result: Endings, say: Words) -> Finding:
    """Say which share of the closed deals ended in each of the three ways, and where the customers were lost."""
    whole = {row.ending: row for row in result.rows if not row.group}

    def rate(name: str) -> str:
        row = whole[name]
        return say.numbers.interval(row.deal_share, row.share_ci_lower, row.share_ci_upper)

    stages = [whole[one].last_stage for one in ("lost_competitor", "lost_no_decision")]
    parts = []
    if all(stages):
        names = dict(
            zip(
                ("competitor_stage", "stopped_stage"),
                (stage_name(result, one, say) for one in stages),
                strict=True,
            )
        )
        parts.append(say.say("endings.where", **names))
    parts.append(say.get("endings.apart"))
    if result.open_n:
        parts.append(say.say("endings.open", open_n=result.open_n))
    return Finding(
        headline=say.say(
            "endings.headline",
            n=result.n,
            won=rate("won"),
            competitor=rate("lost_competitor"),
            stopped=rate("lost_no_decision"),
        ),
        detail=say.get("language.sentence").join(parts),
        unsaid=say.get("endings.unsaid"),
    )


ENDINGS_VIEW = View(tables=(ENDINGS,), finding=endings_finding, charts={})
