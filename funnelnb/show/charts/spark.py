"""Spark: a picture the height of a line, for an index of many reports.

Of a conversion it shows won, open and lost by age; of cohorts the rate of the periods that have had their
time. It carries no words, so the number must stand beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt

from funnelnb.show.charts import cohorts, outcome, theme
from funnelnb.show.charts.parts import Draft

if TYPE_CHECKING:
    from funnelnb.show.charts.parts import Row


WIDTH, HEIGHT = 120, 28
_AGES_MOST = 40


def spark_data(result: Any) -> list[Row]:
    """Return the rows that are drawn: days of the first group's curve up to trust, or mature periods."""
    if hasattr(result, "curves"):
        first = result.curves[0].group if result.curves else ()
        rows = [row for row in outcome.outcome_data(result) if row["group"] == first and row["trusted"]]
        step = max(1, -(-len(rows) // _AGES_MOST))
        return [*rows[:-1:step], *rows[-1:]]
    return [row for row in cohorts.trend_data(result) if row["kind"] == "mature"]


def spark_draw(result: Any, lang: str) -> Any:
    """Draw the spark; empty where there is nothing that can be trusted."""
    draft = Draft(result, lang)
    rows = spark_data(result)
    curve = hasattr(result, "curves")
    made = _nothing(draft) if len(rows) < 2 else _outcome(draft, rows) if curve else _trend(draft, rows)
    key = "charts.spark.alt_outcome" if curve else "charts.spark.alt_trend"
    size = {"width": WIDTH, "height": HEIGHT, "config": {"padding": 1}}
    return draft.complete(made, description=draft.say.get(key), **size)


def _nothing(draft: Draft) -> Any:
    return draft.layer([{}], "nothing").mark_point(opacity=0).encode(x=alt.value(0), y=alt.value(0))


def _outcome(draft: Draft, rows: list[Row]) -> Any:
    drawn = [row | {"top": row["won_rate"] + row["open_rate"], "zero": 0.0, "one": 1.0} for row in rows]
    base = draft.layer(drawn, "days")
    x = alt.X("day:Q", axis=None, scale=alt.Scale(nice=False, zero=False))

    def y(field: str) -> alt.Y:
        return alt.Y(f"{field}:Q", axis=None, scale=alt.Scale(domain=[0, 1], nice=False))

    step = {"interpolate": "step-after"}
    return alt.layer(
        base.mark_area(**step, color=theme.LOST, opacity=0.9).encode(x=x, y=y("top"), y2="one:Q"),
        base.mark_area(**step, color=theme.OPEN).encode(x=x, y=y("won_rate"), y2="top:Q"),
        base.mark_area(**step, color=theme.MOVED).encode(x=x, y=y("zero"), y2="won_rate:Q"),
    )


def _trend(draft: Draft, rows: list[Row]) -> Any:
    base = draft.layer(rows, "cohorts")
    high = max(row["won_rate"] for row in rows) or 1.0
    x = alt.X("cohort:O", sort=None, axis=None)
    y = alt.Y("won_rate:Q", axis=None, scale=alt.Scale(domain=[0, high * 1.1], nice=False))
    last = draft.layer(rows[-1:], "last")
    return alt.layer(
        base.mark_line(color=theme.MOVED, strokeWidth=1.5).encode(x=x, y=y),
        last.mark_point(filled=True, size=26, color=theme.MOVED, opacity=1).encode(x=x, y=y),
    )
