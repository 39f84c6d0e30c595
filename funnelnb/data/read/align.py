"""A row has too few or too many fields: is it clear which are missing or one too many?

Only what the kinds of the columns leave no doubt about is put right, and it is told; everything else is reported.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from funnelnb.data.read.dialect import DELIMITERS
from funnelnb.data.read.kinds import BLANK, NUMBER, TEXT, fits, kind_of

if TYPE_CHECKING:
    from collections.abc import Sequence

OFTEN_BLANK = 0.2
"""A row may end early if its missing columns are blank in at least this share of the rows."""


@dataclass(slots=True, kw_only=True)
class Aligner:
    """Fits rows to the columns of the table.

    Attributes
    ----------
    width : int
    kinds : list of str
    delimiter : str
    blank_from : int
        From this column on to the end, all are often blank; `width` if there is none.
    systematic : set of int
        Numbers of fields that so many rows have that their end must have been left out on purpose.
    free : set of int
        Columns of free text, in which a delimiter may well stand.
    mend : bool
        Whether rows are put right at all; empty fields at the end are left out in any case.
    """

    width: int
    kinds: list[str]
    delimiter: str
    blank_from: int = 0
    systematic: set[int] = field(default_factory=set)
    mend: bool = True
    free: set[int] = field(default_factory=set)

    @classmethod
    def learn(cls, rows: Sequence[Sequence[str]], width: int, kinds: list[str], delimiter: str) -> Aligner:
        """Return the aligner that the first rows of a table teach."""
        whole = [row for row in rows if len(row) == width]
        blank_from = width
        while blank_from > 1 and whole:
            held = sum(bool(row[blank_from - 1].strip()) for row in whole)
            if held > (1 - OFTEN_BLANK) * len(whole):
                break
            blank_from -= 1
        lengths: dict[int, int] = {}
        for row in rows:
            if 1 < len(row) < width:
                lengths[len(row)] = lengths.get(len(row), 0) + 1
        often = {length for length, count in lengths.items() if count >= max(3, 0.03 * len(rows))}
        free = {
            place
            for place in range(width)
            if kinds[place] == TEXT and _is_free([row[place] for row in whole])
        }
        return cls(
            width=width, kinds=kinds, delimiter=delimiter, blank_from=blank_from, systematic=often, free=free
        )

    def fit(self, row: list[str]) -> tuple[list[str], str]:
        """Return a row of the table's width and how it came about; ``"unclear"`` if only by cutting or filling up."""
        count = len(row)
        if count == self.width:
            return row, ""
        if count > self.width:
            return self._long(row)
        if not self.mend:
            return self._filled_up(row), "unclear"
        if count == 1 and self.width > 1:
            other = self._other_delimiter(row[0])
            return (other, "delimiter") if other else (self._filled_up(row), "unclear")
        return self._filled_up(row), "short" if self._ends_early(row) else "unclear"

    def _filled_up(self, row: list[str]) -> list[str]:
        return row + [""] * (self.width - len(row))

    def _fits(self, row: Sequence[str]) -> bool:
        return all(fits(cell, kind) for cell, kind in zip(row, self.kinds, strict=False))

    def _ends_early(self, row: list[str]) -> bool:
        """Whether it is the end of the row that is missing, and no field before it."""
        if not self._fits(row):
            return False
        if len(row) >= self.blank_from or len(row) in self.systematic:
            return True
        gap = [""] * (self.width - len(row))
        return not any(self._fits(row[:place] + gap + row[place:]) for place in range(len(row)))

    def _other_delimiter(self, text: str) -> list[str]:
        """Return the fields of a row that is divided by another delimiter than the table; empty if it is not."""
        strict = [place for place, kind in enumerate(self.kinds) if kind not in (TEXT, BLANK)]
        for delimiter in DELIMITERS:
            parts = text.split(delimiter)
            if delimiter == self.delimiter or len(parts) != self.width or not self._fits(parts):
                continue
            if any(kind_of(parts[place]) != BLANK for place in strict):
                return parts
        return []

    def _long(self, row: list[str]) -> tuple[list[str], str]:
        """Take away what is empty at the end; else join fields that a delimiter within a text has divided."""
        if not any(cell.strip() for cell in row[self.width :]):
            return row[: self.width], "trailing"
        if not self.mend:
            return row[: self.width], "unclear"
        more = len(row) - self.width + 1
        ways: list[list[str]] = []
        for place in range(self.width):
            joined = self.delimiter.join(row[place : place + more]).strip(self.delimiter)
            way = [*row[:place], joined, *row[place + more :]]
            apt = not joined or self.kinds[place] == NUMBER or place in self.free or not row[place]
            if apt and way not in ways and self._fits(way):
                ways.append(way)
        if len(ways) == 1:
            return ways[0], "joined"
        return row[: self.width], "unclear"


def _is_free(cells: list[str]) -> bool:
    """Whether cells are free text: many hold several words, and they are seldom the same."""
    held = [cell for cell in cells if cell.strip()]
    several = sum(" " in cell.strip() for cell in held)
    return several > 0.2 * len(held) and len(set(held)) > min(0.1 * len(held), 20)
