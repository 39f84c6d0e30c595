"""Controls over durations: stage, segment, what ends the time, family, which days; the curve follows at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from funnelnb.analysis.duration import duration
from funnelnb.analysis.fits import FAMILIES
from funnelnb.analysis.pace import TO
from funnelnb.data.calendar import BUSINESS, CALENDAR_DAYS, calendar_of
from funnelnb.notebook.controls import Live, offered
from funnelnb.show import outputs, panel
from funnelnb.show.words import words

if TYPE_CHECKING:
    from collections.abc import Mapping

    import ipywidgets as widgets

    from funnelnb.analysis.duration import Duration
    from funnelnb.data.book import Book
    from funnelnb.data.calendar import Calendar


class DurationExplorer(Live):
    """Controls over durations, and the curve they draw.

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
        super().__init__(lang)
        say = self._say
        self._book = book
        self.result: Duration
        before = book.playbook.stages[: book.playbook.won]
        stages = {say.get("durations.whole"): "", **{one.label[say.lang]: one.id for one in before}}
        groups = {say.get("explore.whole"): "", **{say.attribute(name): name for name in offered(book)}}
        families = {say.get("durations.control.best"): ""}
        families |= {say.get(f"durations.families.{name}"): name for name in FAMILIES}
        self.stage = self._named("stage", stages, stage)
        self.segment = self._named("segment", groups, segment)
        self.to = self._named("to", {say.get(f"durations.to.{name}"): name for name in TO}, "any")
        self.family = self._named("family", families, family)
        asked = calendar_of(calendar, book)
        self._calendars = {one.name: one for one in (*_calendars(book), asked)}
        kinds = {words(say.lang, name).get("words.unit_name"): name for name in self._calendars}
        self.calendar = self._named("calendar", kinds, asked.name)
        self._offer(self.stage, self.segment, self.to, self.family, self.calendar)
        self._redraw()

    def _named(self, name: str, options: Mapping[str, str], value: str) -> widgets.Dropdown:
        return self._choice(self._say.get(f"durations.control.{name}"), options, value)

    def _outputs(self) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        self.result = duration(
            self._book,
            stage=self.stage.value or None,
            by=self.segment.value or None,
            to=self.to.value,
            family=self.family.value or None,
            calendar=self._calendars[self.calendar.value],
        )
        return outputs(self.result, self._say.lang, chart="survival", table=False, still=False)

    def _still(self) -> str:
        return panel(self.result, self._say.lang, "survival", table=False)


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
