"""Which deals stand behind the counts of durations, distributions, ageing and stalled deals?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.analysis.shared.members import COMPUTED, ByAge, Mask, Member, Query, Timed, behind, days_s
from funnelnb.analysis.shared.open_deals import open_deals
from funnelnb.core.check import TOO_FEW_N
from funnelnb.data.contract.calendar import calendar_of
from funnelnb.data.count.counts import ADVANCED, CENSORED, LOST_OUT, LOST_UNDATED

if TYPE_CHECKING:
    from collections.abc import Mapping


def _span(asked: Query, row: Any, by: tuple[str, ...]) -> Timed:
    """Return the deals of a stage, or of the whole way, with their times."""
    origin = asked.position(row.stage)
    target = asked.ledger.won if row.overall else origin + 1
    return asked.timed(origin, target, by, asked.arguments.get("calendar"), durations=True)


def _ended(timed: Timed, to: str) -> Mask:
    if to == "any":
        return np.asarray(timed.outcome != CENSORED, bool)
    return np.asarray(timed.outcome == (ADVANCED if to == "advance" else LOST_OUT), bool)


def _counts(timed: Timed, group: tuple[str, ...], to: str) -> dict[str, Mask]:
    mine, censored = timed.rows_of(group), timed.outcome == CENSORED
    over = mine & ((timed.outcome == ADVANCED) | (timed.outcome == LOST_OUT))
    undated = mine & (timed.outcome == LOST_UNDATED)  # may have ended as late as the export
    last_s = max(timed.time_s[over].max(), timed.limit_s[undated].max(initial=0)) if over.any() else np.inf
    return {
        "n": timed.marks(mine),
        "closed_n": timed.marks(mine & _ended(timed, to)),
        "open_n": timed.marks(mine & censored),
        "older_n": timed.marks(mine & censored & (timed.time_s > last_s)),
        "undated_n": timed.marks(undated & (to != "advance")),
        "same_day_n": timed.marks(mine & _ended(timed, "any") & (timed.time_s == 0)),
    }


@behind("DurationRow")
def _duration_row(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    found = _counts(_span(asked, row, result.by), row.group, result.to)
    return {name: found[name] for name in ("n", "closed_n", "open_n", "older_n", "undated_n")}


@behind("DurationCurve", "DistributionCurve")
def _curve(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    return {"at_risk_n": ByAge(lambda days: _span(asked, row, result.by).at_risk(row.group, days_s(days)))}


@behind("DurationTest")
def _test(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    within = (result.within,) if result.within else ()
    timed = _span(asked, row, (*result.by, *within))
    marks = asked.nobody()
    for name in dict.fromkeys(group[: len(result.by)] for group in timed.groups):
        mine = np.isin(
            timed.group, [k for k, one in enumerate(timed.groups) if one[: len(result.by)] == name]
        )
        if mine.sum() >= TOO_FEW_N:
            marks |= timed.marks(mine)
    return {"n": marks, "groups_n": COMPUTED}


@behind("DurationGap")
def _gap(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    timed = _span(asked, row, result.by)
    return {"n": timed.marks(timed.rows_of(row.group))}


@behind("FitRow")
def _fit(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    timed = _span(asked, row, result.by)
    return {
        "ended_n": timed.marks(timed.rows_of(row.group) & _ended(timed, "any")),
        "needed_n": COMPUTED,
    }


@behind("Duration", "Distribution")
def _duration(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    if not result.rows:
        return {"n": asked.nobody()}
    timed = _span(asked, result.rows[-1], result.by)
    return {"n": timed.marks(np.ones(len(timed.deal), bool))}


@behind("DistributionRow")
def _distribution_row(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    found = _counts(_span(asked, row, result.by), row.group, "any")
    return {name: found[name] for name in ("n", "closed_n", "open_n", "same_day_n")} | {"tested_n": COMPUTED}


@behind("RemainingRow")
def _remaining(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    return {"watched_n": lambda: _span(asked, row, result.by).at_risk(row.group, days_s(row.age_days))}


# ---- open deals ---------------------------------------------------------------------------------------------


@behind("StuckStage")
def _stuck_stage(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    mine = [one for one in result.deals if one.stage == row.stage]
    return {
        "open_n": asked.of_ids(one.opportunity_id for one in mine),
        "listed_n": asked.of_ids(one.opportunity_id for one in mine if one.listed),
        "slow_n": asked.of_ids(one.opportunity_id for one in mine if one.slow),
        "slow_expected_n": COMPUTED,
    }


@behind("Stuck")
def _stuck(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    return {
        "n": asked.of_ids(one.opportunity_id for one in result.deals),
        "listed_n": asked.of_ids(one.opportunity_id for one in result.deals if one.listed),
        "slow_n": asked.of_ids(one.opportunity_id for one in result.deals if one.slow),
        "slow_expected_n": COMPUTED,
    }


@behind("AgeingCell")
def _ageing_cell(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    calendar = asked.arguments.get("calendar")
    deals = open_deals(asked.book, calendar_of(calendar, asked.book))
    k = asked.position(row.stage)
    age = np.where(np.isnan(deals.age_days), -1.0, deals.age_days)
    here = (deals.position == k) & (age >= row.from_days) & (age < row.below_days)
    return {
        "open_n": asked.at(deals.index[here]),
        # still there after the day itself: one second later, as events of the day come first
        "watched_n": lambda: asked.timed(k, k + 1, (), calendar).at_risk(
            (), days_s(row.from_days) + 1, known=True
        ),
    }


@behind("Ageing")
def _ageing(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    marks = asked.nobody()
    for cell in result.cells:
        marks |= np.asarray(_ageing_cell(asked, result, cell)["open_n"], bool)
    return {"n": marks}
