"""One rule and one message for each standard parameter."""

import numpy as np
import pytest

from funnelnb.core import check
from funnelnb.core.errors import ParameterError


def test_a_broken_bound_is_named() -> None:
    with pytest.raises(ParameterError, match=r"rate = 1.5\n  expected: a number > 0 and <= 1"):
        check.number("rate", 1.5, gt=0, le=1)
    with pytest.raises(ParameterError, match=r"amount = 0\n  expected: a number > 0$"):
        check.number("amount", 0, gt=0, lt=np.inf)


@pytest.mark.parametrize("value", [True, "many", None, float("nan")])
def test_what_is_no_number_is_refused(value: object) -> None:
    with pytest.raises(ParameterError, match="expected: a number"):
        check.number("n", value)


def test_whole_numbers() -> None:
    assert check.whole_numbers("plan", [28, 7.0, np.int64(2)]) == (28, 7, 2)
    assert check.whole_numbers("plan", ()) == ()
    for wrong in (5, "28", [1.5], [-1], [None], {"a": 1}):
        with pytest.raises(ParameterError, match="a list of whole numbers"):
            check.whole_numbers("plan", wrong)


def test_one_of_names_the_nearest() -> None:
    with pytest.raises(ParameterError, match="did you mean 'month'"):
        check.one_of("period", "moth", ["week", "month"])


def test_a_date_is_a_date() -> None:
    assert check.timestamp("as_of", "2026-06-30") == np.datetime64("2026-06-30", "s")
    with pytest.raises(ParameterError, match="a date such as 2026-06-30"):
        check.timestamp("as_of", "30.6.")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("Q3 2026", "2026-07-01 to 2026-09-30"),
        ("2026-Q4", "2026-10-01 to 2026-12-31"),
        ("2024 Q1", "2024-01-01 to 2024-03-31"),
        ("2026年第二季度", "2026-04-01 to 2026-06-30"),
        ("Q9 2026", "a year has four quarters"),
        ("in summer", "write year-month-day"),
    ],
)
def test_a_quarter_is_no_day_and_its_days_are_named(text: str, meant: str) -> None:
    with pytest.raises(ParameterError) as caught:
        check.timestamp("since", text)
    assert meant in caught.value.hint
