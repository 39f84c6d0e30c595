"""The chance to win of each open deal: the rule by hand, coverage with segments that differ, what is not seen."""

from pathlib import Path

import numpy as np
import pytest

import funnelnb as fn
from funnelnb.analysis.shared.open_deals import open_deals
from funnelnb.analysis.shared.time_to_close import outlook
from funnelnb.analysis.time.stuck import lean, stuck
from funnelnb.stats.curves.chance import Ahead, Chance
from funnelnb.stats.curves.incidence import aalen_johansen
from tests.analysis.desk import book
from tests.analysis.floors import Deal, playbook
from tests.conftest import ROOT

MODEL = playbook("lead")


def chance(rate: float, variance: float, known_n: float, slack: float = 0.0) -> Chance:
    return Chance(**{
        name: np.array([value])
        for name, value in (("rate", rate), ("variance", variance), ("known_n", known_n), ("slack", slack))
    })  # fmt: skip


def test_a_segment_leans_on_all_by_fifty_deals() -> None:
    own, whole = chance(0.8, 0.008, 20.0), chance(0.4, 0.0008, 400.0)
    found = lean(own, whole)
    assert found.rate[0] == pytest.approx((20 * 0.8 + 50 * 0.4) / 70)
    # a deal of the whole tells as much as 0.24 / 0.0008 / 400 = 0.75 deals without censoring
    doubt = 1 / (0.75 * 70) + (50 / 70) ** 2 / 300
    assert found.variance[0] == pytest.approx(found.rate[0] * (1 - found.rate[0]) * doubt)
    assert found.effective_n[0] == pytest.approx(1 / doubt)


def test_a_segment_that_cannot_be_seen_has_the_chance_of_all_with_more_doubt() -> None:
    whole = chance(0.4, 0.0008, 400.0, 0.01)
    found = lean(chance(np.nan, np.nan, np.nan, np.nan), whole)
    assert (found.rate[0], found.slack[0]) == (0.4, 0.01)
    assert found.variance[0] == pytest.approx(0.24 / (50 * 0.75) + 0.0008)
    lower, upper = found.bounds()
    assert lower[0] < whole.bounds()[0][0] < whole.bounds()[1][0] < upper[0]
    assert np.isnan(lean(whole, chance(np.nan, np.nan, np.nan)).rate[0])


def test_many_own_deals_stand_for_themselves() -> None:
    own, whole = chance(0.6, 0.24 / 1e6, 1e6), chance(0.4, 0.24 / 2e6, 2e6)
    found = lean(own, whole)
    assert found.rate[0] == pytest.approx(0.6, abs=1e-4)
    assert found.variance[0] == pytest.approx(own.variance[0], rel=0.01)


def test_none_won_stays_none_with_a_bound_by_the_deals_known() -> None:
    found = lean(chance(0.0, 0.0, 30.0), chance(0.0, 0.0, 100.0))
    doubt = 1 / 80 + (50 / 80) ** 2 / 100
    assert found.rate[0] == found.bounds()[0][0] == 0
    assert found.bounds()[1][0] == pytest.approx(1.645**2 * doubt / (1 + 1.645**2 * doubt), rel=1e-3)


def leaning(seed: int, runs: int, prior: float) -> tuple[float, float]:
    """Six segments of 10 to 240 deals whose shares won differ like shares of `prior` deals: coverage, and the
    error against that of the segment's own chance."""
    rng, sizes = np.random.default_rng(seed), [10, 20, 30, 60, 120, 240]
    group, hits, error, own_error = np.repeat(range(6), sizes), [], [], []
    for _ in range(runs):
        share = rng.beta(0.4 * prior, 0.6 * prior, 6)
        days, won = np.ceil(rng.exponential(40, 480)), rng.random(480) < share[group]
        seen = rng.integers(10, 200, 480)
        time, outcome = np.minimum(days, seen), np.where(days <= seen, np.where(won, 1, 2), 0)
        whole = Ahead(aalen_johansen(time, outcome), None, [20], 60).chance(60)
        for k, truth in enumerate(share * (1 - np.exp(-60 / 40))):
            mine = group == k
            own = Ahead(aalen_johansen(time[mine], outcome[mine]), None, [20], 60).chance(60)
            found = lean(own, whole)
            lower, upper = found.bounds()
            hits.append(lower[0] <= truth <= upper[0])
            error.append(found.rate[0] - truth)
            own_error.append(own.rate[0] - truth)
    return float(np.mean(hits)), float(np.nanstd(error) / np.nanstd(own_error))


def test_leantis_nearer_the_truth_and_its_interval_holds_it() -> None:
    """Of 2,400 intervals each: 91.6 % hold the truth where segments differ like shares of 50 deals, as the
    rule takes it; 97 % where they are all alike, 80 % where they differ like shares of 20. The error is half.
    """
    held, ratio = leaning(7, 60, 50)
    assert held == pytest.approx(0.91, abs=0.05), "360 intervals: 1.5 points"
    assert ratio < 0.6


@pytest.mark.parametrize("within", [30, 90])
def test_without_segments_it_is_the_chance_that_other_results_use(within) -> None:
    whole = fn.sample()
    deals = open_deals(whole)
    others = dict(
        zip(deals.opportunity_id, outlook(whole, deals, 0.9).within(within, as_far=True)[0], strict=True)
    )
    told_n = 0
    for deal in stuck(whole, horizon_days=within).deals:
        assert 0 <= deal.win_ci_lower <= deal.win_rate <= deal.win_ci_upper <= 1 or np.isnan(deal.win_rate)
        assert np.isnan(deal.win_rate) == np.isnan(deal.win_days) == np.isnan(deal.win_ci_lower)
        np.testing.assert_allclose(deal.win_rate, others[deal.opportunity_id], atol=1e-12)
        told_n += not np.isnan(deal.win_rate)
    assert told_n > 600


def test_segments_pull_the_chance_apart() -> None:
    """Two of three leads of the north are won, one in six of the south: the same age is not the same chance."""
    rng = np.random.default_rng(5)
    made = []
    for region, share in (("north", 2 / 3), ("south", 1 / 6)):
        for start, days in zip(rng.integers(0, 250, 300), rng.exponential(30, 300), strict=True):
            ends = start + days <= 300
            end = "open" if not ends else "won" if rng.random() < share else "lost"
            made.append(
                Deal(visits=((0, float(start)),), end=end, closed=float(np.ceil(start + days)) if ends else None,
                     attributes={"region": region})
            )  # fmt: skip
    whole = book(*made, model=MODEL, today=301.0)
    common = {deal.opportunity_id: deal.win_rate for deal in stuck(whole).deals}
    for deal in stuck(whole, by="region").deals:
        if not np.isnan(deal.win_rate):
            assert (deal.win_rate > common[deal.opportunity_id]) == (deal.region == "north")


def test_a_segment_without_a_past_has_the_chance_of_all_with_more_doubt() -> None:
    """Of the one deal from abroad none like it was ever watched: 40 of 80 deals of the other region were won."""
    made = [
        Deal(
            visits=((0, 10.0),),
            end="won" if d % 2 else "lost",
            closed=11.0 + d / 4,
            attributes={"region": "home"},
        )
        for d in range(80)
    ]
    abroad = Deal(visits=((0, 100.0),), attributes={"region": "abroad"})
    whole = book(*made, abroad, model=MODEL, today=100.0)
    (alone,), (leant,) = stuck(whole).deals, stuck(whole, by="region").deals
    assert leant.win_rate == pytest.approx(alone.win_rate) == pytest.approx(0.5)
    assert leant.win_ci_lower < alone.win_ci_lower < alone.win_ci_upper < leant.win_ci_upper


def test_how_far_ahead_a_chance_looks_is_told() -> None:
    """Forty leads, all seen for 60 days: of one that is 30 days old nothing is known beyond 30 days more."""
    ended = [Deal(visits=((0, 40.0),), end="won" if d % 2 else "lost", closed=40.0 + d) for d in range(2, 42)]
    still = [Deal(visits=((0, 40.0),)) for _ in range(12)]
    whole = book(
        *ended, *still, Deal(visits=((0, 70.0),)), Deal(visits=((0, 98.0),)), model=MODEL, today=100.0
    )
    days = {deal.age_days: deal.win_days for deal in stuck(whole, horizon_days=45).deals}
    assert (days[2.0], days[30.0]) == (45, 30)
    assert np.isnan(days[60.0])
    result = stuck(whole, horizon_days=45)
    assert "win_unseen" in {note.code for note in result.notes}
    assert "Days ahead" in result.text("en")
    assert all(not deal.win_days < 1 for deal in stuck(whole, horizon_days=1).deals)
    assert "Days ahead" not in stuck(whole, horizon_days=1).text("en")


@pytest.mark.realdata
def test_the_dead_pipeline_of_a_public_export(shared_data: Path) -> None:
    maven = fn.load(shared_data / "maven_crm", mapping=ROOT / "examples" / "maven_crm.toml")
    for by in (None, "region"):
        for deal in stuck(maven, by=by).deals:
            if deal.age_days > 138 and not np.isnan(deal.win_rate):
                assert deal.win_rate == deal.win_ci_lower == 0
                assert 0 < deal.win_ci_upper < 0.25, "never is more than the data can say, a coin is too much"
            if deal.age_days == 300:
                assert deal.win_days == 90
