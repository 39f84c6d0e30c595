"""Rates: the three conversion rates of every step side by side, or the rate by the horizon of every group.

So far, decided and by day answer three questions and are never mixed: each has its own mark, name and
interval.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import altair as alt

from funnelnb.show import theme
from funnelnb.show.charts.parts import Draft, rate_range, share_axis, sized
from funnelnb.show.names import stage_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.analysis.conversion import Conversion, StepRow
    from funnelnb.show.charts.parts import Row

GROUPS_MOST = 30
STEP, PLOT, LABEL = 44, 400, 190
KINDS = {
    "by_day": (theme.MOVED, "circle", -11),
    "decided": (theme.LOST_INK, "square", 0),
    "so_far": (theme.QUIET, "triangle-up", 11),
}


def data(result: Conversion) -> list[Row]:
    """Return one row per step (or group) and kind of rate: the rate, its interval and its own n."""
    if result.by:
        largest = sorted(result.overall, key=lambda row: -row.reached_n)[:GROUPS_MOST]
        chosen: Sequence[StepRow] = [row for row in result.overall if any(row is one for one in largest)]
    else:
        steps = [row for row in result.steps if not row.after_sale]
        chosen = [*steps, *result.overall]
    return [row for rank, step in enumerate(chosen) for row in _rows(step, rank)]


def _rows(step: StepRow, rank: int) -> list[Row]:
    sizes = {"by_day": step.by_day_n, "decided": step.decided_n, "so_far": step.reached_n}
    return [
        {
            "group": step.group,
            "stage": step.stage,
            "overall": step.overall,
            "rank": rank,
            "kind": kind,
            "rate": getattr(step, f"{kind}_rate"),
            "ci_lower": getattr(step, f"{kind}_ci_lower"),
            "ci_upper": getattr(step, f"{kind}_ci_upper"),
            "n": sizes[kind],
            "enough": step.enough,
        }
        for kind in KINDS
    ]


def draw(result: Conversion, lang: str) -> Any:
    """Draw the rates."""
    draft = Draft(result, lang)
    rows = data(result)
    if not rows or not result.n:
        return draft.nothing()
    say = draft.say
    names = [row | {"name": _name(draft, row)} for row in rows if row["kind"] == "by_day"]
    height = STEP * len(names)
    layers = [*_marks(draft, rows, height), *_labels(draft, names, height)]
    chart = sized(alt.layer(*layers), width=PLOT, height=height)
    if result.by:
        more = ""
        if len(names) < len(result.overall):
            more = say.say("charts.parts.more_groups", shown_n=len(names), groups_n=len(result.overall))
        return draft.finish(chart, rate_range(draft), more)
    return draft.finish(chart, say.say("charts.rates.title", horizon_days=result.horizon_days))


def _name(draft: Draft, row: Row) -> str:
    if draft.result.by:
        name = draft.say.group(row["group"])
    elif row["overall"]:
        name = draft.say.get("charts.rates.whole")
    else:
        name = stage_name(draft.result, row["stage"], draft.say)
    return theme.shorten(name, LABEL - 70, theme.LABEL_SIZE)


def _spelled(draft: Draft, row: Row, words: dict[str, str]) -> Row:
    rate = draft.say.numbers.interval(row["rate"], row["ci_lower"], row["ci_upper"])
    return {"spot": _spot(row), "words": words[row["kind"]], "label": rate}


def _spot(row: Row) -> float:
    return STEP * (row["rank"] + 0.5) + KINDS[row["kind"]][2]


def _marks(draft: Draft, rows: list[Row], height: float) -> list[Any]:
    say, result = draft.say, draft.result
    known = [row for row in rows if row["enough"] and not math.isnan(row["rate"])]
    words = {kind: say.say(f"charts.rates.{kind}", horizon_days=result.horizon_days) for kind in KINDS}
    present = [kind for kind in KINDS if any(row["kind"] == kind for row in known)]
    spelled = [row | _spelled(draft, row, words) for row in known]
    base = draft.layer(spelled, "rates")
    domain = [words[kind] for kind in present]
    legend = alt.Legend(title=None, orient="top", direction="horizontal", columns=0, symbolSize=80, offset=8)
    colour = alt.Color(
        "words:N", scale=alt.Scale(domain=domain, range=[KINDS[kind][0] for kind in present]), legend=legend
    )
    shape = alt.Shape(
        "words:N", scale=alt.Scale(domain=domain, range=[KINDS[kind][1] for kind in present]), legend=legend
    )
    high = max([0.05, *(row["ci_upper"] for row in known)])
    title = say.get("charts.rates.x_overall" if result.by else "charts.rates.x")
    axis = share_axis(say, title=title, tickCount=6)
    scale = alt.Scale(domain=[0, min(1.0, high * 1.04)], nice=False)
    y = alt.Y("spot:Q", scale=alt.Scale(domain=[0, height], reverse=True, nice=False), axis=None)
    tips = [
        alt.Tooltip("words:N", title=" "),
        alt.Tooltip("label:N", title=" "),
        alt.Tooltip("n:Q", title="n", format=","),
    ]
    return [
        base.mark_rule(strokeWidth=1.8).encode(
            x=alt.X("ci_lower:Q", scale=scale, axis=axis), x2="ci_upper:Q", y=y, color=colour
        ),
        base.mark_point(filled=True, size=64, opacity=1).encode(
            x=alt.X("rate:Q", scale=scale, axis=axis), y=y, color=colour, shape=shape, tooltip=tips
        ),
        base.mark_text(align="left", baseline="middle", fontSize=theme.SMALL_SIZE).encode(
            x=alt.value(PLOT + 12), y=y, text="label:N", color=colour
        ),
    ]


def _labels(draft: Draft, names: list[Row], height: float) -> list[Any]:
    """Write the name of each step or group with its n, and a thin line between two of them."""
    say = draft.say
    rows = [
        {
            "spot": STEP * (row["rank"] + 0.5),
            "line": STEP * (row["rank"] + 1.0),
            "name": row["name"],
            "n": f"n = {say.numbers.count(row['n'])}",
            "few": "" if row["enough"] else say.get("words.too_few"),
            "weight": "bold" if row["overall"] and not draft.result.by else "normal",
        }
        for row in names
    ]
    base = draft.layer(rows, "names")
    scale = alt.Scale(domain=[0, height], reverse=True, nice=False)
    y = alt.Y("spot:Q", scale=scale, axis=None)
    quiet = {"fontSize": theme.SMALL_SIZE, "color": theme.QUIET, "baseline": "middle"}
    return [
        base.mark_rule(color=theme.FAINT, strokeWidth=0.7).encode(
            x=alt.value(-LABEL + 20), x2=alt.value(PLOT), y=alt.Y("line:Q", scale=scale, axis=None)
        ),
        base.mark_text(align="right", baseline="middle", dy=-7, fontWeight={"expr": "datum.weight"}).encode(
            x=alt.value(-12), y=y, text="name:N"
        ),
        base.mark_text(align="right", dy=8, **quiet).encode(x=alt.value(-12), y=y, text="n:N"),
        base.mark_text(align="left", **quiet).encode(x=alt.value(PLOT + 12), y=y, text="few:N"),
    ]
