"""Controls of the diagnosis: from the worst symptom to any other, live and still."""

from __future__ import annotations

import pytest

import funnelnb as fn


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_worst_symptom_is_chosen_first_and_any_other_can_be(lang):
    found = fn.symptoms(fn.sample().where(region="DACH"), learn_from=fn.sample())
    shown = fn.widgets.diagnose(found, lang=lang)
    worst = found.rows[0]
    assert (shown.result.rule, shown.result.group) == (worst.rule, worst.group)
    shown.rule.value, shown.person.value = "few_opportunities", "Max Huber"
    held = fn.sample().opportunities.query("owner == 'Max Huber' and outcome == 'open'")
    assert shown.result.rows[0].n == len(held)
    still = shown._repr_mimebundle_()
    assert "Max Huber" in still["text/plain"]
    assert "<script" not in still["text/html"]


def test_a_book_is_diagnosed_first():
    shown = fn.widgets.diagnose(fn.sample().where(region="Iberia"), lang="en")
    assert shown.found.people == ("Lucía Ferrer",)
