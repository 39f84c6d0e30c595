"""A missing table leaves a sentence; a wrong value stays an error."""

import pytest

import funnelnb as fn
from funnelnb.core.errors import MissingDataError, ParameterError
from tests.analysis.desk import book, open_deal


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_missing_table_is_a_sentence(lang) -> None:
    bare = book(open_deal(), open_deal(1))
    for call in (
        fn.man,
        fn.roles,
        fn.honest_funnel,
        fn.levels,
        fn.assessment,
        fn.prioritise,
        fn.assessment_sheet,
    ):
        left_out = fn.attempt(call, bare)
        assert "contacts" in left_out.finding(lang) or call is not fn.roles
        assert left_out.finding(lang)
        assert "{" not in left_out.text(lang)
        assert left_out._repr_mimebundle_()
        fn.display(left_out, lang, chart="any")
    assert fn.attempt(fn.level_moves, 10, bare).found


def test_what_is_there_comes_through_and_mistakes_stay_errors() -> None:
    sample = fn.sample()
    assert fn.attempt(fn.man, sample).n == fn.man(sample).n
    with pytest.raises(ParameterError):
        fn.attempt(fn.customers.quadrant, sample, capacity_hours=0)


def test_what_builds_on_a_section_that_is_left_out_is_left_out_too() -> None:
    import pandas as pd

    deals = pd.DataFrame({"opportunity_id": ["a", "b"], "stage": ["lead", "won"]})
    book = fn.load({"opportunities": deals}, playbook={"stages": ["lead", "won"]}, as_of="2026-06-30")
    goal = fn.attempt(fn.target, book)
    mix = fn.attempt(fn.targets.deal_mix, book, amount=goal.target_amount, assurance=0.8)
    funnel = fn.attempt(fn.targets.reverse_funnel, book, wins=mix.required_n, period=goal.period_name)
    assert funnel is goal
    assert "no table 'targets'" in funnel.finding("en")
    with pytest.raises(AttributeError):
        goal.mixes  # noqa: B018 - not a figure: a slip of the pen stays an error


def comparable(n: int = 12, **columns: list[str]) -> "fn.Book":
    import pandas as pd

    frame = pd.DataFrame({"opportunity_id": [f"D{k}" for k in range(n)], "stage": ["lead"] * n, **columns})
    return fn.load({"opportunities": frame}, playbook={"stages": ["lead", "won"]}, as_of="2026-06-30")


def test_the_compared_attribute_is_chosen_from_what_the_data_have() -> None:
    two, names = ["a", "b"] * 6, [f"n{k}" for k in range(12)]
    assert fn.comparison(comparable(segment=two, product=two)) == "segment"
    assert fn.comparison(comparable(segment=["a"] * 12, product=two)) == "product"
    assert fn.comparison(comparable(segment=["a", "b", *[""] * 10], source=two)) == "source"
    assert fn.comparison(comparable(segment=two, product=two), apart_from="segment") == "product"
    assert fn.comparison(comparable(segment=["a"] * 12, owner=names)) == "owner"
    assert fn.comparison(comparable(24, owner=[f"n{k}" for k in range(24)], team=two * 2)) == "team"
    with pytest.raises(MissingDataError, match="no attribute divides"):
        fn.comparison(comparable(segment=["a"] * 12))
    with pytest.raises(ParameterError, match="did you mean 'segment'"):
        fn.comparison(comparable(segment=two), "segmnt")
