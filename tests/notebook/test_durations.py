"""The controls over durations change an argument and show what comes back."""

import pytest

import funnelnb as fn
from funnelnb.core.errors import ParameterError


@pytest.fixture(scope="module")
def book() -> fn.Book:
    return fn.sample()


def test_each_control_changes_the_result(book: fn.Book) -> None:
    explorer = fn.explore_durations(book)
    shown = {str(explorer.picture.outputs)}
    for control, value in (
        ("stage", "qualify"),
        ("family", "lognormal"),
        ("to", "lose"),
        ("segment", "region"),
        ("calendar", "business"),
    ):
        getattr(explorer, control).value = value
        shown.add(str(explorer.picture.outputs))
    assert len(shown) == 6
    assert (explorer.result.to, explorer.result.by) == ("lose", ("region",))
    assert explorer.result.calendar == "business"
    assert {row.stage for row in explorer.result.rows} == {"qualify"}


def test_the_same_numbers_as_the_function(book: fn.Book) -> None:
    explorer = fn.explore_durations(book, stage="negotiation", family="weibull")
    expected = fn.duration(book, stage="negotiation", family="weibull")
    assert explorer.result.rows == expected.rows
    assert [row.family for row in explorer.result.fits] == ["weibull"]


def test_the_calendars_of_the_settings_and_the_one_asked_for_are_offered() -> None:
    works = {"calendars": {"works": {"weekend": ["sunday"], "holidays": ["2026-01-01"]}}}
    book = fn.sample(mapping={"playbook": "seven_step", **works})
    explorer = fn.explore_durations(book, calendar="CN", lang="en")
    offered = [value for _, value in explorer.calendar.options]
    assert (offered, explorer.calendar.value) == (["", "business", "works", "CN"], "CN")
    assert [label for label, _ in explorer.calendar.options] == [
        "Calendar days", "Business days (Monday to Friday)", "Business days (works)", "Business days (CN)"]  # fmt: skip
    assert explorer.result.rows == fn.duration(book, calendar="CN").rows
    explorer.calendar.value = "works"
    assert explorer.result.rows == fn.duration(book, calendar="works").rows
    assert "business days" in explorer.picture.outputs[0]["data"]["text/plain"]
    with pytest.raises(ParameterError, match="calendar = 'work'"):
        fn.explore_durations(book, calendar="work")
    with pytest.raises(ParameterError, match="did you mean 'negotiation'"):
        fn.explore_durations(book, stage="negotation")
    with pytest.raises(ParameterError, match="family"):
        fn.explore_durations(book, family="normal")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_static_page_shows_the_chosen_state(book: fn.Book, lang: str) -> None:
    data = fn.explore_durations(book, lang=lang)._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert "<svg" in data["text/html"]
    assert "67" in data["text/plain"]
