"""Rules about orders: feast and famine, one size, one star, pushed to a quarter's end, cost, targets missed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from funnelnb.analysis.diagnosis.desk import Desk, Missing, Sign
from funnelnb.analysis.shared import by_day
from funnelnb.analysis.shared.counts import SECONDS_PER_DAY, time_counts
from funnelnb.analysis.shared.period import period_of
from funnelnb.analysis.targets.attained import attained
from funnelnb.core.arrays import in_months
from funnelnb.core.errors import FunnelError
from funnelnb.stats.rates.proportion import normal_quantile, wilson
from funnelnb.stats.rates.tolerance import bunched, higher_share

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from funnelnb.analysis.diagnosis.rules import Limits

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

LEAST_MONTHS = 6
PEAK = 2.0
"""A month is a feast from so many times the average."""
LAST_DAYS = 7
"""The end of a quarter."""
YEAR = 365.0


# ---- Feast and famine ---------------------------------------------------------------------------------------


def feast_and_famine(desk: Desk, limits: Limits, level: float) -> Iterator[Sign]:
    """Measure how unevenly orders fall into months, against what the deals in hand let expect."""
    edges = _months(desk, limits.window_days)
    count, expected = _orders(desk, edges), _expected(desk, edges)
    for unit in desk.units:
        mine = count[unit]
        total = float(mine.sum())
        if total < limits.least_n:
            continue
        wanted = expected[unit]
        others, usual = count[0] - mine, expected[0] - wanted
        if unit and others.sum() >= 10 * total:  # swings that everybody has are nobody's own
            wanted = wanted * (others + 1) / np.maximum(usual * others.sum() / max(usual.sum(), 1e-9), 1e-9)
        best = np.sort(mine)[-3:].sum()
        lower, upper = wilson(best, total, level)
        idle = _longest_idle(mine)
        share = wanted / max(wanted.sum(), 1e-9)
        inside = desk.won & (desk.closed >= edges[0]) & (desk.closed < edges[-1])
        yield Sign(
            unit=unit, value=float(best / total), lower=float(lower), upper=float(upper),
            reference=float(np.sort(share)[-3:].sum()), n=total, second=float(idle),
            p=bunched(mine, np.maximum(wanted, 1e-3), limits.tolerated),
            crossed=bool(idle >= limits.alarm and mine.max() >= PEAK * mine.mean()),
            amount=float((mine == 0).sum() * mine.mean() * desk.win_amount), deals=desk.of(unit, inside),
        )  # fmt: skip


def _months(desk: Desk, window_days: float) -> Floats:
    """Return the days on which the whole months of the window begin, and on which the last ends."""
    now = np.datetime64(int(desk.today) + 1, "D").astype("datetime64[M]")
    asked = round(window_days / (YEAR / 12))
    first = np.nanmin(desk.entered) if not np.isnan(desk.entered).all() else np.nan
    if np.isnan(first):
        raise Missing("dates")
    began = np.datetime64(int(first), "D").astype("datetime64[M]") + in_months(1)
    n = min(asked, int((now - began) / np.timedelta64(1, "M")))
    if n < LEAST_MONTHS:
        raise Missing("short_history")
    return (now - in_months(np.arange(n, -1, -1))).astype("datetime64[D]").astype(np.int64).astype(float)


def _orders(desk: Desk, edges: Floats) -> Floats:
    """Return won deals by unit and month, shape (P + 1, T)."""
    inside = desk.won & (desk.closed >= edges[0]) & (desk.closed < edges[-1])
    month = np.searchsorted(edges, desk.closed, side="right") - 1
    return np.stack([desk.sums(inside & (month == t)) for t in range(len(edges) - 1)], axis=1)


def _expected(desk: Desk, edges: Floats) -> Floats:
    """Return the orders that the deals entered let expect, by unit and month, from the share won by age."""
    (times,) = by_day.split(time_counts(desk.book, 0, desk.ledger.won))
    curve = by_day.curve(times, 0.9)
    known = ~np.isnan(desk.entered)
    oldest = max(1, int(edges[-1] - np.nanmin(desk.entered)) + 1)
    grid = np.arange(oldest + 1)
    by_age = curve.at(grid * SECONDS_PER_DAY).rate[0] if curve.n else np.zeros(oldest + 1)
    by_age = np.maximum.accumulate(np.nan_to_num(by_age))
    ages = [np.clip(np.where(known, edge - desk.entered, 0.0), 0, oldest).astype(np.int64) for edge in edges]
    won = [by_age[age] for age in ages]
    return np.stack([desk.sums(known, won[t + 1] - won[t]) for t in range(len(edges) - 1)], axis=1)


def _longest_idle(counts: Floats) -> int:
    """Return the longest run of empty months after the first month with an order."""
    longest = run = 0
    for count in counts[np.argmax(counts > 0) :]:
        run = run + 1 if not count else 0
        longest = max(longest, run)
    return longest


# ---- One size only, one star --------------------------------------------------------------------------------


def one_size(desk: Desk, limits: Limits, level: float) -> Iterator[Sign]:
    """Measure the share of deals in hand on one side of the usual size."""
    known = ~np.isnan(desk.ledger.amount)
    lately = known & (desk.entered > desk.today - limits.window_days)
    if lately.sum() < 20:
        raise Missing("amounts")
    usual = float(np.median(desk.ledger.amount[lately]))
    held = desk.in_hand & known
    n, large = desk.sums(held), desk.sums(held & (desk.ledger.amount > usual))
    worth = desk.worth(held)
    for unit in desk.units:
        if n[unit] < limits.least_n:
            continue
        side = "large" if large[unit] * 2 >= n[unit] else "small"
        k = large[unit] if side == "large" else n[unit] - large[unit]
        lower, upper = wilson(k, n[unit], level)
        yield Sign(
            unit=unit, value=float(k / n[unit]), lower=float(lower), upper=float(upper), reference=limits.alarm,
            n=float(n[unit]), p=min(1.0, 2 * float(higher_share(k, n[unit], limits.tolerated))),
            crossed=bool(k / n[unit] >= limits.alarm), against=side, second=usual, amount=float(worth[unit]),
            deals=desk.of(unit, held),
        )  # fmt: skip


def star_dependence(desk: Desk, limits: Limits, level: float) -> Iterator[Sign]:
    """Measure the share of the won amount that the best seller brings."""
    from scipy.stats import norm

    people = len(desk.people)
    if people < 2:
        raise Missing("one_person")
    recent = desk.won & (desk.closed > desk.today - limits.window_days)
    brought = desk.sums(recent, desk.amount)
    if recent.sum() < limits.least_n or brought[0] <= 0:
        raise Missing("too_few")
    best = max(desk.people, key=lambda unit: (brought[unit], -unit))
    share = float(brought[best] / brought[0])
    own = desk.code[recent] == best - 1
    error = float(np.sqrt((desk.amount[recent] ** 2 * (own - share) ** 2).sum())) / float(brought[0])
    bound = max(limits.tolerated, 1.5 / people)
    z = normal_quantile(level)
    yield Sign(
        unit=best, value=share, lower=max(share - z * error, 0.0), upper=min(share + z * error, 1.0),
        reference=1.0 / people, n=float(recent.sum()), second=float(people),
        p=min(1.0, people * float(norm.sf((share - bound) / max(error, 1e-9)))),
        crossed=share >= max(limits.alarm, 1.75 / people), amount=float(brought[best]),
        deals=desk.of(best, recent),
    )  # fmt: skip


# ---- Pushed to the end --------------------------------------------------------------------------------------


def bunching(desk: Desk, limits: Limits, level: float) -> Iterator[Sign]:
    """Measure the share of orders in the last week of a quarter against its share of the days."""
    start = max(desk.today - limits.window_days, float(np.nanmin(np.append(desk.entered, desk.today))))
    days = np.arange(int(start) + 1, int(desk.today) + 1)
    if days.size < 2 * 92:
        raise Missing("short_history")
    share = float(_late(days.astype(float)).mean())
    recent = desk.won & (desk.closed > start)
    late = recent & _late(desk.closed)
    n, k = desk.sums(recent), desk.sums(late)
    amounts = desk.sums(late, desk.amount)
    for unit in desk.units:
        if n[unit] < limits.least_n:
            continue
        found = float(k[unit] / n[unit])
        lower, upper = wilson(k[unit], n[unit], level)
        bound = min(limits.tolerated * share, 0.95)
        yield Sign(
            unit=unit, value=found, lower=float(lower), upper=float(upper), reference=share, n=float(n[unit]),
            p=float(higher_share(k[unit], n[unit], bound)), crossed=found >= limits.alarm * share,
            second=float(k[unit]), amount=max(float(amounts[unit]) * (1 - share / max(found, 1e-9)), 0.0),
            deals=desk.of(unit, late),
        )  # fmt: skip


def _late(days: Floats) -> Mask:
    """Return which days lie in the last week of a quarter."""
    known = np.where(np.isnan(days), 0, days).astype(np.int64).astype("datetime64[D]")
    month = known.astype("datetime64[M]").astype(np.int64)
    following = ((month // 3 + 1) * 3).astype("datetime64[M]").astype("datetime64[D]")
    late: Mask = ~np.isnan(days) & ((following - known).astype(np.int64) <= LAST_DAYS)
    return late


# ---- Cost and targets ---------------------------------------------------------------------------------------


def cost_rising(desk: Desk, limits: Limits, level: float) -> Iterator[Sign]:
    """Measure the cost of an order in the last half-year against that of the half-year before."""
    table = desk.book.tables.get("costs")
    if table is None or not {"period", "amount"} <= set(table.columns):
        raise Missing("costs")
    whole = [
        (period_of(str(one)), float(paid)) for one, paid in zip(table["period"], table["amount"], strict=True)
    ]
    known = [(period, paid) for period, paid in whole if period is not None and paid == paid]  # noqa: PLR0124
    today = np.datetime64(int(desk.today), "D")
    past = [(period, paid) for period, paid in known if period.end <= today]
    if not past:
        raise Missing("costs")
    last = max(period.end for period, _ in past)
    half = np.timedelta64(int(limits.window_days), "D")
    sides = []
    for end in (last, last - half):
        mine = [(period, paid) for period, paid in past if end - half < period.end <= end]
        if not mine:
            raise Missing("costs")
        begin, stop = min(p.start for p, _ in mine), max(p.end for p, _ in mine)
        first, final = begin.astype(np.int64), stop.astype(np.int64) + 1
        orders = desk.won & (desk.closed >= first) & (desk.closed < final)
        sides.append((sum(paid for _, paid in mine), float(orders.sum()), orders))
    if min(n for _, n, _ in sides) < limits.least_n:
        raise Missing("too_few")
    yield _cost(desk, sides, limits, level)


def _cost(desk: Desk, sides: Sequence[tuple[float, float, Mask]], limits: Limits, level: float) -> Sign:
    from scipy.stats import norm

    (paid, n, orders), (before, earlier_n, _) = sides
    ratio = (paid / n) / (before / earlier_n) if before > 0 else np.nan
    spread = float(np.sqrt(1 / n + 1 / earlier_n))
    z = normal_quantile(level)
    return Sign(
        unit=0, value=paid / n, lower=paid / n * np.exp(-z / np.sqrt(n)), upper=paid / n * np.exp(z / np.sqrt(n)),
        reference=before / earlier_n, n=n, second=ratio, against="past",
        p=float(norm.sf((np.log(ratio) - np.log(limits.tolerated)) / spread)) if ratio > 0 else float("nan"),
        crossed=bool(ratio >= limits.alarm), amount=max(paid - before / earlier_n * n, 0.0),
        deals=desk.of(0, orders),
    )  # fmt: skip


def targets_missed(desk: Desk, limits: Limits, level: float) -> Iterator[Sign]:
    """Measure what was won over the past periods against their targets."""
    from scipy.stats import gamma

    if "targets" not in desk.book.tables:
        raise Missing("targets")
    try:
        found = attained(desk.book, by=desk.by if desk.by in ("owner", "team", "region") else "owner")
    except FunnelError:
        raise Missing("targets") from None
    since = np.datetime64(int(desk.today - limits.window_days), "D")
    rows = [
        row for row in found.rows if row.state == "past" and (p := period_of(row.period)) and p.start >= since
    ]
    if not rows:
        raise Missing("targets")
    won = desk.amount[desk.won]
    shape = float((won**2).sum() / won.sum()) if won.sum() > 0 else float("nan")
    units: dict[tuple[str, ...], int] = {(name,): k + 1 for k, name in enumerate(desk.names)}
    groups: dict[int, list[tuple[float, float]]] = {0: [(row.target_amount, row.won_amount) for row in rows]}
    for row in rows:
        if row.group and row.group in units and units[row.group] in desk.units:
            groups.setdefault(units[row.group], []).append((row.target_amount, row.won_amount))
    periods = len({row.period for row in rows})
    for unit, parts in groups.items():
        wanted, got = sum(one for one, _ in parts), sum(one for _, one in parts)
        if wanted <= 0 or periods < limits.least_n or np.isnan(shape):
            continue
        spread = shape / (limits.tolerated * wanted)  # orders come independently, each with its amount
        z, doubt = normal_quantile(level), float(np.sqrt(max(got, 1e-9) * shape)) / wanted
        yield Sign(
            unit=unit, value=got / wanted, lower=max(got / wanted - z * doubt, 0.0), upper=got / wanted + z * doubt,
            reference=1.0, n=float(len(parts)), second=float(sum(one >= other for other, one in parts)),
            p=float(gamma.cdf(got, 1 / spread, scale=limits.tolerated * wanted * spread)),
            crossed=got < limits.alarm * wanted, amount=max(wanted - got, 0.0), against="target",
        )  # fmt: skip
