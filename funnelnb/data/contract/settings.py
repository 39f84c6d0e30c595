"""Which keys may a settings file hold, and what may each be? One rule per key, one message per mistake.

Longer than most modules: every key of the settings has its type, its words and its rule here, in one place.
"""

from __future__ import annotations

import codecs
import datetime
import re
import tomllib
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funnelnb.core import check
from funnelnb.core.errors import MappingError, ParameterError, nearest
from funnelnb.data.contract.calendar import Calendar
from funnelnb.data.contract.clock import zone_of
from funnelnb.data.contract.limits import NAMES as LIMIT_NAMES
from funnelnb.data.contract.limits import Limits
from funnelnb.data.contract.tables import OUTCOMES, TABLES, column_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


# ---- What does the settings file say? ``funnelnb.toml`` ---------------------------------------------------

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
    partial : bool
        Whether rows without a partner are nothing to remark on (leads without a booking).
    """

    file: str
    on: Mapping[str, str]
    columns: Mapping[str, str]
    sheet: str = ""
    partial: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSettings:
    """How one table is read. Empty means: find out.

    Attributes
    ----------
    file, sheet, encoding, delimiter : str
    header : bool or None
        Whether the table has a row of column names; None: found out.
    header_row : int
        Row of the column names, as a spreadsheet shows it; 0: found out.
    quote, escape : str
        Quotation mark of a delimited text, and what stands before one within a text; empty: found out.
    mend : bool
        Whether rows with too few or too many fields are put right where the columns leave no doubt.
    totals : {"drop", "keep"}
        What happens to rows that add up others, to remarks around the table, and to repeated headers.
    limits : Limits
        How large the input may be (``[limits]``, for all tables).
    skip_rows : tuple of int
        Rows that are not data (instructions, totals), as a spreadsheet shows them.
    decimal, date_order : str
        For this table only; see :class:`Settings`.
    columns : Mapping of str to (str or tuple of str)
        Canonical name = column of the source; of several, the first filled one of each row counts; ``""``: no column
        holds it, whatever the headers look like.
    attributes : Mapping of str to str
        Own attribute to group by = column of the source (opportunities only).
    units : Mapping of str to (str or float)
        Canonical column = unit of its numbers, such as ``"万元"`` or 1000.
    constants : Mapping of str to str
        Canonical column = the same value for every row.
    stage_dates : Mapping of str to str
        Stage id = column with the date on which the stage was entered (a history laid out in columns).
    account_columns, role_columns, factor_columns : Mapping of str to str
        What columns of the deals say of their customers: ``money``, ``authority``, ``need``, ``intent``, or ``man`` for
        all three letters in one; buyer role = column with who has it; factor of the assessment = column with its marks.
    joins : tuple of Join
    only : Mapping of str to tuple of str
        Column of the source = values; other rows are not of this table (and are counted in a note).
    newest_by : str
        Date column of a file that holds several rows per deal (a log, weekly snapshots): the last one counts, and the
        first one tells when the deal began.
    lines : {"", "add", "first"}
        Several rows of one deal are its lines (products): their amounts are added up, or each line holds that of
        the deal.
    query : str
        One SELECT that is read instead of a table of a database.
    won_when, lost_when, left_when, open_when : Mapping of str to tuple of str
        Column = values that mean this outcome, whatever the outcome column says; ``"*"`` means any value at all.
    """

    file: str = ""
    sheet: str = ""
    header: bool | None = None
    header_row: int = 0
    quote: str = ""
    escape: str = ""
    mend: bool = True
    totals: str = "drop"
    limits: Limits = field(default_factory=Limits)
    skip_rows: tuple[int, ...] = ()
    encoding: str = ""
    delimiter: str = ""
    decimal: str = ""
    date_order: str = ""
    columns: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    attributes: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str | float] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    stage_dates: Mapping[str, str] = field(default_factory=dict)
    account_columns: Mapping[str, str] = field(default_factory=dict)
    role_columns: Mapping[str, str] = field(default_factory=dict)
    factor_columns: Mapping[str, str] = field(default_factory=dict)
    joins: tuple[Join, ...] = ()
    only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    newest_by: str = ""
    lines: str = ""
    query: str = ""
    won_when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    lost_when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    left_when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    open_when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


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
    as_of_reason : str
        Why nothing is recorded for long before the as-of date.
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
    diagnosis : Mapping
        Thresholds of the rules of a diagnosis, as ``fn.diagnosis.symptoms`` takes them.
    report : Mapping
        What ``funnelnb report`` does where the command line does not say: the keys of :data:`REPORT_KEYS`.
    calendars : Mapping of str to Calendar
        Business days by name of the calendar: weekend, holidays and extra working days.
    limits : Limits
        How large an input may be.
    harm : Mapping of str to float
        Kind of fault in the data (docs/data.md) = largest share that ``funnelnb check --harm`` lets pass.
    rates : Mapping of str to float
        Currency = what one unit of it is worth in `currency`; its amounts are converted.
    deal_url : str
        Address of a deal in the CRM, such as ``https://crm.example/deal/{opportunity_id}``.
    pipeline : str
        The only pipeline that is read, where the source has several; empty: all.
    """

    path: str = ""
    data: str = ""
    playbook: str | Mapping[str, Any] | None = None
    as_of: str = ""
    as_of_reason: str = ""
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
    diagnosis: Mapping[str, Any] = field(default_factory=dict)
    report: Mapping[str, Any] = field(default_factory=dict)
    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    harm: Mapping[str, float] = field(default_factory=dict)
    rates: Mapping[str, float] = field(default_factory=dict)
    deal_url: str = ""
    pipeline: str = ""

    @property
    def shown(self) -> str:
        """How messages call the settings."""
        return Path(self.path).name if self.path else "mapping"

    def table(self, name: str) -> TableSettings:
        """Return the settings of one table, the defaults if there are none."""
        return replace(self.tables.get(name, TableSettings()), limits=self.limits)


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
    if source is None:
        return Settings()
    if isinstance(source, Settings):
        return source
    if isinstance(source, (str, Path)):
        path = Path(source)
        return Reader(path.name).settings(_toml(path), str(path))
    try:
        content = dict(source)
    except (TypeError, ValueError):
        raise MappingError(
            f"the settings are of type {type(source).__name__}",
            expected=f"a file such as {FILE_NAME}, or a dict of the same shape",
            hint="give the path of the file",
        ) from None
    return Reader("mapping").settings(content, "")


def _toml(path: Path) -> dict[str, Any]:
    """Return what a TOML file says.

    Raises
    ------
    MappingError
        It cannot be read, is too large, or is not TOML.
    """
    most = Limits().settings_kb
    try:
        if path.stat().st_size > most * 1000:
            raise MappingError(
                f"the settings file {path} is larger than {most:,} kB",
                expected=f"a TOML file such as {FILE_NAME}",
                hint="check the path: it may be another file",
            )
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except (OSError, ValueError) as error:
        if isinstance(error, (tomllib.TOMLDecodeError, UnicodeDecodeError)) or "integer string" in str(error):
            raise MappingError(
                f"{path}: not valid TOML: {str(error)[:200]}",
                expected='lines such as key = "value"',
                hint="correct that line",
            ) from None
        raise MappingError(
            f"the settings file {str(path)[:200]} cannot be read ({getattr(error, 'strerror', None) or error})",
            expected=f"a TOML file such as {FILE_NAME}",
            hint="check the path",
        ) from None
    except RecursionError:
        raise MappingError(
            f"{path}: values are nested too deeply",
            expected='lines such as key = "value"',
            hint="remove the brackets that are not needed",
        ) from None


# ---- Which keys may a settings file hold, and what may each be? One rule per key, one message per mistake --


@dataclass(frozen=True, slots=True)
class Reader:
    """Checks keys and values; knows the file for messages."""

    file: str

    def fail(self, key: str, value: Any, expected: str, hint: str = "") -> MappingError:
        """Return the error for an impossible value."""
        return MappingError(f"{self.file}: {key[:120]} = {_cut(value)}", expected=expected, hint=hint)

    def keys(self, where: str, content: Mapping[str, Any], known: Iterable[str]) -> None:
        """Refuse unknown keys, naming the nearest."""
        names = list(known)
        for key in content:
            if key not in names:
                place = f" in [{where}]" if where else ""
                table = nearest(str(key)[:100], TABLES)
                if not where and isinstance(content[key], dict) and table.startswith("did you mean"):
                    hint = f"did you mean '[tables.{table[14:-2]}]'?"
                else:
                    hint = nearest(str(key)[:100], names)
                raise MappingError(
                    f"{self.file}: unknown key {_cut(key)}{place}",
                    expected="one of " + ", ".join(names),
                    hint=hint,
                )

    def settings(self, content: dict[str, Any], path: str) -> Settings:
        """Return the whole file's settings."""
        known = [one.name for one in fields(Settings) if one.name != "path"]
        self.keys("", content, known)
        taken = {key: _RULES[key](self, key, value) for key, value in content.items()}
        settings = Settings(path=path, **taken)
        self.keys("values", settings.values, _column_names(settings))
        return settings

    def text(self, key: str, value: Any) -> str:
        """Return a text."""
        if not isinstance(value, str):
            raise self.fail(key, value, "text in quotes")
        if "\x00" in value:
            raise self.fail(key, value, "text without characters that cannot be printed")
        return value

    def mapping(self, key: str, value: Any, known: Iterable[str] | None = None) -> dict[str, str]:
        """Return a table of texts, with keys among `known`."""
        if not isinstance(value, dict):
            raise self.fail(key, value, "a table of name = value")
        if known is not None:
            self.keys(key, value, known)
        return {str(name): self.text(f"{key}.{name}", one) for name, one in value.items()}

    def table(self, where: str, name: str, content: Any) -> TableSettings:
        """Return the settings of the table `name`."""
        if not isinstance(content, dict):
            raise self.fail(where, content, "a table of keys")
        self.keys(where, content, [one.name for one in fields(TableSettings) if one.name != "limits"])
        known = list(column_names(name))
        taken: dict[str, Any] = {}
        for key, value in content.items():
            place = f"{where}.{key}"
            if key == "constants":
                taken[key] = self.mapping(place, value, known)
            elif key == "columns":
                taken[key] = self.columns(place, value, known)
            elif key in ("only", "won_when", "lost_when", "left_when", "open_when"):
                taken[key] = self.conditions(place, value)
            elif key in ("attributes", "stage_dates", "account_columns", "role_columns", "factor_columns"):
                taken[key] = self.mapping(place, value)
            elif key == "units":
                taken[key] = self.units(place, value, known)
            elif key == "joins":
                if not isinstance(value, list):
                    raise self.fail(place, value, "a list of tables with file, on and columns")
                taken[key] = tuple(self.join(place, one) for one in value)
            else:
                taken[key] = _TABLE_RULES[key](self, place, value)
        return TableSettings(**taken)

    def columns(self, key: str, value: Any, known: list[str]) -> dict[str, str | tuple[str, ...]]:
        """Return columns, each one name or a list of them."""
        if not isinstance(value, dict):
            raise self.fail(key, value, "a table of name = column")
        self.keys(key, value, known)
        taken: dict[str, str | tuple[str, ...]] = {}
        for name, one in value.items():
            if isinstance(one, list) and one and all(isinstance(part, str) for part in one):
                taken[name] = tuple(one)
            elif isinstance(one, str):
                taken[name] = one
            else:
                raise self.fail(
                    f"{key}.{name}", one, 'a column in quotes, or a list such as ["won on", "lost on"]'
                )
        return taken

    def conditions(self, key: str, value: Any) -> dict[str, tuple[str, ...]]:
        """Return columns with the values that are meant."""
        if not isinstance(value, dict):
            raise self.fail(key, value, 'a table such as { "Active" = "False" }')
        taken = {}
        for name, one in value.items():
            several = one if isinstance(one, list) else [one]
            if not several or not all(isinstance(part, (str, int, float, bool)) for part in several):
                raise self.fail(f"{key}.{name}", one, 'a value, or a list of values; "*" for any')
            taken[str(name)] = tuple(str(part) for part in several)
        return taken

    def units(self, key: str, value: Any, known: list[str]) -> dict[str, str | float]:
        """Return units by column."""
        if not isinstance(value, dict):
            raise self.fail(key, value, "a table of column = unit")
        self.keys(key, value, known)
        for name, one in value.items():
            if isinstance(one, bool) or not isinstance(one, (str, int, float)):
                raise self.fail(f"{key}.{name}", one, 'a number, or a unit such as "万元" or "k"')
            if not isinstance(one, str) and not _is_usable(one):
                raise self.fail(f"{key}.{name}", one, "a number above 0, such as 1000")
        return dict(value)

    def join(self, key: str, content: Any) -> Join:
        """Return one join."""
        if not isinstance(content, dict):
            raise self.fail(key, content, "a table with file, on and columns")
        self.keys(key, content, ("file", "sheet", "on", "columns", "partial"))
        on = content.get("on")
        on = {on: on} if isinstance(on, str) else on
        if not isinstance(on, dict) or len(on) != 1:
            raise self.fail(f"{key}.on", on, 'one column, or { "column here" = "column there" }')
        if not content.get("file") or not content.get("columns"):
            raise self.fail(key, content, "file, on and columns")
        if not isinstance(content.get("partial", False), bool):
            raise self.fail(f"{key}.partial", content["partial"], "true or false")
        return Join(
            partial=content.get("partial", False),
            file=self.text(f"{key}.file", content["file"]),
            on=self.mapping(f"{key}.on", on),
            columns=self.mapping(f"{key}.columns", content["columns"]),
            sheet=self.text(f"{key}.sheet", content.get("sheet", "")),
        )


def _cut(value: Any) -> str:
    """Return a value as it would be typed, shortened; never an error, whatever it is."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):
        text = f"a {type(value).__name__} too large to be shown"
    return text if len(text) <= 120 else text[:119] + "…"


def _is_usable(value: float) -> bool:
    return 0 < value < 1e30  # neither NaN nor infinite


def _flag(reader: Reader, key: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise reader.fail(key, value, "true or false")
    return value


def _encoding(reader: Reader, key: str, value: Any) -> str:
    expected = "an encoding of text such as 'utf-8', 'gb18030', 'cp1252'"
    name = reader.text(key, value)
    try:
        found = codecs.lookup(name) if name else None
        lossless = found is None or (
            getattr(found, "_is_text_encoding", True) and found.name not in _NO_FILES
        )
    except (LookupError, ValueError):
        lossless = False
    if not lossless:
        raise reader.fail(
            key, value, expected, nearest(name[:50], ("utf-8", "utf-16", "gb18030", "cp1252", "latin-1"))
        )
    return name


_NO_FILES = ("undefined", "punycode", "idna", "unicode_escape", "raw_unicode_escape", "mbcs", "oem")


def _sign(reader: Reader, key: str, value: Any) -> str:
    r"""Return one character that divides or encloses fields."""
    sign = {"tab": "\t", "\\t": "\t"}.get(text := reader.text(key, value), text)
    if len(sign) > 1 or sign in ("\n", "\r"):
        raise reader.fail(key, value, r"one character, such as ',', ';', '|' or '\t'")
    if key.endswith("delimiter") and sign in ('"', "'"):
        raise reader.fail(key, value, "a delimiter, not a quotation mark")
    return sign


def _limits(reader: Reader, key: str, value: Any) -> Limits:
    if not isinstance(value, dict):
        raise reader.fail(key, value, "a table such as [limits] with columns = 10000")
    reader.keys(key, value, LIMIT_NAMES)
    for name, one in value.items():
        if isinstance(one, bool) or not isinstance(one, int) or not 1 <= one < 2**62:
            raise reader.fail(f"{key}.{name}", one, "a whole number of 1 or more")
    return Limits(**value)


def _choice(*known: str) -> Callable[[Reader, str, Any], str]:
    def rule(reader: Reader, key: str, value: Any) -> str:
        if not isinstance(value, str) or value not in known:
            hint = nearest(value[:50], known) if isinstance(value, str) else ""
            raise reader.fail(key, value, "one of " + ", ".join(map(repr, known)), hint)
        return str(value)

    return rule


def _day(reader: Reader, key: str, value: Any) -> str:
    if isinstance(value, (datetime.date, datetime.datetime)):
        return value.isoformat()
    said = reader.text(key, value)
    try:
        if said:
            check.timestamp(key, said)
    except ParameterError as error:
        raise reader.fail(key, value, error.expected, error.hint) from None
    return said


def _number(reader: Reader, key: str, value: Any) -> float:
    rule = {"horizon_days": check.horizon_days, "confidence_level": check.confidence_level}[key]
    try:
        return rule(value)
    except ParameterError as error:
        raise reader.fail(key, value, error.expected) from None


def _row(reader: Reader, key: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise reader.fail(key, value, "a row number as a spreadsheet shows it, 1 or more")
    return value


def _rows(reader: Reader, key: str, value: Any) -> tuple[int, ...]:
    if not isinstance(value, list):
        raise reader.fail(key, value, "a list of row numbers")
    return tuple(_row(reader, key, one) for one in value)


def _playbook(reader: Reader, key: str, value: Any) -> str | dict[str, Any]:
    if isinstance(value, dict):
        reader.keys(key, value, ("stages",))
        value = value.get("stages")
        if not isinstance(value, list):
            raise reader.fail(f"{key}.stages", value, 'a list of stages such as ["lead", "offer", "won"]')
    if isinstance(value, list):
        for one in value:
            reader.text(key, one)
        return {"stages": value}
    if not isinstance(value, str):
        raise reader.fail(key, value, 'an id, a path, or a list of stages such as ["lead", "offer", "won"]')
    return reader.text(key, value)


def _timezone(reader: Reader, key: str, value: Any) -> str:
    try:
        return zone_of(key, reader.text(key, value))
    except ParameterError as error:
        raise reader.fail(key, value, error.expected, error.hint) from None


def _outcomes(reader: Reader, key: str, value: Any) -> dict[str, str]:
    taken = reader.mapping(key, value)
    for name, one in taken.items():
        _choice(*OUTCOMES)(reader, f"{key}.{name}", one)
    return taken


def _problems(reader: Reader, key: str, value: Any) -> dict[str, str]:
    from funnelnb.data.contract.problems import CODES

    taken = reader.mapping(key, value, CODES)
    for name, one in taken.items():
        _choice(*CODES[name].choices)(reader, f"{key}.{name}", one)
    return taken


def _values(reader: Reader, key: str, value: Any) -> dict[str, dict[str, str]]:
    if not isinstance(value, dict):
        raise reader.fail(key, value, "tables of corrections, such as [values.product]")
    return {name: reader.mapping(f"{key}.{name}", one) for name, one in value.items()}


def _column_names(settings: Settings) -> list[str]:
    """Return every column that the settings can correct: the contract's, own ones, joined ones."""
    names = [name for table in TABLES for name in column_names(table)]
    for table in settings.tables.values():
        names += [*table.attributes, *(name for join in table.joins for name in join.columns)]
    return list(dict.fromkeys(names))


def _tables(reader: Reader, key: str, value: Any) -> dict[str, TableSettings]:
    if not isinstance(value, dict):
        raise reader.fail(key, value, "tables such as [tables.opportunities]")
    reader.keys(key, value, TABLES)
    return {name: reader.table(f"{key}.{name}", name, one) for name, one in value.items()}


REPORT_KEYS: Mapping[str, tuple[str, tuple[type, ...]]] = {
    "by": ('an attribute or a list of them, such as ["region", "team"]', (str, list)),
    "notebooks": ('"all", or a list of names', (str, list)),
    "only": ("a list of values", (list,)),
    "whole": ("true or false", (bool,)),
    "out": ("a folder", (str,)),
    "jobs": ("a whole number", (int,)),
    "retries": ("a whole number", (int,)),
    "timeout": ("seconds", (int, float)),
    "report_timeout": ("seconds", (int, float)),
    "code": ("true or false", (bool,)),
    "standalone": ("true or false", (bool,)),
    "deals": ("true or false", (bool,)),
    "digest": ("true or false", (bool,)),
    "fail_on": ("a list of rules", (list,)),
    "dask": ("the address of a scheduler", (str,)),
    "parameters": ("a table of name = value", (dict,)),
}
"""Key of the table ``[report]`` = what it takes, and the types of that."""


def _report(reader: Reader, key: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise reader.fail(key, value, 'a table such as [report] with by = "region"')
    reader.keys(key, value, list(REPORT_KEYS))
    for name, one in value.items():
        expected, kinds = REPORT_KEYS[name]
        listed = isinstance(one, list) and not all(isinstance(each, str) for each in one)
        if not isinstance(one, kinds) or (isinstance(one, bool) and bool not in kinds) or listed:
            raise reader.fail(f"{key}.{name}", one, expected)
    return dict(value)


def _harm(reader: Reader, key: str, value: Any) -> dict[str, float]:
    return _numbers(reader, key, value, "shares between 0 and 1, such as undated_wins = 0.02", 1.0)


def _rates(reader: Reader, key: str, value: Any) -> dict[str, float]:
    """Return what one unit of other currencies is worth in that of the book."""
    found = _numbers(reader, key, value, "amounts above 0, such as USD = 0.92", float("inf"))
    if any(one <= 0 for one in found.values()):
        raise reader.fail(key, value, "amounts above 0, such as USD = 0.92")
    return {name.upper(): one for name, one in found.items()}


def _numbers(reader: Reader, key: str, value: Any, expected: str, most: float) -> dict[str, float]:
    if not isinstance(value, dict):
        raise reader.fail(key, value, f"a table of {expected}")
    for name, one in value.items():
        if (
            not isinstance(one, int | float)
            or isinstance(one, bool)
            or not 0 <= one <= most
            or one == float("inf")
        ):
            raise reader.fail(f"{key}.{name}", one, expected)
    return {name: float(one) for name, one in value.items()}


def _levels(reader: Reader, key: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise reader.fail(key, value, "a table such as [levels] with high = 0.7")
    return value


def _diagnosis(reader: Reader, key: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise reader.fail(key, value, "tables such as [diagnosis.few_opportunities] with alarm = 15")
    return value


def _calendars(reader: Reader, key: str, value: Any) -> dict[str, Calendar]:
    """Return the calendars; all problems of all of them at once."""
    if not isinstance(value, dict):
        raise reader.fail(key, value, "tables such as [calendars.works]")
    made, problems = {}, []
    for name, content in value.items():
        place = f"{key}.{name}"
        if not isinstance(content, dict):
            problems.append(f"{place} is not a table of keys")
            continue
        reader.keys(place, content, _CALENDAR_KEYS)
        try:
            made[name] = Calendar(name=name, **content)
        except ParameterError as error:
            problems.append(f"{place}: " + error.found.partition(": ")[2])
    if problems:
        expected = (
            'weekend = ["saturday", "sunday"], holidays and workdays = lists of dates such as 2026-10-01'
        )
        raise MappingError(f"{reader.file}: " + "; ".join(problems), expected=expected)
    return made


_URL = re.compile(r"https?://[^\s<>\"'{}]+(?:\{(?:opportunity_id|account_id)\}[^\s<>\"'{}]*)+")


def _deal_url(reader: Reader, key: str, value: Any) -> str:
    if isinstance(value, str) and (not value or ("{opportunity_id}" in value and _URL.fullmatch(value))):
        return value
    expected = "an address such as https://crm.example/deal/{opportunity_id}"
    raise reader.fail(key, value, expected)


_CALENDAR_KEYS = ("weekend", "holidays", "workdays")
_DECIMAL = _choice("", ".", ",")
_DATE_ORDER = _choice("", "dmy", "mdy", "ymd")

_RULES: dict[str, Any] = {
    **dict.fromkeys(("data", "currency", "by", "crm", "as_of_reason", "pipeline"), Reader.text),
    **dict.fromkeys(("as_of", "observed_from"), _day),
    **dict.fromkeys(("horizon_days", "confidence_level"), _number),
    "playbook": _playbook,
    "timezone": _timezone,
    "date_order": _DATE_ORDER,
    "decimal": _DECIMAL,
    "language": _choice("", "en", "zh"),
    "on_problem": _choice("stop", "drop"),
    "problems": _problems,
    "amount_known": _choice("at_entry", "at_close"),
    "zero_amount": _choice("amount", "unknown"),
    "deleted": _choice("drop", "keep"),
    "tables": _tables,
    "stages": Reader.mapping,
    "outcomes": _outcomes,
    "values": _values,
    "levels": _levels,
    "diagnosis": _diagnosis,
    "report": _report,
    "calendars": _calendars,
    "limits": _limits,
    "harm": _harm,
    "rates": _rates,
    "deal_url": _deal_url,
}

_TABLE_RULES: dict[str, Any] = {
    **dict.fromkeys(("file", "sheet", "newest_by", "query"), Reader.text),
    **dict.fromkeys(("delimiter", "quote", "escape"), _sign),
    **dict.fromkeys(("header", "mend"), _flag),
    "encoding": _encoding,
    "totals": _choice("drop", "keep"),
    "lines": _choice("", "add", "first"),
    "decimal": _DECIMAL,
    "date_order": _DATE_ORDER,
    "header_row": _row,
    "skip_rows": _rows,
}
