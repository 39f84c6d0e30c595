"""Durations: the share that has not finished by age, and the days by stage and group."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import altair as alt
import numpy as np

from funnelnb.core.check import TOO_FEW_N
from funnelnb.show.charts import theme
from funnelnb.show.charts.parts import Draft, day_ticks, own_colour, pixel, share_axis, sized, text
from funnelnb.show.text.words import stage_name
from funnelnb.show.views.duration import days, ending, family_words, interval, main_rows, subject
from funnelnb.show.views.registry import finding_of

if TYPE_CHECKING:
    from funnelnb.analysis.time.duration import Duration, DurationCurve, DurationRow
    from funnelnb.show.charts.parts import Row


# ---- Share that has not finished, by age: observed with its band, the fitted line, the two medians ---------

POINTS_MOST = 200
GROUPS_MOST = 9
FIELDS = ("not_yet_rate", "not_yet_ci_lower", "not_yet_ci_upper", "fitted_rate", "all_rate", "at_risk_n")


def survival_data(result: Duration) -> list[Row]:
    """Return one row per curve and day: share not finished, band, fit, deals watched."""
    rows = []
    for curve in result.curves:
        kept = np.unique(np.linspace(0, len(curve.days) - 1, POINTS_MOST).round().astype(int))
        for k in kept.tolist():
            row: Row = {"group": curve.group, "stage": curve.stage, "overall": curve.overall}
            row |= {"day": float(curve.days[k]), "trusted": bool(curve.days[k] <= curve.trusted_days)}
            rows.append(row | {name: getattr(curve, name)[k].item() for name in FIELDS})
    return rows


def survival_draw(result: Duration, lang: str) -> Any:
    """Draw the whole way, or the one stage asked for; with groups, a small picture each."""
    draft = Draft(result, lang)
    if not result.n or not result.curves:
        return draft.nothing()
    place = {(row.stage, row.overall) for row in main_rows(result)}
    curves = [one for one in result.curves if (one.stage, one.overall) in place]
    if not curves:
        found = finding_of(result, lang)
        return draft.nothing(found.headline, found.detail)
    return _groups(draft, curves) if result.by else _whole(draft, curves[0])


def _row(result: Duration, curve: DurationCurve) -> DurationRow:
    mine = (curve.group, curve.stage, curve.overall)
    return next(row for row in result.rows if (row.group, row.stage, row.overall) == mine)


def _survival_longest(curve: DurationCurve) -> float:
    return max(1.0, float(curve.days[-1]))


def _whole(draft: Draft, curve: DurationCurve) -> Any:
    result, say = draft.result, draft.say
    row = _row(result, curve)
    size = theme.fit((700, 320), (256, 240))
    chart = sized(
        alt.layer(*_panel(draft, curve, _survival_longest(curve), size, small=False)),
        width=size[0],
        height=size[1],
    )
    title = _median_title(draft, row)
    count = say.say("charts.durations.count", closed_n=row.closed_n, n=row.n, too_few_n=TOO_FEW_N)
    pause = say.say("charts.durations.pause", last_event_days=row.last_event_days, older_n=row.older_n)
    whole = alt.vconcat(sized(_key(draft, curve), width=theme.fit(600, 260), height=10), chart, spacing=12)
    return draft.finish(whole, title, count, pause if row.pause else "")


def _median_title(draft: Draft, row: DurationRow) -> str:
    """Return the median of a row, and what finished deals alone would say where that is another."""
    result, say = draft.result, draft.say
    if not row.enough or not math.isfinite(row.median_days):
        return finding_of(result, say.lang).headline
    values = {
        "what": subject(result, row, say),
        "median": days(row.median_days, say, unit=True),
        "naive": days(row.naive_median_days, say, unit=True),
    }
    apart = result.to == "any" and row.naive_difference_days <= -0.5
    return say.say(f"charts.durations.{'title' if apart else 'title_plain'}", **values)


def _key(draft: Draft, curve: DurationCurve) -> Any:
    say, result = draft.say, draft.result
    level = say.numbers.level(result.confidence_level)
    entries = [(theme.MOVED, say.say("charts.durations.observed", confidence_level=level))]
    mine = (curve.group, curve.stage, curve.overall)
    for fit in result.fits:
        if (fit.group, fit.stage, fit.overall) == mine and fit.rank == 1 and not math.isnan(fit.gap_share):
            key = "fitted_far" if fit.verdict == "too_far" else "fitted"
            family = family_words(fit, say)
            entries.append((theme.SECOND, say.say(f"charts.durations.{key}", family=family)))
    return draft.legend(entries, 6, 5)


def _groups(draft: Draft, curves: list[DurationCurve]) -> Any:
    result, say = draft.result, draft.say
    sizes = {curve.group: _row(result, curve).n for curve in curves}
    largest = set(sorted(sizes, key=lambda group: -sizes[group])[:GROUPS_MOST])
    drawn = [curve for curve in curves if curve.group in largest]
    longest = max(_survival_longest(curve) for curve in drawn)
    panels = []
    for curve in drawn:
        label = f"{say.group(curve.group)}  (n = {say.numbers.count(sizes[curve.group])})"
        head = alt.TitleParams(
            text=theme.shorten(label, 228, 12.5), fontSize=12.5, anchor="start", offset=6, frame="group"
        )
        layers = _panel(draft, curve, longest, (218, 140), small=True)
        panels.append(sized(alt.layer(*layers), width=218, height=140, title=head))
    found = finding_of(result, say.lang)
    more = ""
    if len(drawn) < len(main_rows(result)):
        more = say.say("charts.parts.more_groups", shown_n=len(drawn), groups_n=len(main_rows(result)))
    level = say.numbers.level(result.confidence_level)
    entries = [(theme.MOVED, say.say("charts.durations.observed", confidence_level=level))]
    entries.append((theme.QUIET, say.get("charts.durations.everybody")))
    key = sized(draft.legend(entries, 6, 5), width=theme.fit(400, 260), height=10)
    grid = alt.concat(*panels, columns=theme.fit(3, 1), spacing={"row": 18, "column": 24})
    across = say.say("charts.durations.across", stage=stage_name(result, drawn[0].stage, say))
    return draft.finish(alt.vconcat(key, grid, spacing=14), found.headline, found.detail, across, more)


def _axes(draft: Draft, curve: DurationCurve, longest: float, *, small: bool) -> tuple[alt.Axis, alt.Axis]:
    """Return the axis of days and that of shares."""
    say = draft.say
    stage, to = stage_name(draft.result, curve.stage, say), ending(draft.result, curve, say)
    across = alt.Axis(
        values=day_ticks(longest, 5 if small else theme.fit(10, 5), draft.result.calendar), grid=False, format=",d",
        title=None if small else say.say("charts.durations.x", stage=stage),
    )  # fmt: skip
    up = share_axis(
        say, values=[0, 0.5, 1] if small else [0, 0.25, 0.5, 0.75, 1],
        title=None if small else say.say("charts.durations.y", to=to),
    )  # fmt: skip
    return across, up


def _panel(
    draft: Draft, curve: DurationCurve, longest: float, size: tuple[int, int], *, small: bool
) -> list[Any]:
    say, result = draft.say, draft.result
    mine = (curve.group, curve.stage, curve.overall)
    rows = [row for row in survival_data(result) if (row["group"], row["stage"], row["overall"]) == mine]
    across, up = _axes(draft, curve, longest, small=small)

    def x(field: str = "day") -> alt.X:
        return alt.X(f"{field}:Q", scale=alt.Scale(domain=[0, longest], nice=False), axis=across)

    def y(field: str) -> alt.Y:
        return alt.Y(f"{field}:Q", scale=alt.Scale(domain=[0, 1], nice=False), axis=up)

    base = draft.layer(rows, "survival")
    step = {"interpolate": "step-after"}
    layers = [
        base.mark_area(**step, color=theme.OPEN, opacity=0.8).encode(
            x=x(), y=y("not_yet_ci_lower"), y2="not_yet_ci_upper:Q"
        ),
        base.mark_line(**step, color=theme.MOVED, strokeWidth=2).encode(x=x(), y=y("not_yet_rate")),
    ]
    if not small and np.isfinite(curve.fitted_rate).any():
        layers.append(
            base.mark_line(color=theme.SECOND, strokeWidth=2, strokeDash=[6, 3]).encode(
                x=x(), y=y("fitted_rate")
            )
        )
    if np.isfinite(curve.all_rate).any():
        everybody = base.mark_line(**step, color=theme.QUIET, strokeWidth=1)
        layers.append(everybody.encode(x=x(), y=y("all_rate")))
    if curve.trusted_days < longest:
        edge = draft.layer([{"day": curve.trusted_days, "end": longest}], "edge")
        layers.append(edge.mark_rect(color=theme.PAPER, opacity=0.55).encode(x=x(), x2="end:Q"))
        layers.append(edge.mark_rule(color=theme.QUIET, strokeDash=[4, 3]).encode(x=x()))
    layers += _medians(draft, curve, x, y, size, small=small)
    tips = [
        alt.Tooltip("day:Q", title=say.field("days").label, format=",.0f"),
        alt.Tooltip("not_yet_rate:Q", title=say.field("DurationCurve.not_yet_rate").label, format=".1%"),
        alt.Tooltip("at_risk_n:Q", title=say.field("at_risk_n").label, format=","),
    ]
    layers.append(base.mark_rule(opacity=0, strokeWidth=6).encode(x=x(), tooltip=tips))
    return layers


def _medians(
    draft: Draft, curve: DurationCurve, x: Any, y: Any, size: tuple[int, int], *, small: bool
) -> list[Any]:
    """Mark the median on the curve and, away from it, that of finished deals alone."""
    say, row = draft.say, _row(draft.result, curve)
    if not row.enough or math.isinf(row.median_days):
        return []
    spelled = say.say("charts.durations.median", median=days(row.median_days, say, unit=True))
    if small:
        spelled = days(row.median_days, say)
    half = draft.layer([{"day": row.median_days, "y": 0.5, "label": spelled}], "median")
    layers = [
        half.mark_point(filled=True, color=theme.INK, size=56, opacity=1).encode(x=x(), y=y("y")),
        half.mark_text(align="left", dx=8, dy=-8, fontWeight="bold").encode(x=x(), y=y("y"), text="label:N"),
    ]
    if small or draft.result.to != "any" or math.isnan(row.naive_median_days):
        return layers
    label = say.say("charts.durations.naive", naive=days(row.naive_median_days, say, unit=True))
    naive = draft.layer([{"day": row.naive_median_days, "y": 0.0, "label": label}], "naive")
    near = row.naive_median_days * size[0] / _survival_longest(curve) < 8
    text = {"align": "left", "dx": 8 if not near else 14, "dy": -10, "color": theme.QUIET}
    return [
        *layers,
        naive.mark_point(shape="cross", angle=45, filled=True, color=theme.LOST, size=80, opacity=1).encode(
            x=x(), y=y("y")
        ),
        naive.mark_text(**text).encode(x=x(), y=y("y"), text="label:N"),
    ]


# ---- Days by stage and group ------------------------------------------------------------------------------

STEP, HEAD, LABEL, PLOT, NUMBERS = 24, 26, 250, 400, 150
PHONE_STEP, PHONE_LABEL, PHONE_PLOT, PHONE_NUMBERS = 42, 4, 216, 92
"""On a phone the name stands over its bar."""
ROWS_MOST = 60


def duration_box_data(result: Duration) -> list[Row]:
    """Return one row per stage and group with enough deals or not."""
    names = ("group", "stage", "overall", "n", "enough", "median_days", "median_ci_lower", "median_ci_upper",
             "q25_days", "q75_days", "naive_median_days")  # fmt: skip
    return [{name: getattr(row, name) for name in names} for row in result.rows][-ROWS_MOST:]


def duration_box_draw(result: Duration, lang: str) -> Any:
    """Draw all rows on one scale of days."""
    draft = Draft(result, lang)
    rows = [row for row in duration_box_data(result) if row["n"]]
    if not rows:
        return draft.nothing()
    longest = _duration_box_longest(rows)
    marks, dots, words, y = [], [], [], 0.0
    last = None
    for row, shown in zip(rows, [one for one in result.rows if one.n][-len(rows) :], strict=True):
        place = (row["stage"], row["overall"])
        if result.by and place != last:
            y += HEAD if last else 0
            words.append(text(0, y, _stage(draft, row), weight="bold"))
            y += theme.fit(STEP, PHONE_STEP)
        last = place
        words += _words(draft, row, shown, y)
        if row["enough"]:
            marks += _bars(row, y, longest)
            dots += _dots(draft, row, y, longest)
        y += theme.fit(STEP, PHONE_STEP)
    scale = [_tick(day, y, longest) for day in day_ticks(longest, theme.fit(8, 4), result.calendar)]
    grid = draft.layer(scale, "grid").mark_rule(color=theme.FAINT).encode(
        x=pixel("x", "x"), y=pixel("y", "y"), y2="y2:Q"
    )  # fmt: skip
    bars = draft.layer(marks, "bars").mark_rect().encode(
        x=pixel("x", "x"), x2="x2:Q", y=pixel("y", "y"), y2="y2:Q", color=own_colour()
    )  # fmt: skip
    layers = [grid, bars, *_points(draft, dots), draft.texts([*words, *_numbers(draft, scale, y)], "words")]
    chart = sized(alt.layer(*layers), width=sum(_columns()), height=y + 30)
    level = draft.say.numbers.level(result.confidence_level)
    key = "box" if result.to == "any" else "box_to"
    remark = draft.say.say(f"charts.durations.{key}", confidence_level=level)
    more = ""
    if len(result.rows) > ROWS_MOST:
        more = draft.say.say("charts.durations.more", shown_n=ROWS_MOST, rows_n=len(result.rows))
    whole = next((one for one in result.rows if one.overall and not result.by), None)
    title = _median_title(draft, whole) if whole else finding_of(result, lang).headline
    return draft.finish(chart, title, remark, more)


def _numbers(draft: Draft, scale: list[Row], y: float) -> list[Row]:
    """Return the words of the axis of days."""
    style: dict[str, Any] = {"align": "center", "colour": theme.QUIET}
    title = draft.say.get("charts.durations.x_box")
    return [*(text(one["x"], y + 4, one["label"], **style) for one in scale),
            text(_columns()[0] + _columns()[1] / 2, y + 24, title, **style)]  # fmt: skip


def _stage(draft: Draft, row: Row) -> str:
    return (
        draft.say.get("durations.whole")
        if row["overall"]
        else stage_name(draft.result, row["stage"], draft.say)
    )


def _duration_box_longest(rows: list[Row]) -> float:
    names = ("q75_days", "median_ci_upper", "median_days", "naive_median_days")
    known = [row[name] for row in rows for name in names if row["enough"] and math.isfinite(row[name])]
    return max([*known, 1.0]) * 1.05


def _x(day: float, longest: float) -> float:
    label, plot, _ = _columns()
    return label + plot * min(day, longest) / longest


def _columns() -> tuple[int, int, int]:
    """Return the room of names, bars and numbers."""
    return theme.fit((LABEL, PLOT, NUMBERS), (PHONE_LABEL, PHONE_PLOT, PHONE_NUMBERS))


def _tick(day: float, bottom: float, longest: float) -> Row:
    return {"x": _x(day, longest), "y": -STEP / 2, "y2": bottom - STEP / 2, "label": f"{day:,.0f}"}


def _words(draft: Draft, row: Row, shown: Any, y: float) -> list[Row]:
    say = draft.say
    name = say.group(row["group"]) if draft.result.by else _stage(draft, row)
    label_room, plot, _ = _columns()
    room = theme.fit(LABEL - 16, theme.NARROW)
    label = theme.shorten(f"{name}  (n = {say.numbers.count(row['n'])})", room, theme.LABEL_SIZE)
    said = interval(shown, "median", say) if row["enough"] else say.get("words.too_few")
    weight = "bold" if row["overall"] and not draft.result.by else "normal"
    return [
        text(
            *theme.fit((LABEL - 12, y), (0, y - 17)), label, align=theme.fit("right", "left"), weight=weight
        ),
        text(
            label_room + plot + theme.fit(16, 8),
            y,
            said,
            weight=weight,
            colour=theme.INK if row["enough"] else theme.QUIET,
        ),
    ]


def _bars(row: Row, y: float, longest: float) -> list[Row]:
    made = []
    for low, high, half, colour in (
        ("q25_days", "q75_days", 7, theme.OPEN),
        ("median_ci_lower", "median_ci_upper", 1.5, theme.MOVED),
    ):
        if math.isfinite(row[low]):
            made.append({"x": _x(row[low], longest), "x2": _x(row[high], longest), "colour": colour,
                         "y": y - half, "y2": y + half})  # fmt: skip
    return made


def _dots(draft: Draft, row: Row, y: float, longest: float) -> list[Row]:
    pairs = [("median_days", "median", theme.MOVED)]
    if draft.result.to == "any":
        pairs.append(("naive_median_days", "naive", theme.LOST))
    return [
        {
            "x": _x(row[field], longest),
            "y": y,
            "kind": kind,
            "colour": colour,
            "days": days(row[field], draft.say),
        }
        for field, kind, colour in pairs
        if math.isfinite(row[field])
    ]


def _points(draft: Draft, dots: list[Row]) -> list[Any]:
    made = []
    for kind, shape in (("naive", "cross"), ("median", "circle")):
        mark: dict[str, Any] = {"shape": shape, "filled": True, "opacity": 1, "size": 60}
        if kind == "naive":
            mark["angle"] = 45
        layer = draft.layer([dot for dot in dots if dot["kind"] == kind], kind)
        field = "naive_median_days" if kind == "naive" else "median_days"
        tip = alt.Tooltip("days:N", title=draft.say.field(field, "DurationRow").label)
        made.append(
            layer.mark_point(**mark).encode(
                x=pixel("x", "x"), y=pixel("y", "y"), color=own_colour(), tooltip=tip
            )
        )
    return made
