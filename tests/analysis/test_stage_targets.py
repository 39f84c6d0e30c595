"""Targets by stage and person: divisions by hand, shares that add up, a planted ability, new people judged kindly."""

import functools

import numpy as np
import pytest

import funnelnb as fn
from funnelnb.core.errors import ParameterError
from tests.analysis.desk import book
from tests.analysis.floors import Deal


@functools.cache
def sample():
    return fn.sample()


def test_deals_needed_by_division() -> None:
    result = fn.targets.stage_targets(sample(), period="2026-Q3", horizon_days=180)
    steps = fn.conversion(sample(), horizon_days=180).steps[:5]
    deals = sample().opportunities
    sizes = deals.loc[(deals["outcome"] == "won") & (deals["amount"] > 0), "amount"]
    wins = result.target_amount / sizes.mean()
    assert result.wins_n == pytest.approx(wins)
    for k, row in enumerate(result.stages):
        through = np.prod([step.by_day_rate for step in steps[k:]])
        assert row.needed_n == pytest.approx(wins / through)
        assert row.needed_amount == pytest.approx(row.needed_n * sizes.mean())
        assert row.target_rate == row.actual_rate


def test_the_ideal_is_the_target_only_where_it_is_better() -> None:
    ideal = [0.9, 0.1, 0.9, 0.9, 0.1]
    result = fn.targets.stage_targets(sample(), amount=1e6, until="2026-12-31", ideal=ideal, horizon_days=180)
    for row, wanted in zip(result.stages, ideal, strict=True):
        assert row.target_rate == max(row.actual_rate, wanted)
    assert result.reference == "given"


@pytest.mark.parametrize("by", ["owner", "team", "region"])
def test_shares_add_up(by: str) -> None:
    result = fn.targets.stage_targets(sample(), period="2026-Q3", by=by)
    assert sum(row.target_amount for row in result.rows) == pytest.approx(result.target_amount)
    assert sum(row.target_share for row in result.rows) == pytest.approx(1)
    table = sample().table("targets")
    assert result.target_amount == table.loc[table["period"] == "2026-Q3", "amount"].sum()


def people():
    """Ann wins 60 of 100, Bob 20 of 100, both over 300 days; Cy is new: one deal, won, a month ago."""
    deals = []
    for name, wins in (("Ann", 60), ("Bob", 20)):
        for k in range(100):
            start, won = 3.0 * k, k % 5 < wins // 20
            deals.append(
                Deal(
                    visits=((0, start), (1, start + 1)), end="won" if won else "lost", closed=start + 5,
                    amount=100.0, attributes={"owner": name},
                )
            )  # fmt: skip
    deals.append(
        Deal(visits=((0, 280.0),), end="won", closed=285.0, amount=100.0, attributes={"owner": "Cy"})
    )
    return book(*deals, today=310.0)


def test_ability_and_experience_are_measured_and_shrunk() -> None:
    rows = {
        row.group[0]: row for row in fn.targets.stage_targets(people(), amount=1e4, until="2027-01-31").rows
    }
    assert (rows["Ann"].won_n, rows["Ann"].closed_n) == (60, 100)
    assert rows["Ann"].ability_rate == pytest.approx(0.6, abs=0.05)
    assert rows["Cy"].ability_rate < 0.95, "one deal won is not an ability of 100 %"
    assert rows["Cy"].experience_days == pytest.approx(30)
    assert rows["Ann"].target_amount > 2 * rows["Bob"].target_amount
    assert rows["Ann"].target_amount > rows["Cy"].target_amount > 0


def test_wrong_asks_are_refused() -> None:
    with pytest.raises(ParameterError, match="the period ends on"):
        fn.targets.stage_targets(sample(), period="2025-Q1")
    with pytest.raises(ParameterError, match="2 shares"):
        fn.targets.stage_targets(sample(), period="2026-Q3", ideal=[0.5, 0.5])


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_it_reads_in_words(lang: str) -> None:
    result = fn.targets.stage_targets(sample(), period="2026-Q3", ideal=[0.9] * 5)
    assert result.finding(lang) and result.text(lang) and result.html(lang)
