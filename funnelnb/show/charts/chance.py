"""Chance: how likely the target is with how many deals of history's sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt

from funnelnb.show import theme
from funnelnb.show.charts.parts import Draft, share_axis, sized
from funnelnb.show.finding import finding_of

if TYPE_CHECKING:
    from funnelnb.analysis.mix import DealMix
    from funnelnb.show.charts.parts import Row

WIDTH, HEIGHT = 720, 280


def data(result: DealMix) -> list[Row]:
    """Return one row per number of deals: the chance, and whether it is the required or the average number."""
    marks = {result.required_n: "required", result.average_n: "average"}
    return [
        {"deal_n": int(n), "chance": float(rate), "mark": marks.get(int(n), "")}
        for n, rate in zip(result.curve.deal_n, result.curve.chance_rate, strict=True)
    ]


def draw(result: DealMix, lang: str) -> Any:
    """Draw the curve."""
    draft = Draft(result, lang)
    say, found, rows = draft.say, finding_of(result, lang), data(result)
    x = alt.X(
        "deal_n:Q",
        axis=alt.Axis(title=say.get("charts.chance.x"), grid=False, tickMinStep=1),
        scale=alt.Scale(nice=False),
    )
    y = alt.Y(
        "chance:Q", scale=alt.Scale(domain=[0, 1]), axis=share_axis(say, title=say.get("charts.chance.y"))
    )
    base = draft.layer(rows, "deals")
    marked = [
        row
        | {"label": say.say(f"charts.chance.{row['mark']}", deal_n=row["deal_n"], chance_rate=row["chance"])}
        for row in rows
        if row["mark"]
    ]
    points = draft.layer(marked, "marks")
    layers = [
        base.mark_line(color=theme.MOVED, strokeWidth=2).encode(x=x, y=y),
        points.mark_rule(color=theme.QUIET, strokeDash=[4, 3]).encode(x=x, y=y, y2=alt.datum(0)),
        points.mark_point(filled=True, size=90, color=theme.MOVED, opacity=1).encode(x=x, y=y),
        points.mark_text(align="left", dx=9, dy=10, fontWeight="bold").encode(x=x, y=y, text="label:N"),
    ]
    return draft.finish(sized(alt.layer(*layers), width=WIDTH, height=HEIGHT), found.headline, found.detail)
