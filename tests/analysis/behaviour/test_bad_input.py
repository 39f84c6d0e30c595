"""Behaviour funnels refuse or read whatever comes: a clear sentence, nothing lost, never a traceback."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import funnelnb as fn
from funnelnb.core.errors import FunnelError


def frame(**columns):
    made = {
        "user_id": ["a", "a", "b"],
        "event": ["visit", "pay", "visit"],
        "timestamp": ["2026-01-01 10:00", "2026-01-01 11:00", "2026-01-02 09:00"],
    }
    return pd.DataFrame(made | columns)


@pytest.mark.parametrize(
    ("steps", "within", "told"),
    [
        (["visit", "pya"], "1d", "did you mean 'pay'"),
        (["visit", "付款"], "1d", "one of pay, visit"),
        (["visit", "pay"], 0, "a span of time above 0"),
        (["visit", "pay"], "0d", "a span of time above 0"),
        (["visit", "pay"], -1, "a span of time above 0"),
        (["visit", "pay"], "soon", "'7d', '30min'"),
        (["visit", "pay"], "99999999999d", "a span of time above 0"),
        ([], "1d", "a list of steps"),
        (["visit"] * 31, "1d", "at most 30 steps"),
    ],
)
def test_what_cannot_be_asked(steps, within, told: str) -> None:
    with pytest.raises(FunnelError) as caught:
        fn.funnel(fn.events(frame()), steps, within=within)
    assert told in str(caught.value) and len(str(caught.value)) < 600


def test_an_unknown_option_names_the_nearest_of_all() -> None:
    log = fn.events(frame())
    for name, told in (("orders", "'order'"), ("attempts", "'attempt'"), ("excluding", "'exclude'")):
        with pytest.raises(FunnelError, match=told):
            fn.funnel(log, ["visit", "pay"], **{name: "any"})


def test_steps_that_repeat_need_events_that_repeat() -> None:
    log = fn.events(frame(event=["visit", "visit", "visit"]))
    assert [row.reached_n for row in fn.funnel(log, ["visit", "visit"], within="1d").steps] == [2, 1]
    assert fn.funnel(log, ["visit", "visit"], within="1d").overall[0].advanced_n == 1
    twice = [fn.behaviour.step("visit", first_ever=True), "visit"]
    assert [row.reached_n for row in fn.funnel(log, twice, within="1d").steps] == [2, 1]


def test_blank_actors_are_told_and_left_out() -> None:
    with pytest.raises(FunnelError, match="not said who did it"):
        fn.events(frame(user_id=["", "", ""]))
    log = fn.events(frame(user_id=["a", " ", "b"]))
    (problem,) = log.problems
    assert (len(log), problem.row, problem.rows_n) == (2, 3, 1)
    with pytest.raises(FunnelError, match="not said who did it"):
        fn.events(frame(user_id=["a", " ", "b"]), on_problem="stop")


def test_times_in_three_formats() -> None:
    log = fn.events(frame(timestamp=["2026-01-01T10:00:00Z", "2026/01/02 11:00", "3 Jan 2026"]))
    assert len(log) == 3 and str(log.as_of)[:10] == "2026-01-03"
    with pytest.raises(FunnelError, match="day-month or month-day"):
        fn.events(frame(timestamp=["2026-01-01 10:00", "01/02/2026 11:00", "2026-01-03"]))
    log = fn.events(frame(timestamp=["2026-01-01 10:00", "01/02/2026 11:00", "2026-01-03"]), date_order="dmy")
    assert str(log.as_of)[:10] == "2026-02-01"


def test_a_log_of_one_row_and_of_none() -> None:
    one = fn.funnel(fn.events(frame().iloc[:1]), ["visit"], within="1d")
    assert "Only 1 person" in one.finding("en") and "1 名用户" in one.finding("zh")
    with pytest.raises(FunnelError, match="no rows"):
        fn.events(frame().iloc[:0])


def test_a_million_names() -> None:
    n = 1_000_000
    log = fn.events(
        pd.DataFrame(
            {
                "user_id": np.arange(n) % 50_000,
                "event": np.char.add("e", np.arange(n).astype(str)),
                "timestamp": pd.Timestamp("2026-01-01") + pd.to_timedelta(np.arange(n), unit="s"),
            }
        )
    )
    assert len(log.names) == n
    assert fn.funnel(log, ["e0", "e50000"], within="7d").overall[0].advanced_n == 1
    with pytest.raises(FunnelError) as caught:
        fn.funnel(log, ["e0", "qqq"], within="7d")
    assert len(str(caught.value)) < 1000


def test_names_of_ten_kilobytes_and_with_nul() -> None:
    for name in ("e" * 10_000, "pay\0now", "<script>alert(1)</script>", "\u202eevil", "=1+1"):
        log = fn.events(frame(event=["visit", name, "visit"]))
        result = fn.funnel(log, ["visit", name], within="1d")
        assert result.overall[0].advanced_n == 1
        assert len(result.html("en")) < 30_000 and "<script>" not in result.html("en")
        assert result.text("zh")
        with pytest.raises(FunnelError) as caught:
            fn.funnel(log, ["visit", name + "z"], within="1d")
        assert len(str(caught.value)) < 600


def test_a_binary_file_is_no_log(tmp_path) -> None:
    path = tmp_path / "nul.csv"
    path.write_bytes(b"user_id,event,time\na,x\0y,2026-01-01\n")
    with pytest.raises(FunnelError, match="binary data"):
        fn.events(path)
