"""How much will have come in by each of several days, by group and in all? One joint simulation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ONE_BY_ONE = 150
"""Open deals that are drawn one by one: those that spread the total most. The sums of the others are normal."""
FEW_WINS = 40.0
"""Up to so many expected wins of a group their sizes are drawn one by one; above, the sum is a gamma variable."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OpenDeals:
    """Deals that may still be won. K deals, S stretches of time, B draws of the curves.

    Attributes
    ----------
    chance : ndarray of float64, shape (B, S, K)
        To be won by the end of each stretch; never falls along S.
    amount, amount_sd : ndarray of float64, shape (K,)
        What each brings, and how unsure that is.
    group : ndarray of int64, shape (K,)
    """

    chance: Floats
    amount: Floats
    amount_sd: Floats
    group: Ints


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NewDeals:
    """Deals that are yet to come.

    Attributes
    ----------
    mean : ndarray of float64, shape (draws, S, G)
        Wins expected of them in each stretch.
    pool : ndarray of float64, shape (P,)
        Sizes of past wins.
    size_factor : ndarray of float64, shape (draws, G)
        By which a group's sizes differ from those of the pool.
    """

    mean: Floats
    pool: Floats
    size_factor: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Landing:
    """Draws of what comes in by the end of each stretch, from open and from new deals.

    Attributes
    ----------
    open_amount, new_amount, open_n, new_n : ndarray of float64, shape (draws, S, G)
    """

    open_amount: Floats
    new_amount: Floats
    open_n: Floats
    new_n: Floats


def landing(
    deals: OpenDeals,
    new: NewDeals,
    factor: Floats,
    group_factor: Floats,
    rng: np.random.Generator,
) -> Landing:
    """How much comes in by the end of each stretch?

    Parameters
    ----------
    deals : OpenDeals
    new : NewDeals
    factor : ndarray of float64, shape (draws, S)
        By which the hazard of winning is multiplied in each stretch: level and shock of its month.
    group_factor : ndarray of float64, shape (draws, G)
        The same by group.
    rng : numpy.random.Generator

    Returns
    -------
    Landing
        Sums over the groups are the whole: every draw is one course of things for all groups at once.

    Notes
    -----
    With P(s) the chance by the end of stretch s, the integrated hazard grows by ``log((1 - P(s - 1)) / (1 - P(s)))``;
    it is multiplied by both factors and turned back into a chance. Wins of new deals are Poisson about their mean.

    Checked against every way in which few deals can end, and means and variances in closed form:
    ``tests/stats/test_landing.py``.
    """
    open_amount, open_n = _open(deals, factor, group_factor, rng)
    new_amount, new_n = _new(new, rng)
    return Landing(open_amount=open_amount, new_amount=new_amount, open_n=open_n, new_n=new_n)


def _open(
    deals: OpenDeals, factor: Floats, group_factor: Floats, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    draws, stretches = factor.shape
    groups = group_factor.shape[1]
    amount, count = np.zeros((draws, stretches, groups)), np.zeros((draws, stretches, groups))
    if not deals.amount.size:
        return amount, count
    hazard = -np.log1p(-np.clip(deals.chance, 0.0, 1 - 1e-9))
    steps = np.diff(hazard, axis=1, prepend=0.0)
    last = deals.chance[0, -1]
    order = np.argsort(-last * (1 - last) * deals.amount**2, kind="stable")
    single, rest = np.sort(order[:ONE_BY_ONE]), np.sort(order[ONE_BY_ONE:])
    which = np.arange(draws) % len(steps)
    for b in range(len(steps)):
        mine = np.flatnonzero(which == b)
        if mine.size:
            _one_by_one(
                deals, steps[b][:, single], single, mine, (factor, group_factor), (amount, count), rng
            )
    if rest.size:
        _together(deals, steps, rest, which, (factor, group_factor), (amount, count), rng)
    return amount, count


def _one_by_one(
    deals: OpenDeals, steps: Floats, single: Ints, mine: Ints, factors: tuple[Floats, Floats],
    into: tuple[Floats, Floats], rng: np.random.Generator,
) -> None:  # fmt: skip
    """Draw the day of each single deal's win in the draws `mine`, and add it up by group."""
    group = deals.group[single]
    member = np.zeros((single.size, into[0].shape[2]))
    member[np.arange(single.size), group] = 1.0
    need = rng.exponential(size=(mine.size, single.size)) / factors[1][mine][:, group]
    unsure = deals.amount_sd[single]
    value = np.broadcast_to(deals.amount[single], need.shape)
    if unsure.any():
        value = np.maximum(value + unsure * rng.standard_normal(need.shape), 0.0)
    passed = np.zeros(need.shape)
    for s in range(len(steps)):
        passed = passed + factors[0][mine, s][:, None] * steps[s][None, :]
        won = passed >= need
        into[0][mine, s] += np.where(won, value, 0.0) @ member
        into[1][mine, s] += won @ member


def _together(
    deals: OpenDeals, steps: Floats, rest: Ints, which: Ints, factors: tuple[Floats, Floats],
    into: tuple[Floats, Floats], rng: np.random.Generator,
) -> None:  # fmt: skip
    """Draw the sums of the many deals that spread the total little, stretch by stretch."""
    group, groups = deals.group[rest], into[0].shape[2]
    worth, unsure = deals.amount[rest], deals.amount_sd[rest]
    chance = np.diff(deals.chance[:, :, rest], axis=1, prepend=0.0)
    weights = {"n": np.ones(rest.size), "m": worth, "v": worth**2 + unsure**2}
    first = {
        name: np.stack(
            [[np.bincount(group, weights=one * w, minlength=groups) for one in draw] for draw in chance]
        )
        for name, w in weights.items()
    }
    square = {
        name: np.stack(
            [[np.bincount(group, weights=one * one * w, minlength=groups) for one in draw] for draw in chance]
        )
        for name, w in {"n": weights["n"], "m": worth, "v": worth**2}.items()
    }
    total_n, total_m = np.zeros_like(into[0][:, 0]), np.zeros_like(into[0][:, 0])
    for s in range(steps.shape[1]):
        f = factors[0][:, s][:, None] * factors[1]
        some = np.bincount(group, minlength=groups).astype(float)
        part = {name: np.clip(f, 0, None) * one[which, s] for name, one in first.items()}
        twice = {name: f**2 * one[which, s] for name, one in square.items()}
        cap = np.where(part["n"] > 0.95 * some, 0.95 * some / np.maximum(part["n"], 1e-12), 1.0)
        mean_n, mean_m = part["n"] * cap, part["m"] * cap
        var_n = np.maximum(mean_n - twice["n"] * cap**2, 0.05 * mean_n)
        var_m = np.maximum(part["v"] * cap - twice["v"] * cap**2, 0.05 * part["v"] * cap)
        both = np.maximum(mean_m - twice["m"] * cap**2, 0.05 * mean_m)
        z, rest_z = rng.standard_normal(var_n.shape), rng.standard_normal(var_n.shape)
        slope = np.divide(both, np.sqrt(var_n), out=np.zeros_like(both), where=var_n > 0)
        total_n = total_n + np.maximum(np.rint(mean_n + np.sqrt(var_n) * z), 0)
        more = mean_m + slope * z + np.sqrt(np.maximum(var_m - slope**2, 0.0)) * rest_z
        total_m = total_m + np.maximum(more, 0.0)
        into[0][:, s] += total_m
        into[1][:, s] += total_n


def _new(new: NewDeals, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Draw number and sum of the wins of deals yet to come, up to the end of each stretch."""
    count = rng.poisson(np.minimum(new.mean, 1e9)).astype(float)
    amount = np.zeros(count.shape)
    if not new.pool.size:
        return amount, np.cumsum(count, axis=1)
    mean, square = float(new.pool.mean()), float((new.pool**2).mean())
    spread = max(square - mean**2, 0.0)
    for g in range(count.shape[2]):
        mine = count[:, :, g]
        if spread <= 0:
            amount[:, :, g] = mine * mean
        elif mine.mean() > FEW_WINS:
            scale = spread / mean
            amount[:, :, g] = rng.gamma(mine * mean / scale) * scale
        else:
            total = mine.astype(np.int64).ravel()
            picked = new.pool[rng.integers(0, new.pool.size, int(total.sum()))]
            edge = np.concatenate([[0], np.cumsum(total)])
            sums = np.concatenate([[0.0], np.cumsum(picked)])
            amount[:, :, g] = (sums[edge[1:]] - sums[edge[:-1]]).reshape(mine.shape)
    amount = amount * new.size_factor[:, None, :]
    return np.cumsum(amount, axis=1), np.cumsum(count, axis=1)
