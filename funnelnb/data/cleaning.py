"""Duplicates, orders in two channels, spellings and tests: proposed, decided in one file, made, taken back."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funnelnb.core.errors import SourceError
from funnelnb.core.note import Note
from funnelnb.data.book import Book
from funnelnb.data.load import load
from funnelnb.data.read.guard import guarded
from funnelnb.data.tidy.changes import KINDS, Change, Made, answered, make, read_changes, undo, write_changes
from funnelnb.data.tidy.find import find

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

CHANGES = "changes.csv"
"""The file in which changes are accepted or refused."""

LEFT_OUT = "left_out"
"""Folder of the rows that are left out, beside the cleaned tables."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaning:
    """What should be changed in a book, and what becomes of it.

    Attributes
    ----------
    book : Book
        As it was; it is never changed.
    changes : tuple
        Each with what stood there before and after, and whether it is accepted.
    """

    book: Book
    changes: tuple[Change, ...]

    @property
    def counts(self) -> dict[str, tuple[int, int]]:
        """Kind of finding = (how many findings, how many of them accepted)."""
        found = {(one.kind, one.id.partition(".")[0]): one.accept for one in self.changes}
        all_n, yes_n = (
            Counter(kind for kind, _ in found),
            Counter(kind for (kind, _), yes in found.items() if yes),
        )
        return {kind: (all_n[kind], yes_n[kind]) for kind in KINDS if all_n[kind]}

    def write(self, path: str | Path) -> Path:
        """Write all changes into one CSV file; in its column ``accept`` stands yes or no."""
        target = Path(path)
        write_changes(self.changes, target)
        return target

    def decided(self, path: str | Path) -> Cleaning:
        """Return the same with the changes accepted or refused as a file says."""
        return replace(self, changes=tuple(read_changes(Path(path))))

    def accepted(self, *, everything: bool = True) -> Cleaning:
        """Return the same with every change accepted, or every one refused."""
        return replace(self, changes=tuple(answered(self.changes, accept=everything)))

    def made(self) -> Made:
        """Make the accepted changes; ``left_out`` holds the rows that are left out, whole.

        Raises
        ------
        ParameterError
            A change is not about these data.
        """
        return make(self.book.tables, _one_each(self.changes))

    def cleaned(self) -> Book:
        """Return the book with the accepted changes made, and a note that says how many."""
        made = self.made()
        tables = {name: frame.reset_index(drop=True) for name, frame in made.tables.items()}
        gone = (
            set(made.left_out["opportunities"]["opportunity_id"])
            if "opportunities" in made.left_out
            else set()
        )
        for name, frame in tables.items():
            if name != "opportunities" and "opportunity_id" in frame and gone:
                tables[name] = frame[~frame["opportunity_id"].isin(gone)].reset_index(drop=True)
        facts = {"n": len(made.changes), "rows_n": sum(map(len, made.left_out.values()))}
        return replace(self.book, tables=tables, notes=(*self.book.notes, Note("cleaned", facts)))


def _one_each(changes: Sequence[Change]) -> list[Change]:
    """Of accepted changes that touch one cell or row keep the first: a row that is left out has no other change."""
    accepted = [one for one in changes if one.accept]
    gone = {(one.table, one.key) for one in accepted if not one.column}
    taken: dict[tuple[str, str, str], Change] = {}
    for one in accepted:
        if not one.column or (one.table, one.key) not in gone:
            taken.setdefault((one.table, one.key, one.column), one)
    return list(taken.values())


def cleaning(source: Any, **options: Any) -> Cleaning:
    """What stands in these data twice, is spelled in two ways, or is no deal?

    Parameters
    ----------
    source : Book, path, frame or dict
    **options
        As for :func:`funnelnb.load`, where `source` is no book.

    Returns
    -------
    Cleaning
        Changes with before and after. Those in which only the writing differs (case, blanks, legal forms, whole rows,
        one order number of one customer) are accepted, all others wait for a person. Nothing is changed in the
        source, and nothing is lost: rows that are left out are kept apart and can be put back.

    Notes
    -----
    Names are compared word by word with the ratio of Levenshtein's distance (rapidfuzz); numbers and short words
    must be equal. On planted duplicates (legal forms, case, order of words, one slip of the pen): precision 1.00,
    recall 0.92 to 1.00 (``tests/data/tidy``).

    References
    ----------
    Levenshtein, V. I. (1966). Binary codes capable of correcting deletions, insertions and reversals.
       *Soviet Physics Doklady* 10, 707-710.

    Examples
    --------
    >>> import pandas as pd
    >>> deals = pd.DataFrame({"opportunity_id": ["1", "2", "3"], "stage": ["won"] * 3,
    ...                       "product": ["GTX Pro", "GTX Pro", "GTXPro"], "closed_at": ["2026-01-05"] * 3})
    >>> found = cleaning(deals, playbook=["lead", "won"])
    >>> [(one.before, one.after, one.accept) for one in found.changes]
    [('GTXPro', 'GTX Pro', True)]
    >>> found.cleaned().opportunities["product"].unique().tolist()
    ['GTX Pro']
    """
    book = source if isinstance(source, Book) else load(source, **options)
    return Cleaning(book=book, changes=tuple(find(book.tables)))


def taken_back(made: Made) -> dict[str, pd.DataFrame]:
    """Return the tables as they were before the changes were made.

    Parameters
    ----------
    made : Made
        What :meth:`Cleaning.made` returned.

    Examples
    --------
    >>> from funnelnb.data.load import sample
    >>> book = sample()
    >>> back = taken_back(cleaning(book).made())
    >>> back["opportunities"].equals(book.opportunities)
    True
    """
    return undo(made)


def followed(book: Book, made: Made) -> dict[str, pd.DataFrame]:
    """Which rows of other tables go with the deals that are left out, such as their history?"""
    if "opportunities" not in made.left_out:
        return {}
    gone = set(made.left_out["opportunities"]["opportunity_id"])
    return {
        name: frame[frame["opportunity_id"].isin(gone)]
        for name, frame in book.tables.items()
        if name != "opportunities" and "opportunity_id" in frame and frame["opportunity_id"].isin(gone).any()
    }


def read_back(folder: Path) -> dict[str, pd.DataFrame]:
    """Return the tables as they were before `funnelnb clean` made its changes in a folder.

    Parameters
    ----------
    folder : Path
        Cleaned tables, the file of changes, and the rows that were left out.

    Raises
    ------
    SourceError
        The folder holds no cleaned tables.
    ParameterError
        The file of changes does not belong to them.
    """
    import numpy as np
    import pandas as pd

    if not (folder / CHANGES).is_file() or not (folder / "opportunities.parquet").is_file():
        raise SourceError(
            f"{folder} holds no cleaned tables",
            expected=f"the folder that funnelnb clean DATA --changes {CHANGES} has written",
            hint="name that folder: funnelnb clean NAME-clean --undo",
        )
    with guarded(folder.name, "tables as funnelnb clean has written them", "clean the export again"):
        tables = {one.stem: pd.read_parquet(one) for one in sorted(folder.glob("*.parquet"))}
        left = {one.stem: pd.read_parquet(one) for one in sorted((folder / LEFT_OUT).glob("*.parquet"))}
        for name, rows in left.items():
            places = np.setdiff1d(np.arange(len(tables[name]) + len(rows)), rows.index)
            tables[name].index = pd.Index(places)
        changes = tuple(_one_each(read_changes(folder / CHANGES)))
        made = undo(Made(tables=tables, left_out=left, changes=changes))
    return {name: frame.reset_index(drop=True) for name, frame in made.items()}
