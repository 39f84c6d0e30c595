"""Kaplan-Meier: R, real data, hand cases, what must collapse, invariants."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from funnelnb.core.errors import ParameterError
from funnelnb.stats.curves.incidence import aalen_johansen
from funnelnb.stats.curves.survival import kaplan_meier
from tests.stats.reference import reference
from tests.stats.strategies import observed

SETS = ("plain", "tied", "late", "late_tied", "counted")
R_START = 1e-3  # R was given entry just before 0 where ours is 0


def rows_of(name):
    data = reference("observed")
    return data[data.set == name]


@pytest.mark.parametrize("name", SETS)
def test_curve_and_band_against_r(name):
    rows, expected = rows_of(name), reference("kaplan_meier").query("set == @name")
    curve = kaplan_meier(rows.time, rows.outcome > 0, rows.n.astype(int), rows.entry, confidence_level=0.9)
    read = curve.at(expected.time)
    np.testing.assert_allclose(read.survival, expected.survival, atol=1e-11)
    np.testing.assert_allclose(read.at_risk, expected.n_risk)
    inside = (expected.n_event.cumsum() > 0).to_numpy() & (expected.survival > 0).to_numpy()
    np.testing.assert_allclose(np.sqrt(read.variance[inside]), expected.std_error[inside], atol=1e-11)
    np.testing.assert_allclose(read.ci_lower[inside], expected.lower[inside], atol=1e-11)
    np.testing.assert_allclose(read.ci_upper[inside], expected.upper[inside], atol=1e-11)


@pytest.mark.parametrize("name", SETS)
def test_quantiles_and_restricted_means_against_r(name):
    rows, expected = rows_of(name), reference("quantiles").query("set == @name")
    curve = kaplan_meier(rows.time, rows.outcome > 0, rows.n.astype(int), rows.entry, confidence_level=0.9)
    found = curve.quantile(expected.share)
    np.testing.assert_allclose(found.time, expected.time)
    np.testing.assert_allclose(found.ci_lower, expected.lower)
    np.testing.assert_allclose(found.ci_upper, expected.upper)
    for row in reference("restricted_means").query("set == @name").itertuples():
        mean = curve.restricted_mean(row.until)
        assert mean.mean == pytest.approx(row.mean, abs=1e-9 + R_START * ("late" in name))
        assert mean.std_error == pytest.approx(row.std_error, rel=1e-9)


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("file", "time", "event", "median"),
    [
        ("lung", "time", "status == 2", 310),
        ("leukemia", "time", "status == 1", 27),
        ("veteran", "time", "status == 1", 80),
    ],
)
def test_medians_of_real_data(shared_data, file, time, event, median):
    people = pd.read_csv(shared_data / "survival" / f"{file}.csv")
    assert kaplan_meier(people[time], people.eval(event)).quantile(0.5).time[0] == median


@pytest.mark.realdata
def test_maven_figures(shared_data):
    deals = pd.read_csv(
        shared_data / "maven_crm" / "sales_pipeline.csv", parse_dates=["engage_date", "close_date"]
    )
    deals = deals[deals.engage_date.notna()]
    days = (deals.close_date.fillna(pd.Timestamp("2017-12-31")) - deals.engage_date).dt.days
    curve = kaplan_meier(days, deals.close_date.notna())
    assert curve.quantile().time[0] == 69
    assert np.median(days[deals.close_date.notna()]) == 45
    np.testing.assert_allclose(
        curve.at([30, 60, 90, 120, 138]).survival, [0.6188, 0.5498, 0.3509, 0.2045, 0.1788], atol=5e-5
    )


@given(observed(causes=1))
def test_it_is_one_cause_aalen_johansen(data):
    time, outcome, n, entry = data
    assume(n.sum() > 0)
    curve, incidence = (
        kaplan_meier(time, outcome, n, entry),
        aalen_johansen(time, outcome, n, entry, causes=1),
    )
    np.testing.assert_allclose(curve.survival, incidence.open_rate, atol=1e-12)
    np.testing.assert_allclose(curve.variance, incidence.variance[0], atol=1e-12)
    np.testing.assert_allclose(curve.ci_lower, 1 - incidence.ci_upper[0], atol=1e-9)


@given(observed(causes=1), st.sampled_from([7, 86_400, 0.25]))
def test_the_unit_of_time_scales_what_is_read(data, unit):
    time, outcome, n, entry = data
    assume(n.sum() > 0)
    one, other = kaplan_meier(time, outcome, n, entry), kaplan_meier(time * unit, outcome, n, entry * unit)
    shares = [0.2, 0.5, 0.8]
    np.testing.assert_allclose(other.quantile(shares).time, one.quantile(shares).time * unit)
    until = max(one.last_time, 1)
    one_mean, other_mean = one.restricted_mean(until), other.restricted_mean(until * unit)
    np.testing.assert_allclose(other_mean.mean, one_mean.mean * unit)
    np.testing.assert_allclose(other_mean.std_error, one_mean.std_error * unit)


def test_quantiles_by_hand():
    assert kaplan_meier([1, 2, 3, 4], [1, 1, 1, 1]).quantile(0.5).time[0] == 2.5
    assert kaplan_meier([1, 2, 3], [1, 1, 1]).quantile(0.5).time[0] == 2
    never = kaplan_meier([1, 2, 3, 4], [1, 0, 0, 0]).quantile([0.25, 0.5])
    assert never.time.tolist() == [1, np.inf], "level at exactly 75 % from 1 to the end: it got there at 1"
    assert never.ci_upper.tolist() == [np.inf, np.inf]
    all_open = kaplan_meier([5, 9], [0, 0]).quantile()
    assert all_open.time[0] == np.inf


def test_mean_without_open_deals_is_the_mean():
    time = np.array([3.0, 4, 9, 20, 20, 41])
    mean = kaplan_meier(time, np.ones(6)).restricted_mean(1000)
    assert mean.mean == pytest.approx(time.mean())
    assert mean.std_error == pytest.approx(time.std() / np.sqrt(6))


def test_what_is_not_known_is_nan():
    curve = kaplan_meier([5, 9], [1, 0])
    assert np.isnan(curve.at(10).survival[0])
    assert np.isnan(curve.restricted_mean(10).mean)
    assert kaplan_meier([5, 9], [1, 1]).at(10).survival[0] == 0
    assert kaplan_meier([5, 9], [1, 1]).restricted_mean(100).mean == 7
    assert kaplan_meier([5], [1]).at([4, 10]).survival.tolist() == [1.0, 0.0]
    weighed = kaplan_meier([5, 9], [1, 0], n=[100.0, 300.0])
    assert weighed.at(5).survival[0] == 0.75
    assert np.isnan(weighed.ci_lower).all()
    assert np.isnan(weighed.restricted_mean(9).std_error)
    with pytest.raises(ParameterError, match="no row"):
        kaplan_meier([], [])


def test_same_day_finishes_count_at_day_zero():
    curve = kaplan_meier([0, 0, 3, 8], [1, 0, 1, 0])
    assert curve.at([0, 3]).survival.tolist() == [0.75, 0.375]


def test_when_many_finish_last_and_together_the_median_has_an_upper_bound():
    """Thirty of 31 finish on day 31: were the median later, that had a chance of 2 to the power of -30."""
    tied = kaplan_meier([5] + [31] * 30, [1] * 31).quantile()
    assert (tied.ci_lower[0], tied.time[0], tied.ci_upper[0]) == (31, 31, 31)
    curve = kaplan_meier([5] + [31] * 30, [1] * 31, confidence_level=0.9)
    none_of_31 = 1.644854**2 / (31 + 1.644854**2)
    assert curve.at(31).ci_upper[0] == pytest.approx(none_of_31, rel=1e-5), "all were watched to their end"
    curve = kaplan_meier([5, 7] + [31] * 30, [1, 0] + [1] * 30, confidence_level=0.9)
    none_of_30 = 1.644854**2 / (30 + 1.644854**2)
    assert curve.at(31).ci_upper[0] == pytest.approx(curve.at(5).ci_upper[0] * none_of_30, rel=1e-5)
    pair = kaplan_meier([1, 9], [1, 1]).quantile()
    assert pair.ci_upper[0] == np.inf, "two deals say nothing of the kind"


def test_that_bound_holds_the_median_as_often_as_it_should():
    """Finished on day 1 (45 %) or 9: the median is 9. And exponential times, five deals."""
    rng = np.random.default_rng(6)
    late, held = 0, 0
    for _ in range(600):
        late += kaplan_meier(rng.choice([1, 9], 10, p=[0.45, 0.55]), np.ones(10)).quantile().ci_upper[0] < 9
        few = kaplan_meier(rng.exponential(1, 5), np.ones(5)).quantile()
        held += few.ci_lower[0] <= np.log(2) <= few.ci_upper[0]
    assert late / 600 <= 0.05
    assert held / 600 >= 0.90
