"""Forecasts: the course of the period with its bands, where it lands, past forecasts, chances kept, the waterfall."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import altair as alt
import numpy as np

from funnelnb.show.charts import theme
from funnelnb.show.charts.parts import Draft, own_colour, share_axis, sized
from funnelnb.show.views.registry import finding_of

if TYPE_CHECKING:
    from funnelnb.analysis.forecast.forecast import Forecast
    from funnelnb.analysis.forecast.moved import Waterfall
    from funnelnb.analysis.forecast.reliability import Reliability
    from funnelnb.show.charts.parts import Row

WIDTH, NARROW_WIDTH, HEIGHT = 700, 262, 300
BANDS = (
    ("90", "q05", "q95", theme.BAND_90),
    ("80", "q10", "q90", theme.BAND_80),
    ("50", "q25", "q75", theme.BAND_50),
)


def _wide() -> int:
    return theme.fit(WIDTH, NARROW_WIDTH)


def _scale(draft: Draft, largest: float) -> tuple[float, str]:
    """Return the size of the unit that amounts are drawn in, and what it is called with the currency."""
    say = draft.say
    size, word = next(((size, word) for size, word in say.numbers.units if largest >= size), (1.0, ""))
    unit = say.numbers.currencies.get(draft.result.currency, draft.result.currency)
    return size, f"{word.strip()}{' ' if unit.isascii() else ''}{unit}".strip()


def _titled(draft: Draft, key: str, unit: str) -> str:
    label = draft.say.get(key)
    return draft.say.say("language.bracket", label=label, unit=unit) if unit else label


# ---- Fan: the cumulative total through the period ----------------------------------------------------------


def fan_data(result: Forecast) -> list[Row]:
    """Return one row per day drawn: what came in by then, or the quantiles of what will have."""
    names = ("q05", "q10", "q25", "q50", "q75", "q90", "q95")
    return [
        {"day": row.day, "known": row.known, "came": row.came_amount}
        | {name: getattr(row, f"{name}_amount") for name in names}
        for row in result.fan
    ]


def fan_draw(result: Forecast, lang: str) -> Any:
    """Draw the fan; of a past period also what came."""
    draft = Draft(result, lang)
    found, rows = finding_of(result, lang), fan_data(result)
    if not rows or not result.priced:
        return draft.nothing(found.headline, found.detail)
    target = result.whole.target_amount
    size, unit = _scale(draft, max([row["q95"] for row in rows] + [target] * math.isfinite(target)))
    drawn = [{k: v / size if isinstance(v, float) else v for k, v in row.items()} for row in rows]
    known = [row for row in drawn if row["known"]]
    ahead = known[-1:] + [row for row in drawn if not row["known"]]
    came = [row for row in ahead if row["came"] == row["came"] and row["came"] is not None]
    layers = [
        *_fan_layers(draft, known, ahead, came if len(came) > 1 else [], unit),
        *_target_rule(draft, target, size),
    ]
    legend = [
        *([(theme.INK, "known")] if len(known) > 1 else []),
        (theme.MOVED, "median"),
        *([(theme.LOST, "came")] if len(came) > 1 else []),
        *((colour, f"band{name}") for name, _, _, colour in reversed(BANDS)),
    ]
    words = draft.legend([(colour, draft.say.get(f"charts.fan.{key}")) for colour, key in legend], 6, 8)
    chart = alt.vconcat(
        sized(alt.layer(*layers), width=_wide(), height=HEIGHT),
        sized(words, width=_wide(), height=draft.legend_height()),
        spacing=6,
    )
    return draft.finish(chart, _fan_title(draft, rows))


def _fan_title(draft: Draft, rows: list[Row]) -> str:
    """Return what the fan shows beyond the forecast's headline: from when on the target is more likely than not."""
    whole, say = draft.result.whole, draft.say
    if not math.isfinite(whole.target_amount):
        return say.say("charts.fan.title", period=whole.period)
    target = say.numbers.amount(whole.target_amount, draft.result.currency)
    passed = next((row["day"] for row in rows if row["q50"] >= whole.target_amount), None)
    if passed is None:
        return say.say("charts.fan.title_short", target=target, until=draft.result.until)
    return say.say("charts.fan.title_passed", target=target, day=passed)


def _fan_layers(draft: Draft, known: list[Row], ahead: list[Row], came: list[Row], unit: str) -> list[Any]:
    """Return the bands and the middle of what is ahead, what is known, and what came."""
    x = alt.X("day:T", axis=alt.Axis(title=None, grid=False, format="%Y-%m-%d", labelAngle=0, tickCount=6))
    scale = alt.Scale(domainMin=0, nice=True)
    axis = alt.Axis(title=_titled(draft, "charts.fan.y", unit), tickCount=6)
    base, past = draft.layer(ahead, "ahead"), draft.layer(known, "known")
    layers = [
        base.mark_area(color=colour, opacity=1).encode(
            x=x, y=alt.Y(f"{low}:Q", scale=scale, axis=axis), y2=f"{high}:Q"
        )
        for _, low, high, colour in BANDS
    ]
    layers.append(base.mark_line(color=theme.MOVED, strokeWidth=2).encode(x=x, y="q50:Q"))
    layers.append(past.mark_line(color=theme.INK, strokeWidth=2.4).encode(x=x, y="q50:Q"))
    if came:
        line = draft.layer(came, "came").mark_line(color=theme.LOST, strokeWidth=2, strokeDash=[6, 3])
        layers.append(line.encode(x=x, y="came:Q"))
    layers.append(base.mark_rule(opacity=0, strokeWidth=6).encode(x=x, tooltip=_fan_tips(draft)))
    return layers


def _fan_tips(draft: Draft) -> list[alt.Tooltip]:
    say = draft.say
    made = [alt.Tooltip("day:T", format="%Y-%m-%d", title=say.field("day", "FanDay").label)]
    for name in ("q10", "q50", "q90"):
        label = say.field(f"{name}_amount", "FanDay").label
        made += [alt.Tooltip(f"{name}:Q", format=",.2f", title=label)]
    return made


def _target_rule(draft: Draft, target: float, size: float) -> list[Any]:
    if not math.isfinite(target):
        return []
    words = draft.say.say("charts.fan.target", target=draft.say.numbers.amount(target, draft.result.currency))
    rule = draft.layer([{"goal": target / size, "label": words}], "target")
    y = alt.Y("goal:Q")
    return [
        rule.mark_rule(color=theme.LOST_INK, strokeDash=[3, 3], strokeWidth=1.6).encode(y=y),
        rule.mark_text(align="left", dy=-7, color=theme.LOST_INK).encode(x=alt.value(6), y=y, text="label:N"),
    ]


# ---- Landing: how the total of the period is distributed ---------------------------------------------------

BINS = 48


def landing_data(result: Forecast) -> list[Row]:
    """Return one row per cell: from, to, share of the draws, whether it reaches the target."""
    draws = np.asarray(result.draws_amount, dtype=float)
    if not draws.size or not np.isfinite(draws).all():
        return []
    target = result.whole.target_amount
    low, high = (float(np.quantile(draws, one)) for one in (0.002, 0.998))
    edges = np.linspace(low, max(high, low + 1), BINS + 1)
    if low < target < high:
        edges += target - edges[int(np.argmin(np.abs(edges - target)))]
    counts, _ = np.histogram(draws, edges)
    return [
        {
            "low": float(edges[k]), "high": float(edges[k + 1]), "share": float(counts[k] / draws.size),
            "reached": bool(edges[k] >= target - 1e-6 * abs(target)) if math.isfinite(target) else True,
        }
        for k in range(BINS)
    ]  # fmt: skip


def landing_draw(result: Forecast, lang: str) -> Any:
    """Draw the distribution; what reaches the target is dark."""
    draft = Draft(result, lang)
    found, rows = finding_of(result, lang), landing_data(result)
    if not rows or not result.priced:
        return draft.nothing(found.headline, found.detail)
    size, unit = _scale(draft, rows[-1]["high"])
    drawn = [
        row | {"low": row["low"] / size, "high": row["high"] / size,
               "colour": theme.MOVED if row["reached"] else theme.OPEN,
               "words": draft.say.get(f"charts.landing.{'reached' if row['reached'] else 'missed'}")}
        for row in rows
    ]  # fmt: skip
    x = alt.X("low:Q", scale=alt.Scale(nice=False, zero=False),
              axis=alt.Axis(title=_titled(draft, "charts.landing.x", unit), grid=False, tickCount=8))  # fmt: skip
    tips = [
        alt.Tooltip("words:N", title=draft.say.get("charts.landing.kind")),
        alt.Tooltip("share:Q", format=".1%", title=draft.say.get("charts.landing.y")),
    ]
    bars = draft.layer(drawn, "cells").mark_rect(stroke=theme.PAPER, strokeWidth=0.5).encode(
        x=x, x2="high:Q", y=alt.Y("share:Q", axis=None, scale=alt.Scale(domainMin=0)), y2=alt.datum(0),
        color=own_colour(), tooltip=tips,
    )  # fmt: skip
    layers = [bars]
    target = result.whole.target_amount
    if math.isfinite(target) and drawn[0]["low"] <= target / size <= drawn[-1]["high"]:
        rule = draft.layer([{"low": target / size}], "target")
        layers.append(rule.mark_rule(color=theme.LOST_INK, strokeWidth=2).encode(x=alt.X("low:Q")))
    return draft.finish(sized(alt.layer(*layers), width=_wide(), height=220), found.headline, found.detail)


# ---- Strip: past forecasts and what came -------------------------------------------------------------------

MOST_STRIPS, STRIP_STEP = 24, 24


def strip_data(result: Any) -> list[Row]:
    """Return one row per past forecast of the lead nearest to the period: its ranges, what came, what others said."""
    record = getattr(result, "record", result)
    rows = [] if record is None else list(record.rows)
    if not rows:
        return []
    lead = min({row.lead_days for row in rows}, key=abs)
    mine = [row for row in rows if row.lead_days == lead][-MOST_STRIPS:]
    names = ("q05", "q10", "q25", "q50", "q75", "q90", "q95", "came", "weighted", "run_rate")
    return [{"period": row.period} | {name: getattr(row, f"{name}_amount") for name in names} for row in mine]


def strip_draw(result: Any, lang: str) -> Any:
    """Draw each past forecast as a bar with what came as a point."""
    draft = Draft(result, lang)
    found, rows = finding_of(result, lang), strip_data(result)
    say = draft.say
    if not rows:
        return draft.nothing(found.headline, found.detail)
    size, unit = _scale(draft, max(row["q95"] for row in rows))
    wins = getattr(result, "record", result).unit == "wins"
    size, unit = (1.0, "") if wins else (size, unit)
    drawn = [{k: v / size if isinstance(v, float) else v for k, v in row.items()} for row in rows]
    top = 1.15 * max(max(row["q95"], row["came"]) for row in drawn)
    scale = alt.Scale(domain=[0, top], clamp=True)
    axis = alt.Axis(title=_titled(draft, f"charts.strip.x{'_wins' if wins else ''}", unit), tickCount=8)
    y = alt.Y(
        "period:N",
        sort=[row["period"] for row in drawn],
        axis=alt.Axis(title=None, ticks=False, domain=False),
    )
    layers = _strip_layers(draft, drawn, (scale, axis), y)
    entries = [(theme.OPEN, "range"), (theme.INK, "came")]
    for name, colour in (("weighted", theme.LOST), ("run_rate", theme.SECOND)):
        some = [row for row in drawn if row[name] == row[name]]
        if some:
            marks = draft.layer(some, name).mark_point(shape="triangle-up", size=60, opacity=1, color=colour)
            layers.append(marks.encode(x=alt.X(f"{name}:Q"), y=y))
            entries.append((colour, name))
    legend = draft.legend([(colour, say.get(f"charts.strip.{key}")) for colour, key in entries], 6, 8)
    chart = alt.vconcat(
        sized(alt.layer(*layers), width=_wide() - theme.fit(60, 24), height=STRIP_STEP * len(drawn)),
        sized(legend, width=_wide() - theme.fit(60, 24), height=draft.legend_height()),
        spacing=6,
    )
    return draft.finish(chart, say.get("charts.strip.title"), found.headline)


def _strip_layers(draft: Draft, rows: list[Row], across: tuple[Any, Any], y: Any) -> list[Any]:
    """Return the ranges of past forecasts, their middles and what came."""
    base = draft.layer(rows, "forecasts")

    def x(field: str) -> alt.X:
        return alt.X(f"{field}:Q", scale=across[0], axis=across[1])

    return [
        base.mark_bar(height=4, color=theme.OPEN).encode(x=x("q05"), x2="q95:Q", y=y),
        base.mark_bar(height=12, color=theme.OPEN).encode(x=x("q10"), x2="q90:Q", y=y),
        base.mark_tick(color=theme.MOVED, thickness=2, size=14).encode(x="q50:Q", y=y),
        base.mark_point(filled=True, size=80, opacity=1, color=theme.INK).encode(x="came:Q", y=y),
    ]


# ---- Reliability: chance said against share won ------------------------------------------------------------

SIDE = 380
WHO_COLOURS = {"model": theme.MOVED, "crm_probability": theme.LOST, "weights": theme.SECOND}


def reliability_data(result: Reliability) -> list[Row]:
    """Return one row per source and bin: chance said, share won with its interval, and how many deals."""
    return [
        {"who": row.who, "said": row.said_rate, "won": row.won_rate, "lower": row.won_ci_lower,
         "upper": row.won_ci_upper, "deal_n": row.deal_n}
        for row in result.rows
    ]  # fmt: skip


def reliability_draw(result: Reliability, lang: str) -> Any:
    """Draw the diagram: on the line a chance is kept."""
    draft = Draft(result, lang)
    found, say = finding_of(result, lang), draft.say
    rows = [
        row | {"colour": WHO_COLOURS[row["who"]], "name": say.get(f"reliability.who.{row['who']}")}
        for row in reliability_data(result)
    ]
    if not rows:
        return draft.nothing(found.headline)
    most = min(1.0, 1.08 * max(max(row["upper"], row["said"]) for row in rows))
    scale = alt.Scale(domain=[0, most], nice=False)
    x = alt.X("said:Q", scale=scale, axis=share_axis(say, title=say.get("charts.reliability.x"), grid=False))
    y_axis = share_axis(say, title=say.say("charts.reliability.y", within_days=result.within_days), grid=True)

    def y(field: str) -> alt.Y:
        return alt.Y(f"{field}:Q", scale=scale, axis=y_axis)

    ideal = draft.layer([{"said": 0.0, "won": 0.0}, {"said": most, "won": most}], "ideal")
    base = draft.layer(rows, "bins")
    tips = [
        alt.Tooltip("name:N", title=say.field("who", "ReliabilityRow").label),
        alt.Tooltip("said:Q", format=".1%", title=say.get("charts.reliability.x")),
        alt.Tooltip("won:Q", format=".1%", title=say.field("won_rate", "ReliabilityRow").label),
        alt.Tooltip("deal_n:Q", format=",.0f", title=say.field("deal_n", "ReliabilityRow").label),
    ]
    chart = alt.layer(
        ideal.mark_line(color=theme.QUIET, strokeDash=[5, 4]).encode(x=x, y=y("won")),
        base.mark_rule(strokeWidth=1.6).encode(x=x, y=y("lower"), y2="upper:Q", color=own_colour()),
        base.mark_point(filled=True, opacity=1, size=90, stroke=theme.PAPER).encode(
            x=x, y=y("won"), color=own_colour(), tooltip=tips
        ),
    )
    entries = [(WHO_COLOURS[row.who], say.get(f"reliability.who.{row.who}")) for row in result.scores]
    whole = alt.vconcat(
        sized(chart, width=theme.fit(SIDE, 256), height=theme.fit(SIDE, 256)),
        sized(draft.legend(entries, 6, 8), width=theme.fit(SIDE, 256), height=draft.legend_height()),
        spacing=6,
    )
    return draft.finish(whole, found.headline, found.detail)


# ---- Waterfall: from the open pipeline of one day to that of another ---------------------------------------

BAR_COLOURS = {"opening": theme.QUIET, "closing": theme.QUIET, "won": theme.MOVED}


def waterfall_data(result: Waterfall) -> list[Row]:
    """Return one row per bar: from, to, deals; opening and closing stand on 0."""
    level, rows = 0.0, []
    for row in result.rows:
        if row.by or not (row.deal_n or row.bar in ("opening", "closing")):
            continue
        ends = (0.0, row.net_amount) if row.bar in ("opening", "closing") else (level, level + row.net_amount)
        level = ends[1]
        rows.append(
            {"bar": row.bar, "start": ends[0], "end": ends[1], "deal_n": row.deal_n, "net": row.net_amount}
        )
    return rows


def waterfall_draw(result: Waterfall, lang: str) -> Any:
    """Draw the waterfall."""
    draft = Draft(result, lang)
    found, say, rows = finding_of(result, lang), draft.say, waterfall_data(result)
    size, unit = _scale(draft, max((max(abs(row["start"]), abs(row["end"])) for row in rows), default=1.0))
    drawn = [
        {
            "name": say.get(f"waterfall.bars.{row['bar']}"),
            "start": row["start"] / size, "end": row["end"] / size,
            "top": max(row["start"], row["end"]) / size,
            "colour": BAR_COLOURS.get(row["bar"], theme.OPEN if row["net"] >= 0 else theme.LOST),
            "label": format(row["net"] / size, ",.2f" if row["bar"] in ("opening", "closing") else "+,.2f"),
            "deals": say.numbers.count(row["deal_n"]),
        }
        for row in rows
    ]  # fmt: skip
    names, narrow = [row["name"] for row in drawn], theme.fit(False, True)
    x = alt.X(
        "name:N", sort=names, axis=alt.Axis(title=None, labelAngle=0, labelLimit=90, labelOverlap=False)
    )
    y = alt.Y(
        "start:Q", axis=alt.Axis(title=_titled(draft, "charts.waterfall.y", unit)), scale=alt.Scale(nice=True)
    )
    base = draft.layer(drawn, "bars")
    tips = [
        alt.Tooltip("name:N", title=say.field("bar", "WaterfallRow").label),
        alt.Tooltip("label:N", title=say.field("net_amount", "WaterfallRow").label),
        alt.Tooltip("deals:N", title=say.field("deal_n", "WaterfallRow").label),
    ]  # fmt: skip
    if narrow:
        lying = _lying_bars(draft, base, names, (unit, tips))
        return draft.finish(sized(lying, width=306, height=44 * len(drawn)), found.headline, found.detail)
    chart = alt.layer(
        base.mark_bar(size=34).encode(x=x, y=y, y2="end:Q", color=own_colour(), tooltip=tips),
        base.mark_text(dy=-8, fontSize=theme.SMALL_SIZE).encode(x=x, y="top:Q", text="label:N"),
    )
    return draft.finish(
        sized(chart, width=max(420, 74 * len(drawn)), height=300), found.headline, found.detail
    )


def _lying_bars(draft: Draft, base: alt.Chart, names: list[str], more: tuple[str, list[alt.Tooltip]]) -> Any:
    """Draw the bars lying under each other, their names above them."""
    unit, tips = more
    line = alt.Y("name:N", sort=names, axis=None)
    across = alt.X("start:Q", axis=alt.Axis(title=_titled(draft, "charts.waterfall.y", unit), tickCount=4))
    words = base.mark_text(align="left", baseline="bottom", dy=-10)
    figures = base.mark_text(align="right", baseline="bottom", dy=-10)
    return alt.layer(
        base.mark_bar(size=14).encode(x=across, y=line, x2="end:Q", color=own_colour(), tooltip=tips),
        words.encode(x=alt.value(0), y=line, text="name:N"),
        figures.encode(x=alt.value(306), y=line, text="label:N"),
    )
