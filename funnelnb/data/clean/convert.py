"""Raw tables to tables of the contract: rows that are no data, cells to values, corrections, joins."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from funnelnb.core.errors import MappingError
from funnelnb.data.contract.problems import CODES
from funnelnb.data.contract.settings import ROW_NUMBER
from funnelnb.data.contract.tables import NUMERIC_KINDS, PANDAS_DTYPE, column, column_names, kind_of
from funnelnb.data.parse import values
from funnelnb.data.parse.numbers import unit_of
from funnelnb.data.read.raw import cell_text
from funnelnb.data.recognise.columns import require_column
from funnelnb.data.recognise.profile import instructions

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from funnelnb.data.contract.problems import Findings
    from funnelnb.data.contract.settings import Settings, TableSettings
    from funnelnb.data.contract.tables import Kind
    from funnelnb.data.parse.cells import Parsed, Reading
    from funnelnb.data.read.raw import Raw


@dataclass(slots=True)
class Table:
    """A table on its way into the book.

    Attributes
    ----------
    name : str
    file : str
        For messages.
    frame : DataFrame
        Canonical columns, typed; the index holds spreadsheet rows.
    columns : dict of str to str
        Canonical column = column of the source, for messages.
    seen : list of str
        All columns of the source.
    currencies : set of str
        Signs and codes found beside amounts.
    ids : Series or None
        Ids of all rows read, dropped ones included (deals only).
    unread : set of str
        Columns that could not be read as a whole.
    unique : set of str
        Columns that are known to hold no value twice, and none that is missing.
    marks : dict of str to Series
        Of date columns: the cells that stand for an open end or for no date, as the file writes them.
    ruled : Series or None
        Outcomes that rules of the settings tell (deals only).
    """

    name: str
    file: str
    frame: pd.DataFrame
    columns: dict[str, str] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)
    currencies: set[str] = field(default_factory=set)
    ids: pd.Series | None = None
    unread: set[str] = field(default_factory=set)
    unique: set[str] = field(default_factory=set)
    marks: dict[str, pd.Series] = field(default_factory=dict)
    ruled: pd.Series | None = None

    def source(self, column: str) -> str:
        """How the file spells a canonical column."""
        return self.columns.get(column, column)

    def mark(self, column: str, row: int) -> str:
        """What the file writes in a date cell that was read as "no date"; empty where nothing stands there."""
        marks = self.marks.get(column)
        return str(marks[row]) if marks is not None and row in marks.index else ""

    @property
    def dropped_ids(self) -> pd.Series:
        """Ids of rows that were read and then left out."""
        import pandas as pd

        if self.ids is None:
            return pd.Series([], dtype="str")
        return self.ids[~values.among(self.ids, self.frame["opportunity_id"])]


def drop_non_data(raw: Raw, settings: TableSettings, findings: Findings, *, first: bool = True) -> None:
    """Drop the rows that the settings name, and a row of instructions below the header; both are noted.

    `first`: the rows begin right below the header.
    """
    frame = raw.frame
    if settings.skip_rows:
        named = frame.index.isin(settings.skip_rows)
        raw.frame = frame = frame[~named]
        findings.note("rows_skipped", file=raw.file, n=int(named.sum()))
    if frame.empty or not first:
        return
    told = instructions(frame)
    if told:
        findings.note("instruction_row_dropped", file=raw.file, row=int(frame.index[0]), value=told[:40])
        raw.frame = frame.iloc[1:]


def _letters(table: Table, raw: Raw, findings: Findings) -> dict[str, pd.Series]:
    """Read money, authority and need where they are written in the letters of the MAN rule, and say so."""
    if table.name != "accounts":
        return {}
    found = values.man_letters({one: raw.frame[at] for one, at in table.columns.items() if at in raw.frame})
    for canonical in found:
        letter, column = values.MAN_LETTERS[canonical], table.columns[canonical]
        findings.note("man_letters_read", file=table.file, column=column, value=letter, other=letter.lower())
    return found


def read_table(
    name: str, raw: Raw, columns: Mapping[str, str], settings: Settings, findings: Findings
) -> Table:
    """Which values stand in the columns of one table?

    Parameters
    ----------
    name : str
        Table of the contract.
    raw : Raw
    columns : Mapping of str to str
        Canonical column = source column.
    settings : Settings
    findings : Findings
        Gets all problems and notes.

    Returns
    -------
    Table
        Text trimmed, numbers and times typed; a bad cell is missing or its row dropped, as the settings say.
    """
    import pandas as pd

    findings.notes.extend(note for note in raw.notes if note not in findings.notes)
    for width, rows in raw.take_ragged().items():
        found = f"the row has {width} fields, the header has {len(raw.columns)}"
        findings.add("ragged_row", file=raw.file, rows=rows, found=found)
    _keep_apart(name, raw, columns, findings)
    table = Table(name, raw.file, pd.DataFrame(index=raw.frame.index), dict(columns), raw.columns)
    own = settings.table(name).attributes if name == "opportunities" else {}
    for attribute, source in own.items():
        require_column(raw, source, f"[tables.{name}.attributes] {attribute}", settings.shown)
    table.columns |= own
    table.unique = {
        one
        for one, at in columns.items()
        if at in raw.unique and kind_of(name, one) == "id" and one not in settings.values
    }
    parsed = {}
    letters = _letters(table, raw, findings)
    for canonical, source in table.columns.items():
        cells = _row_numbers(raw) if source == ROW_NUMBER else raw.frame[source]
        cells = letters.get(canonical, cells)
        parsed[canonical] = _parse(table, canonical, cells, kind_of(name, canonical), settings, findings)
    _settle_dates(table, parsed, raw, settings, findings)
    dropped = pd.Series(data=False, index=raw.frame.index)
    for canonical, one in parsed.items():
        dropped |= _report(table, canonical, one, raw.frame.get(table.columns[canonical]), findings)
    taken = {
        canonical: _values(table, canonical, one, raw.frame.get(table.columns[canonical]), settings)
        for canonical, one in parsed.items()
    }
    taken |= _constants(table, raw, settings, findings)
    frame = pd.DataFrame(taken, index=raw.frame.index)
    table.ids = frame["opportunity_id"] if name == "opportunities" and "opportunity_id" in frame else None
    table.frame = frame[~dropped] if dropped.any() else frame
    return table


_EXPONENT = r"\d(?:[.,]\d{1,14})?[eE]\+\d{2}"
_SPOILT_NUMBER = rf"\d{{15,}}|{_EXPONENT}"


def _keep_apart(name: str, raw: Raw, columns: Mapping[str, str], findings: Findings) -> None:
    """Tell deals apart by their rows if a spreadsheet has made their ids the same; other ids stay as they are."""
    source = columns.get("opportunity_id", "")
    if name != "opportunities" or source not in raw.frame or source in raw.unique:
        return
    if not values.repeats(raw.frame[source]):
        return
    texts = raw.frame[source].map(cell_text).astype("str") if source in raw.spoilt else raw.frame[source]
    if texts.dtype != "str":
        return
    same = texts.duplicated(keep=False)
    texts_same = texts[same]
    spoilt = texts_same.str.fullmatch(_SPOILT_NUMBER if source in raw.spoilt else _EXPONENT)
    same &= texts.index.isin(spoilt.index[spoilt])
    if same.any():
        rows = texts.index.astype("int64").astype("str")
        raw.frame = raw.frame.assign(**{source: texts.where(~same, texts + " (row " + rows + ")")})
        findings.note(
            "ids_kept_apart", file=raw.file, column=source, n=int(same.sum()), value=texts[same].iloc[0]
        )


def _values(table: Table, canonical: str, one: Parsed, cells: Any, settings: Settings) -> pd.Series:
    """Return the values of a column with its corrections; all missing where it could not be read."""
    import pandas as pd

    table.currencies.update(one.currencies)
    if one.marks is not None and cells is not None:
        table.marks[canonical] = cells[one.marks]
    if not one.undecided:
        return corrected(one.values, settings.values.get(canonical))
    table.unread.add(canonical)
    return pd.Series(None, index=one.values.index, dtype=PANDAS_DTYPE[kind_of(table.name, canonical)])


def _constants(table: Table, raw: Raw, settings: Settings, findings: Findings) -> dict[str, pd.Series]:
    """Return the columns that the settings give the same value in every row."""
    import pandas as pd

    taken = {}
    for canonical, value in settings.table(table.name).constants.items():
        cell, kind = pd.Series([value], dtype="str"), kind_of(table.name, canonical)
        parsed = _parse(table, canonical, cell, kind, settings, findings)
        if parsed.undecided or parsed.bad.any() or parsed.marks is not None:
            code = CODES[parsed.undecided or _BAD[kind]]
            raise MappingError(
                f"{settings.shown}, [tables.{table.name}.constants] {canonical} = {value!r}: {code.found}",
                expected=code.expected,
                hint="correct it, or leave it out",
            )
        values_of = [parsed.values.iloc[0]] * len(raw.frame)
        taken[canonical] = pd.Series(values_of, index=raw.frame.index, dtype=PANDAS_DTYPE[kind])
    return taken


def _row_numbers(raw: Raw) -> pd.Series:
    import pandas as pd

    return pd.Series(raw.frame.index.astype("int64").astype("str"), index=raw.frame.index)


def reading_for(table: str, canonical: str, source: str, kind: Kind, settings: Settings) -> Reading:
    """Return how one column is to be read: by the table's settings, then the file's, then the header."""
    own = settings.table(table)
    unit: str | float = own.units.get(canonical, "")
    if kind in NUMERIC_KINDS and isinstance(unit, str):
        if unit and unit_of(unit) is None:
            raise MappingError(
                f"{settings.shown}, [tables.{table}.units] {canonical} = {unit!r}",
                expected='a number, or a unit such as "万元", "k", "Mio. EUR"',
                hint="write the factor as a number, such as 1000",
            )
        in_header = values.header_unit(source)[1]
        unit = unit or (in_header if in_header and unit_of(in_header) else "")
    return values.Reading(
        decimal=own.decimal or settings.decimal,
        date_order=own.date_order or settings.date_order,
        timezone=settings.timezone,
        unit=unit,
        zero_is_unknown=settings.zero_amount == "unknown" and table == "opportunities",
    )


def _parse(
    table: Table, canonical: str, cells: pd.Series, kind: Kind, settings: Settings, findings: Findings
) -> Parsed:
    source = table.source(canonical)
    reading = reading_for(table.name, canonical, source, kind, settings)
    reading = dataclasses.replace(reading, whole=findings.whole)
    return values.parse(cells, kind, reading, {"file": table.file, "column": source})


def _settle_dates(
    table: Table, parsed: dict[str, Parsed], raw: Raw, settings: Settings, findings: Findings
) -> None:
    """Read columns whose order of day and month does not show as the other date columns of the same file."""
    orders = {one.date_order for one in parsed.values() if one.date_order}
    for canonical, one in parsed.items():
        if one.undecided != "date_order_unknown" or len(orders) != 1:
            continue
        order = next(iter(orders))
        source = table.source(canonical)
        reading = reading_for(table.name, canonical, source, "datetime", settings)
        again = values.parse(
            raw.frame[source], "datetime", dataclasses.replace(reading, date_order=order, whole=findings.whole),
            {"file": table.file, "column": source},
        )  # fmt: skip
        findings.note("date_order_from_file", file=table.file, column=source, order=order)
        parsed[canonical] = again


_BAD = {
    "datetime": "bad_date",
    "flag": "bad_flag",
    "share": "bad_number",
    "amount": "bad_number",
    "number": "bad_number",
}


def _report(table: Table, canonical: str, one: Parsed, cells: Any, findings: Findings) -> Any:
    """Report what could not be read; return which rows are to be dropped for it."""
    import pandas as pd

    source = table.source(canonical)
    nothing = pd.Series(data=False, index=one.values.index)
    if one.undecided:
        findings.add(one.undecided, file=table.file, column=source, value=one.example)
        return nothing
    findings.notes.extend(note for note in one.notes if note not in findings.notes)
    if not one.bad.any():
        return nothing
    rows = list(one.values.index[one.bad])
    code = _BAD[kind_of(table.name, canonical)]
    known = column(table.name, canonical)
    needed = known is not None and known.required
    value = cells[one.bad].iloc[0]
    policy = findings.add(code, file=table.file, rows=rows, column=source, value=value, keepable=not needed)
    return pd.Series(one.bad, index=one.values.index) if policy == "drop" or needed else nothing


def corrected(cells: pd.Series, corrections: Mapping[str, str] | None) -> pd.Series:
    """Return text cells with the corrections of ``[values.…]`` applied."""
    if not corrections or cells.dtype != "str":
        return cells
    return cells.replace(dict(corrections))


def ordered(frame: pd.DataFrame, table: str) -> pd.DataFrame:
    """Return the frame with the contract's columns first, in its order."""
    known = [name for name in column_names(table) if name in frame]
    return frame[[*known, *(name for name in frame if name not in known)]]
