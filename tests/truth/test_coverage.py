"""The long runs, as stored: every interval holds what it promises, and the documents show just these figures."""

from pathlib import Path

import numpy as np
import pandas as pd

from funnelnb.stats.rates.proportion import wilson

ROOT = Path(__file__).resolve().parents[2]
STORED = pd.read_csv(ROOT / "tests/reference/coverage_truth.csv", comment="#")
WRONG_WAYS = "left out|taken for independent|named|false alarms|promised|is found"


def test_every_interval_holds_the_truth_as_often_as_it_says():
    rows = STORED[~STORED["figure"].str.contains(WRONG_WAYS)]
    lower, upper = wilson(
        np.rint(rows["coverage"] * rows["runs"]), rows["runs"], 0.95
    )  # of the simulation itself
    outside = rows[(upper < 0.87) | (lower > 0.93)]
    days = outside["figure"].str.contains("median days")  # whole days: the interval holds more than it must
    days &= ~outside["setting"].str.contains("times of day")
    assert outside[~days | (outside["coverage"] < 0.87)].empty, outside.to_string()


def test_amounts_are_reached_as_often_as_promised():
    """80 % promised: the Monte Carlo interval of how often it was reached overlaps 77 to 83 %."""
    rows = STORED[STORED["figure"].str.contains("promised")]
    assert len(rows) >= 5
    lower, upper = wilson(np.rint(rows["coverage"] * rows["runs"]), rows["runs"], 0.95)
    assert ((upper >= 0.77) & (lower <= 0.83)).all(), rows.to_string()
    assert 0.77 <= np.average(rows["coverage"], weights=rows["runs"]) <= 0.83


def test_rank_tests_give_no_more_false_alarms_than_asked():
    rows = STORED[STORED["figure"].str.contains("false alarms")]
    right = ~rows["figure"].str.contains("independent")
    assert (rows[right]["coverage"] < 0.13).all()
    assert (rows[~right]["coverage"] > 0.3).all()


def test_the_old_ways_do_not():
    wrong = STORED[STORED["figure"].str.contains("left out|taken for independent")]
    wrong = wrong[~wrong["figure"].str.contains("false alarms")]
    assert (wrong["coverage"] < 0.85).all()


def test_estimates_are_unbiased():
    shares = STORED[~STORED["figure"].str.contains(WRONG_WAYS + "|median")]
    most = np.where(shares["runs"] < 400, 0.015, 0.006)  # few runs: the mean itself is less sure
    assert (shares["bias"].abs() < most).all(), shares.to_string()


def test_hardly_anybody_is_named_where_only_regions_differ():
    named = STORED[STORED["figure"].str.contains("named")].set_index("figure")["coverage"]
    assert named["runs in which anybody is named, compared within regions"] <= 0.11
    assert named["runs in which anybody is named, compared all together"] > 0.5


def test_a_region_is_seldom_named_for_its_people_and_found_where_it_differs():
    owners = STORED[STORED["setting"].str.contains("20 owners")].groupby("figure")["coverage"]
    assert owners.max()["runs in which a region is named, owners counted"] <= 0.12
    assert owners.min()["runs in which a region is found"] >= 0.9


def test_the_document_shows_the_stored_figures():
    text = (ROOT / "docs/coverage.md").read_text(encoding="utf-8")
    for row in STORED.itertuples():
        assert f"| {row.figure} | {row.setting} |" in text
        assert f"| {row.coverage:.3f} | {row.runs} |" in text
