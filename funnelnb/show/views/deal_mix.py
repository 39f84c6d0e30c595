"""How mixes of deal sizes are shown: the bands, the plan, mixes by effort; and what they say."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from funnelnb.show.finding import Finding
from funnelnb.show.registry import View
from funnelnb.show.table import Column, Table, facts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.analysis.mix import BandRow, DealMix
    from funnelnb.show.words import Words


def band_name(row: BandRow, say: Words) -> str:
    """Return what a band is called: the attribute's value, or its bounds."""
    if row.band or math.isnan(row.lower_amount):
        return row.band or say.get("language.not_given")
    low, high = say.numbers.amount(row.lower_amount), say.numbers.amount(row.upper_amount)
    if math.isinf(row.upper_amount):
        return say.say("targets.band_above", low=low)
    return say.say(
        "targets.band_below" if row.lower_amount == 0 else "targets.band_between", low=low, high=high
    )


def _band(_: Any, row: Any, say: Words) -> str:
    return band_name(row, say)


def _known(_: Any, row: Any, say: Words) -> str:
    return say.get("targets.measured" if row.measured else "targets.assumed")


def _count(field: str) -> Any:
    def cell(_: Any, row: Any, say: Words) -> str:
        value = getattr(row, field)
        return say.get("language.none") if value < 0 else say.numbers.count(value)

    return cell


def _planned(result: Any, _: Sequence[Any]) -> bool:
    return result.plan is not None


def _cheapest(result: Any, _: Sequence[Any]) -> bool:
    return result.cheapest is not None


BANDS = Table(
    name="mix_bands",
    rows=lambda result: result.bands,
    columns=(
        Column(field="band", cell=_band),
        Column(field="history_n"),
        Column(field="history_share", lower="history_ci_lower", upper="history_ci_upper"),
        Column(field="mean_amount"),
        Column(field="measured", cell=_known),
        Column(field="effort"),
        Column(field="plan_n", cell=_count("plan_n"), keep=_planned),
        Column(field="needed_mean_amount", keep=_planned),
        Column(field="cheapest_n", cell=_count("cheapest_n"), keep=_cheapest),
    ),
)
MIXES = Table(
    name="mixes",
    rows=lambda result: result.mixes,
    stub=2,
    columns=(
        Column(field="rank"),
        Column(field="mix"),
        *(Column(field=name) for name in ("deal_n", "effort", "expected_amount", "chance_rate")),
    ),
)
FRONTIER = Table(
    name="frontier", rows=lambda result: result.frontier, shown=lambda _: False, columns=MIXES.columns
)
CURVE = Table(name="chance_by_n", rows=lambda result: (result.curve,), shown=lambda _: False, columns=())
TOTALS = Table(name="totals", rows=lambda result: result.totals, shown=lambda _: False, columns=())


def finding(result: DealMix, say: Words) -> Finding:
    """Say how many deals the target needs, what the plan is worth, and which mix is the cheapest that is sure."""
    money = say.numbers.amount(result.target_amount, result.currency)
    values = facts(result, say) | {"amount": money}
    parts = []
    if result.plan is not None:
        values |= {"plan": result.plan.mix, "plan_rate": result.plan.chance_rate}
        values |= {"plan_amount": say.numbers.amount(result.plan.expected_amount, result.currency)}
        parts.append("plan" if result.plan_factor > 1 else "plan_enough")
    if result.cheapest is not None:
        unit = say.find(f"targets.units.{result.effort_unit}") or result.effort_unit
        values |= {
            "mix": result.cheapest.mix,
            "mix_rate": result.cheapest.chance_rate,
            "effort": f"{result.cheapest.effort:,.0f}",
            "unit": unit or say.get("targets.units.effort"),
        }
        parts.append("cheapest")
    return Finding(
        headline=say.say("findings.mix.headline", **values),
        detail=say.get("language.sentence").join(say.say(f"findings.mix.{part}", **values) for part in parts),
        unsaid=say.get("findings.mix.unsaid"),
    )


VIEW = View(
    tables=(BANDS, MIXES, FRONTIER, CURVE, TOTALS),
    finding=finding,
    charts={"total": "total", "frontier": "frontier", "chance": "chance"},
)
