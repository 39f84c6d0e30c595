"""How attained targets, and targets by stage and person, are shown; and what they say."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from funnelnb.show.tables.table import Column, Table
from funnelnb.show.text.words import stage_name
from funnelnb.show.views.registry import Finding, View, name_some

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.analysis.targets.attained import Attained
    from funnelnb.analysis.targets.stage_targets import StageTargets
    from funnelnb.show.text.words import Words

MOST_ROWS = 30


def _costed(_: Any, rows: Sequence[Any]) -> bool:
    return any(not math.isnan(row.cost_amount) for row in rows)


def _grouped(result: Any, _: Sequence[Any]) -> bool:
    return bool(result.by)


def _state(_: Any, row: Any, say: Words) -> str:
    if row.state == "running":
        return say.say("attained.running", elapsed_share=row.elapsed_share)
    return say.get("attained.yes" if row.attained else "attained.no")


_COLUMNS = (
    Column(field="period"),
    Column(field="group", keep=_grouped),
    Column(field="target_amount"),
    Column(field="won_amount"),
    Column(field="attained_share"),
    Column(field="state", cell=_state),
    Column(field="cost_amount", keep=_costed),
    Column(field="cost_share", keep=_costed),
)
GROUPS = Table(
    name="attained_groups",
    rows=lambda result: result.groups,
    strong=lambda row: not row.group,
    columns=(
        Column(field="group"),
        Column(field="period_n"),
        Column(field="attained_n"),
        Column(field="attained_rate", lower="attained_ci_lower", upper="attained_ci_upper", always=True),
        Column(field="target_amount"),
        Column(field="won_amount"),
        Column(field="met_share"),
    ),
)
SHARES = Table(
    name="attained_shares",
    rows=lambda result: result.shares,
    columns=(
        Column(field="what", cell=lambda _, row, say: say.get(f"attained.what.{row.what}")),
        Column(field="counted_n"),
        Column(field="attained_n"),
        Column(field="attained_rate", lower="attained_ci_lower", upper="attained_ci_upper", always=True),
    ),
)
TARGETS = Table(
    name="attained", rows=lambda result: result.rows, stub=2, columns=_COLUMNS, shown=lambda _: False
)
LATEST = Table(name="attained_latest", rows=lambda result: result.rows[:MOST_ROWS], stub=2, columns=_COLUMNS)


def _cost(_: Any, row: Any, say: Words) -> str:
    if row.part != "change":
        return say.numbers.interval(row.cost_share, row.cost_ci_lower, row.cost_ci_upper)
    return say.numbers.points_interval(row.cost_share, row.cost_ci_lower, row.cost_ci_upper).replace(
        say.get("language.points").replace("{x}", ""), say.get("language.percent").replace("{x}", "")
    )


COSTS = Table(
    name="attained_costs",
    rows=lambda result: result.costs,
    shown=lambda result: bool(result.costs),
    columns=(
        Column(field="part", cell=lambda _, row, say: say.get(f"attained.parts.{row.part}")),
        Column(field="period_n"),
        Column(field="cost_amount"),
        Column(field="order_amount"),
        Column(field="cost_share", cell=_cost),
    ),
)


def attained_finding(result: Attained, say: Words) -> Finding:
    """Say what share of past targets was attained, who attained least, and what orders cost."""
    unsaid = say.get("attained.unsaid")
    running = [row for row in result.rows if row.state == "running"]
    if not result.groups:
        return Finding(headline=say.say("attained.none", running_n=len(running)), detail="", unsaid=unsaid)
    whole, *others = result.groups
    headline = say.say(
        "attained.headline",
        attained_n=whole.attained_n,
        period_n=whole.period_n,
        rate=say.numbers.interval(whole.attained_rate, whole.attained_ci_lower, whole.attained_ci_upper),
        met_share=whole.met_share,
    )
    parts = [say.get(f"attained.promise.{result.promise}")]
    parts += [
        say.say(f"attained.of.{row.what}", attained_n=row.attained_n, counted_n=row.counted_n)
        for row in result.shares
        if row.what != "targets"
    ]
    never = [say.group(row.group) for row in others if not row.attained_n]
    if never:
        parts.append(say.say("attained.never", names=name_some(never, say)))
    if result.costs:
        cost = result.costs[0]
        parts.append(
            say.say(
                "attained.cost",
                rate=say.numbers.interval(cost.cost_share, cost.cost_ci_lower, cost.cost_ci_upper),
            )
        )
    if result.saving != "unknown":
        parts.append(say.get(f"attained.saving.{result.saving}"))
    return Finding(headline=headline, detail=say.get("language.sentence").join(parts), unsaid=unsaid)


ATTAINED_VIEW = View(tables=(GROUPS, SHARES, COSTS, LATEST, TARGETS), finding=attained_finding, charts={})


# ---- Targets by stage and person ----------------------------------------------------------------------------

STAGES = Table(
    name="stage_targets_stages",
    rows=lambda result: result.stages,
    columns=(
        Column(field="stage", cell=lambda result, row, say: stage_name(result, row.stage, say)),
        Column(field="actual_rate", lower="actual_ci_lower", upper="actual_ci_upper"),
        Column(field="target_rate"),
        Column(field="needed_n", cell=lambda _, row, say: say.numbers.count(math.ceil(row.needed_n - 1e-9))
               if not math.isnan(row.needed_n) else say.get("language.none")),
        Column(field="needed_amount"),
        Column(field="open_n"),
    ),
)  # fmt: skip
PEOPLE = Table(
    name="stage_targets",
    rows=lambda result: result.rows,
    columns=(
        Column(field="group"),
        Column(field="experience_days"),
        Column(field="closed_n"),
        Column(field="ability_rate", lower="ability_ci_lower", upper="ability_ci_upper", always=True),
        Column(field="territory_amount"),
        Column(field="new_amount"),
        Column(field="target_share"),
        Column(field="target_amount"),
        Column(field="equal_amount"),
    ),
)


def stage_targets_finding(result: StageTargets, say: Words) -> Finding:
    """Say how many deals the first stage needs, which steps must improve, and how unequal fair shares are."""
    first = result.stages[0]
    better = [
        stage_name(result, row.stage, say)
        for row in result.stages
        if row.target_rate > row.actual_rate + 1e-9
    ]
    needed = math.ceil(first.needed_n - 1e-9) if not math.isnan(first.needed_n) else math.nan
    headline = say.say(
        "stage_targets.headline",
        amount=say.numbers.amount(result.target_amount, result.currency),
        wins=say.numbers.count(math.ceil(result.wins_n - 1e-9)),
        needed=say.numbers.count(needed),
        stage=stage_name(result, first.stage, say),
    )
    parts = [say.say("stage_targets.better", names=name_some(better, say))] if better else []
    if result.rows:
        sharing = [row for row in result.rows if row.target_share > 0] or list(result.rows)
        most, least = sharing[0], sharing[-1]
        without = [say.group(row.group) for row in result.rows[len(sharing) :]]
        parts.append(
            say.say(
                "stage_targets.people",
                most=say.group(most.group),
                most_share=most.target_share,
                least=say.group(least.group),
                least_share=least.target_share,
            )
        )
        parts += [say.say("findings.shares.without", without=name_some(without, say))] if without else []
    return Finding(
        headline=headline,
        detail=say.get("language.sentence").join(parts),
        unsaid=say.get("stage_targets.unsaid"),
    )


STAGE_TARGETS_VIEW = View(tables=(PEOPLE, STAGES), finding=stage_targets_finding, charts={})
