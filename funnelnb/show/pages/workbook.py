"""Results as an Excel workbook that can be sent as it is: what they say, their charts, their tables, their words."""

from __future__ import annotations

import datetime
import math
import re
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.core.display import Shown
from funnelnb.core.errors import ParameterError
from funnelnb.show.charts import render
from funnelnb.show.pages.export import clean_text, frame_of, replacing, risky
from funnelnb.show.pages.report import foot, notes
from funnelnb.show.tables.table import Table, frame, placeholders
from funnelnb.show.text.words import Words, stage_name, words_of
from funnelnb.show.views.propensity import reasons
from funnelnb.show.views.registry import chart_of, finding_of, view_of

if TYPE_CHECKING:
    import pandas as pd
    from openpyxl import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

SHEET_NAME_MOST = 31
"""Longest sheet name that spreadsheets accept."""
WIDEST = 48
"""A column is at most so many characters wide; longer texts are wrapped."""
ROW_PIXELS = 20
_FORMATS = {
    "count": "#,##0", "amount": "#,##0", "days": "#,##0", "rate": "0.0%", "share": "0.0%", "points": "0.0%",
    "p_value": '[<0.001]"<0.001";0.000', "factor": "#,##0.00", "number": "#,##0.00", "date": "yyyy-mm-dd",
    "hours": "#,##0.0",
}  # fmt: skip
"""How a spreadsheet shows the values of a unit."""


_CODES: dict[str, tuple[str, ...]] = {
    "rule": ("symptoms.names",), "state": ("symptoms.states",), "family": ("durations.families",),
    "verdict": ("durations.verdicts", "verdicts", "targets.verdicts"),
    "ending": ("customer.outcomes",), "outcome": ("customer.outcomes",), "confidence": ("symptoms.confidence",),
    "first_name": ("durations.parameters",), "second_name": ("durations.parameters",), "role": ("roles.names",),
    "kind": ("workbook.losses",), "figure": ("weekly.figures",), "change": ("weekly.changes",),
    "met": ("roles.names",), "missing": ("roles.names",), "stage_missing": ("roles.names",),
    "against": ("workbook.against",), "what": ("workbook.mixes",), "series": ("workbook.series",),
}  # fmt: skip
"""Where the words of a column of codes stand, for columns that no page shows."""
_NONE_PLANNED = -1
"""What a count of a plan holds where no plan was given."""


def to_excel(result: Any, path: str | Path) -> Path:
    """Where is this result (or several, or a frame) as an Excel workbook? Written to `path`.

    Parameters
    ----------
    result : Result, DataFrame, or a list of results
        The first sheet says what the results say, with their charts; every table has a sheet of its own; the last one
        says how the figures were made and what each column means. All in the language in force.
    path : str or Path
        The file (.xlsx); an existing one is replaced.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    ParameterError
        `result` is none of these, or the name does not end in .xlsx.
    OutputError
        The file cannot be written; nothing half-written stays behind.

    Notes
    -----
    Numbers are numbers, formatted by their unit, and never rounded. Heads stay in sight, columns can be filtered. Cells
    hold text as text: no name can become a formula.

    Checked against openpyxl, which reads the file back: ``tests/show/test_workbook.py``.
    """
    if Path(path).suffix.lower() != ".xlsx":
        raise ParameterError(f"path = {str(path)!r}", expected="a name that ends in .xlsx")
    book = _frame_book(result) if not _is_results(result) else _book(results_of(result))
    with replacing(path) as draft:
        book.save(draft)
    return Path(path)


def _is_results(result: Any) -> bool:
    return isinstance(result, Shown | list | tuple)


def results_of(given: Any) -> list[Any]:
    """Return one result or several as a list, or say what else was given.

    Raises
    ------
    ParameterError
        Something in it is no result, or there is nothing.
    """
    several = list(given) if isinstance(given, Sequence) and not isinstance(given, str) else [given]
    wrong = [one for one in several if not isinstance(one, Shown)]
    if wrong or not several:
        found = f"a value of type {type(wrong[0]).__name__}" if wrong else "an empty list"
        raise ParameterError(
            f"{found} cannot be written",
            expected="a result such as fn.conversion returns, or a list of results",
        )
    return several


# ---- sheets -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    """A column of a sheet: its head, its name in Python, what it means and how its values are shown."""

    label: str
    name: str
    definition: str
    unit: str


def _book(results: list[Any]) -> Workbook:
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.active)
    say = words_of(results[0], None)
    _summary(book.create_sheet(_sheet_name(say.get("workbook.summary"), set())), results)
    meant: list[tuple[str, _Column]] = []
    firsts = []
    for result in results:
        columns = _tables(book, result, words_of(result, None))
        firsts.append(columns[0][0] if columns else book.sheetnames[0])
        meant += columns
    _definitions(
        book.create_sheet(_sheet_name(say.get("workbook.definitions"), set(book.sheetnames))),
        list(zip(firsts, results, strict=True)),
        meant,
    )
    return book


def _frame_book(given: Any) -> Workbook:
    from openpyxl import Workbook

    made = frame_of(given)
    book = Workbook()
    sheet = book.active
    sheet.title = "data"
    _fill(
        sheet,
        made,
        [_Column(label=str(name), name=str(name), definition="", unit="") for name in made.columns],
        0,
    )
    return book


def _sheet_name(text: str, taken: set[str]) -> str:
    """Return a name that a sheet may have and that no other has."""
    plain = re.sub(r"[\\[\]:*?/\\\\']+", " ", clean_text(text)).strip() or "-"
    plain = re.split(r"[,，：;；]| {2}", plain)[0] if len(plain) > SHEET_NAME_MOST else plain
    if len(plain) > SHEET_NAME_MOST and " " in plain[:SHEET_NAME_MOST]:
        plain = plain[:SHEET_NAME_MOST].rpartition(" ")[0]
    name, number = plain[:SHEET_NAME_MOST].strip(), 1
    while name.casefold() in {one.casefold() for one in taken}:
        number += 1
        name = f"{plain[: SHEET_NAME_MOST - len(str(number)) - 1].strip()} {number}"
    return name


def _summary(sheet: Worksheet, results: list[Any]) -> None:
    """Write what every result says, with its chart."""
    from openpyxl.styles import Alignment, Font

    sheet.column_dimensions["A"].width = 110
    sheet.sheet_view.showGridLines = False
    row = 1

    def line(text: str, **font: Any) -> None:
        nonlocal row
        _put(sheet.cell(row, 1), text)
        sheet.cell(row, 1).alignment = Alignment(wrap_text=True, vertical="top")
        sheet.cell(row, 1).font = Font(**font)
        sheet.row_dimensions[row].height = (
            16 * max(1, -(-_width(text) // 105)) * (1.2 if font.get("size") else 1)
        )
        row += 1

    for result in results:
        say = words_of(result, None)
        found = finding_of(result, say.lang)
        line(found.headline, bold=True, size=14)
        unsaid = said_of(found.unsaid, say)
        for text in (found.detail, unsaid, *foot(result, say)):
            if text:
                line(text, italic=text == unsaid)
        picture = _picture(result, say)
        if picture is not None:
            sheet.add_image(picture, f"A{row + 1}")
            row += math.ceil(picture.height / ROW_PIXELS) + 2
        row += 1


def said_of(unsaid: str, say: Words) -> str:
    """Return what figures do not say, as a sentence of its own; empty where there is nothing to say."""
    return say.get("language.clause").join((say.get("words.not_said"), unsaid)) if unsaid else ""


def _picture(result: Any, say: Words) -> Any:
    """Return the chart as a picture for a sheet; None where there is none."""
    if not view_of(result).charts or not result.n:
        return None
    return picture_of(render.png(chart_of(result).draw(result, say.lang)), scale=2.0)


def picture_of(content: bytes, scale: float) -> Any:
    """Return a PNG as openpyxl takes pictures, at its drawn size."""
    from openpyxl.drawing.image import Image

    class Picture(Image):
        """A picture whose size is read from its own head: no imaging library is needed."""

        def __init__(self) -> None:
            wide, high = struct.unpack(">II", content[16:24])
            self.ref, self.format, self.anchor = BytesIO(content), "png", "A1"
            self.width, self.height = round(wide / scale), round(high / scale)

        def _data(self) -> bytes:
            return content

    return Picture()


def _tables(book: Workbook, result: Any, say: Words) -> list[tuple[str, _Column]]:
    """Write a sheet for each table; tables of the same rows share one. Return what the columns mean."""
    named, seen = placeholders(result, say), set[int]()
    meant: list[tuple[str, _Column]] = []
    for table in view_of(result).tables:
        rows = list(table.rows(result))
        own = {id(row) for row in rows}
        if not rows or own <= seen:  # all of them stand on another sheet
            continue
        seen |= own
        made = frame(table, result)
        made = made[[name for name in map(str, made.columns) if _needed(name, made, say)]]
        columns = _columns(table, rows, made, result, say)
        made = made[[one.name for one in columns]]
        sheet = book.create_sheet(_sheet_name(_called(table, named, say), set(book.sheetnames)))
        _fill(sheet, _in_words(made, table, rows, result, say), columns, min(table.stub, 3))
        meant += [(sheet.title, one) for one in columns]
    return meant


def _called(table: Table, named: Mapping[str, Any], say: Words) -> str:
    """Return what the sheet of a table is called: a name of its own where the caption is too long for one."""
    own = say.find(f"workbook.sheets.{table.name}")
    return own or say.fill(say.find(f"tables.{table.name}.caption") or table.name.replace("_", " "), named)


def _needed(name: str, made: pd.DataFrame, say: Words) -> bool:
    """Return whether a column says what no other does: not the other language, codes of words, or a group twice."""
    own, other = ("_en", "_zh") if say.lang == "en" else ("_zh", "_en")
    same = name.removeprefix("by_")
    twice = same != name and same in made.columns and made[name].tolist() == made[same].tolist()
    return not twice and not name.endswith(other) and f"{name}{own}" not in made.columns


def _columns(table: Table, rows: Sequence[Any], made: pd.DataFrame, result: Any, say: Words) -> list[_Column]:
    """Return the columns of a sheet, those that the table shows first, each with its words."""
    by = tuple(getattr(result, "by", ()))
    owner, named = type(rows[0]).__name__, placeholders(result, say)
    shown = [name for column in table.columns for name in (column.field, column.lower, column.upper) if name]
    groups = [name for name in made.columns if name in by or str(name).removeprefix("by_") in by]
    order = list(
        dict.fromkeys([*(name for name in (*groups, *shown) if name in made.columns), *made.columns])
    )
    kept = {
        one.field: one.head or one.field
        for one in table.columns
        if one.keep is None or one.keep(result, rows)
    }
    worded = {one.field for one in table.columns if one.cell is not None}
    told = {one.field for one in table.columns if one.prose or one.field == "first_value"}
    money = say.numbers.money_unit(getattr(result, "currency", ""), say.numbers.scale(()))
    columns = []
    for name in map(str, order):
        unit, definition = say.unit(name, owner), ""
        head = say.find(f"tables.{table.name}.heads.{kept.get(name, name)}")
        if name in groups:
            label = say.attribute_head((name.removeprefix("by_"),))
            definition = say.get("workbook.group")
            if "group" in worded:
                label = say.find(f"tables.{table.name}.heads.group") or label
        else:
            try:
                known = say.field(name, owner)
                label, definition = known.label, known.definition
            except KeyError:
                label = name
            plain = (
                name in told and made[name].dtype.kind in "iuf"
            )  # a number whose cell on a page is a sentence
            label = label if plain and label != name else say.fill(head or label, named)
        if unit == "amount" and money:
            label = say.say("language.bracket", label=label, unit=money)
        columns.append(_Column(label=label, name=name, definition=definition, unit=unit))
    return _apart(columns, say)


def _apart(columns: list[_Column], say: Words) -> list[_Column]:
    """Tell columns with the same head apart: by what they hold, or else by their names in Python."""
    made, taken = [], set[str]()
    for one in columns:
        label, kind = one.label, say.find(f"workbook.kinds.{one.unit}")
        if label in taken and kind:
            label = say.say("language.bracket", label=label, unit=kind)
        if label in taken:
            label = f"{one.label} [{one.name}]"
        taken.add(label)
        made.append(_Column(label=label, name=one.name, definition=one.definition, unit=one.unit))
    return made


def _in_words(made: pd.DataFrame, table: Table, rows: Sequence[Any], result: Any, say: Words) -> pd.DataFrame:
    """Return a frame whose stages, groups and codes go by their names, as in the table of a page; numbers stay."""
    made = made.copy()
    by = tuple(getattr(result, "by", ()))
    cells = {column.field: column.cell for column in table.columns if column.cell is not None}
    single = len(made) == len(rows)  # curves: several lines of each row
    groups = [name for name in map(str, made.columns) if name.removeprefix("by_") in by]
    for name in map(str, made.columns):
        plain = made[name].tolist()
        told = "group" if name in groups[:1] and "group" in cells else name
        if single and told in cells and all(isinstance(one, str) for one in plain):
            made[name] = [cells[told](result, row, say) for row in rows]
        else:
            made[name] = _plain_words(name, plain, type(rows[0]).__name__, result, say)
    return made


def _by_code(places: tuple[str, ...]) -> Callable[[str, Words], str]:
    """Return how a code is said whose words stand in these places."""

    def said(one: str, say: Words) -> str:
        return _word(one, places, say)

    return said


_TOLD: dict[str, Callable[[str, Words], str]] = {
    "raises": reasons, "lowers": reasons, "column": lambda one, say: say.attribute(one),
    **{name: _by_code(places) for name, places in _CODES.items()},
}  # fmt: skip
"""How the texts of a column are said, for columns that no page shows."""


def _plain_words(name: str, plain: list[Any], owner: str, result: Any, say: Words) -> list[Any]:
    """Return the values of a column in words: stages, groups, codes, yes and no; all others as they are."""
    stem = name.removesuffix("stage")
    if stem in ("", "next_", "furthest_", "supported_", "bend_") and hasattr(result, "stage_ids"):
        known = set(result.stage_ids)
        return [stage_name(result, one, say) if one in known else one for one in plain]
    if name in getattr(result, "by", ()):
        return [say.value(one) if one else say.group(()) for one in plain]
    if name in _TOLD and all(isinstance(one, str) for one in plain):
        return [_TOLD[name](one, say) for one in plain]
    if name == "plan_n":
        return [None if one == _NONE_PLANNED else one for one in plain]
    if plain and all(isinstance(one, bool) for one in plain):
        return [say.numbers.cell(one, say.unit(name, owner)) for one in plain]
    return plain


def _word(code: str, places: tuple[str, ...], say: Words) -> str:
    """Return the word of a code, or of each in a list, from the first of these places that has it."""
    if ", " in code:
        return say.numbers.join(_word(one, places, say) for one in code.split(", "))
    return next((found for place in places if (found := say.find(f"{place}.{code}"))), code)


def _fill(sheet: Worksheet, made: pd.DataFrame, columns: Sequence[_Column], stub: int) -> None:
    """Write heads and cells, with formats, widths, a frozen head and a filter."""
    from openpyxl.styles import Alignment, Font, PatternFill
    from openpyxl.utils import get_column_letter

    for place, column in enumerate(columns, start=1):
        head = sheet.cell(1, place)
        _put(head, column.label)
        head.font, head.fill = Font(bold=True), PatternFill("solid", fgColor="E8EDF3")
        head.alignment = Alignment(wrap_text=True, vertical="top")
        values = made.iloc[:, place - 1].tolist()
        longest = max([*(len(word) for word in column.label.split()), 8])
        for row, value in enumerate(values, start=2):
            cell = sheet.cell(row, place)
            _put(cell, value)
            if column.unit in _FORMATS and isinstance(cell.value, int | float | datetime.datetime):
                cell.number_format = _FORMATS[column.unit]
            longest = max(longest, min(_width(_looks(cell.value, column.unit)), WIDEST))
            if isinstance(cell.value, str) and _width(cell.value) > WIDEST:
                cell.alignment = Alignment(wrap_text=True, vertical="top")
        sheet.column_dimensions[get_column_letter(place)].width = longest + 2
    sheet.freeze_panes = sheet.cell(2, stub + 1).coordinate
    if len(made.columns):
        sheet.auto_filter.ref = f"A1:{get_column_letter(len(columns))}{len(made) + 1}"
    sheet.page_setup.orientation, sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = (
        "landscape",
        1,
        0,
    )
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.print_title_rows = "1:1"


def _put(cell: Any, value: Any) -> None:
    """Write a value: text as text, what is not known as nothing."""
    plain = value.item() if isinstance(value, np.generic) else value
    if plain is None or (isinstance(plain, float) and math.isnan(plain)) or str(plain) == "NaT":
        return
    if isinstance(plain, bool | int):
        cell.value = plain
    elif isinstance(plain, float):
        cell.value = plain if math.isfinite(plain) else ("∞" if plain > 0 else "−∞")
    elif isinstance(plain, datetime.datetime):
        cell.value, cell.number_format = plain.replace(tzinfo=None), _FORMATS["date"]
    elif isinstance(plain, datetime.date):
        cell.value, cell.number_format = plain, _FORMATS["date"]
    else:
        text = clean_text(str(plain))
        cell.value = text
        cell.data_type, cell.quotePrefix = "s", risky(text)


def _looks(value: Any, unit: str) -> str:
    """Return about what a cell shows, for the width of its column."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value or "")[:10] if isinstance(value, datetime.date) else str(value or "")
    return (
        "100.0%"
        if _FORMATS.get(unit, "").endswith("%")
        else f"{value:,.0f}"
        if unit in _FORMATS
        else f"{value:.6g}"
    )


def _width(text: str) -> int:
    return sum(2 if ord(sign) > 0x2E7F else 1 for sign in text)


def _definitions(
    sheet: Worksheet, results: Sequence[tuple[str, Any]], meant: Sequence[tuple[str, _Column]]
) -> None:
    """Write how the figures were made and what the columns mean; results go by the first of their sheets."""
    say = words_of(results[0][1], None)
    rows: list[tuple[str, str, str]] = []
    for place, result in results:
        own = words_of(result, None)
        rows += [(place, own.get("workbook.made"), line) for line in foot(result, own)]
        rows += [(place, own.get("words.caveats"), line) for line in notes(result, own)]
        asked = getattr(result, "_asked", None)
        for name, value in ({} if asked is None else asked.arguments).items():
            if said := _argument(name, value, own):
                label = own.find(f"workbook.parameters.{name}") or str(name)
                rows.append((place, label, f"{said} [{name}]"))
    rows += [(place, one.label, f"{one.definition} [{one.name}]".strip()) for place, one in meant]
    heads = [say.get(f"workbook.{name}") for name in ("where", "what", "words")]
    import pandas as pd

    columns = [_Column(label=head, name=head, definition="", unit="text") for head in heads]
    _fill(sheet, pd.DataFrame(rows, columns=heads, dtype=object), columns, 0)
    sheet.column_dimensions["C"].width = 100


def _argument(name: str, value: Any, say: Words) -> str:
    """Return a parameter in words; empty where nothing was said, or it is data."""
    if value is None or isinstance(value, bytes) or hasattr(value, "ledger") or hasattr(value, "columns"):
        return ""
    if isinstance(value, list | tuple):
        return ", ".join(part for one in value if (part := _argument(name, one, say)))
    if isinstance(value, Mapping):
        return ", ".join(f"{key} = {_argument(name, one, say)}" for key, one in value.items())
    if isinstance(value, bool):
        return say.numbers.cell(value, say.unit("overall"))
    known = f"attributes.{value}" if name in _ATTRIBUTES else f"workbook.given.{value}"
    return (say.find(known) if isinstance(value, str) else None) or str(value)


_ATTRIBUTES = ("by", "adjust_for", "mix_by", "attributes")
"""Parameters that name attributes of the data."""
