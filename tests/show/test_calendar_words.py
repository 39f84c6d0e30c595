"""Every label says which days are counted, in both languages, by one mechanism."""

import itertools
import re
from functools import cache

import pytest

import funnelnb as fn
from funnelnb.core.options import LANGUAGES
from funnelnb.show.charts import render
from funnelnb.show.charts.parts import day_ticks
from funnelnb.show.text.words import load_pack, words, words_of
from funnelnb.show.views.registry import view_of
from tests.show.test_charts import boxes
from tests.show.test_words import flat

CALENDARS = ("", "business", "CN")
UNITS = {
    "en": {"": "calendar days", "business": "business days (Monday to Friday)", "CN": "business days (CN)"},
    "zh": {"": "自然日", "business": "工作日（周一至周五）", "CN": "工作日（CN）"},
}
OTHERS = {"en": {True: "calendar day", False: "business day"}, "zh": {True: "自然日", False: "工作日"}}


@cache
def made(name, calendar):
    book = fn.sample()
    calls = {
        "whole": lambda: fn.duration(book, calendar=calendar),
        "regions": lambda: fn.duration(book, by="region", calendar=calendar),
        "advance": lambda: fn.duration(book, to="advance", stage="negotiation", calendar=calendar),
        "stuck": lambda: fn.stuck(book, calendar=calendar),
        "ageing": lambda: fn.ageing(book, calendar=calendar),
    }
    return calls[name]()


NAMES = ("whole", "regions", "advance", "stuck", "ageing")


@cache
def picture(name, calendar, kind, lang):
    return render.svg(made(name, calendar).chart(kind, lang))


@cache
def said(name, calendar, lang):
    """All that is shown of a result: sentences, tables, what columns mean, words in the pictures."""
    result = made(name, calendar)
    parts = [result.finding(lang), result.text(lang), result.html(lang), result.markdown(lang)]
    parts += [picture(name, calendar, kind, lang) for kind in view_of(result).charts]
    return "\n".join(parts)


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("calendar", CALENDARS)
@pytest.mark.parametrize("name", NAMES)
def test_the_unit_is_in_all_that_is_shown(name, calendar, lang):
    result = made(name, calendar)
    assert result.calendar == calendar
    text = said(name, calendar, lang)
    assert UNITS[lang][calendar] in text
    assert UNITS[lang][calendar].lower() in result.text(lang).splitlines()[0].lower()
    assert "<<" not in text
    assert "&lt;&lt;" not in text
    assert OTHERS[lang][bool(calendar)] not in text.lower()


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_no_number_of_days_stands_without_its_unit(name, lang):
    """In business days nothing reads "30 days" or "30 天" any more: neither heads nor sentences nor pictures."""
    plain = re.compile({"en": r"\d\)? days?\b", "zh": r"\d ?天"}[lang])
    assert plain.search(said(name, "", lang))
    assert plain.findall(said(name, "CN", lang)) == []


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", ["whole", "regions", "advance", "ageing"])
def test_every_picture_names_the_unit(name, lang):
    for calendar in CALENDARS:
        result = made(name, calendar)
        for kind in view_of(result).charts:
            drawn = re.sub(r"<[^>]*>", " ", picture(name, calendar, kind, lang))
            assert UNITS[lang][calendar].lower() in drawn.lower(), kind


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("calendar", ["business", "CN"])
@pytest.mark.parametrize("name", ["whole", "regions", "advance", "ageing"])
def test_longer_words_still_fit(name, calendar, lang):
    for kind in view_of(made(name, calendar)).charts:
        found, wide, high = boxes(picture(name, calendar, kind, lang))
        for left, top, right, bottom, text in found:
            assert left > -2, text
            assert right < wide + 6, text
            assert -2 < top < bottom < high + 2, text
        for one, other in itertools.combinations(found, 2):
            over = (
                min(one[2], other[2]) - max(one[0], other[0]),
                min(one[3], other[3]) - max(one[1], other[1]),
            )
            assert min(over) < 1.5, (one[4], other[4])


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_mark_has_a_word_for_every_kind_of_day(lang):
    pack = load_pack(lang)
    used = {
        mark for _, text in flat(pack) if isinstance(text, str) for mark in re.findall(r"<<(\w+)>>", text)
    }
    assert used
    for kind in ("plain", "business", "named"):
        assert used <= set(pack["calendar"][kind])
    for calendar in ("", "business", "CN"):
        told = words(lang, calendar)
        assert "<<" not in "".join(text for _, text in flat(told._pack) if isinstance(text, str))


def test_other_results_are_told_in_days():
    result = fn.conversion(fn.sample())
    assert words_of(result, "en") is words("en")
    assert "180 days" in fn.conversion(fn.sample(), horizon_days=180).finding("en")
    assert "business" not in result.text("en")


def test_sentences_speak_of_business_days():
    assert "takes 48 business days (median of" in made("whole", "business").finding("en")
    assert "37 business days, which is too short" in made("whole", "business").finding("en")
    assert "中位数为 48 个工作日" in made("whole", "business").finding("zh")
    assert "All days are business days (CN)." in made("stuck", "CN").text("en")
    assert "天数均为工作日（CN）。" in made("ageing", "CN").text("zh")


def test_frames_and_files_name_the_calendar(tmp_path):
    import openpyxl

    frame = made("whole", "CN").to_frame()
    assert frame.attrs["calendar"] == "CN"
    assert "calendar" not in fn.conversion(fn.sample()).to_frame().attrs
    fn.to_excel(made("whole", "CN"), tmp_path / "x.xlsx")
    sheets = openpyxl.load_workbook(tmp_path / "x.xlsx")
    told = " ".join(str(cell.value) for sheet in sheets for row in sheet.iter_rows() for cell in row)
    assert "business days (CN)" in told
    assert "alendar days" not in told


@pytest.mark.parametrize(
    ("longest", "calendar", "ticks"),
    [(26, "", [0, 7, 14, 21]), (26, "CN", [0, 5, 10, 15, 20, 25]), (90, "business", [0, 20, 40, 60, 80])],
)
def test_axes_mark_weeks_of_the_calendar(longest, calendar, ticks):
    assert day_ticks(longest, calendar=calendar) == ticks
