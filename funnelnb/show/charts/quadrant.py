"""The quadrant: every open deal by time to close and size, with the lines that part the four classes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import altair as alt

from funnelnb.show import theme
from funnelnb.show.charts.parts import Draft, text
from funnelnb.show.names import stage_name
from funnelnb.show.table import facts

if TYPE_CHECKING:
    from funnelnb.analysis.quadrant import Quadrant
    from funnelnb.show.charts.parts import Row

WIDTH, HEIGHT = 720, 400
MARKS = {
    "A": (theme.LOST, "diamond"),
    "B": (theme.SECOND, "triangle-up"),
    "C": (theme.MOVED, "circle"),
    "D": (theme.LEFT, "square"),
}

_AMOUNT_LABEL = {
    "en": "format(datum.value, '~s')",
    "zh": "datum.value >= 10000 ? format(datum.value / 10000, ',') + ' 万' : format(datum.value, ',')",
}


def data(result: Quadrant) -> list[Row]:
    """Return one row per deal whose size and time to close are known."""
    return [
        {
            "opportunity_id": deal.opportunity_id,
            "owner": deal.owner,
            "stage": deal.stage,
            "amount": deal.deal_amount,
            "days_to_close": deal.days_to_close,
            "won_by_rate": deal.won_by_rate,
            "quadrant": deal.quadrant,
        }
        for deal in result.deals
        if deal.quadrant in MARKS and deal.deal_amount > 0 and not math.isnan(deal.days_to_close)
    ]


def draw(result: Quadrant, lang: str) -> Any:
    """Draw the quadrant."""
    draft = Draft(result, lang)
    rows, say = data(result), draft.say
    if not rows:
        return draft.nothing(say.get("quadrant.nothing"))
    longest = max(*(row["days_to_close"] for row in rows), result.soon_days) * 1.04
    low = min(*(row["amount"] for row in rows), result.large_amount) / 1.3
    high = max(*(row["amount"] for row in rows), result.large_amount) * 2.2
    x = alt.X(
        "days_to_close:Q",
        scale=alt.Scale(domain=[0, longest], nice=False),
        axis=alt.Axis(title=say.get("charts.quadrant.x"), grid=False, tickCount=9),
    )
    y = alt.Y(
        "amount:Q",
        scale=alt.Scale(domain=[low, high], type="log", nice=False),
        axis=alt.Axis(
            title=_y_title(result, say),
            grid=False,
            labelExpr=_AMOUNT_LABEL[lang],
            tickCount=6,
        ),
    )
    across = WIDTH * result.soon_days / longest
    down = HEIGHT * (1 - math.log(result.large_amount / low) / math.log(high / low))
    layers = [
        *_lines(draft, across, down),
        _points(draft, rows, x, y),
        draft.texts(_corners(draft, across), "corners"),
    ]
    title = say.say("charts.quadrant.title", large_n=result.rows[0].deal_n, **_named(result, say))
    more = sum(deal.quadrant == "unknown" for deal in result.deals)
    under = say.say("charts.quadrant.unknown", unknown_n=more) if more else ""
    return draft.finish(alt.layer(*layers).properties(width=WIDTH, height=HEIGHT), title, under)


def _named(result: Quadrant, say: Any) -> dict[str, Any]:
    return facts(result, say) | {
        "amount": say.numbers.amount(result.rows[0].open_amount, result.currency),
        "large": say.numbers.amount(result.large_amount, result.currency),
    }


def _y_title(result: Quadrant, say: Any) -> str:
    label = say.get("charts.quadrant.y")
    unit = say.numbers.currencies.get(result.currency, result.currency)
    return str(say.say("language.bracket", label=label, unit=unit)) if unit else label


def _lines(draft: Draft, across: float, down: float) -> list[Any]:
    base = draft.layer(
        [{"x": across, "x2": across, "y": 0, "y2": HEIGHT}, {"x": 0, "x2": WIDTH, "y": down, "y2": down}],
        "lines",
    )
    return [
        base.mark_rule(color=theme.QUIET, strokeDash=[5, 4]).encode(
            x=alt.X("x:Q", scale=None, axis=None),
            x2="x2:Q",
            y=alt.Y("y:Q", scale=None, axis=None),
            y2="y2:Q",
        )
    ]


def _points(draft: Draft, rows: list[Row], x: Any, y: Any) -> Any:
    say, result = draft.say, draft.result
    named = {name: say.say("charts.quadrant.class", quadrant=name) for name in MARKS}
    shown = [
        row | {"class": named[row["quadrant"]], "stage_words": stage_name(result, row["stage"], say)}
        for row in rows
    ]
    legend = alt.Legend(title=None, orient="top", direction="horizontal", symbolSize=80, offset=4)
    return (
        draft.layer(shown, "deals")
        .mark_point(filled=True, size=42, opacity=0.75, stroke=theme.PAPER, strokeWidth=0.5)
        .encode(
            x=x,
            y=y,
            color=alt.Color(
                "class:N",
                scale=alt.Scale(domain=list(named.values()), range=[one for one, _ in MARKS.values()]),
                legend=legend,
            ),
            shape=alt.Shape(
                "class:N",
                scale=alt.Scale(domain=list(named.values()), range=[one for _, one in MARKS.values()]),
                legend=legend,
            ),
            tooltip=[
                alt.Tooltip("opportunity_id:N", title=say.field("opportunity_id", "QuadrantDeal").label),
                alt.Tooltip("owner:N", title=say.field("owner", "QuadrantDeal").label),
                alt.Tooltip("stage_words:N", title=say.field("stage", "QuadrantDeal").label),
                alt.Tooltip("amount:Q", format=",", title=say.field("deal_amount", "QuadrantDeal").label),
                alt.Tooltip(
                    "days_to_close:Q", format=".0f", title=say.field("days_to_close", "QuadrantDeal").label
                ),
            ],
        )
    )


def _corners(draft: Draft, across: float) -> list[Row]:
    """Return number and money of each class, in its corner."""
    say, result = draft.say, draft.result
    places = {"A": (8, 14), "B": (8, HEIGHT - 12), "C": (across + 8, 14), "D": (across + 8, HEIGHT - 12)}
    rows = {row.quadrant: row for row in result.rows}
    return [
        text(
            *place,
            say.say(
                "charts.quadrant.corner",
                quadrant=name,
                deal_n=rows[name].deal_n,
                amount=say.numbers.amount(rows[name].open_amount, result.currency),
            ),
            weight="bold",
        )
        for name, place in places.items()
    ]
