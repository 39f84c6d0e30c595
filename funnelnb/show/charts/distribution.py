"""Which distribution describes the days: fit, density and quantiles, observed beside fitted."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import altair as alt
import numpy as np

from funnelnb.core.check import TOO_FEW_N
from funnelnb.show.charts import theme
from funnelnb.show.charts.parts import Draft, day_ticks, share_axis, sized, width
from funnelnb.show.text.words import stage_name
from funnelnb.show.views.distribution import subject, trust_words
from funnelnb.show.views.duration import family_words
from funnelnb.show.views.registry import finding_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from funnelnb.analysis.time.distribution import Distribution
    from funnelnb.analysis.time.distribution_readings import (
        DensityCurve,
        DistributionCurve,
        DistributionRow,
        QuantilePairs,
    )
    from funnelnb.show.charts.parts import Row
    from funnelnb.show.text.words import Words


# ---- What the charts of a distribution share --------------------------------------------------------------

GROUPS_MOST = 9
LARGE, SMALL = (700, 320), (218, 140)
PARTS_LINE = 18


def row_of(draft: Draft, item: Any) -> DistributionRow:
    """Return the row of the group that a curve belongs to."""
    return next(row for row in draft.result.rows if row.group == item.group)


def pictures(
    draft: Draft,
    items: Sequence[Any],
    panel: Callable[[Draft, Any, tuple[int, int], bool], list[Any]],
    key: Sequence[tuple[str, str]],
    *more: str,
    across: str = "",
) -> Any:
    """Draw `panel` of the one item, or of the largest groups side by side; what was found stands above."""
    found = finding_of(draft.result, draft.say.lang)
    if not items:
        return draft.nothing(found.headline, found.detail)
    lines = _lines(key)
    legends = [draft.legend(line, 6, 5 + PARTS_LINE * k) for k, line in enumerate(lines)]
    legend = sized(alt.layer(*legends), width=theme.fit(600, 260), height=10 + PARTS_LINE * (len(lines) - 1))
    if not draft.result.by:
        size = theme.fit(LARGE, (256, 240))
        chart = sized(alt.layer(*panel(draft, items[0], size, False)), width=size[0], height=size[1])
        return draft.finish(alt.vconcat(legend, chart, spacing=12), _title(draft), found.detail, *more)
    sizes = {item.group: row_of(draft, item).n for item in items}
    largest = set(sorted(sizes, key=lambda group: -sizes[group])[:GROUPS_MOST])
    drawn = [item for item in items if item.group in largest]
    grid = alt.concat(
        *(_small(draft, item, panel) for item in drawn),
        columns=theme.fit(3, 1),
        spacing={"row": 18, "column": 24},
    )
    rest = ""
    if len(drawn) < len(draft.result.rows):
        rest = draft.say.say("charts.parts.more_groups", shown_n=len(drawn), groups_n=len(draft.result.rows))
    whole = alt.vconcat(legend, grid, spacing=14)
    return draft.finish(whole, found.headline, found.detail, across, *more, rest)


def _lines(key: Sequence[tuple[str, str]]) -> list[list[tuple[str, str]]]:
    """Break the key into lines that fit under the title."""
    lines: list[list[tuple[str, str]]] = [[]]
    room = width() - theme.fit(90.0, 40.0)
    for entry in key:
        needed = 30 + theme.text_width(entry[1], theme.LABEL_SIZE)
        if needed > room and lines[-1]:
            lines.append([])
            room = width() - theme.fit(90.0, 40.0)
        lines[-1].append(entry)
        room -= needed
    return lines


def _title(draft: Draft) -> str:
    """Say in a few words whether the distribution describes the days."""
    (row,), say = draft.result.rows, draft.say
    values = {
        "what": subject(draft.result, say),
        "family": family_words(row, say),
        "gap_share": row.gap_share,
    }
    return say.say(f"charts.distribution.title_{row.trust}", **values)


def _small(draft: Draft, item: Any, panel: Callable[[Draft, Any, tuple[int, int], bool], list[Any]]) -> Any:
    """Draw one group under its name, its size and what was chosen."""
    width, height = SMALL
    name = f"{draft.say.group(item.group)}  (n = {draft.say.numbers.count(row_of(draft, item).n)})"
    head = alt.TitleParams(
        text=theme.shorten(name, width + 10, 12.5),
        subtitle=theme.shorten(short_family(draft, item), width + 10, theme.SMALL_SIZE),
        fontSize=12.5, subtitleFontSize=theme.SMALL_SIZE, subtitlePadding=2,
        anchor="start", offset=6, frame="group",
    )  # fmt: skip
    return sized(alt.layer(*panel(draft, item, SMALL, True)), width=width, height=height, title=head)


def short_family(draft: Draft, item: Any) -> str:
    """Return the family of a group with its verdict, for the head of a small picture."""
    row, say = row_of(draft, item), draft.say
    family = say.get(f"durations.families.{row.family}")
    trust = say.get(f"distribution.trust.{row.trust}")
    return say.say("charts.distribution.chosen", family=family, trust=trust)


def stage_of(draft: Draft) -> str:
    """Return the name of the stage from which days are counted."""
    return stage_name(draft.result, draft.result.stage, draft.say)


def beyond(draft: Draft, from_day: float, longest: float, x: Any) -> list[Any]:
    """Pale what lies beyond the age up to which enough deals were watched, behind a broken upright."""
    if from_day >= longest:
        return []
    edge = draft.layer([{"day": from_day, "end": longest, "least_n": TOO_FEW_N}], "edge")
    return [
        edge.mark_rect(color=theme.PAPER, opacity=0.55).encode(x=x(), x2="end:Q"),
        edge.mark_rule(color=theme.QUIET, strokeDash=[4, 3]).encode(x=x()),
    ]


# ---- Share that has not ended, by age ---------------------------------------------------------------------

POINTS_MOST = 200
FIELDS = (
    "not_yet_rate", "not_yet_ci_lower", "not_yet_ci_upper", "fitted_rate", "fitted_ci_lower", "fitted_ci_upper",
    "runner_up_rate", "at_risk_n",
)  # fmt: skip


def distribution_fit_data(result: Distribution) -> list[Row]:
    """Return one row per group and day: observed, fitted and runner-up."""
    rows = []
    for curve in result.curves:
        kept = np.unique(np.linspace(0, len(curve.days) - 1, POINTS_MOST).round().astype(int))
        for k in kept.tolist():
            row: Row = {"group": curve.group, "day": float(curve.days[k])}
            rows.append(row | {name: getattr(curve, name)[k].item() for name in FIELDS})
    return rows


def distribution_fit_draw(result: Distribution, lang: str) -> Any:
    """Draw the one curve, or a small picture for each group."""
    draft = Draft(result, lang)
    if not result.n:
        return draft.nothing()
    say = draft.say
    across = say.say("charts.distribution.across_fit", stage=stage_of(draft))
    more = ""
    if result.curves and not result.by:
        row = result.rows[0]
        more = say.say("charts.distribution.count", closed_n=row.closed_n, n=row.n, too_few_n=TOO_FEW_N)
    return pictures(draft, result.curves, _fit_panel, _key(draft), more, across=across)


def _key(draft: Draft) -> list[tuple[str, str]]:
    say, result = draft.say, draft.result
    level = say.numbers.level(result.confidence_level)
    entries = [(theme.MOVED, say.say("charts.distribution.observed", confidence_level=level))]
    if result.by:
        return [
            *entries,
            (theme.SECOND, say.get("charts.distribution.chosen_groups")),
            (theme.QUIET, say.get("charts.distribution.runner_up_groups")),
        ]
    for fit in result.fits[:2] if result.curves else ():
        if fit.rank == 1:
            chosen = {"family": family_words(fit, say), "trust": trust_words(result.rows[0], say)}
            entries.append((theme.SECOND, say.say("charts.distribution.chosen", **chosen)))
        elif np.isfinite(fit.aicc):
            entries.append(
                (theme.QUIET, say.say("charts.distribution.runner_up", family=family_words(fit, say)))
            )
    return entries


def _ending(result: Distribution, say: Words) -> str:
    return say.get("durations.whole_to.any" if result.overall else "durations.to.any")


def _fit_panel(draft: Draft, curve: DistributionCurve, size: tuple[int, int], small: bool) -> list[Any]:
    say, result = draft.say, draft.result
    rows = [row for row in distribution_fit_data(result) if row["group"] == curve.group]
    longest = max(1.0, *(float(one.days[-1]) for one in result.curves))
    across = alt.Axis(
        values=day_ticks(longest, 5 if small else 10, result.calendar), grid=False, format=",d",
        title=None if small else say.say("charts.distribution.x", stage=stage_of(draft)),
    )  # fmt: skip
    up = share_axis(
        say, values=[0, 0.5, 1] if small else [0, 0.25, 0.5, 0.75, 1],
        title=None if small else say.say("charts.durations.y", to=_ending(result, say)),
    )  # fmt: skip

    def x(field: str = "day") -> alt.X:
        return alt.X(f"{field}:Q", scale=alt.Scale(domain=[0, longest], nice=False), axis=across)

    def y(field: str) -> alt.Y:
        return alt.Y(f"{field}:Q", scale=alt.Scale(domain=[0, 1], nice=False), axis=up)

    base = draft.layer(rows, "fit")
    step = {"interpolate": "step-after"}
    dash = [6, 3] if row_of(draft, curve).trust == "no" else [1, 0]
    layers = [
        base.mark_area(**step, color=theme.OPEN, opacity=0.8).encode(
            x=x(), y=y("not_yet_ci_lower"), y2="not_yet_ci_upper:Q"
        ),
        base.mark_area(color=theme.SECOND, opacity=0.25).encode(
            x=x(), y=y("fitted_ci_lower"), y2="fitted_ci_upper:Q"
        ),
        base.mark_line(color=theme.QUIET, strokeWidth=1).encode(x=x(), y=y("runner_up_rate")),
        base.mark_line(**step, color=theme.MOVED, strokeWidth=2).encode(x=x(), y=y("not_yet_rate")),
        base.mark_line(color=theme.SECOND, strokeWidth=2, strokeDash=dash).encode(x=x(), y=y("fitted_rate")),
        *beyond(draft, curve.trusted_days, longest, x),
    ]
    tips = [
        alt.Tooltip("day:Q", title=say.field("days", "DistributionCurve").label, format=",.0f"),
        alt.Tooltip(
            "not_yet_rate:Q", title=say.field("not_yet_rate", "DistributionCurve").label, format=".1%"
        ),
        alt.Tooltip("fitted_rate:Q", title=say.field("fitted_rate", "DistributionCurve").label, format=".1%"),
        alt.Tooltip("at_risk_n:Q", title=say.field("at_risk_n").label, format=","),
    ]
    return [*layers, base.mark_rule(opacity=0, strokeWidth=6).encode(x=x(), tooltip=tips)]


# ---- Share that ends per day, by age ----------------------------------------------------------------------

TALLER = 1.15
"""So much higher than what it shows is the picture, for the names of the uprights. A density that runs to infinity
at 0 is cut at `STEEPEST` times the highest bar."""
STEEPEST = 1.4
DENSITY_LINE = 13


def distribution_density_data(result: Distribution) -> list[Row]:
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


def distribution_density_draw(result: Distribution, lang: str) -> Any:
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
    return pictures(draft, result.densities, _density_panel, key, marks, same_day, across=across)


def _density_panel(draft: Draft, curve: DensityCurve, size: tuple[int, int], small: bool) -> list[Any]:
    say, result = draft.say, draft.result
    rows = [row for row in distribution_density_data(result) if row["group"] == curve.group]
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
        top = highest * (1 - line * DENSITY_LINE / size[1])
        at = highest * (1 - (line * DENSITY_LINE + 6) / size[1])
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


# ---- Days by which equal shares have ended: observed against fitted ---------------------------------------

WIDER = 1.1
"""The axis of fitted days reaches so much beyond the longest observed ones."""


def distribution_quantiles_data(result: Distribution) -> list[Row]:
    """Return one row per group and share that has ended."""
    return [
        {"group": one.group, "share": share, "observed": observed, "fitted": fitted,
         "trusted": bool(observed <= one.trusted_days)}
        for one in result.pairs
        for share, observed, fitted in zip(
            one.ended_share.tolist(), one.observed_days.tolist(), one.fitted_days.tolist(), strict=True
        )
    ]  # fmt: skip


def distribution_quantiles_draw(result: Distribution, lang: str) -> Any:
    """Draw the one plot, or a small picture for each group."""
    draft = Draft(result, lang)
    if not result.n:
        return draft.nothing()
    say = draft.say
    key = [
        (theme.MOVED, say.get("charts.distribution.pair")),
        (theme.QUIET, say.get("charts.distribution.line")),
    ]
    more = ""
    if result.pairs and not result.by:
        row = result.rows[0]
        words = {"family": family_words(row, say), "trust": trust_words(row, say)}
        more = say.say("charts.distribution.chosen", **words)
    pale = ""
    if any(not row["trusted"] for row in distribution_quantiles_data(result)):
        pale = say.say("charts.distribution.pale", too_few_n=TOO_FEW_N)
    across = say.get("charts.distribution.across_pairs")
    return pictures(draft, result.pairs, _quantiles_panel, key, more, pale, across=across)


def _quantiles_panel(draft: Draft, pairs: QuantilePairs, size: tuple[int, int], small: bool) -> list[Any]:
    say, result = draft.say, draft.result
    rows = [row for row in distribution_quantiles_data(result) if row["group"] == pairs.group]
    tallest = max([row["observed"] for row in rows], default=1.0)
    widest = tallest * WIDER
    shown = [row for row in rows if row["fitted"] <= widest]
    ticks = day_ticks(tallest, 4 if small else 9, result.calendar)
    across = alt.Axis(
        values=ticks, grid=False, format=",d",
        title=None if small else say.get("charts.distribution.pairs_x"),
    )  # fmt: skip
    up = alt.Axis(values=ticks, format=",d", title=None if small else say.get("charts.distribution.pairs_y"))

    def x(field: str = "fitted") -> alt.X:
        return alt.X(f"{field}:Q", scale=alt.Scale(domain=[0, widest], nice=False), axis=across)

    def y(field: str = "observed") -> alt.Y:
        return alt.Y(f"{field}:Q", scale=alt.Scale(domain=[0, tallest], nice=False), axis=up)

    diagonal = draft.layer([{"x": 0.0, "y": 0.0}, {"x": tallest, "y": tallest}], "diagonal")
    tips = [
        alt.Tooltip("share:Q", title=say.field("ended_share", "QuantilePairs").label, format=".1%"),
        alt.Tooltip("fitted:Q", title=say.field("fitted_days", "QuantilePairs").label, format=",.1f"),
        alt.Tooltip("observed:Q", title=say.field("observed_days", "QuantilePairs").label, format=",.1f"),
    ]
    points = draft.layer(shown, "pairs").mark_point(filled=True, color=theme.MOVED, size=14 if small else 28)
    return [
        diagonal.mark_line(color=theme.QUIET, strokeWidth=1).encode(x=x("x"), y=y("y")),
        points.encode(
            x=x(), y=y(), tooltip=tips,
            opacity=alt.condition("datum.trusted", alt.value(0.8), alt.value(0.25)),
        ),
    ]  # fmt: skip
