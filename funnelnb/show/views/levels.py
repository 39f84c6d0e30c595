"""How priority levels are shown: levels with strategy and hours, customers with what makes their score."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from funnelnb.show.finding import Finding
from funnelnb.show.registry import View
from funnelnb.show.table import Column, Table

if TYPE_CHECKING:
    from funnelnb.analysis.levels import Levels
    from funnelnb.show.words import Words

MOST_CUSTOMERS = 10


def _level(_: Any, row: Any, say: Words) -> str:
    return say.get(f"levels.names.{row.level}")


def _strategy(_: Any, row: Any, say: Words) -> str:
    return say.get(f"levels.strategy.{row.level}")


def _score(_: Any, row: Any, say: Words) -> str:
    known = say.numbers.factor(row.score)
    if row.sure or row.score_lower == row.score_upper:
        return known
    low, high = (say.numbers.factor(value) for value in (row.score_lower, row.score_upper))
    return say.say("levels.unsure", score=known, low=low, high=high)


LEVELS = Table(
    name="levels",
    rows=lambda result: result.rows,
    columns=(
        Column(field="level", cell=_level),
        Column(field="customer_n"),
        Column(field="customer_share"),
        Column(field="open_amount"),
        Column(field="hours_per_customer"),
        Column(field="planned_hours"),
        Column(field="unsure_n"),
        Column(field="level", head="strategy", cell=_strategy),
    ),
)
_COLUMNS = (
    Column(field="account_id"),
    Column(field="name"),
    Column(field="open_amount"),
    Column(field="size_part"),
    Column(field="need_part"),
    Column(field="intent_part"),
    Column(field="score", cell=_score),
    Column(field="level", cell=_level),
)
TOP = Table(name="levels_top", rows=lambda result: result.customers[:MOST_CUSTOMERS], columns=_COLUMNS)
CUSTOMERS = Table(
    name="levels_customers", rows=lambda result: result.customers, columns=_COLUMNS, shown=lambda _: False
)


def finding(result: Levels, say: Words) -> Finding:
    """Say how many customers have high priority, by which rule, and how many hours the plan takes."""
    unsaid = say.get("findings.levels.unsaid")
    if not result.n:
        return Finding(headline=say.get("levels.nobody"), detail="", unsaid=unsaid)
    first = result.rows[0]
    headline = say.say(
        "findings.levels.headline",
        n=result.n,
        high_n=first.customer_n,
        amount=say.numbers.amount(first.open_amount, result.currency),
        hours=say.numbers.bare_days(sum(row.planned_hours for row in result.rows)),
        high_hours=say.numbers.bare_days(first.planned_hours),
    )
    detail = say.say(
        "findings.levels.rule",
        size_share=result.size_weight,
        need_share=result.need_weight,
        intent_share=result.intent_weight,
        high=say.numbers.factor(result.high),
        medium=say.numbers.factor(result.medium),
        large=say.numbers.amount(result.large_amount, result.currency),
        small=say.numbers.amount(result.small_amount, result.currency),
    )
    return Finding(headline=headline, detail=detail, unsaid=unsaid)


VIEW = View(tables=(LEVELS, TOP, CUSTOMERS), finding=finding, charts={})
