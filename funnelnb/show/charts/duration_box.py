"""Days by stage and group: middle half as a pale bar, median with its interval, median of finished deals."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import altair as alt

from funnelnb.show import theme
from funnelnb.show.charts.parts import Draft, day_ticks, own_colour, pixel, sized, text
from funnelnb.show.finding import finding_of
from funnelnb.show.names import stage_name
from funnelnb.show.views.duration import days, interval

if TYPE_CHECKING:
    from funnelnb.analysis.duration import Duration
    from funnelnb.show.charts.parts import Row

STEP, HEAD, LABEL, PLOT, NUMBERS = 24, 26, 250, 400, 150
ROWS_MOST = 60


def data(result: Duration) -> list[Row]:
    """Return one row per stage and group with enough deals or not."""
    names = ("group", "stage", "overall", "n", "enough", "median_days", "median_ci_lower", "median_ci_upper",
             "q25_days", "q75_days", "naive_median_days")  # fmt: skip
    return [{name: getattr(row, name) for name in names} for row in result.rows][-ROWS_MOST:]


def draw(result: Duration, lang: str) -> Any:
    """Draw all rows on one scale of days."""
    draft = Draft(result, lang)
    rows = [row for row in data(result) if row["n"]]
    if not rows:
        return draft.nothing()
    longest = _longest(rows)
    marks, dots, words, y = [], [], [], 0.0
    last = None
    for row, shown in zip(rows, [one for one in result.rows if one.n][-len(rows) :], strict=True):
        place = (row["stage"], row["overall"])
        if result.by and place != last:
            y += HEAD if last else 0
            words.append(text(0, y, _stage(draft, row), weight="bold"))
            y += STEP
        last = place
        words += _words(draft, row, shown, y)
        if row["enough"]:
            marks += _bars(row, y, longest)
            dots += _dots(draft, row, y, longest)
        y += STEP
    scale = [_tick(day, y, longest) for day in day_ticks(longest, 8, result.calendar)]
    grid = draft.layer(scale, "grid").mark_rule(color=theme.FAINT).encode(
        x=pixel("x", "x"), y=pixel("y", "y"), y2="y2:Q"
    )  # fmt: skip
    bars = draft.layer(marks, "bars").mark_rect().encode(
        x=pixel("x", "x"), x2="x2:Q", y=pixel("y", "y"), y2="y2:Q", color=own_colour()
    )  # fmt: skip
    found = finding_of(result, lang)
    layers = [grid, bars, *_points(draft, dots), draft.texts([*words, *_numbers(draft, scale, y)], "words")]
    chart = sized(alt.layer(*layers), width=LABEL + PLOT + NUMBERS, height=y + 30)
    level = draft.say.numbers.level(result.confidence_level)
    key = "box" if result.to == "any" else "box_to"
    remark = draft.say.say(f"charts.durations.{key}", confidence_level=level)
    more = ""
    if len(result.rows) > ROWS_MOST:
        more = draft.say.say("charts.durations.more", shown_n=ROWS_MOST, rows_n=len(result.rows))
    return draft.finish(chart, found.headline, remark, more)


def _numbers(draft: Draft, scale: list[Row], y: float) -> list[Row]:
    """Return the words of the axis of days."""
    style: dict[str, Any] = {"align": "center", "colour": theme.QUIET}
    title = draft.say.get("charts.durations.x_box")
    return [*(text(one["x"], y + 4, one["label"], **style) for one in scale),
            text(LABEL + PLOT / 2, y + 24, title, **style)]  # fmt: skip


def _stage(draft: Draft, row: Row) -> str:
    return (
        draft.say.get("durations.whole")
        if row["overall"]
        else stage_name(draft.result, row["stage"], draft.say)
    )


def _longest(rows: list[Row]) -> float:
    names = ("q75_days", "median_ci_upper", "median_days", "naive_median_days")
    known = [row[name] for row in rows for name in names if row["enough"] and math.isfinite(row[name])]
    return max([*known, 1.0]) * 1.05


def _x(day: float, longest: float) -> float:
    return LABEL + PLOT * min(day, longest) / longest


def _tick(day: float, bottom: float, longest: float) -> Row:
    return {"x": _x(day, longest), "y": -STEP / 2, "y2": bottom - STEP / 2, "label": f"{day:,.0f}"}


def _words(draft: Draft, row: Row, shown: Any, y: float) -> list[Row]:
    say = draft.say
    name = say.group(row["group"]) if draft.result.by else _stage(draft, row)
    label = theme.shorten(f"{name}  (n = {say.numbers.count(row['n'])})", LABEL - 16, theme.LABEL_SIZE)
    said = interval(shown, "median", say) if row["enough"] else say.get("words.too_few")
    weight = "bold" if row["overall"] and not draft.result.by else "normal"
    return [
        text(LABEL - 12, y, label, align="right", weight=weight),
        text(LABEL + PLOT + 16, y, said, weight=weight, colour=theme.INK if row["enough"] else theme.QUIET),
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
        made.append(
            layer.mark_point(**mark).encode(
                x=pixel("x", "x"), y=pixel("y", "y"), color=own_colour(), tooltip=alt.Tooltip("days:N")
            )
        )
    return made
