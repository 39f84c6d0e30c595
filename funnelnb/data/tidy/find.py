# ruff: noqa: E501 - words of a pattern stay one line
"""What should be changed? Spellings, customers and deals that stand there twice, orders in two channels, tests."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Any

from funnelnb.data.contract.tables import attributes
from funnelnb.data.tidy.changes import OUT, Change
from funnelnb.data.tidy.names import Pair, alike, groups, likeness, words_of_name
from funnelnb.playbooks.model import fold

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pandas as pd

FEW_VALUES = 400
"""An attribute with more values is not looked through for spellings: it holds names."""

RARE = 0.34
"""A spelling that is only like another one is proposed if it is this much rarer."""

DAYS_APART = 14
"""Two records of one deal were entered within this many days."""

_TEST = re.compile(
    r"\b(?:tests?|testing|dummy|asdf+|qwerty|foo ?bar|lorem ipsum|do not use|please ignore|example (?:deal|customer)|prueba|teste?|essai)\b"
    r"|测试|试用数据|テスト|테스트|тест\b",
    re.IGNORECASE,
)
_NOT_TEST = re.compile(
    r"\btest(?:ing)? (?:equipment|systems?|labs?|drive|bench|rig|centre|center|instruments?)\b", re.IGNORECASE
)


def find(tables: Mapping[str, pd.DataFrame]) -> list[Change]:
    """Which changes are proposed for these tables?

    Parameters
    ----------
    tables : Mapping of str to DataFrame
        Of the contract.

    Returns
    -------
    list
        Accepted at once are those where only the writing differs: case, blanks, legal forms, whole rows. Every other
        one waits for a person.
    """
    return [
        *spellings(tables),
        *same_accounts(tables),
        *same_orders(tables),
        *same_deals(tables),
        *trials(tables),
    ]


def _numbered(kind: str) -> Iterator[str]:
    return (f"{kind}-{k}" for k in itertools.count(1))


def _text(value: Any) -> str:
    return "" if value is None or value != value else str(value)  # noqa: PLR0124 - NaN


# ---- one value in two spellings -----------------------------------------------------------------------------


def spellings(tables: Mapping[str, pd.DataFrame]) -> list[Change]:
    """Which values of attributes are others in another spelling (``GTXPro`` = ``GTX Pro``)?"""
    deals = tables["opportunities"]
    ids = _numbered("spelling")
    found: list[Change] = []
    for column in attributes(deals):
        counts = deals[column].dropna().astype("str").value_counts()
        if not 1 < len(counts) <= FEW_VALUES:
            continue
        for value, right, score in _misspelt(counts, tables, column):
            one = next(ids)
            rows = deals.index[deals[column].astype("str") == value]
            keys = deals["opportunity_id"].astype("str")[rows]
            found += [
                Change(id=f"{one}.{k}", kind="spelling", table="opportunities", key=key, column=column, before=value,
                       after=right, why=right, likeness=score, accept=score == 100)
                for k, key in enumerate(keys, start=1)
            ]  # fmt: skip
    return found


def _misspelt(
    counts: pd.Series, tables: Mapping[str, pd.DataFrame], column: str
) -> Iterator[tuple[str, str, float]]:
    """Yield value, right spelling and likeness."""
    names = [str(one) for one in counts.index]
    number = {str(name): int(n) for name, n in counts.items()}
    written: dict[str, list[str]] = {}
    for name in names:
        written.setdefault(fold(name) or name, []).append(name)
    done = set()
    for same in written.values():
        right = max(same, key=lambda name: (number[name], name))
        for name in same:
            if name != right:
                done.add(name)
                yield name, right, 100.0
    rest = [name for name in names if name not in done]
    for pair in alike(rest):
        rare, common = sorted((rest[pair.one], rest[pair.other]), key=lambda name: number[name])
        if number[rare] <= RARE * number[common] and rare not in done and pair.likeness < 100:
            done.add(rare)
            yield rare, common, round(pair.likeness, 1)


# ---- one customer twice -------------------------------------------------------------------------------------


def same_accounts(tables: Mapping[str, pd.DataFrame]) -> list[Change]:
    """Which customers stand in the data under two ids or two spellings? Their deals move to the first."""
    people = _accounts(tables)
    if len(people) < 2:
        return []
    keys, names = list(people), list(people.values())
    pairs = alike(names)
    ids = _numbered("account")
    found: list[Change] = []
    for group in groups(len(keys), pairs):
        main = min(group, key=lambda place: (-_weight(tables, keys[place]), place))
        for place in group:
            if place != main:
                found += _moved(
                    tables,
                    next(ids),
                    keys[place],
                    keys[main],
                    names[main],
                    likeness(names[place], names[main]),
                )
    return found


def _accounts(tables: Mapping[str, pd.DataFrame]) -> dict[str, str]:
    """Return id = name of every customer; ids that are names stand for themselves."""
    deals, accounts = tables["opportunities"], tables.get("accounts")
    found: dict[str, str] = {}
    if accounts is not None:
        names = accounts["name"] if "name" in accounts else accounts["account_id"]
        found = {
            str(key): _text(name) or str(key) for key, name in zip(accounts["account_id"], names, strict=True)
        }
    for one in deals["account_id"].dropna().astype("str").unique() if "account_id" in deals else ():
        found.setdefault(one, one)
    return {
        key: name
        for key, name in found.items()
        if any(not char.isdigit() for word in words_of_name(name) for char in word)
    }


def _weight(tables: Mapping[str, pd.DataFrame], key: str) -> int:
    deals = tables["opportunities"]
    return int((deals["account_id"].astype("str") == key).sum()) if "account_id" in deals else 0


def _moved(
    tables: Mapping[str, pd.DataFrame], one: str, key: str, main: str, name: str, score: float
) -> list[Change]:
    """Return the changes that make `key` the customer `main` everywhere."""
    found: list[Change] = []
    common: dict[str, Any] = {
        "kind": "account",
        "why": name,
        "likeness": round(score, 1),
        "accept": score == 100,
    }
    deals = tables["opportunities"]
    rows: list[str] = []
    if "account_id" in deals:
        rows = deals["opportunity_id"].astype("str")[deals["account_id"].astype("str") == key].tolist()
    for row in rows:
        found.append(Change(id=f"{one}.{len(found) + 1}", table="opportunities", key=row, column="account_id", before=key,
                            after=main, **common))  # fmt: skip
    accounts = tables.get("accounts")
    if accounts is None or key not in set(accounts["account_id"].astype("str")):
        return found
    mine, yours = (accounts[accounts["account_id"].astype("str") == at].iloc[0] for at in (main, key))
    for column in accounts.columns:
        if column != "account_id" and not _text(mine[column]) and _text(yours[column]):
            found.append(Change(id=f"{one}.{len(found) + 1}", table="accounts", key=main, column=str(column), before="",
                                after=_text(yours[column]), **common))  # fmt: skip
    found.append(Change(id=f"{one}.{len(found) + 1}", table="accounts", key=key, column="", before=_text(yours.get("name", key)),
                        after=OUT, **common))  # fmt: skip
    return found


# ---- one deal twice -----------------------------------------------------------------------------------------


def same_orders(tables: Mapping[str, pd.DataFrame]) -> list[Change]:
    """Which deals of one customer have the same order number? The first one stays, with the end of the other."""
    deals = tables["opportunities"]
    if "order_number" not in deals:
        return []
    keys = deals["order_number"].map(lambda value: fold(_text(value)) or None)
    customer = (
        deals["account_id"].map(lambda value: " ".join(words_of_name(_text(value))))
        if "account_id" in deals
        else None
    )
    ids = _numbered("order")
    found: list[Change] = []
    for _, rows in deals[keys.notna()].groupby(
        [keys, customer] if customer is not None else [keys], sort=False
    ):
        if len(rows) > 1:
            found += _as_one(rows, next(ids), "order", 100.0, accept=True)
    return found


def same_deals(tables: Mapping[str, pd.DataFrame]) -> list[Change]:
    """Which deals were entered twice: equal in everything but the id, or like in name, customer and amount?"""
    deals = tables["opportunities"]
    by = [
        one
        for one in ("account_id", "amount", "expected_amount")
        if one in deals and deals[one].notna().any()
    ]
    if (
        "created_at" not in deals
        or not {"account_id", "name"} & set(deals)
        or not {"amount", "expected_amount"} & set(by)
    ):
        return []
    ids = _numbered("deal")
    found: list[Change] = []
    keyed = (
        deals.assign(account_id=deals["account_id"].map(lambda one: " ".join(words_of_name(_text(one)))))
        if "account_id" in by
        else deals
    )
    rest = [str(one) for one in deals if one != "opportunity_id"]
    for _, part in keyed.groupby(by, sort=False, dropna=True):
        if len(part) < 2:
            continue
        rows = deals.loc[part.index]
        pairs = [
            Pair(one, other, score)
            for one, other in itertools.combinations(range(min(len(rows), 50)), 2)
            if (score := _same_deal(rows.iloc[one], rows.iloc[other], rest))
        ]
        for group in groups(len(rows), pairs):
            score = min(pair.likeness for pair in pairs if pair.one in group)
            found += _as_one(rows.iloc[group], next(ids), "deal", score, accept=score == 100)
    return found


def _same_deal(one: pd.Series, other: pd.Series, rest: Sequence[str]) -> float:
    """Return how like two deals of one customer and amount are, 0 if they are two."""
    import pandas as pd

    if all(_text(one[name]) == _text(other[name]) for name in rest):
        return 100.0
    if pd.isna(one["created_at"]) or pd.isna(other["created_at"]):
        return 0.0
    if abs((one["created_at"] - other["created_at"]).days) > DAYS_APART:
        return 0.0
    for name in ("product", "currency", "order_number", "pipeline"):
        if (
            name in rest
            and _text(one[name])
            and _text(other[name])
            and fold(_text(one[name])) != fold(_text(other[name]))
        ):
            return 0.0
    if "name" in rest and _text(one["name"]) and _text(other["name"]):
        score = likeness(_text(one["name"]), _text(other["name"]))
        return min(score, 99.0) if score >= 90 else 0.0
    same_owner = "owner" in rest and fold(_text(one["owner"])) == fold(_text(other["owner"]))
    return 90.0 if same_owner and one["created_at"].date() == other["created_at"].date() else 0.0


def _as_one(rows: pd.DataFrame, one: str, kind: str, score: float, *, accept: bool) -> list[Change]:
    """Return the changes that make one deal out of several: the earliest, ended as the furthest, gaps filled."""
    rank = {"won": 3, "lost": 2, "lost_competitor": 2, "lost_no_decision": 2, "left": 1, "open": 0}
    ordered = rows.sort_values("created_at", kind="stable") if "created_at" in rows else rows
    first = ordered.iloc[0]
    end = max((row for _, row in ordered.iterrows()), key=lambda row: rank.get(_text(row.get("outcome")), 0))
    main = str(first["opportunity_id"])
    found: list[Change] = []
    common: dict[str, Any] = {
        "kind": kind,
        "table": "opportunities",
        "likeness": round(score, 1),
        "accept": accept,
    }
    for column in rows.columns:
        before, after = _text(first[column]), _text(end[column])
        ends = column in ("outcome", "closed_at", "lost_reason", "stage")
        if column != "opportunity_id" and after and before != after and (ends or not before):
            found.append(Change(id=f"{one}.{len(found) + 1}", key=main, column=str(column), before=before, after=after,
                                why=str(end["opportunity_id"]), **common))  # fmt: skip
    for _, row in ordered.iloc[1:].iterrows():
        key = str(row["opportunity_id"])
        found.append(Change(id=f"{one}.{len(found) + 1}", key=key, column="", before=_text(row.get("source", "")) or key, after=OUT,
                            why=main, **common))  # fmt: skip
    return found


# ---- no deal at all -----------------------------------------------------------------------------------------


def trials(tables: Mapping[str, pd.DataFrame]) -> list[Change]:
    """Which deals are tests, by their name or their customer? A person decides."""
    deals = tables["opportunities"]
    ids = _numbered("test")
    found: list[Change] = []
    names = dict(_accounts(tables)) if "account_id" in deals else {}
    called, of = (
        deals[one].tolist() if one in deals else [None] * len(deals) for one in ("name", "account_id")
    )
    for key, name, account in zip(deals["opportunity_id"].tolist(), called, of, strict=True):
        customer = _text(account)
        said = (_text(name), names.get(customer, customer))
        text = next((one for one in said if _TEST.search(one) and not _NOT_TEST.search(one)), "")
        if text:
            found.append(Change(id=next(ids), kind="test", table="opportunities", key=str(key), column="",
                                before=text, after=OUT, why=text, likeness=80.0))  # fmt: skip
    return found
