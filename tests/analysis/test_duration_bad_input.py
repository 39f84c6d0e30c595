"""Files that are wrong, empty or extreme, from CSV to result: right numbers, or a refusal that says where and why.

Warnings are errors here as everywhere; any exception but a refusal fails the test.
"""

from __future__ import annotations

import dataclasses
import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import funnelnb as fn
from funnelnb.analysis.shared.counts import time_counts
from funnelnb.core.errors import DataProblems, MissingDataError, ParameterError, SourceError
from funnelnb.stats.lifetime.fit import FAMILIES

if TYPE_CHECKING:
    from pathlib import Path

STAGES = ["lead", "offer", "talks", "won"]
DEALS = "opportunity_id,created_at,closed_at,stage,outcome,amount\n"
HISTORY = "opportunity_id,stage,entered_at\n"


def day(month: int, k: int) -> str:
    return f"2026-{month:02d}-{1 + k % 28:02d}"


GOOD = DEALS + "".join(f"d{k},{day(1, k)},{day(3, k)},won,won,10\n" for k in range(30))
"""Thirty deals won after 59 days, rows 2 to 31 of the file."""
ON = HISTORY + "".join(
    f"d{k},lead,{day(1, k)}\nd{k},offer,{day(2, k)}\nd{k},won,{day(3, k)}\n" for k in range(30)
)


def files(folder: Path, deals: str, history: str = "") -> Path:
    (folder / "opportunities.csv").write_text(deals, encoding="utf-8")
    if history:
        (folder / "stage_history.csv").write_text(history, encoding="utf-8")
    return folder


def load(folder: Path, deals: str, history: str = "", **options: Any) -> fn.Book:
    return fn.load(files(folder, deals, history), playbook=STAGES, **options)


def codes(result: Any) -> set[str]:
    return {note.code for note in result.notes}


def whole(book: fn.Book, **options: Any) -> Any:
    return fn.duration(book, **options).rows[-1]


def everything(book: fn.Book) -> None:
    """Ask every question of time in every way, say it in words, and check what must hold of any answer."""
    for to, stage, calendar in itertools.product(
        ("any", "advance", "lose"), (None, *STAGES[:-1]), (None, "business")
    ):
        result = fn.duration(book, to=to, stage=stage, calendar=calendar)
        sane(result, book)
        assert result.text("en")
        assert result.finding("zh")
    for family in FAMILIES:
        sane(fn.duration(book, family=family), book)
    for calendar in (None, "business"):
        stuck, ageing = fn.stuck(book, calendar=calendar), fn.ageing(book, calendar=calendar)
        assert sorted(deal.rank for deal in stuck.deals) == list(range(1, stuck.n + 1))
        assert not any(deal.age_days < 0 for deal in stuck.deals)
        assert sum(cell.open_n for cell in ageing.cells) == ageing.n <= stuck.n
        for cell in ageing.cells:
            shares = (cell.won_30_rate, cell.won_60_rate, cell.won_90_rate, cell.lost_90_rate)
            assert all(np.isnan(share) or 0 <= share <= 1 for share in shares)
            assert cell.enough or np.isnan(shares).all()
        for one in (stuck, ageing):
            assert one.text("en")
            assert one.finding("zh")


def sane(result: Any, book: fn.Book) -> None:
    for row in result.rows:
        assert 0 <= row.closed_n <= row.n - row.open_n <= row.n <= len(book.opportunities)
        for value in dataclasses.asdict(row).values():
            assert not (isinstance(value, float) and value < 0 and value != -np.inf), row
        middle = (row.median_ci_lower, row.median_days, row.median_ci_upper)
        assert np.isnan(middle).all() or middle == tuple(sorted(middle))
        shares = [getattr(row, f"still_{limit}_rate") for limit in (30, 60, 90, 120)]
        known = [share for share in shares if not np.isnan(share)]
        assert known == sorted(known, reverse=True)
        assert all(0 <= share <= 1 for share in known)
        assert row.n or np.isnan(middle).all(), "no deal, no number"
        assert row.enough or not row.n or row.n < 10 or "early_risk_small" in codes(result)
    for fit in result.fits:
        said = np.isfinite(fit.median_days)
        assert said == (fit.verdict in ("chosen", "runner_up", "other", "too_far")) or fit.never
        assert not said or fit.median_days > 0


# -- negative durations ----------------------------------------------------------------------------------------------


def test_closed_before_created_is_refused_with_row_and_remedy(tmp_path):
    deals = GOOD + "x,2026-02-10,2026-01-10,lead,lost,5\ny,2026-02-11,2026-01-10,lead,lost,5\n"
    with pytest.raises(DataProblems) as error:
        load(tmp_path, deals)
    (problem,) = error.value.problems
    assert (problem.file, problem.row, problem.rows_n) == ("opportunities.csv", 32, 2)
    assert (problem.column, problem.value) == ("closed_at", "2026-01-10 < 2026-02-10")
    assert 'closed_before_created = "drop"' in problem.remedy
    assert not fn.data.check_data(tmp_path, playbook=STAGES).ok


@pytest.mark.parametrize(("policy", "unknown_n"), [("drop", 0), ("keep", 1)])
def test_closed_before_created_dropped_or_of_unknown_length(tmp_path, policy, unknown_n):
    deals = GOOD + "x,2026-02-10,2026-01-10,lead,lost,5\n"
    book = load(tmp_path, deals, mapping={"problems": {"closed_before_created": policy}})
    assert f"closed_before_created_{'dropped' if policy == 'drop' else 'kept'}" in codes(book)
    result = fn.duration(book)
    assert (result.rows[-1].n, result.rows[-1].median_days) == (30, 59)
    assert len(book.opportunities) == 30 + unknown_n
    everything(book)


def test_rows_of_a_history_may_come_in_any_order(tmp_path):
    """A lead again after the offer has moved back; the file may say so in any order."""
    deals = GOOD + "x,2026-02-10,2026-03-10,won,won,5\n"
    rows = ["x,lead,2026-02-10\n", "x,offer,2026-02-15\n", "x,lead,2026-03-01\n", "x,won,2026-03-10\n"]
    found = []
    for k, order in enumerate(itertools.permutations(rows)):
        folder = tmp_path / str(k)
        folder.mkdir()
        book = load(folder, deals, ON + "".join(order))
        found.append(repr(fn.duration(book).rows))
        assert whole(book, stage="lead").last_event_days == 31
    assert len(set(found)) == 1
    everything(book)


def test_a_stage_entered_before_the_creation_counts_from_there_and_is_told(tmp_path):
    deals, history = (
        GOOD + "x,2026-02-10,2026-03-10,won,won,5\n",
        ON + "x,lead,2026-01-01\nx,won,2026-03-10\n",
    )
    book = load(tmp_path, deals, history)
    (note,) = (one for one in book.notes if one.code == "history_before_created_kept")
    assert (note.values["file"], note.values["row"], note.values["n"]) == ("stage_history.csv", 92, 1)
    assert whole(book).last_event_days == 68, "from 1 January, not from 10 February"
    everything(book)


def test_a_history_that_goes_on_after_the_close_is_told(tmp_path):
    deals, history = GOOD + "x,2026-02-10,2026-02-20,offer,lost,5\n", ON + "x,offer,2026-03-15\n"
    book = load(tmp_path, deals, history)
    result = fn.duration(book, to="lose")
    assert "closed_before_last_stage" in codes(result)
    assert result.rows[-1].naive_median_days == 33, "10 February to 15 March, where the history ends"
    everything(book)


# -- nothing to estimate from ----------------------------------------------------------------------------------------


def test_all_deals_of_one_day_take_no_time(tmp_path):
    rows = [f"d{k},{day(1, k)},{day(1, k)},{'won,won' if k % 3 else 'lead,lost'},10\n" for k in range(40)]
    book = load(tmp_path, DEALS + "".join(rows))
    result = fn.duration(book)
    row = result.rows[-1]
    assert (row.n, row.closed_n, row.median_days, row.median_ci_upper, row.still_30_rate) == (40, 40, 0, 0, 0)
    assert {fit.verdict for fit in result.fits} <= {"flat", "no_spread"}, "0 days are no distribution"
    assert whole(book, to="lose").q25_days == 0
    assert whole(book, to="lose").median_days == np.inf, "14 of 40 are lost: no half"
    everything(book)


def test_stages_passed_on_the_day_of_creation(tmp_path):
    stages = "".join(f"d{k},{name},{day(1, k)}\n" for k in range(20) for name in STAGES)
    deals = DEALS + "".join(f"d{k},{day(1, k)},{day(1, k)},won,won,1\n" for k in range(20))
    book = load(tmp_path, deals, HISTORY + stages)
    for row in fn.duration(book).rows:
        assert (row.n, row.median_days, row.naive_mean_days, row.last_event_days) == (20, 0, 0, 0)
    everything(book)


def test_one_open_deal(tmp_path):
    book = load(tmp_path, DEALS + "a,2026-01-05,,lead,open,5\n", as_of="2026-03-02")
    row = whole(book)
    assert (row.n, row.open_n, row.median_days, row.enough) == (1, 1, np.inf, False)
    assert "too_few" in codes(fn.duration(book))
    assert fn.stuck(book).deals[0].age_days == 56
    assert not fn.stuck(book).deals[0].listed
    everything(book)


def test_one_won_deal(tmp_path):
    book = load(tmp_path, DEALS + "a,2026-01-05,2026-02-02,won,won,5\n")
    row = whole(book)
    assert (row.n, row.median_days, row.naive_median_days, row.enough) == (1, 28, 28, False)
    assert fn.duration(book).fits == ()
    assert fn.stuck(book).n == 0
    everything(book)


def test_a_deal_without_any_date(tmp_path):
    with pytest.raises(MissingDataError, match="no date at all"):
        load(tmp_path, DEALS + "a,,,lead,open,5\n")
    report = fn.data.check_data(tmp_path, playbook=STAGES)
    assert not report.ok, "what loading refuses, the check refuses"
    assert report.problems[0].found == "the data hold no date at all"
    assert "as_of" in report.problems[0].remedy
    book = load(tmp_path, DEALS + "a,,,lead,open,5\n", as_of="2026-03-02")
    result = fn.duration(book)
    assert result.n == 0
    assert np.isnan(result.rows[-1].median_days)
    assert {"created_unknown", "times_unknown"} <= codes(result)
    assert "age_unknown" in codes(fn.ageing(book))


def test_no_deal_has_ended(tmp_path):
    rows = "".join(f"d{k},{day(1, k)},,lead,open,10\n" for k in range(40))
    with pytest.raises(ParameterError, match="nothing is recorded in the 153 days"):
        load(tmp_path, DEALS + rows, as_of="2026-06-30")
    book = load(tmp_path, DEALS + rows, as_of="2026-06-30", mapping={"as_of_reason": "read by hand since"})
    result = fn.duration(book)
    row = result.rows[-1]
    assert (row.closed_n, row.open_n, row.median_days, row.q25_days) == (0, 40, np.inf, np.inf)
    assert row.median_ci_lower > 150, "forty deals watched so long without an end say that much"
    assert {fit.verdict for fit in result.fits} == {"all_open"}
    assert np.isnan([fit.median_days for fit in result.fits]).all()
    assert fn.stuck(book).listed_n == 0
    everything(book)


def test_all_created_on_the_as_of_date(tmp_path):
    rows = "".join(f"d{k},2026-01-01,,lead,open,10\n" for k in range(40))
    book = load(tmp_path, DEALS + rows, as_of="2026-01-01")
    row = whole(book)
    assert (row.n, row.median_days, row.median_ci_lower) == (40, np.inf, np.inf)
    assert np.isnan(row.still_30_rate)
    assert not any(deal.listed for deal in fn.stuck(book).deals)
    everything(book)


@pytest.mark.parametrize("end", ["won,won", "lead,lost"])
def test_all_ends_on_the_same_day(tmp_path, end):
    rows = "".join(f"d{k},{day(1, k)},{day(2, k)},{end},10\n" for k in range(40))
    book = load(tmp_path, DEALS + rows, as_of="2026-06-30")
    result = fn.duration(book)
    row = result.rows[-1]
    assert (row.median_ci_lower, row.median_days, row.median_ci_upper) == (31, 31, 31)
    assert (row.q25_days, row.q75_days, row.still_30_rate, row.still_60_rate) == (31, 31, 1, 0)
    verdicts = {fit.family: fit.verdict for fit in result.fits if fit.overall}
    assert verdicts.pop("exponential") == "too_far"
    assert set(verdicts.values()) == {"no_spread"}
    everything(book)


def test_one_early_and_all_others_tied_has_bounds(tmp_path):
    """An upper bound where nobody is open any more; it used to be missing."""
    rows = "".join(f"d{k},{day(1, k)},{day(2, k)},lead,lost,10\n" for k in range(30))
    book = load(tmp_path, DEALS + rows + "x,2026-01-01,2026-01-06,lead,lost,1\n")
    row = whole(book)
    assert (row.median_ci_lower, row.median_days, row.median_ci_upper) == (31, 31, 31)


def test_only_won_deals(tmp_path):
    book = load(tmp_path, GOOD)
    row = whole(book)
    assert (row.n, row.closed_n, row.median_days, row.naive_difference_days) == (30, 30, 59, 0)
    assert whole(book, to="lose").median_days == np.inf
    assert "nothing_lost" in {item.note.code for item in fn.data.check_data(tmp_path, playbook=STAGES).items}
    assert fn.stuck(book).n == 0
    everything(book)


def test_only_won_deals_with_a_history_and_none_open(tmp_path):
    """Nobody to judge; it used to fail with a TypeError."""
    book = load(tmp_path, GOOD, ON)
    assert [row.median_days for row in fn.duration(book).rows] == [31, 28, 0, 59]
    assert (fn.stuck(book).n, fn.stuck(book).deals) == (0, ())
    everything(book)


@pytest.mark.parametrize(("text", "says"), [("", "is empty"), (DEALS, "a header and no rows"), ("\n\n", "")])
def test_empty_files(tmp_path, text, says):
    files(tmp_path, text)
    for read in (fn.load, fn.data.check_data):
        with pytest.raises(SourceError, match=rf"opportunities\.csv.*{says}"):
            read(tmp_path, playbook=STAGES)


# -- dates that are none -----------------------------------------------------------------------------------------------

OPEN_ENDS = ("9999-12-31", "2050-01-01", "2049-06-30", "31.12.9999", "9999-12-31 23:59:59")


@pytest.mark.parametrize("mark", OPEN_ENDS)
@pytest.mark.parametrize("column", ["created_at", "closed_at"])
def test_open_ends_of_open_deals_are_no_dates(tmp_path, mark, column):
    dates = f"{mark}," if column == "created_at" else f"2026-01-05,{mark}"
    book = load(tmp_path, GOOD + f"x,{dates},lead,open,5\n")
    assert str(book.as_of)[:10] == "2026-03-28"
    (note,) = (one for one in book.notes if one.code == "open_ended_dates")
    assert (note.values["column"], note.values["n"]) == (column, 1)
    (deal,) = fn.stuck(book).deals
    assert deal.age_days == 82 if column == "closed_at" else np.isnan(deal.age_days)
    row = whole(book)
    assert (row.n, row.median_days) == (31 if column == "closed_at" else 30, 59)
    everything(book)


@pytest.mark.parametrize("mark", OPEN_ENDS)
def test_open_ends_of_won_and_lost_deals(tmp_path, mark):
    with pytest.raises(DataProblems) as error:
        load(tmp_path, GOOD + f"x,2026-01-05,{mark},won,won,5\n")
    (problem,) = error.value.problems
    assert (problem.row, problem.column, problem.value) == (32, "closed_at", mark)
    assert problem.found == "won, but without a close date"
    book = load(tmp_path, GOOD + f"x,2026-01-05,{mark},lead,lost,5\n")
    assert {"open_ended_dates", "lost_without_closed_at_kept"} <= codes(book)
    result = fn.duration(book)
    row = result.rows[-1]
    assert (row.n, row.closed_n, row.open_n) == (31, 31, 0), "lost, some day: never won, and no longer open"
    assert (row.naive_median_days, row.naive_mean_days) == (59, 59), "of those whose end is dated"
    assert result.fits == (), "a fit needs the day of every end"
    assert "closed_date_missing" in codes(result)
    advance = fn.conversion(book, horizon_days=60).overall[0]
    assert advance.by_day_n == 31
    assert advance.by_day_rate == pytest.approx(30 / 31), "a lost deal is never won, whenever it was lost"
    everything(book)


@pytest.mark.parametrize("mark", ["9999-12-31", "2050-01-01", "1900-01-01", "0001-01-01"])
def test_a_stage_entered_on_no_date_is_refused_with_what_stands_there(tmp_path, mark):
    deals, history = GOOD + "x,2026-01-05,,offer,open,5\n", ON + f"x,lead,2026-01-05\nx,offer,{mark}\n"
    with pytest.raises(DataProblems) as error:
        load(tmp_path, deals, history)
    (problem,) = error.value.problems
    assert (problem.file, problem.row, problem.column) == ("stage_history.csv", 93, "entered_at")
    assert (problem.value, problem.found) == (mark, "no date, only a mark that stands for none")
    book = load(tmp_path, deals, history, mapping={"problems": {"missing_value": "drop"}})
    assert "missing_value_dropped" in codes(book)
    everything(book)


def test_an_expected_close_never_counts(tmp_path):
    header = "opportunity_id,created_at,closed_at,stage,outcome,expected_close_at\n"
    rows = "".join(f"d{k},{day(1, k)},{day(3, k)},lead,lost,\n" for k in range(30))
    plain = load(tmp_path, header + rows + "x,2026-01-05,,lead,open,\n")
    for mark in ("9999-12-31", "2050-01-01", "2035-01-01", "1900-01-01"):
        book = load(tmp_path, header + rows + f"x,2026-01-05,,lead,open,{mark}\n")
        assert book.as_of == plain.as_of
        assert repr(fn.duration(book).rows) == repr(fn.duration(plain).rows)


@pytest.mark.parametrize(
    ("value", "known"),
    [("1900-01-01", False), ("0001-01-01", False), ("1970-01-01", False), ("1971-01-01", True)],
)
def test_created_in_the_far_past(tmp_path, value, known):
    """Days that systems write for "no date" are none; any other is believed, and shows."""
    book = load(tmp_path, GOOD + f"x,{value},,lead,open,5\n")
    assert ("no_date_marks" in codes(book)) is not known
    row = whole(book)
    assert (row.n, row.median_days, row.older_n) == (30 + known, 59, int(known))
    (deal,) = fn.stuck(book).deals
    if known:
        assert deal.age_days == (np.datetime64("2026-03-28") - np.datetime64(value)).astype(int)
    else:
        assert np.isnan(deal.age_days)
    everything(book)


@pytest.mark.parametrize("value", ["1850-01-01", "1969-12-31", "12026-01-01", "2026-02-30", "yesterday"])
def test_days_that_cannot_be_are_refused(tmp_path, value):
    with pytest.raises(DataProblems) as error:
        load(tmp_path, GOOD + f"x,{value},,lead,open,5\n")
    (problem,) = error.value.problems
    assert (problem.row, problem.column, problem.value) == (32, "created_at", value)
    assert problem.found == "not a date"
    assert 'bad_date = "drop"' in problem.remedy


@pytest.mark.parametrize(("undated_n", "known"), [(1, True), (2, False)])
def test_few_deals_of_unknown_age_are_left_out_and_many_leave_nothing_to_say(tmp_path, undated_n, known):
    """Open deals whose age nobody knows, and no other open deal: 1 of 31 is left out, 2 of 32 are more than 5 %."""
    rows = "".join(f"x{k},9999-12-31,,lead,open,5\n" for k in range(undated_n))
    book = load(tmp_path, GOOD + rows)
    result = fn.duration(book)
    row = result.rows[-1]
    assert (row.n, row.median_days) == (30, 59) if known else row.n == 0 and np.isnan(row.median_days)
    counts = time_counts(book, 0, 3, durations=True)
    assert counts.unknown_n.tolist() == [undated_n if known else 30 + undated_n]
    assert "times_unknown" in codes(result)
    everything(book)
