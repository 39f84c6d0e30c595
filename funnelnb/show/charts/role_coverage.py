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
    from funnelnb.show.words import Words

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
    names = {role: role_name(role, say) for role in dict.fromkeys(row["role"] for row in rows)}
    stage_names = _stage_names(draft, [row["stage"] for row in rows])
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
        x=_across(list(stage_names.values())),
        y=alt.Y(
            "role_words:N",
            sort=list(names.values()),
            axis=alt.Axis(title=None, domain=False, ticks=False, labelColor=theme.INK),
        ),
    )
    tips = [
        alt.Tooltip("role_words:N", title=say.field("role", "RoleRow").label),
        alt.Tooltip("stage_words:N", title=say.field("stage", "RoleRow").label),
        alt.Tooltip("met_rate:Q", format=".0%", title=say.field("met_rate", "RoleRow").label),
    ]
    cells = base.mark_rect(stroke=theme.PAPER, strokeWidth=2).encode(color=_shade(say), tooltip=tips)
    words = base.mark_text(fontSize=theme.SMALL_SIZE).encode(
        text="label:N", color=alt.Color("ink:N", scale=None, legend=None)
    )
    chart = alt.layer(cells, words).resolve_scale(color="independent")
    title = say.say("charts.role_coverage.title", mean_coverage_share=result.mean_coverage_share)
    chart = chart.properties(width=WIDTH, height=ROW * len(names))
    return draft.finish(chart, title, say.get("charts.role_coverage.under"))


def _stage_names(draft: Draft, stages: list[str]) -> dict[str, str]:
    """Return the names of these stages in order, broken to the width of a column."""
    there = [stage for stage in draft.result.stage_ids if stage in stages]
    room = WIDTH / len(there) - 8
    return {
        stage: "\n".join(theme.wrap(stage_name(draft.result, stage, draft.say), room, theme.LABEL_SIZE))
        for stage in there
    }


def _across(names: list[str]) -> alt.X:
    """Return the axis of the stages, above the cells, with room for names of more than one line."""
    lines = max(name.count("\n") for name in names)
    axis = alt.Axis(
        title=None,
        orient="top",
        labelAngle=0,
        labelPadding=4 + 15 * lines,
        labelLimit=160,
        labelExpr="split(datum.label, '\\n')",
        domain=False,
        ticks=False,
    )
    return alt.X("stage_words:N", sort=names, axis=axis)


def _shade(say: Words) -> alt.Color:
    return alt.Color(
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
