"""Small exports as people have them, with what must come out: counted by hand or known when they were made."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

import funnelnb as fn
from funnelnb.core.errors import MissingDataError

THREE = ["Qualification", "Proposal", "Closed Won"]


def days(start, count, step=1):
    return pd.date_range(start, periods=count, freq=f"{step}D")


def codes(result):
    return {note.code for note in result.notes}


def step(result, stage):
    return next(row for row in result.steps if row.stage == stage)


def test_lost_stage_overwritten():
    """300 deals, 88 won, the stage says only how they ended: no step is known, the whole way is."""
    outcome = ["Closed Won"] * 88 + ["Closed Lost"] * 212
    deals = pd.DataFrame({"opportunity_id": [f"D{k}" for k in range(300)], "stage": outcome})
    deals["created_at"] = days("2024-01-01", 300)
    deals["closed_at"] = deals["created_at"] + pd.to_timedelta(np.arange(300) % 60 + 5, "D")
    result = fn.conversion(
        fn.load(
            deals, playbook=["Qualification", "Proposal", "Negotiation", "Closed Won"], as_of="2025-01-31"
        )
    )
    assert (result.overall[0].advanced_n, result.overall[0].lost_n, result.overall[0].reached_n) == (
        88,
        212,
        300,
    )
    for row in result.steps:
        assert math.isnan(row.so_far_rate)
        assert math.isnan(row.decided_rate)
        assert math.isnan(row.by_day_rate)
        assert row.lost_n == 0
        assert row.decided_least_rate <= 88 / 300 <= row.decided_most_rate or row.stage != "Qualification"
    assert result.steps[0].unplaced_n == 212
    assert result.loss_points == ()
    assert "stages_not_known" in codes(result)


def no_history():
    won = pd.DataFrame({"stage": ["Closed Won"] * 14, "created_at": days("2025-01-01", 14)})
    won["closed_at"] = won["created_at"] + pd.Timedelta(days=40)
    lost = pd.DataFrame({"stage": ["Closed Lost"] * 12, "created_at": days("2025-01-01", 12)})
    lost["closed_at"] = lost["created_at"] + pd.Timedelta(days=300)
    still = pd.DataFrame({"stage": ["offer"] * 6, "created_at": days("2025-10-01", 6)})
    deals = pd.concat([won, lost, still], ignore_index=True)
    deals["opportunity_id"] = [f"D{k}" for k in range(len(deals))]
    return fn.load(deals, playbook=["lead", "offer", "won"], as_of="2025-12-31")


def test_no_history():
    result = fn.conversion(no_history(), horizon_days=90)
    whole = result.overall[0]
    assert whole.by_day_rate == pytest.approx(14 / 32, abs=0.02)
    assert all(math.isnan(row.by_day_rate) for row in result.steps)
    assert math.isnan(step(result, "lead").so_far_rate)


def taken_back(*, lost):
    rows, deals = [], []
    for k in range(24):
        again = k < 12
        stage = ("Closed Lost" if lost else "Proposal") if again else "Closed Won"
        closed = "2025-03-15" if again and lost else None if again else "2025-02-01"
        deals.append((f"A{k:02d}", stage, 100, "2025-01-01", closed))
        way = [("Qualification", "2025-01-01"), ("Proposal", "2025-01-15"), ("Closed Won", "2025-02-01")]
        if again and not lost:
            way.append(("Proposal", "2025-02-20"))
        rows += [(f"A{k:02d}", *one) for one in way]
    columns = ["opportunity_id", "stage", "amount", "created_at", "closed_at"]
    tables = {
        "opportunities": pd.DataFrame(deals, columns=columns),
        "stage_history": pd.DataFrame(rows, columns=["opportunity_id", "stage", "entered_at"]),
    }
    return fn.load(tables, playbook=THREE, as_of="2025-04-30", currency="EUR")


@pytest.mark.parametrize("lost", [False, True])
def test_a_win_that_was_taken_back_is_none_anywhere(lost):
    book = taken_back(lost=lost)
    result = fn.conversion(book, horizon_days=60)
    whole = result.overall[0]
    assert (whole.advanced_n, whole.reached_n) == (12, 24)
    assert (whole.lost_n, whole.here_n) == ((12, 0) if lost else (0, 12))
    assert sum(row.won_n for row in fn.cohort(book, period="month").rows) == 12
    assert int((book.ledger.outcome == 1).sum()) == 12
    assert "win_taken_back" in codes(result)
    note = next(one for one in result.notes if one.code == "win_taken_back")
    assert note.values["deals_n"] == 12
    assert note.values["examples"] == "A00, A01, A02"
    assert "A00" in result.text()


def test_close_that_disagrees_with_the_history():
    """The history says 2025-02-01, the deals 2025-06-01: the history decides, everywhere, and it is said."""
    deals = pd.DataFrame(
        {"opportunity_id": [f"D{k}" for k in range(12)], "stage": "Closed Won", "amount": 100}
    )
    deals["created_at"], deals["closed_at"] = "2025-01-01", "2025-06-01"
    way = [("Qualification", "2025-01-01"), ("Proposal", "2025-01-15"), ("Closed Won", "2025-02-01")]
    rows = [(f"D{k}", *one) for k in range(12) for one in way]
    more = pd.DataFrame(
        {"opportunity_id": ["L0", "O0"], "stage": ["Closed Lost", "Proposal"], "amount": 100,
         "created_at": ["2025-01-01", "2025-05-01"], "closed_at": ["2025-02-15", None]}
    )  # fmt: skip
    book = fn.load(
        {
            "opportunities": pd.concat([deals, more], ignore_index=True),
            "stage_history": pd.DataFrame(rows, columns=["opportunity_id", "stage", "entered_at"]),
        },
        playbook=THREE,
        as_of="2025-06-30",
    )
    assert set(book.ledger.closed_s[:12].astype("datetime64[s]").astype("datetime64[D]").astype(str)) == {
        "2025-02-01"
    }
    result = fn.conversion(book, horizon_days=60)
    note = next(one for one in result.notes if one.code == "close_differs")
    assert note.values["deals_n"] == 12
    assert "D0, D1, D2" in result.text()


def closed_only():
    rng = np.random.default_rng(3)
    created = np.datetime64("2025-01-01") + rng.integers(0, 180, 60).astype("m8[D]")
    took = np.where(rng.random(60) < 0.6, 20, 70) + rng.integers(0, 20, 60)
    frame = pd.DataFrame({"created_at": created, "closed_at": created + took})
    frame["outcome"] = np.where(took < 45, "won", "lost")
    frame["opportunity_id"] = [f"D{k}" for k in range(60)]
    frame["region"] = np.where(rng.random(60) < 0.5, "N", "S")
    return frame[frame["closed_at"] <= "2025-06-30"]


def test_closed_only_exports_have_no_rates_by_day():
    book = fn.load(closed_only(), playbook=["lead", "offer", "won"])
    result = fn.conversion(book, horizon_days=60)
    assert "closed_only" in codes(result)
    assert math.isnan(result.overall[0].by_day_rate)
    assert all(math.isnan(row.median_days) for row in fn.duration(book).rows)
    assert "closed_only" in codes(fn.duration(book, by="region"))


def test_old_cohorts_that_are_all_closed_are_believed():
    frame = pd.DataFrame({"opportunity_id": [f"D{k}" for k in range(12)], "outcome": "lost"})
    frame["created_at"], frame["closed_at"] = days("2025-01-01", 12), days("2025-02-01", 12)
    result = fn.conversion(fn.load(frame, playbook=["lead", "won"], as_of="2025-12-31"), horizon_days=90)
    whole = result.overall[0]
    assert whole.by_day_rate == 0
    assert (whole.by_day_ci_lower, round(whole.by_day_ci_upper, 3)) == (0, 0.184)
    assert round(whole.decided_ci_upper, 3) == 0.184


def test_everybody_lost_of_many():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"opportunity_id": [f"D{k}" for k in range(300)], "outcome": "lost"})
    frame["created_at"] = np.datetime64("2025-01-01") + rng.integers(0, 60, 300).astype("m8[D]")
    frame["closed_at"] = frame["created_at"] + pd.to_timedelta(rng.integers(1, 80, 300), "D")
    whole = fn.conversion(
        fn.load(frame, playbook=["lead", "won"], as_of="2026-01-31"), horizon_days=90
    ).overall[0]
    assert round(whole.by_day_ci_upper, 3) == 0.009


@pytest.mark.parametrize("kind", ["only_wins", "nobody_decided", "losses_never_set"])
def test_data_that_cannot_tell_say_so(kind):
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"opportunity_id": [f"D{k}" for k in range(120)]})
    frame["created_at"] = np.datetime64("2025-01-01") + rng.integers(0, 300, 120).astype("m8[D]")
    won = rng.random(120) < 0.4
    frame["closed_at"] = (frame["created_at"] + pd.to_timedelta(rng.integers(5, 30, 120), "D")).where(won)
    frame["outcome"], frame["amount"] = np.where(won, "won", "open"), 100.0
    frame["region"] = np.where(rng.random(120) < 0.5, "N", "S")
    if kind == "only_wins":
        frame = frame[won]
    if kind == "nobody_decided":
        frame["outcome"], frame["closed_at"] = "open", pd.NaT
    book = fn.load(frame, playbook=["lead", "won"], as_of="2025-12-31")
    result = fn.conversion(book, horizon_days=60)
    assert kind in codes(result)
    whole = result.overall[0]
    if kind == "losses_never_set":
        assert whole.by_day_rate == pytest.approx(won.mean(), abs=0.03)
        assert math.isnan(whole.by_day_lost_rate)
    else:
        assert math.isnan(whole.by_day_rate)
    groups = fn.segments(book, by="region")
    assert all(math.isnan(row.raw_rate) for row in groups.rows)
    assert {row.verdict for row in groups.rows} == {"too_few"}
    with pytest.raises(MissingDataError):
        fn.quota(book, period="2026-Q1", amount=1000)


def test_one_group_all_ended_beside_one_in_which_none_did():
    new = pd.DataFrame(
        {"opportunity_id": [f"A{k}" for k in range(15)], "stage": "Qualification", "region": "New"}
    )
    old = pd.DataFrame({"opportunity_id": [f"B{k}" for k in range(20)], "region": "Old"})
    old["stage"] = ["Closed Won", "Closed Lost"] * 10
    new["created_at"], old["created_at"] = "2025-01-01", "2025-01-01"
    old["closed_at"] = days("2025-01-10", 20)
    book = fn.load(pd.concat([new, old], ignore_index=True), playbook=THREE, as_of="2025-03-01")
    result = fn.duration(book, by="region")
    assert {row.group for row in result.rows} == {("New",), ("Old",)}
    assert result.text()
