"""Which deals stand behind the counts of a diagnosis and of a report?"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.analysis.diagnosis.cells import standing_at
from funnelnb.analysis.diagnosis.change import sides_behind
from funnelnb.analysis.diagnosis.costs import days_inside, periods_over
from funnelnb.analysis.diagnosis.desk import Desk, in_days
from funnelnb.analysis.diagnosis.losses import cuts_of, losses_of
from funnelnb.analysis.diagnosis.report_figures import coded_by, inside
from funnelnb.analysis.diagnosis.report_period import back
from funnelnb.analysis.diagnosis.sales import days_of, named_place
from funnelnb.analysis.diagnosis.symptoms import signs_behind
from funnelnb.analysis.diagnosis.verdict import window_marks
from funnelnb.analysis.diagnosis.wander import kinds_of, moves_recorded, path_codes, referrals_of
from funnelnb.analysis.shared.members import (
    COMPUTED,
    MOVES,
    PEOPLE,
    Elsewhere,
    Mask,
    Member,
    Query,
    Who,
    behind,
)
from funnelnb.analysis.shared.open_deals import learned_from
from funnelnb.analysis.shared.period import Period

if TYPE_CHECKING:
    from collections.abc import Mapping


def _desk(asked: Query, by: str = "owner") -> Desk:
    return asked.once(("desk", by), lambda: Desk(asked.book, by))


# ---- Symptoms -----------------------------------------------------------------------------------------------


@behind("Symptoms")
def _symptoms(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    return {"n": asked.everybody(), "tests_n": COMPUTED}


@behind("Symptom")
def _symptom(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    """The deals that a rule speaks of: of the company where the person was judged among all of it."""

    def mine() -> Who:
        signs = asked.once("signs", lambda: signs_behind(asked.book, asked.arguments))
        found = next((one for one in signs if one[0] == (row.rule, row.group, row.stage, row.against)), None)
        if found is None:
            return asked.nobody()
        _, place, deals = found
        marks = np.zeros(len(place.won), bool)
        marks[deals] = True
        return marks if place.book is asked.book else Elsewhere(place.book, marks)

    return {"n": COMPUTED, "deal_n": mine}


@behind("RuleState")
def _rule(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    return dict.fromkeys(("judged_n", "red_n", "amber_n"), PEOPLE)


@behind("SymptomDetail")
def _detail(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    ids = [one.opportunity_id for one in result.deals]
    learned = learned_from(asked.book, asked.arguments.get("learn_from"))
    if learned is asked.book:
        return {"n": asked.of_ids(ids)}
    return {"n": lambda: Elsewhere(learned, Query(book=learned, arguments={}).of_ids(ids))}


# ---- What changed, did it work, and why lost ------------------------------------------------------------------


@behind("Change")
def _change(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    def sides() -> tuple[Mask, Mask]:
        before, after = asked.once("sides", lambda: sides_behind(asked.book, asked.arguments))
        return asked.at(before), asked.at(after)

    def apart(k: int) -> Who:
        return sides()[k]

    def both() -> Who:
        first, second = sides()
        return MOVES if (first & second).any() else first | second

    return {"n": both, "before_n": lambda: apart(0), "after_n": lambda: apart(1), "open_n": COMPUTED}


@behind("Verdict")
def _verdict(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    if result.measure == "win_rate":
        return {"n": COMPUTED}
    first, last = (one for one in result.windows if one.side in ("before", "after"))
    return {"n": lambda: _in_window(asked, result, first) | _in_window(asked, result, last)}


@behind("VerdictWindow")
def _window(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    if result.measure == "win_rate":
        return {"n": COMPUTED}
    return {"n": lambda: _in_window(asked, result, row)}


def _in_window(asked: Query, result: Any, row: Any) -> Mask:
    start = float(row.starts.astype(np.int64))
    return window_marks(_desk(asked), result.measure, start, result.window_days)


@behind("WhyLost")
def _why_lost(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    desk = _desk(asked)
    return {
        "n": desk.lost, "won_n": desk.won, "open_n": desk.in_hand,
        "left_n": desk.ended & ~desk.won & ~desk.lost, "unknown_n": lambda: _lost_for(asked, "reason", ""),
    }  # fmt: skip


def _lost_for(asked: Query, kind: str, name: str) -> Mask:
    """Mark the lost deals of one reason, ending or competitor."""
    lost, texts = asked.once("losses", lambda: losses_of(asked.book, asked.arguments.get("competitor")))
    return asked.at(lost[texts[kind] == name])


@behind("LossRow")
def _loss(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    def mine() -> Mask:
        if row.kind != "competitor":
            return _lost_for(asked, row.kind, row.ending if row.kind == "ending" else row.name)
        return _lost_for(asked, "competitor", row.name) & _lost_for(asked, "ending", "lost_competitor")

    return {"lost_n": mine}


@behind("LossCell")
def _loss_cell(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    def cell() -> Mask:
        desk = _desk(asked)
        lost = np.flatnonzero(desk.lost)
        cuts = asked.once("cuts", lambda: {one[0]: one for one in cuts_of(desk, lost, result.by)})
        _, codes, labels = cuts[row.cut]
        return asked.at(lost[codes == list(labels).index(row.group[0])])

    return {"lost_n": lambda: cell() & _lost_for(asked, "reason", row.name), "of_n": cell}


@behind("LossSign")
def _loss_sign(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    def group() -> Mask:
        coded = asked.ledger.attributes[row.attribute]
        found: Mask = (coded.codes == coded.labels.index(row.value)) & _desk(asked).lost
        return found

    return {"lost_n": lambda: group() & _lost_for(asked, "reason", row.name), "of_n": group}


# ---- How deals wander -------------------------------------------------------------------------------------------


def _kinds(asked: Query) -> Any:
    return asked.once("kinds", lambda: kinds_of(asked.ledger))


def _recorded(asked: Query) -> Mask:
    """Return which deals have a stage history: of the others no move is known."""
    return asked.once("recorded", lambda: moves_recorded(asked.ledger))


def _deals_of(asked: Query, stays: Any) -> Mask:
    return asked.at(np.unique(asked.ledger.deal[stays])) & _recorded(asked)


@behind("Wander")
def _wander(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    def moved(kind: str) -> Mask:
        return _deals_of(asked, _kinds(asked) == kind)

    def straight() -> Mask:
        return _recorded(asked) & ~(moved("skipped") | moved("back") | reopened())

    def reopened() -> Mask:
        return _recorded(asked) & np.asarray(asked.ledger.is_true("reopened"), bool)

    def referred() -> Who:
        found = referrals_of(_desk(asked))
        return COMPUTED if found is None else found & _recorded(asked)

    return {
        "n": lambda: _recorded(asked), "straight_n": straight, "skipping_n": lambda: moved("skipped"),
        "returning_n": lambda: moved("back"),
        "reopened_n": reopened, "referral_n": referred,
    }  # fmt: skip


@behind("MoveRow")
def _move(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    def mine() -> Mask:
        ledger = asked.ledger
        if row.origin == "entered":
            first = ledger.stage[ledger.start[:-1]]
            entered: Mask = np.asarray(first == ledger.stage_ids.index(row.target)) & _recorded(asked)
            return entered
        here = ledger.stage == ledger.stage_ids.index(row.origin)
        if row.target in ledger.stage_ids:
            return _deals_of(asked, here & (ledger.next == ledger.stage_ids.index(row.target)))
        return _deals_of(asked, here & (_kinds(asked) == row.target))

    return {"move_n": MOVES, "deal_n": mine}


@behind("StageBalance")
def _balance(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    """Stays, which are deals as long as none came twice."""
    names = ("entered", "advanced", "skipped", "back", "lost", "left", "still")

    def stays(name: str) -> Who:
        here = asked.ledger.stage == asked.ledger.stage_ids.index(row.stage)
        mine = here if name == "entered" else here & (_kinds(asked) == name)
        mine &= _recorded(asked)[asked.ledger.deal]
        marks = _deals_of(asked, mine)
        return marks if marks.sum() == mine.sum() else MOVES

    return {f"{name}_n": functools.partial(stays, name) for name in names}


@behind("DealPath")
def _path(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    def mine() -> Mask:
        spelled = asked.once("paths", lambda: path_codes(_desk(asked)))
        return np.asarray([one == row.path for one in spelled], bool) & _recorded(asked)

    return {"closed_n": mine, "won_n": lambda: mine() & _desk(asked).won}


@behind("RoundRow")
def _round(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    def mine() -> Mask:
        back_n = np.bincount(asked.ledger.deal[_kinds(asked) == "back"], minlength=len(asked.ledger.outcome))
        found: Mask = back_n == row.again_n if row.again_n < 3 else back_n >= 3
        return found & _recorded(asked)

    return {"again_n": MOVES, "deal_n": mine}


# ---- Sales, what is typical, costs ----------------------------------------------------------------------------


@behind("SalesTrend")
def _sales(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    return {"n": lambda: ~np.isnan(days_of(_desk(asked), result.measure))}


@behind("SalesRow")
def _sales_row(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    def mine() -> Mask:
        desk = _desk(asked)
        found = named_place(desk, result.measure, result.period, row.starts)
        if row.group:
            coded = asked.ledger.attributes[result.by[0]]
            found &= coded.codes == coded.labels.index(row.group[0])
        return found

    return {"sales_n": mine}


@behind("Description")
def _description(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    return {"n": PEOPLE if result.of == "owner_won" else lambda: _described(asked, result, ())}


@behind("DescribeRow")
def _describe_row(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    far = [one.name for one in result.outliers]
    whole = not row.group and result.of != "owner_won"
    return {
        "value_n": PEOPLE if result.of == "owner_won" else lambda: _described(asked, result, row.group),
        "mode_n": COMPUTED, "outlier_n": (lambda: asked.of_ids(far)) if whole else COMPUTED,
    }  # fmt: skip


def _described(asked: Query, result: Any, group: tuple[str, ...]) -> Mask:
    desk = _desk(asked)
    of = {"won": desk.won, "open": desk.in_hand, "all": asked.everybody()}[result.of]
    found: Mask = of & ~np.isnan(asked.ledger.amount)
    if group:
        coded = asked.ledger.attributes[result.by[0]]
        found &= coded.codes == coded.labels.index(group[0])
    return found


@behind("UnitCosts")
def _costs(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    return {"n": lambda: _costed(asked, result, (), "order")}


@behind("UnitCost")
def _cost_row(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    return {
        f"{name}_n": functools.partial(_costed, asked, result, row.group, name)
        for name in ("lead", "opportunity", "order")
    }


def _costed(asked: Query, result: Any, group: tuple[str, ...], name: str) -> Mask:
    past = asked.once("costed", lambda: periods_over(asked.book))
    by_period = result.by == ("period",)
    chosen = [one for one in past if one.name == group[0]] if group and by_period else past
    found: Mask = days_inside(_desk(asked), chosen)[name]
    if group and not by_period:
        coded = asked.ledger.attributes[result.by[0]]
        place = coded.labels.index(group[0]) if group[0] in coded.labels else -1
        found = found & (coded.codes == place)
    return found


# ---- The report -----------------------------------------------------------------------------------------------


def _now(result: Any) -> Period:
    return Period(name=result.period_name, start=result.starts, end=result.ends)


@behind("WeeklyReport")
def _report(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    return {"n": asked.everybody(), "more_n": COMPUTED}


@behind("ReportStage")
def _report_stage(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    k = asked.ledger.stage_ids.index(row.stage)

    def reached(period: Period) -> Mask:
        day = in_days(asked.ledger.reached_s[:, k]) if k else _desk(asked).entered
        return inside(day, period)

    def here() -> Mask:
        return np.asarray((_stood(asked, result) == k) & (k < asked.ledger.won))

    return {
        "reached_n": lambda: reached(_now(result)),
        "before_n": lambda: reached(back(_now(result), result.kind)),
        "here_n": here,
    }


def _stood(asked: Query, result: Any) -> Any:
    day = float(result.ends.astype(np.int64)) + 1
    return asked.once(("stood", day), lambda: standing_at(_desk(asked), day))


@behind("ReportPart")
def _report_part(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    desk, now = _desk(asked), _now(result)

    def mine() -> Mask:
        if not row.group:
            return asked.everybody()
        codes, labels = coded_by(desk, result.by[0])
        return np.asarray(codes == list(labels).index(row.group[0]))

    return {
        "entered_n": lambda: mine() & inside(desk.entered, now),
        "order_n": lambda: mine() & inside(desk.closed, now) & desk.won,
        "loss_n": lambda: mine() & inside(desk.closed, now) & desk.lost & ~np.isnan(row.loss_n),
        "here_n": lambda: mine() & np.asarray(_stood(asked, result) >= 0),
        "red_n": COMPUTED,
        "amber_n": COMPUTED,
    }
