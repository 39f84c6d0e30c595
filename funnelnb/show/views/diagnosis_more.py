"""How wandering deals, descriptive statistics, trends, breaks and unit costs are shown, and what they say."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from funnelnb.core.check import TOO_FEW_N
from funnelnb.show.tables.table import Column, Table
from funnelnb.show.text.words import stage_name
from funnelnb.show.views.registry import Finding, View, name_some

if TYPE_CHECKING:
    from funnelnb.analysis.diagnosis.costs import UnitCosts
    from funnelnb.analysis.diagnosis.describe import Description
    from funnelnb.analysis.diagnosis.sales import SalesTrend, SeriesBreaks
    from funnelnb.analysis.diagnosis.wander import Wander
    from funnelnb.show.text.words import Words


# ---- How deals wander ---------------------------------------------------------------------------------------


def path_name(result: Any, path: str, say: Words) -> str:
    """Write a path by the names of its stages."""
    if path == "longer":
        return say.get("wander.longer")
    return say.get("wander.arrow").join(stage_name(result, one, say) for one in path.split(" > "))


def place_name(result: Any, place: str, say: Words) -> str:
    """Return what a place of a move is called: a stage, or an end."""
    return say.find(f"wander.places.{place}") or stage_name(result, place, say)


PATHS = Table(
    name="wander",
    rows=lambda result: result.paths,
    columns=(
        Column(field="path", cell=lambda result, row, say: path_name(result, row.path, say)),
        Column(field="closed_n"),
        Column(field="path_share"),
        Column(field="won_n"),
        Column(field="win_rate", lower="win_ci_lower", upper="win_ci_upper", always=True),
        Column(field="median_days"),
    ),
)
BALANCE = Table(
    name="wander_balance",
    rows=lambda result: result.balance,
    columns=(
        Column(field="stage", cell=lambda result, row, say: stage_name(result, row.stage, say)),
        *(
            Column(field=f"{name}_n")
            for name in ("entered", "advanced", "skipped", "back", "lost", "left", "still")
        ),
    ),
)
MONEY = Table(
    name="wander_money",
    rows=lambda result: result.balance,
    columns=(
        Column(field="stage", cell=lambda result, row, say: stage_name(result, row.stage, say)),
        *(
            Column(field=f"{name}_amount")
            for name in ("entered", "advanced", "skipped", "back", "lost", "left", "still")
        ),
    ),
)
ROUNDS = Table(
    name="wander_rounds",
    rows=lambda result: result.rounds,
    columns=(
        Column(field="again_n"),
        Column(field="deal_n"),
        Column(field="deal_share"),
        Column(field="win_rate", lower="win_ci_lower", upper="win_ci_upper", always=True),
    ),
)
MOVES = Table(
    name="wander_moves",
    rows=lambda result: result.moves,
    stub=2,
    columns=(
        Column(field="origin", cell=lambda result, row, say: place_name(result, row.origin, say)),
        Column(field="target", cell=lambda result, row, say: place_name(result, row.target, say)),
        Column(field="move_n"),
        Column(field="deal_n"),
        Column(field="move_amount"),
    ),
    shown=lambda _: False,
)


def wander_finding(result: Wander, say: Words) -> Finding:
    """Say how many deals go straight, skip, go back or come back, and the most usual path that wins."""
    headline = say.say(
        "wander.headline",
        straight=say.say("why_lost.some", n=say.numbers.count(result.straight_n))
        if result.n < TOO_FEW_N
        else say.numbers.percent(result.straight_n / result.n),
        n=say.numbers.count(result.n),
        skipping_n=result.skipping_n,
        returning_n=result.returning_n,
    )
    parts = []
    if result.reopened_n:
        parts.append(say.say("wander.reopened", reopened_n=result.reopened_n))
    winning = [row for row in result.paths if row.won_n]
    if winning:
        row = max(winning, key=lambda one: one.won_n)
        parts.append(
            say.say(
                f"wander.{'path_only' if math.isnan(row.win_rate) else 'path'}",
                path=path_name(result, row.path, say), won_n=row.won_n,
                rate=say.numbers.interval(row.win_rate, row.win_ci_lower, row.win_ci_upper), days=row.median_days,
            )
        )  # fmt: skip
    if result.circulates:
        again = sum(row.deal_n for row in result.rounds if row.again_n)
        parts.append(say.say("wander.circulates", again_n=again))
    if result.referral_n >= 0 and not math.isnan(result.referral_win_rate + result.other_win_rate):
        parts.append(
            say.say(
                "wander.referred", referral_n=result.referral_n,
                rate=say.numbers.percent(result.referral_win_rate), other=say.numbers.percent(result.other_win_rate),
            )
        )  # fmt: skip
    return Finding(
        headline=headline, detail=say.get("language.sentence").join(parts), unsaid=say.get("wander.unsaid")
    )


WANDER_VIEW = View(
    tables=(PATHS, BALANCE, MONEY, ROUNDS, MOVES), finding=wander_finding, charts={"arcs": "diagnosis.arcs"}
)


# ---- Descriptive statistics ---------------------------------------------------------------------------------


def _mean(_: Any, row: Any, say: Words) -> str:
    ends = [say.numbers.amount(one) for one in (row.mean_amount, row.mean_ci_lower, row.mean_ci_upper)]
    if math.isnan(row.mean_ci_lower):
        return ends[0]
    return say.say("symptoms.between", value=ends[0], lower=ends[1], upper=ends[2])


DESCRIBED = Table(
    name="describe",
    rows=lambda result: result.rows,
    strong=lambda row: not row.group,
    columns=(
        Column(field="group", keep=lambda result, _: bool(result.by)),
        Column(field="value_n"),
        Column(field="median_amount"),
        Column(field="mean_ci_lower", head="mean", cell=_mean),
        Column(field="mode_amount"),
        Column(field="sd_amount"),
        Column(field="first_quartile_amount"),
        Column(field="third_quartile_amount"),
        Column(field="low_amount"),
        Column(field="high_amount"),
        Column(field="range_amount"),
        Column(field="outlier_n"),
    ),
)
OUTLIERS = Table(
    name="describe_outliers",
    rows=lambda result: result.outliers[:10],
    columns=(
        Column(field="name"),
        Column(field="outlier_amount"),
        Column(field="side", cell=lambda _, row, say: say.get(f"describe.sides.{row.side}")),
    ),
    shown=lambda result: bool(result.outliers) and any(one.name for one in result.outliers),
)


def describe_finding(result: Description, say: Words) -> Finding:
    """Say what is typical, how far it is spread, and whether the mean misleads."""
    row = result.rows[0]
    money = {
        name: say.numbers.amount(getattr(row, f"{name}_amount"), result.currency)
        for name in ("median", "mean", "first_quartile", "third_quartile", "without", "low", "high")
    }
    alike = "_alike" if row.first_quartile_amount == row.third_quartile_amount else ""
    headline = say.say(f"describe.headline{alike}.{result.of}", n=row.value_n, **money)
    parts = [say.say("describe.misleads" if row.misleads else "describe.agrees", **money)]
    if row.outlier_n:
        parts.append(say.say("describe.outliers", outlier_n=row.outlier_n, **money))
    if row.mode_n > 1:
        mode = say.numbers.amount(row.mode_amount, result.currency)
        parts.append(say.say("describe.mode", mode=mode, mode_n=row.mode_n))
    return Finding(
        headline=headline, detail=say.get("language.sentence").join(parts), unsaid=say.get("describe.unsaid")
    )


DESCRIPTION_VIEW = View(tables=(DESCRIBED, OUTLIERS), finding=describe_finding, charts={})


# ---- Trends and breaks --------------------------------------------------------------------------------------


def _limits(result: Any, row: Any, say: Words) -> str:
    if math.isnan(row.lower_limit):
        return say.get("language.none")
    write = say.numbers.amount if result.measure == "amount" else say.numbers.count
    return say.say("sales.limits", lower=write(row.lower_limit), upper=write(row.upper_limit))


def _signal(_: Any, row: Any, say: Words) -> str:
    if not row.judged:
        return say.get("sales.not_judged")
    return say.get(f"sales.signals.{row.signal}") if row.signal else ""


SALES = Table(
    name="sales_trend",
    rows=lambda result: [row for row in result.rows if not row.group],
    columns=(
        Column(field="period"),
        Column(field="sales_n"),
        Column(
            field="sales_amount",
            keep=lambda result, rows: (
                result.measure != "entries" and not all(math.isnan(row.sales_amount) for row in rows)
            ),
        ),
        Column(field="lower_limit", head="limits", cell=_limits),
        Column(field="signal", cell=_signal),
    ),
)
EACH = Table(
    name="sales_trend_groups", rows=lambda result: [row for row in result.rows if row.group], columns=(),
    shown=lambda _: False,
)  # fmt: skip


def _level(side: str) -> Any:
    def cell(result: Any, row: Any, say: Words) -> str:
        value, lower, upper = (getattr(row, f"{side}_{part}") for part in ("value", "ci_lower", "ci_upper"))
        write = say.numbers.percent if _rates(result) else _plain
        return say.say("symptoms.between", value=write(value), lower=write(lower), upper=write(upper))

    return cell


def _rates(result: Any) -> bool:
    """Return whether a series is one of rates; few orders a week are still counts."""
    return getattr(result, "kind", "counts") == "rates"


def _plain(value: float) -> str:
    return f"{value:.1f}"


_BREAK = (
    Column(field="group"),
    Column(field="period"),
    Column(
        field="period_lower",
        head="between",
        cell=lambda _, row, say: say.say("sales.between", lower=row.period_lower, upper=row.period_upper),
    ),
    Column(field="before_value", cell=_level("before")),
    Column(field="after_value", cell=_level("after")),
    Column(field="p_value"),
)
BREAKS = Table(
    name="sales_trend_breaks", rows=lambda result: result.breaks, columns=_BREAK,
    shown=lambda result: bool(result.breaks),
)  # fmt: skip
SERIES = Table(name="breaks", rows=lambda result: result.breaks, columns=_BREAK[1:])


def sales_finding(result: SalesTrend, say: Words) -> Finding:
    """Say which periods are beyond chance, whether a season was taken out, and when the level changed."""
    whole = [row for row in result.rows if not row.group]
    judged = [row for row in whole if row.judged and not math.isnan(row.centre)]
    out = [row for row in judged if row.signal in ("above", "below")]
    parts = []
    if not judged:
        headline = say.say("sales.too_few", periods_n=sum(row.judged for row in whole))
    elif out:
        names = [
            say.say("sales.out", period=row.period, signal=say.get(f"sales.signals.{row.signal}"))
            for row in out
        ]
        headline = say.say(
            "sales.headline", out_n=len(out), periods_n=len(judged), names=name_some(names, say)
        )
        parts.append(say.get("sales.ask"))
    else:
        moved = any(not one.group for one in result.breaks)
        headline = say.say("sales.quiet_but" if moved else "sales.quiet", periods_n=len(judged))
    runs = [row for row in judged if row.signal.startswith("run")]
    if runs:
        parts.append(say.say(f"sales.{runs[-1].signal}", period=runs[-1].period))
    mine = [one for one in result.breaks if not one.group]
    parts += [_broken(result, one, say) for one in mine[-2:]]
    if result.seasonal:
        parts.append(say.get("sales.seasonal"))
    return Finding(
        headline=headline, detail=say.get("language.sentence").join(parts), unsaid=say.get("sales.unsaid")
    )


def _period(label: Any, say: Words) -> str:
    """Return what a period is called: a bare number is said to be that of a period."""
    return (
        say.say("sales.numbered", number=label)
        if str(label).isdigit() and len(str(label)) < 4
        else str(label)
    )


def _broken(result: Any, one: Any, say: Words) -> str:
    write = say.numbers.percent if _rates(result) else _plain
    key = "sales.broke_at" if one.period_lower == one.period_upper else "sales.broke"
    return say.say(
        key, period=_period(one.period, say), lower=one.period_lower, upper=one.period_upper,
        before=write(one.before_value), after=write(one.after_value),
    )  # fmt: skip


def breaks_finding(result: SeriesBreaks, say: Words) -> Finding:
    """Say when the series changed."""
    if not result.breaks:
        return Finding(
            headline=say.say("sales.no_break", periods_n=len(result.labels)), detail="",
            unsaid=say.get("sales.break_unsaid"),
        )  # fmt: skip
    told = [_broken(result, one, say) for one in result.breaks]
    return Finding(
        headline=told[0],
        detail=say.get("language.sentence").join(told[1:]),
        unsaid=say.get("sales.break_unsaid"),
    )


SALES_TREND_VIEW = View(
    tables=(SALES, BREAKS, EACH),
    finding=sales_finding,
    charts={"control": "diagnosis.control", "bars": "diagnosis.sales_bars"},
)
SERIES_BREAKS_VIEW = View(tables=(SERIES,), finding=breaks_finding, charts={})


# ---- Unit costs ---------------------------------------------------------------------------------------------


def _per(name: str) -> Column:
    def cell(_: Any, row: Any, say: Words) -> str:
        values = [getattr(row, f"per_{name}_{part}") for part in ("amount", "ci_lower", "ci_upper")]
        if math.isnan(values[0]):
            return say.get("language.none")
        ends = [say.numbers.amount(one) for one in values]
        if math.isnan(values[2]):
            return ends[0]
        return say.say("symptoms.between", value=ends[0], lower=ends[1], upper=ends[2])

    return Column(field=f"per_{name}_ci_lower", head=f"per_{name}", cell=cell)


COSTS = Table(
    name="unit_costs",
    rows=lambda result: result.rows,
    strong=lambda row: not row.group,
    columns=(
        Column(field="group"),
        Column(field="spent_amount"),
        Column(field="lead_n"),
        _per("lead"),
        Column(field="opportunity_n"),
        _per("opportunity"),
        Column(field="order_n"),
        _per("order"),
        Column(field="of_orders_share"),
    ),
)


_COST_SAID = {
    ("order", "share", "lead"): "headline",
    ("order", "share"): "without_lead",
    ("order", "lead"): "without_share",
    ("order",): "order_only",
}
"""What is known of the cost of an order -> the sentence that says it."""


def costs_finding(result: UnitCosts, say: Words) -> Finding:
    """Say what an order costs, and where it is dearest and cheapest."""
    whole, *others = result.rows

    def money(value: float) -> str:
        return say.numbers.amount(value, result.currency)

    if not whole.order_n:
        headline = say.say("unit_costs.no_orders", amount=money(whole.spent_amount))
    else:
        ends = [
            money(one) for one in (whole.per_order_amount, whole.per_order_ci_lower, whole.per_order_ci_upper)
        ]
        cost = say.say("symptoms.between", value=ends[0], lower=ends[1], upper=ends[2])
        told = {"order": cost}
        if not math.isnan(whole.of_orders_share):
            told["share"] = say.numbers.percent(whole.of_orders_share)
        if not math.isnan(whole.per_lead_amount):
            told["lead"] = money(whole.per_lead_amount)
        headline = say.say(f"unit_costs.{_COST_SAID[tuple(told)]}", **told)
    known = [row for row in others if row.enough]
    parts = []
    if len(known) > 1 and result.by != ("period",):
        dear = max(known, key=lambda row: row.per_order_amount)
        cheap = min(known, key=lambda row: row.per_order_amount)
        clear = dear.per_order_ci_lower > cheap.per_order_ci_upper
        parts.append(
            say.say(
                "unit_costs.apart" if clear else "unit_costs.alike", dear=say.group(dear.group),
                dear_cost=money(dear.per_order_amount), cheap=say.group(cheap.group),
                cheap_cost=money(cheap.per_order_amount),
            )
        )  # fmt: skip
    return Finding(
        headline=headline,
        detail=say.get("language.sentence").join(parts),
        unsaid=say.get("unit_costs.unsaid"),
    )


UNIT_COSTS_VIEW = View(tables=(COSTS,), finding=costs_finding, charts={})
