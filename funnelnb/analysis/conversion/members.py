"""Which deals stand behind the counts of conversion, cohorts, segments and the overview?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.analysis.shared.counts import origin_of
from funnelnb.analysis.shared.members import (
    COMPUTED,
    ByAge,
    Mask,
    Member,
    Query,
    Who,
    behind,
    days_s,
    step_members,
    whole_members,
)
from funnelnb.data.count.counts import ADVANCED, LOST_UNDATED
from funnelnb.data.count.groups import Cohort
from funnelnb.data.ledger.codes import LEFT_DEAL, LOST_DEAL, OPEN_DEAL, WON_DEAL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from funnelnb.analysis.shared.members import Timed

_CODES = {"open": OPEN_DEAL, "won": WON_DEAL, "lost": LOST_DEAL, "left": LEFT_DEAL}


@behind("StepRow")
def _step(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    inside = asked.inside(result.by, row.group)
    k, target = asked.position(row.stage), asked.position(row.next_stage)
    found = (whole_members if row.overall else step_members)(asked, k, inside)

    def timed() -> Timed:
        return asked.timed(k, target, result.by)

    def known() -> Mask:
        one = timed()
        return one.marks(one.rows_of(row.group))

    def undated() -> Mask:
        one = timed()
        return one.marks(one.rows_of(row.group) & (one.outcome == LOST_UNDATED) & ~np.isnan(row.by_day_rate))

    return {f"{name}_n": found[name] for name in ("reached", "advanced", "here", "lost", "left")} | {
        "decided_n": found["advanced"] | found["lost"],
        "by_day_n": known,
        "at_risk_n": lambda: timed().at_risk(row.group, days_s(result.horizon_days)),
        "amount_n": found["amount"],
        "unplaced_n": found["unplaced"],
        "by_day_undated_n": undated,
    }


@behind("OutcomeCurve")
def _curve(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    origin = origin_of(asked.book, asked.arguments.get("origin_stage")).position
    return {
        "at_risk_n": ByAge(
            lambda days: asked.timed(origin, asked.ledger.won, result.by).at_risk(row.group, days_s(days))
        )
    }


@behind("LossPoint")
def _loss(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    return {
        "lost_n": step_members(asked, asked.position(row.stage), asked.inside(result.by, row.group))["lost"]
    }


@behind("Conversion", "FunnelGap")
def _conversion(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    first = origin_of(asked.book, asked.arguments.get("origin_stage")).first
    return {"n": step_members(asked, first, asked.everybody())["reached"]}


@behind("IdealRow")
def _ideal(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    found = step_members(asked, asked.position(row.stage), asked.everybody())
    return {
        "entry_n": found["reached"],
        "exit_n": found["advanced"],
        "here_n": found["here"],
        "ideal_n": COMPUTED,
        "missing_n": COMPUTED,
        "missing_wins_n": COMPUTED,
    }


# ---- cohorts ------------------------------------------------------------------------------------------------


def _cohort_by(asked: Query, result: Any) -> tuple[Any, ...]:
    origin = origin_of(asked.book, asked.arguments.get("origin_stage")).position
    return (Cohort(result.period, origin), *result.by)


def _at_age(asked: Query, result: Any, row: Any, days: float) -> Who:
    by = _cohort_by(asked, result)
    timed = asked.timed(by[0].position, asked.ledger.won, by)
    group = (row.cohort, *row.group)
    if not timed.rows_of(group).any():
        return asked.nobody()
    return timed.at_risk(group, days_s(days))


@behind("CohortRow")
def _cohort(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    by = _cohort_by(asked, result)
    found = whole_members(asked, by[0].position, asked.inside(by, (row.cohort, *row.group)))
    return {
        "deal_n": found["reached"],
        "won_n": found["advanced"],
        "lost_n": found["lost"],
        "open_n": found["here"],
        "left_n": found["left"],
        "at_risk_n": lambda: _at_age(asked, result, row, row.seen_days),
    }


@behind("CohortCell")
def _cell(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    by = _cohort_by(asked, result)
    inside = asked.inside(by, (row.cohort, *row.group))
    return {
        "deal_n": whole_members(asked, by[0].position, inside)["reached"],
        "at_risk_n": lambda: _at_age(asked, result, row, row.age_days),
    }


@behind("Cohorts")
def _cohorts(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    marks = asked.nobody()
    for one in result.rows:
        found = _cohort(asked, result, one)["deal_n"]
        marks |= np.asarray(found, bool)
    return {"n": marks}


# ---- segments -----------------------------------------------------------------------------------------------


@behind("SegmentRow")
def _segment(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    origin = origin_of(asked.book, asked.arguments.get("origin_stage"))
    if result.measure == "decided":
        found = whole_members(asked, origin.first, asked.inside(result.by, row.group))
        return {"decided_n": found["advanced"] | found["lost"], "won_n": found["advanced"]}
    timed = asked.timed(origin.position, asked.ledger.won, result.by)
    mine, horizon_s = timed.rows_of(row.group), days_s(result.horizon_days)
    known = mine & ~timed.censored_before(horizon_s) & ~np.isnan(row.raw_rate)
    won = mine & (timed.outcome == ADVANCED) & (timed.time_s <= horizon_s)
    return {"decided_n": timed.marks(known), "won_n": timed.marks(won)}


@behind("LimitRow")
def _limit(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    return {"decided_n": COMPUTED}


@behind("Segments")
def _segments(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    marks = asked.nobody()
    for one in result.rows:
        marks |= np.asarray(_segment(asked, result, one)["decided_n"], bool)
    return {"n": marks}


# ---- overview -----------------------------------------------------------------------------------------------


@behind("OverviewRow")
def _overview_row(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    mine = asked.ledger.outcome == _CODES[row.outcome]
    return {"deal_n": mine, "amount_n": mine & ~np.isnan(asked.ledger.amount)}


@behind("Overview")
def _overview(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    return {"n": asked.everybody()}
