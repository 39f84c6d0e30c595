"""Groups compared: a forest of rates with their intervals, and rates against the limits of chance."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import altair as alt
import numpy as np

from funnelnb.show.charts import theme
from funnelnb.show.charts.parts import Draft, own_colour, share_axis, sized
from funnelnb.show.tables.table import placeholders

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.analysis.conversion.segments import SegmentRow, Segments
    from funnelnb.show.charts.parts import Row


# ---- Forest: each group's raw rate with its interval, its shrunken rate, and the whole as a line -----------

GROUPS_MOST = 40
"""Of more groups the largest are drawn; the table has them all."""
STEP = 26
LABEL, PLOT = 150, 330
NARROW_STEP, NARROW_PLOT = 48, 190
"""On a phone name, number and verdict of a group stand above its marks."""
COLOURS = {"higher": theme.MOVED, "lower": theme.LOST, "not_separable": theme.QUIET, "too_few": theme.LEFT}
_FIELDS = (
    "decided_n", "won_n", "raw_rate", "raw_ci_lower", "raw_ci_upper",
    "shrunken_rate", "shrunken_ci_lower", "shrunken_ci_upper", "verdict",
)  # fmt: skip


def forest_data(result: Segments) -> list[Row]:
    """Return one row per group that is drawn, highest shrunken rate first."""
    largest = sorted(range(len(result.rows)), key=lambda k: -result.rows[k].decided_n)[:GROUPS_MOST]
    return [
        {"group": result.rows[k].group} | {name: getattr(result.rows[k], name) for name in _FIELDS}
        for k in sorted(largest)
    ]


def forest_draw(result: Segments, lang: str) -> Any:
    """Draw the forest."""
    draft = Draft(result, lang)
    rows = forest_data(result)
    if not rows or not result.n:
        return draft.nothing()
    drawn = [row | _words(draft, row, rank) for rank, row in enumerate(rows)]
    base = draft.layer(drawn, "groups")
    height = theme.fit(STEP, NARROW_STEP) * len(rows)
    layers = [*_marks(base, rows, draft), *_columns(base, draft), *_pooled(draft, len(rows)), *_heads(draft)]
    chart = sized(alt.layer(*layers), width=theme.fit(PLOT, NARROW_PLOT), height=height)
    more = ""
    if len(rows) < len(result.rows):
        more = draft.say.say("charts.forest.more", shown_n=len(rows), groups_n=len(result.rows))
    return draft.finish(chart, _title(draft), more, offset=26)


def _title(draft: Draft) -> str:
    verdicts = [row.verdict for row in draft.result.rows]
    some_n = sum(verdict in ("higher", "lower") for verdict in verdicts)
    key = "title_some" if some_n else "title_none"
    if all(verdict == "too_few" for verdict in verdicts):
        key = "title_few"
    return draft.say.say(f"charts.forest.{key}", **placeholders(draft.result, draft.say) | {"some_n": some_n})


def _words(draft: Draft, row: Row, rank: int) -> Row:
    say = draft.say
    few = row["verdict"] == "too_few"
    name = theme.shorten(say.group(row["group"]), LABEL - 14, theme.LABEL_SIZE)
    number = say.numbers.count(row["decided_n"])
    rate = say.numbers.interval(row["raw_rate"], row["raw_ci_lower"], row["raw_ci_upper"])
    return {
        "rank": rank,
        "name": theme.fit(name, f"{name} · n = {number}"),
        "number": number,
        "rate": say.say("charts.forest.few_rate", **row) if few else rate,
        "verdict_words": say.get(f"verdicts.{row['verdict']}"),
        "colour": COLOURS[row["verdict"]],
        "ink": theme.QUIET if few else theme.INK,
        "weight": "bold" if row["verdict"] in ("higher", "lower") else "normal",
        "verdict_ink": {"higher": "#005A8D", "lower": theme.LOST_INK}.get(row["verdict"], theme.QUIET),
    }


def _y() -> alt.Y:
    padding = theme.fit(STEP, NARROW_STEP) / 2
    return alt.Y("rank:Q", scale=alt.Scale(reverse=True, nice=False, zero=False, padding=padding), axis=None)


def _domain(rows: Sequence[Row], pooled: float) -> list[float]:
    """Return the ends of the axis: every interval fits, those of groups with too few deals are cut."""
    told = [row for row in rows if row["verdict"] != "too_few"] or list(rows)
    low = min([pooled, *(row["raw_ci_lower"] for row in told), *(row["raw_rate"] for row in rows)])
    high = max([pooled, *(row["raw_ci_upper"] for row in told), *(row["raw_rate"] for row in rows)])
    return [max(0.0, low - 0.02), min(1.0, high + 0.02)]


def _marks(base: alt.Chart, rows: Sequence[Row], draft: Draft) -> list[Any]:
    result = draft.result
    scale = alt.Scale(domain=_domain(rows, result.pooled_rate), nice=False, zero=False)
    key = "x" if result.measure == "decided" else "x_by_day"
    title = draft.say.say(f"charts.forest.{key}", **placeholders(result, draft.say))
    axis = share_axis(draft.say, title=title, tickCount=theme.fit(6, 4))

    def x(field: str) -> alt.X:
        return alt.X(f"{field}:Q", scale=scale, axis=axis)

    tips = [
        alt.Tooltip("name:N", title=draft.say.attribute_head(result.by)),
        alt.Tooltip("number:N", title=draft.say.get("charts.forest.number")),
        alt.Tooltip("raw_rate:Q", title=draft.say.get("charts.forest.raw"), format=".1%"),
        alt.Tooltip("shrunken_rate:Q", title=draft.say.get("charts.forest.shrunken"), format=".1%"),
    ]
    colour = own_colour()
    return [
        base.mark_rule(strokeWidth=1.6, clip=True).encode(
            x=x("raw_ci_lower"), x2="raw_ci_upper:Q", y=_y(), color=colour
        ),
        base.mark_point(
            filled=True, fill=theme.PAPER, strokeWidth=1.8, size=58, opacity=1, shape="circle"
        ).encode(
            x=x("raw_rate"), y=_y(), stroke=alt.Stroke("colour:N", scale=None, legend=None), tooltip=tips
        ),
        base.mark_point(filled=True, size=74, opacity=1, shape="diamond").encode(
            x=x("shrunken_rate"), y=_y(), color=colour, tooltip=tips
        ),
    ]


def _columns(base: alt.Chart, draft: Draft) -> list[Any]:
    bold: Any = {"expr": "datum.weight"}
    wide = (
        ("name", -54, "right", 0, "ink", "normal"),
        ("number", -12, "right", 0, "ink", "normal"),
        ("rate", PLOT + 16, "left", 0, "ink", "normal"),
        ("verdict_words", PLOT + 152, "left", 0, "verdict_ink", bold),
    )
    narrow = (
        ("name", 0, "left", -18, "ink", "normal"),
        ("rate", NARROW_PLOT + 10, "left", 0, "ink", "normal"),
        ("verdict_words", 312, "right", -18, "verdict_ink", bold),
    )
    return [
        base.mark_text(align=align, baseline="middle", fontWeight=weight, dy=dy).encode(
            x=alt.value(x), y=_y(), text=f"{field}:N", color=own_colour(ink)
        )
        for field, x, align, dy, ink, weight in theme.fit(wide, narrow)
    ]


def _pooled(draft: Draft, rows_n: int) -> list[Any]:
    label = draft.say.say("charts.forest.pooled", pooled_rate=draft.result.pooled_rate)
    base = draft.layer([{"pooled": draft.result.pooled_rate, "label": label}], "pooled")
    x = alt.X("pooled:Q")
    return [
        base.mark_rule(color=theme.INK, strokeDash=[5, 3], strokeWidth=1).encode(x=x),
        base.mark_text(fontSize=theme.SMALL_SIZE, color=theme.INK, baseline="bottom").encode(
            x=x, y=alt.value(-4), text="label:N"
        ),
    ]


def _heads(draft: Draft) -> list[Any]:
    """Write the heads of the columns, and say which mark is which under the title."""
    say = draft.say
    base = draft.layer([{}], "heads")
    style = {"fontSize": theme.SMALL_SIZE, "color": theme.QUIET, "baseline": "bottom"}
    heads = [
        (-12, "right", say.get("charts.forest.number")),
        (PLOT + 16, "left", say.get("charts.forest.rate")),
        (PLOT + 152, "left", say.get("charts.forest.verdict")),
    ]
    heads = theme.fit(heads, [])
    layers: list[Any] = [
        base.mark_text(align=align, text=label, **style).encode(x=alt.value(x), y=alt.value(-4))
        for x, align, label in heads
    ]
    x = 0.0
    for shape, key in (("circle", "raw"), ("diamond", "shrunken")):
        label = say.get(f"charts.forest.{key}")
        fill = theme.PAPER if shape == "circle" else theme.QUIET
        layers += [
            base.mark_point(shape=shape, size=60, fill=fill, stroke=theme.QUIET, opacity=1).encode(
                x=alt.value(x + 4), y=alt.value(-31)
            ),
            base.mark_text(align="left", baseline="middle", text=label, color=theme.QUIET).encode(
                x=alt.value(x + 14), y=alt.value(-31)
            ),
        ]
        x += theme.text_width(label, theme.LABEL_SIZE) + 36
    return layers


# ---- Funnel plot ------------------------------------------------------------------------------------------

WIDTH, HEIGHT = 700, 380
ZONES = {
    "higher": (theme.MOVED, "triangle-up"),
    "lower": (theme.LOST, "triangle-down"),
    "not_separable": (theme.QUIET, "circle"),
    "too_few": (theme.LEFT, "cross"),
}
_LIMITS = ("limit_95_lower", "limit_95_upper", "limit_998_lower", "limit_998_upper")


_ROOM_LEAST, _MARGIN = 0.1, 0.03
"""Least room above and below the points, and what stays free beyond everything (both as rates)."""


def _plot_size() -> tuple[int, int]:
    return theme.fit((WIDTH, HEIGHT), (188, 280))


POINTS_MOST = 1_000
"""Of more groups those outside the limits are drawn first, then the largest; the table has them all."""


def funnel_plot_data(result: Segments) -> list[Row]:
    """Return one row per group drawn: number, rate, its own limits and its verdict, the same as in the table."""
    rows = _rated(result)
    if len(rows) > POINTS_MOST:
        first = sorted(rows, key=lambda row: (row.verdict not in ("higher", "lower"), -row.decided_n))
        kept = {row.group for row in first[:POINTS_MOST]}
        rows = [row for row in rows if row.group in kept]
    return [
        {
            "group": row.group,
            "decided_n": row.decided_n,
            "raw_rate": row.raw_rate,
            "verdict": row.verdict,
            "zone": row.verdict,
        }
        | {name: getattr(row, name) for name in _LIMITS}
        for row in rows
    ]


def _rated(result: Segments) -> list[SegmentRow]:
    return [row for row in result.rows if row.decided_n and math.isfinite(row.raw_rate)]


def limits(result: Segments) -> list[Row]:
    """Return the limits by number of deals, smallest number first."""
    rows = result.limits or sorted(
        {row.decided_n: row for row in result.rows if row.decided_n}.values(), key=lambda row: row.decided_n
    )
    return [{"decided_n": row.decided_n} | {name: getattr(row, name) for name in _LIMITS} for row in rows]


def span(result: Segments) -> tuple[float, float]:
    """Return the rates at the foot and the head of the picture: what points and their intervals need.

    Limits widen without end towards few deals, and where few people own the deals: they may leave the picture. So do
    intervals and the limits of the largest group beyond once the points' own range, and groups too small to judge.
    """
    judged = [row for row in result.rows if row.decided_n and row.verdict != "too_few"]
    points = _finite([result.pooled_rate, *(row.raw_rate for row in judged)]) or [0.0, 1.0]
    low, high = min(points), max(points)
    room = max(high - low, _ROOM_LEAST)
    last = limits(result)[-1]
    lowest = min([low, *_finite([last["limit_998_lower"], *(row.raw_ci_lower for row in judged)])])
    highest = max([high, *_finite([last["limit_998_upper"], *(row.raw_ci_upper for row in judged)])])
    return max(0.0, max(lowest, low - room) - _MARGIN), min(1.0, min(highest, high + room) + _MARGIN)


def _finite(rates: Sequence[float]) -> list[float]:
    return [one for one in rates if math.isfinite(one)]


def funnel_plot_draw(result: Segments, lang: str) -> Any:
    """Draw the funnel plot."""
    draft = Draft(result, lang)
    rows = funnel_plot_data(result)
    if not rows or not result.n:
        return draft.nothing()
    plot = _Axes(draft, rows)
    layers = [*_lines(draft, plot), *_points(draft, plot, rows), _labels(draft, plot, rows)]
    chart = sized(alt.layer(*layers), width=_plot_size()[0], height=_plot_size()[1])
    remarks = []
    if result.overdispersion > 1:
        remarks.append(draft.say.say("charts.funnel_plot.spread", overdispersion=result.overdispersion))
    rated_n = len(_rated(result))
    if len(rows) < rated_n:
        remarks.append(draft.say.say("charts.forest.more", shown_n=len(rows), groups_n=rated_n))
    return draft.finish(chart, _title(draft), *remarks)


class _Axes:
    """The axes that all layers share, and places in pixels for setting labels apart."""

    def __init__(self, draft: Draft, rows: Sequence[Row]) -> None:
        result, say = draft.result, draft.say
        self.low, self.high = span(result)
        self.most = max(row["decided_n"] for row in rows) * 1.06
        decided = result.measure == "decided"
        named = placeholders(result, say)
        self._x_axis = alt.Axis(
            title=say.say("charts.funnel_plot.x" if decided else "charts.funnel_plot.x_by_day", **named),
            grid=False, format=",d", tickCount=theme.fit(8, 4), tickMinStep=1,
        )  # fmt: skip
        title = say.say("charts.funnel_plot.y" if decided else "charts.funnel_plot.y_by_day", **named)
        self._y_axis = share_axis(say, title=title, tickCount=6)

    def x(self) -> alt.X:
        return alt.X("decided_n:Q", scale=alt.Scale(domain=[0, self.most], nice=False), axis=self._x_axis)

    def y(self, field: str) -> alt.Y:
        scale = alt.Scale(domain=[self.low, self.high], nice=False, zero=False)
        return alt.Y(f"{field}:Q", scale=scale, axis=self._y_axis)

    def place(self, row: Row) -> tuple[float, float]:
        share = min(max(row["raw_rate"], self.low), self.high)
        x = _plot_size()[0] * row["decided_n"] / self.most
        return x, _plot_size()[1] * (1 - (share - self.low) / (self.high - self.low))


def _lines(draft: Draft, plot: _Axes) -> list[Any]:
    rows = limits(draft.result)
    base = draft.layer(rows, "limits")
    last = {name: rows[-1][name] for name in _LIMITS}
    layers: list[Any] = [
        base.mark_area(color=theme.MOVED, opacity=0.07, interpolate="monotone", clip=True).encode(
            x=plot.x(), y=plot.y("limit_95_lower"), y2="limit_95_upper:Q"
        )
    ]
    for name in _LIMITS:
        dash = [5, 4] if "95_" in name else [1, 0]
        layers.append(
            base.mark_line(
                color=theme.QUIET, strokeWidth=1.1, strokeDash=dash, interpolate="monotone", clip=True
            ).encode(x=plot.x(), y=plot.y(name))
        )
    pooled = draft.result.pooled_rate
    ends = [
        {"rate": last["limit_95_upper"], "label": draft.say.get("charts.funnel_plot.limit_95")},
        {"rate": last["limit_998_upper"], "label": draft.say.get("charts.funnel_plot.limit_998")},
        {"rate": pooled, "label": draft.say.say("charts.funnel_plot.pooled", pooled_rate=pooled)},
    ]
    words = draft.layer(_apart(ends, plot), "ends")
    layers.append(words.transform_filter("datum.rule").mark_rule(color=theme.INK).encode(y=plot.y("rate")))
    layers.append(
        words.mark_text(align="left", fontSize=theme.SMALL_SIZE, color=theme.QUIET, baseline="middle").encode(
            x=alt.value(_plot_size()[0] + 6), y=plot.y("shown"), text="label:N"
        )
    )
    return layers


def _apart(ends: list[Row], plot: _Axes) -> list[Row]:
    """Move the words at the right edge apart where lines end close together."""
    gap = 14 * (plot.high - plot.low) / _plot_size()[1]
    pooled = ends[2]["rate"]
    first = max(ends[0]["rate"], pooled + gap)
    second = min(max(ends[1]["rate"], first + gap), plot.high)  # curves may end above the picture
    first = min(first, second - gap)
    places = (first, second, min(pooled, first - gap))
    return [
        row | {"shown": place, "rule": rank == 2}
        for rank, (row, place) in enumerate(zip(ends, places, strict=True))
    ]


def _points(draft: Draft, plot: _Axes, rows: Sequence[Row]) -> list[Any]:
    say = draft.say
    base = draft.layer([row | {"name": say.group(row["group"])} for row in rows], "groups")
    present = [zone for zone in ZONES if any(row["zone"] == zone for row in rows)]
    words = {zone: say.get(f"verdicts.{zone}") for zone in present}
    labels = [words[zone] for zone in present]
    named = draft.sheets[base.data.name]
    for row in named:
        row["zone_words"] = words[row["zone"]]
        row["place"] = min(max(row["raw_rate"], plot.low), plot.high)
    legend = alt.Legend(
        title=None,
        orient="top",
        direction=theme.fit("horizontal", "vertical"),
        columns=theme.fit(0, 1),
        symbolSize=90,
        offset=4,
    )
    tips = [
        alt.Tooltip("name:N", title=say.attribute_head(draft.result.by)),
        alt.Tooltip("decided_n:Q", title=say.get("charts.funnel_plot.x"), format=","),
        alt.Tooltip("raw_rate:Q", title=say.get("charts.forest.rate"), format=".1%"),
    ]
    return [
        base.mark_point(filled=True, size=86, opacity=1, stroke=theme.PAPER, strokeWidth=0.8).encode(
            x=plot.x(),
            y=plot.y("place"),
            color=alt.Color(
                "zone_words:N",
                scale=alt.Scale(domain=labels, range=[ZONES[zone][0] for zone in present]),
                legend=legend,
            ),
            shape=alt.Shape(
                "zone_words:N",
                scale=alt.Scale(domain=labels, range=[ZONES[zone][1] for zone in present]),
                legend=legend,
            ),
            tooltip=tips,
        )
    ]


def _labels(draft: Draft, plot: _Axes, rows: Sequence[Row]) -> Any:
    """Name the points, those outside the limits first, as far as names find room beside their point."""
    order = tuple(ZONES)
    taken = _Taken(_plot_size())
    for x, y in {plot.place(row) for row in rows}:
        taken.add((x - 6, y - 6, x + 6, y + 6))
    pieces = []
    for row in sorted(rows, key=lambda row: (order.index(row["zone"]), -row["decided_n"])):
        x, y = plot.place(row)
        label = theme.shorten(draft.say.group(row["group"]), 150, theme.SMALL_SIZE)
        if not plot.low <= row["raw_rate"] <= plot.high:  # drawn at the edge, so the name says where it is
            label = f"{label} {draft.say.numbers.percent(row['raw_rate'])}"
        room = theme.text_width(label, theme.SMALL_SIZE)
        beside = min(max(y, 9.0), _plot_size()[1] - 9.0)  # also of a point at the edge
        spots = [
            (x + 9, beside, "left"),
            (x - 9, beside, "right"),
            (x, y - 14, "center"),
            (x, y + 14, "center"),
        ]
        for px, py, align in spots:
            start = px - (0 if align == "left" else room if align == "right" else room / 2)
            box = (start, py - 7, start + room, py + 7)
            if taken.free(box):
                taken.add(box)
                pieces.append({"x": px, "y": py, "label": label, "align": align})
                break
    layers = [
        draft.layer([piece], "label")
        .mark_text(
            align=piece["align"], baseline="middle", fontSize=theme.SMALL_SIZE, text=piece["label"], **style
        )
        .encode(x=alt.value(piece["x"]), y=alt.value(piece["y"]))
        for piece in pieces
        for style in (
            {"stroke": theme.PAPER, "strokeWidth": 3},
            {"color": theme.INK},
        )  # lines stay off the name
    ]
    return alt.layer(*layers) if layers else draft.layer([{}], "label").mark_point(opacity=0)


class _Taken:
    """The pixels of a picture that are taken: a question costs the same however many boxes there are."""

    def __init__(self, size: tuple[int, int]) -> None:
        self._width, self._height = size
        self._pixels = np.zeros((self._height, self._width), dtype=bool)

    def _within(self, box: tuple[float, float, float, float]) -> Any:
        left, top, right, bottom = box
        return self._pixels[
            max(math.floor(top), 0) : max(math.ceil(bottom), 0),
            max(math.floor(left), 0) : max(math.ceil(right), 0),
        ]

    def add(self, box: tuple[float, float, float, float]) -> None:
        """Take a box; what lies outside the picture is left out."""
        self._within(box)[...] = True

    def free(self, box: tuple[float, float, float, float]) -> bool:
        """Return whether a box lies in the picture and touches nothing taken."""
        left, top, right, bottom = box
        inside = left > 2 and right < self._width - 2 and top > 0 and bottom < self._height
        return inside and not self._within(box).any()
