"""How long each deal could be watched: the counts behind it, and ages by a plain loop."""

import numpy as np
import pytest

import funnelnb as fn
from funnelnb.core.errors import ParameterError
from funnelnb.data.contract.calendar import Calendar
from funnelnb.data.count.counts import CENSORED
from funnelnb.data.count.tally import time_counts, watched_deals
from tests.analysis.desk import book
from tests.analysis.floors import Deal

WEEK = Calendar(name="business")


@pytest.mark.parametrize("calendar", [None, WEEK])
def test_the_deals_are_those_behind_the_counts(calendar) -> None:
    ledger = fn.sample().ledger
    counts = time_counts(ledger, 0, ledger.won, "region", calendar)
    deals = watched_deals(ledger, 0, ledger.won, "region", calendar)
    rows = np.stack((deals.group, deals.time_s, deals.entry_s, deals.outcome))
    distinct, n = np.unique(rows, axis=1, return_counts=True)
    counted = np.stack((counts.group, counts.time_s, counts.entry_s, counts.outcome))  # by account besides
    expected, place = np.unique(counted, axis=1, return_inverse=True)
    assert distinct.tolist() == expected.tolist()
    assert n.tolist() == np.bincount(place.reshape(-1), weights=counts.n).astype(int).tolist()


def test_limits_are_ages_by_hand() -> None:
    """As of day 100: won, lost, open, and one that left undecided on day 60."""
    deals = watched_deals(
        book(
            Deal(visits=((0, 10.0), (1, 15.0)), end="won", closed=30.0),
            Deal(visits=((0, 40.0),), end="lost", closed=45.0),
            Deal(visits=((0, 70.0),)),
            Deal(visits=((0, 20.0),), end="left", closed=60.0),
        ).ledger,
        0,
        1,
    )
    rows = zip((deals.time_s // 86_400).tolist(), (deals.limit_s // 86_400).tolist(), strict=True)
    assert sorted(rows) == [(5, 60), (5, 90), (30, 30), (40, 40)]
    still = deals.outcome == CENSORED
    assert (deals.time_s[still] == deals.limit_s[still]).all()


def test_limits_in_business_days_count_no_weekend() -> None:
    """Day 10 is Sunday 2026-01-11, day 100 Saturday 2026-04-11: 13 weeks of five days less nothing."""
    ledger = book(Deal(visits=((0, 10.0), (1, 15.0)), end="won", closed=30.0)).ledger
    (days,) = watched_deals(ledger, 0, 1, calendar=WEEK).limit_s / 86_400
    assert days == np.busday_count("2026-01-11", "2026-04-11")


def test_positions_out_of_order() -> None:
    with pytest.raises(ParameterError, match="origin = 2"):
        watched_deals(fn.sample().ledger, 2, 1)
