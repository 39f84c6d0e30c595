"""The notebooks keep their contract and hold what their checked cells say."""

import functools
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path

import nbformat
import pytest

from funnelnb.batch import forkserver
from funnelnb.batch.engine import PROVISIONER
from tests.conftest import ROOT

sys.path.insert(0, str(ROOT / "tools"))
import notebooks as tool

SOURCES = sorted((ROOT / "notebooks" / "src").glob("*.py"))
EDITIONS = [(source, lang) for source in SOURCES for lang in tool.LANGUAGES]


@pytest.mark.parametrize(("source", "lang"), EDITIONS, ids=lambda value: getattr(value, "stem", value))
def test_contract_and_derivation(source: Path, lang: str) -> None:
    assert tool.problems_of(source, lang) + tool.stored_problems(source, lang) == []


Compared = subprocess.CompletedProcess[str]
CHECKED = "test_checked_outputs_are_what_comes_out"


@pytest.fixture(scope="module")
def nbval(warm_server: str, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Compared]:
    """Run nbval, strict, over notebooks: each in a kernel of its own, forked from the warm server."""
    home = tmp_path_factory.mktemp("jupyter")
    folder = home / "kernels" / "forked"
    folder.mkdir(parents=True)
    spec: dict[str, object] = {
        "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "forked",
        "language": "python",
    }
    if entry_points(
        group="jupyter_client.kernel_provisioners", name=PROVISIONER
    ):  # installed, not only on the path
        spec["metadata"] = {"kernel_provisioner": {"provisioner_name": PROVISIONER}}
    (folder / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
    env = {**os.environ, forkserver.ADDRESS: warm_server, "JUPYTER_PATH": str(home)}

    def run(*paths: Path, cwd: Path = ROOT) -> Compared:
        command = [sys.executable, "-m", "pytest", "--nbval", "--nbval-kernel-name", "forked", "-q", "-rA"]
        command += ["-p", "no:cacheprovider", "-W", "default", *map(str, paths)]
        return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=env, check=False)

    return run


@pytest.fixture(scope="module")
def compared(nbval: Callable[..., Compared], request: pytest.FixtureRequest) -> Callable[[str], Compared]:
    """Compare the notebooks of a language that are asked for in one go: what nbval said of each of their cells."""
    asked = [
        (item.callspec.params["source"], item.callspec.params["lang"])
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.originalname == CHECKED and item.path == Path(__file__)
    ]
    return functools.cache(
        lambda lang: nbval(
            *(ROOT / "notebooks" / lang / f"{one.stem}.ipynb" for one, its in asked if its == lang)
        )
    )


@pytest.mark.parametrize(("source", "lang"), EDITIONS, ids=lambda value: getattr(value, "stem", value))
def test_checked_outputs_are_what_comes_out(
    source: Path, lang: str, compared: Callable[[str], Compared]
) -> None:
    """nbval, strict: every checked cell's stored text is compared with a fresh run."""
    path = Path("notebooks") / lang / f"{source.stem}.ipynb"
    said = compared(lang)
    cells = sum(one.cell_type == "code" for one in nbformat.read(ROOT / path, as_version=4).cells)
    held = re.findall(rf"^PASSED {re.escape(path.as_posix())}::", said.stdout, flags=re.MULTILINE)
    assert len(held) == cells, said.stdout[-6000:] + said.stderr[-2000:]


def test_nbval_sees_a_changed_number(tmp_path: Path, nbval: Callable[..., Compared]) -> None:
    """The comparison can fail: one digit changed in one stored output."""
    notebook = nbformat.read(ROOT / "notebooks" / "en" / f"{SOURCES[1].stem}.ipynb", as_version=4)
    cell = next(cell for cell in notebook.cells if "check" in cell.metadata.get("tags", []))
    text = cell.outputs[0].text
    digit = next(place for place, char in enumerate(text) if char.isdigit())
    cell.outputs[0].text = text[:digit] + str((int(text[digit]) + 1) % 10) + text[digit + 1 :]
    notebook.cells = notebook.cells[: notebook.cells.index(cell) + 1]
    path = tmp_path / "changed.ipynb"
    nbformat.write(notebook, path)
    run = nbval(path, cwd=tmp_path)
    assert run.returncode == 1
    assert "1 failed" in run.stdout


BAD = """# %% [markdown] tags=["lang-en", "lang-zh"]
# # One
#
# # Two

# %% tags=["parameters"]
horizon_days = 180

# %%
import pandas as pd

def rate(won, n):
    return won / n
"""


def test_the_contract_can_be_broken(tmp_path: Path) -> None:
    source = tmp_path / "99_bad.py"
    source.write_text(BAD, encoding="utf-8")
    found = "\n".join(tool.problems_of(source, "en"))
    for words in (
        "2 top-level headings",
        "lacks a type or a comment",
        "imports 'import pandas as pd'",
        "FunctionDef",
        "BinOp",
        "no text after it",
        "0 checked cells",
        "What this does not show",
    ):
        assert words in found
