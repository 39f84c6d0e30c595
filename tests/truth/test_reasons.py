"""No page gives a wrong reason, a count that does not add up, or bounds narrower than their deals allow."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import funnelnb as fn
from funnelnb.analysis.diagnosis.report_people import OLD_SHARE
from funnelnb.analysis.shared import group_curve
from funnelnb.analysis.shared.by_day import Times
from funnelnb.core.errors import MissingDataError
from funnelnb.data.count.counts import ADVANCED, CENSORED, LOST_OUT, LOST_UNDATED
from funnelnb.stats.totals import compound
from funnelnb.stats.totals.size import points
from tests.truth import worlds

STAGES = ["lead", "offer", "talks", "won"]
DAY = 86_400
FULL = worlds.export(worlds.draw(worlds.World(), 240, np.random.default_rng(5)), 500)
UNTRUE = (
    "have no dates",
    "so no rate is given",
    "only one group",
    "No deal has closed yet",
    "too few deals",
    "There are no deals",
)


def change(name, deals, history):
    """Return the tables of one kind of incomplete export."""
    if name == "closed_only":
        deals = deals[deals["outcome"].fillna("").isin(["won", "lost"])]
    if name == "nobody_decided":
        deals = deals[~deals["outcome"].fillna("").isin(["won", "lost"])]
    if name == "half_without_history":
        gone = deals["opportunity_id"][np.random.default_rng(1).random(len(deals)) < 0.4]
        history = history[~history["opportunity_id"].isin(gone)]
    if name == "stage_overwritten":
        lost = deals["outcome"] == "lost"
        history = history[~history["opportunity_id"].isin(deals["opportunity_id"][lost])]
        deals.loc[lost, "stage"] = "Closed Lost"
    if name == "undated":
        deals.loc[deals["outcome"] == "lost", "closed_at"] = np.datetime64("NaT")
    return deals, history[history["opportunity_id"].isin(deals["opportunity_id"])]


@functools.cache
def book(name):
    tables = worlds.frames(FULL)
    deals, history = change(name, tables["opportunities"].copy(), tables["stage_history"].copy())
    until = str(worlds.EPOCH + np.timedelta64(FULL.as_of, "D"))[:10]
    return fn.load({"opportunities": deals, "stage_history": history}, playbook=STAGES, as_of=until)


@functools.cache
def late_book():
    """Return deals of which nothing is recorded before the 250th day."""
    tables = worlds.frames(FULL)
    began = worlds.EPOCH + np.timedelta64(250, "D")
    history = tables["stage_history"][tables["stage_history"]["entered_at"] >= began]
    until = str(worlds.EPOCH + np.timedelta64(FULL.as_of, "D"))[:10]
    return fn.load(
        tables | {"stage_history": history}, playbook=STAGES, as_of=until, observed_from=str(began)[:10]
    )


ASKED = {
    "duration": fn.duration,
    "duration by": lambda one: fn.duration(one, by="region"),
    "duration of a stage": lambda one: fn.duration(one, stage="offer"),
    "segments by day": lambda one: fn.segments(one, by="region", measure="by_day", horizon_days=90),
    "reverse": lambda one: fn.targets.reverse_funnel(one, wins=20),
}


@pytest.mark.parametrize("question", ASKED)
def test_open_deals_left_out_are_the_only_reason(question):
    """Hundreds of dated, closed deals: no date is missing, no group is small, and something did close."""
    said = str(ASKED[question](book("closed_only")).finding()) + ASKED[question](book("closed_only")).text()
    assert "left out of the data" in said
    assert not [one for one in UNTRUE if one in said]


def test_where_deals_ended_not_known_is_said_of_a_stage():
    result = fn.duration(book("stage_overwritten"), stage="offer")
    assert "in which stage deals ended" in str(result.finding())
    assert not [one for one in UNTRUE if one in str(result.finding()) + result.text()]


def test_deals_without_times_are_counted_once():
    one = book("half_without_history")
    (note,) = [note for note in fn.duration(one).notes if note.code == "times_unknown"]
    assert note.values["of_n"] <= len(one.opportunities)
    whole = [row for row in fn.duration(one).rows if not row.overall]
    known = {row.stage: row.n for row in whole}
    reached = {row.stage: row.reached_n for row in fn.conversion(one).steps}
    assert note.values["deals_n"] == max(reached[stage] - n for stage, n in known.items())


def test_deals_without_history_are_no_skips():
    full, part = (fn.diagnosis.wander(book(name)) for name in ("complete", "half_without_history"))
    missing = int(np.asarray(book("half_without_history").ledger.is_true("history_missing")).sum())
    assert part.n == full.n - missing
    assert part.skipping_n <= full.skipping_n
    assert len(part.deals(outcome="skipping")) == part.skipping_n
    assert len(part.deals()) == part.n


def test_based_on_counts_deals_and_not_those_they_stand_for():
    one = book("half_without_history")
    known = {row.stage: row.n for row in fn.duration(one).rows if not row.overall}
    cells = [cell for cell in fn.ageing(one).cells if cell.from_days == 0]
    assert [cell.watched_n <= known[cell.stage] for cell in cells] == [True] * 3


def times(kind, days, limit):
    """Return single deals as counted times."""
    many = len(days)
    return Times(
        time_s=np.asarray(days, np.int64) * DAY,
        entry_s=np.zeros(many, np.int64),
        outcome=np.asarray(kind, np.int8),
        n=np.ones(many, np.int64),
        amount=np.zeros(many),
        limit_s=np.full(many, limit, np.int64) * DAY,
    )


@pytest.mark.parametrize("to", ["any", "lose"])
def test_bounds_of_a_median_are_as_wide_as_its_interval(to):
    """Two undated losses of eighty say nothing that eighty dated deals do not."""
    rng = np.random.default_rng(2)
    days = rng.integers(1, 100, 80)
    kind = rng.choice([ADVANCED, LOST_OUT, LOST_OUT, LOST_OUT], 80)
    dated = times(kind, days, 400)
    undated = replace(dated, outcome=dated.outcome.copy(), time_s=dated.time_s.copy())
    undated.outcome[np.flatnonzero(kind == LOST_OUT)[:2]] = LOST_UNDATED
    _, least, most = group_curve.pace(dated, to, 0.9).reaches(0.5)
    _, lower, upper = group_curve.pace(undated, to, 0.9).reaches(0.5)
    assert upper - lower >= 0.8 * (most - least) > 0


def test_bounds_of_a_median_cover():
    """Loss dates missing of three in a hundred: 90 % of intervals hold the true median, 20 days."""
    rng, held, runs = np.random.default_rng(8), 0, 200
    for _ in range(runs):
        days = np.ceil(rng.exponential(20 / np.log(2), 80))
        kind = np.where(rng.random(80) < 0.3, ADVANCED, LOST_OUT)
        kind = np.where((kind == LOST_OUT) & (rng.random(80) < 0.04), LOST_UNDATED, kind)
        days = np.where(kind == LOST_UNDATED, 0, days)
        _, lower, upper = group_curve.pace(times(kind, days, 400), "any", 0.9).reaches(0.5)
        held += lower <= 20 <= upper
    assert held / runs >= 0.85


def test_a_pause_counts_only_deals_older_than_any_end():
    """Thirty deals open for 300 days beside undated losses that may be as old are no pause."""
    kind = [ADVANCED] * 40 + [LOST_UNDATED] * 40 + [CENSORED] * 30
    days = [5] * 40 + [0] * 40 + [300] * 30
    assert group_curve.pause(times([LOST_OUT if one == LOST_UNDATED else one for one in kind], days, 400))[
        "pause"
    ]
    found = group_curve.pause(times(kind, days, 400))
    assert (found["older_n"], found["pause"]) == (0, False)


@pytest.mark.parametrize("name", ["complete", "undated"])
def test_longer_than_nineteen_of_twenty_is_what_the_stalled_page_says(name):
    tail = {row.opportunity_id: row.tail_rate for row in fn.stuck(book(name)).deals}
    for row in fn.weekly_report(book(name)).next_steps:
        if row.why == "old":
            assert tail[row.opportunity_id] <= OLD_SHARE


def test_stalled_deals_are_not_judged_by_the_losses_that_have_dates():
    found = {row.rule: row for row in fn.diagnosis.symptoms(book("undated")).rules}
    assert found["stalled"].needs == "lost_dates"


def test_deals_entered_late_are_judged_without_win_weights():
    found = {row.rule: row for row in fn.diagnosis.symptoms(book("complete")).rules}
    assert found["hidden_deals"].needs != "dates"


def test_wins_of_a_target_add_up_and_are_counted():
    one = book("complete")
    rows = {
        row.part: row
        for row in fn.target(one, amount=1e6, until=str(one.as_of + np.timedelta64(90, "D"))[:10]).rows
    }
    parts = [round(rows[name].deal_n, 1) for name in ("won", "open", "new", "gap")]
    assert rows["target"].deal_n == pytest.approx(sum(parts))
    mean = float(np.mean([amount for amount in one.ledger.amount[one.ledger.outcome == 1] if amount > 0]))
    assert rows["gap"].deal_n == pytest.approx(rows["gap"].amount / mean)


def test_no_order_is_told_where_nothing_can_be_ranked():
    result = fn.call_list(book("nobody_decided"), horizon_days=90)
    said = str(result.finding())
    assert "not known" in said
    assert "Call " not in said
    assert "amount or time not known" not in result.text()


def test_the_horizon_counts_only_deals_whose_time_is_known():
    codes = {note.code for note in fn.cohort(book("undated"), every="quarter").notes}
    assert {code for code in codes if code.startswith(("horizon_ch", "horizon_ca"))} <= {
        "horizon_chosen_dated",
        "horizon_capped_dated",
    }


def test_no_share_of_fewer_than_ten_deals_is_judged():
    result = fn.forecasts.calibration(book("complete"), horizon_days=60)
    assert min(row.deal_n for row in result.rows) >= 10 or len(result.rows) == 1


def test_no_date_is_made_up_for_a_loss_without_one():
    found = {row.finding: row for row in fn.diagnosis.harm(book("undated")).rows}
    assert found["undated_losses"].deal_n > 0
    effects = found["undated_losses"].effects
    assert effects and all(np.isnan(one.mended) and np.isnan(one.shift) and not one.clear for one in effects)
    assert all(one.least <= one.most for one in effects if np.isfinite(one.least))


def test_stages_before_the_records_are_not_called_passed_over():
    late = late_book()
    assert "jumped_to_won" not in {row.finding for row in fn.diagnosis.harm(late).rows if row.deal_n}
    assert fn.diagnosis.wander(late).skipping_n == 0


def test_who_owns_a_deal_now_is_not_said_to_be_known_at_entry():
    tables = worlds.frames(FULL)
    deals = tables["opportunities"].assign(owner=lambda one: "P" + one["region"].astype(str))
    until = str(worlds.EPOCH + np.timedelta64(FULL.as_of, "D"))[:10]
    made = fn.load(tables | {"opportunities": deals}, playbook=STAGES, as_of=until)
    result = fn.customers.propensity(made, horizon_days=90)
    used = {row.column for row in result.audit if row.used}
    assert ("people_as_recorded" in {note.code for note in result.notes}) == ("owner" in used)


def test_the_six_properties_name_the_deals_that_the_rate_is_of():
    """176 entered in the period; some of them ended before the records, and the rate is of the others."""
    one = late_book()
    page = fn.six_properties(one)
    first, ledger = page.rows[0], one.ledger
    seen = (ledger.outcome == 0) | (ledger.closed_s > np.datetime64(one.observed_from, "s").astype(np.int64))
    entered = ledger.created_s >= first.starts.astype("datetime64[s]").astype(np.int64)
    assert first.judged_n == (seen & entered).sum()
    assert first.judged_n < first.entry_n
    assert str(page.finding()).startswith(f"Of {first.judged_n:.0f} deals that entered")
    assert {"late_entry", "ended_before_records"} <= {note.code for note in page.notes}


def test_reopened_wins_are_not_called_stalled():
    """Twenty wins open again are older than any deal that ended; in their stage they are new."""
    tables = worlds.frames(FULL)
    deals, history = tables["opportunities"].copy(), tables["stage_history"]
    again = deals.index[deals["outcome"] == "won"][:20]
    deals.loc[again, ["outcome", "stage", "closed_at"]] = [None, "offer", np.datetime64("NaT")]
    until = worlds.EPOCH + np.timedelta64(FULL.as_of, "D")
    back = {"opportunity_id": deals.loc[again, "opportunity_id"], "stage": "offer"}
    moves = pd.concat([history, pd.DataFrame(back).assign(entered_at=until - np.timedelta64(5, "D"))])
    one = fn.load({"opportunities": deals, "stage_history": moves}, playbook=STAGES, as_of=str(until)[:10])
    assert fn.duration(one).rows[-1].pause
    said = str(fn.duration(one).finding()) + fn.duration(one).text()
    assert "they look stalled" not in said
    assert "reopened" in said
    assert "none is clearly stalled" in str(fn.stuck(one).finding())


def few(lost_n, won_n=4):
    """Return a small book with reasons for its losses."""
    deals = [
        {
            "opportunity_id": f"D{k}",
            "stage": "offer" if k < lost_n else "won",
            "outcome": "lost" if k < lost_n else "won",
            "lost_reason": ("price" if k % 2 else "timing") if k < lost_n else None,
            "created_at": f"2025-01-{k + 1:02d}",
            "closed_at": f"2025-05-{k % 20 + 1:02d}",
        }
        for k in range(lost_n + won_n)
    ]
    path = ["lead", "offer", "won"]
    moves = [
        {"opportunity_id": deal["opportunity_id"], "stage": stage, "entered_at": f"2025-0{month}-20"}
        for deal in deals
        for month, stage in enumerate(path[: 2 + (deal["outcome"] == "won")], start=2)
    ]
    moves = [one | ({"entered_at": "2025-05-21"} if one["stage"] == "won" else {}) for one in moves]
    tables = {"opportunities": pd.DataFrame(deals), "stage_history": pd.DataFrame(moves)}
    return fn.load(tables, playbook=path, as_of="2025-05-31")


def test_no_share_of_fewer_than_ten_is_shown():
    """Five lost deals of nine: no share of losses, no win rate of a path, of a week or of all."""
    one = few(5)
    lost, paths = fn.diagnosis.why_lost(one), fn.diagnosis.wander(one)
    shares = [row.lost_share for row in lost.reasons] + [row.share_ci_upper for row in lost.reasons]
    shares += [cell.cell_share for cell in lost.cells] + [cell.share_ci_lower for cell in lost.cells]
    shares += [row.win_rate for row in paths.paths] + [row.win_ci_lower for row in paths.rounds]
    shares += [row.path_share for row in paths.paths] + [paths.other_win_rate]
    week = {row.figure: row for row in fn.weekly_report(one, period="2025-05").figures}
    shares += [week["win_rate"].value, week["win_rate"].value_ci_upper]
    speed = fn.forecasts.velocity(one, horizon_days=60)
    shares += [speed.chance_rate, speed.naive_rate]
    assert np.isnan(shares).all()
    said = [str(part.finding(lang)) + part.text() for part in (lost, paths, speed) for lang in ("en", "zh")]
    assert not [text for text in said if "nan" in text or "%" in text.split("Method")[0].split("90 %")[0]]
    assert "3 of 5 lost deals" in said[0]


def test_shares_of_ten_are_shown():
    assert fn.diagnosis.why_lost(few(12)).reasons[0].lost_share == 0.5


def test_nobody_left_is_not_said_of_the_last_few():
    """Twenty ended by day 25 and twenty were open then: the last that ended, on day 28, left nobody; 0 % is no fact."""
    kind = [ADVANCED] * 20 + [CENSORED] * 20 + [ADVANCED]
    days = [*range(1, 21), *[21] * 20, 28]
    made = times(kind, days, 400)
    known = group_curve.pace(made, "any", 0.9)
    assert known.at(known.still, 30) == 0
    assert np.isnan(group_curve.row_fields(made, "any", np.nan, known)["still_30_rate"])
    all_ended = times([ADVANCED] * 41, days, 400)
    known = group_curve.pace(all_ended, "any", 0.9)
    assert group_curve.row_fields(all_ended, "any", np.nan, known)["still_30_rate"] == 0


def test_checks_that_could_not_be_made_are_no_proof():
    said = fn.integrity(book("complete"))
    assert [row.of_n > 0 for row in said.rows] == [True, True, False]
    assert "All deals fit" not in str(said.finding())
    assert "In 2 of 3 checks" in str(said.finding())


def test_levers_name_what_is_missing():
    with pytest.raises(MissingDataError, match="open deals were left out"):
        fn.targets.levers(book("closed_only"), amount=1e5)


def test_what_was_not_tested_is_not_said_to_fail():
    learned = fn.customers.propensity(book("complete"), horizon_days=400)
    codes = {note.code for note in fn.call_list(book("complete"), horizon_days=400).notes}
    assert learned.verdict == "untested"
    assert "calls_entry_untested" in codes
    assert "calls_without_entry" not in codes


def test_a_chance_is_zero_only_where_it_is_impossible():
    coin = points([0.0, 1.0])
    assert 0 < compound.total_chance([(coin, 2_000)], 1_990).value < 1e-9
    assert compound.total_chance([(coin, 10)], 11).value == 0
    assert compound.total_chance([(points([5.0]), 10)], 50).value == pytest.approx(1)
    one = book("complete")
    far = fn.quota(one, amount=1e9, until=str(one.as_of + np.timedelta64(90, "D"))[:10])
    assert "is under 0.01 %" in str(far.finding())


def test_a_distance_is_no_verdict_where_few_deals_cannot_tell():
    """Thirty deals: both results say that the fit is more than five points away, neither that it is refuted."""
    whole = book("complete")
    one = whole.some(np.arange(len(whole.opportunities)) < 30)
    (row,) = fn.distribution(one).rows
    fits = fn.duration(one)
    (fit,) = (fit for fit in fits.fits if fit.overall and fit.rank == 1)
    assert (row.trust, fit.verdict) == ("unproven", "too_far")
    assert "too few deals to tell" in str(fn.distribution(one).finding()) + fn.distribution(one).text()
    assert "not reliable" not in fits.text()
    assert "more than 5 points from the data" in fits.text()
