"""Frontier: which chance of the target costs which effort; the cheapest mix that is sure enough, and the plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt

from funnelnb.show import theme
from funnelnb.show.charts.parts import Draft, own_colour, share_axis, sized
from funnelnb.show.finding import finding_of

if TYPE_CHECKING:
    from funnelnb.show.charts.parts import Row

WIDTH, HEIGHT = 720, 320
COLOURS = {"frontier": theme.MOVED, "cheapest": theme.SECOND, "plan": theme.LOST}


def data(result: Any) -> list[Row]:
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


def draw(result: Any, lang: str) -> Any:
    """Draw the frontier."""
    draft = Draft(result, lang)
    rows = data(result)
    found = finding_of(result, lang)
    if not rows:
        return draft.nothing(found.headline)
    say, mixes = draft.say, getattr(result, "mix", result)
    unit = (
        say.find(f"targets.units.{mixes.effort_unit}") or mixes.effort_unit or say.get("targets.units.effort")
    )
    efforts = [row["effort"] for row in rows]
    room = 0.06 * (max(efforts) - min(efforts) or 1)
    x = alt.X(
        "effort:Q",
        scale=alt.Scale(domain=[min(efforts) - room, max(efforts) + room], nice=False, zero=False),
        axis=alt.Axis(title=say.say("charts.frontier.x", unit=unit), grid=False, tickCount=8),
    )
    y = alt.Y(
        "chance:Q", scale=alt.Scale(domain=[0, 1]), axis=share_axis(say, title=say.get("charts.frontier.y"))
    )
    tips = [
        alt.Tooltip("mix:N", title=say.field("mix", "MixRow").label),
        alt.Tooltip("chance:Q", format=".1%", title=" "),
    ]
    drawn = [row | {"colour": COLOURS[row["kind"]], "label": _label(draft, row)} for row in rows]
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
        *(_labels(named, x, y, kind) for kind in ("cheapest", "plan")),
    ]
    return draft.finish(sized(alt.layer(*layers), width=WIDTH, height=HEIGHT), found.headline, found.detail)


def _goal_words(goal: alt.Chart, y: Any) -> Any:
    marks = goal.mark_text(
        align="left", baseline="bottom", dy=-3, color=theme.QUIET, fontSize=theme.SMALL_SIZE
    )
    return marks.encode(x=alt.value(4), y=y, text="label:N")


def _labels(named: alt.Chart, x: Any, y: Any, kind: str) -> Any:
    left = kind == "plan"
    return (
        named.transform_filter(f"datum.kind == '{kind}'")
        .mark_text(align="left", dx=10, dy=-9 if left else 13, fontWeight="bold", color=theme.INK)
        .encode(x=x, y=y, text="label:N")
    )


def _label(draft: Draft, row: Row) -> str:
    if row["kind"] == "frontier":
        return ""
    mix = theme.shorten(row["mix"], 260, theme.LABEL_SIZE)
    return draft.say.say(f"charts.frontier.{row['kind']}", mix=mix, chance_rate=row["chance"])


def _goal(draft: Draft, mixes: Any) -> str:
    return draft.say.say("charts.frontier.assurance", assurance_rate=mixes.assurance_rate)
