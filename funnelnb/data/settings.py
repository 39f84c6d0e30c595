"""What does the settings file say? ``funnelnb.toml``: mapping of columns, playbook, dates, units, language.

The same format serves as the small mapping file given by ``mapping=``. Every key is checked against one list,
so that a mistyped key is an error with the nearest name, and never silently ignored.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funnelnb.core.errors import MappingError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from funnelnb.data.calendar import Calendar

FILE_NAME = "funnelnb.toml"
"""Name under which a folder's settings are found."""

ROW_NUMBER = "#row"
"""Written as the source of ``opportunity_id``: number the rows, for a file without any id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """Another file whose columns are added to a table, one row per key.

    Attributes
    ----------
    file : str
        File beside the data, or name of a table given to ``load``.
    on : Mapping of str to str
        Column of this table = column of the other file (as the files spell them). Exactly one pair.
    columns : Mapping of str to str
        Canonical name (or own attribute) = column of the other file.
    sheet : str
        Sheet, if the other file is a workbook.
    """

    file: str
    on: Mapping[str, str]
    columns: Mapping[str, str]
    sheet: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSettings:
    """How one table is read. Empty means: find out.

    Attributes
    ----------
    file, sheet, encoding, delimiter : str
    header_row : int
        Row of the column names, as a spreadsheet shows it.
    skip_rows : tuple of int
        Rows that are not data (instructions, totals), as a spreadsheet shows them.
    decimal, date_order : str
        For this table only; see :class:`Settings`.
    columns : Mapping of str to str
        Canonical name = column of the source.
    attributes : Mapping of str to str
        Own attribute to group by = column of the source (opportunities only).
    units : Mapping of str to (str or float)
        Canonical column = unit of its numbers, such as ``"万元"`` or 1000.
    constants : Mapping of str to str
        Canonical column = the same value for every row.
    stage_dates : Mapping of str to str
        Stage id = column with the date on which the stage was entered (a history laid out in columns).
    joins : tuple of Join
    """

    file: str = ""
    sheet: str = ""
    header_row: int = 1
    skip_rows: tuple[int, ...] = ()
    encoding: str = ""
    delimiter: str = ""
    decimal: str = ""
    date_order: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str | float] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    stage_dates: Mapping[str, str] = field(default_factory=dict)
    joins: tuple[Join, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything a settings file can say.

    Attributes
    ----------
    path : str
        File it was read from; empty if given as a dict.
    data : str
        Folder or file of the data, relative to the settings file.
    playbook : str, dict or None
        Id of a built-in playbook, path of a playbook file, or ``{"stages": [...]}``.
    as_of, observed_from : str
        ISO dates; empty: not given.
    currency : str
    timezone : str
        IANA name; times with an offset are converted to it.
    date_order : {"", "dmy", "mdy", "ymd"}
        Order of day, month and year where the dates themselves do not tell.
    decimal : {"", ".", ","}
        Decimal sign where the numbers themselves do not tell.
    language : {"", "en", "zh"}
    horizon_days, confidence_level : float or None
    by : str
        Attribute that reports are made for.
    crm : str
        Preset of the source (a file of ``data/crm``), ``"none"``, or empty: recognised by its headers.
    on_problem : {"stop", "drop"}
        What happens to rows with a problem: nothing is loaded, or exactly those are left out and counted.
    problems : Mapping of str to str
        Code of one problem = ``"stop"``, ``"drop"`` or ``"keep"``.
    amount_known : {"at_entry", "at_close"}
        Whether the amount is known while a deal is open, or is written at the close.
    zero_amount : {"amount", "unknown"}
        Whether 0 is an amount or stands for not known.
    deleted : {"drop", "keep"}
        What happens to rows that the source marks as deleted.
    tables : Mapping of str to TableSettings
    stages, outcomes : Mapping of str to str
        Word of the data = stage id; word of the data = canonical outcome.
    values : Mapping of str to Mapping
        Canonical column = corrections of its values.
    levels : Mapping
        Rule of the priority levels, as ``fn.levels`` takes it.
    calendars : Mapping of str to Calendar
        Business days by name of the calendar: weekend, holidays and extra working days.
    """

    path: str = ""
    data: str = ""
    playbook: str | Mapping[str, Any] | None = None
    as_of: str = ""
    observed_from: str = ""
    currency: str = ""
    timezone: str = ""
    date_order: str = ""
    decimal: str = ""
    language: str = ""
    horizon_days: float | None = None
    confidence_level: float | None = None
    by: str = ""
    crm: str = ""
    on_problem: str = "stop"
    problems: Mapping[str, str] = field(default_factory=dict)
    amount_known: str = "at_entry"
    zero_amount: str = "amount"
    deleted: str = "drop"
    tables: Mapping[str, TableSettings] = field(default_factory=dict)
    stages: Mapping[str, str] = field(default_factory=dict)
    outcomes: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    levels: Mapping[str, Any] = field(default_factory=dict)
    calendars: Mapping[str, Calendar] = field(default_factory=dict)

    @property
    def shown(self) -> str:
        """How messages call the settings."""
        return Path(self.path).name if self.path else "the mapping"

    def table(self, name: str) -> TableSettings:
        """Return the settings of one table, the defaults if there are none."""
        return self.tables.get(name, TableSettings())


def read_settings(source: str | Path | Mapping[str, Any] | Settings | None) -> Settings:
    """What do a settings file, a dict of the same shape, or nothing at all say?

    Parameters
    ----------
    source : path, Mapping, Settings or None

    Returns
    -------
    Settings

    Raises
    ------
    MappingError
        With file and key, for a file that is missing or not TOML, an unknown key, or a value that cannot be.

    Examples
    --------
    >>> read_settings({"currency": "EUR", "decimal": ","}).currency
    'EUR'
    """
    from funnelnb.data.settings_rules import Reader

    if source is None:
        return Settings()
    if isinstance(source, Settings):
        return source
    if not isinstance(source, (str, Path)):
        return Reader("the mapping").settings(dict(source), "")
    path = Path(source)
    try:
        text = path.read_bytes().decode("utf-8-sig")
        content = tomllib.loads(text)
    except OSError as error:
        raise MappingError(
            f"the settings file {path} cannot be read ({error.strerror})",
            expected=f"a TOML file such as {FILE_NAME}",
            hint="check the path",
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MappingError(
            f"{path}: not valid TOML: {error}",
            expected='lines such as key = "value"',
            hint="correct that line",
        ) from None
    return Reader(path.name).settings(content, str(path))
