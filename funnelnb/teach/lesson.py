"""A question with a learner's own figures, and what is said to an answer."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funnelnb.core.check import one_of
from funnelnb.core.errors import ParameterError
from funnelnb.core.options import language
from funnelnb.teach.answers import as_choice, as_number
from funnelnb.teach.exercises import Variant, lessons, variant

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER = Path(__file__).parent / "lessons"
LANGS = ("en", "zh")
_WORD = re.compile(r"@(\w+)")


@cache
def texts(lang: str) -> Mapping[str, Any]:
    """Return the words of the course in one language."""
    with (FOLDER / f"{one_of('lang', lang, LANGS)}.toml").open("rb") as stream:
        return tomllib.load(stream)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One exercise as one learner sees it.

    Attributes
    ----------
    exercise : str
        Such as ``"1.1"``.
    lang : str
    variant : Variant
    text : str
        The question.
    choices : tuple of str
        Words of the choices in order; empty where a number is asked for.
    hints : tuple of str
    solution : str
    """

    exercise: str
    lang: str
    variant: Variant
    text: str
    choices: tuple[str, ...]
    hints: tuple[str, ...]
    solution: str

    def __repr__(self) -> str:
        lines = [f"{self.exercise}  {self.text}"]
        lines += [f"  {chr(ord('A') + k)}  {one}" for k, one in enumerate(self.choices)]
        return "\n".join(lines)

    def right_answer(self) -> str:
        """Return an answer that is right, as a learner would write it."""
        if self.choices:
            return chr(ord("A") + self.variant.choices.index(str(self.variant.truth)))
        return repr(float(self.variant.truth))


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is said to one answer.

    Attributes
    ----------
    right : bool
    code : str
        Name of the misconception, ``"other"``, ``"unreadable"`` or ``"blank"``; empty when right.
    text : str
    """

    right: bool
    code: str
    text: str

    @property
    def counts(self) -> bool:
        """Whether it is a try: blank and unreadable answers are not."""
        return self.code not in {"blank", "unreadable"}

    def __repr__(self) -> str:
        return self.text


def question(exercise: str, seed: int = 1, lang: str | None = None) -> Question:
    """Return an exercise with the figures of a seed.

    Parameters
    ----------
    exercise : str
        Such as ``"2.3"``.
    seed : int
        Of the learner: each seed has its own figures.
    lang : {"en", "zh"}, optional
        None: the package option.

    Raises
    ------
    ParameterError
        There is no such exercise.

    Examples
    --------
    >>> question("6.1", seed=0, lang="en").choices
    ()
    """
    lang = lang or language()
    made = variant(exercise, seed)
    said = texts(lang)["exercise"][exercise]
    words = texts(lang)["course"]["words"]
    values = {
        name: _WORD.sub(lambda found: words[found[1]], one)
        for name, one in {**made.values, **made.work}.items()
    }
    return Question(
        exercise=exercise,
        lang=lang,
        variant=made,
        text=said["question"].format_map(values),
        choices=tuple(texts(lang)["course"]["choices"][one] for one in made.choices),
        hints=tuple(one.format_map(values) for one in said["hints"]),
        solution=said["solution"].format_map(values),
    )


def judge(asked: Question, answer: Any) -> Verdict:
    """Say whether an answer is right, and if not, what it may rest on.

    Parameters
    ----------
    asked : Question
    answer : object
        A number or text as people write it; for choices the letter, the place or the words.

    Examples
    --------
    >>> asked = question("6.1", seed=0, lang="en")
    >>> judge(asked, asked.variant.wrong["times"]).code, judge(asked, asked.variant.truth).right
    ('times', True)
    """
    course, said = texts(asked.lang)["course"], texts(asked.lang)["exercise"][asked.exercise]
    try:
        given = _given(asked, answer)
    except ParameterError:
        blank = answer is None or not str(answer).strip()
        return Verdict(right=False, code="blank" if blank else "unreadable", text=_cannot(asked, blank=blank))
    if asked.variant.near(given, asked.variant.truth):
        return Verdict(right=True, code="", text=f"{course['right']} {asked.solution}")
    for code, wrong in asked.variant.wrong.items():
        if asked.variant.near(given, wrong):
            values = {**asked.variant.values, **asked.variant.work}
            return Verdict(
                right=False, code=code, text=f"{course['not_yet']} {said[code].format_map(values)}"
            )
    return Verdict(right=False, code="other", text=f"{course['not_yet']} {course['unknown_wrong']}")


def _given(asked: Question, answer: Any) -> float | str:
    if not asked.choices:
        return as_number(answer)
    if str(answer).strip() in asked.choices:
        return asked.variant.choices[asked.choices.index(str(answer).strip())]
    return as_choice(answer, asked.variant.choices)


def _cannot(asked: Question, *, blank: bool) -> str:
    course = texts(asked.lang)["course"]
    letters = ", ".join(chr(ord("A") + k) for k in range(len(asked.choices)))
    expected = (
        course["choice_expected"].format(letters=letters) if asked.choices else course["number_expected"]
    )
    text = course["unreadable"].format(expected=expected)
    return f"{course['blank']} {expected}" if blank else text


def exercises_of(lesson: int) -> tuple[str, ...]:
    """Return the exercises of a lesson, 1 to 8."""
    found = lessons()
    if lesson not in found:
        raise ParameterError(f"there is no lesson {lesson}", expected=f"1 to {max(found)}")
    return found[lesson]
