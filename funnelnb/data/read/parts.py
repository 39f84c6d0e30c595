"""A delimited text larger than memory: its records in parts, each read as a whole text is, and a sample of them."""

from __future__ import annotations

import bisect
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO

from funnelnb.data.read.as_raw import account, as_frame, notes, refuse_lost_lines
from funnelnb.data.read.delimited import Delimited, Outside, open_text, together
from funnelnb.data.read.raw import refuse_long_cells
from funnelnb.data.read.scan import CHUNK
from funnelnb.data.read.tail import BODY_ROWS, LOOKED_AT
from funnelnb.data.read.text import decoding, detect_encoding, encoding_notes, look, no_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from funnelnb.core.note import Note
    from funnelnb.data.contract.settings import TableSettings
    from funnelnb.data.contract.whole import Whole
    from funnelnb.data.read.raw import Lines, Raw

PART_ROWS = 250_000
"""Records that are cleaned together: with 20 columns some 150 MB."""

PART_BYTES = 64_000_000
"""Fewer records than that where their text is longer."""

AHEAD = max(2 * LOOKED_AT, BODY_ROWS + 1) + 10
"""So many records behind a part are looked at before it is given away: what follows tells what a row is."""


class Counted(list[Any]):
    """The first of many things, and how many there are: what notes tell of."""

    def __init__(self) -> None:
        super().__init__()
        self.n = 0

    def take(self, more: list[Any]) -> None:
        """Count more of them."""
        if not self.n and more:
            self.append(more[0])
        self.n += len(more)

    def __len__(self) -> int:
        return self.n


@dataclass(slots=True)
class PartNotes:
    """What all parts of a text told together.

    Attributes
    ----------
    notes : list of Note
        As for a text that is read at once.
    lines : Lines or None
        What became of every line.
    """

    notes: list[Note] = field(default_factory=list)
    lines: Lines | None = None


def read_parts(
    path: Path,
    settings: TableSettings,
    whole: Whole,
    told: PartNotes,
    *,
    rows_n: int = PART_ROWS,
    tell: Callable[[int, int], None] | None = None,
) -> Iterator[Raw]:
    """What does a delimited text hold, part by part?

    Parameters
    ----------
    path : Path
    settings : TableSettings
    whole : Whole
        What all parts say of things that no part tells alone.
    told : PartNotes
        Filled when all is read.
    rows_n : int
        Records in a part.
    tell : callable, optional
        Called with the lines that were read and those of the file, after each part.

    Yields
    ------
    Raw
        The next records, under their row numbers in the file. Together they are what
        :func:`funnelnb.data.read.text.read_text` reads, if the whole is right.

    Raises
    ------
    SourceError
        As for a text that is read at once.
    """
    head = look(path)
    encoding = settings.encoding or detect_encoding(path, head)
    with decoding(path.name, encoding):
        text = open_text(path, encoding, settings)
        met, sum_of = text.nothing(), _Sums(text.nothing())
        outside = None if settings.totals == "keep" else Outside(whole)
        size = max(path.stat().st_size // max(text.found.lines_n, 1), 1)
        rows_n = max(min(rows_n, PART_BYTES // size), 1)
        for part in _cut(text.stretches(met), met, rows_n, outside):
            raw, read_n = as_frame(part, path.name, whole=whole, before_n=sum_of.rows_n)
            refuse_long_cells(raw, settings.limits)
            sum_of.add(part, read_n, len(raw.frame))
            if tell is not None:
                tell(met.tally.lines_n, text.found.lines_n)
            yield raw
    sum_of.part.tally, sum_of.part.blank_n = met.tally, met.blank_n
    sum_of.part.rows = range(sum_of.rows_n)
    told.lines = account(sum_of.part, sum_of.rows_n, sum_of.kept_n)
    refuse_lost_lines(told.lines, path.name)
    told.notes = [*encoding_notes(path.name, encoding), *notes(sum_of.part, path.name, settings)]
    if not sum_of.kept_n:
        raise no_rows(path.name)


class _Sums:
    """Adds up what parts tell, for the notes on the text and the account of its lines."""

    def __init__(self, part: Delimited) -> None:
        self.part = part
        self.rows_n = self.kept_n = 0
        self.part.unclear = Counted()

    def add(self, part: Delimited, read_n: int, kept_n: int) -> None:
        """Count a part."""
        self.rows_n += read_n
        self.kept_n += kept_n
        _count(self.part.unclear, part.unclear)
        for kind, rows in part.mended.items():
            _count(self.part.mended.setdefault(kind, Counted()), rows)
        for kind, texts in part.left_out.items():
            _count(self.part.left_out.setdefault(kind, Counted()), texts)


def _count(many: list[Any], more: list[Any]) -> None:
    if isinstance(many, Counted):
        many.take(more)


def _cut(
    stretches: Iterator[tuple[Any, Any]], met: Delimited, rows_n: int, outside: Outside | None
) -> Iterator[Delimited]:
    """Yield parts of so many records, without the rows that are no records; the last part has more."""
    waiting: list[tuple[Any, Any]] = []
    waiting_n = 0
    for stretch in stretches:
        waiting.append(stretch)
        waiting_n += len(stretch[1])
        while waiting_n >= rows_n + AHEAD:
            table, rows = together(waiting)
            yield _part(table, rows, rows_n, met, outside, end=False)
            waiting, waiting_n = [(table.slice(rows_n), rows[rows_n:])], waiting_n - rows_n
    if waiting_n:
        table, rows = together(waiting)
        yield _part(table, rows, waiting_n, met, outside, end=True)


def _part(table: Any, rows: Any, n: int, met: Delimited, outside: Outside | None, *, end: bool) -> Delimited:
    """Return the first `n` of some records, with what was met in them; it is met no more."""
    last = int(rows[n - 1])
    part = Delimited(
        table=table,
        rows=rows,
        layout=met.layout,
        dialect=met.dialect,
        tally=met.tally,
        unclear=list(met.unclear),
        mended={kind: list(of) for kind, of in met.mended.items()},
    )
    if outside is not None:
        part = outside.without(part, n, end=end)
        n = int((part.rows <= last).sum())
    part.table, part.rows = part.table.slice(0, n), part.rows[:n]
    part.unclear = [one for one in part.unclear if one[0] <= last]
    part.mended = {kind: [row for row in of if row <= last] for kind, of in part.mended.items()}
    met.unclear = [one for one in met.unclear if one[0] > last]
    met.mended = {kind: [row for row in of if row > last] for kind, of in met.mended.items()}
    return part


# ---- A sample, to see what the columns mean ------------------------------------------------------------------

FIRST_LINES, PLACES, PLACE_LINES = 20_000, 60, 500
"""Lines of a sample: the first ones, and those at so many places spread over the file."""

SAMPLE_BYTES = 50_000_000
"""A sample is never larger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Some lines of a text, in a file of the same name.

    Attributes
    ----------
    path : Path
    starts : list of (int, int)
        Line of the sample from which on lines follow each other, and its number in the text.
    """

    path: Path
    starts: list[tuple[int, int]]

    def row(self, row: int) -> int:
        """Return the number that a row of the sample has in the text."""
        first, number = self.starts[bisect.bisect_right(self.starts, (row, 1 << 62)) - 1]
        return number + row - first


def sample_of(path: Path, folder: Path) -> Sample:
    """Write the first lines of a text, and lines from places spread over it, into a file of the same name.

    Where a text in quotation marks goes over several lines, the first lines alone are the sample: at any other place
    one might begin within such a text.
    """
    target = folder / path.name
    size = path.stat().st_size
    starts = [(1, 1)]
    with path.open("rb") as stream, target.open("wb") as into:
        lines_n, sound = _copied(stream, into, FIRST_LINES)
        begin, number = stream.tell(), lines_n
        if not sound or begin >= size:
            return Sample(path=target, starts=starts)
        for place in range(PLACES):
            number += _passed(stream, begin + (size - begin) * place // PLACES)
            number += bool(stream.readline(SAMPLE_BYTES))
            starts.append((lines_n + 1, number + 1))
            copied_n, sound = _copied(stream, into, PLACE_LINES)
            lines_n, number = lines_n + copied_n, number + copied_n
            if not sound or into.tell() > SAMPLE_BYTES:
                break
    return Sample(path=target, starts=starts)


def _passed(stream: BinaryIO, place: int) -> int:
    """Go on to a place in a text, and return how many lines end before it."""
    lines_n = 0
    while (left := place - stream.tell()) > 0 and (chunk := stream.read(min(left, CHUNK))):
        lines_n += chunk.count(b"\n")
    return lines_n


def _copied(stream: BinaryIO, into: BinaryIO, lines_n: int) -> tuple[int, bool]:
    """Copy so many lines; return their number, and whether each is a record of its own, going by its marks."""
    sound, copied_n, line = True, 0, b""
    while copied_n < lines_n and into.tell() < SAMPLE_BYTES and (line := stream.readline(SAMPLE_BYTES)):
        sound = sound and line.endswith(b"\n") and line.count(b'"') % 2 == 0 and b"\x00" not in line
        into.write(line)
        copied_n += 1
    if b"\x00" in line:
        into.write(stream.read(1))  # the other half of a line break in UTF-16
    return copied_n, sound
