"""Is a playbook file right? Its keys and types, whether its parts agree, and every mistake with its place."""

from __future__ import annotations

import functools
import json
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funnelnb.core.errors import PlaybookError, nearest
from funnelnb.playbooks.model import fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from jsonschema import ValidationError  # type: ignore[import-untyped]


# ---- Mistakes in a playbook, with their place, so that all of them can be told at once ---------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """One mistake in a playbook.

    Attributes
    ----------
    place : str
        Where it is, such as ``"stage 3 'visit', key 'win_weight'"``; empty for the whole file.
    found, expected, remedy : str
        What is wrong, what would be right, what to do.
    """

    found: str
    expected: str
    remedy: str
    place: str = ""

    @property
    def headline(self) -> str:
        """Place and finding in one line."""
        return f"{self.place}: {self.found}" if self.place else self.found


def playbook_error(path: str, mistakes: Iterable[Mistake]) -> PlaybookError:
    """Return one error that tells all `mistakes` of the playbook at `path`, each of them once."""
    once = list(dict.fromkeys(mistakes))
    if len(once) == 1:
        only = once[0]
        joint = ", " if only.place else ": "
        return PlaybookError(f"{path}{joint}{only.headline}", expected=only.expected, hint=only.remedy)
    told = [
        f"  {mistake.headline}\n    expected: {mistake.expected}\n    remedy:   {mistake.remedy}"
        for mistake in once
    ]
    return PlaybookError("\n".join([f"{path} has {len(once)} mistakes:", *told]))


def nearest_or(name: str, known: Iterable[str], otherwise: str) -> str:
    """Return the nearest known name as a question, or the advice `otherwise`."""
    hint = nearest(name, known)
    return hint if hint.startswith("did you mean") else otherwise


# ---- Does a playbook file have the keys and types that ``schema.json`` allows? -----------------------------

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
    return [mistake for error in ordered for mistake in _mistakes_behind(error, raw)]


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


def _mistakes_behind(error: ValidationError, raw: Mapping[str, Any]) -> Iterator[Mistake]:
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


# ---- Do the parts of a playbook agree with each other? What no schema can say ------------------------------

WON_NAMES = frozenset(map(fold, ("won", "win", "closed won", "赢单", "已赢单", "成交", "已成交", "成单")))
"""Names (folded) that can only mean the won stage."""

LOST_NAMES = frozenset(map(fold, ("lost", "closed lost", "invalid", "输单", "丢单", "失单", "战败", "无效")))
"""Names (folded) of outcomes that people list among their stages."""

_RANK = {"working": 0, "won": 1, "after_sale": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What the checks need to know of one item (a stage or an ending), as far as its shape is right.

    Attributes
    ----------
    place : str
        The item in words, such as ``"stage 3 'visit'"``.
    id : str
        Empty where it is missing.
    kind : str
        Kind of a stage, outcome of an ending.
    names : tuple of (str, str)
        Key and text of each name by which data may call the item.
    weights : tuple of (str, float)
        Key and value of each win weight.
    gates : tuple of str
        Ids of its gates.
    """

    place: str
    id: str
    kind: str
    names: tuple[tuple[str, str], ...]
    weights: tuple[tuple[str, float], ...] = ()
    gates: tuple[str, ...] = ()


def sense_mistakes(raw: Mapping[str, Any]) -> list[Mistake]:
    """Return everything in `raw` that contradicts itself."""
    stages = [_stage(number, item) for number, item in _items(raw, "stages")]
    endings = [_ending(number, item) for number, item in _items(raw, "endings")]
    return [
        *_repeated_ids(stages),
        *_repeated_ids(endings),
        *_repeated_gates(stages),
        *_kinds(stages),
        *_order(stages),
        *_outcomes_as_stages(stages),
        *_weights(stages),
        *_names(stages, endings),
        *_edges(raw, stages),
        *_remedies(raw, stages),
        *_cycle(raw),
    ]


def with_won_place(kinds: Sequence[str]) -> int:
    """Return where the implicit won stage goes among stages of these kinds: behind the last working one."""
    return max((k + 1 for k, kind in enumerate(kinds) if kind == "working"), default=0)


def _items(raw: Mapping[str, Any], key: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield 1-based number and table of each item in the list `raw[key]`."""
    found = raw.get(key)
    for number, item in enumerate(found if isinstance(found, list) else [], start=1):
        if isinstance(item, dict):
            yield number, item


def _texts(value: Any) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _place(kind: str, number: int, item: Mapping[str, Any]) -> str:
    name = item.get("id")
    return f"{kind} {number} {name!r}" if isinstance(name, str) else f"{kind} {number}"


def _item_names(item: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return key and text of each name of a stage or an ending."""
    label = item.get("label")
    labels = label if isinstance(label, dict) else {}
    pairs = [("id", item.get("id")), ("label.en", labels.get("en")), ("label.zh", labels.get("zh"))]
    pairs += [("aliases", alias) for alias in _texts(item.get("aliases"))]
    return tuple((key, text) for key, text in pairs if isinstance(text, str) and text.strip())


def _stage(number: int, item: Mapping[str, Any]) -> Draft:
    weights = [(key, item.get(key)) for key in ("win_weight", "win_weight_exit")]
    gates = [gate for key in ("entry", "exit") for _, gate in _items(item, key)]
    return Draft(
        place=_place("stage", number, item),
        id=item["id"] if isinstance(item.get("id"), str) else "",
        kind=str(item.get("kind", "working")),
        names=_item_names(item),
        weights=tuple(
            (key, float(value))
            for key, value in weights
            if isinstance(value, int | float) and not isinstance(value, bool)
        ),
        gates=tuple(gate["id"] for gate in gates if isinstance(gate.get("id"), str)),
    )


def _ending(number: int, item: Mapping[str, Any]) -> Draft:
    return Draft(
        place=_place("ending", number, item),
        id=item["id"] if isinstance(item.get("id"), str) else "",
        kind=str(item.get("outcome", "")),
        names=_item_names(item),
    )


def _repeated_ids(items: Sequence[Draft]) -> Iterator[Mistake]:
    first: dict[str, Draft] = {}
    for item in items:
        if item.id and first.setdefault(item.id, item) is not item:
            yield Mistake(
                place=f"{item.place}, key 'id'",
                found=f"the id {item.id!r} is already that of {first[item.id].place}",
                expected="an id of its own for each stage and each ending",
                remedy="rename one of the two",
            )


def _repeated_gates(stages: Sequence[Draft]) -> Iterator[Mistake]:
    counts = Counter(gate for stage in stages for gate in stage.gates)
    for gate, count in counts.items():
        if count > 1:
            where = " and ".join(dict.fromkeys(stage.place for stage in stages if gate in stage.gates))
            yield Mistake(
                place=where,
                found=f"the gate id {gate!r} is used {count} times",
                expected="an id of its own for each gate of the playbook",
                remedy="rename all but one of them",
            )


def _kinds(stages: Sequence[Draft]) -> Iterator[Mistake]:
    """Exactly one stage is won (none written: one is added), at least one is working."""
    won = [stage for stage in stages if stage.kind == "won"]
    for extra in won[1:]:
        yield Mistake(
            place=f"{extra.place}, key 'kind'",
            found=f"a second won stage, besides {won[0].place}",
            expected="exactly one stage of kind won",
            remedy='make it kind = "working" or kind = "after_sale"',
        )
    if (
        stages
        and not any(stage.kind == "working" for stage in stages)
        and {stage.kind for stage in stages} <= set(_RANK)
    ):
        yield Mistake(
            place="key 'stages'",
            found="there is no working stage",
            expected="at least one stage before the win",
            remedy="add a stage before the won one (a stage without kind is a working one)",
        )
    for stage in stages if not won else ():
        if stage.kind in _RANK and any(fold(name) in WON_NAMES for _, name in stage.names):
            yield Mistake(
                place=f"{stage.place}, key 'kind'",
                found=f"the stage is called like a win but is of kind {stage.kind}",
                expected='kind = "won" on the stage that means the win',
                remedy='add kind = "won" to it, or give it another name',
            )


def _order(stages: Sequence[Draft]) -> Iterator[Mistake]:
    """Working stages first, then the won stage, then the after-sale stages."""
    last: Draft | None = None
    for stage in stages:
        if stage.kind not in _RANK:
            continue
        if last is not None and _RANK[stage.kind] < _RANK[last.kind]:
            yield Mistake(
                place=f"{stage.place}, key 'kind'",
                found=f"this {stage.kind} stage comes after the {last.kind} stage, {last.place}",
                expected="working stages first, then the won stage, then after_sale stages",
                remedy="move it up" + (', or give it kind = "after_sale"' if stage.kind == "working" else ""),
            )
        else:
            last = stage


def _outcomes_as_stages(stages: Sequence[Draft]) -> Iterator[Mistake]:
    for stage in stages:
        named = [(key, name) for key, name in stage.names if fold(name) in LOST_NAMES]
        if named:
            yield outcome_mistake(f"{stage.place}, key {named[0][0]!r}", named[0][1])


def outcome_mistake(place: str, name: str) -> Mistake:
    """Return the mistake of listing the outcome `name` as a stage."""
    return Mistake(
        place=place,
        found=f"{name!r} is an outcome, not a stage",
        expected="stages that a deal passes on its way to the win",
        remedy="take it out: a lost or invalid deal keeps the stage in which it ended",
    )


def _weights(stages: Sequence[Draft]) -> Iterator[Mistake]:
    """Weights are chances, never fall from stage to stage, and are 1 once the deal is won."""
    last: tuple[float, str] = (0.0, "")
    for stage in stages:
        for key, weight in stage.weights:
            place = f"{stage.place}, key {key!r}"
            if weight != weight:  # noqa: PLR0124 - not a number
                yield _weight_mistake(
                    place,
                    weight,
                    "a chance to win: a number from 0 to 1",
                    "take the key out if it is not known",
                )
            elif stage.kind == "won" and 0 <= weight < 1:
                yield _weight_mistake(place, weight, "1, because the deal is won", "take the key out")
            elif stage.kind == "after_sale":
                yield _weight_mistake(place, weight, "no weight behind the won stage", "take the key out")
            elif stage.kind == "working" and 0 <= weight <= 1:
                if weight < last[0]:
                    yield _weight_mistake(
                        place,
                        weight,
                        f"at least {last[0]:g}, the weight of {last[1]}",
                        "put the stages in order, or correct one of the two",
                    )
                last = max(last, (weight, stage.place), key=lambda pair: pair[0])


def _weight_mistake(place: str, weight: float, expected: str, remedy: str) -> Mistake:
    return Mistake(place=place, found=f"found {weight:g}", expected=expected, remedy=remedy)


def _names(stages: Sequence[Draft], endings: Sequence[Draft]) -> Iterator[Mistake]:
    """Each name means one stage or one ending; a won ending may be called like the won stage."""
    claims: dict[str, tuple[str, str]] = {}
    items = [*stages, *endings]
    for item in items:
        owner = "won" if item.kind == "won" else item.place
        for key, name in item.names:
            folded = fold(name)
            if not folded:
                yield Mistake(
                    place=f"{item.place}, key {key!r}",
                    found=f"the name {name!r} has no letter or digit",
                    expected="a name that can be told from others",
                    remedy="write a name with letters or digits",
                )
                continue
            first_owner, first_place = claims.setdefault(folded, (owner, item.place))
            told = key == "id" and any(one.place == first_place and one.id == name for one in items)
            if first_owner != owner and not told:
                yield Mistake(
                    place=f"{item.place}, key {key!r}",
                    found=f"the name {name!r} already means {first_place}",
                    expected="each name to mean one stage (compared without case, spaces and punctuation)",
                    remedy="take the name out of one of the two",
                )


def _remedies(raw: Mapping[str, Any], stages: Sequence[Draft]) -> Iterator[Mistake]:
    """A remedy belongs to a stage that there is, or to none."""
    known = [stage.id for stage in stages if stage.id]
    for number, remedy in _items(raw, "remedies"):
        name = remedy.get("stage")
        if isinstance(name, str) and name and name not in known:
            yield Mistake(
                place=f"remedy {number}, key 'stage'",
                found=f"no stage has the id {name!r}",
                expected="one of " + ", ".join(known),
                remedy=nearest_or(name, known, "use one of these, or take the key out"),
            )


def _cycle(raw: Mapping[str, Any]) -> Iterator[Mistake]:
    """The shortest cycle is not longer than the longest."""
    found = raw.get("cycle_months")
    if (
        not isinstance(found, list)
        or len(found) != 2
        or not all(isinstance(one, int | float) for one in found)
    ):
        return
    least, most = found
    if not 0 <= least <= most < float("inf"):
        yield Mistake(
            place="key 'cycle_months'",
            found=f"found {least:g} to {most:g} months",
            expected="the shortest cycle, then the longest, in months",
            remedy="write the shorter one first, such as [3, 24]",
        )


def _edges(raw: Mapping[str, Any], stages: Sequence[Draft]) -> Iterator[Mistake]:
    """An edge joins known stages and leads back."""
    ids = [stage.id for stage in stages]
    if "won" not in ids and not any(stage.kind == "won" for stage in stages):
        ids.insert(with_won_place([stage.kind for stage in stages]), "won")
    known = list(dict.fromkeys(filter(None, ids)))
    for number, edge in _items(raw, "edges"):
        ends = {key: edge[key] for key in ("source", "target") if isinstance(edge.get(key), str)}
        for key, name in ends.items():
            if name not in known:
                yield Mistake(
                    place=f"edge {number}, key {key!r}",
                    found=f"no stage has the id {name!r}",
                    expected="one of " + ", ".join(known),
                    remedy=nearest_or(name, known, "use one of these"),
                )
        places = [ids.index(ends[key]) for key in ("source", "target") if ends.get(key) in ids]
        if len(places) == 2 and places[1] >= places[0]:
            yield Mistake(
                place=f"edge {number}",
                found=f"{ends['target']!r} does not come before {ends['source']!r}",
                expected="an edge that leads back to an earlier stage",
                remedy="exchange source and target, or take the edge out",
            )
