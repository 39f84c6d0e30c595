"""Settings as a TOML file that a person can read and correct: one line per thing, with comments."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_BARE = re.compile(r"^[A-Za-z0-9_-]+$")
_DATE = re.compile(r"^\d{4}-\d{2}-\d{2}$")


def key(name: str) -> str:
    """Return a key as TOML writes it.

    Examples
    --------
    >>> key("amount"), key("Closed Won")
    ('amount', '"Closed Won"')
    """
    return name if _BARE.match(name) else text(name)


def text(value: str) -> str:
    """Return a text as TOML writes it."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def value(content: Any, name: str = "") -> str:
    """Return any value as TOML writes it on one line."""
    if isinstance(content, bool):
        return "true" if content else "false"
    if isinstance(content, str):
        return content if name in ("as_of", "observed_from") and _DATE.match(content) else text(content)
    if isinstance(content, dict):
        inside = ", ".join(f"{key(one)} = {value(other)}" for one, other in content.items())
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(content, (list, tuple)):
        return "[" + ", ".join(map(value, content)) + "]"
    return str(content)


def as_toml(document: Mapping[str, Any], comments: Mapping[str, Sequence[str]]) -> str:
    """Return a settings document as a TOML file.

    Parameters
    ----------
    document : Mapping
        As a settings file holds it.
    comments : Mapping of str to sequence of str
        Dotted place = lines that stand before it; ``""``: the head of the file.

    Examples
    --------
    >>> print(as_toml({"currency": "EUR", "stages": {"Angebot": "Offer"}}, {"currency": ["as the header says"]}))
    # as the header says
    currency = "EUR"
    <BLANKLINE>
    [stages]
    Angebot = "Offer"
    <BLANKLINE>
    """
    lines = _commented(comments, "")
    if lines:
        lines.append("")
    tables = {name: part for name, part in document.items() if isinstance(part, dict) and name != "playbook"}
    for name, content in document.items():
        if name not in tables:
            lines += [*_commented(comments, name), f"{key(name)} = {value(content, name)}"]
    for name, part in tables.items():
        if name == "tables":
            for table, own in part.items():
                lines += _table(table, own, comments)
        elif name == "values":
            for column, fixes in part.items():
                lines += ["", *_commented(comments, f"values.{column}"), f"[values.{key(column)}]"]
                lines += [f"{key(one)} = {value(other)}" for one, other in fixes.items()]
        else:
            lines += ["", *_commented(comments, name), f"[{key(name)}]"]
            for one, other in part.items():
                lines += [*_commented(comments, f"{name}.{one}"), f"{key(one)} = {value(other)}"]
    return "\n".join(lines) + "\n"


def _commented(comments: Mapping[str, Sequence[str]], place: str) -> list[str]:
    return [f"# {' '.join(line.split())}" for line in comments.get(place, ())]


def _table(table: str, own: Mapping[str, Any], comments: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the lines of one table; columns stand one by one, joins behind."""
    place = f"tables.{table}"
    lines = ["", *_commented(comments, place), f"[{place}]"]
    for name, content in own.items():
        if name not in ("columns", "joins"):
            lines += [*_commented(comments, f"{place}.{name}"), f"{key(name)} = {value(content)}"]
    if own.get("columns"):
        lines += ["", *_commented(comments, f"{place}.columns"), f"[{place}.columns]"]
        lines += [f"{key(name)} = {value(source)}" for name, source in own["columns"].items()]
    for join in own.get("joins", ()):
        lines += ["", f"[[{place}.joins]]"]
        lines += [f"{key(name)} = {value(content)}" for name, content in join.items()]
    return lines
