"""Deal-size mixes: the worked case, measured bands, limits, and bad input."""

from functools import cache

import numpy as np
import pytest

import funnelnb as fn
from funnelnb.core.errors import ParameterError

CASE = {"bands": [10_000, 30_000, 50_000], "counts": [61, 30, 12, 5], "currency": "CNY"}


@cache
def sample():
    return fn.sample()


@cache
def case():
    return fn.targets.deal_mix(
        amount=500_000, plan=[28, 7, 2, 1], effort=[8, 20, 45, 90], effort_unit="hours", **CASE
    )


def test_the_shares_of_the_worked_case():
    shares = [round(100 * row.history_share, 1) for row in case().bands]
    assert shares == [56.5, 27.8, 11.1, 4.6]
    for row in case().bands:
        assert row.history_ci_lower < row.history_share < row.history_ci_upper
        assert not row.measured
    assert case().n == 108
    assert case().currency == "CNY"


def test_the_plan_of_the_worked_case_is_unlikely_and_says_which_averages_it_needs():
    plan = case().plan
    assert plan.mix == "28 + 7 + 2 + 1"
    assert plan.deal_n == 38
    assert plan.expected_amount == 435_000
    rng = np.random.default_rng(2)
    totals = np.zeros(200_000)
    for low, high, n in ((0, 10e3, 28), (10e3, 30e3, 7), (30e3, 50e3, 2), (50e3, 100e3, 1)):
        totals += rng.uniform(low, high, (200_000, n)).sum(axis=1)
    share = np.mean(totals >= 500e3)
    assert plan.chance_rate == pytest.approx(share, abs=4 * np.sqrt(share / 200_000))
    # with all averages grown by the factor the plan has the assurance wanted
    assert np.mean(totals * case().plan_factor >= 500e3) == pytest.approx(0.8, abs=0.005)
    needed = [row.needed_mean_amount / row.mean_amount for row in case().bands]
    assert needed == pytest.approx([case().plan_factor] * 4)


def test_the_number_of_deals_that_assures():
    result = case()
    chance = dict(zip(result.curve.deal_n.tolist(), result.curve.chance_rate.tolist(), strict=True))
    assert chance[result.required_n] >= 0.8 > chance[result.required_n - 1]
    assert result.average_n == 31
    assert result.average_rate == pytest.approx(0.5, abs=0.02)


def test_mixes_are_ranked_and_keep_their_limits():
    limits = {"meetings": ([2, 4, 6, 12], 120.0)}
    result = fn.targets.deal_mix(
        amount=500_000, effort=[8, 20, 45, 90], limits=limits, most_share=0.5, least_n=[5, 2, 1, 0], **CASE
    )
    efforts = [row.effort for row in result.mixes]
    assert efforts == sorted(efforts)
    for row in (*result.mixes, *result.frontier, result.cheapest):
        assert row.feasible
        assert np.dot(row.counts, limits["meetings"][0]) <= 120
        brought = np.array(row.counts) * [5e3, 20e3, 40e3, 75e3]
        assert brought.max() <= 0.5 * brought.sum() + 1e-6
        assert all(np.array(row.counts) >= [5, 2, 1, 0])
    assert all(row.expected_amount >= 500_000 for row in result.mixes)
    assert result.cheapest.chance_rate >= 0.8


def test_the_frontier_trades_effort_for_chance():
    efforts = [row.effort for row in case().frontier]
    rates = [row.chance_rate for row in case().frontier]
    assert efforts == sorted(efforts)
    assert rates == sorted(rates)
    assert len(rates) > 5


def test_measured_bands_take_their_own_deals():
    result = fn.targets.deal_mix(sample(), amount=3_000_000, bands=[20_000, 60_000])
    ledger = sample().ledger
    won = ledger.amount[(ledger.outcome == 1) & (ledger.amount > 0)]
    assert [row.history_n for row in result.bands] == [
        (won < 20e3).sum(),
        ((won >= 20e3) & (won < 60e3)).sum(),
        (won >= 60e3).sum(),
    ]
    assert result.bands[-1].mean_amount == pytest.approx(won[won >= 60e3].mean())
    assert np.isinf(result.bands[-1].upper_amount)
    assert all(row.measured for row in result.bands)
    assert result.effort_unit == "leads"
    assert result.currency == "EUR"


def test_an_attribute_can_make_the_bands():
    result = fn.targets.deal_mix(sample(), amount=3_000_000, bands="segment")
    assert [row.band for row in result.bands] == ["Key account", "Mid-size", "Small"]
    assert sum(row.history_share for row in result.bands) == pytest.approx(1)
    assert result.by == ("segment",)


def test_a_band_without_history_is_said_and_not_planned():
    result = fn.targets.deal_mix(amount=100_000, bands=[10_000, 30_000], counts=[20, 5, 0])
    codes = {note.code for note in result.notes}
    assert "mix_band_without_history" in codes
    assert "mix_open_band_assumed" in codes
    assert all(row.counts[2] == 0 for row in result.mixes)


@pytest.mark.realdata
def test_maven_which_products_would_have_reached_the_fourth_quarter(shared_data):
    from tests.conftest import ROOT

    book = fn.load(
        shared_data / "maven_crm", mapping=ROOT / "examples" / "maven_crm.toml", as_of="2017-09-30"
    )
    result = fn.targets.deal_mix(book, amount=2_802_496, bands="product")
    assert len(result.bands) == 7
    assert 1_150 < result.average_n < 1_220
    assert result.average_n < result.required_n < 1_260
    best = result.mixes[0]
    assert best.expected_amount >= 2_802_496
    assert sum(row.history_n for row in result.bands) == 3_042


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"amount": 0}, "amount = 0"),
        ({"counts": [0.565, 0.278, 0.111, 0.04]}, "counts add to 0.994"),
        ({"counts": [61, 30, 12]}, "3 values for 4 bands"),
        ({"bands": [30_000, 10_000, 50_000]}, "bands = "),
        ({"plan": [1, 2, 3]}, "3 values for 4 bands"),
        ({"effort": [1, 2]}, "effort has 2"),
        ({"effort": [1, 2, 3, -4]}, r"effort\[3\] = -4"),
        ({"limits": {"hours": ([1, 1, 1, 1], -5)}}, "capacity of hours = -5"),
        ({"limits": {"hours": 5}}, r"limits\['hours'\]"),
        ({"means": [5_000, 20_000, 40_000, 40_000]}, r"means\[3\]"),
        ({"limits": {"hours": ([8, 20, 45, 90], 300)}}, "at most .* short"),
        ({"assurance": 0}, "assurance = 0"),
    ],
)
def test_bad_input_is_named(changes, says):
    with pytest.raises(ParameterError, match=says):
        fn.targets.deal_mix(**{"amount": 500_000} | CASE | changes)


def test_an_unreachable_target_names_the_limit_and_what_is_missing():
    with pytest.raises(ParameterError) as caught:
        fn.targets.deal_mix(
            amount=500_000,
            effort=[8, 20, 45, 90],
            limits={"hours": ([8, 20, 45, 90], 300)},
            stretch=None,
            **CASE,
        )
    assert "300,000" in caught.value.found
    assert "200,000 short" in caught.value.found
    assert "hours: 500 instead of 300 (200 more)" in caught.value.expected
