"""Changes explained: hand counts, Kitagawa's split, exact sums on random floors, open deals in no part a loss."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import funnelnb as fn
from funnelnb.analysis.diagnosis.cells import stage_days, standing_at
from funnelnb.analysis.diagnosis.change import MEASURES, change
from funnelnb.analysis.diagnosis.desk import Desk
from funnelnb.core.errors import MissingDataError, ParameterError
from funnelnb.simulate import Floor, simulate


@pytest.fixture(scope="module")
def sample():
    return fn.sample()


def floor(seed, **more):
    made = simulate(Floor(deals_n=600, **more), seed=seed)
    return fn.Book(
        tables=made.tables, playbook=made.playbook, as_of=np.datetime64(made.as_of, "s"), currency="EUR"
    )


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_parts_sum_to_the_change_exactly(measure, seed):
    found = change(floor(seed), measure=measure, before="2025-Q2", after="2026-Q1")
    *parts, total = found.parts
    assert sum(row.effect for row in parts) == pytest.approx(total.effect, rel=1e-9, abs=1e-9)
    assert total.effect == pytest.approx(found.after_total - found.before_total)
    mix = next(row for row in parts if row.part == "mix")
    assert found.standardised == pytest.approx(total.effect - mix.effect)


def test_bookings_are_the_sum_of_amounts_won_in_the_periods(sample):
    found = change(sample, before="2026-Q1", after="2026-Q2")
    deals = sample.opportunities
    won = deals[deals["outcome"] == "won"]
    for start, end, value in (
        ("2026-01-01", "2026-03-31", found.before_total),
        ("2026-04-01", "2026-06-30", found.after_total),
    ):
        assert value == won[(won["closed_at"] >= start) & (won["closed_at"] <= end)]["amount"].sum()


def test_win_rate_by_the_horizon_is_counted_by_hand(sample):
    found = change(sample, measure="win_rate", before="2025-Q1", after="2025-Q3", horizon_days=180, mix_by="")
    deals = sample.opportunities
    for (start, end), value, n in (
        (("2025-01-01", "2025-03-31"), found.before_total, found.before_n),
        (("2025-07-01", "2025-09-30"), found.after_total, found.after_n),
    ):
        mine = deals[(deals["created_at"] >= start) & (deals["created_at"] <= end)]
        won = (mine["outcome"] == "won") & ((mine["closed_at"] - mine["created_at"]).dt.days <= 180)
        assert n == len(mine)
        assert value == pytest.approx(won.mean())
    assert found.open_n == 0


def test_deals_too_young_are_open_and_not_lost(sample):
    found = change(sample, measure="win_rate", before="2025-Q1", after="2026-Q2", horizon_days=45)
    deals = sample.opportunities
    young = deals[
        (deals["created_at"] >= "2026-04-01")
        & (deals["created_at"] > pd.Timestamp("2026-06-30") - pd.Timedelta(days=45))
    ]
    assert found.open_n == len(young)
    assert found.after_n == len(deals[deals["created_at"].between("2026-04-01", "2026-06-30")]) - len(young)


def test_two_parts_are_kitagawas():
    """One working stage, one group: mean days split into mix and days by hand, over two segments."""
    days = {"A": 10, "B": 30}
    rows = []
    for period, counts in (("2026-01-05", {"A": 30, "B": 10}), ("2026-02-05", {"A": 10, "B": 30})):
        for segment, n in counts.items():
            for _ in range(n):
                start = pd.Timestamp(period)
                rows.append((segment, start, start + pd.Timedelta(days=days[segment]), "lost", "start", 1.0))
    frame = pd.DataFrame(rows, columns=["segment", "created_at", "closed_at", "outcome", "stage", "amount"])
    frame.insert(0, "opportunity_id", [f"D{k}" for k in range(len(frame))])
    book = fn.load(frame, playbook={"stages": ["start", "won"]}, as_of="2026-06-30")
    found = change(book, measure="cycle", before="2026-01", after="2026-02", horizon_days=60)
    parts = {row.part: row.effect for row in found.parts}
    assert parts["mix"] == pytest.approx((0.25 - 0.75) * 10 + (0.75 - 0.25) * 30)
    assert parts["days"] == pytest.approx(0.0)
    assert parts["total"] == pytest.approx(10.0)


def test_stage_days_sum_to_the_days_of_the_deal(sample):
    desk = Desk(sample, "owner")
    spent = stage_days(desk, 90.0).sum(axis=1)
    known = ~np.isnan(desk.entered)
    wanted = np.minimum(np.where(desk.ended, desk.closed - desk.entered, 90.0), 90.0)
    assert spent[known] == pytest.approx(wanted[known])


def test_where_deals_stood_agrees_with_plain_loops(sample):
    desk, ledger = Desk(sample, "owner"), sample.ledger
    day = float(np.datetime64("2026-01-01", "D").astype(int))
    stood = standing_at(desk, day)
    for deal in range(0, len(desk.won), 37):
        rows = range(ledger.start[deal], ledger.start[deal + 1])
        before = [int(ledger.stage[row]) for row in rows if ledger.entered_s[row] < day * 86_400]
        over = desk.ended[deal] and desk.closed[deal] < day
        wanted = -1 if over or desk.entered[deal] >= day else min(before[-1], ledger.won - 1)
        assert stood[deal] == wanted


def test_a_planted_change_lies_in_its_part():
    """Twice as many deals enter: the volume carries it; a step made harder lies in that step."""
    early, late = floor(5, growth=0.0), floor(5, growth=3.0)
    grown = change(late, measure="bookings", before="2025-Q2", after="2026-Q2")
    volume = next(row for row in grown.parts if row.part == "volume")
    assert volume.clear
    assert volume.effect > 0
    assert early.ledger is not late.ledger


def test_intervals_come_from_accounts_and_repeat(sample):
    one, two = (change(sample, before="2026-Q1", after="2026-Q2") for _ in range(2))
    assert repr(one.parts) == repr(two.parts)
    for row in one.parts:
        assert row.effect_ci_lower <= row.effect <= row.effect_ci_upper or row.part in (
            "mix",
            "size",
            "speed",
            "rate",
        )


def test_last_two_quarters_are_compared_where_nothing_is_named(sample):
    found = change(sample)
    assert (found.before_name, found.after_name) == ("2026-Q1", "2026-Q2")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"measure": "revenue"}, "bookings"),
        ({"before": "2026-Q1"}, "two periods"),
        ({"before": "2026-Q2", "after": "2026-Q1"}, "earlier"),
        ({"before": "x", "after": "2026-Q1"}, "month, quarter or year"),
        ({"by": "region", "before": "DACHH", "after": "Nordics"}, "DACH"),
        ({"by": "region", "before": "DACH", "after": "DACH"}, "two different"),
        ({"horizon_days": 0, "measure": "win_rate"}, "number"),
    ],
)
def test_slips_are_answered(sample, given, told):
    with pytest.raises(ParameterError, match=told):
        change(sample, **given)


def test_a_period_without_deals_is_left_out_with_a_sentence(sample):
    with pytest.raises(MissingDataError, match="2020-Q1"):
        change(sample, before="2020-Q1", after="2026-Q1")
    left = fn.notebook.attempt(change, sample, before="2020-Q1", after="2026-Q1")
    assert "2020-Q1" in left.finding("en")


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_it_is_shown_in_both_languages(sample, measure, lang):
    found = change(sample, measure=measure, before="2025-Q1", after="2026-Q1")
    assert found.finding(lang)
    assert found.chart(None, lang).to_dict()
    assert "nan" not in found.text(lang).lower()
