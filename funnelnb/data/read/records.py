"""Where does one record of a delimited text end and the next begin, also when quotation marks are astray?

A strict reader believes every quotation mark; two stray ones then swallow all rows between them. Here a mark is
believed only if what it encloses makes a record of the right width and no line inside it is a record of its own.
Every line of the text is accounted for: it is a record, continues one, is blank, or is reported.
"""

from __future__ import annotations

import csv
import re
from collections import deque
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING

from funnelnb.data.read.kinds import BLANK, TEXT, fits, kind_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

CONTINUATION_MOST = 1000
"""A quoted text of more lines than this is no cell but a stray quotation mark."""

EXAMPLES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    r"""How a delimited text is written.

    Attributes
    ----------
    delimiter : str
        One character; empty for a single column.
    quote : str
        One character.
    escape : str
        ``"\\"`` if a backslash stands before a quotation mark within a text; else empty (the mark is doubled).
    skip_blank : bool
        Blanks after a delimiter do not belong to the text.
    aligned : bool
        Several blanks in a row are one delimiter.
    wrapped : bool
        Each line as a whole stands in quotation marks once more.
    """

    delimiter: str = ","
    quote: str = '"'
    escape: str = ""
    skip_blank: bool = False
    aligned: bool = False
    wrapped: bool = False

    @property
    def plain(self) -> bool:
        """Whether a strict reader can read a text without faults that is written so."""
        return bool(self.delimiter) and not (self.skip_blank or self.aligned or self.wrapped or self.escape)


@dataclass(slots=True)
class Split:
    """One line or record divided into fields.

    Attributes
    ----------
    fields : list of str
    stray : set of int
        Fields that open with a quotation mark and hold another one that does not close them.
    open : bool
        Whether the last field is opened and not closed.
    """

    fields: list[str]
    stray: set[int] = field(default_factory=set)
    open: bool = False


@lru_cache(maxsize=64)
def _well_formed(delimiter: str, quote: str) -> re.Pattern[str]:
    plain = f"[^{re.escape(delimiter)}{re.escape(quote)}]*+"
    quoted = f"{quote}[^{quote}]*+(?:{quote}{quote}[^{quote}]*+)*+{quote}"
    one = f"(?:{quoted}|{plain})"
    return re.compile(f"{one}(?:{re.escape(delimiter)}{one})*+")


def split(text: str, dialect: Dialect, literal: frozenset[int] = frozenset()) -> Split:
    """Which fields does a line hold?

    Parameters
    ----------
    text : str
        A line without its end, or several lines that make up one record.
    dialect : Dialect
    literal : frozenset of int
        Fields whose first quotation mark is text.

    Returns
    -------
    Split

    Examples
    --------
    >>> split('a,"b, c",d', Dialect()).fields
    ['a', 'b, c', 'd']
    >>> split('a,"b" c,d', Dialect())
    Split(fields=['a', 'b" c,d'], stray={1}, open=True)
    """
    if dialect.wrapped:
        inner = split(text.strip(), Dialect(delimiter="\x00"))
        if len(inner.fields) == 1 and not inner.open:
            text = inner.fields[0]
    if dialect.aligned:
        text = re.sub(r"[ \t]+", " ", text.strip()) if dialect.quote not in text else text.strip()
    delimiter, quote = dialect.delimiter, dialect.quote
    if not delimiter:
        return Split([_unquoted(text, quote)])
    if quote not in text:
        fields = text.split(delimiter)
        return Split([one.strip() for one in fields] if dialect.skip_blank else fields)
    one_line = "\n" not in text and "\r" not in text
    if dialect.plain and not literal and one_line and _well_formed(delimiter, quote).fullmatch(text):
        return Split(next(csv.reader([text], delimiter=delimiter, quotechar=quote)))
    return _split_slowly(text, dialect, literal)


def _unquoted(text: str, quote: str) -> str:
    inner = text[1:-1]
    if len(text) > 1 and text[0] == text[-1] == quote and quote not in inner.replace(quote * 2, ""):
        return inner.replace(quote * 2, quote)
    return text


def _split_slowly(text: str, dialect: Dialect, literal: frozenset[int]) -> Split:
    """Divide a text whose quotation marks need to be looked at one by one."""
    delimiter, quote = dialect.delimiter, dialect.quote
    result = Split([])
    place, end = 0, len(text)
    while True:
        start = place
        if dialect.skip_blank or dialect.aligned:
            while start < end and text[start] == " ":
                start += 1
        if text[start : start + 1] == quote and len(result.fields) not in literal:
            content, place, stray, is_open = _quoted(text, start, dialect)
            if stray:
                result.stray.add(len(result.fields))
            result.open = is_open
        else:
            place = text.find(delimiter, start if dialect.aligned else place)
            place = end if place < 0 else place
            content = text[start:place].rstrip() if dialect.skip_blank else text[start:place]
        result.fields.append(content)
        if place >= end:
            return result
        place += len(delimiter)


def _quoted(text: str, start: int, dialect: Dialect) -> tuple[str, int, bool, bool]:
    """Return the content of the quoted field that begins at `start`, its end, and whether it is stray or open."""
    delimiter, quote, escape = dialect.delimiter, dialect.quote, dialect.escape
    pieces: list[str] = []
    stray = False
    place = start + 1
    while True:
        found = text.find(quote, place)
        if found < 0:
            pieces.append(text[place:])
            return "".join(pieces), len(text), stray, True
        after = text[found + 1 : found + 2]
        if escape and text[found - 1] == escape and not _ends_field(text, found, delimiter):
            pieces.append(text[place : found - 1] + quote)
            place = found + 1
        elif after == quote:
            pieces.append(text[place : found + 1])
            place = found + 2
        elif _ends_field(text, found, delimiter):
            pieces.append(text[place:found])
            rest = text.find(delimiter, found + 1)
            return "".join(pieces), len(text) if rest < 0 else rest, stray, False
        else:  # within the text, neither doubled nor at its end
            stray = True
            pieces.append(text[place : found + 1])
            place = found + 1


def _ends_field(text: str, found: int, delimiter: str) -> bool:
    """Whether a delimiter or the end of the text follows the mark at `found`, blanks apart."""
    place = found + 1
    while text[place : place + 1] in (" ", "\t") and text[place] != delimiter:
        place += 1
    return place >= len(text) or text.startswith(delimiter, place)


@dataclass(slots=True, kw_only=True)
class Tally:
    """What happened to the lines of a text.

    Attributes
    ----------
    lines_n : int
        Lines that were looked at.
    rows_n, continuation_n, blank_n : int
        Lines that begin a record, that continue one, that are blank. Their sum is `lines_n`.
    quotes : list of int
        Rows in which a quotation mark was taken as text, because it opens or closes nothing.
    """

    lines_n: int = 0
    rows_n: int = 0
    continuation_n: int = 0
    blank_n: int = 0
    quotes: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Records:
    """Assembles records from lines.

    Parameters
    ----------
    dialect : Dialect
    width : int
        Number of fields of a usual record; 0 if not known.
    kinds : sequence of str, optional
        What the columns hold (:func:`funnelnb.data.read.kinds.column_kinds`).
    row : int
        Number of the next row.
    waiting : deque of str
        Lines that were looked at and belong to no record yet.
    """

    dialect: Dialect
    width: int = 0
    kinds: Sequence[str] = ()
    row: int = 1
    tally: Tally = field(default_factory=Tally)
    waiting: deque[str] = field(default_factory=deque)
    _undecided: int = 0

    def read(self, lines: Iterable[str]) -> Iterator[list[str]]:
        """Yield one list of fields per record; an empty list for a blank line."""
        source = iter(lines)
        waiting = self.waiting
        quote, delimiter = self.dialect.quote, self.dialect.delimiter
        simple = bool(delimiter) and not (
            self.dialect.skip_blank or self.dialect.aligned or self.dialect.wrapped
        )
        tally = self.tally
        while True:
            self._undecided = max(self._undecided - 1, 0) if waiting else 0
            line = waiting.popleft() if waiting else next(source, None)
            if line is None:
                return
            tally.lines_n += 1
            text = line.rstrip("\r\n")
            if simple and quote not in text:
                if text:
                    tally.rows_n += 1
                    yield text.split(delimiter)
                else:
                    tally.blank_n += 1
                    yield []
            elif not text.strip():
                tally.blank_n += 1
                yield []
            else:
                tally.rows_n += 1
                yield self._record(line, text, source, waiting)
            self.row += 1

    def _record(self, line: str, text: str, source: Iterator[str], waiting: deque[str]) -> list[str]:
        """Return the fields of the record that begins with a line; take the lines that belong to it."""
        found = split(text, self.dialect)
        if not found.open and not found.stray:
            return found.fields
        if found.open:
            longer = self._continued(line, source, waiting)
            if longer is not None:
                return longer
        repaired = self._literal(text, found)
        self.tally.quotes.append(self.row)
        return repaired.fields

    def _literal(self, text: str, found: Split) -> Split:
        """Return a record with the marks taken as text that open nothing, so that its width is right if it can be."""
        first, literal = found, frozenset[int]()
        while found.open or (found.stray and self.width and len(found.fields) != self.width):
            suspects = found.stray | ({len(found.fields) - 1} if found.open else set())
            literal |= {min(suspects)}
            found = split(text, self.dialect, literal)
            if not self.width and not found.open:
                break
        if first.open or len(found.fields) == self.width or not self.width:
            return found
        return first

    def _continued(self, line: str, source: Iterator[str], waiting: deque[str]) -> list[str] | None:
        """Return the fields of a record over several lines; None if the quotation mark closes nothing.

        Lines that were looked at and do not belong to it are left in `waiting`. Each is looked at once, however many
        marks above it are open: first lines that decide nothing are passed over the next time.
        """
        alone = self._is_record(line, literal=True)
        ahead = self._undecided = min(self._undecided, len(waiting))
        while ahead < CONTINUATION_MOST:
            if ahead >= len(waiting):
                following = next(source, None)
                if following is None:
                    return None
                waiting.append(following)
            following = waiting[ahead]
            odd = following.count(self.dialect.quote) % 2 == 1
            record = self._is_record(following, literal=odd)
            if record and (alone or not odd):
                return None
            closes = self._closes(following)
            if not (record or closes) and ahead == self._undecided:
                self._undecided += 1
            ahead += 1
            if closes:
                found = split("".join([line, *islice(waiting, ahead)]).rstrip("\r\n"), self.dialect)
                if not found.open:
                    return self._taken(found, ahead, waiting)
        return None

    def _closes(self, line: str) -> bool:
        """Whether a line ends outside of a text in quotation marks that is open where it begins."""
        quote = self.dialect.quote
        if self.dialect.wrapped:
            return quote in line
        return quote in line and not split(quote + line.rstrip("\r\n"), self.dialect).open

    def _taken(self, found: Split, ahead: int, waiting: deque[str]) -> list[str] | None:
        """Return the fields of a record that ends after the first `ahead` lines waiting, if it is one."""
        if self.width and len(found.fields) != self.width:
            return None
        for _ in range(ahead):
            waiting.popleft()
        self._undecided = max(self._undecided - ahead, 0)
        self.tally.lines_n += ahead
        self.tally.continuation_n += ahead
        if found.stray:
            self.tally.quotes.append(self.row)
        return found.fields

    def _is_record(self, line: str, *, literal: bool = False) -> bool:
        """Whether a line by itself is a record of the usual width whose cells fit their columns.

        With `literal` its quotation marks are text; then the kinds of the columns must speak for it.
        """
        text = line.rstrip("\r\n")
        if self.width < 2 or self.dialect.delimiter not in text:
            return False
        if literal:
            fields = text.split(self.dialect.delimiter)
            strict = any(kind not in (TEXT, BLANK) for kind in self.kinds)
            return strict and len(fields) == self.width and looks_like_row(fields, self.kinds)
        found = split(text, self.dialect)
        whole = not found.open and not found.stray and len(found.fields) == self.width
        return whole and looks_like_row(found.fields, self.kinds)


def looks_like_row(fields: Sequence[str], kinds: Sequence[str]) -> bool:
    """Whether cells fit the columns they stand in and at least one of them does so for a reason.

    Parameters
    ----------
    fields : sequence of str
    kinds : sequence of str
        Empty: not known, every row will do.
    """
    strict = [place for place, kind in enumerate(kinds) if kind not in (TEXT, BLANK) and place < len(fields)]
    if not strict:
        return True
    return all(fits(fields[place], kinds[place]) for place in strict) and any(
        kind_of(fields[place]) != BLANK for place in strict
    )
