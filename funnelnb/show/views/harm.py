"""How the harm that faults of the data do is shown: the faults, how far each moves the numbers; what it says."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from funnelnb.show.tables.table import Column, Table
from funnelnb.show.views.registry import Finding, View, unjudged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.analysis.quality.harm import Harm, HarmEffect
    from funnelnb.show.text.words import Words


def _limited(_: Any, rows: Sequence[Any]) -> bool:
    return any(not math.isnan(row.limit_share) for row in rows)


def _limit(_: Any, row: Any, say: Words) -> str:
    text = say.numbers.cell(row.limit_share, "rate")
    return say.say("harm.over", limit=text) if row.broken else text


def _measure(result: Harm, row: HarmEffect, say: Words) -> str:
    return say.say(f"harm.measures.{row.measure}", days=result.horizon_days)


def _value(name: str) -> Any:
    def cell(_: Any, row: HarmEffect, say: Words) -> str:
        return number(row.measure, getattr(row, name), say)

    return cell


def number(measure: str, value: float, say: Words) -> str:
    """Return one of the numbers in its unit."""
    return say.numbers.cell(value, say.unit(measure))


def _mended(_: Any, row: HarmEffect, say: Words) -> str:
    """Return the mended number, or where dates are lacking the two between which it lies."""
    if math.isnan(row.least):
        return number(row.measure, row.mended, say)
    lower, upper = (number(row.measure, one, say) for one in (row.least, row.most))
    return lower if lower == upper else say.say("harm.range", lower=lower, upper=upper)


def _shift(_: Any, row: HarmEffect, say: Words) -> str:
    """Return the shift with its interval, in points for rates; where dates are lacking, how far it can go."""
    if not math.isnan(row.least):
        ends = [_signed(row.measure, one - row.as_is, say) for one in (row.least, row.most)]
        return ends[0] if ends[0] == ends[1] else say.say("harm.range", lower=ends[0], upper=ends[1])
    bounds = (row.shift, row.shift_ci_lower, row.shift_ci_upper)
    if say.unit(row.measure) == "rate":
        return say.numbers.points_interval(*bounds)
    shown = [say.numbers.cell(one, say.unit(row.measure)).replace("-", "−") for one in bounds]
    if math.isnan(row.shift_ci_lower):
        return shown[0]
    return say.say("harm.interval", value=shown[0], lower=shown[1], upper=shown[2])


def _signed(measure: str, value: float, say: Words) -> str:
    if say.unit(measure) == "rate":
        return say.numbers.points(value)
    text = say.numbers.cell(value, say.unit(measure)).replace("-", "−")
    return f"+{text}" if value > 0 else text


ROWS = Table(
    name="harm",
    rows=lambda result: result.rows,
    columns=(
        Column(field="finding", cell=lambda _, row, say: say.get(f"harm.findings.{row.finding}")),
        Column(field="deal_n"),
        Column(field="deal_share"),
        Column(field="limit_share", cell=_limit, keep=_limited),
        Column(field="examples", cell=lambda _, row, __: ", ".join(row.examples)),
        Column(field="remedy", cell=lambda _, row, say: say.get(f"harm.remedies.{row.finding}")),
    ),
    strong=lambda row: row.broken,
)
EFFECTS = Table(
    name="harm_effects",
    rows=lambda result: [one for one in result.effects if one.moves],
    columns=(
        Column(field="finding", cell=lambda _, row, say: say.get(f"harm.findings.{row.finding}")),
        Column(field="measure", cell=_measure),
        Column(field="as_is", cell=_value("as_is")),
        Column(field="mended", cell=_mended),
        Column(field="shift", cell=_shift),
    ),
    stub=2,
    strong=lambda row: row.clear and abs(row.shift) > 0,
    shown=lambda result: any(one.moves for one in result.effects),
)


def _most(result: Harm, measure: str, write: Any, say: Words) -> str:
    """Return the sentence about the fault that clearly moves a number most, empty if none does."""
    told = [one for one in result.effects if one.clear and one.measure == measure]
    if not told:
        return ""
    most = max(told, key=lambda one: abs(one.shift))
    name = say.get(f"harm.findings.{most.finding}")
    return say.say(f"harm.most_{measure}", finding=name, as_is=write(most.as_is), mended=write(most.mended))


def _bounds(result: Harm, say: Words) -> list[str]:
    """Return one sentence per fault of lacking dates: between which values the number lies that they move most."""
    told = []
    for row in result.rows:
        spans = [
            (one, number(one.measure, one.least, say), number(one.measure, one.most, say))
            for one in row.effects
            if one.most > one.least
        ]
        moved = [span for span in spans if span[1] != span[2]]
        if moved:
            first, lower, upper = moved[0]
            told.append(
                say.say(
                    "harm.bounds", finding=say.get(f"harm.findings.{row.finding}"), lower=lower, upper=upper,
                    measure=_measure(result, first, say),
                )
            )  # fmt: skip
    return told


def harm_finding(result: Harm, say: Words) -> Finding:
    """Say how many kinds of faults there are, what they move most, and which limits are broken."""
    unsaid = say.get("harm.unsaid")
    if not result.rows:
        head = say.say("harm.none", n=result.n, looked_n=result.looked_n)
        return Finding(headline=head, detail=_left_out(result, say), unsaid=unsaid)
    head = say.say("harm.headline", found_n=len(result.rows), looked_n=result.looked_n, n=result.n)
    parts = [
        _most(result, "win_rate", say.numbers.percent, say),
        _most(result, "pipeline_amount", lambda value: say.numbers.amount(value, result.currency), say),
    ]
    parts += _bounds(result, say)
    if not any(parts):
        parts.append(say.get("harm.moves_nothing"))
    if result.broken_n:
        names = [say.get(f"harm.findings.{row.finding}") for row in result.rows if row.broken]
        parts.append(say.say("harm.broken", names=say.numbers.join(names)))
    detail = say.get("language.sentence").join(filter(None, (_left_out(result, say), *parts)))
    return Finding(headline=head, detail=detail, unsaid=unsaid)


def _left_out(result: Harm, say: Words) -> str:
    """Say which deals the export seems to lack: of these no fault can be found."""
    why = unjudged(result)
    if why not in ("closed_only", "only_wins", "wins_alone"):
        return ""
    return say.say("harm.left_out", why=say.get(f"unjudged.short.{why}"))


HARM_VIEW = View(tables=(ROWS, EFFECTS), finding=harm_finding, charts={"moves": "harm.moves"})
