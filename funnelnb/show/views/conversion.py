"""How conversion is shown: steps, cohorts, compared segments, the ideal beside the actual; and what they say."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from funnelnb.show.tables.table import Column, Table, placeholders
from funnelnb.show.text.words import groups_of, stage_name
from funnelnb.show.views.registry import Finding, View, name_some, no_deals, rate_of, unjudged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.analysis.conversion.cohort import Cohorts
    from funnelnb.analysis.conversion.conversion import Conversion, LossPoint, StepRow
    from funnelnb.analysis.conversion.ideal import FunnelGap
    from funnelnb.analysis.conversion.segments import SegmentRow, Segments
    from funnelnb.show.text.words import Words


# ---- How a conversion is shown: steps by count and by money, loss points, curves; and what it says ---------


def step_rows(result: Conversion) -> list[StepRow]:
    """Return for each group its steps up to won, its end-to-end row, then what came after the sale."""
    rows: dict[Any, tuple[list[StepRow], list[StepRow], list[StepRow]]] = {
        group: ([], [], []) for group in groups_of(result.overall)
    }
    for row in result.steps:
        rows[row.group][2 if row.after_sale else 0].append(row)
    for row in result.overall:
        rows[row.group][1].append(row)
    return [row for parts in rows.values() for part in parts for row in part]


def _conversion_stage(result: Any, row: Any, say: Words) -> str:
    if getattr(row, "overall", False):
        return say.get("tables.steps.overall")
    return stage_name(result, row.stage, say)


def _grouped(result: Any, _: Sequence[Any]) -> bool:
    return bool(result.by)


def _any_left(_: Any, rows: Sequence[Any]) -> bool:
    return any(row.left_n for row in rows)


def _any_amount(result: Conversion) -> bool:
    return any(row.amount_n for row in result.overall)


def _any_by_day_amount(_: Any, rows: Sequence[Any]) -> bool:
    return not all(math.isnan(row.by_day_amount_rate) for row in rows)


_GROUP = Column(field="group", keep=_grouped)
_STAGE = Column(field="stage", cell=_conversion_stage)


def _rate(stem: str) -> Column:
    return Column(field=f"{stem}_rate", lower=f"{stem}_ci_lower", upper=f"{stem}_ci_upper")


def _overall(row: Any) -> bool:
    return bool(row.overall)


def _between(stem: str) -> Column:
    """Return the column of the bounds of a share; left out where every share is exact."""
    least, most = f"{stem}_least_rate", f"{stem}_most_rate"

    def bounded(_: Any, rows: Sequence[Any]) -> bool:
        return any(getattr(row, most) - getattr(row, least) > 1e-9 for row in rows)

    def cell(_: Any, row: Any, say: Words) -> str:
        lower, upper = getattr(row, least), getattr(row, most)
        if math.isnan(lower) or math.isnan(upper):
            return say.get("language.none")
        if upper - lower <= 1e-9:
            return say.numbers.percent(lower)
        return say.say(
            "tables.steps.between", lower=say.numbers.percent(lower), upper=say.numbers.percent(upper)
        )

    return Column(field=least, head=f"{stem}_between", cell=cell, keep=bounded)


def _any_unplaced(_: Any, rows: Sequence[Any]) -> bool:
    return any(row.unplaced_n for row in rows)


STEPS = Table(
    name="steps",
    rows=step_rows,
    stub=2,
    strong=_overall,
    columns=(
        _GROUP,
        _STAGE,
        *(Column(field=name) for name in ("reached_n", "advanced_n", "here_n", "lost_n")),
        Column(field="left_n", keep=_any_left),
        Column(field="unplaced_n", keep=_any_unplaced),
        _rate("by_day"),
        _between("by_day_lost"),
        _rate("so_far"),
        _between("so_far"),
        _rate("decided"),
        _between("decided"),
    ),
)
AMOUNTS = Table(
    name="amounts",
    rows=step_rows,
    stub=2,
    shown=_any_amount,
    strong=_overall,
    columns=(
        _GROUP,
        _STAGE,
        *(Column(field=f"{name}_amount") for name in ("reached", "advanced", "here", "lost")),
        Column(field="unplaced_amount", keep=_any_unplaced),
        replace(_rate("by_day_amount"), keep=_any_by_day_amount),
        *(_rate(stem) for stem in ("so_far_amount", "decided_amount")),
        Column(field="amount_n"),
    ),
)
LOSS_POINTS = Table(
    name="loss_points",
    rows=lambda result: result.loss_points,
    stub=2,
    shown=lambda result: bool(result.by) and bool(result.loss_points),
    columns=(
        _GROUP,
        _STAGE,
        Column(field="lost_n"),
        Column(field="lost_share", lower="lost_share_ci_lower", upper="lost_share_ci_upper"),
        Column(field="lost_amount"),
        Column(field="clear"),
    ),
)
CURVES = Table(
    name="curves",
    rows=lambda result: result.curves,
    shown=lambda _: False,
    columns=(),
)


def conversion_finding(result: Conversion, say: Words) -> Finding:
    """Say how deals convert from end to end, and where most are lost."""
    if not result.n or not result.overall:
        return Finding(
            headline=say.get("words.none_at_all"), detail="", unsaid=say.get("findings.conversion.unsaid")
        )
    if result.by:
        return _conversion_grouped_finding(result, say)
    row = result.overall[0]
    return Finding(
        headline=_headline(result, row, say),
        detail=say.get("language.sentence").join(filter(None, [*_weakest(result, say), _loss(result, say)]))
        if row.enough
        else "",
        unsaid=say.get("findings.conversion.unsaid"),
    )


def _headline(result: Conversion, row: StepRow, say: Words) -> str:
    key = "by_day" if not math.isnan(row.by_day_rate) else "so_far"
    if key == "by_day" and row.by_day_undated_n:
        key = "by_day_bounded"
    elif key == "by_day" and math.isnan(row.by_day_lost_rate):
        key = "by_day_alone"
    elif key == "so_far" and unjudged(result):
        key = "so_far_counts" if math.isnan(row.so_far_rate) else "so_far_unjudged"
    if not row.enough:
        key = "too_few"
    values = placeholders(result, say) | {
        "rate": rate_of(row, "by_day" if key.startswith("by_day") else "so_far", say),
        "stage": stage_name(result, row.stage, say),
        "lost_rate": row.by_day_lost_rate,
        "lost_least_rate": row.by_day_lost_least_rate,
        "lost_most_rate": row.by_day_lost_most_rate,
        "undated_n": row.by_day_undated_n,
        "open_rate": row.by_day_open_rate,
        "by_day_n": row.by_day_n,
        "reached_n": row.reached_n,
        "advanced_n": row.advanced_n,
    }
    return say.say(f"findings.conversion.{key}", **values)


def weakest_step(result: Conversion) -> StepRow | None:
    """Return the step before the sale that the smallest share takes within the horizon; None of fewer than two."""
    known = [row for row in result.steps if not row.after_sale and row.enough and row.by_day_rate >= 0]
    return min(known, key=lambda row: row.by_day_rate) if len(known) > 1 else None


def clearly_weakest(result: Conversion, step: StepRow) -> bool:
    """Return whether the interval of a step lies below those of all others."""
    others = [one for one in result.steps if one is not step and not one.after_sale and one.by_day_rate >= 0]
    return all(step.by_day_ci_upper < one.by_day_ci_lower for one in others)


def _weakest(result: Conversion, say: Words) -> list[str]:
    """Say which step is the weakest, and where most money is lost."""
    row = weakest_step(result)
    if row is None or row.by_day_rate == 1:
        return []
    clear = clearly_weakest(result, row)
    values = placeholders(result, say) | {
        "stage": stage_name(result, row.stage, say),
        "rate": rate_of(row, "by_day", say),
        "by_day_n": row.by_day_n,
    }
    parts = [say.say(f"findings.conversion.{'weakest' if clear else 'weakest_unclear'}", **values)]
    costly = costliest(result)
    if costly is row and not _both(result):
        amount = say.numbers.amount(costly.lost_amount, result.currency)
        parts.append(say.say("findings.conversion.money_same", amount=amount))
    elif costly is not None and not _both(result):
        amount = say.numbers.amount(costly.lost_amount, result.currency)
        named = stage_name(result, costly.stage, say)
        parts.append(say.say("findings.conversion.money", stage=named, amount=amount))
    return parts


def costliest(result: Conversion) -> StepRow | None:
    """Return the step at which most money is lost; None where no amount of a lost deal is known."""
    rows = [row for row in result.steps if row.lost_amount > 0]
    return max(rows, key=lambda row: row.lost_amount, default=None)


def _both(result: Conversion) -> bool:
    """Return whether most deals and most money are lost in one stage."""
    costly = costliest(result)
    return bool(costly and result.loss_points and result.loss_points[0].stage == costly.stage)


def _loss(result: Conversion, say: Words) -> str:
    if not result.loss_points:
        lost_n = sum(row.lost_n for row in result.overall)
        return say.get(f"findings.conversion.{'loss_unplaced' if lost_n else 'no_loss'}")
    if sum(not row.after_sale for row in result.steps) < 2:  # where there is one step, all are lost in it
        return ""
    point = result.loss_points[0]
    placed_n, lost_n = (sum(row.lost_n for row in rows) for rows in (result.steps, result.overall))
    return say.say(
        f"findings.conversion.{'loss_clear' if point.clear else 'loss_unclear'}",
        most=say.get(f"findings.conversion.{'most_both' if _both(result) else 'most_deals'}"),
        stage=stage_name(result, point.stage, say),
        lost_n=point.lost_n,
        share=rate_of_share(point, say),
        lost_of=say.get(f"findings.conversion.{'lost_all' if placed_n >= lost_n else 'lost_placed'}"),
        worth=_worth(point, result.currency, say),
    )


def rate_of_share(point: LossPoint, say: Words) -> str:
    """Return a loss point's share of the lost deals with its interval."""
    return say.numbers.interval(point.lost_share, point.lost_share_ci_lower, point.lost_share_ci_upper)


def _worth(point: LossPoint, currency: str, say: Words) -> str:
    if not point.lost_amount > 0:
        return ""
    return say.say("findings.conversion.worth", amount=say.numbers.amount(point.lost_amount, currency))


def _conversion_grouped_finding(result: Conversion, say: Words) -> Finding:
    known = [row for row in result.overall if row.enough and not math.isnan(row.by_day_rate)]
    few_n = sum(not row.enough for row in result.overall)
    values = placeholders(result, say) | {
        "groups_n": len(result.overall),
        "few_n": few_n,
        "known_n": len(known),
    }
    key = "groups_too_few"
    if known:
        low = min(known, key=lambda row: row.by_day_rate)
        high = max(known, key=lambda row: row.by_day_rate)
        values |= _end("low", low, say) | _end("high", high, say)
        apart = low.by_day_ci_upper < high.by_day_ci_lower
        key = "groups_one" if len(known) == 1 else "groups_apart" if apart else "groups_alike"
        if len(known) > 1 and any(note.code == "known_afterwards" for note in result.notes):
            key = "groups_afterwards"
    parts = ["groups_few"] if few_n and known else []
    parts += ["groups_detail"] if len(known) > 1 and key != "groups_afterwards" else []
    headline = say.say(f"findings.conversion.{key}", **values)
    return Finding(
        headline=no_deals(result, say) if unjudged(result) and not known else headline,
        detail=say.get("language.sentence").join(
            say.say(f"findings.conversion.{part}", **values) for part in parts
        ),
        unsaid=say.get("findings.conversion.unsaid_groups"),
    )


def _end(name: str, row: StepRow, say: Words) -> dict[str, Any]:
    return {
        name: say.numbers.percent(row.by_day_rate),
        f"{name}_group": say.group(row.group),
        f"{name}_rate": rate_of(row, "by_day", say),
        f"{name}_n": row.by_day_n,
    }


CONVERSION_VIEW = View(
    tables=(STEPS, AMOUNTS, LOSS_POINTS, CURVES),
    finding=conversion_finding,
    charts={"funnel": "funnel.funnel", "outcome": "outcome.outcome", "rates": "outcome.rates"},
)


# ---- How cohorts are shown: one row per period with its date of trust, the age table; and what they say ----


def _full_time(_: Any, row: Any, say: Words) -> str:
    return say.numbers.flag(True) if row.mature else say.get("tables.cohorts.not_yet")


COHORTS = Table(
    name="cohorts",
    rows=lambda result: result.rows,
    stub=2,
    columns=(
        _GROUP,
        *(Column(field=name) for name in ("cohort", "deal_n", "won_n", "lost_n", "open_n")),
        Column(field="left_n", keep=_any_left),
        Column(field="won_rate", lower="won_ci_lower", upper="won_ci_upper"),
        Column(field="mature", cell=_full_time),
        Column(field="seen_days"),
        Column(field="trusted_from"),
    ),
)
CELLS = Table(
    name="cells",
    rows=lambda result: result.cells,
    shown=lambda _: False,
    stub=3,
    columns=(
        _GROUP,
        Column(field="cohort"),
        Column(field="age_days"),
        Column(field="won_rate", lower="won_ci_lower", upper="won_ci_upper"),
        Column(field="mature"),
        Column(field="at_risk_n"),
        Column(field="deal_n"),
    ),
)


def cohorts_finding(result: Cohorts, say: Words) -> Finding:
    """Say what the latest trustworthy cohort did, and from when the younger ones can be trusted."""
    values = placeholders(result, say)
    unsaid = say.say("findings.cohorts.unsaid", **values)
    if not result.n or not result.rows:
        return Finding(headline=say.get("words.none_at_all"), detail="", unsaid=unsaid)
    if unjudged(result) and all(math.isnan(row.won_rate) for row in result.rows):
        return Finding(headline=no_deals(result, say), detail="", unsaid=unsaid)
    if result.by:
        return _cohorts_grouped_finding(result, values, unsaid, say)
    ripe = [row for row in result.rows if row.mature]
    young = [row for row in result.rows if not row.mature]
    if ripe:
        last = ripe[-1]
        key = "mature" if last.enough else "mature_few"
        key = "mature_unknown" if last.enough and math.isnan(last.won_rate) else key
        values |= {"cohort": last.cohort, "rate": rate_of(last, "won", say), "deal_n": last.deal_n}
    else:
        key = "no_mature"
        values |= {"cohort": young[0].cohort, "date": young[0].trusted_from}
    return Finding(
        headline=say.say(f"findings.cohorts.{key}", **values),
        detail=_young(young if ripe else young[1:], bool(ripe), values, say),
        unsaid=unsaid,
    )


def _cohorts_grouped_finding(result: Cohorts, values: dict[str, Any], unsaid: str, say: Words) -> Finding:
    """Say between which rates the groups lie in the latest trustworthy cohort; no group is named."""
    ripe = [row for row in result.rows if row.mature and row.enough]
    young = {row.cohort: row for row in result.rows if not row.mature}
    detail = _young([young[cohort] for cohort in sorted(young)], bool(ripe), values, say)
    if not ripe:
        return Finding(
            headline=say.say("findings.cohorts.groups_none", **values), detail=detail, unsaid=unsaid
        )
    last = max(row.cohort for row in ripe)
    rates = [row.won_rate for row in ripe if row.cohort == last]
    values |= {"cohort": last, "groups_n": len(rates)}
    values |= {"low": say.numbers.percent(min(rates)), "high": say.numbers.percent(max(rates))}
    return Finding(headline=say.say("findings.cohorts.groups", **values), detail=detail, unsaid=unsaid)


def _young(young: list[Any], any_ripe: bool, values: dict[str, Any], say: Words) -> str:
    if not young:
        return say.say("findings.cohorts.all_mature", **values) if any_ripe else ""
    first, last = young[0], young[-1]
    if len(young) == 1:
        return say.say("findings.cohorts.one_young", cohort=first.cohort, date=first.trusted_from)
    return say.say(
        "findings.cohorts.young",
        first=first.cohort,
        last=last.cohort,
        first_date=first.trusted_from,
        last_date=last.trusted_from,
    )


COHORTS_VIEW = View(
    tables=(COHORTS, CELLS),
    finding=cohorts_finding,
    charts={"trend": "cohorts.trend", "heat": "cohorts.cohort_heat"},
)


# ---- How compared segments are shown: raw and shrunken rates with a verdict; and what they say, fairly -----


def _segments_verdict(_: Any, row: Any, say: Words) -> str:
    return say.get(f"verdicts.{row.verdict}")


def _decided(result: Any, _: Sequence[Any]) -> bool:
    return bool(result.measure == "decided")


def _by_day(result: Any, _: Sequence[Any]) -> bool:
    return bool(result.measure != "decided")


_RAW = Column(field="raw_rate", lower="raw_ci_lower", upper="raw_ci_upper")
SEGMENTS = Table(
    name="segments",
    rows=lambda result: result.rows,
    columns=(
        Column(field="group"),
        Column(field="decided_n", keep=_decided),
        Column(field="decided_n", head="decided_n_by_day", keep=_by_day),
        Column(field="won_n"),
        replace(_RAW, keep=_decided),
        replace(_RAW, head="raw_rate_by_day", keep=_by_day),
        Column(field="shrunken_rate", lower="shrunken_ci_lower", upper="shrunken_ci_upper", always=True),
        Column(field="difference", lower="difference_ci_lower", upper="difference_ci_upper"),
        Column(field="p_adjusted"),
        Column(field="verdict", cell=_segments_verdict),
    ),
)
LIMITS = Table(name="limits", rows=lambda result: result.limits, shown=lambda _: False, columns=())


def segments_finding(result: Segments, say: Words) -> Finding:
    """Say which groups differ by more than chance explains, and how many cannot be told apart."""
    unsaid = say.get("findings.segments.unsaid")
    if not result.n or not result.rows:
        none = say.get("words.none_at_all") if result.measure == "decided" else ""
        none = none or say.say("findings.segments.unseen", **placeholders(result, say))
        return Finding(headline=none, detail="", unsaid=unsaid)
    if unjudged(result) and all(math.isnan(row.raw_rate) for row in result.rows):
        return Finding(headline=no_deals(result, say), detail="", unsaid=unsaid)
    sides = {name: [row for row in result.rows if row.verdict == name] for name in ("higher", "lower")}
    few_n = sum(row.verdict == "too_few" for row in result.rows)
    similar_n = sum(row.verdict == "not_separable" for row in result.rows)
    key = _key(sides, few_n == len(result.rows))
    named = {name: name_some([_named(row, result, say) for row in rows], say) for name, rows in sides.items()}
    values = placeholders(result, say) | named | {"few_n": few_n, "similar_n": similar_n}
    suffix = "" if result.measure == "decided" else "_by_day"
    key = "unseen" if math.isnan(result.pooled_rate) and key == "none" else key
    codes = {note.code for note in result.notes}
    if key == "none" and "known_afterwards" in codes:
        key = "afterwards"
    if "state_then_unknown" in codes and all(math.isnan(row.raw_rate) for row in result.rows):
        key, few_n = "then", 0
    parts = [f"detail{suffix}"] if key not in ("nothing", "unseen", "then") else []
    if similar_n and key not in ("none", "nothing", "unseen", "afterwards", "then"):
        parts.append("similar")
    if few_n and key not in ("nothing", "unseen"):
        parts.append("few")
    return Finding(
        headline=say.say(f"findings.segments.{key}", **values),
        detail=say.get("language.sentence").join(
            say.say(f"findings.segments.{part}", **values) for part in parts
        ),
        unsaid=unsaid,
    )


def _key(sides: dict[str, list[SegmentRow]], all_few: bool) -> str:
    if all_few:
        return "nothing"
    present = [name for name, rows in sides.items() if rows]
    return "both" if len(present) == 2 else present[0] if present else "none"


def _named(row: SegmentRow, result: Segments, say: Words) -> str:
    return say.say(
        "findings.segments.named" if result.measure == "decided" else "findings.segments.named_by_day",
        group=say.group(row.group),
        rate=rate_of(row, "raw", say),
        decided_n=row.decided_n,
    )


SEGMENTS_VIEW = View(
    tables=(SEGMENTS, LIMITS),
    finding=segments_finding,
    charts={"forest": "groups.forest", "funnel_plot": "groups.funnel_plot"},
)


# ---- How the ideal funnel is shown beside the actual one: one row per step; and where the gap is -----------


def _ideal_stage(result: Any, row: Any, say: Words) -> str:
    return stage_name(result, row.stage, say)


def _ideal_verdict(_: Any, row: Any, say: Words) -> str:
    return say.get(f"targets.verdicts.{row.verdict}")


ROWS = Table(
    name="ideal",
    rows=lambda result: result.rows,
    columns=(
        Column(field="stage", cell=_ideal_stage),
        Column(field="entry_n"),
        Column(field="ideal_n"),
        Column(field="exit_n"),
        Column(field="here_n"),
        Column(field="actual_rate", lower="actual_ci_lower", upper="actual_ci_upper"),
        Column(field="ideal_rate"),
        Column(field="gap"),
        Column(field="missing_wins_n"),
        Column(field="verdict", cell=_ideal_verdict),
    ),
)


def ideal_finding(result: FunnelGap, say: Words) -> Finding:
    """Say how far the funnel is from the ideal, and which step costs most."""
    unsaid = say.get("findings.ideal.unsaid")
    if not result.n:
        return Finding(headline=say.get("words.none_at_all"), detail="", unsaid=unsaid)
    values = placeholders(result, say)
    worst = next((row for row in result.rows if row.stage == result.worst), None)
    detail = say.get("findings.ideal.none_below")
    if worst is not None:
        detail = say.say(
            "findings.ideal.worst",
            stage=stage_name(result, worst.stage, say),
            rate=say.numbers.interval(worst.actual_rate, worst.actual_ci_lower, worst.actual_ci_upper),
            ideal_rate=worst.ideal_rate,
            missing_n=worst.missing_wins_n,
        )
    return Finding(headline=say.say("findings.ideal.headline", **values), detail=detail, unsaid=unsaid)


IDEAL_VIEW = View(tables=(ROWS,), finding=ideal_finding, charts={"gap": "funnel.gap"})
