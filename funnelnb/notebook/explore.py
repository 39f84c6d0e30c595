"""Controls over a book: they change an argument, call the public function again and show what comes back."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from funnelnb.analysis.conversion import conversion
from funnelnb.data.view import seen_as, views
from funnelnb.notebook.controls import Live, offered
from funnelnb.playbooks import load_playbook
from funnelnb.show import outputs, panel

if TYPE_CHECKING:
    from funnelnb.analysis.conversion import Conversion
    from funnelnb.data.book import Book

LONGEST_DAYS, STEP_DAYS = 540, 15
"""Range of the horizon slider."""


class Explorer(Live):
    """Controls over conversion, and the chart they draw.

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
        super().__init__(lang)
        self._seen = functools.lru_cache(maxsize=None)(lambda name: seen_as(book, name))
        self._book = book
        self.result: Conversion
        label, groups = self._say.get, offered(book)
        self.playbook = self._choice(
            label("explore.playbook"), {self._name(one): one for one in views(book)}, book.playbook.id
        )
        self.stage = self._choice(label("explore.stage"), self._stages(book), book.playbook.stage_ids[0])
        segments = {label("explore.whole"): "", **{self._say.attribute(name): name for name in groups}}
        self.segment = self._choice(label("explore.segment"), segments, segment)
        self.horizon = widgets.IntSlider(
            value=int(horizon_days), min=STEP_DAYS, max=max(LONGEST_DAYS, int(horizon_days)), step=STEP_DAYS,
            description=label("explore.horizon"), continuous_update=False, style={"description_width": "initial"},
            layout={"width": "22em"},
        )  # fmt: skip
        self._offer(self.segment, self.horizon, self.stage, self.playbook)
        self.playbook.unobserve(self._redraw, "value")
        self.playbook.observe(self._change_playbook, "value")
        self._redraw()

    def _stages(self, book: Book) -> dict[str, str]:
        before = book.playbook.stages[: book.playbook.won]
        return {stage.label[self._say.lang]: stage.id for stage in before}

    def _name(self, playbook: str) -> str:
        known = self._book.playbook if playbook == self._book.playbook.id else load_playbook(playbook)
        return known.label[self._say.lang]

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

    def _outputs(self) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        self.result = conversion(
            self._view(),
            by=self.segment.value or None,
            horizon_days=self.horizon.value,
            origin_stage=self.stage.value,
        )
        return outputs(self.result, self._say.lang, chart=self._kind, table=False, still=False)

    def _still(self) -> str:
        return panel(self.result, self._say.lang, self._kind, table=False)


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
