"""From a notebook's parameters to its book, and what happens to a section whose data are missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from funnelnb.analysis.shared.result import Unavailable
from funnelnb.core.errors import MissingDataError
from funnelnb.core.options import options
from funnelnb.data.book import Book

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
    Only a missing table or column is forgiven. Bad values and parameters are errors as ever.

    Examples
    --------
    >>> import funnelnb as fn
    >>> attempt(fn.man, fn.sample()).rows[0].man
    'MAN'
    """
    try:
        return analysis(*arguments, **options_)
    except MissingDataError as error:
        books = [one for one in (*arguments, *options_.values()) if isinstance(one, Book)]
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


def open_book(data: str = "", *, mapping: str = "", playbook: str = "", as_of: str = "") -> Book:
    """Which book do these notebook parameters name?

    Empty text means "not given", as notebook parameters cannot be None without losing their type.

    Parameters
    ----------
    data : str
        Folder or file of the CRM export; empty: the sample company.
    mapping : str
        Settings file that says which column is what; empty: the one in the folder, if any.
    playbook : str
        Playbook name or file; empty: the one that the settings name.
    as_of : str
        Date after which nothing counts; empty: the settings' date or the latest in the data.

    Returns
    -------
    Book
    """
    from funnelnb.data.load import load, sample

    given = {"mapping": mapping, "playbook": playbook, "as_of": as_of}
    chosen: dict[str, Any] = {name: value for name, value in given.items() if value}
    return load(data, **chosen) if data else sample(**chosen)


def pick(book: Book, by: str, value: str = "") -> Book:
    """Which deals is this report about: those whose attribute `by` is `value`, or all when `value` is empty.

    Parameters
    ----------
    book : Book
    by : str
        Attribute, such as ``"region"``.
    value : str
        Its value; empty for the whole book.

    Returns
    -------
    Book

    Raises
    ------
    ParameterError
        The book has no such attribute or value; the message names the nearest.
    """
    return book.where(**{by: value}) if value else book
