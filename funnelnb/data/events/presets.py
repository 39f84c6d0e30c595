"""Which columns say who, what and when? By the header words of known exports."""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from funnelnb.core.errors import MissingDataError, nearest
from funnelnb.playbooks.model import fold

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FOLDER = Path(__file__).parent / "presets"
ROLES = ("actor", "event", "time", "session", "unique", "json")
PLAIN = "plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """The header words of one tool's exports.

    Attributes
    ----------
    id, label : str
    signatures : tuple of tuple of str
        Columns that, all there, give the tool away (folded).
    roles : Mapping of str to tuple of str
        Role to header words, the best first.
    """

    id: str
    label: str
    signatures: tuple[tuple[str, ...], ...]
    roles: Mapping[str, tuple[str, ...]]


@functools.cache
def presets() -> Mapping[str, Preset]:
    """Return the presets by id; the plain one last."""
    made = {}
    for path in sorted(FOLDER.glob("*.toml"), key=lambda one: (one.stem == PLAIN, one.stem)):
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        signatures = [content["signature"], *content.get("also", [])]
        made[path.stem] = Preset(
            id=path.stem,
            label=content["label"],
            signatures=tuple(tuple(map(fold, one)) for one in signatures if one),
            roles={role: tuple(content[role]) for role in ROLES},
        )
    return made


def recognise(columns: Sequence[str]) -> Preset:
    """Which tool exported a table with these columns?

    Examples
    --------
    >>> recognise(["distinct_id", "name", "time", "insert_id"]).id
    'mixpanel'
    """
    folded = {fold(one) for one in columns}
    for preset in presets().values():
        if any(folded.issuperset(signature) for signature in preset.signatures):
            return preset
    return presets()[PLAIN]


def is_log(columns: Sequence[str]) -> bool:
    """Whether a table with these columns says who did what, and when.

    Examples
    --------
    >>> is_log(["user_id", "event", "time", "price"]), is_log(["user_id", "page"])
    (True, False)
    """
    looked = (recognise(columns), presets()[PLAIN])
    return all(column_of(role, columns, None, *looked) for role in ("actor", "event", "time"))


def column_of(
    role: str, columns: Sequence[str], given: str | None, *preset: Preset, filled: Sequence[str] = ()
) -> str:
    """Which column has a role? The one given, else the first of the preset's words that is there.

    Parameters
    ----------
    role : str
    columns : sequence of str
    given : str or None
        What the caller named.
    *preset : Preset
        Where to look, in this order.
    filled : sequence of str
        Columns that hold anything; preferred among those of equal sense. Empty: not known.

    Returns
    -------
    str
        Empty where no column has the role.

    Raises
    ------
    MissingDataError
        `given` is no column.
    """
    if given is not None:
        if given in columns:
            return given
        raise MissingDataError(
            f"there is no column {given!r}",
            expected=f"the column of the {role}",
            hint=nearest(given, columns),
        )
    by_fold: dict[str, str] = {}
    for one in columns:
        by_fold.setdefault(fold(one), one)
    there = [by_fold[fold(word)] for one in preset for word in one.roles[role] if fold(word) in by_fold]
    return next((one for one in there if one in filled), there[0] if there else "")
