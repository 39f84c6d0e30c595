"""Seeing deals of one stage model through another."""

from __future__ import annotations

from funnelnb.core.errors import PlaybookError
from funnelnb.playbooks.model import Playbook, Stage


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
        A working stage has no name in common with `target` and no win weight to place it by, or `target` has none.

    Notes
    -----
    A working stage goes to the stage of the same name (id, label or alias) if there is one; otherwise to the last
    working stage of `target` whose win weight is not above its own, so that a translated pipeline never promises
    more than the original. Stage order is kept: a stage never goes before one that its predecessor went to.

    Examples
    --------
    >>> from funnelnb.playbooks import load_playbook
    >>> weighted = load_playbook("product_funnel")
    >>> translate(weighted, weighted)["won"]
    'won'
    """
    result: dict[str, str] = {}
    working = [position for position, stage in enumerate(target.stages) if stage.kind == "working"]
    lowest = 0
    for position, stage in enumerate(source.stages):
        if stage.kind == "won":
            place = target.won
        elif stage.kind == "after_sale":
            place = len(target.stages) - 1
        else:
            named = target.position(stage.id)
            place = named if named in working else _by_weight(stage, source, target, working)
            place = max(place, lowest)
        lowest = place
        result[source.stages[position].id] = target.stages[place].id
    return result


def _by_weight(stage: Stage, source: Playbook, target: Playbook, working: list[int]) -> int:
    """Return the last working position of `target` whose win weight is not above that of `stage`."""
    weighted = [(position, target.stages[position].win_weight) for position in working]
    known = [(position, weight) for position, weight in weighted if weight is not None]
    if stage.win_weight is None or not known:
        lacking = f"stage {stage.id!r} of {source.id!r}" if stage.win_weight is None else f"playbook {target.id!r}"
        raise PlaybookError(
            f"{source.id!r} cannot be seen as {target.id!r}: {lacking} has no win weight",
            expected="win weights on both sides, or stages of the same name",
            hint="add win_weight to the stages in your own playbook file",
        )
    fitting = [position for position, weight in known if weight <= stage.win_weight]
    return fitting[-1] if fitting else working[0]
