"""The controls change an argument and show what comes back; without a kernel the chosen state is shown."""

import pytest

import funnelnb as fn
from funnelnb.core.errors import MissingDataError
from funnelnb.notebook.explore import Explorer


@pytest.fixture(scope="module")
def book() -> fn.Book:
    return fn.sample()


def picture(explorer: Explorer) -> str:
    """Everything the output area shows, as text."""
    return str(explorer.picture.outputs)


def test_each_control_changes_the_result(book: fn.Book) -> None:
    explorer = fn.explore(book, by="segment", horizon_days=180)
    shown = {picture(explorer)}
    for control, value in (("horizon", 90), ("stage", "qualify"), ("segment", "source"), ("segment", "")):
        getattr(explorer, control).value = value
        shown.add(picture(explorer))
    assert len(shown) == 5
    assert (explorer.result.horizon_days, explorer.result.by) == (90, ())
    assert explorer.result.overall[0].stage == "qualify"


def test_the_same_numbers_as_the_function(book: fn.Book) -> None:
    explorer = fn.explore(book, by="region", horizon_days=120)
    expected = fn.conversion(book, by="region", horizon_days=120)
    assert explorer.result.overall == expected.overall


def test_another_stage_model_offers_its_stages(book: fn.Book) -> None:
    explorer = fn.explore(book, horizon_days=180)
    won_n = explorer.result.overall[0].advanced_n
    explorer.playbook.value = "product_funnel"
    assert [stage for _, stage in explorer.stage.options] == ["need", "candidate", "preferred", "decided"]
    assert explorer.result.stage_ids[-1] == "won"
    assert explorer.result.overall[0].advanced_n == won_n


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_static_page_shows_the_chosen_state(book: fn.Book, lang: str) -> None:
    explorer = fn.explore(book, by="segment", horizon_days=180, lang=lang)
    data = explorer._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert "<svg" in data["text/html"]
    assert "180" in data["text/html"]


def test_an_attribute_that_is_not_there_names_the_nearest(book: fn.Book) -> None:
    with pytest.raises(MissingDataError, match="did you mean 'segment'"):
        fn.explore(book, by="segmnt")


def test_nothing_said_means_no_comparison_and_the_usual_horizon(book: fn.Book) -> None:
    explorer = fn.explore(book)
    assert explorer.result.by == ()
    assert explorer.horizon.value == int(fn.conversion(book).horizon_days)


def test_an_attribute_asked_for_is_offered_however_many_values_it_has(book: fn.Book) -> None:
    explorer = fn.explore(book, by="owner")
    assert explorer.result.by == ("owner",)
    assert "owner" in [name for _, name in explorer.segment.options]


def test_a_section_that_is_left_out_leaves_the_comparison_out(book: fn.Book) -> None:
    bare = fn.load(
        {
            "opportunities": book.opportunities[
                ["opportunity_id", "created_at", "closed_at", "outcome", "stage"]
            ]
        },
        playbook="seven_step",
    )
    compared = fn.notebook.attempt(fn.notebook.comparison, bare)
    assert not isinstance(compared, str)
    assert fn.widgets.explore(bare, by=compared).result.by == ()


def test_the_former_name_of_the_attribute_still_answers(book: fn.Book) -> None:
    assert fn.explore(book, segment="region").result.by == ("region",)


def test_an_attribute_with_many_values_is_not_offered(book: fn.Book) -> None:
    offered = [name for _, name in fn.explore(book).segment.options]
    assert "region" in offered
    assert "account_id" not in offered
