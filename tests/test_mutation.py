"""The tool that puts faults into the code really puts them in: one at a time, and where pytest imports from."""

import ast
import subprocess
import sys

from tests.conftest import ROOT
from tools import mutation

PATH = ROOT / "funnelnb" / "stats" / "rates" / "proportion.py"


def test_each_fault_changes_one_place():
    whole = ast.unparse(ast.parse(PATH.read_text(encoding="utf-8")))
    for fault in mutation.faults(PATH)[::7]:
        changed = ast.unparse(mutation.broken(fault))
        assert changed != whole
        lines = [(a, b) for a, b in zip(whole.splitlines(), changed.splitlines(), strict=True) if a != b]
        assert len(lines) == 1


def test_texts_types_and_messages_are_left_alone():
    code = 'def f(x: int = 3) -> "int":\n    """Add 1."""\n    raise ValueError(f"not {1 + 1}")\n'
    breaker = mutation.Breaker()
    breaker.visit(ast.parse(code))
    assert [was for _, was, _ in breaker.found] == ["3"]


def test_a_fault_reaches_the_tests():
    """A fault that turns every interval upside down is noticed; without one the tests pass."""
    program = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from tools import mutation
path = mutation.ROOT / {str(PATH.relative_to(ROOT))!r}
fault = next(one for one in mutation.faults(path) if one.was == "centre - half")
instead = mutation.Instead(mutation.dotted(fault.path), mutation.ROOT / fault.path, mutation.broken(fault))
tests = [[str(mutation.ROOT / fault.path)]]
print(mutation.seconds(tests)[0], mutation.seconds(tests, instead)[0])
"""
    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert said.stdout.split() == ["False", "True"]
