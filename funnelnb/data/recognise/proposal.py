"""A proposal: settings that would read an export, with what was guessed and what must be asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from funnelnb.core.errors import Advice, MappingError
from funnelnb.core.note import Note
from funnelnb.data.contract.settings import Settings
from funnelnb.data.contract.tables import TABLES
from funnelnb.data.parse.values import as_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from funnelnb.core.errors import Problem
    from funnelnb.data.recognise.shape import Sheet
    from funnelnb.data.recognise.stages import StagePlan, StageWord

HALF = 0.5
"""With more of its ids among those of the deals, a table holds them once more."""


CUSTOMER_COLUMNS = ("account_columns", "role_columns", "factor_columns")
"""Keys of the deals' settings for columns that are about the customer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What only the user can know, with what is proposed.

    Attributes
    ----------
    code : str
        Key of the sentence in the language files.
    values : Mapping
        Facts that it names.
    line : str
        Line of the settings that answers it as proposed.
    """

    code: str
    values: Mapping[str, Any]
    line: str = ""

    @property
    def note(self) -> Note:
        """The question as a note, to be worded in any language."""
        return Note(f"ask_{self.code}", dict(self.values))


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """What happens to the rows of one problem: ``keep`` (the value is not known) or ``drop``.

    Attributes
    ----------
    code, policy : str
    problem : Problem
    """

    code: str
    policy: str
    problem: Problem


@dataclass(slots=True, kw_only=True)
class Proposal:
    """Proposed settings, and why.

    Attributes
    ----------
    document : dict
        As a settings file holds it; what the settings said already is not repeated.
    sheets : list of Sheet
        Every file and sheet that was looked at.
    deals, history : Sheet or None
    crm : str
        Label of the CRM whose headers these are, empty if none.
    stages : StagePlan or None
    outcomes : tuple of StageWord
        Words of the outcome column.
    questions : list of Question
        Empty if everything is recognised beyond doubt.
    notes : list of Note
        What was guessed, to be told with every result.
    model : str
        Built-in stage model whose stages these are, empty if none.
    said : Settings
        What the settings said already.
    repairs : list of Repair
        What happens to rows with a problem.
    loads : bool
        Whether the export loads with the document.
    labels : dict of str to str
        Names of the stages whose ids stand in the deals.
    """

    document: dict[str, Any] = field(default_factory=dict)
    sheets: list[Sheet] = field(default_factory=list)
    deals: Sheet | None = None
    history: Sheet | None = None
    crm: str = ""
    stages: StagePlan | None = None
    outcomes: tuple[StageWord, ...] = ()
    questions: list[Question] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    model: str = ""
    said: Settings = field(default_factory=Settings)
    repairs: list[Repair] = field(default_factory=list)
    loads: bool = False
    labels: dict[str, str] = field(default_factory=dict)

    @property
    def sure(self) -> bool:
        """Whether nothing has to be asked."""
        return not self.questions

    def note(self, code: str, **values: Any) -> None:
        """Tell what was guessed."""
        self.notes.append(Note(code, values))

    def ask(self, code: str, line: str = "", **values: Any) -> None:
        """Ask what only the user can know."""
        self.questions.append(Question(code=code, values=values, line=line))

    def repair(self, code: str, policy: str, problem: Problem) -> None:
        """Remember what happens to the rows of a problem."""
        self.repairs.append(Repair(code=code, policy=policy, problem=problem))

    def table(self, name: str) -> dict[str, Any]:
        """Return the part of the document that is about one table."""
        part: dict[str, Any] = self.document.setdefault("tables", {}).setdefault(name, {})
        return part

    def customer_columns(self) -> list[tuple[str, str]]:
        """Return the columns of the deals that are about their customers: what each tells, and its name."""
        own = self.table("opportunities")
        return [pair for key in CUSTOMER_COLUMNS for pair in own.get(key, {}).items()]

    def holds_the_deals(self, sheet: Sheet) -> bool:
        """Whether a table that is not read holds deals that are read: another export of them."""
        at = self.deals.columns.source("opportunity_id") if self.deals is not None else ""
        if self.deals is None or at not in sheet.raw.frame or at not in self.deals.raw.frame:
            return False
        ids = as_text(sheet.raw.frame[at], blanks=False).dropna()
        return len(ids) > 0 and bool(ids.isin(as_text(self.deals.raw.frame[at], blanks=False)).mean() > HALF)

    def columns_in_order(self) -> list[tuple[str, str | list[str]]]:
        """Return the columns of the deals and their sources, in the order of the contract."""
        place = {one.name: k for k, one in enumerate(TABLES["opportunities"])}
        found = [pair for pair in self.table("opportunities").get("columns", {}).items() if pair[1]]
        return sorted(found, key=lambda pair: place.get(pair[0], len(place)))

    def unread(self) -> dict[str, list[str]]:
        """Return the columns that are not read, by file."""
        found = {}
        for sheet in self.sheets:
            used = self._used(sheet)
            rest = [one.name for one in sheet.profiles if one.name not in used]
            if rest and used:
                found[sheet.raw.file] = rest
        return found

    def _used(self, sheet: Sheet) -> set[str]:
        used: set[str] = set()
        if sheet is self.deals:
            used |= sheet.columns.used | {one for one in (sheet.columns.active,) if one}
            part = self.table("opportunities")
            used |= set(part.get("stage_dates", {}).values())
            used |= {
                name for one in part.get("columns", {}).values() if isinstance(one, list) for name in one
            }
            used |= {name for rule in ("won_when", "lost_when") for name in part.get(rule, {})}
            used |= {name for join in part.get("joins", []) for name in join["on"]}
            used |= {source for _, source in self.customer_columns()}
        if sheet is self.history:
            used |= {name for role, name in sheet.log.items() if role != "field_value"}
        for join in self.document.get("tables", {}).get("opportunities", {}).get("joins", []):
            if join["file"] == sheet.file and join.get("sheet", "") == sheet.sheet:
                used |= {*join["columns"].values(), *join["on"].values()}
        return used


def refuse_unsure(proposal: Proposal, name: str, *, model_known: bool) -> None:
    """Raise MappingError with every question about the stages and what is proposed, if there is any.

    What happens to rows with a problem (several currencies) is asked where the problem is reported.
    """
    codes = ("won_unknown",) if model_known else [code for code in _ASKED if code != "several_currencies"]
    asked_of = [one for one in proposal.questions if one.code in codes]
    if not asked_of:
        return
    asked = "\n".join(
        f"  {k}. {_ASKED[one.code].format_map(dict(one.values))}"
        + (f"\n     proposed: {one.line}" if one.line else "")
        for k, one in enumerate(asked_of, start=1)
    )
    n = len(asked_of)
    raise MappingError(
        f"{name}: {n} thing{'s' if n > 1 else ''} in these data can be read in two ways:\n{asked}",
        expected="settings that say so, or your consent to what is proposed",
        hint=Advice(
            "load(data, mapping=propose(data)) agrees to all; or write the lines above into funnelnb.toml",
            typed="funnelnb import DATA agrees to all, or asks; or write the lines above into funnelnb.toml",
        ),
    )


def withdraw_unsure(proposal: Proposal) -> None:
    """Take back what nobody has agreed to and that is more than a reading: that archived rows are lost."""
    if any(one.code == "archived_unclear" for one in proposal.questions):
        proposal.table("opportunities").pop("lost_when", None)
        proposal.notes = [one for one in proposal.notes if one.code != "archived_is_lost"]


_ASKED = {
    "no_stage_found": "{file}: no column tells the stage or the outcome of a deal",
    "stage_column_blank": "{file}: the column {column} should tell the stage of a deal, but it is empty",
    "won_unknown": "no word says that a deal was won; the last stage is {word!r} ({n} deals)",
    "closed_unclear": "{word!r} ({n} deals): won or lost?",
    "closed_not_told": "{word!r} ({n} deals): won or lost? Nothing in the data says it",
    "word_unclear": "{word!r} ({n} deals): {meaning}?",
    "order_unknown": "in which order do the stages come: {stages}?",
    "archived_unclear": "{n} rows have {column!r} = {value!r} but no reason for a loss: are they lost?",
    "lines_add": "{n} rows of {file} repeat a value of {column!r}: are they lines of one deal, to be added up?",
    "lines_first": "{n} rows of {file} repeat a value of {column!r}: are they lines of one deal, each with its amount?",
    "nothing_won": "no column says that a deal was won (stages: {words}): is none of them?",
    "column_by_cells": "the header of {column!r} says nothing; its cells look like {meaning}",
    "all_deleted": "every row is marked as deleted in {column!r}: do they count all the same?",
    "several_currencies": "{column!r} holds several currencies ({names}): only the amounts in {main} would count",
}
