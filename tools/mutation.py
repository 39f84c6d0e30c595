"""Do the tests notice a fault? Faults are put into stats and the ledger one by one, and their tests are run.

Usage: tools/mutation.py run [FAULTS] [PATTERN …]   a sample of FAULTS (default 200) in files that match a pattern
       tools/mutation.py list [PATTERN …]           how many faults there could be, by file

A fault is one changed operator, bound, number or side (`left` for `right`). The sample is drawn from FUNNELNB_SEED, so
that a run can be had again. Each fault is tried in a forked process: nothing is written over. First the tests that
import the module are run, and the examples in its docstrings; then, if none fails, those of the modules that use it. A
fault with which they take SLOWER times as long counts as noticed. Before all this they must pass without a fault. The
score carries its Wilson interval; `make verify` wants at least LEAST. docs/quality.md explains survivors.

What no test of numbers can notice is left out of the score. Whole kinds are never put in: a number below TINY (a
tolerance, of which half as much again is one as well), `<` for `<=` beside one (they differ where two numbers differ by
exactly that), the 1.0 of `np.where(x > 0, x, 1.0)` (it stands below a fraction whose top is 0 or is left out),
and seeds.
Single ones are listed with their reasons in tools/mutants.toml, by the line of code in which they stand; an entry that
is in no file any more is an error.
"""

from __future__ import annotations

import ast
import functools
import importlib.abc
import importlib.util
import json
import os
import random
import re
import resource
import sys
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType

ROOT = Path(__file__).resolve().parents[1]
ROOMS = {"funnelnb/stats": "tests/stats", "funnelnb/data/ledger": "tests/data"}
TRUTH = "tests/truth"  # floors with known truth: whichever of them import a module are its tests too
LISTED = ROOT / "tools" / "mutants.toml"
SLOWER, LEAST, TINY = 4, 0.80, 1e-6
SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.And: ast.Or,
    ast.Or: ast.And,
}
ORDER = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
SIDES = {"left": "right", "right": "left"}


def is_tiny(node: ast.AST) -> bool:
    """Say whether a number is so small that it can only be a tolerance."""
    return isinstance(node, ast.Constant) and isinstance(node.value, float) and 0 < node.value < TINY


def tolerances(tree: ast.Module) -> Iterable[str]:
    """Return the names that a module gives to tolerances, and to 1 less a tolerance."""
    for node in tree.body:
        if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Name | ast.Tuple):
            continue
        pairs = [(node.targets[0], node.value)]
        if isinstance(node.targets[0], ast.Tuple) and isinstance(node.value, ast.Tuple):
            pairs = list(zip(node.targets[0].elts, node.value.elts, strict=True))
        for name, value in pairs:
            if isinstance(name, ast.Name) and any(map(is_tiny, ast.walk(value))):
                yield name.id


def stands_in(call: ast.Call) -> bool:
    """Say whether a call is ``np.where(x > least, x, 1.0)``."""
    if ast.unparse(call.func) != "np.where" or len(call.args) != 3:
        return False
    test, value, other = call.args
    above = isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.Gt)
    return above and ast.unparse(test.left) == ast.unparse(value) and ast.unparse(other) == "1.0"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: the n-th place of a file that can be changed."""

    path: str
    place: int
    line: int
    was: str
    now: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}  {self.was}  ->  {self.now}"


class Breaker(ast.NodeTransformer):
    """Walks a module and changes the place with the wanted number; counts them all when none is wanted."""

    def __init__(self, wanted: int = -1) -> None:
        self.wanted = wanted
        self.found: list[tuple[int, str, str]] = []
        self.tolerances: set[str] = set()

    def _hit(self, node: ast.AST, new: ast.AST) -> bool:
        line = getattr(node, "lineno", 0)
        self.found.append((line, ast.unparse(node), ast.unparse(new)))
        return len(self.found) - 1 == self.wanted

    def visit_Module(self, node: ast.Module) -> ast.AST:
        """Learn the names of tolerances first."""
        self.tolerances = set(tolerances(node))
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Leave out what only keeps a division from failing."""
        if not stands_in(node):
            return self.generic_visit(node)
        node.args[:2] = [self.visit(one) for one in node.args[:2]]
        return node

    def _close(self, node: ast.AST) -> bool:
        """Say whether a side of a comparison is a tolerance, or something more or less a tolerance."""
        return any(
            is_tiny(one) or (isinstance(one, ast.Name) and one.id in self.tolerances)
            for one in ast.walk(node)
        )

    def visit(self, node: ast.AST) -> ast.AST:
        """Leave out what no test could or should see: annotations, texts, imports for types."""
        typing = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        if typing or isinstance(node, ast.Raise | ast.JoinedStr | ast.arg):
            return node
        if isinstance(node, ast.AnnAssign):
            if node.value is not None:
                node.value = self.visit(node.value)
            return node
        if isinstance(node, ast.ClassDef):  # its decorator says how it is stored
            node.body = [self.visit(one) for one in node.body]
            return node
        if isinstance(node, ast.FunctionDef):
            node.body = [self.visit(one) for one in node.body]
            given = node.args.args[len(node.args.args) - len(node.args.defaults) :]
            node.args.defaults = [
                one if arg.arg == "seed" else self.visit(one)
                for arg, one in zip(given, node.args.defaults, strict=True)
            ]
            return node
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).endswith("SEED"):
            return node
        return super().visit(node)

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        for k, op in enumerate(node.ops):
            exact = isinstance(op, ORDER) and any(map(self._close, [node.left, *node.comparators]))
            if type(op) in SWAPS and not exact:
                ops = [*node.ops]
                ops[k] = SWAPS[type(op)]()
                new = ast.copy_location(ast.Compare(node.left, ops, node.comparators), node)
                if self._hit(node, new):
                    return new
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if type(node.op) in SWAPS:
            new = ast.copy_location(ast.BinOp(node.left, SWAPS[type(node.op)](), node.right), node)
            if self._hit(node, new):
                return new
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        self.generic_visit(node)
        if type(node.op) in SWAPS:
            new = ast.copy_location(ast.AugAssign(node.target, SWAPS[type(node.op)](), node.value), node)
            if self._hit(node, new):
                return new
        return node

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        self.generic_visit(node)
        new = ast.copy_location(ast.BoolOp(SWAPS[type(node.op)](), node.values), node)
        return new if self._hit(node, new) else node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        self.generic_visit(node)
        return node.operand if self._hit(node, node.operand) else node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        value = node.value
        if is_tiny(node):
            return node
        if isinstance(value, bool):
            other: object = not value
        elif isinstance(value, int):
            other = value + 1
        elif isinstance(value, float):
            other = value * 1.5 if value else 0.5
        elif isinstance(value, str) and value in SIDES:
            other = SIDES[value]
        else:
            return node
        new = ast.copy_location(ast.Constant(other), node)
        return new if self._hit(node, new) else node


def faults(path: Path) -> list[Fault]:
    """Return every fault that can be put into a file."""
    breaker = Breaker()
    breaker.visit(ast.parse(path.read_text(encoding="utf-8")))
    name = str(path.relative_to(ROOT))
    return [Fault(name, k, line, was, now) for k, (line, was, now) in enumerate(breaker.found)]


def listed() -> list[dict[str, str]]:
    """Return what tools/mutants.toml lists: file, code (the line as it stands), was, now, which, why."""
    found: list[dict[str, str]] = tomllib.loads(LISTED.read_text(encoding="utf-8"))["fault"]
    return found


def unseen() -> dict[Fault, str]:
    """Return the faults that cannot be noticed, with the reasons; raise ValueError for an entry that is in no file."""
    found: dict[Fault, str] = {}
    made: dict[Path, tuple[list[str], list[Fault]]] = {}
    lost = []
    for one in listed():
        path = ROOT / one["file"]
        if path not in made:
            made[path] = (
                (path.read_text(encoding="utf-8").splitlines(), faults(path)) if path.exists() else ([], [])
            )
        lines, every = made[path]
        here = [fault for fault in every if lines[fault.line - 1].strip() == one["code"]]
        if "was" in one:
            here = [fault for fault in here if (fault.was, fault.now) == (one["was"], one["now"])]
        if "which" in one:
            here = here[int(one["which"]) - 1 :][:1]
        found |= dict.fromkeys(here, one["why"])
        if not here:
            lost.append(f"{one['file']}: {one['code']}  ({one.get('was', 'any fault')})")
    if lost:
        raise ValueError("tools/mutants.toml lists what is not in the code any more:\n" + "\n".join(lost))
    return found


def broken(fault: Fault) -> ast.Module:
    """Return the module with the fault in it."""
    tree = Breaker(fault.place).visit(ast.parse((ROOT / fault.path).read_text(encoding="utf-8")))
    return ast.fix_missing_locations(tree)


class Instead(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports the broken module in place of the whole one."""

    def __init__(self, name: str, path: Path, tree: ast.Module) -> None:
        self._name, self._path, self._tree = name, path, tree

    def find_spec(self, name: str, *_: object) -> importlib.machinery.ModuleSpec | None:
        """Answer for the one module."""
        if name != self._name:
            return None
        return importlib.util.spec_from_file_location(name, self._path, loader=self)

    def exec_module(self, module: ModuleType) -> None:
        """Run the broken code."""
        exec(compile(self._tree, str(self._path), "exec"), module.__dict__)


def dotted(path: str) -> str:
    """Return the name under which a file is imported."""
    return path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")


@functools.cache
def text_of(path: Path) -> str:
    """Return the text of a file."""
    return path.read_text(encoding="utf-8")


def imports(text: str, path: str) -> bool:
    """Say whether a text imports the module at `path`."""
    package, _, module = dotted(path).rpartition(".")
    named = rf"from {re.escape(dotted(path))} import|from {re.escape(package)} import .*\b{module}\b"
    return re.search(named, text) is not None


@functools.cache
def users_of(path: str) -> tuple[str, ...]:
    """Return the modules of the same rooms that import a module, and those that import these."""
    found, waiting = {path}, [path]
    while waiting:
        one = waiting.pop()
        for room in ROOMS:
            for other in sorted((ROOT / room).rglob("*.py")):
                name = str(other.relative_to(ROOT))
                if name not in found and imports(text_of(other), one):
                    found.add(name)
                    waiting.append(name)
    return tuple(sorted(found - {path}))


def tests_of(path: str) -> tuple[list[str], list[str]]:
    """Return the tests that import a module, with its own examples, and the tests of the modules that use it."""
    room = next(tests for folder, tests in ROOMS.items() if path.startswith(folder))
    files = sorted((ROOT / room).rglob("test_*.py"))
    near = [str(one) for one in files if imports(text_of(one), path)]
    near += [str(one) for one in sorted((ROOT / TRUTH).glob("test_*.py")) if imports(text_of(one), path)]
    far = [str(one) for one in files if any(imports(text_of(one), user) for user in users_of(path))]
    return [str(ROOT / path), *near], [one for one in far if one not in near]


def quiet() -> None:
    """Keep pytest's words away."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)


def seconds(
    rounds: Iterable[list[str]], instead: Instead | None = None, most: float = 3600
) -> tuple[bool, float]:
    """Run rounds of tests in a process of its own, with a module in place of another, for at most so many seconds.

    Returns whether one failed, and the processor time that they took.
    """
    child = os.fork()
    if child == 0:
        quiet()
        resource.setrlimit(resource.RLIMIT_CPU, (int(most), int(most)))
        if instead is not None:
            sys.meta_path.insert(0, instead)
        common = ["-x", "-q", "--no-header", "-p", "no:cacheprovider", "--assert=plain", "-m", "not browser"]
        for tests in rounds:
            if tests and pytest.main([*common, *tests]) not in (0, 5):
                os._exit(1)
        os._exit(0)
    _, status, used = os.wait4(child, 0)
    return status != 0, used.ru_utime + used.ru_stime


def noticed(fault: Fault, usual: float) -> bool:
    """Say whether the tests, which take `usual` seconds without it, notice a fault."""
    instead = Instead(dotted(fault.path), ROOT / fault.path, broken(fault))
    return seconds(tests_of(fault.path), instead, most=SLOWER * usual + 20)[0]


def chosen(patterns: list[str]) -> list[Fault]:
    """Return every fault of the files that match a pattern, or of all."""
    paths = sorted(path for folder in ROOMS for path in (ROOT / folder).rglob("*.py"))
    wanted = [path for path in paths if not patterns or any(one in str(path) for one in patterns)]
    return [fault for path in wanted for fault in faults(path)]


def run(number: int, patterns: list[str]) -> int:
    """Try a sample; print the score and the survivors."""
    for heavy in ("pandas", "scipy.stats"):
        importlib.import_module(heavy)  # once, before the forks

    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    os.environ["CI"] = "true"  # the same examples every time
    everything = chosen(patterns)
    seed = int(os.environ.get("FUNNELNB_SEED", "20261128"))
    drawn, excused = random.Random(seed).sample(everything, min(number, len(everything))), unseen()
    sample = [fault for fault in drawn if fault not in excused]
    usual: dict[str, float] = {}
    for path in dict.fromkeys(fault.path for fault in sample):
        failed, usual[path] = seconds(tests_of(path))
        if failed:
            print(f"the tests of {path} fail without any fault")
            return 2
    survivors, began = [], time.monotonic()
    for k, fault in enumerate(sample, 1):
        if not noticed(fault, usual[fault.path]):
            survivors.append(fault)
            print(f"survived: {fault}", flush=True)
        if k % 20 == 0:
            print(f"{k} tried, {k - len(survivors)} noticed, {time.monotonic() - began:.0f} s", flush=True)
    left_out = [f"{fault}  ({excused[fault]})" for fault in drawn if fault in excused]
    return told(sample, survivors, left_out, len(everything), seed)


def told(sample: list[Fault], survivors: list[Fault], left_out: list[str], every: int, seed: int) -> int:
    """Write build/mutation.json, print the score with its interval; return 1 if it is too low."""
    from funnelnb.stats.rates.proportion import wilson

    seen = len(sample) - len(survivors)
    lower, upper = wilson(seen, len(sample))
    score = {
        "seed": seed,
        "faults_possible": every,
        "faults_tried": len(sample),
        "noticed": seen,
        "share": seen / len(sample),
        "interval": [float(lower), float(upper)],
        "survivors": [str(one) for one in survivors],
        "cannot_be_noticed": left_out,
    }
    target = ROOT / "build" / "mutation.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(score, indent=1, ensure_ascii=False), encoding="utf-8")
    share = f"{100 * seen / len(sample):.1f} % (90 % interval {100 * lower:.1f} to {100 * upper:.1f})"
    print(f"{seen} of {len(sample)} faults noticed, {share}; {every} possible; seed {seed}")
    print(f"cannot be noticed: {len(left_out)} more, listed with reasons in tools/mutants.toml")
    return int(seen / len(sample) < LEAST)


if __name__ == "__main__":
    command, *rest = sys.argv[1:] or ["list"]
    if command == "list":
        for name in dict.fromkeys(fault.path for fault in chosen(rest)):
            print(f"{len(faults(ROOT / name)):5d}  {name}")
        sys.exit(0)
    many = [one for one in rest if one.isdigit()]
    sys.exit(run(int(many[0]) if many else 200, [one for one in rest if not one.isdigit()]))
