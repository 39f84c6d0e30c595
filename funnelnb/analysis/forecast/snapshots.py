"""What was known then, and how did the pipeline move since? The public face of a store of snapshots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from funnelnb.analysis.forecast.moved import Waterfall, waterfall
from funnelnb.core.errors import Advice, ParameterError
from funnelnb.data.book import Book
from funnelnb.data.snapshots import Kept, Store

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence


class Snapshots(Store):
    """Dated snapshots of a pipeline, and what happened between them.

    Examples
    --------
    >>> import tempfile
    >>> import funnelnb as fn
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = fn.forecasts.snapshots(folder)
    ...     for day in ("2026-03-31", "2026-06-30"):
    ...         _ = store.append(fn.sample(as_of=day))
    ...     moved = store.moved("2026-03-31", "2026-06-30")
    >>> moved.bar("opening").deal_n + sum(row.net_n for row in moved.rows if not row.group and row.bar not in
    ...     ("opening", "closing")) == moved.bar("closing").deal_n
    True
    """

    def __repr__(self) -> str:
        days = self.dates
        span = f"{days[0]} to {days[-1]}" if days else "none yet"
        return f"<Snapshots {str(self.path)!r}: {len(days)} ({span})>"

    def append(self, book: Book, *, anew: bool = False) -> Kept:
        """Keep what a book holds as what was known on its as-of date; see :meth:`Store.append`."""
        if not isinstance(book, Book):
            raise ParameterError(
                f"append was given {type(book).__name__}",
                expected="a book",
                hint="store.append(fn.load('export/', as_of='2026-06-30'))",
            )
        return super().append(book, anew=anew)

    def moved(
        self,
        since: Any,
        until: Any,
        *,
        period: str | None = None,
        by: str | Sequence[str] = ("owner", "region"),
    ) -> Waterfall:
        """How did the open pipeline of one day become that of another?

        Parameters
        ----------
        since, until : date or ISO text
            The last snapshot up to each day is taken.
        period, by
            As in :func:`funnelnb.analysis.forecast.moved.waterfall`.

        Returns
        -------
        Waterfall

        Raises
        ------
        MissingDataError
            There is no snapshot up to `since`.
        ParameterError
            Both days have the same snapshot, or are not in order.
        """
        first, second = self.day_of(since), self.day_of(until)
        if first >= second:
            raise ParameterError(
                f"from {since} to {until}: the snapshots of {first} and {second}",
                expected="two snapshots, the earlier first",
                hint="there are: " + ", ".join(self.dates[-8:]),
            )
        earlier = [day for day in self.dates if day < first]
        seen = frozenset(
            one for day in earlier for one in self.at(day).opportunities["opportunity_id"].tolist()
        )
        return waterfall(self.at(first), self.at(second), period=period, by=by, seen_before=seen)


def snapshots(path: str | os.PathLike[str]) -> Snapshots:
    """Which dated exports were kept, and what was known on each day?

    Parameters
    ----------
    path : path
        Folder of the store, such as ``"pipeline/"``; made by the first snapshot that is kept.

    Returns
    -------
    Snapshots
        ``.append(book)`` keeps one, ``.dates`` lists them, ``.at(day)`` is the book as it was known that day,
        ``.moved(since, until)`` the waterfall between two days.

    Raises
    ------
    ParameterError
        `path` is no path of a folder.

    Examples
    --------
    >>> import funnelnb as fn
    >>> fn.forecasts.snapshots("pipeline/").dates
    ()
    """
    import os
    from pathlib import Path

    if not isinstance(path, (str, os.PathLike)) or not str(path) or Path(path).is_file():
        raise ParameterError(
            Advice(f"snapshots was given {path!r}", typed=f"--store {path!r}"),
            expected="the folder of a store",
            hint=Advice("fn.forecasts.snapshots('pipeline/')", typed="--store pipeline/"),
        )
    return Snapshots(path)
