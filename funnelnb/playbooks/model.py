"""Stage models as data: what a playbook is.

A playbook is an ordered list of stages with what the field says about each. Exactly one stage is the ``won``
stage; stages before it are ``working`` stages, stages after it (delivery, repeat purchase, referral) are
``after_sale``. A funnel that circulates says so with edges; a model that names how a deal may end says so
with endings.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from funnelnb.core.errors import ParameterError, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

StageKind = Literal["working", "won", "after_sale"]
EdgeKind = Literal["recycle", "referral"]
UnmetKind = Literal["stay", "fall_back"]
OutcomeKind = Literal["won", "lost_competitor", "lost_no_decision", "lost", "left"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """One text in both languages.

    Attributes
    ----------
    en, zh : str
        The same text in English and Chinese.
    """

    en: str
    zh: str

    def __getitem__(self, lang: str) -> str:
        return self.zh if lang == "zh" else self.en


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A criterion that must hold to enter or leave a stage.

    Attributes
    ----------
    id : str
        Stable name, unique within the playbook.
    label : Label
        The criterion in words.
    required : bool
        False where the field calls it desirable only.
    """

    id: str
    label: Label
    required: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question to ask the customer in a stage.

    Attributes
    ----------
    label : Label
    role : str
        Buyer role it is put to (a key of :data:`~funnelnb.playbooks.roles.ROLES`), or empty for any.
    """

    label: Label
    role: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """What to do when the stage model shows a weakness.

    Attributes
    ----------
    problem : Label
        What the figures show, such as too few quotations.
    label : Label
        What to do about it.
    stage : str
        Id of the stage at which it shows, or empty for the whole funnel.
    """

    problem: Label
    label: Label
    stage: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stage of a playbook.

    Attributes
    ----------
    id : str
        snake_case, unique within the playbook.
    label : Label
    kind : {"working", "won", "after_sale"}
    win_weight : float or None
        Default chance to win on entering the stage, 0 to 1; None where the field gives none; 1 for the
        won stage.
    win_weight_exit : float or None
        Where the stage itself moves the weight (A5 step 4: 25 % to 50 %), the weight on leaving it.
    state : Label or None
        State the customer is in.
    purpose : Label or None
        What the stage is for: what we want to have at its end.
    goals : tuple of Label
        Push goals: where the stage should move the customer, such as from one class to the next.
    channels : tuple of Label
        Where customers of this stage come from.
    features : tuple of Label
        How one recognises the stage.
    entry, exit : tuple of Gate
        Criteria to enter and to leave; the exit criteria are the self-check of the stage's purposes.
    if_unmet : {"", "stay", "fall_back"}
        What happens to a customer for whom a purpose is not met: may only stay, or falls back to the stage before;
        empty where the model does not say.
    warning : Label or None
        What else may happen then.
    roles : tuple of str
        Buyer roles addressed (keys of :data:`~funnelnb.playbooks.roles.ROLES`).
    actions : tuple of Label
        What to do.
    questions : tuple of Question
        What to ask, and whom.
    find_out : tuple of Label
        What we must know before we go on.
    next_step : Label or None
        Strategy for the next step.
    aliases : tuple of str
        Other names by which data may call the stage (compared without case, spaces and punctuation).
    """

    id: str
    label: Label
    kind: StageKind = "working"
    win_weight: float | None = None
    win_weight_exit: float | None = None
    state: Label | None = None
    purpose: Label | None = None
    goals: tuple[Label, ...] = ()
    channels: tuple[Label, ...] = ()
    features: tuple[Label, ...] = ()
    entry: tuple[Gate, ...] = ()
    exit: tuple[Gate, ...] = ()
    if_unmet: UnmetKind | Literal[""] = ""
    warning: Label | None = None
    roles: tuple[str, ...] = ()
    actions: tuple[Label, ...] = ()
    questions: tuple[Question, ...] = ()
    find_out: tuple[Label, ...] = ()
    next_step: Label | None = None
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """A way back into the funnel: deals not taken are scooped again, winners refer new ones.

    Attributes
    ----------
    source, target : str
        Stage ids.
    kind : {"recycle", "referral"}
        ``recycle``: the same deal returns; ``referral``: the deal brings a new one.
    label : Label
    """

    source: str
    target: str
    kind: EdgeKind
    label: Label


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """A way a deal can end, as the model names it, and the outcome that it means in the data.

    Attributes
    ----------
    id : str
        snake_case, unique among the endings.
    label : Label
    outcome : {"won", "lost_competitor", "lost_no_decision", "lost", "left"}
        Value of ``outcome`` in the table ``opportunities``.
    aliases : tuple of str
        Other names by which data may call the ending (compared like stage names).
    """

    id: str
    label: Label
    outcome: OutcomeKind
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Playbook:
    """A stage model.

    Attributes
    ----------
    id : str
    label : Label
    about : Label
        One sentence: for whom it is.
    source : str
        Where the model comes from (such as ``"DOMAIN A6"``).
    stages : tuple of Stage
        In order; exactly one has kind ``"won"``.
    edges : tuple of Edge
        Empty unless the funnel circulates.
    endings : tuple of Ending
        Empty unless the model names how a deal may end.
    principles : tuple of Label
        What holds for the whole model, whatever the stage.
    remedies : tuple of Remedy
        What to do about a weakness that the figures show.
    outlook : Label or None
        What a report by this model closes with.
    cycle_months : tuple of float
        Shortest and longest usual time from the first stage to the win, in months; empty where the model does not say.
    path : str
        File it was read from, for messages.
    """

    id: str
    label: Label
    about: Label
    source: str
    stages: tuple[Stage, ...]
    edges: tuple[Edge, ...] = ()
    endings: tuple[Ending, ...] = ()
    principles: tuple[Label, ...] = ()
    remedies: tuple[Remedy, ...] = ()
    outlook: Label | None = None
    cycle_months: tuple[float, ...] = ()
    path: str = ""
    _positions: Mapping[str, int] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        names: dict[str, int] = {}
        for position, stage in enumerate(self.stages):
            for name in (stage.id, stage.label.en, stage.label.zh, *stage.aliases):
                names.setdefault(fold(name), position)
        object.__setattr__(self, "_positions", names)

    @property
    def won(self) -> int:
        """Position of the won stage."""
        return next(k for k, stage in enumerate(self.stages) if stage.kind == "won")

    @property
    def added_win(self) -> bool:
        """Whether nobody named the won stage: it was added behind the working ones."""
        won = self.stages[self.won]
        return won.id == "won" and "成单" in won.aliases

    @property
    def stage_ids(self) -> tuple[str, ...]:
        """Ids of all stages in order, the won stage included."""
        return tuple(stage.id for stage in self.stages)

    @property
    def stage_labels(self) -> tuple[Label, ...]:
        """Labels of all stages in order, the won stage included."""
        return tuple(stage.label for stage in self.stages)

    @property
    def circulates(self) -> bool:
        """Whether deals can come back (recycling or referral)."""
        return bool(self.edges)

    def position(self, name: str) -> int | None:
        """Return the position of the stage that data calls `name` (id, label or alias), or None."""
        return self._positions.get(fold(name))

    def ending(self, name: str) -> Ending | None:
        """Return the ending that data calls `name` (id, label or alias), or None."""
        folded = fold(name)
        for ending in self.endings:
            if folded in map(fold, (ending.id, ending.label.en, ending.label.zh, *ending.aliases)):
                return ending
        return None

    def stage(self, name: str) -> Stage:
        """Return the stage that is called `name` (id, label or alias).

        Raises
        ------
        ParameterError
            There is no such stage; the hint names the nearest.
        """
        position = self.position(name)
        if position is None:
            raise ParameterError(
                f"the stage model {self.id!r} has no stage {name!r}",
                expected="one of " + ", ".join(map(repr, self.stage_ids)),
                hint=nearest(str(name), self.stage_ids),
            )
        return self.stages[position]


def fold(name: str) -> str:
    """Return `name` without case, spaces and punctuation, full-width folded: how names are compared."""
    text = str(name)
    return _folded(text) if len(text) < 200 else _folded.__wrapped__(text)


@lru_cache(maxsize=65_536)
def _folded(name: str) -> str:
    """Return the folded name; the same headers and words are asked of again and again while a source is recognised."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(char for char in folded if char.isalnum())
