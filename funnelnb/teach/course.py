"""The course as a folder: eight notebooks, data, a start page; and what a class has done."""

from __future__ import annotations

import html
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd

from funnelnb import __version__
from funnelnb.core import resources
from funnelnb.core.check import one_of
from funnelnb.core.errors import OutputError, SourceError
from funnelnb.teach import progress as kept
from funnelnb.teach.exercises import EXERCISES, lessons
from funnelnb.teach.lesson import LANGS, question, texts
from funnelnb.teach.session import SETTINGS

AUDIENCES = ("learner", "trainer")

SHOWN = {
    1: "fn.typed_funnel([100, 80, 40, 20, 10, 5])",
    2: 'book = fn.load("data")\nfn.quadrant(book)',
    3: 'fn.playbook("seven_step")',
    4: 'book = fn.load("data")\nfn.conversion(book, by="segment")',
    5: 'book = fn.load("data")\nfn.stuck(book)',
    6: "fn.targets.reverse_funnel(wins=38, rates=[0.25, 0.5, 0.75])",
    7: 'book = fn.load("data")\nfn.six_properties(book)',
    8: "game = fn.teach.floor(seed=1)\ngame.promise(quota=600_000, forecast=500_000, low=300_000, high=700_000)\n"
    'game.decide(weeks=13, hours={"A": 0.5, "B": 0.2}, scoop=6, let_go=8)\ngame.results()',
}
"""What each lesson shows before it asks."""


def notebook(number: int, lang: str, *, audience: str = "learner", seed: int = 1) -> nbformat.NotebookNode:
    """Return the notebook of a lesson, without outputs.

    Parameters
    ----------
    number : int
        1 to 8.
    lang : {"en", "zh"}
    audience : {"learner", "trainer"}
        A trainer's edition has talking points and solutions.
    seed : int
        Whose figures the solutions are about.
    """
    course, lesson = texts(lang)["course"], texts(lang)["lesson"][str(number)]
    head = course["lesson"].format(number=number)
    able = "\n".join(f"- {one}" for one in lesson["able"])
    cells: list[Any] = [
        _text(
            f"# {head}: {lesson['title']}\n\n*{course['minutes'].format(minutes=lesson['minutes'])}*\n\n"
            f"**{course['able_head']}**\n\n{able}"
        ),
        _text(f"## {course['case_head']}\n\n{lesson['case']}"),
        _code(f"import funnelnb as fn\n\nlesson = fn.teach.lesson({number})\nlesson", "start"),
        _code(SHOWN[number], "shown"),
        _text(f"## {course['exercises_head']}\n\n{course['answer_here']}"),
    ]
    for exercise in lessons()[number]:
        cells += [
            _code(f'lesson.ask("{exercise}")', "ask"),
            _code(f'lesson.check("{exercise}", "")', "answer"),
        ]
        if audience == "trainer":
            asked = question(exercise, seed, lang)
            cells.append(_text(f"> {exercise}: **{asked.right_answer()}**. {asked.solution}"))
    cells += [
        _text(f"## {course['wrong_head']}\n\n> {lesson['wrong_box']}"),
        _text(
            f"## {course['summary_head']}\n\n{lesson['summary']}\n\n**{course['reading_head']}**\n\n{lesson['reading']}"
        ),
    ]
    if audience == "trainer":
        cells.append(_text(f"## {course['points_head']}\n\n{lesson['points']}"))
    for place, cell in enumerate(cells):
        cell["id"] = f"lesson{number}-{place}"
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})


def _text(source: str) -> Any:
    return nbformat.v4.new_markdown_cell(source)


def _code(source: str, tag: str) -> Any:
    return nbformat.v4.new_code_cell(source, metadata={"tags": [tag]})


def file_of(number: int) -> str:
    """Return the file name of a lesson's notebook."""
    return f"lesson_{number}.ipynb"


def write(folder: str | Path, *, lang: str = "en", seed: int = 1, audience: str = "learner") -> Path:
    """Make a course folder.

    Parameters
    ----------
    folder : str or pathlib.Path
        A new name, or an empty folder.
    lang : {"en", "zh"}
    seed : int
        Each seed has figures of its own, so that a class does not copy.
    audience : {"learner", "trainer"}

    Returns
    -------
    pathlib.Path

    Raises
    ------
    OutputError
        The folder holds something already, or cannot be written to. Nothing is left half-made.
    """
    target = Path(folder).expanduser().absolute()
    one_of("lang", lang, LANGS)
    one_of("audience", audience, AUDIENCES)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise OutputError(f"{target} holds something already", expected="a new name, or an empty folder")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".funnelnb-") as made:
            part = Path(made) / "course"
            part.mkdir()
            _fill(part, lang, seed, audience)
            if target.is_dir():
                target.rmdir()
            part.rename(target)
    except OSError as error:
        raise OutputError(
            f"{target} cannot be written ({error.strerror or error})",
            expected="a folder that can be written to",
        ) from None
    return target


def _fill(folder: Path, lang: str, seed: int, audience: str) -> None:
    for number in lessons():
        node = notebook(number, lang, audience=audience, seed=seed)
        nbformat.write(node, folder / file_of(number))
    shutil.copytree(resources.sample_folder(), folder / "data")
    settings = {"course": __version__, "lang": lang, "seed": seed, "audience": audience}
    (folder / SETTINGS).write_text(json.dumps(settings) + "\n", encoding="utf-8")
    (folder / "start.html").write_text(_start(lang), encoding="utf-8")


def _start(lang: str) -> str:
    course, every = texts(lang)["course"], texts(lang)["lesson"]
    rows = "\n".join(
        f'<li><a href="{file_of(number)}">{html.escape(every[str(number)]["title"])}</a> '
        f"({course['minutes'].format(minutes=every[str(number)]['minutes'])})</li>"
        for number in lessons()
    )
    return (
        f'<!doctype html>\n<html lang="{lang}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(course['title'])}</title>"
        "<style>body{font:1rem/1.6 system-ui,sans-serif;max-width:40rem;margin:2rem auto;padding:0 1rem}"
        "@media(prefers-color-scheme:dark){body{background:#111;color:#eee}a{color:#8cf}}</style></head>"
        f"<body><h1>{html.escape(course['title'])}</h1><p>{html.escape(course['start'])}</p><ol>{rows}</ol>"
        "</body></html>\n"
    )


# ---- is the course whole? ----------------------------------------------------------------------------------


def broken(folder: str | Path) -> tuple[str, ...]:
    """Run all lessons with the solutions; return a line for each thing that is wrong.

    The folder itself and the learner's answers stay as they are.

    Raises
    ------
    SourceError
        There is no course in the folder.
    """
    source = Path(folder).expanduser()
    try:
        settings = json.loads((source / SETTINGS).read_text(encoding="utf-8"))
        lang, seed = one_of("lang", settings["lang"], LANGS), int(settings["seed"])
    except (OSError, ValueError, KeyError, TypeError):
        raise SourceError(
            f"{source} is no course folder", expected="a folder made by `funnelnb course DIR`"
        ) from None
    wrong: list[str] = []
    with tempfile.TemporaryDirectory(prefix="funnelnb-") as copy:
        work = Path(copy) / "course"
        shutil.copytree(source, work, ignore=shutil.ignore_patterns(kept.FILE))
        for number in lessons():
            wrong += _run(work, number, lang, seed)
    return tuple(wrong)


def _run(folder: Path, number: int, lang: str, seed: int) -> list[str]:
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    path = folder / file_of(number)
    try:
        node = nbformat.read(path, as_version=4)
    except Exception as error:  # whatever a damaged file makes nbformat raise
        return [f"{path.name}: cannot be read ({type(error).__name__})"]
    for exercise in lessons()[number]:
        blank = f'lesson.check("{exercise}", "")'
        answer = question(exercise, seed, lang).right_answer()
        cell = next(
            (one for one in node.cells if one.cell_type == "code" and one.source.strip() == blank), None
        )
        if cell is not None:
            cell.source = f'lesson.check("{exercise}", {answer!r})'
    try:
        NotebookClient(node, timeout=300, resources={"metadata": {"path": str(folder)}}).execute()
    except CellExecutionError as error:
        return [f"{path.name}: {error.ename}: {error.evalue}"]
    known = kept.read(folder)
    return [f"{path.name}: {one} is not solved" for one in lessons()[number] if not known.solved(one)]


# ---- the class ---------------------------------------------------------------------------------------------


def results(folders: list[str | Path]) -> pd.DataFrame:
    """Who has done what, and which exercise is failed most?

    Parameters
    ----------
    folders : list of str or pathlib.Path
        Course folders (or progress files) of the class.

    Returns
    -------
    pandas.DataFrame
        One row per learner and exercise that was tried: learner, lesson, exercise, tries_n, solved, first_wrong (name
        of the first misconception), last_at. Formulas in names are made harmless.

    Raises
    ------
    SourceError
        A folder has no progress file.
    """
    rows = []
    for one in folders:
        path = Path(one).expanduser()
        folder = path.parent if path.name == kept.FILE else path
        if not (folder / kept.FILE).is_file():
            raise SourceError(
                f"{folder} has no {kept.FILE}", expected="folders in which lessons were answered"
            )
        known = kept.read(folder)
        for exercise in EXERCISES:
            tries = known.answers.get(exercise, [])
            if tries:
                rows.append(_row(known.learner or folder.resolve().name, exercise, tries))
    columns = ["learner", "lesson", "exercise", "tries_n", "solved", "first_wrong", "last_at"]
    return pd.DataFrame(rows, columns=columns)


def _row(learner: str, exercise: str, tries: list[dict[str, Any]]) -> dict[str, Any]:
    from funnelnb.show.pages.export import safe_text

    return {
        "learner": safe_text(learner),
        "lesson": int(exercise.partition(".")[0]),
        "exercise": exercise,
        "tries_n": len(tries),
        "solved": any(one["right"] for one in tries),
        "first_wrong": next((one["code"] for one in tries if not one["right"]), ""),
        "last_at": tries[-1]["at"],
    }


def hardest(table: pd.DataFrame) -> pd.DataFrame:
    """Return the exercises by how many of those who tried them failed at first, the hardest first."""
    found = table.groupby("exercise", as_index=False).agg(
        learners_n=("learner", "nunique"), failed_first_n=("first_wrong", lambda one: int((one != "").sum())),
        solved_n=("solved", "sum"),
    )  # fmt: skip
    return found.sort_values(["failed_first_n", "exercise"], ascending=[False, True], ignore_index=True)
