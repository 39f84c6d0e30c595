"""How cohorts are shown: one row per period with its date of trust, the age table; and what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from funnelnb.show.finding import Finding, rate_of
from funnelnb.show.registry import View
from funnelnb.show.table import Column, Table, facts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.analysis.cohort import Cohorts
    from funnelnb.show.words import Words


def _full_time(_: Any, row: Any, say: Words) -> str:
    return say.numbers.flag(True) if row.mature else say.get("tables.cohorts.not_yet")


def _grouped(result: Any, _: Sequence[Any]) -> bool:
    return bool(result.by)


def _any_left(_: Any, rows: Sequence[Any]) -> bool:
    return any(row.left_n for row in rows)


_GROUP = Column(field="group", keep=_grouped)
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


def finding(result: Cohorts, say: Words) -> Finding:
    """Say what the latest trustworthy cohort did, and from when the younger ones can be trusted."""
    values = facts(result, say)
    unsaid = say.say("findings.cohorts.unsaid", **values)
    if not result.n or not result.rows:
        return Finding(headline=say.get("words.none_at_all"), detail="", unsaid=unsaid)
    if result.by:
        return _grouped_finding(result, values, unsaid, say)
    ripe = [row for row in result.rows if row.mature]
    young = [row for row in result.rows if not row.mature]
    if ripe:
        last = ripe[-1]
        key = "mature" if last.enough else "mature_few"
        values |= {"cohort": last.cohort, "rate": rate_of(last, "won", say), "deal_n": last.deal_n}
    else:
        key = "no_mature"
        values |= {"cohort": young[0].cohort, "date": young[0].trusted_from}
    return Finding(
        headline=say.say(f"findings.cohorts.{key}", **values),
        detail=_young(young if ripe else young[1:], bool(ripe), values, say),
        unsaid=unsaid,
    )


def _grouped_finding(result: Cohorts, values: dict[str, Any], unsaid: str, say: Words) -> Finding:
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


VIEW = View(
    tables=(COHORTS, CELLS),
    finding=finding,
    charts={"trend": "trend", "heat": "cohort_heat"},
)
