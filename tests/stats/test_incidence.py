"""Aalen-Johansen: hand cases, a brute-force product integral, R, real data, known truth, invariants."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from funnelnb.stats.curves.incidence import aalen_johansen
from tests.stats.reference import reference
from tests.stats.strategies import observed


def by_definition(time, outcome, n, entry):
    """Product integral over the distinct times, one matrix at a time."""
    state = np.array([1.0, 0.0, 0.0])
    rows = {0.0: state}
    for t in sorted(set(time.tolist())):
        watched = n[(time >= t) & ((entry < t) | (entry <= 0))].sum()
        d = [n[(time == t) & (outcome == cause)].sum() for cause in (1, 2)]
        if watched:
            hazard = np.array(d) / watched
            step = np.array([[1 - hazard.sum(), *hazard], [0, 1, 0], [0, 0, 1]])
            state = state @ step
        rows[t] = state
    return rows


@given(observed())
def test_equals_the_product_integral_and_adds_to_one(data):
    time, outcome, n, entry = data
    assume(n.sum() > 0)
    curve = aalen_johansen(time, outcome, n, entry)
    expected = by_definition(time[n > 0], outcome[n > 0], n[n > 0], entry[n > 0])
    for t, (still_open, first, second) in expected.items():
        i = np.searchsorted(curve.time, t)
        np.testing.assert_allclose(
            [curve.open_rate[i], *curve.rate[:, i]], [still_open, first, second], atol=1e-12
        )
    np.testing.assert_allclose(curve.rate.sum(axis=0) + curve.open_rate, 1, atol=1e-12)
    assert (np.diff(curve.rate, axis=1) >= 0).all()
    assert (
        (curve.ci_lower >= 0)
        & (curve.ci_lower <= curve.rate)
        & (curve.rate <= curve.ci_upper)
        & (curve.ci_upper <= 1)
    ).all()


def test_hand_cases():
    last = aalen_johansen([1, 2, 3, 4, 5, 6], [0, 1, 1, 2, 2, 0])
    assert last.rate[1, -1] == pytest.approx(0.4, abs=1e-15)
    first = aalen_johansen([0, 1, 2, 3], [2, 1, 2, 0])
    assert first.rate[1, -1] == pytest.approx(0.5, abs=1e-15)
    assert first.rate[1, 0] == 0.25, "an event at time 0 counts at time 0"


def test_events_come_before_censorings_of_the_same_time():
    curve = aalen_johansen([4, 4], [1, 0])
    assert curve.at(4).rate[0, 0] == 0.5


@pytest.mark.parametrize("name", ["plain", "tied", "late", "late_tied", "counted"])
def test_against_r(name):
    rows, expected = (
        reference("observed").query("set == @name"),
        reference("aalen_johansen").query("set == @name"),
    )
    read = aalen_johansen(rows.time, rows.outcome, rows.n.astype(int), rows.entry).at(expected.time)
    np.testing.assert_allclose(read.rate, expected[["won", "lost"]].T, atol=1e-11)
    np.testing.assert_allclose(read.open_rate, expected.open, atol=1e-11)
    np.testing.assert_allclose(read.at_risk, expected.n_risk)
    tolerance = (
        0.025 if "late" in name else 1e-9
    )  # R's jackknife equals Greenwood's sum only without late entry
    np.testing.assert_allclose(
        np.sqrt(read.variance), expected[["won_se", "lost_se"]].T, rtol=tolerance, atol=1e-11
    )


@given(observed())
@settings(max_examples=25)
def test_variance_is_the_delta_method_on_the_multinomial_counts_of_each_time(data):
    """Numerical derivative of the last incidence by every hazard, times the covariance of the hazards."""
    time, outcome, n, entry = data
    assume(n.sum() > 0)
    curve = aalen_johansen(time, outcome, n, entry)
    watched = np.where(curve.at_risk > 0, curve.at_risk, 1)
    hazards = curve.event_n / watched

    def last(hazards):
        before = np.concatenate(([1.0], np.cumprod(1 - hazards.sum(axis=0))[:-1]))
        return (before * hazards).sum(axis=1)

    variance, step = np.zeros(2), 1e-6
    for i in range(curve.time.size):
        p = hazards[:, i]
        slope = np.empty((2, 2))
        for j in range(2):
            up, down = hazards.copy(), hazards.copy()
            up[j, i] += step
            down[j, i] -= step
            slope[:, j] = (last(up) - last(down)) / (2 * step)
        variance += np.diag(slope @ ((np.diag(p) - np.outer(p, p)) / watched[i]) @ slope.T)
    np.testing.assert_allclose(curve.variance[:, -1], variance, atol=1e-9)


def setting_a(rng, size=1200, share=0.3):
    """Created over a year, looked at on its last day; 30 % are won in the end."""
    created = rng.uniform(0, 365, size)
    wins = rng.random(size) < share
    closing = np.where(
        wins, 45 * np.exp(0.6 * rng.standard_normal(size)), 90 * np.exp(0.6 * rng.standard_normal(size))
    )
    age = 365 - created
    return np.minimum(closing, age), np.where(closing <= age, np.where(wins, 1, 2), 0)


def test_unfinished_pipeline_of_known_truth():
    """60 runs of setting A. Truth .297; counting open as lost .255, dropping them .341, 1-KM .396."""
    rng = np.random.default_rng(20261123)
    estimate, one_minus_km, of_closed, of_all, covered = [], [], [], [], []
    for _ in range(60):
        time, outcome = setting_a(rng)
        read = aalen_johansen(time, outcome).at(180)
        estimate.append(read.rate[0, 0])
        covered.append(read.ci_lower[0, 0] <= 0.2969 <= read.ci_upper[0, 0])
        one_minus_km.append(aalen_johansen(time, outcome == 1, causes=1).at(180).rate[0, 0])
        of_closed.append((outcome == 1).sum() / (outcome > 0).sum())
        of_all.append((outcome == 1).mean())
    assert np.mean(estimate) == pytest.approx(0.296, abs=0.005)
    assert np.mean(one_minus_km) == pytest.approx(0.396, abs=0.008)
    assert np.mean(of_closed) == pytest.approx(0.341, abs=0.005)
    assert np.mean(of_all) == pytest.approx(0.255, abs=0.005)
    assert np.mean(covered) >= 0.8


@given(observed(entry=False))
def test_without_censoring_it_is_the_raw_share_with_the_binomial_variance(data):
    time, outcome, n, _ = data
    n = np.where(outcome == 0, 0, n)
    total = n.sum()
    assume(total > 0)
    curve = aalen_johansen(time, outcome, n)
    for cause in (1, 2):
        for i, t in enumerate(curve.time):
            share = n[(time <= t) & (outcome == cause)].sum() / total
            assert curve.rate[cause - 1, i] == pytest.approx(share, abs=1e-12)
            assert curve.variance[cause - 1, i] == pytest.approx(share * (1 - share) / total, abs=1e-12)


@given(observed())
def test_swapping_the_labels_swaps_the_curves(data):
    time, outcome, n, entry = data
    assume(n.sum() > 0)
    one = aalen_johansen(time, outcome, n, entry)
    other = aalen_johansen(time, np.array([0, 2, 1])[outcome], n, entry)
    for field in ("rate", "variance", "ci_lower", "ci_upper"):
        np.testing.assert_allclose(getattr(one, field), getattr(other, field)[::-1], atol=1e-12)


@given(observed(), st.sampled_from([7, 86_400, 0.25]))
def test_the_unit_of_time_only_relabels_the_axis(data, unit):
    time, outcome, n, entry = data
    assume(n.sum() > 0)
    one, other = (
        aalen_johansen(time, outcome, n, entry),
        aalen_johansen(time * unit, outcome, n, entry * unit),
    )
    np.testing.assert_allclose(other.time, one.time * unit)
    np.testing.assert_array_equal(other.rate, one.rate)
    np.testing.assert_array_equal(other.ci_upper, one.ci_upper)


def test_amounts_weigh_and_claim_no_variance():
    time, outcome, amount = [1, 2, 3, 4], [1, 2, 1, 1], [100.0, 300.0, 500.0, 100.0]
    curve = aalen_johansen(time, outcome, amount)
    np.testing.assert_allclose(curve.at(3).rate[:, 0], [0.6, 0.3])
    assert np.isnan(curve.variance).all()
    assert np.isnan(curve.ci_upper).all()
    assert curve.n == 1000


def test_reading_beyond_what_was_watched():
    still_open = aalen_johansen([2, 5, 8], [1, 2, 0])
    assert np.isnan(still_open.at(8.5).rate).all()
    assert still_open.at(8).rate[:, 0] == pytest.approx([1 / 3, 1 / 3])
    assert np.isnan(still_open.at(-1).rate).all()
    all_decided = aalen_johansen([2, 5, 8], [1, 2, 1])
    assert all_decided.at(1e6).rate[:, 0] == pytest.approx([2 / 3, 1 / 3])
    assert all_decided.at(1e6).open_rate[0] == pytest.approx(0)
    none = aalen_johansen([], [], np.array([], dtype=int))
    assert np.isnan(none.at([0, 5]).rate).all()


def test_at_risk_counts_who_is_watched_at_the_day_asked_for():
    curve = aalen_johansen([2, 5, 8, 9], [1, 0, 0, 1], entry=[0, 0, 3, 4])
    np.testing.assert_array_equal(
        curve.at([0, 2, 2.5, 3, 3.5, 4.5, 5, 5.5, 9, 9.5]).at_risk, [2, 2, 1, 1, 2, 3, 3, 2, 1, 0]
    )


def test_before_any_event_the_upper_bound_is_that_of_none_out_of_n():
    curve = aalen_johansen([10] * 20 + [50], [0] * 20 + [1], confidence_level=0.95)
    read = curve.at([5, 10])
    np.testing.assert_allclose(read.ci_upper[0], 1.959964**2 / (21 + 1.959964**2), rtol=1e-6)
    assert (read.ci_lower[0] == 0).all()


@pytest.mark.realdata
def test_maven_figures(shared_data):
    deals = pd.read_csv(
        shared_data / "maven_crm" / "sales_pipeline.csv", parse_dates=["engage_date", "close_date"]
    )
    deals = deals[deals.engage_date.notna()]
    days = (deals.close_date.fillna(pd.Timestamp("2017-12-31")) - deals.engage_date).dt.days.to_numpy()
    outcome = deals.deal_stage.map({"Won": 1, "Lost": 2, "Engaging": 0}).to_numpy()
    curve = aalen_johansen(days, outcome)
    read = curve.at([30, 90, 138, 400])
    assert curve.n == 8300
    np.testing.assert_allclose(read.rate[:, 2], [0.5194392, 0.3017405], atol=6e-8)
    np.testing.assert_allclose(read.rate[:, 3], [0.5194392, 0.3017405], atol=6e-8)
    assert read.open_rate[2] == pytest.approx(0.1788203, abs=6e-8)
    np.testing.assert_allclose(read.rate[:, 0], [0.2189948, 0.1622065], atol=6e-8)
    np.testing.assert_allclose(read.rate[:, 1], [0.3970147, 0.2521246], atol=6e-8)


@pytest.mark.realdata
def test_mgus2_competing_counts(shared_data):
    people = pd.read_csv(shared_data / "survival" / "mgus2.csv")
    time = np.where(people.pstat == 1, people.ptime, people.futime)
    outcome = np.where(people.pstat == 1, 1, 2 * people.death)
    curve = aalen_johansen(time, outcome)
    assert curve.event_n.sum(axis=1).tolist() == [115, 860]
    assert curve.n - curve.event_n.sum() == 409


def test_when_all_are_won_the_rate_is_one_and_not_nearly() -> None:
    """Sums of twelfths round: shown as "> 99.9 %" they would say that somebody was not won."""
    for n in range(2, 60):
        curve = aalen_johansen(np.arange(1.0, n + 1), np.ones(n, int))
        assert curve.rate[0, -1] == 1.0
