"""Trend: the rate at one age by period of creation; periods that have not had their time are drawn as such.

A full mark is a period that has had its full time, an open one on grey ground is an estimate up to the age
seen so far, with the date from which it can be trusted. Only full marks are joined by a line.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import altair as alt

from funnelnb.show import theme
from funnelnb.show.charts.parts import Draft, field_tips, largest_groups, panel_title, share_axis, sized
from funnelnb.show.finding import rate_of
from funnelnb.show.table import facts

if TYPE_CHECKING:
    from funnelnb.analysis.cohort import Cohorts
    from funnelnb.show.charts.parts import Row

SIZE, SMALL = (730, 300), (330, 190)
GROUPS_MOST = 6
"""More groups than this are not drawn; the table has them."""
LOOKS = {
    "mature": (theme.MOVED, theme.MOVED, "circle"),
    "young": (theme.PAPER, theme.MOVED, "circle"),
    "few": (theme.LEFT, theme.LEFT, "cross"),
}
"""Fill, outline and shape of each kind of mark."""
_FIELDS = (
    "group", "cohort", "deal_n", "won_rate", "won_ci_lower", "won_ci_upper", "mature",
    "trusted_from", "seen_days", "enough",
)  # fmt: skip


def data(result: Cohorts) -> list[Row]:
    """Return one row per period in time order, with the kind of mark it gets: mature, young or few."""
    return [
        {name: getattr(row, name) for name in _FIELDS}
        | {"kind": "few" if not row.enough else "mature" if row.mature else "young"}
        for row in result.rows
        if row.deal_n
    ]


def draw(result: Cohorts, lang: str) -> Any:
    """Draw the trend."""
    draft = Draft(result, lang)
    rows = data(result)
    if not rows or not result.n:
        return draft.nothing()
    if result.by:
        return _by_group(draft, rows)
    axes = _Axes(draft, rows, rows, SIZE)
    chart = _panel(draft, axes, rows)
    return draft.finish(chart, _title(draft), "" if axes.level else _sizes(draft, rows))


def _panel(draft: Draft, axes: _Axes, rows: list[Row]) -> Any:
    layers = [*_young(draft, axes, rows), *_marks(draft, axes, rows)]
    if axes.level and axes.size == SIZE:
        layers.append(_numbers(draft, axes, rows))
    return sized(alt.layer(*layers), width=axes.size[0], height=axes.size[1])


def _by_group(draft: Draft, rows: list[Row]) -> Any:
    say, groups = draft.say, largest_groups(rows, GROUPS_MOST)
    shown = [row for row in rows if row["group"] in groups]
    panels = []
    for group in groups:
        mine = [row for row in shown if row["group"] == group]
        chart = _panel(draft, _Axes(draft, mine, shown, SMALL), mine)
        panels.append(sized(chart, title=panel_title(draft, group, SMALL[0])))
    more, all_n = "", len({row["group"] for row in rows})
    if len(groups) < all_n:
        more = say.say("charts.parts.more_groups", shown_n=len(groups), groups_n=all_n)
    title = say.say("charts.trend.title_groups", **facts(draft.result, say))
    return draft.finish(alt.concat(*panels, columns=2, spacing=30), title, _sizes(draft, shown), more)


def _sizes(draft: Draft, rows: list[Row]) -> str:
    sizes = [row["deal_n"] for row in rows]
    period = facts(draft.result, draft.say)["period"]
    return draft.say.say("charts.trend.sizes", period=period, least_n=min(sizes), most_n=max(sizes))


def _title(draft: Draft) -> str:
    result, say = draft.result, draft.say
    ripe = [row for row in result.rows if row.mature and row.enough]
    values = facts(result, say)
    if not ripe:
        return say.say("charts.trend.title_none", **values)
    return say.say(
        "charts.trend.title", **values | {"cohort": ripe[-1].cohort, "rate": rate_of(ripe[-1], "won", say)}
    )


class _Axes:
    """The axes that all layers share."""

    def __init__(self, draft: Draft, rows: list[Row], alike: list[Row], size: tuple[int, int]) -> None:
        say, named, small = draft.say, facts(draft.result, draft.say), size == SMALL
        self.size = size
        self.cohorts = sorted({row["cohort"] for row in alike})
        self.kinds = [kind for kind in LOOKS if any(row["kind"] == kind for row in alike)]
        step = size[0] / len(self.cohorts)
        tall = [row["won_ci_upper"] for row in alike if row["kind"] == "mature"]
        tall += [row["won_ci_upper"] * (1.8 if small else 1.45) for row in alike if row["kind"] == "young"]
        known = [value for value in tall if not math.isnan(value)]
        self.top = min(1.0, max([0.05, *(value * 1.08 for value in known)]))
        longest = max(theme.text_width(cohort, theme.SMALL_SIZE) for cohort in self.cohorts)
        self.level = step > longest + 2
        self.dated = step > theme.SMALL_SIZE + 2
        self._x_axis = alt.Axis(
            title=None if small else say.say("charts.trend.x", **named),
            labelAngle=0 if self.level else -45,
            labelOverlap=True,
            grid=False,
            labelFontSize=theme.SMALL_SIZE,
            labelPadding=4,
            titlePadding=24 if self.level else 8,
        )
        self._y_axis = share_axis(
            say, title=None if small else say.say("charts.trend.y", **named), tickCount=4 if small else 6
        )

    def x(self) -> alt.X:
        return alt.X("cohort:O", scale=alt.Scale(domain=self.cohorts), sort=None, axis=self._x_axis)

    def y(self, field: str) -> alt.Y:
        scale = alt.Scale(domain=[0, self.top], nice=False, clamp=True)
        return alt.Y(f"{field}:Q", scale=scale, axis=self._y_axis)


def _young(draft: Draft, axes: _Axes, rows: list[Row]) -> list[Any]:
    """Draw the grey ground of young periods and the date from which each can be trusted."""
    young = [
        {
            "cohort": row["cohort"],
            "label": draft.say.say("charts.trend.trusted_from", date=row["trusted_from"]),
            "place": "below" if row["won_ci_lower"] > axes.top - row["won_ci_upper"] else "above",
        }
        for row in rows
        if not row["mature"]
    ]
    if not young:
        return []
    base = draft.layer(young, "young")
    ground = base.mark_rect(color="#EEF1F3").encode(x=axes.x(), y=alt.value(0), y2=alt.value(axes.size[1]))
    if not axes.dated:
        return [ground]
    mark = {"angle": 270, "baseline": "middle", "fontSize": theme.SMALL_SIZE, "color": theme.QUIET}
    ends = (("right", "above", 5), ("left", "below", axes.size[1] - 5))
    return [ground] + [
        base.transform_filter(f"datum.place == '{place}'")
        .mark_text(align=align, **mark)
        .encode(x=axes.x(), y=alt.value(y), text="label:N")
        for align, place, y in ends
        if any(row["place"] == place for row in young)
    ]


def _marks(draft: Draft, axes: _Axes, rows: list[Row]) -> list[Any]:
    say = draft.say
    base = draft.layer(rows, "cohorts")
    kinds = {kind: say.get(f"charts.trend.{kind}") for kind in ("mature", "young", "few")}
    for row in draft.sheets[base.data.name]:
        row["words"] = kinds[row["kind"]]
    ripe = base.transform_filter("datum.kind == 'mature'")
    known = base.transform_filter("datum.kind != 'few'")
    shown = {"cohort": "", "deal_n": ",", "won_rate": ".1%", "seen_days": ",.0f", "trusted_from": ""}
    tips = field_tips(draft, "CohortRow", **shown)
    return [
        ripe.mark_line(color=theme.MOVED, strokeWidth=1.4, opacity=0.55).encode(
            x=axes.x(), y=axes.y("won_rate")
        ),
        known.mark_rule(color=theme.MOVED, strokeWidth=1.6).encode(
            x=axes.x(),
            y=axes.y("won_ci_lower"),
            y2="won_ci_upper:Q",
            strokeDash=alt.condition("datum.kind == 'mature'", alt.value([1, 0]), alt.value([3, 3])),
        ),
        base.mark_point(filled=True, size=80, opacity=1, strokeWidth=1.8).encode(
            x=axes.x(), y=axes.y("won_rate"), tooltip=tips, **_looks(kinds, axes.kinds)
        ),
    ]


def _looks(kinds: dict[str, str], present: list[str]) -> dict[str, Any]:
    """Return fill, outline and shape by kind, with one legend in words."""
    domain = [kinds[kind] for kind in present]
    legend = alt.Legend(title=None, orient="top", direction="horizontal", columns=0, symbolSize=80, offset=8)

    def scale(place: int) -> alt.Scale:
        return alt.Scale(domain=domain, range=[LOOKS[kind][place] for kind in present])

    return {
        "fill": alt.Fill("words:N", scale=scale(0), legend=legend),
        "stroke": alt.Stroke("words:N", scale=scale(1), legend=legend),
        "shape": alt.Shape("words:N", scale=scale(2), legend=legend),
    }


def _numbers(draft: Draft, axes: _Axes, rows: list[Row]) -> Any:
    """Write under each period how many deals it holds."""
    short = [{"cohort": row["cohort"], "n": draft.say.numbers.count(row["deal_n"])} for row in rows]
    for piece in short[:1]:
        piece["n"] = "n = " + piece["n"]
    mark = {"baseline": "top", "fontSize": theme.SMALL_SIZE, "color": theme.QUIET}
    return (
        draft.layer(short, "numbers")
        .mark_text(**mark)
        .encode(x=axes.x(), y=alt.value(axes.size[1] + 24), text="n:N")
    )
