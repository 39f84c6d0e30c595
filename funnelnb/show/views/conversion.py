"""How a conversion is shown: steps by count and by money, loss points, curves; and what it says."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from funnelnb.show.finding import Finding, rate_of
from funnelnb.show.names import groups_of, stage_name
from funnelnb.show.registry import View
from funnelnb.show.table import Column, Table, facts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.analysis.conversion import Conversion, LossPoint, StepRow
    from funnelnb.show.words import Words


def step_rows(result: Conversion) -> list[StepRow]:
    """Return for each group its steps up to won, its end-to-end row, then what came after the sale."""
    rows: list[StepRow] = []
    for group in groups_of(result.overall):
        mine = [row for row in result.steps if row.group == group]
        rows += [row for row in mine if not row.after_sale]
        rows += [row for row in result.overall if row.group == group]
        rows += [row for row in mine if row.after_sale]
    return rows


def _stage(result: Any, row: Any, say: Words) -> str:
    if getattr(row, "overall", False):
        return say.get("tables.steps.overall")
    return stage_name(result, row.stage, say)


def _grouped(result: Any, _: Sequence[Any]) -> bool:
    return bool(result.by)


def _any_left(_: Any, rows: Sequence[Any]) -> bool:
    return any(row.left_n for row in rows)


def _any_amount(result: Conversion) -> bool:
    return any(row.amount_n for row in result.overall)


def _any_by_day_amount(_: Any, rows: Sequence[Any]) -> bool:
    return not all(math.isnan(row.by_day_amount_rate) for row in rows)


_GROUP = Column(field="group", keep=_grouped)
_STAGE = Column(field="stage", cell=_stage)


def _rate(stem: str) -> Column:
    return Column(field=f"{stem}_rate", lower=f"{stem}_ci_lower", upper=f"{stem}_ci_upper")


def _overall(row: Any) -> bool:
    return bool(row.overall)


STEPS = Table(
    name="steps",
    rows=step_rows,
    stub=2,
    strong=_overall,
    columns=(
        _GROUP,
        _STAGE,
        *(Column(field=name) for name in ("reached_n", "advanced_n", "here_n", "lost_n")),
        Column(field="left_n", keep=_any_left),
        *(_rate(stem) for stem in ("by_day", "so_far", "decided")),
    ),
)
AMOUNTS = Table(
    name="amounts",
    rows=step_rows,
    stub=2,
    shown=_any_amount,
    strong=_overall,
    columns=(
        _GROUP,
        _STAGE,
        *(Column(field=f"{name}_amount") for name in ("reached", "advanced", "here", "lost")),
        replace(_rate("by_day_amount"), keep=_any_by_day_amount),
        *(_rate(stem) for stem in ("so_far_amount", "decided_amount")),
        Column(field="amount_n"),
    ),
)
LOSS_POINTS = Table(
    name="loss_points",
    rows=lambda result: result.loss_points,
    stub=2,
    shown=lambda result: bool(result.by) and bool(result.loss_points),
    columns=(
        _GROUP,
        _STAGE,
        Column(field="lost_n"),
        Column(field="lost_share", lower="lost_share_ci_lower", upper="lost_share_ci_upper"),
        Column(field="lost_amount"),
        Column(field="clear"),
    ),
)
CURVES = Table(
    name="curves",
    rows=lambda result: result.curves,
    shown=lambda _: False,
    columns=(),
)


def finding(result: Conversion, say: Words) -> Finding:
    """Say how deals convert from end to end, and where most are lost."""
    if not result.n or not result.overall:
        return Finding(
            headline=say.get("words.none_at_all"), detail="", unsaid=say.get("findings.conversion.unsaid")
        )
    if result.by:
        return _grouped_finding(result, say)
    row = result.overall[0]
    return Finding(
        headline=_headline(result, row, say),
        detail=_loss(result, say) if row.enough else "",
        unsaid=say.get("findings.conversion.unsaid"),
    )


def _headline(result: Conversion, row: StepRow, say: Words) -> str:
    key = "by_day" if not math.isnan(row.by_day_rate) else "so_far"
    if not row.enough:
        key = "too_few"
    values = facts(result, say) | {
        "rate": rate_of(row, "by_day" if key == "by_day" else "so_far", say),
        "stage": stage_name(result, row.stage, say),
        "lost_rate": row.by_day_lost_rate,
        "open_rate": row.by_day_open_rate,
        "by_day_n": row.by_day_n,
        "reached_n": row.reached_n,
        "advanced_n": row.advanced_n,
    }
    return say.say(f"findings.conversion.{key}", **values)


def _loss(result: Conversion, say: Words) -> str:
    if not result.loss_points:
        return say.get("findings.conversion.no_loss")
    point = result.loss_points[0]
    key = "loss_clear" if point.clear else "loss_unclear"
    return say.say(
        f"findings.conversion.{key}",
        stage=stage_name(result, point.stage, say),
        lost_n=point.lost_n,
        share=rate_of_share(point, say),
        worth=_worth(point, result.currency, say),
    )


def rate_of_share(point: LossPoint, say: Words) -> str:
    """Return a loss point's share of the lost deals with its interval."""
    return say.numbers.interval(point.lost_share, point.lost_share_ci_lower, point.lost_share_ci_upper)


def _worth(point: LossPoint, currency: str, say: Words) -> str:
    if not point.lost_amount > 0:
        return ""
    return say.say("findings.conversion.worth", amount=say.numbers.amount(point.lost_amount, currency))


def _grouped_finding(result: Conversion, say: Words) -> Finding:
    known = [row for row in result.overall if row.enough and not math.isnan(row.by_day_rate)]
    few_n = sum(not row.enough for row in result.overall)
    values = facts(result, say) | {"groups_n": len(result.overall), "few_n": few_n, "known_n": len(known)}
    key = "groups_too_few"
    if known:
        low = min(known, key=lambda row: row.by_day_rate)
        high = max(known, key=lambda row: row.by_day_rate)
        values |= _end("low", low, say) | _end("high", high, say)
        apart = low.by_day_ci_upper < high.by_day_ci_lower
        key = "groups_one" if len(known) == 1 else "groups_apart" if apart else "groups_alike"
    detail = "" if len(known) < 2 else "groups_few" if few_n else "groups_detail"
    return Finding(
        headline=say.say(f"findings.conversion.{key}", **values),
        detail=say.say(f"findings.conversion.{detail}", **values) if detail else "",
        unsaid=say.get("findings.conversion.unsaid_groups"),
    )


def _end(name: str, row: StepRow, say: Words) -> dict[str, Any]:
    return {
        name: say.numbers.percent(row.by_day_rate),
        f"{name}_group": say.group(row.group),
        f"{name}_rate": rate_of(row, "by_day", say),
        f"{name}_n": row.by_day_n,
    }


VIEW = View(
    tables=(STEPS, AMOUNTS, LOSS_POINTS, CURVES),
    finding=finding,
    charts={"funnel": "funnel", "outcome": "outcome", "rates": "rates"},
)
