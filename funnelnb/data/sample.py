"""The sample company, as a book."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from funnelnb.core.resources import sample_folder
from funnelnb.data.load import load

if TYPE_CHECKING:
    from funnelnb.data.book import Book


def sample(**options: Any) -> Book:
    """What does a book look like, when I have no CRM export at hand?

    Parameters
    ----------
    **options
        Those of :func:`funnelnb.load`, such as ``as_of="2025-12-31"``.

    Returns
    -------
    Book
        The sample company: generated, described in ``data/sample/README.md``.

    Examples
    --------
    >>> sample().playbook.id
    'seven_step'
    """
    return load(sample_folder(), name="sample", **options)
