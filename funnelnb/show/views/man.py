"""How the MAN rule is shown: the nine classes with their advice, and which condition is missing most."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from funnelnb.show.finding import Finding, rate_of
from funnelnb.show.registry import View
from funnelnb.show.table import Column, Table

if TYPE_CHECKING:
    from funnelnb.analysis.man import Man
    from funnelnb.show.words import Words


def _class(_: Any, row: Any, say: Words) -> str:
    return say.get("man.unknown") if row.man == "unknown" else str(row.man)


def _verdict(_: Any, row: Any, say: Words) -> str:
    return say.get(f"man.verdicts.{row.verdict}")


def _condition(_: Any, row: Any, say: Words) -> str:
    return say.get(f"man.conditions.{row.condition}")


CLASSES = Table(
    name="man",
    rows=lambda result: result.rows,
    columns=(
        Column(field="man", cell=_class),
        Column(field="verdict", cell=_verdict),
        Column(field="customer_n"),
        Column(field="customer_share"),
        Column(field="deal_n", head="open_deal_n"),
        Column(field="open_amount"),
    ),
    stub=2,
)
CONDITIONS = Table(
    name="man_conditions",
    rows=lambda result: result.conditions,
    columns=(
        Column(field="condition", cell=_condition),
        Column(field="met_n"),
        Column(field="missing_n"),
        Column(field="unknown_n"),
        Column(field="missing_rate", lower="missing_ci_lower", upper="missing_ci_upper"),
        Column(field="missing_amount"),
    ),
)


def finding(result: Man, say: Words) -> Finding:
    """Say how many customers are ideal prospects, and what the others lack most."""
    unsaid = say.get("findings.man.unsaid")
    if not result.n:
        return Finding(headline=say.get("man.nobody"), detail="", unsaid=unsaid)
    by_class = {row.man: row for row in result.rows}
    ideal, unknown, first = by_class["MAN"], by_class["unknown"], result.conditions[0]
    headline = say.say(
        "findings.man.headline",
        customers_n=result.n,
        ideal_n=ideal.customer_n,
        ideal_share=ideal.customer_share,
        amount=say.numbers.amount(ideal.open_amount, result.currency),
        stop_n=by_class["man"].customer_n,
    )
    detail = [
        say.say(
            f"findings.man.{'most' if result.clear else 'about_alike'}",
            condition=say.get(f"man.conditions.{first.condition}"),
            rate=rate_of(first, "missing", say),
        )
        if first.enough
        else say.get("findings.man.few")
    ]
    if unknown.customer_n:
        detail.append(say.say("findings.man.unknown", unknown_n=unknown.customer_n))
    return Finding(headline=headline, detail=say.get("language.sentence").join(detail), unsaid=unsaid)


VIEW = View(tables=(CLASSES, CONDITIONS), finding=finding, charts={})
