"""From a text larger than memory to canonical Parquet: read, mapped, cleaned and checked part by part.

Every part goes the way of a plain load (:class:`funnelnb.data.load.Draft`). What no part tells alone (which of day and
month comes first, where the table ends) is decided by all of them (:mod:`funnelnb.data.contract.whole`); rows that
share an id are cleaned together. What comes out is what a plain load would have made. Tables that belong together are
dealt out by the deal's id first (:mod:`funnelnb.data.shards`).

Longer than most modules: one text and several go the same way, round after round.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.core.errors import DataProblems, OutputError, SourceError
from funnelnb.data.clean.as_of import as_of_instant, check_quiet, day_of_export, recorded_times
from funnelnb.data.clean.convert import ordered
from funnelnb.data.contract.problems import Findings
from funnelnb.data.contract.tables import PANDAS_DTYPE, kind_of
from funnelnb.data.contract.whole import Whole
from funnelnb.data.keep import refuse_full, write_settings
from funnelnb.data.load import Draft, no_deal_by
from funnelnb.data.read.files import kind_of_file, sampled
from funnelnb.data.read.parts import PART_ROWS, PartNotes, read_parts, sample_of
from funnelnb.data.read.raw import Lines, Raw
from funnelnb.data.recognise.merge import merged
from funnelnb.data.recognise.proposal import Proposal
from funnelnb.data.recognise.sources import gather
from funnelnb.data.shards import SHARD_BYTES, Shards, ids_of, sources_of

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from funnelnb.core.check import Day
    from funnelnb.core.errors import Problem
    from funnelnb.core.note import Note
    from funnelnb.playbooks import Playbook

ROUNDS = 6
"""So often is a text read until its parts tell what they were read with; two rounds are usual for an untidy one."""

HASHES = 4_000_000
"""Ids that are compared at once."""

END_OF_TIME = np.datetime64("9999-12-31T23:59:59", "s")

_SUMMED = ("n", "of_n", "deals_n", "rows_n")
_FIRST = ("row", "value", "example")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """Canonical tables on disk.

    Attributes
    ----------
    folder : Path
    rows_n : dict of str to int
        Table = its rows.
    as_of : numpy.datetime64
    currency : str
    playbook : Playbook
    notes : tuple of Note
        What was guessed, assumed or left out.
    lines : Lines
        What became of every line of the text.
    rounds_n : int
        How often the text was read.
    """

    folder: Path
    rows_n: Mapping[str, int]
    as_of: np.datetime64
    currency: str
    playbook: Playbook
    notes: tuple[Note, ...]
    lines: Lines
    rounds_n: int


def convert(
    source: str | Path | Sequence[str | Path],
    folder: str | Path,
    *,
    mapping: Any = None,
    playbook: str | Path | Playbook | list[str] | None = None,
    as_of: Day | None = None,
    comments: Mapping[str, Sequence[str]] | None = None,
    force: bool = False,
    tell: Callable[[int, int], None] | None = None,
) -> Stored:
    r"""How do I count an export that does not fit into memory? Stored as Parquet, part by part.

    Parameters
    ----------
    source : path or list of paths
        A delimited text with one row per deal; or a folder or files that belong together: deals and their history,
        tables of customers, contacts and the like, texts of one shape.
    folder : path
        Where ``opportunities.parquet``, a stage history if the text tells one, and settings for them come to lie.
        It appears when all is done.
    mapping, playbook, as_of
        As for :func:`funnelnb.load`.
    comments : Mapping of str to sequence of str, optional
        Why each line of the settings says what it says.
    force : bool
        Whether the folder may hold something already.
    tell : callable, optional
        Called with the lines that were read and those of the file, after each part.

    Returns
    -------
    Stored

    Raises
    ------
    SourceError, MappingError, PlaybookError, ParameterError, MissingDataError, DataProblems
        As for :func:`funnelnb.load`, with rows of the whole file.
    OutputError
        The folder holds something already, or cannot be written.

    Notes
    -----
    What the columns mean is seen from a sample: the first lines, and lines from places spread over the file. Order of
    day and month, decimal sign and the like are decided by all rows: where a later part says otherwise than the
    sample, the file is read again. Memory does not grow with the file but for 8 bytes for each repeated id. Tables that
    belong together are dealt out by the deal's id into shards on disk, each with all rows of its deals; tables
    without one (customers, targets) must fit into memory.

    Checked against: ``fn.load`` of the same text, for messy random texts in parts of a few rows
    (``tests/data/test_parts.py``).

    Examples
    --------
    >>> import tempfile, pathlib
    >>> room = pathlib.Path(tempfile.mkdtemp())
    >>> text = "opportunity_id,stage,created_at,closed_at\na,offer,2026-01-05,\nb,won,2026-01-07,2026-02-01\n"
    >>> _ = (room / "deals.csv").write_text(text)
    >>> stored = convert(room / "deals.csv", room / "stored", playbook=["lead", "offer", "won"])
    >>> dict(stored.rows_n), str(stored.as_of)
    ({'opportunities': 2}, '2026-02-01T00:00:00')
    """
    folder = Path(folder).expanduser()
    refuse_full(folder, force=force)
    if as_of is not None:
        day_of_export(as_of)
    said: Any = playbook
    document: Mapping[str, Any] = {}
    if isinstance(mapping, Proposal):
        said, document = mapping.said.playbook, mapping.document
        mapping = merged(mapping.said, mapping.document, accepted=True)
    with _room(folder) as room:
        work = _work(source, room, mapping, playbook, as_of)
        found = work.settled(tell)
        instant = work.instant(found)
        model = said if isinstance(said, str) else None
        _put(folder, room, found.rows_n, lambda kept: write_settings(
            kept, work.draft.playbook, document, comments or {}, model=model, as_of=instant, currency=found.currency,
            timezone=work.draft.settings.timezone, problems=work.draft.settings.problems,
        ))  # fmt: skip
    return Stored(
        folder=folder, rows_n=found.rows_n, as_of=instant, currency=found.currency, playbook=work.draft.playbook,
        notes=tuple(found.notes), lines=found.lines, rounds_n=work.rounds_n,
    )  # fmt: skip


class CodedProblems(DataProblems):
    """Problems of a text that was read in parts, with their codes.

    Attributes
    ----------
    codes : list of str
        Code of each problem.
    rows_n : int
        Records of the text.
    """

    def __init__(self, codes: list[str], problems: list[Problem], rows_n: int) -> None:
        super().__init__(problems)
        self.codes, self.rows_n = codes, rows_n


@contextlib.contextmanager
def _room(folder: Path) -> Iterator[Path]:
    """Make a folder of our own beside the one that is written: gone at the end, whatever happens."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        room = tempfile.TemporaryDirectory(dir=folder.parent, prefix=".funnelnb-")
    except OSError as error:
        raise _unwritable(folder, error) from None
    with room as name:
        yield Path(name)


def _put(folder: Path, room: Path, tables: Iterable[str], settings: Callable[[Path], None]) -> None:
    """Put finished tables and settings into the folder; a new folder appears with all of them."""
    kept = folder if folder.exists() else room / "kept"
    try:
        kept.mkdir(exist_ok=True)
        for name in tables:
            (room / f"{name}.parquet").replace(kept / f"{name}.parquet")
        settings(kept)
        if kept != folder:
            kept.rename(folder)
    except OSError as error:
        raise _unwritable(folder, error) from None


def _unwritable(folder: Path, error: OSError) -> OutputError:
    return OutputError(
        f"{folder} cannot be written to ({error.strerror})",
        expected="a folder that can be written to, with room for about half of the text",
        hint="name another with --out",
    )


@dataclass(slots=True)
class _Found:
    """What one round found."""

    problems: dict[tuple[str, ...], Problem] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    rows_n: dict[str, int] = field(default_factory=dict)
    currency: str = ""
    lines: Any = None
    days: Any = None
    open: bool = False

    def take(self, one: Draft) -> None:
        """Take what the cleaning of a part found."""
        for code, problem in zip(one.findings.codes, one.findings.problems, strict=True):
            key = (code, problem.file, problem.column, problem.found, problem.expected, problem.remedy)
            same = self.problems.get(key)
            if same is None:
                self.problems[key] = problem
            elif problem.row is not None:
                first = min(same, problem, key=lambda of: of.row or 0)
                self.problems[key] = replace(first, rows_n=same.rows_n + problem.rows_n)
        self.notes += one.findings.notes
        self.notes = together(self.notes)
        self.currency = self.currency or one.currency

    def record(self, one: Draft) -> None:
        """Remember on which days something is recorded, and whether a deal is open."""
        frames = {name: table.frame for name, table in one.tables.items()}
        times = recorded_times(frames)
        days = np.unique(times.astype("datetime64[D]").astype("datetime64[s]"))
        odd = times[times != times.astype("datetime64[D]")][:1]
        last = times.max(keepdims=True) if len(times) else times
        self.days = np.unique(np.concatenate([*(() if self.days is None else (self.days,)), days, odd, last]))
        self.open = self.open or bool((frames["opportunities"]["outcome"] == "open").any())

    def recorded(self) -> dict[str, pd.DataFrame]:
        """Return a table with all that the as-of date depends on."""
        import pandas as pd

        times = np.empty(0, "datetime64[s]") if self.days is None else self.days
        return {
            "opportunities": pd.DataFrame({
                "created_at": times.astype("datetime64[us]"), "outcome": "open" if self.open else "won",
            })
        }  # fmt: skip


def together(notes: Iterable[Note]) -> list[Note]:
    """Return notes on parts as notes on the whole: numbers added up, the first row and example of each."""
    from funnelnb.core.note import Note

    found: dict[Hashable, dict[str, Any]] = {}
    for one in notes:
        same = {name: str(of) for name, of in one.values.items() if name not in (*_SUMMED, *_FIRST)}
        key = (one.code, *sorted(same.items()))
        if key not in found:
            found[key] = dict(one.values)
            continue
        values = found[key]
        sums = {name: values[name] + one.values[name] for name in _SUMMED if name in values}
        earlier = one.values.get("row", 0) < values.get("row", 0)
        values.update({**(one.values if earlier else {}), **sums})
    return [Note(str(key[0]), values) for key, values in found.items()]  # type: ignore[index]


def _work(source: Any, room: Path, mapping: Any, playbook: Any, as_of: Day | None) -> _Work:
    """Return the work on one text, or on tables that belong together."""
    (room / "sample").mkdir()
    with sampled(room / "sample") as large:
        given = Path(source).expanduser() if isinstance(source, (str, Path)) else source
        draft = Draft(gather(given, mapping), playbook)
    file = _only_text(given, draft)
    if file is not None:
        return _Work(draft, room, as_of, file)
    return _Several(draft, room, as_of, large)


def _only_text(source: Any, draft: Draft) -> Path | None:
    """Return the delimited text that all tables are read from; None if there are several files, or another kind."""
    files = {raw.file for raw in draft.raws.values()}
    path = (
        source if isinstance(source, Path) and source.is_file() and source.suffix.lower() != ".toml" else None
    )
    if path is None and draft.sources.folder is not None and len(files) == 1:
        path = draft.sources.folder / next(iter(files))
    if path is None or files != {path.name} or not path.is_file() or kind_of_file(path) != "text":
        return None
    return path


class _Work:
    """A text on its way to Parquet."""

    def __init__(self, draft: Draft, room: Path, as_of: Day | None, file: Path | None = None) -> None:
        self.draft, self.room, self.file = draft, room, file or Path()
        settings = draft.sources.settings
        self.own = replace(settings.table("opportunities"), file="", sheet="", limits=settings.limits)
        self.wanted = as_of if as_of is not None else draft.settings.as_of or None
        self.until = (
            END_OF_TIME if self.wanted is None else as_of_instant(self.wanted, {}, draft.settings.timezone)[1]
        )
        self.rounds_n = 0
        self.columns: dict[str, tuple[str, ...]] = {}
        self.repeated = np.empty(0, np.uint64)
        self.repeated_n = 0

    @property
    def name(self) -> str:
        """How messages call what is read."""
        return self.file.name

    def first_look(self) -> dict[Hashable, Any]:
        """Return what a sample of the text tells."""
        sample = sample_of(self.file, self.room / "sample")
        whole = Whole()
        self._round(whole, None, sample.path)
        return whole.found

    def settled(self, tell: Callable[[int, int], None] | None) -> _Found:
        """Read all until its parts tell what they were read with; refuse it if it has problems."""
        known = self.first_look()
        while True:
            if self.rounds_n == ROUNDS:
                raise SourceError(
                    f"{self.name} reads otherwise each time", expected="a file that stays as it is",
                    hint="try again when the export has finished, or send it to us: this should not happen",
                )  # fmt: skip
            self.rounds_n += 1
            whole = Whole(known)
            before = (self.columns, self.repeated)
            found = self._round(whole, tell, self.file)
            known = whole.found
            if whole.changed() or self.columns != before[0] or not np.array_equal(self.repeated, before[1]):
                continue
            if self.unsettled():
                continue
            if found.problems:
                codes = [str(key[0]) for key in found.problems]
                raise CodedProblems(codes, list(found.problems.values()), found.lines.rows_n)
            return found

    def unsettled(self) -> bool:
        """Whether reading the text would go otherwise now."""
        return False

    def instant(self, found: _Found) -> np.datetime64:
        """Return the as-of date."""
        settings = self.draft.settings
        frames = found.recorded()
        instant, until = as_of_instant(self.wanted, frames, settings.timezone)
        findings = Findings(settings)
        check_quiet(self.wanted, until, frames, settings.as_of_reason, findings)
        found.notes += findings.notes
        if not found.rows_n.get("opportunities"):
            raise no_deal_by(instant)
        return instant

    def _round(self, whole: Whole, tell: Callable[[int, int], None] | None, file: Path) -> _Found:
        """Read and clean all parts once, and write what comes out."""
        told, found = PartNotes(), _Found()
        writers = _Writers(self.room, self.columns)
        keys = _Keys(self.room / "ids", self.draft)
        held = _Held(self.room / "held", max(-(-self.repeated_n // PART_ROWS), 1))
        before = _state(file)
        with writers, keys, held:
            for k, raw in enumerate(read_parts(file, self.own, whole, told, rows_n=PART_ROWS, tell=tell)):
                hashes = keys.add(raw)
                if len(self.repeated):
                    held.take(raw, hashes, self.repeated)
                if len(raw.frame) or raw.ragged:
                    self._clean(raw, whole, found, writers, first=k == 0)
            for raw in held.groups(file.name):
                self._clean(raw, whole, found, writers, first=False)
            _refuse_changed(file, before)
            if self.rounds_n:
                self.repeated, self.repeated_n = keys.repeated()
        self.columns = writers.columns
        found.lines, found.rows_n = told.lines, writers.rows_n
        found.notes = [*told.notes, *found.notes]
        return found

    def _clean(
        self,
        raw: Raw,
        whole: Whole,
        found: _Found,
        writers: _Writers,
        *,
        first: bool,
        others: Mapping[str, Raw] | None = None,
    ) -> None:
        """Clean a part as a plain load does, and write it."""
        one = self.draft.part(raw, whole, first=first, others=others)
        try:
            one.read()
        except DataProblems:
            pass
        else:
            found.record(one)
            writers.write(one.tables_until(self.until))
        found.take(one)


class _Several(_Work):
    """Tables that belong together on their way to Parquet."""

    def __init__(self, draft: Draft, room: Path, as_of: Day | None, large: Sequence[Path]) -> None:
        super().__init__(draft, room, as_of)
        self.sources = sources_of(draft, large)
        self.texts = [path for one in self.sources for path in one.texts]
        self.wholes: dict[Path, Whole] = {path: Whole() for path in self.texts}
        size = sum(path.stat().st_size for path in self.texts)
        self.shards_n = max(-(-size // SHARD_BYTES), 1)

    @property
    def name(self) -> str:
        """How messages call what is read."""
        return ", ".join(path.name for path in self.texts) or self.draft.sources.name

    def first_look(self) -> dict[Hashable, Any]:
        """Return nothing: the first round looks at all of it."""
        return {}

    def unsettled(self) -> bool:
        """Whether reading one of the texts would go otherwise now."""
        return any(whole.changed() for whole in self.wholes.values())

    def _round(self, whole: Whole, tell: Callable[[int, int], None] | None, file: Path) -> _Found:
        """Deal out all rows, clean one shard after the other, and write what comes out."""
        found, writers = _Found(), _Writers(self.room, self.columns)
        shards = Shards(self.room / "shards", self.shards_n)
        before = {path: _state(path) for path in self.texts}
        self.wholes = {path: Whole(one.found) for path, one in self.wholes.items()}
        with writers, contextlib.closing(shards):
            shards.fill(self.draft, self.sources, self.wholes, PART_ROWS, tell)
            for raws in shards.raws(self.sources):
                deals = raws.pop("opportunities")
                self._clean(deals, whole, found, writers, first=False, others=raws)
            for path, state in before.items():
                _refuse_changed(path, state)
        self.columns = writers.columns
        found.rows_n = writers.rows_n
        found.lines = shards.lines if shards.lines is not None else Lines(lines_n=0)
        found.notes = together([*shards.notes, *found.notes])
        return found


def _refuse_changed(file: Path, before: tuple[int, int]) -> None:
    """Raise SourceError if a file is not as it was."""
    if _state(file) != before:
        raise SourceError(
            f"{file.name} was changed while it was being read", expected="a file that stays as it is",
            hint="try again when the export has finished",
        )  # fmt: skip


def _state(file: Path) -> tuple[int, int]:
    about = file.stat()
    return about.st_size, about.st_mtime_ns


class _Writers:
    """One Parquet file per table, with the columns that all parts had in the round before."""

    def __init__(self, room: Path, known: Mapping[str, tuple[str, ...]]) -> None:
        self.room, self.known = room, known
        self.columns: dict[str, tuple[str, ...]] = {}
        self.rows_n: dict[str, int] = {}
        self._open: dict[str, Any] = {}

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        for writer in self._open.values():
            writer.close()

    def write(self, frames: Mapping[str, pd.DataFrame]) -> None:
        """Write the tables of a part; what it lacks is missing in its rows."""
        import pandas as pd
        import pyarrow as pa
        import pyarrow.parquet as pq

        for name, frame in frames.items():
            here = dict.fromkeys((*self.columns.get(name, ()), *frame.columns))
            self.columns[name] = tuple(ordered(pd.DataFrame(columns=list(here)), name).columns)
            self.rows_n[name] = self.rows_n.get(name, 0) + len(frame)
            known = self.known.get(name, ())
            if not known:  # the first look only tells which columns there are
                continue
            lacking = {
                one: pd.Series(None, index=frame.index, dtype=PANDAS_DTYPE[kind_of(name, one)])
                for one in known
                if one not in frame
            }
            table = pa.Table.from_pandas(frame.assign(**lacking)[list(known)], preserve_index=False)
            if name not in self._open:
                self._open[name] = pq.ParquetWriter(self.room / f"{name}.parquet", table.schema)
            self._open[name].write_table(table)


class _Keys:
    """Which ids stand in several rows, of a text of any length? Their hashes are compared, piece by piece, on disk."""

    def __init__(self, path: Path, draft: Draft) -> None:
        self.path, self.draft = path, draft
        self.n = 0

    def __enter__(self) -> None:
        self._stream = self.path.open("wb")

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def add(self, raw: Raw) -> NDArray[np.uint64]:
        """Return the hash of each row's id, and remember it; of a row without one the hash of all its cells."""
        import pandas as pd

        ids = ids_of("opportunities", raw, self.draft)
        if ids is None:
            return np.zeros(len(raw.frame), np.uint64)
        known = ids.notna().to_numpy()
        hashes = np.zeros(len(ids), np.uint64)
        hashes[known] = pd.util.hash_array(ids[known].to_numpy(dtype=object), categorize=False)
        if not known.all():
            cells = raw.frame[~known].astype(object)
            hashes[~known] = pd.util.hash_pandas_object(cells, index=False, categorize=False).to_numpy()
        hashes = np.maximum(hashes, np.uint64(1))
        self._stream.write(hashes.tobytes())
        self.n += len(hashes)
        return hashes

    def repeated(self) -> tuple[NDArray[np.uint64], int]:
        """Return the hashes that stand in several rows, in order, and how many rows those are."""
        self._stream.flush()
        parts = np.uint64(-(-self.n // HASHES) or 1)
        found, rows_n = [np.empty(0, np.uint64)], 0
        for k in range(int(parts)):
            some = np.sort(np.concatenate([one[one % parts == k] for one in self._pieces()] or found[:1]))
            same = some[1:] == some[:-1]
            twice = np.unique(some[1:][same])
            found.append(twice)
            rows_n += int(same.sum()) + len(twice)
        return np.sort(np.concatenate(found)), rows_n

    def _pieces(self) -> Iterator[NDArray[np.uint64]]:
        with self.path.open("rb") as stream:
            while text := stream.read(8 * HASHES):
                yield np.frombuffer(text, np.uint64)


class _Held:
    """Rows that share an id with others: held back, and given together, as many groups as it takes."""

    def __init__(self, folder: Path, groups_n: int) -> None:
        self.folder, self.groups_n = folder, groups_n
        self.ragged: list[list[tuple[int, int]]] = [[] for _ in range(groups_n)]
        self._open: dict[int, Any] = {}

    def __enter__(self) -> None:
        self.folder.mkdir(exist_ok=True)

    def __exit__(self, *_: object) -> None:
        for writer in self._open.values():
            writer.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def take(self, raw: Raw, hashes: NDArray[np.uint64], repeated: NDArray[np.uint64]) -> None:
        """Take the rows with a repeated id out of a part."""
        place = np.minimum(np.searchsorted(repeated, hashes), len(repeated) - 1)
        mine = repeated[place] == hashes
        if not mine.any():
            return
        group = np.where(mine, (hashes // np.uint64(7)) % np.uint64(self.groups_n), 0).astype(int)
        at = dict(zip(raw.frame.index[mine].tolist(), group[mine].tolist(), strict=True))
        for row, width in raw.ragged:
            if row in at:
                self.ragged[at[row]].append((row, width))
        raw.ragged = [one for one in raw.ragged if one[0] not in at]
        for k in np.unique(group[mine]).tolist():
            self._write(k, raw.frame[mine & (group == k)])
        raw.frame = raw.frame[~mine]

    def _write(self, k: int, frame: pd.DataFrame) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        rows = frame.set_axis([*map(str, range(len(frame.columns)))], axis=1)
        table = pa.Table.from_pandas(rows.assign(row=frame.index.to_numpy()), preserve_index=False)
        if k not in self._open:
            self._open[k] = pq.ParquetWriter(self.folder / f"{k}.parquet", table.schema)
            self._names = list(frame.columns)
        self._open[k].write_table(table)

    def groups(self, file: str) -> Iterator[Raw]:
        """Yield the rows that were held back; all of one id together."""
        import pandas as pd

        for k, writer in sorted(self._open.items()):
            writer.close()
            frame = pd.read_parquet(self.folder / f"{k}.parquet").set_index("row")
            frame.index.name = None
            frame.columns = pd.Index(self._names)
            yield Raw(file=file, frame=frame, ragged=self.ragged[k])
        self._open = {}
