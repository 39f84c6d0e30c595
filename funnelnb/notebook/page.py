"""From a notebook's parameters to its book."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from funnelnb.data.book import Book


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
    from funnelnb.data.load import load
    from funnelnb.data.sample import sample

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
