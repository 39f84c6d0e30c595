"""What is a funnel of events? Steps, window and rules, checked once and then fixed.

A :class:`Definition` holds everything that decides a count, so that memory, files, DuckDB and Spark count the
same. Every rule has a name and one default; docs/behaviour-rules.md shows what each does to small sequences.

Longer than most modules: every rule with its name, type, default and check in one place.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, TypeAlias, TypedDict, Unpack

from funnelnb.core import check
from funnelnb.core.errors import ParameterError, nearest

ORDERS = ("ordered", "strict", "any")
ATTEMPTS = ("best", "first", "every", "start")
TIES = ("either", "after", "row")
REPEATS = ("harmless", "stop")
BETWEEN = ("repeats", "nothing", "reached", "reentry", "strangers")
SCOPES = ("attempt", "onward", "actor")
_CHOICES = {
    "attempt": ATTEMPTS, "ties": TIES, "repeats": REPEATS, "between": BETWEEN, "begin": ("any", "first"),
    "twins": ("each", "once"), "exclude_scope": SCOPES, "edge": ("in", "out"),
}  # fmt: skip
"""Rules with named values, the first of which is ours."""
STEPS_MOST = 30
MOST_LISTED = 20
"""So many names of events are listed where one is not known."""
MICRO = 1_000_000
Stretch = str | float | datetime.timedelta
"""A span of time as people give it: ``"7d"``, ``"30min"``, a number of days, a timedelta."""
"""Times are whole microseconds."""

_UNITS = {
    "us": 1, "ms": 10**3, "s": MICRO, "sec": MICRO, "second": MICRO, "m": 60 * MICRO, "min": 60 * MICRO,
    "minute": 60 * MICRO, "h": 3600 * MICRO, "hour": 3600 * MICRO, "d": 86400 * MICRO, "day": 86400 * MICRO,
    "w": 7 * 86400 * MICRO, "week": 7 * 86400 * MICRO,
}  # fmt: skip
_DURATION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One filter on a property: ``price > 10``, ``plan in (a, b)``.

    Attributes
    ----------
    name : str
        The property.
    operator : str
        One of ``OPERATORS``.
    value : object
        What it is compared with; a tuple for "in" and "not in".
    """

    name: str
    operator: str
    value: Any = None


OPERATORS = ("==", "!=", "<", "<=", ">", ">=", "in", "not in", "contains", "is set", "is not set")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One way to do a step: an event by name (None: any event), under conditions that all hold."""

    event: str | None
    where: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a funnel.

    Attributes
    ----------
    choices : tuple of Choice
        Any of them is the step.
    label : str
        What the step is called.
    optional : bool
        True: the way leads on without it; it is counted where it was done in its place.
    anchored : bool
        For order "any": it keeps its place, after all steps before it and before all after it.
    first_ever : bool
        Only the first such event of each actor (or session, or other unit of the count) in the whole log is the step.
    """

    choices: tuple[Choice, ...]
    label: str
    optional: bool = False
    anchored: bool = False
    first_ever: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """What must not happen between two steps.

    Attributes
    ----------
    choices : tuple of Choice
    after, before : int
        Numbers of the steps, counted from 0, between which it must not happen; `after` < `before`.
    scope : {"attempt", "onward", "actor"}
        "attempt": such an attempt counts nowhere. "onward": it keeps the steps done before, and goes no
        further. "actor": the actor counts nowhere, unless another attempt without it got as far.
    """

    choices: tuple[Choice, ...]
    after: int
    before: int
    scope: str = "attempt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """Everything that decides what a funnel counts.

    Attributes
    ----------
    steps : tuple of Step
    within_us : int or None
        Longest time from the start of an attempt to any of its steps, both ends included; None: no limit.
    order : {"ordered", "strict", "any"}
    attempt : {"best", "first", "every", "start"}
    ties : {"either", "after", "row"}
        Events at the same instant: in order either way; not in order; in the order of the rows.
    grace_us : int
        So much out of order still counts as in order.
    reuse : bool
        Whether one row can be several steps.
    repeats : {"harmless", "stop"}
        "stop": an attempt ends where a step after the first that it has done comes again.
    between : {"repeats", "nothing", "reached", "reentry", "strangers"}
        For order "strict": what may stand between two steps.
    begin : {"any", "first"}
        For order "any": with which step an attempt may begin.
    grain_us : int
        Times are cut down to whole multiples of it; 0: as they are.
    twins : {"each", "once"}
        Rows of the same event at the same instant count each, or once.
    gap_us : int or None
        Longest time from one required step to the next; None: no limit but the window's.
    edge : {"in", "out"}
        Whether a step exactly at the end of the gap still counts.
    exclude : tuple of Exclusion
    hold : tuple of str
        Properties that are equal on all steps of an attempt.
    apart : bool
        Whether an actor counts once for each of the values held, as if it were several.
    per : str
        "actor", "session", or a column: whose attempts these are.
    """

    steps: tuple[Step, ...]
    within_us: int | None = None
    order: str = "ordered"
    attempt: str = "best"
    ties: str = "either"
    grace_us: int = 0
    reuse: bool = False
    repeats: str = "harmless"
    between: str = "repeats"
    begin: str = "any"
    grain_us: int = 0
    twins: str = "each"
    gap_us: int | None = None
    edge: str = "in"
    exclude: tuple[Exclusion, ...] = ()
    hold: tuple[str, ...] = ()
    apart: bool = False
    per: str = "actor"

    @property
    def required(self) -> tuple[int, ...]:
        """Numbers of the steps that must be done."""
        return tuple(k for k, one in enumerate(self.steps) if not one.optional)

    @property
    def blocks(self) -> tuple[tuple[int, ...], ...]:
        """For order "any": steps that come in any order among themselves, block after block."""
        made: list[list[int]] = []
        for k, one in enumerate(self.steps):
            if k == 0 or one.anchored or self.steps[k - 1].anchored:
                made.append([])
            made[-1].append(k)
        return tuple(map(tuple, made))

    @property
    def optional(self) -> tuple[int, ...]:
        """Numbers of the steps that may be left out."""
        return tuple(k for k, one in enumerate(self.steps) if one.optional)

    @property
    def choices(self) -> tuple[Choice, ...]:
        """Every choice that a step or an exclusion names."""
        parts: tuple[Step | Exclusion, ...] = (*self.steps, *self.exclude)
        return tuple(choice for part in parts for choice in part.choices)

    @property
    def properties(self) -> tuple[str, ...]:
        """Columns beside actor, event and time that the count needs."""
        named = [one.name for choice in self.choices for one in choice.where]
        own = [] if self.per in ("actor", "session") else [self.per]
        return tuple(dict.fromkeys([*own, *self.hold, *named]))


RULES: Mapping[str, Mapping[str, Any]] = {
    "house": {},
    "posthog": {"exclude_scope": "actor", "any": {"exclude_scope": "attempt"}},
    "mixpanel": {"attempt": "first", "grace": "2s", "exclude_scope": "onward"},
    "amplitude": {"attempt": "first", "between": "nothing", "grain": "1s", "twins": "once"},
    "clickhouse": {"reuse": True, "between": "reached", "strict": {"attempt": "first"}},
    "retentioneering": {"attempt": "first", "ties": "row"},
    "funneljoin": {"attempt": "first", "reuse": True, "edge": "out"},
}
"""Named sets of rules: ours, and how other tools count (docs/behaviour-rules.md lists them with sources)."""


StepLike: TypeAlias = str | Step | Mapping[str, Any] | Sequence["StepLike"]
"""A step as people give it: the name of an event, several of which any will do, or what :func:`step` made."""


class CountRules(TypedDict, total=False):
    """Rules of the count that :func:`define` takes by name."""

    attempt: str | None
    ties: str | None
    grace: Stretch | None
    reuse: bool | None
    repeats: str | None
    between: str | None
    begin: str | None
    exclude_scope: str | None
    grain: Stretch | None
    twins: str | None
    gap: Stretch | None
    edge: str | None


class FunnelRules(CountRules, total=False):
    """What the analyses of funnels take beside what they name themselves; as for :func:`funnelnb.funnel`."""

    order: str
    exclude: StepLike | None
    hold: str | Sequence[str] | None
    per: str
    value: str | None
    credit: str | int
    since: check.Day | None
    until: check.Day | None
    rules: str


def step(
    event: StepLike | None = None,
    *,
    where: Mapping[str, Any] | None = None,
    optional: bool = False,
    anchored: bool = False,
    first_ever: bool = False,
    label: str | None = None,
) -> Step:
    """Which events make one step of a funnel?

    Parameters
    ----------
    event : str or sequence, optional
        Name of the event; several names (or steps) of which any will do; None: any event.
    where : Mapping, optional
        Property to value, list of values, or ``(operator, value)``; all must hold.
    optional : bool
        Whether the way leads on without this step.
    anchored : bool
        For ``order="any"``: whether this step keeps its place while the others are free.
    first_ever : bool
        Whether only each actor's first such event in the whole log is the step: later ones are not, and a date range
        that begins after it does not make a later one the first. What `where` asks for counts as part of the event.
    label : str, optional
        What the step is called; None: its events.

    Returns
    -------
    Step

    Raises
    ------
    ParameterError
        The event or a condition cannot be read.

    Examples
    --------
    >>> step("purchase", where={"price": (">", 10), "plan": ["pro", "team"]}).label
    'purchase (price > 10, plan in pro, team)'
    """
    conditions = _conditions(where or {})
    choices: tuple[Choice, ...]
    if isinstance(event, Step):
        choices = event.choices
    elif event is None or isinstance(event, str):
        choices = (Choice(event=event),)
    elif isinstance(event, Sequence) and event:
        choices = tuple(choice for one in event for choice in as_step(one).choices)
    else:
        raise ParameterError(
            f"step = {event!r}", expected="the name of an event, or a list of names", hint='write "purchase"'
        )
    if conditions:
        choices = tuple(replace(one, where=(*one.where, *conditions)) for one in choices)
    said = label if label is not None else " / ".join(dict.fromkeys(_said(one) for one in choices))
    return Step(
        choices=choices, label=said, optional=bool(optional), anchored=bool(anchored),
        first_ever=bool(first_ever),
    )  # fmt: skip


def as_step(value: Any) -> Step:
    """Return a step from a name, a list of alternatives, a dict of :func:`step`'s arguments, or a step."""
    if isinstance(value, Step):
        return value
    if isinstance(value, Mapping):
        known = ("event", "where", "optional", "anchored", "first_ever", "label")
        for name in value:
            check.one_of("a step's key", name, known)
        return step(**value)
    return step(value)


class ExclusionGiven(TypedDict):
    """An exclusion as :func:`exclusion` gives it."""

    event: StepLike
    after: int | str | None
    before: int | str | None
    where: Mapping[str, Any] | None
    scope: str | None


def exclusion(
    event: StepLike,
    *,
    after: int | str | None = None,
    before: int | str | None = None,
    where: Mapping[str, Any] | None = None,
    scope: str | None = None,
) -> ExclusionGiven:
    """What must not happen between two steps, and what does it undo?

    Parameters
    ----------
    event : str, sequence or Step
    after, before : int or str, optional
        Steps by number (from 1) or label, between which it must not happen; None: the first and the last.
    where : Mapping, optional
        As for :func:`step`.
    scope : {"attempt", "onward", "actor"}, optional
        "attempt" (the default): the attempt counts nowhere; "onward": it keeps what it had reached and goes
        no further; "actor": the actor counts nowhere, unless another attempt without it got as far.

    Returns
    -------
    dict
        For `exclude` of :func:`funnelnb.funnel`.
    """
    return {"event": event, "after": after, "before": before, "where": where, "scope": scope}


def define(
    steps: Sequence[StepLike],
    *,
    within: Stretch | None = None,
    order: str = "ordered",
    exclude: StepLike | None = None,
    hold: str | Sequence[str] | None = None,
    per: str = "actor",
    rules: str = "house",
    **options: Unpack[CountRules],
) -> Definition:
    """Check the parts of a funnel and return its definition.

    Parameters
    ----------
    steps, within, order, exclude, hold, per, rules
        As for :func:`funnelnb.funnel`.
    **options
        ``attempt``, ``ties``, ``grace``, ``reuse``, ``repeats``, ``between``, ``begin``, ``exclude_scope``,
        ``grain``, ``twins``, ``gap``, ``edge``; they overrule those of `rules`.

    Returns
    -------
    Definition

    Raises
    ------
    ParameterError
        One of them cannot be read; the message says what would do.

    Examples
    --------
    >>> define(["visit", ["sign_up", "log_in"], "pay"], within="7d").steps[1].label
    'sign_up / log_in'
    """
    check.one_of("order", order, ORDERS)
    given = _rules(rules, order, options)
    made = _steps(steps)
    found = Definition(
        steps=made,
        within_us=_window(within, given["gap_us"], sum(not one.optional for one in made)),
        order=order,
        exclude=tuple(_exclusion(one, made, given["exclude_scope"]) for one in _listed(exclude)),
        hold=(hold,) if isinstance(hold, str) else tuple(hold or ()),
        per=str(per),
        **{name: value for name, value in given.items() if name != "exclude_scope"},
    )
    _check_together(found, grace_asked="grace" in options)
    return found if found.order == "ordered" else replace(found, grace_us=0)


def _rules(rules: str, order: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the value of every rule, checked: ours, those of a named set, and those asked for."""
    named = RULES[check.one_of("rules", rules, RULES)]
    plain = {name: value for name, value in named.items() if name not in ORDERS}
    asked = {name: value for name, value in options.items() if value is not None}
    given: dict[str, Any] = {**plain, **named.get(order, {}), **asked}
    known = (*_CHOICES, "reuse", "grace", "grain", "gap")
    named_too = (
        "order",
        "within",
        "exclude",
        "hold",
        "per",
        "rules",
        "by",
        "value",
        "credit",
        "since",
        "until",
    )
    for name in given:
        if name not in known:
            check.one_of("option", name, (*known, *named_too))
    made: dict[str, Any] = {
        name: check.one_of(name, given.get(name, values[0]), values) for name, values in _CHOICES.items()
    }
    made["reuse"] = bool(given.get("reuse", False))
    for name in ("grace", "grain"):
        made[f"{name}_us"] = duration(name, given[name]) or 0 if given.get(name) else 0
    made["gap_us"] = duration("gap", given.get("gap"))
    return made


def _window(within: Stretch | None, gap_us: int | None, required_n: int) -> int | None:
    """Return the window: the one given, else as long as all the gaps together can be."""
    given = duration("within", within)
    if given is not None or gap_us is None or required_n < 2:
        return given
    return gap_us * (required_n - 1)


def duration(name: str, value: Any) -> int | None:
    """Return a span of time as whole microseconds; None is no limit.

    Parameters
    ----------
    value : str, timedelta, number or None
        ``"7d"``, ``"30 min"``, ``"2 weeks"``; a number is days.

    Raises
    ------
    ParameterError
        It is no span of time, or not above 0.

    Examples
    --------
    >>> duration("within", "90 min") == duration("within", 1.5 / 24)
    True
    """
    if value is None:
        return None
    micro: float | None = None
    if isinstance(value, datetime.timedelta):
        micro = value / datetime.timedelta(microseconds=1)
    elif isinstance(value, str):
        found = _DURATION.fullmatch(value)
        unit = found.group(2).lower() if found else ""
        size = _UNITS.get(unit) or _UNITS.get(unit.rstrip("s") if len(unit) > 2 else unit)
        micro = float(found.group(1)) * size if found and size else None
    elif not isinstance(value, bool):
        try:
            micro = float(value) * _UNITS["d"]
        except (TypeError, ValueError):
            micro = None
    if micro is None or not 0 < micro < 2**62:
        raise ParameterError(
            f"{name} = {value!r}",
            expected="a span of time above 0, such as '7d', '30min' or '2 weeks'",
            hint=f"leave {name} out for no limit" if name == "within" else "",
        )
    return round(micro)


def check_known(definition: Definition, names: Sequence[str]) -> None:
    """Raise ParameterError, naming the nearest, if a step or an exclusion names an event that never happened."""
    check_choices(definition.choices, names)


def check_choices(choices: Sequence[Choice], names: Sequence[str]) -> None:
    """Raise ParameterError, naming the nearest, if a choice names an event that never happened."""
    known = set(names)
    for choice in choices:
        if choice.event is not None and choice.event not in known:
            some = sorted(known)[:200] if len(known) > 2000 else sorted(known)
            shown = choice.event if len(choice.event) <= 80 else choice.event[:77] + "..."
            hint = nearest(choice.event[:200], [one[:200] for one in some])
            raise ParameterError(
                f"no event is called {shown!r}",
                expected="one of " + ", ".join(some)
                if len(some) <= MOST_LISTED and all(len(one) <= 40 for one in some)
                else f"one of the {len(known):,} events of the log",
                hint=hint if len(hint) < 400 else hint[:397] + "...",
            )


def _listed(value: Any) -> list[Any]:
    """Return one or several as a list; None is nothing."""
    if value is None:
        return []
    return [value] if isinstance(value, (str, Mapping, Step)) else list(value)


def _steps(steps: Any) -> tuple[Step, ...]:
    if isinstance(steps, (str, Mapping, Step)) or not isinstance(steps, Sequence) or not len(steps):
        raise ParameterError(
            f"steps = {steps!r}", expected="a list of steps", hint='steps=["visit", "sign_up", "pay"]'
        )
    if len(steps) > STEPS_MOST:
        raise ParameterError(f"steps holds {len(steps)}", expected=f"at most {STEPS_MOST} steps")
    made = [as_step(one) for one in steps]
    if made[0].optional:
        raise ParameterError("the first step is optional", expected="a first step that begins every attempt")
    labels: list[str] = []
    for one in made:
        seen = sum(label == one.label or label.startswith(f"{one.label} (") for label in labels)
        labels.append(f"{one.label} ({seen + 1})" if seen else one.label)
    return tuple(replace(one, label=label) for one, label in zip(made, labels, strict=True))


def _exclusion(value: Any, steps: tuple[Step, ...], scope: str) -> Exclusion:
    given = dict(value) if isinstance(value, Mapping) else {"event": value}
    for name in given:
        check.one_of("an exclusion's key", name, ("event", "after", "before", "where", "scope"))
    made = step(given.get("event"), where=given.get("where"))
    after = _place(given.get("after"), steps, 0)
    before = _place(given.get("before"), steps, len(steps) - 1)
    if after >= before:
        raise ParameterError(
            f"the exclusion of {made.label!r} lies after step {after + 1} and before step {before + 1}",
            expected="a later step to end it",
        )
    own = given.get("scope") or scope
    return Exclusion(
        choices=made.choices, after=after, before=before, scope=check.one_of("scope", own, SCOPES)
    )


def _place(value: Any, steps: tuple[Step, ...], usual: int) -> int:
    if value is None:
        return usual
    labels = [one.label for one in steps]
    if isinstance(value, str) and value in labels:
        return labels.index(value)
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= len(steps):
        return value - 1
    raise ParameterError(
        f"there is no step {value!r}",
        expected=f"a number from 1 to {len(steps)}, or a step's label",
        hint=nearest(str(value), labels),
    )


def _conditions(where: Mapping[str, Any]) -> tuple[Condition, ...]:
    if not isinstance(where, Mapping):
        raise ParameterError(f"where = {where!r}", expected='a dict such as {"price": (">", 10)}')
    made = []
    for name, value in where.items():
        operator, own = "==", value
        if isinstance(value, tuple) and len(value) in (1, 2) and value[0] in OPERATORS:
            operator, own = value[0], value[1] if len(value) == 2 else None
        elif isinstance(value, (list, set, frozenset)):
            operator, own = "in", tuple(value)
        elif isinstance(value, tuple):
            raise ParameterError(
                f"where[{name!r}] = {value!r}",
                expected="(operator, value) with one of " + ", ".join(OPERATORS),
            )
        if operator in ("in", "not in"):
            own = tuple(own) if isinstance(own, (list, tuple, set, frozenset)) else (own,)
        made.append(Condition(name=str(name), operator=operator, value=own))
    return tuple(made)


def _said(choice: Choice) -> str:
    name = "any event" if choice.event is None else choice.event
    name = name if len(name) <= 60 else name[:57] + "..."
    if not choice.where:
        return name
    parts = []
    for one in choice.where:
        value = ", ".join(map(str, one.value)) if isinstance(one.value, tuple) else one.value
        sign = "=" if one.operator == "==" else one.operator
        parts.append(f"{one.name} {sign}" if value is None else f"{one.name} {sign} {value}")
    return f"{name} ({', '.join(parts)})"


def _check_together(found: Definition, *, grace_asked: bool) -> None:
    if found.grace_us and found.order != "ordered" and grace_asked:
        raise ParameterError(
            f"grace with order = {found.order!r}", expected="order='ordered'", hint="leave grace out"
        )
    if found.order == "any" and found.gap_us is not None:
        raise ParameterError(
            "gap with order = 'any'",
            expected="order='ordered' or 'strict': without an order no step comes next",
            hint="within limits the whole attempt",
        )
    if found.order == "any" and found.optional:
        raise ParameterError("an optional step with order = 'any'", expected="steps that all count alike")
    if found.order != "any" and any(one.anchored for one in found.steps):
        raise ParameterError(
            f"an anchored step with order = {found.order!r}",
            expected='order="any": with an order every step keeps its place',
        )
    if found.order == "any":
        for one in found.exclude:
            if (one.after, one.before) != (0, len(found.steps) - 1):
                raise ParameterError(
                    "an exclusion between two steps with order = 'any'",
                    expected="an exclusion over the whole attempt: there is no order to lie between",
                )
    if found.optional and any({one.after, one.before} & set(found.optional) for one in found.exclude):
        raise ParameterError(
            "an exclusion that begins or ends at an optional step", expected="a required step"
        )


def as_text(definition: Definition) -> dict[str, Any]:
    """Return the rules of a definition as plain values, for notes and manifests."""
    left_out = ("steps", "exclude", "hold")
    return {one.name: getattr(definition, one.name) for one in fields(definition) if one.name not in left_out}
