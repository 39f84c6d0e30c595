"""Does a playbook file have the keys and types that ``schema.json`` allows?

The schema is the one list of keys: editors use it while a playbook is written, this module turns what it
refuses into sentences. Each ``description`` in it doubles as the "expected" of a message.
"""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funnelnb.playbooks.mistake import Mistake, nearest_or

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


_ADDED = {
    "label": 'label = { en = "…", zh = "…" }',
    "stages": "a [[stages]] line for each stage, and under it its id and label",
}
"""What to add where a key is missing, if it is not a text."""

_LANGUAGES = {"en": "English", "zh": "Chinese"}


def shape_mistakes(raw: Mapping[str, Any]) -> list[Mistake]:
    """Return what the schema refuses in `raw`, sorted by place."""
    ordered = sorted(
        _validator().iter_errors(raw),
        key=lambda error: [(str(type(step)), step) for step in error.absolute_path],
    )
    return [mistake for error in ordered for mistake in _told(error, raw)]


@functools.cache
def _validator() -> Any:
    """Return the validator of the schema, made once."""
    import jsonschema

    return jsonschema.Draft7Validator(json.loads(SCHEMA_PATH.read_text(encoding="utf-8")))


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
                    remedy=nearest_or(key, known, "take it out"),
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
    expected = parent["properties"][key]["description"]
    if key in _LANGUAGES:
        found = f"the {_LANGUAGES[key]} text {key!r} is missing"
        return Mistake(
            place=place,
            found=found,
            expected=expected,
            remedy=f'add {key} = "…": every text is there in both languages',
        )
    added = _ADDED.get(key, f'{key} = "…"')
    return Mistake(place=place, found=f"the key {key!r} is missing", expected=expected, remedy=f"add {added}")


def _expected(schema: Mapping[str, Any]) -> str:
    """Return what `schema` asks for, in words."""
    expected = str(schema["description"])
    return f"{expected} (one of {', '.join(schema['enum'])})" if "enum" in schema else expected


def _remedy(error: ValidationError) -> str:
    """Return what to do about a value that the schema refuses."""
    value, kind, description = error.instance, str(error.validator), str(error.schema["description"])
    if kind == "type":
        line = re.search(r"\[\[\w+\]\]", description)
        return (
            f"begin each with {line[0]}, then one key = value per line"
            if line
            else _TYPES[error.validator_value]
        )
    if kind == "enum":
        return nearest_or(str(value), error.validator_value, "use one of these")
    if kind in {"minimum", "maximum"}:
        return (
            f"write {value:g} % as {value / 100:g}" if 1 < value <= 100 else "give the chance as a share of 1"
        )
    if kind == "pattern" and "snake_case" in description:
        return "use lower-case letters, digits and _ here, and the label for the name that people read"
    return f"add {_ADDED['stages']}" if kind == "minItems" else "write the text, or take the key out"


def _shown(value: Any) -> str:
    """Return in words what stands where something else should."""
    if isinstance(value, list | dict):
        kind = "list" if isinstance(value, list) else "table"
        return f"found a {kind}" if value else f"the {kind} is empty"
    text = repr(value) if isinstance(value, str) else str(value).lower()
    return "found " + (text if len(text) <= 60 else text[:57] + "…")
