"""Cohort heat map: the share won by age, one line per period of creation.

Cells that not every deal of the period has been watched long enough for are pale, broken-edged and marked as
estimates; cells that nobody has reached stay empty; periods with too few deals are grey.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import altair as alt

from funnelnb.core.check import TOO_FEW_N
from funnelnb.show import theme
from funnelnb.show.charts.parts import Draft, field_tips, largest_groups, panel_title, share_axis, sized
from funnelnb.show.table import facts

if TYPE_CHECKING:
    from funnelnb.analysis.cohort import Cohorts
    from funnelnb.show.charts.parts import Row

CELL_MOST, CELL_LEAST, STEP, LOW_STEP = 92, 30, 26, 17
WIDTH, SMALL_WIDTH = 660, 290
COHORTS_MOST, GROUPS_MOST = 60, 6
"""Of more periods the latest are drawn, of more groups the largest; the table has them all."""


def data(result: Cohorts) -> list[Row]:
    """Return one row per cell that any deal has reached, with its kind: mature, young or few."""
    rows = []
    latest = set(sorted({cell.cohort for cell in result.cells})[-COHORTS_MOST:])
    for cell in result.cells:
        if cell.cohort not in latest or math.isnan(cell.won_rate):
            continue
        kind = "few" if cell.deal_n < TOO_FEW_N else "mature" if cell.mature else "young"
        rows.append(
            {
                "group": cell.group,
                "cohort": cell.cohort,
                "age_days": cell.age_days,
                "won_rate": cell.won_rate,
                "won_ci_lower": cell.won_ci_lower,
                "won_ci_upper": cell.won_ci_upper,
                "at_risk_n": cell.at_risk_n,
                "deal_n": cell.deal_n,
                "kind": kind,
            }
        )
    return rows


def draw(result: Cohorts, lang: str) -> Any:
    """Draw the heat map."""
    draft = Draft(result, lang)
    rows = data(result)
    if not rows or not result.n:
        return draft.nothing()
    most = max(row["won_rate"] for row in rows)
    groups = largest_groups(rows, GROUPS_MOST)
    shown = [row for row in rows if row["group"] in groups]
    if not result.by:
        chart = _panel(draft, shown, most, WIDTH)
    else:
        panels = [
            sized(
                _panel(draft, [row for row in shown if row["group"] == group], most, SMALL_WIDTH),
                title=panel_title(draft, group, SMALL_WIDTH),
            )
            for group in groups
        ]
        chart = alt.concat(*panels, columns=2, spacing=30)
    key = "charts.heat.title_groups" if result.by else "charts.heat.title"
    return draft.finish(chart, draft.say.say(key, **facts(result, draft.say)), *_remarks(draft, shown))


def _remarks(draft: Draft, shown: list[Row]) -> list[str]:
    """Say what pale and grey cells are, and what is left out."""
    say, result = draft.say, draft.result
    kinds = {row["kind"] for row in shown}
    remarks = [say.get("charts.heat.young")] if "young" in kinds else []
    if "few" in kinds:
        remarks.append(say.say("charts.heat.few", too_few_n=TOO_FEW_N))
    cohorts_n = len({cell.cohort for cell in result.cells})
    if cohorts_n > COHORTS_MOST:
        remarks.append(say.say("charts.heat.latest", shown_n=COHORTS_MOST, cohorts_n=cohorts_n))
    groups_n, drawn_n = len({cell.group for cell in result.cells}), len({row["group"] for row in shown})
    if drawn_n < groups_n:
        remarks.append(say.say("charts.parts.more_groups", shown_n=drawn_n, groups_n=groups_n))
    return remarks


def _panel(draft: Draft, rows: list[Row], most: float, width: float) -> Any:
    ages = sorted({cell.age_days for cell in draft.result.cells})
    cohorts = sorted({row["cohort"] for row in rows})
    cell_width = max(CELL_LEAST if width == WIDTH else 20, min(CELL_MOST, width / len(ages)))
    base = draft.layer([row | _words(draft, row, cell_width, most) for row in rows], "cells")
    sizes = {row["cohort"]: row["deal_n"] for row in rows}
    names = [draft.say.say("charts.heat.row", cohort=one, deal_n=sizes[one]) for one in cohorts]
    step = STEP if len(cohorts) <= 30 else LOW_STEP
    layers = _layers(base, draft, ages, names, most)
    return sized(alt.layer(*layers), width=cell_width * len(ages), height=step * len(cohorts))


def _words(draft: Draft, row: Row, cell_width: float, most: float) -> Row:
    say = draft.say
    spelled = f"{100 * row['won_rate']:.0f}" if cell_width < 44 else say.numbers.percent(row["won_rate"])
    young = row["kind"] == "young"
    label = say.say("charts.heat.estimate", value=spelled) if young else spelled
    if cell_width < 44:
        label = label.replace(" ", "")
    return {
        "name": say.say("charts.heat.row", cohort=row["cohort"], deal_n=row["deal_n"]),
        "age": say.numbers.bare_days(row["age_days"]),
        "ink": theme.PAPER if row["kind"] == "mature" and row["won_rate"] > 0.55 * most else theme.INK,
        "style": "italic" if young else "normal",
        "label": "·" if row["kind"] == "few" else label,
    }


def _layers(base: alt.Chart, draft: Draft, ages: list[float], names: list[str], most: float) -> list[Any]:
    say = draft.say
    x_axis = alt.Axis(
        title=None if draft.result.by else say.get("charts.heat.x"),
        orient="top",
        labelAngle=0,
        domain=False,
        ticks=False,
    )
    y_axis = alt.Axis(
        title=None if draft.result.by else say.get("charts.heat.y"), domain=False, ticks=False, labelPadding=6
    )
    x = alt.X("age:O", sort=[say.numbers.bare_days(age) for age in ages], axis=x_axis,
              scale=alt.Scale(domain=[say.numbers.bare_days(age) for age in ages]))  # fmt: skip
    y = alt.Y("name:O", sort=None, axis=y_axis, scale=alt.Scale(domain=names))
    ramp = alt.Scale(domain=[0, most], range=list(theme.SEQUENCE), interpolate="lab")
    mark = share_axis(say).to_dict()["labelExpr"]
    legend = alt.Legend(title=say.get("charts.heat.legend"), labelExpr=mark, gradientLength=140, tickCount=4)
    known = base.transform_filter("datum.kind != 'few'")
    strong = {"stroke": theme.PAPER, "strokeWidth": 2}
    shown = {"cohort": "", "age_days": ",.0f", "won_rate": ".1%", "at_risk_n": ",", "deal_n": ","}
    tips = field_tips(draft, "CohortCell", **shown)
    return [
        known.mark_rect(**strong).encode(
            x=x, y=y, color=alt.Color("won_rate:Q", scale=ramp, legend=legend),
            opacity=alt.condition("datum.kind == 'young'", alt.value(0.45), alt.value(1.0)), tooltip=tips,
        ),
        base.transform_filter("datum.kind == 'few'").mark_rect(color="#E9ECEE", **strong).encode(
            x=x, y=y, tooltip=tips
        ),
        base.mark_text(
            fontSize=theme.SMALL_SIZE, fontStyle={"expr": "datum.style"}, color={"expr": "datum.ink"}
        ).encode(x=x, y=y, text="label:N"),
    ]  # fmt: skip
