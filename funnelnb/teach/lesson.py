"""A question with a learner's own figures, and what is said to an answer."""

from __future__ import annotations

import html
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funnelnb.core.check import one_of
from funnelnb.core.errors import ParameterError
from funnelnb.core.options import language
from funnelnb.teach.answers import as_choice, as_number, as_rows
from funnelnb.teach.exercises import lessons, variant
from funnelnb.teach.formula import FUNCTIONS, FormulaError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from funnelnb.teach.variants import Picture, Variant

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
        Words of the choices in order; empty where there are none.
    rows : tuple of str
        Words of the rows of a small frame, in order.
    hints : tuple of str
    solution : str
    """

    exercise: str
    lang: str
    variant: Variant
    text: str
    choices: tuple[str, ...]
    rows: tuple[str, ...]
    hints: tuple[str, ...]
    solution: str

    def __repr__(self) -> str:
        lines = [f"{self.exercise}  {self.text}"]
        lines += [f"  {letter(k)}  {one}" for k, one in enumerate(self.described())]
        lines += [f"  {one}: ___" for one in self.rows]
        return "\n".join(lines)

    def described(self) -> tuple[str, ...]:
        """Return the choices in words; of a chart also what it shows, for those who cannot see it."""
        return tuple(
            f"{words}: {self._numbers(self.variant.pictures[name])}"
            if name in self.variant.pictures
            else words
            for name, words in zip(self.variant.choices, self.choices, strict=True)
        )

    def _numbers(self, picture: Picture) -> str:
        colon = texts(self.lang)["course"]["colon"]
        lines = []
        for name, values in picture.series.items():
            told = [
                f"{label} {100 * one:.0f} %" if picture.share else f"{label} {one:.0f}"
                for label, one in zip(picture.labels, values, strict=True)
            ]
            lines.append((f"{_named(name, self.lang)}{colon}" if name else "") + ", ".join(told))
        return "; ".join(lines)

    def svg(self) -> str:
        """Return the charts of the choices beside each other; empty where there are none."""
        from funnelnb.show.charts.sketch import sketch

        drawn = [
            sketch(
                one.kind, one.labels, {_named(key, self.lang): each for key, each in one.series.items()},
                title=f"{letter(k)}  {self.choices[k]}", percent=one.share,
            )
            for k, one in enumerate(self.variant.pictures.values())
        ]  # fmt: skip
        told = zip(drawn, self.described(), strict=True) if drawn else ()
        return "".join(
            f'<figure role="img" aria-label="{html.escape(words)}" '
            f'style="display:inline-block;margin:0 1em 0 0">{picture}</figure>'
            for picture, words in told
        )

    def right_answer(self) -> str:
        """Return an answer that is right, as a learner would write it."""
        if self.variant.kind == "formula":
            return self.variant.example
        if self.choices:
            return letter(self.variant.choices.index(str(self.variant.truth)))
        if isinstance(self.variant.truth, tuple):
            return "; ".join(f"{one:.6g}" for one in self.variant.truth)
        return f"{float(self.variant.truth):.6g}"


def letter(place: int) -> str:
    """Return the letter of a choice: A, B, C ..."""
    return chr(ord("A") + place)


def _named(key: str, lang: str) -> str:
    return str(texts(lang)["course"]["words"][key[1:]]) if key.startswith("@") else key


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is said to one answer.

    Attributes
    ----------
    right : bool
    code : str
        Name of the misconception, ``"other"``, ``"percent"``, ``"unreadable"``, ``"raises"`` or ``"blank"``; empty
        when right.
    text : str
    """

    right: bool
    code: str
    text: str

    @property
    def counts(self) -> bool:
        """Whether it is a try: blank and unreadable answers, and code that fails, are not."""
        return self.code not in {"blank", "unreadable", "raises"}

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
    said, names = texts(lang)["exercise"][exercise], texts(lang)["course"]["choices"]
    values = _filled(made, lang)
    return Question(
        exercise=exercise,
        lang=lang,
        variant=made,
        text=said["question"].format_map(values),
        choices=tuple(names[one] for one in made.choices),
        rows=tuple(names[one] for one in made.rows),
        hints=tuple(one.format_map(values) for one in said["hints"]),
        solution=said["solution"].format_map(values),
    )


def _filled(made: Variant, lang: str) -> dict[str, str]:
    """Return what the placeholders say; ``@name`` in a value is a word of the language."""
    words = {**texts(lang)["course"]["choices"], **texts(lang)["course"]["words"]}
    return {
        name: _WORD.sub(lambda found: words[found[1]], one)
        for name, one in {**made.values, **made.work}.items()
    }


def judge(asked: Question, answer: Any) -> Verdict:
    """Say whether an answer is right, and if not, what it may rest on.

    Parameters
    ----------
    asked : Question
    answer : object
        A number or text as people write it; for choices the letter, the place or the words; for a small frame a list,
        a dict, a Series, a DataFrame or text; for a formula its text or a function.

    Examples
    --------
    >>> asked = question("6.1", seed=0, lang="en")
    >>> judge(asked, asked.variant.wrong["times"]).code, judge(asked, asked.variant.truth).right
    ('times', True)
    """
    course, made = texts(asked.lang)["course"], asked.variant
    try:
        given = _given(asked, answer)
    except FormulaError as error:
        return Verdict(right=False, code="raises", text=_no_formula(asked, error))
    except ParameterError:
        blank = _is_blank(answer)
        return Verdict(right=False, code="blank" if blank else "unreadable", text=_cannot(asked, blank=blank))
    if made.near(given, made.truth):
        return Verdict(right=True, code="", text=f"{course['right']} {asked.solution}")
    for code, wrong in made.wrong.items():
        if made.near(given, wrong):
            said = texts(asked.lang)["exercise"][asked.exercise][code].format_map(_filled(made, asked.lang))
            return Verdict(right=False, code=code, text=f"{course['not_yet']} {said}")
    code = "percent" if _without_sign(made, given) else "other"
    said = course["percent_sign"] if code == "percent" else course["unknown_wrong"]
    return Verdict(right=False, code=code, text=f"{course['not_yet']} {said}")


def _without_sign(made: Variant, given: Any) -> bool:
    """Whether somebody wrote 45 for 45 %."""
    if made.kind == "number":
        return abs(float(made.truth)) < 1 and made.near(given / 100, made.truth)  # type: ignore[arg-type]
    if made.kind == "frame" and isinstance(made.truth, tuple):
        return max(map(abs, made.truth)) <= 1 and made.near(tuple(one / 100 for one in given), made.truth)
    return False


def _given(asked: Question, answer: Any) -> float | str | tuple[float, ...]:
    """Return an answer in the form of the truth."""
    made = asked.variant
    if made.formula is not None:
        if _is_blank(answer):
            raise ParameterError("there is no answer yet", expected="a formula")
        return made.formula.results(answer if callable(answer) else str(answer))
    if made.rows:
        return as_rows(answer, list(zip(made.rows, asked.rows, strict=True)))
    if not asked.choices:
        return as_number(answer)
    if str(answer).strip() in asked.choices:
        return made.choices[asked.choices.index(str(answer).strip())]
    return as_choice(answer, made.choices)


def _is_blank(answer: Any) -> bool:
    return answer is None or not str(answer).strip().strip(";；")


def _cannot(asked: Question, *, blank: bool) -> str:
    """Return what is said to an answer that is missing or cannot be read."""
    course, kind = texts(asked.lang)["course"], asked.variant.kind
    expected = course[f"{kind}_expected"].format(
        letters=", ".join(letter(k) for k in range(len(asked.choices))), n=len(asked.rows)
    )
    text = course["unreadable"].format(expected=expected)
    return f"{course['blank']} {course['write'].format(expected=expected)}" if blank else text


def _no_formula(asked: Question, error: FormulaError) -> str:
    """Return what is said to a formula that cannot be used."""
    course, formula = texts(asked.lang)["course"], asked.variant.formula
    names = ", ".join(formula.names) if formula is not None else ""
    said = course["formula"][error.code].format(part=error.part, reason=course["formula"].get(error.part, ""))
    allowed = course["formula"]["allowed"].format(names=names, functions=", ".join(FUNCTIONS))
    return f"{said} {allowed}".replace("  ", " ")


def exercises_of(lesson: int) -> tuple[str, ...]:
    """Return the exercises of a lesson, 1 to 8."""
    found = lessons()
    if lesson not in found:
        raise ParameterError(f"there is no lesson {lesson}", expected=f"1 to {max(found)}")
    return found[lesson]
