"""The tool that puts faults into the code really puts them in: one at a time, and where pytest imports from."""

import ast
import subprocess
import sys

import pytest

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


def test_what_cannot_be_noticed_is_in_the_code_and_has_a_reason():
    """Each entry of tools/mutants.toml fits a line as it stands now; one that does not is an error."""
    found = mutation.unseen()
    assert len(found) >= len(mutation.listed()) > 20
    assert all(len(why) > 20 for why in found.values())


def test_an_entry_that_is_in_no_file_is_an_error(tmp_path, monkeypatch):
    listed = tmp_path / "mutants.toml"
    for entry in ("code = 'not_there'", "code = 'if fall > z:'\nwas = 'fall > z'\nnow = 'fall < z'"):
        listed.write_text(
            f"[[fault]]\nfile = 'funnelnb/stats/lifetime/fit.py'\n{entry}\nwhy = 'No reason.'\n",
            encoding="utf-8",
        )
        monkeypatch.setattr(mutation, "LISTED", listed)
        with pytest.raises(ValueError, match="not in the code any more"):
            mutation.unseen()


def test_tolerances_and_what_stands_in_for_a_zero_are_left_alone():
    code = """
_CLOSE, LEAST = 1e-9, 10
def f(x, y):
    safe = np.where(x > 0, x, 1.0)
    if x > _CLOSE or x <= 1 - 1e-12:
        return np.where(x > 0, y, 1.0)
    return x == _CLOSE, x > LEAST
"""
    breaker = mutation.Breaker()
    breaker.visit(ast.parse(code))
    tried = ("10", "0", "x > 0", "1", "1 - 1e-12", "x > _CLOSE or x <= 1 - 1e-12", "0", "x > 0", "1.0")
    assert [was for _, was, _ in breaker.found] == [*tried, "x == _CLOSE", "x > LEAST"]
