"""What should each person do next, and what is known of their customers?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.analysis.shared.open_deals import customers_of
from funnelnb.analysis.time.stuck import stay_longer
from funnelnb.playbooks.model import fold

if TYPE_CHECKING:
    from funnelnb.analysis.diagnosis.desk import Desk

OLD_SHARE = 0.05
"""A deal is longer in its stage than nineteen of twenty where at most this share stays longer."""
STEPS_N, MANY_PEOPLE = 3, 10
"""Deals named per person; of more people one each."""
CUSTOMERS_N = 15
NEED_WORDS = {
    fold(word)
    for word in (
        "note",
        "notes",
        "content",
        "remark",
        "comment",
        "summary",
        "need",
        "内容",
        "备注",
        "需求",
        "记录",
    )
}
"""Columns of activities that hold what the customer needs or said."""
RECENT_DAYS = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class NextStep:
    """One deal that a person should see to, and why.

    Attributes
    ----------
    owner, opportunity_id, account_id, customer, stage : str
    why : {"overdue", "old", "largest"}
        Expected close past; longer in its stage than nineteen of twenty; the largest expected value.
    why_days : float
        Days overdue, or in the stage; NaN for the largest.
    deal_amount : float
    step_en, step_zh : str
        Next step by the stage model; empty where it names none.
    """

    owner: str
    opportunity_id: str
    account_id: str
    customer: str
    stage: str
    why: str
    why_days: float
    deal_amount: float
    step_en: str
    step_zh: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerLine:
    """One customer of a person: contact history and what is known of the needs.

    Attributes
    ----------
    account_id, name : str
    open_n : int
    open_amount : float
    contact_n : int
        Contacts in the last 90 days.
    last_contact : numpy.datetime64
        NaT where none is recorded.
    last_kind : str
    need : str
        What was noted last; empty where nothing is.
    has_need : {"yes", "no", "unknown"}
        The record of the customer.
    """

    account_id: str
    name: str
    open_n: int
    open_amount: float
    contact_n: int
    last_contact: np.datetime64
    last_kind: str
    need: str
    has_need: str


def next_steps(desk: Desk) -> tuple[NextStep, ...]:
    """Return what each person should see to: deals overdue or too old in their stage, then the largest."""
    reasons = _reasons(desk)
    worth = (
        np.nan_to_num(desk.amount) * np.nan_to_num(desk.chance)[np.minimum(desk.standing, desk.ledger.won)]
    )
    accounts = desk.ledger.attributes.get("account_id")
    rows = []
    hands = [str(one) for one in desk.ledger.deal_ids[desk.in_hand]]
    called = dict(zip(hands, customers_of(desk.book, hands), strict=True))
    most = STEPS_N if len(desk.people) <= MANY_PEOPLE else 1
    for unit in desk.people or [0]:
        mine = (
            np.flatnonzero(desk.in_hand & (desk.code == unit - 1)) if unit else np.flatnonzero(desk.in_hand)
        )
        urgent = [int(deal) for deal in mine if int(deal) in reasons]
        rest = [int(deal) for deal in mine if int(deal) not in reasons]
        chosen = sorted(urgent, key=lambda deal: (-worth[deal], deal))[:most]
        if len(chosen) < most:
            chosen += sorted(rest, key=lambda deal: (-worth[deal], deal))[: most - len(chosen)]
        for deal in chosen:
            why, days = reasons.get(deal, ("largest", float("nan")))
            stage = desk.book.playbook.stages[desk.standing[deal]]
            step = stage.next_step or (stage.actions[0] if stage.actions else None)
            rows.append(
                NextStep(
                    owner=desk.names[unit - 1] if unit else "", opportunity_id=str(desk.ledger.deal_ids[deal]),
                    account_id=accounts.labels[accounts.codes[deal]] if accounts else "",
                    customer=called[str(desk.ledger.deal_ids[deal])], stage=stage.id, why=why,
                    why_days=days, deal_amount=float(desk.ledger.amount[deal]), step_en=step.en if step else "",
                    step_zh=step.zh if step else "",
                )
            )  # fmt: skip
    return tuple(rows)


def _reasons(desk: Desk) -> dict[int, tuple[str, float]]:
    """Return why a deal in hand needs to be seen to, and the days that say so."""
    reasons: dict[int, tuple[str, float]] = {}
    old = _beyond_usual(desk)
    for deal in np.flatnonzero(desk.in_hand & old).tolist():
        reasons[deal] = ("old", float(np.floor(desk.here_days[deal])))
    for deal, days in _overdue(desk).items():
        reasons[deal] = ("overdue", days)
    return reasons


def _beyond_usual(desk: Desk) -> Any:
    """Return which deals are longer in their stage than nineteen of twenty, those that have not finished counted."""
    longer = stay_longer(desk.book)
    return np.array([longer.get(str(one), np.nan) <= OLD_SHARE for one in desk.ledger.deal_ids], bool)


def _overdue(desk: Desk) -> dict[int, float]:
    deals = desk.book.opportunities
    if "expected_close_at" not in deals:
        return {}
    when = deals.set_index("opportunity_id")["expected_close_at"].reindex(desk.ledger.deal_ids)
    stamp = when.to_numpy().astype("datetime64[s]")
    day = np.where(np.isnat(stamp), np.nan, stamp.astype(np.int64) / 86_400)
    late = desk.in_hand & (day < np.floor(desk.today))
    return {int(deal): float(np.floor(desk.today - day[deal])) for deal in np.flatnonzero(late)}


def customer_lines(desk: Desk) -> tuple[CustomerLine, ...]:
    """Return contact history and needs of the customers with deals in hand, the largest first."""
    accounts = desk.ledger.attributes.get("account_id")
    if accounts is None:
        return ()
    amount = np.nan_to_num(desk.ledger.amount)
    n = np.bincount(accounts.codes[desk.in_hand], minlength=len(accounts.labels))
    open_amount = np.bincount(
        accounts.codes[desk.in_hand], weights=amount[desk.in_hand], minlength=len(accounts.labels)
    )
    order = [k for k in np.argsort(-open_amount, kind="stable").tolist() if n[k] and accounts.labels[k]][
        :CUSTOMERS_N
    ]
    touched = _touched(desk)
    records = _records(desk)
    rows = []
    for k in order:
        account = accounts.labels[k]
        seen = touched[touched["account_id"] == account] if touched is not None else None
        name, need = records.get(account, ("", "unknown"))
        last = seen.iloc[-1] if seen is not None and len(seen) else None
        rows.append(
            CustomerLine(
                account_id=account, name=name, open_n=int(n[k]), open_amount=float(open_amount[k]),
                contact_n=int((seen["day"] > desk.today - RECENT_DAYS).sum()) if seen is not None else 0,
                last_contact=np.datetime64(int(last["day"]), "D") if last is not None else np.datetime64("NaT", "D"),
                last_kind=str(last["kind"]) if last is not None else "", need=_noted(seen), has_need=need,
            )
        )  # fmt: skip
    return tuple(rows)


def _touched(desk: Desk) -> Any:
    """Return the activities with the customer of their deal, in order of time; None where there are none."""
    import pandas as pd

    table = desk.book.tables.get("activities")
    if table is None or "at" not in table or not len(table):
        return None
    made = pd.DataFrame({"day": table["at"].to_numpy().astype("datetime64[s]").astype(np.int64) / 86_400})
    made["kind"] = table["kind"].fillna("").to_numpy() if "kind" in table else ""
    named = [name for name in table.columns if fold(str(name)) in NEED_WORDS]
    made["note"] = table[named[0]].fillna("").to_numpy() if named else ""
    account = pd.Series([None] * len(table), dtype=object)
    if "opportunity_id" in table:
        deals = desk.book.opportunities
        of = (
            deals.set_index("opportunity_id")["account_id"]
            if "account_id" in deals
            else pd.Series(dtype=object)
        )
        account = table["opportunity_id"].map(of)
    if "account_id" in table:
        account = table["account_id"].fillna(account)
    made["account_id"] = account.to_numpy(dtype=object)
    return made[table["at"].notna().to_numpy()].sort_values("day", kind="stable")


def _noted(seen: Any) -> str:
    if seen is None:
        return ""
    told = [note for note in seen["note"].tolist() if isinstance(note, str) and note]
    return told[-1] if told else ""


def _records(desk: Desk) -> dict[str, tuple[str, str]]:
    """Return name and need of each customer by its record."""
    table = desk.book.tables.get("accounts")
    if table is None:
        return {}
    names = table["name"].fillna("").tolist() if "name" in table else [""] * len(table)
    needs: list[Any] = table["need"].tolist() if "need" in table else [None] * len(table)
    told = {True: "yes", False: "no"}
    return {
        str(account): (
            str(name),
            told.get(bool(need), "unknown") if isinstance(need, (bool, np.bool_)) else "unknown",
        )
        for account, name, need in zip(table["account_id"], names, needs, strict=True)
    }
