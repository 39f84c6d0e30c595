"""Days by which equal shares have ended: observed against fitted; on the diagonal where the distribution is right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt

from funnelnb.core.check import TOO_FEW_N
from funnelnb.show import theme
from funnelnb.show.charts.distribution_parts import pictures
from funnelnb.show.charts.parts import Draft, day_ticks
from funnelnb.show.views.distribution import trust_words
from funnelnb.show.views.fitted import family_words

if TYPE_CHECKING:
    from funnelnb.analysis.distribution import Distribution
    from funnelnb.analysis.distribution_rows import QuantilePairs
    from funnelnb.show.charts.parts import Row

WIDER = 1.1
"""The axis of fitted days reaches so much beyond the longest observed ones."""


def data(result: Distribution) -> list[Row]:
    """Return one row per group and share that has ended."""
    return [
        {"group": one.group, "share": share, "observed": observed, "fitted": fitted,
         "trusted": bool(observed <= one.trusted_days)}
        for one in result.pairs
        for share, observed, fitted in zip(
            one.ended_share.tolist(), one.observed_days.tolist(), one.fitted_days.tolist(), strict=True
        )
    ]  # fmt: skip


def draw(result: Distribution, lang: str) -> Any:
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
    if any(not row["trusted"] for row in data(result)):
        pale = say.say("charts.distribution.pale", too_few_n=TOO_FEW_N)
    across = say.get("charts.distribution.across_pairs")
    return pictures(draft, result.pairs, _panel, key, more, pale, across=across)


def _panel(draft: Draft, pairs: QuantilePairs, size: tuple[int, int], small: bool) -> list[Any]:
    say, result = draft.say, draft.result
    rows = [row for row in data(result) if row["group"] == pairs.group]
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
