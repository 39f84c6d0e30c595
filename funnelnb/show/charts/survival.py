"""Share that has not finished, by age: observed with its band, the fitted line, the two medians.

A picture per stage, or one for each group. Where fewer than ten deals are watched the line is broken off by
an upright and what lies beyond is pale.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import altair as alt
import numpy as np

from funnelnb.core.check import TOO_FEW_N
from funnelnb.show import theme
from funnelnb.show.charts.parts import Draft, day_ticks, share_axis, sized
from funnelnb.show.finding import finding_of
from funnelnb.show.names import stage_name
from funnelnb.show.views.duration import days, ending, main_rows, subject
from funnelnb.show.views.fitted import family_words

if TYPE_CHECKING:
    from funnelnb.analysis.duration import Duration
    from funnelnb.analysis.duration_rows import DurationCurve, DurationRow
    from funnelnb.show.charts.parts import Row

POINTS_MOST = 200
GROUPS_MOST = 9
FIELDS = ("not_yet_rate", "not_yet_ci_lower", "not_yet_ci_upper", "fitted_rate", "all_rate", "at_risk_n")


def data(result: Duration) -> list[Row]:
    """Return one row per curve and day: share not finished, band, fit, deals watched."""
    rows = []
    for curve in result.curves:
        kept = np.unique(np.linspace(0, len(curve.days) - 1, POINTS_MOST).round().astype(int))
        for k in kept.tolist():
            row: Row = {"group": curve.group, "stage": curve.stage, "overall": curve.overall}
            row |= {"day": float(curve.days[k]), "trusted": bool(curve.days[k] <= curve.trusted_days)}
            rows.append(row | {name: getattr(curve, name)[k].item() for name in FIELDS})
    return rows


def draw(result: Duration, lang: str) -> Any:
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


def _longest(curve: DurationCurve) -> float:
    return max(1.0, float(curve.days[-1]))


def _whole(draft: Draft, curve: DurationCurve) -> Any:
    result, say = draft.result, draft.say
    row = _row(result, curve)
    chart = sized(
        alt.layer(*_panel(draft, curve, _longest(curve), (700, 320), small=False)), width=700, height=320
    )
    values = {
        "what": subject(result, row, say),
        "median": days(row.median_days, say, unit=True),
        "naive": days(row.naive_median_days, say, unit=True),
    }
    apart = result.to == "any" and row.naive_difference_days <= -0.5
    key = "title" if apart else "title_plain"
    title = say.say(f"charts.durations.{key}", **values)
    if not row.enough or math.isinf(row.median_days):
        title = finding_of(result, say.lang).headline
    count = say.say("charts.durations.count", closed_n=row.closed_n, n=row.n, too_few_n=TOO_FEW_N)
    pause = say.say("charts.durations.pause", last_event_days=row.last_event_days, older_n=row.older_n)
    whole = alt.vconcat(sized(_key(draft, curve), width=600, height=10), chart, spacing=12)
    return draft.finish(whole, title, count, pause if row.pause else "")


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
    longest = max(_longest(curve) for curve in drawn)
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
    key = sized(draft.legend(entries, 6, 5), width=400, height=10)
    grid = alt.concat(*panels, columns=3, spacing={"row": 18, "column": 24})
    across = say.say("charts.durations.across", stage=stage_name(result, drawn[0].stage, say))
    return draft.finish(alt.vconcat(key, grid, spacing=14), found.headline, found.detail, across, more)


def _axes(draft: Draft, curve: DurationCurve, longest: float, *, small: bool) -> tuple[alt.Axis, alt.Axis]:
    """Return the axis of days and that of shares."""
    say = draft.say
    stage, to = stage_name(draft.result, curve.stage, say), ending(draft.result, curve, say)
    across = alt.Axis(
        values=day_ticks(longest, 5 if small else 10, draft.result.calendar), grid=False, format=",d",
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
    rows = [row for row in data(result) if (row["group"], row["stage"], row["overall"]) == mine]
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
    near = row.naive_median_days * size[0] / _longest(curve) < 8
    text = {"align": "left", "dx": 8 if not near else 14, "dy": -10, "color": theme.QUIET}
    return [
        *layers,
        naive.mark_point(shape="cross", angle=45, filled=True, color=theme.LOST, size=80, opacity=1).encode(
            x=x(), y=y("y")
        ),
        naive.mark_text(**text).encode(x=x(), y=y("y"), text="label:N"),
    ]
