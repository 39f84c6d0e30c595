"""From a notebook's parameters to its book, and what happens to a section whose data are missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from funnelnb.analysis.shared.period import named_period
from funnelnb.analysis.shared.question import question
from funnelnb.analysis.shared.result import Unavailable
from funnelnb.core.errors import MissingDataError, ParameterError, nearest, nearest_attribute
from funnelnb.core.options import options
from funnelnb.data.book import Book
from funnelnb.data.count.groups import cohort_codes

if TYPE_CHECKING:
    from collections.abc import Callable


# ---- A section whose table is missing is left out with a sentence; everything else fails loudly ------------


def attempt(analysis: Callable[..., Any], *arguments: Any, **options_: Any) -> Any:
    """What does this analysis say, or what does it lack?

    Parameters
    ----------
    analysis : callable
        Such as ``fn.roles``.
    *arguments, **options_
        What it is called with; one of them is the book.

    Returns
    -------
    Result
        Its result; where the data lack a table or column it needs, a result that shows as one sentence.

    Notes
    -----
    Only a missing table or column is forgiven. Bad values and parameters are errors as ever. What is called with
    a figure of a section that is left out is left out for the same reason.

    Examples
    --------
    >>> import funnelnb as fn
    >>> attempt(fn.man, fn.sample()).rows[0].man
    'MAN'
    """
    given = (*arguments, *options_.values())
    lacking = next((one for one in given if isinstance(one, Unavailable)), None)
    if lacking is not None:
        return lacking
    try:
        return analysis(*arguments, **options_)
    except MissingDataError as error:
        books = [one for one in given if isinstance(one, Book)]
        if not books:
            raise
        return Unavailable(
            n=0,
            method="",
            confidence_level=options().confidence_level,
            as_of=books[-1].as_of,
            currency=books[-1].currency,
            notes=(),
            found=error.found,
            expected=error.expected,
        )


# ---- From a notebook's parameters to its book --------------------------------------------------------------


def open_book(
    data: str | None = None,
    *,
    mapping: str | None = None,
    playbook: str | None = None,
    as_of: str | None = None,
) -> Book:
    """Which book do these notebook parameters name?

    None is "not given"; empty text too, as notebook parameters cannot be None without losing their type.

    Parameters
    ----------
    data : str, optional
        Folder or file of the CRM export; None: the sample company.
    mapping : str, optional
        Settings file that says which column is what; None: the one in the folder, if any.
    playbook : str, optional
        Playbook name or file; None: the one that the settings name.
    as_of : str, optional
        Date after which nothing counts; None: the settings' date or the latest in the data.

    Returns
    -------
    Book
    """
    from funnelnb.data.load import load, sample
    from funnelnb.data.prepared import prepared

    given = {"mapping": mapping or "", "playbook": playbook or "", "as_of": as_of or ""}
    read = prepared({"data": data or "", **given})
    if read is not None:
        return read
    chosen: dict[str, Any] = {name: value for name, value in given.items() if value}
    return load(data, **chosen) if data else sample(**chosen)


@question("notebook")
def pick(book: Book, by: str, value: str | None = None, *, period: str | None = None) -> Book:
    """Which deals is this report about: those whose attribute `by` is `value`, of one period of entry, or all?

    Parameters
    ----------
    book : Book
    by : str
        Attribute, such as ``"region"``.
    value : str, optional
        Its value; None, or empty text from a notebook's parameters, is the whole book.
    period : str, optional
        Week, month, quarter or year in which the deals entered, such as ``"2026-Q1"``; None, or empty text: all.

    Returns
    -------
    Book
        Of one pipeline with its own stages (:meth:`Book.in_pipeline`).

    Raises
    ------
    ParameterError
        The book has no such attribute or value, or no deal entered in the period; the message names the nearest.

    Examples
    --------
    >>> import funnelnb as fn
    >>> len(pick(fn.sample(), "region", "DACH", period="2026-Q1").opportunities)
    113
    """
    picked = book if not value else book.in_pipeline(value) if by == "pipeline" else book.where(**{by: value})
    return entered_in(picked, period) if period else picked


def entered_in(book: Book, period: str) -> Book:
    """Return the deals that entered in a period.

    Raises
    ------
    ParameterError
        It is no period, or no deal entered in it.
    """
    name = named_period("period", period).name
    coded = cohort_codes(book.ledger, length_of(name))
    if name not in coded.labels:
        known = sorted(label for label in coded.labels if label)
        raise ParameterError(
            f"period = {period!r}: no deal entered in it",
            expected="one of " + ", ".join(map(repr, known[-12:])),
            hint=nearest(name, known),
        )
    return book.some(coded.codes == coded.labels.index(name))


def length_of(period: str) -> str:
    """Return whether a period is a week, month, quarter or year, by its name."""
    return "week" if "W" in period else "quarter" if "Q" in period else "month" if "-" in period else "year"


# ---- What deals are compared by -----------------------------------------------------------------------------

COMPARED = ("segment", "customer_type", "product", "source", "team", "owner", "region")
"""Attributes in the order in which one is chosen; others follow in the order of the data."""

GROUPS_MOST = 12
"""More groups than that are a list to search, not a comparison to read."""

_KNOWN_SHARE = 0.5


@question("notebook")
def comparison(book: Book, wanted: str | None = None, *, apart_from: str | None = None) -> str:
    """Which attribute are the deals compared by?

    Parameters
    ----------
    book : Book
    wanted : str, optional
        The attribute asked for; None (or empty text): chosen from what the data have.
    apart_from : str, optional
        Attribute that is the same for all deals here, such as the one that reports are split by.

    Returns
    -------
    str
        `wanted`, or the first attribute with 2 to 12 groups that at least half of the deals have a value of:
        segment, customer type, product, source, team, owner, region, then the data's own.

    Raises
    ------
    ParameterError
        The deals have no attribute `wanted`; the message names the nearest.
    MissingDataError
        Nothing was asked for, and no attribute divides the deals into so many groups.

    Examples
    --------
    >>> import funnelnb as fn
    >>> comparison(fn.sample()), comparison(fn.sample(), "team")
    ('segment', 'team')
    """
    known = book.attributes
    if wanted:
        if wanted not in known:
            raise ParameterError(
                f"segment = {wanted!r}: the deals have no such attribute",
                expected="one of " + ", ".join(known) if known else "a column to group by",
                hint=nearest_attribute(wanted, known),
            )
        return wanted
    ordered = [name for name in COMPARED if name in known]
    ordered += [name for name in known if name not in COMPARED]
    for name in ordered:
        if name != apart_from and _divides(book, name):
            return name
    raise MissingDataError(
        "no attribute divides these deals into groups to compare",
        expected="a column such as segment, product or source, with two values or more",
    )


def _divides(book: Book, name: str) -> bool:
    codes = book.ledger.attributes[name]
    blank = codes.labels.index("") if "" in codes.labels else -1
    known_n = int((codes.codes != blank).sum())
    groups_n = len([label for label in codes.labels if label])
    return 2 <= groups_n <= GROUPS_MOST and known_n >= _KNOWN_SHARE * len(codes.codes)
