"""The course: every solution passes, every listed mistake gets its own words, nothing is lost, both languages agree."""

import contextlib
import functools
import io
import itertools
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pandas as pd
import pytest

import funnelnb as fn
from funnelnb.cli import main
from funnelnb.core.errors import OutputError, ParameterError, SourceError
from funnelnb.playbooks import library
from funnelnb.teach import course, pictures, progress, proofs
from funnelnb.teach.answers import as_choice, as_number
from funnelnb.teach.controls import board
from funnelnb.teach.exercises import EXERCISES, lessons, variant
from funnelnb.teach.formula import Formula, FormulaError
from funnelnb.teach.lesson import FOLDER, judge, question, texts
from funnelnb.teach.session import Session
from funnelnb.teach.variants import KINDS
from tests.show.test_glossary import banned

SEEDS = range(50)


@pytest.mark.parametrize("exercise", list(EXERCISES))
def test_solutions_pass_and_mistakes_get_their_own_words(exercise: str) -> None:
    for seed in SEEDS:
        for lang in ("en", "zh"):
            asked = question(exercise, seed, lang)
            made = asked.variant
            assert judge(asked, asked.right_answer()).right, (seed, asked)
            assert made.kind == "formula" or judge(asked, made.truth).right
            assert made.wrong
            for code, wrong in made.wrong.items():
                verdict = judge(asked, wrong)
                assert (verdict.right, verdict.code) == (False, code), (seed, asked)
                assert "{" not in verdict.text
                assert "@" not in verdict.text
            assert "{" not in asked.text + asked.solution + "".join(asked.hints)
            assert "@" not in repr(asked) + asked.solution + "".join(asked.hints)


@pytest.mark.parametrize("exercise", list(EXERCISES))
def test_a_class_cannot_copy(exercise: str) -> None:
    made = [variant(exercise, seed) for seed in SEEDS]
    assert len({str(one.values) for one in made}) >= 3
    if made[0].choices and exercise not in SAME_TRUTH:
        assert len({one.truth for one in made}) >= 2  # else the word could be passed on
    if made[0].kind == "chart":
        assert len({one.choices.index(one.truth) for one in made}) == 3  # the letter cannot


SAME_TRUTH = {"4.2", "4.4", "7.3", "7.4", "8.1", "8.2"}
"""Exercises whose point is one and the same; figures or places differ."""


def test_each_lesson_has_three_to_six_exercises_and_the_course_every_kind() -> None:
    assert list(lessons()) == list(range(1, 9))
    assert all(3 <= len(names) <= 6 for names in lessons().values())
    assert {variant(one, 1).kind for one in EXERCISES} == set(KINDS)


def test_every_mistake_in_the_words_is_one_that_can_be_made() -> None:
    for exercise in EXERCISES:
        codes = {code for seed in range(60) for code in variant(exercise, seed).wrong}
        said = set(texts("en")["exercise"][exercise]) - {"question", "hints", "solution"}
        assert codes == said, exercise


def test_truths_agree_with_a_count_by_hand() -> None:
    for seed in range(10):
        counts = [int(one.replace(",", "")) for one in variant("1.4", seed).values["counts"].split(" → ")]
        assert variant("1.4", seed).truth == pytest.approx([b / a for a, b in itertools.pairwise(counts)])
        one = variant("1.5", seed)
        names = (
            ", ".join([one.values["fair"], one.values["web"], one.values["crm"]]).lower().replace(" gmbh", "")
        )
        assert one.truth == len({name.strip() for name in names.split(",")})
        pairs = [deal.split(" / ") for deal in variant("3.4", seed).values["deals"].split("; ")]
        stages = [shown.strip("@") for _, shown in pairs]
        expected = [stages.count(stage) for stage in ("contact", "need", "proposal", "negotiation")]
        assert variant("3.4", seed).truth == tuple(expected)
    golden = variant("6.1", next(k for k in range(60) if variant("6.1", k).values["deals"] == "38"))
    assert golden.truth == 408  # DOMAIN E1
    bands = variant("6.5", next(k for k in range(60) if variant("6.5", k).values["orders"].startswith("61")))
    assert [round(100 * one, 1) for one in bands.truth] == [56.5, 27.8, 11.1, 4.6]  # DOMAIN E2


# ---- both languages ----------------------------------------------------------------------------------------

NUMBERS = re.compile(r"\d+(?:[.,]\d+)*")


def test_both_languages_have_the_same_parts_numbers_ids_and_placeholders() -> None:
    english, chinese = (
        tomllib.loads((FOLDER / f"{one}.toml").read_text(encoding="utf-8")) for one in ("en", "zh")
    )

    def same(one: str, other: str, place: str) -> None:
        for pattern in (r"\{(\w+)[^{}]*\}", r"`[^`]*`", r"\bfn\.[\w.]+|\b\w+\("):
            assert sorted(re.findall(pattern, one)) == sorted(re.findall(pattern, other)), place
        bare = [re.sub(r"\{[^{}]*\}", "", text) for text in (one, other)]
        figures = [
            {text.strip(",.") for text in NUMBERS.findall(re.sub(r"`[^`]*`", "", part))} for part in bare
        ]
        assert figures[0] == figures[1], place

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
            same(one, other, place)

    walk(english, chinese, "")


def strings(part: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Every string of the course with its place."""
    if isinstance(part, str):
        yield place, part
    elif isinstance(part, dict | list):
        for name, one in part.items() if isinstance(part, dict) else enumerate(part):
            yield from strings(one, f"{place}.{name}")


def test_the_words_keep_to_the_glossary() -> None:
    for lang in ("en", "zh"):
        for place, text in strings(texts(lang)):
            plain = re.sub(r"`[^`]*`|\{[^{}]*\}|\bfn\.[\w.]+", "", text)
            assert not banned(lang).search(plain), (lang, place, banned(lang).search(plain))


def test_chinese_words_hold_no_english_but_names_of_functions() -> None:
    allowed = re.compile(
        r"fn\.[\w.]+|`[^`]*`|“[A-Z][^”]*”|progress\.json|game\.json|MAN|Aalen-Johansen|Wilson|Python|JupyterLab|CRM|GmbH"
        r"|pictures|Tab|Shift|Enter|sum|mean|abs|zip|len|scipy[\w.()]*|forecasts|results|amounts|weights|days|usual"
        r"|for|in|App|[A-Dafnprdwx]\b"
    )
    for place, text in strings(texts("zh")):
        bare = allowed.sub("", re.sub(r"\{[^{}]*\}|@\w+", "", text))
        assert not re.search(r"[A-Za-z]{3,}", bare), (place, bare)


def test_every_name_in_the_words_exists() -> None:
    known = library()
    for lang in ("en", "zh"):
        for place, text in strings(texts(lang)):
            for name in re.findall(r"`fn\.([\w.]+)`", text):
                assert functools.reduce(getattr, name.split("."), fn), place
            for name in re.findall(r"`([a-z]+_[a-z]+)`", text):
                assert name in known, (place, name)


# ---- figures of the boxes ----------------------------------------------------------------------------------


def test_the_boxes_quote_figures_that_are_worked_out() -> None:
    kept = proofs.figures()["box"]
    for lesson, make in proofs.QUICK.items():
        assert dict(kept[lesson]) == make(), lesson
    assert kept["2"] == proofs.hours(proofs.figures()["policies"])
    for number in lessons():
        for lang in ("en", "zh"):
            text = course.wrong_box(number, lang)
            assert "{" not in text
            used = set(re.findall(r"\{(\w+)\}", texts(lang)["lesson"][str(number)]["wrong_box"]))
            assert used == set(kept[str(number)])


def test_a_few_floors_agree_with_the_kept_thousand() -> None:
    few, kept = proofs.policies(12), proofs.figures()["policies"]
    for name in ("largest_first", "value_first", "near_best"):
        assert few[name] == pytest.approx(kept[name], rel=0.2)
    assert few["margin"] > 0
    assert all(one > 0 for one in few["behind"].values())


# ---- answers as people write them --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("", "blank"), (None, "blank"), ("len(days", "unreadable"), ("days.mean()", ""), ("1/0", ""),
        ("mean", ""), ("dayz * 2", ""), ("__import__('os')", ""), ("9 ** 9 ** 9", ""), ("2 ^ 3", ""),
        ("days * 99999999", ""),
        (lambda days, usual: days[99], ""), (lambda: 1, ""),
    ],
)  # fmt: skip
def test_a_formula_that_cannot_be_used_is_told_in_a_sentence(answer: Any, code: str, tmp_path: Path) -> None:
    for lang in ("en", "zh"):
        session = Session(5, tmp_path / lang, lang)
        (tmp_path / lang).mkdir()
        verdict = session.check("5.4", answer)
        assert verdict.code == (code if code == "blank" else "raises")
        assert not verdict.counts
        assert "{" not in verdict.text
        assert "Traceback" not in verdict.text
        if answer and isinstance(answer, str):
            assert Session(5, tmp_path / lang, lang).progress.entered("5.4") == answer  # nothing is lost


def test_a_formula_may_be_a_function_or_be_written_as_people_do() -> None:
    asked = question("6.4", 1, "en")
    quota = float(asked.variant.values["quota"].replace(",", ""))
    assert judge(
        asked, lambda amounts, weights: sum(a * w for a, w in zip(amounts, weights, strict=True)) / quota
    ).right
    assert judge(asked, f"= sum（a × w for a, w in zip(amounts, weights)）÷ {quota:.0f}").right
    assert judge(asked, "1").code == "other"
    with pytest.raises(FormulaError):
        Formula(cases=({"x": 1},)).results("x.__class__")


def test_a_small_frame_is_read_in_every_form() -> None:
    asked = question("1.4", 2, "zh")
    truth = list(asked.variant.truth)
    named = dict(zip(asked.rows, truth, strict=True))
    forms = [
        truth, tuple(truth), named, dict(reversed(named.items())), pd.Series(truth), pd.Series(named),
        pd.DataFrame({"step": asked.rows, "rate": truth}), "；".join(f"{100 * one:.1f}％" for one in truth),
        "\n".join(map(str, truth)), np.array(truth), dict(zip(asked.variant.rows, truth, strict=True)),
    ]  # fmt: skip
    for one in forms:
        assert judge(asked, one).right, one
    assert judge(asked, [100 * one for one in truth]).code == "percent"
    for wrong in (truth[:-1], "1; 2", pd.DataFrame(), {"x": 1}, "a; b; c; d; e", [], [None] * 5):
        assert judge(asked, wrong).code in {"unreadable", "blank"}, wrong


def test_a_percentage_without_its_sign_is_told_apart() -> None:
    asked = question("4.1", 1, "en")
    assert judge(asked, round(100 * asked.variant.truth, 1)).code == "percent"


def test_charts_are_described_in_words_too() -> None:
    for exercise in ("4.4", "7.4"):
        asked = question(exercise, 1, "en")
        assert "Q5" in repr(asked)
    svg = question("7.4", 1, "zh").svg()
    assert svg.count("<svg") == 3
    assert svg.count("aria-label") >= 3
    assert "难做的客户" in svg


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
    kept = progress.read(tmp_path)
    assert kept.answers == {}  # no try
    assert bool(kept.drafts) == (verdict.code == "unreadable")  # but what was entered is not lost


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
    assert "1 of 5" in repr(again)
    assert "408" not in again.check("6.1", "").text
    assert again.check("6.1", "").text.startswith("Your last answer was")
    assert json.loads((tmp_path / progress.FILE).read_text())["answers"]["6.1"][0]["right"] is False


@pytest.mark.parametrize(
    ("content", "notice"),
    [("", "damaged"), ("{}", "damaged"), ("[1, 2]", "damaged"), ('{"progress": 2, "answers": {"1.1": 3}}', "damaged"),
     ('{"progress": 99, "answers": {}}', "newer"), ("\x00\xff", "damaged"),
     ('{"progress": 3, "answers": {}, "drafts": 3}', "damaged")],
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


class InThisProcess:
    """Runs a notebook's cells here, as a kernel would, but without starting one; `make verify` starts real ones."""

    def __init__(self, node: Any, timeout: int, resources: Any, extra_arguments: list[str]) -> None:
        self.node, self.folder = node, resources["metadata"]["path"]

    def execute(self) -> None:
        with contextlib.chdir(self.folder), contextlib.redirect_stdout(io.StringIO()):
            names: dict[str, Any] = {}
            for cell in self.node.cells:
                if cell.cell_type == "code" and not {"shown", "ask"} & set(cell.metadata["tags"]):
                    exec(cell.source, names)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_course_is_made_whole_and_its_solutions_pass(
    lang: str, tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "course"
    arguments = ["--lang", lang, "--seed", "7", "--learner", "安", "--floor", "3"]
    assert main(["course", str(folder), *arguments]) == 0
    assert f"funnelnb lab {folder}" in capsys.readouterr().out
    assert {"start.html", "course.json", "game.ipynb", "data"} < {one.name for one in folder.iterdir()}
    assert Session(1, folder).progress.learner == "安"
    for path in folder.glob("*.ipynb"):
        nbformat.validate(nbformat.read(path, as_version=4))
    for number in lessons():
        node = nbformat.read(folder / course.file_of(number), as_version=4)
        source = "\n".join(cell.source for cell in node.cells)
        assert "{" not in "".join(cell.source for cell in node.cells if cell.cell_type == "markdown")
        for exercise in lessons()[number]:
            assert question(exercise, 7, lang).solution not in source  # a learner's edition does not tell
    monkeypatch.setattr("nbclient.NotebookClient", InThisProcess)
    assert main(["course", str(folder), "--check"]) == 0
    assert not (folder / progress.FILE).exists()


def test_a_trainers_edition_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = pictures.draw
    monkeypatch.setattr(pictures, "draw", lambda folder, lang: drawn(folder, lang, only=6))
    folder = course.write(tmp_path / "guide", audience="trainer", seed=3)
    for number in lessons():
        node = nbformat.read(folder / course.file_of(number), as_version=4)
        source = "\n".join(cell.source for cell in node.cells)
        for exercise in lessons()[number]:
            assert question(exercise, 3, "en").right_answer() in source
        assert texts("en")["lesson"][str(number)]["points"] in source
        minutes = [float(one) for one in re.findall(r"[\d.]+\d|\d", course.timing(number, "zh"))]
        assert minutes[-1] == texts("en")["lesson"][str(number)]["minutes"]
    assert (folder / course.pictures_of(6)[0]).read_bytes().startswith(b"\x89PNG")


def test_check_says_what_is_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr("nbclient.NotebookClient", InThisProcess)
    folder = course.write(tmp_path / "course")
    path = folder / course.file_of(2)
    node = nbformat.read(path, as_version=4)
    node.cells = [one for one in node.cells if 'check("2.2"' not in one.source]
    nbformat.write(node, path)
    (folder / course.file_of(6)).write_text("{")
    (folder / course.GAME).unlink()
    monkeypatch.setattr(course, "lessons", lambda: {2: ("2.1", "2.2"), 6: ("6.1",)})
    assert main(["course", str(folder), "--check"]) == 1
    said = capsys.readouterr().out
    assert "lesson_2.ipynb: 2.2 is not solved" in said
    assert "lesson_6.ipynb: cannot be read" in said
    assert "game.ipynb: cannot be read" in said


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
    shown = tmp_path / "class.html"
    folders = [str(tmp_path / "ann"), str(tmp_path / "=1+1")]
    assert main(["course-results", *folders, "--page", str(shown), "--lang", "zh"]) == 0
    text = shown.read_text(encoding="utf-8")
    assert "全班作答情况" in text
    assert "1/5" in text
    assert list(course.done(table)["1"]) == ["1/5", "0/5"]
    assert "还没有人作答" in course.page(table.head(0), course.games([tmp_path]), "zh")
    with pytest.raises(SourceError, match=re.escape("progress.json")):
        course.results([tmp_path])


def test_controls_answer_and_remember(tmp_path: Path) -> None:
    session = Session(1, tmp_path, "en")
    _, field, buttons, said = board(session, "1.1").children
    field.value = "50 %"
    assert progress.read(tmp_path).entered("1.1") == "50 %"  # kept before it is checked
    buttons.children[0].click()
    assert session.progress.last("1.1") == "50 %"
    assert "last step" in said.value
    buttons.children[1].click()
    assert "Hint 1" in said.value
    again = board(Session(1, tmp_path, "en"), "1.1")
    assert again.children[1].value == "50 %"


def test_controls_of_choices_and_frames_come_back_filled(tmp_path: Path) -> None:
    session = Session(1, tmp_path, "zh")
    session.check("1.2", "b")
    assert board(session, "1.2").children[1].index == 1
    rows = board(session, "1.4").children[1].children
    assert [one.description for one in rows] == list(session.question("1.4").rows)
    for one, value in zip(rows, session.question("1.4").variant.truth, strict=True):
        one.value = f"{value:.4f}"
    again = board(Session(1, tmp_path, "zh"), "1.4")
    again.children[2].children[0].click()
    assert again.children[3].value.count("✓") == 1
    assert session.check("1.5", "<b>").text.count("<b>") == 0


def test_without_controls_the_question_is_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Any] = []
    monkeypatch.setattr("IPython.display.display", lambda one, **_: shown.append(one))
    session = Session(4, tmp_path, "en")
    session.ask("4.4")
    assert shown[0]["text/plain"] == repr(session.question("4.4"))
    assert "application/vnd.jupyter.widget-view+json" in shown[0]
