"""One exercise with its figures: what the exercises of the course are made of, and when two answers are the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from funnelnb.teach.formula import Formula

Random = np.random.Generator
KINDS = ("number", "choice", "chart", "frame", "formula")


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A small chart that is one of the choices.

    Attributes
    ----------
    kind : {"line", "bar"}
    labels : tuple of str
        Along the bottom.
    series : Mapping of str to tuple of float
        Name of a line or group of bars -> its values, one per label.
    share : bool
        Whether the values are parts of 1.
    """

    kind: str
    labels: tuple[str, ...]
    series: Mapping[str, tuple[float, ...]]
    share: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One exercise with its figures.

    Attributes
    ----------
    values : Mapping of str to str
        What the question's placeholders say.
    truth : float, str or tuple of float
        The number, the name of the right choice, or the numbers of a frame or of a formula's cases.
    wrong : Mapping of str to the same
        Name of a misconception -> the answer it leads to; of a formula, the expression.
    choices : tuple of str
        Names of the choices in the order shown; empty where there are none.
    tolerance : float
        How far off a number may be.
    work : Mapping of str to str
        What hints, solution and feedback say besides.
    rows : tuple of str
        Names of the rows of a frame.
    pictures : Mapping of str to Picture
        Name of a choice -> what it looks like.
    formula : Formula or None
        What a formula may use, and what it is tried on.
    example : str
        A formula that is right.
    """

    values: Mapping[str, str]
    truth: float | str | tuple[float, ...]
    wrong: Mapping[str, float | str | tuple[float, ...]]
    choices: tuple[str, ...] = ()
    tolerance: float = 0.0
    work: Mapping[str, str] = field(default_factory=dict)
    rows: tuple[str, ...] = ()
    pictures: Mapping[str, Picture] = field(default_factory=dict)
    formula: Formula | None = None
    example: str = ""

    @property
    def kind(self) -> str:
        """One of :data:`KINDS`."""
        if self.formula is not None:
            return "formula"
        if self.rows:
            return "frame"
        if self.pictures:
            return "chart"
        return "choice" if self.choices else "number"

    def near(self, one: Any, other: Any) -> bool:
        """Whether two answers are the same within the tolerance."""
        if self.formula is not None:
            one, other = (
                self.formula.results(each) if isinstance(each, str) else each for each in (one, other)
            )
        if isinstance(one, str) or isinstance(other, str):
            return bool(one == other)
        one, other = np.atleast_1d(one), np.atleast_1d(other)
        return one.shape == other.shape and bool(np.all(np.abs(one - other) <= self.tolerance + 1e-9))


class Entries(dict[str, "Callable[[Random], Variant]"]):
    """Exercises by name, such as ``"6.1"``."""

    def add(self, name: str) -> Callable[[Callable[[Random], Variant]], Callable[[Random], Variant]]:
        """Return a decorator that enters an exercise."""

        def register(make: Callable[[Random], Variant]) -> Callable[[Random], Variant]:
            self[name] = make
            return make

        return register


def share(value: float) -> str:
    """Return a part of 1 in whole percent."""
    return f"{100 * value:.0f} %"


def tenths(value: float) -> str:
    """Return a part of 1 in percent with one digit."""
    return f"{100 * value:.1f} %"


def count(value: float) -> str:
    """Return a whole number with thousands apart."""
    return f"{value:,.0f}"


def choose(random: Random, *options: Any) -> Any:
    """Draw one of the options."""
    return options[int(random.integers(len(options)))]


def listed(values: Any) -> str:
    """Return numbers one after the other."""
    return ", ".join(str(one) for one in values)
