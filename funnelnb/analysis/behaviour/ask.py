"""The question that a behaviour analysis asks of a log: checked once, the same for all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.core import check
from funnelnb.core.errors import MissingDataError, ParameterError, nearest
from funnelnb.core.options import options as package_options
from funnelnb.data.events.counts import Cut
from funnelnb.data.events.definition import MICRO, Definition, define
from funnelnb.data.events.stages import stage_steps

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from funnelnb.core.note import Note
    from funnelnb.data.events.counts import FunnelCounts

DAY_US = 86_400 * MICRO


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
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

    log: Any
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


def ask(  # noqa: PLR0913 - the parameters of every behaviour analysis
    log: Any,
    steps: Any,
    *,
    within: Any = None,
    order: str = "ordered",
    by: str | Sequence[str] | None = None,
    exclude: Any = (),
    hold: str | Sequence[str] = (),
    per: str = "actor",
    value: str | None = None,
    since: Any = None,
    until: Any = None,
    credit: str | int = "start",
    period: str = "",
    rules: str = "house",
    confidence_level: float | None = None,
    options: Mapping[str, Any] | None = None,
) -> Asked:
    """Check a question: definition, groups, dates and level."""
    if not hasattr(log, "as_of_us"):
        raise ParameterError(
            f"events is a {type(log).__name__}", expected="an event log", hint="read it with fn.events(…)"
        )
    notes: tuple[Note, ...] = tuple(log.notes)
    if isinstance(steps, str):
        steps, said = stage_steps(steps, log.names)
        notes += said
    definition = define(
        steps, within=within, order=order, exclude=exclude, hold=hold, per=per, rules=rules, **(options or {})
    )
    names = () if not by else (by,) if isinstance(by, str) else tuple(by)
    for name in (*names, *definition.properties, *((value,) if value else ())):
        known(log, name)
    cut = Cut(
        by=names, credit=credit, period=period, value=value or "",
        since_us=_moment("since", since), until_us=_moment("until", until, end=True),
    )  # fmt: skip
    return Asked(log=log, definition=definition, cut=cut, level=level_of(confidence_level), notes=notes)


def level_of(confidence_level: float | None) -> float:
    """Return the confidence level given, or the package option."""
    return check.confidence_level(
        package_options().confidence_level if confidence_level is None else confidence_level
    )


def known(log: Any, name: str) -> None:
    """Raise MissingDataError, naming the nearest, if the log has no property `name`."""
    if name in log.properties or bool(getattr(log, "json_columns", ())):
        return
    raise MissingDataError(
        f"the log has no property {name!r}", expected="one of its columns", hint=nearest(name, log.properties)
    )


def _moment(name: str, value: Any, *, end: bool = False) -> int | None:
    if value is None:
        return None
    moment = check.timestamp(name, value)
    plain = moment == moment.astype("M8[D]") and len(str(value)) <= len("2026-06-30")
    return int(moment.astype("M8[us]").astype(np.int64)) + (DAY_US - 1 if end and plain else 0)
