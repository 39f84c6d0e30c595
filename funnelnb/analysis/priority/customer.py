"""What is known of one customer? Record, people, needs, level and its history, deals, contacts, and what is missing."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.analysis.priority.assessment import SheetPerson, SheetRow, assessment, known_accounts, people_of
from funnelnb.analysis.priority.level_moves import as_it_was
from funnelnb.analysis.priority.levels import LevelRule, levels, same_ruler
from funnelnb.analysis.priority.money_authority_need import CONDITIONS, VERDICTS, man_class
from funnelnb.analysis.priority.roles import MAIN_ROLES
from funnelnb.analysis.shared.counts import level
from funnelnb.analysis.shared.question import remembering
from funnelnb.analysis.shared.result import DealRows, Result
from funnelnb.core.errors import MissingDataError, ParameterError, nearest
from funnelnb.core.note import Note
from funnelnb.data.accounts import as_book
from funnelnb.data.contract.tables import column_names
from funnelnb.playbooks.model import fold
from funnelnb.playbooks.roles import covered

if TYPE_CHECKING:
    import datetime
    from collections.abc import Mapping

    import pandas as pd

    from funnelnb.analysis.priority.levels import LevelCustomer
    from funnelnb.data.accounts import Records
    from funnelnb.data.book import Book
    from funnelnb.playbooks.model import Label


RECORD = (
    "name", "contact", "industry", "position", "size", "employees", "revenue", "money", "authority", "need", "intent",
    "customer_type", "owner", "region", "country", "created_at",
)  # fmt: skip
"""The uniform format of a customer record (DOMAIN B1), in the order in which it is read."""
OPTIONAL = ("contact", "position")
"""Shown only where the table has them: contacts have a table of their own."""
WANTED = ("name", "industry", "size", "money", "authority", "need", "intent")
"""What a record should hold before it can be judged."""
SOURCES = ("source", "sources", "origin")
"""Columns that may say where a row of a merged table came from."""
QUIET_DAYS = 90.0
LEVELS_BACK = (90, 180, 365)
"""Days back at which the level is told as well."""
NOTE_WORDS = (
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
"""Columns of activities, besides those of the contract, that hold what was said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordField:
    """One field of the record.

    Attributes
    ----------
    field : str
        Column of the table ``accounts``; the user's own come last.
    value : str, number, bool, date or None
        As the data hold it; None where not known.
    origin : str
        Source that says so, where several were merged; several values of one field stand on rows of their own.
    """

    field: str
    value: str | float | bool | datetime.date | None
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerDeal:
    """One deal of the customer.

    Attributes
    ----------
    opportunity_id, outcome, stage, owner : str
    deal_amount : float
    created_at, closed_at, expected_close_at : numpy.datetime64
    step_en, step_zh : str
        Next step of the stage model in the deal's own stage, of open deals.
    """

    opportunity_id: str
    outcome: str
    stage: str
    owner: str
    deal_amount: float
    created_at: np.datetime64
    closed_at: np.datetime64
    expected_close_at: np.datetime64
    step_en: str
    step_zh: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerContact:
    """One contact with the customer: who did what, when.

    Attributes
    ----------
    at : numpy.datetime64
    kind, owner, opportunity_id, note : str
    """

    at: np.datetime64
    kind: str
    owner: str
    opportunity_id: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerLevel:
    """The customer's priority on one day.

    Attributes
    ----------
    at : numpy.datetime64
    level : {"high", "medium", "low", "unknown"}
    score, size_part, need_part, intent_part : float
    """

    at: np.datetime64
    level: str
    score: float
    size_part: float
    need_part: float
    intent_part: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Customer(Result):
    """Everything that is known of one customer. `n` counts its deals.

    Attributes
    ----------
    account_id, name : str
    record : tuple of RecordField
    people : tuple of SheetPerson
    man : str
        Class by the MAN rule; ``"unknown"`` where a condition is not recorded.
    verdict : str
        Key of the advice for that class.
    level : str
        Priority today.
    levels : tuple of CustomerLevel
        Today first, then back in time.
    sheet : tuple of SheetRow
        The nine factors; empty where nobody judged one.
    plus_n, minus_n : int
        Factors judged good and poor.
    deals : tuple of CustomerDeal
        Open ones first, then the latest.
    contacts : tuple of CustomerContact
        Latest first.
    open_amount, won_amount : float
        Known amounts of the open and of the won deals; NaN if none.
    missing : tuple of str
        Codes of what is missing: fields of the record, ``people``, roles, ``assessment``, ``sponsorship``,
        ``contacts``, ``quiet``.
    stage_ids : tuple of str
    stage_labels : tuple of Label
    """

    account_id: str
    name: str
    record: tuple[RecordField, ...]
    people: tuple[SheetPerson, ...]
    man: str
    verdict: str
    level: str
    levels: tuple[CustomerLevel, ...]
    sheet: tuple[SheetRow, ...]
    plus_n: int
    minus_n: int
    deals: DealRows[CustomerDeal] = field()
    contacts: tuple[CustomerContact, ...]
    open_amount: float
    won_amount: float
    missing: tuple[str, ...]
    stage_ids: tuple[str, ...]
    stage_labels: tuple[Label, ...]


@remembering("book")
def customer(book: Records, who: str, rule: Mapping[str, Any] | LevelRule | str | None = None) -> Customer:
    """What is known of this customer, which priority has it, and what is missing?

    Parameters
    ----------
    book : Book, path or frame
        A book; or a table of customers alone.
    who : str
        Id of the customer, or its name where only one is called so.
    rule : LevelRule, mapping or str, optional
        What makes a level, as for :func:`~funnelnb.analysis.priority.levels.levels`.

    Returns
    -------
    Customer

    Raises
    ------
    ParameterError
        There is no such customer (the nearest is named), or several of that name.

    Notes
    -----
    Nothing is guessed: a field that no row holds is missing and said to be. Where several rows or sources of one
    customer were merged, each value says where it comes from, and values that contradict each other stand side by side.
    Earlier levels are those of the same record with the deals as they stood then, because records carry no date.

    Checked against the tables by hand: ``tests/analysis/test_customer.py``.

    Examples
    --------
    >>> import funnelnb as fn
    >>> card = fn.customer(fn.sample(), "A0001")
    >>> card.account_id, card.level in ("high", "medium", "low", "unknown")
    ('A0001', True)
    """
    book = as_book(book)
    account = _named(book, who)
    rows = _rows_of(book, "accounts", account)
    history = _levels(book, account, rule)
    sheet = assessment(book, account) if "assessments" in book.tables else None
    marks = sheet.rows[0] if sheet else None
    deals = _deals(book, account)
    contacts = _contacts(book, account, {row.opportunity_id for row in deals})
    people = people_of(book, account)
    record = _record(rows)
    man = _man(rows)
    judged = sheet.sheet if sheet and marks and marks.plus_n + marks.minus_n else ()
    return Customer(
        n=len(deals),
        method="customer",
        confidence_level=level(None),
        as_of=book.as_of,
        currency=book.currency,
        notes=_notes(book, rows),
        account_id=account,
        name=_name(rows, account),
        record=record,
        people=people,
        man=man,
        verdict=VERDICTS[man],
        level=history[0].level if history else "unknown",
        levels=history,
        sheet=judged,
        plus_n=marks.plus_n if marks else 0,
        minus_n=marks.minus_n if marks else 0,
        deals=DealRows(deals),
        contacts=contacts,
        open_amount=_sum(deals, "open"),
        won_amount=_sum(deals, "won"),
        missing=_missing(book, record, people, judged, contacts),
        stage_ids=book.playbook.stage_ids,
        stage_labels=book.playbook.stage_labels,
    )


def _named(book: Book, who: str) -> str:
    """Return the id of the customer that `who` is the id or the name of."""
    known = known_accounts(book)
    if not known:
        raise MissingDataError(
            "the data name no customer", expected="a table accounts, or a column account_id"
        )
    if who in known:
        return str(who)
    names: dict[str, list[str]] = {}
    accounts = book.tables.get("accounts")
    if accounts is not None and "name" in accounts:
        for account, name in zip(accounts["account_id"].tolist(), accounts["name"].tolist(), strict=True):
            if isinstance(name, str):
                names.setdefault(fold(name), []).append(str(account))
    found = sorted(set(names.get(fold(str(who)), [])))
    if len(found) == 1:
        return found[0]
    if found:
        raise ParameterError(
            f"{len(found)} customers are called {who!r}", expected="the id of one: " + ", ".join(found[:8])
        )
    listed = accounts["name"].dropna().tolist() if accounts is not None and "name" in accounts else []
    close = difflib.get_close_matches(str(who), [*sorted(known), *map(str, listed)], n=3)
    raise ParameterError(
        f"there is no customer {who!r}",
        expected="the id or the name of a customer",
        hint=nearest(str(who), close)
        if close
        else "fn.customers.levels(book).to_frame() lists all customers",
    )


def _rows_of(book: Book, table: str, account: str) -> pd.DataFrame | None:
    frame = book.tables.get(table)
    if frame is None or "account_id" not in frame:
        return None
    return frame[frame["account_id"] == account]


# ---- The record --------------------------------------------------------------------------------------------


def _record(rows: pd.DataFrame | None) -> tuple[RecordField, ...]:
    """Return every field of the record with where it comes from; a field that contradicts itself twice."""
    import pandas as pd

    if rows is None or rows.empty:
        shown = [name for name in RECORD if name not in OPTIONAL]
        return tuple(RecordField(field=name, value=None, origin="") for name in shown)
    origins = _origins(rows)
    known = {*column_names("accounts")}
    own = [name for name in rows.columns if name not in known and name not in SOURCES]
    shown = [name for name in RECORD if name not in OPTIONAL or name in rows]
    told_once = [name for name in SOURCES if name in rows][:1] if len(rows) == 1 else []
    fields = []
    for name in (*shown, *own, *told_once):
        values: dict[Any, list[str]] = {}
        column = rows[name].tolist() if name in rows else []
        for value, origin in zip(column, origins, strict=True) if column else ():
            if not pd.isna(value):
                values.setdefault(value, []).append(origin)
        told = [
            RecordField(field=str(name), value=value, origin=", ".join(dict.fromkeys(filter(None, where))))
            for value, where in values.items()
        ]
        fields += told or [RecordField(field=str(name), value=None, origin="")]
    return tuple(fields)


def _origins(rows: pd.DataFrame) -> list[str]:
    """Return where each row came from, as a column says; else its place where there are several."""
    if len(rows) == 1:
        return [""]
    for name in SOURCES:
        if name in rows:
            return [str(one) if isinstance(one, str) else "" for one in rows[name].tolist()]
    return [f"{k}" for k in range(1, len(rows) + 1)]


def _name(rows: pd.DataFrame | None, account: str) -> str:
    if rows is None or rows.empty or "name" not in rows:
        return account
    names = rows["name"].dropna().tolist()
    return str(names[0]) if names else account


def _man(rows: pd.DataFrame | None) -> str:
    """Return the class by the MAN rule; not known where a condition is missing or its sources contradict each other."""
    if rows is None or rows.empty or not set(CONDITIONS) <= set(rows.columns):
        return "unknown"
    values = [rows[name].dropna() for name in CONDITIONS]
    return man_class(*(bool(one.iloc[0]) if len(set(one)) == 1 else None for one in values))


def _levels(
    book: Book, account: str, rule: Mapping[str, Any] | LevelRule | str | None
) -> tuple[CustomerLevel, ...]:
    """Return the level today and on earlier days, by one ruler; empty where there is no table of customers."""
    if "accounts" not in book.tables:
        return ()
    used = LevelRule.read(rule)
    try:
        now = levels(book, used)
    except MissingDataError:
        return ()
    used = same_ruler(used, now)
    found = [(book.as_of, next((row for row in now.customers if row.account_id == account), None))]
    table = book.opportunities
    first = table["created_at"].min() if "created_at" in table else None
    for back in LEVELS_BACK:
        day = book.as_of - np.timedelta64(back * 86_400, "s")
        if first is not None and first == first and np.datetime64(first) <= day:  # noqa: PLR0124 - NaT
            then = levels(as_it_was(float(back), book), used)
            found.append((day, next((row for row in then.customers if row.account_id == account), None)))
    return tuple(_on(at, row) for at, row in found if row is not None)


def _on(at: np.datetime64, row: LevelCustomer) -> CustomerLevel:
    return CustomerLevel(
        at=at.astype("datetime64[D]"),
        level=row.level,
        score=row.score,
        size_part=row.size_part,
        need_part=row.need_part,
        intent_part=row.intent_part,
    )


# ---- Deals and contacts ------------------------------------------------------------------------------------


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _deals(book: Book, account: str) -> tuple[CustomerDeal, ...]:
    frame = book.opportunities
    if "account_id" not in frame:
        return ()
    mine, never = frame[frame["account_id"] == account], np.datetime64("NaT", "D")

    def day(row: Any, name: str) -> np.datetime64:
        at = getattr(row, name, None)
        return never if at is None or at != at else np.datetime64(at, "D")  # noqa: PLR0124 - NaT

    found = []
    for row in mine.itertuples(index=False):
        stage = _text(getattr(row, "stage", ""))
        position = book.playbook.position(stage) if stage else None
        step = None
        if row.outcome == "open" and position is not None:
            here = book.playbook.stages[position]
            step = here.next_step or (here.actions[0] if here.actions else None)
        found.append(
            CustomerDeal(
                opportunity_id=str(row.opportunity_id),
                outcome=str(row.outcome),
                stage=stage,
                owner=_text(getattr(row, "owner", "")),
                deal_amount=float(getattr(row, "amount", np.nan)),
                created_at=day(row, "created_at"),
                closed_at=day(row, "closed_at"),
                expected_close_at=day(row, "expected_close_at"),
                step_en=step.en if step else "",
                step_zh=step.zh if step else "",
            )
        )
    return tuple(sorted(found, key=lambda one: (one.outcome != "open", _late_first(one), one.opportunity_id)))


def _late_first(deal: CustomerDeal) -> int:
    at = deal.closed_at if not np.isnat(deal.closed_at) else deal.created_at
    return 0 if np.isnat(at) else -int(at.astype(np.int64))


def _contacts(book: Book, account: str, deals: set[str]) -> tuple[CustomerContact, ...]:
    """Return the contact history: activities of the customer and of its deals, latest first."""
    frame = book.tables.get("activities")
    if frame is None or "at" not in frame:
        return ()
    mine = frame["at"].notna() & False
    if "account_id" in frame:
        mine |= frame["account_id"] == account
    if "opportunity_id" in frame:
        mine |= frame["opportunity_id"].isin(deals)
    words = [name for name in frame.columns if fold(str(name)) in set(map(fold, NOTE_WORDS))]
    rows = [
        CustomerContact(
            at=np.datetime64(record["at"], "D"),
            kind=_text(record.get("kind")),
            owner=_text(record.get("owner")),
            opportunity_id=_text(record.get("opportunity_id")),
            note=" ".join(filter(None, (_text(record.get(name)) for name in words))),
        )
        for record in frame[mine.fillna(value=False)].to_dict("records")
    ]
    return tuple(sorted(rows, key=lambda one: (one.at, one.kind, one.opportunity_id), reverse=True))


def _sum(deals: tuple[CustomerDeal, ...], outcome: str) -> float:
    known = [one.deal_amount for one in deals if one.outcome == outcome and not np.isnan(one.deal_amount)]
    return float(sum(known)) if known else float("nan")


# ---- What is missing ---------------------------------------------------------------------------------------


def _missing(
    book: Book,
    record: tuple[RecordField, ...],
    people: tuple[SheetPerson, ...],
    sheet: tuple[SheetRow, ...],
    contacts: tuple[CustomerContact, ...],
) -> tuple[str, ...]:
    told = {row.field for row in record if row.value is not None}
    missing = [name for name in WANTED if name not in told]
    if not people and "contact" not in told:
        missing.append("people")
    else:
        met = covered(one.role for one in people if one.role)
        missing += [role for role in MAIN_ROLES if role not in met]
    if not sheet:
        missing.append("assessment")
    elif next(row.mark for row in sheet if row.factor == "sponsorship") == "":
        missing.append("sponsorship")
    if not contacts:
        missing.append("contacts")
    elif (book.as_of - contacts[0].at) / np.timedelta64(86_400, "s") > QUIET_DAYS:
        missing.append("quiet")
    return tuple(missing)


def _notes(book: Book, rows: pd.DataFrame | None) -> tuple[Note, ...]:
    if rows is None or rows.empty:
        return (Note("customer_without_record"),)
    notes = (Note("flags_undated"),) if set(CONDITIONS) & set(rows.columns) else ()
    apart_n = sum(len(set(rows[name].dropna())) > 1 for name in RECORD if name in rows)
    return (*notes, Note("sources_disagree", {"fields_n": apart_n})) if apart_n else notes
