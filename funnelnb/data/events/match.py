"""Which row of a log is which step? Names and filters become bits, one mask per row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.core.errors import ParameterError
from funnelnb.data.events.definition import check_known
from funnelnb.data.events.log import code_values
from funnelnb.data.events.walk import Rows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from funnelnb.data.events.definition import Choice, Condition, Definition
    from funnelnb.data.events.log import Events


def rows_of(log: Events, definition: Definition) -> tuple[Rows, NDArray[np.int64]]:
    """Return the rows that the walk needs, sorted by unit and time, and which events of the log they are.

    Raises
    ------
    ParameterError
        A step or an exclusion names an event that the log does not hold.
    MissingDataError
        A filter, `hold` or `per` names a property that the log does not hold.
    """
    check_known(definition, log.names)
    mask = masks(log.event, log.names, log.values, [one.choices for one in definition.steps])
    bad = masks(log.event, log.names, log.values, [one.choices for one in definition.exclude])
    keep = log.time <= log.as_of_us
    if definition.order != "strict":
        keep &= (mask > 0) | (bad > 0)
    owner = _owner(log, definition.per)
    unit, held = _held(log, owner, definition.hold)
    keep &= (owner >= 0) & held
    rows = np.flatnonzero(keep)
    time = log.time[rows]
    if definition.grain_us:
        time = time // definition.grain_us * definition.grain_us
    if definition.hold or definition.per != "actor":
        order = np.lexsort((log.row[rows], log.time[rows], time, unit[rows]))
        rows, time = rows[order], time[order]
    if definition.twins == "once":
        once = first_of_twins(unit[rows], time, log.event[rows])
        rows, time = rows[once], time[once]
    owner = unit if definition.apart else owner
    return Rows(unit=unit[rows], time=time, mask=mask[rows], bad=bad[rows], owner=owner[rows]), rows


def first_of_twins(
    unit: NDArray[np.int64], time: NDArray[np.int64], event: NDArray[np.integer[Any]]
) -> NDArray[np.int64]:
    """Return the rows without those that repeat an event of the same unit at the same instant."""
    order = np.lexsort((np.arange(len(unit)), event, time, unit))
    u, t, e = unit[order], time[order], event[order]
    new = np.append(True, (np.diff(u) != 0) | (np.diff(t) != 0) | (np.diff(e) != 0))[: len(u)]
    return np.sort(order[new])


def _owner(log: Events, per: str) -> NDArray[np.int64]:
    if per == "actor":
        return log.actor.astype(np.int64)
    return log.sessions() if per == "session" else log.codes(per)[0]


def _held(
    log: Events, owner: NDArray[np.int64], hold: Sequence[str]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return units within which the held properties are equal, and which events know them all."""
    unit, known = owner, np.ones(len(owner), bool)
    for name in hold:
        codes, values = log.codes(name)
        known &= codes >= 0
        unit = np.unique(unit * np.int64(len(values) + 1) + codes + 1, return_inverse=True)[1]
    return unit, known


def masks(
    event: NDArray[np.integer[Any]],
    names: Sequence[str],
    values: Callable[[str], NDArray[Any]],
    parts: Sequence[Sequence[Choice]],
) -> NDArray[np.uint32]:
    """Which of the parts is each event? Bit k: the k-th.

    Parameters
    ----------
    event : ndarray of int, shape (R,)
        Codes into `names`.
    names : sequence of str
    values : callable
        Property name to values, shape (R,).
    parts : sequence of sequence of Choice

    Returns
    -------
    ndarray of uint32, shape (R,)
    """
    code = {name: k for k, name in enumerate(names)}
    table = np.zeros(len(names) + 1, np.uint32)
    filtered = []
    for k, choices in enumerate(parts):
        for choice in choices:
            if choice.where:
                filtered.append((k, choice))
            elif choice.event is None:
                table |= np.uint32(1 << k)
            elif choice.event in code:
                table[code[choice.event]] |= np.uint32(1 << k)
    mask = table[event]
    for k, choice in filtered:
        wanted = event >= 0 if choice.event is None else event == code.get(choice.event, -1)
        at = np.flatnonzero(wanted)
        for one in choice.where:
            at = at[holds(one, values(one.name)[at])]
        mask[at] |= np.uint32(1 << k)
    return mask


def holds(condition: Condition, cells: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether each value fulfils a condition; a value that is not known fulfils only "is not set".

    Raises
    ------
    ParameterError
        Values that are no numbers are to be compared by size with a number.
    """
    operator, value = condition.operator, condition.value
    known = ~_blank(cells)
    if operator in ("is set", "is not set"):
        return known if operator == "is set" else ~known
    if operator in ("<", "<=", ">", ">="):
        return known & _sized(condition, cells, known)
    texts = np.array(
        ["" if not good else as_text(one) for one, good in zip(cells, known, strict=True)], dtype=object
    )
    wanted = [as_text(one) for one in value] if isinstance(value, tuple) else [as_text(value)]
    if operator == "contains":
        return known & np.array([wanted[0] in one for one in texts], bool).reshape(len(texts))
    same = np.isin(texts, np.array(wanted, dtype=object)) if len(texts) else np.zeros(0, bool)
    return known & (same if operator in ("==", "in") else ~same)


def as_text(value: Any) -> str:
    """Return a value as it is compared: numbers without a needless point, truth as true and false."""
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    text = str(value)
    return text.lower() if text in ("True", "False") else text


def _sized(condition: Condition, cells: NDArray[Any], known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    import pandas as pd

    numeric = isinstance(condition.value, (int, float)) and not isinstance(condition.value, bool)
    if numeric:
        numbers = pd.to_numeric(pd.Series(cells), errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        wrong = known & np.isnan(numbers)
        if wrong.any() and wrong.sum() == known.sum():
            raise ParameterError(
                f"{condition.name} {condition.operator} {condition.value!r}, but {condition.name} holds "
                f"{str(cells[int(np.argmax(wrong))])[:80]!r}",
                expected="a property that holds numbers",
            )
        left: Any = numbers
        right: Any = float(condition.value)
    else:
        left = np.array(
            [as_text(one) if good else "" for one, good in zip(cells, known, strict=True)], dtype=object
        )
        right = as_text(condition.value)
    with np.errstate(invalid="ignore"):
        found = {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}
    return np.asarray(found[condition.operator], bool)


def _blank(cells: NDArray[Any]) -> NDArray[np.bool_]:
    return code_values(cells)[0] < 0 if len(cells) else np.zeros(0, bool)
