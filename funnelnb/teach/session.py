"""A lesson in progress: questions, answers, hints and solutions, kept beside the notebook."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from funnelnb.core.options import language
from funnelnb.teach import progress as kept
from funnelnb.teach.exercises import lessons
from funnelnb.teach.lesson import Question, Verdict, exercises_of, judge, question, texts

SETTINGS = "course.json"


class Session:
    """One lesson of one learner.

    Parameters
    ----------
    number : int
        1 to 8.
    folder : str or pathlib.Path
        Course folder; what is answered is kept there.
    lang : {"en", "zh"}, optional
        None: that of the course folder.
    """

    def __init__(self, number: int, folder: str | Path = ".", lang: str | None = None) -> None:
        settings = settings_of(Path(folder))
        self.number = number
        self.exercises = exercises_of(number)
        self.lang = language(lang or settings.get("lang"))
        self.progress = kept.read(folder, str(settings.get("learner", "")), seed=int(settings.get("seed", 1)))
        self._hints: dict[str, int] = {}

    @property
    def words(self) -> Any:
        """Words around the exercises."""
        return texts(self.lang)["course"]

    def question(self, exercise: str) -> Question:
        """Return an exercise with this learner's figures."""
        return question(str(exercise), self.progress.seed, self.lang)

    def ask(self, exercise: str) -> None:
        """Show an exercise with controls to answer it; where there are none, the question as text."""
        from IPython.display import display

        from funnelnb.teach.controls import board

        bundle = board(self, str(exercise))._repr_mimebundle_()
        bundle["text/plain"] = repr(self.question(exercise))
        display(bundle, raw=True)

    def check(self, exercise: str, answer: Any = "") -> Verdict:
        """Say whether an answer is right, and keep it.

        Parameters
        ----------
        exercise : str
            Such as ``"1.1"``.
        answer : object
            What cannot be read is kept as entered, and does not count as a try. Blank: what was
            said to the last answer.
        """
        asked = self.question(exercise)
        verdict = judge(asked, answer)
        if verdict.counts:
            self.progress.add(asked.exercise, as_written(answer), right=verdict.right, code=verdict.code)
        elif verdict.code != "blank":
            self.progress.draft(asked.exercise, as_written(answer))
        elif earlier := self.progress.entered(asked.exercise):
            text = f"{self.words['earlier'].format(answer=earlier)} {judge(asked, earlier).text}"
            return Verdict(right=False, code="blank", text=text)
        return verdict

    def hint(self, exercise: str) -> str:
        """Return the next hint."""
        hints, place = self.question(exercise).hints, self._hints.get(exercise, 0)
        if place >= len(hints):
            return str(self.words["no_more_hints"])
        self._hints[exercise] = place + 1
        return str(self.words["hint"].format(number=place + 1, text=hints[place]))

    def solution(self, exercise: str) -> str:
        """Return the solution in words."""
        return str(self.words["solution"].format(text=self.question(exercise).solution))

    def __repr__(self) -> str:
        lines = [self._notice()] if self.progress.notice else []
        solved = [one for one in self.exercises if self.progress.solved(one)]
        lines.append(self.words["progress"].format(solved_n=len(solved), n=len(self.exercises)))
        begun = [one for one in self.exercises if self.progress.entered(one)]
        marks = [
            self.words["solved_mark" if one in solved else "draft_mark" if one in begun else "open_mark"]
            for one in self.exercises
        ]
        lines += [f"  {one}  {mark}" for one, mark in zip(self.exercises, marks, strict=True)]
        return "\n".join(lines)

    def _notice(self) -> str:
        return str(self.words[self.progress.notice].format(aside=self.progress.aside))


def as_written(answer: Any) -> str:
    """Return an answer as text that can be entered again."""
    if isinstance(answer, pd.DataFrame):
        answer = answer.iloc[:, -1] if len(answer.columns) else []
    if isinstance(answer, pd.Series):
        answer = list(answer)
    if isinstance(answer, Mapping):
        answer = list(answer.values())
    if isinstance(answer, list | tuple):
        return "; ".join(str(one) for one in answer)
    return str(answer)


def overview(folder: str | Path = ".", lang: str | None = None) -> str:
    """Return how far a learner is, lesson by lesson."""
    settings = settings_of(Path(folder))
    said = texts(language(lang or settings.get("lang")))
    known = kept.read(folder)
    lines = []
    for number, names in lessons().items():
        solved_n = sum(known.solved(one) for one in names)
        text = said["course"]["progress"].format(solved_n=solved_n, n=len(names))
        lines.append(f"{number}  {said['lesson'][str(number)]['title']}: {text}")
    return "\n".join(lines)


def settings_of(folder: Path) -> dict[str, Any]:
    """Return the settings of a course folder; nothing where there are none that can be read."""
    try:
        found = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
