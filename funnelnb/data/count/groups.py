"""Deals in groups: by attributes at entry and by creation cohort."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from funnelnb.core.check import one_of
from funnelnb.core.errors import ParameterError, nearest
from funnelnb.data.contract.clock import UNKNOWN
from funnelnb.data.ledger.codes import Codes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from funnelnb.data.ledger.ledger import Ledger


DAY_S = 86_400
PERIODS = ("week", "month", "quarter", "year")


@dataclass(frozen=True, slots=True)
class Cohort:
    """Group by the period in which deals entered the funnel, wherever the rows lie.

    Attributes
    ----------
    period : {"week", "month", "quarter", "year"}
    position : int
        Stage whose first reaching counts as the entry; deals that never got there are in no cohort.
    """

    period: str
    position: int = 0

    def __post_init__(self) -> None:
        one_of("period", self.period, PERIODS)


By = str | Codes | Cohort | Sequence[str | Codes | Cohort]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouping:
    """Deals put into groups.

    Attributes
    ----------
    by : tuple of str
    groups : tuple of tuple of str, length G
        Combinations that occur, sorted.
    code : ndarray of int32, shape (deal_n,), or None
        Group of each deal; None where there is only one group.
    """

    by: tuple[str, ...]
    groups: tuple[tuple[str, ...], ...]
    code: NDArray[np.int32] | None


def grouping(ledger: Ledger, by: By = ()) -> Grouping:
    """Which deals belong together?

    Parameters
    ----------
    ledger : Ledger
    by : str, Cohort, Codes, or a sequence of them
        Names of attributes, a creation cohort, or codes of the caller's own; empty: one group ``()`` of all.

    Returns
    -------
    Grouping

    Raises
    ------
    ParameterError
        No such attribute; the hint names the nearest.
    """
    wanted = listed(by)
    return combine(tuple(map(name_of, wanted)), [_codes(ledger, one) for one in wanted])


def combine(names: tuple[str, ...], codes: list[Codes]) -> Grouping:
    """Return the groups that the values of several attributes make together."""
    if not codes:
        return Grouping(by=(), groups=((),), code=None)
    labels: list[tuple[str, ...]] = [(label,) for label in codes[0].labels]
    combined, labels = _occurring(codes[0].codes.astype(np.int64), labels)
    for more in codes[1:]:
        combined = combined * len(more.labels) + more.codes
        pairs = [(*left, right) for left in labels for right in more.labels]
        combined, labels = _occurring(combined, pairs)
    return Grouping(by=names, groups=tuple(labels), code=combined.astype(np.int32))


def _occurring(
    code: NDArray[np.int64], labels: list[tuple[str, ...]]
) -> tuple[NDArray[np.int64], list[tuple[str, ...]]]:
    """Leave out combinations that no deal has."""
    there = np.bincount(code, minlength=len(labels)) > 0
    renumbered = np.cumsum(there) - 1
    return renumbered[code], [label for label, occurs in zip(labels, there, strict=True) if occurs]


def listed(by: By) -> list[str | Codes | Cohort]:
    """Return `by` as a list, or raise ParameterError where it names something twice."""
    wanted = [by] if isinstance(by, str | Codes | Cohort) else list(by)
    names = [name_of(one) for one in wanted]
    if len(set(names)) < len(names):
        raise ParameterError(f"by = {names!r} names something twice", expected="each attribute once")
    return wanted


def name_of(one: str | Codes | Cohort) -> str:
    """Return what results call a thing that deals are grouped by."""
    if isinstance(one, str):
        return one
    return "cohort" if isinstance(one, Cohort) else one.name or "group"


def _codes(ledger: Ledger, one: str | Codes | Cohort) -> Codes:
    if isinstance(one, Codes):
        return one
    if isinstance(one, Cohort):
        return cohort_codes(ledger, one.period, one.position)
    check_attribute(one, ledger.attributes)
    return ledger.attributes[one]


def check_attribute(name: str, known: Iterable[str]) -> None:
    """Raise ParameterError, naming the nearest, unless `name` is among the `known` attributes."""
    names = list(known)
    if name not in names:
        raise ParameterError(
            f"by = {name!r} is not an attribute of the deals",
            expected="a text column of the table opportunities",
            hint=nearest(str(name), names),
        )


def cohort_codes(ledger: Ledger, period: str, position: int = 0) -> Codes:
    """In which period did each deal enter the funnel?

    Parameters
    ----------
    ledger : Ledger
    period : {"week", "month", "quarter", "year"}
    position : int
        Stage whose first reaching counts as the entry.

    Returns
    -------
    Codes
        Named ``"cohort"``; labels such as ``"2026-W09"`` (ISO week), ``"2026-03"``, ``"2026-Q1"``,
        ``"2026"``; the empty string where the entry is not dated (nor, for the first stage, the creation).

    Raises
    ------
    ParameterError
        The period is none of the four.
    """
    one_of("period", period, PERIODS)
    began_s = ledger.reached_s[:, position] if ledger.reached_s.shape[1] else ledger.created_s
    if position == 0:
        began_s = np.where(began_s == UNKNOWN, ledger.created_s, began_s)
    return codes_of_days(np.where(began_s == UNKNOWN, UNKNOWN, began_s // DAY_S), period)


def codes_of_days(day: NDArray[np.int64], period: str) -> Codes:
    """Return the period of each day (since 1970-01-01); UNKNOWN is the empty string."""
    known = day != UNKNOWN
    days, place = np.unique(np.where(known, day, 0), return_inverse=True)
    texts = np.array([*period_labels(days, period), ""], dtype=object)
    labels, table = np.unique(texts, return_inverse=True)
    code = table[np.where(known, place, len(days))].astype(np.int64)
    code, kept = _occurring(code, [(label,) for label in labels])
    return Codes(codes=code.astype(np.int32), labels=tuple(label for (label,) in kept), name="cohort")


def period_labels(days: NDArray[np.int64], period: str) -> list[str]:
    """Return the label of the period that each day (since 1970-01-01) lies in."""
    dates = np.asarray(days).astype("datetime64[D]")
    if period == "week":
        thursdays = dates + (3 - (np.asarray(days) + 3) % 7)  # 1970-01-01 was a Thursday
        years = thursdays.astype("datetime64[Y]")
        weeks = (thursdays - years.astype("datetime64[D]")).astype(np.int64) // 7 + 1
        return [f"{year}-W{week:02d}" for year, week in zip(years.astype(str), weeks, strict=True)]
    months = dates.astype("datetime64[M]").astype(str)
    if period == "quarter":
        return [f"{month[:-3]}-Q{(int(month[-2:]) + 2) // 3}" for month in months]
    return [str(month) if period == "month" else str(month[:-3]) for month in months]
