"""A book is immutable, divides without losing a deal, and knows whether its content is the same."""

import dataclasses
import pickle

import numpy as np
import pandas as pd
import pytest

from funnelnb.core.errors import MissingDataError, ParameterError
from funnelnb.data.load import load, sample

STAGES = ["lead", "offer", "won"]
DEALS = pd.DataFrame({
    "opportunity_id": ["a", "b", "c", "d"], "account_id": ["A", "A", "B", ""],
    "stage": ["won", "lead", "offer", "offer"], "outcome": ["won", "open", "lost", "open"],
    "region": ["East", "West", "", "East"], "team": ["T1", "T2", "T1", "T2"],
    "amount": ["100", "50", "", "7"], "created_at": ["2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04"],
    "closed_at": ["2026-02-01", "", "2026-02-02", ""],
})  # fmt: skip
TABLES = {
    "opportunities": DEALS,
    "stage_history": pd.DataFrame(
        {"opportunity_id": ["a", "b", "c"], "stage": ["lead"] * 3, "entered_at": ["2026-01-04"] * 3}
    ),
    "accounts": pd.DataFrame({"account_id": ["A", "B"], "name": ["Acme", "Beta"]}),
    "activities": pd.DataFrame(
        {"opportunity_id": ["a", "", "c"], "account_id": ["A", "A", "B"], "at": ["2026-01-05"] * 3}
    ),
    "targets": pd.DataFrame({"period": ["2026"] * 3, "region": ["East", "West", ""], "amount": ["1", "2", "3"]}),
}  # fmt: skip


@pytest.fixture(scope="module")
def book():
    return load(TABLES, playbook=STAGES, currency="EUR", name="demo")


def test_describe(book):
    facts = book.describe()
    assert {name: facts[name] for name in ("deal_n", "open_n", "won_n", "lost_n", "left_n", "won_amount")} == {
        "deal_n": 4, "open_n": 2, "won_n": 1, "lost_n": 1, "left_n": 0, "won_amount": 100,
    }  # fmt: skip
    assert (facts["first_created"], facts["last_created"], facts["as_of"]) == (
        "2026-01-01",
        "2026-01-04",
        "2026-02-02",
    )
    assert repr(book) == "<Book 'demo': 4 deals (2 open, 1 won, 1 lost, 0 left) as of 2026-02-02>"


def test_where_takes_values_and_lists(book):
    east = book.where(region="East")
    assert east.opportunities["opportunity_id"].tolist() == ["a", "d"]
    assert (east.name, east.as_of, east.currency) == ("East", book.as_of, "EUR")
    assert book.where(region=["East", "West"], team="T2").opportunities["opportunity_id"].tolist() == [
        "b",
        "d",
    ]
    assert book.where(region=None).opportunities["opportunity_id"].tolist() == ["c"]
    assert book.where(outcome="won").opportunities["opportunity_id"].tolist() == ["a"]


def test_where_takes_the_other_tables_along(book):
    east = book.where(region="East")
    assert east.table("stage_history")["opportunity_id"].tolist() == ["a"]
    assert east.table("accounts")["account_id"].tolist() == ["A"]
    assert len(east.table("activities")) == 2  # the deal's, and the account's without a deal
    assert east.table("targets")["amount"].tolist() == [1, 3]  # its own, and those for no region


def test_where_names_the_nearest(book):
    with pytest.raises(ParameterError, match="region = 'Est': no deal has it") as error:
        book.where(region="Est")
    assert "did you mean 'East'?" in str(error.value)
    with pytest.raises(ParameterError, match="no column 'regoin'") as error:
        book.where(regoin="East")
    assert "did you mean 'region'?" in str(error.value)
    with pytest.raises(ParameterError, match="no column 'amount'"):
        book.where(amount="100")


def test_split_adds_up(book):
    parts = book.split("region")
    assert list(parts) == ["", "East", "West"]
    ids = [one for part in parts.values() for one in part.opportunities["opportunity_id"]]
    assert sorted(ids) == ["a", "b", "c", "d"]
    assert parts["West"].name == "West"


def test_a_missing_table_says_what_it_would_hold(book):
    with pytest.raises(MissingDataError, match="no table 'gates'") as error:
        book.table("gates")
    assert "criterion" in str(error.value)


def test_a_book_cannot_be_changed(book):
    with pytest.raises(dataclasses.FrozenInstanceError):
        book.name = "x"
    with pytest.raises(TypeError):
        book.tables["opportunities"] = None


def test_the_ledger_is_built_once_and_a_book_can_be_pickled(book):
    assert book.ledger is book.ledger
    again = pickle.loads(pickle.dumps(book))
    assert again.fingerprint == book.fingerprint
    pd.testing.assert_frame_equal(again.opportunities, book.opportunities)
    with pytest.raises(TypeError):
        again.tables["x"] = None


def test_fingerprints_tell_content_apart(book):
    same = load(TABLES, playbook=STAGES, currency="EUR", name="another name")
    assert same.fingerprint == book.fingerprint
    changes = [
        {"playbook": [*STAGES[:2], "contract"]}, {"currency": "USD"}, {"as_of": "2026-03-01"},
        {"observed_from": "2026-01-01"},
    ]  # fmt: skip
    others = [load(TABLES, **{"playbook": STAGES, "currency": "EUR", **change}) for change in changes]
    edits = [
        DEALS.assign(amount=["100", "50", "0", "7"]),
        DEALS.assign(region=["East", "West", "West", "East"]),
        DEALS.rename(columns={"team": "owner"}),
        DEALS.iloc[::-1],
    ]
    others += [load({**TABLES, "opportunities": edit}, playbook=STAGES, currency="EUR") for edit in edits]
    prints = [one.fingerprint for one in (book, *others)]
    assert len(set(prints)) == len(prints)


def test_fingerprints_of_parts_follow_their_own_deals(book):
    edited = DEALS.assign(amount=["100", "51", "", "7"])  # a deal of the West
    other = load({**TABLES, "opportunities": edited}, playbook=STAGES, currency="EUR")
    assert other.where(region="East").fingerprint == book.where(region="East").fingerprint
    assert other.where(region="West").fingerprint != book.where(region="West").fingerprint


def test_texts_cannot_slide_into_each_other():
    def of(first, second):
        deals = DEALS.assign(region=[first, second, "x", "y"])
        return load({"opportunities": deals}, playbook=STAGES).fingerprint

    assert of("ab", "c") != of("a", "bc")


def test_own_attributes_can_be_grouped_by():
    deals = DEALS.assign(Serie=["x", "y", "x", "y"])
    mapping = {"tables": {"opportunities": {"attributes": {"series": "Serie"}}}}
    book = load(deals, playbook=STAGES, mapping=mapping)
    assert book.attributes == ("team", "region", "series")
    assert list(book.split("series")) == ["x", "y"]


def test_the_sample_company():
    book = sample()
    assert (book.playbook.id, book.currency, book.as_of) == (
        "seven_step",
        "EUR",
        np.datetime64("2026-06-30T00:00:00"),
    )
    assert book.notes == ()
    assert set(book.tables) >= {
        "opportunities",
        "stage_history",
        "accounts",
        "contacts",
        "activities",
        "targets",
        "costs",
    }
    assert len(book.split("region")) == 6
    assert sample(as_of="2025-06-30").as_of < book.as_of


def test_each_sample_is_a_book_of_its_own():
    """The files are read once; what is done to the tables of one book reaches no other."""
    one, other = sample(), sample()
    known = other.opportunities["owner"].tolist()
    one.opportunities["mine"] = 1
    one.opportunities.loc[:, "owner"] = "changed"
    assert "mine" not in other.opportunities
    assert other.opportunities["owner"].tolist() == sample().opportunities["owner"].tolist() == known
    assert one is not other
    assert one.ledger is not other.ledger
    assert sample(as_of="2025-12-31").as_of < other.as_of
