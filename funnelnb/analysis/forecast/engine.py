"""From what was known on a day to draws of what comes in by later days. Nothing after that day is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from funnelnb.analysis.forecast.history import NEVER, History
from funnelnb.analysis.forecast.known import MONTH_DAYS, Grid, Known, by_then, known_at, risk_between
from funnelnb.analysis.forecast.past import Past, Sizes, deal_factor, group_factor, past_of, shares, sizes_of
from funnelnb.core.check import TOO_FEW_N
from funnelnb.stats.forecast import ages
from funnelnb.stats.forecast.landing import Landing, NewDeals, OpenDeals, landing
from funnelnb.stats.forecast.months import coming_months

if TYPE_CHECKING:
    from collections.abc import Sequence

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

DRAWS, CURVES, SEED = 2000, 16, 20_260_630
"""Draws of the total, draws of the curves behind them, and the seed: the same data give the same digits."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Foresight:
    """Draws of what comes in from one day to later ones. D draws, S days, G groups.

    Attributes
    ----------
    landing : Landing
    edges : ndarray of int64, shape (S,)
        The later days.
    index : ndarray of int64, shape (K,)
        Deals that may be won.
    chance : ndarray of float64, shape (S, K)
        To be won by each day.
    amount : ndarray of float64, shape (K,)
        What each is expected to bring.
    left_out_n : int
        Open deals of which no date tells how old they are.
    priced : bool
        Whether there are amounts at all.
    known : Known
    fan : ndarray of float64, shape (fewer draws, F)
        What has come in by each day of the fan, all groups together.
    """

    landing: Landing
    edges: Ints
    index: Ints
    chance: Floats
    amount: Floats
    left_out_n: int
    priced: bool
    known: Known
    fan: Floats


# ---- chances of the open deals, and of those yet to come -----------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Curves:
    """Draws of the curves of one stage: still there and going on, and won from it."""

    still: Floats
    on: Floats
    won: Floats
    n: float


def _curves(
    history: History, known: Known, grid: Grid, k: int, rng: np.random.Generator, curves: int
) -> _Curves:
    start = by_then(history.stage_day[k], known.day)
    mine = start < NEVER
    step = risk_between(known, grid, start, by_then(history.on_day[k], known.day), mine)
    still, on = ages.curves(*ages.drawn(step, curves, rng))
    if k == history.won - 1:
        return _Curves(still=still, on=on, won=np.cumsum(on, axis=1), n=step.n)
    way = risk_between(known, grid, start, known.win, mine)
    _, won = ages.curves(*ages.drawn(way, curves, rng))
    return _Curves(still=still, on=on, won=np.cumsum(won, axis=1), n=step.n)


def _chances(
    history: History,
    known: Known,
    grid: Grid,
    index: Ints,
    ahead: Sequence[int],
    rng: np.random.Generator,
    curves: int | None = None,
) -> tuple[Floats, _Curves]:
    """Return the chance of each open deal to be won by each day, shape (B, S, K), and the curves from the origin on."""
    curves = CURVES if curves is None else curves
    position, age = _standing(history, known, index)
    chance = np.zeros((curves, len(ahead), index.size))
    later: _Curves | None = None
    whole: _Curves | None = None
    for k in range(history.won - 1, known.origin - 1, -1):
        here = _curves(history, known, grid, k, rng, curves)
        mine = np.flatnonzero(position == k)
        onward = k == history.won - 1 or (later is not None and later.n >= TOO_FEW_N)
        if mine.size and here.n >= TOO_FEW_N and onward:
            chance[:, :, mine] = _read(here, None if later is None else later.won, grid, age[mine], ahead)
        elif mine.size:
            position[mine] = -1
        later = whole = here
    rest = np.flatnonzero(position < known.origin)
    if whole is None:
        whole = _curves(history, known, grid, known.origin, rng, curves)
    if rest.size:
        chance[:, :, rest] = _on_the_whole(known, grid, index[rest], ahead, rng, curves)
    return _levelled(np.maximum.accumulate(chance, axis=1)), whole


def _levelled(chance: Floats) -> Floats:
    """Return draws of the chances that all expect as many wins in the end as the measured one.

    How unsure the level is, months tell; here it would count twice. What stays is how unsure its division by age is.
    """
    total = chance[:, -1].sum(axis=1)
    scale = np.divide(total[0], total, out=np.ones_like(total), where=total > 0)
    made: Floats = np.clip(chance * scale[:, None, None], 0.0, 1.0)
    return made


def _standing(history: History, known: Known, index: Ints) -> tuple[Ints, Ints]:
    """Return the furthest dated stage of each open deal and its age there in days."""
    position, age = np.full(index.size, -1, np.int64), np.zeros(index.size, np.int64)
    for k in range(known.origin, history.won):
        reached = history.stage_day[k][index]
        there = reached <= known.day
        position[there], age[there] = k, known.day - reached[there]
    return position, age


def _read(here: _Curves, later: Floats | None, grid: Grid, age: Ints, ahead: Sequence[int]) -> Floats:
    """Return chances at the ages of deals, between whole bins in proportion."""
    place = grid.bin(age)
    made = []
    for days in ahead:
        low, part = divmod(days, grid.unit)
        one = ages.within(here.still, here.on, later, low)[:, place]
        if part:
            two = ages.within(here.still, here.on, later, low + 1)[:, place]
            one = one + (two - one) * part / grid.unit
        made.append(one)
    return np.stack(made, axis=1)


def _on_the_whole(
    known: Known, grid: Grid, index: Ints, ahead: Sequence[int], rng: np.random.Generator, curves: int
) -> Floats:
    """Return chances by the age since the origin, for deals whose stages tell nothing."""
    mine = known.start < NEVER
    way = risk_between(known, grid, known.start, known.win, mine)
    still, won = ages.curves(*ages.drawn(way, curves, rng))
    here = _Curves(still=still, on=won, won=np.cumsum(won, axis=1), n=way.n)
    return _read(here, None, grid, known.day - known.start[index], ahead)


# ---- all together --------------------------------------------------------------------------------------------


def foresee(
    history: History,
    day: int,
    edges: Sequence[int],
    group: Ints,
    groups: int,
    *,
    classes: Sequence[Ints] = (),
    fan: Sequence[int] = (),
    draws: int = DRAWS,
    seed: int = SEED,
) -> Foresight:
    """How much comes in from the end of one day to the ends of later ones?

    Parameters
    ----------
    history : History
    day : int
        Nothing later is looked at.
    edges : sequence of int
        Later days, rising.
    group : ndarray of int64, shape (N,)
    groups : int
    classes : sequence of ndarray of int64, shape (N,)
        Further divisions (such as segments) whose chances may differ.
    fan : sequence of int
        Days for which what has come in by then is drawn as well, the last of them at most the last of `edges`.
    draws, seed : int

    Returns
    -------
    Foresight
    """
    rng = np.random.default_rng(seed)
    there = np.flatnonzero(history.begin_day <= day)
    ends = np.asarray(edges, dtype=np.int64)
    stretch = _stretches(day, ends)
    by = (*(_compact(one[there]) for one in classes), group[there])
    parts, left_out = _parts(history.some(there), day, stretch, by, groups, rng)
    factor = deal_factor(parts.history, parts.known, parts.past, by[:-1])
    sizes = sizes_of(parts.history, parts.known, parts.index, parts.group, groups)
    drawn = _drawn(parts, factor, sizes, int(_months(stretch, day).max()) + 1, draws, rng)
    chance = _moved(parts.chance[0], factor[parts.index])
    landed = _landed(parts, chance, parts.chance[1], stretch, sizes, drawn, rng)
    at = np.searchsorted(stretch, ends)
    names = ("open_amount", "new_amount", "open_n", "new_n")
    return Foresight(
        landing=Landing(**{name: getattr(landed, name)[:, at] for name in names}),
        edges=ends,
        index=there[parts.index],
        chance=chance[0][at],
        amount=sizes.amount,
        left_out_n=left_out,
        priced=bool(sizes.pool.size),
        known=parts.known,
        fan=_fan(parts, factor, fan, sizes, drawn, rng),
    )


def _parts(
    history: History, day: int, stretch: Ints, by: tuple[Ints, ...], groups: int, rng: np.random.Generator
) -> tuple[_Parts, int]:
    """Return what a forecast is put together from, and how many open deals tell nothing of their age."""
    known = known_at(history, day)
    grid = Grid.of(known)
    still = (known.win == NEVER) & (known.end == NEVER)
    index = np.flatnonzero(still & (known.start < NEVER))
    index = index[_order(history, known, index, by)]
    ahead = [int(one - day) for one in stretch]
    chance = _chances(history, known, grid, index, ahead, rng)
    parts = _Parts(
        history=history, known=known, grid=grid, index=index, group=by[-1], groups=groups,
        chance=chance, past=past_of(known, grid),
    )  # fmt: skip
    return parts, int((still & (known.start == NEVER)).sum())


def _drawn(
    parts: _Parts, factor: Floats, sizes: Sizes, ahead: int, draws: int, rng: np.random.Generator
) -> _Drawn:
    """Draw what is common to many deals."""
    past, known, groups = parts.past, parts.known, parts.groups
    wins = coming_months(past.won_n, past.won_expected, ahead, draws, rng)
    coming = coming_months(past.new_n, past.new_expected, ahead, draws, rng)
    by_group = group_factor(known, past, factor, parts.group, groups, draws, rng)
    share = shares(known, parts.group, groups, draws, rng)
    own, common = rng.standard_normal((draws, groups)), rng.standard_normal((draws, 1))
    return _Drawn(
        wins=wins.factor,
        coming=coming.factor,
        by_group=by_group,
        share=share,
        size_factor=np.exp(sizes.log_mean + sizes.log_sd * own + sizes.common_sd * common),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Parts:
    """What a forecast is put together from."""

    history: History
    known: Known
    grid: Grid
    index: Ints
    group: Ints
    groups: int
    chance: tuple[Floats, _Curves]
    past: Past


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Drawn:
    """Draws of what is common to many deals: months, groups, shares, sizes."""

    wins: Floats
    coming: Floats
    by_group: Floats
    share: Floats
    size_factor: Floats

    def first(self, draws: int) -> _Drawn:
        """Return the first of the draws."""
        return _Drawn(
            wins=self.wins[:draws], coming=self.coming[:draws], by_group=self.by_group[:draws],
            share=self.share[:draws], size_factor=self.size_factor[:draws],
        )  # fmt: skip


def _months(stretch: Ints, day: int) -> Ints:
    made: Ints = np.minimum(((stretch - day - 1) // MONTH_DAYS).astype(np.int64), 35)
    return made


def _landed(
    parts: _Parts,
    chance: Floats,
    whole: _Curves,
    stretch: Ints,
    sizes: Sizes,
    drawn: _Drawn,
    rng: np.random.Generator,
) -> Landing:
    months = _months(stretch, parts.known.day)
    new = _coming(whole, parts.grid, parts.known.day, stretch, months, drawn.coming, drawn.wins)
    return landing(
        OpenDeals(
            chance=chance, amount=sizes.amount, amount_sd=sizes.amount_sd, group=parts.group[parts.index]
        ),
        NewDeals(
            mean=new[:, :, None] * (drawn.share * drawn.by_group)[:, None, :],
            pool=sizes.pool,
            size_factor=drawn.size_factor,
        ),
        drawn.wins[:, months],
        drawn.by_group,
        rng,
    )


FAN_DRAWS = 800


def _fan(
    parts: _Parts, factor: Floats, days: Sequence[int], sizes: Sizes, drawn: _Drawn, rng: np.random.Generator
) -> Floats:
    """Return draws of what has come in by each of many days, by the measured curves alone."""
    if not len(days):
        return np.zeros((0, 0))
    asked = np.asarray(days, dtype=np.int64)
    stretch = _stretches(parts.known.day, asked)
    ahead = [int(one - parts.known.day) for one in stretch]
    chance, whole = _chances(parts.history, parts.known, parts.grid, parts.index, ahead, rng, curves=1)
    fewer = drawn.first(FAN_DRAWS)
    landed = _landed(parts, _moved(chance, factor[parts.index]), whole, stretch, sizes, fewer, rng)
    total: Floats = (landed.open_amount + landed.new_amount).sum(axis=2)
    return total[:, np.searchsorted(stretch, asked)]


def _compact(codes: Ints) -> Ints:
    """Return codes without those that no deal has."""
    made: Ints = np.unique(codes, return_inverse=True)[1].astype(np.int64)
    return made


def _order(history: History, known: Known, index: Ints, codes: Sequence[Ints]) -> Ints:
    """Return an order of the open deals that does not depend on that of the rows."""
    worth = np.nan_to_num(history.open_amount[index], nan=-1.0)
    latest = np.where(history.stage_day <= known.day, history.stage_day, -1).max(axis=0)[index]
    return np.lexsort((latest, known.start[index], worth, *(one[index] for one in codes)))


def _stretches(day: int, ends: Ints) -> Ints:
    """Return the days that part the time ahead: those asked for, and the ends of months of 30.4 days."""
    most = int(ends[-1] - day)
    months = day + np.rint(MONTH_DAYS * np.arange(1, int(most // MONTH_DAYS) + 1)).astype(np.int64)
    return np.unique(np.concatenate([ends, months[months < ends[-1]]]))


def _moved(chance: Floats, factor: Floats) -> Floats:
    """Return chances with the integrated hazard multiplied."""
    made: Floats = -np.expm1(factor * np.log1p(-np.clip(chance, 0.0, 1 - 1e-9)))
    return made


def _coming(
    whole: _Curves, grid: Grid, day: int, stretch: Ints, months: Ints, arrive: Floats, win: Floats
) -> Floats:
    """Return the wins in each stretch that deals yet to come bring, shape (draws, S)."""
    draws = len(arrive)
    last = int(stretch[-1] - day)
    edges = np.arange(whole.won.shape[1] + 1) * grid.unit
    curves = len(whole.won)
    curve = np.concatenate([np.zeros((curves, 1)), whole.won], axis=1)
    at = np.arange(last + 1)
    share = np.stack([np.interp(at, edges, one) for one in curve])
    whole_share = share.sum(axis=1)
    share = (
        share * np.divide(whole_share[0], whole_share, out=np.ones(curves), where=whole_share > 0)[:, None]
    )
    arrival_day = np.arange(1, last + 1)
    month = np.minimum(((arrival_day - 1) // MONTH_DAYS).astype(np.int64), arrive.shape[1] - 1)
    ends = np.concatenate([[0], stretch - day])
    which = np.arange(draws) % curves
    made = np.zeros((draws, stretch.size))
    for s in range(stretch.size):
        until = np.clip(ends[s + 1] - arrival_day + 1, 0, last)
        before = np.clip(ends[s] - arrival_day + 1, 0, last)
        gain = share[:, until] - share[:, before]
        per_month = np.stack([np.bincount(month, weights=one, minlength=arrive.shape[1]) for one in gain])
        made[:, s] = (arrive * per_month[which]).sum(axis=1) * win[:, months[s]]
    return made
