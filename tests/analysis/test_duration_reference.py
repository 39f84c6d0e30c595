"""Durations against R: every stage of the sample company, and data sets that many programs have been run on."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import funnelnb as fn
from funnelnb.analysis.shared.counts import time_counts
from funnelnb.analysis.time.duration import duration
from tests.stats.reference import reference

SPANS = ("find_opportunity", "qualify", "project_approved", "shortlist", "negotiation", "whole")
R_FAMILIES = ("exponential", "weibull", "lognormal", "loglogistic")
Z = 1.6448536269514722


@pytest.fixture(scope="module")
def any_end():
    return duration(fn.sample())


@pytest.fixture(scope="module")
def independent():
    """The sample without accounts: R takes all deals for independent."""
    sample = fn.sample()
    tables = {**sample.tables, "opportunities": sample.opportunities.drop(columns="account_id")}
    return duration(replace(sample, tables=tables))


def row_of(result, span):
    whole = span == "whole"
    return next(row for row in result.rows if row.overall == whole and (whole or row.stage == span))


def fits_of(result, span="whole"):
    """The fits without a share that never ends or ends at once, by family."""
    whole = span == "whole"
    here = [one for one in result.fits if one.overall == whole and (whole or one.stage == span)]
    return {one.family: one for one in here if not one.never and not one.at_once}


@pytest.mark.parametrize("k", range(len(SPANS)), ids=SPANS)
def test_times_are_those_of_plain_loops_over_the_files(k):
    """What R was given was counted without the package; the ledger counts the same."""
    rows = reference("sample_times").query("span == @SPANS[@k]")
    counts = time_counts(fn.sample(), *((0, 5) if SPANS[k] == "whole" else (k, k + 1)))
    found = pd.DataFrame({"days": counts.time_s / 86_400, "outcome": counts.outcome, "n": counts.n})
    found = found.groupby(["days", "outcome"], as_index=False).sum()  # rows are by account
    assert counts.weight is None
    merged = rows.merge(found, on=["days", "outcome"], how="outer", suffixes=("", "_found"))
    assert (merged["n"] == merged["n_found"]).all()
    assert not counts.entry_s.any()


@pytest.mark.parametrize("span", SPANS)
def test_quantiles_means_and_shares_against_survfit(any_end, independent, span):
    """Days and their bounds exactly; shares to 1e-9; the mean to ten digits, its standard error to 1e-9.

    Accounts with several deals change no estimate, only how sure it is.
    """
    read = reference("durations").query("span == @span").set_index("what")
    row, with_accounts = row_of(independent, span), row_of(any_end, span)
    for name in ("n", "closed_n", "open_n", "q25_days", "median_days", "q75_days"):
        assert getattr(with_accounts, name) == getattr(row, name)
    for name in ("mean_days", *(f"still_{day}_rate" for day in (30, 60, 90, 120))):
        assert getattr(with_accounts, name) == pytest.approx(getattr(row, name), rel=1e-12)
    assert (row.n, row.closed_n, row.open_n) == (
        read.value["n"], read.value["ended"], read.value["n"] - read.value["ended"],
    )  # fmt: skip
    assert [row.q25_days, row.median_days, row.q75_days] == read.value[["q25", "median", "q75"]].tolist()
    assert (row.median_ci_lower, row.median_ci_upper) == (read.lower["median"], read.upper["median"])
    assert row.mean_days == pytest.approx(read.value["mean"], rel=1e-10)
    error = (row.mean_ci_upper - row.mean_ci_lower) / 2 / Z
    assert error == pytest.approx(read.error["mean"], rel=1e-9)
    for day in (30, 60, 90, 120):
        assert getattr(row, f"still_{day}_rate") == pytest.approx(read.value[f"still_{day}"], abs=1e-9)
    (curve,) = (one for one in independent.curves if (one.overall, one.stage) == (row.overall, row.stage))
    for day in (30, 60, 90, 120):
        at = np.searchsorted(curve.days, day, side="right") - 1
        assert curve.not_yet_ci_lower[at] == pytest.approx(read.lower[f"still_{day}"], abs=1e-9)
        assert curve.not_yet_ci_upper[at] == pytest.approx(read.upper[f"still_{day}"], abs=1e-9)


@pytest.mark.parametrize("span", SPANS)
def test_going_on_and_losing_against_survfit(span):
    """Aalen-Johansen of R's multi-state survfit, to 1e-9; the two and what is open add to 1."""
    expected = reference("ends").query("span == @span").set_index("day")
    stage = {"find_opportunity": None, "whole": None}.get(span, span)
    read = {}
    for to in ("advance", "lose"):
        result = duration(fn.sample(), to=to, stage=stage)
        row = row_of(result, span)
        (curve,) = (one for one in result.curves if (one.overall, one.stage) == (row.overall, row.stage))
        at = np.searchsorted(curve.days, expected.index, side="right") - 1
        read[to] = 1 - curve.not_yet_rate[at]
        np.testing.assert_allclose(read[to], expected[to], atol=1e-9)
        assert row.still_60_rate == pytest.approx(expected.open[60], abs=1e-9)
    np.testing.assert_allclose(read["advance"] + read["lose"] + expected.open, 1, atol=1e-9)


@pytest.mark.parametrize("span", SPANS)
def test_fits_against_survreg(any_end, span):
    """A stay of 0 between two dates is one of less than half a day. Estimates to 1e-5, likelihood to 1e-5."""
    found = fits_of(any_end, span)
    rows = reference("duration_fits").query("span == @span")
    assert tuple(rows.family) == R_FAMILIES
    for row in rows.itertuples():
        one = found[row.family]
        assert one.first_value == pytest.approx(row.first, rel=1e-5)
        assert one.second_value == pytest.approx(row.second, rel=1e-5, nan_ok=True)
        assert one.log_likelihood == pytest.approx(row.log_likelihood, abs=1e-5)
        assert one.median_days == pytest.approx(row.median, rel=1e-5)
        error = np.log(one.median_ci_upper / one.median_ci_lower) / 2 / Z
        assert error == pytest.approx(row.log_error, rel=1e-3)


# -- public data sets, as a user would load them ---------------------------------------------------------------------

COLUMNS = {
    "lung": ("time", "status == 2"),
    "leukemia": ("time", "status == 1"),
    "ovarian": ("futime", "fustat == 1"),
    "veteran": ("time", "status == 1"),
}
BEGIN = pd.Timestamp("2000-01-03")


def closed_after(days: pd.Series, outcome: list[str], folder: Path) -> fn.Book:
    """Deals created on one day and closed so many days later, as a CSV file: lost, won, or left undecided."""
    table = pd.DataFrame(
        {
            "opportunity_id": [f"p{k:05d}" for k in range(len(days))],
            "created_at": str(BEGIN)[:10],
            "closed_at": (BEGIN + pd.to_timedelta(days, unit="D")).dt.strftime("%Y-%m-%d"),
            "stage": "lead",
            "outcome": outcome,
        }
    )
    table.to_csv(folder / "opportunities.csv", index=False)
    return fn.load(folder, playbook=["lead", "won"])


@pytest.fixture(scope="module")
def published(shared_data, tmp_path_factory):
    def read(name: str):
        time, event = COLUMNS[name]
        people = pd.read_csv(shared_data / "survival" / f"{name}.csv")
        ended = people.eval(event)
        outcome = ended.map({True: "lost", False: "left"}).tolist()
        return duration(closed_after(people[time], outcome, tmp_path_factory.mktemp(name)))

    return {name: read(name) for name in COLUMNS}


@pytest.mark.realdata
@pytest.mark.parametrize("name", COLUMNS)
def test_published_data_sets_as_deals(published, name):
    """Medians 310, 27, 638 and 80 days; quantiles with bounds exactly, shares to 1e-9 (R's survfit)."""
    (row,) = published[name].rows
    read = reference("published").query("set == @name").set_index("what")
    assert row.median_days == {"lung": 310, "leukemia": 27, "ovarian": 638, "veteran": 80}[name]
    bounds = read.loc["median", ["value", "lower", "upper"]].fillna(np.inf).tolist()
    assert [row.median_days, row.median_ci_lower, row.median_ci_upper] == bounds
    quartiles = read.value[["q25", "q75"]].fillna(np.inf).tolist()
    assert [row.q25_days, row.q75_days] == quartiles
    for day in (30, 60, 90, 120):
        assert getattr(row, f"still_{day}_rate") == pytest.approx(read.value[f"still_{day}"], abs=1e-9)


@pytest.mark.realdata
@pytest.mark.parametrize("name", COLUMNS)
def test_published_data_sets_fitted(published, name):
    """R's survreg to 1e-5; gamma, which it lacks, against its likelihood maximised in R, to 1e-3."""
    found = fits_of(published[name])
    for row in reference("published_fits").query("set == @name").itertuples():
        one, digits = found[row.family], 1e-3 if row.family == "gamma" else 1e-5
        assert one.first_value == pytest.approx(row.first, rel=digits)
        assert one.second_value == pytest.approx(row.second, rel=digits, nan_ok=True)
        assert one.log_likelihood == pytest.approx(row.log_likelihood, abs=2e-5)


@pytest.mark.realdata
def test_lung_fitted_as_published(published):
    """The figures of the data sheet, to the digits it gives."""
    found = fits_of(published["lung"])
    for family, first, second, log_likelihood in (
        ("weibull", 417.759, 1.31684, -1153.851),
        ("lognormal", 5.66330, 1.09763, -1169.269),
        ("loglogistic", 302.167, 1.72576, -1160.931),
        ("exponential", 421.776, np.nan, -1162.338),
    ):
        assert found[family].first_value == pytest.approx(first, rel=2e-6)
        assert found[family].second_value == pytest.approx(second, abs=1.1e-5, nan_ok=True)
        assert found[family].log_likelihood == pytest.approx(log_likelihood, abs=5.1e-4)
    assert set(found) == set(fits_of(published["ovarian"])) == {*R_FAMILIES, "gamma"}
    assert fits_of(published["ovarian"])["exponential"].log_likelihood == pytest.approx(-98.032, abs=5.1e-4)


@pytest.mark.realdata
def test_competing_ends_of_mgus2(shared_data, tmp_path):
    """Progression 115, death first 860, censored 409; incidence by month to 1e-9 (R's survfit), months as days."""
    people = pd.read_csv(shared_data / "survival" / "mgus2.csv")
    months = people["ptime"].where(people["pstat"] == 1, people["futime"])
    outcome = np.where(people["pstat"] == 1, "won", np.where(people["death"] == 1, "lost", "left"))
    book = closed_after(months, outcome.tolist(), tmp_path)
    expected = reference("published_ends").query("what == 'incidence'").set_index("month")
    total = 0.0
    for to, n, column in (("advance", 115, "progression"), ("lose", 860, "death")):
        result = duration(book, to=to)
        (row,), (curve,) = result.rows, result.curves
        assert (row.n, row.closed_n, row.open_n) == (1384, n, 409)
        at = np.searchsorted(curve.days, expected.index, side="right") - 1
        read = 1 - curve.not_yet_rate[at]
        np.testing.assert_allclose(read, expected[column], atol=1e-9)
        total = total + read
    np.testing.assert_allclose(total + expected.open, 1, atol=1e-9)
