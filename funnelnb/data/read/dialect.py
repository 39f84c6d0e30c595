"""In which dialect is a delimited text written: which delimiter, which quotation mark, which escape?

Every candidate divides the first lines, and the one wins whose rows are alike and whose cells look like cells.
The idea of weighing the pattern of the rows with the types of the cells is that of van den Burg, Nazabal and Sutton
(2019); here the width that most rows have decides, so that titles, notes and broken rows above or among the table
do not.

References
----------
van den Burg G. J. J., Nazábal A., Sutton C. (2019). Wrangling messy CSV files by detecting row and type patterns.
Data Mining and Knowledge Discovery 33, 1799-1820. doi:10.1007/s10618-019-00646-y
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from funnelnb.data.read.kinds import BLANK, TEXT, kind_of
from funnelnb.data.read.records import Dialect, split

if TYPE_CHECKING:
    from collections.abc import Sequence

DELIMITERS = (",", ";", "\t", "|", "§", "~", "^", "\x01", "\x1f", "，", "；", " ", ":")
"""Candidates, the usual ones first: between equals the first wins."""

_LESS_LIKELY = {" ": 0.72, ":": 0.5, "~": 0.95, "^": 0.95, "，": 0.85, "；": 0.9}
_LINES = 400
_CHARS = 100_000
_WORD = re.compile(r"[\w .'’&/()+#@%*?!°-]*")
_LINK = re.compile(r"(?:https?://|www\.)\S+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+")


def find_dialect(lines: Sequence[str], delimiter: str = "") -> Dialect:
    r"""In which dialect are these lines written?

    Parameters
    ----------
    lines : sequence of str
        Beginning of the text, whole lines. The first :data:`_LINES` that hold anything are looked at.
    delimiter : str, optional
        If it is known.

    Returns
    -------
    Dialect
        With an empty delimiter if no candidate divides the lines.

    Examples
    --------
    >>> find_dialect(["Report of 3 May, all regions", "", "a;b", "1,5;2", "3,1;4"]).delimiter
    ';'
    >>> find_dialect(["id, name", "1, 'Smith, John'", "2, 'Doe, Jane'"])
    Dialect(delimiter=',', quote="'", escape='', skip_blank=True, aligned=False, wrapped=False)
    """
    texts = [text for line in lines if (text := line.rstrip("\r\n")).strip()][:_LINES]
    while len(texts) > 20 and sum(map(len, texts)) > _CHARS:
        texts = texts[: len(texts) // 2]
    if delimiter:
        return max(_candidates(texts, delimiter), key=lambda one: _score(texts, one))
    if texts and texts[0].lower().startswith("sep=") and len(texts[0].rstrip()) <= 5:
        return _details(texts[1:], texts[0].rstrip("\r\n")[4:5] or "\t")
    wrapped = _unwrapped(texts)
    if wrapped is not None:
        inner = find_dialect(wrapped)
        if inner.delimiter and inner.plain:
            return Dialect(delimiter=inner.delimiter, quote=inner.quote, wrapped=True)
    best, best_score = Dialect(delimiter=""), _score(texts, Dialect(delimiter=""))
    for sign in DELIMITERS:
        if sum(sign in text for text in texts) < max(1, 0.3 * len(texts)):
            continue
        for candidate in _candidates(texts, sign):
            score = _score(texts, candidate) * _LESS_LIKELY.get(sign, 1.0)
            if score > best_score + 1e-9:
                best, best_score = candidate, score
    return best


def _candidates(texts: list[str], delimiter: str) -> list[Dialect]:
    """Return the ways in which one delimiter may have been used."""
    usual = _details(texts, delimiter)
    if delimiter != " ":
        return [usual]
    return [usual, Dialect(delimiter=" ", quote=usual.quote, aligned=True)]


def _details(texts: list[str], delimiter: str) -> Dialect:
    """Return quotation mark, escape and blanks that go with a delimiter."""
    joined = "\n".join(texts)
    counts = {quote: _enclosed(joined, delimiter, quote) for quote in ('"', "'")}
    quote = "'" if counts["'"] > max(2 * counts['"'], 0.05 * len(texts)) else '"'
    return Dialect(
        delimiter=delimiter,
        quote=quote,
        escape=_escape(joined, delimiter, quote),
        skip_blank=_skips_blank(texts, delimiter),
    )


def _enclosed(joined: str, delimiter: str, quote: str) -> int:
    """Return how many fields stand between two quotation marks."""
    edge = re.escape(delimiter)
    one = rf"(?:^|{edge})[ ]?{quote}[^{quote}\n]+{quote}[ ]?(?=$|{edge})"
    return len(re.findall(one, joined, re.MULTILINE))


def _escape(joined: str, delimiter: str, quote: str) -> str:
    r"""Return a backslash if it stands before quotation marks within a text, more often than these are doubled."""
    edge = re.escape(delimiter)
    escaped = len(re.findall(rf"\\{quote}(?!{edge}|$)", joined, re.MULTILINE))
    doubled = len(re.findall(rf"(?<=[^{edge}\n]){quote}{quote}(?=[^{edge}\n])", joined))
    return "\\" if escaped > doubled else ""


def _skips_blank(texts: list[str], delimiter: str) -> bool:
    """Whether nearly every delimiter is followed by a blank."""
    if delimiter in (" ", "\t"):
        return False
    after = Counter(
        char for text in texts for char in re.findall(rf"{re.escape(delimiter)}(?=(.))", text, re.DOTALL)
    )
    blank, others = after.get(" ", 0), sum(after.values()) - after.get(" ", 0) - after.get(delimiter, 0)
    return blank > 4 * others


def _unwrapped(texts: list[str]) -> list[str] | None:
    """Return the lines without the quotation marks round each of them; None if they do not have any."""
    inside = []
    for text in texts:
        found = split(text.strip(), Dialect(delimiter="\x00"))
        enclosed = (
            text.lstrip().startswith('"') and len(found.fields) == 1 and not (found.open or found.stray)
        )
        if enclosed:
            inside.append(found.fields[0])
    if len(inside) < 2 or len(inside) < 0.9 * len(texts):
        return None
    once = [split(text, Dialect()) for text in inside]
    return inside if sum(len(one.fields) > 1 for one in once) > 0.9 * len(inside) else None


def _score(texts: list[str], dialect: Dialect) -> float:
    """Return how far the rows are alike times how far the cells look like cells, between 0 and 1."""
    if not texts:
        return 0.0
    rows = [split(text, dialect).fields for text in texts]
    widths = Counter(len(row) for row in rows)
    weighed = {width: count * (width - 1) / width for width, count in widths.items() if width > 1}
    if not weighed:
        return 0.02 * _known([cell for row in rows for cell in row])
    width = max(weighed, key=lambda one: (weighed[one], one))
    near = sum(count for one, count in widths.items() if abs(one - width) <= 1 and one > 1)
    alike = (0.85 * widths[width] + 0.15 * max(near, widths[width])) / len(rows)
    cells = [cell for row in rows if len(row) > 1 for cell in row]
    if dialect.delimiter == " " and width < 3:  # words of one column, or a date and its time
        return 0.01
    return alike * alike * (width - 0.6) / width * _known(cells)


def _known(cells: list[str]) -> float:
    """Return the share of the cells that look like one value: a number, a date, a name, a link."""
    if not cells:
        return 0.0
    total = 0.0
    for cell in cells:
        kind = kind_of(cell)
        if kind == BLANK:
            total += 0.6
        elif kind != TEXT or _LINK.fullmatch(cell.strip()):
            total += 1.0
        elif _WORD.fullmatch(cell):
            total += 1.0 if len(cell) < 80 else 0.7
        else:
            total += 0.25
    return total / len(cells)
