"""Level flows: customers by priority on two dates, and the bands along which they moved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt

from funnelnb.show import theme
from funnelnb.show.charts.parts import Draft, own_colour, pixel, text

if TYPE_CHECKING:
    from funnelnb.analysis.level_moves import LevelMoves
    from funnelnb.show.charts.parts import Row

WIDTH, HEIGHT, GAP, BAR = 640, 380, 14, 16
LEFT, RIGHT = 170, 470
ORDER = ("high", "medium", "low", "unknown", "none")
COLOURS = {
    "high": theme.LOST,
    "medium": theme.SECOND,
    "low": theme.MOVED,
    "unknown": theme.QUIET,
    "none": theme.LEFT,
}
_STEPS = 24


def data(result: LevelMoves) -> list[Row]:
    """Return one row per flow: levels on both dates and the number of customers."""
    return [
        {"level_before": row.level_before, "level_after": row.level_after, "customer_n": row.customer_n}
        for row in result.rows
    ]


def draw(result: LevelMoves, lang: str) -> Any:
    """Draw the flows from the earlier date (left) to the later (right)."""
    draft = Draft(result, lang)
    say, rows = draft.say, data(result)
    if not rows:
        return draft.nothing(say.get("levels.nobody"))
    sides = {side: _stack(rows, f"level_{side}") for side in ("before", "after")}
    scale = min((HEIGHT - GAP * (len(one) - 1)) / sum(n for _, n in one) for one in sides.values())
    tops = {side: _tops(one, scale) for side, one in sides.items()}
    bands = _bands(rows, tops, scale)
    named = {level: say.get(f"levels.names.{level}") for level in ORDER}
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
    blocks, words = [], []
    for side, x, align in (("before", LEFT, "right"), ("after", RIGHT, "left")):
        for level, n in sides[side]:
            top = tops[side][level]
            blocks.append({"x": x, "x2": x + BAR, "y": top, "y2": top + n * scale, "colour": COLOURS[level]})
            label = say.say("charts.level_flows.block", level=named[level], customer_n=n)
            place = x - 8 if side == "before" else x + BAR + 8
            words.append(text(place, top + n * scale / 2, label, align=align))
    dates = ((LEFT, result.since, "right"), (RIGHT + BAR, result.as_of, "left"))
    words += [text(x, -16, say.numbers.date(day), align=align, weight="bold") for x, day, align in dates]
    bars = (
        draft.layer(blocks, "blocks")
        .mark_rect()
        .encode(x=pixel("x", "x"), x2="x2:Q", y=pixel("y", "y"), y2="y2:Q", color=own_colour())
    )
    chart = alt.layer(flow, bars, draft.texts(words, "words")).properties(width=WIDTH, height=HEIGHT)
    title = say.say("charts.level_flows.title", raised_n=result.raised_n, lowered_n=result.lowered_n)
    return draft.finish(chart, title, say.get("charts.level_flows.under"), offset=30)


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
            x = LEFT + BAR + (RIGHT - LEFT - BAR) * t
            points.append(
                {"flow": flow, "x": x, "y": y, "y2": y + height, "colour": COLOURS[row["level_before"]]}
            )
    return points
