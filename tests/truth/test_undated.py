"""Won by day t needs no date of any loss; lost by day t is estimated and bounded."""

from dataclasses import replace

import numpy as np
import pytest

import funnelnb as fn
from funnelnb.stats.curves.incidence import aalen_johansen
from funnelnb.stats.curves.undated import incidence_undated
from tests.truth import worlds

WORLD = worlds.World()
TRUTH = worlds.truth(WORLD, 100_000)


def found(seed, share, size=600):
    rng = np.random.default_rng(seed)
    given = worlds.export(worlds.draw(WORLD, size, rng), WORLD.span)
    rows = worlds.times(worlds.undated_losses(given, share, rng))
    del rows["cluster"]
    return incidence_undated(**rows), rows


def at(curve, values, day):
    return values[np.searchsorted(curve.time, day, side="right") - 1]


def test_share_won_does_not_depend_on_which_losses_are_dated():
    curves = [found(3, share)[0].incidence.rate[0] for share in (0.0, 0.4, 1.0)]
    assert np.array_equal(curves[0], curves[1])
    assert np.array_equal(curves[0], curves[2])


def test_equals_aalen_johansen_where_everybody_is_watched_to_the_horizon():
    rng = np.random.default_rng(1)
    time, kind = rng.integers(1, 60, 200), rng.integers(0, 3, 200)
    time[kind == 0] = 100
    mine = incidence_undated(time, kind, np.full(200, 100)).incidence.at(50)
    assert mine.rate[0] == pytest.approx(aalen_johansen(time, kind).at(50).rate[0], abs=1e-12)
    assert mine.rate[1] == pytest.approx(aalen_johansen(time, kind).at(50).rate[1], abs=1e-6)


@pytest.mark.parametrize("share", [1.0, 0.5])
def test_unbiased_and_covering(share):
    runs, day = 120, 90
    won, lost, inside, bounded = [], [], 0, 0
    for seed in range(runs):
        result, _ = found(seed, share)
        read = result.incidence.at(day)
        won.append(read.rate[0, 0])
        lost.append(at(result.incidence, result.incidence.rate[1], day))
        inside += read.ci_lower[0, 0] <= TRUTH.won_by(day) <= read.ci_upper[0, 0]
        lower, upper = (at(result.incidence, one, day) for one in (result.lost_least, result.lost_most))
        bounded += lower <= TRUTH.lost_by(day) <= upper
    assert np.mean(won) == pytest.approx(TRUTH.won_by(day), abs=0.006)
    assert np.mean(lost) == pytest.approx(TRUTH.lost_by(day), abs=0.02)
    assert 0.84 <= inside / runs <= 0.96
    assert bounded / runs >= 0.9


def test_share_lost_lies_within_its_bounds_and_the_three_add_to_one():
    result, _ = found(9, 0.7)
    curve = result.incidence
    assert (result.lost_least <= curve.rate[1] + 0.03).all()
    assert (result.lost_least <= result.lost_most + 1e-12).all()
    assert curve.rate.sum(axis=0) + curve.open_rate == pytest.approx(np.ones(curve.time.size))


def test_bounds_by_hand():
    # lost somewhere in (2, 10] and (0, 10]; one won on day 5
    result = incidence_undated([5, 2, 0], [1, 3, 3], [10, 10, 10])
    day = at(result.incidence, result.lost_least, 6), at(result.incidence, result.lost_most, 6)
    assert day == pytest.approx((0.0, 2 / 3))


def test_counted_rows_equal_single_rows():
    _, rows = found(4, 0.5, 300)
    one = incidence_undated(**rows).incidence
    stacked = np.stack([rows["time"], rows["outcome"], rows["limit"]])
    distinct, n = np.unique(stacked, axis=1, return_counts=True)
    other = incidence_undated(distinct[0], distinct[1], distinct[2], n).incidence
    assert one.rate == pytest.approx(other.rate, abs=1e-9)
    assert one.variance[0] == pytest.approx(other.variance[0])


def test_bounds_of_the_lost_are_those_of_the_latest_and_the_earliest_dates():
    """All undated losses at the as-of date, and all at the last sign of life: no more and no less."""
    full = worlds.export(worlds.draw(worlds.World(), 600, np.random.default_rng(3)), 500)
    given = worlds.undated_losses(full, 0.5, np.random.default_rng(103))
    gone = (full.outcome == "lost") & ~np.isfinite(given.closed)
    last = np.full(full.n, -1.0)
    np.maximum.at(last, given.rows[0], given.rows[2])

    def lost(closed):
        dated = replace(full, closed=np.where(gone, closed, full.closed))
        return fn.conversion(worlds.quick_book(dated), horizon_days=90).overall[0].by_day_lost_rate

    row = fn.conversion(worlds.quick_book(given), horizon_days=90).overall[0]
    assert row.by_day_lost_least_rate == pytest.approx(lost(np.full(full.n, 500.0)))
    assert row.by_day_lost_most_rate == pytest.approx(lost(last))
