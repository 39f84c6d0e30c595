"""Which events are the stages of a stage model? By the names and aliases that the model knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from funnelnb.core.errors import MissingDataError
from funnelnb.core.note import Note
from funnelnb.data.events.definition import Step, step
from funnelnb.playbooks import load_playbook
from funnelnb.playbooks.model import fold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.playbooks.model import Playbook


def stage_steps(playbook: str | Playbook, names: Sequence[str]) -> tuple[list[Step], tuple[Note, ...]]:
    """Return a stage model as steps, each the events whose names it knows.

    Parameters
    ----------
    playbook : str or Playbook
    names : sequence of str
        Events of the log.

    Returns
    -------
    steps : list of Step
        Stages without an event in the log are left out. A stage after the sale without events of its own is
        the won stage once more: a repurchase is another purchase.
    notes : tuple of Note

    Raises
    ------
    MissingDataError
        Fewer than two stages have an event.

    Examples
    --------
    >>> steps, _ = stage_steps("ecommerce", ["home", "add_to_cart", "purchase"])
    >>> [one.label for one in steps]
    ['home', 'cart', 'payment_completed', 'repurchase']
    """
    model = load_playbook(playbook) if isinstance(playbook, str) else playbook
    by_stage: dict[int, list[str]] = {}
    for name in names:
        place = model.position(name)
        if place is not None:
            by_stage.setdefault(place, []).append(name)
    steps, without = [], []
    for place, stage in enumerate(model.stages):
        events = by_stage.get(place) or (by_stage.get(model.won) if place == model.won + 1 else None)
        if events:
            found: list[str] = sorted(events, key=fold)
            steps.append(step(found, label=stage.id))
        else:
            without.append(stage.id)
    if len(steps) < 2:
        raise MissingDataError(
            f"the log holds events of {len(steps)} stages of the stage model {model.id!r}",
            expected="events named as its stages or their aliases: "
            + ", ".join(one.id for one in model.stages),
            hint='name the steps yourself: steps=["visit", "sign_up", "pay"]',
        )
    notes = (Note("events_stages_without", {"stages": ", ".join(without)}),) if without else ()
    return steps, notes
