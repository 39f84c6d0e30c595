"""What is typical of amounts, what is spread, what is an outlier, and does the mean mislead?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.analysis.diagnosis.desk import Desk
from funnelnb.analysis.shared.counts import grouping, level, source_notes
from funnelnb.analysis.shared.question import remembering
from funnelnb.analysis.shared.result import Result
from funnelnb.core import check
from funnelnb.core.check import TOO_FEW_N
from funnelnb.core.errors import MissingDataError, ParameterError
from funnelnb.core.note import Note
from funnelnb.data.book import Book
from funnelnb.stats.totals.means import mean_interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

OF = ("won", "open", "all", "owner_won")
MISLEADS = 1.25
"""The mean misleads from so many times the median on, or its reciprocal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeRow:
    """Figures of one group.

    Attributes
    ----------
    group : tuple of str
    value_n : int
    mean_amount, mean_ci_lower, mean_ci_upper : float
    median_amount : float
    mode_amount : float
        Most frequent value; NaN where none comes twice, or several come equally often.
    mode_n : int
        How often it comes.
    sd_amount : float
        Standard deviation (n - 1).
    low_amount, high_amount, range_amount : float
    first_quartile_amount, third_quartile_amount : float
    outlier_n : int
        Values beyond the quartiles by more than 1.5 times their distance, on the log scale where all are above 0.
    without_amount : float
        Mean without the outliers.
    misleads : bool
        Mean and median are far apart: the median tells what is typical.
    enough : bool
    """

    group: tuple[str, ...]
    value_n: int
    mean_amount: float
    mean_ci_lower: float
    mean_ci_upper: float
    median_amount: float
    mode_amount: float
    mode_n: int
    sd_amount: float
    low_amount: float
    high_amount: float
    range_amount: float
    first_quartile_amount: float
    third_quartile_amount: float
    outlier_n: int
    without_amount: float
    misleads: bool
    enough: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlier:
    """One value far from the others.

    Attributes
    ----------
    group : tuple of str
    name : str
        The deal, or the person; empty for typed numbers.
    outlier_amount : float
    side : {"high", "low"}
    """

    group: tuple[str, ...]
    name: str
    outlier_amount: float
    side: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Description(Result):
    """Descriptive statistics. `n` counts values.

    Attributes
    ----------
    by : tuple of str
    of : {"won", "open", "all", "owner_won", "typed"}
        Amounts of won, open or all deals, amount won per person, or typed numbers.
    rows : tuple of DescribeRow
        All first.
    outliers : tuple of Outlier
        Of all values together, the farthest first.
    """

    by: tuple[str, ...]
    of: str
    rows: tuple[DescribeRow, ...]
    outliers: tuple[Outlier, ...]


@remembering("values")
def describe(
    values: Book | Sequence[float],
    *,
    of: str = "won",
    by: str | None = None,
    confidence_level: float | None = None,
) -> Description:
    """What is typical of amounts, how far are they spread, which are outliers, and does the mean mislead?

    Parameters
    ----------
    values : Book or sequence of float
        A book, or numbers as typed.
    of : {"won", "open", "all", "owner_won"}
        Of a book: amounts of won, open or all deals; or the amount that each person won.
    by : str, optional
        Attribute to group by (not for typed numbers or per person).
    confidence_level : float, optional

    Returns
    -------
    Description

    Raises
    ------
    ParameterError
        Typed numbers that are none.
    MissingDataError
        No amount is known.

    Notes
    -----
    Standard deviation with n - 1; quartiles by linear interpolation. Interval of the mean: Student's t.

    Checked against pandas and a team of nine around 100 thousand with one at a million, where the median is 100
    thousand and the mean 190 thousand (DOMAIN D7): ``tests/analysis/test_diagnosis_more.py``.

    Examples
    --------
    >>> import funnelnb as fn
    >>> team = fn.diagnosis.describe([100_000] * 9 + [1_000_000])
    >>> row = team.rows[0]
    >>> row.mean_amount, row.median_amount, row.misleads
    (190000.0, 100000.0, True)
    """
    confidence = level(confidence_level)
    if not isinstance(values, Book):
        numbers = _typed(values)
        return _result(None, "typed", (), [((), numbers, [""] * numbers.size)], confidence)
    check.one_of("of", of, OF)
    names = grouping(values, by)
    if of == "owner_won":
        if names:
            raise ParameterError(f"of = {of!r} with by = {by!r}", expected="one of them")
        return _result(values, of, (), [_per_person(values)], confidence)
    desk = Desk(values, "owner")
    mask = {"won": desk.won, "open": desk.in_hand, "all": np.ones(len(desk.won), bool)}[of]
    known = np.flatnonzero(mask & ~np.isnan(desk.ledger.amount))
    if not known.size:
        raise MissingDataError("descriptive statistics: no amount is known", expected="amounts of such deals")
    amounts, ids = desk.ledger.amount[known], desk.ledger.deal_ids[known]
    groups: list[tuple[tuple[str, ...], Floats, Sequence[str]]] = [((), amounts, list(map(str, ids)))]
    for name in names:
        coded = desk.ledger.attributes[name]
        for code, label in enumerate(coded.labels):
            mine = coded.codes[known] == code
            if mine.any():
                groups.append(((label,), amounts[mine], []))
    return _result(values, of, names, groups, confidence, unknown=int(mask.sum()) - known.size)


def _typed(values: Any) -> Floats:
    try:
        numbers = np.asarray(list(values), dtype=np.float64)
    except (TypeError, ValueError):
        raise ParameterError(
            f"values = {values!r}"[:200],
            expected="a book, or numbers",
            hint="fn.diagnosis.describe([100, 120, 95])",
        ) from None
    if numbers.ndim != 1 or not numbers.size or not np.isfinite(numbers).all():
        raise ParameterError("values are empty or not finite", expected="at least one number")
    return numbers


def _per_person(book: Book) -> tuple[tuple[str, ...], Floats, Sequence[str]]:
    desk = Desk(book, "owner")
    if not desk.names:
        raise MissingDataError("per person: the deals name no owner", expected="a column owner")
    won = desk.sums(desk.won, np.nan_to_num(desk.ledger.amount))
    return (), won[desk.people], [desk.names[unit - 1] for unit in desk.people]


def _result(
    book: Book | None,
    of: str,
    by: tuple[str, ...],
    groups: Sequence[tuple[tuple[str, ...], Floats, Sequence[str]]],
    confidence: float,
    unknown: int = 0,
) -> Description:
    whole = groups[0]
    notes = (*book.notes, *source_notes(book)) if book is not None else ()
    if unknown:
        notes += (Note("amounts_left_out", {"deals_n": unknown}),)
    return Description(
        n=int(whole[1].size),
        method="describe",
        confidence_level=confidence,
        as_of=book.as_of if book is not None else np.datetime64("NaT", "s"),
        currency=book.currency if book is not None else "",
        notes=notes,
        by=by,
        of=of,
        rows=tuple(_row(group, numbers, confidence) for group, numbers, _ in groups),
        outliers=_outliers(whole),
    )


def _row(group: tuple[str, ...], values: Floats, confidence: float) -> DescribeRow:
    mean, lower, upper = mean_interval(values, confidence)
    first, median, third = (float(one) for one in np.quantile(values, [0.25, 0.5, 0.75]))
    out = _far(values)
    found, times = np.unique(values, return_counts=True)
    often = int(times.max())
    single = often > 1 and (times == often).sum() == 1
    ratio = mean / median if median > 0 and mean > 0 else 1.0
    kept = values[out == 0]
    return DescribeRow(
        group=group, value_n=values.size, mean_amount=mean, mean_ci_lower=lower, mean_ci_upper=upper,
        median_amount=median, mode_amount=float(found[times.argmax()]) if single else float("nan"),
        mode_n=often if single else 0, sd_amount=float(values.std(ddof=1)) if values.size > 1 else float("nan"),
        low_amount=float(values.min()), high_amount=float(values.max()), range_amount=float(np.ptp(values)),
        first_quartile_amount=first, third_quartile_amount=third, outlier_n=int((out != 0).sum()),
        without_amount=float(kept.mean()) if kept.size else float("nan"),
        misleads=bool(max(ratio, 1 / ratio) >= MISLEADS), enough=values.size >= TOO_FEW_N,
    )  # fmt: skip


def _far(values: Floats) -> NDArray[np.int64]:
    """Return 1 for values far above, -1 for values far below the others, 0 for the rest."""
    if values.size < 4:
        return np.zeros(values.size, np.int64)
    scale = np.log(values) if (values > 0).all() else values
    first, third = np.quantile(scale, [0.25, 0.75])
    reach = 1.5 * (third - first)
    return np.asarray((scale > third + reach).astype(np.int64) - (scale < first - reach))


def _outliers(whole: tuple[tuple[str, ...], Floats, Sequence[str]]) -> tuple[Outlier, ...]:
    group, values, names = whole
    far = _far(values)
    order = sorted(np.flatnonzero(far).tolist(), key=lambda k: (-abs(values[k]), names[k]))
    return tuple(
        Outlier(
            group=group,
            name=names[k],
            outlier_amount=float(values[k]),
            side="high" if far[k] > 0 else "low",
        )
        for k in order
    )
