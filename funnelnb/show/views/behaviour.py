"""How behaviour funnels are shown, and what they say."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from funnelnb.show.tables.table import Column, Table, placeholders
from funnelnb.show.views.registry import Finding, View, name_some, rate_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.analysis.behaviour.aarrr import Growth
    from funnelnb.analysis.behaviour.compare import BehaviourGroups
    from funnelnb.analysis.behaviour.funnel import Funnel
    from funnelnb.analysis.behaviour.retention import Retention
    from funnelnb.analysis.behaviour.trend import Trend
    from funnelnb.show.text.words import Words


# ---- Words that several of them share ----------------------------------------------------------------------


def who_of(result: Any, say: Words) -> str:
    """Return what is counted: people, sessions, attempts."""
    per = getattr(result, "per", "actor")
    attempt = getattr(result, "attempt", "best")
    key = "attempt" if attempt in ("every", "start") else per if per in ("actor", "session") else "other"
    one = "_one" if getattr(result, "arrived_n", getattr(result, "n", 0)) == 1 else ""
    return say.get(f"behaviour.who.{key}{one}")


def told(result: Any, say: Words) -> dict[str, Any]:
    """Return what sentences may name."""
    return placeholders(result, say) | {"who": who_of(result, say)}


def group_name(result: Any, group: tuple[str, ...], say: Words) -> str:
    """Return what a group is called: its values, before or after a date, or all."""
    if not group:
        return say.get("behaviour.all")
    if getattr(result, "at", ""):
        return say.get(f"behaviour.sides.{group[0]}")
    return say.group(group)


def _group(result: Any, row: Any, say: Words) -> str:
    return group_name(result, row.group, say)


def _grouped(result: Any, _: Sequence[Any]) -> bool:
    return bool(getattr(result, "by", ()) or getattr(result, "at", ""))


def rate_column(stem: str, **more: Any) -> Column:
    """Return the column of a rate with its interval."""
    return Column(field=f"{stem}_rate", lower=f"{stem}_ci_lower", upper=f"{stem}_ci_upper", **more)


_PLAIN_RATE = Column(field="rate", lower="ci_lower", upper="ci_upper")
_GROUP = Column(field="group", cell=_group, keep=_grouped)


def plain_rate(row: Any, say: Words) -> str:
    """Return the rate of a row with its interval."""
    return say.numbers.interval(row.rate, row.ci_lower, row.ci_upper)


# ---- The funnel ---------------------------------------------------------------------------------------------


def _funnel_rows(result: Funnel) -> tuple[Any, ...]:
    """Return each group's steps and its overall row."""
    steps: dict[Any, list[Any]] = {}
    for row in result.steps:
        steps.setdefault(row.group, []).append(row)
    return tuple(row for whole in result.overall for row in (*steps.get(whole.group, ()), whole))


def _step(_: Any, row: Any, say: Words) -> str:
    if row.overall:
        return say.field("overall", "BehaviourStep").label
    return str(row.step)


def _windowed(result: Any, _: Sequence[Any]) -> bool:
    return not math.isnan(result.within_days)


def _any_optional(_: Any, rows: Sequence[Any]) -> bool:
    return any(row.optional for row in rows)


STEPS = Table(
    name="behaviour_steps",
    rows=_funnel_rows,
    stub=2,
    strong=lambda row: bool(row.overall),
    columns=(
        _GROUP,
        Column(field="step", cell=_step),
        Column(field="optional", keep=_any_optional),
        Column(field="reached_n"),
        Column(field="of_first_rate"),
        Column(field="advanced_n"),
        Column(field="running_n"),
        Column(field="dropped_n", keep=_windowed),
        rate_column("by_time"),
        rate_column("so_far"),
        rate_column("decided", keep=_windowed),
    ),
)
TIMES = Table(
    name="behaviour_times",
    rows=lambda result: [row for row in _funnel_rows(result) if not math.isnan(row.median_days)],
    stub=3,
    strong=lambda row: bool(row.overall),
    columns=(
        _GROUP,
        Column(field="step"),
        Column(field="next_step"),
        Column(field="median_days", cell=lambda _, row, say: _days(row, say)),
        Column(field="finished_median_days", cell=lambda _, row, say: span(row.finished_median_days, say)),
        Column(field="by_time_n"),
    ),
)
VALUES = Table(
    name="behaviour_values",
    rows=lambda result: result.steps,
    stub=2,
    shown=lambda result: bool(result.value),
    columns=(
        _GROUP,
        Column(field="step"),
        Column(field="reached_n"),
        Column(field="reached_amount"),
        Column(field="amount_n"),
    ),
)
DROPS = Table(
    name="behaviour_drops",
    rows=lambda result: result.drop_points,
    stub=3,
    shown=lambda result: bool(result.drop_points),
    columns=(
        _GROUP,
        Column(field="step"),
        Column(field="next_step"),
        Column(field="dropped_n"),
        Column(
            field="dropped_share", lower="dropped_share_ci_lower", upper="dropped_share_ci_upper", always=True
        ),
        Column(field="cost_amount", keep=lambda result, _: bool(result.value)),
        Column(field="clear"),
    ),
)
CURVES = Table(name="behaviour_curves", rows=lambda result: result.curves, shown=lambda _: False, columns=())


def span(days: float, say: Words) -> str:
    """Return a span of time in days, hours, minutes or seconds, whichever reads well."""
    if math.isnan(days):
        return say.get("language.none")
    for name, size in (("days", 1.0), ("hours", 1 / 24), ("minutes", 1 / 1440)):
        if days >= 2 * size:
            return say.say(f"behaviour.spans.{name}", x=say.numbers.bare_days(days / size))
    return say.say("behaviour.spans.seconds", x=say.numbers.count(round(days * 86_400)))


def _days(row: Any, say: Words) -> str:
    shown = [span(one, say) for one in (row.median_days, row.median_ci_lower, row.median_ci_upper)]
    return say.say("language.interval", value=shown[0], lower=shown[1], upper=shown[2])


def funnel_finding(result: Funnel, say: Words) -> Finding:
    """Say how many get through, how many are still under way, and where most drop out."""
    unsaid = say.get("findings.funnel.unsaid")
    if not result.n or not result.overall:
        return Finding(headline=say.get("behaviour.none"), detail="", unsaid=unsaid)
    if result.by:
        return _grouped_finding(result, say, unsaid)
    row = result.overall[0]
    return Finding(
        headline=_headline(result, row, say), detail=_drop(result, say) if row.enough else "", unsaid=unsaid
    )


def _headline(result: Funnel, row: Any, say: Words) -> str:
    key = "windowed" if not math.isnan(row.by_time_rate) else "windowed_unseen"
    if math.isnan(result.within_days):
        key = "open"
    if result.order == "any":
        key = "any"
    values = told(result, say) | {
        "arrived_n": row.reached_n,
        "through_n": row.advanced_n,
        "running_n": row.running_n,
        "rate": rate_of(row, "so_far", say),
        "by_time": rate_of(row, "by_time", say),
    }
    return say.say(f"findings.funnel.{key if row.enough else 'few'}", **values)


def _drop(result: Funnel, say: Words) -> str:
    if result.drop_points:
        point = result.drop_points[0]
        share = say.numbers.interval(
            point.dropped_share, point.dropped_share_ci_lower, point.dropped_share_ci_upper
        )
        worth = ""
        if point.cost_amount > 0:
            amount = say.numbers.amount(point.cost_amount, result.currency)
            worth = say.say("findings.funnel.worth", amount=amount)
        key = "drop" if point.clear else "drop_unclear"
        return say.say(
            f"findings.funnel.{key}", step=point.step, dropped_n=point.dropped_n, share=share, worth=worth
        )
    told_rows = [row for row in result.steps if not math.isnan(row.so_far_rate) and row.enough]
    if not told_rows:
        return ""
    low = min(told_rows, key=lambda row: row.so_far_rate)
    return say.say(
        "findings.funnel.weakest", step=low.step, next_step=low.next_step, rate=rate_of(low, "so_far", say)
    )


def _grouped_finding(result: Funnel, say: Words, unsaid: str) -> Finding:
    known = [row for row in result.overall if row.enough and not math.isnan(row.by_time_rate)]
    if len(known) < 2:
        row = max(result.overall, key=lambda one: one.reached_n)
        return Finding(headline=_headline(result, row, say), detail="", unsaid=unsaid)
    low, high = (pick(known, key=lambda row: row.by_time_rate) for pick in (min, max))
    apart = low.by_time_ci_upper < high.by_time_ci_lower
    values = told(result, say) | {
        "low": say.numbers.percent(low.by_time_rate),
        "high": say.numbers.percent(high.by_time_rate),
        "low_group": group_name(result, low.group, say),
        "high_group": group_name(result, high.group, say),
        "low_rate": rate_of(low, "by_time", say),
        "high_rate": rate_of(high, "by_time", say),
    }
    return Finding(
        headline=say.say(f"findings.funnel.{'groups_apart' if apart else 'groups_alike'}", **values),
        detail=say.get("findings.funnel.groups_detail"),
        unsaid=unsaid,
    )


FUNNEL_VIEW = View(
    tables=(STEPS, DROPS, TIMES, VALUES, CURVES),
    finding=funnel_finding,
    charts={"funnel": "behaviour.funnel", "times": "behaviour.times"},
)


# ---- The trend ----------------------------------------------------------------------------------------------

TREND = Table(
    name="behaviour_trend",
    rows=lambda result: result.rows,
    stub=2,
    columns=(
        _GROUP,
        Column(field="period"),
        Column(field="arrived_n"),
        Column(field="through_n"),
        Column(field="running_n"),
        _PLAIN_RATE,
        Column(field="mature"),
        Column(field="trusted_from", keep=lambda _, rows: any(not row.mature for row in rows)),
    ),
)
BREAKS = Table(
    name="behaviour_breaks",
    rows=lambda result: result.breaks,
    stub=2,
    shown=lambda result: bool(result.breaks),
    columns=(
        _GROUP,
        Column(field="period"),
        Column(field="period_lower"),
        Column(field="period_upper"),
        rate_column("before"),
        rate_column("after"),
        Column(field="p_value"),
    ),
)


def trend_finding(result: Trend, say: Words) -> Finding:
    """Say the rate of the last mature period, and which changes the series shows."""
    unsaid = say.get("findings.trend.unsaid")
    if not result.n:
        return Finding(headline=say.get("behaviour.none"), detail="", unsaid=unsaid)
    values = told(result, say)
    ripe = [row for row in result.rows if row.mature and row.enough]
    headline = say.say("findings.trend.none", **values)
    if ripe:
        row = max(ripe, key=lambda one: one.starts)
        values |= {"rate": plain_rate(row, say), "arrived_n": row.arrived_n, "period_name": row.period}
        headline = say.say("findings.trend.mature", **values)
    return Finding(headline=headline, detail=_change(result, say), unsaid=unsaid)


def _change(result: Trend, say: Words) -> str:
    if not result.breaks:
        return say.get("findings.trend.steady")
    most = max(result.breaks, key=lambda one: abs(one.after_rate - one.before_rate))
    key = "breaks" if len(result.breaks) == 1 else "breaks_more"
    return say.say(
        f"findings.trend.{'group_break' if result.by else key}",
        group=group_name(result, most.group, say),
        breaks_n=len(result.breaks),
        break_period=most.period,
        lower=most.period_lower,
        upper=most.period_upper,
        before=rate_of(most, "before", say),
        after=rate_of(most, "after", say),
    )


TREND_VIEW = View(tables=(TREND, BREAKS), finding=trend_finding, charts={"trend": "behaviour.trend"})


# ---- Groups compared ----------------------------------------------------------------------------------------


def _verdict(_: Any, row: Any, say: Words) -> str:
    return say.get(f"verdicts.{row.verdict}")


GROUPS = Table(
    name="behaviour_groups",
    rows=lambda result: result.rows,
    columns=(
        Column(field="group", cell=_group),
        Column(field="arrived_n"),
        Column(field="through_n"),
        Column(field="running_n"),
        _PLAIN_RATE,
        Column(field="shrunken_rate", lower="shrunken_ci_lower", upper="shrunken_ci_upper", always=True),
        Column(field="difference", lower="difference_ci_lower", upper="difference_ci_upper"),
        Column(field="p_adjusted"),
        Column(field="verdict", cell=_verdict),
    ),
)


def groups_finding(result: BehaviourGroups, say: Words) -> Finding:
    """Say which groups differ by more than chance, or what changed at a date."""
    unsaid = say.get("findings.behaviour_groups.unsaid")
    if not result.n or not result.rows:
        return Finding(headline=say.get("behaviour.none"), detail="", unsaid=unsaid)
    clear = [row for row in result.rows if row.verdict in ("higher", "lower")]
    if result.at and len(result.rows) == 2:
        before, after = result.rows
        difference = say.numbers.points_interval(
            after.difference, after.difference_ci_lower, after.difference_ci_upper
        )
        headline = say.say(
            "findings.behaviour_groups.dates",
            at=result.at,
            before=plain_rate(before, say),
            before_n=before.arrived_n,
            after=plain_rate(after, say),
            after_n=after.arrived_n,
            difference=difference,
        )
        key = "dates_clear" if clear else "dates_unclear"
        return Finding(headline=headline, detail=say.get(f"findings.behaviour_groups.{key}"), unsaid=unsaid)
    named = [
        say.say(
            "findings.behaviour_groups.named",
            group=group_name(result, row.group, say),
            rate=plain_rate(row, say),
            arrived_n=row.arrived_n,
        )
        for row in clear
    ]
    values = {"names": name_some(named, say), "groups_n": len(result.rows)}
    return Finding(
        headline=say.say(f"findings.behaviour_groups.{'some' if clear else 'none'}", **values),
        detail=say.get("findings.behaviour_groups.detail"),
        unsaid=unsaid,
    )


GROUPS_VIEW = View(tables=(GROUPS,), finding=groups_finding, charts={"forest": "behaviour.forest"})


# ---- Retention and growth -----------------------------------------------------------------------------------

_CELL = (
    Column(field="place"),
    Column(field="seen_n"),
    Column(field="back_n"),
    _PLAIN_RATE,
    Column(field="complete"),
)
RETENTION = Table(name="behaviour_retention", rows=lambda result: result.rows, columns=_CELL)
TRIANGLE = Table(
    name="behaviour_triangle",
    rows=lambda result: result.cells,
    stub=2,
    shown=lambda _: False,
    columns=(Column(field="cohort"), *_CELL),
)


def kind_name(result: Retention, say: Words) -> str:
    """Return the kind of retention in words."""
    return say.say(f"behaviour.retention_kinds.{result.kind}", period=say.get(f"periods.{result.period}"))


def retention_finding(result: Retention, say: Words) -> Finding:
    """Say how many come back in the first period and in the last."""
    unsaid = say.get("findings.retention.unsaid")
    later = [row for row in result.rows if row.place > 0]
    if not later:
        return Finding(headline=say.get("findings.retention.none"), detail="", unsaid=unsaid)
    first, last = later[0], later[-1]
    kind = kind_name(result, say)
    return Finding(
        headline=say.say(
            "findings.retention.one",
            rate=plain_rate(first, say),
            seen_n=first.seen_n,
            kind=kind,
            when=say.get(f"behaviour.first.{result.period}"),
        ),
        detail=say.say(
            "findings.retention.last",
            rate=plain_rate(last, say),
            seen_n=last.seen_n,
            when=say.say(f"behaviour.nth.{result.period}", place=last.place),
        )
        if last is not first
        else "",
        unsaid=unsaid,
    )


RETENTION_VIEW = View(
    tables=(RETENTION, TRIANGLE), finding=retention_finding, charts={"triangle": "behaviour.triangle"}
)


def _has(field: str) -> Any:
    return lambda _, rows: any(not math.isnan(getattr(row, field)) for row in rows)


GROWTH = Table(
    name="behaviour_growth",
    rows=lambda result: result.rows,
    strong=lambda row: not row.group,
    columns=(
        Column(field="group", cell=_group),
        Column(field="acquired_n"),
        Column(field="acquired_share"),
        Column(field="followed_n"),
        rate_column("activated", keep=_has("activated_rate")),
        rate_column("retained"),
        rate_column("paid", keep=_has("paid_rate")),
        Column(field="revenue_amount", keep=_has("revenue_amount")),
        Column(field="cautious_amount", keep=_has("cautious_amount")),
        Column(field="top_share", keep=_has("top_share")),
        Column(
            field="referral_factor", keep=_has("referral_factor"), cell=lambda _, row, say: _factor(row, say)
        ),
    ),
)


def _factor(row: Any, say: Words) -> str:
    shown = [f"{one:.2f}" for one in (row.referral_factor, row.referral_ci_lower, row.referral_ci_upper)]
    if math.isnan(row.referral_factor):
        return say.get("language.none")
    return say.say("language.interval", value=shown[0], lower=shown[1], upper=shown[2])


def growth_finding(result: Growth, say: Words) -> Finding:
    """Say the five measures of all people together."""
    unsaid = say.get("findings.growth.unsaid")
    if not result.n:
        return Finding(headline=say.get("behaviour.none"), detail="", unsaid=unsaid)
    row = result.rows[0]
    values = told(result, say) | {
        "acquired_n": row.acquired_n,
        "followed_n": row.followed_n,
        **{name: rate_of(row, name, say) for name in ("activated", "retained", "paid")},
    }
    parts = []
    if not math.isnan(row.revenue_amount):
        money = [
            say.numbers.amount(one, result.currency) for one in (row.revenue_amount, row.cautious_amount)
        ]
        top = say.numbers.percent(row.top_share)
        parts.append(say.say("findings.growth.money", revenue=money[0], cautious=money[1], top=top))
    if not math.isnan(row.referral_factor):
        parts.append(say.say("findings.growth.factor", factor=_factor(row, say)))
    return Finding(
        headline=say.say("findings.growth.headline", **values),
        detail=say.get("language.sentence").join(parts),
        unsaid=unsaid,
    )


GROWTH_VIEW = View(tables=(GROWTH,), finding=growth_finding, charts={"growth": "behaviour.growth"})
