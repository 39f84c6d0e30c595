"""A formula that a learner writes: tried on several cases, and nothing but arithmetic can come of it.

The text is parsed, never run as a program: numbers, the names of the exercise, arithmetic, comparisons, ``for`` inside
``sum(...)`` and a dozen functions are allowed; attributes, imports and names of the system are not.
"""

from __future__ import annotations

import ast
import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from funnelnb.core.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Values(tuple[Any, ...]):
    """Numbers in a row that cannot be multiplied into a longer row: memory is not a learner's to fill."""

    __slots__ = ()

    def __mul__(self, other: Any) -> Any:
        """Refuse."""
        return NotImplemented

    __rmul__ = __mul__


FUNCTIONS: Mapping[str, Any] = {
    "abs": abs, "ceil": math.ceil, "floor": math.floor, "len": len, "max": max, "mean": statistics.fmean,
    "median": statistics.median, "min": min, "round": round, "sorted": lambda values: Values(sorted(values)),
    "sqrt": math.sqrt, "sum": sum, "zip": zip,
}  # fmt: skip
"""What a formula may call."""

_ALLOWED = (
    ast.Expression, ast.Constant, ast.Name, ast.Load, ast.Store, ast.BinOp, ast.UnaryOp, ast.Call, ast.Compare,
    ast.IfExp, ast.BoolOp, ast.And, ast.Or, ast.Not, ast.Tuple, ast.GeneratorExp,
    ast.comprehension, ast.Subscript, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod,
    ast.USub, ast.UAdd, ast.Gt, ast.GtE, ast.Lt, ast.LtE, ast.Eq, ast.NotEq,
)  # fmt: skip
_WRITTEN = str.maketrans("×÷·−（），＋＊／＝", "*/*-(),+*/=")
_LONGEST = 300
_LOOPS_MOST = 4


class FormulaError(ParameterError):
    """A formula that cannot be used: `code` is ``"syntax"``, ``"name"``, ``"forbidden"``, ``"raises"`` or ``"value"``.

    Attributes
    ----------
    code : str
    part : str
        The name, the part of Python or the error that it is about.
    """

    def __init__(self, code: str, part: str = "") -> None:
        super().__init__(f"the formula cannot be used ({code} {part})".replace(" )", ")"))
        self.code, self.part = code, part


@dataclass(frozen=True, slots=True, kw_only=True)
class Formula:
    """What a formula may use, and what it is tried on.

    Attributes
    ----------
    cases : tuple of Mapping
        Name -> number or tuple of numbers; the same names in each.
    """

    cases: tuple[Mapping[str, Any], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """What the formula may name."""
        return tuple(self.cases[0])

    def results(self, answer: str | Callable[..., Any]) -> tuple[float, ...]:
        """Return what a formula gives in each case.

        Parameters
        ----------
        answer : str or callable
            An expression such as ``"leads * rate"``, or a function of the names.

        Raises
        ------
        FormulaError
            It is no formula, uses what is not there, fails, or gives no number.

        Examples
        --------
        >>> Formula(cases=({"leads": 10, "rate": 0.5}, {"leads": 4, "rate": 0.25})).results("leads * rate")
        (5.0, 1.0)
        """
        run = answer if callable(answer) else _compiled(answer, self.names)
        return tuple(_number(run, case) for case in self.cases)


def _number(run: Callable[..., Any], case: Mapping[str, Any]) -> float:
    copies = {name: Values(one) if isinstance(one, tuple) else one for name, one in case.items()}
    try:
        found = run(**copies)
    except Exception as error:  # whatever a learner's line raises is told in a sentence
        raise FormulaError("raises", type(error).__name__) from None
    if isinstance(found, bool | complex):
        raise FormulaError("value")
    try:
        value = float(found)
    except (TypeError, ValueError, OverflowError):
        raise FormulaError("value") from None
    if not math.isfinite(value):
        raise FormulaError("value")
    return value


def _compiled(text: str, names: tuple[str, ...]) -> Callable[..., Any]:
    plain = text.strip().translate(_WRITTEN).lstrip("=").strip()
    if not plain or len(plain) > _LONGEST:
        raise FormulaError("syntax")
    try:
        tree = ast.parse(plain, mode="eval")
        _refuse(tree, names)
        code = compile(tree, "<formula>", "eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise FormulaError("syntax") from None

    def run(**case: Any) -> Any:
        return eval(code, {"__builtins__": {}, **FUNCTIONS, **case})  # noqa: S307 - only what _refuse lets through

    return run


def _refuse(tree: ast.Expression, names: tuple[str, ...]) -> None:
    own = {one.id for one in ast.walk(tree) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}
    if sum(isinstance(one, ast.comprehension) for one in ast.walk(tree)) > _LOOPS_MOST:
        raise FormulaError("forbidden", "for")
    for one in ast.walk(tree):
        if isinstance(one, ast.BitXor | ast.Pow):
            raise FormulaError("forbidden", "^" if isinstance(one, ast.BitXor) else "**")
        if not isinstance(one, _ALLOWED):
            raise FormulaError("forbidden", type(one).__name__)
        if isinstance(one, ast.Constant) and (
            isinstance(one.value, bool) or not isinstance(one.value, int | float) or abs(one.value) > 1e12
        ):
            raise FormulaError("forbidden", str(one.value)[:20])
        if isinstance(one, ast.Name) and one.id not in {*names, *FUNCTIONS, *own}:
            raise FormulaError("name", one.id[:40])
        if isinstance(one, ast.Call) and (one.keywords or not isinstance(one.func, ast.Name)):
            raise FormulaError("forbidden", "=")
