"""What does a stage model say, stage by stage? One model whole, to be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.analysis.shared.result import Result
from funnelnb.playbooks import BUYER_ROLES, load_playbook
from funnelnb.playbooks.model import Gate, Label, Playbook, Question

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from funnelnb.data.book import Book
    from funnelnb.playbooks.model import Stage
    from funnelnb.playbooks.roles import BuyerRole

ASPECTS = (
    "state", "purpose", "goals", "channels", "features", "entry", "find_out", "questions", "actions", "exit",
    "if_unmet", "warning", "next_step",
)  # fmt: skip
"""What a stage may say, in the order in which it is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageLine:
    """One text of one stage.

    Attributes
    ----------
    stage : str
    aspect : str
        One of :data:`ASPECTS`.
    role : str
        Buyer role that a question is put to; empty for any.
    required : bool
        False for a criterion that is only desirable.
    text_en, text_zh : str
    """

    stage: str
    aspect: str
    role: str
    required: bool
    text_en: str
    text_zh: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class StageModel(Result):
    """A stage model to be read. `n` counts its stages.

    Attributes
    ----------
    model : Playbook
    rows : tuple of StageLine
        Every text of every stage, in reading order.
    roles : tuple of BuyerRole
        The buyer roles addressed anywhere, in the order in which they appear.
    stage_ids : tuple of str
    stage_labels : tuple of Label
    """

    model: Playbook
    rows: tuple[StageLine, ...]
    roles: tuple[BuyerRole, ...]
    stage_ids: tuple[str, ...]
    stage_labels: tuple[Label, ...]


def playbook(model: str | os.PathLike[str] | Playbook | Book) -> StageModel:
    """What does this stage model say: stages, meaning, who is addressed, what to find out and do, exit criteria?

    Parameters
    ----------
    model : str, path, Playbook or Book
        Id of a built-in model, path of a file, a playbook, or a book (its own model).

    Returns
    -------
    StageModel

    Raises
    ------
    PlaybookError
        There is no such model, or its file has mistakes.

    Notes
    -----
    Nothing is computed: the texts are those of the model's file (``docs/playbooks.md``). Checked against the
    files, text by text: ``tests/analysis/test_stage_model.py``.

    Examples
    --------
    >>> import funnelnb as fn
    >>> shown = fn.playbook("seven_step")
    >>> shown.n, sum(row.aspect == "find_out" and row.stage == "shortlist" for row in shown.rows)
    (8, 9)
    """
    taken: Any = getattr(model, "playbook", model)
    found = taken if isinstance(taken, Playbook) else load_playbook(taken)
    named = [role for stage in found.stages for role in stage.roles]
    return StageModel(
        n=len(found.stages),
        method="stage_model",
        confidence_level=np.nan,
        as_of=np.datetime64("NaT", "s"),
        currency="",
        notes=(),
        model=found,
        rows=tuple(line for stage in found.stages for line in stage_lines(stage)),
        roles=tuple(BUYER_ROLES[role] for role in dict.fromkeys(named)),
        stage_ids=found.stage_ids,
        stage_labels=found.stage_labels,
    )


def stage_lines(stage: Stage) -> Iterator[StageLine]:
    """Yield what a stage says, text by text."""
    for aspect in ASPECTS:
        found = getattr(stage, aspect)
        for one in found if isinstance(found, tuple) else (found,):
            if isinstance(one, Label):
                yield _line(stage, aspect, one)
            elif isinstance(one, Gate):
                yield _line(stage, aspect, one.label, required=one.required)
            elif isinstance(one, Question):
                yield _line(stage, aspect, one.label, role=one.role)


def _line(stage: Stage, aspect: str, text: Label, *, role: str = "", required: bool = True) -> StageLine:
    return StageLine(
        stage=stage.id, aspect=aspect, role=role, required=required, text_en=text.en, text_zh=text.zh
    )
