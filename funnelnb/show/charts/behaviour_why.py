"""Drivers and paths of a behaviour funnel, drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt

from funnelnb.show.charts import theme
from funnelnb.show.charts.behaviour import (
    STEP,
    beside_or_under,
    forest,
    labels_of,
    name_of,
    ranked,
    row_height,
)
from funnelnb.show.charts.parts import Draft, sized
from funnelnb.show.views.behaviour import told
from funnelnb.show.views.behaviour_why import setting_name, way

if TYPE_CHECKING:
    from funnelnb.analysis.behaviour.why import Drivers, Paths
    from funnelnb.show.charts.parts import Row


def drivers_data(result: Drivers) -> list[Row]:
    """Return the clear differences, or where there are none the first of the rest."""
    rows = result.rows[:20] or result.others[:8]
    return [
        {
            "kind": row.kind,
            "name": row.name,
            "setting": row.setting,
            "rate": row.difference,
            "lower": row.difference_ci_lower,
            "upper": row.difference_ci_upper,
            "p_adjusted": row.p_adjusted,
        }
        for row in rows
    ]


def drivers_draw(result: Drivers, lang: str) -> Any:
    """Draw differences with their intervals."""
    draft = Draft(result, lang)
    say = draft.say
    rows = [*(result.rows[:20] or result.others[:8])]
    key = "drivers_title" if result.rows else "drivers_none"
    title = say.say(f"charts.behaviour.{key}", found_n=len(result.rows))
    if not rows:
        return draft.nothing(title)
    drawn = []
    for rank, (row, data) in enumerate(zip(rows, drivers_data(result), strict=True)):
        setting = setting_name(row, say)
        whole = row.kind in ("before", "after")
        name = row.name if whole else theme.fit(f"{row.name} = {setting}", setting)
        clear = row in result.rows
        drawn.append(
            data
            | {
                "rank": rank,
                "label": name_of(name),
                "colour": theme.QUIET if not clear else theme.MOVED if row.difference > 0 else theme.LOST,
                "text": say.numbers.points_interval(
                    row.difference, row.difference_ci_lower, row.difference_ci_upper
                ),
            }
        )
    axis = alt.Axis(
        title=say.get("charts.behaviour.drivers_x"),
        labelExpr="round(datum.value * 100)",
        tickCount=theme.fit(6, 4),
    )
    return draft.finish(forest(draft, drawn, "", axis=axis), title)


def paths_data(result: Paths) -> list[Row]:
    """Return the most frequent ways with their numbers."""
    return [
        {
            "path": row.path,
            "n": row.n,
            "share": row.path_share,
            "lower": row.path_share_ci_lower,
            "upper": row.path_share_ci_upper,
        }
        for row in result.rows
    ]


def paths_draw(result: Paths, lang: str) -> Any:
    """Draw the most frequent ways as bars."""
    draft = Draft(result, lang)
    say = draft.say
    if not result.n:
        return draft.nothing(say.get("behaviour.none"))
    rows = [
        {
            "rank": rank,
            "n": row.n,
            "zero": 0,
            "label": theme.shorten(way(result, row, say), theme.fit(330, 140), theme.LABEL_SIZE),
            "text": "  ·  ".join(
                [
                    say.numbers.count(row.n),
                    say.numbers.interval(row.path_share, row.path_share_ci_lower, row.path_share_ci_upper),
                ]
            ),
        }
        for rank, row in enumerate(result.rows)
    ]
    base = draft.layer(rows, "ways")
    scale = alt.Scale(domain=[0, max(row.n for row in result.rows) * 1.02], nice=False)
    bars = base.mark_bar(height=STEP * 0.5, color=theme.MOVED).encode(
        x=alt.X("zero:Q", scale=scale, axis=None), x2="n:Q", y=ranked()
    )
    texts = beside_or_under(base, alt.X("n:Q", scale=scale, axis=None), 6).encode(text="text:N")
    layers = alt.layer(bars, texts, labels_of(draft, rows, "names"))
    chart = sized(layers, width=theme.fit(300, 120), height=row_height() * len(rows) * 0.8)
    key = "paths_title" if result.side == "after" else "paths_title_before"
    return draft.finish(chart, say.say(f"charts.behaviour.{key}", **told(result, say)))
