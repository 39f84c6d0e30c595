"""Priorities: the quadrant, moves between levels, buyer roles met, claimed against supported stages."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import altair as alt

from funnelnb.show.charts import theme
from funnelnb.show.charts.parts import Draft, own_colour, pixel, text
from funnelnb.show.tables.table import placeholders
from funnelnb.show.text.words import stage_name
from funnelnb.show.views.priority import role_name

if TYPE_CHECKING:
    from funnelnb.analysis.priority.honest_funnel import HonestFunnel
    from funnelnb.analysis.priority.level_moves import LevelMoves
    from funnelnb.analysis.priority.quadrant import Quadrant
    from funnelnb.analysis.priority.roles import Roles
    from funnelnb.show.charts.parts import Row
    from funnelnb.show.text.words import Words


# ---- The quadrant: every open deal by time to close and size, with the lines that part the four classes ----

QUADRANT_WIDTH, QUADRANT_HEIGHT = 720, 400
MARKS = {
    "A": (theme.LOST, "diamond"),
    "B": (theme.SECOND, "triangle-up"),
    "C": (theme.MOVED, "circle"),
    "D": (theme.LEFT, "square"),
}

_AMOUNT_LABEL = {
    "en": "format(datum.value, '~s')",
    "zh": "datum.value >= 10000 ? format(datum.value / 10000, ',') + ' 万' : format(datum.value, ',')",
}


def _deciding(deal: Any) -> float:
    """Return the days to close that decided the class: stated or estimated."""
    return float(deal.stated_days if deal.time_source.startswith("stated") else deal.days_to_close)


def quadrant_data(result: Quadrant) -> list[Row]:
    """Return one row per deal whose size and time to close are known."""
    return [
        {
            "customer": deal.customer,
            "opportunity_id": deal.opportunity_id,
            "owner": deal.owner,
            "stage": deal.stage,
            "amount": deal.deal_amount,
            "days_to_close": _deciding(deal),
            "won_by_rate": deal.won_by_rate,
            "quadrant": deal.quadrant,
        }
        for deal in result.deals
        if deal.quadrant in MARKS and deal.deal_amount > 0 and not math.isnan(_deciding(deal))
    ]


def quadrant_draw(result: Quadrant, lang: str) -> Any:
    """Draw the quadrant."""
    draft = Draft(result, lang)
    rows, say = quadrant_data(result), draft.say
    if not rows:
        return draft.nothing(say.get("quadrant.nothing"))
    longest = max(*(row["days_to_close"] for row in rows), result.soon_days) * 1.04
    low = min(*(row["amount"] for row in rows), result.large_amount) / 1.3
    high = max(*(row["amount"] for row in rows), result.large_amount) * 2.2
    x = alt.X(
        "days_to_close:Q",
        scale=alt.Scale(domain=[0, longest], nice=False),
        axis=alt.Axis(title=say.get("charts.quadrant.x"), grid=False, tickCount=theme.fit(9, 5)),
    )
    y = alt.Y(
        "amount:Q",
        scale=alt.Scale(domain=[low, high], type="log", nice=False),
        axis=alt.Axis(
            title=_y_title(result, say),
            grid=False,
            labelExpr=_AMOUNT_LABEL[lang],
            values=_round_amounts(low, high),
        ),
    )
    width, height = _quadrant_size()
    across = width * result.soon_days / longest
    down = height * (1 - math.log(result.large_amount / low) / math.log(high / low))
    layers = [
        *_lines(draft, across, down),
        _points(draft, rows, x, y),
        draft.texts(_corners(draft, across), "corners"),
    ]
    title = say.say("charts.quadrant.title", large_n=result.rows[0].deal_n, **_named(result, say))
    more = sum(deal.quadrant == "unknown" for deal in result.deals)
    under = say.say("charts.quadrant.unknown", unknown_n=more) if more else ""
    return draft.finish(alt.layer(*layers).properties(width=width, height=height), title, under)


def _round_amounts(low: float, high: float) -> list[float]:
    """Return the amounts 1, 2, 5, 10 … between two, which a logarithmic axis names; of wide ranges powers of ten."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)))
    parts = (1, 2, 5) if len(powers) <= 5 else (1,)
    return [part * 10.0**power for power in powers for part in parts if low <= part * 10.0**power <= high]


def _quadrant_size() -> tuple[int, int]:
    return theme.fit((QUADRANT_WIDTH, QUADRANT_HEIGHT), (262, 320))


def _named(result: Quadrant, say: Any) -> dict[str, Any]:
    return placeholders(result, say) | {
        "amount": say.numbers.amount(result.rows[0].open_amount, result.currency),
        "large": say.numbers.amount(result.large_amount, result.currency),
    }


def _y_title(result: Quadrant, say: Any) -> str:
    label = say.get("charts.quadrant.y")
    unit = say.numbers.currencies.get(result.currency, result.currency)
    return str(say.say("language.bracket", label=label, unit=unit)) if unit else label


def _lines(draft: Draft, across: float, down: float) -> list[Any]:
    base = draft.layer(
        [
            {"x": across, "x2": across, "y": 0, "y2": _quadrant_size()[1]},
            {"x": 0, "x2": _quadrant_size()[0], "y": down, "y2": down},
        ],
        "lines",
    )
    return [
        base.mark_rule(color=theme.QUIET, strokeDash=[5, 4]).encode(
            x=alt.X("x:Q", scale=None, axis=None),
            x2="x2:Q",
            y=alt.Y("y:Q", scale=None, axis=None),
            y2="y2:Q",
        )
    ]


def _points(draft: Draft, rows: list[Row], x: Any, y: Any) -> Any:
    say, result = draft.say, draft.result
    named = {name: say.say("charts.quadrant.class", quadrant=name) for name in MARKS}
    shown = [
        row | {"class": named[row["quadrant"]], "stage_words": stage_name(result, row["stage"], say)}
        for row in rows
    ]
    legend = alt.Legend(title=None, orient="top", direction="horizontal", symbolSize=80, offset=4)
    return (
        draft.layer(shown, "deals")
        .mark_point(filled=True, size=42, opacity=0.75, stroke=theme.PAPER, strokeWidth=0.5)
        .encode(
            x=x,
            y=y,
            color=alt.Color(
                "class:N",
                scale=alt.Scale(domain=list(named.values()), range=[one for one, _ in MARKS.values()]),
                legend=legend,
            ),
            shape=alt.Shape(
                "class:N",
                scale=alt.Scale(domain=list(named.values()), range=[one for _, one in MARKS.values()]),
                legend=legend,
            ),
            tooltip=[
                alt.Tooltip("customer:N", title=say.field("customer", "QuadrantDeal").label),
                alt.Tooltip("opportunity_id:N", title=say.field("opportunity_id", "QuadrantDeal").label),
                alt.Tooltip("owner:N", title=say.field("owner", "QuadrantDeal").label),
                alt.Tooltip("stage_words:N", title=say.field("stage", "QuadrantDeal").label),
                alt.Tooltip("amount:Q", format=",", title=say.field("deal_amount", "QuadrantDeal").label),
                alt.Tooltip(
                    "days_to_close:Q", format=".0f", title=say.field("days_to_close", "QuadrantDeal").label
                ),
            ],
        )
    )


def _corners(draft: Draft, across: float) -> list[Row]:
    """Return number and money of each class, in its corner."""
    say, result = draft.say, draft.result
    width, height = _quadrant_size()
    right = theme.fit(across + 8, width - 4.0)
    low = height - theme.fit(12, 26)
    places = {"A": (8, 14), "B": (8, low), "C": (right, 14), "D": (right, low)}
    rows = {row.quadrant: row for row in result.rows}
    made = []
    for name, (x, y) in places.items():
        amount = say.numbers.amount(rows[name].open_amount, result.currency)
        known = {"quadrant": name, "deal_n": rows[name].deal_n}
        lines = theme.fit(
            [say.say("charts.quadrant.corner", amount=amount, **known)],
            [say.say("charts.quadrant.corner_n", **known), amount],
        )
        align = theme.fit("left", "right") if name in "CD" else "left"
        made += [text(x, y + 14 * k, line, weight="bold", align=align) for k, line in enumerate(lines)]
    return made


# ---- Level flows: customers by priority on two dates, and the bands along which they moved -----------------

FLOWS_WIDTH, FLOWS_HEIGHT, GAP, BAR = 640, 380, 14, 16
LEFT, RIGHT = 170, 470
NARROW_ENDS = 0, 290
"""On a phone the words stand inside, over the bands."""
ORDER = ("high", "medium", "low", "unknown", "none")
COLOURS = {
    "high": theme.LOST,
    "medium": theme.SECOND,
    "low": theme.MOVED,
    "unknown": theme.QUIET,
    "none": theme.LEFT,
}
_STEPS = 24


def level_flows_data(result: LevelMoves) -> list[Row]:
    """Return one row per flow: levels on both dates and the number of customers."""
    return [
        {"level_before": row.level_before, "level_after": row.level_after, "customer_n": row.customer_n}
        for row in result.rows
    ]


def level_flows_draw(result: LevelMoves, lang: str) -> Any:
    """Draw the flows from the earlier date (left) to the later (right)."""
    draft = Draft(result, lang)
    say, rows = draft.say, level_flows_data(result)
    if not rows:
        return draft.nothing(say.get("levels.nobody"))
    sides = {side: _stack(rows, f"level_{side}") for side in ("before", "after")}
    scale = min((FLOWS_HEIGHT - GAP * (len(one) - 1)) / sum(n for _, n in one) for one in sides.values())
    tops = {side: _tops(one, scale) for side, one in sides.items()}
    bands = _bands(rows, tops, scale)
    flow = (
        draft.layer(bands, "bands")
        .mark_area(opacity=0.42, interpolate="linear")
        .encode(
            x=pixel("x", "x"),
            y=alt.Y("y:Q", scale=None, axis=None),
            y2="y2:Q",
            detail="flow:N",
            color=own_colour(),
        )
    )
    right = theme.fit(RIGHT, NARROW_ENDS[1])
    blocks, words = _blocks(draft, sides, tops, scale)
    bars = (
        draft.layer(blocks, "blocks")
        .mark_rect()
        .encode(x=pixel("x", "x"), x2="x2:Q", y=pixel("y", "y"), y2="y2:Q", color=own_colour())
    )
    size = {"width": theme.fit(FLOWS_WIDTH, right + BAR), "height": FLOWS_HEIGHT}
    chart = alt.layer(flow, bars, draft.texts(words, "words")).properties(**size)
    title = say.say("charts.level_flows.title", raised_n=result.raised_n, lowered_n=result.lowered_n)
    return draft.finish(chart, title, say.get("charts.level_flows.under"), offset=30)


def _blocks(
    draft: Draft, sides: dict[str, list[tuple[str, int]]], tops: dict[str, dict[str, float]], scale: float
) -> tuple[list[Row], list[Row]]:
    """Return the blocks of both dates, and their words: beside them, on a phone over the bands."""
    result, say = draft.result, draft.say
    named = {level: say.get(f"levels.names.{level}") for level in ORDER}
    blocks, words = [], []
    left, right = theme.fit((LEFT, RIGHT), NARROW_ENDS)
    inside = theme.fit(False, True)
    for side, x, align in (("before", left, "right"), ("after", right, "left")):
        for level, n in sides[side]:
            top = tops[side][level]
            blocks.append({"x": x, "x2": x + BAR, "y": top, "y2": top + n * scale, "colour": COLOURS[level]})
            label = say.say("charts.level_flows.block", level=named[level], customer_n=n)
            place = x - 8 if (side == "before") != inside else x + BAR + 8
            turned = {"right": "left", "left": "right"}[align] if inside else align
            words.append(text(place, top + n * scale / 2, label, align=turned))
    dates = theme.fit(
        ((left, result.since, "right"), (right + BAR, result.as_of, "left")),
        ((left, result.since, "left"), (right + BAR, result.as_of, "right")),
    )
    words += [text(x, -16, say.numbers.date(day), align=align, weight="bold") for x, day, align in dates]
    return blocks, words


def _stack(rows: list[Row], side: str) -> list[tuple[str, int]]:
    """Return levels and their customers on one date, from the top."""
    sums = [(level, sum(row["customer_n"] for row in rows if row[side] == level)) for level in ORDER]
    return [(level, n) for level, n in sums if n]


def _tops(stack: list[tuple[str, int]], scale: float) -> dict[str, float]:
    top, tops = 0.0, {}
    for level, n in stack:
        tops[level] = top
        top += n * scale + GAP
    return tops


def _bands(rows: list[Row], tops: dict[str, dict[str, float]], scale: float) -> list[Row]:
    """Return the outline of each band: points along a smooth step from one block to the other."""
    used = {side: dict(one) for side, one in tops.items()}
    left, right = theme.fit((LEFT, RIGHT), NARROW_ENDS)
    points = []
    ordered = sorted(
        rows, key=lambda row: (ORDER.index(row["level_before"]), ORDER.index(row["level_after"]))
    )
    for row in ordered:
        height = row["customer_n"] * scale
        start, end = used["before"][row["level_before"]], used["after"][row["level_after"]]
        used["before"][row["level_before"]] += height
        used["after"][row["level_after"]] += height
        flow = f"{row['level_before']}-{row['level_after']}"
        for k in range(_STEPS + 1):
            t = k / _STEPS
            y = start + (end - start) * t * t * (3 - 2 * t)
            x = left + BAR + (right - left - BAR) * t
            points.append(
                {"flow": flow, "x": x, "y": y, "y2": y + height, "colour": COLOURS[row["level_before"]]}
            )
    return points


# ---- Role coverage: buyer roles down, stages across -------------------------------------------------------

COVERAGE_WIDTH, COVERAGE_ROW = 560, 34


def role_coverage_data(result: Roles) -> list[Row]:
    """Return one row per role and stage in which it is due."""
    return [
        {
            "role": row.role,
            "stage": row.stage,
            "met_rate": row.met_rate,
            "met_n": row.met_n,
            "deal_n": row.deal_n,
        }
        for row in result.cells
        if row.due and row.deal_n
    ]


def role_coverage_draw(result: Roles, lang: str) -> Any:
    """Draw the heat map of coverage."""
    draft = Draft(result, lang)
    say, rows = draft.say, role_coverage_data(result)
    if not rows:
        return draft.nothing(say.get("roles.nothing"))
    names = {role: role_name(role, say) for role in dict.fromkeys(row["role"] for row in rows)}
    if theme.fit(False, True):
        room = 306 / len(names) - 6
        names = {role: "\n".join(theme.wrap(name, room, theme.LABEL_SIZE)) for role, name in names.items()}
    stage_names = _stage_names(draft, [row["stage"] for row in rows])
    shown = [
        row
        | {
            "role_words": names[row["role"]],
            "stage_words": stage_names[row["stage"]],
            "label": say.say("charts.role_coverage.cell", met_n=row["met_n"], deal_n=row["deal_n"]),
            "ink": theme.ON_DARK if row["met_rate"] > 0.5 else theme.ON_LIGHT,
        }
        for row in rows
    ]
    base = draft.layer(shown, "cells").encode(**_places(stage_names, list(names.values())))
    tips = [
        alt.Tooltip("role_words:N", title=say.field("role", "RoleRow").label),
        alt.Tooltip("stage_words:N", title=say.field("stage", "RoleRow").label),
        alt.Tooltip("met_rate:Q", format=".0%", title=say.field("met_rate", "RoleRow").label),
    ]
    cells = base.mark_rect(stroke=theme.PAPER, strokeWidth=2).encode(color=_shade(say), tooltip=tips)
    words = base.mark_text(fontSize=theme.SMALL_SIZE).encode(
        text="label:N", color=alt.Color("ink:N", scale=None, legend=None)
    )
    layers = [cells, words, *_stages_above(draft, list(stage_names.values()))]
    chart = alt.layer(*layers).resolve_scale(color="independent")
    title = say.say("charts.role_coverage.title", mean_coverage_share=result.mean_coverage_share)
    height = theme.fit(COVERAGE_ROW * len(names), 52 * len(stage_names))
    chart = chart.properties(width=theme.fit(COVERAGE_WIDTH, 306), height=height)
    return draft.finish(chart, title, say.get("charts.role_coverage.under"))


def _places(stages: dict[str, str], roles: list[str]) -> dict[str, Any]:
    """Return the encodings of a cell: stages across and roles down, on a phone the other way round."""
    if theme.fit(True, False):
        axis = alt.Axis(title=None, domain=False, ticks=False, labelColor=theme.INK)
        return {
            "x": _across("stage_words", list(stages.values())),
            "y": alt.Y("role_words:N", sort=roles, axis=axis),
        }
    return {"x": _across("role_words", roles), "y": _stage_line(list(stages.values()))}


def _stage_line(stages: list[str], **more: Any) -> alt.Y:
    scale = alt.Scale(paddingInner=0.42, paddingOuter=0.36)
    return alt.Y("stage_words:N", sort=stages, scale=scale, axis=None, **more)


def _stages_above(draft: Draft, stages: list[str]) -> list[alt.Chart]:
    """Write each stage above its line of cells, on a phone."""
    if theme.fit(True, False):
        return []
    base = draft.layer([{"stage_words": one} for one in stages], "stages")
    above = base.mark_text(align="left", baseline="bottom", dy=-3)
    return [above.encode(x=alt.value(2), y=_stage_line(stages, bandPosition=0), text="stage_words:N")]


def _stage_names(draft: Draft, stages: list[str]) -> dict[str, str]:
    """Return the names of these stages in order, broken to the width of a column."""
    there = [stage for stage in draft.result.stage_ids if stage in stages]
    room = theme.fit(COVERAGE_WIDTH / len(there) - 8, 300)
    return {
        stage: "\n".join(theme.wrap(stage_name(draft.result, stage, draft.say), room, theme.LABEL_SIZE))
        for stage in there
    }


def _across(field: str, names: list[str]) -> alt.X:
    """Return an axis above the cells, with room for names of more than one line."""
    lines = max(name.count("\n") for name in names)
    axis = alt.Axis(
        title=None,
        orient="top",
        labelAngle=0,
        labelPadding=4 + 15 * lines,
        labelLimit=160,
        labelExpr="split(datum.label, '\\n')",
        domain=False,
        ticks=False,
    )
    return alt.X(f"{field}:N", sort=names, axis=axis)


def _shade(say: Words) -> alt.Color:
    return alt.Color(
        "met_rate:Q",
        scale=alt.Scale(domain=[0, 1], range=list(theme.SEQUENCE)),
        legend=alt.Legend(
            title=say.get("charts.role_coverage.legend"),
            format=".0%",
            orient=theme.fit("right", "bottom"),
            tickCount=5,
            gradientLength=theme.fit(140, 200),
        ),
    )


# ---- Honest against claimed -------------------------------------------------------------------------------

HONEST_WIDTH, HONEST_ROW = 560, 62
KINDS = {"claimed": theme.OPEN, "supported": theme.MOVED}


def honest_funnel_data(result: HonestFunnel) -> list[Row]:
    """Return two rows per stage: what is claimed and what is supported, at this stage or beyond."""
    return [
        {
            "stage": row.stage,
            "kind": kind,
            "beyond_amount": getattr(row, f"{kind}_beyond_amount"),
            "stands_n": getattr(row, f"{kind}_n"),
        }
        for row in result.rows
        for kind in KINDS
    ]


def honest_funnel_draw(result: HonestFunnel, lang: str) -> Any:
    """Draw the two funnels, bar beside bar."""
    draft = Draft(result, lang)
    say, rows = draft.say, honest_funnel_data(result)
    if not result.n or not result.checked_n:
        return draft.nothing(say.get("gates.nothing" if not result.n else "gates.unchecked"))
    kinds = {kind: say.get(f"charts.honest_funnel.{kind}") for kind in KINDS}
    shown = [_drawn(draft, row) | {"kind_words": kinds[row["kind"]]} for row in rows]
    stages = list(dict.fromkeys(row["stage_words"] for row in shown))
    most = max(row["beyond_amount"] for row in shown) or 1.0
    room = theme.fit(1.3, 2.3)  # for the words beside the longest bar
    base = draft.layer(shown, "bars").encode(
        x=alt.X("beyond_amount:Q", scale=alt.Scale(domain=[0, most * room], nice=False), axis=None),
        y=_honest_line(stages),
        yOffset=alt.YOffset("kind_words:N", sort=list(kinds.values())),
    )
    colour = alt.Color(
        "kind_words:N",
        scale=alt.Scale(domain=list(kinds.values()), range=list(KINDS.values())),
        legend=alt.Legend(title=None, orient="top", direction="horizontal", offset=4),
    )
    bars = base.mark_bar().encode(color=colour, tooltip=_tips(say))
    words = base.mark_text(align="left", dx=5, fontSize=theme.SMALL_SIZE).encode(
        text="label:N", color=alt.Color("ink:N", scale=None, legend=None)
    )
    layers = [bars, words]
    if theme.fit(False, True):
        names = draft.layer([{"stage_words": one} for one in stages], "stages")
        above = names.mark_text(align="left", baseline="bottom", dy=-3)
        layers.append(
            above.encode(x=alt.value(0), y=_honest_line(stages, bandPosition=0), text="stage_words:N")
        )
    chart = alt.layer(*layers).resolve_scale(color="independent")
    high = theme.fit(
        HONEST_ROW * len(stages), 66 * len(stages) - 20
    )  # the name of the first stands above its bars
    chart = chart.properties(width=theme.fit(HONEST_WIDTH, 310), height=high)
    return draft.finish(chart, _title(draft), say.get("charts.honest_funnel.x"))


def _honest_line(stages: list[str], **more: Any) -> alt.Y:
    """Return an axis with a name for each pair of bars; on a phone the names stand above them."""
    names = alt.Axis(title=None, domain=False, ticks=False, labelColor=theme.INK, labelLimit=200)
    apart = theme.fit(alt.Scale(paddingInner=0.35), alt.Scale(paddingInner=0.36, paddingOuter=0.15, align=1))
    return alt.Y("stage_words:N", sort=stages, scale=apart, axis=theme.fit(names, None), **more)


def _drawn(draft: Draft, row: Row) -> Row:
    """Return a row with its words; what is supported says by how much it is less than what is claimed."""
    result, say = draft.result, draft.say
    between = {one.stage: one.between_amount for one in result.rows}
    gap = between[row["stage"]] if row["kind"] == "supported" else 0.0
    label = say.numbers.amount(row["beyond_amount"], result.currency)
    if gap > 0:
        less = say.numbers.amount(gap, result.currency)
        label = say.say("charts.honest_funnel.less", amount=label, gap=less)
    return row | {
        "stage_words": stage_name(result, row["stage"], say),
        "label": label,
        "ink": theme.LOST_INK if gap > 0 else theme.QUIET,
    }


def _tips(say: Words) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("stage_words:N", title=say.field("stage", "GateRow").label),
        alt.Tooltip("kind_words:N", title=say.get("charts.honest_funnel.kind")),
        alt.Tooltip("beyond_amount:Q", format=",.0f", title=say.get("charts.honest_funnel.x")),
        alt.Tooltip("stands_n:Q", title=say.get("charts.honest_funnel.stands")),
    ]


def _title(draft: Draft) -> str:
    result, say = draft.result, draft.say
    return say.say(
        f"charts.honest_funnel.{'title' if result.overclaimed_n else 'title_none'}",
        over_n=result.overclaimed_n,
        amount=say.numbers.amount(result.overclaimed_amount, result.currency),
    )
