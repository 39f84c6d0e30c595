"""One guard around every reader: whatever a library raises becomes our error, with place and remedy."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from funnelnb.core.errors import FunnelError, SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

_THROUGH = (FunnelError, KeyboardInterrupt, SystemExit, GeneratorExit, ImportError)


@contextmanager
def guarded(place: str, expected: str = "", hint: str = "") -> Iterator[None]:
    """Turn any error of the block into a SourceError.

    Parameters
    ----------
    place : str
        What was being read, for the message.
    expected, hint : str
        As in :class:`~funnelnb.core.errors.FunnelError`.

    Raises
    ------
    SourceError
        Instead of whatever the block raised; the first error is its cause. Native readers raise panics that are no
        ``Exception``, so that everything but a request to stop is caught.

    Examples
    --------
    >>> with guarded("deals.xlsx"):
    ...     {}["sheet1"]
    Traceback (most recent call last):
    ...
    funnelnb.core.errors.SourceError: deals.xlsx cannot be read (KeyError: 'sheet1')
      expected: an undamaged file
      remedy:   open it in the program it comes from and export it again
    """
    try:
        yield
    except _THROUGH:
        raise
    except MemoryError as error:
        raise SourceError(
            f"{place} does not fit into memory",
            expected="a smaller file",
            hint="export fewer columns or a shorter period",
        ) from error
    except BaseException as error:
        said = " ".join(str(error).split())[:160]
        raise SourceError(
            f"{place} cannot be read ({type(error).__name__}{': ' if said else ''}{said})",
            expected=expected or "an undamaged file",
            hint=hint or "open it in the program it comes from and export it again",
        ) from error
