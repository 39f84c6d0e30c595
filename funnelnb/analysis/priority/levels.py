"""Which customers have high, medium and low priority, by size, need and intent, and who moved since when?"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.analysis.shared.counts import level as confidence
from funnelnb.analysis.shared.open_deals import needed, open_deals, sums_by, total
from funnelnb.analysis.shared.question import question
from funnelnb.analysis.shared.result import Result
from funnelnb.core import check
from funnelnb.core.errors import MissingDataError, ParameterError, nearest
from funnelnb.core.note import Note
from funnelnb.data.accounts import as_book

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import NDArray

    from funnelnb.data.accounts import Records


LEVELS = ("high", "medium", "low", "unknown")
PARTS = ("size", "need", "intent")
"""What a level is made of (DOMAIN C2)."""

INTENT: Mapping[str, float] = MappingProxyType(
    {"high": 1.0, "medium": 0.5, "low": 0.0, "none": 0.0}
    | {"高": 1.0, "强": 1.0, "中": 0.5, "一般": 0.5, "低": 0.0, "弱": 0.0, "无": 0.0}
)
"""What a word for purchase intent counts; other words are not known."""

SIZE: Mapping[str, float] = MappingProxyType(
    {"large": 1.0, "big": 1.0, "enterprise": 1.0, "medium": 0.5, "mid": 0.5, "mid-size": 0.5, "small": 0.0}
    | {"特大": 1.0, "特大型": 1.0, "大": 1.0, "大型": 1.0, "中": 0.5, "中型": 0.5, "中等": 0.5}
    | {"小": 0.0, "小型": 0.0, "微型": 0.0, "大客户": 1.0, "中客户": 0.5, "小客户": 0.0}
)
"""What a size class in the record counts; other words are not known."""

SIZE_SOURCES = ("open_deals", "size", "revenue", "employees", "")
"""What a customer's size was taken from, the first that is known; empty: nothing is."""


def _weights() -> Mapping[str, float]:
    return MappingProxyType({"size": 0.4, "need": 0.3, "intent": 0.3})


def _hours() -> Mapping[str, float]:
    return MappingProxyType({"high": 4.0, "medium": 1.0, "low": 0.25, "unknown": 0.5})


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelRule:
    """What makes a level: all of it visible, all of it changeable.

    Attributes
    ----------
    weights : Mapping of str to float
        Of size, need and intent, 0 or more, not all 0; only their proportions matter.
    high, medium : float
        A score of at least `high` is high, of at least `medium` medium; 0 < medium < high <= 1.
    large_amount, small_amount : float
        Open amount from which size counts 1, and up to which it counts 0; evenly between (in proportion on
        the log scale). 0: taken from the book, the 90 % and 10 % points of its customers' open amounts.
    hours_per_week : Mapping of str to float
        Resource plan: hours per customer and week of each level.
    """

    weights: Mapping[str, float] = field(default_factory=_weights)
    high: float = 0.7
    medium: float = 0.4
    large_amount: float = 0.0
    small_amount: float = 0.0
    hours_per_week: Mapping[str, float] = field(default_factory=_hours)

    def __post_init__(self) -> None:
        for name in self.weights:
            check.one_of("weights", name, PARTS)
            check.number(f"weights[{name!r}]", self.weights[name], ge=0)
        for name in self.hours_per_week:
            check.one_of("hours_per_week", name, LEVELS)
            check.number(f"hours_per_week[{name!r}]", self.hours_per_week[name], ge=0)
        if sum(self.weights.values()) <= 0:
            raise ParameterError(f"weights = {dict(self.weights)!r}", expected="at least one weight above 0")
        check.number("high", self.high, gt=0, le=1)
        check.number("medium", self.medium, gt=0)
        if self.medium >= self.high:
            raise ParameterError(
                f"the thresholds cross: medium = {self.medium:g}, high = {self.high:g}",
                expected="medium below high",
                hint="raise high or lower medium",
            )
        for name in ("large_amount", "small_amount"):
            check.number(name, getattr(self, name), ge=0)
        if self.large_amount and self.small_amount >= self.large_amount:
            raise ParameterError(
                f"the sizes cross: small_amount = {self.small_amount:g}, large_amount = {self.large_amount:g}",
                expected="small_amount below large_amount",
            )

    @classmethod
    def read(cls, given: Mapping[str, Any] | LevelRule | str | None) -> LevelRule:
        """Return a rule from its fields, or from the table ``[levels]`` of a settings file.

        Raises
        ------
        ParameterError
            A field is not known, or has a value that it cannot have.
        """
        if given is None or isinstance(given, LevelRule):
            return given or cls()
        if isinstance(given, str):
            from funnelnb.data.contract.settings import read_settings

            return cls.read(read_settings(given).levels)
        known = [one.name for one in fields(cls)]
        for name in given:
            if name not in known:
                raise ParameterError(
                    f"levels: unknown key {name!r}",
                    expected="one of " + ", ".join(known),
                    hint=nearest(name, known),
                )
        taken: dict[str, Any] = dict(given)
        for name, usual in (("weights", _weights()), ("hours_per_week", _hours())):
            if name in taken:
                if not hasattr(taken[name], "keys"):
                    raise ParameterError(
                        f"levels: {name} = {taken[name]!r}", expected="a table of name = number"
                    )
                taken[name] = MappingProxyType({**usual, **taken[name]})
        return cls(**taken)


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelCustomer:
    """One customer, and what its level is made of.

    Attributes
    ----------
    account_id, name : str
    open_amount : float
        Known amounts of its open deals; NaN if none is known.
    size_part, need_part, intent_part : float
        What each counts, 0 to 1; NaN where not known.
    score : float
        Weighted mean of the known parts, 0 to 1; NaN if none is known.
    score_lower, score_upper : float
        The score if all that is not known were 0, and if it were 1.
    level : {"high", "medium", "low", "unknown"}
    sure : bool
        Whether what is not known could change the level.
    size_source : {"open_deals", "size", "revenue", "employees", ""}
        What the size was taken from: the amount of open deals, or the record's own size class, revenue or number of
        employees.
    has_open_deal : bool
    """

    account_id: str
    name: str
    open_amount: float
    size_part: float
    need_part: float
    intent_part: float
    score: float
    score_lower: float
    score_upper: float
    level: str
    sure: bool
    size_source: str = "open_deals"
    has_open_deal: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelRow:
    """One level.

    Attributes
    ----------
    level : str
    customer_n : int
    customer_share : float
    open_amount : float
    hours_per_customer, planned_hours : float
        Resource plan: hours per week for one customer, and for all of the level.
    unsure_n : int
        Customers whose level could change with what is not known.
    """

    level: str
    customer_n: int
    customer_share: float
    open_amount: float
    hours_per_customer: float
    planned_hours: float
    unsure_n: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Levels(Result):
    """Customers by priority. `n` counts customers.

    Attributes
    ----------
    rows : tuple of LevelRow
        One per level.
    customers : tuple of LevelCustomer
        Highest score first.
    high, medium : float
        Thresholds of the score.
    size_weight, need_weight, intent_weight : float
        Weights, adding to 1.
    large_amount, small_amount : float
        Where size counts 1 and 0.
    with_deals_n : int
        Customers that have an open deal.
    """

    rows: tuple[LevelRow, ...]
    customers: tuple[LevelCustomer, ...]
    high: float
    medium: float
    size_weight: float
    need_weight: float
    intent_weight: float
    large_amount: float
    small_amount: float
    with_deals_n: int = 0


@question("customers", customers=True)
def levels(
    book: Records, rule: Mapping[str, Any] | LevelRule | str | None = None, *, everyone: bool = True
) -> Levels:
    """Which customers have high, medium and low priority?

    Parameters
    ----------
    book : Book, path or frame
        With the table ``accounts`` and any of its columns need, intent, size, revenue, employees; or a table of
        customers alone.
    rule : LevelRule, Mapping or str, optional
        Weights, thresholds and hours, or the path of a settings file with a table ``[levels]``; fields not
        given keep their default.
    everyone : bool
        Whether customers without an open deal are classified as well, by their own record.

    Returns
    -------
    Levels

    Raises
    ------
    MissingDataError
        There is no such table or column.
    ParameterError
        The rule cannot be: thresholds that cross, a weight below 0, a key that does not exist.

    Notes
    -----
    Size counts by the known amount of a customer's open deals, 0 up to `small_amount`, 1 from `large_amount`,
    between them in proportion to the logarithm. Without one it counts by the record: the size class (1, 0.5, 0 for
    large, medium, small), else revenue, else employees, on the same scale between the 10 % and 90 % points of all
    records. Need counts 1 or 0;
    intent 1, 0.5 or 0 for high, medium and low. The score is the weighted mean of what is known. Each part
    only ever raises the score, so more money, need or intent never lowers a level. What is not known is left
    out and the bounds say what it could change.

    Checked against scores by hand and against raising each part: ``tests/analysis/test_levels.py``.

    Examples
    --------
    >>> import funnelnb as fn
    >>> [row.level for row in fn.levels(fn.sample()).rows]
    ['high', 'medium', 'low', 'unknown']
    """
    used = LevelRule.read(rule)
    book = as_book(book)
    accounts = needed(book, "accounts", "account_id", why="priority levels")
    deals = open_deals(book)
    amounts = sums_by(deals.account_id, deals.amount)
    amounts.pop("", None)
    _judgeable(accounts, amounts)
    small, large = _sizes(used, amounts)
    whole = sum(used.weights.values())
    weights = np.array([used.weights.get(name, 0.0) / whole for name in PARTS])
    facts = _facts(accounts)
    found = _everybody(accounts, amounts, facts, weights, (small, large), used, everyone=everyone)
    return Levels(
        n=len(found),
        method="levels",
        confidence_level=confidence(None),
        as_of=book.as_of,
        currency=book.currency,
        notes=_notes(accounts, amounts, facts),
        rows=tuple(_row(name, found, used) for name in LEVELS),
        customers=tuple(sorted(found, key=_best_first)),
        high=used.high,
        medium=used.medium,
        size_weight=float(weights[0]),
        need_weight=float(weights[1]),
        intent_weight=float(weights[2]),
        large_amount=large,
        small_amount=small,
        with_deals_n=len(amounts),
    )


def _best_first(row: LevelCustomer) -> tuple[float, float, str]:
    return (
        -float(np.nan_to_num(row.score, nan=-1.0)),
        -float(np.nan_to_num(row.open_amount)),
        row.account_id,
    )


def _everybody(
    accounts: pd.DataFrame,
    amounts: Mapping[str, float],
    facts: Mapping[str, tuple[str, float, float]],
    weights: NDArray[np.float64],
    sizes: tuple[float, float],
    rule: LevelRule,
    *,
    everyone: bool,
) -> list[LevelCustomer]:
    """Return the customers with an open deal, or all of them, each with its level."""
    records = _record_sizes(accounts)
    return [
        _customer(
            one,
            (amounts.get(one, np.nan), one in amounts),
            facts.get(one, ("", np.nan, np.nan)),
            weights,
            _size_of(amounts.get(one, np.nan), sizes, records.get(one, (np.nan, ""))),
            rule,
        )
        for one in (sorted(amounts.keys() | facts.keys()) if everyone else sorted(amounts))
    ]


def same_ruler(rule: LevelRule, found: Levels) -> LevelRule:
    """Return the rule with the sizes that these levels were measured by, to measure another day alike."""
    if found.large_amount > found.small_amount:
        return replace(rule, large_amount=found.large_amount, small_amount=found.small_amount)
    return rule


def _judgeable(accounts: pd.DataFrame, amounts: Mapping[str, float]) -> None:
    """Raise where no column of the record, and no open amount, says anything of any customer."""
    judging = ("need", "intent", "size", "revenue", "employees")
    if not any(name in accounts for name in judging) and not any(one > 0 for one in amounts.values()):
        raise MissingDataError(
            "priority levels: the table 'accounts' has no column to judge by",
            expected="one or more of the columns " + ", ".join(judging),
            hint="map them in funnelnb.toml",
        )


def _size_of(amount: float, sizes: tuple[float, float], record: tuple[float, str]) -> tuple[float, str]:
    """Return what size counts, by the amount of open deals or else by the record, and which of the two."""
    found = size_part(amount, *sizes)
    return record if np.isnan(found) else (found, "open_deals")


def _record_sizes(accounts: pd.DataFrame) -> dict[str, tuple[float, str]]:
    """Return what the record's own size counts for each customer, and the column it was taken from."""
    import pandas as pd

    ids = [str(one) for one in accounts["account_id"].tolist()]
    found: dict[str, tuple[float, str]] = {}
    if "size" in accounts:
        for account, word in zip(ids, accounts["size"].tolist(), strict=True):
            part = SIZE.get(word.strip().casefold(), np.nan) if isinstance(word, str) else np.nan
            if not np.isnan(part):
                found.setdefault(account, (part, "size"))
    for name in ("revenue", "employees"):
        if name not in accounts:
            continue
        values = pd.to_numeric(accounts[name]).to_numpy(dtype=np.float64)
        known = values[values > 0]
        if not known.size:
            continue
        small, large = (float(one) for one in np.quantile(known, [0.1, 0.9]))
        for account, value in zip(ids, values.tolist(), strict=True):
            if value > 0:
                found.setdefault(account, (size_part(value, small, large), name))
    return found


def _sizes(rule: LevelRule, amounts: Mapping[str, float]) -> tuple[float, float]:
    """Return up to which open amount size counts 0 and from which it counts 1."""
    known = np.array([value for value in amounts.values() if value > 0])
    if rule.large_amount:
        return rule.small_amount, rule.large_amount
    if not known.size:
        return np.nan, np.nan
    usual = np.quantile(known, [0.1, 0.9])
    return float(rule.small_amount or usual[0]), float(max(usual[1], rule.small_amount))


def size_part(amount: float, small: float, large: float) -> float:
    """What does an open amount count as size, 0 to 1? NaN where the amount is not known."""
    if np.isnan(amount) or np.isnan(large):
        return float("nan")
    if amount >= large:
        return 1.0
    if amount <= small:
        return 0.0
    if small <= 0:
        return amount / large
    return float(np.log(amount / small) / np.log(large / small))


def _facts(accounts: pd.DataFrame) -> dict[str, tuple[str, float, float]]:
    """Return name, need and intent of each customer, NaN where not known."""
    import pandas as pd

    nothing = [None] * len(accounts)
    names = accounts["name"].fillna("").tolist() if "name" in accounts else [""] * len(accounts)
    needs, intents = (accounts[one].tolist() if one in accounts else nothing for one in ("need", "intent"))
    found: dict[str, tuple[str, float, float]] = {}
    rows = zip(accounts["account_id"].tolist(), names, needs, intents, strict=True)
    for account, name, need, intent in rows:
        word = intent.strip().casefold() if isinstance(intent, str) else ""
        told = (
            str(name),
            float("nan") if pd.isna(need) else float(bool(need)),
            INTENT.get(word, float("nan")),
        )
        before = found.get(str(account), told)  # of several sources the first that knows counts
        found[str(account)] = (
            before[0] or told[0],
            told[1] if np.isnan(before[1]) else before[1],
            told[2] if np.isnan(before[2]) else before[2],
        )
    return found


def _customer(
    account: str,
    deals: tuple[float, bool],
    facts: tuple[str, float, float],
    weights: NDArray[np.float64],
    size: tuple[float, str],
    rule: LevelRule,
) -> LevelCustomer:
    name, need, intent = facts
    parts = np.array([size[0], need, intent])
    known = ~np.isnan(parts)
    mass = float(weights[known].sum())
    score = float((weights[known] * parts[known]).sum() / mass) if mass > 0 else float("nan")
    lower = float((weights * np.nan_to_num(parts, nan=0.0)).sum())
    upper = float((weights * np.nan_to_num(parts, nan=1.0)).sum())
    return LevelCustomer(
        account_id=account,
        name=name,
        open_amount=deals[0],
        size_part=float(parts[0]),
        need_part=need,
        intent_part=intent,
        score=score,
        score_lower=lower,
        score_upper=upper,
        level=level_of(score, rule),
        sure=level_of(lower, rule) == level_of(upper, rule),
        size_source=size[1],
        has_open_deal=deals[1],
    )


def level_of(score: float, rule: LevelRule) -> str:
    """Return the level of a score."""
    if np.isnan(score):
        return "unknown"
    if score >= rule.high - 1e-12:
        return "high"
    return "medium" if score >= rule.medium - 1e-12 else "low"


def _row(name: str, customers: list[LevelCustomer], rule: LevelRule) -> LevelRow:
    mine = [row for row in customers if row.level == name]
    hours = rule.hours_per_week.get(name, 0.0)
    return LevelRow(
        level=name,
        customer_n=len(mine),
        customer_share=len(mine) / len(customers) if customers else float("nan"),
        open_amount=total([row.open_amount for row in mine]),
        hours_per_customer=hours,
        planned_hours=hours * len(mine),
        unsure_n=sum(not row.sure for row in mine),
    )


def _notes(
    accounts: pd.DataFrame, amounts: Mapping[str, float], facts: Mapping[str, object]
) -> tuple[Note, ...]:
    notes = [Note("need_undated")]
    strangers = sum(account not in facts for account in amounts)
    if strangers:
        notes.append(Note("customers_without_record", {"customers_n": strangers, "of_n": len(amounts)}))
    for column, code, known in (
        ("intent", "intent_words_unknown", INTENT),
        ("size", "size_words_unknown", SIZE),
    ):
        if column not in accounts:
            continue
        words = {str(word).strip().casefold() for word in accounts[column].dropna()} - set(known)
        if words:
            notes.append(_unknown_words(code, words))
    absent = [name for name in ("need", "intent") if name not in accounts]
    if absent:
        notes.append(Note("level_parts_missing", {"columns": ", ".join(absent)}))
    return tuple(notes)


def _unknown_words(code: str, words: set[str]) -> Note:
    """Return a note that names words nobody can read: at most eight of them."""
    listed = sorted(words)
    shown = ", ".join(listed[:8]) + (" …" if len(listed) > 8 else "")
    return (
        Note("intent_words_unknown", {"words": shown})
        if code == "intent_words_unknown"
        else Note("size_words_unknown", {"words": shown})
    )
