"""An event log in a notebook: opening the one its parameters name, and controls over its funnel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from funnelnb.analysis.behaviour.funnel import funnel
from funnelnb.analysis.shared.question import of_log
from funnelnb.core import check
from funnelnb.core.errors import ParameterError, nearest
from funnelnb.core.resources import sample_folder
from funnelnb.data.events.definition import ORDERS, duration
from funnelnb.data.events.load import events
from funnelnb.notebook.controls import MOST_GROUPS, Live
from funnelnb.show import outputs, panel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.analysis.behaviour.funnel import Funnel
    from funnelnb.core.check import Day
    from funnelnb.data.events.log import Events

WINDOWS = ("1h", "1d", "3d", "7d", "14d", "30d", "")
"""Windows that the control offers; the empty one is no limit."""


def open_events(
    data: str | None = None, *, by: str | None = None, value: str | None = None, as_of: Day | None = None
) -> Events:
    """Open the event log that a notebook's parameters name, else the sample shop.

    None is "not given"; empty text too, as notebook parameters cannot be None without losing their type.

    Parameters
    ----------
    data : str, optional
        File, glob or folder of the log; None: the sample shop.
    by, value : str, optional
        Only events whose property `by` is `value`; without a `value` the whole log.
    as_of : date, optional
        Up to when the log was kept; None: its last event.

    Returns
    -------
    Events

    Raises
    ------
    ParameterError
        The log has no such property or value; the hint names the nearest.

    Examples
    --------
    >>> len(open_events().actors)
    1500
    """
    log = events(data or sample_folder() / "shop", as_of=as_of or None)
    if not value:
        return log
    if by is None or by not in log.properties:
        raise ParameterError(
            f"by = {by!r}", expected="a property of the log", hint=nearest(str(by), log.properties)
        )
    return log.where(**{by: value})


class EventExplorer(Live):
    """Controls over a behaviour funnel, and the chart they draw.

    Attributes
    ----------
    steps, order, window, group : widget
        The four controls; setting their ``value`` is what a hand does.
    picture : ipywidgets.Output
    result : Funnel
    """

    def __init__(
        self, log: Events, *, steps: Sequence[str], within: str, order: str, by: str, lang: str | None
    ) -> None:
        super().__init__(lang)
        self._log = log
        self.result: Funnel
        label = self._say.get
        offered = [*steps, *sorted(name for name in log.names if name not in steps)][:40]
        self.steps = widgets.TagsInput(
            value=list(steps), allowed_tags=offered, allow_duplicates=False,
            description=label("explore_events.steps"),
        )  # fmt: skip
        orders = {label(f"explore_events.orders.{name}"): name for name in ORDERS}
        self.order = self._choice(label("explore_events.order"), orders, order)
        named = {self._window_name(one): one for one in dict.fromkeys([within, *WINDOWS])}
        self.window = self._choice(label("explore_events.window"), named, within)
        groups = {label("explore_events.nobody"): ""}
        for name in log.properties:
            if name != log.session and 1 < len(log.codes(name)[1]) <= MOST_GROUPS:
                groups[self._say.attribute(name)] = name
        self.group = self._choice(label("explore_events.group"), groups, by)
        self._offer(self.steps, self.order, self.window, self.group)
        self._redraw()

    def _window_name(self, window: str) -> str:
        if not window:
            return self._say.get("explore_events.no_window")
        days = (duration("within", window) or 0) / (duration("day", "1d") or 1)
        return self._say.numbers.days(days) if days >= 1 else window

    def _outputs(self) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        self.result = funnel(
            self._log,
            list(self.steps.value),
            within=self.window.value or None,
            order=self.order.value,
            by=self.group.value or None,
        )
        return outputs(self.result, self._say.lang, table=False, still=False)

    def _chosen(self) -> str:
        way = self._say.get("behaviour.arrow").join(self.steps.value)
        return " · ".join(
            [way, *(f"{one.description} {one.label}" for one in (self.order, self.window, self.group))]
        )

    def _still(self) -> str:
        return panel(self.result, self._say.lang, table=False)


@of_log("widgets")
def explore_events(
    log: Events,
    steps: Sequence[str],
    *,
    within: str | None = "7d",
    order: str = "ordered",
    by: str | None = None,
    lang: str | None = None,
) -> EventExplorer:
    """Try steps, order, window and group of a funnel by hand.

    Parameters
    ----------
    log : Events
    steps : sequence of str
        Names of events, in order, to start with.
    within : str, optional
        Window to start with; None: without end.
    order : {"ordered", "strict", "any"}
    by : str, optional
        Property to start with; None: no groups.
    lang : {"en", "zh"}, optional

    Returns
    -------
    EventExplorer
        Controls in JupyterLab; in a report the state they were left in.

    Examples
    --------
    >>> shown = explore_events(open_events(), ["home", "cart", "purchase"])
    >>> shown.result.steps[0].reached_n
    1500
    """
    check.one_of("order", order, ORDERS)
    return EventExplorer(log, steps=list(steps), within=within or "", order=order, by=by or "", lang=lang)
