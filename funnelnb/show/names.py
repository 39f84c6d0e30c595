"""What the things a result is about are called: stages and groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from funnelnb.show.words import Words


def stage_name(result: Any, stage_id: str, say: Words) -> str:
    """Return what the playbook calls a stage; without labels the id stands for itself."""
    labels = getattr(result, "stage_labels", ())
    if stage_id in result.stage_ids and len(labels) == len(result.stage_ids):
        label: str = labels[result.stage_ids.index(stage_id)][say.lang]
        return label
    return stage_id


def groups_of(rows: Any) -> list[tuple[str, ...]]:
    """Return the groups of rows in their own order, each once."""
    return list(dict.fromkeys(row.group for row in rows))
