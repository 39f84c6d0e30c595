"""How a reverse funnel is shown: one row per stage with what is needed there, and by when; and what it says."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.show.finding import Finding
from funnelnb.show.names import stage_name
from funnelnb.show.registry import View
from funnelnb.show.table import Column, Table, facts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.analysis.reverse import ReverseFunnel
    from funnelnb.show.words import Words


def _stage(result: Any, row: Any, say: Words) -> str:
    return stage_name(result, row.stage, say)


def needed(value: int, say: Words) -> str:
    """Write a number needed; -1 says that no number is enough."""
    return say.get("targets.none_enough") if value < 0 else say.numbers.count(value)


def _unknown(row: Any) -> bool:
    return math.isnan(row.win_rate)


def _needed(_: Any, row: Any, say: Words) -> str:
    return say.get("language.none") if _unknown(row) else needed(row.needed_n, say)


def _plug_in(_: Any, row: Any, say: Words) -> str:
    return say.get("language.none") if _unknown(row) else needed(row.plug_in_n, say)


def _in_by(_: Any, row: Any, say: Words) -> str:
    return say.get("targets.too_late") if row.too_late else say.numbers.date(row.in_by)


def _dated(result: Any, _: Sequence[Any]) -> bool:
    return not bool(np.isnat(result.until))


def _measured(result: Any, _: Sequence[Any]) -> bool:
    return bool(result.measured)


def _given(result: Any, _: Sequence[Any]) -> bool:
    return not result.measured


ROWS = Table(
    name="reverse",
    rows=lambda result: result.rows,
    columns=(
        Column(field="stage", cell=_stage),
        Column(field="win_rate", lower="win_ci_lower", upper="win_ci_upper", keep=_measured),
        Column(field="win_rate", keep=_given),
        Column(field="needed_n", cell=_needed),
        Column(field="plug_in_n", cell=_plug_in),
        Column(field="plug_in_rate"),
        Column(field="open_n", keep=_measured),
        Column(field="median_days", keep=_measured),
        Column(field="lead_days", keep=_measured),
        Column(field="in_by", cell=_in_by, keep=_dated),
    ),
)


def finding(result: ReverseFunnel, say: Words) -> Finding:
    """Say how many leads the wins need, how short the plain division falls, and what is too late."""
    known = [row for row in result.rows if not _unknown(row)]
    if not known:
        unsaid = say.get("findings.reverse.unsaid")
        return Finding(headline=say.get("findings.reverse.unknown"), detail="", unsaid=unsaid)
    first = known[0]
    values = facts(result, say) | {
        "stage": stage_name(result, first.stage, say),
        "needed": needed(first.needed_n, say),
        "plug_in": needed(first.plug_in_n, say),
        "plug_in_rate": first.plug_in_rate,
        "in_by": first.in_by,
        "until": result.until,
    }
    key = "none" if first.needed_n < 0 else "headline"
    late = [stage_name(result, row.stage, say) for row in result.rows if row.too_late]
    if late:
        key = "late" if key == "headline" else key
    parts = ["plug_in"] if first.plug_in_n > 0 else []
    if _dated(result, ()):
        parts.append("too_late" if late else "dated")
    values |= {"stages": say.numbers.join(late), "late_n": len(late)}
    return Finding(
        headline=say.say(f"findings.reverse.{key}", **values),
        detail=say.get("language.sentence").join(
            say.say(f"findings.reverse.{part}", **values) for part in parts
        ),
        unsaid=say.get("findings.reverse.unsaid"),
    )


VIEW = View(tables=(ROWS,), finding=finding, charts={"reverse": "reverse"})
