"""The same deals seen through another stage model."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from funnelnb.core.errors import not_a_book
from funnelnb.core.note import Note
from funnelnb.playbooks import load_playbook
from funnelnb.playbooks.model import Playbook
from funnelnb.playbooks.translate import translate

if TYPE_CHECKING:
    from funnelnb.data.book import Book


_STAGE_COLUMNS = {"opportunities": "stage", "stage_history": "stage"}


def seen_as(book: Book, playbook: str | Playbook) -> Book:
    """How do the same deals look through another stage model?

    Parameters
    ----------
    book : Book
    playbook : str or Playbook
        Name of a built-in playbook, path of a file, or a playbook.

    Returns
    -------
    Book
        The same deals, dates and amounts with the other model's stages, and a note that says so. The book itself when
        it already uses that playbook.

    Raises
    ------
    PlaybookError
        The stages cannot be placed: see :func:`funnelnb.playbooks.translate.translate`.

    Notes
    -----
    A stage goes to the stage of the same name, else to the last one whose win weight is not higher, so several
    stages may become one: moving between those is then no step. Won and lost are not touched.

    Checked against a hand-made translation and the won and lost counts in ``tests/data/test_view.py``.

    Examples
    --------
    >>> import funnelnb as fn
    >>> fn.data.seen_as(fn.sample(), "product_funnel").playbook.id
    'product_funnel'
    """
    if not hasattr(book, "opportunities"):
        raise not_a_book("data.seen_as", book)
    target = playbook if isinstance(playbook, Playbook) else load_playbook(playbook)
    if target == book.playbook:
        return book
    places = translate(book.playbook, target)
    tables = dict(book.tables)
    for name, column in _STAGE_COLUMNS.items():
        if name in tables and column in tables[name]:
            stages = tables[name][column]
            tables[name] = tables[name].assign(
                **{column: stages.map(places).where(stages.isin(list(places)), stages)}
            )
    note = Note("seen_as", {"source": book.playbook.id, "target": target.id})
    return replace(book, tables=tables, playbook=target, notes=(*book.notes, note))


def views(book: Book) -> tuple[str, ...]:
    """Which built-in playbooks can these deals be seen through? The book's own comes first.

    Parameters
    ----------
    book : Book

    Returns
    -------
    tuple of str
        Playbook ids.
    """
    from funnelnb.core.errors import PlaybookError
    from funnelnb.playbooks import library

    fitting = [book.playbook.id]
    for name in library():
        target = load_playbook(name)
        if target.id == book.playbook.id:
            continue
        try:
            translate(book.playbook, target)
        except PlaybookError:
            continue
        fitting.append(target.id)
    return tuple(fitting)
