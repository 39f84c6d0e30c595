"""The words of one language, read from ``lang/*.toml``: labels, definitions, sentences, notes, names."""

from __future__ import annotations

import contextlib
import contextvars
import functools
import re
import string
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funnelnb.core.options import language
from funnelnb.show.text.number import Numbers

if TYPE_CHECKING:
    from funnelnb.core.note import Note


# ---- The words of one language, read from ``lang/*.toml``: labels, definitions, sentences, notes -----------

FOLDER = Path(__file__).parents[1] / "lang"
_MARK = re.compile(r"<<(\w+)>>")
LONGEST = 60
"""Characters of a name that are shown; the rest is cut off."""
_HAN = re.compile(r"[一-鿿]")
_LATIN = re.compile(r"[A-Za-z0-9%]")
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}")
_SUFFIX_UNITS = {
    "_n": "count",
    "_rate": "rate",
    "_share": "rate",
    "_days": "days",
    "_amount": "amount",
    "_lower": "rate",
    "_upper": "rate",
    "_p_value": "p_value",
}


_STEERING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]|[\ud800-\udfff]"
)


def harmless(text: str) -> str:
    """Return `text` without characters that no page may hold, and those that turn the words around them."""
    return _STEERING.sub("\ufffd", text)


_LEFTWARD = "[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
_TURNING = re.compile(rf"{_LEFTWARD}+(?:[\s'\u2019.-]+{_LEFTWARD}+)*")
_NO_PROSE = re.compile(
    r"(<(script|style|svg|title|option|textarea|bdi)\b.*?</\2\s*>|<[^>]*>)", re.DOTALL | re.IGNORECASE
)


def isolated(markup: str) -> str:
    """Return mark-up whose words written from right to left keep their order to themselves.

    Without it a figure after an Arabic name is set before it: "76,786, 0 %" reads "0 ,76,786 %". Attributes, scripts
    and pictures are left as they are, and so is what a reader copies.
    """
    if not _TURNING.search(markup):
        return markup
    pieces, at = [], 0
    for found in _NO_PROSE.finditer(markup):
        pieces += [_TURNING.sub(r"<bdi>\g<0></bdi>", markup[at : found.start()]), found.group()]
        at = found.end()
    return "".join([*pieces, _TURNING.sub(r"<bdi>\g<0></bdi>", markup[at:])])


def isolated_text(text: str) -> str:
    r"""Return plain text in which words written from right to left keep their order to themselves.

    What :func:`isolated` does for mark-up, for the words of pictures: with the characters that Unicode has for it.

    Examples
    --------
    >>> isolated_text("Ann, 12"), len(isolated_text("\u05e9\u05dc\u05d5\u05dd, 12"))
    ('Ann, 12', 10)
    """
    return _TURNING.sub("\u2068\\g<0>\u2069", text)


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldWords:
    """One entry of the field dictionary.

    Attributes
    ----------
    label : str
        What the field is called.
    definition : str
        What it means, in one sentence.
    unit : str
        Key of ``Numbers.cell``.
    """

    label: str
    definition: str
    unit: str


class Words:
    """The words of one language.

    Attributes
    ----------
    lang : str
    numbers : Numbers
        How this language writes numbers.
    """

    def __init__(self, lang: str, pack: Mapping[str, Any], units: Mapping[str, str]) -> None:
        self.lang = lang
        self._pack = pack
        self._units = units
        amount = pack["amount"]
        self.numbers = Numbers(
            forms=pack["language"],
            units=tuple((float(size), word) for size, word in amount["units"]),
            scale_tables=amount["scale_tables"],
            with_currency=amount["with_currency"],
            currencies=pack["currencies"],
        )

    def find(self, key: str) -> str | None:
        """Return the raw text at the dotted `key`, or None."""
        value: Any = self._pack
        for part in key.split("."):
            if not isinstance(value, Mapping) or part not in value:
                return None
            value = value[part]
        return value if isinstance(value, str) else None

    def table(self, key: str) -> Mapping[str, Any]:
        """Return the texts at the top-level `key`, by name."""
        found: Mapping[str, Any] = self._pack[key]
        return found

    def get(self, key: str) -> str:
        """Return the raw text at the dotted `key`; KeyError names the language and the key."""
        text = self.find(key)
        if text is None:
            raise KeyError(f"{self.lang}: {key}")
        return text

    def say(self, key: str, /, **values: Any) -> str:
        """Return the sentence at `key` with its placeholders written."""
        return self.fill(self.get(key), values)

    def fill(self, template: str, values: Mapping[str, Any]) -> str:
        """Return `template` with its placeholders written by their units."""
        written = ""
        for literal, name, spec, _ in string.Formatter().parse(template):
            written = self._joined(written, literal)
            if name is not None:
                written = self._joined(written, self._value(name, spec or "", values[name]))
        return written

    def _joined(self, before: str, after: str) -> str:
        """Put a text and a value together; where Chinese meets Latin letters or figures there is one space."""
        if self.lang != "zh" or not before or not after:
            return before + after
        if after.startswith(("不足", "超过")):  # they are verbs: 概率不足 0.01%
            before = re.sub("概率为 ?$", "概率", before)
        if before[-1] == " " and _HAN.match(before[-2:-1]) and _HAN.match(after):
            return before[:-1] + after
        if after[0] == " " and _HAN.match(before[-1]) and _HAN.match(after[1:2]):
            return before + after[1:]
        meet = (_HAN.match(before[-1]) and _LATIN.match(after)) or (
            _LATIN.match(before[-1]) and _HAN.match(after)
        )
        return f"{before} {after}" if meet else before + after

    def _value(self, name: str, spec: str, value: Any) -> str:
        """Write one value; what is text already stands as it is."""
        if isinstance(value, str):
            return self.numbers.long_date(value) if spec == "date" and _ISO.fullmatch(value) else value
        if "|" in spec:
            one, many = spec.split("|")
            return f"{self.numbers.count(value)} {one if value == 1 else many}"
        return self.numbers.text(value, spec or self.unit(name))

    def unit(self, field: str, owner: str = "") -> str:
        """Return the unit of a field: named in ``units.toml``, else by its suffix, else ``"text"``."""
        for name in (f"{owner}.{field}", field):
            if name in self._units:
                return self._units[name]
        base = _bounded(field)
        if base and any(name in self._units for name in base):
            return next(self._units[name] for name in base if name in self._units)
        return next((unit for suffix, unit in _SUFFIX_UNITS.items() if field.endswith(suffix)), "text")

    def field(self, name: str, owner: str = "") -> FieldWords:
        """Return label, definition and unit of a result's field; KeyError when it has no words.

        Bounds of an interval (``won_ci_lower``) take the words of what they bound; without an owner (a table
        without rows) a field takes the words of any owner.
        """
        unit = self.unit(name, owner)
        for key in (f"{owner}.{name}", name):
            entry = self._pack["fields"].get(key)
            if entry is not None:
                return FieldWords(label=entry["label"], definition=entry["definition"], unit=unit)
        side = name.rsplit("_", 1)[-1]
        for base in _bounded(name):
            entry = self._pack["fields"].get(f"{owner}.{base}") or self._pack["fields"].get(base)
            if entry is not None:
                label = self.say(f"bounds.{side}", label=entry["label"])
                return FieldWords(label=label, definition=self.get("bounds.definition"), unit=unit)
        for key, entry in self._pack["fields"].items():
            if not owner and key.endswith(f".{name}"):
                return FieldWords(label=entry["label"], definition=entry["definition"], unit=unit)
        raise KeyError(f"{self.lang}: fields.{name}")

    def attribute(self, name: str) -> str:
        """Return what a grouping attribute is called within a sentence; a user's own stands for itself."""
        return self.find(f"attributes.{name}") or name

    def attributes(self, names: Iterable[str]) -> str:
        """Return what several grouping attributes are called together."""
        return self.get("language.group").join(self.attribute(name) for name in names)

    def attribute_head(self, names: Iterable[str]) -> str:
        """Return what grouping attributes are called at the head of a column."""
        label = self.attributes(names)
        return label[:1].upper() + label[1:]

    def group(self, values: tuple[str, ...]) -> str:
        """Return what a group is called; the empty tuple is the whole book."""
        if not values:
            return self.get("language.whole")
        return self.get("language.group").join(map(self.value, values))

    def value(self, value: str) -> str:
        """Return what the value of an attribute is called: common ones in the language, others as they are."""
        if not value:
            return self.get("language.not_given")
        known: Mapping[str, str] = self._pack.get("values", {})
        called = harmless(known.get(value, value))
        return called if len(called) <= LONGEST else called[: LONGEST - 1].rstrip() + "…"

    def listed(self, text: str) -> str:
        """Return groups or values that stand in one text, ``"web / new, fair / new"``, as the language calls them."""
        groups = [tuple("" if part == "—" else part for part in one.split(" / ")) for one in text.split(", ")]
        return self.get("language.list").join(self.group(group if any(group) else ()) for group in groups)

    def note(self, note: Note) -> str:
        """Return a caveat as a sentence; a code without words is shown with its facts."""
        template = self.find(f"notes.{note.code}")
        if template is not None:
            try:
                return re.sub(" {2,}", " ", self.fill(template, note.values))
            except KeyError:
                pass
        facts = self.numbers.join(
            f"{name} = {self.numbers.text(value, self.unit(name))}" for name, value in note.values.items()
        )
        return self.get("language.clause").join(part for part in (note.code, facts) if part)

    def method(self, key: str, **values: Any) -> str:
        """Return the sentence of a method; a method without words is shown by its key."""
        template = self.find(f"methods.{key}")
        return key if template is None else self.fill(template, values)


def _bounded(field: str) -> tuple[str, ...]:
    """Return the names of what an interval bound may bound: ``won_ci_lower`` bounds ``won_rate``."""
    for tail in ("_ci_lower", "_ci_upper"):
        if field.endswith(tail):
            stem = field.removesuffix(tail)
            return (f"{stem}_rate", f"{stem}_share", f"{stem}_days", f"{stem}_amount", stem)
    return ()


def load_pack(lang: str, folder: Path = FOLDER) -> dict[str, Any]:
    """Read and merge all language files of `lang`.

    Raises
    ------
    ValueError
        A key stands in two files; the message names key and file.
    """
    pack: dict[str, Any] = {}
    for path in [folder / f"{lang}.toml", *sorted(folder.glob(f"*.{lang}.toml"))]:
        _merge(pack, tomllib.loads(path.read_text(encoding="utf-8")), path.name)
    return pack


def _merge(into: dict[str, Any], new: Mapping[str, Any], place: str, trail: str = "") -> None:
    for key, value in new.items():
        if isinstance(value, Mapping):
            _merge(into.setdefault(key, {}), value, place, f"{trail}{key}.")
        elif key in into:
            raise ValueError(f"{place}: {trail}{key} already stands in another language file")
        else:
            into[key] = value


def in_days_of(text: Any, calendar: str, pack: Mapping[str, Any]) -> Any:
    """Return a text, or a table of texts, whose marks say what the days of `calendar` are called.

    Parameters
    ----------
    text : str, Mapping or other
        Other values are returned as they are.
    calendar : str
        Empty: calendar days. ``"business"``: Monday to Friday. Else the name of a calendar.
    pack : Mapping
        Of the language; its ``[calendar]`` has the words.
    """
    kind = {"": "plain", "business": "business"}.get(calendar, "named")
    days = {name: one.replace("{calendar}", calendar) for name, one in pack["calendar"][kind].items()}

    def marked(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: marked(one) for key, one in value.items()}
        return _MARK.sub(lambda found: days[found.group(1)], value) if isinstance(value, str) else value

    return marked(text)


@functools.lru_cache(maxsize=2)
def _pack(lang: str) -> dict[str, Any]:
    return load_pack(lang)


@functools.lru_cache(maxsize=16)
def _read(lang: str, calendar: str, subject: str) -> Words:
    units = tomllib.loads((FOLDER / "units.toml").read_text(encoding="utf-8"))["units"]
    pack = _pack(lang)
    if subject:
        pack = _over(pack, pack["subjects"][subject])
    return Words(lang, in_days_of(pack, calendar, pack), units)


def _over(pack: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Return the texts of `pack`, with those of `other` where it has some."""
    return {
        key: _over(value, other[key])
        if isinstance(value, Mapping) and isinstance(other.get(key), Mapping)
        else other.get(key, value)
        for key, value in pack.items()
    }


_SUBJECT: contextvars.ContextVar[str] = contextvars.ContextVar("subject", default="")


@contextlib.contextmanager
def told_of(subject: str) -> Iterator[None]:
    """Within, what is said of deals is said of another subject: ``"people"``, or empty for deals.

    The words are those under ``subjects.<subject>`` of the language; all others stay.
    """
    before = _SUBJECT.set(subject)
    try:
        yield
    finally:
        _SUBJECT.reset(before)


def words(lang: str | None = None, calendar: str = "") -> Words:
    """Return the words of `lang`, or of the language in force, for days of `calendar`.

    Raises
    ------
    ParameterError
        The language is not known.
    """
    return _read(language(lang), calendar, _SUBJECT.get())


def words_of(result: Any, lang: str | None = None) -> Words:
    """Return the words that `result` is told in: they call its days what its calendar says, and whom it counts."""
    people = getattr(result, "method", "").startswith("behaviour")
    with told_of("people" if people else _SUBJECT.get()):
        return words(lang, getattr(result, "calendar", ""))


# ---- What the things a result is about are called: stages and groups ---------------------------------------


def stage_name(result: Any, stage_id: str, say: Words) -> str:
    """Return what the playbook calls a stage; without labels the id stands for itself."""
    labels = getattr(result, "stage_labels", ())
    if stage_id in result.stage_ids and len(labels) == len(result.stage_ids):
        label: str = labels[result.stage_ids.index(stage_id)][say.lang]
        return label
    return stage_id


def groups_of(rows: Any) -> list[tuple[str, ...]]:
    """Return the groups of rows in their own order, each once."""
    return list(dict.fromkeys(row.group for row in rows))
