"""Which deals, or customers, stand behind the counts of priorities?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from funnelnb.analysis.priority.entry import AMOUNT, Design, entry
from funnelnb.analysis.priority.level_moves import moved
from funnelnb.analysis.priority.money_authority_need import CONDITIONS, flags_of, man_class
from funnelnb.analysis.priority.propensity import Cases, cases_of, split_of
from funnelnb.analysis.priority.quadrant import stated_dates
from funnelnb.analysis.priority.roles import covered, due_roles
from funnelnb.analysis.shared.counts import origin_of
from funnelnb.analysis.shared.members import (
    COMPUTED,
    MARKS,
    Customers,
    Elsewhere,
    Mask,
    Member,
    Query,
    behind,
)
from funnelnb.analysis.shared.open_deals import learned_from, open_deals

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def _ids(asked: Query, rows: Iterable[Any]) -> Mask:
    return asked.of_ids(row.opportunity_id for row in rows)


def _customers(rows: Iterable[Any]) -> Customers:
    return Customers(tuple(row.account_id for row in rows))


@behind("CallList")
def _calls(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    return {"n": _ids(asked, result.rows)}


@behind("Quadrant")
def _quadrant(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    learned = learned_from(asked.book, asked.arguments.get("learn_from"))
    judged, kept = stated_dates(learned)
    ids = learned.opportunities["opportunity_id"]
    home = Query(book=learned, arguments={})
    return {
        "n": _ids(asked, result.deals),
        "dates_judged_n": lambda: Elsewhere(learned, home.of_ids(ids[judged])),
        "dates_kept_n": lambda: Elsewhere(learned, home.of_ids(ids[kept])),
    }


@behind("QuadrantRow")
def _quadrant_row(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    return {"deal_n": _ids(asked, (one for one in result.deals if one.quadrant == row.quadrant))}


# ---- evidence and roles ------------------------------------------------------------------------------------


@behind("HonestFunnel")
def _gates(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    return {
        "n": _ids(asked, result.deals),
        "overclaimed_n": _ids(asked, (one for one in result.deals if one.stages_apart)),
        "checked_n": _ids(asked, (one for one in result.deals if one.checked)),
    } | {
        f"{name}_n": _ids(asked, (one for one in result.deals if one.if_unmet == name))
        for name in ("stay", "fall_back")
    }


@behind("GateRow")
def _gate(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    claimed = [one for one in result.deals if one.stage == row.stage]
    return {
        "claimed_n": _ids(asked, claimed),
        "supported_n": _ids(asked, (one for one in result.deals if one.supported_stage == row.stage)),
        "unchecked_n": _ids(asked, (one for one in claimed if not one.checked)),
    }


@behind("Roles")
def _roles(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    return {"n": _ids(asked, result.deals)}


@behind("RoleRow")
def _role(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    due = dict(zip(result.stage_ids, due_roles(asked.book.playbook), strict=False))
    mine = [
        one
        for one in result.deals
        if (one.stage == row.stage if row.stage else row.role in due.get(one.stage, ()))
    ]
    met = [one for one in mine if row.role in covered(set(filter(None, one.met.split(", "))))]
    return {"deal_n": _ids(asked, mine), "met_n": _ids(asked, met)}


@behind("StageRoleRow")
def _stage_roles(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    mine = [one for one in result.deals if one.stage == row.stage]
    complete = [one for one in mine if not one.stage_missing]
    return {"deal_n": _ids(asked, mine), "complete_n": _ids(asked, complete)}


@behind("RoleDeal")
def _role_deal(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    return dict.fromkeys(("due_n", "met_due_n", "stage_due_n", "stage_met_n"), MARKS)


# ---- customers ----------------------------------------------------------------------------------------------


@behind("Man")
def _man(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    return {"n": Customers(tuple(flags_of(asked.book.tables["accounts"])))}


@behind("ManRow")
def _man_row(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    flags = flags_of(asked.book.tables["accounts"])
    mine = {account for account, one in flags.items() if man_class(*one) == row.man}
    deals = open_deals(asked.book)
    behind_them = [d for d, account in enumerate(deals.account_id) if account in mine]
    return {"customer_n": Customers(tuple(sorted(mine))), "deal_n": asked.at(deals.index[behind_them])}


@behind("ConditionRow")
def _condition(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    place = CONDITIONS.index(row.condition)
    flags = {account: one[place] for account, one in flags_of(asked.book.tables["accounts"]).items()}
    return {
        f"{name}_n": Customers(tuple(account for account, one in flags.items() if one is value))
        for name, value in (("met", True), ("missing", False), ("unknown", None))
    }


@behind("Levels")
def _levels(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    with_deals = sorted({one for one in open_deals(asked.book).account_id if one})
    return {"n": _customers(result.customers), "with_deals_n": Customers(tuple(with_deals))}


@behind("LevelRow")
def _level(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    mine = [one for one in result.customers if one.level == row.level]
    return {"customer_n": _customers(mine), "unsure_n": _customers(one for one in mine if not one.sure)}


def _moved(asked: Query) -> list[tuple[Any, str]]:
    return asked.once("moved", lambda: moved(asked.arguments["before"], asked.book, asked.arguments["rule"]))


@behind("LevelMoves")
def _moves(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    every = _moved(asked)
    names = ("raised", "lowered", "new", "gone", "stayed")
    return {"n": _customers(one for one, _ in every)} | {
        f"{name}_n": _customers(one for one, rank in every if rank == name) for name in names
    }


@behind("FlowRow")
def _flow(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    levels = (row.level_before, row.level_after)
    return {
        "customer_n": _customers(
            one for one, _ in _moved(asked) if (one.level_before, one.level_after) == levels
        )
    }


@behind("Assessment")
def _assessment(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    return {"n": _customers(result.rows)}


@behind("ScoreRow", "HistoryRow")
def _score(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    return dict.fromkeys(("plus_n", "minus_n", "unknown_n"), MARKS)


@behind("Customer")
def _customer(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    return {"n": _ids(asked, result.deals), "plus_n": MARKS, "minus_n": MARKS}


# ---- the chance to be won -----------------------------------------------------------------------------------


@behind("Propensity")
def _propensity(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    return {"n": asked.at(_cases(asked, result).rows)} | {
        f"{name}_n": asked.at(rows) for name, rows in _tested(asked, result).items()
    }


def _cases(asked: Query, result: Any) -> Cases:
    ledger = asked.ledger
    start_s = ledger.reached_s[:, origin_of(asked.book, None).position]
    return asked.once("cases", lambda: cases_of(ledger, start_s, ledger.as_of_s, result.horizon_days))


def _tested(asked: Query, result: Any) -> Mapping[str, Any]:
    """Return the deals that were learned from and tested on, if any were."""
    if result.verdict == "untested":
        return {"train": [], "test": []}
    ledger, days = asked.ledger, result.horizon_days
    start_s = ledger.reached_s[:, origin_of(asked.book, None).position]
    split_s, last_s = split_of(ledger, start_s, days)
    train = cases_of(ledger, start_s, split_s, days)
    return {
        "train": train.rows,
        "test": cases_of(ledger, start_s, ledger.as_of_s, days, split_s, last_s).rows,
    }


@behind("EffectRow")
def _effect(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    rows = _cases(asked, result).rows
    known = asked.arguments.get("attributes")
    design = asked.once("design", lambda: Design.learn(entry(asked.book, known), rows))
    columns = asked.once("columns", lambda: design.columns(rows))
    place = design.names().index((row.attribute, row.value))
    mine = slice(None) if row.attribute == AMOUNT else columns[:, place] > 0
    return {"deal_n": asked.at(rows[mine])}


@behind("CalibrationRow", "AuditRow")
def _worked_out(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    return dict.fromkeys(("case_n", "value_n"), COMPUTED)
