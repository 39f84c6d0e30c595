"""Seeing deals of one stage model through another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from funnelnb.core.errors import PlaybookError

if TYPE_CHECKING:
    from funnelnb.playbooks.model import Playbook


def translate(source: Playbook, target: Playbook) -> dict[str, str]:
    """Which stage of `target` does each stage of `source` correspond to?

    Parameters
    ----------
    source, target : Playbook

    Returns
    -------
    dict of str to str
        Stage id of `source` to stage id of `target`; won goes to won, stages after winning to the last stage after
        winning of `target` (or to won where it has none).

    Raises
    ------
    PlaybookError
        A working stage has no name in common with `target`, and one of the two has no win weight to place it by.

    Notes
    -----
    A working stage goes to the stage of the same name (id, label or alias) if there is one; otherwise to the last
    working stage of `target` whose win weight is not above what is known of its own: its win weight, or where it
    has none the highest that a stage before it is known to end with. A translated pipeline therefore never
    promises more than the original. Stage order is kept: a stage never goes before one that its predecessor went to.

    Examples
    --------
    >>> from funnelnb.playbooks import load_playbook
    >>> places = translate(load_playbook("seven_step"), load_playbook("product_funnel"))
    >>> places["qualify"], places["negotiation"], places["won"]
    ('need', 'preferred', 'won')
    """
    result: dict[str, str] = {}
    working = [position for position, stage in enumerate(target.stages) if stage.kind == "working"]
    lowest, known = 0, 0.0
    for stage in source.stages:
        known = max(known, stage.win_weight or 0.0)
        named = target.position(stage.id)
        if stage.kind == "won":
            place = target.won
        elif named is not None and target.stages[named].kind == stage.kind:
            place = max(named, lowest)
        elif stage.kind == "after_sale":
            place = len(target.stages) - 1
        else:
            place = max(_by_weight(known, source, target, working), lowest)
        known = max(known, stage.win_weight_exit or 0.0)
        lowest = place
        result[stage.id] = target.stages[place].id
    return result


def _by_weight(known: float, source: Playbook, target: Playbook, working: list[int]) -> int:
    """Return the last working position of `target` whose win weight is not above `known`."""
    for playbook in (source, target):
        if all(stage.win_weight is None for stage in playbook.stages if stage.kind == "working"):
            raise PlaybookError(
                f"{source.id!r} cannot be seen as {target.id!r}: no stage of {playbook.id!r} has a win weight",
                expected="win weights on both sides, or stages of the same name",
                hint="add win_weight to the stages in your own file of a stage model",
            )
    fitting = [position for position in working if (target.stages[position].win_weight or 0.0) <= known]
    return fitting[-1] if fitting else working[0]
