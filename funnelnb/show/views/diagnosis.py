"""How symptoms, changes and their parts, verdicts and losses are shown, and what they say."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from funnelnb.show.tables.table import CUSTOMER, Column, Table
from funnelnb.show.text.words import stage_name
from funnelnb.show.views.registry import Finding, View, name_some

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.analysis.diagnosis.change import Change, ChangePart
    from funnelnb.analysis.diagnosis.drill import SymptomDetail
    from funnelnb.analysis.diagnosis.losses import LossRow, WhyLost
    from funnelnb.analysis.diagnosis.symptoms import RuleState, Symptom, Symptoms
    from funnelnb.analysis.diagnosis.verdict import Verdict
    from funnelnb.show.text.words import Words

COUNTED = ("few_opportunities", "thin_top", "few_quotations")
FACTORS = ("busy_few", "forecast_wrong")
"""Rules that measure a number, and a factor; `cost_rising` measures an amount, the others shares."""
LISTED = 20


# ---- Symptoms -----------------------------------------------------------------------------------------------


def who(group: tuple[str, ...], say: Words) -> str:
    """Return what a person, or everybody, is called at the head of a sentence."""
    return say.group(group) if group else say.get("symptoms.everybody")


def measured(row: Symptom, result: Any, say: Words, *, bare: bool = False) -> str:
    """Write what a rule measured, by its kind, with its interval unless `bare`."""
    values = (row.value, row.value_ci_lower, row.value_ci_upper)
    if row.rule in COUNTED:
        told = [say.numbers.count(one) for one in values]
    elif row.rule in FACTORS:
        told = [say.numbers.factor(one) for one in values]
    elif row.rule == "cost_rising":
        told = [say.numbers.amount(one, result.currency) for one in values]
    else:
        return say.numbers.percent(row.value) if bare else say.numbers.interval(*values)
    if bare or math.isnan(row.value_ci_lower):
        return told[0]
    return say.say("symptoms.between", value=told[0], lower=told[1], upper=told[2])


def compared(row: Symptom, result: Any, say: Words) -> str:
    """Write what a rule compares with."""
    if row.rule in COUNTED:
        return say.numbers.count(row.reference)
    if row.rule in FACTORS:
        return say.numbers.factor(row.reference)
    if row.rule == "cost_rising":
        return say.numbers.amount(row.reference, result.currency)
    return say.numbers.percent(row.reference)


def symptom_said(row: Symptom, result: Any, say: Words, window_days: float) -> str:
    """Say in one sentence what a symptom shows."""
    key = f"symptoms.said.{row.rule}"
    own = f"{key}_{row.against}"
    return say.say(
        own if row.against and say.find(own) else key,
        who=who(row.group, say),
        value=measured(row, result, say),
        reference=compared(row, result, say),
        n=say.numbers.count(row.n),
        second=say.numbers.count(row.second),
        stage=stage_name(result, row.stage, say) if row.stage else "",
        window=say.numbers.days(window_days),
    )


def window_of(result: Any, rule: str) -> float:
    """Return how many days a rule looks back."""
    return next((float(one.window_days) for one in result.rules if one.rule == rule), float("nan"))


def remedy_of(row: Symptom, say: Words) -> str:
    """Return what the stage model advises, else this package's own advice for the rule."""
    model = row.remedy_zh if say.lang == "zh" else row.remedy_en
    return model or say.get(f"symptoms.remedies.{row.rule}")


def alarms(result: Symptoms) -> list[Symptom]:
    """Return red and amber symptoms."""
    return [row for row in result.rows if row.state in ("red", "amber")]


def _said(result: Any, row: Any, say: Words) -> str:
    return symptom_said(row, result, say, window_of(result, row.rule))


SYMPTOMS = Table(
    name="symptoms",
    rows=alarms,
    stub=3,
    columns=(
        Column(field="state", cell=lambda _, row, say: say.get(f"symptoms.states.{row.state}")),
        Column(field="rule", cell=lambda _, row, say: say.get(f"symptoms.names.{row.rule}")),
        Column(field="group", cell=lambda _, row, say: who(row.group, say)),
        Column(field="value", head="evidence", cell=_said, prose=True),
        Column(field="deal_n", keep=lambda _, rows: any(row.deal_n for row in rows)),
        Column(field="stake_amount"),
        Column(field="confidence", cell=lambda _, row, say: say.get(f"symptoms.confidence.{row.confidence}")),
        Column(field="remedy_en", head="remedy", cell=lambda _, row, say: remedy_of(row, say), prose=True),
    ),
    shown=lambda result: bool(alarms(result)),
)


def _means(_: Any, row: RuleState, say: Words) -> str:
    return say.say(
        f"symptoms.means.{row.rule}",
        alarm=_bound(row, row.alarm, say),
        tolerated=_bound(row, row.tolerated, say),
        window=say.numbers.days(row.window_days),
    )


def _bound(row: RuleState, value: float, say: Words) -> str:
    """Write a threshold: a number where the rule counts, a factor where it compares, else a share."""
    plain = ("few_opportunities", "feast_and_famine", "bunching", "cost_rising", "forecast_wrong")
    return f"{value:g}" if row.rule in plain else say.numbers.level(value)


def _state(_: Any, row: RuleState, say: Words) -> str:
    if row.needs:
        return say.get(f"symptoms.needs.{row.needs}")
    return say.say("symptoms.judged", judged_n=row.judged_n, red_n=row.red_n, amber_n=row.amber_n)


RULES = Table(
    name="symptoms_rules",
    rows=lambda result: result.rules,
    columns=(
        Column(field="rule", cell=lambda _, row, say: say.get(f"symptoms.names.{row.rule}")),
        Column(field="alarm", head="means", cell=_means, prose=True),
        Column(field="needs", head="found", cell=_state, prose=True),
    ),
)
ALL = Table(name="symptoms_all", rows=lambda result: result.rows, columns=(), shown=lambda _: False)
DEALS = Table(name="symptoms_deals", rows=lambda result: result.deals, columns=(), shown=lambda _: False)


def symptoms_finding(result: Symptoms, say: Words) -> Finding:
    """Say how many clear symptoms there are, which costs most, and what could not be judged."""
    red = [row for row in result.rows if row.state == "red"]
    amber = [row for row in result.rows if row.state == "amber"]
    parts = []
    if red:
        first = red[0]
        headline = say.say("symptoms.headline", red_n=len(red)) + say.get("language.sentence")
        headline += symptom_said(first, result, say, window_of(result, first.rule))
        if first.stake_amount > 0:
            amount = say.numbers.amount(first.stake_amount, result.currency)
            parts.append(say.say("symptoms.stake", amount=amount))
        others = [_titled(row, say) for row in red[1:]]
        parts += [say.say("symptoms.others", names=name_some(others, say))] if others else []
    else:
        rules_n = sum(not row.needs for row in result.rules)
        headline = say.say("symptoms.none" if rules_n else "symptoms.none_judged", rules_n=rules_n)
    if amber:
        names = name_some([_titled(row, say) for row in amber], say)
        parts.append(say.say("symptoms.amber", amber_n=len(amber), names=names))
    lacking = [say.get(f"symptoms.names.{row.rule}") for row in result.rules if row.needs]
    if lacking:
        parts.append(say.say("symptoms.lacking", names=name_some(lacking, say)))
    return Finding(
        headline=headline,
        detail=say.get("language.sentence").join(parts),
        unsaid=say.say("symptoms.unsaid", rate=say.numbers.percent(result.false_alarm_rate)),
    )


def _titled(row: Symptom, say: Words) -> str:
    name = say.get(f"symptoms.names.{row.rule}")
    return say.say("symptoms.titled", name=name, who=say.group(row.group)) if row.group else name


SYMPTOMS_VIEW = View(
    tables=(SYMPTOMS, RULES, ALL, DEALS),
    finding=symptoms_finding,
    charts={"matrix": "diagnosis.symptom_matrix"},
)


BEHIND = Table(
    name="symptom_detail",
    rows=lambda result: result.deals,
    columns=(
        CUSTOMER,
        Column(field="opportunity_id"),
        Column(field="owner", keep=lambda result, _: not result.group),
        Column(field="stage", cell=lambda result, row, say: stage_name(result, row.stage, say)),
        Column(field="deal_amount"),
        Column(field="here_days"),
    ),
    shown=lambda result: bool(result.deals),
)


def symptom_detail_finding(result: SymptomDetail, say: Words) -> Finding:
    """Say what the rule shows of the person, or why it was not judged, and what to do."""
    name = say.get(f"symptoms.names.{result.rule}")
    if not result.rows:
        rule = result.rules[0] if result.rules else None
        needs = (
            say.get(f"symptoms.needs.{rule.needs}")
            if rule and rule.needs
            else say.get("symptoms.needs.too_few")
        )
        return Finding(
            headline=say.say("symptoms.not_judged", name=name, who=who(result.group, say), needs=needs),
            detail="",
            unsaid="",
        )
    first = result.rows[0]
    parts = [say.get(f"symptoms.verdicts.{first.state}")]
    if first.state in ("red", "amber"):
        parts.append(say.say("symptoms.advice", remedy=remedy_of(first, say)))
    return Finding(
        headline=symptom_said(first, result, say, window_of(result, first.rule)),
        detail=say.get("language.sentence").join(parts),
        unsaid="",
    )


SYMPTOM_DETAIL_VIEW = View(tables=(BEHIND,), finding=symptom_detail_finding, charts={})


# ---- Change explained ---------------------------------------------------------------------------------------


def part_name(result: Any, row: ChangePart, say: Words) -> str:
    """Return what a part of a change is called."""
    if row.stage == "new":
        return say.get("change.parts.rate_new")
    if row.part in ("rate", "days"):
        return say.say(f"change.parts.{row.part}", stage=stage_name(result, row.stage, say))
    if row.part == "total":
        return say.get(f"change.totals.{result.measure}")
    return say.get(f"change.parts.{row.part}")


def effect(result: Any, values: Sequence[float], say: Words) -> str:
    """Write an effect with its sign and interval: money, points or days."""
    value, lower, upper = values
    if result.measure == "win_rate":
        return say.numbers.points_interval(value, lower, upper)
    spelled = [signed(result, one, say) for one in values]
    if math.isnan(lower):
        return spelled[0]
    return say.say("change.signed", value=spelled[0], lower=spelled[1], upper=spelled[2])


def signed(result: Any, value: float, say: Words) -> str:
    """Write money or days with their sign."""
    if math.isnan(value):
        return say.get("language.none")
    write = (lambda one: f"{one:.1f}") if result.measure == "cycle" else say.numbers.amount
    spelled = write(abs(value))
    return spelled if not value else ("+" if value > 0 else "−") + spelled


def part_value(result: Any, row: ChangePart, value: float, say: Words) -> str:
    """Write what a part is on one side."""
    if math.isnan(value):
        return say.get("language.none")
    if row.part == "volume":
        return say.numbers.count(value)
    if row.part == "size" or (row.part == "total" and result.measure == "bookings"):
        return say.numbers.amount(value)
    if row.part == "days" or (row.part == "total" and result.measure == "cycle"):
        return f"{value:.1f}"
    return say.numbers.percent(value)


PARTS = Table(
    name="change_parts",
    rows=lambda result: result.parts,
    strong=lambda row: row.part == "total",
    columns=(
        Column(field="part", cell=part_name),
        Column(
            field="before_value", cell=lambda result, row, say: part_value(result, row, row.before_value, say)
        ),
        Column(
            field="after_value", cell=lambda result, row, say: part_value(result, row, row.after_value, say)
        ),
        Column(
            field="effect",
            cell=lambda result, row, say: effect(
                result, (row.effect, row.effect_ci_lower, row.effect_ci_upper), say
            ),
        ),
        Column(field="clear"),
    ),
)


def whole_value(result: Change, value: float, say: Words) -> str:
    """Write what is compared, with its unit."""
    if result.measure == "bookings":
        return say.numbers.amount(value, result.currency)
    return say.numbers.percent(value) if result.measure == "win_rate" else say.numbers.days(round(value, 1))


def change_finding(result: Change, say: Words) -> Finding:
    """Say how much it changed, which parts carry it, and what is left at one mix."""
    total = result.parts[-1]
    values = (total.effect, total.effect_ci_lower, total.effect_ci_upper)
    headline = say.say(
        f"change.headline.{result.measure}",
        before=whole_value(result, result.before_total, say),
        after=whole_value(result, result.after_total, say),
        before_name=result.before_name,
        after_name=result.after_name,
        effect=effect(result, values, say),
        horizon_days=result.horizon_days,
    )
    still = not any(row.effect for row in result.parts)
    parts = [say.get("change.same" if still else "change.clear" if total.clear else "change.chance")]
    carried = sorted(result.parts[:-1], key=lambda row: -abs(row.effect))
    clear = [row for row in carried if row.clear]
    named = [
        say.say("change.carries", part=part_name(result, row, say), effect=_short(result, row, say))
        for row in (clear or carried)[:3]
    ]
    if not still:
        key = "change.clear_parts" if clear else "change.largest_parts"
        parts.append(say.say(key, names=say.numbers.join(named)))
    if result.open_n:
        parts.append(say.say(f"change.open.{result.measure}", open_n=result.open_n))
    return Finding(
        headline=headline, detail=say.get("language.sentence").join(parts), unsaid=say.get("change.unsaid")
    )


def _short(result: Change, row: ChangePart, say: Words) -> str:
    return say.numbers.points(row.effect) if result.measure == "win_rate" else signed(result, row.effect, say)


CHANGE_VIEW = View(tables=(PARTS,), finding=change_finding, charts={"waterfall": "diagnosis.waterfall"})


# ---- Did it work? -------------------------------------------------------------------------------------------


def _window_value(result: Verdict, value: float, say: Words) -> str:
    if result.measure == "bookings":
        return say.numbers.amount(value, result.currency)
    return say.numbers.percent(value) if result.measure == "win_rate" else say.numbers.count(value)


WINDOWS = Table(
    name="verdict_windows",
    rows=lambda result: result.windows,
    strong=lambda row: row.side != "past",
    columns=(
        Column(field="starts"),
        Column(field="ends"),
        Column(field="side", cell=lambda _, row, say: say.get(f"verdict.sides.{row.side}")),
        Column(field="value", cell=lambda result, row, say: _window_value(result, row.value, say)),
        Column(field="n"),
    ),
)


def _ratio(say: Words, value: float, lower: float, upper: float) -> str:
    ends = [say.numbers.factor(one) for one in (value, lower, upper)]
    return say.say("symptoms.between", value=ends[0], lower=ends[1], upper=ends[2])


def verdict_finding(result: Verdict, say: Words) -> Finding:
    """Say whether it worked, or what else may explain what followed."""
    headline = say.say(
        f"verdict.headline.{result.verdict}",
        measure=say.get(f"verdict.measures.{result.measure}"),
        before=_window_value(result, result.before_value, say),
        after=_window_value(result, result.after_value, say),
    )
    parts = []
    if result.verdict != "unknown":
        parts.append(
            say.say(
                "verdict.plain",
                ratio=_ratio(say, result.change_ratio, result.ratio_ci_lower, result.ratio_ci_upper),
            )
        )
    if not math.isnan(result.season_ratio):
        parts.append(say.say("verdict.season", ratio=say.numbers.factor(result.season_ratio)))
    if not math.isnan(result.return_ratio):
        parts.append(say.say("verdict.return", ratio=say.numbers.factor(result.return_ratio)))
    explained = not (math.isnan(result.season_ratio) and math.isnan(result.return_ratio))
    if result.verdict != "unknown" and explained:
        parts.append(
            say.say(
                "verdict.left",
                ratio=_ratio(say, result.left_ratio, result.left_ci_lower, result.left_ci_upper),
            )
        )
    return Finding(
        headline=headline, detail=say.get("language.sentence").join(parts), unsaid=say.get("verdict.unsaid")
    )


VERDICT_VIEW = View(tables=(WINDOWS,), finding=verdict_finding, charts={})


# ---- Why lost -----------------------------------------------------------------------------------------------


def reason_name(row: Any, say: Words) -> str:
    """Return what a reason, competitor or ending is called."""
    if getattr(row, "kind", "reason") == "ending":
        return say.get(f"endings.names.{row.ending}")
    return say.value(row.name) if row.name else say.get("why_lost.unknown")


def _name(_: Any, row: Any, say: Words) -> str:
    return reason_name(row, say)


def _priced(_: Any, rows: Sequence[Any]) -> bool:
    return not all(math.isnan(row.lost_amount) for row in rows)


_LOSSES = (
    Column(field="name", cell=_name),
    Column(field="lost_n"),
    Column(field="lost_share", lower="share_ci_lower", upper="share_ci_upper", always=True),
    Column(field="lost_amount", keep=_priced),
    Column(field="amount_share", keep=_priced),
    Column(field="first_stage", cell=lambda result, row, say: stage_name(result, row.first_stage, say)),
)
REASONS = Table(name="why_lost_reasons", rows=lambda result: result.reasons, columns=_LOSSES)
ENDINGS = Table(name="why_lost_endings", rows=lambda result: result.endings, columns=_LOSSES)
RIVALS = Table(
    name="why_lost_competitors",
    rows=lambda result: result.competitors,
    columns=_LOSSES,
    shown=lambda result: bool(result.competitors),
)
SIGNS = Table(
    name="why_lost_signs",
    rows=lambda result: result.signs[:LISTED],
    stub=3,
    columns=(
        Column(field="name", cell=_name),
        Column(field="attribute", cell=lambda _, row, say: say.attribute(row.attribute)),
        Column(field="value", cell=lambda _, row, say: say.value(row.value)),
        Column(field="lost_n"),
        Column(field="of_n"),
        Column(field="cell_share"),
        Column(field="rest_share"),
        Column(field="difference", lower="difference_ci_lower", upper="difference_ci_upper", always=True),
    ),
    shown=lambda result: bool(result.signs),
)


def _cell_group(result: Any, row: Any, say: Words) -> str:
    return stage_name(result, row.group[0], say) if row.cut == "stage" else say.group(row.group)


CELLS = Table(
    name="why_lost_cells",
    rows=lambda result: result.cells,
    stub=3,
    columns=(
        Column(field="cut", cell=lambda _, row, say: say.attribute(row.cut)),
        Column(field="group", cell=_cell_group),
        Column(field="name", cell=_name),
        Column(field="lost_n"),
        Column(field="of_n"),
        Column(field="cell_share", lower="share_ci_lower", upper="share_ci_upper", always=True),
        Column(field="lost_amount"),
    ),
    shown=lambda _: False,
)


def share_or_count(row: LossRow, say: Words) -> str:
    """Write the share of a row with its interval; the plain number where there are too few deals for a share."""
    if math.isnan(row.lost_share):
        return say.say("why_lost.some", n=say.numbers.count(row.lost_n))
    return say.numbers.interval(row.lost_share, row.share_ci_lower, row.share_ci_upper)


def why_lost_finding(result: WhyLost, say: Words) -> Finding:
    """Say the most frequent reason, the dearest one, the endings, and what distinguishes them."""
    known = [row for row in result.reasons if row.name]
    parts = []
    if known:
        first = known[0]
        headline = say.say(
            "why_lost.headline",
            reason=reason_name(first, say),
            share=share_or_count(first, say),
            n=say.numbers.count(result.n),
        )
        dearest = max(known, key=lambda row: row.lost_amount)
        if dearest.lost_amount > 0:
            key = "why_lost.dearest_too" if dearest is first else "why_lost.dearest"
            amount = say.numbers.amount(dearest.lost_amount, result.currency)
            parts.append(say.say(key, reason=reason_name(dearest, say), amount=amount))
    else:
        headline = say.say("why_lost.no_reasons", n=result.n)
    parts += _ends(result, say)
    if result.unknown_n and known:
        parts.append(say.say("why_lost.unknown_n", unknown_n=result.unknown_n))
    if result.signs:
        sign = result.signs[0]
        key = "why_lost.more" if sign.difference > 0 else "why_lost.less"
        parts.append(
            say.say(
                key, reason=reason_name(sign, say), value=say.value(sign.value),
                share=say.numbers.percent(sign.cell_share), rest=say.numbers.percent(sign.rest_share),
            )
        )  # fmt: skip
    return Finding(
        headline=headline, detail=say.get("language.sentence").join(parts), unsaid=say.get("why_lost.unsaid")
    )


def _ends(result: WhyLost, say: Words) -> list[str]:
    """Say how the lost deals ended, where it is recorded of any."""
    if not {"lost_competitor", "lost_no_decision"} & {row.ending for row in result.endings}:
        return []
    told = [
        say.say(
            "why_lost.ended",
            ending=reason_name(row, say),
            share=share_or_count(row, say),
        )
        for row in result.endings
    ]
    return [say.say("why_lost.ends", names=say.numbers.join(told))]


WHY_LOST_VIEW = View(
    tables=(REASONS, ENDINGS, RIVALS, SIGNS, CELLS),
    finding=why_lost_finding,
    charts={"reasons": "diagnosis.reasons"},
)
