"""Can these data be trusted? Every check in plain words, before anybody counts anything; one function per check.

Longer than most modules: each check is one short function, and they are read as a list.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from funnelnb.core.check import CONFIDENCE_LEVEL
from funnelnb.core.display import Shown
from funnelnb.core.errors import DataProblems, FunnelError, ParameterError, Problem
from funnelnb.core.note import Note
from funnelnb.data.clean.join import TOLD
from funnelnb.data.contract.clock import UNKNOWN
from funnelnb.data.contract.problems import Findings
from funnelnb.data.contract.tables import attributes
from funnelnb.data.ledger import dating
from funnelnb.data.ledger.dating import LATE_STARTERS
from funnelnb.data.load import Draft
from funnelnb.data.parse.values import among, look_up
from funnelnb.data.recognise.merge import merged
from funnelnb.data.recognise.proposal import Proposal
from funnelnb.data.recognise.sources import Sources, gather
from funnelnb.playbooks.model import fold

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from funnelnb.core.check import Day
    from funnelnb.data.book import Book
    from funnelnb.data.clean.join import JoinReport
    from funnelnb.data.contract.settings import Settings


# ---- What can be wrong with deals that keep the contract? One function per check; each returns notes -------

NAMED = 5
"""How many names a sentence lists."""

LONELY_DAYS = 60
"""A last date this far behind all others is probably a slip of the pen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is checked.

    Attributes
    ----------
    book : Book
    draft_frames : Mapping of str to DataFrame
        Tables before the cut at the as-of date; the index holds spreadsheet rows.
    joins : tuple of JoinReport
    notes : tuple of Note
    settings : Settings
    """

    book: Book
    draft_frames: Mapping[str, Any]
    joins: tuple[JoinReport, ...]
    notes: tuple[Note, ...]
    settings: Settings

    @property
    def deals(self) -> pd.DataFrame:
        """The deals of the book."""
        return self.book.opportunities

    @property
    def as_of(self) -> np.datetime64:
        """The book's as-of instant."""
        return self.book.as_of

    @property
    def closed(self) -> pd.Series:
        """Which deals are won or lost."""
        return self.deals["outcome"].str.match("won|lost")

    @property
    def decided(self) -> Any:
        """The same as an array."""
        return self.closed.to_numpy(bool)

    @property
    def started(self) -> pd.Series:
        """When each deal began: created, else its first stage entry; NaT where neither is known."""
        deals = self.deals
        created = deals.get("created_at", pd.Series(np.datetime64("NaT", "us"), index=deals.index))
        history = self.book.tables.get("stage_history")
        if history is None:
            return created
        rows = history.sort_values("entered_at")
        first = look_up(deals["opportunity_id"], rows["opportunity_id"], rows["entered_at"])
        return created.where(created.notna(), first)

    @property
    def days(self) -> pd.Series:
        """Days from start to close, of closed deals."""
        if "closed_at" not in self.deals:
            return pd.Series(np.nan, index=self.deals.index)
        return (self.deals["closed_at"] - self.started).dt.total_seconds().where(self.closed) / 86400


def names(values: Any) -> str:
    """Return at most NAMED names, and how many more there are."""
    listed = [str(value) for value in values]
    more = f", … (+{len(listed) - NAMED})" if len(listed) > NAMED else ""
    return ", ".join(listed[:NAMED]) + more


def joins(subject: Subject) -> list[Note] | None:
    """Do the files fit together? Keys without a partner, on either side."""
    if not subject.joins:
        return None
    found = []
    closed = subject.draft_frames["opportunities"]["outcome"].str.match("won|lost")
    for report in subject.joins:
        stray = [one for one in report.mismatches if not one.corrected]
        if len(stray) > TOLD:
            rows = [row for one in stray for row in one.rows]
            facts = {
                "file": report.file, "column": report.column, "other": report.other, "n": len(stray),
                "rows_n": len(rows), "closed_n": int(closed.reindex(rows).eq(True).sum()),
                "names": names(one.value for one in stray),
            }  # fmt: skip
            found.append(Note("join_would_lose_many", facts))
        for one in (
            report.mismatches if len(stray) <= TOLD else (one for one in report.mismatches if one.corrected)
        ):
            code = "join_would_lose_near" if one.nearest else "join_would_lose"
            facts = {
                "file": report.file, "column": report.column, "value": one.value, "n": len(one.rows),
                "closed_n": int(closed.reindex(list(one.rows)).eq(True).sum()), "other": report.other,
                "nearest": one.nearest,
            }  # fmt: skip
            found.append(Note("join_would_lose_corrected" if one.corrected else code, facts))
        if report.unused:
            facts = {
                "other": report.other, "column": report.other_column, "n": len(report.unused),
                "names": names(report.unused),
            }  # fmt: skip
            found.append(Note("join_unused", facts))
    return found


def spelling(subject: Subject) -> list[Note]:
    """Are there values that differ only in case, spaces or punctuation?"""
    found = []
    for column in (*attributes(subject.deals), "account_id", "lost_reason"):
        if column not in subject.deals:
            continue
        variants: dict[str, list[str]] = {}
        for value in subject.deals[column].dropna().unique():
            variants.setdefault(fold(value), []).append(str(value))
        for alike in variants.values():
            if len(alike) > 1:
                n = int(subject.deals[column].isin(alike).sum())
                found.append(
                    Note("spelled_differently", {"column": column, "names": names(sorted(alike)), "n": n})
                )
    return found


def duplicates(subject: Subject) -> list[Note] | None:
    """May the same deal stand in the data twice, under two ids?"""
    deals = subject.deals
    keys = [
        name for name in ("account_id", "owner", "product", "amount", "closed_at", "stage") if name in deals
    ]
    if "amount" not in keys or not {"account_id", "name"} & set(deals):
        return None
    frame = deals[keys].assign(started=subject.started)
    known = deals["amount"].notna() & frame["started"].notna()
    known &= deals["account_id"].notna() if "account_id" in deals else True
    if not known.any():
        return None
    same = frame[known].duplicated(keep=False)
    if not same.any():
        return []
    ids = deals["opportunity_id"][known][same]
    extra = int(frame[known].duplicated(keep="first").sum())
    return [Note("duplicates_suspected", {"n": extra, "names": names(ids)})]


def accounts(subject: Subject) -> list[Note] | None:
    """Does every deal have a customer, and every customer a record?"""
    deals = subject.deals
    if "account_id" not in deals:
        return None
    found = []
    open_deals = deals["outcome"] == "open"
    blank = open_deals & deals["account_id"].isna()
    if blank.any():
        found.append(Note("open_without_account", {"n": int(blank.sum()), "of_n": int(open_deals.sum())}))
    blank = ~open_deals & deals["account_id"].isna()
    if blank.any():
        found.append(Note("closed_without_account", {"n": int(blank.sum())}))
    records = subject.book.tables.get("accounts") if "accounts" in subject.draft_frames else None
    if records is not None:
        stray = deals["account_id"].notna() & ~among(deals["account_id"], records["account_id"])
        if stray.any():
            found.append(
                Note(
                    "account_unknown",
                    {"n": int(stray.sum()), "names": names(deals["account_id"][stray].unique())},
                )
            )
    return found if found or records is not None else None


def missing_dates(subject: Subject) -> list[Note]:
    """Which dates are missing: creation, close, entry into a stage?"""
    deals, book = subject.deals, subject.book
    found = []
    created = deals.get("created_at")
    if created is None or created.isna().all():
        found.append(Note("created_absent", {"n": len(deals)}))
    elif created.isna().any():
        found.append(Note("created_missing", {"n": int(created.isna().sum()), "of_n": len(deals)}))
    undated = subject.closed & (deals["closed_at"].isna() if "closed_at" in deals else True)
    if undated.any():
        found.append(Note("closed_undated", {"n": int(undated.sum())}))
    history = book.tables.get("stage_history")
    if history is None:
        found.append(Note("no_stage_history", {}))
        return found
    without = ~among(deals["opportunity_id"], history["opportunity_id"])
    if without.any():
        stages = deals["stage"][without].fillna("?").value_counts()
        facts = {"n": int(without.sum()), "of_n": len(deals), "names": names(stages.index)}
        found.append(Note("deals_without_entry_dates", facts))
    return found


def last_record(subject: Subject) -> list[Note] | None:
    """Does the last date stand far from all others, as a slip of the pen? The default as-of date hangs on it."""
    frames = subject.draft_frames
    places = (
        ("opportunities", "created_at"),
        ("opportunities", "closed_at"),
        ("stage_history", "entered_at"),
    )
    times = [frames[table][column].dropna() for table, column in places if column in frames.get(table, ())]
    days = pd.concat(times).dt.normalize().drop_duplicates().sort_values() if times else pd.Series([])
    if len(days) < LATE_STARTERS:
        return None
    gap = (days.iloc[-1] - days.iloc[-2]).days
    if gap < LONELY_DAYS:
        return []
    return [Note("last_record_alone", {
        "day": str(days.iloc[-1])[:10], "before": str(days.iloc[-2])[:10], "gap_days": float(gap),
    })]  # fmt: skip


def late_start(subject: Subject) -> list[Note] | None:
    """Do the closes start much later than the deals? Then earlier closes are missing."""
    if subject.book.observed_from is not None or "closed_at" not in subject.deals:
        return None
    started_s, closed_s = _seconds(subject.started), _seconds(subject.deals["closed_at"])
    found = dating.starts_late(started_s, closed_s, subject.decided)
    return None if found is None else list(found)


def old_open_deals(subject: Subject) -> list[Note] | None:
    """Are open deals older than any deal that ever closed?"""
    days = subject.days.dropna()
    open_deals = subject.deals["outcome"] == "open"
    age = (pd.Timestamp(subject.as_of) - subject.started).dt.total_seconds() / 86400
    known = open_deals & age.notna()
    if len(days) < LATE_STARTERS or not known.any():
        return None
    older = known & (age > days.max())
    if not older.any():
        return []
    facts = {"longest_days": float(days.max()), "n": int(older.sum()), "of_n": int(known.sum())}
    return [Note("open_older_than_any_close", facts)]


def zero_days(subject: Subject) -> list[Note] | None:
    """How many deals closed on the day they began?"""
    days = subject.days
    if not days.notna().any():
        return None
    same = days < 1
    if "closed_at" in subject.deals:
        same &= subject.deals["closed_at"].dt.normalize() == subject.started.dt.normalize()
    if not same.any():
        return []
    return [Note("zero_day_deals", {"n": int(same.sum()), "of_n": int(days.notna().sum())})]


def bulk_closes(subject: Subject) -> list[Note] | None:
    """Were many deals closed on one day, as after a clean-up?"""
    if "closed_at" not in subject.deals:
        return None
    lost = subject.deals["outcome"].str.startswith("lost").to_numpy(bool)
    found = dating.closed_in_bulk(_seconds(subject.deals["closed_at"]), subject.decided, lost)
    return None if found is None else list(found)


def _seconds(moments: pd.Series) -> Any:
    """Return whole seconds, UNKNOWN where there is no date."""
    return np.where(moments.isna(), UNKNOWN, moments.to_numpy("datetime64[s]").astype(np.int64))


def amounts(subject: Subject) -> list[Note]:
    """Can amounts be added: are they known, not all 0 for lost deals, not one deal's?"""
    deals = subject.deals
    if "amount" not in deals or deals["amount"].isna().all():
        return [Note("no_amounts", {})]
    found = []
    missing = deals["amount"].isna()
    if missing.any():
        found.append(Note("amount_missing", {"n": int(missing.sum()), "of_n": len(deals)}))
    lost = deals["outcome"].str.startswith("lost") & ~missing
    won = (deals["outcome"] == "won") & ~missing
    if lost.sum() >= 10 and (deals["amount"][lost] == 0).mean() > 0.5 and (deals["amount"][won] > 0).any():
        found.append(Note("lost_amounts_zero", {"n": int((deals["amount"][lost] == 0).sum())}))
    total = deals["amount"].where(deals["amount"] > 0).sum()
    largest = deals["amount"].max()
    if len(deals) >= 20 and total > 0 and largest > 0.25 * total:
        facts = {
            "name": str(deals["opportunity_id"].iloc[int(deals["amount"].argmax())]),
            "part_share": float(largest / total),
        }
        found.append(Note("one_large_deal", facts))
    return found


def outcomes(subject: Subject) -> list[Note] | None:
    """Are losses recorded, and are expected closes kept up to date?"""
    deals = subject.deals
    found = []
    lost = deals["outcome"].str.startswith("lost").any()
    if (deals["outcome"] == "won").sum() >= 10 and not lost:
        found.append(Note("nothing_lost", {"n": len(deals)}))
    if "expected_close_at" in deals:
        open_deals = deals["outcome"] == "open"
        late = open_deals & (deals["expected_close_at"] < pd.Timestamp(subject.as_of))
        if late.any():
            found.append(Note("expected_close_passed", {"n": int(late.sum()), "of_n": int(open_deals.sum())}))
    return found if found or lost else None


def stages(subject: Subject) -> list[Note]:
    """Does every stage of the playbook occur?"""
    deals, book = subject.deals, subject.book
    seen = set(deals["stage"].dropna()) if "stage" in deals else set()
    history = book.tables.get("stage_history")
    if history is not None:
        seen |= set(history["stage"].dropna())
    absent = [one.id for one in book.playbook.stages if one.kind != "after_sale" and one.id not in seen]
    return [Note("stages_never_seen", {"n": len(absent), "names": names(absent)})] if absent else []


# ---- Can these data be trusted? Every check in plain words, before anybody counts anything -----------------

CHECKS: Mapping[str, Callable[[Subject], list[Note] | None]] = {
    "joins": joins,
    "spelling": spelling,
    "duplicates": duplicates,
    "accounts": accounts,
    "dates": missing_dates,
    "last_record": last_record,
    "late_start": late_start,
    "old_open_deals": old_open_deals,
    "zero_days": zero_days,
    "bulk_closes": bulk_closes,
    "amounts": amounts,
    "outcomes": outcomes,
    "stages": stages,
}
"""Name of a check = the function that makes notes of what it finds; an empty list means passed, None not judged."""

FAILING = ("join_would_lose", "join_would_lose_near", "join_would_lose_many")
"""Notes that change numbers unless something is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckItem:
    """One line of the report.

    Attributes
    ----------
    status : {"failed", "note", "unjudged", "passed"}
        ``failed`` must be dealt with before numbers mean anything; ``note`` should be known; of ``unjudged`` the data
        cannot tell.
    check : str
        Key of :data:`CHECKS`, ``"contract"`` for what stops the loading, ``"loading"`` for what it did,
        ``"lines"`` for what became of the lines of a text file.
    note : Note
        The sentence, as a code with facts.
    """

    status: str
    check: str
    note: Note


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class CheckReport(Shown):
    """What was found in the data.

    Attributes
    ----------
    name : str
        What was checked.
    n : int
        Deals that could be read.
    items : tuple of CheckItem
        Failed ones first, then notes, then what could not be judged, then what passed.
    problems : tuple of Problem
        What stops the loading, each with file, row, value and remedy.
    failed_n, noted_n, passed_n, unjudged_n : int
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
    unjudged_n: int
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
    as_of: Day | None = None,
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
    if isinstance(mapping, Proposal):
        mapping = merged(mapping.said, mapping.document, accepted=True)
    sources = gather(source, mapping, tables)
    draft, problems = _read(sources, playbook=playbook, currency=currency, timezone=timezone)
    items = [CheckItem(status="failed", check="contract", note=_problem_note(one)) for one in problems]
    subject, refusal = _subject(draft, as_of, problems) if draft is not None else (None, None)
    if refusal is not None:
        problems.append(refusal)
        items.append(CheckItem(status="failed", check="contract", note=_problem_note(refusal)))
    if subject is not None:
        items += _run(subject)
    items += _lines(sources, draft)
    order = {"failed": 0, "note": 1, "unjudged": 2, "passed": 3}
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
        unjudged_n=counts["unjudged"],
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


def _subject(
    draft: Draft, as_of: Day | None, problems: list[Problem]
) -> tuple[Subject | None, Problem | None]:
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
    shown_by_checks = ("join_corrected", "join_unmatched", "join_unmatched_near", "join_unmatched_many")
    items = [
        CheckItem(status="note", check="loading", note=note)
        for note in subject.notes
        if note.code not in shown_by_checks
    ]
    for name, check in CHECKS.items():
        found = check(subject)
        if found is None:
            items.append(CheckItem(status="unjudged", check=name, note=Note(f"unjudged_{name}")))
            continue
        for note in found:
            status = "failed" if note.code in FAILING else "note"
            items.append(CheckItem(status=status, check=name, note=note))
        if not found:
            items.append(CheckItem(status="passed", check=name, note=Note(_passed(subject, name))))
    return items


def _lines(sources: Sources, draft: Draft | None) -> list[CheckItem]:
    """Say of every text file that became a table what became of its lines; of all where none did."""
    raws = (
        [*(one.raw for one in sources.sheets), *sources.raws.values()]
        if draft is None
        else draft.raws.values()
    )
    found = {raw.file: note for raw in raws if (note := raw.accounted()) is not None}
    return [CheckItem(status="passed", check="lines", note=note) for note in found.values()]


def _passed(subject: Subject, name: str) -> str:
    """Return the code of the sentence that says what was in order, and nothing that was not looked at."""
    if name == "outcomes" and "expected_close_at" not in subject.deals:
        return "passed_losses"
    return f"passed_{name}"


def _problem_note(problem: Problem) -> Note:
    place = problem.file
    if problem.row is not None:
        place += f", row {problem.row}"
    if problem.column:
        place += f", column {problem.column}"
    return Note(
        "problem",
        {
            "place": place, "file": problem.file, "row": problem.row or 0, "column": problem.column,
            "found": problem.found, "value": problem.value, "rows_n": problem.rows_n, "expected": problem.expected,
            "remedy": problem.remedy,
        },
    )  # fmt: skip
