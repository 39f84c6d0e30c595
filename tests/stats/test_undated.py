"""Losses without a date: the share won by counting, the share lost as a fixed point of plain loops.

Floors with known truth: tests/truth/test_undated.py.
"""

import numpy as np
import pytest

from funnelnb.stats.curves import undated
from funnelnb.stats.curves.incidence import aalen_johansen
from funnelnb.stats.curves.undated import LOST, LOST_UNDATED, OPEN, WON, incidence_undated, won_at_risk


def floor(seed, size=30):
    """Deals watched to unequal limits; a loss is dated, or known by its last sign of life."""
    rng = np.random.default_rng(seed)
    limit = rng.integers(8, 30, size)
    time = np.minimum(rng.integers(1, 25, size), limit)
    kind = rng.choice([OPEN, WON, LOST, LOST_UNDATED], size, p=[0.2, 0.3, 0.25, 0.25])
    time = np.where(kind == OPEN, limit, time)
    return time, kind, limit, rng.integers(1, 4, size)


def won_by_counting(time, kind, limit, n, day):
    """1 - prod (1 - d / Y), and Greenwood's variance, with the lost at risk as long as they could be watched."""
    kept, sum_of = 1.0, 0.0
    for t in sorted(set(time[(kind == WON) & (time <= day)])):
        y = sum(n[(time >= t) & ((kind == WON) | (kind == OPEN))]) + sum(n[(limit >= t) & (kind >= LOST)])
        d = sum(n[(time == t) & (kind == WON)])
        kept *= 1 - d / y
        sum_of += d / (y * (y - d))
    return 1 - kept, kept**2 * sum_of


def lost_by_loops(time, kind, limit, n):
    """Turnbull's fixed point: each loss over the cells it may fall in, each open deal over those after its age."""
    cells = sorted(set(time[kind == LOST]) | set(limit[kind == LOST_UNDATED]))
    won = [0.0] + [won_by_counting(time, kind, limit, n, cell)[0] for cell in cells]
    mass = [sum(n[kind >= LOST]) / sum(n) / len(cells)] * len(cells)
    for _ in range(400):
        fresh = [0.0] * len(cells)
        for t, what, until, count in zip(time, kind, limit, n, strict=True):
            if what == WON:
                continue
            if what == LOST:
                where, whole = [cells.index(t)], None
            elif what == LOST_UNDATED:
                where, whole = [c for c, cell in enumerate(cells) if cell <= until], None
            else:
                where = [c for c, cell in enumerate(cells) if cell > t]
                first = len(cells) - len(where)
                # still open at its age: neither won by then, nor lost
                ahead = sum(mass[c] for c in where)
                whole = max(1 - won[first] - sum(mass[:first]), ahead + 1e-12)
            inside = sum(mass[c] for c in where) if whole is None else whole
            for c in where:
                fresh[c] += count * mass[c] / inside / sum(n)
        change = max(abs(a - b) for a, b in zip(fresh, mass, strict=True))
        mass = fresh
        if change < 1e-7:
            break
    return lambda day: sum(m for m, cell in zip(mass, cells, strict=True) if cell <= day)


@pytest.mark.parametrize("seed", range(3))
def test_every_figure_is_that_of_counting_and_of_a_plain_fixed_point(seed):
    time, kind, limit, n = floor(seed)
    found = incidence_undated(time, kind, limit, n)
    curve = found.incidence
    late, early = (
        aalen_johansen(np.where(kind == LOST_UNDATED, at, time), np.minimum(kind, LOST), n)
        for at in (limit, time)
    )

    def at(one, day):
        row = np.searchsorted(one.time, day, side="right") - 1
        return one.rate[1, row] if row >= 0 else 0.0

    lost_by = lost_by_loops(time, kind, limit, n)
    for k, day in enumerate(curve.time):
        won, variance = won_by_counting(time, kind, limit, n, day)
        assert curve.rate[0, k] == pytest.approx(won, abs=1e-12)
        assert curve.variance[0, k] == pytest.approx(variance, abs=1e-12)
        lost = min(lost_by(day), 1 - won)
        assert curve.rate[1, k] == pytest.approx(lost, abs=1e-6)
        assert curve.open_rate[k] == pytest.approx(1 - won - lost, abs=1e-6)
        assert curve.at_risk_rate[k] == pytest.approx(
            1 - won_by_counting(time, kind, limit, n, day - 0.5)[0], abs=1e-12
        )
        assert curve.there_n[k] == n[time >= day].sum()
        assert found.lost_least[k] == pytest.approx(min(at(late, day), 1 - won), abs=1e-12)
        most = max(at(early, day), at(late, day))
        assert found.lost_most[k] == pytest.approx(min(most, 1 - won), abs=1e-12)
    assert np.isnan(curve.variance[1]).all()
    assert (curve.event_n[1] == 0).all()


def test_who_stays_at_risk_how_long():
    time, kind = won_at_risk([3, 4, 5, 6], [OPEN, WON, LOST, LOST_UNDATED], [9, 9, 9, 8])
    assert (time.tolist(), kind.tolist()) == ([3, 4, 9, 8], [OPEN, WON, OPEN, OPEN])


def test_without_losses_nobody_is_lost_and_a_limit_before_the_time_is_the_time():
    found = incidence_undated([2, 5, 7], [WON, OPEN, WON], [9, 9, 9])
    assert (found.incidence.rate[1] == 0).all()
    assert (found.lost_most == 0).all()
    short = incidence_undated([5, 9, 6], [WON, WON, LOST_UNDATED], [9, 9, 1])
    same = incidence_undated([5, 9, 6], [WON, WON, LOST_UNDATED], [9, 9, 6])
    np.testing.assert_array_equal(short.incidence.rate, same.incidence.rate)


def test_many_days_are_cells_that_divide_the_losses_evenly():
    days = np.arange(1, 1_001, dtype=float)
    cells = undated._cells(days, np.full(1_000, LOST), days)
    assert cells.size == 240
    np.testing.assert_allclose(cells, np.arange(1, 241) / 240 * 1_000, rtol=0, atol=2.0)
    assert cells[-1] == 1_000
    few = undated._cells(np.array([4.0, 2, 9]), np.array([LOST, LOST_UNDATED, WON]), np.array([7.0, 8, 9]))
    assert few.tolist() == [4, 8]
