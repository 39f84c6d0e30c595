"""From a count to its deals: which row is meant, who is in it, and the list that one would send."""

from __future__ import annotations

import functools
import math
import urllib.parse
from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.analysis.shared.counts import SECONDS_PER_DAY
from funnelnb.analysis.shared.members import (
    ByAge,
    Customers,
    Elsewhere,
    Mask,
    Member,
    Nobody,
    Query,
    Who,
    count_names,
    is_rows,
    rule_of,
)
from funnelnb.analysis.shared.open_deals import account_names, customers_of, total
from funnelnb.core.display import Shown
from funnelnb.core.errors import MissingDataError, ParameterError, nearest
from funnelnb.data.contract.clock import UNKNOWN
from funnelnb.data.ledger.codes import LEFT_DEAL, LOST_DEAL, OPEN_DEAL, WON_DEAL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import pandas as pd

    from funnelnb.data.book import Book

OUTCOMES = {"open": OPEN_DEAL, "won": WON_DEAL, "lost": LOST_DEAL, "left": LEFT_DEAL}
"""How a deal stands at the as-of date, by the word for it."""

WORDS = {
    "open": ("open_n", "here_n"),
    "lost": ("lost_n",),
    "left": ("left_n",),
    "won": ("won_n",),
    "moved_on": ("advanced_n", "exit_n"),
    "stalled": ("listed_n",),
}
"""What may be said of a count besides its own name."""

_WHY = {
    "computed": "is worked out, not counted",
    "weighted": "is estimated: deals with a known history count for the others",
    "events": "counts people and events",
    "periods": "counts periods",
    "marks": "counts marks and roles",
    "given": "was typed in",
    "people": "counts people or regions",
    "moves": "counts moves, some deals more than once",
    "faults": "counts kinds of faults",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """One count of a result.

    Attributes
    ----------
    table : str
        Field of the result that holds the row; empty for a count of the result itself.
    place : int
        Number of the row in it.
    row : object
    name : str
        Field of the count.
    value : float
    who : callable
        ``who() -> who is in it``.
    """

    table: str
    place: int
    row: Any
    name: str
    value: float
    who: Callable[[], Who]


def tables_of(result: Any) -> Iterator[tuple[str, Sequence[Any]]]:
    """Give the result itself (under the empty name), then its fields that hold rows."""
    yield "", (result,)
    for field in fields(result):
        value = getattr(result, field.name)
        if is_rows(value):
            yield field.name, value
        elif is_dataclass(value) and not isinstance(value, Shown) and rule_of(value) is not None:
            yield field.name, (value,)  # one row; a result within the result answers for itself


def each_count(result: Any, *, curves: bool = False) -> Iterator[Counted]:
    """Give every count of a result for which there is a rule; with `curves` also those along curves."""
    asked = asked_of(result)
    for table, rows in tables_of(result):
        rule = rule_of(rows[0])
        for place, row in enumerate(rows if rule is not None else ()):
            made = rule(asked, result, row) if rule is not None else {}
            for name in count_names(row):
                member = made.get(name, Nobody("computed"))
                for value, who in _counted(row, name, member, curves=curves):
                    yield Counted(table=table, place=place, row=row, name=name, value=value, who=who)


def _counted(
    row: Any, name: str, member: Member, *, curves: bool
) -> Iterator[tuple[float, Callable[[], Who]]]:
    """Give the value of a count and who is in it; of a count along a curve one for each of its days."""
    value = getattr(row, name)
    if isinstance(member, ByAge):
        if curves:
            for days, number in zip(row.days.tolist(), value.tolist(), strict=True):
                yield number, functools.partial(member.at, days)
    elif not isinstance(value, np.ndarray):
        yield value, member if callable(member) else functools.partial(_itself, member)


def _itself(who: Who) -> Who:
    return who


def asked_of(result: Any) -> Query:
    """Return what was asked of which book.

    Raises
    ------
    MissingDataError
        The result does not carry its deals: its counts were typed in, it counts events, or it was stored.
    """
    found = getattr(result, "_asked", None)
    if found is None:
        if hasattr(result, "actors"):
            raise MissingDataError(
                f"this {type(result).__name__} counts people and events, not deals",
                expected="the people behind a step",
                hint='result.actors("cart", "dropped")',
            )
        raise MissingDataError(
            f"this {type(result).__name__} carries no deals",
            expected="a result that a function made from a book of deals",
            hint="ask again with the book, such as fn.conversion(book)",
        )
    return found


# ---- Which count is meant? -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Hit:
    table: str
    rows: tuple[Any, ...]
    name: str
    outcome: int | None = None


def deals_behind(
    result: Any,
    *,
    stage: str | None = None,
    group: str | Sequence[str] | None = None,
    outcome: str | None = None,
    table: str | None = None,
    days: float | None = None,
    **row: Any,
) -> pd.DataFrame:
    """Which deals stand behind a count of a result? See :meth:`funnelnb.analysis.shared.result.Result.deals`."""
    asked = asked_of(result)
    wanted = dict(row)
    if stage is not None:
        wanted["stage"] = _stage_id(asked, stage)
    if group is not None:
        wanted["group"] = (str(group),) if isinstance(group, str) else tuple(map(str, group))
    hit = _found(result, wanted, outcome, table, whole_way=stage is None)
    who = [_who(asked, result, one, hit.name, days) for one in hit.rows]
    return _listed(asked, result, who, hit)


def _stage_id(asked: Query, stage: str) -> str:
    playbook = asked.book.playbook
    position = playbook.position(str(stage))
    if position is None:
        known = playbook.stage_ids
        raise ParameterError(
            f"stage = {stage!r}",
            expected="a stage: " + ", ".join(map(repr, known)),
            hint=nearest(str(stage), known),
        )
    return str(playbook.stage_ids[position])


def _tables(result: Any, table: str | None) -> list[tuple[str, Sequence[Any]]]:
    found = [(name, rows) for name, rows in tables_of(result) if rule_of(rows[0]) is not None]
    if table is None:
        return found
    names = [name for name, _ in found if name]
    if table not in names:
        raise ParameterError(
            f"table = {table!r}",
            expected="one of " + ", ".join(map(repr, names))
            if names
            else "no table: this result has one count",
            hint=nearest(str(table), names),
        )
    return [(name, rows) for name, rows in found if name == table]


def _found(
    result: Any, wanted: Mapping[str, Any], outcome: str | None, table: str | None, *, whole_way: bool
) -> _Hit:
    """Return the count meant: of the first table whose rows fit, the whole way unless a stage is named."""
    tables = _tables(result, table)
    fitting = []
    for name, rows in tables:
        some = [one for one in rows if all(hasattr(one, key) for key in wanted)]
        mine = [one for one in some if all(getattr(one, key) == value for key, value in wanted.items())]
        mine = [one for one in mine if _is_whole(one) == whole_way] or mine
        if "group" not in wanted:
            mine = [one for one in mine if not getattr(one, "group", ())] or mine
        if mine:
            fitting.append((name, tuple(mine)))
    if not fitting:
        raise _no_row(tables, wanted)
    hits = [hit for name, rows in fitting for hit in _counts(name, rows, outcome)]
    exact = [hit for hit in hits if hit.outcome is None]
    if not hits:
        raise _no_count(fitting, str(outcome))
    return min(exact or hits, key=lambda hit: _is_whole(hit.rows[0]) != whole_way)  # of equals the first


def _is_whole(row: Any) -> bool:
    """Whether a row speaks of the whole way rather than of one stage."""
    return bool(getattr(row, "overall", False)) or not getattr(row, "stage", "")


def _counts(table: str, rows: tuple[Any, ...], outcome: str | None) -> Iterator[_Hit]:
    names = [name for name in count_names(rows[0]) if not isinstance(getattr(rows[0], name), np.ndarray)]
    names = names or list(count_names(rows[0]))
    if outcome is None:
        if names:
            yield _Hit(table=table, rows=rows, name=names[0])
        return
    word = str(outcome)
    own = tuple(one for one in rows if getattr(one, "outcome", None) == word)
    if own and names:
        yield _Hit(table=table, rows=own, name=names[0])
        return
    known = [word, f"{word}_n", *WORDS.get(word, ())]
    if word == "won" and all(getattr(one, "overall", False) for one in rows):
        known.append("advanced_n")
    chosen = next((name for name in known if name in names), None)
    if chosen is not None:
        yield _Hit(table=table, rows=rows, name=chosen)
    elif word in OUTCOMES and names:
        yield _Hit(table=table, rows=rows, name=names[0], outcome=OUTCOMES[word])


def _no_row(tables: Sequence[tuple[str, Sequence[Any]]], wanted: Mapping[str, Any]) -> ParameterError:
    """Say which value no row has, with the nearest one."""
    for key, value in wanted.items():
        known = [getattr(one, key) for _, rows in tables for one in rows if hasattr(one, key)]
        if not known:
            keys = sorted({field.name for _, rows in tables for one in rows[:1] for field in fields(one)})
            return ParameterError(
                f"{key} = {_shown(value)}: no count of this result differs by {key}",
                expected="stage, group, outcome, or a field of its rows",
                hint=nearest(key, keys),
            )
        if key == "group" and not any(known):
            return ParameterError(f"group = {_shown(value)}", expected="no group: this result has none")
        if value not in known:
            names = list(dict.fromkeys(_shown(one).strip("'") for one in known))
            return ParameterError(
                f"{key} = {_shown(value)}",
                expected="one of " + ", ".join(map(repr, names[:20])) + (" …" if len(names) > 20 else ""),
                hint=nearest(_shown(value).strip("'"), names),
            )
    said = ", ".join(f"{key} = {_shown(value)}" for key, value in wanted.items())
    return ParameterError(f"no count of this result has {said}", expected="values that occur together")


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return repr(value[0]) if len(value) == 1 else " · ".join(map(str, value)) or "''"
    return repr(value)


def _no_count(fitting: Sequence[tuple[str, Sequence[Any]]], outcome: str) -> ParameterError:
    names = dict.fromkeys(
        name.removesuffix("_n") for _, rows in fitting for name in count_names(rows[0]) if name != "n"
    )
    known = list(dict.fromkeys([*names, *OUTCOMES]))
    return ParameterError(
        f"outcome = {outcome!r}",
        expected="one of " + ", ".join(map(repr, known)),
        hint=nearest(outcome, known),
    )


def _who(asked: Query, result: Any, row: Any, name: str, days: float | None) -> Who:
    """Return who is in a count of a row.

    Raises
    ------
    MissingDataError
        Nobody can be listed: the message says why.
    """
    rule = rule_of(row)
    member = rule(asked, result, row).get(name, Nobody("computed")) if rule else Nobody("computed")
    if isinstance(member, ByAge):
        if days is None:
            raise ParameterError(
                f"{name} is counted along a curve", expected="an age", hint="days=90, an age in days"
            )
        member = member.at(float(days))
    elif callable(member):
        member = member()
    value = getattr(row, name)
    if not isinstance(value, np.ndarray) and isinstance(value, float) and math.isnan(value):
        raise MissingDataError(
            f"{name} is not known, so no deals can be listed", expected="a count that is known"
        )
    if isinstance(member, Nobody):
        raise MissingDataError(
            f"{name} {_WHY[member.reason]}, so there are no deals to list",
            expected="a count of deals",
            hint="result.deals() lists the deals of the whole result" if name != "n" else "",
        )
    return member


# ---- The list ------------------------------------------------------------------------------------------------


def _listed(asked: Query, result: Any, who: Sequence[Who], hit: _Hit) -> pd.DataFrame:
    customers = [one for one in who if isinstance(one, Customers)]
    if customers:
        made = customer_frame(asked.book, [account for one in customers for account in one.account_ids])
    else:
        book = next((one.book for one in who if isinstance(one, Elsewhere)), asked.book)
        masks = [one.mask if isinstance(one, Elsewhere) else one for one in who]
        marks = np.logical_or.reduce([np.asarray(one) for one in masks])
        if hit.outcome is not None:
            marks &= book.ledger.outcome == hit.outcome
        made = deal_frame(book, marks)
    made.attrs = {
        "n": len(made), "count": f"{hit.table}.{hit.name}".lstrip("."), "as_of": str(result.as_of),
        "currency": result.currency,
    }  # fmt: skip
    return made


def deal_frame(book: Book, marks: Mask) -> pd.DataFrame:
    """Return the deals marked in the ledger as a list: customer first, the largest amount on top."""
    import pandas as pd

    ledger = book.ledger
    index = np.flatnonzero(marks)
    ids = [str(one) for one in ledger.deal_ids[index]]
    standing = ledger.start[index + 1] - 1
    outcome, is_open = ledger.outcome[index], ledger.outcome[index] == OPEN_DEAL
    ended_s = np.where(is_open, ledger.as_of_s, ledger.closed_s[index])
    since_s = np.where(is_open, ledger.entered_s[standing], UNKNOWN)
    words = np.array(list(OUTCOMES), dtype=object)
    made = pd.DataFrame(
        {
            "customer": _texts(customers_of(book, ids)),
            "deal": _texts(_column(book, "name", ids)),
            "owner": _texts(_attribute(ledger, "owner", index)),
            "stage": _texts([ledger.stage_ids[k] for k in ledger.stage[standing]]),
            "outcome": _texts(words[outcome]),
            "age_days": _days(ledger.created_s[index], ended_s),
            "stage_days": _days(since_s, np.full(len(index), ledger.as_of_s)),
            "amount": ledger.amount[index].astype(float),
            "created_at": _dates(ledger.created_s[index]),
            "closed_at": _dates(ledger.closed_s[index]),
            "opportunity_id": _texts(ids),
            "account_id": _texts(_attribute(ledger, "account_id", index)),
        }
    )
    if book.deal_url:
        pairs = zip(made["opportunity_id"], made["account_id"], strict=True)
        made["url"] = _texts([link_of(book.deal_url, deal, account) for deal, account in pairs])
    order = np.lexsort((np.array(ids, dtype=str), -made["amount"].fillna(-np.inf).to_numpy()))
    return made.iloc[order].reset_index(drop=True)


def customer_frame(book: Book, account_ids: Sequence[str]) -> pd.DataFrame:
    """Return customers as a list, with their open deals; the largest open amount on top."""
    import pandas as pd

    ledger, names = book.ledger, account_names(book)
    ids = sorted({str(one) for one in account_ids})
    every = np.flatnonzero(ledger.outcome == OPEN_DEAL)
    accounts = np.array(_attribute(ledger, "account_id", every), dtype=object)
    amounts = ledger.amount[every]
    mine = [accounts == account for account in ids]
    made = pd.DataFrame(
        {
            "customer": _texts([names.get(one) or one for one in ids]),
            "account_id": _texts(ids),
            "open_n": np.array([int(one.sum()) for one in mine], np.int64),
            "open_amount": np.array([total(amounts[one]) for one in mine], float),
        }
    )
    order = np.lexsort((np.array(ids, dtype=str), -made["open_amount"].fillna(-np.inf).to_numpy()))
    return made.iloc[order].reset_index(drop=True)


def link_of(template: str, opportunity_id: str, account_id: str) -> str:
    """Return the address of a deal in the CRM, its ids made safe for an address.

    Examples
    --------
    >>> link_of("https://crm.example/deal/{opportunity_id}", "D 1/2", "A1")
    'https://crm.example/deal/D%201%2F2'
    """
    quoted = {"opportunity_id": opportunity_id, "account_id": account_id}
    made = template
    for name, value in quoted.items():
        made = made.replace("{" + name + "}", urllib.parse.quote(value, safe=""))
    return made


def _texts(values: Any) -> Any:
    import pandas as pd

    return pd.array([str(one) for one in values], dtype="str")


def _attribute(ledger: Any, name: str, index: Any) -> list[str]:
    coded = ledger.attributes.get(name)
    if coded is None:
        return [""] * len(index)
    return [coded.labels[code] for code in coded.codes[index]]


def _column(book: Book, name: str, ids: Sequence[str]) -> list[str]:
    table = book.opportunities
    if name not in table:
        return [""] * len(ids)
    known = dict(zip(table["opportunity_id"].astype(str), table[name].fillna("").astype(str), strict=True))
    return [known.get(one, "") for one in ids]


def _days(from_s: Any, to_s: Any) -> Any:
    known = (from_s != UNKNOWN) & (to_s != UNKNOWN)
    return np.where(known, np.maximum(to_s - from_s, 0) / SECONDS_PER_DAY, np.nan)


def _dates(moment_s: Any) -> Any:
    unknown = moment_s == UNKNOWN
    made = np.where(unknown, 0, moment_s).astype("datetime64[s]")
    made[unknown] = np.datetime64("NaT", "s")
    return made
