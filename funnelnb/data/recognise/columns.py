"""Which column of the source is which of the contract? Settings first, then its own names, then a CRM's."""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funnelnb.core.errors import MappingError, nearest
from funnelnb.data.contract.settings import ROW_NUMBER
from funnelnb.data.contract.tables import TABLES, column_names, kind_of
from funnelnb.data.parse.values import header_unit
from funnelnb.playbooks.model import fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from funnelnb.data.contract.settings import Settings
    from funnelnb.data.read.raw import Raw


FOLDER = Path(__file__).parents[1] / "crm"
NO_PRESET = "none"
PLAIN = "plain"

TELLING = 1
"""So many headers that no table kept by hand has are needed to name a CRM (at least)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """What is known about the exports of one CRM.

    Attributes
    ----------
    id, label : str
    files : Mapping of str to tuple of str
        Table = file names (folded, without ending) under which it is exported.
    columns : Mapping of str to Mapping of str to tuple of str
        Table = canonical column = header words, the most telling first.
    outcomes, stages : Mapping of str to str
        Words of this CRM.
    """

    id: str
    label: str
    files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    columns: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    outcomes: Mapping[str, str] = field(default_factory=dict)
    stages: Mapping[str, str] = field(default_factory=dict)


@functools.cache
def presets() -> Mapping[str, Preset]:
    """Return the presets of ``data/crm`` by id."""
    return {path.stem: _preset(path) for path in sorted(FOLDER.glob("*.toml"))}


def _preset(path: Path) -> Preset:
    content: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    tables = content.get("tables", {})
    return Preset(
        id=path.stem,
        label=content["label"],
        files={name: tuple(fold(one) for one in table.get("files", ())) for name, table in tables.items()},
        columns={
            name: {column: tuple(words) for column, words in table.get("columns", {}).items()}
            for name, table in tables.items()
        },
        outcomes=content.get("outcomes", {}),
        stages=content.get("stages", {}),
    )


def preset_named(name: str) -> Preset | None:
    """Return the preset that the settings name; None for ``"none"``.

    Raises
    ------
    MappingError
        If there is none of that name.
    """
    if name == NO_PRESET:
        return None
    if name not in presets():
        raise MappingError(
            f"crm = {name!r}",
            expected="one of " + ", ".join([*presets(), NO_PRESET]),
            hint=nearest(name, [*presets(), NO_PRESET]),
        )
    return presets()[name]


def recognise(columns: Iterable[str]) -> Preset | None:
    """Which CRM exports deals with these headers?

    Parameters
    ----------
    columns : iterable of str
        Headers of the table of deals.

    Returns
    -------
    Preset or None
        The one that knows the id (or name) and the stage (or outcome) of a deal by these headers and explains
        the most of them; None if no preset does.
    """
    names = list(columns)
    best, best_n = None, 0
    common = presets()[PLAIN].columns.get("opportunities", {}) if PLAIN in presets() else {}
    usual = {fold(word) for words in common.values() for word in words}
    for preset in presets().values():
        found = match_columns(names, preset.columns.get("opportunities", {}))
        named = "opportunity_id" in found or "name" in found
        placed = "stage" in found or "outcome" in found or "is_won" in found
        telling = sum(fold(source) not in usual for source in found.values())
        if named and placed and len(found) > best_n and (preset.id == PLAIN or telling >= TELLING):
            best, best_n = preset, len(found)
    return best


def match_columns(columns: Iterable[str], words: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """Return canonical column = source column for the headers that `words` know; each source column once."""
    folded: dict[str, str] = {}
    for name in columns:
        folded.setdefault(fold(name), name)
        folded.setdefault(fold(header_unit(name)[0]), name)
    found: dict[str, str] = {}
    for canonical, known in words.items():
        hit = next((folded[fold(word)] for word in known if fold(word) in folded), None)
        if hit is not None and hit not in found.values():
            found[canonical] = hit
    return found


def find_columns(
    table: str, raw: Raw, settings: Settings, preset: Preset | None, said: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Which source column holds which canonical column of `table`?

    Parameters
    ----------
    table : str
    raw : Raw
    settings : Settings
        What they say wins; it must name columns that exist.
    preset : Preset or None
    said : Mapping of str to str, optional
        Columns that the settings name, where several sources for one have been laid together.

    Returns
    -------
    dict of str to str
        Canonical column = source column. A column that nobody knows is not read.

    Raises
    ------
    MappingError
        If the settings name a column that the file does not have; the hint names the nearest.
    """
    if said is None:
        said = {name: at for name, at in settings.table(table).columns.items() if isinstance(at, str)}
    have = raw.columns
    for canonical, source in said.items():
        key = f"[tables.{table}.columns] {canonical}"
        numbers = (ROW_NUMBER,) if kind_of(table, canonical) == "id" else ()
        require_column(raw, source, key, settings.shown, stand_ins=("", *numbers))
    own = {name: (name,) for name in column_names(table) if name not in said}
    found = {**match_columns(have, own), **said}
    if preset is not None and (table != "opportunities" or not said):
        rest = {name: words for name, words in preset.columns.get(table, {}).items() if name not in found}
        free = [name for name in have if name not in found.values()]
        found.update(match_columns(free, rest))
    return {name: found[name] for name in column_names(table) if found.get(name)}


def require_column(raw: Raw, source: str, key: str, shown: str, *, stand_ins: tuple[str, ...] = ()) -> None:
    """Raise MappingError, with the nearest names, if the settings name a column that is not there.

    `stand_ins` are words that mean no column of the file, where the key allows them.
    """
    if source in raw.columns or source in stand_ins:
        return
    raise MappingError(
        f"{shown}, {key} = {source!r}: {raw.file} has no such column",
        expected="one of " + ", ".join(raw.columns),
        hint=nearest(source, raw.columns),
    )


def table_of(stem: str, preset: Preset | None = None) -> str | None:
    """Return the table that a file called `stem` holds: by the contract's names, then by a preset's."""
    folded = fold(stem)
    for name in TABLES:
        if folded == fold(name):
            return name
    for one in [preset] if preset else presets().values():
        for name, stems in one.files.items():
            if folded in stems:
                return name
    return None
