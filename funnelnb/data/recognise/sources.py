"""Where are the tables? A folder, a file, a frame or a dict of them becomes one raw table per name."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funnelnb.core.errors import ParameterError, SourceError, nearest
from funnelnb.data.contract.settings import FILE_NAME, Settings, TableSettings, read_settings
from funnelnb.data.contract.tables import TABLES
from funnelnb.data.read.files import SUFFIXES, nearest_file, read, sub_tables
from funnelnb.data.recognise.columns import preset_named, table_of
from funnelnb.playbooks.model import fold

if TYPE_CHECKING:
    from collections.abc import Mapping

    from funnelnb.data.read.raw import Raw


@dataclass(slots=True, kw_only=True)
class Sources:
    """Raw tables and the settings that came with them.

    Attributes
    ----------
    raws : dict of str to Raw
        Table of the contract = what was read; ``opportunities`` is always there.
    settings : Settings
    name : str
        Name of folder or file.
    folder : Path or None
        Where other files (to join) are looked for.
    extra : dict of str to frame or path
        What was given under a name that is not a table of the contract: to be joined.
    """

    raws: dict[str, Raw]
    settings: Settings
    name: str = ""
    folder: Path | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    def other(self, file: str, sheet: str = "") -> Raw:
        """Return the table to be joined that the settings call `file`."""
        if file in self.extra:
            return read(self.extra[file], file)
        if file in self.raws:
            return self.raws[file]
        folder = self.folder or Path()
        return read(folder / file, file, TableSettings(sheet=sheet))


def gather(source: Any, mapping: Any = None, tables: Mapping[str, Any] | None = None) -> Sources:
    """Which raw tables does a source hold?

    Parameters
    ----------
    source, mapping, tables
        As for :func:`funnelnb.data.load.load`.

    Returns
    -------
    Sources

    Raises
    ------
    SourceError
        If there is no table of deals.
    """
    if isinstance(source, (str, Path)):
        found = _from_path(Path(source).expanduser(), mapping)
    elif isinstance(source, dict):
        found = _from_dict(source, read_settings(mapping))
    elif isinstance(source, (list, tuple)) and source:
        found = _from_files([Path(one).expanduser() for one in source], mapping)
    else:
        raw = read(source, "opportunities")
        found = Sources(raws={"opportunities": raw}, settings=read_settings(mapping), name="deals")
    more = _from_dict(dict(tables), found.settings) if tables else None
    if more is not None:
        found.raws.update(more.raws)
        found.extra.update(more.extra)
    if "opportunities" not in found.raws:
        raise SourceError(
            f"{found.name or 'the source'} has no table of deals",
            expected="a table opportunities",
            hint='say which file it is: [tables.opportunities] file = "…" in the settings',
        )
    return found


def _from_dict(source: dict[str, Any], settings: Settings) -> Sources:
    found = Sources(raws={}, settings=settings, name="deals")
    for name, one in source.items():
        if name in TABLES:
            found.raws[name] = read(one, name, settings.table(name))
        else:
            found.extra[str(name)] = one
    if not found.raws and source:
        raise ParameterError(
            f"tables = {list(source)}", expected="names such as " + ", ".join(TABLES),
            hint=nearest(str(next(iter(source))), TABLES),
        )  # fmt: skip
    return found


def _from_files(paths: list[Path], mapping: Any) -> Sources:
    """Return the tables in several files: by the settings, else by their names; the others may be joined."""
    missing = [str(one) for one in paths if not one.is_file()]
    if missing:
        raise SourceError(
            f"there is no file {', '.join(missing)}", expected="data files", hint="check the path"
        )
    beside = paths[0].parent / FILE_NAME
    settings = read_settings(beside if mapping is None and beside.is_file() else mapping)
    preset = preset_named(settings.crm) if settings.crm else None
    by_file = {own.file: name for name, own in settings.tables.items() if own.file}
    named = {by_file.get(one.name) or table_of(one.stem, preset) or one.name: one for one in paths}
    found = _from_dict(named, settings)
    found.folder = paths[0].resolve().parent
    together = all(one.resolve().parent == found.folder for one in paths)
    found.name = found.folder.name if together else named.get("opportunities", paths[0]).stem
    return found


def _from_path(path: Path, mapping: Any) -> Sources:
    if not path.exists():
        raise SourceError(
            f"there is nothing at {path}", expected="a folder or a data file", hint=nearest_file(path)
        )
    if path.suffix.lower() == ".toml":
        settings = read_settings(path if mapping is None else mapping)
        return _from_path(path.parent / (settings.data or "."), settings)
    folder = path if path.is_dir() else path.parent
    if mapping is None and (folder / FILE_NAME).is_file():
        mapping = folder / FILE_NAME
    settings = read_settings(mapping)
    if path.is_dir() and settings.data and (folder / settings.data).exists():
        path = folder = folder / settings.data
    files = _files(path, settings)
    raws = {name: read(file, name, own) for name, (file, own) in files.items()}
    return Sources(raws=raws, settings=settings, name=path.stem, folder=folder)


def _files(path: Path, settings: Settings) -> dict[str, tuple[Path, TableSettings]]:
    """Return the file and the settings to read it with, for each table."""
    folder = path if path.is_dir() else path.parent
    found: dict[str, tuple[Path, TableSettings]] = {}
    for name, own in settings.tables.items():
        if own.file:
            found[name] = (folder / own.file, own)
    inside = sorted(path.iterdir()) if path.is_dir() else [path]
    candidates = [one for one in inside if one.suffix.lower() in SUFFIXES or one == path]
    taken = {file.resolve() for file, _ in found.values()}
    preset = preset_named(settings.crm) if settings.crm else None
    free = [one for one in candidates if one.resolve() not in taken and not one.name.startswith(("~$", "."))]
    alone = len(free) == 1 and "opportunities" not in found
    claims: dict[str, list[tuple[Path, TableSettings]]] = {}
    for file in free:
        for name, own in _tables_in(file, settings, preset, alone=alone):
            claims.setdefault(name, []).append((file, own))
    for name, claimed in claims.items():
        if name not in found:
            found[name] = _one_file(name, claimed)
    if path.is_dir() and "opportunities" not in found:
        raise SourceError(
            f"{path} holds no table of deals",
            expected="a file opportunities.csv (or .xlsx, .parquet, …); there are "
            + (", ".join(one.name for one in candidates) or "no data files"),
            hint='say which file it is: [tables.opportunities] file = "…" in the settings',
        )
    return found


def _tables_in(
    file: Path, settings: Settings, preset: Any, *, alone: bool
) -> list[tuple[str, TableSettings]]:
    """Return the tables that one file holds, by the names of its sheets or by its own."""
    table = table_of(file.stem, preset) or ("opportunities" if alone else None)
    try:
        inside = sub_tables(file)
    except SourceError:
        if table is None:  # a broken file that nobody asked for
            return []
        raise
    named = [(one, table_of(one, preset)) for one in inside]
    known = [(held, replace(settings.table(held), sheet=one)) for one, held in named if held]
    if any(held == "opportunities" for held, _ in known):
        return known
    return [(table, settings.table(table))] if table else []


def _one_file(name: str, claimed: list[tuple[Path, TableSettings]]) -> tuple[Path, TableSettings]:
    """Return the file to take a table from: the one of the contract's name, else the only one.

    Raises
    ------
    SourceError
        If several files could be it.
    """
    exact = [one for one in claimed if fold(one[0].stem) == fold(name)]
    choice = exact or claimed
    if len(choice) > 1:
        files = ", ".join(file.name for file, _ in choice)
        raise SourceError(
            f"several files may be the table {name}: {files}",
            expected="one file per table",
            hint=f'say which one: [tables.{name}] file = "{choice[0][0].name}" in the settings',
        )
    return choice[0]
