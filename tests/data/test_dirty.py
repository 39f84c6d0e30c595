"""Planted dirt: formats are read as they were meant, contradictions are found in exactly the rows they stand in."""

import pandas as pd
import pytest

from funnelnb.analysis.time.duration import duration
from funnelnb.core.errors import DataProblems, MappingError
from funnelnb.data.check import check_data
from funnelnb.data.load import load
from funnelnb.simulate import DIRTY_KINDS, Floor, dirty, simulate

PLAYBOOK = "seven_step"


@pytest.fixture(scope="module")
def floor():
    return simulate(Floor(deals_n=400), seed=11)


@pytest.fixture(scope="module")
def clean(floor):
    return load(floor.tables, playbook=PLAYBOOK, as_of=floor.as_of).opportunities.set_index("opportunity_id")


def spoilt(floor, kind, seed=3):
    return dirty(floor.tables, [kind], seed=seed)


@pytest.mark.parametrize("kind", ["wan_units", "currency_signs", "full_width_digits", "header_unit"])
def test_amounts_mean_what_was_meant(floor, clean, kind):
    book = load(spoilt(floor, kind).tables, playbook=PLAYBOOK, as_of=floor.as_of, mapping=MAPPED)
    assert book.currency == "EUR"
    found = book.opportunities.set_index("opportunity_id")
    pd.testing.assert_series_equal(found["amount"], clean["amount"], rtol=1e-6)


MAPPED = {"crm": "chinese"}


def test_decimal_commas_mean_what_was_meant(floor, clean):
    dirt = spoilt(floor, "decimal_comma")
    found = load(dirt.tables, playbook=PLAYBOOK, as_of=floor.as_of).opportunities["amount"]
    for one in dirt.planted:
        assert found[one.row - 2] == float(one.original) + 0.5
    rows = [one.row - 2 for one in dirt.planted]
    assert found.drop(index=rows).tolist() == pytest.approx(
        clean["amount"].reset_index(drop=True).drop(index=rows).tolist(), nan_ok=True
    )


def test_mixed_dates_are_read_or_asked_about(floor, clean):
    dirt = dirty(floor.tables, ["mixed_dates"], seed=5, share=0.2)
    found = load(dirt.tables, playbook=PLAYBOOK, as_of=floor.as_of).opportunities.set_index("opportunity_id")
    pd.testing.assert_series_equal(found["created_at"], clean["created_at"])


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("broken_numbers", "not a number"),
        ("unknown_stage", "a stage that the stage model does not have"),
        ("closed_before_created", "closed before it was created"),
        ("won_without_date", "won, but without a close date"),
        ("missing_ids", "no value"),
        ("two_currencies", "amounts in more than one currency"),
    ],
)
def test_contradictions_are_found_where_they_are(floor, kind, code):
    dirt = spoilt(floor, kind)
    if kind == "won_without_date":
        del dirt.tables["stage_history"]  # where the close would be found
    with pytest.raises(DataProblems) as error:
        load(dirt.tables, playbook=PLAYBOOK, as_of=floor.as_of)
    mine = [one for one in error.value.problems if one.file == "opportunities"]
    assert {one.found for one in mine} == {code}
    planted = [one for one in dirt.planted if one.table == "opportunities"]
    if kind != "two_currencies":
        assert sum(one.rows_n for one in mine) == len(planted)
        assert {one.row for one in mine} <= {one.row for one in planted}
        assert min(one.row for one in planted) in {one.row for one in mine}


@pytest.mark.parametrize(
    "kind", ["broken_numbers", "unknown_stage", "closed_before_created", "won_without_date"]
)
def test_dropping_leaves_exactly_the_others(floor, clean, kind):
    dirt = spoilt(floor, kind)
    if kind == "won_without_date":
        del dirt.tables["stage_history"]  # where the close would be found
    book = load(dirt.tables, playbook=PLAYBOOK, as_of=floor.as_of, mapping={"on_problem": "drop"})
    rows = [one.row - 2 for one in dirt.planted if one.table == "opportunities"]
    gone = set(dirt.tables["opportunities"]["opportunity_id"].iloc[rows])
    assert set(clean.index) - set(book.opportunities["opportunity_id"]) == gone


def test_a_missing_close_is_found_in_the_history(floor, clean):
    book = load(spoilt(floor, "won_without_date").tables, playbook=PLAYBOOK, as_of=floor.as_of)
    found = book.opportunities.set_index("opportunity_id")
    pd.testing.assert_series_equal(found["closed_at"], clean["closed_at"])
    assert "closed_from_history" in {note.code for note in book.notes}


def test_open_ends_are_no_closes(floor, clean):
    book = load(spoilt(floor, "open_ended_dates").tables, playbook=PLAYBOOK, as_of=floor.as_of)
    found = book.opportunities.set_index("opportunity_id")
    pd.testing.assert_series_equal(found["closed_at"], clean["closed_at"])
    assert "open_ended_dates" in {note.code for note in book.notes}


def test_repeated_rows_count_once(floor, clean):
    dirt = spoilt(floor, "duplicates")
    book = load(dirt.tables, playbook=PLAYBOOK, as_of=floor.as_of)
    assert len(book.opportunities) == len(clean)
    note = next(note for note in book.notes if note.code == "identical_rows_dropped")
    assert note.values["n"] == len(dirt.planted)


def test_markup_and_paths_stay_text(floor):
    for kind in ("markup", "path_names"):
        dirt = spoilt(floor, kind)
        deals = load(dirt.tables, playbook=PLAYBOOK, as_of=floor.as_of).opportunities
        for one in dirt.planted:
            if one.table == "opportunities":
                assert deals[one.column][one.row - 2] == one.value


def test_the_check_finds_misspelt_names(floor):
    dirt = spoilt(floor, "misspelt_names", seed=4)
    report = check_data(dirt.tables, playbook=PLAYBOOK, as_of=floor.as_of)
    found = [item.note.values["names"] for item in report.items if item.note.code == "spelled_differently"]
    shouting = [one for one in dirt.planted if one.value == one.original.upper() != one.original]
    assert shouting
    for one in shouting:
        assert any(one.value in names and one.original in names for names in found)


def test_the_check_reads_on_behind_the_problems(floor):
    dirt = dirty(floor.tables, ["broken_numbers", "misspelt_names"], seed=4)
    report = check_data(dirt.tables, playbook=PLAYBOOK, as_of=floor.as_of)
    assert not report.ok
    assert len(report.problems) == 1
    codes = {item.note.code for item in report.items}
    assert {"problem", "spelled_differently"} <= codes
    assert report.n == len(dirt.tables["opportunities"]) - report.problems[0].rows_n


@pytest.mark.parametrize("kind", [*DIRTY_KINDS, None])
def test_every_kind_of_dirt_loads_or_is_refused_with_its_place(floor, kind, tmp_path):
    """From frames and from CSV, little dirt and much: never another exception, and the check never refuses to look."""
    for share in (0.01, 0.3):
        dirt = dirty(floor.tables, None if kind is None else [kind], seed=5, share=share)
        folder = dirt.write(tmp_path / str(share))
        mapping = {"crm": "chinese"} if kind == "header_unit" else None
        said = []
        for source in (dirt.tables, folder):
            report = check_data(source, playbook=PLAYBOOK, as_of=floor.as_of, mapping=mapping)
            try:
                book = load(source, playbook=PLAYBOOK, as_of=floor.as_of, mapping=mapping)
            except DataProblems as error:
                assert not report.ok
                for one in error.problems:
                    assert one.file
                    assert one.found
                    assert one.expected
                    assert one.remedy
                said.append({(one.row, one.column, one.found) for one in error.problems})
            else:
                assert not report.problems
                assert len(duration(book, family="exponential").rows) == book.playbook.won + 1
                said.append(len(book.opportunities))
        assert said[0] == said[1]


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("created_at", "03/04/2026", "day and month are ambiguous"),
        ("closed_at", "31.02.2026", "not a date"),
        ("created_at", "9999-12-31", "not a date"),
        ("amount", "much", "not a number"),
    ],
)
def test_a_constant_of_the_settings_must_mean_something(floor, column, value, says):
    """It used to end in an AttributeError, or was taken for "not known" without a word."""
    deals = floor.tables["opportunities"].drop(columns=column)
    mapping = {"tables": {"opportunities": {"constants": {column: value}}}}
    with pytest.raises(MappingError, match=rf"constants\] {column} = '{value}': {says}"):
        load(deals, playbook=PLAYBOOK, as_of=floor.as_of, mapping=mapping)


def test_a_blank_constant_is_a_column_without_values(floor):
    deals = floor.tables["opportunities"].drop(columns=["region"])
    mapping = {"tables": {"opportunities": {"constants": {"region": ""}}}}
    book = load(deals, playbook=PLAYBOOK, as_of=floor.as_of, mapping=mapping)
    assert book.opportunities["region"].isna().all()
