"""Conversion against a report counted by hand, loops over single deals, and cases that collapse."""

import dataclasses
import math

import numpy as np
import pandas as pd
import pytest

import funnelnb as fn
from funnelnb.analysis.conversion.conversion import conversion
from funnelnb.core.errors import MissingDataError, ParameterError
from funnelnb.core.options import options
from funnelnb.playbooks import load_playbook
from funnelnb.stats.rates.proportion import wilson
from tests.analysis.floors import Deal, Floor, playbook, random_floor
from tests.analysis.oracle import incidence, lives, same, values

SAME = 1e-12


def weekly_report() -> Floor:
    """100 prospects, 80 contacts, 40 needs, 20 proposals, 10 quotations, 5 orders; all others lost."""
    model = playbook("prospect", "contact", "need", "proposal", "quotation")
    deals = []
    for furthest, n in enumerate((20, 40, 20, 10, 5, 5)):
        visits = tuple((k, float(k)) for k in range(min(furthest, 4) + 1))
        end = "won" if furthest == 5 else "lost"
        deals += [Deal(visits=visits, end=end, closed=float(furthest + 1), amount=1000.0)] * n
    return Floor(deals=tuple(deals), playbook=model, today=30.0)


def flat(result) -> list:
    return values(*result.steps, *result.overall, *result.loss_points)


@pytest.mark.parametrize("where", ["book", "counted where it lies"])
def test_weekly_report(where):
    floor = weekly_report()
    result = conversion(floor.book() if where == "book" else floor, horizon_days=20)
    assert [row.reached_n for row in result.steps] == [100, 80, 40, 20, 10]
    assert [row.so_far_rate for row in result.steps] == [0.8, 0.5, 0.5, 0.5, 0.5]
    assert [row.decided_rate for row in result.steps] == [0.8, 0.5, 0.5, 0.5, 0.5]
    assert [row.by_day_rate for row in result.steps] == pytest.approx([0.8, 0.5, 0.5, 0.5, 0.5], abs=SAME)
    assert [row.so_far_amount_rate for row in result.steps] == [0.8, 0.5, 0.5, 0.5, 0.5]
    (overall,) = result.overall
    assert (overall.reached_n, overall.advanced_n, overall.lost_n) == (100, 5, 95)
    assert overall.so_far_rate == overall.decided_rate == 0.05
    assert overall.by_day_rate == pytest.approx(0.05, abs=SAME)
    assert (overall.stage, overall.next_stage) == ("prospect", "won")
    assert result.loss_points[0].stage == "contact"
    assert result.loss_points[0].lost_n == 40
    assert result.loss_points[0].lost_amount == 40_000
    assert result.n == 100


def test_weekly_report_as_a_plain_list():
    """Only stage and outcome are known, as in a hand-kept list: counts come out, times are unknown."""
    stages = load_playbook("weekly_report").stages
    rows = [(k, "lost") for k, n in enumerate((20, 40, 20, 10, 5)) for _ in range(n)] + [(5, "won")] * 5
    deals = pd.DataFrame(
        {
            "opportunity_id": [f"{number:03d}" for number in range(100)],
            "stage": [stages[k].label.zh for k, _ in rows],
            "outcome": [outcome for _, outcome in rows],
        }
    )
    result = fn.conversion(fn.load(deals, playbook="weekly_report", as_of="2026-06-30"))
    assert [row.reached_n for row in result.steps] == [100, 80, 40, 20, 10]
    assert [row.so_far_rate for row in result.steps] == [0.8, 0.5, 0.5, 0.5, 0.5]
    assert result.overall[0].so_far_rate == 0.05
    assert result.loss_points[0].lost_n == 40
    assert math.isnan(result.overall[0].by_day_rate)
    assert {"deals_n": 100, "of_n": 100} in [
        note.values for note in result.notes if note.code == "times_unknown"
    ]


def test_overall_interval_is_of_the_whole_way_not_a_product():
    result = conversion(weekly_report(), horizon_days=20)
    (overall,) = result.overall
    lower, upper = wilson(5, 100, 0.90)
    assert (overall.so_far_ci_lower, overall.so_far_ci_upper) == (float(lower), float(upper))
    product = math.prod(row.so_far_ci_lower for row in result.steps)
    assert abs(product - overall.so_far_ci_lower) > 0.005


@pytest.mark.parametrize("by", [None, "region", ("region", "size")])
@pytest.mark.parametrize("seed", range(6))
def test_ledger_and_loops_over_deals_agree(seed, by):
    floor = random_floor(seed)
    same(flat(conversion(floor, by=by)), flat(conversion(floor.book(), by=by)))


@pytest.mark.parametrize("observed_from", [None, 40.0])
@pytest.mark.parametrize("seed", range(4))
def test_by_day_is_aalen_johansen_of_single_deals(seed, observed_from):
    floor = random_floor(seed, deal_n=200, observed_from=observed_from)
    result = conversion(floor, by="size", horizon_days=45)
    groups = floor.groups(("size",))
    for row in (*result.steps, *result.overall):
        origin, target = (floor.playbook.position(name) for name in (row.stage, row.next_stage))
        rows = lives(floor, groups[row.group], origin, target)
        assert row.by_day_n == len(rows)
        assert row.at_risk_n == sum(time >= 45 > entry for time, _, entry in rows)
        if not math.isnan(row.by_day_rate):
            expected = incidence(rows, 45)
            assert (row.by_day_rate, row.by_day_lost_rate, row.by_day_open_rate) == pytest.approx(
                expected, abs=1e-12
            )
    assert sum(not math.isnan(row.by_day_rate) for row in result.overall) == 2


@pytest.mark.parametrize(
    ("times", "ends", "expected"),
    [([1, 2, 3, 4, 5, 6], "oaallo", 0.4), ([0, 1, 2, 3], "lalo", 0.5)],
)
def test_hand_cases(times, ends, expected):
    """Published hand cases: lost by the end is 0.4 and 0.5."""
    name = {"o": "open", "a": "won", "l": "lost"}
    today = 100.0
    deals = tuple(
        Deal(
            visits=((0, today - time if end == "o" else 0.0),),
            end=name[end],
            closed=None if end == "o" else float(time),
        )
        for time, end in zip(times, ends, strict=True)
    )
    floor = Floor(deals=deals, playbook=playbook("lead"), today=today)
    (overall,) = conversion(floor.book(), horizon_days=max(times)).overall
    assert overall.by_day_lost_rate == pytest.approx(expected, abs=SAME)


def test_without_open_deals_by_day_is_the_plain_share():
    floor = random_floor(5, deal_n=150, today=2000.0)
    closed = dataclasses.replace(
        floor, deals=tuple(deal for deal in floor.deals if deal.end in ("won", "lost"))
    )
    (overall,) = conversion(closed.book(), horizon_days=900).overall
    assert overall.by_day_rate == pytest.approx(overall.so_far_rate, abs=SAME)
    assert overall.by_day_rate == pytest.approx(overall.decided_rate, abs=SAME)


def test_amounts_take_the_effective_number_of_deals():
    """Won 400 of 600 with amounts 100, 100, 400: one of three deals, worth two equal ones."""
    deals = (
        Deal(visits=((0, 0.0),), end="won", closed=5.0, amount=400.0),
        Deal(visits=((0, 0.0),), end="lost", closed=6.0, amount=100.0),
        Deal(visits=((0, 0.0),), end="lost", closed=7.0, amount=100.0),
    )
    (row,) = conversion(Floor(deals=deals, playbook=playbook("lead"), today=20.0), horizon_days=10).overall
    assert row.so_far_rate == pytest.approx(1 / 3)
    assert row.so_far_amount_rate == row.decided_amount_rate == pytest.approx(2 / 3)
    assert row.by_day_amount_rate == pytest.approx(2 / 3, abs=SAME)
    lower, upper = wilson(2 / 3 * 2, 2, 0.90)
    for name in ("so_far", "decided", "by_day"):
        bounds = (getattr(row, f"{name}_amount_ci_lower"), getattr(row, f"{name}_amount_ci_upper"))
        assert bounds == pytest.approx((float(lower), float(upper)), abs=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_amount_by_day_weights_each_deal(seed):
    floor = random_floor(seed, deal_n=150)
    known = [deal for deal in floor.deals if deal.amount]
    (row,) = conversion(floor.book(), horizon_days=60).overall
    expected = incidence(lives(floor, known, 0, floor.playbook.won), 60, [deal.amount for deal in known])
    assert row.by_day_amount_rate == pytest.approx(expected[0], rel=1e-9)


def test_decided_amount_overall_is_that_of_deals_won_or_lost():
    floor = random_floor(2, deal_n=150)
    (row,) = conversion(floor.book(), horizon_days=60).overall
    gone = [deal for deal in floor.deals if deal.amount and deal.end in ("won", "lost")]
    share = sum(deal.amount for deal in gone if deal.end == "won") / sum(deal.amount for deal in gone)
    trials = sum(deal.amount for deal in gone) ** 2 / sum(deal.amount**2 for deal in gone)
    assert row.decided_amount_rate == pytest.approx(share, rel=1e-12)
    lower, upper = wilson(share * trials, trials, 0.90)
    assert row.decided_amount_ci_lower == pytest.approx(float(lower), rel=1e-9)
    assert row.decided_amount_ci_upper == pytest.approx(float(upper), rel=1e-9)


def test_amounts_recorded_only_for_wins_give_no_share_of_the_amount():
    deals = [Deal(visits=((0, 0.0),), end="won", closed=5.0, amount=400.0)] * 20
    deals += [Deal(visits=((0, 0.0),), end="lost", closed=5.0, amount=0.0)] * 20
    result = conversion(
        Floor(deals=tuple(deals), playbook=playbook("lead"), today=20.0).book(), horizon_days=10
    )
    (row,) = result.overall
    assert math.isnan(row.so_far_amount_rate)
    assert math.isnan(row.by_day_amount_ci_upper)
    assert math.isnan(row.lost_amount)
    assert row.advanced_amount == 8000
    assert math.isnan(result.loss_points[0].lost_amount)
    assert "amount_at_close_only" in [note.code for note in result.notes]


def test_open_deals_without_amount_leave_the_decided_share():
    deals = [Deal(visits=((0, 0.0),), end="won", closed=5.0, amount=400.0)] * 2
    deals += [Deal(visits=((0, 0.0),), end="lost", closed=5.0, amount=100.0)] * 2
    deals += [Deal(visits=((0, 0.0),))] * 2
    (row,) = conversion(
        Floor(deals=tuple(deals), playbook=playbook("lead"), today=20.0), horizon_days=10
    ).overall
    assert math.isnan(row.so_far_amount_rate)
    assert row.decided_amount_rate == pytest.approx(0.8)


def test_amounts_missing_before_won_do_not_hide_those_after_it():
    won = Deal(visits=((0, 0.0),), end="won", closed=5.0, amount=400.0)
    delivered = Deal(visits=((0, 0.0), (1, 5.0), (2, 8.0)), end="won", closed=5.0, amount=600.0)
    floor = Floor(
        deals=(won, delivered, Deal(visits=((0, 0.0),))),
        playbook=playbook("lead", after=("delivered",)),
        today=20.0,
    )
    first, after_sale = conversion(floor, horizon_days=10).steps
    assert math.isnan(first.so_far_amount_rate)
    assert math.isnan(first.here_amount)
    assert after_sale.so_far_amount_rate == pytest.approx(0.6)
    assert after_sale.here_amount == 400


def test_curves_add_to_one_and_meet_the_headline():
    floor = random_floor(1, deal_n=200)
    result = conversion(floor.book(), by="region", horizon_days=40)
    assert [curve.group for curve in result.curves] == [("East",), ("North",), ("West",)]
    for curve, row in zip(result.curves, result.overall, strict=True):
        np.testing.assert_allclose(curve.won_rate + curve.lost_rate + curve.open_rate, 1, atol=1e-12)
        last = np.searchsorted(curve.days, 40, side="right") - 1
        assert curve.won_rate[last] == row.by_day_rate
        assert curve.won_ci_lower[last] == row.by_day_ci_lower
        rows = lives(floor, floor.groups(("region",))[row.group], 0, floor.playbook.won)
        watched = [sum(time >= day for time, _, _ in rows) for day in range(int(curve.trusted_days) + 50)]
        assert watched[int(curve.trusted_days)] >= 10 > watched[int(curve.trusted_days) + 1]


def test_long_curves_are_thinned():
    rng = np.random.default_rng(1)
    deals = tuple(
        Deal(visits=((0, 0.0),), end="won" if won else "lost", closed=float(day))
        for day, won in zip(rng.uniform(0, 300, 900), rng.random(900) < 0.4, strict=True)
    )
    (curve,) = conversion(Floor(deals=deals, playbook=playbook("lead"), today=400.0), horizon_days=50).curves
    assert len(curve.days) == 400
    day = curve.days[137]
    assert curve.won_rate[137] == pytest.approx(sum(d.end == "won" and d.closed <= day for d in deals) / 900)


def test_horizon_beyond_what_is_seen_is_not_a_number():
    floor = random_floor(3)
    result = conversion(floor.book(), horizon_days=1000)
    (row,) = result.overall
    assert math.isnan(row.by_day_rate)
    assert math.isnan(row.by_day_ci_lower)
    assert row.at_risk_n == 0
    assert not math.isnan(row.so_far_rate)
    assert "horizon_unseen" in [note.code for note in result.notes]


def test_few_deals_and_no_deals():
    floor = random_floor(3, deal_n=9)
    result = conversion(floor.book(), by="region")
    assert not any(row.enough for row in (*result.steps, *result.overall))
    (note,) = [note for note in result.notes if note.code == "too_few"]
    assert note.values["groups_n"] == len(result.overall)
    nobody = dataclasses.replace(floor, deals=())
    result = conversion(nobody)
    (row,) = result.overall
    assert row.reached_n == result.n == 0
    assert math.isnan(row.so_far_rate)
    assert math.isnan(row.by_day_rate)
    assert result.curves == ()
    assert result.loss_points == ()


def test_late_history_counts_from_when_deals_were_watched():
    """Deals that ended before day 40 are missing; where nobody watched young deals the rate is withheld."""
    floor = random_floor(7, deal_n=300, observed_from=40.0)
    survivors = tuple(deal for deal in floor.deals if (deal.closed or 1e9) > 40.0)
    result = conversion(dataclasses.replace(floor, deals=survivors).book(), horizon_days=45)
    (row,) = result.overall
    rows = lives(floor, survivors, 0, floor.playbook.won)
    assert row.by_day_rate == pytest.approx(incidence(rows, 45)[0], abs=1e-12)
    assert {"late_entry"} <= {note.code for note in result.notes}
    old = tuple(deal for deal in survivors if deal.created < 30.0)
    result = conversion(dataclasses.replace(floor, deals=old).book(), horizon_days=45)
    assert math.isnan(result.overall[0].by_day_rate)
    assert "early_risk_small" in [note.code for note in result.notes]
    assert result.curves[0].days.tolist() == [0.0]
    assert result.curves[0].trusted_days == 0


def test_after_sale_steps_are_rows_of_their_own():
    floor = random_floor(4, deal_n=150)
    result = conversion(floor.book(), horizon_days=60)
    assert [row.after_sale for row in result.steps] == [False] * 4 + [True]
    step = result.steps[-1]
    won = [deal for deal in floor.deals if deal.end == "won"]
    assert (step.stage, step.next_stage, step.reached_n) == ("won", "delivered", len(won))
    assert math.isnan(step.decided_rate)
    assert step.so_far_rate == step.advanced_n / len(won)
    assert step.advanced_n == sum(deal.furthest(4) == 5 for deal in won)
    assert result.overall[0].advanced_n == len(won)
    plain = dataclasses.replace(
        floor,
        deals=tuple(
            dataclasses.replace(d, visits=tuple(v for v in d.visits if v[0] < 4)) for d in floor.deals
        ),
    )
    assert [row.stage for row in conversion(plain.book()).steps] == ["s0", "s1", "s2", "s3"]


def test_origin_stage_starts_the_whole_way_later():
    floor = random_floor(6, deal_n=200)
    result = conversion(floor.book(), origin_stage="s2", horizon_days=40)
    assert [row.stage for row in result.steps] == ["s2", "s3", "won"]
    (row,) = result.overall
    reached = [deal for deal in floor.deals if deal.furthest(4) >= 2]
    assert (row.stage, row.reached_n, result.n) == ("s2", len(reached), len(reached))
    assert row.lost_n == sum(deal.end == "lost" for deal in reached)
    expected = incidence(lives(floor, floor.deals, 2, 4), 40)
    assert row.by_day_rate == pytest.approx(expected[0], abs=1e-12)
    assert result.loss_points[0].stage in ("s2", "s3")


def test_loss_point_is_named_only_when_it_is_clear():
    model = playbook("lead", "offer")
    lost = [Deal(visits=((0, 0.0),), end="lost", closed=3.0)] * 70
    later = [Deal(visits=((0, 0.0), (1, 1.0)), end="lost", closed=3.0)] * 30
    (point,) = conversion(Floor(deals=(*lost, *later), playbook=model, today=9.0)).loss_points
    assert (point.stage, point.lost_share, point.clear) == ("lead", 0.7, True)
    (point,) = conversion(Floor(deals=(*lost[:32], *later), playbook=model, today=9.0)).loss_points
    assert (point.stage, point.clear) == ("lead", False)


def test_notes_carry_their_counts():
    floor = random_floor(0, deal_n=150)
    result = conversion(floor.book())
    notes = {note.code: note.values for note in result.notes}
    n = len(floor.deals)
    assert notes["open_deals"] == {"deals_n": sum(d.end == "open" for d in floor.deals), "of_n": n}
    assert notes["left_undecided"] == {"deals_n": sum(d.end == "left" for d in floor.deals), "of_n": n}
    assert notes["amount_unknown"] == {"deals_n": sum(d.amount is None for d in floor.deals), "of_n": n}
    assert len([note for note in result.notes if note.code == "amount_unknown"]) == 1
    assert "no_losses" not in notes


def test_confidence_level_comes_from_call_or_option():
    floor = random_floor(0)
    assert conversion(floor).confidence_level == options().confidence_level
    wide, narrow = (
        conversion(floor, horizon_days=60, confidence_level=level).overall[0] for level in (0.99, 0.5)
    )
    for name in ("so_far", "decided", "by_day", "so_far_amount", "decided_amount", "by_day_amount"):
        assert getattr(wide, f"{name}_ci_lower") < getattr(narrow, f"{name}_ci_lower")
        assert getattr(wide, f"{name}_ci_upper") > getattr(narrow, f"{name}_ci_upper")


@pytest.mark.parametrize(
    ("parameters", "error", "said"),
    [
        ({"by": "regoin"}, MissingDataError, "region"),
        ({"by": ("region", "size", "region")}, ParameterError, "one attribute, or two"),
        ({"by": ("region", "region")}, ParameterError, "two different"),
        ({"horizon_days": 0}, ParameterError, "> 0"),
        ({"horizon_days": "soon"}, ParameterError, "horizon_days = 'soon'"),
        ({"confidence_level": 95}, ParameterError, "< 1"),
        ({"origin_stage": "won"}, ParameterError, "before won"),
        ({"origin_stage": "s9"}, ParameterError, "'s3'"),
    ],
)
@pytest.mark.parametrize("where", ["book", "counted where it lies"])
def test_bad_parameters_are_named(parameters, error, said, where):
    floor = random_floor(0)
    with pytest.raises(error) as caught:
        conversion(floor.book() if where == "book" else floor, **parameters)
    assert said in str(caught.value)
