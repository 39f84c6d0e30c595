"""Funnel: what happened to the deals that reached each stage, how likely they move on, and how far from the ideal."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import altair as alt

from funnelnb.show.charts import theme
from funnelnb.show.charts.parts import Draft, own_colour, pixel, share_axis, sized, text
from funnelnb.show.tables.lists import key_of
from funnelnb.show.tables.table import placeholders
from funnelnb.show.text.words import groups_of, stage_name
from funnelnb.show.views.conversion import clearly_weakest, weakest_step
from funnelnb.show.views.registry import finding_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.analysis.conversion.conversion import Conversion, StepRow
    from funnelnb.analysis.conversion.ideal import FunnelGap
    from funnelnb.show.charts.parts import Row
    from funnelnb.show.text.words import Words


# ---- Where the pieces of a funnel stand, in pixels: bars, what flows on, dots and words --------------------

PARTS = ("advanced", "here", "lost", "left")
COLOURS = {"advanced": theme.MOVED, "here": theme.OPEN, "lost": theme.LOST, "left": theme.LEFT}
SMALL_SIZE = theme.SMALL_SIZE


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Places in pixels.

    Attributes
    ----------
    step, bar : float
        Height of a stage and of its bar.
    label : float
        Room for stage names, left of 0.
    bars : float
        Length of the longest bar.
    reached, amount : float
        Right edges of the two columns of numbers.
    dots, dots_end : float
        From where to where rates are drawn as dots.
    rate, right : float
        Where rates are written, and the right edge.
    full : bool
        Whether amount, dots and the other rates are shown.
    stem : {"by_day", "decided"}
        Which rate stands first: by the horizon, or where no time is known that of decided deals.
    above : float
        So far over its bar stands what is said of a stage, as on a phone; 0: beside it.
    """

    step: float
    bar: float
    label: float
    bars: float
    reached: float
    amount: float
    dots: float
    dots_end: float
    rate: float
    right: float
    full: bool
    stem: str = "by_day"
    above: float = 0.0


WIDE = Layout(
    step=56, bar=26, label=150, bars=260, reached=314, amount=390,
    dots=414, dots_end=496, rate=508, right=652, full=True,
)  # fmt: skip
SMALL = Layout(
    step=30, bar=17, label=112, bars=104, reached=148, amount=0,
    dots=0, dots_end=0, rate=160, right=272, full=False,
)  # fmt: skip
PHONE = Layout(
    step=50, bar=18, label=6, bars=306, reached=184, amount=0,
    dots=0, dots_end=0, rate=306, right=310, full=False, above=13,
)  # fmt: skip


def wide(rows: Sequence[Row]) -> Layout:
    """Return the layout of the one large funnel: without a column of amounts where there are none."""
    place = replace(theme.fit(WIDE, PHONE), stem=stem_of(rows))
    if not place.full:
        return place
    if any(row["reached_amount"] > 0 for row in rows):
        return place
    back = WIDE.amount - WIDE.reached
    return replace(
        place, amount=0, dots=WIDE.dots - back, dots_end=WIDE.dots_end - back, rate=WIDE.rate - back
    )


def small(rows: Sequence[Row]) -> Layout:
    """Return the layout of a small funnel."""
    return replace(SMALL, stem=stem_of(rows))


def stem_of(rows: Sequence[Row]) -> str:
    """Return which rate can be shown: by the horizon, unless it is known nowhere."""
    return "by_day" if any(not _unknown(row, "by_day") for row in rows if not row["won"]) else "decided"


def _unknown(row: Row, stem: str) -> bool:
    return math.isnan(row[f"{stem}_rate"])


def _list_behind(result: Conversion, row: Row, part: str) -> Row:
    """Return the address of the deals behind a piece of a bar, where the page has them."""
    step = next(
        (
            one
            for one in result.steps
            if one.group == row.get("group", ())
            and (one.next_stage if row["won"] else one.stage) == row["stage"]
        ),
        None,
    )
    key = "" if step is None else key_of(result, step, f"{part}_n")
    return {"href": f"#{key}"} if key else {}


def segments(result: Conversion, rows: Sequence[Row], place: Layout, say: Words) -> list[Row]:
    """Return the pieces of all bars."""
    most = max(row["reached_n"] for row in rows) or 1
    made = []
    for rank, row in enumerate(rows):
        x = 0.0
        for part in PARTS:
            n = row.get(f"{part}_n") or 0
            size = place.bars * n / most
            if not n:
                continue
            made.append(
                {
                    "stage": stage_name(result, row["stage"], say),
                    "what": say.get("charts.parts.won" if row["won"] else f"charts.parts.{part}"),
                    "n": n,
                    "part": part,
                    "x": x,
                    "x2": x + max(size, 1.0),
                    "y": rank * place.step,
                    "y2": rank * place.step + place.bar,
                    "colour": COLOURS[part],
                    **_list_behind(result, row, part),
                }
            )
            x += size
    return made


def inside(pieces: Sequence[Row], say: Words) -> list[Row]:
    """Return the numbers written into the pieces of the bars that have room for them."""
    made = []
    for piece in pieces:
        label = say.numbers.count(piece["n"])
        if theme.text_width(label, SMALL_SIZE) + 6 > piece["x2"] - piece["x"]:
            continue
        colour = theme.INK if piece["part"] in ("here", "left") else theme.PAPER
        middle = (piece["x"] + piece["x2"]) / 2, (piece["y"] + piece["y2"]) / 2
        made.append(text(*middle, label, align="center", size=SMALL_SIZE, colour=colour))
    return made


def flow_rows(pieces: Sequence[Row], place: Layout, stages_n: int) -> list[Row]:
    """Return what moves on: a pale band from each bar down to the next."""
    return [
        {"x": 0.0, "x2": piece["x2"], "y": piece["y2"], "y2": piece["y"] + place.step}
        for piece in pieces
        if piece["part"] == "advanced" and piece["y"] + place.step < place.step * stages_n
    ]


def captions(
    result: Conversion, rows: Sequence[Row], place: Layout, say: Words, weakest: str = ""
) -> list[Row]:
    """Return all words and numbers beside the bars, or above them on a phone."""
    most = max(row["reached_n"] for row in rows) or 1
    made: list[Row] = []
    for rank, row in enumerate(rows):
        top = rank * place.step
        middle = top - place.above if place.above else top + place.bar / 2
        if row["stage"] == weakest:
            made.append(_weakest_words(middle, top, place, say))
        name_y = middle - 7 if row["stage"] == weakest and not place.above else middle
        made += _stage_label(stage_name(result, row["stage"], say), name_y, place, strong=row["won"])
        made.append(_number(place.reached, middle, say.numbers.count(row["reached_n"]), strong=row["won"]))
        if place.amount and row["reached_amount"]:
            amount = say.numbers.amount(row["reached_amount"])
            made.append(_number(place.amount, middle, amount, strong=row["won"]))
        if not row["won"]:
            made += _rate_words(row, middle, place, say)
        if row["loss_point"] and place.full:
            end = place.bars * row["reached_n"] / most
            made.append(_loss_words(result, row, top + place.bar + 14, end, say))
    return made


def _weakest_words(middle: float, top: float, place: Layout, say: Words) -> Row:
    """Return the words that mark the weakest step: under its name, on a phone at the end of its bar."""
    label = f"▼ {say.get('charts.funnel.weakest')}"
    style = {"align": "right", "size": SMALL_SIZE, "colour": theme.LOST_INK, "weight": "bold"}
    if place.above:
        return text(place.rate, top + place.bar / 2, label, **style)
    return text(-10, middle + 11, label, **style)


def _stage_label(name: str, middle: float, place: Layout, *, strong: bool) -> list[Row]:
    if place.above:
        room = place.reached - 32
        label = theme.shorten(name, room, theme.LABEL_SIZE)
        return [text(0, middle, label, weight="bold" if strong else "normal")]
    tall = place.step > SMALL.step
    lines = theme.wrap(name, place.label - 14, theme.LABEL_SIZE)[: 2 if tall else 1]
    if not tall:
        lines = [theme.shorten(name, place.label - 12, theme.LABEL_SIZE)]
    first = middle - 7 * (len(lines) - 1)
    weight = "bold" if strong else "normal"
    return [
        text(-10, first + 14 * rank, line, align="right", weight=weight) for rank, line in enumerate(lines)
    ]


def _number(x: float, middle: float, label: str, *, strong: bool) -> Row:
    return text(x, middle, label, align="right", weight="bold" if strong else "normal")


def _rate_words(row: Row, middle: float, place: Layout, say: Words) -> list[Row]:
    if not row["enough"]:
        return [text(place.rate, middle, say.get("words.too_few"), colour=theme.QUIET)]
    if _unknown(row, place.stem):
        first = text(place.rate, middle, say.get("charts.parts.not_seen"), colour=theme.QUIET)
    else:
        names = (f"{place.stem}_{part}" for part in ("rate", "ci_lower", "ci_upper"))
        first = text(place.rate, middle, say.numbers.interval(*(row[name] for name in names)))
    if not place.full:
        return [first | {"align": "right"}] if place.above else [first]
    others = [
        say.say(f"charts.funnel.other_{stem}", rate=say.numbers.percent(row[f"{stem}_rate"]))
        for stem in ("so_far", "decided")
        if stem != place.stem
    ]
    below = [
        text(place.rate, middle + 2 + 13 * line, label, size=SMALL_SIZE, colour=theme.QUIET)
        for line, label in enumerate(others)
    ]
    return [first | {"y": middle - 12, "weight": "bold"}, *below]


def _loss_words(result: Conversion, row: Row, y: float, end: float, say: Words) -> Row:
    worth = row["lost_amount"]
    key = "charts.parts.loss_point_worth" if worth and worth > 0 else "charts.parts.loss_point"
    label = say.say(key, lost_n=row["lost_n"], amount=say.numbers.amount(worth, result.currency)) + " ▲"
    style = {"size": SMALL_SIZE, "colour": theme.LOST_INK, "weight": "bold"}
    if theme.text_width(label, SMALL_SIZE, bold=True) < end:
        return text(end - 3, y, label, align="right", **style)
    return text(2, y, label, **style)


def head_rows(result: Conversion, place: Layout, say: Words) -> list[Row]:
    """Return the heads over the columns of the large funnel."""
    style = {"size": SMALL_SIZE, "colour": theme.QUIET}
    y = -24.0
    rate = say.say(f"charts.funnel.rate_{place.stem}", horizon_days=result.horizon_days)
    made = [
        text(0, y, say.get("charts.funnel.number_of_deals"), **style),
        text(place.reached, y, say.get("charts.funnel.reached"), align="right", **style),
        text(place.dots, y, rate, **style),
    ]
    for share, x, align in ((0, place.dots, "left"), (1, place.dots_end, "right")):
        label = say.numbers.percent(share)
        made.append(text(x, -9.0, label, align=align, size=SMALL_SIZE, colour=theme.QUIET))
    if place.amount:
        amount = say.get("charts.funnel.amount")
        unit = say.numbers.currencies.get(result.currency, result.currency)
        if unit:
            amount = say.say("charts.funnel.amount_unit", unit=unit)
        made.append(text(place.amount, y, amount, align="right", **style))
    return made


def dots(rows: Sequence[Row], place: Layout) -> list[Row]:
    """Return the rates as places on a line from 0 to 100 %."""
    span = place.dots_end - place.dots
    made = []
    for rank, row in enumerate(rows):
        if row["won"] or not row["enough"] or _unknown(row, place.stem):
            continue
        made.append(
            {
                "y": rank * place.step + place.bar / 2,
                "x": place.dots + span * row[f"{place.stem}_ci_lower"],
                "x2": place.dots + span * row[f"{place.stem}_ci_upper"],
                "dot": place.dots + span * row[f"{place.stem}_rate"],
                "start": place.dots,
                "end": place.dots_end,
            }
        )
    return made


# ---- Funnel: what happened to the deals that reached each stage, and how likely they move on ---------------

GROUPS_MOST = 8
"""More groups than this are not drawn as small funnels; the table has them."""
_COUNTS = ("reached_n", "advanced_n", "here_n", "lost_n", "left_n", "reached_amount", "lost_amount", "enough")
_RATES = tuple(
    f"{stem}_{part}" for stem in ("by_day", "so_far", "decided") for part in ("rate", "ci_lower", "ci_upper")
)


def funnel_data(result: Conversion) -> list[Row]:
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


def funnel_draw(result: Conversion, lang: str) -> Any:
    """Draw the funnel; with groups, one small funnel each."""
    draft = Draft(result, lang)
    rows = funnel_data(result)
    if not rows or not result.n:
        return draft.nothing()
    return _by_group(draft, rows) if result.by else _whole(draft, rows)


def _whole(draft: Draft, rows: list[Row]) -> Any:
    found = finding_of(draft.result, draft.say.lang)
    place = wide(rows)
    step = weakest_step(draft.result)
    weakest = step.stage if step is not None and clearly_weakest(draft.result, step) else ""
    key = draft.legend(_entries(draft, rows), 6, -50 if place.full else -38)
    layers = [*_panel(draft, rows, place, weakest), key]
    more = found.detail
    if place.full:
        heads = draft.texts(head_rows(draft.result, place, draft.say), "heads")
        layers += [*_dots(draft, rows, place), heads]
    else:
        rate = draft.say.say(f"charts.funnel.rate_{place.stem}", horizon_days=draft.result.horizon_days)
        more = draft.say.say("charts.funnel.columns", rate=rate)
    chart = sized(alt.layer(*layers), width=place.right, height=place.step * len(rows) - 20)
    return draft.finish(chart, _title(draft), more, offset=20)


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
    stem = stem_of(rows)
    rate = say.say(f"charts.funnel.rate_{stem}", horizon_days=draft.result.horizon_days)
    more = ""
    if len(drawn) < len(sizes):
        more = say.say("charts.parts.more_groups", shown_n=len(drawn), groups_n=len(sizes))
    title = say.say("charts.funnel.title_groups", **placeholders(draft.result, say))
    return draft.finish(grid, title, say.say("charts.funnel.columns", rate=rate), more)


def _small(draft: Draft, group: tuple[str, ...], rows: list[Row]) -> Any:
    place = small(rows)
    name = theme.shorten(draft.say.group(group), place.right, 13)
    title = alt.TitleParams(text=name, fontSize=13, anchor="start", offset=8, frame="group", dx=-place.label)
    chart = alt.layer(*_panel(draft, rows, place))
    return sized(chart, width=place.right, height=place.step * len(rows) - 10, title=title)


def _entries(draft: Draft, rows: Sequence[Row]) -> list[tuple[str, str]]:
    present = [part for part in PARTS if any(row.get(f"{part}_n") for row in rows)]
    return [(COLOURS[part], draft.say.get(f"charts.parts.{part}")) for part in present]


def _panel(draft: Draft, rows: list[Row], place: Layout, weakest: str = "") -> list[Any]:
    say = draft.say
    pieces = segments(draft.result, rows, place, say)
    box = {"x": pixel("x", "x"), "x2": "x2:Q", "y": pixel("y", "y"), "y2": "y2:Q"}
    tip = [
        alt.Tooltip("stage:N", title=say.field("stage").label),
        alt.Tooltip("what:N", title=say.get("charts.funnel.what")),
        alt.Tooltip("n:Q", title=say.get("charts.funnel.number_of_deals"), format=","),
    ]
    leads = {"href": "href:N"} if any("href" in one for one in pieces) else {}
    flows = draft.layer(flow_rows(pieces, place, len(rows)), "flows")
    bars = draft.layer(pieces, "bars")
    shown = [
        *([] if place.above else [flows.mark_rect(color=theme.MOVED, opacity=0.13).encode(**box)]),
        bars.mark_rect(stroke=theme.PAPER, strokeWidth=1).encode(
            **box, **leads, color=own_colour(), tooltip=tip
        ),
        draft.texts(captions(draft.result, rows, place, say, weakest), "captions"),
    ]
    if weakest:
        ground = draft.layer(_ground(rows, place, weakest), "weakest")
        shown.insert(0, ground.mark_rect(color=theme.WEAK, stroke=theme.LOST, cornerRadius=4).encode(**box))
    if place.full or place.above:
        shown.append(draft.texts(inside(pieces, say), "inside"))
    return shown


def _ground(rows: Sequence[Row], place: Layout, weakest: str) -> list[Row]:
    """Return the ground of the weakest step, from its name to its rate."""
    over, under = (place.above + 11, 5) if place.above else (8, 11)
    return [
        {
            "x": -place.label,
            "x2": place.right,
            "y": rank * place.step - over,
            "y2": rank * place.step + place.bar + under,
        }
        for rank, row in enumerate(rows)
        if row["stage"] == weakest
    ]


def _dots(draft: Draft, rows: list[Row], place: Layout) -> list[Any]:
    base = draft.layer(dots(rows, place), "dots")
    y = pixel("y", "y")
    return [
        base.mark_rule(color=theme.FAINT, strokeWidth=2).encode(x=pixel("x", "start"), x2="end:Q", y=y),
        base.mark_rule(color=theme.MOVED, strokeWidth=2.5).encode(x=pixel("x", "x"), x2="x2:Q", y=y),
        base.mark_point(filled=True, size=60, color=theme.MOVED, opacity=1).encode(x=pixel("x", "dot"), y=y),
    ]


# ---- Gap: the share that gets through each step, with its interval, beside what it should be ---------------

STEP, PLOT, LABEL = 36, 430, 170
GAP_COLOURS = {"below": theme.LOST, "above": theme.MOVED, "not_separable": theme.QUIET, "too_few": theme.LEFT}


def gap_data(result: FunnelGap) -> list[Row]:
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


def gap_draw(result: FunnelGap, lang: str) -> Any:
    """Draw the steps under each other."""
    draft = Draft(result, lang)
    if not result.n:
        return draft.nothing()
    say, found = draft.say, finding_of(result, lang)
    drawn = [
        row
        | {
            "name": theme.shorten(
                stage_name(result, row["stage"], say), theme.fit(LABEL, 310), theme.LABEL_SIZE
            ),
            "colour": GAP_COLOURS[row["verdict"]],
            "words": say.get(f"targets.verdicts.{row['verdict']}"),
        }
        for row in gap_data(result)
    ]
    base = draft.layer(drawn, "steps")
    x = alt.X(
        "actual:Q",
        scale=alt.Scale(domain=[0, 1]),
        axis=share_axis(say, title=say.get("charts.gap.x"), tickCount=theme.fit(6, 4)),
    )
    plot, name, step = theme.fit((PLOT, (-10, "right", 0), STEP), (180, (0, "left", -17), 48))
    y = alt.Y("rank:Q", scale=alt.Scale(reverse=True, domain=[-0.6, len(drawn) - 0.4], nice=False), axis=None)
    layers = [
        base.mark_rule(strokeWidth=3).encode(x=alt.X("low:Q"), x2="high:Q", y=y, color=own_colour()),
        base.mark_point(filled=True, size=80, opacity=1).encode(x=x, y=y, color=own_colour()),
        base.mark_tick(thickness=3, size=22, color=theme.INK).encode(x=alt.X("ideal:Q"), y=y),
        base.mark_text(align=name[1], dy=name[2]).encode(x=alt.value(name[0]), y=y, text="name:N"),
        base.mark_text(align="left").encode(x=alt.value(plot + 10), y=y, text="words:N", color=own_colour()),
        draft.legend(
            [(theme.QUIET, say.get("charts.gap.actual")), (theme.INK, say.get("charts.gap.ideal"))], 0, -14
        ),
    ]
    chart = sized(alt.layer(*layers), width=plot, height=step * len(drawn))
    return draft.finish(chart, found.headline, found.detail, offset=16)
