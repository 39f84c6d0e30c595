"""The Maven CRM export: every figure of its data sheet comes out of the loaded tables and of the check."""

from pathlib import Path

import numpy as np
import pytest

from funnelnb.core.errors import MappingError
from funnelnb.data.check import check_data
from funnelnb.data.contract.settings import read_settings
from funnelnb.data.load import load

pytestmark = pytest.mark.realdata

MAPPING = Path(__file__).resolve().parents[2] / "examples" / "maven_crm.toml"


@pytest.fixture(scope="module")
def folder(shared_data):
    return shared_data / "maven_crm"


@pytest.fixture(scope="module")
def book(folder):
    return load(folder, mapping=MAPPING)


@pytest.fixture(scope="module")
def report(folder):
    return check_data(folder, mapping=MAPPING)


def test_counts_by_outcome(book):
    facts = book.describe()
    assert (facts["deal_n"], facts["won_n"], facts["lost_n"], facts["open_n"]) == (8800, 4238, 2473, 2089)
    stages = book.opportunities.loc[book.opportunities["outcome"] == "open", "stage"].value_counts()
    assert stages.to_dict() == {"engaging": 1589, "prospecting": 500}


def test_won_value_and_win_rate(book):
    deals = book.opportunities
    won = deals.loc[deals["outcome"] == "won", "amount"]
    assert won.sum() == 10_005_534
    assert round(won.mean(), 2) == 2360.91
    assert won.median() == 1117
    assert round(4238 / deals["outcome"].isin(["won", "lost"]).sum(), 4) == 0.6315


@pytest.mark.parametrize(
    ("region", "rate", "value"),
    [("Central", 0.6256, 3_346_293), ("East", 0.6302, 3_090_594), ("West", 0.6394, 3_568_647)],
)
def test_regions(book, region, rate, value):
    deals = book.where(region=region).opportunities
    won = deals["outcome"] == "won"
    assert round(won.sum() / deals["outcome"].isin(["won", "lost"]).sum(), 4) == rate
    assert deals.loc[won, "amount"].sum() == value


def test_mean_cycle(book):
    history = book.table("stage_history").set_index("opportunity_id")["entered_at"]
    deals = book.opportunities[book.opportunities["closed_at"].notna()]
    days = (deals["closed_at"].to_numpy() - history[deals["opportunity_id"]].to_numpy()).astype(
        "timedelta64[D]"
    )
    assert round(days.astype(int).mean(), 2) == 47.99
    assert days.max() == np.timedelta64(138, "D")


def test_whole_days_make_whole_ages(book):
    assert book.as_of == np.datetime64("2017-12-31T00:00:00")


def test_no_deal_is_lost_or_doubled_by_the_joins(book):
    deals = book.opportunities
    assert deals["opportunity_id"].is_unique
    assert deals[["region", "team", "expected_amount", "series"]].notna().all().all()
    assert (deals["product"] == "GTX Pro").sum() == 1480
    assert "technolgy" not in set(deals["segment"].dropna())


def test_amount_before_the_close_is_the_list_price(book):
    deals = book.opportunities
    rest = deals[deals["outcome"] != "won"]
    assert (rest["amount"] == rest["expected_amount"]).all()
    assert deals.loc[deals["product"] == "GTX Pro", "expected_amount"].unique().tolist() == [4821.0]


@pytest.mark.parametrize(
    ("day", "open_n", "closing", "won_n", "won_value"),
    [("2017-09-30", 2409, 935, 559, 1_251_928), ("2017-06-30", 1686, 969, 609, 1_441_450)],
)
def test_as_of_an_earlier_quarter(book, folder, day, open_n, closing, won_n, won_value):
    earlier = load(folder, mapping=MAPPING, as_of=day)
    deals = earlier.opportunities
    assert (deals["outcome"] == "open").sum() == open_n
    assert (deals.loc[deals["outcome"] == "open", "stage"] == "engaging").all()
    assert not (deals["closed_at"] > np.datetime64(day)).any()
    later = book.opportunities.set_index("opportunity_id").loc[
        deals.loc[deals["outcome"] == "open", "opportunity_id"]
    ]
    until = np.datetime64("2017-12-31" if day == "2017-09-30" else "2017-09-30")
    closed = later[later["closed_at"] <= until]
    assert len(closed) == closing
    assert (closed["outcome"] == "won").sum() == won_n
    assert closed.loc[closed["outcome"] == "won", "amount"].sum() == won_value
    undated = [note for note in earlier.notes if note.code == "undated_deals_dropped"]
    assert undated[0].values["n"] == 500


def test_check_reports_every_trap(report):
    notes = {item.note.code: item.note.values for item in report.items}
    assert report.ok
    assert notes["join_would_lose_corrected"]["value"] == "GTXPro"
    assert notes["join_would_lose_corrected"]["nearest"] == "GTX Pro"
    assert notes["join_would_lose_corrected"]["closed_n"] == 1147
    assert notes["join_unused"]["n"] == 5
    for agent in ("Carl Lin", "Carol Thompson", "Elizabeth Anderson", "Mei-Mei Johns", "Natalya Ivanova"):
        assert agent in notes["join_unused"]["names"]
    assert (notes["open_without_account"]["n"], notes["open_without_account"]["of_n"]) == (1425, 2089)
    assert (notes["deals_without_entry_dates"]["n"], notes["deals_without_entry_dates"]["names"]) == (
        500,
        "prospecting",
    )
    assert notes["closes_start_late"]["first_start"] == "2016-10-20"
    assert notes["closes_start_late"]["first_close"] == "2017-03-01"
    late = notes["open_older_than_any_close"]
    assert (late["n"], late["of_n"], late["longest_days"]) == (1291, 1589, 138)


def test_check_says_it_in_plain_words(report):
    english, chinese = report.text("en"), report.text("zh")
    assert "GTXPro (1,480 deals, 1,147 of them closed) is not in products.csv, which has GTX Pro" in english
    assert "5 entries of sales_teams.csv (sales_agent) have no deal: Carl Lin" in english
    assert "其中 1,147 单已结案" in chinese


def test_without_the_correction_the_check_fails(folder):
    settings = read_settings(MAPPING)
    uncorrected = {name: one for name, one in settings.values.items() if name != "product"}
    import dataclasses

    found = check_data(folder, mapping=dataclasses.replace(settings, values=uncorrected))
    assert not found.ok
    failed = [item.note for item in found.items if item.status == "failed"]
    assert [note.code for note in failed] == ["join_would_lose_near"]
    assert failed[0].values["closed_n"] == 1147


def test_a_mistyped_column_names_the_nearest(folder):
    mapping = {"playbook": ["a", "won"], "tables": {"opportunities": {
        "file": "sales_pipeline.csv", "columns": {"stage": "deal_stagee"}}}}  # fmt: skip
    with pytest.raises(MappingError, match=r"deal_stagee.*no such column") as error:
        load(folder, mapping=mapping)
    assert "did you mean 'deal_stage'?" in str(error.value)
