"""What all charts are made of: a draft that collects data and words, and small pieces to draw with."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import altair as alt
import numpy as np

from funnelnb.show.charts import theme
from funnelnb.show.tables.table import placeholders
from funnelnb.show.text.words import words_of
from funnelnb.show.views.registry import finding_of, no_deals

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


Row = dict[str, Any]
WIDTH = 820
"""Width of a full chart in pixels, labels included; titles are broken at it."""


def width() -> float:
    """Return the width that a chart and its titles may take."""
    return theme.fit(WIDTH, theme.NARROW)


OUTLINE = {"color": theme.PAPER, "stroke": theme.PAPER, "strokeWidth": 3}
"""Of words drawn a second time below themselves, so that lines do not run through them."""


class Draft:
    """One chart in the making: the result it shows, the words of its language, and its data by name.

    Layers refer to data by name, so that every row stands in the chart once and under a name that never
    changes.

    Attributes
    ----------
    result : Result
    say : Words
    sheets : dict of str to list of Row
    """

    def __init__(self, result: Any, lang: str) -> None:
        self.result = result
        self.say = words_of(result, lang)
        self.sheets: dict[str, list[Row]] = {}

    def layer(self, rows: Sequence[Row], name: str) -> alt.Chart:
        """Return an empty chart over `rows`, kept under `name` (with a number where that is taken)."""
        unique, count = name, 1
        while unique in self.sheets:
            count += 1
            unique = f"{name}-{count}"
        self.sheets[unique] = [plain(row) for row in rows]
        return alt.Chart(alt.NamedData(name=unique))

    def texts(self, rows: Sequence[Row], name: str) -> alt.Chart:
        """Draw pieces of text made by :func:`text`."""
        own = {prop: {"expr": f"datum.{prop}"} for prop in ("align", "colour", "weight", "size")}
        mark = {"baseline": "middle", "align": own["align"], "fontWeight": own["weight"]}
        return (
            self.layer(rows, name)
            .mark_text(**mark, fontSize=own["size"], color=own["colour"])
            .encode(x=pixel("x", "x"), y=pixel("y", "y"), text="text:N")
        )

    def legend(self, entries: Sequence[tuple[str, str]], x: float, y: float) -> alt.LayerChart:
        """Draw (colour, words) as squares and text, from a place in pixels; on a phone in as many lines as it takes."""
        rows: list[Row] = []
        start = x = theme.fit(x, min(x, 6.0))
        line, room = 0, theme.fit(float("inf"), theme.NARROW - 60.0)
        for colour, words in entries:
            label = theme.shorten(words, theme.fit(float("inf"), room - 14), theme.LABEL_SIZE)
            needed = 10 + theme.text_width(label, theme.LABEL_SIZE)
            if x > start and x + needed > room:
                x, line = start, line + 1
            rows.append({"colour": colour, "label": label, "x": x, "text_x": x + 10, "y": y + 16 * line})
            x += needed + 20
        for row in rows if y < 0 else ():  # over the chart lines are added on top
            row["y"] -= 16 * line
        base = self.layer(rows, "legend")
        marks = base.mark_point(filled=True, size=90, opacity=1, shape="square").encode(
            x=pixel("x", "x"), y=pixel("y", "y"), color=own_colour()
        )
        labels = base.mark_text(align="left", baseline="middle").encode(
            x=pixel("x", "text_x"), y=pixel("y", "y"), text="label:N"
        )
        return alt.layer(marks, labels)

    def legend_height(self) -> float:
        """Return how high a picture of its own must be that holds the legend drawn last: its lines and no gap."""
        last = [name for name in self.sheets if name.startswith("legend")][-1]
        return float(max(row["y"] for row in self.sheets[last])) + 10.0

    def subtitle(self, *more: str) -> list[str]:
        """Return the lines under a title: n, as-of date and level, then what else has to be said."""
        level = self.say.numbers.level(self.result.confidence_level)
        named = {"n": self.result.n, "as_of": self.result.as_of, "confidence_level": level}
        key = "subtitle" if not np.isnat(self.result.as_of) else "subtitle_typed" if self.result.n else ""
        first = self.say.say(f"charts.parts.{key}", **named) if key else ""
        return [line for line in (first, *more) if line]

    def finish(self, chart: Any, title: str, *more: str, offset: float = 14) -> Any:
        """Return the chart with its data, title, subtitle, description and the house's configuration."""
        under = self.subtitle(*more)
        lines = theme.wrap(title, width(), theme.TITLE_SIZE, bold=True)
        below = [part for line in under for part in theme.wrap(line, width(), theme.SUBTITLE_SIZE)]
        heading = alt.TitleParams(text=lines, subtitle=below, anchor="start", frame="bounds", offset=offset)
        described = " · ".join([title, *under])
        return self.complete(chart, description=described, title=heading)

    def complete(self, chart: Any, *, description: str, **more: Any) -> Any:
        """Give the chart its data, description and configuration (in place: copies of charts are slow)."""
        chart.config = {**theme.config(self.say.lang), **more.pop("config", {})}
        chart.datasets = self.sheets
        return sized(chart, description=description, **more)

    def nothing(self, title: str = "", *more: str) -> Any:
        """Return the answer in words where there is nothing to draw; without a title: there is no deal."""
        empty = self.layer([{"x": 0}], "nothing").mark_point(opacity=0)
        return self.finish(
            sized(empty, width=width() - 40, height=4), title or no_deals(self.result, self.say), *more
        )


def sized(chart: Any, **properties: Any) -> Any:
    """Set width, height, title and the like of a chart in place and return it."""
    for name, value in properties.items():
        setattr(chart, name, value)
    return chart


def largest_groups(rows: Sequence[Row], most: int) -> list[tuple[str, ...]]:
    """Return the groups with the most deals (at most `most`), in their own order."""
    sizes: dict[tuple[str, ...], int] = {}
    for row in rows:
        sizes[row["group"]] = sizes.get(row["group"], 0) + row["deal_n"]
    kept = set(sorted(sizes, key=lambda group: -sizes[group])[:most])
    return [group for group in sizes if group in kept]


def panel_title(draft: Draft, group: tuple[str, ...], pixels: float) -> alt.TitleParams:
    """Return the title of a small picture: the name of its group."""
    name = theme.shorten(draft.say.group(group), pixels, 13)
    return alt.TitleParams(text=name, fontSize=13, anchor="start", offset=8, frame="group")


def rate_range(draft: Draft) -> str:
    """Return a title for grouped conversions: from which to which rate by the horizon, no group named."""
    result, say = draft.result, draft.say
    known = [row.by_day_rate for row in result.overall if row.enough and not math.isnan(row.by_day_rate)]
    if not known:
        return finding_of(result, say.lang).headline
    ends = {"low": say.numbers.percent(min(known)), "high": say.numbers.percent(max(known))}
    return say.say("charts.parts.range", **placeholders(result, say) | ends)


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


def text(x: float, y: float, label: str, **more: Any) -> Row:
    """Return a piece of text at a place in pixels; `more` overrides align, size, weight and colour."""
    usual = {"align": "left", "size": theme.LABEL_SIZE, "weight": "normal", "colour": theme.INK}
    return {"x": x, "y": y, "text": label} | usual | more


def pixel(axis: str, field: str) -> Any:
    """Return an encoding whose field already is a place in pixels."""
    channel = alt.X if axis == "x" else alt.Y
    return channel(f"{field}:Q", scale=None, axis=None)


def own_colour(field: str = "colour") -> alt.Color:
    """Return an encoding whose field already is a colour."""
    return alt.Color(f"{field}:N", scale=None, legend=None)


def field_tips(draft: Draft, row: str, **formats: str) -> list[alt.Tooltip]:
    """Return what a tip says of these fields of a row, named as in its table; without a format it is text."""
    made = []
    for name, form in formats.items():
        tip = alt.Tooltip(f"{name}:{'Q' if form else 'N'}", title=draft.say.field(name, row).label)
        made.append(tip.format(form) if form else tip)
    return made


def share_axis(say: Any, **more: Any) -> alt.Axis:
    """Return an axis of shares, written as the language writes percentages."""
    mark = say.get("language.percent").replace("{x}", "")
    return alt.Axis(labelExpr=f"round(datum.value * 1000) / 10 + '{mark}'", **more)


def number_axis(say: Any, **more: Any) -> alt.Axis:
    """Return an axis of large numbers, shortened as the language shortens them: 1.2M, 120 万."""
    if say.lang != "zh":
        return alt.Axis(format="~s", labelExpr="datum.value ? datum.label : '0'", **more)
    size, shown = "abs(datum.value)", "format(datum.value{}, ',~f')"
    large = (
        f"{size} >= {unit} ? {shown.format(f' / {unit}')} + ' {name}' : "
        for unit, name in ((1e8, "亿"), (1e4, "万"))
    )
    return alt.Axis(labelExpr="".join(large) + shown.format(""), **more)


def day_ticks(longest: float, most: int = 9, calendar: str = "") -> list[float]:
    """Return days to mark on an axis that reaches `longest`: weeks, months or quarters, at most `most`.

    A week of business days has five, a month about twenty.
    """
    steps = (1, 2, 7, 14, 30, 60, 90, 180, 365, 730, 1825, 3650, 7300)
    if calendar:
        steps = (1, 2, 5, 10, 20, 40, 60, 120, 250, 500, 1250, 2500, 5000)
    step = next((one for one in steps if longest / one <= most - 1), max(1.0, longest))
    return [float(step * k) for k in range(int(longest // step) + 1)]


def hatch(left: float, right: float, slope: float, gap: float) -> list[Row]:
    """Return slanting lines over the band from `left` to `right` of a plot whose y runs from 0 to 1.

    `slope` is how far a line runs along x while it crosses the plot, `gap` the distance between two lines.
    """
    rows = []
    for start in np.arange(left - slope, right, gap):
        low, high = max(float(start), left), min(float(start) + slope, right)
        if high > low:
            rows.append({"x": low, "x2": high, "y": (low - start) / slope, "y2": (high - start) / slope})
    return rows
