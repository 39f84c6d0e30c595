"""A section whose table is missing is one sentence, and so is what builds on it; all else fails loudly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from funnelnb.analysis.unavailable import Unavailable
from funnelnb.core.errors import MissingDataError
from funnelnb.core.options import options
from funnelnb.data.book import Book

if TYPE_CHECKING:
    from collections.abc import Callable


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
