"""Who in the buying centre has not been met? Coverage of buyer roles, deal by deal and stage by stage."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from funnelnb.analysis.shared.counts import level
from funnelnb.analysis.shared.open_deals import OpenDeals, needed, open_deals, total
from funnelnb.analysis.shared.question import question
from funnelnb.analysis.shared.result import DealRows, Result, about
from funnelnb.core.check import TOO_FEW_N
from funnelnb.core.errors import DataProblems, Problem, meant
from funnelnb.core.note import Note
from funnelnb.playbooks.roles import BUYER_ROLES, ROLES, covered, role_named
from funnelnb.stats.rates.proportion import wilson

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from funnelnb.data.book import Book
    from funnelnb.playbooks.model import Label, Playbook


MAIN_ROLES = ("decision_maker", "technical_gatekeeper", "purchaser", "user")
"""The four who can stop a purchase (DOMAIN C5): asked for where a playbook names no roles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleRow:
    """One buyer role among the open deals that stand in one stage.

    Attributes
    ----------
    role : str
        A key of :data:`funnelnb.playbooks.model.ROLES`.
    stage : str
        Empty: all stages together.
    due : bool
        Whether the playbook addresses this role up to this stage. For all stages: of the deals counted.
    deal_n, met_n : int
        Open deals; for all stages together only those to which the role is due.
    met_rate, met_ci_lower, met_ci_upper : float
    unmet_amount : float
        Known amounts of the deals at which nobody in this role has been met.
    enough : bool
    """

    role: str
    stage: str
    due: bool
    deal_n: int
    met_n: int
    met_rate: float
    met_ci_lower: float
    met_ci_upper: float
    unmet_amount: float
    enough: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleDeal:
    """The roles of one open deal.

    Attributes
    ----------
    opportunity_id, account_id, owner, region, stage : str
    deal_amount : float
    due_n, met_due_n : int
        Roles due up to the stage, and those of them that have been met.
    coverage_share : float
        met / due; NaN where no role is due.
    met, missing : str
        Role keys, joined by a comma; `missing` in the order of weight: who can stop the deal first.
    next_role : str
        Whom to meet next: the first of `missing`, or empty.
    question_en, question_zh : str
        What to ask that person, from the playbook's stages up to this one; empty: the role's own question.
    stage_due_n, stage_met_n : int
        Roles that the deal's own stage addresses, and those of them that have been met.
    stage_missing : str
        Those of them that have not.
    customer : str
        What to call the customer: its name; else its id, the deal's name, or the deal's id.
    """

    opportunity_id: str
    account_id: str
    owner: str
    region: str
    stage: str
    deal_amount: float
    due_n: int
    met_due_n: int
    coverage_share: float
    met: str
    missing: str
    next_role: str
    question_en: str
    question_zh: str
    stage_due_n: int = 0
    stage_met_n: int = 0
    stage_missing: str = ""
    customer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageRoleRow:
    """The open deals in one stage by the roles that this stage itself addresses.

    Attributes
    ----------
    stage : str
    roles : str
        Role keys that the stage addresses, joined by a comma.
    deal_n, complete_n : int
        Deals in the stage, and those at which every one of these roles has been met.
    complete_rate, complete_ci_lower, complete_ci_upper : float
    mean_coverage_share : float
        Mean over the deals of roles met / roles addressed.
    incomplete_amount : float
        Known amounts of the deals at which somebody is missing.
    enough : bool
    """

    stage: str
    roles: str
    deal_n: int
    complete_n: int
    complete_rate: float
    complete_ci_lower: float
    complete_ci_upper: float
    mean_coverage_share: float
    incomplete_amount: float
    enough: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Roles(Result):
    """Coverage of buyer roles over the open deals.

    Attributes
    ----------
    rows : tuple of RoleRow
        One per role that is due anywhere, all stages together, least covered first.
    cells : tuple of RoleRow
        One per role and stage.
    deals : tuple of RoleDeal
        Largest amount with somebody missing first.
    mean_coverage_share : float
        Mean of the deals' coverage.
    stages : tuple of StageRoleRow
        One per stage that addresses any role and in which deals stand: coverage of the stage's own roles.
    stage_ids, stage_labels
        As in :class:`~funnelnb.analysis.conversion.conversion.Conversion`.
    """

    rows: tuple[RoleRow, ...]
    cells: tuple[RoleRow, ...]
    deals: DealRows[RoleDeal] = field()
    mean_coverage_share: float
    stage_ids: tuple[str, ...]
    stage_labels: tuple[Label, ...]
    stages: tuple[StageRoleRow, ...] = ()


@question("customers")
def roles(book: Book, *, confidence_level: float | None = None) -> Roles:
    """Who in the buying centre has not been met, and at which deals does it matter most?

    Parameters
    ----------
    book : Book
        With the table ``contacts`` and its columns role and account_id or opportunity_id.
    confidence_level : float, optional
        Level of the intervals; None: the package option.

    Returns
    -------
    Roles

    Raises
    ------
    MissingDataError
        There is no such table or column.
    DataProblems
        A contact has a role that nobody knows; all of them are named at once.

    Notes
    -----
    A contact belongs to its deal, or to all open deals of its customer where no deal is named. A role is due
    to a deal when the playbook addresses it in the deal's stage or an earlier one; where the playbook names
    no roles at all, the four main roles are due everywhere. Of those missing, who can stop the deal comes
    first: decision maker, technical gatekeeper (who can only say no), purchaser, user, then the others.
    The field has two words for some people: the technical gatekeeper counts as the technical assessor, and the
    purchaser as the executor. Beside it stands the coverage of the roles that the deal's own stage addresses.

    Checked against loops over deals and contacts: ``tests/analysis/test_roles.py``.

    Examples
    --------
    >>> import funnelnb as fn
    >>> 0 < fn.roles(fn.sample()).mean_coverage_share < 1
    True
    """
    confidence = level(confidence_level)
    contacts = needed(book, "contacts", "role", why="buyer roles")
    deals = open_deals(book)
    met = _met(contacts, deals)
    due = due_roles(book.playbook)[: book.playbook.won]
    own = stage_roles(book.playbook)
    found = [
        _deal(book.playbook, deals, d, met[d], due[deals.position[d]], own[deals.position[d]])
        for d in range(len(deals))
    ]
    known = sorted({role for one in due for role in one}, key=_weight)
    count = _Counter.of(book, deals, met, due, confidence)
    coverage = [row.coverage_share for row in found if row.due_n]
    return Roles(
        n=len(deals),
        method="roles",
        confidence_level=confidence,
        notes=(*_notes(book, contacts, deals), *_counted_for(met, {role for one in due for role in one})),
        rows=tuple(
            sorted(
                (count.row(role, None) for role in known),
                key=lambda row: (np.nan_to_num(row.met_rate, nan=2.0), _weight(row.role)),
            )
        ),
        cells=tuple(count.row(role, position) for role in known for position in range(book.playbook.won)),
        deals=DealRows(
            sorted(
                found, key=lambda row: (not row.missing, -np.nan_to_num(row.deal_amount), row.opportunity_id)
            )
        ),
        mean_coverage_share=float(np.mean(coverage)) if coverage else float("nan"),
        **about(book),
        stages=_stages(book.playbook, found, own, confidence),
    )


def _stages(
    playbook: Playbook, found: list[RoleDeal], own: tuple[tuple[str, ...], ...], confidence_level: float
) -> tuple[StageRoleRow, ...]:
    rows = []
    for stage, roles in zip(playbook.stage_ids[: playbook.won], own, strict=False):
        mine = [row for row in found if row.stage == stage]
        if not mine or not roles:
            continue
        complete_n = sum(not row.stage_missing for row in mine)
        lower, upper = wilson(complete_n, len(mine), confidence_level)
        rows.append(
            StageRoleRow(
                stage=stage,
                roles=", ".join(roles),
                deal_n=len(mine),
                complete_n=complete_n,
                complete_rate=complete_n / len(mine),
                complete_ci_lower=float(lower),
                complete_ci_upper=float(upper),
                mean_coverage_share=float(np.mean([row.stage_met_n / row.stage_due_n for row in mine])),
                incomplete_amount=total([row.deal_amount for row in mine if row.stage_missing]),
                enough=len(mine) >= TOO_FEW_N,
            )
        )
    return tuple(rows)


def _counted_for(met: list[set[str]], due: set[str]) -> tuple[Note, ...]:
    """Say where somebody counts under another word for the same person."""
    two = any(set(BUYER_ROLES[role].counts_for) & due for one in met for role in one - due)
    return (Note("roles_two_words"),) if two else ()


def due_roles(playbook: Playbook) -> tuple[tuple[str, ...], ...]:
    """Return for each stage which roles should have been met by then, most weighty first."""
    if not any(stage.roles for stage in playbook.stages[: playbook.won]):
        return (MAIN_ROLES,) * len(playbook.stages)
    due: list[tuple[str, ...]] = []
    seen: list[str] = []
    for stage in playbook.stages:
        seen = _once([*seen, *stage.roles])
        due.append(tuple(sorted(seen, key=_weight)))
    return tuple(due)


def stage_roles(playbook: Playbook) -> tuple[tuple[str, ...], ...]:
    """Return for each stage the roles that it addresses itself, most weighty first."""
    if not any(stage.roles for stage in playbook.stages[: playbook.won]):
        return (MAIN_ROLES,) * len(playbook.stages)
    return tuple(tuple(sorted(_once(stage.roles), key=_weight)) for stage in playbook.stages)


def _once(roles: Iterable[str]) -> list[str]:
    """Return the roles, of two words for one person only the first."""
    kept: list[str] = []
    for role in roles:
        if role not in covered(kept):
            kept.append(role)
    return kept


def _weight(role: str) -> int:
    order = (*MAIN_ROLES, *(name for name in ROLES if name not in MAIN_ROLES))
    return order.index(role)


def role_key(name: str) -> str | None:
    """Return the role that data calls `name` (key, label or alias in either language), or None."""
    found = role_named(name)
    return found.id if found else None


def _met(contacts: pd.DataFrame, deals: OpenDeals) -> list[set[str]]:
    """Return the roles met at each deal.

    Raises
    ------
    DataProblems
        Roles that are not known.
    """
    by_deal: dict[str, set[str]] = defaultdict(set)
    by_account: dict[str, set[str]] = defaultdict(set)
    nothing = [None] * len(contacts)
    ids = contacts["opportunity_id"].tolist() if "opportunity_id" in contacts else nothing
    accounts = contacts["account_id"].tolist() if "account_id" in contacts else nothing
    problems = []
    for row, (role, deal, account) in enumerate(zip(contacts["role"].tolist(), ids, accounts, strict=True)):
        if not isinstance(role, str):
            continue
        key = role_key(role)
        if key is None:
            problems.append(_unknown(row, role))
        elif isinstance(deal, str):
            by_deal[deal].add(key)
        elif isinstance(account, str):
            by_account[account].add(key)
    if problems:
        raise DataProblems(problems)
    return [
        by_deal[deal] | (by_account[account] if account else set())
        for deal, account in zip(deals.opportunity_id, deals.account_id, strict=True)
    ]


def _unknown(row: int, role: str) -> Problem:
    return Problem(
        file="contacts",
        row=row + 2,
        column="role",
        value=role,
        found="a buyer role that is not known",
        expected="one of " + ", ".join(ROLES),
        remedy=f"correct it{meant(role, ROLES)}, or leave it empty",
    )


def _deal(
    playbook: Playbook,
    deals: OpenDeals,
    d: int,
    met: set[str],
    due: tuple[str, ...],
    own: tuple[str, ...],
) -> RoleDeal:
    counted = covered(met)
    missing = [role for role in due if role not in counted]
    stage_missing = [role for role in own if role not in counted]
    question = _question(playbook, int(deals.position[d]), missing[0]) if missing else None
    return RoleDeal(
        opportunity_id=deals.opportunity_id[d],
        customer=deals.customer[d],
        account_id=deals.account_id[d],
        owner=deals.owner[d],
        region=deals.region[d],
        stage=playbook.stage_ids[deals.position[d]],
        deal_amount=float(deals.amount[d]),
        due_n=len(due),
        met_due_n=len(due) - len(missing),
        coverage_share=1 - len(missing) / len(due) if due else float("nan"),
        met=", ".join(sorted(met, key=_weight)),
        missing=", ".join(missing),
        next_role=missing[0] if missing else "",
        question_en=question.en if question else "",
        question_zh=question.zh if question else "",
        stage_due_n=len(own),
        stage_met_n=len(own) - len(stage_missing),
        stage_missing=", ".join(stage_missing),
    )


def _question(playbook: Playbook, position: int, role: str) -> Label | None:
    """Return the playbook's question for `role` in the stage or the nearest one before it."""
    for stage in reversed(playbook.stages[: position + 1]):
        for asked in stage.questions:
            if asked.role == role:
                return asked.label
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counter:
    """What all rows of one call have in common."""

    deals: OpenDeals
    met: list[frozenset[str]]
    due: tuple[tuple[str, ...], ...]
    stage_ids: tuple[str, ...]
    confidence_level: float

    @classmethod
    def of(
        cls,
        book: Book,
        deals: OpenDeals,
        met: list[set[str]],
        due: tuple[tuple[str, ...], ...],
        confidence_level: float,
    ) -> _Counter:
        """Return the counter of these deals; who has met one of two words for a person has met the other."""
        return cls(
            deals=deals,
            met=[covered(one) for one in met],
            due=due,
            stage_ids=book.playbook.stage_ids,
            confidence_level=confidence_level,
        )

    def row(self, role: str, position: int | None) -> RoleRow:
        """Return the counts of a role in one stage, or (None) at all deals to which it is due."""
        mine = [
            d
            for d, stands in enumerate(self.deals.position.tolist())
            if (role in self.due[stands] if position is None else stands == position)
        ]
        met_n = sum(role in self.met[d] for d in mine)
        lower, upper = wilson(met_n, len(mine), self.confidence_level)
        return RoleRow(
            role=role,
            stage="" if position is None else self.stage_ids[position],
            due=bool(mine) if position is None else role in self.due[position],
            deal_n=len(mine),
            met_n=met_n,
            met_rate=met_n / len(mine) if mine else float("nan"),
            met_ci_lower=float(lower),
            met_ci_upper=float(upper),
            unmet_amount=total([self.deals.amount[d] for d in mine if role not in self.met[d]]),
            enough=len(mine) >= TOO_FEW_N,
        )


def _notes(book: Book, contacts: pd.DataFrame, deals: OpenDeals) -> tuple[Note, ...]:
    notes = [Note("contacts_undated")]
    if not any(stage.roles for stage in book.playbook.stages):
        notes.append(Note("no_roles_in_playbook"))
    no_role_n = int(contacts["role"].isna().sum())
    if no_role_n:
        notes.append(Note("contacts_without_role", {"contacts_n": no_role_n, "of_n": len(contacts)}))
    alone_n = sum(not account for account in deals.account_id)
    if alone_n and "opportunity_id" not in contacts:
        notes.append(Note("deals_without_customer", {"deals_n": alone_n, "of_n": len(deals)}))
    return tuple(notes)
