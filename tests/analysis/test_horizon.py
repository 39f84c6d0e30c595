"""The automatic horizon: the rule by hand, the same for all groups, never beyond what deals can show."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

import funnelnb as fn
from funnelnb.analysis.conversion.cohort import cohort
from funnelnb.analysis.conversion.conversion import conversion
from funnelnb.analysis.conversion.segments import segments
from funnelnb.analysis.shared import by_day
from funnelnb.analysis.shared.horizon import CANDIDATES_DAYS, automatic, watched_days
from funnelnb.analysis.shared.reach import longest_horizon
from funnelnb.core.errors import ParameterError
from funnelnb.data.count.counts import ADVANCED, CENSORED, LOST_OUT
from tests.analysis.floors import Deal, Floor, playbook, random_floor


def floor_of(decided, open_ages, today=1000.0):
    """One deal decided after each of `decided` days (all begun on day 0), one open deal of each age."""
    done = [
        Deal(visits=((0, 0.0),), end=("won", "lost")[k % 2], closed=float(day))
        for k, day in enumerate(decided)
    ]
    young = [Deal(visits=((0, today - age),)) for age in open_ages]
    return Floor(deals=(*done, *young), playbook=playbook("lead"), today=today)


def chosen(floor):
    result = conversion(floor)
    note = next(note for note in result.notes if note.code.startswith("horizon_"))
    return result.horizon_days, note.code, note.values


@pytest.mark.parametrize(
    ("decided", "expected", "share"),
    [
        ([10] * 9 + [300], 30, 0.9),
        ([10] * 8 + [300] * 2, 365, 1.0),
        ([30] * 10, 30, 1.0),
        ([31] * 10, 60, 1.0),
        ([100] * 9 + [500], 120, 0.9),
        ([500] * 10, 365, 0.0),
    ],
)
def test_first_by_which_nine_in_ten_decisions_were_made(decided, expected, share):
    days, code, facts = chosen(floor_of(decided, []))
    assert (days, code) == (expected, "horizon_chosen")
    assert facts == {"horizon_days": expected, "decided_share": share, "decisions_n": 10}


def test_capped_by_what_the_oldest_tenth_can_show():
    """Of 100 open deals of age 1 to 100 days the oldest tenth is 91 days or older."""
    floor = floor_of([], range(1, 101))
    assert chosen(floor)[:2] == (90, "horizon_undecided")
    few = floor_of([170] * 2, range(1, 101), today=1000.0)
    assert chosen(few)[:2] == (90, "horizon_capped")
    short = floor_of([], range(1, 21))
    assert chosen(short)[:2] == (19, "horizon_undecided")


def test_reverse_kaplan_meier_by_hand():
    """Open at 10 and 30, decided at 10 and 20: censoring curve 1 up to 10, then 1 - 1/3, then 0 after 30."""
    from funnelnb.data.count.tally import time_counts

    floor = floor_of([10, 20], [10, 30])
    assert watched_days(time_counts(floor.book().ledger, 0, 1)) == 30
    many = floor_of([5] * 50, [10] * 95 + [30] * 5)
    assert watched_days(many.time_counts(0, 1)) == 10
    assert watched_days(floor_of([5], []).time_counts(0, 1)) == np.inf
    tied = floor_of([10] * 80, [10] * 19 + [20])  # at 10 days the decided go first: 19 of 20 are censored
    assert watched_days(tied.time_counts(0, 1)) == 10


def test_same_for_all_groups_and_all_questions():
    floor = random_floor(11, deal_n=200)
    days = automatic(floor)
    assert conversion(floor.book()).horizon_days == days
    assert conversion(floor, by=("region", "size")).horizon_days == days
    assert cohort(floor.book(), by="size").horizon_days == days
    assert segments(floor, by="region", measure="by_day").horizon_days == days
    assert conversion(floor, origin_stage="s2").horizon_days == automatic(floor, origin_stage="s2")


def test_given_horizon_is_kept_without_note():
    result = conversion(random_floor(1), horizon_days=45)
    assert result.horizon_days == 45.0
    assert not [note for note in result.notes if note.code.startswith("horizon_chosen")]
    with pytest.raises(ParameterError, match="horizon_days = -3"):
        cohort(random_floor(1).book(), horizon_days=-3)


def test_late_deals_do_not_move_it():
    """A deal created after the as-of date has no say."""
    floor = random_floor(2)
    later = Deal(
        visits=((0, 181.0),), end="lost", closed=700.0, attributes={"region": "East", "size": "small"}
    )
    more = dataclasses.replace(floor, deals=(*floor.deals, later))
    assert automatic(more.book()) == automatic(floor.book())


def carried_times(open_n: int) -> by_day.Times:
    """100 deals: 60 won on day 40, the rest lost on day 60, `open_n` of them still open on day 100."""
    day = 86_400
    rows = [(40, ADVANCED, 60), (60, LOST_OUT, 40 - open_n), (100, CENSORED, open_n)]
    kept = [row for row in rows if row[2]]
    return by_day.Times(
        time_s=np.array([row[0] * day for row in kept], np.int64),
        entry_s=np.zeros(len(kept), np.int64),
        outcome=np.array([row[1] for row in kept], np.int8),
        n=np.array([row[2] for row in kept], np.int64),
        amount=np.zeros(len(kept)),
    )


def test_beyond_what_is_seen_the_last_rate_stands_while_nearly_all_are_decided():
    """3 of 100 still open on day 100: by day 180 between 60 and 63 have been won, whatever those do."""
    seen = by_day.watch(carried_times(3), 100, 0.9).day
    later = by_day.watch(carried_times(3), 180, 0.9).day
    assert later.carried
    assert not seen.carried
    assert (later.rate, later.lost_rate, later.open_rate) == pytest.approx((0.60, 0.37, 0.03))
    assert later.ci_lower == seen.ci_lower
    assert later.ci_upper == pytest.approx(seen.ci_upper + 0.03)


def test_beyond_what_is_seen_nothing_is_said_while_many_are_open():
    later = by_day.watch(carried_times(6), 180, 0.9).day
    assert np.isnan(later.rate)
    assert not later.carried


def test_all_decided_needs_no_carrying():
    later = by_day.watch(carried_times(0), 180, 0.9).day
    assert later.settled
    assert not later.carried
    assert later.rate == pytest.approx(0.60)


@pytest.mark.parametrize("span_days", [20, 45, 100, 150, 400])
def test_the_longest_horizon_is_the_last_that_gives_a_rate(span_days):
    """Against fn.conversion asked at every horizon offered: the longest whose rate is known, up to the one wanted."""
    rng = np.random.default_rng(span_days)
    as_of = np.datetime64("2026-06-30")
    rows = []
    for k in range(120):
        born = as_of - np.timedelta64(int(rng.integers(0, span_days)), "D")
        closes = born + np.timedelta64(int(rng.integers(1, 60)), "D")
        outcome = ("won", "lost")[k % 2] if closes <= as_of else "open"
        rows.append(
            {"opportunity_id": f"D{k}", "created_at": born, "closed_at": closes if outcome != "open" else None,
             "outcome": outcome, "stage": "won" if outcome == "won" else "lead"}
        )  # fmt: skip
    book = fn.load(pd.DataFrame(rows), playbook=["lead", "won"], as_of="2026-06-30")
    for wanted in (180.0, 90.0):
        known = [
            days
            for days in (*CANDIDATES_DAYS, wanted)
            if days <= wanted and np.isfinite(conversion(book, horizon_days=days).overall[0].by_day_rate)
        ]
        assert longest_horizon(book, wanted) == (max(known) if known else wanted)
        assert span_days < 150 or max(known) == wanted
