"""One rule and one message for each standard parameter name.

`confidence_level`, `horizon_days` or `as_of` mean the same everywhere in the package, so their rule
is written once, here.
"""

from __future__ import annotations

import datetime
import functools
import inspect
import math
import re
import zoneinfo
from collections.abc import Callable, Iterable
from typing import Any, ParamSpec, TypeVar

import numpy as np

from funnelnb.core.errors import ParameterError, misnamed, nearest

Day = str | datetime.date | np.datetime64
"""A day as people give it: ISO text, a date or a datetime (pandas' too), a datetime64."""

CONFIDENCE_LEVEL = 0.90
"""Default confidence level of every interval in the package."""

TOO_FEW_N = 10
"""Below this many deals a group's rate is shown as "too few to say"."""


def number(
    name: str,
    value: Any,
    *,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
) -> float:
    """Return `value` as a float, or raise ParameterError naming the bound it breaks."""
    bounds = [(">=", ge), (">", gt), ("<=", le), ("<", lt)]
    said = [f"{sign} {bound:.15g}" for sign, bound in bounds if bound is not None and math.isfinite(bound)]
    expected = " ".join(["a number", " and ".join(said)]).strip()
    try:
        result = float(value)
    except (TypeError, ValueError):
        result = math.nan
    if isinstance(value, str) and not math.isnan(result):
        raise ParameterError(
            f"{name} = {value!r}", expected=expected, hint=f"without quotation marks: {name}={value.strip()}"
        )
    if isinstance(value, bool) or math.isnan(result):
        hint = f"digits only, without words, units or separators, such as {0.9 if 1 in (le, lt) else 1500}"
        hint = hint if isinstance(value, str) else ""
        raise ParameterError(f"{name} = {value!r}", expected=expected, hint=hint)
    broken = (
        (ge is not None and result < ge)
        or (gt is not None and result <= gt)
        or (le is not None and result > le)
        or (lt is not None and result >= lt)
    )
    if broken:
        percent = lt == 1 and 1 < result < 100
        hint = f"as a share of 1, such as {result / 100:g}" if percent else ""
        raise ParameterError(f"{name} = {value!r}", expected=expected, hint=hint)
    return result


def whole_numbers(name: str, value: Any) -> tuple[int, ...]:
    """Return `value`, a list of whole numbers >= 0, as a tuple."""
    given = list(value) if isinstance(value, (list, tuple, np.ndarray)) else [value]
    if not isinstance(value, (list, tuple, np.ndarray)) or any(not _is_count(one) for one in given):
        raise ParameterError(f"{name} = {value!r}", expected="a list of whole numbers, such as [28, 7, 2, 1]")
    return tuple(int(one) for one in given)


def _is_count(value: Any) -> bool:
    return (
        isinstance(value, (int, float, np.integer, np.floating))
        and not value < 0
        and float(value).is_integer()
    )


def confidence_level(value: Any) -> float:
    """Return a confidence level strictly between 0 and 1."""
    return number("confidence_level", value, gt=0, lt=1)


def horizon_days(value: Any) -> float:
    """Return a horizon in days, above 0 and at most 100 years."""
    return number("horizon_days", value, gt=0, le=36525)


def one_of(name: str, value: Any, known: Iterable[str]) -> str:
    """Return `value` if it is one of `known`, or raise ParameterError with the nearest name."""
    names = list(known)
    if value in names:
        return str(value)
    raise ParameterError(
        f"{name} = {value!r}",
        expected="one of " + ", ".join(map(repr, names)),
        hint=nearest(str(value), names),
    )


P = ParamSpec("P")
R = TypeVar("R")


def named(function: Callable[P, R]) -> Callable[P, R]:
    """Mark a public function that answers whoever names an argument it does not have.

    Examples
    --------
    >>> @named
    ... def load(source: str, *, playbook: str = "") -> str:
    ...     return source
    >>> load("deals.csv", playbok="pyramid")
    Traceback (most recent call last):
    ...
    funnelnb.core.errors.ParameterError: load has no argument 'playbok'
      expected: one of source, playbook
      remedy:   did you mean 'playbook'?
    """
    known = list(inspect.signature(function).parameters)

    @functools.wraps(function)
    def called(*args: P.args, **kwargs: P.kwargs) -> R:
        for name in kwargs:
            if name not in known:
                raise misnamed(function.__name__, known, name)
        return function(*args, **kwargs)

    return called


def names_of(name: str, value: Any) -> tuple[str, ...]:
    """Return one name or several as a tuple; None and an empty text are none.

    Examples
    --------
    >>> names_of("by", "region"), names_of("by", ["region", "team"]), names_of("by", None)
    (('region',), ('region', 'team'), ())
    """
    if value is None or value == "":
        return ()
    given = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, Iterable) else (value,)
    if not all(isinstance(one, str) for one in given):
        raise ParameterError(
            f"{name} = {value!r}", expected="the name of an attribute in quotes, or a list of such names"
        )
    return given


def _wall_clock(value: Any, timezone: str) -> Any:
    """Return a moment as the wall clock of a zone; what has no offset stays as it is."""
    moment = value
    if isinstance(value, str):
        try:
            moment = datetime.datetime.fromisoformat(value.strip())
        except ValueError:
            return value
    if not isinstance(moment, datetime.datetime) or moment.tzinfo is None:
        return value
    zone = zoneinfo.ZoneInfo(timezone or "UTC")
    return moment.astimezone(zone).replace(tzinfo=None).isoformat()


def timestamp(name: str, value: Any, timezone: str = "") -> np.datetime64:
    """Return `value` (ISO text, date, datetime or datetime64) as datetime64 in whole seconds.

    A moment with an offset or a zone is told on the wall clock of `timezone`, else of UTC.
    """
    try:
        result = np.datetime64(_wall_clock(value, timezone)).astype("datetime64[s]")
    except (TypeError, ValueError):
        result = np.datetime64("NaT", "s")
    if np.isnat(result):
        raise ParameterError(
            f"{name} = {value!r}", expected="a date such as 2026-06-30", hint=_day_meant(value)
        )
    return result


_QUARTER = re.compile(
    r"(?P<year>\d{4}) ?[-/年 ]? ?(?:Q|第)?(?P<quarter>[1-4一二三四])(?:季度?)?|Q(?P<first>[1-4])[ /-]*(?P<then>\d{4})",
    re.IGNORECASE,
)
_OF_FOUR = re.compile(r"\bQ\d|季", re.IGNORECASE)


def _day_meant(value: Any) -> str:
    """Return what to write instead of a text that is no day; of a quarter, its first and last day.

    Examples
    --------
    >>> _day_meant("Q3 2026")
    'Q3 2026 is 2026-07-01 to 2026-09-30: write one of these days'
    >>> _day_meant("tomorrow")
    'write year-month-day'
    """
    text = value.strip() if isinstance(value, str) else ""
    if not _OF_FOUR.search(text):
        return "write year-month-day"
    found = _QUARTER.fullmatch(text)
    if not found:
        return "a year has four quarters; write year-month-day"
    quarter = found["quarter"] or found["first"]
    last = 3 * (int(quarter) if quarter.isdigit() else "一二三四".index(quarter) + 1)
    year = int(found["year"] or found["then"])
    day = (datetime.date(year + last // 12, last % 12 + 1, 1) - datetime.timedelta(days=1)).isoformat()
    return f"{text} is {year}-{last - 2:02d}-01 to {day}: write one of these days"
