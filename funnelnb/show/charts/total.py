"""Total: how what comes in is distributed, with the target as a line; what reaches it is dark."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import altair as alt
import numpy as np

from funnelnb.show import theme
from funnelnb.show.charts.parts import Draft, own_colour, sized
from funnelnb.show.finding import finding_of

if TYPE_CHECKING:
    from funnelnb.show.charts.parts import Row

BINS = 60
WIDTH, HEIGHT, SMALL = 720, 260, 120
COLOURS = {True: theme.MOVED, False: theme.OPEN}


def data(result: Any) -> list[Row]:
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


def draw(result: Any, lang: str) -> Any:
    """Draw the distributions under each other on one axis."""
    draft = Draft(result, lang)
    rows = data(result)
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
            "colour": COLOURS[row["reached"]],
            "chance": say.numbers.percent(row["share"]),
        }
        for row in rows
    ]
    title = _amounts(draft, word)
    domain = [end / factor for end in ends]
    x = alt.X(
        "low:Q",
        scale=alt.Scale(domain=domain, nice=False),
        axis=alt.Axis(title=title, grid=False, tickCount=8),
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
    heading = alt.TitleParams(text=_heading(draft, name), fontSize=13, anchor="start", offset=22)
    return sized(alt.layer(*layers), width=WIDTH, height=HEIGHT if count == 1 else SMALL, title=heading)


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
    label = _label(draft, _chance(draft.result, name))
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


def _label(draft: Draft, reached: float) -> str:
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
