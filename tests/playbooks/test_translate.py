"""Deals of one stage model seen through another."""

import pytest

from funnelnb.core.errors import PlaybookError
from funnelnb.playbooks import library, load_playbook
from funnelnb.playbooks.translate import translate


@pytest.mark.parametrize("name", library())
def test_a_playbook_seen_as_itself_is_itself(name: str) -> None:
    playbook = load_playbook(name)
    assert translate(playbook, playbook) == {stage: stage for stage in playbook.stage_ids}


def test_by_name_then_by_what_is_known_of_the_weight() -> None:
    """Seven-step knows only that the shortlist moves 25 % to 50 %: 25/50/75 places it so, by hand."""
    assert translate(load_playbook("seven_step"), load_playbook("product_funnel")) == {
        "find_opportunity": "need",
        "qualify": "need",
        "project_approved": "need",
        "shortlist": "preferred",  # the same name: one of two preferred
        "negotiation": "preferred",  # at least 50 % after the shortlist, 75 % is not promised
        "won": "won",
        "implementation": "won",
        "repeat_purchase": "won",
    }


@pytest.mark.parametrize("source", library())
@pytest.mark.parametrize("target", library())
def test_order_is_kept_and_won_stays_won(source: str, target: str) -> None:
    from_book, to_book = load_playbook(source), load_playbook(target)
    try:
        places = translate(from_book, to_book)
    except PlaybookError as error:
        assert "win weight" in str(error)
        return
    positions = [to_book.stage_ids.index(places[stage]) for stage in from_book.stage_ids]
    assert positions == sorted(positions)
    assert positions[from_book.won] == to_book.won
    assert all(position < to_book.won for position in positions[: from_book.won])


def test_without_weights_it_says_so() -> None:
    with pytest.raises(PlaybookError, match=r"no stage of 'weekly_report' has a win weight"):
        translate(load_playbook("seven_step"), load_playbook("weekly_report"))
