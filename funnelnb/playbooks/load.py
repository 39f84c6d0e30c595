"""Playbooks from the library, from a user's file, or from a plain list of stage names."""

from __future__ import annotations

import functools
import os
import re
import tomllib
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funnelnb.core.errors import PlaybookError
from funnelnb.playbooks.model import (
    Edge,
    Ending,
    Gate,
    Label,
    Playbook,
    Question,
    Remedy,
    Stage,
    StageKind,
    fold,
)
from funnelnb.playbooks.validate import (
    LOST_NAMES,
    WON_NAMES,
    Mistake,
    nearest_or,
    outcome_mistake,
    playbook_error,
    sense_mistakes,
    shape_mistakes,
    with_won_place,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_LIBRARY = Path(__file__).parent / "library"

OWN_STAGES = "own_stages"
"""Id of a stage model that is a plain list of stages."""

WON_STAGE = Stage(
    id="won",
    label=Label(en="Won", zh="赢单"),
    kind="won",
    win_weight=1.0,
    aliases=("Closed Won", "Win", "已赢单", "成交", "已成交", "成单"),
)
"""The won stage of a playbook that names none; it goes behind the last working stage."""


def library() -> tuple[str, ...]:
    """Which stage models are built in?

    Returns
    -------
    tuple of str
        Ids that :func:`load_playbook` knows, in alphabetical order.

    Examples
    --------
    >>> "weekly_report" in library()
    True
    """
    return tuple(sorted(path.stem for path in _LIBRARY.glob("*.toml")))


def load_playbook(name_or_path: str | os.PathLike[str]) -> Playbook:
    """Which stages does a deal pass, and what does the field say about each?

    Parameters
    ----------
    name_or_path : str or path
        Id of a built-in model (see :func:`library`), or path of a TOML file (with ``.toml`` at the end or a
        folder in front, if it is given as text). See ``docs/playbooks.md``.

    Returns
    -------
    Playbook
        With exactly one won stage: where the file names none, :data:`WON_STAGE` stands behind the last
        working stage.

    Raises
    ------
    PlaybookError
        The id is unknown, or the file is missing, is not TOML or has mistakes; then all of them are told at
        once, with file, key, value and remedy.

    Examples
    --------
    >>> load_playbook("weekly_report").stage_ids
    ('prospects', 'first_contact', 'needs_confirmed', 'proposal', 'quotation', 'won')
    """
    if isinstance(name_or_path, str):
        if name_or_path in library():
            return _built_in(name_or_path)
        if not name_or_path.casefold().endswith(".toml") and not re.search(r"[/\\]", name_or_path):
            raise PlaybookError(
                f"there is no stage model {name_or_path!r}",
                expected="one of " + ", ".join(library()) + ", or the path of a .toml file",
                hint=nearest_or(
                    name_or_path, library(), "write the path of your own file with .toml at the end"
                ),
            )
    elif not isinstance(name_or_path, os.PathLike):
        raise PlaybookError(
            f"found {name_or_path!r} as the stage model",
            expected="the id of a built-in stage model or the path of a .toml file",
            hint="for a list of stage names use playbook_from_stages([...])",
        )
    return _from_file(Path(name_or_path).expanduser())


def playbook_from_stages(names: Iterable[str], *, id: str = OWN_STAGES, path: str = "stages") -> Playbook:
    """Which playbook do these stage names make?

    Parameters
    ----------
    names : iterable of str
        Stage names in order, in any language. A name such as "Won", "Closed Won", "赢单" or "成交" is the won
        stage; stages behind it are after-sale stages. Without one, :data:`WON_STAGE` is added at the end.
    id : str
        Id of the playbook.
    path : str
        Where the list stands, for messages (such as ``"funnelnb.toml, key 'stages'"``).

    Returns
    -------
    Playbook
        Each name as given is the label in both languages; the id is the name in lower case with ``_``
        between the words.

    Raises
    ------
    PlaybookError
        The list is empty or has mistakes; all of them are told at once.

    Examples
    --------
    >>> playbook_from_stages(["Prospecting", "Engaging", "Won"]).stage_ids
    ('prospecting', 'engaging', 'won')
    """
    listed = [names] if isinstance(names, str) else list(names)
    mistakes = list(_list_mistakes(listed))
    if mistakes:
        raise playbook_error(path, mistakes)
    won = next((place for place, name in enumerate(listed) if fold(name) in WON_NAMES), len(listed))
    stages = [_listed_stage(name, place - won) for place, name in enumerate(listed)]
    label = Label(en="Own stages", zh="自定义阶段")
    return Playbook(id=id, label=label, about=label, source="", stages=_with_won(stages), path=path)


def _listed_stage(name: str, beyond: int) -> Stage:
    """Return the stage of a plain list called `name`, which stands `beyond` places behind the won one."""
    kind: StageKind = "working" if beyond < 0 else "after_sale" if beyond else "won"
    label = Label(en=name, zh=name)
    return Stage(id=_slug(name), label=label, kind=kind, win_weight=1.0 if kind == "won" else None)


def _list_mistakes(names: list[Any]) -> Iterator[Mistake]:
    """Yield what is wrong with a plain list of stage names."""
    if not names:
        yield Mistake(
            found="the list is empty",
            expected="the names of the stages in order",
            remedy="name at least one stage",
        )
    seen: dict[str, int] = {}
    for number, name in enumerate(names, start=1):
        place = f"stage {number}"
        folded = fold(name) if isinstance(name, str) else ""
        if not folded:
            yield Mistake(
                place=place,
                found=f"found {name!r}",
                expected="a name with letters or digits",
                remedy="write the stage's name in quotes",
            )
        elif folded in LOST_NAMES:
            yield outcome_mistake(place, name)
        elif seen.setdefault(folded, number) != number:
            yield Mistake(
                place=place,
                found=f"{name!r} is already stage {seen[folded]}",
                expected="each stage once (compared without case, spaces and punctuation)",
                remedy="take one of the two out",
            )
    yield from _won_mistakes(names)


def _won_mistakes(names: list[Any]) -> Iterator[Mistake]:
    """Yield what is wrong with the won stages of a plain list: more than one, or nothing before it."""
    won = [number for number, name in enumerate(names, start=1) if fold(name) in WON_NAMES]
    if len(won) > 1 and fold(names[won[1] - 1]) != fold(names[won[0] - 1]):
        yield Mistake(
            place=f"stage {won[1]}",
            found=f"{names[won[1] - 1]!r} is a second won stage, besides stage {won[0]}",
            expected="exactly one won stage",
            remedy="take one of the two out",
        )
    if won and won[0] == 1:
        yield Mistake(
            place="stage 1",
            found="there is no working stage",
            expected="at least one stage before the win",
            remedy="name the stages that come before it",
        )


def _slug(name: str) -> str:
    """Return `name` as an id: lower case, letters and digits of any script, ``_`` between words."""
    words = re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", name).casefold())
    slug = "_".join(words)
    return slug if not slug[0].isdigit() else f"stage_{slug}"


@functools.cache
def _built_in(name: str) -> Playbook:
    path = _LIBRARY / f"{name}.toml"
    return _built(_read(path), str(path))  # tests hold our own files to the schema


def _from_file(path: Path) -> Playbook:
    """Read, check and build the playbook in the file `path`."""
    return _build(_read(path), str(path))


def _build(raw: Mapping[str, Any], path: str) -> Playbook:
    """Check the tables of a playbook file and build the playbook."""
    mistakes = [*shape_mistakes(raw), *sense_mistakes(raw)]
    if mistakes:
        raise playbook_error(path, mistakes)
    return _built(raw, path)


def _built(raw: Mapping[str, Any], path: str) -> Playbook:
    """Build the playbook of tables without mistakes."""
    label = _label(raw["label"])
    return Playbook(
        id=raw["id"],
        label=label,
        about=_label(raw["about"]) if "about" in raw else label,
        source=raw.get("source", ""),
        stages=_with_won([_stage(item) for item in raw["stages"]]),
        edges=tuple(Edge(**{**item, "label": _label(item["label"])}) for item in raw.get("edges", [])),
        endings=tuple(
            Ending(**{**item, "label": _label(item["label"]), "aliases": tuple(item.get("aliases", ()))})
            for item in raw.get("endings", [])
        ),
        principles=_labels(raw.get("principles", ())),
        remedies=tuple(
            Remedy(
                problem=_label(one["problem"]), label=_label(one["label"]), stage=str(one.get("stage", ""))
            )
            for one in raw.get("remedies", [])
        ),
        outlook=_optional(raw, "outlook"),
        cycle_months=tuple(map(float, raw.get("cycle_months", ()))),
        path=path,
    )


def _read(path: Path) -> dict[str, Any]:
    """Return the tables of a TOML file."""
    expected = "a TOML file, as docs/playbooks.md describes it"
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        beside = sorted(one.name for one in path.parent.glob("*.toml")) if path.parent.is_dir() else []
        hint = nearest_or(path.name, beside, "check the path; it is read from the folder in which you work")
        raise PlaybookError(
            f"the file of the stage model {path} does not exist", expected=expected, hint=hint
        ) from None
    except IsADirectoryError:
        raise PlaybookError(f"{path} is a folder", expected=expected, hint="name the file in it") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise PlaybookError(
            f"{path} cannot be read: {reason}", expected=expected, hint="check who may read it"
        ) from None
    except UnicodeDecodeError as error:
        found = f"{path} is not UTF-8 text (byte {error.start + 1})"
        raise PlaybookError(found, expected=expected, hint="save it with the encoding UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        found = f"{path} is not TOML: {str(error)[:120]}"
        hint = "correct that place; texts are in quotes, lists in [ ], a stage under [[stages]]"
        raise PlaybookError(found, expected=expected, hint=hint) from None


def _with_won(stages: list[Stage]) -> tuple[Stage, ...]:
    """Return `stages` with a won stage, added behind the last working one where none is named."""
    if any(stage.kind == "won" for stage in stages):
        return tuple(stages)
    place = with_won_place([stage.kind for stage in stages])
    return (*stages[:place], WON_STAGE, *stages[place:])


def _label(raw: Mapping[str, str]) -> Label:
    return Label(en=raw["en"], zh=raw["zh"])


def _optional(raw: Mapping[str, Any], key: str) -> Label | None:
    return _label(raw[key]) if key in raw else None


def _labels(raw: Iterable[Mapping[str, str]]) -> tuple[Label, ...]:
    return tuple(map(_label, raw))


def _gates(raw: Iterable[Mapping[str, Any]]) -> tuple[Gate, ...]:
    return tuple(
        Gate(id=gate["id"], label=_label(gate["label"]), required=gate.get("required", True)) for gate in raw
    )


def _weight(value: float | None) -> float | None:
    return None if value is None else float(value)


def _stage(raw: Mapping[str, Any]) -> Stage:
    """Return the stage that a checked table describes."""
    kind = raw.get("kind", "working")
    return Stage(
        id=raw["id"],
        label=_label(raw["label"]),
        kind=kind,
        win_weight=1.0 if kind == "won" else _weight(raw.get("win_weight")),
        win_weight_exit=_weight(raw.get("win_weight_exit")),
        state=_optional(raw, "state"),
        purpose=_optional(raw, "purpose"),
        goals=_labels(raw.get("goals", ())),
        channels=_labels(raw.get("channels", ())),
        features=_labels(raw.get("features", ())),
        entry=_gates(raw.get("entry", ())),
        exit=_gates(raw.get("exit", ())),
        if_unmet=raw.get("if_unmet", ""),
        warning=_optional(raw, "warning"),
        roles=tuple(raw.get("roles", ())),
        actions=_labels(raw.get("actions", ())),
        questions=tuple(
            Question(label=_label(one["label"]), role=one.get("role", "")) for one in raw.get("questions", ())
        ),
        find_out=_labels(raw.get("find_out", ())),
        next_step=_optional(raw, "next_step"),
        aliases=tuple(raw.get("aliases", ())),
    )
