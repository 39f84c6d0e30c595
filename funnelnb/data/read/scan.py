"""A pass over the bytes of a text: how many lines, how long, and can every quotation mark be believed?

The counts are made without dividing anything into fields, so that what a reader makes of the text can be held
against them: no line may be lost.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHUNK = 1 << 22
_PIECE = 1 << 18
_LF, _CR = 10, 13
_ASCII_BASED = ("utf-8", "utf_8", "ascii", "latin", "iso8859", "iso-8859", "cp125", "windows-125", "mac_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What a pass over a text found.

    Attributes
    ----------
    lines_n : int
        Lines, the last one also if it does not end in a line break.
    longest : int
        Bytes of the longest line (of its UTF-8 form) if it has more than allowed, else 0.
    longest_line : int
        Its number from 1, or 0.
    sound_quotes : bool
        Whether every line has its quotation marks in pairs and none stands within a text.
    """

    lines_n: int
    longest: int
    longest_line: int
    sound_quotes: bool


def scan(path: Path, encoding: str, end: str, delimiter: str, quote: str, most: int) -> Scan:
    """How many lines does a text have, and can its quotation marks be believed?

    Parameters
    ----------
    path : Path
    encoding : str
    end : str
        What ends a line (:func:`line_end`).
    delimiter, quote : str
        One character each; where one is not ASCII, no quotation mark is sound.

    most : int
        A line of more bytes ends the pass: no need to look any further.

    Returns
    -------
    Scan

    Raises
    ------
    UnicodeError
        If the text cannot be decoded.
    """
    code = ord(end)
    marks = (
        ord(quote) if quote and quote.isascii() else -1,
        ord(delimiter) if delimiter and delimiter.isascii() else -1,
        code,
    )
    lines_n = longest = longest_line = 0
    sound, rest = delimiter.isascii() and marks[0] >= 0, b""
    for chunk in _chunks(path, encoding):
        whole, cut, tail = (rest + chunk if rest else chunk).rpartition(bytes([code]))
        rest = tail
        if len(rest) > most:
            longest, longest_line = len(rest), lines_n + (whole.count(cut) + 2 if cut else 1)
            break
        if not cut:
            continue
        if not _within(whole, code, most):
            length, place = _longest(whole + cut, code)
            if length > longest:
                longest, longest_line = length, lines_n + place + 1
        lines_n += _count(whole, code) + 1
        sound = sound and (marks[0] not in whole or is_sound(whole + cut, marks))
    if rest and len(rest) <= most:
        lines_n += 1
        sound = sound and is_sound(rest + bytes([code]), marks)
    return Scan(lines_n=lines_n, longest=longest, longest_line=longest_line, sound_quotes=sound)


def _chunks(path: Path, encoding: str) -> Iterator[bytes]:
    """Yield the text in UTF-8 or another form in which ASCII characters are single bytes."""
    with path.open("rb") as stream:
        if encoding.lower().startswith(_ASCII_BASED):
            while chunk := stream.read(CHUNK):
                yield chunk
            return
        decoder = codecs.getincrementaldecoder(encoding)()
        while chunk := stream.read(CHUNK):
            yield decoder.decode(chunk).encode("utf-8", "surrogatepass")
        yield decoder.decode(b"", final=True).encode("utf-8", "surrogatepass")


def line_end(path: Path, encoding: str) -> str:
    r"""What ends the lines of a text: a line feed (also after a carriage return), or a carriage return alone?

    Parameters
    ----------
    path : Path
    encoding : str

    Returns
    -------
    str
        ``"\n"`` or ``"\r"``.
    """
    for chunk in _chunks(path, encoding):
        feeds = chunk.count(b"\n")
        return "\r" if chunk.count(b"\r") > 2 * feeds + (1 if feeds else 0) else "\n"
    return "\n"


def _count(text: bytes, code: int) -> int:
    """Return how often a character stands there; looked at in pieces that stay in the processor's cache."""
    import numpy as np

    codes = np.frombuffer(text, dtype=np.uint8)
    return sum(int(np.count_nonzero(codes[at : at + _PIECE] == code)) for at in range(0, len(codes), _PIECE))


def _within(text: bytes, code: int, most: int) -> bool:
    """Whether no line is longer than `most`: from each end of a line another one is in reach."""
    end, at = bytes([code]), 0
    while len(text) - at > most:
        at = text.rfind(end, at, at + most + 1) + 1
        if not at:
            return False
    return True


def _longest(text: bytes, end: int) -> tuple[int, int]:
    """Return the length of the longest line and its place; every line ends in `end`."""
    import numpy as np

    ends = np.flatnonzero(np.frombuffer(text, dtype=np.uint8) == end)
    lengths = np.diff(ends, prepend=-1) - 1
    place = int(lengths.argmax())
    return int(lengths[place]), place


def is_sound(text: bytes, marks: tuple[int, int, int]) -> bool:
    """Whether all quotation marks of whole lines stand in pairs, at the edges of fields or doubled.

    Parameters
    ----------
    text : bytes
    marks : tuple of int
        Codes of the quotation mark, the delimiter (-1 if it is none of ASCII) and what ends a line.

    Returns
    -------
    bool
    """
    import numpy as np

    quote, delimiter, end = marks
    if quote not in text:
        return True
    codes = np.frombuffer(bytes([end]) + text + bytes([end, end]), dtype=np.uint8)
    at = np.flatnonzero(codes == quote)
    lines = np.searchsorted(np.flatnonzero(codes == end), at)
    if (np.bincount(lines) % 2).any():
        return False
    edge = np.zeros(256, dtype=bool)
    edge[[delimiter, end, _CR, _LF]] = True
    before, after, second = codes[at - 1], codes[at + 1], codes[at + 2]
    beside = edge.copy()
    beside[quote] = True
    within = ~beside[before] & ~beside[after]
    closed_at_once = edge[before] & (after == quote) & ~beside[second]
    return not bool((within | closed_at_once).any())
