"""How ageing and stuck deals are shown, and what they say."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from funnelnb.show.tables.table import CUSTOMER, Column, Table
from funnelnb.show.text.words import stage_name
from funnelnb.show.views.duration import days
from funnelnb.show.views.registry import Finding, View, deal_named, no_open_deals, unjudged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.analysis.time.ageing import Ageing, AgeingCell, AgeingChange
    from funnelnb.analysis.time.stuck import Stuck, StuckDeal
    from funnelnb.show.text.words import Words


# ---- How stuck deals are shown: the list, then how many per stage; and what it says ------------------------

MOST = 20


def _stage(result: Any, row: Any, say: Words) -> str:
    return stage_name(result, row.stage, say)


def _expected(_: Any, row: Any, say: Words) -> str:
    """Return a number that is expected with one decimal: whole numbers would not add up to that of all stages."""
    return f"{row.slow_expected_n:.1f}"


def _usual(_: Any, row: StuckDeal, say: Words) -> str:
    return days(row.usual_days, say)


def _grouped(result: Any, _: Sequence[Any]) -> bool:
    return bool(result.by)


def _any_listed(result: Any, _: Sequence[Any]) -> bool:
    return bool(result.listed_n)


def _none_listed(result: Any, _: Sequence[Any]) -> bool:
    return not result.listed_n


def _seen_less(result: Any, rows: Sequence[Any]) -> bool:
    """Say whether the data see less far ahead of some deal than asked."""
    return any(row.win_days < round(result.within_days) for row in rows)


def top(result: Stuck) -> list[StuckDeal]:
    """Return the deals that stand under the result: the first of those listed, or else the most unusual."""
    listed = [deal for deal in result.deals if deal.listed]
    return listed[:MOST] or list(result.deals[:MOST])


_COLUMNS = (
    Column(field="rank"),
    CUSTOMER,
    Column(field="opportunity_id"),
    Column(field="owner"),
    Column(field="stage", cell=_stage),
    Column(field="group", keep=_grouped),
    Column(field="age_days"),
    Column(field="usual_days", cell=_usual),
    Column(field="tail_rate"),
    Column(field="p_value", keep=_none_listed),
    Column(field="p_adjusted", keep=_any_listed),
    Column(field="listed", keep=_any_listed),
    Column(field="win_rate", lower="win_ci_lower", upper="win_ci_upper"),
    Column(field="win_days", keep=_seen_less),
    Column(field="deal_amount"),
)
DEALS = Table(name="stuck", rows=lambda result: result.deals, columns=_COLUMNS, stub=3, shown=lambda _: False)
TOP = Table(name="stuck_top", rows=top, columns=_COLUMNS, stub=3, shown=lambda result: bool(result.deals))
STAGES = Table(
    name="stuck_stages",
    rows=lambda result: result.stages,
    shown=lambda result: bool(result.stages),
    columns=(
        Column(field="stage", cell=_stage),
        *(Column(field=name) for name in ("open_n", "open_amount")),
        Column(field="slow_n"),
        Column(field="slow_expected_n", cell=_expected),
        Column(field="slow_amount"),
        *(Column(field=name, keep=_any_listed) for name in ("listed_n", "listed_amount")),
        Column(field="last_event_days"),
        Column(field="pause"),
    ),
)


def stuck_finding(result: Stuck, say: Words) -> Finding:
    """Say how many open deals are stuck, with their money; where none is, whom to ask first."""
    unsaid = say.get("findings.stuck.unsaid")
    if not result.n:
        return Finding(headline=no_open_deals(result, say, "stuck.nobody"), detail="", unsaid=unsaid)
    if all(math.isnan(deal.p_value) for deal in result.deals):
        headline = say.say("findings.stuck.unjudged", n=result.n)
        return Finding(headline=headline, detail="", unsaid=unsaid)
    if not result.listed_n:
        return Finding(headline=_none(result, say), detail=_first(result, say), unsaid=unsaid)
    values = _values(result, say) | {"amount": _amount(result, result.listed_amount, say)}
    return Finding(
        headline=say.say("findings.stuck.headline", **values),
        detail=say.get("stuck.never_marked")
        if unjudged(result) == "losses_never_set"
        else say.say("findings.stuck.alarms", **values),
        unsaid=unsaid,
    )


def _values(result: Stuck, say: Words) -> dict[str, Any]:
    rate = say.numbers.level(result.false_alarm_rate)
    return {"n": result.n, "listed_n": result.listed_n, "false_alarm_rate": rate}


def _amount(result: Stuck, amount: float, say: Words) -> str:
    if not amount > 0:
        return ""
    return say.say("findings.stuck.amount", amount=say.numbers.amount(amount, result.currency))


def _none(result: Stuck, say: Words) -> str:
    """Say that none is stuck, and how many are slow."""
    values = _values(result, say)
    if not result.slow_n:
        return say.say("findings.stuck.none", **values)
    values |= {"slow_n": result.slow_n, "amount": _amount(result, result.slow_amount, say)}
    return say.say("findings.stuck.slow", **values)


def _first(result: Stuck, say: Words) -> str:
    """Say which deals to ask about first: the most unusual age, and the largest of the slow deals."""
    first = result.deals[0]
    if first.p_value != first.p_value:
        return ""
    oldest = say.say("findings.stuck.oldest", **_deal(result, first, say))
    slow = [deal for deal in result.deals if deal.slow]
    if not slow:
        return oldest
    parts = [say.say("findings.stuck.expected", slow_expected_n=result.slow_expected_n), oldest]
    priced = [deal for deal in slow if deal.deal_amount > 0]
    largest = max(priced, key=lambda deal: deal.deal_amount, default=first)
    if largest is not first:
        parts.append(say.say("findings.stuck.largest", **_deal(result, largest, say)))
    parts.append(say.get("findings.stuck.ask"))
    return say.get("language.sentence").join(parts)


def _deal(result: Stuck, deal: StuckDeal, say: Words) -> dict[str, Any]:
    return {
        "opportunity": deal_named(deal, say),
        "stage": stage_name(result, deal.stage, say),
        "age_days": deal.age_days,
        "tail_rate": deal.tail_rate,
        "amount": say.numbers.amount(deal.deal_amount, result.currency),
    }


STUCK_VIEW = View(tables=(DEALS, TOP, STAGES), finding=stuck_finding, charts={})


# ---- How ageing is shown: the chance to win by stage and age; and what it says -----------------------------


def band(row: AgeingCell | AgeingChange, say: Words) -> str:
    """Return what a band of ages is called: 30–59, 365+."""
    return _ages(row.from_days, row.below_days, say)


def _ages(start: float, below: float, say: Words) -> str:
    if math.isinf(below):
        return say.say("ageing.open_band", start=f"{start:.0f}")
    return say.say("ageing.band", start=f"{start:.0f}", end=f"{below - 1:.0f}")


def _band(_: Any, row: AgeingCell | AgeingChange, say: Words) -> str:
    return band(row, say)


def where(result: Ageing, row: AgeingCell | AgeingChange, say: Words) -> str:
    """Return the name of the stage, with the group where there are several."""
    stage = stage_name(result, row.stage, say)
    return say.say("ageing.of_group", stage=stage, group=say.group(row.group)) if result.by else stage


def _old_band(_: Any, row: AgeingChange, say: Words) -> str:
    return _ages(row.old_from_days, row.old_below_days, say)


def _chance(name: str) -> Column:
    return Column(field=f"{name}_rate", lower=f"{name}_ci_lower", upper=f"{name}_ci_upper")


CELLS = Table(
    name="ageing",
    rows=lambda result: result.cells,
    stub=3,
    columns=(
        Column(field="group", keep=_grouped),
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
        Column(field="group", keep=_grouped),
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


def ageing_finding(result: Ageing, say: Words) -> Finding:
    """Say in which stage the chance clearly falls, or rises, most with age; or that it does in none."""
    unsaid = say.get("findings.ageing.unsaid")
    if not result.cells:
        undated = _no_age(result) and not unjudged(result)
        key = "findings.ageing.undated" if undated else "words.none_at_all"
        return Finding(headline=say.get(key), detail="", unsaid=unsaid)
    if not result.changes:
        undated = "losses_undated" in {note.code for note in result.notes}
        key = "unseen_undated" if undated else "unseen"
        return Finding(headline=say.get(f"findings.ageing.{key}"), detail="", unsaid=unsaid)
    clear = [row for row in result.changes if row.clear]
    row = max(clear or result.changes, key=lambda one: abs(one.difference))
    cells = {(cell.group, cell.stage, cell.from_days): cell for cell in result.cells}
    young, old = (cells[row.group, row.stage, days_] for days_ in (row.from_days, row.old_from_days))
    values = {
        "stage": where(result, row, say),
        "young": band(young, say),
        "old": band(old, say),
        "young_rate": _won_rate(young, say),
        "old_rate": _won_rate(old, say),
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
    detail = "detail_groups" if result.by else "detail"
    parts = [detail, *(["now"] if old.open_n else [])] if clear else _widest(result, row)
    return Finding(
        headline=say.say(f"findings.ageing.{key if clear else 'level'}", **values),
        detail=say.get("language.sentence").join(
            say.say(f"findings.ageing.{part}", **values) for part in parts
        ),
        unsaid=unsaid,
    )


def _widest(result: Ageing, row: AgeingChange) -> list[str]:
    """Return what to say of the largest difference where none is clear; taken alone it may look so."""
    beyond = row.difference_ci_lower * row.difference_ci_upper > 0
    return ["widest", "widest_alone"] if beyond and len(result.changes) > 1 else ["widest"]


def _no_age(result: Ageing) -> bool:
    return any(note.code == "age_unknown" for note in result.notes)


def _won_rate(cell: AgeingCell, say: Words) -> str:
    return say.numbers.interval(cell.won_90_rate, cell.won_90_ci_lower, cell.won_90_ci_upper)


AGEING_VIEW = View(
    tables=(CELLS, CHANGES), finding=ageing_finding, charts={"ageing": "ageing_heat.ageing_heat"}
)
