"""What of a whole lies in which cell, on each of two sides, for the data as they are and for resampled accounts?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from funnelnb.analysis.diagnosis.desk import in_days
from funnelnb.data.contract.clock import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from funnelnb.analysis.diagnosis.desk import Desk

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

MANY = 200_000
"""From so many deals on half as many resamples are drawn."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Side:
    """One side of a comparison. D deals of the ledger.

    Attributes
    ----------
    deals : ndarray of int64
        Numbers of the deals that belong to it.
    cell : ndarray of int64
        Cell of each of them.
    values : tuple of ndarray of float64
        What is summed over each cell, one value per deal.
    """

    deals: NDArray[np.int64]
    cell: NDArray[np.int64]
    values: tuple[Floats, ...]


def sums(sides: Sequence[Side], cells_n: int, weights: Floats | None = None) -> tuple[Floats, ...]:
    """Return the sums of each side's values over its cells, shape (V, cells_n); `weights` per deal of the ledger."""
    made: list[Floats] = []
    for side in sides:
        weight = np.ones(len(side.deals)) if weights is None else weights[side.deals]
        made.append(
            np.stack([np.bincount(side.cell, weights=one * weight, minlength=cells_n) for one in side.values])
        )
    return tuple(made)


def resampled(
    desk: Desk, sides: Sequence[Side], cells_n: int, draws: int, seed: int
) -> Iterator[tuple[Floats, ...]]:
    """Yield the sums for accounts drawn with replacement; a deal without an account is drawn by itself."""
    n = len(desk.won)
    accounts = desk.ledger.attributes.get("account_id")
    cluster = np.arange(n)
    if accounts is not None:
        blank = accounts.labels.index("") if "" in accounts.labels else -1
        cluster = np.where(accounts.codes == blank, len(accounts.labels) + cluster, accounts.codes)
    used = np.unique(np.concatenate([cluster[side.deals] for side in sides])) if sides else cluster[:0]
    place = np.searchsorted(used, cluster)
    generator = np.random.default_rng(seed)
    for _ in range(draws if n < MANY else draws // 2):
        drawn = np.bincount(generator.integers(0, len(used), len(used)), minlength=len(used) + 1)
        yield sums(sides, cells_n, drawn[np.minimum(place, len(used))].astype(float))


def standing_at(desk: Desk, day: float) -> NDArray[np.int64]:
    """Return the stage in which each deal stood at the beginning of a day; -1 where it was not in the funnel.

    A deal counts from the day after it entered; one that ended before is out.
    """
    ledger = desk.ledger
    moment = int(day * 86_400)
    rows = np.flatnonzero((ledger.entered_s < moment) & (ledger.entered_s != UNKNOWN))
    stage = np.full(len(desk.won), -1, np.int64)
    stage[ledger.deal[rows]] = ledger.stage[rows]  # in time order: of several the last one stands
    first = ledger.stage[ledger.start[:-1]].astype(np.int64)
    inside = desk.entered < day
    stage = np.where((stage < 0) & inside, first, stage)
    over = desk.ended & ~(desk.closed >= day)
    return np.where(inside & ~over, np.minimum(stage, ledger.won - 1), -1)


def stage_days(desk: Desk, until_days: float) -> Floats:
    """Return the days that each deal spent in each stage within so many days of entering, shape (D, won).

    Sums over the stages to the days until it ended, at most `until_days`; what no stay accounts for counts for the
    first stage.
    """
    ledger = desk.ledger
    total = np.minimum(np.where(desk.ended, desk.closed - desk.entered, until_days), until_days)
    spent = np.zeros((len(desk.won), ledger.won))
    entered, left = in_days(ledger.entered_s), in_days(ledger.left_s)
    start = desk.entered[ledger.deal]
    begin = np.clip(entered - start, 0, until_days)
    stop = np.clip(np.where(np.isnan(left), until_days, left - start), 0, total[ledger.deal])
    mine = (ledger.stage < ledger.won) & ~np.isnan(begin) & ~np.isnan(stop)
    np.add.at(spent, (ledger.deal[mine], ledger.stage[mine]), np.maximum(stop - begin, 0)[mine])
    spent[:, 0] += np.nan_to_num(total - spent.sum(axis=1))
    return spent
