"""Do the parts of a playbook agree with each other? What no schema can say.

The checks read the file tolerantly: a part that has the wrong shape is passed over here, because
:mod:`funnelnb.playbooks.shape` has told it already. So all mistakes of a file come out in one go.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from funnelnb.playbooks.mistake import Mistake, nearest_or
from funnelnb.playbooks.model import fold

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

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
