"""Both languages say the same things, and everything that is shown has words in both."""

from __future__ import annotations

import ast
import dataclasses
import functools
import importlib
import re
import string
from pathlib import Path

import numpy as np
import pytest

import funnelnb
from funnelnb.analysis.shared import caveats
from funnelnb.core.errors import ParameterError
from funnelnb.core.note import Note
from funnelnb.core.options import LANGUAGES
from funnelnb.data.ledger.codes import FACTS
from funnelnb.show.text.words import FOLDER, isolated, load_pack, words
from funnelnb.show.views import registry

PACKAGE = Path(funnelnb.__file__).parent


def flat(pack, trail=""):
    for key, value in pack.items():
        if isinstance(value, dict):
            yield from flat(value, f"{trail}{key}.")
        else:
            yield f"{trail}{key}", value


def placeholders(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


EN, ZH = (dict(flat(load_pack(lang))) for lang in LANGUAGES)


def test_both_languages_have_the_same_keys():
    assert sorted(EN) == sorted(ZH)
    assert len(EN) > 300


def test_both_languages_name_the_same_facts():
    told = {
        key: (placeholders(text), placeholders(ZH[key])) for key, text in EN.items() if isinstance(text, str)
    }
    assert {key: facts for key, facts in told.items() if facts[0] != facts[1]} == {}


def test_chinese_is_chinese_and_english_is_not():
    han = re.compile(r"[一-鿿]")
    exempt = ("language.", "amount.", "currencies.", "help.examples_of.")  # commands, as typed
    english = [key for key, text in EN.items() if isinstance(text, str) and han.search(text)]
    assert english == ["errors.settings_35"]  # 2.5万 may be typed in either language
    bare = [
        key
        for key, text in ZH.items()
        if isinstance(text, str)
        and not key.startswith(exempt)
        and re.search(r"[A-Za-z]{4,}", re.sub(r"\{[^}]*\}|<<\w+>>", "", text))
        and not han.search(text)
        and not re.fullmatch(r"(levels：\{a\}|\w+) = \{\w\}(，\w+ = \{\w\})?", text)  # an argument, as typed
    ]
    assert bare == []


def test_every_file_has_its_twin():
    names = {path.name for path in FOLDER.glob("*.toml")} - {"units.toml"}
    assert {name.replace("en.toml", "zh.toml") for name in names if name.endswith("en.toml")} == {
        name for name in names if name.endswith("zh.toml")
    }


def shown_types():
    """Every result type that can be shown, and the dataclasses its tables and charts are made of."""
    for name in registry._VIEWS:
        view = registry._view(name)
        for path in [*sorted((PACKAGE / "analysis").rglob("*.py")), PACKAGE / "data" / "check.py"]:
            if path.stem == "__init__" or f"class {name}(" not in path.read_text(encoding="utf-8"):
                continue
            module = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
            yield getattr(importlib.import_module(module), name), view


RESULTS = {kind.__name__: kind for kind, _ in shown_types()}


def test_every_registered_result_was_found():
    assert set(RESULTS) == set(registry._VIEWS)


def row_types(kind):
    """Dataclasses named in the annotations of a result's fields: ``tuple[StepRow, ...]``."""
    module = importlib.import_module(kind.__module__)
    for field in dataclasses.fields(kind):
        for name in re.findall(r"[A-Z]\w+", str(field.type)):
            found = getattr(module, name, None)
            if not dataclasses.is_dataclass(found) or name in ("Note", "Result", "Problem"):
                continue
            if not found.__module__.startswith("funnelnb.playbooks"):
                yield found


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", sorted(RESULTS))
def test_every_field_is_in_the_dictionary(name, lang):
    say = words(lang)
    missing = []
    for kind in [RESULTS[name], *row_types(RESULTS[name])]:
        for field in dataclasses.fields(kind):
            try:
                entry = say.field(field.name, kind.__name__)
            except KeyError:
                missing.append(f"{kind.__name__}.{field.name}")
                continue
            assert entry.label
            assert entry.definition
    assert missing == []


@functools.cache
def note_codes():
    """Codes of all notes made in the package: literals, and the lists that analyses and ledger keep."""
    codes = {"analysis": set(caveats.CODES), "ledger": set(FACTS)}
    for path in sorted(PACKAGE.rglob("*.py")):
        if "show" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and getattr(node.func, "id", getattr(node.func, "attr", "")) == "Note"
            ):
                first = node.args[0] if node.args else None
                if isinstance(first, ast.Constant):
                    codes.setdefault(path.name, set()).add(first.value)
    return {(place, code) for place, found in codes.items() for code in found}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_note_has_words(lang):
    say = words(lang)
    assert sorted((place, code) for place, code in note_codes() if say.find(f"notes.{code}") is None) == []


def test_an_unknown_note_is_shown_with_its_facts():
    note = Note("never_heard_of", {"deals_n": 1200, "name": "East"})
    assert words("en").note(note) == "never_heard_of: deals_n = 1,200 and name = East"


def test_a_note_that_lacks_a_fact_is_shown_with_those_it_has():
    assert words("en").note(Note("open_deals", {"deals_n": 3})) == "open_deals: deals_n = 3"


def test_facts_are_written_by_their_unit():
    say = words("en")
    sentence = "{a_n} / {b_rate} / {c_days} / {d:date} / {e_n:deal|deals} / {f_n:deal|deals} / {g}"
    values = {
        "a_n": 1234, "b_rate": 0.5, "c_days": 1.0, "d": np.datetime64("2026-06-30T10:00"),
        "e_n": 1, "f_n": 2000, "g": ["x", "y", "z"],
    }  # fmt: skip
    assert (
        say.fill(sentence, values)
        == "1,234 / 50.0 % / 1 day / 30 June 2026 / 1 deal / 2,000 deals / x, y and z"
    )


def test_no_unit_is_said_twice():
    said = re.compile(r"\{(\w+_)?days\} ?(days|天)")
    assert [key for pack in (EN, ZH) for key, text in pack.items() if said.search(str(text))] == []


def test_text_goes_through_unchanged_whatever_the_placeholder_is_called():
    assert words("en").fill("{share} {amount} {x_n}", {"share": "a", "amount": "b", "x_n": "c"}) == "a b c"


def test_braces_in_names_are_not_placeholders():
    assert words("en").fill("{name}", {"name": "{other} {0}"}) == "{other} {0}"


def test_attributes_and_groups():
    say = words("zh")
    assert say.attribute("region") == "区域"
    assert say.attribute("my own column") == "my own column"
    assert say.group(()) == "全部商机"
    assert say.group(("East", "")) == "East · （未填写）"
    assert words("en").attribute_head(("region", "team")) == "Region · team"


def test_bounds_take_the_words_of_what_they_bound():
    say = words("en")
    assert say.field("lost_share_ci_upper").label == "Share of lost deals: upper bound"
    assert say.field("difference_ci_lower").unit == "points"
    assert say.field("won_ci_lower").unit == "rate"


def test_an_unknown_language_names_those_there_are():
    with pytest.raises(ParameterError, match="'en', 'zh'"):
        words("de")


def test_a_key_in_two_files_is_an_error(tmp_path):
    (tmp_path / "en.toml").write_text("[a]\nb = 'x'\n")
    (tmp_path / "more.en.toml").write_text("[a]\nb = 'y'\n")
    with pytest.raises(ValueError, match=r"more\.en\.toml: a\.b already stands"):
        load_pack("en", tmp_path)


def test_common_values_have_a_name_in_chinese_and_others_stay():
    say = words("zh")
    assert say.group(("Key account", "web")) == "大客户 · 网站"
    assert say.group(("东区", "")) == "东区 · （未填写）"
    assert words("en").group(("Key account",)) == "Key account"
    assert say.listed("Small / referral, West, — / fair") == "小型客户 · 客户推荐、West、（未填写） · 展会"


def test_chinese_keeps_one_space_to_latin_letters_and_none_to_itself():
    say = words("zh")
    assert say.fill("概率为 {x}", {"x": "不足 0.01%"}) == "概率不足 0.01%"
    assert say.fill("概率为 {x}，{who}的", {"x": "超过 99.9%", "who": "DACH"}) == "概率超过 99.9%，DACH 的"
    assert say.fill("最高的是{x}（{y}）", {"x": "Huber GmbH", "y": "华东"}) == "最高的是 Huber GmbH（华东）"
    assert words("en").fill("a{x}b", {"x": "华东"}) == "a华东b"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("K10, \u0645\u0631\u064a\u0645: 76, 0 %", "K10, <bdi>\u0645\u0631\u064a\u0645</bdi>: 76, 0 %"),
        ("<i title='\u05d0'>\u05d0 \u05d1</i>, 1", "<i title='\u05d0'><bdi>\u05d0 \u05d1</bdi></i>, 1"),
        ("<script>'\u05d0'</script><svg><text>\u05d0</text></svg>", None),
        ("<bdi>\u05d0</bdi> <title>\u05d0</title>", None),
        ("\u4e2d, A & 1", None),
    ],
)
def test_a_name_from_right_to_left_turns_no_figure_after_it(given: str, shown: str | None) -> None:
    assert isolated(given) == (shown or given)
