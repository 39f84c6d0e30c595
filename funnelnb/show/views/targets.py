"""How targets are shown: quota, shares, reverse funnel, levers, mixes, integrity; and what they say.

Longer than most modules: the views of one target stand together, so that their sentences agree.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.show.tables.table import CUSTOMER, Column, Table, placeholders
from funnelnb.show.text.words import stage_name
from funnelnb.show.views.registry import Finding, View, name_some, no_deals, no_open_deals, unjudged
from funnelnb.show.views.rounding import assured_step, at_least, summed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.analysis.targets.integrity import Integrity
    from funnelnb.analysis.targets.levers import Levers
    from funnelnb.analysis.targets.mix import BandRow, DealMix
    from funnelnb.analysis.targets.quota import Quota
    from funnelnb.analysis.targets.reverse import ReverseFunnel
    from funnelnb.analysis.targets.shares import FairShares
    from funnelnb.analysis.targets.target import Target
    from funnelnb.show.text.words import Words


# ---- How a weighted pipeline is shown: stages and groups with their weights; and what they make likely -----


def _quota_stage(result: Any, row: Any, say: Words) -> str:
    return stage_name(result, row.stage, say) if row.stage else say.get("targets.total")


def _grouped(result: Any, _: Sequence[Any]) -> bool:
    return bool(result.by)


_CHOSEN = {"playbook": "model", "given": "own", "measured": "measured"}


def _beside(name: str) -> Any:
    """Keep a column of other weights where there are such weights and they are not those asked for."""
    return lambda result, rows: (
        _CHOSEN[result.weights] != name
        and any(not math.isnan(getattr(row, f"{name}_amount")) for row in rows)
    )


QUOTA_ROWS = Table(
    name="quota",
    rows=lambda result: result.rows,
    stub=2,
    strong=lambda row: not row.stage,
    columns=(
        Column(field="group", keep=_grouped),
        Column(field="stage", cell=_quota_stage),
        *(
            Column(field=name)
            for name in ("open_n", "open_amount", "weight_rate", "weighted_amount", "quota_share")
        ),
        *(Column(field=f"{name}_amount", keep=_beside(name)) for name in ("model", "own", "measured")),
    ),
)
QUOTA_CURVE = Table(name="attain", rows=lambda result: (result.curve,), shown=lambda _: False, columns=())


def quota_finding(result: Quota, say: Words) -> Finding:
    """Say what the pipeline is worth, how likely the target is, and what is attained with assurance."""
    unsaid = say.get("findings.quota.unsaid")
    if not result.n:
        return Finding(headline=no_open_deals(result, say, "targets.no_open"), detail="", unsaid=unsaid)
    step = assured_step(result, result.expected_amount)
    expected, weighted, new = summed(
        result.expected_amount, result.won_amount, result.weighted_amount, result.new_amount, step=step
    )
    amounts = {
        "weighted": weighted, "won": result.won_amount, "new": new, "expected": expected,
        "target": result.target_amount, "assured": at_least(result.assured_amount, step),
    }  # fmt: skip
    values = placeholders(result, say) | {
        name: say.numbers.amount(one, result.currency) for name, one in amounts.items()
    }
    values |= {"open_n": result.n, "until": result.until}
    parts = []
    if not math.isnan(result.target_amount):
        parts.append("chance" if result.new_n > 0 else "chance_open")
    if result.assured_amount > 0:
        parts.append("assured")
    return Finding(
        headline=say.say(
            "findings.quota.expected" if result.new_n > 0 else "findings.quota.weighted", **values
        ),
        detail=say.get("language.sentence").join(
            say.say(f"findings.quota.{part}", **values) for part in parts
        ),
        unsaid=unsaid,
    )


QUOTA_VIEW = View(tables=(QUOTA_ROWS, QUOTA_CURVE), finding=quota_finding, charts={"total": "targets.total"})


# ---- How fair shares are shown: one row per part; and what they say ----------------------------------------


def _limited(_: Any, rows: Sequence[Any]) -> bool:
    return any(math.isfinite(row.capacity_amount) for row in rows)


def _capacity(_: Any, row: Any, say: Words) -> str:
    return (
        say.get("language.none")
        if math.isinf(row.capacity_amount)
        else say.numbers.amount(row.capacity_amount)
    )


SHARES_ROWS = Table(
    name="shares",
    rows=lambda result: result.rows,
    columns=(
        Column(field="group"),
        Column(field="open_n"),
        *(Column(field=name) for name in ("pipeline_amount", "new_amount", "potential_amount")),
        Column(field="capacity_amount", cell=_capacity, keep=_limited),
        Column(field="target_share"),
        Column(field="target_amount"),
        Column(field="stretch"),
    ),
)


def shares_finding(result: FairShares, say: Words) -> Finding:
    """Say who takes most of the target, and what nobody can carry."""
    unsaid = say.get("findings.shares.unsaid")
    if not result.rows:
        return Finding(headline=say.get("words.none_at_all"), detail="", unsaid=unsaid)
    ranked = sorted(result.rows, key=lambda row: -row.target_amount)
    carrying = [row for row in ranked if row.target_share > 0]
    without = [say.group(row.group) for row in ranked if not row.target_share > 0] if carrying else []
    named = [
        say.say(
            "findings.shares.named", group=say.group(row.group), share=say.numbers.percent(row.target_share)
        )
        for row in carrying or ranked
    ]
    values = placeholders(result, say) | {
        "amount": say.numbers.amount(result.target_amount, result.currency),
        "parts": name_some(named, say),
        "left": say.numbers.amount(result.unplaced_amount, result.currency),
        "until": result.until,
    }
    full = [say.group(row.group) for row in result.rows if row.at_capacity]
    values |= {"full": name_some(full, say), "without": name_some(without, say)}
    known = {"full": full, "left": result.unplaced_amount > 0, "without": without}
    parts = [name for name, there in known.items() if there]
    return Finding(
        headline=say.say("findings.shares.headline", **values),
        detail=say.get("language.sentence").join(
            say.say(f"findings.shares.{part}", **values) for part in parts
        ),
        unsaid=unsaid,
    )


SHARES_VIEW = View(tables=(SHARES_ROWS,), finding=shares_finding, charts={})


# ---- How a reverse funnel is shown: one row per stage with what is needed there, and by when --------------


def _reverse_stage(result: Any, row: Any, say: Words) -> str:
    return stage_name(result, row.stage, say)


def needed(value: int, say: Words) -> str:
    """Write a number needed; -1 says that no number is enough."""
    return say.get("targets.none_enough") if value < 0 else say.numbers.count(value)


def _unknown(row: Any) -> bool:
    return math.isnan(row.win_rate)


def _needed(_: Any, row: Any, say: Words) -> str:
    return say.get("language.none") if _unknown(row) else needed(row.needed_n, say)


def _plug_in(_: Any, row: Any, say: Words) -> str:
    return say.get("language.none") if _unknown(row) else needed(row.plug_in_n, say)


def _in_by(_: Any, row: Any, say: Words) -> str:
    return say.get("targets.too_late") if row.too_late else say.numbers.date(row.in_by)


def _dated(result: Any, _: Sequence[Any]) -> bool:
    return not bool(np.isnat(result.until))


def _standing(result: Any, row: Any, say: Words) -> str:
    return say.get("language.none") if row is result.signed else say.numbers.count(row.open_n)


def _measured(result: Any, _: Sequence[Any]) -> bool:
    return bool(result.measured)


def _given(result: Any, _: Sequence[Any]) -> bool:
    return not result.measured


REVERSE_ROWS = Table(
    name="reverse",
    rows=lambda result: (*result.rows, result.signed),
    columns=(
        Column(field="stage", cell=_reverse_stage),
        Column(field="win_rate", lower="win_ci_lower", upper="win_ci_upper", keep=_measured),
        Column(field="win_rate", keep=_given),
        Column(field="needed_n", cell=_needed),
        Column(field="plug_in_n", cell=_plug_in),
        Column(field="plug_in_rate"),
        Column(field="open_n", cell=_standing, keep=_measured),
        Column(field="median_days", keep=_measured),
        Column(field="lead_days", keep=_measured),
        Column(field="in_by", cell=_in_by, keep=_dated),
    ),
)


def reverse_finding(result: ReverseFunnel, say: Words) -> Finding:
    """Say how many leads the wins need, how short the plain division falls, and what is too late."""
    known = [row for row in result.rows if not _unknown(row)]
    if not known:
        unsaid = say.get("findings.reverse.unsaid")
        why = no_deals(result, say) if unjudged(result) else say.get("findings.reverse.unknown")
        return Finding(headline=why, detail="", unsaid=unsaid)
    first = known[0]
    values = placeholders(result, say) | {
        "stage": stage_name(result, first.stage, say),
        "needed": needed(first.needed_n, say),
        "plug_in": needed(first.plug_in_n, say),
        "plug_in_rate": first.plug_in_rate,
        "in_by": first.in_by,
        "until": result.until,
    }
    if any(note.code == "no_wins" for note in result.notes):
        headline = say.say("findings.reverse.no_wins", **values)
        return Finding(headline=headline, detail="", unsaid=say.get("findings.reverse.unsaid"))
    key = "none" if first.needed_n < 0 else "headline"
    late = [stage_name(result, row.stage, say) for row in result.rows if row.too_late]
    if late:
        key = "late" if key == "headline" else key
    parts = ["plug_in"] if first.plug_in_n > 0 and key != "none" else []
    if _dated(result, ()) and not np.isnat(first.in_by) and key != "none":
        parts.append("too_late" if late else "dated")
    values |= {"stages": say.numbers.join(late), "late_n": len(late)}
    return Finding(
        headline=say.say(f"findings.reverse.{key}", **values),
        detail=say.get("language.sentence").join(
            say.say(f"findings.reverse.{part}", **values) for part in parts
        ),
        unsaid=say.get("findings.reverse.unsaid"),
    )


REVERSE_VIEW = View(tables=(REVERSE_ROWS,), finding=reverse_finding, charts={"reverse": "targets.reverse"})


# ---- How levers are shown: the chance of the target with each moved down and up; and which to pull ---------


def lever_name(result: Levers, lever: str, say: Words) -> str:
    """Return what a lever is called: leads, size, speed, or the step out of a stage."""
    known = say.find(f"targets.levers.{lever}")
    if known is not None and lever not in result.stage_ids:
        return known
    return say.say("targets.levers.step", stage=stage_name(result, lever, say))


def _lever(result: Any, row: Any, say: Words) -> str:
    return lever_name(result, row.lever, say)


def _effort(_: Any, rows: Sequence[Any]) -> bool:
    return any(row.effort != 1 for row in rows)


LEVERS_ROWS = Table(
    name="levers",
    rows=lambda result: result.rows,
    columns=(
        Column(field="lever", cell=_lever),
        Column(field="low_rate"),
        Column(field="high_rate"),
        Column(field="gain"),
        Column(field="swing"),
        Column(field="effort", keep=_effort),
        Column(field="gain_per_effort", keep=_effort),
    ),
)


def levers_finding(result: Levers, say: Words) -> Finding:
    """Say which lever moves the chance most."""
    first, last = result.rows[0], result.rows[-1]
    values = placeholders(result, say) | {
        "first": lever_name(result, first.lever, say),
        "last": lever_name(result, last.lever, say),
        "first_rate": first.high_rate,
        "last_rate": last.high_rate,
        "amount": say.numbers.amount(result.target_amount, result.currency),
    }
    return Finding(
        headline=say.say("findings.levers.headline", **values),
        detail=say.say(f"findings.levers.{'detail' if np.isnat(result.until) else 'detail_even'}", **values),
        unsaid=say.get("findings.levers.unsaid"),
    )


LEVERS_VIEW = View(tables=(LEVERS_ROWS,), finding=levers_finding, charts={"tornado": "targets.tornado"})


# ---- How mixes of deal sizes are shown: the bands, the plan, mixes by effort; and what they say ------------


def band_name(row: BandRow, say: Words, currency: str = "") -> str:
    """Return what a band is called: the attribute's value, or its bounds with their currency."""
    if row.band or math.isnan(row.lower_amount):
        return say.value(row.band)
    if math.isinf(row.upper_amount):
        return say.say("targets.band_above", low=say.numbers.amount(row.lower_amount, currency))
    if row.lower_amount == 0:
        return say.say("targets.band_below", high=say.numbers.amount(row.upper_amount, currency))
    ends = {"low": say.numbers.amount(row.lower_amount), "high": say.numbers.amount(row.upper_amount)}
    return say.numbers.money(say.say("targets.band_between", **ends), currency)


def _band(result: Any, row: Any, say: Words) -> str:
    return band_name(row, say, result.currency)


def _known(_: Any, row: Any, say: Words) -> str:
    return say.get("targets.measured" if row.measured else "targets.assumed")


def _count(field: str) -> Any:
    def cell(_: Any, row: Any, say: Words) -> str:
        value = getattr(row, field)
        return say.get("language.none") if value < 0 else say.numbers.count(value)

    return cell


def _planned(result: Any, _: Sequence[Any]) -> bool:
    return result.plan is not None


def _cheapest(result: Any, _: Sequence[Any]) -> bool:
    return result.cheapest is not None


BANDS = Table(
    name="mix_bands",
    rows=lambda result: result.bands,
    columns=(
        Column(field="band", cell=_band),
        Column(field="history_n"),
        Column(field="history_share", lower="history_ci_lower", upper="history_ci_upper"),
        Column(field="mean_amount"),
        Column(field="measured", cell=_known),
        Column(field="effort"),
        Column(field="plan_n", cell=_count("plan_n"), keep=_planned),
        Column(field="needed_mean_amount", keep=_planned),
        Column(field="cheapest_n", cell=_count("cheapest_n"), keep=_cheapest),
    ),
)
MIXES = Table(
    name="mixes",
    rows=lambda result: result.mixes,
    stub=2,
    columns=(
        Column(field="rank"),
        Column(field="mix"),
        *(Column(field=name) for name in ("deal_n", "effort", "expected_amount", "chance_rate")),
    ),
)
FRONTIER = Table(
    name="frontier", rows=lambda result: result.frontier, shown=lambda _: False, columns=MIXES.columns
)
DEAL_MIX_CURVE = Table(
    name="chance_by_n", rows=lambda result: (result.curve,), shown=lambda _: False, columns=()
)
TOTALS = Table(name="totals", rows=lambda result: result.totals, shown=lambda _: False, columns=())


def deal_mix_finding(result: DealMix, say: Words) -> Finding:
    """Say how many deals the target needs, what the plan is worth, and which mix is the cheapest that is sure."""
    money = say.numbers.amount(result.target_amount, result.currency)
    values = placeholders(result, say) | {"amount": money}
    parts = []
    if result.plan is not None:
        values |= {"plan": result.plan.mix, "plan_rate": result.plan.chance_rate}
        values |= {"plan_amount": say.numbers.amount(result.plan.expected_amount, result.currency)}
        parts.append("plan" if result.plan_factor > 1 else "plan_enough")
    if result.cheapest is not None:
        kind = "unit" if round(result.cheapest.effort) == 1 else "units"
        unit = say.find(f"targets.{kind}.{result.effort_unit}") or result.effort_unit
        values |= {
            "mix": result.cheapest.mix,
            "mix_rate": result.cheapest.chance_rate,
            "effort": f"{result.cheapest.effort:,.0f}",
            "unit": unit or say.get(f"targets.{kind}.effort"),
        }
        parts.append("cheapest")
    return Finding(
        headline=say.say(
            f"findings.mix.{'headline' if result.average_n < result.required_n else 'exact'}", **values
        ),
        detail=say.get("language.sentence").join(say.say(f"findings.mix.{part}", **values) for part in parts),
        unsaid=say.get("findings.mix.unsaid"),
    )


DEAL_MIX_VIEW = View(
    tables=(BANDS, MIXES, FRONTIER, DEAL_MIX_CURVE, TOTALS),
    finding=deal_mix_finding,
    charts={"total": "targets.total", "frontier": "targets.frontier", "chance": "targets.chance"},
)


# ---- How a target is shown: its parts, the leads and the mixes behind it; and how likely it is -------------


def _part(_: Any, row: Any, say: Words) -> str:
    side = "" if row.part != "gap" else "_over" if row.amount < 0 else "_short"
    return say.get(f"targets.parts.{row.part}{side}")


def _size(field: str) -> Any:
    """Return how the size of a part is written: what is ahead of the target has no minus, its label says it."""

    def cell(result: Any, row: Any, say: Words) -> str:
        value = abs(getattr(row, field)) if row.part == "gap" else getattr(row, field)
        if field == "deal_n":
            return say.numbers.tenths(value)
        if field != "amount":
            return say.numbers.cell(value, say.unit(field))
        return say.numbers.bare_amount(value, say.numbers.scale(one.amount for one in result.rows))

    return cell


TARGET_ROWS = Table(
    name="target",
    rows=lambda result: result.rows,
    strong=lambda row: row.part in ("target", "gap"),
    columns=(
        Column(field="part", cell=_part),
        *(Column(field=name, cell=_size(name)) for name in ("amount", "part_share", "deal_n")),
    ),
)


def target_finding(result: Target, say: Words) -> Finding:
    """Say how likely the target is, how many wins it needs, and from how many leads until when."""
    expected = math.fsum(row.amount for row in result.rows if row.part in ("won", "open", "new"))
    assured = at_least(result.assured_amount, assured_step(result, expected))
    money = {
        name: say.numbers.amount(one, result.currency)
        for name, one in (("target", result.target_amount), ("assured", assured))
    }
    values = (
        placeholders(result, say)
        | money
        | {"until": result.until, "open_wins": say.numbers.tenths(result.open_wins_n)}
    )
    first_said = ["assured"] if result.assured_amount > 0 else []
    parts = ["wins"] if result.wins_n else ["reached"]
    rows = (
        [] if result.funnel is None else [row for row in result.funnel.rows if not math.isnan(row.win_rate)]
    )
    if result.wins_n and result.chance_rate >= result.assurance_rate:
        parts = ["enough"]
    elif rows:
        first = rows[0]
        values |= {
            "needed": needed(first.needed_n, say),
            "stage": stage_name(result, first.stage, say),
            "in_by": first.in_by,
        }
        parts.append("no_number" if first.needed_n < 0 else "late" if first.too_late else "leads")
    elif result.wins_n and result.funnel is None:
        parts.append("open_enough")
    return Finding(
        headline=say.say("findings.target.headline", **values),
        detail=say.get("language.sentence").join(
            say.say(f"findings.target.{part}", **values) for part in (*first_said, *parts)
        ),
        unsaid=say.get("findings.target.unsaid"),
    )


TARGET_VIEW = View(
    tables=(TARGET_ROWS,),
    finding=target_finding,
    charts={"total": "targets.total", "reverse": "targets.reverse", "frontier": "targets.frontier"},
)


# ---- How the checks of honesty are shown: what was found, by whom, and which deals ------------------------


def _check(_: Any, row: Any, say: Words) -> str:
    return say.get(f"targets.checks.{row.check}")


def _integrity_stage(result: Any, row: Any, say: Words) -> str:
    return stage_name(result, row.stage, say)


def _furthest(result: Any, row: Any, say: Words) -> str:
    return stage_name(result, row.furthest_stage, say)


def _by_person(result: Any, _: Sequence[Any]) -> bool:
    return bool(result.by)


def _found(name: str) -> Any:
    """Write a count, or a dash where there were no records to look at."""
    return lambda _, row, say: say.numbers.count(getattr(row, name)) if row.of_n else say.get("language.none")


_COUNTS = (
    Column(field="check", cell=_check),
    Column(field="found_n", cell=_found("found_n")),
    Column(field="of_n", cell=_found("of_n")),
    Column(field="found_share", lower="found_ci_lower", upper="found_ci_upper", always=True),
    Column(field="large_n", cell=_found("large_n")),
    Column(field="amount"),
    Column(field="quota_effect_amount"),
)
INTEGRITY_ROWS = Table(
    name="integrity", rows=lambda result: [row for row in result.rows if not row.group], columns=_COUNTS
)
PEOPLE = Table(
    name="integrity_people",
    rows=lambda result: [row for row in result.rows if row.group],
    shown=lambda result: any(row.group for row in result.rows),
    stub=2,
    columns=(Column(field="group", keep=_by_person), *_COUNTS),
)
DEALS = Table(
    name="integrity_deals",
    rows=lambda result: result.deals,
    shown=lambda result: bool(result.deals),
    columns=(
        CUSTOMER,
        Column(field="opportunity_id"),
        Column(field="check", cell=_check),
        Column(field="owner"),
        Column(field="stage", cell=_integrity_stage),
        Column(field="furthest_stage", cell=_furthest),
        Column(field="amount"),
        Column(field="closed_at"),
        Column(field="large"),
    ),
)


def integrity_finding(result: Integrity, say: Words) -> Finding:
    """Say how many deals were never seen coming, and what the rest does to the quota."""
    rows = {row.check: row for row in result.rows if not row.group}
    unsaid = say.get("findings.integrity.unsaid")
    never, low, bare = (
        rows.get(name) for name in ("never_in_funnel", "lower_than_history", "without_evidence")
    )
    if not any(row.found_n for row in rows.values()):
        looked_n = sum(bool(row.of_n) for row in rows.values())
        key = "nothing" if looked_n == len(rows) else "nothing_partly"
        key = f"findings.integrity.{key}" if looked_n else "targets.integrity_no_records"
        said = say.say(key, looked_n=looked_n, checks_n=len(rows))
        return Finding(headline=said, detail="", unsaid=unsaid)
    money = say.numbers.amount
    seen = never is not None and bool(never.of_n)
    headline = say.get("findings.integrity.all_seen" if seen else "targets.integrity_unseen")
    if never is not None and never.found_n:
        headline = say.say(
            "findings.integrity.headline",
            found_n=never.found_n,
            of_n=never.of_n,
            large_n=never.large_n,
            amount=money(never.amount, result.currency),
        )
    parts = [
        say.say(
            f"findings.integrity.{name}",
            found_n=row.found_n,
            amount=money(abs(row.quota_effect_amount), result.currency),
        )
        for name, row in (("low", low), ("bare", bare))
        if row is not None and row.found_n
    ]
    return Finding(headline=headline, detail=say.get("language.sentence").join(parts), unsaid=unsaid)


INTEGRITY_VIEW = View(tables=(INTEGRITY_ROWS, PEOPLE, DEALS), finding=integrity_finding, charts={})
