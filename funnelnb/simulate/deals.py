"""Which deals come, and how they move: attributes, amounts, creation times, competing hazards by stage."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from funnelnb.simulate.floor import ATTRIBUTES, CAUSES, Floor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from funnelnb.simulate.draw import Draws, Floats, Ints


# ---- Which deals come, and when: attributes, accounts, owners, amounts and creation times ------------------

DAY_S = 86_400


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Deals:
    """Deals at entry, column by column, n deals.

    Attributes
    ----------
    region, segment, product, source, customer_type, owner : ndarray of int64, shape (n,)
        Codes in the order of :meth:`Floor.levels`.
    account : ndarray of int64, shape (n,)
    clock : ndarray of float64, shape (n,)
        Creation in days since 1970-01-01, with the time of day.
    created_s : ndarray of int64, shape (n,)
        Creation as recorded, in seconds since 1970-01-01.
    amount : ndarray of float64, shape (n,)
        True amount (recorded or not).
    size : ndarray of float64, shape (n,)
        Log amount in standard deviations from its segment's median.
    amount_known : ndarray of bool, shape (n,)
    frailty : ndarray of float64, shape (n,)
        The account's own log hazard ratio of advancing.
    """

    region: Ints
    segment: Ints
    product: Ints
    source: Ints
    customer_type: Ints
    owner: Ints
    account: Ints
    clock: Floats
    created_s: Ints
    amount: Floats
    size: Floats
    amount_known: np.ndarray
    frailty: Floats

    def __len__(self) -> int:
        return len(self.clock)

    def columns(self) -> dict[str, np.ndarray]:
        """Return all columns by name."""
        return {one.name: getattr(self, one.name) for one in fields(self)}

    def take(self, rows: np.ndarray) -> Deals:
        """Return the deals at `rows` (positions or mask)."""
        return Deals(**{name: column[rows] for name, column in self.columns().items()})

    def append(self, other: Deals) -> Deals:
        """Return these deals followed by `other`."""
        mine, theirs = self.columns(), other.columns()
        return Deals(**{name: np.concatenate([mine[name], theirs[name]]) for name in mine})


def day_number(day: str) -> int:
    """Return an ISO day as days since 1970-01-01."""
    return int(np.datetime64(day, "D").astype(np.int64))


def end_s(floor: Floor) -> int:
    """Return the last second of the floor's as-of day (its midnight where only days are recorded)."""
    return day_number(floor.as_of) * DAY_S + (0 if floor.whole_days else DAY_S - 1)


def recorded_s(floor: Floor, clock: Floats) -> Ints:
    """Return when what happens at `clock` (days) is recorded: to the day or second, weekends on Monday."""
    if floor.whole_days:
        return to_workday(floor, np.floor(clock).astype(np.int64) * DAY_S)
    return to_workday(floor, np.floor(clock * DAY_S).astype(np.int64))


def to_workday(floor: Floor, seconds: Ints) -> Ints:
    """Return `seconds`, or the start of the next Monday if that is a weekend and the floor knows none."""
    if floor.weekends:
        return seconds
    day = seconds // DAY_S
    weekday = day % 7  # 0 is a Thursday, as 1970-01-01 was
    monday = np.where(weekday == 2, day + 2, day + 1)
    return np.where((weekday == 2) | (weekday == 3), monday * DAY_S, seconds)


def creation_weights(floor: Floor, region: str) -> Floats:
    """Return the relative creation rate of each day from the floor's start to its as-of date."""
    days = np.arange(day_number(floor.starts), day_number(floor.as_of) + 1)
    month = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12
    season = np.asarray(floor.region_season.get(region, floor.season), dtype=float)
    weights = season[month] * (1 + floor.growth) ** ((days - days[0]) / 365.25)
    if not floor.weekends:
        weights = np.where((days % 7 == 2) | (days % 7 == 3), 0.0, weights)
    return weights


def draw_deals(floor: Floor, n: int, draws: Draws) -> Deals:
    """Draw `n` deals as they stand when they are created, in order of creation."""
    codes = {name: draws.child(k).pick(_shares(floor, name), n) for k, name in enumerate(ATTRIBUTES)}
    codes["segment"] = _segments(floor, codes["region"], draws.child(20))
    clock = _clock(floor, codes["region"], draws.child(21))
    order = np.argsort(clock, kind="stable")
    codes, clock = {name: column[order] for name, column in codes.items()}, clock[order]
    account = _accounts(floor, codes, draws.child(22))
    accounts_n = int(account.max()) + 1
    size = draws.child(24).normal(n)
    return Deals(
        region=codes["region"],
        segment=codes["segment"],
        product=codes["product"],
        source=codes["source"],
        customer_type=codes["customer_type"],
        owner=_owners(floor, codes["region"], account, draws.child(23)),
        account=account,
        clock=clock,
        created_s=recorded_s(floor, clock),
        amount=_amounts(floor, codes, size),
        size=size,
        amount_known=draws.child(25).uniform(n) >= floor.amount_missing_share,
        frailty=(floor.account_sd * draws.child(26).normal(accounts_n))[account],
    )


def _shares(floor: Floor, attribute: str) -> list[float]:
    return [one.share for one in getattr(floor, attribute + "s").values()]


def _segments(floor: Floor, region: Ints, draws: Draws) -> Ints:
    """Draw segments: by the region's own mix where it has one."""
    general = {name: one.share for name, one in floor.segments.items()}
    result = np.zeros(len(region), dtype=np.int64)
    for code, name in enumerate(floor.regions):
        mix = floor.segment_mix.get(name, general)
        rows = np.flatnonzero(region == code)
        result[rows] = draws.child(code).pick([mix.get(one, 0.0) for one in floor.segments], len(rows))
    return result


def _clock(floor: Floor, region: Ints, draws: Draws) -> Floats:
    """Draw creation times by each region's season."""
    result = np.zeros(len(region))
    first = day_number(floor.starts)
    for code, name in enumerate(floor.regions):
        rows = np.flatnonzero(region == code)
        stream = draws.child(code)
        result[rows] = (
            first + stream.pick(creation_weights(floor, name), len(rows)) + stream.uniform(len(rows))
        )
    return result


def _accounts(floor: Floor, codes: dict[str, Ints], draws: Draws) -> Ints:
    """Draw accounts, numbered by first appearance: a new customer has one deal, others share accounts."""
    n = len(codes["region"])
    types, segments = len(floor.customer_types), len(floor.segments)
    cell = (codes["region"] * segments + codes["segment"]) * types + codes["customer_type"]
    size = np.bincount(cell)
    accounts = np.maximum(1, np.ceil(size / floor.deals_per_account)).astype(np.int64)
    first = np.cumsum(accounts) - accounts
    account = first[cell] + draws.index(accounts[cell])
    is_new = np.array([name == "new" for name in floor.customer_types])[codes["customer_type"]]
    account = np.where(is_new, int(accounts.sum()) + np.arange(n), account)
    _, seen_at, inverse = np.unique(account, return_index=True, return_inverse=True)
    rank = np.empty(len(seen_at), dtype=np.int64)
    rank[np.argsort(seen_at, kind="stable")] = np.arange(len(seen_at))
    return rank[inverse.reshape(-1)]


def _owners(floor: Floor, region: Ints, account: Ints, draws: Draws) -> Ints:
    """Draw one owner per account from those of its region."""
    accounts_n = int(account.max()) + 1
    home = np.zeros(accounts_n, dtype=np.int64)
    home[account] = region
    owner = np.zeros(accounts_n, dtype=np.int64)
    for code, name in enumerate(floor.regions):
        rows = np.flatnonzero(home == code)
        weights = [one.share if one.region == name else 0.0 for one in floor.owners.values()]
        owner[rows] = draws.child(code).pick(weights, len(rows))
    return owner[account]


def _amounts(floor: Floor, codes: dict[str, Ints], size: Floats) -> Floats:
    median = np.array([one.amount_median for one in floor.segments.values()])[codes["segment"]]
    sigma = np.array([one.amount_sigma for one in floor.segments.values()])[codes["segment"]]
    for name in ("region", "product", "source", "customer_type"):
        factors = np.array([one.amount_factor for one in getattr(floor, name + "s").values()])
        median = median * factors[codes[name]]
    step = floor.amount_step
    return np.maximum(step, np.round(median * np.exp(sigma * size) / step) * step)


# ---- How deals move: competing Weibull hazards, stage by stage, all deals at once --------------------------

OPEN, WON, LOST, LEFT = 0, 1, 2, 3
NEVER = np.iinfo(np.int64).min
"""A time that did not come, in every ``_s`` array."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Paths:
    """What became of n deals: S entries into stages, and each deal's end.

    Attributes
    ----------
    deal : ndarray of int64, shape (S,)
        Sorted; entries of one deal are in time order.
    stage : ndarray of int64, shape (S,)
        Position entered.
    at_s : ndarray of int64, shape (S,)
        When, in seconds since 1970-01-01.
    left_s : ndarray of int64, shape (S,)
        When the stay ended; NEVER while it lasts.
    outcome : ndarray of int64, shape (n,)
        OPEN, WON, LOST or LEFT.
    closed_s : ndarray of int64, shape (n,)
        NEVER for open deals.
    last : ndarray of int64, shape (n,)
        Position of the last stage entered.
    """

    deal: Ints
    stage: Ints
    at_s: Ints
    left_s: Ints
    outcome: Ints
    closed_s: Ints
    last: Ints

    def first_s(self, position: int) -> Ints:
        """Return when each deal first stood at `position` or beyond; NEVER if it did not."""
        rows = np.flatnonzero(self.stage >= position)
        deals = self.deal[rows]
        first = np.ones(len(rows), dtype=bool)
        first[1:] = deals[1:] != deals[:-1]
        result = np.full(len(self.outcome), NEVER)
        result[deals[first]] = self.at_s[rows[first]]
        return result


@dataclass(frozen=True, slots=True, eq=False)
class _Law:
    """The floor's law as arrays: P positions, C causes, n deals."""

    scale: Floats  # (P, C), infinite where there is no such exit
    shape: Floats  # (P, C)
    target: Ints  # (P, C), -1 where the exit ends the deal
    base: Floats  # (n, C), log hazard ratios in all stages before the won stage
    local: tuple[tuple[int, NDArray[np.bool_], Floats], ...]  # stage, deals, log hazard ratios (C,)
    won: int


def _law(floor: Floor, deals: Deals) -> _Law:
    ids, won = floor.playbook.stage_ids, floor.playbook.won
    shape_of = (len(ids), len(CAUSES))
    scale, shape = np.full(shape_of, np.inf), np.ones(shape_of)
    target = np.full(shape_of, -1)
    recycle = {
        e.source: floor.playbook.position(e.target) for e in floor.playbook.edges if e.kind == "recycle"
    }
    for k, name in enumerate(ids):
        law = floor.law(name)
        goes = {"advance": k + 1, "skip": k + 2, "back": k - 1, "recycle": recycle.get(name)}
        for c, cause in enumerate(CAUSES):
            way = getattr(law, cause)
            if way is None or not _possible(cause, goes.get(cause), k, won, len(ids)):
                continue
            scale[k, c], shape[k, c] = way.days, way.shape
            target[k, c] = goes.get(cause, -1)
    base = np.zeros((len(deals), len(CAUSES)))
    for cause, slope in floor.size_effects.items():
        base[:, CAUSES.index(cause)] += slope * deals.size
    base[:, CAUSES.index("advance")] += deals.frailty
    base[:, CAUSES.index("skip")] += deals.frailty
    local = []
    for effect in floor.effects:
        rows = getattr(deals, effect.attribute) == floor.levels(effect.attribute).index(effect.value)
        ratios = np.log([effect.ratio(cause) for cause in CAUSES])
        if effect.stage:
            local.append((ids.index(effect.stage), rows, ratios))
        else:
            base[rows] += ratios
    return _Law(scale, shape, target, base, tuple(local), won)


def _possible(cause: str, target: int | None, stage: int, won: int, stages_n: int) -> bool:
    """Whether a deal can take this way out of `stage`."""
    if stage >= won:
        return cause == "leave" or (cause == "advance" and stage + 1 < stages_n)
    if cause in ("lose", "leave"):
        return True
    return target is not None and 0 <= target <= won


def _next(law: _Law, rows: Ints, stage: Ints, draws: Draws) -> tuple[Ints, Floats]:
    """Draw which way each deal leaves its stage and after how many days (infinite: never)."""
    logs = np.where((stage < law.won)[:, None], law.base[rows], 0.0)
    for position, members, ratios in law.local:
        logs[(stage == position) & members[rows]] += ratios
    times = draws.exponential(*logs.shape) * np.exp(-logs)
    times **= 1 / law.shape[stage]
    times *= law.scale[stage]
    cause = np.argmin(times, axis=1)
    return cause, times[np.arange(len(rows)), cause]


def walk(floor: Floor, deals: Deals, draws: Draws, until_s: int) -> Paths:
    """Let every deal run by the floor's law until `until_s`; what happens later is not seen."""
    law = _law(floor, deals)
    n, unit_s = len(deals), DAY_S if floor.whole_days else 1
    last = np.zeros(n, dtype=np.int64)
    outcome = np.zeros(n, dtype=np.int64)
    closed_s = np.full(n, NEVER)
    clock, at_s = deals.clock.copy(), deals.created_s.copy()
    rows = np.arange(n)
    found: list[tuple[Ints, Ints, Ints]] = [(rows, last.copy(), at_s.copy())]
    quiet_s = np.full(n, NEVER)  # end of the last stay after the won stage
    while rows.size:
        stage = last[rows]
        cause, days = _next(law, rows, stage, draws)
        target = law.target[stage, cause]
        when = np.where(np.isfinite(days), clock[rows] + days, 4e6)
        backward = (target >= 0) & (target < stage)
        earliest_s = to_workday(floor, at_s[rows] + np.where(backward, unit_s, 0))
        event_s = np.maximum(recorded_s(floor, when), earliest_s)
        seen = event_s <= until_s
        rows, stage, cause, target = rows[seen], stage[seen], cause[seen], target[seen]
        when, event_s = when[seen], event_s[seen]
        ends = target < 0
        before = ends & (stage < law.won)
        outcome[rows[before]] = np.where(cause[before] == CAUSES.index("lose"), LOST, LEFT)
        closed_s[rows[before]] = event_s[before]
        quiet_s[rows[ends & ~before]] = event_s[ends & ~before]
        rows, target, when, event_s = rows[~ends], target[~ends], when[~ends], event_s[~ends]
        signed = target == law.won
        outcome[rows[signed]], closed_s[rows[signed]] = WON, event_s[signed]
        last[rows], at_s[rows], clock[rows] = target, event_s, np.maximum(when, event_s / DAY_S)
        found.append((rows, target, event_s))
    return _gather(found, outcome, closed_s, quiet_s, last)


def _gather(
    found: list[tuple[Ints, Ints, Ints]], outcome: Ints, closed_s: Ints, quiet_s: Ints, last: Ints
) -> Paths:
    """Put entries in order of deal and time, and end each stay where the next begins."""
    deal, stage, at_s = (np.concatenate([part[k] for part in found]) for k in range(3))
    order = np.argsort(deal, kind="stable")
    deal, stage, at_s = deal[order], stage[order], at_s[order]
    final = np.ones(len(deal), dtype=bool)
    final[:-1] = deal[1:] != deal[:-1]
    left_s = np.full(len(deal), NEVER)
    left_s[:-1] = at_s[1:]
    end_s = np.where(outcome == WON, quiet_s, closed_s)
    left_s[final] = end_s[deal[final]]
    return Paths(
        deal=deal, stage=stage, at_s=at_s, left_s=left_s, outcome=outcome, closed_s=closed_s, last=last
    )
