"""How the checks of honesty are shown: what was found, by whom, and which deals; and what it says of records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from funnelnb.show.finding import Finding
from funnelnb.show.names import stage_name
from funnelnb.show.registry import View
from funnelnb.show.table import Column, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.analysis.integrity import Integrity
    from funnelnb.show.words import Words


def _check(_: Any, row: Any, say: Words) -> str:
    return say.get(f"targets.checks.{row.check}")


def _stage(result: Any, row: Any, say: Words) -> str:
    return stage_name(result, row.stage, say)


def _furthest(result: Any, row: Any, say: Words) -> str:
    return stage_name(result, row.furthest_stage, say)


def _by_person(result: Any, _: Sequence[Any]) -> bool:
    return bool(result.by)


_COUNTS = (
    Column(field="check", cell=_check),
    Column(field="found_n"),
    Column(field="of_n"),
    Column(field="found_share", lower="found_ci_lower", upper="found_ci_upper", always=True),
    Column(field="large_n"),
    Column(field="amount"),
    Column(field="quota_effect_amount"),
)
ROWS = Table(
    name="integrity", rows=lambda result: [row for row in result.rows if not row.group], columns=_COUNTS
)
PEOPLE = Table(
    name="integrity_people",
    rows=lambda result: [row for row in result.rows if row.group],
    shown=lambda result: any(row.group for row in result.rows),
    stub=2,
    columns=(Column(field="group", keep=_by_person), *_COUNTS),
)
DEALS = Table(
    name="integrity_deals",
    rows=lambda result: result.deals,
    shown=lambda result: bool(result.deals),
    columns=(
        Column(field="opportunity_id"),
        Column(field="check", cell=_check),
        Column(field="owner"),
        Column(field="stage", cell=_stage),
        Column(field="furthest_stage", cell=_furthest),
        Column(field="amount"),
        Column(field="closed_at"),
        Column(field="large"),
    ),
)


def finding(result: Integrity, say: Words) -> Finding:
    """Say how many deals were never seen coming, and what the rest does to the quota."""
    rows = {row.check: row for row in result.rows if not row.group}
    unsaid = say.get("findings.integrity.unsaid")
    never, low, bare = (
        rows.get(name) for name in ("never_in_funnel", "lower_than_history", "without_evidence")
    )
    if not any(row.found_n for row in rows.values()):
        return Finding(headline=say.get("findings.integrity.nothing"), detail="", unsaid=unsaid)
    money = say.numbers.amount
    headline = say.get("findings.integrity.all_seen")
    if never is not None and never.found_n:
        headline = say.say(
            "findings.integrity.headline",
            found_n=never.found_n,
            of_n=never.of_n,
            large_n=never.large_n,
            amount=money(never.amount, result.currency),
        )
    parts = [
        say.say(
            f"findings.integrity.{name}",
            found_n=row.found_n,
            amount=money(abs(row.quota_effect_amount), result.currency),
        )
        for name, row in (("low", low), ("bare", bare))
        if row is not None and row.found_n
    ]
    return Finding(headline=headline, detail=say.get("language.sentence").join(parts), unsaid=unsaid)


VIEW = View(tables=(ROWS, PEOPLE, DEALS), finding=finding, charts={})
