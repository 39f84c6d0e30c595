"""How forecasts are shown, their record, the waterfall, and how chances and dates were kept; and what they say."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from funnelnb.show.tables.table import CUSTOMER, Column, Table
from funnelnb.show.text.words import stage_name
from funnelnb.show.views.registry import Finding, View, name_some, rate_of
from funnelnb.show.views.rounding import rounded, row_step, summed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.analysis.forecast.forecast import Forecast, ForecastRow
    from funnelnb.analysis.forecast.moved import Waterfall
    from funnelnb.analysis.forecast.pipeline import PipelineCoverage, Velocity
    from funnelnb.analysis.forecast.promised import Promised
    from funnelnb.analysis.forecast.reliability import Reliability
    from funnelnb.analysis.forecast.scorecard import Record, Scorecard
    from funnelnb.show.text.words import Words


def _said(parts: Sequence[str], say: Words) -> str:
    return say.get("language.sentence").join(part for part in parts if part)


def _bias(value: float, say: Words) -> str:
    return say.numbers.percent(abs(value))


# ---- The forecast ------------------------------------------------------------------------------------------


def _grouped(result: Any, _: Sequence[Any]) -> bool:
    return bool(result.by)


def _several(result: Any, _: Sequence[Any]) -> bool:
    return len(result.periods) > 1


def _priced(result: Any, _: Sequence[Any]) -> bool:
    return bool(result.priced)


def _unpriced(result: Any, _: Sequence[Any]) -> bool:
    return not result.priced


def _aimed(result: Any, rows: Sequence[Any]) -> bool:
    return result.priced and any(not math.isnan(row.target_amount) for row in rows)


def _remembered(_: Any, rows: Sequence[Any]) -> bool:
    return any(row.past_n for row in rows)


FORECAST_ROWS = Table(
    name="forecast",
    rows=lambda result: result.rows,
    stub=2,
    strong=lambda row: not row.group,
    columns=(
        Column(field="period", keep=_several),
        Column(field="group", keep=_grouped),
        *(
            Column(field=f"{name}_amount", keep=_priced)
            for name in ("won", "open", "new", "expected", "q10", "q25", "q50", "q75", "q90")
        ),
        *(
            Column(field=f"{name}_n", keep=_unpriced)
            for name in ("won", "open", "new", "expected", "q10", "q50", "q90")
        ),
        Column(field="target_amount", keep=_aimed),
        Column(field="chance_rate", keep=_aimed),
    ),
)
MOST_SHOWN = 10
FORECAST_DEALS = Table(
    name="forecast_deals",
    rows=lambda result: result.deals[:MOST_SHOWN],
    shown=lambda result: bool(result.deals) and result.priced,
    columns=(
        CUSTOMER,
        Column(field="opportunity_id"),
        Column(field="stage", cell=lambda result, row, say: stage_name(result, row.stage, say)),
        Column(field="chance_rate"),
        Column(field="deal_amount"),
        Column(field="expected_amount"),
    ),
)
FORECAST_CATEGORIES = Table(
    name="forecast_categories",
    rows=lambda result: result.categories,
    shown=lambda result: bool(result.categories),
    columns=(
        *(
            Column(field=name)
            for name in ("category", "deal_n", "open_amount", "expected_amount", "worth_share")
        ),
        Column(field="past_n", keep=_remembered),
        Column(
            field="past_won_rate",
            lower="past_won_ci_lower",
            upper="past_won_ci_upper",
            always=True,
            keep=_remembered,
        ),
        Column(field="past_share", keep=_remembered),
    ),
)
FORECAST_FAN = Table(
    name="forecast_fan",
    rows=lambda result: result.fan,
    shown=lambda _: False,
    columns=tuple(
        Column(field=name) for name in ("day", "q10_amount", "q50_amount", "q90_amount", "came_amount")
    ),
)


def forecast_finding(result: Forecast, say: Words) -> Finding:
    """Say where the period lands, of what it is made, how likely the target is, and how good such forecasts were."""
    whole, money = result.whole, say.numbers.amount
    values = {"period": whole.period}
    parts = []
    if result.priced:
        values |= {name: money(value, result.currency) for name, value in written_amounts(whole).items()}
        headline = say.say("forecast.headline", **values)
        parts.append(say.say("forecast.parts" if whole.won_amount > 0 else "forecast.parts_ahead", **values))
    else:
        headline = say.say(
            "forecast.headline_n", period=whole.period, expected_n=round(whole.expected_n),
            low_n=round(whole.q10_n), high_n=round(whole.q90_n),
        )  # fmt: skip
    if not math.isnan(result.came_amount):
        parts.append(say.say("forecast.came", came=money(result.came_amount, result.currency)))
    if result.priced and not math.isnan(whole.target_amount):
        parts.append(
            say.say("forecast.target", target=money(whole.target_amount, result.currency),
                    chance=say.numbers.percent(whole.chance_rate))
        )  # fmt: skip
    parts += record_parts(result.record, say)
    return Finding(headline=headline, detail=_said(parts, say), unsaid=say.get("forecast.unsaid"))


def written_amounts(row: ForecastRow) -> dict[str, float]:
    """Return the amounts of a forecast as sentences write them: no more exact than its range, parts adding up."""
    step = row_step(row)
    expected, opened, new = summed(
        row.expected_amount, row.won_amount, row.open_amount, row.new_amount, step=step
    )
    return {
        "expected": expected, "won": row.won_amount, "open": opened, "new": new,
        "low": rounded(row.q10_amount, step), "high": rounded(row.q90_amount, step),
    }  # fmt: skip


def record_parts(record: Record | None, say: Words) -> list[str]:
    """Return the sentences on how good past forecasts of this kind were."""
    if record is None or record.n < 2:
        return []
    periods = say.say(f"forecast.counted.{record.kind}", periods_n=record.n)
    parts = [say.say("forecast.record", inside_80_n=record.inside_80_n, periods=periods)]
    if record.rival and not math.isnan(record.rival_bias_share):
        side = "rival_high" if record.rival_bias_share >= 0 else "rival_low"
        parts.append(
            say.say(f"forecast.{side}", rival=say.get(f"forecast.rivals.{record.rival}"),
                    bias=_bias(record.rival_bias_share, say))
        )  # fmt: skip
    if abs(record.width_factor - 1) >= 0.05:
        side = "widened" if record.width_factor > 1 else "narrowed"
        parts.append(say.say(f"forecast.{side}", width_factor=say.numbers.factor(record.width_factor)))
    return parts


FORECAST_VIEW = View(
    tables=(FORECAST_ROWS, FORECAST_CATEGORIES, FORECAST_DEALS, FORECAST_FAN),
    finding=forecast_finding,
    charts={"fan": "forecast.fan", "landing": "forecast.landing", "strip": "forecast.strip"},
)


# ---- The scorecard -----------------------------------------------------------------------------------------


def _signed(field: str) -> Any:
    return lambda _, row, say: (
        say.get("language.none")
        if math.isnan(getattr(row, field))
        else f"{'+' if getattr(row, field) >= 0 else '−'}{_bias(getattr(row, field), say)}"
    )


def _several_leads(result: Any, _: Sequence[Any]) -> bool:
    return len(result.leads) > 1


SCORE_LEADS = Table(
    name="scorecard_leads",
    rows=lambda result: result.leads,
    columns=(
        Column(field="lead_days"),
        Column(field="period_n"),
        Column(field="inside_50_rate"),
        Column(field="inside_80_rate", lower="inside_80_ci_lower", upper="inside_80_ci_upper", always=True),
        Column(field="inside_90_rate"),
        Column(field="bias_share", cell=_signed("bias_share")),
        Column(field="sharpness_share"),
        Column(field="crps_amount"),
        Column(field="width_factor"),
    ),
)
SCORE_RIVALS = Table(
    name="scorecard_rivals",
    rows=lambda result: result.rivals,
    shown=lambda result: bool(result.rivals),
    stub=2,
    columns=(
        Column(field="rival", cell=lambda _, row, say: say.get(f"forecast.rivals.{row.rival}")),
        Column(field="lead_days", keep=_several_leads),
        Column(field="period_n"),
        Column(field="bias_share", cell=_signed("bias_share")),
        Column(field="crps_amount"),
        Column(field="rival_crps_amount"),
        Column(field="gain_amount"),
        Column(field="gain_ci_lower"),
        Column(field="gain_ci_upper"),
        Column(field="verdict", cell=lambda _, row, say: say.get(f"forecast.verdicts.{row.verdict}")),
    ),
)
SCORE_ROWS = Table(
    name="scorecard",
    rows=lambda result: result.rows,
    shown=lambda _: False,
    stub=2,
    columns=tuple(
        Column(field=name)
        for name in (
            "period",
            "lead_days",
            "made_on",
            "came_amount",
            "q10_amount",
            "q50_amount",
            "q90_amount",
            "crps_amount",
        )
    ),
)


def scorecard_finding(result: Scorecard, say: Words) -> Finding:
    """Say how often what came lay in the range, how far off forecasts were, and whether others were better."""
    known = [row for row in result.leads if row.period_n]
    best = min(known, key=lambda row: abs(row.lead_days))
    headline = say.say(
        "scorecard.headline",
        hits_n=round(best.inside_80_rate * best.period_n),
        periods=say.say(f"forecast.counted.{result.kind}", periods_n=best.period_n),
        rate=rate_of(best, "inside_80", say),
    )
    parts = []
    if not math.isnan(best.bias_share):
        side = "bias" if best.bias_share >= 0 else "bias_low"
        parts.append(say.say(f"scorecard.{side}", bias=_bias(best.bias_share, say)))
    parts += [_rival(result, row, say) for row in result.rivals if row.lead_days == best.lead_days][:3]
    unsaid = say.say("scorecard.unsaid", kind=say.get(f"forecast.kinds.{result.kind}"))
    return Finding(headline=headline, detail=_said(parts, say), unsaid=unsaid)


def _rival(result: Scorecard, row: Any, say: Words) -> str:
    rival = _lower(say.get(f"forecast.rivals.{row.rival}"))
    verdict = say.get(f"forecast.verdicts.{row.verdict}")
    if math.isnan(row.bias_share):
        return say.say("scorecard.rival_bare", rival=rival, verdict=verdict)
    return say.say(
        "scorecard.rival", rival=rival, bias=_signed("bias_share")(result, row, say), verdict=verdict
    )


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


SCORECARD_VIEW = View(
    tables=(SCORE_LEADS, SCORE_RIVALS, SCORE_ROWS),
    finding=scorecard_finding,
    charts={"strip": "forecast.strip"},
)


# ---- The waterfall -----------------------------------------------------------------------------------------


def _bar(_: Any, row: Any, say: Words) -> str:
    return say.get(f"waterfall.bars.{row.bar}")


WATERFALL_ROWS = Table(
    name="waterfall",
    rows=lambda result: [
        row for row in result.rows if not row.by and (row.deal_n or row.bar in ("opening", "closing"))
    ],
    strong=lambda row: row.bar in ("opening", "closing"),
    columns=(
        Column(field="bar", cell=_bar),
        *(Column(field=name) for name in ("deal_n", "net_n", "net_amount")),
    ),
)
WATERFALL_GROUPS = Table(
    name="waterfall_groups",
    rows=lambda result: [row for row in result.rows if row.by],
    shown=lambda _: False,
    stub=3,
    columns=(
        Column(field="by", cell=lambda _, row, say: say.attribute(row.by)),
        Column(field="group"),
        Column(field="bar", cell=_bar),
        *(Column(field=name) for name in ("deal_n", "net_n", "net_amount")),
    ),
)
WATERFALL_DATES = Table(
    name="waterfall_dates",
    rows=lambda result: result.dates,
    shown=lambda result: bool(result.dates),
    columns=(
        Column(field="direction", cell=lambda _, row, say: say.get(f"waterfall.directions.{row.direction}")),
        *(Column(field=name) for name in ("deal_n", "moved_amount", "median_days")),
    ),
)


def waterfall_finding(result: Waterfall, say: Words) -> Finding:
    """Say from which amount to which the pipeline went, and by what most."""

    def money(bar: str) -> str:
        return say.numbers.amount(abs(result.bar(bar).net_amount), result.currency)

    opening, closing = result.bar("opening"), result.bar("closing")
    headline = say.say(
        "waterfall.headline", opening=money("opening"), closing=money("closing"),
        opening_n=opening.deal_n, closing_n=closing.deal_n,
    )  # fmt: skip
    parts = [say.say(
        "waterfall.detail", new_n=result.bar("new").deal_n, new=money("new"), won=money("won"), lost=money("lost")
    )]  # fmt: skip
    later = [row for row in result.dates if row.direction == "later"]
    if later:
        parts.append(say.say(
            "waterfall.later", later_n=later[0].deal_n, median_days=say.numbers.days(later[0].median_days)
        ))  # fmt: skip
    return Finding(headline=headline, detail=_said(parts, say), unsaid=say.get("waterfall.unsaid"))


WATERFALL_VIEW = View(
    tables=(WATERFALL_ROWS, WATERFALL_DATES, WATERFALL_GROUPS),
    finding=waterfall_finding,
    charts={"waterfall": "forecast.waterfall"},
)


# ---- Chances, dates, coverage, velocity --------------------------------------------------------------------


def _who(_: Any, row: Any, say: Words) -> str:
    return say.get(f"reliability.who.{row.who}")


RELIABILITY_SCORES = Table(
    name="reliability_scores",
    rows=lambda result: result.scores,
    columns=(
        Column(field="who", cell=_who),
        *(Column(field=name) for name in ("deal_n", "said_n", "won_n", "brier", "error_rate")),
    ),
)
RELIABILITY_ROWS = Table(
    name="reliability",
    rows=lambda result: result.rows,
    columns=(
        Column(field="who", cell=_who),
        Column(field="deal_n"),
        Column(field="said_rate"),
        Column(field="won_rate", lower="won_ci_lower", upper="won_ci_upper", always=True),
        Column(field="verdict", cell=lambda _, row, say: say.get(f"reliability.verdicts.{row.verdict}")),
    ),
)


def _to_days(_: Any, row: Any, say: Words) -> str:
    return say.get("language.none") if math.isinf(row.to_days) else say.numbers.bare_days(row.to_days)


RELIABILITY_STAGES = Table(
    name="reliability_stages",
    rows=lambda result: result.stages,
    stub=3,
    columns=(
        Column(field="stage", cell=lambda result, row, say: stage_name(result, row.stage, say)),
        Column(field="from_days"),
        Column(field="to_days", cell=_to_days),
        Column(field="deal_n"),
        Column(field="said_rate"),
        Column(field="won_rate", lower="won_ci_lower", upper="won_ci_upper"),
        Column(
            field="weight_rate", keep=lambda _, rows: any(not math.isnan(row.weight_rate) for row in rows)
        ),
    ),
)


def reliability_finding(result: Reliability, say: Words) -> Finding:
    """Say how many wins the model said and how many came, and the same of the others."""
    if not result.scores:
        return Finding(headline=say.get("reliability.none"), detail="", unsaid="")

    def values(row: Any) -> dict[str, Any]:
        return {
            "said_n": round(row.said_n),
            "won_n": round(row.won_n),
            "error": say.numbers.distance(row.error_rate),
        }

    parts = [
        say.say("reliability.other", who=say.get(f"reliability.who.{row.who}"), **values(row))
        for row in result.scores
        if row.who != "model"
    ]
    return Finding(
        headline=say.say("reliability.headline", **values(result.scores[0])),
        detail=_said(parts, say),
        unsaid=say.get("reliability.unsaid"),
    )


RELIABILITY_VIEW = View(
    tables=(RELIABILITY_ROWS, RELIABILITY_SCORES, RELIABILITY_STAGES),
    finding=reliability_finding,
    charts={"reliability": "forecast.reliability"},
)


def _days(field: str) -> Any:
    return lambda _, row, say: (
        say.get("language.none")
        if not math.isfinite(getattr(row, field))
        else say.numbers.bare_days(getattr(row, field))
    )


def _verdict(_: Any, row: Any, say: Words) -> str:
    return say.get(f"promised.verdicts.{row.verdict}") if row.group else ""


PROMISED_ROWS = Table(
    name="promised",
    rows=lambda result: result.rows,
    strong=lambda row: not row.group,
    columns=(
        Column(field="group"),
        Column(field="deal_n"),
        Column(field="closed_n"),
        Column(field="on_time_rate", lower="on_time_ci_lower", upper="on_time_ci_upper", always=True),
        Column(field="late_days", cell=_days("late_days")),
        Column(field="pushed_mean_n"),
        Column(field="own_late_days", cell=_days("own_late_days")),
        Column(field="verdict", cell=_verdict),
    ),
)  # fmt: skip
PROMISED_AMOUNTS = Table(
    name="promised_amounts",
    rows=lambda result: result.amounts,
    shown=lambda result: bool(result.amounts),
    columns=tuple(
        Column(field=name)
        for name in ("deal_n", "same_rate", "q10_share", "q50_share", "q90_share", "whole_share")
    ),
)


def promised_finding(result: Promised, say: Words) -> Finding:
    """Say how late closes are, how often dates move, and who clearly differs."""
    whole, *owners = result.rows
    on_time = rate_of(whole, "on_time", say)
    if math.isfinite(whole.late_days):
        headline = say.say("promised.headline", late=say.numbers.days(whole.late_days), on_time=on_time)
    else:
        headline = say.say("promised.headline_open", on_time=on_time)
    parts = [say.say("promised.pushed", pushed=say.numbers.factor(whole.pushed_mean_n))]
    late = [say.group(row.group) for row in owners if row.verdict == "later"]
    if owners:
        parts.append(
            say.say("promised.later", names=name_some(late, say)) if late else say.get("promised.alike")
        )
    if result.amounts:
        parts.append(say.say("promised.amounts", share=say.numbers.percent(result.amounts[0].whole_share)))
    return Finding(headline=headline, detail=_said(parts, say), unsaid=say.get("promised.unsaid"))


PROMISED_VIEW = View(tables=(PROMISED_ROWS, PROMISED_AMOUNTS), finding=promised_finding, charts={})

COVERAGE_ROWS = Table(
    name="coverage",
    rows=lambda result: result.rows,
    columns=tuple(
        Column(field=name) for name in ("period", "made_on", "open_amount", "then_amount", "yield_share")
    ),
)


def coverage_finding(result: PipelineCoverage, say: Words) -> Finding:
    """Say how much open pipeline was enough, and how much there is."""
    factor, parts = say.numbers.factor, []
    if result.enough:
        headline = say.say(
            "coverage.headline", needed=factor(result.needed_share), periods_n=result.n,
            low=factor(result.needed_ci_lower), high=_open_end(result.needed_ci_upper, say),
        )  # fmt: skip
    else:
        headline = say.say("coverage.few", periods_n=result.n)
        if result.rows:
            found = sorted(row.yield_share for row in result.rows)
            parts.append(say.say(
                "coverage.yields", low=say.numbers.percent(found[0]), high=say.numbers.percent(found[-1])
            ))  # fmt: skip
    if not math.isnan(result.coverage_share):
        parts.append(say.say("coverage.now", share=factor(result.coverage_share)))
    return Finding(headline=headline, detail=_said(parts, say), unsaid=say.get("coverage.unsaid"))


def _open_end(value: float, say: Words) -> str:
    return "∞" if math.isinf(value) else say.numbers.factor(value)


COVERAGE_VIEW = View(tables=(COVERAGE_ROWS,), finding=coverage_finding, charts={})

VELOCITY_ROWS = Table(
    name="velocity",
    rows=lambda result: (result,),
    stub=0,
    columns=tuple(
        Column(field=name)
        for name in (
            "new_per_month_n", "chance_rate", "size_amount", "cycle_days", "flow_amount", "open_n",
            "velocity_amount", "naive_rate", "naive_days", "naive_amount",
        )
    ),
)  # fmt: skip


def velocity_finding(result: Velocity, say: Words) -> Finding:
    """Say what comes in a month, and what closed deals alone would say."""

    def money(value: float) -> str:
        return say.numbers.amount(value, result.currency)

    if math.isnan(result.chance_rate):
        few = say.say("velocity.headline_few", n=result.n)
        return Finding(headline=few, detail="", unsaid=say.get("velocity.unsaid"))
    priced = math.isfinite(result.size_amount)
    both = {"velocity": money(result.velocity_amount), "naive": money(result.naive_amount)}
    return Finding(
        headline=say.say(
            "velocity.headline" if priced else "velocity.headline_n", flow=money(result.flow_amount),
            new_per_month=say.numbers.tenths(round(result.new_per_month_n, 1))
            if result.new_per_month_n < 10
            else say.numbers.count(round(result.new_per_month_n)),
            chance=say.numbers.percent(result.chance_rate), size=money(result.size_amount),
        ),
        detail=say.say("velocity.detail", **both) if math.isfinite(result.naive_amount) else "",
        unsaid=say.get("velocity.unsaid"),
    )  # fmt: skip


VELOCITY_VIEW = View(tables=(VELOCITY_ROWS,), finding=velocity_finding, charts={})
