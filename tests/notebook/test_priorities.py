"""The controls over priorities: what a hand does changes the result, and mistakes are told."""

import pytest

import funnelnb as fn


@pytest.fixture(scope="module")
def book():
    return fn.sample()


def test_weights_and_lines_redraw(book) -> None:
    live = fn.prioritise(book)
    before = live.result.rows[0].customer_n
    live.thresholds.value = (0.4, 0.9)
    assert live.result.rows[0].customer_n < before
    live.size.value = 1.0
    assert live.result.size_weight == pytest.approx(1.0 / 1.6)
    live.view.value = "quadrant"
    soon = live.result.rows[0].deal_n
    live.soon.value = 20
    assert live.result.rows[0].deal_n < soon
    live.capacity.value = 105.0
    assert live.result.capacity_hours == 105.0
    assert live.picture.outputs


def test_what_cannot_be_is_told_and_the_last_state_stays(book) -> None:
    live = fn.prioritise(book)
    live.view.value = "quadrant"
    live.capacity.value = -1.0
    assert "capacity_hours = -1" in live.picture.outputs[0]["data"]["text/plain"]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_it_has_a_still_form(book, lang) -> None:
    for live in (fn.prioritise(book, lang=lang), fn.assessment_sheet(book, "A0004", lang=lang)):
        bundle = live._repr_mimebundle_()
        assert "<table" in bundle["text/html"]
        assert bundle["text/plain"]


def test_a_sheet_is_filled_in_and_saved(book) -> None:
    sheet = fn.assessment_sheet(book, "A0001")
    assert set(sheet.marks["mark"]) == {""}
    sheet.marks_of["sponsorship"].value = "+"
    sheet.notes_of["sponsorship"].value = "the director"
    sheet.marks_of["track_record"].value = "-"
    sheet.save.click()
    row = sheet.result.rows[0]
    assert (row.plus_n, row.minus_n, row.unknown_n) == (1, 1, 7)
    assert next(one.note for one in sheet.result.sheet if one.factor == "sponsorship") == "the director"
    assert repr(fn.assessment(sheet.book, "A0001").rows) == repr(sheet.result.rows)
    assert "A0001" not in set(book.table("assessments")["account_id"]), "the book given is untouched"
    assert len(fn.assess(book, sheet.marks).table("assessments")) == len(book.table("assessments")) + 2
