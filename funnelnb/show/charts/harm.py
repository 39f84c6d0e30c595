"""How far each fault of the data moves the win rate: one line per fault, the shift with its interval."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import altair as alt

from funnelnb.show.charts import theme
from funnelnb.show.charts.parts import Draft, pixel, sized, text

if TYPE_CHECKING:
    from funnelnb.analysis.quality.harm import Harm
    from funnelnb.show.charts.parts import Row
    from funnelnb.show.text.words import Words


def moves_data(result: Harm) -> list[Row]:
    """Return one row per fault that moves the win rate: the shift with its interval in points, and its deals."""
    rows: list[Row] = [
        {
            "finding": row.finding, "deal_n": row.deal_n, "clear": one.clear, "shift": 100 * one.shift,
            "lower": 100 * one.shift_ci_lower, "upper": 100 * one.shift_ci_upper,
        }
        for row in result.rows
        for one in row.effects
        if one.measure == "win_rate" and one.shift and math.isfinite(one.shift)
    ]  # fmt: skip
    return sorted(rows, key=lambda row: -abs(row["shift"]))


def moves_draw(result: Harm, lang: str) -> Any:
    """Draw the shifts around the line of no shift, the largest on top."""
    draft = Draft(result, lang)
    say, rows = draft.say, moves_data(result)
    if not rows:
        return draft.nothing(say.get("charts.harm.none"))
    label, plot = theme.fit(330, 0), theme.fit(400, theme.NARROW - 40)
    step = theme.fit(34, 52)
    ends = [
        value for row in rows for value in (row["shift"], row["lower"], row["upper"]) if math.isfinite(value)
    ]
    low, high = min([*ends, 0.0]), max([*ends, 0.0])
    pad = 0.12 * (high - low or 1.0)
    scale = alt.Scale(domain=[low - pad, high + pad], nice=False, range=[label, label + plot])
    axis = alt.Axis(title=say.get("charts.harm.axis"), tickCount=theme.fit(6, 4), grid=True)
    places = [row | {"y": (k + theme.fit(0.5, 0.7)) * step} for k, row in enumerate(rows)]
    drawn = [row | _worded(result, row, say) for row in places]
    base = draft.layer(drawn, "faults")
    tips = [
        alt.Tooltip("name:N", title=say.field("finding", "HarmRow").label),
        alt.Tooltip("told:N", title=say.get("charts.harm.shift")),
        alt.Tooltip("deal_n:Q", title=say.field("deal_n", "HarmRow").label),
    ]
    x = alt.X("shift:Q", scale=scale, axis=axis)
    colour: Any = {"expr": f"datum.clear ? '{theme.LOST}' : '{theme.QUIET}'"}
    nought = draft.layer([{"shift": 0.0}], "nought").mark_rule(color=theme.QUIET).encode(x=x)
    spans = base.mark_rule(strokeWidth=1.8, color=colour).encode(
        x=alt.X("lower:Q", scale=scale, axis=axis), x2="upper:Q", y=pixel("y", "y")
    )
    points = base.mark_point(filled=True, opacity=1, size=90, color=colour).encode(
        x=x, y=pixel("y", "y"), tooltip=tips
    )
    room = theme.fit(label - 20, theme.NARROW - 50)
    lead = theme.fit(0, -22)
    names = [text(0, row["y"] + lead, theme.shorten(row["words"], room, theme.LABEL_SIZE)) for row in drawn]
    chart = sized(
        alt.layer(nought, spans, points, draft.texts(names, "names")),
        width=label + plot, height=step * len(rows) + 6,
    )  # fmt: skip
    return draft.finish(chart, _title(rows, say))


def _worded(result: Harm, row: Row, say: Words) -> Row:
    name = say.get(f"harm.findings.{row['finding']}")
    deals = say.say("charts.harm.deals", deal_n=row["deal_n"])
    told = say.numbers.points_interval(*(row[key] / 100 for key in ("shift", "lower", "upper")))
    return {"name": name, "words": f"{name} · {deals}", "told": told}


def _title(rows: list[Row], say: Words) -> str:
    clear = [row for row in rows if row["clear"]]
    if not clear:
        return say.get("charts.harm.title")
    first = clear[0]
    return say.say(
        "charts.harm.title_some",
        finding=say.get(f"harm.findings.{first['finding']}"),
        shift=say.numbers.points(first["shift"] / 100),
    )
