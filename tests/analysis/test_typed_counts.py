"""Typed counts: the weekly report of the field, by hand and against Wilson's and Newcombe's formulas."""

import math

import pytest

import funnelnb as fn
from funnelnb.core.errors import ParameterError

WEEK = [100, 80, 40, 20, 10, 5]
Z = 1.6448536269514722


def wilson(k: int, n: int) -> tuple[float, float]:
    p, d = k / n, 1 + Z * Z / n
    half = Z * math.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n)) / d
    return (p + Z * Z / (2 * n)) / d - half, (p + Z * Z / (2 * n)) / d + half


def test_weekly_report_of_the_field() -> None:
    """Golden (DOMAIN D1): 80 %, 50 %, 50 %, 50 %, 50 %, overall 5 %."""
    result = fn.typed_funnel(WEEK)
    assert [row.step_rate for row in result.steps] == [0.8, 0.5, 0.5, 0.5, 0.5, 0.05]
    assert [row.from_first_rate for row in result.steps] == [0.8, 0.4, 0.2, 0.1, 0.05, 0.05]
    whole = result.steps[-1]
    assert whole.overall and (whole.reached_n, whole.advanced_n) == (100, 5)
    assert (whole.step_ci_lower, whole.step_ci_upper) == pytest.approx(wilson(5, 100))
    assert not any(row.weakest for row in result.steps), "four steps at 50 %: none is the weakest"


def test_stage_names_are_the_models() -> None:
    text = fn.typed_funnel(WEEK).text("zh")
    assert "需求确认 → 方案提出" in text and "潜在客户数据库" in text
    assert "stage 1" not in text and "n = 0" not in text and "截至 –" not in text


def test_one_step_far_below_the_others_is_named() -> None:
    result = fn.typed_funnel([1000, 900, 100, 90], stages=["Lead", "Call", "Offer", "Won"])
    assert [row.weakest for row in result.steps] == [False, True, False, False]
    assert "Weakest step: Call → Offer" in result.finding("en")


def test_change_against_last_week() -> None:
    """Difference and its interval by Newcombe's squares; only the first step has clearly changed."""
    result = fn.typed_funnel(WEEK, before=[100, 50, 25, 12, 6, 3])
    first = result.steps[0]
    assert first.difference == pytest.approx(0.3)
    (low, high), (other_low, other_high) = wilson(80, 100), wilson(50, 100)
    assert first.difference_ci_lower == pytest.approx(0.3 - math.hypot(0.8 - low, other_high - 0.5))
    assert first.difference_ci_upper == pytest.approx(0.3 + math.hypot(high - 0.8, 0.5 - other_low))
    assert [row.verdict for row in result.steps] == ["up", *["not_separable"] * 5]


def test_counts_may_be_named_and_models_of_other_length() -> None:
    by_name = fn.typed_funnel({"Lead": 20, "Won": 4})
    assert by_name.stage_ids == ("Lead", "Won")
    assert fn.typed_funnel([408, 300, 102, 51, 38], playbook="pyramid").stage_ids[-1] == "won"


@pytest.mark.parametrize(
    ("counts", "more", "told"),
    [
        ([100, 120, 3, 2, 1, 1], {}, "cannot rise"),
        ([100, 50], {}, "no names of stages"),
        ([100, 50, 20], {"stages": ["a", "b"]}, "3 counts for the 2 stages"),
        ([100.5, 80, 40, 20, 10, 5], {}, "whole numbers"),
        ([100, -1, -1, -1, -1, -1], {}, "whole numbers"),
        ([0, 0, 0, 0, 0, 0], {}, "nobody reached"),
        (WEEK, {"before": [1, 2]}, "before has 2 counts"),
        (WEEK, {"playbook": "pyramid"}, "6 counts for the 5 stages"),
        (WEEK, {"playbook": "pyramid", "stages": list("abcdef")}, "both playbook and stages"),
    ],
)
def test_wrong_counts_are_refused_with_what_is_right(counts: list, more: dict, told: str) -> None:
    with pytest.raises(ParameterError) as caught:
        fn.typed_funnel(counts, **more)
    assert told in str(caught.value) or told in caught.value.expected


def test_a_stage_that_nobody_reached_says_nothing() -> None:
    last = fn.typed_funnel([10, 5, 0, 0, 0, 0]).steps[-2]
    assert math.isnan(last.step_rate)
    assert fn.typed_funnel([10, 5, 0, 0, 0, 0]).text("en")
