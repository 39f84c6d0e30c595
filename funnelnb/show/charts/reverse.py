"""Reverse funnel: how many must stand at each stage, and until when they may come in.

One bar per stage, centred, its width the number needed for the assurance; inside it, darker, the number that
plain division gives. Beside each bar stand the numbers and the last day.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt
import numpy as np

from funnelnb.show import theme
from funnelnb.show.charts.parts import Draft, own_colour, pixel, sized, text
from funnelnb.show.finding import finding_of
from funnelnb.show.names import stage_name
from funnelnb.show.views.reverse import needed

if TYPE_CHECKING:
    from funnelnb.show.charts.parts import Row

STEP, BAR = 46, 30
LABEL, PLOT, NUMBERS = 180, 320, 280


def data(result: Any) -> list[Row]:
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


def draw(result: Any, lang: str) -> Any:
    """Draw the reverse funnel."""
    draft = Draft(result, lang)
    rows = data(result)
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
    chart = alt.layer(marks, draft.texts(words, "words"), heads, draft.legend(entries, LABEL, -46))
    chart = sized(chart, width=LABEL + PLOT + NUMBERS, height=STEP * len(rows) - (STEP - BAR))
    found = finding_of(result, lang)
    return draft.finish(chart, found.headline, found.detail, offset=18)


def _bars(row: Row, rank: int, widest: float) -> list[Row]:
    middle, y = LABEL + PLOT / 2, rank * STEP
    made = []
    for name, colour, inset in (("needed_n", theme.OPEN, 0), ("plug_in_n", theme.MOVED, 7)):
        if row[name] <= 0 or (row["won"] and name == "needed_n"):
            continue
        half = max(PLOT * row[name] / widest / 2, 1.0)
        made.append(
            {"x": middle - half, "x2": middle + half, "y": y + inset, "y2": y + BAR - inset, "colour": colour}
        )
    return made


def _words(draft: Draft, funnel: Any, row: Row, rank: int) -> list[Row]:
    say, y = draft.say, rank * STEP + BAR / 2
    weight = "bold" if row["won"] else "normal"
    name = theme.shorten(stage_name(funnel, row["stage"], say), LABEL - 18, theme.LABEL_SIZE)
    right = LABEL + PLOT
    made = [
        text(LABEL - 12, y, name, align="right", weight=weight),
        text(right + 70, y, needed(row["needed_n"], say), align="right", weight="bold"),
    ]
    if not row["won"]:
        made.append(text(right + 150, y, needed(row["plug_in_n"], say), align="right"))
    if not _undated(funnel):
        late = say.get("targets.too_late")
        colour = theme.LOST_INK if row["too_late"] else theme.INK
        label = late if row["too_late"] else say.numbers.date(row["in_by"])
        made.append(
            text(right + 180, y, label, colour=colour, weight="bold" if row["too_late"] else "normal")
        )
    return made


def _undated(funnel: Any) -> bool:
    return bool(np.isnat(funnel.until))


def _heads(draft: Draft, funnel: Any) -> list[Row]:
    say, right = draft.say, LABEL + PLOT
    style: dict[str, Any] = {"size": theme.SMALL_SIZE, "colour": theme.QUIET}
    made = [
        text(right + 70, -16, say.get("charts.reverse.head_needed"), align="right", **style),
        text(right + 150, -16, say.get("charts.reverse.head_plug_in"), align="right", **style),
    ]
    if not _undated(funnel):
        made.append(text(right + 180, -16, say.get("charts.reverse.head_in_by"), **style))
    return made
