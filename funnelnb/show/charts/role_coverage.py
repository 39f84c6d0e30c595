"""Role coverage: buyer roles down, stages across; the darker a cell, the more of its deals have met the role."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt

from funnelnb.show import theme
from funnelnb.show.charts.parts import Draft
from funnelnb.show.names import stage_name
from funnelnb.show.views.roles import role_name

if TYPE_CHECKING:
    from funnelnb.analysis.roles import Roles
    from funnelnb.show.charts.parts import Row

WIDTH, ROW = 560, 34


def data(result: Roles) -> list[Row]:
    """Return one row per role and stage in which it is due."""
    return [
        {
            "role": row.role,
            "stage": row.stage,
            "met_rate": row.met_rate,
            "met_n": row.met_n,
            "deal_n": row.deal_n,
        }
        for row in result.cells
        if row.due and row.deal_n
    ]


def draw(result: Roles, lang: str) -> Any:
    """Draw the heat map of coverage."""
    draft = Draft(result, lang)
    say, rows = draft.say, data(result)
    if not rows:
        return draft.nothing(say.get("roles.nothing"))
    roles = list(dict.fromkeys(row["role"] for row in rows))
    stages = [stage for stage in result.stage_ids if any(row["stage"] == stage for row in rows)]
    names = {role: role_name(role, say) for role in roles}
    room = WIDTH / len(stages) - 8
    stage_names = {
        stage: "\n".join(theme.wrap(stage_name(result, stage, say), room, theme.LABEL_SIZE))
        for stage in stages
    }
    lines = max(name.count("\n") for name in stage_names.values())
    shown = [
        row
        | {
            "role_words": names[row["role"]],
            "stage_words": stage_names[row["stage"]],
            "label": say.say("charts.role_coverage.cell", met_n=row["met_n"], deal_n=row["deal_n"]),
            "ink": theme.PAPER if row["met_rate"] > 0.5 else theme.INK,
        }
        for row in rows
    ]
    base = draft.layer(shown, "cells").encode(
        x=alt.X(
            "stage_words:N",
            sort=list(stage_names.values()),
            axis=alt.Axis(
                title=None,
                orient="top",
                labelAngle=0,
                labelPadding=4 + 15 * lines,
                labelLimit=160,
                labelExpr="split(datum.label, '\\n')",
                domain=False,
                ticks=False,
            ),
        ),
        y=alt.Y(
            "role_words:N",
            sort=list(names.values()),
            axis=alt.Axis(title=None, domain=False, ticks=False, labelColor=theme.INK),
        ),
    )
    colour = alt.Color(
        "met_rate:Q",
        scale=alt.Scale(domain=[0, 1], range=list(theme.SEQUENCE)),
        legend=alt.Legend(
            title=say.get("charts.role_coverage.legend"),
            format=".0%",
            orient="right",
            tickCount=5,
            gradientLength=140,
        ),
    )
    cells = base.mark_rect(stroke=theme.PAPER, strokeWidth=2).encode(
        color=colour,
        tooltip=[
            alt.Tooltip("role_words:N", title=say.field("role", "RoleRow").label),
            alt.Tooltip("stage_words:N", title=say.field("stage", "RoleRow").label),
            alt.Tooltip("met_rate:Q", format=".0%", title=say.field("met_rate", "RoleRow").label),
        ],
    )
    words = base.mark_text(fontSize=theme.SMALL_SIZE).encode(
        text="label:N", color=alt.Color("ink:N", scale=None, legend=None)
    )
    chart = alt.layer(cells, words).resolve_scale(color="independent")
    title = say.say("charts.role_coverage.title", mean_coverage_share=result.mean_coverage_share)
    return draft.finish(
        chart.properties(width=WIDTH, height=ROW * len(roles)), title, say.get("charts.role_coverage.under")
    )
