"""Arrows point down: who may import whom, read from the code."""

import ast
import functools
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "funnelnb"

# room -> (sentence of the rule, rooms of ours it may import)
RULES = {
    "core": ("core imports nothing else of funnelnb", set()),
    "stats": ("stats knows numbers but no tables", {"core"}),
    "playbooks": ("playbooks are data: they know nothing but core", {"core"}),
    "data": ("data knows tables but no statistics", {"core", "playbooks"}),
    "simulate": ("simulate makes tables: it knows data, never statistics", {"core", "playbooks", "data"}),
    "analysis": ("analysis is where tables and statistics meet", {"core", "playbooks", "data", "stats"}),
    "show": (
        "show turns a result into words and charts and never computes",
        {"core", "playbooks", "analysis"},
    ),
    "notebook": ("notebook only calls", {"core", "playbooks", "data", "analysis", "show"}),
    "batch": ("batch only calls", {"core", "playbooks", "data", "analysis", "show"}),
    "teach": (
        "teach asks and judges; what is true comes from below",
        {"core", "playbooks", "data", "stats", "analysis", "show", "simulate", "notebook"},
    ),
    "cli": (
        "cli only calls",
        {"core", "playbooks", "data", "analysis", "show", "batch", "simulate", "teach"},
    ),
    "behaviour": ("a namespace only names what is public", {"analysis", "data"}),
    "customers": ("a namespace only names what is public", {"analysis"}),
    "diagnosis": ("a namespace only names what is public", {"analysis"}),
    "targets": ("a namespace only names what is public", {"analysis"}),
    "forecasts": ("a namespace only names what is public", {"analysis"}),
    "widgets": ("a namespace only names what is public", {"notebook"}),
    "__init__": ("the root only names what is public", {"core", "notebook"}),
    "__main__": ("__main__ only starts cli", {"cli"}),
}
# Inside a room: each sub-room may use only those that stand before it; the room's own modules stand above all of them.
ORDER = {
    "data": ("contract", "parse", "read", "recognise", "clean", "tidy", "ledger", "count", "events", "store"),
    "stats": ("rates", "curves", "lifetime", "totals", "models", "forecast"),
    "analysis": (
        "shared",
        "conversion",
        "time",
        "priority",
        "targets",
        "behaviour",
        "forecast",
        "quality",
        "diagnosis",
    ),
    "show": ("text", "tables", "views", "charts", "pages"),
}
# Third parties a room may not touch.
FORBIDDEN = {
    "core": {"pandas", "scipy", "altair", "narwhals", "polars", "duckdb", "ipywidgets", "pandera"},
    "stats": {"pandas", "narwhals", "altair", "polars", "duckdb", "pyarrow", "ipywidgets", "pandera"},
    "playbooks": {"pandas", "scipy", "altair", "narwhals", "numpy"},
    "data": {"scipy", "altair", "ipywidgets", "statsmodels", "sklearn"},
    "simulate": {"altair", "ipywidgets"},
    "analysis": {"altair", "ipywidgets", "narwhals", "polars", "duckdb", "pyarrow"},
    "show": {"scipy", "ipywidgets", "polars", "duckdb"},
    "notebook": {"scipy"},
    "batch": {"scipy", "altair"},
    "cli": {"scipy", "altair", "pandas"},
}


def room_of(path: Path) -> str:
    """Folder directly below the package, or the module's own name at the top."""
    parts = path.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else path.stem


@functools.cache
def runtime_imports(source: str) -> list[str]:
    """Dotted names imported anywhere in the module, `if TYPE_CHECKING:` blocks left out."""
    tree = ast.parse(source)
    names: list[str] = []
    skipped: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            skipped.update(child for statement in node.body for child in ast.walk(statement))
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


def broken_rules(path: Path, source: str) -> list[str]:
    room = room_of(path)
    if room not in RULES:
        return [f"{path.name}: the room {room!r} has no rule; add it to RULES and ARCHITECTURE.md"]
    sentence, allowed = RULES[room]
    broken = []
    for name in runtime_imports(source):
        first, _, rest = name.partition(".")
        target = rest.split(".")[0]
        if first == "funnelnb" and target not in allowed | {room, "__version__"}:
            broken.append(f"{path.relative_to(ROOT)} imports {name}: {sentence}")
        if first in FORBIDDEN.get(room, set()):
            broken.append(f"{path.relative_to(ROOT)} imports {name}: {sentence}")
    return broken


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_arrows_point_down(path: Path) -> None:
    assert not broken_rules(path, path.read_text(encoding="utf-8"))


def test_the_rule_can_be_broken() -> None:
    """The test itself sees an arrow that points up, also inside a function."""
    source = "def f():\n    from funnelnb.show import words\n    import pandas"
    found = broken_rules(PACKAGE / "stats" / "made_up.py", source)
    assert [line.split(": ")[1] for line in found] == ["stats knows numbers but no tables"] * 2


def place_of(dotted: str) -> tuple[str, str]:
    """Room and sub-room of a module; the sub-room is empty for a module that stands in the room itself."""
    _, room, *rest = [*dotted.split("."), "", ""][:4]
    return room, rest[0] if rest and rest[0] in ORDER.get(room, ()) else ""


def graph() -> dict[str, set[str]]:
    """Which module of the package imports which at run time, imports inside functions included."""
    names = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for path in PACKAGE.rglob("*.py")
    }
    arrows: dict[str, set[str]] = {}
    for module, path in names.items():
        targets = {
            next((one for one in (name, name.rpartition(".")[0]) if one in names), "")
            for name in runtime_imports(path.read_text(encoding="utf-8"))
        }
        arrows[module] = {target for target in targets if target not in ("", "funnelnb", module)}
    return arrows


def broken_order(arrows: dict[str, set[str]]) -> list[str]:
    """Arrows inside a room that point from a sub-room to one that stands above it."""
    broken = []
    for module, targets in arrows.items():
        room, own = place_of(module)
        order = ORDER.get(room, ())
        for target in targets:
            there, other = place_of(target)
            if there != room or room not in ORDER or target == f"funnelnb.{room}":
                continue
            if own and (not other or order.index(other) > order.index(own)):
                broken.append(
                    f"{module} imports {target}: in {room} the order is {' < '.join(order)} < its own modules"
                )
    return sorted(broken)


def circles(arrows: dict[str, set[str]]) -> list[str]:
    """Modules that reach themselves by following arrows."""
    found = []
    for module, targets in arrows.items():
        seen, ahead = set(), list(targets)
        while ahead:
            one = ahead.pop()
            if one not in seen:
                seen.add(one)
                ahead += arrows.get(one, ())
        if module in seen:
            found.append(module)
    return sorted(found)


def test_arrows_point_down_inside_rooms() -> None:
    assert broken_order(graph()) == []


def test_no_circle_stands_anywhere() -> None:
    # core/display.py names its plug-in by text, so it is no arrow here.
    assert circles(graph()) == []


def test_the_order_inside_rooms_can_be_broken() -> None:
    """A sub-room that reaches above itself is named, and so is a circle hidden in a function."""
    up = {"funnelnb.data.read.raw": {"funnelnb.data.clean.deals"}, "funnelnb.data.clean.deals": set()}
    assert len(broken_order(up)) == 1
    assert len(broken_order({"funnelnb.stats.rates.shrink": {"funnelnb.stats.top"}})) == 1
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == ["a", "b", "c"]


def test_every_sub_room_has_its_sentence_in_architecture() -> None:
    """ARCHITECTURE.md names every sub-room in the order that is held, and no other."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1].strip().strip("`/") for line in text.splitlines() if line.startswith("| `")]
    for room, order in ORDER.items():
        folders = {path.name for path in (PACKAGE / room).iterdir() if (path / "__init__.py").exists()}
        assert folders == set(order)
        assert [row.removeprefix(f"{room}/") for row in rows if row.startswith(f"{room}/")] == list(order)


def test_every_room_is_in_architecture() -> None:
    """ARCHITECTURE.md names every folder and top module of the package, and no other."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    rows = [
        line.split("|")[1].strip().strip("`/")
        for line in text.splitlines()
        if line.startswith("| `funnelnb/")
    ]
    named = {row.removeprefix("funnelnb/").removesuffix(".py").rstrip("/") for row in rows}
    there = {room_of(path) for path in PACKAGE.rglob("*.py")} - {"__init__", "__main__"}
    assert named == there
