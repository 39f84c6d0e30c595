"""The course as a folder: eight notebooks, data, a start page; and what a class has done."""

from __future__ import annotations

import html
import json
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import pandas as pd

from funnelnb import __version__
from funnelnb.core import resources
from funnelnb.core.check import one_of
from funnelnb.core.errors import OutputError, SourceError
from funnelnb.core.options import language
from funnelnb.teach import game as played
from funnelnb.teach import progress as kept
from funnelnb.teach.exercises import EXERCISES, lessons
from funnelnb.teach.game import COLUMNS, Debrief, Game, compare
from funnelnb.teach.lesson import LANGS, question, texts
from funnelnb.teach.proofs import figures
from funnelnb.teach.session import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

GAME = "game.ipynb"
AUDIENCES = ("learner", "trainer")

SHOWN = {
    1: "fn.typed_funnel([100, 80, 40, 20, 10, 5])",
    2: 'book = fn.load("data")\nfn.customers.quadrant(book)',
    3: 'fn.playbook("seven_step")',
    4: 'book = fn.load("data")\nfn.conversion(book, by="segment")',
    5: 'book = fn.load("data")\nfn.stuck(book)',
    6: "fn.targets.reverse_funnel(wins=38, rates=[0.25, 0.5, 0.75])",
    7: 'book = fn.load("data")\nfn.six_properties(book)',
    8: "game = fn.teach.floor(seed=1)\ngame.promise(quota=600_000, forecast=500_000, low=300_000, high=700_000)\n"
    'game.decide(weeks=13, hours={"A": 0.5, "B": 0.2}, scoop=6, let_go=8)\ngame.results()',
}
"""What each lesson shows before it asks."""

MINUTES = {"case": 3, "look": 3, "box": 3, "summary": 2}
"""Minutes of a lesson besides its exercises."""


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
    trainer = audience == "trainer"
    cells: list[Any] = [
        _text(
            f"# {head}: {lesson['title']}\n\n*{course['minutes'].format(minutes=lesson['minutes'])}*\n\n"
            f"**{course['able_head']}**\n\n{able}"
        ),
        *([_text(f"**{course['timing_head']}**\n\n{timing(number, lang)}")] if trainer else []),
        _text(f"## {course['case_head']}\n\n{lesson['case']}"),
        _code(f"import funnelnb as fn\n\nlesson = fn.teach.lesson({number})\nlesson", "start"),
        _text(f"## {course['look_head']}\n\n{lesson['look']}"),
        _code(SHOWN[number], "shown"),
        _text(f"## {course['exercises_head']}\n\n{course['answer_here']}"),
    ]
    for exercise in lessons()[number]:
        cells += [
            _code(f'lesson.ask("{exercise}")', "ask"),
            _code(f'lesson.check("{exercise}", "")', "answer"),
        ]
        if trainer:
            cells.append(_text(solved(exercise, seed, lang)))
    cells += [
        _text(f"## {course['wrong_head']}\n\n> {wrong_box(number, lang)}"),
        _text(
            f"## {course['summary_head']}\n\n{lesson['summary']}\n\n**{course['reading_head']}**\n\n{lesson['reading']}"
        ),
    ]
    if trainer:
        shown = "\n\n".join(
            f"{course['picture_of'].format(file=one)}\n\n![{lesson['title']}]({one})"
            for one in pictures_of(number)
        )
        cells.append(_text(f"## {course['points_head']}\n\n{lesson['points']}\n\n{shown}"))
    return _notebook(cells, f"lesson{number}")


def _notebook(cells: list[Any], name: str) -> nbformat.NotebookNode:
    for place, cell in enumerate(cells):
        cell["id"] = f"{name}-{place}"
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})


def game_notebook(lang: str) -> nbformat.NotebookNode:
    """Return the notebook of the game, without outputs; it only calls."""
    game = texts(lang)["game"]
    cells = [
        _text(f"# {game['title']}\n\n{game['task']}\n\n{game['how']}"),
        _code("import funnelnb as fn\n\nboard = fn.teach.play()\nboard", "play"),
        _text(f"## {game['code_head']}\n\n{game['code']}"),
        _code("board.game", "where"),
    ]
    return _notebook(cells, "game")


def wrong_box(number: int, lang: str) -> str:
    """Return what people get wrong in a lesson, with the figures that prove it."""
    box: str = texts(lang)["lesson"][str(number)]["wrong_box"]
    return box.format_map(figures()["box"][str(number)])


def timing(number: int, lang: str) -> str:
    """Return how the minutes of a lesson are spent: fixed parts, and the rest for the exercises."""
    minutes, n = int(texts(lang)["lesson"][str(number)]["minutes"]), len(lessons()[number])
    exercises = minutes - sum(MINUTES.values())
    text: str = texts(lang)["course"]["timing"]
    return text.format(
        **MINUTES, n=n, exercises=exercises, each=f"{exercises / n:.1f}".removesuffix(".0"), minutes=minutes
    )


def solved(exercise: str, seed: int, lang: str) -> str:
    """Return a line with the right answer and the solution, as the trainer's edition and guide have it."""
    asked = question(exercise, seed, lang)
    return f"> {exercise}: **`{asked.right_answer()}`** {asked.solution}"


def pictures_of(number: int) -> list[str]:
    """Return the names of the pictures of a lesson, within the course folder."""
    from funnelnb.teach import pictures

    names = pictures.PICTURES[number]
    return [f"{pictures.FOLDER}/{pictures.file_name(number, one)}" for one in names]


def _text(source: str) -> Any:
    return nbformat.v4.new_markdown_cell(source)


def _code(source: str, tag: str) -> Any:
    return nbformat.v4.new_code_cell(source, metadata={"tags": [tag]})


def file_of(number: int) -> str:
    """Return the file name of a lesson's notebook."""
    return f"lesson_{number}.ipynb"


def write(
    folder: str | Path,
    *,
    lang: str = "en",
    seed: int = 1,
    audience: str = "learner",
    learner: str = "",
    floor: int = 1,
) -> Path:
    """Make a course folder.

    Parameters
    ----------
    folder : str or pathlib.Path
        A new name, or an empty folder.
    lang : {"en", "zh"}
    seed : int
        Each seed has figures of its own, so that a class does not copy.
    audience : {"learner", "trainer"}
    learner : str
        Whose folder it is, for the class list.
    floor : int
        Seed of the game: the same for a whole class.

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
            settings = {"lang": lang, "seed": seed, "audience": audience, "learner": learner, "floor": floor}
            _fill(part, settings)
            if target.is_dir():
                target.rmdir()
            part.rename(target)
    except OSError as error:
        raise OutputError(
            f"{target} cannot be written ({error.strerror or error})",
            expected="a folder that can be written to",
        ) from None
    return target


def _fill(folder: Path, settings: dict[str, Any]) -> None:
    lang, audience = settings["lang"], settings["audience"]
    for number in lessons():
        node = notebook(number, lang, audience=audience, seed=settings["seed"])
        nbformat.write(node, folder / file_of(number))
    nbformat.write(game_notebook(lang), folder / GAME)
    shutil.copytree(resources.sample_folder(), folder / "data")
    document = json.dumps({"course": __version__, **settings}, ensure_ascii=False)
    (folder / SETTINGS).write_text(document + "\n", encoding="utf-8")
    (folder / "start.html").write_text(_start(lang, audience), encoding="utf-8")
    if audience == "trainer":
        from funnelnb.teach import pictures  # loads what it draws with

        pictures.draw(folder, lang)


def _start(lang: str, audience: str) -> str:
    course, every = texts(lang)["course"], texts(lang)["lesson"]
    rows = "\n".join(
        f'<li><a href="{file_of(number)}">{html.escape(every[str(number)]["title"])}</a> '
        f"({course['minutes'].format(minutes=every[str(number)]['minutes'])})</li>"
        for number in lessons()
    )
    more = [course["start"], course["how"], *([course["trainer"]] if audience == "trainer" else [])]
    body = "".join(f"<p>{html.escape(one)}</p>" for one in more)
    game = f'<p><a href="{GAME}">{html.escape(course["game"])}</a></p>'
    return _page(lang, course["title"], f"{body}<ol>{rows}</ol>{game}")


def _page(lang: str, title: str, body: str) -> str:
    return (
        f'<!doctype html>\n<html lang="{lang}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title>"
        "<style>body{font:1rem/1.6 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
        "table{border-collapse:collapse;display:block;overflow-x:auto}td,th{padding:.2rem .6rem;text-align:left;"
        "border-bottom:1px solid #8886}"
        "@media(prefers-color-scheme:dark){body{background:#111;color:#eee}a{color:#8cf}}</style></head>"
        f"<body><h1>{html.escape(title)}</h1>{body}</body></html>\n"
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
        shutil.copytree(source, work, ignore=shutil.ignore_patterns(kept.FILE, played.FILE))
        for number in lessons():
            wrong += _run(work, number, lang, seed)
        wrong += _runs(work / GAME)[1]
    return tuple(wrong)


def _run(folder: Path, number: int, lang: str, seed: int) -> list[str]:
    path = folder / file_of(number)
    answers = {
        f'lesson.check("{one}", "")': f'lesson.check("{one}", {question(one, seed, lang).right_answer()!r})'
        for one in lessons()[number]
    }
    ran, wrong = _runs(path, answers)
    if not ran:
        return wrong
    known = kept.read(folder)
    return [f"{path.name}: {one} is not solved" for one in lessons()[number] if not known.solved(one)]


def _runs(path: Path, instead: Mapping[str, str] | None = None) -> tuple[bool, list[str]]:
    """Run a notebook with some of its cells replaced; returns whether it ran to its end, and what was wrong."""
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    try:
        node = nbformat.read(path, as_version=4)
    except Exception as error:  # whatever a damaged file makes nbformat raise
        return False, [f"{path.name}: cannot be read ({type(error).__name__})"]
    for cell in node.cells:
        if cell.cell_type == "code":
            cell.source = (instead or {}).get(cell.source.strip(), cell.source)
    try:
        NotebookClient(
            node,
            timeout=300,
            resources={"metadata": {"path": str(path.parent)}},
            extra_arguments=["--IPKernelApp.log_level=ERROR"],  # its words are not for a trainer
        ).execute()
    except CellExecutionError as error:
        return False, [f"{path.name}: {error.ename}: {error.evalue}"]
    return True, []


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


def games(folders: Sequence[str | Path]) -> pd.DataFrame:
    """How did the class run its floors? Every finished game of these folders, players of one seed side by side.

    Parameters
    ----------
    folders : sequence of str or pathlib.Path
        Course folders (or saved games).

    Returns
    -------
    pandas.DataFrame
        seed and the columns of :func:`~funnelnb.teach.game.compare`, the most skilful of each seed first; folders
        without a finished game are left out.
    """
    from funnelnb.show.pages.export import safe_text

    told: dict[int, list[Debrief]] = {}
    for one in folders:
        path = Path(one).expanduser()
        path = path if path.suffix == ".json" and path.name != kept.FILE else path / played.FILE
        if not path.is_file():
            continue
        game = Game.read(path)
        if game.over:
            found = replace(game.debrief(), player=safe_text(game.player or path.resolve().parent.name))
            told.setdefault(game.seed, []).append(found)
    tables = [compare(each).assign(seed=seed) for seed, each in sorted(told.items())]
    columns = ["seed", *COLUMNS]
    return pd.concat(tables, ignore_index=True)[columns] if tables else pd.DataFrame(columns=columns)


def page(table: pd.DataFrame, finished: pd.DataFrame, lang: str | None = None) -> str:
    """Return what a class has done as one page: by learner and lesson, the hardest exercises, the games.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`results`.
    finished : pandas.DataFrame
        From :func:`games`; may be empty.
    lang : {"en", "zh"}, optional
        None: the package option.
    """
    lang = language(lang)
    course = texts(lang)["course"]
    if table.empty and finished.empty:
        return _page(lang, course["class_title"], f"<p>{html.escape(course['class_none'])}</p>")
    parts = [("class_hardest", hardest(table)), ("class_done", done(table)), ("class_game", finished)]
    body = "".join(
        f"<h2>{html.escape(course[name])}</h2>{_table(one, course)}" for name, one in parts if not one.empty
    )
    return _page(lang, course["class_title"], body)


def done(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row per learner: how many exercises of each lesson are solved, such as ``"3/5"``."""
    if table.empty:
        return pd.DataFrame()
    solved = table.groupby(["learner", "lesson"])["solved"].sum().unstack(fill_value=0)
    found = pd.DataFrame({"learner": solved.index})
    for number, names in lessons().items():
        solved_n = solved[number].to_numpy() if number in solved else [0] * len(solved)
        found[str(number)] = [f"{one}/{len(names)}" for one in solved_n]
    return found


def _table(frame: pd.DataFrame, course: Mapping[str, Any]) -> str:
    shown = frame.copy()
    for name in {"won_amount", "usually", "luck"} & set(shown.columns):
        shown[name] = [f"{one:,.0f}" for one in shown[name]]
    for name in {"skill", "forecast_error"} & set(shown.columns):
        shown[name] = ["" if pd.isna(one) else f"{one:.0%}" for one in shown[name]]
    shown.columns = [course["class_columns"].get(str(one), str(one)) for one in shown.columns]
    return str(shown.to_html(index=False, border=0))
