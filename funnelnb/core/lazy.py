"""Names of a package that are loaded on first use, and the nearest one where there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import lazy_loader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def attach(
    package: str, file: str, also: Iterable[str] = ()
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Which names does the stub beside a package list?

    Parameters
    ----------
    package, file : str
        Its ``__name__`` and ``__file__``.
    also : iterable of str
        Names that answer without being listed.

    Returns
    -------
    find, listed, names : function, function, list of str
        For ``__getattr__``, ``__dir__`` and ``__all__``. `find` raises AttributeError with the nearest name.

    Examples
    --------
    >>> import funnelnb
    >>> funnelnb.data.porpose
    Traceback (most recent call last):
    AttributeError: module 'funnelnb.data' has no attribute 'porpose'; did you mean 'propose'?
    """
    load, listed, names = lazy_loader.attach_stub(package, file)

    def find(name: str) -> Any:
        try:
            return load(name)
        except AttributeError:
            from funnelnb.core.errors import nearest

            hint = nearest(name, [*names, *also])
            told = f"module {package!r} has no attribute {name!r}{f'; {hint}' if hint else ''}"
            raise AttributeError(told) from None

    return find, listed, names
