"""What do settings and a proposal say together? What is said wins, line by line."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from funnelnb.data.contract.settings import Reader, Settings, TableSettings

if TYPE_CHECKING:
    from collections.abc import Mapping


def merged(said: Settings, proposed: Mapping[str, Any], *, accepted: bool) -> Settings:
    """Return the settings with what is proposed where they say nothing.

    Parameters
    ----------
    said : Settings
    proposed : Mapping
        As a settings file holds it.
    accepted : bool
        Whether the user has agreed to the whole proposal; else what happens to rows with a problem stays as said.

    Examples
    --------
    >>> merged(Settings(currency="EUR"), {"currency": "USD", "date_order": "dmy"}, accepted=True).date_order
    'dmy'
    """
    content = dict(proposed)
    if not accepted:
        content.pop("problems", None)
    more = Reader("the proposal").settings(content, "")
    changes: dict[str, Any] = {}
    for one in fields(Settings):
        mine, theirs = getattr(said, one.name), getattr(more, one.name)
        default = getattr(Settings(), one.name)
        if one.name == "tables":
            names = dict.fromkeys((*theirs, *mine))
            changes["tables"] = {name: _table(mine.get(name), theirs.get(name)) for name in names}
        elif one.name in ("stages", "outcomes", "problems"):
            changes[one.name] = {**theirs, **mine}
        elif one.name == "values":
            changes["values"] = {
                name: {**theirs.get(name, {}), **mine.get(name, {})} for name in {**theirs, **mine}
            }
        elif mine == default and theirs != default:
            changes[one.name] = theirs
    return replace(said, **changes)


def _table(mine: TableSettings | None, theirs: TableSettings | None) -> TableSettings:
    if mine is None or theirs is None:
        return mine or theirs or TableSettings()
    changes: dict[str, Any] = {}
    for one in fields(TableSettings):
        said, proposed, default = (
            getattr(mine, one.name),
            getattr(theirs, one.name),
            getattr(TableSettings(), one.name),
        )
        if one.name == "columns":
            taken = set(said.values())
            changes["columns"] = {
                **{name: at for name, at in proposed.items() if name not in said and at not in taken},
                **said,
            }
        elif said == default and proposed != default:
            changes[one.name] = proposed
    return replace(mine, **changes)
