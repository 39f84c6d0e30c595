"""What do past months, groups and sizes say of the coming ones?"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from funnelnb.analysis.forecast.history import NEVER, History, amounts_tell_end
from funnelnb.analysis.forecast.known import MONTH_DAYS, RECENT_DAYS, Grid, Known, risk_between
from funnelnb.core.check import TOO_FEW_N

if TYPE_CHECKING:
    from collections.abc import Sequence

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

MOST_MONTHS = 36
SIZE_DAYS = 730
SIZE_CLASSES = 4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Past:
    """Wins and arrivals by past month, against what was expected; expected wins of each deal."""

    expected_by_deal: Floats
    mine: Bools
    won_n: Floats
    won_expected: Floats
    new_n: Floats
    new_expected: Floats


def past_of(known: Known, grid: Grid) -> Past:
    """Return wins and arrivals of past months against what was to be expected of the deals that were open then."""
    mine = known.start < NEVER
    s = known.start[mine]
    last = np.minimum(np.minimum(known.win[mine], known.end[mine]), known.day)
    found = risk_between(known, grid, known.start, known.win, mine)
    hazard = np.divide(found.won, found.at_risk, out=np.zeros(grid.size), where=found.at_risk > 0)
    cumulated = np.concatenate([[0.0], np.repeat(np.cumsum(hazard), grid.unit)])
    if grid.unit > 1:
        edges = np.concatenate([[0.0], np.cumsum(hazard)])
        cumulated = np.interp(
            np.arange(grid.size * grid.unit + 1), np.arange(grid.size + 1) * grid.unit, edges
        )
    top = cumulated.size - 1
    from_day = max(known.since, known.day - RECENT_DAYS, int(s.min()) if s.size else known.day)
    months = int(min((known.day - from_day + 1) // MONTH_DAYS, MOST_MONTHS))
    edge = known.day - np.rint(MONTH_DAYS * np.arange(months, -1, -1)).astype(np.int64)

    def passed(day: Any) -> Floats:
        """Integrated hazard of each deal up to the end of a day."""
        made: Floats = cumulated[np.clip(np.minimum(last, day) - s + 1, 0, top)]
        return made

    before = [passed(day) for day in edge] if months else []
    win = known.win[mine]
    expected = np.array([float((two - one).sum()) for one, two in itertools.pairwise(before)])
    counted = [np.histogram(days[days < NEVER], bins=edge + 0.5)[0].astype(float) if months else np.zeros(0)
               for days in (win, s)]  # fmt: skip
    by_deal = np.zeros(known.start.size)
    by_deal[mine] = np.maximum(passed(known.day) - passed(from_day - 1), 0.0)
    return Past(
        expected_by_deal=by_deal,
        mine=mine & (np.minimum(known.win, known.end) >= from_day),
        won_n=counted[0],
        won_expected=expected,
        new_n=counted[1],
        new_expected=np.diff(edge).astype(float) if months else np.zeros(0),
    )


def _shrunk(won: NDArray[Any], expected: NDArray[Any]) -> tuple[Floats, Floats]:
    """Return shape and rate of the gamma posterior of each class's factor, pulled to 1 as far as chance explains it."""
    total = max(float(expected.sum()), 1e-9)
    ratio = won.sum() / total
    mean = np.maximum(ratio * expected, 1e-9)
    if won.size < 2:
        return np.full(won.size, 1e9), np.full(won.size, 1e9)
    excess = float(((won - mean) ** 2 - mean).sum() / max((mean**2).sum(), 1e-9))
    spread = max(excess, 1e-4)
    return won + 1 / spread, mean + 1 / spread


def _class_factor(codes: Ints, classes: int, won: Bools, expected: Floats) -> tuple[Floats, Floats]:
    """Return the factor of each deal by its class, and the gamma posterior means of the classes."""
    shape, rate = _shrunk(np.bincount(codes, weights=won, minlength=classes),
                          np.bincount(codes, weights=expected, minlength=classes))  # fmt: skip
    by_class = shape / rate
    return by_class[codes], by_class


def _size_class(history: History, known: Known) -> Ints:
    """Return a class of size for each deal, 0 where nothing is known of it."""
    there = (known.start < NEVER) & np.isfinite(history.open_amount)
    if history.at_close or there.sum() < 20 * SIZE_CLASSES or amounts_tell_end(history):
        return np.zeros(known.start.size, np.int64)
    cut = np.unique(np.quantile(history.open_amount[there], np.arange(1, SIZE_CLASSES) / SIZE_CLASSES))
    made = np.zeros(known.start.size, np.int64)
    made[there] = 1 + np.searchsorted(cut, history.open_amount[there], side="left")
    return made


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sizes:
    """Sizes of wins: the pool, the factor of each group with its spread (log), and what open deals bring."""

    pool: Floats
    log_mean: Floats
    log_sd: Floats
    common_sd: float
    amount: Floats
    amount_sd: Floats


def sizes_of(history: History, known: Known, index: Ints, group: Ints, groups: int) -> Sizes:
    """Return of which size wins are, how groups differ in it, and what the open deals of `index` would bring."""
    recent = (known.win < NEVER) & (known.win > known.day - SIZE_DAYS) & np.isfinite(history.won_amount)
    pool = np.sort(history.won_amount[recent])
    if pool.size < TOO_FEW_N:
        recent = (known.win < NEVER) & np.isfinite(history.won_amount)
        pool = np.sort(history.won_amount[recent])
    mean = float(pool.mean()) if pool.size else np.nan
    cv2 = float((pool / mean).var()) if pool.size > 1 and mean > 0 else 1.0
    n = np.bincount(group[recent], minlength=groups).astype(float)
    total = np.bincount(group[recent], weights=history.won_amount[recent], minlength=groups)
    ratio = np.where(n > 0, total / np.maximum(n, 1) / mean if mean > 0 else 1.0, 1.0)
    log, error = np.log(np.maximum(ratio, 1e-6)), cv2 / np.maximum(n, 1.0)
    told = n >= 3
    spread = max(float(np.var(log[told], ddof=1) - error[told].mean()), 0.0) if told.sum() > 1 else 0.0
    pull = np.divide(spread, spread + error, out=np.zeros_like(error), where=told & (spread + error > 0))
    sd = np.sqrt(np.where(told, spread * error / np.maximum(spread + error, 1e-12), spread))
    amount, amount_sd = _worth(history, known, index, mean * np.exp(log * pull)[group[index]], cv2)
    return Sizes(
        pool=pool,
        log_mean=log * pull,
        log_sd=sd,
        common_sd=float(np.sqrt(cv2 / max(pool.size, 1))) if groups == 1 else 0.0,
        amount=amount,
        amount_sd=amount_sd,
    )


def _worth(history: History, known: Known, index: Ints, usual: Floats, cv2: float) -> tuple[Floats, Floats]:
    """Return what open deals bring if won, and how unsure that is: from what was expected of won deals before."""
    said = history.open_amount[index]
    told = np.isfinite(said)
    factor = spread = 0.0
    both = (known.win < NEVER) & np.isfinite(history.won_amount) & np.isfinite(history.open_amount)
    if both.sum() >= TOO_FEW_N:
        signed, expected = history.won_amount[both], history.open_amount[both]
        factor = float(signed.sum() / expected.sum())
        spread = float(np.std(signed / expected))
    factor = factor or 1.0
    usual = np.nan_to_num(usual)
    amount = np.where(told, np.nan_to_num(said) * factor, usual)
    sd = np.where(told, np.nan_to_num(said) * spread, usual * np.sqrt(cv2))
    return amount, sd


def deal_factor(history: History, known: Known, past: Past, classes: Sequence[Ints]) -> Floats:
    """Return by which factor each deal's hazard differs by its size and its classes, one after another."""
    factor = np.ones(known.start.size)
    won = past.mine & (known.win < NEVER)
    for codes in (_size_class(history, known), *classes):
        if codes.max(initial=0) > 0:
            expected = np.where(past.mine, past.expected_by_deal * factor, 0.0)
            factor = factor * _class_factor(codes, int(codes.max()) + 1, won, expected)[0]
    return factor


def group_factor(
    known: Known, past: Past, factor: Floats, group: Ints, groups: int, draws: int, rng: np.random.Generator
) -> Floats:
    """Return draws of the factor by which each group's deals are won more often; the whole keeps its level."""
    if groups == 1:
        return np.ones((draws, 1))
    won = np.bincount(group, weights=past.mine & (known.win < NEVER), minlength=groups)
    expected = np.bincount(
        group, weights=np.where(past.mine, past.expected_by_deal * factor, 0.0), minlength=groups
    )
    shape, rate = _shrunk(won, expected)
    made = rng.gamma(shape, 1.0, size=(draws, groups)) / rate
    weight = (expected + 1e-9) / (expected + 1e-9).sum()
    level: Floats = made / (made @ weight)[:, None]  # how unsure the whole is, months tell
    return level


def shares(known: Known, group: Ints, groups: int, draws: int, rng: np.random.Generator) -> Floats:
    """Return draws of the share of new deals that each group will have: as in the last year, not sure."""
    recent = (known.start < NEVER) & (known.start > known.day - 365)
    n = np.bincount(group[recent], minlength=groups) + 0.5
    made: Floats = rng.dirichlet(n, size=draws)
    return made
