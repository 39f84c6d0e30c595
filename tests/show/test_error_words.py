"""Errors in Chinese: what a person can do wrong is said in Chinese, and no pattern waits for what nobody raises."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import funnelnb as fn
from funnelnb.core.errors import FunnelError
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
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_said_in_chinese(name):
    with pytest.raises((FunnelError, TypeError)) as caught:
        MISTAKES[name]()
    if isinstance(caught.value, TypeError):
        pytest.skip("asked in another way now")
    first = error_text(str(caught.value), words("zh")).splitlines()[0]
    assert re.search(r"[一-鿿]|^\w+ = ", first), first


def test_facts_pass_and_english_stays():
    assert error_text("there is no playbook 'x'", words("zh")) == "没有名为 'x' 的阶段模型"
    assert error_text("there is no playbook 'x'", words("en")) == "there is no playbook 'x'"
    assert error_text("never heard of", words("zh")) == "never heard of"


def raised():
    """All texts in the package, with holes where values stand, as one long text to look patterns up in."""
    found = set()
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
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
