"""Shares by day t for single deals, with exact fractions and plain loops: no array, no counting."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.analysis.floors import Deal, Floor


def lives(floor: Floor, deals: Sequence[Deal], origin: int, target: int) -> list[tuple[float, str, float]]:
    """For each deal that reached the origin: (days from there, how it ended, days before it was watched)."""
    won, found = floor.playbook.won, []
    for deal in deals:
        start = deal.reached(origin, won)
        if start is None:
            continue
        hit = deal.reached(target, won)
        if hit is not None:
            life = (hit - start, "advanced")
        elif deal.end in ("lost", "left"):
            life = (deal.closed - start, "lost" if deal.end == "lost" else "censored")
        else:
            life = (floor.today - start, "censored")
        entry = max(0.0, floor.observed_from - start) if floor.observed_from is not None else 0.0
        if not entry or life[0] > entry:
            found.append((*life, entry))
    return found


def incidence(
    rows: Sequence[tuple[float, str, float]], day: float, weights: Sequence[float] | None = None
) -> tuple[float, float, float]:
    """Aalen-Johansen by definition: at each event, the share still open times events over at risk."""
    weight = [Fraction(1)] * len(rows) if weights is None else [Fraction(one) for one in weights]
    still_open, advanced, lost = Fraction(1), Fraction(0), Fraction(0)
    for time in sorted({row[0] for row in rows if row[1] != "censored" and row[0] <= day}):
        watched = [k for k, row in enumerate(rows) if row[0] >= time and (row[2] < time or row[2] == 0)]
        at_risk = sum(weight[k] for k in watched)
        now = [k for k in watched if rows[k][0] == time]
        on = sum(weight[k] for k in now if rows[k][1] == "advanced") / at_risk
        out = sum(weight[k] for k in now if rows[k][1] == "lost") / at_risk
        advanced, lost, still_open = (
            advanced + still_open * on,
            lost + still_open * out,
            still_open * (1 - on - out),
        )
    return float(advanced), float(lost), float(still_open)


def values(*rows: Any) -> list[Any]:
    """Return every field of result rows, one after the other."""
    return [value for row in rows for value in dataclasses.astuple(row)]


def same(left: Sequence[Any], right: Sequence[Any]) -> None:
    """Numbers to nine digits, everything else exactly."""
    assert len(left) == len(right)
    for one, other in zip(left, right, strict=True):
        if isinstance(one, float):
            assert one == pytest.approx(other, rel=1e-9, abs=1e-12, nan_ok=True)
        else:
            assert one == other
