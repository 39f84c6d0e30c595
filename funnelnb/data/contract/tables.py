"""Which tables and columns does a book hold? The contract, as one readable list.

Only ``opportunities`` is required. Each analysis says what else it needs; a table or column that is absent is
never an error by itself. A column's *kind* says how its text is read and what pandas holds afterwards:

========  ==============================================================  ==================
kind      meaning                                                         in memory
========  ==============================================================  ==================
id        kept character by character, never a number                     str
text      free text or category, trimmed                                  str
sign      a mark such as ``+`` or ``-``, kept as it is                    str
stage     id of a stage of the playbook (in a history also an end mark)   str
outcome   one of :data:`OUTCOMES`                                         str
amount    money in the book's currency                                    float64
number    any other quantity                                              float64
share     between 0 and 1 (``45%`` is read as 0.45)                       float64
flag      yes or no                                                       boolean
datetime  whole seconds, without a time zone                              datetime64[us]
period    week, month, quarter or year, as written                        str
========  ==============================================================  ==================

A missing value is NaN, NaT or ``pd.NA``; never an empty string and never 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd


Kind = Literal[
    "id", "text", "sign", "stage", "outcome", "amount", "number", "share", "flag", "datetime", "period"
]

OUTCOMES = ("open", "won", "lost_competitor", "lost_no_decision", "lost", "left")
"""Values of ``opportunities.outcome``. ``left``: invalid, merged or withdrawn without a decision."""

END_MARKS = ("lost", "left")
"""What ``stage_history.stage`` may hold besides stage ids: the deal ended there.

A later row of the same deal means that it was reopened. The last mark repeats ``outcome`` and ``closed_at``
of the deal, which win where they differ.
"""

ASSESSMENT_FACTORS = (
    "organisational_characteristics",
    "market_growth_position",
    "solution_requirements",
    "opportunities",
    "solution_fit",
    "competitive_advantage",
    "track_record",
    "sponsorship",
    "cultural_compatibility",
)
"""Values of ``assessments.factor``: the nine sides from which an account is judged (DOMAIN C4)."""

FACTOR_WORDS: Mapping[str, str] = {
    "organisational_characteristics": "organizational characteristics|组织特征|组织特性",
    "market_growth_position": "market growth|market position|市场增长定位|市场定位|市场增长与地位|市场增长",
    "solution_requirements": "requirements|方案需求|方案要求|解决方案需求",
    "opportunities": "opportunity|各种机会|机会",
    "solution_fit": "fit|解决方案的适用性|解决方案适用性|方案适用性|方案匹配",
    "competitive_advantage": "competitive advantages|竞争优势",
    "track_record": "record|记录|过往业绩|业绩记录|过往记录",
    "sponsorship": "sponsor|sponsors|支持者|支持",
    "cultural_compatibility": "culture|文化兼容性|文化契合|文化相容性",
}
"""How the factors are called in English and Chinese, apart by bars."""

MARK_WORDS: Mapping[str, str] = {
    **dict.fromkeys((*"+＋好优", "good", "良好"), "+"),
    **dict.fromkeys((*"-−－–差劣", "poor", "较差", "不好"), "-"),
}
"""Word of a mark, in small letters = ``+`` or ``-``."""

NUMERIC_KINDS = ("amount", "number", "share")

PANDAS_DTYPE: Mapping[str, str] = {
    **dict.fromkeys(("id", "text", "sign", "stage", "outcome", "period"), "str"),
    **dict.fromkeys(NUMERIC_KINDS, "float64"),
    "flag": "boolean",
    "datetime": "datetime64[us]",
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the contract.

    Attributes
    ----------
    name : str
    kind : Kind
    about : str
        What it means.
    required : bool
        The table is of no use without it, and no row may lack it.
    unique : bool
        No two rows may share a value.
    group : bool
        Deals can be grouped by it.
    """

    name: str
    kind: Kind
    about: str
    required: bool = False
    unique: bool = False
    group: bool = False


def _group(name: str, about: str) -> Column:
    return Column(name, "text", about, group=True)


_OWNERSHIP = (_group("owner", "person responsible"), _group("team", "team"), _group("region", "region"))

TABLES: Mapping[str, tuple[Column, ...]] = {
    "opportunities": (
        Column("opportunity_id", "id", "the deal", required=True, unique=True),
        Column("name", "text", "what people call the deal"),
        Column("account_id", "id", "the customer"),
        Column("order_number", "id", "number of the order or contract, the same in every channel"),
        *_OWNERSHIP,
        _group("segment", "market segment"),
        _group("product", "product or service"),
        _group("source", "where the deal came from"),
        _group("customer_type", "such as new or returning"),
        _group("pipeline", "pipeline or sales process, where the source has several"),
        Column("amount", "amount", "value of the deal; of a won deal what was signed"),
        Column("expected_amount", "amount", "value expected before the close: list price, first estimate"),
        Column("currency", "text", "currency of the amounts"),
        Column("created_at", "datetime", "when the deal was entered"),
        Column("closed_at", "datetime", "when it was won, lost or left"),
        Column("outcome", "outcome", "how it ended"),
        Column("lost_reason", "text", "why it was lost"),
        Column("stage", "stage", "current stage, or the last one of a lost deal"),
        Column("expected_close_at", "datetime", "when somebody expects the close"),
        Column("probability", "share", "chance to win as the source states it"),
        Column("is_won", "flag", "read into outcome, then dropped"),
        Column("is_closed", "flag", "read into outcome, then dropped"),
        Column("is_deleted", "flag", "rows deleted in the source, dropped"),
    ),
    "stage_history": (
        Column("opportunity_id", "id", "the deal", required=True),
        Column("stage", "stage", "stage entered, or an end mark", required=True),
        Column("entered_at", "datetime", "when", required=True),
        Column("left_at", "datetime", "when it was left, as the source says; the next entry is what counts"),
        Column(
            "old_stage",
            "text",
            "stage before the change, in a log of changes; the first one tells where a deal began",
        ),
    ),
    "accounts": (
        Column("account_id", "id", "the customer", required=True, unique=True),
        Column("name", "text", "name of the customer"),
        Column("industry", "text", "industry"),
        Column("position", "text", "position in its industry"),
        Column("size", "text", "size class"),
        Column("employees", "number", "people employed"),
        Column("revenue", "amount", "yearly revenue"),
        Column("country", "text", "country"),
        Column("region", "text", "region"),
        Column("owner", "text", "person responsible"),
        Column("customer_type", "text", "such as new or returning"),
        Column("money", "flag", "has the money (C1)"),
        Column("authority", "flag", "we speak with who decides (C1)"),
        Column("need", "flag", "has the need (C1)"),
        Column("intent", "text", "purchase intent"),
        Column("contact", "text", "whom to contact"),
        Column("origin", "text", "source or sources that hold the record: survey, fair, web, CRM"),
        Column("created_at", "datetime", "when the record was entered"),
    ),
    "contacts": (
        Column("contact_id", "id", "the person"),
        Column("account_id", "id", "the customer"),
        Column("opportunity_id", "id", "the deal"),
        Column("name", "text", "name"),
        Column("role", "text", "role in the purchase (C5)"),
    ),
    "activities": (
        Column("opportunity_id", "id", "the deal"),
        Column("account_id", "id", "the customer"),
        Column("kind", "text", "such as call, visit, quotation"),
        Column("owner", "text", "who did it"),
        Column("at", "datetime", "when", required=True),
    ),
    "assessments": (
        Column("account_id", "id", "the customer", required=True),
        Column("factor", "text", "one of the nine factors (C4)", required=True),
        Column("mark", "sign", "+ or -", required=True),
        Column("note", "text", "why"),
        Column("at", "datetime", "when"),
    ),
    "gates": (
        Column("opportunity_id", "id", "the deal", required=True),
        Column("stage", "stage", "stage the criterion belongs to", required=True),
        Column("criterion", "text", "id of the criterion", required=True),
        Column("met", "flag", "is it met"),
        Column("evidence", "text", "what shows it"),
        Column("at", "datetime", "when"),
    ),
    "targets": (
        Column("period", "period", "week, month, quarter or year", required=True),
        *_OWNERSHIP,
        Column("amount", "amount", "target", required=True),
    ),
    "costs": (
        Column("period", "period", "week, month, quarter or year", required=True),
        *_OWNERSHIP,
        Column("source", "text", "what it was spent on"),
        Column("amount", "amount", "cost", required=True),
    ),
    "events": (
        Column("actor", "id", "who", required=True),
        Column("event", "text", "what", required=True),
        Column("at", "datetime", "when", required=True),
    ),
}
"""The contract: every table with its columns."""

HELPERS = ("is_won", "is_closed", "is_deleted")
"""Columns that loading reads and then drops."""


def column(table: str, name: str) -> Column | None:
    """Return the contract's column `name` of `table`, or None."""
    return next((one for one in TABLES[table] if one.name == name), None)


def column_names(table: str) -> tuple[str, ...]:
    """Return the names of all columns of `table`, in the contract's order."""
    return tuple(one.name for one in TABLES[table])


def kind_of(table: str, name: str) -> Kind:
    """Return how a column is read; a column of the user's own is text."""
    known = column(table, name)
    return known.kind if known else "text"


def attributes(frame: pd.DataFrame) -> tuple[str, ...]:
    """By which columns of an ``opportunities`` frame can deals be grouped?

    Returns
    -------
    tuple of str
        The contract's grouping columns that are there, then the user's own, in the frame's order.
    """
    own = [str(name) for name in frame.columns if column("opportunities", str(name)) is None]
    return (*(one.name for one in TABLES["opportunities"] if one.group and one.name in frame.columns), *own)
