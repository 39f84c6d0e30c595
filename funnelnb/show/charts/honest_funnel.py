"""Honest against claimed: for each stage the money that stands there or beyond, by the CRM and by the evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt

from funnelnb.show import theme
from funnelnb.show.charts.parts import Draft
from funnelnb.show.names import stage_name

if TYPE_CHECKING:
    from funnelnb.analysis.gates import HonestFunnel
    from funnelnb.show.charts.parts import Row
    from funnelnb.show.words import Words

WIDTH, ROW = 560, 62
KINDS = {"claimed": theme.OPEN, "supported": theme.MOVED}


def data(result: HonestFunnel) -> list[Row]:
    """Return two rows per stage: what is claimed and what is supported, at this stage or beyond."""
    return [
        {
            "stage": row.stage,
            "kind": kind,
            "beyond_amount": getattr(row, f"{kind}_beyond_amount"),
            "stands_n": getattr(row, f"{kind}_n"),
        }
        for row in result.rows
        for kind in KINDS
    ]


def draw(result: HonestFunnel, lang: str) -> Any:
    """Draw the two funnels, bar beside bar."""
    draft = Draft(result, lang)
    say, rows = draft.say, data(result)
    if not result.n or not result.checked_n:
        return draft.nothing(say.get("gates.nothing" if not result.n else "gates.unchecked"))
    kinds = {kind: say.get(f"charts.honest_funnel.{kind}") for kind in KINDS}
    shown = [_drawn(draft, row) | {"kind_words": kinds[row["kind"]]} for row in rows]
    stages = list(dict.fromkeys(row["stage_words"] for row in shown))
    most = max(row["beyond_amount"] for row in shown) or 1.0
    base = draft.layer(shown, "bars").encode(
        x=alt.X("beyond_amount:Q", scale=alt.Scale(domain=[0, most * 1.3], nice=False), axis=None),
        y=alt.Y(
            "stage_words:N",
            sort=stages,
            scale=alt.Scale(paddingInner=0.35),
            axis=alt.Axis(title=None, domain=False, ticks=False, labelColor=theme.INK, labelLimit=200),
        ),
        yOffset=alt.YOffset("kind_words:N", sort=list(kinds.values())),
    )
    colour = alt.Color(
        "kind_words:N",
        scale=alt.Scale(domain=list(kinds.values()), range=list(KINDS.values())),
        legend=alt.Legend(title=None, orient="top", direction="horizontal", offset=4),
    )
    bars = base.mark_bar().encode(color=colour, tooltip=_tips(say))
    words = base.mark_text(align="left", dx=5, fontSize=theme.SMALL_SIZE).encode(
        text="label:N", color=alt.Color("ink:N", scale=None, legend=None)
    )
    chart = alt.layer(bars, words).resolve_scale(color="independent")
    chart = chart.properties(width=WIDTH, height=ROW * len(stages))
    return draft.finish(chart, _title(draft), say.get("charts.honest_funnel.x"))


def _drawn(draft: Draft, row: Row) -> Row:
    """Return a row with its words; what is supported says by how much it is less than what is claimed."""
    result, say = draft.result, draft.say
    between = {one.stage: one.between_amount for one in result.rows}
    gap = between[row["stage"]] if row["kind"] == "supported" else 0.0
    label = say.numbers.amount(row["beyond_amount"], result.currency)
    if gap > 0:
        less = say.numbers.amount(gap, result.currency)
        label = say.say("charts.honest_funnel.less", amount=label, gap=less)
    return row | {
        "stage_words": stage_name(result, row["stage"], say),
        "label": label,
        "ink": theme.LOST_INK if gap > 0 else theme.QUIET,
    }


def _tips(say: Words) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("stage_words:N", title=say.field("stage", "GateRow").label),
        alt.Tooltip("kind_words:N", title=" "),
        alt.Tooltip("beyond_amount:Q", format=",.0f", title=say.get("charts.honest_funnel.x")),
        alt.Tooltip("stands_n:Q", title=say.get("charts.honest_funnel.stands")),
    ]


def _title(draft: Draft) -> str:
    result, say = draft.result, draft.say
    return say.say(
        f"charts.honest_funnel.{'title' if result.overclaimed_n else 'title_none'}",
        over_n=result.overclaimed_n,
        amount=say.numbers.amount(result.overclaimed_amount, result.currency),
    )
