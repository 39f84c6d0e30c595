"""Funnel: what happened to the deals that reached each stage, and how likely they move on.

One bar per stage is split into moved on, still open there, lost there and left; open and lost never share a
shade. Beside it stand the number and the amount that reached the stage, and the rate with its interval.
What moves on flows down into the next bar.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt

from funnelnb.show import theme
from funnelnb.show.charts import funnel_layout as layout
from funnelnb.show.charts.parts import Draft, own_colour, pixel, sized
from funnelnb.show.finding import finding_of
from funnelnb.show.names import groups_of
from funnelnb.show.table import facts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.analysis.conversion import Conversion, StepRow
    from funnelnb.show.charts.parts import Row

GROUPS_MOST = 8
"""More groups than this are not drawn as small funnels; the table has them."""
_COUNTS = ("reached_n", "advanced_n", "here_n", "lost_n", "left_n", "reached_amount", "lost_amount", "enough")
_RATES = tuple(
    f"{stem}_{part}" for stem in ("by_day", "so_far", "decided") for part in ("rate", "ci_lower", "ci_upper")
)


def data(result: Conversion) -> list[Row]:
    """Return one row per group and stage, the won stage last: counts, amounts, three rates, loss point."""
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
    draft = Draft(result, lang)
    rows = data(result)
    if not rows or not result.n:
        return draft.nothing()
    return _by_group(draft, rows) if result.by else _whole(draft, rows)


def _whole(draft: Draft, rows: list[Row]) -> Any:
    found = finding_of(draft.result, draft.say.lang)
    place = layout.wide(rows)
    heads = draft.texts(layout.heads(draft.result, place, draft.say), "heads")
    key = draft.legend(_entries(draft, rows), 6, -50)
    chart = alt.layer(*_panel(draft, rows, place), *_dots(draft, rows, place), heads, key)
    chart = sized(chart, width=place.right, height=place.step * len(rows) - 20)
    return draft.finish(chart, _title(draft), found.detail, offset=20)


def _title(draft: Draft) -> str:
    """Say what has become of the deals; the rates are said beside the bars."""
    row = draft.result.overall[0]
    return draft.say.say(
        "charts.funnel.title_left" if row.left_n else "charts.funnel.title",
        n=row.reached_n,
        won_n=row.advanced_n,
        lost_n=row.lost_n,
        open_n=row.here_n,
        left_n=row.left_n,
    )


def _by_group(draft: Draft, rows: list[Row]) -> Any:
    say = draft.say
    sizes: dict[tuple[str, ...], int] = {}
    for row in rows:
        sizes.setdefault(row["group"], row["reached_n"])
    largest = set(sorted(sizes, key=lambda group: -sizes[group])[:GROUPS_MOST])
    drawn = [group for group in sizes if group in largest]
    panels = [_small(draft, group, [row for row in rows if row["group"] == group]) for group in drawn]
    key = sized(draft.legend(_entries(draft, rows), 6, 5), width=560, height=10)
    grid = alt.vconcat(key, alt.concat(*panels, columns=2, spacing=34), spacing=18)
    stem = layout.stem_of(rows)
    rate = say.say(f"charts.funnel.rate_{stem}", horizon_days=draft.result.horizon_days)
    more = ""
    if len(drawn) < len(sizes):
        more = say.say("charts.parts.more_groups", shown_n=len(drawn), groups_n=len(sizes))
    title = say.say("charts.funnel.title_groups", **facts(draft.result, say))
    return draft.finish(grid, title, say.say("charts.funnel.columns", rate=rate), more)


def _small(draft: Draft, group: tuple[str, ...], rows: list[Row]) -> Any:
    place = layout.small(rows)
    name = theme.shorten(draft.say.group(group), place.right, 13)
    title = alt.TitleParams(text=name, fontSize=13, anchor="start", offset=8, frame="group", dx=-place.label)
    chart = alt.layer(*_panel(draft, rows, place))
    return sized(chart, width=place.right, height=place.step * len(rows) - 10, title=title)


def _entries(draft: Draft, rows: Sequence[Row]) -> list[tuple[str, str]]:
    present = [part for part in layout.PARTS if any(row.get(f"{part}_n") for row in rows)]
    return [(layout.COLOURS[part], draft.say.get(f"charts.parts.{part}")) for part in present]


def _panel(draft: Draft, rows: list[Row], place: layout.Layout) -> list[Any]:
    say = draft.say
    pieces = layout.segments(draft.result, rows, place, say)
    box = {"x": pixel("x", "x"), "x2": "x2:Q", "y": pixel("y", "y"), "y2": "y2:Q"}
    tip = [
        alt.Tooltip("stage:N", title=say.field("stage").label),
        alt.Tooltip("what:N", title=" "),
        alt.Tooltip("n:Q", title=say.get("charts.funnel.number_of_deals"), format=","),
    ]
    flows = draft.layer(layout.flows(pieces, place, len(rows)), "flows")
    bars = draft.layer(pieces, "bars")
    shown = [
        flows.mark_rect(color=theme.MOVED, opacity=0.13).encode(**box),
        bars.mark_rect(stroke=theme.PAPER, strokeWidth=1).encode(**box, color=own_colour(), tooltip=tip),
        draft.texts(layout.captions(draft.result, rows, place, say), "captions"),
    ]
    if place.full:
        shown.append(draft.texts(layout.inside(pieces, say), "inside"))
    return shown


def _dots(draft: Draft, rows: list[Row], place: layout.Layout) -> list[Any]:
    base = draft.layer(layout.dots(rows, place), "dots")
    y = pixel("y", "y")
    return [
        base.mark_rule(color=theme.FAINT, strokeWidth=2).encode(x=pixel("x", "start"), x2="end:Q", y=y),
        base.mark_rule(color=theme.MOVED, strokeWidth=2.5).encode(x=pixel("x", "x"), x2="x2:Q", y=y),
        base.mark_point(filled=True, size=60, color=theme.MOVED, opacity=1).encode(x=pixel("x", "dot"), y=y),
    ]
