"""The display hook: results show themselves without knowing who draws them.

Arrows point down, so a result (in ``analysis``) must not import ``show``. ``show`` registers a renderer
here instead; :class:`Shown` calls it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable


class Renderer(Protocol):
    """What ``funnelnb.show`` registers."""

    def to_frame(self, result: Any) -> Any: ...  # noqa: D102
    def text(self, result: Any, lang: str | None, width: int | None) -> str: ...  # noqa: D102
    def markdown(self, result: Any, lang: str | None) -> str: ...  # noqa: D102
    def html(self, result: Any, lang: str | None) -> str: ...  # noqa: D102
    def finding(self, result: Any, lang: str | None) -> str: ...  # noqa: D102
    def chart(self, result: Any, kind: str | None, lang: str | None) -> Any: ...  # noqa: D102


_RENDERER: list[Renderer] = []


def register(renderer: Renderer) -> None:
    """Make `renderer` the one that draws results."""
    _RENDERER[:] = [renderer]


def renderer() -> Renderer:
    """Return the registered renderer, loading ``funnelnb.show`` on first use."""
    if not _RENDERER:
        importlib.import_module("funnelnb.show")
    return _RENDERER[0]


class Shown:
    """Mixin of every result: the same six ways to look at it.

    ``to_frame()`` for numbers, ``text()``, ``markdown()`` and ``html()`` for tables, ``finding()`` for two
    sentences in words, ``chart()`` for a picture. `lang` is ``"en"`` or ``"zh"``; None is the language set by
    :func:`funnelnb.options`.
    """

    __slots__ = ()

    def to_frame(self) -> Any:
        """Return the result as a pandas DataFrame, one row per thing it is about, machine names as columns."""
        return renderer().to_frame(self)

    def text(self, lang: str | None = None, width: int | None = None) -> str:
        """Return the result as a plain-text table with its caveats.

        `width` is that of the terminal in columns (a Chinese character takes two): sentences are broken to
        fit, figures and single words never are. None: every sentence on one line.
        """
        return renderer().text(self, lang, width)

    def markdown(self, lang: str | None = None) -> str:
        """Return the result as a Markdown table with its caveats."""
        return renderer().markdown(self, lang)

    def html(self, lang: str | None = None) -> str:
        """Return the result as an HTML table (escaped, without random ids) with its caveats."""
        return renderer().html(self, lang)

    def finding(self, lang: str | None = None) -> str:
        """Return what the result says in two sentences, and what it does not say."""
        return renderer().finding(self, lang)

    def chart(self, kind: str | None = None, lang: str | None = None) -> Any:
        """Return a chart of the result; `kind` picks one where a result has several."""
        return renderer().chart(self, kind, lang)

    def __str__(self) -> str:
        return self.text()

    def _repr_mimebundle_(
        self, include: Callable[..., Any] | None = None, exclude: Callable[..., Any] | None = None
    ) -> Any:
        """Show sentence, chart and table in a notebook."""
        return renderer().bundle(self)  # type: ignore[attr-defined]
