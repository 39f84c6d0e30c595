"""How does an analysis get its counts?

The one place of ``analysis`` that knows where counts come from: in memory from the ledger of a
:class:`~funnelnb.data.book.Book`, or from a source that counts its own rows where they lie (a ``Scan``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from funnelnb.analysis.shared.judged import judged, notes_of, unjudged
from funnelnb.core import check
from funnelnb.core.errors import MissingDataError, ParameterError, nearest, nearest_attribute
from funnelnb.core.note import Note
from funnelnb.core.options import options
from funnelnb.data.contract.clock import UNKNOWN
from funnelnb.data.count.groups import Cohort

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.data.contract.calendar import Calendar
    from funnelnb.data.count.counts import StageCounts, TimeCounts
    from funnelnb.data.count.tally import WatchedDeals
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
class ConversionCounts:
    """Everything that conversion needs of a source.

    Attributes
    ----------
    stage : StageCounts
    overall : TimeCounts
        From the origin stage to won.
    steps : tuple of TimeCounts
        One per step, in order; the after-sale steps follow those that lead to won.
    unwatched_n : int
        Deals not in `overall` because they ended before the records begin.
    notes : tuple of Note
        What the source had to assume.
    """

    stage: StageCounts
    overall: TimeCounts
    steps: tuple[TimeCounts, ...]
    unwatched_n: int
    notes: tuple[Note, ...]


def conversion_counts(source: Source, *, by: tuple[str, ...], origin: Origin) -> ConversionCounts:
    """Count what conversion from `origin` needs, wherever the rows of `source` lie."""
    stage = stage_counts(source, by)
    last = len(stage.stage_ids) - 1 if has_after_sale(stage) else stage.won
    steps = tuple(time_counts(source, k, k + 1, by) for k in range(origin.first, last))
    whole = (origin.position, stage.won)
    same = [counts for counts in steps if (counts.origin, counts.target) == whole]
    overall = same[0] if same else time_counts(source, *whole, by)
    return ConversionCounts(
        stage=stage,
        overall=overall,
        steps=steps,
        unwatched_n=unwatched_n(source, overall),
        notes=(*source_notes(source), *origin.notes),
    )


def has_after_sale(stage: StageCounts) -> bool:
    """Whether any deal was seen beyond the won stage."""
    return bool(stage.reached_n[:, stage.won + 1 :].any())


def stage_counts(source: Any, by: Groups = ()) -> StageCounts:
    """Stage counts of `source`."""
    if hasattr(source, "stage_counts"):
        return source.stage_counts(by=by)
    from funnelnb.data.count import tally

    return tally.stage_counts(source.ledger, by=by)


def time_counts(
    source: Any,
    origin: int,
    target: int,
    by: Groups = (),
    calendar: Calendar | None = None,
    *,
    durations: bool = False,
    alike: str = "account_id",
) -> TimeCounts:
    """Time counts of `source` from position `origin` to `target`; None: in calendar days.

    What the data cannot tell is taken out, see :func:`funnelnb.analysis.shared.judged.judged`. `alike`: the attribute
    whose deals are no independent ones.
    """
    why = unjudged(source)
    if hasattr(source, "time_counts"):
        return judged(source.time_counts(origin, target, by=by, calendar=calendar), why, durations=durations)
    from funnelnb.data.count import tally

    return judged(
        tally.time_counts(source.ledger, origin, target, by=by, calendar=calendar, alike=alike),
        why,
        durations=durations,
    )


def watched_deals(
    source: Any, origin: int, target: int, by: Groups = (), calendar: Calendar | None = None
) -> WatchedDeals | None:
    """Times of every deal with the age at which each would have been cut; None where the source only counts."""
    if getattr(source, "in_engine", False) or not hasattr(source, "ledger"):
        return None

    from funnelnb.data.count import tally

    return tally.watched_deals(source.ledger, origin, target, by=by, calendar=calendar)


def unwatched_n(source: Any, counts: TimeCounts) -> int:
    """How many deals reached the origin of `counts` and are not among them, as they ended before the records begin?"""
    if getattr(source, "observed_from", None) is None:
        return 0
    counted_n = counts.n.sum() + counts.unknown_n.sum()
    return int(stage_counts(source).reached_n[:, counts.origin].sum() - counted_n)


def calendar_notes(source: Any, calendar: Calendar) -> tuple[Note, ...]:
    """Return a note if the data reach beyond the years for which the business days are known."""
    if calendar.years is None:
        return ()
    first, last = calendar.years
    ledger = source.ledger
    known_s = ledger.created_s[ledger.created_s != UNKNOWN]
    began_s = np.int64(known_s.min() if known_s.size else ledger.as_of_s)
    days = [np.datetime64(int(one), "s").astype("datetime64[D]") for one in (began_s, ledger.as_of_s)]
    if first <= days[0].item().year and days[1].item().year <= last:
        return ()
    facts = {"calendar": calendar.name, "from_year": str(first), "to_year": str(last)}
    return (Note("calendar_years", facts | {"first": str(days[0]), "last": str(days[1])}),)


def source_notes(source: Any, *, times: bool = True) -> tuple[Note, ...]:
    """What building the ledger, or scanning, had to assume; `times`: as for a result that speaks of them.

    Unknown amounts are told by those who weigh by amount, for the deals they weigh.
    """
    owner = source if hasattr(source, "stage_counts") else source.ledger
    told = tuple(note for note in getattr(owner, "notes", ()) if note.code != "amount_unknown")
    return (*told, *notes_of(source, times=times))


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
    """Return `by` as a tuple of known attributes."""
    return _attributes_of(source, "by", by, MOST_ATTRIBUTES)


def working_stage(playbook: Playbook, stage: str) -> int:
    """Return the position of a stage before the win, by its id, label or alias.

    Raises
    ------
    ParameterError
        There is no such stage; the hint names the nearest.
    """
    position = playbook.position(stage) if isinstance(stage, str) else None
    if position is None or position >= playbook.won:
        working = playbook.stage_ids[: playbook.won]
        raise ParameterError(
            f"stage = {stage!r}",
            expected="a stage before won: " + ", ".join(map(repr, working)),
            hint=nearest(str(stage), working),
        )
    return position


def one_attribute(source: Source, by: str | Sequence[str] | None, usual: str) -> str:
    """Return the attribute whose values are the parts of a whole: the one named, or the usual one."""
    return (_attributes_of(source, "by", by, 1) or _attributes_of(source, "by", usual, 1))[0]


def stratum(source: Source, within: str | None, by: tuple[str, ...]) -> tuple[str, ...]:
    """Return the attribute `within` whose values the groups `by` are compared, or nothing.

    Raises
    ------
    ParameterError
        Nothing is compared, or it is one of `by`.
    MissingDataError
        The book does not hold it.
    """
    names = _attributes_of(source, "within", within, 1)
    if names and (not by or names[0] in by):
        raise ParameterError(
            f"within = {within!r} with by = {by[0] if len(by) == 1 else by or None!r}",
            expected="groups to compare in by, and another attribute in within",
            hint="name another attribute, or leave within out",
        )
    return names


def _attributes_of(
    source: Source, parameter: str, value: str | Sequence[str] | None, most: int
) -> tuple[str, ...]:
    """Return the value of a parameter as a tuple of known attributes.

    Raises
    ------
    ParameterError
        If more than `most` attributes are named, or one twice.
    MissingDataError
        If the book does not hold one.
    """
    names = check.names_of(parameter, value)
    if len(names) > most or len(set(names)) < len(names):
        expected = "one attribute, or two different ones" if most > 1 else "one attribute"
        raise ParameterError(f"{parameter} = {value!r}", expected=expected, hint="leave some out")
    known = sorted(attributes(source))
    for name in names:
        if name not in known:
            raise MissingDataError(
                f"{parameter} = {name!r}: the opportunities have no such attribute",
                expected="one of " + ", ".join(map(repr, known)) if known else "a column to group by",
                hint=nearest_attribute(str(name), known),
            )
    return names


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where conversion starts.

    Attributes
    ----------
    first : int
        Position of the first step.
    position : int
        Position from which the whole way is taken: `first`, or the first stage whose reaching anybody dated.
    notes : tuple of Note
        Says so where the two differ.
    """

    first: int
    position: int
    notes: tuple[Note, ...] = ()


def origin_of(source: Any, origin_stage: str | None) -> Origin:
    """Return where conversion starts: at the stage named, or at the first one.

    Some exports do not say when deals came into the first stage. Then no deal's whole way can be timed from
    there, and it is taken from the first stage that has dates.

    Raises
    ------
    ParameterError
        If the playbook has no such stage, or it does not come before won.
    """
    playbook = source.playbook
    if origin_stage is not None:
        position = _working_position(playbook, origin_stage)
        return Origin(first=position, position=position)
    position = next((k for k in range(playbook.won) if _dated(source, k)), 0)
    if position == 0:
        return Origin(first=0, position=0)
    facts = {"stage": playbook.stage_ids[0], "origin": playbook.stage_ids[position]}
    return Origin(first=0, position=position, notes=(Note("origin_undated", facts),))


def _dated(source: Any, position: int) -> bool:
    """Whether it is known of any deal when it reached `position`."""
    if hasattr(source, "stage_counts"):
        return bool(time_counts(source, position, source.playbook.won).n.size)
    return bool((source.ledger.reached_s[:, position] != UNKNOWN).any())


def _working_position(playbook: Playbook, name: str) -> int:
    working = playbook.stage_ids[: playbook.won]
    position = playbook.position(name)
    if position is None or position >= playbook.won:
        raise ParameterError(
            f"origin_stage = {name!r}",
            expected="a stage before won: " + ", ".join(map(repr, working)),
            hint=nearest(name, working),
        )
    return position
