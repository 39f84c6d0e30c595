"""Which keys may a settings file hold, and what may each be? One rule per key, one message per mistake."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from funnelnb.core import check
from funnelnb.core.errors import MappingError, ParameterError, nearest
from funnelnb.data.calendar import Calendar
from funnelnb.data.clock import zone_of
from funnelnb.data.settings import Join, Settings, TableSettings
from funnelnb.data.tables import OUTCOMES, TABLES, column_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


@dataclass(frozen=True, slots=True)
class Reader:
    """Checks keys and values; knows the file for messages."""

    file: str

    def fail(self, key: str, value: Any, expected: str, hint: str = "") -> MappingError:
        """Return the error for an impossible value."""
        return MappingError(f"{self.file}: {key} = {value!r}", expected=expected, hint=hint)

    def keys(self, where: str, content: Mapping[str, Any], known: Iterable[str]) -> None:
        """Refuse unknown keys, naming the nearest."""
        names = list(known)
        for key in content:
            if key not in names:
                place = f" in [{where}]" if where else ""
                raise MappingError(
                    f"{self.file}: unknown key {key!r}{place}",
                    expected="one of " + ", ".join(names),
                    hint=nearest(key, names),
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
        self.keys(where, content, [one.name for one in fields(TableSettings)])
        known = list(column_names(name))
        taken: dict[str, Any] = {}
        for key, value in content.items():
            place = f"{where}.{key}"
            if key in ("columns", "constants"):
                taken[key] = self.mapping(place, value, known)
            elif key in ("attributes", "stage_dates"):
                taken[key] = self.mapping(place, value)
            elif key == "units":
                taken[key] = self.units(place, value, known)
            elif key == "joins":
                taken[key] = tuple(self.join(place, one) for one in value)
            else:
                taken[key] = _TABLE_RULES[key](self, place, value)
        return TableSettings(**taken)

    def units(self, key: str, value: Any, known: list[str]) -> dict[str, str | float]:
        """Return units by column."""
        if not isinstance(value, dict):
            raise self.fail(key, value, "a table of column = unit")
        self.keys(key, value, known)
        for name, one in value.items():
            if isinstance(one, bool) or not isinstance(one, (str, int, float)):
                raise self.fail(f"{key}.{name}", one, 'a number, or a unit such as "万元" or "k"')
        return dict(value)

    def join(self, key: str, content: Any) -> Join:
        """Return one join."""
        if not isinstance(content, dict):
            raise self.fail(key, content, "a table with file, on and columns")
        self.keys(key, content, ("file", "sheet", "on", "columns"))
        on = content.get("on")
        on = {on: on} if isinstance(on, str) else on
        if not isinstance(on, dict) or len(on) != 1:
            raise self.fail(f"{key}.on", on, 'one column, or { "column here" = "column there" }')
        if not content.get("file") or not content.get("columns"):
            raise self.fail(key, content, "file, on and columns")
        return Join(
            file=self.text(f"{key}.file", content["file"]),
            on=self.mapping(f"{key}.on", on),
            columns=self.mapping(f"{key}.columns", content["columns"]),
            sheet=self.text(f"{key}.sheet", content.get("sheet", "")),
        )


def _choice(*known: str) -> Callable[[Reader, str, Any], str]:
    def rule(reader: Reader, key: str, value: Any) -> str:
        if value not in known:
            raise reader.fail(key, value, "one of " + ", ".join(map(repr, known)), nearest(str(value), known))
        return str(value)

    return rule


def _day(reader: Reader, key: str, value: Any) -> str:
    if isinstance(value, (datetime.date, datetime.datetime)):
        return value.isoformat()
    return reader.text(key, value)


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
    if isinstance(value, list):
        return {"stages": value}
    if isinstance(value, dict):
        reader.keys(key, value, ("stages",))
    elif not isinstance(value, str):
        raise reader.fail(key, value, 'an id, a path, or a list of stages such as ["lead", "offer", "won"]')
    return value


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
    from funnelnb.data.problems import CODES

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


def _levels(reader: Reader, key: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise reader.fail(key, value, "a table such as [levels] with high = 0.7")
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


_CALENDAR_KEYS = ("weekend", "holidays", "workdays")
_DECIMAL = _choice("", ".", ",")
_DATE_ORDER = _choice("", "dmy", "mdy", "ymd")

_RULES: dict[str, Any] = {
    **dict.fromkeys(("data", "currency", "by", "crm"), Reader.text),
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
    "calendars": _calendars,
}

_TABLE_RULES: dict[str, Any] = {
    **dict.fromkeys(("file", "sheet", "encoding", "delimiter"), Reader.text),
    "decimal": _DECIMAL,
    "date_order": _DATE_ORDER,
    "header_row": _row,
    "skip_rows": _rows,
}
