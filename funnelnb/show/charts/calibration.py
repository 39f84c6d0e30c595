"""Calibration: of deals that got a chance of p, did a share p come true? Points on the line are honest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt

from funnelnb.show.charts import theme
from funnelnb.show.charts.parts import Draft, share_axis

if TYPE_CHECKING:
    from funnelnb.analysis.priority.propensity import Propensity
    from funnelnb.show.charts.parts import Row
    from funnelnb.show.text.words import Words


SIDE = 400


def calibration_data(result: Propensity) -> list[Row]:
    """Return one row per bin: forecast, what came true with its interval, and how many deals."""
    return [
        {
            "forecast_rate": row.forecast_rate,
            "observed_rate": row.observed_rate,
            "lower": row.observed_ci_lower,
            "upper": row.observed_ci_upper,
            "case_n": row.case_n,
            "enough": row.enough,
        }
        for row in result.bins
    ]


def calibration_draw(result: Propensity, lang: str) -> Any:
    """Draw the calibration of the tested model."""
    draft = Draft(result, lang)
    say, rows = draft.say, calibration_data(result)
    if not rows:
        return draft.nothing(say.get("charts.calibration.untested"))
    most = min(1.0, max(max(row["upper"], row["forecast_rate"]) for row in rows) * 1.08)
    scale = alt.Scale(domain=[0, most], nice=False)
    x = alt.X(
        "forecast_rate:Q",
        scale=scale,
        axis=share_axis(say, title=say.get("charts.calibration.x"), grid=False),
    )
    y_axis = share_axis(
        say, title=say.say("charts.calibration.y", horizon_days=result.horizon_days), grid=True
    )

    def y(field: str) -> alt.Y:
        return alt.Y(f"{field}:Q", scale=scale, axis=y_axis)

    diagonal = (
        draft.layer([{"forecast_rate": 0.0, "ideal": 0.0}, {"forecast_rate": most, "ideal": most}], "ideal")
        .mark_line(color=theme.QUIET, strokeDash=[5, 4])
        .encode(x=x, y=y("ideal"))
    )
    base = draft.layer([row | {"base_rate": result.base_rate} for row in rows], "bins")
    spans = base.mark_rule(color=theme.MOVED, strokeWidth=1.6).encode(x=x, y=y("lower"), y2="upper:Q")
    points = base.mark_point(filled=True, opacity=1, color=theme.MOVED, size=90, stroke=theme.PAPER).encode(
        x=x,
        y=y("observed_rate"),
        tooltip=_tips(say),
    )
    words_of = say.say("charts.calibration.base", base_rate=result.base_rate)
    rule = draft.layer([{"base_rate": result.base_rate, "label": words_of}], "base")
    level = rule.mark_rule(color=theme.SECOND, strokeWidth=1.4).encode(y=y("base_rate"))
    words = rule.mark_text(align="right", dy=-7, color=theme.QUIET, fontSize=theme.SMALL_SIZE).encode(
        x=alt.value(theme.fit(SIDE, 250) - 4), y=y("base_rate"), text="label:N"
    )
    title = say.get(f"charts.calibration.{result.verdict}")
    under = say.say("charts.calibration.under", test_n=result.test_n, split_at=result.split_at)
    side = theme.fit(SIDE, 250)
    chart = alt.layer(level, diagonal, spans, points, words).properties(width=side, height=side)
    return draft.finish(chart, title, under)


def _tips(say: Words) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("forecast_rate:Q", format=".1%", title=say.get("charts.calibration.x")),
        alt.Tooltip("observed_rate:Q", format=".1%", title=say.get("charts.calibration.observed")),
        alt.Tooltip("case_n:Q", format=",.0f", title=say.get("charts.forest.number")),
    ]
