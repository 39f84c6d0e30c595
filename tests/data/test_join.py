"""Other files add columns; no deal is lost or doubled, and what does not fit is told."""

import pandas as pd
import pytest

from funnelnb.core.errors import DataProblems, MappingError
from funnelnb.data.check import check_data
from funnelnb.data.clean.join import near
from funnelnb.data.load import load

DEALS = pd.DataFrame({
    "opportunity_id": ["1", "2", "3", "4", "5"], "stage": ["won", "lead", "lead", "Closed Lost", "lead"],
    "product": ["GTX Pro", "GTXPro", "Other", "GTXPro", ""], "owner": ["Ann", "Bob", "Ann", "Ann", "Ann"],
    "created_at": ["2026-01-01"] * 5, "closed_at": ["2026-02-01", "", "", "2026-02-02", ""],
})  # fmt: skip
PRODUCTS = pd.DataFrame(
    {"name": ["GTX Pro", "GTX Basic"], "price": ["1,000", "2,000"], "series": ["GTX", "GTX"]}
)
PEOPLE = pd.DataFrame({"owner": ["Ann", "Bob", "Cy"], "office": ["East", "West", "West"]})
MAPPING = {
    "playbook": ["lead", "won"],
    "tables": {"opportunities": {"joins": [
        {"file": "products", "on": {"product": "name"}, "columns": {"expected_amount": "price", "series": "series"}},
        {"file": "people", "on": "owner", "columns": {"region": "office"}},
    ]}},
}  # fmt: skip
SOURCE = {"opportunities": DEALS, "products": PRODUCTS, "people": PEOPLE}


def test_columns_are_added_and_rows_stay():
    book = load(SOURCE, mapping=MAPPING)
    deals = book.opportunities
    assert deals["opportunity_id"].tolist() == ["1", "2", "3", "4", "5"]
    assert deals["region"].tolist() == ["East", "West", "East", "East", "East"]
    assert deals["expected_amount"].fillna(-1).tolist() == [1000, -1, -1, -1, -1]
    notes = [
        (note.code, note.values["value"], note.values["n"])
        for note in book.notes
        if note.code.startswith("join")
    ]
    assert notes == [("join_unmatched_near", "GTXPro", 2), ("join_unmatched", "Other", 1)]
    assert "series" in book.attributes


def test_corrections_close_the_gap():
    book = load(SOURCE, mapping={**MAPPING, "values": {"product": {"GTXPro": "GTX Pro"}}})
    assert book.opportunities["expected_amount"].fillna(-1).tolist() == [1000, 1000, -1, 1000, -1]
    assert book.opportunities["product"].tolist()[:4] == ["GTX Pro", "GTX Pro", "Other", "GTX Pro"]


def test_the_check_counts_what_a_plain_join_would_lose():
    report = check_data(SOURCE, mapping=MAPPING)
    notes = {(item.note.code, item.note.values.get("value")): item.note.values for item in report.items}
    lost = notes["join_would_lose_near", "GTXPro"]
    assert (lost["n"], lost["closed_n"], lost["nearest"]) == (2, 1, "GTX Pro")
    assert notes["join_would_lose", "Other"]["closed_n"] == 0
    assert notes["join_unused", None]["names"] in ("GTX Basic", "Cy")
    assert not report.ok


def test_a_repeated_key_is_a_problem():
    people = pd.concat([PEOPLE, PEOPLE.iloc[[0]].assign(office="North")])
    with pytest.raises(DataProblems, match="the key of a joined file is on several rows 'Ann'"):
        load({**SOURCE, "people": people}, mapping=MAPPING)


def test_a_bad_number_in_the_other_file_names_that_file():
    with pytest.raises(DataProblems) as error:
        load({**SOURCE, "products": PRODUCTS.assign(price=["1,2,3", "5"])}, mapping=MAPPING)
    problem = error.value.problems[0]
    assert (problem.file, problem.column, problem.row, problem.value) == ("products", "price", 2, "1,2,3")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"on": {"prodct": "name"}}, "prodct"),
        ({"on": {"product": "nme"}}, "nme"),
        ({"columns": {"series": "serie"}}, "serie"),
    ],
)
def test_mistyped_columns_name_the_nearest(changed, message):
    join = {**MAPPING["tables"]["opportunities"]["joins"][0], **changed}
    with pytest.raises(MappingError, match=f"'{message}': .* has no such column") as error:
        load(SOURCE, mapping={**MAPPING, "tables": {"opportunities": {"joins": [join]}}})
    assert "did you mean" in str(error.value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [("GTXPro", "GTX Pro"), ("gtx basic", "GTX Basic"), ("GTX Basik", "GTX Basic"), ("Zebra", "")],
)
def test_near(value, expected):
    assert near(value, ["GTX Pro", "GTX Basic"]) == expected
