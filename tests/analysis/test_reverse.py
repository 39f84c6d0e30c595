"""From wins back to leads: the worked case, the anchors, dates, and bad input."""

from functools import cache

import numpy as np
import pytest
from scipy import stats

import funnelnb as fn
from funnelnb.core.errors import ParameterError


@cache
def sample():
    return fn.sample()


def test_the_worked_case_rounds_up_at_each_step():
    result = fn.targets.reverse_funnel(
        wins=38, rates=[0.25, 0.50, 0.75], stages=["候选", "接近", "重点", "成交"]
    )
    assert [row.plug_in_n for row in result.rows] == [408, 102, 51]
    assert [row.stage for row in result.rows] == ["候选", "接近", "重点"]
    # with rates known exactly, wins are binomial
    for row in result.rows:
        assert row.plug_in_rate == pytest.approx(stats.binom.sf(37, row.plug_in_n, row.win_rate), abs=1e-4)
        assert stats.binom.sf(37, row.needed_n, row.win_rate) >= 0.8 - 1e-4
        assert stats.binom.sf(37, row.needed_n - 1, row.win_rate) < 0.8 + 1e-4


def test_measured_steps_need_far_more_than_the_division_says():
    result = fn.targets.reverse_funnel(wins=20, counts=[(30, 120), (18, 30), (9, 18)])
    first = result.rows[0]
    assert first.plug_in_n in (267, 268)
    assert first.plug_in_rate == pytest.approx(0.49, abs=0.01)
    assert first.needed_n == 377


def test_a_book_gives_rates_straight_to_won_and_the_number_that_assures():
    result = fn.targets.reverse_funnel(sample(), wins=60, horizon_days=180)
    conversion = fn.conversion(sample(), horizon_days=180)
    first = result.rows[0]
    assert first.win_rate == pytest.approx(conversion.overall[0].by_day_rate)
    for row in result.rows:
        k, n = row.win_rate * row.win_n, row.win_n
        needed = stats.betabinom.sf(59, row.needed_n, k + 0.5, n - k + 0.5)
        fewer = stats.betabinom.sf(59, row.needed_n - 1, k + 0.5, n - k + 0.5)
        assert fewer < 0.8 <= needed
        assert row.plug_in_n == int(np.ceil(60 / row.win_rate))
        assert row.plug_in_rate < 0.65
    rates = [row.win_rate for row in result.rows]
    assert rates == sorted(rates)


def test_dates_leave_each_stage_the_time_it_takes():
    result = fn.targets.reverse_funnel(sample(), wins=60, period="2026-Q4")
    assert result.until == np.datetime64("2026-12-31")
    for row in result.rows:
        days = (result.until - row.in_by).astype(int)
        assert row.lead_days <= days <= row.lead_days + 1
        assert row.median_days < row.lead_days
    dates = [row.in_by for row in result.rows]
    assert dates == sorted(dates)


def test_what_is_too_late_is_said_and_counted_from_today():
    result = fn.targets.reverse_funnel(sample(), wins=20, until="2026-08-15")
    late = {row.stage: row.too_late for row in result.rows}
    assert late["find_opportunity"]
    assert not late["negotiation"]
    first = result.rows[0]
    conversion = fn.conversion(sample(), horizon_days=46).overall[0]
    assert first.win_rate == pytest.approx(conversion.by_day_rate, abs=1e-9)
    assert any(note.code == "target_too_late" for note in result.notes)


def test_more_assurance_and_more_wins_need_more_leads():
    def first(**changes):
        return (
            fn.targets.reverse_funnel(sample(), **{"wins": 40, "horizon_days": 180} | changes)
            .rows[0]
            .needed_n
        )

    assert first(assurance=0.5) < first(assurance=0.8) < first(assurance=0.95)
    assert first(wins=30) < first() < first(wins=60)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: fn.targets.reverse_funnel(wins=0, rates=[0.5]), "wins = 0"),
        (lambda: fn.targets.reverse_funnel(wins=2.5, rates=[0.5]), "wins = 2.5"),
        (lambda: fn.targets.reverse_funnel(wins=5), "neither a book nor rates"),
        (lambda: fn.targets.reverse_funnel(wins=5, rates=[0.5], counts=[(1, 2)]), "both rates and counts"),
        (lambda: fn.targets.reverse_funnel(wins=5, rates=[0.0]), r"rates\[0\] = 0"),
        (lambda: fn.targets.reverse_funnel(wins=5, rates=[1.4]), r"rates\[0\] = 1.4"),
        (lambda: fn.targets.reverse_funnel(wins=5, counts=[(5, 3)]), r"counts\[0\]"),
        (lambda: fn.targets.reverse_funnel(wins=5, rates=[0.5], stages=["a"]), "1 stages for 1 steps"),
        (lambda: fn.targets.reverse_funnel(wins=5, rates=[0.5], assurance=1), "assurance = 1"),
        (lambda: fn.targets.reverse_funnel(sample(), wins=5, period="2026-Q1"), "ends on 2026-03-31"),
        (lambda: fn.targets.reverse_funnel(sample(), wins=5, period="spring"), "period = 'spring'"),
        (lambda: fn.targets.reverse_funnel(sample(), wins=5, period="2026-Q3", until="2026-09-30"), "until"),
    ],
)
def test_bad_input_is_named(call, says):
    with pytest.raises(ParameterError, match=says):
        call()


def test_the_pyramid_by_its_own_weights_names_its_stages() -> None:
    """Golden (DOMAIN E1): 38 signed need 51 key, 102 approaching, 408 at 25 %; the signed are a row of their own."""
    result = fn.targets.reverse_funnel(wins=38, playbook="pyramid")
    shown = [(row.stage, row.plug_in_n) for row in (*result.rows, result.signed)]
    assert shown == [("potential", 408), ("approaching", 102), ("key", 51), ("won", 38)]
    assert list(result.to_frame()["plug_in_n"]) == [408, 102, 51, 38]
    text = result.text("zh")
    assert "潜在" in text and "重点" in text and "成交" in text
    assert "stage 1" not in text and "n = 0" not in text and "截至" not in text
    assert [note.values["direct_n"] for note in result.notes if note.code == "reverse_weights_in_turn"] == [
        152
    ]


def test_typed_counts_take_their_names_from_a_model() -> None:
    steps = [(80, 100), (40, 80), (20, 40), (10, 20), (5, 10)]
    result = fn.targets.reverse_funnel(wins=5, counts=steps, playbook="weekly_report")
    assert [row.stage for row in result.rows] == list(result.stage_ids[:-1])
    assert [row.plug_in_n for row in result.rows] == [100, 80, 40, 20, 10]
    assert "First contact" in result.text("en")
    assert "Stage 1" in fn.targets.reverse_funnel(wins=5, rates=[0.5, 0.5]).text("en")
    assert "第1阶段" in fn.targets.reverse_funnel(wins=5, rates=[0.5, 0.5]).text("zh")


def test_a_model_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ParameterError, match="no win weights"):
        fn.targets.reverse_funnel(wins=5, playbook="weekly_report")
    with pytest.raises(ParameterError, match="9 steps"):
        fn.targets.reverse_funnel(wins=5, rates=[0.5] * 9, playbook="weekly_report")
    with pytest.raises(ParameterError, match="both stages and playbook"):
        fn.targets.reverse_funnel(wins=5, rates=[0.5], stages=["a", "won"], playbook="weekly_report")
