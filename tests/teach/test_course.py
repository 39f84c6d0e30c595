"""The course: every solution passes, every listed mistake gets its own words, nothing is lost, both languages agree."""

import json
import re
import string
import tomllib
from pathlib import Path
from typing import Any

import nbformat
import pytest

import funnelnb as fn
from funnelnb.cli import main
from funnelnb.core.errors import OutputError, ParameterError, SourceError
from funnelnb.teach import course, progress
from funnelnb.teach.answers import as_choice, as_number
from funnelnb.teach.exercises import EXERCISES, lessons, variant
from funnelnb.teach.lesson import FOLDER, judge, question, texts
from funnelnb.teach.session import Session

SEEDS = range(50)


@pytest.mark.parametrize("exercise", list(EXERCISES))
def test_solutions_pass_and_mistakes_get_their_own_words(exercise: str) -> None:
    for seed in SEEDS:
        for lang in ("en", "zh"):
            asked = question(exercise, seed, lang)
            assert judge(asked, asked.right_answer()).right, (seed, asked)
            assert judge(asked, asked.variant.truth).right
            for code, wrong in asked.variant.wrong.items():
                verdict = judge(asked, wrong)
                assert (verdict.right, verdict.code) == (False, code), (seed, asked)
                assert "{" not in verdict.text
            assert "{" not in asked.text + asked.solution + "".join(asked.hints)
            assert "@" not in asked.text


@pytest.mark.parametrize("exercise", list(EXERCISES))
def test_a_class_cannot_copy_and_every_variant_has_a_listed_mistake(exercise: str) -> None:
    made = [variant(exercise, seed) for seed in SEEDS]
    assert len({str(one.values) for one in made}) >= 3
    assert all(one.wrong for one in made)
    if made[0].choices and exercise not in {"4.2", "7.3", "8.1", "8.2"}:
        assert len({one.truth for one in made}) >= 2  # else the letter could be passed on


def test_every_mistake_in_the_words_is_one_that_can_be_made() -> None:
    for exercise in EXERCISES:
        codes = {code for seed in range(300) for code in variant(exercise, seed).wrong}
        said = set(texts("en")["exercise"][exercise]) - {"question", "hints", "solution"}
        assert codes == said, exercise


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_have_the_same_parts_numbers_and_placeholders() -> None:
    english, chinese = (
        tomllib.loads((FOLDER / f"{one}.toml").read_text(encoding="utf-8")) for one in ("en", "zh")
    )

    def walk(one: Any, other: Any, place: str) -> None:
        assert type(one) is type(other), place
        if isinstance(one, dict):
            assert list(one) == list(other), place
            for name in one:
                walk(one[name], other[name], f"{place}.{name}")
        elif isinstance(one, list):
            assert len(one) == len(other), place
            for k, (a, b) in enumerate(zip(one, other, strict=True)):
                walk(a, b, f"{place}.{k}")
        elif isinstance(one, str):
            names = [
                sorted({name for _, name, _, _ in string.Formatter().parse(text) if name})
                for text in (one, other)
            ]
            assert names[0] == names[1], place

    walk(english, chinese, "")
    for number in lessons():
        parts = [english["lesson"][str(number)]["wrong_box"], chinese["lesson"][str(number)]["wrong_box"]]
        figures = [sorted(re.findall(r"\d+(?:\.\d+)?(?: ?%)?", part.replace(" ", ""))) for part in parts]
        assert figures[0] == figures[1], number


def test_chinese_words_hold_no_english_but_names_of_functions() -> None:
    allowed = re.compile(
        r"fn\.[\w.]+|funnelnb[\w ]*|seven_step|scipy[\w.()]*|progress\.json|MAN|Aalen|Johansen|DH|[A-DMNnp]\b"
    )
    text = (FOLDER / "zh.toml").read_text(encoding="utf-8")
    for line in re.findall(r'"([^"]*[\u4e00-\u9fff][^"]*)"', text):
        bare = allowed.sub("", re.sub(r"\{\w+\}|@\w+", "", line))
        assert not re.search(r"[A-Za-z]{3,}", bare), line


@pytest.mark.parametrize(
    ("answer", "value"),
    [("45 %", 0.45), ("0,45", 0.45), ("1,200", 1200), ("2.5万", 25_000), ("\uff11\uff12", 12), ("¥ 300", 300),
     ("1.200,5", 1200.5), (38, 38), ("1 200", 1200), ("3k", 3000), ("-4", -4)],
)  # fmt: skip
def test_numbers_are_read_as_people_write_them(answer: Any, value: float) -> None:
    assert as_number(answer) == pytest.approx(value)


NO_NUMBERS = [
    "",
    "  ",
    None,
    "abc",
    "1.2.3",
    "=1+1",
    float("nan"),
    True,
    [1],
    "__import__('os')",
    "9" * 5000 + "x",
]


@pytest.mark.parametrize("answer", NO_NUMBERS)
def test_what_is_no_number_is_a_friendly_sentence_and_not_kept(answer: Any, tmp_path: Path) -> None:
    session = Session(6, tmp_path, "en")
    verdict = session.check("6.1", answer)
    assert verdict.code in {"blank", "unreadable"}
    assert "number" in verdict.text
    assert not (tmp_path / progress.FILE).exists()


def test_a_choice_is_a_letter_a_place_or_words() -> None:
    asked = question("3.2", 1, "zh")
    for one in ("b", "B)", "2", 2, asked.choices[1]):
        assert judge(asked, one).code != "unreadable"
    with pytest.raises(ParameterError):
        as_choice("e", ("one", "two"))


def test_answers_outlive_the_kernel(tmp_path: Path) -> None:
    first = Session(6, tmp_path, "en")
    assert not first.check("6.1", 1).right
    assert first.check("6.1", first.question("6.1").variant.truth).right
    again = Session(6, tmp_path, "en")
    assert again.progress.solved("6.1")
    assert "1 of 3" in repr(again)
    assert json.loads((tmp_path / progress.FILE).read_text())["answers"]["6.1"][0]["right"] is False


@pytest.mark.parametrize(
    ("content", "notice"),
    [("", "damaged"), ("{}", "damaged"), ("[1, 2]", "damaged"), ('{"progress": 2, "answers": {"1.1": 3}}', "damaged"),
     ('{"progress": 99, "answers": {}}', "newer"), ("\x00\xff", "damaged")],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_kept_and_told(tmp_path: Path, content: str, notice: str) -> None:
    path = tmp_path / progress.FILE
    path.write_bytes(content.encode("latin-1"))
    session = Session(1, tmp_path, "en")
    assert session.progress.notice == notice
    assert (tmp_path / session.progress.aside).read_bytes() == content.encode("latin-1")
    assert session.progress.aside in repr(session)
    session.check("1.1", 0.5)
    assert progress.read(tmp_path).answers["1.1"]


def test_an_older_file_is_taken_over(tmp_path: Path) -> None:
    old = {"progress": 1, "learner": "Ann", "seed": 4, "answers": {"1.1": {"answer": "5 %", "right": True}}}
    (tmp_path / progress.FILE).write_text(json.dumps(old))
    found = progress.read(tmp_path)
    assert (found.solved("1.1"), found.learner, found.seed) == (True, "Ann", 4)


def test_hints_come_in_steps(tmp_path: Path) -> None:
    session = Session(1, tmp_path, "en")
    said = [session.hint("1.1") for _ in range(3)]
    assert said[0].startswith("Hint 1")
    assert said[1].startswith("Hint 2")
    assert said[2] == session.words["no_more_hints"]
    assert session.question("1.1").solution in session.solution("1.1")


# ---- the folder -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_course_is_made_whole_and_its_solutions_pass(
    lang: str, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    folder = tmp_path / "course"
    assert main(["course", str(folder), "--lang", lang, "--seed", "7"]) == 0
    assert {"start.html", "course.json", "data"} < {one.name for one in folder.iterdir()}
    for number in lessons():
        node = nbformat.read(folder / course.file_of(number), as_version=4)
        nbformat.validate(node)
        source = "\n".join(cell.source for cell in node.cells)
        for exercise in lessons()[number]:
            assert question(exercise, 7, lang).solution not in source  # a learner's edition does not tell
    assert course._run(folder, 1, lang, 7) == []
    (folder / progress.FILE).unlink()
    assert f"funnelnb lab {folder}" in capsys.readouterr().out


def test_a_trainers_edition_tells(tmp_path: Path) -> None:
    folder = course.write(tmp_path / "guide", audience="trainer", seed=3)
    node = nbformat.read(folder / course.file_of(6), as_version=4)
    source = "\n".join(cell.source for cell in node.cells)
    assert question("6.1", 3, "en").right_answer() in source
    assert texts("en")["lesson"]["6"]["points"] in source


def test_check_says_what_is_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    folder = course.write(tmp_path / "course")
    path = folder / course.file_of(2)
    node = nbformat.read(path, as_version=4)
    node.cells = [one for one in node.cells if 'check("2.2"' not in one.source]
    nbformat.write(node, path)
    (folder / course.file_of(6)).write_text("{")
    monkeypatch.setattr(course, "lessons", lambda: {2: ("2.1", "2.2"), 6: ("6.1",)})
    assert main(["course", str(folder), "--check"]) == 1
    said = capsys.readouterr().out
    assert "lesson_2.ipynb: 2.2 is not solved" in said
    assert "lesson_6.ipynb: cannot be read" in said


def test_a_folder_that_holds_something_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(OutputError, match="holds something"):
        course.write(tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == ["mine.txt"]
    with pytest.raises(SourceError, match="no course folder"):
        course.broken(tmp_path)


def test_a_class_is_gathered(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    for name, answer in (("ann", 0.5), ("=1+1", 0.05)):
        folder = tmp_path / name
        folder.mkdir()
        session = Session(1, folder, "en")
        session.check("1.1", answer)
    table = fn.teach.results([tmp_path / "ann", tmp_path / "=1+1" / progress.FILE])
    assert list(table["solved"]) == [False, True]
    assert table["first_wrong"][0] == "last_step"
    assert table["learner"][1] == "'=1+1"
    assert fn.teach.hardest(table)["failed_first_n"][0] == 1
    out = tmp_path / "class.csv"
    assert main(["course-results", str(tmp_path / "ann"), "--out", str(out)]) == 0
    assert "last_step" in out.read_text()
    with pytest.raises(SourceError, match=re.escape("progress.json")):
        course.results([tmp_path])


def test_controls_answer_and_remember(tmp_path: Path) -> None:
    from funnelnb.teach.controls import board

    session = Session(1, tmp_path, "en")
    box = board(session, "1.1")
    _, field, buttons, said = box.children
    field.value = "50 %"
    buttons.children[0].click()
    assert session.progress.last("1.1") == "50 %"
    assert "last step" in said.value
    buttons.children[1].click()
    assert "Hint 1" in said.value
    again = board(Session(1, tmp_path, "en"), "1.1")
    assert again.children[1].value == "50 %"
