"""How customers are shown: levels and their moves, the quadrant, assessment sheets; and what they say."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from funnelnb.core.options import nameless
from funnelnb.show.tables.table import CUSTOMER, Column, Table
from funnelnb.show.text.words import stage_name
from funnelnb.show.views.registry import Finding, View, no_open_deals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.analysis.priority.assessment import Assessment
    from funnelnb.analysis.priority.level_moves import LevelMoves
    from funnelnb.analysis.priority.levels import Levels
    from funnelnb.analysis.priority.quadrant import Quadrant
    from funnelnb.show.text.words import Words


# ---- How priority levels are shown: levels with strategy and hours, customers with what makes their score --

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


def _size_source(_: Any, row: Any, say: Words) -> str:
    return say.get(f"levels.size_sources.{row.size_source or 'none'}")


def _by_record(_: Any, rows: Sequence[Any]) -> bool:
    return any(row.size_source != "open_deals" for row in rows)


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


def named(_: Any, row: Any, say: Words) -> str:
    """Return what a customer is called: its name, or its id."""
    return str(row.account_id if nameless() else row.name or row.account_id)


_LEVELS_COLUMNS = (
    Column(field="name", cell=named),
    Column(field="account_id"),
    Column(field="open_amount"),
    Column(field="size_part"),
    Column(field="size_source", cell=_size_source, keep=_by_record),
    Column(field="need_part"),
    Column(field="intent_part"),
    Column(field="score", cell=_score),
    Column(field="level", cell=_level),
)
LEVELS_TOP = Table(
    name="levels_top", rows=lambda result: result.customers[:MOST_CUSTOMERS], columns=_LEVELS_COLUMNS
)
CUSTOMERS = Table(
    name="levels_customers",
    rows=lambda result: result.customers,
    columns=_LEVELS_COLUMNS,
    shown=lambda _: False,
)


def levels_finding(result: Levels, say: Words) -> Finding:
    """Say how many customers have high priority, by which rule, and how many hours the plan takes."""
    unsaid = say.get("findings.levels.unsaid")
    if not result.n:
        return Finding(headline=no_open_deals(result, say, "levels.nobody"), detail="", unsaid=unsaid)
    first = result.rows[0]
    key = (
        "alone" if not result.with_deals_n else "headline" if result.n == result.with_deals_n else "everyone"
    )
    headline = say.say(
        f"findings.levels.{key}",
        n=result.n,
        with_deals_n=result.with_deals_n,
        high_n=first.customer_n,
        amount=say.numbers.amount(first.open_amount, result.currency),
        hours=say.numbers.bare_days(sum(row.planned_hours for row in result.rows)),
        high_hours=say.numbers.bare_days(first.planned_hours),
    )
    detail = say.say(
        "findings.levels.rule" if result.with_deals_n else "findings.levels.record_rule",
        size_share=result.size_weight,
        need_share=result.need_weight,
        intent_share=result.intent_weight,
        high=say.numbers.factor(result.high),
        medium=say.numbers.factor(result.medium),
        large=say.numbers.amount(result.large_amount, result.currency),
        small=say.numbers.amount(result.small_amount, result.currency),
    )
    return Finding(headline=headline, detail=detail, unsaid=unsaid)


LEVELS_VIEW = View(tables=(LEVELS, LEVELS_TOP, CUSTOMERS), finding=levels_finding, charts={})


# ---- How moves between priority levels are shown: the flows, and who moved and why -------------------------

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
_LEVEL_MOVES_COLUMNS = (
    Column(field="name", cell=named),
    Column(field="account_id"),
    Column(field="level_before", cell=_before),
    Column(field="level_after", cell=_after),
    Column(field="why", cell=_why),
    Column(field="amount_before"),
    Column(field="amount_after"),
    Column(field="change_hours"),
)
LEVEL_MOVES_TOP = Table(
    name="level_moves_top",
    rows=lambda result: result.moves[:MOST_MOVES],
    columns=_LEVEL_MOVES_COLUMNS,
    shown=lambda result: bool(result.moves),
)
MOVES = Table(
    name="level_moves", rows=lambda result: result.moves, columns=_LEVEL_MOVES_COLUMNS, shown=lambda _: False
)


def level_moves_finding(result: LevelMoves, say: Words) -> Finding:
    """Say how many customers moved up and down, and what the plan costs now."""
    unsaid = say.get("findings.level_moves.unsaid")
    if not result.n:
        return Finding(headline=no_open_deals(result, say, "levels.nobody"), detail="", unsaid=unsaid)
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


LEVEL_MOVES_VIEW = View(
    tables=(FLOWS, LEVEL_MOVES_TOP, MOVES),
    finding=level_moves_finding,
    charts={"flows": "priority.level_flows"},
)


# ---- How the quadrant is shown: the four classes with their hours, and every open deal in its class --------


def _class(_: Any, row: Any, say: Words) -> str:
    return say.get("quadrant.unknown") if row.quadrant == "unknown" else str(row.quadrant)


def _advice(_: Any, row: Any, say: Words) -> str:
    return say.get(f"quadrant.advice.{row.quadrant}")


def _stage(result: Any, row: Any, say: Words) -> str:
    return stage_name(result, row.stage, say)


def _recorded(_: Any, rows: Sequence[Any]) -> bool:
    return any(row.actual_hours >= 0 for row in rows)


def _stated(_: Any, rows: Sequence[Any]) -> bool:
    return any(not math.isnan(row.stated_days) for row in rows)


def _time_source(_: Any, row: Any, say: Words) -> str:
    return say.get(f"quadrant.sources.{row.time_source}")


CLASSES = Table(
    name="quadrant",
    rows=lambda result: result.rows,
    columns=(
        Column(field="quadrant", cell=_class),
        Column(field="quadrant", head="advice", cell=_advice),
        Column(field="deal_n"),
        Column(field="open_amount"),
        Column(field="hours_per_deal"),
        Column(field="planned_hours"),
        Column(field="planned_share"),
        Column(field="actual_hours", keep=_recorded),
        Column(field="actual_share", keep=_recorded),
        Column(field="change_hours", keep=_recorded),
    ),
)
DEALS = Table(
    name="quadrant_deals",
    rows=lambda result: result.deals,
    columns=(
        CUSTOMER,
        Column(field="opportunity_id"),
        Column(field="owner"),
        Column(field="stage", cell=_stage),
        Column(field="age_days"),
        Column(field="deal_amount"),
        Column(field="days_to_close"),
        Column(field="stated_days", keep=_stated),
        Column(field="time_source", cell=_time_source, keep=_stated),
        Column(field="won_by_rate"),
        Column(field="decided_by_rate"),
        Column(field="quadrant", cell=_class),
    ),
    shown=lambda _: False,
)


def quadrant_finding(result: Quadrant, say: Words) -> Finding:
    """Say how much is large and soon, and where today's hours differ most from the plan."""
    unsaid = say.get("findings.quadrant.unsaid")
    if not result.n:
        return Finding(headline=no_open_deals(result, say, "quadrant.nothing"), detail="", unsaid=unsaid)
    first = result.rows[0]
    if not result.large_amount > 0:
        return Finding(headline=say.get("findings.quadrant.unpriced"), detail="", unsaid=unsaid)
    placed = any(row.deal_n for row in result.rows if row.quadrant != "unknown")
    headline = say.say(
        f"findings.quadrant.{'headline' if first.deal_n else 'none' if placed else 'unknown'}",
        n=result.n,
        large_n=first.deal_n,
        amount=say.numbers.amount(first.open_amount, result.currency),
        large=say.numbers.amount(result.large_amount, result.currency),
        soon_days=result.soon_days,
    )
    if not first.deal_n:
        return Finding(headline=headline, detail="", unsaid=unsaid)
    detail = (
        say.say(
            "findings.quadrant.hours",
            actual_share=first.actual_share,
            planned_share=first.planned_share,
            late_share=sum(row.actual_share for row in result.rows if row.quadrant in ("C", "D")),
        )
        if first.actual_share >= 0
        else say.say("findings.quadrant.plan", planned_share=first.planned_share)
    )
    return Finding(headline=headline, detail=detail, unsaid=unsaid)


QUADRANT_VIEW = View(
    tables=(CLASSES, DEALS), finding=quadrant_finding, charts={"quadrant": "priority.quadrant"}
)


# ---- How account assessment sheets are shown: scores of all accounts, or the nine factors of one -----------

MOST_ACCOUNTS = 15


def _one(result: Any) -> bool:
    return bool(result.account_id)


def _factor(_: Any, row: Any, say: Words) -> str:
    return say.get(f"assessment.factors.{row.factor}")


def _mark(_: Any, row: Any, say: Words) -> str:
    return row.mark.replace("-", "−") or say.get("assessment.unknown")


def _ask(_: Any, row: Any, say: Words) -> str:
    return say.get(f"assessment.asks.{row.factor}")


def _sheet_side(_: Any, row: Any, say: Words) -> str:
    return say.get(f"assessment.sides.{row.side}")


def _person_role(_: Any, row: Any, say: Words) -> str:
    known = say.get(f"roles.names.{row.role}") if row.role else row.role_word
    return known or say.get("language.not_given")


PEOPLE = Table(
    name="sheet_people",
    rows=lambda result: result.people,
    columns=(Column(field="name"), Column(field="role", cell=_person_role)),
    shown=lambda result: bool(result.people),
)
SHEET = Table(
    name="sheet",
    rows=lambda result: result.sheet,
    stub=2,
    columns=(
        Column(field="side", cell=_sheet_side),
        Column(field="factor", cell=_factor),
        Column(field="mark", cell=_mark),
        Column(field="note"),
        Column(field="at"),
        Column(field="factor", head="ask", cell=_ask),
    ),
    shown=_one,
)
SCORES = Table(
    name="scores",
    rows=lambda result: result.rows[:MOST_ACCOUNTS],
    columns=(
        Column(field="name", cell=named),
        Column(field="account_id"),
        Column(field="plus_n"),
        Column(field="minus_n"),
        Column(field="unknown_n"),
        Column(field="score_share"),
        Column(field="before_share"),
        Column(field="open_amount"),
        Column(field="assessed_at"),
    ),
)
ALL = Table(name="scores_all", rows=lambda result: result.rows, columns=(), shown=lambda _: False)
HISTORY = Table(
    name="score_history",
    rows=lambda result: result.history,
    columns=(
        Column(field="at"),
        Column(field="plus_n"),
        Column(field="minus_n"),
        Column(field="unknown_n"),
        Column(field="score_share"),
    ),
    shown=lambda result: _one(result) and len(result.history) > 1,
)


def assessment_finding(result: Assessment, say: Words) -> Finding:
    """Say how the account scores, or how many accounts were assessed, and what is not known."""
    unsaid = say.get("findings.assessment.unsaid")
    if not result.n or all(row.unknown_n == 9 for row in result.rows):
        return Finding(
            headline=say.get("assessment.nothing"), detail=say.get("assessment.sponsor"), unsaid=unsaid
        )
    if _one(result):
        row = result.rows[0]
        headline = say.say(
            "findings.assessment.one", account=row.name or row.account_id, plus_n=row.plus_n,
            minus_n=row.minus_n, unknown_n=row.unknown_n, score_share=row.score_share,
        )  # fmt: skip
        sponsor = next(one.mark for one in result.sheet if one.factor == "sponsorship")
        return Finding(
            headline=headline, detail="" if sponsor == "+" else say.get("assessment.sponsor"), unsaid=unsaid
        )
    poor_n = sum(one.factor == "sponsorship" and one.mark == "-" for one in result.sheet)
    unknown_n = sum(row.unknown_n for row in result.rows)
    first = result.rows[0]
    return Finding(
        headline=say.say(
            "findings.assessment.all",
            n=result.n,
            best=first.name or first.account_id,
            score_share=first.score_share,
        ),
        detail=say.get("language.sentence").join(
            say.say(f"findings.assessment.{key}", poor_n=poor_n, unknown_n=unknown_n)
            for key in (["open", "missing"] if unknown_n else ["open"])
        ),
        unsaid=unsaid,
    )


ASSESSMENT_VIEW = View(tables=(SHEET, PEOPLE, SCORES, ALL, HISTORY), finding=assessment_finding, charts={})
