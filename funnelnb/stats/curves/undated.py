"""By day t, how many were won and how many lost, when some losses have no date?

A deal that is known to be lost is known never to be won. How long it *could* have been watched (from its start to the
export) is known of every deal. So the share won by day t needs no date of any loss; the share lost by day t is known
through intervals: a loss fell between the last sign of life and the export.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from funnelnb.core import check
from funnelnb.stats.curves.incidence import Incidence, aalen_johansen

Floats = NDArray[np.float64]

OPEN, WON, LOST, LOST_UNDATED = 0, 1, 2, 3
"""Outcomes of a row."""

CELLS = 240
"""Times at which losses may fall while they are shared out over their intervals."""
ROUNDS, CLOSE, _LEAST = 400, 1e-7, 1e-12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Undated:
    """Share won and share lost by time, the latter with what is certain about it.

    Attributes
    ----------
    incidence : Incidence
        Row 0 won, row 1 lost. The share lost is the most likely one given the intervals; it has no variance.
    lost_least, lost_most : ndarray of float64, shape (T,)
        Share lost by each time of the curve if every undated loss fell as late, and as early, as it can have.
    """

    incidence: Incidence
    lost_least: Floats
    lost_most: Floats


def won_at_risk(
    time: ArrayLike, outcome: ArrayLike, limit: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return times and outcomes in which lost deals stay under observation as long as they could have been watched.

    Parameters
    ----------
    time : array_like of shape (R,)
    outcome : array_like of int, shape (R,)
        OPEN, WON, LOST, LOST_UNDATED.
    limit : array_like of shape (R,)
        How long each deal could have been watched.
    """
    kind = np.asarray(outcome)
    lost = kind >= LOST
    return (
        np.where(lost, np.asarray(limit, dtype=float), np.asarray(time, dtype=float)),
        np.where(lost, OPEN, kind).astype(np.int64),
    )


def incidence_undated(
    time: ArrayLike,
    outcome: ArrayLike,
    limit: ArrayLike,
    n: ArrayLike | None = None,
    confidence_level: float = check.CONFIDENCE_LEVEL,
) -> Undated:
    """By each time, which share was won and which lost, when the times of some losses are not known?

    Parameters
    ----------
    time : array_like of shape (R,)
        Time from the origin to the win, the loss, or the end of observation; of an undated loss: to its last sign of
        life. >= 0, any unit.
    outcome : array_like of int, shape (R,)
        OPEN, WON, LOST, LOST_UNDATED.
    limit : array_like of shape (R,)
        How long each deal could have been watched; read of the lost ones only, not below `time`.
    n : array_like of int, shape (R,), optional
        Deals behind each row. Default 1 each.
    confidence_level : float

    Returns
    -------
    Undated

    Notes
    -----
    *Won*: a lost deal is never won, so it stays at risk of winning until the time to which it could have been watched
    (the subdistribution view: Fine & Gray 1999, with the censoring times all known). ``F(t) = 1 - prod (1 - d / Y)``
    over that risk set, with Greenwood's variance. It needs that the length of watching has nothing to do with the
    fate of a deal: no trend between deals created early and late. Nobody may come under observation late.

    *Lost*: the self-consistent share (Turnbull 1976) on a grid: each undated loss is spread over the time before the
    export, each open deal beyond its age, in proportion to the share itself, until nothing changes. The last sign of
    life does not narrow that interval, since it is not independent of the loss: with it the share lost by day 90 of a
    floor was 6 points too low. Bounds: the Aalen-Johansen share with all undated losses at the export, and at their
    last sign of life.

    References
    ----------
    Fine & Gray (1999), doi:10.1080/01621459.1999.10474144. Turnbull (1976),
    doi:10.1111/j.2517-6161.1976.tb01597.x.

    Checked against Aalen-Johansen (equal where nobody's watching ends before t), dated losses (equal to it again) and
    floors with known truth (``tests/truth/test_undated.py``).

    Examples
    --------
    >>> found = incidence_undated([5, 9, 2, 2], [1, 1, 3, 3], limit=[30, 30, 30, 30])
    >>> found.incidence.at(10).rate[0].tolist()
    [0.5]
    >>> float(found.lost_least[-1]), float(found.lost_most[-1])
    (0.5, 0.5)
    """
    when, kind = np.asarray(time, dtype=float), np.asarray(outcome).astype(np.int64)
    until = np.maximum(np.asarray(limit, dtype=float), when)
    count = np.ones(when.shape, np.int64) if n is None else np.asarray(n)
    watched, won = won_at_risk(when, kind, until)
    curve = aalen_johansen(watched, won, count, None, confidence_level, causes=1, weighted=True)
    grid = curve.time
    lost = _lost(when, kind, until, count, curve)
    bounds = [
        aalen_johansen(
            at, np.where(kind == LOST_UNDATED, LOST, kind), count, None, confidence_level, weighted=True
        )
        for at in (np.where(kind == LOST_UNDATED, until, when), when)
    ]
    least, most = (_read(one.time, one.rate[1], grid) for one in bounds)
    spare = 1 - curve.rate[0]
    seen = bounds[1]  # under observation as long as there was a sign of life
    there = np.append(seen.at_risk, 0.0)[np.searchsorted(seen.time, grid, side="left")]
    rate = np.stack([curve.rate[0], np.minimum(lost, spare)])
    nothing = np.full_like(lost, np.nan)
    found = replace(
        curve,
        event_n=np.concatenate([curve.event_n, np.zeros_like(curve.event_n)]),
        rate=rate,
        variance=np.stack([curve.variance[0], nothing]),
        open_rate=np.maximum(1 - rate.sum(axis=0), 0.0),
        at_risk_rate=np.concatenate(([1.0], 1 - curve.rate[0][:-1])),
        there_n=there,
    )
    return Undated(
        incidence=found,
        lost_least=np.minimum(least, spare),
        lost_most=np.minimum(np.maximum(most, least), spare),
    )


def _read(time: Floats, curve: Floats, at: Floats) -> Floats:
    row = np.searchsorted(time, at, side="right") - 1
    return np.where(row >= 0, curve[np.maximum(row, 0)], 0.0)


def _lost(
    when: Floats, kind: NDArray[np.int64], until: Floats, count: NDArray[np.int64], won: Incidence
) -> Floats:
    """Return the most likely share lost by each time of `won`."""
    cells = _cells(when, kind, until)
    first, last = _spans(cells, when, kind, until)
    own = kind >= LOST
    seen = np.where(own | (kind == OPEN), count, 0).astype(float)
    total = float(count.sum())
    if not total or not seen[own].sum():
        return np.zeros_like(won.time)
    never_won = 1 - _read(won.time, won.rate[0], np.append(0.0, cells))
    spread = _Spread.of(first, last, own, seen, never_won)
    mass = np.full(cells.size, seen[own].sum() / total / cells.size)
    for _ in range(ROUNDS):
        fresh = spread.again(mass) / total
        change = np.abs(fresh - mass).max()
        mass = fresh
        if change < CLOSE:
            break
    return _read(np.append(0.0, cells), np.append(0.0, np.cumsum(mass)), won.time)


def _cells(when: Floats, kind: NDArray[np.int64], until: Floats) -> Floats:
    """Return the times at which losses may fall: those known, and the ends of the intervals."""
    edges = np.unique(np.concatenate([when[kind == LOST], until[kind == LOST_UNDATED]]))
    if edges.size > CELLS:
        edges = np.unique(np.quantile(edges, np.arange(1, CELLS + 1) / CELLS, method="higher"))
    return edges


def _spans(
    cells: Floats, when: Floats, kind: NDArray[np.int64], until: Floats
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first and last cell (one past it) in which each deal may be lost."""
    exact = np.minimum(np.searchsorted(cells, when), cells.size - 1)
    begin = np.where(kind == LOST, exact, 0)
    end = np.minimum(np.searchsorted(cells, until, side="left"), cells.size - 1) + 1
    end = np.where(kind == LOST, begin + 1, end)
    begin = np.where(kind == OPEN, np.searchsorted(cells, when, side="right"), begin)
    return begin, np.where(kind == OPEN, cells.size, end)


@dataclass(slots=True)
class _Spread:
    """Rows with the same span, counted once: (first, last) of losses, first of open deals."""

    lost: tuple[NDArray[np.int64], NDArray[np.int64], Floats]
    still: tuple[NDArray[np.int64], Floats]
    never_won: Floats

    @classmethod
    def of(
        cls,
        first: NDArray[np.int64],
        last: NDArray[np.int64],
        own: NDArray[np.bool_],
        seen: Floats,
        never_won: Floats,
    ) -> _Spread:
        size = never_won.size + 1
        pairs, place = np.unique(first[own] * size + last[own], return_inverse=True)
        lost = (pairs // size, pairs % size, np.bincount(place, weights=seen[own]).astype(np.float64))
        rest = ~own & (seen > 0)
        still = np.bincount(first[rest], weights=seen[rest], minlength=size).astype(np.float64)
        begins = np.flatnonzero(still).astype(np.int64)
        return cls(lost=lost, still=(begins, still[begins]), never_won=never_won)

    def again(self, mass: Floats) -> Floats:
        """Return the expected number of losses in each cell, given their shares."""
        sums = np.append(0.0, np.cumsum(mass))
        first, last, n = self.lost
        inside = sums[last] - sums[first]
        got = _between(mass.size, first, last, n / np.maximum(inside, _LEAST))
        begins, open_n = self.still
        ahead = sums[-1] - sums[begins]
        there = np.maximum(
            self.never_won[np.minimum(begins, self.never_won.size - 1)] - sums[begins], ahead + _LEAST
        )
        got = got + _between(mass.size, begins, np.full(begins.size, mass.size), open_n / there)
        return mass * got


def _between(size: int, first: NDArray[np.int64], last: NDArray[np.int64], value: Floats) -> Floats:
    """Return at each cell the sum of `value` over the spans that hold it."""
    steps = np.zeros(size + 1)
    np.add.at(steps, first, value)
    np.add.at(steps, last, -value)
    return np.cumsum(steps)[:size]
