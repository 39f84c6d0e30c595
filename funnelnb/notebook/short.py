"""The answer of a notebook on one screen, and how far ahead its data let it speak."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from funnelnb.analysis.shared.question import question
from funnelnb.analysis.shared.reach import longest_horizon
from funnelnb.show.pages.brief import outputs

if TYPE_CHECKING:
    from funnelnb.data.book import Book


@question("notebook")
def reach(book: Book, horizon_days: float) -> float:
    """How many days ahead can rates of this book be given, up to those wanted?

    Parameters
    ----------
    book : Book
    horizon_days : float
        The horizon wanted.

    Returns
    -------
    float
        The horizon wanted, or the longest that the data allow.

    Examples
    --------
    >>> import funnelnb as fn
    >>> reach(fn.sample(), 180)
    180.0
    """
    return longest_horizon(book, horizon_days)


def in_short(result: Any, *more: Any, wanted_days: float | None = None, lang: str | None = None) -> None:
    """What is the answer, in one screen: a headline, three figures, one picture, what to do?

    Parameters
    ----------
    result : Result
        What answers the question of the notebook.
    *more : Result
        What else belongs to the answer, such as stalled deals beside durations.
    wanted_days : float, optional
        The horizon that was asked for; where the result has a shorter one, that is said. None: nothing is said.
    lang : {"en", "zh"}, optional
        None: the language set by ``fn.options``.

    Notes
    -----
    A report puts what is shown here at the top of its page. Outside a notebook the words are printed.

    Examples
    --------
    >>> import funnelnb as fn
    >>> in_short(fn.conversion(fn.sample(), horizon_days=180), lang="en")  # doctest: +ELLIPSIS
    20.9 % of deals are won within 180 days...
    """
    from IPython import get_ipython
    from IPython.display import display as publish

    made = outputs(result, more, wanted_days=wanted_days or 0.0, lang=lang)
    if get_ipython() is None:
        print("\n\n".join(data["text/plain"] for data, _ in made))
        return
    for data, metadata in made:
        publish(data, raw=True, metadata=metadata)
