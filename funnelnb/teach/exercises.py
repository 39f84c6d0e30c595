"""Which exercises does the course have, and which figures does a seed give one?"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.core.errors import ParameterError, nearest
from funnelnb.teach import exercises_1_4, exercises_5_8

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from funnelnb.teach.variants import Random, Variant

EXERCISES: Mapping[str, Callable[[Random], Variant]] = {**exercises_1_4.EXERCISES, **exercises_5_8.EXERCISES}


@lru_cache(maxsize=4096)
def variant(exercise: str, seed: int) -> Variant:
    """Return an exercise with the figures of a seed.

    Parameters
    ----------
    exercise : str
        Such as ``"6.1"``.
    seed : int
        Of the learner.

    Raises
    ------
    ParameterError
        There is no such exercise.

    Examples
    --------
    >>> import math
    >>> one = variant("6.1", seed=0)
    >>> one.truth == math.ceil(math.ceil(math.ceil(int(one.values["deals"]) / 0.75) / 0.5) / 0.25)
    True
    """
    if exercise not in EXERCISES:
        raise ParameterError(
            f"there is no exercise {exercise!r}",
            expected=", ".join(EXERCISES),
            hint=nearest(exercise, EXERCISES),
        )
    lesson, _, number = exercise.partition(".")
    made = EXERCISES[exercise](np.random.default_rng([seed, int(lesson), int(number)]))
    seen: dict[str, Any] = {}
    for code, answer in made.wrong.items():  # some figures make two misconceptions meet, or even the truth
        if not any(made.near(answer, other) for other in (made.truth, *seen.values())):
            seen[code] = answer
    return replace(made, wrong=seen)


def lessons() -> dict[int, tuple[str, ...]]:
    """Return the exercises of each lesson, in order."""
    found: dict[int, list[str]] = {}
    for name in EXERCISES:
        found.setdefault(int(name.partition(".")[0]), []).append(name)
    return {lesson: tuple(names) for lesson, names in sorted(found.items())}
