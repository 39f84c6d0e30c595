"""Shapes in which interfaces write records: under keys, within customers, with a type or a name beside a value."""

from __future__ import annotations

import re
from typing import Any

FEWEST_KEYED, MANY_KEYED = 3, 12
"""So many records under keys are a list if all keys hold a digit; from the second number on, whatever the keys."""

DEAL_LISTS = ("opportunities", "deals")
"""How interfaces call the list of deals within a customer."""

LABELS = ("title", "name", "label", "field_name", "field", "key", "custom_field_definition_id")
"""How the name of a field is called that stands beside its value; the most telling first."""

VALUES = (
    "display_value",
    "text",
    "value",
    "number_value",
    "text_value",
    "values",
    "string_value",
    "enum_value",
)
"""How its value is called; the first that holds something counts."""

REFERRED = ("idCustomField", "custom_field_id", "field_id")
"""How the id of a field is called whose name stands in a list of fields."""

SHOWN = (
    "name",
    "plain_text",
    "start",
    "string",
    "number",
    "text",
    "date",
    "checked",
    "content",
    "value",
    "email",
    "id",
)
"""What is shown of a record that is a value; the first that is there."""


def with_lists(content: Any, depth: int = 3) -> Any:
    """Which lists does a content hold where records stand under their keys, or columns under the numbers of rows?

    Examples
    --------
    >>> with_lists({"deals": {"-N1": {"a": 1}, "-N2": {"a": 2}, "-N3": {"a": 3}}})["deals"][0]
    {'id': '-N1', 'a': 1}
    >>> with_lists({"id": {"0": 7, "1": 8}, "stage": {"0": "won", "1": "lost"}})
    [{'id': 7, 'stage': 'won'}, {'id': 8, 'stage': 'lost'}]
    """
    if not isinstance(content, dict) or not depth:
        return content
    inner = [one for one in content.values() if isinstance(one, dict)]
    if len(inner) == len(content) > 1:
        if _by_column(inner):
            return [{name: cells[row] for name, cells in content.items()} for row in inner[0]]
        if _by_key(content):
            return [one if "id" in one else {"id": key, **one} for key, one in content.items()]
    return {name: with_lists(one, depth - 1) for name, one in content.items()}


def _by_column(inner: list[dict[str, Any]]) -> bool:
    """Whether records are columns, as pandas writes them: the same numbers of rows in each, from 0 on."""
    rows = [str(one) for one in range(len(inner[0]))]
    return len(rows) > 1 and all(list(one) == rows for one in inner)


def _by_key(content: dict[str, Any]) -> bool:
    """Whether a record holds others under keys of a machine: many, or all with a digit, and of one shape."""
    if len(content) < FEWEST_KEYED or not (
        len(content) >= MANY_KEYED or all(re.search(r"\d", one) for one in content)
    ):
        return False
    first = set(next(iter(content.values())))
    return all(2 * len(first & set(one)) >= max(len(first), len(one)) > 0 for one in content.values())


def with_deals(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Which deals do records hold that are customers with a list of their deals?

    Examples
    --------
    >>> with_deals([{"id": "A", "opportunities": [{"id": 1}, {"id": 2}]}, {"id": "B", "opportunities": []}])
    [{'id': 1, 'customer_id': 'A'}, {'id': 2, 'customer_id': 'A'}]
    """
    name = next((one for one in DEAL_LISTS if any(_listed(record.get(one)) for record in records)), "")
    if not name or any(_listed(record.get(name)) is None for record in records):
        return records
    rows = []
    for record in records:
        outer = {
            f"customer_{column}": value
            for column, value in record.items()
            if not isinstance(value, dict | list)
        }
        rows += [{**one, **outer} for one in _listed(record.get(name)) or ()]
    return rows


def _listed(value: Any) -> list[dict[str, Any]] | None:
    """Return the records that a value holds, also wrapped ("records"); None if it is no list of records."""
    inner = value.get("records") if isinstance(value, dict) else value
    if inner is None:
        return []
    return inner if isinstance(inner, list) and all(isinstance(one, dict) for one in inner) else None


def with_names(records: list[dict[str, Any]], content: Any) -> list[dict[str, Any]]:
    """Which names have the fields that records call by an id, by the lists of names beside them (Trello)?

    Examples
    --------
    >>> cards = [{"id": "c", "items": [{"idCustomField": "f1", "value": {"number": "5"}}]}]
    >>> with_names(cards, {"cards": cards, "customFields": [{"id": "f1", "name": "Deal value"}]})[0]["items"][0]["name"]
    'Deal value'
    """
    lists = [one for one in content.values() if isinstance(one, list)] if isinstance(content, dict) else []
    names = {
        one["id"]: one["name"]
        for inner in lists
        for one in inner
        if isinstance(one, dict) and isinstance(one.get("id"), str) and isinstance(one.get("name"), str)
    }
    if not names or not any(
        _refers(one) for record in records[:50] for value in record.values() for one in _dicts(value)
    ):
        return records
    return [
        {
            column: [
                {**one, "name": names[_refers(one)]} if _refers(one) in names else one
                for one in _dicts(value)
            ]
            if _dicts(value)
            else value
            for column, value in record.items()
        }
        for record in records
    ]


def _dicts(value: Any) -> list[dict[str, Any]]:
    return value if isinstance(value, list) and all(isinstance(one, dict) for one in value) else []


def _refers(one: dict[str, Any]) -> str:
    return next((str(one[name]) for name in REFERRED if name in one), "")


def as_plain(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What do records hold in which every value has its type beside it, or fields are lists of names and values?

    Parameters
    ----------
    records : list of dict

    Returns
    -------
    list of dict
        With a value of its own for each field; a list of at most one record in all records is that record.

    Examples
    --------
    >>> stage = {"type": "select", "select": {"name": "Won"}}
    >>> as_plain([{"Stage": stage, "n": [{"name": "Value", "number_value": 5}]}])
    [{'Stage': 'Won', 'Value': 5}]
    >>> as_plain([{"stage_id": [4, "Won"], "closed": "2025-01-02"}, {"stage_id": [1, "New"], "closed": False}])
    [{'stage_id': 'Won', 'closed': '2025-01-02'}, {'stage_id': 'New', 'closed': None}]
    """
    shapes: dict[str, list[Any]] = {}
    for record in records:
        for name, value in record.items():
            if isinstance(value, list | dict) and value:
                shapes.setdefault(name, []).append(value)
    records = _without_false(records, shapes)
    pairs = {name for name, found in shapes.items() if all(map(_is_pair, found))}
    named = {name for name, found in shapes.items() if all(map(_is_named, found))}
    single = {name for name, found in shapes.items() if all(map(_is_single, found))} - named
    typed = {name for name, found in shapes.items() if all(isinstance(one, dict) for one in found)}
    if not named | single | typed | pairs:
        return records
    return [
        {
            name: one
            for column, value in record.items()
            for name, one in _columns_of(column, value, named, single, pairs, typed)
            if name == column or name not in record
        }
        for record in records
    ]


def _columns_of(
    column: str, value: Any, named: set[str], single: set[str], pairs: set[str], typed: set[str]
) -> list[tuple[str, Any]]:
    """Return the columns that one value becomes."""
    if column in named and value:
        return [_named(one) for one in value]
    if column in single and value:
        return [(column, value[0])]
    if column in pairs and value:
        return [(column, value[1])]
    return [(column, _untyped(value) if column in typed and isinstance(value, dict) else value)]


def _is_pair(value: Any) -> bool:
    """Whether a value is the id of a record and its name, as Odoo writes what it refers to."""
    return (
        isinstance(value, list)
        and len(value) == 2
        and str(value[0]).isdigit()
        and isinstance(value[1], str)
        and not value[1].isdigit()
    )


def _without_false(records: list[dict[str, Any]], shapes: dict[str, list[Any]]) -> list[dict[str, Any]]:
    """Return the records without the ``false`` that Odoo writes where there is no record, no date and no text."""
    odd = {name for name, found in shapes.items() if all(map(_is_pair, found))}
    if not odd:
        return records
    other = {
        name for record in records for name, value in record.items() if value and not isinstance(value, bool)
    }
    return [
        {name: None if value is False and name in other else value for name, value in record.items()}
        for record in records
    ]


def _is_single(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict)


def _is_named(value: Any) -> bool:
    """Whether a value is a list of fields, each with a name and a value of its own."""
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        return False
    fields = [_named(one)[0] for one in value]
    return (
        all(fields)
        and len(set(fields)) == len(fields)
        and all(any(v in one for v in VALUES) for one in value)
    )


def _named(field: dict[str, Any]) -> tuple[str, Any]:
    """Return name and value of a field."""
    outer = next((one for one in (field.get("column"), field.get("field")) if isinstance(one, dict)), field)
    label = next((str(outer[one]) for one in LABELS if isinstance(outer.get(one), str) and outer[one]), "")
    found = [field[one] for one in VALUES if one in field and field[one] not in (None, "")]
    return label, _shown(found[0]) if found else None


def _untyped(value: dict[str, Any]) -> Any:
    """Return a value without the record that tells its type, also where fields of a record are such values."""
    kind = value.get("type")
    if isinstance(kind, str) and kind in value and kind != "type":
        return _shown(value[kind])
    return {name: _untyped(one) if isinstance(one, dict) else one for name, one in value.items()}


def _shown(value: Any) -> Any:
    """Return what is shown of a value: of a record its name or the one thing it holds, of a list that of its parts."""
    if isinstance(value, dict):
        held = [
            one for one in value.values() if one is not None
        ]  # one of several types, as Google Analytics writes
        return next((value[one] for one in SHOWN if one in value), held[0] if len(held) == 1 else value)
    if isinstance(value, list):
        parts = [_shown(one) for one in value]
        return ", ".join(str(one) for one in parts if one is not None)
    return value
