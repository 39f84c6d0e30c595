"""The real results of the sample company, shown every way in both languages."""

from __future__ import annotations

import re

import pytest

import funnelnb as fn
from funnelnb.show import outputs
from funnelnb.show.text.words import words
from funnelnb.show.views import registry

LANGS = ["en", "zh"]


@pytest.fixture(scope="module")
def results():
    book = fn.sample()
    return {
        "conversion": fn.conversion(book),
        "conversion_by": fn.conversion(book, by="region"),
        "cohort": fn.cohort(book, every="quarter"),
        "segments": fn.segments(book, by="owner"),
        "by_day": fn.segments(book, by="segment", measure="by_day", horizon_days=90),
    }


NAMES = ["conversion", "conversion_by", "cohort", "segments", "by_day"]


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("name", NAMES)
def test_everything_real_has_words(name, lang, results):
    result, say = results[name], words(lang)
    text = result.text(lang) + result.finding(lang)
    assert say.find(f"methods.{result.method}"), result.method
    for note in result.notes:
        assert say.find(f"notes.{note.code}"), note.code
        assert note.code not in say.note(note)
        assert not re.search(r" = \d", say.note(note).replace("(p = ", "").replace("（p = ", ""))
    assert not re.search(r"\bnan\b|None(?! of)|\{\w+\}", text)
    if lang == "zh":
        assert not re.search(r"\b(deals|stage|group|method)\b", text)


@pytest.mark.parametrize("name", NAMES)
def test_everything_real_is_drawn(name, results):
    result = results[name]
    for kind in registry.view_of(result).charts:
        ((data, _),) = outputs(result, "zh", kind, table=False, finding=False)
        assert "<text" in data["image/svg+xml"]


def test_the_finding_says_the_numbers_of_the_result(results):
    row = results["conversion"].overall[0]
    found = results["conversion"].finding("en")
    assert (
        f"{100 * row.by_day_rate:.1f} % ({100 * row.by_day_ci_lower:.1f}–{100 * row.by_day_ci_upper:.1f})"
        in found
    )
    assert f"{row.by_day_n:,} deals" in found
    point = results["conversion"].loss_points[0]
    assert f"{point.lost_n:,} deals" in found


def test_stages_go_by_their_names_in_caveats(results):
    result = results["conversion"]
    noted = {note.code: note for note in result.notes}
    assert "after_sale_shown" in noted
    assert "(Implementation" in result.text("en")
    assert "（交易实施" in result.text("zh")
