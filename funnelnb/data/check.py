"""Can these data be trusted? Every check in plain words, before anybody counts anything.

A check is one function in ``check_rules.py`` and its sentences in each language
(``show/lang/notes_data.*.toml``); :data:`CHECKS` lists them in the order of the report.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.core.check import CONFIDENCE_LEVEL
from funnelnb.core.display import Shown
from funnelnb.core.errors import DataProblems, FunnelError, ParameterError, Problem
from funnelnb.core.note import Note
from funnelnb.data import check_rules as rules
from funnelnb.data.check_rules import Subject
from funnelnb.data.load import Draft
from funnelnb.data.problems import Findings
from funnelnb.data.sources import Sources, gather

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

CHECKS: Mapping[str, Callable[[Subject], list[Note]]] = {
    "joins": rules.joins,
    "spelling": rules.spelling,
    "duplicates": rules.duplicates,
    "accounts": rules.accounts,
    "dates": rules.missing_dates,
    "last_record": rules.last_record,
    "late_start": rules.late_start,
    "old_open_deals": rules.old_open_deals,
    "zero_days": rules.zero_days,
    "bulk_closes": rules.bulk_closes,
    "amounts": rules.amounts,
    "outcomes": rules.outcomes,
    "stages": rules.stages,
}
"""Name of a check = the function that makes notes of what it finds; none means passed."""

FAILING = ("join_would_lose", "join_would_lose_near")
"""Notes that change numbers unless something is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckItem:
    """One line of the report.

    Attributes
    ----------
    status : {"failed", "note", "passed"}
        ``failed`` must be dealt with before numbers mean anything; ``note`` should be known.
    check : str
        Key of :data:`CHECKS`, ``"contract"`` for what stops the loading, ``"loading"`` for what it did.
    note : Note
        The sentence, as a code with facts.
    """

    status: str
    check: str
    note: Note


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CheckReport(Shown):
    """What was found in the data.

    Attributes
    ----------
    name : str
        What was checked.
    n : int
        Deals that could be read.
    items : tuple of CheckItem
        Failed ones first, then notes, then what passed.
    problems : tuple of Problem
        What stops the loading, each with file, row, value and remedy.
    failed_n, noted_n, passed_n : int
        How many items of each status.
    as_of : numpy.datetime64
        NaT where the data could not be read.
    method, currency, confidence_level, notes
        As every result has them.
    """

    name: str
    n: int
    items: tuple[CheckItem, ...]
    problems: tuple[Problem, ...]
    failed_n: int
    noted_n: int
    passed_n: int
    as_of: np.datetime64
    method: str = "check"
    currency: str = ""
    confidence_level: float = CONFIDENCE_LEVEL
    notes: tuple[Note, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing failed."""
        return not self.failed_n


def check_data(
    source: Any,
    *,
    mapping: Any = None,
    playbook: Any = None,
    as_of: Any = None,
    currency: str | None = None,
    timezone: str | None = None,
    tables: Mapping[str, Any] | None = None,
    name: str | None = None,
) -> CheckReport:
    """Can these data be trusted, and what should be known about them?

    Parameters
    ----------
    source, mapping, playbook, as_of, currency, timezone, tables, name
        As for :func:`funnelnb.data.load.load`.

    Returns
    -------
    CheckReport
        Also for data that cannot be loaded: then the problems are its failed items, and the other checks look
        at the rows without them.

    Raises
    ------
    SourceError, MappingError, PlaybookError
        The files or settings cannot be read at all.
    ParameterError
        `as_of` is no date, or one that leaves no deal to be seen.

    Examples
    --------
    >>> from funnelnb.core.resources import sample_folder
    >>> check_data(sample_folder()).failed_n
    0
    """
    sources = gather(source, mapping, tables)
    draft, problems = _read(sources, playbook=playbook, currency=currency, timezone=timezone)
    items = [CheckItem(status="failed", check="contract", note=_problem_note(one)) for one in problems]
    subject, refusal = _subject(draft, as_of, problems) if draft is not None else (None, None)
    if refusal is not None:
        problems.append(refusal)
        items.append(CheckItem(status="failed", check="contract", note=_problem_note(refusal)))
    if subject is not None:
        items += _run(subject)
    order = {"failed": 0, "note": 1, "passed": 2}
    items.sort(key=lambda item: order[item.status])
    counts = {status: sum(item.status == status for item in items) for status in order}
    return CheckReport(
        name=sources.name if name is None else name,
        n=0 if subject is None else len(subject.deals),
        items=tuple(items),
        problems=tuple(problems),
        failed_n=counts["failed"],
        noted_n=counts["note"],
        passed_n=counts["passed"],
        as_of=np.datetime64("NaT", "s") if subject is None else subject.as_of,
        currency="" if draft is None else draft.currency,
    )


def _read(sources: Sources, **asked: Any) -> tuple[Draft | None, list[Problem]]:
    """Read the data; if problems stop that, read them again without the rows at fault."""
    draft = Draft(sources, **asked)
    try:
        draft.read()
    except DataProblems as error:
        problems = list(error.problems)
    else:
        return draft, []
    lenient = replace(sources.settings, on_problem="drop", problems={})
    again = Draft(replace(sources, settings=lenient), **asked)
    try:
        again.read()
    except DataProblems:
        return None, problems
    again.findings = Findings(sources.settings)
    return again, problems


def _subject(draft: Draft, as_of: Any, problems: list[Problem]) -> tuple[Subject | None, Problem | None]:
    """Return what the checks look at; or why there is no book, unless the rows at fault are the reason."""
    try:
        book = draft.book(as_of=as_of)
    except ParameterError:
        if problems:
            return None, None
        raise
    except FunnelError as error:
        place = draft.sources.raws["opportunities"].file
        refusal = Problem(file=place, found=error.found, expected=error.expected, remedy=error.hint)
        return None, None if problems else refusal
    frames = {name: table.frame for name, table in draft.tables.items()}
    subject = Subject(
        book=book,
        draft_frames=frames,
        joins=tuple(draft.joins),
        notes=tuple(book.notes),
        settings=draft.settings,
    )
    return subject, None


def _run(subject: Subject) -> list[CheckItem]:
    """Run all checks; what loading noted comes first."""
    shown_by_checks = ("join_corrected", "join_unmatched", "join_unmatched_near")
    items = [
        CheckItem(status="note", check="loading", note=note)
        for note in subject.notes
        if note.code not in shown_by_checks
    ]
    for name, check in CHECKS.items():
        found = check(subject)
        for note in found:
            status = "failed" if note.code in FAILING else "note"
            items.append(CheckItem(status=status, check=name, note=note))
        if not found:
            items.append(CheckItem(status="passed", check=name, note=Note(f"passed_{name}")))
    return items


def _problem_note(problem: Problem) -> Note:
    place = problem.file
    if problem.row is not None:
        place += f", row {problem.row}"
    if problem.column:
        place += f", column {problem.column}"
    return Note(
        "problem",
        {
            "place": place, "found": problem.found, "value": problem.value, "rows_n": problem.rows_n,
            "expected": problem.expected, "remedy": problem.remedy,
        },
    )  # fmt: skip
