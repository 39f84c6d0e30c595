"""Each rule of the ledger on a deal counted by hand."""

import datetime as dt

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from funnelnb.core.errors import FunnelError, MissingDataError
from funnelnb.data.book import Book
from funnelnb.data.contract.clock import UNKNOWN
from funnelnb.data.ledger import dating
from funnelnb.data.ledger.build import ledger_of, seconds
from funnelnb.data.ledger.coded import Keys
from funnelnb.data.ledger.codes import FACTS, LEFT, LEFT_DEAL, LOST, LOST_DEAL, OPEN_DEAL, STILL, WON_DEAL
from funnelnb.data.ledger.ledger import Ledger
from tests.data.floors import at, book, frames, playbook
from tests.data.reference import Recorded

WON, AFTER = 3, 4


def days(times: np.ndarray) -> list[float | None]:
    """Return times as days since 2026-01-01, None where unknown."""
    return [None if time == UNKNOWN else (int(time) - at(0)) / 86_400 for time in np.ravel(times)]


def one(*rows: tuple[float, int | str], as_of: float = 30, **facts: object) -> Ledger:
    """Build the ledger of one deal; times in days."""
    for name in ("created", "closed"):
        if name in facts:
            facts[name] = at(facts[name])
    deal = Recorded(rows=[(at(day), stage) for day, stage in rows], **facts)
    return ledger_of(book([deal], as_of=at(as_of)))


def stays(ledger: Ledger) -> list[tuple[int, float | None, float | None, int]]:
    """Return (stage, entered, left, next) of each stay."""
    return list(
        zip(
            ledger.stage.tolist(),
            days(ledger.entered_s),
            days(ledger.left_s),
            ledger.next.tolist(),
            strict=True,
        )
    )


def test_open_deal_that_moves_forward() -> None:
    ledger = one((1, 0), (3, 1), (7, 2), created=1)
    assert stays(ledger) == [(0, 1, 3, 1), (1, 3, 7, 2), (2, 7, None, STILL)]
    assert days(ledger.reached_s) == [1, 3, 7, None, None]
    assert (ledger.outcome[0], ledger.furthest[0], days(ledger.closed_s)) == (OPEN_DEAL, 2, [None])
    assert ledger.notes[0].code == "amount_unknown"


def test_row_order_does_not_matter_and_ties_follow_the_stages() -> None:
    ledger = one((7, 2), (1, 1), (1, 0), created=1)
    assert stays(ledger) == [(0, 1, 1, 1), (1, 1, 7, 2), (2, 7, None, STILL)]


def test_rows_of_one_stage_in_a_row_are_one_stay() -> None:
    ledger = one((1, 0), (2, 0), (5, 1), (6, 1), created=1)
    assert stays(ledger) == [(0, 1, 5, 1), (1, 5, None, STILL)]


def test_skip_ahead_reaches_the_skipped_stages_at_once() -> None:
    ledger = one((1, 0), (4, 2), created=1)
    assert stays(ledger) == [(0, 1, 4, 2), (2, 4, None, STILL)]
    assert days(ledger.reached_s) == [1, 4, 4, None, None]


def test_move_back_is_a_new_stay_and_first_passage_stands() -> None:
    ledger = one((1, 0), (2, 2), (5, 1), (9, 2), created=1)
    assert stays(ledger) == [(0, 1, 2, 2), (2, 2, 5, 1), (1, 5, 9, 2), (2, 9, None, STILL)]
    assert days(ledger.reached_s) == [1, 2, 2, None, None]
    assert ledger.furthest.tolist() == [2]


def test_created_before_the_first_row_is_a_stay_in_the_first_stage() -> None:
    ledger = one((4, 1), created=1)
    assert stays(ledger) == [(0, 1, 4, 1), (1, 4, None, STILL)]
    assert stays(one((4, 0), (6, 1), created=1)) == [(0, 1, 6, 1), (1, 6, None, STILL)]


@pytest.mark.parametrize("created", [4, 6])
def test_created_at_or_after_the_first_row_was_created_there(created: float) -> None:
    ledger = one((4, 1), (7, 2), created=created)
    assert stays(ledger) == [(1, 4, 7, 2), (2, 7, None, STILL)]
    assert days(ledger.reached_s) == [4, 4, 7, None, None]
    assert days(ledger.created_s) == [created]


def test_unknown_creation_leaves_earlier_times_unknown() -> None:
    ledger = one((4, 1), (7, 2))
    assert stays(ledger) == [(1, 4, 7, 2), (2, 7, None, STILL)]
    assert days(ledger.reached_s) == [None, 4, 7, None, None]
    assert days(one((4, 2), (6, 0), (7, 1)).reached_s) == [None, None, 4, None, None]


def test_won_deal_enters_the_won_stage_when_closed() -> None:
    ledger = one((1, 0), (3, 1), created=1, closed=8, outcome="won")
    assert stays(ledger) == [(0, 1, 3, 1), (1, 3, 8, WON), (WON, 8, None, STILL)]
    assert days(ledger.reached_s) == [1, 3, 8, 8, None]
    assert (ledger.outcome[0], days(ledger.closed_s)) == (WON_DEAL, [8])


def test_history_says_when_a_deal_was_won() -> None:
    ledger = one((1, 0), (6, WON), created=1, closed=8, outcome="won")
    assert stays(ledger) == [(0, 1, 6, WON), (WON, 6, None, STILL)]
    assert stays(one((1, 0), (6, "won"), created=1, outcome="open")) == stays(ledger)


def test_won_before_the_last_row_is_won_with_it() -> None:
    ledger = one((1, 0), (9, 1), created=1, closed=8, outcome="won")
    assert stays(ledger) == [(0, 1, 9, 1), (1, 9, 9, WON), (WON, 9, None, STILL)]
    assert [note.code for note in ledger.notes if note.code == "closed_before_last_stage"]


def test_after_sale_stays_follow_the_won_stage() -> None:
    expected = [(0, 1, 8, WON), (WON, 8, 12, AFTER), (AFTER, 12, None, STILL)]
    assert stays(one((1, 0), (12, AFTER), created=1, closed=8, outcome="won")) == expected
    assert stays(one((1, 0), (8, WON), (12, AFTER), created=1, outcome="won", closed=8)) == expected


def test_won_without_a_date() -> None:
    ledger = one((1, 0), (3, 1), created=1, outcome="won")
    assert stays(ledger) == [(0, 1, 3, 1), (1, 3, None, WON), (WON, None, None, STILL)]
    assert days(ledger.reached_s) == [1, 3, None, None, None]


@pytest.mark.parametrize(
    ("outcome", "following", "deal"), [("lost_competitor", LOST, LOST_DEAL), ("left", LEFT, LEFT_DEAL)]
)
def test_end_of_a_deal_ends_its_last_stay(outcome: str, following: int, deal: int) -> None:
    ledger = one((1, 0), (3, 1), created=1, closed=8, outcome=outcome)
    assert stays(ledger) == [(0, 1, 3, 1), (1, 3, 8, following)]
    assert (ledger.outcome[0], days(ledger.closed_s), days(ledger.reached_s)) == (
        deal,
        [8],
        [1, 3, None, None, None],
    )


def test_mark_at_the_end_closes_an_open_deal() -> None:
    ledger = one((1, 0), (3, 1), (8, "lost"), created=1)
    assert stays(ledger) == [(0, 1, 3, 1), (1, 3, 8, LOST)]
    assert ledger.outcome.tolist() == [LOST_DEAL]


def test_reopened_deal_is_one_deal_continued() -> None:
    ledger = one((1, 0), (3, 1), (8, "lost"), (11, 2), created=1)
    assert stays(ledger) == [(0, 1, 3, 1), (1, 3, 11, 2), (2, 11, None, STILL)]
    assert {note.code: dict(note.values) for note in ledger.notes}["reopened"] == {
        "deals_n": 1,
        "of_n": 1,
        "examples": "d0",
    }
    again = one((1, 0), (3, WON), (8, 1), created=1)
    assert stays(again) == [(0, 1, 3, WON), (WON, 3, 8, 1), (1, 8, None, STILL)]
    assert {note.code for note in again.notes} == {"win_taken_back", "amount_unknown"}


def test_reopened_later_is_still_lost_at_the_as_of_date() -> None:
    story = {"created": 1, "closed": 20, "outcome": "won"}
    ledger = one((1, 0), (8, "lost"), (11, 2), as_of=9, **story)
    assert stays(ledger) == [(0, 1, 8, LOST)]


def test_deal_without_history() -> None:
    assert stays(one(created=1)) == [(0, 1, None, STILL)]
    assert stays(one(created=1, stage=0, outcome="lost", closed=5)) == [(0, 1, 5, LOST)]
    ledger = one(created=1, stage=2)
    assert stays(ledger) == [(0, 1, None, 2), (2, None, None, STILL)]
    assert days(ledger.reached_s) == [1, None, None, None, None]
    assert ledger.notes[0].code == "history_missing"


def test_deal_without_history_that_ended() -> None:
    assert stays(one(created=1, stage=2, outcome="lost", closed=5)) == [(0, 1, None, 2), (2, None, 5, LOST)]
    ledger = one(created=1, stage=WON, outcome="won", closed=5)
    assert stays(ledger) == [(0, 1, None, WON), (WON, 5, None, STILL)]
    assert days(ledger.reached_s) == [1, None, None, 5, None]
    assert stays(one(created=1, stage=2, outcome="won", closed=5)) == [
        (0, 1, None, 2),
        (2, None, 5, WON),
        (WON, 5, None, STILL),
    ]


def test_deal_without_history_and_creation_date() -> None:
    assert stays(one(stage=1)) == [(1, None, None, STILL)]
    assert stays(one()) == [(0, None, None, STILL)]
    ledger = one(outcome="won", closed=5)
    assert stays(ledger) == [(WON, 5, None, STILL)]
    assert days(ledger.reached_s) == [None, None, None, 5, None]


def test_nothing_after_the_as_of_date_counts() -> None:
    assert len(one((5, 0), created=5, as_of=4).outcome) == 0
    ledger = one((1, 0), (3, 1), (9, 2), created=1, closed=12, outcome="won", stage=WON, as_of=8)
    assert stays(ledger) == [(0, 1, 3, 1), (1, 3, None, STILL)]
    assert (ledger.outcome[0], days(ledger.closed_s)) == (OPEN_DEAL, [None])
    assert stays(one(created=1, closed=12, outcome="lost", stage=2, as_of=8)) == [(0, 1, None, STILL)]
    assert stays(one((9, 2), created=1, stage=2, as_of=8)) == [(0, 1, None, STILL)]


def test_unusable_rows_are_left_out_and_reported() -> None:
    opportunities, _ = frames([Recorded(created=at(1))], playbook())
    rows = pd.DataFrame(
        {
            "opportunity_id": ["d0", "d0", "d0", "ghost", None],
            "stage": ["s1", "no such stage", "s2", "s1", "s1"],
            "entered_at": pd.to_datetime(["2026-01-04", "2026-01-05", None, "2026-01-04", "2026-01-04"]),
        }
    )
    tables = {"opportunities": opportunities, "stage_history": rows.astype({"stage": "str"})}
    ledger = ledger_of(Book(tables=tables, playbook=playbook(), as_of=np.datetime64(at(30), "s")))
    assert stays(ledger) == [(0, 1, 3, 1), (1, 3, None, STILL)]
    assert dict(ledger.notes[0].values) == {"rows_n": 4}


def test_errors_name_what_is_wrong() -> None:
    opportunities, _ = frames([Recorded(), Recorded()], playbook())
    as_of = np.datetime64(at(30), "s")
    twice = opportunities.assign(opportunity_id="d0")
    with pytest.raises(FunnelError, match="2 deals with the id 'd0'"):
        ledger_of(Book(tables={"opportunities": twice}, playbook=playbook(), as_of=as_of))
    odd = opportunities.assign(outcome=["open", "wonn"])
    with pytest.raises(FunnelError, match=r"(?s)outcome 'wonn'.*did you mean 'won'"):
        ledger_of(Book(tables={"opportunities": odd}, playbook=playbook(), as_of=as_of))
    with pytest.raises(MissingDataError, match="no column 'opportunity_id'"):
        ledger_of(Book(tables={"opportunities": odd[["outcome"]]}, playbook=playbook(), as_of=as_of))


def test_only_ids_are_needed_and_no_deal_is_a_ledger_too() -> None:
    opportunities, history = frames([Recorded(), Recorded()], playbook())
    as_of = np.datetime64(at(30), "s")
    ledger = ledger_of(
        Book(tables={"opportunities": opportunities[["opportunity_id"]]}, playbook=playbook(), as_of=as_of)
    )
    assert stays(ledger) == [(0, None, None, STILL)] * 2
    empty = ledger_of(
        Book(
            tables={"opportunities": opportunities[:0], "stage_history": history},
            playbook=playbook(),
            as_of=as_of,
        )
    )
    assert (len(empty.deal), empty.start.tolist(), empty.reached_s.shape) == (0, [0], (0, 5))


def test_dates_too_far_back_are_refused() -> None:
    opportunities, _ = frames([Recorded(created=at(1))], playbook())
    opportunities["created_at"] = np.array([-(2**62)], "datetime64[us]")
    with pytest.raises(FunnelError, match="too far back"):
        Keys.fitting(-(2**45), 0, 5, 2**20)
    assert len(
        ledger_of(
            Book(
                tables={"opportunities": opportunities}, playbook=playbook(), as_of=np.datetime64(at(1), "s")
            )
        ).deal
    )


def facts(ledger: Ledger, deal: int = 0) -> set[str]:
    """Return which facts are true of a deal."""
    return {name for name in FACTS if ledger.is_true(name)[deal]}


@pytest.mark.parametrize(
    ("rows", "deal", "true"),
    [
        (((1, 0), (3, 1)), {}, set()),
        ((), {"stage": 1}, {"history_missing"}),
        ((), {}, {"history_missing", "stage_unknown"}),
        ((), {"outcome": "won", "closed": 4}, {"history_missing"}),
        (((1, 1),), {"created": None, "amount": -5.0}, {"created_unknown", "amount_unknown"}),
        (((1, 0), (3, 1)), {"amount": 0.0}, set()),
        (((1, 0), (3, 1)), {"outcome": "lost"}, {"closed_date_missing"}),
        (((1, 0), (3, 1)), {"outcome": "won"}, {"closed_date_missing"}),
        (((1, 0), (8, 1)), {"outcome": "lost", "closed": 8}, set()),
        (((1, 0), (8, 1)), {"outcome": "lost", "closed": 5}, {"closed_before_last_stage"}),
        (((1, 0), (5, WON)), {"outcome": "won", "closed": 5}, set()),
        (((1, 0), (6, WON)), {"outcome": "won", "closed": 5}, {"closed_before_last_stage"}),
        (((1, 0), (6.1, WON)), {"outcome": "won", "closed": 5}, {"close_differs"}),
        (((1, 0), (4, WON)), {"outcome": "won", "closed": 5}, set()),
        (((1, 0), (3.9, WON)), {"outcome": "won", "closed": 5}, {"close_differs"}),
        (((1, 0), (3, WON), (8, 0), (12, WON)), {"outcome": "won", "closed": 12}, {"reopened"}),
        (((1, 0), (3, WON), (8, 2), (12, WON)), {"outcome": "won", "closed": 12}, {"reopened"}),
        (((1, 0), (3, AFTER), (8, 1), (12, WON)), {"outcome": "won", "closed": 12}, {"reopened"}),
        (((1, 0), (3, WON), (8, AFTER)), {"outcome": "won", "closed": 3}, set()),
        (((1, 0), (3, WON), (8, 0)), {}, {"win_taken_back"}),
        (((1, 0), (3, 2), (8, 0)), {}, set()),
        (((1, 0), (8, "lost"), (11, 2)), {}, {"reopened"}),
    ],
    ids=lambda one: str(sorted(one) if isinstance(one, set) else one),
)
def test_facts_of_a_deal(rows: tuple, deal: dict, true: set[str]) -> None:
    """What was missing, assumed or repaired, by the wording of the notes; a day's difference is none."""
    given = {"created": 1, "amount": 5.0} | deal
    ledger = one(*rows, **{name: value for name, value in given.items() if value is not None})
    assert facts(ledger) == true


def test_deal_without_history_or_date_of_creation() -> None:
    for stage, wanted in (
        (0, [(0, None, None, STILL)]),
        (1, [(1, None, None, STILL)]),
        (None, [(0, None, None, STILL)]),
    ):
        ledger = one(stage=stage)
        assert stays(ledger) == wanted
        assert days(ledger.reached_s) == [None] * 5
    won = one(outcome="won", closed=6)
    assert stays(won) == [(WON, 6, None, STILL)]
    assert days(won.reached_s) == [None, None, None, 6, None]


def floor_of(*rows: tuple[tuple[float, int], ...], created: float = 1) -> Ledger:
    """Build the ledger of older deals with these rows, and one deal of day 12; moves are recorded from day 10 on."""
    deals = [Recorded(created=at(created), rows=[(at(day), stage) for day, stage in one]) for one in rows]
    deals.append(Recorded(created=at(12), rows=[(at(12), 0), (at(14), 1)]))
    return ledger_of(book(deals, as_of=at(30), observed_from=at(10)))


def test_moves_before_the_records_are_not_known() -> None:
    """One of four older deals has an earlier row: the other three stood somewhere nobody recorded."""
    ledger = floor_of(((4, 0), (15, 1)), ((10.5, 1), (16, 2)), ((11, 1),), ())
    assert [("moves_before_records" in facts(ledger, k)) for k in range(5)] == [
        False,
        True,
        True,
        True,
        False,
    ]
    assert [days(row) for row in ledger.reached_s] == [
        [1, 15, None, None, None],
        [1, None, 16, None, None],  # a row of the first day tells where it stood, not since when
        [1, 11, None, None, None],
        [1, None, None, None, None],
        [12, 14, None, None, None],
    ]
    assert floor_of(((10, 0), (16, 2))).is_true("moves_before_records").tolist() == [True, False]
    assert not floor_of(((10, 0), (16, 2)), created=10).is_true("moves_before_records").any()


def test_moves_before_the_records_of_the_last_deal_are_not_known_either() -> None:
    deals = [Recorded(created=at(12), rows=[(at(12), 0)]), Recorded(created=at(1), rows=[(at(13), 2)])]
    ledger = ledger_of(book(deals, as_of=at(30), observed_from=at(10)))
    assert ledger.is_true("moves_before_records").tolist() == [False, True]
    assert days(ledger.reached_s[1]) == [1, None, 13, None, None]


def test_where_half_of_the_older_deals_have_rows_their_histories_are_whole() -> None:
    ledger = floor_of(((4, 0), (15, 1)), ((9, 0),), ((10.5, 1),), ((13, 2),), ())
    assert not ledger.is_true("moves_before_records").any()
    assert days(ledger.reached_s[2]) == [1, 10.5, None, None, None]


@pytest.mark.parametrize("waiting", [29, 30])
def test_closes_that_start_late_are_told(waiting: int) -> None:
    """Thirty deals of three days; so many began earlier than three days before the first close, and none closed."""
    started = np.array([at(0)] * waiting + [at(20) + k for k in range(30)])
    closed = np.array([UNKNOWN] * waiting + [at(23) + k for k in range(30)])
    found = dating.starts_late(started, closed, closed != UNKNOWN)
    if waiting < 30:
        assert found == ()
    else:
        (note,) = found
        assert note.code == "closes_start_late"
        assert dict(note.values) == {
            "first_start": "2026-01-01",
            "first_close": "2026-01-24",
            "n": 30,
            "usual_days": 3.0,
        }
    assert (
        dating.starts_late(started[1:], closed[1:], (closed != UNKNOWN)[1:] & (started[1:] != at(20))) is None
    )


def closes(*per_day: int) -> np.ndarray:
    """Return so many closing times on each day, an hour into it."""
    return np.concatenate([np.full(n, at(day) + 3_600) for day, n in enumerate(per_day)])


@pytest.mark.parametrize(
    ("per_day", "bulk"),
    [
        ((1, 1, 10), [2]),
        ((1, 1, 9), []),  # fewer than ten
        ((2, 2, 2, 16), [3]),
        ((2, 2, 2, 15), []),  # not eight times a usual day
        ((1,) * 539 + (11,), [539]),  # 2 % of 550 closes
        ((1,) * 540 + (11,), []),
        ((1, 1, 1, 30, 1, 40), [3, 5]),
    ],
)
def test_a_day_on_which_very_many_were_closed_is_told(per_day: tuple[int, ...], bulk: list[int]) -> None:
    at_s = closes(*per_day)
    lost = np.arange(at_s.size) % 3 == 0
    found = dating.closed_in_bulk(at_s, np.ones(at_s.size, bool), lost)
    wanted = [
        {
            "day": str(np.datetime64("2026-01-01") + np.timedelta64(day, "D")),
            "n": per_day[day],
            "of_n": at_s.size,
            "usual": f"{np.median(per_day):g}",
            "lost_n": int(lost[at_s // 86_400 == at(day) // 86_400].sum()),
        }
        for day in bulk
    ]
    assert [dict(note.values) for note in found] == wanted
    assert dating.closed_in_bulk(at_s, np.zeros(at_s.size, bool), lost) is None


def test_notes_on_dates_are_those_of_the_ledger() -> None:
    """Both notes; none on late closes where the settings say when records begin; a creation date may be missing."""
    deals = [Recorded(created=at(0), rows=[(at(0), 0)]) for _ in range(29)]
    deals.append(Recorded(rows=[(at(1), 1)]))
    deals += [Recorded(created=at(30), closed=at(33), outcome="lost", rows=[(at(30), 0)]) for _ in range(30)]
    deals += [
        Recorded(created=at(32), closed=at(34 + k), outcome="lost", rows=[(at(32), 0)]) for k in range(3)
    ]
    ledger = ledger_of(book(deals, as_of=at(40)))
    both = dating.notes_of(ledger, observed=False)
    assert [note.code for note in both] == ["closes_start_late", "bulk_close"]
    assert (both[0].values["n"], both[1].values["n"], both[1].values["lost_n"]) == (30, 30, 30)
    assert [note.code for note in dating.notes_of(ledger, observed=True)] == ["bulk_close"]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_times_of_every_unit_are_whole_seconds(unit: str) -> None:
    moments = [dt.datetime(1969, 12, 31, 23, 59, 59), dt.datetime(2026, 3, 1, 12, 30, 7), None]
    column = pa.array(moments, pa.timestamp(unit))
    assert seconds(column, "created_at").tolist() == [-1, 1_772_368_207, UNKNOWN]


def test_at_an_earlier_day_only_ends_without_a_date_are_unsure() -> None:
    """Lost without a date: perhaps still open then; who still moved on was; who has dates is known."""
    mark = 1 << FACTS.index("state_then_unknown")
    undated = one((0, 0), (5, 1), (40, 2), outcome="lost", created=0)
    assert not undated.facts[0] & mark  # moved on after the day
    dated = one((0, 0), (5, 1), outcome="lost", created=0, closed=40)
    assert not dated.facts[0] & mark
