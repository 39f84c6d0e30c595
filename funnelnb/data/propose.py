"""What would read this export? Recognise it, try it, and propose what to do about every problem found."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.core.errors import DataProblems, MissingDataError
from funnelnb.data.contract.settings import ROW_NUMBER
from funnelnb.data.load import Draft
from funnelnb.data.parse.values import Reading, parse
from funnelnb.data.recognise.lines import lines_of_deals
from funnelnb.data.recognise.merge import merged
from funnelnb.data.recognise.proposal import Proposal
from funnelnb.data.recognise.sources import gather

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from funnelnb.core.errors import Problem
    from funnelnb.data.book import Book
    from funnelnb.data.recognise.sources import Sources

ROUNDS = 12
"""So often is the export tried again with what was learnt."""

MANY_REPEATED = 0.2
"""Above this share of repeated ids the column is no id: rows are numbered instead."""

KEPT = (
    "bad_number", "bad_date", "bad_flag", "stage_contradicts_outcome", "closed_before_created", "unknown_stage",
    "won_without_closed_at",
)  # fmt: skip
DROPPED = ("ragged_row", "missing_value", "history_unknown_deal")


def propose(
    source: Any, *, mapping: Any = None, playbook: Any = None, tables: Mapping[str, Any] | None = None
) -> Proposal:
    """Which settings would read this export?

    Parameters
    ----------
    source, mapping, playbook, tables
        As for :func:`funnelnb.load`.

    Returns
    -------
    Proposal
        Its document loads as it stands; its questions say what only you can know. For each problem of the data it
        says what happens to those rows. ``fn.load(source, mapping=proposal)`` agrees to everything.

    Raises
    ------
    SourceError, MappingError
        The files or settings cannot be read at all.

    Examples
    --------
    >>> import pandas as pd
    >>> deals = pd.DataFrame({"Deal": ["A", "B", "C"], "Phase": ["Proposal", "Closed Won", "Closed Lost"],
    ...                       "Created": ["2026-01-05", "2026-01-07", "2026-01-08"], "Value": [10, 20, 30]})
    >>> propose(deals).document["playbook"]
    ['Proposal', 'Closed Won']
    """
    sources = gather(source, mapping, tables)
    proposal = Draft(sources, playbook, accept=True, ask=False).proposal
    if proposal is None:
        return Proposal(said=sources.settings)
    settle(
        proposal,
        lambda: gather(source, merged(sources.settings, proposal.document, accepted=True), tables),
        playbook,
    )
    return proposal


def settle(proposal: Proposal, again: Callable[[], Sources], playbook: Any = None) -> None:
    """Try a proposal, and add to it what happens to the rows of every problem found, until it loads.

    Parameters
    ----------
    proposal : Proposal
        Changed in place; its `loads` tells the end.
    again : callable
        Gathers the sources with the proposal as it is now.
    playbook
        As for :func:`funnelnb.load`.
    """
    seen: set[tuple[Any, ...]] = set()
    proposal.loads = False
    for _ in range(ROUNDS):
        attempt = Draft(again(), playbook, accept=True, ask=False)
        try:
            attempt.read()
            _ahead(proposal, attempt.book())
        except DataProblems as error:
            found = list(zip(attempt.findings.codes, error.problems, strict=False))
            key = tuple((code, one.file, one.column, one.value) for code, one in found)
            if key in seen or not found:
                break
            seen.add(key)
            for code, one in found:
                _repair(proposal, code, one)
        except MissingDataError:
            _undated(proposal)
        else:
            proposal.loads = True
            break


def repaired(proposal: Proposal, codes: Sequence[str], problems: Sequence[Problem], rows_n: int) -> bool:
    """Add to a proposal what happens to the rows of problems that its sample of a large text did not hold.

    Parameters
    ----------
    proposal : Proposal
        Changed in place.
    codes, problems : sequence
    rows_n : int
        Records of the text.

    Returns
    -------
    bool
        Whether something was added for each of them.
    """
    for code, one in zip(codes, problems, strict=True):
        before = len(proposal.repairs), len(proposal.questions)
        if code != "duplicate_id":
            _repair(proposal, code, one)
        elif one.rows_n <= MANY_REPEATED * rows_n:
            _drop_repeated(proposal, one)
        if before == (len(proposal.repairs), len(proposal.questions)):
            return False
    return True


def _repair(proposal: Proposal, code: str, problem: Problem) -> None:
    """Propose what happens to the rows of one problem."""
    if code in KEPT:
        proposal.document.setdefault("problems", {})[code] = "keep"
    elif code in DROPPED:
        proposal.document.setdefault("problems", {})[code] = "drop"
    elif code in _REPAIRS:
        _REPAIRS[code](proposal, problem)
        return
    else:
        return
    policy = proposal.document["problems"][code]
    proposal.repair(code, policy, problem)


def _repeated_id(proposal: Proposal, problem: Problem) -> None:
    """Leave repeated ids out if they are few; else the column is no id and rows are numbered."""
    deals = proposal.deals
    if (
        deals is not None
        and problem.file == deals.raw.file
        and problem.rows_n > MANY_REPEATED * len(deals.raw.frame)
        and proposal.history is None
    ):
        how = lines_of_deals(deals)
        if how:
            proposal.table("opportunities")["lines"] = how
            proposal.ask(
                f"lines_{how}", line=f'[tables.opportunities] lines = "{how}"', file=problem.file,
                n=problem.rows_n, column=deals.columns.source("opportunity_id"),
            )  # fmt: skip
            return
        proposal.table("opportunities").setdefault("columns", {})["opportunity_id"] = ROW_NUMBER
        return
    _drop_repeated(proposal, problem)


def _drop_repeated(proposal: Proposal, problem: Problem) -> None:
    proposal.document.setdefault("problems", {})["duplicate_id"] = "drop"
    proposal.repair("duplicate_id", "drop", problem)


def _unknown_outcome(proposal: Proposal, problem: Problem) -> None:
    """Take an unknown outcome for open, and ask."""
    proposal.document.setdefault("outcomes", {})[problem.value] = "open"
    proposal.ask(
        "word_unclear",
        line=f'[outcomes] "{problem.value}" = "open"',
        word=problem.value,
        n=problem.rows_n,
        meaning="open",
    )


def _currencies(proposal: Proposal, problem: Problem) -> None:
    proposal.document.setdefault("problems", {})["two_currencies"] = "keep"
    proposal.repair("two_currencies", "keep", problem)


def _all_deleted(proposal: Proposal, problem: Problem) -> None:
    """Count rows that are all marked as deleted, and ask."""
    if problem.column and "deleted" not in proposal.document:
        proposal.document["deleted"] = "keep"
        proposal.ask("all_deleted", line='deleted = "keep"', column=problem.column)


def _decimal(proposal: Proposal, problem: Problem) -> None:
    """Propose the decimal sign, and ask: amounts of money have no three decimals each, so the point parts thousands."""
    columns = proposal.deals.columns if proposal.deals is not None else None
    money = columns is not None and problem.column in (
        columns.source("amount"),
        columns.source("expected_amount"),
    )
    sign, code = (",", "thousands_unclear") if money else (".", "decimal_unclear")
    proposal.document["decimal"] = sign
    proposal.ask(code, line=f'decimal = "{sign}"', column=problem.column, value=problem.value)


def _no_join(proposal: Proposal, problem: Problem) -> None:
    """Do without a file whose key is not unique."""
    part = proposal.table("opportunities")
    part["joins"] = [one for one in part.get("joins", []) if one["file"] not in problem.file]


def _date_order(proposal: Proposal, problem: Problem) -> None:
    """Propose the order of day and month in which fewer deals close before they begin, and ask."""
    sheet = next((one for one in proposal.sheets if one.raw.file == problem.file), None)
    order = "dmy"
    if sheet is not None:
        wrong = {one: _contradictions(sheet, one) for one in ("mdy", "dmy")}
        usual = "dmy" if "." in problem.value.split(" ")[0] else "mdy"
        order = min(wrong, key=lambda one: (wrong[one], one != usual))
    proposal.document["date_order"] = order
    proposal.ask(
        "date_order_unclear",
        line=f'date_order = "{order}"',
        column=problem.column,
        value=problem.value,
        order=order,
    )


def _contradictions(sheet: Any, order: str) -> int:
    """How many dates lie in the future or close a deal before it began, read in this order?"""
    import pandas as pd

    found = sheet.columns
    parsed = {}
    for column in ("created_at", "closed_at"):
        at = found.source(column)
        if at in sheet.raw.frame:
            one = parse(
                sheet.raw.frame[at], "datetime", Reading(date_order=order), {"file": "", "column": at}
            )
            parsed[column] = one.values if not one.undecided else pd.Series(dtype="datetime64[us]")
    late = sum(int((one > pd.Timestamp.now()).sum()) for name, one in parsed.items() if name == "created_at")
    turned = (
        int((parsed["closed_at"] < parsed["created_at"]).sum())
        if len(parsed) == 2 and all(map(len, parsed.values()))
        else 0
    )
    return late + turned


def _ahead(proposal: Proposal, book: Book) -> None:
    """Say that the last close, creation or stage entry, and so the day of the data, is yet to come."""
    today = np.datetime64("today")
    if book.as_of > today:
        proposal.note("recorded_ahead", as_of=str(book.as_of)[:10], today=str(today))


def _undated(proposal: Proposal) -> None:
    """Propose today as the as-of date of data without any date."""
    today = datetime.date.today().isoformat()
    proposal.document["as_of"] = today
    proposal.ask("no_dates", line=f"as_of = {today}", today=today)


_REPAIRS: dict[str, Callable[[Proposal, Problem], None]] = {
    "duplicate_id": _repeated_id,
    "unknown_outcome": _unknown_outcome,
    "two_currencies": _currencies,
    "nothing_left": _all_deleted,
    "decimal_unknown": _decimal,
    "join_key_repeated": _no_join,
    "date_order_unknown": _date_order,
}
