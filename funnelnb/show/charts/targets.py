"""Targets: chance by number of deals, chance against effort, the reverse funnel, levers, the total."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import altair as alt
import numpy as np

from funnelnb.show.charts import theme
from funnelnb.show.charts.parts import OUTLINE, Draft, own_colour, pixel, share_axis, sized, text, width
from funnelnb.show.text.words import stage_name
from funnelnb.show.views.registry import finding_of
from funnelnb.show.views.targets import lever_name, needed

if TYPE_CHECKING:
    from funnelnb.analysis.targets.levers import Levers
    from funnelnb.analysis.targets.mix import DealMix
    from funnelnb.show.charts.parts import Row


# ---- Chance: how likely the target is with how many deals of history's sizes -------------------------------

CHANCE_WIDTH, CHANCE_HEIGHT = 720, 280


def chance_data(result: DealMix) -> list[Row]:
    """Return one row per number of deals: the chance, and whether it is the required or the average number."""
    marks = {result.required_n: "required", result.average_n: "average"}
    return [
        {"deal_n": int(n), "chance": float(rate), "mark": marks.get(int(n), "")}
        for n, rate in zip(result.curve.deal_n, result.curve.chance_rate, strict=True)
    ]


def chance_draw(result: DealMix, lang: str) -> Any:
    """Draw the curve."""
    draft = Draft(result, lang)
    say, found, rows = draft.say, finding_of(result, lang), chance_data(result)
    x = alt.X(
        "deal_n:Q",
        axis=alt.Axis(title=say.get("charts.chance.x"), grid=False, tickMinStep=1),
        scale=alt.Scale(nice=False),
    )
    y = alt.Y(
        "chance:Q", scale=alt.Scale(domain=[0, 1]), axis=share_axis(say, title=say.get("charts.chance.y"))
    )
    base = draft.layer(rows, "deals")
    marked = [
        row
        | {"label": say.say(f"charts.chance.{row['mark']}", deal_n=row["deal_n"], chance_rate=row["chance"])}
        for row in rows
        if row["mark"]
    ]
    points = draft.layer(marked, "marks")
    layers = [
        base.mark_line(color=theme.MOVED, strokeWidth=2).encode(x=x, y=y),
        points.mark_rule(color=theme.QUIET, strokeDash=[4, 3]).encode(x=x, y=y, y2=alt.datum(0)),
        points.mark_point(filled=True, size=90, color=theme.MOVED, opacity=1).encode(x=x, y=y),
        points.mark_text(align="left", dx=9, dy=10, fontWeight="bold").encode(x=x, y=y, text="label:N"),
    ]
    return draft.finish(
        sized(alt.layer(*layers), width=theme.fit(CHANCE_WIDTH, 262), height=CHANCE_HEIGHT),
        found.headline,
        found.detail,
    )


# ---- Frontier: which chance of the target costs which effort ----------------------------------------------

FRONTIER_WIDTH, FRONTIER_HEIGHT = 720, 320
KINDS = {"frontier": theme.MOVED, "cheapest": theme.SECOND, "plan": theme.LOST}


def frontier_data(result: Any) -> list[Row]:
    """Return one row per mix: effort, chance, and whether it is on the frontier, the cheapest or the plan."""
    mixes = getattr(result, "mix", result)
    if mixes is None:
        return []
    rows = [("frontier", row) for row in mixes.frontier]
    rows += [
        (kind, row) for kind, row in (("cheapest", mixes.cheapest), ("plan", mixes.plan)) if row is not None
    ]
    return [
        {"kind": kind, "effort": row.effort, "chance": row.chance_rate, "mix": row.mix, "deal_n": row.deal_n}
        for kind, row in rows
    ]


def _unit(say: Any, mixes: Any) -> str:
    """Return the word of what effort is counted in."""
    return (
        say.find(f"targets.unit_heads.{mixes.effort_unit}")
        or mixes.effort_unit
        or say.get("targets.unit_heads.effort")
    )


def frontier_draw(result: Any, lang: str) -> Any:
    """Draw the frontier."""
    draft = Draft(result, lang)
    rows = frontier_data(result)
    found = finding_of(result, lang)
    if not rows:
        return draft.nothing(found.headline)
    say, mixes = draft.say, getattr(result, "mix", result)
    efforts = [row["effort"] for row in rows]
    room = 0.06 * (max(efforts) - min(efforts) or 1)
    x = alt.X(
        "effort:Q",
        scale=alt.Scale(domain=[min(efforts) - room, max(efforts) + room], nice=False, zero=False),
        axis=alt.Axis(
            title=say.say("charts.frontier.x", unit=_unit(say, mixes)), grid=False, tickCount=theme.fit(8, 4)
        ),
    )
    y = alt.Y(
        "chance:Q", scale=alt.Scale(domain=[0, 1]), axis=share_axis(say, title=say.get("charts.frontier.y"))
    )
    tips = [
        alt.Tooltip("mix:N", title=say.field("mix", "MixRow").label),
        alt.Tooltip("chance:Q", format=".1%", title=say.get("charts.frontier.y")),
    ]
    drawn = [row | {"colour": KINDS[row["kind"]], "label": _frontier_label(draft, row)} for row in rows]
    line = draft.layer([row for row in drawn if row["kind"] == "frontier"], "frontier")
    named = draft.layer([row for row in drawn if row["kind"] != "frontier"], "named")
    goal = draft.layer([{"chance": mixes.assurance_rate, "label": _goal(draft, mixes)}], "assurance")
    layers = [
        goal.mark_rule(color=theme.QUIET, strokeDash=[5, 3]).encode(y=y),
        _goal_words(goal, y),
        line.mark_line(color=theme.MOVED, strokeWidth=1.6, interpolate="step-after").encode(x=x, y=y),
        line.mark_point(filled=True, size=46, opacity=1).encode(x=x, y=y, color=own_colour(), tooltip=tips),
        named.mark_point(filled=True, size=130, opacity=1, shape="diamond").encode(
            x=x, y=y, color=own_colour(), tooltip=tips
        ),
        *(_labels(named, x, y, kind, sum(efforts) / len(efforts)) for kind in ("cheapest", "plan")),
    ]
    chart = sized(alt.layer(*layers), width=theme.fit(FRONTIER_WIDTH, 262), height=FRONTIER_HEIGHT)
    return draft.finish(chart, found.headline, found.detail)


def _goal_words(goal: alt.Chart, y: Any) -> Any:
    marks = goal.mark_text(
        align="left", baseline="bottom", dy=-3, color=theme.QUIET, fontSize=theme.SMALL_SIZE
    )
    return marks.encode(x=alt.value(4), y=y, text="label:N")


def _labels(named: alt.Chart, x: Any, y: Any, kind: str, middle: float) -> Any:
    left = kind == "plan"
    towards: Any = {"expr": f"datum.effort > {middle} ? 'right' : 'left'"}
    away: Any = {"expr": f"datum.effort > {middle} ? -10 : 10"}
    side: dict[str, Any] = theme.fit({"align": "left", "dx": 10}, {"align": towards, "dx": away})
    return (
        named.transform_filter(f"datum.kind == '{kind}'")
        .mark_text(**side, dy=-9 if left else 13, fontWeight="bold", color=theme.INK)
        .encode(x=x, y=y, text="label:N")
    )


def _frontier_label(draft: Draft, row: Row) -> str:
    if row["kind"] == "frontier":
        return ""
    if theme.fit(False, True):  # the sentence under the title names the mix
        return str(draft.say.numbers.percent(row["chance"]))
    mix = theme.shorten(row["mix"], 260, theme.LABEL_SIZE)
    return draft.say.say(f"charts.frontier.{row['kind']}", mix=mix, chance_rate=row["chance"])


def _goal(draft: Draft, mixes: Any) -> str:
    return draft.say.say("charts.frontier.assurance", assurance_rate=mixes.assurance_rate)


# ---- Reverse funnel: how many must stand at each stage, and until when they may come in --------------------

REVERSE_STEP, BAR = 46, 30
REVERSE_LABEL, REVERSE_PLOT, NUMBERS = 180, 320, 280


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reverse:
    """Where things stand: left edge and width of the bars, height of a line, places of the three columns."""

    left: int
    plot: int
    step: int
    needed: int
    plug_in: int
    in_by: int
    width: int


_WIDE_REVERSE = _Reverse(
    left=REVERSE_LABEL, plot=REVERSE_PLOT, step=REVERSE_STEP, needed=70, plug_in=150, in_by=180,
    width=REVERSE_LABEL + REVERSE_PLOT + NUMBERS,
)  # fmt: skip
_NARROW_REVERSE = _Reverse(left=0, plot=140, step=54, needed=44, plug_in=84, in_by=94, width=312)
"""On a phone the name of a stage stands above its bar."""


def _reverse() -> _Reverse:
    return theme.fit(_WIDE_REVERSE, _NARROW_REVERSE)


def reverse_data(result: Any) -> list[Row]:
    """Return one row per stage, the won stage last: needed, by plain division, until when."""
    funnel = getattr(result, "funnel", result)
    if funnel is None:
        return []
    rows: list[Row] = [
        {
            "stage": row.stage,
            "needed_n": row.needed_n,
            "plug_in_n": row.plug_in_n,
            "in_by": row.in_by,
            "too_late": row.too_late,
            "won": False,
        }
        for row in funnel.rows
    ]
    wins = {"needed_n": funnel.wins_n, "plug_in_n": funnel.wins_n, "in_by": funnel.until}
    return [*rows, {"stage": funnel.won_stage, "too_late": False, "won": True} | wins]


def reverse_draw(result: Any, lang: str) -> Any:
    """Draw the reverse funnel."""
    draft = Draft(result, lang)
    rows = reverse_data(result)
    if not rows:
        return draft.nothing(draft.say.get("charts.reverse.none_needed"))
    known = [row["needed_n"] for row in rows if row["needed_n"] > 0] + [row["plug_in_n"] for row in rows]
    widest = max(*known, 1)
    funnel = getattr(result, "funnel", result)
    bars = [bar for rank, row in enumerate(rows) for bar in _bars(row, rank, widest)]
    words = [piece for rank, row in enumerate(rows) for piece in _words(draft, funnel, row, rank)]
    layer = draft.layer(bars, "bars")
    marks = layer.mark_rect().encode(
        x=pixel("x", "x"), x2="x2:Q", y=pixel("y", "y"), y2="y2:Q", color=own_colour()
    )
    heads = draft.texts(_heads(draft, funnel), "heads")
    entries = [
        (theme.OPEN, draft.say.say("charts.reverse.needed", assurance_rate=funnel.assurance_rate)),
        (theme.MOVED, draft.say.get("charts.reverse.plug_in")),
    ]
    place = _reverse()
    legend = draft.legend(entries, place.left, theme.fit(-46, -56))
    chart = alt.layer(marks, draft.texts(words, "words"), heads, legend)
    chart = sized(chart, width=place.width, height=place.step * len(rows) - (place.step - BAR))
    found = finding_of(result, lang)
    return draft.finish(chart, found.headline, found.detail, offset=18)


def _bars(row: Row, rank: int, widest: float) -> list[Row]:
    place = _reverse()
    middle, y = place.left + place.plot / 2, rank * place.step
    made = []
    for name, colour, inset in (("needed_n", theme.OPEN, 0), ("plug_in_n", theme.MOVED, 7)):
        if row[name] <= 0 or (row["won"] and name == "needed_n"):
            continue
        half = max(place.plot * row[name] / widest / 2, 1.0)
        made.append(
            {"x": middle - half, "x2": middle + half, "y": y + inset, "y2": y + BAR - inset, "colour": colour}
        )
    return made


def _words(draft: Draft, funnel: Any, row: Row, rank: int) -> list[Row]:
    say, place = draft.say, _reverse()
    y, right = rank * place.step + BAR / 2, place.left + place.plot
    weight = "bold" if row["won"] else "normal"
    room = theme.fit(REVERSE_LABEL - 18, place.width)
    name = theme.shorten(stage_name(funnel, row["stage"], say), room, theme.LABEL_SIZE)
    beside = text(place.left - 12, y, name, align="right", weight=weight)
    made = [
        theme.fit(beside, text(0, y - BAR / 2 - 9, name, weight=weight)),
        text(right + place.needed, y, needed(row["needed_n"], say), align="right", weight="bold"),
    ]
    if not row["won"]:
        made.append(text(right + place.plug_in, y, needed(row["plug_in_n"], say), align="right"))
    if not _undated(funnel):
        late = say.get("targets.too_late")
        colour = theme.LOST_INK if row["too_late"] else theme.INK
        label = late if row["too_late"] else say.numbers.date(row["in_by"])
        made.append(
            text(right + place.in_by, y, label, colour=colour, weight="bold" if row["too_late"] else "normal")
        )
    return made


def _undated(funnel: Any) -> bool:
    return bool(np.isnat(funnel.until))


def _heads(draft: Draft, funnel: Any) -> list[Row]:
    say, place = draft.say, _reverse()
    style: dict[str, Any] = {"size": theme.SMALL_SIZE, "colour": theme.QUIET}
    if theme.fit(False, True):  # the colours say which number is which
        head = text(place.width, -26, say.get("charts.reverse.head_in_by"), align="right", **style)
        return [] if _undated(funnel) else [head]
    right = place.left + place.plot
    made = [
        text(right + 70, -16, say.get("charts.reverse.head_needed"), align="right", **style),
        text(right + 150, -16, say.get("charts.reverse.head_plug_in"), align="right", **style),
    ]
    if not _undated(funnel):
        made.append(text(right + 180, -16, say.get("charts.reverse.head_in_by"), **style))
    return made


# ---- Tornado: the chance of the target with each lever moved down and up, the strongest on top -------------

TORNADO_STEP, TORNADO_PLOT, TORNADO_LABEL = 34, 470, 220


def tornado_data(result: Levers) -> list[Row]:
    """Return two rows per lever, down and up: from the chance of now to the chance then."""
    rows = []
    for rank, row in enumerate(result.rows):
        for side, end in (("down", row.low_rate), ("up", row.high_rate)):
            rows.append(
                {"rank": rank, "lever": row.lever, "side": side, "start": result.chance_rate, "end": end}
            )
    return rows


def tornado_draw(result: Levers, lang: str) -> Any:
    """Draw the tornado."""
    draft = Draft(result, lang)
    say, found = draft.say, finding_of(result, lang)
    drawn = [_drawn(draft, row) for row in tornado_data(result)]
    ends = [row["end"] for row in drawn]
    low, high = max(0.0, min(ends) - 0.08), min(1.0, max(ends) + 0.08)
    x = alt.X(
        "start:Q",
        scale=alt.Scale(domain=[low, high], nice=False, zero=False),
        axis=share_axis(
            say, title=say.say("charts.tornado.x", amount=_amount(draft)), tickCount=theme.fit(7, 4)
        ),
    )
    name: dict[str, Any] = theme.fit({"align": "right"}, {"align": "left", "dy": -17})
    y = alt.Y(
        "rank:Q", scale=alt.Scale(reverse=True, domain=[-0.6, len(result.rows) - 0.4], nice=False), axis=None
    )
    base = draft.layer(drawn, "levers")
    spelled = say.say("charts.tornado.now", chance_rate=result.chance_rate)
    now = draft.layer([{"start": result.chance_rate, "label": spelled}], "now")
    upper, lower = (base.transform_filter(f"datum.side == '{side}'") for side in ("up", "down"))
    heads = (("name", say.field("lever", "LeverRow").label), ("words", say.get("charts.tornado.then")))
    tips = [alt.Tooltip(f"{field}:N", title=title) for field, title in heads]
    layers = [
        base.mark_bar(height=theme.fit(18, 15)).encode(x=x, x2="end:Q", y=y, color=own_colour(), tooltip=tips),
        upper.mark_text(align="left", dx=5).encode(x=alt.X("end:Q"), y=y, text="words:N"),
        lower.mark_text(align="right", dx=-5).encode(x=alt.X("end:Q"), y=y, text="words:N"),
        now.mark_rule(color=theme.INK, strokeWidth=1.4).encode(x=x),
        upper.mark_text(baseline="middle", **name, **OUTLINE).encode(
            x=alt.value(theme.fit(-10, 0)), y=y, text="name:N"
        ),
        upper.mark_text(baseline="middle", **name).encode(x=alt.value(theme.fit(-10, 0)), y=y, text="name:N"),
        now.mark_text(baseline="bottom", fontSize=theme.SMALL_SIZE).encode(x=x, y=alt.value(-3), text="label:N"),
        draft.legend([(colour, say.say(f"charts.tornado.{side}", change_share=result.change_share))
                      for side, colour in (("down", theme.LOST), ("up", theme.MOVED))], 0, -34),
    ]  # fmt: skip
    size = theme.fit((TORNADO_PLOT, TORNADO_STEP), (300, 48))
    chart = sized(alt.layer(*layers), width=size[0], height=size[1] * len(result.rows))
    return draft.finish(chart, found.headline, found.detail, offset=16)


def _drawn(draft: Draft, row: Row) -> Row:
    return row | {
        "name": theme.shorten(
            lever_name(draft.result, row["lever"], draft.say), theme.fit(TORNADO_LABEL, 300), theme.LABEL_SIZE
        ),
        "words": draft.say.numbers.percent(row["end"]),
        "colour": theme.MOVED if row["side"] == "up" else theme.LOST,
    }


def _amount(draft: Draft) -> str:
    return draft.say.numbers.amount(draft.result.target_amount, draft.result.currency)


# ---- Total: how what comes in is distributed, with the target as a line; what reaches it is dark -----------

BINS = 60
TOTAL_WIDTH, TOTAL_HEIGHT, SMALL = 720, 260, 120
TOTAL_COLOURS = {True: theme.MOVED, False: theme.OPEN}


def total_data(result: Any) -> list[Row]:
    """Return one row per distribution and cell: from, to, probability, whether it reaches the target."""
    part: Any = getattr(result, "quota", result)
    curves = getattr(part, "totals", None) or (part.curve,)
    target = float(result.target_amount)
    return [row for curve in curves for row in _cells(curve, target)]


def _cells(curve: Any, target: float) -> list[Row]:
    total, mass = np.asarray(curve.total_amount), np.asarray(curve.probability_rate)
    beyond = hasattr(curve, "what")  # the last cell then holds all that lies beyond the axis
    if beyond and total.size > 1:
        mass = mass[:-1]
        total = total[:-1]
    low, high = _range(total, mass, target)
    edges = np.linspace(low, high, BINS + 1)
    if low < target < high:
        # one edge at the target, so that no cell is both below and above it
        edges += target - edges[int(np.argmin(np.abs(edges - target)))]
    # a cell's probability lies evenly around its middle
    half = float(total[1] - total[0]) / 2 if total.size > 1 else 0.5
    below = np.interp(edges, total + half, np.cumsum(mass))
    sums = np.diff(below)
    return [
        {
            "what": getattr(curve, "what", "period"),
            "low": float(edges[k]),
            "high": float(edges[k + 1]),
            "share": float(sums[k]),
            "reached": bool(edges[k] >= target - 1e-6 * abs(target)),
        }
        for k in range(BINS)
    ]


def _range(total: Any, mass: Any, target: float) -> tuple[float, float]:
    below = np.cumsum(mass) / max(float(mass.sum()), 1e-300)
    low = float(total[np.searchsorted(below, 0.0005)])
    high = float(total[min(np.searchsorted(below, 0.9995), total.size - 1)])
    if math.isfinite(target):
        low, high = min(low, target * 0.95), max(high, target * 1.05)
    return low, max(high, low + 1)


def total_draw(result: Any, lang: str) -> Any:
    """Draw the distributions under each other on one axis."""
    draft = Draft(result, lang)
    rows = total_data(result)
    found = finding_of(result, lang)
    if not rows or not any(row["share"] for row in rows):
        return draft.nothing(found.headline)
    names = list(dict.fromkeys(row["what"] for row in rows))
    ends = [min(row["low"] for row in rows), max(row["high"] for row in rows)]
    panels = [
        _panel(draft, [row for row in rows if row["what"] == name], name, ends, len(names)) for name in names
    ]
    chart = panels[0] if len(panels) == 1 else alt.vconcat(*panels, spacing=26)
    return draft.finish(chart, found.headline, found.detail)


def _panel(draft: Draft, rows: list[Row], name: str, ends: list[float], count: int) -> Any:
    say = draft.say
    factor, word = _scale(say, max(map(abs, ends)))
    drawn = [
        row
        | {
            "low": row["low"] / factor,
            "high": row["high"] / factor,
            "colour": TOTAL_COLOURS[row["reached"]],
            "chance": say.numbers.percent(row["share"]),
        }
        for row in rows
    ]
    title = _amounts(draft, word)
    domain = [end / factor for end in ends]
    x = alt.X(
        "low:Q",
        scale=alt.Scale(domain=domain, nice=False),
        axis=alt.Axis(title=title, grid=False, tickCount=theme.fit(8, 4)),
    )
    y = alt.Y("share:Q", axis=None, scale=alt.Scale(nice=False, domainMin=0))
    tips = [
        alt.Tooltip("low:Q", format=",.2f", title=title),
        alt.Tooltip("chance:N", title=say.get("charts.total.chance")),
    ]
    bars = (
        draft.layer(drawn, "cells")
        .mark_rect(stroke=theme.PAPER, strokeWidth=0.5)
        .encode(x=x, x2="high:Q", y=y, y2=alt.datum(0), color=own_colour(), tooltip=tips)
    )
    layers = [bars, *_target_line(draft, name, domain, factor)]
    heading = alt.TitleParams(
        text=theme.wrap(_heading(draft, name), width(), 13), fontSize=13, anchor="start", offset=22
    )
    return sized(
        alt.layer(*layers),
        width=theme.fit(TOTAL_WIDTH, 306),
        height=TOTAL_HEIGHT if count == 1 else SMALL,
        title=heading,
    )


def _amounts(draft: Draft, word: str) -> str:
    """Return the title of the axis of amounts: the currency, and the thousands or millions they are in."""
    say = draft.say
    unit = say.numbers.currencies.get(draft.result.currency, draft.result.currency)
    label = f"{word.strip()}{' ' if unit.isascii() else ''}{unit}".strip()
    return say.say("charts.total.x", unit=label) if label else say.get("charts.total.bare_x")


def _target_line(draft: Draft, name: str, domain: list[float], factor: float) -> list[Any]:
    """Return the line at the target and its words, towards the side that has room; nothing without a target."""
    target = float(draft.result.target_amount) / factor
    if not math.isfinite(target):
        return []
    label = _total_label(draft, _chance(draft.result, name))
    line = draft.layer([{"low": target, "label": label}], "target")
    right = target <= (domain[0] + domain[1]) / 2
    side = {"align": "left", "dx": 6} if right else {"align": "right", "dx": -6}
    words = line.mark_text(**side, color=theme.LOST_INK, fontWeight="bold")
    return [
        line.mark_rule(color=theme.LOST_INK, strokeWidth=2).encode(x=alt.X("low:Q")),
        words.encode(x=alt.X("low:Q"), y=alt.value(-8), text="label:N"),
    ]


def _chance(result: Any, name: str) -> float:
    """Return the chance of the target as the result has worked it out."""
    if name == "history":
        return float(result.curve.chance_rate[list(result.curve.deal_n).index(result.required_n)])
    return float(result.chance_rate if name == "period" else getattr(result, name).chance_rate)


def _total_label(draft: Draft, reached: float) -> str:
    result, say = draft.result, draft.say
    amount = say.numbers.amount(result.target_amount, result.currency)
    return say.say("charts.total.target", amount=amount, chance_rate=reached)


def _heading(draft: Draft, name: str) -> str:
    result, say = draft.result, draft.say
    values: dict[str, Any] = {}
    if name == "history":
        values = {"required_n": result.required_n}
    elif name in ("plan", "cheapest"):
        values = {"mix": getattr(result, name).mix}
    return say.say(f"charts.total.{name}", **values)


def _scale(say: Any, largest: float) -> tuple[float, str]:
    return next(((size, word) for size, word in say.numbers.units if largest >= size), (1.0, ""))
