"""Pieces that several charts are made of."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np

from funnelnb.show import theme
from funnelnb.show.words import Words

Row = dict[str, Any]
WIDTH = 720
"""Width of a full chart in pixels, labels at the left not included."""


def number(value: Any) -> Any:
    """Return a value that JSON can hold: NaN and NaT become None, NumPy values plain ones, dates text."""
    if isinstance(value, np.datetime64):
        return None if np.isnat(value) else str(value.astype("datetime64[D]"))
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def plain(row: Mapping[str, Any]) -> Row:
    """Return a row of a chart's data with every value as JSON can hold it."""
    return {name: number(value) for name, value in row.items()}


def values(rows: Sequence[Row], name: str) -> alt.InlineData:
    """Return rows as inlined data under a fixed name."""
    return alt.InlineData(values=[plain(row) for row in rows], name=name)


def layer(rows: Sequence[Row], name: str) -> alt.Chart:
    """Return an empty chart over rows."""
    return alt.Chart(values(rows, name))


def subtitle(result: Any, say: Words, *more: str) -> list[str]:
    """Return the lines under a title: n, as-of date and level, then what else has to be said."""
    first = say.say(
        "charts.parts.subtitle",
        n=result.n,
        as_of=result.as_of,
        confidence_level=say.numbers.level(result.confidence_level),
    )
    return [first, *(line for line in more if line)]


def finish(
    chart: Any,
    say: Words,
    title: str,
    under: Sequence[str],
    *,
    width: float = WIDTH + 110,
    offset: float | None = None,
) -> Any:
    """Return a chart with title, subtitle, description and the house's configuration."""
    lines = theme.wrap(title, width, theme.TITLE_SIZE, bold=True)
    below = [part for line in under for part in theme.wrap(line, width, theme.SUBTITLE_SIZE)]
    more = {} if offset is None else {"offset": offset}
    heading = alt.TitleParams(text=lines, subtitle=below, anchor="start", frame="bounds", **more)
    described = say.get("language.sentence").join([title, *under])
    return chart.properties(title=heading, description=described).configure(**theme.config(say.lang))


def share_axis(say: Words, **more: Any) -> alt.Axis:
    """Return an axis of shares: 0 % to 100 %."""
    label = say.get("language.percent").replace("{x}", "").replace("'", "")
    return alt.Axis(labelExpr=f"round(datum.value * 1000) / 10 + '{label}'", **more)


def day_ticks(longest: float) -> list[float]:
    """Return days to mark on an axis that reaches `longest`: weeks, months or quarters, at most nine."""
    step = next((s for s in (1, 2, 7, 14, 30, 60, 90, 180, 365, 730, 1825) if longest / s <= 8), 3650)
    return [float(step * k) for k in range(int(longest // step) + 1)]


def hatch(left: float, right: float, slope: float, count: int = 26) -> list[Row]:
    """Return slanting lines over the band from `left` to `right` of a plot whose y runs from 0 to 1."""
    if right <= left:
        return []
    span = right - left
    gap = max(span / count, slope / 8)
    starts = np.arange(left - slope, right, gap)
    rows = []
    for start in starts:
        low, high = max(start, left), min(start + slope, right)
        if high > low:
            rows.append({"x": low, "x2": high, "y": (low - start) / slope, "y2": (high - start) / slope})
    return rows


def legend_row(
    entries: Sequence[tuple[str, str]],
    x: float,
    y: float,
    *,
    size: float = theme.LABEL_SIZE,
    shape: str = "square",
) -> list[Row]:
    """Return the entries (colour, words) of a legend drawn in one line, with their pixel places."""
    rows = []
    for colour, label in entries:
        rows.append({"colour": colour, "label": label, "x": x, "text_x": x + 10, "y": y, "shape": shape})
        x += 10 + theme.text_width(label, size) + 20
    return rows


def legend(rows: Sequence[Row], name: str) -> alt.LayerChart:
    """Draw a legend made by :func:`legend_row`."""
    base = layer(rows, name)
    place = {"scale": None, "axis": None}
    marks = base.mark_point(filled=True, size=90, opacity=1).encode(
        x=alt.X("x:Q", **place),
        y=alt.Y("y:Q", **place),
        color=alt.Color("colour:N", scale=None, legend=None),
        shape=alt.Shape("shape:N", scale=None, legend=None),
    )
    labels = base.mark_text(align="left", baseline="middle").encode(
        x=alt.X("text_x:Q", **place), y=alt.Y("y:Q", **place), text="label:N"
    )
    return alt.layer(marks, labels)


def texts(rows: Sequence[Row], name: str) -> alt.Chart:
    """Draw pieces of text that carry their own place, alignment, size, weight and colour."""
    own = {prop: {"expr": f"datum.{prop}"} for prop in ("align", "colour", "weight")}
    mark = {"baseline": "middle", "align": own["align"], "fontWeight": own["weight"]}
    return (
        layer(rows, name)
        .mark_text(**mark, fontSize={"expr": "datum.size"}, color=own["colour"])
        .encode(x=pixel("x", "x"), y=pixel("y", "y"), text="text:N")
    )


def nothing(result: Any, say: Words) -> Any:
    """Draw the answer where there is no deal at all."""
    empty = layer([{"x": 0}], "nothing").mark_point(opacity=0).properties(width=WIDTH, height=10)
    return finish(empty, say, say.get("words.none_at_all"), subtitle(result, say))


def pixel(axis: str, field: str) -> Any:
    """Return an encoding whose field already is a place in pixels."""
    channel = alt.X if axis == "x" else alt.Y
    return channel(f"{field}:Q", scale=None, axis=None)
