"""An export mapped by hand: what is said of its columns and stages is tried at once, and kept when it is right."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from funnelnb.core.errors import DataProblems, FunnelError
from funnelnb.data.contract.tables import OUTCOMES
from funnelnb.data.load import Draft
from funnelnb.data.parse.values import as_text
from funnelnb.data.propose import propose, settle
from funnelnb.data.recognise.merge import merged
from funnelnb.data.recognise.proposal import Proposal
from funnelnb.data.recognise.propose import own_model
from funnelnb.data.recognise.sources import gather
from funnelnb.data.recognise.stages import StagePlan, StageWord

if TYPE_CHECKING:
    import pandas as pd

    from funnelnb.data.book import Book

COLUMNS = (
    "opportunity_id", "name", "stage", "outcome", "created_at", "closed_at", "expected_close_at", "amount",
    "expected_amount", "currency", "account_id", "owner", "team", "region", "segment", "product", "source",
    "customer_type", "pipeline", "lost_reason", "probability",
)  # fmt: skip
"""Columns of the deals that are asked for, in the order in which a person thinks of them."""

MEANINGS = ("stage", *OUTCOMES, "none")
"""What a stage word may mean."""

TELLING = ("stage", "outcome")
"""Columns whose change makes the words be recognised anew."""

SHOWN = 10
"""Deals of the preview."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What came of trying a mapping.

    Attributes
    ----------
    book : Book or None
        None where it does not load.
    errors : tuple of FunnelError
        What stops the loading.
    deals : DataFrame
        The first deals as they are understood, else the first rows as they stand.
    """

    book: Book | None
    errors: tuple[FunnelError, ...]
    deals: pd.DataFrame


class HandMapping:
    """What is said of an export so far; it begins with what was recognised.

    Parameters
    ----------
    source : path, frame or dict
        As for :func:`funnelnb.load`.
    mapping : path or dict, optional
        Settings to begin with.

    Attributes
    ----------
    proposal : Proposal
        What was recognised, with what was said by hand heeded.
    columns : dict of str to str
        Column of the contract = column of the export; empty: not in the file.
    words : list of StageWord
        Stage words in the order of the stages; ends and other words behind.

    Examples
    --------
    >>> import pandas as pd
    >>> deals = pd.DataFrame({"Ref": ["A", "B", "C"], "Where": ["Zig", "Zag", "Zog"], "On": ["2026-01-05"] * 3})
    >>> hand = HandMapping(deals)
    >>> hand.say_column("stage", "Where")
    >>> hand.say_meaning("Zog", "won")
    >>> hand.move("Zag", 0)
    >>> hand.document()["playbook"], len(hand.tried().book.opportunities)
    (['Zag', 'Zig', 'Won'], 3)
    """

    def __init__(self, source: Any, mapping: Any = None) -> None:
        self.source = source
        self._mapping = mapping
        self._said: dict[str, str] = {}
        self._begin()

    def _begin(self) -> None:
        """Recognise the export with what was said so far."""
        base = gather(self.source, self._mapping)
        said = {"tables": {"opportunities": {"columns": dict(self._said)}}} if self._said else {}
        settings = merged(base.settings, said, accepted=True)
        self.proposal = propose(self.source, mapping=settings)
        deals = self.proposal.deals
        known = self.proposal.table("opportunities").get("columns", {})
        told = {**settings.table("opportunities").columns, **known}
        self.columns = {one: _first(told.get(one, "")) for one in COLUMNS}
        self.sources = [] if deals is None else [(one.name, one.samples) for one in deals.profiles]
        plan = self.proposal.stages
        self._told = plan is not None and plan.won_known and all(one.meaning != "won" for one in plan.words)
        self.words = _ordered(plan) if plan is not None else []
        self.outcomes = list(self.proposal.outcomes)

    def say_column(self, column: str, source: str) -> None:
        """Say which column of the export holds a column of the contract; empty: none does."""
        self.columns[column] = source
        self._said[column] = source
        part = self.proposal.table("opportunities")
        columns = part.setdefault("columns", {})
        columns[column] = source
        if column in TELLING:
            self._begin()

    def say_meaning(self, word: str, meaning: str) -> None:
        """Say what a stage word means, such as ``"won"`` or ``"stage"``."""
        place = next(k for k, one in enumerate(self.words) if one.word == word)
        self.words[place] = replace(self.words[place], meaning=meaning, same_as="", sure=True, why="said")

    def say_outcome(self, word: str, meaning: str) -> None:
        """Say what a word of the outcome column means."""
        self.outcomes = [
            replace(one, meaning=meaning, sure=True) if one.word == word else one for one in self.outcomes
        ]

    def move(self, word: str, place: int) -> None:
        """Put a stage at a place among the stages, from 0."""
        order = [one for one in self.stages if one != word]
        order.insert(place, word)
        self.arrange(order)

    def arrange(self, order: list[str]) -> None:
        """Put the stages into this order."""
        place = {word: k for k, word in enumerate(order)}
        self.words.sort(
            key=lambda one: place.get(one.word, len(place)) if one.meaning == "stage" else len(place)
        )

    @property
    def stages(self) -> list[str]:
        """The working stages in order."""
        return [one.word for one in self.words if one.meaning == "stage" and not one.same_as]

    def document(self) -> dict[str, Any]:
        """Return the settings that say all this."""
        drafted = Proposal(document=copy.deepcopy(self.proposal.document), said=self.proposal.said)
        if self._said:
            drafted.table("opportunities").setdefault("columns", {}).update(self._said)
        if self.proposal.said.playbook:
            return drafted.document
        for name in ("playbook", "stages", "outcomes"):
            drafted.document.pop(name, None)
        drafted.outcomes = tuple(self.outcomes)
        plan = StagePlan(
            stages=tuple(self.stages), after_n=0, words=tuple(self.words), order_from="given", order_sure=True,
            won_known=True,
        )  # fmt: skip
        own_model(drafted, plan, told=True)
        return drafted.document

    @property
    def lacks_win(self) -> bool:
        """Whether neither a word nor a column says that a deal was won."""
        part = self.proposal.table("opportunities")
        words = [*self.words, *self.outcomes]
        return not (self._told or part.get("won_when") or any(one.meaning == "won" for one in words))

    def _gathered(self, document: dict[str, Any]) -> Any:
        return gather(
            self.source, merged(gather(self.source, self._mapping).settings, document, accepted=True)
        )

    def tried(self) -> Trial:
        """Load the export as it is mapped now."""
        try:
            draft = Draft(self._gathered(self.document()), accept=True, ask=False)
            draft.read()
            book = draft.book()
        except DataProblems as error:
            return Trial(book=None, errors=(error,), deals=self._rows())
        except FunnelError as error:
            return Trial(book=None, errors=(error,), deals=self._rows())
        shown = book.opportunities.head(SHOWN)
        return Trial(book=book, errors=(), deals=shown[[one for one in COLUMNS if one in shown]])

    def _rows(self) -> pd.DataFrame:
        import pandas as pd

        deals = self.proposal.deals
        if deals is None:
            return pd.DataFrame()
        head = deals.raw.frame.head(SHOWN)
        return head.apply(lambda cells: as_text(cells).fillna(""))

    def repair(self) -> None:
        """Propose what happens to the rows of every problem: they stay without the value, or are left out."""
        document = self.document()
        self.proposal.document = document
        settle(self.proposal, lambda: self._gathered(self.proposal.document))


def _first(source: Any) -> str:
    return source if isinstance(source, str) else source[0]


def _ordered(plan: StagePlan) -> list[StageWord]:
    place = {word: k for k, word in enumerate(plan.stages)}
    last = len(place)
    return sorted(plan.words, key=lambda one: (place.get(one.word, last), -one.n))
