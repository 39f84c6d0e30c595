"""No code that nobody calls: vulture reads package and tools without the tests, as a test alone keeps nothing alive."""

import inspect
import re
from pathlib import Path
from types import ModuleType

from vulture import Vulture

import funnelnb as fn

ROOT = Path(__file__).resolve().parents[2]
READ = ("funnelnb", "tools", "benchmarks", "notebooks/src", "conftest.py")
KINDS = {"function", "method", "class", "property"}

# Names that others call: Python, IPython, pandera, Jupyter, and the registries that find a chart or a view by its name.
CALLED_BY_NAME = re.compile(
    r"__\w+__|_repr_\w+_|_ipython_\w+_|\w+_(draw|data)|visit_\w+|handle_\w+|do_\w+|\w+_VIEW"
)

# "name" -> who calls it
ALLOWED = {
    "won_by": "truth of a simulated floor: tests compare with it, courses will",
    "lost_by": "as won_by",
    "won_amount_by": "as won_by",
    "stay_median_days": "as won_by",
    "cycle_median_days": "as won_by",
    "is_business": "public: fn.data.Calendar",
    "PapermillEngine": "an entry point of pyproject.toml: papermill loads it",
    "execute_managed_notebook": "papermill calls it",
    "translate_str": "papermill calls it",
    "terminate": "jupyter_client calls it",
    "_hang_up": "atexit calls it",
    "count_regions": "public by its module, as batch.run.run: docs/batch.md",
    "standings": "read by its name from data/count/scan.py",
    "clustered_share": "the method as stats offers it by itself; analysis.shared.steps uses its parts",
    "policies": "a thousand floors: tests.reference.course works them out",
    "judge": "a year of practice on a sales floor: lessons call it",
    "skill": "as judge",
    "world": "as judge",
    "deal_id": "as judge",
    "deals_of": "public: the ids behind a bar of the waterfall",
    "_render_traceback_": "IPython calls it",
    "bootstrap_test": "the method as stats offers it by itself; analysis calls bootstrap with a say in the effort",
}


def public_names() -> set[str]:
    """What users call: the names at the top and in the namespaces, and the methods of public classes."""
    found: set[str] = set()
    spaces: list[object] = [fn]
    for space in spaces:
        for name in getattr(space, "__all__", ()):
            one = getattr(space, name)
            found.add(name)
            if isinstance(one, ModuleType):
                spaces.append(one)
            elif inspect.isclass(one):
                found |= {own for own in vars(one) if not own.startswith("_")}
    return found


def dead() -> dict[str, str]:
    """Name -> place of what nobody calls."""
    reader = Vulture(ignore_decorators=["@behind", "@EXERCISES.add"])  # registries: found by name or number
    reader.scavenge([str(ROOT / one) for one in READ])
    return {
        item.name: f"{Path(item.filename).relative_to(ROOT)}:{item.first_lineno}"
        for item in reader.get_unused_code(min_confidence=60)
        if item.typ in KINDS
        and not CALLED_BY_NAME.fullmatch(item.name)
        and "funnelnb" in Path(item.filename).parts
    }


def test_nothing_is_dead():
    known = public_names()
    found = {name: place for name, place in dead().items() if name not in known}
    assert (
        sorted(
            f"{place}: nobody calls {name}; take it out"
            for name, place in found.items()
            if name not in ALLOWED
        )
        == []
    )


def test_the_reader_sees_what_nobody_calls(tmp_path):
    (tmp_path / "own.py").write_text(
        "def used():\n    return 1\n\n\ndef unused():\n    return used()\n", encoding="utf-8"
    )
    reader = Vulture(ignore_decorators=["@behind"])
    reader.scavenge([str(tmp_path / "own.py")])
    assert [item.name for item in reader.get_unused_code(min_confidence=60)] == ["unused"]
