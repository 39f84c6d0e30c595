"""The display hook: results show themselves without knowing who draws them.

Arrows point down, so a result (in ``analysis``) must not import ``show``. ``show`` registers a renderer
here instead; :class:`Shown` calls it.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pandas as pd


class Renderer(Protocol):
    """What ``funnelnb.show`` registers."""

    def to_frame(self, result: Any, table: str | None) -> pd.DataFrame: ...  # noqa: D102
    def tables(self, result: Any) -> tuple[str, ...]: ...  # noqa: D102
    def short(self, result: Any) -> str: ...  # noqa: D102
    def book(self, book: Any) -> str: ...  # noqa: D102
    def text(self, result: Any, lang: str | None, width: int | None) -> str: ...  # noqa: D102
    def markdown(self, result: Any, lang: str | None) -> str: ...  # noqa: D102
    def html(self, result: Any, lang: str | None) -> str: ...  # noqa: D102
    def finding(self, result: Any, lang: str | None) -> str: ...  # noqa: D102
    def chart(self, result: Any, kind: str | None, lang: str | None) -> Any: ...  # noqa: D102
    def error(self, text: str) -> str: ...  # noqa: D102


_RENDERER: list[Renderer] = []


def register(renderer: Renderer) -> None:
    """Make `renderer` the one that draws results."""
    _RENDERER[:] = [renderer]


def renderer() -> Renderer:
    """Return the registered renderer, loading ``funnelnb.show`` on first use."""
    if not _RENDERER:
        importlib.import_module("funnelnb.show")
    return _RENDERER[0]


class Tables(Mapping[str, "pd.DataFrame"]):
    """The tables of a result as data frames, each made when it is asked for."""

    def __init__(self, result: Any, names: tuple[str, ...]) -> None:
        self._result, self._names = result, names

    def __getitem__(self, name: str) -> pd.DataFrame:
        if name not in self._names:
            raise KeyError(name)
        frame: pd.DataFrame = self._result.to_frame(name)
        return frame

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return f"<tables: {', '.join(self._names)}>"

    def _ipython_key_completions_(self) -> list[str]:
        return list(self._names)


class Shown:
    """Mixin of every result: the same ways to look at it.

    ``to_frame()`` and ``tables`` for numbers, ``text()``, ``markdown()`` and ``html()`` for tables,
    ``finding()`` for two sentences in words, ``chart()`` for a picture. `lang` is ``"en"`` or ``"zh"``;
    None is the language set by :func:`funnelnb.options`.
    """

    __slots__ = ("_asked",)

    def to_frame(self, table: str | None = None) -> pd.DataFrame:
        """Return a table of the result as a pandas DataFrame, one row per thing, machine names as columns.

        `table` is one of :attr:`tables`; None: the first, what the result is about.
        """
        return renderer().to_frame(self, table)

    @property
    def tables(self) -> Tables:
        """Every table of the result as a data frame, by name: ``result.tables["curves"]``, ``list(result.tables)``."""
        return Tables(self, renderer().tables(self))

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

    def __repr__(self) -> str:
        return renderer().short(self)

    def _repr_mimebundle_(
        self, include: Callable[..., Any] | None = None, exclude: Callable[..., Any] | None = None
    ) -> Any:
        """Show sentence, chart and table in a notebook."""
        return renderer().bundle(self)  # type: ignore[attr-defined]
