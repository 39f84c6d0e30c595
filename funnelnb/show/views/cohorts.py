"""How cohorts are shown: one row per period with its date of trust, the age table; and what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from funnelnb.show.finding import Finding, rate_of
from funnelnb.show.registry import View
from funnelnb.show.table import Column, Table, facts

if TYPE_CHECKING:
    from funnelnb.analysis.cohort import Cohorts
    from funnelnb.show.words import Words


def _full_time(_: Any, row: Any, say: Words) -> str:
    return say.numbers.flag(True) if row.mature else say.get("tables.cohorts.not_yet")


COHORTS = Table(
    name="cohorts",
    rows=lambda result: result.rows,
    columns=(
        *(Column(field=name) for name in ("cohort", "deal_n", "won_n", "lost_n", "open_n")),
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
    stub=2,
    columns=(
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
