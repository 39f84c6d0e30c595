"""Errors in Chinese: what a person can do wrong is said in Chinese, and no pattern waits for what nobody raises."""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path

import pytest

import funnelnb as fn
from funnelnb.core.errors import FunnelError
from funnelnb.data.contract.problems import CODES
from funnelnb.show.text.errors import error_text
from funnelnb.show.text.words import words

ROOT = Path(fn.__file__).parent
MISTAKES = {
    "day": lambda: fn.load("data/sample", as_of="1999-01-01"),
    "model": lambda: fn.load("data/sample", playbook="sevn"),
    "file": lambda: fn.load("nowhere.csv"),
    "folder": lambda: fn.load("nowhere"),
    "horizon": lambda: fn.conversion(fn.sample(), horizon_days=-3),
    "attribute": lambda: fn.conversion(fn.sample(), by="regoin"),
    "past": lambda: fn.target(fn.sample(), amount=5, period="2020-Q1"),
    "nothing": lambda: fn.conversion(None),
    "quarter": lambda: fn.target(fn.sample(), amount=5, period="Q9 2026"),
    "compared": lambda: fn.segments(fn.sample(), by="owner", adjust_for="owner"),
    "no list": lambda: fn.diagnosis.breaks(fn.sample()),
    "twice": lambda: fn.conversion(fn.sample(), by=["owner", "owner"]),
    "no book": lambda: fn.conversion([100, 80]),
    "stage": lambda: fn.conversion(fn.sample()).deals(stage="nothing"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_said_in_chinese(name):
    with pytest.raises((FunnelError, TypeError)) as caught:
        MISTAKES[name]()
    if isinstance(caught.value, TypeError):
        pytest.skip("asked in another way now")
    first, *more = error_text(str(caught.value), words("zh")).splitlines()
    assert re.search(r"[一-鿿]|^\w+ = ", first), first
    assert [line for line in more if not re.search(r"：.*[一-鿿]", line) and "fn." not in line] == []


def test_facts_pass_and_english_stays():
    asked = (
        "x: 1 thing in these data can be read in two ways:\n"
        "  1. in which order do the stages come: a, b?\n     proposed: stages"
    )
    assert not re.search(r"[a-z]{3,} [a-z]", error_text(asked, words("zh")))
    assert error_text("there is no stage model 'x'", words("zh")) == "没有名为 'x' 的阶段模型"
    assert error_text("there is no stage model 'x'", words("en")) == "there is no stage model 'x'"
    assert error_text("never heard of", words("zh")) == "never heard of"


@functools.cache
def trees():
    """Every module of the package, parsed."""
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(ROOT.rglob("*.py"))}


def raised():
    """All texts in the package, with holes where values stand, as one long text to look patterns up in."""
    found = set()
    for tree in trees().values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
            elif isinstance(node, ast.JoinedStr):
                found.add("".join(v.value if isinstance(v, ast.Constant) else "\0" for v in node.values))
    return "\n".join(found)


def test_most_patterns_are_raised():
    everything = raised()
    patterns = [text for name, text in words("en").table("errors").items() if name.startswith("more_")]
    literal = [re.split(r"\{\w+\}", text) for text in patterns]
    lost = [parts for parts in literal if max(parts, key=len).strip(" :,;()=") not in everything]
    assert len(lost) < 0.05 * len(patterns), lost


# ---- Nothing is raised without words in both languages ----------------------------------------------------------

RAISED = {"ParameterError", "PlaybookError", "MappingError", "SourceError", "MissingDataError", "OutputError",
          "FunnelError", "Problem"}  # fmt: skip
TOLD = {"found", "expected", "hint", "remedy"}
HOLE = "\0"
BY_PLACE = {"fail": 2, "_numbers": 3}
"""Helpers that raise: from which of their arguments on they are given texts."""
TYPED = (
    "funnelnb ",
    "--",
    "fn.",
    "store.",
    "book = fn.load(",
    "origin = ",
    "time ",
    "forecast ",
    "period = \0, until",
)
"""How texts begin that are typed as they stand, or name arguments with their values: they need no words."""


def spelled(node, names=None):
    """All texts that an expression may be, with a mark where a value stands; `names` are what names are assigned."""
    if isinstance(node, ast.Name) and names and node.id in names:
        return [text for one in names[node.id] for text in spelled(one)]
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else [HOLE]
    if isinstance(node, ast.JoinedStr):
        return joined([spelled(one) if isinstance(one, ast.Constant) else filled(one) for one in node.values])
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return joined([spelled(node.left), spelled(node.right)])
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Advice":
        either = [*node.args, *(key.value for key in node.keywords)]
    else:
        either = {ast.IfExp: lambda: [node.body, node.orelse], ast.BoolOp: lambda: node.values}.get(
            type(node), list
        )()
    return [text for one in either for text in spelled(one)] or [HOLE]


def filled(part):
    """The texts that a value in an f-string may be: a choice is spelled out."""
    return spelled(part.value) if isinstance(part.value, ast.IfExp) else [HOLE]


def joined(parts):
    """Every text that begins with one of the first part and goes on with one of each other."""
    found = [""]
    for part in parts:
        found = [text + one for text in found for one in part]
    return found


def assigned(tree):
    """What stands after `found =`, `expected =` and the like anywhere in a module, and its constants, by name."""
    names = {}
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)):
            continue
        name = node.targets[0].id
        if name in TOLD or (node in tree.body and name.isupper() and isinstance(node.value, ast.Constant)):
            names.setdefault(name, []).append(node.value)
    return names


def every_text_raised():
    for path, tree in trees().items():
        names = assigned(tree)
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            called = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if called not in RAISED and called not in BY_PLACE:
                continue
            first = BY_PLACE.get(called, 0)
            given = node.args[first : first + 2] if called in BY_PLACE else node.args[:1]
            parts = [*given, *(key.value for key in node.keywords if key.arg in TOLD)]
            for text in (text for part in parts for text in spelled(part, names)):
                yield f"{path.relative_to(ROOT)}:{node.lineno}", text.split("\n")[0]


def test_every_error_has_words_in_chinese():
    chinese, lacking, n = words("zh"), [], 0
    for place, text in every_text_raised():
        if not re.search("[a-z]{2,}.* [a-z]{2,}", text.replace(HOLE, " ")) or text.startswith(TYPED):
            continue
        n += 1
        if not re.search("[一-鿿]", error_text(text.replace(HOLE, "x7"), chinese)):
            lacking.append(f"{place}: {text.replace(HOLE, '{}')!r}")
    assert n > 900
    assert lacking == [], "give them words in show/lang/errors_rest.en.toml and .zh.toml"


TYPED_RUN = re.compile(
    r"`[^`]*`|'[^']*'|\"[^\"]*\"|[\w.]+\([^)]*\)|\[[^]]*\]|(?:funnelnb|pip|--\w+) [^，。；（）一-鿿]*"
)


def test_no_part_of_another_error_stands_in_for_a_sentence():
    """Of a sentence that only begins or ends like another, half would stay English."""
    chinese, half = words("zh"), []
    for place, text in every_text_raised():
        said = TYPED_RUN.sub("", error_text(text.replace(HOLE, "x7"), chinese))
        if not text.startswith(TYPED) and re.search(r"(?!x7)\b[a-z]{2,},? (?!x7)[a-z]{2,}\b", said):
            half.append(f"{place}: {said!r}")
    assert half == [], "say them whole in show/lang/errors_whole.en.toml and .zh.toml"


def test_code_in_an_error_keeps_its_braces():
    said = error_text('a table of values, such as {"alarm": 10}', words("zh"))
    assert said == '值的表，如 {"alarm": 10}'
    said = error_text('add `region: str = ""` to that cell', words("zh"))
    assert said == '请在该单元格加上 `region: str = ""`'


def test_every_problem_of_the_data_has_words_in_chinese():
    """Also what is expected and what to do, which stand in a table and not in a raise."""
    chinese, half = words("zh"), []
    for name, code in CODES.items():
        for text in (code.found, code.expected, code.remedy.format(code=name)):
            said = re.sub(r'"[^"]*"|\[[^]]*\]|[\w.]+ = |funnelnb\.toml', "", error_text(text, chinese))
            if re.search(r"[a-z]{2,},? [a-z]{2,}", said):
                half.append(f"{name}: {said}")
    assert half == [], "give them words in show/lang/errors_codes.en.toml and .zh.toml"
