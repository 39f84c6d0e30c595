"""How moves between priority levels are shown: the flows, and who moved and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from funnelnb.show.finding import Finding
from funnelnb.show.registry import View
from funnelnb.show.table import Column, Table

if TYPE_CHECKING:
    from funnelnb.analysis.level_moves import LevelMoves
    from funnelnb.show.words import Words

MOST_MOVES = 12


def _before(_: Any, row: Any, say: Words) -> str:
    return say.get(f"levels.names.{row.level_before}")


def _after(_: Any, row: Any, say: Words) -> str:
    return say.get(f"levels.names.{row.level_after}")


def _why(_: Any, row: Any, say: Words) -> str:
    return say.numbers.join(say.get(f"levels.why.{one}") for one in row.why.split(", ") if one)


FLOWS = Table(
    name="level_flows",
    rows=lambda result: result.rows,
    columns=(
        Column(field="level_before", cell=_before),
        Column(field="level_after", cell=_after),
        Column(field="customer_n"),
        Column(field="amount_after"),
        Column(field="change_hours"),
    ),
    stub=2,
)
_COLUMNS = (
    Column(field="account_id"),
    Column(field="name"),
    Column(field="level_before", cell=_before),
    Column(field="level_after", cell=_after),
    Column(field="why", cell=_why),
    Column(field="amount_before"),
    Column(field="amount_after"),
    Column(field="change_hours"),
)
TOP = Table(
    name="level_moves_top",
    rows=lambda result: result.moves[:MOST_MOVES],
    columns=_COLUMNS,
    shown=lambda result: bool(result.moves),
)
MOVES = Table(name="level_moves", rows=lambda result: result.moves, columns=_COLUMNS, shown=lambda _: False)


def finding(result: LevelMoves, say: Words) -> Finding:
    """Say how many customers moved up and down, and what the plan costs now."""
    unsaid = say.get("findings.level_moves.unsaid")
    if not result.n:
        return Finding(headline=say.get("levels.nobody"), detail="", unsaid=unsaid)
    headline = say.say(
        "findings.level_moves.headline",
        since=result.since,
        raised_n=result.raised_n,
        lowered_n=result.lowered_n,
        new_n=result.new_n,
        gone_n=result.gone_n,
        stayed_n=result.stayed_n,
    )
    detail = say.say(
        "findings.level_moves.cost",
        before=say.numbers.bare_days(result.hours_before),
        after=say.numbers.bare_days(result.hours_after),
    )
    return Finding(headline=headline, detail=detail, unsaid=unsaid)


VIEW = View(tables=(FLOWS, TOP, MOVES), finding=finding, charts={"flows": "level_flows"})
