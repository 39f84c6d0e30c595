"""Controls over a book: they change an argument, call the public function again and show what comes back."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import numpy as np

from funnelnb.analysis.conversion.conversion import conversion
from funnelnb.analysis.shared.counts import working_stage
from funnelnb.analysis.shared.group_curve import TO
from funnelnb.analysis.shared.question import question
from funnelnb.analysis.shared.result import Unavailable
from funnelnb.analysis.time.duration import duration
from funnelnb.analysis.time.fits import FAMILIES
from funnelnb.core import check
from funnelnb.data.contract.calendar import BUSINESS, CALENDAR_DAYS, calendar_of
from funnelnb.data.count.groups import cohort_codes
from funnelnb.data.seen_as import seen_as, views
from funnelnb.notebook.controls import Live, offered
from funnelnb.notebook.page import entered_in, length_of, pick
from funnelnb.playbooks import load_playbook
from funnelnb.show import outputs, panel
from funnelnb.show.text.words import words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from funnelnb.analysis.conversion.conversion import Conversion
    from funnelnb.analysis.time.duration import Duration
    from funnelnb.data.book import Book
    from funnelnb.data.contract.calendar import Calendar


# ---- Controls over a book ---------------------------------------------------------------------------------

LONGEST_DAYS, STEP_DAYS = 540, 15
"""Range of the horizon slider."""


class Explorer(Live):
    """Controls over conversion, and the chart they draw.

    Attributes
    ----------
    region, period, playbook, stage, segment, horizon : widget
        The controls; setting their ``value`` is what a hand does. The first two choose deals: those of one value of an
        attribute, and those that entered in one quarter or year.
    picture : ipywidgets.Output
        Sentence, chart and table of :attr:`result`.
    result : Conversion
        What is shown now.
    """

    def __init__(
        self,
        book: Book,
        *,
        by: str | None,
        horizon_days: float | None,
        lang: str | None,
        part_by: str | None = None,
        value: str | None = None,
        period: str | None = None,
    ) -> None:
        super().__init__(lang)
        part_by = part_by or "region"
        self._by = part_by if part_by in book.ledger.attributes else ""
        self._part = functools.lru_cache(maxsize=64)(self._chosen_deals)
        self._seen = functools.lru_cache(maxsize=None)(lambda name: seen_as(book, name))
        self._book = book
        self.result: Conversion
        label, groups = self._say.get, offered(book, by)
        days = int(
            conversion(book).horizon_days if horizon_days is None else check.horizon_days(horizon_days)
        )
        self.playbook = self._choice(
            label("explore.playbook"), {self._name(one): one for one in views(book)}, book.playbook.id
        )
        self.stage = self._choice(label("explore.stage"), self._stages(book), book.playbook.stage_ids[0])
        segments = {label("explore.whole"): "", **{self._say.attribute(name): name for name in groups}}
        self.segment = self._choice(label("explore.segment"), segments, by or "")
        self.horizon = widgets.IntSlider(
            value=days, min=min(STEP_DAYS, days), max=max(LONGEST_DAYS, days), step=STEP_DAYS,
            description=label("explore.horizon"), continuous_update=False, style={"description_width": "initial"},
            layout={"width": "22em"},
        )  # fmt: skip
        self._offer(*self._parts(value, period), self.segment, self.horizon, self.stage, self.playbook)
        self.playbook.unobserve(self._redraw, "value")
        self.playbook.observe(self._change_playbook, "value")
        self._redraw()

    def _parts(self, value: str | None, period: str | None) -> list[Any]:
        """Make the controls that choose deals, and return those that have a choice to offer."""
        label = self._say.get
        everything = label("explore.everything")
        values = self._book.ledger.attributes[self._by].labels if self._by else ()
        named = self._say.attribute_head((self._by,)) if self._by else label("explore.region")
        self.region = self._choice(
            named, {everything: "", **{self._say.value(one): one for one in values if one}}, value or ""
        )
        spans = cohorts(self._book)
        if period and period not in spans.values():
            spans |= {period: period} if len(entered_in(self._book, period).opportunities) else {}
        self.period = self._choice(label("explore.period"), {everything: "", **spans}, period or "")
        return [one for one, many in ((self.region, len(values) > 1), (self.period, len(spans) > 1)) if many]

    def _stages(self, book: Book) -> dict[str, str]:
        before = book.playbook.stages[: book.playbook.won]
        return {stage.label[self._say.lang]: stage.id for stage in before}

    def _name(self, playbook: str) -> str:
        known = self._book.playbook if playbook == self._book.playbook.id else load_playbook(playbook)
        return known.label[self._say.lang]

    def _view(self) -> Book:
        same = self.playbook.value == self._book.playbook.id
        return self._book if same else self._seen(self.playbook.value)

    def _chosen_deals(self, playbook: str, value: str, period: str) -> Book:
        """Return the deals of one value and one period of entry, under a stage model."""
        book = self._book if playbook == self._book.playbook.id else self._seen(playbook)
        marks = np.ones(len(book.ledger.outcome), bool)
        if value:
            coded = book.ledger.attributes[self._by]
            marks &= coded.codes == coded.labels.index(value)
        if period:
            coded = cohort_codes(book.ledger, length_of(period))
            marks &= coded.codes == (coded.labels.index(period) if period in coded.labels else -1)
        return book if marks.all() else book.some(marks)

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
            self._part(self.playbook.value, self.region.value, self.period.value),
            by=self.segment.value or None,
            horizon_days=self.horizon.value,
            origin_stage=self.stage.value,
        )
        return outputs(self.result, self._say.lang, chart=self._kind, table=False, still=False)

    def _still(self) -> str:
        return panel(self.result, self._say.lang, self._kind, table=False)


MOST_PERIODS = 24
"""At most so many quarters are offered, the newest."""


def cohorts(book: Book) -> dict[str, str]:
    """Return the years and quarters in which deals entered, the newest first, by what they are called."""
    names = [
        one
        for every in ("year", "quarter")
        for one in sorted(cohort_codes(book.ledger, every).labels, reverse=True)
    ]
    return {one: one for one in names[:MOST_PERIODS] if one}


@question("widgets", formerly={"segment": "by"})
def explore(
    book: Book,
    *,
    by: str | None = None,
    horizon_days: float | None = None,
    lang: str | None = None,
    part_by: str | None = None,
    value: str | None = None,
    period: str | None = None,
) -> Explorer:
    """What if I look at another region, period, segment, horizon, stage or stage model?

    Parameters
    ----------
    book : Book
    by : str, optional
        Attribute compared at first; None: no comparison.
    horizon_days : float, optional
        Horizon at first, in days; None: chosen as for ``fn.conversion``.
    lang : {"en", "zh"}, optional
        None: the language in force.
    part_by : str, optional
        Attribute whose values the first control offers; None: region.
    value, period : str, optional
        Value and quarter or year (such as ``"2026-Q1"``) of entry at first; None: all.

    Returns
    -------
    Explorer
        Controls that redraw the chart without running the notebook again.

    Raises
    ------
    MissingDataError
        The deals have no attribute `by`; the message names the nearest.
    """
    by = (
        None if isinstance(by, Unavailable) else by
    )  # no attribute divides these deals: said where it was looked for
    if part_by == "pipeline" and value:
        book = pick(book, part_by, value)  # its own stages are offered
    return Explorer(
        book, by=by, horizon_days=horizon_days, lang=lang, part_by=part_by, value=value, period=period
    )


# ---- Controls over durations: stage, segment, what ends the time, family, which days ----------------------


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
        stage: str | None,
        by: str | None,
        family: str | None,
        calendar: str | Calendar | None,
        lang: str | None,
    ) -> None:
        super().__init__(lang)
        say = self._say
        self._book = book
        self.result: Duration
        before = book.playbook.stages[: book.playbook.won]
        stages = {say.get("durations.whole"): "", **{one.label[say.lang]: one.id for one in before}}
        groups = {say.get("explore.whole"): "", **{say.attribute(name): name for name in offered(book, by)}}
        families = {say.get("durations.control.best"): ""}
        families |= {say.get(f"durations.families.{name}"): name for name in FAMILIES}
        self.stage = self._named(
            "stage", stages, book.playbook.stage_ids[working_stage(book.playbook, stage)] if stage else ""
        )
        self.segment = self._named("segment", groups, by or "")
        self.to = self._named("to", {say.get(f"durations.to.{name}"): name for name in TO}, "any")
        self.family = self._named(
            "family", families, check.one_of("family", family, FAMILIES) if family else ""
        )
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


@question("widgets", formerly={"segment": "by"})
def explore_durations(
    book: Book,
    *,
    stage: str | None = None,
    by: str | None = None,
    family: str | None = None,
    calendar: str | Calendar | None = None,
    lang: str | None = None,
) -> DurationExplorer:
    """What if I look at the time of another stage, segment or family of distributions, or in business days?

    Parameters
    ----------
    book : Book
    stage : str, optional
        Stage at first; None: the whole way.
    by : str, optional
        Attribute compared at first; None: no comparison.
    family : str, optional
        Family at first; None: the best one.
    calendar : str or Calendar, optional
        Which days count at first, as for :func:`~funnelnb.analysis.time.duration.duration`. Calendar days, Monday to
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
        There is no such stage, family or calendar.
    MissingDataError
        The deals have no attribute `by`; the message names the nearest.
    """
    return DurationExplorer(book, stage=stage, by=by, family=family, calendar=calendar, lang=lang)


def _calendars(book: Book) -> list[Calendar]:
    """Calendar days, Monday to Friday, and the calendars of the settings."""
    return [CALENDAR_DAYS, calendar_of(BUSINESS), *book.calendars.values()]
