"""Real exports: figures that other programs computed from the files must come out of public functions."""

from pathlib import Path

import pandas as pd
import pytest

import funnelnb as fn
from funnelnb.data.book import Book
from tests.analysis.oracle import same, values
from tests.conftest import ROOT

pytestmark = pytest.mark.realdata


@pytest.fixture(scope="module")
def maven(shared_data: Path) -> Book:
    return fn.load(shared_data / "maven_crm", mapping=ROOT / "examples" / "maven_crm.toml")


@pytest.fixture(scope="module")
def leads(shared_data: Path) -> Book:
    """Seller leads by whole days; the one win dated before its lead is won on the day of the lead."""
    folder = shared_data / "olist_marketing"
    table = pd.read_csv(folder / "olist_marketing_qualified_leads_dataset.csv", dtype=str)
    closed = pd.read_csv(folder / "olist_closed_deals_dataset.csv", dtype=str)
    table = table.merge(closed[["mql_id", "won_date"]], on="mql_id", how="left", validate="1:1")
    won = table["won_date"].str[:10]
    backwards = won < table["first_contact_date"]
    assert backwards.sum() == 1
    deals = pd.DataFrame(
        {
            "opportunity_id": table["mql_id"],
            "created_at": table["first_contact_date"],
            "closed_at": won.mask(backwards, table["first_contact_date"]),
            "stage": won.notna().map({True: "won", False: "lead"}),
            "source": table["origin"],
        }
    )
    return fn.load(deals, playbook=["lead", "won"])


def test_maven_counts_and_win_rate(maven: Book):
    result = fn.conversion(maven, by="region", horizon_days=90)
    whole = fn.conversion(maven, horizon_days=90)
    (overall,) = whole.overall
    assert whole.n == 8800
    assert (overall.stage, overall.reached_n, overall.by_day_n) == ("engaging", 8300, 8300)
    assert (overall.advanced_n, overall.lost_n, overall.here_n) == (4238, 2473, 1589)
    assert (whole.steps[0].stage, whole.steps[0].here_n) == ("prospecting", 500)
    assert (overall.decided_n, round(overall.decided_rate, 4)) == (6711, 0.6315)
    assert overall.advanced_amount == 10_005_534
    assert {row.group[0]: round(row.decided_rate, 4) for row in result.overall} == {
        "Central": 0.6256,
        "East": 0.6302,
        "West": 0.6394,
    }
    assert {row.group[0]: row.advanced_amount for row in result.overall} == {
        "Central": 3_346_293,
        "East": 3_090_594,
        "West": 3_568_647,
    }
    assert "origin_undated" in {note.code for note in whole.notes}


@pytest.mark.parametrize(
    ("day", "won", "lost", "still_open"),
    [
        (30, 0.2189948, 0.1622065, 0.6188),
        (90, 0.3970147, 0.2521246, 0.3509),
        (138, 0.5194392, 0.3017405, 0.1788203),
        (200, 0.5194392, 0.3017405, 0.1788203),
    ],
)
def test_maven_incidence_with_exact_ties(maven: Book, day: int, won: float, lost: float, still_open: float):
    for result in (
        fn.conversion(maven, horizon_days=day),
        fn.conversion(maven, origin_stage="Engaging", horizon_days=day),
    ):
        (row,) = result.overall
        assert row.by_day_rate == pytest.approx(won, abs=5e-8)
        assert row.by_day_lost_rate == pytest.approx(lost, abs=5e-8)
        assert row.by_day_open_rate == pytest.approx(still_open, abs=5e-5)


def test_maven_regions_cannot_be_told_apart_by_win_rate(maven: Book):
    result = fn.segments(maven, by="region")
    (alike,) = {row.shrunken_rate for row in result.rows}
    assert alike == pytest.approx(
        result.pooled_rate, abs=5e-4
    )  # weighted by what its people tell, not by its deals
    assert "shrinkage_full" in {note.code for note in result.notes}
    assert {row.verdict for row in result.rows} == {"not_separable"}
    assert result.omnibus_p_value > 0.5
    owners = fn.segments(maven, by="owner")
    assert len(owners.rows) == 30
    assert {row.verdict for row in owners.rows} == {"not_separable"}


def test_maven_cohorts_start_late(maven: Book):
    result = fn.cohort(maven, every="quarter", horizon_days=90)
    assert [row.cohort for row in result.rows] == ["2016-Q4", "2017-Q1", "2017-Q2", "2017-Q3", "2017-Q4"]
    assert sum(row.deal_n for row in result.rows) == 8300
    assert [row.mature for row in result.rows] == [True, True, True, True, False]


def test_maven_truncated_and_as_of_agree(maven: Book, shared_data: Path, tmp_path: Path):
    """The export as it would have been on 2017-06-30 gives what the full export read as of that day gives."""
    day = "2017-06-30"
    full = pd.read_csv(shared_data / "maven_crm" / "sales_pipeline.csv", dtype=str)
    then = full[(full["engage_date"] <= day) | full["engage_date"].isna()].copy()
    later = then["close_date"] > day
    then.loc[later, ["close_date", "close_value"]] = None
    then.loc[later, "deal_stage"] = "Engaging"
    for name in ("accounts.csv", "products.csv", "sales_teams.csv"):
        (tmp_path / name).write_bytes((shared_data / "maven_crm" / name).read_bytes())
    then.to_csv(tmp_path / "sales_pipeline.csv", index=False)
    mapping = ROOT / "examples" / "maven_crm.toml"
    known = fn.load(tmp_path, mapping=mapping, as_of=day)
    as_of = fn.load(shared_data / "maven_crm", mapping=mapping, as_of=day)
    for parameters in (
        {"by": "region", "horizon_days": 60},
        {"horizon_days": 60, "origin_stage": "Engaging"},
    ):
        one, other = fn.conversion(known, **parameters), fn.conversion(as_of, **parameters)
        for mine, theirs in zip(one.overall, other.overall, strict=True):
            assert mine.stage == "engaging"
            same(values(mine), values(theirs))
    assert fn.conversion(as_of, origin_stage="Engaging").overall[0].here_n == 1686
    trend = [fn.cohort(book, horizon_days=30, origin_stage="Engaging").rows for book in (known, as_of)]
    same(values(*trend[0]), values(*trend[1]))


def test_leads_won_in_time(leads: Book):
    (overall,) = fn.conversion(leads, horizon_days=30).overall
    assert (overall.reached_n, overall.advanced_n, overall.lost_n) == (8000, 842, 0)
    assert overall.so_far_rate == pytest.approx(0.10525)
    for day, won in {7: 284, 14: 428, 30: 555, 60: 647, 90: 692}.items():
        (row,) = fn.conversion(leads, horizon_days=day).overall
        assert row.by_day_rate == pytest.approx(won / 8000, abs=1e-12)
    rates = {row.group[0]: row.so_far_rate for row in fn.conversion(leads, by="source").overall}
    assert {
        name: round(rates[name], 4)
        for name in ("paid_search", "organic_search", "social", "email", "unknown")
    } == {
        "paid_search": 0.1230,
        "organic_search": 0.1180,
        "social": 0.0556,
        "email": 0.0304,
        "unknown": 0.1629,
    }


def test_lead_sources_compared(leads: Book):
    """No lead is ever marked lost: decided shares say nothing, shares by day do."""
    assert "no_losses" in {note.code for note in fn.segments(leads, by="source").notes}
    result = fn.segments(leads, by="source", measure="by_day")
    verdicts = {row.group[0]: row.verdict for row in result.rows}
    assert verdicts["unknown"] == "higher"
    assert verdicts["social"] == verdicts["email"] == "lower"
    for name in ("display", "other_publicities", "referral", "direct_traffic"):
        assert verdicts[name] == "not_separable"
    for row in result.rows:
        low, high = sorted((row.raw_rate, result.shrunk_to_rate))
        assert low <= row.shrunken_rate <= high
    small = next(row for row in result.rows if row.group == ("other_publicities",))
    large = next(row for row in result.rows if row.group == ("social",))
    assert abs(small.shrunken_rate - small.raw_rate) > 5 * abs(large.shrunken_rate - large.raw_rate)
