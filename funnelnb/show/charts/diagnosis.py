"""Charts of a diagnosis: symptoms by person, the waterfall of a change, control chart, reasons, paths as arcs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import altair as alt

from funnelnb.show.charts import theme
from funnelnb.show.charts.parts import Draft, number_axis, own_colour, pixel, share_axis, sized, text
from funnelnb.show.text.words import stage_name
from funnelnb.show.views.diagnosis import part_name, reason_name, signed, symptom_said, who, window_of
from funnelnb.show.views.registry import finding_of

if TYPE_CHECKING:
    from funnelnb.analysis.diagnosis.change import Change
    from funnelnb.analysis.diagnosis.losses import WhyLost
    from funnelnb.analysis.diagnosis.sales import SalesTrend
    from funnelnb.analysis.diagnosis.symptoms import Symptoms
    from funnelnb.analysis.diagnosis.wander import Wander
    from funnelnb.show.charts.parts import Row

TICK = "M-0.9,0L-0.3,0.6L0.9,-0.7"
STATES = {
    "red": {"colour": theme.LOST_INK, "ink": theme.PAPER, "shape": "triangle-down", "fill": theme.PAPER},
    "amber": {"colour": theme.WEAK, "ink": theme.LOST_INK, "shape": "triangle-down", "fill": "transparent"},
    "unclear": {"colour": "#EEF1F3", "ink": theme.QUIET, "shape": "circle", "fill": theme.QUIET},
    "green": {"colour": theme.BAND_90, "ink": theme.MOVED, "shape": TICK, "fill": "transparent"},
}
"""What a state looks like: its ground, and a sign in an ink of its own, so that no colour says it alone."""
MOST_PEOPLE, MOST_REASONS = 40, 12
NARROW_PEOPLE = 6
"""So many people stand side by side on a phone."""
GROUPS = (theme.MOVED, theme.SECOND, "#009E73", "#CC79A7", "#56B4E9", theme.QUIET, "#003A5C", theme.LEFT)
"""Colours of groups in a stack, at most eight; none of them means lost."""
CELL, LINE = 46, 21


# ---- Symptoms: people by rules ------------------------------------------------------------------------------


def symptom_matrix_data(result: Symptoms) -> list[Row]:
    """Return one row per person (and all) and rule with the worst state found; none where it was not judged."""
    order = ("red", "amber", "unclear", "green")
    worst: dict[tuple[tuple[str, ...], str], Any] = {}
    for row in result.rows:
        key = (row.group, row.rule)
        if key not in worst or order.index(row.state) < order.index(worst[key].state):
            worst[key] = row
    return [
        {
            "group": group,
            "rule": rule,
            "state": row.state,
            "stake_amount": row.stake_amount if row.state in ("red", "amber") else math.nan,
            "p_adjusted": row.p_adjusted,
        }
        for (group, rule), row in worst.items()
    ]


def symptom_matrix_draw(result: Symptoms, lang: str) -> Any:
    """Draw people as lines, rules as columns, the state as colour and the money at stake in it."""
    draft = Draft(result, lang)
    say = draft.say
    rows = symptom_matrix_data(result)
    if not rows:
        return draft.nothing()
    if theme.fit(False, True):
        return _narrow_matrix(draft, rows)
    groups = _people(rows)
    rules = [row.rule for row in result.rules]
    names = [say.group(one) if one else who((), say) for one in groups]
    left = 8 + max(theme.text_width(one, theme.LABEL_SIZE) for one in names)
    said = {(row.group, row.rule): row for row in reversed(result.rows)}
    cells = [
        _cell(row, left + rules.index(row["rule"]) * CELL, groups.index(row["group"]) * LINE, say)
        | {"said": symptom_said(said[row["group"], row["rule"]], result, say, window_of(result, row["rule"]))}
        for row in rows
        if row["group"] in groups
    ]
    people = [text(left - 8, k * LINE + LINE / 2 - 1, one, align="right") for k, one in enumerate(names)]
    heads = draft.layer([_head(k, rule, left, say) for k, rule in enumerate(rules)], "heads")
    layers = [
        *_squares(draft.layer(cells, "cells"), say.get("symptoms.rule")),
        draft.texts(people, "people"),
        *_key(draft, rows, left, LINE * len(groups) + 12),
        heads.mark_text(angle=315, align="left", baseline="middle", fontSize=theme.LABEL_SIZE).encode(
            x=pixel("x", "x"), y=pixel("y", "y"), text="text:N"
        ),
    ]
    chart = sized(
        alt.layer(*layers), width=left + CELL * len(rules) + 110, height=max(LINE * len(groups), 2 * LINE)
    )
    return draft.finish(
        chart, finding_of(result, lang).headline, say.get("charts.diagnosis.matrix"), offset=18
    )


def _narrow_matrix(draft: Draft, rows: list[Row]) -> Any:
    """Draw rules as lines and the people with the worst states as columns; the money is in the table."""
    result, say = draft.result, draft.say
    people = _people(rows)
    groups = people[: NARROW_PEOPLE + (() in people)]
    rules = [row.rule for row in result.rules]
    said = {(row.group, row.rule): row for row in reversed(result.rows)}
    wide, left = 20, 308.0 - 20 * len(groups)
    cells = [
        _cell(row, left + groups.index(row["group"]) * wide, rules.index(row["rule"]) * LINE, say)
        | {
            "x2": left + (groups.index(row["group"]) + 1) * wide - 2, "label": "",
            "sign": left + groups.index(row["group"]) * wide + wide / 2 - 1,
            "said": symptom_said(said[row["group"], row["rule"]], result, say, window_of(result, row["rule"])),
        }
        for row in rows
        if row["group"] in groups
    ]  # fmt: skip
    names = [
        text(0, k * LINE + LINE / 2 - 1, theme.shorten(say.get(f"symptoms.names.{rule}"), left - 6, theme.LABEL_SIZE))
        for k, rule in enumerate(rules)
    ]  # fmt: skip
    told = [say.group(one) if one else who((), say) for one in groups]
    heads = [
        {"x": left + k * wide + 7, "y": -6, "text": theme.shorten(one, 116, theme.LABEL_SIZE)}
        for k, one in enumerate(told)
    ]
    layers = [
        *_squares(draft.layer(cells, "cells"), say.get("symptoms.rule")),
        draft.texts(names, "rules"),
        *_key(draft, rows, 0, LINE * len(rules) + 12),
        draft.layer(heads, "heads")
        .mark_text(angle=270, align="left", baseline="middle", fontSize=theme.LABEL_SIZE)
        .encode(x=pixel("x", "x"), y=pixel("y", "y"), text="text:N"),
    ]
    chart = sized(alt.layer(*layers), width=308, height=LINE * len(rules))
    more = ""
    if len(groups) < len(people):
        more = say.say("charts.parts.more_groups", shown_n=len(groups), groups_n=len(people))
    found = finding_of(result, say.lang)
    return draft.finish(chart, found.headline, say.get("charts.diagnosis.matrix_narrow"), more, offset=18)


def _cell(row: Row, x: float, y: float, say: Any) -> Row:
    """Return one square with its colour, its sign and the money at stake."""
    money = row["stake_amount"]
    label = "" if math.isnan(money) or not money else _short(money, say)
    return STATES[row["state"]] | {
        "x": x, "x2": x + CELL - 2, "y": y, "y2": y + LINE - 2, "label": label, "mid": x + CELL - 4,
        "sign": x + (6 if label else CELL / 2 - 1), "line": y + LINE / 2 - 1,
    }  # fmt: skip


def _squares(base: alt.Chart, tip: str) -> list[alt.Chart]:
    """Draw cells: the ground, the sign, the money; what a pointer is told has the name of its state before it."""
    places = {"x": pixel("x", "x"), "x2": "x2:Q", "y": pixel("y", "y"), "y2": "y2:Q"}
    ink: Any = {"expr": "datum.ink"}
    signs = base.mark_point(size=34, opacity=1, strokeWidth=1.4).encode(
        x=pixel("x", "sign"), y=pixel("y", "line"), shape=alt.Shape("shape:N", scale=None, legend=None),
        stroke=alt.Stroke("ink:N", scale=None, legend=None), fill=alt.Fill("fill:N", scale=None, legend=None),
    )  # fmt: skip
    return [
        base.mark_rect().encode(
            **places, color=own_colour(), tooltip=[alt.Tooltip("said:N", title=tip)] if tip else alt.Undefined
        ),
        signs,
        base.mark_text(fontSize=11.5, color=ink, align="right").encode(
            x=pixel("x", "mid"), y=pixel("y", "line"), text="label:N"
        ),
    ]


def _key(draft: Draft, rows: list[Row], left: float, top: float) -> list[alt.Chart]:
    """Say under the cells what the signs mean; on a phone in two columns."""
    found = [state for state in STATES if any(row["state"] == state for row in rows)]
    names = [draft.say.get(f"symptoms.states.{state}") for state in found]
    wide = [theme.text_width(name, theme.LABEL_SIZE) + 40 for name in names]
    places = [
        theme.fit((left + sum(wide[:k]), top), (left + k % 2 * max(wide), top + k // 2 * LINE))
        for k in range(len(found))
    ]
    cells = [
        STATES[state] | {"x": x, "x2": x + 18, "y": y, "y2": y + LINE - 3, "sign": x + 9, "line": y + LINE / 2 - 1.5,
                         "mid": x, "label": ""}
        for state, (x, y) in zip(found, places, strict=True)
    ]  # fmt: skip
    words = [text(x + 24, y + LINE / 2 - 1.5, name) for name, (x, y) in zip(names, places, strict=True)]
    return [*_squares(draft.layer(cells, "key"), ""), draft.texts(words, "key_words")]


def _head(k: int, rule: str, left: float, say: Any) -> Row:
    return {"x": left + k * CELL + CELL / 2 - 4, "y": -8, "text": say.get(f"symptoms.names.{rule}")}


def _people(rows: list[Row]) -> list[tuple[str, ...]]:
    """Return all first, then people with the worst first, at most forty."""
    rank = {"red": 100, "amber": 10, "unclear": 1, "green": 0}
    score: dict[tuple[str, ...], int] = {}
    for row in rows:
        score[row["group"]] = score.get(row["group"], 0) + rank[row["state"]]
    people = sorted((one for one in score if one), key=lambda one: (-score[one], one))
    return [*([()] if () in score else []), *people[:MOST_PEOPLE]]


def _short(amount: float, say: Any) -> str:
    """Write money with two digits, as short as a cell needs it: 240k, 1.2M, 24万."""
    rounded = float(f"{amount:.2g}")
    if say.lang == "zh" or abs(rounded) < 1e3:
        return "".join(str(say.numbers.amount(rounded)).replace(",", "").split())
    size, mark = next(
        (one, mark) for one, mark in ((1e9, "G"), (1e6, "M"), (1e3, "k")) if abs(rounded) >= one
    )
    return f"{rounded / size:g}{mark}"


# ---- The waterfall of a change ------------------------------------------------------------------------------


def waterfall_data(result: Change) -> list[Row]:
    """Return the bars in order: before, every part, after; `start` and `end` of a part lie on the running sum."""
    running = result.before_total
    rows: list[Row] = [_bar("before", "", 0.0, running, running, running, running)]
    for row in result.parts[:-1]:
        end = running + row.effect
        low, high = running + row.effect_ci_lower, running + row.effect_ci_upper
        rows.append(_bar(row.part, row.stage, running, end, row.effect, low, high) | {"clear": row.clear})
        running = end
    rows.append(_bar("after", "", 0.0, result.after_total, result.after_total, running, running))
    return rows


def _bar(part: str, stage: str, start: float, end: float, value: float, low: float, high: float) -> Row:
    return {"part": part, "stage": stage, "start": start, "end": end, "value": value, "low": low, "high": high,
            "clear": True}  # fmt: skip


def waterfall_draw(result: Change, lang: str) -> Any:
    """Draw what leads from before to after, one bar per part."""
    draft = Draft(result, lang)
    say = draft.say
    shown = []
    parts = {(row.part, row.stage): part_name(result, row, say) for row in result.parts}
    for k, row in enumerate(waterfall_data(result)):
        whole = row["part"] in ("before", "after")
        name = getattr(result, f"{row['part']}_name") if whole else parts[row["part"], row["stage"]]
        up = row["value"] >= 0
        colour = theme.QUIET if whole else theme.MOVED if up else theme.LOST
        label = _whole(result, row["value"], say) if whole else _effect(result, row["value"], say)
        shown.append(
            row | {"name": name, "order": k, "colour": colour, "label": label, "faint": 1.0 if row["clear"] else 0.45,
                   "right": max(row["start"], row["end"], row["high"])}
        )  # fmt: skip
    base = draft.layer(shown, "parts")
    y = _lines("name", [row["name"] for row in shown])
    axis = share_axis(say, title=None) if result.measure == "win_rate" else number_axis(say, title=None)
    x = alt.X("start:Q", axis=axis)
    layers = [
        base.mark_bar(height=15).encode(
            x=x, x2="end:Q", y=y, color=own_colour(), opacity=alt.Opacity("faint:Q", scale=None, legend=None)
        ),
        base.mark_rule(color=theme.INK, strokeWidth=1).encode(x="low:Q", x2="high:Q", y=y),
        base.mark_text(align="left", dx=6).encode(x="right:Q", y=y, text="label:N"),
        *_names_above(base, "name", y),
    ]
    chart = sized(alt.layer(*layers), width=theme.fit(520, 236), height=theme.fit(24, 44) * len(shown))
    level = say.numbers.level(result.confidence_level)
    return draft.finish(
        chart,
        finding_of(result, lang).headline,
        say.say("charts.diagnosis.waterfall", confidence_level=level),
    )


def _lines(field: str, order: list[str] | None) -> alt.Y:
    """Return an axis with a name for each bar; on a phone the names stand above their bars."""
    axis = alt.Axis(title=None, labelLimit=260, ticks=False)
    return alt.Y(f"{field}:N", sort=order, axis=theme.fit(axis, None))


def _names_above(base: alt.Chart, field: str, y: alt.Y) -> list[alt.Chart]:
    if theme.fit(True, False):
        return []
    text = base.mark_text(align="left", baseline="bottom", dy=-9)
    return [text.encode(x=alt.value(2), y=y, text=f"{field}:N")]


def _whole(result: Change, value: float, say: Any) -> str:
    if result.measure == "win_rate":
        return str(say.numbers.percent(value))
    return str(say.numbers.amount(value)) if result.measure == "bookings" else f"{value:.1f}"


def _effect(result: Change, value: float, say: Any) -> str:
    return str(say.numbers.points(value)) if result.measure == "win_rate" else signed(result, value, say)


# ---- Control chart and bars ---------------------------------------------------------------------------------


def control_data(result: SalesTrend) -> list[Row]:
    """Return one row per period of all sales with its limits."""
    return [
        {
            "period": row.period, "starts": row.starts, "value": _value(result, row), "centre": row.centre,
            "lower": row.lower_limit, "upper": row.upper_limit, "signal": row.signal, "judged": row.judged,
        }
        for row in result.rows
        if not row.group
    ]  # fmt: skip


def _periods(names: list[str]) -> alt.X:
    axis = alt.Axis(title=None, labelAngle=-60, labelOverlap=True)
    return alt.X("period:O", scale=alt.Scale(domain=names), sort=None, axis=axis)


def _value(result: SalesTrend, row: Any) -> float:
    return float(row.sales_amount if result.measure == "amount" else row.sales_n)


def control_draw(result: SalesTrend, lang: str) -> Any:
    """Draw the series with the band of chance, and what lies outside it."""
    draft = Draft(result, lang)
    say = draft.say
    rows = control_data(result)
    colours = {"above": theme.MOVED, "below": theme.LOST}
    shown = [
        row
        | {"colour": colours.get(row["signal"], theme.QUIET), "size": 70 if row["signal"] in colours else 24}
        for row in rows
    ]
    base = draft.layer(shown, "periods")
    x = _periods([row["period"] for row in rows])
    label, unit = say.get(f"charts.diagnosis.control_y.{result.measure}"), result.currency
    unit = say.numbers.currencies.get(unit, unit) if result.measure == "amount" else ""
    axis = number_axis(say, title=say.say("language.bracket", label=label, unit=unit) if unit else label)
    known = base.transform_filter("isValid(datum.lower)")
    layers = [
        known.mark_area(color=theme.FAINT, opacity=0.6, interpolate="step").encode(
            x=x, y=alt.Y("lower:Q", axis=axis), y2="upper:Q"
        ),
        known.mark_line(color=theme.QUIET, strokeDash=[4, 3], strokeWidth=1, interpolate="step").encode(
            x=x, y="centre:Q"
        ),
        base.mark_line(color=theme.QUIET, strokeWidth=1.4).encode(x=x, y="value:Q"),
        base.mark_point(filled=True, opacity=1).encode(
            x=x, y="value:Q", color=own_colour(), size=alt.Size("size:Q", scale=None, legend=None)
        ),
    ]
    chart = sized(alt.layer(*layers), width=theme.fit(720, 272), height=240)
    return draft.finish(chart, finding_of(result, lang).headline, say.get("charts.diagnosis.control"))


def sales_bars_data(result: SalesTrend) -> list[Row]:
    """Return one row per period and group; all where there are no groups."""
    grouped = any(row.group for row in result.rows)
    return [
        {"period": row.period, "group": row.group, "value": _value(result, row)}
        for row in result.rows
        if bool(row.group) == grouped
    ]


def sales_bars_draw(result: SalesTrend, lang: str) -> Any:
    """Draw sales by period as stacked bars, one colour per group."""
    draft = Draft(result, lang)
    say = draft.say
    rows = [row | {"name": say.group(row["group"])} for row in sales_bars_data(result)]
    chart = (
        draft.layer(rows, "sales")
        .mark_bar()
        .encode(
            x=_periods(list(dict.fromkeys(row["period"] for row in rows))),
            y=alt.Y("value:Q", axis=number_axis(say, title=None)),
            color=alt.Color(
                "name:N",
                scale=alt.Scale(range=list(GROUPS)),
                legend=alt.Legend(title=None, orient="top", columns=theme.fit(0, 2)),
            ),
        )
    )
    return draft.finish(sized(chart, width=theme.fit(720, 272), height=240), say.get("charts.diagnosis.bars"))


# ---- Reasons ------------------------------------------------------------------------------------------------


def reasons_data(result: WhyLost) -> list[Row]:
    """Return one row per reason, the most frequent first, "not recorded" last."""
    return [
        {
            "name": row.name, "ending": row.ending, "share": row.lost_share, "low": row.share_ci_lower,
            "high": row.share_ci_upper, "lost_n": row.lost_n, "lost_amount": row.lost_amount,
        }
        for row in result.reasons[:MOST_REASONS]
    ]  # fmt: skip


def reasons_draw(result: WhyLost, lang: str) -> Any:
    """Draw how often each reason is recorded, coloured by how these deals ended."""
    draft = Draft(result, lang)
    say = draft.say
    colours = {"lost_competitor": theme.LOST, "lost_no_decision": theme.SECOND, "lost": theme.LEFT}
    shown = [
        row
        | {
            "label": reason_name(one, say),
            "colour": colours[one.ending],
            "money": say.numbers.amount(row["lost_amount"], result.currency)
            if row["lost_amount"] > 0
            else "",
        }
        for row, one in zip(reasons_data(result), result.reasons, strict=False)
    ]
    base = draft.layer(shown, "reasons")
    y = _lines("label", None)
    layers = [
        base.mark_bar(height=14).encode(
            x=alt.X("share:Q", axis=share_axis(say, title=None, tickCount=6)), y=y, color=own_colour()
        ),
        base.mark_rule(color=theme.INK).encode(x="low:Q", x2="high:Q", y=y),
        base.mark_text(align="left", dx=8).encode(x="high:Q", y=y, text="money:N"),
        *_names_above(base, "label", y),
    ]
    height = theme.fit(24, 44) * len(shown)
    names = [(colours[one], say.get(f"endings.names.{one}")) for one in colours]
    chart = sized(alt.layer(*layers, draft.legend(names, 0, -14)), width=theme.fit(480, 240), height=height)
    level = say.numbers.level(result.confidence_level)
    return draft.finish(
        chart,
        finding_of(result, lang).headline,
        say.say("charts.diagnosis.reasons", confidence_level=level),
        offset=18,
    )


# ---- Paths as arcs ------------------------------------------------------------------------------------------

SPAN, HIGH, POINTS = 780, 190, 24


def arcs_data(result: Wander) -> list[Row]:
    """Return one row per move between stages, and one per stage with what ends there."""
    rows: list[Row] = [
        {"kind": row.kind, "origin": row.origin, "target": row.target, "move_n": row.move_n}
        for row in result.moves
        if row.origin in result.stage_ids and row.target in result.stage_ids
    ]
    rows += [
        {
            "kind": "ends", "origin": one.stage, "target": "", "move_n": one.entered_n, "lost_n": one.lost_n,
            "left_n": one.left_n, "still_n": one.still_n,
        }
        for one in result.balance
    ]  # fmt: skip
    return rows


def arcs_draw(result: Wander, lang: str) -> Any:
    """Draw moves between stages as arcs: forward above, back below, as thick as they are frequent."""
    draft = Draft(result, lang)
    say = draft.say
    rows = arcs_data(result)
    stages = [row["origin"] for row in rows if row["kind"] == "ends" and row["move_n"]]
    if theme.fit(False, True):
        return _upright_arcs(draft, rows, stages)
    place = {stage: 60 + k * (SPAN - 120) / max(len(stages) - 1, 1) for k, stage in enumerate(stages)}
    moves, drawn, most = _moves(rows, place)
    points = [point for arc in drawn for point in arc]
    spare = max(
        0.0, min((point["y"] for point in points), default=HIGH) - 18
    )  # nothing rises as high as it might
    ends = [row for row in rows if row["kind"] == "ends" and row["origin"] in place]
    labels = [label for row in ends for label in _ends(row, place[row["origin"]], result, say)]
    counts = [_count(row, place, say) for row in moves if row["move_n"] >= most / 200]
    dots = [{"x": x, "y": HIGH} for x in place.values()]
    below = max(0.0, HIGH + 66 - max((point["y"] for point in points), default=HIGH))
    labels = [one | {"y": one["y"] - below} for one in labels]
    points, dots, labels, counts = (
        [one | {"y": one["y"] - spare} for one in group] for group in (points, dots, labels, counts)
    )
    layers = _strokes(draft, points, dots)
    layers += [draft.texts(labels, "names"), draft.texts(counts, "numbers")]
    chart = sized(alt.layer(*layers), width=SPAN, height=HIGH + 172 - spare - below)
    return draft.finish(chart, finding_of(result, lang).headline, say.get("charts.diagnosis.arcs"), offset=14)


def _moves(rows: list[Row], place: dict[str, float]) -> tuple[list[Row], list[list[Row]], int]:
    """Return the moves that are shown, the points of the arc of each, and how often the most frequent one was made."""
    moves = [
        row for row in rows if row["kind"] != "ends" and row["origin"] in place and row["target"] in place
    ]
    most = max((row["move_n"] for row in moves), default=1)
    colours = {"advanced": theme.MOVED, "skipped": theme.SECOND, "back": theme.LOST}
    return moves, [_arc(k, row, place, most, colours) for k, row in enumerate(moves)], most


def _strokes(draft: Draft, points: list[Row], stages: list[Row]) -> list[Any]:
    """Return the layers of the arcs and of the dots of the stages."""
    arcs = draft.layer(points, "arcs").mark_line(opacity=0.75).encode(
        x=pixel("x", "x"), y=pixel("y", "y"), order="step:Q", detail="arc:N", color=own_colour(),
        strokeWidth=alt.StrokeWidth("width:Q", scale=None, legend=None),
    )  # fmt: skip
    dots = draft.layer(stages, "stages").mark_point(
        filled=True, size=60, color=theme.INK, opacity=1
    ).encode(x=pixel("x", "x"), y=pixel("y", "y"))  # fmt: skip
    return [arcs, dots]


SPINE, STAGE = 212, 74
"""On a phone the stages stand under each other: where their line is, and how far one is from the next."""


def _upright_arcs(draft: Draft, rows: list[Row], stages: list[str]) -> Any:
    """Draw moves forward to the right of the line of stages, moves back to its left."""
    result, say = draft.result, draft.say
    place = {stage: 30.0 + k * STAGE for k, stage in enumerate(stages)}
    moves, drawn, most = _moves(rows, place)
    points = []
    for row, arc in zip(moves, drawn, strict=True):
        for point in arc:
            out = (HIGH - point["y"]) * (0.52 if row["kind"] == "back" else 0.5)
            points.append(point | {"x": SPINE + out, "y": point["x"]})
    words = []
    for row in (one for one in rows if one["kind"] == "ends" and one["origin"] in place):
        y = place[row["origin"]]
        name = theme.shorten(stage_name(result, row["origin"], say), 158, theme.SMALL_SIZE)
        words.append(text(0, y - 18, name, size=theme.SMALL_SIZE, weight="bold"))
        for k, one in enumerate(("lost", "left", "still")):
            told = say.say(f"charts.diagnosis.ends.{one}", n=say.numbers.count(row[f"{one}_n"]))
            words.append(text(0, y - 4 + 12 * k, told, size=9.5, colour=theme.QUIET))
    numbers = [_upright_count(row, place, say) for row in moves if row["move_n"] >= most / 200]
    layers = _strokes(draft, points, [{"x": SPINE, "y": y} for y in place.values()])
    layers += [draft.texts(words, "names"), draft.texts(numbers, "numbers")]
    chart = sized(alt.layer(*layers), width=312, height=STAGE * len(stages) - 19)
    said = say.get("charts.diagnosis.arcs_narrow")
    return draft.finish(chart, finding_of(result, say.lang).headline, said, offset=14)


def _upright_count(row: Row, place: dict[str, float], say: Any) -> Row:
    back = row["kind"] == "back"
    x = SPINE + _height(row, place) * 0.5 + (-9 if back else 9)
    middle = (place[row["target"]] + place[row["origin"]]) / 2
    align = "right" if back else "left"
    return text(x, middle, say.numbers.count(row["move_n"]), align=align, size=9.5, colour=theme.QUIET)


def _ends(row: Row, x: float, result: Wander, say: Any) -> list[Row]:
    """Return the name of a stage, and below it what ends there."""
    wide = (SPAN - 120) / max(len(result.stage_ids) - 1, 1) - 8
    lines = theme.wrap(stage_name(result, row["origin"], say), wide, theme.SMALL_SIZE, bold=True)
    made = [
        text(x, HIGH + 96 + 13 * k, line, align="center", size=theme.SMALL_SIZE, weight="bold")
        for k, line in enumerate(lines)
    ]
    told = [
        say.say(f"charts.diagnosis.ends.{name}", n=say.numbers.count(row[f"{name}_n"]))
        for name in ("lost", "left", "still")
    ]
    return made + [
        text(x, HIGH + 140 + 12 * k, line, align="center", size=9.5, colour=theme.QUIET)
        for k, line in enumerate(told)
    ]


def _arc(k: int, row: Row, place: dict[str, float], most: int, colours: dict[str, str]) -> list[Row]:
    """Return the points of one arc."""
    start, end = place[row["origin"]], place[row["target"]]
    height = _height(row, place)
    return [
        {
            "arc": k, "step": step, "x": start + (end - start) * step / POINTS,
            "y": HIGH - height * math.sin(math.pi * step / POINTS),
            "colour": colours.get(row["kind"], theme.QUIET), "width": 1 + 9 * math.sqrt(row["move_n"] / most),
        }
        for step in range(POINTS + 1)
    ]  # fmt: skip


def _height(row: Row, place: dict[str, float]) -> float:
    """Return how high an arc rises; going back it goes below."""
    far = abs(place[row["target"]] - place[row["origin"]])
    return -min(18 + far * 0.16, 78) if row["kind"] == "back" else min(14 + far * 0.28, HIGH - 12)


def _count(row: Row, place: dict[str, float], say: Any) -> Row:
    x = (place[row["origin"]] + place[row["target"]]) / 2
    up = _height(row, place)
    return text(
        x, HIGH - up - (8 if up > 0 else -8), say.numbers.count(row["move_n"]), align="center", size=9.5,
        colour=theme.QUIET,
    )  # fmt: skip
