"""Where are the tables? A folder, files, a frame or a dict of them become raw tables, each with what it seems to be."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funnelnb.core.errors import ParameterError, SourceError, nearest
from funnelnb.core.note import Note
from funnelnb.data.contract.settings import FILE_NAME, Settings, TableSettings, read_settings
from funnelnb.data.contract.tables import TABLES
from funnelnb.data.read.database import (
    database_name,
    is_database,
    is_sqlite,
    read_table,
    refuse_web_address,
    sqlite_url,
    tables_of,
)
from funnelnb.data.read.files import (
    DUCKDB_SUFFIXES,
    SUFFIXES,
    nearest_file,
    read,
    read_together,
    sub_tables,
)
from funnelnb.data.read.guard import guarded
from funnelnb.data.read.raw import Raw
from funnelnb.data.read.stack import same_shape
from funnelnb.data.recognise.columns import NO_PRESET, PLAIN, preset_named, recognise, table_of
from funnelnb.data.recognise.field_log import fields_beside
from funnelnb.data.recognise.groups import groups_filled, one_language
from funnelnb.data.recognise.ids_with_time import times_in_ids
from funnelnb.data.recognise.lexicon import sense_of
from funnelnb.data.recognise.profile import instructions
from funnelnb.data.recognise.same_records import hold_the_same
from funnelnb.data.recognise.shape import Sheet, kind_by_name, look
from funnelnb.data.recognise.wide_marks import marks_as_rows
from funnelnb.data.recognise.wide_months import months_as_history
from funnelnb.playbooks.model import fold

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


LARGEST_UNASKED = 200_000_000
"""Files above this size, in bytes, are only opened if they are named or nothing else holds deals."""

DATABASE_TABLES = 60
"""So many tables of a database are looked at where no name tells what they are."""

FEW = 5
"""Tables of fewer columns are of one shape only if all their columns are the same."""

OUTCOME_NAMES = ("won", "open", "lost", "lost_competitor", "lost_no_decision", "left", "unclear")
SHARED_COLUMNS = 0.6
"""Sheets that are called after outcomes are parts of one table if they share this much of the smaller one's columns."""

SQLITE_SUFFIXES = (".sqlite", ".sqlite3", ".db", ".db3")
"""Endings of SQLite files, looked for in a folder without other data."""

_PROPOSED = ("opportunities", "stage_history", "accounts")
"""Tables that settings name by their sheet; others beside them in a workbook are known by the names of their sheets."""

STACKED = "(file)"
"""Column that says from which file or sheet a row of a stacked table comes."""


@dataclass(slots=True, kw_only=True)
class Sources:
    """Raw tables and the settings that came with them.

    Attributes
    ----------
    raws : dict of str to Raw
        Table of the contract = what was read, as far as names or settings tell it.
    settings : Settings
    name : str
        Name of folder or file.
    folder : Path or None
        Where other files (to join) are looked for.
    extra : dict of str to frame or path
        What was given under a name that is not a table of the contract: to be joined.
    sheets : list of Sheet
        Everything that was looked at, with what it seems to be; empty where recognition is switched off.
    database : str
        URL of the database that the tables stand in, without a password; empty for files.
    """

    raws: dict[str, Raw]
    settings: Settings
    name: str = ""
    folder: Path | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    sheets: list[Sheet] = field(default_factory=list)
    database: str = ""

    def other(self, file: str, sheet: str = "") -> Raw:
        """Return the table to be joined that the settings call `file`."""
        seen = next((one for one in self.sheets if one.file == file and one.sheet == sheet), None)
        if seen is not None and file not in self.raws:
            return seen.raw
        if file in self.extra:
            return read(self.extra[file], file, self.settings.table(""))
        if file in self.raws:
            return self.raws[file]
        if self.database:
            return read_table(self.database, file, self.settings.table(""))
        folder = self.folder or Path()
        return read(folder / file, file, replace(self.settings.table(""), sheet=sheet))

    @property
    def guessing(self) -> bool:
        """Whether what the settings do not say may be recognised."""
        return self.settings.crm != NO_PRESET


@dataclass(slots=True)
class _Piece:
    """A file or one of its sheets, and the table that its name or the settings say it is."""

    file: Path
    own: TableSettings
    table: str = ""
    said: bool = False


@guarded("what was given as the data", "a path, a frame or a dict of them", "check the path")
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
        If there is nothing to read.
    """
    refuse_web_address(source)
    if is_database(source):
        found = _from_database(source, read_settings(mapping))
    elif isinstance(source, (str, Path)):
        found = _from_path(Path(source).expanduser(), mapping)
    elif isinstance(source, dict):
        found = _from_dict(source, read_settings(mapping))
    elif isinstance(source, (list, tuple)) and source:
        found = _from_files([Path(one).expanduser() for one in source], mapping)
    else:
        found = Sources(raws={}, settings=read_settings(mapping), name="deals")
        own = TableSettings(limits=found.settings.limits)
        _add(found, read(source, "opportunities", own), alone=True)
    more = _from_dict(dict(tables), found.settings) if tables else None
    if more is not None:
        found.raws.update(more.raws)
        found.extra.update(more.extra)
        given = {id(one.raw) for one in more.sheets}
        found.sheets = [one for one in found.sheets if one.kind not in more.raws] + [
            one for one in more.sheets if id(one.raw) in given
        ]
    if "opportunities" not in found.raws and not any(
        one.kind in ("opportunities", "stage_history") for one in found.sheets
    ):
        _choose_or_refuse(found)
    return found


def _add(
    found: Sources,
    raw: Raw,
    *,
    table: str = "",
    file: str = "",
    sheet: str = "",
    stem: str = "",
    alone: bool = False,
) -> None:
    """Take a raw table in: look at it if recognition is on, and remember it under the table it is known to be."""
    if found.guessing:
        raw = fields_beside(months_as_history(groups_filled(times_in_ids(one_language(raw)))))
        raw = raw if table in ("opportunities", "accounts") else marks_as_rows(raw)
    if table:
        found.raws[table] = raw
    elif alone and not found.guessing:
        found.raws["opportunities"] = raw
    if not found.guessing:
        return
    preset = preset_named(found.settings.crm) if found.settings.crm else recognise(raw.columns)
    known = preset.columns.get("opportunities", {}) if preset is not None and preset.id != PLAIN else {}
    said = {
        name: one
        for name, one in found.settings.table("opportunities").columns.items()
        if isinstance(one, str) and (one in raw.frame or not one)
    }
    told = instructions(raw.frame)
    if told:
        note = Note(
            "instruction_row_dropped", {"file": raw.file, "row": int(raw.frame.index[0]), "value": told[:40]}
        )
        raw = dataclasses.replace(raw, frame=raw.frame.iloc[1:], notes=[*raw.notes, note])
        found.raws.update({table: raw} if table else {})
    seen = look(
        raw, file=file, sheet=sheet, stem=stem or file, kind=table if table in TABLES else "",
        said=said if table == "opportunities" or not table else {}, preset=known,
    )  # fmt: skip
    if alone and not table and seen.kind not in ("opportunities", "stage_history"):
        seen.kind = "opportunities"
    found.sheets.append(seen)


def _choose_or_refuse(found: Sources) -> None:
    """Take the table that looks most like deals, or say that there is none."""
    best = max(found.sheets, key=lambda one: one.deals_score, default=None)
    if best is not None and best.deals_score > 0:
        best.kind = "opportunities"
        return
    names = ", ".join(one.raw.file for one in found.sheets)
    below = [] if found.sheets else _folders_with_data(found.folder)
    raise SourceError(
        f"{found.name or 'the source'} holds no table of deals",
        expected=f"a table with one row per deal; {f'there are {names}' if names else 'no data file was found'}",
        hint=f"give the folder that holds the data: {' or '.join(below)}"
        if below
        else 'say which file it is: [tables.opportunities] file = "…" in funnelnb.toml',
    )


def _folders_with_data(folder: Path | None) -> list[str]:
    """Return the folders in a folder that hold data files."""
    if folder is None:
        return []
    inside = sorted(one for one in folder.iterdir() if one.is_dir() and not one.name.startswith("."))
    held = [one for one in inside if any(file.name.lower().endswith(SUFFIXES) for file in one.iterdir())]
    return [str(one) for one in held[:3]]


def _from_dict(source: dict[str, Any], settings: Settings) -> Sources:
    found = Sources(raws={}, settings=settings, name="deals")
    for name, one in source.items():
        if name in TABLES:
            _add(found, read(one, name, settings.table(name)), table=name)
        else:
            found.extra[str(name)] = one
            if found.guessing:
                _add(found, read(one, str(name), settings.table("")), file=str(name), stem=str(name))
    if not found.raws and source and not found.guessing:
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
    pieces = []
    for one in paths:
        table = by_file.get(one.name) or table_of(one.stem, preset) or ""
        pieces.append(_Piece(one, settings.table(table), table, one.name in by_file))
    found = Sources(raws={}, settings=settings, folder=paths[0].resolve().parent)
    _read_pieces(found, pieces)
    found.extra = {one.file.name: one.file for one in pieces if not one.table}
    together = all(one.resolve().parent == found.folder for one in paths)
    deals = next((one.file for one in pieces if one.table == "opportunities"), paths[0])
    found.name = found.folder.name if together and found.folder else deals.stem
    return found


def _from_database(url: str, settings: Settings) -> Sources:
    """Return the tables of a database that settings or names point to, else those that look like part of a funnel."""
    found = Sources(raws={}, settings=settings, name=database_name(url), database=url)
    said = {own.file or name: name for name, own in settings.tables.items() if own.file or own.query}
    tables = [] if any(own.query for own in settings.tables.values()) else tables_of(url)
    wanted = {one: said.get(one) or table_of(one.rpartition(".")[2]) or "" for one in (*said, *tables)}
    if said and not found.guessing:
        wanted = {one: table for one, table in wanted.items() if table}
    named = [one for one in wanted if wanted[one] or kind_by_name(one.rpartition(".")[2])]
    for one in named or list(wanted)[:DATABASE_TABLES]:
        own = settings.table(wanted[one])
        try:
            raw = read_table(url, one, own)
        except SourceError:
            if wanted[one] or len(wanted) == 1:
                raise
            continue
        _add(
            found,
            raw,
            table=wanted[one] if list(wanted.values()).count(wanted[one]) == 1 else "",
            file=one,
            stem=one,
            alone=len(wanted) == 1,
        )
    return found


def _from_path(path: Path, mapping: Any) -> Sources:
    if any(one in path.name for one in "*?[") and not path.exists():
        parts = sorted(one for one in path.parent.glob(path.name) if one.is_file())
        if parts:
            return _from_files(parts, mapping)
    if not path.exists():
        raise SourceError(
            f"there is nothing at {path}", expected="a folder or a data file", hint=nearest_file(path)
        )
    if path.suffix.lower() == ".toml":
        settings = read_settings(path if mapping is None else mapping)
        if is_database(settings.data):
            return _from_database(settings.data, settings)
        return _from_path(path.parent / (settings.data or "."), settings)
    folder = path if path.is_dir() else path.parent
    if mapping is None and (folder / FILE_NAME).is_file() and _meant_for(folder / FILE_NAME, path):
        mapping = folder / FILE_NAME
    settings = read_settings(mapping)
    if path.is_dir() and is_database(settings.data):
        return _from_database(settings.data, settings)
    database = path if path.is_file() and is_sqlite(path) else _lone_database(path)
    if database is not None:
        return _from_database(sqlite_url(database), settings)
    if path.is_dir() and settings.data and (folder / settings.data).exists():
        path = folder / settings.data
        folder = path if path.is_dir() else path.parent
    found = Sources(raws={}, settings=settings, name=path.stem, folder=folder)
    pieces = _pieces(path, settings)
    _read_pieces(found, pieces, alone=len(pieces) == 1)
    return found


def _lone_database(path: Path) -> Path | None:
    """Return the SQLite file of a folder that holds no other data."""
    if not path.is_dir():
        return None
    files = [one for one in sorted(path.iterdir()) if one.is_file() and not one.name.startswith((".", "~$"))]
    kept = [one for one in files if one.suffix.lower() in SQLITE_SUFFIXES and is_sqlite(one)]
    others = [one for one in files if one.suffix.lower() in SUFFIXES and one not in kept]
    return kept[0] if len(kept) == 1 and not others else None


def _meant_for(file: Path, path: Path) -> bool:
    """Whether a settings file beside the data is about these data: not if it names another file."""
    named = read_settings(file).data
    return (
        not named
        or path.is_dir()
        or (file.parent / named).resolve() in (path.resolve(), path.parent.resolve())
    )


def _pieces(path: Path, settings: Settings) -> list[_Piece]:
    """Return every file and sheet that may be read, with the table that settings or names say it is."""
    folder = path if path.is_dir() else path.parent
    said = [
        _Piece(folder / own.file, settings.table(name), name, said=True)
        for name, own in settings.tables.items()
        if own.file
    ]
    inside = sorted(path.iterdir()) if path.is_dir() else [path]
    candidates = [one for one in inside if one.suffix.lower() in SUFFIXES or one == path]
    taken = {(one.file.resolve(), one.own.sheet) for one in said}
    preset = preset_named(settings.crm) if settings.crm else None
    free: list[_Piece] = []
    for file in (one for one in candidates if not one.name.startswith(("~$", "."))):
        held = _in_file(file, settings, preset, alone=len(candidates) == 1)
        at = file.resolve()
        free += [one for one in held if (at, one.own.sheet) not in taken and (at, "") not in taken]
    named = {one.table for one in said}
    for one in free:
        one.table = "" if one.table in named else one.table
    return said + free


def _in_file(file: Path, settings: Settings, preset: Any, *, alone: bool) -> list[_Piece]:
    """Return the tables that one file holds, by the names of its sheets or by its own."""
    table = table_of(file.stem, preset) or ""
    try:
        inside = sub_tables(file, settings.limits)
    except SourceError:
        if not table and not alone:  # a broken file that nobody asked for
            return []
        raise
    if len(inside) < 2:
        return [_Piece(file, settings.table(table) if table else _unclaimed(settings, alone=alone), table)]
    wanted = settings.table("opportunities").sheet
    if alone and wanted:
        beside = {one: table_of(one, preset) or "" for one in inside if one != wanted}
        return [
            _Piece(file, settings.table("opportunities"), "opportunities"),
            *(
                _Piece(file, replace(settings.table(held), sheet=one), held)
                for one, held in beside.items()
                if held and held not in _PROPOSED
            ),
        ]
    pieces = []
    for sheet in inside:
        held = (
            table_of(sheet, preset)
            or (table_of(sheet.rpartition(".")[2], preset) if file.suffix.lower() in DUCKDB_SUFFIXES else "")
            or ""
        )
        pieces.append(
            _Piece(
                file,
                replace(settings.table(held) if held else _unclaimed(settings, alone=alone), sheet=sheet),
                held,
            )
        )
    return pieces


def _unclaimed(settings: Settings, *, alone: bool) -> TableSettings:
    """Return how a file is read whose table is not known: a lone one as the deals."""
    own = settings.table("opportunities" if alone else "")
    return dataclasses.replace(own, file="", sheet="")


def _read_pieces(found: Sources, pieces: Sequence[_Piece], *, alone: bool = False) -> None:
    """Read all pieces, stack those of one shape, and remember them."""
    claimed = {one.table for one in pieces if one.table}
    wanted = [
        one for one in pieces
        if one.table
        or not (not found.guessing or "opportunities" in claimed)
        or not _skipped(one, found, alone=alone)
    ]  # fmt: skip
    with read_together([*{one.file: None for one in wanted}], found.settings.limits) as refusal:
        read_in = _each_read(wanted, refusal, alone=alone or len(pieces) == 1)
        if not read_in and pieces:
            read(pieces[0].file, pieces[0].file.name, pieces[0].own)  # says what is wrong with it
    for group in _stacks(read_in):
        piece, raw = group[0]
        several = len(group) > 1
        if several:
            raw = _stacked([one for _, one in group])
        table = piece.table if piece.said or several or _only_claim(piece, read_in) else ""
        _add(
            found, raw, table=table, file="" if several else piece.file.name, sheet="" if several else piece.own.sheet,
            stem=piece.own.sheet or piece.file.stem, alone=alone and len(read_in) == 1,
        )  # fmt: skip


def _each_read(
    pieces: Sequence[_Piece], refusal: SourceError | None, *, alone: bool
) -> list[tuple[_Piece, Raw]]:
    """Read pieces one after the other; a broken one that nobody asked for is left alone."""
    read_in = []
    for one in pieces:
        try:
            raw = read(one.file, one.file.name, one.own)
        except SourceError as error:
            if one.table or one.said or alone or error is refusal:
                raise
            continue
        read_in.append((one, raw))
    return read_in


def _skipped(piece: _Piece, found: Sources, *, alone: bool) -> bool:
    """Whether a file that nobody named is left alone: recognition is off, or it is too large to open unasked."""
    if not found.guessing:
        return not alone
    return piece.file.is_file() and piece.file.stat().st_size > LARGEST_UNASKED


def _only_claim(piece: _Piece, read_in: Sequence[tuple[_Piece, Raw]]) -> bool:
    """Whether the name of a piece decides what it is: it alone has that name, or the contract's own."""
    rivals = [one for one, _ in read_in if one.table == piece.table and one.table]
    exact = [one for one in rivals if fold(one.own.sheet or one.file.stem) == fold(piece.table)]
    if len(rivals) > 1 and len(exact) != 1 and piece.table != "opportunities":
        _refuse_rivals(rivals)
    return bool(piece.table) and (len(rivals) == 1 or piece in exact)


def _refuse_rivals(rivals: Sequence[_Piece]) -> None:
    table = rivals[0].table
    raise SourceError(
        f"several files may be the table {table}: {', '.join(one.file.name for one in rivals)}",
        expected="one file per table",
        hint=f'say which one: [tables.{table}] file = "{rivals[0].file.name}" in funnelnb.toml',
    )


def _stacks(read_in: Sequence[tuple[_Piece, Raw]]) -> list[list[tuple[_Piece, Raw]]]:
    """Group the raw tables that have the same columns and may be parts of one: files by year, sheets by region."""
    groups: list[list[tuple[_Piece, Raw]]] = []
    for piece, raw in read_in:
        rival = next(
            (one for one in groups if one[0][1].columns == raw.columns and hold_the_same(one[0][1], raw)),
            None,
        )
        if (
            rival is not None
            and rival[0][0].table == piece.table == "opportunities"
            and not _exact(*(one for one, _ in read_in if one.table))
        ):
            _refuse_rivals([rival[0][0], piece])
        same = next(
            (
                one for one in groups
                if not piece.said and not one[0][0].said
                and (_of_one_shape(one[0][1], raw) or _by_outcome(one[0], (piece, raw)))
                and (one[0][0].table == piece.table or not one[0][0].table or not piece.table)
                and not hold_the_same(one[0][1], raw)
            ),
            None,
        )  # fmt: skip
        if same is None:
            groups.append([(piece, raw)])
        else:
            same.append((piece, raw))
            same.sort(key=lambda pair: not pair[0].table)
    return groups


def _of_one_shape(one: Raw, other: Raw) -> bool:
    """Whether two tables have the same columns; of five or more, one may be missing (open deals beside closed ones)."""
    if one.columns == other.columns:
        return len(one.columns) > 2
    return min(len(one.columns), len(other.columns)) >= FEW and same_shape(one, other)


def _by_outcome(one: tuple[_Piece, Raw], other: tuple[_Piece, Raw]) -> bool:
    """Whether two sheets are called after outcomes ("Open", "Won") and share most columns of the smaller one."""
    names = [piece.own.sheet or piece.file.stem for piece, _ in (one, other)]
    told = [sense_of(name).meaning for name in names]
    if not all(meaning in OUTCOME_NAMES for meaning in told) or told[0] == told[1]:
        return False
    mine, theirs = ({fold(name) for name in raw.columns} for _, raw in (one, other))
    return len(mine & theirs) > 1 and len(mine & theirs) >= SHARED_COLUMNS * min(len(mine), len(theirs))


def _exact(*pieces: _Piece) -> bool:
    """Whether one of them is called as the contract calls its table, or was named."""
    return any(one.said or fold(one.own.sheet or one.file.stem) == fold(one.table) for one in pieces)


def label(file: str) -> str:
    """Return the name of a sheet, or of a file without its ending: it may say how its deals ended."""
    sheet = file.rpartition("!")[2]
    ending = Path(sheet).suffix.lower()
    return Path(sheet).stem if sheet == file and ending in SUFFIXES else sheet


def _stacked(raws: Sequence[Raw]) -> Raw:
    """Return one raw table out of several of the same columns, with a column that says where each row stood."""
    import pandas as pd

    frames = [one.frame.assign(**{STACKED: label(one.file)}) for one in raws]
    frame = pd.concat(frames)
    ragged = [row for one in raws for row in one.ragged]
    if frame.index.duplicated().any():
        numbers = pd.RangeIndex(2, 2 + len(frame))
        moved, begin = [], 0
        for one in raws:
            place = dict(zip(one.frame.index, numbers[begin : begin + len(one.frame)], strict=True))
            moved += [(int(place[row]), width) for row, width in one.ragged if row in place]
            begin += len(one.frame)
        frame.index, ragged = numbers, moved
    names = ", ".join(one.file for one in raws)
    notes = [note for one in raws for note in one.notes]
    notes.append(Note("files_stacked", {"n": len(raws), "files": names, "rows_n": len(frame)}))
    return Raw(
        file=" + ".join(one.file for one in raws),
        frame=frame,
        ragged=ragged,
        notes=notes,
        spoilt={name for one in raws for name in one.spoilt},
        sampled=any(one.sampled for one in raws),
    )
