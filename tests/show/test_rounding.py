"""Estimated amounts are written no more exactly than their range, and what is written adds up."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funnelnb.show.views.rounding import at_least, rounded, step_of, summed

AMOUNT = st.floats(1.0, 1e12)


@pytest.mark.parametrize(("spread", "largest", "step"), [
    (1.77e6, 3.33e6, 1e5), (132_300.0, 132_300.0, 1e4), (0.0, 747_230.0, 1e3), (math.nan, 58_121.0, 1e2),
    (5.0, 2.43e6, 1e4), (99.0, 50.0, 1.0), (0.0, 0.0, 0.0), (math.inf, 0.0, 0.0),
])  # fmt: skip
def test_the_step_follows_the_range_and_leaves_three_digits_at_most(
    spread: float, largest: float, step: float
) -> None:
    """By hand: the power of ten below a tenth of the range, or the third digit."""
    assert step_of(spread, largest) == pytest.approx(step)


@given(AMOUNT, AMOUNT)
def test_rounding_moves_an_amount_by_less_than_the_range_can_tell(value: float, spread: float) -> None:
    """At most a twentieth of the range, or half a unit of the third digit."""
    step = step_of(spread, value)
    moved = abs(rounded(value, step) - value)
    assert moved <= max(spread / 20, 0.005 * value) * (1 + 1e-9)
    written = f"{rounded(value, step):.12g}".replace(".", "").split("e")[0].strip("0")
    assert len(written) <= 3


@given(st.floats(0.0, 1e9), st.floats(0.0, 1e9), st.floats(0.0, 1e9), st.floats(1.0, 1e9))
def test_what_is_written_adds_up(won: float, opened: float, new: float, spread: float) -> None:
    """Up to half a step, which a small part keeps as its own digit."""
    total = won + opened + new
    step = step_of(spread, total)
    whole, *parts = summed(total, won, opened, new, step=step)
    assert abs(whole - rounded(won, step) - math.fsum(parts)) <= 0.5 * step * (1 + 1e-9)
    assert all(abs(one - other) <= 1.5 * step for one, other in zip(parts, (opened, new), strict=True))


@given(AMOUNT, AMOUNT)
def test_what_is_reached_at_least_is_never_rounded_up(value: float, spread: float) -> None:
    written = at_least(value, step_of(spread, value))
    assert 0.9 * value <= written * (1 + 1e-9) and written <= value * (1 + 1e-9)
