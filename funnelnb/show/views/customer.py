"""How one customer is shown: a card with record, people, level, assessment, contacts, deals, and what is missing."""

from __future__ import annotations

import datetime
import math
from typing import TYPE_CHECKING, Any

from funnelnb.show.tables.document import Document, Part, Section, part
from funnelnb.show.tables.grid import Grid, GridRow, Head
from funnelnb.show.tables.table import Column, Table
from funnelnb.show.text.words import stage_name
from funnelnb.show.views.registry import Finding, View

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from funnelnb.analysis.priority.customer import Customer, CustomerDeal, RecordField
    from funnelnb.show.text.words import Words

MOST_CONTACTS = 15
MOST_DEALS = 15


def _value(row: RecordField, result: Customer, say: Words) -> str:
    """Write the value of a field; one that is not known says so."""
    value = row.value
    if value is None:
        return say.get("customer.unknown")
    if row.field == "revenue" and not isinstance(value, datetime.date):
        told = say.numbers.amount(float(value), result.currency)
    elif row.field == "created_at":
        told = say.numbers.date(value)
    elif isinstance(value, bool) or str(value) in ("True", "False"):
        told = say.numbers.flag(bool(value))
    elif isinstance(value, float):
        told = say.numbers.count(value) if float(value).is_integer() else f"{value:,.6g}"
    else:
        told = say.value(str(value))
    return say.say("customer.from", value=told, origin=row.origin) if row.origin else told


def _field(name: str, say: Words) -> str:
    return say.find(f"customer.fields.{name}") or name


def _record_part(result: Customer, say: Words) -> tuple[Part, ...]:
    parts: tuple[Part, ...] = ()
    for name in dict.fromkeys(row.field for row in result.record):
        values = [_value(row, result, say) for row in result.record if row.field == name]
        parts += part(_field(name, say), values)
    return parts


def _grid(caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]], say: Words) -> Grid:
    return Grid(
        caption=caption,
        heads=tuple(Head(label=head, definition=head, numeric=False) for head in heads),
        rows=tuple(GridRow(cells=tuple(row)) for row in rows),
        stub=1,
        lang=say.lang,
    )


def _role(row: Any, say: Words) -> str:
    known = say.get(f"roles.names.{row.role}") if row.role else row.role_word
    return known or say.get("language.not_given")


def _people(result: Customer, say: Words) -> tuple[Section, ...]:
    if not result.people:
        return ()
    rows = [(row.name or say.get("customer.unnamed"), _role(row, say)) for row in result.people]
    heads = [say.get("customer.heads.person"), say.get("customer.heads.role")]
    return (Section(title=say.get("customer.titles.people"), grids=(_grid("", heads, rows, say),)),)


def _level(result: Customer, say: Words) -> Section:
    parts = part(say.get("customer.level"), say.get(f"levels.names.{result.level}"))
    parts += part(say.get("customer.strategy"), say.get(f"levels.strategy.{result.level}"))
    known = result.man if result.man != "unknown" else say.get("customer.unknown")
    parts += part(say.get("customer.man"), known)
    parts += part(say.get("customer.advice"), say.get(f"man.verdicts.{result.verdict}"))
    rows = [
        (
            say.numbers.date(row.at),
            say.get(f"levels.names.{row.level}"),
            *(say.numbers.factor(one) for one in (row.score, row.size_part, row.need_part, row.intent_part)),
        )
        for row in result.levels
    ]
    heads = [say.get(f"customer.heads.{name}") for name in ("at", "level", "score", "size", "need", "intent")]
    grids = (_grid(say.get("customer.level_history"), heads, rows, say),) if rows else ()
    return Section(title=say.get("customer.titles.level"), parts=parts, grids=grids)


def _sheet(result: Customer, say: Words) -> tuple[Section, ...]:
    if not result.sheet:
        return ()
    rows = [
        (
            say.get(f"assessment.sides.{row.side}"),
            say.get(f"assessment.factors.{row.factor}"),
            row.mark.replace("-", "−") or say.get("assessment.unknown"),
            row.note,
            say.numbers.date(row.at),
        )
        for row in result.sheet
    ]
    heads = [say.get(f"customer.heads.{name}") for name in ("side", "factor", "mark", "note", "at")]
    mark = say.say("customer.marks", plus_n=result.plus_n, minus_n=result.minus_n)
    return (Section(title=say.get("customer.titles.sheet"), mark=mark, grids=(_grid("", heads, rows, say),)),)


def _contacts(result: Customer, say: Words) -> tuple[Section, ...]:
    if not result.contacts:
        return ()
    shown = result.contacts[:MOST_CONTACTS]
    noted = any(row.note for row in shown)
    rows = [
        (
            say.numbers.date(row.at),
            say.find(f"customer.kinds.{row.kind}") or row.kind,
            row.owner,
            row.opportunity_id,
            *((row.note,) if noted else ()),
        )
        for row in shown
    ]
    names = ("at", "kind", "owner", "deal", *(("note",) if noted else ()))
    heads = [say.get(f"customer.heads.{name}") for name in names]
    mark = say.say("customer.shown", shown_n=len(shown), of_n=len(result.contacts))
    return (
        Section(title=say.get("customer.titles.contacts"), mark=mark, grids=(_grid("", heads, rows, say),)),
    )


def _deals(result: Customer, say: Words) -> tuple[Section, ...]:
    if not result.deals:
        return ()
    shown = result.deals[:MOST_DEALS]
    rows = [_deal(row, result, say) for row in shown]
    names = ("deal", "outcome", "stage", "owner", "amount", "created", "closed", "step")
    heads = [say.get(f"customer.heads.{name}") for name in names]
    mark = say.say("customer.shown", shown_n=len(shown), of_n=len(result.deals))
    return (Section(title=say.get("customer.titles.deals"), mark=mark, grids=(_grid("", heads, rows, say),)),)


def _deal(row: CustomerDeal, result: Customer, say: Words) -> tuple[str, ...]:
    ended = row.closed_at if row.outcome != "open" else row.expected_close_at
    return (
        row.opportunity_id,
        say.get(f"customer.outcomes.{row.outcome}"),
        stage_name(result, row.stage, say) if row.stage else say.get("language.none"),
        row.owner,
        say.numbers.amount(row.deal_amount, result.currency),
        say.numbers.date(row.created_at),
        say.numbers.date(ended),
        row.step_zh if say.lang == "zh" else row.step_en,
    )


def missing_names(result: Customer, say: Words) -> list[str]:
    """Return what is missing, in words."""
    return [
        say.find(f"customer.missing.{code}")
        or say.find(f"customer.fields.{code}")
        or say.say("customer.no_role", role=say.get(f"roles.names.{code}"))
        for code in result.missing
    ]


def document(result: Customer, say: Words) -> Document:
    """Return the card of a customer."""
    missing = missing_names(result, say)
    gaps = (
        Section(title=say.get("customer.titles.missing"), parts=part(say.get("customer.find_out"), missing)),
    )
    return Document(
        title=say.say("customer.title", name=result.name, account_id=result.account_id),
        lead=customer_finding(result, say).headline,
        sections=(
            Section(title=say.get("customer.titles.record"), parts=_record_part(result, say)),
            _level(result, say),
            *_people(result, say),
            *_deals(result, say),
            *_contacts(result, say),
            *_sheet(result, say),
            *(gaps if missing else ()),
        ),
    )


def customer_finding(result: Customer, say: Words) -> Finding:
    """Say which priority the customer has, what is open, and what is missing."""
    open_n = sum(row.outcome == "open" for row in result.deals)
    values = {
        "name": result.name,
        "level": say.get(f"levels.names.{result.level}"),
        "open_n": open_n,
        "won_n": sum(row.outcome == "won" for row in result.deals),
        "open": say.numbers.amount(result.open_amount, result.currency),
        "won": say.numbers.amount(result.won_amount, result.currency),
    }
    key = "none" if not result.deals else "unpriced" if math.isnan(result.open_amount) else "headline"
    missing = missing_names(result, say)
    detail = (
        say.say("customer.lacks", names=say.numbers.join(missing)) if missing else say.get("customer.whole")
    )
    return Finding(
        headline=say.say(f"customer.{key}", **values), detail=detail, unsaid=say.get("customer.unsaid")
    )


RECORD = Table(
    name="customer_record",
    rows=lambda result: result.record,
    columns=(
        Column(field="field", cell=lambda _, row, say: _field(row.field, say)),
        Column(field="value", cell=lambda result, row, say: _value(row, result, say)),
        Column(field="origin"),
    ),
)
DEALS = Table(name="customer_deals", rows=lambda result: result.deals, columns=(), shown=lambda _: False)
CONTACTS = Table(
    name="customer_contacts", rows=lambda result: result.contacts, columns=(), shown=lambda _: False
)
LEVELS = Table(name="customer_levels", rows=lambda result: result.levels, columns=(), shown=lambda _: False)
CUSTOMER_VIEW = View(
    tables=(RECORD, DEALS, CONTACTS, LEVELS), finding=customer_finding, charts={}, document=document
)
