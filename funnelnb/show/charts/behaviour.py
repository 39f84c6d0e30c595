"""Behaviour funnels drawn: steps, times, trend, groups, drivers, paths, retention and growth."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import altair as alt

from funnelnb.show.charts import theme
from funnelnb.show.charts.parts import Draft, own_colour, panel_title, share_axis, sized
from funnelnb.show.tables.lists import key_of
from funnelnb.show.views.behaviour import group_name, kind_name, told
from funnelnb.show.views.registry import rate_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.analysis.behaviour.aarrr import Growth
    from funnelnb.analysis.behaviour.compare import BehaviourGroups
    from funnelnb.analysis.behaviour.funnel import Funnel
    from funnelnb.analysis.behaviour.retention import Retention
    from funnelnb.analysis.behaviour.trend import Trend
    from funnelnb.show.charts.parts import Row

PLOT, STEP = 430, 34
PLOT_PHONE, STEP_PHONE, NAMES_PHONE = 176, 50, 84
"""On a phone the numbers of a row stand under its marks, and names are short."""
GROUPS_MOST = 6
PARTS = (("through", theme.MOVED), ("running", theme.OPEN), ("dropped", theme.LOST))


def plot() -> int:
    """Return the width of the plot."""
    return theme.fit(PLOT, PLOT_PHONE)


def row_height() -> int:
    """Return the height of a row."""
    return theme.fit(STEP, STEP_PHONE)


def name_of(text: str) -> str:
    """Return the name of a row, as much of it as there is room for."""
    return theme.shorten(text, theme.fit(190, NAMES_PHONE), theme.LABEL_SIZE)


def ranked(height: float = 0) -> alt.Y:
    """Return the place of a row, from the top."""
    height = height or row_height()
    return alt.Y(
        "rank:Q", scale=alt.Scale(reverse=True, nice=False, zero=False, padding=height / 2), axis=None
    )


def labels_of(draft: Draft, rows: Sequence[Row], name: str) -> Any:
    """Write the name of each row at the left of the plot."""
    return (
        draft.layer(rows, name)
        .mark_text(align="right", baseline="middle", dx=-8)
        .encode(x=alt.value(0), y=ranked(), text="label:N")
    )


# ---- The funnel ---------------------------------------------------------------------------------------------


def funnel_data(result: Funnel) -> list[Row]:
    """Return for each group and step how many went on, are under way and dropped out."""
    rows = []
    for rank, row in enumerate(result.steps):
        last = row.next_step == ""
        sizes = (row.reached_n if last else row.advanced_n, row.running_n, row.dropped_n)
        start = 0
        for (part, _), n in zip(PARTS, sizes, strict=True):
            rows.append(
                {
                    "group": row.group,
                    "step": row.step,
                    "rank": rank,
                    "part": part,
                    "n": n,
                    "from": start,
                    "to": start + n,
                }
            )
            start += n
    return rows


def funnel_draw(result: Funnel, lang: str) -> Any:
    """Draw the steps, or with groups the overall rates of the groups."""
    draft = Draft(result, lang)
    if not result.n:
        return draft.nothing(draft.say.get("behaviour.none"))
    if result.by:
        return _group_rates(draft)
    say = draft.say
    names = [{"rank": rank, "label": name_of(row.step)} for rank, row in enumerate(result.steps)]
    legend = [(colour, say.get(f"charts.behaviour.{part}")) for part, colour in _parts(result)]
    layers = [
        _bars(draft),
        labels_of(draft, names, "names"),
        *_step_numbers(draft),
        _head(draft, say.get("charts.behaviour.reached"), plot()),
        _head(draft, say.say("charts.behaviour.rate", **told(result, say)), theme.fit(PLOT + 66, -8)),
        draft.legend(legend, 0, theme.fit(-16, -34)),
    ]
    chart = sized(alt.layer(*layers), width=plot(), height=row_height() * len(result.steps))
    return draft.finish(chart, _funnel_title(draft))


def _bars(draft: Draft) -> Any:
    """Draw of each step who went on, is under way, dropped out."""
    say, colours = draft.say, dict(PARTS)
    rows = [
        row
        | {"words": say.get(f"charts.behaviour.{row['part']}"), "colour": colours[row["part"]]}
        | _list_behind(draft.result, row)
        for row in funnel_data(draft.result)
        if row["n"]
    ]
    leads = {"href": "href:N"} if any("href" in row for row in rows) else {}
    most = max(row.reached_n for row in draft.result.steps)
    scale = alt.Scale(domain=[0, most * 1.02], nice=False)
    tips = [
        alt.Tooltip("step:N", title=say.field("step").label),
        alt.Tooltip("words:N", title=say.get("charts.behaviour.part")),
        alt.Tooltip("n:Q", format=",", title="n"),
    ]
    return (
        draft.layer(rows, "parts")
        .mark_bar(height=STEP * 0.62)
        .encode(
            x=alt.X("from:Q", scale=scale, axis=None), x2="to:Q", y=ranked(), color=own_colour(), tooltip=tips,
            **leads,
        )
    )  # fmt: skip


def _list_behind(result: Funnel, row: Row) -> Row:
    """Return the address of the people behind a piece of a bar, where the page has them."""
    step = result.steps[row["rank"]]
    status = row["part"] if row["part"] != "through" else "advanced" if step.next_step else "reached"
    key = key_of(result, step, f"{status}_n")
    return {"href": f"#{key}"} if key else {}


def _step_numbers(draft: Draft) -> list[Any]:
    """Write beside each step how many reached it, and the rate of going on."""
    say = draft.say
    numbers = [
        {
            "rank": rank,
            "text": say.numbers.count(row.reached_n),
            "rate": "" if row.next_step == "" or not row.enough else _best_rate(row, say),
        }
        for rank, row in enumerate(draft.result.steps)
    ]
    base = draft.layer(numbers, "numbers")
    beside = base.mark_text(align="left", baseline="middle", dx=8)
    return [
        beside.encode(x=alt.value(plot()), y=ranked(), text="text:N"),
        beside_or_under(base, alt.value(PLOT + 66)).encode(text="rate:N"),
    ]


def beside_or_under(base: Any, x: Any, dx: float = 8) -> Any:
    """Return text beside the marks at `x`, or on a phone under the marks of its row."""
    under = {"dy": 19, "dx": 0, "fontSize": theme.SMALL_SIZE}
    text = base.mark_text(align="left", baseline="middle", **theme.fit({"dx": dx}, under))
    return text.encode(x=theme.fit(x, alt.value(0)), y=ranked())


def _parts(result: Funnel) -> tuple[tuple[str, str], ...]:
    """Return the parts that the legend names: without a window nobody drops out."""
    return tuple(one for one in PARTS if one[0] != "dropped" or not math.isnan(result.within_days))


def _best_rate(row: Any, say: Any) -> str:
    return rate_of(row, "so_far" if math.isnan(row.by_time_rate) else "by_time", say)


def _head(draft: Draft, label: str, x: float) -> Any:
    return (
        draft.layer([{"text": label}], "heads")
        .mark_text(align="left", baseline="bottom", dx=8, color=theme.QUIET, fontSize=theme.SMALL_SIZE)
        .encode(x=alt.value(x), y=alt.value(-2), text="text:N")
    )


def _funnel_title(draft: Draft) -> str:
    row = draft.result.overall[0]
    key = "title_open" if math.isnan(draft.result.within_days) else "title"
    values = {"arrived_n": row.reached_n, "through_n": row.advanced_n, "running_n": row.running_n}
    return draft.say.say(f"charts.behaviour.{key}", **told(draft.result, draft.say) | values)


def _group_rates(draft: Draft) -> Any:
    """Draw each group's overall rate with its interval."""
    result, say = draft.result, draft.say
    rows = [row for row in result.overall if row.enough and not math.isnan(row.by_time_rate)]
    if not rows:
        return draft.nothing(say.say("charts.behaviour.title_groups", **told(result, say)))
    drawn = [
        {
            "rank": rank,
            "label": name_of(group_name(result, row.group, say)),
            "rate": row.by_time_rate,
            "lower": row.by_time_ci_lower,
            "upper": row.by_time_ci_upper,
            "text": f"{rate_of(row, 'by_time', say)}  ·  n = {say.numbers.count(row.by_time_n)}",
            "colour": theme.MOVED,
        }
        for rank, row in enumerate(sorted(rows, key=lambda row: -row.by_time_rate)[:40])
    ]
    title = say.say("charts.behaviour.x_groups", **told(result, say))
    chart = forest(draft, drawn, title)
    return draft.finish(chart, say.say("charts.behaviour.title_groups", **told(result, say)))


def forest(draft: Draft, drawn: list[Row], title: str, *, axis: Any = None) -> Any:
    """Draw points with intervals, one row each, and the numbers at the right."""
    low = min([row["lower"] for row in drawn] + ([0.0] if axis else []))
    high = max([row["upper"] for row in drawn] + ([0.0] if axis else []))
    pad = max(0.01, (high - low) * 0.06)
    scale = alt.Scale(
        domain=[low - pad, high + pad] if low < 0 else [max(0.0, low - pad), high + pad],
        nice=False,
        zero=False,
    )
    base = draft.layer(drawn, "rows")

    def x(field: str) -> alt.X:
        return alt.X(
            f"{field}:Q",
            scale=scale,
            axis=axis or share_axis(draft.say, title=title, tickCount=theme.fit(6, 4)),
        )

    rules = base.mark_rule(strokeWidth=2).encode(x=x("lower"), x2="upper:Q", y=ranked(), color=own_colour())
    points = base.mark_point(filled=True, size=70, opacity=1).encode(
        x=x("rate"), y=ranked(), color=own_colour()
    )
    texts = beside_or_under(base, alt.value(PLOT)).encode(text="text:N")
    return sized(
        alt.layer(rules, points, texts, labels_of(draft, drawn, "names")),
        width=plot(),
        height=row_height() * len(drawn) * 0.8,
    )


def times_data(result: Funnel) -> list[Row]:
    """Return the share that is through by days since arrival, per group."""
    return [
        {
            "group": one.group,
            "day": float(day),
            "rate": float(rate),
            "lower": float(low),
            "upper": float(high),
        }
        for one in result.curves[:GROUPS_MOST]
        for day, rate, low, high in zip(
            one.days, one.through_rate, one.through_ci_lower, one.through_ci_upper, strict=True
        )
    ]


def times_draw(result: Funnel, lang: str) -> Any:
    """Draw the share that is through by time, with its band."""
    draft = Draft(result, lang)
    say = draft.say
    rows = [row | {"name": group_name(result, row["group"], say)} for row in times_data(result)]
    if not rows:
        return draft.nothing(say.get("behaviour.none"))
    base = draft.layer(rows, "curve")
    x = alt.X("day:Q", title=say.get("charts.behaviour.curve_x"))
    axis = share_axis(say, title=say.get("charts.behaviour.curve_y"), tickCount=6)
    palette = [theme.MOVED, theme.LOST, theme.SECOND, "#009E73", "#CC79A7", theme.QUIET]
    names = list(dict.fromkeys(row["name"] for row in rows))
    colour = alt.Color(
        "name:N",
        scale=alt.Scale(domain=names, range=palette[: len(names)]),
        legend=None if len(names) == 1 else alt.Legend(title=None, orient="top"),
    )
    band = base.mark_area(opacity=0.16, interpolate="step-after").encode(
        x=x, y=alt.Y("lower:Q", axis=axis), y2="upper:Q", color=colour
    )
    line = base.mark_line(interpolate="step-after").encode(x=x, y=alt.Y("rate:Q", axis=axis), color=colour)
    row = max(result.overall, key=lambda one: one.reached_n)
    rate = rate_of(row, "by_time", say)
    title = say.say("charts.behaviour.curve_title", **told(result, say) | {"rate": rate})
    if result.by:
        title = say.say("charts.behaviour.title_groups", **told(result, say))
    return draft.finish(sized(alt.layer(band, line), width=theme.fit(640, 258), height=280), title)


# ---- The trend ----------------------------------------------------------------------------------------------

LOOKS = {"mature": (theme.MOVED, "circle"), "young": (theme.PAPER, "circle"), "few": (theme.LEFT, "cross")}


def trend_data(result: Trend) -> list[Row]:
    """Return one row per period, with the kind of mark it gets."""
    return [
        {
            "group": row.group,
            "period": row.period,
            "starts": row.starts,
            "n": row.arrived_n,
            "rate": row.rate,
            "lower": row.ci_lower,
            "upper": row.ci_upper,
            "kind": "few" if not row.enough else "mature" if row.mature else "young",
        }
        for row in result.rows
        if not math.isnan(row.rate)
    ]


def trend_draw(result: Trend, lang: str) -> Any:
    """Draw the rate by period; young periods hollow, breaks as lines with their interval."""
    draft = Draft(result, lang)
    rows = trend_data(result)
    if not rows:
        return draft.nothing(draft.say.get("behaviour.none"))
    groups = list(dict.fromkeys(row["group"] for row in rows))[:GROUPS_MOST]
    size = (660, 280) if len(groups) == 1 else (330, 190)
    size = theme.fit(size, (262, size[1]))
    panels = []
    for group in groups:
        mine = [row for row in rows if row["group"] == group]
        panel = _trend_panel(draft, mine, [one for one in result.breaks if one.group == group], size)
        panels.append(panel if len(groups) == 1 else sized(panel, title=panel_title(draft, group, size[0])))
    chart = panels[0] if len(panels) == 1 else alt.concat(*panels, columns=theme.fit(2, 1), spacing=30)
    title = draft.say.say("charts.behaviour.trend_title", **told(result, draft.say))
    return draft.finish(chart, title)


def _trend_panel(draft: Draft, rows: list[Row], breaks: list[Any], size: tuple[int, int]) -> Any:
    say, named = draft.say, told(draft.result, draft.say)
    words = {kind: say.get(f"charts.behaviour.trend_{kind}") for kind in LOOKS}
    rows = [row | {"words": words[row["kind"]]} for row in rows]
    base = draft.layer(rows, "periods")
    periods = [row["period"] for row in rows]
    x_axis = alt.Axis(
        title=say.say("charts.behaviour.trend_x", **named),
        labelOverlap=True,
        labelAngle=0 if len(periods) < 9 else -45,
        grid=False,
    )
    x = alt.X("period:O", sort=None, scale=alt.Scale(domain=periods), axis=x_axis)
    top = min(1.0, 1.1 * max(row["upper"] for row in rows))
    axis = share_axis(say, title=say.say("charts.behaviour.trend_y", **named), tickCount=6)
    scale = alt.Scale(domain=[0, max(top, 0.02)], nice=False, clamp=True)

    def y(field: str) -> alt.Y:
        return alt.Y(f"{field}:Q", scale=scale, axis=axis)

    ripe = base.transform_filter("datum.kind == 'mature'")
    known = base.transform_filter("datum.kind != 'few'")
    tips = [
        alt.Tooltip("period:N", title=say.field("period", "TrendRow").label),
        alt.Tooltip("rate:Q", format=".1%", title=say.say("charts.behaviour.trend_y", **named)),
        alt.Tooltip("n:Q", format=",", title="n"),
    ]
    marks = base.mark_point(
        filled=True, size=46 if len(rows) > 40 else 80, opacity=1, stroke=theme.MOVED
    ).encode(x=x, y=y("rate"), tooltip=tips, **_looks(words, rows))
    layers = [
        *_break_layers(draft, breaks, x, size),
        ripe.mark_line(color=theme.MOVED, opacity=0.5).encode(x=x, y=y("rate")),
        known.mark_rule(color=theme.MOVED).encode(x=x, y=y("lower"), y2="upper:Q"),
        marks,
    ]
    return sized(alt.layer(*layers), width=size[0], height=size[1])


def _looks(words: dict[str, str], rows: list[Row]) -> dict[str, Any]:
    """Return fill and shape by kind of mark, with one legend in words."""
    present = [kind for kind in LOOKS if any(row["kind"] == kind for row in rows)]
    domain = [words[kind] for kind in present]
    legend = alt.Legend(title=None, orient="top", direction="horizontal", columns=0)

    def scale(place: int) -> alt.Scale:
        return alt.Scale(domain=domain, range=[LOOKS[kind][place] for kind in present])

    return {
        "fill": alt.Fill("words:N", scale=scale(0), legend=legend),
        "shape": alt.Shape("words:N", scale=scale(1), legend=legend),
    }


def _break_layers(draft: Draft, breaks: list[Any], x: Any, size: tuple[int, int]) -> list[Any]:
    """Draw each change as a line with its words."""
    if not breaks:
        return []
    say = draft.say
    rows = [
        {
            "period": one.period,
            "text": say.say(
                "charts.behaviour.trend_break",
                break_period=one.period,
                before=say.numbers.percent(one.before_rate),
                after=say.numbers.percent(one.after_rate),
            ),
            "y": 10 + 14 * place,
        }
        for place, one in enumerate(breaks)
    ]
    base = draft.layer(rows, "breaks")
    line = base.mark_rule(color=theme.LOST, strokeDash=[4, 3]).encode(
        x=x, y=alt.value(0), y2=alt.value(size[1])
    )
    text = base.mark_text(align="left", dx=5, color=theme.LOST_INK, fontSize=theme.SMALL_SIZE).encode(
        x=x, y=alt.Y("y:Q", scale=None, axis=None), text="text:N"
    )
    return [line, text]


# ---- Groups ---------------------------------------------------------------------------------

COLOURS = {"higher": theme.MOVED, "lower": theme.LOST, "not_separable": theme.QUIET, "too_few": theme.LEFT}


def forest_data(result: BehaviourGroups) -> list[Row]:
    """Return one row per group that has a rate."""
    return [
        {
            "group": row.group,
            "rate": row.rate,
            "lower": row.ci_lower,
            "upper": row.ci_upper,
            "n": row.arrived_n,
            "verdict": row.verdict,
        }
        for row in result.rows
        if not math.isnan(row.rate)
    ]


def forest_draw(result: BehaviourGroups, lang: str) -> Any:
    """Draw the groups with their intervals and verdicts."""
    draft = Draft(result, lang)
    say, rows = draft.say, forest_data(result)[:40]
    if not rows:
        return draft.nothing(say.get("behaviour.none"))
    drawn = [
        row
        | {
            "rank": rank,
            "label": name_of(group_name(result, row["group"], say)),
            "colour": COLOURS[row["verdict"]],
            "text": "  ·  n = ".join(
                [say.numbers.interval(row["rate"], row["lower"], row["upper"]), say.numbers.count(row["n"])]
            ),
        }
        for rank, row in enumerate(rows)
    ]
    some = sum(row["verdict"] in ("higher", "lower") for row in rows)
    key = "forest_title_some" if some else "forest_title_none"
    title = say.say("charts.behaviour.x_groups", **told(result, say))
    return draft.finish(forest(draft, drawn, title), say.say(f"charts.behaviour.{key}", some_n=some))


# ---- Retention and growth -----------------------------------------------------------------------------------


def triangle_data(result: Retention) -> list[Row]:
    """Return one row per cohort and period after the first."""
    return [
        {
            "cohort": row.cohort,
            "place": row.place,
            "rate": row.rate,
            "n": row.seen_n,
            "back": row.back_n,
            "complete": row.complete,
            "enough": row.enough,
        }
        for row in result.cells
        if row.place > 0
    ]


def triangle_draw(result: Retention, lang: str) -> Any:
    """Draw the triangle; cells that are not over for the whole cohort stay pale."""
    draft = Draft(result, lang)
    say = draft.say
    cells = triangle_data(result)
    values = told(result, say) | {"kind": kind_name(result, say)}
    if not cells:
        return draft.nothing(say.get("findings.retention.none"))
    for row in cells:
        row["text"] = say.numbers.percent(row["rate"]) if row["enough"] else "·"
        row["shade"] = row["rate"] if row["enough"] else None
    places = len({row["place"] for row in cells})
    cohorts = len({row["cohort"] for row in cells})
    chart = sized(
        _triangle(draft, cells, values),
        width=min(theme.fit(680, 250), theme.fit(58, 40) * places),
        height=22 * cohorts,
    )
    pale = say.get("charts.behaviour.triangle_open") if any(not row["complete"] for row in cells) else ""
    return draft.finish(chart, say.say("charts.behaviour.triangle_title", **values), pale)


def _triangle(draft: Draft, cells: list[Row], values: dict[str, Any]) -> Any:
    say, base = draft.say, draft.layer(cells, "cells")
    head = say.say("charts.behaviour.triangle_x", **values)
    x = alt.X("place:O", axis=alt.Axis(title=head, orient="top", labelAngle=0))
    y = alt.Y("cohort:O", sort=None, axis=alt.Axis(title=say.get("charts.behaviour.triangle_y")))
    top = max([0.05, *(row["rate"] for row in cells if row["enough"])])
    colour = alt.Color("shade:Q", scale=alt.Scale(domain=[0, top], range=list(theme.SEQUENCE)), legend=None)
    tips = [
        alt.Tooltip("cohort:N", title=say.field("cohort", "RetentionCell").label),
        alt.Tooltip("place:O", title=say.field("place", "RetentionCell").label),
        alt.Tooltip("rate:Q", format=".1%", title=say.get("charts.behaviour.back_share")),
        alt.Tooltip("back:Q", title=say.field("back_n", "RetentionCell").label),
        alt.Tooltip("n:Q", title="n"),
    ]
    pale = alt.condition("datum.complete", alt.value(1.0), alt.value(0.45))
    dark = f"datum.complete && datum.shade > {0.55 * top}"
    ink = alt.condition(dark, alt.value(theme.ON_DARK), alt.value(theme.ON_LIGHT))
    return alt.layer(
        base.mark_rect().encode(x=x, y=y, color=colour, opacity=pale, tooltip=tips),
        base.mark_text(fontSize=theme.SMALL_SIZE).encode(x=x, y=y, text="text:N", color=ink),
    )


def growth_data(result: Growth) -> list[Row]:
    """Return the three shares of all people: activated, back, paid."""
    row = result.rows[0]
    return [
        {
            "name": name,
            "rate": getattr(row, f"{name}_rate"),
            "lower": getattr(row, f"{name}_ci_lower"),
            "upper": getattr(row, f"{name}_ci_upper"),
        }
        for name in ("activated", "retained", "paid")
        if not math.isnan(getattr(row, f"{name}_rate"))
    ]


def growth_draw(result: Growth, lang: str) -> Any:
    """Draw activation, retention and payment with their intervals."""
    draft = Draft(result, lang)
    say = draft.say
    rows = growth_data(result) if result.n else []
    if not rows:
        return draft.nothing(say.get("behaviour.none"))
    drawn = [
        row
        | {
            "rank": rank,
            "label": say.field(f"{row['name']}_rate").label,
            "colour": theme.MOVED,
            "text": say.numbers.interval(row["rate"], row["lower"], row["upper"]),
        }
        for rank, row in enumerate(rows)
    ]
    title = say.say("charts.behaviour.growth_title", acquired_n=result.rows[0].acquired_n)
    return draft.finish(forest(draft, drawn, say.get("charts.behaviour.growth_x")), title)
