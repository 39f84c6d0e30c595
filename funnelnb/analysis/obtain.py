"""How does an analysis get its counts?

The one place of ``analysis`` that knows where counts come from: in memory from the ledger of a
:class:`~funnelnb.data.book.Book`, or from a source that counts its own rows where they lie (a ``Scan``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from funnelnb.core import check
from funnelnb.core.errors import MissingDataError, ParameterError, nearest
from funnelnb.core.options import options
from funnelnb.data.groups import Cohort

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from funnelnb.core.note import Note
    from funnelnb.data.count import StageCounts, TimeCounts
    from funnelnb.playbooks.model import Playbook

SECONDS_PER_DAY = 86_400
MOST_ATTRIBUTES = 2

Groups = tuple[str | Cohort, ...]


class Source(Protocol):
    """What a book and a scan have in common."""

    @property
    def playbook(self) -> Playbook: ...  # noqa: D102
    @property
    def as_of(self) -> np.datetime64: ...  # noqa: D102
    @property
    def currency(self) -> str: ...  # noqa: D102


@dataclass(frozen=True, slots=True, kw_only=True)
class Obtained:
    """Everything that conversion needs of a source.

    Attributes
    ----------
    stage : StageCounts
    overall : TimeCounts
        From the origin stage to won.
    steps : tuple of TimeCounts
        One per step, in order; the after-sale steps follow those that lead to won.
    notes : tuple of Note
        What the source had to assume.
    """

    stage: StageCounts
    overall: TimeCounts
    steps: tuple[TimeCounts, ...]
    notes: tuple[Note, ...]


def obtain(source: Source, *, by: tuple[str, ...], origin: int) -> Obtained:
    """Count what conversion from position `origin` needs, wherever the rows of `source` lie."""
    stage = stage_counts(source, by)
    last = len(stage.stage_ids) - 1 if has_after_sale(stage) else stage.won
    steps = tuple(time_counts(source, k, k + 1, by) for k in range(origin, last))
    overall = steps[0] if stage.won == origin + 1 else time_counts(source, origin, stage.won, by)
    return Obtained(stage=stage, overall=overall, steps=steps, notes=source_notes(source))


def has_after_sale(stage: StageCounts) -> bool:
    """Whether any deal was seen beyond the won stage."""
    return bool(stage.reached_n[:, stage.won + 1 :].any())


def stage_counts(source: Any, by: Groups = ()) -> StageCounts:
    """Stage counts of `source`."""
    if hasattr(source, "stage_counts"):
        return source.stage_counts(by=by)
    from funnelnb.data import tally

    return tally.stage_counts(source.ledger, by=by)


def time_counts(source: Any, origin: int, target: int, by: Groups = ()) -> TimeCounts:
    """Time counts of `source` from position `origin` to `target`."""
    if hasattr(source, "time_counts"):
        return source.time_counts(origin, target, by=by)
    from funnelnb.data import tally

    return tally.time_counts(source.ledger, origin, target, by=by)


def source_notes(source: Any) -> tuple[Note, ...]:
    """What building the ledger, or scanning, had to assume.

    Unknown amounts are told by those who weigh by amount, for the deals they weigh.
    """
    owner = source if hasattr(source, "stage_counts") else source.ledger
    return tuple(note for note in getattr(owner, "notes", ()) if note.code != "amount_unknown")


def attributes(source: Any) -> tuple[str, ...]:
    """Attributes that deals of `source` can be grouped by."""
    owner = source if hasattr(source, "stage_counts") else source.ledger
    return tuple(owner.attributes)


def level(confidence_level: float | None) -> float:
    """Return the confidence level given, checked, or the package option."""
    if confidence_level is None:
        return options().confidence_level
    return check.confidence_level(confidence_level)


def grouping(source: Source, by: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return `by` as a tuple of known attributes.

    Raises
    ------
    ParameterError
        If more than two attributes are named, or one twice.
    MissingDataError
        If the book does not hold one.
    """
    names = () if by is None or by == "" else (by,) if isinstance(by, str) else tuple(by)
    if len(names) > MOST_ATTRIBUTES or len(set(names)) < len(names):
        expected = "one attribute, or two different ones"
        raise ParameterError(f"by = {by!r}", expected=expected, hint="leave some out")
    known = sorted(attributes(source))
    for name in names:
        if name not in known:
            raise MissingDataError(
                f"by = {name!r}: the opportunities have no such attribute",
                expected="one of " + ", ".join(map(repr, known)) if known else "a column to group by",
                hint=nearest(str(name), known),
            )
    return names


def origin_position(playbook: Playbook, origin_stage: str | None) -> int:
    """Return the position of the stage that conversion starts from; None is the first.

    Raises
    ------
    ParameterError
        If the playbook has no such stage, or it does not come before won.
    """
    if origin_stage is None:
        return 0
    working = playbook.stage_ids[: playbook.won]
    position = playbook.position(origin_stage)
    if position is None or position >= playbook.won:
        raise ParameterError(
            f"origin_stage = {origin_stage!r}",
            expected="a stage before won: " + ", ".join(map(repr, working)),
            hint=nearest(origin_stage, working),
        )
    return position
