"""Which other files belong to the deals? Keys that overlap tell it, more than names do."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from funnelnb.data.parse.values import as_text
from funnelnb.data.recognise.lexicon import header_scores, plain
from funnelnb.playbooks.model import fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from funnelnb.data.recognise.shape import Sheet

SHARED = 0.6
"""Least share of the deals' keys that the other file must know."""

SAYS_CREATED = 0.8
"""From this score on a header says that it is the date of the creation."""

MOST_PARTNERS = 200_000
"""Larger files are not looked through for partners."""

MOST_OWNERS, KNOWN_OWNERS = 500, 0.9
"""So many people are named at most, and this share of them must be known."""

KEYS_OF_ALL = ("crmid", "entityid", "objectid", "recordid")
"""How systems call the key of a table that has a row for a record of any kind."""

_WANTED = ("region", "team", "segment", "customer_type", "owner", "product", "source")
_BOOKED = (
    "won",
    "win",
    "closed",
    "close",
    "order",
    "booking",
    "booked",
    "sale",
    "sold",
    "contract",
    "signed",
    "converted",
    "purchase",
    "payment",
    "成交",
    "赢单",
    "签约",
    "订单",
    "合同",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Related:
    """A file that can be joined.

    Attributes
    ----------
    join : Mapping
        As the settings say it.
    canonical : str
        Column of the contract that holds the key.
    share : float
        Share of the deals' different keys that the file knows, spelling apart.
    n : int
        Rows of the deals with a partner.
    keys, partners : frozenset of str
        Different keys on either side.
    """

    join: dict[str, Any]
    canonical: str
    share: float
    n: int
    keys: frozenset[str]
    partners: frozenset[str]


def joins(deals: Sheet, others: Sequence[Sheet], have: set[str]) -> list[Related]:
    """Which files add a region, a team, a segment … to the deals?

    Parameters
    ----------
    deals : Sheet
    others : sequence of Sheet
    have : set of str
        Columns of the contract that the deals have already.

    Returns
    -------
    list of Related
        Each key of the other file once; the best key of each file.
    """
    found = []
    taken = set(have)
    for other in others:
        if not other.file or len(other.raw.frame) > MOST_PARTNERS:
            continue
        columns = _added(other, taken)
        if not columns:
            continue
        best = _key(deals, other, columns)
        if best is not None:
            found.append(best)
            taken |= set(best.join["columns"])
    return found


def _added(other: Sheet, have: set[str]) -> dict[str, str]:
    """Return column of the contract = column of the other file, for grouping columns that the deals lack."""
    best: dict[str, tuple[float, str]] = {}
    for one in other.profiles:
        if one.kind != "category" or one.distinct_n < 2:
            continue
        for column, score in header_scores(one.name).items():
            if column in _WANTED and column not in have and score > best.get(column, (0.55, ""))[0]:
                best[column] = (score, one.name)
    sources: dict[str, str] = {}
    for column, (_, source) in sorted(best.items(), key=lambda item: -item[1][0]):
        if source not in sources.values():
            sources[column] = source
    return sources


def _key(deals: Sheet, other: Sheet, columns: Mapping[str, str]) -> Related | None:
    best: Related | None = None
    by_source = {one.source: column for column, one in deals.columns.found.items()}
    for there in other.profiles:
        partners = as_text(other.raw.frame[there.name], blanks=False).dropna()
        if not there.unique or partners.duplicated().any() or there.kind == "date":
            continue
        known = {_alike(one) for one in partners}
        for here in deals.profiles:
            if (
                here.kind not in ("category", "text", "number")
                or here.is_flag
                or not _related(here.name, there.name, by_source)
            ):
                continue
            keys = as_text(deals.raw.frame[here.name], blanks=False).dropna()
            different = set(keys.unique())
            if not different:
                continue
            share = sum(_alike(one) in known for one in different) / len(different)
            if share < SHARED or (best is not None and share <= best.share):
                continue
            taken = {column: source for column, source in columns.items() if source != there.name}
            if taken:
                best = Related(
                    join={
                        "file": other.file,
                        **({"sheet": other.sheet} if other.sheet else {}),
                        "on": {here.name: there.name},
                        "columns": taken,
                    },
                    canonical=by_source.get(here.name, ""),
                    share=share,
                    n=int(keys.isin(set(partners)).sum()),
                    keys=frozenset(different),
                    partners=frozenset(partners),
                )
    return best


def created_elsewhere(deals: Sheet, others: Sequence[Sheet]) -> Related | None:
    """Which table says when each deal was created, where that of the deals does not (``vtiger_crmentity``)?

    Parameters
    ----------
    deals : Sheet
    others : sequence of Sheet

    Returns
    -------
    Related or None
        A table with a row for every deal, by a key that both call alike or that is the key of all kinds of records.
    """
    by_source = {one.source: column for column, one in deals.columns.found.items()}
    for other in others:
        created = [
            one.name
            for one in other.profiles
            if one.kind == "date" and header_scores(one.name).get("created_at", 0.0) >= SAYS_CREATED
        ]
        if not other.file or not created or len(other.raw.frame) > MOST_PARTNERS:
            continue
        for there in (one for one in other.profiles if one.unique and one.kind != "date"):
            partners = set(as_text(other.raw.frame[there.name], blanks=False).dropna())
            general = plain(there.name).replace(" ", "") in KEYS_OF_ALL
            for here in (one for one in deals.profiles if one.unique and one.kind != "date"):
                related = _related(here.name, there.name, by_source)
                if not (related or (general and plain(here.name).endswith("id"))) or created[0] == there.name:
                    continue
                keys = as_text(deals.raw.frame[here.name], blanks=False)
                if keys.isna().any() or keys.duplicated().any() or not keys.isin(partners).all():
                    continue
                return Related(
                    join={
                        "file": other.file,
                        **({"sheet": other.sheet} if other.sheet else {}),
                        "on": {here.name: there.name},
                        "columns": {"created_at": created[0]},
                    },
                    canonical="", share=1.0, n=len(keys), keys=frozenset(keys), partners=frozenset(partners),
                )  # fmt: skip
    return None


def names_of_owners(deals: Sheet, people: Sequence[Sheet]) -> tuple[str, dict[str, str]]:
    """How are the owners called whose ids stand in the deals, by a table of people?

    Parameters
    ----------
    deals : Sheet
    people : sequence of Sheet
        Tables of people.

    Returns
    -------
    tuple of str and dict of str to str
        The file and id = name; nothing where no table knows nearly all ids, or two of them have one name.
    """
    at = deals.columns.source("owner")
    ids = set(as_text(deals.raw.frame[at], blanks=False).dropna()) if at in deals.raw.frame else set()
    if not 0 < len(ids) <= MOST_OWNERS:
        return "", {}
    for sheet in people:
        named = _names(sheet)
        for one in (one for one in sheet.profiles if one.unique and one.kind != "date"):
            keys = as_text(sheet.raw.frame[one.name], blanks=False)
            known = {key: name for key, name in zip(keys, named, strict=True) if key in ids and key != name}
            known = {key: name for key, name in known.items() if isinstance(name, str) and name}
            if len(known) >= KNOWN_OWNERS * len(ids) and len(set(known.values())) == len(known):
                return sheet.raw.file, known
    return "", {}


def _names(sheet: Sheet) -> list[Any]:
    """Return the name of each person: a column of names, else first and last name, else the address."""
    by_header = {plain(one.name): one.name for one in sheet.profiles}
    for name in ("name", "full name", "display name", "姓名", "员工姓名", "login", "username", "email"):
        if name == "login" and {"first name", "last name"} <= set(by_header):
            first, last = (as_text(sheet.raw.frame[by_header[one]]) for one in ("first name", "last name"))
            return list((first.fillna("") + " " + last.fillna("")).str.strip())
        if name in by_header:
            return list(as_text(sheet.raw.frame[by_header[name]]))
    return [None] * len(sheet.raw.frame)


def _related(here: str, there: str, by_source: Mapping[str, str]) -> bool:
    """Whether two headers may name the same key: a word in common, or the same column of the contract."""
    mine, yours = plain(here).split(), plain(there).split()
    if set(mine) & set(yours) - {"name", "date", "id", "type"} or mine == yours:
        return True
    column = by_source.get(here, "")
    return bool(column) and (
        column in header_scores(there)
        or (yours[-1:] == ["id"] and column in ("account_id", "owner", "product"))
    )


def corrections(found: Related) -> dict[str, str]:
    """Which keys are the other file's keys, but for spelling?"""
    if not found.canonical:
        return {}
    spelled = {fold(one): one for one in found.partners}
    same = {one: spelled[fold(one)] for one in sorted(found.keys - found.partners) if fold(one) in spelled}
    return {**near_numbers(found.keys, found.partners), **same}


def near_numbers(keys: Iterable[str], known: Iterable[str]) -> dict[str, str]:
    """Which keys are known ones but for what a spreadsheet does to numbers: zeros in front lost, ``.0`` added?

    Parameters
    ----------
    keys, known : iterable of str

    Returns
    -------
    dict of str to str
        Key = the known one, each once; what may be two of them is left out.

    Examples
    --------
    >>> near_numbers(["7", "12.0", "A1", "9"], ["007", "12", "a1", "09", "009"])
    {'12.0': '12', '7': '007'}
    """
    there, meant = set(known), set(keys)
    by_number: dict[str, list[str]] = {}
    for one in there:
        by_number.setdefault(_number(one), []).append(one)
    found = {
        one: by_number[_number(one)][0]
        for one in sorted(meant - there)
        if len(by_number.get(_number(one), ())) == 1
    }
    times = Counter(found.values())
    return {one: other for one, other in found.items() if times[other] == 1 and other not in meant}


_ZEROS = re.compile(r"^0+(?=\d)|\.0+$")


def _number(key: str) -> str:
    """Return a whole number without the zeros around it; any other key as it is."""
    return _ZEROS.sub("", key) if key.replace(".", "", 1).isdigit() else key


def _alike(key: str) -> str:
    """Return a key as those of two files are compared: a number without zeros around it, no case, spaces and signs."""
    return fold(_number(key))


def bookings(leads: Sheet, others: Sequence[Sheet]) -> Related | None:
    """Which file holds the bookings of these leads: each key once, all of them leads, with a date?"""
    at = leads.columns.source("opportunity_id")
    if not at or at not in leads.raw.frame:
        return None
    ids = set(as_text(leads.raw.frame[at], blanks=False).dropna())
    for other in others:
        if other is leads or not other.file:
            continue
        closed = (
            other.columns.source("closed_at") or other.columns.won_date or other.columns.source("created_at")
        )
        text = plain(other.file) + " " + plain(closed)
        if not closed or not any(word in text for word in _BOOKED):
            continue
        for one in other.profiles:
            keys = as_text(other.raw.frame[one.name], blanks=False).dropna()
            if (
                one.unique
                and not keys.duplicated().any()
                and len(keys)
                and sum(key in ids for key in keys) >= 0.9 * len(keys)
            ):
                columns = {"closed_at": closed}
                amount = other.columns.found.get(
                    "amount"
                )  # what only wins have is no attribute to compare by
                if (
                    amount
                    and "amount" not in leads.columns.found
                    and amount.source != one.name
                    and amount.score > 0.65
                ):
                    columns["amount"] = amount.source
                return Related(
                    join={"file": other.file, **({"sheet": other.sheet} if other.sheet else {}), "on": {at: one.name},
                          "columns": columns, "partial": True},
                    canonical="opportunity_id", share=len(keys) / max(len(ids), 1), n=len(keys),
                    keys=frozenset(ids), partners=frozenset(keys),
                )  # fmt: skip
    return None
