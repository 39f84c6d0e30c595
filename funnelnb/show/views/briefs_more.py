"""The answer on top of the pages about data, diagnosis, behaviour and the weekly report."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from funnelnb.show.text.words import stage_name
from funnelnb.show.views.behaviour import who_of
from funnelnb.show.views.briefing import Action, Brief, Figure, deal_name, money_of, sentences
from funnelnb.show.views.diagnosis import (
    alarms,
    part_name,
    reason_name,
    remedy_of,
    symptom_said,
    whole_value,
    window_of,
)
from funnelnb.show.views.harm import number
from funnelnb.show.views.registry import finding_of
from funnelnb.show.views.weekly import figure_value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from funnelnb.analysis.behaviour.funnel import Funnel
    from funnelnb.analysis.diagnosis.change import Change
    from funnelnb.analysis.diagnosis.losses import WhyLost
    from funnelnb.analysis.diagnosis.symptoms import Symptom, Symptoms
    from funnelnb.analysis.diagnosis.weekly import WeeklyReport
    from funnelnb.analysis.quality.harm import Harm
    from funnelnb.show.text.words import Words

NAMED_STEPS = 3
"""So many things to do stand under an answer."""


def _clean(said: str) -> str:
    """Return a sentence with its full stop, as advice of a stage model has none."""
    return said if not said or said[-1] in ".?!。？！" else said + ("。" if said[-1] > "\u2e80" else ".")


# ---- Symptoms -----------------------------------------------------------------------------------------------


def diagnosed(result: Symptoms, known: Mapping[str, Any], say: Words) -> Brief:
    """Say how many symptoms are clear, what changed, why deals are lost, and what the first symptoms ask for."""
    found, rows = finding_of(result, say.lang), alarms(result)
    change, losses = known.get("Change"), known.get("WhyLost")
    figures = [_clear_figure(result, say)]
    figures += [_change_figure(change, say)] if change is not None and change.n else []
    figures += [_reason_figure(losses, say)] if losses is not None and losses.n else []
    actions = [_remedy(result, row, say) for row in rows[:NAMED_STEPS]]
    if len(actions) < NAMED_STEPS and losses is not None:
        actions += _ask_losses(losses, say)
    return Brief(
        headline=found.headline,
        lead=sentences(say, found.detail, say.say("brief.as_of", as_of=result.as_of)),
        figures=tuple(figures),
        actions=tuple(actions) or (Action(what=say.get("brief.diagnosis.do_none")),),
        chart="matrix",
        facts={"red_n": sum(row.state == "red" for row in result.rows)},
    )


def _clear_figure(result: Symptoms, say: Words) -> Figure:
    red_n = sum(row.state == "red" for row in result.rows)
    amber_n = sum(row.state == "amber" for row in result.rows)
    asked = [row for row in result.rules if not row.needs]
    return Figure(
        name=say.get("brief.diagnosis.clear_name"),
        value=say.numbers.count(red_n),
        lines=(
            say.say("brief.diagnosis.clear_note", rules_n=len(asked)),
            say.say("brief.diagnosis.amber_note", amber_n=amber_n),
        ),
        warn=red_n > 0,
    )


def _change_figure(change: Change, say: Words) -> Figure:
    """Return how much came in the later period, and how that differs from the earlier one."""
    total = change.parts[-1]
    values = {"before": whole_value(change, change.before_total, say), "before_name": change.before_name}
    carried = [row for row in change.parts[:-1] if row.clear]
    lines = [say.say("brief.diagnosis.change_note", **values)]
    if carried:
        most = max(carried, key=lambda row: abs(row.effect))
        lines.append(say.say("brief.diagnosis.change_part", part=part_name(change, most, say)))
    else:
        lines.append(say.get(f"change.{'clear' if total.clear else 'chance'}"))
    return Figure(
        name=say.say(f"brief.diagnosis.change_{change.measure}", after_name=change.after_name),
        value=whole_value(change, change.after_total, say),
        lines=tuple(lines),
        warn=total.clear and total.effect < 0 and change.measure != "cycle",
    )


def _reason_figure(losses: WhyLost, say: Words) -> Figure:
    known = [row for row in losses.reasons if row.name]
    if not known:
        return Figure(
            name=say.get("brief.diagnosis.lost_name"),
            value=say.numbers.count(losses.n),
            lines=(say.get("brief.diagnosis.lost_note"),),
        )
    first = known[0]
    if math.isnan(first.lost_share):
        return Figure(
            name=say.say("brief.diagnosis.reason_name", reason=reason_name(first, say)),
            value=say.say("brief.diagnosis.reason_few", lost_n=first.lost_n, n=losses.n),
        )
    lines = [
        say.say(
            "brief.interval_n",
            confidence_level=say.numbers.level(losses.confidence_level),
            range=say.numbers.percent_bounds(first.lost_share, first.share_ci_lower, first.share_ci_upper),
            n=losses.n,
        )
    ]
    lines += [money_of(losses, first.lost_amount, say)] if first.lost_amount > 0 else []
    return Figure(
        name=say.say("brief.diagnosis.reason_name", reason=reason_name(first, say)),
        value=say.say("brief.diagnosis.reason", share=say.numbers.percent(first.lost_share)),
        lines=tuple(lines),
    )


def _remedy(result: Symptoms, row: Symptom, say: Words) -> Action:
    said = symptom_said(row, result, say, window_of(result, row.rule))
    why = [said, *([say.get("symptoms.verdicts.amber")] if row.state == "amber" else [])]
    return Action(what=_clean(remedy_of(row, say)), why=sentences(say, *why))


def _ask_losses(losses: WhyLost, say: Words) -> list[Action]:
    known = [row for row in losses.reasons if row.name]
    if not known:
        return []
    first = known[0]
    return [
        Action(
            what=say.say("brief.diagnosis.do_losses", lost_n=first.lost_n, reason=reason_name(first, say)),
            why=say.say(
                "brief.diagnosis.do_losses_why",
                share=say.numbers.percent(first.lost_share),
                stage=stage_name(losses, first.first_stage, say),
            )
            if first.first_stage and not math.isnan(first.lost_share)
            else "",
        )
    ]


# ---- The weekly report --------------------------------------------------------------------------------------


def reported(result: WeeklyReport, _: Mapping[str, Any], say: Words) -> Brief:
    """Say what came in and went out, whether that differs clearly from before, and who does what next.

    What the next report compares with (``kept``) goes to the run, which gives it to the notebook of the next one.
    """
    found = finding_of(result, say.lang)
    if result.typed is not None:
        return Brief(headline=found.headline, lead=found.detail)
    rows = {row.figure: row for row in result.figures}
    span = say.say("weekly.span", starts=say.numbers.date(result.starts), ends=say.numbers.date(result.ends))
    return Brief(
        headline=found.headline,
        lead=sentences(say, say.say("brief.weekly.span", period=result.period_name, span=span), found.detail),
        figures=(
            *(_period_figure(rows[name], result, say) for name in ("bookings", "entries") if name in rows),
            _outlook_figure(result, say),
        ),
        actions=tuple(_steps(result, say)),
        facts={
            "bookings_amount": rows["bookings"].value,
            "orders_n": rows["orders"].value,
            "kept": result.kept(),
        },
    )


def _period_figure(row: Any, result: WeeklyReport, say: Words) -> Figure:
    """Return one figure of the period beside the one before."""
    before = figure_value(row.figure, row.before_value, result, say)
    lines = [say.say("brief.weekly.before", before=before)] if math.isfinite(row.before_value) else []
    lines += [say.get(f"weekly.changes.{row.change}")] if row.change else []
    return Figure(
        name=say.get(f"weekly.figures.{row.figure}"),
        value=figure_value(row.figure, row.value, result, say),
        lines=tuple(lines),
        warn=row.change == "down",
    )


def _outlook_figure(result: WeeklyReport, say: Words) -> Figure:
    """Return the chance of the target; without one, what is in hand."""
    ahead = result.outlook
    if ahead.target_period and math.isfinite(ahead.chance_rate):
        target = money_of(result, ahead.target_amount, say)
        return Figure(
            name=say.say("brief.weekly.chance_name", period=ahead.target_period),
            value=say.numbers.percent(ahead.chance_rate),
            lines=(say.say("brief.forecast.target", target=target),),
        )
    rows = {row.figure: row for row in result.figures}
    worth = figure_value("in_hand_amount", rows["in_hand_amount"].value, result, say)
    return Figure(
        name=say.get("weekly.figures.in_hand"),
        value=figure_value("in_hand", rows["in_hand"].value, result, say),
        lines=(worth,),
    )


def _steps(result: WeeklyReport, say: Words) -> list[Action]:
    """Return the first clear problem's remedy, then the largest deals that someone should see to."""
    made = []
    for problem in result.problems[:1]:
        said = symptom_said(problem, result, say, window_of(result, problem.rule))
        sure = say.get(f"weekly.sure.{problem.state}")
        made.append(Action(what=_clean(remedy_of(problem, say)), why=sentences(say, said, sure)))
    urgent = [row for row in result.next_steps if row.why != "largest"] or list(result.next_steps)
    for row in sorted(urgent, key=lambda one: -_known(one.deal_amount))[: NAMED_STEPS - len(made)]:
        why = say.say(f"weekly.why.{row.why}", why_days=row.why_days if math.isfinite(row.why_days) else 0.0)
        step = row.step_zh if say.lang == "zh" else row.step_en
        values = {
            "deal": deal_name(row), "owner": say.value(row.owner), "why": why,
            "amount": money_of(result, row.deal_amount, say),
        }  # fmt: skip
        key = "do" if row.deal_amount > 0 else "do_unpriced"
        key += "" if row.owner else "_unowned"
        made.append(Action(what=say.say(f"brief.weekly.{key}", **values), why=_clean(step)))
    return made or [Action(what=say.get("brief.weekly.do_none"))]


def _known(amount: float) -> float:
    return amount if math.isfinite(amount) else 0.0


# ---- The data -----------------------------------------------------------------------------------------------


def faulty(result: Harm, known: Mapping[str, Any], say: Words) -> Brief:
    """Say how many kinds of faults there are, what they move most, and which to mend first."""
    found = finding_of(result, say.lang)
    told = [_moved_figure(result, name, say) for name in ("win_rate", "pipeline_amount")]
    figures = [
        Figure(
            name=say.get("brief.harm.kinds_name"),
            value=say.numbers.count(len(result.rows)),
            lines=(say.say("brief.harm.kinds_note", looked_n=result.looked_n, n=result.n),),
            warn=result.broken_n > 0,
        ),
        *told,
    ]
    actions = [_mend(result, row, say) for row in _first(result)]
    return Brief(
        headline=found.headline,
        lead=sentences(say, found.detail, say.say("brief.as_of", as_of=result.as_of)),
        figures=tuple(figures),
        actions=tuple(actions) or (Action(what=say.get("brief.harm.do_none")),),
        facts={"faults_n": len(result.rows)},
    )


def _clear(result: Harm, measure: str) -> Any:
    told = [one for one in result.effects if one.clear and one.shift and one.measure == measure]
    return max(told, key=lambda one: abs(one.shift), default=None)


def _moved_figure(result: Harm, measure: str, say: Words) -> Figure:
    """Return how far the worst fault moves a number."""
    name = say.get(f"brief.harm.{measure}_name")
    most = _clear(result, measure)
    if most is None:
        return Figure(
            name=name, value=say.get("brief.harm.unmoved"), lines=(say.get("brief.harm.unmoved_note"),)
        )
    if measure == "win_rate":
        value, as_is, mended = (
            say.numbers.points(most.shift),
            say.numbers.percent(most.as_is),
            say.numbers.percent(most.mended),
        )
    else:
        sign = "−" if most.shift < 0 else "+"
        value = sign + money_of(result, abs(most.shift), say)
        as_is, mended = money_of(result, most.as_is, say), money_of(result, most.mended, say)
    return Figure(
        name=name,
        value=value,
        lines=(
            say.say("brief.harm.moved", as_is=as_is, mended=mended),
            say.say("brief.harm.without", finding=say.get(f"harm.findings.{most.finding}")),
        ),
    )


def _first(result: Harm) -> Sequence[Any]:
    """Return what to mend first: what breaks a limit, then what moves a number clearly, then the rest."""

    def rank(row: Any) -> tuple[bool, bool, int]:
        return (not row.broken, not any(one.clear and one.shift for one in row.effects), -row.deal_n)

    return sorted(result.rows, key=rank)[:NAMED_STEPS]


def _mend(result: Harm, row: Any, say: Words) -> Action:
    moved = [one for one in row.effects if one.clear and one.shift and one.measure == "win_rate"]
    why = say.say("brief.harm.do_why", finding=say.get(f"harm.findings.{row.finding}"), deal_n=row.deal_n)
    more = [
        say.say(
            "brief.harm.do_moves",
            as_is=number(one.measure, one.as_is, say),
            mended=number(one.measure, one.mended, say),
        )
        for one in moved[:1]
    ]
    return Action(what=_clean(say.get(f"harm.remedies.{row.finding}")), why=sentences(say, why, *more))


# ---- Behaviour ------------------------------------------------------------------------------------------------


def funnelled(result: Funnel, _: Mapping[str, Any], say: Words) -> Brief:
    """Say how many get through, at which step most drop out, and what that costs."""
    found = finding_of(result, say.lang)
    whole = result.overall[0] if result.overall else None
    if whole is None or not whole.enough or result.by:
        return Brief(headline=found.headline, lead=found.detail)
    stem = "by_time" if math.isfinite(whole.by_time_rate) else "so_far"
    lower, upper = (getattr(whole, f"{stem}_ci_{side}") for side in ("lower", "upper"))
    rate = getattr(whole, f"{stem}_rate")
    through = Figure(
        name=say.get("brief.behaviour.through_name"),
        value=say.numbers.percent(rate),
        lines=(
            say.say(
                "brief.behaviour.range",
                confidence_level=say.numbers.level(result.confidence_level),
                range=say.numbers.percent_bounds(rate, lower, upper),
                n=say.numbers.count(whole.reached_n),
                who=who_of(result, say),
            ),
        ),
    )
    return Brief(
        headline=found.headline,
        lead=found.detail,
        figures=(through, *_drop_figures(result, say)),
        actions=tuple(_fix(result, say)),
        chart="funnel",
    )


def _weakest(result: Funnel) -> Any:
    rows = [row for row in result.steps if row.enough and math.isfinite(row.so_far_rate) and row.next_step]
    return min(rows, key=lambda row: row.so_far_rate, default=None)


def _drop_figures(result: Funnel, say: Words) -> list[Figure]:
    made = []
    weakest = _weakest(result)
    if weakest is not None:
        lines = say.say("brief.behaviour.of", n=say.numbers.count(weakest.reached_n), who=who_of(result, say))
        made.append(
            Figure(
                name=say.say("brief.behaviour.weakest_name", step=weakest.step),
                value=say.say("brief.conversion.moves", rate=say.numbers.percent(weakest.so_far_rate)),
                lines=(lines,),
                warn=True,
            )
        )
    if result.drop_points:
        point = result.drop_points[0]
        share = say.say("brief.behaviour.drop_share", share=say.numbers.percent(point.dropped_share))
        worth = (
            [say.say("brief.behaviour.worth", amount=money_of(result, point.cost_amount, say))]
            if point.cost_amount > 0
            else []
        )
        made.append(
            Figure(
                name=say.say("brief.behaviour.drop_name", step=point.step),
                value=say.numbers.count(point.dropped_n),
                lines=(share, *worth),
            )
        )
    elif weakest is not None:
        made.append(
            Figure(
                name=say.get("brief.behaviour.running_name"),
                value=say.numbers.count(result.overall[0].running_n),
                lines=(say.get("brief.behaviour.running_note"),),
            )
        )
    return made


def _fix(result: Funnel, say: Words) -> list[Action]:
    made = []
    if result.drop_points:
        point = result.drop_points[0]
        values = {"step": point.step, "next_step": point.next_step, "dropped_n": point.dropped_n}
        values["who"] = who_of(result, say)
        made.append(
            Action(
                what=say.say("brief.behaviour.do_watch", **values),
                why=say.say(f"brief.behaviour.do_watch_{'clear' if point.clear else 'unclear'}"),
            )
        )
    weakest = _weakest(result)
    if weakest is not None:
        values = {"step": weakest.step, "next_step": weakest.next_step}
        made.append(
            Action(
                what=say.say("brief.behaviour.do_test", **values),
                why=say.get("brief.behaviour.do_test_why"),
            )
        )
    return made or [Action(what=say.get("brief.behaviour.do_wait"))]
