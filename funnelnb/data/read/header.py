"""Where does the table begin, and is its first row a header or a record?

Works on rows of any source (delimited text, a sheet). A header is told from a record by what the columns below hold:
above a column of numbers or dates stands a word, not a number. Titles, notes and blank lines above are passed over,
headers over several lines are joined, and a table without a header gets names of its own.
"""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from funnelnb.core.errors import SourceError
from funnelnb.data.read.kinds import BLANK, DATE, NUMBER, TEXT, TIME, column_kinds, fits, is_year, kind_of
from funnelnb.data.read.tail import is_total

if TYPE_CHECKING:
    from collections.abc import Sequence

LOOKED_AT = 60
"""The header is looked for among this many rows."""

HEADER_LINES = 3
"""A header has at most this many lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How a table lies in its rows.

    Attributes
    ----------
    names : list of str
        Names of the columns as they stand there; empty ones where there are none.
    header : list of int
        Places of the rows that make up the header, from 0; empty if there is none.
    first : int
        Place of the first record.
    width : int
        Number of columns.
    kinds : list of str
        What the columns hold (:func:`funnelnb.data.read.kinds.column_kinds`).
    above : list of int
        Places of rows above the header that are no part of the table (titles, notes).
    row_names : bool
        Whether the header has no name for the first column.
    repeats : list of int
        Places of rows right below the header that are the header once more.
    """

    names: list[str]
    header: list[int]
    first: int
    width: int
    kinds: list[str]
    above: list[int] = field(default_factory=list)
    row_names: bool = False
    repeats: list[int] = field(default_factory=list)


def find_layout(rows: Sequence[Sequence[str]], *, header: bool | None = None, header_row: int = 0) -> Layout:
    """Where does the table begin?

    Parameters
    ----------
    rows : sequence of rows
        The first rows as text; an empty row for a blank line.
    header : bool, optional
        Whether there is a row of column names; found out if not given.
    header_row : int, optional
        Row of the column names from 1, if known.

    Returns
    -------
    Layout

    Examples
    --------
    >>> rows = [["Pipeline of May"], [], ["id", "amount"], ["D1", "100"], ["D2", "250"]]
    >>> layout = find_layout(rows)
    >>> layout.names, layout.first
    (['id', 'amount'], 3)
    >>> find_layout(rows[3:]).header
    []
    """
    width, below = _usual_width(rows), _Below(rows)
    if header_row:
        return _laid_out(below, width, header_row - 1)
    first = next((one for one in range(len(rows)) if not _passed_over(rows[one], width)), 0)
    place = None if header is False else _header_place(below, width)
    if place is not None or header:
        return _laid_out(below, width, first if place is None else place)
    names = [""] * width
    above = [one for one in range(first) if filled(rows[one])]
    return Layout(
        names=names, header=[], first=first, width=width, kinds=below.kinds(first, width), above=above
    )


def filled(row: Sequence[str]) -> int:
    """Return the number of cells that hold something."""
    return sum(map(bool, map(str.strip, row)))


class _Below:
    """The rows below a place and what their columns hold, each worked out once."""

    def __init__(self, rows: Sequence[Sequence[str]]) -> None:
        self.rows = rows
        self._bodies: dict[tuple[int, int], list[Sequence[str]]] = {}
        self._kinds: dict[tuple[int, int], list[str]] = {}

    def body(self, first: int, width: int) -> list[Sequence[str]]:
        """Return the rows from a place on that are as wide as the table."""
        if (first, width) not in self._bodies:
            least, filled_n = max(width - 1, 1), 1 if width > 2 else 0
            whole = [row for row in self.rows[first:] if len(row) >= least and filled(row) > filled_n]
            self._bodies[first, width] = whole[3:] if len(whole) > 12 else whole
        return self._bodies[first, width]

    def kinds(self, first: int, width: int) -> list[str]:
        """Return what the columns of these rows hold."""
        if (first, width) not in self._kinds:
            self._kinds[first, width] = column_kinds(self.body(first, width), width)
        return self._kinds[first, width]


def require_header(rows: Sequence[Sequence[str]], header_row: int, file: str) -> None:
    """Raise SourceError if the settings name a row of column names in which none stand."""
    if header_row and (len(rows) < header_row or not filled(rows[header_row - 1])):
        what = "the header is empty" if len(rows) >= header_row else "there is no such row"
        raise SourceError(
            f"{file}, row {header_row}: {what}",
            expected="column names in this row",
            hint="correct header_row in funnelnb.toml, or leave it out",
        )


def _usual_width(rows: Sequence[Sequence[str]]) -> int:
    """Return the number of fields of most rows that have more than one filled cell, else of most rows."""
    several = [len(row) for row in rows if filled(row) > 1]
    counted = Counter(several or [len(row) for row in rows if row] or [1])
    return max(counted, key=lambda width: (counted[width] * (width - 0.5) / width, width))


def _passed_over(row: Sequence[str], width: int) -> bool:
    """Whether a row above the table is a blank line, a title, a note or a ``sep=`` line."""
    if not filled(row) or row[0].lower().startswith("sep="):
        return True
    if width > 2 and filled(row) == 1:
        return True
    if width == 2 and len(row) == 1:
        return True
    if row[0].lstrip().startswith("#") and len(row) != width:
        return True
    return len(row) < width - 1 and filled(row) < 0.6 * width


def _header_place(below: _Below, width: int) -> int | None:
    """Return the place of the header; None if the first row of the table is a record."""
    rows = below.rows
    for place in range(min(len(rows), LOOKED_AT)):
        row = rows[place]
        if _passed_over(row, width) or (width == 2 and filled(row) == 1 and _title_of_two(rows, place)):
            continue
        if width > 2 and is_total(row, below.kinds(place + 1, width)):  # totals above the header
            continue
        answer = _is_header(row, below, place + 1, width)
        if answer and filled(row) <= 0.6 * width and _fuller_header(below, place, width):
            continue
        if answer is not None:
            return place if answer else None
    return None


def _fuller_header(below: _Below, place: int, width: int) -> bool:
    """Whether one of the next rows is a header as well and names more columns."""
    rows = below.rows
    for later in range(place + 1, min(place + 4, len(rows))):
        if filled(rows[later]) > filled(rows[place]):
            return bool(_is_header(rows[later], below, later + 1, width))
    return False


def _title_of_two(rows: Sequence[Sequence[str]], place: int) -> bool:
    """Whether a single text stands above a table of two columns, whose next row fills both."""
    following = next((row for row in rows[place + 1 :] if filled(row)), [])
    return kind_of(next(cell for cell in rows[place] if cell.strip())) == TEXT and filled(following) == 2


def _is_header(row: Sequence[str], below: _Below, first: int, width: int) -> bool | None:
    """Whether a row is the header of the rows from `first` on; None if it is neither header nor record."""
    body = below.body(first, width)
    cells = [cell.strip() for cell in row]
    if not body:
        return not any(_data_like(cell) for cell in cells)
    shift = 1 if len(cells) == width - 1 and _last_is_filled(body, width) else 0
    kinds = below.kinds(first, width)[shift:]
    strict = [
        (cell, kind) for cell, kind in zip(cells, kinds, strict=False) if kind not in (TEXT, BLANK) and cell
    ]
    strict = [
        one for one in strict if one[1] in (NUMBER, DATE, TIME)
    ] or strict  # a code may look like a name
    hits = [cell for cell, kind in strict if kind_of(cell) != BLANK and fits(cell, kind)]
    misses = len(strict) - len(hits)
    if hits and _numbered(hits):
        hits = []
        misses = max(misses, 1)
    if strict and (hits or misses):
        if not hits and filled(row) < 0.4 * len([kind for kind in kinds if kind != BLANK]):
            return None
        return misses > 2 * len(hits)
    return _is_header_of_words(cells, body, shift)


def _data_like(cell: str) -> bool:
    return kind_of(cell) in (NUMBER, DATE, TIME) and not is_year(cell)


def _last_is_filled(body: list[Sequence[str]], width: int) -> bool:
    last = [row[width - 1].strip() for row in body if len(row) >= width]
    return bool(last) and sum(bool(cell) for cell in last) > 0.5 * len(last)


def _numbered(cells: list[str]) -> bool:
    """Whether cells count on (1, 2, 3 or 2019, 2020), as the names of columns do."""
    if len(cells) == 1:
        return is_year(cells[0])
    if not all(cell.isdigit() and len(cell) < 5 for cell in cells):
        return False
    steps = {int(after) - int(before) for before, after in itertools.pairwise(cells)}
    return steps == {1}


def _is_header_of_words(cells: list[str], body: list[Sequence[str]], shift: int) -> bool | None:
    """Decide where all columns hold words: names of columns are all different and do not come again below."""
    named = [cell for cell in cells if cell]
    if any(_data_like(cell) for cell in named) and len(body) > 1:
        return False
    if len({cell.casefold() for cell in named}) < len(named) and len(body) > 2:
        return False
    for place, cell in enumerate(cells):
        if not cell:
            continue
        below = [row[place + shift].strip() for row in body if len(row) > place + shift]
        if cell in below and not all(one == cell for one in below):
            again = sum(one == cell for one in below)
            whole = sum([one.strip() for one in row] == cells for row in body)
            if again > whole:
                return False
    return True


def _laid_out(below: _Below, width: int, place: int) -> Layout:
    """Return the layout with the header that begins in the row `place`."""
    rows, usual = below.rows, width
    top = [cell.strip() for cell in rows[place]] if place < len(rows) else []
    body = below.body(place + 1, width)
    if len(top) == width + 1 and top[:-1].count("") == 1 and _fits_better_without_gap(body, width):
        top.remove("")  # a delimiter too many in the header
    if width > len(top) >= 2 and all(top) and _rows_of(rows, place + 1, len(top)) >= 0.3:
        width = len(top)  # other rows have fields without a name: they are reported
    width = max(width, _filled_width(top)) if body else max(len(top), 1)
    row_names = bool(body) and len(top) == width - 1 and _last_is_filled(body, width)
    names = ["", *top] if row_names else [*top, *[""] * (width - len(top))]
    names = names[:width]
    kinds = below.kinds(place + 1, usual) if width == usual else column_kinds(body, width)
    lines = [place]
    while len(lines) < HEADER_LINES and _continues(rows, lines[-1] + 1, kinds, body):
        following = rows[lines[-1] + 1]
        names = [
            _joined(name, following[one] if one < len(following) else "") for one, name in enumerate(names)
        ]
        lines.append(lines[-1] + 1)
    names = _with_groups(rows, place, names)
    above = [one for one in range(place) if filled(rows[one])]
    first = lines[-1] + 1
    while first < len(rows) and [cell.strip() for cell in rows[first]] == top and top:  # the header once more
        first += 1
    return Layout(
        names=names,
        header=lines,
        first=first,
        width=width,
        kinds=kinds,
        above=above,
        row_names=row_names,
        repeats=list(range(lines[-1] + 1, first)),
    )


def _fits_better_without_gap(body: list[Sequence[str]], width: int) -> bool:
    return sum(len(row) == width for row in body) > 0.8 * len(body)


def _rows_of(rows: Sequence[Sequence[str]], first: int, width: int) -> float:
    """Return the share of the rows from a place on that have this many fields."""
    held = [row for row in rows[first:] if filled(row)]
    return sum(len(row) == width for row in held) / max(len(held), 1)


def _filled_width(cells: list[str]) -> int:
    return max((place + 1 for place, cell in enumerate(cells) if cell), default=0)


def _joined(name: str, more: str) -> str:
    more = more.strip()
    if not more or more.casefold() == name.casefold():
        return name
    return f"{name} {more}".strip()


def _continues(
    rows: Sequence[Sequence[str]], place: int, kinds: list[str], body: list[Sequence[str]]
) -> bool:
    """Whether a row is another line of the header: words (units) stand where the columns hold numbers or dates."""
    if place >= len(rows) or len(body) < 3:
        return False
    row = rows[place]
    strict = [row[one] for one, kind in enumerate(kinds) if kind not in (TEXT, BLANK) and one < len(row)]
    held = [cell for cell in strict if kind_of(cell) != BLANK]
    words = [cell for cell in held if kind_of(cell) == TEXT and not any(char.isdigit() for char in cell)]
    return len(held) == len(words) and len(words) >= max(2, 0.5 * len(strict))


def _with_groups(rows: Sequence[Sequence[str]], place: int, names: list[str]) -> list[str]:
    """Return names that repeat with the group before them that the row above gives (a merged header)."""
    known = [name.casefold() for name in names if name]
    if place == 0 or len(set(known)) == len(known) or filled(rows[place - 1]) < 2:
        return names
    group, result = "", []
    above = [cell.strip() for cell in rows[place - 1]]
    for one, name in enumerate(names):
        group = (above[one] if one < len(above) else "") or group
        result.append(f"{group} {name}".strip() if known.count(name.casefold()) > 1 else name)
    return result
