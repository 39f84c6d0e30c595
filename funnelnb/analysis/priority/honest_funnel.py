"""How honest is the funnel? Which stage the evidence supports, against the stage that is claimed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from funnelnb.analysis.shared.counts import level
from funnelnb.analysis.shared.open_deals import OpenDeals, needed, open_deals, total
from funnelnb.analysis.shared.question import question
from funnelnb.analysis.shared.result import DealRows, Result
from funnelnb.core import check
from funnelnb.core.errors import DataProblems, Problem, meant
from funnelnb.core.note import Note

if TYPE_CHECKING:
    import pandas as pd

    from funnelnb.data.book import Book
    from funnelnb.playbooks.model import Label, Playbook, Stage


UNRECORDED = ("unknown", "not_met")


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRow:
    """One stage: the deals that claim it beside those whose evidence supports it.

    Attributes
    ----------
    stage : str
    claimed_n, supported_n : int
        Open deals that stand there by the CRM, and by the evidence.
    claimed_amount, supported_amount : float
        Known amounts of these.
    claimed_beyond_amount, supported_beyond_amount : float
        Known amounts of the deals at this stage or a later one.
    between_amount : float
        claimed_beyond - supported_beyond: money that is shown at this stage or later without evidence.
    unchecked_n : int
        Deals that claim the stage and of which no criterion at all is recorded.
    """

    stage: str
    claimed_n: int
    supported_n: int
    claimed_amount: float
    supported_amount: float
    claimed_beyond_amount: float
    supported_beyond_amount: float
    between_amount: float
    unchecked_n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GateDeal:
    """One open deal and its evidence.

    Attributes
    ----------
    opportunity_id, account_id, owner, region : str
    stage : str
        Claimed.
    supported_stage : str
        As far as the evidence goes.
    stages_apart : int
        Positions between the two; 0: the claim stands.
    deal_amount : float
    checked : bool
        Whether any criterion of the deal is recorded.
    missing : str
        Ids of the required criteria that stand between, or of the present stage where none does, joined by a
        comma.
    missing_en, missing_zh : str
        The first of them in words.
    action_en, action_zh : str
        What the playbook does in the stage that the evidence supports.
    question_en, question_zh : str
        What it asks there.
    if_unmet : {"", "stay", "fall_back"}
        What the stage model says becomes of the deal, where a purpose of the supported stage was looked at and is
        not met: it may only stay, or it falls back. Empty: nothing of the kind is recorded, or the model has no rule.
    falls_to : str
        The stage that it falls back to, or stays in; empty as above.
    warning_en, warning_zh : str
        What the model warns of then.
    customer : str
        What to call the customer: its name; else its id, the deal's name, or the deal's id.
    """

    opportunity_id: str
    account_id: str
    owner: str
    region: str
    stage: str
    supported_stage: str
    stages_apart: int
    deal_amount: float
    checked: bool
    missing: str
    missing_en: str
    missing_zh: str
    action_en: str
    action_zh: str
    question_en: str
    question_zh: str
    if_unmet: str = ""
    falls_to: str = ""
    warning_en: str = ""
    warning_zh: str = ""
    customer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class HonestFunnel(Result):
    """The claimed funnel of open deals beside the one that the evidence supports.

    Attributes
    ----------
    rows : tuple of GateRow
        One per stage before won.
    deals : tuple of GateDeal
        Those furthest from their evidence first, then by amount.
    overclaimed_n : int
        Deals that claim a later stage than their evidence supports.
    overclaimed_amount : float
        Their known amounts.
    checked_n : int
        Deals with any criterion on record.
    stay_n, fall_back_n : int
        Deals of which a purpose is recorded as not met, by what the stage model says of them.
    unrecorded : {"unknown", "not_met"}
    stage_ids, stage_labels
        As in :class:`~funnelnb.analysis.conversion.conversion.Conversion`.
    """

    rows: tuple[GateRow, ...]
    deals: DealRows[GateDeal] = field()
    overclaimed_n: int
    overclaimed_amount: float
    checked_n: int
    unrecorded: str
    stage_ids: tuple[str, ...]
    stage_labels: tuple[Label, ...]
    stay_n: int = 0
    fall_back_n: int = 0


@question("customers")
def honest_funnel(book: Book, *, unrecorded: str = "unknown") -> HonestFunnel:
    """Which stage does the evidence support, which is claimed, and how much money lies between?

    Parameters
    ----------
    book : Book
        With the table ``gates``; its playbook has criteria.
    unrecorded : {"unknown", "not_met"}
        How a criterion counts of which nothing is recorded: as not known, which holds nothing against the
        deal, or as not met, which asks for evidence of everything.

    Returns
    -------
    HonestFunnel

    Raises
    ------
    MissingDataError
        There is no table of gates.
    DataProblems
        A criterion that its stage does not have, or one that is both met and not met at one time.
    ParameterError
        `unrecorded` is neither of the two.

    Notes
    -----
    A deal may stand in a stage if the required criteria to leave every earlier stage, and to enter it, are
    met; if one is not, the customer may only stay or fall back (DOMAIN A8). The supported stage is the last
    one up to the claimed one for which that holds. Criteria called desirable hold nobody back. Of several
    records of a criterion the latest counts. A deal is never credited with more than it claims. Where the model says
    so, a deal whose purposes were looked at and not met may only stay, or falls back by one stage: that is told deal by
    deal and never moves the counts, since the next look may find them met.

    Checked against a loop over criteria and hand-made deals: ``tests/analysis/test_gates.py``.

    Examples
    --------
    >>> import funnelnb as fn
    >>> result = fn.honest_funnel(fn.sample())
    >>> sum(row.claimed_n for row in result.rows) == sum(row.supported_n for row in result.rows)
    True
    """
    check.one_of("unrecorded", unrecorded, UNRECORDED)
    gates = needed(book, "gates", "opportunity_id", "stage", "criterion", "met", why="the honest funnel")
    deals = open_deals(book)
    met = latest(gates, book.playbook)
    strict = unrecorded == "not_met"
    found = [
        _deal(book.playbook, deals, d, met.get(deals.opportunity_id[d], {}), strict)
        for d in range(len(deals))
    ]
    position = {stage: k for k, stage in enumerate(book.playbook.stage_ids)}
    supported = np.array([position[row.supported_stage] for row in found], dtype=np.int64)
    over = [row for row in found if row.stages_apart]
    checked_n = sum(row.checked for row in found)
    notes = [Note("gates_unrecorded", {"deals_n": len(found) - checked_n, "of_n": len(found)})]
    return HonestFunnel(
        n=len(deals),
        method=f"honest_funnel_{unrecorded}",
        confidence_level=level(None),
        as_of=book.as_of,
        currency=book.currency,
        notes=tuple(notes) if checked_n < len(found) else (),
        rows=_rows(book.playbook, deals, found, supported),
        deals=DealRows(
            sorted(
                found,
                key=lambda row: (-row.stages_apart, -np.nan_to_num(row.deal_amount), row.opportunity_id),
            )
        ),
        overclaimed_n=len(over),
        overclaimed_amount=total([row.deal_amount for row in over]),
        checked_n=checked_n,
        unrecorded=unrecorded,
        stage_ids=book.playbook.stage_ids,
        stage_labels=book.playbook.stage_labels,
        stay_n=sum(row.if_unmet == "stay" for row in found),
        fall_back_n=sum(row.if_unmet == "fall_back" for row in found),
    )


def latest(gates: pd.DataFrame, playbook: Playbook) -> dict[str, dict[tuple[str, str], bool]]:
    """Return for each deal which criteria were met or not when they were last looked at.

    Raises
    ------
    DataProblems
        Unknown criteria, and criteria both met and not met at one time.
    """
    import pandas as pd

    known = {stage.id: [gate.id for gate in (*stage.entry, *stage.exit)] for stage in playbook.stages}
    dated = gates.assign(row=range(2, len(gates) + 2))
    if "at" not in dated:
        dated = dated.assign(at=np.datetime64("NaT", "us"))
    ordered = dated.sort_values(["at", "row"], kind="stable", na_position="first")
    columns = ("opportunity_id", "stage", "criterion", "met", "at", "row")
    found: dict[str, dict[tuple[str, str], bool]] = {}
    when: dict[tuple[str, str, str], tuple[object, bool]] = {}
    problems = []
    for deal, stage, criterion, met, at, row in zip(
        *(ordered[name].tolist() for name in columns), strict=True
    ):
        if criterion not in known.get(stage, ()):
            problems.append(_unknown(row, stage, criterion, known))
            continue
        if pd.isna(met):
            continue
        key, moment = (deal, stage, criterion), None if pd.isna(at) else at
        if key in when and when[key][0] == moment and when[key][1] != met:
            problems.append(_both(row, deal, criterion))
        when[key] = (moment, bool(met))
        found.setdefault(deal, {})[stage, criterion] = bool(met)
    if problems:
        raise DataProblems(problems)
    return found


def _unknown(row: int, stage: str, criterion: str, known: dict[str, list[str]]) -> Problem:
    names = known.get(stage, [])
    return Problem(
        file="gates",
        row=row,
        column="criterion",
        value=str(criterion),
        found=f"the stage {stage!r} has no such criterion",
        expected="one of " + ", ".join(names) if names else "a stage with criteria",
        remedy=f"correct it{meant(str(criterion), names)}, or leave the row out",
    )


def _both(row: int, deal: str, criterion: str) -> Problem:
    return Problem(
        file="gates",
        row=row,
        column="met",
        value=str(deal),
        found=f"the criterion {criterion!r} is both met and not met at one time for the deal",
        expected="one answer per deal, criterion and time",
        remedy="keep the row that is right",
    )


def _blocking(stage: Stage, met: dict[tuple[str, str], bool], strict: bool, *, leaving: bool) -> list[str]:
    """Return the required criteria that keep a deal from leaving (or entering) `stage`."""
    gates = stage.exit if leaving else stage.entry
    return [gate.id for gate in gates if gate.required and not met.get((stage.id, gate.id), not strict)]


def _deal(
    playbook: Playbook, deals: OpenDeals, d: int, met: dict[tuple[str, str], bool], strict: bool
) -> GateDeal:
    claimed = supported = int(deals.position[d])
    stages = playbook.stages
    missing: list[str] = []
    for k in range(claimed):
        missing = _blocking(stages[k], met, strict, leaving=True)
        missing += _blocking(stages[k + 1], met, strict, leaving=False)
        if missing:
            supported = k
            break
    here = stages[supported]
    ahead = missing or [
        gate.id for gate in here.exit if gate.required and not met.get((here.id, gate.id), False)
    ]
    words = {gate.id: gate.label for stage in stages for gate in (*stage.entry, *stage.exit)}
    first = words[ahead[0]] if ahead else None
    action = here.next_step or (here.actions[0] if here.actions else None)
    question = here.questions[0].label if here.questions else None
    return GateDeal(
        opportunity_id=deals.opportunity_id[d],
        customer=deals.customer[d],
        account_id=deals.account_id[d],
        owner=deals.owner[d],
        region=deals.region[d],
        stage=stages[claimed].id,
        supported_stage=here.id,
        stages_apart=claimed - supported,
        deal_amount=float(deals.amount[d]),
        checked=bool(met),
        missing=", ".join(ahead),
        **_both_languages("missing", first),
        **_both_languages("action", action),
        **_both_languages("question", question),
        **_if_unmet(playbook, supported, met),
    )


def _if_unmet(playbook: Playbook, k: int, met: dict[tuple[str, str], bool]) -> dict[str, str]:
    """Return what becomes of a deal in stage `k` if one of its purposes was looked at and is not met."""
    here = playbook.stages[k]
    failed = any(met.get((here.id, gate.id)) is False for gate in here.exit if gate.required)
    if not failed or not here.if_unmet:
        return {}
    back = k - 1 if here.if_unmet == "fall_back" and k else k
    return {
        "if_unmet": here.if_unmet,
        "falls_to": playbook.stages[back].id,
        **_both_languages("warning", here.warning),
    }


def _both_languages(name: str, label: Label | None) -> dict[str, str]:
    return {f"{name}_en": label.en if label else "", f"{name}_zh": label.zh if label else ""}


def _rows(
    playbook: Playbook, deals: OpenDeals, found: list[GateDeal], supported: np.ndarray
) -> tuple[GateRow, ...]:
    rows = []
    amount = np.nan_to_num(deals.amount)
    checked = np.array([row.checked for row in found], dtype=bool)
    for k in range(playbook.won):
        claims, holds = deals.position == k, supported == k
        beyond, held = amount[deals.position >= k].sum(), amount[supported >= k].sum()
        rows.append(
            GateRow(
                stage=playbook.stage_ids[k],
                claimed_n=int(claims.sum()),
                supported_n=int(holds.sum()),
                claimed_amount=float(amount[claims].sum()),
                supported_amount=float(amount[holds].sum()),
                claimed_beyond_amount=float(beyond),
                supported_beyond_amount=float(held),
                between_amount=float(beyond - held),
                unchecked_n=int((claims & ~checked).sum()),
            )
        )
    return tuple(rows)
