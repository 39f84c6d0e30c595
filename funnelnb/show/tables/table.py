"""One table specification, five forms: data frame, plain text, Markdown, HTML and spreadsheet.

A :class:`Table` says which rows of a result it shows and which fields stand in its columns; a :class:`Grid`
is the finished text of it in one language. The writers in ``grid.py`` turn a grid into text, Markdown or
HTML.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.analysis.shared.caveats import LEFT_OUT, WITHHELD
from funnelnb.playbooks.model import Label
from funnelnb.show.tables.grid import Grid, GridRow, Head
from funnelnb.show.text.number import NUMERIC, Scale
from funnelnb.show.text.words import Words, words_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table.

    Attributes
    ----------
    field : str
        Field of the row; label, definition and unit come from the field dictionary.
    lower, upper : str
        Fields of the bounds, where the column shows a rate with its interval.
    head : str
        Key under ``tables.<table>.heads`` when it differs from `field`.
    cell : callable or None
        ``cell(result, row, words) -> str`` where the words are not simply the field's value.
    prose : bool
        The cells hold words although the field is a number: they stand at the left and may be broken.
    always : bool
        Show the value even where there are too few deals to say.
    keep : callable or None
        ``keep(result, rows) -> bool``: leave the column out when it says nothing.
    """

    field: str
    lower: str = ""
    upper: str = ""
    head: str = ""
    cell: Callable[[Any, Any, Words], str] | None = None
    prose: bool = False
    always: bool = False
    keep: Callable[[Any, Sequence[Any]], bool] | None = None


def _any_named(_: Any, rows: Sequence[Any]) -> bool:
    """Whether anything is known of the customers but the ids of their deals."""
    return any(row.customer and row.customer != row.opportunity_id for row in rows)


CUSTOMER = Column(field="customer", keep=_any_named)
"""The first column of every table of deals: who it is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table of a result.

    Attributes
    ----------
    name : str
        Key under ``tables`` in the language files; name of the sheet in a workbook.
    rows : callable
        ``rows(result) -> rows``, dataclasses with a field for each column.
    columns : tuple of Column
    stub : int
        How many of the first columns name the row rather than measure it.
    shown : callable
        Whether the table stands under the result when it is shown; otherwise it is for export only.
    strong : callable
        Whether a row is a total.
    """

    name: str
    rows: Callable[[Any], Sequence[Any]]
    columns: tuple[Column, ...]
    stub: int = 1
    shown: Callable[[Any], bool] = lambda _: True
    strong: Callable[[Any], bool] = lambda _: False


def enough(row: Any) -> bool:
    """Return whether a row has enough deals to show its rates."""
    return bool(getattr(row, "enough", getattr(row, "verdict", "") != "too_few"))


def withheld(result: Any) -> bool:
    """Return whether a result holds no deal although the data hold some: its notes say why, and no row does."""
    return not getattr(result, "n", 1) and any(note.code in WITHHELD for note in result.notes)


ROWS_MOST = 1_000
"""Rows of a table on a page or in a message, beside its total; frames and workbooks have all of them."""


def rows_shown(table: Table, result: Any) -> Sequence[Any]:
    """Return the rows that a reader sees: none where a result is withheld, of very many the first and the total."""
    return () if withheld(result) else first_rows(table.rows(result), table.strong)


def first_rows(rows: Sequence[Any], strong: Callable[[Any], bool]) -> Sequence[Any]:
    """Return the first ROWS_MOST of `rows`, and the last where it is a total."""
    if len(rows) <= ROWS_MOST + 1:
        return rows
    return [*rows[:ROWS_MOST], *(row for row in rows[-1:] if strong(row))]


def captioned(caption: str, shown_n: int, rows_n: int, say: Words) -> str:
    """Return the caption of a table, which says so where not all its rows are shown."""
    if shown_n == rows_n:
        return caption
    told = say.say("words.rows_first", shown_n=min(shown_n, ROWS_MOST), rows_n=rows_n)
    return " · ".join(part for part in (caption, told) if part)


def placeholders(result: Any, say: Words) -> dict[str, Any]:
    """Return what captions, heads and sentences may name: the result's plain fields, spelled where needed."""
    plain = {
        field.name: getattr(result, field.name)
        for field in dataclasses.fields(result)
        if say.unit(field.name, type(result).__name__) != "rows"
    }
    plain["confidence_level"] = say.numbers.level(result.confidence_level)
    if plain.get("by"):
        plain["by"] = say.attributes(result.by)
    if "period" in plain:
        plain["period"] = say.get(f"periods.{result.period}")
    if "to" in plain:
        plain["to"] = say.get(f"durations.to.{result.to}")
    return plain


def build(
    table: Table, result: Any, lang: str | None = None, lists: Callable[[Any, str], str] | None = None
) -> Grid:
    """Return `table` of `result` as finished text in one language.

    `lists` names the list of deals behind a field of a row; None: there are none.
    """
    say = words_of(result, lang)
    rows = rows_shown(table, result)
    columns = [column for column in table.columns if column.keep is None or column.keep(result, rows)]
    scale = _scale(columns, rows, say)
    named, by = placeholders(result, say), tuple(getattr(result, "by", ()))
    finished = tuple(
        GridRow(
            cells=tuple(_cell(column, result, row, say, scale) for column in columns),
            strong=table.strong(row),
            lists=tuple("" if column.cell else lists(row, column.field) for column in columns)
            if lists
            else (),
        )
        for row in rows
    )
    caption = say.fill(say.get(f"tables.{table.name}.caption"), named)
    return Grid(
        caption=captioned(caption, len(rows), 0 if withheld(result) else len(table.rows(result)), say),
        heads=tuple(_head(table, column, rows, named, say, scale, by) for column in columns),
        rows=finished,
        stub=sum(column in columns for column in table.columns[: table.stub]),
        lang=say.lang,
    )


def _scale(columns: Sequence[Column], rows: Sequence[Any], say: Words) -> Scale:
    owner = type(rows[0]).__name__ if rows else ""
    names = [column.field for column in columns if say.unit(column.field, owner) == "amount"]
    return say.numbers.scale(getattr(row, name) for row in rows for name in names)


def _head(
    table: Table,
    column: Column,
    rows: Sequence[Any],
    named: dict[str, Any],
    say: Words,
    scale: Scale,
    by: tuple[str, ...],
) -> Head:
    owner = type(rows[0]).__name__ if rows else ""
    words_of = say.field(column.field, owner)
    key = f"tables.{table.name}.heads.{column.head or column.field}"
    label = say.fill(say.find(key) or words_of.label, named)
    if column.field == "group" and by:
        label = say.attribute_head(by)
    unit = say.numbers.money_unit(named["currency"], scale) if words_of.unit == "amount" else ""
    if unit:
        label = say.say("language.bracket", label=label, unit=unit)
    numeric = words_of.unit in NUMERIC and not column.prose
    return Head(label=label, definition=words_of.definition, numeric=numeric)


def _cell(column: Column, result: Any, row: Any, say: Words, scale: Scale) -> str:
    if column.cell is not None:
        return column.cell(result, row, say)
    value = getattr(row, column.field)
    if column.field == "group":
        return say.group(value)
    unit = say.unit(column.field, type(row).__name__)
    if column.lower:
        if not column.always and not enough(row):
            left_out = any(note.code in LEFT_OUT for note in result.notes)
            return (
                say.numbers.cell(np.nan, unit) if left_out and np.isnan(value) else say.get("words.too_few")
            )
        lower, upper = getattr(row, column.lower), getattr(row, column.upper)
        write = say.numbers.points_interval if unit == "points" else say.numbers.interval
        return write(value, lower, upper)
    if unit == "amount":
        return say.numbers.bare_amount(value, scale)
    return say.numbers.cell(value, unit)


def frame(table: Table, result: Any) -> pd.DataFrame:
    """Return all fields of the table's rows as a data frame with machine names.

    The group is spread over one column per grouping attribute, a label over its two languages; several words stand
    in one cell; rows that hold arrays (curves) are laid out one row per element. ``frame.attrs`` carries n, method,
    confidence level, as-of date, currency and calendar.
    """
    import pandas as pd

    rows = table.rows(result)
    by = tuple(getattr(result, "by", ()))
    blocks = [_spread(row, by) for row in rows]
    names = list(blocks[0]) if blocks else []
    data = {name: np.concatenate([block[name] for block in blocks]) for name in names}
    made = pd.DataFrame({name: _column(values) for name, values in data.items()})
    made.attrs = {
        name: str(getattr(result, name)) if name == "as_of" else getattr(result, name)
        for name in ("n", "method", "confidence_level", "as_of", "currency", "calendar")
        if hasattr(result, name)
    }
    return made


def _spread(row: Any, by: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Return one row as columns of equal length: 1, or that of its arrays."""
    flat: dict[str, Any] = {}
    taken = {field.name for field in dataclasses.fields(row)}
    for field in dataclasses.fields(row):
        value = getattr(row, field.name)
        if field.name == "group":
            whole = value or ("",) * len(by)
            flat.update({f"by_{a}" if a in taken else a: one for a, one in zip(by, whole, strict=False)})
        elif isinstance(value, Label):
            flat |= {f"{field.name}_en": value.en, f"{field.name}_zh": value.zh}
        else:
            flat[field.name] = ", ".join(map(str, value)) if isinstance(value, tuple) else value
    length = max((len(value) for value in flat.values() if isinstance(value, np.ndarray)), default=1)
    return {
        name: value if isinstance(value, np.ndarray) else np.full(length, value, dtype=_dtype(value))
        for name, value in flat.items()
    }


def _dtype(value: Any) -> Any:
    return object if isinstance(value, str) else None


def _column(values: np.ndarray) -> np.ndarray:
    return values.astype("datetime64[s]") if values.dtype.kind == "M" else values
