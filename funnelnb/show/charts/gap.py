"""Gap: the share that gets through each step, with its interval, beside what it should be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt

from funnelnb.show import theme
from funnelnb.show.charts.parts import Draft, own_colour, share_axis, sized
from funnelnb.show.finding import finding_of
from funnelnb.show.names import stage_name

if TYPE_CHECKING:
    from funnelnb.analysis.ideal import FunnelGap
    from funnelnb.show.charts.parts import Row

STEP, PLOT, LABEL = 36, 430, 170
COLOURS = {"below": theme.LOST, "above": theme.MOVED, "not_separable": theme.QUIET, "too_few": theme.LEFT}


def data(result: FunnelGap) -> list[Row]:
    """Return one row per step: actual with bounds, ideal, verdict."""
    return [
        {
            "rank": rank,
            "stage": row.stage,
            "actual": row.actual_rate,
            "low": row.actual_ci_lower,
            "high": row.actual_ci_upper,
            "ideal": row.ideal_rate,
            "verdict": row.verdict,
        }
        for rank, row in enumerate(result.rows)
    ]


def draw(result: FunnelGap, lang: str) -> Any:
    """Draw the steps under each other."""
    draft = Draft(result, lang)
    if not result.n:
        return draft.nothing()
    say, found = draft.say, finding_of(result, lang)
    drawn = [
        row
        | {
            "name": theme.shorten(stage_name(result, row["stage"], say), LABEL, theme.LABEL_SIZE),
            "colour": COLOURS[row["verdict"]],
            "words": say.get(f"targets.verdicts.{row['verdict']}"),
        }
        for row in data(result)
    ]
    base = draft.layer(drawn, "steps")
    x = alt.X(
        "actual:Q",
        scale=alt.Scale(domain=[0, 1]),
        axis=share_axis(say, title=say.get("charts.gap.x"), tickCount=6),
    )
    y = alt.Y("rank:Q", scale=alt.Scale(reverse=True, domain=[-0.6, len(drawn) - 0.4], nice=False), axis=None)
    layers = [
        base.mark_rule(strokeWidth=3).encode(x=alt.X("low:Q"), x2="high:Q", y=y, color=own_colour()),
        base.mark_point(filled=True, size=80, opacity=1).encode(x=x, y=y, color=own_colour()),
        base.mark_tick(thickness=3, size=22, color=theme.INK).encode(x=alt.X("ideal:Q"), y=y),
        base.mark_text(align="right").encode(x=alt.value(-10), y=y, text="name:N"),
        base.mark_text(align="left").encode(x=alt.value(PLOT + 12), y=y, text="words:N", color=own_colour()),
        draft.legend(
            [(theme.QUIET, say.get("charts.gap.actual")), (theme.INK, say.get("charts.gap.ideal"))], 0, -14
        ),
    ]
    chart = sized(alt.layer(*layers), width=PLOT, height=STEP * len(drawn))
    return draft.finish(chart, found.headline, found.detail, offset=16)
