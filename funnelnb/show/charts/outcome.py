"""Outcome by age: won, lost and still open, adding to one at every day; and the rates side by side."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import altair as alt
import numpy as np

from funnelnb.core.check import TOO_FEW_N
from funnelnb.show.charts import theme
from funnelnb.show.charts.parts import Draft, day_ticks, hatch, own_colour, rate_range, share_axis, sized
from funnelnb.show.text.words import stage_name
from funnelnb.show.views.registry import finding_of, rate_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.analysis.conversion.conversion import Conversion, OutcomeCurve, StepRow
    from funnelnb.show.charts.parts import Row


# ---- Outcome by age: won, lost and still open, stacked, adding to one at every day -------------------------

POINTS_MOST = 200
"""Days drawn of one curve; of more, as many at equal distance."""
OUTCOME_GROUPS_MOST = 9
"""More groups than this are not drawn; the table has them."""
BAND = "#003A5C"
_SHADES = (("won", theme.MOVED), ("open", theme.OPEN), ("lost", theme.LOST))
_RATES = ("won_rate", "won_ci_lower", "won_ci_upper", "lost_rate", "open_rate")


def outcome_data(result: Conversion) -> list[Row]:
    """Return one row per group and day: the three shares, the band of won, whether the day can be trusted."""
    most = POINTS_MOST if not result.by else POINTS_MOST // 3
    return [row for curve in result.curves for row in _curve_rows(curve, result.horizon_days, most)]


def _curve_rows(curve: OutcomeCurve, horizon_days: float, most: int) -> list[Row]:
    rows = []
    for k in _kept(curve, horizon_days, most):
        row: Row = {"group": curve.group, "day": float(curve.days[k])}
        row |= {name: float(getattr(curve, name)[k]) for name in _RATES}
        row["at_risk_n"] = int(curve.at_risk_n[k])
        row["trusted"] = bool(curve.days[k] <= curve.trusted_days)
        rows.append(row)
    return rows


def _kept(curve: OutcomeCurve, horizon_days: float, most: int) -> list[int]:
    """Return which days are drawn: all, or evenly spread ones and those the reader is told a number of."""
    length = len(curve.days)
    if length <= most:
        return list(range(length))
    even = np.linspace(0, length - 1, most).round().astype(int)
    told = [
        max(0, int(np.searchsorted(curve.days, day, side="right")) - 1)
        for day in (horizon_days, curve.trusted_days)
    ]
    return sorted({*even.tolist(), *told})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plot:
    """One plot: its size, the axes all its layers share, and the group it shows."""

    width: int
    height: int
    longest: float
    small: bool
    days: alt.Axis
    shares: alt.Axis
    row: StepRow
    curve: OutcomeCurve

    def x(self, field: str = "day") -> alt.X:
        return alt.X(f"{field}:Q", scale=alt.Scale(domain=[0, self.longest], nice=False), axis=self.days)

    def y(self, field: str) -> alt.Y:
        return alt.Y(f"{field}:Q", scale=alt.Scale(domain=[0, 1], nice=False), axis=self.shares)


def outcome_draw(result: Conversion, lang: str) -> Any:
    """Draw the curves; with groups, one small picture each on the same axes."""
    draft = Draft(result, lang)
    if not result.n:
        return draft.nothing()
    curves = [curve for curve in result.curves if len(curve.days) > 1]
    found = finding_of(result, lang)
    if not curves:
        return draft.nothing(found.headline, found.detail)
    return _by_group(draft, curves) if result.by else _whole(draft, curves[0])


def _whole(draft: Draft, curve: OutcomeCurve) -> Any:
    say, result = draft.say, draft.result
    plot = _plot(draft, curve, float(curve.days[-1]), theme.fit((690, 320), (250, 230)))
    rows = [row for row in outcome_data(result) if row["group"] == curve.group]
    layers = [*_panel(draft, plot, rows), _names(draft, plot, rows[-1])]
    if curve.trusted_days < plot.longest:
        layers.append(_estimate(draft, plot))
    chart = sized(alt.layer(*layers), width=plot.width, height=plot.height)
    band = say.say("charts.outcome.band", confidence_level=say.numbers.level(result.confidence_level))
    undated = [say.get("charts.outcome.undated")] if plot.row.by_day_undated_n else []
    return draft.finish(chart, _title(draft, plot.row), band, *undated, offset=26)


def _title(draft: Draft, row: StepRow) -> str:
    if not row.enough or row.by_day_undated_n or math.isnan(row.by_day_rate + row.by_day_lost_rate):
        return finding_of(draft.result, draft.say.lang).headline
    return draft.say.say(
        "charts.outcome.title",
        day=draft.result.horizon_days,
        won=rate_of(row, "by_day", draft.say),
        lost=draft.say.numbers.percent(row.by_day_lost_rate),
        open=draft.say.numbers.percent(row.by_day_open_rate),
    )


def _by_group(draft: Draft, curves: Sequence[OutcomeCurve]) -> Any:
    say, result = draft.say, draft.result
    sizes = {row.group: row.by_day_n for row in result.overall}
    largest = {
        curve.group for curve in sorted(curves, key=lambda one: -sizes[one.group])[:OUTCOME_GROUPS_MOST]
    }
    drawn = [curve for curve in curves if curve.group in largest]
    longest = max(float(curve.days[-1]) for curve in drawn)
    rows = outcome_data(result)
    panels = []
    for curve in drawn:
        plot = _plot(draft, curve, longest, (218, 130), small=True)
        label = f"{say.group(curve.group)}  (n = {say.numbers.count(sizes[curve.group])})"
        head = theme.shorten(label, plot.width + 10, 12.5)
        title = alt.TitleParams(text=head, fontSize=12.5, anchor="start", offset=6, frame="group")
        layers = _panel(draft, plot, [row for row in rows if row["group"] == curve.group])
        panels.append(sized(alt.layer(*layers), width=plot.width, height=plot.height, title=title))
    key = draft.legend([(colour, say.get(_word(name))) for name, colour in _SHADES], 6, 5)
    grid = alt.concat(*panels, columns=theme.fit(3, 1), spacing={"row": 18, "column": 24})
    whole = alt.vconcat(sized(key, width=theme.fit(400, 260), height=10), grid, spacing=14)
    more = ""
    if len(drawn) < len(result.overall):
        more = say.say("charts.parts.more_groups", shown_n=len(drawn), groups_n=len(result.overall))
    pale = say.say("charts.outcome.pale", too_few_n=TOO_FEW_N)
    return draft.finish(whole, rate_range(draft), pale, more)


def _word(name: str) -> str:
    return f"charts.parts.{'lost_by_age' if name == 'lost' else name}"


def _plot(
    draft: Draft, curve: OutcomeCurve, longest: float, size: tuple[int, int], *, small: bool = False
) -> _Plot:
    row = next(one for one in draft.result.overall if one.group == curve.group)
    stage = stage_name(draft.result, row.stage, draft.say)
    title = None if small else draft.say.say("charts.outcome.x", stage=stage)
    ticks = day_ticks(longest, 5 if small else theme.fit(10, 5))
    return _Plot(
        width=size[0],
        height=size[1],
        longest=longest,
        small=small,
        days=alt.Axis(values=ticks, title=title, grid=False, format=",d"),
        shares=share_axis(
            draft.say, values=[0, 0.5, 1] if small else [0, 0.25, 0.5, 0.75, 1], title=None, grid=False
        ),
        row=row,
        curve=curve,
    )


def _panel(draft: Draft, plot: _Plot, rows: list[Row]) -> list[Any]:
    drawn = [row | {"open_top": row["won_rate"] + row["open_rate"], "zero": 0.0, "one": 1.0} for row in rows]
    base = draft.layer(drawn, "days")
    step, x = {"interpolate": "step-after"}, plot.x()
    layers = [
        base.mark_area(**step, color=theme.LOST, opacity=0.92).encode(x=x, y=plot.y("open_top"), y2="one:Q"),
        base.mark_area(**step, color=theme.OPEN).encode(x=x, y=plot.y("won_rate"), y2="open_top:Q"),
        base.mark_area(**step, color=theme.MOVED).encode(x=x, y=plot.y("zero"), y2="won_rate:Q"),
    ]
    if plot.row.enough:
        layers.append(
            base.mark_area(**step, color=BAND, opacity=0.36).encode(
                x=x, y=plot.y("won_ci_lower"), y2="won_ci_upper:Q"
            )
        )
    layers.append(
        base.mark_line(**step, color=theme.PAPER, strokeWidth=1.2).encode(x=x, y=plot.y("won_rate"))
    )
    trusted = plot.curve.trusted_days if plot.row.enough else 0.0
    if trusted < rows[-1]["day"]:
        layers += _pale(draft, plot, trusted, rows[-1]["day"])
    layers += _horizon(draft, plot, rows[-1]["day"])
    layers.append(base.mark_rule(opacity=0, strokeWidth=6).encode(x=x, tooltip=_tips(draft)))
    return layers


def _tips(draft: Draft) -> list[alt.Tooltip]:
    say = draft.say
    tips = [alt.Tooltip("day:Q", title=say.field("days").label, format=",.0f")]
    for field, name in (("won_rate", "won"), ("open_rate", "open"), ("lost_rate", "lost")):
        tips.append(alt.Tooltip(f"{field}:Q", title=say.get(_word(name)), format=".1%"))
    return [*tips, alt.Tooltip("at_risk_n:Q", title=say.field("at_risk_n").label, format=",")]


def _pale(draft: Draft, plot: _Plot, start: float, end: float) -> list[Any]:
    """Draw the days beyond trust: paler, hatched, and set off by a broken line."""
    per_pixel = plot.longest / plot.width
    lines = draft.layer(hatch(start, end, plot.height * per_pixel, 11 * per_pixel), "hatch")
    veil = draft.layer([{"day": start, "end": end}], "veil")
    return [
        veil.mark_rect(color=theme.PAPER, opacity=0.5).encode(x=plot.x(), x2="end:Q"),
        lines.mark_rule(color=theme.PAPER, strokeWidth=1, opacity=0.8).encode(
            x=plot.x("x"), x2="x2:Q", y=plot.y("y"), y2="y2:Q"
        ),
        veil.mark_rule(color=theme.INK, strokeWidth=1, strokeDash=[4, 3]).encode(x=plot.x()),
    ]


def _horizon(draft: Draft, plot: _Plot, last: float) -> list[Any]:
    """Mark the horizon and write the rate there; without enough deals say so instead."""
    say, row, day = draft.say, plot.row, draft.result.horizon_days
    if not row.enough:
        few = [{"day": plot.longest / 2, "y": 0.5, "label": say.get("words.too_few")}]
        return _haloed(draft.layer(few, "few"), plot, "y", align="center", dx=0, dy=0)
    if math.isnan(row.by_day_rate) or day > last:
        return []
    rate = say.numbers.percent(row.by_day_rate)
    label = rate if plot.small else say.say("charts.outcome.horizon", horizon_days=day, won=rate)
    place = {"day": day, "won_rate": row.by_day_rate, "upper": row.by_day_ci_upper, "label": label}
    base = draft.layer([place], "horizon")
    point = base.mark_point(filled=True, color=theme.PAPER, stroke=theme.INK, size=44, opacity=1)
    return [
        base.mark_rule(color=theme.INK, strokeWidth=1).encode(x=plot.x()),
        point.encode(x=plot.x(), y=plot.y("won_rate")),
        *_haloed(base, plot, "upper", align="left", dx=6, dy=-9),
    ]


def _haloed(base: alt.Chart, plot: _Plot, field: str, **mark: Any) -> list[Any]:
    """Write a label that stays readable on any shade: once as a pale outline, once as text."""
    channels = {"x": plot.x(), "y": plot.y(field), "text": "label:N"}
    outline = {"color": theme.PAPER, "stroke": theme.PAPER, "strokeWidth": 3, "opacity": 0.85}
    return [
        base.mark_text(fontWeight="bold", **outline, **mark).encode(**channels),
        base.mark_text(fontWeight="bold", color=theme.INK, **mark).encode(**channels),
    ]


def _names(draft: Draft, plot: _Plot, last: Row) -> Any:
    """Write won, open and lost beside the right edge, each at its band and never over one another."""
    top = last["won_rate"] + last["open_rate"]
    gap = 16 / plot.height
    won = max(last["won_rate"] / 2, 0.02)
    lost = min((1 + top) / 2, 0.98)
    middle = min(max(last["won_rate"] + last["open_rate"] / 2, won + gap), lost - gap)
    colours = (theme.MOVED, theme.QUIET, theme.LOST_INK)
    pieces = [
        {"day": plot.longest, "share": place, "label": draft.say.get(_word(name)), "colour": colour}
        for place, (name, _), colour in zip((won, middle, lost), _SHADES, colours, strict=True)
    ]
    mark = {"align": "left", "dx": 8, "baseline": "middle", "fontWeight": "bold", "fontSize": 12.5}
    return (
        draft.layer(pieces, "names")
        .mark_text(**mark)
        .encode(x=plot.x(), y=plot.y("share"), text="label:N", color=own_colour())
    )


def _estimate(draft: Draft, plot: _Plot) -> Any:
    """Say over the pale part what it is; where it is narrow, the words end at the right edge."""
    label = draft.say.say("charts.outcome.estimate", too_few_n=TOO_FEW_N)
    room = plot.width * (1 - plot.curve.trusted_days / plot.longest)
    fits = theme.text_width(label, theme.SMALL_SIZE) < room
    place = {"day": plot.curve.trusted_days if fits else plot.longest, "share": 1.0, "label": label}
    mark = {
        "align": "left" if fits else "right",
        "dy": -9,
        "fontSize": theme.SMALL_SIZE,
        "color": theme.QUIET,
    }
    return (
        draft.layer([place], "estimate")
        .mark_text(**mark)
        .encode(x=plot.x(), y=plot.y("share"), text="label:N")
    )


# ---- Rates ------------------------------------------------------------------------------------------------

RATES_GROUPS_MOST = 30
STEP, PLOT, LABEL = 44, 400, 190
NARROW_STEP, NARROW_PLOT = 64, 190
"""On a phone the name of a row stands above its three marks."""
KINDS = {
    "by_day": (theme.MOVED, "circle", -11),
    "decided": (theme.LOST_INK, "square", 0),
    "so_far": (theme.QUIET, "triangle-up", 11),
}


def rates_data(result: Conversion) -> list[Row]:
    """Return one row per step (or group) and kind of rate: the rate, its interval and its own n."""
    if result.by:
        largest = sorted(result.overall, key=lambda row: -row.reached_n)[:RATES_GROUPS_MOST]
        chosen: Sequence[StepRow] = [row for row in result.overall if any(row is one for one in largest)]
    else:
        steps = [row for row in result.steps if not row.after_sale]
        chosen = [*steps, *result.overall]
    return [row for rank, step in enumerate(chosen) for row in _rows(step, rank)]


def _rows(step: StepRow, rank: int) -> list[Row]:
    sizes = {"by_day": step.by_day_n, "decided": step.decided_n, "so_far": step.reached_n}
    return [
        {
            "group": step.group,
            "stage": step.stage,
            "overall": step.overall,
            "rank": rank,
            "kind": kind,
            "rate": getattr(step, f"{kind}_rate"),
            "ci_lower": getattr(step, f"{kind}_ci_lower"),
            "ci_upper": getattr(step, f"{kind}_ci_upper"),
            "n": sizes[kind],
            "enough": step.enough,
        }
        for kind in KINDS
    ]


def rates_draw(result: Conversion, lang: str) -> Any:
    """Draw the rates."""
    draft = Draft(result, lang)
    rows = rates_data(result)
    if not rows or not result.n:
        return draft.nothing()
    say = draft.say
    names = [row | {"name": _name(draft, row)} for row in rows if row["kind"] == "by_day"]
    height = theme.fit(STEP, NARROW_STEP) * len(names)
    layers = [*_marks(draft, rows, height), *_labels(draft, names, height)]
    chart = sized(alt.layer(*layers), width=theme.fit(PLOT, NARROW_PLOT), height=height)
    if result.by:
        more = ""
        if len(names) < len(result.overall):
            more = say.say("charts.parts.more_groups", shown_n=len(names), groups_n=len(result.overall))
        return draft.finish(chart, rate_range(draft), more)
    return draft.finish(chart, say.say("charts.rates.title", horizon_days=result.horizon_days))


def _name(draft: Draft, row: Row) -> str:
    if draft.result.by:
        name = draft.say.group(row["group"])
    elif row["overall"]:
        name = draft.say.get("charts.rates.whole")
    else:
        name = stage_name(draft.result, row["stage"], draft.say)
    return theme.shorten(name, theme.fit(LABEL - 70, 220), theme.LABEL_SIZE)


def _spelled(draft: Draft, row: Row, words: dict[str, str]) -> Row:
    rate = draft.say.numbers.interval(row["rate"], row["ci_lower"], row["ci_upper"])
    return {"spot": _spot(row), "words": words[row["kind"]], "label": rate}


def _spot(row: Row) -> float:
    return theme.fit(STEP, NARROW_STEP) * (row["rank"] + 0.5) + KINDS[row["kind"]][2] + theme.fit(0, 10)


def _marks(draft: Draft, rows: list[Row], height: float) -> list[Any]:
    say, result = draft.say, draft.result
    known = [row for row in rows if row["enough"] and not math.isnan(row["rate"])]
    words = {kind: say.say(f"charts.rates.{kind}", horizon_days=result.horizon_days) for kind in KINDS}
    present = [kind for kind in KINDS if any(row["kind"] == kind for row in known)]
    spelled = [row | _spelled(draft, row, words) for row in known]
    base = draft.layer(spelled, "rates")
    domain = [words[kind] for kind in present]
    legend = alt.Legend(title=None, orient="top", direction=theme.fit("horizontal", "vertical"),
                        columns=theme.fit(0, 1), symbolSize=80, offset=8)  # fmt: skip
    colour = alt.Color(
        "words:N", scale=alt.Scale(domain=domain, range=[KINDS[kind][0] for kind in present]), legend=legend
    )
    shape = alt.Shape(
        "words:N", scale=alt.Scale(domain=domain, range=[KINDS[kind][1] for kind in present]), legend=legend
    )
    high = max([0.05, *(row["ci_upper"] for row in known)])
    title = say.get("charts.rates.x_overall" if result.by else "charts.rates.x")
    axis = share_axis(say, title=title, tickCount=theme.fit(6, 4))
    scale = alt.Scale(domain=[0, min(1.0, high * 1.04)], nice=False)
    y = alt.Y("spot:Q", scale=alt.Scale(domain=[0, height], reverse=True, nice=False), axis=None)
    tips = [
        alt.Tooltip("words:N", title=say.get("charts.rates.kind")),
        alt.Tooltip("label:N", title=title),
        alt.Tooltip("n:Q", title="n", format=","),
    ]
    return [
        base.mark_rule(strokeWidth=1.8).encode(
            x=alt.X("ci_lower:Q", scale=scale, axis=axis), x2="ci_upper:Q", y=y, color=colour
        ),
        base.mark_point(filled=True, size=64, opacity=1).encode(
            x=alt.X("rate:Q", scale=scale, axis=axis), y=y, color=colour, shape=shape, tooltip=tips
        ),
        base.mark_text(align="left", baseline="middle", fontSize=theme.SMALL_SIZE).encode(
            x=alt.value(theme.fit(PLOT + 12, NARROW_PLOT + 8)), y=y, text="label:N", color=colour
        ),
    ]


def _labels(draft: Draft, names: list[Row], height: float) -> list[Any]:
    """Write the name of each step or group with its n, and a thin line between two of them."""
    say, step = draft.say, theme.fit(STEP, NARROW_STEP)
    rows = [
        {
            "spot": step * (row["rank"] + 0.5),
            "line": step * (row["rank"] + 1.0),
            "name": row["name"],
            "n": f"n = {say.numbers.count(row['n'])}",
            "few": "" if row["enough"] else say.get("words.too_few"),
            "weight": "bold" if row["overall"] and not draft.result.by else "normal",
        }
        for row in names
    ]
    base = draft.layer(rows, "names")
    scale = alt.Scale(domain=[0, height], reverse=True, nice=False)
    y = alt.Y("spot:Q", scale=scale, axis=None)
    quiet = {"fontSize": theme.SMALL_SIZE, "color": theme.QUIET, "baseline": "middle"}
    ends, name, number, few = theme.fit(
        ((-LABEL + 20, PLOT), (-12, "right", -7), (-12, "right", 8), PLOT + 12),
        ((0, 310), (0, "left", -22), (310, "right", -22), NARROW_PLOT + 8),
    )
    return [
        base.mark_rule(color=theme.FAINT, strokeWidth=0.7).encode(
            x=alt.value(ends[0]), x2=alt.value(ends[1]), y=alt.Y("line:Q", scale=scale, axis=None)
        ),
        base.mark_text(
            align=name[1], baseline="middle", dy=name[2], fontWeight={"expr": "datum.weight"}
        ).encode(x=alt.value(name[0]), y=y, text="name:N"),
        base.mark_text(align=number[1], dy=number[2], **quiet).encode(
            x=alt.value(number[0]), y=y, text="n:N"
        ),
        base.mark_text(align="left", **quiet).encode(x=alt.value(few), y=y, text="few:N"),
    ]
