"""The controls over durations change an argument and show what comes back."""

import pytest

import funnelnb as fn


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
    ):
        getattr(explorer, control).value = value
        shown.add(str(explorer.picture.outputs))
    assert len(shown) == 5
    assert (explorer.result.to, explorer.result.by) == ("lose", ("region",))
    assert {row.stage for row in explorer.result.rows} == {"qualify"}


def test_the_same_numbers_as_the_function(book: fn.Book) -> None:
    explorer = fn.explore_durations(book, stage="negotiation", family="weibull")
    expected = fn.duration(book, stage="negotiation", family="weibull")
    assert explorer.result.rows == expected.rows
    assert [row.family for row in explorer.result.fits] == ["weibull"]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_static_page_shows_the_chosen_state(book: fn.Book, lang: str) -> None:
    data = fn.explore_durations(book, segment="no such attribute", lang=lang)._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert "<svg" in data["text/html"]
    assert "67" in data["text/plain"]
