"""Which columns of the deals are about their customers: MAN marks, intent, buyer roles, factors of the assessment?"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from funnelnb.data.contract.tables import FACTOR_WORDS, MARK_WORDS
from funnelnb.data.parse.values import MAN_LETTERS, as_text, man_letters
from funnelnb.data.recognise.columns import presets
from funnelnb.data.recognise.lexicon import header_scores
from funnelnb.playbooks.model import fold
from funnelnb.playbooks.roles import role_named

if TYPE_CHECKING:
    from funnelnb.data.contract.settings import Settings
    from funnelnb.data.recognise.profile import ColumnProfile
    from funnelnb.data.recognise.proposal import Proposal
    from funnelnb.data.recognise.shape import Sheet

NAMED = 0.65
"""Score from which on a header names a column of customers."""

MOSTLY = 0.9
"""Share of the filled cells that must be marks or letters."""

MOST_LEVELS = 12
"""An intent is told in no more words than that."""

ALONE = ("decision_maker", "technical_gatekeeper", "technical_assessor")
"""Roles that one column alone tells; a lone "User" or "Buyer" is somebody else."""

_PERSON = re.compile(r"(的?(姓名|名字|名称|联系人)|[（(][^（()）]*[)）]| ?(contact|name))$", re.IGNORECASE)
_MAN = re.compile(r"^[Mm][Aa][Nn]$")

_FACTORS = {
    fold(word): factor for factor, words in FACTOR_WORDS.items() for word in (factor, *words.split("|"))
}


def customer_columns(result: Proposal, deals: Sheet, settings: Settings) -> None:
    """Propose to read columns of the deals that say something of their customers.

    Parameters
    ----------
    result : Proposal
        Gets ``account_columns``, ``role_columns`` and ``factor_columns`` of the deals, and a note.
    deals : Sheet
    settings : Settings
        What they say stays.
    """
    own = settings.table("opportunities")
    dates = {*own.stage_dates.values(), *result.table("opportunities").get("stage_dates", {}).values()}
    taken = deals.columns.used | dates | set(own.attributes.values())
    free = [one for one in deals.profiles if one.name not in taken and one.filled_n]
    factors = {} if own.factor_columns else _factors(deals, free)
    free = [one for one in free if one.name not in factors.values()]
    roles = {} if own.role_columns else _roles(free)
    free = [one for one in free if one.name not in roles.values()]
    marks = {} if own.account_columns else _marks(deals, free)
    customer = bool(deals.columns.source("account_id")) or any(
        "account_id" in one["columns"] for one in result.table("opportunities").get("joins", [])
    )
    if not customer and (factors or marks):
        names = ", ".join([*marks.values(), *factors.values()])
        result.note("customer_columns_unkeyed", file=deals.raw.file, names=names)
        factors, marks = {}, {}
    part = result.table("opportunities")
    for key, columns in (("account_columns", marks), ("role_columns", roles), ("factor_columns", factors)):
        if columns:
            part[key] = columns
    if marks or roles or factors:
        names = ", ".join([*marks.values(), *roles.values(), *factors.values()])
        result.note("customer_columns_read", file=deals.raw.file, names=names)


def _first(found: dict[str, str], name: str | None, source: str) -> None:
    if name is not None:
        found.setdefault(name, source)


def _factors(deals: Sheet, free: list[ColumnProfile]) -> dict[str, str]:
    """Return the columns called after factors whose cells are marks."""
    found: dict[str, str] = {}
    for one in free:
        factor = _FACTORS.get(fold(one.name))
        if factor is None:
            continue
        cells = as_text(deals.raw.frame[one.name], blanks=False).dropna().str.casefold()
        if len(cells) and cells.isin(list(MARK_WORDS)).mean() >= MOSTLY:
            _first(found, factor, one.name)
    return found


def _roles(free: list[ColumnProfile]) -> dict[str, str]:
    """Return the columns called after buyer roles: several, or one that can be nothing else."""
    found: dict[str, str] = {}
    for one in free:
        role = role_named(one.name) or role_named(_PERSON.sub("", one.name.strip()))
        if role is not None and one.kind not in ("date", "number"):
            _first(found, role.id, one.name)
    alone = [
        role for role in found if role in ALONE and not next(o for o in free if o.name == found[role]).is_flag
    ]
    return found if len(found) > 1 or alone else {}


def _marks(deals: Sheet, free: list[ColumnProfile]) -> dict[str, str]:
    """Return the columns of money, authority, need and intent, and one with the three letters."""
    frame = deals.raw.frame
    short = {fold(letter): name for name, letter in MAN_LETTERS.items()}
    words = presets()["chinese"].columns["accounts"]
    known = {
        fold(word): name
        for name in (*MAN_LETTERS, "intent")
        for word in words[name]
        if fold(word) not in short
    }
    found: dict[str, str] = {}
    letters: dict[str, str] = {}
    for one in free:
        scores = header_scores(one.name, "accounts")
        names = [name for name in (*MAN_LETTERS, "intent") if scores.get(name, 0.0) >= NAMED]
        name = known.get(fold(one.name)) or next(iter(names), None)
        if name == "intent":
            if one.kind != "date" and 1 < one.distinct_n <= MOST_LEVELS:
                _first(found, name, one.name)
        elif name is not None:
            told = _tells(one) or bool(man_letters({name: frame[one.name]}))
            _first(found, name if told else None, one.name)
        elif fold(one.name) in short and (_tells(one) or one.distinct_n <= 2):
            _first(letters, short[fold(one.name)], one.name)
        elif _is_code(deals, one):
            _first(found, "man", one.name)
    if len(letters) > 1:
        for name, source in letters.items():
            _first(found, name, source)
    return found


def _tells(one: ColumnProfile) -> bool:
    """Whether a column says yes and no; nothing but 0 is a sum of money."""
    return one.is_flag and not (one.kind == "number" and one.distinct_n < 2)


def _is_code(deals: Sheet, one: ColumnProfile) -> bool:
    if one.distinct_n > 8 or "man" not in one.name.casefold():
        return False
    cells = as_text(deals.raw.frame[one.name]).dropna()
    return bool(len(cells)) and bool(cells.str.fullmatch(_MAN).mean() >= MOSTLY)
