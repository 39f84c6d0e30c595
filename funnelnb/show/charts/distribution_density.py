"""Share that ends per day, by age: observed as bars, the chosen distribution as a line, its quantiles as uprights."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import altair as alt

from funnelnb.show import theme
from funnelnb.show.charts.distribution_parts import pictures, row_of, stage_of
from funnelnb.show.charts.parts import Draft, day_ticks
from funnelnb.show.views.distribution import trust_words
from funnelnb.show.views.fitted import family_words

if TYPE_CHECKING:
    from funnelnb.analysis.distribution import Distribution
    from funnelnb.analysis.distribution_rows import DensityCurve
    from funnelnb.show.charts.parts import Row

TALLER = 1.15
"""So much higher than what it shows is the picture, for the names of the uprights. A density that runs to infinity
at 0 is cut at `STEEPEST` times the highest bar."""
STEEPEST = 1.4
LINE = 13


def data(result: Distribution) -> list[Row]:
    """Return the bars (observed), the points of the line (fitted) and the uprights (quantiles)."""
    rows: list[Row] = [
        {
            "group": one.group,
            "part": "bar",
            "day": one.from_days,
            "end": one.to_days,
            "share": one.per_day_share,
        }
        for one in result.bins
    ]
    for curve in result.densities:
        rows += [
            {"group": curve.group, "part": "line", "day": day, "share": share}
            for day, share in zip(curve.days.tolist(), curve.per_day_share.tolist(), strict=True)
        ]
    return rows + [
        {"group": one.group, "part": "upright", "day": one.fitted_days, "share": one.ended_share}
        for one in result.quantiles
    ]


def draw(result: Distribution, lang: str) -> Any:
    """Draw the one density, or a small picture for each group."""
    draft = Draft(result, lang)
    if not result.n:
        return draft.nothing()
    say = draft.say
    if result.by:
        chosen = say.get("charts.distribution.chosen_groups")
    elif result.densities:
        row = result.rows[0]
        words = {"family": family_words(row, say), "trust": trust_words(row, say)}
        chosen = say.say("charts.distribution.chosen", **words)
    else:
        chosen = ""
    key = [(theme.OPEN, say.get("charts.distribution.bins")), (theme.SECOND, chosen)]
    same_day = ""
    if result.densities and not result.by and result.rows[0].at_once:
        share = result.rows[0].same_day_share
        same_day = say.say("charts.distribution.same_day", same_day_share=share)
    across = say.say("charts.distribution.across_density", stage=stage_of(draft))
    marks = say.get("charts.distribution.marks")
    return pictures(draft, result.densities, _panel, key, marks, same_day, across=across)


def _panel(draft: Draft, curve: DensityCurve, size: tuple[int, int], small: bool) -> list[Any]:
    say, result = draft.say, draft.result
    rows = [row for row in data(result) if row["group"] == curve.group]
    bars, line, uprights = (
        [row for row in rows if row["part"] == part] for part in ("bar", "line", "upright")
    )
    longest = max(float(one.days[-1]) for one in result.densities) if small else float(curve.days[-1])
    cut = _highest(bars, line)
    highest = cut * TALLER
    across = alt.Axis(
        values=day_ticks(longest, 5 if small else 10, result.calendar), grid=False, format=",d",
        title=None if small else say.say("charts.distribution.density_x", stage=stage_of(draft)),
    )  # fmt: skip
    mark = say.get("language.percent").replace("{x}", "")
    up = alt.Axis(
        tickCount=3 if small else 5, labelExpr=f"format(datum.value * 100, '.2~f') + '{mark}'",
        title=None if small else say.get("charts.distribution.density_y"),
    )  # fmt: skip

    def x(field: str = "day") -> alt.X:
        return alt.X(f"{field}:Q", scale=alt.Scale(domain=[0, longest], nice=False, clamp=True), axis=across)

    def y(field: str = "share") -> alt.Y:
        return alt.Y(f"{field}:Q", scale=alt.Scale(domain=[0, highest], nice=False), axis=up)

    tips = [
        alt.Tooltip("day:Q", title=say.field("from_days", "EndedBin").label, format=",.0f"),
        alt.Tooltip("end:Q", title=say.field("to_days", "EndedBin").label, format=",.0f"),
        alt.Tooltip("share:Q", title=say.field("per_day_share", "EndedBin").label, format=".2%"),
    ]
    floor = [row | {"floor": 0.0} for row in bars]
    dash = [6, 3] if row_of(draft, curve).trust == "no" else [1, 0]
    return [
        draft.layer(floor, "bars").mark_rect(color=theme.OPEN, stroke=theme.PAPER, strokeWidth=1).encode(
            x=x(), x2="end:Q", y=y(), y2="floor:Q", tooltip=tips
        ),
        *_uprights(draft, uprights, longest, highest, x, y, size, small=small),
        draft.layer([row for row in line if row["share"] <= cut], "line")
        .mark_line(color=theme.SECOND, strokeWidth=2, strokeDash=dash)
        .encode(x=x(), y=y()),
    ]  # fmt: skip


def _highest(bars: list[Row], line: list[Row]) -> float:
    """Return the height that matters: of the bars, and of the line as far as it does not run off above them."""
    bar = max((row["share"] for row in bars), default=0.0)
    top = max((row["share"] for row in line), default=0.0)
    return max(bar, min(top, STEEPEST * bar) if bar else top) or 1.0


def _uprights(
    draft: Draft, rows: list[Row], longest: float, highest: float, x: Any, y: Any, size: tuple[int, int],
    *, small: bool,
) -> list[Any]:  # fmt: skip
    """Draw the quantiles as uprights, each named at its top; under a name that reaches so far the next stands lower."""
    say, scale = draft.say, size[0] / longest
    shown: list[Row] = []
    names: list[tuple[float, int]] = []
    for row in rows:
        if not math.isfinite(row["day"]) or row["day"] > longest:
            continue
        label = "" if small else f"{say.numbers.level(row['share'])}: {say.numbers.bare_days(row['day'])}"
        left = row["day"] * scale
        line = 0 if small else max((one + 1 for end, one in names if end > left), default=0)
        names.append((left + 8 + theme.text_width(label, theme.SMALL_SIZE), line))
        top = highest * (1 - line * LINE / size[1])
        at = highest * (1 - (line * LINE + 6) / size[1])
        shown.append({"day": row["day"], "top": top, "floor": 0.0, "label": label, "at": at})
    base = draft.layer(shown, "uprights")
    rule = base.mark_rule(color=theme.QUIET, strokeWidth=1, opacity=0.7).encode(
        x=x(), y=y("floor"), y2="top:Q"
    )
    if small:
        return [rule]
    text = base.mark_text(
        align="left", baseline="middle", dx=4, fontSize=theme.SMALL_SIZE, color=theme.QUIET
    ).encode(x=x(), y=y("at"), text="label:N")
    return [rule, text]
