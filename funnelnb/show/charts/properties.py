"""The shape of a funnel: a level per stage, as wide as the share that reaches it; ideal and last year as outlines."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import altair as alt

from funnelnb.show.charts import theme
from funnelnb.show.charts.parts import Draft, own_colour, pixel, sized, text
from funnelnb.show.text.words import stage_name
from funnelnb.show.views.registry import finding_of

if TYPE_CHECKING:
    from funnelnb.show.charts.parts import Row

LABEL, PLOT, COLUMN, LEVEL = 190, 330, 104, 48
NARROW_LABEL, NARROW_PLOT, LINE = 150, 166, 14
"""On a phone the numbers stand under the name of a stage, one line for each series."""
STYLES = {
    "actual": (theme.MOVED, [1, 0]),
    "after": (theme.MOVED, [1, 0]),
    "ideal": (theme.LOST_INK, [6, 4]),
    "last_year": (theme.QUIET, [2, 3]),
    "before": (theme.QUIET, [2, 3]),
}
"""Colour and dashes of each series: told apart without colour as well."""


def trapezoid_data(result: Any) -> list[Row]:
    """Return one row per series and stage: how many reach it, and as a share of the first."""
    if hasattr(result, "reached"):
        first = result.reached[0]
        pairs = zip(result.stage_ids, result.reached, strict=True)
        return [
            {"series": "actual", "stage": stage, "width_n": float(n), "share": n / first}
            for stage, n in pairs
        ]
    firsts: dict[str, float] = {}
    rows: list[Row] = []
    for row in result.stages:
        first = firsts.setdefault(row.series, row.width_n)
        share = row.width_n / first if first else math.nan
        rows.append({"series": row.series, "stage": row.stage, "width_n": row.width_n, "share": share})
    return rows


def trapezoid_draw(result: Any, lang: str) -> Any:
    """Draw the levels of the main series as areas, the others as outlines."""
    draft = Draft(result, lang)
    rows = [row for row in trapezoid_data(result) if not math.isnan(row["share"])]
    series = sorted({row["series"] for row in rows}, key=list(STYLES).index)
    if not rows:
        return draft.nothing(draft.say.get("properties.no_shape"))
    stages = list(dict.fromkeys(row["stage"] for row in rows))
    level = theme.fit(LEVEL, 24 + LINE * len(series))
    places = {stage: float(k * level) for k, stage in enumerate(stages)}
    main = series[0]
    layers = [_area(draft, [row for row in rows if row["series"] == main], places, main)]
    for name in series[1:]:
        layers += _outline(draft, [row for row in rows if row["series"] == name], places, name)
    words = [one for stage in stages for one in _words(draft, rows, series, stage, places[stage])]
    words += _heads(draft, series)
    layers.append(draft.texts(words, "words"))
    width = theme.fit(LABEL + PLOT + COLUMN * len(series), NARROW_LABEL + NARROW_PLOT)
    below = theme.fit(12, 12 + LINE * len(series))
    chart = sized(alt.layer(*layers), width=width, height=level * (len(stages) - 1) + below)
    found = finding_of(result, lang)
    return draft.finish(chart, found.headline, draft.say.get("properties.chart_under"), offset=34)


def _ends(row: Row) -> tuple[float, float]:
    label, plot = theme.fit((LABEL, PLOT), (NARROW_LABEL, NARROW_PLOT))
    middle, half = label + plot / 2, plot * row["share"] / 2
    return middle - half, middle + half


def _area(draft: Draft, rows: list[Row], places: dict[str, float], name: str) -> alt.Chart:
    drawn = []
    for row in rows:
        left, right = _ends(row)
        drawn.append({"x": left, "x2": right, "y": places[row["stage"]]})
    return (
        draft.layer(drawn, f"{name}-area")
        .mark_area(orient="horizontal", color=theme.OPEN, line=False, opacity=0.85)
        .encode(x=pixel("x", "x"), x2="x2:Q", y=pixel("y", "y"))
    )


def _outline(draft: Draft, rows: list[Row], places: dict[str, float], name: str) -> list[alt.Chart]:
    colour, dash = STYLES[name]
    drawn = [
        {"x": end, "y": places[row["stage"]], "side": side, "rank": k, "colour": colour}
        for k, row in enumerate(rows)
        for side, end in zip(("left", "right"), _ends(row), strict=True)
    ]
    return [
        draft.layer([one for one in drawn if one["side"] == side], f"{name}-{side}")
        .mark_line(strokeWidth=1.8, strokeDash=dash)
        .encode(x=pixel("x", "x"), y=pixel("y", "y"), order="rank:Q", color=own_colour())
        for side in ("left", "right")
    ]


def _words(draft: Draft, rows: list[Row], series: list[str], stage: str, y: float) -> list[Row]:
    say = draft.say
    name = theme.shorten(
        stage_name(draft.result, stage, say), theme.fit(LABEL - 18, NARROW_LABEL), theme.LABEL_SIZE
    )
    made = [theme.fit(text(LABEL - 12, y, name, align="right"), text(0, y, name, weight="bold"))]
    for k, one in enumerate(series):
        mine = [row for row in rows if row["series"] == one and row["stage"] == stage]
        if mine:
            spelled = say.say(
                "properties.level",
                width_n=round(mine[0]["width_n"]),
                share=say.numbers.percent(mine[0]["share"]),
            )
            colour = STYLES[one][0]
            beside = text(LABEL + PLOT + COLUMN * (k + 1), y, spelled, align="right", colour=colour)
            made.append(theme.fit(beside, text(0, y + LINE * (k + 1), spelled, colour=colour)))
    return made


def _heads(draft: Draft, series: list[str]) -> list[Row]:
    say = draft.say
    made, x = [], 0.0
    for k, one in enumerate(series):
        label = say.get(f"properties.series.{one}")
        style = {"weight": "bold", "colour": STYLES[one][0], "size": theme.SMALL_SIZE}
        beside = text(LABEL + PLOT + COLUMN * (k + 1), -20, label, align="right", **style)
        made.append(theme.fit(beside, text(x, -20, label, **style)))
        x += theme.text_width(label, theme.SMALL_SIZE, bold=True) + 14
    return made
