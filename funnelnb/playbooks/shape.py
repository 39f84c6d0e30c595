"""Does a playbook file have the keys and types that ``schema.json`` allows?

The schema is the one list of keys: editors use it while a playbook is written, this module turns what it
refuses into sentences. Each ``description`` in it doubles as the "expected" of a message.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funnelnb.core.errors import nearest
from funnelnb.playbooks.mistake import Mistake

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jsonschema import ValidationError  # type: ignore[import-untyped]

SCHEMA_PATH = Path(__file__).parent / "schema.json"
"""The JSON schema of a playbook file, for editors."""

_ITEM = {
    "stages": "stage",
    "edges": "edge",
    "endings": "ending",
    "entry": "entry gate",
    "exit": "exit gate",
    "features": "feature",
    "roles": "role",
    "actions": "action",
    "questions": "question",
    "aliases": "alias",
}
"""What one item of a list is called in a message."""

_TYPES = {
    "array": "make it a list: [ … ]",
    "boolean": "write true or false, without quotes",
    "number": "write a number, without quotes",
    "object": "make it a table: { … }",
    "string": "put it in quotes",
}
"""Remedy for a value of another type than the schema names."""


def shape_mistakes(raw: Mapping[str, Any]) -> list[Mistake]:
    """Return what the schema refuses in `raw`, in the order of the file's keys."""
    import jsonschema

    schema = json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))
    errors = jsonschema.Draft7Validator(schema).iter_errors(raw)
    ordered = sorted(errors, key=lambda error: [(str(type(step)), step) for step in error.absolute_path])
    return [mistake for error in ordered for mistake in _told(error, raw)]


def place_of(raw: Any, path: list[str | int]) -> str:
    """Return in words where `path` leads in `raw`: ``"stage 3 'visit', key 'label.zh'"``."""
    words: list[str] = []
    keys: list[str] = []
    at = raw
    for step in path:
        at = at[step]
        if isinstance(step, int) and keys:
            item = _ITEM.get(keys.pop(), "item")
            words += [f"key {'.'.join(keys)!r}"] if keys else []
            keys = []
            name = at.get("id") if isinstance(at, dict) else None
            words.append(f"{item} {step + 1}" + (f" {name!r}" if isinstance(name, str) else ""))
        else:
            keys.append(str(step))
    words += [f"key {'.'.join(keys)!r}"] if keys else []
    return ", ".join(words)


def _told(error: ValidationError, raw: Mapping[str, Any]) -> Iterator[Mistake]:
    """Yield the mistakes behind one refusal of the schema."""
    path = list(error.absolute_path)
    schema: Mapping[str, Any] = error.schema
    if error.validator == "required":
        for key in error.validator_value:
            if key not in error.instance:
                yield _missing(key, schema, place_of(raw, path))
    elif error.validator == "additionalProperties":
        known = list(schema["properties"])
        for key in error.instance:
            if key not in known:
                yield Mistake(
                    place=place_of(raw, path),
                    found=f"unknown key {key!r}",
                    expected="one of " + ", ".join(known),
                    remedy=nearest(key, known).replace("known: ", "take it out, or use one of: "),
                )
    else:
        yield Mistake(
            place=place_of(raw, path),
            found=_shown(error.instance),
            expected=_expected(schema),
            remedy=_remedy(error),
        )


def _missing(key: str, parent: Mapping[str, Any], place: str) -> Mistake:
    """Return the mistake of a key that is not there."""
    language = {"en": "English", "zh": "Chinese"}.get(key)
    return Mistake(
        place=place,
        found=f"the {language} text {key!r} is missing" if language else f"the key {key!r} is missing",
        expected=parent["properties"][key]["description"],
        remedy=f'add {key} = "…": every text is there in both languages' if language else f"add {key} = …",
    )


def _expected(schema: Mapping[str, Any]) -> str:
    """Return what `schema` asks for, in words."""
    expected = str(schema["description"])
    return f"{expected}: one of {', '.join(schema['enum'])}" if "enum" in schema else expected


def _remedy(error: ValidationError) -> str:
    """Return what to do about a value that the schema refuses."""
    value, kind, description = error.instance, str(error.validator), str(error.schema["description"])
    if kind == "type":
        table = "[[" in description
        return (
            "begin it with the double-bracket line, then one key = value per line"
            if table
            else _TYPES[error.validator_value]
        )
    if kind == "enum":
        return nearest(str(value), error.validator_value)
    if kind in {"minimum", "maximum"}:
        return (
            f"write {value:g} % as {value / 100:g}" if 1 < value <= 100 else "give the chance as a share of 1"
        )
    if kind == "pattern" and "snake_case" in description:
        return "use lower-case letters, digits and _ here, and the label for the name that people read"
    return "add at least one" if kind == "minItems" else "write the text, or take the key out"


def _shown(value: Any) -> str:
    """Return `value` as a message shows it, shortened."""
    if value == []:
        return "the list is empty"
    text = repr(value)
    return "found " + (text if len(text) <= 60 else text[:57] + "…")
