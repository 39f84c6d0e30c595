"""What did the learner write? Numbers, choices and small frames as people type them, in either language."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from funnelnb.core.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Sequence

_UNITS = {"k": 1e3, "m": 1e6, "千": 1e3, "万": 1e4, "百万": 1e6, "亿": 1e8, "万元": 1e4, "元": 1.0}
_NUMBER = re.compile(r"([+-]?[\d., ]*\d)\s*(%|‰|[km]|百万|万元|千|万|亿|元)?", re.IGNORECASE)
_FULL_WIDTH = str.maketrans("０１２３４５６７８９．，％－＋", "0123456789.,%-+")
_EXPECTED = "a number such as 0.45, 45 %, 1,200 or 2.5万"


def as_number(answer: Any) -> float:
    """Return an answer as a number.

    Parameters
    ----------
    answer : object
        A number, or text: ``"1,200"``, ``"45 %"``, ``"2.5万"``, ``"12,5"``.

    Raises
    ------
    ParameterError
        It is blank, or no number.

    Examples
    --------
    >>> as_number("45 %"), as_number("1,200"), as_number("2.5万"), as_number("12,5"), as_number(38)
    (0.45, 1200.0, 25000.0, 12.5, 38.0)
    """
    if isinstance(answer, bool) or answer is None:
        raise ParameterError("there is no answer yet", expected=_EXPECTED)
    if isinstance(answer, int | float | np.integer | np.floating):
        if not math.isfinite(answer):
            raise ParameterError(f"the answer is {answer}", expected=_EXPECTED)
        return float(answer)
    text = str(answer).strip().translate(_FULL_WIDTH).replace("\u00a0", " ").lstrip("¥$€£ ")
    if not text:
        raise ParameterError("there is no answer yet", expected=_EXPECTED)
    found = _NUMBER.fullmatch(text)
    if found is None:
        raise ParameterError(f"{str(answer)[:60]!r} is no number", expected=_EXPECTED)
    digits, unit = found[1].replace(" ", ""), (found[2] or "").casefold()
    value = float(_plain(digits, str(answer)))
    if unit in {"%", "‰"}:
        return value / (100 if unit == "%" else 1000)
    return value * _UNITS.get(unit, 1.0)


def _plain(digits: str, answer: str) -> str:
    """Return digits with a point at most; a comma before exactly three digits parts thousands."""
    if "," not in digits:
        return _one_point(digits, answer)
    if re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?", digits):
        return digits.replace(",", "")
    if re.fullmatch(r"[+-]?\d+,\d+", digits):
        return digits.replace(",", ".")
    if re.fullmatch(r"[+-]?\d{1,3}(\.\d{3})+,\d+", digits):
        return digits.replace(".", "").replace(",", ".")
    raise ParameterError(f"{answer[:60]!r} is no number", expected=_EXPECTED)


def _one_point(digits: str, answer: str) -> str:
    if digits.count(".") > 1:
        raise ParameterError(f"{answer[:60]!r} is no number", expected=_EXPECTED)
    return digits


def as_choice(answer: Any, choices: tuple[str, ...]) -> str:
    """Return which of the choices was meant: by its letter, its place or its name.

    Raises
    ------
    ParameterError
        It is none of them.

    Examples
    --------
    >>> [as_choice(one, ("stay", "fall_back")) for one in ("b", 1, "Stay")]
    ['fall_back', 'stay', 'stay']
    """
    letters = [chr(ord("a") + k) for k in range(len(choices))]
    expected = "one of " + ", ".join(one.upper() for one in letters)
    text = "" if answer is None else str(answer).strip().casefold().rstrip(".)．）")
    if not text:
        raise ParameterError("there is no answer yet", expected=expected)
    places = [str(k + 1) for k in range(len(choices))]
    for names in (letters, places, [one.casefold() for one in choices]):
        if text in names:
            return choices[names.index(text)]
    raise ParameterError(f"{str(answer)[:60]!r} is none of the answers", expected=expected)


def as_rows(answer: Any, labels: Sequence[tuple[str, ...]]) -> tuple[float, ...]:
    """Return a small frame as one number per row.

    Parameters
    ----------
    answer : object
        A list of numbers in order, text such as ``"80 %; 50 %"``, a dict or Series by row, or a DataFrame whose last
        column holds the numbers.
    labels : sequence of tuple of str
        What each row may be called.

    Raises
    ------
    ParameterError
        A number cannot be read, or there are too few or too many.

    Examples
    --------
    >>> as_rows("80 %; 0.5", [("contact",), ("need",)])
    (0.8, 0.5)
    >>> as_rows({"need": 0.5, "contact": 0.8}, [("contact",), ("need",)])
    (0.8, 0.5)
    """
    expected = f"{len(labels)} numbers, one per row"
    if isinstance(answer, pd.DataFrame):
        if not len(answer.columns):
            raise ParameterError("the frame has no column", expected=expected)
        named = [
            one for one in answer.columns[:-1] if set(answer[one]) & {word for row in labels for word in row}
        ]
        answer = answer.set_index(named[0]).iloc[:, -1] if named else answer.iloc[:, -1]
    if isinstance(answer, pd.Series):
        known = {word for row in labels for word in row}
        answer = answer.to_dict() if set(answer.index) & known else list(answer)
    if isinstance(answer, Mapping):
        found: list[Any] = [next((answer[word] for word in row if word in answer), None) for row in labels]
    elif isinstance(answer, str):
        text = answer.strip().strip(";；|[]()")
        found = [one.strip() for one in re.split(r"[;；\n\t|]+", text)]
        if len(found) == 1 and len(labels) > 1:
            found = re.split(r",\s+|，|、|\s{2,}", text)
        if found == [""]:
            found = []
    else:
        found = list(answer) if isinstance(answer, Iterable) else [answer]
    if not any(one is not None and str(one).strip() for one in found):
        raise ParameterError("there is no answer yet", expected=expected)
    if len(found) != len(labels):
        raise ParameterError(f"there are {len(found)} numbers", expected=expected)
    return tuple(as_number(one) for one in found)
