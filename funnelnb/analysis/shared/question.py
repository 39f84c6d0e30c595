"""What may be asked, and of what? A first slip is answered with the line to write."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from funnelnb.analysis.shared.members import Query
from funnelnb.analysis.shared.result import remember
from funnelnb.core.errors import NOTHING, ParameterError, misnamed, not_a_book, not_a_log
from funnelnb.data.book import Book
from funnelnb.data.count.scan import Scan

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
R = TypeVar("R")


def renamed(**now: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let the names that parameters had before still answer: ``old="new"``.

    Examples
    --------
    >>> @renamed(segment="by")
    ... def compared(by=None):
    ...     return by
    >>> compared(segment="region")
    'region'
    """

    def mark(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def asked(*args: P.args, **kwargs: P.kwargs) -> R:
            for old, new in now.items():
                if old in kwargs and new not in kwargs:
                    kwargs[new] = kwargs.pop(old)
            return function(*args, **kwargs)

        return asked

    return mark


def of_log(
    space: str = "", formerly: Mapping[str, str] | None = None
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Mark a public function whose first argument is an event log, and answer whoever gives it something else.

    Parameters as those of :func:`question`.

    Examples
    --------
    >>> @of_log("behaviour")
    ... def event_n(events: "Events") -> int:
    ...     return len(events)
    >>> event_n("clicks.csv")
    Traceback (most recent call last):
    ...
    funnelnb.core.errors.ParameterError: event_n was given a path, 'clicks.csv'
      expected: an event log
      remedy:   log = fn.events('clicks.csv'), then fn.behaviour.event_n(log)
    """

    def mark(function: Callable[P, R]) -> Callable[P, R]:
        answers = renamed(**(formerly or {}))(function)
        name = f"{space}.{function.__name__}" if space else function.__name__
        first = next(iter(function.__annotations__))
        fits = _fitting(function, name, formerly or {})

        @functools.wraps(function)
        def asked(*args: P.args, **kwargs: P.kwargs) -> R:
            given = args[0] if args else kwargs.get(first, NOTHING)
            if not hasattr(given, "as_of_us"):
                raise not_a_log(name, given)
            fits(args, kwargs)
            return answers(*args, **kwargs)

        return asked

    return mark


def question(
    space: str = "",
    formerly: Mapping[str, str] | None = None,
    *,
    customers: bool = False,
    typed: bool = False,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Mark a public function whose first argument is a book, and answer whoever gives it something else.

    A function that says ``book: Source`` takes a book, a scan or whatever counts like them, one that says
    ``Book | None`` a book or nothing.

    Parameters
    ----------
    space : str
        Namespace of ``funnelnb`` in which the function stands; empty: at the top.
    formerly : Mapping of str to str, optional
        Names that parameters had in 0.1 -> their names now; the old ones still answer.
    customers : bool
        Whether a table of customers alone (path or frame) is as good as a book.
    typed : bool
        Whether counts per stage are as good as a book.

    Raises
    ------
    ParameterError
        When the function is called without a book: what was given, what is accepted, the line to write.

    Examples
    --------
    >>> @question("customers")
    ... def deal_n(book: "Book") -> int:
    ...     return len(book.opportunities)
    >>> deal_n("exports/")
    Traceback (most recent call last):
    ...
    funnelnb.core.errors.ParameterError: deal_n was given a path, 'exports/'
      expected: a book
      remedy:   book = fn.load('exports/'), then fn.customers.deal_n(book)
    """

    def mark(function: Callable[P, R]) -> Callable[P, R]:
        takes = str(function.__annotations__.get("book", "Book"))
        kinds: tuple[type, ...] = (Book, Scan) if "Source" in takes else (Book,)
        may_be_none = "None" in takes
        name = f"{space}.{function.__name__}" if space else function.__name__
        fits = _fitting(function, name, formerly or {})

        @functools.wraps(function)
        def asked(*args: P.args, **kwargs: P.kwargs) -> R:
            given = args[0] if args else kwargs.get("book", NOTHING)
            counts = Scan in kinds and hasattr(given, "playbook")  # whatever counts by the same rules
            counts |= customers and (isinstance(given, (str, os.PathLike)) or hasattr(given, "columns"))
            counts |= typed and isinstance(given, (Sequence, Mapping)) and not isinstance(given, str)
            if not (
                isinstance(given, kinds) or counts or (may_be_none and (given is None or given is NOTHING))
            ):
                raise not_a_book(name, given, scan=len(kinds) > 1, typed=typed)
            fits(args, kwargs)
            for old, new in (formerly or {}).items():
                if old in kwargs and new not in kwargs:
                    kwargs[new] = kwargs.pop(old)
            return _remembered(function, "book", args, kwargs)

        return asked

    return mark


def _fitting(
    function: Callable[..., Any], name: str, formerly: Mapping[str, str]
) -> Callable[[tuple[Any, ...], Mapping[str, Any]], None]:
    """Return a check that arguments are given by the names that a function has, and none is lacking."""
    parameters = inspect.signature(function).parameters.values()
    free = any(one.kind is one.VAR_KEYWORD for one in parameters)
    placed = [one.name for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    spread = any(one.kind is one.VAR_POSITIONAL for one in parameters)
    needed = [one.name for one in parameters if one.kind is one.KEYWORD_ONLY and one.default is one.empty]
    known = [one.name for one in parameters][1:]
    short = name.rpartition(".")[2]

    def fits(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        wrong = next(
            (one for one in kwargs if one not in known and one not in formerly and one not in placed), ""
        )
        if wrong and not free:
            raise misnamed(short, known, wrong)
        if len(args) > len(placed) and not spread:
            by_name = next((one for one in known if one not in placed), known[-1] if known else "")
            raise ParameterError(
                f"{short} was given {args[len(placed)]!r} without its name",
                expected="arguments by name" + (f", such as {by_name}=…" if by_name else ""),
                hint="one of " + ", ".join(known),
            )
        lacking = [one for one in needed if one not in kwargs and one not in map(formerly.get, kwargs)]
        if lacking:
            raise ParameterError(
                f"{short} needs {lacking[0]}=",
                expected=f"fn.{name}({', '.join([*placed[:1], f'{lacking[0]}=…'])})",
            )

    return fits


def remembering(name: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Mark a function whose parameter `name` is a book: its result can list the deals behind its counts."""

    def mark(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def asked(*args: P.args, **kwargs: P.kwargs) -> R:
            return _remembered(function, name, args, kwargs)

        return asked

    return mark


def _remembered(function: Callable[..., R], name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> R:
    """Call a function and let its result carry what was asked of which book."""
    result = function(*args, **kwargs)
    bound = inspect.signature(function).bind(*args, **kwargs)
    bound.apply_defaults()
    given = bound.arguments.get(name)
    if isinstance(given, Book):
        remember(result, Query(book=given, arguments=dict(bound.arguments)))
    return result
