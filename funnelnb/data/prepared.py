"""A book that a run has read once, for its reports to take instead of reading the same data again.

All reports of a run then speak of the same state of the data, also where somebody replaces a file meanwhile, and
a region does not wait for the reading of all. The folder belongs to the run: private, and gone with it.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from funnelnb.data.book import Book

PLACE = "FUNNELNB_BOOKS"
"""Environment variable: folder in which books of this run lie."""


def prepare(book: Book, folder: Path, asked: dict[str, Any]) -> None:
    """Store a book for the reports of a run.

    Parameters
    ----------
    book : Book
    folder : pathlib.Path
        Only this user may enter it.
    asked : dict
        The words by which notebooks ask for it: data, mapping, playbook, as_of, as their parameters spell them.
    """
    book.ledger  # noqa: B018 - built once, for all
    part = folder / f"{_name(asked)}.part"
    with part.open("wb") as file:
        pickle.dump(book, file, protocol=pickle.HIGHEST_PROTOCOL)
    part.replace(folder / _name(asked))


def prepared(asked: dict[str, Any]) -> Book | None:
    """Return the book that was stored for exactly these words, None where there is none.

    Parameters
    ----------
    asked : dict
        As for :func:`prepare`.
    """
    folder = os.environ.get(PLACE, "")
    if not folder or not _private(Path(folder)):
        return None
    try:
        with (Path(folder) / _name(asked)).open("rb") as file:
            book: Book = pickle.load(file)  # noqa: S301 - stored by this run in a folder that only its user may enter
    except OSError:
        return None
    return book


def _name(asked: dict[str, Any]) -> str:
    return hashlib.sha256(repr(sorted(asked.items())).encode()).hexdigest()[:32] + ".book"


def _private(folder: Path) -> bool:
    """Is the folder ours alone?"""
    try:
        about = folder.stat()
    except OSError:
        return False
    if not hasattr(os, "getuid"):
        return True
    return about.st_uid == os.getuid() and not stat.S_IMODE(about.st_mode) & 0o077
