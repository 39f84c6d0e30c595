"""The trainer's guide says what the course says, in both languages, and its agendas and commands hold."""

import re

import pytest

from funnelnb import cli
from funnelnb.teach import course
from funnelnb.teach.exercises import EXERCISES, lessons
from tools import guide

TEXTS = {lang: path.read_text(encoding="utf-8") for lang, path in guide.FILES.items()}


@pytest.mark.parametrize("lang", list(TEXTS))
def test_answers_and_figures_are_those_of_the_course(lang: str) -> None:
    assert guide.filled(TEXTS[lang], lang) == TEXTS[lang], "python -m tools.guide write"
    for name in EXERCISES:
        assert f"**{name}**" in TEXTS[lang]


def test_both_guides_have_the_same_parts_commands_and_figures() -> None:
    english, chinese = (
        re.sub(r"<!-- made.*?<!-- end -->", "", text, flags=re.DOTALL) for text in TEXTS.values()
    )
    for pattern in (r"^#+", r"\d\d:\d\d", r"\b[1-8]\.[1-6]\b", r"^\| ", r"^- ", r"`lesson\.[^`]*`"):
        found = [re.findall(pattern, text, re.MULTILINE) for text in (english, chinese)]
        assert found[0] == found[1], pattern
    memory = [set(re.findall(r"\d[\d.,]* [GM]B", text)) for text in (english, chinese)]
    assert memory[0] == memory[1] != set()


@pytest.mark.parametrize("lang", list(TEXTS))
def test_the_half_day_fits_and_names_exercises_of_its_lesson(lang: str) -> None:
    rows = re.findall(r"^\| (\d\d):(\d\d) \| ([^|]*) \| ([^|]*) \|", TEXTS[lang], re.MULTILINE)
    starts = [60 * int(hours) + int(minutes) for hours, minutes, _, _ in rows]
    assert starts == sorted(starts)
    assert starts[-1] - starts[0] <= 4 * 60
    for start, end, (_, _, what, how) in zip(starts, starts[1:], rows, strict=False):
        for number in re.findall(r"(?:lesson |第 )(\d)", what):
            named = re.findall(r"\b\d\.\d\b", how)
            assert named
            assert set(named) <= set(lessons()[int(number)])
            assert end - start >= 2 * len(named) + 6  # two minutes each, besides case and box


@pytest.mark.parametrize("lang", list(TEXTS))
def test_commands_of_the_guide_are_understood(lang: str) -> None:
    for line in re.findall(r"^funnelnb [^\n#]*", TEXTS[lang], re.MULTILINE):
        cli._parser().parse_args(line.split()[1:])


def test_the_fixed_minutes_leave_two_to_five_for_each_exercise() -> None:
    assert [course.MINUTES[one] for one in ("case", "look", "box", "summary")] == [
        3,
        3,
        3,
        2,
    ]  # as the guide says
    for number, names in lessons().items():
        minutes = guide.texts("en")["lesson"][str(number)]["minutes"]
        assert minutes == guide.texts("zh")["lesson"][str(number)]["minutes"]
        assert 20 <= minutes <= 30
        assert 2 <= (minutes - sum(course.MINUTES.values())) / len(names) <= 5
