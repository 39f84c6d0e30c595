"""Controls over durations: stage, segment, what ends the time, family, which days; the curve follows at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from funnelnb.analysis.duration import duration
from funnelnb.analysis.fits import FAMILIES
from funnelnb.analysis.pace import TO
from funnelnb.core.errors import FunnelError
from funnelnb.data.calendar import BUSINESS, CALENDAR_DAYS, calendar_of
from funnelnb.notebook.explore import MOST_GROUPS
from funnelnb.show import outputs, panel
from funnelnb.show.words import words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from funnelnb.analysis.duration import Duration
    from funnelnb.data.book import Book
    from funnelnb.data.calendar import Calendar


class DurationExplorer(widgets.VBox):
    """Controls and the curve they draw.

    In JupyterLab it is live. Where no kernel answers (a static report) it shows the state that was chosen.

    Attributes
    ----------
    stage, segment, to, family, calendar : widget
        The five controls; setting their ``value`` is what a hand does.
    picture : ipywidgets.Output
        Sentence and chart of :attr:`result`.
    result : Duration
        What is shown now.
    """

    def __init__(
        self,
        book: Book,
        *,
        stage: str,
        segment: str,
        family: str,
        calendar: str | Calendar | None,
        lang: str | None,
    ) -> None:
        self._say = say = words(lang)
        self._book = book
        self.result: Duration
        before = book.playbook.stages[: book.playbook.won]
        stages = {say.get("durations.whole"): "", **{one.label[say.lang]: one.id for one in before}}
        groups = {say.get("explore.whole"): "", **{say.attribute(name): name for name in _offered(book)}}
        families = {say.get("durations.control.best"): ""}
        families |= {say.get(f"durations.families.{name}"): name for name in FAMILIES}
        self.stage = self._choice("stage", stages, stage)
        self.segment = self._choice("segment", groups, segment)
        self.to = self._choice("to", {say.get(f"durations.to.{name}"): name for name in TO}, "any")
        self.family = self._choice("family", families, family)
        asked = calendar_of(calendar, book)
        self._calendars = {one.name: one for one in (*_calendars(book), asked)}
        kinds = {words(say.lang, name).get("words.unit_name"): name for name in self._calendars}
        self.calendar = self._choice("calendar", kinds, asked.name)
        self.picture = widgets.Output()
        controls = widgets.Box(
            [self.stage, self.segment, self.to, self.family, self.calendar],
            layout={"flex_flow": "row wrap", "display": "flex"},
        )
        super().__init__([controls, self.picture])
        for control in controls.children:
            control.observe(self._redraw, "value")
        self._redraw()

    def _choice(self, name: str, options: Mapping[str, str], value: str) -> widgets.Dropdown:
        return widgets.Dropdown(
            options=list(options.items()), value=value if value in options.values() else next(iter(options.values())),
            description=self._say.get(f"durations.control.{name}"), style={"description_width": "initial"},
            layout={"width": "max-content"},
        )  # fmt: skip

    def _redraw(self, _: Any = None) -> None:
        try:
            self.result = duration(
                self._book,
                stage=self.stage.value or None,
                by=self.segment.value or None,
                to=self.to.value,
                family=self.family.value or None,
                calendar=self._calendars[self.calendar.value],
            )
            shown = outputs(self.result, self._say.lang, chart="survival", table=False, still=False)
        except FunnelError as error:
            shown = [({"text/plain": str(error)}, {})]
        self.picture.outputs = tuple(
            {"output_type": "display_data", "data": data, "metadata": metadata} for data, metadata in shown
        )

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        """Give JupyterLab the controls and everything else the chosen state."""
        live = super()._repr_mimebundle_(**kwargs) or {}
        data = dict(live[0] if isinstance(live, tuple) else live)
        chosen = " · ".join(f"{one.description} {one.label}" for one in self.children[0].children)
        still = panel(self.result, self._say.lang, "survival", table=False)
        said = f"{chosen}\n{self.result.finding(self._say.lang)}"
        return {**data, "text/html": f"<p>{chosen}</p>{still}", "text/plain": said}


def explore_durations(
    book: Book,
    *,
    stage: str = "",
    segment: str = "",
    family: str = "",
    calendar: str | Calendar | None = None,
    lang: str | None = None,
) -> DurationExplorer:
    """What if I look at the time of another stage, segment or family of distributions, or in business days?

    Parameters
    ----------
    book : Book
    stage : str
        Stage id at first; empty: the whole way.
    segment : str
        Attribute compared at first; empty, or one that the book does not have: no comparison.
    family : str
        Family at first; empty: the best one.
    calendar : str or Calendar, optional
        Which days count at first, as for :func:`~funnelnb.analysis.duration.duration`. Calendar days, Monday to
        Friday and the calendars of the settings are offered beside it.
    lang : {"en", "zh"}, optional
        None: the language in force.

    Returns
    -------
    DurationExplorer
        Controls that redraw the chart without running the notebook again.

    Raises
    ------
    ParameterError
        There is no such calendar.
    """
    return DurationExplorer(book, stage=stage, segment=segment, family=family, calendar=calendar, lang=lang)


def _calendars(book: Book) -> list[Calendar]:
    """Calendar days, Monday to Friday, and the calendars of the settings."""
    return [CALENDAR_DAYS, calendar_of(BUSINESS), *book.calendars.values()]


def _offered(book: Book) -> list[str]:
    """Attributes with two to ``MOST_GROUPS`` values."""
    known = book.ledger.attributes
    return [name for name in known if 1 < len(known[name].labels) <= MOST_GROUPS]
