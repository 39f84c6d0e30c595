"""Tornado: the chance of the target with each lever moved down and up, the strongest on top."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt

from funnelnb.show import theme
from funnelnb.show.charts.parts import Draft, own_colour, share_axis, sized
from funnelnb.show.finding import finding_of
from funnelnb.show.views.levers import lever_name

if TYPE_CHECKING:
    from funnelnb.analysis.sensitivity import Levers
    from funnelnb.show.charts.parts import Row

STEP, PLOT, LABEL = 34, 470, 220


def data(result: Levers) -> list[Row]:
    """Return two rows per lever, down and up: from the chance of now to the chance then."""
    rows = []
    for rank, row in enumerate(result.rows):
        for side, end in (("down", row.low_rate), ("up", row.high_rate)):
            rows.append(
                {"rank": rank, "lever": row.lever, "side": side, "start": result.chance_rate, "end": end}
            )
    return rows


def draw(result: Levers, lang: str) -> Any:
    """Draw the tornado."""
    draft = Draft(result, lang)
    say, found = draft.say, finding_of(result, lang)
    drawn = [_drawn(draft, row) for row in data(result)]
    ends = [row["end"] for row in drawn]
    low, high = max(0.0, min(ends) - 0.08), min(1.0, max(ends) + 0.08)
    x = alt.X(
        "start:Q",
        scale=alt.Scale(domain=[low, high], nice=False, zero=False),
        axis=share_axis(say, title=say.say("charts.tornado.x", amount=_amount(draft)), tickCount=7),
    )
    y = alt.Y(
        "rank:Q", scale=alt.Scale(reverse=True, domain=[-0.6, len(result.rows) - 0.4], nice=False), axis=None
    )
    base = draft.layer(drawn, "levers")
    spelled = say.say("charts.tornado.now", chance_rate=result.chance_rate)
    now = draft.layer([{"start": result.chance_rate, "label": spelled}], "now")
    upper, lower = (base.transform_filter(f"datum.side == '{side}'") for side in ("up", "down"))
    tips = [alt.Tooltip("name:N", title=" "), alt.Tooltip("words:N", title=" ")]
    layers = [
        base.mark_bar(height=18).encode(x=x, x2="end:Q", y=y, color=own_colour(), tooltip=tips),
        upper.mark_text(align="left", dx=5).encode(x=alt.X("end:Q"), y=y, text="words:N"),
        lower.mark_text(align="right", dx=-5).encode(x=alt.X("end:Q"), y=y, text="words:N"),
        upper.mark_text(align="right", baseline="middle").encode(x=alt.value(-10), y=y, text="name:N"),
        now.mark_rule(color=theme.INK, strokeWidth=1.4).encode(x=x),
        now.mark_text(baseline="bottom", fontSize=theme.SMALL_SIZE).encode(x=x, y=alt.value(-3), text="label:N"),
        draft.legend(
            [(theme.LOST, say.say("charts.tornado.down", change_share=result.change_share)),
             (theme.MOVED, say.say("charts.tornado.up", change_share=result.change_share))],
            0, -34,
        ),
    ]  # fmt: skip
    chart = sized(alt.layer(*layers), width=PLOT, height=STEP * len(result.rows))
    return draft.finish(chart, found.headline, found.detail, offset=16)


def _drawn(draft: Draft, row: Row) -> Row:
    return row | {
        "name": theme.shorten(lever_name(draft.result, row["lever"], draft.say), LABEL, theme.LABEL_SIZE),
        "words": draft.say.numbers.percent(row["end"]),
        "colour": theme.MOVED if row["side"] == "up" else theme.LOST,
    }


def _amount(draft: Draft) -> str:
    return draft.say.numbers.amount(draft.result.target_amount, draft.result.currency)
