"""Tables that belong together, larger than memory: the rows of one deal, of every table, in one shard on disk."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.core.errors import SourceError
from funnelnb.core.note import Note
from funnelnb.data.contract.settings import ROW_NUMBER
from funnelnb.data.read.parts import PartNotes, read_parts
from funnelnb.data.read.raw import Raw
from funnelnb.data.recognise.columns import find_columns
from funnelnb.data.recognise.profile import instructions
from funnelnb.data.recognise.sources import STACKED, label

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

    from funnelnb.data.contract.settings import TableSettings
    from funnelnb.data.contract.whole import Whole
    from funnelnb.data.load import Draft
    from funnelnb.data.read.raw import Lines

SHARD_BYTES = 64_000_000
"""Text of all tables in one shard: some 250 MB of memory."""

ID = "opportunity_id"


@dataclass(slots=True, kw_only=True)
class Source:
    """One table of the draft and where its rows come from.

    Attributes
    ----------
    tables : list of str
        Tables of the contract that are read from it (a log is deals and history at once).
    raw : Raw
        As the draft read it; of texts that do not fit into memory a sample.
    texts : list of Path
        Texts that are read part by part, one below the other; empty: `raw` holds all rows.
    own : TableSettings
    """

    tables: list[str]
    raw: Raw
    texts: list[Path]
    own: TableSettings


def sources_of(draft: Draft, large: Sequence[Path]) -> list[Source]:
    """Return the tables of a draft, those that were only sampled with their texts.

    Raises
    ------
    SourceError
        A sampled table cannot be traced to texts.
    """
    by_name = {path.name: path for path in large}
    found: dict[int, Source] = {}
    for name, raw in draft.raws.items():
        parts = [raw.file] if raw.file in by_name else raw.file.split(" + ")
        known = [by_name[one] for one in parts if one in by_name]
        if known and len(known) < len(parts):
            raise SourceError(
                f"{raw.file}: some of these files are too large for memory, others are no delimited text",
                expected="delimited texts of one shape, or tables that fit into memory",
                hint="save them all as CSV",
            )
        same = next((one for one in found.values() if one.raw.file == raw.file), None)
        if same is not None:
            same.tables.append(name)
            continue
        own = replace(
            draft.sources.settings.table(name), file="", sheet="", limits=draft.sources.settings.limits
        )
        found[id(raw)] = Source(tables=[name], raw=raw, texts=known, own=own)
    return list(found.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """Rows on disk, with the names of their columns."""

    path: Path
    names: list[str]

    def read(self) -> pd.DataFrame:
        import pandas as pd

        frame = pd.read_feather(self.path).set_index("row")
        frame.index.name, frame.columns = None, pd.Index(self.names)
        return frame


@dataclass(slots=True)
class Shards:
    """Rows of all tables, dealt out by deal.

    Attributes
    ----------
    folder : Path
    n : int
    notes : list of Note
        What reading the texts told.
    lines : Lines or None
        What became of every line of all texts.
    """

    folder: Path
    n: int
    notes: list[Note] = field(default_factory=list)
    lines: Lines | None = None
    _ragged: dict[tuple[int, int], list[tuple[int, int]]] = field(default_factory=dict)
    _files: dict[tuple[int, int], list[_File | pd.DataFrame]] = field(default_factory=dict)
    _columns: dict[int, list[str]] = field(default_factory=dict)
    _deals_n: NDArray[np.int64] = field(default_factory=lambda: np.zeros(1, np.int64))

    def fill(
        self,
        draft: Draft,
        sources: Sequence[Source],
        wholes: Mapping[Path, Whole],
        rows_n: int,
        tell: Callable[[int, int], None] | None,
    ) -> None:
        """Read all tables once and deal their rows out.

        Parameters
        ----------
        draft : Draft
        sources : sequence of Source
        wholes : Mapping of Path to Whole
            Of each text.
        rows_n : int
            Rows in a part of a text.
        tell : callable or None
            Called with the lines read and those of the text, after each part.
        """
        self.folder.mkdir(exist_ok=True)
        self._deals_n = np.zeros(self.n, np.int64)
        for place, one in enumerate(sources):
            if not one.texts:
                self._take(place, 0, one, one.raw, draft)
                continue
            begin = 2
            for number, path in enumerate(one.texts):
                told = PartNotes()
                parts = read_parts(path, one.own, wholes[path], told, rows_n=rows_n, tell=tell)
                for k, raw in enumerate(parts):
                    if len(one.texts) > 1:
                        begin = _stacked(raw, path, begin, one.raw.file)
                    if k == 0 and draft.sources.guessing:
                        self._without_instructions(raw)
                    self._take(place, number, one, raw, draft)
                self.notes += told.notes
                if told.lines is not None:
                    self.lines = told.lines if self.lines is None else self.lines + told.lines
            if len(one.texts) > 1:
                facts = {"n": len(one.texts), "files": ", ".join(path.name for path in one.texts)}
                self.notes.append(Note("files_stacked", {**facts, "rows_n": begin - 2}))

    def _without_instructions(self, raw: Raw) -> None:
        told = instructions(raw.frame)
        if told:
            facts = {"file": raw.file, "row": int(raw.frame.index[0]), "value": told[:40]}
            self.notes.append(Note("instruction_row_dropped", facts))
            raw.frame = raw.frame.iloc[1:]

    def _take(self, place: int, number: int, one: Source, raw: Raw, draft: Draft) -> None:
        """Deal out the rows of a table, or of a part of one of its texts."""
        shard = self._shard_of(one, raw, draft)
        if "opportunities" in one.tables:
            self._deals_n += np.bincount(shard, minlength=self.n)
        self._columns.setdefault(place, list(raw.frame.columns))
        at = dict(zip(raw.frame.index.tolist(), shard.tolist(), strict=True))
        for row, width in raw.ragged:
            self._ragged.setdefault((place, at[row]), []).append((row, width))
        for k in np.unique(shard).tolist():
            files, rows = self._files.setdefault((place, k), []), raw.frame[shard == k]
            files.append(self._on_disk(rows, f"{place}-{number}-{k}-{len(files)}") if one.texts else rows)

    def _on_disk(self, rows: pd.DataFrame, name: str) -> _File:
        path, names = self.folder / name, [str(one) for one in rows.columns]
        numbered = rows.set_axis([*map(str, range(len(names)))], axis=1).assign(row=rows.index.to_numpy())
        numbered.reset_index(drop=True).to_feather(path, compression="lz4")
        return _File(path=path, names=names)

    def _shard_of(self, one: Source, raw: Raw, draft: Draft) -> NDArray[np.int64]:
        """Return the shard of each row: by the deal's id; without one the first, of numbered deals by the row."""
        import pandas as pd

        ids = ids_of(one.tables[0], raw, draft)
        if ids is None:
            if "opportunities" not in one.tables:
                return np.zeros(len(raw.frame), np.int64)
            return raw.frame.index.to_numpy(dtype="int64") % self.n
        known = ids.notna().to_numpy()
        shard = np.zeros(len(ids), np.int64)
        hashes = pd.util.hash_array(ids[known].to_numpy(dtype=object), categorize=False)
        shard[known] = (hashes % np.uint64(self.n)).astype(np.int64)
        return shard

    def raws(self, sources: Sequence[Source]) -> Iterator[dict[str, Raw]]:
        """Yield the tables of one shard after the other; a shard without deals goes with the first that has some."""
        full = np.flatnonzero(self._deals_n).tolist() or [0]
        for k in full:
            several = [k] if k != full[0] else [one for one in range(self.n) if one == k or one not in full]
            made: dict[str, Raw] = {}
            for place, one in enumerate(sources):
                raw = self._raw(place, several, one, first=k == full[0])
                keyless = not {"opportunities", "stage_history"} & set(one.tables)
                if keyless and raw.frame.empty and k != full[0]:
                    continue
                made |= dict.fromkeys(one.tables, raw)
            yield made

    def _raw(self, place: int, shards: Sequence[int], one: Source, *, first: bool) -> Raw:
        """Return the rows of one table in some shards, in their order."""
        import pandas as pd

        held = [one for k in shards for one in self._files.get((place, k), [])]
        frames = [one.read() if isinstance(one, _File) else one for one in held]
        if frames:
            whole = pd.concat(frames).sort_index(kind="stable") if len(frames) > 1 else frames[0]
        else:
            whole = pd.DataFrame({name: pd.Series(dtype="str") for name in self._columns.get(place, [])})
            whole.index = pd.RangeIndex(0)
        ragged = sorted(row for k in shards for row in self._ragged.get((place, k), []))
        notes = list(one.raw.notes) if first and not one.texts else []
        return Raw(file=one.raw.file, frame=whole, ragged=ragged, notes=notes, spoilt=set(one.raw.spoilt))

    def close(self) -> None:
        """Remove what lies on disk."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _stacked(raw: Raw, path: Path, begin: int, file: str) -> int:
    """Number the rows of a part on from those above it, and say in a column which text it is of."""
    import pandas as pd

    frame = raw.frame.assign(**{STACKED: label(path.name)})
    numbers = pd.RangeIndex(begin, begin + len(frame))
    place = dict(zip(frame.index.tolist(), numbers, strict=True))
    raw.ragged = [(place[row], width) for row, width in raw.ragged if row in place]
    frame.index, raw.file = numbers, file
    raw.frame = frame
    return begin + len(frame)


def ids_of(table: str, raw: Raw, draft: Draft) -> pd.Series | None:
    """Return the deals' ids in a table as cleaning will see them; None where it has none, or rows are numbered."""
    from funnelnb.data.clean.convert import corrected
    from funnelnb.data.parse.values import as_text

    settings = draft.settings
    said: Any = settings.table(table).columns.get(ID)
    if said is None:
        said = find_columns(table, raw, settings, draft.preset).get(ID, "")
    sources = [one for one in ((said,) if isinstance(said, str) else said) if one in raw.frame]
    if not sources or said == ROW_NUMBER:
        return None
    ids = as_text(raw.frame[sources[0]], blanks=False)
    for one in sources[1:]:
        ids = ids.where(ids.notna(), as_text(raw.frame[one], blanks=False))
    return corrected(ids, settings.values.get(ID))
