"""Which deals come, and when: attributes, accounts, owners, amounts and creation times."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from funnelnb.simulate.floor import ATTRIBUTES, Floor

if TYPE_CHECKING:
    from funnelnb.simulate.draw import Draws, Floats, Ints

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
