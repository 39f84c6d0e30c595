"""The question that a behaviour analysis asks of a log: checked once, the same for all of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from funnelnb.core import check
from funnelnb.core.errors import MissingDataError, ParameterError, nearest
from funnelnb.core.note import Note
from funnelnb.core.options import options as package_options
from funnelnb.data.events.counts import Cut
from funnelnb.data.events.definition import MICRO, Definition, define
from funnelnb.data.events.log import Events
from funnelnb.data.events.stages import stage_steps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from funnelnb.core.check import Day
    from funnelnb.data.events.counts import FunnelCounts
    from funnelnb.data.events.definition import CountRules, StepLike, Stretch
    from funnelnb.data.events.scan import EventScan
    from funnelnb.data.events.spark import SparkEvents

if TYPE_CHECKING:
    Log = Events | EventScan | SparkEvents
    """A log in memory, or one that is counted where it lies."""

DAY_US = 86_400 * MICRO
EACH = "each"
"""Credit by which the events are split by their value first: a person can be in several groups."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A question, checked.

    Attributes
    ----------
    log : Events or scan
    definition : Definition
    cut : Cut
    level : float
        Confidence level.
    notes : tuple of Note
        What the log and the stage model have to say.
    """

    log: Log
    definition: Definition
    cut: Cut
    level: float
    notes: tuple[Note, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """What the steps are called; numbers for order "any"."""
        steps = self.definition.steps
        if self.definition.order == "any":
            return tuple(f"{k + 1} / {len(steps)}" for k in range(len(steps)))
        return tuple(one.label for one in steps)

    @property
    def in_memory(self) -> Events:
        """The log, where its single events are needed.

        Raises
        ------
        MissingDataError
            It is counted where it lies, which keeps no events.
        """
        if not isinstance(self.log, Events):
            raise _counted_elsewhere()
        return self.log

    @property
    def within_days(self) -> float:
        """The window in days; NaN: none."""
        within = self.definition.within_us
        return float("nan") if within is None else within / DAY_US

    def horizon(self, counted: FunnelCounts, given: float | None) -> float:
        """Return the time of the rate by time: the one given, the window, or the median time watched."""
        if given is not None:
            return check.horizon_days(given)
        if self.definition.within_us is not None:
            return self.within_days
        watched = (self.log.as_of_us - counted.units.time[:, 0]) / DAY_US
        if not len(watched):  # counted where the log lies: nobody is kept
            watched = np.repeat(counted.whole.days, np.minimum(counted.whole.n, 1000))
        if not len(watched) or np.median(watched) <= 0:
            return 1.0
        return float(np.median(watched))


def _counted_elsewhere() -> MissingDataError:
    return MissingDataError(
        "the log was counted where it lies",
        expected="a log in memory",
        hint="load part of it with fn.events",
    )


def rows_of_steps(counted: FunnelCounts) -> NDArray[np.int64]:
    """Return the place in the log of each event that made a step, as ``counted.units.row`` numbers them.

    Raises
    ------
    MissingDataError
        The log was counted where it lies, which keeps no events.
    """
    if counted.log_row is None:
        raise _counted_elsewhere()
    return counted.log_row


def ask(  # noqa: PLR0913 - the parameters of every behaviour analysis
    log: Log,
    steps: str | Sequence[StepLike],
    *,
    within: Stretch | None = None,
    order: str = "ordered",
    by: str | Sequence[str] | None = None,
    exclude: StepLike | None = None,
    hold: str | Sequence[str] | None = None,
    per: str = "actor",
    value: str | None = None,
    since: Day | None = None,
    until: Day | None = None,
    credit: str | int = "start",
    every: str | None = None,
    rules: str = "house",
    confidence_level: float | None = None,
    options: CountRules | None = None,
) -> Query:
    """Check a question: definition, groups, dates and level."""
    if not hasattr(log, "as_of_us"):
        raise ParameterError(
            f"events = {log!r:.60}", expected="an event log", hint="read it with fn.events(…)"
        )
    notes: tuple[Note, ...] = tuple(log.notes)
    if isinstance(steps, str):
        steps, said = stage_steps(steps, log.names)
        notes += said
    definition = define(
        steps, within=within, order=order, exclude=exclude, hold=hold, per=per, rules=rules, **(options or {})
    )  # fmt: skip
    names = check.names_of("by", by)
    if credit == EACH:
        definition, credit, notes = _apart(definition, names), "start", (*notes, Note("events_each"))
    for name in (*names, *definition.properties, *((value,) if value else ())):
        known(log, name)
    cut = Cut(
        by=names, credit=credit, period=every or "", value=value or "",
        since_us=_moment("since", since), until_us=_moment("until", until, end=True),
    )  # fmt: skip
    return Query(log=log, definition=definition, cut=cut, level=level_of(confidence_level), notes=notes)


def _apart(definition: Definition, by: Sequence[str]) -> Definition:
    """Return the definition by which events are split by their values first."""
    if not by:
        raise ParameterError("credit = 'each' without groups", expected="by, whose values are counted apart")
    return replace(definition, hold=tuple(dict.fromkeys((*definition.hold, *by))), apart=True)


def level_of(confidence_level: float | None) -> float:
    """Return the confidence level given, or the package option."""
    return check.confidence_level(
        package_options().confidence_level if confidence_level is None else confidence_level
    )


def known(log: Log, name: str) -> None:
    """Raise MissingDataError, naming the nearest, if the log has no property `name`."""
    if name in log.properties or bool(getattr(log, "json_columns", ())):
        return
    raise MissingDataError(
        f"the log has no property {name!r}", expected="one of its columns", hint=nearest(name, log.properties)
    )


def _moment(name: str, value: Day | None, *, end: bool = False) -> int | None:
    if value is None:
        return None
    moment = check.timestamp(name, value)
    plain = moment == moment.astype("M8[D]") and len(str(value)) <= len("2026-06-30")
    return int(moment.astype("M8[us]").astype(np.int64)) + (DAY_US - 1 if end and plain else 0)
