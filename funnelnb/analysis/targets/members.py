"""Which deals stand behind the counts of targets, forecasts and the properties of a funnel?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.analysis.shared.counts import origin_of
from funnelnb.analysis.shared.members import (
    COMPUTED,
    GIVEN,
    PERIODS,
    Elsewhere,
    Mask,
    Member,
    Query,
    behind,
    step_members,
    whole_members,
)
from funnelnb.analysis.shared.open_deals import open_deals
from funnelnb.analysis.shared.period import Period
from funnelnb.analysis.targets import pipeline as pipes
from funnelnb.analysis.targets.deal_sizes import labels_of, won_amounts
from funnelnb.analysis.targets.integrity import found_by
from funnelnb.analysis.targets.properties import deals_of_cut, entered_in, within
from funnelnb.data.contract.clock import UNKNOWN
from funnelnb.data.ledger.codes import LOST_DEAL, WON_DEAL

if TYPE_CHECKING:
    from collections.abc import Mapping


@behind("Target", "FairShares", "Integrity")
def _everybody(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    worked_out = dict.fromkeys(("wins_n", "open_wins_n", "new_wins_n"), COMPUTED)
    return {"n": asked.everybody()} | worked_out


@behind("TargetRow", "MixRow", "ChanceCurve", "LeverRow")
def _computed(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    return {"deal_n": COMPUTED}


# ---- open deals ---------------------------------------------------------------------------------------------


def _pipeline(
    asked: Query, by: tuple[str, ...], group: tuple[str, ...], stage: str = ""
) -> tuple[Mask, Mask]:
    """Mark the open deals of a group that stand in a stage (empty: in any), and those of known amount."""
    deals = pipes.pipeline(asked.book)
    here = np.ones(len(deals.index), bool) if not stage else deals.position == asked.position(stage)
    inside = asked.inside(by, group)
    return (
        asked.at(deals.index[here]) & inside,
        asked.at(deals.index[here & ~np.isnan(deals.amount)]) & inside,
    )


def _standing(asked: Query, k: int) -> Mask:
    """Mark the open deals that stand in a stage now."""
    return asked.at(open_deals(asked.book).at(k).index)


@behind("Quota")
def _quota(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    return {"n": _pipeline(asked, (), ())[0], "new_n": COMPUTED}


@behind("QuotaRow")
def _quota_row(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    here, known = _pipeline(asked, result.by, row.group, row.stage)
    return {"open_n": here, "amount_n": known}


@behind("ShareRow")
def _share(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    return {"open_n": _pipeline(asked, result.by, row.group)[0]}


@behind("ReverseFunnel")
def _reverse(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    return {"n": asked.everybody() if result.measured else GIVEN, "wins_n": COMPUTED}


@behind("ReverseRow")
def _reverse_row(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    worked_out: dict[str, Member] = dict.fromkeys(("win_n", "plug_in_n", "needed_n", "open_n"), COMPUTED)
    if not result.measured:
        return worked_out | {"open_n": GIVEN}
    k = asked.position(row.stage)
    if k < asked.ledger.won:  # beyond, the row only says what is signed
        worked_out["open_n"] = _standing(asked, k)
    return worked_out


@behind("StageTargets")
def _stage_targets(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    first = origin_of(asked.book, None).first
    return {"n": step_members(asked, first, asked.everybody())["reached"], "wins_n": COMPUTED}


@behind("StageTarget")
def _stage_target(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    return {"open_n": _standing(asked, asked.position(row.stage)), "needed_n": COMPUTED}


@behind("PersonTarget")
def _person(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    inside, outcome = asked.inside(result.by, row.group), asked.ledger.outcome
    won = inside & (outcome == WON_DEAL)
    return {"closed_n": won | (inside & (outcome == LOST_DEAL)), "won_n": won}


# ---- history and records ------------------------------------------------------------------------------------


@behind("DealMix")
def _mix(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    if result.method == "mix_given":
        return {"n": GIVEN, "required_n": COMPUTED, "average_n": COMPUTED}
    _, index = won_amounts(asked.book)
    inside = asked.nobody()
    for band in result.bands:
        inside |= _of_band(asked, result, band)
    return {"n": inside & asked.at(index), "required_n": COMPUTED, "average_n": COMPUTED}


def _of_band(asked: Query, result: Any, band: Any) -> Mask:
    amounts, index = won_amounts(asked.book)
    if result.by:
        return asked.at(index[labels_of(asked.book, result.by[0], index) == band.band])
    return asked.at(index[(amounts >= band.lower_amount) & (amounts < band.upper_amount)])


@behind("BandRow")
def _band(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    history = GIVEN if result.method == "mix_given" else _of_band(asked, result, row)
    return {"history_n": history, "plan_n": COMPUTED, "cheapest_n": COMPUTED}


@behind("Levers")
def _levers(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    timed = asked.timed(0, asked.ledger.won)
    return {"n": timed.marks(np.ones(len(timed.deal), bool)), "leads_n": COMPUTED}


@behind("IntegrityRow")
def _integrity(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    inside = asked.inside(result.by, row.group) if row.group else asked.everybody()
    found = found_by(asked.book, row.check, asked.arguments.get("least_days", 1))
    if found is None:
        return dict.fromkeys(("of_n", "found_n", "large_n"), asked.nobody())
    listed = asked.at(found.index) & inside
    large = listed & (np.nan_to_num(asked.ledger.amount, nan=-1.0) >= result.large_amount)
    return {"of_n": found.looked & inside, "found_n": listed, "large_n": large}


@behind("Attained", "AttainGroup", "AttainShare", "CostRow", "AttainRow")
def _attained(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    return dict.fromkeys(("n", "period_n", "attained_n", "counted_n"), PERIODS)


# ---- the six properties -------------------------------------------------------------------------------------


def _days_of(result: Any, series: str) -> Period | None:
    """Return the days of entry of a funnel; None for one that nobody entered (an ideal)."""
    wholes = getattr(result, "rows", None) or (result.before, result.after)
    found = next((one for one in wholes if one.series == series and not one.group), None)
    if found is None or series == "ideal" or np.isnat(found.starts):
        return None
    return Period(name="", start=found.starts, end=found.ends)


def _moved(asked: Query, k: int, days: Period, inside: Mask) -> Mask:
    return within(asked.ledger.reached_s[:, k], days) & inside


def _entered(asked: Query, days: Period, inside: Mask) -> Mask:
    return step_members(asked, 0, entered_in(asked.book, days) & inside)["reached"]


@behind("StageProperties")
def _stage_properties(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    days = _days_of(result, row.series)
    worked_out: dict[str, Member] = dict.fromkeys(("entry_n", "exit_n", "here_n", "width_n"), COMPUTED)
    if days is None:
        return worked_out
    k, inside = asked.position(row.stage), asked.everybody()
    made = worked_out | {"entry_n": _moved(asked, k, days, inside) if k else _entered(asked, days, inside)}
    if k < asked.ledger.won:
        here = step_members(asked, k, entered_in(asked.book, days))["here"]
        made |= {"exit_n": _moved(asked, k + 1, days, inside), "here_n": here}
    return made


@behind("FunnelProperties")
def _funnel_properties(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    days = (
        None
        if row.series == "ideal" or np.isnat(row.starts)
        else Period(name="", start=row.starts, end=row.ends)
    )
    if days is None:
        return dict.fromkeys(("entry_n", "won_n", "here_n", "judged_n", "stage_n"), COMPUTED)
    inside, flow = asked.everybody(), asked.everybody()
    if row.group:
        now = _days_of(result, "actual") or days
        inside, flow = deals_of_cut(asked.book, result.by[0], row.group[0], now)
    entered = entered_in(asked.book, days) & inside
    part = asked.book.some(entered)
    origin = origin_of(part, None).position
    here, reached = whole_members(asked, origin, entered)["here"], step_members(asked, 0, entered)["reached"]

    def judged() -> Mask | Elsewhere:
        timed = replace(asked, book=part, found={}).timed(origin, asked.ledger.won, ())
        known = timed.marks(timed.rows_of(()))
        return Elsewhere(part, known) if known.any() else reached

    return {
        "entry_n": reached,
        "judged_n": judged,
        "won_n": _moved(asked, asked.ledger.won, days, flow),
        "here_n": here,
        "stage_n": COMPUTED,
    }


@behind("SixProperties")
def _six(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    days = _days_of(result, "actual")
    return {"n": GIVEN if days is None else _entered(asked, days, asked.everybody())}


@behind("BeforeAfter")
def _before_after(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    first, second = (Period(name="", start=one.starts, end=one.ends) for one in (result.before, result.after))
    old, new = (_entered(asked, one, asked.everybody()) for one in (first, second))
    start_s = second.start.astype("datetime64[s]").astype(np.int64)
    closed = asked.ledger.closed_s
    late = (closed == UNKNOWN) | (closed >= start_s)
    return {"n": old | new, "crossing_n": entered_in(asked.book, first) & late}
