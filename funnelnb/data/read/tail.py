"""Where does the table end? Totals, sources, copyright lines and other rows below (or among) the records."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from funnelnb.data.read.kinds import BLANK, DATE, NUMBER, TEXT, TIME, column_kinds, fits, kind_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

LOOKED_AT = 15
"""Notes are looked for among this many last rows."""

LAST_ROWS = 3
"""Among so many last rows a sum may stand behind a word that nobody knows."""

_DIGITS, _NO_DIGIT = re.compile(r"\d"), re.compile(r"[^\d.,]+")

NAMES_AGAIN = 3
"""So many cells that equal their own header, most of the row, make it a header again."""

FEW_ROWS = 5000
"""Cells of so few rows are all compared without the blanks around them."""

BODY_ROWS = 50
"""So many rows of a block tell whether it is a table of its own."""

_TOTAL = re.compile(
    r"(?:(?:grand|sub|overall|net|report|page)?[ -]?totals?|totaux|sous-total|gesamt(?:summe|ergebnis)?|insgesamt|summe"
    r"|zwischensumme|sum|sums|suma|somme|total general|totale|totaal|итого|всего|razem|celkem|toplam|yhteensä|i alt"
    r"|tổng(?: cộng| số)?|total geral|subtotale?|totalt|summa|łącznie|ogółem|suma końcowa|összesen|végösszeg|jumlah"
    r"|ukupno|skupaj|spolu"
    r"|kokku|viso|kopā|genel toplam|ara toplam|усього|разом|общо|общий итог|σύνολο|סה[\"״]כ|סך הכל|المجموع|الإجمالي"
    r"|รวม|รวมทั้งสิ้น|ยอดรวม|합\s?계|총\s?계|소\s?계|총액|कुल|योग|合\s?计|总\s?计|小\s?计|總計|合計|小計|count|anzahl|records?|rows?)\b.{0,60}"
    r"|\d+ (?:records?|rows?|deals?|opportunities|entries|items)\b.{0,40}|共\s?\d+\s?[条行个笔].{0,20}",
    re.IGNORECASE | re.DOTALL,
)
_NOTE = re.compile(
    r"(?:\*|†|‡|©|\(c\)|copyright|source|notes?\b|n\.?b\.?\b|quelle|hinweis|stand:|generated|exported|printed|report\b"
    r"|created (?:by|on)|confidential|end of|as of|data from|filtered by|来源|数据来源|注[:：]|说明|制表|导出"
    r"|fuente|fonte|remarque|nota\b|bron\b|источник|примечание).*",
    re.IGNORECASE | re.DOTALL,
)


def is_total(cells: Sequence[str], kinds: Sequence[str]) -> bool:
    """Whether a row adds up others: it says so in its first filled cell, and no date or time stands in it.

    Parameters
    ----------
    cells, kinds : sequence of str
        The row, and what its columns hold.

    Examples
    --------
    >>> is_total(["Grand Totals (2 records)", "", "400"], ["A9", "date", "number"])
    True
    >>> is_total(["Total Energies SE", "2025-03-01", "400"], ["text", "date", "number"])
    False
    >>> is_total(["Total", "120 records", "400", "", ""], ["text", "text", "number", "date", "date"])
    True
    """
    held = [(place, cell.strip()) for place, cell in enumerate(cells) if cell.strip()]
    if not held or len(cells) < 2 or not _TOTAL.fullmatch(held[0][1]):
        return False
    others = held[1:]
    if any(kind_of(cell) in (DATE, TIME) for _, cell in others):
        return False
    numbers = sum(kind_of(cell) == NUMBER or bool(_TOTAL.fullmatch(cell)) for _, cell in others)
    known = sum(kind not in (TEXT, BLANK) for kind in kinds)
    return numbers == len(others) and len(held) <= max(0.7 * len(cells), 2) and (len(cells) > 2 or known > 0)


def is_note(cells: Sequence[str], kinds: Sequence[str], *, apart: bool) -> bool:
    """Whether a row at the end is a remark and no record: one text alone, set apart or beginning as remarks do.

    Parameters
    ----------
    cells, kinds : sequence of str
    apart : bool
        Whether a blank line stands before it, or it has fewer fields than the table.
    """
    held = [(place, cell.strip()) for place, cell in enumerate(cells) if cell.strip()]
    if len(held) != 1 or len(cells) < 2:
        return False
    place, text = held[0]
    if kind_of(text) != TEXT or place > 1:
        return False
    remark = _NOTE.fullmatch(text) is not None
    return remark or (apart and len(cells) > 2 and (" " in text or len(text) > 12))


def unnamed_totals(rows: Sequence[Sequence[object]], held: Sequence[int], breaks: set[int]) -> list[int]:
    """Which rows hold nothing but the sums of the records above them, without any word that says so?

    Parameters
    ----------
    rows : sequence of rows
        Cells with their types.
    held : sequence of int
        Places of the rows that hold something.
    breaks : set of int
        Places of headers, titles and totals: a group begins behind each.

    Returns
    -------
    list of int
        Places of rows with numbers only, in at most a third of the columns, that are the sums of their columns in the
        group (or in all records) above; and of the last rows one with a single text in front, whatever it says, and
        numbers (also as text) that are the sums of all records.

    Examples
    --------
    >>> deals = [["A", "Ann", 3.0], ["B", "Bo", 4.0], ["", "", 7.0], ["C", "Cy", 5.0], ["", "", 6.0]]
    >>> unnamed_totals(deals, range(5), set())
    [2]
    >>> unnamed_totals([["A", "Ann", "1.200 kn"], ["B", "Bo", "300 kn"], ["C", "Cy", "50 kn"],
    ...                 ["", "Svega", "1.550 kn"]], range(4), set())
    [3]
    """
    found: list[int] = []
    group: list[Sequence[object]] = []
    every: list[Sequence[object]] = []
    last = set(held[-LAST_ROWS:])
    for place in held:
        cells = rows[place]
        filled = [column for column, cell in enumerate(cells) if cell != ""]
        if place in breaks:
            group = []
        elif place in last and _labelled_sum(cells, filled, every):
            found.append(place)
        elif 3 * len(filled) <= len(cells) and all(_numeric(cells[column]) for column in filled):
            if any(_adds_up(cells, filled, above) for above in (group, every)):
                found.append(place)
                group = []
        else:
            group.append(cells)
            every.append(cells)
    return found


def _labelled_sum(cells: Sequence[object], filled: Sequence[int], every: Sequence[Sequence[object]]) -> bool:
    """Whether a row is one text and, behind it, numbers that are the sums of at least three records each."""
    columns = filled[1:]
    if len(every) < 3 or not columns or len(filled) > max(2, len(cells) // 3):
        return False
    if not isinstance(cells[filled[0]], str) or kind_of(str(cells[filled[0]])) != TEXT:
        return False
    for column in columns:
        sums = []
        for sign in ".,":
            numbers = [_number(row[column], sign) for row in every]
            whole, total = [one for one in numbers if one is not None], _number(cells[column], sign)
            close = total is not None and abs(sum(whole) - total) <= 0.005 + 1e-9 * abs(total)
            sums.append(len(whole) >= 3 and close)
        if not any(sums):
            return False
    return True


def _number(cell: object, sign: str) -> float | None:
    """Return the number of a cell, its currency and thousands' signs left aside; None for anything else."""
    if _numeric(cell):
        return float(cell)  # type: ignore[arg-type]
    if (
        not isinstance(cell, str)
        or not _DIGITS.search(cell)
        or len(cell) > 40
        or kind_of(cell) in (DATE, TIME)
    ):
        return None
    bare = _NO_DIGIT.sub("", cell).strip(".,").replace("," if sign == "." else ".", "").replace(sign, ".")
    try:
        return -float(bare) if cell.strip().startswith(("-", "(", "−")) else float(bare)
    except ValueError:
        return None


def _numeric(cell: object) -> bool:
    return isinstance(cell, int | float) and not isinstance(cell, bool)


def _adds_up(cells: Sequence[object], columns: Sequence[int], above: Sequence[Sequence[object]]) -> bool:
    """Whether each of these cells is the sum of at least two numbers above it."""
    for column in columns:
        numbers = [float(row[column]) for row in above if _numeric(row[column])]  # type: ignore[arg-type]
        total = float(cells[column])  # type: ignore[arg-type]
        if len(numbers) < 2 or abs(sum(numbers) - total) > 0.005 + 1e-9 * abs(total):
            return False
    return bool(columns)


def is_title(cells: Sequence[str]) -> bool:
    """Whether a row holds one text alone, in its first cell: above a repeated header it is the title of a group.

    Examples
    --------
    >>> is_title(["Closed Won", "", "", ""]), is_title(["Acme", "Won", "", ""])
    (True, False)
    """
    held = [place for place, cell in enumerate(cells) if cell.strip()]
    return held == [0] and len(cells) > 2 and kind_of(cells[0].strip()) == TEXT


def table_end(
    rows: Sequence[tuple[int, Sequence[str]]], kinds: Sequence[str], narrow: set[int]
) -> tuple[list[int], list[int]]:
    """Which of the last rows are totals and which are notes?

    Parameters
    ----------
    rows : sequence of (int, row)
        The last rows with their numbers, in order.
    kinds : sequence of str
        What the columns hold.
    narrow : set of int
        Rows that have fewer fields than the table.

    Returns
    -------
    tuple of two lists of int
        Numbers of total rows, numbers of notes.
    """
    totals: list[int] = []
    notes: list[int] = []
    lone: list[int] = []  # one text alone: a remark if a total stands above it
    places = range(len(rows) - 1, max(len(rows) - LOOKED_AT, 0) - 1, -1)
    for place in places:
        number, cells = rows[place]
        gap = place > 0 and rows[place - 1][0] < number - 1
        if is_total(cells, kinds):
            totals.append(number)
            notes += lone
            lone = []
        elif is_note(cells, kinds, apart=gap or number in narrow):
            notes.append(number)
        elif is_note(cells, kinds, apart=True):
            lone.append(number)
        else:
            break
    return totals, notes


def is_other_table(block: Sequence[Sequence[str]], kinds: Sequence[str]) -> bool:
    """Whether rows below a blank line are a table of their own: with a header, and unlike the records above.

    Only a block says so whose first row names columns of numbers, dates or times and fits the table above as little
    as the rows below it do; anything less clear stays with the table above, where it is read or refused.

    Parameters
    ----------
    block : sequence of rows
        Rows between two blank lines, or the first of them; each as long as it was written.
    kinds : sequence of str
        What the columns of the table above hold.

    Examples
    --------
    >>> deals = ["A9", "text", "date"]
    >>> is_other_table([["owner", "quota"], ["Ann", "500"], ["Bo", "600"]], deals)
    True
    >>> is_other_table([["D7", "won", "2025-03-01"], ["D8", "lost", ""]], deals)
    False
    """
    rows = [_trimmed(row) for row in block[: BODY_ROWS + 1]]
    if len(rows) < 2 or len(rows[0]) < 2 or any(not cell.strip() for cell in rows[0]):
        return False
    names, body = rows[0], rows[1:]
    if len({name.casefold() for name in names}) < len(names) or any(kind_of(one) != TEXT for one in names):
        return False
    within = [row for row in body if len(row) <= len(names)]
    own = column_kinds(within, len(names))
    if len(within) < len(body) or not any(kind in (NUMBER, DATE, TIME) for kind in own):
        return False
    return not any(_belongs(row, kinds) for row in rows)


def header_again(table: pa.Table, names: Sequence[str]) -> NDArray[np.intp]:
    """Which rows repeat the header, or most of it (a few cells lost or typed over)?

    Parameters
    ----------
    table : pyarrow.Table
        Texts only.
    names : sequence of str
        The header.

    Returns
    -------
    ndarray of int
        Places of the rows.
    """
    import numpy as np
    import pyarrow.compute as pc

    named = [place for place, name in enumerate(names) if name]
    enough = min(NAMES_AGAIN, len(named))
    same_n = np.zeros(table.num_rows, dtype=np.int32)
    for k, place in enumerate(named):
        cells = table.column(place)
        cells = pc.utf8_trim_whitespace(cells) if k < 2 or len(cells) < FEW_ROWS else cells
        same_n += pc.fill_null(pc.equal(cells, names[place]), fill_value=False).to_numpy()
        if same_n.max(initial=0) + len(named) - k - 1 < enough or (k >= len(named) // 2 and not same_n.any()):
            return np.zeros(0, dtype=np.intp)
    alike = np.flatnonzero((same_n >= enough) & (same_n > 0))
    if not len(alike):
        return alike
    filled_n = sum(
        np.asarray([bool(str(one or "").strip()) for one in column.take(alike).to_pylist()], dtype=np.int32)
        for column in table.columns
    )
    return alike[2 * same_n[alike] > filled_n]


def _trimmed(row: Sequence[str]) -> list[str]:
    """Return a row without the blank cells at its end."""
    end = max((place + 1 for place, cell in enumerate(row) if cell.strip()), default=0)
    return list(row[:end])


def _belongs(row: Sequence[str], kinds: Sequence[str]) -> bool:
    """Whether a row may be a record of a table: as wide up to blank cells, and each cell fits its column."""
    if len(row) > len(kinds) or len(row) < 0.5 * len(kinds):
        return False
    return all(fits(cell, kind) for cell, kind in zip(row, kinds, strict=False))
