"""The answer of a whole page on one screen: headline, three figures, what to do; from the results it is made of.

A brief also passes on its plain figures, by name, for pages that compare many reports.

Longer than most modules: the answers of all pages stand side by side, so that they read alike.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from funnelnb.core.errors import FunnelError
from funnelnb.show.tables.lists import key_of
from funnelnb.show.text.words import stage_name, words_of
from funnelnb.show.views.briefing import (
    Action,
    Brief,
    Figure,
    deal_name,
    money_of,
    rate_lines,
    sentences,
)
from funnelnb.show.views.briefs_more import diagnosed, faulty, funnelled, reported
from funnelnb.show.views.conversion import clearly_weakest, weakest_step
from funnelnb.show.views.diagnosis import reason_name
from funnelnb.show.views.duration import split_open
from funnelnb.show.views.forecast import written_amounts
from funnelnb.show.views.priority import question
from funnelnb.show.views.registry import finding_of
from funnelnb.show.views.rounding import assured_step, at_least, row_step, summed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from funnelnb.analysis.conversion.conversion import Conversion, StepRow
    from funnelnb.analysis.diagnosis.losses import WhyLost
    from funnelnb.analysis.forecast.forecast import Forecast
    from funnelnb.analysis.priority.call_list import CallList, CallRow
    from funnelnb.analysis.targets.target import Target
    from funnelnb.analysis.time.duration import Duration, DurationRow
    from funnelnb.analysis.time.stuck import Stuck, StuckDeal
    from funnelnb.show.text.words import Words

NAMED_CALLS = 3


def brief_of(result: Any, more: Sequence[Any] = (), lang: str | None = None) -> Brief:
    """Return the answer that `result`, with the results beside it, gives.

    Parameters
    ----------
    result : Result
    more : sequence of Result
        What else the page knows, such as the stalled deals beside the durations.
    lang : {"en", "zh"}, optional
    """
    say = words_of(result, lang)
    known = {type(one).__name__: one for one in more}
    make = _BRIEFS.get(type(result).__name__)
    if make is None or not result.n:
        found = finding_of(result, say.lang)
        return Brief(headline=found.headline, lead=found.detail)
    return make(result, known, say)


# ---- Conversion -----------------------------------------------------------------------------------------------


def _conversion(result: Conversion, known: Mapping[str, Any], say: Words) -> Brief:
    row = result.overall[0]
    if not row.enough or result.by:
        found = finding_of(result, say.lang)
        return Brief(headline=found.headline, lead=_sum(result, row, say), chart="funnel")
    stem = "by_day" if math.isfinite(row.by_day_rate) else "so_far"
    named: dict[str, Any] = {
        "horizon_days": result.horizon_days,
        "rate": say.numbers.percent(getattr(row, f"{stem}_rate")),
    }
    won = say.say(f"brief.conversion.{'won' if stem == 'by_day' else 'won_so_far'}", **named)
    step = weakest_step(result)
    return Brief(
        headline=sentences(say, won, _weakest(result, step, say) if step else ""),
        lead=_sum(result, row, say),
        figures=(
            Figure(
                name=say.say(f"brief.conversion.{'won' if stem == 'by_day' else 'so_far'}_name", **named),
                value=named["rate"],
                lines=rate_lines(row, stem, row.by_day_n if stem == "by_day" else row.reached_n, result, say),
            ),
            *(_step_figures(result, step, say) if step else _other_figures(result, row, say)),
        ),
        actions=_conversion_actions(result, step, known.get("WhyLost"), say),
        chart="funnel",
        facts={"open_n": row.here_n, "won_n": row.advanced_n, "lost_n": row.lost_n},
    )


def _sum(result: Conversion, row: StepRow, say: Words) -> str:
    """Return the sum of all deals, which adds up, and the date of the data."""
    counts = {
        "n": row.reached_n,
        "won_n": row.advanced_n,
        "lost_n": row.lost_n,
        "open_n": row.here_n,
        "left_n": row.left_n,
    }
    key = "sum_then" if any(note.code == "state_then_unknown" for note in result.notes) else "sum"
    said = say.say(f"brief.conversion.{key}{'_left' if row.left_n else ''}", **counts)
    return sentences(say, said, say.say("brief.as_of", as_of=result.as_of))


def _weakest(result: Conversion, step: StepRow, say: Words) -> str:
    named = {"stage": stage_name(result, step.stage, say), "rate": say.numbers.percent(step.by_day_rate)}
    if not clearly_weakest(result, step):
        return say.say("brief.conversion.lowest", **named)
    if not step.lost_amount > 0:
        return say.say("brief.conversion.weakest", **named)
    return say.say("brief.conversion.weakest_amount", amount=money_of(result, step.lost_amount, say), **named)


def _step_figures(result: Conversion, step: StepRow, say: Words) -> tuple[Figure, ...]:
    stage = stage_name(result, step.stage, say)
    clear = clearly_weakest(result, step)
    lost_n = sum(one.lost_n for one in result.overall)
    weakest = Figure(
        name=say.say(f"brief.conversion.{'weakest' if clear else 'lowest'}_name", stage=stage),
        value=say.say("brief.conversion.moves", rate=say.numbers.percent(step.by_day_rate)),
        lines=rate_lines(step, "by_day", step.by_day_n, result, say),
        warn=clear,
    )
    lines = [say.say("brief.conversion.lost_note", lost_n=step.lost_n, all_n=lost_n)]
    worth = [one.lost_amount for one in result.steps if one.lost_amount > 0]
    known = step.lost_amount > 0
    if known and len(worth) > 1:
        total = math.fsum(worth)
        share = say.numbers.level(round(step.lost_amount / total, 2))
        lines.append(say.say("brief.conversion.lost_share", share=share, amount=money_of(result, total, say)))
    value = money_of(result, step.lost_amount, say) if known else say.say("report.deals_n", n=step.lost_n)
    lost = Figure(name=say.say("brief.conversion.lost_name", stage=stage), value=value, lines=tuple(lines))
    return weakest, lost


def _other_figures(result: Conversion, row: StepRow, say: Words) -> tuple[Figure, ...]:
    """Return what stands beside the rate where the funnel has no weakest step: open and lost deals."""
    made = []
    for name, n, amount in (
        ("open", row.here_n, row.here_amount),
        ("all_lost", row.lost_n, row.lost_amount),
    ):
        lines = [say.say("brief.conversion.all_lost_note", n=row.reached_n)]
        lines += [money_of(result, amount, say)] if amount > 0 else []
        made.append(
            Figure(
                name=say.get(f"brief.conversion.{name}_name"), value=say.numbers.count(n), lines=tuple(lines)
            )
        )
    return tuple(made)


def _conversion_actions(
    result: Conversion, step: StepRow | None, losses: WhyLost | None, say: Words
) -> tuple[Action, ...]:
    worst = result.loss_points[0].stage if result.loss_points and len(result.steps) > 1 else ""
    made = []
    if step is not None and step.here_n:
        reason = _reason(losses, step.stage, step.lost_n, say) if step.stage != worst else ""
        priced = step.here_amount > 0
        made.append(
            Action(
                what=say.say(
                    f"brief.conversion.{'do_here_amount' if priced else 'do_here'}",
                    here_n=step.here_n,
                    stage=stage_name(result, step.stage, say),
                    amount=money_of(result, step.here_amount, say),
                ),
                why=sentences(
                    say, _largest(result, step, say), reason, say.get("brief.conversion.do_here_why")
                ),
                **_behind(result, step, "here_n", say),
            )
        )
    return (*made, *([_most_lost(result, losses, say)] if worst else []))


def _most_lost(result: Conversion, losses: WhyLost | None, say: Words) -> Action:
    """Ask for the reason of the losses in the stage that loses most."""
    point = result.loss_points[0]
    why = say.say(
        f"brief.conversion.{'do_most_worth' if point.lost_amount > 0 else 'do_most_why'}",
        share=say.numbers.percent(point.lost_share),
        amount=money_of(result, point.lost_amount, say),
    )
    stage = stage_name(result, point.stage, say)
    return Action(
        what=say.say("brief.conversion.do_most", lost_n=point.lost_n, stage=stage),
        why=sentences(say, why, _reason(losses, point.stage, point.lost_n, say)),
        **_behind(result, _step_of(result, point.stage), "lost_n", say),
    )


def _reason(losses: WhyLost | None, stage: str, lost_n: int, say: Words) -> str:
    """Name the reason recorded most often for the deals lost in a stage; nothing where other deals were counted."""
    cells = [one for one in losses.cells if one.cut == "stage" and one.group == (stage,)] if losses else []
    recorded = [one for one in cells if one.name]
    if not recorded or cells[0].of_n != lost_n:
        return ""
    first = max(recorded, key=lambda one: one.lost_n)
    ties = [one for one in recorded if one.lost_n == first.lost_n]
    if first.lost_n < 2 or len(ties) > 1:
        return ""
    return say.say(
        "brief.conversion.reason", reason=reason_name(first, say), reason_n=first.lost_n, lost_n=lost_n
    )


def _step_of(result: Conversion, stage: str) -> StepRow | None:
    return next((row for row in result.steps if row.stage == stage), None)


def _behind(result: Any, row: Any, name: str, say: Words) -> dict[str, str]:
    """Return the link to the deals behind a count, where the page will have them."""
    key = key_of(result, row, name) if row is not None else ""
    return {"deals": key, "show": say.say("brief.show", n=getattr(row, name))} if key else {}


def _largest(result: Conversion, step: StepRow, say: Words) -> str:
    """Name the largest deal that is open at a stage; nothing where no deal has an amount, or nobody can be asked."""
    try:
        found = result.deals(stage=step.stage, outcome="here")
    except FunnelError:
        return ""
    first: Any = next(found.itertuples(index=False), None)
    if first is None or not first.amount > 0:
        return ""
    named = {"deal": deal_name(first), "amount": money_of(result, float(first.amount), say)}
    owner = say.value(first.owner) if isinstance(first.owner, str) and first.owner else ""
    return say.say(f"brief.conversion.{'largest' if owner else 'largest_unowned'}", owner=owner, **named)


# ---- Times ----------------------------------------------------------------------------------------------------


def _duration(result: Duration, known: Mapping[str, Any], say: Words) -> Brief:
    whole = next((row for row in result.rows if row.overall), None)
    if whole is None or not whole.enough or result.by:
        found = finding_of(result, say.lang)
        return Brief(headline=found.headline, lead=found.detail, chart="box")
    ended = math.isfinite(whole.median_days)
    median = say.say(
        f"brief.duration.{'median' if ended else 'never'}", median=say.numbers.days(whole.median_days)
    )
    split = split_open(result, whole)
    key = ("sum_split" if split["left_n"] else "sum_open") if split else "sum"
    slowest = _slowest(result)
    stuck = known.get("Stuck")
    said = ""
    if slowest is not None:
        stage = stage_name(result, slowest.stage, say)
        said = say.say("brief.duration.slowest", stage=stage, days=say.numbers.days(slowest.median_days))
    return Brief(
        headline=sentences(say, median, said),
        lead=sentences(
            say,
            say.say(f"brief.duration.{key}", n=whole.n, open_n=whole.open_n, **split),
            say.say("brief.as_of", as_of=result.as_of),
        ),
        figures=(
            _cycle_figure(result, whole, say),
            *([_stage_figure(result, slowest, say)] if slowest else []),
            *([_stuck_figure(stuck, say)] if stuck is not None and stuck.n else []),
        ),
        actions=_stuck_actions(stuck, say) if stuck is not None and stuck.n else (),
        chart="box",
        facts=_cycle_facts(whole) | (_stuck_facts(stuck) if stuck is not None else {}),
    )


def _slowest(result: Duration) -> DurationRow | None:
    rows = [row for row in result.rows if not row.overall and row.enough and math.isfinite(row.median_days)]
    return max(rows, key=lambda row: row.median_days, default=None) if len(rows) > 1 else None


def _cycle_figure(result: Duration, row: DurationRow, say: Words) -> Figure:
    lines = [
        say.say(
            "brief.interval_n",
            confidence_level=say.numbers.level(result.confidence_level),
            range=say.numbers.forms["bounds"].format(
                lower=_days(row.median_ci_lower, say), upper=_days(row.median_ci_upper, say)
            ),
            n=row.n,
        )
    ]
    naive = row.naive_median_days
    if math.isfinite(naive) and math.isfinite(row.median_days) and round(naive) < round(row.median_days):
        lines.append(say.say("brief.duration.cycle_note", naive=say.numbers.days(naive)))
    value = say.numbers.days(row.median_days) if math.isfinite(row.median_days) else _days(math.inf, say)
    return Figure(name=say.get("brief.duration.cycle_name"), value=value, lines=tuple(lines))


def _days(value: float, say: Words) -> str:
    return say.numbers.bare_days(value) if math.isfinite(value) else say.get("durations.not_reached")


def _stage_figure(result: Duration, row: DurationRow, say: Words) -> Figure:
    low, high = _days(row.q25_days, say), _days(row.q75_days, say)
    return Figure(
        name=say.say("brief.duration.stage_name", stage=stage_name(result, row.stage, say)),
        value=say.numbers.days(row.median_days),
        lines=(say.say("brief.duration.stage_note", low=low, high=high),),
    )


def _stuck_figure(stuck: Stuck, say: Words) -> Figure:
    """Return how many deals are stalled; where none is, how many are slow."""
    stalled = bool(stuck.listed_n)
    n, amount = (stuck.listed_n, stuck.listed_amount) if stalled else (stuck.slow_n, stuck.slow_amount)
    rate = say.numbers.level(stuck.false_alarm_rate)
    key = "of_open_amount" if amount > 0 else "of_open"
    lines = [say.say(f"brief.duration.{key}", n=stuck.n, amount=money_of(stuck, amount, say))]
    if stalled:
        lines.append(say.say("brief.duration.stalled_note", rate=rate))
    elif n:
        lines.append(say.say("brief.duration.slow_note", usual_n=say.numbers.count(stuck.slow_expected_n)))
    else:
        lines.append(say.get("brief.duration.slow_none"))
    name = say.get(f"brief.duration.{'stalled' if stalled else 'slow'}_name")
    return Figure(name=name, value=say.numbers.count(n), lines=tuple(lines), warn=stalled)


def _stuck_actions(stuck: Stuck, say: Words) -> tuple[Action, ...]:
    said = [deal for deal in stuck.deals if deal.listed] or [deal for deal in stuck.deals if deal.slow]
    if not said:
        return (Action(what=say.get("brief.duration.do_none")),)
    first = said[0]
    made = [
        Action(
            what=say.say("brief.duration.do_ask", **_deal_facts(stuck, first, say)),
            why=say.say("brief.duration.do_ask_why", tail=say.numbers.percent(first.tail_rate)),
        )
    ]
    priced = [deal for deal in said if deal.deal_amount > 0]
    largest = max(priced, key=lambda deal: deal.deal_amount, default=first)
    if largest is not first:
        made.append(
            Action(
                what=say.say("brief.duration.do_largest", **_deal_facts(stuck, largest, say)),
                why=say.get("brief.duration.do_largest_why"),
            )
        )
    return tuple(made)


def _deal_facts(stuck: Stuck, deal: StuckDeal, say: Words) -> dict[str, str]:
    return {
        "deal": deal_name(deal),
        "stage": stage_name(stuck, deal.stage, say),
        "age": say.numbers.days(deal.age_days),
        "amount": money_of(stuck, deal.deal_amount, say),
    }


def _cycle_facts(row: DurationRow) -> dict[str, float]:
    return {
        "cycle_days": row.median_days,
        "cycle_ci_lower": row.median_ci_lower,
        "cycle_ci_upper": row.median_ci_upper,
    }


def _stuck_facts(stuck: Stuck) -> dict[str, Any]:
    return {
        "slow_n": stuck.listed_n or stuck.slow_n,
        "slow_amount": stuck.listed_amount if stuck.listed_n else stuck.slow_amount,
        "stalled_n": stuck.listed_n,
        "slow_of_n": stuck.n,
        "slow_usual_n": stuck.slow_expected_n,
        "currency": stuck.currency,
    }


# ---- The target -------------------------------------------------------------------------------------------------


def _target(result: Target, _: Mapping[str, Any], say: Words) -> Brief:
    parts = {row.part: row for row in result.rows}
    expected = math.fsum(parts[name].amount for name in ("won", "open", "new") if name in parts)
    money = _target_words(result, parts, expected, say)
    won = parts["won"].amount
    side = money["side"]
    said = [say.say(f"brief.target.{key}", **money) for key in ("chance", side)]
    if won >= result.target_amount:
        said = [say.say("brief.target.reached", **money)]
    return Brief(
        headline=sentences(say, *said),
        lead=sentences(
            say,
            say.say(f"brief.target.{'sum' if won > 0 else 'sum_none'}", **money),
            say.say("brief.as_of", as_of=result.as_of),
        ),
        figures=_target_figures(result, money, side, say),
        actions=_target_actions(result, parts, money["open"], say),
        chart="total",
        facts={
            "chance_rate": result.chance_rate,
            "assurance_rate": result.assurance_rate,
            "target_amount": result.target_amount,
            "expected_amount": expected,
            "expected_step_amount": assured_step(result, expected),
            "period": result.period_name,
            "until": str(result.until)[:10],
            "currency": result.currency,
        },
    )


def _target_words(result: Target, parts: Mapping[str, Any], expected: float, say: Words) -> dict[str, Any]:
    """Return the amounts that sentences name, as they are written: no more exact than what is known, adding up."""
    won, opened, new = (parts[name].amount if name in parts else 0.0 for name in ("won", "open", "new"))
    step = assured_step(result, expected)
    whole, opened, new = summed(expected, won, opened, new, step=step)
    amounts = {
        "won": won, "open": opened, "new": new, "expected": whole, "target": result.target_amount,
        "gap": abs(whole - result.target_amount), "assured": at_least(result.assured_amount, step),
    }  # fmt: skip
    side = "ahead" if whole > result.target_amount else "short" if amounts["gap"] else "level"
    return {name: money_of(result, one, say) for name, one in amounts.items()} | {
        "side": side,
        "chance": say.numbers.percent(result.chance_rate),
        "until": result.until,
    }


def _target_figures(result: Target, money: Mapping[str, Any], side: str, say: Words) -> tuple[Figure, ...]:
    open_chance = say.numbers.percent(result.chance_open_rate)
    level = say.numbers.level(result.assurance_rate)
    return (
        Figure(
            name=say.get("brief.target.chance_name"),
            value=money["chance"],
            lines=(say.say("brief.target.chance_note", chance=open_chance),),
            warn=result.chance_rate < result.assurance_rate,
        ),
        Figure(
            name=say.say("brief.target.expected_name", until=result.until),
            value=money["expected"],
            lines=(say.say(f"brief.target.{side}_note", **money),),
        ),
        Figure(
            name=say.say("brief.target.assured_name", assurance_rate=level),
            value=money["assured"],
            lines=(say.say("brief.target.assured_note", **money),),
        ),
    )


def _target_actions(result: Target, parts: Mapping[str, Any], amount: str, say: Words) -> tuple[Action, ...]:
    level = say.numbers.level(result.assurance_rate)
    made = []
    if "open" in parts and parts["open"].amount > 0:
        made.append(
            Action(
                what=say.say("brief.target.do_keep", amount=amount),
                why=say.say("brief.target.do_keep_why", wins_n=round(parts["open"].deal_n)),
            )
        )
    rows = [] if result.funnel is None else [row for row in result.funnel.rows if row.win_rate >= 0]
    if result.chance_rate >= result.assurance_rate:
        made.append(
            Action(
                what=say.say("brief.target.do_fine", assurance_rate=level),
                why=say.get("brief.target.do_fine_why"),
            )
        )
    elif rows:
        first = rows[0]
        values = {
            "stage": stage_name(result, first.stage, say),
            "needed": say.numbers.count(first.needed_n),
            "wins_n": result.new_wins_n,
            "assurance_rate": level,
            "in_by": first.in_by,
            "until": result.until,
        }
        key = "do_late" if first.too_late or first.needed_n < 0 else "do_leads"
        made.append(
            Action(
                what=say.say(f"brief.target.{key}", **values),
                why=say.say(f"brief.target.{key}_why", **values),
            )
        )
    return tuple(made)


# ---- The call list ------------------------------------------------------------------------------------------------


def _calls(result: CallList, known: Mapping[str, Any], say: Words) -> Brief:
    if not result.rows or not result.rows[0].value_per_hour_amount > 0:
        found = finding_of(result, say.lang)
        return Brief(headline=found.headline, lead=found.detail)
    first = result.rows[0]
    named = _call_facts(result, first, say)
    amount = money_of(result, result.expected_amount, say)
    late_n = sum(row.overdue for row in result.rows)
    return Brief(
        headline=say.say(f"brief.calls.{'first' if first.owner else 'first_unowned'}", **named),
        lead=sentences(
            say,
            say.say("brief.calls.sum", n=result.n, amount=amount, horizon_days=result.horizon_days),
            say.say("brief.as_of", as_of=result.as_of),
        ),
        figures=(
            Figure(
                name=say.say("brief.calls.first_name", **named),
                value=named["amount"],
                lines=(say.say("brief.calls.first_note", **named),),
            ),
            Figure(
                name=say.get("brief.calls.stake_name"),
                value=amount,
                lines=(say.say("brief.calls.stake_note", share=say.numbers.percent(result.first_share)),),
            ),
            _gap_figure(result, known.get("Roles"), late_n, say),
        ),
        actions=tuple(
            _call(result, row, say, asked=k < 2) for k, row in enumerate(result.rows[:NAMED_CALLS])
        ),
        facts={"calls_n": result.n, "stake_amount": result.expected_amount, "currency": result.currency},
    )


def _call_facts(result: CallList, row: CallRow, say: Words) -> dict[str, str]:
    return {
        "deal": deal_name(row),
        "owner": say.value(row.owner),
        "amount": money_of(result, row.deal_amount, say),
        "chance": say.numbers.percent(row.win_rate),
        "hours": say.numbers.bare_days(row.hours),
    }


def _gap_figure(result: CallList, roles: Any, late_n: int, say: Words) -> Figure:
    """Return what is missing most: meetings with decision makers where roles are kept, else close dates that passed."""
    met = {row.role: row for row in getattr(roles, "rows", ())}
    if "decision_maker" in met:
        row = met["decision_maker"]
        lines = [say.say("brief.calls.role_note", n=row.deal_n)]
        lines += [money_of(result, row.unmet_amount, say)] if row.unmet_amount > 0 else []
        return Figure(
            name=say.get("brief.calls.role_name"),
            value=say.numbers.count(row.deal_n - row.met_n),
            lines=tuple(lines),
        )
    note = say.say("brief.calls.overdue_note", n=result.n)
    return Figure(name=say.get("brief.calls.overdue_name"), value=say.numbers.count(late_n), lines=(note,))


def _call(result: CallList, row: CallRow, say: Words, *, asked: bool) -> Action:
    """Return whom to call and what to ask; the last one goes without, so that the page stays short."""
    named = _call_facts(result, row, say)
    words = question(row, say) if asked else ""
    why = [say.say("brief.calls.do_call_why", **named)]
    why += [say.get("brief.calls.overdue")] if row.overdue else []
    why += [say.say("brief.calls.question", question=words)] if words else []
    return Action(
        what=say.say(f"brief.calls.{'do_call' if row.owner else 'do_call_unowned'}", **named),
        why=sentences(say, *why),
    )


# ---- The forecast -------------------------------------------------------------------------------------------

FORECAST_ASSURANCE = 0.8
"""A target less likely than this is at risk."""
CARRIERS = 10
"""So many deals are said to carry a forecast."""


def _forecast(result: Forecast, _: Mapping[str, Any], say: Words) -> Brief:
    found, whole = finding_of(result, say.lang), result.whole
    if not result.priced:
        return Brief(headline=found.headline, lead=found.detail)
    aimed = math.isfinite(whole.target_amount)
    facts = {
        "landing_amount": whole.expected_amount,
        "period": whole.period,
        "until": str(result.until)[:10],
        "currency": result.currency,
    }
    if aimed:
        facts |= {
            "chance_rate": whole.chance_rate,
            "assurance_rate": FORECAST_ASSURANCE,
            "target_amount": whole.target_amount,
            "expected_amount": whole.expected_amount,
            "expected_step_amount": row_step(whole),
            "landing_share": whole.attained_share,
            "landing_low_share": whole.attained_q10_share,
            "landing_high_share": whole.attained_q90_share,
        }
    return Brief(
        headline=found.headline,
        lead=found.detail,
        figures=_forecast_figures(result, say, aimed=aimed),
        actions=_forecast_actions(result, say, aimed=aimed),
        chart="fan",
        facts=facts,
    )


def _forecast_figures(result: Forecast, say: Words, *, aimed: bool) -> tuple[Figure, ...]:
    whole = result.whole
    money = {name: money_of(result, one, say) for name, one in written_amounts(whole).items()}
    expected = Figure(
        name=say.say("brief.forecast.expected_name", until=result.until),
        value=money["expected"],
        lines=(say.say("brief.forecast.range", **money),),
    )
    parts = Figure(
        name=say.get("brief.forecast.open_name"),
        value=money["open"],
        lines=(say.say("brief.forecast.parts", **money),),
    )
    if not aimed:
        return expected, parts
    target = money_of(result, whole.target_amount, say)
    chance = Figure(
        name=say.get("brief.forecast.chance_name"),
        value=say.numbers.percent(whole.chance_rate),
        lines=(say.say("brief.forecast.target", target=target), say.get("brief.forecast.other")),
        warn=whole.chance_rate < FORECAST_ASSURANCE,
    )
    return expected, chance, parts


def _forecast_actions(result: Forecast, say: Words, *, aimed: bool) -> tuple[Action, ...]:
    """Return what to do for the period: which deals carry it, and whether the target asks for more."""
    whole, made = result.whole, []
    written = written_amounts(whole)
    if result.deals:
        first = result.deals[0]
        values = {
            "deal": deal_name(first), "chance": say.numbers.percent(first.chance_rate), "until": result.until,
            "stage": stage_name(result, first.stage, say), "amount": money_of(result, first.deal_amount, say),
        }  # fmt: skip
        made.append(
            Action(
                what=say.say("brief.forecast.do_deal", **values),
                why=say.say("brief.forecast.do_deal_why", **values),
            )
        )
    if whole.open_amount > 0 and len(result.deals) > 1:
        carry = result.deals[:CARRIERS]
        n, share = len(carry), math.fsum(row.expected_amount for row in carry) / whole.open_amount
        values = {
            "n": n,
            "share": say.numbers.percent(min(1.0, share)),
            "amount": money_of(result, written["open"], say),
        }
        made.append(
            Action(
                what=say.say("brief.forecast.do_open", **values),
                why=say.say("brief.forecast.do_open_why", **values),
            )
        )
    if aimed:
        gap = whole.target_amount - written["expected"]
        key = "do_fine" if whole.chance_rate >= FORECAST_ASSURANCE else "do_short" if gap > 0 else "do_thin"
        values = {"gap": money_of(result, abs(gap), say), "chance": say.numbers.percent(whole.chance_rate)}
        made.append(
            Action(
                what=say.say(f"brief.forecast.{key}", **values),
                why=say.say(f"brief.forecast.{key}_why", **values),
            )
        )
    return tuple(made)


_BRIEFS: Mapping[str, Callable[[Any, Mapping[str, Any], Words], Brief]] = {
    "CallList": _calls,
    "Conversion": _conversion,
    "Duration": _duration,
    "Forecast": _forecast,
    "Funnel": funnelled,
    "Harm": faulty,
    "Symptoms": diagnosed,
    "Target": _target,
    "WeeklyReport": reported,
}
