"""A missing table leaves a sentence; a wrong value stays an error."""

import pytest

import funnelnb as fn
from funnelnb.core.errors import ParameterError
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
        fn.attempt(fn.quadrant, sample, capacity_hours=0)
