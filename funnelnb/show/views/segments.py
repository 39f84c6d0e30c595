"""How compared segments are shown: raw and shrunken rates with a verdict; and what they say, fairly."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from funnelnb.show.finding import Finding, name_some, rate_of
from funnelnb.show.registry import View
from funnelnb.show.table import Column, Table, facts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.analysis.segments import SegmentRow, Segments
    from funnelnb.show.words import Words


def _verdict(_: Any, row: Any, say: Words) -> str:
    return say.get(f"verdicts.{row.verdict}")


def _decided(result: Any, _: Sequence[Any]) -> bool:
    return bool(result.measure == "decided")


def _by_day(result: Any, _: Sequence[Any]) -> bool:
    return bool(result.measure != "decided")


_RAW = Column(field="raw_rate", lower="raw_ci_lower", upper="raw_ci_upper")
SEGMENTS = Table(
    name="segments",
    rows=lambda result: result.rows,
    columns=(
        Column(field="group"),
        Column(field="decided_n", keep=_decided),
        Column(field="decided_n", head="decided_n_by_day", keep=_by_day),
        Column(field="won_n"),
        replace(_RAW, keep=_decided),
        replace(_RAW, head="raw_rate_by_day", keep=_by_day),
        Column(field="shrunken_rate", lower="shrunken_ci_lower", upper="shrunken_ci_upper", always=True),
        Column(field="difference", lower="difference_ci_lower", upper="difference_ci_upper"),
        Column(field="p_adjusted"),
        Column(field="verdict", cell=_verdict),
    ),
)
LIMITS = Table(name="limits", rows=lambda result: result.limits, shown=lambda _: False, columns=())


def finding(result: Segments, say: Words) -> Finding:
    """Say which groups differ by more than chance explains, and how many cannot be told apart."""
    unsaid = say.get("findings.segments.unsaid")
    if not result.n or not result.rows:
        return Finding(headline=say.get("words.none_at_all"), detail="", unsaid=unsaid)
    sides = {name: [row for row in result.rows if row.verdict == name] for name in ("higher", "lower")}
    few_n = sum(row.verdict == "too_few" for row in result.rows)
    similar_n = sum(row.verdict == "not_separable" for row in result.rows)
    key = _key(sides, few_n == len(result.rows))
    named = {name: name_some([_named(row, say) for row in rows], say) for name, rows in sides.items()}
    values = facts(result, say) | named | {"few_n": few_n, "similar_n": similar_n}
    parts = ["detail"] if key != "nothing" else []
    if similar_n and key not in ("none", "nothing"):
        parts.append("similar")
    if few_n and key != "nothing":
        parts.append("few")
    return Finding(
        headline=say.say(f"findings.segments.{key}", **values),
        detail=say.get("language.sentence").join(
            say.say(f"findings.segments.{part}", **values) for part in parts
        ),
        unsaid=unsaid,
    )


def _key(sides: dict[str, list[SegmentRow]], all_few: bool) -> str:
    if all_few:
        return "nothing"
    present = [name for name, rows in sides.items() if rows]
    return "both" if len(present) == 2 else present[0] if present else "none"


def _named(row: SegmentRow, say: Words) -> str:
    return say.say(
        "findings.segments.named",
        group=say.group(row.group),
        rate=rate_of(row, "raw", say),
        decided_n=row.decided_n,
    )


VIEW = View(
    tables=(SEGMENTS, LIMITS),
    finding=finding,
    charts={"forest": "forest", "funnel_plot": "funnel_plot"},
)
