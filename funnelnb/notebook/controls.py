"""What do all controls share? They redraw one picture, and where no kernel answers they show the chosen state."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from funnelnb.analysis.shared.counts import grouping
from funnelnb.core.errors import FunnelError
from funnelnb.show import panel
from funnelnb.show.text.errors import error_text
from funnelnb.show.text.words import words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from funnelnb.data.book import Book

MOST_GROUPS = 12
"""An attribute with more values than this is not offered: its chart would not be read."""


class Live(widgets.VBox):
    """Controls and the picture they draw.

    In JupyterLab it is live. Where no kernel answers (a static report) it shows the state that was chosen. A
    subclass makes its controls, offers them (:meth:`_offer`) and says what they draw (:meth:`_outputs`).

    Attributes
    ----------
    picture : ipywidgets.Output
        What is shown now.
    result : Result
        What it shows; the last one that could be worked out.
    """

    result: Any

    def __init__(self, lang: str | None) -> None:
        self._say = words(lang)
        self._refused = ""
        self.picture = widgets.Output()
        self._controls = widgets.Box(layout={"flex_flow": "row wrap", "display": "flex"})
        super().__init__([self._controls, self.picture])

    def _choice(self, description: str, options: Mapping[str, str], value: str) -> widgets.Dropdown:
        """Return a list to choose from; a `value` that is not in it means the first."""
        known = list(options.values())
        return widgets.Dropdown(
            options=list(options.items()), value=value if value in known else known[0], description=description,
            style={"description_width": "initial"}, layout={"width": "max-content"},
        )  # fmt: skip

    def _offer(self, *controls: Any) -> None:
        """Show these controls in a row and redraw whenever one of them changes."""
        self._controls.children = controls
        for control in controls:
            control.observe(self._redraw, "value")

    def _redraw(self, _: Any = None) -> None:
        try:
            shown, self._refused = self._outputs(), ""
        except FunnelError as error:
            self._refused = error_text(str(error), self._say)
            shown = [({"text/plain": self._refused}, {})]
        self.picture.outputs = tuple(
            {"output_type": "display_data", "data": data, "metadata": metadata} for data, metadata in shown
        )

    def _outputs(self) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """Work out the result of the chosen state and return what shows it."""
        raise NotImplementedError

    def _chosen(self) -> str:
        """Return the chosen state in words."""
        return " · ".join(f"{control.description} {_said(control)}" for control in self._controls.children)

    def _still(self) -> str:
        """Return what shows the result where no kernel answers, as HTML."""
        return panel(self.result, self._say.lang)

    def _finding(self) -> str:
        return str(self.result.finding(self._say.lang))

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        """Give JupyterLab the controls and everything else the chosen state."""
        live = super()._repr_mimebundle_(**kwargs) or {}
        data = dict(live[0] if isinstance(live, tuple) else live)
        chosen, said = self._chosen(), self._refused or self._finding()
        refusal = escape(self._refused).replace("\n", "<br>")
        still = f"<p>{refusal}</p>" if self._refused else self._still()
        html, text = (f"<p>{escape(chosen)}</p>", f"{chosen}\n") if chosen else ("", "")
        return {**data, "text/html": html + still, "text/plain": text + said}


def offered(book: Book, by: str | None = None) -> list[str]:
    """Attributes with two to :data:`MOST_GROUPS` values, and the one asked for, however many it has.

    Raises
    ------
    MissingDataError
        The deals have no attribute `by`.
    """
    known, asked = book.ledger.attributes, grouping(book, by)
    return [name for name in known if 1 < len(known[name].labels) <= MOST_GROUPS or name in asked]


def _said(control: Any) -> str:
    """Return what a control stands at, as its reader sees it."""
    label = getattr(control, "label", None)
    if label:
        return str(label)
    return f"{control.value:g}" if isinstance(control.value, float) else str(control.value)
