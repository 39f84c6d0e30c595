"""Share that has not ended, by age: observed with its band, the chosen distribution with its band, the runner-up.

The chosen line is broken where the distribution is not to be used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt
import numpy as np

from funnelnb.core.check import TOO_FEW_N
from funnelnb.show import theme
from funnelnb.show.charts.distribution_parts import beyond, pictures, row_of, stage_of
from funnelnb.show.charts.parts import Draft, day_ticks, share_axis
from funnelnb.show.views.distribution import trust_words
from funnelnb.show.views.fitted import family_words

if TYPE_CHECKING:
    from funnelnb.analysis.distribution import Distribution
    from funnelnb.analysis.distribution_rows import DistributionCurve
    from funnelnb.show.charts.parts import Row
    from funnelnb.show.words import Words

POINTS_MOST = 200
FIELDS = (
    "not_yet_rate", "not_yet_ci_lower", "not_yet_ci_upper", "fitted_rate", "fitted_ci_lower", "fitted_ci_upper",
    "runner_up_rate", "at_risk_n",
)  # fmt: skip


def data(result: Distribution) -> list[Row]:
    """Return one row per group and day: observed, fitted and runner-up."""
    rows = []
    for curve in result.curves:
        kept = np.unique(np.linspace(0, len(curve.days) - 1, POINTS_MOST).round().astype(int))
        for k in kept.tolist():
            row: Row = {"group": curve.group, "day": float(curve.days[k])}
            rows.append(row | {name: getattr(curve, name)[k].item() for name in FIELDS})
    return rows


def draw(result: Distribution, lang: str) -> Any:
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
    return pictures(draft, result.curves, _panel, _key(draft), more, across=across)


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


def _panel(draft: Draft, curve: DistributionCurve, size: tuple[int, int], small: bool) -> list[Any]:
    say, result = draft.say, draft.result
    rows = [row for row in data(result) if row["group"] == curve.group]
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
