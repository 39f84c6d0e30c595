"""Forest: each group's raw rate with its interval, its shrunken rate, and the whole as a line.

An open mark is the raw rate, a filled one the rate pulled towards the whole as far as the group's size
demands. Groups with too few deals are grey and say so; colour marks only what differs by more than chance
explains.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt

from funnelnb.show import theme
from funnelnb.show.charts.parts import Draft, own_colour, share_axis, sized
from funnelnb.show.table import facts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.analysis.segments import Segments
    from funnelnb.show.charts.parts import Row

GROUPS_MOST = 40
"""Of more groups the largest are drawn; the table has them all."""
STEP = 26
LABEL, PLOT = 150, 330
COLOURS = {"higher": theme.MOVED, "lower": theme.LOST, "not_separable": theme.QUIET, "too_few": theme.LEFT}
_FIELDS = (
    "decided_n", "won_n", "raw_rate", "raw_ci_lower", "raw_ci_upper",
    "shrunken_rate", "shrunken_ci_lower", "shrunken_ci_upper", "verdict",
)  # fmt: skip


def data(result: Segments) -> list[Row]:
    """Return one row per group that is drawn, highest shrunken rate first."""
    largest = sorted(range(len(result.rows)), key=lambda k: -result.rows[k].decided_n)[:GROUPS_MOST]
    return [
        {"group": result.rows[k].group} | {name: getattr(result.rows[k], name) for name in _FIELDS}
        for k in sorted(largest)
    ]


def draw(result: Segments, lang: str) -> Any:
    """Draw the forest."""
    draft = Draft(result, lang)
    rows = data(result)
    if not rows or not result.n:
        return draft.nothing()
    drawn = [row | _words(draft, row, rank) for rank, row in enumerate(rows)]
    base = draft.layer(drawn, "groups")
    height = STEP * len(rows)
    layers = [*_marks(base, rows, draft), *_columns(base, draft), *_pooled(draft, len(rows)), *_heads(draft)]
    chart = sized(alt.layer(*layers), width=PLOT, height=height)
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
    return draft.say.say(f"charts.forest.{key}", **facts(draft.result, draft.say) | {"some_n": some_n})


def _words(draft: Draft, row: Row, rank: int) -> Row:
    say = draft.say
    few = row["verdict"] == "too_few"
    rate = say.numbers.interval(row["raw_rate"], row["raw_ci_lower"], row["raw_ci_upper"])
    return {
        "rank": rank,
        "name": theme.shorten(say.group(row["group"]), LABEL - 14, theme.LABEL_SIZE),
        "number": say.numbers.count(row["decided_n"]),
        "rate": say.say("charts.forest.few_rate", **row) if few else rate,
        "verdict_words": say.get(f"verdicts.{row['verdict']}"),
        "colour": COLOURS[row["verdict"]],
        "ink": theme.QUIET if few else theme.INK,
        "weight": "bold" if row["verdict"] in ("higher", "lower") else "normal",
        "verdict_ink": {"higher": "#005A8D", "lower": theme.LOST_INK}.get(row["verdict"], theme.QUIET),
    }


def _y() -> alt.Y:
    return alt.Y("rank:Q", scale=alt.Scale(reverse=True, nice=False, zero=False, padding=STEP / 2), axis=None)


def _domain(rows: Sequence[Row], pooled: float) -> list[float]:
    """Return the ends of the axis: every interval fits, those of groups with too few deals are cut."""
    told = [row for row in rows if row["verdict"] != "too_few"] or list(rows)
    low = min([pooled, *(row["raw_ci_lower"] for row in told), *(row["raw_rate"] for row in rows)])
    high = max([pooled, *(row["raw_ci_upper"] for row in told), *(row["raw_rate"] for row in rows)])
    return [max(0.0, low - 0.02), min(1.0, high + 0.02)]


def _marks(base: alt.Chart, rows: Sequence[Row], draft: Draft) -> list[Any]:
    result = draft.result
    scale = alt.Scale(domain=_domain(rows, result.pooled_rate), nice=False, zero=False, clamp=True)
    key = "x" if result.measure == "decided" else "x_by_day"
    title = draft.say.say(f"charts.forest.{key}", **facts(result, draft.say))
    axis = share_axis(draft.say, title=title, tickCount=6)

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
    places = (
        ("name", -54, "right", "ink", "normal"),
        ("number", -12, "right", "ink", "normal"),
        ("rate", PLOT + 16, "left", "ink", "normal"),
        ("verdict_words", PLOT + 152, "left", "verdict_ink", {"expr": "datum.weight"}),
    )
    return [
        base.mark_text(align=align, baseline="middle", fontWeight=weight).encode(
            x=alt.value(x), y=_y(), text=f"{field}:N", color=own_colour(ink)
        )
        for field, x, align, ink, weight in places
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
