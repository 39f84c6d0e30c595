"""One term for one thing, in both languages: what is shown keeps to the glossary (``show/lang/glossary.toml``)."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import jupytext
import pytest

import funnelnb
from funnelnb.core.options import LANGUAGES
from funnelnb.show.text.words import FOLDER
from tests.show.test_error_words import every_text_raised

ROOT = Path(__file__).resolve().parents[2]
GLOSSARY = tomllib.loads((FOLDER / "glossary.toml").read_text(encoding="utf-8"))
TYPED = r'\w+ = "[^"]*"'  # a line of a settings file is quoted as it is typed
COMMAND = re.compile(r"^  funnelnb .*?(?=    |$)|`[^`]*`|--[\w-]+", re.M)
TERMS = [*GLOSSARY["term"], *GLOSSARY["riddle"]]


def strings(table, trail=""):
    for key, value in table.items():
        if isinstance(value, dict):
            yield from strings(value, f"{trail}{key}.")
        elif isinstance(value, list):
            yield from strings({str(k): one for k, one in enumerate(value)}, f"{trail}{key}.")
        elif isinstance(value, str):
            yield f"{trail}{key}", value


def taught(lang):
    """What stage models and lessons say: (place, text)."""
    for path in sorted((ROOT / "funnelnb" / "playbooks" / "library").glob("*.toml")):
        for key, text in strings(tomllib.loads(path.read_text(encoding="utf-8"))):
            if key.endswith(".en") and lang == "en":  # the Chinese texts are those of the field
                yield f"{path.name}: {key}", text
    for path in sorted((ROOT / "funnelnb" / "teach" / "lessons").glob(f"*{lang}.toml")):
        for key, text in strings(tomllib.loads(path.read_text(encoding="utf-8"))):
            yield f"{path.name}: {key}", re.sub(r"`[^`]*`", "", text)


def shown(lang):
    """Everything a person reads in `lang`: (place, text) of language files and notebooks; not what is typed."""
    for path in sorted(FOLDER.glob(f"*{lang}.toml")):
        raised = lang == "en" and path.name.startswith("errors")  # word for word as they are raised
        if (path.name == f"{lang}.toml" or path.name.endswith(f".{lang}.toml")) and not raised:
            for key, text in strings(tomllib.loads(path.read_text(encoding="utf-8"))):
                yield f"{path.name}: {key}", COMMAND.sub("", text) if path.name.startswith("help") else text
    yield from taught(lang)
    for path in sorted((ROOT / "notebooks" / "src").glob("*.py")):
        for number, cell in enumerate(jupytext.read(path, fmt="py:percent").cells):
            tags = cell.metadata.get("tags", [])
            if f"lang-{lang}" in tags and "parameters" not in tags:
                yield f"{path.name}, cell {number}", re.sub(r"`[^`]*`", "", cell.source)


def banned(lang):
    words = [word for term in TERMS for word in term.get(f"not_{lang}", [])]
    return re.compile("|".join(rf"\b(?:{word})\b" if lang == "en" else word for word in words), re.I)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_words_that_are_not_ours_are_not_shown(lang):
    pattern = banned(lang)
    found = [
        f"{place}: {match.group(0)!r} in {text!r}"
        for place, text in shown(lang)
        if (match := pattern.search(re.sub(r"\{[^}]*\}|<<\w+>>|" + TYPED, "", text)))
    ]
    assert found == []


AS_TYPED = re.compile(
    r"playbooks? ?=|=\"playbook\"|--playbook \w+|funnelnb playbooks|docs/playbooks\.md|book\.playbook|= 'decided'"
    r"|\b(?:playbook with a book|before (?:and|or) playbook|both playbook and stages|both stages and playbook)"
)
"""Names of arguments, settings and values, in places where errors say what is typed."""


def test_raised_errors_keep_to_the_words_too():
    """English errors are raised as they stand in the files: only names of arguments may differ from the glossary."""
    pattern, found = banned("en"), []
    for path in sorted(FOLDER.glob("errors*.en.toml")):
        for key, text in strings(tomllib.loads(path.read_text(encoding="utf-8"))):
            said = pattern.findall(AS_TYPED.sub("", re.sub(r"\{[^}]*\}|" + TYPED, "", text)))
            found += [f"{path.name}: {key}: {word!r}" for word in said]
    found += [
        f"{place}: {word!r} in {text!r}"
        for place, text in every_text_raised()
        for word in pattern.findall(AS_TYPED.sub("", re.sub(TYPED, "", text)))
        if not place.startswith(
            ("stats/", "cli.py")
        )  # statistics says what its numbers are; commands are typed
    ]
    assert found == []


STATISTICS = {"methods.md", "coverage.md", "quality.md", "limits.md"}
READ = {
    "en": ("README.md", "docs/*.md", "funnelnb/batch/starter/README.en.md"),
    "zh": ("docs/zh/*.md", "funnelnb/batch/starter/README.zh.md"),
}  # fmt: skip
"""Documents for those who use the product; pages about methods speak the statistician's language."""
ID = "playbooks?"
"""What users type stays what it is called in documents: `--playbook`, `funnelnb playbooks`."""


@pytest.mark.parametrize("lang", LANGUAGES)
def test_documents_keep_to_the_words_too(lang):
    pattern, found = banned(lang), []
    for path in (
        one for place in READ[lang] for one in sorted(ROOT.glob(place)) if one.name not in STATISTICS
    ):
        text = re.sub(r"```.*?```|`[^`]*`|\]\([^)]*\)", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        said = [one.group(0) for one in pattern.finditer(text) if not re.fullmatch(ID, one.group(0), re.I)]
        found += [f"{path.name}: {word!r}" for word in said]
    assert found == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_term_of_the_glossary_is_used(lang):
    everything = "\n".join(text for _, text in shown(lang)).casefold()
    assert [term[lang] for term in GLOSSARY["term"] if term[lang].casefold() not in everything] == []


def test_a_term_has_one_word_in_each_language():
    for lang in LANGUAGES:
        words = [term[lang] for term in GLOSSARY["term"]]
        assert len(words) == len(set(words))
        pattern = banned(lang)
        assert [word for word in words if pattern.search(word)] == []


def test_english_sentences_are_short():
    long = [
        (place, len(sentence.split()))
        for place, text in shown("en")
        if "findings." in place or "unsaid" in place
        for sentence in re.split(r"(?<=[.?!;:]) ", text)
        if len(sentence.split()) > 28
    ]
    assert long == []


def test_chinese_uses_full_width_signs_between_chinese_words():
    half = [
        (place, text)
        for place, text in shown("zh")
        if ".toml" in place
        and re.search(r"[一-鿿][,;:!?()]|[,;:!?()][一-鿿]", re.sub(r"\{[^}]*\}", "", text))
    ]
    assert half == []


def test_the_package_lies_where_this_test_looks():
    assert Path(funnelnb.__file__).is_relative_to(ROOT)
