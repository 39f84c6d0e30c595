"""Workbooks: one sheet as a raw table, with its titles, totals, merged cells and errors told apart from records."""

from __future__ import annotations

import bisect
import datetime
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from funnelnb.core.errors import SourceError, nearest
from funnelnb.core.note import Note
from funnelnb.data.read.archive import check_size
from funnelnb.data.read.as_raw import cut, layout_notes
from funnelnb.data.read.guard import guarded
from funnelnb.data.read.header import Layout, find_layout, require_header
from funnelnb.data.read.package import Inside, look_inside, sheet_paths
from funnelnb.data.read.raw import Raw, cell_text, drop_empty, unique_names
from funnelnb.data.read.stack import same_shape, stacked
from funnelnb.data.read.tail import (
    BODY_ROWS,
    LOOKED_AT,
    is_other_table,
    is_title,
    is_total,
    table_end,
    unnamed_totals,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from funnelnb.data.contract.settings import TableSettings

EXCEL_ROWS = 1_048_576
SAMPLE_ROWS = 400
EXACT = 10**15
"""From here on a spreadsheet no longer keeps every digit of a number."""

ERRORS = frozenset(
    ("#N/A", "#DIV/0!", "#REF!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!", "#GETTING_DATA",
     "#FIELD!", "#BLOCKED!", "#CONNECT!", "#UNKNOWN!", "#BUSY!", "#PYTHON!", "#EXTERNAL!")
)  # fmt: skip
"""What a spreadsheet shows where a formula has failed; any other text that begins with # is text."""


def read_workbook(path: Path, settings: TableSettings) -> Raw:
    """What does a workbook hold?

    Parameters
    ----------
    path : Path
    settings : TableSettings
        `sheet`, `header`, `header_row`, `totals` and `limits` are heeded.

    Returns
    -------
    Raw
        The sheet that the settings name; else all sheets that have the columns of the first one with records, one
        below the other; else that first one. Columns of one type stay typed, mixed ones become text.

    Raises
    ------
    SourceError
        It is no workbook, is damaged, has a password, or is larger than the limits allow.
    """
    with guarded(
        path.name,
        "an undamaged workbook without password",
        "open it in a spreadsheet program and save it again",
    ):
        book = open_workbook(path, settings)
        names = list(book.sheet_names)
        if settings.sheet and settings.sheet not in names:
            raise SourceError(
                f"{path.name} has no sheet {settings.sheet!r}",
                expected="one of " + ", ".join(names),
                hint=nearest(settings.sheet, names),
            )
        if settings.sheet or len(names) == 1:
            return _sheet(book, settings.sheet or names[0], path, settings)
        return _sheets(book, names, path, settings)


def _sheets(book: Any, names: list[str], path: Path, settings: TableSettings) -> Raw:
    """Return the first sheet with records and those of its shape."""
    raws: dict[str, Raw] = {}
    reason: SourceError | None = None
    for name in names:
        try:
            raws[name] = _sheet(book, name, path, settings)
        except SourceError as error:  # an empty sheet, a cover
            reason = reason or error
    wide = {name: raw for name, raw in raws.items() if len(raw.columns) > 1} or raws
    if not wide:
        raise reason or SourceError(f"{path.name} has no sheet", expected="a sheet with records")
    first = next(iter(wide))
    alike = [name for name, raw in wide.items() if same_shape(raw, wide[first])]
    others = ", ".join(name for name in names if name not in alike)
    together = [wide[name] for name in alike]
    raw = stacked(together, path.name, alike, "sheet") if len(alike) > 1 else wide[first]
    if others:
        shown = ", ".join(alike)
        raw.notes.insert(0, Note("sheet_chosen", {"file": path.name, "sheet": shown, "others": others}))
    return raw


def open_workbook(path: Path, settings: TableSettings) -> Any:
    """Open a workbook that is no larger than it may be."""
    import python_calamine

    with path.open("rb") as stream:
        head = stream.read(8)
    if head.startswith(b"PK"):
        check_size(path, settings.limits).close()
    elif not head.startswith(b"\xd0\xcf\x11\xe0"):
        raise SourceError(
            f"{path.name} is not an Excel workbook, whatever its ending says",
            expected="a workbook saved by a spreadsheet program",
            hint="open it and save it as .xlsx or CSV",
        )
    return python_calamine.CalamineWorkbook.from_path(path)


def _inside(path: Path, name: str, settings: TableSettings, place: str) -> Inside | None:
    """Return what the XML of a sheet tells, after making sure that it is not too large; None for other workbooks."""
    with path.open("rb") as stream:
        if stream.read(2) != b"PK":
            return None
    with check_size(path, settings.limits) as archive:
        paths = sheet_paths(archive)
        if name not in paths:
            return None
        found = look_inside(archive, paths[name])
    settings.limits.refuse("cells", found.cells_n, place)
    return found


@dataclass(slots=True)
class _Rows:
    """Rows of a sheet while they are sorted into header, records and others."""

    file: str
    cells: list[list[Any]]
    layout: Layout
    notes: list[Note] = field(default_factory=list)
    left_out: set[int] = field(default_factory=set)


def _sheet(book: Any, name: str, path: Path, settings: TableSettings) -> Raw:
    """Read one sheet."""
    file = f"{path.name}!{name}" if len(book.sheet_names) > 1 else path.name
    inside = _inside(path, name, settings, file)
    sheet = book.get_sheet_by_name(name)
    settings.limits.refuse("cells", sheet.total_height * sheet.total_width, file)
    cells = sheet.to_python(skip_empty_area=False)
    if not any(any(cell != "" for cell in row) for row in cells):
        raise SourceError(
            f"{file} is empty", expected="a header and records", hint="name the sheet in funnelnb.toml"
        )
    return _as_raw(
        cells, file, settings, merged=getattr(sheet, "merged_cell_ranges", None) or [], inside=inside
    )


def raw_of_rows(cells: Sequence[Sequence[str]], file: str, settings: TableSettings) -> Raw:
    """What do rows of text from another source (a page, an XML workbook) hold, as a table?

    Parameters
    ----------
    cells : sequence of rows
        Of any width.
    file : str
        How messages call it.
    settings : TableSettings

    Returns
    -------
    Raw
        With header, titles, totals and remarks told apart as in a sheet.
    """
    width = max(map(len, cells), default=0)
    settings.limits.refuse("columns", width, file)
    settings.limits.refuse("cells", width * len(cells), file)
    return _as_raw([[*row, *[""] * (width - len(row))] for row in cells], file, settings)


def _as_raw(
    cells: list[list[Any]],
    file: str,
    settings: TableSettings,
    *,
    merged: Sequence[Any] = (),
    inside: Inside | None = None,
) -> Raw:
    """Tell header, records and the rest apart."""
    texts = [[cell_text(cell) for cell in row] for row in cells[:SAMPLE_ROWS]]
    settings.limits.refuse("columns", max(len(row) for row in texts), file)
    require_header(texts, settings.header_row, file)
    layout = find_layout(texts, header=settings.header, header_row=settings.header_row)
    rows = _Rows(file, cells, layout, list(layout_notes(layout, file, settings)))
    _fill_merged(rows, list(merged))
    if settings.totals != "keep":
        _leave_out(rows)
    _tell(rows, inside)
    raw = _framed(rows)
    if raw.frame.empty:
        raise SourceError(
            f"{file} has a header and no rows", expected="at least one record", hint="export it again"
        )
    return raw


def _framed(rows: _Rows) -> Raw:
    """Return the records as a raw table."""
    import pandas as pd

    kept = [place for place in range(rows.layout.first, len(rows.cells)) if place not in rows.left_out]
    data, lost = {}, {}
    for place, column in enumerate(_names(rows.layout, len(rows.cells[0]))):
        cells = [rows.cells[row][place] for row in kept]
        data[column] = sheet_column(cells)
        if (n := _digits_lost(cells)) > 0:
            lost[column] = n
    frame = pd.DataFrame(data, index=[row + 1 for row in kept])
    told = [Note("digits_lost", {"file": rows.file, "column": column, "n": n}) for column, n in lost.items()]
    return drop_empty(Raw(file=rows.file, frame=frame, notes=[*rows.notes, *told], spoilt=set(lost)))


def _names(layout: Layout, width: int) -> list[str]:
    if not layout.header:
        return [f"column {place}" for place in range(1, width + 1)]
    return unique_names([*layout.names, *[""] * (width - len(layout.names))][:width])


def _fill_merged(rows: _Rows, ranges: list[Any]) -> None:
    """Give every row of a merged cell its value."""
    count, example = 0, ""
    for (top, left), (bottom, right) in ranges:
        if bottom <= top or top < rows.layout.first or left != right:
            continue
        value = rows.cells[top][left] if left < len(rows.cells[top]) else ""
        for row in range(top + 1, min(bottom + 1, len(rows.cells))):
            if rows.cells[row][left] == "":
                rows.cells[row][left] = value
                count += 1
                example = example or cell_text(value)
    if count:
        rows.notes.append(Note("merged_filled", {"file": rows.file, "n": count, "value": cut(example)}))


def _leave_out(rows: _Rows) -> None:
    """Leave out totals, remarks below the table and repeated headers, and tell them."""
    first, kinds = rows.layout.first, rows.layout.kinds
    held = [place for place in range(first, len(rows.cells)) if any(cell != "" for cell in rows.cells[place])]
    last = [(place + 1, _texts(rows.cells[place])) for place in held[-2 * LOOKED_AT :]]
    totals, remarks = table_end(last, kinds, set())
    header = (
        [cell_text(cell).strip() for cell in rows.cells[rows.layout.header[0]]] if rows.layout.header else []
    )
    repeated = []
    for place in held:
        start = next(cell for cell in rows.cells[place] if cell != "")
        if not isinstance(start, str):
            continue
        if (
            header
            and start.strip() in header
            and [one.strip() for one in _texts(rows.cells[place])] == header
        ):
            repeated.append(place + 1)
        elif place + 1 not in totals and is_total(_texts(rows.cells[place]), kinds):
            totals.append(place + 1)
    for row in repeated:
        at = bisect.bisect_left(held, row - 1)
        above = held[at - 1] if at else -1
        if above >= 0 and is_title(_texts(rows.cells[above])) and above + 1 not in remarks:
            remarks.append(above + 1)
    unnamed = unnamed_totals(rows.cells, held, {one - 1 for one in (*totals, *remarks, *repeated)})
    totals += [one + 1 for one in unnamed]
    _fill_groups(rows, held, totals, {one - 1 for one in (*totals, *remarks, *repeated)})
    others = _other_tables(rows, held)
    totals, remarks = ([one for one in found if one not in others] for found in (totals, remarks))
    for code, found in (("total", totals), ("note", remarks), ("header", repeated), ("table", others)):
        if found:
            row = min(found)
            text = " ".join(filter(None, _texts(rows.cells[row - 1])))
            values = {"file": rows.file, "n": len(found), "row": row, "value": cut(text)}
            rows.notes.append(Note(f"{code}_rows_left_out", values))
            rows.left_out |= {one - 1 for one in found}


def _fill_groups(rows: _Rows, held: list[int], totals: list[int], aside: set[int]) -> None:
    """Give every record of a grouped report the name of its group, which stands in the first record only.

    A report is grouped where its first column that holds anything is filled in the first record below each total and
    nowhere else.
    """
    records = [place for place in held if place not in aside]
    filled = [place for one in records for place, cell in enumerate(rows.cells[one]) if cell != ""]
    first = min(filled, default=0)
    named = [place for place in records if rows.cells[place][first] != ""]
    if len(named) < 2 or not records or named[0] != records[0] or 2 * len(named) > len(records):
        return
    marks = sorted(one - 1 for one in totals)
    for before, place in itertools.pairwise(records):
        between = bisect.bisect_left(marks, before) < bisect.bisect_left(marks, place)
        if between != (rows.cells[place][first] != ""):
            return
    value: Any = ""
    for place in records:
        value = rows.cells[place][first] if rows.cells[place][first] != "" else value
        rows.cells[place][first] = value
    values = {"file": rows.file, "n": len(records) - len(named), "value": cut(cell_text(value))}
    rows.notes.append(Note("groups_filled", values))


def _other_tables(rows: _Rows, held: list[int]) -> list[int]:
    """Return the rows of tables that stand below the first one, each after a blank row."""
    starts = [place for place, (before, row) in enumerate(itertools.pairwise(held), 1) if row > before + 1]
    found: list[int] = []
    for start, end in itertools.pairwise([*starts, len(held)]):
        block = [_texts(rows.cells[row]) for row in held[start : min(end, start + BODY_ROWS + 1)]]
        if is_other_table(block, rows.layout.kinds):
            found += [row + 1 for row in held[start:end]]
    return found


def _texts(cells: list[Any]) -> list[str]:
    return [cell_text(cell) for cell in cells]


def _tell(rows: _Rows, inside: Inside | None) -> None:
    """Tell what cannot be seen in the values: errors, formulas without a value, numbers that are none."""
    if len(rows.cells) >= EXCEL_ROWS:
        rows.notes.append(Note("excel_full", {"file": rows.file, "n": EXCEL_ROWS}))
    if inside is None:
        return
    for code, cells in (
        ("error_cells", inside.errors),
        ("formulas_without_value", inside.without_value),
        ("unreadable_cells", inside.unreadable),
    ):
        if cells:
            rows.notes.append(Note(code, {"file": rows.file, "n": len(cells), "cell": cells[0]}))


def sheet_column(cells: list[Any]) -> Any:
    """Return the cells of one column: numbers, times or flags if all are, else text."""
    import pandas as pd

    values = [None if cell == "" or (isinstance(cell, str) and cell in ERRORS) else cell for cell in cells]
    kinds = {type(cell) for cell in values if cell is not None}
    if kinds and kinds <= {int, float}:
        return pd.array(values, dtype="Float64").to_numpy(dtype="float64", na_value=float("nan"))
    if kinds and kinds <= {datetime.datetime, datetime.date}:
        return pd.array(pd.to_datetime(pd.Series(values, dtype="object")).astype("datetime64[us]"))
    if kinds == {bool}:
        return pd.array(values, dtype="boolean")
    return pd.array([None if cell is None else cell_text(cell) for cell in values], dtype="str")


def _digits_lost(cells: list[Any]) -> int:
    """Return how many whole numbers are so long that a spreadsheet has not kept their last digits."""
    return sum(
        isinstance(cell, (int, float)) and not isinstance(cell, bool) and EXACT <= abs(cell) < 1e22
        for cell in cells
    )
