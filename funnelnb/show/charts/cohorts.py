"""Cohorts: the share won by age and period of creation, and the rate at one age over time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import altair as alt

from funnelnb.core.check import TOO_FEW_N
from funnelnb.show.charts import theme
from funnelnb.show.charts.parts import Draft, field_tips, largest_groups, panel_title, share_axis, sized
from funnelnb.show.tables.table import placeholders
from funnelnb.show.views.registry import rate_of, unjudged

if TYPE_CHECKING:
    from funnelnb.analysis.conversion.cohort import Cohorts
    from funnelnb.show.charts.parts import Row


# ---- Cohort heat map: the share won by age, one line per period of creation --------------------------------

CELL_MOST, CELL_LEAST, STEP, LOW_STEP = 92, 30, 26, 17
WIDTH, SMALL_WIDTH = 660, 290
COHORTS_MOST, COHORT_HEAT_GROUPS_MOST = 60, 6
NARROW_AGES = 7
"""On a phone of more ages every second, third … is drawn, the last among them."""
"""Of more periods the latest are drawn, of more groups the largest; the table has them all."""


def cohort_heat_data(result: Cohorts) -> list[Row]:
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


def _unknown(draft: Draft, rows: list[Row]) -> bool:
    """Whether the data cannot tell any rate: then the picture says why."""
    return bool(unjudged(draft.result)) and all(not row["won_rate"] >= 0 for row in rows)


def cohort_heat_draw(result: Cohorts, lang: str) -> Any:
    """Draw the heat map."""
    draft = Draft(result, lang)
    rows = cohort_heat_data(result)
    if not rows or not result.n or _unknown(draft, rows):
        return draft.nothing()
    most = max(row["won_rate"] for row in rows)
    groups = largest_groups(rows, COHORT_HEAT_GROUPS_MOST)
    shown = [row for row in rows if row["group"] in groups]
    if not result.by:
        chart = _cohort_heat_panel(draft, shown, most, WIDTH)
    else:
        panels = [
            sized(
                _cohort_heat_panel(draft, [row for row in shown if row["group"] == group], most, SMALL_WIDTH),
                title=panel_title(draft, group, SMALL_WIDTH),
            )
            for group in groups
        ]
        chart = alt.concat(*panels, columns=theme.fit(2, 1), spacing=30)
    key = "charts.heat.title_groups" if result.by else "charts.heat.title"
    return draft.finish(chart, draft.say.say(key, **placeholders(result, draft.say)), *_remarks(draft, shown))


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


def _cohort_heat_panel(draft: Draft, rows: list[Row], most: float, width: float) -> Any:
    ages = sorted({cell.age_days for cell in draft.result.cells})
    ages = ages[::-1][:: theme.fit(1, math.ceil(len(ages) / NARROW_AGES))][::-1]
    rows = [row for row in rows if row["age_days"] in ages]
    cohorts = sorted({row["cohort"] for row in rows})
    least = theme.fit(CELL_LEAST if width == WIDTH else 20, 20)
    cell_width = max(least, min(CELL_MOST, theme.fit(width, 216) / len(ages)))
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
        "ink": theme.ON_DARK if row["kind"] == "mature" and row["won_rate"] > 0.55 * most else theme.ON_LIGHT,
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
        title=None if draft.result.by or theme.fit(False, True) else say.get("charts.heat.y"),
        domain=False,
        ticks=False,
        labelPadding=6,
    )
    x = alt.X("age:O", sort=[say.numbers.bare_days(age) for age in ages], axis=x_axis,
              scale=alt.Scale(domain=[say.numbers.bare_days(age) for age in ages]))  # fmt: skip
    y = alt.Y("name:O", sort=None, axis=y_axis, scale=alt.Scale(domain=names))
    ramp = alt.Scale(domain=[0, most], range=list(theme.SEQUENCE), interpolate="lab")
    mark = share_axis(say).to_dict()["labelExpr"]
    legend = alt.Legend(title=say.get("charts.heat.legend"), labelExpr=mark, gradientLength=140, tickCount=4,
                        orient=theme.fit("right", "bottom"))  # fmt: skip
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


# ---- Trend: the rate at one age by period of creation -----------------------------------------------------

SIZE, SMALL = (730, 300), (330, 190)
TREND_GROUPS_MOST = 6
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


def trend_data(result: Cohorts) -> list[Row]:
    """Return one row per period in time order, with the kind of mark it gets: mature, young or few."""
    return [
        {name: getattr(row, name) for name in _FIELDS}
        | {"kind": "few" if not row.enough else "mature" if row.mature else "young"}
        for row in result.rows
        if row.deal_n
    ]


def trend_draw(result: Cohorts, lang: str) -> Any:
    """Draw the trend."""
    draft = Draft(result, lang)
    rows = trend_data(result)
    if not rows or not result.n or _unknown(draft, rows):
        return draft.nothing()
    if result.by:
        return _by_group(draft, rows)
    axes = _Axes(draft, rows, rows, theme.fit(SIZE, (216, 230)))
    chart = _trend_panel(draft, axes, rows)
    return draft.finish(chart, _title(draft), "" if axes.level else _sizes(draft, rows))


def _trend_panel(draft: Draft, axes: _Axes, rows: list[Row]) -> Any:
    layers = [*_young(draft, axes, rows), *_marks(draft, axes, rows)]
    if axes.level and axes.size == SIZE:
        layers.append(_numbers(draft, axes, rows))
    return sized(alt.layer(*layers), width=axes.size[0], height=axes.size[1])


def _by_group(draft: Draft, rows: list[Row]) -> Any:
    say, groups = draft.say, largest_groups(rows, TREND_GROUPS_MOST)
    shown = [row for row in rows if row["group"] in groups]
    panels = []
    for group in groups:
        mine = [row for row in shown if row["group"] == group]
        chart = _trend_panel(draft, _Axes(draft, mine, shown, SMALL), mine)
        panels.append(sized(chart, title=panel_title(draft, group, SMALL[0])))
    more, all_n = "", len({row["group"] for row in rows})
    if len(groups) < all_n:
        more = say.say("charts.parts.more_groups", shown_n=len(groups), groups_n=all_n)
    title = say.say("charts.trend.title_groups", **placeholders(draft.result, say))
    return draft.finish(alt.concat(*panels, columns=2, spacing=30), title, _sizes(draft, shown), more)


def _sizes(draft: Draft, rows: list[Row]) -> str:
    sizes = [row["deal_n"] for row in rows]
    period = placeholders(draft.result, draft.say)["period"]
    return draft.say.say("charts.trend.sizes", period=period, least_n=min(sizes), most_n=max(sizes))


def _title(draft: Draft) -> str:
    result, say = draft.result, draft.say
    ripe = [row for row in result.rows if row.mature and row.enough]
    values = placeholders(result, say)
    if not ripe:
        return say.say("charts.trend.title_none", **values)
    return say.say(
        "charts.trend.title", **values | {"cohort": ripe[-1].cohort, "rate": rate_of(ripe[-1], "won", say)}
    )


class _Axes:
    """The axes that all layers share."""

    def __init__(self, draft: Draft, rows: list[Row], alike: list[Row], size: tuple[int, int]) -> None:
        say, named, small = draft.say, placeholders(draft.result, draft.say), size == SMALL
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
            "label": draft.say.say(
                "charts.trend.trusted_from", date=draft.say.numbers.date(row["trusted_from"])
            ),
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
    legend = alt.Legend(
        title=None, orient="top", direction=theme.fit("horizontal", "vertical"), columns=theme.fit(0, 1),
        symbolSize=80, offset=8,
    )  # fmt: skip

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
