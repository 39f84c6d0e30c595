"""Counts from a ledger: golden figures, hand counts, plain loops, balance."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from funnelnb.core.errors import ParameterError
from funnelnb.data.count.groups import DAY_S, Cohort, cohort_codes, period_labels
from funnelnb.data.count.tally import stage_counts, stay_counts, time_counts
from funnelnb.data.ledger.build import ledger_of
from funnelnb.data.ledger.codes import Codes
from tests.data.floors import at, book, messy_deals, messy_floor, playbook
from tests.data.reference import Recorded, read_all, stage_table, stay_table, time_rows

if TYPE_CHECKING:
    from funnelnb.data.count.counts import StageCounts, StayCounts, TimeCounts
    from funnelnb.data.ledger.ledger import Ledger

MODEL = playbook(3, 1)
POSITIONS = 5
AMOUNT = 1e-9  # relative: sums of the same numbers in another order


def check_table(counts: StageCounts | StayCounts, group: int, table: dict[str, list[float]]) -> None:
    """Compare every counted field of one group with the plain loop's."""
    names = [field.name for field in fields(counts) if field.name.endswith(("_n", "_amount", "_sq"))]
    for name in set(names) - {"deal_n", "reached_amount_n", "unsure_n", "unsure_unplaced_n"}:
        if getattr(counts, name) is None:
            assert not any(table[name]), name
            continue
        found, wanted = getattr(counts, name)[group], table[name]
        if name.endswith("_n"):
            assert found.tolist() == wanted, name
        else:
            np.testing.assert_allclose(found, wanted, rtol=AMOUNT, err_msg=name)


def check_times(
    counts: TimeCounts, group: int, rows: dict[tuple[int, int, int], list[float]], unknown_n: int
) -> None:
    mine = counts.group == group
    keys = list(
        zip(*(x[mine].tolist() for x in (counts.time_s, counts.entry_s, counts.outcome)), strict=True)
    )
    assert keys == sorted(rows)  # distinct, in order of time
    assert counts.n[mine].tolist() == [rows[key][0] for key in keys]
    np.testing.assert_allclose(counts.amount[mine], [rows[key][1] for key in keys], rtol=AMOUNT)
    assert counts.unknown_n[group] == unknown_n


def weekly_report() -> list[Recorded]:
    """D1: 100 -> 80 -> 40 -> 20 -> 10 -> 5, everybody else lost where they stood."""
    reached = [100, 80, 40, 20, 10, 5]
    deals = []
    for k in range(100):
        furthest = sum(k < n for n in reached) - 1
        rows = [(at(day), day) for day in range(furthest + 1)]
        outcome = "won" if furthest == 5 else "lost"
        deals.append(Recorded(created=at(0), closed=at(furthest), outcome=outcome, rows=rows, amount=2.0))
    return deals


def test_golden_d1() -> None:
    ledger = ledger_of(book(weekly_report(), model=playbook(5, 0), as_of=at(90)))
    counts = stage_counts(ledger)
    assert counts.reached_n.tolist() == [[100, 80, 40, 20, 10, 5]]
    assert counts.advanced_n.tolist() == [[80, 40, 20, 10, 5, 0]]
    assert counts.lost_n.tolist() == [[20, 40, 20, 10, 5, 0]]
    assert (counts.advanced_n[0, :5] / counts.reached_n[0, :5]).tolist() == [0.8, 0.5, 0.5, 0.5, 0.5]
    assert counts.reached_n[0, 5] / counts.reached_n[0, 0] == 0.05
    assert counts.reached_amount.tolist() == [[200, 160, 80, 40, 20, 10]]
    times = time_counts(ledger, 0, 5)
    table = zip((times.time_s // DAY_S).tolist(), times.outcome.tolist(), times.n.tolist(), strict=True)
    assert list(table) == [(0, 2, 20), (1, 2, 40), (2, 2, 20), (3, 2, 10), (4, 2, 5), (5, 1, 5)]


def hand_floor() -> Ledger:
    deals = [
        Recorded(created=at(0), rows=[(at(0), 0), (at(2), 1)], region="East", team="A", amount=10.0),
        Recorded(
            created=at(0), rows=[(at(0), 0), (at(3), 2), (at(5), 1)], region="East", team="B", amount=20.0
        ),
        Recorded(
            created=at(1),
            closed=at(4),
            outcome="won",
            rows=[(at(1), 0)],
            region="West",
            team="A",
            amount=40.0,
        ),
        Recorded(created=at(1), closed=at(6), outcome="lost", rows=[(at(1), 0)], region="West", team="A"),
        Recorded(created=at(40), closed=at(41), outcome="left", rows=[(at(40), 0)], team="B", amount=-1.0),
    ]
    return ledger_of(book(deals, as_of=at(50)))


def test_stage_counts_by_hand() -> None:
    counts = stage_counts(hand_floor(), "region")
    assert (counts.by, counts.groups) == (("region",), (("",), ("East",), ("West",)))
    assert counts.deal_n.tolist() == [1, 2, 2]
    assert counts.reached_n.tolist() == [[1, 0, 0, 0, 0], [2, 2, 1, 0, 0], [2, 1, 1, 1, 0]]
    assert counts.here_n.tolist() == [[0] * 5, [0, 1, 1, 0, 0], [0, 0, 0, 1, 0]]
    assert counts.lost_n.tolist() == [[0] * 5, [0] * 5, [1, 0, 0, 0, 0]]
    assert counts.left_n.tolist() == [[1, 0, 0, 0, 0], [0] * 5, [0] * 5]
    assert counts.reached_amount.tolist() == [[0] * 5, [30, 30, 20, 0, 0], [40, 40, 40, 40, 0]]
    assert counts.reached_amount_n.tolist() == [[0] * 5, [2, 2, 1, 0, 0], [1, 1, 1, 1, 0]]
    assert counts.decided_amount_sq.tolist() == [[0] * 5, [500, 400, 0, 0, 0], [1600, 1600, 1600, 0, 0]]


def test_stay_counts_by_hand() -> None:
    counts = stay_counts(hand_floor())
    assert counts.entered_n.tolist() == [[5, 2, 1, 1, 0]]
    assert counts.advanced_n.tolist() == [[1, 0, 0, 0, 0]]
    assert counts.skipped_n.tolist() == [[2, 0, 0, 0, 0]]
    assert counts.back_n.tolist() == [[0, 0, 1, 0, 0]]
    assert counts.lost_n.tolist() == [[1, 0, 0, 0, 0]]
    assert counts.left_n.tolist() == [[1, 0, 0, 0, 0]]
    assert counts.still_n.tolist() == [[0, 2, 0, 1, 0]]
    assert counts.entered_amount.tolist() == [[70, 30, 20, 40, 0]]


def test_two_attributes_and_a_cohort() -> None:
    ledger = hand_floor()
    assert stage_counts(ledger, ("region", "team")).groups == (
        ("", "B"),
        ("East", "A"),
        ("East", "B"),
        ("West", "A"),
    )
    counts = stage_counts(ledger, (Cohort("month"), "region"))
    assert counts.by == ("cohort", "region")
    assert counts.groups == (("2026-01", "East"), ("2026-01", "West"), ("2026-02", ""))
    assert counts.deal_n.tolist() == [2, 2, 1]
    own = Codes(codes=np.array([0, 0, 1, 1, 1], np.int32), labels=("small", "large"), name="size")
    assert stage_counts(ledger, own).deal_n.tolist() == [2, 3]


def test_wrong_attribute_is_named() -> None:
    with pytest.raises(ParameterError, match=r"(?s)'regio'.*did you mean 'region'"):
        stage_counts(hand_floor(), "regio")
    with pytest.raises(ParameterError, match="twice"):
        stay_counts(hand_floor(), ("region", "region"))
    with pytest.raises(ParameterError, match="period = 'day'"):
        cohort_codes(hand_floor(), "day")
    with pytest.raises(ParameterError, match=r"origin = 2, target = 2"):
        time_counts(hand_floor(), 2, 2)


def test_cohorts() -> None:
    days = np.array(["2024-12-30", "2026-01-01", "2027-01-03", "2027-01-04", "1969-12-31"], "datetime64[D]")
    weeks = period_labels(days.astype(np.int64), "week")
    assert weeks == ["2025-W01", "2026-W01", "2026-W53", "2027-W01", "1970-W01"]
    iso = [day.item().isocalendar() for day in days]
    assert weeks == [f"{one.year}-W{one.week:02d}" for one in iso]
    assert period_labels(days.astype(np.int64), "quarter")[:2] == ["2024-Q4", "2026-Q1"]
    assert period_labels(days.astype(np.int64), "year")[:2] == ["2024", "2026"]
    deals = [Recorded(created=at(40)), Recorded(rows=[(at(3), 0)]), Recorded(rows=[(at(3), 1)]), Recorded()]
    codes = cohort_codes(ledger_of(book(deals, as_of=at(50))), "month")
    assert [codes.labels[k] for k in codes.codes] == ["2026-02", "2026-01", "", ""]


def test_late_entry() -> None:
    deals = [
        Recorded(created=at(0), rows=[(at(0), 0), (at(4), 1)]),  # advanced before anybody looked
        Recorded(created=at(0), rows=[(at(0), 0), (at(9), 1)]),
        Recorded(created=at(6), rows=[(at(6), 0)]),
        Recorded(created=at(5), closed=at(5), outcome="lost", rows=[(at(5), 0)]),
    ]
    ledger = ledger_of(book(deals, as_of=at(10), observed_from=at(5)))
    counts = time_counts(ledger, 0, 1)
    assert (counts.time_s // DAY_S).tolist() == [0, 4, 9]
    assert (counts.entry_s // DAY_S).tolist() == [0, 0, 5]
    assert counts.outcome.tolist() == [2, 0, 1]


def without_unseen_stays(deals: list[Recorded], known: list[Any], as_of: int, since: int) -> None:
    """Take away the stays that older deals would have had in the first stage until the first move on record.

    If most older deals with any row have one from before `since`, moves are recorded from the start after all.
    """
    rows = [[row for row in deal.rows if row[0] <= as_of] for deal in deals]
    older = [
        one is not None and deal.created is not None and deal.created < since
        for deal, one in zip(deals, known, strict=True)
    ]
    early = [
        any(time < since for time, _ in mine) for mine, old in zip(rows, older, strict=True) if old and mine
    ]
    if not early or sum(early) >= len(early) / 2:
        return
    for deal, one, mine, old in zip(deals, known, rows, older, strict=True):
        moves = sorted(row for row in mine if row[1] not in ("lost", "left"))
        if old and moves and moves[0][0] >= since and moves[0][1] != 0 and deal.created < moves[0][0]:
            del one.visits[0], one.followed[0]


@settings(max_examples=60, deadline=None)
@given(
    deals=messy_deals(positions=POSITIONS),
    as_of=st.integers(-1, 10).map(at),
    since=st.none() | st.integers(0, 5).map(at),
)
def test_counts_are_what_plain_loops_say(deals: list[Recorded], as_of: int, since: int | None) -> None:
    ledger = ledger_of(book(deals, as_of=as_of, observed_from=since))
    known = read_all(deals, as_of=as_of, won=MODEL.won, positions=POSITIONS)
    if since is not None:
        without_unseen_stays(deals, known, as_of, since)
    there = [(deal.region or "", one) for deal, one in zip(deals, known, strict=True) if one is not None]
    groups = tuple((region,) for region in sorted({region for region, _ in there}))
    stages, stays = stage_counts(ledger, "region"), stay_counts(ledger, "region")
    assert stages.groups == stays.groups == groups
    for g, (region,) in enumerate(groups):
        mine = [one for where, one in there if where == region]
        assert stages.deal_n[g] == len(mine)
        check_table(stages, g, stage_table(mine, POSITIONS))
        check_table(stays, g, stay_table(mine, POSITIONS))
        for origin, target in [(0, 1), (0, 3), (1, 3), (2, 4)]:
            times = time_counts(ledger, origin, target, "region")
            if since is not None or times.weight is not None or times.unknown_n.any():
                continue  # what stands for what is not known has tests of its own (tests/truth)
            check_times(times, g, *time_rows(mine, origin, target, as_of=as_of, observed_from=since))


@settings(max_examples=60, deadline=None)
@given(deals=messy_deals(positions=POSITIONS, most=12), as_of=st.integers(0, 10).map(at))
def test_ledger_balances(deals: list[Recorded], as_of: int) -> None:
    ledger = ledger_of(book(deals, as_of=as_of))
    for by in ((), ("region", "team"), Cohort("week")):
        stays, stages = stay_counts(ledger, by), stage_counts(ledger, by)
        ways = ("advanced", "skipped", "back", "lost", "left", "still")
        assert (stays.entered_n == sum(getattr(stays, f"{way}_n") for way in ways)).all()
        balance = sum(getattr(stays, f"{way}_amount") for way in ways)
        np.testing.assert_allclose(stays.entered_amount, balance, rtol=AMOUNT)
        ways = ("advanced", "here", "lost", "left")
        first = np.zeros(stages.reached_n.shape), np.zeros(stages.reached_n.shape)
        if stages.unplaced_n is not None:
            first[0][:, 0], first[1][:, 0] = stages.unplaced_n.sum(axis=1), stages.unplaced_amount.sum(axis=1)
        assert (stages.reached_n == sum(getattr(stages, f"{way}_n") for way in ways) + first[0]).all()
        balance = sum(getattr(stages, f"{way}_amount") for way in ways) + first[1]
        np.testing.assert_allclose(stages.reached_amount, balance, rtol=AMOUNT)
        # what entered a stage came from somewhere: first stays plus moves
        assert stays.entered_n.sum() == len(ledger.deal)
        assert stages.deal_n.sum() == stays.still_n.sum() + stays.lost_n.sum() + stays.left_n.sum()
        assert (stages.reached_n[:, 1:] <= stages.reached_n[:, :-1]).all()


def test_groups_add_up_to_the_whole() -> None:
    ledger = ledger_of(book(messy_floor(3, 2000, model=MODEL), as_of=at(70)))
    for count in (stage_counts, stay_counts):
        whole, parts = count(ledger), count(ledger, ("region", "team"))
        for field in fields(whole):
            if field.name.endswith("_n") and getattr(whole, field.name) is not None:
                assert (getattr(parts, field.name).sum(axis=0) == getattr(whole, field.name)[0]).all(), (
                    field.name
                )
    whole, parts = time_counts(ledger, 0, 3), time_counts(ledger, 0, 3, Cohort("month"))
    assert parts.n.sum() + parts.unknown_n.sum() == whole.n.sum() + whole.unknown_n.sum()
    assert whole.n.sum() + whole.unknown_n[0] == stage_counts(ledger).reached_n[0, 0]


def test_times_that_do_not_fit_one_key() -> None:
    """Seconds over centuries with late entry: the long way gives the same rows."""
    early = at(0) - 86_400 * 365 * 1800
    deals = [Recorded(created=early + k * 86_401, rows=[(early + k * 86_401, 0)]) for k in range(5)] * 2
    ledger = ledger_of(book(deals, as_of=at(1), observed_from=at(0)))
    counts = time_counts(ledger, 0, 3)
    assert counts.n.tolist() == [2] * 5
    assert counts.time_s.tolist() == sorted(at(1) - (early + k * 86_401) for k in range(5))
