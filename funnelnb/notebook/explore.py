"""Controls over a book: they change an argument, call the public function again and show what comes back."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from funnelnb.analysis.conversion import conversion
from funnelnb.core.errors import FunnelError
from funnelnb.data.view import seen_as, views
from funnelnb.playbooks import load_playbook
from funnelnb.show import outputs, panel
from funnelnb.show.words import words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from funnelnb.analysis.conversion import Conversion
    from funnelnb.data.book import Book

MOST_GROUPS = 12
"""An attribute with more values than this is not offered: its chart would not be read."""

LONGEST_DAYS, STEP_DAYS = 540, 15
"""Range of the horizon slider."""


class Explorer(widgets.VBox):
    """Controls and the chart they draw.

    In JupyterLab it is live. Where no kernel answers (a static report) it shows the state that was chosen.

    Attributes
    ----------
    playbook, stage, segment, horizon : widget
        The four controls; setting their ``value`` is what a hand does.
    picture : ipywidgets.Output
        Sentence, chart and table of :attr:`result`.
    result : Conversion
        What is shown now.
    """

    def __init__(self, book: Book, *, segment: str, horizon_days: float, lang: str | None) -> None:
        self._say = words(lang)
        self._seen = functools.lru_cache(maxsize=None)(lambda name: seen_as(book, name))
        self._book = book
        self.result: Conversion
        label = functools.partial(self._say.get)
        offered = _attributes(book)
        self.playbook = _choice(
            label("explore.playbook"), {self._name(one): one for one in views(book)}, book.playbook.id
        )
        self.stage = _choice(label("explore.stage"), self._stages(book), book.playbook.stage_ids[0])
        groups = {label("explore.whole"): "", **{self._field(name): name for name in offered}}
        self.segment = _choice(label("explore.segment"), groups, segment if segment in offered else "")
        self.horizon = widgets.IntSlider(
            value=int(horizon_days), min=STEP_DAYS, max=max(LONGEST_DAYS, int(horizon_days)), step=STEP_DAYS,
            description=label("explore.horizon"), continuous_update=False, style={"description_width": "initial"},
            layout={"width": "22em"},
        )  # fmt: skip
        self.picture = widgets.Output()
        controls = widgets.Box(
            [self.segment, self.horizon, self.stage, self.playbook],
            layout={"flex_flow": "row wrap", "display": "flex"},
        )
        super().__init__([controls, self.picture])
        for control in (self.segment, self.horizon, self.stage):
            control.observe(self._redraw, "value")
        self.playbook.observe(self._change_playbook, "value")
        self._redraw()

    def _stages(self, book: Book) -> dict[str, str]:
        before = book.playbook.stages[: book.playbook.won]
        return {stage.label[self._say.lang]: stage.id for stage in before}

    def _name(self, playbook: str) -> str:
        known = self._book.playbook if playbook == self._book.playbook.id else load_playbook(playbook)
        return known.label[self._say.lang]

    def _field(self, name: str) -> str:
        return self._say.attribute(name)

    def _view(self) -> Book:
        same = self.playbook.value == self._book.playbook.id
        return self._book if same else self._seen(self.playbook.value)

    def _change_playbook(self, _: Any) -> None:
        """Offer the other model's stages; the chart follows because the chosen stage changes or by hand."""
        with self.hold_trait_notifications():
            self.stage.unobserve(self._redraw, "value")
            self.stage.options = list(self._stages(self._view()).items())
            self.stage.observe(self._redraw, "value")
        self._redraw()

    @property
    def _kind(self) -> str:
        return "rates" if self.segment.value else "outcome"

    def _redraw(self, _: Any = None) -> None:
        try:
            self.result = conversion(
                self._view(),
                by=self.segment.value or None,
                horizon_days=self.horizon.value,
                origin_stage=self.stage.value,
            )
            shown = outputs(self.result, self._say.lang, chart=self._kind, table=False, still=False)
        except FunnelError as error:
            shown = [({"text/plain": str(error)}, {})]
        self.picture.outputs = tuple(
            {"output_type": "display_data", "data": data, "metadata": metadata} for data, metadata in shown
        )

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        """Give JupyterLab the controls and everything else the chosen state."""
        live = super()._repr_mimebundle_(**kwargs) or {}
        data = dict(live[0] if isinstance(live, tuple) else live)
        chosen = " · ".join(
            f"{control.description} {_shown(control)}" for control in self.children[0].children
        )
        still = panel(self.result, self._say.lang, self._kind, table=False)
        return {
            **data,
            "text/html": f"<p>{chosen}</p>{still}",
            "text/plain": f"{chosen}\n{self.result.finding(self._say.lang)}",
        }


def explore(
    book: Book, *, segment: str = "segment", horizon_days: float = 180.0, lang: str | None = None
) -> Explorer:
    """What if I look at another segment, horizon, stage or stage model?

    Parameters
    ----------
    book : Book
    segment : str
        Attribute compared at first; one that the book does not have means no comparison.
    horizon_days : float
        Horizon at first, in days.
    lang : {"en", "zh"}, optional
        None: the language in force.

    Returns
    -------
    Explorer
        Controls that redraw the chart without running the notebook again.
    """
    return Explorer(book, segment=segment, horizon_days=horizon_days, lang=lang)


def _attributes(book: Book) -> list[str]:
    """Attributes with two to :data:`MOST_GROUPS` values."""
    known = book.ledger.attributes
    return [name for name in known if 1 < len(known[name].labels) <= MOST_GROUPS]


def _choice(description: str, options: Mapping[str, str], value: str) -> widgets.Dropdown:
    return widgets.Dropdown(
        options=list(options.items()), value=value, description=description, style={"description_width": "initial"},
        layout={"width": "max-content"},
    )  # fmt: skip


def _shown(control: Any) -> str:
    return str(getattr(control, "label", None) or control.value)
