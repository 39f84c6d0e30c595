"""Funnel: what happened to the deals that reached each stage, and how likely they move on.

One bar per stage is split into moved on, still open there, lost there and left; open and lost are never one shade.
Beside it stand the number and the amount that reached the stage, and the rate by the horizon with its interval.
What moves on flows down into the next bar.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import altair as alt

from funnelnb.show import theme
from funnelnb.show.charts import funnel_layout as layout
from funnelnb.show.charts.parts import Row, finish, layer, legend, legend_row, nothing, pixel, subtitle, texts
from funnelnb.show.finding import finding_of
from funnelnb.show.names import groups_of
from funnelnb.show.words import Words, words

if TYPE_CHECKING:
    from funnelnb.analysis.conversion import Conversion, StepRow

GROUPS_MOST = 8
"""More groups than this are not drawn as small funnels; the table has them."""
_COUNTS = ("reached_n", "advanced_n", "here_n", "lost_n", "left_n", "reached_amount", "lost_amount", "enough")
_RATES = tuple(
    f"{stem}_{part}" for stem in ("by_day", "so_far", "decided") for part in ("rate", "ci_lower", "ci_upper")
)


def data(result: Conversion) -> list[Row]:
    """Return one row per group and stage, the won stage last: counts, amounts, the three rates, loss point."""
    lost_at = {point.group: point.stage for point in result.loss_points}
    rows: list[Row] = []
    for group in groups_of(result.overall):
        steps = [row for row in result.steps if row.group == group and not row.after_sale]
        rows += [_row(step, step.stage == lost_at.get(group)) for step in steps]
        rows += [_won_row(steps[-1])] if steps else []
    return rows


def _row(step: StepRow, loss_point: bool) -> Row:
    taken = {name: getattr(step, name) for name in (*_COUNTS, *_RATES)}
    return {"group": step.group, "stage": step.stage, "won": False, "loss_point": loss_point} | taken


def _won_row(step: StepRow) -> Row:
    return {
        "group": step.group,
        "stage": step.next_stage,
        "won": True,
        "loss_point": False,
        "reached_n": step.advanced_n,
        "advanced_n": step.advanced_n,
        "reached_amount": step.advanced_amount,
    }


def draw(result: Conversion, lang: str) -> Any:
    """Draw the funnel; with groups, one small funnel each."""
    say = words(lang)
    rows = data(result)
    if not rows or not result.n:
        return nothing(result, say)
    return _by_group(result, rows, say) if result.by else _whole(result, rows, say)


def _whole(result: Conversion, rows: list[Row], say: Words) -> Any:
    found = finding_of(result, say.lang)
    place = layout.wide(rows)
    key = legend(legend_row(_entries(rows, say), 6, -50), "legend")
    heads = texts(layout.heads(result, place, say), "heads")
    chart = alt.layer(*_panel(result, rows, place, say), *_dots(rows, place), heads, key)
    chart = chart.properties(width=place.right, height=place.step * len(rows) - 20)
    return finish(chart, say, found.headline, subtitle(result, say, found.detail), offset=20)


def _by_group(result: Conversion, rows: list[Row], say: Words) -> Any:
    sizes: dict[tuple[str, ...], int] = {}
    for row in rows:
        sizes.setdefault(row["group"], row["reached_n"])
    largest = set(sorted(sizes, key=lambda group: -sizes[group])[:GROUPS_MOST])
    drawn = [group for group in sizes if group in largest]
    panels = [_small(result, group, rows, say, f"-{rank}") for rank, group in enumerate(drawn, start=1)]
    more = ""
    if len(drawn) < len(sizes):
        more = say.say("charts.parts.more_groups", shown_n=len(drawn), groups_n=len(sizes))
    key = legend(legend_row(_entries(rows, say), 6, 5), "legend").properties(width=560, height=10)
    grid = alt.vconcat(key, alt.concat(*panels, columns=2, spacing=34), spacing=18)
    found = finding_of(result, say.lang)
    rate = say.say(f"charts.funnel.rate_{layout.stem_of(rows)}", horizon_days=result.horizon_days)
    columns = say.say("charts.funnel.columns", rate=rate)
    return finish(grid, say, found.headline, subtitle(result, say, found.detail, columns, more))


def _small(result: Conversion, group: tuple[str, ...], rows: list[Row], say: Words, tag: str) -> Any:
    mine = [row for row in rows if row["group"] == group]
    place = layout.small(rows)
    name = theme.shorten(say.group(group), place.right, 13)
    title = alt.TitleParams(text=name, fontSize=13, anchor="start", offset=8, frame="group", dx=-place.label)
    chart = alt.layer(*_panel(result, mine, place, say, tag))
    return chart.properties(width=place.right, height=place.step * len(mine) - 10, title=title)


def _entries(rows: Sequence[Row], say: Words) -> list[tuple[str, str]]:
    present = [part for part in layout.PARTS if any(row.get(f"{part}_n") for row in rows)]
    return [(layout.COLOURS[part], say.get(f"charts.parts.{part}")) for part in present]


def _panel(result: Conversion, rows: list[Row], place: layout.Layout, say: Words, tag: str = "") -> list[Any]:
    pieces = layout.segments(result, rows, place, say)
    box = {"x": pixel("x", "x"), "x2": "x2:Q", "y": pixel("y", "y"), "y2": "y2:Q"}
    flows = layer(layout.flows(pieces, place, len(rows)), f"flows{tag}")
    bars = layer(pieces, f"bars{tag}")
    tip = [
        alt.Tooltip("stage:N", title=say.field("stage").label),
        alt.Tooltip("what:N", title=" "),
        alt.Tooltip("n:Q", title=say.get("charts.funnel.number_of_deals"), format=","),
    ]
    shown = [
        flows.mark_rect(color=theme.MOVED, opacity=0.13).encode(**box),
        bars.mark_rect(stroke=theme.PAPER, strokeWidth=1).encode(
            **box, color=alt.Color("colour:N", scale=None, legend=None), tooltip=tip
        ),
        texts(layout.captions(result, rows, place, say), f"captions{tag}"),
    ]
    if place.full:
        shown.append(texts(layout.inside(pieces, say), f"inside{tag}"))
    return shown


def _dots(rows: list[Row], place: layout.Layout) -> list[Any]:
    base = layer(layout.dots(rows, place), "dots")
    y = pixel("y", "y")
    return [
        base.mark_rule(color=theme.FAINT, strokeWidth=2).encode(x=pixel("x", "start"), x2="end:Q", y=y),
        base.mark_rule(color=theme.MOVED, strokeWidth=2.5).encode(x=pixel("x", "x"), x2="x2:Q", y=y),
        base.mark_point(filled=True, size=60, color=theme.MOVED, opacity=1).encode(x=pixel("x", "dot"), y=y),
    ]
