"""Were targets attained, by whom and when, and what did orders cost? Past periods and the running one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.analysis.shared.counts import grouping, level, source_notes
from funnelnb.analysis.shared.open_deals import needed
from funnelnb.analysis.shared.period import PERIOD_FORMS, Period, period_of
from funnelnb.analysis.shared.question import question
from funnelnb.analysis.shared.result import Result
from funnelnb.core import check
from funnelnb.core.errors import MissingDataError, ParameterError
from funnelnb.core.note import Note
from funnelnb.data.ledger.codes import WON_DEAL
from funnelnb.stats.rates.proportion import wilson
from funnelnb.stats.totals.means import ratio_of_sums

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from funnelnb.core.check import Day
    from funnelnb.data.book import Book

BY = ("owner", "team", "region")
"""What targets and costs are kept by."""
PROMISED_SHARE, PROMISED_SAVING = 0.7, 0.3
"""What the method promises: more than 70 % of targets attained, cost of orders 30 % less (DOMAIN D8)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttainRow:
    """One target of one period.

    Attributes
    ----------
    period : str
        Such as ``"2026-Q2"``.
    group : tuple of str
        Person, team or region; empty for a target of all.
    state : {"past", "running", "ahead"}
        By the as-of date.
    target_amount, won_amount : float
        Won in the period, up to the day of the data.
    attained_share : float
        won / target.
    attained : bool
    elapsed_share : float
        Share of the period's days that have passed.
    cost_amount, cost_share : float
        Cost of the period, and as a share of the orders won; NaN where no cost is recorded.
    """

    period: str
    group: tuple[str, ...]
    state: str
    target_amount: float
    won_amount: float
    attained_share: float
    attained: bool
    elapsed_share: float
    cost_amount: float
    cost_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AttainGroup:
    """All past targets of one person, team or region; the row without a name is all of them.

    Attributes
    ----------
    group : tuple of str
    period_n, attained_n : int
        Past periods with a target, and those attained.
    attained_rate, attained_ci_lower, attained_ci_upper : float
        Of all: the periods of one person are one unit, because they swing together. Of one: Wilson's interval.
    target_amount, won_amount, met_share : float
        Sums over the past periods, and won / target.
    """

    group: tuple[str, ...]
    period_n: int
    attained_n: int
    attained_rate: float
    attained_ci_lower: float
    attained_ci_upper: float
    target_amount: float
    won_amount: float
    met_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AttainShare:
    """Of how many targets, people or periods the target was attained.

    Attributes
    ----------
    what : {"targets", "people", "periods"}
        Single targets; people, teams or regions by the sum of their past targets; periods by the sum over everybody.
    counted_n, attained_n : int
    attained_rate, attained_ci_lower, attained_ci_upper : float
    """

    what: str
    counted_n: int
    attained_n: int
    attained_rate: float
    attained_ci_lower: float
    attained_ci_upper: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CostRow:
    """Cost against orders before and after a date, or over all past periods.

    Attributes
    ----------
    part : {"all", "before", "after", "change"}
    period_n : int
    cost_amount, order_amount : float
    cost_share, cost_ci_lower, cost_ci_upper : float
        cost / orders; of the change: after / before - 1.
    """

    part: str
    period_n: int
    cost_amount: float
    order_amount: float
    cost_share: float
    cost_ci_lower: float
    cost_ci_upper: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Attained(Result):
    """Targets and what came of them. `n` counts past targets.

    Attributes
    ----------
    by : tuple of str
    rows : tuple of AttainRow
        Latest period first.
    groups : tuple of AttainGroup
        All first, then those that attained least.
    shares : tuple of AttainShare
        Share of targets, of people and of periods that attain; empty where no period is over.
    costs : tuple of CostRow
        Empty where no cost is recorded.
    promise : {"kept", "not_kept", "not_separable", "unknown"}
        Whether more than 70 % of the past targets were attained.
    saving : {"kept", "not_kept", "not_separable", "unknown"}
        Whether orders cost 30 % less after the date than before.
    """

    by: tuple[str, ...]
    rows: tuple[AttainRow, ...]
    groups: tuple[AttainGroup, ...]
    shares: tuple[AttainShare, ...]
    costs: tuple[CostRow, ...]
    promise: str
    saving: str


@question("targets")
def attained(
    book: Book, *, by: str | None = None, at: Day | None = None, confidence_level: float | None = None
) -> Attained:
    """Were targets attained, by whom and when, and what did orders cost?

    Parameters
    ----------
    book : Book
        With the table ``targets`` (period, amount, and owner, team or region); and best ``costs``.
    by : {"owner", "team", "region"}, optional
        Whose targets, None: by owner. Rows that name one are added up by it; where none does, targets are those of all.
    at : date, optional
        Day since which things are done otherwise: cost against orders is compared before and after.
    confidence_level : float, optional

    Returns
    -------
    Attained

    Raises
    ------
    MissingDataError
        There is no table of targets, or no period of it has begun.
    ParameterError
        `by` is none of the three.

    Notes
    -----
    A target is attained when what was won in its period is at least as much. Only the finest periods are taken, so that
    a year and its quarters do not count twice. The share of people is by the sum of all their past targets, the share
    of periods by the sum over everybody, both with Wilson's interval. The share of targets attained and the cost of
    orders are ratios of sums over people, or over periods where there is one group, with linearised variance; the
    change of a cost is a ratio of two such ratios on the log scale.

    Checked against sums by hand and a bootstrap: ``tests/analysis/test_attained.py``.

    Examples
    --------
    >>> import funnelnb as fn
    >>> result = fn.targets.attained(fn.sample(), by="region")
    >>> result.groups[0].period_n == result.n
    True
    """
    whose = check.one_of("by", BY[0] if by is None else by, BY)
    confidence = level(confidence_level)
    table, name, periods = _targets(book, whose)
    rows = _rows(book, table, name, periods)
    past = [row for row in rows if row.state == "past"]
    groups = _groups(past, confidence)
    costs = _costs(book, past, at, confidence)
    whole = groups[0] if groups else None
    return Attained(
        n=len(past),
        method="attained",
        confidence_level=confidence,
        as_of=book.as_of,
        currency=book.currency,
        notes=(*book.notes, *source_notes(book, times=False), *_notes(table, name, costs)),
        by=(name,) if name else (),
        rows=tuple(sorted(rows, key=lambda row: (_negative(periods[row.period].start), row.group))),
        groups=groups,
        shares=_shares(groups, past, confidence),
        costs=costs,
        promise=_verdict(whole.attained_ci_lower, whole.attained_ci_upper, PROMISED_SHARE)
        if whole
        else "unknown",
        saving=_saving(costs),
    )


def _negative(day: np.datetime64) -> int:
    return -int(day.astype("datetime64[D]").astype(np.int64))


def _targets(book: Book, by: str) -> tuple[pd.DataFrame, str, dict[str, Period]]:
    """Return the targets of the finest periods, the column they are kept by (or none), and the periods by name."""
    table = needed(book, "targets", "period", "amount", why="attained targets").dropna(
        subset=["period", "amount"]
    )
    named = {one: found for one in table["period"].unique() if (found := period_of(str(one)))}
    table = table.assign(period=[named[one].name if one in named else "" for one in table["period"]])
    periods = {one.name: one for one in named.values()}
    today = book.as_of.astype("datetime64[D]")
    begun = {one: period for one, period in periods.items() if period.start <= today}
    if not begun:
        raise MissingDataError(
            "the table 'targets' holds no period that has begun",
            expected="a week, month, quarter or year such as 2026-Q2 with a target",
        )
    days = {one: (period.end - period.start).astype(np.int64) for one, period in begun.items()}
    finest = min(days.values())
    kept = {one: period for one, period in begun.items() if days[one] <= finest + 4}
    mine = table[table["period"].astype("str").isin(kept)]
    name = by if by in mine and mine[by].notna().any() else ""
    if name:
        mine = mine[mine[name].notna()]
        grouping(book, name)
    return mine, name, kept


def _won(book: Book, name: str) -> tuple[NDArray[np.datetime64], NDArray[np.float64], NDArray[np.object_]]:
    """Return day, amount and group of every won deal with a date."""
    ledger = book.ledger
    won = (ledger.outcome == WON_DEAL) & (ledger.closed_s > 0)
    days = ledger.closed_s[won].astype("datetime64[s]").astype("datetime64[D]")
    labels = np.array([""] * int(won.sum()), dtype=object)
    if name:
        coded = ledger.attributes[name]
        labels = np.array(coded.labels, dtype=object)[coded.codes[won]]
    return days, np.nan_to_num(ledger.amount[won]), labels


def _rows(book: Book, table: pd.DataFrame, name: str, periods: dict[str, Period]) -> list[AttainRow]:
    days, amounts, labels = _won(book, name)
    costs = _cost_table(book, name)
    today = book.as_of.astype("datetime64[D]")
    keys = [table["period"].astype("str"), table[name]] if name else [table["period"].astype("str")]
    sums = table.groupby(keys)["amount"].sum()
    rows = []
    for index, target in sums.items():
        key: Any = index
        text, group = (str(key[0]), (str(key[1]),)) if name else (str(key), ())
        period = periods[text]
        inside = (days >= period.start) & (days <= period.end)
        inside &= labels == group[0] if group else True
        got = float(amounts[inside].sum())
        cost = costs.get((period.name, group[0] if group else ""), np.nan)
        length = float((period.end - period.start) / np.timedelta64(1, "D")) + 1
        gone = float((min(today, period.end) - period.start) / np.timedelta64(1, "D")) + 1
        rows.append(
            AttainRow(
                period=text,
                group=group,
                state="past" if period.end <= today else "running",
                target_amount=float(target),
                won_amount=got,
                attained_share=got / target if target > 0 else np.nan,
                attained=bool(got >= target),
                elapsed_share=gone / length,
                cost_amount=cost,
                cost_share=cost / got if got > 0 else np.nan,
            )
        )
    return rows


def _cost_table(book: Book, name: str) -> dict[tuple[str, str], float]:
    """Return cost by period of the targets and group; months are added up to the quarter or year they lie in."""
    table = book.tables.get("costs")
    targets = book.tables["targets"]
    if table is None or not {"period", "amount"} <= set(table.columns) or (name and name not in table):
        return {}
    found: dict[tuple[str, str], float] = {}
    named = {one.name: one for text in targets["period"].dropna().unique() if (one := period_of(str(text)))}
    wanted = list(named.values())
    groups = table[name].tolist() if name else [""] * len(table)
    for text, group, amount in zip(table["period"].tolist(), groups, table["amount"].tolist(), strict=True):
        mine = period_of(str(text))
        if mine is None or amount != amount or (name and not isinstance(group, str)):  # noqa: PLR0124 - NaN
            continue
        for period in wanted:
            if period.holds(mine):
                key = (period.name, str(group))
                found[key] = found.get(key, 0.0) + float(amount)
    return found


def _groups(past: list[AttainRow], confidence_level: float) -> tuple[AttainGroup, ...]:
    """Return all targets together, then each group, those that attained least first."""
    if not past:
        return ()
    names = sorted({row.group for row in past})
    by_group = [[row for row in past if row.group == name] for name in names]
    single = len(names) == 1
    units = [[row] for row in past] if single else by_group
    counts = [(sum(row.attained for row in unit), len(unit)) for unit in units]
    rate = ratio_of_sums([one for one, _ in counts], [n for _, n in counts], confidence_level)
    whole = _group((), past, (rate[0], max(rate[1], 0.0), min(rate[2], 1.0)))
    each = (
        []
        if single and not names[0]
        else [
            _group(name, rows, _wilson(sum(row.attained for row in rows), len(rows), confidence_level))
            for name, rows in zip(names, by_group, strict=True)
        ]
    )
    return (whole, *sorted(each, key=lambda one: (one.attained_rate, one.met_share, one.group)))


def _wilson(k: int, n: int, confidence_level: float) -> tuple[float, float, float]:
    lower, upper = wilson(k, n, confidence_level)
    return k / n, float(lower), float(upper)


def _shares(
    groups: tuple[AttainGroup, ...], past: list[AttainRow], confidence_level: float
) -> tuple[AttainShare, ...]:
    """Return the share of targets, people and periods that attain."""
    if not groups:
        return ()
    whole, *each = groups
    found = [("targets", whole.attained_n, whole.period_n)]
    if each:
        found.append(("people", sum(one.won_amount >= one.target_amount for one in each), len(each)))
    sums: dict[str, list[float]] = {}
    for row in past:
        total = sums.setdefault(row.period, [0.0, 0.0])
        total[0] += row.won_amount
        total[1] += row.target_amount
    found.append(("periods", sum(won >= target for won, target in sums.values()), len(sums)))
    rates = {"targets": (whole.attained_rate, whole.attained_ci_lower, whole.attained_ci_upper)}
    shares = []
    for what, k, n in found:
        rate, lower, upper = rates.get(what) or _wilson(k, n, confidence_level)
        shares.append(
            AttainShare(
                what=what,
                counted_n=n,
                attained_n=k,
                attained_rate=rate,
                attained_ci_lower=lower,
                attained_ci_upper=upper,
            )
        )
    return tuple(shares)


def _group(group: tuple[str, ...], rows: list[AttainRow], found: tuple[float, float, float]) -> AttainGroup:
    target, won = sum(row.target_amount for row in rows), sum(row.won_amount for row in rows)
    attained_n = sum(row.attained for row in rows)
    return AttainGroup(
        group=group,
        period_n=len(rows),
        attained_n=attained_n,
        attained_rate=found[0],
        attained_ci_lower=found[1],
        attained_ci_upper=found[2],
        target_amount=target,
        won_amount=won,
        met_share=won / target if target > 0 else float("nan"),
    )


def _costs(book: Book, past: list[AttainRow], at: Day | None, confidence_level: float) -> tuple[CostRow, ...]:
    """Return cost against orders over all past periods, and before and after a date."""
    table = book.tables.get("costs")
    if table is None or not past or not {"period", "amount"} <= set(table.columns):
        return ()
    days, amounts, _ = _won(book, "")
    cost = _cost_table(book, "")
    periods = sorted({row.period for row in past}, key=lambda text: _negative(_of(text).start), reverse=True)
    known = [(_of(text), cost[text, ""]) for text in periods if (text, "") in cost]
    pairs = [
        (period, paid, float(amounts[(days >= period.start) & (days <= period.end)].sum()))
        for period, paid in known
    ]
    if not pairs:
        return ()
    rows = [_cost("all", pairs, confidence_level)]
    if at is not None:
        day = check.timestamp("at", at).astype("datetime64[D]")
        sides = [[one for one in pairs if one[0].end < day], [one for one in pairs if one[0].start >= day]]
        if not all(sides):
            raise ParameterError(
                f"at = {at!r}", expected="a day with whole past periods of cost before and after it"
            )
        before, after = (
            _cost(name, side, confidence_level) for name, side in zip(("before", "after"), sides, strict=True)
        )
        rows += [before, after, _change(before, after)]
    return tuple(rows)


def _of(text: str) -> Period:
    found = period_of(text)
    if found is None:
        raise ParameterError(f"period = {text!r}", expected=PERIOD_FORMS)
    return found


def _cost(part: str, pairs: list[tuple[Period, float, float]], confidence_level: float) -> CostRow:
    paid, orders = [one for _, one, _ in pairs], [one for _, _, one in pairs]
    ratio, lower, upper = ratio_of_sums(paid, orders, confidence_level)
    return CostRow(
        part=part,
        period_n=len(pairs),
        cost_amount=sum(paid),
        order_amount=sum(orders),
        cost_share=ratio,
        cost_ci_lower=lower,
        cost_ci_upper=upper,
    )


def _change(before: CostRow, after: CostRow) -> CostRow:
    """Return by how much orders cost more or less after than before; the two intervals added on the log scale."""
    nan = float("nan")
    change = after.cost_share / before.cost_share - 1 if before.cost_share > 0 else nan
    lower = upper = nan
    sides = (before.cost_ci_lower, before.cost_share, after.cost_ci_lower, after.cost_share)
    if not np.isnan(sides).any() and min(sides) > 0:
        half = [np.log(one.cost_share / one.cost_ci_lower) for one in (before, after)]
        wide = float(np.hypot(*half))
        lower, upper = (1 + change) * np.exp(-wide) - 1, (1 + change) * np.exp(wide) - 1
    return CostRow(
        part="change",
        period_n=before.period_n + after.period_n,
        cost_amount=nan,
        order_amount=nan,
        cost_share=float(change),
        cost_ci_lower=float(lower),
        cost_ci_upper=float(upper),
    )


def _verdict(lower: float, upper: float, promised: float) -> str:
    if np.isnan(lower):
        return "unknown"
    return "kept" if lower > promised else "not_kept" if upper < promised else "not_separable"


def _saving(costs: tuple[CostRow, ...]) -> str:
    change = next((row for row in costs if row.part == "change"), None)
    if change is None or np.isnan(change.cost_ci_lower):
        return "unknown"
    if change.cost_ci_upper <= -PROMISED_SAVING:
        return "kept"
    return "not_kept" if change.cost_ci_lower > -PROMISED_SAVING else "not_separable"


def _notes(table: pd.DataFrame, name: str, costs: tuple[CostRow, ...]) -> tuple[Note, ...]:
    notes: tuple[Note, ...] = ()
    if not name:
        notes += (Note("targets_of_all"),)
    return notes if costs else (*notes, Note("no_costs"))
