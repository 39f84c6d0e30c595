"""Ageing heat map: chance to win within 90 days, one line per stage (and group), one column per band of age.

Cells that too few deals were ever watched in are grey; what the data cannot see that far ahead is white with
a dash. Below the chance stand its interval and how many deals are there now.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import altair as alt

from funnelnb.core.check import TOO_FEW_N
from funnelnb.show.charts import theme
from funnelnb.show.charts.parts import Draft, share_axis, sized
from funnelnb.show.views.ageing import band, where
from funnelnb.show.views.registry import finding_of

if TYPE_CHECKING:
    from funnelnb.analysis.time.ageing import Ageing
    from funnelnb.show.charts.parts import Row


CELL, STEP = 76, 54
FEW = "#E9ECEE"


def ageing_heat_data(result: Ageing) -> list[Row]:
    """Return one row per cell with its kind: known, few or unseen."""
    rows = []
    for cell in result.cells:
        kind = "few" if not cell.enough else "unseen" if math.isnan(cell.won_90_rate) else "known"
        rows.append(
            {
                "group": " / ".join(cell.group),
                "stage": cell.stage,
                "from_days": cell.from_days,
                "won_90_rate": cell.won_90_rate,
                "won_90_ci_lower": cell.won_90_ci_lower,
                "won_90_ci_upper": cell.won_90_ci_upper,
                "watched_n": cell.watched_n,
                "open_n": cell.open_n,
                "kind": kind,
            }
        )
    return rows


def ageing_heat_draw(result: Ageing, lang: str) -> Any:
    """Draw the heat map."""
    draft = Draft(result, lang)
    say = draft.say
    rows = ageing_heat_data(result)
    if not rows:
        return draft.nothing()
    most = max([row["won_90_rate"] for row in rows if row["kind"] == "known"] or [1.0]) or 1.0
    bands = list(dict.fromkeys(band(cell, say) for cell in sorted(result.cells, key=lambda c: c.from_days)))
    stages = list(dict.fromkeys(where(result, cell, say) for cell in result.cells))
    shown = [row | _words(draft, row, cell, most) for row, cell in zip(rows, result.cells, strict=True)]
    x = alt.X("band:O", scale=alt.Scale(domain=bands), sort=bands,
              axis=alt.Axis(title=say.get("charts.ageing.x"), orient="top", labelAngle=0, domain=False,
                            ticks=False))  # fmt: skip
    names = alt.Axis(title=None, domain=False, ticks=False, labelPadding=6)
    apart: dict[str, float] = theme.fit({}, {"paddingInner": 0.26, "paddingOuter": 0.24})
    y = alt.Y("name:O", scale=alt.Scale(domain=stages, **apart), sort=None, axis=theme.fit(names, None))
    layers = _layers(draft, shown, x, y, most)
    if theme.fit(False, True):  # the names stand above their lines
        above = draft.layer([{"name": one} for one in stages], "names").mark_text(
            align="left", baseline="bottom", dy=-4
        )
        edge = alt.Y("name:O", scale=alt.Scale(domain=stages, **apart), sort=None, axis=None, bandPosition=0)
        layers.append(above.encode(x=alt.value(2), y=edge, text="name:N"))
    cell = theme.fit(CELL, min(CELL, 312 / len(bands)))
    chart = sized(alt.layer(*layers), width=cell * len(bands), height=theme.fit(STEP, 74) * len(stages))
    found = finding_of(result, lang)
    level = say.numbers.level(result.confidence_level)
    remark = say.say("charts.ageing.cells", too_few_n=TOO_FEW_N, confidence_level=level)
    return draft.finish(chart, found.headline, remark)


def _words(draft: Draft, row: Row, cell: Any, most: float) -> Row:
    say = draft.say
    known = row["kind"] == "known"
    label = say.numbers.percent(row["won_90_rate"]) if known else "·"
    if row["kind"] == "unseen":
        label = say.get("language.none")
    bounds = (row["won_90_rate"], row["won_90_ci_lower"], row["won_90_ci_upper"])
    dark = known and row["won_90_rate"] > 0.55 * most
    return {
        "band": band(cell, say),
        "name": where(draft.result, cell, say),
        "label": label,
        "range": say.numbers.bounds(*bounds) if known else "",
        "now": say.say("charts.ageing.now", open_n=row["open_n"]) if row["open_n"] else "",
        "ink": theme.ON_DARK if dark else theme.ON_LIGHT,
    }


def _layers(draft: Draft, rows: list[Row], x: alt.X, y: alt.Y, most: float) -> list[Any]:
    say = draft.say
    base = draft.layer(rows, "cells")
    mark = share_axis(say).to_dict()["labelExpr"]
    legend = alt.Legend(
        title=say.get("charts.ageing.legend"), labelExpr=mark, gradientLength=theme.fit(110, 200), tickCount=4,
        orient=theme.fit("right", "bottom"),
    )  # fmt: skip
    ramp = alt.Scale(domain=[0, most], range=list(theme.SEQUENCE), interpolate="lab")
    edge = {"stroke": theme.PAPER, "strokeWidth": 2}
    tips = [
        alt.Tooltip(f"{name}:{kind}", title=say.field(name, "AgeingCell").label, format=form)
        for name, kind, form in (
            ("won_90_rate", "Q", ".1%"),
            ("won_90_ci_lower", "Q", ".1%"),
            ("won_90_ci_upper", "Q", ".1%"),
            ("watched_n", "Q", ","),
            ("open_n", "Q", ","),
        )
    ]
    ink: Any = {"expr": "datum.ink"}
    return [
        base.transform_filter("datum.kind == 'known'")
        .mark_rect(**edge)
        .encode(x=x, y=y, color=alt.Color("won_90_rate:Q", scale=ramp, legend=legend), tooltip=tips),
        base.transform_filter("datum.kind == 'few'")
        .mark_rect(color=FEW, **edge)
        .encode(x=x, y=y, tooltip=tips),
        base.mark_text(dy=-14, fontWeight="bold", color=ink).encode(x=x, y=y, text="label:N"),
        base.mark_text(dy=2, fontSize=theme.SMALL_SIZE, color=ink).encode(x=x, y=y, text="range:N"),
        base.mark_text(dy=16, fontSize=theme.SMALL_SIZE, color=ink).encode(x=x, y=y, text="now:N"),
    ]
